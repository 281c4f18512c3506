#include "hw/ioapic.h"

#include <gtest/gtest.h>

#include "tests/support/archive_tests.h"
#include "tests/support/chip_rig.h"

namespace orrery::hw {
namespace {

using core::ApicDelivery;
using core::ApicMessage;

/// Takes everything, or nothing.
struct Recorder final : core::ApicAgent {
  std::vector<ApicMessage> messages;
  bool willing = true;
  bool addressed(u8, bool) const override { return true; }
  u8 processor_priority() const override { return 0; }
  bool accept(const ApicMessage& message) override {
    if (willing) messages.push_back(message);
    return willing;
  }
};

struct IoApicTest : ::testing::Test, test::ChipRig {
  core::IoSpace memory{"memory", log};
  core::ApicBus bus;
  Recorder cpu;
  IoApic chip{memory, log, bus};

  IoApicTest() {
    bus.attach(cpu);
    chip.reset();
  }
  void select(u8 reg) { memory.write(IoApic::kDefaultBase, 4, reg); }
  u32 r(u8 reg) {
    select(reg);
    return static_cast<u32>(memory.read(IoApic::kDefaultBase + 0x10, 4));
  }
  void w(u8 reg, u32 value) {
    select(reg);
    memory.write(IoApic::kDefaultBase + 0x10, 4, value);
  }
  static u8 low(unsigned n) { return static_cast<u8>(0x10 + 2 * n); }
  void program(unsigned n, u64 entry) {
    w(static_cast<u8>(low(n) + 1), static_cast<u32>(entry >> 32));
    w(low(n), static_cast<u32>(entry));
  }
  std::size_t sent() const { return cpu.messages.size(); }
};

TEST_F(IoApicTest, HasTheResetValuesOfTheDataSheet) {
  EXPECT_EQ(r(0), 0u);
  EXPECT_EQ(r(1), 0x00170011u);
  EXPECT_EQ(r(2), 0u);
  for (unsigned n = 0; n < 24; ++n) {
    EXPECT_EQ(r(low(n)), 0x00010000u);
    EXPECT_EQ(r(static_cast<u8>(low(n) + 1)), 0u);
  }
  EXPECT_EQ(r(0x40), 0u);
  EXPECT_EQ(r(0xff), 0u);
}

TEST_F(IoApicTest, WritesOnlyWhatTheDataSheetLets) {
  w(0, 0xffffffff);
  EXPECT_EQ(r(0), 0x0f000000u);
  EXPECT_EQ(r(2), 0x0f000000u);  // the arbitration identifier follows
  w(1, 0);
  EXPECT_EQ(r(1), 0x00170011u);
  program(5, ~u64{0});
  EXPECT_EQ(r(low(5)), 0x0001afffu);  // neither DELIVS nor remote IRR
  EXPECT_EQ(r(low(5) + 1), 0xff000000u);
  EXPECT_EQ(memory.read(IoApic::kDefaultBase, 4), low(5) + 1u);
}

TEST_F(IoApicTest, TurnsAnEdgeIntoAMessage) {
  program(4, 0x1200000000000944);
  chip.set_input(4, true);
  ASSERT_EQ(sent(), 1u);
  const ApicMessage& m = cpu.messages[0];
  EXPECT_EQ(m.vector, 0x44);
  EXPECT_EQ(m.delivery, ApicDelivery::LowestPriority);
  EXPECT_TRUE(m.logical);
  EXPECT_EQ(m.destination, 0x12);
  EXPECT_FALSE(m.level_triggered);
  chip.set_input(4, true);
  EXPECT_EQ(sent(), 1u);
  chip.set_input(4, false);
  chip.set_input(4, true);
  EXPECT_EQ(sent(), 2u);
}

TEST_F(IoApicTest, LosesAnEdgeOnAMaskedInput) {
  chip.set_input(4, true);
  program(4, 0x44);
  EXPECT_EQ(sent(), 0u);
}

TEST_F(IoApicTest, HoldsALevelUntilItsEndAndSendsItAgain) {
  program(10, 0x805a);
  chip.set_input(10, true);
  ASSERT_EQ(sent(), 1u);
  EXPECT_TRUE(cpu.messages[0].level_triggered);
  EXPECT_EQ(r(low(10)), 0xc05au);
  chip.set_input(10, false);
  chip.set_input(10, true);
  EXPECT_EQ(sent(), 1u);  // remote IRR
  bus.end_of_interrupt(0x33);
  EXPECT_EQ(sent(), 1u);
  bus.end_of_interrupt(0x5a);
  EXPECT_EQ(sent(), 2u);
  chip.set_input(10, false);
  bus.end_of_interrupt(0x5a);
  EXPECT_EQ(sent(), 2u);
  EXPECT_EQ(r(low(10)), 0x805au);
}

TEST_F(IoApicTest, ALevelWaitsBehindTheMask) {
  program(10, 0x1805a);
  chip.set_input(10, true);
  EXPECT_EQ(sent(), 0u);
  w(low(10), 0x805a);
  EXPECT_EQ(sent(), 1u);
}

TEST_F(IoApicTest, ALevelThatNobodyTakesWaits) {
  cpu.willing = false;
  program(10, 0x805a);
  chip.set_input(10, true);
  EXPECT_EQ(r(low(10)), 0x805au);
  cpu.willing = true;
  w(low(10), 0x805a);
  EXPECT_EQ(sent(), 1u);
}

TEST_F(IoApicTest, SwitchingToEdgeForgetsTheLevelInProgress) {
  program(10, 0x805a);
  chip.set_input(10, true);
  w(low(10), 0x1005a);  // how software without an EOI register ends an interrupt
  EXPECT_EQ(r(low(10)), 0x1005au);
  w(low(10), 0x805a);
  EXPECT_EQ(sent(), 2u);
}

TEST_F(IoApicTest, MessagesWithoutAVectorHaveNoEnd) {
  program(7, 0x8400);  // NMI, level
  chip.set_input(7, true);
  ASSERT_EQ(sent(), 1u);
  EXPECT_EQ(cpu.messages[0].delivery, ApicDelivery::Nmi);
  EXPECT_FALSE(cpu.messages[0].level_triggered);
  EXPECT_EQ(r(low(7)), 0x8400u);
}

TEST_F(IoApicTest, ReservedModesSendNothing) {
  program(7, 0x0300);
  chip.set_input(7, true);
  program(8, 0x0608);
  chip.set_input(8, true);
  EXPECT_EQ(sent(), 0u);
}

TEST_F(IoApicTest, InputsBeyondTheLastAreNotThere) {
  chip.set_input(24, true);
  chip.set_input(1000, true);
  EXPECT_EQ(sent(), 0u);
}

TEST_F(IoApicTest, PolarityChangesNothing) {
  program(10, 0xa05a);
  EXPECT_EQ(sent(), 0u);
  chip.set_input(10, true);
  EXPECT_EQ(sent(), 1u);
}

TEST_F(IoApicTest, KeepsTheArchiveContract) {
  core::ApicBus own;
  core::IoSpace elsewhere{"memory", log};
  IoApic other(elsewhere, log, own);
  other.reset();
  test::expect_archive_contract<IoApic>(chip, other, [this] {
    w(0, 0x03000000);
    program(10, 0x805a);
    chip.set_input(10, true);
    select(0x17);
  });
}

TEST_F(IoApicTest, TakesAnyAccessWithoutHarm) {
  u64 seed = 7;
  for (int n = 0; n < 20'000; ++n) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    const u64 offset = (seed >> 62) != 0 ? (seed >> 61 & 1) * 0x10 : (seed >> 33) & 0xff8;
    const unsigned width = 1u << (seed >> 59 & 3);
    if ((seed >> 50 & 3) != 0) {
      memory.write(IoApic::kDefaultBase + offset, width, seed >> 7);
    } else {
      memory.read(IoApic::kDefaultBase + offset, width);
    }
    if (n % 8 == 0) chip.set_input(static_cast<unsigned>(seed >> 58), (seed >> 57 & 1) != 0);
    if (n % 32 == 0) bus.end_of_interrupt(static_cast<u8>(seed >> 40));
  }
  EXPECT_FALSE(chip.info().empty());
}

}  // namespace
}  // namespace orrery::hw
