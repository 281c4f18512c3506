#include "cpu/helpers/far_transfer.h"

#include "cpu/helpers/segments.h"
#include "cpu/helpers/stack.h"
#include "cpu/helpers/tasks.h"

namespace orrery::cpu::helpers {

// --- shared with interrupts and IRET ---------------------------------------------------------------------------------

void set_code_segment(Engine& e, u16 selector, const Descriptor& descriptor, unsigned cpl, u64 rip) {
  e.s.cpl = static_cast<u8>(cpl);
  set_segment(e, kCs, segment_of(static_cast<u16>((selector & ~3u) | cpl), descriptor));
  e.set_next_rip(rip);
}

void set_real_code_segment(Engine& e, u16 selector, u64 rip) {
  set_real_segment(e, kCs, selector);
  e.set_next_rip(rip);
}

void check_entry_point(Engine& e, const Descriptor& code, u64 rip) {
  if (e.long_mode() && code.l()) {
    if (!canonical(rip)) e.general_protection();
  } else if (rip > code.limit()) {
    e.general_protection();
  }
}

Descriptor check_return_code_segment(Engine& e, u16 selector) {
  if (null_selector(selector)) e.general_protection();
  const Descriptor d = fetch_descriptor(e, selector);
  const unsigned rpl = rpl_of(selector);
  const bool privilege = d.conforming() ? d.dpl() <= rpl : d.dpl() == rpl;
  const bool both_sizes = e.long_mode() && d.l() && d.db();
  if (!d.code() || rpl < e.s.cpl || !privilege || both_sizes) e.general_protection(selector_error(selector));
  if (!d.present()) e.fault(kNp, selector_error(selector));
  return d;
}

void return_with_stack(Engine& e, Stack& stack, u16 selector, Descriptor& code, u64 rip, unsigned width) {
  const unsigned cpl = rpl_of(selector);
  stack.require_pops(2, width);
  const u64 sp = stack.pop(width);
  const u16 ss_selector = static_cast<u16>(stack.pop(width));
  const bool null_ss = null_selector(ss_selector);
  Descriptor ss;
  if (null_ss) {
    if (!e.long_mode() || !code.l() || cpl == 3) e.general_protection();
  } else {
    ss = check_stack_segment(e, ss_selector, cpl, kGp);
  }
  check_entry_point(e, code, rip);
  if (!null_ss) mark_accessed(e, ss);
  mark_accessed(e, code);
  set_code_segment(e, selector, code, cpl, rip);
  if (null_ss) {
    set_null_segment(e, kSs, ss_selector);
  } else {
    set_segment(e, kSs, segment_of(ss_selector, ss));
  }
  e.s.gpr[kRsp] = e.stack_mask == 0xffff ? (e.s.gpr[kRsp] & 0xffff0000) | (sp & 0xffff) : sp;
}

InnerStack inner_stack(Engine& e, unsigned cpl) {
  const Segment& tr = e.s.tr;
  InnerStack stack;
  const bool wide = (tr.type() & 8) != 0;
  const u32 offset = wide ? cpl * 8 + 4 : cpl * 4 + 2;
  if (!tr.present() || offset + (wide ? 5 : 3) > tr.limit) e.fault(kTs, selector_error(tr.selector));
  if (wide) {
    stack.pointer = e.load_linear(tr.base + offset, 4, false);
    stack.selector = static_cast<u16>(e.load_linear(tr.base + offset + 4, 2, false));
  } else {
    stack.pointer = e.load_linear(tr.base + offset, 2, false);
    stack.selector = static_cast<u16>(e.load_linear(tr.base + offset + 2, 2, false));
  }
  if (null_selector(stack.selector)) e.fault(kTs, selector_error(stack.selector));
  stack.descriptor = check_stack_segment(e, stack.selector, cpl, kTs);
  stack.segment = segment_of(stack.selector, stack.descriptor);
  stack.segment.attributes |= 1;  // accessed, once it is loaded
  return stack;
}

u64 stack_pointer64(Engine& e, unsigned cpl, unsigned ist) {
  const Segment& tr = e.s.tr;
  const u32 offset = ist != 0 ? 28 + ist * 8 : 4 + cpl * 8;
  if (!tr.present() || offset + 7 > tr.limit) e.fault(kTs, selector_error(tr.selector));
  const u64 pointer = e.load_linear(tr.base + offset, 8, false);
  if (!canonical(pointer)) e.fault(kSsv, 0);
  return pointer;
}

namespace {

enum class Transfer : u8 { Jump, Call };

struct FarPointer {
  u16 selector;
  u64 offset;
};

FarPointer immediate_pointer(const Insn& i) {
  return {.selector = static_cast<u16>(i.disp), .offset = i.imm & mask_of(width_of(i.opsize()))};
}

FarPointer memory_pointer(Engine& e, const Insn& i) {
  if (!i.mem()) e.undefined();
  const unsigned width = width_of(i.opsize());
  const u64 address = e.effective_address(i);
  const u64 offset = e.load(i.seg(), address, width);
  return {.selector = static_cast<u16>(e.load(i.seg(), e.effective_address(i, width), 2)), .offset = offset};
}

void real_transfer(Engine& e, Transfer kind, FarPointer target, unsigned width) {
  Stack stack(e);
  if (kind == Transfer::Call) stack.require_pushes(2, width);
  if (target.offset > e.s.seg[kCs].limit) e.general_protection();
  if (kind == Transfer::Call) {
    stack.push(width, e.s.seg[kCs].selector);
    stack.push(width, e.next_rip());
    stack.commit();
  }
  set_real_code_segment(e, target.selector, target.offset);
}

/// To a code segment at the present privilege, directly or through a gate.
void same_privilege(Engine& e, Transfer kind, u16 selector, Descriptor& code, u64 rip, unsigned width) {
  Stack stack(e);
  if (kind == Transfer::Call) stack.require_pushes(2, width);
  check_entry_point(e, code, rip);
  if (kind == Transfer::Call) {
    stack.push(width, e.s.seg[kCs].selector);
    stack.push(width, e.next_rip());
  }
  mark_accessed(e, code);
  if (kind == Transfer::Call) stack.commit();
  set_code_segment(e, selector, code, e.s.cpl, rip);
}

void direct_transfer(Engine& e, Transfer kind, u16 selector, Descriptor& code, u64 rip, unsigned width) {
  const bool allowed = code.conforming() ? code.dpl() <= e.s.cpl : rpl_of(selector) <= e.s.cpl && code.dpl() == e.s.cpl;
  if (!allowed || (e.long_mode() && code.l() && code.db())) e.general_protection(selector_error(selector));
  if (!code.present()) e.fault(kNp, selector_error(selector));
  same_privilege(e, kind, selector, code, rip, width);
}

/// CALL through a gate to a more privileged segment: the stack of that level takes the return addresses and parameters.
void inner_call(Engine& e, u16 selector, Descriptor& code, u64 rip, unsigned width, unsigned parameters) {
  const u16 old_cs = e.s.seg[kCs].selector;
  const u16 old_ss = e.s.seg[kSs].selector;
  const u64 old_sp = e.s.gpr[kRsp];
  InnerStack inner = inner_stack(e, code.dpl());
  Stack stack(e, inner.segment, inner.pointer, false, selector_error(inner.selector));
  stack.require_pushes(4 + parameters, width);
  check_entry_point(e, code, rip);
  std::array<u64, 31> words{};
  for (unsigned n = 0; n < parameters; ++n) {
    words[n] = e.load(kSs, (old_sp + u64{n} * width) & e.stack_mask, width);
  }
  mark_accessed(e, inner.descriptor);
  stack.push(width, old_ss);
  stack.push(width, old_sp);
  for (unsigned n = parameters; n-- > 0;) stack.push(width, words[n]);
  stack.push(width, old_cs);
  stack.push(width, e.next_rip());
  mark_accessed(e, code);
  e.s.cpl = static_cast<u8>(code.dpl());
  set_segment(e, kSs, inner.segment);
  set_code_segment(e, selector, code, code.dpl(), rip);
  e.s.gpr[kRsp] = stack.pointer();
}

void inner_call64(Engine& e, u16 selector, Descriptor& code, u64 rip) {
  const u16 old_cs = e.s.seg[kCs].selector;
  const u16 old_ss = e.s.seg[kSs].selector;
  const unsigned cpl = code.dpl();
  Stack stack = Stack::flat64(e, stack_pointer64(e, cpl, 0), false);
  stack.require_pushes(4, 8);
  check_entry_point(e, code, rip);
  stack.push(8, old_ss);
  stack.push(8, e.s.gpr[kRsp]);
  stack.push(8, old_cs);
  stack.push(8, e.next_rip());
  mark_accessed(e, code);
  e.s.cpl = static_cast<u8>(cpl);
  set_null_segment(e, kSs, static_cast<u16>(cpl));
  set_code_segment(e, selector, code, cpl, rip);
  e.s.gpr[kRsp] = stack.pointer();
}

void gate_transfer(Engine& e, Transfer kind, u16 gate_selector, Descriptor& gate) {
  if (gate.dpl() < e.s.cpl || gate.dpl() < rpl_of(gate_selector)) e.general_protection(selector_error(gate_selector));
  if (!gate.present()) e.fault(kNp, selector_error(gate_selector));
  if (e.long_mode()) fetch_upper_half(e, gate_selector, gate);
  const u16 selector = gate.gate_selector();
  if (null_selector(selector)) e.general_protection();
  Descriptor code = fetch_descriptor(e, selector);
  bool allowed = code.code() && code.dpl() <= e.s.cpl;
  if (kind == Transfer::Jump && !code.conforming()) allowed = allowed && code.dpl() == e.s.cpl;
  if (e.long_mode() && (!code.l() || code.db())) allowed = false;
  if (!allowed) e.general_protection(selector_error(selector));
  if (!code.present()) e.fault(kNp, selector_error(selector));
  const unsigned width = e.long_mode() ? 8 : gate.type() == kCallGate32 ? 4 : 2;
  const u64 rip = width == 2 ? gate.gate_offset() & 0xffff : gate.gate_offset();
  if (kind == Transfer::Call && !code.conforming() && code.dpl() < e.s.cpl) {
    if (e.long_mode()) return inner_call64(e, selector, code, rip);
    return inner_call(e, selector, code, rip, width, gate.gate_parameters());
  }
  same_privilege(e, kind, selector, code, rip, width);
}

void task_transfer(Engine& e, Transfer kind, u16 selector, const Descriptor& descriptor, bool through_gate) {
  u16 tss_selector = selector;
  Descriptor tss = descriptor;
  if (descriptor.dpl() < e.s.cpl || descriptor.dpl() < rpl_of(selector)) e.general_protection(selector_error(selector));
  if (through_gate) {
    if (!descriptor.present()) e.fault(kNp, selector_error(selector));
    tss_selector = descriptor.gate_selector();
  }
  if (in_ldt(tss_selector)) e.general_protection(selector_error(tss_selector));
  if (through_gate) tss = fetch_descriptor(e, tss_selector);
  if (!tss.system(kTss16) && !tss.system(kTss32)) e.general_protection(selector_error(tss_selector));
  if (!tss.present()) e.fault(kNp, selector_error(tss_selector));
  enter_task(e, switch_task(e, tss_selector, tss, kind == Transfer::Jump ? TaskSwitch::Jump : TaskSwitch::Call));
}

void transfer(Engine& e, Transfer kind, FarPointer target, unsigned width) {
  if (!e.protected_mode()) return real_transfer(e, kind, target, width);
  const u16 selector = target.selector;
  if (null_selector(selector)) e.general_protection();
  Descriptor d = fetch_descriptor(e, selector);
  if (d.code()) return direct_transfer(e, kind, selector, d, target.offset, width);
  if (!d.s()) {
    if (d.type() == kCallGate32 || (d.type() == kCallGate16 && !e.long_mode()))
      return gate_transfer(e, kind, selector, d);
    if (!e.long_mode()) {
      if (d.type() == kTaskGate) return task_transfer(e, kind, selector, d, true);
      if ((d.type() & ~8u) == kTss16 || (d.type() & ~8u) == kTss16Busy)
        return task_transfer(e, kind, selector, d, false);
    }
  }
  e.general_protection(selector_error(selector));
}

}  // namespace

void far_jmp_imm(Engine& e, const Insn& i) { transfer(e, Transfer::Jump, immediate_pointer(i), width_of(i.opsize())); }
void far_jmp_mem(Engine& e, const Insn& i) { transfer(e, Transfer::Jump, memory_pointer(e, i), width_of(i.opsize())); }
void far_call_imm(Engine& e, const Insn& i) { transfer(e, Transfer::Call, immediate_pointer(i), width_of(i.opsize())); }
void far_call_mem(Engine& e, const Insn& i) { transfer(e, Transfer::Call, memory_pointer(e, i), width_of(i.opsize())); }

// --- RET -------------------------------------------------------------------------------------------------------------

namespace {

void outer_return(Engine& e, Stack& stack, u16 selector, Descriptor& code, u64 rip, unsigned width, u64 release) {
  stack.release(release);
  return_with_stack(e, stack, selector, code, rip, width);
  e.set_stack_pointer(e.s.gpr[kRsp] + release);
  drop_inner_segments(e);
}

void far_return(Engine& e, unsigned width, u64 release) {
  Stack stack(e);
  stack.require_pops(2, width);
  const u64 rip = stack.pop(width);
  const u16 selector = static_cast<u16>(stack.pop(width));
  if (!e.protected_mode()) {
    if (rip > e.s.seg[kCs].limit) e.general_protection();
    stack.release(release);
    stack.commit();
    return set_real_code_segment(e, selector, rip);
  }
  Descriptor code = check_return_code_segment(e, selector);
  if (rpl_of(selector) > e.s.cpl) return outer_return(e, stack, selector, code, rip, width, release);
  check_entry_point(e, code, rip);
  mark_accessed(e, code);
  stack.release(release);
  stack.commit();
  set_code_segment(e, selector, code, e.s.cpl, rip);
}

}  // namespace

void ret_far(Engine& e, const Insn& i) { far_return(e, width_of(i.opsize()), 0); }
void ret_far_imm(Engine& e, const Insn& i) { far_return(e, width_of(i.opsize()), i.imm & 0xffff); }

}  // namespace orrery::cpu::helpers
