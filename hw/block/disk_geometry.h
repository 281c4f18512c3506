// Cylinders, heads and sectors of a hard disk image: what the drive tells about itself, and what the BIOS makes of it.
//
// An image has no geometry, but systems on it may depend on the one that it was partitioned with: their partition table
// and boot sectors have addresses in it, and INT 13h must count as it did then.
#pragma once

#include "hw/block/image.h"
#include "hw/core/types.h"

namespace orrery::hw {

/// How a BIOS makes geometries with up to 1024 cylinders out of a drive's. The numbers are those that SeaBIOS reads
/// from CMOS 39h, two bits a drive.
enum class DiskTranslation : u8 {
  None = 0,
  Lba = 1,    // "LBA assist": 63 sectors, and 16, 32, 64, 128 or 255 heads for the disk's size
  Large = 2,  // cylinders halved, heads doubled, until there are 1024 cylinders at most
};

struct DiskGeometry {
  u16 cylinders = 0;  // the drive's own: 1 to 16383
  u8 heads = 16;      // 1 to 16
  u8 sectors = 63;    // per track, numbered from 1
  DiskTranslation translation = DiskTranslation::None;

  friend bool operator==(const DiskGeometry&, const DiskGeometry&) = default;
};

/// The geometry that the image's partition table was made with, if it has one: directly, or by the translation that
/// leads there. Else that of a modern drive, 16 heads of 63 sectors, translated if it has more than 1024 cylinders.
DiskGeometry fit_disk(BlockDevice& image);

}  // namespace orrery::hw
