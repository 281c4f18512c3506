// Lift: the second model of the Machine concept (cpu/semantics/machine.h). Its values are nodes of LLVM's IR; running a
// semantic on it appends what the semantic does to the block's function. Exec (cpu/exec.h) is the first one.
//
// Lifter keeps what belongs to the block (registers in SSA form, exits, memory accesses); Lift<T> is the machine of one
// instruction, T its operand size. Neither includes LLVM.
#pragma once

#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

#include "cpu/bit_scatter.h"
#include "cpu/code_cache.h"
#include "cpu/forms.h"
#include "cpu/simd/unit.h"
#include "jit/runtime.h"

namespace orrery::cpu::simd {
// Operations of cpu/simd/integer.h that Lift knows.
template <class T, class F> struct Each;
struct Add;
struct Subtract;
struct AddSaturated;
struct SubtractSaturated;
struct Equal;
struct Greater;
struct Minimum;
struct Maximum;
struct Average;
struct And;
struct AndNot;
struct Or;
struct Xor;
struct MultiplyLow;
}  // namespace orrery::cpu::simd

namespace orrery::jit {

using cpu::Insn;
using cpu::MemForm;
using cpu::Vec128;

/// Number of bits of the node of a Val<T>.
template <class T> inline constexpr unsigned kBitsOf = std::is_same_v<T, bool> ? 1 : sizeof(T) * 8;

/// A guest value that will be known when the code runs.
template <class T> struct Val {
  using type = T;
  Node n;
  Ir* ir;
};

#define ORRERY_LIFT_BINARY(OP, NAME) \
  template <class T> Val<T> operator OP(Val<T> a, Val<T> b) { return {a.ir->binary(Binary::NAME, a.n, b.n), a.ir}; }
ORRERY_LIFT_BINARY(+, Add)
ORRERY_LIFT_BINARY(-, Sub)
ORRERY_LIFT_BINARY(*, Mul)
ORRERY_LIFT_BINARY(&, And)
ORRERY_LIFT_BINARY(|, Or)
ORRERY_LIFT_BINARY(^, Xor)
#undef ORRERY_LIFT_BINARY
template <class T> Val<bool> operator==(Val<T> a, Val<T> b) { return {a.ir->binary(Binary::Eq, a.n, b.n), a.ir}; }
template <class T> Val<bool> operator!=(Val<T> a, Val<T> b) { return {a.ir->binary(Binary::Ne, a.n, b.n), a.ir}; }
template <class T> Val<bool> operator<(Val<T> a, Val<T> b) { return {a.ir->binary(Binary::Lt, a.n, b.n), a.ir}; }
template <class T> Val<T> operator~(Val<T> a) {
  return {a.ir->binary(Binary::Xor, a.n, a.ir->constant(kBitsOf<T>, ~u64{0})), a.ir};
}
inline Val<bool> operator!(Val<bool> a) { return {a.ir->binary(Binary::Xor, a.n, a.ir->constant(1, 1)), a.ir}; }

/// What is lifted: a decoded block.
struct Source {
  const Insn* insns;
  unsigned count;
  unsigned bytes;
  u32 mode;  // Engine::mode, ModeBits
};

/// One block on its way to IR.
class Lifter {
 public:
  Lifter(Ir& ir, const Source& source);

  /// Appends the function `name` for the block. False if a line has no lifted form (undefined in this build).
  bool lift(std::string_view name);
  /// Instructions that became calls of helpers.
  unsigned helpers_called() const { return helpers_called_; }

  // --- for Lift<T> ---------------------------------------------------------------------------------------------------
  Ir& ir;
  /// State that is kept in nodes: general registers, lazy flags, EFLAGS, XMM registers.
  enum Slot : u8 { kGprSlot = 0, kFlagsResult = 16, kFlagsAux, kEflags, kXmmSlot, kSlotCount = kXmmSlot + 16 };
  Node get(unsigned slot);
  void set(unsigned slot, Node n);
  Node gpr(unsigned r) { return r == cpu::kZeroReg ? c64(0) : get(kGprSlot + r); }
  Node c64(u64 v) { return ir.constant(64, v); }

