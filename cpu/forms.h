// The operand forms and sizes that a table line can have, as types: what both engines instantiate each line's semantic
// for.
#pragma once

#include <array>

#include "cpu/opcodes.h"
#include "cpu/operands.h"
#include "cpu/vector.h"

namespace orrery::cpu {

/// True for the lines that end a block only with a repeat prefix.
constexpr bool is_string_op(u16 op) {
  return op >= static_cast<u16>(Op::Movs_YbXb) && op <= static_cast<u16>(Op::Scas_rAXYv);
}

/// forms[operand size][MemForm]; null where the form cannot occur. FlatBase, the most frequent one, is there for 32-bit
/// operands and those of a fixed size; for others Flat does. String instructions have two forms of another kind: None
/// is the plain one, the others are the repeated one.
template <class Function> using FormRow = std::array<std::array<Function, 4>, 3>;

namespace detail {

template <Opd K, Opd... List> inline constexpr bool kOneOf = ((K == List) || ...);

/// Width in bytes of an operand kind at an operand size index (0: 16, 1: 32, 2: 64 bits); 0 if it has none.
constexpr unsigned width_of(Opd k, unsigned size) {
  using enum Opd;
  const unsigned v = 2u << size;
  switch (k) {
      // clang-format off
    case Eb: case Mb: case Gb: case Ib: case Ob: case Xb: case Yb: case AL: case CL: case Zb: case RdMb: return 1;
    case Ew: case Mw: case Gw: case Iw: case AX: case DX: case RdMw: case Ww: return 2;
    case Ed: case Md: case Gd: case Rd: case Qd: case Wd: return 4;
    case Eq: case Mq: case Gq: case Qq: case Pq: case Nq: case Wq: case Uq: return 8;
    case Vx: case Wx: case Udq: case Mdq: case XMM0: return 16;
    case Ev:
    case Mv:
    case Gv:
    case Zv:
    case Rv:
    case Iv:
    case Iz:
    case sIb:
    case Ov:
    case Xv:
    case Yv:
    case rAX:
    case One: return v;
    case Ez: case Gz: case zAX: case Xz: case Yz: return v == 8 ? 4 : v;
    case Ey: case My: case Gy: case Ry: case By: return v == 8 ? 8 : 4;
    // clang-format on
    default: return 0;
  }
}

constexpr bool size_dependent(Opd k) { return width_of(k, 0) != width_of(k, 1) || width_of(k, 1) != width_of(k, 2); }

// What an operand kind can be (the enumerators of Opd).
template <Opd K>
inline constexpr bool kMemoryOnly =
    kOneOf<K, Opd::Mb, Opd::Mw, Opd::Md, Opd::Mq, Opd::Mdq, Opd::Mv, Opd::My, Opd::Ob, Opd::Ov, Opd::M>;
template <Opd K>
inline constexpr bool kMemoryOrRegister =
    kOneOf<K, Opd::Eb, Opd::Ew, Opd::Ed, Opd::Eq, Opd::Ev, Opd::Ez, Opd::Ey, Opd::RdMb, Opd::RdMw, Opd::Qd, Opd::Qq,
           Opd::Ww, Opd::Wd, Opd::Wq, Opd::Wx>;
template <Opd K> inline constexpr bool kMmxRegister = kOneOf<K, Opd::Pq, Opd::Nq, Opd::Qd, Opd::Qq>;
template <Opd K>
inline constexpr bool kXmmRegister = kOneOf<K, Opd::Vx, Opd::Wx, Opd::Wq, Opd::Wd, Opd::Ww, Opd::Udq, Opd::Uq>;
template <Opd K> inline constexpr bool kImmediate = kOneOf<K, Opd::Ib, Opd::sIb, Opd::Iw, Opd::Iz, Opd::Iv>;
template <Opd K> inline constexpr bool kStringElement = kOneOf<K, Opd::Xb, Opd::Xv, Opd::Xz, Opd::Yb, Opd::Yv, Opd::Yz>;

template <unsigned Bytes> struct UnsignedOf;
// clang-format off
template <> struct UnsignedOf<1> { using type = u8; };
template <> struct UnsignedOf<2> { using type = u16; };
template <> struct UnsignedOf<4> { using type = u32; };
template <> struct UnsignedOf<8> { using type = u64; };
template <> struct UnsignedOf<16> { using type = Vec128; };
// clang-format on

/// The operand object for kind K at position P.
template <Opd K, unsigned P, unsigned Size, MemForm F> constexpr auto operand() {
  using enum Opd;
  constexpr unsigned kWidth = width_of(K, Size);
  if constexpr (K == M) {
    return AddressOp<F>{};
  } else if constexpr (kWidth == 0) {
    return OpaqueOp{};
  } else {
    using T = typename UnsignedOf<kWidth>::type;
    if constexpr (kImmediate<K>) {
      return ImmOp<T>{};
    } else if constexpr (K == One) {
      return ConstOp<T, 1>{};
    } else if constexpr (kStringElement<K>) {
      return StringOp<T>{};
    } else if constexpr (kMemoryOnly<K> || (kMemoryOrRegister<K> && F != MemForm::None)) {
      return MemOp<T, F>{};
    } else if constexpr (kMmxRegister<K>) {
      return MmxOp<T, P>{};
    } else if constexpr (kXmmRegister<K>) {
      return XmmOp<T, P>{};
    } else if constexpr (kOneOf<K, RdMb, RdMw>) {
      return RegOp<u32, P>{};
    } else {
      return RegOp<T, P>{};
    }
  }
}

/// True for the lines that end their block and go on behind themselves, in the same CS.
template <class Sem> constexpr bool stays() {
  if constexpr (requires { Sem::kStays; }) {
    return Sem::kStays;
  } else {
    return requires { Sem::kString; };
  }
}

/// Policy::make<Sem, Ends, Size, Operands...>() for one form of a line, or null. Policy::kFlatForms: whether the forms
/// Flat and FlatBase are wanted beside the forms Segment.
template <class Policy, class Sem, u8 Checks, unsigned Size, MemForm F, Opd A, Opd B, Opd C>
constexpr typename Policy::Function form_for() {
  constexpr bool kEnds = (Checks & table::Ends) != 0;
  if constexpr ((F == MemForm::Flat || F == MemForm::FlatBase) && !Policy::kFlatForms) {
    return nullptr;
  } else if constexpr (requires { Sem::kHelper; }) {
    return Policy::template make<Sem, kEnds, 1>();
  } else if constexpr (requires { Sem::kString; }) {
    // Not a memory form: row [0] is for the plain instruction, row [1] for the repeated one, which ends its block.
    constexpr unsigned kSize = size_dependent(A) || size_dependent(B) ? Size : 1;
    return Policy::template make<Sem, F != MemForm::None, kSize, decltype(operand<A, 0, kSize, F>()),
                                 decltype(operand<B, 1, kSize, F>())>();
  } else {
    constexpr bool kMemoryForm = F != MemForm::None;
    constexpr bool kCanBeMemory =
        kMemoryOrRegister<A> || kMemoryOrRegister<B> || kMemoryOrRegister<C> || kMemoryOnly<A> || kMemoryOnly<B>;
    constexpr bool kMustBeMemory = kMemoryOnly<A> || kMemoryOnly<B>;
    if constexpr ((kMemoryForm && !kCanBeMemory) || (!kMemoryForm && kMustBeMemory)) {
      return nullptr;
    } else {
      constexpr bool kSized =
          size_dependent(A) || size_dependent(B) || size_dependent(C) || requires { Sem::kUsesOperandSize; };
      constexpr unsigned kSize = kSized ? Size : 1;
      if constexpr (C != Opd::None) {
        return Policy::template make<Sem, kEnds, kSize, decltype(operand<A, 0, kSize, F>()),
                                     decltype(operand<B, 1, kSize, F>()), decltype(operand<C, 2, kSize, F>())>();
      } else if constexpr (B != Opd::None) {
        return Policy::template make<Sem, kEnds, kSize, decltype(operand<A, 0, kSize, F>()),
                                     decltype(operand<B, 1, kSize, F>())>();
      } else if constexpr (A != Opd::None) {
        return Policy::template make<Sem, kEnds, kSize, decltype(operand<A, 0, kSize, F>())>();
      } else {
        return Policy::template make<Sem, kEnds, kSize>();
      }
    }
  }
}

/// All forms of a line.
template <class Policy, class Sem, u8 Checks, Opd A, Opd B, Opd C>
constexpr FormRow<typename Policy::Function> make_forms() {
  FormRow<typename Policy::Function> row{};
#define ORRERY_FORM(S, F) \
  row[S][static_cast<unsigned>(MemForm::F)] = form_for<Policy, Sem, Checks, S, MemForm::F, A, B, C>()
  ORRERY_FORM(0, None);
  ORRERY_FORM(0, Segment);
  ORRERY_FORM(0, Flat);
  ORRERY_FORM(1, None);
  ORRERY_FORM(1, Segment);
  ORRERY_FORM(1, Flat);
  ORRERY_FORM(1, FlatBase);
  ORRERY_FORM(2, None);
  ORRERY_FORM(2, Segment);
  ORRERY_FORM(2, Flat);
#undef ORRERY_FORM
  return row;
}

}  // namespace detail
}  // namespace orrery::cpu
