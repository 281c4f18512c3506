#include "cpu/helpers/x87.h"
#include "cpu/helpers/x87_unit.h"

namespace orrery::cpu::helpers {

void wait(Engine& e, const Insn&) {
  constexpr u64 kTrap = kCr0Mp | kCr0Ts;
  if ((e.s.cr0 & kTrap) == kTrap) e.fault(kNm);
  if ((e.s.x87.status & kFswSummary) != 0 && e.model.has(Feature::Fpu)) pending_exception(e);
}

void fnop(Engine& e, const Insn& i) {
  if (!x87_ready(e)) return;
  X87Unit(e, i).note_pointers();
}

void fnop_no_wait(Engine& e, const Insn&) { x87_available(e); }

void ffree(Engine& e, const Insn& i) {
  if (!x87_ready(e)) return;
  X87Unit u(e, i);
  u.note_instruction();
  u.free(i.r[0]);
}

void ffreep(Engine& e, const Insn& i) {
  if (!x87_ready(e)) return;
  X87Unit u(e, i);
  u.note_instruction();
  u.free(i.r[0]);
  u.pop();
}

void fdecstp(Engine& e, const Insn& i) {
  if (!x87_ready(e)) return;
  X87Unit u(e, i);
  u.note_instruction();
  u.move_top(-1);
}

void fincstp(Engine& e, const Insn& i) {
  if (!x87_ready(e)) return;
  X87Unit u(e, i);
  u.note_instruction();
  u.move_top(1);
}

void fnclex(Engine& e, const Insn&) {
  if (!x87_available(e)) return;
  e.s.x87.status &= kFswConditions | 0x3800;
  update_summary(e);
}

void fninit(Engine& e, const Insn&) {
  if (!x87_available(e)) return;
  X87& f = e.s.x87;
  f.control = 0x37f;
  f.status = 0;
  f.tag = 0xffff;
  f.opcode = f.cs = f.ds = 0;
  f.ip = f.dp = 0;
  update_summary(e);
}

void fldcw(Engine& e, const Insn& i) {
  if (!x87_ready(e)) return;
  e.s.x87.control = control_image(X87Unit(e, i).load<u16>());
  update_summary(e);
}

void fnstcw(Engine& e, const Insn& i) {
  if (!x87_available(e)) return;
  X87Unit(e, i).place<u16>().set({e.s.x87.control});
}

void fnstsw(Engine& e, const Insn& i) {
  if (!x87_available(e)) return;
  if (i.mem()) {
    X87Unit(e, i).place<u16>().set({e.s.x87.status});
  } else {
    e.write_reg(kRax, 2, e.s.x87.status);
  }
}

}  // namespace orrery::cpu::helpers
