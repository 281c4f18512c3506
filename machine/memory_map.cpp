#include "machine/memory_map.h"

#include <array>

namespace orrery::machine {

std::vector<E820Entry> e820_map(u64 memory) {
  std::vector<E820Entry> map{{0, low_ram(memory), 1}};
  if (high_ram(memory) != 0) map.push_back({kFourGiB, high_ram(memory), 1});
  return map;
}

void set_boot_devices(std::string_view order, CmosFacts& facts) {
  std::size_t n = 0;
  for (const char c : order) {
    if (n == std::size(facts.boot_devices)) break;
    facts.boot_devices[n++] = c == 'a' ? 1 : c == 'c' ? 2 : c == 'd' ? 3 : 4;
  }
}

void fill_cmos(const CmosFacts& facts, const std::function<void(u8, u8)>& write) {
  std::array<u8, 128> cells{};
  auto put16 = [&](unsigned index, u64 value) {
    cells[index] = static_cast<u8>(value);
    cells[index + 1] = static_cast<u8>(value >> 8);
  };
  constexpr u64 kKiB = 1024;
  constexpr u64 kMiB = kKiB * kKiB;

  // IBM AT: floppy types, equipment (80x87, PS/2 mouse, number of floppies), base and extended memory in KiB.
  u8 floppies = 0;
  for (std::size_t i = 0; i < facts.floppy_types.size() && i < 2; ++i) {
    if (facts.floppy_types[i] == 0) continue;
    ++floppies;
    cells[0x10] |= static_cast<u8>(facts.floppy_types[i] << (i == 0 ? 4 : 0));
  }
  cells[0x14] = static_cast<u8>(0x06 | (floppies != 0 ? 0x01 | (floppies - 1) << 6 : 0));
  put16(0x15, 640);

  // The primary channel's disks are of the user's type 47: cylinders, heads, write precompensation (none), control byte
  // (bit 3: more than eight heads), landing zone, sectors.
  for (std::size_t i = 0; i < 2; ++i) {
    if (!facts.disks[i]) continue;
    const hw::DiskGeometry& disk = *facts.disks[i];
    const u8 at = i == 0 ? 0x1b : 0x24;
    cells[0x12] |= static_cast<u8>(i == 0 ? 0xf0 : 0x0f);
    cells[0x19 + i] = 47;
    put16(at, disk.cylinders);
    cells[at + 2u] = disk.heads;
    put16(at + 3, 0xffff);
    cells[at + 5u] = disk.heads > 8 ? 0xc8 : 0xc0;
    put16(at + 6, disk.cylinders);
    cells[at + 8u] = disk.sectors;
  }
  const u64 low = low_ram(facts.memory);
  const u64 extended = std::min<u64>((low - kMiB) / kKiB, 0xffff);
  put16(0x17, extended);
  put16(0x30, extended);

  // Beyond 16 MiB in units of 64 KiB; beyond 4 GiB in units of 64 KiB, three bytes.
  if (low > 16 * kMiB) put16(0x34, std::min<u64>((low - 16 * kMiB) / (64 * kKiB), 0xffff));
  const u64 high = high_ram(facts.memory) / (64 * kKiB);
  put16(0x5b, high);
  cells[0x5d] = static_cast<u8>(high >> 16);

  // SeaBIOS: boot order in three half bytes; bit 0 of 38h: floppies boot without the 55AA signature.
  cells[0x3d] = static_cast<u8>(facts.boot_devices[0] | facts.boot_devices[1] << 4);
  cells[0x38] = static_cast<u8>(facts.boot_devices[2] << 4 | (facts.check_floppy_signature ? 0 : 1));

  // And how it translates the disks' geometries, two bits each.
  for (std::size_t i = 0; i < facts.disks.size(); ++i) {
    if (facts.disks[i]) cells[0x39] |= static_cast<u8>(static_cast<u8>(facts.disks[i]->translation) << (2 * i));
  }

  u16 sum = 0;
  for (unsigned i = 0x10; i <= 0x2d; ++i) sum = static_cast<u16>(sum + cells[i]);
  cells[0x2e] = static_cast<u8>(sum >> 8);
  cells[0x2f] = static_cast<u8>(sum);

  static constexpr std::array<u8, 17> kUsed{0x0e, 0x0f, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x30,
                                            0x31, 0x34, 0x35, 0x38, 0x39, 0x3d, 0x5b, 0x5c};
  for (unsigned i = 0x10; i <= 0x2f; ++i) write(static_cast<u8>(i), cells[i]);
  for (const u8 i : kUsed) {
    if (i < 0x10 || i > 0x2f) write(i, cells[i]);
  }
  write(0x5d, cells[0x5d]);
}

}  // namespace orrery::machine
