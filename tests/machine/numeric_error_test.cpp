// An x87 error the way MS-DOS programs see it: FERR#, IRQ 13, port F0h.
#include <gtest/gtest.h>

#include "machine/machine.h"

namespace orrery::machine {
namespace {

constexpr u64 kMillisecond = 1'000'000;

void put(Machine& m, u64 address, std::initializer_list<u8> bytes) {
  for (const u8 b : bytes) m.memory().write8(address++, b);
}

TEST(NumericErrorBoard, AnX87ErrorIsInterrupt75AndPortF0LetsTheHandlerWork) {
  for (const char* cpu : {"486", "pentium", "pentium3"}) {
    Config config;
    config.memory = 4 << 20;
    config.bios = ORRERY_TEST_ROM;
    config.ticks_per_second = 20'000'000;
    config.cpu = cpu;
    Machine m(config, {});
    m.run_until(10 * kMillisecond);  // the ROM has prepared the 8259s: IRQ 13 is vector 75h
    put(m, 0x600, {0, 0, 0, 0, 0, 0});
    put(m, 0x75 * 4, {0x20, 0x7d, 0, 0});
    put(m, 0x7c00, {0xfa,                                // CLI
                    0xb0, 0xfb, 0xe6, 0x21,              // IRQ 2
                    0xb0, 0xdf, 0xe6, 0xa1,              // and 13 alone are open
                    0xdb, 0xe3,                          // FNINIT
                    0xd9, 0x2e, 0x00, 0x7d,              // FLDCW: divide by zero is not masked
                    0xfb,                                // STI
                    0xd9, 0xe8, 0xd9, 0xee, 0xde, 0xf9,  // 1 / 0
                    0x9b,                                // FWAIT
                    0xc6, 0x06, 0x02, 0x06, 0x01,        // [602h] = 1
                    0xf4, 0xeb, 0xfd});                  // HLT, for ever
    put(m, 0x7d00, {0x7b, 0x03});
    put(m, 0x7d20, {0xe6, 0xf0,                                                  // OUT F0h
                    0x9b,                                                        // FWAIT passes by IGNNE#
                    0xfe, 0x06, 0x01, 0x06,                                      // INC [601h]
                    0xdf, 0xe0, 0xa3, 0x04, 0x06,                                // FNSTSW to [604h]
                    0xdb, 0xe2,                                                  // FNCLEX
                    0xb0, 0x20, 0xe6, 0xa0, 0xe6, 0x20, 0xfe, 0x06, 0x00, 0x06,  // INC [600h]
                    0xcf});
    cpu::State& s = m.cpu().state();
    s.rip = 0x7c00;
    for (cpu::Segment& g : s.seg) {
      g.selector = 0;
      g.base = 0;
    }
    m.cpu().state_changed();
    m.run_until(20 * kMillisecond);
    EXPECT_EQ(m.memory().read8(0x600), 1) << cpu << ": one interrupt";
    EXPECT_EQ(m.memory().read8(0x601), 1) << cpu;
    EXPECT_EQ(m.memory().read8(0x602), 1) << cpu << ": FWAIT went on behind it";
    EXPECT_EQ(m.memory().read16(0x604) & 0x84, 0x84) << cpu;
    EXPECT_FALSE(s.ferr);
    EXPECT_FALSE(s.ignne);
  }
}

}  // namespace
}  // namespace orrery::machine
