// Exec: the model of the Machine concept (semantics/machine.h) that computes with plain integers: the interpreter.
#pragma once

#include "cpu/bit_scatter.h"
#include "cpu/engine.h"
#include "cpu/operands.h"
#include "cpu/simd/unit.h"
#include "cpu/vector.h"

// Handlers are small and hot: a call in one of these would put the machine on the stack.
#define ORRERY_INLINE __attribute__((always_inline))

namespace orrery::cpu {

namespace helpers {
void pending_exception(Engine& e);                           // x87_pending.cpp
void float_exceptions(Engine& e, const Insn* i, u32 flags);  // sse_state.cpp
[[noreturn]] void vectors_unavailable(Engine& e, const Insn* i, u8 vector);
[[noreturn]] void misaligned(Engine& e, const Insn* i);
}  // namespace helpers

/// A guest value. Val<bool> has no conversion to bool on purpose: semantics choose with select() and when().
template <class T> struct Val {
  using type = T;
  T v;
};

template <class T> inline Val<T> operator+(Val<T> a, Val<T> b) { return {static_cast<T>(a.v + b.v)}; }
template <class T> inline Val<T> operator-(Val<T> a, Val<T> b) { return {static_cast<T>(a.v - b.v)}; }
template <class T> inline Val<T> operator*(Val<T> a, Val<T> b) { return {static_cast<T>(u64{a.v} * u64{b.v})}; }
template <class T> inline Val<T> operator&(Val<T> a, Val<T> b) { return {static_cast<T>(a.v & b.v)}; }
template <class T> inline Val<T> operator|(Val<T> a, Val<T> b) { return {static_cast<T>(a.v | b.v)}; }
template <class T> inline Val<T> operator^(Val<T> a, Val<T> b) { return {static_cast<T>(a.v ^ b.v)}; }
template <class T> inline Val<T> operator~(Val<T> a) { return {static_cast<T>(~a.v)}; }
inline Val<bool> operator!(Val<bool> a) { return {!a.v}; }
template <class T> inline Val<bool> operator==(Val<T> a, Val<T> b) { return {a.v == b.v}; }
template <class T> inline Val<bool> operator!=(Val<T> a, Val<T> b) { return {a.v != b.v}; }
template <class T> inline Val<bool> operator<(Val<T> a, Val<T> b) { return {a.v < b.v}; }  // unsigned

class Exec {
 public:
  template <class T> using Val = cpu::Val<T>;

  Exec(Engine& engine, const Insn* insn) : e_(engine), i_(insn) {}

  // ---- values -------------------------------------------------------------------------------------------------------
  template <class T> Val<T> constant(u64 v) const { return {static_cast<T>(v)}; }
  template <class U, class T> Val<U> zext(Val<T> a) const { return {static_cast<U>(a.v)}; }
  template <class U, class T> Val<U> sext(Val<T> a) const {
    return {static_cast<U>(static_cast<std::make_signed_t<T>>(a.v))};
  }
  template <class U, class T> Val<U> trunc(Val<T> a) const { return {static_cast<U>(a.v)}; }
  template <class T> Val<T> from_bool(Val<bool> a) const { return {static_cast<T>(a.v ? 1 : 0)}; }
  template <class T> Val<T> select(Val<bool> c, Val<T> a, Val<T> b) const { return {c.v ? a.v : b.v}; }
  template <class T> Val<bool> sign(Val<T> a) const { return {(a.v >> (sizeof(T) * 8 - 1)) != 0}; }
  /// Shifts by less than the width.
  template <class T> Val<T> shl(Val<T> a, Val<u8> n) const { return {static_cast<T>(u64{a.v} << n.v)}; }
  template <class T> Val<T> shr(Val<T> a, Val<u8> n) const { return {static_cast<T>(a.v >> n.v)}; }
  template <class T> Val<T> sar(Val<T> a, Val<u8> n) const {
    return {static_cast<T>(static_cast<std::make_signed_t<T>>(a.v) >> n.v)};
  }
  template <class T> Val<T> byte_swap(Val<T> a) const { return {core::byte_swap(a.v)}; }
  template <class T> Val<T> count_trailing_zeros(Val<T> a) const { return {static_cast<T>(std::countr_zero(a.v))}; }
  template <class T> Val<T> count_leading_zeros(Val<T> a) const { return {static_cast<T>(std::countl_zero(a.v))}; }
  template <class T> Val<T> population_count(Val<T> a) const { return {static_cast<T>(std::popcount(a.v))}; }
  template <class T> Val<T> mul_high_unsigned(Val<T> a, Val<T> b) const {
    return {static_cast<T>((static_cast<unsigned __int128>(a.v) * b.v) >> (sizeof(T) * 8))};
  }
  template <class T> Val<T> mul_high_signed(Val<T> a, Val<T> b) const {
    using S = std::make_signed_t<T>;
    return {static_cast<T>((static_cast<__int128>(static_cast<S>(a.v)) * static_cast<S>(b.v)) >> (sizeof(T) * 8))};
  }
  /// The lower bits of `a` at the places of the set bits of `mask`, and back.
  template <class T> Val<T> deposit_bits(Val<T> a, Val<T> mask) const { return {DepositBits<T>::run(a.v, mask.v)}; }
  template <class T> Val<T> extract_bits(Val<T> a, Val<T> mask) const { return {ExtractBits<T>::run(a.v, mask.v)}; }
  template <class F> void when(Val<bool> c, F&& body) {
    if (c.v) body();
  }

