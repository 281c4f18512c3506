// Interrupt and exception delivery and IRET (SDM vol. 2: INT n, IRET; vol. 3, chapter 6).
#include "tests/support/cpu_rig.h"

namespace orrery::test {
namespace {

constexpr u16 kG = CpuRig::kFree;

struct Interrupts : ::testing::Test {
  CpuRig r;
  void frame(std::initializer_list<u32> words) {
    const u64 sp = r.s.gpr[kRsp] -= words.size() * 4;
    u64 at = sp;
    for (const u32 w : words) {
      r.w32(at, w);
      at += 4;
    }
  }
};

// --- real mode -------------------------------------------------------------------------------------------------------

TEST_F(Interrupts, RealModeIntPushesFlagsCsIpAndClearsIfAndTf) {
  r.real_mode();
  r.flags(kIf | kCf);
  r.w32(0x21 * 4, 0x20000010);
  r.run("cd 21");
  EXPECT_EQ(r.code_address(), 0x20010u);
  EXPECT_EQ(r.s.gpr[kRsp], 0xffau);
  EXPECT_EQ(r.r16(0x8ffa), 2);
  EXPECT_EQ(r.r16(0x8ffc), 0x1000);
  EXPECT_EQ(r.r16(0x8ffe), 0x0203);
  EXPECT_EQ(r.cpu.rflags() & (kIf | kCf), kCf);
  r.run("cf");
  EXPECT_EQ(r.code_address(), 0x10002u);
  EXPECT_EQ(r.cpu.rflags() & (kIf | kCf), kIf | kCf);
}

TEST_F(Interrupts, RealModeFaultReturnsToTheInstructionWithoutErrorCode) {
  r.real_mode();
  r.w32(kDe * 4, 0x20000010);
  r.run("f6 f1");  // div cl, CL = 0
  EXPECT_EQ(r.code_address(), 0x20010u);
  EXPECT_EQ(r.r16(0x8ffa), 0);
  EXPECT_EQ(r.s.gpr[kRsp], 0xffau);
}

TEST_F(Interrupts, RealModeVectorBeyondTheIdtIsGeneralProtectionThenDoubleFaultThenShutdown) {
  r.real_mode();
  r.w32(kGp * 4, 0x20000010);
  r.w32(kDf8 * 4, 0x20000020);
  r.s.idtr.limit = 0x37;  // 0 to 13
  r.run("cd 21");
  EXPECT_EQ(r.code_address(), 0x20010u);
  r.real_mode();
  r.s.idtr.limit = 0x23;  // 0 to 8
  r.run("cd 21");
  EXPECT_EQ(r.code_address(), 0x20020u) << "#GP cannot be delivered: #DF";
  r.real_mode();
  r.s.idtr.limit = 0;
  r.put(r.code_address(), "cd 21");
  Stop stop = r.step();
  if (stop != Stop::Shutdown) stop = r.step();
  EXPECT_EQ(stop, Stop::Shutdown);
}

// IRET, "REAL-ADDRESS-MODE": a 32-bit image changes all but VM, VIF and VIP.
TEST_F(Interrupts, RealModeIretdTakesIdAndAcButNotVm) {
  r.real_mode();
  const u64 sp = 0x8000 + (r.s.gpr[kRsp] -= 12);
  r.w32(sp, 0x100);
  r.w32(sp + 4, 0x1000);
  r.w32(sp + 8, 0xffffffff & ~(kTf | kRf));
  r.run("66 cf");
  EXPECT_EQ(r.cpu.rflags(), kArithFlags | kIf | kDf | kIopl | kNt | kAc | kId | 2u);
}

TEST_F(Interrupts, ExternalInterruptComesBetweenInstructionsWhenIfIsSet) {
  r.real_mode();
  r.w32(0x20 * 4, 0x20000010);
  r.put(0x10000, "90 fb 90 90");  // nop; sti; nop; nop
  r.cpu.set_intr(true);
  r.step();
  EXPECT_EQ(r.s.rip, 1u);
  r.step();
  EXPECT_EQ(r.s.rip, 2u);
  r.step();
  EXPECT_EQ(r.s.rip, 3u) << "STI delays by one instruction";
  r.step();
  EXPECT_EQ(r.code_address(), 0x20010u);
  EXPECT_EQ(r.r16(0x8ffa), 3);
}

TEST_F(Interrupts, HltWaitsForAnInterruptAndReturnsBehindIt) {
  r.real_mode();
  r.w32(0x20 * 4, 0x20000010);
  r.flags(kIf);
  EXPECT_EQ(r.run("f4", 2), Stop::Halted);
  r.cpu.set_intr(true);
  r.step();
  EXPECT_EQ(r.code_address(), 0x20010u);
  EXPECT_EQ(r.r16(0x8ffa), 1);
}

// SDM vol. 3, 6.7.1: NMI is blocked until the next IRET.
TEST_F(Interrupts, NmiIsBlockedUntilIret) {
  r.real_mode();
  r.w32(kNmi * 4, 0x20000010);
  r.put(0x10000, "90 90 90");
  r.put(0x20010, "90 cf");
  r.cpu.pulse_nmi();
  r.step();
  EXPECT_EQ(r.code_address(), 0x20010u);
  r.cpu.pulse_nmi();
  r.step();
  EXPECT_EQ(r.code_address(), 0x20011u) << "blocked";
  r.step();
  EXPECT_EQ(r.code_address(), 0x10000u);
  r.step();
  EXPECT_EQ(r.code_address(), 0x20010u) << "the latched one";
}

// --- protected mode --------------------------------------------------------------------------------------------------

TEST_F(Interrupts, InterruptGateClearsIfAndTrapGateDoesNot) {
  for (const u8 access : {0x8e, 0x8f}) {
    r.protected_mode();
    r.flags(kIf | kNt);
    r.idt(0x40, CpuRig::gate(CpuRig::kCode0, CpuRig::handler(0x40), access));
    r.run("cd 40");
    EXPECT_EQ(r.entered(), 0x40);
    EXPECT_EQ(r.s.gpr[kRsp], CpuRig::kStack0 - 12u);
    EXPECT_EQ(r.stack(0), CpuRig::kCode + 2u);
    EXPECT_EQ(r.stack(1), u32{CpuRig::kCode0});
    EXPECT_EQ(r.stack(2), kIf | kNt | 2u);
    EXPECT_EQ(r.cpu.rflags() & (kIf | kNt), access == 0x8f ? kIf : 0u);
  }
}

TEST_F(Interrupts, SixteenBitGatePushesWordsAndAWordErrorCode) {
  r.protected_mode();
  r.gdt(kG, CpuRig::descriptor(0x20000, 0xffff, 0x9b, 0));
  r.idt(kGp, CpuRig::gate(kG, kGp * 16, 0x86));
  r.s.gpr[kRax] = 0x0400;
  r.run("8e d8");
  EXPECT_EQ(r.entered(), int{kGp});
  EXPECT_EQ(r.s.gpr[kRsp], CpuRig::kStack0 - 8u);
  EXPECT_EQ(r.r16(CpuRig::kStack0 - 8), 0x400);
  EXPECT_EQ(r.r16(CpuRig::kStack0 - 6), CpuRig::kCode & 0xffff);
  EXPECT_EQ(r.r16(CpuRig::kStack0 - 4), CpuRig::kCode0);
}

// INT n: the checks on the gate; the error code names the IDT entry (bit 1).
TEST_F(Interrupts, GateChecks) {
  struct {
    u8 vector;
    u64 gate;
    unsigned cpl;
    int fault;
    u32 error;
  } cases[] = {
      {0x40, CpuRig::gate(CpuRig::kCode0, 0, 0x8e), 3, kGp, 0x40 * 8 + 2},  // DPL < CPL
      {0x40, CpuRig::gate(CpuRig::kCode0, 0, 0x0e), 0, kNp, 0x40 * 8 + 2},  // absent
      {0x40, CpuRig::gate(CpuRig::kCode0, 0, 0x8c), 0, kGp, 0x40 * 8 + 2},  // a call gate
      {0x40, CpuRig::gate(CpuRig::kCode0, 0, 0x9e), 0, kGp, 0x40 * 8 + 2},  // not a system descriptor
      {0x40, CpuRig::gate(0, 0, 0x8e), 0, kGp, 0},                          // null CS
      {0x40, CpuRig::gate(0x400, 0, 0x8e), 0, kGp, 0x400},
      {0x40, CpuRig::gate(CpuRig::kData0, 0, 0x8e), 0, kGp, CpuRig::kData0},
      {0x40, CpuRig::gate(CpuRig::kCode3, 0, 0x8e), 0, kGp, CpuRig::kCode3 & ~3u},  // less privileged
      {0x40, CpuRig::gate(CpuRig::kCode16, 0x10000, 0x8e), 0, kGp, 0},              // beyond the limit
      {0xff, CpuRig::gate(CpuRig::kCode0, 0, 0x8e), 0, kGp, 0xff * 8 + 2},          // beyond the IDT
  };
  for (const auto& c : cases) {
    r.protected_mode(c.cpl);
    r.s.idtr.limit = 0x7f7;
    r.idt(c.vector, c.gate);
    r.put(CpuRig::kCode, "cd");
    r.memory.write8(CpuRig::kCode + 1, c.vector);
    r.step();
    EXPECT_FAULT(r, c.fault, c.error);
    EXPECT_EQ(r.stack(1), CpuRig::kCode) << "a fault: returns to INT itself";
  }
}

// Software interrupts check the gate's DPL, external ones and INT1 do not.
TEST_F(Interrupts, ExternalInterruptAndInt1IgnoreTheGateDpl) {
  r.protected_mode(3);
  r.flags(kIf);
  r.put(CpuRig::kCode, "90");
  r.cpu.set_intr(true);
  r.step();
  EXPECT_EQ(r.entered(), 0x20);
  EXPECT_EQ(r.stack(0), CpuRig::kCode);
  r.protected_mode(3);
  r.run("f1");
  EXPECT_EQ(r.entered(), int{kDb});
  EXPECT_EQ(r.stack(0), CpuRig::kCode + 1u);
  r.protected_mode(3);
  r.run("cc");
  EXPECT_FAULT(r, kGp, kBp * 8 + 2);
}

// Table 6-? and INT pseudo-code: EXT is set when an external event or an exception was being delivered.
TEST_F(Interrupts, ExtBitTellsWhereAFaultInDeliveryCameFrom) {
  r.protected_mode();
  r.flags(kIf);
  r.idt(0x20, CpuRig::gate(0x400, 0, 0x8e));
  r.put(CpuRig::kCode, "90");
  r.cpu.set_intr(true);
  r.step();
  EXPECT_FAULT(r, kGp, 0x401);
  r.cpu.set_intr(false);

  r.protected_mode();
  r.idt(kUd, CpuRig::gate(CpuRig::kCode0, 0, 0x0e));
  r.run("0f 0b");
  EXPECT_FAULT(r, kNp, kUd * 8 + 3);

  r.protected_mode();
  r.idt(kDb, CpuRig::gate(CpuRig::kCode0, 0, 0x0e));
  r.run("f1");
  EXPECT_FAULT(r, kNp, kDb * 8 + 3);
}

TEST_F(Interrupts, IntoTrapsOnlyOnOverflow) {
  r.protected_mode();
  r.run("ce");
  EXPECT_EQ(r.s.rip, CpuRig::kCode + 1u);
  r.flags(kOf);
  r.run("ce");
  EXPECT_TRAPPED(r, kOfv);
  EXPECT_EQ(r.stack(0), CpuRig::kCode + 2u);
}

// INT n, "INTER-PRIVILEGE-LEVEL-INTERRUPT".
TEST_F(Interrupts, InnerInterruptPushesTheOuterStackAndIretReturns) {
  r.protected_mode(3);
  r.idt(0x40, CpuRig::gate(CpuRig::kCode0, CpuRig::handler(0x40), 0xee));
  r.flags(kIf);
  r.run("cd 40");
  EXPECT_EQ(r.entered(), 0x40);
  EXPECT_EQ(r.s.cpl, 0);
  EXPECT_EQ(r.s.gpr[kRsp], CpuRig::kStack0 - 20u);
  const u32 expected[] = {CpuRig::kCode + 2, CpuRig::kCode3, kIf | 2u, CpuRig::kStack3, CpuRig::kData3};
  for (unsigned n = 0; n < 5; ++n) EXPECT_EQ(r.stack(n), expected[n]) << n;
  EXPECT_EQ(r.s.seg[kDs].selector, CpuRig::kData3) << "data segments stay";
  r.run("cf");
  EXPECT_EQ(r.s.cpl, 3);
  EXPECT_EQ(r.s.rip, CpuRig::kCode + 2u);
  EXPECT_EQ(r.s.gpr[kRsp], CpuRig::kStack3);
  EXPECT_TRUE(r.cpu.rflags() & kIf);
}

TEST_F(Interrupts, ConformingHandlerKeepsTheLevel) {
  r.protected_mode(3);
  r.idt(0x40, CpuRig::gate(CpuRig::kConforming, CpuRig::handler(0x40), 0xee));
  r.run("cd 40");
  EXPECT_EQ(r.s.cpl, 3);
  EXPECT_EQ(r.s.gpr[kRsp], CpuRig::kStack3 - 12u);
}

TEST_F(Interrupts, ErrorCodeIsPushedOnTheInnerStack) {
  r.protected_mode(3);
  r.s.gpr[kRax] = CpuRig::kData0;
  r.run("8e d8");
  EXPECT_FAULT(r, kGp, CpuRig::kData0);
  EXPECT_EQ(r.s.gpr[kRsp], CpuRig::kStack0 - 24u);
  EXPECT_EQ(r.stack(3) & kRf, kRf) << "a fault sets RF in the image";
}

TEST_F(Interrupts, FaultOnTheInnerStackNamesItWithExt) {
  r.protected_mode(3);
  r.flags(kIf);
  r.w16(CpuRig::kTssBase0 + 8, 0x400);
  r.idt(kTs, CpuRig::gate(CpuRig::kCode3, CpuRig::handler(kTs), 0x8e));
  r.put(CpuRig::kCode, "90");
  r.cpu.set_intr(true);
  r.step();
  EXPECT_FAULT(r, kTs, 0x401);
}

// --- double and triple faults (SDM vol. 3, 6.15, interrupt 8) --------------------------------------------------------

TEST_F(Interrupts, ContributoryAfterContributoryIsADoubleFaultAtTheInstruction) {
  r.protected_mode();
  r.idt(kNp, CpuRig::gate(CpuRig::kCode0, 0, 0x0e));
  r.gdt(kG, CpuRig::descriptor(0, 0, 0x12, 0));
  r.s.gpr[kRax] = kG;
  r.run("8e d8");
  EXPECT_FAULT(r, kDf8, 0);
  EXPECT_EQ(r.stack(1), CpuRig::kCode);
}

TEST_F(Interrupts, BenignFirstExceptionIsSerial) {
  r.protected_mode();
  r.idt(kUd, CpuRig::gate(0x400, 0, 0x8e));
  r.run("0f 0b");
  EXPECT_FAULT(r, kGp, 0x401);
}

TEST_F(Interrupts, SoftwareInterruptWithAContributoryVectorIsBenign) {
  r.protected_mode();
  r.idt(kTs, CpuRig::gate(0x400, 0, 0x8e));
  r.run("cd 0a");
  EXPECT_FAULT(r, kGp, 0x400);
}

TEST_F(Interrupts, PageFaultAfterContributoryIsSerialAndTheOtherWayRoundIsADoubleFault) {
  r.protected_mode();
  r.paging();
  r.idt(kNp, CpuRig::gate(CpuRig::kCode0, 0, 0x0e));
  r.w32(r.pte_address(0x50000), 0);
  r.run("8b 05 00 00 05 00");  // page fault, delivered
  EXPECT_FAULT(r, kPfv, 0);
  EXPECT_EQ(r.s.cr2, 0x50000u);
  r.protected_mode();
  r.paging();
  r.idt(kPfv, CpuRig::gate(CpuRig::kCode0, 0, 0x0e));
  r.w32(r.pte_address(0x50000), 0);
  r.run("8b 05 00 00 05 00");
  EXPECT_FAULT(r, kDf8, 0);
  // #NP whose gate lies on an absent page: the page fault is delivered.
  r.protected_mode();
  r.paging();
  r.s.idtr.base = 0x40000 - kNp * 8 - 8;
  for (u32 v = 0; v < 256; ++v)
    r.w64(r.s.idtr.base + v * 8, CpuRig::gate(CpuRig::kCode0, CpuRig::handler(static_cast<u8>(v)), 0x8e));
  r.w32(r.pte_address(0x3f000), 0);
  r.s.gpr[kRax] = kG;
  r.gdt(kG, CpuRig::descriptor(0, 0, 0x12, 0));
  r.cpu.state_changed();
  r.run("8e d8");
  EXPECT_EQ(r.entered(), int{kPfv});
}

TEST_F(Interrupts, FaultWhileDeliveringADoubleFaultShutsDown) {
  r.protected_mode();
  r.idt(kGp, 0);
  r.idt(kDf8, 0);
  r.s.gpr[kRax] = 0x400;
  r.put(CpuRig::kCode, "8e d8");
  Stop stop = r.step();
  if (stop != Stop::Shutdown) stop = r.step();
  EXPECT_EQ(stop, Stop::Shutdown);
  EXPECT_EQ(r.s.activity, Activity::Shutdown);
}

// --- IRET ------------------------------------------------------------------------------------------------------------

// IRET: IOPL changes only at CPL 0, IF only with CPL <= IOPL, VIF and VIP only at CPL 0.
TEST_F(Interrupts, IretFlagsDependOnThePrivilege) {
  const u32 all = 0xffffffff & ~(kTf | kVm | kNt | kRf);
  r.protected_mode(0);
  frame({0x12000, CpuRig::kCode0, all});
  r.run("cf");
  EXPECT_EQ(r.cpu.rflags(), kArithFlags | kIf | kDf | kIopl | kAc | kVif | kVip | kId | 2u);
  r.protected_mode(3);
  frame({0x12000, CpuRig::kCode3, all});
  r.run("cf");
  EXPECT_EQ(r.cpu.rflags(), kArithFlags | kDf | kAc | kId | 2u);
  r.protected_mode(3);
  r.iopl(3);
  frame({0x12000, CpuRig::kCode3, all & ~kIopl});
  r.run("cf");
  EXPECT_EQ(r.cpu.rflags(), kArithFlags | kIf | kDf | kIopl | kAc | kId | 2u);
}

TEST_F(Interrupts, SixteenBitIretLeavesTheUpperFlags) {
  r.protected_mode();
  r.flags(kAc | kId);
  const u64 sp = r.s.gpr[kRsp] -= 6;
  r.w16(sp, 0x2000);
  r.w16(sp + 2, CpuRig::kCode0);
  r.w16(sp + 4, 0x0003);
  r.run("66 cf");
  EXPECT_EQ(r.s.rip, 0x2000u);
  EXPECT_EQ(r.cpu.rflags(), kAc | kId | kCf | 2u);
}

TEST_F(Interrupts, IretToAnInnerLevelFaults) {
  r.protected_mode(3);
  frame({0x12000, CpuRig::kCode0, 2});
  r.run("cf");
  EXPECT_FAULT(r, kGp, CpuRig::kCode0);
}

// VM in the image counts only at CPL 0.
TEST_F(Interrupts, IretAtLevel3IgnoresVmInTheImage) {
  r.protected_mode(3);
  frame({0x12000, CpuRig::kCode3, kVm | 2});
  r.run("cf");
  EXPECT_FALSE(r.cpu.rflags() & kVm);
  EXPECT_EQ(r.s.rip, 0x12000u);
}

// --- debug flags (SDM vol. 3, 17.3) ----------------------------------------------------------------------------------

TEST_F(Interrupts, TrapFlagTrapsAfterTheInstruction) {
  r.protected_mode();
  r.flags(kTf);
  r.run("90", 2);
  EXPECT_TRAPPED(r, kDb);
  EXPECT_EQ(r.stack(0), CpuRig::kCode + 1u);
  EXPECT_EQ(r.stack(2) & kTf, kTf);
  EXPECT_FALSE(r.cpu.rflags() & kTf);
  EXPECT_EQ(r.s.dr[6] & 0xe00f, 0x4000u);
}

TEST_F(Interrupts, SoftwareInterruptSwallowsTheSingleStepTrap) {
  r.protected_mode();
  r.flags(kTf);
  r.put(CpuRig::handler(0x40), "90 90");
  r.run("cd 40", 2);
  EXPECT_EQ(r.s.rip, CpuRig::handler(0x40) + 1u);
}

TEST_F(Interrupts, InstructionBreakpointIsAFaultThatRfSuppresses) {
  r.protected_mode();
  r.s.dr[0] = CpuRig::kCode + 1;
  r.s.dr[7] = 0x402;
  r.cpu.state_changed();
  r.put(CpuRig::handler(kDb), "cf");
  r.run("90 90 90", 2);
  EXPECT_TRAPPED(r, kDb);
  EXPECT_EQ(r.stack(0), CpuRig::kCode + 1u);
  EXPECT_EQ(r.stack(2) & kRf, 0u) << "17.3.1.1: RF is as it was";
  EXPECT_EQ(r.s.dr[6] & 0xe00f, 1u);
  r.w32(r.s.gpr[kRsp] + 8, r.stack(2) | kRf);
  r.step(2);
  EXPECT_EQ(r.s.rip, CpuRig::kCode + 2u) << "IRETD set RF: the breakpoint is passed once";
  EXPECT_FALSE(r.cpu.rflags() & kRf);
}

TEST_F(Interrupts, DataBreakpointTrapsAfterTheAccess) {
  r.protected_mode();
  r.s.dr[1] = 0x5000;
  r.s.dr[7] = 0x400 | 8 | (1u << 20) | (3u << 22);  // DR1, write, four bytes
  r.cpu.state_changed();
  r.run("a1 00 50 00 00 a3 02 50 00 00", 3);
  EXPECT_TRAPPED(r, kDb);
  EXPECT_EQ(r.stack(0), CpuRig::kCode + 10u);
  EXPECT_EQ(r.s.dr[6] & 0xe00f, 2u);
}

TEST_F(Interrupts, GeneralDetectFaultsOnDebugRegisterAccessAndClearsGd) {
  r.protected_mode();
  r.s.dr[7] = 0x2400;
  r.cpu.state_changed();
  r.run("0f 21 c0");  // mov eax, dr0
  EXPECT_TRAPPED(r, kDb);
  EXPECT_EQ(r.stack(0), CpuRig::kCode);
  EXPECT_EQ(r.s.dr[6] & 0xe00f, 0x2000u);
  EXPECT_EQ(r.s.dr[7] & 0x2000, 0u);
}

// SDM vol. 3, 6.8.3: no debug trap between MOV SS and the next instruction.
TEST_F(Interrupts, MovSsHoldsOffTheSingleStepTrap) {
  r.protected_mode();
  r.s.gpr[kRax] = CpuRig::kData0;
  r.flags(kTf);
  r.run("8e d0 90 90", 3);
  EXPECT_TRAPPED(r, kDb);
  EXPECT_EQ(r.stack(0), CpuRig::kCode + 3u);
}

// A data breakpoint that MOV SS meets waits for the next instruction (6.8.3). If that is INT1, one debug exception
// tells both; after INT n the handler of the interrupt comes first, and the breakpoint's before its first instruction.
TEST_F(Interrupts, ABreakpointThatMovSsHoldsBackJoinsTheDebugExceptionOfInt1) {
  for (const bool int1 : {true, false}) {
    r.protected_mode();
    r.w16(0x5000, CpuRig::kData0);
    r.s.dr[0] = 0x5000;
    r.s.dr[7] = 0x70402;  // reads and writes of two bytes
    r.cpu.state_changed();
    r.s.gpr[kRbx] = 0x5000;
    r.put(CpuRig::kCode, int1 ? "8e 13 f1" : "8e 13 cc");
    r.step();
    EXPECT_EQ(r.s.rip, CpuRig::kCode + 2u);
    r.step();
    r.step();
    EXPECT_EQ(r.s.dr[6] & 0xe00f, 1u);
    if (int1) {
      EXPECT_EQ(r.stack(0), CpuRig::kCode + 3u);
      EXPECT_EQ(r.s.gpr[kRsp], CpuRig::kStack0 - 12u);
    } else {
      EXPECT_EQ(r.stack(3), CpuRig::kCode + 3u);
      EXPECT_EQ(r.s.gpr[kRsp], CpuRig::kStack0 - 24u);
    }
  }
}

}  // namespace
}  // namespace orrery::test
