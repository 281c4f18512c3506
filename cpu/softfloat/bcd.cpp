#include "cpu/softfloat/bcd.h"

#include "cpu/softfloat/convert.h"

namespace orrery::cpu::soft {

F80 from_bcd(const Bcd& v) {
  const bool sign = (v.sign_digits & 0x8000) != 0;
  u64 value = 0;
  for (unsigned n = 2; n-- > 0;) value = value * 10 + ((v.sign_digits >> (4 * n)) & 15);
  for (unsigned n = 16; n-- > 0;) value = value * 10 + ((v.digits >> (4 * n)) & 15);
  Env env;
  F80 result = from_unsigned<F80>(env, value);
  if (sign) result.sign_exponent |= 0x8000;
  return result;
}

Bcd to_bcd(Env& env, const Unpacked& u) {
  constexpr u64 kLimit = 1'000'000'000'000'000'000;
  u64 value = 0;
  bool inexact = false, up = false;
  if (u.odd() || u.infinite() || !integer_magnitude(u, env.rounding, value, inexact, up) || value >= kLimit) {
    env.raise(kInvalid);
    return kBcdIndefinite;
  }
  if (inexact) {
    env.raise(kInexact);
    env.rounded_up = up;
  }
  Bcd result;
  for (unsigned n = 0; n < 16; ++n, value /= 10) result.digits |= (value % 10) << (4 * n);
  result.sign_digits = static_cast<u16>((u.sign ? 0x8000 : 0) | (value / 10) << 4 | value % 10);
  return result;
}

}  // namespace orrery::cpu::soft
