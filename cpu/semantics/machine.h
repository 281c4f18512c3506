// What a semantic may assume of its machine M. Exec (cpu/exec.h) computes; Lift (jit/) emits LLVM IR; tests/cpu has a
// third one that writes the operations down as text, which proves that no semantic looks at guest data with a C++ `if`.
//
// Values are M::Val<T>, T one of bool, u8, u16, u32, u64, with + - * & | ^ ~ == != < (unsigned); constants come from
// m.constant<T>(x). Val<bool> has no operator bool. Operands are types (cpu/operands.h): m.read(op), m.write(op, v),
// m.place(op) for read-modify-write. A body reads, computes, writes, and sets the flags last, so that a fault in a read
// or a place leaves the state as it was.
//
// Vectors (cpu/vector.h) are Val<Vec128>, MMX registers Val<u64>. They are taken apart by low(), high() and put
// together by vector(); everything else that is done to them is a function F::run of cpu/simd, named to the machine by
// m.apply<F>(v...), or m.apply_float<F>(v...) if it depends on MXCSR and can raise #XM: the machine calls it, or knows
// a shorter way to the same bits. Immediates among v are values like the others. begin_sse() and begin_mmx() raise #UD,
// #NM and #MF and come first; end_mmx() and its kin touch the x87 state, behind the last fault. A memory operand of 128
// bits that is not aligned faults, except in read_unaligned() and write_unaligned().
#pragma once

#include "cpu/operands.h"
#include "cpu/state.h"

namespace orrery::cpu::sem {

template <class M, class T> using V = typename M::template Val<T>;

template <class Op> using TypeOf = typename Op::type;

template <class T> inline constexpr unsigned kBits = sizeof(T) * 8;

template <class T> inline constexpr bool kIsVoidOp = std::is_same_v<T, OpaqueOp>;

/// Base of the semantics that depend on the operand size though no operand shows it.
struct UsesOperandSize {
  static constexpr bool kUsesOperandSize = true;
};

/// The carries out of each bit of a + b (+ carry), given the result.
template <class T> T add_carries(T a, T b, T result) { return (a & b) | ((a | b) & ~result); }
/// The borrows out of each bit of a - b (- borrow), given the result.
template <class T> T sub_borrows(T a, T b, T result) { return (~a & b) | ((~a | b) & result); }

}  // namespace orrery::cpu::sem
