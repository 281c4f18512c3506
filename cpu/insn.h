// A decoded instruction: what the decoder makes of bytes, and what both engines and the disassembler read.
//
// The table (opcodes.inc) names each encoding's operands with the SDM's letters. The decoder turns them into fields by
// position, so that engines need not know encodings: the register number of operand k stands in r[k], whether it came
// from ModRM.reg, ModRM.rm, the opcode's low bits, VEX.vvvv or is implied (AL, CL, eAX, a segment register's letter);
// an instruction has at most one memory operand, described by base, index, scale, segment and displacement; immediates
// and branch displacements are in imm, sign-extended as the operand demands.
#pragma once

#include <array>

#include "hw/core/types.h"

#if defined(__clang__)
#if __has_attribute(preserve_none) && \
    !__has_feature(address_sanitizer)  // whose stack frames that convention cannot have
#define ORRERY_HANDLER_CC __attribute__((preserve_none))
#endif
#endif
#ifndef ORRERY_HANDLER_CC
#define ORRERY_HANDLER_CC
#endif

namespace orrery::cpu {

class Engine;
struct Insn;

/// Executes one instruction and those that follow it in its block; see interpreter.h. Null ends the run.
using Handler = const Insn*(ORRERY_HANDLER_CC*)(Engine&, const Insn*);

/// Operand or address size in bits, as an index: 16 << n.
enum class Size : u8 { S16 = 0, S32 = 1, S64 = 2 };

/// Byte registers AH, CH, DH, BH are numbers 0-3 plus this (REX makes 4-7 SPL, BPL, SIL, DIL instead).
inline constexpr u8 kHighByte = 0x20;
/// Insn::base of a RIP-relative operand.
inline constexpr u8 kRipBase = 17;
/// Insn::base of a 64-bit moffs operand, whose address is in imm. (Shorter ones are plain displacements.)
inline constexpr u8 kMoffsBase = 18;

struct Insn {
  Handler handler = nullptr;  // set by the interpreter's block builder
  u64 imm = 0;                // immediate, branch displacement, far pointer's offset, 64-bit moffs address;
                              // x87: FOP (opcode bits 2:0 and ModRM byte);
                              // ENTER: imm16 | imm8 << 16; EXTRQ/INSERTQ: imm8 | imm8 << 8
  i32 disp = 0;               // displacement of the memory operand; far pointer's selector
  u16 op = 0;                 // index of the table line (enum class Op)
  u8 length = 0;              // in bytes, 1 to 15
  std::array<u8, 3> r{};      // register number of operand k
  u8 base = 16;               // Gpr; kZeroReg for none; kRipBase
  u8 index = 16;              // Gpr; kZeroReg for none
  u8 scale_seg = 0;           // bits 1:0 log2 of the scale, 6:4 segment register (after overrides)
  u8 sizes = 0;               // bits 1:0 operand Size, 3:2 address Size, bit 4 VEX.L (256 bits)
  u8 bits = 0;                // see k*Bit
  u8 offset = 0;              // of its first byte from the block's start

  static constexpr u8 kMem = 1;     // ModRM.mod != 3 (or moffs): the E/M/W/Q/O operand is in memory
  static constexpr u8 kLock = 2;    // F0
  static constexpr u8 kRep = 4;     // F3, where it is not part of the opcode
  static constexpr u8 kRepne = 8;   // F2, likewise
  static constexpr u8 kRex = 16;    // a REX prefix was in effect
  static constexpr u8 kOsize = 32;  // 66 was there (whether or not it is part of the opcode)
  static constexpr u8 kPair = 64;   // the interpreter's handler executes the next instruction, too: see pairs.h

  bool mem() const { return (bits & kMem) != 0; }
  bool lock() const { return (bits & kLock) != 0; }
  bool rep() const { return (bits & kRep) != 0; }
  bool repne() const { return (bits & kRepne) != 0; }
  Size opsize() const { return static_cast<Size>(sizes & 3); }
  Size addrsize() const { return static_cast<Size>((sizes >> 2) & 3); }
  unsigned scale() const { return scale_seg & 3; }
  unsigned seg() const { return scale_seg >> 4; }
};
static_assert(sizeof(Insn) <= 40);

}  // namespace orrery::cpu
