#include "hw/piix4_pm.h"

#include "tests/support/archive_tests.h"
#include "tests/support/pci_fixture.h"

namespace orrery::hw {
namespace {

constexpr u64 kBase = 0x600;

struct Piix4PmTest : ::testing::Test, test::PciBackplane {
  core::LevelLine sci;
  int power_offs = 0;
  Piix4Pm chip{{.bus = bus, .slot = 1, .ports = ports, .clock = clock, .log = log, .sci = sci, .power_off = [this] {
                  ++power_offs;
                }}};

  Piix4PmTest() {
    chip.reset();
    config_write(1, 3, 0x40, kBase | 1);
    config_write(1, 3, 0x80, 1, 1);
  }
  void enable_acpi() { out(0xb2, kAcpiEnable); }
  static u64 ns_of_ticks(u64 ticks) { return (ticks * core::kNsPerSecond + kPmTimerHz - 1) / kPmTimerHz; }
};

TEST_F(Piix4PmTest, IdentifiesItselfAndSizesItsBases) {
  EXPECT_EQ(config_read(1, 3, 0), 0x71138086u);
  EXPECT_EQ(config_read(1, 3, 8), 0x06800003u);
  EXPECT_EQ(config_read(1, 3, 0x3d, 1), 1u);
  config_write(1, 3, 0x40, 0xffffffff);
  EXPECT_EQ(config_read(1, 3, 0x40), 0xffc1u);
  config_write(1, 3, 0x90, 0xffffffff);
  EXPECT_EQ(config_read(1, 3, 0x90), 0xfff1u);
}

TEST_F(Piix4PmTest, TheRegisterBlockMovesAndHides) {
  out16(kBase + 2, 0x0100);
  config_write(1, 3, 0x40, 0xb001);
  EXPECT_EQ(in16(kBase + 2), 0xffff);
  EXPECT_EQ(in16(0xb002), 0x0100);
  config_write(1, 3, 0x80, 0, 1);
  EXPECT_EQ(in16(0xb002), 0xffff);
}

TEST_F(Piix4PmTest, TheTimerCountsAt3579545Hz) {
  run_to(core::kNsPerSecond);
  EXPECT_EQ(in32(kBase + 8), 3'579'545u);
  run_to(10 * core::kNsPerSecond);
  EXPECT_EQ(in32(kBase + 8), 35'795'450u & 0xffffff);
  EXPECT_EQ(in16(kBase + 9), (35'795'450u >> 8) & 0xffff);
  EXPECT_EQ(in(kBase + 11), 0);
}

TEST_F(Piix4PmTest, TheTopTimerBitsChangeSetsTheOverflowStatus) {
  run_to(ns_of_ticks(1 << 23) - 1);
  EXPECT_EQ(in16(kBase) & 1, 0);
  run_to(ns_of_ticks(1 << 23));
  EXPECT_EQ(in16(kBase) & 1, 1);
  out16(kBase, 1);
  EXPECT_EQ(in16(kBase) & 1, 0);
  run_to(ns_of_ticks(1 << 24));  // and on the way back
  EXPECT_EQ(in16(kBase) & 1, 1);
}

TEST_F(Piix4PmTest, TimerOverflowRaisesTheSciExactlyThen) {
  enable_acpi();
  out16(kBase + 2, 1);
  run_to(ns_of_ticks(1 << 23) - 1);
  EXPECT_FALSE(sci.level());
  run_to(ns_of_ticks(1 << 23));
  EXPECT_TRUE(sci.level());
  out16(kBase, 1);
  EXPECT_FALSE(sci.level());
  run_to(ns_of_ticks(1 << 24));
  EXPECT_TRUE(sci.level());
}

TEST_F(Piix4PmTest, TheApmPortSwitchesAcpiOnAndOff) {
  EXPECT_EQ(in16(kBase + 4) & 1, 0);
  enable_acpi();
  EXPECT_EQ(in16(kBase + 4) & 1, 1);
  EXPECT_EQ(in(0xb2), kAcpiEnable);
  out(0xb2, kAcpiDisable);
  EXPECT_EQ(in16(kBase + 4) & 1, 0);
  out(0xb3, 0x5a);
  EXPECT_EQ(in(0xb3), 0x5a);
}

TEST_F(Piix4PmTest, SoftOffNeedsSusEnAndTypeZero) {
  out16(kBase + 4, 0x0001);
  out16(kBase + 4, 0x2401);
  EXPECT_EQ(power_offs, 0);
  EXPECT_EQ(in16(kBase + 4), 0x0401);
  out16(kBase + 4, 0x2001);
  EXPECT_EQ(power_offs, 1);
  EXPECT_EQ(in16(kBase + 4), 0x0001);
}

TEST_F(Piix4PmTest, TheWellKnownPowerOffPort604IsPm1Control) {
  out16(0x604, 0x2000);
  EXPECT_EQ(power_offs, 1);
}

TEST_F(Piix4PmTest, SoftOffWorksByBytes) {
  out(kBase + 5, 0x20);
  EXPECT_EQ(power_offs, 1);
}

TEST_F(Piix4PmTest, ThePowerButtonRaisesTheSciIfTheGuestAskedForIt) {
  EXPECT_FALSE(chip.press_power_button());
  EXPECT_EQ(in16(kBase), 0x0100);
  out16(kBase, 0x0100);
  EXPECT_EQ(in16(kBase), 0);
  enable_acpi();
  out16(kBase + 2, 0x0100);
  EXPECT_TRUE(chip.press_power_button());
  EXPECT_TRUE(sci.level());
  out16(kBase, 0x0100);
  EXPECT_FALSE(sci.level());
}

TEST_F(Piix4PmTest, GeneralPurposeEventsRaiseTheSciWhileEnabled) {
  enable_acpi();
  chip.raise_gpe(0x0800);
  EXPECT_FALSE(sci.level());
  out16(kBase + 0x0e, 0xffff);
  EXPECT_EQ(in16(kBase + 0x0e), 0x0f01);
  EXPECT_TRUE(sci.level());
  out16(kBase + 0x0c, 0x0800);
  EXPECT_FALSE(sci.level());
}

TEST_F(Piix4PmTest, WithoutSystemManagementModeFirmwareFindsTheHandlerInstalled) {
  EXPECT_EQ(config_read(1, 3, 0x5b, 1) & 2, 2u);
}

TEST_F(Piix4PmTest, WithSystemManagementModeTheApmPortRaisesSmiOnceEnabled) {
  PciBackplane other;
  int smis = 0;
  core::LevelLine line;
  Piix4Pm with_smm({.bus = other.bus,
                    .slot = 1,
                    .ports = other.ports,
                    .clock = other.clock,
                    .log = other.log,
                    .sci = line,
                    .power_off = {},
                    .smi = [&] { ++smis; }});
  with_smm.reset();
  EXPECT_EQ(other.config_read(1, 3, 0x5b, 1) & 2, 0u);
  other.out(0xb2, 1);
  EXPECT_EQ(smis, 0);
  other.config_write(1, 3, 0x5b, 2, 1);
  other.out(0xb2, 1);
  EXPECT_EQ(smis, 1);
}

TEST_F(Piix4PmTest, AnSmbusTransferFindsNobody) {
  config_write(1, 3, 0x90, 0x701);
  EXPECT_EQ(in(0x700), 0xff);
  config_write(1, 3, 0xd2, 0x09, 1);
  EXPECT_EQ(in(0x700), 0);
  out(0x704, 0xa1);
  out(0x702, 0x48);
  EXPECT_EQ(in(0x700), 0x04);
  EXPECT_EQ(in(0x702), 0x08);
  EXPECT_FALSE(sci.level());
  out(0x700, 0xff);
  EXPECT_EQ(in(0x700), 0);
  out(0x702, 0x49);
  EXPECT_TRUE(sci.level());
  out(0x700, 0x1e);
  EXPECT_FALSE(sci.level());
}

TEST_F(Piix4PmTest, KeepsTheArchiveContract) {
  PciBackplane other;
  core::LevelLine line;
  Piix4Pm copy({.bus = other.bus,
                .slot = 1,
                .ports = other.ports,
                .clock = other.clock,
                .log = other.log,
                .sci = line,
                .power_off = {}});
  copy.reset();
  test::expect_archive_contract(chip, copy, [&] {
    enable_acpi();
    out16(kBase + 2, 0x0101);
    chip.press_power_button();
    out(kBase + 0x34, 0x12);
    config_write(1, 3, 0x90, 0x701);
    config_write(1, 3, 0xd2, 0x09, 1);
    out(0x707, 0x33);
  });
  EXPECT_TRUE(line.level());
  EXPECT_EQ(other.in16(kBase + 2), 0x0101);
  EXPECT_EQ(other.in(0x700), 0);
}

}  // namespace
}  // namespace orrery::hw
