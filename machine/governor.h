// The governor keeps virtual time in step with the host's, or lets it run.
//
// It reads no clock: the front end's machine thread tells it the host's time at slice borders, on a clock that only
// goes forward. It answers how far to run or how long to sleep. When the host is too slow for the nominal speed, it
// posts a RateChange through the gate: the virtual processor becomes slower, time stays even.
//
//     for (;;) {
//       const Governor::Plan plan = governor.plan(host_ns());
//       if (plan.sleep_ns != 0) { wait for that long or for something to do; continue; }
//       machine.run_until_tick(plan.until_tick);
//     }
#pragma once

#include <functional>

#include "hw/core/clock.h"
#include "hw/core/types.h"

namespace orrery::machine {

class Machine;

enum class Speed : u8 {
  RealTime,  // one virtual second a host second
  Turbo,     // as fast as the host can
  Slow,      // a fraction of real time: set_percent()
  Paused,    // not at all
};

class Governor {
 public:
  /// A slice is this much virtual time at most in real time, which bounds how late a picture gets out.
  static constexpr u64 kSliceNs = 4'000'000;

  explicit Governor(Machine& machine);
  /// For tests: instead of a machine, a clock and where to post.
  Governor(core::Clock& clock, u64 nominal_rate, std::function<void(u64 rate)> post_rate);

  void set_speed(Speed speed);
  Speed speed() const { return speed_; }
  /// Slow: virtual time passes at `percent` (1-100) of the host's.
  void set_percent(unsigned percent);
  unsigned percent() const { return percent_; }
  /// Pins the rate: the virtual processor keeps its speed however late the host is. For tests and recordings that must
  /// not depend on the host.
  void pin_rate(bool pinned) { pinned_ = pinned; }

  struct Plan {
    u64 until_tick = 0;  // run to here, if sleep_ns is 0
    u64 sleep_ns = 0;    // else nothing is to be done for so long; ~0 while paused
  };
  /// To be asked before each slice. `host_ns` must not go backwards.
  Plan plan(u64 host_ns);

  /// Virtual seconds per host second over about the last half second, in percent. For titles.
  unsigned achieved_percent() const { return achieved_; }
  /// Ticks per host second over the same time, halted time among them.
  u64 ticks_per_host_second() const { return measured_rate_; }

 private:
  /// How often the rate may change, and over how long it is measured.
  static constexpr u64 kWindowNs = 100'000'000;
  static constexpr u64 kReportNs = 500'000'000;
  /// Being late by less than this is not worth a change.
  static constexpr u64 kLateNs = 20'000'000;
  static constexpr u64 kSlowestRate = 1'000'000;

  void restart(u64 host_ns);
  void adapt(u64 host_ns, u64 late_ns);

  core::Clock& clock_;
  u64 nominal_rate_;
  std::function<void(u64)> post_rate_;
  Speed speed_ = Speed::RealTime;
  unsigned percent_ = 50;
  bool pinned_ = false;
  bool started_ = false;

  u64 anchor_host_ = 0;     // at this host time ...
  u64 anchor_virtual_ = 0;  // ... virtual time was here
  u64 last_host_ = 0;       // of the last plan()
  bool slept_ = false;      // the last plan was to sleep
  u64 window_host_ = 0;     // the running measurement began here
  u64 window_virtual_ = 0;
  u64 window_slept_ = 0;
  u64 report_host_ = 0;
  u64 report_virtual_ = 0;
  u64 report_ticks_ = 0;
  unsigned achieved_ = 0;
  u64 measured_rate_ = 0;
};

}  // namespace orrery::machine
