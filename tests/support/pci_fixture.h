// A machine's backplane for tests of PCI chips: ports, memory, clock, a PCI bus and the guest's way to configuration.
#pragma once

#include <gtest/gtest.h>

#include "hw/core/clock.h"
#include "hw/core/memory.h"
#include "hw/core/pci.h"

namespace orrery::test {

struct PciBackplane {
  core::Log log;
  core::Clock clock{1'000'000'000};  // a tick is a nanosecond
  core::PortBus ports{"io", log};
  core::GuestMemory memory{16 << 20, log};
  core::PciBus bus{ports, log};

  u32 config_read(unsigned slot, unsigned function, unsigned offset, unsigned width = 4) {
    ports.write(0xcf8, 4, 0x80000000 | slot << 11 | function << 8 | (offset & 0xfc));
    return static_cast<u32>(ports.read(0xcfc + (offset & 3), width));
  }
  void config_write(unsigned slot, unsigned function, unsigned offset, u32 value, unsigned width = 4) {
    ports.write(0xcf8, 4, 0x80000000 | slot << 11 | function << 8 | (offset & 0xfc));
    ports.write(0xcfc + (offset & 3), width, value);
  }
  u8 in(u64 port) { return static_cast<u8>(ports.read(port, 1)); }
  u16 in16(u64 port) { return static_cast<u16>(ports.read(port, 2)); }
  u32 in32(u64 port) { return static_cast<u32>(ports.read(port, 4)); }
  void out(u64 port, u8 value) { ports.write(port, 1, value); }
  void out16(u64 port, u16 value) { ports.write(port, 2, value); }
  void out32(u64 port, u32 value) { ports.write(port, 4, value); }
  void run_to(u64 ns) {
    clock.set_ticks(ns);
    clock.run_due();
  }
};

}  // namespace orrery::test
