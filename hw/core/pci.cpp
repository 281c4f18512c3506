#include "hw/core/pci.h"

#include <bit>
#include <stdexcept>

namespace orrery::core {
namespace {

constexpr u32 kConfigEnable = 0x80000000;

u32 ones(unsigned width) { return width >= 4 ? 0xffffffff : (u32{1} << (8 * width)) - 1; }

}  // namespace

// --- one function ----------------------------------------------------------------------------------------------------

PciFunction::PciFunction(std::string name, const PciIdentity& identity) : name_(std::move(name)), identity_(identity) {
  define16(0x00, identity.vendor);
  define16(0x02, identity.device);
  define16(0x04, 0,
           kPciCommandIo | kPciCommandMemory | kPciCommandMaster |
               (identity.interrupt_pin != 0 ? kPciCommandIntxDisable : 0));
  define32(0x08, identity.class_code << 8 | identity.revision);
  define8(0x0e, identity.header_type);
  define16(0x2c, identity.subsystem_vendor);
  define16(0x2e, identity.subsystem);
  define8(0x3c, 0, identity.interrupt_pin != 0 ? 0xff : 0);
  define8(0x3d, identity.interrupt_pin);
}

PciFunction::~PciFunction() {
  if (bus_ != nullptr) bus_->detach(*this);
}

void PciFunction::define8(u8 offset, u8 reset_value, u8 writable, u8 write_one_clears) {
  reset_[offset] = config_[offset] = reset_value;
  writable_[offset] = writable;
  clears_[offset] = write_one_clears;
}

void PciFunction::define16(u8 offset, u16 reset_value, u16 writable, u16 write_one_clears) {
  for (unsigned i = 0; i < 2; ++i) {
    define8(static_cast<u8>(offset + i), static_cast<u8>(reset_value >> (8 * i)), static_cast<u8>(writable >> (8 * i)),
            static_cast<u8>(write_one_clears >> (8 * i)));
  }
}

void PciFunction::define32(u8 offset, u32 reset_value, u32 writable, u32 write_one_clears) {
  for (unsigned i = 0; i < 4; ++i) {
    define8(static_cast<u8>(offset + i), static_cast<u8>(reset_value >> (8 * i)), static_cast<u8>(writable >> (8 * i)),
            static_cast<u8>(write_one_clears >> (8 * i)));
  }
}

void PciFunction::add_io_bar(unsigned index, u32 size, Mapped mapped) {
  if (index > 5 || !std::has_single_bit(size) || size < 4) throw std::logic_error(name_ + ": bad I/O BAR");
  bars_[index] = Bar{.kind = BarKind::Io, .size = size, .mapped = std::move(mapped), .now = {}};
  define32(bar_offset(index), 1, ~(size - 1));
}

void PciFunction::add_memory_bar(unsigned index, u64 size, Mapped mapped, bool prefetchable, bool wide) {
  if (index > (wide ? 4u : 5u) || !std::has_single_bit(size) || size < 16 || (!wide && size > 0x80000000)) {
    throw std::logic_error(name_ + ": bad memory BAR");
  }
  bars_[index] =
      Bar{.kind = wide ? BarKind::Memory64 : BarKind::Memory32, .size = size, .mapped = std::move(mapped), .now = {}};
  const u64 mask = ~(size - 1);
  define32(bar_offset(index), (prefetchable ? 8u : 0u) | (wide ? 4u : 0u), static_cast<u32>(mask));
  if (wide) define32(bar_offset(index + 1), 0, static_cast<u32>(mask >> 32));
}

void PciFunction::add_rom_bar(u32 size, Mapped mapped) {
  if (!std::has_single_bit(size) || size < 2048) throw std::logic_error(name_ + ": bad ROM BAR");
  bars_[kRomBar] = Bar{.kind = BarKind::Rom, .size = size, .mapped = std::move(mapped), .now = {}};
  define32(0x30, 0, ~(size - 1) | 1);
}

PciFunction::Mapped PciFunction::follow(IoSpace::Mapping& mapping) {
  return [&mapping](u64 base, bool enabled) {
    if (!enabled) mapping.enable(false);
    if (enabled) mapping.move(base);
    if (enabled) mapping.enable(true);
  };
}

PciFunction::Range PciFunction::decode(unsigned index) const {
  const Bar& bar = bars_[index];
  const u16 command = get16(0x04);
  const u8 offset = bar_offset(index);
  Range range;
  u64 top = 0xffffffff;
  switch (bar.kind) {
    case BarKind::None: return {};
    case BarKind::Io:
      range.base = get32(offset) & ~u32{3};
      range.enabled = (command & kPciCommandIo) != 0;
      top = 0xffff;
      break;
    case BarKind::Rom:
      range.base = get32(offset) & ~u32{0x7ff};
      range.enabled = (command & kPciCommandMemory) != 0 && (get32(offset) & 1) != 0;
      break;
    case BarKind::Memory32:
      range.base = get32(offset) & ~u32{15};
      range.enabled = (command & kPciCommandMemory) != 0;
      break;
    case BarKind::Memory64:
      range.base = u64{get32(static_cast<u8>(offset + 4))} << 32 | (get32(offset) & ~u32{15});
      range.enabled = (command & kPciCommandMemory) != 0;
      top = 0xff'ffff'ffff;  // no PC of ours has more than 40 address bits
      break;
  }
  // Address 0 is what an unset BAR holds, and the very top what a BAR holds while it is being sized: neither answers.
  const u64 last = range.base + (bar.size - 1);
  if (range.base == 0 || last < range.base || last >= top + (bar.kind == BarKind::Io ? 1 : 0)) range.enabled = false;
  if (range.enabled && bar.kind != BarKind::Io && bus_ != nullptr && !bus_->reachable(range.base, bar.size)) {
    range.enabled = false;
  }
  if (!range.enabled) range.base = 0;
  return range;
}

void PciFunction::update_bars() {
  for (unsigned i = 0; i < bars_.size(); ++i) {
    Bar& bar = bars_[i];
    if (bar.kind == BarKind::None) continue;
    const Range range = decode(i);
    if (range == bar.now) continue;
    bar.now = range;
    if (bar.mapped) bar.mapped(range.base, range.enabled);
  }
}

void PciFunction::set_interrupt(bool level) {
  interrupt_ = level;
  const u16 status = get16(0x06);
  set16(0x06, level ? status | kPciStatusInterrupt : status & ~kPciStatusInterrupt);
  update_pin();
}

void PciFunction::update_pin() { intx_.set(interrupt_ && (get16(0x04) & kPciCommandIntxDisable) == 0); }

void PciFunction::reset() {
  config_ = reset_;
  interrupt_ = false;
  update_bars();
  update_pin();
}

void PciFunction::archive(Archive& ar) {
  ar("config", config_);
  ar("interrupt", interrupt_);
  if (ar.loading()) {
    update_bars();
    intx_.restore(interrupt_ && (get16(0x04) & kPciCommandIntxDisable) == 0);
  }
}

u32 PciFunction::config_read(u8 offset, unsigned width) const {
  u32 value = 0;
  for (unsigned i = 0; i < width; ++i) value |= u32{config_[static_cast<u8>(offset + i)]} << (8 * i);
  return value;
}

void PciFunction::config_write(u8 offset, unsigned width, u32 value) {
  for (unsigned i = 0; i < width; ++i) {
    const u8 at = static_cast<u8>(offset + i);
    const u8 byte = static_cast<u8>(value >> (8 * i));
    config_[at] = static_cast<u8>(((config_[at] & ~writable_[at]) | (byte & writable_[at])) & ~(byte & clears_[at]));
  }
  const unsigned end = offset + width;
  if ((offset < 0x06 && end > 0x04) || (offset < 0x28 && end > 0x10) || (offset < 0x34 && end > 0x30)) update_bars();
  if (offset < 0x06 && end > 0x04) update_pin();
  if (written_) written_(offset, width);
}

// --- the bus ---------------------------------------------------------------------------------------------------------

PciBus::PciBus(PortBus& ports, Log& log) : log_(log) {
  mapping_ = ports.map({.name = "pci-config",
                        .base = 0xcf8,
                        .size = 8,
                        .widths = {1, 4},
                        .read = [this](u64 offset, unsigned width) { return port_read(offset, width); },
                        .write = [this](u64 offset, unsigned width, u64 v) { port_write(offset, width, v); }});
}

PciBus::~PciBus() {
  for (PciFunction* f : functions_) {
    if (f != nullptr) f->bus_ = nullptr;
  }
}

void PciBus::attach(unsigned slot, unsigned function, PciFunction& what) {
  if (slot > 31 || function > 7 || functions_[slot * 8 + function] != nullptr || what.bus_ != nullptr) {
    throw std::logic_error(fmt::format("pci: {} cannot be put at {:02x}.{}", what.name(), slot, function));
  }
  functions_[slot * 8 + function] = &what;
  what.bus_ = this;
  if (what.identity().interrupt_pin != 0) {
    const unsigned n = (what.identity().interrupt_pin - 1 + slot + 3) & 3;
    what.intx().connect([this, n](bool) { update_pirq(n); });
    update_pirq(n);
  }
}

void PciBus::detach(PciFunction& what) {
  for (PciFunction*& f : functions_) {
    if (f == &what) f = nullptr;
  }
}

void PciBus::set_reset_control(std::function<u8()> read, std::function<void(u8)> write) {
  read_reset_ = std::move(read);
  write_reset_ = std::move(write);
}

void PciBus::update_pirq(unsigned n) {
  bool level = false;
  for (unsigned place = 0; place < functions_.size(); ++place) {
    PciFunction* f = functions_[place];
    if (f == nullptr || f->identity().interrupt_pin == 0) continue;
    if (((f->identity().interrupt_pin - 1 + place / 8 + 3) & 3) == n) level = level || f->intx().level();
  }
  pirq_[n].set(level);
}

std::vector<PciBus::Place> PciBus::functions() const {
  std::vector<Place> result;
  for (unsigned i = 0; i < functions_.size(); ++i) {
    if (functions_[i] != nullptr) result.push_back({i / 8, i % 8, functions_[i]});
  }
  return result;
}

PciFunction* PciBus::selected() const {
  // Bus 0 only: a type 1 cycle to any other bus ends in a master abort.
  return bits(address_, 23, 16) == 0 ? functions_[bits(address_, 15, 8)] : nullptr;
}

u64 PciBus::port_read(u64 offset, unsigned width) {
  if (offset < 4) {
    if (width == 4) return address_;
    if (offset == 1 && width == 1 && read_reset_) return read_reset_();
    return ones(width);
  }
  if ((address_ & kConfigEnable) == 0) return ones(width);
  const PciFunction* f = selected();
  if (f == nullptr) return ones(width);
  return f->config_read(static_cast<u8>((address_ & 0xfc) + (offset - 4)), width);
}

void PciBus::port_write(u64 offset, unsigned width, u64 value) {
  if (offset < 4) {
    if (width == 4) {
      address_ = static_cast<u32>(value) & 0x80fffffc;
    } else if (offset == 1 && width == 1 && write_reset_) {
      write_reset_(static_cast<u8>(value));
    }
    return;
  }
  if ((address_ & kConfigEnable) == 0) return;
  PciFunction* f = selected();
  if (f == nullptr) {
    log_.once(Channel::Unimp, "pci: configuration write to {:02x}:{:02x}.{}, where nothing is", bits(address_, 23, 16),
              bits(address_, 15, 11), bits(address_, 10, 8));
    return;
  }
  f->config_write(static_cast<u8>((address_ & 0xfc) + (offset - 4)), width, static_cast<u32>(value));
}

void PciBus::archive(Archive& ar) {
  ar.section("pci-bus", 1, [&](u32) {
    ar("address", address_);
    for (unsigned n = 0; n < 4; ++n) {
      bool level = pirq_[n].level();
      ar(fmt::format("pirq{}", n), level);
      if (ar.loading()) pirq_[n].restore(level);
    }
  });
}

}  // namespace orrery::core