  /// Constant while the block runs.
  Node rip() { return rip_; }
  Node stack_mask();
  Node code_end();
  bool code64() const { return (source_.mode & cpu::kModeCode64) != 0; }
  u64 rip_mask() const { return code64() ? ~u64{0} : 0xffffffff; }
  /// rIP behind instruction `i`.
  Node rip_behind(const Insn& i);

  struct Address {
    Node offset;
    unsigned seg;
    bool flat;     // the operand form Flat: no segment check
    bool aligned;  // 128 bits: #GP(0) if not aligned
  };
  Address operand_address(const Insn& i, bool aligned);
  Address address(unsigned seg, Node offset) { return {offset, seg, false, false}; }
  Node offset(const Insn& i);
  Node mask_address(const Insn& i, Node offset);
  Node load(const Insn& i, const Address& a, unsigned width);
  void store(const Insn& i, const Address& a, unsigned width, Node value);
  struct Place {
    Node host;
    Node slow;  // bool
    Address address;
    unsigned width;
  };
  Place place(const Insn& i, const Address& a, unsigned width);
  Node place_get(const Place& p) { return ir.guest_load(p.host, p.width * 8); }
  void place_set(const Insn& i, const Place& p, Node value);

  /// `body` runs if `c`.
  template <class F> void when(Node c, F&& body) {
    if (const auto k = Ir::known(c)) {
      if (*k != 0) body();
      return;
    }
    begin_when(c);
    body();
    end_when();
  }
  template <class F> void restoring_stack(Node old, F&& body) {
    stack_on_fault_ = old;
    body();
    stack_on_fault_ = nullptr;
  }

  // Flags.
  void set_flags(Node result, Node carries);
  void set_flags_logic(Node result);
  void set_flags_keep_carry(Node result, Node carries);
  void set_flags_shift(Node result, Node cf, Node of);
  void set_carry_overflow(Node cf, Node of);
  void set_arith_flags(Node image);
  Node arith_flags();
  Node carry();
  Node overflow();
  Node zero();
  Node sign_flag();
  Node parity();
  Node adjust();

  // Faults and calls.
  void raise_if(const Insn& i, Node c, Node vector);
  void check_target(const Insn& i, Node target);
  void begin_sse(const Insn& i);
  void begin_mmx(const Insn& i);
  void helper(const Insn& i, void (*f)(cpu::Engine&, const Insn&), bool ends, bool stays);
  /// The name of a C++ function that the present instruction refers to: the same in every run.
  std::string symbol(std::string_view kind);
  void float_flags(const Insn& i, Node flags);

  // Control.
  void jump(Node condition, Node target, Exit exit);
  /// End of an instruction; `ends`: of its block, too.
  void finish(const Insn& i, bool ends);

 private:
  struct Kept {
    Node n = nullptr;
    bool dirty = false;
  };
  struct When {
    std::array<Kept, kSlotCount> before;
    Node attention;
    Label from, join;
    u64 version;
  };

  unsigned index_of(const Insn& i) const { return static_cast<unsigned>(&i - source_.insns); }
  static u32 offset_of(unsigned slot);
  static unsigned bits_of(unsigned slot);
  void begin_when(Node c);
  void end_when();
  void write_back();
  Label fault_exit();
  void leave(Exit exit, Node rip);
  void note_attention(Node c);
  Node aux_of(Node carries);
  Node to_result(Node v);
  Node bit(Node v, unsigned n);
  /// Goes on in a new block if `status` is not Fault; returns whether it is Attention.
  Node check(Node status);
  struct Access {
    Node host;   // where building goes on: the access hits
    Label slow;  // where it does not
  };
  Access fast_path(const Address& a, unsigned width, bool write);
  Node how(const Address& a, unsigned width);

