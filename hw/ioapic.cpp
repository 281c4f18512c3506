#include "hw/ioapic.h"

namespace orrery::hw {

using core::ApicDelivery;
using core::ApicMessage;

namespace {

enum Register : u8 { kId = 0x00, kVersion = 0x01, kArbitration = 0x02, kRedirection = 0x10 };
constexpr u32 kVersionValue = 0x00170011;      // the highest entry is 23, version 11h
constexpr u64 kWritable = 0xff0000000001afff;  // all but DELIVS and remote IRR

}  // namespace

IoApic::IoApic(core::IoSpace& memory, core::Log& log, core::ApicBus& bus) : log_(log), bus_(bus) {
  bus.on_end_of_interrupt([this](u8 vector) { end_of_interrupt(vector); });
  mapping_ = memory.map({.name = "ioapic",
                         .base = kDefaultBase,
                         .size = 0x1000,
                         .widths = {4, 4},
                         .movable = false,
                         .read = [this](u64 offset, unsigned) { return read(offset); },
                         .write = [this](u64 offset, unsigned, u64 value) { write(offset, static_cast<u32>(value)); }});
}

void IoApic::reset() {
  select_ = 0;
  id_ = 0;
  entries_.fill(kMasked);
}

void IoApic::archive(core::Archive& ar) {
  ar.section(name(), 1, [&](u32) {
    ar("select", select_);
    ar("id", id_);
    ar("entries", entries_);
    ar("inputs", inputs_);
  });
}

void IoApic::set_input(unsigned n, bool level) {
  if (n >= kInputs || inputs_[n] == level) return;
  inputs_[n] = level;
  if (!level) return;
  if ((entries_[n] & kLevel) != 0) {
    service(n);
  } else if ((entries_[n] & kMasked) == 0) {  // an edge on a masked input is lost (section 3.2.4)
    send(n);
  }
}

void IoApic::service(unsigned n) {
  if (!inputs_[n] || (entries_[n] & (kMasked | kRemoteIrr | kLevel)) != kLevel) return;
  if (send(n)) entries_[n] |= kRemoteIrr;
}

bool IoApic::send(unsigned n) {
  const u64 entry = entries_[n];
  ApicMessage message;
  message.vector = static_cast<u8>(entry);
  message.delivery = static_cast<ApicDelivery>((entry >> 8) & 7);
  message.logical = core::bit(entry, 11);
  message.destination = static_cast<u8>(entry >> 56);
  message.level_triggered = (entry & kLevel) != 0;
  if (message.delivery == ApicDelivery::Reserved || message.delivery == ApicDelivery::StartUp) {
    log_.once(core::Channel::GuestErrors, "ioapic: input {} with delivery mode {}", n,
              static_cast<int>(message.delivery));
    return false;
  }
  // Everything but fixed and lowest-priority interrupts is an edge and has no end.
  const bool ends = message.delivery == ApicDelivery::Fixed || message.delivery == ApicDelivery::LowestPriority;
  message.level_triggered = message.level_triggered && ends;
  log_(core::Channel::Irq, "ioapic: input {} sends vector {:02x} to {:02x}", n, message.vector, message.destination);
  return bus_.send(message) && ends;
}

void IoApic::end_of_interrupt(u8 vector) {
  for (unsigned n = 0; n < kInputs; ++n) {
    if (static_cast<u8>(entries_[n]) != vector || (entries_[n] & kRemoteIrr) == 0) continue;
    entries_[n] &= ~kRemoteIrr;
    service(n);
  }
}

u64 IoApic::read(u64 offset) const {
  switch (offset) {
    case 0x00: return select_;
    case 0x10: return read_register();
    default: return 0;
  }
}

void IoApic::write(u64 offset, u32 value) {
  if (offset == 0x00) {
    select_ = static_cast<u8>(value);
  } else if (offset == 0x10) {
    write_register(value);
  }
}

u32 IoApic::read_register() const {
  switch (select_) {
    case kId:
    case kArbitration: return id_;
    case kVersion: return kVersionValue;
    default: break;
  }
  const unsigned n = (select_ - kRedirection) / 2u;
  if (select_ < kRedirection || n >= kInputs) return 0;
  return static_cast<u32>(entries_[n] >> (select_ % 2 * 32));
}

void IoApic::write_register(u32 value) {
  if (select_ == kId) {
    id_ = value & 0x0f000000;
    return;
  }
  const unsigned n = (select_ - kRedirection) / 2u;
  if (select_ < kRedirection || n >= kInputs) return;
  u64& entry = entries_[n];
  const unsigned shift = select_ % 2 * 32;
  const u64 writable = kWritable & u64{0xffffffff} << shift;
  entry = (entry & ~writable) | (u64{value} << shift & writable);
  // An entry that becomes edge-triggered forgets a level-triggered interrupt in progress.
  if ((entry & kLevel) == 0) entry &= ~kRemoteIrr;
  service(n);
}

std::string IoApic::info() const {
  static constexpr std::array<const char*, 8> kModes{"fixed", "lowest", "SMI", "?", "NMI", "INIT", "?", "ExtINT"};
  std::string out = fmt::format("ioapic: id {:02x}, select {:02x}\n", id_ >> 24, select_);
  for (unsigned n = 0; n < kInputs; ++n) {
    const u64 e = entries_[n];
    if ((e & kMasked) != 0 && !inputs_[n]) continue;
    out += fmt::format("  input {:2} {:016x} vector {:02x} {} {} to {} {:02x}{}{}{}\n", n, e, e & 0xff,
                       kModes[e >> 8 & 7], (e & kLevel) != 0 ? "level" : "edge",
                       (e >> 11 & 1) != 0 ? "logical" : "physical", e >> 56, (e & kMasked) != 0 ? " masked" : "",
                       (e & kRemoteIrr) != 0 ? " remote-irr" : "", inputs_[n] ? " asserted" : "");
  }
  return out;
}

}  // namespace orrery::hw
