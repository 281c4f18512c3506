#include "hw/block/floppy_geometry.h"

#include <fmt/format.h>

#include <array>

namespace orrery::hw {
namespace {

using enum FloppyDensity;
using enum FloppyDriveType;

constexpr std::array<FloppyGeometry, 22> kGeometries{{
    {"1.44M", 80, 2, 18, High, Hd35},
    {"1.2M", 80, 2, 15, High, Hd525},
    {"720K", 80, 2, 9, Double35, Hd35},
    {"360K", 40, 2, 9, Double525, Dd525},
    {"2.88M", 80, 2, 36, Extra, Ed35},
    {"320K", 40, 2, 8, Double525, Dd525},
    {"180K", 40, 1, 9, Double525, Dd525},
    {"160K", 40, 1, 8, Double525, Dd525},
    // Distribution and "superformat" disks.
    {"1.68M", 80, 2, 21, High, Hd35},  // DMF
    {"1.72M", 82, 2, 21, High, Hd35},
    {"1.48M", 82, 2, 18, High, Hd35},
    {"1.49M", 83, 2, 18, High, Hd35},
    {"1.52M", 80, 2, 19, High, Hd35},
    {"1.6M", 80, 2, 20, High, Hd35},
    {"1.64M", 82, 2, 20, High, Hd35},
    {"1.74M", 83, 2, 21, High, Hd35},
    {"1.76M", 80, 2, 22, High, Hd35},
    {"1.84M", 80, 2, 23, High, Hd35},  // XDF, as the images of it are laid out
    {"800K", 80, 2, 10, Double35, Hd35},
    {"820K", 82, 2, 10, Double35, Hd35},
    {"400K", 40, 2, 10, Double525, Dd525},
    {"3.12M", 80, 2, 39, Extra, Ed35},
}};

/// What the BIOS parameter block of a FAT boot sector says, if it is one of a floppy.
struct Bpb {
  u64 size = 0;
  u16 reserved = 0;
  u8 media = 0;
};

std::optional<Bpb> read_bpb(BlockDevice& image) {
  std::array<u8, kSectorSize> s{};
  if (!image.read(0, s)) return std::nullopt;
  const bool jump = s[0] == 0xe9 || (s[0] == 0xeb && s[2] == 0x90);
  const u16 sector_size = core::load_le<u16>(&s[11]);
  const u16 total = core::load_le<u16>(&s[19]);
  if (!jump || sector_size != kSectorSize || total == 0 || (s[16] != 1 && s[16] != 2) || s[21] < 0xf0) {
    return std::nullopt;
  }
  return Bpb{.size = u64{total} * kSectorSize, .reserved = core::load_le<u16>(&s[14]), .media = s[21]};
}

bool has_allocation_table(BlockDevice& image, const Bpb& bpb) {
  std::array<u8, 3> entry{};
  if (!image.read(u64{bpb.reserved} * kSectorSize, entry)) return false;
  return entry[0] == bpb.media && entry[1] == 0xff && entry[2] == 0xff;
}

bool bootable(BlockDevice& image) {
  std::array<u8, 2> signature{};
  return image.read(kSectorSize - 2, signature) && signature[0] == 0x55 && signature[1] == 0xaa;
}

constexpr std::size_t kLargest = 4;  // of the formats that DOS knows: 2.88 MB

}  // namespace

std::span<const FloppyGeometry> floppy_geometries() { return kGeometries; }

std::optional<FloppyGeometry> floppy_geometry_of_size(u64 size) {
  for (const FloppyGeometry& geometry : kGeometries) {
    if (geometry.size() == size) return geometry;
  }
  return std::nullopt;
}

FloppyGeometry fit_floppy(BlockDevice& image) {
  if (const auto exact = floppy_geometry_of_size(image.size())) return *exact;
  constexpr u64 kSmallest = u64{40} * 8 * kSectorSize;
  const std::optional<Bpb> bpb = read_bpb(image);
  if (bpb && image.size() < bpb->size && has_allocation_table(image, *bpb)) {
    throw ImageError(fmt::format("'{}' is cut off: its boot sector says {} bytes, and it has {}; copy it again",
                                 image.name(), bpb->size, image.size()));
  }
  // What is written to a floppy need not fill it: boot sectors, GRUB's rescue image.
  if (image.size() < kSmallest || (image.size() < kGeometries[kLargest].size() && bootable(image))) {
    FloppyGeometry geometry = kGeometries[image.size() < kGeometries[0].size() ? 0 : kLargest];
    if (bpb) {
      const auto named = floppy_geometry_of_size(bpb->size);
      if (named && named->size() > image.size()) geometry = *named;
    }
    image.pad_to(geometry.size());
    return geometry;
  }
  std::string sizes;
  for (std::size_t i = 0; i < 8; ++i) {
    sizes += fmt::format("{}{} ({})", i == 0 ? "" : ", ", kGeometries[i].size(), kGeometries[i].name);
  }
  throw ImageError(fmt::format("'{}' has {} bytes, which is no floppy size; use one of {}, or give it as a disk or CD",
                               image.name(), image.size(), sizes));
}

}  // namespace orrery::hw
