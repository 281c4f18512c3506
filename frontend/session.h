// One machine that runs on a thread of its own, as displays and the main program see it.
//
// The machine thread asks the governor, runs slices, and publishes pictures, text and status as copies. Everything that
// other threads want of the machine goes through post() (inputs) or call() (anything else, done between two slices).
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "frontend/debug_ports.h"
#include "frontend/host_ports.h"
#include "frontend/settings.h"
#include "hw/display/surface.h"
#include "machine/debugger.h"
#include "machine/governor.h"
#include "machine/input_gate.h"
#include "machine/journal.h"
#include "machine/machine.h"

namespace orrery::frontend {

/// What a title bar or a status line says. A copy.
struct Status {
  std::string name;    // -name, or the guest's image
  std::string engine;  // "interp"
  machine::Speed speed = machine::Speed::RealTime;
  unsigned speed_percent = 100;  // asked for, with Speed::Slow
  unsigned achieved_percent = 0;
  u64 ticks_per_second = 0;  // of the host
  u64 virtual_ns = 0;
  bool stopped = false;  // the guest is off; see `stop`
  bool held = false;     // a debugger or the monitor has stopped it
  machine::RunResult stop;
  bool absolute_pointer = false;
  u8 leds = 0;  // bit 0 Scroll Lock, 1 Num Lock, 2 Caps Lock
};

class Session {
 public:
  /// Opens connections, log and images, and builds the machine. With `replay`, its Config is taken instead of the
  /// settings' and inputs come from it. Throws UsageError, machine::ConfigError or another exception with one line.
  explicit Session(Settings settings, std::shared_ptr<const machine::JournalReader> replay = nullptr);
  /// Ends the machine thread.
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Starts the machine thread. Once.
  void start();
  /// Waits for the machine's end, writes what -screen-text, -screenshot and -state-hash ask for, and gives the exit
  /// status. Once, after start().
  int finish();

  // --- any thread ----------------------------------------------------------------------------------------------------
  /// An input for the guest.
  void post(machine::Input input) { machine_->post(std::move(input)); }
  /// Several that enter at one and the same tick.
  void post_together(std::vector<machine::Input> inputs) { machine_->gate().post_together(std::move(inputs)); }
  /// Runs `what` on the machine thread, between two slices, within some milliseconds. Not after finish().
  void call(std::function<void(machine::Machine&)> what);
  void set_speed(machine::Speed speed, unsigned percent = 100);
  /// Asks the session to end, as the user closing the window does.
  void quit();
  /// The machine thread is done: the guest has ended, or quit() has been heard.
  bool finished() const { return finished_; }
  /// Waits up to `ms` milliseconds for that; ~0 is for ever.
  bool wait_finished(u64 ms) const;

  /// The monitor's own screen on a display: turning to it or away, and what is typed there.
  void show_monitor(bool on);
  void monitor_input(std::string_view text);

  Status status() const;
  /// Copies the newest picture if it is not the one that `into` has already (Frame::serial); true if it did.
  bool copy_frame(hw::Frame& into) const;
  hw::TextScreen text_screen() const;
  /// Called on the machine thread whenever there is something new to show; at most about 60 times a second. Before
  /// start().
  void on_update(std::function<void()> hook) { updated_ = std::move(hook); }

  /// What the monitor prints on its screen, with "\r\n", "\b" and ESC[K; on the machine thread. Before start().
  void on_monitor_output(std::function<void(std::string_view)> hook);

  const Settings& settings() const { return settings_; }

 private:
  void loop();
  bool end_of_run(machine::RunResult result);
  void run_calls();
  void publish(bool now);
  void wait(u64 ns);
  void wake();
  void write_results();
  int exit_status() const;

  Settings settings_;
  std::shared_ptr<const machine::JournalReader> replay_;
  core::Log log_;
  std::FILE* log_file_ = nullptr;
  std::unique_ptr<HostPorts> ports_;
  std::unique_ptr<machine::Machine> machine_;
  std::unique_ptr<machine::Governor> governor_;
  std::unique_ptr<machine::Debugger> debugger_;
  std::unique_ptr<DebugPorts> debug_ports_;
  MonitorPrompt* screen_prompt_ = nullptr;  // on the display, if it has a place for it
  std::function<void()> updated_;
  std::thread thread_;

  std::atomic<bool> quit_ = false;
  std::atomic<bool> finished_ = false;

  mutable std::mutex mutex_;  // guards all below
  mutable std::condition_variable changed_;
  std::vector<std::function<void(machine::Machine&)>> calls_;
  bool awake_ = false;
  std::optional<machine::RunResult> stop_;
  Status status_;
  hw::Frame frame_;
  hw::TextScreen text_;
  u64 published_ns_ = 0;
};

/// A line for the user on standard error, after "orrery: ". Any thread.
void tell(std::string_view line);

/// The exit status for a machine that ended so: 0 for a power-off, a reset with -no-reboot and the user's own end;
/// isa-debug-exit's code; 1 for a triple fault with -no-reboot and a replay that went another way.
int status_of(const machine::RunResult& result, ExitCode convention);

}  // namespace orrery::frontend
