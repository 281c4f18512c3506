// F2XM1: 2^a = 2^(k/32) * 2^f, |f| <= 1/64, and the Taylor series of e^(f ln 2) - 1.
#include "cpu/softfloat/nan.h"
#include "cpu/softfloat/transcendental.h"
#include "cpu/softfloat/transcendental_tables.h"
#include "cpu/softfloat/wide_float.h"

namespace orrery::cpu::soft {
namespace {

/// 1/(k + 1)!
constexpr auto kSeries = [] {
  std::array<u128, 16> c{kFixedOne};
  for (unsigned k = 1; k < c.size(); ++k) c[k] = c[k - 1] / (k + 1);
  return c;
}();

/// 2^f - 1.
WideFloat small_power_minus_one(const WideFloat& f) {
  const WideFloat y = multiply(f, WideFloat{false, -1, kLn2});
  const u128 z = fraction128(y);
  const u128 factor = y.sign ? series<true>(kSeries, z) : series<false>(kSeries, z);
  return multiply(y, normalised(false, 0, factor));
}

}  // namespace

F80 power_minus_one(Env& env, const Unpacked& a) {
  if (a.odd()) return propagate_nan<F80>(env, a);
  if (a.infinite()) return a.sign ? encode<F80>(true, 0x3fff, kTopBit) : infinity<F80>(false);
  if (a.zero()) return zero<F80>(a.sign);
  if (!note_denormals(env, a.denormal)) return {};
  if (a.exp >= 0) {
    env.raise(kInexact);
    // 2^-1 - 1 = -1/2, 2^1 - 1 = 1; beyond, the operand comes back.
    const bool minus_one = a.sign && a.exp == 0 && a.sig == kTopBit;
    return encode<F80>(a.sign, static_cast<unsigned>((minus_one ? -1 : a.exp) + Format<F80>::kBias), a.sig);
  }
  const WideFloat x = widen(a);
  if (a.exp < -7) return round_inexact(env, small_power_minus_one(x));
  const u128 fixed = x.sig >> -a.exp;  // times 2^127
  const unsigned k = static_cast<unsigned>((fixed + (static_cast<u128>(1) << 121)) >> 122);
  const u128 step = static_cast<u128>(k) << 122;
  const bool below = fixed < step;
  const WideFloat f = normalised(a.sign != below, 0, below ? step - fixed : fixed - step);
  const WideFloat rest = f.zero() ? f : small_power_minus_one(f);
  if (k == 0) return round_inexact(env, rest);
  // 2^(k/32), or 2^(-k/32) = 2^((32 - k)/32) / 2.
  const unsigned index = a.sign ? 32 - k : k;
  const WideFloat power{false, (index == 32 ? 1 : 0) - (a.sign ? 1 : 0), kPowers[index & 31]};
  const WideFloat minus_one = add(power, WideFloat{true, 0, kFixedOne});
  return round_inexact(env, add(minus_one, multiply(power, rest)));
}

}  // namespace orrery::cpu::soft
