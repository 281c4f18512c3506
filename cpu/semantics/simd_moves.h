// Moves of vectors (SDM vol. 2), MXCSR, and what is left to helpers.
#pragma once

#include "cpu/helpers/frames.h"
#include "cpu/helpers/sse_state.h"
#include "cpu/semantics/helper.h"
#include "cpu/semantics/simd.h"
#include "cpu/simd/shuffle.h"

namespace orrery::cpu::sem {

/// All of a register; a memory operand of 128 bits is aligned.
struct VectorMove {
  template <class M, class D, class S> static void run(M& m, D d, S s) {
    detail::begin<D, S>(m);
    const auto v = m.read(s);
    m.write(d, v);
  }
};
struct UnalignedMove {
  template <class M, class D, class S> static void run(M& m, D d, S s) {
    detail::begin<D, S>(m);
    const auto v = m.read_unaligned(s);
    m.write_unaligned(d, v);
  }
};
using Movaps = VectorMove;
using Movapd = VectorMove;
using Movdqa = VectorMove;
using Movntps = VectorMove;
using Movntpd = VectorMove;
using Movntdq = VectorMove;
using Movntdqa = VectorMove;
using Movups = UnalignedMove;
using Movupd = UnalignedMove;
using Movdqu = UnalignedMove;
using Lddqu = UnalignedMove;

/// MOVD, MOVQ and the moves between MMX and XMM: the lowest bits; the rest of a register becomes zero.
struct MoveLow {
  template <class M, class D, class S> static void run(M& m, D d, S s) {
    detail::begin<D, S>(m);
    const auto v = detail::low_quadword(m, s);
    if constexpr (detail::kIsXmm<D>) {
      detail::end<D, S>(m);
      m.write(detail::WholeXmm<D>{}, m.vector(v, m.template constant<u64>(0)));
    } else {
      if constexpr (detail::kIsMemory<D> && detail::kIsMmx<S>) m.clear_top();
      m.write(d, m.template trunc<TypeOf<D>>(v));
      detail::end<D, S>(m);
    }
  }
};
using Movd = MoveLow;
using Movq = MoveLow;
using Movntq = MoveLow;
using Movq2dq = MoveLow;
using Movdq2q = MoveLow;

/// MOVSS, MOVSD: between registers the rest of the destination stays, from memory it becomes zero.
struct MoveScalar {
  template <class M, class D, class S> static void run(M& m, D d, S s) {
    if constexpr (detail::kIsMemory<S>) {
      MoveLow::run(m, d, s);
    } else {
      m.begin_sse();
      using T = std::conditional_t<sizeof(TypeOf<D>) == 16, TypeOf<S>, TypeOf<D>>;
      const auto v = m.template trunc<T>(detail::low_quadword(m, s));
      if constexpr (detail::kIsMemory<D>) {
        m.write(d, v);
      } else {
        m.write(XmmOp<T, D::kIndex>{}, v);
      }
    }
  }
};
using Movss = MoveScalar;
using MovsdX = MoveScalar;

/// MOVLPS, MOVHPS and their kin: one half to or from memory.
template <bool kHigh> struct MoveHalf {
  template <class M, class D, class S> static void run(M& m, D d, S s) {
    m.begin_sse();
    if constexpr (detail::kIsMemory<D>) {
      const auto v = m.read(s);
      m.write(d, kHigh ? m.high(v) : m.low(v));
    } else {
      const auto b = m.read(s);
      const auto a = m.read(d);
      m.write(d, kHigh ? m.vector(m.low(a), b) : m.vector(b, m.high(a)));
    }
  }
};
using Movlps = MoveHalf<false>;
using Movlpd = MoveHalf<false>;
using Movhps = MoveHalf<true>;
using Movhpd = MoveHalf<true>;
using Movhlps = Packed<simd::MoveHighToLow>;
using Movlhps = Packed<simd::MoveLowToHigh>;
using Movddup = PackedFrom<simd::DuplicateDouble>;
using Movsldup = PackedFrom<simd::DuplicateSingles<false>>;
using Movshdup = PackedFrom<simd::DuplicateSingles<true>>;

struct Emms {
  template <class M> static void run(M& m) {
    m.begin_mmx();
    m.empty_mmx();
  }
};

using Maskmovq = Helper<&helpers::maskmovq>;
using Maskmovdqu = Helper<&helpers::maskmovdqu>;
using Ldmxcsr = Helper<&helpers::ldmxcsr>;
using Stmxcsr = Helper<&helpers::stmxcsr>;
using Xsave = Helper<&helpers::ud>;
using Xrstor = Helper<&helpers::ud>;
using Pcmpestri = Helper<&helpers::pcmpestri>;
using Pcmpestrm = Helper<&helpers::pcmpestrm>;
using Pcmpistri = Helper<&helpers::pcmpistri>;
using Pcmpistrm = Helper<&helpers::pcmpistrm>;

}  // namespace orrery::cpu::sem
