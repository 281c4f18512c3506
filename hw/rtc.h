// MC146818 real-time clock with the PC's CMOS memory, at ports 70h/71h and, for the upper 128 bytes, 72h/73h.
//
// Source: Motorola MC146818 data sheet (1984), sections "Address map", "Interrupts", "Divider stages", "Update cycle"
// and "Registers"; the century byte at 32h and the NMI mask in bit 7 of port 70h are the PC/AT's. Time runs with
// virtual time from a date that the board gives. The divider chain hangs on 32768 Hz; update cycles end once a second,
// UIP is high for the 244 + 1984 microseconds before, and the registers change at the end.
#pragma once

#include <array>

#include "hw/core/bus.h"
#include "hw/core/clock.h"
#include "hw/core/device.h"
#include "hw/core/line.h"
#include "hw/core/log.h"

namespace orrery::hw {

class Rtc final : public core::Device {
 public:
  /// `start`: what the clock shows at power-on, in seconds since 1970-01-01 00:00:00 of whatever zone it shows.
  /// Years 1970 to 9999 can be shown; other dates are brought into that range.
  Rtc(core::PortBus& ports, core::Clock& clock, core::Log& log, core::LevelLine& irq, i64 start);

  std::string_view name() const override { return "rtc"; }
  void reset() override;
  void archive(core::Archive& ar) override;

  /// What the board leaves in CMOS for the firmware (memory size, disk types, boot order). Index 0-255; the clock's own
  /// registers (0-0Dh and the century at 32h) cannot be set this way.
  void set_cmos(u8 index, u8 value);
  u8 cmos(u8 index);

  /// Sets the clock, as a person would in the setup program.
  void set_time(i64 seconds);
  /// What the clock shows, in the same unit as `start`.
  i64 time();

  /// High while bit 7 of port 70h masks NMI.
  core::LevelLine& nmi_masked() { return nmi_masked_; }

 private:
  enum Register : u8 {
    kSeconds = 0x00,
    kSecondsAlarm = 0x01,
    kMinutes = 0x02,
    kMinutesAlarm = 0x03,
    kHours = 0x04,
    kHoursAlarm = 0x05,
    kWeekday = 0x06,
    kDay = 0x07,
    kMonth = 0x08,
    kYear = 0x09,
    kRegisterA = 0x0a,
    kRegisterB = 0x0b,
    kRegisterC = 0x0c,
    kRegisterD = 0x0d,
    kCentury = 0x32,
  };
  struct Date;

  u8 read(u8 index);
  void write(u8 index, u8 value);
  bool updating() const;   // update cycles take place: divider running, SET clear
  u64 divider_ns() const;  // since divider_base_
  u64 second_end(u64 number) const;
  u32 periodic_ticks() const;           // of 32768 Hz; 0: none
  u64 periodic_edges() const;           // of the periodic tap since divider_base_
  u64 periodic_edge(u64 number) const;  // when that one is
  void settle();                        // brings registers and flags up to now
  void pass_seconds(u64 count);
  bool alarm_matches() const;
  u8 encode(unsigned value) const;
  unsigned decode(u8 raw) const;
  u8 encode_hours(unsigned hours) const;
  unsigned decode_hours(u8 raw) const;
  Date date() const;
  void set_date(const Date& date);
  void advance(u64 seconds);  // the calendar alone
  u64 until_daylight_change() const;
  void update_irq();
  void schedule();

  core::Clock& clock_;
  core::Log& log_;
  core::LevelLine& irq_;
  core::LevelLine nmi_masked_;
  core::Event event_;
  std::array<core::PortBus::Mapping, 2> mappings_;

  std::array<u8, 256> ram_{};
  u8 index_ = 0;
  u8 extended_index_ = 0;
  i64 divider_base_ = 0;     // (ns, may lie before power-on) the update cycle ends at this time plus every whole second
  u64 seconds_settled_ = 0;  // update cycles since divider_base_ that are done or were left out
  u64 periodic_settled_ = 0;  // edges of the periodic tap since divider_base_ that are in PF
  bool fell_back_ = false;    // the hour of October's change was already repeated
};

}  // namespace orrery::hw
