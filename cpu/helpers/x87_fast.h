// The usual case of x87 arithmetic, loads and stores: normal numbers, rounded to nearest with inexact masked, results
// that are normal or zero. Everything else is left to the general code, which gives the same results; nothing has
// changed then.
#pragma once

#include "cpu/helpers/x87_unit.h"
#include "cpu/softfloat/wide.h"

namespace orrery::cpu::helpers {

class X87Fast {
 public:
  X87Fast(Engine& e, const Insn& i) : e_(e), i_(i), f_(e.s.x87), top_((f_.status >> 11) & 7u) {}

  /// FCW has RC to nearest and the precision exception masked.
  bool usual() const { return (f_.control & 0xc20) == soft::kInexact; }

  unsigned physical(unsigned n) const { return (top_ + n) & 7; }
  F80& st(unsigned n) { return f_.r[physical(n)]; }
  bool empty(unsigned n) const { return ((f_.tag >> (2 * physical(n))) & 3) == 3; }
  static bool normal(const F80& v) {
    return ((v.sign_exponent + 1u) & 0x7ffe) != 0 && (v.significand & soft::kTopBit) != 0;
  }

  static bool zero(const F80& v) { return (v.sign_exponent & 0x7fff) == 0 && v.significand == 0; }
  /// Part by part: a load of all 16 bytes would wait until the two stores of an earlier instruction have left the
  /// host's store buffer.
  static void copy(F80& to, const F80& from) {
    const u64 significand = from.significand;
    const u16 sign_exponent = from.sign_exponent;
    to.significand = significand;
    to.sign_exponent = sign_exponent;
  }

  // ---- results; false: not the usual case
  // ---------------------------------------------------------------------------------

  /// a + b, or a - b, of normal numbers.
  ORRERY_INLINE bool add(const F80& a, const F80& b, bool subtract) {
    const unsigned b_sign = (b.sign_exponent ^ (subtract ? 0x8000u : 0)) & 0x8000;
    unsigned sign = a.sign_exponent & 0x8000;
    const bool differ = sign != b_sign;
    int exp = a.sign_exponent & 0x7fff, small_exp = b.sign_exponent & 0x7fff;
    u64 high = a.significand, small = b.significand;
    if (exp < small_exp || (exp == small_exp && high < small)) {
      std::swap(exp, small_exp);
      std::swap(high, small);
      sign = b_sign;
    }
    u64 low = 0;
    if (const auto distance = static_cast<unsigned>(exp - small_exp); distance != 0) {
      if (distance < 64) {
        low = small << (64 - distance);
        small >>= distance;
      } else {
        const bool lost = distance > 127 || (distance > 64 && (small << (128 - distance)) != 0);
        low = (distance > 127 ? 0 : small >> (distance - 64)) | (lost ? 1 : 0);
        small = 0;
      }
    }
    if (!differ) {
      const u64 sum = high + small;
      if (sum < high) {
        low = (sum << 63) | (low >> 1) | (low & 1);
        high = (sum >> 1) | soft::kTopBit;
        ++exp;
      } else {
        high = sum;
      }
      return round(sign, exp, high, low);
    }
    high -= small + (low != 0 ? 1 : 0);
    low = ~low + 1;
    if ((high & soft::kTopBit) == 0) {
      if (high == 0) {
        if (low == 0) {
          result_ = {};
          status_ = 0;
          return true;
        }
        high = low;
        low = 0;
        exp -= 64;
      }
      if (const int shift = std::countl_zero(high); shift != 0) {
        high = (high << shift) | (low >> (64 - shift));
        low <<= shift;
        exp -= shift;
      }
    }
    return round(sign, exp, high, low);
  }

  ORRERY_INLINE bool multiply(const F80& a, const F80& b) {
    const soft::u128 product = soft::multiply64(a.significand, b.significand);
    u64 high = soft::high64(product), low = soft::low64(product);
    int exp = (a.sign_exponent & 0x7fff) + (b.sign_exponent & 0x7fff) - (kBias - 1);
    if ((high & soft::kTopBit) == 0) {
      high = (high << 1) | (low >> 63);
      low <<= 1;
      --exp;
    }
    return round((a.sign_exponent ^ b.sign_exponent) & 0x8000, exp, high, low);
  }

  ORRERY_INLINE bool divide(const F80& a, const F80& b) {
    const bool whole = a.significand >= b.significand;
    const soft::u128 numerator = soft::make128(a.significand, 0) >> (whole ? 1 : 0);
    const u64 quotient = static_cast<u64>(numerator / b.significand);
    const u64 rest = soft::low64(numerator) - quotient * b.significand;
    const u64 to_go = b.significand - rest;
    const u64 low = rest == 0 ? 0 : rest == to_go ? soft::kTopBit : rest > to_go ? soft::kTopBit | 1 : 1;
    const int exp = (a.sign_exponent & 0x7fff) - (b.sign_exponent & 0x7fff) + kBias - (whole ? 0 : 1);
    return round((a.sign_exponent ^ b.sign_exponent) & 0x8000, exp, quotient, low);
  }

