// Delivery of interrupts and exceptions, and the way back (SDM vol. 2, INT n and IRET; vol. 3, chapter 6 and 20.3).
#pragma once

#include "cpu/helpers/descriptor.h"

namespace orrery::cpu::helpers {

/// What an interrupt comes from. It decides the address that the handler returns to, the checks, and the EXT bit.
enum class Source : u8 {
  External,   // INTR: returns to next_rip()
  Nmi,        // as External; blocks further NMIs until IRET
  Software,   // INT n: next_rip(); gate DPL is checked, IOPL and VME apply in virtual-8086 mode
  Int3,       // INT3: next_rip(); gate DPL is checked
  Into,       // INTO: the same
  Icebp,      // INT1: next_rip(); no DPL check
  Exception,  // a fault: this_rip(), RF is set in the saved flags
  Trap,       // a debug trap or instruction breakpoint between instructions: next_rip(), RF as it is
};

/// Delivers one interrupt. Faults on the way are thrown, with EXT set where the SDM says so.
void interrupt(Engine& e, u8 vector, Source source, bool has_error = false, u32 error = 0);

/// Delivers an exception of the instruction in progress and all that follows from faults on the way: double fault,
/// shutdown (SDM vol. 3, 6.15, interrupt 8). Throws nothing.
void deliver_exception(Engine& e, const Fault& fault);
/// Delivers an interrupt between instructions (External, Nmi or Trap), likewise. Throws nothing.
void deliver_interrupt(Engine& e, u8 vector, Source source);
/// A debug exception between instructions: `dr6_bits` (B0 to B3, BD, BS, BT) go to DR6 and #DB is delivered. Throws
/// nothing.
void deliver_debug(Engine& e, u64 dr6_bits);

void int_imm(Engine& e, const Insn& i);
void int3(Engine& e, const Insn& i);
void into(Engine& e, const Insn& i);
void icebp(Engine& e, const Insn& i);
void iret(Engine& e, const Insn& i);

/// The EFLAGS bits that the model has.
u32 flag_bits(const Model& model);
/// EFLAGS bits in `mask` come from `image`; those that the model lacks stay 0.
void change_flags(Engine& e, u64 image, u32 mask);

}  // namespace orrery::cpu::helpers
