// Virtual-8086 mode, VME and PVI (SDM vol. 3, chapter 20 "8086 emulation").
#include "tests/support/cpu_rig.h"

namespace orrery::test {
namespace {

struct V86 : ::testing::Test {
  CpuRig r;
  /// The software-interrupt redirection bitmap: all ones (to the monitor) but for `vector`.
  void redirect(u8 vector) {
    r.w16(CpuRig::kTssBase0 + 102, 0x88);
    for (unsigned n = 0; n < 32; ++n) r.memory.write8(CpuRig::kTssBase0 + 0x68 + n, 0xff);
    r.memory.write8(CpuRig::kTssBase0 + 0x68 + vector / 8, static_cast<u8>(~(1u << (vector % 8))));
  }
  void stack16(std::initializer_list<u16> words) {
    r.s.gpr[kRsp] -= words.size() * 2;
    u64 at = r.s.seg[kSs].base + r.s.gpr[kRsp];
    for (const u16 w : words) {
      r.w16(at, w);
      at += 2;
    }
  }
};

// 20.2.3: leaving through a gate saves GS, FS, DS, ES and nulls them.
TEST_F(V86, ExceptionLeavesThroughLevel0AndIretComesBack) {
  r.v86_mode();
  r.s.seg[kEs] = Segment{.selector = 0x1111, .attributes = 0xf3, .limit = 0xffff, .base = 0x11110};
  r.s.seg[kGs] = Segment{.selector = 0x2222, .attributes = 0xf3, .limit = 0xffff, .base = 0x22220};
  r.flags(kIf);
  r.run("f4");  // hlt
  EXPECT_FAULT(r, kGp, 0);
  EXPECT_EQ(r.s.cpl, 0);
  EXPECT_EQ(r.s.gpr[kRsp], CpuRig::kStack0 - 40u);
  const u32 expected[] = {0, 0, 0x1000, kVm | kIf | kRf | 2, 0x1000, 0x700, 0x1111, 0, 0, 0x2222};
  for (unsigned n = 0; n < 10; ++n) EXPECT_EQ(r.stack(n), expected[n]) << n;
  EXPECT_FALSE(r.s.seg[kEs].present());
  EXPECT_FALSE(r.s.seg[kGs].present());
  EXPECT_FALSE(r.cpu.rflags() & (kVm | kIf));
  r.s.gpr[kRsp] += 4;
  r.w32(r.s.gpr[kRsp] + 8, kVm | kIf | 2);
  r.run("cf");
  EXPECT_EQ(r.s.cpl, 3);
  EXPECT_TRUE(r.cpu.rflags() & kVm);
  EXPECT_EQ(r.code_address(), 0x10000u);
  EXPECT_EQ(r.s.gpr[kRsp], 0x1000u);
  EXPECT_EQ(r.s.seg[kEs].base, 0x11110u);
  EXPECT_EQ(r.s.seg[kGs].base, 0x22220u);
  EXPECT_EQ(r.s.seg[kSs].limit, 0xffffu);
}

// IRET, "RETURN-TO-VIRTUAL-8086-MODE": EIP must lie in 64 KiB.
TEST_F(V86, ReturnWithALargeEipFaultsInTheMonitor) {
  r.protected_mode();
  const u64 sp = r.s.gpr[kRsp] -= 36;
  r.w32(sp, 0x10000);
  r.w32(sp + 4, 0x1000);
  r.w32(sp + 8, kVm | 2);
  r.run("cf");
  EXPECT_FAULT(r, kGp, 0);
}

// 20.2.7: the IOPL-sensitive instructions.
TEST_F(V86, IoplSensitiveInstructionsFaultBelowLevel3) {
  for (const char* code : {"fa", "fb", "9c", "9d", "cf", "cd 21", "66 9c", "66 9d", "66 cf"}) {
    r.v86_mode(2);
    r.run(code);
    EXPECT_FAULT(r, kGp, 0);
    EXPECT_EQ(r.stack(1), 0u) << code;
  }
}

TEST_F(V86, WithIopl3FlagsWorkButIoplStays) {
  r.v86_mode(3);
  r.run("fb");
  EXPECT_TRUE(r.cpu.rflags() & kIf);
  stack16({0x0003});
  r.run("9d");
  EXPECT_EQ(r.cpu.rflags(), kVm | kIopl | kCf | 2u);
  stack16({0x123, 0x1100, 0x0202});
  r.run("cf");
  EXPECT_EQ(r.code_address(), 0x11123u);
  EXPECT_EQ(r.cpu.rflags(), kVm | kIopl | kIf | 2u);
}

TEST_F(V86, PushfShowsIoplAndHidesVmAndRf) {
  r.v86_mode(3);
  r.run("66 9c");
  EXPECT_EQ(r.r32(0x7000 + 0xffc), kIopl | 2u);
}

TEST_F(V86, IntWithIopl3GoesThroughTheProtectedIdtWithDplCheck) {
  r.v86_mode(3);
  r.run("cd 21");
  EXPECT_FAULT(r, kGp, 0x21 * 8 + 2);
  r.v86_mode(3);
  r.idt(0x21, CpuRig::gate(CpuRig::kCode0, CpuRig::handler(0x21), 0xee));
  r.run("cd 21");
  EXPECT_EQ(r.entered(), 0x21);
  EXPECT_EQ(r.stack(0), 2u);
}

// INT n: from virtual-8086 mode the handler must run at level 0.
TEST_F(V86, HandlerAboveLevel0OrConformingIsGeneralProtection) {
  for (const u16 cs : {CpuRig::kCode1, CpuRig::kConforming, CpuRig::kCode3}) {
    r.v86_mode(3);
    r.idt(0x21, CpuRig::gate(cs, CpuRig::handler(0x21), 0xee));
    r.run("cd 21");
    EXPECT_FAULT(r, kGp, cs & ~3u);
  }
}

TEST_F(V86, Int3AndIntoAreNotIoplSensitive) {
  r.v86_mode(0);
  r.idt(kBp, CpuRig::gate(CpuRig::kCode0, CpuRig::handler(kBp), 0xee));
  r.run("cc");
  EXPECT_TRAPPED(r, kBp);
}

// 20.3.3.4, methods 5 and 6: redirected to the task's own handler.
TEST_F(V86, VmeRedirectsAnIntToTheTasksHandler) {
  r.v86_mode(0);
  r.cr4(kCr4Vme);
  redirect(0x21);
  r.w32(0x21 * 4, 0x1234'0056);
  r.flags(kVif);
  r.run("cd 21");
  EXPECT_EQ(r.code_address(), 0x12340u + 0x56);
  EXPECT_TRUE(r.cpu.rflags() & kVm);
  EXPECT_FALSE(r.cpu.rflags() & kVif);
  EXPECT_EQ(r.s.gpr[kRsp], 0x0ffau);
  EXPECT_EQ(r.r16(0x7ffa), 2);
  EXPECT_EQ(r.r16(0x7ffc), 0x1000);
  EXPECT_EQ(r.r16(0x7ffe), 0x3202) << "IOPL reads 3 and IF is VIF";
  r.v86_mode(3);
  r.flags(kIf);
  r.cr4(kCr4Vme);
  redirect(0x21);
  r.run("cd 21");
  EXPECT_EQ(r.code_address(), 0x12340u + 0x56);
  EXPECT_FALSE(r.cpu.rflags() & kIf);
  EXPECT_EQ(r.r16(0x7ffe), 0x3202);
}

TEST_F(V86, VmeWithASetBitGoesToTheMonitor) {
  r.v86_mode(0);
  r.cr4(kCr4Vme);
  redirect(0x22);
  r.run("cd 21");
  EXPECT_FAULT(r, kGp, 0);
  r.v86_mode(3);
  r.cr4(kCr4Vme);
  redirect(0x22);
  r.idt(0x21, CpuRig::gate(CpuRig::kCode0, CpuRig::handler(0x21), 0xee));
  r.run("cd 21");
  EXPECT_EQ(r.entered(), 0x21);
}

// 20.3.3: CLI, STI, PUSHF, POPF, IRET on VIF.
TEST_F(V86, VmeCliAndStiWorkOnVif) {
  r.v86_mode(0);
  r.cr4(kCr4Vme);
  r.run("fb");
  EXPECT_EQ(r.cpu.rflags() & (kVif | kIf), kVif);
  r.run("9c");
  EXPECT_EQ(r.r16(0x7ffe), 0x3202);
  r.run("fa");
  EXPECT_EQ(r.cpu.rflags() & (kVif | kIf), 0u);
  r.flags(kVip);
  r.run("fb");
  EXPECT_FAULT(r, kGp, 0);
}

TEST_F(V86, VmePopfAndIretSetVifUnlessVipOrTf) {
  r.v86_mode(0);
  r.cr4(kCr4Vme);
  stack16({0x0201});
  r.run("9d");
  EXPECT_EQ(r.cpu.rflags() & (kVif | kIf | kCf), kVif | kCf);
  stack16({0x20, 0x1100, 0x0000});
  r.run("cf");
  EXPECT_EQ(r.code_address(), 0x11020u);
  EXPECT_EQ(r.cpu.rflags() & kVif, 0u);
  stack16({0x0102});  // TF
  r.run("9d");
  EXPECT_FAULT(r, kGp, 0);
  r.v86_mode(0);
  r.cr4(kCr4Vme);
  r.flags(kVip);
  stack16({0x0202});
  r.run("9d");
  EXPECT_FAULT(r, kGp, 0);
  r.v86_mode(0);
  r.cr4(kCr4Vme);
  r.run("66 9d");
  EXPECT_FAULT(r, kGp, 0);
}

// 20.4: protected-mode virtual interrupts.
TEST_F(V86, PviCliAndStiOfLevel3WorkOnVif) {
  r.protected_mode(3);
  r.cr4(kCr4Pvi);
  r.run("fb");
  EXPECT_EQ(r.cpu.rflags() & (kVif | kIf), kVif);
  r.run("fa");
  EXPECT_EQ(r.cpu.rflags() & (kVif | kIf), 0u);
  r.flags(kVip);
  r.run("fb");
  EXPECT_FAULT(r, kGp, 0);
  r.protected_mode(1);
  r.cr4(kCr4Pvi);
  r.run("fb");
  EXPECT_FAULT(r, kGp, 0);
}

// 20.3.2: "both the VIF and VIP flags are set at the beginning of an instruction"; 2.3: VIP is looked at with IOPL < 3.
TEST_F(V86, APendingVirtualInterruptFaultsBeforeTheNextInstruction) {
  struct {
    bool v86;
    u64 cr4;
    u32 flags;
    unsigned iopl;
    int fault;
  } cases[] = {
      {true, kCr4Vme, kVif | kVip, 0, kGp},  {true, kCr4Vme, kVif | kVip, 2, kGp}, {true, kCr4Vme, kVif | kVip, 3, -1},
      {true, kCr4Vme, kVip, 0, -1},          {true, kCr4Vme, kVif, 0, -1},         {true, kCr4Pvi, kVif | kVip, 0, -1},
      {false, kCr4Pvi, kVif | kVip, 0, kGp}, {false, kCr4Vme, kVif | kVip, 0, -1}, {false, kCr4Pvi, kVif | kVip, 3, -1},
  };
  for (const auto& c : cases) {
    r.protected_mode();
    r.cr4(c.cr4);
    const u64 sp = r.s.gpr[kRsp] -= 36;
    const u16 cs = c.v86 ? 0x1100 : CpuRig::kCode3, ss = c.v86 ? 0x700 : CpuRig::kData3;
    const std::array<u32, 9> frame{
        c.v86 ? 0u : 0x11000u, cs, c.flags | (c.v86 ? kVm : 0u) | c.iopl << 12 | 2, 0x1000, ss, 0, 0, 0, 0};
    for (unsigned n = 0; n < frame.size(); ++n) r.w32(sp + n * 4, frame[n]);
    r.put(0x11000, "40 40");  // inc
    r.s.gpr[kRax] = 7;
    r.run("cf", 2);
    EXPECT_EQ(r.entered(), c.fault) << c.v86 << c.cr4 << c.flags << c.iopl;
    EXPECT_EQ(r.s.gpr[kRax], c.fault == kGp ? 7u : 8u);
    if (c.fault == kGp) {
      EXPECT_EQ(r.stack(0), 0u);
      EXPECT_EQ(r.stack(1), c.v86 ? 0u : 0x11000u) << "not executed";
      EXPECT_TRUE(r.stack(3) & kRf);
    }
  }
}

// 20.2.6: segment registers are shifted, and every segment has a 64 KiB limit.
TEST_F(V86, SegmentLoadsAndFarTransfersWorkAsOnThe8086) {
  r.v86_mode(0);
  r.s.gpr[kRax] = 0x1234;
  r.run("8e d8 ea 10 00 00 11", 2);
  EXPECT_EQ(r.s.seg[kDs].base, 0x12340u);
  EXPECT_EQ(r.s.seg[kDs].limit, 0xffffu);
  EXPECT_EQ(r.code_address(), 0x11010u);
  EXPECT_EQ(r.s.cpl, 3);
}

TEST_F(V86, PrivilegedInstructionsFault) {
  for (const char* code :
       {"0f 20 c0", "0f 22 c0", "0f 21 c0", "0f 01 16 00 00", "0f 06", "0f 09", "0f 01 3e 00 00", "0f 30", "0f 32"}) {
    r.v86_mode(3);
    r.run(code);
    EXPECT_FAULT(r, kGp, 0);
  }
}

}  // namespace
}  // namespace orrery::test
