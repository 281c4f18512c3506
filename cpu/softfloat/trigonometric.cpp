// FSIN, FCOS, FPTAN: reduction to |r| <= pi/4 and Taylor series.
#include "cpu/softfloat/nan.h"
#include "cpu/softfloat/transcendental.h"
#include "cpu/softfloat/transcendental_tables.h"
#include "cpu/softfloat/wide_float.h"

namespace orrery::cpu::soft {
namespace {

/// argument = quadrant * pi/2 + angle, |angle| <= pi/4.
struct Reduced {
  unsigned quadrant;  // modulo 4
  WideFloat angle;
};

/// Of |a|, 1/2 <= |a| < 2^63 (Payne and Hanek). Of a * 2/pi 256 bits behind the point are right, and no F80 number in
/// this range is nearer to a multiple of pi/2 than about 2^-72 of it.
Reduced reduce(const Unpacked& a) {
  std::array<u64, 6> product{};  // sig * kTwoOverPi, most significant first
  for (std::size_t n = 5; n-- > 0;) {
    const u128 part = multiply64(a.sig, kTwoOverPi[n]) + product[n + 1];
    product[n + 1] = low64(part);
    product[n] = high64(part);
  }
  // The point lies exp + 1 bits below the top.
  const unsigned whole_bits = static_cast<unsigned>(a.exp + 1);
  const auto word = [&](std::size_t n) {
    return whole_bits == 0 ? product[n] : (product[n] << whole_bits) | (product[n + 1] >> (64 - whole_bits));
  };
  unsigned quadrant = whole_bits == 0 ? 0 : static_cast<unsigned>(product[0] >> (64 - whole_bits));
  std::array<u64, 4> fraction{word(0), word(1), word(2), word(3)};
  const bool above = (fraction[0] & kTopBit) != 0;  // nearer to the next multiple
  if (above) {
    ++quadrant;
    for (u64& w : fraction) w = ~w;
  }
  unsigned zeros = 0;
  while (zeros < 192 && (fraction[zeros / 64] << (zeros % 64)) >> 63 == 0) ++zeros;
  const unsigned n = zeros / 64, shift = zeros % 64;
  const auto shifted = [&](unsigned k) {
    const u64 next = k + 1 < 4 ? fraction[k + 1] : 0;
    return shift == 0 ? fraction[k] : (fraction[k] << shift) | (next >> (64 - shift));
  };
  const WideFloat quarter_turns{above, -1 - static_cast<int>(zeros),
                                make128(shifted(n), n + 1 < 4 ? shifted(n + 1) : 0)};
  constexpr WideFloat kHalfPi{false, 0, kPi};
  return {quadrant & 3, multiply(quarter_turns, kHalfPi)};
}

Reduced reduce_any(const Unpacked& a) {
  const bool small = a.exp < -1 || (a.exp == -1 && a.sig <= high64(kPi));  // up to pi/4
  if (small) return {0, {false, a.exp, make128(a.sig, 0)}};
  return reduce(a);
}

/// 1/(2k + first)!, k = 0, 1, ..., times 2^127.
template <std::size_t N> constexpr std::array<u128, N> reciprocal_factorials(unsigned first) {
  std::array<u128, N> c{kFixedOne};
  for (unsigned k = 1; k < N; ++k) c[k] = c[k - 1] / ((2 * k + first - 1) * (2 * k + first));
  return c;
}
constexpr auto kSineSeries = reciprocal_factorials<16>(1);
constexpr auto kCosineSeries = reciprocal_factorials<17>(0);

u128 square(const WideFloat& angle) {
  const u128 r = fraction128(angle);
  return multiply_high(r, r);
}

WideFloat sine_of(const WideFloat& angle) {
  if (angle.exp < -50) return just_below(angle);  // angle - angle^3/6
  const WideFloat factor = normalised(false, 0, series<true>(kSineSeries, square(angle)));
  return multiply(angle, factor);
}

WideFloat cosine_of(const WideFloat& angle) {
  const u128 value = series<true>(kCosineSeries, square(angle));
  return normalised(false, 0, value == kFixedOne ? value - 1 : value);
}

WideFloat with_sign(WideFloat v, bool negative) {
  v.sign = v.sign != negative;
  return v;
}

WideFloat sine_of(const Reduced& r, bool negative) {
  const WideFloat v = (r.quadrant & 1) == 0 ? sine_of(r.angle) : cosine_of(r.angle);
  return with_sign(v, negative != ((r.quadrant & 2) != 0));
}

WideFloat cosine_of(const Reduced& r) {
  const WideFloat v = (r.quadrant & 1) == 0 ? cosine_of(r.angle) : sine_of(r.angle);
  return with_sign(v, r.quadrant == 1 || r.quadrant == 2);
}

constexpr F80 kOne{.significand = kTopBit, .sign_exponent = 0x3fff};

}  // namespace

bool sine_cosine(Env& env, const Unpacked& a, F80* sine, F80* cosine) {
  const auto both = [&](F80 v) {
    if (sine != nullptr) *sine = v;
    if (cosine != nullptr) *cosine = v;
    return true;
  };
  if (a.odd()) return both(propagate_nan<F80>(env, a));
  if (a.infinite()) return both(invalid<F80>(env));
  if (a.zero()) {
    if (sine != nullptr) *sine = zero<F80>(a.sign);
    if (cosine != nullptr) *cosine = kOne;
    return true;
  }
  if (a.exp >= 63) return false;
  if (!note_denormals(env, a.denormal)) return both({});
  const Reduced r = reduce_any(a);
  if (sine != nullptr) *sine = round_inexact(env, sine_of(r, a.sign));
  if (cosine != nullptr) *cosine = round_inexact(env, cosine_of(r));
  return true;
}

bool tangent(Env& env, const Unpacked& a, F80& result) {
  if (a.odd()) {
    result = propagate_nan<F80>(env, a);
  } else if (a.infinite()) {
    result = invalid<F80>(env);
  } else if (a.zero()) {
    result = zero<F80>(a.sign);
  } else if (a.exp >= 63) {
    return false;
  } else if (note_denormals(env, a.denormal)) {
    const Reduced r = reduce_any(a);
    // Of a small angle, a little more than the angle itself.
    const bool tiny = r.quadrant == 0 && r.angle.exp < -50;
    const WideFloat v = tiny ? r.angle : divide(sine_of(r, false), cosine_of(r));
    result = round_inexact(env, with_sign(v, a.sign));
  }
  return true;
}

}  // namespace orrery::cpu::soft
