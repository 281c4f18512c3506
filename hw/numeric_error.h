// The PC's coprocessor error logic: FERR# of the processor becomes IRQ 13, and a write of port F0h answers it.
//
// Source: Intel 82371SB (PIIX3) data sheet, "Coprocessor error" and CERR register (F0h); SDM vol. 1, appendix D
// ("MS-DOS compatible handling of x87 exceptions"). A write of F0h takes IRQ 13 back and, while FERR# is active,
// asserts IGNNE#, with which the handler can execute x87 instructions; the processor itself drops IGNNE# with FERR#.
// Reads find nobody.
#pragma once

#include <functional>

#include "hw/core/bus.h"
#include "hw/core/device.h"
#include "hw/core/line.h"

namespace orrery::hw {

class NumericError final : public core::Device {
 public:
  /// `irq13` is driven here; `assert_ignne` is called when the processor is to ignore its pending error.
  NumericError(core::PortBus& ports, core::LevelLine& irq13, std::function<void()> assert_ignne);

  std::string_view name() const override { return "numeric_error"; }
  void reset() override;
  void archive(core::Archive& ar) override;

  /// Input: FERR# (true: active).
  void set_ferr(bool active);
  /// What `irq13` follows.
  bool asking() const { return asking_; }

 private:
  void acknowledge();

  core::LevelLine& irq13_;
  std::function<void()> assert_ignne_;
  core::PortBus::Mapping mapping_;
  bool ferr_ = false;
  bool asking_ = false;  // latched by the beginning of FERR#
};

}  // namespace orrery::hw
