// The inside of the processor: what the interpreter, the semantics' helpers and compiled code share.
//
// Rules for helpers (cpu/helpers/*.cpp), the ordinary C++ functions `void helper(Engine& e, const Insn& i)` behind
// complex instructions:
//  * They read the state, check, and throw by fault(...) before they change anything that the SDM says is unchanged.
//  * While an instruction runs, this_rip() is its own address and next_rip() the following one (both offsets in CS).
//    A control transfer calls set_next_rip() (and changes CS before); s.rip itself belongs to the interpreter.
//  * After changing a segment register call segment_changed(); after CPL, CR0/3/4, EFER, EFLAGS.AC/VM or A20 changes
//    call
//    mode_changed(); after paging changes flush_tlb() as well. Lines whose semantic does so carry `Ends` in the table.
//  * Memory goes through load/store (segment checks, CPL), load_linear/store_linear (explicit privilege).
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "cpu/block.h"
#include "cpu/cpu.h"
#include "cpu/debug_points.h"
#include "cpu/fault.h"
#include "cpu/flags.h"
#include "cpu/insn.h"
#include "cpu/tlb.h"
#include "cpu/vector.h"

namespace orrery::cpu {

class CodeCache;
class Decoder;

enum class Access : u8 { Read, Write, Execute };

/// A segment register prepared for the fast path: offset + size <= read_end (write_end) means allowed.
struct SegmentWindow {
  u64 base = 0;
  u64 read_end = 0;
  u64 write_end = 0;
};

/// Mode bits that decoding and handler choice depend on; part of a block's key.
// clang-format off
enum ModeBits : u32 {
  kModeCode32 = 1, kModeCode64 = 2, kModeProtected = 4 /* PE and not VM */, kModeCpl3 = 8, kModeFlat = 16, kModeFpuTrap = 32,
  kModeSseOff = 64, kModeStack32 = 128, kModeMmxTrap = 256, kModeSseTrap = 512, kModeVm = 1024,
};
// clang-format on

/// SDM vol. 1, 3.3.7.1: bits 63:47 are equal.
constexpr bool canonical(u64 linear) { return static_cast<u64>(static_cast<i64>(linear << 16) >> 16) == linear; }

class Engine {
 public:
  Engine(const Model& model, core::GuestMemory& memory, core::PortBus& ports, core::Clock& clock, core::Log& log,
         Pins pins);
  ~Engine();

  // ---- hot part -----------------------------------------------------------------------------------------------------
  State s;                        // first, so that its fields are near the engine pointer
  TlbEntry* tlb = nullptr;        // the table for the present privilege (an always empty one while #AC checks are on)
  u64 tlb_generation = 1;         // in 11:0 of every tag
  u64 icount = 0;                 // ticks, with the running block charged as a whole
  u64 limit = 0;                  // the block interpreter comes back when icount would pass this
  Block* block = nullptr;         // the running block
  const Insn* current = nullptr;  // the instruction in progress (set before any slow path)
  u64 stack_mask = 0xffff;        // of SP/ESP/RSP
  u64 code_end = 0;               // CS limit + 1
  u32 mode = 0;                   // ModeBits
  bool unchained = false;   // blocks come back to the run loop, which shows them (log channels exec, cpu, nochain)
  u32 link_generation = 1;  // block links and jump cache entries of another generation are stale
  u8 mmx_fault = 0;         // vector that instructions with MMX registers raise, by CR0.EM and TS; 0 none
  u8 sse_fault = 0;         // the same with XMM registers, by CR4.OSFXSR too
  bool x87_off = false;     // CR0.EM, CR0.TS or the model keeps x87 instructions from their usual way
  std::array<SegmentWindow, kSegCount> windows{};

  core::GuestMemory& memory;
  core::PortBus& ports;
  core::Clock& clock;
  core::Log& log;
  const Model& model;
  Pins pins;

