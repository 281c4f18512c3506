// IRET (SDM vol. 2, IRET/IRETD/IRETQ).
#include "cpu/helpers/far_transfer.h"
#include "cpu/helpers/interrupts.h"
#include "cpu/helpers/segments.h"
#include "cpu/helpers/stack.h"
#include "cpu/helpers/tasks.h"

namespace orrery::cpu::helpers {
namespace {

constexpr u32 kFlags16 = kArithFlags | kTf | kIf | kDf | kIopl | kNt;
constexpr u32 kFlags32 = kFlags16 | kRf | kAc | kId;
constexpr u32 kAllFlags = kFlags32 | kVm | kVif | kVip;

void real_return(Engine& e, unsigned width) {
  Stack stack(e);
  stack.require_pops(3, width);
  const u64 rip = stack.pop(width);
  const u16 selector = static_cast<u16>(stack.pop(width));
  const u64 flags = stack.pop(width);
  if (rip > e.s.seg[kCs].limit) e.general_protection();
  stack.commit();
  set_real_code_segment(e, selector, rip);
  change_flags(e, flags, width == 2 ? kFlags16 : kFlags32);
}

void v86_return(Engine& e, unsigned width) {
  const bool vme = e.iopl() < 3;
  if (vme && ((e.s.cr4 & kCr4Vme) == 0 || width != 2)) e.general_protection();
  Stack stack(e);
  stack.require_pops(3, width);
  const u64 rip = stack.pop(width);
  const u16 selector = static_cast<u16>(stack.pop(width));
  const u64 flags = stack.pop(width);
  if (rip > e.s.seg[kCs].limit) e.general_protection();
  u32 mask = (width == 2 ? kFlags16 : kFlags32) & ~kIopl;
  u64 image = flags;
  if (vme) {
    if ((flags & kTf) != 0 || ((flags & kIf) != 0 && (e.s.eflags & kVip) != 0)) e.general_protection();
    mask = (mask & ~kIf) | kVif;
    image = (flags & ~u64{kVif}) | ((flags & kIf) != 0 ? kVif : 0);
  }
  stack.commit();
  set_real_code_segment(e, selector, rip);
  change_flags(e, image, mask);
}

/// From CPL 0 to a virtual-8086 task: ESP, SS, ES, DS, FS, GS follow on the stack.
void return_to_v86(Engine& e, Stack& stack, u64 rip, u16 cs, u64 flags) {
  stack.require_pops(6, 4);
  if (rip > 0xffff) e.general_protection();
  const u64 sp = stack.pop(4);
  std::array<u16, kSegCount> selectors{};
  selectors[kCs] = cs;
  for (const unsigned seg : {kSs, kEs, kDs, kFs, kGs}) selectors[seg] = static_cast<u16>(stack.pop(4));
  e.s.cpl = 3;
  change_flags(e, flags, kAllFlags);
  for (unsigned seg = 0; seg < kSegCount; ++seg) set_real_segment(e, seg, selectors[seg]);
  e.s.gpr[kRsp] = sp;
  e.set_next_rip(rip);
}

void protected_return(Engine& e, unsigned width) {
  Stack stack(e);
  stack.require_pops(3, width);
  const u64 rip = stack.pop(width);
  const u16 selector = static_cast<u16>(stack.pop(width));
  const u64 flags = stack.pop(width);
  if (width == 4 && (flags & kVm) != 0 && e.s.cpl == 0 && !e.long_mode()) {
    return return_to_v86(e, stack, rip, selector, flags);
  }
  Descriptor code = check_return_code_segment(e, selector);
  const unsigned cpl = rpl_of(selector);
  const bool outer = cpl > e.s.cpl;

  // Which flags may change depends on the privilege that IRET runs with.
  u32 mask = (width == 2 ? kFlags16 : kFlags32) & ~(kIf | kIopl);
  if (e.s.cpl <= e.iopl()) mask |= kIf;
  if (e.s.cpl == 0) mask |= kIopl | (width == 2 ? 0 : kVif | kVip);

  if (!outer && !e.code64()) {
    check_entry_point(e, code, rip);
    mark_accessed(e, code);
    stack.commit();
    set_code_segment(e, selector, code, cpl, rip);
    return change_flags(e, flags, mask);
  }
  return_with_stack(e, stack, selector, code, rip, width);
  change_flags(e, flags, mask);
  if (outer) drop_inner_segments(e);
}

}  // namespace

void iret(Engine& e, const Insn& i) {
  const unsigned width = width_of(i.opsize());
  if (e.s.nmi_blocked) {  // an IRET that faults ends the blocking too
    e.s.nmi_blocked = false;
    e.attention();
  }
  if (e.real_mode()) return real_return(e, width);
  if (e.v86()) return v86_return(e, width);
  if ((e.s.eflags & kNt) != 0) {
    if (e.long_mode()) e.general_protection();
    return return_from_task(e);
  }
  protected_return(e, width);
}

}  // namespace orrery::cpu::helpers
