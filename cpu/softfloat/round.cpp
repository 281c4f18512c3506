#include "cpu/softfloat/round.h"

namespace orrery::cpu::soft {
namespace {

constexpr int kBiasAdjust = 24576;  // 3 * 2^13

}  // namespace

template <class F> F round_overflow(Env& env, bool sign, int exp, const RoundedSignificand& r, unsigned drop) {
  using Fmt = Format<F>;
  env.raise(kOverflow);
  if (env.unmasked(kOverflow)) {
    if (r.inexact) {
      env.raise(kInexact);
      env.rounded_up = r.up;
    }
    exp -= kBiasAdjust;
    if (!Fmt::kExtended) return infinity<F>(sign);
    if (exp > Fmt::kMaxExp) {  // too large even so, as FSCALE can make it (SDM vol. 1, 8.5.4)
      env.raise(kInexact);
      env.rounded_up = true;
      return infinity<F>(sign);
    }
    return encode<F>(sign, static_cast<unsigned>(exp + Fmt::kBias), r.sig);
  }
  env.raise(kInexact);
  const bool to_infinity = env.rounding == Rounding::Nearest || env.rounding == (sign ? Rounding::Down : Rounding::Up);
  env.rounded_up = to_infinity;
  if (to_infinity) return infinity<F>(sign);
  return encode<F>(sign, Fmt::kMaxExp + Fmt::kBias, ~u64{0} << drop);
}

template <class F> F round_tiny(Env& env, bool sign, int exp, u64 sig, u64 low, unsigned drop) {
  using Fmt = Format<F>;
  // Tiny: below the smallest normal number after rounding with unbounded exponent (SDM vol. 1, 4.9.1.5).
  const RoundedSignificand unbounded = round_significand(env.rounding, sign, sig, low, drop);
  const bool tiny = exp < Fmt::kMinExp - 1 || !unbounded.carry;
  if (tiny && env.unmasked(kUnderflow)) {
    env.raise(kUnderflow);
    if (unbounded.inexact) {
      env.raise(kInexact);
      env.rounded_up = unbounded.up;
    }
    exp += kBiasAdjust + (unbounded.carry ? 1 : 0);
    if (!Fmt::kExtended) return zero<F>(sign);
    if (exp < Fmt::kMinExp) {
      env.raise(kInexact);
      env.rounded_up = false;
      return zero<F>(sign);
    }
    return encode<F>(sign, static_cast<unsigned>(exp + Fmt::kBias), unbounded.sig);
  }
  if (tiny && env.flush_to_zero) {
    env.raise(kUnderflow | kInexact);
    return zero<F>(sign);
  }
  shift_right_sticky(sig, low, static_cast<unsigned>(Fmt::kMinExp - exp));
  const RoundedSignificand r = round_significand(env.rounding, sign, sig, low, drop);
  if (r.inexact) {
    env.raise(tiny ? kInexact | kUnderflow : kInexact);
    env.rounded_up = r.up;
  }
  return encode<F>(sign, static_cast<unsigned>(r.sig >> 63), r.sig);
}

template F16 round_overflow<F16>(Env&, bool, int, const RoundedSignificand&, unsigned);
template F32 round_overflow<F32>(Env&, bool, int, const RoundedSignificand&, unsigned);
template F64 round_overflow<F64>(Env&, bool, int, const RoundedSignificand&, unsigned);
template F80 round_overflow<F80>(Env&, bool, int, const RoundedSignificand&, unsigned);
template F16 round_tiny<F16>(Env&, bool, int, u64, u64, unsigned);
template F32 round_tiny<F32>(Env&, bool, int, u64, u64, unsigned);
template F64 round_tiny<F64>(Env&, bool, int, u64, u64, unsigned);
template F80 round_tiny<F80>(Env&, bool, int, u64, u64, unsigned);

}  // namespace orrery::cpu::soft
