#include "hw/hpet.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/support/archive_tests.h"
#include "tests/support/chip_rig.h"

namespace orrery::hw {
namespace {

constexpr u64 kCapabilities = 0, kConfig = 0x10, kStatus = 0x20, kCounter = 0xf0;
constexpr u64 kEnable = 1, kLegacy = 2;
constexpr u64 kLevel = 1 << 1, kOn = 1 << 2, kPeriodic = 1 << 3, kSetValue = 1 << 6, kMode32 = 1 << 8;
constexpr u64 kRoute20 = 20 << 9, kRoute21 = 21 << 9;

struct HpetTest : ::testing::Test, test::ChipRig {
  core::IoSpace memory{"memory", log};
  std::map<unsigned, core::LevelLine> lines;
  std::map<unsigned, int> edges;
  Hpet chip{memory, clock, log, [this](unsigned n) -> core::LevelLine& {
              lines[n].connect([this, n](bool level) { edges[n] += level ? 1 : 0; });
              return lines[n];
            }};

  HpetTest() { chip.reset(); }
  u64 r(u64 reg) { return memory.read(Hpet::kBase + reg, 8); }
  u64 r32(u64 reg) { return memory.read(Hpet::kBase + reg, 4); }
  void w(u64 reg, u64 value) { memory.write(Hpet::kBase + reg, 8, value); }
  void w32(u64 reg, u64 value) { memory.write(Hpet::kBase + reg, 4, value); }
  static u64 config(unsigned t) { return 0x100 + 0x20 * t; }
  static u64 comparator(unsigned t) { return 0x108 + 0x20 * t; }
};

TEST_F(HpetTest, TellsWhatItCan) {
  EXPECT_EQ(r(kCapabilities), 0x009896808086a201u);  // 10,000,000 fs
  EXPECT_EQ(r32(4), 10'000'000u);
  w(kCapabilities, 0);
  EXPECT_EQ(r(kCapabilities), 0x009896808086a201u);
  for (unsigned t = 0; t < 3; ++t) {
    EXPECT_EQ(r(config(t)), 0x00f0000000000030u);
    EXPECT_EQ(r(comparator(t)), ~u64{0});
    EXPECT_EQ(r(comparator(t) + 8), 0u);
  }
  EXPECT_EQ(r(config(3)), 0u);  // there is no fourth
  EXPECT_EQ(r(kConfig), 0u);
}

TEST_F(HpetTest, CountsAt100MHzWhileEnabled) {
  run(1000);
  EXPECT_EQ(r(kCounter), 0u);
  w(kCounter, 0x1'ffff'fff0);
  w(kConfig, kEnable);
  run(320);
  EXPECT_EQ(r(kCounter), 0x2'0000'0010u);
  EXPECT_EQ(r32(kCounter), 0x10u);
  EXPECT_EQ(r32(kCounter + 4), 2u);
  w(kConfig, 0);
  run(1000);
  EXPECT_EQ(r(kCounter), 0x2'0000'0010u);
  w32(kCounter + 4, 7);
  EXPECT_EQ(r(kCounter), 0x7'0000'0010u);
}

TEST_F(HpetTest, ATimerMatchesWhenTheCounterReachesIt) {
  w(config(0), kOn | kRoute20);
  w(comparator(0), 100);
  w(kConfig, kEnable);
  run(999);
  EXPECT_EQ(edges[20], 0);
  run(1);
  EXPECT_EQ(edges[20], 1);
  run(1'000'000);
  EXPECT_EQ(edges[20], 1);
  EXPECT_EQ(r(kStatus), 0u);  // edge mode
  w(comparator(0), r(kCounter) + 5);
  run(50);
  EXPECT_EQ(edges[20], 2);
  w(comparator(0), r(kCounter) - 1);  // long past: not in this life
  run(1'000'000);
  EXPECT_EQ(edges[20], 2);
}

TEST_F(HpetTest, InLevelModeTheStatusBitHoldsTheLine) {
  w(config(2), kOn | kLevel | kRoute21);
  w(comparator(2), 10);
  w(kConfig, kEnable);
  run(100);
  EXPECT_EQ(r(kStatus), 4u);
  EXPECT_TRUE(lines[21].level());
  w(kStatus, 3);
  EXPECT_TRUE(lines[21].level());
  w(kStatus, 4);
  EXPECT_FALSE(lines[21].level());
  EXPECT_EQ(r(kStatus), 0u);
}

TEST_F(HpetTest, InLevelModeTheStatusBitComesWithoutEnableToo) {
  w(config(1), kLevel | kRoute21);
  w(comparator(1), 10);
  w(kConfig, kEnable);
  run(100);
  EXPECT_EQ(r(kStatus), 2u);
  EXPECT_FALSE(lines[21].level());
  w(config(1), kOn | kLevel | kRoute21);
  EXPECT_TRUE(lines[21].level());
}

TEST_F(HpetTest, APeriodicTimerKeepsItsPace) {
  w(config(0), kOn | kPeriodic | kSetValue | kRoute20);
  w(comparator(0), 50);   // the first match
  w(comparator(0), 100);  // the period
  w(kConfig, kEnable);
  run(500);
  EXPECT_EQ(edges[20], 1);
  EXPECT_EQ(r(comparator(0)), 150u);
  run(999);
  EXPECT_EQ(edges[20], 1);
  run(1);
  EXPECT_EQ(edges[20], 2);
  run(10'000);
  EXPECT_EQ(edges[20], 12);
  EXPECT_EQ(r(comparator(0)), 1250u);
}

TEST_F(HpetTest, APeriodicTimerThatNobodyHearsKeepsItsComparatorMoving) {
  w(config(0), kPeriodic | kSetValue | kRoute20);
  w(comparator(0), 100);
  w(kConfig, kEnable);
  run(12'345);
  EXPECT_EQ(r(comparator(0)), 1300u);
  w(config(0), kOn | kPeriodic | kRoute20);
  run(654);
  EXPECT_EQ(edges[20], 0);
  run(1);
  EXPECT_EQ(edges[20], 1);
}

TEST_F(HpetTest, A32BitTimerWrapsAndMatchesAgain) {
  w(kCounter, 0xffff'fff0);
  w(config(0), kOn | kMode32 | kRoute20);
  w(comparator(0), 0x5'0000'0010);
  EXPECT_EQ(r(comparator(0)), 0x10u);
  w(kConfig, kEnable);
  run(319);
  EXPECT_EQ(edges[20], 0);
  run(1);
  EXPECT_EQ(edges[20], 1);
  run((u64{10} << 32) - 1);
  EXPECT_EQ(edges[20], 1);
  run(1);
  EXPECT_EQ(edges[20], 2);
}

TEST_F(HpetTest, LegacyReplacementRoutesTheFirstTwo) {
  bool legacy = false;
  chip.legacy().connect([&](bool level) { legacy = level; });
  w(config(0), kOn | kRoute20);
  w(config(1), kOn | kRoute21);
  w(config(2), kOn | kRoute21);
  for (unsigned t = 0; t < 3; ++t) w(comparator(t), 100);
  w(kConfig, kEnable | kLegacy);
  EXPECT_TRUE(legacy);
  run(1000);
  EXPECT_EQ(edges[0], 1);
  EXPECT_EQ(edges[8], 1);
  EXPECT_EQ(edges[20], 0);
  EXPECT_EQ(edges[21], 1);
  w(kConfig, kEnable);
  EXPECT_FALSE(legacy);
}

TEST_F(HpetTest, RoutesThatItDoesNotHaveDoNotStick) {
  w(config(0), kOn | 5 << 9);
  EXPECT_EQ(r(config(0)) & 0xffff, 0x0034u);
  w(config(0), kOn | kRoute21 | 0x8000'c000);  // nor messages
  EXPECT_EQ(r(config(0)) & 0xffffffff, 0x0034u | kRoute21);
}

TEST_F(HpetTest, HaltingTheCounterLowersTheLines) {
  w(config(0), kOn | kRoute20);
  w(comparator(0), 10);
  w(kConfig, kEnable);
  run(100);
  EXPECT_TRUE(lines[20].level());  // until the next match: an 8259 wants to see it
  w(kConfig, 0);
  EXPECT_FALSE(lines[20].level());
}

TEST_F(HpetTest, KeepsTheArchiveContract) {
  core::IoSpace elsewhere{"memory", log};
  std::map<unsigned, core::LevelLine> others;
  Hpet other{elsewhere, clock, log, [&](unsigned n) -> core::LevelLine& { return others[n]; }};
  other.reset();
  test::expect_archive_contract<Hpet>(chip, other, [this] {
    w(config(0), kOn | kPeriodic | kSetValue | kRoute20);
    w(comparator(0), 50);
    w(config(1), kOn | kLevel | kRoute21);
    w(comparator(1), 70);
    w(kConfig, kEnable | kLegacy);
    run(1234);
  });
  EXPECT_TRUE(other.legacy().level());
}

TEST_F(HpetTest, TakesAnyAccessWithoutHarm) {
  u64 seed = 3;
  for (int n = 0; n < 20'000; ++n) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    const u64 offset = (seed >> 33) & 0x1fc;
    const unsigned width = 1u << (seed >> 59 & 3);
    if ((seed >> 50 & 3) != 0) {
      memory.write(Hpet::kBase + offset, width, (seed >> 49 & 1) != 0 ? seed >> 4 : seed >> 50);
    } else {
      memory.read(Hpet::kBase + offset, width);
    }
    run(seed >> 58);
  }
}

}  // namespace
}  // namespace orrery::hw
