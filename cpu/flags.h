// The lazy arithmetic flags (see LazyFlags in state.h): plain functions of a result and a carry vector.
#pragma once

#include <bit>

#include "cpu/state.h"

namespace orrery::cpu {

inline bool flag_zf(const LazyFlags& f) { return f.result == 0; }
inline bool flag_sf(const LazyFlags& f) { return (((f.result >> 63) ^ (f.aux >> 7)) & 1) != 0; }
inline bool flag_cf(const LazyFlags& f) { return (f.aux >> 31) != 0; }
inline bool flag_of(const LazyFlags& f) { return (((f.aux >> 31) ^ (f.aux >> 30)) & 1) != 0; }
inline bool flag_af(const LazyFlags& f) { return ((f.aux >> 3) & 1) != 0; }
inline bool flag_pf(const LazyFlags& f) { return (std::popcount(static_cast<u8>(f.result ^ (f.aux >> 8))) & 1) == 0; }

/// The six arithmetic flags at their EFLAGS positions.
inline u32 arith_flags(const LazyFlags& f) {
  return (flag_cf(f) ? kCf : 0) | (flag_pf(f) ? kPf : 0) | (flag_af(f) ? kAf : 0) | (flag_zf(f) ? kZf : 0) |
         (flag_sf(f) ? kSf : 0) | (flag_of(f) ? kOf : 0);
}

/// The lazy form of an EFLAGS image.
inline LazyFlags lazy_from(u32 eflags) {
  LazyFlags f;
  const bool cf = (eflags & kCf) != 0, of = (eflags & kOf) != 0;
  f.result = (eflags & kZf) != 0 ? 0 : 1;  // positive, odd parity in its low byte
  f.aux = (cf ? 1u << 31 : 0) | (cf != of ? 1u << 30 : 0) | ((eflags & kAf) != 0 ? 8 : 0) |
          ((eflags & kSf) != 0 ? 0x80 : 0);
  const bool even = f.result == 0;  // parity that the result alone would give
  if (even != ((eflags & kPf) != 0)) f.aux |= 0x100;
  return f;
}

}  // namespace orrery::cpu