  Source source_;
  const Insn* i_ = nullptr;
  std::array<Kept, kSlotCount> kept_;
  u64 version_ = 0;   // of all of kept_: equal numbers, equal contents
  u64 versions_ = 0;  // numbers given
  u64 fault_version_ = ~u64{0};
  Label fault_exit_ = nullptr;
  Node stack_on_fault_ = nullptr;
  Node attention_ = nullptr;  // whether this instruction has asked for attention; null: it cannot have
  Node rip_ = nullptr, code_end_ = nullptr;
  Node checked_target_ = nullptr;
  bool sse_checked_ = false;
  std::vector<When> whens_;
  bool done_ = false;  // the block's last exit is built
  struct Jump {
    Node condition = nullptr, target = nullptr;
    Exit exit = Exit::Next;
  } jump_;
  unsigned helpers_called_ = 0;
  unsigned symbols_ = 0;
};

/// C++ functions on values: arguments and result in Frame::slots.
template <class T> T take(const Vec128& slot) {
  if constexpr (std::is_same_v<T, Vec128>) {
    return slot;
  } else {
    return static_cast<T>(slot.q[0]);
  }
}
template <class T> void give(Vec128& slot, const T& v) {
  if constexpr (std::is_same_v<T, Vec128>) {
    slot = v;
  } else {
    slot.q[0] = v;
  }
}
template <class F, class... T> void call_pure(Vec128* slots) {
  unsigned n = 0;
  const std::tuple<T...> arguments{take<T>(slots[n++])...};
  give(slots[0], std::apply([](const T&... v) { return F::run(v...); }, arguments));
}
template <class F, class... T> u32 call_float(Vec128* slots, u32 mxcsr) {
  unsigned n = 0;
  const std::tuple<T...> arguments{take<T>(slots[n++])...};
  cpu::simd::FloatUnit unit(mxcsr);
  give(slots[0], std::apply([&](const T&... v) { return F::run(unit, v...); }, arguments));
  return unit.flags;
}

/// The operation of IR that does what function F of cpu/simd/integer.h does to lanes of type T; nothing if there is
/// none.
template <class F, class T> constexpr std::optional<Packed> packed_for() {
  namespace simd = cpu::simd;
  constexpr bool kSigned = std::is_signed_v<T>;
  if constexpr (std::is_same_v<F, simd::Add>) return Packed::Add;
  if constexpr (std::is_same_v<F, simd::Subtract>) return Packed::Sub;
  if constexpr (std::is_same_v<F, simd::MultiplyLow>) return Packed::Mul;
  if constexpr (std::is_same_v<F, simd::And>) return Packed::And;
  if constexpr (std::is_same_v<F, simd::AndNot>) return Packed::AndNot;
  if constexpr (std::is_same_v<F, simd::Or>) return Packed::Or;
  if constexpr (std::is_same_v<F, simd::Xor>) return Packed::Xor;
  if constexpr (std::is_same_v<F, simd::Equal>) return Packed::Equal;
  if constexpr (std::is_same_v<F, simd::Greater> && kSigned) return Packed::GreaterSigned;
  if constexpr (std::is_same_v<F, simd::Average> && !kSigned) return Packed::Average;
  if constexpr (std::is_same_v<F, simd::Minimum>) return kSigned ? Packed::MinSigned : Packed::MinUnsigned;
  if constexpr (std::is_same_v<F, simd::Maximum>) return kSigned ? Packed::MaxSigned : Packed::MaxUnsigned;
  if constexpr (std::is_same_v<F, simd::AddSaturated>)
    return kSigned ? Packed::AddSaturatedSigned : Packed::AddSaturatedUnsigned;
  if constexpr (std::is_same_v<F, simd::SubtractSaturated>)
    return kSigned ? Packed::SubSaturatedSigned : Packed::SubSaturatedUnsigned;
  return std::nullopt;
}
template <class Operation> struct LaneOperation {
  static constexpr std::optional<Packed> kPacked = std::nullopt;
  static constexpr unsigned kLaneBits = 0;
};
template <class T, class F> struct LaneOperation<cpu::simd::Each<T, F>> {
  static constexpr std::optional<Packed> kPacked = packed_for<F, T>();
  static constexpr unsigned kLaneBits = sizeof(T) * 8;
};

/// The machine of one instruction.
class Lift {
 public:
  template <class T> using Val = jit::Val<T>;

