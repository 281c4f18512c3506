#include "hw/speaker.h"

#include <algorithm>

namespace orrery::hw {

Speaker::Speaker(core::Clock& clock, core::LevelLine& timer2_out, core::LevelLine& enable)
    : clock_(clock), timer2_out_(timer2_out), enable_(enable) {
  timer2_out_.connect([this](bool) { update(); });
  enable_.connect([this](bool) { update(); });
}

void Speaker::reset() { update(); }

void Speaker::archive(core::Archive& ar) {
  ar.section(name(), 1, [&](u32) { ar("level", level_); });
  if (!ar.loading()) return;
  changes_.clear();  // sound is an output: what was heard before is not part of the machine
  first_level_ = level_;
}

void Speaker::forget() {
  const u64 now = clock_.now();
  while (!changes_.empty() && (changes_.size() > kMostChanges || now - changes_.front() > kHistoryNs)) {
    changes_.pop_front();
    first_level_ = !first_level_;
  }
}

void Speaker::update() {
  const bool level = timer2_out_.level() && enable_.level();
  if (level == level_) return;
  level_ = level;
  changes_.push_back(clock_.now());
  forget();
}

bool Speaker::active() const {
  return enable_.level() || (!changes_.empty() && clock_.now() - changes_.back() <= kHistoryNs);
}

std::size_t Speaker::render(u64 from_ns, u64 to_ns, u32 rate, std::span<i16> out) const {
  if (rate == 0 || to_ns <= from_ns) return 0;
  // Changes before from_ns only decide the level there.
  auto next = std::upper_bound(changes_.begin(), changes_.end(), from_ns);
  bool level = first_level_ != (((next - changes_.begin()) & 1) != 0);
  std::size_t written = 0;
  u64 start = from_ns;
  while (written < out.size()) {
    const u64 end = from_ns + static_cast<u64>(static_cast<unsigned __int128>(written + 1) * core::kNsPerSecond / rate);
    if (end > to_ns) break;
    u64 high = 0;
    u64 at = start;
    for (; next != changes_.end() && *next < end; ++next) {
      if (level) high += *next - at;
      at = *next;
      level = !level;
    }
    if (level) high += end - at;
    out[written++] = end == start ? i16{0} : static_cast<i16>(high * kAmplitude / (end - start));
    start = end;
  }
  return written;
}

}  // namespace orrery::hw
