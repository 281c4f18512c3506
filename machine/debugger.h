// The debugger core, shared by the gdb server, the monitor and whatever else looks at a machine from outside.
//
// It stops a machine at an exact instruction, reads and changes its memory and registers, and steps it. None of that
// shows in the guest: the run from a stop on is the run that would have been without it, instruction for instruction.
// What a debugger changes on purpose (memory, registers) enters through the input gate and is on record.
//
// Addresses are linear (segment base + offset, before paging) or physical (what is on the bus). Machine thread only.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cpu/debug_points.h"
#include "machine/machine.h"
#include "machine/stop.h"

namespace orrery::machine {

/// What a step is to do.
struct StepGoal {
  /// So many instructions. A repeated string instruction counts once an iteration, as the trap flag would have it.
  u64 count = 1;
  /// Go on while the linear address of the next instruction is in [first, last).
  u64 range_first = 0, range_last = 0;
  /// Hardware interrupts that come in the way are run through: the step goes on where they return to (with the same
  /// stack pointer). Otherwise the first instruction of the handler ends the step.
  bool through_interrupts = true;
};

class Debugger {
 public:
  using Point = cpu::DebugPoint;
  using Space = cpu::DebugPoint::Space;
  using Id = u32;

  struct Entry {
    Id id = 0;
    Point point;
    u64 hits = 0;
  };

  struct Stop {
    enum class Cause : u8 {
      Pause,  // pause()
      Step,   // the step is done
      Point,  // a point was hit
      Ended,  // hold(): the run has ended, and the machine stands for inspection
    };
    Cause cause = Cause::Pause;
    Id id = 0;         // Point
    Point point;       // Point
    u64 address = 0;   // Point: as cpu::DebugHit
    RunResult result;  // Ended
  };

  explicit Debugger(Machine& machine) : machine_(machine) {}
  Debugger(const Debugger&) = delete;
  Debugger& operator=(const Debugger&) = delete;

  // --- points --------------------------------------------------------------------------------------------------------
  Id add(const Point& point);
  /// False if there is none with that number.
  bool remove(Id id);
  const std::vector<Entry>& points() const { return points_; }

  // --- stopping and going --------------------------------------------------------------------------------------------
  bool stopped() const { return stopped_; }
  /// Why it stands, or stood last.
  const Stop& last_stop() const { return stop_; }
  /// The machine stands still from now on. Nothing happens if it does so already.
  void pause();
  /// The run has ended for good, but somebody wants to look before it is thrown away.
  void hold(RunResult result);
  /// Goes on. `past_point`: an Execute point at the present instruction does not stop it again.
  void resume(bool past_point = true);
  void step(const StepGoal& goal);
  /// Runs the machine to `until_tick` at most, as resume() or step() asked for. Ends with StopReason::Breakpoint when
  /// there is a stop, at once if the machine stands.
  RunResult run(u64 until_tick);
  /// Called when the machine comes to a stop.
  void on_stop(std::function<void(const Stop&)> listener) { listeners_.push_back(std::move(listener)); }

  // --- memory and registers ------------------------------------------------------------------------------------------
  /// Linear address of the next instruction.
  u64 pc() const;
  /// Reads without any effect: no accessed bits, no devices (but the display's memory). Gives how many bytes there are
  /// from `address` on.
  std::size_t read(Space space, u64 address, std::span<u8> out) const;
  /// Writes to RAM and the display's memory, never to ROM or other devices; gives how many bytes were written. Code and
  /// pages that are write-protected for the guest are written too.
  std::size_t write(Space space, u64 address, std::span<const u8> bytes);
  /// Lets `change` change the processor's registers, and makes that take effect.
  void edit_processor(const std::function<void(cpu::Cpu&)>& change);
  /// While a recording is replayed nothing can be changed: write() writes nothing and edit_processor() does nothing.
  bool read_only() const;

 private:
  /// Where an interrupt that came into a step's way is to return to.
  struct Detour {
    u64 pc = 0, stack = 0;
    u8 cpl = 0;
    u64 deadline = 0;  // tick
  };

  RunResult stop(Stop stop);
  RunResult stop_at_hit();
  void arm();
  RunResult run_detour(u64 until_tick);
  RunResult run_step(u64 until_tick);
  Detour here() const;

  Machine& machine_;
  std::vector<Entry> points_;
  Id next_id_ = 1;
  bool armed_ = true;  // the processor has the present points
  bool stopped_ = false;
  Stop stop_;
  std::optional<StepGoal> goal_;
  std::optional<Detour> detour_;
  std::vector<std::function<void(const Stop&)>> listeners_;
};

}  // namespace orrery::machine
