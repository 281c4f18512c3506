// Two instructions that often follow each other, executed by one handler: an indirect jump less, and a branch tests
// what the first one has just computed.
//
// A pair stands at the first of the two; the second one keeps its own handler, for whoever comes to it alone. A pair is
// nothing but the two handlers' code in a row: if the first one calls for attention (a device, a store to code), the
// second one is entered through its own handler, where the way out of the block has been put by then.
#pragma once

#include <span>

#include "cpu/insn.h"

namespace orrery::cpu {

struct Pair {
  Handler first, second, both;
};

/// The handler for the two in a row, or null.
Handler pair_of(Handler first, Handler second);
/// Puts handlers for pairs into a run of instructions.
void make_pairs(std::span<Insn> insns);

// The pairs there are.
std::span<const Pair> flat_pairs();    // 32-bit code in flat segments
std::span<const Pair> real_pairs();    // 16-bit code
std::span<const Pair> branch_pairs();  // conditional branches and what sets their flags

}  // namespace orrery::cpu
