// Conversions and roundings of SSE (SDM vol. 2), by the same two ways as in float.h.
#pragma once

#include "cpu/simd/float.h"

namespace orrery::cpu::simd {

// --- one lane --------------------------------------------------------------------------------------------------------

template <class B, class I> [[gnu::noinline]] Outcome<B> soft_from_integer(u32 mxcsr, I v) {
  soft::Env env = environment(mxcsr);
  const B r = soft::from_integer<Soft<B>>(env, v).bits;
  return {r, env.flags};
}

/// I is i32 or i64.
template <class B, class I> B from_integer(FloatUnit& u, I v) {
  constexpr unsigned kPrecision = sizeof(B) == 4 ? 24 : 53;
  constexpr bool kExact = sizeof(I) * 8 <= kPrecision;
  constexpr I kLimit = I{1} << (kExact ? 0 : kPrecision);
  if (kExact || u.host || (v >= -kLimit && v <= kLimit)) [[likely]]
    return std::bit_cast<B>(static_cast<Host<B>>(v));
  const auto o = soft_from_integer<B>(u.mxcsr, v);
  u.flags |= o.flags;
  return o.value;
}

template <class I, bool kTruncate, class B> [[gnu::noinline]] Outcome<I> soft_to_integer(u32 mxcsr, B v) {
  soft::Env env = environment(mxcsr);
  const auto rounding = kTruncate ? soft::Rounding::Zero : env.rounding;
  const i64 r = soft::to_integer(env, soft::unpack(env, Soft<B>{v}), sizeof(I) * 8, rounding);
  return {static_cast<I>(r), env.flags};
}

/// I is i32 or i64; what does not fit is invalid and gives the most negative integer.
template <class I, bool kTruncate, class B> I to_integer(FloatUnit& u, B v) {
  const Host<B> x = host_value(v);
  // 2^51: below that, adding and subtracting 2^52 + 2^51 rounds a double to an integer.
  constexpr Host<B> kLimit = static_cast<Host<B>>(sizeof(I) == 4 ? 0x7fffff00 : 0x8000000000000);
  if (is_plain(v) && x < kLimit && x > -kLimit) [[likely]] {
    const I whole = static_cast<I>(x);
    if (static_cast<Host<B>>(whole) == x) return whole;
    if (u.host) {
      if constexpr (kTruncate) {
        return whole;
      } else {
        constexpr double kMagic = 0x18000000000000;
        return static_cast<I>((static_cast<double>(x) + kMagic) - kMagic);
      }
    }
  }
  const auto o = soft_to_integer<I, kTruncate>(u.mxcsr, v);
  u.flags |= o.flags;
  return o.value;
}

template <class To, class From> [[gnu::noinline]] Outcome<To> soft_convert(u32 mxcsr, From v) {
  soft::Env env = environment(mxcsr);
  const To r = soft::convert<Soft<To>>(env, soft::unpack(env, Soft<From>{v})).bits;
  return {r, env.flags};
}

inline u64 widen(FloatUnit& u, u32 v) {
  if (is_plain(v)) [[likely]]
    return std::bit_cast<u64>(static_cast<double>(host_value(v)));
  const auto o = soft_convert<u64>(u.mxcsr, v);
  u.flags |= o.flags;
  return o.value;
}

inline u32 narrow(FloatUnit& u, u64 v) {
  if (u.host && is_plain(v)) [[likely]] {
    const u32 r = std::bit_cast<u32>(static_cast<float>(host_value(v)));
    if (is_surely_normal(r) || is_zero(v)) [[likely]]
      return r;
  }
  const auto o = soft_convert<u32>(u.mxcsr, v);
  u.flags |= o.flags;
  return o.value;
}

/// ROUNDSS and the like: imm[1:0] is the rounding unless imm[2] takes MXCSR's; imm[3] keeps inexact quiet.
template <class B> [[gnu::noinline]] Outcome<B> round_lane(u32 mxcsr, B v, u8 imm) {
  soft::Env env = environment(mxcsr);
  const auto rounding = (imm & 4) != 0 ? env.rounding : static_cast<soft::Rounding>(imm & 3);
  soft::Unpacked x = soft::unpack(env, Soft<B>{v});
  x.denormal = false;  // not reported
  const B r = soft::round_to_integer<Soft<B>>(env, x, rounding, (imm & 8) == 0).bits;
  return {r, env.flags};
}

// --- instructions ----------------------------------------------------------------------------------------------------

/// CVTSI2SS, CVTSI2SD: S is u32 or u64.
template <class B, class S> struct FromInteger {
  static Vec128 run(FloatUnit& u, Vec128 a, S b) {
    auto x = lanes<B>(a);
    x[0] = from_integer<B>(u, static_cast<std::make_signed_t<S>>(b));
    return join<Vec128, B>(x);
  }
};
/// CVTPI2PS.
struct SinglesFromMmx {
  static Vec128 run(FloatUnit& u, Vec128 a, u64 b) {
    auto x = lanes<u32>(a);
    const auto y = lanes<i32>(b);
    for (unsigned n = 0; n < 2; ++n) x[n] = from_integer<u32>(u, y[n]);
    return join<Vec128, u32>(x);
  }
};
/// CVTPI2PD, CVTDQ2PD.
struct DoublesFromIntegers {
  static Vec128 run(FloatUnit& u, u64 b) {
    const auto y = lanes<i32>(b);
    return {{from_integer<u64>(u, y[0]), from_integer<u64>(u, y[1])}};
  }
};
/// CVTDQ2PS.
struct SinglesFromIntegers {
  static Vec128 run(FloatUnit& u, Vec128 b) {
    const auto y = lanes<i32>(b);
    Lanes<u32, Vec128> r{};
    for (unsigned n = 0; n < 4; ++n) r[n] = from_integer<u32>(u, y[n]);
    return join<Vec128, u32>(r);
  }
};

/// CVTSS2SI, CVTSD2SI: I is i32 or i64.
template <class I, bool kTruncate> struct ToInteger {
  template <class B> static std::make_unsigned_t<I> run(FloatUnit& u, B b) {
    return static_cast<std::make_unsigned_t<I>>(to_integer<I, kTruncate>(u, b));
  }
};
/// CVTPS2PI, CVTPD2PI, CVTPS2DQ, CVTPD2DQ: as many integers as there are lanes of B; the rest of R is zero.
template <class R, class B, bool kTruncate> struct ToIntegers {
  template <class S> static R run(FloatUnit& u, S b) {
    const auto y = lanes<B>(b);
    Lanes<i32, R> r{};
    for (std::size_t n = 0; n < y.size(); ++n) r[n] = to_integer<i32, kTruncate>(u, y[n]);
    return join<R, i32>(r);
  }
};

// CVTPS2PD, CVTPD2PS, CVTSS2SD, CVTSD2SS.
struct DoublesFromSingles {
  static Vec128 run(FloatUnit& u, u64 b) {
    const auto y = lanes<u32>(b);
    return {{widen(u, y[0]), widen(u, y[1])}};
  }
};
struct SinglesFromDoubles {
  static Vec128 run(FloatUnit& u, Vec128 b) {
    const u32 low = narrow(u, b.q[0]), high = narrow(u, b.q[1]);
    return {{low | u64{high} << 32, 0}};
  }
};
struct DoubleFromSingle {
  static Vec128 run(FloatUnit& u, Vec128 a, u32 b) { return {{widen(u, b), a.q[1]}}; }
};
struct SingleFromDouble {
  static Vec128 run(FloatUnit& u, Vec128 a, u64 b) { return {{(a.q[0] >> 32 << 32) | narrow(u, b), a.q[1]}}; }
};

/// ROUNDPS, ROUNDPD, ROUNDSS, ROUNDSD.
template <class B> struct RoundToIntegral {
  static B lane(FloatUnit& u, B v, u8 imm) {
    const auto o = round_lane(u.mxcsr, v, imm);
    u.flags |= o.flags;
    return o.value;
  }
  static Vec128 run(FloatUnit& u, Vec128 b, u8 imm) {
    auto y = lanes<B>(b);
    for (B& v : y) v = lane(u, v, imm);
    return join<Vec128, B>(y);
  }
  static Vec128 run(FloatUnit& u, Vec128 a, B b, u8 imm) {
    auto x = lanes<B>(a);
    x[0] = lane(u, b, imm);
    return join<Vec128, B>(x);
  }
};

}  // namespace orrery::cpu::simd
