#include "hw/block/disk_geometry.h"

#include <gtest/gtest.h>

#include <vector>

namespace orrery::hw {
namespace {

/// A disk that is empty but for its first sector.
class EmptyDisk final : public BlockDevice {
 public:
  explicit EmptyDisk(u64 size) : size_(size) {}
  std::vector<u8> mbr = std::vector<u8>(512);

  /// An entry that ends on that head and sector, the last of the table's cylinders.
  void partition(u32 start, u32 count, u8 last_head, u8 last_sector, u8 boot = 0x80) {
    u8* entry = &mbr[0x1be];
    entry[0] = boot;
    entry[4] = 6;
    entry[5] = last_head;
    entry[6] = static_cast<u8>(last_sector | 0xc0);
    for (int i = 0; i < 4; ++i) {
      entry[8 + i] = static_cast<u8>(start >> (8 * i));
      entry[12 + i] = static_cast<u8>(count >> (8 * i));
    }
    mbr[510] = 0x55;
    mbr[511] = 0xaa;
  }

  const std::string& name() const override { return name_; }
  u64 size() const override { return size_; }
  bool read_only() const override { return true; }
  bool read(u64 offset, std::span<u8> out) override {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = offset + i < mbr.size() ? mbr[offset + i] : 0;
    return offset + out.size() <= size_;
  }
  bool write(u64, std::span<const u8>) override { return false; }
  bool flush() override { return true; }
  void pad_to(u64) override {}
  const std::string& last_error() const override { return name_; }
  void archive(core::Archive&) override {}

 private:
  u64 size_;
  std::string name_;
};

constexpr u64 kMiB = 1 << 20;
constexpr u64 kGiB = 1 << 30;

TEST(DiskGeometry, ADiskWithoutAPartitionTableHasSixteenHeadsOfSixtyThreeSectors) {
  EmptyDisk disk(64 * kMiB);
  EXPECT_EQ(fit_disk(disk), (DiskGeometry{130, 16, 63, DiskTranslation::None}));
  EmptyDisk tiny(512);
  EXPECT_EQ(fit_disk(tiny), (DiskGeometry{1, 16, 63, DiskTranslation::None}));
}

TEST(DiskGeometry, MoreThan1024CylindersAreTranslated) {
  EmptyDisk just(u64{1024} * 16 * 63 * 512);
  EXPECT_EQ(fit_disk(just), (DiskGeometry{1024, 16, 63, DiskTranslation::None}));
  EmptyDisk more(u64{1025} * 16 * 63 * 512);
  EXPECT_EQ(fit_disk(more), (DiskGeometry{1025, 16, 63, DiskTranslation::Lba}));
  EmptyDisk large(100 * kGiB);
  EXPECT_EQ(fit_disk(large), (DiskGeometry{16383, 16, 63, DiskTranslation::Lba}));
}

TEST(DiskGeometry, ADiskHasTheGeometryThatItWasPartitionedWith) {
  EmptyDisk disk(u64{615} * 4 * 17 * 512);
  disk.partition(17, 614 * 4 * 17 - 17, 3, 17);
  EXPECT_EQ(fit_disk(disk), (DiskGeometry{615, 4, 17, DiskTranslation::None}));
}

TEST(DiskGeometry, HeadsBeyondSixteenAreATranslation) {
  EmptyDisk disk(8 * kGiB);
  disk.partition(63, 1000000, 254, 63);
  EXPECT_EQ(fit_disk(disk), (DiskGeometry{16383, 16, 63, DiskTranslation::Lba}));
  // Where both translations come to the same heads, it is LBA assist: 2300 cylinders have 64 heads either way.
  EmptyDisk either(u64{2300} * 16 * 63 * 512);
  either.partition(63, 2000000, 63, 63);
  EXPECT_EQ(fit_disk(either), (DiskGeometry{2300, 16, 63, DiskTranslation::Lba}));
}

TEST(DiskGeometry, HalvesOfCylindersIfTheTableSaysSo) {
  // 1030 cylinders: by halves 515 with 32 heads; LBA assist makes 16 heads of them.
  EmptyDisk disk(u64{1030} * 16 * 63 * 512);
  disk.partition(63, 500 * 32 * 63, 31, 63);
  EXPECT_EQ(fit_disk(disk), (DiskGeometry{1030, 16, 63, DiskTranslation::Large}));
}

TEST(DiskGeometry, CodeOfABootSectorIsNoPartitionTable) {
  EmptyDisk disk(64 * kMiB);
  disk.partition(17, 1000, 3, 17, 0x41);
  EXPECT_EQ(fit_disk(disk).heads, 16);
  disk.partition(17, 64 * 2048, 3, 17);  // beyond the end
  EXPECT_EQ(fit_disk(disk).heads, 16);
  disk.partition(17, 1000, 3, 17);
  EXPECT_EQ(fit_disk(disk).heads, 4);
}

}  // namespace
}  // namespace orrery::hw
