// A whole PC: the board of machine/pc.h, the run loop, the input gate and the journal.
//
// Threads: a machine belongs to one thread at a time, which makes all calls but post(), request_stop() and the gate's
// other thread-safe ones. Several machines in one process know nothing of each other.
//
// A front end's machine thread looks like this (see machine/governor.h for real time):
//
//     Machine machine(config, host);
//     for (;;) {
//       const RunResult result = machine.run_until(machine.now() + 5'000'000);  // 5 ms of virtual time
//       if (result.reason != StopReason::Reached) break;
//       publish(machine.frame(), machine.text_screen());                        // copies for other threads
//     }
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cpu/cpu.h"
#include "hw/core/archive.h"
#include "hw/core/clock.h"
#include "hw/core/memory.h"
#include "machine/config.h"
#include "machine/host.h"
#include "machine/input.h"
#include "machine/stop.h"

namespace orrery::hw {
struct Frame;       // hw/display/surface.h
struct TextScreen;  // hw/display/surface.h
}  // namespace orrery::hw

namespace orrery::machine {

class InputGate;
class Journal;
class JournalReader;
class Pc;

class Machine {
 public:
  /// Opens the images and powers the machine on: the processor is at its reset vector, at tick 0. Throws ConfigError.
  explicit Machine(Config config, Host host = {});
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  // --- running -------------------------------------------------------------------------------------------------------
  /// Runs until tick `tick` or another StopReason. After PowerOff, Reset, TripleFault or DebugExit the machine stands
  /// still: further calls give the same reason again until power_cycle() or load().
  RunResult run_until_tick(u64 tick);
  /// Runs until the first tick at which `ns` virtual nanoseconds have passed since power-on.
  RunResult run_until(u64 ns);
  /// Executes one instruction, and what is due before it.
  RunResult step();
  /// Makes a run come back soon (within about a millisecond of virtual time). Any thread. If no run is going on, the
  /// next one comes back at once.
  void request_stop();
  /// Lets everything that is due at the present tick happen, what was posted among it. A result is the same that a run
  /// would end with.
  std::optional<RunResult> settle();
  /// Switches off and on: the reset of everything, and no StopReason stands any more. The clock goes on.
  void power_cycle();

  /// Retired instructions (and halted time) since power-on.
  u64 ticks() const { return clock_.ticks(); }
  /// Virtual nanoseconds since power-on.
  u64 now() const { return clock_.now(); }
  /// True while the processor waits in HLT.
  bool idle() const;

  // --- the outside world ---------------------------------------------------------------------------------------------
  /// What the last PortRead input gave.
  u64 port_value() const { return port_value_; }
  /// Hands an input to the gate. Any thread. It takes effect when the machine runs, at the next slice border.
  void post(Input input);
  InputGate& gate() { return *gate_; }
  /// The record of this run from its start.
  const Journal& journal() const { return *journal_; }
  /// Also writes the record, from its start, to a file; flushed with every input. Throws ConfigError.
  void record_to(const std::string& path);
  /// Notes the present state hash in the journal: a replay checks it.
  void record_checkpoint();
  /// Closes the record: a replay checks that it got here with the same state. Once more at the same tick: nothing.
  void record_end();
  /// From now on inputs come from `reader` only; post() is ignored but for request_stop(). Call on a machine that was
  /// built from the reader's Config and has not run yet. Throws ConfigError if a file is not the one of the recording.
  void replay(std::shared_ptr<const JournalReader> reader);

  /// Number of paced keys and serial bytes that wait for the guest to take them.
  std::size_t typing_pending() const;
  std::size_t serial_pending(unsigned port) const;
  /// True while a guest's driver asks for absolute pointer positions (post PointerMotion instead of MouseMotion).
  bool absolute_pointer() const;
  /// The keyboard's lights: bit 0 Scroll Lock, 1 Num Lock, 2 Caps Lock.
  u8 keyboard_leds() const;
  /// True while a drive is at work, for a status line.
  bool drive_active(DriveId drive) const;
  /// What is in a drive now, or nothing. For menus and `info block`.
  std::optional<Medium> medium(DriveId drive) const;

  // --- pictures ------------------------------------------------------------------------------------------------------
  /// The picture now (include hw/display/surface.h). Valid until the next call. Costs little if nothing changed. A
  /// machine without display gives an empty one.
  const hw::Frame& frame();
  hw::TextScreen text_screen();

  // --- state ---------------------------------------------------------------------------------------------------------
  /// Covers RAM and every archived field; equal hashes at equal ticks mean equal machines.
  u64 state_hash();
  /// Saves, loads or compares everything: RAM, processor, chips, clock, waiting inputs. The Config is not part of it:
  /// load into a machine of equal Config.
  void archive(core::Archive& ar);
  std::vector<u8> save();
  /// Throws core::ArchiveError; the machine is then to be thrown away or loaded again.
  void load(std::span<const u8> bytes);

  const Config& config() const { return config_; }
  cpu::Cpu& cpu();
  core::GuestMemory& memory();
  core::PortBus& ports();
  core::Clock& clock() { return clock_; }
  core::Log& log() { return *log_; }
  Pc& board() { return *pc_; }
  /// Text for the monitor's `info WHAT`, for example "pic", "mtree", "pci"; nothing if there is no such topic.
  std::optional<std::string> info(std::string_view topic);
  /// One line that says what this machine is and boots.
  std::string summary() const;

 private:
  struct Running;

  std::optional<RunResult> signals();
  std::optional<RunResult> shutdown();
  std::optional<RunResult> reset_by_guest(std::string_view source);
  void apply(const Input& input);
  void archive_ram(core::Archive& ar);
  u64 hash_now();
  void log(core::Channel channel, std::string_view what);
  void report(std::string_view line);

  Config config_;
  Host host_;
  std::unique_ptr<core::Log> own_log_;
  core::Log* log_;
  core::Clock clock_;
  std::unique_ptr<Pc> pc_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<InputGate> gate_;
  std::unique_ptr<Running> running_;
  u64 port_value_ = 0;
};

}  // namespace orrery::machine
