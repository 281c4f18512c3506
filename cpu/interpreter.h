// The block interpreter. Each handler executes its instruction and goes straight on to the next one's handler (a tail
// call where the compiler can promise one), so a running block costs one indirect jump an instruction. The last handler
// of a block finds the next block through the block's own links, the jump cache, or the code cache, and enters it if
// the budget allows; else it comes back to Engine::run() with s.rip at the next instruction.
#pragma once

#include "cpu/decoder.h"
#include "cpu/engine.h"

namespace orrery::cpu {

/// Handler of the pseudo-instruction that closes a block without a branch.
ORRERY_HANDLER_CC const Insn* fall_through(Engine& e, const Insn* i);
/// What decoding depends on at present.
DecodeMode decode_mode(const Engine& e);
/// The handler for a decoded instruction in the present mode.
Handler choose_handler(const Engine& e, const Insn& insn);
/// The handler that stands before an instruction's own where a debugger's point may lie.
Handler debug_point_handler();

}  // namespace orrery::cpu
