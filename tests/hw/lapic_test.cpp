#include "hw/lapic.h"

#include <gtest/gtest.h>

#include "tests/support/archive_tests.h"
#include "tests/support/chip_rig.h"

namespace orrery::hw {
namespace {

using core::ApicDelivery;
using core::ApicMessage;

constexpr u64 kId = 0x20, kVersion = 0x30, kTpr = 0x80, kApr = 0x90, kPpr = 0xa0, kEoi = 0xb0, kLdr = 0xd0, kDfr = 0xe0,
              kSvr = 0xf0, kIsr = 0x100, kTmr = 0x180, kIrr = 0x200, kEsr = 0x280, kIcrLow = 0x300, kIcrHigh = 0x310,
              kLvtTimer = 0x320, kLvtLint0 = 0x350, kLvtLint1 = 0x360, kLvtError = 0x370, kInitial = 0x380,
              kCurrent = 0x390, kDivide = 0x3e0;
constexpr u32 kMasked = 0x10000, kPeriodic = 0x20000, kTscDeadline = 0x40000;

struct LocalApicTest : ::testing::Test, test::ChipRig {
  core::IoSpace memory{"memory", log};
  core::ApicBus bus;
  u64 base = LocalApic::kDefaultBase;
  u8 external_vector = 0x08;
  int external_acknowledges = 0, inits = 0, nmis = 0;
  std::vector<u8> ends, start_ups;
  LocalApic chip{wiring(bus)};

