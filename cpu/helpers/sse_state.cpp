#include "cpu/helpers/sse_state.h"

#include "cpu/exec.h"

namespace orrery::cpu::helpers {

void float_exceptions(Engine& e, const Insn* i, u32 flags) {
  constexpr u32 kBeforeComputing =
      7;  // invalid, denormal, divide by zero: with one of these unmasked nothing is computed
  const u32 unmasked = flags & ~(e.s.mxcsr >> 7) & simd::kMxcsrFlags;
  if ((unmasked & kBeforeComputing) != 0) flags &= kBeforeComputing;
  e.s.mxcsr |= flags;
  if (unmasked == 0) return;
  e.current = i;
  e.fault((e.s.cr4 & kCr4Osxmmexcpt) != 0 ? kXm : kUd);
}

void vectors_unavailable(Engine& e, const Insn* i, u8 vector) {
  e.current = i;
  e.fault(vector);
}

void misaligned(Engine& e, const Insn* i) {
  e.current = i;
  e.general_protection();
}

u32 mxcsr_mask(const Model& model) { return model.has(Feature::Sse2) ? 0xffff : 0xffbf; }

void ldmxcsr(Engine& e, const Insn& i) {
  Exec(e, &i).begin_sse();
  const auto value = static_cast<u32>(e.load(i.seg(), e.effective_address(i), 4));
  if ((value & ~mxcsr_mask(e.model)) != 0) e.general_protection();
  e.s.mxcsr = value;
}

void stmxcsr(Engine& e, const Insn& i) {
  Exec(e, &i).begin_sse();
  e.store(i.seg(), e.effective_address(i), 4, e.s.mxcsr);
}

namespace {

/// The whole operand must be writable, whatever the mask selects.
template <unsigned kBytes>
void store_masked(Engine& e, const Insn& i, const std::array<u64, kBytes / 8>& data,
                  const std::array<u64, kBytes / 8>& mask) {
  const u64 base = e.s.gpr[kRdi];
  const auto address = [&](unsigned n) {
    const u64 a = base + n;
    return i.addrsize() == Size::S16 ? a & 0xffff : i.addrsize() == Size::S32 ? a & 0xffffffff : a;
  };
  const u64 linear = e.check_segment(i.seg(), address(0), kBytes, Access::Write);
  // Eight bytes are one reference for the alignment check, whatever the mask.
  const bool checks = kBytes == 8 && e.s.cpl == 3 && (e.s.cr0 & kCr0Am) != 0 && (e.s.eflags & kAc) != 0;
  if (checks && linear % 8 != 0) e.fault(kAcv, 0);
  e.probe_linear(linear, kBytes, Access::Write, e.user());
  for (unsigned n = 0; n < kBytes; ++n) {
    if ((mask[n / 8] >> (n % 8 * 8 + 7) & 1) != 0) e.store(i.seg(), address(n), 1, data[n / 8] >> (n % 8 * 8) & 0xff);
  }
}

}  // namespace

void maskmovq(Engine& e, const Insn& i) {
  Exec m(e, &i);
  m.begin_mmx();
  m.end_mmx();
  store_masked<8>(e, i, {e.s.x87.r[i.r[0]].significand}, {e.s.x87.r[i.r[1]].significand});
}

void maskmovdqu(Engine& e, const Insn& i) {
  Exec(e, &i).begin_sse();
  const auto& data = e.s.xmm[i.r[0]].q;
  const auto& mask = e.s.xmm[i.r[1]].q;
  store_masked<16>(e, i, {data[0], data[1]}, {mask[0], mask[1]});
}

}  // namespace orrery::cpu::helpers
