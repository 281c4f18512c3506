// The IDE controller: two channels at the ports of the AT (1F0-1F7 and 3F6, interrupt 14; 170-177 and 376, interrupt
// 15), and, on a PCI machine, the IDE function of the PIIX3 (82371SB data sheet, sections 2.3 and 2.4; 8086:7010) with
// its timing registers and the bus master in BAR 4.
//
// A channel of the PCI function answers while I/O is enabled in the command register and IDE decode in its timing
// register, as in the metal; firmware enables both. Without PCI the channels always answer and there is no DMA.
#pragma once

#include <array>
#include <memory>
#include <optional>

#include "hw/ata_drive.h"
#include "hw/core/bus.h"
#include "hw/core/device.h"
#include "hw/core/line.h"
#include "hw/core/log.h"
#include "hw/core/memory.h"
#include "hw/core/pci.h"
#include "hw/ide_channel.h"

namespace orrery::hw {

class IdeController final : public core::Device {
 public:
  /// The PCI function; the board adds pci() to its bus as function 1 of the PIIX3.
  IdeController(core::PortBus& ports, core::GuestMemory& memory, core::Log& log, core::LevelLine& irq14,
                core::LevelLine& irq15);
  /// An ISA controller.
  IdeController(core::PortBus& ports, core::Log& log, core::LevelLine& irq14, core::LevelLine& irq15);

  /// Plugs a drive in, before the machine runs: channel 0 or 1, device 0 (master) or 1 (slave).
  void attach(unsigned channel, unsigned device, std::unique_ptr<AtaDrive> drive) {
    channels_[channel]->attach(device, std::move(drive));
  }
  AtaDrive* drive(unsigned channel, unsigned device) const { return channels_[channel]->drive(device); }
  /// Only on a PCI machine.
  core::PciFunction& pci() { return *pci_; }
  /// A drive is at work: the light.
  bool active() const { return channels_[0]->active() || channels_[1]->active(); }

  std::string_view name() const override { return "ide"; }
  void reset() override;
  void archive(core::Archive& ar) override;

 private:
  void map_channel(core::PortBus& ports, unsigned channel, u16 command_block, u16 control_block);
  u64 read_command_block(IdeChannel& channel, u64 offset, unsigned width);
  void write_command_block(IdeChannel& channel, u64 offset, unsigned width, u64 value);
  void update_decode();

  std::array<std::unique_ptr<IdeChannel>, 2> channels_;
  std::array<core::IoSpace::Mapping, 2> command_blocks_;
  std::array<core::IoSpace::Mapping, 2> control_blocks_;
  core::IoSpace::Mapping bus_master_;
  std::unique_ptr<core::PciFunction> pci_;  // after the mappings that its BARs move
};

}  // namespace orrery::hw