  LocalApicTest() {
    chip.nmi().connect([this] { ++nmis; });
    bus.on_end_of_interrupt([this](u8 vector) { ends.push_back(vector); });
    chip.reset();
  }
  LocalApic::Wiring wiring(core::ApicBus& where, u8 id = 0) {
    return {.memory = memory,
            .clock = clock,
            .log = log,
            .bus = where,
            .id = id,
            .external_acknowledge =
                [this] {
                  ++external_acknowledges;
                  chip.set_lint(0, false);
                  return external_vector;
                },
            .time_of_tsc = [this](u64 tsc) { return std::max(tsc / 2, clock.now()); },  // 2 GHz
            .init = [this] { ++inits; },
            .start_up = [this](u8 vector) { start_ups.push_back(vector); }};
  }
  u32 r(u64 reg) { return static_cast<u32>(memory.read(base + reg, 4)); }
  void w(u64 reg, u32 value) { memory.write(base + reg, 4, value); }
  void enable() { w(kSvr, 0x1ff); }
  bool irr(unsigned v) { return (r(kIrr + v / 32 * 16) >> (v % 32) & 1) != 0; }
  bool isr(unsigned v) { return (r(kIsr + v / 32 * 16) >> (v % 32) & 1) != 0; }
  bool tmr(unsigned v) { return (r(kTmr + v / 32 * 16) >> (v % 32) & 1) != 0; }
  bool intr() { return chip.intr().level(); }
  bool fixed(u8 vector, bool level = false) { return bus.send({.vector = vector, .level_triggered = level}); }
};

TEST_F(LocalApicTest, HasTheResetValuesOfTheManualAndTheVirtualWire) {
  EXPECT_EQ(r(kId), 0u);
  EXPECT_EQ(r(kVersion), 0x00050014u);
  EXPECT_EQ(r(kTpr), 0u);
  EXPECT_EQ(r(kPpr), 0u);
  EXPECT_EQ(r(kLdr), 0u);
  EXPECT_EQ(r(kDfr), 0xffffffffu);
  EXPECT_EQ(r(kSvr), 0xffu);
  EXPECT_EQ(r(kEsr), 0u);
  EXPECT_EQ(r(kIcrLow), 0u);
  for (const u64 lvt : {kLvtTimer, u64{0x330}, u64{0x340}, kLvtError}) EXPECT_EQ(r(lvt), kMasked);
  EXPECT_EQ(r(kLvtLint0), 0x700u);
  EXPECT_EQ(r(kLvtLint1), 0x400u);
  EXPECT_EQ(r(kInitial), 0u);
  EXPECT_EQ(r(kCurrent), 0u);
  EXPECT_EQ(r(kDivide), 0u);
}

TEST_F(LocalApicTest, OfAnotherProcessorMasksItsPins) {
  LocalApic other(wiring(bus, 3));
  other.reset();
  other.set_lint(0, true);
  EXPECT_FALSE(other.intr().level());
  EXPECT_EQ(other.name(), "lapic3");
}

TEST_F(LocalApicTest, ReservedBitsOfRegistersDoNotStick) {
  enable();
  for (const u64 lvt : {kLvtTimer, u64{0x330}, u64{0x340}, kLvtLint0, kLvtLint1, kLvtError}) w(lvt, 0xfff9ffff);
  EXPECT_EQ(r(kLvtTimer), 0x000100ffu);
  EXPECT_EQ(r(0x330), 0x000107ffu);
  EXPECT_EQ(r(0x340), 0x000107ffu);
  EXPECT_EQ(r(kLvtLint0), 0x0001a7ffu);
  EXPECT_EQ(r(kLvtLint1), 0x0001a7ffu);
  EXPECT_EQ(r(kLvtError), 0x000100ffu);
  w(kDivide, 0xffffffff);
  EXPECT_EQ(r(kDivide), 0xbu);
  w(kDfr, 0);
  EXPECT_EQ(r(kDfr), 0x0fffffffu);
  w(kLdr, 0xffffffff);
  EXPECT_EQ(r(kLdr), 0xff000000u);
  w(kTpr, 0x1234);
  EXPECT_EQ(r(kTpr), 0x34u);
  w(kIcrHigh, 0x12345678);
  EXPECT_EQ(r(kIcrHigh), 0x12000000u);
  w(kVersion, 0);
  EXPECT_EQ(r(kVersion), 0x00050014u);
}

TEST_F(LocalApicTest, DeliversByPriorityAndHoldsBackWhatIsNotAboveIt) {
  enable();
  EXPECT_TRUE(fixed(0x31));
  EXPECT_TRUE(intr());
  EXPECT_TRUE(irr(0x31));
  EXPECT_TRUE(fixed(0x52));
  EXPECT_EQ(chip.acknowledge(), 0x52);
  EXPECT_TRUE(isr(0x52));
  EXPECT_FALSE(irr(0x52));
  EXPECT_FALSE(intr());  // 31h waits
  EXPECT_EQ(r(kPpr), 0x50u);
  fixed(0x5f);
  EXPECT_FALSE(intr());  // of the same class
  fixed(0x60);
  EXPECT_TRUE(intr());
  EXPECT_EQ(chip.acknowledge(), 0x60);
  w(kEoi, 0);
  EXPECT_FALSE(isr(0x60));
  EXPECT_FALSE(intr());
  w(kEoi, 0);
  EXPECT_EQ(chip.acknowledge(), 0x5f);
  w(kEoi, 0);
  EXPECT_EQ(chip.acknowledge(), 0x31);
  w(kEoi, 0);
  EXPECT_EQ(r(kPpr), 0u);
  EXPECT_TRUE(ends.empty());  // edge-triggered ones are not broadcast
}

TEST_F(LocalApicTest, TheTaskPriorityHoldsBackItsClassAndThoseBelow) {
  enable();
  w(kTpr, 0x40);
  fixed(0x4f);
  EXPECT_FALSE(intr());
  EXPECT_EQ(r(kPpr), 0x40u);
  EXPECT_EQ(r(kApr), 0x40u);
  chip.set_task_priority(0x30);  // CR8
  EXPECT_EQ(r(kTpr), 0x30u);
  EXPECT_TRUE(intr());
  EXPECT_EQ(r(kApr), 0x40u);
  EXPECT_EQ(chip.acknowledge(), 0x4f);
  EXPECT_EQ(r(kPpr), 0x40u);
  w(kTpr, 0x45);
  EXPECT_EQ(r(kPpr), 0x45u);
  EXPECT_EQ(chip.task_priority(), 0x45);
}

TEST_F(LocalApicTest, AnAcknowledgeWithoutARequestGivesTheSpuriousVector) {
  w(kSvr, 0x1e7);
  fixed(0x80);
  w(kTpr, 0xf0);
  EXPECT_EQ(chip.acknowledge(), 0xe7);
  EXPECT_FALSE(isr(0xe7));
}

TEST_F(LocalApicTest, TellsTheBusOfTheEndOfALevelTriggeredInterrupt) {
  enable();
  fixed(0x41, true);
  EXPECT_TRUE(tmr(0x41));
  chip.acknowledge();
  w(kEoi, 0);
  EXPECT_EQ(ends, std::vector<u8>{0x41});
  fixed(0x41);
  EXPECT_FALSE(tmr(0x41));
  chip.acknowledge();
  w(kEoi, 0);
  w(kEoi, 0);  // nothing in service
  EXPECT_EQ(ends.size(), 1u);
}

TEST_F(LocalApicTest, SoftwareDisabledItTakesNoVectorsAndMasksItsEntries) {
  enable();
  w(kLvtTimer, 0x40);
  w(kSvr, 0xff);
  EXPECT_EQ(r(kLvtTimer), 0x40u | kMasked);
  EXPECT_EQ(r(kLvtLint0), 0x700u | kMasked);
  EXPECT_FALSE(fixed(0x50));
  EXPECT_FALSE(intr());
  w(kLvtTimer, 0x40);  // the mask cannot be cleared
  EXPECT_EQ(r(kLvtTimer), 0x40u | kMasked);
  EXPECT_TRUE(bus.send({.delivery = ApicDelivery::Nmi}));
  EXPECT_EQ(nmis, 1);
  enable();
  EXPECT_TRUE(fixed(0x50));
}

TEST_F(LocalApicTest, The8259ComesThroughLint0) {
  chip.set_lint(0, true);  // as after a reset: nobody has enabled anything
  EXPECT_TRUE(intr());
  EXPECT_EQ(chip.acknowledge(), 0x08);
  EXPECT_EQ(external_acknowledges, 1);
  EXPECT_FALSE(intr());
  enable();
  w(kTpr, 0xff);  // priorities do not concern ExtINT
  chip.set_lint(0, true);
  EXPECT_TRUE(intr());
  w(kLvtLint0, 0x700 | kMasked);
  EXPECT_FALSE(intr());
  w(kLvtLint0, 0x700);
  EXPECT_TRUE(intr());
}

TEST_F(LocalApicTest, ItsOwnVectorsGoBeforeThe8259) {
  enable();
  chip.set_lint(0, true);
  fixed(0x30);
  EXPECT_EQ(chip.acknowledge(), 0x30);
  EXPECT_EQ(chip.acknowledge(), 0x08);
}

TEST_F(LocalApicTest, Lint0CanBeAFixedInterruptByEdgeOrLevel) {
  enable();
  w(kLvtLint0, 0x61);
  chip.set_lint(0, true);
  EXPECT_EQ(chip.acknowledge(), 0x61);
  w(kEoi, 0);
  EXPECT_FALSE(intr());  // an edge
  chip.set_lint(0, false);
  w(kLvtLint0, 0x8061);
  chip.set_lint(0, true);
  EXPECT_EQ(r(kLvtLint0), 0xc061u);  // remote IRR
  EXPECT_EQ(chip.acknowledge(), 0x61);
  w(kEoi, 0);
  EXPECT_TRUE(intr());  // still asserted
  chip.acknowledge();
  chip.set_lint(0, false);
  w(kEoi, 0);
  EXPECT_FALSE(intr());
  EXPECT_EQ(r(kLvtLint0), 0x8061u);
}

TEST_F(LocalApicTest, Lint1IsNmiUntilToldOtherwise) {
  chip.pulse_lint1();
  EXPECT_EQ(nmis, 1);
  enable();
  w(kLvtLint1, 0x400 | kMasked);
  chip.pulse_lint1();
  EXPECT_EQ(nmis, 1);
  w(kLvtLint1, 0x70);
  chip.pulse_lint1();
  EXPECT_EQ(nmis, 1);
  EXPECT_TRUE(irr(0x70));
}

TEST_F(LocalApicTest, DisabledByItsBaseItIsWiredThroughAndInvisible) {
  enable();
  fixed(0x44);
  chip.set_base(LocalApic::kDefaultBase | LocalApic::kBaseBootProcessor);
  EXPECT_EQ(r(kVersion), 0xffffffffu);
  EXPECT_FALSE(fixed(0x45));
  EXPECT_FALSE(intr());
  chip.set_lint(0, true);
  EXPECT_TRUE(intr());
  EXPECT_EQ(chip.acknowledge(), 0x08);
  chip.pulse_lint1();
  EXPECT_EQ(nmis, 1);
  chip.set_base(LocalApic::kDefaultBase | LocalApic::kBaseBootProcessor | LocalApic::kBaseEnable);
  EXPECT_EQ(r(kSvr), 0xffu);  // as after a reset
  EXPECT_FALSE(irr(0x44));
}

TEST_F(LocalApicTest, MovesWithItsBase) {
  chip.set_base(0xd0000000 | LocalApic::kBaseBootProcessor | LocalApic::kBaseEnable);
  EXPECT_EQ(r(kVersion), 0xffffffffu);
  base = 0xd0000000;
  EXPECT_EQ(r(kVersion), 0x00050014u);
}

TEST_F(LocalApicTest, MatchesPhysicalAndLogicalDestinations) {
  w(kId, 0x05000000);
  EXPECT_TRUE(chip.addressed(5, false));
  EXPECT_TRUE(chip.addressed(0xff, false));
  EXPECT_FALSE(chip.addressed(0, false));
  w(kLdr, 0x06000000);  // flat
  EXPECT_TRUE(chip.addressed(0x04, true));
  EXPECT_TRUE(chip.addressed(0xff, true));
  EXPECT_FALSE(chip.addressed(0x09, true));
  w(kDfr, 0);  // cluster 2, member 1
  w(kLdr, 0x22000000);
  EXPECT_TRUE(chip.addressed(0x23, true));
  EXPECT_FALSE(chip.addressed(0x21, true));
  EXPECT_FALSE(chip.addressed(0x12, true));
  EXPECT_TRUE(chip.addressed(0xff, true));
}

TEST_F(LocalApicTest, SendsInterruptsByDestinationAndShorthand) {
  LocalApic other(wiring(bus, 1));
  other.reset();
  other.set_base(0xd0000000 | LocalApic::kBaseEnable);
  memory.write(0xd0000000 + kSvr, 4, 0x1ff);
  auto other_irr = [&](unsigned v) { return (memory.read(0xd0000000 + kIrr + v / 32 * 16, 4) >> (v % 32) & 1) != 0; };
  enable();
  w(kIcrHigh, 0x01000000);
  w(kIcrLow, 0x4051);
  EXPECT_TRUE(other_irr(0x51));
  EXPECT_FALSE(irr(0x51));
  w(kIcrLow, 0x44052);  // self
  EXPECT_TRUE(irr(0x52));
  EXPECT_FALSE(other_irr(0x52));
  w(kIcrLow, 0x84053);  // all including self
  EXPECT_TRUE(irr(0x53));
  EXPECT_TRUE(other_irr(0x53));
  w(kIcrLow, 0xc4054);  // all excluding self
  EXPECT_FALSE(irr(0x54));
  EXPECT_TRUE(other_irr(0x54));
  EXPECT_EQ(r(kIcrLow), 0xc4054u);  // delivered at once
  w(kTpr, 0x20);
  w(kIcrHigh, 0xff000000);
  w(kIcrLow, 0x4155);  // lowest priority: the other has none
  EXPECT_TRUE(other_irr(0x55));
  EXPECT_FALSE(irr(0x55));
}

TEST_F(LocalApicTest, PassesInitAndStartUpOn) {
  enable();
  w(kIcrHigh, 0);
  w(kIcrLow, 0x0000c500);  // INIT, level assert
  EXPECT_EQ(inits, 1);
  w(kIcrLow, 0x00008500);  // level de-assert: nothing
  EXPECT_EQ(inits, 1);
  w(kIcrLow, 0x00000500);  // edge
  EXPECT_EQ(inits, 2);
  w(kIcrLow, 0x00004608);
  EXPECT_EQ(start_ups, std::vector<u8>{8});
  w(kIcrLow, 0x000c4500);  // to the others: there are none
  EXPECT_EQ(inits, 2);
  w(kIcrLow, 0x00004400);
  EXPECT_EQ(nmis, 1);
}

TEST_F(LocalApicTest, InitKeepsIdentifierAndBase) {
  enable();
  w(kId, 0x07000000);
  w(kTpr, 0x50);
  fixed(0x60);
  chip.init();
  EXPECT_EQ(r(kId), 0x07000000u);
  EXPECT_EQ(r(kTpr), 0u);
  EXPECT_EQ(r(kSvr), 0xffu);
  EXPECT_FALSE(irr(0x60));
  EXPECT_EQ(r(kLvtLint0), 0x700u);
}

TEST_F(LocalApicTest, CollectsErrorsAndReportsThemOnAWriteOfEsr) {
  enable();
  w(kLvtError, 0xfe);
  w(kIcrLow, 0x4405);  // NMI has no vector: no error
  w(kIcrLow, 0x4005);  // fixed with vector 5
  EXPECT_EQ(r(kEsr), 0u);
  w(kEsr, 0);
  EXPECT_EQ(r(kEsr), 0x20u);
  EXPECT_EQ(chip.acknowledge(), 0xfe);
  w(kEoi, 0);
  fixed(3);
  w(kEsr, 0);
  EXPECT_EQ(r(kEsr), 0x40u);
  chip.acknowledge();
  w(kEoi, 0);
  r(0x40);  // reserved
  w(kEsr, 0);
  EXPECT_EQ(r(kEsr), 0x80u);
  w(kEsr, 0);
  EXPECT_EQ(r(kEsr), 0u);
}

TEST_F(LocalApicTest, AnErrorEntryWithAnIllegalVectorDoesNotLoop) {
  enable();
  w(kLvtError, 5);
  w(kIcrLow, 0x4005);
  w(kEsr, 0);
  EXPECT_EQ(r(kEsr), 0x60u);
}

TEST_F(LocalApicTest, TheOneShotTimerFiresOnceAtItsExactMoment) {
  enable();
  w(kLvtTimer, 0x40);
  w(kDivide, 3);  // by 16
  w(kInitial, 1000);
  EXPECT_EQ(r(kCurrent), 1000u);
  run(160);
  EXPECT_EQ(r(kCurrent), 990u);
  run(16 * 990 - 1);
  EXPECT_EQ(r(kCurrent), 1u);
  EXPECT_FALSE(irr(0x40));
  run(1);
  EXPECT_TRUE(irr(0x40));
  EXPECT_EQ(r(kCurrent), 0u);
  chip.acknowledge();
  w(kEoi, 0);
  run(1'000'000);
  EXPECT_FALSE(irr(0x40));
}

TEST_F(LocalApicTest, DividersAreThoseOfTheManual) {
  enable();
  w(kLvtTimer, 0x40 | kMasked);
  const std::pair<u32, u32> table[] = {{0, 2}, {1, 4}, {2, 8}, {3, 16}, {8, 32}, {9, 64}, {0xa, 128}, {0xb, 1}};
  for (const auto& [code, divider] : table) {
    w(kDivide, code);
    w(kInitial, 100);
    run(10 * divider);
    EXPECT_EQ(r(kCurrent), 90u) << code;
  }
}

TEST_F(LocalApicTest, ThePeriodicTimerKeepsItsPace) {
  enable();
  w(kLvtTimer, 0x40 | kPeriodic);
  w(kDivide, 0xb);
  w(kInitial, 1000);
  for (int n = 0; n < 5; ++n) {
    run(999);
    EXPECT_FALSE(irr(0x40));
    run(1);
    EXPECT_TRUE(irr(0x40));
    chip.acknowledge();
    w(kEoi, 0);
  }
  run(2500);  // two are lost behind the one that waits
  EXPECT_EQ(r(kCurrent), 500u);
  chip.acknowledge();
  w(kEoi, 0);
  run(499);
  EXPECT_FALSE(irr(0x40));
  run(1);
  EXPECT_TRUE(irr(0x40));
  w(kInitial, 0);  // stops
  chip.acknowledge();
  w(kEoi, 0);
  run(5000);
  EXPECT_FALSE(irr(0x40));
}

TEST_F(LocalApicTest, AMaskedTimerCountsOn) {
  enable();
  w(kLvtTimer, 0x40 | kPeriodic | kMasked);
  w(kDivide, 0xb);
  w(kInitial, 1000);
  run(2300);
  EXPECT_EQ(r(kCurrent), 700u);
  EXPECT_FALSE(irr(0x40));
  w(kLvtTimer, 0x40 | kPeriodic);
  run(699);
  EXPECT_FALSE(irr(0x40));
  run(1);
  EXPECT_TRUE(irr(0x40));
}

TEST_F(LocalApicTest, ANewDividerGoesOnFromThePresentCount) {
  enable();
  w(kLvtTimer, 0x40);
  w(kDivide, 0xb);
  w(kInitial, 1000);
  run(400);
  w(kDivide, 0);  // by 2
  EXPECT_EQ(r(kCurrent), 600u);
  run(1199);
  EXPECT_FALSE(irr(0x40));
  run(1);
  EXPECT_TRUE(irr(0x40));
}

TEST_F(LocalApicTest, ATimerOfOneNanosecondDoesNotFloodTheClock) {
  enable();
  w(kLvtTimer, 0x40 | kPeriodic);
  w(kDivide, 0xb);
  w(kInitial, 1);
  run(1);
  EXPECT_TRUE(irr(0x40));
  EXPECT_EQ(clock.next_due_tick(), ~u64{0});  // until it is acknowledged
  chip.acknowledge();
  EXPECT_EQ(clock.next_due_tick(), clock.ticks() + 1);
  w(kLvtTimer, 0x05 | kPeriodic);  // an illegal vector
  run(3);
  EXPECT_EQ(clock.next_due_tick(), ~u64{0});
}

TEST_F(LocalApicTest, TheTscDeadlineFiresOnceAndDisarms) {
  enable();
  w(kLvtTimer, 0x40 | kTscDeadline);
  chip.set_tsc_deadline(2000);  // 1 microsecond
  EXPECT_EQ(chip.tsc_deadline(), 2000u);
  w(kInitial, 5);  // ignored in this mode
  EXPECT_EQ(r(kCurrent), 0u);
  run(999);
  EXPECT_FALSE(irr(0x40));
  run(1);
  EXPECT_TRUE(irr(0x40));
  EXPECT_EQ(chip.tsc_deadline(), 0u);
  chip.acknowledge();
  w(kEoi, 0);
  chip.set_tsc_deadline(1);  // long past: at once
  run(0);
  EXPECT_TRUE(irr(0x40));
  chip.set_tsc_deadline(1'000'000);
  chip.set_tsc_deadline(0);  // disarmed
  EXPECT_EQ(clock.next_due_tick(), ~u64{0});
}

TEST_F(LocalApicTest, LeavingTheDeadlineModeDisarms) {
  enable();
  chip.set_tsc_deadline(2000);
  EXPECT_EQ(chip.tsc_deadline(), 0u);  // not in this mode
  w(kLvtTimer, 0x40 | kTscDeadline);
  chip.set_tsc_deadline(2000);
  w(kLvtTimer, 0x40);
  EXPECT_EQ(chip.tsc_deadline(), 0u);
  w(kInitial, 100);
  w(kLvtTimer, 0x40 | kTscDeadline);
  w(kLvtTimer, 0x40);
  EXPECT_EQ(r(kCurrent), 0u);
  EXPECT_EQ(r(kInitial), 0u);
}

TEST_F(LocalApicTest, WithoutDeadlineModeTheBitDoesNotStick) {
  core::ApicBus own;
  LocalApic::Wiring w2 = wiring(own);
  w2.tsc_deadline = false;
  LocalApic old(std::move(w2));
  old.reset();
  old.set_base(0xd0000000 | LocalApic::kBaseEnable);
  memory.write(0xd0000000 + kSvr, 4, 0x1ff);
  memory.write(0xd0000000 + kLvtTimer, 4, 0x40 | kTscDeadline);
  EXPECT_EQ(memory.read(0xd0000000 + kLvtTimer, 4), 0x40u);
}

TEST_F(LocalApicTest, TakesAnExtIntMessageOnce) {
  enable();
  bus.send({.delivery = ApicDelivery::ExtInt});
  EXPECT_TRUE(intr());
  EXPECT_EQ(chip.acknowledge(), 0x08);
  EXPECT_FALSE(intr());
}

TEST_F(LocalApicTest, KeepsTheArchiveContract) {
  core::ApicBus own;
  LocalApic other(wiring(own));
  other.reset();
  test::expect_archive_contract<LocalApic>(chip, other, [this] {
    enable();
    w(kLvtTimer, 0x40 | kPeriodic);
    w(kInitial, 12345);
    run(777);
    fixed(0x55, true);
    chip.acknowledge();
    fixed(0x66);
    w(kIcrLow, 0x4003);
    chip.set_lint(0, true);
  });
  EXPECT_EQ(other.intr().level(), intr());
}

TEST_F(LocalApicTest, TakesAnyAccessWithoutHarm) {
  enable();
  u64 seed = 1;
  for (int n = 0; n < 50'000; ++n) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    const u64 offset = (seed >> 33) & 0xfff;
    const unsigned width = 1u << (seed >> 60 & 3);
    if (offset + width > 0x1000) continue;
    if ((seed >> 50 & 1) != 0) {
      memory.write(LocalApic::kDefaultBase + offset, width, seed >> 13);
    } else {
      memory.read(LocalApic::kDefaultBase + offset, width);
    }
    if (n % 16 == 0) run(seed >> 58);
    if (n % 64 == 0) chip.acknowledge();
  }
  EXPECT_FALSE(chip.info().empty());
}

}  // namespace
}  // namespace orrery::hw
