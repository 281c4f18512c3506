#include "hw/speaker.h"

#include <array>

#include "tests/hw/bench.h"

namespace orrery::hw {
namespace {

constexpr u64 kUs = 1000;

class PcSpeaker : public ::testing::Test {
 protected:
  Bench bench;
  core::LevelLine timer, enable;
  Speaker speaker{bench.clock, timer, enable};

  std::vector<i16> render(u64 from, u64 to, u32 rate) {
    std::vector<i16> out(100'000);
    out.resize(speaker.render(from, to, rate, out));
    return out;
  }
};

TEST_F(PcSpeaker, SoundsOnlyWhileTimerAndEnableAreHigh) {
  timer.raise();
  EXPECT_FALSE(speaker.level());
  enable.raise();
  EXPECT_TRUE(speaker.level());
  timer.lower();
  EXPECT_FALSE(speaker.level());
}

TEST_F(PcSpeaker, ASampleIsTheMeanLevelOverItsPeriod) {
  enable.raise();
  bench.run_to(250 * kUs);
  timer.raise();
  bench.run_to(2500 * kUs);
  timer.lower();
  bench.run_to(4000 * kUs);
  const i16 a = Speaker::kAmplitude;
  EXPECT_EQ(render(0, 4'000'000, 1000), (std::vector<i16>{static_cast<i16>(a * 3 / 4), a, static_cast<i16>(a / 2), 0}));
}

TEST_F(PcSpeaker, RenderingInPiecesGivesTheSameAsAtOnce) {
  enable.raise();
  for (u64 i = 1; i < 500; ++i) {
    bench.run_to(i * 333'333);
    timer.set(!timer.level());
  }
  const std::vector<i16> whole = render(0, 160'000'000, 50'000);
  EXPECT_EQ(whole.size(), 8000u);
  std::vector<i16> pieces;
  for (u64 t = 0; t < 160'000'000; t += 20'000'000) {
    const std::vector<i16> piece = render(t, t + 20'000'000, 50'000);
    pieces.insert(pieces.end(), piece.begin(), piece.end());
  }
  EXPECT_EQ(pieces, whole);
}

TEST_F(PcSpeaker, TheRecordIsBoundedAndKeepsItsPhase) {
  enable.raise();
  const u64 changes = Speaker::kMostChanges * 3 + 1;
  for (u64 i = 1; i <= changes; ++i) {
    bench.clock.set_ticks(i * 10);
    timer.set(!timer.level());
  }
  EXPECT_TRUE(speaker.level());
  const u64 end = changes * 10;
  EXPECT_EQ(render(end, end + 1000, 1'000'000), (std::vector<i16>{Speaker::kAmplitude}));
  EXPECT_EQ(render(end - 10, end, 100'000'000), (std::vector<i16>{0}));
  EXPECT_EQ(render(end - 20, end - 10, 100'000'000), (std::vector<i16>{Speaker::kAmplitude}));
}

TEST_F(PcSpeaker, NeverWritesPastTheBufferOrTheEnd) {
  std::array<i16, 4> out{};
  EXPECT_EQ(speaker.render(0, ~u64{0}, 44'100, out), 4u);
  EXPECT_EQ(speaker.render(5, 5, 44'100, out), 0u);
  EXPECT_EQ(speaker.render(0, 100, 0, out), 0u);
  EXPECT_EQ(speaker.render(0, 10, 4'000'000'000u, out), 4u);
}

TEST_F(PcSpeaker, SaysWhetherThereIsAnythingToHear) {
  EXPECT_FALSE(speaker.active());
  enable.raise();
  EXPECT_TRUE(speaker.active());
  timer.raise();
  enable.lower();
  EXPECT_TRUE(speaker.active());
  bench.run_for(2 * Speaker::kHistoryNs);
  EXPECT_FALSE(speaker.active());
}

TEST_F(PcSpeaker, ArchiveContract) {
  Bench other_bench;
  core::LevelLine other_timer, other_enable;
  Speaker other(other_bench.clock, other_timer, other_enable);
  test::expect_archive_contract(speaker, other, [&] {
    timer.raise();
    enable.raise();
  });
  EXPECT_TRUE(other.level());
}

}  // namespace
}  // namespace orrery::hw
