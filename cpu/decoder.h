// From bytes to Insn, by an index that is made once from the instruction table.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "cpu/insn.h"
#include "cpu/model.h"
#include "cpu/opcodes.h"

namespace orrery::cpu {

/// The mode bits that decoding depends on.
struct DecodeMode {
  bool code32 = false;          // CS.D (ignored with code64)
  bool code64 = false;          // 64-bit mode
  bool protected_mode = false;  // CR0.PE and not EFLAGS.VM; implied by code64
};

enum class DecodeResult : u8 {
  Ok,
  NeedMore,  // the bytes end before the instruction does
  Invalid,   // #UD; Insn::length is the number of bytes that had to be read to know
  TooLong,   // more than 15 bytes: #GP(0)
};

inline constexpr unsigned kMaxInsnLength = 15;

/// Knows the table lines of one CPU model. Immutable after construction.
class Decoder {
 public:
  explicit Decoder(FeatureSet features);

  /// Decodes the instruction at bytes[0]. Sets every field of `out` but handler and offset, which it clears. With a
  /// result other than Ok, out.length alone is meaningful. More than 31 bytes are never looked at, fewer than 15 only
  /// with NeedMore as a possible result.
  DecodeResult decode(std::span<const u8> bytes, const DecodeMode& mode, Insn& out) const;

 private:
  // Where the line of an opcode is looked up: lines_[base + a number made of the bits that tell its lines apart].
  struct Slot {
    u16 base = 0;
    u8 modrm = 0;   // whether a ModRM byte follows
    u8 simple = 1;  // one line only
    // Each bit field of the number: mask and position.
    u8 prefix_mask = 0, w_mask = 0, b_mask = 0, b_shift = 0;
    u8 w_shift = 0, l_mask = 0, l_shift = 0, reg_mask = 0, reg_shift = 0, mod_mask = 0, mod_shift = 0, rm_mask = 0,
       rm_shift = 0;
  };
  // The four maps of legacy encodings, then 0F, 0F 38 and 0F 3A under VEX.
  static constexpr unsigned kMaps = 7, kVexMaps = 3;
  static constexpr u16 kNoLine = 0xffff;

  void build(unsigned code64, FeatureSet features);

  std::array<std::array<Slot, 256 * kMaps>, 2> slots_{};  // by code64, then map * 256 + opcode
  std::vector<u16> lines_;
  u8 highest_cr_;  // CR4 from the 486 on
};

}  // namespace orrery::cpu
