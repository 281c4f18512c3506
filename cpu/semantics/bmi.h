// BMI1, BMI2, ADX (SDM vol. 2). Flags that the manual calls undefined are clear, PF and AF those of the result.
#pragma once

#include "cpu/semantics/machine.h"

namespace orrery::cpu::sem {

namespace detail {

/// A shift count in a register: its lower five bits, six for 64-bit operands.
template <class T, class M> auto count_of(M& m, V<M, T> n) {
  return m.template trunc<u8>(n) & m.template constant<u8>(kBits<T> - 1);
}

}  // namespace detail

struct Andn {
  template <class M, class D, class A, class B> static void run(M& m, D d, A a, B b) {
    const auto y = m.read(b), r = ~m.read(a) & y;
    m.write(d, r);
    m.set_flags_logic(r);
  }
};

/// Start and length, 8 bits each, may reach beyond the operand.
struct Bextr {
  template <class M, class D, class S, class C> static void run(M& m, D d, S s, C c) {
    using T = TypeOf<D>;
    const auto a = m.read(s), control = m.read(c);
    const auto zero = m.template constant<T>(0), width = m.template constant<T>(kBits<T>);
    const auto byte = m.template constant<T>(0xff);
    const auto start = control & byte, length = m.shr(control, m.template constant<u8>(8)) & byte;
    const auto moved = m.select(start < width, m.shr(a, detail::count_of<T>(m, start)), zero);
    const auto mask = m.shl(m.template constant<T>(1), detail::count_of<T>(m, length)) - m.template constant<T>(1);
    const auto r = m.select(length < width, moved & mask, moved);
    m.write(d, r);
    m.set_flags_logic(r);
  }
};

struct Blsi {
  template <class M, class D, class S> static void run(M& m, D d, S s) {
    using T = TypeOf<D>;
    const auto zero = m.template constant<T>(0);
    const auto a = m.read(s), r = (zero - a) & a;
    m.write(d, r);
    m.set_flags_shift(r, a != zero, m.template constant<bool>(0));
  }
};

struct Blsmsk {
  template <class M, class D, class S> static void run(M& m, D d, S s) {
    using T = TypeOf<D>;
    const auto a = m.read(s), r = (a - m.template constant<T>(1)) ^ a;
    m.write(d, r);
    m.set_flags_shift(r, a == m.template constant<T>(0), m.template constant<bool>(0));
  }
};

struct Blsr {
  template <class M, class D, class S> static void run(M& m, D d, S s) {
    using T = TypeOf<D>;
    const auto a = m.read(s), r = (a - m.template constant<T>(1)) & a;
    m.write(d, r);
    m.set_flags_shift(r, a == m.template constant<T>(0), m.template constant<bool>(0));
  }
};

struct Bzhi {
  template <class M, class D, class S, class C> static void run(M& m, D d, S s, C c) {
    using T = TypeOf<D>;
    const auto a = m.read(s), n = m.read(c) & m.template constant<T>(0xff);
    const auto fits = n < m.template constant<T>(kBits<T>);
    const auto mask = m.shl(m.template constant<T>(1), detail::count_of<T>(m, n)) - m.template constant<T>(1);
    const auto r = m.select(fits, a & mask, a);
    m.write(d, r);
    m.set_flags_shift(r, !fits, m.template constant<bool>(0));
  }
};

struct Pdep {
  template <class M, class D, class S, class C> static void run(M& m, D d, S s, C c) {
    const auto mask = m.read(c);
    m.write(d, m.deposit_bits(m.read(s), mask));
  }
};

struct Pext {
  template <class M, class D, class S, class C> static void run(M& m, D d, S s, C c) {
    const auto mask = m.read(c);
    m.write(d, m.extract_bits(m.read(s), mask));
  }
};

/// rDX times the source; if both destinations are one register it gets the upper half.
struct Mulx {
  template <class M, class H, class L, class S> static void run(M& m, H high, L low, S s) {
    using T = TypeOf<H>;
    const auto b = m.read(s), a = m.template get<T>(kRdx);
    const auto product = a * b, upper = m.mul_high_unsigned(a, b);
    m.write(low, product);
    m.write(high, upper);
  }
};

struct Rorx {
  template <class M, class D, class S, class C> static void run(M& m, D d, S s, C c) {
    using T = TypeOf<D>;
    const auto mask = m.template constant<u8>(kBits<T> - 1);
    const auto a = m.read(s);
    const auto n = m.read(c) & mask;
    m.write(d, m.shr(a, n) | m.shl(a, (m.template constant<u8>(kBits<T>) - n) & mask));
  }
};

struct Shlx {
  template <class M, class D, class S, class C> static void run(M& m, D d, S s, C c) {
    const auto a = m.read(s);
    m.write(d, m.shl(a, detail::count_of<TypeOf<D>>(m, m.read(c))));
  }
};

struct Shrx {
  template <class M, class D, class S, class C> static void run(M& m, D d, S s, C c) {
    const auto a = m.read(s);
    m.write(d, m.shr(a, detail::count_of<TypeOf<D>>(m, m.read(c))));
  }
};

struct Sarx {
  template <class M, class D, class S, class C> static void run(M& m, D d, S s, C c) {
    const auto a = m.read(s);
    m.write(d, m.sar(a, detail::count_of<TypeOf<D>>(m, m.read(c))));
  }
};

/// ADC with CF alone.
struct Adcx {
  template <class M, class D, class S> static void run(M& m, D d, S s) {
    const auto b = m.read(s), a = m.read(d);
    const auto r = a + b + m.template from_bool<TypeOf<D>>(m.carry());
    m.write(d, r);
    m.set_carry(m.sign(add_carries(a, b, r)));
  }
};

/// ADC with OF in the place of CF.
struct Adox {
  template <class M, class D, class S> static void run(M& m, D d, S s) {
    const auto b = m.read(s), a = m.read(d);
    const auto r = a + b + m.template from_bool<TypeOf<D>>(m.overflow());
    m.write(d, r);
    m.set_carry_overflow(m.carry(), m.sign(add_carries(a, b, r)));
  }
};

}  // namespace orrery::cpu::sem
