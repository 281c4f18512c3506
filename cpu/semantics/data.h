// Moves, conversions, the stack, bit scans and the flag instructions (SDM vol. 2).
#pragma once

#include "cpu/semantics/machine.h"
#include "cpu/simd/crc32.h"

namespace orrery::cpu::sem {

struct Mov {
  template <class M, class D, class S> static void run(M& m, D d, S s) { m.write(d, m.read(s)); }
};

struct Movbe {
  template <class M, class D, class S> static void run(M& m, D d, S s) { m.write(d, m.byte_swap(m.read(s))); }
};

struct Movzx {
  template <class M, class D, class S> static void run(M& m, D d, S s) {
    m.write(d, m.template zext<TypeOf<D>>(m.read(s)));
  }
};

struct Movsx {
  template <class M, class D, class S> static void run(M& m, D d, S s) {
    m.write(d, m.template sext<TypeOf<D>>(m.read(s)));
  }
};
using Movsxd = Movsx;

struct Lea {
  template <class M, class D, class S> static void run(M& m, D d, S s) {
    m.write(d, m.template trunc<TypeOf<D>>(m.address(s)));
  }
};

struct Xchg {
  template <class M, class D, class S> static void run(M& m, D d, S s) {
    auto p = m.place(d);
    const auto a = p.get(), b = m.read(s);
    p.set(b);
    m.write(s, a);
  }
};

struct Bswap {
  template <class M, class D> static void run(M& m, D d) {
    using T = TypeOf<D>;
    if constexpr (sizeof(T) == 2) {
      m.write(d, m.template constant<T>(0));  // undefined in the SDM; what processors do
    } else {
      m.write(d, m.byte_swap(m.read(d)));
    }
  }
};

/// CBW, CWDE, CDQE: the lower half of rAX extended into all of it.
struct Cbw : UsesOperandSize {
  template <class M, class... X> static void run(M& m, X...) {
    using T = typename M::OperandType;
    if constexpr (sizeof(T) == 2) m.template set<T>(kRax, m.template sext<T>(m.template get<u8>(kRax)));
    if constexpr (sizeof(T) == 4) m.template set<T>(kRax, m.template sext<T>(m.template get<u16>(kRax)));
    if constexpr (sizeof(T) == 8) m.template set<T>(kRax, m.template sext<T>(m.template get<u32>(kRax)));
  }
};

/// CWD, CDQ, CQO: rDX gets rAX's sign.
struct Cwd : UsesOperandSize {
  template <class M, class... X> static void run(M& m, X...) {
    using T = typename M::OperandType;
    m.template set<T>(kRdx, m.sar(m.template get<T>(kRax), m.template constant<u8>(kBits<T> - 1)));
  }
};

struct Push {
  template <class M, class S> static void run(M& m, S s) { m.push(m.read(s)); }
};

/// A memory operand of POP is addressed with the stack pointer as it is after the pop (SDM POP).
struct Pop {
  template <class M, class D> static void run(M& m, D d) {
    using T = TypeOf<D>;
    const auto v = m.template peek<T>();
    const auto old = m.template get<u64>(kRsp);
    m.adjust_stack(m.template constant<u64>(sizeof(T)));
    if constexpr (requires { D::kForm; }) {
      m.restoring_stack(old, [&] { m.write(d, v); });
    } else {
      m.write(d, v);
    }
  }
};

struct Lahf {
  template <class M, class... X> static void run(M& m, X...) {
    const auto image = m.template trunc<u8>(m.get_arith_flags()) | m.template constant<u8>(2);
    m.template set<u8>(kRax | kHighByte, image);
  }
};

struct Sahf {
  template <class M, class... X> static void run(M& m, X...) {
    constexpr u32 kSet = kSf | kZf | kAf | kPf | kCf;
    const auto ah = m.template zext<u32>(m.template get<u8>(kRax | kHighByte));
    m.set_arith_flags((m.get_arith_flags() & m.template constant<u32>(kOf)) | (ah & m.template constant<u32>(kSet)));
  }
};

struct Salc {
  template <class M, class... X> static void run(M& m, X...) {
    m.template set<u8>(kRax, m.select(m.carry(), m.template constant<u8>(0xff), m.template constant<u8>(0)));
  }
};

struct Cmc {
  template <class M, class... X> static void run(M& m, X...) { m.set_carry(!m.carry()); }
};
struct Clc {
  template <class M, class... X> static void run(M& m, X...) { m.set_carry(m.template constant<bool>(0)); }
};
struct Stc {
  template <class M, class... X> static void run(M& m, X...) { m.set_carry(m.template constant<bool>(1)); }
};
struct Cld {
  template <class M, class... X> static void run(M& m, X...) { m.set_direction(false); }
};
struct Std {
  template <class M, class... X> static void run(M& m, X...) { m.set_direction(true); }
};
struct Nop {
  template <class M, class... X> static void run(M&, X...) {}
};

/// XLAT: AL = [rBX + AL] in DS or the overriding segment, with the address size's width.
struct Xlat {
  template <class M, class... X> static void run(M& m, X...) {
    const auto bx = m.template get<u64>(kRbx) + m.template zext<u64>(m.template get<u8>(kRax));
    m.template set<u8>(kRax, m.template load_at<u8>(m.operand_segment(), m.mask_address(bx)));
  }
};

struct Bsf {
  template <class M, class D, class S> static void run(M& m, D d, S s) {
    using T = TypeOf<D>;
    const auto a = m.read(s);
    const auto none = a == m.template constant<T>(0);
    m.when(!none, [&] { m.write(d, m.count_trailing_zeros(a)); });
    m.set_flags_logic(a);  // ZF by the source; the others are undefined
  }
};

struct Bsr {
  template <class M, class D, class S> static void run(M& m, D d, S s) {
    using T = TypeOf<D>;
    const auto a = m.read(s);
    const auto none = a == m.template constant<T>(0);
    m.when(!none, [&] { m.write(d, m.template constant<T>(kBits<T> - 1) - m.count_leading_zeros(a)); });
    m.set_flags_logic(a);
  }
};

/// CF = source was zero, ZF = result is zero.
struct Tzcnt {
  template <class M, class D, class S> static void run(M& m, D d, S s) {
    using T = TypeOf<D>;
    const auto a = m.read(s), r = m.count_trailing_zeros(a);
    m.write(d, r);
    m.set_flags_shift(r, a == m.template constant<T>(0), m.template constant<bool>(0));
  }
};

struct Lzcnt {
  template <class M, class D, class S> static void run(M& m, D d, S s) {
    using T = TypeOf<D>;
    const auto a = m.read(s), r = m.count_leading_zeros(a);
    m.write(d, r);
    m.set_flags_shift(r, a == m.template constant<T>(0), m.template constant<bool>(0));
  }
};

/// ZF by the source, all other flags clear.
struct Popcnt {
  template <class M, class D, class S> static void run(M& m, D d, S s) {
    using T = TypeOf<D>;
    const auto a = m.read(s);
    m.write(d, m.population_count(a));
    m.set_arith_flags(
        m.select(a == m.template constant<T>(0), m.template constant<u32>(kZf), m.template constant<u32>(0)));
  }
};

struct Crc32 {
  template <class M, class D, class S> static void run(M& m, D d, S s) {
    const auto b = m.read(s);
    const auto crc = m.template apply<simd::Crc32c>(m.template trunc<u32>(m.read(d)), b);
    m.write(d, m.template zext<TypeOf<D>>(crc));
  }
};

}  // namespace orrery::cpu::sem
