// The test device that kvm-unit-tests drives, as QEMU's pc-testdev lays it out (-device pc-testdev).
//
// Ports 2000h-2017h: a write sets the level of interrupt input n of the I/O APIC (0-15: the ISA interrupt).
// Ports E0h-E3h: four bytes that keep what is written. Ports E4h-E7h: a page to be unmapped by the host; nothing here.
// FF000000h-FF00FFFFh: device memory that keeps what is written.
#pragma once

#include <array>
#include <functional>
#include <vector>

#include "hw/core/bus.h"
#include "hw/core/device.h"
#include "hw/core/line.h"

namespace orrery::hw {

class PcTestdev final : public core::Device {
 public:
  static constexpr unsigned kLines = 24;
  static constexpr u64 kMemoryBase = 0xff000000, kMemorySize = 0x10000;

  /// `interrupt(n)`: the line that drives interrupt input n, asked once for each.
  PcTestdev(core::PortBus& ports, core::IoSpace& memory, const std::function<core::LevelLine&(unsigned n)>& interrupt);

  std::string_view name() const override { return "pc-testdev"; }
  void reset() override;
  void archive(core::Archive& ar) override;

 private:
  std::array<core::LevelLine*, kLines> lines_{};
  std::array<u8, 8> bytes_{};
  std::vector<u8> memory_;
  std::array<core::IoSpace::Mapping, 3> mappings_;
};

}  // namespace orrery::hw
