// Soft floating point: the types of IEEE 754 as the x86 has them, and the environment of an operation.
//
// Everything here computes with integers, so that results and flags are the same on every host. Written from IEEE
// 754-2008 and SDM vol. 1, chapters 4 (data types, NaNs), 8 (x87) and 11 (SSE).
#pragma once

#include "cpu/state.h"

namespace orrery::cpu::soft {

/// Half, single and double precision as bit images; F80 is the x87's double extended format.
struct F16 {
  u16 bits = 0;
  bool operator==(const F16&) const = default;
};
struct F32 {
  u32 bits = 0;
  bool operator==(const F32&) const = default;
};
struct F64 {
  u64 bits = 0;
  bool operator==(const F64&) const = default;
};
using F80 = Float80;

/// The RC field of FCW and MXCSR.
enum class Rounding : u8 { Nearest, Down, Up, Zero };

/// Exception flags, at their places in FSW and MXCSR.
enum Flag : u8 { kInvalid = 1, kDenormal = 2, kDivideByZero = 4, kOverflow = 8, kUnderflow = 16, kInexact = 32 };
inline constexpr u8 kAllFlags = 63;

/// What an operation depends on and reports. Flags accumulate.
///
/// `masked` has a set bit for each masked exception. An operation whose pre-computation exception (invalid, divide by
/// zero, denormal) is unmasked reports it and nothing that would follow from computing; its result means nothing.
/// Overflow and underflow that are unmasked give an F80 result with its exponent moved by 24576 (SDM vol. 1, 8.5.4
/// and 8.5.5); underflow is then reported for exact results too.
struct Env {
  Rounding rounding = Rounding::Nearest;
  u8 precision =
      64;  // significand bits of F80 results of add, subtract, multiply, divide and square root: 24, 53 or 64
  u8 masked = kAllFlags;
  bool flush_to_zero = false;       // MXCSR.FTZ
  bool denormals_are_zero = false;  // MXCSR.DAZ
  u8 flags = 0;
  bool rounded_up = false;  // the last rounding made the magnitude larger (C1 of the x87)

  void raise(u8 f) { flags |= f; }
  bool unmasked(u8 f) const { return (masked & f) != f; }
};

/// Outcome of a comparison.
enum class Order : u8 { Less, Equal, Greater, Unordered };

template <class F> struct Format;
template <> struct Format<F16> {
  using Bits = u16;
  static constexpr bool kExtended = false;
  static constexpr unsigned kPrecision = 11, kExponentBits = 5;
  static constexpr int kBias = 15, kMaxExp = kBias, kMinExp = 1 - kBias;
};
template <> struct Format<F32> {
  using Bits = u32;
  static constexpr bool kExtended = false;
  static constexpr unsigned kPrecision = 24, kExponentBits = 8;
  static constexpr int kBias = 127, kMaxExp = kBias, kMinExp = 1 - kBias;
};
template <> struct Format<F64> {
  using Bits = u64;
  static constexpr bool kExtended = false;
  static constexpr unsigned kPrecision = 53, kExponentBits = 11;
  static constexpr int kBias = 1023, kMaxExp = kBias, kMinExp = 1 - kBias;
};
template <> struct Format<F80> {
  static constexpr bool kExtended = true;
  static constexpr unsigned kPrecision = 64, kExponentBits = 15;
  static constexpr int kBias = 16383, kMaxExp = kBias, kMinExp = 1 - kBias;
};

inline constexpr u64 kTopBit = u64{1} << 63;
inline constexpr u64 kQuietBit = u64{1} << 62;

}  // namespace orrery::cpu::soft
