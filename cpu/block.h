// A decoded block: see code_cache.h.
#pragma once

#include <array>

#include "cpu/insn.h"
#include "hw/core/memory.h"

namespace orrery::cpu {

struct Block {
  u64 physical = 0;         // of the first byte
  u64 physical2 = ~u64{0};  // page-crossing block: physical page of its second part
  u32 mode = 0;
  u16 count = 0;  // instructions, the closing pseudo-instruction not counted
  u16 bytes = 0;
  bool valid = true;
  bool cached = false;           // may be linked to: stays what it is until it is dropped
  std::array<Block*, 2> link{};  // successors: 0 fall-through or not taken, 1 taken
  std::array<u32, 2> link_generation{};
  Block* hash_next = nullptr;
  void* compiled = nullptr;  // what jit/ made of it; insns[0].handler leads there
  Insn* insns = nullptr;     // count + 1: the last one leads on to the next block

  /// Both lie in one and the same page: where `other` was fetched, so can this.
  bool near(const Block& other) const {
    return ((physical ^ other.physical) & ~core::kPageMask) == 0 && physical2 == ~u64{0} && other.physical2 == ~u64{0};
  }
};

}  // namespace orrery::cpu
