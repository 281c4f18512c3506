// Far JMP, CALL and RET (SDM vol. 2: JMP, CALL, RET; vol. 3, 5.8).
#include "tests/support/cpu_rig.h"

namespace orrery::test {
namespace {

constexpr u16 kG = CpuRig::kFree;
constexpr u16 kGate = CpuRig::kGate;

struct FarTransfer : ::testing::Test {
  CpuRig r;

  static std::string far_pointer(const char* opcode, u32 offset, u16 selector) {
    char text[64];
    std::snprintf(text, sizeof text, "%s %02x%02x%02x%02x %02x%02x", opcode, offset & 0xff, offset >> 8 & 0xff,
                  offset >> 16 & 0xff, offset >> 24, selector & 0xff, selector >> 8);
    return text;
  }
  void jmp(u16 selector, u32 offset = 0x12000) { r.run(far_pointer("ea", offset, selector)); }
  void call(u16 selector, u32 offset = 0x12000) { r.run(far_pointer("9a", offset, selector)); }
};

// --- real mode -------------------------------------------------------------------------------------------------------

TEST_F(FarTransfer, RealModeCallAndReturn) {
  r.real_mode();
  r.run("9a 34 12 00 20");
  EXPECT_EQ(r.s.seg[kCs].selector, 0x2000);
  EXPECT_EQ(r.s.seg[kCs].base, 0x20000u);
  EXPECT_EQ(r.s.rip, 0x1234u);
  EXPECT_EQ(r.r16(0x8ffc), 5);
  EXPECT_EQ(r.r16(0x8ffe), 0x1000);
  r.run("ca 02 00");
  EXPECT_EQ(r.s.seg[kCs].selector, 0x1000);
  EXPECT_EQ(r.s.rip, 5u);
  EXPECT_EQ(r.s.gpr[kRsp], 0x1002u);
}

// JMP/CALL: a 32-bit offset beyond the limit is #GP; the stack is as it was.
TEST_F(FarTransfer, RealModeOffsetBeyondTheLimitFaults) {
  r.real_mode();
  r.w32(kGp * 4, 0x20000060);
  r.run("66 9a 00 00 01 00 00 20");
  EXPECT_EQ(r.code_address(), 0x20060u);
  EXPECT_EQ(r.r16(0x8ffa), 0) << "return address of the fault";
  EXPECT_EQ(r.s.gpr[kRsp], 0xffau);
}

// CALL: the stack is checked for both pushes before either is made.
TEST_F(FarTransfer, RealModeCallChecksTheWholeStackFirst) {
  r.real_mode(0x1000, 0, 0x0800, 3);
  r.w32(kSsv * 4, 0x20000060);
  r.run("9a 34 12 00 20");
  EXPECT_NE(r.s.activity, Activity::Running) << "#SS itself cannot be delivered on this stack";
}

TEST_F(FarTransfer, RealModeStackWrapsAtAnEvenPointer) {
  r.real_mode(0x1000, 0, 0x0800, 2);
  r.run("9a 34 12 00 20");
  EXPECT_EQ(r.s.gpr[kRsp], 0xfffeu);
  EXPECT_EQ(r.r16(0x8000), 0x1000);
  EXPECT_EQ(r.r16(0x8000 + 0xfffe), 5);
}

// --- direct, protected mode ------------------------------------------------------------------------------------------

TEST_F(FarTransfer, JumpToTheSameLevelKeepsCplInTheSelector) {
  r.protected_mode(3);
  jmp(CpuRig::kCode3 & ~3);
  EXPECT_EQ(r.s.seg[kCs].selector, CpuRig::kCode3) << "RPL becomes CPL";
  EXPECT_EQ(r.s.rip, 0x12000u);
}

struct Case {
  u8 access;
  u16 rpl;
  unsigned cpl;
  int fault;
};

TEST_F(FarTransfer, DirectChecks) {
  const Case cases[] = {
      {0x9a, 0, 0, -1},  {0x98, 0, 0, -1},  {0xfa, 3, 3, -1},  {0xfa, 0, 3, -1},  {0xfa, 0, 0, kGp}, {0x9a, 3, 0, kGp},
      {0x9a, 0, 3, kGp}, {0x9e, 3, 3, -1},  {0x9e, 0, 3, -1},  {0xfe, 0, 0, kGp}, {0x9e, 3, 0, -1},  {0x1a, 0, 0, kNp},
      {0x1e, 0, 0, kNp}, {0x92, 0, 0, kGp}, {0x82, 0, 0, kGp}, {0x8e, 0, 0, kGp}, {0x8f, 0, 0, kGp}, {0x1a, 3, 0, kGp},
  };
  for (const Case& c : cases) {
    for (const bool is_call : {false, true}) {
      SCOPED_TRACE(testing::Message() << std::hex << int{c.access} << " rpl " << c.rpl << " cpl " << c.cpl);
      r.protected_mode(c.cpl);
      r.gdt(kG, CpuRig::descriptor(0, 0xfffff, c.access, 0xc0));
      if (is_call) call(kG | c.rpl);
      if (!is_call) jmp(kG | c.rpl);
      if (c.fault >= 0) {
        EXPECT_FAULT(r, c.fault, kG);
        continue;
      }
      EXPECT_EQ(r.s.seg[kCs].selector, kG | c.cpl);
      EXPECT_EQ(r.s.cpl, c.cpl);
      EXPECT_EQ(r.s.rip, 0x12000u);
      EXPECT_EQ(r.gdt(kG) >> 40 & 1, 1u);
      if (is_call) {
        EXPECT_EQ(r.stack(0), CpuRig::kCode + 7u);
      }
    }
  }
}

TEST_F(FarTransfer, NullSelectorAndSelectorBeyondTheTable) {
  r.protected_mode();
  jmp(3);
  EXPECT_FAULT(r, kGp, 0);
  r.protected_mode();
  call(0x0400);
  EXPECT_FAULT(r, kGp, 0x400);
}

TEST_F(FarTransfer, OffsetBeyondTheNewLimitIsGeneralProtectionWithoutSelector) {
  r.protected_mode();
  r.gdt(kG, CpuRig::descriptor(0, 0xfff, 0x9a, 0x40));
  jmp(kG, 0x1000);
  EXPECT_FAULT(r, kGp, 0);
  EXPECT_EQ(r.gdt(kG) >> 40 & 1, 0u);
  r.protected_mode();
  r.gdt(kG, CpuRig::descriptor(0, 0xfff, 0x9a, 0x40));
  call(kG, 0x1000);
  EXPECT_FAULT(r, kGp, 0);
  EXPECT_EQ(r.s.gpr[kRsp], CpuRig::kStack0 - 16u) << "nothing but the exception frame was pushed";
}

// CALL: #SS(0) if the stack has no room, before the offset is looked at.
TEST_F(FarTransfer, CallChecksTheStackBeforeTheOffset) {
  r.protected_mode();
  r.load(kSs, CpuRig::kData0);
  r.gdt(kG, CpuRig::descriptor(0x8000, 0xfff, 0x93, 0x40));
  r.load(kSs, kG);
  r.s.gpr[kRsp] = 4;
  r.idt(kSsv, CpuRig::gate(CpuRig::kTss1, 0, 0x85));  // a task gate, for the stack is useless
  r.w32(CpuRig::kTssBase1 + 32, 0x13000);
  r.w32(CpuRig::kTssBase1 + 56, 0x7000);
  r.w16(CpuRig::kTssBase1 + 76, CpuRig::kCode0);
  r.w16(CpuRig::kTssBase1 + 80, CpuRig::kData0);
  r.cpu.state_changed();
  call(CpuRig::kCode16, 0x00020000);
  EXPECT_EQ(r.s.tr.selector, CpuRig::kTss1);
  EXPECT_EQ(r.s.rip, 0x13000u);
  EXPECT_EQ(r.stack(0), 0u) << "error code";
}

TEST_F(FarTransfer, MemoryFormReadsOffsetThenSelector) {
  r.protected_mode();
  r.w32(0x5000, 0x12345);
  r.w16(0x5004, CpuRig::kConforming);
  r.run("ff 2d 00 50 00 00");
  EXPECT_EQ(r.s.seg[kCs].selector, CpuRig::kConforming);
  EXPECT_EQ(r.s.rip, 0x12345u);
  r.w16(0x12347, 0);
  r.protected_mode();
  r.w32(0x5000, 0x12345);
  r.w16(0x5004, CpuRig::kConforming);
  r.run("ff 1d 00 50 00 00");
  EXPECT_EQ(r.stack(0), CpuRig::kCode + 6u);
  EXPECT_EQ(r.stack(1), u32{CpuRig::kCode0});
}

TEST_F(FarTransfer, SixteenBitCallPushesWords) {
  r.protected_mode();
  r.run("66 9a 34 12 28 00");
  EXPECT_EQ(r.s.seg[kCs].selector, CpuRig::kCode16);
  EXPECT_EQ(r.s.rip, 0x1234u);
  EXPECT_EQ(r.s.gpr[kRsp], CpuRig::kStack0 - 4u);
  EXPECT_EQ(r.r16(CpuRig::kStack0 - 4), 0x0006) << "low half of the return address";
  EXPECT_EQ(r.r16(CpuRig::kStack0 - 2), CpuRig::kCode0);
}

// --- call gates ------------------------------------------------------------------------------------------------------

TEST_F(FarTransfer, CallGateToTheSameLevelIgnoresTheOffset) {
  r.protected_mode();
  r.gdt(kGate, CpuRig::gate(CpuRig::kCode0, 0x14000, 0x8c));
  call(kGate, 0xffffffff);
  EXPECT_EQ(r.s.rip, 0x14000u);
  EXPECT_EQ(r.stack(0), CpuRig::kCode + 7u);
  EXPECT_EQ(r.stack(1), u32{CpuRig::kCode0});
}

TEST_F(FarTransfer, SixteenBitCallGatePushesWordsAndTruncatesTheOffset) {
  r.protected_mode();
  r.gdt(kGate, CpuRig::gate(CpuRig::kCode0, 0xffff4000, 0x84));
  call(kGate);
  EXPECT_EQ(r.s.rip, 0x4000u);
  EXPECT_EQ(r.s.gpr[kRsp], CpuRig::kStack0 - 4u);
}

TEST_F(FarTransfer, CallGateChecks) {
  struct {
    u8 gate_access;
    u16 gate_rpl;
    u16 target;
    u64 code;
    unsigned cpl;
    int fault;
    u32 error;
  } cases[] = {
      {0x8c, 0, CpuRig::kCode0, 0, 3, kGp, kGate},                            // gate DPL < CPL
      {0x8c, 3, CpuRig::kCode0, 0, 0, kGp, kGate},                            // gate DPL < RPL
      {0x6c, 3, CpuRig::kCode0, 0, 3, kNp, kGate},                            // gate absent
      {0xec, 3, 0, 0, 3, kGp, 0},                                             // null target
      {0xec, 3, 0x400, 0, 3, kGp, 0x400},                                     // target outside the table
      {0xec, 3, CpuRig::kData0, 0, 3, kGp, CpuRig::kData0},                   // target not code
      {0xec, 0, CpuRig::kCode3, 0, 0, kGp, CpuRig::kCode3 & ~3u},             // target less privileged than CPL
      {0xec, 3, kG, CpuRig::descriptor(0, 0xfffff, 0x1a, 0xc0), 3, kNp, kG},  // target absent
  };
  for (const auto& c : cases) {
    r.protected_mode(c.cpl);
    r.gdt(kGate, CpuRig::gate(c.target, 0x14000, c.gate_access));
    if (c.code != 0) r.gdt(kG, c.code);
    call(kGate | c.gate_rpl);
    EXPECT_FAULT(r, c.fault, c.error);
  }
}

// JMP through a gate cannot change the level.
TEST_F(FarTransfer, JumpThroughACallGateNeedsTheSameLevelOrConforming) {
  r.protected_mode(3);
  r.gdt(kGate, CpuRig::gate(CpuRig::kCode0, 0x14000, 0xec));
  jmp(kGate | 3);
  EXPECT_FAULT(r, kGp, CpuRig::kCode0);
  r.protected_mode(3);
  r.gdt(kGate, CpuRig::gate(CpuRig::kConforming, 0x14000, 0xec));
  jmp(kGate | 3);
  EXPECT_EQ(r.s.rip, 0x14000u);
  EXPECT_EQ(r.s.cpl, 3);
}

// CALL, "MORE-PRIVILEGE": stack from the TSS, SS:ESP, parameters, CS:EIP.
TEST_F(FarTransfer, InnerCallSwitchesStacksAndCopiesParameters) {
  r.protected_mode(3);
  r.gdt(kGate, CpuRig::gate(CpuRig::kCode0, 0x14000, 0xec, 2));
  r.s.gpr[kRsp] -= 8;
  r.w32(CpuRig::kStack3 - 8, 0x11111111);
  r.w32(CpuRig::kStack3 - 4, 0x22222222);
  call(kGate | 3);
  EXPECT_EQ(r.s.cpl, 0);
  EXPECT_EQ(r.s.seg[kCs].selector, CpuRig::kCode0);
  EXPECT_EQ(r.s.seg[kSs].selector, CpuRig::kData0);
  EXPECT_EQ(r.s.gpr[kRsp], CpuRig::kStack0 - 24u);
  const u32 expected[] = {CpuRig::kCode + 7, CpuRig::kCode3,      0x11111111,
                          0x22222222,        CpuRig::kStack3 - 8, CpuRig::kData3};
  for (unsigned n = 0; n < 6; ++n) EXPECT_EQ(r.stack(n), expected[n]) << n;

  // RETF 8 goes back and releases the parameters on both stacks; inner data segments become null.
  r.s.seg[kDs] = r.s.seg[kSs];
  r.cpu.state_changed();
  r.run("ca 08 00");
  EXPECT_EQ(r.s.cpl, 3);
  EXPECT_EQ(r.s.rip, CpuRig::kCode + 7u);
  EXPECT_EQ(r.s.seg[kSs].selector, CpuRig::kData3);
  EXPECT_EQ(r.s.gpr[kRsp], CpuRig::kStack3);
  EXPECT_EQ(r.s.seg[kDs].selector, 0);
  EXPECT_EQ(r.s.seg[kEs].selector, CpuRig::kData3) << "usable at the outer level";
}

TEST_F(FarTransfer, InnerCallThroughA16BitGateWith16BitTss) {
  r.protected_mode(3);
  r.s.tr = Segment{.selector = CpuRig::kTss16Selector, .attributes = 0x83, .limit = 0x2b, .base = CpuRig::kTssBase16};
  r.w16(CpuRig::kTssBase16 + 2, 0x8f00);
  r.w16(CpuRig::kTssBase16 + 4, CpuRig::kData0);
  r.gdt(kGate, CpuRig::gate(CpuRig::kCode0, 0x4000, 0xe4, 1));
  r.s.gpr[kRsp] -= 2;
  r.w16(CpuRig::kStack3 - 2, 0xabcd);
  call(kGate | 3);
  EXPECT_EQ(r.s.gpr[kRsp], 0x8f00u - 10);
  const u16 expected[] = {CpuRig::kCode + 7 & 0xffff, CpuRig::kCode3, 0xabcd, CpuRig::kStack3 - 2, CpuRig::kData3};
  for (unsigned n = 0; n < 5; ++n) EXPECT_EQ(r.r16(0x8f00 - 10 + n * 2), expected[n]) << n;
}

// CALL: what can be wrong with the stack in the TSS.
TEST_F(FarTransfer, InnerStackChecks) {
  struct {
    u16 ss;
    u64 descriptor;
    u32 tss_limit;
    int fault;
    u32 error;
  } cases[] = {
      {CpuRig::kData0, 0, 8, kTs, CpuRig::kTss0},                            // TSS too short
      {0, 0, 0x3ff, kTs, 0},                                                 // null
      {0x400, 0, 0x3ff, kTs, 0x400},                                         // outside the table
      {CpuRig::kData3, 0, 0x3ff, kTs, CpuRig::kData3 & ~3u},                 // RPL and DPL
      {kG | 3, CpuRig::descriptor(0, 0xfffff, 0x93, 0xc0), 0x3ff, kTs, kG},  // RPL
      {kG, CpuRig::descriptor(0, 0xfffff, 0x91, 0xc0), 0x3ff, kTs, kG},      // read-only
      {kG, CpuRig::descriptor(0, 0xfffff, 0x9b, 0xc0), 0x3ff, kTs, kG},      // code
      {kG, CpuRig::descriptor(0, 0xfffff, 0x13, 0xc0), 0x3ff, kSsv, kG},     // absent
      {kG, CpuRig::descriptor(0, 0x0fff, 0x93, 0x40), 0x3ff, kSsv, kG},      // no room: ESP beyond the limit
  };
  for (const auto& c : cases) {
    r.protected_mode(3);
    r.s.tr.limit = c.tss_limit;
    r.w16(CpuRig::kTssBase0 + 8, c.ss);
    if (c.descriptor != 0) r.gdt(kG, c.descriptor);
    r.gdt(kGate, CpuRig::gate(CpuRig::kCode0, 0x14000, 0xec));
    // The handler itself needs a good inner stack: let it run at level 3.
    r.idt(kTs, CpuRig::gate(CpuRig::kCode3, CpuRig::handler(kTs), 0x8e));
    r.idt(kSsv, CpuRig::gate(CpuRig::kCode3, CpuRig::handler(kSsv), 0x8e));
    call(kGate | 3);
    EXPECT_FAULT(r, c.fault, c.error);
    EXPECT_EQ(r.s.gpr[kRsp], CpuRig::kStack3 - 16u);
  }
}

TEST_F(FarTransfer, ConformingTargetOfAGateKeepsTheLevelAndTheStack) {
  r.protected_mode(3);
  r.gdt(kGate, CpuRig::gate(CpuRig::kConforming, 0x14000, 0xec, 3));
  call(kGate | 3);
  EXPECT_EQ(r.s.cpl, 3);
  EXPECT_EQ(r.s.gpr[kRsp], CpuRig::kStack3 - 8u);
}

// --- RETF ------------------------------------------------------------------------------------------------------------

TEST_F(FarTransfer, ReturnChecksOnCs) {
  struct {
    u16 selector;
    u64 code;
    unsigned cpl;
    int fault;
    u32 error;
  } cases[] = {
      {0, 0, 0, kGp, 0},
      {0x400, 0, 0, kGp, 0x400},
      {CpuRig::kData0, 0, 0, kGp, CpuRig::kData0},
      {CpuRig::kCode0, 0, 3, kGp, CpuRig::kCode0},                       // to an inner level
      {kG | 3, CpuRig::descriptor(0, 0xfffff, 0x9a, 0xc0), 0, kGp, kG},  // DPL != RPL
      {kG | 1, CpuRig::descriptor(0, 0xfffff, 0xfe, 0xc0), 0, kGp, kG},  // conforming, DPL > RPL
      {kG, CpuRig::descriptor(0, 0xfffff, 0x1a, 0xc0), 0, kNp, kG},
      {kG, CpuRig::descriptor(0, 0xfff, 0x9a, 0x40), 0, kGp, 0},  // EIP beyond the limit
  };
  for (const auto& c : cases) {
    r.protected_mode(c.cpl);
    if (c.code != 0) r.gdt(kG, c.code);
    const u64 sp = r.s.gpr[kRsp] -= 8;
    r.w32(sp, 0x12000);
    r.w32(sp + 4, c.selector);
    r.run("cb");
    EXPECT_FAULT(r, c.fault, c.error);
  }
}

TEST_F(FarTransfer, OuterReturnChecksOnSs) {
  struct {
    u16 selector;
    u64 data;
    int fault;
    u32 error;
  } cases[] = {
      {0, 0, kGp, 0},
      {0x400, 0, kGp, 0x400},
      {CpuRig::kData0, 0, kGp, CpuRig::kData0},
      {kG | 3, CpuRig::descriptor(0, 0xfffff, 0x93, 0xc0), kGp, kG},
      {kG | 3, CpuRig::descriptor(0, 0xfffff, 0xf1, 0xc0), kGp, kG},
      {kG | 3, CpuRig::descriptor(0, 0xfffff, 0x73, 0xc0), kSsv, kG},
  };
  for (const auto& c : cases) {
    r.protected_mode();
    if (c.data != 0) r.gdt(kG, c.data);
    const u64 sp = r.s.gpr[kRsp] -= 16;
    r.w32(sp, 0x12000);
    r.w32(sp + 4, CpuRig::kCode3);
    r.w32(sp + 8, CpuRig::kStack3);
    r.w32(sp + 12, c.selector);
    r.run("cb");
    EXPECT_FAULT(r, c.fault, c.error);
  }
}

TEST_F(FarTransfer, ReturnToA16BitStackChangesOnlySp) {
  r.protected_mode();
  r.gdt(kG, CpuRig::descriptor(0, 0xffff, 0xf3, 0));
  const u64 sp = r.s.gpr[kRsp] = 0x0004'8000;  // upper half must survive
  r.w32(sp, 0x12000);
  r.w32(sp + 4, CpuRig::kCode3);
  r.w32(sp + 8, 0x1234a000);
  r.w32(sp + 12, kG | 3);
  r.run("cb");
  EXPECT_EQ(r.s.gpr[kRsp], 0x0004a000u);
}

}  // namespace
}  // namespace orrery::test
