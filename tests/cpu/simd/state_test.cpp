// When vector instructions may run, what their exceptions are, and what keeps their state (SDM vol. 3, chapter 13; vol.
// 1, chapters 9 to 11).
#include <gtest/gtest.h>

#include "tests/support/cpu_rig.h"

namespace orrery::test {
namespace {

constexpr u32 kData = 0x40000;

struct SimdRig : CpuRig {
  explicit SimdRig(std::string_view model = "max") : CpuRig(model) {
    protected_mode();
    cr4(kCr4Osfxsr | kCr4Osxmmexcpt);
    s.gpr[kRbx] = kData;
  }
  void again() {
    level(0);
    s.rip = kCode;
    cpu.state_changed();
  }
  void cr0(u64 set, u64 clear = 0) {
    s.cr0 = (s.cr0 | set) & ~clear;
    cpu.state_changed();
  }
  /// Executes `hex` alone; the vector that it raises, or -1.
  int vector_of(std::string_view hex) {
    again();
    run(hex);
    return entered();
  }
};

constexpr const char* kPaddb = "66 0ffcc1";       // paddb xmm0, xmm1
constexpr const char* kPaddbMmx = "0ffcc1";       // paddb mm0, mm1
constexpr const char* kAddpsUnmapped = "0f5803";  // addps xmm0, [ebx]

TEST(SimdState, SseNeedsOsfxsrAndMmxDoesNot) {
  SimdRig r;
  EXPECT_EQ(r.vector_of(kPaddb), -1);
  r.s.cr4 &= ~u64{kCr4Osfxsr};
  r.cpu.state_changed();
  EXPECT_EQ(r.vector_of(kPaddb), kUd);
  EXPECT_EQ(r.vector_of("0fae13"), kUd) << "ldmxcsr";
  EXPECT_EQ(r.vector_of(kPaddbMmx), -1);
  r.cr0(kCr0Ts);
  EXPECT_EQ(r.vector_of(kPaddb), kUd) << "before #NM";
}

TEST(SimdState, EmulationIsInvalidOpcodeAndTaskSwitchedDeviceNotAvailable) {
  SimdRig r;
  r.cr0(kCr0Ts);
  EXPECT_EQ(r.vector_of(kPaddb), kNm);
  EXPECT_EQ(r.vector_of(kPaddbMmx), kNm);
  EXPECT_EQ(r.vector_of("0f77"), kNm) << "emms";
  r.cr0(kCr0Em);
  EXPECT_EQ(r.vector_of(kPaddb), kUd) << "EM goes before TS";
  EXPECT_EQ(r.vector_of(kPaddbMmx), kUd);
  EXPECT_EQ(r.vector_of("0fae03"), kNm) << "FXSAVE counts as an x87 instruction";
  r.cr0(0, kCr0Em | kCr0Ts);
  EXPECT_EQ(r.vector_of(kPaddb), -1);
}

TEST(SimdState, InstructionsThatTouchNoVectorRunWithoutOsfxsr) {
  SimdRig r;
  r.s.cr4 = 0;
  r.cr0(kCr0Em | kCr0Ts);
  for (const char* hex : {"0faef8", "0faee8", "0faef0", "0fc303", "0f1803", "f30fb8c3", "f20f38f1c3", "0f38f003"}) {
    EXPECT_EQ(r.vector_of(hex), -1) << "sfence, lfence, mfence, movnti, prefetchnta, popcnt, crc32, movbe: " << hex;
  }
}

TEST(SimdState, APendingX87ExceptionStopsMmxButNotSse) {
  SimdRig r;
  r.cr0(kCr0Ne);
  r.s.x87.control = 0x37e;  // invalid unmasked
  r.s.x87.status = 0x8081;
  EXPECT_EQ(r.vector_of(kPaddb), -1);
  EXPECT_EQ(r.vector_of(kPaddbMmx), kMf);
  EXPECT_EQ(r.vector_of("0f77"), kMf) << "emms";
  EXPECT_EQ(r.vector_of("0f2ac1"), kMf) << "cvtpi2ps xmm0, mm1";
}

TEST(SimdState, UnavailabilityIsNoticedBeforeAPageFault) {
  SimdRig r;
  r.paging();
  r.w32(r.pte_address(kData), 0);
  EXPECT_EQ(r.vector_of(kAddpsUnmapped), kPfv);
  r.cr0(kCr0Ts);
  EXPECT_EQ(r.vector_of(kAddpsUnmapped), kNm);
}

TEST(SimdState, MisalignedOperandsAreGeneralProtectionButNotForUnalignedMoves) {
  SimdRig r;
  r.s.gpr[kRbx] = kData + 8;
  for (const char* hex :
       {"0f2803", "0f2903", "660f6f03", "660fe703", "0f5803", "660ffc03", "660f382a03", "660f3810 03"}) {
    EXPECT_EQ(r.vector_of(hex), kGp) << hex;
    EXPECT_EQ(r.stack(0), 0u);
  }
  for (const char* hex : {"0f1003", "0f1103", "f30f6f03", "f30f7f03", "f20ff003", "f30f5803", "f20f5803",
                          "660f3a6303 08", "0f5a03", "f30fe603", "660fd603", "0f1203"}) {
    EXPECT_EQ(r.vector_of(hex), -1) << hex;
  }
  EXPECT_EQ(r.vector_of("0fae03"), kGp) << "fxsave";
}

TEST(SimdState, UnmaskedExceptionsAreSimdErrorsOrInvalidOpcodesByOsxmmexcpt) {
  SimdRig r;
  r.s.mxcsr = 0x1f00;                    // invalid unmasked
  r.s.xmm[0].q = {0x7f800001, 0, 0, 0};  // signalling
  EXPECT_EQ(r.vector_of("f30f58c1"), kXm);
  EXPECT_EQ(r.s.rip & 0xffff, CpuRig::handler(kXm) & 0xffffu);
  EXPECT_EQ(r.stack(0), CpuRig::kCode + 0u) << "a fault, without an error code";
  EXPECT_EQ(r.s.mxcsr, 0x1f01u);
  EXPECT_EQ(r.s.xmm[0].q[0], 0x7f800001u) << "nothing is written";
  r.s.cr4 &= ~u64{kCr4Osxmmexcpt};
  r.cpu.state_changed();
  EXPECT_EQ(r.vector_of("f30f58c1"), kUd);
}

TEST(SimdState, AFlagOfBeforeDoesNotFaultWhenItIsUnmasked) {
  SimdRig r;
  r.s.mxcsr = 0x003f;
  r.s.xmm[0].q = {0x3f800000, 0, 0, 0};
  r.s.xmm[1].q = {0x3f800000, 0, 0, 0};
  EXPECT_EQ(r.vector_of("f30f58c1"), -1);
  EXPECT_EQ(r.s.xmm[0].q[0], 0x40000000u);
}

TEST(SimdState, ReservedBitsOfMxcsrAreGeneralProtection) {
  SimdRig r;
  r.w32(kData, 0xffff);
  EXPECT_EQ(r.vector_of("0fae13"), -1);  // ldmxcsr [ebx]
  EXPECT_EQ(r.s.mxcsr, 0xffffu);
  r.w32(kData, 0x11f80);
  EXPECT_EQ(r.vector_of("0fae13"), kGp);
  EXPECT_EQ(r.s.mxcsr, 0xffffu);
  EXPECT_EQ(r.vector_of("0fae5b04"), -1);  // stmxcsr [ebx + 4]
  EXPECT_EQ(r.r32(kData + 4), 0xffffu);
  // Denormals are zeros came with SSE2.
  SimdRig old("pentium3");
  old.w32(kData, 0x1fc0);
  EXPECT_EQ(old.vector_of("0fae13"), kGp);
  old.w32(kData, 0xffbf);
  EXPECT_EQ(old.vector_of("0fae13"), -1);
}

TEST(SimdState, FxsaveKeepsVectorsOnlyWithOsfxsr) {
  SimdRig r;
  for (unsigned n = 0; n < 8; ++n) r.s.xmm[n].q = {u64{0x1111111111111111} * n, ~u64{n}, 0, 0};
  r.s.mxcsr = 0x5fa1;
  EXPECT_EQ(r.vector_of("0fae03"), -1);
  EXPECT_EQ(r.r32(kData + 24), 0x5fa1u);
  EXPECT_EQ(r.r32(kData + 28), 0xffffu) << "MXCSR_MASK";
  for (unsigned n = 0; n < 8; ++n) {
    EXPECT_EQ(r.r64(kData + 160 + 16 * n), 0x1111111111111111 * n);
    EXPECT_EQ(r.r64(kData + 168 + 16 * n), ~u64{n});
    r.s.xmm[n].q = {};
  }
  r.s.mxcsr = 0x1f80;
  EXPECT_EQ(r.vector_of("0fae0b"), -1);  // fxrstor
  EXPECT_EQ(r.s.mxcsr, 0x5fa1u);
  EXPECT_EQ(r.s.xmm[7].q[0], 0x7777777777777777u);
  r.s.cr4 &= ~u64{kCr4Osfxsr};
  r.cpu.state_changed();
  r.w64(kData + 160 + 16 * 7, 42);
  EXPECT_EQ(r.vector_of("0fae0b"), -1);
  EXPECT_EQ(r.s.xmm[7].q[0], 0x7777777777777777u) << "not restored";
  EXPECT_EQ(r.vector_of("0fae03"), -1);
  EXPECT_EQ(r.r64(kData + 160 + 16 * 7), 42u) << "not saved";
  r.w32(kData + 24, 0x10000);
  EXPECT_EQ(r.vector_of("0fae0b"), kGp) << "a reserved bit of MXCSR";
}

TEST(SimdState, AnMmxWriteFillsExponentAndTags) {
  SimdRig r;
  r.s.x87.status = 0x1800;
  r.s.x87.tag = 0xffff;
  r.s.x87.r[1].significand = 0x0102030405060708;
  EXPECT_EQ(r.vector_of("0f6fc1"), -1);  // movq mm0, mm1
  EXPECT_EQ(r.s.x87.r[0].significand, 0x0102030405060708u);
  EXPECT_EQ(r.s.x87.r[0].sign_exponent, 0xffff);
  EXPECT_EQ(r.s.x87.tag, 0);
  EXPECT_EQ(r.s.x87.status, 0) << "TOP";
  EXPECT_EQ(r.vector_of("0f77"), -1);
  EXPECT_EQ(r.s.x87.tag, 0xffff);
}

TEST(SimdState, WithoutTheFeatureThereIsNoInstructionAndNoControlBit) {
  for (const auto& [model, hex] : {std::pair{"pentium", kPaddbMmx},
                                   {"pentium2", "0f58c1"},
                                   {"pentium3", kPaddb},
                                   {"pentium4", "f20fd0c1"},
                                   {"qemu32", "660f3800c1"},
                                   {"core2", "660f3a0dc100"}}) {
    SimdRig r(model);
    EXPECT_EQ(r.vector_of(hex), kUd) << model;
  }
  SimdRig p2("pentium2");
  p2.s.cr4 = 0;
  p2.s.gpr[kRax] = kCr4Osfxsr;
  EXPECT_EQ(p2.vector_of("0f22e0"), -1) << "FXSAVE is there: OSFXSR";
  p2.s.gpr[kRax] = kCr4Osxmmexcpt;
  EXPECT_EQ(p2.vector_of("0f22e0"), kGp);
  SimdRig p3("pentium3");
  p3.s.gpr[kRax] = kCr4Osxmmexcpt;
  EXPECT_EQ(p3.vector_of("0f22e0"), -1);
}

TEST(SimdState, AStoreAcrossPagesWritesNothingIfTheSecondFaults) {
  SimdRig r;
  r.paging();
  r.w32(r.pte_address(kData + 0x1000), (kData + 0x1000) | 1);  // read only
  r.cr0(kCr0Wp);
  r.s.xmm[0].q = {~u64{0}, ~u64{0}, 0, 0};
  r.s.gpr[kRbx] = kData + 0xff8;
  r.w64(kData + 0xff8, 0);
  EXPECT_EQ(r.vector_of("0f1103"), kPfv);
  EXPECT_EQ(r.s.cr2, kData + 0x1000u);
  EXPECT_EQ(r.r64(kData + 0xff8), 0u);
  r.w64(kData + 0x1000, 0x55);
  EXPECT_EQ(r.vector_of("0f1003"), -1) << "a read across both";
  EXPECT_EQ(r.s.xmm[0].q[1], 0x55u);
}

TEST(SimdState, MaskedStoresWriteTheBytesSelectedAtEdi) {
  SimdRig r;
  r.s.gpr[kRdi] = kData + 3;
  r.w64(kData, 0);
  r.w64(kData + 8, 0);
  r.w64(kData + 16, 0);
  r.s.xmm[0].q = {0x0807060504030201, 0x100f0e0d0c0b0a09, 0, 0};
  r.s.xmm[1].q = {0x8000000000000080, 0x80, 0, 0};
  EXPECT_EQ(r.vector_of("660ff7c1"), -1);
  EXPECT_EQ(r.r64(kData), 0x0000000001000000u);
  EXPECT_EQ(r.r64(kData + 8), 0x0000000009080000u);
}

}  // namespace
}  // namespace orrery::test
