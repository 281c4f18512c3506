#include "cpu/helpers/x87.h"
#include "cpu/helpers/x87_operand.h"
#include "cpu/softfloat/arithmetic.h"

namespace orrery::cpu::helpers {
namespace {

using soft::Order;
using soft::Unpacked;

u16 conditions_of(Order o) {
  switch (o) {
    case Order::Less: return kFswC0;
    case Order::Equal: return kFswC3;
    case Order::Greater: return 0;
    default: return kFswC0 | kFswC2 | kFswC3;
  }
}

u32 flags_of(Order o) {
  switch (o) {
    case Order::Less: return kCf;
    case Order::Equal: return kZf;
    case Order::Greater: return 0;
    default: return kCf | kPf | kZf;
  }
}

/// Compares ST(0) with `b` into C3, C2, C0. True if the exceptions allow pops.
bool compare_top(X87Unit& u, const Unpacked& b, bool quiet) {
  u.set_conditions(conditions_of(soft::compare(u.env, soft::unpack(u.st(0)), b, quiet)));
  return u.commit();
}

/// An operand is empty: unordered. True if masked.
bool compare_empty(X87Unit& u) {
  u.set_conditions(conditions_of(Order::Unordered));
  return u.stack_fault(false);
}

template <unsigned kPops, bool kQuiet>
[[gnu::noinline]] void compare_registers_in_general(Engine& e, const Insn& i, unsigned n) {
  if (!x87_ready(e)) return;
  X87Unit u(e, i);
  u.note_instruction();
  const bool done = u.empty(0) || u.empty(n) ? compare_empty(u) : compare_top(u, soft::unpack(u.st(n)), kQuiet);
  if (!done) return;
  for (unsigned k = 0; k < kPops; ++k) u.pop();
}

template <unsigned kPops, bool kQuiet> void compare_registers(Engine& e, const Insn& i, unsigned n) {
  X87Fast fast(e, i);
  if (u16 conditions = 0; x87_free(e) && !fast.empty(0) && !fast.empty(n) &&
                          X87Fast::compare(fast.st(0), fast.st(n), conditions)) [[likely]] {
    fast.note_instruction();
    fast.set_conditions(conditions, kPops);
    for (unsigned k = 0; k < kPops; ++k) fast.free_below(k);
    return;
  }
  compare_registers_in_general<kPops, kQuiet>(e, i, n);
}

}  // namespace

template <unsigned kPops, bool kQuiet> void fcom_register(Engine& e, const Insn& i) {
  compare_registers<kPops, kQuiet>(e, i, i.r[0]);
}
template void fcom_register<0, false>(Engine&, const Insn&);
template void fcom_register<1, false>(Engine&, const Insn&);
template void fcom_register<0, true>(Engine&, const Insn&);
template void fcom_register<1, true>(Engine&, const Insn&);

template <bool kQuiet> void fcompp(Engine& e, const Insn& i) { compare_registers<2, kQuiet>(e, i, 1); }
template void fcompp<false>(Engine&, const Insn&);
template void fcompp<true>(Engine&, const Insn&);

namespace {

/// False if it is neither a normal number nor zero.
template <Operand kOperand> bool widen_usual(OperandBits<kOperand> v, F80& out) {
  if constexpr (kOperand == Operand::F32) return X87Fast::widen(soft::F32{v}, out, true);
  if constexpr (kOperand == Operand::F64) return X87Fast::widen(soft::F64{v}, out, true);
  if constexpr (kOperand == Operand::I16) out = X87Fast::from_integer(static_cast<i16>(v));
  if constexpr (kOperand == Operand::I32) out = X87Fast::from_integer(static_cast<i32>(v));
  return true;
}

/// When the operand has been loaded.
template <Operand kOperand, bool kPop>
[[gnu::noinline]] void fcom_memory_in_general(Engine& e, const Insn& i, OperandBits<kOperand> image) {
  const Unpacked b = unpack_operand<kOperand>(image);
  X87Unit u(e, i);
  u.note_memory_instruction();
  const bool done = u.empty(0) ? compare_empty(u) : compare_top(u, b, false);
  if (kPop && done) u.pop();
}

}  // namespace

template <Operand kOperand, bool kPop> void fcom_memory(Engine& e, const Insn& i) {
  if (!x87_ready(e)) return;
  X87Fast fast(e, i);
  const OperandBits<kOperand> image = load_bits<kOperand>(fast);
  u16 conditions = 0;
  if (F80 b; !fast.empty(0) && widen_usual<kOperand>(image, b) && X87Fast::compare(fast.st(0), b, conditions))
      [[likely]] {
    fast.note_memory_instruction();
    fast.set_conditions(conditions, kPop ? 1 : 0);
    if constexpr (kPop) fast.free_top();
    return;
  }
  fcom_memory_in_general<kOperand, kPop>(e, i, image);
}
#define ORRERY_COMPARE(OPERAND)                                             \
  template void fcom_memory<Operand::OPERAND, false>(Engine&, const Insn&); \
  template void fcom_memory<Operand::OPERAND, true>(Engine&, const Insn&)
ORRERY_COMPARE(F32);
ORRERY_COMPARE(F64);
ORRERY_COMPARE(I16);
ORRERY_COMPARE(I32);
#undef ORRERY_COMPARE

template <bool kPop, bool kQuiet> void fcomi(Engine& e, const Insn& i) {
  if (!x87_ready(e)) return;
  X87Fast fast(e, i);
  if (u16 conditions = 0;
      !fast.empty(0) && !fast.empty(i.r[1]) && X87Fast::compare(fast.st(0), fast.st(i.r[1]), conditions)) {
    fast.note_instruction();
    e.s.flags = lazy_from(conditions == kFswC0 ? kCf : conditions == kFswC3 ? kZf : 0);
    if constexpr (kPop) fast.pop();
    return;
  }
  X87Unit u(e, i);
  u.note_pointers();
  const unsigned n = i.r[1];
  Order order = Order::Unordered;
  bool done = false;
  if (u.empty(0) || u.empty(n)) {
    done = u.stack_fault(false);
  } else {
    order = soft::compare(u.env, soft::unpack(u.st(0)), soft::unpack(u.st(n)), kQuiet);
    done = u.commit();
  }
  e.s.flags = lazy_from(flags_of(order));
  if (kPop && done) u.pop();
}
template void fcomi<false, false>(Engine&, const Insn&);
template void fcomi<false, true>(Engine&, const Insn&);
template void fcomi<true, false>(Engine&, const Insn&);
template void fcomi<true, true>(Engine&, const Insn&);

void ftst(Engine& e, const Insn& i) {
  if (!x87_ready(e)) return;
  X87Unit u(e, i);
  u.note_instruction();
  if (u.empty(0)) {
    compare_empty(u);
  } else {
    compare_top(u, Unpacked{}, false);
  }
}

void fxam(Engine& e, const Insn& i) {
  if (!x87_ready(e)) return;
  X87Unit u(e, i);
  u.note_instruction();
  const F80& v = u.st(0);
  const Unpacked x = soft::unpack(v);
  u16 c = 0;
  switch (x.kind) {
    case soft::Kind::Zero: c = kFswC3; break;
    case soft::Kind::Finite: c = x.denormal ? kFswC3 | kFswC2 : kFswC2; break;
    case soft::Kind::Infinity: c = kFswC2 | kFswC0; break;
    case soft::Kind::QuietNan:
    case soft::Kind::SignalingNan: c = kFswC0; break;
    case soft::Kind::Unsupported: break;
  }
  if (u.empty(0)) c = kFswC3 | kFswC0;
  u.set_conditions(static_cast<u16>(c | ((v.sign_exponent & 0x8000) != 0 ? kFswC1 : 0)));
}

}  // namespace orrery::cpu::helpers
