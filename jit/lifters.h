// From table lines to lifters: each line's semantic instantiated on Lift for the forms and sizes that it can have, as
// cpu/handlers.h does it on Exec. The rows are in lift_*.cpp, one file for each group of opcodes.inc.
#pragma once

#include <span>

#include "jit/lift.h"

namespace orrery::jit {

/// Appends instruction `i` to the block.
using LiftFunction = void (*)(Lifter& lifter, const Insn& i);
using LiftRow = cpu::FormRow<LiftFunction>;

/// Rows of the groups, in the order of opcodes.inc.
std::span<const LiftRow> bmi_lifters();
std::span<const LiftRow> integer_lifters();
std::span<const LiftRow> control_lifters();
std::span<const LiftRow> string_lifters();
std::span<const LiftRow> system_lifters();
std::span<const LiftRow> x87_lifters();
std::span<const LiftRow> mmx_lifters();
std::span<const LiftRow> sse_integer_lifters();
std::span<const LiftRow> sse_lifters();
std::span<const LiftRow> sse4_lifters();

/// All rows, by table line.
const std::vector<LiftRow>& lift_table();
/// The lifter of a decoded instruction; null if its line has none.
LiftFunction choose_lifter(const Insn& insn);

namespace detail {

template <class Sem, bool Ends, unsigned Size, class... Operands> void lift_line(Lifter& lifter, const Insn& i) {
  using T = typename cpu::detail::UnsignedOf<(2u << Size)>::type;
  LiftSized<T> m(lifter, i, Ends, cpu::detail::stays<Sem>());
  Sem::run(m, Operands{}...);
  lifter.finish(i, Ends);
}

struct Lifted {
  using Function = LiftFunction;
  static constexpr bool kFlatForms = false;  // which of the two memory forms it is, is seen when the block is lifted
  template <class Sem, bool Ends, unsigned Size, class... Operands> static constexpr LiftFunction make() {
    return &lift_line<Sem, Ends, Size, Operands...>;
  }
};

template <class Sem, u8 Checks, cpu::Opd A, cpu::Opd B, cpu::Opd C> constexpr LiftRow make_row() {
  return cpu::detail::make_forms<Lifted, Sem, Checks, A, B, C>();
}

}  // namespace detail
}  // namespace orrery::jit