  // ---- registers ----------------------------------------------------------------------------------------------------
  template <class T> Val<T> get(unsigned r) const {
    if constexpr (sizeof(T) == 1) return {static_cast<T>(e_.s.gpr[r & 31] >> ((r >> 5) * 8))};
    return {static_cast<T>(e_.s.gpr[r])};
  }
  template <class T> void set(unsigned r, Val<T> v) {
    u64& g = e_.s.gpr[sizeof(T) == 1 ? r & 31 : r];
    if constexpr (sizeof(T) >= 4) {
      g = v.v;
    } else if constexpr (sizeof(T) == 2) {
      g = whole((g & ~u64{0xffff}) | v.v);
    } else {
      const unsigned shift = (r >> 5) * 8;
      g = whole((g & ~(u64{0xff} << shift)) | (u64{v.v} << shift));
    }
  }
  Val<u64> stack_mask() const { return {e_.stack_mask}; }

  // ---- operands -----------------------------------------------------------------------------------------------------
  template <class T, unsigned K> Val<T> read(RegOp<T, K>) const { return get<T>(i_->r[K]); }
  template <class T, MemForm F> ORRERY_INLINE Val<T> read(MemOp<T, F>) const {
    const u64 at = linear<T, F, Access::Read>();
    if constexpr (sizeof(T) == 16) require_alignment(at);
    return load<T>(at, i_->seg());
  }
  template <class T> Val<T> read(ImmOp<T>) const { return {static_cast<T>(i_->imm)}; }
  template <class T, u64 V> Val<T> read(ConstOp<T, V>) const { return {static_cast<T>(V)}; }
  template <class T, unsigned K> void write(RegOp<T, K>, Val<T> v) { set<T>(i_->r[K], v); }
  template <class T, MemForm F> ORRERY_INLINE void write(MemOp<T, F>, Val<T> v) {
    const u64 at = linear<T, F, Access::Write>();
    if constexpr (sizeof(T) == 16) require_alignment(at);
    store<T>(at, v, i_->seg());
  }

