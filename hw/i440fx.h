// Intel 82441FX (i440FX) host bridge, PCI 8086:1237: the memory controller's view of the first megabyte.
//
// Intel 440FX PCIset data sheet (290549), section 3.2. What a guest can notice of it: PAM0-PAM6 (59h-5Fh) decide for
// each 16 KiB of C0000h-EFFFFh and for F0000h-FFFFFh whether reads and writes go to RAM or to the bus behind (the
// system ROM, or nothing); SMRAM (72h) opens the RAM under the video window; DRB0-DRB7 (60h-67h) tell how much RAM
// there is. The other registers keep what is written to them.
#pragma once

#include <array>
#include <span>

#include "hw/core/device.h"
#include "hw/core/memory.h"
#include "hw/core/pci.h"

namespace orrery::hw {

class I440fx final : public core::Device {
 public:
  /// Sits at 00:00.0 of `bus`. `system_rom` (whole pages, at most 256 KiB are looked at) ends at 1 MiB and is what the
  /// bus shows at E0000h-FFFFFh; it must outlive the chip. RAM of the first megabyte must be at offset 0 of
  /// memory.ram(). The chip maps C0000h-FFFFFh from reset() on; the board maps the rest of RAM and the ROM below 4 GiB.
  I440fx(core::PciBus& bus, core::GuestMemory& memory, std::span<u8> system_rom);

  std::string_view name() const override { return "i440fx"; }
  void reset() override;
  void archive(core::Archive& ar) override;

  core::PciFunction& pci() { return pci_; }

 private:
  static constexpr unsigned kRegions = 13;  // 12 of 16 KiB and one of 64 KiB

  void written(u8 offset, unsigned width);
  void update_pam(bool force);
  void update_smram();

  core::GuestMemory& memory_;
  std::span<u8> rom_;
  core::PciFunction pci_;
  std::array<u8, kRegions> mapped_{};  // the two PAM bits that the page map shows now
  bool smram_locked_ = false;          // D_LCK was set: SMRAM is read-only
  bool smram_enabled_ = false;         // G_SMRAME as it was locked
  bool smram_open_ = false;            // the page map shows RAM at A0000h
};

}  // namespace orrery::hw
