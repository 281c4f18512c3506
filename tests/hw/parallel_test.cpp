#include "hw/parallel.h"

#include "tests/support/archive_tests.h"
#include "tests/support/char_sink.h"
#include "tests/support/pci_fixture.h"

namespace orrery::hw {
namespace {

struct ParallelTest : ::testing::Test, test::PciBackplane {
  core::LevelLine irq;
  test::CharSink sink;
  ParallelPort port{{.name = "lpt1", .base = 0x378, .ports = ports, .clock = clock, .irq = irq, .backend = &sink}};

  ParallelTest() { port.reset(); }
  void print(u8 byte, u8 control = 0x0c) {
    out(0x378, byte);
    out(0x37a, control | 1);
    out(0x37a, control);
  }
};

TEST_F(ParallelTest, IsFoundByItsDataLatch) {
  out(0x378, 0xaa);
  EXPECT_EQ(in(0x378), 0xaa);
  out(0x378, 0x55);
  EXPECT_EQ(in(0x378), 0x55);
  EXPECT_EQ(in(0x379), 0xdf);
  out(0x37a, 0xff);
  EXPECT_EQ(in(0x37a), 0xff);
  out(0x37a, 0x0c);
  EXPECT_EQ(in(0x37a), 0xcc);
}

TEST_F(ParallelTest, AByteIsPrintedOncePerStrobe) {
  print('h');
  print('i');
  out(0x37a, 0x0d);
  out(0x37a, 0x0d);
  EXPECT_EQ(sink.text, "hii");
}

TEST_F(ParallelTest, ThePrinterIsBusyThenAcknowledges) {
  print('x');
  EXPECT_EQ(in(0x379) & 0xc0, 0x40);
  run_to(5'000);
  EXPECT_EQ(in(0x379) & 0xc0, 0x00);
  run_to(10'000);
  EXPECT_EQ(in(0x379) & 0xc0, 0xc0);
}

TEST_F(ParallelTest, TheAcknowledgeInterruptsIfEnabled) {
  print('x');
  run_to(10'000);
  EXPECT_FALSE(irq.level());
  print('y', 0x1c);
  run_to(19'999);
  EXPECT_FALSE(irq.level());
  run_to(20'000);
  EXPECT_TRUE(irq.level());
  in(0x379);
  EXPECT_FALSE(irq.level());
}

TEST_F(ParallelTest, KeepsTheArchiveContract) {
  PciBackplane other;
  core::LevelLine line;
  ParallelPort copy({.name = "lpt1", .base = 0x378, .ports = other.ports, .clock = other.clock, .irq = line});
  copy.reset();
  test::expect_archive_contract(port, copy, [&] { print('x', 0x1c); });
  other.run_to(10'000);
  EXPECT_TRUE(line.level());
}

}  // namespace
}  // namespace orrery::hw
