#include "cpu/helpers/extensions.h"

#include "cpu/helpers/segments.h"

namespace orrery::cpu::helpers {
namespace {

void set_alignment_flag(Engine& e, bool on) {
  if (e.s.cpl != 0) e.undefined();
  e.s.eflags = on ? e.s.eflags | kAc : e.s.eflags & ~kAc;
  e.mode_changed();
}

/// XCR0 bits that the model has: x87, SSE, AVX.
u64 xcr0_bits(const Model& m) { return 3 | (m.has(Feature::Avx) ? 4 : 0); }

void read_base(Engine& e, const Insn& i, unsigned seg) {
  if ((e.s.cr4 & kCr4Fsgsbase) == 0) e.undefined();
  e.write_reg(i.r[0], i.opsize() == Size::S64 ? 8 : 4, e.s.seg[seg].base);
}

void write_base(Engine& e, const Insn& i, unsigned seg) {
  if ((e.s.cr4 & kCr4Fsgsbase) == 0) e.undefined();
  const u64 base = e.read_reg(i.r[0], i.opsize() == Size::S64 ? 8 : 4);
  if (!canonical(base)) e.general_protection();
  e.s.seg[seg].base = base;
  e.segment_changed(seg);
}

}  // namespace

void clac(Engine& e, const Insn&) { set_alignment_flag(e, false); }
void stac(Engine& e, const Insn&) { set_alignment_flag(e, true); }

void xgetbv(Engine& e, const Insn&) {
  if ((e.s.cr4 & kCr4Osxsave) == 0) e.undefined();
  if ((e.s.gpr[kRcx] & 0xffffffff) != 0) e.general_protection();
  e.s.gpr[kRax] = e.s.xcr0 & 0xffffffff;
  e.s.gpr[kRdx] = e.s.xcr0 >> 32;
}

void xsetbv(Engine& e, const Insn&) {
  if ((e.s.cr4 & kCr4Osxsave) == 0) e.undefined();
  require_cpl0(e);
  const u64 value = (e.s.gpr[kRdx] << 32) | (e.s.gpr[kRax] & 0xffffffff);
  const bool avx_without_sse = (value & 6) == 4;
  if ((e.s.gpr[kRcx] & 0xffffffff) != 0 || (value & 1) == 0 || (value & ~xcr0_bits(e.model)) != 0 || avx_without_sse) {
    e.general_protection();
  }
  e.s.xcr0 = value;
  e.mode_changed();
}

void invpcid(Engine& e, const Insn& i) {
  if (e.v86()) e.general_protection();
  require_cpl0(e);
  const u64 type = e.read_reg(i.r[0], e.code64() ? 8 : 4);
  const u64 address = e.effective_address(i);
  const u64 pcid = e.load(i.seg(), address, 8);
  const u64 linear = e.load(i.seg(), e.effective_address(i, 8), 8);
  if (type > 3 || (type < 2 && (pcid >> 12) != 0) || (type == 0 && !canonical(linear))) e.general_protection();
  if (type < 2 && (pcid & 0xfff) != 0) e.general_protection();  // CR4.PCIDE is not there
  e.flush_tlb(type == 2);
  if (type == 0) e.invalidate_page(linear);
}

void rdfsbase(Engine& e, const Insn& i) { read_base(e, i, kFs); }
void rdgsbase(Engine& e, const Insn& i) { read_base(e, i, kGs); }
void wrfsbase(Engine& e, const Insn& i) { write_base(e, i, kFs); }
void wrgsbase(Engine& e, const Insn& i) { write_base(e, i, kGs); }

void clflush(Engine& e, const Insn& i) {  // faults as a byte load; there is no cache to write back
  const u64 linear = e.check_segment(i.seg(), e.effective_address(i), 1, Access::Read);
  e.probe_linear(linear, 1, Access::Read, e.user());
}

void monitor(Engine& e, const Insn& i) {
  if (e.s.cpl != 0) e.undefined();
  if ((e.s.gpr[kRcx] & 0xffffffff) != 0) e.general_protection();
  const u64 offset = e.s.gpr[kRax] & mask_of(width_of(i.addrsize()));
  const u64 linear = e.check_segment(i.seg(), offset, 1, Access::Read);
  e.probe_linear(linear, 1, Access::Read, e.user());
}

void mwait(Engine& e, const Insn&) {
  if (e.s.cpl != 0) e.undefined();
  const u64 hints = e.s.gpr[kRcx] & 0xffffffff;
  if (hints > 1) e.general_protection();
  if ((e.s.eflags & kIf) != 0) e.halt();
}

}  // namespace orrery::cpu::helpers
