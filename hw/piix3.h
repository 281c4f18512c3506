// Intel 82371SB (PIIX3), function 0, PCI 8086:7000: the PCI-to-ISA bridge.
//
// Intel 82371FB/82371SB data sheet (290550), section 2.1. PIRQRCA-D (60h-63h) route the four PCI interrupt lines to
// interrupt inputs of the 8259 pair; RCR at port CF9h resets the processor or the machine. The edge/level control
// registers (4D0h, 4D1h) are with the interrupt controllers. The other registers keep what is written to them.
#pragma once

#include <array>
#include <functional>

#include "hw/core/device.h"
#include "hw/core/line.h"
#include "hw/core/log.h"
#include "hw/core/pci.h"

namespace orrery::hw {

class Piix3 final : public core::Device {
 public:
  /// Called for a reset through CF9h: hard (everything) or soft (INIT of the processor only).
  using Reset = std::function<void(bool hard)>;

  /// Sits at slot `slot`, function 0, listens to the bus's PIRQ lines and answers its reset port. The device has
  /// further functions (IDE at 1, power management at 3).
  Piix3(core::PciBus& bus, unsigned slot, core::Log& log, Reset reset);

  std::string_view name() const override { return "piix3"; }
  void reset() override;
  void archive(core::Archive& ar) override;

  /// What the PIRQs drive onto ISA interrupt `n` (0-15), asserted = true. The board joins it with the ISA device's own
  /// line in a WiredOr; the guest sets that input to level mode (ELCR).
  core::LevelLine& irq(unsigned n) { return irq_[n & 15]; }

  core::PciFunction& pci() { return pci_; }

 private:
  void update_routes();
  void write_rcr(u8 value);

  core::Log& log_;
  Reset reset_;
  core::PciFunction pci_;
  std::array<bool, 4> pirq_{};
  std::array<core::LevelLine, 16> irq_;
  u8 rcr_ = 0;
};

}  // namespace orrery::hw
