// MXCSR and the exceptions of one SSE instruction (SDM vol. 1, 10.2.3 and 11.5).
#pragma once

#include "hw/core/types.h"

namespace orrery::cpu::simd {

// Flags are in 5:0, their masks in 12:7, rounding control in 14:13.
inline constexpr u32 kMxcsrFlags = 63, kMxcsrPe = 1u << 5, kMxcsrDaz = 1u << 6, kMxcsrPm = 1u << 12,
                     kMxcsrRc = 3u << 13, kMxcsrFtz = 1u << 15;

/// What the operations of one instruction depend on and report.
struct FloatUnit {
  explicit FloatUnit(u32 mxcsr_value)
      : mxcsr(mxcsr_value), host((mxcsr_value & (kMxcsrRc | kMxcsrPe | kMxcsrPm)) == (kMxcsrPe | kMxcsrPm)) {}
  u32 mxcsr;
  u32 flags = 0;
  /// Rounding is to nearest, and an inexact result changes no flag.
  bool host;
  /// True if an exception so far is unmasked: what follows in the instruction does not happen.
  bool stopped() const { return (flags & ~(mxcsr >> 7) & kMxcsrFlags) != 0; }
};

}  // namespace orrery::cpu::simd
