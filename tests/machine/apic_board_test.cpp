// The interrupt controllers and timers on the board: what is fitted when, and how they are wired.
#include <gtest/gtest.h>

#include "machine/machine.h"

namespace orrery::machine {
namespace {

constexpr u64 kMillisecond = 1'000'000;
constexpr u64 kLapic = 0xfee00000, kIoApic = 0xfec00000, kHpet = 0xfed00000;

Config test_config() {
  Config config;
  config.memory = 4 << 20;
  config.bios = ORRERY_TEST_ROM;
  config.ticks_per_second = 20'000'000;
  return config;
}

struct ApicBoard : ::testing::Test {
  static Config with(std::string cpu, Board board = Board::Pc, bool hpet = true) {
    Config config = test_config();
    config.cpu = std::move(cpu);
    config.board = board;
    config.hpet = hpet;
    return config;
  }
  static u32 read(Machine& m, u64 address) { return m.memory().read32(address); }
  static u32 ioapic(Machine& m, u8 reg) {
    m.memory().write32(kIoApic, reg);
    return read(m, kIoApic + 0x10);
  }
  static void ioapic(Machine& m, u8 reg, u32 value) {
    m.memory().write32(kIoApic, reg);
    m.memory().write32(kIoApic + 0x10, value);
  }
};

TEST_F(ApicBoard, APcHasThemAll) {
  Machine m(test_config(), {});
  EXPECT_EQ(read(m, kLapic + 0x30), 0x00050014u);
  EXPECT_EQ(ioapic(m, 1), 0x00170011u);
  EXPECT_EQ(read(m, kHpet), 0x8086a201u);
  EXPECT_TRUE(m.info("lapic")->starts_with("lapic0 at fee00000"));
  EXPECT_TRUE(m.info("ioapic")->starts_with("ioapic"));
}

TEST_F(ApicBoard, AProcessorOrBoardWithoutApicHasNone) {
  for (const Config& config : {with("486"), with("max,-apic"), with("", Board::IsaPc)}) {
    Machine m(config, {});
    EXPECT_EQ(read(m, kLapic + 0x30), 0xffffffffu);
    EXPECT_EQ(ioapic(m, 1), 0xffffffffu);
    EXPECT_EQ(read(m, kHpet), config.board == Board::Pc ? 0x8086a201u : 0xffffffffu);
    EXPECT_FALSE(m.cpu().model().has(cpu::Feature::Apic));
    m.run_until(50 * kMillisecond);
    EXPECT_NEAR(m.memory().read32(0x500), 60, 2) << "the 8259 interrupts the processor";
  }
}

TEST_F(ApicBoard, TheHpetCanBeLeftOut) {
  Machine m(with("", Board::Pc, false), {});
  EXPECT_EQ(read(m, kHpet), 0xffffffffu);
}

TEST_F(ApicBoard, The8254ReachesInput2AndTheHpetTakesItsPlace) {
  Machine m(test_config(), {});
  m.run_until(10 * kMillisecond);
  m.memory().write32(kLapic + 0xf0, 0x1ff);
  ioapic(m, 0x15, 0);
  ioapic(m, 0x14, 0x60);                    // input 2, edge, vector 60h
  m.memory().write32(kLapic + 0x80, 0x70);  // held back: only IRR is looked at
  m.run_until(12 * kMillisecond);
  EXPECT_EQ(read(m, kLapic + 0x230), 1u) << "vector 60h requested";
  const u32 interrupts = m.memory().read32(0x500);
  m.memory().write32(kHpet + 0x10, 2);
  m.run_until(100 * kMillisecond);
  EXPECT_NEAR(m.memory().read32(0x500), interrupts, 1) << "the 8254 is cut off";
  m.memory().write32(kHpet + 0x100, 0x4c);  // timer 0: on, periodic, VAL_SET
  m.memory().write64(kHpet + 0x108, 100'000);
  m.memory().write32(kHpet + 0x10, 3);
  m.run_until(200 * kMillisecond);
  EXPECT_NEAR(m.memory().read32(0x500), interrupts + 100, 2) << "1000 a second";
  m.memory().write32(kHpet + 0x10, 0);
  m.run_until(300 * kMillisecond);
  EXPECT_NEAR(m.memory().read32(0x500), interrupts + 219, 3) << "the 8254 is back";
}

TEST_F(ApicBoard, TheLocalTimerInterruptsTheProcessor) {
  Machine m(test_config(), {});
  m.run_until(10 * kMillisecond);
  // Vector 40h counts in the place of the 8254, whose input is masked.
  m.memory().write32(0x40 * 4, m.memory().read32(8 * 4));
  m.ports().write(0x21, 1, 0xff);
  m.memory().write32(kLapic + 0xf0, 0x1ff);
  m.memory().write32(kLapic + 0x3e0, 0xb);
  m.memory().write32(kLapic + 0x320, 0x40);
  m.run_until(20 * kMillisecond);
  const u32 interrupts = m.memory().read32(0x500);
  m.memory().write32(kLapic + 0x380, 5'000'000);
  m.run_until(24 * kMillisecond);
  EXPECT_EQ(m.memory().read32(0x500), interrupts);
  m.run_until(26 * kMillisecond);
  EXPECT_EQ(m.memory().read32(0x500), interrupts + 1);
  EXPECT_EQ(read(m, kLapic + 0x120), 1u) << "40h in service";
}

TEST_F(ApicBoard, AnInitMessageResetsTheProcessorAlone) {
  Machine m(test_config(), {});
  m.run_until(10 * kMillisecond);
  EXPECT_EQ(m.memory().read16(0x508), 1);
  m.memory().write32(kLapic + 0xf0, 0x1ff);
  m.memory().write32(kHpet + 0xf0, 1234);
  m.memory().write32(kLapic + 0x300, 0xc500);
  m.run_until(20 * kMillisecond);
  EXPECT_EQ(m.memory().read16(0x508), 2);
  EXPECT_EQ(read(m, kLapic + 0xf0), 0xffu);
  EXPECT_EQ(read(m, kHpet + 0xf0), 1234u);
}

TEST_F(ApicBoard, RunningTimersGoOnInALoadedMachine) {
  Machine a(test_config(), {});
  a.run_until(10 * kMillisecond);
  a.memory().write32(kLapic + 0xf0, 0x1ff);
  a.memory().write32(0x40 * 4, a.memory().read32(8 * 4));
  a.memory().write32(kLapic + 0x320, 0x20040);
  a.memory().write32(kLapic + 0x380, 123'456);
  a.memory().write32(kHpet + 0x100, 0x4c);
  a.memory().write64(kHpet + 0x108, 77'777);
  a.memory().write32(kHpet + 0x10, 3);
  a.run_until(23 * kMillisecond);
  const std::vector<u8> state = a.save();
  a.run_until(60 * kMillisecond);
  Machine b(test_config(), {});
  b.load(state);
  b.run_until(60 * kMillisecond);
  EXPECT_EQ(b.state_hash(), a.state_hash());
}

TEST_F(ApicBoard, The8254GoesOnInALoadedMachineWhereverItsOutputIs) {
  Machine a(test_config(), {});
  a.run_until(10 * kMillisecond);
  a.ports().write(0x43, 1, 0x36);  // mode 3: the output is high half of the time
  a.ports().write(0x40, 1, 0xe8);
  a.ports().write(0x40, 1, 0x03);
  for (u64 us = 10'100; us < 60'000; us += 5'210) {
    a.run_until(us * 1000);
    Machine b(test_config(), {});
    b.load(a.save());
    b.run_until((us + 5'000) * 1000);
    a.run_until((us + 5'000) * 1000);
    EXPECT_EQ(b.memory().read32(0x500), a.memory().read32(0x500)) << us;
    EXPECT_EQ(b.state_hash(), a.state_hash()) << us;
  }
}

}  // namespace
}  // namespace orrery::machine
