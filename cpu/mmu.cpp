// Address translation and every access that the inlined fast path leaves over (SDM vol. 3, chapter 4).
#include <algorithm>

#include "cpu/code_cache.h"
#include "cpu/engine.h"

namespace orrery::cpu {
namespace {

// Page-fault error code (SDM vol. 3, figure 4-12).
constexpr u32 kPfPresent = 1, kPfWrite = 2, kPfUser = 4, kPfReserved = 8, kPfFetch = 16;

// Page-table entry bits.
constexpr u64 kPteP = 1, kPteW = 2, kPteU = 4, kPteA = 0x20, kPteD = 0x40, kPtePs = 0x80, kPteG = 0x100,
              kPteNx = u64{1} << 63;

}  // namespace

bool Engine::walk(u64 linear, Access access, bool user, bool quiet, Mapping& mapping, u32& error) {
  const bool write = access == Access::Write;
  const bool nxe = (s.efer & kEferNxe) != 0;
  if ((s.cr0 & kCr0Pg) == 0) {
    mapping = {.physical = linear & 0xfffff000 & a20_mask(), .write_ok = true, .global = false};
    return true;
  }
  const bool fetch_bit = access == Access::Execute && ((nxe && (s.cr4 & kCr4Pae) != 0) || (s.cr4 & kCr4Smep) != 0);
  error = (write ? kPfWrite : 0) | (user ? kPfUser : 0) | (fetch_bit ? kPfFetch : 0);

  const bool pae = (s.cr4 & kCr4Pae) != 0;
  const bool lm = long_mode();
  const unsigned entry_size = pae ? 8 : 4;
  const u64 physical_mask = (u64{1} << model.physical_bits) - 1;
  u64 table = 0;
  unsigned level = 0;  // of the next table: 4 PML4 ... 1 page table
  bool can_write = true, can_user = true, no_execute = false;
  // Before the Pentium Pro, a directory entry was marked accessed together with the table entry, if the access is
  // allowed.
  const bool late_accessed = model.family < 6;
  u64 late_address = 0, late_entry = 0;
  if (lm) {
    table = s.cr3 & 0xffffffffff000;
    level = 4;
  } else if (pae) {
    const u64 pdpte = s.pdpte[(linear >> 30) & 3];
    if ((pdpte & kPteP) == 0) return false;
    table = pdpte & 0xffffffffff000;
    level = 2;
  } else {
    table = s.cr3 & 0xfffff000;
    level = 2;
  }
  for (;; --level) {
    const unsigned index_bits = pae ? 9 : 10;
    const unsigned shift = 12 + (level - 1) * index_bits;
    const u64 address = (table + ((linear >> shift) & ((1u << index_bits) - 1)) * entry_size) & a20_mask();
    u64 entry = memory.read(address, entry_size);
    if ((entry & kPteP) == 0) return false;
    const bool leaf = level == 1 || ((entry & kPtePs) != 0 &&
                                     ((level == 2 && (pae || (s.cr4 & kCr4Pse) != 0)) || (level == 3 && lm)));
    u64 reserved = 0;
    if (pae) {
      reserved = 0x000ffffffffff000 & ~physical_mask;
      if (!nxe) reserved |= kPteNx;
      if (!lm) reserved |= 0x7ff0000000000000;
      if (leaf && level == 2) reserved |= 0x1fe000;
      if (leaf && level == 3) reserved |= 0x3fffe000;
      if (!leaf && level >= 3) reserved |= level == 4 || !model.has(Feature::Pdpe1gb) ? kPtePs : 0;
      if (leaf && level == 3 && !model.has(Feature::Pdpe1gb)) reserved |= kPtePs;
    } else if (leaf && level == 2) {
      // PSE-36: bits 20:13 are physical address bits 39:32, as far as the model has them; bit 21 is reserved.
      const unsigned high = model.has(Feature::Pse36) ? std::min(model.physical_bits, 40u) - 32 : 0;
      reserved = 0x3fe000 & ~(((u64{1} << high) - 1) << 13);
    }
    if ((entry & reserved) != 0) {
      error |= kPfPresent | kPfReserved;
      return false;
    }
    can_write = can_write && (entry & kPteW) != 0;
    can_user = can_user && (entry & kPteU) != 0;
    no_execute = no_execute || (pae && nxe && (entry & kPteNx) != 0);
    if (!leaf) {
      if ((entry & kPteA) == 0 && !quiet) {
        if (late_accessed) {
          late_address = address;
          late_entry = entry | kPteA;
        } else {
          memory.write(address, entry_size, entry | kPteA);
        }
      }
      table = pae ? entry & 0x000ffffffffff000 : entry & 0xfffff000;
      continue;
    }
    // Permissions (SDM vol. 3, 4.6).
    bool allowed = true;
    if (user) {
      allowed = can_user && (!write || can_write);
    } else {
      if (write) allowed = can_write || (s.cr0 & kCr0Wp) == 0;
      if (can_user && access == Access::Execute && (s.cr4 & kCr4Smep) != 0) allowed = false;
      if (can_user && access != Access::Execute && (s.cr4 & kCr4Smap) != 0 && !smap_lifted()) allowed = false;
    }
    if (access == Access::Execute && no_execute) allowed = false;
    if (!allowed && !quiet) {
      error |= kPfPresent;
      return false;
    }
    if (late_entry != 0) memory.write(late_address, entry_size, late_entry);
    const u64 wanted = entry | kPteA | (write ? kPteD : 0);
    if (wanted != entry && !quiet) {
      memory.write(address, entry_size, wanted);
      entry = wanted;
    }
    const u64 span_mask = (u64{1} << shift) - 1;
    u64 base = pae ? entry & 0x000ffffffffff000 : entry & 0xfffff000;
    if (!pae && level == 2)
      base = (entry & 0xffc00000) | (model.has(Feature::Pse36) ? core::bits(entry, 20, 13) << 32 : 0);
    const u64 physical = ((base & ~span_mask) | (linear & span_mask)) & ~u64{0xfff};
    mapping.physical = physical & a20_mask();
    mapping.global = (entry & kPteG) != 0 && (s.cr4 & kCr4Pge) != 0;
    mapping.write_ok = (entry & kPteD) != 0 && (can_write || (!user && (s.cr0 & kCr0Wp) == 0));
    return true;
  }
}

/// The usual case of walk(): 4 KiB pages whose entries are in memory, present, allowed and marked already. False if it
/// is another; nothing has happened then. Entry: u32, or u64 with PAE.
template <class Entry> bool Engine::quick_walk(u64 linear, Access access, bool user, Mapping& mapping) const {
  constexpr bool kPae = sizeof(Entry) == 8;
  constexpr unsigned kIndexBits = kPae ? 9 : 10;
  constexpr u64 kAddress = kPae ? 0x000ffffffffff000 : 0xfffff000;
  const bool write = access == Access::Write;
  const bool protects = (s.cr0 & kCr0Wp) != 0;
  u64 table = s.cr3 & kAddress;
  unsigned level = kPae && long_mode() ? 4 : 2;
  u64 reserved = 0;
  if constexpr (kPae) {
    reserved = kAddress & ~((u64{1} << model.physical_bits) - 1);
    // An entry with NX is good enough for data.
    if ((s.efer & kEferNxe) == 0 || access == Access::Execute) reserved |= kPteNx;
    if (level == 2) {
      reserved |= 0x7ff0000000000000;
      table = s.pdpte[(linear >> 30) & 3];
      if ((table & kPteP) == 0) return false;
      table &= kAddress;
    }
  }
  u64 rights = kPteW | kPteU;
  u64 entry = 0;
  for (unsigned shift = 12 + (level - 1) * kIndexBits;; shift -= kIndexBits) {
    const u64 address = (table + ((linear >> shift) & ((1u << kIndexBits) - 1)) * sizeof(Entry)) & a20_mask();
    const u8* at = memory.page(address).read;
    if (at == nullptr) return false;
    entry = core::load_le<Entry>(at + (address & core::kPageMask));
    constexpr u64 kMarked = kPteP | kPteA;
    if ((entry & kMarked) != kMarked || (entry & reserved) != 0) return false;
    rights &= entry;
    if (shift == 12) break;
    if ((entry & kPtePs) != 0) return false;
    table = entry & kAddress;
  }
  const bool can_write = (rights & kPteW) != 0 || (!user && !protects);
  const bool can_user = (rights & kPteU) != 0;
  if (write && (!can_write || (entry & kPteD) == 0)) return false;
  if (user ? !can_user : can_user && (s.cr4 & (kCr4Smep | kCr4Smap)) != 0) return false;
  mapping = {.physical = entry & kAddress & a20_mask(),
             .write_ok = (entry & kPteD) != 0 && can_write,
             .global = (entry & kPteG) != 0 && (s.cr4 & kCr4Pge) != 0};
  return true;
}

Engine::Mapping Engine::map(u64 linear, Access access, bool user) {
  Mapping mapping;
  u32 error = 0;
  if ((s.cr0 & kCr0Pg) != 0 && ((s.cr4 & kCr4Pae) != 0 ? quick_walk<u64>(linear, access, user, mapping)
                                                       : quick_walk<u32>(linear, access, user, mapping))) {
    return mapping;
  }
  if (!walk(linear, access, user, false, mapping, error)) page_fault(linear, error);
  return mapping;
}

u64 Engine::translate(u64 linear, Access access, bool user) {
  return map(linear, access, user).physical | (linear & core::kPageMask);
}

bool Engine::translate_quietly(u64 linear, u64& physical) const {
  Mapping mapping;
  u32 error = 0;
  if (!const_cast<Engine*>(this)->walk(linear, Access::Read, false, true, mapping, error)) return false;
  physical = mapping.physical | (linear & core::kPageMask);
  return true;
}

TlbEntry& Engine::fill(u64 linear, Access access, bool user) {
  const Mapping mapping = map(linear, access, user);
  TlbEntry& t = (*tlbs_[tlb_index(user)])[(linear >> 12) & (kTlbSize - 1)];
  t.physical = mapping.physical | (mapping.global ? global_epoch_ : 0);
  t.host = reinterpret_cast<u64>(memory.page(mapping.physical).read) - (linear & ~u64{0xfff});
  t.read_tag = tag_of(linear);
  form_tags(t, linear, mapping.write_ok);
  return t;
}

void Engine::form_tags(TlbEntry& t, u64 linear, bool write_ok) const {
  const core::GuestMemory::Page& page = memory.page(t.physical);
  const u64 tag = t.read_tag & ~TlbEntry::kSlow;
  const bool seen = (data_breakpoints_ && page_has_data_breakpoint(linear)) ||
                    (debug_points_.data() && debug_points_.in_page(linear, t.physical & ~u64{0xfff}));
  t.read_tag = tag | (page.read == nullptr || seen ? TlbEntry::kSlow : 0);
  const bool direct =
      page.write != nullptr && page.write == page.read && page.code == 0 && !page.watched && !seen && !page.sticky;
  t.write_tag = !write_ok ? TlbEntry::kInvalid : tag | (direct ? 0 : TlbEntry::kSlow);
}

TlbEntry& Engine::entry_for(u64 linear, Access access, bool user) {
  TlbEntry& t = (*tlbs_[tlb_index(user)])[(linear >> 12) & (kTlbSize - 1)];
  const u64 have = (access == Access::Write ? t.write_tag : t.read_tag) & ~TlbEntry::kSlow;
  const u64 tag = tag_of(linear);
  if (have == tag) return t;
  // A global page of an older generation is still good: give its tags the present one.
  const u64 any = t.read_tag & ~(TlbEntry::kSlow | TlbEntry::kGenerationMask);
  if ((t.physical & TlbEntry::kGlobalEpochMask) == global_epoch_ && t.read_tag != TlbEntry::kInvalid &&
      any == (linear & ~u64{0xfff}) && (t.read_tag & TlbEntry::kGenerationMask) != tlb_generation) {
    const auto renew = [&](u64 old) {
      return old == TlbEntry::kInvalid ? old : (old & ~TlbEntry::kGenerationMask) | tlb_generation;
    };
    t.read_tag = renew(t.read_tag);
    t.write_tag = renew(t.write_tag);
    if (access != Access::Write || t.write_tag != TlbEntry::kInvalid) return t;
  }
  return fill(linear, access, user);
}

void Engine::clear_tlbs() {
  for (auto& table : tlbs_) table->fill(TlbEntry{});
}

void Engine::flush_tlb(bool globals_too) {
  ++link_generation;
  code_->flush_translations();
  ++tlb_generation;
  if (globals_too) ++global_epoch_;
  if (tlb_generation >= TlbEntry::kGenerationMask || global_epoch_ > TlbEntry::kGlobalEpochMask) {
    clear_tlbs();
    tlb_generation = 1;
    global_epoch_ = 1;
  }
}

void Engine::invalidate_page(u64 linear) {
  ++link_generation;
  code_->flush_translations();
  for (auto& table : tlbs_) {
    TlbEntry& t = (*table)[(linear >> 12) & (kTlbSize - 1)];
    t = TlbEntry{};
  }
}

void Engine::purge_writes(u64 physical_page) {
  for (auto& table : tlbs_) {
    for (TlbEntry& t : *table) {
      if ((t.physical & ~u64{0xfff}) == physical_page && t.write_tag != TlbEntry::kInvalid)
        t.write_tag |= TlbEntry::kSlow;
    }
  }
}

// --- segments --------------------------------------------------------------------------------------------------------

void Engine::refresh_window(unsigned seg) {
  const Segment& g = s.seg[seg];
  SegmentWindow& w = windows[seg];
  w = SegmentWindow{.base = g.base};
  if (code64()) {
    if (seg != kFs && seg != kGs) w.base = 0;
    w.read_end = w.write_end = ~u64{0};
    return;
  }
  const u64 end = u64{g.limit} + 1;
  if (!protected_mode()) {
    w.read_end = w.write_end = g.expand_down() ? 0 : end;
    return;
  }
  if (!g.present() || !g.s() || g.expand_down()) return;
  if (g.readable()) w.read_end = end;
  if (g.writable()) w.write_end = end;
}

u64 Engine::check_segment(unsigned seg, u64 offset, unsigned width, Access access) {
  const Segment& g = s.seg[seg];
  const u8 vector = seg == kSs ? kSsv : kGp;
  if (code64()) {
    const u64 linear = seg == kFs || seg == kGs ? g.base + offset : offset;
    if (!canonical(linear) || !canonical(linear + width - 1)) fault(vector, 0);
    return linear;
  }
  if (protected_mode()) {
    if (!g.present() || !g.s()) fault(vector, 0);
    if (access == Access::Write ? !g.writable() : access == Access::Read && !g.readable()) fault(vector, 0);
  }
  const u64 last = offset + width - 1;
  if (g.expand_down()) {
    const u64 top = g.db() ? 0xffffffff : 0xffff;
    if (offset <= g.limit || last > top) fault(vector, 0);
  } else if (last > g.limit) {
    fault(vector, 0);
  }
  return (g.base + offset) & 0xffffffff;
}

u64 Engine::segment_slow(unsigned seg, u64 offset, unsigned width, Access access, const Insn* i) {
  current = i;
  return check_segment(seg, offset, width, access);
}

// --- accesses --------------------------------------------------------------------------------------------------------

void Engine::check_canonical(u64 linear, unsigned width, unsigned seg) {
  if (code64() && (!canonical(linear) || !canonical(linear + width - 1))) fault(seg == kSs ? kSsv : kGp, 0);
}

void Engine::check_alignment(u64 linear, unsigned width, bool user) {
  if (user && tlb == empty_tlb_->data() && (linear & (width - 1)) != 0) fault(kAcv, 0);
}

bool Engine::page_has_data_breakpoint(u64 linear) const {
  for (unsigned n = 0; n < 4; ++n) {
    if ((s.dr[7] >> (2 * n) & 3) == 0) continue;
    const unsigned kind = (s.dr[7] >> (16 + 4 * n)) & 3;
    if (kind == 0 || (kind == 2 && (s.cr4 & kCr4De) != 0)) continue;
    if ((s.dr[n] & ~u64{0xfff}) == (linear & ~u64{0xfff})) return true;
  }
  return false;
}

void Engine::check_data_breakpoints(u64 linear, unsigned width, Access access) {
  u64 hits = 0;
  for (unsigned n = 0; n < 4; ++n) {
    const unsigned kind = (s.dr[7] >> (16 + 4 * n)) & 3;
    if (kind == 0 || kind == 2 || (kind == 1 && access == Access::Read)) continue;
    const u64 size = std::array<u64, 4>{1, 2, 8, 4}[(s.dr[7] >> (18 + 4 * n)) & 3];
    const u64 first = s.dr[n] & ~(size - 1);
    if (linear < first + size && first < linear + width) {
      // Matches are reported for every breakpoint, enabled or not, once an enabled one matches (SDM vol. 3, 17.2.3).
      hits |= u64{1} << n;
    }
  }
  u64 enabled = 0;
  for (unsigned n = 0; n < 4; ++n) enabled |= (s.dr[7] >> (2 * n) & 3) != 0 ? u64{1} << n : 0;
  if ((hits & enabled) != 0) note_debug(hits);
}

u64 Engine::load_linear(u64 linear, unsigned width, bool user) {
  if (!long_mode()) linear &= 0xffffffff;
  const u64 in_page = linear & core::kPageMask;
  if (in_page + width > core::kPageSize) {
    const unsigned first = static_cast<unsigned>(core::kPageSize - in_page);
    const u64 second = long_mode() ? linear + first : (linear + first) & 0xffffffff;
    entry_for(linear, Access::Read, user);
    entry_for(second, Access::Read, user);
    u64 value = 0;
    for (unsigned n = 0; n < width; ++n) {
      value |= load_linear(n < first ? linear + n : second + (n - first), 1, user) << (8 * n);
    }
    return value;
  }
  if (data_breakpoints_) check_data_breakpoints(linear, width, Access::Read);
  const TlbEntry& t = entry_for(linear, Access::Read, user);
  if (debug_points_.data()) check_data_points(linear, (t.physical & ~u64{0xfff}) | in_page, width, false);
  const u8* p = reinterpret_cast<const u8*>(t.host + linear);
  if ((t.read_tag & TlbEntry::kSlow) != 0) [[unlikely]] {
    const core::GuestMemory::Page& page = memory.page(t.physical);
    if (page.read == nullptr) {
      sync_clock();
      return memory.mmio().read((t.physical & ~u64{0xfff}) | in_page, width);
    }
    p = page.read + in_page;
  }
  switch (width) {
    case 1: return *p;
    case 2: return core::load_le<u16>(p);
    case 4: return core::load_le<u32>(p);
    case 8: return core::load_le<u64>(p);
    default: {
      u64 value = 0;
      for (unsigned n = 0; n < width; ++n) value |= u64{p[n]} << (8 * n);
      return value;
    }
  }
}

void Engine::store_linear(u64 linear, unsigned width, u64 value, bool user) {
  if (!long_mode()) linear &= 0xffffffff;
  const u64 in_page = linear & core::kPageMask;
  if (in_page + width > core::kPageSize) {
    const unsigned first = static_cast<unsigned>(core::kPageSize - in_page);
    const u64 second = long_mode() ? linear + first : (linear + first) & 0xffffffff;
    entry_for(linear, Access::Write, user);  // both pages are checked before either is written
    entry_for(second, Access::Write, user);
    for (unsigned n = 0; n < width; ++n) {
      store_linear(n < first ? linear + n : second + (n - first), 1, value >> (8 * n), user);
    }
    return;
  }
  if (data_breakpoints_) check_data_breakpoints(linear, width, Access::Write);
  TlbEntry& t = entry_for(linear, Access::Write, user);
  const u64 physical = (t.physical & ~u64{0xfff}) | in_page;
  if (debug_points_.data()) check_data_points(linear, physical, width, true);
  u8* p = reinterpret_cast<u8*>(t.host + linear);
  if ((t.write_tag & TlbEntry::kSlow) != 0) {
    core::GuestMemory::Page& page = memory.page(physical);
    if (page.write == nullptr) {
      sync_clock();
      if (page.read == nullptr) {
        memory.mmio().write(physical, width, value);
      } else {
        memory.write(physical, width, value);  // ROM, or a device's view of memory
      }
      return;
    }
    if (page.code != 0) code_->note_store(physical, width);
    if (page.watched) {
      memory.note_write(page);
      if (page.code == 0 && page.write == page.read && !data_breakpoints_ && !debug_points_.data() && !page.sticky) {
        t.write_tag &= ~TlbEntry::kSlow;
      }
    }
    p = page.write + in_page;
  }
  switch (width) {
    case 1: *p = static_cast<u8>(value); break;
    case 2: core::store_le<u16>(p, static_cast<u16>(value)); break;
    case 4: core::store_le<u32>(p, static_cast<u32>(value)); break;
    case 8: core::store_le<u64>(p, value); break;
    default:
      for (unsigned n = 0; n < width; ++n) p[n] = static_cast<u8>(value >> (8 * n));
  }
}

u64 Engine::load_slow(u64 linear, unsigned width, unsigned seg, const Insn* i) {
  current = i;
  check_canonical(linear, width, seg);
  check_alignment(linear, width, user());
  return load_linear(linear, width, user());
}

void Engine::store_slow(u64 linear, unsigned width, u64 value, unsigned seg, const Insn* i) {
  current = i;
  check_canonical(linear, width, seg);
  check_alignment(linear, width, user());
  store_linear(linear, width, value, user());
}

Vec128 Engine::load128_slow(u64 linear, unsigned seg, const Insn* i) {
  current = i;
  check_canonical(linear, 16, seg);
  const u64 low = load_slow(linear, 8, seg, i);
  return {{low, load_slow(linear + 8, 8, seg, i)}};
}

void Engine::store128_slow(u64 linear, Vec128 value, unsigned seg, const Insn* i) {
  current = i;
  check_canonical(linear, 16, seg);
  check_alignment(linear, 8, user());
  probe_linear(linear, 16, Access::Write, user());  // nothing is written if either page faults
  store_linear(linear, 8, value.q[0], user());
  store_linear(linear + 8, 8, value.q[1], user());
}

u8* Engine::prepare_write(u64 linear, unsigned width, unsigned seg, const Insn* i) {
  current = i;
  check_canonical(linear, width, seg);
  check_alignment(linear, width, user());
  const u64 in_page = linear & core::kPageMask;
  TlbEntry& t = entry_for(linear, Access::Write, user());
  if (in_page + width > core::kPageSize) {
    const u64 second = (linear | core::kPageMask) + 1;
    entry_for(code64() ? second : second & 0xffffffff, Access::Write, user());
    return nullptr;
  }
  if ((t.write_tag & TlbEntry::kSlow) != 0) return nullptr;
  return reinterpret_cast<u8*>(t.host + linear);
}

void Engine::probe_linear(u64 linear, unsigned width, Access access, bool user) {
  entry_for(linear, access, user);
  if ((linear & core::kPageMask) + width > core::kPageSize) {
    const u64 second = (linear | core::kPageMask) + 1;
    entry_for(long_mode() ? second : second & 0xffffffff, access, user);
  }
}

void Engine::probe_write(unsigned seg, u64 offset, unsigned width) {
  const u64 linear = check_segment(seg, offset, width, Access::Write);
  check_alignment(linear, width, user());
  probe_linear(linear, width, Access::Write, user());
}

u64 Engine::load(unsigned seg, u64 offset, unsigned width) {
  return load_slow(check_segment(seg, offset, width, Access::Read), width, seg, current);
}

void Engine::store(unsigned seg, u64 offset, unsigned width, u64 value) {
  store_slow(check_segment(seg, offset, width, Access::Write), width, value, seg, current);
}

void Engine::push(unsigned width, u64 value) {
  const u64 sp = (stack_pointer() - width) & stack_mask;
  store(kSs, sp, width, value);
  set_stack_pointer(sp);
}

u64 Engine::pop(unsigned width) {
  const u64 value = load(kSs, stack_pointer(), width);
  set_stack_pointer(stack_pointer() + width);
  return value;
}

}  // namespace orrery::cpu
