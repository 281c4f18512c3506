#include "machine/run_loop.h"

#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "hw/core/archive.h"

namespace orrery::machine {
namespace {

// A processor that is a hash: each instruction stirs it, inputs and events stir it with the tick they came at, and now
// and then it halts until the next event or resets the board. Any difference in order or time shows.
class World : public Processor {
 public:
  World() : event(clock, "timer", [this] { on_timer(); }), journal(Config{}), gate(journal) {
    LoopHooks hooks;
    hooks.apply = [this](const Input& input) { apply(input); };
    hooks.signals = [this] { return take_signals(); };
    hooks.shutdown = []() -> std::optional<RunResult> { return RunResult{StopReason::TripleFault, 0, "shutdown"}; };
    hooks.hash = [this] { return state; };
    loop.emplace(clock, *this, gate, std::move(hooks));
    event.at(1000);
  }

  cpu::Stop run(u64 until) override {
    ++runs;
    while (clock.ticks() < until && clock.ticks() < clock.next_due_tick()) {
      if (halted) return cpu::Stop::Halted;
      if (const cpu::Stop stop = step(); stop != cpu::Stop::Budget) return stop;
    }
    return cpu::Stop::Budget;
  }
  cpu::Stop step() override {
    if (halted) return cpu::Stop::Halted;
    clock.set_ticks(clock.ticks() + 1);
    stir(1);
    if (clock.ticks() == shutdown_at) return cpu::Stop::Shutdown;
    if (state % 512 == 5) halted = true;
    if (state % 2048 == 6) {
      reset_asked = true;
      return cpu::Stop::Requested;
    }
    if (clock.ticks() == exit_at) {
      exit_asked = true;
      return cpu::Stop::Requested;
    }
    return cpu::Stop::Budget;
  }

  void stir(u64 value) {
    state = (state ^ value ^ clock.ticks()) * 0x9e3779b97f4a7c15 + 1;
    state ^= state >> 29;
  }
  void on_timer() {
    stir(clock.now() * 3);
    halted = false;
    event.at(event.when() + 400 + state % 2000);
  }
  void apply(const Input& input) {
    stir(input.index() + 77);
    if (const auto* rate = std::get_if<RateChange>(&input)) clock.set_rate(rate->ticks_per_second);
    if (std::holds_alternative<ResetButton>(input)) reset_asked = true;
    if (std::holds_alternative<NmiButton>(input)) event.at(clock.now());  // due at once
    if (std::holds_alternative<PowerButton>(input)) exit_asked = true;
    applied.push_back(input);
  }
  std::optional<RunResult> take_signals() {
    if (std::exchange(exit_asked, false)) return RunResult{StopReason::PowerOff, 0, {}};
    if (std::exchange(reset_asked, false)) stir(0xdead);
    return std::nullopt;
  }

