#include "hw/ps2_keyboard.h"

#include <set>

#include "tests/hw/bench.h"

namespace orrery::hw {
namespace {

using core::Key;
using Bytes = std::vector<u8>;
constexpr u64 kMs = 1'000'000;

class Keyboard : public ::testing::Test {
 protected:
  Bench bench;
  Ps2Keyboard keyboard{bench.clock, bench.log};

  void SetUp() override { keyboard.reset(); }
  Bytes take() {
    Bytes out;
    while (keyboard.has_byte() && out.size() < 100) out.push_back(keyboard.take_byte());
    return out;
  }
  Bytes send(std::initializer_list<u8> bytes) {
    Bytes out;
    for (const u8 byte : bytes) {
      keyboard.receive(byte);
      const Bytes got = take();
      out.insert(out.end(), got.begin(), got.end());
    }
    return out;
  }
  Bytes press(Key key) {
    keyboard.press(key, true);
    return take();
  }
  Bytes release(Key key) {
    keyboard.press(key, false);
    return take();
  }
  void use_set(u8 set) { EXPECT_EQ(send({0xf0, set}), (Bytes{0xfa, 0xfa})); }
};

TEST_F(Keyboard, SpeaksSet2AfterPowerOn) {
  EXPECT_EQ(press(Key::A), (Bytes{0x1c}));
  EXPECT_EQ(release(Key::A), (Bytes{0xf0, 0x1c}));
  EXPECT_EQ(press(Key::CtrlR), (Bytes{0xe0, 0x14}));
  EXPECT_EQ(release(Key::CtrlR), (Bytes{0xe0, 0xf0, 0x14}));
  EXPECT_EQ(press(Key::F7), (Bytes{0x83}));
}

TEST_F(Keyboard, AKeyThatIsAlreadyDownGivesNothing) {
  press(Key::A);
  EXPECT_EQ(press(Key::A), Bytes{});
  release(Key::A);
  EXPECT_EQ(release(Key::A), Bytes{});
  EXPECT_EQ(press(static_cast<Key>(0)), Bytes{});
}

TEST_F(Keyboard, SpeaksSet1) {
  use_set(1);
  EXPECT_EQ(press(Key::A), (Bytes{0x1e}));
  EXPECT_EQ(release(Key::A), (Bytes{0x9e}));
  EXPECT_EQ(press(Key::Left), (Bytes{0xe0, 0x4b}));
  EXPECT_EQ(release(Key::Left), (Bytes{0xe0, 0xcb}));
}

TEST_F(Keyboard, SpeaksSet3WithItsKeyTypes) {
  use_set(3);
  EXPECT_EQ(press(Key::A), (Bytes{0x1c}));
  EXPECT_EQ(release(Key::A), Bytes{}) << "typematic only";
  EXPECT_EQ(press(Key::Shift), (Bytes{0x12}));
  EXPECT_EQ(release(Key::Shift), (Bytes{0xf0, 0x12})) << "make and break";
  EXPECT_EQ(press(Key::F1), (Bytes{0x07}));
  EXPECT_EQ(release(Key::F1), Bytes{}) << "make only";
  EXPECT_EQ(send({0xfc, 0x1c, 0x07}), (Bytes{0xfa, 0xfa, 0xfa}));
  EXPECT_EQ(send({0xf4}), (Bytes{0xfa}));
  press(Key::A);
  EXPECT_EQ(release(Key::A), (Bytes{0xf0, 0x1c}));
  press(Key::B);
  EXPECT_EQ(release(Key::B), Bytes{});
  EXPECT_EQ(send({0xfa}), (Bytes{0xfa}));
  press(Key::B);
  EXPECT_EQ(release(Key::B), (Bytes{0xf0, 0x32}));
  EXPECT_EQ(send({0xf9}), (Bytes{0xfa}));
  press(Key::B);
  bench.run_for(3000 * kMs);
  EXPECT_EQ(take(), Bytes{}) << "make only does not repeat";
  EXPECT_EQ(press(Key::AudioMute), Bytes{}) << "not in set 3";
}

TEST_F(Keyboard, NavigationKeysAreWrappedInFalseShifts) {
  use_set(1);
  press(Key::Shift);
  EXPECT_EQ(press(Key::Up), (Bytes{0xe0, 0xaa, 0xe0, 0x48}));
  EXPECT_EQ(release(Key::Up), (Bytes{0xe0, 0xc8, 0xe0, 0x2a}));
  EXPECT_EQ(press(Key::KpDivide), (Bytes{0xe0, 0xaa, 0xe0, 0x35}));
  release(Key::KpDivide);
  release(Key::Shift);
  press(Key::ShiftR);
  EXPECT_EQ(press(Key::Delete), (Bytes{0xe0, 0xb6, 0xe0, 0x53}));
  EXPECT_EQ(release(Key::Delete), (Bytes{0xe0, 0xd3, 0xe0, 0x36}));
  release(Key::ShiftR);
  send({0xed, 0x02});
  EXPECT_EQ(press(Key::Home), (Bytes{0xe0, 0x2a, 0xe0, 0x47}));
  EXPECT_EQ(release(Key::Home), (Bytes{0xe0, 0xc7, 0xe0, 0xaa}));
  press(Key::Shift);
  EXPECT_EQ(press(Key::Home), (Bytes{0xe0, 0x47}));
  use_set(2);
  release(Key::Home);
  EXPECT_EQ(press(Key::KpDivide), (Bytes{0xe0, 0xf0, 0x12, 0xe0, 0x4a}));
}

TEST_F(Keyboard, PrintScreenAndPauseHaveSequencesOfTheirOwn) {
  EXPECT_EQ(press(Key::Print), (Bytes{0xe0, 0x12, 0xe0, 0x7c}));
  EXPECT_EQ(release(Key::Print), (Bytes{0xe0, 0xf0, 0x7c, 0xe0, 0xf0, 0x12}));
  EXPECT_EQ(press(Key::Pause), (Bytes{0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77}));
  EXPECT_EQ(release(Key::Pause), Bytes{});
  press(Key::Ctrl);
  EXPECT_EQ(press(Key::Print), (Bytes{0xe0, 0x7c}));
  release(Key::Print);
  EXPECT_EQ(press(Key::Pause), (Bytes{0xe0, 0x7e, 0xe0, 0xf0, 0x7e}));
  release(Key::Pause);
  release(Key::Ctrl);
  press(Key::Alt);
  EXPECT_EQ(press(Key::Print), (Bytes{0x84}));
  EXPECT_EQ(release(Key::Print), (Bytes{0xf0, 0x84}));
  release(Key::Alt);
  use_set(1);
  EXPECT_EQ(press(Key::Pause), (Bytes{0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5}));
  release(Key::Pause);
  EXPECT_EQ(press(Key::Print), (Bytes{0xe0, 0x2a, 0xe0, 0x37}));
  EXPECT_EQ(release(Key::Print), (Bytes{0xe0, 0xb7, 0xe0, 0xaa}));
}

TEST_F(Keyboard, RepeatsAfterHalfASecondAtNearlyElevenASecond) {
  press(Key::X);
  bench.run_for(500 * kMs - 1);
  EXPECT_EQ(take(), Bytes{});
  bench.run_for(1);
  EXPECT_EQ(take(), (Bytes{0x22}));
  std::size_t count = 0;
  for (unsigned i = 0; i < 100; ++i) {
    bench.run_for(100 * kMs);
    count += take().size();
  }
  EXPECT_EQ(count, 109u) << "10.9 a second";
  release(Key::X);
  bench.run_for(1000 * kMs);
  EXPECT_EQ(take(), Bytes{});
}

TEST_F(Keyboard, TypematicRateAndDelayAreTheGuestsChoice) {
  send({0xf3, 0x00});  // 30 a second after 250 ms
  press(Key::Delete);
  bench.run_for(250 * kMs);
  EXPECT_EQ(take(), (Bytes{0xe0, 0x71}));
  bench.run_for(34 * kMs);
  EXPECT_EQ(take(), (Bytes{0xe0, 0x71}));
  send({0xf3, 0x7f});  // 2 a second after one second
  release(Key::Delete);
  press(Key::A);
  take();
  bench.run_for(999 * kMs);
  EXPECT_EQ(take(), Bytes{});
  bench.run_for(1 * kMs);
  EXPECT_EQ(take(), (Bytes{0x1c}));
  bench.run_for(499 * kMs);
  EXPECT_EQ(take(), Bytes{});
  bench.run_for(1 * kMs);
  EXPECT_EQ(take(), (Bytes{0x1c}));
}

TEST_F(Keyboard, OnlyTheLastKeyPressedRepeats) {
  press(Key::A);
  press(Key::B);
  bench.run_for(500 * kMs);
  EXPECT_EQ(take(), (Bytes{0x32}));
  release(Key::B);
  bench.run_for(2000 * kMs);
  EXPECT_EQ(take(), Bytes{});
}

TEST_F(Keyboard, TheBufferHolds16BytesAndThenAnOverrunMark) {
  for (unsigned i = 0; i < 20; ++i) {
    keyboard.press(Key::A, true);
    keyboard.press(Key::A, false);
  }
  const Bytes got = take();
  ASSERT_EQ(got.size(), 17u);
  EXPECT_EQ(got.back(), 0x00);
  use_set(1);
  for (unsigned i = 0; i < 20; ++i) {
    keyboard.press(Key::A, true);
    keyboard.press(Key::A, false);
  }
  EXPECT_EQ(take().back(), 0xff);
  EXPECT_EQ(press(Key::A), (Bytes{0x1e}));
}

TEST_F(Keyboard, AHeldKeyDoesNotFillTheBuffer) {
  keyboard.press(Key::A, true);
  bench.run_for(60'000 * kMs);
  keyboard.press(Key::A, false);
  const Bytes got = take();
  EXPECT_LE(got.size(), 16u);
  EXPECT_EQ(got.back(), 0x1c);
  EXPECT_EQ(got[got.size() - 2], 0xf0) << "the release is not lost";
}

TEST_F(Keyboard, CommandsAnswerAsTheReferenceSays) {
  EXPECT_EQ(send({0xee}), (Bytes{0xee}));
  EXPECT_EQ(send({0xf2}), (Bytes{0xfa, 0xab, 0x83}));
  EXPECT_EQ(send({0xed, 0x05}), (Bytes{0xfa, 0xfa}));
  EXPECT_EQ(keyboard.leds(), 5);
  EXPECT_EQ(send({0xf0, 0x00}), (Bytes{0xfa, 0xfa, 0x02}));
  EXPECT_EQ(send({0xf0, 0x07}), (Bytes{0xfa, 0xfe}));
  EXPECT_EQ(send({0x42}), (Bytes{0xfe}));
  EXPECT_EQ(send({0xf1}), (Bytes{0xfe}));
  EXPECT_EQ(send({0xed, 0xee}), (Bytes{0xfa, 0xee})) << "a command ends the wait for a parameter";
  EXPECT_EQ(keyboard.leds(), 5);
}

TEST_F(Keyboard, ResendRepeatsTheLastByte) {
  press(Key::Q);
  EXPECT_EQ(send({0xfe}), (Bytes{0x15}));
}

TEST_F(Keyboard, ResetAcknowledgesAndReportsItsSelfTestLater) {
  send({0xed, 0x07});
  use_set(3);
  EXPECT_EQ(send({0xff}), (Bytes{0xfa}));
  EXPECT_EQ(keyboard.leds(), 0);
  bench.run_for(1000 * kMs);
  EXPECT_EQ(take(), (Bytes{0xaa}));
  EXPECT_EQ(send({0xf0, 0x00}), (Bytes{0xfa, 0xfa, 0x02}));
}

TEST_F(Keyboard, DisabledItSendsNoCodes) {
  EXPECT_EQ(send({0xf5}), (Bytes{0xfa}));
  EXPECT_EQ(press(Key::A), Bytes{});
  EXPECT_EQ(send({0xf4}), (Bytes{0xfa}));
  EXPECT_EQ(press(Key::B), (Bytes{0x32}));
}

TEST_F(Keyboard, EnableEmptiesTheBufferAndRepliesGoFirst) {
  keyboard.press(Key::A, true);
  keyboard.receive(0xee);
  EXPECT_EQ(take(), (Bytes{0xee, 0x1c}));
  keyboard.press(Key::B, true);
  keyboard.receive(0xf4);
  EXPECT_EQ(take(), (Bytes{0xfa}));
}

TEST_F(Keyboard, TellsItsPortThatItHasAByte) {
  unsigned told = 0;
  keyboard.on_byte([&] { ++told; });
  keyboard.press(Key::A, true);
  EXPECT_EQ(told, 1u);
  keyboard.receive(0xff);
  EXPECT_EQ(told, 2u);
  bench.run_for(1000 * kMs);
  EXPECT_EQ(told, 3u);
}

TEST_F(Keyboard, ArchiveContract) {
  Bench other_bench;
  Ps2Keyboard other(other_bench.clock, other_bench.log);
  test::expect_archive_contract(keyboard, other, [&] {
    use_set(3);
    send({0xed, 0x03, 0xfc, 0x1c});
    keyboard.press(Key::A, true);
    keyboard.receive(0xee);
    bench.run_for(600 * kMs);
  });
  EXPECT_TRUE(other.is_down(Key::A));
}

TEST(Keys, EveryKeyHasOneNameOneNumberAndOneCodeInEachSet) {
  std::set<std::string_view> names;
  std::set<unsigned> usages;
  std::set<unsigned> set1;
  std::set<unsigned> set2;
  std::set<unsigned> set3;
  const unsigned E0 = 0xe0;
#define ORRERY_KEY(name, text, usage, prefix, code1, code2, code3, kind, group) \
  EXPECT_TRUE(names.insert(text).second) << text;                               \
  EXPECT_TRUE(usages.insert(usage).second) << text;                             \
  if (std::string_view(#group) != "Pause") {                                    \
    EXPECT_TRUE(set1.insert((prefix + 0u) << 8 | code1).second) << text;        \
    EXPECT_TRUE(set2.insert((prefix + 0u) << 8 | code2).second) << text;        \
  }                                                                             \
  EXPECT_TRUE(code3 == 0 || set3.insert(code3).second) << text;                 \
  EXPECT_EQ(core::key_from_name(text), Key::name);                              \
  EXPECT_EQ(core::key_name(Key::name), text);                                   \
  EXPECT_EQ(core::key_from_usage(usage), Key::name);
#include "hw/core/keys.inc"
#undef ORRERY_KEY
  EXPECT_GE(names.size(), 105u + 17u);
  EXPECT_EQ(core::key_from_name("nosuchkey"), std::nullopt);
  EXPECT_EQ(core::key_from_usage(0), std::nullopt);
}

}  // namespace
}  // namespace orrery::hw
