#include "cpu/helpers/x87.h"
#include "cpu/helpers/x87_fast.h"
#include "cpu/helpers/x87_operand.h"
#include "cpu/softfloat/arithmetic.h"

namespace orrery::cpu::helpers {
namespace {

using soft::Unpacked;

template <Arith kOp> F80 compute(soft::Env& env, const Unpacked& a, const Unpacked& b) {
  if constexpr (kOp == Arith::Add) return soft::add<F80>(env, a, b);
  if constexpr (kOp == Arith::Mul) return soft::multiply<F80>(env, a, b);
  if constexpr (kOp == Arith::Sub) return soft::subtract<F80>(env, a, b);
  if constexpr (kOp == Arith::Subr) return soft::subtract<F80>(env, b, a);
  if constexpr (kOp == Arith::Div) return soft::divide<F80>(env, a, b);
  if constexpr (kOp == Arith::Divr) return soft::divide<F80>(env, b, a);
}

template <Arith kOp> ORRERY_INLINE inline bool compute(X87Fast& fast, const F80& a, const F80& b) {
  if (!X87Fast::normal(a) || !X87Fast::normal(b) || !fast.usual()) return false;
  if constexpr (kOp == Arith::Add) return fast.add(a, b, false);
  if constexpr (kOp == Arith::Mul) return fast.multiply(a, b);
  if constexpr (kOp == Arith::Sub) return fast.add(a, b, true);
  if constexpr (kOp == Arith::Subr) return fast.add(b, a, true);
  if constexpr (kOp == Arith::Div) return fast.divide(a, b);
  if constexpr (kOp == Arith::Divr) return fast.divide(b, a);
}

}  // namespace

namespace {

template <Arith kOp, bool kPop> [[gnu::noinline]] void arith_registers_in_general(Engine& e, const Insn& i) {
  if (!x87_ready(e)) return;
  X87Unit u(e, i);
  u.note_instruction();
  const unsigned a = i.r[0], b = i.r[1];
  if (u.empty(a) || u.empty(b)) {
    if (!u.underflow(a)) return;
  } else {
    u.use_precision_control();
    const F80 result = compute<kOp>(u.env, soft::unpack(u.st(a)), soft::unpack(u.st(b)));
    if (!u.commit()) return;
    u.set(a, result);
  }
  if constexpr (kPop) u.pop();
}

/// When the operand has been loaded.
template <Arith kOp, Operand kOperand>
[[gnu::noinline]] void arith_memory_in_general(Engine& e, const Insn& i, OperandBits<kOperand> image) {
  X87Unit u(e, i);
  u.note_memory_instruction();
  if (u.empty(0)) {
    u.underflow(0);
    return;
  }
  const Unpacked b = unpack_operand<kOperand>(image);
  u.use_precision_control();
  const F80 result = compute<kOp>(u.env, soft::unpack(u.st(0)), b);
  if (u.commit()) u.set(0, result);
}

}  // namespace

template <Arith kOp, bool kPop> void arith_registers(Engine& e, const Insn& i) {
  if (X87Fast fast(e, i); x87_free(e) && !fast.empty(i.r[0]) && !fast.empty(i.r[1]) &&
                          compute<kOp>(fast, fast.st(i.r[0]), fast.st(i.r[1]))) [[likely]] {
    fast.note_instruction();
    fast.finish(i.r[0], kPop);
    return;
  }
  arith_registers_in_general<kOp, kPop>(e, i);
}

template <Arith kOp, Operand kOperand> void arith_memory(Engine& e, const Insn& i) {
  if (!x87_ready(e)) return;
  X87Fast fast(e, i);
  const OperandBits<kOperand> image = load_bits<kOperand>(fast);
  if (F80 b; !fast.empty(0) && widen_normal<kOperand>(image, b) && compute<kOp>(fast, fast.st(0), b)) [[likely]] {
    fast.note_memory_instruction();
    fast.finish(0, false);
    return;
  }
  arith_memory_in_general<kOp, kOperand>(e, i, image);
}

#define ORRERY_ARITH(OP)                                                     \
  template void arith_registers<Arith::OP, false>(Engine&, const Insn&);     \
  template void arith_registers<Arith::OP, true>(Engine&, const Insn&);      \
  template void arith_memory<Arith::OP, Operand::F32>(Engine&, const Insn&); \
  template void arith_memory<Arith::OP, Operand::F64>(Engine&, const Insn&); \
  template void arith_memory<Arith::OP, Operand::I16>(Engine&, const Insn&); \
  template void arith_memory<Arith::OP, Operand::I32>(Engine&, const Insn&)
ORRERY_ARITH(Add);
ORRERY_ARITH(Mul);
ORRERY_ARITH(Sub);
ORRERY_ARITH(Subr);
ORRERY_ARITH(Div);
ORRERY_ARITH(Divr);
#undef ORRERY_ARITH

namespace {

/// A change of ST(0)'s sign, that raises nothing.
template <class F> void change_sign(Engine& e, const Insn& i, F&& f) {
  if (X87Fast fast(e, i); x87_free(e) && !fast.empty(0)) [[likely]] {
    fast.note_instruction();
    fast.clear_c1();
    u16& sign_exponent = fast.st(0).sign_exponent;
    sign_exponent = f(sign_exponent);
    return;
  }
  if (!x87_ready(e)) return;
  X87Unit u(e, i);
  u.note_instruction();
  if (u.empty(0)) {
    u.underflow(0);
    return;
  }
  u16& sign_exponent = u.st(0).sign_exponent;
  sign_exponent = f(sign_exponent);
}

/// An instruction that replaces ST(0): `f` maps (environment, ST0) to the result.
template <class F> void unary(Engine& e, const Insn& i, F&& f) {
  if (!x87_ready(e)) return;
  X87Unit u(e, i);
  u.note_instruction();
  if (u.empty(0)) {
    u.underflow(0);
    return;
  }
  const F80 result = f(u, u.st(0));
  if (u.commit()) u.set(0, result);
}

/// The same with ST(1) as second operand.
template <class F> void binary(Engine& e, const Insn& i, F&& f) {
  if (!x87_ready(e)) return;
  X87Unit u(e, i);
  u.note_instruction();
  if (u.empty(0) || u.empty(1)) {
    u.underflow(0);
    return;
  }
  const F80 result = f(u, soft::unpack(u.st(0)), soft::unpack(u.st(1)));
  if (u.commit()) u.set(0, result);
}

void partial_remainder(Engine& e, const Insn& i, bool nearest) {
  if (!x87_ready(e)) return;
  X87Unit u(e, i);
  u.note_instruction();
  if (u.empty(0) || u.empty(1)) {
    u.set_conditions(u.conditions() & (kFswC0 | kFswC3));  // C2 is clear: nothing is left to do
    u.underflow(0);
    return;
  }
  const soft::Remainder r = soft::remainder(u.env, soft::unpack(u.st(0)), soft::unpack(u.st(1)), nearest);
  const u16 quotient = static_cast<u16>(((r.quotient & 1) != 0 ? kFswC1 : 0) | ((r.quotient & 2) != 0 ? kFswC3 : 0) |
                                        ((r.quotient & 4) != 0 ? kFswC0 : 0));
  if (r.number) {
    u.set_conditions(r.complete ? quotient : kFswC2);
  } else {
    u.set_conditions(u.conditions() & (kFswC0 | kFswC3));
  }
  if (u.commit()) u.set(0, r.value);
}

}  // namespace

void fchs(Engine& e, const Insn& i) {
  change_sign(e, i, [](u16 v) { return static_cast<u16>(v ^ 0x8000); });
}

void fabs(Engine& e, const Insn& i) {
  change_sign(e, i, [](u16 v) { return static_cast<u16>(v & 0x7fff); });
}

void fsqrt(Engine& e, const Insn& i) {
  unary(e, i, [](X87Unit& u, F80 v) {
    u.use_precision_control();
    return soft::square_root<F80>(u.env, soft::unpack(v));
  });
}

void frndint(Engine& e, const Insn& i) {
  unary(e, i, [](X87Unit& u, F80 v) { return soft::round_to_integer<F80>(u.env, soft::unpack(v), u.env.rounding); });
}

void fscale(Engine& e, const Insn& i) {
  binary(e, i, [](X87Unit& u, const Unpacked& a, const Unpacked& b) { return soft::scale(u.env, a, b); });
}

void fprem(Engine& e, const Insn& i) { partial_remainder(e, i, false); }
void fprem1(Engine& e, const Insn& i) { partial_remainder(e, i, true); }

void fxtract(Engine& e, const Insn& i) {
  if (!x87_ready(e)) return;
  X87Unit u(e, i);
  u.note_instruction();
  if (u.empty(0) || !u.empty(7)) {
    if (!u.stack_fault(!u.empty(0))) return;
    u.set(0, X87Unit::indefinite());
    u.push(X87Unit::indefinite());
    return;
  }
  const soft::Extracted x = soft::extract(u.env, soft::unpack(u.st(0)));
  if (!u.commit()) return;
  u.set(0, x.exponent);
  u.push(x.significand);
}

}  // namespace orrery::cpu::helpers
