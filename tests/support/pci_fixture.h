// A machine's backplane for tests of PCI chips: ports, memory, clock, a PCI bus and the guest's way to configuration.
#pragma once

#include <gtest/gtest.h>

#include "hw/core/memory.h"
#include "hw/core/pci.h"
#include "tests/support/chip_rig.h"

namespace orrery::test {

struct PciBackplane : ChipRig {
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
  u8 in(u16 port) { return in8(port); }
  void out(u16 port, u8 value) { out8(port, value); }
};

}  // namespace orrery::test
