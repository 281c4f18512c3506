// A high precision event timer block at FED00000h: a 64-bit counter of 10 ns and three comparators.
//
// IA-PC HPET Specification 1.0a, section 2.3 (registers) and 2.4 (use). All three timers are 64 bits wide, periodic on
// request, and can be routed to interrupt inputs 20-23; with legacy replacement timer 0 takes the place of the 8254
// (interrupt 0) and timer 1 that of the real-time clock (interrupt 8). Messages (FSB) are not offered.
//
// A comparator matches when the counter reaches its value by counting. In edge mode the output stays asserted until the
// next match, so that an 8259, which wants to see its input high until it is acknowledged, never misses one.
#pragma once

#include <array>
#include <functional>
#include <string>

#include "hw/core/bus.h"
#include "hw/core/clock.h"
#include "hw/core/device.h"
#include "hw/core/line.h"
#include "hw/core/log.h"

namespace orrery::hw {

class Hpet final : public core::Device {
 public:
  static constexpr u64 kBase = 0xfed00000;
  static constexpr u64 kPeriodNs = 10;
  static constexpr unsigned kTimers = 3;
  static constexpr u32 kRoutes = 0x00f00000;  // interrupt inputs that each timer can be routed to

  /// `interrupt(n)`: the line that drives interrupt input n of the I/O APIC, for 0 and 8 (legacy replacement, ISA
  /// numbers) and those of kRoutes; asked once for each, when the chip is built.
  Hpet(core::IoSpace& memory, core::Clock& clock, core::Log& log,
       const std::function<core::LevelLine&(unsigned n)>& interrupt);

  std::string_view name() const override { return "hpet"; }
  void reset() override;
  void archive(core::Archive& ar) override;

  /// High while legacy replacement is on: the 8254 and the real-time clock are cut off from interrupts 0 and 8.
  core::LevelLine& legacy() { return legacy_; }

 private:
  struct Timer {
    u32 config = 0;
    u64 comparator = 0;  // as it was when the counter was `base`
    u64 base = 0;
    u64 period = 0;
    bool pulse = false;  // edge mode: a match has been signalled
    void archive(core::Archive& ar);
  };
  static constexpr unsigned kLines = 6;  // 0, 8, 20-23

  bool counting() const { return (general_config_ & 1) != 0; }
  u64 counter() const;
  u64 read(u64 n);
  void write(u64 n, u64 value, u64 written);
  void write_general_config(u64 value);
  void write_config(unsigned t, u32 value);
  void write_comparator(unsigned t, u64 value, u64 written);
  void settle();
  void settle(unsigned t);
  void arm(unsigned t);
  void arm_all();
  void matched(unsigned t);
  void update_lines();
  int line_of(unsigned t) const;

  core::Clock& clock_;
  core::Log& log_;
  std::array<core::LevelLine*, kLines> lines_{};
  core::LevelLine legacy_;
  std::array<core::Event, kTimers> events_;

  u8 general_config_ = 0;
  u8 status_ = 0;
  u64 counter_ = 0;  // while halted; while counting, what it was at started_ns_
  u64 started_ns_ = 0;
  std::array<Timer, kTimers> timers_;
  core::IoSpace::Mapping mapping_;
};

}  // namespace orrery::hw
