#include "cpu/softfloat/convert.h"

#include "cpu/softfloat/round.h"

namespace orrery::cpu::soft {

template <class F> F convert(Env& env, const Unpacked& u, bool denormal_flag) {
  switch (u.kind) {
    case Kind::Zero: return zero<F>(u.sign);
    case Kind::Infinity: return infinity<F>(u.sign);
    case Kind::SignalingNan: env.raise(kInvalid); [[fallthrough]];
    case Kind::QuietNan: return quiet_nan<F>(u.sign, u.sig);
    case Kind::Unsupported: env.raise(kInvalid); return default_nan<F>();
    case Kind::Finite: break;
  }
  if (u.denormal && denormal_flag) {
    env.raise(kDenormal);
    if (env.unmasked(kDenormal)) return zero<F>(u.sign);
  }
  return round_pack<F>(env, u.sign, u.exp, u.sig, 0);
}

template <class F> F from_integer(Env& env, i64 v) { return convert<F>(env, unpack_integer(v)); }

template <class F> F from_unsigned(Env& env, u64 v) {
  if (v == 0) return zero<F>(false);
  const int shift = std::countl_zero(v);
  return round_pack<F>(env, false, 63 - shift, v << shift, 0);
}

bool integer_magnitude(const Unpacked& u, Rounding rounding, u64& magnitude, bool& inexact, bool& up) {
  magnitude = 0;
  inexact = up = false;
  if (u.zero()) return true;
  if (u.exp > 63) return false;
  u64 sig = u.sig, low = 0;
  if (u.exp < 63) shift_right_sticky(sig, low, static_cast<unsigned>(63 - u.exp));
  const RoundedSignificand r = round_significand(rounding, u.sign, sig, low, 0);
  inexact = r.inexact;
  up = r.up;
  magnitude = r.sig;
  return !r.carry;
}

i64 to_integer(Env& env, const Unpacked& u, unsigned width, Rounding rounding) {
  const u64 limit = u64{1} << (width - 1);
  const i64 indefinite = static_cast<i64>(~limit + 1);
  u64 magnitude = 0;
  bool inexact = false, up = false;
  const bool number = u.zero() || u.finite();
  if (!number || !integer_magnitude(u, rounding, magnitude, inexact, up) || magnitude > limit - (u.sign ? 0 : 1)) {
    env.raise(kInvalid);
    return indefinite;
  }
  if (inexact) {
    env.raise(kInexact);
    env.rounded_up = up;
  }
  return static_cast<i64>(u.sign ? ~magnitude + 1 : magnitude);
}

template <class F> F round_to_integer(Env& env, const Unpacked& u, Rounding rounding, bool inexact_flag) {
  if (!u.finite()) return convert<F>(env, u);
  if (u.denormal) {
    env.raise(kDenormal);
    if (env.unmasked(kDenormal)) return zero<F>(u.sign);
  }
  if (u.exp >= static_cast<int>(Format<F>::kPrecision) - 1) return round_pack<F>(env, u.sign, u.exp, u.sig, 0);
  u64 magnitude = 0;
  bool inexact = false, up = false;
  integer_magnitude(u, rounding, magnitude, inexact, up);  // fits: it is below 2^63
  if (inexact && inexact_flag) {
    env.raise(kInexact);
    env.rounded_up = up;
  }
  if (magnitude == 0) return zero<F>(u.sign);
  const int shift = std::countl_zero(magnitude);
  return encode<F>(u.sign, static_cast<unsigned>(63 - shift + Format<F>::kBias), magnitude << shift);
}

#define ORRERY_FORMAT(F)                              \
  template F convert<F>(Env&, const Unpacked&, bool); \
  template F from_integer<F>(Env&, i64);              \
  template F from_unsigned<F>(Env&, u64);             \
  template F round_to_integer<F>(Env&, const Unpacked&, Rounding, bool)
ORRERY_FORMAT(F16);
ORRERY_FORMAT(F32);
ORRERY_FORMAT(F64);
ORRERY_FORMAT(F80);
#undef ORRERY_FORMAT

}  // namespace orrery::cpu::soft