  // ---- vectors ------------------------------------------------------------------------------------------------------
  /// #UD and #NM of instructions with XMM registers. First of all.
  void begin_sse() const {
    if (e_.sse_fault != 0) [[unlikely]]
      helpers::vectors_unavailable(e_, i_, e_.sse_fault);
  }
  /// The same with MMX registers, then a pending x87 exception.
  void begin_mmx() const {
    if (e_.mmx_fault != 0) [[unlikely]]
      helpers::vectors_unavailable(e_, i_, e_.mmx_fault);
    if ((e_.s.x87.status & 0x80) != 0) [[unlikely]] {
      e_.current = i_;
      helpers::pending_exception(e_);
    }
  }
  /// The x87 stack becomes the MMX registers: TOP 0, all tags valid (SDM vol. 1, 9.5.1). When nothing can fault any
  /// more.
  void end_mmx() {
    clear_top();
    e_.s.x87.tag = 0;
  }
  /// As much of it as silicon has done when a store of an MMX register faults.
  void clear_top() { e_.s.x87.status &= static_cast<u16>(~0x3800); }
  /// EMMS.
  void empty_mmx() {
    end_mmx();
    e_.s.x87.tag = 0xffff;
  }

  template <class T, unsigned K> Val<T> read(XmmOp<T, K>) const {
    const Vector256& x = e_.s.xmm[i_->r[K]];
    if constexpr (sizeof(T) == 16)
      return {{{x.q[0], x.q[1]}}};
    else
      return {static_cast<T>(x.q[0])};
  }
  /// A T of fewer than 128 bits replaces the lowest lane.
  template <class T, unsigned K> void write(XmmOp<T, K>, Val<T> v) {
    Vector256& x = e_.s.xmm[i_->r[K]];
    if constexpr (sizeof(T) == 16) {
      x.q[0] = v.v.q[0];
      x.q[1] = v.v.q[1];
    } else if constexpr (sizeof(T) == 8) {
      x.q[0] = v.v;
    } else {
      x.q[0] = (x.q[0] & ~u64{static_cast<T>(~T{0})}) | v.v;
    }
  }
  template <class T, unsigned K> Val<T> read(MmxOp<T, K>) const {
    return {static_cast<T>(e_.s.x87.r[i_->r[K]].significand)};
  }
  template <unsigned K> void write(MmxOp<u64, K>, Val<u64> v) {
    e_.s.x87.r[i_->r[K]] = {.significand = v.v, .sign_exponent = 0xffff};
  }
  Val<Vec128> xmm0() const { return {{{e_.s.xmm[0].q[0], e_.s.xmm[0].q[1]}}}; }

  Val<Vec128> vector(Val<u64> low, Val<u64> high) const { return {{{low.v, high.v}}}; }
  Val<u64> low(Val<Vec128> v) const { return {v.v.q[0]}; }
  Val<u64> high(Val<Vec128> v) const { return {v.v.q[1]}; }
  /// Memory operands of 128 bits must be aligned, or else #GP(0), except with these.
  template <class Op> auto read_unaligned(Op op) const { return read(op); }
  template <MemForm F> Val<Vec128> read_unaligned(MemOp<Vec128, F>) const {
    return load<Vec128>(linear<Vec128, F, Access::Read>(), i_->seg());
  }
  template <class Op, class T> void write_unaligned(Op op, Val<T> v) { write(op, v); }
  template <MemForm F> void write_unaligned(MemOp<Vec128, F>, Val<Vec128> v) {
    store<Vec128>(linear<Vec128, F, Access::Write>(), v, i_->seg());
  }

  /// F::run(v...), a pure function of vectors (cpu/simd).
  template <class F, class... T> auto apply(Val<T>... v) const { return Val<decltype(F::run(v.v...))>{F::run(v.v...)}; }
  /// F::run(unit, v...), one that depends on MXCSR and raises floating-point exceptions; does not come back if one of
  /// them is unmasked.
  template <class F, class... T> auto apply_float(Val<T>... v) {
    simd::FloatUnit unit(e_.s.mxcsr);
    const auto r = F::run(unit, v.v...);
    if (unit.flags != 0) [[unlikely]]
      helpers::float_exceptions(e_, i_, unit.flags);
    return Val<std::remove_const_t<decltype(r)>>{r};
  }

  /// Offset of the memory operand in its segment, all 64 bits or fewer by address size.
  template <MemForm F> Val<u64> address(AddressOp<F>) const {
    if constexpr (F == MemForm::FlatBase) return {linear<u8, F, Access::Read>()};
    return {offset()};
  }

