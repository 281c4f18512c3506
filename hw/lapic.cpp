#include "hw/lapic.h"

#include <algorithm>
#include <bit>

namespace orrery::hw {

using core::ApicDelivery;
using core::ApicMessage;

namespace {

// Registers by offset / 16 ("Local APIC register address map").
enum Register : u8 {
  kId = 0x02,
  kVersion = 0x03,
  kTpr = 0x08,
  kApr = 0x09,
  kPpr = 0x0a,
  kEoi = 0x0b,
  kRrd = 0x0c,
  kLdr = 0x0d,
  kDfr = 0x0e,
  kSvr = 0x0f,
  kIsr = 0x10,
  kTmr = 0x18,
  kIrr = 0x20,
  kEsr = 0x28,
  kIcrLow = 0x30,
  kIcrHigh = 0x31,
  kLvtFirst = 0x32,
  kLvtLast = 0x37,
  kInitialCount = 0x38,
  kCurrentCount = 0x39,
  kDivide = 0x3e,
};

constexpr u32 kVersionValue = 0x00050014;  // six LVT entries

// LVT entries ("Local Vector Table").
constexpr u32 kLvtMasked = 1 << 16, kLvtRemoteIrr = 1 << 14, kLvtLevel = 1 << 15;
constexpr std::array<u32, 6> kLvtWritable{0x000700ff, 0x000107ff, 0x000107ff, 0x0001a7ff, 0x0001a7ff, 0x000100ff};
constexpr unsigned kOneShot = 0, kTscDeadline = 2;  // 1: periodic

// ESR ("Error handling").
constexpr u32 kSendIllegalVector = 1 << 5, kReceiveIllegalVector = 1 << 6, kIllegalRegister = 1 << 7;

constexpr u64 kNever = ~u64{0};

template <class Bits> int highest(const Bits& bits) {
  for (int n = 3; n >= 0; --n) {
    if (bits[static_cast<unsigned>(n)] != 0) return n * 64 + 63 - std::countl_zero(bits[static_cast<unsigned>(n)]);
  }
  return -1;
}

template <class Bits> bool test(const Bits& bits, unsigned n) { return (bits[n / 64] >> (n % 64) & 1) != 0; }

template <class Bits> void assign(Bits& bits, unsigned n, bool on) {
  const u64 mask = u64{1} << (n % 64);
  bits[n / 64] = on ? bits[n / 64] | mask : bits[n / 64] & ~mask;
}

/// 32 bits of a vector set, as registers show them.
template <class Bits> u32 part(const Bits& bits, unsigned n) { return static_cast<u32>(bits[n / 2] >> (n % 2 * 32)); }

}  // namespace

LocalApic::LocalApic(Wiring wiring)
    : w_(std::move(wiring)),
      name_(fmt::format("lapic{}", w_.id)),
      timer_(w_.clock, "timer", [this] { timer_fired(); }) {
  w_.bus.attach(*this);
  mapping_ = w_.memory.map({.name = name_,
                            .base = kDefaultBase,
                            .size = 0x1000,
                            .widths = {4, 4},
                            .movable = true,
                            .read = [this](u64 offset, unsigned) -> u64 { return read(offset); },
                            .write = [this](u64 offset, unsigned, u64 value) { write(offset, value); }});
}

// --- reset and state -------------------------------------------------------------------------------------------------

void LocalApic::clear_registers() {
  tpr_ = 0;
  ldr_ = 0;
  dfr_ = 0xffffffff;
  svr_ = 0xff;
  isr_ = tmr_ = irr_ = {};
  errors_ = esr_ = 0;
  icr_ = 0;
  lvt_.fill(kLvtMasked);
  if ((base_ & kBaseBootProcessor) != 0) {
    lvt_[kLint0] = static_cast<u32>(ApicDelivery::ExtInt) << 8;
    lvt_[kLint1] = static_cast<u32>(ApicDelivery::Nmi) << 8;
  }
  external_ = false;
  initial_count_ = start_count_ = divide_ = 0;
  started_ns_ = 0;
  deadline_ = 0;
  timer_.cancel();
  update();
}

void LocalApic::reset() {
  base_ = kDefaultBase | kBaseEnable | (w_.id == 0 ? kBaseBootProcessor : 0);
  id_ = u32{w_.id} << 24;
  map();
  clear_registers();
}

void LocalApic::init() { clear_registers(); }

void LocalApic::archive(core::Archive& ar) {
  ar.section(name(), 1, [&](u32) {
    ar("base", base_);
    ar("id", id_);
    ar("tpr", tpr_);
    ar("ldr", ldr_);
    ar("dfr", dfr_);
    ar("svr", svr_);
    ar("isr", isr_);
    ar("tmr", tmr_);
    ar("irr", irr_);
    ar("errors", errors_);
    ar("esr", esr_);
    ar("icr", icr_);
    ar("lvt", lvt_);
    ar("lint", lint_);
    ar("external", external_);
    ar("initial_count", initial_count_);
    ar("divide", divide_);
    ar("started_ns", started_ns_);
    ar("start_count", start_count_);
    ar("deadline", deadline_);
    timer_.archive(ar);
    bool level = intr_.level();
    ar("intr", level);
    if (ar.loading()) intr_.restore(level);
  });
  if (ar.loading()) map();
}

void LocalApic::map() {
  mapping_.move(base_ & ~u64{0xfff});
  mapping_.enable(globally_enabled());
}

void LocalApic::set_base(u64 msr) {
  const bool was_enabled = globally_enabled();
  base_ = msr;
  map();
  // "Enabling or disabling the local APIC": the registers are lost.
  if (was_enabled && !globally_enabled()) clear_registers();
  update();
}

// --- interrupts ------------------------------------------------------------------------------------------------------

u8 LocalApic::processor_priority() const {
  const int in_service = highest(isr_);
  const u8 service = in_service < 0 ? 0 : static_cast<u8>(in_service & 0xf0);
  return (tpr_ & 0xf0) >= service ? tpr_ : service;
}

u8 LocalApic::arbitration_priority() const {
  const u8 task = tpr_ & 0xf0;
  const u8 request = static_cast<u8>(std::max(highest(irr_), 0) & 0xf0);
  const u8 service = static_cast<u8>(std::max(highest(isr_), 0) & 0xf0);
  if (task >= request && task > service) return tpr_;
  return std::max<u8>(task & service, request);
}

/// The vector that the processor may take now, or -1.
int LocalApic::deliverable() const {
  const int request = highest(irr_);
  return request >= 0 && (request & 0xf0) > (processor_priority() & 0xf0) ? request : -1;
}

void LocalApic::update() {
  if (!globally_enabled()) return intr_.set(lint_[0]);
  const bool wire = lint_[0] && !masked(kLint0) && mode_of(lvt_[kLint0]) == ApicDelivery::ExtInt;
  intr_.set(deliverable() >= 0 || wire || external_);
}

u8 LocalApic::acknowledge() {
  if (globally_enabled()) {
    if (const int vector = deliverable(); vector >= 0) {
      assign(irr_, static_cast<unsigned>(vector), false);
      assign(isr_, static_cast<unsigned>(vector), true);
      // A timer that waited with its request pending goes on.
      if (vector == static_cast<int>(lvt_[kTimer] & 0xff)) arm_timer();
      update();
      w_.log(core::Channel::Irq, "{}: acknowledged, vector {:02x}", name_, vector);
      return static_cast<u8>(vector);
    }
    const bool wire = lint_[0] && !masked(kLint0) && mode_of(lvt_[kLint0]) == ApicDelivery::ExtInt;
    if (!wire && !external_) return static_cast<u8>(svr_);  // "Spurious interrupt"
    external_ = false;
  }
  const u8 vector = w_.external_acknowledge ? w_.external_acknowledge() : u8{0xff};
  update();
  return vector;
}

bool LocalApic::deliver_vector(u8 vector, bool level) {
  if (!software_enabled()) return false;
  if (vector < 16) {
    report_error(kReceiveIllegalVector);
    return true;
  }
  assign(irr_, vector, true);
  assign(tmr_, vector, level);
  update();
  return true;
}

/// An interrupt of one of the local sources, not masked.
void LocalApic::deliver_local(Lvt n) {
  const u32 entry = lvt_[n];
  const u8 vector = static_cast<u8>(entry);
  switch (n == kTimer || n == kError ? ApicDelivery::Fixed : mode_of(entry)) {
    case ApicDelivery::Fixed: {
      const bool level = n == kLint0 && (entry & kLvtLevel) != 0;
      if (level && (entry & kLvtRemoteIrr) != 0) return;
      if (deliver_vector(vector, level) && level && vector >= 16) lvt_[n] |= kLvtRemoteIrr;
      return;
    }
    case ApicDelivery::Nmi: return nmi_.pulse();
    case ApicDelivery::Init:
      if (w_.init) w_.init();
      return;
    case ApicDelivery::Smi:
      if (w_.smi) w_.smi();
      return;
    default: return;  // ExtINT is the level of the pin: update()
  }
}

void LocalApic::set_lint(unsigned n, bool level) {
  n &= 1;
  if (lint_[n] == level) return;
  lint_[n] = level;
  const Lvt entry = n == 0 ? kLint0 : kLint1;
  if (!globally_enabled()) {
    if (n == 1 && level) nmi_.pulse();
  } else if (level && !masked(entry)) {
    deliver_local(entry);
  }
  update();
}

void LocalApic::pulse_lint1() {
  set_lint(1, true);
  set_lint(1, false);
}

void LocalApic::report_error(u32 bits) {
  const bool fresh = (errors_ & bits) != bits;
  errors_ |= bits;
  // An error entry with an illegal vector of its own reports once and no more.
  if (fresh && software_enabled() && !masked(kError)) deliver_local(kError);
}

void LocalApic::end_of_interrupt() {
  const int vector = highest(isr_);
  if (vector < 0) return;
  const auto n = static_cast<unsigned>(vector);
  assign(isr_, n, false);
  if (test(tmr_, n)) {
    if ((lvt_[kLint0] & 0xff) == n && (lvt_[kLint0] & kLvtRemoteIrr) != 0) {
      lvt_[kLint0] &= ~kLvtRemoteIrr;
      if (lint_[0] && !masked(kLint0)) deliver_local(kLint0);
    }
    w_.bus.end_of_interrupt(static_cast<u8>(n));
  }
  update();
}

// --- messages --------------------------------------------------------------------------------------------------------

bool LocalApic::addressed(u8 destination, bool logical) const {
  if (!globally_enabled()) return false;
  if (!logical) return destination == 0xff || destination == id_ >> 24;
  const u8 mine = static_cast<u8>(ldr_ >> 24);
  if (destination == 0xff) return true;
  if ((dfr_ >> 28) == 0xf) return (mine & destination) != 0;  // flat model
  if ((dfr_ >> 28) != 0) return false;
  return (mine & 0xf0) == (destination & 0xf0) && (mine & destination & 0x0f) != 0;  // cluster model
}

bool LocalApic::accept(const ApicMessage& message) {
  if (!globally_enabled()) return false;
  switch (message.delivery) {
    case ApicDelivery::Fixed:
    case ApicDelivery::LowestPriority: return deliver_vector(message.vector, message.level_triggered);
    case ApicDelivery::Nmi: nmi_.pulse(); return true;
    case ApicDelivery::Smi:
      if (w_.smi) w_.smi();
      return true;
    case ApicDelivery::Init:
      // INIT level de-assert only concerned the arbitration identifiers of the Pentium and P6.
      if (message.assert && w_.init) w_.init();
      return true;
    case ApicDelivery::StartUp:
      if (w_.start_up) w_.start_up(message.vector);
      return true;
    case ApicDelivery::ExtInt:
      external_ = true;
      update();
      return true;
    case ApicDelivery::Reserved: break;
  }
  return false;
}

/// A write to the lower half of ICR ("Interrupt command register").
void LocalApic::send_command() {
  ApicMessage message;
  message.vector = static_cast<u8>(icr_);
  message.delivery = static_cast<ApicDelivery>((icr_ >> 8) & 7);
  message.logical = core::bit(icr_, 11);
  message.destination = static_cast<u8>(icr_ >> 56);
  const bool init_deassert = message.delivery == ApicDelivery::Init && !core::bit(icr_, 14) && core::bit(icr_, 15);
  message.assert = !init_deassert;
  message.level_triggered = false;  // IPIs are edge-triggered whatever bit 15 says, but for INIT
  const unsigned shorthand = (icr_ >> 18) & 3;
  const bool vectored = message.delivery == ApicDelivery::Fixed || message.delivery == ApicDelivery::LowestPriority;
  if (message.delivery == ApicDelivery::Reserved || message.delivery == ApicDelivery::ExtInt) {
    w_.log(core::Channel::GuestErrors, "{}: ICR with delivery mode {}", name_, static_cast<int>(message.delivery));
    return;
  }
  if (vectored && message.vector < 16) return report_error(kSendIllegalVector);
  switch (shorthand) {
    case 0: w_.bus.send(message); break;
    case 1:  // only fixed interrupts go to oneself
      if (message.delivery == ApicDelivery::Fixed) accept(message);
      break;
    case 2:
      if (message.delivery == ApicDelivery::Fixed) w_.bus.send(message, [](const core::ApicAgent&) { return true; });
      break;
    default: w_.bus.send(message, [this](const core::ApicAgent& agent) { return &agent != this; }); break;
  }
}

// --- registers -------------------------------------------------------------------------------------------------------

u64 LocalApic::read(u64 offset) {
  if ((offset & 0x0c) != 0) return 0;  // registers are 16 bytes apart, the rest is undefined
  const u64 n = offset >> 4;
  if (n >= kIsr && n < kIsr + 8) return part(isr_, static_cast<unsigned>(n - kIsr));
  if (n >= kTmr && n < kTmr + 8) return part(tmr_, static_cast<unsigned>(n - kTmr));
  if (n >= kIrr && n < kIrr + 8) return part(irr_, static_cast<unsigned>(n - kIrr));
  if (n >= kLvtFirst && n <= kLvtLast) return lvt_[n - kLvtFirst];
  switch (n) {
    case kId: return id_;
    case kVersion: return kVersionValue;
    case kTpr: return tpr_;
    case kApr: return arbitration_priority();
    case kPpr: return processor_priority();
    case kEoi: return 0;
    case kRrd: return 0;
    case kLdr: return ldr_;
    case kDfr: return dfr_;
    case kSvr: return svr_;
    case kEsr: return esr_;
    case kIcrLow: return icr_ & 0xffffffff;
    case kIcrHigh: return icr_ >> 32;
    case kInitialCount: return initial_count_;
    case kCurrentCount: return current_count();
    case kDivide: return divide_;
    default:
      report_error(kIllegalRegister);
      w_.log.once(core::Channel::GuestErrors, "{}: read of register {:03x}", name_, offset);
      return 0;
  }
}

void LocalApic::write(u64 offset, u64 wide) {
  if ((offset & 0x0c) != 0) return;
  const u32 value = static_cast<u32>(wide);
  const u64 n = offset >> 4;
  if (n >= kLvtFirst && n <= kLvtLast) return write_lvt(static_cast<Lvt>(n - kLvtFirst), value);
  switch (n) {
    case kId: id_ = value & 0xff000000; return;
    case kTpr: return set_task_priority(static_cast<u8>(value));
    case kEoi: return end_of_interrupt();
    case kLdr: ldr_ = value & 0xff000000; return;
    case kDfr: dfr_ = value | 0x0fffffff; return;
    case kSvr: return write_svr(value);
    case kEsr:
      esr_ = errors_;
      errors_ = 0;
      return arm_timer();
    case kIcrLow: icr_ = (icr_ & ~u64{0xffffffff}) | (value & 0x000ccfff); return send_command();
    case kIcrHigh: icr_ = (icr_ & 0xffffffff) | u64{value & 0xff000000} << 32; return;
    case kInitialCount:
      if (timer_mode() == kTscDeadline) return;
      initial_count_ = value;
      return start_timer(value);
    case kDivide: {
      // The count goes on from where it is, at the new pace.
      const u32 count = current_count();
      divide_ = value & 0x0b;
      return start_timer(count);
    }
    case kVersion:
    case kApr:
    case kPpr:
    case kRrd:
    case kCurrentCount: return;  // read-only
    default:
      if (n >= kIsr && n < kIrr + 8) return;
      report_error(kIllegalRegister);
      w_.log.once(core::Channel::GuestErrors, "{}: write of {:08x} to register {:03x}", name_, value, offset);
  }
}

void LocalApic::set_task_priority(u8 value) {
  tpr_ = value;
  update();
}

void LocalApic::write_svr(u32 value) {
  svr_ = value & 0x3ff;
  if (!software_enabled()) {
    for (u32& entry : lvt_) entry |= kLvtMasked;  // "Local APIC state after it has been software disabled"
  }
  arm_timer();
  update();
}

void LocalApic::write_lvt(Lvt n, u32 value) {
  const u32 old = lvt_[n];
  u32 entry = (value & kLvtWritable[n]) | (old & kLvtRemoteIrr);
  if (n == kTimer && (!w_.tsc_deadline || (entry >> 17 & 3) == 3)) entry &= ~u32{1 << 18};
  if ((entry & kLvtLevel) == 0 || mode_of(entry) != ApicDelivery::Fixed) entry &= ~kLvtRemoteIrr;
  if (!software_enabled()) entry |= kLvtMasked;
  if (n == kTimer) {
    const u32 count = current_count();
    const unsigned was = timer_mode();
    lvt_[n] = entry;
    if (timer_mode() == was) return arm_timer();
    if (was == kTscDeadline || timer_mode() == kTscDeadline) {  // "TSC-deadline mode": a change of mode disarms
      deadline_ = 0;
      initial_count_ = 0;
      return start_timer(0);
    }
    return start_timer(count);
  }
  lvt_[n] = entry;
  // A pin that is high already is a level-triggered request as soon as the entry lets it through.
  const bool level = n == kLint0 && (entry & kLvtLevel) != 0 && mode_of(entry) == ApicDelivery::Fixed;
  if (level && lint_[0] && !masked(n)) deliver_local(n);
  update();
}

// --- timer -----------------------------------------------------------------------------------------------------------

u64 LocalApic::divider() const {
  const unsigned code = (divide_ & 3) | (divide_ >> 1 & 4);
  return code == 7 ? 1 : u64{2} << code;
}

/// The moment at which `ticks` counts since `since` have passed.
u64 LocalApic::ticks_to_ns(u64 ticks, u64 since) const {
  const auto clocks = static_cast<unsigned __int128>(ticks) * divider();
  return since + static_cast<u64>((clocks * core::kNsPerSecond + w_.timer_hz - 1) / w_.timer_hz);
}

u32 LocalApic::current_count() const {
  if (timer_mode() == kTscDeadline || start_count_ == 0) return 0;
  const u64 passed_ns = w_.clock.now() - std::min(started_ns_, w_.clock.now());
  const u64 passed =
      static_cast<u64>(static_cast<unsigned __int128>(passed_ns) * w_.timer_hz / core::kNsPerSecond) / divider();
  if (passed < start_count_) return static_cast<u32>(start_count_ - passed);
  if (timer_mode() == kOneShot || initial_count_ == 0) return 0;
  return static_cast<u32>(initial_count_ - (passed - start_count_) % initial_count_);
}

void LocalApic::start_timer(u32 count) {
  started_ns_ = w_.clock.now();
  start_count_ = count;
  arm_timer();
}

/// Sets the event for the next moment at which the timer changes anything that can be seen: while its entry is masked
/// or its request waits already, further expiries of a counter leave no trace.
void LocalApic::arm_timer() {
  timer_.cancel();
  if (timer_mode() == kTscDeadline) {
    if (deadline_ == 0 || !w_.time_of_tsc) return;
    const u64 when = w_.time_of_tsc(deadline_);
    if (when != kNever) timer_.at(std::max(when, w_.clock.now()));
    return;
  }
  const unsigned vector = lvt_[kTimer] & 0xff;
  const bool waits = vector < 16 ? (errors_ & kReceiveIllegalVector) != 0 : test(irr_, vector);
  if (start_count_ == 0 || masked(kTimer) || waits) return;
  u64 ticks = start_count_;
  if (const u64 first = ticks_to_ns(ticks, started_ns_); first <= w_.clock.now()) {
    if (timer_mode() == kOneShot || initial_count_ == 0) return;
    const u64 passed_ns = w_.clock.now() - started_ns_;
    const u64 passed =
        static_cast<u64>(static_cast<unsigned __int128>(passed_ns) * w_.timer_hz / core::kNsPerSecond) / divider();
    ticks += ((passed - std::min<u64>(passed, start_count_)) / initial_count_ + 1) * initial_count_;
  }
  timer_.at(std::max(ticks_to_ns(ticks, started_ns_), w_.clock.now() + 1));
}

void LocalApic::timer_fired() {
  if (timer_mode() == kTscDeadline) deadline_ = 0;
  if (!masked(kTimer)) deliver_local(kTimer);
  arm_timer();
}

void LocalApic::set_tsc_deadline(u64 tsc) {
  if (timer_mode() != kTscDeadline) return;
  deadline_ = tsc;
  arm_timer();
}

void LocalApic::tsc_changed() {
  if (deadline_ != 0) arm_timer();
}

// --- for people ------------------------------------------------------------------------------------------------------

std::string LocalApic::info() {
  static constexpr std::array<const char*, 8> kModes{"fixed", "lowest", "SMI", "?", "NMI", "INIT", "SIPI", "ExtINT"};
  static constexpr std::array<const char*, 6> kNames{"timer", "thermal", "perf", "LINT0", "LINT1", "error"};
  static constexpr std::array<const char*, 4> kTimerModes{"one-shot", "periodic", "TSC-deadline", "?"};
  std::string out =
      fmt::format("{} at {:08x}: id {:02x}, {}, {}\n", name_, base_ & ~u64{0xfff}, id_ >> 24,
                  globally_enabled() ? "on" : "off", software_enabled() ? "software-enabled" : "software-disabled");
  out += fmt::format("  TPR {:02x} PPR {:02x} APR {:02x} LDR {:08x} DFR {:08x} SVR {:03x} ESR {:02x} ICR {:016x}\n",
                     tpr_, processor_priority(), arbitration_priority(), ldr_, dfr_, svr_, esr_, icr_);
  for (unsigned n = 0; n < kLvtCount; ++n) {
    const u32 entry = lvt_[n];
    const bool plain = n == kTimer || n == kError;
    out += fmt::format("  LVT {:8} {:05x} vector {:02x} {}{}{}\n", kNames[n], entry, entry & 0xff,
                       n == kTimer ? kTimerModes[timer_mode()]
                       : plain     ? "fixed"
                                   : kModes[entry >> 8 & 7],
                       (entry & kLvtLevel) != 0 ? " level" : "", (entry & kLvtMasked) != 0 ? " masked" : "");
  }
  out +=
      fmt::format("  timer: initial {:08x} current {:08x} divided by {}", initial_count_, current_count(), divider());
  if (deadline_ != 0) out += fmt::format(" deadline {:x}", deadline_);
  out += '\n';
  const std::pair<const char*, const Bits*> sets[]{{"ISR", &isr_}, {"IRR", &irr_}};
  for (const auto& [name, bits] : sets) {
    out += fmt::format("  {}:", name);
    for (unsigned n = 0; n < 256; ++n) {
      if (test(*bits, n)) out += fmt::format(" {:02x}{}", n, test(tmr_, n) ? "(level)" : "");
    }
    out += '\n';
  }
  return out;
}

}  // namespace orrery::hw
