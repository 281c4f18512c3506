// Why a run of the machine came to its end.
#pragma once

#include <string>
#include <string_view>

#include "hw/core/types.h"

namespace orrery::machine {

enum class StopReason : u8 {
  Reached,      // the tick that was asked for
  Requested,    // request_stop()
  PowerOff,     // the guest switched the machine off
  Reset,        // the guest asked for a reset and Config::no_reboot is set
  DebugExit,    // isa-debug-exit; RunResult::exit_code
  TripleFault,  // the guest's processor shut down and Config::no_reboot is set
  Breakpoint,   // the debugger's
  ReplayEnd,    // a replayed journal has no more to say; the next run goes on live
  Diverged,     // a replay is not the run that was recorded; message says where
};
/// For messages, for example "power off".
std::string_view stop_reason_name(StopReason reason);

struct RunResult {
  StopReason reason = StopReason::Reached;
  int exit_code = 0;    // DebugExit: (value << 1) | 1, as QEMU's process exits
  std::string message;  // one line, may be empty; for TripleFault with the registers that explain it

  bool operator==(const RunResult&) const = default;
};

}  // namespace orrery::machine
