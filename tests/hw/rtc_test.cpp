#include "hw/rtc.h"

#include "tests/hw/bench.h"

namespace orrery::hw {
namespace {

constexpr u64 kMs = 1'000'000;
constexpr u64 kSecond = core::kNsPerSecond;
constexpr i64 kNoon2000 = 951'825'600;  // 2000-02-29 12:00:00, a Tuesday

class Mc146818 : public ::testing::Test {
 protected:
  Bench bench;
  core::LevelLine irq;
  Rtc rtc{bench.ports, bench.clock, bench.log, irq, kNoon2000};

  void SetUp() override { rtc.reset(); }
  u8 get(u8 index) {
    bench.out(0x70, index);
    return bench.in(0x71);
  }
  void set(u8 index, u8 value) {
    bench.out(0x70, index);
    bench.out(0x71, value);
  }
  /// "ccyymmdd hh:mm:ss w" as the registers show it, in hexadecimal.
  std::string shown() {
    return fmt::format("{:02x}{:02x}{:02x}{:02x} {:02x}:{:02x}:{:02x} {:x}", get(0x32), get(9), get(8), get(7), get(4),
                       get(2), get(0), get(6));
  }
  void set_clock(u8 century, u8 year, u8 month, u8 day, u8 hour, u8 minute, u8 second, u8 weekday) {
    set(0x0b, get(0x0b) | 0x80);
    set(0x32, century);
    set(9, year);
    set(8, month);
    set(7, day);
    set(4, hour);
    set(2, minute);
    set(0, second);
    set(6, weekday);
    set(0x0b, get(0x0b) & 0x7f);
  }
};

TEST_F(Mc146818, StartsAtTheGivenDateInBcdAnd24Hours) {
  EXPECT_EQ(shown(), "20000229 12:00:00 3");
  EXPECT_EQ(get(0x0a), 0x26);
  EXPECT_EQ(get(0x0b), 0x02);
  EXPECT_EQ(get(0x0d), 0x80);
}

TEST_F(Mc146818, RunsWithVirtualTime) {
  bench.run_to(kSecond - 1);
  EXPECT_EQ(get(0), 0x00);
  bench.run_to(kSecond);
  EXPECT_EQ(get(0), 0x01);
  bench.run_to(12 * 3600 * kSecond);
  EXPECT_EQ(shown(), "20000301 00:00:00 4");
  EXPECT_EQ(rtc.time(), kNoon2000 + 12 * 3600);
}

TEST_F(Mc146818, CarriesThroughCenturyEnd) {
  set_clock(0x19, 0x99, 0x12, 0x31, 0x23, 0x59, 0x59, 6);
  bench.run_for(kSecond);
  EXPECT_EQ(shown(), "20000101 00:00:00 7");
}

TEST_F(Mc146818, KnowsLeapYears) {
  set_clock(0x21, 0x00, 0x02, 0x28, 0x23, 0x59, 0x59, 1);
  bench.run_for(kSecond);
  EXPECT_EQ(shown(), "21000301 00:00:00 2");
  set_clock(0x20, 0x04, 0x02, 0x28, 0x23, 0x59, 0x59, 7);
  bench.run_for(kSecond);
  EXPECT_EQ(shown(), "20040229 00:00:00 1");
}

TEST_F(Mc146818, ShowsBinaryAndTwelveHours) {
  set(0x0b, 0x86);
  set(4, 23);
  set(0x0b, 0x06);
  bench.run_to(kSecond * 61);
  EXPECT_EQ(get(4), 23);
  EXPECT_EQ(get(2), 1);
  set(0x0b, 0x80);  // BCD, 12 hours
  for (u8 i : {0, 2, 4}) set(i, 0);
  set(2, 0x59);
  set(0, 0x59);
  set(4, 0x91);  // 11 pm
  set(0x0b, 0x00);
  bench.run_for(kSecond);
  EXPECT_EQ(get(4), 0x12) << "midnight is 12 am";
  bench.run_for(12 * 3600 * kSecond);
  EXPECT_EQ(get(4), 0x92) << "noon is 12 pm";
  bench.run_for(3600 * kSecond);
  EXPECT_EQ(get(4), 0x81);
}

TEST_F(Mc146818, SetHoldsTheRegisters) {
  set(0x0b, 0x82);
  bench.run_for(10 * kSecond + kSecond / 2);
  EXPECT_EQ(get(0), 0x00);
  set(0, 0x30);
  set(0x0b, 0x02);
  EXPECT_EQ(get(0), 0x30);
  bench.run_to(11 * kSecond);
  EXPECT_EQ(get(0), 0x31) << "the divider went on";
}

TEST_F(Mc146818, KeepsAnImpossibleValueUntilTheNextUpdate) {
  set(0, 0x7f);
  EXPECT_EQ(get(0), 0x7f);
  bench.run_to(kSecond);
  EXPECT_EQ(get(0), 0x00);
  EXPECT_EQ(get(2), 0x01);
}

TEST_F(Mc146818, UipRisesBeforeTheUpdateAndFallsAtItsEnd) {
  bench.run_to(kSecond - 2'228'001);
  EXPECT_EQ(get(0x0a) & 0x80, 0);
  bench.run_to(kSecond - 2'228'000);
  EXPECT_EQ(get(0x0a) & 0x80, 0x80);
  bench.run_to(kSecond - 1);
  EXPECT_EQ(get(0x0a) & 0x80, 0x80);
  EXPECT_EQ(get(0), 0x00);
  bench.run_to(kSecond);
  EXPECT_EQ(get(0x0a) & 0x80, 0);
  bench.run_to(2 * kSecond - 1);
  set(0x0b, 0x82);
  EXPECT_EQ(get(0x0a) & 0x80, 0) << "SET stops updates";
}

TEST_F(Mc146818, TheFirstUpdateComesHalfASecondAfterTheDividerIsLetGo) {
  bench.run_to(100 * kMs);
  set(0x0a, 0x76);
  bench.run_to(5 * kSecond);
  EXPECT_EQ(get(0), 0x00);
  bench.run_to(5 * kSecond + 123 * kMs);
  set(0x0a, 0x26);
  bench.run_to(5 * kSecond + 623 * kMs - 1);
  EXPECT_EQ(get(0), 0x00);
  bench.run_to(5 * kSecond + 623 * kMs);
  EXPECT_EQ(get(0), 0x01);
  bench.run_to(6 * kSecond + 623 * kMs);
  EXPECT_EQ(get(0), 0x02);
}

TEST_F(Mc146818, TheDividerCanBeLetGoRightAfterPowerOn) {
  set(0x0a, 0x76);
  set(0x0a, 0x26);
  bench.run_to(500 * kMs - 1);
  EXPECT_EQ(get(0), 0x00);
  bench.run_to(500 * kMs);
  EXPECT_EQ(get(0), 0x01);
}

TEST_F(Mc146818, TheUpdateInterruptComesOnceASecondAndReadingCAcknowledges) {
  set(0x0b, 0x12);
  bench.run_to(kSecond - 1);
  EXPECT_FALSE(irq.level());
  bench.run_to(kSecond);
  EXPECT_TRUE(irq.level());
  EXPECT_EQ(get(0x0c) & 0xb0, 0x90);
  EXPECT_FALSE(irq.level());
  EXPECT_EQ(get(0x0c), 0x00);
  bench.run_to(2 * kSecond);
  EXPECT_TRUE(irq.level());
}

TEST_F(Mc146818, ThePeriodicInterruptKeepsItsRateForever) {
  set(0x0b, 0x42);
  u64 count = 0;
  irq.connect([&](bool level) { count += level ? 1 : 0; });
  for (u64 t = 0; t < 10'000; ++t) {
    bench.run_for(kMs / 2);
    get(0x0c);
  }
  EXPECT_EQ(count, 5u * 1024) << "5 seconds of 1024 Hz";
}

TEST_F(Mc146818, EveryPeriodicRateIsTheDataSheets) {
  const double ms[16] = {0,       3.90625, 7.8125, 0.122070, 0.244141, 0.488281, 0.9765625, 1.953125,
                         3.90625, 7.8125,  15.625, 31.25,    62.5,     125,      250,       500};
  for (u8 rate = 1; rate < 16; ++rate) {
    Bench b;
    core::LevelLine line;
    Rtc one(b.ports, b.clock, b.log, line, 0);
    b.out(0x70, 0x0a);
    b.out(0x71, 0x20 | rate);
    b.out(0x70, 0x0b);
    b.out(0x71, 0x42);
    u64 at = 0;
    line.connect([&](bool level) {
      if (level) at = b.clock.now();
    });
    b.run_to(kSecond);
    EXPECT_NEAR(static_cast<double>(at) / 1e6, ms[rate], 0.001) << int{rate};
  }
}

TEST_F(Mc146818, PeriodicFlagIsSetWithoutItsInterrupt) {
  bench.run_to(kMs);
  EXPECT_EQ(get(0x0c), 0x40);
  EXPECT_FALSE(irq.level());
  set(0x0a, 0x20);
  get(0x0c);
  bench.run_to(900 * kMs);
  EXPECT_EQ(get(0x0c), 0x00);
}

TEST_F(Mc146818, TheAlarmComesAtItsTime) {
  set(1, 0x30);
  set(3, 0x01);
  set(5, 0x12);
  set(0x0b, 0x22);
  bench.run_to(90 * kSecond - 1);
  EXPECT_FALSE(irq.level());
  bench.run_to(90 * kSecond);
  EXPECT_TRUE(irq.level());
  EXPECT_EQ(get(0x0c) & 0xa0, 0xa0);
  bench.run_to((86'400 + 89) * kSecond);
  EXPECT_FALSE(irq.level());
  bench.run_to((86'400 + 90) * kSecond);
  EXPECT_TRUE(irq.level());
}

TEST_F(Mc146818, AlarmBytesFromC0OnMatchEverything) {
  set(1, 0x05);
  set(3, 0xff);
  set(5, 0xc0);
  set(0x0b, 0x22);
  for (u64 minute = 0; minute < 3; ++minute) {
    bench.run_to((minute * 60 + 5) * kSecond - 1);
    EXPECT_FALSE(irq.level());
    bench.run_to((minute * 60 + 5) * kSecond);
    EXPECT_TRUE(irq.level());
    get(0x0c);
  }
}

TEST_F(Mc146818, TheAlarmFlagIsFoundAfterALongTimeWithoutAnyAccess) {
  set(1, 0x00);
  set(3, 0x00);
  set(5, 0x11);
  bench.run_to(u64{86'400} * 400 * kSecond);
  EXPECT_EQ(get(0x0c) & 0x20, 0x20);
  EXPECT_EQ(shown(), "20010404 12:00:00 4");
}

TEST_F(Mc146818, SetClearsTheUpdateInterruptEnable) {
  set(0x0b, 0x92);
  EXPECT_EQ(get(0x0b), 0x82);
}

TEST_F(Mc146818, ResetClearsInterruptsButNeitherTimeNorRam) {
  set(0x0b, 0x7a);
  set(0x40, 0x99);
  bench.run_to(3 * kSecond);
  EXPECT_TRUE(irq.level());
  rtc.reset();
  EXPECT_FALSE(irq.level());
  EXPECT_EQ(get(0x0b), 0x02);
  EXPECT_EQ(get(0x0c), 0x00);
  EXPECT_EQ(get(0x40), 0x99);
  EXPECT_EQ(get(0), 0x03);
}

TEST_F(Mc146818, DaylightSavingFollowsTheDataSheet) {
  set(0x0b, 0x03);
  set_clock(0x19, 0x87, 0x04, 0x26, 0x01, 0x59, 0x59, 1);  // last Sunday of April 1987
  bench.run_for(kSecond);
  EXPECT_EQ(shown(), "19870426 03:00:00 1");
  set_clock(0x19, 0x87, 0x10, 0x25, 0x01, 0x59, 0x59, 1);  // last Sunday of October 1987
  bench.run_for(kSecond);
  EXPECT_EQ(shown(), "19871025 01:00:00 1");
  bench.run_for(3600 * kSecond);
  EXPECT_EQ(shown(), "19871025 02:00:00 1") << "only once";
  set_clock(0x19, 0x87, 0x04, 0x19, 0x01, 0x59, 0x59, 1);
  bench.run_for(kSecond);
  EXPECT_EQ(shown(), "19870419 02:00:00 1") << "not the last Sunday";
  set(0x0b, 0x02);
  set_clock(0x19, 0x87, 0x04, 0x26, 0x01, 0x59, 0x59, 1);
  bench.run_for(kSecond);
  EXPECT_EQ(shown(), "19870426 02:00:00 1") << "DSE is clear";
}

TEST_F(Mc146818, RegistersCAndDCannotBeWritten) {
  set(0x0c, 0xff);
  set(0x0d, 0x00);
  EXPECT_EQ(get(0x0c), 0x00);
  EXPECT_EQ(get(0x0d), 0x80);
}

TEST_F(Mc146818, Bit7OfTheIndexMasksNmi) {
  bench.out(0x70, 0x8f);
  EXPECT_TRUE(rtc.nmi_masked().level());
  EXPECT_EQ(bench.in(0x70), 0x8f);
  bench.out(0x71, 0x5a);
  bench.out(0x70, 0x0f);
  EXPECT_FALSE(rtc.nmi_masked().level());
  EXPECT_EQ(bench.in(0x71), 0x5a);
}

TEST_F(Mc146818, TheUpperBankHasItsOwnIndex) {
  bench.out(0x70, 0x20);
  bench.out(0x71, 0x11);
  bench.out(0x72, 0x20);
  bench.out(0x73, 0x22);
  EXPECT_EQ(bench.in(0x71), 0x11);
  EXPECT_EQ(bench.in(0x73), 0x22);
  EXPECT_EQ(rtc.cmos(0xa0), 0x22);
  bench.out(0x72, 0x00);
  bench.out(0x73, 0x77);
  EXPECT_EQ(get(0), 0x00);
}

TEST_F(Mc146818, TheBoardFillsCmosButNotTheClock) {
  rtc.set_cmos(0x15, 0x80);
  rtc.set_cmos(0x16, 0x02);
  rtc.set_cmos(0x00, 0x55);
  EXPECT_EQ(get(0x15), 0x80);
  EXPECT_EQ(get(0x00), 0x00);
  EXPECT_EQ(get(0x16), 0x02);
}

TEST_F(Mc146818, DatesOutsideItsRangeAreBroughtIn) {
  rtc.set_time(-5);
  EXPECT_EQ(shown(), "19700101 00:00:00 5");
  rtc.set_time(i64{1} << 60);
  EXPECT_EQ(shown(), "99991231 23:59:59 6");
  bench.run_for(kSecond);
  EXPECT_EQ(get(0), 0x00);
}

TEST_F(Mc146818, ArchiveContract) {
  Bench other_bench;
  core::LevelLine other_irq;
  Rtc other(other_bench.ports, other_bench.clock, other_bench.log, other_irq, 0);
  test::expect_archive_contract(rtc, other, [&] {
    set(0x0b, 0x42);
    set(0x33, 1);
    bench.run_to(kSecond * 5);
    bench.out(0x72, 5);
    bench.out(0x70, 0x8c);
  });
  EXPECT_TRUE(other_irq.level());
  EXPECT_TRUE(other.nmi_masked().level());
}

}  // namespace
}  // namespace orrery::hw
