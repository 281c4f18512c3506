#include "hw/pit.h"

#include <algorithm>

namespace orrery::hw {
namespace {

u32 from_bcd(u16 v) { return (v & 15u) + ((v >> 4) & 15u) * 10 + ((v >> 8) & 15u) * 100 + ((v >> 12) & 15u) * 1000; }

u16 to_bcd(u32 v) {
  return static_cast<u16>(v % 10 | (v / 10 % 10) << 4 | (v / 100 % 10) << 8 | (v / 1000 % 10) << 12);
}

}  // namespace

void PitCounter::reset() {
  const bool gate = gate_;
  *this = PitCounter{};
  gate_ = gate;
}

void PitCounter::archive(core::Archive& ar) {
  ar("mode", mode_);
  ar("access", access_);
  ar("bcd", bcd_);
  ar("gate", gate_);
  ar("count_register", count_register_);
  ar("have_count", have_count_);
  ar("low_byte", low_byte_);
  ar("high_next_write", high_next_write_);
  ar("high_next_read", high_next_read_);
  ar("null_count", null_count_);
  ar("count_latched", count_latched_);
  ar("latched_count", latched_count_);
  ar("status_latched", status_latched_);
  ar("latched_status", latched_status_);
  ar("loaded", loaded_);
  ar("running", running_);
  ar("base", base_);
  ar("start", start_);
  ar("period", period_);
  ar("base_high", base_high_);
  ar("expires", expires_);
  ar("waiting", waiting_);
  ar("load_at", load_at_);
  ar("load_high", load_high_);
  if (!ar.loading()) return;
  mode_ = std::min<u8>(mode_, 5);
  period_ = std::max<u32>(period_, 1);
  constexpr u64 kLatest = u64{1} << 53;  // a damaged archive must not give a time that cannot be told in nanoseconds
  if (expires_ > kLatest) expires_ = kNever;
  if (load_at_ > kLatest) load_at_ = kNever;
}

u32 PitCounter::initial_count() const {
  const u32 count = bcd_ ? from_bcd(count_register_) : count_register_;
  return count == 0 ? modulus() : count;
}

/// The counting element goes on in state up to pulse `now`: a load that is due takes place.
void PitCounter::settle(u64 now) {
  if (load_at_ > now) return;
  load(load_at_);
}

void PitCounter::load(u64 at) {
  load_at_ = kNever;
  null_count_ = false;
  loaded_ = true;
  base_ = at;
  start_ = initial_count();
  period_ = start_;
  base_high_ = load_high_;
  switch (mode_) {
    case 0:
    case 4:
      running_ = gate_;
      waiting_ = true;
      expires_ = running_ ? at + start_ : kNever;
      break;
    case 1:
    case 5:
      running_ = true;
      expires_ = at + start_;
      break;
    default: running_ = gate_; break;
  }
}

/// GATE, or the first byte of a count in mode 0, stops the element at its present value.
void PitCounter::freeze(u64 now) {
  if (!counts()) return;
  const u32 value = element(now);
  waiting_ = waiting_ && expires_ > now;
  if (expires_ > now) expires_ = kNever;
  start_ = value;
  base_ = now;
  running_ = false;
}

void PitCounter::resume(u64 now) {
  if (!loaded_ || running_) return;
  base_ = now;
  running_ = true;
  if (waiting_) expires_ = now + start_;
}

void PitCounter::set_gate(u64 now, bool level) {
  settle(now);
  if (level == gate_) return;
  switch (mode_) {
    case 0:
    case 4:
      gate_ = level;
      if (level) {
        resume(now);
      } else {
        freeze(now);
      }
      break;
    case 1:
    case 5:  // a rising edge triggers
      gate_ = level;
      if (level && have_count_) load_at_ = now + 1;
      break;
    default:  // low: OUT goes high at once and counting stops; a rising edge triggers
      if (!level) freeze(now);
      gate_ = level;
      if (level && have_count_) {
        load_at_ = now + 1;
        load_high_ = true;
      } else if (!level && loaded_) {
        load_at_ = kNever;
      }
      break;
  }
}

void PitCounter::write_control(u64 now, u8 value) {
  settle(now);
  if (counts()) freeze(now);
  access_ = (value >> 4) & 3;
  mode_ = (value >> 1) & 7;
  if (mode_ > 5) mode_ &= 3;  // X10 and X11: bit M2 does not matter in modes 2 and 3
  bcd_ = (value & 1) != 0;
  have_count_ = false;
  high_next_write_ = high_next_read_ = false;
  count_latched_ = status_latched_ = false;
  null_count_ = true;
  loaded_ = running_ = waiting_ = false;
  expires_ = kNever;
  load_at_ = kNever;
  load_high_ = true;
}

void PitCounter::write(u64 now, u8 value) {
  settle(now);
  switch (access_) {
    case 1: count_register_ = value; break;
    case 2: count_register_ = static_cast<u16>(value << 8); break;
    default:
      if (!high_next_write_) {
        low_byte_ = value;
        high_next_write_ = true;
        if (mode_ == 0) {  // the first byte stops counting and takes OUT low
          freeze(now);
          loaded_ = false;
          waiting_ = false;
          expires_ = kNever;
          load_at_ = kNever;
        }
        return;
      }
      high_next_write_ = false;
      count_register_ = static_cast<u16>(low_byte_ | value << 8);
      break;
  }
  count_written(now);
}

void PitCounter::count_written(u64 now) {
  const bool first = !have_count_;
  have_count_ = true;
  null_count_ = true;
  switch (mode_) {
    case 0:
      expires_ = kNever;  // OUT is low until the new count has passed
      waiting_ = false;
      load_at_ = now + 1;
      break;
    case 4: load_at_ = now + 1; break;
    case 2:
    case 3:
      if (first) {
        load_at_ = now + 1;
        load_high_ = true;
      } else if (counts() && load_at_ == kNever) {
        load_at_ = next_boundary(now);
        load_high_ = mode_ == 2 || !out_level(now);
      }
      break;
    default:  // modes 1 and 5 wait for a trigger
      break;
  }
}

/// Modes 2 and 3 while counting: the pulse after `now` that ends the present cycle (mode 2) or half cycle (mode 3).
u64 PitCounter::next_boundary(u64 now) const {
  const u64 k = (now - base_) % period_;
  const u64 cycle = now - k;
  if (mode_ == 2) return cycle + period_;
  const u64 high = (period_ + 1) / 2;
  const u64 first_half = base_high_ ? high : period_ - high;
  return k < first_half ? cycle + first_half : cycle + period_;
}

/// The counting element at `now`, 0 to modulus.
u32 PitCounter::element(u64 now) const {
  if (!counts()) return start_;
  const u64 passed = now - base_;
  if (mode_ == 2) return static_cast<u32>(period_ - passed % period_);
  if (mode_ == 3) {
    u64 k = passed % period_;
    const u64 high = (period_ + 1) / 2;
    const u64 first_half = base_high_ ? high : period_ - high;
    if (k >= first_half) k -= first_half;
    return static_cast<u32>((period_ & ~u32{1}) - 2 * k);
  }
  const u64 down = passed % modulus();
  return static_cast<u32>(start_ >= down ? start_ - down : start_ + modulus() - down);
}

/// What a read finds. A cycle on the ISA bus lasts longer than a clock pulse, so software never reads a counter back
/// before the count that it has just written is in the element (Linux calibrates its TSC by that).
u16 PitCounter::value(u64 now) const {
  if (load_at_ == now + 1 && !counts()) return mode_ == 3 ? count_register_ & 0xfffe : count_register_;
  const u32 count = element(now) % modulus();
  return bcd_ ? to_bcd(count) : static_cast<u16>(count);
}

bool PitCounter::out_level(u64 now) const {
  switch (mode_) {
    case 0: return expires_ <= now;
    case 1: return !loaded_ || expires_ <= now;
    case 2: return !gate_ || !counts() || period_ == 1 || element(now) != 1;
    case 3: {
      if (!gate_ || !counts()) return true;
      const u64 k = (now - base_) % period_;
      const u64 high = (period_ + 1) / 2;
      return base_high_ ? k < high : k >= period_ - high;
    }
    default: return expires_ != now;
  }
}

bool PitCounter::out(u64 now) {
  settle(now);
  return out_level(now);
}

u64 PitCounter::next_change(u64 now) {
  settle(now);
  u64 next = load_at_;
  if (periodic()) {
    if (gate_ && counts() && period_ > 1) {
      if (mode_ == 3) {
        next = std::min(next, next_boundary(now));
      } else {
        const u64 end = next_boundary(now);
        next = std::min(next, end - 1 > now ? end - 1 : end);
      }
    }
    return next;
  }
  if (expires_ != kNever) {
    if (expires_ > now) {
      next = std::min(next, expires_);
    } else if (mode_ >= 4 && expires_ == now) {
      next = std::min(next, now + 1);
    }
  }
  return next;
}

void PitCounter::latch_count(u64 now) {
  settle(now);
  if (count_latched_) return;
  count_latched_ = true;
  latched_count_ = value(now);
}

void PitCounter::latch_status(u64 now) {
  settle(now);
  if (status_latched_) return;
  status_latched_ = true;
  latched_status_ = static_cast<u8>((out_level(now) ? 0x80 : 0) | (null_count_ ? 0x40 : 0) | access_ << 4 | mode_ << 1 |
                                    (bcd_ ? 1 : 0));
}

u8 PitCounter::read(u64 now) {
  settle(now);
  if (status_latched_) {
    status_latched_ = false;
    return latched_status_;
  }
  const u16 count = count_latched_ ? latched_count_ : value(now);
  const u8 low = static_cast<u8>(count);
  const u8 high = static_cast<u8>(count >> 8);
  if (access_ != 3) {
    count_latched_ = false;
    return access_ == 2 ? high : low;
  }
  high_next_read_ = !high_next_read_;
  if (high_next_read_) return low;
  count_latched_ = false;
  return high;
}

Pit::Pit(core::PortBus& ports, core::Clock& clock, core::Log& log)
    : clock_(clock),
      log_(log),
      edge0_(clock, "edge0", [this] { update(0); }),
      edge2_(clock, "edge2", [this] { update(2); }) {
  gates_[0].restore(true);
  gates_[1].restore(true);
  gates_[2].restore(true);
  for (unsigned n = 0; n < 3; ++n) {
    gates_[n].connect([this, n](bool level) {
      counters_[n].set_gate(pulses(), level);
      update(n);
    });
  }
  mapping_ = ports.map(
      {.name = "pit",
       .base = 0x40,
       .size = 4,
       .widths = {},
       .movable = false,
       .read = [this](u64 offset, unsigned) -> u64 { return offset == 3 ? 0xff : counters_[offset].read(pulses()); },
       .write =
           [this](u64 offset, unsigned, u64 value) {
             if (offset == 3) {
               write_control(static_cast<u8>(value));
             } else {
               counters_[offset].write(pulses(), static_cast<u8>(value));
               update(static_cast<unsigned>(offset));
             }
           }});
}

u64 Pit::pulses() const {
  return static_cast<u64>(static_cast<unsigned __int128>(clock_.now()) * kHz / core::kNsPerSecond);
}

u64 Pit::pulse_ns(u64 pulse) {
  return static_cast<u64>((static_cast<unsigned __int128>(pulse) * core::kNsPerSecond + kHz - 1) / kHz);
}

void Pit::reset() {
  for (unsigned n = 0; n < 3; ++n) {
    counters_[n].reset();
    update(n);
  }
}

void Pit::archive(core::Archive& ar) {
  ar.section(name(), 1, [&](u32) {
    ar("counters", counters_);
    edge0_.archive(ar);
    edge2_.archive(ar);
    for (unsigned n : {0u, 2u}) {
      bool level = outs_[n].level();
      ar(n == 0 ? "out0" : "out2", level);
      if (ar.loading()) outs_[n].restore(level);
    }
  });
  if (!ar.loading()) return;
  for (unsigned n = 0; n < 3; ++n) gates_[n].restore(counters_[n].gate());
}

void Pit::write_control(u8 value) {
  const u64 now = pulses();
  const unsigned select = value >> 6;
  if (select == 3) {  // read-back command: COUNT# and STATUS# are active low
    for (unsigned n = 0; n < 3; ++n) {
      if (!core::bit(value, n + 1)) continue;
      if (!core::bit(value, 5)) counters_[n].latch_count(now);
      if (!core::bit(value, 4)) counters_[n].latch_status(now);
    }
    return;
  }
  if ((value & 0x30) == 0) {
    counters_[select].latch_count(now);
    return;
  }
  log_(core::Channel::Irq, "pit: counter {} control word {:02x}", select, value);
  counters_[select].write_control(now, value);
  update(select);
}

void Pit::update(unsigned n) {
  if (n == 1) return;
  const u64 now = pulses();
  // The next edge is set before the line tells anybody: a listener may come back with a gate change.
  core::Event& event = n == 0 ? edge0_ : edge2_;
  const u64 next = counters_[n].next_change(now);
  if (next == PitCounter::kNever) {
    event.cancel();
  } else if (!event.pending() || event.when() != pulse_ns(next)) {
    event.at(pulse_ns(next));
  }
  outs_[n].set(counters_[n].out(now));
}

}  // namespace orrery::hw
