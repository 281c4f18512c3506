// A bench for one chip: a clock whose ticks are nanoseconds, a port bus and a log.
#pragma once

#include <gtest/gtest.h>

#include "hw/core/bus.h"
#include "hw/core/clock.h"
#include "hw/core/line.h"
#include "hw/core/log.h"
#include "tests/support/archive_tests.h"

namespace orrery::hw {

struct Bench {
  core::Log log;
  core::Clock clock{core::kNsPerSecond};
  core::PortBus ports{"io", log};

  u8 in(u64 port) { return static_cast<u8>(ports.read(port, 1)); }
  void out(u64 port, unsigned value) { ports.write(port, 1, value); }

  /// Lets time pass up to `ns`, every event at its own moment.
  void run_to(u64 ns) {
    while (clock.next_due_tick() <= ns) {
      clock.set_ticks(clock.next_due_tick());
      clock.run_due();
    }
    if (ns > clock.ticks()) clock.set_ticks(ns);
  }
  void run_for(u64 ns) { run_to(clock.now() + ns); }
};

}  // namespace orrery::hw
