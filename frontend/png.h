// Pictures as PNG files: screenshots, and the golden pictures that tests compare with.
#pragma once

#include <string>
#include <vector>

#include "hw/core/types.h"
#include "hw/display/surface.h"

namespace orrery::frontend {

struct Picture {
  unsigned width = 0;
  unsigned height = 0;
  std::vector<u32> pixels;  // 0x00RRGGBB, row by row

  u32 pixel(unsigned x, unsigned y) const { return pixels[static_cast<std::size_t>(y) * width + x]; }
  bool operator==(const Picture&) const = default;
};

/// The pixels of a frame as the adapter made them: no scaling, no border.
Picture picture_of(const hw::Frame& frame);

/// Writes 8-bit RGB. An empty picture is written as one black pixel, since PNG has no empty ones. Throws UsageError.
void write_png(const std::string& path, const Picture& picture);
/// The same as binary PPM.
void write_ppm(const std::string& path, const Picture& picture);
/// Reads any PNG; transparency lies on black. Throws UsageError, also for pictures of more than 8192 by 8192.
Picture read_png(const std::string& path);

struct PictureDifference {
  bool same_size = true;
  u64 differing = 0;      // pixels with a channel that is off by more than the tolerance
  unsigned worst = 0;     // the largest difference of a channel
  unsigned x = 0, y = 0;  // the first pixel that differs
};

/// A part of a picture; a width of 0 means all of it.
struct Area {
  unsigned x = 0, y = 0, width = 0, height = 0;
};

/// Compares inside `area` (clipped to the picture).
PictureDifference compare_pictures(const Picture& a, const Picture& b, unsigned tolerance, const Area& area = {});

/// Both pictures' differing pixels in red on a darkened `a`, to look at.
Picture difference_picture(const Picture& a, const Picture& b, unsigned tolerance);

/// The same on every host; covers size and pixels.
u64 picture_hash(const Picture& picture);

}  // namespace orrery::frontend
