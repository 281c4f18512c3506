// A third model of the Machine concept: values are text. It proves that no semantic looks at guest data with a C++ `if`
// (text has no truth value), and shows in which order a semantic reads, computes and writes.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "cpu/handlers.h"
#include "cpu/opcodes.h"
#include "cpu/semantics/arith.h"
#include "cpu/semantics/control.h"
#include "cpu/semantics/data.h"
#include "cpu/semantics/shift.h"
#include "cpu/semantics/simd_float.h"
#include "cpu/semantics/simd_integer.h"
#include "cpu/semantics/simd_moves.h"

namespace orrery::cpu {
namespace {

template <class T> struct Text {
  using type = T;
  std::string s;
};

#define ORRERY_BINARY(OP)                                                      \
  template <class T> Text<T> operator OP(const Text<T>& a, const Text<T>& b) { \
    return {"(" + a.s + " " #OP " " + b.s + ")"};                              \
  }
ORRERY_BINARY(+)
ORRERY_BINARY(-)
ORRERY_BINARY(*)
ORRERY_BINARY(&)
ORRERY_BINARY(|)
ORRERY_BINARY(^)
#undef ORRERY_BINARY
#define ORRERY_COMPARE(OP)                                                        \
  template <class T> Text<bool> operator OP(const Text<T>& a, const Text<T>& b) { \
    return {"(" + a.s + " " #OP " " + b.s + ")"};                                 \
  }
ORRERY_COMPARE(==)
ORRERY_COMPARE(!=)
ORRERY_COMPARE(<)
#undef ORRERY_COMPARE
template <class T> Text<T> operator~(const Text<T>& a) { return {"~" + a.s}; }
Text<bool> operator!(const Text<bool>& a) { return {"!" + a.s}; }

class Trace {
 public:
  template <class T> using Val = Text<T>;
  using OperandType = u32;

  std::vector<std::string> lines;

  template <class T> Val<T> constant(u64 v) { return {std::to_string(v)}; }
  template <class U, class T> Val<U> zext(Val<T> a) { return call<U>("zext", a); }
  template <class U, class T> Val<U> sext(Val<T> a) { return call<U>("sext", a); }
  template <class U, class T> Val<U> trunc(Val<T> a) { return call<U>("trunc", a); }
  template <class T> Val<T> from_bool(Val<bool> a) { return call<T>("int", a); }
  template <class T> Val<T> select(Val<bool> c, Val<T> a, Val<T> b) {
    return {"(" + c.s + " ? " + a.s + " : " + b.s + ")"};
  }
  template <class T> Val<bool> sign(Val<T> a) { return call<bool>("sign", a); }
  template <class T> Val<T> shl(Val<T> a, Val<u8> n) { return {"(" + a.s + " << " + n.s + ")"}; }
  template <class T> Val<T> shr(Val<T> a, Val<u8> n) { return {"(" + a.s + " >> " + n.s + ")"}; }
  template <class T> Val<T> sar(Val<T> a, Val<u8> n) { return {"(" + a.s + " >>> " + n.s + ")"}; }
  template <class T> Val<T> byte_swap(Val<T> a) { return call<T>("bswap", a); }
  template <class T> Val<T> count_trailing_zeros(Val<T> a) { return call<T>("ctz", a); }
  template <class T> Val<T> count_leading_zeros(Val<T> a) { return call<T>("clz", a); }
  template <class T> Val<T> population_count(Val<T> a) { return call<T>("popcnt", a); }
  template <class T> Val<T> mul_high_unsigned(Val<T> a, Val<T> b) { return {"mulhu(" + a.s + ", " + b.s + ")"}; }
  template <class T> Val<T> mul_high_signed(Val<T> a, Val<T> b) { return {"mulhs(" + a.s + ", " + b.s + ")"}; }
  template <class F> void when(Val<bool> c, F&& body) {
    lines.push_back("when " + c.s);
    body();
    lines.push_back("end");
  }

  template <class T> Val<T> get(unsigned r) { return {"r" + std::to_string(r)}; }
  template <class T> void set(unsigned r, Val<T> v) { lines.push_back("r" + std::to_string(r) + " = " + v.s); }

  template <class T, unsigned K> Val<T> read(RegOp<T, K>) { return {"op" + std::to_string(K)}; }
  template <class T, MemForm F> Val<T> read(MemOp<T, F>) {
    lines.push_back("load");
    return {"mem"};
  }
  template <class T> Val<T> read(ImmOp<T>) { return {"imm"}; }
  template <class T, u64 V> Val<T> read(ConstOp<T, V>) { return {std::to_string(V)}; }
  template <class T, unsigned K> void write(RegOp<T, K>, Val<T> v) {
    lines.push_back("op" + std::to_string(K) + " = " + v.s);
  }
  template <class T, MemForm F> void write(MemOp<T, F>, Val<T> v) { lines.push_back("store " + v.s); }
  template <MemForm F> Val<u64> address(AddressOp<F>) { return {"address"}; }

  template <class T> struct Place {
    Trace& m;
    std::string name;
    Val<T> get() { return {name}; }
    void set(Val<T> v) { m.lines.push_back(name + " = " + v.s); }
  };
  template <class T, unsigned K> Place<T> place(RegOp<T, K>) { return {*this, "op" + std::to_string(K)}; }
  template <class T, MemForm F> Place<T> place(MemOp<T, F>) {
    lines.push_back("place");
    return {*this, "mem"};
  }
  template <class D, class S, class I> Val<typename D::type> bit_read(D d, S, Val<I>) { return read(d); }
  template <class D, class S, class I> auto bit_place(D d, S, Val<I>) { return place(d); }

  template <class T> void push(Val<T> v) { lines.push_back("push " + v.s); }
  template <class T> Val<T> peek() {
    lines.push_back("peek");
    return {"top"};
  }
  void adjust_stack(Val<u64> n) { lines.push_back("sp += " + n.s); }
  template <class F> void restoring_stack(Val<u64>, F&& body) { body(); }

  template <class T> void set_flags(Val<T> r, Val<T>) { lines.push_back("flags of " + r.s); }
  template <class T> void set_flags_logic(Val<T> r) { lines.push_back("flags of " + r.s); }
  template <class T> void set_flags_keep_carry(Val<T> r, Val<T>) { lines.push_back("flags but CF of " + r.s); }
  template <class T> void set_flags_shift(Val<T> r, Val<bool>, Val<bool>) { lines.push_back("flags of " + r.s); }
  void set_carry_overflow(Val<bool> cf, Val<bool>) { lines.push_back("CF = " + cf.s); }
  void set_carry(Val<bool> cf) { lines.push_back("CF = " + cf.s); }
  Val<bool> carry() { return {"CF"}; }
  Val<bool> overflow() { return {"OF"}; }
  Val<bool> zero() { return {"ZF"}; }
  Val<bool> sign_flag() { return {"SF"}; }
  Val<bool> parity() { return {"PF"}; }
  Val<bool> both(Val<bool> a, Val<bool> b) { return {"(" + a.s + " && " + b.s + ")"}; }
  Val<bool> either(Val<bool> a, Val<bool> b) { return {"(" + a.s + " || " + b.s + ")"}; }
  Val<u32> get_arith_flags() { return {"eflags"}; }
  void set_arith_flags(Val<u32> v) { lines.push_back("eflags = " + v.s); }

  // Vectors.
  void begin_sse() { lines.push_back("begin sse"); }
  void begin_mmx() { lines.push_back("begin mmx"); }
  void end_mmx() { lines.push_back("x87: TOP 0, all valid"); }
  void clear_top() { lines.push_back("x87: TOP 0"); }
  void empty_mmx() { lines.push_back("x87: TOP 0, all empty"); }
  template <class T, unsigned K> Val<T> read(XmmOp<T, K>) { return {"xmm" + std::to_string(K)}; }
  template <class T, unsigned K> void write(XmmOp<T, K>, Val<T> v) {
    lines.push_back("xmm" + std::to_string(K) + " = " + v.s);
  }
  template <class T, unsigned K> Val<T> read(MmxOp<T, K>) { return {"mm" + std::to_string(K)}; }
  template <unsigned K> void write(MmxOp<u64, K>, Val<u64> v) {
    lines.push_back("mm" + std::to_string(K) + " = " + v.s);
  }
  Val<Vec128> xmm0() { return {"xmm0"}; }
  Val<Vec128> vector(Val<u64> low, Val<u64> high) { return {"{" + low.s + ", " + high.s + "}"}; }
  Val<u64> low(Val<Vec128> v) { return call<u64>("low", v); }
  Val<u64> high(Val<Vec128> v) { return call<u64>("high", v); }
  template <class Op> auto read_unaligned(Op op) { return read(op); }
  template <class Op, class T> void write_unaligned(Op op, Val<T> v) { write(op, v); }
  template <class F, class... T> auto apply(Val<T>... v) {
    using R = decltype(F::run(std::declval<T>()...));
    std::string args;
    for (const std::string& a : {v.s...}) args += (args.empty() ? "" : ", ") + a;
    return Val<R>{"f(" + args + ")"};
  }
  template <class F, class... T> auto apply_float(Val<T>... v) {
    using R = decltype(F::run(std::declval<simd::FloatUnit&>(), std::declval<T>()...));
    lines.push_back("compute");
    std::string args;
    for (const std::string& a : {v.s...}) args += (args.empty() ? "" : ", ") + a;
    return Val<R>{"f(" + args + ")"};
  }
  void helper(void (*)(Engine&, const Insn&)) { lines.push_back("helper"); }

  Val<u64> next_rip() { return {"next"}; }
  u64 displacement() const { return 16; }
  Val<u64> immediate() { return {"imm"}; }
  template <class T> void check_target(Val<T> t) { lines.push_back("check " + t.s); }
  template <class T> void jump_direct(Val<T> t) { lines.push_back("jump " + t.s); }
  template <class T> void jump_direct_if(Val<bool> c, Val<T> t) { lines.push_back("if " + c.s + " jump " + t.s); }
  template <class T> void jump_indirect(Val<T> t) { lines.push_back("jump " + t.s); }
  Val<u64> counter() { return {"rCX"}; }
  void set_counter(Val<u64> v) { lines.push_back("rCX = " + v.s); }
  Val<u64> mask_address(Val<u64> v) { return v; }

 private:
  template <class U, class T> static Val<U> call(const char* f, const Val<T>& a) {
    return {std::string(f) + "(" + a.s + ")"};
  }
};

using Reg0 = RegOp<u32, 0>;
using Reg1 = RegOp<u32, 1>;
using Mem = MemOp<u32, MemForm::Segment>;
using Lines = std::vector<std::string>;

template <class Sem, class... Operands> Lines trace() {
  Trace m;
  Sem::run(m, Operands{}...);
  return m.lines;
}

TEST(TraceMachine, AddReadsThenWritesThenSetsFlags) {
  EXPECT_EQ((trace<sem::Add, Mem, Reg1>()), (Lines{"place", "mem = (mem + op1)", "flags of (mem + op1)"}));
}

TEST(TraceMachine, CallChecksItsTargetBeforeThePush) {
  EXPECT_EQ((trace<sem::CallRel, OpaqueOp>()),
            (Lines{"check trunc((next + 16))", "push trunc(next)", "jump trunc((next + 16))"}));
}

TEST(TraceMachine, ConditionalMoveReadsItsSourceInAnyCase) {
  EXPECT_EQ((trace<sem::CmovE, Reg0, Mem>()), (Lines{"load", "op0 = (ZF ? mem : op0)"}));
}

TEST(TraceMachine, PopReadsTheStackBeforeItMoves) {
  EXPECT_EQ((trace<sem::Pop, Reg0>()), (Lines{"peek", "sp += 4", "op0 = top"}));
}

TEST(TraceMachine, FlagsAreSetLastByEveryArithmeticSemantic) {
  for (const Lines& l :
       {trace<sem::Adc, Mem, Reg1>(), trace<sem::Sbb, Mem, Reg1>(), trace<sem::Sub, Mem, Reg1>(),
        trace<sem::And, Mem, Reg1>(), trace<sem::Or, Mem, Reg1>(), trace<sem::Xor, Mem, Reg1>(), trace<sem::Inc, Mem>(),
        trace<sem::Dec, Mem>(), trace<sem::Neg, Mem>(), trace<sem::Xadd, Mem, Reg1>(), trace<sem::Cmpxchg, Mem, Reg1>(),
        trace<sem::Mul, Mem>(), trace<sem::Imul1, Mem>(), trace<sem::Imul2, Reg0, Mem>()}) {
    ASSERT_FALSE(l.empty());
    EXPECT_TRUE(l.back().starts_with("flags")) << l.back();
    EXPECT_TRUE(l.front() == "place" || l.front() == "load") << "memory is looked up first: " << l.front();
  }
}

TEST(TraceMachine, ShiftsAndBitTestsLookUpTheirPlaceBeforeAnythingElse) {
  using Count = RegOp<u8, 1>;
  for (const Lines& l : {trace<sem::Shl, Mem, Count>(), trace<sem::Shr, Mem, Count>(), trace<sem::Sar, Mem, Count>(),
                         trace<sem::Rol, Mem, Count>(), trace<sem::Ror, Mem, Count>(), trace<sem::Rcl, Mem, Count>(),
                         trace<sem::Rcr, Mem, Count>(), trace<sem::Shld, Mem, Reg1, ImmOp<u8>>(),
                         trace<sem::Shrd, Mem, Reg1, ImmOp<u8>>(), trace<sem::Bts, Mem, ImmOp<u8>>(),
                         trace<sem::Btr, Mem, ImmOp<u8>>(), trace<sem::Btc, Mem, ImmOp<u8>>()}) {
    ASSERT_GE(l.size(), 2u);
    EXPECT_EQ(l.front(), "place");
  }
}

// --- every line of the vector groups ---------------------------------------------------------------------------------

struct VectorLine {
  std::string name;
  bool reads_xmm, reads_mmx;
  Lines lines;
};

template <Opd A, Opd B, Opd C, class Sem, MemForm F> Lines trace_form() {
  if constexpr (C != Opd::None) {
    return trace<Sem, decltype(detail::operand<A, 0, 1, F>()), decltype(detail::operand<B, 1, 1, F>()),
                 decltype(detail::operand<C, 2, 1, F>())>();
  } else if constexpr (B != Opd::None) {
    return trace<Sem, decltype(detail::operand<A, 0, 1, F>()), decltype(detail::operand<B, 1, 1, F>())>();
  } else {
    return trace<Sem>();
  }
}

template <Opd A, Opd B, Opd C, class Sem> void add_line(std::vector<VectorLine>& list, const char* name) {
  if constexpr (!requires { Sem::kHelper; }) {
    constexpr bool kMust = detail::kMemoryOnly<A> || detail::kMemoryOnly<B>;
    constexpr bool kCan = kMust || detail::kMemoryOrRegister<A> || detail::kMemoryOrRegister<B>;
    constexpr bool kMmx = detail::kMmxRegister<A> || detail::kMmxRegister<B>;
    constexpr bool kXmm = detail::kXmmRegister<A> || detail::kXmmRegister<B>;
    // A Q or W operand in memory is no register.
    constexpr bool kMmxBesideMemory = A == Opd::Pq || B == Opd::Pq;
    constexpr bool kXmmBesideMemory = A == Opd::Vx || B == Opd::Vx;
    if constexpr (!kMust) list.push_back({name, kXmm, kMmx, trace_form<A, B, C, Sem, MemForm::None>()});
    if constexpr (kCan) {
      list.push_back({std::string(name) + ", memory", kXmmBesideMemory, kMmxBesideMemory,
                      trace_form<A, B, C, Sem, MemForm::Segment>()});
    }
  }
}

std::vector<VectorLine> vector_lines() {
  using namespace table;
  std::vector<VectorLine> list;
#define X(id, encoding, mnemonic, o1, o2, o3, semantic, feature, checks, reads, writes) \
  add_line<Opd::o1, Opd::o2, Opd::o3, sem::semantic>(list, #id);
#include "cpu/opcodes/mmx.inc"
#include "cpu/opcodes/sse.inc"
#include "cpu/opcodes/sse4.inc"
#include "cpu/opcodes/sse_integer.inc"
#undef X
  return list;
}

TEST(TraceMachine, VectorInstructionsCheckThenReadThenComputeThenWrite) {
  const std::vector<VectorLine> list = vector_lines();
  EXPECT_GT(list.size(), 500u);
  for (const VectorLine& v : list) {
    SCOPED_TRACE(v.name + ": " + testing::PrintToString(v.lines));
    ASSERT_GE(v.lines.size(), 2u);
    EXPECT_TRUE(v.lines[0].starts_with("begin")) << "availability comes first";
    const auto has = [&v](std::string_view line) {
      return std::find(v.lines.begin(), v.lines.end(), line) != v.lines.end();
    };
    EXPECT_TRUE(!v.reads_xmm || has("begin sse"));
    EXPECT_TRUE(!v.reads_mmx || has("begin mmx"));
    if (v.reads_mmx) EXPECT_TRUE(has("x87: TOP 0, all valid") || has("x87: TOP 0, all empty"));
    // Nothing may fault once a register is written, and an instruction writes once.
    const auto writes = [](const std::string& l) {
      return l.find(" = ") != std::string::npos || l.starts_with("store");
    };
    unsigned written = 0;
    for (const std::string& l : v.lines) {
      EXPECT_FALSE(written != 0 && (l == "load" || l == "compute" || l.starts_with("begin"))) << l;
      written += writes(l) ? 1 : 0;
    }
    EXPECT_LE(written, 1u);
  }
}

TEST(TraceMachine, AStoreOfAnMmxRegisterClearsTopBeforeItCanFault) {
  EXPECT_EQ((trace<sem::Movq, MemOp<u64, MemForm::Segment>, MmxOp<u64, 1>>()),
            (Lines{"begin mmx", "x87: TOP 0", "store trunc(zext(mm1))", "x87: TOP 0, all valid"}));
}

}  // namespace
}  // namespace orrery::cpu
