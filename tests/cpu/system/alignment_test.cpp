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

TEST_F(Alignment, X87ImagesAreCheckedAsAWholeByTwoOrFourBytes) {
  constexpr u32 kImage = CpuRig::kStack3 - 0x400;
  // FNSTENV, FNSAVE, FLDENV, FRSTOR [EBX] with 32 and 16 bits (SDM vol. 3, table 6-7).
  for (const std::string_view code : {"d9 33", "dd 33", "d9 23", "dd 23"}) {
    for (const u32 at : {0u, 1u, 2u, 4u}) {
      for (const bool wide : {true, false}) {
        start(CpuRig::kStack3 - 0x80);
        for (u32 n = 0; n < 128; n += 4) r.w32(kImage + n, 0);
        r.w32(kImage + at, 0x37f);
        r.s.gpr[kRbx] = kImage + at;
        r.cpu.state_changed();
        r.run((wide ? "" : "66 ") + std::string(code));
        EXPECT_EQ(r.entered(), at % (wide ? 4 : 2) != 0 ? int{kAcv} : -1)
            << code << " at " << at << (wide ? "" : ", 66");
      }
    }
  }
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
