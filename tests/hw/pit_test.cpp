#include "hw/pit.h"

#include <vector>

#include "tests/hw/bench.h"

namespace orrery::hw {
namespace {

class Pit8254 : public ::testing::Test {
 protected:
  Bench bench;
  Pit pit{bench.ports, bench.clock, bench.log};
  std::vector<std::pair<u64, bool>> edges;  // of OUT 2: pulse number, level

  static u64 pulse_time(u64 pulse) {
    return static_cast<u64>((static_cast<unsigned __int128>(pulse) * 1'000'000'000 + 1'193'181) / 1'193'182);
  }
  u64 pulse() {
    return static_cast<u64>(static_cast<unsigned __int128>(bench.clock.now()) * 1'193'182 / 1'000'000'000);
  }

  void SetUp() override {
    pit.reset();
    bench.run_to(pulse_time(100));
    pit.out(2).connect([this](bool level) { edges.emplace_back(pulse() - 100, level); });
  }
  /// `n` pulses after pulse 100, at which every test begins.
  void go(u64 n) { bench.run_to(pulse_time(100 + n)); }
  void control(u8 value) { bench.out(0x43, value); }
  void count8(u8 value) { bench.out(0x42, value); }
  void count16(u16 value) {
    bench.out(0x42, value & 0xff);
    bench.out(0x42, value >> 8);
  }
  u16 latched16() {
    control(0x80);
    const u16 low = bench.in(0x42);
    return static_cast<u16>(low | bench.in(0x42) << 8);
  }
  u8 latched8() {
    control(0x80);
    return bench.in(0x42);
  }
  u8 status() {
    control(0xe8);
    return bench.in(0x42);
  }
  bool out() { return pit.out(2).level(); }
  using Edges = std::vector<std::pair<u64, bool>>;
};

// Mode 0: interrupt on terminal count.

TEST_F(Pit8254, Mode0GoesHighNPlusOnePulsesAfterTheCountIsWritten) {
  control(0x90);  // LSB only
  EXPECT_FALSE(out());
  count8(4);
  std::vector<int> values;
  for (u64 n = 1; n <= 7; ++n) {
    go(n);
    values.push_back(latched8());
  }
  EXPECT_EQ(values, (std::vector<int>{4, 3, 2, 1, 0, 0xff, 0xfe}));
  EXPECT_EQ(edges, (Edges{{5, true}}));
}

TEST_F(Pit8254, Mode0GateLowHoldsTheCount) {
  control(0x90);
  count8(3);
  go(2);
  pit.gate(2).lower();
  go(10);
  EXPECT_EQ(latched8(), 2);
  EXPECT_FALSE(out());
  pit.gate(2).raise();
  go(20);
  EXPECT_EQ(edges, (Edges{{12, true}}));
}

TEST_F(Pit8254, Mode0LoadsEvenWhileTheGateIsLow) {
  control(0x90);
  pit.gate(2).lower();
  count8(3);
  go(5);
  EXPECT_EQ(latched8(), 3);
  pit.gate(2).raise();
  go(20);
  EXPECT_EQ(edges, (Edges{{8, true}})) << "no further pulse is needed to load";
}

TEST_F(Pit8254, Mode0FirstByteOfANewCountStopsCountingAndTakesOutLow) {
  control(0xb0);
  count16(2);
  go(10);
  EXPECT_TRUE(out());
  bench.out(0x42, 3);
  EXPECT_FALSE(out());
  const u16 stopped = latched16();
  go(15);
  EXPECT_EQ(latched16(), stopped);
  bench.out(0x42, 0);
  go(30);
  EXPECT_EQ(edges.back(), (std::pair<u64, bool>{19, true}));
}

TEST_F(Pit8254, Mode0AnExpiredCountGoesOnPastZeroAndStaysHigh) {
  control(0x90);
  count8(1);
  go(100'000);
  EXPECT_EQ(edges, (Edges{{2, true}}));
  pit.gate(2).lower();
  pit.gate(2).raise();
  go(300'000);
  EXPECT_TRUE(out());
  EXPECT_EQ(edges.size(), 1u);
}

// Mode 1: hardware retriggerable one-shot.

TEST_F(Pit8254, Mode1WaitsForATriggerAndCanBeRetriggered) {
  pit.gate(2).lower();
  control(0x92);
  EXPECT_TRUE(out());
  count8(3);
  go(10);
  EXPECT_TRUE(out());
  edges.clear();
  pit.gate(2).raise();
  go(12);
  pit.gate(2).lower();
  pit.gate(2).raise();
  go(30);
  EXPECT_EQ(edges, (Edges{{11, false}, {16, true}}));
}

TEST_F(Pit8254, Mode1ANewCountWaitsForTheNextTrigger) {
  pit.gate(2).lower();
  control(0x92);
  count8(2);
  pit.gate(2).raise();
  go(1);
  count8(4);
  EXPECT_EQ(status() & 0x40, 0x40) << "null count until the trigger";
  go(10);
  edges.clear();
  pit.gate(2).lower();
  pit.gate(2).raise();
  go(11);
  EXPECT_EQ(status() & 0x40, 0);
  go(30);
  EXPECT_EQ(edges, (Edges{{11, false}, {15, true}}));
}

// Mode 2: rate generator.

TEST_F(Pit8254, Mode2IsLowForOnePulseInEveryN) {
  control(0x94);
  count8(3);
  std::vector<int> values;
  for (u64 n = 1; n <= 6; ++n) {
    go(n);
    values.push_back(latched8());
  }
  EXPECT_EQ(values, (std::vector<int>{3, 2, 1, 3, 2, 1}));
  go(10);
  EXPECT_EQ(edges, (Edges{{0, true}, {3, false}, {4, true}, {6, false}, {7, true}, {9, false}, {10, true}}));
}

TEST_F(Pit8254, Mode2ANewCountTakesEffectAtTheEndOfTheCycle) {
  control(0x94);
  count8(4);
  go(2);
  count8(5);
  EXPECT_EQ(latched8(), 3);
  EXPECT_EQ(status() & 0x40, 0x40);
  go(5);
  EXPECT_EQ(latched8(), 5);
  EXPECT_EQ(status() & 0x40, 0);
  go(11);
  EXPECT_EQ(edges, (Edges{{0, true}, {4, false}, {5, true}, {9, false}, {10, true}}));
}

TEST_F(Pit8254, Mode2GateLowTakesOutHighAndARisingEdgeReloads) {
  control(0x94);
  count8(3);
  go(3);
  EXPECT_FALSE(out());
  pit.gate(2).lower();
  EXPECT_TRUE(out());
  go(10);
  EXPECT_EQ(latched8(), 1);
  pit.gate(2).raise();
  go(11);
  EXPECT_EQ(latched8(), 3);
  edges.clear();
  go(14);
  EXPECT_EQ(edges, (Edges{{13, false}, {14, true}}));
}

TEST_F(Pit8254, Mode2ACountOfOneNeverGoesLow) {
  control(0x94);
  count8(1);
  go(1000);
  EXPECT_EQ(edges, (Edges{{0, true}}));
}

// Mode 3: square wave.

TEST_F(Pit8254, Mode3EvenCountsByTwoWithEqualHalves) {
  control(0x96);
  count8(4);
  std::vector<int> values;
  for (u64 n = 1; n <= 6; ++n) {
    go(n);
    values.push_back(latched8());
  }
  EXPECT_EQ(values, (std::vector<int>{4, 2, 4, 2, 4, 2}));
  go(9);
  EXPECT_EQ(edges, (Edges{{0, true}, {3, false}, {5, true}, {7, false}, {9, true}}));
}

TEST_F(Pit8254, Mode3OddIsHighForOnePulseMore) {
  control(0x96);
  count8(5);
  std::vector<int> values;
  for (u64 n = 1; n <= 7; ++n) {
    go(n);
    values.push_back(latched8());
  }
  EXPECT_EQ(values, (std::vector<int>{4, 2, 0, 4, 2, 4, 2}));
  go(11);
  EXPECT_EQ(edges, (Edges{{0, true}, {4, false}, {6, true}, {9, false}, {11, true}}));
}

TEST_F(Pit8254, Mode3ANewCountTakesEffectAtTheEndOfTheHalfCycle) {
  control(0x96);
  count8(8);
  go(2);
  count8(4);
  go(12);
  EXPECT_EQ(edges, (Edges{{0, true}, {5, false}, {7, true}, {9, false}, {11, true}}));
}

TEST_F(Pit8254, Mode3GateLowTakesOutHighAndARisingEdgeStartsAgain) {
  control(0x96);
  count8(4);
  go(4);
  EXPECT_FALSE(out());
  pit.gate(2).lower();
  EXPECT_TRUE(out());
  go(20);
  edges.clear();
  pit.gate(2).raise();
  go(26);
  EXPECT_EQ(edges, (Edges{{23, false}, {25, true}}));
}

// Modes 4 and 5: strobes.

TEST_F(Pit8254, Mode4StrobesForOnePulse) {
  control(0x98);
  count8(3);
  go(20);
  EXPECT_EQ(edges, (Edges{{0, true}, {4, false}, {5, true}}));
}

TEST_F(Pit8254, Mode4GateLowHoldsTheCountAndANewCountRestarts) {
  control(0x98);
  count8(3);
  go(2);
  pit.gate(2).lower();
  go(7);
  pit.gate(2).raise();
  go(8);
  count8(6);
  go(30);
  EXPECT_EQ(edges, (Edges{{0, true}, {15, false}, {16, true}}));
}

TEST_F(Pit8254, Mode5StrobesAfterATriggerAndIgnoresTheGatesLevel) {
  pit.gate(2).lower();
  control(0x9a);
  count8(3);
  go(5);
  edges.clear();
  pit.gate(2).raise();
  go(6);
  pit.gate(2).lower();
  go(20);
  EXPECT_EQ(edges, (Edges{{9, false}, {10, true}}));
}

// Counting, reading and writing.

TEST_F(Pit8254, ZeroMeansTheLargestCount) {
  control(0xb0);
  count16(0);
  go(70'000);
  EXPECT_EQ(edges, (Edges{{65'537, true}}));
}

// A bus cycle lasts longer than a clock pulse: nobody sees the element between a count's second byte and its loading.
TEST_F(Pit8254, ACountIsReadBackAsSoonAsItIsWritten) {
  for (const auto& [word, expected] : {std::pair{0xb0, 0xfedd}, {0xb4, 0xfedd}, {0xb6, 0xfedc}, {0xb8, 0xfedd}}) {
    control(static_cast<u8>(word));
    count16(0xfedd);
    EXPECT_EQ(bench.in(0x42), expected & 0xff) << word;
    EXPECT_EQ(bench.in(0x42), expected >> 8) << word;
    EXPECT_EQ(latched16(), expected) << word;
  }
}

TEST_F(Pit8254, BcdCountsInDecimal) {
  control(0xb1);
  count16(0x1000);
  go(2);
  EXPECT_EQ(latched16(), 0x0999);
  go(2000);
  EXPECT_EQ(edges, (Edges{{1001, true}}));
  go(1002);
  control(0xb1);
  count16(0);
  go(2001);
  EXPECT_EQ(latched16(), 0x0000);
  go(2002);
  EXPECT_EQ(latched16(), 0x9999);
}

TEST_F(Pit8254, MsbOnlyAccessWritesAndReadsTheHighByte) {
  control(0xa4);
  count8(0x12);
  go(1);
  EXPECT_EQ(bench.in(0x42), 0x12);
  go(2);
  EXPECT_EQ(bench.in(0x42), 0x11);
}

TEST_F(Pit8254, ALatchHoldsUntilItIsReadAndASecondLatchIsIgnored) {
  control(0xb4);
  count16(1000);
  go(1);
  control(0x80);
  go(100);
  control(0x80);
  EXPECT_EQ(bench.in(0x42), 1000 & 0xff);
  EXPECT_EQ(bench.in(0x42), 1000 >> 8);
  EXPECT_EQ(bench.in(0x42), (1000 - 99) & 0xff) << "back to the live count";
  EXPECT_EQ(bench.in(0x42), (1000 - 99) >> 8);
}

TEST_F(Pit8254, ReadBackLatchesStatusAndCountOfSeveralCounters) {
  bench.out(0x43, 0x34);
  bench.out(0x40, 0x34);
  bench.out(0x40, 0x12);
  control(0xb7);
  bench.out(0x42, 0x00);
  EXPECT_EQ(status(), 0x80 | 0x40 | 0x37) << "null count after the control word";
  bench.out(0x42, 0x10);
  go(1);
  control(0xc0 | 0x02 | 0x08);  // both, counters 0 and 2
  go(50);
  EXPECT_EQ(bench.in(0x40), 0x80 | 0x34);
  EXPECT_EQ(bench.in(0x40), 0x34);
  EXPECT_EQ(bench.in(0x40), 0x12);
  EXPECT_EQ(bench.in(0x42), 0x80 | 0x37);
  EXPECT_EQ(bench.in(0x42), 0x00);
  EXPECT_EQ(bench.in(0x42), 0x10);
}

TEST_F(Pit8254, ModeBitsX10AndX11MeanTwoAndThree) {
  control(0xbc);
  EXPECT_EQ(status() & 0x0e, 0x04);
  control(0xbe);
  EXPECT_EQ(status() & 0x0e, 0x06);
}

TEST_F(Pit8254, TheControlPortReadsAsAllOnes) { EXPECT_EQ(bench.in(0x43), 0xff); }

TEST_F(Pit8254, Counter1CountsWithoutEvents) {
  bench.out(0x43, 0x54);
  bench.out(0x41, 18);
  EXPECT_EQ(bench.clock.next_due_tick(), ~u64{0});
  go(1 + 18 * 1000 + 17);
  control(0xe4);
  EXPECT_EQ(bench.in(0x41) & 0x80, 0x00);
  go(1 + 18 * 1000 + 18);
  control(0xe4);
  EXPECT_EQ(bench.in(0x41) & 0x80, 0x80);
}

TEST_F(Pit8254, Irq0NeverDrifts) {
  u64 rises = 0;
  u64 last = 0;
  pit.out(0).connect([&](bool level) {
    if (!level) return;
    ++rises;
    last = bench.clock.now();
  });
  bench.out(0x43, 0x34);
  bench.out(0x40, 0xa9);  // 1193
  bench.out(0x40, 0x04);
  bench.run_to(100 * core::kNsPerSecond);
  const u64 periods = (u64{1'193'182} * 100 - 101) / 1193;
  EXPECT_EQ(rises, periods + 1) << "the control word itself takes OUT high once";
  EXPECT_EQ(last, pulse_time(101 + 1193 * periods));
}

TEST_F(Pit8254, ArchiveContract) {
  Bench other_bench;
  Pit other(other_bench.ports, other_bench.clock, other_bench.log);
  other.reset();
  test::expect_archive_contract(pit, other, [&] {
    control(0xb6);
    count16(1000);
    bench.out(0x43, 0x34);
    bench.out(0x40, 7);
    go(1234);
    control(0x80);
    bench.in(0x42);
    count8(9);
    pit.gate(2).lower();
  });
  EXPECT_FALSE(other.gate(2).level());
  core::load_from_bytes(other_bench.clock, core::save_to_bytes(bench.clock));
  for (unsigned n = 0; n < 50; ++n) {
    bench.run_for(1'000'000);
    other_bench.run_for(1'000'000);
    ASSERT_EQ(core::save_to_bytes(pit), core::save_to_bytes(other));
    ASSERT_EQ(bench.in(0x40), other_bench.in(0x40));
  }
}

}  // namespace
}  // namespace orrery::hw
