// Intel 82371AB (PIIX4), function 3, PCI 8086:7113: power management and SMBus.
//
// Intel 82371AB data sheet (290562), chapters 7 and 11; ACPI 1.0b section 4.7. The power management block is 64 I/O
// ports at PMBA (40h), on while PMREGMISC (80h) bit 0 is set: PM1 event, enable and control, the 24-bit PM timer at
// 3.579545 MHz, the general-purpose events. The SMBus host block is 16 ports at SMBBA (90h), on while SMBHSTCFG (D2h)
// bit 0 is set; no device is on the wires, so every transfer ends in DEV_ERR. The APM ports B2h and B3h are here too.
#pragma once

#include <array>
#include <functional>

#include "hw/core/bus.h"
#include "hw/core/clock.h"
#include "hw/core/device.h"
#include "hw/core/line.h"
#include "hw/core/log.h"
#include "hw/core/pci.h"

namespace orrery::hw {

/// What software writes to the APM control port to hand the machine to ACPI and back; the FADT names them.
inline constexpr u8 kAcpiEnable = 0xf1;
inline constexpr u8 kAcpiDisable = 0xf0;
/// Frequency of the ACPI power management timer.
inline constexpr u64 kPmTimerHz = 3'579'545;

class Piix4Pm final : public core::Device {
 public:
  struct Wiring {
    core::PciBus& bus;
    unsigned slot;
    core::PortBus& ports;
    core::Clock& clock;
    core::Log& log;
    core::LevelLine& sci;             // to interrupt 9
    std::function<void()> power_off;  // the guest entered S5
    /// SMI# on a write to port B2h; empty for a processor without system management mode. Firmware then finds
    /// APMC_EN (DEVACTB bit 25) set already and does not try to install a handler.
    std::function<void()> smi = {};
  };
  explicit Piix4Pm(Wiring wiring);

  std::string_view name() const override { return "piix4pm"; }
  void reset() override;
  void archive(core::Archive& ar) override;

  /// The power button was pressed. Returns true if the guest's ACPI driver is told now.
  bool press_power_button();
  /// An asserted general-purpose event input (bits of GPSTS).
  void raise_gpe(u16 bits);

  core::PciFunction& pci() { return pci_; }

 private:
  u8 read_pm(u64 offset);
  void write_pm(u64 offset, u8 value);
  u16 pm1_status() const;
  void write_pm1_control();
  u64 timer_ticks() const;
  u8 read_smbus(u64 offset);
  void write_smbus(u64 offset, u8 value);
  void write_apm(u64 offset, u8 value);
  void update_pm_window();
  void update_smbus_window();
  void update_sci();

  Wiring w_;
  core::PciFunction pci_;
  core::Event timer_event_;

  u16 pm1_status_ = 0;  // without TMROF_STS, which is computed
  u16 pm1_enable_ = 0;
  u16 pm1_control_ = 0;
  u64 timer_acknowledged_ = 0;  // half periods of the timer's bit 23 up to the last clearing of TMROF_STS
  u16 gpe_status_ = 0;
  u16 gpe_enable_ = 0;
  std::array<u8, 64> plain_{};  // registers without a function: they keep what is written
  u8 apm_control_ = 0;
  u8 apm_status_ = 0;

  u8 smbus_status_ = 0;
  std::array<u8, 16> smbus_{};
  std::array<u8, 32> smbus_block_{};
  u8 smbus_index_ = 0;

  core::IoSpace::Mapping pm_window_;
  core::IoSpace::Mapping smbus_window_;
  core::IoSpace::Mapping apm_ports_;
};

}  // namespace orrery::hw