  Lift(Lifter& lifter, const Insn& insn, bool ends, bool stays)
      : l_(lifter), ir_(lifter.ir), i_(insn), ends_(ends), stays_(stays) {}

  // --- values --------------------------------------------------------------------------------------------------------
  template <class T> Val<T> constant(u64 v) const { return {ir_.constant(kBitsOf<T>, v), &ir_}; }
  template <class U, class T> Val<U> zext(Val<T> a) const {
    return resized<U>(a, [&] { return ir_.zext(a.n, kBitsOf<U>); });
  }
  template <class U, class T> Val<U> sext(Val<T> a) const {
    return resized<U>(a, [&] { return ir_.sext(a.n, kBitsOf<U>); });
  }
  template <class U, class T> Val<U> trunc(Val<T> a) const {
    return resized<U>(a, [&] { return ir_.zext(a.n, kBitsOf<U>); });
  }
  template <class T> Val<T> from_bool(Val<bool> a) const { return wrap<T>(ir_.zext(a.n, kBitsOf<T>)); }
  template <class T> Val<T> select(Val<bool> c, Val<T> a, Val<T> b) const { return wrap<T>(ir_.select(c.n, a.n, b.n)); }
  template <class T> Val<bool> sign(Val<T> a) const {
    return wrap<bool>(ir_.trunc(ir_.binary(Binary::Shr, a.n, ir_.constant(kBitsOf<T>, kBitsOf<T> - 1)), 1));
  }
  template <class T> Val<T> shl(Val<T> a, Val<u8> n) const { return shift(Binary::Shl, a, n); }
  template <class T> Val<T> shr(Val<T> a, Val<u8> n) const { return shift(Binary::Shr, a, n); }
  template <class T> Val<T> sar(Val<T> a, Val<u8> n) const { return shift(Binary::Sar, a, n); }
  template <class T> Val<T> byte_swap(Val<T> a) const { return wrap<T>(ir_.unary(Unary::ByteSwap, a.n)); }
  template <class T> Val<T> count_trailing_zeros(Val<T> a) const {
    return wrap<T>(ir_.unary(Unary::TrailingZeros, a.n));
  }
  template <class T> Val<T> count_leading_zeros(Val<T> a) const { return wrap<T>(ir_.unary(Unary::LeadingZeros, a.n)); }
  template <class T> Val<T> population_count(Val<T> a) const { return wrap<T>(ir_.unary(Unary::Population, a.n)); }
  template <class T> Val<T> mul_high_unsigned(Val<T> a, Val<T> b) const {
    return wrap<T>(ir_.mul_high(a.n, b.n, false));
  }
  template <class T> Val<T> mul_high_signed(Val<T> a, Val<T> b) const { return wrap<T>(ir_.mul_high(a.n, b.n, true)); }
  template <class T> Val<T> deposit_bits(Val<T> a, Val<T> mask) { return apply<cpu::DepositBits<T>>(a, mask); }
  template <class T> Val<T> extract_bits(Val<T> a, Val<T> mask) { return apply<cpu::ExtractBits<T>>(a, mask); }
  template <class F> void when(Val<bool> c, F&& body) { l_.when(c.n, body); }

  // --- registers -----------------------------------------------------------------------------------------------------
  template <class T> Val<T> get(unsigned r) const {
    if constexpr (sizeof(T) == 1) {
      Node g = l_.gpr(r & 31);
      if ((r >> 5) != 0) g = ir_.binary(Binary::Shr, g, l_.c64(8));
      return wrap<T>(ir_.trunc(g, 8));
    } else {
      return wrap<T>(narrow(l_.gpr(r), kBitsOf<T>));
    }
  }
  template <class T> void set(unsigned r, Val<T> v) {
    Node wide = widen(v.n);
    if constexpr (sizeof(T) <= 2) {
      const unsigned shift = sizeof(T) == 1 ? (r >> 5) * 8 : 0;
      if constexpr (sizeof(T) == 1) r &= 31;
      const u64 mask = u64{static_cast<T>(~T{0})} << shift;
      if (shift != 0) wide = ir_.binary(Binary::Shl, wide, l_.c64(shift));
      wide = ir_.binary(Binary::Or, ir_.binary(Binary::And, l_.gpr(r), l_.c64(~mask)), wide);
    }
    l_.set(Lifter::kGprSlot + r, wide);
  }
  Val<u64> stack_mask() const { return wrap<u64>(l_.stack_mask()); }

