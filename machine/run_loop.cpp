#include "machine/run_loop.h"

#include <fmt/format.h>

#include <algorithm>

namespace orrery::machine {

std::string_view stop_reason_name(StopReason reason) {
  switch (reason) {
    case StopReason::Reached: return "reached";
    case StopReason::Requested: return "stopped";
    case StopReason::PowerOff: return "power off";
    case StopReason::Reset: return "reset";
    case StopReason::DebugExit: return "debug exit";
    case StopReason::TripleFault: return "triple fault";
    case StopReason::Breakpoint: return "breakpoint";
    case StopReason::ReplayEnd: return "end of the replay";
    case StopReason::Diverged: return "replay diverged";
  }
  return "?";
}

bool RunLoop::ended(std::optional<RunResult> result) {
  if (result) standing_ = std::move(result);
  return standing_.has_value();
}

// Reports of the replay end one run, but do not stand.
std::optional<RunResult> RunLoop::enter(const JournalEntry& entry) {
  if (const auto* input = std::get_if<Input>(&entry.what)) {
    hooks_.apply(*input);
    clock_.run_due();
    return std::nullopt;
  }
  if (const auto* mark = std::get_if<FileMark>(&entry.what)) {
    if (FileMark::of_file(mark->role, mark->role) == *mark) return std::nullopt;
    return RunResult{StopReason::Diverged, 0,
                     fmt::format("{} is not the file that was used in the recording", mark->role)};
  }
  const auto* end = std::get_if<RunEnd>(&entry.what);
  const u64 expected = end != nullptr ? end->hash : std::get<Checkpoint>(entry.what).hash;
  const u64 found = hooks_.hash();
  if (found != expected) {
    return RunResult{
        StopReason::Diverged, 0,
        fmt::format("at tick {} the state hash is {:016x}, in the recording {:016x}", entry.tick, found, expected)};
  }
  if (end == nullptr) return std::nullopt;
  gate_.replay(nullptr);
  return RunResult{StopReason::ReplayEnd, 0, fmt::format("the recording ends at tick {}", entry.tick)};
}

std::optional<RunResult> RunLoop::settle() {
  // A recorded run that went on after its end (the user switched on again) does so in the replay.
  if (gate_.replaying() && gate_.next_tick() <= clock_.ticks()) standing_.reset();
  if (standing_) return standing_;
  clock_.run_due();
  if (ended(hooks_.signals())) return standing_;
  while (const std::optional<JournalEntry> entry = gate_.take(clock_.ticks())) {
    if (std::optional<RunResult> result = enter(*entry)) return result;
    if (ended(hooks_.signals())) return standing_;
  }
  if (gate_.replaying() && gate_.next_tick() == ~u64{0}) {
    gate_.replay(nullptr);
    return RunResult{StopReason::ReplayEnd, 0, fmt::format("the recording breaks off at tick {}", clock_.ticks())};
  }
  return std::nullopt;
}

std::optional<RunResult> RunLoop::after(cpu::Stop stop, u64 limit) {
  idle_ = false;
  // A reset that was asked for in the processor's last instruction goes before its being halted or shut down.
  if (ended(hooks_.signals())) return standing_;
  switch (stop) {
    case cpu::Stop::Budget:
    case cpu::Stop::Requested: break;
    case cpu::Stop::Halted:
      idle_ = true;
      if (const u64 next = std::min(limit, clock_.next_due_tick()); next != ~u64{0}) {
        clock_.set_ticks(std::max(clock_.ticks(), next));
      }
      break;
    case cpu::Stop::Shutdown:
      if (ended(hooks_.shutdown())) return standing_;
      break;
    case cpu::Stop::Breakpoint: return RunResult{StopReason::Breakpoint, 0, {}};
  }
  return std::nullopt;
}

RunResult RunLoop::run_until(u64 tick) {
  for (;;) {
    if (std::optional<RunResult> result = settle()) return *result;
    if (stop_requested_.exchange(false, std::memory_order_acq_rel)) return {StopReason::Requested, 0, {}};
    const u64 now = clock_.ticks();
    if (now >= tick) return {StopReason::Reached, 0, {}};
    const u64 limit = std::min(tick, gate_.next_tick());
    const u64 slice = std::max<u64>(
        1, static_cast<u64>(static_cast<unsigned __int128>(clock_.rate()) * kSliceNs / core::kNsPerSecond));
    const cpu::Stop stop = processor_.run(std::min(limit, now + slice));
    if (std::optional<RunResult> result = after(stop, limit)) return *result;
  }
}

RunResult RunLoop::step() {
  if (std::optional<RunResult> result = settle()) return *result;
  const u64 next = gate_.next_tick();
  const cpu::Stop stop = processor_.step();
  if (std::optional<RunResult> result = after(stop, next)) return *result;
  return {StopReason::Reached, 0, {}};
}

}  // namespace orrery::machine
