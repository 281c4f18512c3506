// Loads, stores, exchanges, constants.
#include "cpu/helpers/x87.h"
#include "cpu/helpers/x87_fast.h"
#include "cpu/softfloat/bcd.h"

namespace orrery::cpu::helpers {
namespace {

using soft::F32;
using soft::F64;
using soft::Unpacked;

template <class F> [[gnu::noinline]] void load_real_in_general(Engine& e, const Insn& i, F v) {
  X87Unit u(e, i);
  u.note_memory_instruction();
  if (!u.empty(7)) return u.push_checked({});
  u.push_checked(soft::widen(u.env, soft::unpack(v)));
}

template <class F, class T> void load_real(Engine& e, const Insn& i) {
  if (!x87_ready(e)) return;
  X87Fast fast(e, i);
  const F v{fast.load<T>()};
  if (F80 wide; fast.empty(7) && X87Fast::widen(v, wide, true)) [[likely]] {
    fast.note_memory_instruction();
    return fast.push(wide);
  }
  load_real_in_general(e, i, v);
}

template <class F, class T, bool kPop> [[gnu::noinline]] void store_real_in_general(Engine& e, const Insn& i) {
  if (!x87_ready(e)) return;
  X87Unit u(e, i);
  auto place = u.place<T>();
  u.note_memory_instruction();
  if (u.empty(0)) {
    if (!u.stack_fault(false)) return;
    place.set({soft::default_nan<F>().bits});
  } else {
    const F v = soft::convert<F>(u.env, soft::unpack(u.st(0)), false);
    if (!u.commit_store()) return;
    place.set({v.bits});
  }
  if constexpr (kPop) u.pop();
}

template <class F, class T, bool kPop> void store_real(Engine& e, const Insn& i) {
  X87Fast fast(e, i);
  if (F v; x87_free(e) && fast.usual() && !fast.empty(0) && fast.narrow(fast.st(0), v)) [[likely]] {
    fast.store<T>(v.bits);
    fast.note_memory_instruction();
    fast.set_status(kPop ? 1 : 0);
    if constexpr (kPop) fast.free_top();
    return;
  }
  store_real_in_general<F, T, kPop>(e, i);
}

template <class T, bool kPop> [[gnu::noinline]] void store_integer_in_general(Engine& e, const Insn& i, bool truncate) {
  if (!x87_ready(e)) return;
  X87Unit u(e, i);
  auto place = u.place<T>();
  u.note_memory_instruction();
  if (u.empty(0)) {
    if (!u.stack_fault(false)) return;
    place.set({static_cast<T>(T{1} << (sizeof(T) * 8 - 1))});
  } else {
    const i64 v =
        soft::to_integer(u.env, soft::unpack(u.st(0)), sizeof(T) * 8, truncate ? soft::Rounding::Zero : u.env.rounding);
    if (!u.commit()) return;
    place.set({static_cast<T>(v)});
  }
  if constexpr (kPop) u.pop();
}

template <class T, bool kPop> void store_integer(Engine& e, const Insn& i, bool truncate) {
  X87Fast fast(e, i);
  const unsigned rounding = truncate ? 3 : fast.rounding_control();
  if (T v; x87_free(e) && fast.inexact_masked() && (rounding == 0 || rounding == 3) && !fast.empty(0) &&
           fast.to_integer(fast.st(0), rounding == 3, v)) [[likely]] {
    fast.store<T>(v);
    fast.note_memory_instruction();
    fast.set_status(kPop ? 1 : 0);
    if constexpr (kPop) fast.free_top();
    return;
  }
  store_integer_in_general<T, kPop>(e, i, truncate);
}

[[gnu::noinline]] void fld_in_general(Engine& e, const Insn& i) {
  if (!x87_ready(e)) return;
  X87Unit u(e, i);
  if (i.mem()) {
    const F80 v = u.load_f80();
    u.note_memory_instruction();
    return u.push_checked(v);
  }
  u.note_instruction();
  const unsigned source = i.r[0];
  if (u.empty(source)) {  // even if there is no room either
    if (u.stack_fault(false)) u.push(X87Unit::indefinite());
    return;
  }
  u.push_checked(F80{u.st(source)});
}

template <bool kPop> [[gnu::noinline]] void fst_in_general(Engine& e, const Insn& i) {
  if (!x87_ready(e)) return;
  X87Unit u(e, i);
  const bool empty = u.empty(0);
  const bool allowed = !empty || u.masked(soft::kInvalid);
  const F80 v = empty ? X87Unit::indefinite() : u.st(0);
  if (i.mem()) {
    if (allowed) u.store_f80(v);
    u.note_memory_instruction();
  } else {
    u.note_instruction();
    if (allowed) u.set(i.r[0], v);
  }
  if (empty) u.stack_fault(false);
  if (kPop && allowed) u.pop();
}

[[gnu::noinline]] void fxch_in_general(Engine& e, const Insn& i) {
  if (!x87_ready(e)) return;
  X87Unit u(e, i);
  u.note_instruction();
  const unsigned n = i.r[0];
  const bool empty0 = u.empty(0), empty_n = u.empty(n);
  if ((empty0 || empty_n) && !u.stack_fault(false)) return;
  const F80 a = empty0 ? X87Unit::indefinite() : u.st(0), b = empty_n ? X87Unit::indefinite() : u.st(n);
  u.set(0, b);
  u.set(n, a);
}

}  // namespace

void fld(Engine& e, const Insn& i) {
  if (X87Fast fast(e, i); x87_free(e) && !i.mem() && fast.empty(7) && !fast.empty(i.r[0])) [[likely]] {
    fast.note_instruction();
    return fast.push(fast.st(i.r[0]));
  }
  fld_in_general(e, i);
}

void fld_m32(Engine& e, const Insn& i) { load_real<F32, u32>(e, i); }
void fld_m64(Engine& e, const Insn& i) { load_real<F64, u64>(e, i); }

template <class T> void fild(Engine& e, const Insn& i) {
  if (!x87_ready(e)) return;
  X87Fast fast(e, i);
  const T v = static_cast<T>(fast.load<std::make_unsigned_t<T>>());
  if (fast.empty(7)) {
    fast.note_memory_instruction();
    return fast.push(X87Fast::from_integer(v));
  }
  X87Unit u(e, i);
  u.note_memory_instruction();
  u.push_checked(soft::from_integer<F80>(u.env, v));
}
template void fild<i16>(Engine&, const Insn&);
template void fild<i32>(Engine&, const Insn&);
template void fild<i64>(Engine&, const Insn&);

template <bool kPop> void fst(Engine& e, const Insn& i) {
  if (X87Fast fast(e, i); x87_free(e) && !i.mem() && !fast.empty(0)) [[likely]] {
    fast.note_instruction();
    X87Fast::copy(fast.st(i.r[0]), fast.st(0));
    fast.mark_full(i.r[0]);
    fast.set_status(kPop ? 1 : 0);
    if constexpr (kPop) fast.free_top();
    return;
  }
  fst_in_general<kPop>(e, i);
}
template void fst<false>(Engine&, const Insn&);
template void fst<true>(Engine&, const Insn&);

template <bool kPop> void fst_m32(Engine& e, const Insn& i) { store_real<F32, u32, kPop>(e, i); }
template <bool kPop> void fst_m64(Engine& e, const Insn& i) { store_real<F64, u64, kPop>(e, i); }
template void fst_m32<false>(Engine&, const Insn&);
template void fst_m32<true>(Engine&, const Insn&);
template void fst_m64<false>(Engine&, const Insn&);
template void fst_m64<true>(Engine&, const Insn&);

void fstpnce(Engine& e, const Insn& i) {
  if (!x87_ready(e)) return;
  X87Unit u(e, i);
  u.note_instruction();
  if (!u.empty(0)) u.set(i.r[0], F80{u.st(0)});
  u.pop();
}

template <class T, bool kPop> void fist(Engine& e, const Insn& i) {
  store_integer<std::make_unsigned_t<T>, kPop>(e, i, false);
}
template void fist<i16, false>(Engine&, const Insn&);
template void fist<i32, false>(Engine&, const Insn&);
template void fist<i16, true>(Engine&, const Insn&);
template void fist<i32, true>(Engine&, const Insn&);
template void fist<i64, true>(Engine&, const Insn&);

template <class T> void fisttp(Engine& e, const Insn& i) { store_integer<std::make_unsigned_t<T>, true>(e, i, true); }
template void fisttp<i16>(Engine&, const Insn&);
template void fisttp<i32>(Engine&, const Insn&);
template void fisttp<i64>(Engine&, const Insn&);

void fbld(Engine& e, const Insn& i) {
  if (!x87_ready(e)) return;
  X87Unit u(e, i);
  const F80 image = u.load_f80();
  u.note_memory_instruction();
  u.push_checked(soft::from_bcd({.digits = image.significand, .sign_digits = image.sign_exponent}));
}

void fbstp(Engine& e, const Insn& i) {
  if (!x87_ready(e)) return;
  X87Unit u(e, i);
  const bool empty = u.empty(0);
  const soft::Bcd v = empty ? soft::kBcdIndefinite : soft::to_bcd(u.env, soft::unpack(u.st(0)));
  const bool allowed = u.masked(soft::kInvalid) || (!empty && (u.env.flags & soft::kInvalid) == 0);
  if (allowed) u.store_f80({.significand = v.digits, .sign_exponent = v.sign_digits});
  u.note_memory_instruction();
  if (empty) {
    u.stack_fault(false);
  } else {
    u.commit();
  }
  if (allowed) u.pop();
}

void fxch(Engine& e, const Insn& i) {
  if (X87Fast fast(e, i); x87_free(e) && !fast.empty(0) && !fast.empty(i.r[0])) [[likely]] {
    fast.note_instruction();
    return fast.exchange(i.r[0]);
  }
  fxch_in_general(e, i);
}

template <unsigned kCondition, bool kNegated> void fcmov(Engine& e, const Insn& i) {
  if (!x87_ready(e)) return;
  X87Unit u(e, i);
  u.note_pointers();
  const unsigned source = i.r[1];
  if (u.empty(0) || u.empty(source)) {
    u.underflow(0);
    return;
  }
  const LazyFlags& flags = e.s.flags;
  bool condition = false;
  if constexpr (kCondition == 0) condition = flag_cf(flags);
  if constexpr (kCondition == 1) condition = flag_zf(flags);
  if constexpr (kCondition == 2) condition = flag_cf(flags) || flag_zf(flags);
  if constexpr (kCondition == 3) condition = flag_pf(flags);
  if (condition != kNegated) u.set(0, F80{u.st(source)});
}
template void fcmov<0, false>(Engine&, const Insn&);
template void fcmov<1, false>(Engine&, const Insn&);
template void fcmov<2, false>(Engine&, const Insn&);
template void fcmov<3, false>(Engine&, const Insn&);
template void fcmov<0, true>(Engine&, const Insn&);
template void fcmov<1, true>(Engine&, const Insn&);
template void fcmov<2, true>(Engine&, const Insn&);
template void fcmov<3, true>(Engine&, const Insn&);

namespace {

/// The constants to 64 bits, rounded down, and whether to nearest they go up (SDM vol. 1, 8.3.8: the 387 and later
/// round their 66-bit constants by RC).
struct RoundedConstant {
  u64 significand;
  u16 exponent;
  bool nearest_is_up;
  bool exact;
};
constexpr RoundedConstant kConstants[] = {
    {0x8000000000000000, 0x3fff, false, true},   // 1
    {0xd49a784bcd1b8afe, 0x4000, false, false},  // log2(10)
    {0xb8aa3b295c17f0bb, 0x3fff, true, false},   // log2(e)
    {0xc90fdaa22168c234, 0x4000, true, false},   // pi
    {0x9a209a84fbcff798, 0x3ffd, true, false},   // log10(2)
    {0xb17217f7d1cf79ab, 0x3ffe, true, false},   // ln(2)
    {0, 0, false, true},                         // 0
};

}  // namespace

template <Constant kConstant> void fld_constant(Engine& e, const Insn& i) {
  if (!x87_ready(e)) return;
  X87Unit u(e, i);
  u.note_instruction();
  constexpr RoundedConstant c = kConstants[static_cast<unsigned>(kConstant)];
  const bool up = !c.exact && (u.env.rounding == soft::Rounding::Up ||
                               (u.env.rounding == soft::Rounding::Nearest && c.nearest_is_up));
  u.push_checked({.significand = c.significand + (up ? 1 : 0), .sign_exponent = c.exponent});
}
template void fld_constant<Constant::One>(Engine&, const Insn&);
template void fld_constant<Constant::Log2Ten>(Engine&, const Insn&);
template void fld_constant<Constant::Log2E>(Engine&, const Insn&);
template void fld_constant<Constant::Pi>(Engine&, const Insn&);
template void fld_constant<Constant::Log10Two>(Engine&, const Insn&);
template void fld_constant<Constant::LnTwo>(Engine&, const Insn&);
template void fld_constant<Constant::Zero>(Engine&, const Insn&);

}  // namespace orrery::cpu::helpers
