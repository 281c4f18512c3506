// The monitor: commands that look at a machine and work its buttons, as QEMU's and Bochs' users know them.
//
// A Monitor runs one line and gives the text that it prints. gdb's `monitor`, the prompt of -monitor and whatever comes
// later share it. Commands that change the guest post inputs, so that they are on record. Machine thread only.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hw/core/log.h"
#include "machine/debugger.h"
#include "machine/machine.h"

namespace orrery::frontend {

/// What the monitor asks of the front end around it.
struct MonitorHost {
  /// Ends the emulator.
  std::function<void()> quit;
  /// What guests write to media that are put in is lost at the end (-snapshot).
  bool snapshot = false;
};

class Monitor {
 public:
  enum class Caller : u8 {
    Person,  // at a prompt
    Gdb,     // stopping and going are gdb's own business
  };

  Monitor(machine::Machine& machine, machine::Debugger& debugger, MonitorHost host)
      : machine_(machine), debugger_(debugger), host_(std::move(host)) {
    debugger_.on_stop([this](const machine::Debugger::Stop&) { forget_next(); });
  }
  Monitor(const Monitor&) = delete;
  Monitor& operator=(const Monitor&) = delete;

  /// Whole lines, or nothing.
  std::string execute(std::string_view line, Caller caller);
  /// A line about a stop, with the instruction that is next.
  std::string describe(const machine::Debugger::Stop& stop) const;

  /// A command as the help shows it.
  struct Command {
    std::string_view names;      // the first is the one to show
    std::string_view arguments;  // for the help
    std::string_view help;
    std::string (Monitor::*run)(std::vector<std::string> words);
  };
  static std::span<const Command> commands();

 private:
  std::string help(std::vector<std::string> words);
  std::string info(std::vector<std::string> words);
  std::string print(std::vector<std::string> words);
  std::string examine(std::vector<std::string> words);
  std::string examine_physical(std::vector<std::string> words);
  std::string disassemble(std::vector<std::string> words);
  std::string port_in(std::vector<std::string> words);
  std::string port_out(std::vector<std::string> words);
  std::string set_memory(std::vector<std::string> words);
  std::string set_register(std::vector<std::string> words);
  std::string save_memory(std::vector<std::string> words);
  std::string save_physical(std::vector<std::string> words);
  std::string stop(std::vector<std::string> words);
  std::string go(std::vector<std::string> words);
  std::string step(std::vector<std::string> words);
  std::string step_over(std::vector<std::string> words);
  std::string backtrace(std::vector<std::string> words);
  std::string translate(std::vector<std::string> words);
  std::string set_physical(std::vector<std::string> words);
  std::string show_topic(std::vector<std::string> words);
  std::string break_at(std::vector<std::string> words);
  std::string watch(std::vector<std::string> words);
  std::string remove(std::vector<std::string> words);
  std::string reset(std::vector<std::string> words);
  std::string power_button(std::vector<std::string> words);
  std::string nmi(std::vector<std::string> words);
  std::string send_key(std::vector<std::string> words);
  std::string mouse_move(std::vector<std::string> words);
  std::string mouse_button(std::vector<std::string> words);
  std::string screen_dump(std::vector<std::string> words);
  std::string change(std::vector<std::string> words);
  std::string eject(std::vector<std::string> words);
  std::string log(std::vector<std::string> words);
  std::string log_file(std::vector<std::string> words);
  std::string quit(std::vector<std::string> words);

  std::string examine_in(machine::Debugger::Space space, const std::vector<std::string>& words);
  std::string save_in(machine::Debugger::Space space, const std::vector<std::string>& words);
  u64 number(std::string_view text) const;
  void post(machine::Input input);
  void post_all(std::vector<machine::Input> inputs);
  void forget_next();

  machine::Machine& machine_;
  machine::Debugger& debugger_;
  MonitorHost host_;
  Caller caller_ = Caller::Person;
  std::string command_;                          // as it was typed, without "/FMT"
  std::optional<machine::Debugger::Id> next_;    // the breakpoint that is to end a `next`
  std::optional<machine::Debugger::Id> passed_;  // the one that did
};

/// A prompt on a byte stream: lines in, text out. On a terminal it echoes and edits.
class MonitorPrompt {
 public:
  MonitorPrompt(std::function<std::string(std::string_view line)> execute, std::function<void(std::string_view)> write,
                bool terminal)
      : execute_(std::move(execute)), write_(std::move(write)), terminal_(terminal) {}

  /// Somebody is there: greets.
  void begin();
  /// Somebody who shares the terminal with others turns to the monitor, or away from it. Nothing is printed by itself
  /// while nobody looks.
  void enter();
  void leave() { attended_ = false; }
  void input(std::span<const u8> bytes);
  /// Text that comes by itself.
  void announce(std::string_view text);

 private:
  void put(std::string_view text);
  void character(char c);
  void run_line();
  void show_line();

  std::function<std::string(std::string_view line)> execute_;
  std::function<void(std::string_view)> write_;
  bool terminal_;
  bool greeted_ = false;
  bool attended_ = false;
  std::string line_;
  std::vector<std::string> history_;
  std::size_t recalled_ = 0;
  unsigned escape_ = 0;  // characters of "ESC [" seen
  bool running_ = false;
  char last_ = 0;
};

}  // namespace orrery::frontend