  /// A read-modify-write operand: one look-up, with write intent, before anything changes.
  template <class T, unsigned K> struct RegPlace {
    Exec& m;
    Val<T> get() const { return m.get<T>(m.i_->r[K]); }
    void set(Val<T> v) { m.set<T>(m.i_->r[K], v); }
  };
  template <class T> struct MemPlace {
    Exec& m;
    u64 linear;
    u8* host;
    Val<T> get() const {
      return {host != nullptr ? core::load_le<T>(host) : static_cast<T>(m.e_.load_slow(linear, sizeof(T), kDs, m.i_))};
    }
    void set(Val<T> v) {
      if (host != nullptr) {
        core::store_le<T>(host, v.v);
      } else {
        m.e_.store_slow(linear, sizeof(T), v.v, kDs, m.i_);
      }
    }
  };
  template <class T, unsigned K> RegPlace<T, K> place(RegOp<T, K>) { return {*this}; }
  template <class T, MemForm F> ORRERY_INLINE MemPlace<T> place(MemOp<T, F>) {
    return place_at<T>(linear<T, F, Access::Write>(), i_->seg());
  }
  template <class T> ORRERY_INLINE MemPlace<T> place_at(u64 lin, unsigned seg) {
    const TlbEntry& t = e_.tlb[(lin >> 12) & (kTlbSize - 1)];
    u8* host = nullptr;
    if ((((lin + sizeof(T) - 1) & ~u64{0xfff}) | e_.tlb_generation) == t.write_tag) [[likely]] {
      host = reinterpret_cast<u8*>(t.host + lin);
    } else {
      host = e_.prepare_write(lin, sizeof(T), seg, i_);
    }
    return {*this, lin, host};
  }

  // ---- memory -------------------------------------------------------------------------------------------------------
  template <class T> Val<T> load_at(unsigned seg, Val<u64> off) const {
    return load<T>(segment_linear<T, Access::Read>(seg, off.v), seg);
  }
  template <class T> void store_at(unsigned seg, Val<u64> off, Val<T> v) {
    store<T>(segment_linear<T, Access::Write>(seg, off.v), v, seg);
  }
  unsigned operand_segment() const { return i_->seg(); }
  template <class T> MemPlace<T> place_in(unsigned seg, Val<u64> off) {
    return place_at<T>(segment_linear<T, Access::Write>(seg, off.v), seg);
  }

  /// Pushes; rSP moves only if the store does not fault.
  template <class T> ORRERY_INLINE void push(Val<T> v) {
    const u64 mask = e_.stack_mask;
    const u64 sp = (e_.s.gpr[kRsp] - sizeof(T)) & mask;
    store<T>(segment_linear<T, Access::Write>(kSs, sp), v, kSs);
    e_.s.gpr[kRsp] = whole((e_.s.gpr[kRsp] & ~mask) | sp);
  }
  /// The top of the stack, without moving rSP.
  template <class T> ORRERY_INLINE Val<T> peek() const {
    return load<T>(segment_linear<T, Access::Read>(kSs, e_.s.gpr[kRsp] & e_.stack_mask), kSs);
  }
  void adjust_stack(Val<u64> bytes) {
    const u64 mask = e_.stack_mask;
    e_.s.gpr[kRsp] = whole((e_.s.gpr[kRsp] & ~mask) | ((e_.s.gpr[kRsp] + bytes.v) & mask));
  }

  // ---- flags --------------------------------------------------------------------------------------------------------
  template <class T> static u32 aux_of(T carries) {
    constexpr u32 kMask = 0xc0000008;
    if constexpr (sizeof(T) == 8) return static_cast<u32>((carries >> 32) & 0xc0000000) | static_cast<u32>(carries & 8);
    if constexpr (sizeof(T) == 4) return static_cast<u32>(carries) & kMask;
    if constexpr (sizeof(T) == 2) return ((u32{carries} << 16) & 0xc0000000) | (carries & 8u);
    if constexpr (sizeof(T) == 1) return ((u32{carries} << 24) & 0xc0000000) | (carries & 8u);
  }
  template <class T> static u64 sign_extended(T v) {
    return static_cast<u64>(static_cast<i64>(static_cast<std::make_signed_t<T>>(v)));
  }

