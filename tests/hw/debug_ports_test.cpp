#include "hw/debug_ports.h"

#include "tests/support/archive_tests.h"
#include "tests/support/char_sink.h"
#include "tests/support/pci_fixture.h"

namespace orrery::hw {
namespace {

struct DebugPortsTest : ::testing::Test, test::PciBackplane {
  test::CharSink console;
  test::CharSink firmware;
  std::vector<u32> exits;
  int power_offs = 0;
  std::vector<std::string> lines;
  DebugPorts chip{{.ports = ports,
                   .log = log,
                   .console_backend = &console,
                   .firmware_backend = &firmware,
                   .exit = DebugPorts::Exit{0xf4, 4},
                   .on_exit = [this](u32 code) { exits.push_back(code); },
                   .power_off = [this] { ++power_offs; }}};

  DebugPortsTest() {
    log.set_sink([this](std::string_view line) { lines.emplace_back(line); });
    chip.reset();
  }
};

TEST_F(DebugPortsTest, TheConsoleWritesBytesAndReadsBackItsNumber) {
  EXPECT_EQ(in(0xe9), 0xe9);
  out(0xe9, 'A');
  out(0xe9, '\n');
  EXPECT_EQ(console.text, "A\n");
}

TEST_F(DebugPortsTest, TheFirmwareLogGoesOutByteByByteAndIsLoggedByLine) {
  log.enable(core::Channel::Firmware);
  EXPECT_EQ(in(0x402), 0xe9);
  for (char c : std::string("SeaBIOS\r\nnext")) out(0x402, static_cast<u8>(c));
  EXPECT_EQ(firmware.text, "SeaBIOS\r\nnext");
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find("SeaBIOS"), std::string::npos);
}

TEST_F(DebugPortsTest, AnEndlessFirmwareLineIsCut) {
  log.enable(core::Channel::Firmware);
  for (int i = 0; i < 5000; ++i) out(0x402, 'x');
  EXPECT_EQ(lines.size(), 4u);
}

TEST_F(DebugPortsTest, TheExitPortGivesTwiceTheValuePlusOneInEveryWidth) {
  out32(0xf4, 0x10);
  out(0xf4, 0);
  out16(0xf4, 0x1234);
  EXPECT_EQ(exits, (std::vector<u32>{0x21, 1, 0x2469}));
}

TEST_F(DebugPortsTest, PostCodesAreKeptAndLoggedOnChange) {
  log.enable(core::Channel::Firmware);
  out(0x80, 0x31);
  out(0x80, 0x31);
  out(0x80, 0x32);
  EXPECT_EQ(lines.size(), 2u);
  EXPECT_EQ(chip.last_post_code(), 0x32);
}

TEST_F(DebugPortsTest, BochsAndOldQemuPowerOffPortsWork) {
  out16(0xb004, 0x0000);
  EXPECT_EQ(power_offs, 0);
  out16(0xb004, 0x2000);
  EXPECT_EQ(power_offs, 1);
  for (char c : std::string("ShutShutdow")) out(0x8900, static_cast<u8>(c));
  EXPECT_EQ(power_offs, 1);
  out(0x8900, 'n');
  EXPECT_EQ(power_offs, 2);
}

TEST_F(DebugPortsTest, KeepsTheArchiveContract) {
  PciBackplane other;
  int offs = 0;
  DebugPorts copy({.ports = other.ports, .log = other.log, .power_off = [&] { ++offs; }});
  copy.reset();
  test::expect_archive_contract(chip, copy, [&] {
    out(0x80, 0x55);
    out(0x402, 'x');
    for (char c : std::string("Shutdow")) out(0x8900, static_cast<u8>(c));
  });
  other.out(0x8900, 'n');
  EXPECT_EQ(offs, 1);
}

}  // namespace
}  // namespace orrery::hw
