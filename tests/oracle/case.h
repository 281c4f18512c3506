// What the oracle's two sides have in common: cases, outcomes, and where things lie in linear memory.
//
// A case is one to a few instructions with everything they start from. It stands in a slot of its own in the code
// pages, behind it NOPs, and at the slot's end a jump to kDone. Cases come in batches; memory lives on from one case of
// a batch to the next and is compared at the batch's end.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "cpu/opcodes.h"

namespace orrery::oracle {

/// Where the code runs on the host. Legacy protected mode has no native counterpart at hand; at CPL 3 the SDM gives it
/// the behaviour of compatibility mode.
enum class Bits : u8 { B16, B32, B64 };

inline constexpr u64 kCodeBase = 0x20000000;  // executable and readable, not writable
inline constexpr unsigned kSlotBytes = 128, kSlots = 128;
inline constexpr unsigned kTailBytes = 16;    // of a slot, at its end: what ends a case
inline constexpr u64 kDataBase = 0x30000000;  // a window of 64 KiB, page by page as in kPages
enum class Page : u8 { None, ReadOnly, ReadWrite };
inline constexpr std::array<Page, 16> kPages = [] {
  std::array<Page, 16> p{};
  p[0] = p[1] = p[8] = p[9] = p[15] = Page::ReadWrite;
  p[2] = Page::ReadOnly;
  return p;
}();
inline constexpr u64 kDataBytes = 0x10000;

/// Every case's tail jumps here, as 64-bit code. On the host its state is saved there; ours faults there.
inline constexpr u64 kDone = 0x20018000;

/// LDT entries, the same on both sides.
struct LdtEntry {
  u32 base, limit;
  u8 type;  // of the descriptor: code or data with its bits, accessed
  bool db, g, present;
};
inline constexpr LdtEntry kLdt[] = {
    {kCodeBase, kSlotBytes* kSlots - 1, 0xb, false, false, true},  // 0 16-bit code
    {kCodeBase, kSlotBytes* kSlots - 1, 0xb, true, false, true},   // 1 32-bit code
    {kDataBase, 0xffff, 0x3, false, false, true},                  // 2 16-bit data or stack
    {kDataBase, 0x8fff, 0x3, true, false, true},                   // 3 32-bit data, byte-granular limit
    {kDataBase, 0x7fff, 0x7, false, false, true},                  // 4 expand-down, up to FFFF
    {kDataBase, 0x7fff, 0x7, true, false, true},                   // 5 expand-down, up to FFFFFFFF
    {kDataBase, 0xffff, 0x1, true, false, true},                   // 6 read-only data
    {kDataBase, 0xffff, 0x3, true, false, false},                  // 7 not present
    {kDataBase, 0x0ffd, 0x3, false, false, true},                  // 8 ends two bytes before a page does
    {kCodeBase, kSlotBytes* kSlots - 1, 0x9, true, false, true},   // 9 execute-only code
    {kDataBase + 0x100, 0xfffff, 0x3, true, true, true},           // 10 page-granular
};
inline constexpr u16 ldt_selector(unsigned entry) { return static_cast<u16>(entry * 8 + 7); }
/// Linux's own segments for user code and data.
inline constexpr u16 kUserCode32 = 0x23, kUserData = 0x2b, kUserCode64 = 0x33;

struct Case {
  Bits bits = Bits::B32;
  u8 count = 0;                       // of instructions
  std::array<u16, 8> op{};            // Op of each
  std::array<u8, 9> start{};          // offset of each in the slot, and of their end
  std::array<u32, 9> undefined{};     // arithmetic flags that are undefined before each, and after the last
  bool branches = false;              // the order may be another one
  bool wanders = false;               // by a pointer: may come to another case's code
  std::array<u8, kSlotBytes> code{};  // up to the tail
  std::array<u64, 16> gpr{};
  u64 flags = 2;
  std::array<u16, 6> seg{};      // by cpu::Seg
  u64 fs_base = 0, gs_base = 0;  // 64-bit code
  // Written to the data window before the case: what a return, far pointer or bound finds there.
  struct Poke {
    u16 at = 0, size = 0;
    std::array<u8, 24> bytes{};
  };
  std::array<Poke, 3> poke{};
  // Filled with zeros in the data window after the case, as far as it can be written: what processors keep differently
  // in x87 images (pointers to the last instruction, MXCSR_MASK).
  struct Blank {
    u32 at = 0, size = 0;
  };
  std::array<Blank, 2> blank{};
  alignas(16) std::array<u8, 512> fx{};  // FXSAVE image
};

inline constexpr u32 kEnd = 0x100, kHang = 0x101;  // instead of a vector

struct Outcome {
  u32 vector = kEnd;
  u32 error = 0;
  u64 cr2 = 0;
  std::array<u64, 16> gpr{};
  u64 rip = 0;  // offset in CS; kDone at kEnd
  u64 flags = 0;
  std::array<u16, 6> seg{};
  u64 fs_base = 0, gs_base = 0;  // 64-bit code
  alignas(16) std::array<u8, 512> fx{};
};

struct Batch {
  u64 seed = 0;
  std::vector<Case> cases;
  std::vector<u8> memory;  // of the data window at the start
};

/// The code pages of a batch: cases, NOPs, tails.
std::vector<u8> code_image(const Batch& batch, unsigned count);

/// Calls `clear` with each byte of the data window that Case::blank names and that can be written.
template <typename Clear> void for_each_blank(const Case& c, Clear&& clear) {
  for (const Case::Blank& b : c.blank) {
    for (u64 at = b.at; at < u64{b.at} + b.size && at < kDataBytes; ++at) {
      if (kPages[at >> 12] == Page::ReadWrite) clear(at);
    }
  }
}

inline u64 slot_address(unsigned slot) { return kCodeBase + slot * kSlotBytes; }
/// Base of a code segment that cases run in.
inline u64 code_base(u16 selector) { return (selector & 4) != 0 ? kLdt[selector >> 3].base : 0; }

}  // namespace orrery::oracle
