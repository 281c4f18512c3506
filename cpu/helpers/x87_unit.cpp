#include "cpu/helpers/x87_unit.h"

namespace orrery::cpu::helpers {
namespace {

void drive_ferr(Engine& e, bool level) {
  if (e.s.ferr == level) return;
  e.s.ferr = level;
  if (!level) e.s.ignne = false;
  if (e.pins.ferr) e.pins.ferr(level);
}

}  // namespace

void pending_exception(Engine& e) {
  if ((e.s.cr0 & kCr0Ne) != 0) e.fault(kMf);
  if (e.s.ignne) return;
  e.sync_clock();
  drive_ferr(e, true);
  // The processor freezes in front of the instruction until an interrupt comes: IRQ 13, as a rule. With interrupts
  // disabled, or nobody at FERR#, that would be for ever, so it goes on instead.
  if (e.pins.ferr && (e.s.eflags & kIf) != 0 && !e.s.ignne) e.freeze();
}

bool x87_check(Engine& e) {
  if (!x87_available(e)) return false;
  if ((e.s.x87.status & kFswSummary) != 0) pending_exception(e);
  return true;
}

void update_summary(Engine& e) {
  X87& f = e.s.x87;
  const bool pending = (f.status & ~f.control & soft::kAllFlags) != 0;
  constexpr u16 kBits = kFswSummary | kFswBusy;
  f.status = static_cast<u16>(pending ? f.status | kBits : f.status & ~kBits);
  if (!pending) {
    drive_ferr(e, false);
  } else if ((e.s.cr0 & kCr0Ne) == 0 && e.model.family <= 4) {
    // Up to the 486 FERR# (ERROR#) is driven by the faulting instruction, from the Pentium on by the next waiting one.
    e.sync_clock();
    drive_ferr(e, true);
  }
}

void X87Unit::record(unsigned flags, bool c1) {
  f_.status = static_cast<u16>(f_.status | flags | (c1 ? kFswC1 : 0));
  if ((flags & ~f_.control & soft::kAllFlags) != 0) update_summary(e_);
}

F80 X87Unit::load_f80() const {
  Exec m(e_, &i_);
  const u64 significand = m.load_at<u64>(i_.seg(), {e_.effective_address(i_)}).v;
  return {.significand = significand, .sign_exponent = m.load_at<u16>(i_.seg(), {e_.effective_address(i_, 8)}).v};
}

void X87Unit::store_f80(F80 v) {
  memory_.store_at<u64>(i_.seg(), {e_.effective_address(i_)}, {v.significand});
  memory_.store_at<u16>(i_.seg(), {e_.effective_address(i_, 8)}, {v.sign_exponent});
}

}  // namespace orrery::cpu::helpers
