#include "hw/uart16550.h"

#include <algorithm>

namespace orrery::hw {
namespace {

constexpr u64 kClockHz = 1'843'200;
constexpr std::size_t kFifoSize = 16;

// IER
constexpr u8 kErbfi = 0x01;
constexpr u8 kEtbei = 0x02;
constexpr u8 kElsi = 0x04;
constexpr u8 kEdssi = 0x08;

// IIR
constexpr u8 kIirNone = 0x01;
constexpr u8 kIirModem = 0x00;
constexpr u8 kIirThre = 0x02;
constexpr u8 kIirData = 0x04;
constexpr u8 kIirLine = 0x06;
constexpr u8 kIirTimeout = 0x0c;
constexpr u8 kIirFifos = 0xc0;

// LCR
constexpr u8 kLcrStop = 0x04;
constexpr u8 kLcrParity = 0x08;
constexpr u8 kLcrBreak = 0x40;
constexpr u8 kDlab = 0x80;

// LSR
constexpr u8 kDr = 0x01;
constexpr u8 kOe = 0x02;
constexpr u8 kBi = 0x10;
constexpr u8 kThre = 0x20;
constexpr u8 kTemt = 0x40;
constexpr u8 kErrorInFifo = 0x80;
constexpr u8 kLineErrors = 0x1e;

// MCR and MSR
constexpr u8 kDtr = 0x01;
constexpr u8 kRts = 0x02;
constexpr u8 kOut1 = 0x04;
constexpr u8 kOut2 = 0x08;
constexpr u8 kCts = 0x10;
constexpr u8 kDsr = 0x20;
constexpr u8 kRi = 0x40;
constexpr u8 kDcd = 0x80;
constexpr u8 kTeri = 0x04;

}  // namespace

Uart16550::Uart16550(Wiring wiring)
    : w_(std::move(wiring)),
      transmit_event_(w_.clock, w_.name + ".transmit",
                      [this] {
                        thre_pending_ = true;
                        update();
                      }),
      timeout_event_(w_.clock, w_.name + ".timeout", [this] { update(); }),
      loop_event_(w_.clock, w_.name + ".loop", [this] { deliver_loop(); }) {
  mapping_ =
      w_.ports.map({.name = w_.name,
                    .base = w_.base,
                    .size = 8,
                    .widths = {1, 1},
                    .read = [this](u64 offset, unsigned) { return read(offset); },
                    .write = [this](u64 offset, unsigned, u64 value) { write(offset, static_cast<u8>(value)); }});
}

void Uart16550::reset() {
  receiver_.clear();
  loop_.clear();
  last_rbr_ = overrun_ = 0;
  ier_ = fcr_ = lcr_ = mcr_ = scr_ = 0;
  msr_delta_ = 0;
  divisor_ = 12;
  thre_pending_ = false;
  holding_empty_at_ = all_sent_at_ = w_.clock.now();
  timeout_at_ = 0;
  transmit_event_.cancel();
  timeout_event_.cancel();
  loop_event_.cancel();
  update();
}

u64 Uart16550::character_ns() const { return character_ns(divisor_ != 0 ? divisor_ : 0x10000); }

u64 Uart16550::character_ns(u64 divisor) const {
  const u64 data = 5 + (lcr_ & 3);
  // In half bits: start, data, parity, and 1, 1.5 (five data bits) or 2 stop bits.
  u64 half_bits = 2 + 2 * data + ((lcr_ & kLcrParity) != 0 ? 2 : 0);
  half_bits += (lcr_ & kLcrStop) == 0 ? 2 : (data == 5 ? 3 : 4);
  return half_bits * divisor * 8 * core::kNsPerSecond / kClockHz;
}

// --- receiver --------------------------------------------------------------------------------------------------------

bool Uart16550::can_receive() const { return !loopback() && receiver_.size() < (fifo() ? kFifoSize : 1); }

void Uart16550::receive(u8 byte) {
  if (!loopback()) take(byte & line_mask(), 0);  // SIN is disconnected in loopback
}

void Uart16550::receive_break() {
  if (!loopback()) take(0, kBi);
}

u8 Uart16550::line_mask() const { return (lcr_ & 3) == 0 ? 0xff : static_cast<u8>(0xff >> (3 - (lcr_ & 3))); }

void Uart16550::take(u8 byte, u8 errors) {
  if (loopback()) byte &= static_cast<u8>(0xff >> (3 - (lcr_ & 3)));  // shorter characters have their upper bits zero
  if (receiver_.size() >= (fifo() ? kFifoSize : 1)) {
    overrun_ = kOe;
    if (!fifo()) receiver_.front() = {byte, errors};  // the new character replaces the unread one; the FIFO is kept
  } else {
    receiver_.push_back({byte, errors});
  }
  restart_timeout();
  update();
}

u8 Uart16550::read_rbr() {
  if (receiver_.empty()) return last_rbr_;
  last_rbr_ = receiver_.front().byte;
  receiver_.erase(receiver_.begin());
  restart_timeout();
  update();
  if (w_.accepts && can_receive()) w_.accepts();
  return last_rbr_;
}

std::size_t Uart16550::trigger() const {
  static constexpr std::array<std::size_t, 4> kLevels{1, 4, 8, 14};
  return fifo() ? kLevels[fcr_ >> 6] : 1;
}

void Uart16550::restart_timeout() {
  // Four character times without a character arriving or being read while the FIFO holds one (section 8.7).
  if (fifo() && !receiver_.empty()) {
    timeout_at_ = w_.clock.now() + 4 * character_ns();
    timeout_event_.at(timeout_at_);
  } else {
    timeout_event_.cancel();
  }
}

bool Uart16550::timeout_pending() const { return fifo() && !receiver_.empty() && w_.clock.now() >= timeout_at_; }

void Uart16550::clear_receiver() {
  receiver_.clear();
  timeout_event_.cancel();
  if (w_.accepts && can_receive()) w_.accepts();
}

// --- transmitter -----------------------------------------------------------------------------------------------------

u64 Uart16550::transmit_ns() const { return w_.fast_output && !loopback() ? character_ns(1) : character_ns(); }

bool Uart16550::transmitter_empty() const { return w_.clock.now() >= holding_empty_at_; }

void Uart16550::write_thr(u8 value) {
  const u64 now = w_.clock.now();
  const u64 duration = transmit_ns();
  const u64 waiting = transmitter_empty() ? 0 : (holding_empty_at_ - now + duration - 1) / duration;
  const bool room = waiting < (fifo() ? kFifoSize : 1);
  if (room) {
    holding_empty_at_ = std::max(now, all_sent_at_);
    all_sent_at_ = holding_empty_at_ + duration;
  }
  thre_pending_ = false;
  if (loopback()) {
    if (room) {
      loop_.push_back({all_sent_at_, value});
      if (!loop_event_.pending()) loop_event_.at(loop_.front().at);
    }
  } else if (w_.backend != nullptr) {
    w_.backend->transmit(value & line_mask());
  }
  if (holding_empty_at_ > now) {
    transmit_event_.at(holding_empty_at_);
  } else {
    transmit_event_.cancel();
    thre_pending_ = true;  // it went straight to the shift register
  }
  update();
}

void Uart16550::clear_transmitter() {
  // What is in the shift register is still sent.
  const u64 now = w_.clock.now();
  if (holding_empty_at_ > now) {
    const u64 duration = transmit_ns();
    all_sent_at_ = now + (all_sent_at_ - now - 1) % duration + 1;
    holding_empty_at_ = now;
    std::erase_if(loop_, [&](const Looped& l) { return l.at > all_sent_at_; });
    if (loop_.empty()) loop_event_.cancel();
    transmit_event_.cancel();
    thre_pending_ = true;
  }
}

void Uart16550::deliver_loop() {
  const Looped first = loop_.front();
  loop_.erase(loop_.begin());
  if (!loop_.empty()) loop_event_.at(loop_.front().at);
  if (loopback()) take(first.byte, (lcr_ & kLcrBreak) != 0 ? kBi : 0);
}

// --- registers -------------------------------------------------------------------------------------------------------

u8 Uart16550::read(u64 offset) {
  switch (offset) {
    case 0: return (lcr_ & kDlab) != 0 ? static_cast<u8>(divisor_) : read_rbr();
    case 1: return (lcr_ & kDlab) != 0 ? static_cast<u8>(divisor_ >> 8) : ier_;
    case 2: return read_iir();
    case 3: return lcr_;
    case 4: return mcr_;
    case 5: return read_lsr();
    case 6: {
      const u8 value = msr();
      msr_delta_ = 0;
      update();
      return value;
    }
    default: return scr_;
  }
}

void Uart16550::write(u64 offset, u8 value) {
  switch (offset) {
    case 0:
      if ((lcr_ & kDlab) != 0) {
        divisor_ = static_cast<u16>((divisor_ & 0xff00) | value);
      } else {
        write_thr(value);
      }
      break;
    case 1:
      if ((lcr_ & kDlab) != 0) {
        divisor_ = static_cast<u16>((divisor_ & 0x00ff) | value << 8);
      } else {
        // Enabling the interrupt while THRE is set raises it (section 8.5).
        if ((value & ~ier_ & kEtbei) != 0 && transmitter_empty()) thre_pending_ = true;
        ier_ = value & 0x0f;
        update();
      }
      break;
    case 2: write_fcr(value); break;
    case 3: write_lcr(value); break;
    case 4: write_mcr(value); break;
    case 5:
    case 6: break;  // factory test only
    default: scr_ = value;
  }
}

void Uart16550::write_fcr(u8 value) {
  const bool mode_change = ((value ^ fcr_) & 1) != 0;
  fcr_ = (value & 1) != 0 ? value & 0xc9 : 0;  // bit 0 must be set for the others to be programmed
  if (mode_change || (value & 0x03) == 0x03) clear_receiver();
  if (mode_change || (value & 0x05) == 0x05) clear_transmitter();
  update();
}

void Uart16550::write_lcr(u8 value) {
  const u8 before = lcr_;
  lcr_ = value;
  if (((before ^ value) & kLcrBreak) == 0) return;
  const bool on = (value & kLcrBreak) != 0;
  if (loopback()) {
    if (on) take(0, kBi);
  } else if (w_.backend != nullptr) {
    w_.backend->set_break(on);
  }
}

void Uart16550::write_mcr(u8 value) {
  const u8 before = modem_lines();
  const u8 old = mcr_;
  mcr_ = value & 0x1f;
  if (w_.backend != nullptr && ((old ^ mcr_) & (kDtr | kRts | 0x10)) != 0) {
    w_.backend->set_modem(!loopback() && (mcr_ & kDtr) != 0, !loopback() && (mcr_ & kRts) != 0);
  }
  update_modem(before);
  if (w_.accepts && can_receive()) w_.accepts();
}

u8 Uart16550::modem_lines() const {
  if (!loopback()) return inputs_;
  return static_cast<u8>(((mcr_ & kRts) != 0 ? kCts : 0) | ((mcr_ & kDtr) != 0 ? kDsr : 0) |
                         ((mcr_ & kOut1) != 0 ? kRi : 0) | ((mcr_ & kOut2) != 0 ? kDcd : 0));
}

void Uart16550::set_modem_inputs(bool cts, bool dsr, bool ri, bool dcd) {
  const u8 before = modem_lines();
  inputs_ = static_cast<u8>((cts ? kCts : 0) | (dsr ? kDsr : 0) | (ri ? kRi : 0) | (dcd ? kDcd : 0));
  update_modem(before);
}

void Uart16550::update_modem(u8 before) {
  const u8 after = modem_lines();
  const u8 changed = static_cast<u8>((before ^ after) >> 4);
  // DCTS, DDSR and DDCD on any change; TERI on the trailing edge of RI only.
  msr_delta_ |= static_cast<u8>((changed & 0x0b) | ((before & ~after & kRi) != 0 ? kTeri : 0));
  update();
}

u8 Uart16550::msr() const { return static_cast<u8>(modem_lines() | msr_delta_); }

u8 Uart16550::lsr() const {
  u8 value = overrun_;
  if (!receiver_.empty()) value |= static_cast<u8>(kDr | receiver_.front().errors);
  if (fifo() && std::any_of(receiver_.begin(), receiver_.end(), [](const Received& r) { return r.errors != 0; })) {
    value |= kErrorInFifo;
  }
  if (transmitter_empty()) value |= kThre;
  if (w_.clock.now() >= all_sent_at_) value |= kTemt;
  return value;
}

u8 Uart16550::read_lsr() {
  const u8 value = lsr();
  overrun_ = 0;
  if (!receiver_.empty()) receiver_.front().errors = 0;
  update();
  return value;
}

u8 Uart16550::iir() const {
  if ((ier_ & kElsi) != 0 && (lsr() & kLineErrors) != 0) return kIirLine;
  if ((ier_ & kErbfi) != 0 && receiver_.size() >= trigger()) return kIirData;
  if ((ier_ & kErbfi) != 0 && timeout_pending()) return kIirTimeout;
  if ((ier_ & kEtbei) != 0 && thre_pending_) return kIirThre;
  if ((ier_ & kEdssi) != 0 && msr_delta_ != 0) return kIirModem;
  return kIirNone;
}

u8 Uart16550::read_iir() {
  const u8 value = iir();
  if (value == kIirThre) thre_pending_ = false;
  update();
  return static_cast<u8>(value | (fifo() ? kIirFifos : 0));
}

void Uart16550::update() {
  // OUT2 is forced inactive in loopback like all modem outputs, and with it the adapter's interrupt driver.
  w_.irq.set(iir() != kIirNone && (mcr_ & kOut2) != 0 && !loopback());
}

void Uart16550::Received::archive(core::Archive& ar) {
  ar("byte", byte);
  ar("errors", errors);
}

void Uart16550::Looped::archive(core::Archive& ar) {
  ar("at", at);
  ar("byte", byte);
}

void Uart16550::archive(core::Archive& ar) {
  ar.section(name(), 1, [&](u32) {
    ar("receiver", receiver_);
    ar("loop", loop_);
    ar("last_rbr", last_rbr_);
    ar("overrun", overrun_);
    ar("ier", ier_);
    ar("fcr", fcr_);
    ar("lcr", lcr_);
    ar("mcr", mcr_);
    ar("scr", scr_);
    ar("msr_delta", msr_delta_);
    ar("divisor", divisor_);
    ar("inputs", inputs_);
    ar("thre_pending", thre_pending_);
    ar("holding_empty_at", holding_empty_at_);
    ar("all_sent_at", all_sent_at_);
    ar("timeout_at", timeout_at_);
    ar("transmit_event", transmit_event_);
    ar("timeout_event", timeout_event_);
    ar("loop_event", loop_event_);
    bool irq = w_.irq.level();
    ar("irq", irq);
    if (ar.loading()) {
      if (receiver_.size() > kFifoSize) receiver_.resize(kFifoSize);
      if (loop_.empty()) loop_event_.cancel();  // a damaged archive
      w_.irq.restore(irq);
    }
  });
}

}  // namespace orrery::hw
