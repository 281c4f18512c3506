#include "hw/pic.h"

namespace orrery::hw {

using core::bit;

void Pic8259::reset() {
  // The 8259A has no reset pin: until ICW1 arrives it is as good as not there.
  edges_ = isr_ = elcr_ = icw1_ = icw2_ = icw3_ = icw4_ = next_icw_ = 0;
  imr_ = 0xff;
  lowest_ = 7;
  rotate_on_aeoi_ = special_mask_ = poll_ = read_isr_ = false;
}

void Pic8259::archive(core::Archive& ar) {
  ar("pins", pins_);
  ar("edges", edges_);
  ar("isr", isr_);
  ar("imr", imr_);
  ar("elcr", elcr_);
  ar("icw1", icw1_);
  ar("icw2", icw2_);
  ar("icw3", icw3_);
  ar("icw4", icw4_);
  ar("next_icw", next_icw_);
  ar("lowest", lowest_);
  ar("rotate_on_aeoi", rotate_on_aeoi_);
  ar("special_mask", special_mask_);
  ar("poll", poll_);
  ar("read_isr", read_isr_);
  lowest_ &= 7;
}

void Pic8259::set_pin(unsigned n, bool level) {
  const u8 mask = static_cast<u8>(1u << n);
  if (level && (pins_ & mask) == 0) edges_ |= mask;
  if (!level) edges_ &= static_cast<u8>(~mask);
  pins_ = static_cast<u8>(level ? pins_ | mask : pins_ & ~mask);
}

int Pic8259::highest(u8 mask) const {
  for (unsigned i = 1; i <= 8; ++i) {
    const unsigned level = (lowest_ + i) & 7;
    if (bit(mask, level)) return static_cast<int>(level);
  }
  return -1;
}

int Pic8259::highest_request() const {
  if (next_icw_ != 0) return -1;  // being initialised
  const int request = highest(irr() & static_cast<u8>(~imr_));
  if (request < 0) return -1;
  // Special Mask Mode: a masked level in service holds nobody back.
  const u8 blocking = special_mask_ ? isr_ & static_cast<u8>(~imr_) : isr_;
  const int served = highest(blocking);
  if (served < 0) return request;
  const unsigned request_priority = priority(static_cast<unsigned>(request));
  const unsigned served_priority = priority(static_cast<unsigned>(served));
  // Special Fully Nested Mode: a slave in service may ask again for one of its higher levels.
  const bool again = request == served && master_ && (icw4_ & kIcw4Sfnm) != 0 && has_slave(request);
  return request_priority < served_priority || again ? request : -1;
}

int Pic8259::acknowledge() {
  const int level = highest_request();
  if (level < 0) return -1;
  const u8 mask = static_cast<u8>(1 << level);
  edges_ &= static_cast<u8>(~mask);
  isr_ |= mask;
  if ((icw4_ & kIcw4Aeoi) != 0) end_of_interrupt(level, rotate_on_aeoi_);
  return level;
}

u8 Pic8259::vector(int level) const {
  if ((icw4_ & kIcw4Upm) != 0) return static_cast<u8>((icw2_ & 0xf8) | level);
  // MCS-80/85 mode: the second byte of the sequence is the low half of a call address.
  if ((icw1_ & kIcw1Interval4) != 0) return static_cast<u8>((icw1_ & 0xe0) | (level << 2));
  return static_cast<u8>((icw1_ & 0xc0) | (level << 3));
}

void Pic8259::end_of_interrupt(int level, bool rotate) {
  if (level < 0) return;
  isr_ &= static_cast<u8>(~(1 << level));
  if (rotate) lowest_ = static_cast<u8>(level);
}

u8 Pic8259::poll() {
  poll_ = false;
  const int level = acknowledge();
  return level < 0 ? u8{0} : static_cast<u8>(0x80 | level);
}

u8 Pic8259::read_command() {
  if (poll_) return poll();
  return read_isr_ ? isr_ : irr();
}

u8 Pic8259::read_data() { return poll_ ? poll() : imr_; }

void Pic8259::write_command(u8 value) {
  if ((value & kIcw1) == 0) {
    if (bit(value, 3)) {
      operation_word_3(value);
    } else {
      operation_word_2(value);
    }
    return;
  }
  // Initialization Command Word 1: see "Initialization sequence", items a to f.
  icw1_ = value;
  edges_ = isr_ = imr_ = 0;
  lowest_ = 7;
  special_mask_ = read_isr_ = poll_ = rotate_on_aeoi_ = false;
  icw4_ = 0;
  next_icw_ = 2;
}

void Pic8259::operation_word_2(u8 value) {
  const bool rotate = bit(value, 7);
  const int level = value & 7;
  switch (value >> 5) {
    case 1:  // non-specific EOI
    case 5:  // rotate on non-specific EOI
      end_of_interrupt(highest(special_mask_ ? isr_ & static_cast<u8>(~imr_) : isr_), rotate);
      break;
    case 3:  // specific EOI
    case 7:  // rotate on specific EOI
      end_of_interrupt(level, rotate);
      break;
    case 0:  // rotate in automatic EOI mode: clear
    case 4:  // rotate in automatic EOI mode: set
      rotate_on_aeoi_ = rotate;
      break;
    case 6:  // set priority
      lowest_ = static_cast<u8>(level);
      break;
    default:  // 2: no operation
      break;
  }
}

void Pic8259::operation_word_3(u8 value) {
  if (bit(value, 6)) special_mask_ = bit(value, 5);
  if (bit(value, 2)) {
    poll_ = true;
  } else if (bit(value, 1)) {
    read_isr_ = bit(value, 0);
  }
}

void Pic8259::write_data(u8 value) {
  switch (next_icw_) {
    case 2:
      icw2_ = value;
      next_icw_ = (icw1_ & kIcw1Single) == 0 ? 3 : (icw1_ & kIcw1Ic4) != 0 ? 4 : 0;
      break;
    case 3:
      icw3_ = value;
      next_icw_ = (icw1_ & kIcw1Ic4) != 0 ? 4 : 0;
      break;
    case 4:
      icw4_ = value;
      next_icw_ = 0;
      break;
    default: imr_ = value; break;
  }
}

void Pic8259::write_elcr(u8 value) {
  // An input that becomes edge-triggered waits for its next edge.
  edges_ &= static_cast<u8>(~(elcr_ ^ value));
  elcr_ = value & elcr_mask_;
}

std::string Pic8259::info() const {
  return fmt::format("irr={:02x} imr={:02x} isr={:02x} hprio={} irq_base={:02x} rr_sel={} elcr={:02x} fnm={}", irr(),
                     imr_, isr_, (lowest_ + 1) & 7, icw2_ & 0xf8, read_isr_ ? 1 : 0, elcr_,
                     (icw4_ & kIcw4Sfnm) != 0 ? 1 : 0);
}

PicPair::PicPair(core::PortBus& ports, core::Log& log, Elcr elcr)
    : log_(log), master_(true, elcr == Elcr::Present ? 0xf8 : 0), slave_(false, elcr == Elcr::Present ? 0xde : 0) {
  for (unsigned n = 0; n < inputs_.size(); ++n) {
    if (n == kCascade) continue;
    inputs_[n].connect([this, n](bool level) {
      log_(core::Channel::Irq, "pic: IRQ {} {}", n, level ? "high" : "low");
      (n < 8 ? master_ : slave_).set_pin(n & 7, level);
      update();
    });
  }
  const auto chip = [this](std::string title, u64 base, Pic8259& pic) {
    return core::IoRange{.name = std::move(title),
                         .base = base,
                         .size = 2,
                         .widths = {},
                         .movable = false,
                         .read = [this, &pic](u64 offset, unsigned) -> u64 {
                           const bool poll = pic.polled();
                           const u8 value = offset == 0 ? pic.read_command() : pic.read_data();
                           if (poll) update();  // it is an acknowledge cycle
                           return value;
                         },
                         .write =
                             [this, &pic](u64 offset, unsigned, u64 value) {
                               if (offset == 0) {
                                 pic.write_command(static_cast<u8>(value));
                               } else {
                                 pic.write_data(static_cast<u8>(value));
                               }
                               update();
                             }};
  };
  mappings_[0] = ports.map(chip("pic1", 0x20, master_));
  mappings_[1] = ports.map(chip("pic2", 0xa0, slave_));
  if (elcr == Elcr::Present) {
    mappings_[2] =
        ports.map({.name = "elcr",
                   .base = 0x4d0,
                   .size = 2,
                   .widths = {},
                   .movable = false,
                   .read = [this](u64 offset, unsigned) -> u64 { return (offset == 0 ? master_ : slave_).elcr(); },
                   .write =
                       [this](u64 offset, unsigned, u64 value) {
                         (offset == 0 ? master_ : slave_).write_elcr(static_cast<u8>(value));
                         update();
                       }});
  }
}

void PicPair::reset() {
  master_.reset();
  slave_.reset();
  update();
}

void PicPair::archive(core::Archive& ar) {
  ar.section(name(), 1, [&](u32) {
    ar("master", master_);
    ar("slave", slave_);
  });
  if (!ar.loading()) return;
  for (unsigned n = 0; n < inputs_.size(); ++n) {
    if (n != kCascade) inputs_[n].restore((n < 8 ? master_ : slave_).pin(n & 7));
  }
  intr_.restore(master_.interrupt());
}

void PicPair::update() {
  master_.set_pin(kCascade, slave_.interrupt());
  intr_.set(master_.interrupt());
}

u8 PicPair::acknowledge() {
  const int level = master_.acknowledge();
  u8 vector = master_.vector(level < 0 ? 7 : level);
  if (level >= 0 && master_.has_slave(level)) {
    const int slave_level = slave_.acknowledge();
    vector = slave_.vector(slave_level < 0 ? 7 : slave_level);
    // INT falls with the acknowledge cycle, so that a further request of the slave is a new edge for the master.
    master_.set_pin(kCascade, false);
  }
  intr_.set(false);
  update();
  log_(core::Channel::Irq, "pic: acknowledged, vector {:02x}", vector);
  return vector;
}

std::string PicPair::info() const { return "pic0: " + master_.info() + "\npic1: " + slave_.info(); }

}  // namespace orrery::hw
