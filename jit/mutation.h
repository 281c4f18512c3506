// Seeded faults of the lifter, for the test that must find them. Only the test's own build of lift.cpp has them: it is
// compiled with ORRERY_JIT_MUTATIONS.
#pragma once

#include "hw/core/types.h"

namespace orrery::jit {

enum class Mutation : u8 {
  None,
  WrongBorrow,     // the carry vector of set_flags loses its AF bit
  StaleFaultExit,  // a faulting access does not write the registers back
  NoRefund,        // leaving in the middle keeps the whole charge
  WrongFaultRip,   // a fault is reported for the following instruction
  LateAttention,   // a block goes on behind a store that changed it
};

#ifdef ORRERY_JIT_MUTATIONS
/// What is wrong at present.
Mutation& mutation();
#endif

}  // namespace orrery::jit
