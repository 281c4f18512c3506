#include "cpu/helpers/control_registers.h"

#include "cpu/helpers/segments.h"

namespace orrery::cpu::helpers {
namespace {

constexpr u64 kCr0Bits386 = kCr0Pe | kCr0Mp | kCr0Em | kCr0Ts | kCr0Et | kCr0Pg;
constexpr u64 kCr0Bits486 = kCr0Bits386 | kCr0Ne | kCr0Wp | kCr0Am | kCr0Nw | kCr0Cd;

bool pae_paging(u64 cr0, u64 cr4, u64 efer) {
  return (cr0 & kCr0Pg) != 0 && (cr4 & kCr4Pae) != 0 && (efer & kEferLme) == 0;
}

}  // namespace

void load_pdptes(Engine& e, u64 cr3) {
  const u64 physical_mask = (u64{1} << e.model.physical_bits) - 1;
  const u64 reserved = ~(physical_mask & ~u64{0xfff}) & ~u64{0xe19};  // all but P, PWT, PCD, AVL and the address
  std::array<u64, 4> entries{};
  for (unsigned n = 0; n < 4; ++n) {
    entries[n] = e.memory.read(((cr3 & 0xffffffe0) + n * 8) & e.a20_mask(), 8);
    if ((entries[n] & 1) != 0 && (entries[n] & reserved) != 0) e.general_protection();
  }
  e.s.pdpte = entries;
}

void write_cr0(Engine& e, u64 value) {
  State& s = e.s;
  if ((value >> 32) != 0) e.general_protection();
  const bool i486 = e.model.has(Feature::I486);
  value = i486 ? (value & kCr0Bits486) | kCr0Et : value & kCr0Bits386;
  if ((value & kCr0Pg) != 0 && (value & kCr0Pe) == 0) e.general_protection();
  if ((value & kCr0Nw) != 0 && (value & kCr0Cd) == 0) e.general_protection();
  const u64 changed = s.cr0 ^ value;
  const bool paging_on = (changed & value & kCr0Pg) != 0;
  const bool paging_off = (changed & s.cr0 & kCr0Pg) != 0;
  u64 efer = s.efer;
  if (paging_on && (efer & kEferLme) != 0) {
    if ((s.cr4 & kCr4Pae) == 0 || s.seg[kCs].l()) e.general_protection();
    efer |= kEferLma;
  }
  if (paging_off) {
    if (e.code64()) e.general_protection();
    efer &= ~kEferLma;
  }
  if ((changed & (kCr0Pg | kCr0Cd | kCr0Nw)) != 0 && pae_paging(value, s.cr4, s.efer)) load_pdptes(e, s.cr3);
  s.cr0 = value;
  s.efer = efer;
  if ((changed & (kCr0Pg | kCr0Pe | kCr0Wp)) != 0) e.flush_tlb(true);
  e.mode_changed();
}

void write_cr3(Engine& e, u64 value) {
  if (e.long_mode()) {
    if ((value >> e.model.physical_bits) != 0) e.general_protection();
  } else {
    value &= 0xffffffff;
    if (pae_paging(e.s.cr0, e.s.cr4, e.s.efer)) load_pdptes(e, value);
  }
  e.s.cr3 = value;
  e.flush_tlb(false);
}

u64 cr4_bits(const Model& m) {
  u64 bits = 0;
  const auto allow = [&](Feature f, u64 b) { bits |= m.has(f) ? b : 0; };
  allow(Feature::Vme, kCr4Vme | kCr4Pvi);
  allow(Feature::Tsc, kCr4Tsd);
  allow(Feature::De, kCr4De);
  allow(Feature::Pse, kCr4Pse);
  allow(Feature::Pae, kCr4Pae);
  allow(Feature::Mce, kCr4Mce);
  allow(Feature::Pge, kCr4Pge);
  allow(Feature::Fxsr, kCr4Osfxsr);
  allow(Feature::Sse, kCr4Osxmmexcpt);
  allow(Feature::Umip, kCr4Umip);
  allow(Feature::Fsgsbase, kCr4Fsgsbase);
  allow(Feature::Xsave, kCr4Osxsave);
  allow(Feature::Smep, kCr4Smep);
  allow(Feature::Smap, kCr4Smap);
  if (m.family >= 6) bits |= kCr4Pce;
  return bits;
}

void write_cr4(Engine& e, u64 value) {
  State& s = e.s;
  if ((value & ~cr4_bits(e.model)) != 0) e.general_protection();
  if (e.long_mode() && (value & kCr4Pae) == 0) e.general_protection();
  const u64 changed = s.cr4 ^ value;
  constexpr u64 kPaging = kCr4Pse | kCr4Pae | kCr4Pge | kCr4Smep | kCr4Smap;
  if ((changed & (kCr4Pae | kCr4Pge | kCr4Pse | kCr4Smep)) != 0 && pae_paging(s.cr0, value, s.efer))
    load_pdptes(e, s.cr3);
  s.cr4 = value;
  if ((changed & kPaging) != 0) e.flush_tlb(true);
  if ((changed & kCr4De) != 0) e.debug_registers_changed();
  e.mode_changed();
}

// --- instructions ----------------------------------------------------------------------------------------------------

namespace {

bool has_control_register(const Engine& e, unsigned n) {
  switch (n) {
    case 0:
    case 2:
    case 3: return true;
    case 4: return e.model.max_leaf != 0;  // came with CPUID
    case 8: return e.code64();
    default: return false;
  }
}

}  // namespace

void mov_from_cr(Engine& e, const Insn& i) {
  const unsigned n = i.r[1];
  if (!has_control_register(e, n)) e.undefined();
  require_cpl0(e);
  if (n == 8 && e.pins.apic.task_priority) e.s.cr8 = e.pins.apic.task_priority() >> 4;
  const std::array<u64, 9> values{e.s.cr0, 0, e.s.cr2, e.s.cr3, e.s.cr4, 0, 0, 0, e.s.cr8};
  e.write_reg(i.r[0], e.code64() ? 8 : 4, values[n]);
}

void mov_to_cr(Engine& e, const Insn& i) {
  const unsigned n = i.r[0];
  if (!has_control_register(e, n)) e.undefined();
  require_cpl0(e);
  const u64 value = e.read_reg(i.r[1], e.code64() ? 8 : 4);
  switch (n) {
    case 0: return write_cr0(e, value);
    case 2: e.s.cr2 = value; return;
    case 3: return write_cr3(e, value);
    case 4: return write_cr4(e, value);
    default:
      if (value > 15) e.general_protection();
      e.s.cr8 = value;
      e.sync_clock();
      if (e.pins.apic.set_task_priority) e.pins.apic.set_task_priority(static_cast<u8>(value << 4));
      e.attention();
  }
}

namespace {

/// The checks that MOV from and to debug registers share; returns the register meant.
unsigned debug_register(Engine& e, unsigned n) {
  const bool alias = n == 4 || n == 5;
  if (n > 7 || (alias && (e.s.cr4 & kCr4De) != 0)) e.undefined();
  require_cpl0(e);
  if (alias) n += 2;
  if ((e.s.dr[7] & 0x2000) != 0) {
    e.s.dr[6] = (e.s.dr[6] | 0x2000) | 0xffff0ff0;  // BD: general detect
    e.fault(kDb);
  }
  return n;
}

}  // namespace

void mov_from_dr(Engine& e, const Insn& i) {
  const unsigned n = debug_register(e, i.r[1]);
  u64 value = e.s.dr[n];
  if (n == 6) value |= 0xffff0ff0;
  if (n == 7) value |= 0x400;
  e.write_reg(i.r[0], e.code64() ? 8 : 4, value);
}

void mov_to_dr(Engine& e, const Insn& i) {
  const unsigned n = debug_register(e, i.r[0]);
  u64 value = e.read_reg(i.r[1], e.code64() ? 8 : 4);
  if (n >= 6 && (value >> 32) != 0) e.general_protection();
  if (n == 6) value = (value & 0xe00f) | 0xffff0ff0;
  if (n == 7) value = (value & 0xffff23ff) | 0x400;
  e.s.dr[n] = value;
  e.debug_registers_changed();
}

void lmsw(Engine& e, const Insn& i) {
  require_cpl0(e);
  const u64 value = e.read_e(i, 0, 2);
  const u64 pe = (e.s.cr0 | value) & kCr0Pe;  // LMSW cannot clear PE
  write_cr0(e, (e.s.cr0 & ~u64{15}) | (value & 14) | pe);
}

void smsw(Engine& e, const Insn& i) {
  check_umip(e);
  e.write_e(i, 0, i.mem() ? 2 : width_of(i.opsize()), e.s.cr0);
}

void clts(Engine& e, const Insn&) {
  require_cpl0(e);
  e.s.cr0 &= ~kCr0Ts;
  e.mode_changed();
}

void invlpg(Engine& e, const Insn& i) {
  if (!i.mem()) e.undefined();
  require_cpl0(e);
  const u64 offset = e.effective_address(i);
  const Segment& g = e.s.seg[i.seg()];
  if (e.code64()) {
    const u64 linear = (i.seg() >= kFs ? g.base : 0) + offset;
    if (canonical(linear)) e.invalidate_page(linear);
  } else {
    e.invalidate_page((g.base + offset) & 0xffffffff);
  }
}

void invd(Engine& e, const Insn&) { require_cpl0(e); }
void wbinvd(Engine& e, const Insn&) { require_cpl0(e); }

void hlt(Engine& e, const Insn&) {
  require_cpl0(e);
  e.halt();
}

}  // namespace orrery::cpu::helpers
