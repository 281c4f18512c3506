// Packed integer instructions of MMX, SSE2, SSSE3, SSE4, AES, SHA: each is a function of cpu/simd in one of the shapes of
// simd.h. MMX and XMM forms share their semantic.
#pragma once

#include "cpu/semantics/simd.h"
#include "cpu/simd/crypto.h"
#include "cpu/simd/integer.h"
#include "cpu/simd/shuffle.h"

namespace orrery::cpu::sem {

using namespace simd;  // NOLINT: the names of the operations, here only

// MMX and SSE2 arithmetic.
using Paddb = Packed<Each<u8, &add<u8>>>;
using Psubb = Packed<Each<u8, &subtract<u8>>>;
using Paddw = Packed<Each<u16, &add<u16>>>;
using Psubw = Packed<Each<u16, &subtract<u16>>>;
using Paddd = Packed<Each<u32, &add<u32>>>;
using Psubd = Packed<Each<u32, &subtract<u32>>>;
using Paddq = Packed<Each<u64, &add<u64>>>;
using Psubq = Packed<Each<u64, &subtract<u64>>>;
using Paddsb = Packed<Each<i8, &add_saturated<i8>>>;
using Psubsb = Packed<Each<i8, &subtract_saturated<i8>>>;
using Paddsw = Packed<Each<i16, &add_saturated<i16>>>;
using Psubsw = Packed<Each<i16, &subtract_saturated<i16>>>;
using Paddusb = Packed<Each<u8, &add_saturated<u8>>>;
using Psubusb = Packed<Each<u8, &subtract_saturated<u8>>>;
using Paddusw = Packed<Each<u16, &add_saturated<u16>>>;
using Psubusw = Packed<Each<u16, &subtract_saturated<u16>>>;
using Pcmpeqb = Packed<Each<u8, &equal<u8>>>;
using Pcmpgtb = Packed<Each<i8, &greater<i8>>>;
using Pcmpeqw = Packed<Each<u16, &equal<u16>>>;
using Pcmpgtw = Packed<Each<i16, &greater<i16>>>;
using Pcmpeqd = Packed<Each<u32, &equal<u32>>>;
using Pcmpgtd = Packed<Each<i32, &greater<i32>>>;
using Pcmpeqq = Packed<Each<u64, &equal<u64>>>;
using Pcmpgtq = Packed<Each<i64, &greater<i64>>>;
using Pminub = Packed<Each<u8, &minimum<u8>>>;
using Pmaxub = Packed<Each<u8, &maximum<u8>>>;
using Pminuw = Packed<Each<u16, &minimum<u16>>>;
using Pmaxuw = Packed<Each<u16, &maximum<u16>>>;
using Pminud = Packed<Each<u32, &minimum<u32>>>;
using Pmaxud = Packed<Each<u32, &maximum<u32>>>;
using Pminsb = Packed<Each<i8, &minimum<i8>>>;
using Pmaxsb = Packed<Each<i8, &maximum<i8>>>;
using Pminsw = Packed<Each<i16, &minimum<i16>>>;
using Pmaxsw = Packed<Each<i16, &maximum<i16>>>;
using Pminsd = Packed<Each<i32, &minimum<i32>>>;
using Pmaxsd = Packed<Each<i32, &maximum<i32>>>;
using Pavgb = Packed<Each<u8, &average<u8>>>;
using Pavgw = Packed<Each<u16, &average<u16>>>;

// Multiplication.
using Pmullw = Packed<Each<u16, &multiply_low16>>;
using Pmulld = Packed<Each<u32, &multiply_low32>>;
using Pmulhw = Packed<Each<i16, &multiply_high>>;
using Pmulhuw = Packed<Each<u16, &multiply_high_unsigned>>;
using Pmulhrsw = Packed<Each<i16, &multiply_rounded>>;
using Pmuludq = Packed<Each<u64, &multiply_even_unsigned>>;
using Pmuldq = Packed<Each<u64, &multiply_even_signed>>;
using Pmaddwd = Packed<Each<u32, &multiply_add_words>>;
using Pmaddubsw = Packed<Each<u16, &multiply_add_bytes>>;
using Pclmulqdq = Packed<CarrylessMultiply>;

// Logic.
using Pand = Packed<Each<u64, &bit_and>>;
using Andps = Packed<Each<u64, &bit_and>>;
using Andpd = Packed<Each<u64, &bit_and>>;
using Pandn = Packed<Each<u64, &bit_and_not>>;
using Andnps = Packed<Each<u64, &bit_and_not>>;
using Andnpd = Packed<Each<u64, &bit_and_not>>;
using Por = Packed<Each<u64, &bit_or>>;
using Orps = Packed<Each<u64, &bit_or>>;
using Orpd = Packed<Each<u64, &bit_or>>;
using Pxor = Packed<Each<u64, &bit_xor>>;
using Xorps = Packed<Each<u64, &bit_xor>>;
using Xorpd = Packed<Each<u64, &bit_xor>>;

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
using Phaddw = Packed<Horizontal<u16, &add<u16>>>;
using Phaddd = Packed<Horizontal<u32, &add<u32>>>;
using Phaddsw = Packed<Horizontal<i16, &add_saturated<i16>>>;
using Phsubw = Packed<Horizontal<u16, &subtract<u16>>>;
using Phsubd = Packed<Horizontal<u32, &subtract<u32>>>;
using Phsubsw = Packed<Horizontal<i16, &subtract_saturated<i16>>>;
using Psadbw = Packed<SumOfDifferences>;
using Mpsadbw = Packed<MultipleSumsOfDifferences>;
using Phminposuw = PackedFrom<MinimumPosition>;

// Signs.
using Psignb = Packed<Each<i8, &with_sign<i8>>>;
using Pabsb = PackedFrom<Each<u8, &absolute<u8>>>;
using Psignw = Packed<Each<i16, &with_sign<i16>>>;
using Pabsw = PackedFrom<Each<u16, &absolute<u16>>>;
using Psignd = Packed<Each<i32, &with_sign<i32>>>;
using Pabsd = PackedFrom<Each<u32, &absolute<u32>>>;

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
  template <class M, class D, class S, class I>
  static void run(M& m, D d, S s, I imm) {
    if constexpr (detail::kIsXmm<S>) {
      Packed<InsertSingle>::run(m, d, detail::WholeXmm<S>{}, imm);
    } else {
      Packed<InsertSingle>::run(m, d, s, imm);
    }
  }
};

struct Ptest {
  template <class M, class D, class S>
  static void run(M& m, D d, S s) {
    detail::begin<D, S>(m);
    const auto b = m.read(s);
    m.set_arith_flags(m.template apply<TestBits>(m.read(d), b));
  }
};

}  // namespace orrery::cpu::sem
