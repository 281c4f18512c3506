// A bench for one chip that is wired to nothing but byte ports.
#pragma once

#include <gtest/gtest.h>

#include "tests/support/archive_tests.h"
#include "tests/support/chip_rig.h"

namespace orrery::hw {

struct Bench : test::ChipRig {
  u8 in(u64 port) { return static_cast<u8>(ports.read(port, 1)); }
  void out(u64 port, unsigned value) { ports.write(port, 1, value); }
  void run_for(u64 ns) { run(ns); }
};

}  // namespace orrery::hw
