// SYSENTER, SYSEXIT, SYSCALL, SYSRET, SWAPGS (SDM vol. 2): flat segments with fixed contents, no descriptor reads.
#include "cpu/helpers/interrupts.h"
#include "cpu/helpers/segments.h"
#include "cpu/helpers/system_registers.h"

namespace orrery::cpu::helpers {
namespace {

/// Attributes of the fixed descriptors: present, accessed, 4 KiB granular.
constexpr u16 kFlatCode32 = 0xc09b, kFlatCode64 = 0xa09b, kFlatData = 0xc093;

Segment flat(unsigned selector, u16 attributes, unsigned dpl) {
  return {.selector = static_cast<u16>((selector & 0xfffc) | dpl),
          .attributes = static_cast<u16>(attributes | (dpl << 5)),
          .limit = 0xffffffff,
          .base = 0};
}

void enter_flat(Engine& e, unsigned code, unsigned stack, bool code64, unsigned cpl, u64 rip) {
  e.s.cpl = static_cast<u8>(cpl);
  set_segment(e, kCs, flat(code, code64 ? kFlatCode64 : kFlatCode32, cpl));
  set_segment(e, kSs, flat(stack, kFlatData, cpl));
  e.set_next_rip(rip);
}

}  // namespace

void sysenter(Engine& e, const Insn&) {
  if (e.real_mode() || (e.s.sysenter_cs & 0xfffc) == 0) e.general_protection();
  const bool lm = e.long_mode();
  const unsigned selector = static_cast<unsigned>(e.s.sysenter_cs) & 0xfffc;
  e.set_rflags(e.rflags() & ~u64{kVm | kIf | kRf});
  e.s.gpr[kRsp] = lm ? e.s.sysenter_esp : e.s.sysenter_esp & 0xffffffff;
  enter_flat(e, selector, selector + 8, lm, 0, lm ? e.s.sysenter_eip : e.s.sysenter_eip & 0xffffffff);
}

void sysexit(Engine& e, const Insn& i) {
  if (e.real_mode() || (e.s.sysenter_cs & 0xfffc) == 0 || e.s.cpl != 0) e.general_protection();
  const unsigned selector = static_cast<unsigned>(e.s.sysenter_cs) & 0xfffc;
  const bool to64 = i.opsize() == Size::S64;
  const u64 mask = to64 ? ~u64{0} : 0xffffffff;
  const u64 rip = e.s.gpr[kRdx] & mask;
  const u64 rsp = e.s.gpr[kRcx] & mask;
  if (to64 && (!canonical(rip) || !canonical(rsp))) e.general_protection();
  e.s.gpr[kRsp] = rsp;
  const unsigned offset = to64 ? 32 : 16;
  enter_flat(e, selector + offset, selector + offset + 8, to64, 3, rip);
}

void syscall(Engine& e, const Insn&) {
  if (e.real_mode() || (e.s.efer & kEferSce) == 0) e.undefined();
  const unsigned selector = static_cast<unsigned>(e.s.star >> 32) & 0xfffc;
  if (!e.long_mode()) {  // AMD's legacy mode form
    e.s.gpr[kRcx] = e.next_rip() & 0xffffffff;
    e.set_rflags(e.rflags() & ~u64{kIf | kVm | kRf});
    return enter_flat(e, selector, selector + 8, false, 0, e.s.star & 0xffffffff);
  }
  const u64 flags = e.rflags() & ~u64{kRf};
  const u64 target = e.code64() ? e.s.lstar : e.s.cstar;
  e.s.gpr[kRcx] = e.next_rip();
  e.s.gpr[kR11] = flags;
  e.set_rflags((flags & ~e.s.sfmask) | 2);
  enter_flat(e, selector, selector + 8, true, 0, target);
}

void sysret(Engine& e, const Insn& i) {
  if (e.real_mode() || (e.s.efer & kEferSce) == 0) e.undefined();
  require_cpl0(e);
  const unsigned selector = static_cast<unsigned>(e.s.star >> 48) & 0xfffc;
  const bool to64 = i.opsize() == Size::S64;
  const u64 rip = to64 ? e.s.gpr[kRcx] : e.s.gpr[kRcx] & 0xffffffff;
  if (to64 && !canonical(rip)) e.general_protection();
  if (e.long_mode()) {
    change_flags(e, e.s.gpr[kR11],
                 (kArithFlags | kTf | kIf | kDf | kIopl | kNt | kRf | kAc | kVif | kVip | kId) & ~kRf);
  } else {
    change_flags(e, kIf, kIf);
  }
  enter_flat(e, selector + (to64 ? 16 : 0), selector + 8, to64, 3, rip);
}

void swapgs(Engine& e, const Insn&) {
  if (!e.code64()) e.undefined();
  require_cpl0(e);
  std::swap(e.s.seg[kGs].base, e.s.kernel_gs_base);
  e.segment_changed(kGs);
}

}  // namespace orrery::cpu::helpers
