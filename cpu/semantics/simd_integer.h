// Packed integer instructions of MMX, SSE2, SSSE3, SSE4, AES, SHA: each is a function of cpu/simd in one of the shapes
// of simd.h. MMX and XMM forms share their semantic.
#pragma once

#include "cpu/semantics/simd.h"
#include "cpu/simd/crypto.h"
#include "cpu/simd/integer.h"
#include "cpu/simd/shuffle.h"

namespace orrery::cpu::sem {

using namespace simd;  // NOLINT: the names of the operations, here only

// MMX and SSE2 arithmetic.
using Paddb = Packed<Each<u8, simd::Add>>;
using Psubb = Packed<Each<u8, simd::Subtract>>;
using Paddw = Packed<Each<u16, simd::Add>>;
using Psubw = Packed<Each<u16, simd::Subtract>>;
using Paddd = Packed<Each<u32, simd::Add>>;
using Psubd = Packed<Each<u32, simd::Subtract>>;
using Paddq = Packed<Each<u64, simd::Add>>;
using Psubq = Packed<Each<u64, simd::Subtract>>;
using Paddsb = Packed<Each<i8, simd::AddSaturated>>;
using Psubsb = Packed<Each<i8, simd::SubtractSaturated>>;
using Paddsw = Packed<Each<i16, simd::AddSaturated>>;
using Psubsw = Packed<Each<i16, simd::SubtractSaturated>>;
using Paddusb = Packed<Each<u8, simd::AddSaturated>>;
using Psubusb = Packed<Each<u8, simd::SubtractSaturated>>;
using Paddusw = Packed<Each<u16, simd::AddSaturated>>;
using Psubusw = Packed<Each<u16, simd::SubtractSaturated>>;
using Pcmpeqb = Packed<Each<u8, simd::Equal>>;
using Pcmpgtb = Packed<Each<i8, simd::Greater>>;
using Pcmpeqw = Packed<Each<u16, simd::Equal>>;
using Pcmpgtw = Packed<Each<i16, simd::Greater>>;
using Pcmpeqd = Packed<Each<u32, simd::Equal>>;
using Pcmpgtd = Packed<Each<i32, simd::Greater>>;
using Pcmpeqq = Packed<Each<u64, simd::Equal>>;
using Pcmpgtq = Packed<Each<i64, simd::Greater>>;
using Pminub = Packed<Each<u8, simd::Minimum>>;
using Pmaxub = Packed<Each<u8, simd::Maximum>>;
using Pminuw = Packed<Each<u16, simd::Minimum>>;
using Pmaxuw = Packed<Each<u16, simd::Maximum>>;
using Pminud = Packed<Each<u32, simd::Minimum>>;
using Pmaxud = Packed<Each<u32, simd::Maximum>>;
using Pminsb = Packed<Each<i8, simd::Minimum>>;
using Pmaxsb = Packed<Each<i8, simd::Maximum>>;
using Pminsw = Packed<Each<i16, simd::Minimum>>;
using Pmaxsw = Packed<Each<i16, simd::Maximum>>;
using Pminsd = Packed<Each<i32, simd::Minimum>>;
using Pmaxsd = Packed<Each<i32, simd::Maximum>>;
using Pavgb = Packed<Each<u8, simd::Average>>;
using Pavgw = Packed<Each<u16, simd::Average>>;

// Multiplication.
using Pmullw = Packed<Each<u16, simd::MultiplyLow>>;
using Pmulld = Packed<Each<u32, simd::MultiplyLow>>;
using Pmulhw = Packed<Each<i16, simd::MultiplyHigh>>;
using Pmulhuw = Packed<Each<u16, simd::MultiplyHigh>>;
using Pmulhrsw = Packed<Each<i16, simd::MultiplyRounded>>;
using Pmuludq = Packed<Each<u64, simd::MultiplyEven>>;
using Pmuldq = Packed<Each<i64, simd::MultiplyEven>>;
using Pmaddwd = Packed<Each<u32, simd::MultiplyAddWords>>;
using Pmaddubsw = Packed<Each<i16, simd::MultiplyAddBytes>>;
using Pclmulqdq = Packed<CarrylessMultiply>;

// Logic.
using Pand = Packed<Each<u64, simd::And>>;
using Andps = Packed<Each<u64, simd::And>>;
using Andpd = Packed<Each<u64, simd::And>>;
using Pandn = Packed<Each<u64, simd::AndNot>>;
using Andnps = Packed<Each<u64, simd::AndNot>>;
using Andnpd = Packed<Each<u64, simd::AndNot>>;
using Por = Packed<Each<u64, simd::Or>>;
using Orps = Packed<Each<u64, simd::Or>>;
using Orpd = Packed<Each<u64, simd::Or>>;
using Pxor = Packed<Each<u64, simd::Xor>>;
using Xorps = Packed<Each<u64, simd::Xor>>;
using Xorpd = Packed<Each<u64, simd::Xor>>;

// Shifts.
using Psllw = Packed<Shift<u16, true>>;
using Psrlw = Packed<Shift<u16, false>>;
using Psraw = Packed<Shift<i16, false>>;
using Pslld = Packed<Shift<u32, true>>;
using Psrld = Packed<Shift<u32, false>>;
using Psrad = Packed<Shift<i32, false>>;
using Psllq = Packed<Shift<u64, true>>;
using Psrlq = Packed<Shift<u64, false>>;
using Pslldq = Packed<ShiftBytesLeft>;
using Psrldq = Packed<ShiftBytesRight>;

// Across lanes.
using Phaddw = Packed<Horizontal<u16, simd::Add>>;
using Phaddd = Packed<Horizontal<u32, simd::Add>>;
using Phaddsw = Packed<Horizontal<i16, simd::AddSaturated>>;
using Phsubw = Packed<Horizontal<u16, simd::Subtract>>;
using Phsubd = Packed<Horizontal<u32, simd::Subtract>>;
using Phsubsw = Packed<Horizontal<i16, simd::SubtractSaturated>>;
using Psadbw = Packed<SumOfDifferences>;
using Mpsadbw = Packed<MultipleSumsOfDifferences>;
using Phminposuw = PackedFrom<MinimumPosition>;

// Signs.
using Psignb = Packed<Each<u8, simd::WithSign>>;
using Pabsb = PackedFrom<Each<u8, simd::Absolute>>;
using Psignw = Packed<Each<u16, simd::WithSign>>;
using Pabsw = PackedFrom<Each<u16, simd::Absolute>>;
using Psignd = Packed<Each<u32, simd::WithSign>>;
using Pabsd = PackedFrom<Each<u32, simd::Absolute>>;

// Packing, unpacking, widening.
using Packsswb = Packed<Pack<i16, i8>>;
using Packssdw = Packed<Pack<i32, i16>>;
using Packuswb = Packed<Pack<i16, u8>>;
using Packusdw = Packed<Pack<i32, u16>>;
using Punpcklbw = Packed<Unpack<u8, false>>;
using Punpckhbw = Packed<Unpack<u8, true>>;
using Punpcklwd = Packed<Unpack<u16, false>>;
using Punpckhwd = Packed<Unpack<u16, true>>;
using Punpckldq = Packed<Unpack<u32, false>>;
using Punpckhdq = Packed<Unpack<u32, true>>;
using Punpcklqdq = Packed<Unpack<u64, false>>;
using Punpckhqdq = Packed<Unpack<u64, true>>;
using Unpcklps = Packed<Unpack<u32, false>>;
using Unpckhps = Packed<Unpack<u32, true>>;
using Unpcklpd = Packed<Unpack<u64, false>>;
using Unpckhpd = Packed<Unpack<u64, true>>;
using Pmovsxbw = PackedFrom<Widen<i8, i16>>;
using Pmovzxbw = PackedFrom<Widen<u8, u16>>;
using Pmovsxbd = PackedFrom<Widen<i8, i32>>;
using Pmovzxbd = PackedFrom<Widen<u8, u32>>;
using Pmovsxbq = PackedFrom<Widen<i8, i64>>;
using Pmovzxbq = PackedFrom<Widen<u8, u64>>;
using Pmovsxwd = PackedFrom<Widen<i16, i32>>;
using Pmovzxwd = PackedFrom<Widen<u16, u32>>;
using Pmovsxwq = PackedFrom<Widen<i16, i64>>;
using Pmovzxwq = PackedFrom<Widen<u16, u64>>;
using Pmovsxdq = PackedFrom<Widen<i32, i64>>;
using Pmovzxdq = PackedFrom<Widen<u32, u64>>;

// Shuffles and blends.
using Pshufw = PackedFrom<ShuffleFour<u16>>;
using Pshufd = PackedFrom<ShuffleFour<u32>>;
using Pshuflw = PackedFrom<ShuffleHalf<false>>;
using Pshufhw = PackedFrom<ShuffleHalf<true>>;
using Shufps = Packed<ShuffleSingles>;
using Shufpd = Packed<ShuffleDoubles>;
using Pshufb = Packed<ShuffleBytes>;
using Palignr = Packed<AlignRight>;
using Blendps = Packed<Blend<u32>>;
using Blendpd = Packed<Blend<u64>>;
using Pblendw = Packed<Blend<u16>>;
using Pblendvb = PackedWithXmm0<BlendVariable<u8>>;
using Blendvps = PackedWithXmm0<BlendVariable<u32>>;
using Blendvpd = PackedWithXmm0<BlendVariable<u64>>;

// To and from general registers.
using Pinsrb = FromGeneral<Insert<u8>, u8>;
using Pinsrw = FromGeneral<Insert<u16>, u16>;
using Pinsrd = FromGeneral<Insert<u32>, u32>;
using Pinsrq = FromGeneral<Insert<u64>, u64>;
using Pextrb = ToGeneral<Extract<u8>>;
using Pextrw = ToGeneral<Extract<u16>>;
using Pextrd = ToGeneral<Extract<u32>>;
using Pextrq = ToGeneral<Extract<u64>>;
using Extractps = ToGeneral<Extract<u32>>;
using Pmovmskb = ToGeneral<SignMask<u8>>;
using Movmskps = ToGeneral<SignMask<u32>>;
using Movmskpd = ToGeneral<SignMask<u64>>;

// AES and SHA.
using Aesenc = Packed<AesRound<false, false>>;
using Aesenclast = Packed<AesRound<false, true>>;
using Aesdec = Packed<AesRound<true, false>>;
using Aesdeclast = Packed<AesRound<true, true>>;
using Aesimc = PackedFrom<AesInverseMixColumns>;
using Aeskeygenassist = PackedFrom<AesKeyAssist>;
using Sha1rnds4 = Packed<Sha1Rounds>;
using Sha1nexte = Packed<Sha1NextE>;
using Sha1msg1 = Packed<Sha1Message1>;
using Sha1msg2 = Packed<Sha1Message2>;
using Sha256rnds2 = PackedWithXmm0<Sha256Rounds>;
using Sha256msg1 = Packed<Sha256Message1>;
using Sha256msg2 = Packed<Sha256Message2>;

/// The operand is a dword of memory, but all of a register.
struct Insertps {
  template <class M, class D, class S, class I> static void run(M& m, D d, S s, I imm) {
    if constexpr (detail::kIsXmm<S>) {
      Packed<InsertSingle>::run(m, d, detail::WholeXmm<S>{}, imm);
    } else {
      Packed<InsertSingle>::run(m, d, s, imm);
    }
  }
};

struct Ptest {
  template <class M, class D, class S> static void run(M& m, D d, S s) {
    detail::begin<D, S>(m);
    const auto b = m.read(s);
    m.set_arith_flags(m.template apply<TestBits>(m.read(d), b));
  }
};

}  // namespace orrery::cpu::sem
