#include "hw/block/disk_geometry.h"

#include <algorithm>
#include <array>
#include <optional>

namespace orrery::hw {
namespace {

constexpr u16 kMaxCylinders = 16383;     // ATA-5 6.2: what CHS addresses reach with 16 heads
constexpr u16 kMaxBiosCylinders = 1024;  // ten bits in INT 13h

struct Tracks {
  unsigned heads;
  unsigned sectors;
};

u32 load32(const u8* p) {
  return static_cast<u32>(p[0]) | static_cast<u32>(p[1]) << 8 | static_cast<u32>(p[2]) << 16 |
         static_cast<u32>(p[3]) << 24;
}

/// Partitions end at the end of a cylinder: there are the last head and the last sector. None if the first sector is
/// no partition table (a boot sector's code may be there instead).
std::optional<Tracks> partitioned_with(BlockDevice& image) {
  std::array<u8, kSectorSize> mbr{};
  if (image.size() < mbr.size() || !image.read(0, mbr) || mbr[510] != 0x55 || mbr[511] != 0xaa) return std::nullopt;
  std::optional<Tracks> found;
  for (std::size_t at = 0x1be; at < 510; at += 16) {
    const u8* entry = &mbr[at];
    if ((entry[0] & 0x7f) != 0) return std::nullopt;
    const u64 start = load32(entry + 8);
    const u64 count = load32(entry + 12);
    if (entry[4] == 0 || count == 0) continue;
    if (start == 0 || start + count > image.size() / kSectorSize) return std::nullopt;
    const unsigned heads = entry[5] + 1u;
    const unsigned sectors = entry[6] & 0x3fu;
    if (!found && heads > 1 && heads < 256 && sectors != 0) found = Tracks{heads, sectors};
  }
  return found;
}

unsigned lba_heads(u64 sectors) {
  const u64 per_cylinder = sectors / 63 / kMaxBiosCylinders;
  return per_cylinder > 128 ? 255 : per_cylinder > 64 ? 128 : per_cylinder > 32 ? 64 : per_cylinder > 16 ? 32 : 16;
}

unsigned large_heads(unsigned cylinders, unsigned heads) {
  for (; cylinders > kMaxBiosCylinders && heads <= 127; cylinders >>= 1) heads <<= 1;
  return heads;
}

}  // namespace

DiskGeometry fit_disk(BlockDevice& image) {
  const u64 sectors = image.size() / kSectorSize;
  const std::optional<Tracks> table = partitioned_with(image);
  auto with = [&](unsigned heads, unsigned per_track) {
    const u64 cylinders = std::clamp<u64>(sectors / (u64{heads} * per_track), 1, kMaxCylinders);
    return DiskGeometry{static_cast<u16>(cylinders), static_cast<u8>(heads), static_cast<u8>(per_track)};
  };
  if (table && table->heads <= 16) {
    const DiskGeometry own = with(table->heads, table->sectors);
    if (own.cylinders < kMaxCylinders) return own;
  }
  DiskGeometry geometry = with(16, 63);
  const bool translated = table && table->heads > 16;
  if (geometry.cylinders <= kMaxBiosCylinders && !translated) return geometry;
  const bool large = translated && table->sectors == 63 && table->heads != lba_heads(sectors) &&
                     table->heads == large_heads(geometry.cylinders, geometry.heads);
  geometry.translation = large ? DiskTranslation::Large : DiskTranslation::Lba;
  return geometry;
}

}  // namespace orrery::hw
