// The PC speaker: a cone behind an AND gate of the timer's channel 2 and port 61h bit 1.
//
// The chip records when its level changes, in virtual time, and makes samples from that on request. Rendering reads the
// record only, so that it never feeds back into the machine: how far back the record goes depends on virtual time and
// on the number of changes, not on who listens.
#pragma once

#include <deque>
#include <span>

#include "hw/core/clock.h"
#include "hw/core/device.h"
#include "hw/core/line.h"

namespace orrery::hw {

class Speaker final : public core::Device {
 public:
  /// How far back render() can look, and how many changes are kept at most.
  static constexpr u64 kHistoryNs = core::kNsPerSecond;
  static constexpr std::size_t kMostChanges = 1 << 17;
  /// Sample value while the cone is out; 0 while it is in.
  static constexpr i16 kAmplitude = 8192;

  /// The level is timer2_out AND enable.
  Speaker(core::Clock& clock, core::LevelLine& timer2_out, core::LevelLine& enable);

  std::string_view name() const override { return "speaker"; }
  void reset() override;
  void archive(core::Archive& ar) override;

  bool level() const { return level_; }
  /// True while a sound can be heard or may follow soon: the level changed within the last kHistoryNs, or data is
  /// enabled.
  bool active() const;

  /// Fills `out` with samples at `rate` per second; the first covers the time from `from_ns` on, and the whole run ends
  /// at `to_ns` at the latest: returns how many samples were written. Each sample is the mean level over its period (a
  /// box filter), exact in integers. Time before the record began counts with the level it began with, time to come
  /// with the present level.
  std::size_t render(u64 from_ns, u64 to_ns, u32 rate, std::span<i16> out) const;

 private:
  void update();
  void forget();

  core::Clock& clock_;
  core::LevelLine& timer2_out_;
  core::LevelLine& enable_;
  bool level_ = false;
  bool first_level_ = false;  // before the oldest change
  std::deque<u64> changes_;   // each flips the level
};

}  // namespace orrery::hw
