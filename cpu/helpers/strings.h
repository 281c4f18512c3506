// String instructions. A repeated one retires one tick an iteration: it executes as many iterations as the budget
// allows and, if some are left, leaves the instruction pointer where it is, as an interrupt would find it (SDM REP).
#pragma once

#include "cpu/engine.h"

namespace orrery::cpu::helpers {

template <class T> void movs(Engine& e, const Insn& i);
template <class T> void stos(Engine& e, const Insn& i);
template <class T> void lods(Engine& e, const Insn& i);
template <class T> void cmps(Engine& e, const Insn& i);
template <class T> void scas(Engine& e, const Insn& i);

/// Index registers and count of a string instruction, by its address size.
class StringState {
 public:
  StringState(Engine& e, const Insn& i, unsigned width)
      : e_(e),
        mask_(i.addrsize() == Size::S16   ? 0xffff
              : i.addrsize() == Size::S32 ? 0xffffffff
                                          : ~u64{0}),
        step_((e.s.eflags & kDf) != 0 ? ~u64{0} * width : width) {}

  u64 source() const { return e_.s.gpr[kRsi] & mask_; }
  u64 destination() const { return e_.s.gpr[kRdi] & mask_; }
  u64 count() const { return e_.s.gpr[kRcx] & mask_; }
  void advance_source(u64 elements = 1) { add(kRsi, step_ * elements); }
  void advance_destination(u64 elements = 1) { add(kRdi, step_ * elements); }
  void count_down(u64 elements = 1) { add(kRcx, ~elements + 1); }
  u64 mask() const { return mask_; }
  bool forward() const { return static_cast<i64>(step_) > 0; }

 private:
  void add(Gpr r, u64 n) {
    u64& g = e_.s.gpr[r];
    const u64 v = (g + n) & mask_;
    g = mask_ == 0xffff ? (g & ~mask_) | v : v;
  }

  Engine& e_;
  u64 mask_;
  u64 step_;
};

/// Runs `one()` (an iteration; returns false to end the loop early) under the rules of REP: `bulk(limit)` may do up to
/// `limit` iterations at once, none of which ends the loop, and returns how many it did (0: none possible now). Neither
/// counts rCX down.
template <class One, class Bulk> void repeat_string(Engine& e, const Insn& i, StringState& state, One one, Bulk bulk) {
  if (!i.rep() && !i.repne()) {
    one();
    return;
  }
  u64 left = state.count();
  if (left == 0) {
    if (state.mask() == 0xffffffff) state.count_down(0);  // a 32-bit count is written back (upper half zero)
    return;
  }
  u64 allowed = e.iterations_left();
  bool first = true;
  while (left != 0 && allowed != 0) {
    const u64 most = left < allowed ? left : allowed;
    u64 done = bulk(most);
    bool go_on = true;
    if (done == 0) {
      go_on = one();
      done = 1;
    }
    state.count_down(done);
    left -= done;
    e.charge(first ? done - 1 : done);
    first = false;
    allowed = e.limit > e.icount ? e.limit - e.icount : 0;
    if (!go_on) return;
  }
  if (left != 0) {
    e.set_next_rip(e.this_rip());
    e.cancel_rf_clear();
  }
}

}  // namespace orrery::cpu::helpers
