// FYL2X and FYL2XP1: log2(m) = log2(j/64) + 2/ln(2) * atanh((m - j/64) / (m + j/64)), for m about 1.
#include "cpu/softfloat/nan.h"
#include "cpu/softfloat/transcendental.h"
#include "cpu/softfloat/transcendental_tables.h"
#include "cpu/softfloat/wide_float.h"

namespace orrery::cpu::soft {
namespace {

constexpr auto kSeries = odd_reciprocals<11>();

/// 2/ln(2) * atanh(s), |s| < 2^-7.
WideFloat scaled_atanh(const WideFloat& s) {
  const u128 v = fraction128(s);
  const WideFloat factor = normalised(false, 0, series<false>(kSeries, multiply_high(v, v)));
  return multiply(multiply(s, factor), WideFloat{false, 1, kTwoOverLn2});
}

/// log2(v), v > 0. Zero only for 1.
WideFloat log2_of(const WideFloat& v) {
  // v = m * 2^e with m from sqrt(1/2) to sqrt(2), times 2^127.
  constexpr u64 kRootTwo = 0xb504f333f9de6484;
  const bool upper = high64(v.sig) > kRootTwo;
  const int e = upper ? v.exp + 1 : v.exp;
  const u128 m = upper ? v.sig >> 1 : v.sig;
  const unsigned j = static_cast<unsigned>((m + (static_cast<u128>(1) << 120)) >> 121);
  const u128 c = static_cast<u128>(j) << 121;
  const bool below = m < c;
  WideFloat result;
  if (m != c) {
    const WideFloat numerator = normalised(below, 0, below ? c - m : m - c);
    result = scaled_atanh(divide(numerator, normalised(false, 1, (m >> 1) + (c >> 1))));
  }
  if (j != 64) result = add(result, normalised(j < 64, 0, kLogarithms[j - kFirstLogarithm]));
  if (e != 0) result = add(result, normalised(e < 0, 127, static_cast<u128>(e < 0 ? -e : e)));
  return result;
}

/// log2(1 + x), x > -1.
WideFloat log2_of_one_plus(const WideFloat& x) {
  if (x.exp >= -7) return log2_of(add(WideFloat{false, 0, kFixedOne}, x));
  return scaled_atanh(divide(x, add(WideFloat{false, 1, kFixedOne}, x)));
}

}  // namespace

F80 times_log2(Env& env, const Unpacked& y, const Unpacked& x) {
  if (x.odd() || y.odd()) return propagate_nan<F80>(env, x, y);
  if (x.sign && !x.zero()) return invalid<F80>(env);
  const bool x_is_one = x.finite() && x.exp == 0 && x.sig == kTopBit;
  const bool x_below_one = x.zero() || (x.finite() && x.exp < 0);
  if (y.infinite()) {
    if (x_is_one) return invalid<F80>(env);
    if (!note_denormals(env, x.denormal)) return {};
    return infinity<F80>(y.sign != x_below_one);
  }
  if (x.infinite()) {
    if (y.zero()) return invalid<F80>(env);
    if (!note_denormals(env, y.denormal)) return {};
    return infinity<F80>(y.sign);
  }
  if (x.zero()) {
    if (y.zero()) return invalid<F80>(env);
    env.raise(kDivideByZero);
    return infinity<F80>(!y.sign);
  }
  if (!note_denormals(env, x.denormal || y.denormal)) return {};
  if (y.zero() || x_is_one) return zero<F80>(y.sign != x_below_one);
  if (x.sig == kTopBit) {  // a power of two: the result may be exact
    const u128 product = multiply64(y.sig, static_cast<u64>(x.exp < 0 ? -x.exp : x.exp));
    const int shift = leading_zeros(product);
    const u128 normal = product << shift;
    return round_pack<F80>(env, y.sign != (x.exp < 0), y.exp + 64 - shift, high64(normal), low64(normal));
  }
  return round_inexact(env, multiply(widen(y), log2_of(widen(x))));
}

F80 times_log2_plus_one(Env& env, const Unpacked& y, const Unpacked& x) {
  if (x.odd() || y.odd()) return propagate_nan<F80>(env, x, y);
  if (x.infinite()) {
    if (x.sign || y.zero()) return invalid<F80>(env);
    if (!note_denormals(env, y.denormal)) return {};
    return infinity<F80>(y.sign);
  }
  if (y.infinite()) {
    if (x.zero()) return invalid<F80>(env);
    if (!note_denormals(env, x.denormal)) return {};
    return infinity<F80>(y.sign != x.sign);
  }
  if (!note_denormals(env, x.denormal || y.denormal)) return {};
  if (x.zero() || y.zero()) return zero<F80>(x.sign != y.sign);
  if (x.sign && x.exp >= 0) {
    env.raise(kInexact);
    return encode<F80>(true, static_cast<unsigned>(x.exp + Format<F80>::kBias), x.sig);
  }
  const WideFloat log = log2_of_one_plus(widen(x));
  return round_inexact(env, multiply(widen(y), log));
}

}  // namespace orrery::cpu::soft
