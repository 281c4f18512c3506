#include "cpu/helpers/strings.h"

#include <algorithm>

namespace orrery::cpu::helpers {
namespace {

constexpr auto kNoBulk = [](u64) { return u64{0}; };

/// How many elements of width T, from `offset` up, lie in one page, below the address-size wrap and in the segment.
template <class T> u64 elements_in_reach(const StringState& state, const SegmentWindow& w, u64 end, u64 offset) {
  if (offset >= end) return 0;
  u64 bytes = core::kPageSize - ((w.base + offset) & core::kPageMask);
  bytes = std::min(bytes, end - offset);
  bytes = std::min(bytes, state.mask() - offset);  // one byte short of the wrap is short enough
  return bytes / sizeof(T);
}

/// Host address of `linear` if reads (writes) there are plain memory now, else null.
u8* host_for(const Engine& e, u64 linear, bool write) {
  const TlbEntry& t = e.tlb[(linear >> 12) & (kTlbSize - 1)];
  const u64 tag = (linear & ~u64{0xfff}) | e.tlb_generation;
  return (write ? t.write_tag : t.read_tag) == tag ? reinterpret_cast<u8*>(t.host + linear) : nullptr;
}

template <class T> T load_element(const u8* p, u64 index) { return core::load_le<T>(p + index * sizeof(T)); }

u64 linear_of(const Engine& e, unsigned seg, u64 offset) {
  const u64 linear = e.windows[seg].base + offset;
  return e.code64() ? linear : linear & 0xffffffff;
}

/// CMPS and SCAS: an iteration that faults leaves the flags as they were before the whole instruction (SDM REP).
template <class One> auto keeping_flags(Engine& e, One one) {
  return [&e, one, before = e.s.flags]() {
    try {
      return one();
    } catch (const Fault&) {
      e.s.flags = before;
      throw;
    }
  };
}

/// Compares: sets the flags of a - b.
template <class T> void compare(Engine& e, T a, T b) {
  const T r = static_cast<T>(a - b);
  const T borrows = static_cast<T>((~a & b) | ((~a | b) & r));
  constexpr unsigned kTop = sizeof(T) * 8 - 1;
  e.s.flags.result = static_cast<u64>(static_cast<i64>(static_cast<std::make_signed_t<T>>(r)));
  e.s.flags.aux = static_cast<u32>((borrows >> kTop) & 1) << 31 | static_cast<u32>((borrows >> (kTop - 1)) & 1) << 30 |
                  static_cast<u32>(borrows & 8);
}

}  // namespace

template <class T> void movs(Engine& e, const Insn& i) {
  StringState state(e, i, sizeof(T));
  repeat_string(
      e, i, state,
      [&] {
        const u64 v = e.load(i.seg(), state.source(), sizeof(T));
        e.store(kEs, state.destination(), sizeof(T), v);
        state.advance_source();
        state.advance_destination();
        return true;
      },
      [&](u64 most) -> u64 {
        if (!state.forward()) return 0;
        const SegmentWindow &from = e.windows[i.seg()], &to = e.windows[kEs];
        u64 n = std::min(most, elements_in_reach<T>(state, from, from.read_end, state.source()));
        n = std::min(n, elements_in_reach<T>(state, to, to.write_end, state.destination()));
        if (n < 2) return 0;
        const u8* source = host_for(e, linear_of(e, i.seg(), state.source()), false);
        u8* destination = host_for(e, linear_of(e, kEs, state.destination()), true);
        if (source == nullptr || destination == nullptr) return 0;
        const u64 bytes = n * sizeof(T);
        if (destination > source && destination < source + bytes) {
          for (u64 k = 0; k < bytes; k += sizeof(T)) std::memmove(destination + k, source + k, sizeof(T));
        } else {
          std::memmove(destination, source, bytes);
        }
        state.advance_source(n);
        state.advance_destination(n);
        return n;
      });
}

template <class T> void stos(Engine& e, const Insn& i) {
  StringState state(e, i, sizeof(T));
  const T value = static_cast<T>(e.s.gpr[kRax]);
  repeat_string(
      e, i, state,
      [&] {
        e.store(kEs, state.destination(), sizeof(T), value);
        state.advance_destination();
        return true;
      },
      [&](u64 most) -> u64 {
        if (!state.forward()) return 0;
        const SegmentWindow& to = e.windows[kEs];
        const u64 n = std::min(most, elements_in_reach<T>(state, to, to.write_end, state.destination()));
        u8* destination = n < 2 ? nullptr : host_for(e, linear_of(e, kEs, state.destination()), true);
        if (destination == nullptr) return 0;
        for (u64 k = 0; k < n; ++k) core::store_le<T>(destination + k * sizeof(T), value);
        state.advance_destination(n);
        return n;
      });
}

template <class T> void lods(Engine& e, const Insn& i) {
  StringState state(e, i, sizeof(T));
  repeat_string(
      e, i, state,
      [&] {
        e.write_reg(kRax, sizeof(T), e.load(i.seg(), state.source(), sizeof(T)));
        state.advance_source();
        return true;
      },
      kNoBulk);
}

template <class T> void cmps(Engine& e, const Insn& i) {
  StringState state(e, i, sizeof(T));
  const auto one = [&] {
    const T a = static_cast<T>(e.load(i.seg(), state.source(), sizeof(T)));
    const T b = static_cast<T>(e.load(kEs, state.destination(), sizeof(T)));
    compare(e, a, b);
    state.advance_source();
    state.advance_destination();
    return i.repne() ? a != b : a == b;
  };
  repeat_string(e, i, state, keeping_flags(e, one), [&](u64 most) -> u64 {
    if (!state.forward()) return 0;
    const SegmentWindow &first = e.windows[i.seg()], &second = e.windows[kEs];
    u64 n = std::min(most, elements_in_reach<T>(state, first, first.read_end, state.source()));
    n = std::min(n, elements_in_reach<T>(state, second, second.read_end, state.destination()));
    const u8* p = n < 2 ? nullptr : host_for(e, linear_of(e, i.seg(), state.source()), false);
    const u8* q = n < 2 ? nullptr : host_for(e, linear_of(e, kEs, state.destination()), false);
    if (p == nullptr || q == nullptr) return 0;
    u64 done = 0;
    while (done < n && (load_element<T>(p, done) == load_element<T>(q, done)) != i.repne()) ++done;
    if (done == 0) return 0;
    compare(e, load_element<T>(p, done - 1), load_element<T>(q, done - 1));
    state.advance_source(done);
    state.advance_destination(done);
    return done;
  });
}

template <class T> void scas(Engine& e, const Insn& i) {
  StringState state(e, i, sizeof(T));
  const T a = static_cast<T>(e.s.gpr[kRax]);
  const auto one = [&] {
    const T b = static_cast<T>(e.load(kEs, state.destination(), sizeof(T)));
    compare(e, a, b);
    state.advance_destination();
    return i.repne() ? a != b : a == b;
  };
  repeat_string(e, i, state, keeping_flags(e, one), [&](u64 most) -> u64 {
    if (!state.forward()) return 0;
    const SegmentWindow& in = e.windows[kEs];
    const u64 n = std::min(most, elements_in_reach<T>(state, in, in.read_end, state.destination()));
    const u8* p = n < 2 ? nullptr : host_for(e, linear_of(e, kEs, state.destination()), false);
    if (p == nullptr) return 0;
    u64 done = 0;
    while (done < n && (load_element<T>(p, done) == a) != i.repne()) ++done;
    if (done == 0) return 0;
    compare(e, a, load_element<T>(p, done - 1));
    state.advance_destination(done);
    return done;
  });
}

#define ORRERY_INSTANTIATE(F)                 \
  template void F<u8>(Engine&, const Insn&);  \
  template void F<u16>(Engine&, const Insn&); \
  template void F<u32>(Engine&, const Insn&); \
  template void F<u64>(Engine&, const Insn&);
ORRERY_INSTANTIATE(movs)
ORRERY_INSTANTIATE(stos)
ORRERY_INSTANTIATE(lods)
ORRERY_INSTANTIATE(cmps)
ORRERY_INSTANTIATE(scas)
#undef ORRERY_INSTANTIATE

}  // namespace orrery::cpu::helpers
