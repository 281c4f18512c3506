// Integer instructions whose work is done by C++ helpers: division, BCD, wide compare-and-exchange (SDM vol. 2).
#pragma once

#include "cpu/helpers/arith.h"
#include "cpu/semantics/helper.h"
#include "cpu/semantics/machine.h"

namespace orrery::cpu::sem {

/// DIV and IDIV: the width is the operand's.
struct Div {
  template <class M, class S> static void run(M& m, S) { m.helper(&helpers::divide<TypeOf<S>>); }
};
struct Idiv {
  template <class M, class S> static void run(M& m, S) { m.helper(&helpers::divide_signed<TypeOf<S>>); }
};

using Daa = Helper<&helpers::daa>;
using Das = Helper<&helpers::das>;
using Aaa = Helper<&helpers::aaa>;
using Aas = Helper<&helpers::aas>;
using Aam = Helper<&helpers::aam>;
using Aad = Helper<&helpers::aad>;
using Cmpxchg8b = Helper<&helpers::cmpxchg8b>;
using Cmpxchg16b = Helper<&helpers::cmpxchg16b>;

}  // namespace orrery::cpu::sem
