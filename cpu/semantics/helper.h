// A semantic whose whole work is an ordinary C++ function that both engines call.
#pragma once

namespace orrery::cpu::sem {

/// `Stays`: it leaves CS alone, so that the next instruction is where it was when the block was decoded.
template <auto F, bool Stays = false> struct Helper {
  static constexpr bool kStays = Stays;
  static constexpr bool kHelper = true;
  template <class M, class... X> static void run(M& m, X...) { m.helper(F); }
};

template <auto F> using StayingHelper = Helper<F, true>;

}  // namespace orrery::cpu::sem
