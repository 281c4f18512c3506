// The x87 instructions: all the work is in cpu/helpers; what is chosen here is the memory operand's format.
#pragma once

#include "cpu/helpers/frames.h"
#include "cpu/helpers/x87.h"
#include "cpu/semantics/helper.h"
#include "cpu/semantics/machine.h"

namespace orrery::cpu::sem {

// Arithmetic.
template <helpers::Arith kOp> struct X87Arith {  // ST0, STi | STi, ST0 | real in memory
  template <class M, class D, class... X> static void run(M& m, D, X...) {
    if constexpr (kIsVoidOp<D>) {
      m.helper(&helpers::arith_registers<kOp, false>);
    } else {
      m.helper(&helpers::arith_memory < kOp, sizeof(TypeOf<D>) == 4 ? helpers::Operand::F32 : helpers::Operand::F64 >);
    }
  }
};
template <helpers::Arith kOp> struct X87ArithInteger {
  template <class M, class D> static void run(M& m, D) {
    m.helper(&helpers::arith_memory < kOp, sizeof(TypeOf<D>) == 4 ? helpers::Operand::I32 : helpers::Operand::I16 >);
  }
};
using Fadd = X87Arith<helpers::Arith::Add>;
using Fmul = X87Arith<helpers::Arith::Mul>;
using Fsub = X87Arith<helpers::Arith::Sub>;
using Fsubr = X87Arith<helpers::Arith::Subr>;
using Fdiv = X87Arith<helpers::Arith::Div>;
using Fdivr = X87Arith<helpers::Arith::Divr>;
using Fiadd = X87ArithInteger<helpers::Arith::Add>;
using Fimul = X87ArithInteger<helpers::Arith::Mul>;
using Fisub = X87ArithInteger<helpers::Arith::Sub>;
using Fisubr = X87ArithInteger<helpers::Arith::Subr>;
using Fidiv = X87ArithInteger<helpers::Arith::Div>;
using Fidivr = X87ArithInteger<helpers::Arith::Divr>;
using Faddp = Helper<&helpers::arith_registers<helpers::Arith::Add, true>>;
using Fmulp = Helper<&helpers::arith_registers<helpers::Arith::Mul, true>>;
using Fsubp = Helper<&helpers::arith_registers<helpers::Arith::Sub, true>>;
using Fsubrp = Helper<&helpers::arith_registers<helpers::Arith::Subr, true>>;
using Fdivp = Helper<&helpers::arith_registers<helpers::Arith::Div, true>>;
using Fdivrp = Helper<&helpers::arith_registers<helpers::Arith::Divr, true>>;
using Fchs = Helper<&helpers::fchs>;
using Fabs = Helper<&helpers::fabs>;
using Fsqrt = Helper<&helpers::fsqrt>;
using Frndint = Helper<&helpers::frndint>;
using Fscale = Helper<&helpers::fscale>;
using Fxtract = Helper<&helpers::fxtract>;
using Fprem = Helper<&helpers::fprem>;
using Fprem1 = Helper<&helpers::fprem1>;

// Comparisons.
template <bool kPop> struct X87Compare {
  template <class M, class D> static void run(M& m, D) {
    if constexpr (kIsVoidOp<D>) {
      m.helper(&helpers::fcom_register < kPop ? 1 : 0, false >);
    } else {
      m.helper(&helpers::fcom_memory < sizeof(TypeOf<D>) == 4 ? helpers::Operand::F32 : helpers::Operand::F64, kPop >);
    }
  }
};
template <bool kPop> struct X87CompareInteger {
  template <class M, class D> static void run(M& m, D) {
    m.helper(&helpers::fcom_memory < sizeof(TypeOf<D>) == 4 ? helpers::Operand::I32 : helpers::Operand::I16, kPop >);
  }
};
using Fcom = X87Compare<false>;
using Fcomp = X87Compare<true>;
using Ficom = X87CompareInteger<false>;
using Ficomp = X87CompareInteger<true>;
using Fcompp = Helper<&helpers::fcompp<false>>;
using Fucompp = Helper<&helpers::fcompp<true>>;
using Fucom = Helper<&helpers::fcom_register<0, true>>;
using Fucomp = Helper<&helpers::fcom_register<1, true>>;
using Fcomi = Helper<&helpers::fcomi<false, false>>;
using Fucomi = Helper<&helpers::fcomi<false, true>>;
using Fcomip = Helper<&helpers::fcomi<true, false>>;
using Fucomip = Helper<&helpers::fcomi<true, true>>;
using Ftst = Helper<&helpers::ftst>;
using Fxam = Helper<&helpers::fxam>;

// Transcendental functions.
using F2xm1 = Helper<&helpers::f2xm1>;
using Fyl2x = Helper<&helpers::fyl2x>;
using Fyl2xp1 = Helper<&helpers::fyl2xp1>;
using Fpatan = Helper<&helpers::fpatan>;
using Fptan = Helper<&helpers::fptan>;
using Fsin = Helper<&helpers::fsin>;
using Fcos = Helper<&helpers::fcos>;
using Fsincos = Helper<&helpers::fsincos>;

// Loads and stores.
struct Fld {
  template <class M, class D> static void run(M& m, D) {
    if constexpr (kIsVoidOp<D>) {
      m.helper(&helpers::fld);
    } else {
      m.helper(sizeof(TypeOf<D>) == 4 ? &helpers::fld_m32 : &helpers::fld_m64);
    }
  }
};
struct Fild {
  template <class M, class D> static void run(M& m, D) { m.helper(&helpers::fild<std::make_signed_t<TypeOf<D>>>); }
};
template <bool kPop> struct X87Store {
  template <class M, class D> static void run(M& m, D) {
    if constexpr (kIsVoidOp<D>) {
      m.helper(&helpers::fst<kPop>);
    } else {
      m.helper(sizeof(TypeOf<D>) == 4 ? &helpers::fst_m32<kPop> : &helpers::fst_m64<kPop>);
    }
  }
};
using Fst = X87Store<false>;
using Fstp = X87Store<true>;
struct Fist {
  template <class M, class D> static void run(M& m, D) {
    m.helper(&helpers::fist<std::make_signed_t<TypeOf<D>>, false>);
  }
};
struct Fistp {
  template <class M, class D> static void run(M& m, D) {
    m.helper(&helpers::fist<std::make_signed_t<TypeOf<D>>, true>);
  }
};
struct Fisttp {
  template <class M, class D> static void run(M& m, D) { m.helper(&helpers::fisttp<std::make_signed_t<TypeOf<D>>>); }
};
using Fstpnce = Helper<&helpers::fstpnce>;
using Fbld = Helper<&helpers::fbld>;
using Fbstp = Helper<&helpers::fbstp>;
using Fxch = Helper<&helpers::fxch>;
using Fcmovb = Helper<&helpers::fcmov<0, false>>;
using Fcmove = Helper<&helpers::fcmov<1, false>>;
using Fcmovbe = Helper<&helpers::fcmov<2, false>>;
using Fcmovu = Helper<&helpers::fcmov<3, false>>;
using Fcmovnb = Helper<&helpers::fcmov<0, true>>;
using Fcmovne = Helper<&helpers::fcmov<1, true>>;
using Fcmovnbe = Helper<&helpers::fcmov<2, true>>;
using Fcmovnu = Helper<&helpers::fcmov<3, true>>;
template <helpers::Constant kConstant> using X87Constant = Helper<&helpers::fld_constant<kConstant>>;
using Fld1 = X87Constant<helpers::Constant::One>;
using Fldl2t = X87Constant<helpers::Constant::Log2Ten>;
using Fldl2e = X87Constant<helpers::Constant::Log2E>;
using Fldpi = X87Constant<helpers::Constant::Pi>;
using Fldlg2 = X87Constant<helpers::Constant::Log10Two>;
using Fldln2 = X87Constant<helpers::Constant::LnTwo>;
using Fldz = X87Constant<helpers::Constant::Zero>;

// Control and images.
using Fnop = Helper<&helpers::fnop>;
using FnopNoWait = Helper<&helpers::fnop_no_wait>;
using Ffree = Helper<&helpers::ffree>;
using Ffreep = Helper<&helpers::ffreep>;
using Fdecstp = Helper<&helpers::fdecstp>;
using Fincstp = Helper<&helpers::fincstp>;
using Fnclex = Helper<&helpers::fnclex>;
using Fninit = Helper<&helpers::fninit>;
using Fldcw = Helper<&helpers::fldcw>;
using Fnstcw = Helper<&helpers::fnstcw>;
using Fnstsw = Helper<&helpers::fnstsw>;
using Fldenv = Helper<&helpers::fldenv>;
using Fnstenv = Helper<&helpers::fnstenv>;
using Frstor = Helper<&helpers::frstor>;
using Fnsave = Helper<&helpers::fnsave>;
using Fxsave = Helper<&helpers::fxsave>;
using Fxrstor = Helper<&helpers::fxrstor>;

}  // namespace orrery::cpu::sem
