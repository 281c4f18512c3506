// Addition, subtraction, logic, comparison, multiplication (SDM vol. 2).
#pragma once

#include "cpu/semantics/machine.h"

namespace orrery::cpu::sem {

struct Add {
  template <class M, class D, class S> static void run(M& m, D d, S s) {
    auto p = m.place(d);
    const auto a = p.get(), b = m.read(s), r = a + b;
    p.set(r);
    m.set_flags(r, add_carries(a, b, r));
  }
};

struct Adc {
  template <class M, class D, class S> static void run(M& m, D d, S s) {
    auto p = m.place(d);
    const auto a = p.get(), b = m.read(s);
    const auto r = a + b + m.template from_bool<TypeOf<D>>(m.carry());
    p.set(r);
    m.set_flags(r, add_carries(a, b, r));
  }
};

struct Sub {
  template <class M, class D, class S> static void run(M& m, D d, S s) {
    auto p = m.place(d);
    const auto a = p.get(), b = m.read(s), r = a - b;
    p.set(r);
    m.set_flags(r, sub_borrows(a, b, r));
  }
};

struct Sbb {
  template <class M, class D, class S> static void run(M& m, D d, S s) {
    auto p = m.place(d);
    const auto a = p.get(), b = m.read(s);
    const auto r = a - b - m.template from_bool<TypeOf<D>>(m.carry());
    p.set(r);
    m.set_flags(r, sub_borrows(a, b, r));
  }
};

struct Cmp {
  template <class M, class D, class S> static void run(M& m, D d, S s) {
    const auto a = m.read(d), b = m.read(s), r = a - b;
    m.set_flags(r, sub_borrows(a, b, r));
  }
};

struct And {
  template <class M, class D, class S> static void run(M& m, D d, S s) {
    auto p = m.place(d);
    const auto r = p.get() & m.read(s);
    p.set(r);
    m.set_flags_logic(r);
  }
};

struct Or {
  template <class M, class D, class S> static void run(M& m, D d, S s) {
    auto p = m.place(d);
    const auto r = p.get() | m.read(s);
    p.set(r);
    m.set_flags_logic(r);
  }
};

struct Xor {
  template <class M, class D, class S> static void run(M& m, D d, S s) {
    auto p = m.place(d);
    const auto r = p.get() ^ m.read(s);
    p.set(r);
    m.set_flags_logic(r);
  }
};

struct Test {
  template <class M, class D, class S> static void run(M& m, D d, S s) { m.set_flags_logic(m.read(d) & m.read(s)); }
};

struct Inc {
  template <class M, class D> static void run(M& m, D d) {
    auto p = m.place(d);
    const auto a = p.get(), b = m.template constant<TypeOf<D>>(1), r = a + b;
    p.set(r);
    m.set_flags_keep_carry(r, add_carries(a, b, r));
  }
};

struct Dec {
  template <class M, class D> static void run(M& m, D d) {
    auto p = m.place(d);
    const auto a = p.get(), b = m.template constant<TypeOf<D>>(1), r = a - b;
    p.set(r);
    m.set_flags_keep_carry(r, sub_borrows(a, b, r));
  }
};

struct Neg {
  template <class M, class D> static void run(M& m, D d) {
    auto p = m.place(d);
    const auto a = m.template constant<TypeOf<D>>(0), b = p.get(), r = a - b;
    p.set(r);
    m.set_flags(r, sub_borrows(a, b, r));
  }
};

struct Not {
  template <class M, class D> static void run(M& m, D d) {
    auto p = m.place(d);
    p.set(~p.get());
  }
};

struct Xadd {
  template <class M, class D, class S> static void run(M& m, D d, S s) {
    auto p = m.place(d);
    const auto a = p.get(), b = m.read(s), r = a + b;
    m.write(s, a);
    p.set(r);
    m.set_flags(r, add_carries(a, b, r));
  }
};

/// A destination in memory is written in any case (SDM CMPXCHG): with the source if equal, else with itself. A register
/// is not: if 32 bits compare unequal, bits 63:32 stay what they are.
struct Cmpxchg {
  template <class M, class D, class S> static void run(M& m, D d, S s) {
    using T = TypeOf<D>;
    auto p = m.place(d);
    const auto old = p.get(), acc = m.template get<T>(kRax), r = acc - old;
    const auto equal = acc == old;
    const auto source = m.read(s);
    if constexpr (requires { D::kForm; }) {
      p.set(m.select(equal, source, old));
    } else {
      m.when(equal, [&] { p.set(source); });
    }
    m.when(!equal, [&] { m.template set<T>(kRax, old); });
    m.set_flags(r, sub_borrows(acc, old, r));
  }
};

/// One-operand MUL: rDX:rAX (AX for bytes). CF = OF = upper half not zero; the other flags follow the low half.
struct Mul {
  template <class M, class S> static void run(M& m, S s) {
    using T = TypeOf<S>;
    const auto a = m.template get<T>(kRax), b = m.read(s);
    const auto low = a * b, high = m.mul_high_unsigned(a, b);
    write_product<T>(m, low, high);
    const auto over = high != m.template constant<T>(0);
    m.set_flags_shift(low, over, over);
  }

  template <class T, class M, class X> static void write_product(M& m, X low, X high) {
    if constexpr (sizeof(T) == 1) {
      m.template set<u16>(kRax,
                          m.template zext<u16>(low) | m.shl(m.template zext<u16>(high), m.template constant<u8>(8)));
    } else {
      m.template set<T>(kRax, low);
      m.template set<T>(kRdx, high);
    }
  }
};

/// One-operand IMUL.
struct Imul1 {
  template <class M, class S> static void run(M& m, S s) {
    using T = TypeOf<S>;
    const auto a = m.template get<T>(kRax), b = m.read(s);
    const auto low = a * b, high = m.mul_high_signed(a, b);
    Mul::write_product<T>(m, low, high);
    const auto over = high != m.sar(low, m.template constant<u8>(kBits<T> - 1));
    m.set_flags_shift(low, over, over);
  }
};

struct Imul2 {
  template <class M, class D, class S> static void run(M& m, D d, S s) { multiply(m, d, m.read(d), m.read(s)); }
  template <class M, class D, class X> static void multiply(M& m, D d, X a, X b) {
    using T = TypeOf<D>;
    const auto low = a * b;
    const auto over = m.mul_high_signed(a, b) != m.sar(low, m.template constant<u8>(kBits<T> - 1));
    m.write(d, low);
    m.set_flags_shift(low, over, over);
  }
};

struct Imul3 {
  template <class M, class D, class S, class I> static void run(M& m, D d, S s, I i) {
    Imul2::multiply(m, d, m.read(s), m.read(i));
  }
};

}  // namespace orrery::cpu::sem
