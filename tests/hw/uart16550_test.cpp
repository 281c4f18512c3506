#include "hw/uart16550.h"

#include "tests/support/archive_tests.h"
#include "tests/support/char_sink.h"
#include "tests/support/pci_fixture.h"

namespace orrery::hw {
namespace {

constexpr u64 kCharNs = 86'805;  // 10 bits at 115200 baud

struct UartTest : ::testing::Test, test::PciBackplane {
  core::LevelLine irq;
  test::CharSink sink;
  int accepts = 0;
  Uart16550 uart{{.name = "com1",
                  .base = 0x3f8,
                  .ports = ports,
                  .clock = clock,
                  .log = log,
                  .irq = irq,
                  .backend = &sink,
                  .accepts = [this] { ++accepts; }}};

  UartTest() {
    uart.reset();
    w(3, 0x83);
    w(0, 1);
    w(1, 0);
    w(3, 0x03);
  }
  u8 r(unsigned reg) { return in(0x3f8 + reg); }
  void w(unsigned reg, u8 value) { out(0x3f8 + reg, value); }
  void later(u64 ns) { run_to(clock.now() + ns); }
};

TEST_F(UartTest, ResetClearsEverythingButLeavesTheTransmitterEmpty) {
  uart.reset();
  EXPECT_EQ(r(1), 0);
  EXPECT_EQ(r(2), 0x01);
  EXPECT_EQ(r(3), 0);
  EXPECT_EQ(r(4), 0);
  EXPECT_EQ(r(5), 0x60);
  EXPECT_EQ(r(6) & 0x0f, 0);
}

TEST_F(UartTest, DlabGivesTheDivisorInsteadOfDataAndIer) {
  w(1, 0x0f);
  w(3, 0x83);
  w(0, 0x34);
  w(1, 0x12);
  EXPECT_EQ(r(0), 0x34);
  EXPECT_EQ(r(1), 0x12);
  w(3, 0x03);
  EXPECT_EQ(r(1), 0x0f);
}

TEST_F(UartTest, ScratchAndUpperIerBitsAreAsIn16550A) {
  w(7, 0xa5);
  EXPECT_EQ(r(7), 0xa5);
  w(1, 0xff);
  EXPECT_EQ(r(1), 0x0f);
  w(4, 0xff);
  EXPECT_EQ(r(4), 0x1f);
  w(2, 0x01);
  EXPECT_EQ(r(2) & 0xc0, 0xc0);
  w(2, 0x00);
  EXPECT_EQ(r(2) & 0xc0, 0x00);
}

TEST_F(UartTest, TheTransmitterMayAlwaysGoAt115200BaudButNotInLoopback) {
  core::LevelLine other_irq;
  Uart16550 fast{{.name = "com2",
                  .base = 0x2f8,
                  .ports = ports,
                  .clock = clock,
                  .log = log,
                  .irq = other_irq,
                  .backend = &sink,
                  .fast_output = true}};
  fast.reset();
  out(0x2fb, 0x83);
  out(0x2f8, 12);  // 9600 baud
  out(0x2f9, 0);
  out(0x2fb, 0x03);
  const u64 character = fast.character_ns();
  EXPECT_EQ(character, 10 * core::kNsPerSecond / 9600);
  out(0x2f8, 'a');
  run_to(clock.now() + kCharNs - 1);
  EXPECT_EQ(in(0x2fd) & 0x40, 0);
  run_to(clock.now() + 1);
  EXPECT_EQ(in(0x2fd) & 0x60, 0x60);
  out(0x2fb, 0x9f);
  out(0x2f8, 1);  // 115200 baud, 8 bits, parity, two stop bits: as the line has it
  out(0x2fb, 0x1f);
  out(0x2f8, 'c');
  run_to(clock.now() + 12 * core::kNsPerSecond / 115200 - 1);
  EXPECT_EQ(in(0x2fd) & 0x40, 0);
  run_to(clock.now() + 1);
  EXPECT_EQ(in(0x2fd) & 0x60, 0x60);
  out(0x2fb, 0x83);
  out(0x2f8, 12);
  out(0x2fb, 0x03);
  out(0x2fc, 0x10);
  out(0x2f8, 'b');
  run_to(clock.now() + character - 1);
  EXPECT_EQ(in(0x2fd) & 1, 0);
  run_to(clock.now() + 1);
  EXPECT_EQ(in(0x2f8), 'b');
  EXPECT_EQ(sink.text, "ac");
}

TEST_F(UartTest, ACharacterLastsAsLongAsItsBits) {
  EXPECT_EQ(uart.character_ns(), kCharNs);
  w(3, 0x1f);  // 8 bits, even parity, 2 stop bits: 12 bits
  EXPECT_EQ(uart.character_ns(), 12 * core::kNsPerSecond / 115200);
  w(3, 0x04);  // 5 bits, 1.5 stop bits: 7.5 bits
  EXPECT_EQ(uart.character_ns(), 75 * core::kNsPerSecond / 1152000);
  w(3, 0x83);
  w(0, 96);
  EXPECT_EQ(uart.character_ns(), 10 * core::kNsPerSecond / 1200);
}

TEST_F(UartTest, TheShiftRegisterTakesTheFirstByteAtOnceAndHoldsTheSecond) {
  w(0, 'a');
  EXPECT_EQ(r(5) & 0x60, 0x20);
  w(0, 'b');
  EXPECT_EQ(r(5) & 0x60, 0x00);
  later(kCharNs - 1);
  EXPECT_EQ(r(5) & 0x60, 0x00);
  later(1);
  EXPECT_EQ(r(5) & 0x60, 0x20);
  later(kCharNs);
  EXPECT_EQ(r(5) & 0x60, 0x60);
  EXPECT_EQ(sink.text, "ab");
}

TEST_F(UartTest, TheTransmitFifoTakesSixteenBesidesTheShiftRegister) {
  w(2, 0x01);
  for (int i = 0; i < 17; ++i) w(0, 'x');
  EXPECT_EQ(r(5) & 0x60, 0x00);
  later(16 * kCharNs);
  EXPECT_EQ(r(5) & 0x60, 0x20);
  later(kCharNs);
  EXPECT_EQ(r(5) & 0x60, 0x60);
}

TEST_F(UartTest, OutputThatDoesNotWaitIsNotLost) {
  for (char c : std::string("no polling at all")) w(0, static_cast<u8>(c));
  EXPECT_EQ(sink.text, "no polling at all");
}

TEST_F(UartTest, ThreInterruptComesOnEnableAndIsClearedByReadingIir) {
  w(4, 0x08);
  w(1, 0x02);
  EXPECT_TRUE(irq.level());
  EXPECT_EQ(r(2), 0x02);
  EXPECT_FALSE(irq.level());
  EXPECT_EQ(r(2), 0x01);
  w(1, 0);
  w(1, 0x02);
  EXPECT_EQ(r(2), 0x02);
}

TEST_F(UartTest, ThreInterruptComesWhenTheHoldingRegisterEmpties) {
  w(4, 0x08);
  w(1, 0x02);
  w(0, 'a');
  w(0, 'b');
  EXPECT_FALSE(irq.level());
  EXPECT_EQ(r(2), 0x01);
  later(kCharNs - 1);
  EXPECT_FALSE(irq.level());
  later(1);
  EXPECT_TRUE(irq.level());
  w(0, 'c');  // writing THR clears it as well
  EXPECT_FALSE(irq.level());
}

TEST_F(UartTest, Out2GatesTheInterruptPinAndLoopbackForcesItOff) {
  w(1, 0x02);
  EXPECT_FALSE(irq.level());
  w(4, 0x08);
  EXPECT_TRUE(irq.level());
  w(4, 0x18);
  EXPECT_FALSE(irq.level());
}

TEST_F(UartTest, AReceivedByteIsReadOnceAndItsInterruptGoesWithIt) {
  w(4, 0x08);
  w(1, 0x01);
  EXPECT_TRUE(uart.can_receive());
  uart.receive(0x5a);
  EXPECT_FALSE(uart.can_receive());
  EXPECT_EQ(r(5) & 1, 1);
  EXPECT_TRUE(irq.level());
  EXPECT_EQ(r(2), 0x04);
  EXPECT_EQ(r(0), 0x5a);
  EXPECT_FALSE(irq.level());
  EXPECT_EQ(r(5) & 1, 0);
  EXPECT_EQ(r(0), 0x5a);
  EXPECT_GT(accepts, 0);
}

TEST_F(UartTest, ShortCharactersHaveZeroUpperBits) {
  w(3, 0x01);
  uart.receive(0xff);
  EXPECT_EQ(r(0), 0x3f);
  w(0, 0xff);
  EXPECT_EQ(sink.text, "\x3f");
}

TEST_F(UartTest, AGuestThatNeverProgramsItStillHasEightBits) {
  w(3, 0x00);
  w(0, 0xc1);
  EXPECT_EQ(sink.text, "\xc1");
  uart.receive(0xa5);
  EXPECT_EQ(r(0), 0xa5);
  w(4, 0x10);  // but what stays inside has the five bits of LCR
  w(0, 0xff);
  later(30'000'000);
  EXPECT_EQ(r(0), 0x1f);
}

TEST_F(UartTest, AnUnreadByteIsOverrunWithoutFifoAndReplaced) {
  w(4, 0x08);
  w(1, 0x05);
  uart.receive(1);
  uart.receive(2);
  EXPECT_EQ(r(2), 0x06);
  EXPECT_EQ(r(5) & 0x1f, 0x03);
  EXPECT_EQ(r(5) & 0x1f, 0x01);
  EXPECT_EQ(r(2), 0x04);
  EXPECT_EQ(r(0), 2);
}

TEST_F(UartTest, AFullFifoKeepsItsBytesOnOverrun) {
  w(2, 0x01);
  for (u8 i = 0; i < 17; ++i) uart.receive(i);
  EXPECT_FALSE(uart.can_receive());
  EXPECT_EQ(r(5) & 0x03, 0x03);
  for (u8 i = 0; i < 16; ++i) EXPECT_EQ(r(0), i);
  EXPECT_EQ(r(5) & 0x01, 0);
}

TEST_F(UartTest, TriggerLevelsDecideWhenTheDataInterruptComes) {
  const unsigned levels[] = {1, 4, 8, 14};
  w(4, 0x08);
  w(1, 0x01);
  for (unsigned i = 0; i < 4; ++i) {
    w(2, static_cast<u8>(i << 6 | 0x07));
    for (unsigned n = 1; n <= levels[i]; ++n) {
      EXPECT_FALSE(irq.level()) << levels[i];
      uart.receive(0x55);
    }
    EXPECT_TRUE(irq.level()) << levels[i];
    EXPECT_EQ(r(2), 0xc4);
    r(0);
    EXPECT_FALSE(irq.level()) << levels[i];
  }
}

TEST_F(UartTest, BytesBelowTheTriggerTimeOutAfterFourCharacterTimes) {
  w(4, 0x08);
  w(1, 0x01);
  w(2, 0xc1);
  uart.receive(1);
  later(3 * kCharNs);
  uart.receive(2);  // starts the time again
  later(4 * kCharNs - 1);
  EXPECT_FALSE(irq.level());
  later(1);
  EXPECT_TRUE(irq.level());
  EXPECT_EQ(r(2), 0xcc);
  r(0);
  EXPECT_FALSE(irq.level());  // reading restarts it, one byte is left
  later(4 * kCharNs);
  EXPECT_EQ(r(2), 0xcc);
  r(0);
  EXPECT_EQ(r(2), 0xc1);
}

TEST_F(UartTest, ABreakBelongsToItsCharacterInTheFifo) {
  w(2, 0x01);
  uart.receive('a');
  uart.receive_break();
  EXPECT_EQ(r(5) & 0x9f, 0x81);
  EXPECT_EQ(r(0), 'a');
  EXPECT_EQ(r(5) & 0x9f, 0x91);
  EXPECT_EQ(r(5) & 0x9f, 0x01);
  EXPECT_EQ(r(0), 0);
}

TEST_F(UartTest, InterruptsComeInTheDataSheetsOrder) {
  w(4, 0x08);
  w(1, 0x0f);
  r(2);  // clear THRE
  uart.set_modem_inputs(false, true, false, true);
  w(0, 'x');
  uart.receive(1);
  uart.receive(2);
  EXPECT_EQ(r(2), 0x06);
  r(5);
  EXPECT_EQ(r(2), 0x04);
  r(0);
  EXPECT_EQ(r(2), 0x02);
  EXPECT_EQ(r(2), 0x00);
  r(6);
  EXPECT_EQ(r(2), 0x01);
}

TEST_F(UartTest, ModemDeltasShowChangesAndTheTrailingEdgeOfRing) {
  EXPECT_EQ(r(6), 0xb0);
  uart.set_modem_inputs(true, true, true, true);
  EXPECT_EQ(r(6), 0xf0);
  uart.set_modem_inputs(false, true, false, true);
  EXPECT_EQ(r(6), 0xa5);
  EXPECT_EQ(r(6), 0xa0);
}

TEST_F(UartTest, LoopbackReturnsDataAfterItsTimeAndModemOutputs) {
  w(4, 0x1a);  // loop, OUT2, RTS
  EXPECT_EQ(r(6) & 0xf0, 0x90);
  w(4, 0x1f);
  EXPECT_EQ(r(6) & 0xf0, 0xf0);
  w(0, 0x42);
  later(kCharNs - 1);
  EXPECT_EQ(r(5) & 1, 0);
  later(1);
  EXPECT_EQ(r(5) & 1, 1);
  EXPECT_EQ(r(0), 0x42);
  EXPECT_TRUE(sink.text.empty());
  EXPECT_FALSE(uart.can_receive());
  uart.receive(1);
  EXPECT_EQ(r(5) & 1, 0);
}

TEST_F(UartTest, TheFifoSizeIsFoundThroughLoopback) {
  w(2, 0x07);
  w(4, 0x10);
  for (int i = 0; i < 256; ++i) w(0, static_cast<u8>(i));
  later(20'000'000);
  int count = 0;
  while ((r(5) & 1) != 0 && count < 256) {
    EXPECT_EQ(r(0), count);
    ++count;
  }
  EXPECT_EQ(count, 16);
}

TEST_F(UartTest, FcrBitsClearTheFifos) {
  w(2, 0x01);
  uart.receive(1);
  w(2, 0x03);
  EXPECT_EQ(r(5) & 1, 0);
  for (int i = 0; i < 10; ++i) w(0, 'x');
  w(2, 0x05);
  EXPECT_EQ(r(5) & 0x60, 0x20);
  later(kCharNs);
  EXPECT_EQ(r(5) & 0x60, 0x60);
}

TEST_F(UartTest, BreakAndModemOutputsReachTheBackend) {
  w(3, 0x43);
  EXPECT_TRUE(sink.brk);
  w(3, 0x03);
  EXPECT_FALSE(sink.brk);
  w(4, 0x03);
  EXPECT_TRUE(sink.dtr && sink.rts);
  w(4, 0x02);
  EXPECT_FALSE(sink.dtr);
}

TEST_F(UartTest, KeepsTheArchiveContractAndItsInterruptsGoOn) {
  PciBackplane other;
  core::LevelLine line;
  Uart16550 copy(
      {.name = "com1", .base = 0x3f8, .ports = other.ports, .clock = other.clock, .log = other.log, .irq = line});
  copy.reset();
  test::expect_archive_contract(uart, copy, [&] {
    w(2, 0xc1);
    w(4, 0x0b);
    w(1, 0x0f);
    r(2);
    w(0, 'a');
    w(0, 'b');
    uart.receive('c');
    uart.receive_break();
  });
  EXPECT_FALSE(line.level());
  other.run_to(kCharNs * 4);
  EXPECT_TRUE(line.level());
  EXPECT_EQ(other.in(0x3fa), 0xcc);
  EXPECT_EQ(other.in(0x3f8), 'c');
}

}  // namespace
}  // namespace orrery::hw
