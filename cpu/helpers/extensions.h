// Small system instructions of later processors (SDM vol. 2).
#pragma once

#include "cpu/helpers/descriptor.h"

namespace orrery::cpu::helpers {

void clac(Engine& e, const Insn& i);
void stac(Engine& e, const Insn& i);
void xgetbv(Engine& e, const Insn& i);
void xsetbv(Engine& e, const Insn& i);
void invpcid(Engine& e, const Insn& i);
void rdfsbase(Engine& e, const Insn& i);
void rdgsbase(Engine& e, const Insn& i);
void wrfsbase(Engine& e, const Insn& i);
void wrgsbase(Engine& e, const Insn& i);
void clflush(Engine& e, const Insn& i);
void monitor(Engine& e, const Insn& i);
/// Waits as HLT does; a store to the monitored line by another bus master may go unnoticed until the next interrupt.
void mwait(Engine& e, const Insn& i);

}  // namespace orrery::cpu::helpers
