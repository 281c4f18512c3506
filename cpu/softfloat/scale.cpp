#include <algorithm>

#include "cpu/softfloat/arithmetic.h"
#include "cpu/softfloat/convert.h"
#include "cpu/softfloat/nan.h"
#include "cpu/softfloat/round.h"

namespace orrery::cpu::soft {

F80 scale(Env& env, const Unpacked& a, const Unpacked& b) {
  if (a.odd() || b.odd()) return propagate_nan<F80>(env, a, b);
  if (b.infinite()) {
    if (b.sign ? a.infinite() : a.zero()) return invalid<F80>(env);
    if (!note_denormals(env, a.denormal)) return {};
    return b.sign ? zero<F80>(a.sign) : infinity<F80>(a.sign);
  }
  if (!note_denormals(env, a.denormal || b.denormal)) return {};
  if (a.infinite()) return infinity<F80>(a.sign);
  if (a.zero()) return zero<F80>(a.sign);
  // Anything beyond this over- or underflows even with the exponent's adjustment.
  constexpr int kLimit = 1 << 17;
  int by = 0;
  if (b.finite() && b.exp >= 0) by = b.exp > 16 ? kLimit : static_cast<int>(b.sig >> (63 - b.exp));
  return round_pack<F80>(env, a.sign, a.exp + (b.sign ? -by : by), a.sig, 0);
}

Extracted extract(Env& env, const Unpacked& a) {
  if (a.odd()) {
    const F80 n = propagate_nan<F80>(env, a);
    return {n, n};
  }
  if (a.infinite()) return {infinity<F80>(a.sign), infinity<F80>(false)};
  if (a.zero()) {
    env.raise(kDivideByZero);
    return {zero<F80>(a.sign), infinity<F80>(true)};
  }
  if (!note_denormals(env, a.denormal)) return {};
  return {encode<F80>(a.sign, Format<F80>::kBias, a.sig), from_integer<F80>(env, a.exp)};
}

}  // namespace orrery::cpu::soft
