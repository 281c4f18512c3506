#include "cpu/helpers/flag_instructions.h"

#include "cpu/helpers/interrupts.h"

namespace orrery::cpu::helpers {
namespace {

constexpr u32 kPopf16 = kArithFlags | kTf | kDf | kNt;
constexpr u32 kPopf32 = kPopf16 | kAc | kId;

bool vme(const Engine& e) { return e.v86() && (e.s.cr4 & kCr4Vme) != 0; }
/// Protected-mode virtual interrupts: CLI and STI of CPL 3 work on VIF.
bool pvi(const Engine& e) { return e.protected_mode() && (e.s.cr4 & kCr4Pvi) != 0 && e.s.cpl == 3; }

}  // namespace

void pushf(Engine& e, const Insn& i) {
  const unsigned width = width_of(i.opsize());
  u64 image = e.rflags() & ~u64{kVm | kRf};
  if (e.v86() && e.iopl() < 3) {
    if (!vme(e) || width != 2) e.general_protection();
    image = (image & ~u64{kIf}) | kIopl | ((image & kVif) != 0 ? kIf : 0);
  }
  e.push(width, image);
}

void popf(Engine& e, const Insn& i) {
  const unsigned width = width_of(i.opsize());
  u32 mask = width == 2 ? kPopf16 : kPopf32;
  const bool virtual_if = e.v86() && e.iopl() < 3;
  if (virtual_if && (!vme(e) || width != 2)) e.general_protection();
  const u64 sp = e.stack_pointer();
  u64 image = e.load(kSs, sp, width);
  if (virtual_if) {
    if ((image & kTf) != 0 || ((image & kIf) != 0 && (e.s.eflags & kVip) != 0)) e.general_protection();
    image = (image & ~u64{kVif}) | ((image & kIf) != 0 ? kVif : 0);
    mask |= kVif;
  } else if (e.v86()) {
    mask |= kIf;
  } else {
    if (e.s.cpl <= e.iopl()) mask |= kIf;
    if (e.s.cpl == 0) mask |= kIopl;
  }
  if (width != 2) {  // RF is cleared whatever the image says
    mask |= kRf;
    image &= ~u64{kRf};
  }
  e.set_stack_pointer(sp + width);
  change_flags(e, image, mask);
}

void cli(Engine& e, const Insn&) {
  if (e.s.cpl <= e.iopl() || e.real_mode()) return change_flags(e, 0, kIf);
  if (vme(e) || pvi(e)) return change_flags(e, 0, kVif);
  e.general_protection();
}

void sti(Engine& e, const Insn&) {
  if (e.s.cpl <= e.iopl() || e.real_mode()) {
    const bool was_off = (e.s.eflags & kIf) == 0;
    change_flags(e, kIf, kIf);
    if (was_off) e.shadow(false);
    return;
  }
  if ((vme(e) || pvi(e)) && (e.s.eflags & kVip) == 0) return change_flags(e, kVif, kVif);
  e.general_protection();
}

}  // namespace orrery::cpu::helpers
