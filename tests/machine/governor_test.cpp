#include "machine/governor.h"

#include <gtest/gtest.h>

namespace orrery::machine {
namespace {

// A host that runs `speed` ticks a second, and a machine that is busy all the time.
struct Host {
  explicit Host(u64 host_speed)
      : speed(host_speed), governor(clock, clock.rate(), [this](u64 r) {
          clock.set_rate(r);
          ++changes;
        }) {}

  // Runs for `ns` of host time.
  void run(u64 ns) {
    const u64 end = time + ns;
    for (int i = 0; i < 1'000'000 && time < end; ++i) {
      const Governor::Plan plan = governor.plan(time);
      if (plan.sleep_ns != 0) {
        time += std::min(plan.sleep_ns, end - time);
        slept += plan.sleep_ns == ~u64{0} ? 0 : plan.sleep_ns;
        continue;
      }
      ASSERT_GT(plan.until_tick, clock.ticks());
      time += (plan.until_tick - clock.ticks()) * core::kNsPerSecond / speed + 1;
      clock.set_ticks(plan.until_tick);
      clock.run_due();
    }
  }

  u64 speed;
  u64 time = 1'000'000;
  u64 slept = 0;
  int changes = 0;
  core::Clock clock;
  Governor governor;
};

TEST(Governor, KeepsVirtualTimeInStepWithAFastHost) {
  Host host(1'000'000'000);
  host.run(10'000'000'000);
  EXPECT_NEAR(static_cast<double>(host.clock.now()), 10e9, 20e6);
  EXPECT_EQ(host.changes, 0);
  EXPECT_NEAR(host.governor.achieved_percent(), 100, 2);
  EXPECT_GT(host.slept, 7'000'000'000u);
}

TEST(Governor, SlowsTheProcessorOnASlowHostSoThatTimeStaysEven) {
  Host host(20'000'000);
  host.run(5'000'000'000);
  const u64 before = host.clock.now();
  host.run(10'000'000'000);
  EXPECT_NEAR(static_cast<double>(host.clock.now() - before), 10e9, 500e6);
  EXPECT_LE(host.clock.rate(), 20'000'000u);
  EXPECT_GT(host.clock.rate(), 10'000'000u);
}

TEST(Governor, GivesTheSpeedBackWhenTheHostHasTimeAgain) {
  Host host(50'000'000);
  host.run(5'000'000'000);
  EXPECT_LT(host.clock.rate(), 51'000'000u);
  host.speed = 1'000'000'000;
  host.run(10'000'000'000);
  EXPECT_EQ(host.clock.rate(), core::Clock::kDefaultRate);
}

TEST(Governor, APinnedRateNeverChanges) {
  Host host(20'000'000);
  host.governor.pin_rate(true);
  host.run(5'000'000'000);
  EXPECT_EQ(host.changes, 0);
  EXPECT_NEAR(static_cast<double>(host.clock.now()), 0.5e9, 50e6);
}

TEST(Governor, TurboNeverSleeps) {
  Host host(1'000'000'000);
  host.governor.set_speed(Speed::Turbo);
  host.run(2'000'000'000);
  EXPECT_EQ(host.slept, 0u);
  EXPECT_NEAR(static_cast<double>(host.clock.now()), 10e9, 0.5e9);
  EXPECT_EQ(host.changes, 0);
}

TEST(Governor, SlowMotionPassesAFractionOfTime) {
  Host host(1'000'000'000);
  host.governor.set_speed(Speed::Slow);
  host.governor.set_percent(10);
  host.run(10'000'000'000);
  EXPECT_NEAR(static_cast<double>(host.clock.now()), 1e9, 20e6);
}

TEST(Governor, PauseStandsStillAndIsNotMadeUpForAfterwards) {
  Host host(1'000'000'000);
  host.run(1'000'000'000);
  const u64 at = host.clock.now();
  host.governor.set_speed(Speed::Paused);
  EXPECT_EQ(host.governor.plan(host.time).sleep_ns, ~u64{0});
  host.run(5'000'000'000);
  EXPECT_EQ(host.clock.now(), at);
  host.governor.set_speed(Speed::RealTime);
  host.run(1'000'000'000);
  EXPECT_NEAR(static_cast<double>(host.clock.now() - at), 1e9, 20e6);
}

TEST(Governor, AHostThatSleptForAnHourDoesNotMakeTheGuestHurry) {
  Host host(400'000'000);
  host.run(1'000'000'000);
  const u64 at = host.clock.now();
  host.time += 3600 * core::kNsPerSecond;
  host.run(2'000'000'000);
  EXPECT_LT(host.clock.now() - at, 2'200'000'000u);
  host.run(8'000'000'000);
  EXPECT_EQ(host.clock.rate(), core::Clock::kDefaultRate);
}

}  // namespace
}  // namespace orrery::machine
