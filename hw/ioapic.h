// Intel 82093AA I/O advanced programmable interrupt controller at FEC00000h.
//
// Source: Intel 82093AA data sheet (order 290566), sections 3.0 (registers) and 4.0 (operation). 24 inputs, each with a
// redirection entry that turns it into a message on the APIC bus. Inputs carry "asserted": INTPOL is kept but changes
// nothing, because systems set it as they would on other boards than this one.
#pragma once

#include <array>
#include <string>

#include "hw/core/apic_bus.h"
#include "hw/core/bus.h"
#include "hw/core/device.h"
#include "hw/core/log.h"

namespace orrery::hw {

class IoApic final : public core::Device {
 public:
  static constexpr u64 kDefaultBase = 0xfec00000;
  static constexpr unsigned kInputs = 24;

  IoApic(core::IoSpace& memory, core::Log& log, core::ApicBus& bus);

  std::string_view name() const override { return "ioapic"; }
  void reset() override;
  void archive(core::Archive& ar) override;

  /// The level on INTINn; beyond 23 nothing happens.
  void set_input(unsigned n, bool level);

  /// One line for each input that is not masked, for `info ioapic`.
  std::string info() const;

 private:
  static constexpr u64 kMasked = 1 << 16, kLevel = 1 << 15, kRemoteIrr = 1 << 14;

  u64 read(u64 offset) const;
  void write(u64 offset, u32 value);
  u32 read_register() const;
  void write_register(u32 value);
  /// Sends the message of entry `n`; true if somebody took it.
  bool send(unsigned n);
  /// A level-triggered request goes out if it may.
  void service(unsigned n);
  void end_of_interrupt(u8 vector);

  core::Log& log_;
  core::ApicBus& bus_;
  u8 select_ = 0;
  u32 id_ = 0;  // in 27:24
  std::array<u64, kInputs> entries_{};
  std::array<bool, kInputs> inputs_{};
  core::IoSpace::Mapping mapping_;
};

}  // namespace orrery::hw
