// Memory operands of x87 arithmetic and comparisons, taken apart.
#pragma once

#include "cpu/helpers/x87.h"
#include "cpu/helpers/x87_fast.h"

namespace orrery::cpu::helpers {

template <Operand kOperand>
using OperandBits =
    std::conditional_t<kOperand == Operand::F64, u64, std::conditional_t<kOperand == Operand::I16, u16, u32>>;

/// The memory operand as it stands there.
template <Operand kOperand> ORRERY_INLINE inline OperandBits<kOperand> load_bits(X87Fast& fast) {
  return fast.load<OperandBits<kOperand>>();
}

template <Operand kOperand> soft::Unpacked unpack_operand(OperandBits<kOperand> v) {
  if constexpr (kOperand == Operand::F32) return soft::unpack(soft::F32{v});
  if constexpr (kOperand == Operand::F64) return soft::unpack(soft::F64{v});
  if constexpr (kOperand == Operand::I16) return soft::unpack_integer(static_cast<i16>(v));
  if constexpr (kOperand == Operand::I32) return soft::unpack_integer(static_cast<i32>(v));
}

/// False if it is not a normal number.
template <Operand kOperand> ORRERY_INLINE inline bool widen_normal(OperandBits<kOperand> v, F80& out) {
  if constexpr (kOperand == Operand::F32) return X87Fast::widen(soft::F32{v}, out, false);
  if constexpr (kOperand == Operand::F64) return X87Fast::widen(soft::F64{v}, out, false);
  if constexpr (kOperand == Operand::I16) out = X87Fast::from_integer(static_cast<i16>(v));
  if constexpr (kOperand == Operand::I32) out = X87Fast::from_integer(static_cast<i32>(v));
  return v != 0;
}

}  // namespace orrery::cpu::helpers
