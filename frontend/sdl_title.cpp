#include "frontend/sdl_title.h"

#include <fmt/format.h>

namespace orrery::frontend {
namespace {

constexpr u64 kMillion = 1'000'000;

std::string mips(u64 per_second) {
  return per_second < 10 * kMillion ? fmt::format("{:.1f}", static_cast<double>(per_second) / kMillion)
                                    : fmt::format("{}", (per_second + kMillion / 2) / kMillion);
}

std::string speed(const Status& status, u64 nominal_rate) {
  if (status.stopped) return "switched off";
  if (status.held) return "stopped by the debugger";
  if (status.speed == machine::Speed::Paused) return "paused (Ctrl-Alt-P goes on)";
  const bool turbo = status.speed == machine::Speed::Turbo;
  const std::string percent = fmt::format("{}{} %", turbo ? "turbo " : "", status.achieved_percent);
  if (status.achieved_percent == 0 || status.ticks_per_second == 0) return percent;
  // In turbo: what the host does. Else: what the virtual processor was given, which the governor lowers when the host
  // is late.
  const u64 rate = turbo ? status.ticks_per_second : status.ticks_per_second * 100 / status.achieved_percent;
  if (!turbo && rate < nominal_rate / 100 * 95) {
    return fmt::format("{}, {} of {} MIPS: the host is the limit", percent, mips(rate), mips(nominal_rate));
  }
  return fmt::format("{}, {} MIPS", percent, mips(rate));
}

}  // namespace

std::string window_title(const Status& status, u64 nominal_rate, bool grabbed) {
  std::string title = status.name.empty() ? "" : status.name + " - ";
  title += fmt::format("{}, {} - Orrery", speed(status, nominal_rate), status.engine);
  if (grabbed) title += " - Ctrl-Alt-G releases the mouse";
  return title;
}

}  // namespace orrery::frontend
