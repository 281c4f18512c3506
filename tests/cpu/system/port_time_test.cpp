// Accesses to I/O ports hold the processor for as long as the board says (IoSpace::set_access_time()).
#include <gtest/gtest.h>

#include "tests/support/cpu_rig.h"

namespace orrery::test {
namespace {

constexpr u64 kNsPerTick = core::kNsPerSecond / core::Clock::kDefaultRate;

struct PortTime : ::testing::Test {
  CpuRig r;
  std::vector<u64> reads;  // nanoseconds
  core::PortBus::Mapping device;

  void SetUp() override {
    device = r.ports.map({.name = "device",
                          .base = 0x64,
                          .size = 1,
                          .widths = {},
                          .movable = false,
                          .read = [this](u64, unsigned) -> u64 {
                            reads.push_back(r.clock.now());
                            return 0;
                          },
                          .write = [this](u64, unsigned, u64) { reads.push_back(r.clock.now()); }});
    r.ports.set_access_time(0, 0x400, 1000);
    r.ports.set_access_time(0xe9, 1, 0);
    r.real_mode();
  }
  /// Executes in slices of `step` ticks, with breaks for events as the machine's run loop has them.
  void run_to(u64 tick, u64 step) {
    while (r.clock.ticks() < tick) {
      r.clock.run_due();
      if (r.cpu.run(std::min(tick, r.clock.ticks() + step)) == Stop::Halted) return;
    }
  }
};

TEST_F(PortTime, AnAccessLastsAsLongAsTheBoardSays) {
  r.put(0x10000, "e4 64 e6 80 e4 64 f4");  // in al,64h; out 80h,al; in al,64h; hlt
  run_to(100'000, 100'000);
  EXPECT_EQ(r.clock.ticks(), 4 + 3 * 1000 / kNsPerTick);
  ASSERT_EQ(reads.size(), 2u);
  EXPECT_EQ(reads[1] - reads[0], 2 * (1000 + kNsPerTick)) << "one access to the device and one to port 80h";
}

TEST_F(PortTime, PortsWithoutATimeCostNothing) {
  r.put(0x10000, "e6 e9 ba 00 04 ee f4");  // out 0e9h,al; mov dx,400h; out dx,al; hlt
  run_to(100'000, 100'000);
  EXPECT_EQ(r.clock.ticks(), 4u);
}

TEST_F(PortTime, AWideAccessLastsLongerAndARepeatedOneEachTime) {
  r.put(0x10000, "ba 60 00 ef f4");  // mov dx,60h; out dx,ax; hlt
  run_to(100'000, 100'000);
  EXPECT_EQ(r.clock.ticks(), 3 + 2 * 1000 / kNsPerTick);
  r.real_mode();
  r.put(0x10000, "b9 05 00 ba 64 00 f3 6e f4");  // mov cx,5; mov dx,64h; rep outsb; hlt
  const u64 begin = r.clock.ticks();
  run_to(begin + 100'000, 100'000);
  ASSERT_EQ(reads.size(), 5u);
  EXPECT_EQ(r.clock.ticks() - begin, 3 + 5 + 5 * 1000 / kNsPerTick);
}

TEST_F(PortTime, AnEventDuringAnAccessIsOnTimeAndItsInterruptComesAfterTheInstruction) {
  core::Event event(r.clock, "event", [this] { r.cpu.set_intr(true); });
  event.at(600);
  r.w16(0x20 * 4, 0x100);  // the handler at 2000:0100 halts
  r.w16(0x20 * 4 + 2, 0x2000);
  r.put(0x20100, "f4");
  r.s.eflags |= kIf;
  r.put(0x10000, "e4 64 43 43 43 f4");  // in al,64h; inc bx ...
  r.s.gpr[kRbx] = 0;
  r.cpu.state_changed();
  run_to(100'000, 100'000);
  EXPECT_EQ(r.s.seg[kCs].selector, 0x2000);
  EXPECT_EQ(r.s.gpr[kRbx], 0u);
  EXPECT_EQ(r.clock.ticks(), 600 / kNsPerTick + 2) << "the interrupt, and the HLT of its handler";
}

TEST_F(PortTime, BreaksOfTheRunLoopChangeNothing) {
  r.put(0x10000, "b9 40 00 e4 64 40 e6 64 43 e2 f8 f4");  // 64 times: in al,64h; inc ax; out 64h,al; inc bx
  const auto go = [&](u64 step) {
    const u64 begin = r.clock.ticks();
    u64 fired = 0;
    core::Event event(r.clock, "event", [&] {
      ++fired;
      event.at(event.when() + 777);
    });
    event.at(r.clock.now() + 123);
    reads.clear();
    r.real_mode();
    r.s.gpr[kRbx] = 0;
    run_to(begin + 1'000'000, step);
    std::vector<u64> seen = reads;
    for (u64& ns : seen) ns -= begin * kNsPerTick;
    seen.push_back(r.clock.ticks() - begin);
    seen.push_back(fired);
    EXPECT_EQ(r.s.gpr[kRbx], 64u);
    return seen;
  };
  const std::vector<u64> whole = go(1'000'000);
  for (const u64 step : {1, 2, 3, 7, 100, 201, 250}) EXPECT_EQ(go(step), whole) << "in slices of " << step;
}

}  // namespace
}  // namespace orrery::test