  // ---- operands in memory
  // -------------------------------------------------------------------------------------------------

  /// A normal F32 or F64, or a zero if those are wanted too.
  template <class F> ORRERY_INLINE static bool widen(F v, F80& out, bool zeros) {
    using Fmt = soft::Format<F>;
    constexpr unsigned kFraction = Fmt::kPrecision - 1, kMask = (1u << Fmt::kExponentBits) - 1;
    const u64 bits = v.bits;
    const unsigned biased = static_cast<unsigned>(bits >> kFraction) & kMask;
    const auto sign = static_cast<u16>((bits >> (kFraction + Fmt::kExponentBits)) << 15);
    const u64 fraction = (bits << (64 - kFraction)) >> 1;
    if (biased == 0 && fraction == 0 && zeros) {
      out = {.significand = 0, .sign_exponent = sign};
      return true;
    }
    out = {.significand = fraction | soft::kTopBit,
           .sign_exponent = static_cast<u16>(sign | (biased + (kBias - Fmt::kBias)))};
    return biased - 1 < kMask - 1;
  }
  static F80 from_integer(i64 v) {
    if (v == 0) return {};
    const u64 magnitude = v < 0 ? ~static_cast<u64>(v) + 1 : static_cast<u64>(v);
    const int shift = std::countl_zero(magnitude);
    return {.significand = magnitude << shift,
            .sign_exponent = static_cast<u16>((v < 0 ? 0x8000 : 0) | (kBias + 63 - shift))};
  }
  /// A normal number or zero, rounded to F.
  template <class F> ORRERY_INLINE bool narrow(const F80& v, F& out) {
    using Fmt = soft::Format<F>;
    constexpr unsigned kFraction = Fmt::kPrecision - 1, kDrop = 64 - Fmt::kPrecision;
    status_ = 0;
    const u64 sign = static_cast<u64>(v.sign_exponent >> 15) << (kFraction + Fmt::kExponentBits);
    if ((v.sign_exponent & 0x7fff) == 0 && v.significand == 0) {
      out = {static_cast<decltype(F::bits)>(sign)};
      return true;
    }
    if (!normal(v)) return false;
    F80 rounded;
    if (!round_to(kDrop, 0, v.sign_exponent & 0x7fff, v.significand, 0, rounded)) return false;
    const unsigned biased = rounded.sign_exponent - static_cast<unsigned>(kBias - Fmt::kBias);
    // With the smallest exponent it may have been tiny before it was rounded: not here.
    if (biased - 2 >= (1u << Fmt::kExponentBits) - 3) return false;
    out = {static_cast<decltype(F::bits)>(sign | u64{biased} << kFraction |
                                          (rounded.significand << 1) >> (64 - kFraction))};
    return true;
  }
  /// A normal number or zero, rounded to an integer of the width of T.
  template <class T> ORRERY_INLINE bool to_integer(const F80& v, bool truncate, T& out) {
    status_ = 0;
    if (zero(v)) {
      out = 0;
      return true;
    }
    const int shift = kBias + 63 - (v.sign_exponent & 0x7fff);
    // Magnitudes below one are left out, and those that may be too large.
    if (!normal(v) || shift > 63 || shift < static_cast<int>(65 - sizeof(T) * 8)) return false;
    u64 magnitude = v.significand >> shift;
    const u64 rest = v.significand << (64 - shift);
    const bool up = !truncate && (rest > soft::kTopBit || (rest == soft::kTopBit && (magnitude & 1) != 0));
    if (up && ++magnitude >> (sizeof(T) * 8 - 1) != 0) return false;
    status_ = static_cast<u16>(rest != 0 ? soft::kInexact | (up ? kFswC1 : 0) : 0);
    out = static_cast<T>((v.sign_exponent & 0x8000) != 0 ? ~magnitude + 1 : magnitude);
    return true;
  }
  /// C3, C2 and C0 of a comparison; false: not the usual case.
  ORRERY_INLINE static bool compare(const F80& a, const F80& b, u16& conditions) {
    const bool zero_a = zero(a), zero_b = zero(b);
    if (!(zero_a || normal(a)) || !(zero_b || normal(b))) return false;
    const bool negative = (a.sign_exponent & 0x8000) != 0;
    bool less = false, equal = false;
    if (((a.sign_exponent ^ b.sign_exponent) & 0x8000) != 0) {
      equal = zero_a && zero_b;
      less = negative;
    } else if (a.sign_exponent != b.sign_exponent) {
      less = (a.sign_exponent < b.sign_exponent) != negative;
    } else {
      equal = a.significand == b.significand;
      less = (a.significand < b.significand) != negative;
    }
    conditions = equal ? kFswC3 : less ? kFswC0 : u16{0};
    return true;
  }
  template <class T> ORRERY_INLINE T load() {
    Exec m(e_, &i_);
    offset_ = m.address(AddressOp<MemForm::Segment>{}).v;
    return m.load_at<T>(i_.seg(), {offset_}).v;
  }
  template <class T> ORRERY_INLINE void store(T v) {
    Exec m(e_, &i_);
    offset_ = m.address(AddressOp<MemForm::Segment>{}).v;
    m.store_at<T>(i_.seg(), {offset_}, {v});
  }

