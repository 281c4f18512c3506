#include "hw/vmport.h"

#include <limits>

#include "tests/hw/bench.h"

namespace orrery::hw {
namespace {

struct Rig {
  Bench bench;
  VmPort::Registers regs;
  unsigned notified = 0;
  VmPort port{bench.ports, bench.log, [this] { return regs; }, [this](const VmPort::Registers& r) { regs = r; },
              [this] { ++notified; }};

  u32 call(u32 command, u32 ebx = 0) {
    regs = {0x564d5868, ebx, command, 0x5658, 0, 0};
    regs.eax = static_cast<u32>(bench.ports.read(0x5658, 4));
    return regs.eax;
  }
  void enable() {
    call(41, 0x45414552);
    call(39, 1);
    call(41, 0x53424152);
  }
};

class VmMouse : public ::testing::Test, protected Rig {};

TEST_F(VmMouse, AnswersOnlyToTheMagic) {
  regs.eax = 0x12345678;
  regs.ecx = 10;
  EXPECT_EQ(bench.ports.read(0x5658, 4), 0xffffffffu);
  EXPECT_EQ(call(10), 6u);
  EXPECT_EQ(regs.ebx, 0x564d5868u);
  EXPECT_EQ(regs.ecx, 2u);
  EXPECT_EQ(call(9999), 0xffffffffu);
}

TEST_F(VmMouse, TheDriversHandshakeTurnsOnAbsolutePositions) {
  EXPECT_EQ(call(40) & 0xffff0000, 0xffff0000u);
  call(41, 0x45414552);
  EXPECT_EQ(call(40), 1u);
  EXPECT_EQ(call(39, 1), 0x3442554au);
  EXPECT_FALSE(port.absolute());
  call(41, 0x53424152);
  EXPECT_TRUE(port.absolute());
  call(41, 0x4c455252);
  EXPECT_FALSE(port.absolute());
  call(41, 0x53424152);
  call(41, 0xf5);
  EXPECT_FALSE(port.absolute());
  EXPECT_EQ(call(40), 0xffff0000u);
}

TEST_F(VmMouse, PacketsCarryButtonsPositionAndWheel) {
  enable();
  port.move_to(1000, 65535);
  port.set_buttons(1);
  port.set_buttons(6);
  port.wheel(2);
  EXPECT_EQ(notified, 4u);
  EXPECT_EQ(call(40), 16u);
  EXPECT_EQ(call(39, 4), 0u);
  EXPECT_EQ(regs.ebx, 1000u);
  EXPECT_EQ(regs.ecx, 65535u);
  EXPECT_EQ(regs.edx, 0u);
  EXPECT_EQ(call(39, 4), 0x20u);
  EXPECT_EQ(call(39, 4), 0x18u);
  EXPECT_EQ(call(39, 4), 0x18u);
  EXPECT_EQ(regs.edx, static_cast<u32>(-2));
  EXPECT_EQ(call(40), 0u);
}

TEST_F(VmMouse, AskingForMoreThanThereIsIsAnErrorUntilTheNextEnable) {
  enable();
  port.move_to(1, 2);
  EXPECT_EQ(call(39, 5), 0xffffffffu);
  EXPECT_EQ(call(40), 0xffff0000u);
  EXPECT_EQ(call(39, 7), 0xffffffffu);
  EXPECT_EQ(call(39, 0), 0xffffffffu);
  call(41, 0x45414552);
  EXPECT_EQ(call(40), 1u);
}

TEST_F(VmMouse, TheQueueIsBoundedAndWholePacketsOnly) {
  enable();
  for (unsigned i = 0; i < 100'000; ++i) port.move_to(static_cast<u16>(i), 0);
  port.wheel(std::numeric_limits<i32>::min());
  EXPECT_EQ(call(40), 1024u);
}

TEST_F(VmMouse, WithoutADriverNothingIsQueued) {
  port.move_to(1, 1);
  port.set_buttons(1);
  port.wheel(1);
  EXPECT_EQ(notified, 0u);
  EXPECT_EQ(call(40), 0xffff0000u);
}

TEST_F(VmMouse, ArchiveContract) {
  Rig other;
  test::expect_archive_contract(port, other.port, [&] {
    enable();
    port.move_to(5, 6);
    port.set_buttons(3);
  });
  EXPECT_EQ(other.call(40), 8u);
}

}  // namespace
}  // namespace orrery::hw
