#include "hw/ps2_mouse.h"

#include <limits>

#include "tests/hw/bench.h"

namespace orrery::hw {
namespace {

using Bytes = std::vector<u8>;
constexpr u64 kMs = 1'000'000;

class Mouse : public ::testing::Test {
 protected:
  Bench bench;
  Ps2Mouse mouse{bench.clock, bench.log};

  void SetUp() override { mouse.reset(); }
  Bytes take() {
    Bytes out;
    while (mouse.has_byte() && out.size() < 100) out.push_back(mouse.take_byte());
    return out;
  }
  Bytes send(std::initializer_list<u8> bytes) {
    Bytes out;
    for (const u8 byte : bytes) {
      mouse.receive(byte);
      const Bytes got = take();
      out.insert(out.end(), got.begin(), got.end());
    }
    return out;
  }
  void make_wheel() {
    send({0xf3, 200, 0xf3, 100, 0xf3, 80});
    EXPECT_EQ(send({0xf2}), (Bytes{0xfa, 3}));
  }
  void make_explorer() {
    send({0xf3, 200, 0xf3, 200, 0xf3, 80});
    EXPECT_EQ(send({0xf2}), (Bytes{0xfa, 4}));
  }
};

TEST_F(Mouse, IsSilentUntilReportingIsEnabled) {
  mouse.move(5, 5);
  mouse.set_buttons(1);
  EXPECT_EQ(take(), Bytes{});
  EXPECT_EQ(send({0xf4}), (Bytes{0xfa}));
  EXPECT_EQ(take(), Bytes{}) << "what happened before does not count";
  bench.run_for(10 * kMs);
  mouse.move(3, -2);
  EXPECT_EQ(take(), (Bytes{0x09, 3, 2}));
}

TEST_F(Mouse, SignsAreBitsOfTheFirstByte) {
  send({0xf4});
  mouse.move(-1, 1);
  EXPECT_EQ(take(), (Bytes{0x38, 0xff, 0xff}));
}

TEST_F(Mouse, ReportsKeepTheSampleRateAndGatherMotion) {
  send({0xf3, 40, 0xf4});
  mouse.move(1, 0);
  EXPECT_EQ(take(), (Bytes{0x08, 1, 0}));
  mouse.move(1, 0);
  mouse.move(1, 0);
  EXPECT_EQ(take(), Bytes{});
  bench.run_for(25 * kMs - 1);
  EXPECT_EQ(take(), Bytes{});
  bench.run_for(1);
  EXPECT_EQ(take(), (Bytes{0x08, 2, 0}));
  bench.run_for(1000 * kMs);
  EXPECT_EQ(take(), Bytes{}) << "no news, no report";
}

TEST_F(Mouse, AFastMoveArrivesWholeInSeveralReports) {
  send({0xf4});
  mouse.move(600, 0);
  i32 x = 0;
  for (unsigned i = 0; i < 5; ++i) {
    const Bytes got = take();
    if (!got.empty()) x += got[1] - ((got[0] & 0x10) != 0 ? 256 : 0);
    bench.run_for(10 * kMs);
  }
  EXPECT_EQ(x, 600);
}

TEST_F(Mouse, AbsurdMotionIsCutOffButDoesNotOverflow) {
  send({0xf4});
  for (unsigned i = 0; i < 10; ++i) {
    mouse.move(std::numeric_limits<i32>::max(), std::numeric_limits<i32>::min());
    mouse.wheel(std::numeric_limits<i32>::min());
  }
  EXPECT_EQ(take(), (Bytes{0x08, 0xff, 0xff}));
}

TEST_F(Mouse, Scaling2To1FollowsTheTableInStreamModeOnly) {
  send({0xe7, 0xf4});
  const i32 expected[] = {0, 1, 1, 3, 6, 9, 12, 14};
  for (i32 i = 1; i < 8; ++i) {
    bench.run_for(10 * kMs);
    mouse.move(i, i);
    const Bytes got = take();
    ASSERT_EQ(got.size(), 3u);
    EXPECT_EQ(got[1], expected[i]);
    EXPECT_EQ(got[2], static_cast<u8>(-expected[i]));
  }
  bench.run_for(10 * kMs);
  mouse.move(200, 0);
  EXPECT_EQ(take(), (Bytes{0x48, 0xff, 0})) << "overflow";
  send({0xf0});
  mouse.move(4, 0);
  EXPECT_EQ(send({0xeb}), (Bytes{0xfa, 0x08, 4, 0}));
}

TEST_F(Mouse, RemoteModeReportsOnlyWhenAsked) {
  send({0xf0});
  mouse.move(7, 0);
  mouse.set_buttons(2);
  bench.run_for(100 * kMs);
  EXPECT_EQ(take(), Bytes{});
  EXPECT_EQ(send({0xeb}), (Bytes{0xfa, 0x0a, 7, 0}));
  EXPECT_EQ(send({0xeb}), (Bytes{0xfa, 0x0a, 0, 0}));
}

TEST_F(Mouse, WrapModeEchoesEverythingButItsEndAndReset) {
  send({0xf4, 0xee});
  EXPECT_EQ(send({0x12, 0xf2, 0xf4}), (Bytes{0x12, 0xf2, 0xf4}));
  mouse.move(1, 1);
  EXPECT_EQ(take(), Bytes{});
  EXPECT_EQ(send({0xec, 0xf2}), (Bytes{0xfa, 0xfa, 0}));
}

TEST_F(Mouse, StatusShowsSettingsAndButtons) {
  EXPECT_EQ(send({0xe9}), (Bytes{0xfa, 0x00, 2, 100}));
  send({0xe7, 0xe8, 3, 0xf3, 60, 0xf4});
  mouse.set_buttons(1);
  EXPECT_EQ(send({0xe9}), (Bytes{0xfa, 0x34, 3, 60}));
  mouse.set_buttons(6);
  send({0xf0});
  EXPECT_EQ(send({0xe9}), (Bytes{0xfa, 0x73, 3, 60}));
  EXPECT_EQ(send({0xf6, 0xe9}), (Bytes{0xfa, 0xfa, 0x03, 2, 100}));
}

TEST_F(Mouse, BecomesAWheelMouse) {
  make_wheel();
  send({0xf4});
  mouse.wheel(1);
  EXPECT_EQ(take(), (Bytes{0x08, 0, 0, 0xff}));
  bench.run_for(20 * kMs);
  mouse.wheel(-10);
  EXPECT_EQ(take(), (Bytes{0x08, 0, 0, 7}));
  bench.run_for(20 * kMs);
  EXPECT_EQ(take(), (Bytes{0x08, 0, 0, 3}));
}

TEST_F(Mouse, BecomesAFiveButtonMouse) {
  make_explorer();
  send({0xf4});
  mouse.set_buttons(0x18);
  mouse.wheel(1);
  EXPECT_EQ(take(), (Bytes{0x08, 0, 0, 0x30}));
  bench.run_for(20 * kMs);
  EXPECT_EQ(take(), (Bytes{0x08, 0, 0, 0x3f}));
}

TEST_F(Mouse, WithoutAWheelProtocolWheelAndSideButtonsAreNoNews) {
  send({0xf4});
  mouse.wheel(1);
  mouse.set_buttons(0x18);
  EXPECT_EQ(take(), Bytes{});
}

TEST_F(Mouse, ResetForgetsTheProtocolAndReportsItsSelfTest) {
  make_explorer();
  EXPECT_EQ(send({0xff}), (Bytes{0xfa}));
  bench.run_for(1000 * kMs);
  EXPECT_EQ(take(), (Bytes{0xaa, 0x00}));
  EXPECT_EQ(send({0xf2}), (Bytes{0xfa, 0}));
}

TEST_F(Mouse, RefusesBadBytesAndResendsTheLast) {
  EXPECT_EQ(send({0x10}), (Bytes{0xfe}));
  EXPECT_EQ(send({0xe8, 9}), (Bytes{0xfa, 0xfe}));
  EXPECT_EQ(send({0xf3, 0}), (Bytes{0xfa, 0xfe}));
  send({0xf2});
  EXPECT_EQ(send({0xfe}), (Bytes{0}));
}

TEST_F(Mouse, ANudgeIsAReportWithoutNews) {
  send({0xf4});
  mouse.nudge();
  EXPECT_EQ(take(), (Bytes{0x08, 0, 0}));
}

TEST_F(Mouse, ArchiveContract) {
  Bench other_bench;
  Ps2Mouse other(other_bench.clock, other_bench.log);
  test::expect_archive_contract(mouse, other, [&] {
    make_wheel();
    send({0xe7, 0xf4});
    mouse.move(1000, -3);
    mouse.set_buttons(2);
    mouse.take_byte();
  });
}

}  // namespace
}  // namespace orrery::hw
