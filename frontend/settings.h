// Everything a command line says: the machine's Config and what the front end does around it.
#pragma once

#include <array>
#include <bitset>
#include <optional>
#include <string>
#include <vector>

#include "frontend/char_spec.h"
#include "frontend/gdb_stub.h"
#include "hw/core/log.h"
#include "machine/config.h"
#include "machine/governor.h"

namespace orrery::frontend {

enum class DisplayKind : u8 {
  Default,  // a window if there can be one
  None,
  Sdl,
};

enum class RtcBase : u8 {
  Utc,        // the host's clock, the default
  LocalTime,  // the host's clock in its time zone
  Date,       // config.rtc_start as it is
};

enum class ExitCode : u8 {
  Qemu,  // isa-debug-exit: (value << 1) | 1
  Raw,   // isa-debug-exit: value
};

struct Settings {
  machine::Config config;

  DisplayKind display = DisplayKind::Default;
  bool full_screen = false;
  std::optional<machine::Speed> speed;  // nothing: real time where a person looks on, else turbo
  bool on_terminal = false;             // standard input is a terminal
  unsigned speed_percent = 100;         // for Speed::Slow

  std::array<CharSpec, 4> serial{};
  CharSpec parallel;
  CharSpec debugcon;

  /// Where a gdb can come in; None: nowhere.
  CharSpec gdb = CharSpec::none();
  GdbStub::Options gdb_options;
  CharSpec monitor = CharSpec::none();
  bool start_stopped = false;  // -S
  bool snapshot = false;       // -snapshot: also for media that come into the drives later

  RtcBase rtc_base = RtcBase::Utc;

  std::bitset<core::kChannelCount> log_channels;
  std::string log_file;  // empty: standard error

  std::string screen_text;     // written at the end
  std::string screenshot;      // PNG, written at the end
  std::optional<u64> run_for;  // virtual nanoseconds
  std::string record;          // journal file
  std::string pidfile;
  bool print_hash = false;  // the state hash on standard error at the end
  bool explain = false;     // print the machine and end
  ExitCode exit_code = ExitCode::Qemu;

  /// Lines for the user about what was decided for him; to be shown as "orrery: LINE" on standard error.
  std::vector<std::string> notes;
  /// Not empty: print this and end with status 0 (-help, -version, `help` as a value).
  std::string print;
};

/// What `speed` comes to.
machine::Speed effective_speed(const Settings& settings);

/// Sets config.rtc_start from the host's clock (`unix_now`, seconds) as rtc_base says.
void resolve_rtc(Settings& settings, i64 unix_now);

/// The machine fully spelled, one option a line, as a command line that gives the same one.
std::string explain(const Settings& settings);

}  // namespace orrery::frontend
