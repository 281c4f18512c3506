// The x87 instructions (SDM vol. 1, chapter 8, and vol. 2).
//
// Each function is a whole instruction. They check in the processor's order: #NM, pending exceptions, faults of the
// memory operand; then the stack; then they compute. Unmasked exceptions are left in FSW for the next waiting
// instruction.
#pragma once

#include "cpu/helpers/descriptor.h"

namespace orrery::cpu::helpers {

// ---- control (x87_control.cpp) --------------------------------------------------------------------------------------

/// WAIT/FWAIT.
void wait(Engine& e, const Insn& i);
void fnop(Engine& e, const Insn& i);
/// FNENI, FNDISI, FNSETPM: what the 387 and later make of 8087 and 287 instructions.
void fnop_no_wait(Engine& e, const Insn& i);
void ffree(Engine& e, const Insn& i);
void ffreep(Engine& e, const Insn& i);
void fdecstp(Engine& e, const Insn& i);
void fincstp(Engine& e, const Insn& i);
void fnclex(Engine& e, const Insn& i);
void fninit(Engine& e, const Insn& i);
void fldcw(Engine& e, const Insn& i);
void fnstcw(Engine& e, const Insn& i);
void fnstsw(Engine& e, const Insn& i);

// ---- images (x87_image.cpp) -----------------------------------------------------------------------------------------

void fnstenv(Engine& e, const Insn& i);
void fldenv(Engine& e, const Insn& i);
void fnsave(Engine& e, const Insn& i);
void frstor(Engine& e, const Insn& i);
void fxsave(Engine& e, const Insn& i);
void fxrstor(Engine& e, const Insn& i);

/// FTW as a debugger and FNSTENV show it: 0 valid, 1 zero, 2 special, 3 empty, for R0 in 1:0 to R7 in 15:14.
u16 full_tag_word(const X87& x87);

// ---- loads and stores (x87_transfer.cpp) ----------------------------------------------------------------------------

/// FLD of a register or of m80.
void fld(Engine& e, const Insn& i);
void fld_m32(Engine& e, const Insn& i);
void fld_m64(Engine& e, const Insn& i);
template <class T>  // i16, i32, i64
void fild(Engine& e, const Insn& i);
/// FST and FSTP to a register or m80.
template <bool kPop> void fst(Engine& e, const Insn& i);
template <bool kPop> void fst_m32(Engine& e, const Insn& i);
template <bool kPop> void fst_m64(Engine& e, const Insn& i);
/// FSTPNCE: FSTP to a register without a look at the tags.
void fstpnce(Engine& e, const Insn& i);
template <class T, bool kPop> void fist(Engine& e, const Insn& i);
template <class T> void fisttp(Engine& e, const Insn& i);
void fbld(Engine& e, const Insn& i);
void fbstp(Engine& e, const Insn& i);
void fxch(Engine& e, const Insn& i);
/// FCMOVcc: `condition` 0 B, 1 E, 2 BE, 3 U; `negated` for the N forms.
template <unsigned kCondition, bool kNegated> void fcmov(Engine& e, const Insn& i);

enum class Constant : u8 { One, Log2Ten, Log2E, Pi, Log10Two, LnTwo, Zero };
template <Constant kConstant> void fld_constant(Engine& e, const Insn& i);

// ---- arithmetic (x87_arith.cpp) -------------------------------------------------------------------------------------

enum class Arith : u8 { Add, Mul, Sub, Subr, Div, Divr };
/// The memory operand of an arithmetic instruction or a comparison.
enum class Operand : u8 { F32, F64, I16, I32 };

/// ST(r[0]) = ST(r[0]) op ST(r[1]).
template <Arith kOp, bool kPop> void arith_registers(Engine& e, const Insn& i);
template <Arith kOp, Operand kOperand> void arith_memory(Engine& e, const Insn& i);

void fchs(Engine& e, const Insn& i);
void fabs(Engine& e, const Insn& i);
void fsqrt(Engine& e, const Insn& i);
void frndint(Engine& e, const Insn& i);
void fscale(Engine& e, const Insn& i);
void fxtract(Engine& e, const Insn& i);
void fprem(Engine& e, const Insn& i);
void fprem1(Engine& e, const Insn& i);

// ---- comparisons (x87_compare.cpp) ----------------------------------------------------------------------------------

/// With ST(r[0]); kQuiet for FUCOM, which takes quiet NaNs.
template <unsigned kPops, bool kQuiet> void fcom_register(Engine& e, const Insn& i);
/// With ST(1), popping both.
template <bool kQuiet> void fcompp(Engine& e, const Insn& i);
template <Operand kOperand, bool kPop> void fcom_memory(Engine& e, const Insn& i);
/// Into ZF, PF, CF.
template <bool kPop, bool kQuiet> void fcomi(Engine& e, const Insn& i);
void ftst(Engine& e, const Insn& i);
void fxam(Engine& e, const Insn& i);

// ---- transcendental functions (x87_transcendental.cpp) --------------------------------------------------------------

void f2xm1(Engine& e, const Insn& i);
void fyl2x(Engine& e, const Insn& i);
void fyl2xp1(Engine& e, const Insn& i);
void fpatan(Engine& e, const Insn& i);
void fptan(Engine& e, const Insn& i);
void fsin(Engine& e, const Insn& i);
void fcos(Engine& e, const Insn& i);
void fsincos(Engine& e, const Insn& i);

}  // namespace orrery::cpu::helpers
