// How the lists of pairs (pairs_*.cpp) are written.
#pragma once

#include <array>

#include "cpu/handlers.h"
#include "cpu/pairs.h"
#include "cpu/semantics/arith.h"
#include "cpu/semantics/control.h"
#include "cpu/semantics/data.h"
#include "cpu/semantics/shift.h"

namespace orrery::cpu::detail {

template <class Op> inline constexpr bool kIsMemory = false;
template <class T, MemForm F> inline constexpr bool kIsMemory<MemOp<T, F>> = true;
template <class Sem> inline constexpr bool kUsesStack = std::is_same_v<Sem, sem::Push> || std::is_same_v<Sem, sem::Pop>;

/// An instruction as handlers.h instantiates it.
template <class Sem, bool Ends, unsigned Size, class... Operands> struct Half {
  static constexpr bool kMemory = kUsesStack<Sem> || (kIsMemory<Operands> || ...);
  static constexpr Handler kHandler = &handler<Sem, Ends, Size, Operands...>;
  ORRERY_INLINE static void run(Engine& e, const Insn* i) {
    ExecSized<typename UnsignedOf<(2u << Size)>::type> m(e, i);
    [[clang::always_inline]] Sem::run(m, Operands{}...);
  }
  ORRERY_HANDLER_CC __attribute__((always_inline)) static const Insn* leave(Engine& e, const Insn* i) {
    [[clang::musttail]] return step<Sem, Ends, Size, Operands...>(e, i);
  }
};

template <class A, class B> ORRERY_HANDLER_CC const Insn* both(Engine& e, const Insn* i) {
  A::run(e, i);
  if constexpr (A::kMemory) {
    if (e.limit == 0) [[unlikely]]
      ORRERY_NEXT(e, i + 1);
  }
  [[clang::musttail]] return B::leave(e, i + 1);
}

template <class... Halves> struct List {};

template <class A, class... B> constexpr std::array<Pair, sizeof...(B)> pairs_with(List<B...>) {
  return {Pair{A::kHandler, B::kHandler, &both<A, B>}...};
}
/// Each of the first list with each of the second.
template <class... A, class... B>
constexpr std::array<Pair, sizeof...(A) * sizeof...(B)> all_pairs(List<A...>, List<B...> seconds) {
  std::array<Pair, sizeof...(A) * sizeof...(B)> all{};
  std::size_t n = 0;
  const auto add = [&](const auto& row) {
    for (const Pair& pair : row) all[n++] = pair;
  };
  (add(pairs_with<A>(seconds)), ...);
  return all;
}

template <class Sem> using Word = Half<Sem, false, 0, RegOp<u16, 0>>;
template <class Sem> using WordReg = Half<Sem, false, 0, RegOp<u16, 0>, RegOp<u16, 1>>;
template <class Sem> using WordImm = Half<Sem, false, 0, RegOp<u16, 0>, ImmOp<u16>>;
template <class Sem> using WordByOne = Half<Sem, false, 0, RegOp<u16, 0>, ConstOp<u16, 1>>;
template <class Sem> using Dword = Half<Sem, false, 1, RegOp<u32, 0>>;
template <class Sem> using DwordReg = Half<Sem, false, 1, RegOp<u32, 0>, RegOp<u32, 1>>;
template <class Sem> using DwordImm = Half<Sem, false, 1, RegOp<u32, 0>, ImmOp<u32>>;
template <class Sem> using DwordShift = Half<Sem, false, 1, RegOp<u32, 0>, ImmOp<u8>>;
template <class Sem> using Byte = Half<Sem, false, 1, RegOp<u8, 0>>;
template <class Sem> using ByteReg = Half<Sem, false, 1, RegOp<u8, 0>, RegOp<u8, 1>>;
template <class Sem> using ByteImm = Half<Sem, false, 1, RegOp<u8, 0>, ImmOp<u8>>;
template <class T, MemForm F> using DwordLoad = Half<sem::Mov, false, 1, RegOp<T, 0>, MemOp<T, F>>;
template <class T, MemForm F> using DwordStore = Half<sem::Mov, false, 1, MemOp<T, F>, RegOp<T, 1>>;
template <class T, MemForm F> using DwordExtend = Half<sem::Movzx, false, 1, RegOp<u32, 0>, MemOp<T, F>>;
template <class T> using DwordExtendReg = Half<sem::Movzx, false, 1, RegOp<u32, 0>, RegOp<T, 1>>;
template <MemForm F> using DwordLea = Half<sem::Lea, false, 1, RegOp<u32, 0>, AddressOp<F>>;
template <unsigned Size, class Condition> using Branch = Half<sem::Jcc<Condition>, true, Size, OpaqueOp>;

}  // namespace orrery::cpu::detail
