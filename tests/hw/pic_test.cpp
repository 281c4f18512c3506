#include "hw/pic.h"

#include "tests/hw/bench.h"

namespace orrery::hw {
namespace {

class Pic : public ::testing::Test {
 protected:
  Bench bench;
  PicPair pic{bench.ports, bench.log};

  void SetUp() override { pic.reset(); }

  void init_chip(u64 base, u8 icw2, u8 icw3, u8 icw4 = 0x01) {
    bench.out(base, 0x11);
    bench.out(base + 1, icw2);
    bench.out(base + 1, icw3);
    bench.out(base + 1, icw4);
  }
  void init(u8 master_icw4 = 0x01, u8 slave_icw4 = 0x01) {
    init_chip(0x20, 0x08, 0x04, master_icw4);
    init_chip(0xa0, 0x70, 0x02, slave_icw4);
  }
  void pulse(unsigned n) {
    pic.input(n).lower();
    pic.input(n).raise();
  }
  u8 irr(u64 base) {
    bench.out(base, 0x0a);
    return bench.in(base);
  }
  u8 isr(u64 base) {
    bench.out(base, 0x0b);
    return bench.in(base);
  }
  bool intr() { return pic.intr().level(); }
};

TEST_F(Pic, IsSilentUntilInitialised) {
  pic.input(0).raise();
  EXPECT_FALSE(intr());
}

TEST_F(Pic, DeliversAnEdgeOnceWithTheVectorOfIcw2) {
  init();
  pic.input(1).raise();
  EXPECT_TRUE(intr());
  EXPECT_EQ(irr(0x20), 0x02);
  EXPECT_EQ(pic.acknowledge(), 0x09);
  EXPECT_FALSE(intr());
  EXPECT_EQ(irr(0x20), 0x00);
  EXPECT_EQ(isr(0x20), 0x02);
  bench.out(0x20, 0x20);
  EXPECT_EQ(isr(0x20), 0x00);
  EXPECT_FALSE(intr()) << "the line is still high, but there was no new edge";
  pulse(1);
  EXPECT_TRUE(intr());
}

TEST_F(Pic, AnEdgeThatGoesAwayBeforeTheAcknowledgeBecomesTheDefaultIr7) {
  init();
  pic.input(3).raise();
  pic.input(3).lower();
  EXPECT_FALSE(intr());
  EXPECT_EQ(pic.acknowledge(), 0x0f);
  EXPECT_EQ(isr(0x20), 0x00) << "a spurious IR7 sets no ISR bit";
}

TEST(Pic8259, ASlaveWithoutARequestAnswersAsForIr7) {
  Pic8259 slave(false, 0xde);
  slave.reset();
  slave.write_command(0x11);
  slave.write_data(0x70);
  slave.write_data(0x02);
  slave.write_data(0x01);
  EXPECT_EQ(slave.acknowledge(), -1);
  EXPECT_EQ(slave.vector(7), 0x77);
}

TEST_F(Pic, PrioritiesNestAndHigherOnesInterruptLowerOnes) {
  init();
  pic.input(4).raise();
  EXPECT_EQ(pic.acknowledge(), 0x0c);
  pic.input(5).raise();
  EXPECT_FALSE(intr());
  pic.input(3).raise();
  EXPECT_TRUE(intr());
  EXPECT_EQ(pic.acknowledge(), 0x0b);
  EXPECT_EQ(isr(0x20), 0x18);
  bench.out(0x20, 0x20);
  EXPECT_EQ(isr(0x20), 0x10) << "a non-specific EOI ends the highest level in service";
  bench.out(0x20, 0x20);
  EXPECT_EQ(pic.acknowledge(), 0x0d);
}

TEST_F(Pic, MaskedRequestsStayInIrrAndComeWhenUnmasked) {
  init();
  bench.out(0x21, 0x02);
  EXPECT_EQ(bench.in(0x21), 0x02);
  pic.input(1).raise();
  EXPECT_FALSE(intr());
  EXPECT_EQ(irr(0x20), 0x02);
  bench.out(0x21, 0x00);
  EXPECT_TRUE(intr());
}

TEST_F(Pic, ASlaveRequestSetsBothIsrsAndNeedsBothEois) {
  init();
  pic.input(8).raise();
  EXPECT_TRUE(intr());
  EXPECT_EQ(pic.acknowledge(), 0x70);
  EXPECT_EQ(isr(0x20), 0x04);
  EXPECT_EQ(isr(0xa0), 0x01);
  pic.input(9).raise();
  EXPECT_FALSE(intr());
  bench.out(0xa0, 0x20);
  EXPECT_FALSE(intr()) << "the master's IR2 is still in service";
  bench.out(0x20, 0x20);
  EXPECT_TRUE(intr());
  EXPECT_EQ(pic.acknowledge(), 0x71);
}

TEST_F(Pic, TheMasterSeesANewEdgeForEverySlaveRequestEvenWithAutomaticEoi) {
  init(0x03, 0x03);
  pic.input(8).raise();
  pic.input(9).raise();
  EXPECT_EQ(pic.acknowledge(), 0x70);
  EXPECT_TRUE(intr());
  EXPECT_EQ(pic.acknowledge(), 0x71);
  EXPECT_FALSE(intr());
}

TEST_F(Pic, SpecialFullyNestedModeLetsAHigherSlaveLevelThrough) {
  init(0x11);
  pic.input(15).raise();
  EXPECT_EQ(pic.acknowledge(), 0x77);
  pic.input(8).raise();
  EXPECT_TRUE(intr());
  EXPECT_EQ(pic.acknowledge(), 0x70);
  pic.input(3).raise();
  EXPECT_FALSE(intr()) << "lower levels of the master stay locked out";
  EXPECT_EQ(isr(0xa0), 0x81);
}

TEST_F(Pic, WithoutSpecialFullyNestedModeTheSlaveIsLockedOut) {
  init();
  pic.input(15).raise();
  pic.acknowledge();
  pic.input(8).raise();
  EXPECT_FALSE(intr());
}

TEST_F(Pic, AutomaticEoiLeavesNoIsrBitAndRotatesWhenAsked) {
  init(0x03);
  pic.input(1).raise();
  EXPECT_EQ(pic.acknowledge(), 0x09);
  EXPECT_EQ(isr(0x20), 0x00);
  bench.out(0x20, 0x80);  // rotate in automatic EOI mode
  pulse(1);
  EXPECT_EQ(pic.acknowledge(), 0x09);  // 1 becomes the lowest
  pulse(1);
  pulse(0);
  pulse(3);
  EXPECT_EQ(pic.acknowledge(), 0x0b);
  EXPECT_EQ(pic.acknowledge(), 0x08);
  bench.out(0x20, 0x00);  // clear: 0 stays the lowest from here on
  EXPECT_EQ(pic.acknowledge(), 0x09);
  pulse(0);
  pulse(1);
  EXPECT_EQ(pic.acknowledge(), 0x09);
}

TEST_F(Pic, SpecificEoiSetPriorityAndRotation) {
  init();
  pulse(2 + 3);
  pulse(6);
  EXPECT_EQ(pic.acknowledge(), 0x0d);
  bench.out(0x20, 0x60 | 5);
  EXPECT_EQ(isr(0x20), 0x00);
  EXPECT_EQ(pic.acknowledge(), 0x0e);
  bench.out(0x20, 0xa0);  // rotate on non-specific EOI: 6 becomes the lowest
  pulse(6);
  pulse(0);
  pulse(7);
  EXPECT_EQ(pic.acknowledge(), 0x0f);
  bench.out(0x20, 0xe0 | 7);  // rotate on specific EOI: 7 becomes the lowest, 0 the highest
  EXPECT_EQ(pic.acknowledge(), 0x08);
  bench.out(0x20, 0x20);
  bench.out(0x20, 0xc0 | 0);  // set priority: 0 lowest
  pulse(0);
  EXPECT_EQ(pic.acknowledge(), 0x0e);
}

TEST_F(Pic, SpecialMaskModeEnablesAllButTheMaskedLevel) {
  init();
  pulse(1);
  pic.acknowledge();
  pulse(4);
  EXPECT_FALSE(intr());
  bench.out(0x21, 0x02);
  EXPECT_FALSE(intr());
  bench.out(0x20, 0x68);
  EXPECT_TRUE(intr());
  EXPECT_EQ(pic.acknowledge(), 0x0c);
  bench.out(0x20, 0x20);
  EXPECT_EQ(isr(0x20), 0x02) << "a non-specific EOI does not end a masked level in special mask mode";
  bench.out(0x20, 0x48);
  pulse(4);
  EXPECT_FALSE(intr());
}

TEST_F(Pic, APollIsAnAcknowledge) {
  init();
  pulse(6);
  bench.out(0x20, 0x0c);
  EXPECT_EQ(bench.in(0x20), 0x86);
  EXPECT_FALSE(intr());
  EXPECT_EQ(isr(0x20), 0x40);
  bench.out(0x20, 0x0c);
  EXPECT_EQ(bench.in(0x21), 0x00) << "nothing to poll; either port answers";
  EXPECT_EQ(bench.in(0x21), 0x00) << "and the one after reads IMR";
  bench.out(0x21, 0x55);
  EXPECT_EQ(bench.in(0x21), 0x55);
}

TEST_F(Pic, ElcrMakesInputsLevelTriggered) {
  init();
  bench.out(0x4d0, 0xff);
  bench.out(0x4d1, 0xff);
  EXPECT_EQ(bench.in(0x4d0), 0xf8) << "IRQ 0, 1 and 2 cannot be level-triggered";
  EXPECT_EQ(bench.in(0x4d1), 0xde) << "IRQ 8 and 13 cannot be level-triggered";
  pic.input(5).raise();
  EXPECT_EQ(pic.acknowledge(), 0x0d);
  EXPECT_EQ(irr(0x20), 0x20);
  bench.out(0x20, 0x20);
  EXPECT_TRUE(intr()) << "the level is still there";
  pic.input(5).lower();
  EXPECT_FALSE(intr());
  pic.input(11).raise();
  EXPECT_EQ(pic.acknowledge(), 0x73);
  bench.out(0xa0, 0x20);
  bench.out(0x20, 0x20);
  EXPECT_TRUE(intr());
}

TEST(PicWithoutElcr, UsesLtimOfIcw1AndLeavesThePortsFree) {
  Bench bench;
  PicPair pic(bench.ports, bench.log, PicPair::Elcr::Absent);
  pic.reset();
  EXPECT_FALSE(bench.ports.mapped(0x4d0));
  bench.out(0x20, 0x19);
  bench.out(0x21, 0x08);
  bench.out(0x21, 0x04);
  bench.out(0x21, 0x01);
  pic.input(0).raise();
  pic.acknowledge();
  bench.out(0x20, 0x20);
  EXPECT_TRUE(pic.intr().level());
}

TEST_F(Pic, InitialisationForgetsEdgesMaskAndModes) {
  init();
  bench.out(0x21, 0xaa);
  bench.out(0x20, 0xc3);
  bench.out(0x20, 0x68);
  bench.out(0x20, 0x0b);
  pic.input(1).raise();
  bench.out(0x20, 0x11);
  EXPECT_FALSE(intr());
  bench.out(0x21, 0x08);
  bench.out(0x21, 0x04);
  bench.out(0x21, 0x01);
  EXPECT_EQ(bench.in(0x21), 0x00);
  EXPECT_EQ(bench.in(0x20), 0x00) << "reads IRR, whose edge is forgotten";
  pulse(0);
  pulse(7);
  EXPECT_EQ(pic.acknowledge(), 0x08);
}

TEST_F(Pic, ASingleChipWithoutIcw4NeedsNoFurtherWords) {
  bench.out(0x20, 0x12 | 0x04 | 0xa0);  // single, no ICW4, interval 4, A7-A5 = 101
  bench.out(0x21, 0x00);
  bench.out(0x21, 0x7f);
  EXPECT_EQ(bench.in(0x21), 0x7f) << "this write was OCW1";
  pic.input(7).raise();
  EXPECT_EQ(pic.acknowledge(), 0xbc) << "MCS-80/85 mode: low byte of the call address";
}

TEST_F(Pic, DescribesItselfAsInfoPic) {
  init();
  EXPECT_EQ(pic.info(),
            "pic0: irr=00 imr=00 isr=00 hprio=0 irq_base=08 rr_sel=0 elcr=00 fnm=0\n"
            "pic1: irr=00 imr=00 isr=00 hprio=0 irq_base=70 rr_sel=0 elcr=00 fnm=0");
}

TEST_F(Pic, ArchiveContract) {
  Bench other_bench;
  PicPair other(other_bench.ports, other_bench.log);
  other.reset();
  test::expect_archive_contract(pic, other, [&] {
    init();
    pic.input(11).raise();
    pic.acknowledge();
    pic.input(3).raise();
    bench.out(0x21, 0x40);
    pic.input(1).raise();
  });
  EXPECT_TRUE(other.input(3).level());
  EXPECT_TRUE(other.intr().level());
  EXPECT_EQ(other.acknowledge(), 0x09);
}

}  // namespace
}  // namespace orrery::hw
