// The encoding column of the instruction table: a small constexpr builder.
//
// An Encoding says which bytes a table line answers to. It starts with one of one(), two(), three38(), three3a() and is
// narrowed by member calls, each of which returns a copy: two(0xc7).digit(1).mem().w0(). The decoder's index is made
// from these at start-up (decoder.cpp); nothing walks them while decoding.
#pragma once

#include "hw/core/types.h"

namespace orrery::cpu {

/// Opcode maps of SDM vol. 2, appendix A.
enum class OpcodeMap : u8 { One, Two, Three38, Three3a };

/// What ModRM.mod must be. Ignored: any value, and rm is a register all the same (MOV to and from CRn and DRn).
enum class Mod : u8 { Any, Memory, Register, Ignored };

/// Mandatory prefix. Any: 66, F3 and F2 do not select among lines.
enum class Mandatory : u8 { Any, Np, P66, Pf3, Pf2 };

enum class Bits64 : u8 { Any, No, Only };

/// Operand size in 64-bit mode. Default64: 64 bits, or 16 with 66. Forced64: 64 bits whatever the prefixes.
enum class Opsize64 : u8 { Normal, Default64, Forced64 };

enum class Vex : u8 { None, V128, V256, Lig };

struct Encoding {
  OpcodeMap map = OpcodeMap::One;
  u8 opcode = 0;
  bool modrm = false;         // a ModRM byte follows
  bool low_register = false;  // the opcode's low three bits are a register number
  i8 reg_field = -1;          // ModRM.reg must be this; -1 any
  i8 rm_field = -1;           // ModRM.rm must be this; -1 any
  i8 rex_w = -1, rex_b = -1;  // REX.W (VEX.W), REX.B must be this; -1 any
  Mod mod = Mod::Any;
  Mandatory mandatory = Mandatory::Any;
  Bits64 bits64 = Bits64::Any;
  Opsize64 opsize64 = Opsize64::Normal;
  Vex vex = Vex::None;

  constexpr Encoding r() const {
    Encoding e = *this;
    e.modrm = true;
    return e;
  }
  constexpr Encoding digit(int n) const {
    Encoding e = *this;
    e.modrm = true, e.reg_field = static_cast<i8>(n);
    return e;
  }
  constexpr Encoding exact(int byte) const {
    Encoding e = *this;
    e.modrm = true;
    e.mod = byte >= 0xc0 ? Mod::Register : Mod::Memory;
    e.reg_field = static_cast<i8>((byte >> 3) & 7);
    e.rm_field = static_cast<i8>(byte & 7);
    return e;
  }
  constexpr Encoding mem() const {
    Encoding e = *this;
    e.mod = Mod::Memory;
    return e;
  }
  constexpr Encoding reg() const {
    Encoding e = *this;
    e.mod = Mod::Register;
    return e;
  }
  constexpr Encoding any_mod() const {
    Encoding e = *this;
    e.mod = Mod::Ignored;
    return e;
  }
  constexpr Encoding plus_r() const {
    Encoding e = *this;
    e.low_register = true;
    return e;
  }
  constexpr Encoding np() const {
    Encoding e = *this;
    e.mandatory = Mandatory::Np;
    return e;
  }
  constexpr Encoding p66() const {
    Encoding e = *this;
    e.mandatory = Mandatory::P66;
    return e;
  }
  constexpr Encoding pf3() const {
    Encoding e = *this;
    e.mandatory = Mandatory::Pf3;
    return e;
  }
  constexpr Encoding pf2() const {
    Encoding e = *this;
    e.mandatory = Mandatory::Pf2;
    return e;
  }
  constexpr Encoding no64() const {
    Encoding e = *this;
    e.bits64 = Bits64::No;
    return e;
  }
  constexpr Encoding only64() const {
    Encoding e = *this;
    e.bits64 = Bits64::Only;
    return e;
  }
  constexpr Encoding d64() const {
    Encoding e = *this;
    e.opsize64 = Opsize64::Default64;
    return e;
  }
  constexpr Encoding f64() const {
    Encoding e = *this;
    e.opsize64 = Opsize64::Forced64;
    return e;
  }
  constexpr Encoding w0() const {
    Encoding e = *this;
    e.rex_w = 0;
    return e;
  }
  constexpr Encoding w1() const {
    Encoding e = *this;
    e.rex_w = 1;
    return e;
  }
  constexpr Encoding b0() const {
    Encoding e = *this;
    e.rex_b = 0;
    return e;
  }
  constexpr Encoding vex128() const {
    Encoding e = *this;
    e.vex = Vex::V128;
    return e;
  }
  constexpr Encoding vex256() const {
    Encoding e = *this;
    e.vex = Vex::V256;
    return e;
  }
  constexpr Encoding vexlig() const {
    Encoding e = *this;
    e.vex = Vex::Lig;
    return e;
  }
};

constexpr Encoding one(u8 opcode) { return {.map = OpcodeMap::One, .opcode = opcode}; }
constexpr Encoding two(u8 opcode) { return {.map = OpcodeMap::Two, .opcode = opcode}; }
constexpr Encoding three38(u8 opcode) { return {.map = OpcodeMap::Three38, .opcode = opcode}; }
constexpr Encoding three3a(u8 opcode) { return {.map = OpcodeMap::Three3a, .opcode = opcode}; }

}  // namespace orrery::cpu
