// Packing, unpacking, shuffling, blending, widening: lanes are moved, not computed with (SDM vol. 2).
#pragma once

#include "cpu/simd/integer.h"

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wpsabi"  // see integer.h

namespace orrery::cpu::simd {

/// PUNPCKL, PUNPCKH, UNPCKL, UNPCKH: lanes of the lower or upper halves in turn.
template <class T, bool kHigh> struct Unpack {
  template <class V> static V run(V a, V b) { return with(a, b, std::make_index_sequence<kLanes<T, V>>{}); }
  /// The memory operand of the MMX forms of PUNPCKL has 32 bits.
  static u64 run(u64 a, u32 b) { return run<u64>(a, b); }

 private:
  template <class V, std::size_t... N> static V with(V a, V b, std::index_sequence<N...>) {
    constexpr std::size_t kCount = sizeof...(N), kFrom = kHigh ? kCount / 2 : 0;
    return from_host<V>(
        __builtin_shufflevector(host_vector<T>(a), host_vector<T>(b), (kFrom + N / 2 + N % 2 * kCount)...));
  }
};

/// PACK: signed lanes of a, then of b, saturated to half their width.
template <class From, class To> struct Pack {
  template <class V> static V run(V a, V b) { return with(a, b, std::make_index_sequence<2 * kLanes<From, V>>{}); }

 private:
  template <class V, std::size_t... N> static V with(V a, V b, std::index_sequence<N...>) {
    const auto x = host_vector<From>(a), y = host_vector<From>(b);
    const auto both = __builtin_shufflevector(x, y, N...);
    const auto low = both * 0 + From{std::numeric_limits<To>::min()},
               high = both * 0 + From{std::numeric_limits<To>::max()};
    return from_host<V>(lanes_to<To>(__builtin_elementwise_min(__builtin_elementwise_max(both, low), high)));
  }
};

/// PMOVSX, PMOVZX: the lowest lanes of a smaller type made wider.
template <class From, class To> struct Widen {
  template <class S> static Vec128 run(S b) {
    Lanes<To, Vec128> r{};
    for (std::size_t n = 0; n < r.size(); ++n) {
      r[n] = static_cast<To>(static_cast<From>(b >> (n * sizeof(From) * 8)));
    }
    return join<Vec128, To>(r);
  }
};

/// PSHUFW, PSHUFD: four lanes by two bits each.
template <class T> struct ShuffleFour {
  template <class V> static V run(V b, u8 imm) {
    const auto y = lanes<T>(b);
    Lanes<T, V> r{};
    for (unsigned n = 0; n < 4; ++n) r[n] = y[imm >> (2 * n) & 3];
    return join<V, T>(r);
  }
};

/// PSHUFLW, PSHUFHW: the words of one half.
template <bool kHigh> struct ShuffleHalf {
  static Vec128 run(Vec128 b, u8 imm) {
    b.q[kHigh] = ShuffleFour<u16>::run(b.q[kHigh], imm);
    return b;
  }
};

/// SHUFPS: two lanes of a, two of b.
struct ShuffleSingles {
  static Vec128 run(Vec128 a, Vec128 b, u8 imm) {
    const auto x = lanes<u32>(a), y = lanes<u32>(b);
    return join<Vec128, u32>({x[imm & 3], x[imm >> 2 & 3], y[imm >> 4 & 3], y[imm >> 6 & 3]});
  }
};
struct ShuffleDoubles {
  static Vec128 run(Vec128 a, Vec128 b, u8 imm) { return {{a.q[imm & 1], b.q[imm >> 1 & 1]}}; }
};

/// PSHUFB: bytes of a by the numbers in b; zero where bit 7 is set.
struct ShuffleBytes {
  template <class V> static V run(V a, V b) {
    const auto x = lanes<u8>(a), y = lanes<u8>(b);
    Lanes<u8, V> r{};
    for (std::size_t n = 0; n < r.size(); ++n) r[n] = (y[n] & 0x80) != 0 ? 0 : x[y[n] & (r.size() - 1)];
    return join<V, u8>(r);
  }
};

/// PALIGNR: bytes of b, then of a, from byte `imm` on.
struct AlignRight {
  static u64 run(u64 a, u64 b, u8 imm) { return bits_from(std::array<u64, 2>{b, a}, 8u * imm); }
  static Vec128 run(Vec128 a, Vec128 b, u8 imm) {
    const std::array<u64, 4> words{b.q[0], b.q[1], a.q[0], a.q[1]};
    return {{bits_from(words, 8u * imm), bits_from(words, 8u * imm + 64)}};
  }
};

/// BLENDPS, BLENDPD, PBLENDW: lanes of b where the bit is set.
template <class T> struct Blend {
  static Vec128 run(Vec128 a, Vec128 b, u8 imm) {
    auto x = lanes<T>(a);
    const auto y = lanes<T>(b);
    for (std::size_t n = 0; n < x.size(); ++n) x[n] = (imm >> n & 1) != 0 ? y[n] : x[n];
    return join<Vec128, T>(x);
  }
};

/// PBLENDVB, BLENDVPS, BLENDVPD: by the sign bits of a mask.
template <class T> struct BlendVariable {
  static Vec128 run(Vec128 a, Vec128 b, Vec128 mask) {
    auto x = lanes<T>(a);
    const auto y = lanes<T>(b), m = lanes<T>(mask);
    for (std::size_t n = 0; n < x.size(); ++n) x[n] = (m[n] >> (sizeof(T) * 8 - 1)) != 0 ? y[n] : x[n];
    return join<Vec128, T>(x);
  }
};

/// PINSR: one lane replaced. PEXTR: one lane.
template <class T> struct Insert {
  template <class V> static V run(V a, T b, u8 imm) {
    auto x = lanes<T>(a);
    x[imm & (x.size() - 1)] = b;
    return join<V, T>(x);
  }
};
template <class T> struct Extract {
  template <class V> static T run(V a, u8 imm) {
    const auto x = lanes<T>(a);
    return x[imm & (x.size() - 1)];
  }
};

/// INSERTPS: lane imm[7:6] of a register, or a dword of memory, to lane imm[5:4]; lanes of imm[3:0] become zero.
struct InsertSingle {
  static Vec128 run(Vec128 a, Vec128 b, u8 imm) { return run(a, lanes<u32>(b)[imm >> 6], imm); }
  static Vec128 run(Vec128 a, u32 b, u8 imm) {
    auto x = lanes<u32>(a);
    x[imm >> 4 & 3] = b;
    for (unsigned n = 0; n < 4; ++n) {
      if ((imm >> n & 1) != 0) x[n] = 0;
    }
    return join<Vec128, u32>(x);
  }
};

/// PMOVMSKB, MOVMSKPS, MOVMSKPD: the sign bits.
template <class T> struct SignMask {
  template <class V> static u32 run(V a) {
    if constexpr (sizeof(T) == 1) return bytes(lanes<u64>(a));
    const auto x = lanes<T>(a);
    u32 mask = 0;
    for (std::size_t n = 0; n < x.size(); ++n) mask |= static_cast<u32>(x[n] >> (sizeof(T) * 8 - 1)) << n;
    return mask;
  }

 private:
  /// The multiplication adds up copies of the eight bits, one for each place in the uppermost byte.
  template <std::size_t N> static u32 bytes(const std::array<u64, N>& quadwords) {
    u32 mask = 0;
    for (std::size_t n = 0; n < N; ++n) {
      mask |= static_cast<u32>((quadwords[n] >> 7 & 0x0101010101010101) * 0x0102040810204080 >> 56) << (8 * n);
    }
    return mask;
  }
};

// MOVHLPS, MOVLHPS, MOVDDUP, MOVSLDUP, MOVSHDUP.
struct MoveHighToLow {
  static Vec128 run(Vec128 a, Vec128 b) { return {{b.q[1], a.q[1]}}; }
};
struct MoveLowToHigh {
  static Vec128 run(Vec128 a, Vec128 b) { return {{a.q[0], b.q[0]}}; }
};
struct DuplicateDouble {
  static Vec128 run(u64 b) { return {{b, b}}; }
};
template <bool kOdd> struct DuplicateSingles {
  static Vec128 run(Vec128 b) {
    const auto y = lanes<u32>(b);
    return join<Vec128, u32>({y[kOdd], y[kOdd], y[2 + kOdd], y[2 + kOdd]});
  }
};

}  // namespace orrery::cpu::simd

#pragma clang diagnostic pop