  core::Clock clock;
  core::Event event;
  Journal journal;
  InputGate gate;
  std::optional<RunLoop> loop;
  u64 state = 1;
  bool halted = false;
  bool reset_asked = false;
  bool exit_asked = false;
  u64 exit_at = ~u64{0};
  u64 shutdown_at = ~u64{0};
  u64 runs = 0;
  std::vector<Input> applied;
};

TEST(RunLoop, StopsExactlyAtTheTickThatWasAskedFor) {
  World world;
  EXPECT_EQ(world.loop->run_until(12345).reason, StopReason::Reached);
  EXPECT_EQ(world.clock.ticks(), 12345u);
  EXPECT_EQ(world.loop->run_until(12345).reason, StopReason::Reached);
  EXPECT_EQ(world.clock.ticks(), 12345u);
}

TEST(RunLoop, HowARunIsCutIntoSlicesDoesNotShow) {
  World whole;
  whole.loop->run_until(500'000);
  for (u32 seed = 0; seed < 20; ++seed) {
    World cut;
    std::mt19937 random(seed);
    while (cut.clock.ticks() < 500'000) {
      if (random() % 4 == 0) {
        cut.loop->step();
      } else {
        cut.loop->run_until(std::min<u64>(500'000, cut.clock.ticks() + random() % 20'000));
      }
    }
    EXPECT_EQ(cut.clock.ticks(), 500'000u);
    EXPECT_EQ(cut.state, whole.state) << "seed " << seed;
  }
}

TEST(RunLoop, AHaltedProcessorJumpsToTheNextEvent) {
  World world;
  world.halted = true;
  world.event.at(3'000'000'000);
  EXPECT_EQ(world.loop->run_until(world.clock.tick_at(2'999'000'000)).reason, StopReason::Reached);
  EXPECT_LT(world.runs, 10u);
  EXPECT_TRUE(world.loop->idle());
  EXPECT_TRUE(world.halted);
  world.loop->run_until(world.clock.tick_at(3'000'000'000));
  EXPECT_FALSE(world.halted);
}

TEST(RunLoop, SteppingAHaltedProcessorWithoutEventsStandsStill) {
  World world;
  world.halted = true;
  world.event.cancel();
  world.loop->step();
  EXPECT_EQ(world.clock.ticks(), 0u);
}

TEST(RunLoop, APostedInputEntersWithTheTickOfTheNextBorder) {
  World world;
  world.loop->run_until(1000);
  world.gate.post(KeyInput{4, true});
  world.loop->run_until(1000);
  ASSERT_EQ(world.applied.size(), 1u);
  ASSERT_EQ(world.journal.entries().size(), 1u);
  EXPECT_EQ(world.journal.entries()[0].tick, 1000u);
}

TEST(RunLoop, AnInputOfAnotherThreadEntersWithinAVirtualMillisecond) {
  World world;
  std::thread other([&] { world.gate.post(KeyInput{4, true}); });
  other.join();
  std::thread stopper([&] { world.loop->request_stop(); });
  stopper.join();
  EXPECT_EQ(world.loop->run_until(~u64{0} / 2).reason, StopReason::Requested);
  EXPECT_EQ(world.applied.size(), 1u);
  EXPECT_LE(world.clock.now(), 1'000'000u);
}

TEST(RunLoop, AnEndStandsUntilItIsCleared) {
  World world;
  world.exit_at = 700;
  while (world.loop->run_until(700).reason == StopReason::Reached && world.clock.ticks() < 700) {
  }
  if (world.clock.ticks() != 700) GTEST_FAIL() << "the fake processor halted over its exit";
  EXPECT_EQ(world.loop->run_until(5000).reason, StopReason::PowerOff);
  EXPECT_EQ(world.clock.ticks(), 700u);
  world.loop->clear();
  EXPECT_EQ(world.loop->run_until(5000).reason, StopReason::Reached);
}

TEST(RunLoop, ATripleFaultEndsTheRun) {
  World world;
  world.shutdown_at = 10;
  const RunResult result = world.loop->run_until(5000);
  EXPECT_EQ(result.reason, StopReason::TripleFault);
  EXPECT_EQ(result.message, "shutdown");
}

// Random inputs at random borders, some several at one tick, some that switch off, reset or change the rate.
void live_run(World& world, u32 seed, u64 until) {
  std::mt19937 random(seed);
  const std::vector<Input> kinds{KeyInput{4, true},    MouseButtons{1},         ResetButton{}, NmiButton{},
                                 RateChange{90000000}, RateChange{210'000'000}, PowerButton{}, SerialInput{0, {1}}};
  while (world.clock.ticks() < until) {
    for (unsigned n = random() % 3; n != 0; --n) world.gate.post(kinds[random() % kinds.size()]);
    const RunResult result = world.loop->run_until(std::min<u64>(until, world.clock.ticks() + random() % 30'000));
    if (result.reason == StopReason::PowerOff) {
      world.loop->clear();
      world.gate.post(ResetButton{});
    }
    if (random() % 8 == 0 && !world.loop->standing() && !world.loop->settle()) {
      world.journal.append({world.clock.ticks(), Checkpoint{world.state}});
    }
  }
  while (world.loop->settle()) world.loop->clear();
  world.journal.append({world.clock.ticks(), RunEnd{world.state}});
}

RunResult replay_run(World& world, const Journal& journal, u32 seed) {
  world.gate.replay(std::make_shared<JournalReader>(journal.to_bytes()));
  std::mt19937 random(seed);
  for (int i = 0; i < 100'000; ++i) {
    world.gate.post(MouseButtons{7});  // must be ignored
    const RunResult result = world.loop->run_until(world.clock.ticks() + random() % 50'000);
    if (result.reason != StopReason::Reached && result.reason != StopReason::PowerOff) return result;
  }
  return {};
}

TEST(Replay, GivesTheSameRun) {
  for (u32 seed = 1; seed <= 20; ++seed) {
    World live;
    live_run(live, seed, 1'000'000);
    ASSERT_GT(live.journal.entries().size(), 20u);
    World again;
    const RunResult result = replay_run(again, live.journal, seed * 77);
    EXPECT_EQ(result.reason, StopReason::ReplayEnd) << "seed " << seed << ": " << result.message;
    EXPECT_EQ(again.state, live.state) << "seed " << seed;
    EXPECT_EQ(again.clock.ticks(), live.clock.ticks());
    EXPECT_EQ(again.applied, live.applied);
    std::vector<JournalEntry> recorded = live.journal.entries();
    recorded.pop_back();  // the end
    EXPECT_EQ(again.journal.entries(), recorded) << "a replay is a recording of itself";
    EXPECT_EQ(again.loop->run_until(live.clock.ticks() + 10).reason, StopReason::Reached) << "and it goes on live";
  }
}

TEST(Replay, ADifferentMachineIsFoundOutAtTheNextCheckpoint) {
  World live;
  live_run(live, 3, 1'000'000);
  World other;
  other.state = 2;
  const RunResult result = replay_run(other, live.journal, 1);
  EXPECT_EQ(result.reason, StopReason::Diverged);
  EXPECT_NE(result.message.find("tick"), std::string::npos);
}

TEST(Replay, OfATruncatedRecordEndsAtItsLastInput) {
  World live;
  live.loop->run_until(400);
  live.gate.post(MouseButtons{1});
  live.loop->run_until(900);
  World again;
  EXPECT_EQ(replay_run(again, live.journal, 1).reason, StopReason::ReplayEnd);
  EXPECT_EQ(again.clock.ticks(), 400u);
}

TEST(Replay, AChangedFileIsNamed) {
  World live;
  live.journal.append({5, FileMark{"/nonexistent/floppy.img", 1474560, 3}});
  World again;
  const RunResult result = replay_run(again, live.journal, 1);
  EXPECT_EQ(result.reason, StopReason::Diverged);
  EXPECT_NE(result.message.find("floppy.img"), std::string::npos);
}

TEST(InputGate, AddsUpMotionsThatWait) {
  Journal journal{Config{}};
  InputGate gate(journal);
  for (int i = 0; i < 1000; ++i) gate.post(MouseMotion{1, -2});
  gate.post(MouseButtons{1});
  gate.post(MouseMotion{5, 5});
  EXPECT_EQ(gate.take(9)->what, (std::variant<Input, Checkpoint, FileMark, RunEnd>(MouseMotion{1000, -2000})));
  EXPECT_EQ(gate.take(9)->what, (std::variant<Input, Checkpoint, FileMark, RunEnd>(MouseButtons{1})));
  EXPECT_EQ(gate.take(9)->tick, 9u);
  EXPECT_FALSE(gate.take(9).has_value());
  EXPECT_FALSE(gate.waiting());
}

TEST(InputGate, WhatIsPostedTogetherIsNeverTakenApart) {
  Journal journal{Config{}};
  InputGate gate(journal);
  std::thread poster([&] {
    for (int n = 0; n < 2000; ++n) gate.post_together({KeyInput{4, true, false}, KeyInput{4, false, false}});
  });
  int taken = 0;
  while (taken < 4000) {
    int now = 0;
    while (gate.take(0)) ++now;
    EXPECT_EQ(now % 2, 0);
    taken += now;
  }
  poster.join();
}

TEST(InputGate, LosesNothingBetweenThreads) {
  Journal journal{Config{}};
  InputGate gate(journal);
  std::thread a([&] {
    for (int i = 0; i < 2000; ++i) gate.post(KeyInput{1, true});
  });
  std::thread b([&] {
    for (int i = 0; i < 2000; ++i) gate.post(KeyInput{2, true});
  });
  int taken = 0;
  for (int i = 0; i < 100'000'000 && taken < 4000; ++i) taken += gate.take(1) ? 1 : 0;
  a.join();
  b.join();
  while (gate.take(1)) ++taken;
  EXPECT_EQ(taken, 4000);
}

}  // namespace
}  // namespace orrery::machine
