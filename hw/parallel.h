// The PC's parallel printer port in standard mode (SPP), with a printer that is always ready.
//
// IBM Personal Computer Technical Reference, Printer Adapter: data, status and control at three ports. A byte is
// printed when STROBE is set. The printer is then busy for 10 us; its acknowledge is low for the last 5 us of them and
// at its end asks for an interrupt, if the guest enabled it.
#pragma once

#include <string>

#include "hw/core/bus.h"
#include "hw/core/char_backend.h"
#include "hw/core/clock.h"
#include "hw/core/device.h"
#include "hw/core/line.h"

namespace orrery::hw {

class ParallelPort final : public core::Device {
 public:
  struct Wiring {
    std::string name;  // "lpt1"
    u64 base;          // 378h
    core::PortBus& ports;
    core::Clock& clock;
    core::LevelLine& irq;
    core::CharBackend* backend = nullptr;  // may be null: the paper goes nowhere
  };
  explicit ParallelPort(Wiring wiring);

  std::string_view name() const override { return w_.name; }
  void reset() override;
  void archive(core::Archive& ar) override;

  void set_backend(core::CharBackend* backend) { w_.backend = backend; }

 private:
  u8 read(u64 offset);
  void write(u64 offset, u8 value);

  Wiring w_;
  core::Event acknowledge_event_;
  u8 data_ = 0;
  u8 control_ = 0;
  u64 busy_until_ = 0;
  core::IoSpace::Mapping mapping_;
};

}  // namespace orrery::hw
