// The channels of the IDE controller, its bus master, and two drives on a cable.
#include "hw/ide.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/hw/ide_rig.h"
#include "tests/support/archive_tests.h"

namespace orrery::hw {
namespace {

// --- resets, selection, absent drives --------------------------------------------------------------------------------

TEST(Ide, NothingAnswersBeforeFirmwareEnablesIt) {
  IdeRig rig;
  rig.ide.reset();
  rig.run(kMs);
  EXPECT_EQ(rig.in8(0x1f7), 0xff);
  rig.ide.pci().config_write(0x04, 2, 0x0001);
  EXPECT_EQ(rig.in8(0x1f7), 0xff) << "I/O alone is not enough";
  rig.ide.pci().config_write(0x40, 2, 0x8000);
  EXPECT_EQ(rig.in8(0x1f7), 0x50);
  EXPECT_EQ(rig.in8(0x177), 0xff);
  rig.ide.pci().config_write(0x42, 2, 0x8000);
  EXPECT_EQ(rig.in8(0x177), 0x7f) << "an empty channel";
}

TEST(Ide, ThePciFunctionIsThePiix3s) {
  IdeRig rig;
  EXPECT_EQ(rig.ide.pci().config_read(0x00, 4), 0x70108086u);
  EXPECT_EQ(rig.ide.pci().config_read(0x08, 4) >> 8, 0x010180u);
  EXPECT_EQ(rig.ide.pci().config_read(0x3d, 1), 0u) << "no PCI interrupt: 14 and 15";
  rig.ide.pci().config_write(0x20, 4, 0xffffffff);
  EXPECT_EQ(rig.ide.pci().config_read(0x20, 4), 0xfffffff1u);
}

TEST(Ide, TheSignatureOfADiskFollowsAReset) {
  IdeRig rig;
  rig.out8(0x1f6, 0xb0);
  rig.out8(0x3f6, 0x04);
  EXPECT_EQ(rig.status(), 0x80);
  rig.run(10 * kMs);
  EXPECT_EQ(rig.status(), 0x80) << "for as long as SRST is set";
  rig.out8(0x3f6, 0x00);
  EXPECT_EQ(rig.status(), 0x80);
  EXPECT_TRUE(rig.wait_ready());
  EXPECT_EQ(rig.status(), 0x50);
  EXPECT_EQ(rig.in8(0x1f1), 0x01);
  EXPECT_EQ(rig.in8(0x1f2), 0x01);
  EXPECT_EQ(rig.in8(0x1f3), 0x01);
  EXPECT_EQ(rig.in8(0x1f4), 0x00);
  EXPECT_EQ(rig.in8(0x1f5), 0x00);
  EXPECT_EQ(rig.in8(0x1f6), 0x00) << "device 0 is selected";
  EXPECT_FALSE(rig.irq14.level());
}

TEST(Ide, Device0AnswersForAnAbsentDevice1) {
  IdeRig rig;
  rig.out8(0x1f6, 0xb0);
  rig.out8(0x1f2, 0x55);
  rig.out8(0x1f3, 0xaa);
  EXPECT_EQ(rig.in8(0x1f2), 0x55);
  EXPECT_EQ(rig.in8(0x1f3), 0xaa);
  EXPECT_EQ(rig.in8(0x1f6), 0xb0);
  EXPECT_EQ(rig.in8(0x1f7), 0x00);
  rig.out8(0x1f7, 0xec);
  rig.run(100 * kMs);
  EXPECT_EQ(rig.in8(0x1f7), 0x00) << "commands for it vanish";
  EXPECT_FALSE(rig.irq14.level());
  EXPECT_EQ(IdeRig::word(rig.identify(), 93) & 0xdf61, 0x4041);
}

TEST(Ide, AnEmptyChannelFloats) {
  IdeRig rig;
  for (u16 port = 0x171; port < 0x178; ++port) EXPECT_EQ(rig.in8(port), 0x7f);
  EXPECT_EQ(rig.in8(0x376), 0x7f);
  rig.out8(0x172, 0x55);
  EXPECT_EQ(rig.in8(0x172), 0x7f);
  rig.out8(0x177, 0xec);
  rig.in16(0x170);
  rig.run(100 * kMs);
  EXPECT_FALSE(rig.irq15.level());
}

TEST(Ide, BothDrivesHearRegistersAndOneExecutes) {
  IdeRig rig(4096, 2048);
  EXPECT_EQ(IdeRig::word(rig.identify(0), 60), 4096);
  EXPECT_EQ(IdeRig::word(rig.identify(1), 60), 2048);
  rig.out8(0x1f6, 0xa0);
  rig.out8(0x1f2, 0x12);
  rig.out8(0x1f6, 0xb0);
  EXPECT_EQ(rig.in8(0x1f2), 0x12);
}

TEST(Ide, DiagnosticsRunOnBothAndDevice0Reports) {
  IdeRig rig(4096, 2048);
  rig.out8(0x1f6, 0xb0);
  EXPECT_EQ(rig.command(0x90), 0x50);
  EXPECT_EQ(rig.in8(0x1f1), 0x01);
  EXPECT_EQ(rig.in8(0x1f6), 0x00);
  rig.out8(0x1f6, 0xb0);
  EXPECT_EQ(rig.in8(0x1f1), 0x01);
  EXPECT_EQ(rig.in8(0x1f3), 0x01);
}

TEST(Ide, AnInterruptShowsOnlyWhileItsDriveIsSelected) {
  IdeRig rig(4096, 2048);
  rig.out8(0x1f6, 0xa0);
  rig.out8(0x1f7, 0xe7);
  EXPECT_TRUE(rig.wait_irq());
  rig.out8(0x1f6, 0xb0);
  EXPECT_FALSE(rig.irq14.level());
  rig.in8(0x1f7);
  rig.out8(0x1f6, 0xa0);
  EXPECT_TRUE(rig.irq14.level());
  EXPECT_EQ(rig.in8(0x3f6), 0x50);
  EXPECT_TRUE(rig.irq14.level()) << "alternate status leaves it";
  EXPECT_EQ(rig.in8(0x1f7), 0x50);
  EXPECT_FALSE(rig.irq14.level());
}

TEST(Ide, NienMasksTheInterrupt) {
  IdeRig rig;
  rig.out8(0x3f6, 0x02);
  rig.out8(0x1f7, 0xe7);
  rig.run(100 * kMs);
  EXPECT_FALSE(rig.irq14.level());
  rig.out8(0x3f6, 0x00);
  EXPECT_TRUE(rig.irq14.level());
}

// --- bus master ------------------------------------------------------------------------------------------------------

TEST(Ide, ReadsByDma) {
  IdeRig rig;
  rig.descriptor(0, 0x20000, 512, false);
  rig.descriptor(1, 0x30000, 1536, true);
  rig.arm(true);
  rig.issue(0xc8, 50, 4);
  rig.go(true);
  EXPECT_EQ(rig.in8(kBmBase + 2) & 0x07, 0x01) << "active";
  ASSERT_TRUE(rig.wait_irq());
  EXPECT_EQ(rig.in8(kBmBase + 2) & 0x07, 0x04) << "interrupt, no longer active";
  EXPECT_EQ(rig.in8(0x1f7), 0x50);
  rig.out8(kBmBase, 0x08);
  rig.out8(kBmBase + 2, 0x04);
  EXPECT_EQ(rig.in8(kBmBase + 2) & 0x07, 0x00);
  EXPECT_EQ(rig.memory_at(0x20000, 512), sector_of(50));
  EXPECT_EQ(rig.memory_at(0x30000, 512), sector_of(51));
  EXPECT_EQ(rig.memory_at(0x30400, 512), sector_of(53));
}

TEST(Ide, WritesByDma) {
  IdeRig rig;
  const Bytes data = sector_of(7777);
  rig.memory.write_block(0x20002, data);
  rig.descriptor(0, 0x20002, 512, true);
  rig.arm(false);
  rig.issue(0xca, 60, 1);
  rig.go(false);
  ASSERT_TRUE(rig.wait_irq());
  EXPECT_EQ(rig.in8(0x1f7), 0x50);
  Bytes back(512);
  ASSERT_TRUE(rig.slot0.medium()->read(60 * 512, back));
  EXPECT_EQ(back, data);
}

TEST(Ide, ADriveThatIsReadyFirstWaitsForTheBusMaster) {
  IdeRig rig;
  rig.descriptor(0, 0x20000, 512, true);
  rig.arm(true);
  rig.issue(0xc8, 50, 1);
  rig.run(1000 * kMs);
  EXPECT_FALSE(rig.irq14.level());
  EXPECT_EQ(rig.status() & 0x88, 0x08);
  rig.go(true);
  ASSERT_TRUE(rig.wait_irq());
  EXPECT_EQ(rig.memory_at(0x20000, 512), sector_of(50));
}

TEST(Ide, ATableThatIsTooLongLeavesTheEngineActive) {
  IdeRig rig;
  rig.descriptor(0, 0x20000, 4096, true);
  rig.arm(true);
  rig.issue(0xc8, 50, 1);
  rig.go(true);
  ASSERT_TRUE(rig.wait_irq());
  EXPECT_EQ(rig.in8(kBmBase + 2) & 0x07, 0x05);
  rig.out8(kBmBase, 0x00);
  EXPECT_EQ(rig.in8(kBmBase + 2) & 0x07, 0x04);
}

TEST(Ide, ATableThatIsTooShortStopsWithoutAnInterruptAndANewOneGoesOn) {
  IdeRig rig;
  rig.descriptor(0, 0x20000, 700, true);
  rig.arm(true);
  rig.issue(0xc8, 50, 2);
  rig.go(true);
  rig.run(100 * kMs);
  EXPECT_FALSE(rig.irq14.level());
  EXPECT_EQ(rig.in8(kBmBase + 2) & 0x07, 0x00);
  EXPECT_EQ(rig.status() & 0x88, 0x08);
  rig.descriptor(0, 0x20000 + 700, 324, true);
  rig.out8(kBmBase, 0x08);
  rig.go(true);
  ASSERT_TRUE(rig.wait_irq());
  EXPECT_EQ(rig.memory_at(0x20000, 512), sector_of(50));
  EXPECT_EQ(rig.memory_at(0x20200, 512), sector_of(51));
}

TEST(Ide, ACountOf0InADescriptorIs64Kilobytes) {
  IdeRig rig;
  rig.descriptor(0, 0x20000, 0, true);
  rig.arm(true);
  rig.issue(0xc8, 0, 128);
  rig.go(true);
  ASSERT_TRUE(rig.wait_irq());
  EXPECT_EQ(rig.in8(kBmBase + 2) & 0x07, 0x04);
  EXPECT_EQ(rig.memory_at(0x20000 + 127 * 512, 512), sector_of(127));
}

TEST(Ide, TablesAndBuffersOutsideMemoryAreErrors) {
  IdeRig rig;
  rig.descriptor(0, 0x8000000, 512, true);
  rig.arm(true);
  rig.issue(0xc8, 50, 1);
  rig.go(true);
  rig.run(100 * kMs);
  EXPECT_EQ(rig.in8(kBmBase + 2) & 0x07, 0x02);
  EXPECT_FALSE(rig.irq14.level());
  rig.out8(kBmBase, 0x00);
  rig.out32(kBmBase + 4, 0xfffffffc);
  rig.out8(kBmBase + 2, 0x02);
  rig.go(true);
  rig.run(100 * kMs);
  EXPECT_EQ(rig.in8(kBmBase + 2) & 0x07, 0x02);
  rig.out8(0x3f6, 0x04);
  rig.out8(0x3f6, 0x00);
  EXPECT_TRUE(rig.wait_ready());
  EXPECT_EQ(rig.status(), 0x50);
}

TEST(Ide, WithoutBusMasterEnableTheEngineStalls) {
  IdeRig rig;
  rig.ide.pci().config_write(0x04, 2, 0x0001);
  rig.descriptor(0, 0x20000, 512, true);
  rig.arm(true);
  rig.issue(0xc8, 50, 1);
  rig.go(true);
  rig.run(100 * kMs);
  EXPECT_FALSE(rig.irq14.level());
  EXPECT_EQ(rig.in8(kBmBase + 2) & 0x07, 0x01);
  rig.ide.pci().config_write(0x04, 2, 0x0005);
  ASSERT_TRUE(rig.wait_irq());
  EXPECT_EQ(rig.memory_at(0x20000, 512), sector_of(50));
}

TEST(Ide, BusMasterRegistersHoldWhatTheyShould) {
  IdeRig rig;
  rig.out32(kBmBase + 4, 0x12345677);
  EXPECT_EQ(rig.in32(kBmBase + 4), 0x12345674u);
  rig.out8(kBmBase + 2, 0xff);
  EXPECT_EQ(rig.in8(kBmBase + 2), 0x60) << "drive capable bits are the guest's";
  rig.out8(kBmBase, 0xf8);
  EXPECT_EQ(rig.in8(kBmBase), 0x08);
  rig.out32(kBmBase + 12, 0x1000);
  EXPECT_EQ(rig.in32(kBmBase + 12), 0x1000u) << "the secondary channel";
}

TEST(Ide, DmaToABadSectorFails) {
  auto huge = std::make_unique<HugeDisk>();
  huge->bad = 203;
  IdeRig rig(std::move(huge));
  rig.descriptor(0, 0x20000, 0x8000, true);
  rig.arm(true);
  rig.issue48(0x25, 200, 64);
  rig.go(true);
  ASSERT_TRUE(rig.wait_irq());
  EXPECT_EQ(rig.in8(0x1f7), 0x51);
  EXPECT_EQ(rig.in8(0x1f1), 0x40);
  EXPECT_EQ(rig.in8(0x1f3), 203);
}

TEST(Ide, AnIsaControllerHasNoDmaButReads) {
  test::ChipRig rig;
  core::LevelLine irq14;
  core::LevelLine irq15;
  MediaSlot slot{"hd0", memory_image(contents(100), "hd0")};
  IdeController ide(rig.ports, rig.log, irq14, irq15);
  ide.attach(1, 0, std::make_unique<AtaDisk>(rig.clock, rig.log, "hd2", slot));
  rig.run(kMs);
  rig.out8(0x176, 0xe0);
  rig.out8(0x172, 1);
  rig.out8(0x173, 9);
  rig.out8(0x177, 0x20);
  EXPECT_TRUE(rig.run_until([&] { return irq15.level(); }));
  EXPECT_EQ(rig.in8(0x177), 0x58);
  EXPECT_EQ(rig.in16(0x170), 9);
}

// --- state -----------------------------------------------------------------------------------------------------------

TEST(Ide, KeepsTheArchiveContractInTheMiddleOfAPioRead) {
  IdeRig a;
  IdeRig b;
  test::expect_archive_contract(a.ide, b.ide, [&] {
    a.issue(0x20, 33, 2);
    ASSERT_TRUE(a.wait_irq());
    a.read_block(100);
  });
  b.clock.set_ticks(a.clock.ticks());
  EXPECT_TRUE(b.irq14.level());
  EXPECT_EQ(b.in8(0x1f7), 0x58);
  EXPECT_EQ(a.read_block(412), b.read_block(412));
  ASSERT_TRUE(b.wait_irq());
  EXPECT_EQ(b.read_block(512), sector_of(34));
}

TEST(Ide, KeepsTheArchiveContractInTheMiddleOfDmaAndOfWrittenSectors) {
  IdeRig a;
  IdeRig b;
  b.descriptor(0, 0x20000, 512, true);
  test::expect_archive_contract(a.ide, b.ide, [&] {
    a.issue(0x30, 40, 1);
    a.write_block(Bytes(512, 0x3c));
    ASSERT_TRUE(a.wait_irq());
    a.in8(0x1f7);
    a.descriptor(0, 0x20000, 512, true);
    a.arm(true);
    a.out8(0x1f2, 1);
    a.out8(0x1f7, 0xc8);
    a.go(true);
  });
  b.clock.set_ticks(a.clock.ticks());
  ASSERT_TRUE(a.wait_irq());
  ASSERT_TRUE(b.wait_irq());
  EXPECT_EQ(a.clock.now(), b.clock.now());
  EXPECT_EQ(b.memory_at(0x20000, 512), Bytes(512, 0x3c));
  EXPECT_EQ(b.in8(kBmBase + 2) & 0x07, 0x04);
}

TEST(Ide, ADriveThatWaitsForTheBusMasterStillWaitsAfterALoad) {
  IdeRig a;
  IdeRig b;
  a.descriptor(0, 0x20000, 512, true);
  a.issue(0xc8, 50, 1);
  a.run(100 * kMs);
  const auto saved = core::save_to_bytes(a.ide);
  b.ide.reset();
  core::load_from_bytes(b.ide, saved);
  EXPECT_EQ(core::save_to_bytes(b.ide), saved);
}

TEST(Ide, ADamagedArchiveNeverCrashes) {
  for (const u8 opcode : {0x20, 0x30, 0xca, 0xc8}) {
    IdeRig rig(200);
    rig.descriptor(0, 0x20000, 700, true);
    rig.arm(true);
    rig.set_lba(40);
    rig.out8(0x1f2, 3);
    rig.out8(0x1f7, opcode);
    rig.go(true);
    rig.run(100 * kMs);
    const auto saved = core::save_to_bytes(rig.ide);
    for (std::size_t i = 16; i < saved.size(); i += 2) {
      auto damaged = saved;
      damaged[i] ^= 0x83;
      try {
        core::load_from_bytes(rig.ide, damaged);
        for (int k = 0; k < 600; ++k) rig.in16(0x1f0), rig.out16(0x1f0, 7);
        rig.out8(kBmBase, 0);
        rig.out8(kBmBase, 9);
        rig.run(kMs);
      } catch (const core::ArchiveError&) {
      }
    }
  }
}

TEST(Ide, SurvivesAnythingAGuestWrites) {
  IdeRig rig(4096, 100);
  u64 random = 99;
  const auto next = [&] {
    random = random * 6364136223846793005 + 1442695040888963407;
    return static_cast<u32>(random >> 33);
  };
  for (u32 i = 0; i < 0x40000; i += 4) rig.memory.write32(i, next() & 0x800fffff);
  for (int i = 0; i < 100000; ++i) {
    switch (next() % 12) {
      case 0:
      case 1:
      case 2:
        rig.out8(static_cast<u16>(0x1f1 + next() % 6), static_cast<u8>(next() % 3 == 0 ? next() : next() & 3));
        break;
      case 3: {
        static constexpr u8 kCommands[] = {0x20, 0x30, 0xc8, 0xca, 0xc4, 0xc5, 0x25, 0x35, 0x24, 0x34, 0xc6,
                                           0x91, 0xec, 0xb0, 0xef, 0x90, 0xe8, 0xe4, 0x40, 0x27, 0xf9, 0x29};
        rig.out8(0x1f7, next() % 8 == 0 ? static_cast<u8>(next()) : kCommands[next() % std::size(kCommands)]);
        break;
      }
      case 4: rig.out8(0x3f6, next() % 50 == 0 ? 4 : 0); break;
      case 5: rig.out8(static_cast<u16>(kBmBase + next() % 16), static_cast<u8>(next())); break;
      case 6: rig.out32(kBmBase + 4, next() & 0x3fffc); break;
      case 7: rig.out8(kBmBase, static_cast<u8>(next() & 9)); break;
      case 8:
        for (int k = 0; k < 300; ++k) rig.in16(0x1f0);
        break;
      case 9:
        for (int k = 0; k < 300; ++k) rig.out32(0x1f0, next());
        break;
      case 10: rig.in32(static_cast<u16>(0x1f0 + next() % 8)); break;
      default: rig.run(next() % 100000);
    }
    if (i % 1000 == 0) {
      const auto saved = core::save_to_bytes(rig.ide);
      core::load_from_bytes(rig.ide, saved);
      ASSERT_EQ(core::save_to_bytes(rig.ide), saved);
    }
  }
}

}  // namespace
}  // namespace orrery::hw
