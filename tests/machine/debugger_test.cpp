// The debugger core on a whole machine: where it stops, that the run is none the worse for it, and that what it changes
// is on record.
#include "machine/debugger.h"

#include <gtest/gtest.h>

#include <array>
#include <random>

#include "machine/journal.h"

namespace orrery::machine {
namespace {

using Kind = cpu::DebugPoint::Kind;
using Space = Debugger::Space;
using Cause = Debugger::Stop::Cause;

constexpr u64 kTicks = 1'000'000;

Config test_config() {
  Config config;
  config.memory = 4 << 20;
  config.bios = ORRERY_TEST_ROM;
  config.ticks_per_second = 20'000'000;
  return config;
}

struct Rig {
  Machine machine{test_config()};
  Debugger debugger{machine};
  std::vector<Cause> stops;
  Rig() {
    debugger.on_stop([this](const Debugger::Stop& stop) { stops.push_back(stop.cause); });
  }
  /// Runs until the next stop, or to the tick.
  bool stopped_before(u64 tick) { return debugger.run(tick).reason == StopReason::Breakpoint; }
};

u64 hash_at(u64 tick) {
  Machine machine(test_config());
  machine.run_until_tick(tick);
  return machine.state_hash();
}

TEST(Debugger, AMachineThatStandsDoesNotRun) {
  Rig r;
  r.debugger.pause();
  EXPECT_EQ(r.debugger.run(kTicks).reason, StopReason::Breakpoint);
  EXPECT_EQ(r.machine.ticks(), 0u);
  r.debugger.resume();
  EXPECT_EQ(r.debugger.run(100).reason, StopReason::Reached);
  EXPECT_GE(r.machine.ticks(), 100u);
  EXPECT_LT(r.machine.ticks(), 100 + 20'000'000 / 1'000'000 + 1) << "past it by what an access to a port lasts";
  EXPECT_EQ(r.stops, std::vector{Cause::Pause});
}

TEST(Debugger, CountsStepsAndTellsWhenTheyAreDone) {
  Rig r;
  r.debugger.pause();
  r.debugger.step({.count = 7});
  EXPECT_TRUE(r.stopped_before(kTicks));
  EXPECT_EQ(r.machine.ticks(), 7u);
  // Tick 500 lies in the repeated STOSB: each iteration is an instruction. The timer's first interrupt is on the way,
  // and its handler is gone into.
  r.debugger.step({.count = 100, .through_interrupts = false});
  EXPECT_EQ(r.debugger.run(500).reason, StopReason::Reached) << "a step may be cut";
  EXPECT_FALSE(r.debugger.stopped());
  EXPECT_TRUE(r.stopped_before(kTicks));
  EXPECT_EQ(r.stops, (std::vector{Cause::Pause, Cause::Step, Cause::Step}));
  Rig single;
  single.debugger.pause();
  for (unsigned n = 0; n < 107; ++n) {
    single.debugger.step({.count = 1, .through_interrupts = false});
    ASSERT_TRUE(single.stopped_before(kTicks));
  }
  EXPECT_EQ(r.machine.ticks(), single.machine.ticks());
  EXPECT_EQ(r.machine.cpu().state().rip, single.machine.cpu().state().rip);
}

TEST(Debugger, StepsRunThroughInterruptHandlersOrGoIn) {
  // The ROM's timer interrupt comes about every 16,800 ticks; its handler is at 8 * 4 in the interrupt table.
  for (const bool through : {true, false}) {
    Rig r;
    r.machine.run_until_tick(100'000);
    const u32 interrupts = r.machine.memory().read32(0x500);
    const u16 handler = r.machine.memory().read16(8 * 4);
    unsigned entered = 0;
    r.debugger.pause();
    while (r.machine.ticks() < 200'000) {
      r.debugger.step({.count = 1, .through_interrupts = through});
      ASSERT_TRUE(r.stopped_before(~u64{0}));
      if (r.machine.cpu().state().rip == handler) ++entered;
    }
    const u32 more = r.machine.memory().read32(0x500) - interrupts;
    EXPECT_GT(more, 4u);
    EXPECT_NEAR(entered, through ? 0 : more, 1);
    // What is due at the tick that a step ended on has not happened yet.
    static_cast<void>(r.machine.settle());
    EXPECT_EQ(r.machine.state_hash(), hash_at(r.machine.ticks()));
  }
}

TEST(Debugger, AHaltedProcessorIsSteppedPastItsHalt) {
  Rig r;
  r.machine.post(SerialInput{0, {'h'}});
  r.machine.run_until_tick(300'000);
  ASSERT_TRUE(r.machine.idle());
  r.debugger.pause();
  const u64 before = r.machine.ticks();
  r.debugger.step({});
  EXPECT_TRUE(r.stopped_before(before + kTicks));
  EXPECT_LT(r.machine.ticks(), before + 30'000);
  EXPECT_FALSE(r.machine.idle());
}

TEST(Debugger, AStepOverARangeEndsBehindIt) {
  Rig r;
  const u64 first = r.debugger.pc();
  r.debugger.pause();
  r.debugger.step({.count = 1, .range_first = first, .range_last = first + 2});
  EXPECT_TRUE(r.stopped_before(1000));
  EXPECT_NE(r.debugger.pc(), first);
  const u64 begin = r.debugger.pc();
  r.debugger.step({.count = 1, .range_first = begin, .range_last = begin + 20});
  EXPECT_TRUE(r.stopped_before(1000));
  EXPECT_TRUE(r.debugger.pc() < begin || r.debugger.pc() >= begin + 20);
  EXPECT_GT(r.machine.ticks(), 3u);
}

TEST(Debugger, AnyNumberOfStopsLeavesTheRunAsItIs) {
  constexpr u64 kEnd = 1'500'000;
  Rig r;
  std::mt19937 random(7);
  std::vector<Debugger::Id> ids;
  while (r.machine.ticks() < kEnd) {
    if (ids.size() < 6 && random() % 2 == 0) {
      const u16 timer = r.machine.memory().read16(8 * 4);
      const Debugger::Point choices[] = {
          {.kind = Kind::Execute, .space = Space::Linear, .address = r.debugger.pc()},
          {.kind = Kind::Execute, .space = Space::Physical, .address = 0xf0000u + timer},
          {.kind = Kind::Write, .space = Space::Linear, .address = 0x500, .length = 4},
          {.kind = Kind::Access, .space = Space::Physical, .address = 0x512, .length = 1},
          {.kind = Kind::Read, .space = Space::Linear, .address = 0x504, .length = 4},
      };
      ids.push_back(r.debugger.add(choices[random() % std::size(choices)]));
    } else if (!ids.empty() && random() % 3 == 0) {
      EXPECT_TRUE(r.debugger.remove(ids.back()));
      EXPECT_FALSE(r.debugger.remove(ids.back()));
      ids.pop_back();
    }
    if (r.debugger.stopped()) {
      std::array<u8, 64> bytes;
      r.debugger.read(Space::Linear, random() % 0x200000, bytes);
      if (random() % 2 == 0) {
        r.debugger.resume();
      } else {
        r.debugger.step({.count = 1 + random() % 20, .through_interrupts = random() % 2 == 0});
      }
    }
    r.debugger.run(std::min<u64>(kEnd, r.machine.ticks() + 1 + random() % 20'000));
  }
  EXPECT_GT(r.stops.size(), 100u);
  EXPECT_EQ(r.machine.ticks(), kEnd);
  EXPECT_EQ(r.machine.state_hash(), hash_at(kEnd));
}

TEST(Debugger, PointsTellWhatHitThem) {
  Rig r;
  r.machine.run_until_tick(100'000);
  const auto id = r.debugger.add({.kind = Kind::Write, .space = Space::Linear, .address = 0x500, .length = 2});
  ASSERT_TRUE(r.stopped_before(kTicks));
  const Debugger::Stop stop = r.debugger.last_stop();
  EXPECT_EQ(stop.cause, Cause::Point);
  EXPECT_EQ(stop.id, id);
  EXPECT_EQ(stop.address, 0x500u);
  EXPECT_EQ(r.debugger.points()[0].hits, 1u);
  EXPECT_EQ(r.machine.memory().read32(0x500) & 0xffff, r.machine.memory().read16(0x500));
}

TEST(Debugger, ReadsWhatThereIsAndTouchesNoDevice) {
  Rig r;
  r.machine.run_until_tick(50'000);
  const u64 before = r.machine.state_hash();
  std::array<u8, 16> bytes{};
  EXPECT_EQ(r.debugger.read(Space::Linear, 0xfffffff0, bytes), 16u);
  EXPECT_EQ(r.debugger.read(Space::Physical, 0xa0000, bytes), 16u) << "the display's memory";
  EXPECT_EQ(r.debugger.read(Space::Physical, (4 << 20) - 8, bytes), 8u) << "the end of RAM";
  EXPECT_EQ(r.debugger.read(Space::Physical, 0xd0000000, bytes), 0u);
  EXPECT_EQ(r.machine.state_hash(), before);
}

TEST(Debugger, WhatItChangesIsOnRecord) {
  Rig r;
  r.machine.run_until_tick(100'000);
  r.debugger.pause();
  const std::array<u8, 4> bytes{1, 2, 3, 4};
  EXPECT_EQ(r.debugger.write(Space::Linear, 0x4000, bytes), 4u);
  EXPECT_EQ(r.machine.memory().read32(0x4000), 0x04030201u) << "at once";
  EXPECT_EQ(r.debugger.write(Space::Linear, 0xffffff00, bytes), 0u) << "ROM";
  r.debugger.edit_processor([](cpu::Cpu& cpu) { cpu.state().gpr[cpu::kRdx] = 0x1234; });
  EXPECT_EQ(r.machine.cpu().state().gpr[cpu::kRdx], 0x1234u);
  r.debugger.resume();
  r.debugger.run(300'000);
  r.machine.record_end();
  EXPECT_NE(r.machine.state_hash(), hash_at(300'000));

  Rig again;
  again.machine.replay(std::make_shared<JournalReader>(r.machine.journal().to_bytes()));
  EXPECT_TRUE(again.debugger.read_only());
  again.debugger.add({.kind = Kind::Execute, .space = Space::Linear, .address = r.debugger.pc()});
  RunResult result;
  unsigned stops = 0;
  while ((result = again.debugger.run(kTicks)).reason == StopReason::Breakpoint) {
    ++stops;
    EXPECT_EQ(again.debugger.write(Space::Linear, 0x4000, bytes), 0u);
    again.debugger.edit_processor([](cpu::Cpu& cpu) { cpu.state().gpr[cpu::kRdx] = 0x4321; });
    again.debugger.resume();
  }
  EXPECT_GT(stops, 10u);
  EXPECT_EQ(result.reason, StopReason::ReplayEnd) << result.message;
  EXPECT_EQ(again.machine.state_hash(), r.machine.state_hash());
}

}  // namespace
}  // namespace orrery::machine
