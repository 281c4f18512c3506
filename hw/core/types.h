// Integer names and byte-order-aware access to guest bytes, used everywhere.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace orrery {

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;
using i8 = std::int8_t;
using i16 = std::int16_t;
using i32 = std::int32_t;
using i64 = std::int64_t;

static_assert(std::endian::native == std::endian::little || std::endian::native == std::endian::big);

namespace core {

/// Reverses the bytes of `v`.
template <std::unsigned_integral T> constexpr T byte_swap(T v) {
  if constexpr (sizeof(T) == 1) return v;
  if constexpr (sizeof(T) == 2) return __builtin_bswap16(v);
  if constexpr (sizeof(T) == 4) return __builtin_bswap32(v);
  if constexpr (sizeof(T) == 8) return __builtin_bswap64(v);
}

/// Reads a little-endian `T` from unaligned guest bytes at `p`.
template <std::unsigned_integral T> inline T load_le(const void* p) {
  T v;
  std::memcpy(&v, p, sizeof v);
  if constexpr (std::endian::native == std::endian::big) v = byte_swap(v);
  return v;
}

/// Writes `v` as little-endian guest bytes at `p`, which need not be aligned.
template <std::unsigned_integral T> inline void store_le(void* p, std::type_identity_t<T> v) {
  if constexpr (std::endian::native == std::endian::big) v = byte_swap(v);
  std::memcpy(p, &v, sizeof v);
}

/// Bits `hi` down to `lo` of `v`, moved to bit 0 (both inclusive, as in the manuals: v[hi:lo]).
constexpr u64 bits(u64 v, unsigned hi, unsigned lo) { return (v >> lo) & (~u64{0} >> (63 - (hi - lo))); }

/// Bit `n` of `v`.
constexpr bool bit(u64 v, unsigned n) { return ((v >> n) & 1) != 0; }

}  // namespace core
}  // namespace orrery
