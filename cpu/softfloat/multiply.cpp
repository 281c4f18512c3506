#include "cpu/softfloat/arithmetic.h"
#include "cpu/softfloat/nan.h"
#include "cpu/softfloat/round.h"
#include "cpu/softfloat/wide.h"

namespace orrery::cpu::soft {

template <class F> F multiply(Env& env, const Unpacked& a, const Unpacked& b) {
  if (a.odd() || b.odd()) return propagate_nan<F>(env, a, b);
  const bool sign = a.sign != b.sign;
  if ((a.infinite() && b.zero()) || (a.zero() && b.infinite())) return invalid<F>(env);
  if (!note_denormals(env, a.denormal || b.denormal)) return {};
  if (a.infinite() || b.infinite()) return infinity<F>(sign);
  if (a.zero() || b.zero()) return zero<F>(sign);
  u128 product = multiply64(a.sig, b.sig);
  const int shift = leading_zeros(product);  // 0 or 1
  product <<= shift;
  return round_pack<F>(env, sign, a.exp + b.exp + 1 - shift, high64(product), low64(product), result_precision<F>(env));
}

template <class F> F multiply_add(Env& env, const Unpacked& a, const Unpacked& b, const Unpacked& c) {
  const bool product_infinite = a.infinite() || b.infinite();
  const bool product_zero = a.zero() || b.zero();
  if (a.odd() || b.odd() || c.odd()) {
    // An infinity times zero is not reported if the addend is a quiet NaN (SDM vol. 1, table 14-17).
    const bool signaling = a.kind == Kind::SignalingNan || b.kind == Kind::SignalingNan || c.kind == Kind::SignalingNan;
    if (signaling) env.raise(kInvalid);
    const Unpacked& n = a.nan() ? a : b.nan() ? b : c;
    return quiet_nan<F>(n.sign, n.sig);
  }
  const bool sign = a.sign != b.sign;
  if (product_infinite && product_zero) return invalid<F>(env);
  if (product_infinite && c.infinite() && c.sign != sign) return invalid<F>(env);
  if (!note_denormals(env, a.denormal || b.denormal || c.denormal)) return {};
  if (product_infinite) return infinity<F>(sign);
  if (c.infinite()) return infinity<F>(c.sign);
  const bool cancelled_sign = env.rounding == Rounding::Down;
  if (product_zero) {
    if (!c.zero()) return round_pack<F>(env, c.sign, c.exp, c.sig, 0);
    return zero<F>(sign == c.sign ? sign : cancelled_sign);
  }
  // The product has up to 106 bits, below the top of 128; the addend is aligned to it, with one bit of room above both.
  const u128 product = multiply64(a.sig, b.sig) >> 1;  // F32 and F64 significands end in zeros: nothing is lost
  const int product_exp = a.exp + b.exp + 1;           // of bit 126
  if (c.zero()) {
    const int shift = leading_zeros(product);
    const u128 normal = product << shift;
    return round_pack<F>(env, sign, product_exp + 1 - shift, high64(normal), low64(normal));
  }
  const u128 addend = make128(c.sig, 0) >> 1;
  const int difference = product_exp - c.exp;
  const u128 x = difference >= 0 ? product : shift_right_sticky128(product, static_cast<unsigned>(-difference));
  const u128 y = difference <= 0 ? addend : shift_right_sticky128(addend, static_cast<unsigned>(difference));
  const bool same = sign == c.sign;
  const bool product_larger = x >= y;
  const u128 sum = same ? x + y : product_larger ? x - y : y - x;
  if (sum == 0) return zero<F>(cancelled_sign);
  const int exp = difference >= 0 ? product_exp : c.exp;
  const int shift = leading_zeros(sum);
  const u128 normal = sum << shift;
  return round_pack<F>(env, same || product_larger ? sign : c.sign, exp + 1 - shift, high64(normal), low64(normal));
}

template F32 multiply<F32>(Env&, const Unpacked&, const Unpacked&);
template F64 multiply<F64>(Env&, const Unpacked&, const Unpacked&);
template F80 multiply<F80>(Env&, const Unpacked&, const Unpacked&);
template F32 multiply_add<F32>(Env&, const Unpacked&, const Unpacked&, const Unpacked&);
template F64 multiply_add<F64>(Env&, const Unpacked&, const Unpacked&, const Unpacked&);

}  // namespace orrery::cpu::soft
