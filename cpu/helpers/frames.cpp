#include "cpu/helpers/frames.h"

#include "cpu/helpers/stack.h"

namespace orrery::cpu::helpers {

void pusha(Engine& e, const Insn& i) {
  const unsigned width = width_of(i.opsize());
  const u64 old = e.s.gpr[kRsp];
  Stack stack(e);
  stack.require_pushes(8, width);
  for (unsigned r = 0; r < 8; ++r) stack.push(width, r == kRsp ? old : e.s.gpr[r]);
  stack.commit();
}

void popa(Engine& e, const Insn& i) {
  const unsigned width = width_of(i.opsize());
  Stack stack(e);
  stack.require_pops(8, width);
  std::array<u64, 8> values{};
  for (unsigned r = 8; r-- > 0;) values[r] = stack.pop(width);
  for (unsigned r = 0; r < 8; ++r) {
    if (r != kRsp) e.write_reg(static_cast<u8>(r), width, values[r]);
  }
  stack.commit();
}

/// imm: bytes of locals in 15:0, nesting level in 20:16.
void enter(Engine& e, const Insn& i) {
  const unsigned width = width_of(i.opsize());
  const u64 locals = i.imm & 0xffff;
  const unsigned level = static_cast<unsigned>(i.imm >> 16) & 31;
  Stack stack(e);
  stack.push(width, e.s.gpr[kRbp]);
  const u64 frame = stack.pointer();
  if (level > 0) {
    u64 display = e.s.gpr[kRbp];
    for (unsigned n = 1; n < level; ++n) {
      display -= width;
      stack.push(width, e.load(kSs, display & stack.mask(), width));
    }
    stack.push(width, frame);
  }
  stack.release(u64{0} - locals);
  // A write to the new top of the stack must be possible (SDM: it faults as if one were made).
  e.probe_write(kSs, stack.pointer() & stack.mask(), width);
  e.write_reg(kRbp, width, frame);
  stack.commit();
}

void leave(Engine& e, const Insn& i) {
  const unsigned width = width_of(i.opsize());
  const u64 sp = e.s.gpr[kRbp] & e.stack_mask;
  const u64 value = e.load(kSs, sp, width);
  e.set_stack_pointer(sp + width);
  e.write_reg(kRbp, width, value);
}

void bound(Engine& e, const Insn& i) {
  if (!i.mem()) e.undefined();
  const unsigned width = width_of(i.opsize());
  const u64 address = e.effective_address(i);
  const auto extend = [&](u64 v) { return width == 2 ? i64{static_cast<i16>(v)} : i64{static_cast<i32>(v)}; };
  const i64 index = extend(e.read_reg(i.r[0], width));
  const i64 lower = extend(e.load(i.seg(), address, width));
  const i64 upper = extend(e.load(i.seg(), e.effective_address(i, width), width));
  if (index < lower || index > upper) e.fault(kBr);
}

void ud(Engine& e, const Insn&) { e.undefined(); }

}  // namespace orrery::cpu::helpers
