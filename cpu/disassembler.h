// Insn to text, from the instruction table, in Intel syntax: "lock add dword ptr fs:[ebx+ecx*4-0x10], eax".
//
// Sizes of memory operands are always written, numbers are hexadecimal, branch targets and RIP-relative operands are
// absolute. A segment is written where it is not the operand's default one; a string instruction or XLAT carries it as
// a prefix word. Prefixes without effect are not written.
#pragma once

#include <span>
#include <string>

#include "cpu/decoder.h"

namespace orrery::cpu {

/// The text of `insn`, which was decoded in `mode` and stands at `address` (an offset in CS).
std::string disassemble(const Insn& insn, const DecodeMode& mode, u64 address);

struct Disassembly {
  std::string text;
  unsigned length = 1;  // bytes that the text stands for
};
/// Decodes and disassembles the start of `bytes`. What is no instruction, or only a part of one, becomes "db 0x.." for
/// one byte. `bytes` must not be empty.
Disassembly disassemble(const Decoder& decoder, std::span<const u8> bytes, const DecodeMode& mode, u64 address);

}  // namespace orrery::cpu
