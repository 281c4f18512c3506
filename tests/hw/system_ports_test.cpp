#include "hw/system_ports.h"

#include "tests/hw/bench.h"

namespace orrery::hw {
namespace {

struct Rig {
  Bench bench;
  core::LevelLine gate, out;
  core::EdgeLine nmi, reset_line;
  unsigned nmis = 0;
  unsigned resets = 0;
  SystemPorts ports{bench.ports, bench.clock, bench.log, gate, out, nmi, reset_line};

  Rig() {
    nmi.connect([this] { ++nmis; });
    reset_line.connect([this] { ++resets; });
    ports.reset();
  }
};

class Ports : public ::testing::Test, protected Rig {
 protected:
  u8 in61() { return bench.in(0x61) & static_cast<u8>(~0x10); }
};

TEST_F(Ports, Port61DrivesGateAndSpeakerAndShowsTheTimersOutput) {
  bench.out(0x61, 0x01);
  EXPECT_TRUE(gate.level());
  EXPECT_FALSE(ports.speaker_enable().level());
  EXPECT_EQ(in61(), 0x01);
  bench.out(0x61, 0x02);
  EXPECT_FALSE(gate.level());
  EXPECT_TRUE(ports.speaker_enable().level());
  out.raise();
  EXPECT_EQ(in61(), 0x22);
  bench.out(0x61, 0xf3);
  EXPECT_EQ(in61(), 0x23) << "bits 4 to 7 are read-only";
}

TEST_F(Ports, TheRefreshBitTogglesEvery15Microseconds) {
  u64 toggles = 0;
  u8 last = bench.in(0x61) & 0x10;
  while (bench.clock.now() < 10'000'000) {
    bench.run_for(1000);
    const u8 now = bench.in(0x61) & 0x10;
    toggles += now != last ? 1 : 0;
    last = now;
  }
  EXPECT_EQ(toggles, 662u) << "10 ms / 15.0857 us";
}

TEST_F(Ports, ChecksAreLatchedAndAskForNmiOnce) {
  ports.io_check().raise();
  ports.io_check().lower();
  EXPECT_EQ(in61(), 0x40);
  EXPECT_EQ(nmis, 1u);
  bench.out(0x61, 0x08);
  EXPECT_EQ(in61(), 0x08) << "disabling clears";
  ports.io_check().raise();
  EXPECT_EQ(in61(), 0x08);
  EXPECT_EQ(nmis, 1u);
  bench.out(0x61, 0x00);
  ports.parity_check().raise();
  EXPECT_EQ(in61(), 0x80);
  EXPECT_EQ(nmis, 2u);
  bench.out(0x61, 0x04);
  EXPECT_EQ(in61(), 0x04);
}

TEST_F(Ports, AMaskedNmiComesWhenTheMaskFalls) {
  ports.nmi_masked().raise();
  ports.parity_check().raise();
  EXPECT_EQ(nmis, 0u);
  ports.nmi_masked().lower();
  EXPECT_EQ(nmis, 1u);
}

TEST_F(Ports, Port92MovesTheA20GateThatTheKeyboardControllerMovesToo) {
  EXPECT_TRUE(ports.a20().level()) << "the processor's first fetch needs it";
  EXPECT_EQ(bench.in(0x92), 0x02);
  bench.out(0x92, 0x00);
  EXPECT_FALSE(ports.a20().level());
  ports.set_a20(true);
  EXPECT_EQ(bench.in(0x92), 0x02);
  ports.set_a20(false);
  EXPECT_EQ(bench.in(0x92), 0x00);
  bench.out(0x92, 0x02);
  EXPECT_TRUE(ports.a20().level());
}

TEST_F(Ports, Port92Bit0ResetsEveryTimeItIsWritten) {
  bench.out(0x92, 0x02);
  EXPECT_EQ(resets, 0u);
  bench.out(0x92, 0x03);
  EXPECT_EQ(resets, 1u);
  EXPECT_EQ(bench.in(0x92), 0x02);
  bench.out(0x92, 0x03);
  EXPECT_EQ(resets, 2u);
}

TEST_F(Ports, ResetOpensA20AndSilencesTheSpeaker) {
  bench.out(0x61, 0x03);
  bench.out(0x92, 0x00);
  ports.reset();
  EXPECT_TRUE(ports.a20().level());
  EXPECT_FALSE(gate.level());
  EXPECT_FALSE(ports.speaker_enable().level());
}

TEST_F(Ports, ArchiveContract) {
  Rig other;
  test::expect_archive_contract(ports, other.ports, [&] {
    bench.out(0x61, 0x03);
    bench.out(0x92, 0x40);
    ports.io_check().raise();
    ports.nmi_masked().raise();
  });
  EXPECT_TRUE(other.gate.level());
  EXPECT_FALSE(other.ports.a20().level());
}

}  // namespace
}  // namespace orrery::hw
