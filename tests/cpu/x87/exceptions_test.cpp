// Unmasked x87 exceptions: #MF with CR0.NE, FERR# and IGNNE# without (SDM vol. 1, 8.7 and appendix D), #NM.
#include "tests/support/cpu_rig.h"

namespace orrery::test {
namespace {

constexpr u16 kZe = 0x04, kEs = 0x80;
constexpr const char* kDivideByZero = "d9e8 d9ee def9";  // FLD1, FLDZ, FDIVP

struct X87Exceptions : ::testing::Test {
  /// Protected mode, divide by zero unmasked and then happened.
  static void divide_by_zero(CpuRig& rig, bool numeric_error) {
    rig.protected_mode();
    if (numeric_error) rig.s.cr0 |= kCr0Ne;
    rig.cpu.state_changed();
    rig.run("dbe3");  // FNINIT
    rig.s.x87.control = 0x37b;
    rig.run(kDivideByZero, 3);
    EXPECT_EQ(rig.s.x87.status & (kZe | kEs), kZe | kEs);
    EXPECT_EQ(rig.entered(), -1) << "the instruction itself does not fault";
  }
  static X87& x87(CpuRig& rig) { return rig.s.x87; }
};

TEST_F(X87Exceptions, AreAnMfBeforeTheNextWaitingInstruction) {
  for (const char* waiting : {"9b", "d9e8", "d9d0", "d93d 00000500", "dbe0 9b", "d92d 00000500"}) {
    CpuRig rig;
    divide_by_zero(rig, true);
    const bool control = std::string_view(waiting).starts_with("d93d");  // FNSTCW does not wait
    const bool two = std::string_view(waiting).starts_with("dbe0");      // FNENI neither; FWAIT behind it does
    const u64 at = rig.s.rip;
    rig.run(waiting, two ? 2 : 1);
    if (control) {
      EXPECT_EQ(rig.entered(), -1);
      continue;
    }
    EXPECT_TRAPPED(rig, kMf);
    EXPECT_EQ(rig.stack(0), at + (two ? 2 : 0)) << waiting << ": a fault";
    EXPECT_FALSE(rig.ferr);
  }
}

TEST_F(X87Exceptions, LeaveTheOperandsOfADivisionByZero) {
  CpuRig rig;
  divide_by_zero(rig, true);
  EXPECT_EQ((x87(rig).status >> 11) & 7, 6) << "nothing was popped";
  EXPECT_EQ(x87(rig).r[7].significand, u64{1} << 63);
  EXPECT_EQ(x87(rig).r[6].significand, 0u);
}

TEST_F(X87Exceptions, AreClearedByFnclexFninitAndFnsave) {
  for (const char* clearing : {"dbe2", "dbe3", "dd35 00000500", "d935 00000500"}) {
    CpuRig rig;
    divide_by_zero(rig, true);
    rig.run(clearing);
    EXPECT_EQ(x87(rig).status & kEs, 0) << clearing;  // FNSTENV masks them all
    rig.run("9b");
    EXPECT_EQ(rig.entered(), -1) << clearing;
  }
}

TEST_F(X87Exceptions, CanBeUnmaskedLater) {
  CpuRig rig;
  rig.protected_mode();
  rig.s.cr0 |= kCr0Ne;
  rig.cpu.state_changed();
  rig.run("dbe3");
  rig.run(kDivideByZero, 3);
  EXPECT_EQ(x87(rig).status & (kZe | kEs), kZe);
  rig.w16(0x50000, 0x37b);
  rig.run("d92d 00000500");  // FLDCW
  EXPECT_EQ(x87(rig).status & kEs, kEs);
  rig.run("9b");
  EXPECT_TRAPPED(rig, kMf);
}

TEST_F(X87Exceptions, WithoutNeTheNextWaitingInstructionRaisesFerrAndFreezes) {
  CpuRig rig("pentium");
  divide_by_zero(rig, false);
  EXPECT_FALSE(rig.ferr) << "from the Pentium on the error is reported by the next instruction";
  rig.flags(kIf);
  const u64 at = rig.s.rip;
  rig.run("9b");
  EXPECT_TRUE(rig.ferr);
  EXPECT_EQ(rig.s.activity, Activity::Halted);
  EXPECT_EQ(rig.s.rip, at);
  rig.vector = 0x75;
  rig.cpu.set_intr(true);
  rig.step();
  EXPECT_EQ(rig.entered(), 0x75);
  EXPECT_EQ(rig.stack(0), at) << "FWAIT is executed again";
}

TEST_F(X87Exceptions, WithoutNeThe486RaisesFerrAtOnce) {
  CpuRig rig("486");
  divide_by_zero(rig, false);
  EXPECT_TRUE(rig.ferr);
  rig.run("dbe2");
  EXPECT_FALSE(rig.ferr) << "FNCLEX";
}

TEST_F(X87Exceptions, IgnneLetsWaitingInstructionsPassUntilFerrFalls) {
  CpuRig rig("pentium");
  divide_by_zero(rig, false);
  rig.flags(kIf);
  rig.run("9b");
  ASSERT_TRUE(rig.ferr);
  rig.cpu.ignore_numeric_error();
  rig.s.activity = Activity::Running;
  rig.run("9b d9e8", 2);
  EXPECT_EQ(rig.s.activity, Activity::Running);
  EXPECT_EQ((x87(rig).status >> 11) & 7, 5) << "FLD1 was executed";
  EXPECT_TRUE(rig.ferr);
  rig.run("dbe2");
  EXPECT_FALSE(rig.ferr);
  EXPECT_FALSE(rig.s.ignne);
}

TEST_F(X87Exceptions, EmAndTsAreNmBeforeAnythingElse) {
  for (const u64 bit : {kCr0Em, kCr0Ts}) {
    CpuRig rig;
    divide_by_zero(rig, true);
    rig.s.cr0 |= bit;
    rig.cpu.state_changed();
    rig.run("d9e8");
    EXPECT_TRAPPED(rig, kNm);
  }
}

TEST_F(X87Exceptions, FwaitHeedsTsOnlyWithMp) {
  for (const bool mp : {false, true}) {
    CpuRig rig;
    rig.protected_mode();
    rig.s.cr0 |= kCr0Ts | kCr0Em | (mp ? u64{kCr0Mp} : 0);
    rig.cpu.state_changed();
    rig.run("9b");
    EXPECT_EQ(rig.entered(), mp ? int{kNm} : -1);
  }
}

}  // namespace
}  // namespace orrery::test
