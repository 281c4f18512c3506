// Shifts, rotates and bit tests (SDM vol. 2). The count is masked to 5 bits (6 for 64-bit operands); a count of zero
// changes no flag. OF is what processors give for every count: SDM defines it for a count of one.
#pragma once

#include "cpu/semantics/machine.h"

namespace orrery::cpu::sem {

namespace detail {

template <class T> inline constexpr u8 kCountMask = sizeof(T) == 8 ? 63 : 31;

template <class T, class M, class C> auto masked_count(M& m, C c) {
  return m.template trunc<u8>(m.read(c)) & m.template constant<u8>(kCountMask<T>);
}

template <class M> auto is_zero(M& m, V<M, u8> n) { return n == m.template constant<u8>(0); }

/// Bit `n` of x, as a bool.
template <class T, class M> auto bit_at(M& m, V<M, T> x, V<M, u8> n) {
  return (m.shr(x, n) & m.template constant<T>(1)) != m.template constant<T>(0);
}

/// Exclusive or of the two top bits.
template <class T, class M> auto top_two_differ(M& m, V<M, T> r) {
  return m.sign(r) != m.sign(m.shl(r, m.template constant<u8>(1)));
}

}  // namespace detail

struct Shl {
  template <class M, class D, class C> static void run(M& m, D d, C c) {
    using T = TypeOf<D>;
    auto p = m.place(d);
    const auto n = detail::masked_count<T>(m, c);
    const auto a = m.template zext<u64>(p.get());
    const auto some = !detail::is_zero(m, n);
    // One bit of room above: shift by n - 1, then by one.
    const auto before = m.shl(a, m.select(some, n - m.template constant<u8>(1), n));
    const auto r = m.template trunc<T>(m.shl(a, n));
    p.set(r);
    m.when(some, [&] {
      const auto cf = detail::bit_at<u64>(m, before, m.template constant<u8>(kBits<T> - 1));
      m.set_flags_shift(r, cf, m.sign(r) != cf);
    });
  }
};

struct Shr {
  template <class M, class D, class C> static void run(M& m, D d, C c) {
    using T = TypeOf<D>;
    auto p = m.place(d);
    const auto n = detail::masked_count<T>(m, c);
    const auto a = m.template zext<u64>(p.get());
    const auto some = !detail::is_zero(m, n);
    const auto before = m.shr(a, m.select(some, n - m.template constant<u8>(1), n));
    const auto r = m.template trunc<T>(m.shr(a, n));
    p.set(r);
    m.when(some, [&] {
      const auto cf = detail::bit_at<u64>(m, before, m.template constant<u8>(0));
      m.set_flags_shift(r, cf, detail::top_two_differ<T>(m, r));
    });
  }
};

struct Sar {
  template <class M, class D, class C> static void run(M& m, D d, C c) {
    using T = TypeOf<D>;
    auto p = m.place(d);
    const auto n = detail::masked_count<T>(m, c);
    const auto a = m.template sext<u64>(p.get());
    const auto some = !detail::is_zero(m, n);
    const auto before = m.sar(a, m.select(some, n - m.template constant<u8>(1), n));
    const auto r = m.template trunc<T>(m.sar(a, n));
    p.set(r);
    m.when(some, [&] {
      const auto cf = detail::bit_at<u64>(m, before, m.template constant<u8>(0));
      m.set_flags_shift(r, cf, m.template constant<bool>(0));
    });
  }
};

struct Rol {
  template <class M, class D, class C> static void run(M& m, D d, C c) {
    using T = TypeOf<D>;
    auto p = m.place(d);
    const auto n = detail::masked_count<T>(m, c);
    const auto a = p.get();
    const auto k = n & m.template constant<u8>(kBits<T> - 1);
    const auto back = (m.template constant<u8>(kBits<T>) - k) & m.template constant<u8>(kBits<T> - 1);
    const auto r = m.shl(a, k) | m.shr(a, back);
    p.set(r);
    m.when(!detail::is_zero(m, n), [&] {
      const auto cf = detail::bit_at<T>(m, r, m.template constant<u8>(0));
      m.set_carry_overflow(cf, m.sign(r) != cf);
    });
  }
};

struct Ror {
  template <class M, class D, class C> static void run(M& m, D d, C c) {
    using T = TypeOf<D>;
    auto p = m.place(d);
    const auto n = detail::masked_count<T>(m, c);
    const auto a = p.get();
    const auto k = n & m.template constant<u8>(kBits<T> - 1);
    const auto back = (m.template constant<u8>(kBits<T>) - k) & m.template constant<u8>(kBits<T> - 1);
    const auto r = m.shr(a, k) | m.shl(a, back);
    p.set(r);
    m.when(!detail::is_zero(m, n), [&] { m.set_carry_overflow(m.sign(r), detail::top_two_differ<T>(m, r)); });
  }
};

namespace detail {

/// The masked count modulo the 9- or 17-bit rotation through carry; 32- and 64-bit operands need none.
template <class T, class M> auto rotate_count(M& m, V<M, u8> n) {
  if constexpr (sizeof(T) >= 4) {
    return n;
  } else {
    constexpr u8 kSteps = kBits<T> + 1;
    auto k = n;
    for (u8 sub : {u8(kSteps * 2), kSteps, kSteps}) {
      const auto s = m.template constant<u8>(sub);
      k = m.select(k < s, k, k - s);
    }
    return k;
  }
}

/// x << n and x >> n where n may be the full width.
template <class T, class M> auto shl_full(M& m, V<M, T> x, V<M, u8> n) {
  return m.select(n < m.template constant<u8>(kBits<T>), m.shl(x, n & m.template constant<u8>(kBits<T> - 1)),
                  m.template constant<T>(0));
}
template <class T, class M> auto shr_full(M& m, V<M, T> x, V<M, u8> n) {
  return m.select(n < m.template constant<u8>(kBits<T>), m.shr(x, n & m.template constant<u8>(kBits<T> - 1)),
                  m.template constant<T>(0));
}

}  // namespace detail

struct Rcl {
  template <class M, class D, class C> static void run(M& m, D d, C c) {
    using T = TypeOf<D>;
    auto p = m.place(d);
    const auto k = detail::rotate_count<T>(m, detail::masked_count<T>(m, c));
    const auto some = !detail::is_zero(m, k);
    const auto a = p.get();
    const auto one = m.template constant<u8>(1), width = m.template constant<u8>(kBits<T>);
    const auto less = m.select(some, k - one, k);
    const auto carry = m.template from_bool<T>(m.carry());
    const auto turned = detail::shl_full<T>(m, a, k) | m.shl(carry, less) |
                        detail::shr_full<T>(m, m.shr(a, one), m.select(some, width - k, width));
    const auto r = m.select(some, turned, a);
    p.set(r);
    m.when(some, [&] {
      const auto cf = detail::bit_at<T>(m, a, (width - k) & m.template constant<u8>(kBits<T> - 1));
      m.set_carry_overflow(cf, m.sign(r) != cf);
    });
  }
};

struct Rcr {
  template <class M, class D, class C> static void run(M& m, D d, C c) {
    using T = TypeOf<D>;
    auto p = m.place(d);
    const auto k = detail::rotate_count<T>(m, detail::masked_count<T>(m, c));
    const auto some = !detail::is_zero(m, k);
    const auto a = p.get();
    const auto one = m.template constant<u8>(1), width = m.template constant<u8>(kBits<T>);
    const auto carry = m.template from_bool<T>(m.carry());
    const auto less = m.select(some, k - one, k);
    const auto turned = detail::shr_full<T>(m, a, k) | detail::shl_full<T>(m, carry, width - k) |
                        detail::shl_full<T>(m, m.shl(a, one), m.select(some, width - k, width));
    const auto r = m.select(some, turned, a);
    p.set(r);
    m.when(some, [&] {
      const auto cf = detail::bit_at<T>(m, a, less & m.template constant<u8>(kBits<T> - 1));
      m.set_carry_overflow(cf, detail::top_two_differ<T>(m, r));
    });
  }
};

/// SHLD with 16-bit operands and counts above 16 is undefined; this gives what the 48-bit shift of a:b:a gives.
struct Shld {
  template <class M, class D, class S, class C> static void run(M& m, D d, S s, C c) {
    using T = TypeOf<D>;
    auto p = m.place(d);
    const auto n = detail::masked_count<T>(m, c);
    const auto a = p.get(), b = m.read(s);
    const auto some = !detail::is_zero(m, n);
    const auto one = m.template constant<u8>(1);
    if constexpr (sizeof(T) == 2) {
      const auto wide = m.shl(m.template zext<u64>(a), m.template constant<u8>(32)) |
                        m.shl(m.template zext<u64>(b), m.template constant<u8>(16)) | m.template zext<u64>(a);
      const auto r = m.template trunc<T>(m.shr(m.shl(wide, n), m.template constant<u8>(32)));
      p.set(r);
      m.when(some, [&] {
        const auto cf = detail::bit_at<u64>(m, m.shl(wide, n - one), m.template constant<u8>(47));
        m.set_flags_shift(r, cf, m.sign(r) != m.sign(a));
      });
    } else {
      const auto width = m.template constant<u8>(kBits<T>);
      const auto r = m.shl(a, n) | detail::shr_full<T>(m, b, m.select(some, width - n, width));
      p.set(r);
      m.when(some, [&] { m.set_flags_shift(r, detail::bit_at<T>(m, a, width - n), m.sign(r) != m.sign(a)); });
    }
  }
};

struct Shrd {
  template <class M, class D, class S, class C> static void run(M& m, D d, S s, C c) {
    using T = TypeOf<D>;
    auto p = m.place(d);
    const auto n = detail::masked_count<T>(m, c);
    const auto a = p.get(), b = m.read(s);
    const auto some = !detail::is_zero(m, n);
    const auto one = m.template constant<u8>(1);
    if constexpr (sizeof(T) == 2) {
      const auto wide = m.shl(m.template zext<u64>(a), m.template constant<u8>(32)) |
                        m.shl(m.template zext<u64>(b), m.template constant<u8>(16)) | m.template zext<u64>(a);
      const auto r = m.template trunc<T>(m.shr(wide, n));
      p.set(r);
      m.when(some, [&] {
        const auto cf = detail::bit_at<u64>(m, wide, n - one);
        m.set_flags_shift(r, cf, m.sign(r) != m.sign(a));
      });
    } else {
      const auto width = m.template constant<u8>(kBits<T>);
      const auto r = m.shr(a, n) | detail::shl_full<T>(m, b, m.select(some, width - n, width));
      p.set(r);
      m.when(some, [&] { m.set_flags_shift(r, detail::bit_at<T>(m, a, n - one), m.sign(r) != m.sign(a)); });
    }
  }
};

namespace detail {

/// BT and its kin: with a register bit offset and a memory operand the offset, signed, also selects the element.
template <class M, class D, class S, class Change> void bit_test(M& m, D d, S s, Change change) {
  using T = TypeOf<D>;
  const auto index = m.read(s);
  const auto bit = m.template trunc<u8>(index) & m.template constant<u8>(kBits<T> - 1);
  const auto mask = m.shl(m.template constant<T>(1), bit);
  auto p = m.bit_place(d, s, index);
  const auto a = p.get();
  const auto cf = (a & mask) != m.template constant<T>(0);
  change(p, a, mask);
  m.set_carry(cf);
}

}  // namespace detail

struct Bt {
  template <class M, class D, class S> static void run(M& m, D d, S s) {
    using T = TypeOf<D>;
    const auto index = m.read(s);
    const auto bit = m.template trunc<u8>(index) & m.template constant<u8>(kBits<T> - 1);
    m.set_carry(detail::bit_at<T>(m, m.bit_read(d, s, index), bit));
  }
};
struct Bts {
  template <class M, class D, class S> static void run(M& m, D d, S s) {
    detail::bit_test(m, d, s, [](auto& p, auto a, auto mask) { p.set(a | mask); });
  }
};
struct Btr {
  template <class M, class D, class S> static void run(M& m, D d, S s) {
    detail::bit_test(m, d, s, [](auto& p, auto a, auto mask) { p.set(a & ~mask); });
  }
};
struct Btc {
  template <class M, class D, class S> static void run(M& m, D d, S s) {
    detail::bit_test(m, d, s, [](auto& p, auto a, auto mask) { p.set(a ^ mask); });
  }
};

}  // namespace orrery::cpu::sem
