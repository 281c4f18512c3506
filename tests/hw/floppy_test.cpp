#include "hw/floppy.h"

#include <gtest/gtest.h>

#include <numeric>
#include <set>

#include "tests/support/archive_tests.h"
#include "tests/support/chip_rig.h"

namespace orrery::hw {
namespace {

constexpr u64 kMs = 1'000'000;

/// Sector `lba` of the test disks: its number and a pattern.
std::vector<u8> sector_of(u32 lba) {
  std::vector<u8> s(512);
  for (unsigned i = 0; i < 512; ++i) s[i] = static_cast<u8>(lba * 3 + i);
  core::store_le<u32>(s.data(), lba);
  return s;
}

std::unique_ptr<BlockDevice> disk(u64 size, bool read_only = false) {
  std::vector<u8> all;
  for (u32 lba = 0; lba < size / 512; ++lba) {
    const auto s = sector_of(lba);
    all.insert(all.end(), s.begin(), s.end());
  }
  return memory_image(std::move(all), "disk.img", read_only);
}

struct Rig : test::ChipRig {
  core::LevelLine irq;
  test::FakeDma dma;
  MediaSlot slot_a{"floppy0"};
  MediaSlot slot_b{"floppy1"};
  FloppyController fdc;

  explicit Rig(FloppyDriveType a = FloppyDriveType::Hd35, FloppyDriveType b = FloppyDriveType::Hd35)
      : fdc(ports, clock, log, irq, dma, {.drives = {{{a, &slot_a}, {b, &slot_b}}}, .speedup = 10}) {}

  /// As a BIOS does: reset, motor of drive A, data rate, SPECIFY.
  void start(u8 rate = 0, bool non_dma = false) {
    out8(0x3f2, 0x00);
    out8(0x3f2, 0x1c);
    EXPECT_TRUE(wait_irq());
    for (u8 unit = 0; unit < 4; ++unit) {
      EXPECT_EQ(command({0x08}, 2)[0], 0xc0 | unit);
    }
    out8(0x3f7, rate);
    command({0x03, 0xdf, static_cast<u8>(non_dma ? 3 : 2)}, 0);
  }

  bool wait_irq() {
    return run_until([&] { return irq.level(); });
  }

  void send(const std::vector<u8>& bytes) {
    for (const u8 byte : bytes) {
      ASSERT_EQ(in8(0x3f4) & 0xc0, 0x80) << "the chip does not take a command byte";
      out8(0x3f5, byte);
    }
  }

  std::vector<u8> result(unsigned count) {
    std::vector<u8> r;
    for (unsigned i = 0; i < count; ++i) {
      EXPECT_EQ(in8(0x3f4) & 0xd0, 0xd0) << "no result byte " << i;
      r.push_back(in8(0x3f5));
    }
    EXPECT_EQ(in8(0x3f4) & 0xd0, 0x80) << "not idle after the results";
    return r;
  }

  std::vector<u8> command(const std::vector<u8>& bytes, unsigned results) {
    send(bytes);
    return result(results);
  }

  /// A command that interrupts at its end.
  std::vector<u8> transfer(const std::vector<u8>& bytes) {
    send(bytes);
    EXPECT_TRUE(wait_irq()) << "no interrupt";
    return result(7);
  }

