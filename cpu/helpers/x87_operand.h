// Memory operands of x87 arithmetic and comparisons, taken apart.
#pragma once

#include "cpu/helpers/x87.h"
#include "cpu/helpers/x87_unit.h"

namespace orrery::cpu::helpers {

template <Operand kOperand>
soft::Unpacked load_operand(X87Unit& u) {
  if constexpr (kOperand == Operand::F32) return soft::unpack(soft::F32{u.load<u32>()});
  if constexpr (kOperand == Operand::F64) return soft::unpack(soft::F64{u.load<u64>()});
  if constexpr (kOperand == Operand::I16) return soft::unpack_integer(static_cast<i16>(u.load<u16>()));
  if constexpr (kOperand == Operand::I32) return soft::unpack_integer(static_cast<i32>(u.load<u32>()));
}

}  // namespace orrery::cpu::helpers