  // ---- the instruction in progress ----------------------------------------------------------------------------------
  u64 this_rip() const { return (s.rip + current->offset) & rip_mask(); }
  u64 next_rip() const { return next_rip_; }
  void set_next_rip(u64 rip) { next_rip_ = rip; }
  /// Mask of the present instruction pointer: 16 bits wrap is a matter of the limit check, so 32 bits outside 64-bit
  /// mode.
  u64 rip_mask() const { return (mode & kModeCode64) != 0 ? ~u64{0} : 0xffffffff; }
  /// Ticks retired before the instruction in progress.
  u64 retired_ticks() const {
    return block == nullptr ? icount : icount - (block->count - static_cast<u64>(current - block->insns));
  }
  /// The clock set to retired_ticks(): needed before a device or the TSC is touched.
  void sync_clock() { clock.set_ticks(std::max(clock.ticks(), retired_ticks())); }

  [[noreturn]] void fault(u8 vector);
  [[noreturn]] void fault(u8 vector, u32 error);
  [[noreturn]] void page_fault(u64 linear, u32 error);
  [[noreturn]] void undefined() { fault(kUd); }
  [[noreturn]] void general_protection(u32 error = 0) { fault(kGp, error); }

  bool protected_mode() const { return (s.cr0 & kCr0Pe) != 0 && (s.eflags & kVm) == 0; }
  bool real_mode() const { return (s.cr0 & kCr0Pe) == 0; }
  bool v86() const { return (s.eflags & kVm) != 0; }
  bool long_mode() const { return (s.efer & kEferLma) != 0; }
  bool code64() const { return (mode & kModeCode64) != 0; }
  /// Linear address of an offset in CS.
  u64 code_address(u64 rip) const { return code64() ? rip : (s.seg[kCs].base + rip) & 0xffffffff; }
  unsigned iopl() const { return (s.eflags >> 12) & 3; }

  u64 rflags() const { return s.eflags | arith_flags(s.flags); }
  /// Sets all of EFLAGS from an image: the caller has masked what may not change. Calls mode_changed() when needed.
  void set_rflags(u64 value);

  // ---- operands for helpers: operand k of the instruction, register or memory, by its width in bytes ----------------
  /// Offset of the memory operand in its segment, or of the byte `delta` behind its first; wraps at the address size.
  u64 effective_address(const Insn& i, u64 delta = 0) const;
  u64 read_reg(u8 r, unsigned width) const;
  void write_reg(u8 r, unsigned width, u64 value);
  /// The E operand (register r[k] or memory).
  u64 read_e(const Insn& i, unsigned k, unsigned width);
  void write_e(const Insn& i, unsigned k, unsigned width, u64 value);

  // ---- memory -------------------------------------------------------------------------------------------------------
  /// Logical access with all checks at the present CPL. `seg` SS violations give #SS(0), others #GP(0).
  u64 load(unsigned seg, u64 offset, unsigned width);
  void store(unsigned seg, u64 offset, unsigned width, u64 value);
  /// Only the checks: throws what a write of `width` bytes there would throw (page faults included).
  void probe_write(unsigned seg, u64 offset, unsigned width);
  void probe_linear(u64 linear, unsigned width, Access access, bool user);
  /// Linear access with explicit privilege (`user` false: a system access such as a descriptor table read).
  u64 load_linear(u64 linear, unsigned width, bool user);
  void store_linear(u64 linear, unsigned width, u64 value, bool user);
  /// Segment limit, type and canonical checks alone; returns the linear address.
  u64 check_segment(unsigned seg, u64 offset, unsigned width, Access access);
  /// Page walk with permission checks; sets A and D. Returns the physical address (A20 applied).
  u64 translate(u64 linear, Access access, bool user);
  /// Page walk without effects; false if not mapped.
  bool translate_quietly(u64 linear, u64& physical) const;

