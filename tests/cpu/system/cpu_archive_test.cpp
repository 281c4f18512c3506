// The processor's archive: the contract of every device, and a run that goes on from it.
#include "tests/support/archive_tests.h"
#include "tests/support/cpu_rig.h"

namespace orrery::test {
namespace {

TEST(CpuArchive, FollowsTheContract) {
  CpuRig a, b;
  a.protected_mode();
  expect_archive_contract<Cpu>(a.cpu, b.cpu, [&] { a.run("40 f9 8e e0", 2); });
}

TEST(CpuArchive, PendingEventsAndHiddenSegmentPartsAreRestored) {
  CpuRig a, b;
  a.v86_mode(3);
  a.flags(kIf | kCf | kOf);
  a.s.seg[kDs].limit = 0x12345;
  a.s.dr[7] = 0x402;
  a.s.interrupt_shadow_tick = 77;
  a.cpu.pulse_nmi();
  a.cpu.set_intr(true);
  const std::vector<u8> bytes = core::save_to_bytes(a.cpu);
  core::load_from_bytes(b.cpu, bytes);
  EXPECT_TRUE(b.s.nmi_pending);
  EXPECT_TRUE(b.s.intr);
  EXPECT_EQ(b.s.seg[kDs].limit, 0x12345u);
  EXPECT_EQ(b.cpu.rflags(), a.cpu.rflags());
  EXPECT_EQ(b.s.interrupt_shadow_tick, 77u);
}

TEST(CpuArchive, ARestoredProcessorGoesOnAsTheSavedOne) {
  CpuRig a, b;
  a.protected_mode();
  b.protected_mode();
  const char* code = "b9 20 00 00 00  01 c8  11 d0  d1 c0  e2 f8  cd 40";
  a.put(CpuRig::kCode, code);
  b.put(CpuRig::kCode, code);
  a.step(50);
  core::load_from_bytes(b.cpu, core::save_to_bytes(a.cpu));
  b.clock.set_ticks(a.clock.ticks());
  a.step(100);
  b.step(100);
  EXPECT_EQ(core::save_to_bytes(a.cpu), core::save_to_bytes(b.cpu));
}

}  // namespace
}  // namespace orrery::test
