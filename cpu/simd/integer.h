// Packed integer arithmetic as plain functions of vectors (SDM vol. 2), for 64-bit (MMX) and 128-bit vectors alike.
//
// An operation is a type with run(), so that a machine of cpu/semantics/machine.h may either call it or know a shorter
// way. Nothing here sees the processor.
#pragma once

#include <limits>
#include <type_traits>
#include <utility>

#include "cpu/vector.h"

// Vectors of twice the width are values inside one function only: no calling convention has to know them.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wpsabi"

namespace orrery::cpu::simd {

/// F::of(a, b), or F::of(b), for all lanes.
template <class T, class F> struct Each {
  template <class V> static V run(V a, V b) { return from_host<V>(F::of(host_vector<T>(a), host_vector<T>(b))); }
  template <class V> static V run(V b) { return from_host<V>(F::of(host_vector<T>(b))); }
};

// --- lane functions: L is a HostVector -------------------------------------------------------------------------------

template <class L> using LaneOf = std::remove_cvref_t<decltype(std::declval<L>()[0])>;
/// As many lanes of another type.
template <class U, class L> auto lanes_to(L v) {
  return __builtin_convertvector(v, HostVector<U, sizeof(U) * (sizeof(L) / sizeof(LaneOf<L>))>);
}
/// Of twice the width.
template <class T>
using Wider = std::conditional_t<sizeof(T) == 1, std::conditional_t<std::is_signed_v<T>, i16, u16>,
                                 std::conditional_t<std::is_signed_v<T>, i32, u32>>;

struct Add {
  template <class L> static L of(L a, L b) { return a + b; }
};
struct Subtract {
  template <class L> static L of(L a, L b) { return a - b; }
};
struct AddSaturated {
  template <class L> static L of(L a, L b) { return __builtin_elementwise_add_sat(a, b); }
};
struct SubtractSaturated {
  template <class L> static L of(L a, L b) { return __builtin_elementwise_sub_sat(a, b); }
};
/// All ones or zeros.
struct Equal {
  template <class L> static L of(L a, L b) { return (L)(a == b); }
};
struct Greater {
  template <class L> static L of(L a, L b) { return (L)(a > b); }
};
struct Minimum {
  template <class L> static L of(L a, L b) { return __builtin_elementwise_min(a, b); }
};
struct Maximum {
  template <class L> static L of(L a, L b) { return __builtin_elementwise_max(a, b); }
};
struct Average {
  template <class L> static L of(L a, L b) {
    using T = LaneOf<L>;
    return lanes_to<T>((lanes_to<Wider<T>>(a) + lanes_to<Wider<T>>(b) + 1) >> 1);
  }
};
struct And {
  template <class L> static L of(L a, L b) { return a & b; }
};
struct AndNot {
  template <class L> static L of(L a, L b) { return ~a & b; }
};
struct Or {
  template <class L> static L of(L a, L b) { return a | b; }
};
struct Xor {
  template <class L> static L of(L a, L b) { return a ^ b; }
};
struct MultiplyLow {
  template <class L> static L of(L a, L b) { return a * b; }
};
struct MultiplyHigh {
  template <class L> static L of(L a, L b) {
    using T = LaneOf<L>;
    return lanes_to<T>((lanes_to<Wider<T>>(a) * lanes_to<Wider<T>>(b)) >> 16);
  }
};
struct MultiplyRounded {
  template <class L> static L of(L a, L b) {
    return lanes_to<i16>((((lanes_to<i32>(a) * lanes_to<i32>(b)) >> 14) + 1) >> 1);
  }
};
/// Even doublewords of quadword lanes; L unsigned or signed.
struct MultiplyEven {
  template <class L> static L of(L a, L b) {
    if constexpr (std::is_signed_v<LaneOf<L>>) {
      using U = HostVector<u64, sizeof(L)>;
      return ((L)((U)a << 32) >> 32) * ((L)((U)b << 32) >> 32);
    } else {
      return (a & 0xffffffff) * (b & 0xffffffff);
    }
  }
};
/// Two products of the halves of a doubleword, added. L unsigned.
struct MultiplyAddWords {
  template <class L> static L of(L a, L b) {
    using S = HostVector<i32, sizeof(L)>;
    return (L)((S)(a << 16) >> 16) * (L)((S)(b << 16) >> 16) + (L)((S)a >> 16) * (L)((S)b >> 16);
  }
};
/// Unsigned bytes of `a` times signed ones of `b`, two products added. L of i16.
struct MultiplyAddBytes {
  template <class L> static L of(L a, L b) {
    using U = HostVector<u16, sizeof(L)>;
    const L low = (a & 0xff) * ((L)((U)b << 8) >> 8), high = (L)((U)a >> 8) * (b >> 8);  // each fits
    return __builtin_elementwise_add_sat(low, high);
  }
};
/// L unsigned, the value is signed.
struct Absolute {
  template <class L> static L of(L a) {
    const L minus = (L)((HostVector<std::make_signed_t<LaneOf<L>>, sizeof(L)>)a < 0);
    return (a ^ minus) - minus;
  }
};
/// L unsigned, the values are signed.
struct WithSign {
  template <class L> static L of(L a, L b) {
    const L minus = (L)((HostVector<std::make_signed_t<LaneOf<L>>, sizeof(L)>)b < 0);
    return ((a ^ minus) - minus) & ~(L)(b == 0);
  }
};

// --- shifts ----------------------------------------------------------------------------------------------------------

/// The count is a byte, or the lowest 64 bits of a vector. T unsigned: logical; signed: arithmetic, to the right.
template <class T, bool kLeft> struct Shift {
  static constexpr unsigned kWidth = sizeof(T) * 8;
  template <class V> static V by(V a, u64 count) {
    if (count >= kWidth) {
      if constexpr (std::is_unsigned_v<T>) return V{};
      count = kWidth - 1;
    }
    const auto x = host_vector<T>(a);
    const auto n = static_cast<T>(count);
    return from_host<V>(kLeft ? x << n : x >> n);
  }
  template <class V> static V run(V a, u8 count) { return by(a, count); }
  static u64 run(u64 a, u64 count) { return by(a, count); }
  static Vec128 run(Vec128 a, Vec128 count) { return by(a, count.q[0]); }
};

/// 64 bits of `words` (and zeros behind them) from bit `from` on.
template <std::size_t N> constexpr u64 bits_from(const std::array<u64, N>& words, unsigned from) {
  const auto word = [&words](unsigned n) { return n < N ? words[n] : 0; };
  const unsigned n = from / 64, bit = from % 64;
  return bit == 0 ? word(n) : word(n) >> bit | word(n + 1) << (64 - bit);
}

/// PSLLDQ and PSRLDQ: the whole register by bytes.
struct ShiftBytesLeft {
  static Vec128 run(Vec128 a, u8 count) {
    if (count > 15) return {};
    const std::array<u64, 4> words{0, 0, a.q[0], a.q[1]};
    return {{bits_from(words, 128 - 8u * count), bits_from(words, 192 - 8u * count)}};
  }
};
struct ShiftBytesRight {
  static Vec128 run(Vec128 a, u8 count) {
    const std::array<u64, 2> words{a.q[0], a.q[1]};
    return {{bits_from(words, 8u * count), bits_from(words, 8u * count + 64)}};
  }
};

// --- across lanes ----------------------------------------------------------------------------------------------------

/// PHADD, PHSUB: neighbours; the lower half from a, the upper one from b.
template <class T, class F> struct Horizontal {
  template <class V> static V run(V a, V b) {
    return with(host_vector<T>(a), host_vector<T>(b), std::make_index_sequence<kLanes<T, V>>{}, V{});
  }

 private:
  template <class L, std::size_t... N, class V> static V with(L x, L y, std::index_sequence<N...>, V) {
    return from_host<V>(
        F::of(__builtin_shufflevector(x, y, (2 * N)...), __builtin_shufflevector(x, y, (2 * N + 1)...)));
  }
};

/// PSADBW: the sum of absolute differences of eight bytes, in each quadword.
struct SumOfDifferences {
  template <class V> static V run(V a, V b) {
    const auto x = host_vector<u8>(a), y = host_vector<u8>(b);
    auto sums = lanes<u64>(from_host<V>(__builtin_elementwise_max(x, y) - __builtin_elementwise_min(x, y)));
    for (u64& v : sums) {
      constexpr u64 kEven = 0x00ff00ff00ff00ff;
      v = ((v & kEven) + (v >> 8 & kEven)) * 0x0001000100010001 >> 48;
    }
    return join<V, u64>(sums);
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

/// PCLMULQDQ: four bits of y at a time.
struct CarrylessMultiply {
  static Vec128 run(Vec128 a, Vec128 b, u8 imm) {
    const u64 x = a.q[imm & 1], y = b.q[imm >> 4 & 1];
    std::array<std::array<u64, 2>, 16> multiples{};
    for (unsigned n = 1; n < 16; ++n) {
      const auto& half = multiples[n / 2];
      multiples[n] = {half[0] << 1 ^ (n % 2 != 0 ? x : 0), half[1] << 1 | half[0] >> 63};
    }
    u64 low = 0, high = 0;
    for (int n = 60; n >= 0; n -= 4) {
      const auto& m = multiples[y >> n & 15];
      high = (high << 4 | low >> 60) ^ m[1];
      low = low << 4 ^ m[0];
    }
    return {{low, high}};
  }
};

}  // namespace orrery::cpu::simd

#pragma clang diagnostic pop
