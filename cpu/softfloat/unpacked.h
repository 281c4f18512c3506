// Numbers taken apart: one form for all formats.
#pragma once

#include <bit>

#include "cpu/softfloat/types.h"

namespace orrery::cpu::soft {

// clang-format off
enum class Kind : u8 {
  Zero,
  Finite,
  Infinity,
  QuietNan,
  SignalingNan,
  Unsupported,  // F80 encodings that the 387 and later refuse: pseudo-NaN, pseudo-infinity, unnormal (SDM vol. 1, 8.2.2)
};
// clang-format on

/// A finite value is sig * 2^(exp - 63) with the top bit of `sig` set, denormal or not. The significand of a NaN stands
/// in `sig` as it would in F80.
struct Unpacked {
  Kind kind = Kind::Zero;
  bool sign = false;
  bool denormal = false;  // was a denormal (or pseudo-denormal) in its format
  int exp = 0;
  u64 sig = 0;

  bool nan() const { return kind == Kind::QuietNan || kind == Kind::SignalingNan; }
  bool zero() const { return kind == Kind::Zero; }
  bool finite() const { return kind == Kind::Finite; }
  bool infinite() const { return kind == Kind::Infinity; }
  /// A NaN, or an encoding that counts as invalid.
  bool odd() const { return kind >= Kind::QuietNan; }
};

inline Unpacked unpack(F80 v) {
  Unpacked u{
      .kind = Kind::Finite, .sign = (v.sign_exponent & 0x8000) != 0, .denormal = false, .exp = 0, .sig = v.significand};
  const unsigned biased = v.sign_exponent & 0x7fff;
  if (biased != 0 && (v.significand & kTopBit) == 0) {
    u.kind = Kind::Unsupported;
  } else if (biased == 0x7fff) {
    u.kind = (v.significand << 1) == 0          ? Kind::Infinity
             : (v.significand & kQuietBit) != 0 ? Kind::QuietNan
                                                : Kind::SignalingNan;
  } else if (biased != 0) {
    u.exp = static_cast<int>(biased) - Format<F80>::kBias;
  } else if (v.significand == 0) {
    u.kind = Kind::Zero;
  } else {
    const int shift = std::countl_zero(v.significand);
    u.denormal = true;
    u.exp = Format<F80>::kMinExp - shift;
    u.sig = v.significand << shift;
  }
  return u;
}

template <class F> Unpacked unpack(F v) {
  using Fmt = Format<F>;
  constexpr unsigned kFraction = Fmt::kPrecision - 1;
  constexpr unsigned kExponentMask = (1u << Fmt::kExponentBits) - 1;
  const unsigned biased = static_cast<unsigned>(v.bits >> kFraction) & kExponentMask;
  const u64 fraction = static_cast<u64>(v.bits) << (64 - kFraction);  // its top bit is the quiet bit
  Unpacked u{.kind = Kind::Finite,
             .sign = (v.bits >> (kFraction + Fmt::kExponentBits)) != 0,
             .denormal = false,
             .exp = 0,
             .sig = kTopBit | (fraction >> 1)};
  if (biased == kExponentMask) {
    u.kind = fraction == 0 ? Kind::Infinity : (fraction & kTopBit) != 0 ? Kind::QuietNan : Kind::SignalingNan;
  } else if (biased != 0) {
    u.exp = static_cast<int>(biased) - Fmt::kBias;
  } else if (fraction == 0) {
    u.kind = Kind::Zero;
    u.sig = 0;
  } else {
    const int shift = std::countl_zero(fraction);
    u.denormal = true;
    u.exp = Fmt::kMinExp - 1 - shift;
    u.sig = fraction << shift;
  }
  return u;
}

/// The same, with denormals taken as zeros if the environment says so (DAZ).
template <class F> Unpacked unpack(const Env& env, F v) {
  Unpacked u = unpack(v);
  if (env.denormals_are_zero && u.denormal) {
    u.kind = Kind::Zero;
    u.denormal = false;
  }
  return u;
}

inline Unpacked unpack_integer(i64 v) {
  if (v == 0) return {};
  const u64 magnitude = v < 0 ? ~static_cast<u64>(v) + 1 : static_cast<u64>(v);
  const int shift = std::countl_zero(magnitude);
  return {.kind = Kind::Finite, .sign = v < 0, .denormal = false, .exp = 63 - shift, .sig = magnitude << shift};
}

// --- encodings -------------------------------------------------------------------------------------------------------

/// From sign, biased exponent and significand with its integer bit (which IEEE formats drop).
template <class F> F encode(bool sign, unsigned biased, u64 sig) {
  using Fmt = Format<F>;
  if constexpr (Fmt::kExtended) {
    return {.significand = sig, .sign_exponent = static_cast<u16>((sign ? 0x8000 : 0) | biased)};
  } else {
    using Bits = typename Fmt::Bits;
    constexpr unsigned kFraction = Fmt::kPrecision - 1;
    return {static_cast<Bits>((u64{sign} << (kFraction + Fmt::kExponentBits)) | (u64{biased} << kFraction) |
                              ((sig << 1) >> (64 - kFraction)))};
  }
}

template <class F> F zero(bool sign) { return encode<F>(sign, 0, 0); }
template <class F> F infinity(bool sign) { return encode<F>(sign, (1u << Format<F>::kExponentBits) - 1, kTopBit); }
/// A NaN with the significand of an F80 one, made quiet.
template <class F> F quiet_nan(bool sign, u64 sig) {
  return encode<F>(sign, (1u << Format<F>::kExponentBits) - 1, sig | kTopBit | kQuietBit);
}
/// The real indefinite: what a masked invalid operation gives.
template <class F> F default_nan() { return quiet_nan<F>(true, 0); }

}  // namespace orrery::cpu::soft
