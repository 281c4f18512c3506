// The other side of the oracle: the processor of cpu/, set up so that CPL 3 sees what a Linux process sees: the same
// linear addresses, descriptors and exception vectors, by paging with NX in legacy protected mode or in IA-32e mode.
#pragma once

#include <memory>
#include <span>

#include "cpu/engine.h"
#include "hw/core/memory.h"
#include "tests/oracle/case.h"

namespace orrery::oracle {

class Emulated {
 public:
  /// `long_mode`: 16- and 32-bit code runs in compatibility mode, and 64-bit code runs; without it 16 and 32 bits only,
  /// in legacy protected mode.
  explicit Emulated(bool long_mode);

  void run(const Batch& batch, unsigned count, std::span<Outcome> outcomes, std::span<u8> memory);
  /// The model that both have in common with an x86-64 host; lines without their feature are not generated.
  static cpu::Model model();

  /// Linear addresses that are present here, for the supervisor, and not on the host.
  static bool system_address(u64 linear);

 private:
  void make_tables();
  void run_case(const Case& c, unsigned slot, Outcome& o);
  void load(unsigned seg, u16 selector);

  bool long_mode_;
  core::Log log_;
  core::GuestMemory memory_;
  core::PortBus ports_{"io", log_};
  core::Clock clock_;
  cpu::Model model_;
  cpu::Engine engine_;
};

}  // namespace orrery::oracle
