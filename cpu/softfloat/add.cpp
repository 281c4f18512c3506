#include "cpu/softfloat/arithmetic.h"
#include "cpu/softfloat/nan.h"
#include "cpu/softfloat/round.h"
#include "cpu/softfloat/wide.h"

namespace orrery::cpu::soft {
namespace {

template <class F> F add_signed(Env& env, const Unpacked& a, const Unpacked& b, bool b_sign) {
  if (a.infinite() && b.infinite() && a.sign != b_sign) return invalid<F>(env);
  if (!note_denormals(env, a.denormal || b.denormal)) return {};
  if (a.infinite()) return infinity<F>(a.sign);
  if (b.infinite()) return infinity<F>(b_sign);
  const unsigned precision = result_precision<F>(env);
  const bool cancelled_sign = env.rounding == Rounding::Down;
  if (a.zero() || b.zero()) {
    if (!b.zero()) return round_pack<F>(env, b_sign, b.exp, b.sig, 0, precision);
    if (!a.zero()) return round_pack<F>(env, a.sign, a.exp, a.sig, 0, precision);
    return zero<F>(a.sign == b_sign ? a.sign : cancelled_sign);
  }
  // One bit of room above; far shifts leave a sticky bit, far below any rounding position.
  const bool a_first = a.exp > b.exp || (a.exp == b.exp && a.sig >= b.sig);
  const Unpacked& large = a_first ? a : b;
  const Unpacked& small = a_first ? b : a;
  const u128 x = make128(large.sig, 0) >> 1;
  const u128 y = shift_right_sticky128(make128(small.sig, 0) >> 1, static_cast<unsigned>(large.exp - small.exp));
  const u128 sum = a.sign == b_sign ? x + y : x - y;
  if (sum == 0) return zero<F>(cancelled_sign);
  const int shift = leading_zeros(sum);
  const u128 normal = sum << shift;
  return round_pack<F>(env, a_first ? a.sign : b_sign, large.exp + 1 - shift, high64(normal), low64(normal), precision);
}

}  // namespace

template <class F> F add(Env& env, const Unpacked& a, const Unpacked& b) {
  if (a.odd() || b.odd()) return propagate_nan<F>(env, a, b);
  return add_signed<F>(env, a, b, b.sign);
}

template <class F> F subtract(Env& env, const Unpacked& a, const Unpacked& b) {
  if (a.odd() || b.odd()) return propagate_nan<F>(env, a, b);
  return add_signed<F>(env, a, b, !b.sign);
}

template F32 add<F32>(Env&, const Unpacked&, const Unpacked&);
template F64 add<F64>(Env&, const Unpacked&, const Unpacked&);
template F80 add<F80>(Env&, const Unpacked&, const Unpacked&);
template F32 subtract<F32>(Env&, const Unpacked&, const Unpacked&);
template F64 subtract<F64>(Env&, const Unpacked&, const Unpacked&);
template F80 subtract<F80>(Env&, const Unpacked&, const Unpacked&);

}  // namespace orrery::cpu::soft
