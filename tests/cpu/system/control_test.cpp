// Control, debug and model-specific registers, CPUID, TSC, HLT (SDM vol. 2; vol. 3, 2.5, 4.4.1, 17.2).
#include "tests/support/cpu_rig.h"

namespace orrery::test {
namespace {

struct Control : ::testing::Test {
  CpuRig r;
  void rdmsr(u32 index) {
    r.s.gpr[kRcx] = index;
    r.run("0f 32");
  }
  void wrmsr(u32 index, u64 value) {
    r.s.gpr[kRcx] = index;
    r.s.gpr[kRax] = value & 0xffffffff;
    r.s.gpr[kRdx] = value >> 32;
    r.run("0f 30");
  }
  u64 edx_eax() const { return r.s.gpr[kRdx] << 32 | r.s.gpr[kRax]; }
};

TEST_F(Control, EnteringProtectedModeFromRealMode) {
  r.real_mode();
  r.s.gpr[kRax] = 0x11;
  r.gdt(CpuRig::kCode0, CpuRig::descriptor(0, 0xfffff, 0x9b, 0xc0));
  r.w16(0x500, 0x3ff);
  r.w32(0x502, CpuRig::kGdt);
  r.put(0x10000, "0f 01 16 00 05  0f 22 c0  66 ea 00 20 01 00 08 00");
  r.step(3);
  EXPECT_EQ(r.s.seg[kCs].selector, CpuRig::kCode0);
  EXPECT_EQ(r.s.rip, 0x12000u);
  EXPECT_EQ(r.s.cpl, 0);
}

// MOV to CR0: invalid combinations are #GP(0) and change nothing.
TEST_F(Control, InvalidCr0CombinationsFault) {
  for (const u32 value : {0x80000010u, 0x20000011u}) {
    r.protected_mode();
    r.s.gpr[kRax] = value;
    r.run("0f 22 c0");
    EXPECT_FAULT(r, kGp, 0);
    EXPECT_EQ(r.s.cr0, 0x11u);
  }
}

TEST_F(Control, ReservedCr0BitsReadAsZeroAndEtAsOne) {
  r.protected_mode();
  r.s.gpr[kRax] = 0x0ff8ffc1 | 1;
  r.run("0f 22 c0");
  EXPECT_EQ(r.s.cr0, 0x11u | (0x0ff8ffc1u & (kCr0Am | kCr0Wp | kCr0Ne)));
}

TEST_F(Control, LmswSetsPeAndCannotClearIt) {
  r.protected_mode();
  r.s.gpr[kRax] = 0x000e;
  r.run("0f 01 f0");
  EXPECT_EQ(r.s.cr0, 0x1fu);
  r.s.gpr[kRax] = 0;
  r.run("0f 01 f0");
  EXPECT_EQ(r.s.cr0, 0x11u);
}

TEST_F(Control, SmswGivesAllOfCr0InA32BitRegister) {
  r.protected_mode(3);
  r.paging();
  r.run("0f 01 e0");
  EXPECT_EQ(r.s.gpr[kRax], 0x80000011u);
}

TEST_F(Control, ControlRegistersThatDoNotExistAreUndefined) {
  for (const char* code : {"0f 20 c8", "0f 22 e8", "0f 20 f0", "0f 22 f8"}) {
    r.protected_mode();
    r.run(code);
    EXPECT_TRAPPED(r, kUd) << code;
  }
}

TEST_F(Control, ReservedCr4BitsFault) {
  for (const u32 value : {0x80000000u, 1u << 13, 1u << 14, 1u << 19}) {
    r.protected_mode();
    r.s.gpr[kRax] = value;
    r.run("0f 22 e0");
    EXPECT_FAULT(r, kGp, 0);
    EXPECT_EQ(r.s.cr4, 0u);
  }
}

TEST_F(Control, APentiumHasNoPaeInCr4) {
  CpuRig p("pentium");
  p.protected_mode();
  p.s.gpr[kRax] = kCr4Pae;
  p.run("0f 22 e0");
  EXPECT_FAULT(p, kGp, 0);
}

TEST_F(Control, PrivilegedInstructionsFaultAtLevel3) {
  for (const char* code : {"0f 20 c0", "0f 22 c0", "0f 21 c0", "0f 23 c0", "0f 06", "0f 08", "0f 09", "f4", "0f 30",
                           "0f 32", "0f 01 f0", "0f 01 38", "0f 00 d0", "0f 00 d8"}) {
    r.protected_mode(3);
    r.run(code);
    EXPECT_FAULT(r, kGp, 0);
    EXPECT_EQ(r.stack(1), CpuRig::kCode) << code;
  }
}

// 4.4.1: PDPTEs are loaded by MOV to CR3 and by turning PAE paging on; reserved bits fault.
TEST_F(Control, PaePagingLoadsAndChecksThePdptes) {
  r.protected_mode();
  r.cr4(kCr4Pae);
  r.s.cr3 = 0x30000;
  r.w64(0x30000, 0x31001);
  r.w64(0x31000, 0x000083);  // 2 MiB page, identity
  r.w64(0x30008, 0x1e6);     // not present: nothing is checked
  r.s.gpr[kRax] = 0x80000011;
  r.run("0f 22 c0");
  EXPECT_EQ(r.s.cr0, 0x80000011u);
  EXPECT_EQ(r.s.pdpte[0], 0x31001u);
  r.w64(0x30010, 0x32007);  // bits 2:1 are reserved
  r.s.gpr[kRax] = 0x30000;
  r.run("0f 22 d8");
  EXPECT_FAULT(r, kGp, 0);
  EXPECT_EQ(r.s.pdpte[2], 0u);
}

TEST_F(Control, ChangedPageTableTakesEffectAfterInvlpg) {
  r.protected_mode();
  r.paging();
  r.w32(0x50000, 0x11111111);
  r.w32(0x51000, 0x22222222);
  r.run("a1 00 00 05 00");
  EXPECT_EQ(r.s.gpr[kRax], 0x11111111u);
  r.w32(r.pte_address(0x50000), 0x51007);
  r.run("0f 01 3d 00 00 05 00");
  r.run("a1 00 00 05 00");
  EXPECT_EQ(r.s.gpr[kRax], 0x22222222u);
}

TEST_F(Control, GlobalPagesSurviveACr3LoadButNotAChangeOfPge) {
  r.protected_mode();
  r.cr4(kCr4Pge);
  r.paging();
  r.w32(r.pte_address(0x50000), 0x50107);
  r.w32(0x50000, 0x11111111);
  r.w32(0x51000, 0x22222222);
  r.run("a1 00 00 05 00");
  r.w32(r.pte_address(0x50000), 0x51107);
  r.s.gpr[kRcx] = CpuRig::kPages;
  r.run("0f 22 d9 a1 00 00 05 00", 2);
  EXPECT_EQ(r.s.gpr[kRax], 0x11111111u);
  r.s.gpr[kRcx] = 0;
  r.run("0f 22 e1 a1 00 00 05 00", 2);
  EXPECT_EQ(r.s.gpr[kRax], 0x22222222u);
}

// 4.6.1: SMAP, and EFLAGS.AC that lifts it; STAC and CLAC need no flush.
TEST_F(Control, SmapKeepsTheSupervisorFromUserPagesUnlessAcIsSet) {
  r.protected_mode();
  r.paging();
  r.w32(r.pte_address(0x50000), 0x50007);
  for (const u32 page : {CpuRig::kCode, CpuRig::kHandlers, 0x8000u, CpuRig::kGdt, CpuRig::kIdt, CpuRig::kTssBase0}) {
    r.w32(r.pte_address(page), page | 3);
  }
  r.cr4(kCr4Smap | kCr4Smep);
  r.run("0f 01 cb a1 00 00 05 00 0f 01 ca", 3);  // stac; mov eax, [0x50000]; clac
  EXPECT_EQ(r.entered(), -1);
  r.run("a1 00 00 05 00");
  EXPECT_FAULT(r, kPfv, 1);
}

TEST_F(Control, SmepKeepsTheSupervisorFromExecutingUserPages) {
  r.protected_mode();
  r.paging();
  for (const u32 page : {CpuRig::kHandlers, 0x8000u}) r.w32(r.pte_address(page), page | 3);
  r.cr4(kCr4Smep);
  r.run("90");
  EXPECT_FAULT(r, kPfv, 0x11);
}

// --- debug registers -------------------------------------------------------------------------------------------------

TEST_F(Control, DebugRegistersHaveFixedBits) {
  r.protected_mode();
  r.s.gpr[kRax] = 0;
  r.run("0f 23 f0 0f 23 f8", 2);
  r.run("0f 21 f1 0f 21 fa", 2);
  EXPECT_EQ(r.s.gpr[kRcx], 0xffff0ff0u);
  EXPECT_EQ(r.s.gpr[kRdx], 0x400u);
  r.s.gpr[kRax] = 0xffffdfff;
  r.run("0f 23 f0 0f 23 f8", 2);
  r.run("0f 21 f1 0f 21 fa", 2);
  EXPECT_EQ(r.s.gpr[kRcx], 0xffffcfffu);
  EXPECT_EQ(r.s.gpr[kRdx], 0xffff07ffu);
}

TEST_F(Control, Dr4AndDr5AreAliasesUnlessCr4De) {
  r.protected_mode();
  r.s.gpr[kRax] = 0x400f;
  r.run("0f 23 e0 0f 21 f1", 2);
  EXPECT_EQ(r.s.gpr[kRcx], 0xffff4fffu);
  r.cr4(kCr4De);
  r.run("0f 21 e0");
  EXPECT_TRAPPED(r, kUd);
  r.protected_mode(3);  // an invalid opcode comes before the check of privilege (SDM vol. 3, table 6-2)
  r.run("0f 21 e0");
  EXPECT_FAULT(r, kGp, 0);
  r.protected_mode(3);
  r.cr4(kCr4De);
  r.run("0f 21 e0");
  EXPECT_EQ(r.entered(), kUd);
}

// --- MSRs, TSC, CPUID ------------------------------------------------------------------------------------------------

TEST_F(Control, SysenterMsrsKeepTheirValues) {
  for (const u32 msr : {0x174u, 0x175u, 0x176u}) {
    r.protected_mode();
    wrmsr(msr, 0x12345678);
    rdmsr(msr);
    EXPECT_EQ(edx_eax(), 0x12345678u);
  }
}

TEST_F(Control, UnknownMsrsFault) {
  r.protected_mode();
  rdmsr(0x12345);
  EXPECT_FAULT(r, kGp, 0);
  r.protected_mode();
  wrmsr(0x12345, 0);
  EXPECT_FAULT(r, kGp, 0);
  CpuRig p("pentium,-apic");
  p.protected_mode();
  p.s.gpr[kRcx] = 0x1b;
  p.run("0f 32");
  EXPECT_FAULT(p, kGp, 0);
}

TEST_F(Control, PatRejectsReservedMemoryTypes) {
  r.protected_mode();
  rdmsr(0x277);
  EXPECT_EQ(edx_eax(), 0x0007040600070406u);
  wrmsr(0x277, 0x0007010500070105);
  EXPECT_EQ(r.s.pat, 0x0007010500070105u);
  wrmsr(0x277, 2);
  EXPECT_FAULT(r, kGp, 0);
}

TEST_F(Control, MtrrsAreStateWithReservedBits) {
  r.protected_mode();
  rdmsr(0xfe);
  EXPECT_EQ(edx_eax(), 0x508u);
  wrmsr(0x201, 0xf80000800);
  rdmsr(0x201);
  EXPECT_EQ(edx_eax(), 0xf80000800u);
  wrmsr(0x250, 0x0606060606060606);
  EXPECT_EQ(r.s.mtrr_fix[0], 0x0606060606060606u);
  wrmsr(0x2ff, 0xc06);
  EXPECT_EQ(r.s.mtrr_def_type, 0xc06u);
  wrmsr(0x2ff, 0x1c06);
  EXPECT_FAULT(r, kGp, 0);
}

TEST_F(Control, TscCountsVirtualTimeAndCanBeSet) {
  r.protected_mode();
  r.put(CpuRig::kCode, "0f 31 89 c1 0f 31");
  r.step(3);
  const u64 ticks = 2;
  EXPECT_EQ(r.s.gpr[kRax] - r.s.gpr[kRcx], r.cpu.model().frequency / core::Clock::kDefaultRate * ticks);
  wrmsr(0x10, 0x500000000);
  r.run("0f 31");
  EXPECT_EQ(r.s.gpr[kRdx], 5u);
  EXPECT_LT(r.s.gpr[kRax], 1000u);
}

TEST_F(Control, TsdKeepsTheTscFromUserCode) {
  r.protected_mode(3);
  r.run("0f 31");
  EXPECT_EQ(r.entered(), -1);
  r.cr4(kCr4Tsd);
  r.run("0f 31");
  EXPECT_FAULT(r, kGp, 0);
  r.protected_mode(0);
  r.cr4(kCr4Tsd);
  r.run("0f 31");
  EXPECT_EQ(r.s.rip, CpuRig::kCode + 2u);
}

TEST_F(Control, RdpmcNeedsPceAtLevel3AndAnExistingCounter) {
  r.protected_mode(3);
  r.s.gpr[kRcx] = 0;
  r.run("0f 33");
  EXPECT_FAULT(r, kGp, 0);
  r.protected_mode(3);
  r.cr4(kCr4Pce);
  r.run("0f 33");
  EXPECT_EQ(r.s.rip, CpuRig::kCode + 2u);
  r.s.gpr[kRcx] = 2;
  r.run("0f 33");
  EXPECT_FAULT(r, kGp, 0);
}

TEST_F(Control, CpuidGivesTheVendor) {
  r.protected_mode(3);
  r.s.gpr[kRax] = 0;
  r.run("0f a2");
  EXPECT_EQ(r.s.gpr[kRbx], 0x756e6547u);
  EXPECT_EQ(r.s.gpr[kRdx], 0x49656e69u);
  EXPECT_EQ(r.s.gpr[kRcx], 0x6c65746eu);
}

// The usual tests for a 386, a 486 and CPUID: AC and ID in EFLAGS.
TEST_F(Control, AcAndIdToggleOnlyWhereTheModelHasThem) {
  struct {
    const char* model;
    u32 bits;
  } cases[] = {{"386", 0}, {"486", kAc | kId}, {"max", kAc | kId}};
  for (const auto& c : cases) {
    CpuRig p(c.model);
    p.protected_mode();
    p.s.gpr[kRax] = kAc | kId | 2;
    p.run("50 9d 9c 5b", 4);
    EXPECT_EQ(p.s.gpr[kRbx], c.bits | 2u) << c.model;
  }
}

// --- SYSENTER, SYSEXIT -----------------------------------------------------------------------------------------------

TEST_F(Control, SysenterAndSysexit) {
  r.protected_mode(3);
  r.s.sysenter_cs = CpuRig::kCode0;
  r.s.sysenter_esp = 0x8800;
  r.s.sysenter_eip = 0x15000;
  r.flags(kIf);
  r.run("0f 34");
  EXPECT_EQ(r.s.cpl, 0);
  EXPECT_EQ(r.s.seg[kCs].selector, CpuRig::kCode0);
  EXPECT_EQ(r.s.seg[kSs].selector, CpuRig::kData0);
  EXPECT_EQ(r.s.rip, 0x15000u);
  EXPECT_EQ(r.s.gpr[kRsp], 0x8800u);
  EXPECT_FALSE(r.cpu.rflags() & kIf);
  r.s.gpr[kRcx] = 0xa000;
  r.s.gpr[kRdx] = 0x16000;
  r.run("0f 35");
  EXPECT_EQ(r.s.cpl, 3);
  EXPECT_EQ(r.s.seg[kCs].selector, CpuRig::kCode3);
  EXPECT_EQ(r.s.seg[kSs].selector, CpuRig::kData3);
  EXPECT_EQ(r.s.rip, 0x16000u);
  EXPECT_EQ(r.s.gpr[kRsp], 0xa000u);
}

TEST_F(Control, SysenterWithoutASelectorAndSysexitAtLevel3Fault) {
  r.protected_mode(3);
  r.run("0f 34");
  EXPECT_FAULT(r, kGp, 0);
  r.protected_mode(3);
  r.s.sysenter_cs = CpuRig::kCode0;
  r.run("0f 35");
  EXPECT_FAULT(r, kGp, 0);
}

}  // namespace
}  // namespace orrery::test