  void push(unsigned width, u64 value);  // at the present stack and CPL; moves rSP only if no fault
  u64 pop(unsigned width);
  u64 stack_pointer() const { return s.gpr[kRsp] & stack_mask; }
  void set_stack_pointer(u64 v) { s.gpr[kRsp] = (s.gpr[kRsp] & ~stack_mask) | (v & stack_mask); }

  u64 port_in(u16 port, unsigned width);  // no permission check; sets the clock
  void port_out(u16 port, unsigned width, u64 value);
  /// The instruction in progress waits for the bus; may be called several times.
  void hold(u64 ns);

  // ---- consequences -------------------------------------------------------------------------------------------------
  void segment_changed(unsigned seg);
  void mode_changed();
  void flush_tlb(bool globals_too);
  void invalidate_page(u64 linear);  // INVLPG
  void debug_registers_changed();
  /// Something wants to be looked at between instructions: leave the block interpreter after the one in progress.
  void attention();
  void halt();      // HLT executes: activity becomes Halted after this instruction
  void shutdown();  // triple fault
  /// The instruction in progress waits for an interrupt before it executes (and begins again after it). Call it before
  /// anything has changed.
  [[noreturn]] void freeze();
  /// No interrupt (and with `debug_too` no debug trap) at the boundary after this instruction.
  void shadow(bool debug_too);
  /// Data breakpoint hits of this instruction: delivered as #DB when it has retired.
  void note_debug(u64 dr6_bits);
  /// For REP: how many iterations may retire in this instruction now; each after the first is charged with charge().
  u64 iterations_left() const { return limit > icount ? limit - icount + 1 : 1; }
  void charge(u64 iterations) { icount += iterations; }
  /// A repeated string instruction is interrupted: RF stays what it was.
  void cancel_rf_clear() {
    keep_rf_ = true;
    repeat_tick_ = icount;
  }

  // ---- slow paths of the inlined memory access (mmu.cpp) ------------------------------------------------------------
  // In 64-bit mode they are where an address that is not canonical is found: #SS(0) if `seg` is SS, else #GP(0).
  u64 load_slow(u64 linear, unsigned width, unsigned seg, const Insn* i);
  void store_slow(u64 linear, unsigned width, u64 value, unsigned seg, const Insn* i);
  Vec128 load128_slow(u64 linear, unsigned seg, const Insn* i);
  void store128_slow(u64 linear, Vec128 value, unsigned seg, const Insn* i);
  /// Segment check failed in the fast path: decides exactly; throws or returns the linear address.
  u64 segment_slow(unsigned seg, u64 offset, unsigned width, Access access, const Insn* i);
  /// Makes [linear, linear+width) writable without fault; returns the host address, or null if the store must go
  /// through store_slow (devices, code pages, page crossings).
  u8* prepare_write(u64 linear, unsigned width, unsigned seg, const Insn* i);

  // ---- running (interpreter.cpp) ------------------------------------------------------------------------------------
  Stop run(u64 until_tick);
  /// Before code is fetched between blocks: faults from here on belong to the instruction at s.rip.
  void begin_fetch();
  /// A software interrupt or task switch took the place of the single-step trap of this instruction.
  void cancel_step_trap() { step_trap_ = false; }
  void set_intr(bool level);
  void pulse_nmi();
  void request_stop();
  void init_reset(bool cold);
  void state_changed();
  bool user() const { return s.cpl == 3; }

  // ---- debugger (debug.cpp) -----------------------------------------------------------------------------------------
  const DebugPoints& debug_points() const { return debug_points_; }
  void set_debug_points(std::vector<DebugPoint> points);
  /// True if the debugger wants to stop before instruction `i` of the running block; the hit is then noted.
  bool stops_before(const Insn& i);
  /// The point at the present tick's instruction does not stop the next run.
  void pass_debug_point() { debug_passed_tick_ = clock.ticks(); }
  const DebugHit& debug_hit() const { return debug_hit_; }
  u64 interrupts_taken() const { return interrupts_taken_; }
  u64 a20_mask() const { return s.a20 ? ~u64{0} : ~(u64{1} << 20); }

