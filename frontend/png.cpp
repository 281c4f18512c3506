#include "frontend/png.h"

#include <fmt/format.h>
#include <png.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "frontend/usage_error.h"
#include "hw/core/archive.h"

namespace orrery::frontend {
namespace {

constexpr unsigned kLargest = 8192;

unsigned channel_distance(u32 a, u32 b) {
  unsigned worst = 0;
  for (const unsigned shift : {0u, 8u, 16u}) {
    const int x = static_cast<int>((a >> shift) & 255);
    const int y = static_cast<int>((b >> shift) & 255);
    worst = std::max(worst, static_cast<unsigned>(std::abs(x - y)));
  }
  return worst;
}

/// What an empty picture is written as.
const Picture kBlackDot{1, 1, {0}};

std::vector<u8> rgb_bytes(const Picture& p) {
  std::vector<u8> bytes;
  bytes.reserve(p.pixels.size() * 3);
  for (const u32 pixel : p.pixels) {
    bytes.push_back(static_cast<u8>(pixel >> 16));
    bytes.push_back(static_cast<u8>(pixel >> 8));
    bytes.push_back(static_cast<u8>(pixel));
  }
  return bytes;
}

}  // namespace

Picture picture_of(const hw::Frame& frame) { return {frame.width, frame.height, frame.pixels}; }

void write_png(const std::string& path, const Picture& picture) {
  const Picture& p = picture.pixels.empty() ? kBlackDot : picture;
  const std::vector<u8> bytes = rgb_bytes(p);
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = p.width;
  image.height = p.height;
  image.format = PNG_FORMAT_RGB;
  if (png_image_write_to_file(&image, path.c_str(), 0, bytes.data(), 0, nullptr) == 0) {
    usage_error("'{}' cannot be written: {}: give a file in a folder that is there and writable", path, image.message);
  }
}

void write_ppm(const std::string& path, const Picture& picture) {
  const Picture& p = picture.pixels.empty() ? kBlackDot : picture;
  const std::string head = fmt::format("P6\n{} {}\n255\n", p.width, p.height);
  const std::vector<u8> bytes = rgb_bytes(p);
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) usage_error("'{}' cannot be written: {}", path, std::strerror(errno));
  const bool written = std::fwrite(head.data(), 1, head.size(), file) == head.size() &&
                       std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
  if (std::fclose(file) != 0 || !written) usage_error("'{}' cannot be written: {}", path, std::strerror(errno));
}

Picture read_png(const std::string& path) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  if (png_image_begin_read_from_file(&image, path.c_str()) == 0) {
    usage_error("'{}' cannot be read as PNG: {}: give a PNG file", path, image.message);
  }
  if (image.width > kLargest || image.height > kLargest) {
    png_image_free(&image);
    usage_error("'{}' has {} by {} pixels: give a picture of at most {} by {}", path, image.width, image.height,
                kLargest, kLargest);
  }
  image.format = PNG_FORMAT_RGB;
  std::vector<u8> bytes(PNG_IMAGE_SIZE(image));
  const png_color black{0, 0, 0};
  if (png_image_finish_read(&image, &black, bytes.data(), 0, nullptr) == 0) {
    usage_error("'{}' is damaged: {}: make it again", path, image.message);
  }
  Picture picture{image.width, image.height, {}};
  picture.pixels.reserve(bytes.size() / 3);
  for (std::size_t i = 0; i + 2 < bytes.size(); i += 3) {
    picture.pixels.push_back(static_cast<u32>(bytes[i] << 16 | bytes[i + 1] << 8 | bytes[i + 2]));
  }
  return picture;
}

PictureDifference compare_pictures(const Picture& a, const Picture& b, unsigned tolerance, const Area& area) {
  PictureDifference result;
  result.same_size = a.width == b.width && a.height == b.height;
  if (!result.same_size) {
    result.differing = std::max(a.pixels.size(), b.pixels.size());
    return result;
  }
  const unsigned right = area.width == 0 ? a.width : std::min(a.width, area.x + area.width);
  const unsigned bottom = area.width == 0 ? a.height : std::min(a.height, area.y + area.height);
  for (unsigned y = area.y; y < bottom; ++y) {
    for (unsigned x = area.x; x < right; ++x) {
      const unsigned distance = channel_distance(a.pixel(x, y), b.pixel(x, y));
      result.worst = std::max(result.worst, distance);
      if (distance <= tolerance) continue;
      if (result.differing++ == 0) {
        result.x = x;
        result.y = y;
      }
    }
  }
  return result;
}

Picture difference_picture(const Picture& a, const Picture& b, unsigned tolerance) {
  Picture result = a;
  for (unsigned y = 0; y < a.height; ++y) {
    for (unsigned x = 0; x < a.width; ++x) {
      const bool same = x < b.width && y < b.height && channel_distance(a.pixel(x, y), b.pixel(x, y)) <= tolerance;
      u32& pixel = result.pixels[static_cast<std::size_t>(y) * a.width + x];
      pixel = same ? (pixel >> 2) & 0x3f3f3f : 0xff0000;
    }
  }
  return result;
}

u64 picture_hash(const Picture& picture) {
  std::array<u8, 8> size{};
  core::store_le<u32>(size.data(), picture.width);
  core::store_le<u32>(&size[4], picture.height);
  u64 hash = core::hash_bytes(size);
  std::vector<u8> row(static_cast<std::size_t>(picture.width) * 4);
  for (unsigned y = 0; y < picture.height; ++y) {
    for (unsigned x = 0; x < picture.width; ++x) core::store_le<u32>(&row[4 * std::size_t{x}], picture.pixel(x, y));
    hash = core::hash_bytes(row, hash);
  }
  return hash;
}

}  // namespace orrery::frontend
