// The architectural state of one x86 processor, 64-bit from the first day.
//
// Standard layout: the JIT addresses fields by offset. What is derived (address-space caches, fast-path keys) lives in
// Engine, not here.
#pragma once

#include <array>
#include <type_traits>

#include "hw/core/types.h"

namespace orrery::cpu {

// clang-format off
enum Gpr : u8 { kRax, kRcx, kRdx, kRbx, kRsp, kRbp, kRsi, kRdi, kR8, kR9, kR10, kR11, kR12, kR13, kR14, kR15,
                kZeroReg };  // always reads as zero: "no base" and "no index"
// clang-format on

enum Seg : u8 { kEs, kCs, kSs, kDs, kFs, kGs, kSegCount };

// EFLAGS (SDM 3.4.3).
inline constexpr u32 kCf = 1u << 0, kPf = 1u << 2, kAf = 1u << 4, kZf = 1u << 6, kSf = 1u << 7, kTf = 1u << 8,
                     kIf = 1u << 9, kDf = 1u << 10, kOf = 1u << 11, kIopl = 3u << 12, kNt = 1u << 14, kRf = 1u << 16,
                     kVm = 1u << 17, kAc = 1u << 18, kVif = 1u << 19, kVip = 1u << 20, kId = 1u << 21;
inline constexpr u32 kArithFlags = kCf | kPf | kAf | kZf | kSf | kOf;

// CR0, CR4, EFER (SDM 2.5, 2.2.1).
inline constexpr u64 kCr0Pe = 1u << 0, kCr0Mp = 1u << 1, kCr0Em = 1u << 2, kCr0Ts = 1u << 3, kCr0Et = 1u << 4,
                     kCr0Ne = 1u << 5, kCr0Wp = 1u << 16, kCr0Am = 1u << 18, kCr0Nw = 1u << 29, kCr0Cd = 1u << 30,
                     kCr0Pg = 1u << 31;
inline constexpr u64 kCr4Vme = 1u << 0, kCr4Pvi = 1u << 1, kCr4Tsd = 1u << 2, kCr4De = 1u << 3, kCr4Pse = 1u << 4,
                     kCr4Pae = 1u << 5, kCr4Mce = 1u << 6, kCr4Pge = 1u << 7, kCr4Pce = 1u << 8, kCr4Osfxsr = 1u << 9,
                     kCr4Osxmmexcpt = 1u << 10, kCr4Umip = 1u << 11, kCr4Fsgsbase = 1u << 16, kCr4Osxsave = 1u << 18,
                     kCr4Smep = 1u << 20, kCr4Smap = 1u << 21;
inline constexpr u64 kEferSce = 1u << 0, kEferLme = 1u << 8, kEferLma = 1u << 10, kEferNxe = 1u << 11;

// Exception vectors (SDM vol. 3, table 6-1).
// clang-format off
enum Vector : u8 { kDe = 0, kDb = 1, kNmi = 2, kBp = 3, kOfv = 4, kBr = 5, kUd = 6, kNm = 7, kDf8 = 8, kTs = 10, kNp = 11,
                   kSsv = 12, kGp = 13, kPfv = 14, kMf = 16, kAcv = 17, kMc = 18, kXm = 19 };
// clang-format on

/// A segment register with its hidden part (descriptor cache).
struct Segment {
  u16 selector = 0;
  /// Descriptor bytes 5 and 6: bits 3:0 type, 4 S, 6:5 DPL, 7 P, 12 AVL, 13 L, 14 D/B, 15 G. (Bits 11:8 are zero.)
  u16 attributes = 0;
  u32 limit = 0;  // in bytes, inclusive, granularity applied
  u64 base = 0;

