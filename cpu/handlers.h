// From table lines to interpreter handlers: each line's semantic instantiated for the operand forms and sizes it can
// have.
#pragma once

#include "cpu/code_cache.h"
#include "cpu/exec.h"
#include "cpu/forms.h"

namespace orrery::cpu {

using HandlerRow = FormRow<Handler>;

/// Rows of the groups, in the order of opcodes.inc.
std::span<const HandlerRow> bmi_handlers();
std::span<const HandlerRow> integer_handlers();
std::span<const HandlerRow> control_handlers();
std::span<const HandlerRow> string_handlers();
std::span<const HandlerRow> system_handlers();
std::span<const HandlerRow> x87_handlers();
std::span<const HandlerRow> mmx_handlers();
std::span<const HandlerRow> sse_integer_handlers();
std::span<const HandlerRow> sse_handlers();
std::span<const HandlerRow> sse4_handlers();

#if defined(__clang__)
#define ORRERY_NEXT(e, i) [[clang::musttail]] return (i)->handler(e, i)
#else
#define ORRERY_NEXT(e, i) return (i)
#endif

inline bool ends_block(const Insn& i) { return line(i.op).ends() && (!is_string_op(i.op) || i.rep() || i.repne()); }

/// Instead of link 0 behind an instruction that may have changed the translation of its own page.
inline constexpr unsigned kLinkAnew = 3;

/// Leaves the running block for the code at s.rip; `Link` 0 or 1 is the block's own successor, 2 any, 3 see kLinkAnew.
template <unsigned Link> ORRERY_HANDLER_CC const Insn* leave_block(Engine& e, const Insn* i);

/// Enters e.block if the budget allows; else comes back to the run loop.
ORRERY_HANDLER_CC __attribute__((always_inline)) inline const Insn* enter_block(Engine& e, const Insn*) {
  Block* b = e.block;
  if (e.icount + b->count > e.limit || e.s.rip + b->bytes > e.code_end) [[unlikely]] {
    e.block = nullptr;
    return nullptr;
  }
  e.icount += b->count;
  ORRERY_NEXT(e, b->insns);
}

/// Follows link `Link` of the running block if it is good.
template <unsigned Link>
ORRERY_HANDLER_CC __attribute__((always_inline)) inline const Insn* follow_link(Engine& e, const Insn* i) {
  constexpr unsigned kSlot = Link == kLinkAnew ? 0 : Link;
  Block* next = e.block->link[kSlot];
  if (next != nullptr && e.block->link_generation[kSlot] == e.link_generation) [[likely]] {
    e.block = next;
    [[clang::musttail]] return enter_block(e, i);
  }
  [[clang::musttail]] return leave_block<Link>(e, i);
}

/// Leaves the running block for the code at s.rip, wherever that is.
ORRERY_HANDLER_CC __attribute__((always_inline)) inline const Insn* jump_anywhere(Engine& e, const Insn* i) {
  Block* next = e.code().recent(e.code_address(e.s.rip));
  if (next != nullptr && !e.unchained) [[likely]] {
    e.block = next;
    [[clang::musttail]] return enter_block(e, i);
  }
  [[clang::musttail]] return leave_block<2>(e, i);
}

namespace detail {

/// Executes *i and goes on.
template <class Sem, bool Ends, unsigned Size, class... Operands>
ORRERY_HANDLER_CC __attribute__((always_inline)) inline const Insn* step(Engine& e, const Insn* i) {
  using T = typename UnsignedOf<(2u << Size)>::type;
  ExecSized<T> m(e, i);
  [[clang::always_inline]] Sem::run(m, Operands{}...);  // a call would put the machine on the stack
  if constexpr (Ends) {
    if constexpr (stays<Sem>()) {
      const u64 target = m.target();
      const bool straight_on = target == m.next_rip().v;
      e.s.rip = target;
      if (straight_on && e.mode == e.block->mode) [[clang::musttail]]
        return follow_link<kLinkAnew>(e, i);
      [[clang::musttail]] return jump_anywhere(e, i);
    } else if constexpr (requires { Sem::kHelper; }) {
      e.s.rip = m.target();
      [[clang::musttail]] return jump_anywhere(e, i);
    } else {
      switch (m.flow()) {
        case Exec::Flow::Next: e.s.rip = m.next_rip().v; [[clang::musttail]] return follow_link<0>(e, i);
        case Exec::Flow::Taken: e.s.rip = m.target(); [[clang::musttail]] return follow_link<1>(e, i);
        default: e.s.rip = m.target(); [[clang::musttail]] return jump_anywhere(e, i);
      }
    }
  } else {
    ORRERY_NEXT(e, i + 1);
  }
}

template <class Sem, bool Ends, unsigned Size, class... Operands>
ORRERY_HANDLER_CC const Insn* handler(Engine& e, const Insn* i) {
  [[clang::musttail]] return step<Sem, Ends, Size, Operands...>(e, i);
}

struct Interpreted {
  using Function = Handler;
  static constexpr bool kFlatForms = true;
  template <class Sem, bool Ends, unsigned Size, class... Operands> static constexpr Handler make() {
    return &handler<Sem, Ends, Size, Operands...>;
  }
};

template <class Sem, u8 Checks, Opd A, Opd B, Opd C> constexpr HandlerRow make_row() {
  return make_forms<Interpreted, Sem, Checks, A, B, C>();
}

}  // namespace detail
}  // namespace orrery::cpu
