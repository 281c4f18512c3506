#include "cpu/helpers/x87.h"
namespace orrery::cpu::helpers {
#define UDT { e.undefined(); }
void f2xm1(Engine& e, const Insn&) UDT
void fyl2x(Engine& e, const Insn&) UDT
void fyl2xp1(Engine& e, const Insn&) UDT
void fpatan(Engine& e, const Insn&) UDT
void fptan(Engine& e, const Insn&) UDT
void fsin(Engine& e, const Insn&) UDT
void fcos(Engine& e, const Insn&) UDT
void fsincos(Engine& e, const Insn&) UDT
}
