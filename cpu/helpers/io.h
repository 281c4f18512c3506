// IN, OUT, INS, OUTS with the I/O permission checks (SDM vol. 1, 19.5).
#pragma once

#include "cpu/helpers/descriptor.h"

namespace orrery::cpu::helpers {

/// #GP(0) unless the present task's permission map allows `width` bytes of ports at `port`.
void check_io_map(Engine& e, u16 port, unsigned width);
/// #GP(0) unless the present task may access `width` bytes of ports at `port`.
inline void check_io_permission(Engine& e, u16 port, unsigned width) {
  if (!e.real_mode() && (e.v86() || e.s.cpl > e.iopl())) check_io_map(e, port, width);
}

// kWidth in bytes: 1, 2 or 4.
template <unsigned kWidth> void in_imm(Engine& e, const Insn& i);
template <unsigned kWidth> void in_dx(Engine& e, const Insn& i);
template <unsigned kWidth> void out_imm(Engine& e, const Insn& i);
template <unsigned kWidth> void out_dx(Engine& e, const Insn& i);
/// With a repeat prefix as all string instructions: see strings.h.
template <unsigned kWidth> void ins(Engine& e, const Insn& i);
template <unsigned kWidth> void outs(Engine& e, const Insn& i);

}  // namespace orrery::cpu::helpers
