// Floating-point instructions of SSE to SSE4.1: each is a function of cpu/simd in one of the shapes of simd.h.
#pragma once

#include "cpu/semantics/simd.h"
#include "cpu/simd/convert.h"
#include "cpu/simd/float.h"

namespace orrery::cpu::sem {

using namespace simd;  // NOLINT: the names of the operations, here only

/// CVTSI2SS, CVTSI2SD: the integer has the width of its operand.
template <class B> struct GeneralToFloat {
  template <class M, class D, class S> static void run(M& m, D d, S s) {
    m.begin_sse();
    const auto b = m.read(s);
    m.write(d, m.template apply_float<FromInteger<B, TypeOf<S>>>(m.read(d), b));
  }
};

template <bool kTruncate> struct FloatToGeneral {
  template <class M, class D, class S> static void run(M& m, D d, S s) {
    m.begin_sse();
    m.write(d, m.template apply_float<ToInteger<std::make_signed_t<TypeOf<D>>, kTruncate>>(m.read(s)));
  }
};

/// From MMX to XMM. Unlike CVTPI2PD, CVTPI2PS looks for a pending x87 exception with a memory operand, too.
struct Cvtpi2ps {
  template <class M, class D, class S> static void run(M& m, D d, S s) {
    m.begin_sse();
    m.begin_mmx();
    const auto b = m.read(s);
    if constexpr (detail::kIsMmx<S>) m.end_mmx();
    m.write(d, m.template apply_float<SinglesFromMmx>(m.read(d), b));
  }
};
using Cvtpi2pd = FloatFrom<DoublesFromIntegers>;
using Cvtsi2ss = GeneralToFloat<u32>;
using Cvtsi2sd = GeneralToFloat<u64>;

// Arithmetic.
using Addps = Float<FloatBinary<u32, AddOp>>;
using Subps = Float<FloatBinary<u32, SubtractOp>>;
using Mulps = Float<FloatBinary<u32, MultiplyOp>>;
using Divps = Float<FloatBinary<u32, DivideOp>>;
using Minps = Float<FloatBinary<u32, MinimumOp>>;
using Maxps = Float<FloatBinary<u32, MaximumOp>>;
using Sqrtps = FloatFrom<FloatUnary<u32, SquareRootOp>>;
using Cmpps = Float<ComparePredicate<u32>>;
using Roundps = FloatFrom<RoundToIntegral<u32>>;
using Addpd = Float<FloatBinary<u64, AddOp>>;
using Subpd = Float<FloatBinary<u64, SubtractOp>>;
using Mulpd = Float<FloatBinary<u64, MultiplyOp>>;
using Divpd = Float<FloatBinary<u64, DivideOp>>;
using Minpd = Float<FloatBinary<u64, MinimumOp>>;
using Maxpd = Float<FloatBinary<u64, MaximumOp>>;
using Sqrtpd = FloatFrom<FloatUnary<u64, SquareRootOp>>;
using Cmppd = Float<ComparePredicate<u64>>;
using Roundpd = FloatFrom<RoundToIntegral<u64>>;
using Addss = Float<FloatBinary<u32, AddOp>>;
using Subss = Float<FloatBinary<u32, SubtractOp>>;
using Mulss = Float<FloatBinary<u32, MultiplyOp>>;
using Divss = Float<FloatBinary<u32, DivideOp>>;
using Minss = Float<FloatBinary<u32, MinimumOp>>;
using Maxss = Float<FloatBinary<u32, MaximumOp>>;
using Sqrtss = Float<FloatUnary<u32, SquareRootOp>>;
using Cmpss = Float<ComparePredicate<u32>>;
using Roundss = Float<RoundToIntegral<u32>>;
using Addsd = Float<FloatBinary<u64, AddOp>>;
using Subsd = Float<FloatBinary<u64, SubtractOp>>;
using Mulsd = Float<FloatBinary<u64, MultiplyOp>>;
using Divsd = Float<FloatBinary<u64, DivideOp>>;
using Minsd = Float<FloatBinary<u64, MinimumOp>>;
using Maxsd = Float<FloatBinary<u64, MaximumOp>>;
using Sqrtsd = Float<FloatUnary<u64, SquareRootOp>>;
using CmpsdX = Float<ComparePredicate<u64>>;
using Roundsd = Float<RoundToIntegral<u64>>;
using Haddps = Float<FloatHorizontal<u32, AddOp>>;
using Hsubps = Float<FloatHorizontal<u32, SubtractOp>>;
using Addsubps = Float<FloatAddSubtract<u32>>;
using Dpps = Float<DotProduct<u32>>;
using Haddpd = Float<FloatHorizontal<u64, AddOp>>;
using Hsubpd = Float<FloatHorizontal<u64, SubtractOp>>;
using Addsubpd = Float<FloatAddSubtract<u64>>;
using Dppd = Float<DotProduct<u64>>;
using Comiss = FloatFlags<CompareToFlags<u32, false>>;
using Ucomiss = FloatFlags<CompareToFlags<u32, true>>;
using Comisd = FloatFlags<CompareToFlags<u64, false>>;
using Ucomisd = FloatFlags<CompareToFlags<u64, true>>;
using Rcpps = PackedFrom<Approximate<&approximate_reciprocal>>;
using Rcpss = Packed<Approximate<&approximate_reciprocal>>;
using Rsqrtps = PackedFrom<Approximate<&approximate_reciprocal_root>>;
using Rsqrtss = Packed<Approximate<&approximate_reciprocal_root>>;

// Conversions.
using Cvtdq2ps = FloatFrom<SinglesFromIntegers>;
using Cvtdq2pd = FloatFrom<DoublesFromIntegers>;
using Cvtps2pd = FloatFrom<DoublesFromSingles>;
using Cvtpd2ps = FloatFrom<SinglesFromDoubles>;
using Cvtss2sd = Float<DoubleFromSingle>;
using Cvtsd2ss = Float<SingleFromDouble>;
using Cvtps2dq = FloatFrom<ToIntegers<Vec128, u32, false>>;
using Cvtpd2dq = FloatFrom<ToIntegers<Vec128, u64, false>>;
using Cvtps2pi = FloatFrom<ToIntegers<u64, u32, false>>;
using Cvtpd2pi = FloatFrom<ToIntegers<u64, u64, false>>;
using Cvtss2si = FloatToGeneral<false>;
using Cvtsd2si = FloatToGeneral<false>;
using Cvttps2dq = FloatFrom<ToIntegers<Vec128, u32, true>>;
using Cvttpd2dq = FloatFrom<ToIntegers<Vec128, u64, true>>;
using Cvttps2pi = FloatFrom<ToIntegers<u64, u32, true>>;
using Cvttpd2pi = FloatFrom<ToIntegers<u64, u64, true>>;
using Cvttss2si = FloatToGeneral<true>;
using Cvttsd2si = FloatToGeneral<true>;

}  // namespace orrery::cpu::sem
