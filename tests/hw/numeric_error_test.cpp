#include "hw/numeric_error.h"

#include "tests/hw/bench.h"

namespace orrery::hw {
namespace {

struct Rig {
  Bench bench;
  core::LevelLine irq;
  unsigned ignored = 0;
  NumericError logic{bench.ports, irq, [this] { ++ignored; }};
};

class CoprocessorError : public ::testing::Test, protected Rig {};

TEST_F(CoprocessorError, FerrAsksForIrq13UntilPortF0IsWritten) {
  logic.set_ferr(true);
  EXPECT_TRUE(irq.level());
  bench.out(0xf0, 0);
  EXPECT_FALSE(irq.level());
  EXPECT_EQ(ignored, 1u) << "IGNNE# while FERR# is active";
}

TEST_F(CoprocessorError, TheRequestOutlivesFerr) {
  logic.set_ferr(true);
  logic.set_ferr(false);
  EXPECT_TRUE(irq.level());
  bench.out(0xf0, 0xff);
  EXPECT_FALSE(irq.level());
  EXPECT_EQ(ignored, 0u) << "nothing is left to be ignored";
}

TEST_F(CoprocessorError, TheNextErrorAsksAgain) {
  logic.set_ferr(true);
  bench.out(0xf0, 0);
  logic.set_ferr(false);
  logic.set_ferr(true);
  EXPECT_TRUE(irq.level());
}

TEST_F(CoprocessorError, PortF0ReadsAsIfNobodyWereThere) {
  logic.set_ferr(true);
  EXPECT_EQ(bench.in(0xf0), 0xff);
  EXPECT_TRUE(irq.level());
}

TEST_F(CoprocessorError, ArchiveContract) {
  Rig other;
  test::expect_archive_contract(logic, other.logic, [&] { logic.set_ferr(true); });
  EXPECT_TRUE(other.irq.level());
}

}  // namespace
}  // namespace orrery::hw