  std::vector<u8> seek(const std::vector<u8>& bytes) {
    send(bytes);
    EXPECT_TRUE(wait_irq()) << "no interrupt";
    return command({0x08}, 2);
  }
};

using Bytes = std::vector<u8>;

TEST(Floppy, AResetIsReportedByFourSenseInterrupts) {
  Rig rig;
  rig.out8(0x3f2, 0x00);
  EXPECT_EQ(rig.in8(0x3f4), 0x00) << "held in reset";
  rig.out8(0x3f2, 0x0c);
  EXPECT_TRUE(rig.wait_irq());
  EXPECT_EQ(rig.command({0x08}, 2), (Bytes{0xc0, 0}));
  EXPECT_FALSE(rig.irq.level());
  EXPECT_EQ(rig.command({0x08}, 2), (Bytes{0xc1, 0}));
  EXPECT_EQ(rig.command({0x08}, 2), (Bytes{0xc2, 0}));
  EXPECT_EQ(rig.command({0x08}, 2), (Bytes{0xc3, 0}));
  EXPECT_EQ(rig.command({0x08}, 1), Bytes{0x80}) << "nothing to report is an invalid command";
}

TEST(Floppy, TheInterruptIsGatedByTheDigitalOutputRegister) {
  Rig rig;
  rig.out8(0x3f2, 0x04);
  rig.run(kMs);
  EXPECT_FALSE(rig.irq.level());
  rig.out8(0x3f2, 0x0c);
  EXPECT_TRUE(rig.irq.level());
}

TEST(Floppy, TheDataRateSelectRegisterResetsToo) {
  Rig rig;
  rig.start();
  rig.out8(0x3f4, 0x80);
  EXPECT_TRUE(rig.wait_irq());
  EXPECT_EQ(rig.command({0x08}, 2), (Bytes{0xc0, 0}));
}

TEST(Floppy, CommandsThatItDoesNotKnowAreInvalid) {
  Rig rig;
  rig.start();
  for (const u8 opcode : {0x00, 0x01, 0x0b, 0x15, 0x17, 0x18, 0x1f, 0x33, 0x88}) {
    EXPECT_EQ(rig.command({opcode}, 1), Bytes{0x80}) << int{opcode};
  }
}

TEST(Floppy, IsAnEnhancedController) {
  Rig rig;
  rig.start();
  EXPECT_EQ(rig.command({0x10}, 1), Bytes{0x90});
}

TEST(Floppy, DumpRegistersShowsWhatWasConfigured) {
  Rig rig;
  rig.start();
  rig.command({0x03, 0xa1, 0x34}, 0);
  rig.command({0x13, 0x00, 0x57, 0x11}, 0);
  rig.command({0x12, 0x80 | 0x3c | 0x02}, 0);
  EXPECT_EQ(rig.command({0x94}, 1), Bytes{0x10});
  EXPECT_EQ(rig.command({0x0e}, 10), (Bytes{0, 0, 0, 0, 0xa1, 0x34, 0, 0xbe, 0x57, 0x11}));
  rig.command({0x12, 0x01}, 0);
  EXPECT_EQ(rig.command({0x0e}, 10)[7], 0xbd) << "without OW the drive bits stay";
}

TEST(Floppy, LockKeepsTheFifoOverASoftwareReset) {
  Rig rig;
  rig.start();
  rig.command({0x13, 0x00, 0x08, 0x22}, 0);
  rig.command({0x94}, 1);
  rig.start();
  EXPECT_EQ(rig.command({0x0e}, 10)[8], 0x08);
  EXPECT_EQ(rig.command({0x14}, 1), Bytes{0x00});
  rig.start();
  EXPECT_EQ(rig.command({0x0e}, 10)[8], 0x20);
  EXPECT_EQ(rig.command({0x0e}, 10)[9], 0x00);
}

TEST(Floppy, AResetTurnsPollingOnAndReportsTheDrivesWhateverLockSays) {
  // As Linux has it: CONFIGURE turns polling off, LOCK is on, and each reset must be followed by its interrupt.
  for (const bool by_dsr : {false, true}) {
    Rig rig;
    rig.start();
    rig.command({0x13, 0x00, 0x5a, 0x00}, 0);
    rig.command({0x94}, 1);
    if (by_dsr) {
      rig.out8(0x3f4, 0x80);
    } else {
      rig.out8(0x3f2, 0x08);
      rig.out8(0x3f2, 0x0c);
    }
    EXPECT_TRUE(rig.wait_irq());
    for (u8 unit = 0; unit < 4; ++unit) EXPECT_EQ(rig.command({0x08}, 2), (Bytes{static_cast<u8>(0xc0 | unit), 0}));
    EXPECT_EQ(rig.command({0x0e}, 10)[8], 0x0a);
  }
}

TEST(Floppy, SeeksAndRecalibrates) {
  Rig rig;
  rig.slot_a.insert(disk(1474560));
  rig.start();
  EXPECT_EQ(rig.seek({0x07, 0x00}), (Bytes{0x20, 0}));
  EXPECT_EQ(rig.command({0x04, 0x00}, 1), Bytes{0x38}) << "track 0, two sides, ready";
  EXPECT_EQ(rig.seek({0x0f, 0x00, 40}), (Bytes{0x20, 40}));
  EXPECT_EQ(rig.command({0x04, 0x04}, 1), Bytes{0x2c});
  EXPECT_EQ(rig.seek({0xcf, 0x00, 5}), (Bytes{0x20, 45})) << "relative, inwards";
  EXPECT_EQ(rig.seek({0x8f, 0x00, 6}), (Bytes{0x20, 39}));
  rig.send({0x07, 0x00});
  EXPECT_EQ(rig.in8(0x3f4) & 0x0f, 0x01) << "drive 0 is seeking";
  EXPECT_EQ(rig.in8(0x3f4) & 0x90, 0x80) << "and the chip takes commands";
  EXPECT_TRUE(rig.wait_irq());
  EXPECT_EQ(rig.in8(0x3f4) & 0x0f, 0x00);
  EXPECT_EQ(rig.command({0x08}, 2), (Bytes{0x20, 0}));
}

TEST(Floppy, StepsTakeTheTimeOfSpecify) {
  Rig rig;
  rig.start();
  rig.command({0x03, 0xd0, 0x02}, 0);  // 3 ms a step, 0.3 sped up
  const u64 before = rig.clock.now();
  rig.seek({0x0f, 0x00, 10});
  EXPECT_NEAR(static_cast<double>(rig.clock.now() - before), 3.0 * kMs, 0.1 * kMs);
}

TEST(Floppy, SeeksOverlap) {
  Rig rig;
  rig.start();
  rig.send({0x0f, 0x00, 40});
  rig.send({0x0f, 0x01, 20});
  EXPECT_EQ(rig.in8(0x3f4) & 0x0f, 0x03);
  EXPECT_TRUE(rig.wait_irq());
  EXPECT_EQ(rig.command({0x08}, 2), (Bytes{0x21, 20}));
  EXPECT_TRUE(rig.wait_irq());
  EXPECT_EQ(rig.command({0x08}, 2), (Bytes{0x20, 40}));
}

TEST(Floppy, AnAbsentDriveNeverFindsTrack0) {
  Rig rig(FloppyDriveType::Hd35, FloppyDriveType::None);
  rig.start();
  EXPECT_EQ(rig.seek({0x07, 0x01}), (Bytes{0x71, 0}));
  EXPECT_EQ(rig.seek({0x0f, 0x02, 9}), (Bytes{0x22, 9}));
  EXPECT_EQ(rig.command({0x04, 0x01}, 1), Bytes{0x29});
  EXPECT_EQ(rig.fdc.cmos_drive_types(), 0x40);
}

TEST(Floppy, ReadsSectorsByDma) {
  Rig rig;
  rig.slot_a.insert(disk(1474560));
  rig.start();
  rig.seek({0x0f, 0x04, 5});
  rig.dma.program(Bytes(3 * 512));
  EXPECT_EQ(rig.transfer({0x46, 0x04, 5, 1, 7, 2, 18, 0x1b, 0xff}), (Bytes{0x04, 0, 0, 5, 1, 10, 2}));
  Bytes expected;
  for (u32 i = 0; i < 3; ++i) {
    const auto s = sector_of((5 * 2 + 1) * 18 + 6 + i);
    expected.insert(expected.end(), s.begin(), s.end());
  }
  EXPECT_EQ(rig.dma.memory, expected);
  EXPECT_FALSE(rig.dma.request);
}

TEST(Floppy, MultiTrackGoesOnOnTheOtherHeadAndTheResultPointsBehind) {
  Rig rig;
  rig.slot_a.insert(disk(1474560));
  rig.start();
  rig.dma.program(Bytes(36 * 512));
  EXPECT_EQ(rig.transfer({0xe6, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff}), (Bytes{0x04, 0, 0, 1, 0, 1, 2}));
  EXPECT_EQ(Bytes(rig.dma.memory.end() - 512, rig.dma.memory.end()), sector_of(35));
  rig.dma.program(Bytes(18 * 512));
  EXPECT_EQ(rig.transfer({0xe6, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff}), (Bytes{0x00, 0, 0, 0, 1, 1, 2}));
  rig.dma.program(Bytes(18 * 512));
  EXPECT_EQ(rig.transfer({0x46, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff}), (Bytes{0x00, 0, 0, 1, 0, 1, 2}));
}

TEST(Floppy, WithoutTerminalCountTheCylinderEnds) {
  Rig rig;
  rig.slot_a.insert(disk(1474560));
  rig.start();
  rig.dma.program(Bytes(20 * 512));
  EXPECT_EQ(rig.transfer({0x46, 0x00, 0, 0, 17, 2, 18, 0x1b, 0xff}), (Bytes{0x40, 0x80, 0, 1, 0, 1, 2}));
  EXPECT_EQ(rig.dma.position, 2 * 512u);
}

TEST(Floppy, TerminalCountInsideASectorEndsIt) {
  Rig rig;
  rig.slot_a.insert(disk(1474560));
  rig.start();
  rig.dma.program(Bytes(100));
  EXPECT_EQ(rig.transfer({0x46, 0x00, 0, 0, 4, 2, 18, 0x1b, 0xff}), (Bytes{0x00, 0, 0, 0, 0, 5, 2}));
  rig.dma.program(Bytes(100, 0x55));
  EXPECT_EQ(rig.transfer({0x45, 0x00, 0, 0, 4, 2, 18, 0x1b, 0xff}), (Bytes{0x00, 0, 0, 0, 0, 5, 2}));
  Bytes back(512);
  ASSERT_TRUE(rig.slot_a.medium()->read(3 * 512, back));
  Bytes expected(512);
  std::fill_n(expected.begin(), 100, u8{0x55});
  EXPECT_EQ(back, expected) << "the rest of the sector is written with zeros";
}

TEST(Floppy, WritesSectorsByDma) {
  Rig rig;
  rig.slot_a.insert(disk(737280));
  rig.start(2);
  Bytes data(2 * 512);
  std::iota(data.begin(), data.end(), u8{1});
  rig.dma.program(data);
  EXPECT_EQ(rig.transfer({0xc5, 0x00, 79, 0, 9, 2, 9, 0x1b, 0xff}), (Bytes{0x04, 0, 0, 79, 1, 2, 2}));
  Bytes back(1024);
  ASSERT_TRUE(rig.slot_a.medium()->read((79 * 2 * 9 + 8) * 512, back));
  EXPECT_EQ(back, data);
}

TEST(Floppy, EveryFormatIsReadAtItsRateOnly) {
  for (const FloppyGeometry& g : floppy_geometries()) {
    Rig rig(g.drive);
    rig.slot_a.insert(disk(g.size()));
    const u8 last = static_cast<u8>(g.cylinders - 1);
    for (u8 rate = 0; rate < 4; ++rate) {
      rig.start(rate);
      rig.dma.program(Bytes(512));
      const u8 head = static_cast<u8>(g.heads - 1);
      const Bytes result =
          rig.transfer({0x46, static_cast<u8>(head << 2), last, head, g.sectors, 2, g.sectors, 0x1b, 0xff});
      const bool dd525 = g.density == FloppyDensity::Double525;
      const bool right = (g.density == FloppyDensity::High && rate == 0) || (dd525 && rate == 1) ||
                         ((dd525 || g.density == FloppyDensity::Double35) && rate == 2) ||
                         (g.density == FloppyDensity::Extra && rate == 3);
      if (right) {
        EXPECT_EQ(result[0] & 0xc0, 0) << g.name << " at " << int{rate};
        EXPECT_EQ(rig.dma.memory, sector_of(static_cast<u32>(g.size() / 512 - 1))) << g.name;
      } else {
        EXPECT_EQ(result[0] & 0xc0, 0x40) << g.name << " at " << int{rate};
        EXPECT_EQ(result[1], 0x01) << g.name << " at " << int{rate};
      }
    }
  }
}

TEST(Floppy, A40TrackDiskInAn80TrackDriveIsFoundByDoubleStepping) {
  Rig rig(FloppyDriveType::Hd525);
  rig.slot_a.insert(disk(368640));
  rig.start(1);
  rig.seek({0x0f, 0x00, 20});
  rig.dma.program(Bytes(512));
  EXPECT_EQ(rig.transfer({0x46, 0x00, 10, 0, 1, 2, 9, 0x1b, 0xff})[0], 0x00);
  EXPECT_EQ(rig.dma.memory, sector_of(180));
  EXPECT_EQ(rig.transfer({0x4a, 0x00})[3], 10);
}

TEST(Floppy, SectorsThatAreNotThere) {
  Rig rig;
  rig.slot_a.insert(disk(1474560));
  rig.start();
  rig.dma.program(Bytes(512));
  const auto read = [&](u8 c, u8 h, u8 r, u8 n) {
    const Bytes result = rig.transfer({0x46, 0x00, c, h, r, n, 18, 0x1b, 0xff});
    return Bytes(result.begin(), result.begin() + 3);
  };
  EXPECT_EQ(read(0, 0, 19, 2), (Bytes{0x40, 0x04, 0x00}));
  EXPECT_EQ(read(0, 0, 0, 2), (Bytes{0x40, 0x04, 0x00}));
  EXPECT_EQ(read(0, 1, 1, 2), (Bytes{0x40, 0x04, 0x00})) << "the ID says head 0";
  EXPECT_EQ(read(0, 0, 1, 3), (Bytes{0x40, 0x04, 0x00})) << "another sector size";
  EXPECT_EQ(read(82, 0, 1, 2), (Bytes{0x40, 0x01, 0x00})) << "an unformatted track";
  EXPECT_EQ(read(200, 0, 1, 2), (Bytes{0x40, 0x01, 0x00}));
  EXPECT_EQ(rig.transfer({0x06, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff})[1], 0x01) << "FM";
  EXPECT_EQ(rig.dma.position, 0u);
}

TEST(Floppy, AMaskedDmaChannelOverruns) {
  Rig rig;
  rig.slot_a.insert(disk(1474560));
  rig.start();
  rig.dma.program(Bytes(512));
  rig.dma.masked = true;
  EXPECT_EQ(rig.transfer({0x46, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff}), (Bytes{0x40, 0x10, 0, 0, 0, 1, 2}));
}

TEST(Floppy, WriteProtectionIsReported) {
  Rig rig;
  rig.slot_a.insert(disk(1474560, true));
  rig.start();
  EXPECT_EQ(rig.command({0x04, 0x00}, 1)[0] & 0x40, 0x40);
  rig.dma.program(Bytes(512));
  EXPECT_EQ(rig.transfer({0x45, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff}), (Bytes{0x40, 0x02, 0, 0, 0, 1, 2}));
  EXPECT_EQ(rig.transfer({0x4d, 0x00, 2, 18, 0x54, 0xf6})[1], 0x02);
}

TEST(Floppy, WithoutADiskACommandWaitsUntilOneIsPutIn) {
  Rig rig;
  rig.start();
  rig.dma.program(Bytes(512));
  rig.send({0x46, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff});
  rig.run(5000 * kMs);
  EXPECT_FALSE(rig.irq.level());
  EXPECT_EQ(rig.in8(0x3f4), 0x10);
  rig.slot_a.insert(disk(1474560));
  EXPECT_TRUE(rig.wait_irq());
  EXPECT_EQ(rig.result(7)[0], 0x00);
  EXPECT_EQ(rig.dma.memory, sector_of(0));
}

TEST(Floppy, WithoutTheMotorACommandWaitsAndAResetFreesTheChip) {
  Rig rig;
  rig.slot_a.insert(disk(1474560));
  rig.start();
  rig.out8(0x3f2, 0x0c);
  rig.send({0x4a, 0x00});
  rig.run(1000 * kMs);
  EXPECT_FALSE(rig.irq.level());
  rig.out8(0x3f2, 0x1c);
  EXPECT_TRUE(rig.wait_irq());
  rig.result(7);
  rig.out8(0x3f2, 0x0c);
  rig.send({0x4a, 0x00});
  rig.start();
}

TEST(Floppy, TheDiskChangeLineIsClearedByAStepWithADiskIn) {
  Rig rig;
  rig.start();
  EXPECT_EQ(rig.in8(0x3f7) & 0x80, 0x80);
  rig.seek({0x0f, 0x00, 1});
  EXPECT_EQ(rig.in8(0x3f7) & 0x80, 0x80) << "no disk";
  rig.slot_a.insert(disk(1474560));
  EXPECT_EQ(rig.in8(0x3f7) & 0x80, 0x80);
  rig.seek({0x0f, 0x00, 1});
  EXPECT_EQ(rig.in8(0x3f7) & 0x80, 0x80) << "a seek without a step";
  rig.seek({0x0f, 0x00, 0});
  EXPECT_EQ(rig.in8(0x3f7) & 0x80, 0x00);
  rig.slot_a.insert(disk(737280));
  EXPECT_EQ(rig.in8(0x3f7) & 0x80, 0x80);
  rig.out8(0x3f2, 0x0d);
  EXPECT_EQ(rig.in8(0x3f7) & 0x80, 0x80) << "drive B has seen no step";
}

TEST(Floppy, ReadIdSeesTheSectorsTurn) {
  Rig rig;
  rig.slot_a.insert(disk(1474560));
  rig.start();
  rig.seek({0x0f, 0x00, 33});
  std::set<u8> seen;
  u8 previous = 0;
  for (int i = 0; i < 40; ++i) {
    const Bytes result = rig.transfer({0x4a, 0x04});
    EXPECT_EQ(Bytes(result.begin(), result.begin() + 5), (Bytes{0x04, 0, 0, 33, 1}));
    EXPECT_EQ(result[6], 2);
    EXPECT_NE(result[5], previous) << "it has passed already";
    previous = result[5];
    seen.insert(previous);
    EXPECT_GE(previous, 1);
    EXPECT_LE(previous, 18);
  }
  EXPECT_GT(seen.size(), 9u);
}

TEST(Floppy, AWholeTrackTakesOneTurn) {
  Rig rig;
  rig.slot_a.insert(disk(1474560));
  rig.start();
  rig.dma.program(Bytes(18 * 512));
  const u64 before = rig.clock.now();
  rig.transfer({0x46, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff});
  const u64 took = rig.clock.now() - before;
  EXPECT_GE(took, 20 * kMs) << "200 ms in the metal, a tenth here";
  EXPECT_LE(took, 41 * kMs);
  rig.dma.program(Bytes(18 * 512));
  const u64 again = rig.clock.now();
  rig.transfer({0x46, 0x04, 0, 1, 1, 2, 18, 0x1b, 0xff});
  EXPECT_LE(rig.clock.now() - again, 41 * kMs);
}

TEST(Floppy, FormatsATrack) {
  Rig rig;
  rig.slot_a.insert(disk(1474560));
  rig.start();
  rig.seek({0x0f, 0x00, 3});
  Bytes ids;
  for (u8 r = 1; r <= 18; ++r) ids.insert(ids.end(), {3, 1, r, 2});
  rig.dma.program(ids);
  EXPECT_EQ(rig.transfer({0x4d, 0x04, 2, 18, 0x54, 0xf6})[0], 0x04);
  Bytes track(18 * 512);
  ASSERT_TRUE(rig.slot_a.medium()->read((3 * 2 + 1) * 18 * 512, track));
  EXPECT_EQ(track, Bytes(18 * 512, 0xf6));
  Bytes other(512);
  ASSERT_TRUE(rig.slot_a.medium()->read((3 * 2 + 2) * 18 * 512, other));
  EXPECT_EQ(other, sector_of((3 * 2 + 2) * 18));
  ids[2] = 40;
  rig.dma.program(ids);
  EXPECT_EQ(rig.transfer({0x4d, 0x04, 2, 18, 0x54, 0xf6})[0] & 0xc0, 0x40) << "the image has no sector 40";
}

TEST(Floppy, DeletedDataMarksAreKeptWhileTheDiskIsIn) {
  Rig rig;
  rig.slot_a.insert(disk(1474560));
  rig.start();
  rig.dma.program(Bytes(512, 0xdd));
  EXPECT_EQ(rig.transfer({0x49, 0x00, 0, 0, 2, 2, 18, 0x1b, 0xff})[0], 0x00);
  // READ DATA stops behind it and says so.
  rig.dma.program(Bytes(4 * 512));
  EXPECT_EQ(rig.transfer({0x46, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff}), (Bytes{0x00, 0, 0x40, 0, 0, 2, 2}));
  EXPECT_EQ(rig.dma.position, 1024u);
  // With SK it is passed over.
  rig.dma.program(Bytes(2 * 512));
  EXPECT_EQ(rig.transfer({0x66, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff}), (Bytes{0x00, 0, 0x40, 0, 0, 4, 2}));
  EXPECT_EQ(Bytes(rig.dma.memory.begin() + 512, rig.dma.memory.end()), sector_of(2));
  // READ DELETED DATA reads it without a remark.
  rig.dma.program(Bytes(512));
  EXPECT_EQ(rig.transfer({0x4c, 0x00, 0, 0, 2, 2, 18, 0x1b, 0xff})[2], 0x00);
  EXPECT_EQ(rig.dma.memory, Bytes(512, 0xdd));
  // Writing it again makes it normal.
  rig.dma.program(Bytes(512, 1));
  rig.transfer({0x45, 0x00, 0, 0, 2, 2, 18, 0x1b, 0xff});
  rig.dma.program(Bytes(512));
  EXPECT_EQ(rig.transfer({0x46, 0x00, 0, 0, 2, 2, 18, 0x1b, 0xff})[2], 0x00);
}

TEST(Floppy, ReadTrackStartsAtTheIndexHole) {
  Rig rig;
  rig.slot_a.insert(disk(1474560));
  rig.start();
  rig.dma.program(Bytes(4 * 512));
  EXPECT_EQ(rig.transfer({0x42, 0x00, 0, 0, 1, 2, 4, 0x1b, 0xff})[0], 0x00);
  for (u32 i = 0; i < 4; ++i) {
    EXPECT_EQ(Bytes(rig.dma.memory.begin() + i * 512, rig.dma.memory.begin() + (i + 1) * 512), sector_of(i));
  }
  rig.dma.program(Bytes(512));
  EXPECT_EQ(rig.transfer({0x42, 0x00, 0, 0, 9, 2, 4, 0x1b, 0xff})[1] & 0x04, 0x04) << "IDs did not match";
}

TEST(Floppy, VerifyMovesNothing) {
  Rig rig;
  rig.slot_a.insert(disk(1474560));
  rig.start();
  rig.dma.program(Bytes(512));
  EXPECT_EQ(rig.transfer({0x56, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff}), (Bytes{0x00, 0, 0, 1, 0, 1, 2}));
  EXPECT_EQ(rig.transfer({0x56, 0x80, 0, 0, 1, 2, 18, 0x1b, 3}), (Bytes{0x00, 0, 0, 0, 0, 4, 2}));
  EXPECT_EQ(rig.transfer({0x56, 0x00, 0, 0, 1, 2, 19, 0x1b, 0xff})[1], 0x04);
  EXPECT_EQ(rig.dma.position, 0u);
}

TEST(Floppy, ScansForData) {
  Rig rig;
  rig.slot_a.insert(disk(1474560));
  rig.start();
  const auto scan = [&](u8 opcode, const Bytes& data, u8 eot) {
    Bytes all;
    for (int i = 0; i < 5; ++i) all.insert(all.end(), data.begin(), data.end());
    rig.dma.program(all);
    return rig.transfer({opcode, 0x00, 0, 0, 1, 2, eot, 0x1b, 1});
  };
  Bytes result = scan(0x51, sector_of(2), 5);
  EXPECT_EQ(result[2], 0x08) << "hit";
  EXPECT_EQ(result[5], 3) << "at sector 3";
  EXPECT_EQ(scan(0x51, sector_of(9), 5)[2], 0x04) << "not satisfied";
  EXPECT_EQ(scan(0x51, Bytes(512, 0xff), 5)[2], 0x08) << "FF matches all";
  EXPECT_EQ(scan(0x59, Bytes(512, 0xfe), 1)[2], 0x04) << "some bytes are FF on the disk";
  EXPECT_EQ(scan(0x5d, Bytes(512, 0x00), 1)[2], 0x00) << "all are higher or equal";
}

TEST(Floppy, ImpliedSeeksCountAsSeeks) {
  Rig rig;
  rig.slot_a.insert(disk(1474560));
  rig.start();
  rig.command({0x13, 0x00, 0x60, 0x00}, 0);
  rig.dma.program(Bytes(512));
  EXPECT_EQ(rig.transfer({0x46, 0x00, 7, 0, 1, 2, 18, 0x1b, 0xff})[0], 0x20);
  EXPECT_EQ(rig.dma.memory, sector_of(7 * 36));
  EXPECT_EQ(rig.command({0x0e}, 10)[0], 7);
}

TEST(Floppy, ReadsWithoutDmaByteByByte) {
  Rig rig;
  rig.slot_a.insert(disk(1474560));
  rig.start(0, true);
  rig.send({0x46, 0x00, 0, 0, 17, 2, 18, 0x1b, 0xff});
  Bytes data;
  unsigned interrupts = 0;
  while (data.size() < 1024) {
    ASSERT_TRUE(rig.wait_irq());
    ++interrupts;
    EXPECT_EQ(rig.in8(0x3f4), 0xf0);
    while ((rig.in8(0x3f4) & 0xa0) == 0xa0) data.push_back(rig.in8(0x3f5));
    if (data.size() < 1024) EXPECT_FALSE(rig.irq.level());
  }
  EXPECT_EQ(interrupts, 1024u) << "the FIFO is off after a reset";
  EXPECT_EQ(Bytes(data.begin(), data.begin() + 512), sector_of(16));
  EXPECT_EQ(Bytes(data.begin() + 512, data.end()), sector_of(17));
  EXPECT_TRUE(rig.irq.level());
  EXPECT_EQ(rig.result(7), (Bytes{0x40, 0x80, 0, 1, 0, 1, 2})) << "there is no terminal count without DMA";
}

TEST(Floppy, WritesWithoutDmaThroughTheFifo) {
  Rig rig;
  rig.slot_a.insert(disk(1474560));
  rig.start(0, true);
  rig.command({0x13, 0x00, 0x07, 0x00}, 0);
  rig.send({0x45, 0x00, 0, 0, 18, 2, 18, 0x1b, 0xff});
  unsigned sent = 0;
  unsigned interrupts = 0;
  while (sent < 512) {
    ASSERT_TRUE(rig.wait_irq());
    ++interrupts;
    EXPECT_EQ(rig.in8(0x3f4), 0xb0);
    while ((rig.in8(0x3f4) & 0xe0) == 0xa0) rig.out8(0x3f5, static_cast<u8>(sent++));
  }
  EXPECT_EQ(interrupts, 64u);
  EXPECT_EQ(rig.result(7)[1], 0x80);
  Bytes back(512);
  ASSERT_TRUE(rig.slot_a.medium()->read(17 * 512, back));
  for (unsigned i = 0; i < 512; ++i) ASSERT_EQ(back[i], static_cast<u8>(i));
}

TEST(Floppy, StatusRegistersAAndB) {
  Rig rig(FloppyDriveType::Hd35, FloppyDriveType::None);
  rig.slot_a.insert(disk(1474560, true));
  rig.start();
  EXPECT_EQ(rig.in8(0x3f0), 0x44) << "no drive B, track 0, protected";
  EXPECT_EQ(rig.in8(0x3f1), 0xc1);
  rig.out8(0x3f3, 0xff);
  EXPECT_EQ(rig.in8(0x3f3), 0x03);
}

TEST(Floppy, EjectingWhileItReadsMakesItWait) {
  Rig rig;
  rig.slot_a.insert(disk(1474560));
  rig.start();
  rig.dma.program(Bytes(18 * 512));
  rig.send({0x46, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff});
  ASSERT_TRUE(rig.run_until([&] { return rig.dma.position > 2000; }));
  auto medium = rig.slot_a.eject();
  rig.run(1000 * kMs);
  EXPECT_FALSE(rig.irq.level());
  rig.slot_a.insert(std::move(medium));
  EXPECT_TRUE(rig.wait_irq());
  EXPECT_EQ(rig.result(7)[0], 0x00);
  EXPECT_EQ(Bytes(rig.dma.memory.end() - 512, rig.dma.memory.end()), sector_of(17));
}

TEST(Floppy, AnImageOfNoFormatIsUnreadable) {
  Rig rig;
  rig.slot_a.insert(memory_image(Bytes(1000 * 512), "odd"));
  rig.start();
  rig.dma.program(Bytes(512));
  EXPECT_EQ(rig.transfer({0x46, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff})[1], 0x01);
  EXPECT_EQ(rig.transfer({0x4a, 0x00})[1], 0x01);
}

TEST(Floppy, KeepsTheArchiveContractInTheMiddleOfATransfer) {
  Rig a;
  Rig b;
  a.slot_a.insert(disk(1474560));
  b.slot_a.insert(disk(1474560));
  a.start();
  test::expect_archive_contract(a.fdc, b.fdc, [&] {
    a.dma.program(Bytes(18 * 512));
    a.send({0x46, 0x00, 2, 0, 1, 2, 18, 0x1b, 0xff});
    ASSERT_TRUE(a.run_until([&] { return a.dma.position >= 5 * 512; }));
  });
  // The restored chip finishes what the first one began.
  b.dma.memory = a.dma.memory;
  b.dma.position = a.dma.position;
  b.clock.set_ticks(a.clock.ticks());
  ASSERT_TRUE(a.wait_irq());
  ASSERT_TRUE(b.wait_irq());
  EXPECT_EQ(a.clock.now(), b.clock.now());
  EXPECT_EQ(a.result(7), b.result(7));
  EXPECT_EQ(a.dma.memory, b.dma.memory);
}

TEST(Floppy, KeepsTheArchiveContractWithoutDmaAndOfWhatWasWritten) {
  Rig a;
  Rig b;
  a.slot_a.insert(disk(1474560));
  b.slot_a.insert(disk(1474560));
  a.start(0, true);
  test::expect_archive_contract(a.fdc, b.fdc, [&] {
    a.send({0x49, 0x00, 2, 0, 18, 2, 18, 0x1b, 0xff});
    for (int i = 0; i < 512; ++i) {
      ASSERT_TRUE(a.wait_irq());
      a.out8(0x3f5, 0x5a);
    }
    a.result(7);
    a.send({0x4c, 0x00, 2, 0, 18, 2, 18, 0x1b, 0xff});
    for (int i = 0; i < 100; ++i) {
      ASSERT_TRUE(a.wait_irq());
      EXPECT_EQ(a.in8(0x3f5), 0x5a);
    }
  });
  b.clock.set_ticks(a.clock.ticks());
  for (int i = 100; i < 512; ++i) {
    ASSERT_TRUE(b.wait_irq());
    EXPECT_EQ(b.in8(0x3f5), 0x5a);
  }
  EXPECT_EQ(b.result(7)[2], 0x00);
}

TEST(Floppy, SurvivesAnythingAGuestWrites) {
  Rig rig;
  rig.slot_a.insert(disk(163840));
  u64 random = 12345;
  const auto next = [&] {
    random = random * 6364136223846793005 + 1442695040888963407;
    return static_cast<u32>(random >> 33);
  };
  rig.dma.program(Bytes(1 << 16));
  for (int i = 0; i < 60000; ++i) {
    const u32 choice = next() % 16;
    if (choice < 9) {
      rig.out8(0x3f5, static_cast<u8>(next() % 3 == 0 ? next() : next() & 0x5f));
    } else if (choice < 12) {
      rig.in8(0x3f5);
    } else if (choice == 12) {
      rig.out8(static_cast<u16>(0x3f0 + next() % 6), static_cast<u8>(next() | 0x1c));
    } else if (choice == 13) {
      rig.out8(0x3f7, static_cast<u8>(next()));
    } else {
      rig.run(next() % 4 == 0 ? 30 * kMs : next() % 100000);
    }
    if (rig.dma.position > 60000) rig.dma.position = 0;
    if (i % 500 == 0) {
      const auto saved = core::save_to_bytes(rig.fdc);
      core::load_from_bytes(rig.fdc, saved);
      ASSERT_EQ(core::save_to_bytes(rig.fdc), saved);
    }
  }
}

TEST(Floppy, ADamagedArchiveNeverCrashes) {
  Rig rig;
  rig.slot_a.insert(disk(163840));
  rig.start(1, true);
  rig.send({0x46, 0x00, 0, 0, 1, 2, 8, 0x1b, 0xff});
  ASSERT_TRUE(rig.wait_irq());
  const auto saved = core::save_to_bytes(rig.fdc);
  for (std::size_t i = 40; i < saved.size(); i += 1) {
    auto damaged = saved;
    damaged[i] ^= 0x81;
    try {
      core::load_from_bytes(rig.fdc, damaged);
      for (int k = 0; k < 20; ++k) {
        rig.in8(0x3f5);
        rig.run(kMs);
      }
    } catch (const core::ArchiveError&) {
    }
  }
}

}  // namespace
}  // namespace orrery::hw
