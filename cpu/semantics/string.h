// String instructions; the element's width is the operands'. INS and OUTS are in the system group's helpers.
#pragma once

#include "cpu/helpers/strings.h"
#include "cpu/semantics/machine.h"

namespace orrery::cpu::sem {

struct Movs {
  static constexpr bool kLeavesByHelper = true;
  template <class M, class D, class S>
  static void run(M& m, D, S) {
    m.helper(&helpers::movs<TypeOf<D>>);
  }
};
struct Cmps {
  static constexpr bool kLeavesByHelper = true;
  template <class M, class D, class S>
  static void run(M& m, D, S) {
    m.helper(&helpers::cmps<TypeOf<D>>);
  }
};
struct Stos {
  static constexpr bool kLeavesByHelper = true;
  template <class M, class D, class... X>
  static void run(M& m, D, X...) {
    m.helper(&helpers::stos<TypeOf<D>>);
  }
};
struct Lods {
  static constexpr bool kLeavesByHelper = true;
  template <class M, class D, class... X>
  static void run(M& m, D, X...) {
    m.helper(&helpers::lods<TypeOf<D>>);
  }
};
struct Scas {
  static constexpr bool kLeavesByHelper = true;
  template <class M, class D, class... X>
  static void run(M& m, D, X...) {
    m.helper(&helpers::scas<TypeOf<D>>);
  }
};

}  // namespace orrery::cpu::sem
