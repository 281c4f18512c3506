// A semantic whose whole work is an ordinary C++ function that both engines call.
#pragma once

namespace orrery::cpu::sem {

template <auto F>
struct Helper {
  static constexpr bool kHelper = true;
  template <class M, class... X>
  static void run(M& m, X...) {
    m.helper(F);
  }
};

}  // namespace orrery::cpu::sem
