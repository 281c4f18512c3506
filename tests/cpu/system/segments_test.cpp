// Segment register loads and descriptor instructions (SDM vol. 2: MOV, LDS, LLDT, LTR, LAR, LSL, VERR, VERW, ARPL,
// LGDT).
#include "tests/support/cpu_rig.h"

namespace orrery::test {
namespace {

constexpr auto kG = CpuRig::kFree;

struct Segments : ::testing::Test {
  CpuRig r;
};

// MOV, "Operation": real-address mode shifts the selector, and limits stay what they are.
TEST_F(Segments, RealModeLoadKeepsTheLimitOfUnrealMode) {
  r.real_mode();
  r.s.seg[kDs].limit = 0xffffffff;
  r.cpu.state_changed();
  r.s.gpr[kRax] = 0x1234;
  r.run("8e d8");  // mov ds, ax
  EXPECT_EQ(r.s.seg[kDs].base, 0x12340u);
  EXPECT_EQ(r.s.seg[kDs].limit, 0xffffffffu);
}

// MOV: CS cannot be loaded; registers 6 and 7 do not exist.
TEST_F(Segments, LoadingCsOrANonexistentSegmentIsUndefined) {
  for (const char* code : {"8e c8", "8e f0", "8e f8"}) {
    r.protected_mode();
    r.run(code);
    EXPECT_TRAPPED(r, kUd) << code;
  }
}

TEST_F(Segments, NullSelectorLoadsIntoDataSegmentsAndFaultsOnUse) {
  r.protected_mode();
  r.s.gpr[kRax] = 3;
  r.run("8e d8 8b 05 00 00 00 00", 2);  // mov ds, ax; mov eax, [0]
  EXPECT_EQ(r.s.seg[kDs].selector, 3);
  EXPECT_FAULT(r, kGp, 0);
}

TEST_F(Segments, NullSelectorInSsIsGeneralProtection) {
  r.protected_mode();
  r.s.gpr[kRax] = 0;
  r.run("8e d0");
  EXPECT_FAULT(r, kGp, 0);
}

TEST_F(Segments, SelectorBeyondTheTableNamesItselfWithoutRpl) {
  r.protected_mode();
  r.s.gpr[kRax] = 0x0402;
  r.run("8e d8");
  EXPECT_FAULT(r, kGp, 0x400);
}

TEST_F(Segments, LdtSelectorIsLookedUpInTheLdtAndLimitedByIt) {
  r.protected_mode();
  r.ldt(0x0c, CpuRig::descriptor(0x5000, 0xfff, 0x92, 0x40));
  r.s.gpr[kRax] = 0x0c;
  r.run("8e c0");
  EXPECT_EQ(r.s.seg[kEs].base, 0x5000u);
  EXPECT_EQ(r.r64(CpuRig::kLdtBase + 8) >> 40 & 1, 1u) << "accessed bit";
  r.s.gpr[kRax] = 0x104;
  r.run("8e c0");
  EXPECT_FAULT(r, kGp, 0x104);
}

TEST_F(Segments, LdtSelectorWithoutLdtIsGeneralProtection) {
  r.protected_mode();
  r.s.ldtr = Segment{};
  r.s.gpr[kRax] = 0x0c;
  r.run("8e c0");
  EXPECT_FAULT(r, kGp, 0x0c);
}

struct DataCase {
  u8 access;
  u16 rpl;
  unsigned cpl;
  int fault;  // -1: loads
};

// MOV: data segment or readable code, DPL against CPL and RPL unless conforming, then presence.
TEST_F(Segments, DataSegmentChecks) {
  const DataCase cases[] = {
      {0x92, 0, 0, -1},  {0x90, 0, 0, -1},  {0x9a, 0, 0, -1},  {0x98, 0, 0, kGp}, {0x92, 3, 0, kGp}, {0x92, 0, 3, kGp},
      {0xf2, 3, 3, -1},  {0xf2, 0, 3, -1},  {0x9e, 3, 3, -1},  {0x9c, 0, 0, kGp}, {0x12, 0, 0, kNp}, {0x12, 3, 0, kGp},
      {0x82, 0, 0, kGp}, {0x89, 0, 0, kGp}, {0x8c, 0, 0, kGp}, {0xb2, 1, 1, -1},  {0xb2, 2, 1, kGp},
  };
  for (const DataCase& c : cases) {
    r.protected_mode(c.cpl);
    r.gdt(kG, CpuRig::descriptor(0x4000, 0xfff, c.access, 0x40));
    r.s.gpr[kRax] = kG | c.rpl;
    r.run("8e c0");
    SCOPED_TRACE(testing::Message() << std::hex << int{c.access} << " rpl " << c.rpl << " cpl " << c.cpl);
    if (c.fault < 0) {
      EXPECT_EQ(r.s.seg[kEs].selector, kG | c.rpl);
      EXPECT_EQ(r.s.seg[kEs].base, 0x4000u);
      EXPECT_EQ(r.gdt(kG) >> 40 & 1, 1u);
    } else {
      EXPECT_FAULT(r, c.fault, kG);
      EXPECT_EQ(r.gdt(kG) >> 40 & 1, c.access & 1u) << "a failed load leaves the accessed bit alone";
    }
  }
}

// MOV: SS needs writable data with RPL = DPL = CPL, else #GP; absent is #SS.
TEST_F(Segments, StackSegmentChecks) {
  const DataCase cases[] = {
      {0x92, 0, 0, -1},  {0x96, 0, 0, -1},   {0x90, 0, 0, kGp}, {0x9a, 0, 0, kGp}, {0xf2, 0, 0, kGp},
      {0x92, 3, 0, kGp}, {0x12, 0, 0, kSsv}, {0x10, 0, 0, kGp}, {0xb2, 1, 1, -1},
  };
  for (const DataCase& c : cases) {
    r.protected_mode(c.cpl);
    r.gdt(kG, CpuRig::descriptor(0, 0xfffff, c.access, 0xc0));
    r.s.gpr[kRax] = kG | c.rpl;
    r.run("8e d0");
    SCOPED_TRACE(testing::Message() << std::hex << int{c.access} << " rpl " << c.rpl);
    if (c.fault < 0) {
      EXPECT_EQ(r.s.seg[kSs].selector, kG | c.rpl);
    } else {
      EXPECT_FAULT(r, c.fault, kG);
    }
  }
}

// SDM vol. 3, 6.8.3: MOV SS and POP SS hold off interrupts until after the next instruction.
TEST_F(Segments, MovSsHoldsOffInterruptsForOneInstruction) {
  r.protected_mode();
  r.flags(kIf);
  r.s.gpr[kRax] = CpuRig::kData0;
  r.put(CpuRig::kCode, "8e d0 90 90");
  r.step();
  r.cpu.set_intr(true);
  r.step();
  EXPECT_EQ(r.s.rip, CpuRig::kCode + 3u) << "the instruction after MOV SS comes first";
  r.step();
  EXPECT_EQ(r.entered(), 0x20);
}

TEST_F(Segments, PopOfASegmentLeavesTheStackPointerIfItFaults) {
  r.protected_mode();
  r.s.gpr[kRsp] -= 4;
  r.w32(r.s.gpr[kRsp], 0x0404);
  const u64 sp = r.s.gpr[kRsp];
  r.run("07");  // pop es
  EXPECT_FAULT(r, kGp, 0x404);
  EXPECT_EQ(r.s.gpr[kRsp], sp - 16) << "pushed from the old stack pointer";
}

TEST_F(Segments, PushOfASegmentUsesTheOperandSize) {
  r.protected_mode();
  r.run("1e 66 1e", 2);  // push ds; o16 push ds
  EXPECT_EQ(r.s.gpr[kRsp], CpuRig::kStack0 - 6u);
  EXPECT_EQ(r.r32(CpuRig::kStack0 - 4), CpuRig::kData0);
}

TEST_F(Segments, LesLoadsOffsetAndSelectorOrNeither) {
  r.protected_mode();
  r.w32(0x5000, 0x11223344);
  r.w16(0x5004, CpuRig::kData16);
  r.run("c4 05 00 50 00 00");  // les eax, [0x5000]
  EXPECT_EQ(r.s.gpr[kRax], 0x11223344u);
  EXPECT_EQ(r.s.seg[kEs].selector, CpuRig::kData16);
  r.w16(0x5004, 0x400);
  r.w32(0x5000, 1);
  r.run("c4 05 00 50 00 00");
  EXPECT_FAULT(r, kGp, 0x400);
  EXPECT_EQ(r.s.gpr[kRax], 0x11223344u);
}

TEST_F(Segments, LldtChecksTypePrivilegeAndPresence) {
  r.protected_mode();
  r.gdt(kG, CpuRig::descriptor(0x6000, 0x27, 0x82, 0));
  r.s.gpr[kRax] = kG;
  r.run("0f 00 d0");
  EXPECT_EQ(r.s.ldtr.base, 0x6000u);
  EXPECT_EQ(r.s.ldtr.limit, 0x27u);
  struct {
    u64 value;
    u16 selector;
    unsigned cpl;
    int fault;
    u32 error;
  } cases[] = {
      {CpuRig::descriptor(0, 0, 0x92, 0), kG, 0, kGp, kG},          // not an LDT
      {CpuRig::descriptor(0, 0, 0x02, 0), kG, 0, kNp, kG},          // not present
      {CpuRig::descriptor(0, 0, 0x82, 0), kG | 4, 0, kGp, kG | 4},  // in the LDT
      {CpuRig::descriptor(0, 0, 0x82, 0), kG, 3, kGp, 0},           // CPL
  };
  for (const auto& c : cases) {
    r.protected_mode(c.cpl);
    r.gdt(kG, c.value);
    r.s.gpr[kRax] = c.selector;
    r.run("0f 00 d0");
    EXPECT_FAULT(r, c.fault, c.error);
  }
}

TEST_F(Segments, LldtOfNullMakesTheLdtUnusable) {
  r.protected_mode();
  r.s.gpr[kRax] = 0;
  r.run("0f 00 d0");
  EXPECT_FALSE(r.s.ldtr.present());
  r.s.gpr[kRax] = 0x0c;
  r.run("8e c0");
  EXPECT_FAULT(r, kGp, 0x0c);
}

TEST_F(Segments, LtrMarksTheTaskBusyAndRefusesABusyOne) {
  r.protected_mode();
  r.s.gpr[kRax] = CpuRig::kTss1;
  r.run("0f 00 d8");
  EXPECT_EQ(r.s.tr.base, CpuRig::kTssBase1);
  EXPECT_EQ(r.s.tr.type(), 11u);
  EXPECT_EQ(r.gdt(CpuRig::kTss1) >> 40 & 0xff, 0x8bu);
  r.run("0f 00 d8");
  EXPECT_FAULT(r, kGp, CpuRig::kTss1);
  r.protected_mode();
  r.s.gpr[kRax] = 0;
  r.run("0f 00 d8");
  EXPECT_FAULT(r, kGp, 0);
  r.protected_mode();
  r.gdt(CpuRig::kTss1, CpuRig::descriptor(0, 0x67, 0x09, 0));
  r.s.gpr[kRax] = CpuRig::kTss1;
  r.run("0f 00 d8");
  EXPECT_FAULT(r, kNp, CpuRig::kTss1);
}

TEST_F(Segments, ProtectedModeInstructionsAreUndefinedInRealMode) {
  for (const char* code :
       {"0f 00 d0", "0f 00 d8", "0f 00 c0", "0f 00 c8", "0f 02 c0", "0f 03 c0", "0f 00 e0", "0f 00 e8", "63 c0"}) {
    r.real_mode();
    r.w32(kUd * 4, 0x2000'0060);
    r.run(code);
    EXPECT_EQ(r.code_address(), 0x20060u) << code;
    EXPECT_EQ(r.r16(0x8ffa), 0) << "returns to the instruction";
  }
}

TEST_F(Segments, SldtAndStrZeroExtendIntoRegistersAndWriteWordsToMemory) {
  r.protected_mode();
  r.s.gpr[kRax] = 0xffffffff;
  r.w32(0x5000, 0xffffffff);
  r.run("0f 00 c0 0f 00 0d 00 50 00 00", 2);  // sldt eax; str [0x5000]
  EXPECT_EQ(r.s.gpr[kRax], CpuRig::kLdtSelector);
  EXPECT_EQ(r.r32(0x5000), 0xffff0000u | CpuRig::kTss0);
}

// LAR: which types show, at which privilege (table in LAR).
TEST_F(Segments, LarShowsTheListedTypesOnly) {
  const u16 good = 1 << 1 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 9 | 1 << 11 | 1 << 12;
  for (unsigned type = 0; type < 16; ++type) {
    r.protected_mode();
    r.gdt(kG, CpuRig::descriptor(0, 0x12345, static_cast<u8>(0x80 | type), 0x10));
    r.s.gpr[kRax] = 0xdeadbeef;
    r.s.gpr[kRcx] = kG;
    r.run("0f 02 c1");
    const bool ok = (good >> type & 1) != 0;
    EXPECT_EQ((r.cpu.rflags() & kZf) != 0, ok) << type;
    EXPECT_EQ(r.s.gpr[kRax] & 0xfff0ffff, ok ? 0x00108000u | type << 8 : 0xdea0beefu) << type;
  }
}

TEST_F(Segments, LslGivesTheByteGranularLimit) {
  const u16 good = 1 << 1 | 1 << 2 | 1 << 3 | 1 << 9 | 1 << 11;
  for (unsigned type = 0; type < 16; ++type) {
    r.protected_mode();
    r.gdt(kG, CpuRig::descriptor(0, 0x12345, static_cast<u8>(0x80 | type), 0x80));
    r.s.gpr[kRax] = 7;
    r.s.gpr[kRcx] = kG;
    r.run("0f 03 c1");
    const bool ok = (good >> type & 1) != 0;
    EXPECT_EQ((r.cpu.rflags() & kZf) != 0, ok) << type;
    EXPECT_EQ(r.s.gpr[kRax], ok ? 0x12345fffu : 7u) << type;
  }
}

TEST_F(Segments, VerrAndVerwFollowReadabilityWritabilityAndPrivilege) {
  struct {
    u8 access;
    u16 rpl;
    unsigned cpl;
    bool read, write;
  } cases[] = {
      {0x92, 0, 0, true, true},   {0x90, 0, 0, true, false}, {0x9a, 0, 0, true, false}, {0x98, 0, 0, false, false},
      {0x92, 0, 3, false, false}, {0xf2, 3, 3, true, true},  {0x9e, 3, 3, true, false}, {0x92, 3, 0, false, false},
      {0x82, 0, 0, false, false}, {0x12, 0, 0, true, true},
  };
  for (const auto& c : cases) {
    r.protected_mode(c.cpl);
    r.gdt(kG, CpuRig::descriptor(0, 0xff, c.access, 0));
    r.s.gpr[kRax] = kG | c.rpl;
    r.run("0f 00 e0");
    EXPECT_EQ((r.cpu.rflags() & kZf) != 0, c.read) << std::hex << int{c.access};
    r.run("0f 00 e8");
    EXPECT_EQ((r.cpu.rflags() & kZf) != 0, c.write) << std::hex << int{c.access};
  }
}

TEST_F(Segments, ArplRaisesRplAndSaysSoInZf) {
  r.protected_mode();
  r.s.gpr[kRax] = 0x1230;
  r.s.gpr[kRcx] = 3;
  r.run("63 c8");
  EXPECT_EQ(r.s.gpr[kRax], 0x1233u);
  EXPECT_TRUE(r.cpu.rflags() & kZf);
  r.run("63 c8");
  EXPECT_EQ(r.s.gpr[kRax], 0x1233u);
  EXPECT_FALSE(r.cpu.rflags() & kZf);
}

// LGDT/LIDT: 24 base bits with a 16-bit operand, 32 otherwise.
TEST_F(Segments, LgdtTakes24BitsOfBaseWithA16BitOperand) {
  r.protected_mode();
  r.w16(0x5000, 0x3ff);
  r.w32(0x5002, 0xab001000);
  r.run("66 0f 01 15 00 50 00 00");
  EXPECT_EQ(r.s.gdtr.base, 0x001000u);
  EXPECT_EQ(r.s.gdtr.limit, 0x3ff);
  r.run("0f 01 1d 00 50 00 00");
  EXPECT_EQ(r.s.idtr.base, 0xab001000u);
}

TEST_F(Segments, SgdtStoresLimitAndBase) {
  r.protected_mode();
  r.run("0f 01 05 00 50 00 00");
  EXPECT_EQ(r.r16(0x5000), 0x3ff);
  EXPECT_EQ(r.r32(0x5002), CpuRig::kGdt);
}

TEST_F(Segments, TableLoadsNeedLevelZeroAndStoresDoNot) {
  for (const char* code : {"0f 01 15 00 50 00 00", "0f 01 1d 00 50 00 00"}) {
    r.protected_mode(3);
    r.run(code);
    EXPECT_FAULT(r, kGp, 0);
  }
  r.protected_mode(3);
  r.run("0f 01 0d 00 50 00 00");
  EXPECT_EQ(r.r16(0x5000), 0x7ff);
}

// SDM vol. 3, 2.5: CR4.UMIP.
TEST_F(Segments, UmipKeepsTheTableStoresFromUserCode) {
  for (const char* code : {"0f 01 05 00 50 00 00", "0f 01 0d 00 50 00 00", "0f 00 c0", "0f 00 c8", "0f 01 e0"}) {
    r.protected_mode(3);
    r.cr4(kCr4Umip);
    r.run(code);
    EXPECT_FAULT(r, kGp, 0);
  }
}

}  // namespace
}  // namespace orrery::test
