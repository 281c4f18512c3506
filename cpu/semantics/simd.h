// The shapes of vector instructions: check, read, compute by a function of cpu/simd, write.
#pragma once

#include "cpu/semantics/machine.h"
#include "cpu/vector.h"

namespace orrery::cpu::sem {

namespace detail {

template <class Op> inline constexpr bool kIsXmm = requires { Op::kXmm; };
template <class Op> inline constexpr bool kIsMmx = requires { Op::kMmx; };
template <class Op> inline constexpr bool kIsMemory = requires { Op::kForm; };

/// What is checked before anything else, memory included.
template <class... Ops, class M> void begin(M& m) {
  if constexpr ((kIsXmm<Ops> || ...)) m.begin_sse();
  if constexpr ((kIsMmx<Ops> || ...)) m.begin_mmx();
}
/// After everything that can fault.
template <class... Ops, class M> void end(M& m) {
  if constexpr ((kIsMmx<Ops> || ...)) m.end_mmx();
}

/// All of the register that an operand names a part of.
template <class Op> using WholeXmm = XmmOp<Vec128, Op::kIndex>;

template <class M, class Op> auto low_quadword(M& m, Op op) {
  if constexpr (sizeof(TypeOf<Op>) == 16) {
    return m.low(m.read(op));
  } else {
    return m.template zext<u64>(m.read(op));
  }
}

}  // namespace detail

/// d = F(d, s) or F(d, s, imm8).
template <class F> struct Packed {
  template <class M, class D, class S, class... I> static void run(M& m, D d, S s, I... imm) {
    detail::begin<D, S>(m);
    const auto b = m.read(s);
    const auto r = m.template apply<F>(m.read(d), b, m.read(imm)...);
    detail::end<D, S>(m);
    m.write(d, r);
  }
};

/// d = F(s) or F(s, imm8).
template <class F> struct PackedFrom {
  template <class M, class D, class S, class... I> static void run(M& m, D d, S s, I... imm) {
    detail::begin<D, S>(m);
    const auto r = m.template apply<F>(m.read(s), m.read(imm)...);
    detail::end<D, S>(m);
    m.write(d, r);
  }
};

/// d = F(d, s, XMM0).
template <class F> struct PackedWithXmm0 {
  template <class M, class D, class S> static void run(M& m, D d, S s) {
    detail::begin<D, S>(m);
    const auto b = m.read(s);
    m.write(d, m.template apply<F>(m.read(d), b, m.xmm0()));
  }
};

/// d = F(d, s) or F(d, s, imm8), in floating point.
template <class F> struct Float {
  template <class M, class D, class S, class... I> static void run(M& m, D d, S s, I... imm) {
    m.begin_sse();
    const auto b = m.read(s);
    m.write(d, m.template apply_float<F>(m.read(d), b, m.read(imm)...));
  }
};

/// d = F(s) or F(s, imm8), in floating point.
template <class F> struct FloatFrom {
  template <class M, class D, class S, class... I> static void run(M& m, D d, S s, I... imm) {
    m.begin_sse();
    if constexpr (detail::kIsMmx<D> || detail::kIsMmx<S>) m.begin_mmx();
    const auto a = m.read(s);
    detail::end<D, S>(m);
    m.write(d, m.template apply_float<F>(a, m.read(imm)...));
  }
};

/// A general register gets a number made of lanes; one immediate at most.
template <class F> struct ToGeneral {
  template <class M, class D, class S, class... I> static void run(M& m, D d, S s, I... imm) {
    detail::begin<D, S>(m);
    const auto r = m.template apply<F>(m.read(s), m.read(imm)...);
    if constexpr (detail::kIsMemory<D>) {
      m.write(d, r);
      detail::end<D, S>(m);
    } else {
      detail::end<D, S>(m);
      m.write(d, m.template zext<TypeOf<D>>(r));
    }
  }
};

/// A lane of type T from a general register or memory.
template <class F, class T> struct FromGeneral {
  template <class M, class D, class S, class I> static void run(M& m, D d, S s, I imm) {
    detail::begin<D, S>(m);
    const auto b = m.template trunc<T>(m.read(s));
    const auto r = m.template apply<F>(m.read(d), b, m.read(imm));
    detail::end<D, S>(m);
    m.write(d, r);
  }
};

/// ZF, PF, CF from a comparison, the other three clear.
template <class F> struct FloatFlags {
  template <class M, class D, class S> static void run(M& m, D d, S s) {
    m.begin_sse();
    const auto b = m.read(s);
    using B = TypeOf<S>;
    m.set_arith_flags(m.template apply_float<F>(m.template trunc<B>(m.low(m.read(d))), b));
  }
};

}  // namespace orrery::cpu::sem
