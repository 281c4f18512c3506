#include "cpu/helpers/io.h"

#include "cpu/helpers/strings.h"

namespace orrery::cpu::helpers {

void check_io_map(Engine& e, u16 port, unsigned width) {
  const Segment& tr = e.s.tr;
  if (!tr.present() || (tr.type() & 8) == 0 || tr.limit < 103) e.general_protection();
  const u32 map = static_cast<u32>(e.load_linear(tr.base + 102, 2, false));
  const u32 offset = map + port / 8u;
  if (offset + 1 > tr.limit) e.general_protection();
  const u64 bits = e.load_linear(tr.base + offset, 2, false) >> (port % 8);
  if ((bits & ((1u << width) - 1)) != 0) e.general_protection();
}

namespace {

/// I/O breakpoints (SDM vol. 3, 17.2.4: R/W 10 with CR4.DE).
[[gnu::noinline]] void find_io_breakpoints(Engine& e, u16 port, unsigned width) {
  u64 hits = 0;
  bool enabled = false;
  for (unsigned n = 0; n < 4; ++n) {
    if (core::bits(e.s.dr[7], 17 + 4 * n, 16 + 4 * n) != 2) continue;
    const u64 size = std::array<u64, 4>{1, 2, 8, 4}[core::bits(e.s.dr[7], 19 + 4 * n, 18 + 4 * n)];
    const u64 first = e.s.dr[n] & ~(size - 1);
    if (port >= first + size || first >= u64{port} + width) continue;
    hits |= u64{1} << n;
    enabled = enabled || core::bits(e.s.dr[7], 2 * n + 1, 2 * n) != 0;
  }
  if (enabled) e.note_debug(hits);
}

void check_io_breakpoints(Engine& e, u16 port, unsigned width) {
  if ((e.s.cr4 & kCr4De) != 0 && (e.s.dr[7] & 0xff) != 0) [[unlikely]]
    find_io_breakpoints(e, port, width);
}

u64 input(Engine& e, u16 port, unsigned width) {
  check_io_breakpoints(e, port, width);
  return e.port_in(port, width);
}

void output(Engine& e, u16 port, unsigned width, u64 value) {
  check_io_breakpoints(e, port, width);
  e.port_out(port, width, value);
}

u16 dx(const Engine& e) { return static_cast<u16>(e.s.gpr[kRdx]); }

}  // namespace

template <unsigned kWidth> void in_imm(Engine& e, const Insn& i) {
  const u16 port = static_cast<u8>(i.imm);
  check_io_permission(e, port, kWidth);
  e.write_reg(kRax, kWidth, input(e, port, kWidth));
}

template <unsigned kWidth> void in_dx(Engine& e, const Insn&) {
  check_io_permission(e, dx(e), kWidth);
  e.write_reg(kRax, kWidth, input(e, dx(e), kWidth));
}

template <unsigned kWidth> void out_imm(Engine& e, const Insn& i) {
  const u16 port = static_cast<u8>(i.imm);
  check_io_permission(e, port, kWidth);
  output(e, port, kWidth, e.s.gpr[kRax] & mask_of(kWidth));
}

template <unsigned kWidth> void out_dx(Engine& e, const Insn&) {
  check_io_permission(e, dx(e), kWidth);
  output(e, dx(e), kWidth, e.s.gpr[kRax] & mask_of(kWidth));
}

template <unsigned kWidth> void ins(Engine& e, const Insn& i) {
  check_io_permission(e, dx(e), kWidth);  // even if a repeat count is zero
  StringState state(e, i, kWidth);
  repeat_string(
      e, i, state,
      [&] {
        const u64 offset = state.destination();
        e.probe_write(kEs, offset, kWidth);  // a fault must come before the port is read
        e.store(kEs, offset, kWidth, input(e, dx(e), kWidth));
        state.advance_destination();
        return true;
      },
      [](u64) { return u64{0}; });
}

template <unsigned kWidth> void outs(Engine& e, const Insn& i) {
  check_io_permission(e, dx(e), kWidth);
  StringState state(e, i, kWidth);
  repeat_string(
      e, i, state,
      [&] {
        output(e, dx(e), kWidth, e.load(i.seg(), state.source(), kWidth));
        state.advance_source();
        return true;
      },
      [](u64) { return u64{0}; });
}

#define ORRERY_INSTANTIATE(WIDTH)                     \
  template void in_imm<WIDTH>(Engine&, const Insn&);  \
  template void in_dx<WIDTH>(Engine&, const Insn&);   \
  template void out_imm<WIDTH>(Engine&, const Insn&); \
  template void out_dx<WIDTH>(Engine&, const Insn&);  \
  template void ins<WIDTH>(Engine&, const Insn&);     \
  template void outs<WIDTH>(Engine&, const Insn&);
ORRERY_INSTANTIATE(1)
ORRERY_INSTANTIATE(2)
ORRERY_INSTANTIATE(4)
#undef ORRERY_INSTANTIATE

}  // namespace orrery::cpu::helpers
