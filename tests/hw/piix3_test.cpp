#include "hw/piix3.h"

#include <vector>

#include "tests/support/archive_tests.h"
#include "tests/support/pci_fixture.h"

namespace orrery::hw {
namespace {

struct Piix3Test : ::testing::Test, test::PciBackplane {
  std::vector<bool> resets;
  Piix3 chip{bus, 1, log, [this](bool hard) { resets.push_back(hard); }};
  core::PciFunction nic{"nic", {.vendor = 1, .device = 2, .interrupt_pin = 1}};
  core::PciFunction disk{"disk", {.vendor = 1, .device = 3, .interrupt_pin = 2}};

  Piix3Test() {
    bus.attach(3, 0, nic);   // INTA# of slot 3: PIRQC#
    bus.attach(4, 0, disk);  // INTB# of slot 4: PIRQA#
    chip.reset();
  }
  std::vector<unsigned> high() {
    std::vector<unsigned> result;
    for (unsigned n = 0; n < 16; ++n) {
      if (chip.irq(n).level()) result.push_back(n);
    }
    return result;
  }
};

TEST_F(Piix3Test, HasTheDataSheetsResetValues) {
  EXPECT_EQ(config_read(1, 0, 0), 0x70008086u);
  EXPECT_EQ(config_read(1, 0, 8), 0x06010000u);
  EXPECT_EQ(config_read(1, 0, 0x0e, 1), 0x80u);
  EXPECT_EQ(config_read(1, 0, 4), 0x02000007u);
  EXPECT_EQ(config_read(1, 0, 0x4c), 0x0003004du);
  EXPECT_EQ(config_read(1, 0, 0x60), 0x80808080u);
  EXPECT_EQ(config_read(1, 0, 0xa8, 1), 0x0fu);
}

TEST_F(Piix3Test, ADisabledRouteDrivesNothing) {
  nic.set_interrupt(true);
  EXPECT_TRUE(high().empty());
}

TEST_F(Piix3Test, RoutesFollowTheRegistersWhileThePinIsHigh) {
  nic.set_interrupt(true);
  config_write(1, 0, 0x62, 0x0b, 1);
  EXPECT_EQ(high(), std::vector<unsigned>{11});
  config_write(1, 0, 0x62, 0x0a, 1);
  EXPECT_EQ(high(), std::vector<unsigned>{10});
  config_write(1, 0, 0x62, 0x8a, 1);
  EXPECT_TRUE(high().empty());
  config_write(1, 0, 0x60, 0x000b0000);
  EXPECT_EQ(high(), std::vector<unsigned>{11});
  nic.set_interrupt(false);
  EXPECT_TRUE(high().empty());
}

TEST_F(Piix3Test, TwoPirqsOnOneInterruptAreCountedNotToggled) {
  config_write(1, 0, 0x60, 0x800b800b);
  nic.set_interrupt(true);
  disk.set_interrupt(true);
  nic.set_interrupt(false);
  EXPECT_EQ(high(), std::vector<unsigned>{11});
  disk.set_interrupt(false);
  EXPECT_TRUE(high().empty());
}

TEST_F(Piix3Test, ReservedInterruptsCannotBeRoutedTo) {
  nic.set_interrupt(true);
  for (u8 n : {0, 1, 2, 8, 13}) {
    config_write(1, 0, 0x62, n, 1);
    EXPECT_TRUE(high().empty()) << int{n};
  }
}

TEST_F(Piix3Test, ThePortCf9ResetsHardOrSoft) {
  out(0xcf9, 0x02);
  EXPECT_TRUE(resets.empty());
  EXPECT_EQ(in(0xcf9), 2);
  out(0xcf9, 0x06);
  out(0xcf9, 0x00);
  out(0xcf9, 0x04);
  out(0xcf9, 0x0e);
  EXPECT_EQ(resets, (std::vector<bool>{true, false, true}));
}

TEST_F(Piix3Test, KeepsTheArchiveContract) {
  PciBackplane other;
  Piix3 copy(other.bus, 1, other.log, {});
  copy.reset();
  test::expect_archive_contract(chip, copy, [&] {
    config_write(1, 0, 0x62, 0x0b, 1);
    nic.set_interrupt(true);
    out(0xcf9, 2);
  });
  EXPECT_TRUE(copy.irq(11).level());
}

}  // namespace
}  // namespace orrery::hw