  // --- operands ------------------------------------------------------------------------------------------------------
  template <class T, unsigned K> Val<T> read(cpu::RegOp<T, K>) const { return get<T>(i_.r[K]); }
  template <class T, MemForm F> Val<T> read(cpu::MemOp<T, F>) const {
    return load<T>(l_.operand_address(i_, sizeof(T) == 16));
  }
  template <class T> Val<T> read(cpu::ImmOp<T>) const { return constant<T>(static_cast<T>(i_.imm)); }
  template <class T, u64 V> Val<T> read(cpu::ConstOp<T, V>) const { return constant<T>(static_cast<T>(V)); }
  template <class T, unsigned K> void write(cpu::RegOp<T, K>, Val<T> v) { set<T>(i_.r[K], v); }
  template <class T, MemForm F> void write(cpu::MemOp<T, F>, Val<T> v) {
    l_.store(i_, l_.operand_address(i_, sizeof(T) == 16), sizeof(T), v.n);
  }

  // --- vectors -------------------------------------------------------------------------------------------------------
  void begin_sse() const { l_.begin_sse(i_); }
  void begin_mmx() const { l_.begin_mmx(i_); }
  void end_mmx() {
    clear_top();
    ir_.set_field(layout::kX87Tag, ir_.constant(16, 0));
  }
  void clear_top() {
    ir_.set_field(layout::kX87Status, ir_.binary(Binary::And, ir_.field(layout::kX87Status, 16),
                                                 ir_.constant(16, static_cast<u16>(~0x3800))));
  }
  void empty_mmx() {
    end_mmx();
    ir_.set_field(layout::kX87Tag, ir_.constant(16, 0xffff));
  }
  template <class T, unsigned K> Val<T> read(cpu::XmmOp<T, K>) const {
    Node x = l_.get(Lifter::kXmmSlot + i_.r[K]);
    if constexpr (sizeof(T) == 16) {
      return wrap<T>(x);
    } else {
      return wrap<T>(narrow(ir_.low(x), kBitsOf<T>));
    }
  }
  template <class T, unsigned K> void write(cpu::XmmOp<T, K>, Val<T> v) {
    const unsigned slot = Lifter::kXmmSlot + i_.r[K];
    if constexpr (sizeof(T) == 16) {
      l_.set(slot, v.n);
    } else {
      Node low = v.n;
      if constexpr (sizeof(T) < 8) {
        low =
            ir_.binary(Binary::Or, ir_.binary(Binary::And, ir_.low(l_.get(slot)), l_.c64(~u64{static_cast<T>(~T{0})})),
                       widen(v.n));
      }
      l_.set(slot, ir_.with_low(l_.get(slot), low));
    }
  }
  template <class T, unsigned K> Val<T> read(cpu::MmxOp<T, K>) const {
    return wrap<T>(narrow(ir_.field(layout::kX87 + i_.r[K] * u32{sizeof(cpu::Float80)}, 64), kBitsOf<T>));
  }
  template <unsigned K> void write(cpu::MmxOp<u64, K>, Val<u64> v) {
    const u32 at = layout::kX87 + i_.r[K] * u32{sizeof(cpu::Float80)};
    ir_.set_field(at, v.n);
    ir_.set_field(at + u32{offsetof(cpu::Float80, sign_exponent)}, ir_.constant(16, 0xffff));
  }
  Val<Vec128> xmm0() const { return wrap<Vec128>(l_.get(Lifter::kXmmSlot)); }
  Val<Vec128> vector(Val<u64> low, Val<u64> high) const { return wrap<Vec128>(ir_.vector(low.n, high.n)); }
  Val<u64> low(Val<Vec128> v) const { return wrap<u64>(ir_.low(v.n)); }
  Val<u64> high(Val<Vec128> v) const { return wrap<u64>(ir_.high(v.n)); }
  template <class Op> auto read_unaligned(Op op) const { return read(op); }
  template <MemForm F> Val<Vec128> read_unaligned(cpu::MemOp<Vec128, F>) const {
    return load<Vec128>(l_.operand_address(i_, false));
  }
  template <class Op, class T> void write_unaligned(Op op, Val<T> v) { write(op, v); }
  template <MemForm F> void write_unaligned(cpu::MemOp<Vec128, F>, Val<Vec128> v) {
    l_.store(i_, l_.operand_address(i_, false), 16, v.n);
  }

