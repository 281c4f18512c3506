// Where RAM and firmware lie in the guest-physical address space, and what firmware and guests are told about it.
//
//   00000000-0009FFFF  RAM
//   000A0000-000BFFFF  video window
//   000C0000-000FFFFF  RAM or ROM as the PAM registers say (board pc); writable copies of the ROMs (board isapc)
//   00100000-          RAM up to kLowRamEnd
//   E0000000-          PCI memory, I/O APIC (FEC00000), HPET (FED00000), local APIC (FEE00000)
//   FFFC0000-FFFFFFFF  system ROM, at the top whatever its size
//   100000000-         the rest of RAM
#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "hw/block/disk_geometry.h"
#include "hw/core/types.h"

namespace orrery::machine {

/// RAM below 4 GiB ends here at the latest.
inline constexpr u64 kLowRamEnd = 0xe0000000;
inline constexpr u64 kFourGiB = u64{1} << 32;
inline constexpr u64 kVideoWindow = 0xa0000;
inline constexpr u64 kUpperMemory = 0xc0000;
inline constexpr u64 kOneMiB = 0x100000;

inline u64 low_ram(u64 memory) { return std::min(memory, kLowRamEnd); }
inline u64 high_ram(u64 memory) { return memory - low_ram(memory); }

/// One entry of the E820 map as firmware takes it from fw_cfg.
struct E820Entry {
  u64 address;
  u64 size;
  u32 type;  // 1 RAM, 2 reserved
};
/// RAM only; firmware knows about the rest itself.
std::vector<E820Entry> e820_map(u64 memory);

/// What the CMOS tells firmware about the machine.
struct CmosFacts {
  u64 memory = 0;
  std::vector<u8> floppy_types;  // A:, B: as in CMOS 10h: 0 none, 1 360K, 2 1.2M, 3 720K, 4 1.44M, 5 2.88M
  std::array<std::optional<hw::DiskGeometry>, 4> disks;  // hard disks on the IDE channels, master and slave
  u8 boot_devices[3] = {};  // first to third: 0 none, 1 floppy, 2 disk, 3 CD-ROM, 4 network
  bool check_floppy_signature = true;
};
/// Writes the standard and SeaBIOS's cells, the checksum of 10h-2Dh with them.
void fill_cmos(const CmosFacts& facts, const std::function<void(u8 index, u8 value)>& write);
/// "cad" and the like to CmosFacts::boot_devices.
void set_boot_devices(std::string_view order, CmosFacts& facts);

}  // namespace orrery::machine
