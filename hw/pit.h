// Intel 8254 programmable interval timer at ports 40h-43h.
//
// Source: Intel 8254 data sheet (order 231164): "Mode definitions", "Read operations" and "Write operations". A counter
// is a function of virtual time: it is clocked at 1193182 Hz, and clock pulse number k falls on the first nanosecond at
// which k periods have passed, so nothing drifts. Something that is written between two pulses acts at the next one,
// as the data sheet's waveforms show.
//
// Outputs 0 and 2 are lines that change at their exact moments. Counter 1 (memory refresh) is wired to nothing in this
// machine: it counts, and its output shows in the status byte.
#pragma once

#include <array>

#include "hw/core/bus.h"
#include "hw/core/clock.h"
#include "hw/core/device.h"
#include "hw/core/line.h"
#include "hw/core/log.h"

namespace orrery::hw {

/// One of the three counters. All times are numbers of clock pulses since power-on.
class PitCounter {
 public:
  static constexpr u64 kNever = ~u64{0};

  void reset();
  void archive(core::Archive& ar);

  void set_gate(u64 now, bool level);
  bool gate() const { return gate_; }
  void write_control(u64 now, u8 value);
  void write(u64 now, u8 value);
  u8 read(u64 now);
  void latch_count(u64 now);
  void latch_status(u64 now);

  /// The OUT pin at pulse `now`.
  bool out(u64 now);
  /// The first pulse after `now` at which OUT can change, or kNever.
  u64 next_change(u64 now);

 private:
  u32 modulus() const { return bcd_ ? 10000 : 65536; }
  u32 initial_count() const;  // of the count register, 1 to modulus
  bool periodic() const { return mode_ == 2 || mode_ == 3; }
  bool counts() const { return loaded_ && running_; }
  void settle(u64 now);
  void load(u64 at);
  void freeze(u64 now);
  void resume(u64 now);
  void count_written(u64 now);
  u64 next_boundary(u64 now) const;
  u32 element(u64 now) const;
  u16 value(u64 now) const;
  bool out_level(u64 now) const;

  // As programmed.
  u8 mode_ = 0;
  u8 access_ = 3;  // RW1, RW0
  bool bcd_ = false;
  bool gate_ = true;
  u16 count_register_ = 0;
  bool have_count_ = false;  // a count was written since the control word
  u8 low_byte_ = 0;
  bool high_next_write_ = false;
  bool high_next_read_ = false;
  bool null_count_ = true;
  bool count_latched_ = false;
  u16 latched_count_ = 0;
  bool status_latched_ = false;
  u8 latched_status_ = 0;

  // The counting element: at pulse base_ it holds start_ and, while running_, it goes down from there.
  bool loaded_ = false;  // it was loaded since the control word
  bool running_ = false;
  u64 base_ = 0;
  u32 start_ = 0;
  u32 period_ = 1;         // modes 2 and 3: the count in use
  bool base_high_ = true;  // mode 3: the half cycle that begins at base_
  u64 expires_ = kNever;   // modes 0, 1, 4, 5: the pulse at which the element reaches zero
  bool waiting_ = false;   // modes 0, 4: it has not reached zero since it was loaded
  u64 load_at_ = kNever;   // the pulse at which the count register goes into the element
  bool load_high_ = true;  // mode 3: the half cycle that this load begins
};

class Pit final : public core::Device {
 public:
  static constexpr u64 kHz = 1'193'182;

  Pit(core::PortBus& ports, core::Clock& clock, core::Log& log);

  std::string_view name() const override { return "pit"; }
  void reset() override;
  void archive(core::Archive& ar) override;

  /// OUT of counter `n`; 0 leads to IRQ 0, 2 to the speaker and port 61h. OUT 1 never changes its line.
  core::LevelLine& out(unsigned n) { return outs_.at(n); }
  /// GATE of counter `n`; 0 and 1 are tied high, 2 is driven by port 61h.
  core::LevelLine& gate(unsigned n) { return gates_.at(n); }

 private:
  u64 pulses() const;
  static u64 pulse_ns(u64 pulse);
  void write_control(u8 value);
  void update(unsigned n);

  core::Clock& clock_;
  core::Log& log_;
  std::array<PitCounter, 3> counters_;
  std::array<core::LevelLine, 3> outs_;
  std::array<core::LevelLine, 3> gates_;
  core::Event edge0_;
  core::Event edge2_;
  core::PortBus::Mapping mapping_;
};

}  // namespace orrery::hw
