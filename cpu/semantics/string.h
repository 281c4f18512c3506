// String instructions (SDM vol. 2). One iteration stands here; a repeated one is a helper, which does as many as the
// budget allows. The element's width is the operands'. INS and OUTS are in the system group.
#pragma once

#include "cpu/helpers/strings.h"
#include "cpu/semantics/machine.h"

namespace orrery::cpu::sem {

/// Base of the string semantics: without a repeat prefix they do not end a block.
struct StringSemantic {
  static constexpr bool kString = true;
};

struct Movs : StringSemantic {
  template <class M, class D, class S> static void run(M& m, D, S) {
    using T = TypeOf<D>;
    if (m.repeats()) return m.helper(&helpers::movs<T>);
    const auto v = m.template load_at<T>(m.operand_segment(), m.string_index(kRsi));
    m.store_at(kEs, m.string_index(kRdi), v);
    m.advance_string(kRsi, sizeof(T));
    m.advance_string(kRdi, sizeof(T));
  }
};

struct Cmps : StringSemantic {
  template <class M, class D, class S> static void run(M& m, D, S) {
    using T = TypeOf<D>;
    if (m.repeats()) return m.helper(&helpers::cmps<T>);
    const auto a = m.template load_at<T>(m.operand_segment(), m.string_index(kRsi));
    const auto b = m.template load_at<T>(kEs, m.string_index(kRdi));
    m.advance_string(kRsi, sizeof(T));
    m.advance_string(kRdi, sizeof(T));
    const auto r = a - b;
    m.set_flags(r, sub_borrows(a, b, r));
  }
};

struct Stos : StringSemantic {
  template <class M, class D, class S> static void run(M& m, D, S s) {
    using T = TypeOf<D>;
    if (m.repeats()) return m.helper(&helpers::stos<T>);
    m.store_at(kEs, m.string_index(kRdi), m.read(s));
    m.advance_string(kRdi, sizeof(T));
  }
};

struct Lods : StringSemantic {
  template <class M, class D, class S> static void run(M& m, D d, S) {
    using T = TypeOf<D>;
    if (m.repeats()) return m.helper(&helpers::lods<T>);
    m.write(d, m.template load_at<T>(m.operand_segment(), m.string_index(kRsi)));
    m.advance_string(kRsi, sizeof(T));
  }
};

struct Scas : StringSemantic {
  template <class M, class D, class S> static void run(M& m, D d, S) {
    using T = TypeOf<D>;
    if (m.repeats()) return m.helper(&helpers::scas<T>);
    const auto a = m.read(d);
    const auto b = m.template load_at<T>(kEs, m.string_index(kRdi));
    m.advance_string(kRdi, sizeof(T));
    const auto r = a - b;
    m.set_flags(r, sub_borrows(a, b, r));
  }
};

}  // namespace orrery::cpu::sem
