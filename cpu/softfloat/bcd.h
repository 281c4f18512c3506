// Packed decimal: 18 digits and a sign in 80 bits (SDM vol. 1, 4.7).
#pragma once

#include "cpu/softfloat/unpacked.h"

namespace orrery::cpu::soft {

struct Bcd {
  u64 digits = 0;       // the lower 16, four bits each
  u16 sign_digits = 0;  // sign in bit 15, the upper two digits in 7:0
  bool operator==(const Bcd&) const = default;
};

inline constexpr Bcd kBcdIndefinite{.digits = 0xc000000000000000, .sign_digits = 0xffff};

/// Always exact. Digits above 9 count as what they are.
F80 from_bcd(const Bcd& v);
/// Rounded by the environment; more than 18 digits, NaNs and infinities are invalid and give the indefinite.
Bcd to_bcd(Env& env, const Unpacked& u);

}  // namespace orrery::cpu::soft
