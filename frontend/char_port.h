// Host descriptors for a CharSpec; for frontend/char_*.cpp only.
#pragma once

#include <functional>
#include <string>

#include "frontend/char_spec.h"

namespace orrery::frontend {

/// The open end of one connection. -1 where there is none.
struct CharDescriptors {
  int in = -1;
  int out = -1;          // may be the same as `in`
  int listener = -1;     // a server between two clients
  int held = -1;         // kept open and never used: the slave side of a pseudo-terminal
  bool owned = true;     // closed at the end; standard input and output are not
  bool lossless = true;  // a full queue holds the guest up
  std::string unlink;    // a socket to be removed at the end
};

/// Throws UsageError. `label` and `report` are for "char device redirected to ...".
CharDescriptors open_char(const CharSpec& spec, const std::string& label,
                          const std::function<void(const std::string&)>& report);

/// Raw mode for standard input, if it is a terminal that this process may use. `signals`: Ctrl-C still interrupts.
/// False if it is a terminal of which this process is in the background: it must not be read.
bool make_terminal_raw(bool signals);
void restore_terminal_mode();

}  // namespace orrery::frontend
