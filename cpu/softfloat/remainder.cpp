#include "cpu/softfloat/arithmetic.h"
#include "cpu/softfloat/nan.h"
#include "cpu/softfloat/round.h"
#include "cpu/softfloat/wide.h"

namespace orrery::cpu::soft {
namespace {

/// significand * 2^(exp - 63), not normalised; exact in F80 but for an unmasked underflow.
F80 pack_exact(Env& env, bool sign, int exp, u64 significand) {
  if (significand == 0) return zero<F80>(sign);
  const int shift = std::countl_zero(significand);
  return round_pack<F80>(env, sign, exp - shift, significand << shift, 0);
}

}  // namespace

Remainder remainder(Env& env, const Unpacked& a, const Unpacked& b, bool nearest) {
  if (a.odd() || b.odd()) return {.value = propagate_nan<F80>(env, a, b), .quotient = 0, .number = false};
  if (a.infinite() || b.zero()) return {.value = invalid<F80>(env), .quotient = 0, .number = false};
  if (!note_denormals(env, a.denormal || b.denormal)) return {.value = {}, .quotient = 0, .number = false};
  if (a.zero()) return {.value = zero<F80>(a.sign)};
  if (b.infinite()) return {.value = round_pack<F80>(env, a.sign, a.exp, a.sig, 0)};
  const int difference = a.exp - b.exp;
  if (difference < -1 || (difference == -1 && (!nearest || a.sig <= b.sig))) {
    return {.value = round_pack<F80>(env, a.sign, a.exp, a.sig, 0)};
  }
  if (difference >= 64) {
    // Reduced by an amount between 32 and 63 at a time: this many bits of the quotient are done away with.
    const int step = (difference & 31) | 32;
    const u64 rest = static_cast<u64>((static_cast<u128>(a.sig) << step) % b.sig);
    return {.value = pack_exact(env, a.sign, a.exp - step, rest), .quotient = 0, .number = true, .complete = false};
  }
  if (difference == -1) {  // |a| is more than half of |b|: the quotient to nearest is 1
    const u128 rest = (static_cast<u128>(b.sig) << 1) - a.sig;
    return {.value = pack_exact(env, !a.sign, a.exp, static_cast<u64>(rest)), .quotient = 1};
  }
  const u128 numerator = static_cast<u128>(a.sig) << difference;
  u128 quotient = numerator / b.sig;
  u64 rest = static_cast<u64>(numerator % b.sig);
  bool sign = a.sign;
  if (nearest) {
    const u64 to_go = b.sig - rest;
    if (rest > to_go || (rest == to_go && (quotient & 1) != 0)) {
      rest = to_go;
      sign = !sign;
      ++quotient;
    }
  }
  if (rest == 0) sign = a.sign;
  return {.value = pack_exact(env, sign, b.exp, rest), .quotient = static_cast<unsigned>(quotient & 7)};
}

}  // namespace orrery::cpu::soft
