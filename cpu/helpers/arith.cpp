#include "cpu/helpers/arith.h"

#include <limits>

namespace orrery::cpu::helpers {
namespace {

__extension__ using u128 = unsigned __int128;
__extension__ using i128 = __int128;

template <class T> struct Twice;
template <> struct Twice<u8> {
  using type = u16;
};
template <> struct Twice<u16> {
  using type = u32;
};
template <> struct Twice<u32> {
  using type = u64;
};
template <> struct Twice<u64> {
  using type = u128;
};

/// The dividend: rDX:rAX, or AX for bytes.
template <class T> auto dividend(const Engine& e) {
  using W = typename Twice<T>::type;
  if constexpr (sizeof(T) == 1) return static_cast<W>(e.s.gpr[kRax]);
  if constexpr (sizeof(T) != 1) {
    return static_cast<W>(static_cast<W>(static_cast<T>(e.s.gpr[kRdx])) << (sizeof(T) * 8)) |
           static_cast<W>(static_cast<T>(e.s.gpr[kRax]));
  }
}

template <class T> void write_result(Engine& e, T quotient, T remainder) {
  if constexpr (sizeof(T) == 1) {
    e.write_reg(kRax, 2, static_cast<u64>(quotient) | (static_cast<u64>(remainder) << 8));
  } else {
    e.write_reg(kRax, sizeof(T), quotient);
    e.write_reg(kRdx, sizeof(T), remainder);
  }
}

void set_arith(Engine& e, u32 image) { e.s.flags = lazy_from(image); }

u32 result_flags(u8 v) {
  LazyFlags f{.result = static_cast<u64>(static_cast<i64>(static_cast<i8>(v))), .aux = 0};
  return arith_flags(f);
}

u8 al(const Engine& e) { return static_cast<u8>(e.s.gpr[kRax]); }
u8 ah(const Engine& e) { return static_cast<u8>(e.s.gpr[kRax] >> 8); }

}  // namespace

template <class T> void divide(Engine& e, const Insn& i) {
  using W = typename Twice<T>::type;
  const T divisor = static_cast<T>(e.read_e(i, 0, sizeof(T)));
  if (divisor == 0) e.fault(kDe);
  const W value = dividend<T>(e);
  const W quotient = value / divisor;
  if (quotient > std::numeric_limits<T>::max()) e.fault(kDe);
  write_result<T>(e, static_cast<T>(quotient), static_cast<T>(value % divisor));
}

template <class T> void divide_signed(Engine& e, const Insn& i) {
  // Sizes beyond T's are reached through 128 bits, so that the most negative dividend over -1 cannot trap on the host.
  using S = std::make_signed_t<T>;
  using W = typename Twice<T>::type;
  const S divisor = static_cast<S>(e.read_e(i, 0, sizeof(T)));
  if (divisor == 0) e.fault(kDe);
  const W raw = dividend<T>(e);
  i128 value = 0;
  if constexpr (sizeof(T) == 8) {
    value = static_cast<i128>(raw);
    if (divisor == -1 && raw == static_cast<u128>(1) << 127) e.fault(kDe);
  } else {
    value = static_cast<std::make_signed_t<W>>(raw);
  }
  const i128 quotient = value / divisor;
  if (quotient > std::numeric_limits<S>::max() || quotient < std::numeric_limits<S>::min()) e.fault(kDe);
  write_result<T>(e, static_cast<T>(quotient), static_cast<T>(value % divisor));
}

template void divide<u8>(Engine&, const Insn&);
template void divide<u16>(Engine&, const Insn&);
template void divide<u32>(Engine&, const Insn&);
template void divide<u64>(Engine&, const Insn&);
template void divide_signed<u8>(Engine&, const Insn&);
template void divide_signed<u16>(Engine&, const Insn&);
template void divide_signed<u32>(Engine&, const Insn&);
template void divide_signed<u64>(Engine&, const Insn&);

// The decimal adjustments follow the pseudo-code of SDM vol. 2; flags that it leaves undefined follow the result.

void daa(Engine& e, const Insn&) {
  const u8 old = al(e);
  const bool cf = flag_cf(e.s.flags), af = flag_af(e.s.flags);
  u8 v = old;
  bool carry = false, adjust = false;
  if ((old & 15) > 9 || af) {
    carry = cf || v > 0xf9;
    v = static_cast<u8>(v + 6);
    adjust = true;
  }
  if (old > 0x99 || cf) {
    v = static_cast<u8>(v + 0x60);
    carry = true;
  } else {
    carry = false;
  }
  e.write_reg(kRax, 1, v);
  set_arith(e, result_flags(v) | (carry ? kCf : 0) | (adjust ? kAf : 0));
}

void das(Engine& e, const Insn&) {
  const u8 old = al(e);
  const bool cf = flag_cf(e.s.flags), af = flag_af(e.s.flags);
  u8 v = old;
  bool carry = false, adjust = false;
  if ((old & 15) > 9 || af) {
    carry = cf || v < 6;
    v = static_cast<u8>(v - 6);
    adjust = true;
  }
  if (old > 0x99 || cf) {
    v = static_cast<u8>(v - 0x60);
    carry = true;
  }
  e.write_reg(kRax, 1, v);
  set_arith(e, result_flags(v) | (carry ? kCf : 0) | (adjust ? kAf : 0));
}

void aaa(Engine& e, const Insn&) {
  u64 ax = e.s.gpr[kRax] & 0xffff;
  const bool adjust = (ax & 15) > 9 || flag_af(e.s.flags);
  if (adjust) ax = (ax + 0x106) & 0xffff;
  ax &= 0xff0f;
  e.write_reg(kRax, 2, ax);
  set_arith(e, result_flags(static_cast<u8>(ax)) | (adjust ? kCf | kAf : 0));
}

void aas(Engine& e, const Insn&) {
  u64 ax = e.s.gpr[kRax] & 0xffff;
  const bool adjust = (ax & 15) > 9 || flag_af(e.s.flags);
  if (adjust) ax = (ax - 0x106) & 0xffff;
  ax &= 0xff0f;
  e.write_reg(kRax, 2, ax);
  set_arith(e, result_flags(static_cast<u8>(ax)) | (adjust ? kCf | kAf : 0));
}

void aam(Engine& e, const Insn& i) {
  const u8 base = static_cast<u8>(i.imm);
  if (base == 0) e.fault(kDe);
  const u8 v = al(e), low = static_cast<u8>(v % base);
  e.write_reg(kRax, 2, low | (static_cast<u64>(v / base) << 8));
  set_arith(e, result_flags(low));
}

void aad(Engine& e, const Insn& i) {
  // AL + AH * base as an 8-bit addition: processors set CF, OF and AF by it.
  const u8 a = al(e), b = static_cast<u8>(ah(e) * static_cast<u8>(i.imm));
  const u8 r = static_cast<u8>(a + b);
  e.write_reg(kRax, 2, r);
  const u8 carries = static_cast<u8>((a & b) | ((a | b) & ~r));
  set_arith(e, result_flags(r) | ((carries & 0x80) != 0 ? kCf : 0) | ((carries & 8) != 0 ? kAf : 0) |
                   (((carries >> 7) ^ (carries >> 6)) & 1 ? kOf : 0));
}

void cmpxchg8b(Engine& e, const Insn& i) {
  const u64 offset = e.effective_address(i);
  e.probe_write(i.seg(), offset, 8);
  const u64 old = e.load(i.seg(), offset, 8);
  const u64 expected = (e.s.gpr[kRdx] << 32) | (e.s.gpr[kRax] & 0xffffffff);
  const bool equal = old == expected;
  e.store(i.seg(), offset, 8, equal ? (e.s.gpr[kRcx] << 32) | (e.s.gpr[kRbx] & 0xffffffff) : old);
  if (!equal) {
    e.s.gpr[kRax] = old & 0xffffffff;
    e.s.gpr[kRdx] = old >> 32;
  }
  set_arith(e, (arith_flags(e.s.flags) & ~kZf) | (equal ? kZf : 0));
}

void cmpxchg16b(Engine& e, const Insn& i) {
  const u64 offset = e.effective_address(i);
  const u64 linear = e.check_segment(i.seg(), offset, 16, Access::Write);
  if ((linear & 15) != 0) e.general_protection();
  e.probe_linear(linear, 16, Access::Write, e.user());
  const u64 low = e.load(i.seg(), offset, 8), high = e.load(i.seg(), offset + 8, 8);
  const bool equal = low == e.s.gpr[kRax] && high == e.s.gpr[kRdx];
  e.store(i.seg(), offset, 8, equal ? e.s.gpr[kRbx] : low);
  e.store(i.seg(), offset + 8, 8, equal ? e.s.gpr[kRcx] : high);
  if (!equal) {
    e.s.gpr[kRax] = low;
    e.s.gpr[kRdx] = high;
  }
  set_arith(e, (arith_flags(e.s.flags) & ~kZf) | (equal ? kZf : 0));
}

}  // namespace orrery::cpu::helpers
