// Keyboard, mouse and controller together, as a guest sees them.
#include "hw/keyboard_controller.h"
#include "hw/ps2_keyboard.h"
#include "hw/ps2_mouse.h"
#include "tests/hw/bench.h"

namespace orrery::hw {
namespace {

using core::Key;
using Bytes = std::vector<u8>;

class KeyboardPath : public ::testing::Test {
 protected:
  Bench bench;
  Ps2Keyboard keyboard{bench.clock, bench.log};
  Ps2Mouse mouse{bench.clock, bench.log};
  core::LevelLine irq1, irq12;
  core::EdgeLine reset_line;
  KeyboardController i8042{bench.ports, bench.clock, bench.log, keyboard,
                           &mouse,      irq1,        irq12,     {[](bool) {}, [] { return true; }},
                           reset_line};

  void SetUp() override {
    keyboard.reset();
    mouse.reset();
    i8042.reset();
  }
  void command_byte(u8 value) {
    bench.out(0x64, 0x60);
    bench.out(0x60, value);
  }
  Bytes read_for(u64 ns) {
    Bytes out;
    const u64 end = bench.clock.now() + ns;
    while (bench.clock.now() < end) {
      bench.run_for(100'000);
      if ((bench.in(0x64) & 1) != 0) out.push_back(bench.in(0x60));
    }
    return out;
  }
};

TEST_F(KeyboardPath, TranslatedSet2IsSet1ForEveryKey) {
#define ORRERY_KEY(name, text, usage, prefix, set1, set2, set3, kind, group) \
  {                                                                          \
    std::array<Bytes, 2> seen;                                               \
    for (const bool translate : {true, false}) {                             \
      command_byte(translate ? 0x41 : 0x01);                                 \
      bench.out(0x60, 0xf0);                                                 \
      read_for(2'000'000);                                                   \
      bench.out(0x60, translate ? 2 : 1);                                    \
      read_for(2'000'000);                                                   \
      keyboard.press(Key::name, true);                                       \
      keyboard.press(Key::name, false);                                      \
      seen[translate ? 1 : 0] = read_for(20'000'000);                        \
    }                                                                        \
    EXPECT_FALSE(seen[0].empty()) << text;                                   \
    EXPECT_EQ(seen[0], seen[1]) << text;                                     \
  }
#include "hw/core/keys.inc"
#undef ORRERY_KEY
}

TEST_F(KeyboardPath, ResetsBothDevicesTheWayDriversDo) {
  command_byte(0x43);
  bench.out(0x60, 0xff);
  EXPECT_EQ(read_for(50'000'000), (Bytes{0xfa, 0xaa}));
  bench.out(0x64, 0xd4);
  bench.out(0x60, 0xff);
  EXPECT_EQ(read_for(50'000'000), (Bytes{0xfa, 0xaa, 0x00}));
}

TEST_F(KeyboardPath, AHeldMouseButtonAndKeysShareTheBufferWithoutLoss) {
  command_byte(0x43);
  bench.out(0x64, 0xd4);
  bench.out(0x60, 0xf4);
  read_for(5'000'000);
  mouse.set_buttons(1);
  keyboard.press(Key::A, true);
  mouse.move(1, 0);
  keyboard.press(Key::A, false);
  Bytes keys, reports;
  for (unsigned i = 0; i < 1000; ++i) {
    bench.run_for(100'000);
    const u8 status = bench.in(0x64);
    if ((status & 1) != 0) ((status & 0x20) != 0 ? reports : keys).push_back(bench.in(0x60));
  }
  EXPECT_EQ(keys, (Bytes{0x1e, 0x9e}));
  EXPECT_EQ(reports, (Bytes{0x09, 0, 0, 0x09, 1, 0}));
}

}  // namespace
}  // namespace orrery::hw
