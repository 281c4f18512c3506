// Exceptions of the guest, as C++ exceptions of the interpreter's slow paths. (Compiled code reports by return value.)
#pragma once

#include "cpu/state.h"

namespace orrery::cpu {

/// A fault of the instruction in progress: thrown before the instruction changed any state, caught by the run loop,
/// which delivers it with the instruction's own address.
struct Fault {
  u8 vector;
  bool has_error;
  u32 error;
};

/// Thrown like a Fault: the instruction is undone and starts again after the next interrupt.
struct Freeze {};

}  // namespace orrery::cpu