  template <class F, class... T> auto apply(Val<T>... v) {
    using R = decltype(F::run(std::declval<T>()...));
    if constexpr (sizeof...(T) == 2 && LaneOperation<F>::kPacked.has_value()) {
      return wrap<R>(on_lanes<F>(v.n...));
    }
    put_arguments(v...);
    ir_.call({l_.symbol("pure"), reinterpret_cast<void*>(&call_pure<F, T...>), Returns::Nothing},
             {ir_.frame_address(layout::kFrameSlots)});
    return wrap<R>(result<R>());
  }
  template <class F, class... T> auto apply_float(Val<T>... v) {
    using R = std::remove_const_t<decltype(F::run(std::declval<cpu::simd::FloatUnit&>(), std::declval<T>()...))>;
    put_arguments(v...);
    Node flags = ir_.call({l_.symbol("float"), reinterpret_cast<void*>(&call_float<F, T...>), Returns::Code},
                          {ir_.frame_address(layout::kFrameSlots), ir_.field(layout::kMxcsr, 32)});
    Node r = result<R>();
    l_.float_flags(i_, flags);
    return wrap<R>(r);
  }

  template <MemForm F> Val<u64> address(cpu::AddressOp<F>) const { return wrap<u64>(l_.offset(i_)); }

  template <class T, unsigned K> struct RegPlace {
    Lift& m;
    Val<T> get() const { return m.get<T>(m.i_.r[K]); }
    void set(Val<T> v) { m.set<T>(m.i_.r[K], v); }
  };
  template <class T> struct MemPlace {
    Lift& m;
    Lifter::Place p;
    Val<T> get() const { return m.wrap<T>(m.l_.place_get(p)); }
    void set(Val<T> v) { m.l_.place_set(m.i_, p, v.n); }
  };
  template <class T, unsigned K> RegPlace<T, K> place(cpu::RegOp<T, K>) { return {*this}; }
  template <class T, MemForm F> MemPlace<T> place(cpu::MemOp<T, F>) {
    return {*this, l_.place(i_, l_.operand_address(i_, false), sizeof(T))};
  }

  // --- memory --------------------------------------------------------------------------------------------------------
  template <class T> Val<T> load_at(unsigned seg, Val<u64> off) const { return load<T>(l_.address(seg, off.n)); }
  template <class T> void store_at(unsigned seg, Val<u64> off, Val<T> v) {
    l_.store(i_, l_.address(seg, off.n), sizeof(T), v.n);
  }
  unsigned operand_segment() const { return i_.seg(); }
  template <class T> MemPlace<T> place_in(unsigned seg, Val<u64> off) {
    return {*this, l_.place(i_, l_.address(seg, off.n), sizeof(T))};
  }

  template <class T> void push(Val<T> v) {
    Node sp = in_stack(ir_.binary(Binary::Sub, l_.gpr(cpu::kRsp), l_.c64(sizeof(T))));
    l_.store(i_, l_.address(cpu::kSs, sp), sizeof(T), v.n);
    set_stack(sp);
  }
  template <class T> Val<T> peek() const { return load<T>(l_.address(cpu::kSs, in_stack(l_.gpr(cpu::kRsp)))); }
  void adjust_stack(Val<u64> bytes) { set_stack(in_stack(ir_.binary(Binary::Add, l_.gpr(cpu::kRsp), bytes.n))); }

