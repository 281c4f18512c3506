// PUSHF, POPF, CLI, STI with their rules of IOPL, VME and PVI (SDM vol. 2; vol. 3, 20.3-20.4).
#pragma once

#include "cpu/helpers/descriptor.h"

namespace orrery::cpu::helpers {

void pushf(Engine& e, const Insn& i);
void popf(Engine& e, const Insn& i);
void cli(Engine& e, const Insn& i);
void sti(Engine& e, const Insn& i);

}  // namespace orrery::cpu::helpers
