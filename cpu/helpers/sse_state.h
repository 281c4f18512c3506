// MXCSR, the exceptions of SSE instructions, and vector instructions that are more than a function of their operands.
#pragma once

#include "cpu/engine.h"

namespace orrery::cpu::helpers {

/// Records `flags` in MXCSR; raises #XM, or #UD without CR4.OSXMMEXCPT, if one of them is unmasked (SDM vol.
/// 1, 11.5.2).
void float_exceptions(Engine& e, const Insn* i, u32 flags);
[[noreturn]] void vectors_unavailable(Engine& e, const Insn* i, u8 vector);
[[noreturn]] void misaligned(Engine& e, const Insn* i);

/// MXCSR bits that exist: all with SSE2, all but DAZ without.
u32 mxcsr_mask(const Model& model);

void ldmxcsr(Engine& e, const Insn& i);
void stmxcsr(Engine& e, const Insn& i);
/// Bytes whose mask has its sign bit, to DS:rDI.
void maskmovq(Engine& e, const Insn& i);
void maskmovdqu(Engine& e, const Insn& i);

// String comparison (SDM vol. 2, 4.1).
void pcmpestri(Engine& e, const Insn& i);
void pcmpestrm(Engine& e, const Insn& i);
void pcmpistri(Engine& e, const Insn& i);
void pcmpistrm(Engine& e, const Insn& i);

}  // namespace orrery::cpu::helpers
