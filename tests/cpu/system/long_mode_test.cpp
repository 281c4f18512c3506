// IA-32e mode: system side (SDM vol. 3, 5.8, 6.14, 8.7; vol. 2: SYSCALL, SYSRET, IRETQ, SWAPGS).
#include "tests/support/cpu_rig.h"

namespace orrery::test {
namespace {

constexpr u16 kCode64 = 0x80, kCode64User = 0x93, kCompat = 0x9b;

Model model64() {
  Model m = test_model("max");
  m.features.set(Feature::Lm);
  m.features.set(Feature::Syscall);
  return m;
}

struct LongMode : ::testing::Test {
  CpuRig r{model64()};

  /// 64-bit code at kCode, an IDT of 64-bit interrupt gates, identity-mapped large pages.
  void start(unsigned cpl = 0) {
    r.protected_mode();
    r.gdt(kCode64, CpuRig::descriptor(0, 0xfffff, 0x9b, 0xa0));
    r.gdt(kCode64User, CpuRig::descriptor(0, 0xfffff, 0xfb, 0xa0));
    r.gdt(kCompat, CpuRig::descriptor(0, 0xfffff, 0xfb, 0xc0));
    r.w64(0x30000, 0x31007);
    r.w64(0x31000, 0x32007);
    r.w64(0x32000, 0x000087);
    r.w64(0x30ff8, 0x31007);  // the same 2 MiB at the top of the address space
    r.w64(0x31ff8, 0x32007);
    for (unsigned v = 0; v < 64; ++v) gate(static_cast<u8>(v), kCode64, 0x8e, 0);
    r.w64(CpuRig::kTssBase0 + 4, CpuRig::kStack0);
    r.w64(CpuRig::kTssBase0 + 36, 0x7000);  // IST1
    r.s.cr3 = 0x30000;
    r.s.cr4 |= kCr4Pae;
    r.s.efer = kEferLme | kEferLma | kEferSce;
    r.s.cr0 |= kCr0Pg;
    level64(cpl);
  }
  void level64(unsigned cpl) {
    r.level(cpl);
    r.load(kCs, cpl == 0 ? kCode64 : kCode64User);
    r.s.rip = CpuRig::kCode;
    r.cpu.state_changed();
  }
  void gate(u8 v, u16 selector, u8 access, u8 ist) {
    r.w64(CpuRig::kIdt + v * 16u, CpuRig::gate(selector, CpuRig::handler(v), access, ist));
    r.w64(CpuRig::kIdt + v * 16u + 8, 0);
  }
  u64 stack64(unsigned n) { return r.r64(r.s.gpr[kRsp] + n * 8); }
};

TEST_F(LongMode, InterruptAlignsTheStackAndAlwaysPushesSsRsp) {
  start();
  r.s.gpr[kRsp] = 0x8ff9;
  r.run("cd 30");
  EXPECT_EQ(r.entered(), 0x30);
  EXPECT_EQ(r.s.gpr[kRsp], 0x8ff0u - 40);
  const u64 expected[] = {CpuRig::kCode + 2, kCode64, 2, 0x8ff9, CpuRig::kData0};
  for (unsigned n = 0; n < 5; ++n) EXPECT_EQ(stack64(n), expected[n]) << n;
  r.run("48 cf");
  EXPECT_EQ(r.s.rip, CpuRig::kCode + 2u);
  EXPECT_EQ(r.s.gpr[kRsp], 0x8ff9u);
}

TEST_F(LongMode, InnerInterruptTakesRsp0AndANullSs) {
  start(3);
  gate(0x30, kCode64, 0xee, 0);
  r.run("cd 30");
  EXPECT_EQ(r.s.cpl, 0);
  EXPECT_EQ(r.s.gpr[kRsp], CpuRig::kStack0 - 40u);
  EXPECT_EQ(r.s.seg[kSs].selector, 0);
  EXPECT_EQ(stack64(4), u64{CpuRig::kData3});
  r.run("48 cf");
  EXPECT_EQ(r.s.cpl, 3);
  EXPECT_EQ(r.s.seg[kSs].selector, CpuRig::kData3);
}

TEST_F(LongMode, IstSwitchesStacksWithoutAChangeOfLevel) {
  start();
  gate(kUd, kCode64, 0x8e, 1);
  r.run("0f 0b");
  EXPECT_EQ(r.s.gpr[kRsp], 0x7000u - 40);
  EXPECT_EQ(stack64(3), u64{CpuRig::kStack0});
}

TEST_F(LongMode, GateToA32BitSegmentIsGeneralProtection) {
  start();
  gate(0x30, CpuRig::kCode0, 0x8e, 0);
  r.run("cd 30");
  EXPECT_EQ(r.entered(), int{kGp});
  EXPECT_EQ(stack64(0), u64{CpuRig::kCode0});
}

TEST_F(LongMode, InterruptFromCompatibilityModeCanUseAHighStack) {
  start(3);
  r.load(kCs, kCompat);
  r.cpu.state_changed();
  r.w64(CpuRig::kTssBase0 + 4, 0xffffffffc0000000 | CpuRig::kStack0);
  gate(0x30, kCode64, 0xee, 0);
  r.run("cd 30");
  EXPECT_EQ(r.entered(), 0x30);
  EXPECT_EQ(r.s.gpr[kRsp], (0xffffffffc0000000 | CpuRig::kStack0) - 40);
  EXPECT_EQ(r.r64(CpuRig::kStack0 - 40), CpuRig::kCode + 2u);
  EXPECT_EQ(r.r64(CpuRig::kStack0 - 32), u64{kCompat});
}

TEST_F(LongMode, SyscallAndSysret) {
  start(3);
  r.s.star = u64{0x0083} << 48 | u64{kCode64} << 32;  // SYSRET: CS 83h + 16 = 93h
  r.s.lstar = 0x15000;
  r.s.sfmask = kIf | kTf | kDf;
  r.flags(kIf | kCf);
  r.run("0f 05");
  EXPECT_EQ(r.s.cpl, 0);
  EXPECT_EQ(r.s.rip, 0x15000u);
  EXPECT_EQ(r.s.gpr[kRcx], CpuRig::kCode + 2u);
  EXPECT_EQ(r.s.gpr[kR11], kIf | kCf | 2u);
  EXPECT_EQ(r.cpu.rflags(), kCf | 2u);
  EXPECT_EQ(r.s.seg[kCs].selector, kCode64);
  EXPECT_EQ(r.s.seg[kSs].selector, kCode64 + 8);
  r.run("48 0f 07");
  EXPECT_EQ(r.s.cpl, 3);
  EXPECT_EQ(r.s.rip, CpuRig::kCode + 2u);
  EXPECT_EQ(r.s.seg[kCs].selector, kCode64User);
  EXPECT_EQ(r.cpu.rflags(), kIf | kCf | 2u);
}

TEST_F(LongMode, SyscallWithoutSceIsUndefined) {
  start(3);
  r.s.efer &= ~kEferSce;
  r.run("0f 05");
  EXPECT_TRAPPED(r, kUd);
}

TEST_F(LongMode, SwapgsExchangesTheBases) {
  start();
  r.s.kernel_gs_base = 0xffff800000001000;
  r.s.seg[kGs].base = 0x1234;
  r.cpu.state_changed();
  r.run("0f 01 f8");
  EXPECT_EQ(r.s.seg[kGs].base, 0xffff800000001000u);
  EXPECT_EQ(r.s.kernel_gs_base, 0x1234u);
}

TEST_F(LongMode, CallGateOf16BytesSwitchesToTheInnerStack) {
  start(3);
  r.w64(CpuRig::kGdt + 0xa0, CpuRig::gate(kCode64, 0x14000, 0xec));
  r.w64(CpuRig::kGdt + 0xa8, 0);
  r.w32(0x5000, 0);
  r.w16(0x5004, 0xa3);
  r.run("ff 1c 25 00 50 00 00");
  EXPECT_EQ(r.s.cpl, 0);
  EXPECT_EQ(r.s.rip, 0x14000u);
  EXPECT_EQ(r.s.gpr[kRsp], CpuRig::kStack0 - 32u);
  EXPECT_EQ(stack64(3), u64{CpuRig::kData3});
  r.run("48 cb");
  EXPECT_EQ(r.s.cpl, 3);
  EXPECT_EQ(r.s.rip, CpuRig::kCode + 7u);
}

TEST_F(LongMode, TaskGatesAndTaskStateSegmentsDoNotTransfer) {
  start();
  r.w32(0x5000, 0);
  r.w16(0x5004, CpuRig::kTss1);
  r.run("ff 2c 25 00 50 00 00");
  EXPECT_EQ(r.entered(), int{kGp});
  EXPECT_EQ(stack64(0), u64{CpuRig::kTss1});
}

TEST_F(LongMode, LtrReads16Bytes) {
  start();
  r.w64(CpuRig::kGdt + 0xa0, CpuRig::descriptor(0x3000, 0x67, 0x89, 0));
  r.w64(CpuRig::kGdt + 0xa8, 0xffffffff);
  r.s.gpr[kRax] = 0xa0;
  r.run("0f 00 d8");
  EXPECT_EQ(r.s.tr.base, 0xffffffff00003000u);
}

TEST_F(LongMode, ActivationNeedsPaeAndDeactivationCompatibilityMode) {
  r.protected_mode();
  r.s.efer = kEferLme;
  r.s.gpr[kRax] = 0x80000011;
  r.run("0f 22 c0");
  EXPECT_FAULT(r, kGp, 0);
  start();
  r.s.gpr[kRax] = 0x11;
  r.run("0f 22 c0");
  EXPECT_EQ(r.entered(), int{kGp});
  start();
  r.s.gpr[kRax] = 0;
  r.run("0f 22 e0");
  EXPECT_EQ(r.entered(), int{kGp}) << "PAE may not be cleared";
}

TEST_F(LongMode, NonCanonicalReturnIsGeneralProtection) {
  start();
  r.s.gpr[kRsp] -= 40;
  const u64 frame[] = {0x0000900000000000, kCode64, 2, CpuRig::kStack0, CpuRig::kData0};
  for (unsigned n = 0; n < 5; ++n) r.w64(r.s.gpr[kRsp] + n * 8, frame[n]);
  r.run("48 cf");
  EXPECT_EQ(r.entered(), int{kGp});
  EXPECT_EQ(stack64(0), 0u);
  EXPECT_EQ(stack64(1), CpuRig::kCode);
}

// --- Found by tests/oracle: SDM vol. 1, 3.3.7.1; vol. 3, 6.15, interrupts 12, 13 and 17 ------------------------------

constexpr u64 kHole = 0x0000800000000000;  // the first address that is not canonical

TEST_F(LongMode, AnAddressThatIsNotCanonicalIsAGeneralProtectionOrAStackFault) {
  struct Access {
    const char* code;
    u8 vector;
  };
  constexpr Access kAccesses[] = {
      {"48 8b 03", kGp},         // mov rax, [rbx]
      {"48 89 03", kGp},         // mov [rbx], rax
      {"48 01 03", kGp},         // add [rbx], rax
      {"0f 10 03", kGp},         // movups xmm0, [rbx]
      {"0f 11 03", kGp},         // movups [rbx], xmm0
      {"d9 03", kGp},            // fld dword [rbx]
      {"ff 33", kGp},            // push qword [rbx]
      {"8f 03", kGp},            // pop qword [rbx]
      {"48 ab", kGp},            // stosq
      {"f3 48 a5", kGp},         // rep movsq
      {"48 8b 45 00", kSsv},     // mov rax, [rbp]
      {"48 01 45 00", kSsv},     // add [rbp], rax
      {"48 0f ab 45 00", kSsv},  // bts [rbp], rax
      {"0f 11 45 00", kSsv},     // movups [rbp], xmm0
      {"c9", kSsv},              // leave
  };
  for (const Access& a : kAccesses) {
    for (const u64 address : {kHole, kHole - 1, u64{0x1234567812345678}, 0xffff7ffffffffff8}) {
      start();
      r.s.cr4 |= kCr4Osfxsr;
      for (const Gpr g : {kRbx, kRbp, kRsi, kRdi}) r.s.gpr[g] = address;
      r.s.gpr[kRax] = 0;
      r.s.gpr[kRcx] = 1;
      r.cpu.state_changed();
      r.run(a.code);
      EXPECT_EQ(r.entered(), int{a.vector}) << a.code << " at " << address;
      EXPECT_EQ(stack64(0), 0u);
      EXPECT_EQ(stack64(1), CpuRig::kCode);
    }
  }
}

TEST_F(LongMode, AStackThatIsNotCanonicalIsAStackFault) {
  for (const char* code : {"50", "58", "c3", "e8 00 00 00 00", "ff 33", "8f 03"}) {
    start(3);
    r.s.gpr[kRsp] = kHole + 0x100;
    r.s.gpr[kRbx] = 0x8000;
    r.run(code);
    EXPECT_EQ(r.entered(), int{kSsv}) << code;
    EXPECT_EQ(stack64(4), kHole + 0x100) << "RSP";
  }
}

TEST_F(LongMode, ATargetThatIsNotCanonicalFaultsAtTheBranch) {
  for (const char* code : {"c3", "c2 08 00", "ff e0", "ff d0"}) {
    start(3);
    r.s.gpr[kRax] = kHole;
    r.w64(CpuRig::kStack3 - 16, kHole);
    r.s.gpr[kRsp] = CpuRig::kStack3 - 16;
    r.run(code);
    EXPECT_EQ(r.entered(), int{kGp}) << code;
    EXPECT_EQ(stack64(1), CpuRig::kCode);
    EXPECT_EQ(stack64(4), CpuRig::kStack3 - 16u) << code << ": RSP stays";
  }
}

TEST_F(LongMode, CanonicalComesBeforeAlignment) {
  start(3);
  r.s.cr0 |= kCr0Am;
  r.flags(kAc);
  r.s.gpr[kRbp] = kHole + 1;
  r.cpu.state_changed();
  r.run("48 8b 45 00");
  EXPECT_EQ(r.entered(), int{kSsv});
}

TEST_F(LongMode, ACmpxchgThatComparesUnequalDoesNotTouchItsRegister) {
  start();
  r.s.gpr[kRax] = 0x1111111122222222;
  r.s.gpr[kRcx] = 0x3333333344444444;
  r.s.gpr[kRdx] = 0x55;
  r.run("0f b1 d1");  // cmpxchg ecx, edx
  EXPECT_EQ(r.s.gpr[kRcx], 0x3333333344444444u);
  EXPECT_EQ(r.s.gpr[kRax], 0x44444444u);
  r.s.rip = CpuRig::kCode;
  r.s.gpr[kRax] = 0x1111111144444444;
  r.cpu.state_changed();
  r.run("0f b1 d1");
  EXPECT_EQ(r.s.gpr[kRcx], 0x55u) << "equal: written, bits 63:32 cleared";
  EXPECT_EQ(r.s.gpr[kRax], 0x1111111144444444u) << "the accumulator is not written";
}

}  // namespace
}  // namespace orrery::test
