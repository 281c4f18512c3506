// The x87 register stack and its exceptions, as the helpers of one x87 instruction see them (SDM vol. 1, chapter 8).
#pragma once

#include "cpu/exec.h"
#include "cpu/helpers/descriptor.h"
#include "cpu/opcodes.h"
#include "cpu/softfloat/convert.h"

namespace orrery::cpu::helpers {

// FSW.
inline constexpr u16 kFswStackFault = 0x40, kFswSummary = 0x80, kFswC0 = 0x100, kFswC1 = 0x200, kFswC2 = 0x400,
                     kFswC3 = 0x4000, kFswBusy = 0x8000, kFswConditions = kFswC0 | kFswC1 | kFswC2 | kFswC3;

using soft::F80;

/// What FCW becomes when `image` is loaded: bit 6 is always set, the other reserved bits are clear.
constexpr u16 control_image(u64 image) { return static_cast<u16>((image & 0x1f3f) | 0x40); }

/// An unmasked exception is pending and a waiting instruction is about to execute: #MF, or FERR# (SDM vol. 1, 8.7 and
/// appendix D). Comes back if the instruction is to execute all the same.
void pending_exception(Engine& e);
/// Makes FSW.ES and B anew from the flags and their masks, and FERR# with them.
void update_summary(Engine& e);

/// #NM if the x87 must not be used. False if there is none: the instruction does nothing (CR0.EM = 0 promises a
/// coprocessor; without one, the bus cycles lead nowhere).
inline bool x87_available(Engine& e) {
  if ((e.s.cr0 & (kCr0Em | kCr0Ts)) != 0) e.fault(kNm);
  return e.model.has(Feature::Fpu);
}

/// Nothing keeps a waiting instruction from its work.
inline bool x87_free(const Engine& e) { return !e.x87_off && (e.s.x87.status & kFswSummary) == 0; }
/// x87_available(), and then the exceptions of earlier instructions.
bool x87_check(Engine& e);
/// The same, for waiting instructions.
inline bool x87_ready(Engine& e) { return x87_free(e) || x87_check(e); }

class X87Unit {
 public:
  X87Unit(Engine& engine, const Insn& insn) : e_(engine), i_(insn), f_(engine.s.x87) {
    env.rounding = static_cast<soft::Rounding>((f_.control >> 10) & 3);
    env.masked = f_.control & soft::kAllFlags;
  }

  /// Rounding, masks, and what the computation raised.
  soft::Env env;

  /// Takes FCW.PC into account; only add, subtract, multiply, divide and square root do.
  void use_precision_control() {
    static constexpr u8 kPrecisions[] = {24, 64, 53, 64};
    env.precision = kPrecisions[(f_.control >> 8) & 3];
  }

  // ---- the stack
  // ----------------------------------------------------------------------------------------------------------
  unsigned physical(unsigned n) const { return ((f_.status >> 11) + n) & 7; }
  F80& st(unsigned n) { return f_.r[physical(n)]; }
  bool empty(unsigned n) const { return ((f_.tag >> (2 * physical(n))) & 3) == 3; }
  void set(unsigned n, F80 v) {
    const unsigned p = physical(n);
    f_.r[p] = v;
    f_.tag = static_cast<u16>(f_.tag & ~(3u << (2 * p)));
  }
  void free(unsigned n) { f_.tag = static_cast<u16>(f_.tag | (3u << (2 * physical(n)))); }
  void move_top(int by) {
    f_.status = static_cast<u16>((f_.status & ~0x3800u) | (((f_.status >> 11) + static_cast<unsigned>(by)) & 7) << 11);
  }
  void pop() {
    free(0);
    move_top(1);
  }
  void push(F80 v) {
    move_top(-1);
    set(0, v);
  }

  // ---- the status word
  // ------------------------------------------------------------------------------------------------------
  void set_conditions(u16 c) { f_.status = static_cast<u16>((f_.status & ~kFswConditions) | c); }
  void set_c1(bool on) { f_.status = static_cast<u16>((f_.status & ~kFswC1) | (on ? kFswC1 : 0)); }
  u16 conditions() const { return f_.status & kFswConditions; }
  u16 control() const { return f_.control; }
  bool masked(u8 flags) const { return (f_.control & flags) == flags; }

  /// A non-control instruction executes: FIP, FCS, FOP; C1 is cleared. Call it after everything that may fault.
  void note_instruction() {
    note_pointers();
    set_c1(false);
  }
  /// The same without touching C1.
  void note_pointers() {
    f_.ip = e_.this_rip();
    f_.cs = e_.s.seg[kCs].selector;
    f_.opcode = static_cast<u16>(i_.imm);
  }
  /// The same for one with a memory operand: FDP and FDS too.
  void note_memory_instruction() {
    note_instruction();
    f_.dp = e_.effective_address(i_);
    f_.ds = e_.s.seg[i_.seg()].selector;
  }

  /// Records `env`'s flags and C1. True if the exceptions let the result be stored in a register: overflow, underflow
  /// and inexact do, unmasked or not.
  bool commit() {
    if (env.flags == 0) [[likely]]
      return true;
    record(env.flags, env.rounded_up && (env.flags & soft::kInexact) != 0);
    constexpr u8 kPre = soft::kInvalid | soft::kDenormal | soft::kDivideByZero;
    return (env.flags & kPre & ~f_.control) == 0;
  }
  /// The same for a real in memory, where overflow and underflow that are unmasked leave it alone as well; no rounding
  /// is reported then.
  bool commit_store() {
    const bool scaled = (env.flags & (soft::kOverflow | soft::kUnderflow) & ~f_.control) != 0;
    if (scaled) env.flags &= static_cast<u8>(~soft::kInexact);
    return commit() && !scaled;
  }
  /// Stack underflow or overflow: true if masked.
  bool stack_fault(bool overflow) {
    set_c1(false);
    record(soft::kInvalid | kFswStackFault, overflow);
    return masked(soft::kInvalid);
  }
  /// ST(n) is empty: the masked response is the indefinite in ST(dest), and true.
  bool underflow(unsigned dest) {
    if (!stack_fault(false)) return false;
    set(dest, indefinite());
    return true;
  }
  static F80 indefinite() { return soft::default_nan<F80>(); }

  /// Pushes a loaded value, or reports the stack's overflow. A denormal is pushed even if that is unmasked.
  void push_checked(F80 v) {
    if (!empty(7)) {
      if (stack_fault(true)) push(indefinite());
    } else {
      commit();
      if ((env.flags & soft::kInvalid & ~f_.control) == 0) push(v);
    }
  }

  // ---- memory
  // ---------------------------------------------------------------------------------------------------------------
  template <class T> T load() const { return Exec(e_, &i_).read(MemOp<T, MemForm::Segment>{}).v; }
  template <class T> auto place() { return memory_.place(MemOp<T, MemForm::Segment>{}); }
  F80 load_f80() const;
  /// The eight bytes below first; they stay written if the two above fault.
  void store_f80(F80 v);

  Engine& engine() { return e_; }
  const Insn& insn() const { return i_; }

 private:
  void record(unsigned flags, bool c1);  // C1 is set or left alone

  Engine& e_;
  const Insn& i_;
  X87& f_;
  Exec memory_{e_, &i_};
};

}  // namespace orrery::cpu::helpers
