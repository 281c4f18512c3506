// Rounding to a format, with overflow, underflow and inexact.
#pragma once

#include "cpu/softfloat/unpacked.h"

namespace orrery::cpu::soft {

struct RoundedSignificand {
  u64 sig;
  bool carry;  // rounding went up to the next power of two; sig is then its top bit alone
  bool inexact;
  bool up;
};

/// Rounds sig (with the bits of `low` below it, the lowest of them sticky) to a multiple of 2^drop, drop < 64.
inline RoundedSignificand round_significand(Rounding rounding, bool sign, u64 sig, u64 low, unsigned drop) {
  const u64 unit = u64{1} << drop;
  const u64 rest = sig & (unit - 1);
  const bool inexact = (rest | low) != 0;
  bool up = false;
  switch (rounding) {
    case Rounding::Nearest: {
      const u64 first = drop == 0 ? low : rest;
      const u64 half = drop == 0 ? kTopBit : unit >> 1;
      const bool more = drop != 0 && low != 0;
      up = first > half || (first == half && (more || (sig & unit) != 0));
      break;
    }
    case Rounding::Down: up = sign && inexact; break;
    case Rounding::Up: up = !sign && inexact; break;
    case Rounding::Zero: break;
  }
  RoundedSignificand r{.sig = sig & ~(unit - 1), .carry = false, .inexact = inexact, .up = up};
  if (up) {
    r.sig += unit;
    r.carry = r.sig == 0;
    if (r.carry) r.sig = kTopBit;
  }
  return r;
}

/// (sig, low) shifted right by `count` > 0; what falls out makes the lowest bit sticky.
inline void shift_right_sticky(u64& sig, u64& low, unsigned count) {
  if (count < 64) {
    const bool lost = (low << (64 - count)) != 0;
    low = (sig << (64 - count)) | (low >> count) | (lost ? 1 : 0);
    sig >>= count;
  } else {
    const bool lost = low != 0 || (count > 64 && (count >= 128 || (sig << (128 - count)) != 0));
    low = (count < 128 ? sig >> (count - 64) : 0) | (lost ? 1 : 0);
    sig = 0;
  }
}

template <class F> F round_overflow(Env& env, bool sign, int exp, const RoundedSignificand& r, unsigned drop);
template <class F> F round_tiny(Env& env, bool sign, int exp, u64 sig, u64 low, unsigned drop);

/// The value (sig + low/2^64) * 2^(exp - 63), sig's top bit set and low's lowest bit sticky, rounded to F with
/// `precision` significand bits.
template <class F>
F round_pack(Env& env, bool sign, int exp, u64 sig, u64 low, unsigned precision = Format<F>::kPrecision) {
  using Fmt = Format<F>;
  const unsigned drop = 64 - precision;
  if (exp < Fmt::kMinExp) [[unlikely]]
    return round_tiny<F>(env, sign, exp, sig, low, drop);
  const RoundedSignificand r = round_significand(env.rounding, sign, sig, low, drop);
  if (r.carry) ++exp;
  if (exp > Fmt::kMaxExp) [[unlikely]]
    return round_overflow<F>(env, sign, exp, r, drop);
  if (r.inexact) {
    env.raise(kInexact);
    env.rounded_up = r.up;
  }
  return encode<F>(sign, static_cast<unsigned>(exp + Fmt::kBias), r.sig);
}

/// Precision of arithmetic results: that of the format, or for F80 what the environment says.
template <class F> unsigned result_precision(const Env& env) {
  return Format<F>::kExtended ? env.precision : Format<F>::kPrecision;
}

}  // namespace orrery::cpu::soft
