// PNG files are written, read and compared.
#include "frontend/png.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "frontend/usage_error.h"

namespace orrery::frontend {
namespace {

std::string temporary(const std::string& name) {
  return (std::filesystem::temp_directory_path() / (name + std::to_string(::getpid()) + ".png")).string();
}

Picture pattern() {
  Picture p{7, 5, {}};
  for (u32 i = 0; i < 35; ++i) p.pixels.push_back(i * 0x051309 & 0xffffff);
  return p;
}

TEST(Png, WhatIsWrittenIsRead) {
  const std::string path = temporary("orrery-png");
  write_png(path, pattern());
  EXPECT_EQ(read_png(path), pattern());
  write_png(path, Picture{});
  EXPECT_EQ(read_png(path), (Picture{1, 1, {0}}));
  std::filesystem::remove(path);
}

TEST(Png, WhatIsNoPngIsRefused) {
  const std::string path = temporary("orrery-nopng");
  std::ofstream(path) << "not a picture";
  EXPECT_THROW(read_png(path), UsageError);
  std::filesystem::remove(path);
  EXPECT_THROW(read_png(path), UsageError);
  EXPECT_THROW(write_png("/nonexistent-folder/x.png", pattern()), UsageError);
}

TEST(Png, ADamagedFileIsRefused) {
  const std::string path = temporary("orrery-damaged");
  write_png(path, pattern());
  std::filesystem::resize_file(path, 60);
  EXPECT_THROW(read_png(path), UsageError);
  std::filesystem::remove(path);
}

TEST(Png, DifferencesAreCountedBeyondTheTolerance) {
  const Picture a = pattern();
  Picture b = a;
  EXPECT_EQ(compare_pictures(a, b, 0).differing, 0u);
  b.pixels[9] = a.pixels[9] ^ 0x000004;
  const PictureDifference d = compare_pictures(a, b, 0);
  EXPECT_EQ(d.differing, 1u);
  EXPECT_EQ(d.x, 2u);
  EXPECT_EQ(d.y, 1u);
  EXPECT_EQ(d.worst, 4u);
  EXPECT_EQ(compare_pictures(a, b, 4).differing, 0u);
  EXPECT_EQ(compare_pictures(a, b, 0, {3, 0, 4, 5}).differing, 0u);
  EXPECT_EQ(compare_pictures(a, b, 0, {2, 1, 100, 100}).differing, 1u);
  EXPECT_NE(picture_hash(a), picture_hash(b));
  EXPECT_EQ(difference_picture(a, b, 0).pixels[9], 0xff0000u);
}

TEST(Png, PicturesOfOtherSizeDiffer) {
  const PictureDifference d = compare_pictures(pattern(), Picture{1, 1, {0}}, 255);
  EXPECT_FALSE(d.same_size);
  EXPECT_GT(d.differing, 0u);
}

}  // namespace
}  // namespace orrery::frontend