  unsigned type() const { return attributes & 15; }
  bool s() const { return (attributes & 0x10) != 0; }
  unsigned dpl() const { return (attributes >> 5) & 3; }
  bool present() const { return (attributes & 0x80) != 0; }
  bool avl() const { return (attributes & 0x1000) != 0; }
  bool l() const { return (attributes & 0x2000) != 0; }
  bool db() const { return (attributes & 0x4000) != 0; }
  bool g() const { return (attributes & 0x8000) != 0; }
  bool code() const { return (attributes & 0x18) == 0x18; }
  bool conforming() const { return (attributes & 0x1c) == 0x1c; }
  bool expand_down() const { return (attributes & 0x1c) == 0x14; }
  bool writable() const { return (attributes & 0x1a) == 0x12; }
  bool readable() const { return (attributes & 0x18) == 0x10 || (attributes & 0x1a) == 0x1a; }
};

/// GDTR, IDTR.
struct TableRegister {
  u64 base = 0;
  u16 limit = 0;
};

/// The six arithmetic flags, kept lazily: pure functions of a result and a carry vector.
///   ZF = result == 0;  SF = bit 63 of result, xor aux[7];  PF = even parity of result[7:0] xor aux[15:8]
///   CF = aux[31];  OF = aux[31] xor aux[30];  AF = aux[3]
/// `result` is the operation's result sign-extended from its width to 64 bits. `aux` holds the carries out of the top
/// two bits (31, 30) and out of bit 3; bits 15:7 are only used to represent flag images that no result has.
struct LazyFlags {
  u64 result = 1;
  u32 aux = 0;
};

/// An 80-bit x87 register.
struct Float80 {
  u64 significand = 0;
  u16 sign_exponent = 0;
};

struct X87 {
  std::array<Float80, 8> r{};  // physical registers R0..R7
  u16 control = 0x0040;        // FCW; reset value (SDM table 9-1), FNINIT gives 037F
  u16 status = 0;              // FSW with TOP in 13:11
  u16 tag = 0x5555;            // FTW, two bits a register
  u16 opcode = 0;              // FOP, 11 bits
  u16 cs = 0, ds = 0;          // FCS, FDS
  u64 ip = 0, dp = 0;          // FIP, FDP
};

struct alignas(32) Vector256 {
  std::array<u64, 4> q{};
};

enum class Activity : u8 { Running, Halted, Shutdown, WaitForSipi };

struct State {
  std::array<u64, 17> gpr{};  // indexed by Gpr; gpr[kZeroReg] stays 0
  u64 rip = 0;                // EIP/RIP: offset in CS
  LazyFlags flags;
  u32 eflags = 2;  // all of EFLAGS but the six arithmetic flags, which read as 0 here

  std::array<Segment, kSegCount> seg{};
  Segment ldtr, tr;
  TableRegister gdtr, idtr;
  u8 cpl = 0;

  u64 cr0 = 0, cr2 = 0, cr3 = 0, cr4 = 0, cr8 = 0, efer = 0;
  std::array<u64, 4> pdpte{};  // PAE: loaded by MOV CR3 (SDM 4.4.1)
  std::array<u64, 8> dr{};

  X87 x87;
  std::array<Vector256, 16> xmm{};
  u32 mxcsr = 0x1f80;
  u64 xcr0 = 1;

  // MSRs.
  u64 apic_base = 0xfee00900;
  u64 sysenter_cs = 0, sysenter_esp = 0, sysenter_eip = 0;
  u64 star = 0, lstar = 0, cstar = 0, sfmask = 0, kernel_gs_base = 0, tsc_aux = 0;
  u64 tsc_offset = 0;  // TSC = virtual time + this
  u64 pat = 0x0007040600070406;
  u64 mtrr_def_type = 0;
  std::array<u64, 16> mtrr_var{};
  std::array<u64, 11> mtrr_fix{};
  u64 mcg_status = 0;
  u64 misc_enable = 1;
  u64 microcode = 0;

  // Between instructions.
  Activity activity = Activity::Running;
  // Interrupt shadow: at the instruction boundary where the clock's tick equals one of these, no maskable interrupt
  // (STI, MOV SS, POP SS) or no interrupt and no debug trap at all (MOV SS, POP SS) is taken (SDM vol. 3, 6.8.3).
  u64 interrupt_shadow_tick = ~u64{0};
  u64 debug_shadow_tick = ~u64{0};
  bool nmi_blocked = false;  // until IRET
  bool nmi_pending = false;
  bool intr = false;  // level of the INTR pin
  bool a20 = true;
  bool ferr = false;      // level of FERR# (true: the x87 asks for IRQ 13)
  bool ignne = false;     // IGNNE#: pending x87 exceptions do not stop waiting instructions
  u64 pending_debug = 0;  // DR6 bits of debug traps that wait for the instruction's end
};
static_assert(std::is_standard_layout_v<State>);

}  // namespace orrery::cpu
