// The basic operations, for F32, F64 and F80 results.
//
// F80 operations take unpacked operands, since the x87 computes with operands of several formats; a memory operand of
// another format is not converted first, so that NaN and denormal rules see what was there. F32 and F64 have short
// forms.
#pragma once

#include "cpu/softfloat/unpacked.h"

namespace orrery::cpu::soft {

template <class F> F add(Env& env, const Unpacked& a, const Unpacked& b);
template <class F> F subtract(Env& env, const Unpacked& a, const Unpacked& b);
template <class F> F multiply(Env& env, const Unpacked& a, const Unpacked& b);
template <class F> F divide(Env& env, const Unpacked& a, const Unpacked& b);
template <class F> F square_root(Env& env, const Unpacked& a);

template <class F> F add(Env& env, F a, F b) { return add<F>(env, unpack(env, a), unpack(env, b)); }
template <class F> F subtract(Env& env, F a, F b) { return subtract<F>(env, unpack(env, a), unpack(env, b)); }
template <class F> F multiply(Env& env, F a, F b) { return multiply<F>(env, unpack(env, a), unpack(env, b)); }
template <class F> F divide(Env& env, F a, F b) { return divide<F>(env, unpack(env, a), unpack(env, b)); }
template <class F> F square_root(Env& env, F a) { return square_root<F>(env, unpack(env, a)); }

/// a * b + c with one rounding (FMA; F32 and F64). The forms that subtract or negate change signs of operands: do that
/// on the unpacked operands with negated(), which leaves NaNs alone. NaNs: the first of a, b, c that is one.
template <class F> F multiply_add(Env& env, const Unpacked& a, const Unpacked& b, const Unpacked& c);
inline Unpacked negated(Unpacked u) {
  if (!u.nan()) u.sign = !u.sign;
  return u;
}

/// MINPS and MAXPS: the second operand if one is a NaN (then invalid) or both are zeros.
template <class F> F minimum(Env& env, F a, F b);
template <class F> F maximum(Env& env, F a, F b);

/// Any NaN is invalid unless `quiet`, in which case signaling ones are. `denormal_flag`: denormals are reported.
Order compare(Env& env, const Unpacked& a, const Unpacked& b, bool quiet, bool denormal_flag = true);

/// What FPREM and FPREM1 find.
struct Remainder {
  F80 value;
  unsigned quotient = 0;  // its lowest three bits, if complete
  bool number = true;     // false: a NaN, or nothing was computed
  bool complete = true;   // false: only the exponent's difference was made smaller
};
/// a - b * q, always exact. q is the quotient rounded towards zero, or to nearest (IEEE remainder).
Remainder remainder(Env& env, const Unpacked& a, const Unpacked& b, bool nearest);

/// a * 2^trunc(b).
F80 scale(Env& env, const Unpacked& a, const Unpacked& b);

/// a = significand * 2^exponent with a significand of 1 to 2.
struct Extracted {
  F80 significand, exponent;
};
Extracted extract(Env& env, const Unpacked& a);

}  // namespace orrery::cpu::soft
