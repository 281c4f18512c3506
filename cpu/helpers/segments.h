// Loading segment registers, and the instructions on descriptors and descriptor tables.
#pragma once

#include "cpu/helpers/descriptor.h"

namespace orrery::cpu::helpers {

/// Puts `value` into a segment register.
void set_segment(Engine& e, unsigned seg, const Segment& value);
/// A null selector in protected mode: the register is unusable.
void set_null_segment(Engine& e, unsigned seg, u16 selector);
/// What loading a selector does in real and virtual-8086 mode (CS too).
void set_real_segment(Engine& e, unsigned seg, u16 selector);
/// A data segment register or SS is loaded with `selector`, with all checks of the present mode (SDM MOV, LDS). Not CS.
void load_segment(Engine& e, unsigned seg, u16 selector);
/// The descriptor of a stack segment for privilege level `cpl`: throws `vector` (or #SS if not present) with the
/// selector.
Descriptor check_stack_segment(Engine& e, u16 selector, unsigned cpl, u8 vector);
/// After a return to an outer level: data segments that the new CPL may not use become null.
void drop_inner_segments(Engine& e);

void mov_from_segment(Engine& e, const Insn& i);  // MOV Ev, Sw
void mov_to_segment(Engine& e, const Insn& i);    // MOV Sw, Ew
void push_segment(Engine& e, const Insn& i);
void pop_segment(Engine& e, const Insn& i);
/// LES, LSS, LDS, LFS, LGS: operand 1 is the register, the memory operand a far pointer.
template <unsigned kSegment> void load_far(Engine& e, const Insn& i);

void lldt(Engine& e, const Insn& i);
void ltr(Engine& e, const Insn& i);
void sldt(Engine& e, const Insn& i);
void str(Engine& e, const Insn& i);
void lar(Engine& e, const Insn& i);
void lsl(Engine& e, const Insn& i);
void verr(Engine& e, const Insn& i);
void verw(Engine& e, const Insn& i);
void arpl(Engine& e, const Insn& i);
void lgdt(Engine& e, const Insn& i);
void lidt(Engine& e, const Insn& i);
void sgdt(Engine& e, const Insn& i);
void sidt(Engine& e, const Insn& i);

/// ZF alone.
void set_zero_flag(Engine& e, bool on);
/// CR4.UMIP keeps SGDT, SIDT, SLDT, STR and SMSW from user code.
void check_umip(Engine& e);
/// #GP(0) unless CPL is 0.
void require_cpl0(Engine& e);

}  // namespace orrery::cpu::helpers
