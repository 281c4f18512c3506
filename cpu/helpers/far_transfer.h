// Far JMP, CALL and RET (SDM vol. 2, JMP, CALL, RET; vol. 3, 5.8).
#pragma once

#include "cpu/helpers/descriptor.h"

namespace orrery::cpu::helpers {

class Stack;  // cpu/helpers/stack.h

void far_jmp_imm(Engine& e, const Insn& i);   // JMP Ap
void far_jmp_mem(Engine& e, const Insn& i);   // JMP Mp
void far_call_imm(Engine& e, const Insn& i);  // CALL Ap
void far_call_mem(Engine& e, const Insn& i);  // CALL Mp
void ret_far(Engine& e, const Insn& i);
void ret_far_imm(Engine& e, const Insn& i);

/// Loads CS (RPL becomes `cpl`), CPL and the instruction pointer in protected mode.
void set_code_segment(Engine& e, u16 selector, const Descriptor& descriptor, unsigned cpl, u64 rip);
/// The same in real and virtual-8086 mode.
void set_real_code_segment(Engine& e, u16 selector, u64 rip);
/// #GP(0) unless `rip` lies in the code segment (is canonical in a 64-bit one).
void check_entry_point(Engine& e, const Descriptor& code, u64 rip);
/// The checks of RETF and IRET on the CS they return to; throws #GP or #NP.
Descriptor check_return_code_segment(Engine& e, u16 selector);
/// The end of a RETF or IRET that takes SS:SP from the stack, too: pops and checks them, then loads CS:RIP, CPL and
/// SS:SP. SS may be null where 64-bit code of CPL 0 to 2 is returned to.
void return_with_stack(Engine& e, Stack& stack, u16 selector, Descriptor& code, u64 rip, unsigned width);

/// A stack pointer as the TSS holds it for an inner privilege level.
struct InnerStack {
  u16 selector = 0;
  u64 pointer = 0;
  Descriptor descriptor;
  Segment segment;
};
/// SS:ESP for `cpl` from the present 16 or 32-bit TSS, with all #TS and #SS checks.
InnerStack inner_stack(Engine& e, unsigned cpl);
/// RSPn (n = 0, 1, 2) or ISTn (n = 1 to 7) of the 64-bit TSS.
u64 stack_pointer64(Engine& e, unsigned cpl, unsigned ist);

}  // namespace orrery::cpu::helpers