  // --- flags ---------------------------------------------------------------------------------------------------------
  template <class T> void set_flags(Val<T> result, Val<T> carries) { l_.set_flags(result.n, carries.n); }
  template <class T> void set_flags_logic(Val<T> result) { l_.set_flags_logic(result.n); }
  template <class T> void set_flags_keep_carry(Val<T> result, Val<T> carries) {
    l_.set_flags_keep_carry(result.n, carries.n);
  }
  template <class T> void set_flags_shift(Val<T> result, Val<bool> cf, Val<bool> of) {
    l_.set_flags_shift(result.n, cf.n, of.n);
  }
  void set_carry_overflow(Val<bool> cf, Val<bool> of) { l_.set_carry_overflow(cf.n, of.n); }
  void set_carry(Val<bool> cf) { l_.set_carry_overflow(cf.n, l_.overflow()); }
  Val<u32> get_arith_flags() const { return wrap<u32>(l_.arith_flags()); }
  void set_arith_flags(Val<u32> image) { l_.set_arith_flags(image.n); }
  Val<bool> carry() const { return wrap<bool>(l_.carry()); }
  Val<bool> overflow() const { return wrap<bool>(l_.overflow()); }
  Val<bool> zero() const { return wrap<bool>(l_.zero()); }
  Val<bool> sign_flag() const { return wrap<bool>(l_.sign_flag()); }
  Val<bool> parity() const { return wrap<bool>(l_.parity()); }
  Val<bool> adjust() const { return wrap<bool>(l_.adjust()); }
  Val<bool> both(Val<bool> a, Val<bool> b) const { return a & b; }
  Val<bool> either(Val<bool> a, Val<bool> b) const { return a | b; }
  void set_direction(bool df) {
    Node f = l_.get(Lifter::kEflags);
    l_.set(Lifter::kEflags, df ? ir_.binary(Binary::Or, f, ir_.constant(32, cpu::kDf))
                               : ir_.binary(Binary::And, f, ir_.constant(32, ~cpu::kDf)));
  }

  // --- control -------------------------------------------------------------------------------------------------------
  Val<u64> next_rip() const { return wrap<u64>(l_.rip_behind(i_)); }
  u64 displacement() const { return i_.imm; }
  template <class T> void jump_direct(Val<T> target) { l_.jump(nullptr, target.n, Exit::Taken); }
  template <class T> void jump_direct_if(Val<bool> c, Val<T> target) { l_.jump(c.n, target.n, Exit::Taken); }
  template <class T> void jump_indirect(Val<T> target) { l_.jump(nullptr, target.n, Exit::Indirect); }
  template <class T> void check_target(Val<T> target) const { l_.check_target(i_, target.n); }
  void helper(void (*f)(cpu::Engine&, const Insn&)) { l_.helper(i_, f, ends_, stays_); }
  cpu::Size address_size() const { return i_.addrsize(); }
  Val<u64> mask_address(Val<u64> off) const { return wrap<u64>(l_.mask_address(i_, off.n)); }
  Val<u64> counter() const { return mask_address(get<u64>(cpu::kRcx)); }
  void set_counter(Val<u64> c) {
    if (i_.addrsize() == cpu::Size::S16) {
      set<u16>(cpu::kRcx, trunc<u16>(c));
    } else {
      set<u64>(cpu::kRcx, c);
    }
  }
  Val<u64> string_index(cpu::Gpr r) const { return mask_address(get<u64>(r)); }
  void advance_string(cpu::Gpr r, u64 width) {
    const Val<bool> down = (wrap<u32>(l_.get(Lifter::kEflags)) & constant<u32>(cpu::kDf)) != constant<u32>(0);
    const Val<u64> v = get<u64>(r) + select(down, constant<u64>(~width + 1), constant<u64>(width));
    if (i_.addrsize() == cpu::Size::S16) {
      set<u16>(r, trunc<u16>(v));
    } else {
      set<u64>(r, mask_address(v));
    }
  }
  Val<u64> immediate() const { return constant<u64>(i_.imm); }
  template <class F> void restoring_stack(Val<u64> old, F&& body) { l_.restoring_stack(old.n, body); }
  template <class D, class S, class I> Val<typename D::type> bit_read(D d, S, Val<I> index) const {
    using T = typename D::type;
    if constexpr (requires { D::kForm; } && requires { S::kIndex; }) {
      return load<T>(bit_address<T>(index));
    } else {
      return read(d);
    }
  }
  template <class D, class S, class I> auto bit_place(D d, S, Val<I> index) {
    using T = typename D::type;
    if constexpr (requires { D::kForm; } && requires { S::kIndex; }) {
      return MemPlace<T>{*this, l_.place(i_, bit_address<T>(index), sizeof(T))};
    } else {
      return place(d);
    }
  }
  bool repeats() const { return i_.rep() || i_.repne(); }

