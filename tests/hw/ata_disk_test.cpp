// The commands of an ATA hard disk, as a guest sees them through the ports.
#include "hw/ata_disk.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/hw/ide_rig.h"

namespace orrery::hw {
namespace {

// --- IDENTIFY and parameters -----------------------------------------------------------------------------------------

TEST(AtaDisk, IdentifiesItself) {
  IdeRig rig(std::make_unique<HugeDisk>());
  const Bytes id = rig.identify();
  EXPECT_EQ(IdeRig::word(id, 0), 0x0040);
  EXPECT_EQ(IdeRig::word(id, 1), 16383);
  EXPECT_EQ(IdeRig::word(id, 3), 16);
  EXPECT_EQ(IdeRig::word(id, 6), 63);
  EXPECT_EQ(IdeRig::word(id, 27), 'O' << 8 | 'R');
  EXPECT_EQ(IdeRig::word(id, 46), ' ' << 8 | ' ');
  EXPECT_EQ(IdeRig::word(id, 47), 0x8010);
  EXPECT_EQ(IdeRig::word(id, 49) & 0x0300, 0x0300) << "LBA and DMA";
  EXPECT_EQ(IdeRig::word(id, 60) | IdeRig::word(id, 61) << 16, 0x0fffffff);
  EXPECT_EQ(IdeRig::word(id, 83) & 0xc400, 0x4400) << "48-bit";
  const u64 sectors = core::load_le<u64>(&id[200]);
  EXPECT_EQ(sectors, (u64{300} << 30) / 512);
  u8 sum = 0;
  for (const u8 b : id) sum = static_cast<u8>(sum + b);
  EXPECT_EQ(sum, 0) << "the checksum of word 255";
  EXPECT_EQ(rig.status(), 0x50);
}

TEST(AtaDisk, SmallDisksHaveAGeometryThatFits) {
  IdeRig rig(std::max<u64>(20 * 16 * 63, 1));
  const Bytes id = rig.identify();
  EXPECT_EQ(IdeRig::word(id, 1), 20);
  EXPECT_EQ(IdeRig::word(id, 54), 20);
  EXPECT_EQ(IdeRig::word(id, 57), 20 * 16 * 63);
}

TEST(AtaDisk, InitializeDeviceParametersChangesTheTranslation) {
  IdeRig rig(20 * 16 * 63);
  rig.out8(0x1f2, 32);
  rig.out8(0x1f6, 0xa7);
  EXPECT_EQ(rig.command(0x91), 0x50);
  const Bytes id = rig.identify();
  EXPECT_EQ(IdeRig::word(id, 55), 8);
  EXPECT_EQ(IdeRig::word(id, 56), 32);
  EXPECT_EQ(IdeRig::word(id, 54), 20 * 16 * 63 / 256);
  EXPECT_EQ(IdeRig::word(id, 3), 16) << "the default stays";
  // Cylinder 3, head 7, sector 32.
  rig.out8(0x1f2, 1);
  rig.out8(0x1f3, 32);
  rig.out8(0x1f4, 3);
  rig.out8(0x1f5, 0);
  rig.out8(0x1f6, 0xa7);
  rig.out8(0x1f7, 0x20);
  EXPECT_TRUE(rig.wait_irq());
  EXPECT_EQ(rig.read_block(512), sector_of((3 * 8 + 7) * 32 + 31));
  rig.out8(0x1f2, 0);
  EXPECT_EQ(rig.command(0x91), 0x51) << "no sectors per track";
}

TEST(AtaDisk, ChsAddressesOutsideTheGeometryAreNotFound) {
  IdeRig rig(20 * 16 * 63);
  const auto read = [&](u8 cylinder, u8 head, u8 sector) {
    rig.out8(0x1f2, 1);
    rig.out8(0x1f3, sector);
    rig.out8(0x1f4, cylinder);
    rig.out8(0x1f5, 0);
    rig.out8(0x1f6, static_cast<u8>(0xa0 | head));
    rig.out8(0x1f7, 0x20);
    EXPECT_TRUE(rig.wait_irq());
    return std::pair{rig.in8(0x1f7), rig.in8(0x1f1)};
  };
  EXPECT_EQ(read(0, 0, 0), (std::pair<u8, u8>{0x51, 0x10}));
  EXPECT_EQ(read(0, 0, 64), (std::pair<u8, u8>{0x51, 0x10}));
  EXPECT_EQ(read(20, 0, 1), (std::pair<u8, u8>{0x51, 0x10}));
  EXPECT_EQ(read(19, 15, 63).first, 0x58);
}

TEST(AtaDisk, SetFeaturesChoosesModesAndCache) {
  IdeRig rig;
  rig.out8(0x1f1, 0x03);
  rig.out8(0x1f2, 0x22);
  EXPECT_EQ(rig.command(0xef), 0x50);
  EXPECT_EQ(IdeRig::word(rig.identify(), 63), 0x0407);
  rig.out8(0x1f1, 0x03);
  rig.out8(0x1f2, 0x45);
  EXPECT_EQ(rig.command(0xef), 0x50);
  const Bytes id = rig.identify();
  EXPECT_EQ(IdeRig::word(id, 63), 0x0007);
  EXPECT_EQ(IdeRig::word(id, 88), 0x203f);
  rig.out8(0x1f1, 0x82);
  EXPECT_EQ(rig.command(0xef), 0x50);
  EXPECT_EQ(IdeRig::word(rig.identify(), 85) & 0x20, 0);
  rig.out8(0x1f1, 0x77);
  EXPECT_EQ(rig.command(0xef), 0x51);
  EXPECT_EQ(rig.in8(0x1f1), 0x04);
}

TEST(AtaDisk, UnknownCommandsAreAborted) {
  IdeRig rig;
  for (const u8 opcode : {0x00, 0x08, 0xa0, 0xa1, 0x22, 0x50, 0xed, 0xff}) {
    EXPECT_EQ(rig.command(opcode), 0x51) << int{opcode};
    EXPECT_EQ(rig.in8(0x1f1), 0x04);
  }
}

// --- PIO -------------------------------------------------------------------------------------------------------------

TEST(AtaDisk, ReadsSectorsByPio) {
  IdeRig rig;
  rig.issue(0x20, 0x345, 3);
  EXPECT_EQ(rig.status() & 0x80, 0x80);
  EXPECT_FALSE(rig.irq14.level()) << "a request takes time";
  for (u64 i = 0; i < 3; ++i) {
    ASSERT_TRUE(rig.wait_irq());
    EXPECT_EQ(rig.in8(0x1f7), 0x58);
    EXPECT_FALSE(rig.irq14.level());
    EXPECT_EQ(rig.read_block(512), sector_of(0x345 + i));
  }
  EXPECT_EQ(rig.status(), 0x50);
  rig.run(10 * kMs);
  EXPECT_FALSE(rig.irq14.level()) << "no interrupt after the last block of a read";
  EXPECT_EQ(rig.in8(0x1f2), 0);
  EXPECT_EQ(rig.in8(0x1f3), 0x47) << "the last sector";
  EXPECT_EQ(rig.in16(0x1f0), 0xffff) << "no data without DRQ";
}

TEST(AtaDisk, TheDataPortIs32BitsWideToo) {
  IdeRig rig;
  rig.issue(0x21, 7, 1);
  ASSERT_TRUE(rig.wait_irq());
  const Bytes expected = sector_of(7);
  for (unsigned i = 0; i < 512; i += 4) ASSERT_EQ(rig.in32(0x1f0), core::load_le<u32>(&expected[i]));
  EXPECT_EQ(rig.status(), 0x50);
}

TEST(AtaDisk, WritesSectorsByPio) {
  IdeRig rig;
  rig.issue(0x30, 100, 2);
  EXPECT_EQ(rig.status(), 0x58) << "the first block is asked for without an interrupt";
  EXPECT_FALSE(rig.irq14.level());
  rig.write_block(sector_of(9000));
  EXPECT_EQ(rig.status() & 0x88, 0x80);
  ASSERT_TRUE(rig.wait_irq());
  EXPECT_EQ(rig.in8(0x1f7), 0x58);
  rig.write_block(sector_of(9001));
  ASSERT_TRUE(rig.wait_irq());
  EXPECT_EQ(rig.in8(0x1f7), 0x50);
  Bytes back(1024);
  ASSERT_TRUE(rig.slot0.medium()->read(100 * 512, back));
  Bytes expected = sector_of(9000);
  const Bytes second = sector_of(9001);
  expected.insert(expected.end(), second.begin(), second.end());
  EXPECT_EQ(back, expected);
}

TEST(AtaDisk, MultipleMovesSeveralSectorsInABlock) {
  IdeRig rig;
  EXPECT_EQ(rig.command(0xc4), 0x51) << "not before SET MULTIPLE MODE";
  rig.out8(0x1f2, 3);
  EXPECT_EQ(rig.command(0xc6), 0x51) << "no power of two";
  rig.out8(0x1f2, 32);
  EXPECT_EQ(rig.command(0xc6), 0x51);
  rig.out8(0x1f2, 4);
  EXPECT_EQ(rig.command(0xc6), 0x50);
  EXPECT_EQ(IdeRig::word(rig.identify(), 59), 0x0104);
  rig.issue(0xc4, 10, 6);
  ASSERT_TRUE(rig.wait_irq());
  rig.in8(0x1f7);
  Bytes data = rig.read_block(4 * 512);
  ASSERT_TRUE(rig.wait_irq()) << "the rest is a block of its own";
  rig.in8(0x1f7);
  const Bytes rest = rig.read_block(2 * 512);
  EXPECT_EQ(rig.status(), 0x50);
  data.insert(data.end(), rest.begin(), rest.end());
  for (u64 i = 0; i < 6; ++i) {
    EXPECT_EQ(Bytes(data.begin() + static_cast<i64>(i) * 512, data.begin() + static_cast<i64>(i + 1) * 512),
              sector_of(10 + i));
  }
  rig.issue(0xc5, 20, 4);
  rig.write_block(data = Bytes(4 * 512, 0x77));
  ASSERT_TRUE(rig.wait_irq());
  EXPECT_EQ(rig.in8(0x1f7), 0x50);
}

TEST(AtaDisk, ACountOf0Means256) {
  IdeRig rig;
  rig.issue(0x40, 0, 0);
  ASSERT_TRUE(rig.wait_irq());
  EXPECT_EQ(rig.in8(0x1f7), 0x50);
  EXPECT_EQ(rig.in8(0x1f3), 0xff);
  rig.issue(0x40, 4096 - 255, 0);
  ASSERT_TRUE(rig.wait_irq());
  EXPECT_EQ(rig.in8(0x1f7), 0x51);
  EXPECT_EQ(rig.in8(0x1f1), 0x10);
}

TEST(AtaDisk, FortyEightBitAddressesReachBehind137Gigabytes) {
  IdeRig rig(std::make_unique<HugeDisk>());
  const u64 lba = 0x1'2345'6789;
  rig.issue48(0x24, lba, 2);
  EXPECT_TRUE(rig.wait_irq());
  EXPECT_EQ(rig.in8(0x1f7), 0x51) << "behind the end of 300 GB";
  const u64 inside = 0x1234'5678;
  rig.issue48(0x24, inside, 2);
  for (u64 i = 0; i < 2; ++i) {
    ASSERT_TRUE(rig.wait_irq());
    rig.in8(0x1f7);
    EXPECT_EQ(rig.read_block(512), sector_of(inside + i));
  }
  rig.out8(0x3f6, 0x80);
  EXPECT_EQ(rig.in8(0x1f3), 0x12) << "the previous content, by HOB";
  rig.out8(0x1f1, 0);
  EXPECT_EQ(rig.in8(0x1f3), 0x79) << "any register write clears HOB";
}

TEST(AtaDisk, AnUnreadableSectorIsNamed) {
  auto huge = std::make_unique<HugeDisk>();
  huge->bad = 1002;
  IdeRig rig(std::move(huge));
  rig.issue(0x20, 1000, 4);
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(rig.wait_irq());
    EXPECT_EQ(rig.in8(0x1f7), 0x58);
    rig.read_block(512);
  }
  ASSERT_TRUE(rig.wait_irq());
  EXPECT_EQ(rig.in8(0x1f7), 0x51);
  EXPECT_EQ(rig.in8(0x1f1), 0x40);
  EXPECT_EQ(rig.in8(0x1f3), 0xea);
  EXPECT_EQ(rig.in8(0x1f4), 0x03);
  rig.set_lba(1000);
  rig.out8(0x1f2, 4);
  EXPECT_EQ(rig.command(0x40), 0x51);
  EXPECT_EQ(rig.in8(0x1f3), 0xea);
}

TEST(AtaDisk, AReadOnlyDiskRefusesWrites) {
  IdeRig rig(memory_image(contents(100), "ro.img", true));
  rig.set_lba(1);
  rig.out8(0x1f2, 1);
  EXPECT_EQ(rig.command(0x30), 0x51);
  EXPECT_EQ(rig.in8(0x1f1), 0x04);
}

TEST(AtaDisk, ACommandWhileBusyIsIgnored) {
  IdeRig rig;
  rig.issue(0x20, 5, 1);
  rig.out8(0x1f7, 0xec);
  rig.out8(0x1f3, 99);
  ASSERT_TRUE(rig.wait_irq());
  EXPECT_EQ(rig.read_block(512), sector_of(5));
}

TEST(AtaDisk, AResetEndsACommand) {
  IdeRig rig;
  rig.issue(0x20, 5, 8);
  ASSERT_TRUE(rig.wait_irq());
  rig.out8(0x3f6, 0x04);
  EXPECT_FALSE(rig.irq14.level());
  rig.out8(0x3f6, 0x00);
  EXPECT_TRUE(rig.wait_ready());
  EXPECT_EQ(rig.status(), 0x50);
  EXPECT_EQ(rig.in16(0x1f0), 0xffff);
}

TEST(AtaDisk, ASeekTakesLongerThanASequentialRead) {
  IdeRig rig;
  const auto time = [&](u64 lba) {
    rig.set_lba(lba);
    rig.out8(0x1f2, 1);
    const u64 before = rig.clock.now();
    rig.out8(0x1f7, 0x20);
    EXPECT_TRUE(rig.wait_irq());
    rig.in8(0x1f7);
    rig.read_block(512);
    return rig.clock.now() - before;
  };
  time(0);
  const u64 next = time(1);
  const u64 far = time(4000);
  EXPECT_GT(next, 5 * kUs);
  EXPECT_GT(far, next + 500 * kUs);
  EXPECT_LT(far, 5 * kMs);
}

// --- other commands --------------------------------------------------------------------------------------------------

TEST(AtaDisk, PowerModes) {
  IdeRig rig;
  EXPECT_EQ(rig.command(0xe5), 0x50);
  EXPECT_EQ(rig.in8(0x1f2), 0xff);
  EXPECT_EQ(rig.command(0xe0), 0x50);
  rig.command(0x98);
  EXPECT_EQ(rig.in8(0x1f2), 0x00);
  EXPECT_EQ(rig.command(0xe1), 0x50);
  rig.command(0xe5);
  EXPECT_EQ(rig.in8(0x1f2), 0xff);
  rig.out8(0x1f2, 1);  // five seconds
  EXPECT_EQ(rig.command(0xe3), 0x50);
  rig.run(4900 * kMs);
  rig.command(0xe5);
  EXPECT_EQ(rig.in8(0x1f2), 0xff);
  rig.run(200 * kMs);
  rig.command(0xe5);
  EXPECT_EQ(rig.in8(0x1f2), 0x00) << "the standby timer";
  EXPECT_EQ(rig.command(0xe6), 0x50);
  rig.out8(0x1f7, 0xec);
  rig.run(1000 * kMs);
  EXPECT_FALSE(rig.irq14.level()) << "asleep";
  rig.out8(0x3f6, 0x04);
  rig.out8(0x3f6, 0x00);
  EXPECT_TRUE(rig.wait_ready());
  rig.identify();
}

TEST(AtaDisk, NativeMaxAndSetMax) {
  IdeRig rig;
  rig.out8(0x1f6, 0xe0);
  EXPECT_EQ(rig.command(0xf8), 0x50);
  EXPECT_EQ(rig.in8(0x1f3), 0xff);
  EXPECT_EQ(rig.in8(0x1f4), 0x0f);
  rig.set_lba(999);
  EXPECT_EQ(rig.command(0xf9), 0x50);
  EXPECT_EQ(IdeRig::word(rig.identify(), 60), 1000);
  rig.set_lba(1999);
  EXPECT_EQ(rig.command(0xf9), 0x51) << "only right after READ NATIVE MAX ADDRESS";
  rig.set_lba(1000);
  rig.out8(0x1f2, 1);
  EXPECT_EQ(rig.command(0x40), 0x51);
  rig.out8(0x1f6, 0xe0);
  EXPECT_EQ(rig.command(0x27), 0x50);
  EXPECT_EQ(rig.in8(0x1f4), 0x0f) << "the native size stays";
}

TEST(AtaDisk, SmartNeedsItsKeyAndReportsHealth) {
  IdeRig rig;
  const auto smart = [&](u8 feature, u8 low = 0) {
    rig.set_lba(u32{0xc24f00} | low);
    rig.out8(0x1f1, feature);
    return rig.command(0xb0);
  };
  EXPECT_EQ(smart(0xda), 0x50);
  EXPECT_EQ(rig.in8(0x1f4), 0x4f);
  EXPECT_EQ(rig.in8(0x1f5), 0xc2);
  EXPECT_EQ(smart(0xd0), 0x58);
  Bytes data = rig.read_block(512);
  u8 sum = 0;
  for (const u8 b : data) sum = static_cast<u8>(sum + b);
  EXPECT_EQ(sum, 0);
  EXPECT_EQ(smart(0xd5, 1), 0x58);
  rig.read_block(512);
  EXPECT_EQ(smart(0xd5, 0x80), 0x51);
  EXPECT_EQ(smart(0xd9), 0x50);
  EXPECT_EQ(smart(0xda), 0x51) << "disabled";
  EXPECT_EQ(smart(0xd8), 0x50);
  rig.set_lba(0);
  rig.out8(0x1f1, 0xda);
  EXPECT_EQ(rig.command(0xb0), 0x51) << "no key";
}

TEST(AtaDisk, TheSectorBufferIsKept) {
  IdeRig rig;
  rig.out8(0x1f7, 0xe8);
  EXPECT_EQ(rig.status(), 0x58);
  rig.write_block(sector_of(55));
  ASSERT_TRUE(rig.wait_irq());
  EXPECT_EQ(rig.in8(0x1f7), 0x50);
  EXPECT_EQ(rig.command(0xe4), 0x58);
  EXPECT_EQ(rig.read_block(512), sector_of(55));
}

TEST(AtaDisk, RecalibrateSeekAndFlushEndWell) {
  IdeRig rig;
  EXPECT_EQ(rig.command(0x10), 0x50);
  EXPECT_EQ(rig.command(0x1f), 0x50);
  rig.set_lba(77);
  EXPECT_EQ(rig.command(0x70), 0x50);
  rig.set_lba(4096);
  EXPECT_EQ(rig.command(0x70), 0x51);
  EXPECT_EQ(rig.command(0xe7), 0x50);
  EXPECT_EQ(rig.command(0xea), 0x50);
}

}  // namespace
}  // namespace orrery::hw
