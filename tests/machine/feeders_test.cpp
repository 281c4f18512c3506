#include "machine/feeders.h"

#include <gtest/gtest.h>

#include "tests/support/archive_tests.h"

namespace orrery::machine {
namespace {

struct Typing {
  void run(u64 ns) {
    const u64 end = clock.now() + ns;
    for (int i = 0; i < 100'000 && clock.next_due_tick() <= clock.tick_at(end); ++i) {
      clock.set_ticks(clock.next_due_tick());
      clock.run_due();
    }
    clock.set_ticks(clock.tick_at(end));
  }
  core::Clock clock;
  bool taken = true;
  std::vector<int> seen;  // positive: down
  KeyFeeder feeder{clock, [this](KeyUsage key, bool down) { seen.push_back(down ? key : -key); },
                   [this] { return taken; }};
};

TEST(KeyFeeder, PassesUnpacedKeysOnAtOnce) {
  Typing t;
  t.feeder.key({4, true});
  t.feeder.key({4, true});  // the host's repeat
  t.feeder.key({4, false});
  t.feeder.key({4, false});
  EXPECT_EQ(t.seen, (std::vector<int>{4, -4}));
}

TEST(KeyFeeder, PacedKeysWaitForTheGuest) {
  Typing t;
  for (u8 key = 4; key < 8; ++key) {
    t.feeder.key({key, true, true});
    t.feeder.key({key, false, true});
  }
  t.taken = false;
  t.run(1'000'000'000);
  EXPECT_TRUE(t.seen.empty());
  EXPECT_EQ(t.feeder.waiting(), 8u);
  t.taken = true;
  t.run(4'000'000);
  EXPECT_EQ(t.seen.size(), 1u);
  t.run(1'000'000'000);
  EXPECT_EQ(t.seen, (std::vector<int>{4, -4, 5, -5, 6, -6, 7, -7}));
}

TEST(KeyFeeder, LosingTheFocusReleasesWhatIsDown) {
  Typing t;
  t.feeder.key({224, true});
  t.feeder.key({4, true});
  t.feeder.key({5, true, true});
  t.feeder.release_all();
  t.run(1'000'000'000);
  EXPECT_EQ(t.seen, (std::vector<int>{224, 4, -4, -224}));
}

TEST(KeyFeeder, KeepsTheArchiveContract) {
  Typing a, b;
  test::expect_archive_contract(a.feeder, b.feeder, [&] {
    a.feeder.key({9, true});
    a.feeder.key({4, true, true});
  });
}

TEST(KeyFeeder, TypingGoesOnAfterALoad) {
  Typing a, b;
  a.feeder.key({4, true, true});
  a.feeder.key({4, false, true});
  core::load_from_bytes(b.feeder, core::save_to_bytes(a.feeder));
  b.run(100'000'000);
  EXPECT_EQ(b.seen, (std::vector<int>{4, -4}));
}

TEST(SerialFeeder, OffersAByteAgainUntilItIsTaken) {
  core::Clock clock;
  bool room = false;
  std::vector<u8> taken;
  auto offer = [&](u8 byte) {
    if (room) taken.push_back(byte);
    return room;
  };
  SerialFeeder feeder(clock, "serial0_in", offer, [] { return 86'000; });
  auto run = [&](u64 ns) {
    const u64 end = clock.now() + ns;
    for (int i = 0; i < 100'000 && clock.next_due_tick() <= clock.tick_at(end); ++i) {
      clock.set_ticks(clock.next_due_tick());
      clock.run_due();
    }
    clock.set_ticks(clock.tick_at(end));
  };
  const std::vector<u8> bytes{1, 2, 3};
  feeder.add(bytes);
  run(1'000'000);
  EXPECT_TRUE(taken.empty());
  room = true;
  run(200'000);
  EXPECT_LT(taken.size(), 3u) << "one at a time";
  run(1'000'000);
  EXPECT_EQ(taken, bytes);
  EXPECT_EQ(clock.next_due_tick(), ~u64{0}) << "nothing is left to wait for";

  SerialFeeder other(clock, "serial0_in", offer, [] { return 86'000; });
  test::expect_archive_contract(feeder, other, [&] { feeder.add(bytes); });
}

}  // namespace
}  // namespace orrery::machine
