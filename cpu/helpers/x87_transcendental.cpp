#include "cpu/softfloat/transcendental.h"

#include "cpu/helpers/x87.h"
#include "cpu/helpers/x87_unit.h"

namespace orrery::cpu::helpers {
namespace {

constexpr F80 kOne{.significand = soft::kTopBit, .sign_exponent = 0x3fff};

/// FYL2X, FYL2XP1, FPATAN: ST(1) = f(environment, ST(1), ST(0)), pop.
template <class F> void two_operands(Engine& e, const Insn& i, F&& f) {
  if (!x87_ready(e)) return;
  X87Unit u(e, i);
  u.note_instruction();
  if (u.empty(0) || u.empty(1)) {
    if (u.underflow(1)) u.pop();
    return;
  }
  const F80 result = f(u.env, soft::unpack(u.st(1)), soft::unpack(u.st(0)));
  if (!u.commit()) return;
  u.set(1, result);
  u.pop();
}

/// C2: the argument is out of range, and nothing else happens.
void set_c2(X87Unit& u, bool on) { u.set_conditions(static_cast<u16>((u.conditions() & ~kFswC2) | (on ? kFswC2 : 0))); }

/// FSIN, FCOS.
template <class F> void circular(Engine& e, const Insn& i, F&& f) {
  if (!x87_ready(e)) return;
  X87Unit u(e, i);
  u.note_instruction();
  if (u.empty(0)) {
    set_c2(u, false);
    u.underflow(0);
    return;
  }
  F80 result;
  const bool in_range = f(u.env, soft::unpack(u.st(0)), result);
  set_c2(u, !in_range);
  if (in_range && u.commit()) u.set(0, result);
}

/// FPTAN, FSINCOS: ST(0) = first result, the second is pushed.
template <class F> void circular_pair(Engine& e, const Insn& i, F&& f) {
  if (!x87_ready(e)) return;
  X87Unit u(e, i);
  u.note_instruction();
  if (u.empty(0) || !u.empty(7)) {
    set_c2(u, false);
    if (!u.stack_fault(!u.empty(0))) return;
    u.set(0, X87Unit::indefinite());
    u.push(X87Unit::indefinite());
    return;
  }
  F80 first, second;
  const bool in_range = f(u.env, soft::unpack(u.st(0)), first, second);
  set_c2(u, !in_range);
  if (!in_range || !u.commit()) return;
  u.set(0, first);
  u.push(second);
}

}  // namespace

void f2xm1(Engine& e, const Insn& i) {
  if (!x87_ready(e)) return;
  X87Unit u(e, i);
  u.note_instruction();
  if (u.empty(0)) {
    u.underflow(0);
    return;
  }
  const F80 result = soft::power_minus_one(u.env, soft::unpack(u.st(0)));
  if (u.commit()) u.set(0, result);
}

void fyl2x(Engine& e, const Insn& i) { two_operands(e, i, soft::times_log2); }
void fyl2xp1(Engine& e, const Insn& i) { two_operands(e, i, soft::times_log2_plus_one); }
void fpatan(Engine& e, const Insn& i) { two_operands(e, i, soft::arctangent); }

void fsin(Engine& e, const Insn& i) {
  circular(e, i,
           [](soft::Env& env, const soft::Unpacked& a, F80& r) { return soft::sine_cosine(env, a, &r, nullptr); });
}

void fcos(Engine& e, const Insn& i) {
  circular(e, i,
           [](soft::Env& env, const soft::Unpacked& a, F80& r) { return soft::sine_cosine(env, a, nullptr, &r); });
}

void fsincos(Engine& e, const Insn& i) {
  circular_pair(e, i, [](soft::Env& env, const soft::Unpacked& a, F80& sine, F80& cosine) {
    return soft::sine_cosine(env, a, &sine, &cosine);
  });
}

void fptan(Engine& e, const Insn& i) {
  circular_pair(e, i, [](soft::Env& env, const soft::Unpacked& a, F80& result, F80& one) {
    const bool in_range = soft::tangent(env, a, result);
    one = a.odd() || a.infinite() ? result : kOne;
    return in_range;
  });
}

}  // namespace orrery::cpu::helpers
