// Compile-time operands: what a table line's operand letters become for the semantics of one operand form and width.
#pragma once

#include "cpu/insn.h"

namespace orrery::cpu {

/// Where the memory operand's linear address comes from.
// clang-format off
enum class MemForm : u8 {
  None,     // no memory operand in this form
  Segment,  // any address size and segment, with the segment's limit and base
  Flat,     // 32-bit address in ES, SS or DS while these are flat (base 0, limit 4 GiB)
  FlatBase, // the same without an index register
};
// clang-format on

/// Register number in Insn::r[K].
template <class T, unsigned K> struct RegOp {
  using type = T;
  static constexpr unsigned kIndex = K;
};

template <class T, MemForm F> struct MemOp {
  using type = T;
  static constexpr MemForm kForm = F;
};

/// XMM register Insn::r[K]: all 128 bits, or the lowest of them. What is written is Vec128 in any case but a merge of
/// the lowest lane (T u32 or u64).
template <class T, unsigned K> struct XmmOp {
  using type = T;
  static constexpr unsigned kIndex = K;
  static constexpr bool kXmm = true;
};

/// MMX register Insn::r[K], or its lower half.
template <class T, unsigned K> struct MmxOp {
  using type = T;
  static constexpr unsigned kIndex = K;
  static constexpr bool kMmx = true;
};

/// Insn::imm, cut to T.
template <class T> struct ImmOp {
  using type = T;
};

/// A constant of the encoding (shift by one).
template <class T, u64 V> struct ConstOp {
  using type = T;
};

/// A memory operand of which only the address matters (LEA, descriptor-table images), or one that a helper reads
/// itself.
template <MemForm F> struct AddressOp {
  static constexpr MemForm kForm = F;
};

/// An implied operand of a string instruction.
template <class T> struct StringOp {
  using type = T;
};

/// An operand that only helpers look at (control and segment registers, implied string operands, far pointers).
struct OpaqueOp {};

}  // namespace orrery::cpu
