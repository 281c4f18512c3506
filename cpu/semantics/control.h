// Near branches, conditions and everything that depends on them (SDM vol. 2; vol. 1 appendix B for the conditions).
#pragma once

#include "cpu/semantics/machine.h"

namespace orrery::cpu::sem {

// Conditions in the order of their encoding.
struct CondO {
  template <class M> static auto test(M& m) { return m.overflow(); }
};
struct CondB {
  template <class M> static auto test(M& m) { return m.carry(); }
};
struct CondE {
  template <class M> static auto test(M& m) { return m.zero(); }
};
struct CondBE {
  template <class M> static auto test(M& m) { return m.either(m.carry(), m.zero()); }
};
struct CondS {
  template <class M> static auto test(M& m) { return m.sign_flag(); }
};
struct CondP {
  template <class M> static auto test(M& m) { return m.parity(); }
};
struct CondL {
  template <class M> static auto test(M& m) { return m.sign_flag() != m.overflow(); }
};
struct CondLE {
  template <class M> static auto test(M& m) { return m.either(m.zero(), m.sign_flag() != m.overflow()); }
};
template <class C> struct CondNot {
  template <class M> static auto test(M& m) { return !C::test(m); }
};

namespace detail {

/// The target of a relative branch: next rIP plus displacement, cut to the operand size.
template <class M> auto branch_target(M& m) {
  return m.template trunc<typename M::OperandType>(m.next_rip() + m.template constant<u64>(m.displacement()));
}

}  // namespace detail

template <class C> struct Jcc : UsesOperandSize {
  template <class M, class... X> static void run(M& m, X...) { m.jump_direct_if(C::test(m), detail::branch_target(m)); }
};

template <class C> struct Setcc {
  template <class M, class D> static void run(M& m, D d) { m.write(d, m.template from_bool<u8>(C::test(m))); }
};

/// The source is read whether or not the condition holds; a 32-bit destination is always written (SDM CMOVcc).
template <class C> struct Cmovcc {
  template <class M, class D, class S> static void run(M& m, D d, S s) {
    const auto b = m.read(s);
    m.write(d, m.select(C::test(m), b, m.read(d)));
  }
};

#define ORRERY_CONDITION(NAME, COND) \
  using J##NAME = Jcc<COND>;         \
  using Set##NAME = Setcc<COND>;     \
  using Cmov##NAME = Cmovcc<COND>;
ORRERY_CONDITION(O, CondO)
ORRERY_CONDITION(NO, CondNot<CondO>)
ORRERY_CONDITION(B, CondB)
ORRERY_CONDITION(AE, CondNot<CondB>)
ORRERY_CONDITION(E, CondE)
ORRERY_CONDITION(NE, CondNot<CondE>)
ORRERY_CONDITION(BE, CondBE)
ORRERY_CONDITION(A, CondNot<CondBE>)
ORRERY_CONDITION(S, CondS)
ORRERY_CONDITION(NS, CondNot<CondS>)
ORRERY_CONDITION(P, CondP)
ORRERY_CONDITION(NP, CondNot<CondP>)
ORRERY_CONDITION(L, CondL)
ORRERY_CONDITION(GE, CondNot<CondL>)
ORRERY_CONDITION(LE, CondLE)
ORRERY_CONDITION(G, CondNot<CondLE>)
#undef ORRERY_CONDITION

struct JmpRel : UsesOperandSize {
  template <class M, class... X> static void run(M& m, X...) { m.jump_direct(detail::branch_target(m)); }
};

struct CallRel : UsesOperandSize {
  template <class M, class... X> static void run(M& m, X...) {
    using T = typename M::OperandType;
    const auto target = detail::branch_target(m);
    m.check_target(target);
    m.push(m.template trunc<T>(m.next_rip()));
    m.jump_direct(target);
  }
};

struct JmpInd {
  template <class M, class S> static void run(M& m, S s) { m.jump_indirect(m.read(s)); }
};

struct CallInd {
  template <class M, class S> static void run(M& m, S s) {
    const auto target = m.read(s);
    m.check_target(target);
    m.push(m.template trunc<TypeOf<S>>(m.next_rip()));
    m.jump_indirect(target);
  }
};

struct Ret : UsesOperandSize {
  template <class M, class... X> static void run(M& m, X...) {
    using W = typename M::OperandType;
    const auto target = m.template peek<W>();
    m.check_target(target);
    m.adjust_stack(m.template constant<u64>(sizeof(W)));
    m.jump_indirect(target);
  }
};

struct RetImm : UsesOperandSize {
  template <class M, class... X> static void run(M& m, X...) {
    using W = typename M::OperandType;
    const auto target = m.template peek<W>();
    m.check_target(target);
    m.adjust_stack(m.template constant<u64>(sizeof(W)) + m.immediate());
    m.jump_indirect(target);
  }
};

namespace detail {

/// rCX by address size, counted down by one, and whether it is not zero now.
template <class M> auto count_down(M& m) {
  const auto c = m.counter() - m.template constant<u64>(1);
  return m.mask_address(c);
}

}  // namespace detail

/// LOOP, LOOPE, LOOPNE: the counter's width is the address size; flags are untouched.
template <class Also> struct LoopIf : UsesOperandSize {
  template <class M, class... X> static void run(M& m, X...) {
    const auto c = detail::count_down(m);
    const auto target = detail::branch_target(m);
    const auto go = m.both(c != m.template constant<u64>(0), Also::test(m));
    m.when(go, [&] { m.check_target(target); });
    m.set_counter(c);
    m.jump_direct_if(go, target);
  }
};
struct Always {
  template <class M> static auto test(M& m) { return m.template constant<bool>(1); }
};
using Loop = LoopIf<Always>;
using Loope = LoopIf<CondE>;
using Loopne = LoopIf<CondNot<CondE>>;

struct Jcxz : UsesOperandSize {
  template <class M, class... X> static void run(M& m, X...) {
    m.jump_direct_if(m.counter() == m.template constant<u64>(0), detail::branch_target(m));
  }
};

}  // namespace orrery::cpu::sem
