// Hardware task switches (SDM vol. 3, chapter 7).
#include "tests/support/cpu_rig.h"

namespace orrery::test {
namespace {

constexpr u16 kG = CpuRig::kFree;
constexpr u32 kT0 = CpuRig::kTssBase0, kT1 = CpuRig::kTssBase1;

struct Tasks : ::testing::Test {
  CpuRig r;

  void SetUp() override { start(0); }
  void start(unsigned cpl) {
    r.protected_mode(cpl);
    const u32 gprs[] = {0xa0a0a0a0, 0xc1c1c1c1, 0xd2d2d2d2, 0xb3b3b3b3, 0x8800, 0xb5b5b5b5, 0x56565656, 0xd7d7d7d7};
    r.w32(kT1 + 28, 0);
    r.w32(kT1 + 32, 0x15000);
    r.w32(kT1 + 36, kCf | 2);
    for (unsigned n = 0; n < 8; ++n) r.w32(kT1 + 40 + n * 4, gprs[n]);
    selectors({CpuRig::kData0, CpuRig::kCode0, CpuRig::kData0, CpuRig::kData0, CpuRig::kData0, CpuRig::kData0});
    r.w16(kT1 + 96, 0);
    r.w16(kT1 + 100, 0);
  }
  void selectors(std::initializer_list<u16> es_cs_ss_ds_fs_gs) {
    u32 at = kT1 + 72;
    for (const u16 sel : es_cs_ss_ds_fs_gs) {
      r.w16(at, sel);
      at += 4;
    }
  }
  u8 access(u16 selector) { return static_cast<u8>(r.gdt(selector) >> 40); }
  void jmp_tss() { r.run("ea 00000000 4800"); }
  void call_tss() { r.run("9a 00000000 4800"); }
};

TEST_F(Tasks, JumpSavesTheOldTaskAndLoadsTheNew) {
  r.s.gpr[kRax] = 0x11112222;
  r.flags(kZf | kIf);
  jmp_tss();
  EXPECT_EQ(r.s.rip, 0x15000u);
  EXPECT_EQ(r.s.gpr[kRax], 0xa0a0a0a0u);
  EXPECT_EQ(r.s.gpr[kRdi], 0xd7d7d7d7u);
  EXPECT_EQ(r.s.gpr[kRsp], 0x8800u);
  EXPECT_EQ(r.cpu.rflags(), kCf | 2u);
  EXPECT_EQ(r.s.tr.selector, CpuRig::kTss1);
  EXPECT_EQ(access(CpuRig::kTss0), 0x89) << "no longer busy";
  EXPECT_EQ(access(CpuRig::kTss1), 0x8b);
  EXPECT_TRUE(r.s.cr0 & kCr0Ts);
  EXPECT_FALSE(r.s.ldtr.present());
  EXPECT_EQ(r.r32(kT0 + 32), CpuRig::kCode + 7u);
  EXPECT_EQ(r.r32(kT0 + 36), kZf | kIf | 2u);
  EXPECT_EQ(r.r32(kT0 + 40), 0x11112222u);
  EXPECT_EQ(r.r32(kT0 + 56), CpuRig::kStack0);
  EXPECT_EQ(r.r16(kT0 + 76), CpuRig::kCode0);
  EXPECT_EQ(r.r16(kT0 + 80), CpuRig::kData0);
}

TEST_F(Tasks, CallNestsAndIretReturns) {
  call_tss();
  EXPECT_EQ(access(CpuRig::kTss0), 0x8b) << "stays busy";
  EXPECT_EQ(access(CpuRig::kTss1), 0x8b);
  EXPECT_EQ(r.r16(kT1), CpuRig::kTss0) << "back link";
  EXPECT_TRUE(r.cpu.rflags() & kNt);
  r.w32(kT0 + 28, 0);
  r.s.gpr[kRbx] = 0x77777777;
  r.run("cf");
  EXPECT_EQ(r.s.tr.selector, CpuRig::kTss0);
  EXPECT_EQ(r.s.rip, CpuRig::kCode + 7u);
  EXPECT_EQ(r.s.gpr[kRsp], CpuRig::kStack0);
  EXPECT_FALSE(r.cpu.rflags() & kNt);
  EXPECT_EQ(access(CpuRig::kTss1), 0x89);
  EXPECT_EQ(access(CpuRig::kTss0), 0x8b);
  EXPECT_EQ(r.r32(kT1 + 36) & kNt, 0u) << "NT is cleared in the image that IRET saves";
  EXPECT_EQ(r.r32(kT1 + 52), 0x77777777u);
  EXPECT_EQ(r.r32(kT1 + 32), 0x15001u);
}

// 7.3: the old task's state is saved (step 8) before the new one's is loaded (step 12), and here they are the same.
TEST_F(Tasks, IretToTheTaskItselfGoesOnWhereItIs) {
  r.w16(kT0, CpuRig::kTss0);
  r.w32(kT0 + 32, 0x15000);
  for (unsigned n = 0; n < 6; ++n) r.w16(kT0 + 72 + n * 4, n == 1 ? CpuRig::kCode0 : CpuRig::kData0);
  r.w16(kT0 + 96, 0);
  r.flags(kNt);
  r.s.gpr[kRbx] = 0x77777777;
  r.run("cf");
  EXPECT_EQ(r.s.rip, CpuRig::kCode + 1u);
  EXPECT_EQ(r.s.gpr[kRbx], 0x77777777u);
  EXPECT_FALSE(r.cpu.rflags() & kNt);
  EXPECT_EQ(r.s.tr.selector, CpuRig::kTss0);
}

// 7.3: "checks that the ... new TSS ... [is] paged into system memory", all of it, also what is not read.
TEST_F(Tasks, ANewTssThatIsPartlyNotPresentFaultsInTheOldTask) {
  for (const u32 base : {0x14ffcu, 0x14fa0u}) {
    start(0);
    for (u32 n = 0; n < 104; n += 4) r.w32(base + n, r.r32(kT1 + n));
    r.gdt(CpuRig::kTss1, CpuRig::descriptor(base, 0x67, 0x89, 0));
    r.paging();
    r.w32(r.pte_address(base == 0x14ffc ? 0x14000 : 0x15000), 0);
    jmp_tss();
    EXPECT_FAULT(r, kPfv, 0);
    EXPECT_EQ(r.s.tr.selector, CpuRig::kTss0);
  }
}

TEST_F(Tasks, TaskGateInTheGdtOrLdtLeadsToTheTask) {
  r.gdt(CpuRig::kGate, CpuRig::gate(CpuRig::kTss1, 0, 0x85));
  r.run("ea 00000000 7800");
  EXPECT_EQ(r.s.tr.selector, CpuRig::kTss1);
  start(0);
  r.ldt(0x0c, CpuRig::gate(CpuRig::kTss1, 0, 0x85));
  r.run("9a 00000000 0c00");
  EXPECT_EQ(r.s.tr.selector, CpuRig::kTss1);
  EXPECT_TRUE(r.cpu.rflags() & kNt);
}

TEST_F(Tasks, TransferChecks) {
  struct {
    u64 gate;
    u64 tss;
    unsigned cpl;
    u16 selector;
    int fault;
    u32 error;
  } cases[] = {
      {0, CpuRig::descriptor(kT1, 0x67, 0x8b, 0), 0, CpuRig::kTss1, kGp, CpuRig::kTss1},        // busy
      {0, CpuRig::descriptor(kT1, 0x67, 0x09, 0), 0, CpuRig::kTss1, kNp, CpuRig::kTss1},        // absent
      {0, CpuRig::descriptor(kT1, 0x67, 0x89, 0), 3, CpuRig::kTss1, kGp, CpuRig::kTss1},        // DPL < CPL
      {0, CpuRig::descriptor(kT1, 0x67, 0x89, 0), 0, CpuRig::kTss1 | 3, kGp, CpuRig::kTss1},    // DPL < RPL
      {0, CpuRig::descriptor(kT1, 0x66, 0x89, 0), 0, CpuRig::kTss1, kTs, CpuRig::kTss1},        // too short
      {CpuRig::gate(CpuRig::kTss1, 0, 0x85), 0, 3, CpuRig::kGate | 3, kGp, CpuRig::kGate},      // gate DPL
      {CpuRig::gate(CpuRig::kTss1, 0, 0x05), 0, 0, CpuRig::kGate, kNp, CpuRig::kGate},          // gate absent
      {CpuRig::gate(CpuRig::kTss1 | 4, 0, 0x85), 0, 0, CpuRig::kGate, kGp, CpuRig::kTss1 | 4},  // TSS in the LDT
      {CpuRig::gate(0x400, 0, 0x85), 0, 0, CpuRig::kGate, kGp, 0x400},
      {CpuRig::gate(CpuRig::kCode0, 0, 0x85), 0, 0, CpuRig::kGate, kGp, CpuRig::kCode0},
      {CpuRig::gate(CpuRig::kTss0, 0, 0x85), 0, 0, CpuRig::kGate, kGp, CpuRig::kTss0},  // busy
  };
  for (const auto& c : cases) {
    start(c.cpl);
    if (c.gate != 0) r.gdt(CpuRig::kGate, c.gate);
    if (c.tss != 0) r.gdt(CpuRig::kTss1, c.tss);
    char code[32];
    std::snprintf(code, sizeof code, "ea 00000000 %02x00", c.selector);
    r.run(code);
    EXPECT_FAULT(r, c.fault, c.error);
    EXPECT_EQ(r.stack(1), CpuRig::kCode) << "in the old task";
    EXPECT_EQ(r.s.tr.selector, CpuRig::kTss0);
  }
}

// Table 7-1: faults from step 13 on happen in the new task, before its first instruction.
TEST_F(Tasks, NewTaskChecksAreFaultsOfTheNewTask) {
  struct {
    u32 offset;
    u16 value;
    u64 descriptor;
    int fault;
    u32 error;
  } cases[] = {
      {96, CpuRig::kData0, 0, kTs, CpuRig::kData0},                       // LDT: wrong type
      {96, kG, CpuRig::descriptor(0, 0, 0x02, 0), kTs, kG},               // LDT: absent
      {96, kG | 4, CpuRig::descriptor(0, 0, 0x82, 0), kTs, kG | 4},       // LDT: in an LDT
      {76, 0, 0, kTs, 0},                                                 // CS: null
      {76, CpuRig::kData0, 0, kTs, CpuRig::kData0},                       // CS: not code
      {76, kG, CpuRig::descriptor(0, 0xfffff, 0xba, 0xc0), kTs, kG},      // CS: DPL != RPL
      {76, kG, CpuRig::descriptor(0, 0xfffff, 0x1a, 0xc0), kNp, kG},      // CS: absent
      {84, CpuRig::kTss0, 0, kTs, CpuRig::kTss0},                         // DS: a TSS
      {84, kG, CpuRig::descriptor(0, 0xfffff, 0x98, 0xc0), kTs, kG},      // DS: execute-only
      {84, kG | 3, CpuRig::descriptor(0, 0xfffff, 0x92, 0xc0), kTs, kG},  // DS: DPL < RPL
      {84, kG, CpuRig::descriptor(0, 0xfffff, 0x12, 0xc0), kNp, kG},      // DS: absent
  };
  for (const auto& c : cases) {
    start(0);
    if (c.descriptor != 0) r.gdt(kG, c.descriptor);
    r.w16(kT1 + c.offset, c.value);
    // Handlers with a stack of their own: a task gate to TSS 0's sibling would hide the return address, so the new
    // task's own stack serves where it is valid, and a 16-bit TSS where it is not.
    const bool stack_loaded = c.offset == 84;
    if (!stack_loaded) {
      r.idt(static_cast<u8>(c.fault), CpuRig::gate(CpuRig::kTss16Selector, 0, 0x85));
      r.w16(CpuRig::kTssBase16 + 14, 0x100);
      r.w16(CpuRig::kTssBase16 + 16, 2);
      r.w16(CpuRig::kTssBase16 + 26, 0x7800);
      r.w16(CpuRig::kTssBase16 + 34, 0);
      r.w16(CpuRig::kTssBase16 + 36, CpuRig::kCode16);
      r.w16(CpuRig::kTssBase16 + 38, CpuRig::kData16);
      r.w16(CpuRig::kTssBase16 + 40, 0);
      r.w16(CpuRig::kTssBase16 + 42, 0);
    }
    SCOPED_TRACE(testing::Message() << "offset " << c.offset << " value " << c.value);
    jmp_tss();
    if (stack_loaded) {
      EXPECT_FAULT(r, c.fault, c.error);
      EXPECT_EQ(r.stack(1), 0x15000u) << "EIP of the new task";
      EXPECT_EQ(r.s.tr.selector, CpuRig::kTss1);
    } else {
      EXPECT_EQ(r.s.tr.selector, CpuRig::kTss16Selector);
      EXPECT_EQ(r.r16(0x7800 - 2), c.error);
      EXPECT_EQ(r.r16(CpuRig::kTssBase16), CpuRig::kTss1) << "came from the new task";
      EXPECT_EQ(r.r32(kT1 + 32), 0x15000u);
    }
  }
}

TEST_F(Tasks, NewStackChecks) {
  struct {
    u16 value;
    u64 descriptor;
    int fault;
    u32 error;
  } cases[] = {
      {0, 0, kTs, 0},
      {kG, CpuRig::descriptor(0, 0xfffff, 0x90, 0xc0), kTs, kG},
      {kG, CpuRig::descriptor(0, 0xfffff, 0xf2, 0xc0), kTs, kG},
      {kG, CpuRig::descriptor(0, 0xfffff, 0x12, 0xc0), kSsv, kG},
  };
  for (const auto& c : cases) {
    start(0);
    if (c.descriptor != 0) r.gdt(kG, c.descriptor);
    r.w16(kT1 + 80, c.value);
    r.idt(static_cast<u8>(c.fault), CpuRig::gate(CpuRig::kTss16Selector, 0, 0x85));
    r.w16(CpuRig::kTssBase16 + 16, 2);
    r.w16(CpuRig::kTssBase16 + 26, 0x7800);
    r.w16(CpuRig::kTssBase16 + 36, CpuRig::kCode16);
    r.w16(CpuRig::kTssBase16 + 38, CpuRig::kData16);
    r.w16(CpuRig::kTssBase16 + 34, 0);
    r.w16(CpuRig::kTssBase16 + 40, 0);
    r.w16(CpuRig::kTssBase16 + 42, 0);
    jmp_tss();
    EXPECT_EQ(r.s.tr.selector, CpuRig::kTss16Selector);
    EXPECT_EQ(r.r16(0x7800 - 2), c.error);
  }
}

// Interrupt 10, table 7-1: the handler of a fault that comes before the new task has a stack cannot use it: it comes on
// the inner stack that the new TSS names, and the fault is told, not a double fault. The stack is looked at before the
// code segment.
TEST_F(Tasks, AFaultBeforeTheNewTaskHasAStackIsToldOnItsInnerStack) {
  struct {
    u32 offset;
    u16 value;
    u64 descriptor;
    int fault;
    u16 error;
    bool inner;
  } cases[] = {
      {96, CpuRig::kData0, 0, kTs, CpuRig::kData0, true},                    // LDT: wrong type
      {80, 0, 0, kTs, 0, true},                                              // SS: null
      {80, kG, CpuRig::descriptor(0, 0xfffff, 0x12, 0xc0), kSsv, kG, true},  // SS: absent
      {76, CpuRig::kData0, 0, kTs, CpuRig::kData0, false},                   // CS: not code
      {76, kG, CpuRig::descriptor(0, 0xfffff, 0x1a, 0xc0), kNp, kG, false},  // CS: absent
  };
  for (const auto& c : cases) {
    start(0);
    if (c.descriptor != 0) r.gdt(kG, c.descriptor);
    r.w16(kT1 + c.offset, c.value);
    r.w32(kT1 + 4, 0x8700);
    r.w16(kT1 + 8, CpuRig::kData0);
    SCOPED_TRACE(testing::Message() << "offset " << c.offset << " value " << c.value);
    jmp_tss();
    EXPECT_FAULT(r, c.fault, c.error);
    EXPECT_EQ(r.s.tr.selector, CpuRig::kTss1);
    EXPECT_EQ(r.s.gpr[kRsp], (c.inner ? 0x8700u - 24 : 0x8800u - 16));
    EXPECT_EQ(r.stack(1), 0x15000u) << "EIP of the new task";
    if (c.inner) EXPECT_EQ(r.stack(4), 0x8800u);
  }
}

TEST_F(Tasks, OfABadStackAndABadCodeSegmentTheStackIsTold) {
  r.w16(kT1 + 76, CpuRig::kTss0);
  r.w16(kT1 + 80, CpuRig::kTss1);
  r.w32(kT1 + 4, 0x8700);
  r.w16(kT1 + 8, CpuRig::kData0);
  jmp_tss();
  EXPECT_FAULT(r, kTs, CpuRig::kTss1);
}

TEST_F(Tasks, EntryPointBeyondTheNewCodeSegmentIsGeneralProtectionInTheNewTask) {
  r.gdt(kG, CpuRig::descriptor(0, 0xfff, 0x9b, 0x40));
  r.w16(kT1 + 76, kG);
  jmp_tss();
  EXPECT_FAULT(r, kGp, 0);
  EXPECT_EQ(r.stack(1), 0x15000u);
}

// 7.2.? (figure 7-10): a 16-bit TSS has no FS, GS, CR3 or T; the upper halves of the registers are all ones.
TEST_F(Tasks, SixteenBitTask) {
  r.w16(CpuRig::kTssBase16 + 14, 0x100);
  r.w16(CpuRig::kTssBase16 + 16, kCf | 2);
  r.w16(CpuRig::kTssBase16 + 18, 0x1234);
  r.w16(CpuRig::kTssBase16 + 26, 0x7800);
  r.w16(CpuRig::kTssBase16 + 34, CpuRig::kData16);
  r.w16(CpuRig::kTssBase16 + 36, CpuRig::kCode16);
  r.w16(CpuRig::kTssBase16 + 38, CpuRig::kData16);
  r.w16(CpuRig::kTssBase16 + 40, CpuRig::kData16);
  r.run("9a 00000000 7000");
  EXPECT_EQ(r.code_address(), 0x10100u);
  EXPECT_EQ(r.s.gpr[kRax], 0xffff1234u);
  EXPECT_EQ(r.s.seg[kFs].selector, 0);
  EXPECT_FALSE(r.s.seg[kGs].present());
  EXPECT_EQ(r.r16(CpuRig::kTssBase16), CpuRig::kTss0);
  EXPECT_EQ(access(CpuRig::kTss16Selector), 0x83);
  r.w32(kT0 + 28, 0);
  r.s.gpr[kRcx] = 0xabcd5678;
  r.run("cf");
  EXPECT_EQ(r.s.tr.selector, CpuRig::kTss0);
  EXPECT_EQ(r.r16(CpuRig::kTssBase16 + 20), 0x5678);
  EXPECT_EQ(r.r16(CpuRig::kTssBase16 + 14), 0x101);
}

// The debug trap of the T flag comes when the switch is complete: a fault of the switch (JMP, "TASK-GATE": also EIP
// outside of its segment) leaves none behind.
TEST_F(Tasks, AFaultInTheNewTaskTakesThePlaceOfTheTrap) {
  r.w16(kT1 + 100, 1);
  r.w16(kT1 + 84, CpuRig::kTss0);  // DS
  jmp_tss();
  EXPECT_FAULT(r, kTs, CpuRig::kTss0);
  r.step();
  EXPECT_NE(r.entered(), kDb);
  start(0);
  r.w16(kT1 + 100, 1);
  r.gdt(kG, CpuRig::descriptor(0, 0xfff, 0x9b, 0x40));
  r.w16(kT1 + 76, kG);  // CS
  jmp_tss();
  EXPECT_FAULT(r, kGp, 0);
  EXPECT_EQ(r.stack(1), 0x15000u);
  r.step();
  EXPECT_NE(r.entered(), kDb);
  EXPECT_EQ(r.s.dr[6] & 0x8000, 0u);
}

TEST_F(Tasks, TrapBitCausesADebugExceptionBeforeTheFirstInstruction) {
  r.w16(kT1 + 100, 1);
  jmp_tss();
  r.put(0x15000, "90");
  r.step();
  EXPECT_TRAPPED(r, kDb);
  EXPECT_EQ(r.stack(0), 0x15000u);
  EXPECT_EQ(r.s.dr[6] & 0xe00f, 0x8000u);
}

TEST_F(Tasks, LocalBreakpointEnablesAreCleared) {
  r.s.dr[7] = 0x7ff;
  r.s.dr[0] = r.s.dr[1] = r.s.dr[2] = r.s.dr[3] = 0x90000;
  r.cpu.state_changed();
  jmp_tss();
  EXPECT_EQ(r.s.dr[7], 0x6aau);
}

TEST_F(Tasks, PageDirectoryAndLdtComeFromTheTss) {
  r.paging();
  r.w32(kT1 + 28, CpuRig::kPages);
  r.w16(kT1 + 96, CpuRig::kLdtSelector);
  r.s.ldtr = Segment{};
  r.ldt(0x0c, CpuRig::descriptor(0x5000, 0xfff, 0x93, 0x40));
  r.w16(kT1 + 84, 0x0c);
  jmp_tss();
  EXPECT_EQ(r.s.cr3, CpuRig::kPages);
  EXPECT_EQ(r.s.ldtr.base, CpuRig::kLdtBase);
  EXPECT_EQ(r.s.seg[kDs].base, 0x5000u);
}

TEST_F(Tasks, SwitchToAVirtual8086Task) {
  r.w32(kT1 + 36, kVm | 2);
  selectors({0x1111, 0x1500, 0x0700, 0x2222, 0x3333, 0x4444});
  r.w32(kT1 + 32, 0x20);
  jmp_tss();
  EXPECT_EQ(r.s.cpl, 3);
  EXPECT_EQ(r.code_address(), 0x15020u);
  EXPECT_EQ(r.s.seg[kEs].base, 0x11110u);
  EXPECT_EQ(r.s.seg[kGs].base, 0x44440u);
}

// --- interrupts through task gates -----------------------------------------------------------------------------------

TEST_F(Tasks, InterruptThroughATaskGateNestsAndPushesTheErrorCodeOnTheNewStack) {
  r.idt(kGp, CpuRig::gate(CpuRig::kTss1, 0, 0x85));
  r.s.gpr[kRax] = 0x0400;
  r.run("8e d8");
  EXPECT_EQ(r.s.tr.selector, CpuRig::kTss1);
  EXPECT_EQ(r.s.rip, 0x15000u);
  EXPECT_EQ(r.s.gpr[kRsp], 0x8800u - 4);
  EXPECT_EQ(r.stack(0), 0x400u);
  EXPECT_EQ(r.r32(kT0 + 32), CpuRig::kCode) << "the faulting instruction";
  EXPECT_TRUE(r.cpu.rflags() & kNt);
  EXPECT_EQ(r.r16(kT1), CpuRig::kTss0);
}

TEST_F(Tasks, SoftwareInterruptThroughATaskGateResumesBehindIt) {
  r.idt(0x40, CpuRig::gate(CpuRig::kTss1, 0, 0x85));
  r.run("cd 40");
  EXPECT_EQ(r.r32(kT0 + 32), CpuRig::kCode + 2u);
  EXPECT_EQ(r.s.gpr[kRsp], 0x8800u);
}

TEST_F(Tasks, DoubleFaultThroughATaskGateWorksOnABrokenStack) {
  r.gdt(kG, CpuRig::descriptor(0x8000, 0xfff, 0x93, 0x40));
  r.load(kSs, kG);
  r.s.gpr[kRsp] = 0x2000;
  r.cpu.state_changed();
  r.idt(kDf8, CpuRig::gate(CpuRig::kTss1, 0, 0x85));
  r.run("50");  // push eax: #SS, which cannot be delivered
  EXPECT_EQ(r.s.tr.selector, CpuRig::kTss1);
  EXPECT_EQ(r.stack(0), 0u);
  EXPECT_EQ(r.r32(kT0 + 32), CpuRig::kCode);
}

TEST_F(Tasks, BusyTaskBehindAnInterruptGateIsGeneralProtectionWithItsSelector) {
  r.idt(0x40, CpuRig::gate(CpuRig::kTss0, 0, 0x85));
  r.run("cd 40");
  EXPECT_FAULT(r, kGp, CpuRig::kTss0);
}

TEST_F(Tasks, IretWithABadBackLinkIsTs) {
  r.flags(kNt);
  r.w16(kT0, CpuRig::kTss1);  // available, not busy
  r.run("cf");
  EXPECT_FAULT(r, kTs, CpuRig::kTss1);
  start(0);
  r.flags(kNt);
  r.w16(kT0, 0x404);
  r.run("cf");
  EXPECT_FAULT(r, kTs, 0x404);
}

}  // namespace
}  // namespace orrery::test
