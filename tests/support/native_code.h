// Runs one machine instruction on the host's own x86-64 processor: registers, flags and FXSAVE state in, the same out.
// Only there on x86-64 Linux (ORRERY_NATIVE_CODE).
#pragma once

#if defined(__x86_64__) && defined(__linux__)
#define ORRERY_NATIVE_CODE 1

#include <span>

#include "hw/core/types.h"

namespace orrery::test {

/// What the instruction starts from, and what it leaves. The assembly in native_code.cpp knows the offsets.
struct alignas(64) NativeState {
  u8 fx[512] = {};       // FXSAVE image
  u8 host_fx[512] = {};  // the caller's own
  u64 gpr[8] = {};       // in the order of encoding; RSP is not used
  u64 flags = 2;         // arithmetic flags
  u64 host_flags = 0;
};

/// Executes `code` (without prefixes that name R8-R15, without branches). Returns the signal that it raised, or 0;
/// `state` is then what the processor had when it faulted. Not for several threads.
int run_native(std::span<const u8> code, NativeState& state);

}  // namespace orrery::test
#endif
