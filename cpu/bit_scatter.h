// PDEP and PEXT as functions of plain integers.
#pragma once

#include "hw/core/types.h"

namespace orrery::cpu {

/// The lower bits of `a` at the places of the set bits of `mask`.
template <class T> struct DepositBits {
  static T run(T a, T mask) {
    T r = 0;
    for (T rest = mask; rest != 0; rest = static_cast<T>(rest & (rest - 1)), a = static_cast<T>(a >> 1)) {
      r |= static_cast<T>((rest & (~rest + 1)) & (T{0} - (a & 1)));
    }
    return r;
  }
};

/// The bits of `a` at the places of the set bits of `mask`, moved down to the lowest.
template <class T> struct ExtractBits {
  static T run(T a, T mask) {
    T r = 0, bit = 1;
    for (T rest = mask; rest != 0; rest = static_cast<T>(rest & (rest - 1)), bit = static_cast<T>(bit << 1)) {
      if ((a & rest & (~rest + 1)) != 0) r |= bit;
    }
    return r;
  }
};

}  // namespace orrery::cpu
