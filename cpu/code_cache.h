// Decoded blocks, kept by physical address and mode.
//
// A block is a run of decoded instructions that ends at a branch (or another line marked Ends), at a page's end or at a
// limit. An instruction that crosses a page is a block of its own, keyed to both pages. Stores, DMA and device writes
// to decoded bytes drop exactly the blocks that they touch, tracked in 128-byte grains; a page that keeps changing
// keeps its slow store path for good ("sticky"), so that it does not pay for changing back and forth.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "cpu/engine.h"

namespace orrery::cpu {

class CodeCache {
 public:
  static constexpr unsigned kMaxInsns = 64;

  explicit CodeCache(Engine& engine);
  ~CodeCache();

  /// The block at this linear address in the present mode if it was looked up lately, else null.
  Block* recent(u64 linear) const {
    const JumpEntry& j = jumps_[jump_slot(linear)];
    const bool hit = j.linear == linear && j.mode == e_.mode && j.generation == e_.link_generation;
    return hit ? j.block : nullptr;
  }
  /// The block that starts at CS:rip in the present mode; decodes it if need be. Throws Fault (with engine.current set
  /// to a placeholder at that address) if its first instruction cannot be fetched or is undefined.
  Block* lookup(u64 rip);
  /// The one instruction at CS:rip, decoded anew, valid until the next call.
  Block* single(u64 rip);
  /// The first `count` instructions of `block` as a block of their own, valid until the next call.
  Block* prefix(Block* block, unsigned count);

  /// The CPU stores to a page with code: drops what is hit.
  void note_store(u64 physical, unsigned width);
  /// Somebody else wrote there.
  void invalidate(u64 physical, u64 size);
  void flush_all();
  /// Drops all blocks that have a byte at one of these offsets in a page; translations stay.
  void drop_offsets(std::span<const u64> offsets_in_page);
  /// Linear addresses may lead elsewhere now.
  void flush_translations();

 private:
  struct PageInfo {
    std::vector<Block*> blocks;  // that have bytes in this page
    u32 drops = 0;
    std::array<u64, core::kPageSize / 64> code{};  // bit n: byte n belongs to a block (or did, until the next drop)

    void mark(u64 first, u64 last);
    bool marked(u64 first, u64 last) const;
  };
  struct Span {
    u64 first, last;  // offsets in a page
  };
  /// Which bytes of the page (one of its one or two) a block has.
  static Span span_in(const Block& b, u64 page_address);
  struct JumpEntry {
    u64 linear = ~u64{0};
    u32 mode = 0;
    u32 generation = 0;
    Block* block = nullptr;
  };
  struct FetchEntry {
    u64 tag = ~u64{0};
    u64 physical = 0;
    u64 generation = 0;
  };
  static constexpr unsigned kMaxBytes = 240;  // Insn::offset has eight bits
  static constexpr unsigned kJumpSize = 4096;
  static constexpr unsigned kHashSize = 1u << 15;
  static constexpr unsigned kStickyDrops = 16;
  static constexpr std::size_t kArenaBytes = std::size_t{64} << 20;

  static std::size_t jump_slot(u64 linear) { return (linear ^ (linear >> 12)) & (kJumpSize - 1); }
  /// Physical page that holds the code at `linear`; throws a page fault.
  u64 fetch_page(u64 linear);
  Block* build(u64 rip, u64 linear, u64 physical);
  /// Decodes up to `most` instructions; returns the second physical page if the only one crosses into it, else ~0.
  u64 decode_run(u64 rip, u64 linear, u64 physical, unsigned most, Insn* out, unsigned& count, u16& bytes);
  Block* finish(Block& b, u64 physical, unsigned count);
  void note_code(u64 page_address, Block* b);
  void drop(Block* block);
  /// `first` and `last`: offsets in the page. Drops the blocks that have one of these bytes, not those that only lie
  /// near.
  void drop_overlapping(u64 page_address, u64 first, u64 last);
  void* allocate(std::size_t bytes);
  static std::size_t hash(u64 physical, u32 mode) {
    return (physical ^ (physical >> 13) ^ mode * 0x9e37u) & (kHashSize - 1);
  }

  Engine& e_;
  std::vector<Block*> table_;
  std::unordered_map<u64, PageInfo> pages_;
  std::array<JumpEntry, kJumpSize> jumps_;
  std::array<FetchEntry, 256> fetches_;
  u64 fetch_generation_ = 1;
  std::vector<std::unique_ptr<u8[]>> chunks_;
  std::size_t chunk_used_ = 0;
  std::size_t total_ = 0;
  Block prefix_block_;
  std::array<Insn, kMaxInsns + 1> prefix_insns_;
  Block scratch_block_;
  std::array<Insn, 2> scratch_insns_;
};

}  // namespace orrery::cpu
