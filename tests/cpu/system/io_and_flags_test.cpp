// IN, OUT, INS, OUTS and their permission (SDM vol. 1, chapter 19), PUSHF, POPF, frames, BOUND, LOCK (SDM vol. 2).
#include "tests/support/cpu_rig.h"

namespace orrery::test {
namespace {

struct IoAndFlags : ::testing::Test {
  CpuRig r;
  u32 value = 0x44332211;
  u32 written = 0;
  unsigned reads = 0;
  std::vector<core::IoSpace::Mapping> maps;
  void SetUp() override {
    maps.push_back(r.ports.map({.name = "port",
                                .base = 0x80,
                                .size = 8,
                                .widths = {1, 4},
                                .movable = false,
                                .read = [this](u64, unsigned width) -> u64 {
                                  ++reads;
                                  return width == 4 ? value : value & ((1u << width * 8) - 1);
                                },
                                .write = [this](u64, unsigned, u64 v) { written = static_cast<u32>(v); }}));
  }
  void io_bitmap(u16 port, bool allow) {
    r.w16(CpuRig::kTssBase0 + 102, 0x68);
    for (unsigned n = 0; n < 0x40; ++n) r.memory.write8(CpuRig::kTssBase0 + 0x68 + n, 0xff);
    if (allow) r.memory.write8(CpuRig::kTssBase0 + 0x68 + port / 8, static_cast<u8>(~(1u << port % 8)));
  }
};

TEST_F(IoAndFlags, InWritesOnlyItsWidth) {
  r.protected_mode();
  r.s.gpr[kRax] = 0xaabbccdd;
  r.run("e4 80");
  EXPECT_EQ(r.s.gpr[kRax], 0xaabbcc11u);
  r.run("66 e5 80");
  EXPECT_EQ(r.s.gpr[kRax], 0xaabb2211u);
  r.s.gpr[kRdx] = 0x80;
  r.run("ed");
  EXPECT_EQ(r.s.gpr[kRax], 0x44332211u);
  r.run("e6 80");
  EXPECT_EQ(written, 0x11u);
  r.run("ef");
  EXPECT_EQ(written, 0x44332211u);
}

TEST_F(IoAndFlags, PermissionComesFromIoplOrTheBitmap) {
  r.protected_mode(3);
  r.run("e4 80");
  EXPECT_FAULT(r, kGp, 0);
  r.protected_mode(3);
  r.iopl(3);
  r.run("e4 80");
  EXPECT_EQ(r.entered(), -1);
  r.protected_mode(3);
  io_bitmap(0x80, true);
  r.run("e4 80");
  EXPECT_EQ(r.entered(), -1);
  r.run("66 e5 80");
  EXPECT_FAULT(r, kGp, 0);  // every byte's bit must be clear
  r.protected_mode(3);
  io_bitmap(0x80, true);
  r.run("e4 81");
  EXPECT_FAULT(r, kGp, 0);
}

// 19.5.2: the two bytes that are read must lie within the TSS limit.
TEST_F(IoAndFlags, BitmapBeyondTheTssLimitFaults) {
  r.protected_mode(3);
  io_bitmap(0x80, true);
  r.s.tr.limit = 0x68 + 0x10;
  r.run("e4 80");
  EXPECT_FAULT(r, kGp, 0);
  r.protected_mode(3);
  io_bitmap(0x80, true);
  r.s.tr.limit = 0x68 + 0x11;
  r.run("e4 80");
  EXPECT_EQ(r.entered(), -1);
}

TEST_F(IoAndFlags, Virtual8086ModeUsesTheBitmapWhateverIopl) {
  r.v86_mode(3);
  r.run("e4 80");
  EXPECT_FAULT(r, kGp, 0);
  r.v86_mode(0);
  io_bitmap(0x80, true);
  r.run("e4 80");
  EXPECT_EQ(r.s.gpr[kRax] & 0xff, 0x11u);
}

TEST_F(IoAndFlags, RepInsReadsThePortOncePerElementAndStopsAtAFault) {
  r.protected_mode();
  r.s.gpr[kRcx] = 3;
  r.s.gpr[kRdi] = 0x5000;
  r.s.gpr[kRdx] = 0x80;
  r.run("f3 66 6d", 3);
  EXPECT_EQ(reads, 3u);
  EXPECT_EQ(r.s.gpr[kRcx], 0u);
  EXPECT_EQ(r.s.gpr[kRdi], 0x5006u);
  EXPECT_EQ(r.r32(0x5002), 0x22112211u);
  EXPECT_EQ(r.s.rip, CpuRig::kCode + 3u);
  // A page that cannot be written: the port is not read for it.
  r.protected_mode();
  r.paging();
  r.w32(r.pte_address(0x51000), 0);
  reads = 0;
  r.s.gpr[kRcx] = 3;
  r.s.gpr[kRdi] = 0x50ffc;
  r.s.gpr[kRdx] = 0x80;
  r.run("f3 66 6d", 3);
  EXPECT_FAULT(r, kPfv, 2);
  EXPECT_EQ(reads, 2u);
  EXPECT_EQ(r.s.gpr[kRcx], 1u);
  EXPECT_EQ(r.stack(1), CpuRig::kCode);
}

TEST_F(IoAndFlags, OutsWritesAndHonoursSegmentOverrideAndDirection) {
  r.protected_mode();
  r.flags(kDf);
  r.s.seg[kFs].base = 0x1000;
  r.cpu.state_changed();
  r.w32(0x5000, 0x87654321);
  r.s.gpr[kRsi] = 0x4000;
  r.s.gpr[kRdx] = 0x80;
  r.run("64 6f");
  EXPECT_EQ(written, 0x87654321u);
  EXPECT_EQ(r.s.gpr[kRsi], 0x3ffcu);
}

// SDM vol. 3, 17.2.4: R/W 10 with CR4.DE.
TEST_F(IoAndFlags, IoBreakpointTrapsAfterTheInstruction) {
  r.protected_mode();
  r.cr4(kCr4De);
  r.s.dr[0] = 0x82;
  r.s.dr[7] = 0x402 | 2u << 16;
  r.cpu.state_changed();
  r.run("e4 81 e4 82", 3);
  EXPECT_TRAPPED(r, kDb);
  EXPECT_EQ(r.stack(0), CpuRig::kCode + 4u);
  EXPECT_EQ(r.s.dr[6] & 0xe00f, 1u);
}

// --- flags -----------------------------------------------------------------------------------------------------------

TEST_F(IoAndFlags, PopfChangesIfAndIoplByPrivilege) {
  struct {
    unsigned cpl, iopl;
    u32 expected;
  } cases[] = {
      {0, 0, kIf | kIopl}, {1, 0, 0}, {1, 1, kIf | 1u << 12}, {3, 2, 2u << 12}, {3, 3, kIf | 3u << 12},
  };
  for (const auto& c : cases) {
    r.protected_mode(c.cpl);
    r.iopl(c.iopl);
    r.s.gpr[kRax] = kIf | kIopl;
    r.run("50 9d", 2);
    EXPECT_EQ(r.cpu.rflags() & (kIf | kIopl), c.expected) << c.cpl << c.iopl;
  }
}

// SDM vol. 2, POPF: "VIP, VIF, and VM remain unaffected", RF is cleared.
TEST_F(IoAndFlags, PopfdLeavesVmVifVipAndClearsRf) {
  r.protected_mode();
  r.flags(kVif);
  r.s.gpr[kRax] = kVm | kRf | kVip | kCf;
  r.run("50 9d", 2);
  EXPECT_EQ(r.cpu.rflags(), kVif | kCf | 2u);
}

TEST_F(IoAndFlags, CliAndStiNeedIopl) {
  for (const char* code : {"fa", "fb"}) {
    r.protected_mode(3);
    r.iopl(2);
    r.run(code);
    EXPECT_FAULT(r, kGp, 0);
    r.protected_mode(3);
    r.iopl(3);
    r.run(code);
    EXPECT_EQ(r.s.rip, CpuRig::kCode + 1u);
  }
}

// --- frames ----------------------------------------------------------------------------------------------------------

TEST_F(IoAndFlags, PushaPushesTheOldStackPointerAndPopaSkipsIt) {
  r.protected_mode();
  for (unsigned n = 0; n < 8; ++n) {
    if (n != kRsp) r.s.gpr[n] = 0x100 + n;
  }
  r.run("60");
  EXPECT_EQ(r.stack(7), 0x100u);
  EXPECT_EQ(r.stack(3), CpuRig::kStack0);
  EXPECT_EQ(r.stack(0), 0x107u);
  r.w32(r.s.gpr[kRsp] + 12, 0xdead);
  r.w32(r.s.gpr[kRsp], 0x777);
  r.run("61");
  EXPECT_EQ(r.s.gpr[kRsp], CpuRig::kStack0);
  EXPECT_EQ(r.s.gpr[kRdi], 0x777u);
}

TEST_F(IoAndFlags, EnterWithNestingCopiesTheDisplay) {
  r.protected_mode();
  r.s.gpr[kRbp] = 0x8800;
  r.w32(0x87fc, 0x11111111);
  r.w32(0x87f8, 0x22222222);
  r.run("c8 10 00 03");
  EXPECT_EQ(r.s.gpr[kRbp], CpuRig::kStack0 - 4u);
  EXPECT_EQ(r.s.gpr[kRsp], CpuRig::kStack0 - 4u - 12 - 16);
  EXPECT_EQ(r.r32(CpuRig::kStack0 - 4), 0x8800u);
  EXPECT_EQ(r.r32(CpuRig::kStack0 - 8), 0x11111111u);
  EXPECT_EQ(r.r32(CpuRig::kStack0 - 12), 0x22222222u);
  EXPECT_EQ(r.r32(CpuRig::kStack0 - 16), CpuRig::kStack0 - 4u);
  r.run("c9");
  EXPECT_EQ(r.s.gpr[kRsp], CpuRig::kStack0);
  EXPECT_EQ(r.s.gpr[kRbp], 0x8800u);
}

TEST_F(IoAndFlags, EnterFaultsIfTheNewTopOfTheStackCannotBeWritten) {
  r.protected_mode();
  r.paging();
  r.w32(r.pte_address(0x6000), 0);
  r.s.gpr[kRbp] = 0x1234;
  r.run("c8 00 20 00");  // enter 0x2000, 0
  EXPECT_EQ(r.entered(), int{kPfv});
  EXPECT_EQ(r.s.gpr[kRbp], 0x1234u);
}

TEST_F(IoAndFlags, BoundChecksSignedLimits) {
  r.protected_mode();
  r.w32(0x5000, static_cast<u32>(-5));
  r.w32(0x5004, 10);
  for (const auto& [index, faults] : {std::pair{-5, false}, {10, false}, {-6, true}, {11, true}}) {
    r.level(0);
    r.s.rip = CpuRig::kCode;
    r.cpu.state_changed();
    r.s.gpr[kRax] = static_cast<u32>(index);
    r.run("62 05 00 50 00 00");
    EXPECT_EQ(r.entered() == kBr, faults) << index;
  }
}

// LOCK: only the listed instructions, and only with a memory destination.
TEST_F(IoAndFlags, LockIsUndefinedWhereItIsNotListed) {
  for (const char* code : {"f0 90", "f0 01 c0", "f0 39 05 00 50 00 00", "f0 89 05 00 50 00 00", "f0 03 05 00 50 00 00",
                           "f0 0f a3 05 00 50 00 00", "f0 d1 25 00 50 00 00", "f0 f4", "f0 cf", "f0 0f 22 c0"}) {
    r.protected_mode();
    r.run(code);
    EXPECT_TRAPPED(r, kUd) << code;
  }
  for (const char* code :
       {"f0 01 05 00 50 00 00", "f0 87 05 00 50 00 00", "f0 ff 05 00 50 00 00", "f0 0f b1 0d 00 50 00 00",
        "f0 0f ab 05 00 50 00 00", "f0 f7 15 00 50 00 00", "f0 0f c1 05 00 50 00 00", "f0 0f c7 0d 00 50 00 00"}) {
    r.protected_mode();
    r.run(code);
    EXPECT_EQ(r.entered(), -1) << code;
  }
}

TEST_F(IoAndFlags, AnInstructionOfMoreThan15BytesIsGeneralProtection) {
  r.protected_mode();
  r.run("66 66 66 66 66 66 66 66 66 66 66 66 66 66 66 90");
  EXPECT_FAULT(r, kGp, 0);
  r.protected_mode();
  r.run("66 66 66 66 66 66 66 66 66 66 66 66 66 66 90");
  EXPECT_EQ(r.s.rip, CpuRig::kCode + 15u);
}

TEST_F(IoAndFlags, WaitFaultsOnlyWithMpAndTs) {
  r.protected_mode();
  r.s.cr0 |= kCr0Ts;
  r.cpu.state_changed();
  r.run("9b");
  EXPECT_EQ(r.entered(), -1);
  r.s.cr0 |= kCr0Mp;
  r.cpu.state_changed();
  r.run("9b");
  EXPECT_TRAPPED(r, kNm);
}

// SDM vol. 3, 4.7: the error code of a page fault.
TEST_F(IoAndFlags, PageFaultErrorCodes) {
  struct {
    unsigned cpl;
    u32 pte;
    const char* code;
    bool wp;
    u32 error;
  } cases[] = {
      {0, 0, "a1 00 00 05 00", false, 0},       {0, 0, "a3 00 00 05 00", false, 2},
      {3, 0, "a1 00 00 05 00", false, 4},       {3, 0, "a3 00 00 05 00", false, 6},
      {3, 0x50003, "a1 00 00 05 00", false, 5}, {3, 0x50005, "a3 00 00 05 00", false, 7},
      {0, 0x50005, "a3 00 00 05 00", true, 3},
  };
  for (const auto& c : cases) {
    r.protected_mode(c.cpl);
    r.paging();
    if (c.wp) r.s.cr0 |= kCr0Wp;
    r.w32(r.pte_address(0x50000), c.pte);
    r.cpu.state_changed();
    r.run(c.code);
    EXPECT_FAULT(r, kPfv, c.error);
    EXPECT_EQ(r.s.cr2, 0x50000u);
  }
}

// Descriptor tables are read with supervisor privilege whatever the CPL.
TEST_F(IoAndFlags, DescriptorReadsAreSupervisorAccesses) {
  r.protected_mode(3);
  r.paging();
  r.w32(r.pte_address(CpuRig::kGdt), CpuRig::kGdt | 3);
  r.w32(r.pte_address(CpuRig::kTssBase0), CpuRig::kTssBase0 | 3);
  r.w32(r.pte_address(CpuRig::kIdt), CpuRig::kIdt | 3);
  r.idt(0x40, CpuRig::gate(CpuRig::kCode0, CpuRig::handler(0x40), 0xee));
  r.cpu.state_changed();
  r.s.gpr[kRax] = CpuRig::kData3;
  r.run("8e d8 cd 40", 2);
  EXPECT_EQ(r.entered(), 0x40);
}

}  // namespace
}  // namespace orrery::test
