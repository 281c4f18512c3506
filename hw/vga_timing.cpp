// Frame timing from the CRT controller's registers, the character width and the clock select, in dot clocks.
#include "hw/core/clock.h"
#include "hw/vga_registers.h"

namespace orrery::hw {

VgaTiming::VgaTiming(const VgaRegisters& regs, const VbeDispi& dispi) {
  if (dispi.enabled()) {
    // Nothing says how fast a DISPI mode is scanned: sixty frames a second with the usual share of blanking.
    characters_shown_ = std::max(1u, (dispi.width() + 7) / 8);
    per_character_ = 8;
    per_sweep_ = per_line_ = u64{characters_shown_ + characters_shown_ / 4 + 1} * per_character_;
    lines_shown_ = std::max(1u, dispi.height());
    lines_total_ = lines_shown_ + lines_shown_ / 25 + 6;
    retrace_start_ = lines_shown_ + 1;
    retrace_lines_ = 3;
    per_frame_ = per_line_ * lines_total_;
    hz_ = per_frame_ * 60;
    return;
  }
  // Clock select 0 and 1 are the two crystals; 2 and 3 are external inputs that nothing is connected to on this board
  // and that run from the first.
  hz_ = (regs.misc >> 2 & 3) == 1 ? 28'322'000 : 25'175'000;
  per_character_ = (regs.dots_8() ? 8 : 9) * (regs.dot_clock_halved() ? 2 : 1);
  characters_shown_ = regs.characters_shown();
  // CR17 bit 2 clocks the vertical counters with every second horizontal retrace.
  per_sweep_ = u64{regs.characters_total()} * per_character_;
  per_line_ = per_sweep_ * ((regs.crtc[0x17] & 0x04) != 0 ? 2 : 1);
  lines_total_ = regs.lines_total();
  lines_shown_ = regs.lines_shown();
  retrace_start_ = std::min(regs.retrace_start(), lines_total_ - 1);
  // The retrace ends when the low four bits of the line counter match; it lasts 1 to 16 lines.
  retrace_lines_ = regs.sync_enabled() ? ((regs.crtc[0x11] - retrace_start_ - 1) & 15) + 1 : 0;
  per_frame_ = per_line_ * lines_total_;
}

u64 VgaTiming::ticks(u64 ns) const {
  return static_cast<u64>(static_cast<unsigned __int128>(ns) * hz_ / core::kNsPerSecond);
}

VgaTiming::Position VgaTiming::at(u64 ns) const {
  const u64 t = ticks(ns);
  const u64 in_frame = t % per_frame_;
  // Where a line of the counters lasts two of the beam's, the beam crosses the screen twice.
  const u64 in_line = in_frame % per_line_ % per_sweep_;
  return {t / per_frame_, static_cast<unsigned>(in_frame / per_line_), static_cast<unsigned>(in_line / per_character_)};
}

bool VgaTiming::in_vertical_retrace(const Position& p) const {
  return (p.line + lines_total_ - retrace_start_) % lines_total_ < retrace_lines_;
}

u64 VgaTiming::next_retrace(u64 ns) const {
  const u64 t = ticks(ns);
  u64 start = t - t % per_frame_ + retrace_start_ * per_line_;
  if (start <= t) start += per_frame_;
  const auto scaled = static_cast<unsigned __int128>(start) * core::kNsPerSecond;
  return static_cast<u64>((scaled + hz_ - 1) / hz_);
}

}  // namespace orrery::hw
