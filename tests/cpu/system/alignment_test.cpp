// Alignment checks of instructions that are helpers (SDM vol. 3, 6.15, interrupt 17). Found by tests/oracle.
#include "tests/support/cpu_rig.h"

namespace orrery::test {
namespace {

struct Alignment : ::testing::Test {
  CpuRig r;
  void start(u32 esp) {
    r.protected_mode(3);
    r.s.cr0 |= kCr0Am;
    r.flags(kAc);
    r.s.gpr[kRsp] = esp;
    r.s.gpr[kRbp] = CpuRig::kStack3 - 0x100;
    r.cpu.state_changed();
  }
};

TEST_F(Alignment, PushaPopaAndEnterCheckEachStackAccess) {
  for (const std::string_view code : {"60", "61", "c8 10 00 00"}) {
    start(CpuRig::kStack3 - 0x82);
    r.run(code);
    EXPECT_FAULT(r, kAcv, 0);
    start(CpuRig::kStack3 - 0x80);
    r.run(code);
    EXPECT_EQ(r.entered(), -1) << code;
  }
}

TEST_F(Alignment, AMisalignedPushComesBeforeALaterOneBeyondTheLimit) {
  start(0);
  r.gdt(CpuRig::kData16, CpuRig::descriptor(0x9000, 0xffff, 0xf3, 0));
  r.load(kSs, CpuRig::kData16);
  r.s.gpr[kRsp] = 3;
  r.cpu.state_changed();
  r.run("66 60");  // PUSHA: words at 1 and FFFF
  EXPECT_FAULT(r, kAcv, 0);
}

TEST_F(Alignment, FarReturnsAtLevel3CheckTheStack) {
  start(CpuRig::kStack3 - 0x82);
  r.run("cb");
  EXPECT_FAULT(r, kAcv, 0);
}

TEST_F(Alignment, MaskmovqIsOneReferenceOfEightBytes) {
  start(CpuRig::kStack3 - 0x80);
  r.s.cr4 |= kCr4Osfxsr;
  r.cpu.state_changed();
  r.s.gpr[kRdi] = CpuRig::kStack3 - 0x7c;
  r.run("0f f7 c1");
  EXPECT_FAULT(r, kAcv, 0);
}

TEST_F(Alignment, TheSupervisorIsNotChecked) {
  r.protected_mode(0);
  r.s.cr0 |= kCr0Am;
  r.flags(kAc);
  r.s.gpr[kRsp] -= 0x82;
  r.run("60");
  EXPECT_EQ(r.entered(), -1);
}

}  // namespace
}  // namespace orrery::test
