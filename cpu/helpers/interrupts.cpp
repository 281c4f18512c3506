#include "cpu/helpers/interrupts.h"

#include "cpu/helpers/far_transfer.h"
#include "cpu/helpers/segments.h"
#include "cpu/helpers/stack.h"
#include "cpu/helpers/tasks.h"

namespace orrery::cpu::helpers {

u32 flag_bits(const Model& model) {
  u32 bits = kArithFlags | kTf | kIf | kDf | kIopl | kNt | kRf | kVm;
  if (model.has(Feature::I486)) bits |= kAc;
  if (model.has(Feature::Vme)) bits |= kVif | kVip;
  if (model.max_leaf != 0) bits |= kId;
  return bits;
}

void change_flags(Engine& e, u64 image, u32 mask) {
  mask &= flag_bits(e.model);
  const u64 old = e.rflags();
  const u64 now = (old & ~u64{mask}) | (image & mask) | 2;
  e.set_rflags(now);
  if ((now & ~old & (kTf | kRf)) != 0 || (e.s.intr && (now & ~old & (kIf | kVif)) != 0)) e.attention();
}

namespace {

/// One interrupt on its way.
struct Event {
  u8 vector;
  Source source;
  bool has_error;
  u32 error;
  u64 return_rip;

  bool checks_dpl() const { return source == Source::Software || source == Source::Int3 || source == Source::Into; }
  /// The error code that names the IDT entry.
  u32 idt_error() const { return vector * 8u + 2; }
};

constexpr u32 kClearedByTrapGate = kTf | kNt | kVm | kRf;

void real_interrupt(Engine& e, const Event& event) {
  if (event.vector * 4u + 3 > e.s.idtr.limit) e.fault(kGp, event.idt_error());
  const u64 entry = e.load_linear(e.s.idtr.base + event.vector * 4u, 4, false);
  Stack stack(e);
  stack.require_pushes(3, 2);
  stack.push(2, e.rflags());
  stack.push(2, e.s.seg[kCs].selector);
  stack.push(2, event.return_rip);
  stack.commit();
  e.set_rflags(e.rflags() & ~u64{kIf | kTf | kAc | kRf});
  set_real_code_segment(e, static_cast<u16>(entry >> 16), entry & 0xffff);
}

/// CR4.VME: whether the TSS's bitmap sends INT n of a virtual-8086 task to its own handler (SDM vol. 3, 20.3.3).
bool redirected_to_8086(Engine& e, u8 vector) {
  const Segment& tr = e.s.tr;
  if (!tr.present() || (tr.type() & 8) == 0 || tr.limit < 103) e.general_protection();
  const u32 io_map = static_cast<u32>(e.load_linear(tr.base + 102, 2, false));
  const u32 offset = io_map - 32 + vector / 8u;
  if (io_map < 32 || offset > tr.limit) e.general_protection();
  return (e.load_linear(tr.base + offset, 1, false) >> (vector % 8) & 1) == 0;
}

void v86_redirected_interrupt(Engine& e, const Event& event) {
  const u64 entry = e.load_linear(event.vector * 4u, 4, false);
  u64 image = e.rflags();
  const bool virtual_if = e.iopl() < 3;
  if (virtual_if) image = (image & ~u64{kIf}) | kIopl | ((image & kVif) != 0 ? kIf : 0);
  Stack stack(e);
  stack.require_pushes(3, 2);
  stack.push(2, image);
  stack.push(2, e.s.seg[kCs].selector);
  stack.push(2, event.return_rip);
  stack.commit();
  e.set_rflags(e.rflags() & ~u64{kTf | kRf | (virtual_if ? kVif : kIf)});
  set_real_code_segment(e, static_cast<u16>(entry >> 16), entry & 0xffff);
}

void task_gate_interrupt(Engine& e, const Event& event, const Descriptor& gate) {
  const u16 selector = gate.gate_selector();
  if (in_ldt(selector)) e.general_protection(selector_error(selector));
  const Descriptor tss = fetch_descriptor(e, selector);
  if (!tss.system(kTss16) && !tss.system(kTss32)) e.general_protection(selector_error(selector));
  if (!tss.present()) e.fault(kNp, selector_error(selector));
  const bool trap = switch_task(e, selector, tss, TaskSwitch::Interrupt, event.return_rip);
  if (event.has_error) {
    const unsigned width = tss.type() == kTss32 ? 4 : 2;
    Stack stack(e);
    stack.push(width, event.error);
    stack.commit();
  }
  enter_task(e, trap);
}

/// To a more privileged level: its stack takes SS:ESP, flags, CS:EIP; from virtual-8086 mode the data segments before.
void inner_interrupt(Engine& e, const Event& event, u16 selector, Descriptor& code, u64 rip, unsigned width,
                     u32 cleared) {
  const bool from_v86 = e.v86();
  InnerStack inner = inner_stack(e, code.dpl());
  Stack stack(e, inner.segment, inner.pointer, false, selector_error(inner.selector));
  stack.require_pushes((from_v86 ? 9 : 5) + (event.has_error ? 1 : 0), width);
  check_entry_point(e, code, rip);
  mark_accessed(e, inner.descriptor);
  if (from_v86) {
    for (const unsigned seg : {kGs, kFs, kDs, kEs}) stack.push(width, e.s.seg[seg].selector);
  }
  stack.push(width, e.s.seg[kSs].selector);
  stack.push(width, e.s.gpr[kRsp]);
  stack.push(width, e.rflags());
  stack.push(width, e.s.seg[kCs].selector);
  stack.push(width, event.return_rip);
  if (event.has_error) stack.push(width, event.error);
  mark_accessed(e, code);
  e.s.cpl = static_cast<u8>(code.dpl());
  e.set_rflags(e.rflags() & ~u64{cleared});
  if (from_v86) {
    for (const unsigned seg : {kGs, kFs, kDs, kEs}) set_null_segment(e, seg, 0);
  }
  set_segment(e, kSs, inner.segment);
  set_code_segment(e, selector, code, code.dpl(), rip);
  e.s.gpr[kRsp] = stack.pointer();
}

void protected_interrupt(Engine& e, const Event& event) {
  if (event.vector * 8u + 7 > e.s.idtr.limit) e.general_protection(event.idt_error());
  Descriptor gate;
  gate.low = e.load_linear(e.s.idtr.base + event.vector * 8u, 8, false);
  switch (gate.s() ? 0 : gate.type()) {
    case kTaskGate:
    case kInterruptGate16:
    case kTrapGate16:
    case kInterruptGate32:
    case kTrapGate32: break;
    default: e.general_protection(event.idt_error());
  }
  if (event.checks_dpl() && gate.dpl() < e.s.cpl) e.general_protection(event.idt_error());
  if (!gate.present()) e.fault(kNp, event.idt_error());
  if (gate.type() == kTaskGate) return task_gate_interrupt(e, event, gate);

  const u16 selector = gate.gate_selector();
  if (null_selector(selector)) e.general_protection();
  Descriptor code = fetch_descriptor(e, selector);
  if (!code.code() || code.dpl() > e.s.cpl) e.general_protection(selector_error(selector));
  if (!code.present()) e.fault(kNp, selector_error(selector));
  const unsigned width = (gate.type() & 8) != 0 ? 4 : 2;
  const u64 rip = gate.gate_offset() & mask_of(width);
  const u32 cleared = kClearedByTrapGate | ((gate.type() & 1) == 0 ? kIf : 0);
  if (!code.conforming() && code.dpl() < e.s.cpl) {
    if (e.v86() && code.dpl() != 0) e.general_protection(selector_error(selector));
    return inner_interrupt(e, event, selector, code, rip, width, cleared);
  }
  if (e.v86()) e.general_protection(selector_error(selector));
  Stack stack(e);
  stack.require_pushes(3 + (event.has_error ? 1 : 0), width);
  check_entry_point(e, code, rip);
  stack.push(width, e.rflags());
  stack.push(width, e.s.seg[kCs].selector);
  stack.push(width, event.return_rip);
  if (event.has_error) stack.push(width, event.error);
  mark_accessed(e, code);
  stack.commit();
  e.set_rflags(e.rflags() & ~u64{cleared});
  set_code_segment(e, selector, code, e.s.cpl, rip);
}

void long_interrupt(Engine& e, const Event& event) {
  if (event.vector * 16u + 15 > e.s.idtr.limit) e.general_protection(event.idt_error());
  Descriptor gate;
  gate.low = e.load_linear(e.s.idtr.base + event.vector * 16u, 8, false);
  gate.high = e.load_linear(e.s.idtr.base + event.vector * 16u + 8, 8, false) & 0xffffffff;
  if (!gate.system(kInterruptGate32) && !gate.system(kTrapGate32)) e.general_protection(event.idt_error());
  if (event.checks_dpl() && gate.dpl() < e.s.cpl) e.general_protection(event.idt_error());
  if (!gate.present()) e.fault(kNp, event.idt_error());
  const u16 selector = gate.gate_selector();
  if (null_selector(selector)) e.general_protection();
  Descriptor code = fetch_descriptor(e, selector);
  if (!code.code() || code.dpl() > e.s.cpl || !code.l() || code.db()) e.general_protection(selector_error(selector));
  if (!code.present()) e.fault(kNp, selector_error(selector));
  const unsigned cpl = code.conforming() ? e.s.cpl : code.dpl();
  const bool inner = cpl < e.s.cpl;
  const u64 rip = gate.gate_offset();
  u64 pointer = e.s.gpr[kRsp];
  if (inner || gate.gate_ist() != 0) pointer = stack_pointer64(e, cpl, gate.gate_ist());
  Stack stack = Stack::flat64(e, pointer & ~u64{15}, cpl == 3);
  stack.require_pushes(5 + (event.has_error ? 1 : 0), 8);
  check_entry_point(e, code, rip);
  stack.push(8, e.s.seg[kSs].selector);
  stack.push(8, e.s.gpr[kRsp]);
  stack.push(8, e.rflags());
  stack.push(8, e.s.seg[kCs].selector);
  stack.push(8, event.return_rip);
  if (event.has_error) stack.push(8, event.error);
  mark_accessed(e, code);
  e.set_rflags(e.rflags() & ~u64{kClearedByTrapGate | (gate.type() == kInterruptGate32 ? kIf : 0)});
  if (inner) {
    e.s.cpl = static_cast<u8>(cpl);
    set_null_segment(e, kSs, static_cast<u16>(cpl));
  }
  set_code_segment(e, selector, code, cpl, rip);
  e.s.gpr[kRsp] = stack.pointer();
}

void route(Engine& e, const Event& event) {
  if (e.real_mode()) return real_interrupt(e, event);
  if (e.long_mode()) return long_interrupt(e, event);
  if (e.v86() && event.source == Source::Software) {
    if ((e.s.cr4 & kCr4Vme) != 0 && redirected_to_8086(e, event.vector)) return v86_redirected_interrupt(e, event);
    if (e.iopl() < 3) e.general_protection();
  }
  protected_interrupt(e, event);
}

/// Faults whose error code carries the EXT bit.
bool has_ext_bit(const Fault& fault) {
  return fault.has_error && (fault.vector == kTs || fault.vector == kNp || fault.vector == kSsv || fault.vector == kGp);
}

// SDM vol. 3, table 6-4.
bool contributory(u8 vector) { return vector == kDe || (vector >= kTs && vector <= kGp); }

/// True if the second exception, met while delivering the first, makes a double fault (SDM vol. 3, table 6-5).
bool makes_double_fault(u8 first, u8 second) {
  if (first == kPfv) return second == kPfv || contributory(second);
  return contributory(first) && contributory(second);
}

}  // namespace

void interrupt(Engine& e, u8 vector, Source source, bool has_error, u32 error) {
  if (e.log.enabled(core::Channel::Int)) {
    e.log(core::Channel::Int, "int {:02x} error {:04x} cpl {} at {:04x}:{:08x} ss:sp {:04x}:{:08x} flags {:08x}",
          vector, error, e.s.cpl, e.s.seg[kCs].selector, e.this_rip(), e.s.seg[kSs].selector, e.s.gpr[kRsp],
          e.rflags());
  }
  const Event event{.vector = vector,
                    .source = source,
                    .has_error = has_error,
                    .error = error,
                    .return_rip = source == Source::Exception ? e.this_rip() : e.next_rip()};
  // RF in the saved image (SDM vol. 3, 17.3.1.1).
  if (source == Source::Exception && vector != kDf8) e.s.eflags |= kRf;
  if (event.checks_dpl() || source == Source::Icebp) {
    e.s.eflags &= ~kRf;
    e.cancel_step_trap();
  }
  try {
    route(e, event);
  } catch (const Fault& fault) {
    if (event.checks_dpl() || !has_ext_bit(fault)) throw;
    throw Fault{.vector = fault.vector, .has_error = true, .error = fault.error | 1};
  }
  if (source == Source::Nmi) e.s.nmi_blocked = true;
  if (vector == kDb && source != Source::Software && (e.s.dr[7] & 0x2000) != 0) {
    e.s.dr[7] &= ~u64{0x2000};  // GD: the handler may use the debug registers
    e.debug_registers_changed();
  }
}

void deliver_exception(Engine& e, const Fault& fault) {
  Fault pending = fault;
  for (;;) {
    Fault met{};
    try {
      interrupt(e, pending.vector, Source::Exception, pending.has_error, pending.error);
      return;
    } catch (const Fault& second) {
      met = second;
    }
    if (pending.vector == kDf8) {
      e.log(core::Channel::Int, "triple fault");
      e.shutdown();
      return;
    }
    pending =
        makes_double_fault(pending.vector, met.vector) ? Fault{.vector = kDf8, .has_error = true, .error = 0} : met;
  }
}

void deliver_interrupt(Engine& e, u8 vector, Source source) {
  Fault met{};
  try {
    return interrupt(e, vector, source);
  } catch (const Fault& fault) {
    met = fault;
  }
  deliver_exception(e, met);
}

namespace {
void show_debug(Engine& e, u64 dr6_bits) { e.s.dr[6] = (e.s.dr[6] & ~u64{15}) | dr6_bits | 0xffff0ff0; }
}  // namespace

void deliver_debug(Engine& e, u64 dr6_bits) {
  show_debug(e, dr6_bits);
  deliver_interrupt(e, kDb, Source::Trap);
}

void int_imm(Engine& e, const Insn& i) { interrupt(e, static_cast<u8>(i.imm), Source::Software); }
void int3(Engine& e, const Insn&) { interrupt(e, kBp, Source::Int3); }
void icebp(Engine& e, const Insn&) {
  // A breakpoint that MOV SS held back comes with this debug exception; it is not another one.
  const u64 held = e.s.pending_debug;
  interrupt(e, kDb, Source::Icebp);
  if (held == 0) return;
  show_debug(e, held);
  e.s.pending_debug &= ~held;
}

void into(Engine& e, const Insn&) {
  if (flag_of(e.s.flags)) interrupt(e, kOfv, Source::Into);
}

}  // namespace orrery::cpu::helpers
