#include "machine/memory_map.h"

#include <gtest/gtest.h>

#include <map>

namespace orrery::machine {
namespace {

std::map<u8, u8> cmos_of(const CmosFacts& facts) {
  std::map<u8, u8> cells;
  fill_cmos(facts, [&](u8 index, u8 value) { cells[index] = value; });
  return cells;
}

u64 word(const std::map<u8, u8>& cells, u8 index) {
  return cells.at(index) | cells.at(static_cast<u8>(index + 1)) << 8;
}

TEST(MemoryMap, RamGoesOnAboveFourGiBWhenItReachesThePciHole) {
  const std::vector<E820Entry> map = e820_map(u64{5} << 30);
  ASSERT_EQ(map.size(), 2u);
  EXPECT_EQ(map[0].size, 0xe0000000u);
  EXPECT_EQ(map[1].address, u64{1} << 32);
  EXPECT_EQ(map[0].size + map[1].size, u64{5} << 30);
  EXPECT_EQ(e820_map(64 << 20).size(), 1u);
}

TEST(Cmos, TellsTheMemorySizes) {
  CmosFacts facts;
  facts.memory = 64 << 20;
  std::map<u8, u8> cells = cmos_of(facts);
  EXPECT_EQ(word(cells, 0x15), 640u);
  EXPECT_EQ(word(cells, 0x17), 63u * 1024);
  EXPECT_EQ(word(cells, 0x30), 63u * 1024);
  EXPECT_EQ(word(cells, 0x34), 48u * 16);
  EXPECT_EQ(word(cells, 0x5b), 0u);
  facts.memory = 1 << 20;
  cells = cmos_of(facts);
  EXPECT_EQ(word(cells, 0x30), 0u);
  EXPECT_EQ(word(cells, 0x34), 0u);
  facts.memory = u64{6} << 30;
  cells = cmos_of(facts);
  EXPECT_EQ(word(cells, 0x30), 0xffffu);
  EXPECT_EQ(word(cells, 0x34), (0xe0000000u - (16u << 20)) >> 16);
  EXPECT_EQ(word(cells, 0x5b) | cells.at(0x5d) << 16, ((u64{6} << 30) - 0xe0000000) >> 16);
}

TEST(Cmos, TellsTheDisksAsTypesOfTheUser) {
  CmosFacts facts;
  facts.memory = 16 << 20;
  std::map<u8, u8> cells = cmos_of(facts);
  EXPECT_EQ(cells.at(0x12), 0);
  EXPECT_EQ(cells.at(0x39), 0);
  facts.disks[0] = hw::DiskGeometry{615, 4, 17, hw::DiskTranslation::None};
  facts.disks[2] = hw::DiskGeometry{1030, 16, 63, hw::DiskTranslation::Large};
  facts.disks[3] = hw::DiskGeometry{16383, 16, 63, hw::DiskTranslation::Lba};
  cells = cmos_of(facts);
  EXPECT_EQ(cells.at(0x12), 0xf0);
  EXPECT_EQ(cells.at(0x19), 47);
  EXPECT_EQ(cells.at(0x1a), 0);
  EXPECT_EQ(word(cells, 0x1b), 615u);
  EXPECT_EQ(cells.at(0x1d), 4);
  EXPECT_EQ(cells.at(0x20), 0xc0);
  EXPECT_EQ(cells.at(0x23), 17);
  EXPECT_EQ(cells.at(0x39), 0x60);
  facts.disks[1] = hw::DiskGeometry{1000, 16, 63, hw::DiskTranslation::None};
  cells = cmos_of(facts);
  EXPECT_EQ(cells.at(0x12), 0xff);
  EXPECT_EQ(cells.at(0x1a), 47);
  EXPECT_EQ(word(cells, 0x24), 1000u);
  EXPECT_EQ(cells.at(0x26), 16);
  EXPECT_EQ(word(cells, 0x27), 0xffffu);
  EXPECT_EQ(cells.at(0x29), 0xc8);
  EXPECT_EQ(word(cells, 0x2a), 1000u);
  EXPECT_EQ(cells.at(0x2c), 63);
}

TEST(Cmos, TellsFloppiesAndBootOrderUnderTheChecksum) {
  CmosFacts facts;
  facts.memory = 16 << 20;
  facts.floppy_types = {4, 2};
  set_boot_devices("dca", facts);
  const std::map<u8, u8> cells = cmos_of(facts);
  EXPECT_EQ(cells.at(0x10), 0x42);
  EXPECT_EQ(cells.at(0x14) & 0xc1, 0x41);
  EXPECT_EQ(cells.at(0x3d), 0x23);
  EXPECT_EQ(cells.at(0x38), 0x10);
  unsigned sum = 0;
  for (u8 i = 0x10; i <= 0x2d; ++i) sum += cells.at(i);
  EXPECT_EQ(u8(sum >> 8), cells.at(0x2e));
  EXPECT_EQ(u8(sum), cells.at(0x2f));
}

}  // namespace
}  // namespace orrery::machine
