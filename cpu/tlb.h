// The software TLB: linear page -> host page, one table for user and one for supervisor accesses.
//
// An entry matches if its tag equals the page address of the access's last byte, joined with the present generation in
// the low 12 bits; the entry is chosen by the first byte's page, so an access across a page border never matches. A
// flush is a new generation: O(1). Global pages are revalidated on their next miss, unless they were flushed too.
//
// Tags come in two forms. The fast form (page | generation) lets inlined code go straight to host memory. The slow form
// (also kSlow) says that the translation and its permission are known, but that the access must be seen: device pages,
// ROM, stores to pages that hold decoded code or are watched, pages under a data breakpoint.
#pragma once

#include <array>

#include "hw/core/types.h"

namespace orrery::cpu {

struct TlbEntry {
  static constexpr u64 kInvalid = ~u64{0};
  u64 read_tag = kInvalid;
  u64 write_tag = kInvalid;
  u64 host = 0;      // host address of the page minus its linear address
  u64 physical = 0;  // bits 63:12 page; bits 11:0 kGlobalEpochMask

  // Which flushes of global pages it has seen; 0: not global, does not survive a CR3 load.
  static constexpr u64 kGlobalEpochMask = 0xfff;
  static constexpr u64 kSlow = 0x800;
  static constexpr u64 kGenerationMask = 0x7ff;
};

inline constexpr unsigned kTlbBits = 11;
inline constexpr unsigned kTlbSize = 1u << kTlbBits;
using Tlb = std::array<TlbEntry, kTlbSize>;

}  // namespace orrery::cpu
