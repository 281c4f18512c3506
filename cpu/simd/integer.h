// Packed integer arithmetic as plain functions of vectors (SDM vol. 2), for 64-bit (MMX) and 128-bit vectors alike.
//
// An operation is a type with run(), so that a machine of cpu/semantics/machine.h may either call it or know a shorter
// way. Nothing here sees the processor.
#pragma once

#include <algorithm>
#include <limits>
#include <type_traits>

#include "cpu/vector.h"

namespace orrery::cpu::simd {

/// r[n] = F(a[n], b[n]), or F(b[n]).
template <class T, auto F>
struct Each {
  template <class V>
  static V run(V a, V b) {
    auto x = lanes<T>(a);
    const auto y = lanes<T>(b);
    for (std::size_t n = 0; n < x.size(); ++n) x[n] = F(x[n], y[n]);
    return join<V, T>(x);
  }
  template <class V>
  static V run(V b) {
    auto y = lanes<T>(b);
    for (std::size_t n = 0; n < y.size(); ++n) y[n] = F(y[n]);
    return join<V, T>(y);
  }
};

// ---- lane functions -------------------------------------------------------------------------------------------------------

template <class To, class From>
constexpr To saturate(From v) {
  return static_cast<To>(std::clamp<From>(v, std::numeric_limits<To>::min(), std::numeric_limits<To>::max()));
}

template <class T>
constexpr T add(T a, T b) { return static_cast<T>(a + b); }
template <class T>
constexpr T subtract(T a, T b) { return static_cast<T>(a - b); }
template <class T>
constexpr T add_saturated(T a, T b) { return saturate<T>(static_cast<int>(a) + b); }
template <class T>
constexpr T subtract_saturated(T a, T b) { return saturate<T>(static_cast<int>(a) - b); }
template <class T>
constexpr T equal(T a, T b) { return static_cast<T>(a == b ? ~T{0} : T{0}); }
template <class T>  // T signed
constexpr T greater(T a, T b) { return static_cast<T>(a > b ? -1 : 0); }
template <class T>
constexpr T minimum(T a, T b) { return b < a ? b : a; }
template <class T>
constexpr T maximum(T a, T b) { return a < b ? b : a; }
template <class T>
constexpr T average(T a, T b) { return static_cast<T>((a + b + 1u) >> 1); }
constexpr u64 bit_and(u64 a, u64 b) { return a & b; }
constexpr u64 bit_and_not(u64 a, u64 b) { return ~a & b; }
constexpr u64 bit_or(u64 a, u64 b) { return a | b; }
constexpr u64 bit_xor(u64 a, u64 b) { return a ^ b; }
constexpr u16 multiply_low16(u16 a, u16 b) { return static_cast<u16>(u32{a} * b); }
constexpr u32 multiply_low32(u32 a, u32 b) { return a * b; }
constexpr i16 multiply_high(i16 a, i16 b) { return static_cast<i16>((i32{a} * b) >> 16); }
constexpr u16 multiply_high_unsigned(u16 a, u16 b) { return static_cast<u16>((u32{a} * b) >> 16); }
constexpr i16 multiply_rounded(i16 a, i16 b) { return static_cast<i16>((((i32{a} * b) >> 14) + 1) >> 1); }
constexpr u64 multiply_even_unsigned(u64 a, u64 b) { return (a & 0xffffffff) * (b & 0xffffffff); }
constexpr u64 multiply_even_signed(u64 a, u64 b) {
  return static_cast<u64>(i64{static_cast<i32>(a)} * static_cast<i32>(b));
}
/// Two products of the halves of a doubleword, added.
constexpr u32 multiply_add_words(u32 a, u32 b) {
  const auto product = [](u32 x, u32 y) { return static_cast<u32>(i32{static_cast<i16>(x)} * static_cast<i16>(y)); };
  return product(a, b) + product(a >> 16, b >> 16);
}
/// Unsigned bytes of `a` times signed ones of `b`.
constexpr u16 multiply_add_bytes(u16 a, u16 b) {
  const auto product = [](int x, int y) { return (x & 0xff) * static_cast<i8>(y); };
  return static_cast<u16>(saturate<i16>(product(a, b) + product(a >> 8, b >> 8)));
}
template <class T>  // T unsigned, the value is signed
constexpr T absolute(T a) { return static_cast<T>((a >> (sizeof(T) * 8 - 1)) != 0 ? T{0} - a : a); }
template <class T>  // T signed
constexpr T with_sign(T a, T b) {
  using U = std::make_unsigned_t<T>;
  return b < 0 ? static_cast<T>(U{0} - static_cast<U>(a)) : b == 0 ? T{0} : a;
}

// ---- shifts ---------------------------------------------------------------------------------------------------------------

/// The count is a byte, or the lowest 64 bits of a vector. T unsigned: logical; signed: arithmetic.
template <class T, bool kLeft>
struct Shift {
  using U = std::make_unsigned_t<T>;
  static constexpr unsigned kWidth = sizeof(T) * 8;
  template <class V>
  static V by(V a, u64 count) {
    if (count >= kWidth) {
      if constexpr (std::is_unsigned_v<T>) return V{};
      count = kWidth - 1;
    }
    auto x = lanes<T>(a);
    for (T& v : x) v = static_cast<T>(kLeft ? static_cast<T>(static_cast<U>(v) << count) : v >> count);
    return join<V, T>(x);
  }
  template <class V>
  static V run(V a, u8 count) { return by(a, count); }
  static u64 run(u64 a, u64 count) { return by(a, count); }
  static Vec128 run(Vec128 a, Vec128 count) { return by(a, count.q[0]); }
};

/// PSLLDQ and PSRLDQ: the whole register by bytes.
struct ShiftBytesLeft {
  static Vec128 run(Vec128 a, u8 count) {
    const auto x = lanes<u8>(a);
    Lanes<u8, Vec128> r{};
    for (unsigned n = count; n < 16; ++n) r[n] = x[n - count];
    return join<Vec128, u8>(r);
  }
};
struct ShiftBytesRight {
  static Vec128 run(Vec128 a, u8 count) {
    const auto x = lanes<u8>(a);
    Lanes<u8, Vec128> r{};
    for (unsigned n = count; n < 16; ++n) r[n - count] = x[n];
    return join<Vec128, u8>(r);
  }
};

// ---- across lanes -----------------------------------------------------------------------------------------------------------

/// PHADD, PHSUB: neighbours; the lower half from a, the upper one from b.
template <class T, auto F>
struct Horizontal {
  template <class V>
  static V run(V a, V b) {
    const auto x = lanes<T>(a), y = lanes<T>(b);
    Lanes<T, V> r{};
    constexpr std::size_t kHalf = r.size() / 2;
    for (std::size_t n = 0; n < kHalf; ++n) {
      r[n] = F(x[2 * n], x[2 * n + 1]);
      r[n + kHalf] = F(y[2 * n], y[2 * n + 1]);
    }
    return join<V, T>(r);
  }
};

/// PSADBW: the sum of absolute differences of eight bytes, in each quadword.
struct SumOfDifferences {
  template <class V>
  static V run(V a, V b) {
    const auto x = lanes<u8>(a), y = lanes<u8>(b);
    Lanes<u64, V> r{};
    for (std::size_t n = 0; n < x.size(); ++n) r[n / 8] += x[n] > y[n] ? x[n] - y[n] : y[n] - x[n];
    return join<V, u64>(r);
  }
};

/// MPSADBW: eight sums over four bytes each.
struct MultipleSumsOfDifferences {
  static Vec128 run(Vec128 a, Vec128 b, u8 imm) {
    const auto x = lanes<u8>(a), y = lanes<u8>(b);
    const unsigned from = (imm & 4) != 0 ? 4 : 0, block = (imm & 3u) * 4;
    Lanes<u16, Vec128> r{};
    for (unsigned n = 0; n < 8; ++n) {
      for (unsigned k = 0; k < 4; ++k) {
        const int d = x[from + n + k] - y[block + k];
        r[n] = static_cast<u16>(r[n] + (d < 0 ? -d : d));
      }
    }
    return join<Vec128, u16>(r);
  }
};

/// PHMINPOSUW: the smallest word and its number.
struct MinimumPosition {
  static Vec128 run(Vec128 b) {
    const auto y = lanes<u16>(b);
    unsigned best = 0;
    for (unsigned n = 1; n < 8; ++n) {
      if (y[n] < y[best]) best = n;
    }
    return {{y[best] | (u64{best} << 16), 0}};
  }
};

/// PTEST: ZF if no bit is in both, CF if b has no bit that is not in a.
struct TestBits {
  static u32 run(Vec128 a, Vec128 b) {
    const bool none = ((a.q[0] & b.q[0]) | (a.q[1] & b.q[1])) == 0;
    const bool within = ((~a.q[0] & b.q[0]) | (~a.q[1] & b.q[1])) == 0;
    return (none ? 1u << 6 : 0) | (within ? 1u : 0);
  }
};

/// PCLMULQDQ.
struct CarrylessMultiply {
  static Vec128 run(Vec128 a, Vec128 b, u8 imm) {
    const u64 x = a.q[imm & 1], y = b.q[imm >> 4 & 1];
    u64 low = 0, high = 0;
    for (unsigned n = 0; n < 64; ++n) {
      const u64 mask = u64{0} - (y >> n & 1);
      low ^= (x << n) & mask;
      high ^= (n == 0 ? 0 : x >> (64 - n)) & mask;
    }
    return {{low, high}};
  }
};

}  // namespace orrery::cpu::simd
