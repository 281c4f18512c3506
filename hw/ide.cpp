#include "hw/ide.h"

namespace orrery::hw {
namespace {

constexpr u8 kIdetim = 0x40;  // and 42h for the secondary channel
constexpr u8 kSidetim = 0x44;
constexpr u16 kDecodeEnable = 0x8000;

}  // namespace

IdeController::IdeController(core::PortBus& ports, core::GuestMemory& memory, core::Log& log, core::LevelLine& irq14,
                             core::LevelLine& irq15) {
  channels_[0] = std::make_unique<IdeChannel>(log, irq14, &memory, "primary");
  channels_[1] = std::make_unique<IdeChannel>(log, irq15, &memory, "secondary");
  map_channel(ports, 0, 0x1f0, 0x3f6);
  map_channel(ports, 1, 0x170, 0x376);
  bus_master_ = ports.map(
      {.name = "ide bus master",
       .base = 0,
       .size = 16,
       .widths = {},
       .movable = true,
       .read = [this](u64 offset, unsigned) -> u64 { return channels_[offset >> 3]->read_bus_master(offset & 7); },
       .write = [this](u64 offset, unsigned,
                       u64 value) { channels_[offset >> 3]->write_bus_master(offset & 7, static_cast<u8>(value)); }});
  bus_master_.enable(false);
  pci_ = std::make_unique<core::PciFunction>(
      "piix3-ide", core::PciIdentity{.vendor = 0x8086, .device = 0x7010, .class_code = 0x010180});
  pci_->add_io_bar(4, 16, core::PciFunction::follow(bus_master_));
  pci_->define16(0x06, 0x0280);  // fast back-to-back, medium DEVSEL# timing
  pci_->define16(kIdetim, 0x0000, 0xf3ff);
  pci_->define16(kIdetim + 2, 0x0000, 0xf3ff);
  pci_->define8(kSidetim, 0x00, 0xff);
  pci_->on_write([this](u8, unsigned) { update_decode(); });
  reset();
}

IdeController::IdeController(core::PortBus& ports, core::Log& log, core::LevelLine& irq14, core::LevelLine& irq15) {
  channels_[0] = std::make_unique<IdeChannel>(log, irq14, nullptr, "primary");
  channels_[1] = std::make_unique<IdeChannel>(log, irq15, nullptr, "secondary");
  map_channel(ports, 0, 0x1f0, 0x3f6);
  map_channel(ports, 1, 0x170, 0x376);
  reset();
}

void IdeController::map_channel(core::PortBus& ports, unsigned channel, u16 command_block, u16 control_block) {
  IdeChannel& c = *channels_[channel];
  const std::string name = channel == 0 ? "ide0" : "ide1";
  command_blocks_[channel] = ports.map(
      {.name = name,
       .base = command_block,
       .size = 8,
       .widths = {.min = 1, .max = 4},
       .movable = false,
       .read = [this, &c](u64 offset, unsigned width) { return read_command_block(c, offset, width); },
       .write = [this, &c](u64 offset, unsigned width, u64 value) { write_command_block(c, offset, width, value); }});
  control_blocks_[channel] =
      ports.map({.name = name + " control",
                 .base = control_block,
                 .size = 1,
                 .widths = {},
                 .movable = false,
                 .read = [&c](u64, unsigned) -> u64 { return c.alternate_status(); },
                 .write = [&c](u64, unsigned, u64 value) { c.write_control(static_cast<u8>(value)); }});
}

u64 IdeController::read_command_block(IdeChannel& channel, u64 offset, unsigned width) {
  if (offset == 0) return channel.read_data(width);
  u64 value = 0;
  for (unsigned i = 0; i < width; ++i) value |= u64{channel.read(static_cast<unsigned>(offset + i))} << (8 * i);
  return value;
}

void IdeController::write_command_block(IdeChannel& channel, u64 offset, unsigned width, u64 value) {
  if (offset == 0) return channel.write_data(width, static_cast<u32>(value));
  for (unsigned i = 0; i < width; ++i) {
    channel.write(static_cast<unsigned>(offset + i), static_cast<u8>(value >> (8 * i)));
  }
}

void IdeController::update_decode() {
  if (!pci_) return;
  const bool io = (pci_->get16(0x04) & core::kPciCommandIo) != 0;
  for (unsigned i = 0; i < 2; ++i) {
    const bool on = io && (pci_->get16(static_cast<u8>(kIdetim + 2 * i)) & kDecodeEnable) != 0;
    command_blocks_[i].enable(on);
    control_blocks_[i].enable(on);
    channels_[i]->set_master_enabled(pci_->bus_master());
  }
}

void IdeController::reset() {
  if (pci_) pci_->reset();
  update_decode();
  for (auto& channel : channels_) channel->reset();
}

void IdeController::archive(core::Archive& ar) {
  ar.section(name(), 1, [&](u32) {
    if (pci_) ar("pci", *pci_);
    for (auto& channel : channels_) channel->archive(ar);
    if (ar.loading()) update_decode();
  });
}

}  // namespace orrery::hw
