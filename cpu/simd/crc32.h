// CRC32 of SSE4.2: polynomial 11EDC6F41, bits reflected (SDM vol. 2).
#pragma once

#include <array>

#include "hw/core/types.h"

namespace orrery::cpu::simd {

/// What eight steps make of a byte.
inline constexpr std::array<u32, 256> kCrc32 = [] {
  std::array<u32, 256> table{};
  for (u32 n = 0; n < 256; ++n) {
    u32 v = n;
    for (unsigned bit = 0; bit < 8; ++bit) v = v >> 1 ^ ((v & 1) != 0 ? 0x82f63b78u : 0);
    table[n] = v;
  }
  return table;
}();

/// The bytes of `data`, low byte first.
struct Crc32c {
  template <class T> static u32 run(u32 crc, T data) {
    for (unsigned n = 0; n < sizeof(T); ++n) crc = crc >> 8 ^ kCrc32[(crc ^ static_cast<u32>(data >> (8 * n))) & 0xff];
    return crc;
  }
};

}  // namespace orrery::cpu::simd