 private:
  template <class T> Val<T> wrap(Node n) const { return {n, &ir_}; }
  template <class U, class T, class F> Val<U> resized(Val<T> a, F&& extend) const {
    if constexpr (kBitsOf<U> == kBitsOf<T>) {
      return {a.n, &ir_};
    } else if constexpr (kBitsOf<U> < kBitsOf<T>) {
      return {ir_.trunc(a.n, kBitsOf<U>), &ir_};
    } else {
      return {extend(), &ir_};
    }
  }
  Node narrow(Node n, unsigned bits) const { return bits == 64 ? n : ir_.trunc(n, bits); }
  Node widen(Node n) const { return Ir::bits(n) == 64 ? n : ir_.zext(n, 64); }
  template <class T> Val<T> shift(Binary op, Val<T> a, Val<u8> n) const {
    return wrap<T>(ir_.binary(op, a.n, sizeof(T) == 1 ? n.n : ir_.zext(n.n, kBitsOf<T>)));
  }
  template <class T> Val<T> load(const Lifter::Address& a) const { return wrap<T>(l_.load(i_, a, sizeof(T))); }
  template <class T, class I> Lifter::Address bit_address(Val<I> index) const {
    const Val<u64> element = sext<u64>(sar(index, constant<u8>(std::countr_zero(sizeof(T) * 8))));
    const Val<u64> off = wrap<u64>(l_.offset(i_)) + element * constant<u64>(sizeof(T));
    return l_.address(i_.seg(), mask_address(off).n);
  }
  Node in_stack(Node sp) const { return ir_.binary(Binary::And, sp, l_.stack_mask()); }
  void set_stack(Node sp) {
    Node outside = ir_.binary(Binary::Xor, l_.stack_mask(), l_.c64(~u64{0}));
    l_.set(Lifter::kGprSlot + unsigned{cpu::kRsp},
           ir_.binary(Binary::Or, ir_.binary(Binary::And, l_.gpr(cpu::kRsp), outside), sp));
  }
  template <class... T> void put_arguments(Val<T>... v) {
    static_assert(sizeof...(T) <= Frame::kSlots);
    u32 at = layout::kFrameSlots;
    const auto put = [&](Node n) {
      ir_.set_frame_field(at, Ir::bits(n) == 128 ? n : widen(n));
      at += sizeof(Vec128);
    };
    (put(v.n), ...);
  }

  template <class F> Node on_lanes(Node a, Node b) {
    return ir_.packed(*LaneOperation<F>::kPacked, LaneOperation<F>::kLaneBits, a, b);
  }
  template <class R> Node result() {
    return sizeof(R) == 16 ? ir_.frame_field(layout::kFrameSlots, 128)
                           : narrow(ir_.frame_field(layout::kFrameSlots, 64), kBitsOf<R>);
  }

  Lifter& l_;
  Ir& ir_;
  const Insn& i_;
  bool ends_, stays_;
};

/// Lift for one operand size.
template <class T> class LiftSized : public Lift {
 public:
  using OperandType = T;
  using Lift::Lift;
};

}  // namespace orrery::jit
