#include "cpu/helpers/x87.h"
namespace orrery::cpu::helpers {
#define UDT { e.undefined(); }
template <Arith kOp, bool kPop> void arith_registers(Engine& e, const Insn&) UDT
template <Arith kOp, Operand kOperand> void arith_memory(Engine& e, const Insn&) UDT
#define I(A) template void arith_registers<A,false>(Engine&,const Insn&);template void arith_registers<A,true>(Engine&,const Insn&);template void arith_memory<A,Operand::F32>(Engine&,const Insn&);template void arith_memory<A,Operand::F64>(Engine&,const Insn&);template void arith_memory<A,Operand::I16>(Engine&,const Insn&);template void arith_memory<A,Operand::I32>(Engine&,const Insn&);
I(Arith::Add) I(Arith::Sub) I(Arith::Mul) I(Arith::Div) I(Arith::Subr) I(Arith::Divr)
template <unsigned kPops, bool kQuiet> void fcom_register(Engine& e, const Insn&) UDT
template <bool kQuiet> void fcompp(Engine& e, const Insn&) UDT
template <Operand kOperand, bool kPop> void fcom_memory(Engine& e, const Insn&) UDT
template <bool kPop, bool kQuiet> void fcomi(Engine& e, const Insn&) UDT
template void fcom_register<0,false>(Engine&,const Insn&);template void fcom_register<1,false>(Engine&,const Insn&);template void fcom_register<0,true>(Engine&,const Insn&);template void fcom_register<1,true>(Engine&,const Insn&);
template void fcompp<false>(Engine&,const Insn&);template void fcompp<true>(Engine&,const Insn&);
template void fcomi<false,false>(Engine&,const Insn&);template void fcomi<false,true>(Engine&,const Insn&);template void fcomi<true,false>(Engine&,const Insn&);template void fcomi<true,true>(Engine&,const Insn&);
#define J(O) template void fcom_memory<O,false>(Engine&,const Insn&);template void fcom_memory<O,true>(Engine&,const Insn&);
J(Operand::F32) J(Operand::F64) J(Operand::I16) J(Operand::I32)
void fchs(Engine& e, const Insn&) UDT
void fabs(Engine& e, const Insn&) UDT
void fsqrt(Engine& e, const Insn&) UDT
void frndint(Engine& e, const Insn&) UDT
void fscale(Engine& e, const Insn&) UDT
void fxtract(Engine& e, const Insn&) UDT
void fprem(Engine& e, const Insn&) UDT
void fprem1(Engine& e, const Insn&) UDT
void ftst(Engine& e, const Insn&) UDT
void fxam(Engine& e, const Insn&) UDT
void f2xm1(Engine& e, const Insn&) UDT
void fyl2x(Engine& e, const Insn&) UDT
void fyl2xp1(Engine& e, const Insn&) UDT
void fpatan(Engine& e, const Insn&) UDT
void fptan(Engine& e, const Insn&) UDT
void fsin(Engine& e, const Insn&) UDT
void fcos(Engine& e, const Insn&) UDT
void fsincos(Engine& e, const Insn&) UDT
}
