// 128-bit helpers.
#pragma once

#include <bit>

#include "hw/core/types.h"

namespace orrery::cpu::soft {

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wpedantic"
using u128 = unsigned __int128;
#pragma clang diagnostic pop

constexpr u64 high64(u128 v) { return static_cast<u64>(v >> 64); }
constexpr u64 low64(u128 v) { return static_cast<u64>(v); }
constexpr u128 make128(u64 high, u64 low) { return (static_cast<u128>(high) << 64) | low; }
constexpr u128 multiply64(u64 a, u64 b) { return static_cast<u128>(a) * b; }
constexpr int leading_zeros(u128 v) {
  return high64(v) != 0 ? std::countl_zero(high64(v)) : 64 + std::countl_zero(low64(v));
}
/// Shifted right; what falls out makes the lowest bit sticky.
constexpr u128 shift_right_sticky128(u128 v, unsigned count) {
  if (count == 0) return v;
  if (count >= 128) return v != 0 ? 1 : 0;
  return (v >> count) | ((v << (128 - count)) != 0 ? 1 : 0);
}

}  // namespace orrery::cpu::soft
