// The instruction table (opcodes.inc) as types and constants.
#pragma once

#include <string_view>

#include "cpu/encoding.h"
#include "cpu/model.h"
#include "cpu/state.h"

namespace orrery::cpu {

/// Index of a table line.
enum class Op : u16 {
#define X(id, ...) id,
#include "cpu/opcodes.inc"
#undef X
  Count,
};

inline constexpr unsigned kOpCount = static_cast<unsigned>(Op::Count);

/// Operand kinds: the SDM's letters (vol. 2, appendix A.2) with a size. What they mean stands on top of opcodes.inc.
// clang-format off
enum class Opd : u8 {
  // clang-format off
  None,
  // ModRM.rm, register or memory.
  Eb, Ew, Ed, Eq, Ev, Ez, Ey, RvMw, RdMb, RdMw,
  // ModRM.rm, memory only.
  M, Mb, Mw, Md, Mq, Mdq, Mt, Mv, My, Mp, Ma, Ms,
  // ModRM.rm, register only.
  Rd, Rv, Ry, Nq, Udq, Uq,
  // ModRM.reg.
  Gb, Gw, Gd, Gq, Gv, Gz, Gy, Sw, Cy, Dy, Pq, Vx,
  // MMX and XMM, register or memory; x in Vx and Wx is 128 bits.
  Qd, Qq, Wx, Wq, Wd, Ww,
  // VEX.vvvv and imm8[7:4].
  By, Hx, Lx,
  // The opcode's low three bits.
  Zb, Zv,
  // Immediates and branch displacements.
  Ib, sIb, Iw, Iz, Iv, Jb, Jz, Ap, One,
  // Memory at an address in the instruction, at DS:rSI, at ES:rDI.
  Ob, Ov, Xb, Xv, Xz, Yb, Yv, Yz,
  // x87 stack: top, and ModRM.rm below the top.
  ST0, STi,
  // Fixed registers. zAX: AX or EAX by operand size, EAX for 64.
  AL, CL, AX, DX, rAX, zAX, XMM0, ES, CS, SS, DS, FS, GS,
  // Implied and not written: rAX and rDX, and nothing but the operand size.
  ImplAX, ImplDX, ImplV,
  // clang-format on
};
// clang-format on

/// The names that the columns of opcodes.inc are written in. Use it by `using namespace table;` around an expansion.
namespace table {
using enum Opd;
using enum Feature;
// The checks column.
inline constexpr u8 Plain = 0, Lock = 1, Prot = 2, Ends = 4;
}  // namespace table

/// Everything of a table line but its semantic's type.
struct OpLine {
  std::string_view id;
  Encoding encoding;
  std::string_view mnemonic;  // see opcodes.inc on "a/b/c" and "a|b|c"
  Opd operand[3];
  std::string_view semantic;
  Feature feature;
  u8 checks;   // table::Lock, Prot, Ends
  u32 reads;   // arithmetic flags
  u32 writes;  // arithmetic flags, undefined ones among them

  constexpr bool lock() const { return (checks & table::Lock) != 0; }
  constexpr bool prot() const { return (checks & table::Prot) != 0; }
  constexpr bool ends() const { return (checks & table::Ends) != 0; }
};

namespace detail {
using namespace table;
inline constexpr OpLine kLines[] = {
#define X(id, encoding, mnemonic, o1, o2, o3, semantic, feature, checks, reads, writes) \
  {#id, encoding, mnemonic, {o1, o2, o3}, #semantic, feature, checks, reads, writes},
#include "cpu/opcodes.inc"
#undef X
};
}  // namespace detail

constexpr const OpLine& line(Op op) { return detail::kLines[static_cast<unsigned>(op)]; }
constexpr const OpLine& line(u16 op) { return detail::kLines[op]; }

/// Arithmetic flags that `op` leaves undefined, for some operand at least (SDM vol. 2, "Flags Affected").
u32 undefined_flags(Op op);

}  // namespace orrery::cpu
