// The run loop: lets the processor execute up to the next thing that is due, and sees to that thing.
//
// At every border of a slice, in this order: events of the clock that are due; inputs from the gate, one by one, each
// followed by the events that it made due and by the board's signals (reset, power-off, exit). So what happens at a
// tick never depends on how the run was cut into slices: that is what makes a replay the same run.
//
// A halted processor does not execute: the clock jumps to the next event.
#pragma once

#include <atomic>
#include <functional>
#include <optional>

#include "cpu/cpu.h"
#include "hw/core/clock.h"
#include "machine/input_gate.h"
#include "machine/stop.h"

namespace orrery::machine {

/// The processors as the loop sees them.
class Processor {
 public:
  virtual ~Processor() = default;
  /// As cpu::Cpu::run() and step().
  virtual cpu::Stop run(u64 until_tick) = 0;
  virtual cpu::Stop step() = 0;
};

/// What the loop asks of the machine around it.
struct LoopHooks {
  /// An input takes effect.
  std::function<void(const Input&)> apply;
  /// Sees to what the board asked for since the last call (reset, power-off, debug exit); a result ends the run and
  /// stands until clear().
  std::function<std::optional<RunResult>()> signals;
  /// The processor shut down; a result as above. Afterwards the processor has been reset, or a result was given.
  std::function<std::optional<RunResult>()> shutdown;
  /// The state hash, for checkpoints in a replay.
  std::function<u64()> hash;
};

class RunLoop {
 public:
  RunLoop(core::Clock& clock, Processor& processor, InputGate& gate, LoopHooks hooks)
      : clock_(clock), processor_(processor), gate_(gate), hooks_(std::move(hooks)) {}

  RunResult run_until(u64 tick);
  RunResult step();
  /// Lets everything that is due at the present tick happen. A result is the same that a run would end with.
  std::optional<RunResult> settle();
  /// Any thread.
  void request_stop() { stop_requested_.store(true, std::memory_order_release); }
  /// No result stands any more.
  void clear() { standing_.reset(); }
  const std::optional<RunResult>& standing() const { return standing_; }
  /// True if the processor was found halted when it last ran.
  bool idle() const { return idle_; }

 private:
  /// How long (virtual time) inputs wait at most for a border.
  static constexpr u64 kSliceNs = 1'000'000;

  bool ended(std::optional<RunResult> result);
  std::optional<RunResult> enter(const JournalEntry& entry);
  std::optional<RunResult> after(cpu::Stop stop, u64 limit);

  core::Clock& clock_;
  Processor& processor_;
  InputGate& gate_;
  LoopHooks hooks_;
  std::atomic<bool> stop_requested_ = false;
  std::optional<RunResult> standing_;
  bool idle_ = false;
};

}  // namespace orrery::machine
