#include "hw/block/floppy_geometry.h"

#include <gtest/gtest.h>

#include <set>

namespace orrery::hw {
namespace {

std::string error_of(u64 size, const std::vector<u8>& head = {}) {
  std::vector<u8> contents = head;
  contents.resize(size);
  auto image = memory_image(contents, "x.img");
  try {
    fit_floppy(*image);
  } catch (const ImageError& e) {
    return e.what();
  }
  return "no error";
}

std::vector<u8> boot_sector(u16 sectors) {
  std::vector<u8> s(512);
  s[0] = 0xeb;
  s[1] = 0x3c;
  s[2] = 0x90;
  core::store_le<u16>(&s[11], 512);
  s[13] = 1;
  core::store_le<u16>(&s[14], 1);
  s[16] = 2;
  core::store_le<u16>(&s[19], sectors);
  s[21] = 0xf0;
  return s;
}

TEST(FloppyGeometry, KnowsTheFormatsOfDos) {
  const auto check = [](u64 size, u8 cylinders, u8 heads, u8 sectors, FloppyDriveType drive) {
    const auto g = floppy_geometry_of_size(size);
    ASSERT_TRUE(g) << size;
    EXPECT_EQ(g->cylinders, cylinders);
    EXPECT_EQ(g->heads, heads);
    EXPECT_EQ(g->sectors, sectors);
    EXPECT_EQ(g->drive, drive);
  };
  check(163840, 40, 1, 8, FloppyDriveType::Dd525);
  check(184320, 40, 1, 9, FloppyDriveType::Dd525);
  check(327680, 40, 2, 8, FloppyDriveType::Dd525);
  check(368640, 40, 2, 9, FloppyDriveType::Dd525);
  check(737280, 80, 2, 9, FloppyDriveType::Hd35);
  check(1228800, 80, 2, 15, FloppyDriveType::Hd525);
  check(1474560, 80, 2, 18, FloppyDriveType::Hd35);
  check(1720320, 80, 2, 21, FloppyDriveType::Hd35);
  check(1763328, 82, 2, 21, FloppyDriveType::Hd35);
  check(2949120, 80, 2, 36, FloppyDriveType::Ed35);
  EXPECT_FALSE(floppy_geometry_of_size(1474561));
}

TEST(FloppyGeometry, NoTwoFormatsHaveTheSameSize) {
  std::set<u64> sizes;
  for (const FloppyGeometry& g : floppy_geometries()) EXPECT_TRUE(sizes.insert(g.size()).second) << g.name;
}

TEST(FloppyGeometry, ABootSectorAloneBecomesA144MegabyteFloppy) {
  auto image = memory_image(std::vector<u8>(512, 0x90), "boot.img");
  EXPECT_EQ(fit_floppy(*image).name, "1.44M");
  EXPECT_EQ(image->size(), 1474560u);
}

TEST(FloppyGeometry, AShortImageGetsTheSizeThatItsBootSectorNames) {
  auto image = memory_image(boot_sector(1440), "boot.img");
  EXPECT_EQ(fit_floppy(*image).name, "720K");
  EXPECT_EQ(image->size(), 737280u);
}

TEST(FloppyGeometry, ABootableImageOfAnotherSizeIsPaddedToTheNextFormat) {
  const auto fitted = [](u64 size) {
    std::vector<u8> contents(size);
    contents[510] = 0x55;
    contents[511] = 0xaa;
    auto image = memory_image(contents, "boot.img");
    const FloppyGeometry geometry = fit_floppy(*image);
    EXPECT_EQ(image->size(), geometry.size());
    return std::string(geometry.name);
  };
  EXPECT_EQ(fitted(1296384), "1.44M");  // Debian's GRUB rescue floppy
  EXPECT_EQ(fitted(2000896), "2.88M");
}

TEST(FloppyGeometry, ACutOffFileSystemIsRefused) {
  auto head = boot_sector(2880);
  head.insert(head.end(), {0xf0, 0xff, 0xff});
  EXPECT_NE(error_of(20480, head).find("cut off"), std::string::npos);
  EXPECT_NE(error_of(700000, head).find("1474560"), std::string::npos);
  EXPECT_EQ(error_of(1474560, head), "no error");
}

TEST(FloppyGeometry, AnImpossibleSizeListsThePossibleOnes) {
  const std::string text = error_of(1000000);
  EXPECT_NE(text.find("1474560 (1.44M)"), std::string::npos) << text;
  EXPECT_NE(text.find("163840 (160K)"), std::string::npos) << text;
  EXPECT_NE(error_of(10 << 20).find("no floppy size"), std::string::npos);
}

}  // namespace
}  // namespace orrery::hw
