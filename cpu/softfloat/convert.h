// Conversions between the formats and to integers.
#pragma once

#include "cpu/softfloat/unpacked.h"

namespace orrery::cpu::soft {

/// A number of another format rounded to F. A signaling NaN is invalid and becomes quiet; payloads keep their upper
/// bits. Raises kDenormal for a denormal operand only if `denormal_flag` (FST and the like do not).
template <class F> F convert(Env& env, const Unpacked& u, bool denormal_flag = true);

/// The F80 value of a F32 or F64: as convert(), but there is a result even if the denormal is reported unmasked.
inline F80 widen(Env& env, const Unpacked& u) {
  if (u.denormal) env.raise(kDenormal);
  return convert<F80>(env, u, false);
}

/// An integer rounded to F.
template <class F> F from_integer(Env& env, i64 v);
template <class F> F from_unsigned(Env& env, u64 v);

/// Rounded to a signed integer of `width` 16, 32 or 64 bits, sign-extended. What does not fit, NaNs and infinities are
/// invalid and give the integer indefinite (the most negative integer).
i64 to_integer(Env& env, const Unpacked& u, unsigned width, Rounding rounding);
inline i64 to_integer(Env& env, const Unpacked& u, unsigned width) { return to_integer(env, u, width, env.rounding); }

/// Rounded to an integer of the same format. Inexact is raised if `inexact_flag`.
template <class F> F round_to_integer(Env& env, const Unpacked& u, Rounding rounding, bool inexact_flag = true);

/// Magnitude of a finite u rounded to an integer of up to 64 bits; false if it is larger. `inexact` and `up` tell how
/// it was rounded.
bool integer_magnitude(const Unpacked& u, Rounding rounding, u64& magnitude, bool& inexact, bool& up);

}  // namespace orrery::cpu::soft