  /// All six from a result and its carry (or borrow) vector.
  template <class T> void set_flags(Val<T> result, Val<T> carries) {
    e_.s.flags.result = sign_extended(result.v);
    e_.s.flags.aux = aux_of(carries.v);
  }
  /// ZF, SF, PF from a result; CF, OF, AF clear.
  template <class T> void set_flags_logic(Val<T> result) {
    e_.s.flags.result = sign_extended(result.v);
    e_.s.flags.aux = 0;
  }
  /// As set_flags, CF unchanged.
  template <class T> void set_flags_keep_carry(Val<T> result, Val<T> carries) {
    const u32 c = aux_of(carries.v);
    const u32 cf = e_.s.flags.aux & 0x80000000;
    e_.s.flags.result = sign_extended(result.v);
    e_.s.flags.aux = cf | ((cf >> 1) ^ (((c >> 1) ^ c) & 0x40000000)) | (c & 8);
  }
  /// ZF, SF, PF from a result, CF and OF given, AF clear.
  template <class T> void set_flags_shift(Val<T> result, Val<bool> cf, Val<bool> of) {
    e_.s.flags.result = sign_extended(result.v);
    e_.s.flags.aux = (cf.v ? 1u << 31 : 0) | (cf.v != of.v ? 1u << 30 : 0);
  }
  /// CF and OF alone.
  void set_carry_overflow(Val<bool> cf, Val<bool> of) {
    e_.s.flags.aux = (e_.s.flags.aux & 0x3fffffff) | (cf.v ? 1u << 31 : 0) | (cf.v != of.v ? 1u << 30 : 0);
  }
  void set_carry(Val<bool> cf) { set_carry_overflow(cf, overflow()); }
  void set_zero(Val<bool> zf) { set_arith_flags({(arith_flags(e_.s.flags) & ~kZf) | (zf.v ? kZf : 0)}); }
  Val<u32> get_arith_flags() const { return {arith_flags(e_.s.flags)}; }
  void set_arith_flags(Val<u32> image) { e_.s.flags = lazy_from(image.v); }
  Val<bool> carry() const { return {flag_cf(e_.s.flags)}; }
  Val<bool> overflow() const { return {flag_of(e_.s.flags)}; }
  Val<bool> zero() const { return {flag_zf(e_.s.flags)}; }
  Val<bool> sign_flag() const { return {flag_sf(e_.s.flags)}; }
  Val<bool> parity() const { return {flag_pf(e_.s.flags)}; }
  Val<bool> adjust() const { return {flag_af(e_.s.flags)}; }
  Val<bool> both(Val<bool> a, Val<bool> b) const { return {a.v && b.v}; }
  Val<bool> either(Val<bool> a, Val<bool> b) const { return {a.v || b.v}; }
  void set_direction(bool df) { e_.s.eflags = (e_.s.eflags & ~kDf) | (df ? kDf : 0); }

  // ---- control ------------------------------------------------------------------------------------------------------
  enum class Flow : u8 { Next, Taken, Indirect };

  /// The instruction pointer behind this instruction.
  Val<u64> next_rip() const { return {(e_.s.rip + i_->offset + i_->length) & e_.rip_mask()}; }
  u64 displacement() const { return i_->imm; }
  /// Near jump to a constant target; faults if it is beyond the limit. T is the operand size.
  template <class T> void jump_direct(Val<T> target) { take(target, Flow::Taken); }
  template <class T> void jump_direct_if(Val<bool> c, Val<T> target) {
    if (c.v) take(target, Flow::Taken);
  }
  template <class T> void jump_indirect(Val<T> target) { take(target, Flow::Indirect); }
  /// Checks a target before the stack changes.
  template <class T> void check_target(Val<T> target) const {
    if (!within_code(target.v)) [[unlikely]]
      bad_target(e_, i_);
  }
  Flow flow() const { return flow_; }
  u64 target() const { return target_; }

