#include "cpu/softfloat/arithmetic.h"
#include "cpu/softfloat/nan.h"
#include "cpu/softfloat/round.h"
#include "cpu/softfloat/wide.h"

namespace orrery::cpu::soft {
namespace {

/// The bits below a quotient or root: what is left over compared with a half of the last place.
u64 low_bits(bool exact, bool half, bool more) { return exact ? 0 : half ? kTopBit : more ? kTopBit | 1 : 1; }

}  // namespace

template <class F> F divide(Env& env, const Unpacked& a, const Unpacked& b) {
  if (a.odd() || b.odd()) return propagate_nan<F>(env, a, b);
  const bool sign = a.sign != b.sign;
  if ((a.infinite() && b.infinite()) || (a.zero() && b.zero())) return invalid<F>(env);
  if (b.zero() && a.finite()) {
    env.raise(kDivideByZero);
    return infinity<F>(sign);
  }
  if (!note_denormals(env, a.denormal || b.denormal)) return {};
  if (a.infinite()) return infinity<F>(sign);
  if (b.infinite() || a.zero()) return zero<F>(sign);
  const bool whole = a.sig >= b.sig;
  const u128 numerator = make128(a.sig, 0) >> (whole ? 1 : 0);
  const u64 quotient = static_cast<u64>(numerator / b.sig);
  const u64 rest = low64(numerator) - quotient * b.sig;
  const u64 to_go = b.sig - rest;
  const u64 low = low_bits(rest == 0, rest == to_go, rest > to_go);
  return round_pack<F>(env, sign, a.exp - b.exp - (whole ? 0 : 1), quotient, low, result_precision<F>(env));
}

namespace {

struct Root {
  u64 root, rest;
};

/// Square root of a 64-bit number whose top two bits are not both zero, and what is left over.
Root root64(u64 v) {
  // Digit by digit for the upper half, one division for the lower (Zimmermann).
  u64 root = 0, rest = 0;
  for (unsigned n = 0; n < 16; ++n) {
    rest = (rest << 2) | (v >> (62 - 2 * n) & 3);
    const u64 trial = (root << 2) | 1;
    root <<= 1;
    if (rest >= trial) {
      rest -= trial;
      root |= 1;
    }
  }
  const u64 dividend = (rest << 16) | (v >> 16 & 0xffff);
  u64 q = dividend / (2 * root);
  u64 r = dividend % (2 * root);
  u64 s = (root << 16) + q;
  i64 left = static_cast<i64>((r << 16) | (v & 0xffff)) - static_cast<i64>(q * q);
  while (left < 0) {
    left += static_cast<i64>(2 * s - 1);
    --s;
  }
  return {s, static_cast<u64>(left)};
}

}  // namespace

template <class F> F square_root(Env& env, const Unpacked& a) {
  if (a.odd()) return propagate_nan<F>(env, a);
  if (a.zero()) return zero<F>(a.sign);
  if (a.sign) return invalid<F>(env);
  if (!note_denormals(env, a.denormal)) return {};
  if (a.infinite()) return infinity<F>(false);
  // The root of a 128-bit number of 127 or 128 bits has 64: the upper 32 from root64, the lower by one division.
  const u128 v = make128(a.sig, 0) >> ((a.exp & 1) == 0 ? 1 : 0);
  const Root upper = root64(high64(v));
  const u128 dividend = (static_cast<u128>(upper.rest) << 32) | (low64(v) >> 32);
  const u128 q = dividend / (2 * upper.root);
  const u128 r = dividend % (2 * upper.root);
  u128 root = (static_cast<u128>(upper.root) << 32) + q;
  u128 plus = (r << 32) | (low64(v) & 0xffffffff), minus = q * q;
  while (plus < minus) {
    plus += 2 * root - 1;
    --root;
  }
  const u128 rest = plus - minus;
  const u64 low = low_bits(rest == 0, false, rest > root);
  return round_pack<F>(env, false, a.exp >> 1, static_cast<u64>(root), low, result_precision<F>(env));
}

template F32 divide<F32>(Env&, const Unpacked&, const Unpacked&);
template F64 divide<F64>(Env&, const Unpacked&, const Unpacked&);
template F80 divide<F80>(Env&, const Unpacked&, const Unpacked&);
template F32 square_root<F32>(Env&, const Unpacked&);
template F64 square_root<F64>(Env&, const Unpacked&);
template F80 square_root<F80>(Env&, const Unpacked&);

}  // namespace orrery::cpu::soft
