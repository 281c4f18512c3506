#include "hw/parallel.h"

namespace orrery::hw {
namespace {

constexpr u64 kBusyNs = 10'000;
constexpr u64 kAcknowledgeNs = 5'000;

// Status: signals as the computer reads them; BUSY is inverted.
constexpr u8 kNotError = 0x08;
constexpr u8 kSelected = 0x10;
constexpr u8 kNotAcknowledge = 0x40;
constexpr u8 kNotBusy = 0x80;
constexpr u8 kUnusedStatus = 0x07;

// Control.
constexpr u8 kStrobe = 0x01;
constexpr u8 kNotInit = 0x04;
constexpr u8 kIrqEnable = 0x10;
constexpr u8 kInput = 0x20;
constexpr u8 kUnusedControl = 0xc0;

}  // namespace

ParallelPort::ParallelPort(Wiring wiring)
    : w_(std::move(wiring)), acknowledge_event_(w_.clock, w_.name + ".acknowledge", [this] {
        if ((control_ & kIrqEnable) != 0) w_.irq.raise();
      }) {
  mapping_ =
      w_.ports.map({.name = w_.name,
                    .base = w_.base,
                    .size = 3,
                    .widths = {1, 1},
                    .read = [this](u64 offset, unsigned) { return read(offset); },
                    .write = [this](u64 offset, unsigned, u64 value) { write(offset, static_cast<u8>(value)); }});
}

void ParallelPort::reset() {
  data_ = 0;
  control_ = 0;
  busy_until_ = 0;
  acknowledge_event_.cancel();
  w_.irq.lower();
}

u8 ParallelPort::read(u64 offset) {
  const u64 now = w_.clock.now();
  switch (offset) {
    case 0: return (control_ & kInput) != 0 ? 0xff : data_;
    case 1: {
      w_.irq.lower();  // the interrupt was seen
      u8 value = kUnusedStatus | kNotError | kSelected;
      if (now >= busy_until_) {
        value |= kNotAcknowledge | kNotBusy;
      } else if (busy_until_ - now > kAcknowledgeNs) {
        value |= kNotAcknowledge;
      }
      return value;
    }
    default: return control_ | kUnusedControl;
  }
}

void ParallelPort::write(u64 offset, u8 value) {
  if (offset == 0) {
    data_ = value;
    w_.irq.lower();
  } else if (offset == 2) {
    const bool strobe = (value & ~control_ & kStrobe) != 0;
    control_ = value & 0x3f;
    if ((control_ & kIrqEnable) == 0) w_.irq.lower();
    if (strobe && (control_ & kNotInit) != 0) {
      if (w_.backend != nullptr) w_.backend->transmit(data_);
      busy_until_ = w_.clock.now() + kBusyNs;
      acknowledge_event_.at(busy_until_);
    }
  }
}

void ParallelPort::archive(core::Archive& ar) {
  ar.section(name(), 1, [&](u32) {
    ar("data", data_);
    ar("control", control_);
    ar("busy_until", busy_until_);
    ar("acknowledge_event", acknowledge_event_);
    bool irq = w_.irq.level();
    ar("irq", irq);
    if (ar.loading()) w_.irq.restore(irq);
  });
}

}  // namespace orrery::hw