  /// An ordinary C++ function that does the whole instruction.
  void helper(void (*f)(Engine&, const Insn&)) {
    prepare_helper();
    f(e_, *i_);
    target_ = e_.next_rip();
    flow_ = Flow::Indirect;
  }
  Size address_size() const { return i_->addrsize(); }
  /// Cuts an offset to the address size.
  Val<u64> mask_address(Val<u64> off) const { return {off.v & kAddressMasks[static_cast<unsigned>(i_->addrsize())]}; }
  /// CX, ECX or RCX by address size.
  Val<u64> counter() const { return mask_address({e_.s.gpr[kRcx]}); }
  void set_counter(Val<u64> c) {
    if (i_->addrsize() == Size::S16) {
      set<u16>(kRcx, trunc<u16>(c));
    } else {
      e_.s.gpr[kRcx] = c.v;
    }
  }
  Val<u64> string_index(Gpr r) const { return mask_address({e_.s.gpr[r]}); }
  /// Moves rSI or rDI by one element, up or down by DF, in the address size's width.
  void advance_string(Gpr r, u64 width) {
    const u64 v = e_.s.gpr[r] + ((e_.s.eflags & kDf) != 0 ? ~width + 1 : width);
    if (i_->addrsize() == Size::S16) {
      set<u16>(r, {static_cast<u16>(v)});
    } else {
      e_.s.gpr[r] = mask_address({v}).v;
    }
  }
  Val<u64> immediate() const { return {i_->imm}; }
  /// Runs `body`; if it faults, rSP is what it was in `old`.
  template <class F> void restoring_stack(Val<u64> old, F&& body) {
    try {
      body();
    } catch (const Fault&) {
      e_.s.gpr[kRsp] = old.v;
      throw;
    }
  }
  /// The element of a bit string that `index` selects: the operand itself unless it is memory and `index` a register.
  template <class D, class S, class I> Val<typename D::type> bit_read(D d, S, Val<I> index) const {
    using T = typename D::type;
    if constexpr (requires { D::kForm; } && requires { S::kIndex; }) {
      return load<T>(bit_linear<T, Access::Read>(index), i_->seg());
    } else {
      return read(d);
    }
  }
  template <class D, class S, class I> auto bit_place(D d, S, Val<I> index) {
    using T = typename D::type;
    if constexpr (requires { D::kForm; } && requires { S::kIndex; }) {
      return place_at<T>(bit_linear<T, Access::Write>(index), i_->seg());
    } else {
      return place(d);
    }
  }
  bool repeats() const { return i_->rep() || i_->repne(); }

 private:
  /// Keeps the compiler from storing only the changed bytes of a register: the next handler loads all of it, and a load
  /// that is wider than the store before it waits until the store has left the host's store buffer.
  static u64 whole(u64 v) {
    asm("" : "+r"(v));
    return v;
  }

  static constexpr std::array<u64, 4> kAddressMasks{0xffff, 0xffffffff, ~u64{0}, 0};

