#include "hw/keyboard_controller.h"

#include <deque>

#include "tests/hw/bench.h"

namespace orrery::hw {
namespace {

using Bytes = std::vector<u8>;
constexpr u64 kByte = KeyboardController::kByteNs;

class FakeDevice final : public core::Ps2Port {
 public:
  void receive(u8 byte) override { received.push_back(byte); }
  bool has_byte() const override { return !bytes.empty(); }
  u8 take_byte() override {
    const u8 byte = bytes.front();
    bytes.pop_front();
    return byte;
  }
  void say(std::initializer_list<u8> list) {
    bytes.insert(bytes.end(), list);
    byte_ready();
  }
  std::deque<u8> bytes;
  Bytes received;
};

struct Rig {
  Bench bench;
  FakeDevice keyboard, mouse;
  core::LevelLine irq1, irq12;
  core::EdgeLine reset_line;
  bool a20 = true;
  unsigned resets = 0;
  KeyboardController i8042;

  explicit Rig(bool with_mouse = true)
      : i8042(bench.ports, bench.clock, bench.log, keyboard, with_mouse ? &mouse : nullptr, irq1, irq12,
              {[this](bool on) { a20 = on; }, [this] { return a20; }}, reset_line) {
    reset_line.connect([this] { ++resets; });
    i8042.reset();
  }
};

class I8042 : public ::testing::Test, protected Rig {
 protected:
  void data(u8 value) { bench.out(0x60, value); }
  void command(u8 value) { bench.out(0x64, value); }
  void command(u8 value, u8 parameter) {
    command(value);
    data(parameter);
  }
  u8 status() { return bench.in(0x64); }
  u8 data() { return bench.in(0x60); }
  u8 ask(u8 value) {
    command(value);
    EXPECT_EQ(status() & 0x21, 0x01) << "answers at once";
    return data();
  }
  /// What the guest reads if it takes every byte as soon as it comes.
  Bytes read_all() {
    Bytes out;
    for (unsigned i = 0; i < 40; ++i) {
      bench.run_for(kByte);
      if ((status() & 1) != 0) out.push_back(data());
    }
    return out;
  }
};

TEST_F(I8042, TestsAndCommandByte) {
  EXPECT_EQ(status(), 0x10);
  EXPECT_EQ(ask(0xaa), 0x55);
  EXPECT_EQ(status(), 0x1c) << "system flag set by the self-test, last write was a command";
  EXPECT_EQ(ask(0xab), 0x00);
  EXPECT_EQ(ask(0xa9), 0x00);
  EXPECT_EQ(ask(0xa4), 0xf1);
  EXPECT_EQ(ask(0xc0), 0x80);
  command(0x60, 0x65);
  EXPECT_EQ(ask(0x20), 0x65);
  command(0x65, 0x99);
  EXPECT_EQ(ask(0x25), 0x99);
  EXPECT_EQ(ask(0x20), 0x65);
  data(0xf4);
  EXPECT_EQ(status() & 0x08, 0) << "last write was data";
}

TEST_F(I8042, ABytesWayFromTheKeyboardTakesTimeAndRaisesIrq1) {
  keyboard.say({0x1c});
  bench.run_for(kByte - 1);
  EXPECT_EQ(status() & 1, 0);
  EXPECT_FALSE(irq1.level());
  bench.run_for(1);
  EXPECT_EQ(status() & 0x21, 0x01);
  EXPECT_TRUE(irq1.level());
  EXPECT_FALSE(irq12.level());
  EXPECT_EQ(data(), 0x1c);
  EXPECT_FALSE(irq1.level());
  EXPECT_EQ(data(), 0x1c) << "an empty buffer shows its last byte";
}

TEST_F(I8042, MouseBytesSetTheAuxBitAndRaiseIrq12) {
  mouse.say({0x08, 0x01});
  bench.run_for(kByte);
  EXPECT_EQ(status() & 0x21, 0x21);
  EXPECT_TRUE(irq12.level());
  EXPECT_FALSE(irq1.level());
  keyboard.say({0x1c});
  bench.run_for(10 * kByte);
  EXPECT_EQ(data(), 0x08) << "nothing overwrites a full buffer";
  EXPECT_EQ(read_all(), (Bytes{0x1c, 0x01}));
}

TEST_F(I8042, InterruptsAreEnabledByTheCommandByte) {
  command(0x60, 0x00);
  keyboard.say({0x1c});
  bench.run_for(kByte);
  EXPECT_FALSE(irq1.level());
  command(0x60, 0x01);
  EXPECT_TRUE(irq1.level());
}

TEST_F(I8042, TranslatesSet2ToSet1) {
  command(0x60, 0x41);
  keyboard.say({0x1c, 0xf0, 0x1c, 0xe0, 0x75, 0xe0, 0xf0, 0x75, 0x83, 0x84});
  EXPECT_EQ(read_all(), (Bytes{0x1e, 0x9e, 0xe0, 0x48, 0xe0, 0xc8, 0x41, 0x54}));
  keyboard.say({0xfa, 0xab, 0x83, 0xaa, 0xee, 0xfe});
  EXPECT_EQ(read_all(), (Bytes{0xfa, 0xab, 0x41, 0xaa, 0xee, 0xfe}));
  command(0x60, 0x01);
  keyboard.say({0xf0, 0x1c});
  EXPECT_EQ(read_all(), (Bytes{0xf0, 0x1c}));
}

TEST_F(I8042, DisabledPortsHoldTheirDevicesBack) {
  command(0xad);
  EXPECT_EQ(ask(0x20) & 0x10, 0x10);
  keyboard.say({0x1c});
  EXPECT_EQ(read_all(), Bytes{});
  command(0xae);
  EXPECT_EQ(read_all(), (Bytes{0x1c}));
  command(0xa7);
  mouse.say({0x08});
  EXPECT_EQ(read_all(), Bytes{});
  command(0xa8);
  EXPECT_EQ(read_all(), (Bytes{0x08}));
}

TEST_F(I8042, DisablingWhileAByteIsUnderWayKeepsItInTheKeyboard) {
  keyboard.say({0x1c});
  bench.run_for(kByte / 2);
  command(0xad);
  EXPECT_EQ(read_all(), Bytes{});
  EXPECT_EQ(ask(0x20), 0x13);
  command(0xae);
  EXPECT_EQ(read_all(), (Bytes{0x1c}));
}

TEST_F(I8042, AnswersGoBeforeDevicesAndWaitForTheBuffer) {
  keyboard.say({0x1c, 0x32});
  bench.run_for(kByte);
  command(0xab);
  EXPECT_EQ(data(), 0x1c);
  EXPECT_EQ(status() & 1, 1);
  EXPECT_EQ(data(), 0x00);
  EXPECT_EQ(read_all(), (Bytes{0x32}));
}

TEST_F(I8042, SendsBytesToItsDevicesAndOpensTheirPorts) {
  command(0xad);
  command(0xa7);
  data(0xed);
  EXPECT_EQ(keyboard.received, (Bytes{0xed}));
  command(0xd4, 0xf4);
  EXPECT_EQ(mouse.received, (Bytes{0xf4}));
  EXPECT_EQ(ask(0x20) & 0x30, 0x00);
}

TEST_F(I8042, D2AndD3PutBytesIntoTheBufferAsIfFromADevice) {
  command(0xd2, 0x77);
  EXPECT_EQ(status() & 0x21, 0x01);
  EXPECT_TRUE(irq1.level());
  EXPECT_EQ(data(), 0x77);
  command(0xd3, 0x78);
  EXPECT_EQ(status() & 0x21, 0x21);
  EXPECT_TRUE(irq12.level());
  EXPECT_EQ(data(), 0x78);
}

TEST_F(I8042, TheOutputPortHoldsA20AndReset) {
  EXPECT_EQ(ask(0xd0), 0xc3);
  command(0xd1, 0xdd);
  EXPECT_FALSE(a20);
  EXPECT_EQ(ask(0xd0) & 0x02, 0x00);
  command(0xd1, 0xdf);
  EXPECT_TRUE(a20);
  command(0xdd);
  EXPECT_FALSE(a20);
  command(0xdf);
  EXPECT_TRUE(a20);
  EXPECT_EQ(resets, 0u);
  command(0xd1, 0xfe);
  EXPECT_EQ(resets, 1u);
  command(0xfe);
  EXPECT_EQ(resets, 2u);
  command(0xff);
  command(0xfd);
  EXPECT_EQ(resets, 2u);
}

TEST_F(I8042, ANewCommandDropsTheWaitForAParameter) {
  command(0xd1);
  command(0xae);
  data(0x00);
  EXPECT_TRUE(a20);
  EXPECT_EQ(resets, 0u);
  EXPECT_EQ(keyboard.received, (Bytes{0x00}));
}

TEST_F(I8042, KnowsWhetherTheGuestHasReadAllOfTheKeyboard) {
  EXPECT_TRUE(i8042.keyboard_drained());
  keyboard.say({0x1c, 0xf0, 0x1c});
  EXPECT_FALSE(i8042.keyboard_drained());
  bench.run_for(kByte);
  data();
  bench.run_for(kByte);
  data();
  bench.run_for(kByte);
  EXPECT_FALSE(i8042.keyboard_drained());
  data();
  EXPECT_TRUE(i8042.keyboard_drained());
  mouse.say({1});
  bench.run_for(kByte);
  EXPECT_TRUE(i8042.keyboard_drained());
  data();
}

TEST_F(I8042, NothingTheGuestSendsFillsMemory) {
  for (unsigned i = 0; i < 10'000; ++i) command(0xaa);
  EXPECT_LE(read_all().size(), 17u);
}

TEST(I8042WithoutMouse, TimesOutOnTheAuxiliaryPort) {
  Rig rig(false);
  rig.bench.out(0x64, 0xd4);
  rig.bench.out(0x60, 0xf2);
  EXPECT_EQ(rig.bench.in(0x64) & 0x61, 0x61);
  EXPECT_EQ(rig.bench.in(0x60), 0xfe);
  rig.bench.out(0x64, 0xa9);
  EXPECT_EQ(rig.bench.in(0x60), 0xff);
}

TEST_F(I8042, ArchiveContract) {
  Rig other;
  test::expect_archive_contract(i8042, other.i8042, [&] {
    command(0x60, 0x43);
    keyboard.say({0xf0, 0x1c});
    bench.run_for(kByte);
    command(0xaa);
    command(0xab);
    command(0xd1);
  });
  EXPECT_TRUE(other.irq1.level());
}

}  // namespace
}  // namespace orrery::hw
