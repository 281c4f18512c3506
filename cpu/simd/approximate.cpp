#include "cpu/simd/float.h"

namespace orrery::cpu::simd {
namespace {

constexpr u32 kInfinity = 0x7f800000, kQuiet = 0x00400000, kIndefinite = 0xffc00000, kFraction = 0x007fffff;
constexpr unsigned kBits = 13;  // of a result's significand, its first bit counted

/// `significand` of kBits bits and one more to round by, times 2^(exponent - kBits).
u32 rounded(u32 sign, int exponent, u64 significand) {
  significand = (significand + 1) >> 1;
  if (significand >> kBits != 0) significand >>= 1, ++exponent;
  const int biased = exponent + 126;
  if (biased <= 0) return sign;
  return sign | static_cast<u32>(biased) << 23 | (static_cast<u32>(significand << (24 - kBits)) & kFraction);
}

}  // namespace

u32 approximate_reciprocal(u32 v) {
  const u32 sign = v & kSignBit<u32>, exponent = (v & kInfinity) >> 23;
  if (is_nan(v)) return v | kQuiet;
  if (exponent == 0) return sign | kInfinity;
  if (exponent == 255) return sign;
  // v = m * 2^(exponent - 150), m of 24 bits: 1/v = (2^(23 + kBits + 1) / m) * 2^(126 - exponent - kBits), 2^(kBits) to
  // 2^(kBits + 1)
  const u64 m = (v & kFraction) | 0x800000;
  const u64 quotient = (u64{1} << (24 + kBits)) / m;
  const bool whole = quotient >> (kBits + 1) != 0;  // 1/1
  return rounded(sign, 127 - static_cast<int>(exponent) + (whole ? 1 : 0), whole ? quotient >> 1 : quotient);
}

u32 approximate_reciprocal_root(u32 v) {
  const u32 sign = v & kSignBit<u32>, exponent = (v & kInfinity) >> 23;
  if (is_nan(v)) return v | kQuiet;
  if (exponent == 0) return sign | kInfinity;
  if (sign != 0) return kIndefinite;
  if (exponent == 255) return 0;
  // v = m * 2^(2k), 1 <= m < 4: the largest r with r * r * m <= 2^(2 * kBits + 2) is below 2^(kBits + 1), or at it
  // for 1.
  const int e = static_cast<int>(exponent) - 127;
  const int k = e >> 1;
  const u64 m = u64{(v & kFraction) | 0x800000} << (e & 1);  // times 2^-23
  u64 root = 0;
  for (unsigned n = kBits + 2; n-- > 0;) {
    const u64 trial = root | u64{1} << n;
    if (trial * trial * m <= u64{1} << (2 * kBits + 2 + 23)) root = trial;
  }
  const bool whole = root >> (kBits + 1) != 0;
  return rounded(0, -k + (whole ? 1 : 0), whole ? root >> 1 : root);
}

}  // namespace orrery::cpu::simd
