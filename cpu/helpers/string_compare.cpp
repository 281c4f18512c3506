// PCMPESTRI, PCMPESTRM, PCMPISTRI, PCMPISTRM (SDM vol. 2, 4.1).
#include <algorithm>

#include "cpu/exec.h"
#include "cpu/helpers/sse_state.h"

namespace orrery::cpu::helpers {
namespace {

/// The immediate's fields.
struct Control {
  u8 imm;
  bool words() const { return (imm & 1) != 0; }
  bool is_signed() const { return (imm & 2) != 0; }
  unsigned aggregation() const { return imm >> 2 & 3; }
  unsigned polarity() const { return imm >> 4 & 3; }
  bool last_or_wide() const { return (imm & 0x40) != 0; }  // index: the last one; mask: lanes, not bits
  unsigned count() const { return words() ? 8 : 16; }
};

struct Text {
  std::array<int, 16> v{};
  unsigned length = 0;
};

Text make_text(Vec128 x, Control c) {
  Text t;
  for (unsigned n = 0; n < c.count(); ++n) {
    if (c.words()) {
      const u16 w = simd::lanes<u16>(x)[n];
      t.v[n] = c.is_signed() ? static_cast<i16>(w) : w;
    } else {
      const u8 b = simd::lanes<u8>(x)[n];
      t.v[n] = c.is_signed() ? static_cast<i8>(b) : b;
    }
  }
  return t;
}

/// Up to the first zero.
void find_end(Text& t, Control c) {
  t.length = 0;
  while (t.length < c.count() && t.v[t.length] != 0) ++t.length;
}

/// The absolute value of a length register, no more than there are lanes.
unsigned explicit_length(const Engine& e, const Insn& i, Gpr r, Control c) {
  const u64 raw = e.s.gpr[r];
  const i64 v = i.opsize() == Size::S64 ? static_cast<i64>(raw) : static_cast<i32>(raw);
  const u64 magnitude = v < 0 ? u64{0} - static_cast<u64>(v) : static_cast<u64>(v);
  return static_cast<unsigned>(std::min<u64>(magnitude, c.count()));
}

/// IntRes1: bit j for character j of `text`, compared with `pattern`.
u32 aggregate(const Text& pattern, const Text& text, Control c) {
  u32 result = 0;
  for (unsigned j = 0; j < c.count(); ++j) {
    bool hit = false;
    switch (c.aggregation()) {
      case 0:  // equal any
        for (unsigned i = 0; i < pattern.length && j < text.length; ++i) hit = hit || pattern.v[i] == text.v[j];
        break;
      case 1:  // ranges
        for (unsigned i = 0; i + 1 < pattern.length && j < text.length; i += 2) {
          hit = hit || (text.v[j] >= pattern.v[i] && text.v[j] <= pattern.v[i + 1]);
        }
        break;
      case 2:  // equal each: behind both ends is equal, too
        hit =
            j < pattern.length && j < text.length ? pattern.v[j] == text.v[j] : j >= pattern.length && j >= text.length;
        break;
      default:  // equal ordered: the pattern begins at j, as far as lanes reach
        hit = true;
        for (unsigned i = 0; i < pattern.length && i + j < c.count(); ++i) {
          hit = hit && i + j < text.length && pattern.v[i] == text.v[i + j];
        }
        break;
    }
    result |= static_cast<u32>(hit) << j;
  }
  return result;
}

/// IntRes2, and the flags.
u32 compare(Engine& e, const Insn& i, Control c, bool explicit_lengths) {
  Exec m(e, &i);
  m.begin_sse();
  const Vec128 b = i.mem() ? m.read_unaligned(MemOp<Vec128, MemForm::Segment>{}).v : m.read(XmmOp<Vec128, 1>{}).v;
  Text pattern = make_text(m.read(XmmOp<Vec128, 0>{}).v, c), text = make_text(b, c);
  if (explicit_lengths) {
    pattern.length = explicit_length(e, i, kRax, c);
    text.length = explicit_length(e, i, kRdx, c);
  } else {
    find_end(pattern, c);
    find_end(text, c);
  }
  const u32 all = (1u << c.count()) - 1, valid = (1u << text.length) - 1;
  u32 result = aggregate(pattern, text, c);
  if (c.polarity() == 1) result ^= all;
  if (c.polarity() == 3) result ^= valid;
  e.s.flags = lazy_from((result != 0 ? kCf : 0) | (text.length < c.count() ? kZf : 0) |
                        (pattern.length < c.count() ? kSf : 0) | ((result & 1) != 0 ? kOf : 0));
  return result;
}

void index_result(Engine& e, const Insn& i, bool explicit_lengths) {
  const Control c{static_cast<u8>(i.imm)};
  const u32 result = compare(e, i, c, explicit_lengths);
  const int last = 31 - std::countl_zero(result), first = std::countr_zero(result);
  e.s.gpr[kRcx] = result == 0 ? c.count() : static_cast<u64>(c.last_or_wide() ? last : first);
}

void mask_result(Engine& e, const Insn& i, bool explicit_lengths) {
  const Control c{static_cast<u8>(i.imm)};
  const u32 result = compare(e, i, c, explicit_lengths);
  Vec128 mask{{result, 0}};
  if (c.last_or_wide() && c.words()) {
    simd::Lanes<u16, Vec128> w{};
    for (unsigned n = 0; n < 8; ++n) w[n] = (result >> n & 1) != 0 ? 0xffff : 0;
    mask = simd::join<Vec128, u16>(w);
  } else if (c.last_or_wide()) {
    simd::Lanes<u8, Vec128> b{};
    for (unsigned n = 0; n < 16; ++n) b[n] = (result >> n & 1) != 0 ? 0xff : 0;
    mask = simd::join<Vec128, u8>(b);
  }
  e.s.xmm[0].q[0] = mask.q[0];
  e.s.xmm[0].q[1] = mask.q[1];
}

}  // namespace

void pcmpestri(Engine& e, const Insn& i) { index_result(e, i, true); }
void pcmpestrm(Engine& e, const Insn& i) { mask_result(e, i, true); }
void pcmpistri(Engine& e, const Insn& i) { index_result(e, i, false); }
void pcmpistrm(Engine& e, const Insn& i) { mask_result(e, i, false); }

}  // namespace orrery::cpu::helpers
