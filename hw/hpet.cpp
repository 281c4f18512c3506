#include "hw/hpet.h"

namespace orrery::hw {
namespace {

// Registers by offset / 8 (table 2).
constexpr u64 kCapabilities = 0x00 / 8, kGeneralConfig = 0x10 / 8, kStatus = 0x20 / 8, kMainCounter = 0xf0 / 8,
              kFirstTimer = 0x100 / 8, kTimerRegisters = 4;

constexpr u64 kFemtosecondsPerNs = 1'000'000;
// Revision 1, three timers, 64-bit counter, legacy replacement, vendor 8086h.
constexpr u64 kCapabilitiesValue = (Hpet::kPeriodNs * kFemtosecondsPerNs) << 32 | 0x8086a201;

constexpr u8 kEnable = 1, kLegacy = 2;

// Timer configuration (section 2.3.8).
constexpr u32 kLevel = 1 << 1, kInterruptEnable = 1 << 2, kPeriodic = 1 << 3, kPeriodicCapable = 1 << 4,
              kSizeCapable = 1 << 5, kSetValue = 1 << 6, kMode32 = 1 << 8;
constexpr u32 kWritable = kLevel | kInterruptEnable | kPeriodic | kSetValue | kMode32;

constexpr std::array<unsigned, 6> kLineNumbers{0, 8, 20, 21, 22, 23};

/// Counts to go from `counter` until `comparator` is reached; ~0 if that is beyond all time.
u64 distance(u32 config, u64 comparator, u64 counter) {
  const u64 difference = comparator - counter;
  if ((config & kMode32) == 0) return difference == 0 ? ~u64{0} : difference;
  const u64 low = difference & 0xffffffff;
  return low == 0 ? u64{1} << 32 : low;
}

}  // namespace

Hpet::Hpet(core::IoSpace& memory, core::Clock& clock, core::Log& log,
           const std::function<core::LevelLine&(unsigned n)>& interrupt)
    : clock_(clock),
      log_(log),
      events_{core::Event(clock, "timer0", [this] { matched(0); }),
              core::Event(clock, "timer1", [this] { matched(1); }),
              core::Event(clock, "timer2", [this] { matched(2); })} {
  for (unsigned n = 0; n < kLines; ++n) lines_[n] = &interrupt(kLineNumbers[n]);
  mapping_ = memory.map({.name = "hpet",
                         .base = kBase,
                         .size = 0x400,
                         .widths = {4, 8},
                         .movable = false,
                         .read =
                             [this](u64 offset, unsigned width) {
                               const u64 value = read(offset / 8) >> (offset % 8 * 8);
                               return width == 8 ? value : value & 0xffffffff;
                             },
                         .write =
                             [this](u64 offset, unsigned width, u64 value) {
                               const u64 mask = width == 8 ? ~u64{0} : 0xffffffff;
                               const u64 shift = offset % 8 * 8;
                               write(offset / 8, (value & mask) << shift, mask << shift);
                             }});
}

void Hpet::reset() {
  general_config_ = status_ = 0;
  counter_ = 0;
  for (Timer& timer : timers_) {
    timer = {};
    timer.config = kPeriodicCapable | kSizeCapable;
    timer.comparator = ~u64{0};
  }
  arm_all();
  update_lines();
}

void Hpet::Timer::archive(core::Archive& ar) {
  ar("config", config);
  ar("comparator", comparator);
  ar("base", base);
  ar("period", period);
  ar("pulse", pulse);
}

void Hpet::archive(core::Archive& ar) {
  ar.section(name(), 1, [&](u32) {
    ar("general_config", general_config_);
    ar("status", status_);
    ar("counter", counter_);
    ar("started_ns", started_ns_);
    ar("timers", timers_);
    for (core::Event& event : events_) event.archive(ar);
    for (unsigned n = 0; n < kLines; ++n) {
      bool level = lines_[n]->level();
      ar(fmt::format("line{}", kLineNumbers[n]), level);
      if (ar.loading()) lines_[n]->restore(level);
    }
  });
  if (ar.loading()) legacy_.restore((general_config_ & kLegacy) != 0);
}

// --- time ------------------------------------------------------------------------------------------------------------

u64 Hpet::counter() const {
  if (!counting()) return counter_;
  const u64 now = clock_.now();
  return counter_ + (now - std::min(started_ns_, now)) / kPeriodNs;
}

/// Brings a periodic timer's comparator up to what it is now.
void Hpet::settle(unsigned t) {
  Timer& timer = timers_[t];
  const u64 now = counter();
  if (counting() && (timer.config & kPeriodic) != 0 && timer.period != 0) {
    const u64 passed = now - timer.base;
    const u64 first = distance(timer.config, timer.comparator, timer.base);
    if (passed >= first) timer.comparator += ((passed - first) / timer.period + 1) * timer.period;
    if ((timer.config & kMode32) != 0) timer.comparator &= 0xffffffff;
  }
  timer.base = now;
}

void Hpet::settle() {
  for (unsigned t = 0; t < kTimers; ++t) settle(t);
}

/// Sets the event for the next match, if anybody can notice it. The timer has been settled.
void Hpet::arm(unsigned t) {
  const Timer& timer = timers_[t];
  events_[t].cancel();
  const bool noticed = (timer.config & kLevel) != 0 ? !core::bit(status_, t) : (timer.config & kInterruptEnable) != 0;
  if (!counting() || !noticed) return;
  const u64 now = counter();
  const u64 to_go = distance(timer.config, timer.comparator, now);
  constexpr u64 kFar = u64{1} << 58;  // 91 years
  if (to_go > kFar) return;
  events_[t].at(started_ns_ + (now - counter_ + to_go) * kPeriodNs);
}

void Hpet::arm_all() {
  for (unsigned t = 0; t < kTimers; ++t) arm(t);
}

void Hpet::matched(unsigned t) {
  Timer& timer = timers_[t];
  settle(t);
  if ((timer.config & kLevel) != 0) {
    status_ |= static_cast<u8>(1 << t);
  } else {
    timer.pulse = false;  // a new edge
    update_lines();
    timer.pulse = true;
  }
  arm(t);
  update_lines();
}

// --- outputs ---------------------------------------------------------------------------------------------------------

/// Index into lines_, or -1.
int Hpet::line_of(unsigned t) const {
  if ((general_config_ & kLegacy) != 0 && t < 2) return static_cast<int>(t);
  const unsigned route = timers_[t].config >> 9 & 31;
  return core::bit(kRoutes, route) ? static_cast<int>(route - 20 + 2) : -1;
}

void Hpet::update_lines() {
  unsigned levels = 0;
  for (unsigned t = 0; t < kTimers; ++t) {
    const Timer& timer = timers_[t];
    const bool active = (timer.config & kLevel) != 0 ? core::bit(status_, t) : timer.pulse;
    const int line = line_of(t);
    if (counting() && active && (timer.config & kInterruptEnable) != 0 && line >= 0) levels |= 1u << line;
  }
  legacy_.set((general_config_ & kLegacy) != 0);
  for (unsigned n = 0; n < kLines; ++n) lines_[n]->set(core::bit(levels, n));
}

// --- registers -------------------------------------------------------------------------------------------------------

u64 Hpet::read(u64 n) {
  switch (n) {
    case kCapabilities: return kCapabilitiesValue;
    case kGeneralConfig: return general_config_;
    case kStatus: return status_;
    case kMainCounter: return counter();
    default: break;
  }
  const u64 t = (n - kFirstTimer) / kTimerRegisters;
  if (n < kFirstTimer || t >= kTimers) return 0;
  switch (n % kTimerRegisters) {
    case 0: return u64{kRoutes} << 32 | timers_[t].config;
    case 1: settle(static_cast<unsigned>(t)); return timers_[t].comparator;
    default: return 0;
  }
}

/// `written`: the bits that the access covers.
void Hpet::write(u64 n, u64 value, u64 written) {
  settle();
  switch (n) {
    case kGeneralConfig:
      if ((written & 0xff) != 0) write_general_config(value);
      return;
    case kStatus:
      status_ &= static_cast<u8>(~value);
      arm_all();
      return update_lines();
    case kMainCounter:
      // Meant for a halted counter; one that counts goes on from the new value.
      counter_ = (counter() & ~written) | value;
      started_ns_ = clock_.now();
      settle();
      return arm_all();
    default: break;
  }
  const u64 t = (n - kFirstTimer) / kTimerRegisters;
  if (n < kFirstTimer || t >= kTimers) return;
  const auto timer = static_cast<unsigned>(t);
  if (n % kTimerRegisters == 0 && (written & 0xffff) != 0) write_config(timer, static_cast<u32>(value));
  if (n % kTimerRegisters == 1) write_comparator(timer, value, written);
}

void Hpet::write_general_config(u64 value) {
  const bool was_counting = counting();
  const u64 now = counter();
  general_config_ = static_cast<u8>(value & (kEnable | kLegacy));
  if (counting() != was_counting) {
    counter_ = now;
    started_ns_ = clock_.now();
    if (!counting()) {
      for (Timer& timer : timers_) timer.pulse = false;
    }
  }
  log_(core::Channel::Irq, "hpet: {}{}", counting() ? "counts" : "halted",
       (general_config_ & kLegacy) != 0 ? ", legacy replacement" : "");
  arm_all();
  update_lines();
}

void Hpet::write_config(unsigned t, u32 value) {
  Timer& timer = timers_[t];
  const u32 route = core::bit(kRoutes, value >> 9 & 31) ? value & 0x3e00 : 0;  // what it cannot do does not stick
  const u32 config = (value & kWritable) | kPeriodicCapable | kSizeCapable | route;
  if (((config ^ timer.config) & (kLevel | kInterruptEnable)) != 0) timer.pulse = false;
  timer.config = config;
  if ((config & kMode32) != 0) {
    timer.comparator &= 0xffffffff;
    timer.period &= 0xffffffff;
  }
  arm(t);
  update_lines();
}

void Hpet::write_comparator(unsigned t, u64 value, u64 written) {
  Timer& timer = timers_[t];
  if ((timer.config & kMode32) != 0) {
    written &= 0xffffffff;
    value &= 0xffffffff;
    if (written == 0) return;
  }
  // A periodic timer takes what is written as its period, and as its next match too if VAL_SET asks for it (section
  // 2.3.9.2.2).
  const bool periodic = (timer.config & kPeriodic) != 0;
  if (!periodic || (timer.config & kSetValue) != 0) timer.comparator = (timer.comparator & ~written) | value;
  if (periodic) timer.period = (timer.period & ~written) | value;
  timer.config &= ~kSetValue;
  arm(t);
}

}  // namespace orrery::hw
