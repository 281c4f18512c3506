// Helpers for integer instructions that are too long or too rare to be inlined.
#pragma once

#include "cpu/engine.h"

namespace orrery::cpu::helpers {

/// DIV r/m: T is the operand's width. #DE on a zero divisor or a quotient that does not fit.
template <class T> void divide(Engine& e, const Insn& i);
template <class T> void divide_signed(Engine& e, const Insn& i);

void daa(Engine& e, const Insn& i);
void das(Engine& e, const Insn& i);
void aaa(Engine& e, const Insn& i);
void aas(Engine& e, const Insn& i);
void aam(Engine& e, const Insn& i);
void aad(Engine& e, const Insn& i);
void cmpxchg8b(Engine& e, const Insn& i);
void cmpxchg16b(Engine& e, const Insn& i);

}  // namespace orrery::cpu::helpers
