// The two 8259A programmable interrupt controllers of a PC, cascaded through the master's IR2, with the PIIX3's ELCR.
//
// Source: Intel 8259A data sheet (order 231468); for the edge/level control registers at 4D0h and 4D1h the 82371SB
// (PIIX3) data sheet, section 2.5.4. Section names below are those of the 8259A data sheet.
//
// Devices drive input(0..15); input 2 is the cascade and is not connected. The board connects intr() to the processor
// and calls acknowledge() for its interrupt acknowledge cycle.
#pragma once

#include <array>
#include <string>

#include "hw/core/bus.h"
#include "hw/core/device.h"
#include "hw/core/line.h"
#include "hw/core/log.h"

namespace orrery::hw {

/// One 8259A without its bus: what PicPair is made of.
class Pic8259 {
 public:
  /// `elcr_mask`: the inputs that ELCR can make level-triggered; 0 for a board without ELCR.
  Pic8259(bool master, u8 elcr_mask) : master_(master), elcr_mask_(elcr_mask) {}

  void reset();
  void archive(core::Archive& ar);

  /// The level on pin IRn.
  void set_pin(unsigned n, bool level);
  bool pin(unsigned n) const { return core::bit(pins_, n); }
  /// The INT output.
  bool interrupt() const { return highest_request() >= 0; }
  /// The interrupt acknowledge sequence: returns the level that is taken, or -1 if the request has gone (the
  /// controller then answers as for IR7 and leaves ISR alone).
  int acknowledge();
  /// What the controller puts on the bus for `level` (0-7).
  u8 vector(int level) const;
  /// True if a slave hangs on this input (ICW3 of a master in cascade mode).
  bool has_slave(int level) const {
    return (icw1_ & kIcw1Single) == 0 && core::bit(icw3_, static_cast<unsigned>(level));
  }

  /// The next read is a poll: an acknowledge cycle.
  bool polled() const { return poll_; }
  u8 read_command();
  u8 read_data();
  void write_command(u8 value);
  void write_data(u8 value);
  u8 elcr() const { return elcr_; }
  void write_elcr(u8 value);

  /// One line as QEMU's `info pic` prints it, without the name of the chip.
  std::string info() const;

 private:
  static constexpr u8 kIcw1Ic4 = 0x01, kIcw1Single = 0x02, kIcw1Interval4 = 0x04, kIcw1Level = 0x08, kIcw1 = 0x10;
  static constexpr u8 kIcw4Upm = 0x01, kIcw4Aeoi = 0x02, kIcw4Sfnm = 0x10;

  u8 level_triggered() const { return (icw1_ & kIcw1Level) != 0 ? 0xff : elcr_; }
  /// IRR: level inputs show their pins, edge inputs their latch while the pin stays high.
  u8 irr() const { return pins_ & static_cast<u8>(edges_ | level_triggered()); }
  /// 0 for the level of highest priority, 7 for the lowest.
  unsigned priority(unsigned level) const { return (level - lowest_ - 1u) & 7u; }
  int highest(u8 mask) const;
  int highest_request() const;
  u8 poll();
  void end_of_interrupt(int level, bool rotate);
  void operation_word_2(u8 value);
  void operation_word_3(u8 value);

  bool master_;
  u8 elcr_mask_;
  u8 pins_ = 0;
  u8 edges_ = 0;  // rising edges not yet acknowledged
  u8 isr_ = 0;
  u8 imr_ = 0xff;
  u8 elcr_ = 0;
  u8 icw1_ = 0;
  u8 icw2_ = 0;
  u8 icw3_ = 0;
  u8 icw4_ = 0;
  u8 next_icw_ = 0;  // the ICW that the next write to the data port is; 0: none, that write is OCW1
  u8 lowest_ = 7;    // the level of lowest priority
  bool rotate_on_aeoi_ = false;
  bool special_mask_ = false;
  bool poll_ = false;
  bool read_isr_ = false;
};

class PicPair final : public core::Device {
 public:
  enum class Elcr : u8 { Absent, Present };

  PicPair(core::PortBus& ports, core::Log& log, Elcr elcr = Elcr::Present);

  std::string_view name() const override { return "pic"; }
  void reset() override;
  void archive(core::Archive& ar) override;

  /// Interrupt request n (0-15) as an input pin. Whoever drives it is its only driver (share with core::WiredOr).
  core::LevelLine& input(unsigned n) { return inputs_.at(n); }
  /// INTR of the processor.
  core::LevelLine& intr() { return intr_; }
  /// The processor's interrupt acknowledge cycle: the vector.
  u8 acknowledge();
  /// Both chips, one line each, as QEMU's `info pic` prints them.
  std::string info() const;

 private:
  static constexpr unsigned kCascade = 2;

  void update();

  core::Log& log_;
  Pic8259 master_;
  Pic8259 slave_;
  std::array<core::LevelLine, 16> inputs_;
  core::LevelLine intr_;
  std::array<core::PortBus::Mapping, 3> mappings_;
};

}  // namespace orrery::hw
