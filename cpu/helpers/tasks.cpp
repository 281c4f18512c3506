#include "cpu/helpers/tasks.h"

#include "cpu/helpers/control_registers.h"
#include "cpu/helpers/interrupts.h"
#include "cpu/helpers/segments.h"

namespace orrery::cpu::helpers {
namespace {

/// Offsets in a task-state segment (SDM vol. 3, figures 7-2 and 7-10). `width` is that of registers, selectors take two
/// bytes of their slot.
struct Layout {
  unsigned width;
  u32 cr3, ip, flags, gpr, es, ldt, last;  // last: the lowest limit that holds all
  unsigned segments;                       // ES, CS, SS, DS and, with 6, FS and GS
};
constexpr Layout kLayout16{
    .width = 2, .cr3 = 0, .ip = 14, .flags = 16, .gpr = 18, .es = 34, .ldt = 42, .last = 43, .segments = 4};
constexpr Layout kLayout32{
    .width = 4, .cr3 = 28, .ip = 32, .flags = 36, .gpr = 40, .es = 72, .ldt = 96, .last = 103, .segments = 6};
constexpr u32 kTrapFlag = 100;
constexpr u64 kTaskTrap = u64{1} << 15;  // DR6.BT

const Layout& layout_of(unsigned type) { return (type & 8) != 0 ? kLayout32 : kLayout16; }

/// What a task's TSS holds.
struct TaskImage {
  u64 cr3 = 0;
  u64 ip = 0;
  u32 flags = 0;
  std::array<u64, 8> gpr{};
  std::array<u16, kSegCount> selectors{};
  u16 ldt = 0;
  bool trap = false;
};

TaskImage read_task(Engine& e, u64 base, const Layout& l) {
  TaskImage t;
  t.ip = e.load_linear(base + l.ip, l.width, false);
  t.flags = static_cast<u32>(e.load_linear(base + l.flags, l.width, false));
  for (unsigned n = 0; n < 8; ++n) {
    t.gpr[n] = e.load_linear(base + l.gpr + n * l.width, l.width, false);
    if (l.width == 2) t.gpr[n] |= 0xffff0000;  // a 16-bit TSS leaves the upper halves all ones
  }
  for (unsigned n = 0; n < l.segments; ++n) {
    t.selectors[n] = static_cast<u16>(e.load_linear(base + l.es + n * l.width, 2, false));
  }
  t.ldt = static_cast<u16>(e.load_linear(base + l.ldt, 2, false));
  if (l.width == 4) {
    t.cr3 = e.load_linear(base + l.cr3, 4, false);
    t.trap = (e.load_linear(base + kTrapFlag, 2, false) & 1) != 0;
  }
  return t;
}

void save_task(Engine& e, const Layout& l, u64 ip, u32 flags) {
  const u64 base = e.s.tr.base;
  e.store_linear(base + l.ip, l.width, ip, false);
  e.store_linear(base + l.flags, l.width, flags, false);
  for (unsigned n = 0; n < 8; ++n) e.store_linear(base + l.gpr + n * l.width, l.width, e.s.gpr[n], false);
  for (unsigned n = 0; n < l.segments; ++n) {
    e.store_linear(base + l.es + n * l.width, 2, e.s.seg[n].selector, false);
  }
}

void set_busy(Engine& e, u16 selector, bool busy) {
  const u64 address = (e.s.gdtr.base + (selector & 0xfff8) + 5) & 0xffffffff;
  const u64 type = e.load_linear(address, 1, false);
  e.store_linear(address, 1, busy ? type | 2 : type & ~u64{2}, false);
}

void load_task_ldt(Engine& e, u16 selector) {
  if (null_selector(selector)) return;
  if (in_ldt(selector)) e.fault(kTs, selector_error(selector));
  const Descriptor d = fetch_descriptor(e, selector, kTs);
  if (!d.system(kLdt) || !d.present()) e.fault(kTs, selector_error(selector));
  e.s.ldtr = segment_of(selector, d);
}

void load_task_code(Engine& e, u16 selector) {
  if (null_selector(selector)) e.fault(kTs, selector_error(selector));
  Descriptor d = fetch_descriptor(e, selector, kTs);
  const bool privilege = d.conforming() ? d.dpl() <= rpl_of(selector) : d.dpl() == rpl_of(selector);
  if (!d.code() || !privilege) e.fault(kTs, selector_error(selector));
  if (!d.present()) e.fault(kNp, selector_error(selector));
  mark_accessed(e, d);
  set_segment(e, kCs, segment_of(selector, d));
}

void load_task_stack(Engine& e, u16 selector, unsigned level) {
  if (null_selector(selector)) e.fault(kTs, selector_error(selector));
  Descriptor d = check_stack_segment(e, selector, level, kTs);
  mark_accessed(e, d);
  set_segment(e, kSs, segment_of(selector, d));
}

void load_task_data(Engine& e, unsigned seg, u16 selector) {
  if (null_selector(selector)) return;
  Descriptor d = fetch_descriptor(e, selector, kTs);
  if (!d.readable() || (!d.conforming() && (rpl_of(selector) > d.dpl() || e.s.cpl > d.dpl()))) {
    e.fault(kTs, selector_error(selector));
  }
  if (!d.present()) e.fault(kNp, selector_error(selector));
  mark_accessed(e, d);
  set_segment(e, seg, segment_of(selector, d));
}

/// Step 13 of SDM vol. 3, 7.3: descriptors are loaded and qualified in the context of the new task, the stack before
/// the code (table 7-1). Until the stack is there a fault is one of level 3, so that its handler comes on the inner
/// stack of the new TSS: on the task's own there would be a double fault in its place.
void load_task_segments(Engine& e, const TaskImage& t) {
  const u8 level = e.s.cpl;
  e.s.cpl = 3;
  load_task_ldt(e, t.ldt);
  if (e.v86()) {
    for (unsigned seg = 0; seg < kSegCount; ++seg) set_real_segment(e, seg, t.selectors[seg]);
    return;
  }
  load_task_stack(e, t.selectors[kSs], level);
  e.s.cpl = level;
  load_task_code(e, t.selectors[kCs]);
  for (const unsigned seg : {kDs, kEs, kFs, kGs}) load_task_data(e, seg, t.selectors[seg]);
}

}  // namespace

bool switch_task(Engine& e, u16 selector, const Descriptor& descriptor, TaskSwitch reason, u64 return_rip) {
  const Layout& new_layout = layout_of(descriptor.type());
  const Layout& old_layout = layout_of(e.s.tr.type());
  const bool nested = reason == TaskSwitch::Call || reason == TaskSwitch::Interrupt;
  if (descriptor.limit() < new_layout.last) e.fault(kTs, selector_error(selector));
  // The old one must have room for what is stored; the SDM says nothing of its limit.
  const u32 stored_end = old_layout.es + old_layout.segments * old_layout.width;
  if (!e.s.tr.present() || e.s.tr.limit < stored_end - 1) e.fault(kTs, selector_error(e.s.tr.selector));

  // Everything that may fault in the old task: both segments must be there.
  const u64 new_base = descriptor.base();
  e.probe_linear(new_base, new_layout.last + 1, Access::Read, false);
  e.probe_linear(e.s.tr.base + old_layout.ip, stored_end - old_layout.ip, Access::Write, false);
  if (nested) e.probe_linear(new_base, 2, Access::Write, false);
  e.probe_linear(descriptor.address + 5, 1, Access::Write, false);
  const bool new_pdptes = (e.s.cr0 & kCr0Pg) != 0 && new_layout.width == 4 && (e.s.cr4 & kCr4Pae) != 0;

  // Steps 6 to 11.
  const u16 old_selector = e.s.tr.selector;
  u32 old_flags = static_cast<u32>(e.rflags());
  if (reason == TaskSwitch::Iret) old_flags &= ~kNt;
  if (!nested) set_busy(e, old_selector, false);
  save_task(e, old_layout, return_rip, old_flags);
  const TaskImage task = read_task(e, new_base, new_layout);  // after the old one's: they may be one and the same
  if (nested) e.store_linear(new_base, 2, old_selector, false);
  if (reason != TaskSwitch::Iret) set_busy(e, selector, true);
  e.s.tr = segment_of(selector, descriptor);
  e.s.tr.attributes |= 2;

  // Step 12: the new task's state. From here on we are in it.
  e.s.cr0 |= kCr0Ts;
  e.s.dr[7] &= ~u64{0x155};  // LE and L0 to L3 (SDM vol. 3, 17.2.4)
  e.debug_registers_changed();
  e.cancel_step_trap();
  e.set_next_rip(task.ip);
  e.s.rip = task.ip - e.current->offset;  // what this_rip() gives to a fault
  for (unsigned n = 0; n < 8; ++n) e.s.gpr[n] = task.gpr[n];
  e.s.ldtr = Segment{.selector = task.ldt};
  const bool vm = (task.flags & kVm) != 0;
  e.s.cpl = static_cast<u8>(vm ? 3 : rpl_of(task.selectors[kCs]));
  for (unsigned seg = 0; seg < kSegCount; ++seg) set_segment(e, seg, Segment{.selector = task.selectors[seg]});
  e.set_rflags((task.flags & flag_bits(e.model)) | 2 | (nested ? kNt : 0));
  if ((e.s.cr0 & kCr0Pg) != 0 && new_layout.width == 4) {
    e.s.cr3 = task.cr3;
    e.flush_tlb(false);
  }
  e.mode_changed();
  if (new_pdptes) load_pdptes(e, e.s.cr3);
  load_task_segments(e, task);
  return task.trap;
}

void enter_task(Engine& e, bool trap) {
  if (e.next_rip() > e.s.seg[kCs].limit) e.general_protection();
  if (trap) e.note_debug(kTaskTrap);
}

void return_from_task(Engine& e) {
  const u16 selector = static_cast<u16>(e.load_linear(e.s.tr.base, 2, false));
  if (in_ldt(selector)) e.fault(kTs, selector_error(selector));
  const Descriptor d = fetch_descriptor(e, selector, kTs);
  if (!d.system(kTss16Busy) && !d.system(kTss32Busy)) e.fault(kTs, selector_error(selector));
  if (!d.present()) e.fault(kNp, selector_error(selector));
  enter_task(e, switch_task(e, selector, d, TaskSwitch::Iret));
}

}  // namespace orrery::cpu::helpers
