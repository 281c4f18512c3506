// PS/2 mouse: the standard two- and three-button mouse, the IntelliMouse with a wheel (ID 3) and the IntelliMouse
// Explorer with five buttons (ID 4), at its end of the cable.
//
// Source: IBM Personal System/2 Hardware Interface Technical Reference, "Auxiliary device (mouse)"; for the wheel and
// the further buttons Microsoft's description of the sample rate sequences 200-100-80 and 200-200-80.
//
// Motion gathers in counters until it is reported; what does not fit into one report goes into the next, so that a fast
// move arrives whole. Reports follow the sample rate in virtual time.
#pragma once

#include <array>
#include <vector>

#include "hw/core/clock.h"
#include "hw/core/device.h"
#include "hw/core/log.h"
#include "hw/core/ps2.h"

namespace orrery::hw {

class Ps2Mouse final : public core::Device, public core::Ps2Port {
 public:
  Ps2Mouse(core::Clock& clock, core::Log& log);

  std::string_view name() const override { return "mouse"; }
  void reset() override;
  void archive(core::Archive& ar) override;

  /// The mouse moves: right and down are positive.
  void move(i32 dx, i32 dy);
  /// Which buttons are down: bit 0 left, 1 right, 2 middle, 3 and 4 the side buttons.
  void set_buttons(u8 down);
  /// The wheel turns; away from the user is positive.
  void wheel(i32 notches);
  /// A report without news, for a driver that only waits for the interrupt (hw/vmport.h).
  void nudge();
  /// True while the guest listens: stream mode with reporting enabled, or remote mode.
  bool enabled() const { return reporting_ || mode_ == Mode::Remote; }

  void receive(u8 byte) override;
  bool has_byte() const override { return !replies_.empty() || !report_.empty(); }
  u8 take_byte() override;

 private:
  enum class Mode : u8 { Stream, Remote };
  enum class Expect : u8 { Command, Resolution, SampleRate };

  void command(u8 byte);
  void reply(u8 byte);
  void set_defaults();
  void set_sample_rate(u8 rate);
  void clear_counters();
  bool news() const;
  bool tracking() const { return !wrap_ && enabled(); }
  void something_happened();
  void build_report(std::vector<u8>& out, bool stream);
  void due();

  core::Clock& clock_;
  core::Log& log_;
  core::Event sample_;
  core::Event self_test_;
  std::vector<u8> replies_;
  std::vector<u8> report_;  // the one on its way in stream mode
  Mode mode_ = Mode::Stream;
  Expect expect_ = Expect::Command;
  bool wrap_ = false;
  bool reporting_ = false;
  bool scaling_2_1_ = false;
  u8 resolution_ = 2;
  u8 sample_rate_ = 100;
  u8 id_ = 0;
  std::array<u8, 3> last_rates_{};
  u8 last_sent_ = 0;
  u8 buttons_ = 0;
  u8 reported_buttons_ = 0;
  bool nudged_ = false;
  i32 dx_ = 0;
  i32 dy_ = 0;
  i32 dz_ = 0;
  u64 next_report_ = 0;  // not before this time
};

}  // namespace orrery::hw
