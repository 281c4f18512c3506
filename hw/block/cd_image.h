// A CD or DVD image as sectors: ISO images (2048 bytes a sector) and raw ones (2352 bytes, as in .bin files), with the
// parts of a raw sector computed where the image does not hold them (ECMA-130, clauses 14 and 15).
#pragma once

#include <array>
#include <span>

#include "hw/block/image.h"
#include "hw/core/types.h"

namespace orrery::hw {

inline constexpr u32 kCdSectorSize = 2048;
inline constexpr u32 kCdRawSectorSize = 2352;
/// Blocks beyond this are no CD any more but a DVD: 80 minutes of 75 blocks a second.
inline constexpr u32 kCdMaxBlocks = 80 * 60 * 75;

/// Minutes, seconds and frames of a block address, as the drive counts them: block 0 is at 00:02:00.
struct Msf {
  u8 minute = 0;
  u8 second = 0;
  u8 frame = 0;
};
Msf msf_of(u32 block);
/// The block at that time; negative ones (the lead-in's end) wrap to huge numbers.
u32 block_of(Msf msf);

class CdImage {
 public:
  explicit CdImage(BlockDevice& device);

  u32 blocks() const { return blocks_; }
  bool is_dvd() const { return blocks_ > kCdMaxBlocks; }

  /// The user data of a block. False if it cannot be read.
  bool read(u32 block, std::span<u8, kCdSectorSize> out);
  /// The whole raw sector: sync, header, data, EDC and ECC.
  bool read_raw(u32 block, std::span<u8, kCdRawSectorSize> out);

 private:
  bool read_at(u64 offset, std::span<u8> out);

  BlockDevice& device_;
  bool raw_ = false;
  u32 data_offset_ = 0;  // of the user data in a raw sector
  u32 blocks_ = 0;
};

/// Fills in sync, header (mode 1), EDC and ECC around the user data at offset 16 of `sector`.
void frame_cd_sector(u32 block, std::span<u8, kCdRawSectorSize> sector);

}  // namespace orrery::hw
