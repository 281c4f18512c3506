// The VGA's registers, DAC and timing against IBM's Technical Reference.
#include "tests/hw/vga_bench.h"

namespace orrery::hw {
namespace {

TEST(VgaPorts, TheAttributeControllersPortTakesIndexAndDataInTurn) {
  VgaBench b;
  b.set_mode(3);
  b.in(0x3da);
  b.out(0x3c0, 0x31);
  b.out(0x3c0, 0x05);
  EXPECT_EQ(b.in(0x3c0), 0x31);
  EXPECT_EQ(b.in(0x3c1), 0x05);
  b.out(0x3c0, 0x32);
  b.in(0x3da);  // resets the flip-flop: the next write is an index again
  b.out(0x3c0, 0x33);
  EXPECT_EQ(b.in(0x3c0), 0x33);
  b.out(0x3c0, 0x07);
  EXPECT_EQ(b.in(0x3c1), 0x07);
}

TEST(VgaPorts, UnusedBitsOfTheRegistersReadAsZero) {
  VgaBench b;
  b.out(0x3c2, 0x63);
  constexpr std::array<u8, 5> kSequencer{0x03, 0x3d, 0x0f, 0x3f, 0x0e};
  for (unsigned n = 0; n < kSequencer.size(); ++n) {
    b.seq(n, 0xff);
    EXPECT_EQ(b.in(0x3c5), kSequencer[n]) << n;
  }
  constexpr std::array<u8, 9> kGraphics{0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff};
  for (unsigned n = 0; n < kGraphics.size(); ++n) {
    b.gfx(n, 0xff);
    EXPECT_EQ(b.in(0x3cf), kGraphics[n]) << n;
  }
  for (unsigned n = 0; n < 16; ++n) {
    b.in(0x3da), b.out(0x3c0, n), b.out(0x3c0, 0xff);
    EXPECT_EQ(b.in(0x3c1), 0x3f) << n;
  }
}

TEST(VgaPorts, TheCrtControllerMovesWithTheAddressSelectBit) {
  VgaBench b;
  b.out(0x3c2, 0x63);
  b.out(0x3d4, 0x0f), b.out(0x3d5, 0x5a);
  EXPECT_EQ(b.in(0x3d5), 0x5a);
  EXPECT_EQ(b.in(0x3b5), 0xff);
  b.out(0x3c2, 0x62);
  EXPECT_EQ(b.in(0x3d5), 0xff);
  EXPECT_EQ(b.in(0x3b4), 0x0f);
  EXPECT_EQ(b.in(0x3b5), 0x5a);
  EXPECT_NE(b.in(0x3ba), 0xff);
  EXPECT_EQ(b.in(0x3da), 0xff);
  EXPECT_EQ(b.in(0x3cc), 0x62);
}

TEST(VgaPorts, CrtControllerRegisters0To7AreProtectedButForLineCompareBit8) {
  VgaBench b;
  b.set_mode(3);
  b.crt(0x11, 0x8e);
  for (unsigned n = 0; n < 8; ++n) {
    b.out(0x3d4, n);
    const u8 before = b.in(0x3d5);
    b.out(0x3d5, static_cast<u8>(~before));
    EXPECT_EQ(b.in(0x3d5), n == 7 ? before ^ 0x10 : before) << n;
  }
  b.crt(0x12, 0x33);
  EXPECT_EQ(b.in(0x3d5), 0x33);
}

TEST(VgaPorts, SixteenBitWritesSetIndexAndData) {
  VgaBench b;
  b.out(0x3c2, 0x63);
  b.ports.write(0x3d4, 2, 0x770e);
  b.ports.write(0x3ce, 2, 0xa508);
  EXPECT_EQ(b.ports.read(0x3d4, 2), 0x770eu);
  EXPECT_EQ(b.in(0x3cf), 0xa5);
}

TEST(VgaPorts, AdapterDisabledBy3C3AnswersOnlyThere) {
  VgaBench b;
  b.set_mode(0x13);
  b.poke(0xa0000, 0x12);
  b.out(0x3c3, 0);
  EXPECT_EQ(b.in(0x3cc), 0xff);
  EXPECT_EQ(b.peek(0xa0000), 0xff);
  b.out(0x3c3, 1);
  EXPECT_EQ(b.in(0x3cc), 0x63);
  EXPECT_EQ(b.peek(0xa0000), 0x12);
}

TEST(VgaPorts, MiscellaneousOutputBit1DisconnectsVideoMemory) {
  VgaBench b;
  b.set_mode(0x12);
  b.poke(0xa0000, 0xff);
  b.out(0x3c2, 0xe1);
  EXPECT_EQ(b.peek(0xa0000), 0xff);
  b.poke(0xa0000, 0x00);
  b.out(0x3c2, 0xe3);
  EXPECT_EQ(b.peek(0xa0000), 0xff);
}

TEST(VgaDac, AnEntryIsWrittenWhenItsThirdPartArrives) {
  VgaBench b;
  b.dac(5, 1, 2, 3);
  b.out(0x3c8, 5), b.out(0x3c9, 0x3f), b.out(0x3c9, 0x3f);
  b.out(0x3c7, 5);
  EXPECT_EQ(b.in(0x3c7), 3);
  EXPECT_EQ(b.in(0x3c9), 1);
  EXPECT_EQ(b.in(0x3c9), 2);
  EXPECT_EQ(b.in(0x3c9), 3);
  b.out(0x3c8, 255);
  EXPECT_EQ(b.in(0x3c7), 0);
  for (const u8 v : {7, 8, 9, 10, 11, 12}) b.out(0x3c9, v);  // wraps to entry 0
  b.out(0x3c7, 0);
  EXPECT_EQ(b.in(0x3c9), 10);
}

TEST(VgaDac, SixBitsAWriteUnlessDispiMakesItEight) {
  VgaBench b;
  b.dac(1, 0xff, 0x40, 0x20);
  b.out(0x3c7, 1);
  EXPECT_EQ(b.in(0x3c9), 0x3f);
  EXPECT_EQ(b.in(0x3c9), 0x00);
  EXPECT_EQ(b.in(0x3c9), 0x20);
  b.dispi(VbeDispi::Enable, 0x20);
  b.out(0x3c7, 1);
  EXPECT_EQ(b.in(0x3c9), 0xfc);  // the entry keeps its colour
  b.dac(1, 0xff, 0x41, 0x20);
  b.out(0x3c7, 1);
  EXPECT_EQ(b.in(0x3c9), 0xff);
  EXPECT_EQ(b.in(0x3c9), 0x41);
}

TEST(VgaDac, TheMaskIsAppliedToWhatIsShown) {
  VgaBench b;
  b.set_mode(0x13);
  b.poke(0xa0000, 0xf5);
  EXPECT_EQ(b.vga.render().pixel(0, 0), VgaBench::rgb(0xf5));
  b.out(0x3c6, 0x0f);
  EXPECT_EQ(b.vga.render().pixel(0, 0), VgaBench::rgb(0x05));
}

TEST(VgaDac, MonitorSenseFollowsTheOutputLevels) {
  VgaBench b;
  b.dac(0, 0x04, 0x12, 0x04);
  EXPECT_EQ(b.in(0x3c2) & 0x10, 0x10);
  b.dac(0, 0x3f, 0x3f, 0x3f);
  EXPECT_EQ(b.in(0x3c2) & 0x10, 0);
}

TEST(VgaTiming, ModesHaveTheirVerticalFrequencies) {
  VgaBench b;
  b.set_mode(3);
  EXPECT_NEAR(static_cast<double>(b.vga.refresh_millihertz()), 70087, 2);  // 28.322 MHz / 900 / 449
  b.set_mode(0x01);
  EXPECT_NEAR(static_cast<double>(b.vga.refresh_millihertz()), 70087, 2);
  b.set_mode(0x13);
  EXPECT_NEAR(static_cast<double>(b.vga.refresh_millihertz()), 70086, 2);  // 25.175 MHz / 800 / 449
  b.set_mode(0x12);
  EXPECT_NEAR(static_cast<double>(b.vga.refresh_millihertz()), 59940, 2);  // 25.175 MHz / 800 / 525
}

TEST(VgaTiming, StatusFollowsTheBeamThroughAFrame) {
  VgaBench b;
  b.set_mode(0x12);
  // Mode 12h: 525 lines of 800 dots, 480 by 640 displayed, vertical retrace from line 490 for 2 lines.
  const double dot_ns = 1e9 / 25'175'000;
  const u64 frame_ns = static_cast<u64>(dot_ns * 800 * 525);
  const u64 origin = (b.clock.now() / frame_ns + 2) * 800ull * 525 * 1'000'000'000 / 25'175'000;
  const auto status_at = [&](double line, double dot) {
    b.clock.set_ticks(static_cast<u64>(static_cast<double>(origin) + dot_ns * (line * 800 + dot) + 10));
    return b.in(0x3da) & 9;
  };
  EXPECT_EQ(status_at(0, 4), 0);
  EXPECT_EQ(status_at(0, 632), 0);
  EXPECT_EQ(status_at(0, 644), 1);
  EXPECT_EQ(status_at(0, 796), 1);
  EXPECT_EQ(status_at(1, 4), 0);
  EXPECT_EQ(status_at(479, 320), 0);
  EXPECT_EQ(status_at(480, 320), 1);
  EXPECT_EQ(status_at(489, 700), 1);
  EXPECT_EQ(status_at(490, 4), 9);
  EXPECT_EQ(status_at(491, 790), 9);
  EXPECT_EQ(status_at(492, 4), 1);
  EXPECT_EQ(status_at(524, 4), 1);
  EXPECT_EQ(status_at(525, 4), 0);
}

TEST(VgaTiming, StatusBits5And4ShowTheAttributeControllersOutput) {
  VgaBench b;
  b.set_mode(0x12);
  b.gfx(1, 0x0f), b.gfx(0, 0x0c);  // colour 12: outputs 3Ch
  for (unsigned n = 0; n < 38400; ++n) b.poke(0xa0000 + n, 0);
  b.att(0x11, 0x01);
  b.clock.set_ticks(1'000'000'000 + 16'683'350 / 2);
  const u64 frame = 16'683'350;
  u64 t = b.clock.now() / frame * frame + frame;
  std::array<std::array<bool, 4>, 4> seen{};
  for (unsigned select = 0; select < 4; ++select) {
    b.att(0x12, 0x0f | select << 4);
    for (unsigned n = 0; n < 2000; ++n) {
      b.clock.set_ticks(t += frame / 997);
      const u8 s = b.in(0x3da);
      const unsigned output = (s & 1) != 0 ? 0x01 : 0x3c;
      constexpr std::array<std::array<unsigned, 2>, 4> kBits{{{2, 0}, {5, 4}, {3, 1}, {7, 6}}};
      const unsigned expected = (output >> kBits[select][0] & 1) << 1 | (output >> kBits[select][1] & 1);
      ASSERT_EQ(s >> 4 & 3u, expected) << select;
      seen[select][expected] = true;
    }
  }
  EXPECT_TRUE(seen[0][1] && seen[0][2]);
}

TEST(VgaTiming, VerticalInterruptIsPendingFromARetraceUntilCleared) {
  VgaBench b;
  b.set_mode(3);
  b.crt(0x11, 0x0e);
  b.wait_frames();
  EXPECT_EQ(b.in(0x3c2) & 0x80, 0);
  b.crt(0x11, 0x1e);  // enabled, no longer held cleared
  EXPECT_EQ(b.in(0x3c2) & 0x80, 0);
  b.wait_frames();
  EXPECT_EQ(b.in(0x3c2) & 0x80, 0x80);
  b.crt(0x11, 0x0e);
  EXPECT_EQ(b.in(0x3c2) & 0x80, 0);
  b.crt(0x11, 0x3e);  // disabled
  b.wait_frames();
  EXPECT_EQ(b.in(0x3c2) & 0x80, 0);
}

TEST(VgaTiming, NoRegisterValuesStopTime) {
  VgaBench b;
  VgaDice dice{7};
  for (unsigned n = 0; n < 3000; ++n) {
    b.out(0x3c2, dice(256) | 1);
    b.seq(dice(5), dice(256));
    b.crt(0x11, 0);
    b.crt(dice(25), dice(256));
    b.wait_ns(dice(1'000'000));
    b.in(0x3da);
    b.in(0x3c2);
    EXPECT_GT(b.vga.refresh_millihertz(), 0u);
  }
}

}  // namespace
}  // namespace orrery::hw
