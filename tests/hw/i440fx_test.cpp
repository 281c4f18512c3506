#include "hw/i440fx.h"

#include <vector>

#include "tests/support/archive_tests.h"
#include "tests/support/pci_fixture.h"

namespace orrery::hw {
namespace {

struct I440fxTest : ::testing::Test, test::PciBackplane {
  std::vector<u8> rom = std::vector<u8>(0x20000, 0xbb);
  I440fx chip{bus, memory, rom};

  I440fxTest() { chip.reset(); }
  void pam(unsigned n, u8 value) { config_write(0, 0, 0x59 + n, value, 1); }
};

TEST_F(I440fxTest, IdentifiesItselfAsTheHostBridgeOfAVirtualMachine) {
  EXPECT_EQ(config_read(0, 0, 0), 0x12378086u);
  EXPECT_EQ(config_read(0, 0, 8), 0x06000002u);
  EXPECT_EQ(config_read(0, 0, 0x2c), 0x11001af4u);
  EXPECT_EQ(config_read(0, 0, 4), 0x02800006u);
  config_write(0, 0, 4, 0, 2);
  EXPECT_EQ(config_read(0, 0, 4, 2), 6u);  // memory and master are hardwired
}

TEST_F(I440fxTest, AfterResetTheUpperSegmentsShowTheRomAndTheRestNothing) {
  EXPECT_EQ(memory.read8(0xfffff), 0xbb);
  EXPECT_EQ(memory.read8(0xe0000), 0xbb);
  EXPECT_EQ(memory.read8(0xc0000), 0xff);
  memory.write8(0xf0000, 1);
  EXPECT_EQ(memory.read8(0xf0000), 0xbb);
  EXPECT_EQ(memory.ram()[0xf0000], 0);
}

TEST_F(I440fxTest, EveryPamNibbleRulesItsOwnRegion) {
  for (unsigned region = 0; region < 13; ++region) {
    const u32 base = region == 12 ? 0xf0000 : 0xc0000 + region * 0x4000;
    const u32 size = region == 12 ? 0x10000 : 0x4000;
    const unsigned reg = region == 12 ? 0 : 1 + region / 2;
    const unsigned shift = region == 12 ? 4 : (region & 1) * 4;
    pam(reg, static_cast<u8>(2 << shift));  // writes go to RAM, reads to the bus
    memory.write8(base, 0x11);
    memory.write8(base + size - 1, 0x22);
    EXPECT_EQ(memory.read8(base), base >= 0xe0000 ? 0xbb : 0xff) << region;
    EXPECT_EQ(memory.ram()[base], 0x11) << region;
    EXPECT_EQ(memory.ram()[base + size - 1], 0x22) << region;
    pam(reg, static_cast<u8>(1 << shift));  // write-protected shadow
    memory.write8(base, 0x33);
    EXPECT_EQ(memory.read8(base), 0x11) << region;
    EXPECT_EQ(memory.read8(base + size - 1), 0x22) << region;
    if (region != 12) EXPECT_NE(memory.read8(base + size), 0x11) << region;
    pam(reg, 0);
  }
}

TEST_F(I440fxTest, PamRegistersHaveOnlyTheirAttributeBits) {
  pam(0, 0xff);
  pam(1, 0xff);
  EXPECT_EQ(config_read(0, 0, 0x59, 1), 0x30u);
  EXPECT_EQ(config_read(0, 0, 0x5a, 1), 0x33u);
}

TEST_F(I440fxTest, ADwordWriteReachesAllItsPamRegisters) {
  config_write(0, 0, 0x5c, 0x33333333);
  memory.write8(0xd0000, 7);
  memory.write8(0xec000, 9);
  EXPECT_EQ(memory.read8(0xd0000), 7);
  EXPECT_EQ(memory.read8(0xec000), 9);
  chip.reset();
  EXPECT_EQ(memory.read8(0xec000), 0xbb);
}

TEST_F(I440fxTest, ASmallRomLeavesTheSegmentBelowItOpen) {
  PciBackplane other;
  std::vector<u8> small(0x10000, 0x55);
  I440fx chip2(other.bus, other.memory, small);
  chip2.reset();
  EXPECT_EQ(other.memory.read8(0xf0000), 0x55);
  EXPECT_EQ(other.memory.read8(0xeffff), 0xff);
}

TEST_F(I440fxTest, SmramOpensUnderTheVideoWindow) {
  EXPECT_EQ(config_read(0, 0, 0x72, 1), 2u);
  memory.write8(0xa0000, 5);
  EXPECT_EQ(memory.ram()[0xa0000], 0);
  config_write(0, 0, 0x72, 0x4a, 1);
  memory.write8(0xa0000, 5);
  EXPECT_EQ(memory.ram()[0xa0000], 5);
  config_write(0, 0, 0x72, 0x0a, 1);
  EXPECT_EQ(memory.read8(0xa0000), 0xff);
}

TEST_F(I440fxTest, ALockedSmramRegisterStaysClosedUntilReset) {
  config_write(0, 0, 0x72, 0x5a, 1);
  EXPECT_EQ(config_read(0, 0, 0x72, 1), 0x1au);  // D_OPEN cleared by the lock
  config_write(0, 0, 0x72, 0x40, 1);
  EXPECT_EQ(config_read(0, 0, 0x72, 1), 0x1au);
  config_write(0, 0, 0x72, 0x20, 1);
  EXPECT_EQ(config_read(0, 0, 0x72, 1), 0x3au);
  chip.reset();
  config_write(0, 0, 0x72, 0x4a, 1);
  EXPECT_EQ(config_read(0, 0, 0x72, 1), 0x4au);
}

TEST_F(I440fxTest, DramRowBoundariesAddUpToTheMemory) {
  for (unsigned row = 0; row < 8; ++row) EXPECT_EQ(config_read(0, 0, 0x60 + row, 1), 2u);  // 16 MiB in row 0
}

TEST_F(I440fxTest, KeepsTheArchiveContractAndMapsAgainAfterALoad) {
  PciBackplane other;
  I440fx copy(other.bus, other.memory, rom);
  copy.reset();
  test::expect_archive_contract(chip, copy, [&] {
    pam(0, 0x30);
    config_write(0, 0, 0x72, 0x4a, 1);
  });
  other.memory.write8(0xf1234, 0x77);
  EXPECT_EQ(other.memory.read8(0xf1234), 0x77);
  other.memory.write8(0xa1234, 0x78);
  EXPECT_EQ(other.memory.ram()[0xa1234], 0x78);
}

}  // namespace
}  // namespace orrery::hw