  ORRERY_INLINE u64 offset() const {
    const Insn& i = *i_;
    const u64 o = base_register(i) + (e_.s.gpr[i.index] << i.scale()) + static_cast<u64>(static_cast<i64>(i.disp));
    return o & kAddressMasks[static_cast<unsigned>(i.addrsize())];
  }
  template <class T, Access A> ORRERY_INLINE u64 bit_linear(Val<T> index) const {
    const i64 element =
        static_cast<i64>(static_cast<std::make_signed_t<T>>(index.v)) >> std::countr_zero(sizeof(T) * 8);
    const u64 off = offset() + static_cast<u64>(element) * sizeof(T);
    return segment_linear<T, A>(i_->seg(), off & kAddressMasks[static_cast<unsigned>(i_->addrsize())]);
  }
  ORRERY_INLINE u64 base_register(const Insn& i) const {
    if (i.base >= kRipBase) [[unlikely]]
      return i.base == kRipBase ? e_.s.rip + i.offset + i.length : i.imm;
    return e_.s.gpr[i.base];
  }
  template <class T, MemForm F, Access A> ORRERY_INLINE u64 linear() const {
    const Insn& i = *i_;
    if constexpr (F == MemForm::FlatBase) {
      return static_cast<u32>(e_.s.gpr[i.base] + static_cast<u64>(static_cast<i64>(i.disp)));
    } else if constexpr (F == MemForm::Flat) {
      return static_cast<u32>(e_.s.gpr[i.base] + (e_.s.gpr[i.index] << i.scale()) +
                              static_cast<u64>(static_cast<i64>(i.disp)));
    } else {
      return segment_linear<T, A>(i.seg(), offset());
    }
  }
  template <class T, Access A> ORRERY_INLINE u64 segment_linear(unsigned seg, u64 off) const {
    const SegmentWindow& w = e_.windows[seg];
    const u64 end = A == Access::Write ? w.write_end : w.read_end;
    if (off + sizeof(T) > end || off > ~u64{0} - sizeof(T)) [[unlikely]] {
      return e_.segment_slow(seg, off, sizeof(T), A, i_);
    }
    return e_.code64() ? w.base + off : (w.base + off) & 0xffffffff;
  }
  /// `seg` decides between #GP and #SS where the address turns out not to be canonical.
  template <class T> ORRERY_INLINE Val<T> load(u64 lin, unsigned seg) const {
    const TlbEntry& t = e_.tlb[(lin >> 12) & (kTlbSize - 1)];
    if ((((lin + sizeof(T) - 1) & ~u64{0xfff}) | e_.tlb_generation) == t.read_tag) [[likely]] {
      const u8* p = reinterpret_cast<const u8*>(t.host + lin);
      if constexpr (sizeof(T) == 16) {
        return {{{core::load_le<u64>(p), core::load_le<u64>(p + 8)}}};
      } else {
        return {core::load_le<T>(p)};
      }
    }
    if constexpr (sizeof(T) == 16) {
      return {e_.load128_slow(lin, seg, i_)};
    } else {
      return {static_cast<T>(e_.load_slow(lin, sizeof(T), seg, i_))};
    }
  }
  template <class T> ORRERY_INLINE void store(u64 lin, Val<T> v, unsigned seg) {
    const TlbEntry& t = e_.tlb[(lin >> 12) & (kTlbSize - 1)];
    if ((((lin + sizeof(T) - 1) & ~u64{0xfff}) | e_.tlb_generation) == t.write_tag) [[likely]] {
      u8* p = reinterpret_cast<u8*>(t.host + lin);
      if constexpr (sizeof(T) == 16) {
        core::store_le<u64>(p, v.v.q[0]);
        core::store_le<u64>(p + 8, v.v.q[1]);
      } else {
        core::store_le<T>(p, v.v);
      }
      return;
    }
    if constexpr (sizeof(T) == 16) {
      e_.store128_slow(lin, v.v, seg, i_);
    } else {
      e_.store_slow(lin, sizeof(T), v.v, seg, i_);
    }
  }
  void require_alignment(u64 lin) const {
    if ((lin & 15) != 0) [[unlikely]]
      helpers::misaligned(e_, i_);
  }
  /// Targets of 64 bits are those of 64-bit code: canonical is all they must be.
  template <class T> bool within_code(T target) const {
    if constexpr (sizeof(T) == 8) return canonical(target);
    return target < e_.code_end;
  }
  template <class T> void take(Val<T> target, Flow flow) {
    if (!within_code(target.v)) [[unlikely]]
      bad_target(e_, i_);
    target_ = target.v;
    flow_ = flow;
  }
  [[noreturn, gnu::noinline, gnu::cold]] static void bad_target(Engine& e, const Insn* i) {
    e.current = i;
    e.fault(kGp, 0);
  }
  void prepare_helper() {
    e_.current = i_;
    e_.set_next_rip(next_rip().v);
  }

  Engine& e_;
  const Insn* i_;
  u64 target_ = 0;
  Flow flow_ = Flow::Next;
};

/// Exec for one operand size, for the semantics whose operands do not show it.
template <class T> class ExecSized : public Exec {
 public:
  using OperandType = T;
  using Exec::Exec;
};

}  // namespace orrery::cpu
