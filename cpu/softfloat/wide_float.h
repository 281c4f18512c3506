// Floating point with 128-bit significands, for what lies between the operands and the rounded result of a
// transcendental function. Truncating: each operation is off by less than 2^-126 of its result.
#pragma once

#include <array>

#include "cpu/softfloat/round.h"
#include "cpu/softfloat/wide.h"

namespace orrery::cpu::soft {

/// significand * 2^(exp - 127), the top bit of the significand set; zero has no bits set.
struct WideFloat {
  bool sign = false;
  int exp = 0;
  u128 sig = 0;

  bool zero() const { return sig == 0; }
};

/// The upper half of a product.
constexpr u128 multiply_high(u128 a, u128 b) {
  const u128 low = multiply64(low64(a), low64(b));
  const u128 mid1 = multiply64(high64(a), low64(b));
  const u128 mid2 = multiply64(low64(a), high64(b));
  const u128 carry = (static_cast<u128>(low64(mid1)) + low64(mid2) + high64(low)) >> 64;
  return multiply64(high64(a), high64(b)) + high64(mid1) + high64(mid2) + carry;
}

/// From an unnormalised significand.
constexpr WideFloat normalised(bool sign, int exp, u128 sig) {
  if (sig == 0) return {};
  const int shift = leading_zeros(sig);
  return {sign, exp - shift, sig << shift};
}

inline WideFloat widen(const Unpacked& u) {
  return u.finite() ? WideFloat{u.sign, u.exp, make128(u.sig, 0)} : WideFloat{};
}

constexpr WideFloat multiply(const WideFloat& a, const WideFloat& b) {
  return normalised(a.sign != b.sign, a.exp + b.exp + 1, multiply_high(a.sig, b.sig));
}

constexpr WideFloat negate(WideFloat a) {
  a.sign = !a.sign;
  return a;
}

constexpr WideFloat add(const WideFloat& a, const WideFloat& b) {
  if (a.zero()) return b;
  if (b.zero()) return a;
  const bool a_first = a.exp > b.exp || (a.exp == b.exp && a.sig >= b.sig);
  const WideFloat& large = a_first ? a : b;
  const WideFloat& small = a_first ? b : a;
  const int distance = large.exp - small.exp;
  const u128 other = distance > 127 ? 0 : small.sig >> distance;
  if (a.sign != b.sign) return normalised(large.sign, large.exp, large.sig - other);
  const u128 sum = large.sig + other;
  if (sum >= large.sig) return {large.sign, large.exp, sum};
  return {large.sign, large.exp + 1, (sum >> 1) | (static_cast<u128>(1) << 127)};
}

/// `exact` is cleared if the quotient was truncated.
WideFloat divide(const WideFloat& a, const WideFloat& b, bool& exact);
inline WideFloat divide(const WideFloat& a, const WideFloat& b) {
  bool exact = true;
  return divide(a, b, exact);
}

/// Rounded to F80; the value is known to lie a little above what the 128 bits say.
inline F80 round_inexact(Env& env, const WideFloat& a) {
  return round_pack<F80>(env, a.sign, a.exp, high64(a.sig), low64(a.sig) | 1);
}

/// The value a little nearer to zero: for results that the 128 bits cannot tell from the argument.
constexpr WideFloat just_below(const WideFloat& a) { return normalised(a.sign, a.exp, a.sig - 1); }

/// 1 in the fixed-point format of the series: 2^127.
inline constexpr u128 kFixedOne = static_cast<u128>(1) << 127;

/// A positive number below 1, not normalised: times 2^128.
constexpr u128 fraction128(const WideFloat& a) {
  const int shift = -1 - a.exp;
  return a.zero() || shift > 127 ? 0 : a.sig >> shift;
}

/// coefficients[0] -+ z * (coefficients[1] -+ z * (...)), for z < 1 times 2^128 and coefficients times 2^127.
template <bool kAlternating, std::size_t N> constexpr u128 series(const std::array<u128, N>& coefficients, u128 z) {
  u128 p = coefficients[N - 1];
  for (std::size_t k = N - 1; k-- > 0;) {
    const u128 term = multiply_high(z, p);
    p = kAlternating ? coefficients[k] - term : coefficients[k] + term;
  }
  return p;
}

/// 1/1, 1/3, 1/5, ...
template <std::size_t N> constexpr std::array<u128, N> odd_reciprocals() {
  std::array<u128, N> c{};
  for (std::size_t k = 0; k < N; ++k) c[k] = kFixedOne / (2 * k + 1);
  return c;
}

}  // namespace orrery::cpu::soft
