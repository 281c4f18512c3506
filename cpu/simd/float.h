// SSE floating point (SDM vol. 1, chapter 11; vol. 2): one lane, then vectors of them.
//
// Each operation has two ways. The host's own arithmetic serves when both operands are zeros or normal numbers, so is
// the result, rounding is to nearest and inexact is masked and already recorded in MXCSR: then no flag can change, and
// every IEEE 754 host gives the same bits. (Neither the host's denormal modes nor its exception masks matter then.)
// Everything else is soft floating point.
#pragma once

#include <bit>
#include <cmath>

#include "cpu/simd/integer.h"
#include "cpu/simd/unit.h"
#include "cpu/softfloat/arithmetic.h"
#include "cpu/softfloat/convert.h"

namespace orrery::cpu::simd {

inline soft::Env environment(u32 mxcsr) {
  return {.rounding = static_cast<soft::Rounding>(mxcsr >> 13 & 3),
          .masked = static_cast<u8>(mxcsr >> 7 & soft::kAllFlags),
          .flush_to_zero = (mxcsr & kMxcsrFtz) != 0,
          .denormals_are_zero = (mxcsr & kMxcsrDaz) != 0};
}

/// A lane's bits, as the host's and the soft type.
template <class B> struct FloatTypes;
template <> struct FloatTypes<u32> {
  using Host = float;
  using Soft = soft::F32;
  static constexpr u32 kExponent = 0x7f800000, kOne = 0x00800000;
};
template <> struct FloatTypes<u64> {
  using Host = double;
  using Soft = soft::F64;
  static constexpr u64 kExponent = 0x7ff0000000000000, kOne = 0x0010000000000000;
};

template <class B> using Host = typename FloatTypes<B>::Host;
template <class B> using Soft = typename FloatTypes<B>::Soft;
template <class B> inline constexpr B kSignBit = B{1} << (sizeof(B) * 8 - 1);

template <class B> constexpr bool is_zero(B v) { return (v & ~kSignBit<B>) == 0; }
template <class B> constexpr bool is_normal(B v) {
  using T = FloatTypes<B>;
  return (v & T::kExponent) - T::kOne < T::kExponent - T::kOne;
}
/// A normal number that was not rounded up to one: only the smallest can come of a tiny result, which underflows.
template <class B> constexpr bool is_surely_normal(B v) {
  using T = FloatTypes<B>;
  return (v & ~kSignBit<B>)-(T::kOne + 1) < T::kExponent - (T::kOne + 1);
}
template <class B> constexpr bool is_plain(B v) { return is_normal(v) || is_zero(v); }
template <class B> constexpr bool is_nan(B v) { return (v & ~kSignBit<B>) > FloatTypes<B>::kExponent; }

template <class B> Host<B> host_value(B v) { return std::bit_cast<Host<B>>(v); }

/// What a soft operation gives back, in registers.
template <class R> struct Outcome {
  R value;
  u32 flags;
};

// --- operations on one lane ------------------------------------------------------------------------------------------
//
// fast() either computes and returns true, or leaves r alone; kExact: it needs no FloatUnit::host. all() and wrong()
// are the same for four singles at a time: the results, and where they are not to be taken, given the magnitudes of
// plain operands and of the results.

using Singles = HostVector<float, 16>;
using Magnitudes = HostVector<i32, 16>;
inline constexpr i32 kSingleOne = 0x00800000, kSingleInfinity = 0x7f800000;
/// Neither zero nor normal.
inline Magnitudes strange(Magnitudes m) { return (m >= kSingleInfinity) | ((m < kSingleOne) & (m != 0)); }

struct AddOp {
  static constexpr bool kExact = false;
  template <class B> static bool fast(B a, B b, B& r) {
    if (!is_plain(a) || !is_plain(b)) return false;
    r = std::bit_cast<B>(host_value(a) + host_value(b));
    return is_normal(r) || (a ^ kSignBit<B>) == b || (is_zero(a) && is_zero(b));
  }
  static Singles all(Singles a, Singles b) { return a + b; }
  static Magnitudes wrong(Magnitudes, Magnitudes, Magnitudes r) { return strange(r); }
  template <class F> static F soft(soft::Env& env, F a, F b) { return soft::add(env, a, b); }
};

struct SubtractOp {
  static constexpr bool kExact = false;
  template <class B> static bool fast(B a, B b, B& r) {
    if (!is_plain(a) || !is_plain(b)) return false;
    r = std::bit_cast<B>(host_value(a) - host_value(b));
    return is_normal(r) || a == b || (is_zero(a) && is_zero(b));
  }
  static Singles all(Singles a, Singles b) { return a - b; }
  static Magnitudes wrong(Magnitudes, Magnitudes, Magnitudes r) { return strange(r); }
  template <class F> static F soft(soft::Env& env, F a, F b) { return soft::subtract(env, a, b); }
};

struct MultiplyOp {
  static constexpr bool kExact = false;
  template <class B> static bool fast(B a, B b, B& r) {
    if (!is_plain(a) || !is_plain(b)) return false;
    r = std::bit_cast<B>(host_value(a) * host_value(b));
    return is_surely_normal(r) || is_zero(a) || is_zero(b);
  }
  static Singles all(Singles a, Singles b) { return a * b; }
  static Magnitudes wrong(Magnitudes a, Magnitudes b, Magnitudes r) {
    return (r >= kSingleInfinity) | ((r <= kSingleOne) & (a != 0) & (b != 0));
  }
  template <class F> static F soft(soft::Env& env, F a, F b) { return soft::multiply(env, a, b); }
};

struct DivideOp {
  static constexpr bool kExact = false;
  template <class B> static bool fast(B a, B b, B& r) {
    if (!is_plain(a) || !is_normal(b)) return false;
    r = std::bit_cast<B>(host_value(a) / host_value(b));
    return is_surely_normal(r) || is_zero(a);
  }
  static Singles all(Singles a, Singles b) { return a / b; }
  static Magnitudes wrong(Magnitudes a, Magnitudes b, Magnitudes r) {
    return (b == 0) | (r >= kSingleInfinity) | ((r <= kSingleOne) & (a != 0));
  }
  template <class F> static F soft(soft::Env& env, F a, F b) { return soft::divide(env, a, b); }
};

struct SquareRootOp {
  static constexpr bool kExact = false;
  template <class B> static bool fast(B a, B& r) {
    if (!is_zero(a) && (!is_normal(a) || (a & kSignBit<B>) != 0)) return false;
    r = std::bit_cast<B>(std::sqrt(host_value(a)));
    return true;
  }
  template <class F> static F soft(soft::Env& env, F a) { return soft::square_root(env, a); }
};

struct MinimumOp {
  static constexpr bool kExact = true;
  template <class B> static bool fast(B a, B b, B& r) {
    if (!is_plain(a) || !is_plain(b)) return false;
    r = host_value(a) < host_value(b) ? a : b;
    return true;
  }
  static Singles all(Singles a, Singles b) { return a < b ? a : b; }
  static Magnitudes wrong(Magnitudes, Magnitudes, Magnitudes) { return Magnitudes{}; }
  template <class F> static F soft(soft::Env& env, F a, F b) { return soft::minimum(env, a, b); }
};

struct MaximumOp {
  static constexpr bool kExact = true;
  template <class B> static bool fast(B a, B b, B& r) {
    if (!is_plain(a) || !is_plain(b)) return false;
    r = host_value(a) > host_value(b) ? a : b;
    return true;
  }
  static Singles all(Singles a, Singles b) { return a > b ? a : b; }
  static Magnitudes wrong(Magnitudes, Magnitudes, Magnitudes) { return Magnitudes{}; }
  template <class F> static F soft(soft::Env& env, F a, F b) { return soft::maximum(env, a, b); }
};

template <class Op, class B, class... X> [[gnu::noinline]] Outcome<B> soft_lane(u32 mxcsr, B a, X... b) {
  soft::Env env = environment(mxcsr);
  const B r = Op::soft(env, Soft<B>{a}, Soft<B>{b}...).bits;
  return {r, env.flags};
}

/// One lane by either way.
template <class Op, class B, class... X> B lane(FloatUnit& u, B a, X... b) {
  B r;
  if ((Op::kExact || u.host) && Op::fast(a, b..., r)) [[likely]]
    return r;
  const auto o = soft_lane<Op>(u.mxcsr, a, b...);
  u.flags |= o.flags;
  return o.value;
}

/// True if any lane is set.
inline bool any(Magnitudes lanes) {
  const auto v = std::bit_cast<Vec128>(lanes);
  return (v.q[0] | v.q[1]) != 0;
}

/// Four lanes at once; false if one of them needs more.
template <class Op> bool four_lanes(const FloatUnit& u, Vec128 a, Vec128 b, Vec128& result) {
  if (!Op::kExact && !u.host) return false;
  const auto x = host_vector<i32>(a), y = host_vector<i32>(b);
  const auto r = (Magnitudes)Op::all((Singles)x, (Singles)y);
  constexpr i32 kMagnitude = 0x7fffffff;
  const Magnitudes m = x & kMagnitude, n = y & kMagnitude;
  if (any(strange(m) | strange(n) | Op::wrong(m, n, r & kMagnitude))) return false;
  result = from_host<Vec128>(r);
  return true;
}

// --- comparisons -----------------------------------------------------------------------------------------------------

template <class B> [[gnu::noinline]] Outcome<soft::Order> soft_compare(u32 mxcsr, B a, B b, bool quiet) {
  soft::Env env = environment(mxcsr);
  const auto order = soft::compare(env, soft::unpack(env, Soft<B>{a}), soft::unpack(env, Soft<B>{b}), quiet);
  return {order, env.flags};
}

template <class B> soft::Order compare_lanes(FloatUnit& u, B a, B b, bool quiet) {
  if (is_plain(a) && is_plain(b)) [[likely]] {
    const auto x = host_value(a), y = host_value(b);
    return x < y ? soft::Order::Less : x > y ? soft::Order::Greater : soft::Order::Equal;
  }
  const auto o = soft_compare(u.mxcsr, a, b, quiet);
  u.flags |= o.flags;
  return o.value;
}

/// UCOMIS and COMIS: ZF, PF, CF.
template <class B, bool kQuiet> struct CompareToFlags {
  static u32 run(FloatUnit& u, B a, B b) {
    switch (compare_lanes(u, a, b, kQuiet)) {
      case soft::Order::Less: return 1;
      case soft::Order::Equal: return 1u << 6;
      case soft::Order::Greater: return 0;
      default: return 1u << 6 | 1u << 2 | 1;
    }
  }
};

/// CMPPS and the like: all ones where the predicate in imm[2:0] holds.
template <class B> struct ComparePredicate {
  static B lane(FloatUnit& u, B a, B b, u8 imm) {
    // EQ, LT, LE, UNORD and their opposites; LT and LE signal quiet NaNs.
    const unsigned kind = imm & 3;
    const auto order = compare_lanes(u, a, b, kind == 0 || kind == 3);
    const bool holds = kind == 0   ? order == soft::Order::Equal
                       : kind == 1 ? order == soft::Order::Less
                       : kind == 2 ? order == soft::Order::Less || order == soft::Order::Equal
                                   : order == soft::Order::Unordered;
    return holds != ((imm & 4) != 0) ? static_cast<B>(~B{0}) : B{0};
  }
  static Vec128 run(FloatUnit& u, Vec128 a, Vec128 b, u8 imm) {
    if constexpr (sizeof(B) == 4) {
      if (Vec128 r; four_lanes(a, b, imm, r)) [[likely]]
        return r;
    }
    auto x = lanes<B>(a);
    const auto y = lanes<B>(b);
    for (std::size_t n = 0; n < x.size(); ++n) x[n] = lane(u, x[n], y[n], imm);
    return join<Vec128, B>(x);
  }
  static Vec128 run(FloatUnit& u, Vec128 a, B b, u8 imm) {
    auto x = lanes<B>(a);
    x[0] = lane(u, x[0], b, imm);
    return join<Vec128, B>(x);
  }

 private:
  /// Plain numbers are always ordered and raise nothing.
  static bool four_lanes(Vec128 a, Vec128 b, u8 imm, Vec128& result) {
    const auto x = host_vector<float>(a), y = host_vector<float>(b);
    constexpr i32 kMagnitude = 0x7fffffff;
    if (any(strange((Magnitudes)x & kMagnitude) | strange((Magnitudes)y & kMagnitude))) return false;
    const unsigned kind = imm & 3;
    Magnitudes r{};
    if (kind == 0 || kind == 2) r |= x == y;
    if (kind == 1 || kind == 2) r |= x < y;
    result = from_host<Vec128>((imm & 4) != 0 ? ~r : r);
    return true;
  }
};

// --- vectors ---------------------------------------------------------------------------------------------------------

/// All lanes; or the lowest, with the others of a.
template <class B, class Op> struct FloatBinary {
  static Vec128 run(FloatUnit& u, Vec128 a, Vec128 b) {
    if constexpr (sizeof(B) == 4) {
      if (Vec128 r; four_lanes<Op>(u, a, b, r)) [[likely]]
        return r;
    }
    auto x = lanes<B>(a);
    const auto y = lanes<B>(b);
    for (std::size_t n = 0; n < x.size(); ++n) x[n] = lane<Op>(u, x[n], y[n]);
    return join<Vec128, B>(x);
  }
  static Vec128 run(FloatUnit& u, Vec128 a, B b) {
    auto x = lanes<B>(a);
    x[0] = lane<Op>(u, x[0], b);
    return join<Vec128, B>(x);
  }
};

template <class B, class Op> struct FloatUnary {
  static Vec128 run(FloatUnit& u, Vec128 b) {
    auto y = lanes<B>(b);
    for (B& v : y) v = lane<Op>(u, v);
    return join<Vec128, B>(y);
  }
  static Vec128 run(FloatUnit& u, Vec128 a, B b) {
    auto x = lanes<B>(a);
    x[0] = lane<Op>(u, b);
    return join<Vec128, B>(x);
  }
};

/// HADD, HSUB: neighbours; the lower half from a, the upper one from b.
template <class B, class Op> struct FloatHorizontal {
  static Vec128 run(FloatUnit& u, Vec128 a, Vec128 b) {
    return with(u, a, b, std::make_index_sequence<kLanes<B, Vec128>>{});
  }

 private:
  template <std::size_t... N> static Vec128 with(FloatUnit& u, Vec128 a, Vec128 b, std::index_sequence<N...>) {
    const auto x = host_vector<B>(a), y = host_vector<B>(b);
    return FloatBinary<B, Op>::run(u, from_host<Vec128>(__builtin_shufflevector(x, y, (2 * N)...)),
                                   from_host<Vec128>(__builtin_shufflevector(x, y, (2 * N + 1)...)));
  }
};

/// ADDSUB: even lanes subtract, odd ones add.
template <class B> struct FloatAddSubtract {
  static Vec128 run(FloatUnit& u, Vec128 a, Vec128 b) {
    auto x = lanes<B>(a);
    const auto y = lanes<B>(b);
    for (std::size_t n = 0; n < x.size(); ++n) {
      x[n] = n % 2 == 0 ? lane<SubtractOp>(u, x[n], y[n]) : lane<AddOp>(u, x[n], y[n]);
    }
    return join<Vec128, B>(x);
  }
};

/// DPPS, DPPD: products where imm[7:4] says so, their sum to the lanes of imm[3:0]. Every lane has a sum of its own,
/// whether it is wanted or not; of two NaNs, the one that silicon's order of additions makes the first operand wins.
template <class B> struct DotProduct {
  static Vec128 run(FloatUnit& u, Vec128 a, Vec128 b, u8 imm) {
    auto x = lanes<B>(a);
    const auto y = lanes<B>(b);
    for (std::size_t n = 0; n < x.size(); ++n)
      x[n] = (imm >> (4 + n) & 1) != 0 ? lane<MultiplyOp>(u, x[n], y[n]) : B{0};
    if (u.stopped()) return a;
    auto sums = x;
    if constexpr (sizeof(B) == 4) {
      for (std::size_t n = 0; n < 4; ++n) sums[n] = lane<AddOp>(u, x[n ^ 1], x[n]);
      if (u.stopped()) return a;
      x = sums;
      for (std::size_t n = 0; n < 4; ++n) sums[n] = lane<AddOp>(u, x[n], x[n ^ 2]);
    } else {
      for (std::size_t n = 0; n < 2; ++n) sums[n] = lane<AddOp>(u, x[n], x[n ^ 1]);
    }
    for (std::size_t n = 0; n < x.size(); ++n) sums[n] = (imm >> n & 1) != 0 ? sums[n] : B{0};
    return join<Vec128, B>(sums);
  }
};

// --- approximations --------------------------------------------------------------------------------------------------

/// RCPPS and RSQRTPS. The manual asks for a relative error of at most 1.5 * 2^-12; these are the exact values rounded
/// to 13 significand bits. Denormals count as zeros, tiny results are zeros, no flag is touched.
u32 approximate_reciprocal(u32 v);
u32 approximate_reciprocal_root(u32 v);

template <u32 (*F)(u32)> struct Approximate {
  static Vec128 run(Vec128 b) {
    auto y = lanes<u32>(b);
    for (u32& v : y) v = F(v);
    return join<Vec128, u32>(y);
  }
  static Vec128 run(Vec128 a, u32 b) {
    auto x = lanes<u32>(a);
    x[0] = F(b);
    return join<Vec128, u32>(x);
  }
};

}  // namespace orrery::cpu::simd
