#include "cpu/code_cache.h"

#include <algorithm>

#include "cpu/decoder.h"
#include "cpu/handlers.h"
#include "cpu/interpreter.h"
#include "cpu/pairs.h"

namespace orrery::cpu {
namespace {

constexpr u64 kPageBits = ~u64{0xfff};

u32 grains_of(u64 first, u64 last) {  // offsets within a page, inclusive
  const u32 low = static_cast<u32>(first / core::kCodeGrain), high = static_cast<u32>(last / core::kCodeGrain);
  return (~u32{0} << low) & (~u32{0} >> (31 - high));
}

}  // namespace

CodeCache::CodeCache(Engine& engine) : e_(engine), table_(kHashSize) {
  prefix_block_.insns = prefix_insns_.data();
  scratch_block_.insns = scratch_insns_.data();
}

CodeCache::~CodeCache() = default;

void* CodeCache::allocate(std::size_t bytes) {
  constexpr std::size_t kChunk = std::size_t{1} << 20;
  bytes = (bytes + 15) & ~std::size_t{15};
  if (chunks_.empty() || chunk_used_ + bytes > kChunk) {
    chunks_.push_back(std::make_unique<u8[]>(kChunk));
    chunk_used_ = 0;
  }
  void* p = chunks_.back().get() + chunk_used_;
  chunk_used_ += bytes;
  total_ += bytes;
  return p;
}

void CodeCache::flush_all() {
  for (auto& [address, info] : pages_) {
    core::GuestMemory::Page& page = e_.memory.page(address);
    page.code = 0;
    page.sticky = false;
  }
  pages_.clear();
  std::fill(table_.begin(), table_.end(), nullptr);
  chunks_.clear();
  total_ = 0;
  flush_translations();
  ++e_.link_generation;
}

void CodeCache::flush_translations() { ++fetch_generation_; }

u64 CodeCache::fetch_page(u64 linear) {
  FetchEntry& f = fetches_[(linear >> 12) & 255];
  const u64 tag = (linear & kPageBits) | (e_.user() ? 1 : 0);
  if (f.tag != tag || f.generation != fetch_generation_) {
    if (e_.code64() && !canonical(linear)) e_.general_protection();
    f.physical = e_.translate(linear, Access::Execute, e_.user()) & kPageBits;
    f.tag = tag;
    f.generation = fetch_generation_;
  }
  return f.physical;
}

Block* CodeCache::lookup(u64 rip) {
  const u64 linear = e_.code_address(rip);
  if (Block* known = recent(linear); known != nullptr) return known;
  e_.begin_fetch();
  if (rip >= e_.code_end) e_.general_protection();
  const u64 physical = fetch_page(linear) | (linear & core::kPageMask);
  Block* b = nullptr;
  for (Block* c = table_[hash(physical, e_.mode)]; c != nullptr; c = c->hash_next) {
    if (c->physical != physical || c->mode != e_.mode) continue;
    if (c->physical2 != ~u64{0} && c->physical2 != fetch_page((linear & kPageBits) + core::kPageSize)) continue;
    b = c;
    break;
  }
  if (b == nullptr) b = build(rip, linear, physical);
  if (b->cached)
    jumps_[jump_slot(linear)] =
        JumpEntry{.linear = linear, .mode = e_.mode, .generation = e_.link_generation, .block = b};
  return b;
}

Block* CodeCache::single(u64 rip) {
  const u64 linear = e_.code_address(rip);
  e_.begin_fetch();
  if (rip >= e_.code_end) e_.general_protection();
  const u64 physical = fetch_page(linear) | (linear & core::kPageMask);
  unsigned count = 0;
  decode_run(rip, linear, physical, 1, scratch_insns_.data(), count, scratch_block_.bytes);
  return finish(scratch_block_, physical, count);
}

Block* CodeCache::finish(Block& b, u64 physical, unsigned count) {
  b.physical = physical;
  b.mode = e_.mode;
  b.count = static_cast<u16>(count);
  b.link = {};
  b.link_generation = {};
  Insn& last = b.insns[count];
  last = Insn{};
  last.handler = &fall_through;
  last.offset = static_cast<u8>(b.bytes);
  return &b;
}

u64 CodeCache::decode_run(u64 rip, u64 linear, u64 physical, unsigned most, Insn* out, unsigned& count, u16& bytes) {
  const core::GuestMemory::Page& page = e_.memory.page(physical);
  const u64 in_page = physical & core::kPageMask;
  std::array<u8, 32> buffer;
  u64 second = ~u64{0};
  u64 offset = 0;
  count = 0;
  const DecodeMode mode = decode_mode(e_);
  const bool points = e_.debug_points().code();
  while (count < most && offset < kMaxBytes) {
    const u64 at = in_page + offset;
    if (at >= core::kPageSize) break;
    const u64 room = std::min<u64>(core::kPageSize - at, e_.code_end - (rip + offset));
    std::span<const u8> span;
    if (page.read != nullptr) {
      span = {page.read + at, static_cast<std::size_t>(std::min<u64>(room, 15))};
    } else {
      const auto n = static_cast<std::size_t>(std::min<u64>(room, 15));
      for (std::size_t k = 0; k < n; ++k)
        buffer[k] = static_cast<u8>(e_.memory.read((physical & kPageBits) + at + k, 1));
      span = {buffer.data(), n};
    }
    Insn& insn = out[count];
    DecodeResult result = e_.decoder().decode(span, mode, insn);
    if (result == DecodeResult::NeedMore) {
      if (count != 0) break;  // a page-crossing instruction is a block of its own
      if (room == core::kPageSize - at && room < e_.code_end - rip) {
        // The rest is on the next page.
        const u64 next_linear = (linear & kPageBits) + core::kPageSize;
        second = fetch_page(e_.code64() ? next_linear : next_linear & 0xffffffff);
        const auto first_part = static_cast<std::size_t>(room);
        const auto all = static_cast<std::size_t>(std::min<u64>(15, e_.code_end - rip));
        for (std::size_t k = 0; k < all; ++k) {
          const u64 from = k < first_part ? physical + k : second + (k - first_part);
          buffer[k] = static_cast<u8>(e_.memory.read(from, 1));
        }
        result = e_.decoder().decode({buffer.data(), all}, mode, insn);
      }
      if (result == DecodeResult::NeedMore) e_.general_protection();  // beyond the code segment's limit
    }
    if (result != DecodeResult::Ok) {
      if (count != 0) break;
      if (result == DecodeResult::TooLong) e_.general_protection();
      e_.undefined();
    }
    insn.offset = static_cast<u8>(offset);
    insn.handler = points && e_.debug_points().may_execute_at(at) ? debug_point_handler() : choose_handler(e_, insn);
    ++count;
    offset += insn.length;
    if (second != ~u64{0} || ends_block(insn)) break;
  }
  bytes = static_cast<u16>(offset);
  return second;
}

Block* CodeCache::build(u64 rip, u64 linear, u64 physical) {
  if (total_ > kArenaBytes) flush_all();
  core::GuestMemory::Page& page = e_.memory.page(physical);
  const bool cacheable = page.read != nullptr;
  std::array<Insn, kMaxInsns + 1> insns;
  unsigned count = 0;
  u16 bytes = 0;
  const u64 second = decode_run(rip, linear, physical, cacheable ? kMaxInsns : 1, insns.data(), count, bytes);
  if (!cacheable) {  // code in device memory is decoded anew each time
    scratch_insns_[0] = insns[0];
    scratch_block_.bytes = bytes;
    return finish(scratch_block_, physical, 1);
  }
  auto* b = new (allocate(sizeof(Block))) Block{};
  b->insns = static_cast<Insn*>(allocate(sizeof(Insn) * (count + 1)));
  std::copy_n(insns.begin(), count, b->insns);
  make_pairs({b->insns, count});
  b->bytes = bytes;
  b->cached = true;
  finish(*b, physical, count);
  b->physical2 = second;
  Block*& head = table_[hash(physical, b->mode)];
  b->hash_next = head;
  head = b;
  note_code(physical & kPageBits, b);
  if (second != ~u64{0}) note_code(second, b);
  if (e_.log.enabled(core::Channel::InAsm)) e_.trace_code(*b, rip);
  return b;
}

void CodeCache::PageInfo::mark(u64 first, u64 last) {
  for (u64 n = first; n <= last; ++n) code[n / 64] |= u64{1} << n % 64;
}

bool CodeCache::PageInfo::marked(u64 first, u64 last) const {
  for (u64 n = first; n <= last;) {
    if (n % 64 == 0 && last - n >= 63) {
      if (code[n / 64] != 0) return true;
      n += 64;
    } else {
      if ((code[n / 64] >> n % 64 & 1) != 0) return true;
      ++n;
    }
  }
  return false;
}

CodeCache::Span CodeCache::span_in(const Block& b, u64 page_address) {
  const u64 begin = b.physical & core::kPageMask;
  if ((b.physical & kPageBits) != page_address) return {0, begin + b.bytes - core::kPageSize - 1};
  return {begin, std::min<u64>(begin + b.bytes, core::kPageSize) - 1};
}

void CodeCache::note_code(u64 page_address, Block* b) {
  core::GuestMemory::Page& page = e_.memory.page(page_address);
  PageInfo& info = pages_[page_address];
  info.blocks.push_back(b);
  const Span span = span_in(*b, page_address);
  info.mark(span.first, span.last);
  if (page.code == 0) e_.purge_writes(page_address);
  page.code |= grains_of(span.first, span.last);
}

Block* CodeCache::prefix(Block* block, unsigned count) {
  std::copy_n(block->insns, count, prefix_insns_.begin());
  Insn& last = prefix_insns_[count - 1];
  if ((last.bits & Insn::kPair) != 0) last.handler = choose_handler(e_, last);
  prefix_block_.bytes = block->insns[count].offset;
  return finish(prefix_block_, block->physical, count);
}

void CodeCache::drop(Block* block) {
  for (Block** at = &table_[hash(block->physical, block->mode)]; *at != nullptr; at = &(*at)->hash_next) {
    if (*at == block) {
      *at = block->hash_next;
      break;
    }
  }
  block->valid = false;
}

void CodeCache::drop_offsets(std::span<const u64> offsets_in_page) {
  for (Block*& head : table_) {
    for (Block** at = &head; *at != nullptr;) {
      Block* b = *at;
      const u64 begin = b->physical & core::kPageMask;
      const bool hit = std::ranges::any_of(offsets_in_page, [&](u64 o) { return o >= begin && o < begin + b->bytes; });
      if (hit) {
        b->valid = false;
        *at = b->hash_next;
      } else {
        at = &b->hash_next;
      }
    }
  }
  ++e_.link_generation;
}

void CodeCache::drop_overlapping(u64 page_address, u64 first, u64 last) {
  const auto it = pages_.find(page_address);
  core::GuestMemory::Page& page = e_.memory.page(page_address);
  if (it == pages_.end()) {
    page.code = 0;
    return;
  }
  PageInfo& info = it->second;
  // Data beside code is common (DOS keeps its variables there): a store to it must not cost a translation.
  if (!info.marked(first, last)) return;
  u32 left = 0;
  bool any = false;
  info.code = {};
  std::erase_if(info.blocks, [&](Block* b) {
    if (!b->valid) return true;
    const Span span = span_in(*b, page_address);
    if (span.first <= last && span.last >= first) {
      drop(b);
      any = true;
      return true;
    }
    info.mark(span.first, span.last);
    left |= grains_of(span.first, span.last);
    return false;
  });
  page.code = left;
  if (any) {
    ++e_.link_generation;
    if (info.drops < kStickyDrops && ++info.drops == kStickyDrops) page.sticky = true;
    if (e_.block != nullptr && (!e_.block->valid || e_.block == &prefix_block_ || e_.block == &scratch_block_))
      e_.attention();
  }
}

void CodeCache::note_store(u64 physical, unsigned width) {
  const u64 in_page = physical & core::kPageMask;
  const u64 last = std::min<u64>(in_page + width, core::kPageSize) - 1;
  if ((e_.memory.page(physical).code & grains_of(in_page, last)) != 0)
    drop_overlapping(physical & kPageBits, in_page, last);
}

void CodeCache::invalidate(u64 physical, u64 size) {
  const u64 end = physical + size;
  while (physical < end) {
    const u64 page_end = (physical & kPageBits) + core::kPageSize;
    const u64 last = std::min(page_end, end);
    const u64 from = physical & core::kPageMask;
    const u64 to = (last - 1) & core::kPageMask;
    if ((e_.memory.page(physical).code & grains_of(from, to)) != 0) drop_overlapping(physical & kPageBits, from, to);
    physical = last;
  }
}

}  // namespace orrery::cpu
