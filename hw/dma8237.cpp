#include "hw/dma8237.h"

namespace orrery::hw {
namespace {

using core::bit;

// Command register
constexpr u8 kMemoryToMemory = 0x01, kHoldAddress0 = 0x02, kDreqActiveLow = 0x40;
// Mode register
constexpr u8 kAutoinitialize = 0x10, kDecrement = 0x20;

constexpr u32 kMostUnits = 0x10000;

/// Which of the registers at 80h-8Fh is the page of channel n.
constexpr std::array<u8, 8> kPageOf{7, 3, 1, 2, 15, 11, 9, 10};

}  // namespace

u64 DmaPair::Channel::address() const {
  const u64 page = pair->pages_[kPageOf[number]];
  return number < 4 ? page << 16 | current_address : (page & 0xfe) << 16 | u64{current_address} << 1;
}

bool DmaPair::Channel::ready(bool to_memory) const {
  const Controller& own = pair->controllers_[number / 4];
  const Controller& second = pair->controllers_[1];
  if (number == 4 || cascade() || !own.enabled() || bit(own.mask, number & 3)) return false;
  // The first controller reaches the processor only through channel 4.
  if (number < 4 && (!second.enabled() || bit(second.mask, 0))) return false;
  return type() == Type::Verify || type() == (to_memory ? Type::Write : Type::Read);
}

bool DmaPair::Channel::to_memory(u16 unit) {
  if (type() == Type::Write) store(unit);
  return step();
}

bool DmaPair::Channel::from_memory(u16& unit) {
  unit = type() == Type::Read ? fetch() : u16{0xffff};
  return step();
}

void DmaPair::Channel::store(u16 unit) {
  std::array<u8, 2> bytes{};
  core::store_le<u16>(bytes.data(), unit);
  pair->memory_.write_block(address(), std::span<const u8>(bytes).first(number < 4 ? 1 : 2));
}

u16 DmaPair::Channel::fetch() {
  std::array<u8, 2> bytes{};
  pair->memory_.read_block(address(), std::span<u8>(bytes).first(number < 4 ? 1 : 2));
  return core::load_le<u16>(bytes.data());
}

bool DmaPair::Channel::step() {
  if (!hold_address)
    current_address = static_cast<u16>((mode & kDecrement) != 0 ? current_address - 1 : current_address + 1);
  if (current_count-- != 0) return false;
  Controller& own = pair->controllers_[number / 4];
  const u8 mask = static_cast<u8>(1 << (number & 3));
  own.terminal_counts |= mask;
  own.requests &= static_cast<u8>(~mask);
  if ((mode & kAutoinitialize) != 0) {
    current_address = base_address;
    current_count = base_count;
  } else {
    own.mask |= mask;
  }
  return true;
}

void DmaPair::Channel::archive(core::Archive& ar) {
  ar("drq", drq);
  ar("mode", mode);
  ar("base_address", base_address);
  ar("base_count", base_count);
  ar("current_address", current_address);
  ar("current_count", current_count);
}

void DmaPair::Controller::archive(core::Archive& ar) {
  ar("command", command);
  ar("terminal_counts", terminal_counts);
  ar("requests", requests);
  ar("mask", mask);
  ar("temporary", temporary);
  ar("high_byte", high_byte);
}

DmaPair::DmaPair(core::PortBus& ports, core::GuestMemory& memory, core::Log& log) : memory_(memory), log_(log) {
  for (unsigned n = 0; n < channels_.size(); ++n) {
    channels_[n].pair = this;
    channels_[n].number = n;
  }
  const auto chip = [this](std::string title, u64 base, u64 size, unsigned controller) {
    const unsigned shift = controller;  // the second one's registers lie at every second port
    return core::IoRange{.name = std::move(title),
                         .base = base,
                         .size = size,
                         .widths = {},
                         .movable = false,
                         .read = [this, controller, shift](u64 offset, unsigned) -> u64 {
                           return read(controller, static_cast<unsigned>(offset >> shift));
                         },
                         .write =
                             [this, controller, shift](u64 offset, unsigned, u64 value) {
                               write(controller, static_cast<unsigned>(offset >> shift), static_cast<u8>(value));
                             }};
  };
  mappings_[0] = ports.map(chip("dma1", 0x00, 16, 0));
  mappings_[1] = ports.map(chip("dma2", 0xc0, 32, 1));
  mappings_[2] =
      ports.map({.name = "dma-page",
                 .base = 0x80,
                 .size = 16,
                 .widths = {},
                 .movable = false,
                 .read = [this](u64 offset, unsigned) -> u64 { return pages_[offset]; },
                 .write = [this](u64 offset, unsigned, u64 value) { pages_[offset] = static_cast<u8>(value); }});
}

void DmaPair::reset() {
  for (unsigned n = 0; n < channels_.size(); ++n) {
    Channel& channel = channels_[n];
    channel.mode = 0;
    channel.base_address = channel.base_count = channel.current_address = channel.current_count = 0;
  }
  master_clear(0);
  master_clear(1);
  pages_.fill(0);
}

void DmaPair::archive(core::Archive& ar) {
  ar.section(name(), 1, [&](u32) {
    ar("channels", channels_);
    ar("controllers", controllers_);
    ar("pages", pages_);
  });
}

void DmaPair::master_clear(unsigned controller) { controllers_[controller] = Controller{}; }

u8 DmaPair::status(unsigned controller) const {
  const Controller& own = controllers_[controller];
  u8 requests = own.requests;
  for (unsigned n = 0; n < 4; ++n) {
    if (channels_[controller * 4 + n].drq != ((own.command & kDreqActiveLow) != 0)) requests |= static_cast<u8>(1 << n);
  }
  return static_cast<u8>(requests << 4 | own.terminal_counts);
}

u8 DmaPair::read(unsigned controller, unsigned reg) {
  Controller& own = controllers_[controller];
  if (reg < 8) {
    const Channel& channel = channels_[controller * 4 + reg / 2];
    const u16 value = (reg & 1) != 0 ? channel.current_count : channel.current_address;
    own.high_byte = !own.high_byte;
    return static_cast<u8>(own.high_byte ? value : value >> 8);
  }
  switch (reg) {
    case 0x8: {
      const u8 value = status(controller);
      own.terminal_counts = 0;
      return value;
    }
    case 0xd: return own.temporary;
    case 0xf: return own.mask | 0xf0;
    default:
      log_.once(core::Channel::GuestErrors, "dma: controller {} register {:x} cannot be read", controller + 1, reg);
      return 0xff;
  }
}

void DmaPair::write_base(Channel& channel, bool count, bool high, u8 value) {
  u16& base = count ? channel.base_count : channel.base_address;
  u16& current = count ? channel.current_count : channel.current_address;
  base = static_cast<u16>(high ? (base & 0x00ff) | value << 8 : (base & 0xff00) | value);
  current = static_cast<u16>(high ? (current & 0x00ff) | value << 8 : (current & 0xff00) | value);
}

void DmaPair::write(unsigned controller, unsigned reg, u8 value) {
  Controller& own = controllers_[controller];
  const u8 mask = static_cast<u8>(1 << (value & 3));
  switch (reg) {
    case 0x8:
      own.command = value;
      run_software_requests(controller);
      break;
    case 0x9:
      own.requests = static_cast<u8>(bit(value, 2) ? own.requests | mask : own.requests & ~mask);
      run_software_requests(controller);
      break;
    case 0xa: own.mask = static_cast<u8>(bit(value, 2) ? own.mask | mask : own.mask & ~mask); break;
    case 0xb: channels_[controller * 4 + (value & 3)].mode = value & 0xfc; break;
    case 0xc: own.high_byte = false; break;
    case 0xd: master_clear(controller); break;
    case 0xe: own.mask = 0; break;
    case 0xf: own.mask = value & 0x0f; break;
    default:
      write_base(channels_[controller * 4 + reg / 2], (reg & 1) != 0, own.high_byte, value);
      own.high_byte = !own.high_byte;
      break;
  }
}

/// Requests of software are not maskable. No device takes part: a write transfer stores what a bus without a driver
/// shows, a read transfer goes nowhere.
void DmaPair::run_software_requests(unsigned controller) {
  Controller& own = controllers_[controller];
  if (!own.enabled()) return;
  if (controller == 0 && (own.command & kMemoryToMemory) != 0 && bit(own.requests, 0)) memory_to_memory();
  for (unsigned n = 0; n < 4; ++n) {
    Channel& channel = channels_[controller * 4 + n];
    if (!bit(own.requests, n) || channel.cascade() || channel.number == 4) continue;
    for (u32 units = 0; units < kMostUnits; ++units) {
      if (channel.type() == Type::Write) channel.store(0xffff);
      if (channel.step()) break;
    }
  }
}

/// "Memory-to-Memory": channel 0 reads, channel 1 writes and counts.
void DmaPair::memory_to_memory() {
  Controller& own = controllers_[0];
  Channel& source = channels_[0];
  Channel& target = channels_[1];
  source.hold_address = (own.command & kHoldAddress0) != 0;
  for (u32 units = 0; units < kMostUnits; ++units) {
    own.temporary = static_cast<u8>(source.fetch());
    target.store(own.temporary);
    source.step();
    if (target.step()) break;
  }
  source.hold_address = false;
  own.requests &= 0xfe;
}

}  // namespace orrery::hw
