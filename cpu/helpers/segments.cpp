#include "cpu/helpers/segments.h"

namespace orrery::cpu::helpers {
namespace {

constexpr u16 kRealAttributes = 0x93;  // present, writable, accessed
constexpr u16 kV86Attributes = 0xf3;   // the same with DPL 3

u64 table_entry(u64 base, u64 offset, bool long_mode) {
  return long_mode ? base + offset : (base + offset) & 0xffffffff;
}

bool table_of(Engine& e, u16 selector, u64& base, u32& limit) {
  if (in_ldt(selector)) {
    if (!e.s.ldtr.present()) return false;
    base = e.s.ldtr.base;
    limit = e.s.ldtr.limit;
  } else {
    base = e.s.gdtr.base;
    limit = e.s.gdtr.limit;
  }
  return true;
}

}  // namespace

// --- descriptors -----------------------------------------------------------------------------------------------------

bool find_descriptor(Engine& e, u16 selector, Descriptor& descriptor) {
  u64 base = 0;
  u32 limit = 0;
  const u32 offset = selector & 0xfff8;
  if (!table_of(e, selector, base, limit) || offset + 7 > limit) return false;
  descriptor.address = table_entry(base, offset, e.long_mode());
  descriptor.low = e.load_linear(descriptor.address, 8, false);
  descriptor.high = 0;
  return true;
}

Descriptor fetch_descriptor(Engine& e, u16 selector, u8 vector) {
  Descriptor d;
  if (!find_descriptor(e, selector, d)) e.fault(vector, selector_error(selector));
  return d;
}

void fetch_upper_half(Engine& e, u16 selector, Descriptor& descriptor, u8 vector) {
  u64 base = 0;
  u32 limit = 0;
  const u32 offset = selector & 0xfff8;
  if (!table_of(e, selector, base, limit) || offset + 15 > limit) e.fault(vector, selector_error(selector));
  descriptor.high = e.load_linear(descriptor.address + 8, 8, false);
  if (core::bits(descriptor.high, 44, 40) != 0) e.fault(vector, selector_error(selector));
  descriptor.high &= 0xffffffff;
}

void mark_accessed(Engine& e, Descriptor& descriptor) {
  if (core::bit(descriptor.low, 40)) return;
  descriptor.low |= u64{1} << 40;
  e.store_linear(descriptor.address + 5, 1, (descriptor.low >> 40) & 0xff, false);
}

Segment segment_of(u16 selector, const Descriptor& d) {
  return {.selector = selector, .attributes = d.attributes(), .limit = d.limit(), .base = d.base()};
}

// --- registers -------------------------------------------------------------------------------------------------------

void set_segment(Engine& e, unsigned seg, const Segment& value) {
  e.s.seg[seg] = value;
  e.segment_changed(seg);
}

void set_null_segment(Engine& e, unsigned seg, u16 selector) {
  Segment g = e.s.seg[seg];  // the limit stays, for a later return to real mode
  g.selector = selector;
  g.attributes = 0;
  g.base = 0;
  set_segment(e, seg, g);
}

void set_real_segment(Engine& e, unsigned seg, u16 selector) {
  Segment g = e.s.seg[seg];
  g.selector = selector;
  g.base = u64{selector} << 4;
  if (e.v86()) {
    g.attributes = kV86Attributes;
    g.limit = 0xffff;
  } else if (!g.present()) {
    g.attributes = kRealAttributes;  // limit and the other attributes stay what they are: "unreal" mode
  }
  set_segment(e, seg, g);
}

Descriptor check_stack_segment(Engine& e, u16 selector, unsigned cpl, u8 vector) {
  Descriptor d = fetch_descriptor(e, selector, vector);
  if (rpl_of(selector) != cpl || !d.writable_data() || d.dpl() != cpl) e.fault(vector, selector_error(selector));
  if (!d.present()) e.fault(kSsv, selector_error(selector));
  return d;
}

void load_segment(Engine& e, unsigned seg, u16 selector) {
  if (!e.protected_mode()) return set_real_segment(e, seg, selector);
  if (seg == kSs) {
    if (null_selector(selector)) {
      if (!e.code64() || e.s.cpl == 3 || rpl_of(selector) != e.s.cpl) e.general_protection();
      return set_null_segment(e, seg, selector);
    }
    Descriptor d = check_stack_segment(e, selector, e.s.cpl, kGp);
    mark_accessed(e, d);
    return set_segment(e, seg, segment_of(selector, d));
  }
  if (null_selector(selector)) return set_null_segment(e, seg, selector);
  Descriptor d = fetch_descriptor(e, selector);
  if (!d.readable() || (!d.conforming() && (rpl_of(selector) > d.dpl() || e.s.cpl > d.dpl()))) {
    e.general_protection(selector_error(selector));
  }
  if (!d.present()) e.fault(kNp, selector_error(selector));
  mark_accessed(e, d);
  set_segment(e, seg, segment_of(selector, d));
}

void drop_inner_segments(Engine& e) {
  for (const unsigned seg : {kEs, kDs, kFs, kGs}) {
    const Segment& g = e.s.seg[seg];
    if (g.present() && !g.conforming() && g.dpl() < e.s.cpl) set_null_segment(e, seg, 0);
  }
}

// --- moves -----------------------------------------------------------------------------------------------------------

void mov_from_segment(Engine& e, const Insn& i) {
  if (i.r[1] >= kSegCount) e.undefined();
  e.write_e(i, 0, i.mem() ? 2 : width_of(i.opsize()), e.s.seg[i.r[1]].selector);
}

void mov_to_segment(Engine& e, const Insn& i) {
  const unsigned seg = i.r[0];
  if (seg == kCs || seg >= kSegCount) e.undefined();
  load_segment(e, seg, static_cast<u16>(e.read_e(i, 1, 2)));
  if (seg == kSs) e.shadow(true);
}

void push_segment(Engine& e, const Insn& i) { e.push(width_of(i.opsize()), e.s.seg[i.r[0]].selector); }

void pop_segment(Engine& e, const Insn& i) {
  const unsigned width = width_of(i.opsize());
  const u64 mask = e.stack_mask;  // of the old stack, also when SS changes
  const u64 sp = e.stack_pointer();
  load_segment(e, i.r[0], static_cast<u16>(e.load(kSs, sp, width)));
  e.s.gpr[kRsp] = (e.s.gpr[kRsp] & ~mask) | ((sp + width) & mask);
  if (i.r[0] == kSs) e.shadow(true);
}

template <unsigned kSegment> void load_far(Engine& e, const Insn& i) {
  if (!i.mem()) e.undefined();
  const unsigned width = width_of(i.opsize());
  const u64 address = e.effective_address(i);
  const u64 offset = e.load(i.seg(), address, width);
  const u16 selector = static_cast<u16>(e.load(i.seg(), e.effective_address(i, width), 2));
  load_segment(e, kSegment, selector);
  e.write_reg(i.r[0], width, offset);
}
template void load_far<kEs>(Engine&, const Insn&);
template void load_far<kSs>(Engine&, const Insn&);
template void load_far<kDs>(Engine&, const Insn&);
template void load_far<kFs>(Engine&, const Insn&);
template void load_far<kGs>(Engine&, const Insn&);

// --- LDTR and TR -----------------------------------------------------------------------------------------------------

void require_cpl0(Engine& e) {
  if (e.s.cpl != 0) e.general_protection();
}

void check_umip(Engine& e) {
  if ((e.s.cr4 & kCr4Umip) != 0 && e.s.cpl != 0) e.general_protection();
}

void lldt(Engine& e, const Insn& i) {
  if (!e.protected_mode()) e.undefined();
  require_cpl0(e);
  const u16 selector = static_cast<u16>(e.read_e(i, 0, 2));
  if (null_selector(selector)) {
    e.s.ldtr = Segment{.selector = selector};
    return;
  }
  if (in_ldt(selector)) e.general_protection(selector_error(selector));
  Descriptor d = fetch_descriptor(e, selector);
  if (!d.system(kLdt)) e.general_protection(selector_error(selector));
  if (!d.present()) e.fault(kNp, selector_error(selector));
  if (e.long_mode()) fetch_upper_half(e, selector, d);
  e.s.ldtr = segment_of(selector, d);
}

void ltr(Engine& e, const Insn& i) {
  if (!e.protected_mode()) e.undefined();
  require_cpl0(e);
  const u16 selector = static_cast<u16>(e.read_e(i, 0, 2));
  if (null_selector(selector)) e.general_protection();
  if (in_ldt(selector)) e.general_protection(selector_error(selector));
  Descriptor d = fetch_descriptor(e, selector);
  const bool available = d.system(kTss32) || (d.system(kTss16) && !e.long_mode());
  if (!available) e.general_protection(selector_error(selector));
  if (!d.present()) e.fault(kNp, selector_error(selector));
  if (e.long_mode()) fetch_upper_half(e, selector, d);
  d.low |= u64{2} << 40;  // busy
  e.store_linear(d.address + 5, 1, (d.low >> 40) & 0xff, false);
  e.s.tr = segment_of(selector, d);
}

void sldt(Engine& e, const Insn& i) {
  if (!e.protected_mode()) e.undefined();
  check_umip(e);
  e.write_e(i, 0, i.mem() ? 2 : width_of(i.opsize()), e.s.ldtr.selector);
}

void str(Engine& e, const Insn& i) {
  if (!e.protected_mode()) e.undefined();
  check_umip(e);
  e.write_e(i, 0, i.mem() ? 2 : width_of(i.opsize()), e.s.tr.selector);
}

// --- looking at descriptors ------------------------------------------------------------------------------------------

void set_zero_flag(Engine& e, bool on) { e.s.flags = lazy_from((arith_flags(e.s.flags) & ~kZf) | (on ? kZf : 0)); }

namespace {

/// The part that LAR, LSL, VERR and VERW share: false if the selector shows nothing to the present privilege.
bool visible_descriptor(Engine& e, u16 selector, Descriptor& d) {
  if (null_selector(selector) || !find_descriptor(e, selector, d)) return false;
  if (d.conforming()) return true;
  return d.dpl() >= e.s.cpl && d.dpl() >= rpl_of(selector);
}

constexpr u32 type_set(std::initializer_list<unsigned> types) {
  u32 set = 0;
  for (const unsigned t : types) set |= 1u << t;
  return set;
}
// SDM vol. 2, LAR: table "Segment and Gate Types"; LSL: the same for segments with a limit.
constexpr u32 kLarTypes = type_set({kTss16, kLdt, kTss16Busy, kCallGate16, kTaskGate, kTss32, kTss32Busy, kCallGate32});
constexpr u32 kLarTypes64 = type_set({kLdt, kTss32, kTss32Busy, kCallGate32});
constexpr u32 kLslTypes = type_set({kTss16, kLdt, kTss16Busy, kTss32, kTss32Busy});
constexpr u32 kLslTypes64 = type_set({kLdt, kTss32, kTss32Busy});

}  // namespace

void lar(Engine& e, const Insn& i) {
  if (!e.protected_mode()) e.undefined();
  const u16 selector = static_cast<u16>(e.read_e(i, 1, 2));
  Descriptor d;
  const u32 types = e.long_mode() ? kLarTypes64 : kLarTypes;
  const bool ok = visible_descriptor(e, selector, d) && (d.s() || (types >> d.type() & 1) != 0);
  if (ok) {
    const unsigned width = width_of(i.opsize());
    e.write_reg(i.r[0], width, (d.low >> 32) & (width == 2 ? 0xff00 : 0x00ffff00));
  }
  set_zero_flag(e, ok);
}

void lsl(Engine& e, const Insn& i) {
  if (!e.protected_mode()) e.undefined();
  const u16 selector = static_cast<u16>(e.read_e(i, 1, 2));
  Descriptor d;
  const u32 types = e.long_mode() ? kLslTypes64 : kLslTypes;
  const bool ok = visible_descriptor(e, selector, d) && (d.s() || (types >> d.type() & 1) != 0);
  if (ok) e.write_reg(i.r[0], width_of(i.opsize()), d.limit());
  set_zero_flag(e, ok);
}

void verr(Engine& e, const Insn& i) {
  if (!e.protected_mode()) e.undefined();
  Descriptor d;
  set_zero_flag(e, visible_descriptor(e, static_cast<u16>(e.read_e(i, 0, 2)), d) && d.readable());
}

void verw(Engine& e, const Insn& i) {
  if (!e.protected_mode()) e.undefined();
  Descriptor d;
  set_zero_flag(e, visible_descriptor(e, static_cast<u16>(e.read_e(i, 0, 2)), d) && d.writable_data());
}

void arpl(Engine& e, const Insn& i) {
  if (!e.protected_mode()) e.undefined();
  const u16 destination = static_cast<u16>(e.read_e(i, 0, 2));
  const u16 source = static_cast<u16>(e.read_reg(i.r[1], 2));
  const bool adjust = rpl_of(destination) < rpl_of(source);
  if (adjust) e.write_e(i, 0, 2, (destination & ~3u) | rpl_of(source));
  set_zero_flag(e, adjust);
}

// --- GDTR and IDTR ---------------------------------------------------------------------------------------------------

namespace {

TableRegister read_table_image(Engine& e, const Insn& i) {
  const u64 address = e.effective_address(i);
  TableRegister t;
  t.limit = static_cast<u16>(e.load(i.seg(), address, 2));
  t.base = e.load(i.seg(), e.effective_address(i, 2), e.code64() ? 8 : 4);
  if (e.code64() && !canonical(t.base)) e.general_protection();
  if (!e.code64() && i.opsize() == Size::S16) t.base &= 0xffffff;
  return t;
}

/// All 32 bits of the base are written whatever the operand size: what processors since the 386 do.
void write_table_image(Engine& e, const Insn& i, const TableRegister& t) {
  check_umip(e);
  const u64 address = e.effective_address(i);
  const unsigned width = e.code64() ? 8 : 4;
  e.probe_write(i.seg(), e.effective_address(i, 2), width);
  e.store(i.seg(), address, 2, t.limit);
  e.store(i.seg(), e.effective_address(i, 2), width, t.base);
}

}  // namespace

void lgdt(Engine& e, const Insn& i) {
  require_cpl0(e);
  e.s.gdtr = read_table_image(e, i);
}

void lidt(Engine& e, const Insn& i) {
  require_cpl0(e);
  e.s.idtr = read_table_image(e, i);
}

void sgdt(Engine& e, const Insn& i) { write_table_image(e, i, e.s.gdtr); }
void sidt(Engine& e, const Insn& i) { write_table_image(e, i, e.s.idtr); }

}  // namespace orrery::cpu::helpers
