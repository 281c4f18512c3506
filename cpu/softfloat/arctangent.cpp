// FPATAN: atan(t) = atan(k/16) + atan(u), |u| <= 1/32, and its Taylor series.
#include "cpu/softfloat/nan.h"
#include "cpu/softfloat/transcendental.h"
#include "cpu/softfloat/transcendental_tables.h"
#include "cpu/softfloat/wide_float.h"

namespace orrery::cpu::soft {
namespace {

constexpr WideFloat kWidePi{false, 1, kPi}, kWideHalfPi{false, 0, kPi}, kWideQuarterPi{false, -1, kPi},
    kWideThreeQuarterPi{false, 1, kThreeQuarterPi};

constexpr auto kSeries = odd_reciprocals<14>();

/// Times a small integer.
WideFloat times(const WideFloat& a, unsigned n) { return multiply(a, normalised(false, 127, n)); }

/// atan(y/x) for 0 < y <= x.
WideFloat arctangent_of_ratio(const WideFloat& y, const WideFloat& x) {
  // k = y/x * 16 to nearest: the leading bits do.
  unsigned k = 0;
  if (const int distance = x.exp - y.exp; distance < 6) {
    const u64 numerator = (high64(y.sig) >> 32 << 5) >> distance;
    k = static_cast<unsigned>((numerator / (high64(x.sig) >> 32) + 1) / 2);
  }
  bool exact = true;
  WideFloat u;
  if (k == 0) {
    u = divide(y, x, exact);
    if (u.exp < -63) return exact ? just_below(u) : u;  // u - u^3/3; a truncated quotient has room above
  } else {
    // (y - c x) / (x + c y), c = k/16; numerator and denominator are exact times 16.
    const WideFloat numerator = add(times(y, 16), negate(times(x, k)));
    if (numerator.zero()) {
      u = {};
    } else {
      u = divide(numerator, add(times(x, 16), times(y, k)));
    }
  }
  const u128 v = fraction128(u);
  u128 factor = series<true>(kSeries, multiply_high(v, v));
  if (factor == kFixedOne && !u.zero()) --factor;  // it is a little less, too little to show
  const WideFloat small = multiply(u, normalised(false, 0, factor));
  return add(normalised(false, 0, kArctangents[k]), small);
}

}  // namespace

F80 arctangent(Env& env, const Unpacked& y, const Unpacked& x) {
  if (x.odd() || y.odd()) return propagate_nan<F80>(env, x, y);
  if (!note_denormals(env, x.denormal || y.denormal)) return {};
  const auto signed_result = [&](WideFloat v) {
    v.sign = y.sign;
    return round_inexact(env, v);
  };
  if (y.infinite()) {
    if (!x.infinite()) return signed_result(kWideHalfPi);
    return signed_result(x.sign ? kWideThreeQuarterPi : kWideQuarterPi);
  }
  if (y.zero() || x.infinite()) return x.sign ? signed_result(kWidePi) : zero<F80>(y.sign);
  if (x.zero()) return signed_result(kWideHalfPi);
  WideFloat a = widen(y), b = widen(x);
  a.sign = b.sign = false;
  const bool steep = a.exp > b.exp || (a.exp == b.exp && a.sig > b.sig);
  const WideFloat angle = steep ? arctangent_of_ratio(b, a) : arctangent_of_ratio(a, b);
  if (steep) return signed_result(add(kWideHalfPi, x.sign ? angle : negate(angle)));
  return signed_result(x.sign ? add(kWidePi, negate(angle)) : angle);
}

}  // namespace orrery::cpu::soft
