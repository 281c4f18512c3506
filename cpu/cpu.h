// The processor as the board sees it.
//
// The board wires interrupt pins and buses, calls run() and reacts to why it came back. Everything else of the CPU is
// behind this header; the debugger reads and writes state().
//
// Time: run() counts retired instructions in the machine's Clock (one tick each). Before any access to a device the
// clock is set to the exact tick of the accessing instruction. run() never goes past Clock::next_due_tick().
// An access to a port can last longer than its instruction (IoSpace::set_access_time()): then more ticks go by.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "cpu/debug_points.h"
#include "cpu/model.h"
#include "cpu/state.h"
#include "hw/core/archive.h"
#include "hw/core/bus.h"
#include "hw/core/clock.h"
#include "hw/core/device.h"
#include "hw/core/log.h"
#include "hw/core/memory.h"

namespace orrery::cpu {

/// Why run() returned.
// clang-format off
enum class Stop : u8 {
  Budget,     // the tick that was asked for, or the next event's, is reached
  Halted,     // HLT (or a shutdown state) with nothing to do: only an interrupt, NMI, INIT or reset goes on
  Requested,  // request_stop() was called
  Shutdown,   // triple fault: the processor signals shutdown on the bus; a PC resets
  Breakpoint, // an armed debugger breakpoint or watchpoint, before (break) or after (watch) the instruction
};
// clang-format on

/// The local APIC as it is reached without memory. All empty on a board without one.
struct ApicPort {
  std::function<void(u64 msr)> set_base;  // IA32_APIC_BASE was written; reserved bits are checked
  std::function<u64()> tsc_deadline;      // IA32_TSC_DEADLINE, if the model announces it
  std::function<void(u64 tsc)> set_tsc_deadline;
  std::function<void()> tsc_changed;  // the time-stamp counter was written
  std::function<u8()> task_priority;  // TPR, whose upper half is CR8
  std::function<void(u8 tpr)> set_task_priority;
};

/// What the chips around the processor do for it.
struct Pins {
  /// Interrupt acknowledge cycle: returns the vector of the highest interrupt that the PIC (or APIC) presents.
  std::function<u8()> interrupt_acknowledge;
  /// FERR#: the x87 asks for IRQ 13 (CR0.NE = 0). May be empty.
  std::function<void(bool level)> ferr;
  ApicPort apic = {};
};

class Engine;

class Cpu final : public core::Device {
 public:
  Cpu(const Model& model, core::GuestMemory& memory, core::PortBus& ports, core::Clock& clock, core::Log& log,
      Pins pins);
  ~Cpu() override;

  std::string_view name() const override { return "cpu"; }
  void reset() override;
  void archive(core::Archive& ar) override;

  /// Executes until clock.ticks() >= until_tick (more only by what an access to a port lasts), the next event is due,
  /// or another reason of Stop arises.
  Stop run(u64 until_tick);
  /// Executes exactly one instruction (or delivers one interrupt and executes its first instruction).
  Stop step();

  /// The INTR pin's level; sampled at instruction boundaries.
  void set_intr(bool level);
  /// A rising edge on NMI.
  void pulse_nmi();
  /// The board saw a write to port F0h: IGNNE# is active until FERR# goes inactive (SDM vol. 1, D.2.1.3). Without FERR#
  /// nothing happens.
  void ignore_numeric_error();
  /// INIT#: a soft reset that keeps the caches, CR0.CD/NW and the x87 and SSE state.
  void init();
  /// The A20 gate: false forces address bit 20 to zero.
  void set_a20(bool enabled);
  bool a20() const;
  /// The virtual time (ns, not in the past) at which the time-stamp counter reaches `tsc`; ~0 if never.
  u64 time_of_tsc(u64 tsc) const;
  /// Makes run() come back at the next instruction boundary. Machine thread only (call it from a device).
  void request_stop();

  State& state();
  const State& state() const;
  const Model& model() const { return model_; }
  /// EFLAGS/RFLAGS with the lazy ones made.
  u64 rflags() const;
  void set_rflags(u64 value);
  /// State was changed from outside (debugger, archive): derived caches are made anew.
  void state_changed();

  /// Translates a linear address without side effects (no A/D bits, no faults). False if not present.
  bool translate(u64 linear, u64& physical) const;

  /// Replaces what the debugger wants to be stopped at. Not while run() runs. Neither translations nor anything else
  /// that a guest can notice is changed.
  void set_debug_points(std::vector<DebugPoint> points);
  std::span<const DebugPoint> debug_points() const;
  /// The next run() does not stop at an Execute point on its very first instruction. After Stop::Breakpoint at one
  /// this is so without a call.
  void pass_debug_point();
  /// What the last Stop::Breakpoint was for.
  const DebugHit& debug_hit() const;
  /// Counts delivered NMIs and external interrupts (not archived): tells a debugger that a step went into a handler.
  u64 interrupts_taken() const;

 private:
  Model model_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace orrery::cpu