  CodeCache& code() { return *code_; }
  const Decoder& decoder() const { return *decoder_; }

 private:
  friend class CodeCache;
  friend class Interpreter;
  /// A page as the walk found it.
  struct Mapping {
    u64 physical = 0;       // of the 4 KiB page
    bool write_ok = false;  // a write would need no other walk (permission and D)
    bool global = false;
  };
  bool walk(u64 linear, Access access, bool user, bool quiet, Mapping& mapping, u32& error);
  template <class Entry> bool quick_walk(u64 linear, Access access, bool user, Mapping& mapping) const;
  Mapping map(u64 linear, Access access, bool user);  // or the page fault
  TlbEntry& entry_for(u64 linear, Access access, bool user);
  TlbEntry& fill(u64 linear, Access access, bool user);
  u64 tag_of(u64 linear) const { return (linear & ~u64{0xfff}) | tlb_generation; }
  void clear_tlbs();
  u64 read_physical_entry(u64 address, unsigned width) { return memory.read(address & a20_mask(), width); }
  void purge_writes(u64 physical_page);
  void check_canonical(u64 linear, unsigned width, unsigned seg);
  void check_alignment(u64 linear, unsigned width, bool user);
  void check_data_breakpoints(u64 linear, unsigned width, Access access);
  void check_data_points(u64 linear, u64 physical, unsigned width, bool write);
  /// Gives the tags of `t`, an entry for `linear`, their fast or slow form.
  void form_tags(TlbEntry& t, u64 linear, bool write_ok) const;
  void refresh_window(unsigned seg);
  void update_mode();  // without the windows
  bool page_has_data_breakpoint(u64 linear) const;
  bool deliver_pending();
  void execute(Block* b);
  void execute_single();
  void between_instructions();
  void undo_instruction();
  void deliver_fault(const Fault& fault);
  u64 code_breakpoint_hits();  // DR6 bits of instruction breakpoints at s.rip
  void disarm();
  // trace.cpp
  void trace_code(const Block& b, u64 rip) const;  // in_asm
  void trace_block(const Block& b) const;          // exec, cpu
  void trace_registers(core::Channel to) const;
  u32 compute_mode() const;

  /// Which table serves an access: 0 supervisor, 1 user, 2 supervisor while EFLAGS.AC lifts SMAP (SDM vol. 3, 4.6.1).
  unsigned tlb_index(bool user) const { return user ? 1 : smap_lifted() ? 2 : 0; }
  bool smap_lifted() const { return (s.cr4 & kCr4Smap) != 0 && (s.eflags & kAc) != 0 && s.cpl != 3; }

  std::array<std::unique_ptr<Tlb>, 3> tlbs_;  // by tlb_index()
  std::unique_ptr<Tlb> empty_tlb_;
  std::unique_ptr<Decoder> decoder_;
  std::unique_ptr<CodeCache> code_;
  u64 global_epoch_ = 1;  // of TLB entries of global pages; 1 to TlbEntry::kGlobalEpochMask
  u64 next_rip_ = 0;
  u64 wanted_ = 0;  // run() comes back at this tick
  bool stop_requested_ = false;
  bool shutdown_ = false;
  bool step_trap_ = false;
  bool keep_rf_ = false;
  Insn* armed_ = nullptr;  // its handler was replaced so that the block ends before it
  Handler armed_handler_ = nullptr;
  bool data_breakpoints_ = false;
  bool code_breakpoints_ = false;
  DebugPoints debug_points_;
  DebugHit debug_hit_;
  bool debug_stop_ = false;          // run() returns Stop::Breakpoint
  u64 debug_passed_tick_ = ~u64{0};  // no instruction point stops at this tick
  u64 repeat_tick_ = ~u64{0};        // at this tick a repeated string instruction goes on
  u64 interrupts_taken_ = 0;         // NMIs and external interrupts that were delivered
  Insn boundary_;                    // stands for "between instructions"
};

}  // namespace orrery::cpu
