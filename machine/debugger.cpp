#include "machine/debugger.h"

#include <algorithm>
#include <array>

#include "hw/core/archive.h"
#include "machine/input_gate.h"
#include "machine/pc.h"

namespace orrery::machine {

// --- points ----------------------------------------------------------------------------------------------------------

Debugger::Id Debugger::add(const Point& point) {
  points_.push_back({next_id_, point, 0});
  armed_ = false;
  return next_id_++;
}

bool Debugger::remove(Id id) {
  armed_ = false;
  return std::erase_if(points_, [&](const Entry& e) { return e.id == id; }) != 0;
}

void Debugger::arm() {
  if (armed_) return;
  armed_ = true;
  std::vector<Point> list;
  for (const Entry& e : points_) list.push_back(e.point);
  // The last one is our own.
  if (detour_)
    list.push_back({.kind = Point::Kind::Execute, .space = Space::Linear, .address = detour_->pc, .length = 1});
  if (!std::ranges::equal(list, machine_.cpu().debug_points())) machine_.cpu().set_debug_points(std::move(list));
}

// --- stopping and going ----------------------------------------------------------------------------------------------

RunResult Debugger::stop(Stop stop) {
  stop_ = std::move(stop);
  stopped_ = true;
  goal_.reset();
  if (detour_) armed_ = false;
  detour_.reset();
  // A listener may add points or make the machine go on.
  for (const auto& listener : listeners_) listener(stop_);
  return {StopReason::Breakpoint, 0, {}};
}

RunResult Debugger::stop_at_hit() {
  const cpu::DebugHit hit = machine_.cpu().debug_hit();
  Stop found;
  found.cause = Stop::Cause::Point;
  found.address = hit.address;
  if (hit.point < points_.size()) {
    Entry& entry = points_[hit.point];
    ++entry.hits;
    found.id = entry.id;
    found.point = entry.point;
  }
  return stop(std::move(found));
}

void Debugger::pause() {
  if (!stopped_) stop({.cause = Stop::Cause::Pause, .id = 0, .point = {}, .address = 0, .result = {}});
}

void Debugger::hold(RunResult result) {
  stop({.cause = Stop::Cause::Ended, .id = 0, .point = {}, .address = 0, .result = std::move(result)});
}

void Debugger::resume(bool past_point) {
  goal_.reset();
  if (past_point && stopped_) machine_.cpu().pass_debug_point();
  stopped_ = false;
}

void Debugger::step(const StepGoal& goal) {
  goal_ = goal;
  stopped_ = false;
}

RunResult Debugger::run(u64 until_tick) {
  if (stopped_) return {StopReason::Breakpoint, 0, {}};
  if (goal_) return run_step(until_tick);
  arm();
  RunResult result = machine_.run_until_tick(until_tick);
  return result.reason == StopReason::Breakpoint ? stop_at_hit() : result;
}

RunResult Debugger::run_detour(u64 until_tick) {
  for (;;) {
    arm();
    RunResult result = machine_.run_until_tick(std::min(until_tick, detour_->deadline));
    if (result.reason == StopReason::Reached && machine_.ticks() >= detour_->deadline) {
      return stop({.cause = Stop::Cause::Step, .id = 0, .point = {}, .address = 0, .result = {}});
    }
    if (result.reason != StopReason::Breakpoint) return result;
    const Detour at = here();
    const bool back = at.pc == detour_->pc && at.stack == detour_->stack && at.cpl == detour_->cpl;
    if (back) {
      detour_.reset();
      armed_ = false;
      return {StopReason::Reached, 0, {}};
    }
    if (machine_.cpu().debug_hit().point < points_.size()) return stop_at_hit();
  }
}

RunResult Debugger::run_step(u64 until_tick) {
  cpu::Cpu& cpu = machine_.cpu();
  for (;;) {
    if (detour_) {
      RunResult result = run_detour(until_tick);
      if (detour_ || !goal_) return result;
    }
    if (machine_.ticks() >= until_tick) return {StopReason::Reached, 0, {}};
    arm();
    const Detour before = here();
    const u64 interrupts = cpu.interrupts_taken();
    cpu.pass_debug_point();
    RunResult result = machine_.step();
    if (result.reason == StopReason::Breakpoint) return stop_at_hit();
    if (result.reason != StopReason::Reached) return result;
    if (machine_.idle()) {
      // Halted: time passes up to the next event, and nothing was executed.
      result = machine_.run_until_tick(std::min(until_tick, machine_.clock().next_due_tick()));
      if (result.reason != StopReason::Reached) return result;
      continue;
    }
    if (goal_->through_interrupts && cpu.interrupts_taken() != interrupts) {
      detour_ = before;
      detour_->deadline = machine_.ticks() + machine_.clock().rate();  // a virtual second
      armed_ = false;
      continue;
    }
    const u64 at = pc();
    if (at >= goal_->range_first && at < goal_->range_last) continue;
    if (goal_->count > 1) {
      --goal_->count;
      continue;
    }
    return stop({.cause = Stop::Cause::Step, .id = 0, .point = {}, .address = 0, .result = {}});
  }
}

// --- memory and registers --------------------------------------------------------------------------------------------

Debugger::Detour Debugger::here() const {
  const cpu::State& s = machine_.cpu().state();
  return {.pc = pc(), .stack = s.seg[cpu::kSs].base + s.gpr[cpu::kRsp], .cpl = s.cpl, .deadline = 0};
}

u64 Debugger::pc() const {
  const cpu::State& s = machine_.cpu().state();
  const bool long_code = (s.efer & cpu::kEferLma) != 0 && s.seg[cpu::kCs].l();
  return long_code ? s.rip : (s.seg[cpu::kCs].base + s.rip) & 0xffffffff;
}

std::size_t Debugger::read(Space space, u64 address, std::span<u8> out) const {
  for (std::size_t n = 0; n < out.size(); ++n) {
    u64 physical = address + n;
    if (space == Space::Linear && !machine_.cpu().translate(address + n, physical)) return n;
    const core::GuestMemory::Page& page = machine_.memory().page(physical);
    if (page.read != nullptr) {
      out[n] = page.read[physical & core::kPageMask];
    } else if (const std::optional<u8> byte = machine_.board().peek(physical)) {
      out[n] = *byte;
    } else {
      return n;
    }
  }
  return out.size();
}

std::size_t Debugger::write(Space space, u64 address, std::span<const u8> bytes) {
  if (read_only()) return 0;
  std::size_t done = 0;
  while (done < bytes.size()) {
    u64 physical = address + done;
    if (space == Space::Linear && !machine_.cpu().translate(address + done, physical)) break;
    const core::GuestMemory::Page& page = machine_.memory().page(physical);
    if (page.write == nullptr && (page.read != nullptr || !machine_.board().peek(physical))) break;
    const std::size_t room = std::min<std::size_t>(bytes.size() - done, core::kPageSize - (physical & core::kPageMask));
    MemoryWrite input;
    input.address = physical;
    input.bytes.assign(bytes.begin() + static_cast<std::ptrdiff_t>(done),
                       bytes.begin() + static_cast<std::ptrdiff_t>(done + room));
    machine_.post(std::move(input));
    done += room;
  }
  machine_.settle();
  return done;
}

void Debugger::edit_processor(const std::function<void(cpu::Cpu&)>& change) {
  if (read_only()) return;
  cpu::Cpu& cpu = machine_.cpu();
  const std::vector<u8> before = core::save_to_bytes(cpu);
  change(cpu);
  CpuWrite input{core::save_to_bytes(cpu)};
  core::load_from_bytes(cpu, before);
  if (input.archive == before) return;
  machine_.post(std::move(input));
  machine_.settle();
}

bool Debugger::read_only() const { return machine_.gate().replaying(); }

}  // namespace orrery::machine
