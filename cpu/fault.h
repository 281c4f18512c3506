// Exceptions of the guest, as C++ exceptions of the interpreter's slow paths. (Compiled code reports by return value.)
#pragma once

#include "cpu/state.h"

namespace orrery::cpu {

/// A fault of the instruction in progress: thrown before the instruction changed any state, caught by the run loop, which
/// delivers it with the instruction's own address.
struct Fault {
  u8 vector;
  bool has_error;
  u32 error;
};

}  // namespace orrery::cpu
