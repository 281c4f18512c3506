// PUSHA, POPA, ENTER, LEAVE, BOUND and the instructions that only fault (SDM vol. 2).
#pragma once

#include "cpu/helpers/descriptor.h"

namespace orrery::cpu::helpers {

void pusha(Engine& e, const Insn& i);
void popa(Engine& e, const Insn& i);
void enter(Engine& e, const Insn& i);
void leave(Engine& e, const Insn& i);
void bound(Engine& e, const Insn& i);
/// UD0, UD1, UD2; RSM outside system-management mode.
void ud(Engine& e, const Insn& i);

}  // namespace orrery::cpu::helpers
