#include "hw/pc_testdev.h"

#include <gtest/gtest.h>

#include "tests/support/archive_tests.h"
#include "tests/support/chip_rig.h"

namespace orrery::hw {
namespace {

struct PcTestdevTest : ::testing::Test, test::ChipRig {
  core::IoSpace memory{"memory", log};
  std::array<core::LevelLine, 24> lines;
  PcTestdev chip{ports, memory, [this](unsigned n) -> core::LevelLine& { return lines.at(n); }};
};

TEST_F(PcTestdevTest, SetsInterruptLines) {
  out8(0x2000 + 23, 1);
  EXPECT_TRUE(lines[23].level());
  EXPECT_FALSE(lines[22].level());
  out8(0x2000 + 23, 0);
  EXPECT_FALSE(lines[23].level());
}

TEST_F(PcTestdevTest, KeepsWhatIsWrittenAtAnyWidth) {
  out32(0xe0, 0x12345678);
  EXPECT_EQ(in8(0xe1), 0x56);
  EXPECT_EQ(in16(0xe2), 0x1234);
  memory.write(0xff00fff8, 8, 0x1122334455667788);
  EXPECT_EQ(memory.read(0xff00fffc, 4), 0x11223344u);
}

TEST_F(PcTestdevTest, KeepsTheArchiveContract) {
  core::PortBus elsewhere{"ports", log};
  core::IoSpace other_memory{"memory", log};
  std::array<core::LevelLine, 24> others;
  PcTestdev other{elsewhere, other_memory, [&](unsigned n) -> core::LevelLine& { return others.at(n); }};
  test::expect_archive_contract<PcTestdev>(chip, other, [this] {
    out8(0x2005, 1);
    out8(0xe3, 9);
    memory.write(0xff000100, 1, 5);
  });
  EXPECT_TRUE(others[5].level());
}

}  // namespace
}  // namespace orrery::hw