  // ---- effects
  // ------------------------------------------------------------------------------------------------------------

  const F80& result() const { return result_; }

  void note_instruction() {
    f_.ip = (e_.s.rip + i_.offset) & e_.rip_mask();
    f_.cs = e_.s.seg[kCs].selector;
    f_.opcode = static_cast<u16>(i_.imm);
  }
  /// After load() or store().
  void note_memory_instruction() {
    note_instruction();
    f_.dp = offset_;
    f_.ds = e_.s.seg[i_.seg()].selector;
  }
  /// PE and C1 of the last result, TOP moved by `move`.
  void set_status(unsigned move = 0) {
    f_.status = static_cast<u16>((f_.status & ~(kFswC1 | 0x3800u)) | status_ | ((top_ + move) & 7) << 11);
  }
  /// The result of a comparison, TOP moved by `move`.
  void set_conditions(u16 conditions, unsigned move) {
    f_.status = static_cast<u16>((f_.status & ~(kFswConditions | 0x3800u)) | conditions | ((top_ + move) & 7) << 11);
  }
  /// PE masked: integers can be stored by truncation as well.
  bool inexact_masked() const { return (f_.control & soft::kInexact) != 0; }
  unsigned rounding_control() const { return (f_.control >> 10) & 3; }
  /// FXCH with ST(n), neither empty.
  void exchange(unsigned n) {
    const F80 held{.significand = st(0).significand, .sign_exponent = st(0).sign_exponent};
    copy(st(0), st(n));
    copy(st(n), held);
    clear_c1();
  }
  void clear_c1() { f_.status = static_cast<u16>(f_.status & ~kFswC1); }
  void mark_full(unsigned n) { f_.tag = static_cast<u16>(f_.tag & ~(3u << (2 * physical(n)))); }
  /// The result into ST(n), which is not empty.
  void finish(unsigned n, bool pop) {
    copy(st(n), result_);
    set_status(pop ? 1 : 0);
    if (pop) free_top();
  }
  void free_top() { free_below(0); }
  void free_below(unsigned n) { f_.tag = static_cast<u16>(f_.tag | 3u << (2 * physical(n))); }
  /// C1 stays.
  void pop() {
    free_top();
    f_.status = static_cast<u16>((f_.status & ~0x3800u) | ((top_ + 1) & 7) << 11);
  }
  /// Onto the stack, which has room.
  void push(const F80& v) {
    const unsigned p = physical(7);
    copy(f_.r[p], v);
    f_.tag = static_cast<u16>(f_.tag & ~(3u << (2 * p)));
    status_ = 0;
    set_status(7);
  }

 private:
  static constexpr int kBias = soft::Format<F80>::kBias;

  /// To the precision of FCW.PC.
  ORRERY_INLINE bool round(unsigned sign, int exp, u64 high, u64 low) {
    static constexpr u8 kDrops[] = {40, 0, 11, 0};
    return round_to(kDrops[(f_.control >> 8) & 3], sign, exp, high, low, result_);
  }
  /// (high, low) with `drop` bits of `high` too many.
  ORRERY_INLINE bool round_to(unsigned drop, unsigned sign, int exp, u64 high, u64 low, F80& out) {
    const u64 unit = u64{1} << drop;
    bool up = false;
    u64 rest = low;
    if (drop == 0) {
      up = low > soft::kTopBit || (low == soft::kTopBit && (high & 1) != 0);
    } else {
      rest = high & (unit - 1);
      up = rest > unit >> 1 || (rest == unit >> 1 && (low != 0 || (high & unit) != 0));
      high -= rest;
      rest |= low;
    }
    if (up) {
      high += unit;
      if (high == 0) {
        high = soft::kTopBit;
        ++exp;
      }
    }
    // The smallest exponent is left out, too: whether that was tiny depends.
    if (static_cast<unsigned>(exp - 2) >= 0x7ffd) return false;
    status_ = static_cast<u16>(rest != 0 ? soft::kInexact | (up ? kFswC1 : 0) : 0);
    out = {.significand = high, .sign_exponent = static_cast<u16>(sign | static_cast<unsigned>(exp))};
    return true;
  }

  Engine& e_;
  const Insn& i_;
  X87& f_;
  unsigned top_;
  u64 offset_ = 0;
  F80 result_{};
  u16 status_ = 0;
};

}  // namespace orrery::cpu::helpers
