// Where a machine's outputs go. What comes in is in machine/input.h.
#pragma once

#include <functional>
#include <string_view>

#include "hw/core/log.h"
#include "hw/core/types.h"

namespace orrery::machine {

/// All are called on the machine thread, may be empty, and must not call back into the machine except for post(). What
/// they do never reaches the guest.
struct Host {
  /// A byte leaves serial port 0-3.
  std::function<void(unsigned port, u8 byte)> serial;
  /// A byte leaves the parallel port.
  std::function<void(u8 byte)> parallel;
  /// A byte written to port E9.
  std::function<void(u8 byte)> debugcon;
  /// One line for the user: an image that could not be opened, a reset, a guest that stopped.
  std::function<void(std::string_view line)> report;
  /// The log that the machine writes to; enabled channels and the sink are the caller's business.
  core::Log* log = nullptr;
};

}  // namespace orrery::machine
