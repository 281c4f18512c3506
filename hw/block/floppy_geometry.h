// Which disk formats there are, and which one an image is: decided by its size, as the formats of DOS can be.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "hw/block/image.h"
#include "hw/core/types.h"

namespace orrery::hw {

/// Drive types with the numbers that the BIOS keeps in CMOS register 10h (high nibble drive A, low nibble drive B).
enum class FloppyDriveType : u8 {
  None = 0,
  Dd525 = 1,  // 360 KB, 5.25", 40 tracks
  Hd525 = 2,  // 1.2 MB, 5.25", 80 tracks, 360 rpm
  Dd35 = 3,   // 720 KB, 3.5"
  Hd35 = 4,   // 1.44 MB, 3.5"
  Ed35 = 5,   // 2.88 MB, 3.5"
};

/// How dense the flux is: which data rates read the medium.
enum class FloppyDensity : u8 {
  Double525,  // 250 kbit/s, or 300 kbit/s in a 360 rpm drive
  Double35,   // 250 kbit/s
  High,       // 500 kbit/s
  Extra,      // 1 Mbit/s, perpendicular
};

struct FloppyGeometry {
  std::string_view name;  // as users say it, for example "1.44M"
  u8 cylinders = 0;
  u8 heads = 0;
  u8 sectors = 0;  // per track, 512 bytes each, numbered from 1
  FloppyDensity density = FloppyDensity::High;
  FloppyDriveType drive = FloppyDriveType::Hd35;  // the drive that a machine gets for it

  u64 size() const { return u64{kSectorSize} * cylinders * heads * sectors; }
  /// The number of the sector in the image. `sector` counts from 1. The caller has checked the ranges.
  u64 lba(unsigned cylinder, unsigned head, unsigned sector) const {
    return (u64{cylinder} * heads + head) * sectors + sector - 1;
  }
  friend bool operator==(const FloppyGeometry&, const FloppyGeometry&) = default;
};

/// All formats, the common ones first.
std::span<const FloppyGeometry> floppy_geometries();

/// The format with exactly that many bytes.
std::optional<FloppyGeometry> floppy_geometry_of_size(u64 size);

/// Makes `image` a floppy: finds its format by its size. An image shorter than any format, or of another size
/// below 2.88 MB and with a boot sector (a kernel behind one), is padded with zeros to the format that its boot
/// sector's BIOS parameter block names, else to 1.44 MB, else to 2.88 MB. Throws ImageError that lists the sizes for
/// one that is no floppy, and says so for one that was cut off (its file allocation table is there, and what it
/// describes is not).
FloppyGeometry fit_floppy(BlockDevice& image);

}  // namespace orrery::hw
