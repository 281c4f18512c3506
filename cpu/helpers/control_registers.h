// Control and debug registers, and the instructions that manage caches, TLB and the processor itself (SDM vol.
// 3, 2.5-2.8, 17.2).
#pragma once

#include "cpu/helpers/descriptor.h"

namespace orrery::cpu::helpers {

/// Writes CR0, CR3 or CR4 with all checks; #GP(0) before anything changes.
void write_cr0(Engine& e, u64 value);
void write_cr3(Engine& e, u64 value);
void write_cr4(Engine& e, u64 value);
/// Reads the four PDPTEs that `cr3` points to (PAE paging); #GP(0) if one that is present has reserved bits set.
void load_pdptes(Engine& e, u64 cr3);
/// The CR4 bits that the model has.
u64 cr4_bits(const Model& model);

void mov_from_cr(Engine& e, const Insn& i);  // MOV Rd, Cd
void mov_to_cr(Engine& e, const Insn& i);    // MOV Cd, Rd
void mov_from_dr(Engine& e, const Insn& i);
void mov_to_dr(Engine& e, const Insn& i);
void lmsw(Engine& e, const Insn& i);
void smsw(Engine& e, const Insn& i);
void clts(Engine& e, const Insn& i);
void invlpg(Engine& e, const Insn& i);
void invd(Engine& e, const Insn& i);
void wbinvd(Engine& e, const Insn& i);
void hlt(Engine& e, const Insn& i);

}  // namespace orrery::cpu::helpers
