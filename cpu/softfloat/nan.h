// Which NaN comes out when NaNs go in, and what else precedes computing.
#pragma once

#include "cpu/softfloat/unpacked.h"

namespace orrery::cpu::soft {

/// At least one operand is odd(): an F80 result follows the x87's rules (SDM vol. 1, table 4-7: a quiet NaN before a
/// signaling one, then the larger significand, then the positive one; unsupported encodings are invalid), F32 and F64
/// results the SSE's (the first operand that is a NaN, made quiet).
template <class F> F propagate_nan(Env& env, const Unpacked& a, const Unpacked& b);
template <class F> F propagate_nan(Env& env, const Unpacked& a) { return propagate_nan<F>(env, a, a); }

template <class F> F invalid(Env& env) {
  env.raise(kInvalid);
  return default_nan<F>();
}

/// Denormal operands are reported. False if that is unmasked: nothing is computed then.
inline bool note_denormals(Env& env, bool any) {
  if (!any) [[likely]]
    return true;
  env.raise(kDenormal);
  return !env.unmasked(kDenormal);
}

}  // namespace orrery::cpu::soft
