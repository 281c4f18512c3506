// What compiled code and its caller share: how it is called, what it returns, and the C++ functions that it calls.
//
// Compiled code is `Exit code(Engine*, const Insn* insns, Frame*)`. It addresses fields of Engine and Frame by the
// offsets below. Nothing unwinds through it: the functions that it calls catch a guest's fault, keep it in the Frame
// and say so by their return value; the block then writes its registers back and returns Exit::Fault, and its caller
// throws again.
#pragma once

#include <cstddef>

#include "cpu/engine.h"
#include "jit/ir.h"

namespace orrery::jit {

/// Why compiled code returned. Everything that it kept in host registers is in State again.
enum class Exit : u32 {
  Next,      // at the instruction behind the block
  Taken,     // at the target of its direct branch
  Indirect,  // anywhere
  Anew,      // behind the block, whose translation may have changed
  Leave,  // in the middle, exactly behind an instruction that asked for attention; the rest of the charge is given back
  Fault,  // Frame::fault (or a freeze); Engine::current is the instruction; the charge still stands
  NotEntered,  // the budget or the code segment's limit does not allow the block; nothing has happened
};

/// What a called function reports. Attention: go on to the end of the instruction, then leave.
enum class Status : u32 { Ok, Attention, Fault };

/// Scratch memory of a running block, on its caller's stack.
struct Frame {
  static constexpr unsigned kSlots = 5;
  cpu::Fault fault{};
  bool frozen = false;   // the fault is a Freeze
  bool bounced = false;  // the place is `bounce`, to be stored by finish_place()
  u64 bounce = 0;        // stands for a place without host memory
  u64 bounce_linear = 0;
  cpu::Vec128 vector{};                     // 128-bit value of a slow load or store
  std::array<cpu::Vec128, kSlots> slots{};  // arguments of functions on values; the result comes back in slots[0]
};

using Code = u32 (*)(cpu::Engine*, const cpu::Insn*, Frame*);

/// Offsets of what compiled code reads and writes.
namespace layout {
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Winvalid-offsetof"
inline constexpr u32 kGpr = offsetof(cpu::Engine, s.gpr), kRip = offsetof(cpu::Engine, s.rip),
                     kFlagsResult = offsetof(cpu::Engine, s.flags.result),
                     kFlagsAux = offsetof(cpu::Engine, s.flags.aux), kEflags = offsetof(cpu::Engine, s.eflags),
                     kXmm = offsetof(cpu::Engine, s.xmm), kX87 = offsetof(cpu::Engine, s.x87.r),
                     kX87Status = offsetof(cpu::Engine, s.x87.status), kX87Tag = offsetof(cpu::Engine, s.x87.tag),
                     kMxcsr = offsetof(cpu::Engine, s.mxcsr), kIcount = offsetof(cpu::Engine, icount),
                     kLimit = offsetof(cpu::Engine, limit), kTlb = offsetof(cpu::Engine, tlb),
                     kTlbGeneration = offsetof(cpu::Engine, tlb_generation),
                     kStackMask = offsetof(cpu::Engine, stack_mask), kCodeEnd = offsetof(cpu::Engine, code_end),
                     kMmxFault = offsetof(cpu::Engine, mmx_fault), kSseFault = offsetof(cpu::Engine, sse_fault),
                     kWindows = offsetof(cpu::Engine, windows);
inline constexpr u32 kFrameVector = offsetof(Frame, vector), kFrameSlots = offsetof(Frame, slots);
#pragma clang diagnostic pop
}  // namespace layout

/// How a memory access is made: the last argument of the slow paths.
struct How {
  u32 bits;
  static How make(unsigned width, unsigned seg, bool flat, bool aligned) {
    return {width | seg << 8 | (flat ? 1u << 16 : 0) | (aligned ? 1u << 17 : 0)};
  }
  unsigned width() const { return bits & 0xff; }
  unsigned seg() const { return bits >> 8 & 0xff; }
  bool flat() const { return (bits & 1u << 16) != 0; }     // the offset is the linear address, unchecked
  bool aligned() const { return (bits & 1u << 17) != 0; }  // else #GP(0)
};

namespace runtime {

// (Engine*, offset, const Insn*, Frame*, How): value or host address, and Status.
extern const Callee kLoad, kPlace;
// The same, Status alone: 128 bits into Frame::vector; what a slow place was set to goes to memory.
extern const Callee kLoad128, kFinishPlace;
// (Engine*, offset, const Insn*, Frame*, How, value); 128 bits from Frame::vector.
extern const Callee kStore, kStore128;
// (Engine*, const Insn*, Frame*, function): Status of an instruction that is a helper.
extern const Callee kHelper;
// (Engine*, const Insn*, Frame*, function, stays): Exit of a block that ends with one.
extern const Callee kLastHelper;
// (Engine*, const Insn*, Frame*, vector | has_error << 8): raises, error code 0.
extern const Callee kRaise;
// (Engine*, const Insn*, Frame*): the pending x87 exception.
extern const Callee kPendingException;
// (Engine*, const Insn*, Frame*, flags): Status after floating-point exceptions of SSE.
extern const Callee kFloatExceptions;

}  // namespace runtime

/// The handler that enters a block's compiled code.
ORRERY_HANDLER_CC const cpu::Insn* enter_compiled(cpu::Engine& e, const cpu::Insn* i);
/// From now on the interpreter runs `block` by its compiled code (null: no longer).
void install(cpu::Engine& e, cpu::Block& block, Code code);

}  // namespace orrery::jit
