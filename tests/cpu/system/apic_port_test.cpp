// What of the local APIC the processor reaches without memory: IA32_APIC_BASE, IA32_TSC_DEADLINE, CPUID, the TSC.
#include "tests/support/cpu_rig.h"

namespace orrery::test {
namespace {

struct FakeApic {
  u64 base = 0, deadline = 0;
  int tsc_changes = 0;
  ApicPort port() {
    return {.set_base = [this](u64 msr) { base = msr; },
            .tsc_deadline = [this] { return deadline; },
            .set_tsc_deadline = [this](u64 tsc) { deadline = tsc; },
            .tsc_changed = [this] { ++tsc_changes; },
            .task_priority = {},
            .set_task_priority = {}};
  }
};

struct ApicPortTest : ::testing::Test {
  FakeApic apic;
  CpuRig r{test_model("max"), apic.port()};

  ApicPortTest() { r.protected_mode(); }
  void wrmsr(u32 msr, u64 value) {
    r.s.gpr[kRcx] = msr;
    r.s.gpr[kRax] = value & 0xffffffff;
    r.s.gpr[kRdx] = value >> 32;
    r.run("0f 30");
  }
  u64 rdmsr(u32 msr) {
    r.s.gpr[kRcx] = msr;
    r.run("0f 32");
    return r.s.gpr[kRdx] << 32 | r.s.gpr[kRax];
  }
  u32 features() {
    r.s.gpr[kRax] = 1;
    r.run("0f a2");
    return static_cast<u32>(r.s.gpr[kRdx]);
  }
};

TEST_F(ApicPortTest, TheBaseRegisterReachesTheChipAndCpuid) {
  EXPECT_EQ(rdmsr(0x1b), 0xfee00900u);
  EXPECT_NE(features() & 0x200, 0u);
  wrmsr(0x1b, 0xfec80900);
  EXPECT_EQ(apic.base, 0xfec80900u);
  EXPECT_EQ(rdmsr(0x1b), 0xfec80900u);
  wrmsr(0x1b, 0xfee00100);
  EXPECT_EQ(features() & 0x200, 0u);
}

TEST_F(ApicPortTest, ReservedBitsOfTheBaseRegisterFault) {
  for (const u64 bad : {u64{0xfee00900} | 0x400 /* x2APIC */, u64{0xfee00900} | 0x200, u64{0xfee00901},
                        u64{0xfee00900} | u64{1} << 63}) {
    r.protected_mode();
    wrmsr(0x1b, bad);
    EXPECT_FAULT(r, kGp, 0);
    EXPECT_EQ(apic.base, 0u);
  }
}

TEST_F(ApicPortTest, TheDeadlineRegisterIsTheChips) {
  wrmsr(0x6e0, 0x123456789);
  EXPECT_EQ(apic.deadline, 0x123456789u);
  EXPECT_EQ(rdmsr(0x6e0), 0x123456789u);
  CpuRig old("pentium2");
  old.protected_mode();
  old.s.gpr[kRcx] = 0x6e0;
  old.run("0f 32");
  EXPECT_FAULT(old, kGp, 0);
}

TEST_F(ApicPortTest, AWrittenTimeStampMovesDeadlines) {
  wrmsr(0x10, 1000);
  EXPECT_EQ(apic.tsc_changes, 1);
  const u64 now = r.clock.now();
  EXPECT_EQ(r.cpu.time_of_tsc(0), now);
  const u64 frequency = r.cpu.model().frequency;
  const u64 present = rdmsr(0x10);
  const u64 when = r.cpu.time_of_tsc(present + frequency);
  EXPECT_NEAR(static_cast<double>(when), static_cast<double>(r.clock.now() + core::kNsPerSecond), 10.0);
  EXPECT_GT(r.cpu.time_of_tsc(~u64{0}), u64{1} << 62);
  // The moment is the first one at which the counter is there.
  r.clock.set_ticks(r.clock.tick_at(when));
  EXPECT_GE(rdmsr(0x10), present + frequency);
}

TEST_F(ApicPortTest, InitKeepsTheBaseAndTheMemoryTypes) {
  wrmsr(0x1b, 0xfec80900);
  wrmsr(0x2ff, 0x806);
  r.cpu.init();
  EXPECT_EQ(r.s.apic_base, 0xfec80900u);
  EXPECT_EQ(r.s.mtrr_def_type, 0x806u);
  r.cpu.reset();
  EXPECT_EQ(r.s.apic_base, 0xfee00900u);
  EXPECT_EQ(r.s.mtrr_def_type, 0u);
}

}  // namespace
}  // namespace orrery::test
