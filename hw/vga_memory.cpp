#include "hw/vga_memory.h"

#include <algorithm>
#include <array>
#include <new>

namespace orrery::hw {
namespace {

constexpr u32 kPageBytes = 1u << VgaMemory::kPageShift;

/// A byte of ones for each bit of a plane number mask.
constexpr std::array<u32, 16> kPlaneMask = [] {
  std::array<u32, 16> table{};
  for (unsigned n = 0; n < 16; ++n) {
    for (unsigned p = 0; p < 4; ++p) table[n] |= (n >> p & 1) != 0 ? 0xffu << (8 * p) : 0;
  }
  return table;
}();

constexpr u32 in_all_planes(u8 value) { return value * 0x01010101u; }

bool all_zero(const u8* p) { return p[0] == 0 && std::memcmp(p, p + 1, kPageBytes - 1) == 0; }

}  // namespace

// calloc() gives zero pages of the host that cost nothing until they are written.
VgaMemory::VgaMemory() : vram_(static_cast<u8*>(std::calloc(kVideoMemory, 1)), &std::free), dirty_(kPages, 1) {
  if (vram_ == nullptr) throw std::bad_alloc();
}

void VgaMemory::configure(const VgaRegisters& regs, const VbeDispi& dispi) {
  const auto& gr = regs.graphics;
  bank_ = dispi.bank();
  offset_mask_ = dispi.planar() ? kVideoMemory / 4 - 1 : 0xffff;
  switch (dispi.enabled() ? 1 : regs.memory_map()) {
    case 0: window_first_ = 0, window_size_ = 0x20000; break;
    case 1: window_first_ = 0, window_size_ = 0x10000; break;
    case 2: window_first_ = 0x10000, window_size_ = 0x8000; break;
    default: window_first_ = 0x18000, window_size_ = 0x8000; break;
  }
  if (!regs.ram_enabled()) {
    read_path_ = write_path_ = Path::Off;
  } else if (dispi.packed()) {
    read_path_ = write_path_ = Path::Linear;
  } else if (regs.chain_4() && !dispi.planar()) {
    read_path_ = write_path_ = Path::Chain4;
  } else {
    read_path_ = regs.odd_even_read() ? Path::OddEven : Path::Planar;
    write_path_ = regs.odd_even_write() ? Path::OddEven : Path::Planar;
  }
  // In odd/even addressing A0 chooses the plane, and another bit takes its place in the offset: A16 in the 128 KiB
  // window, otherwise the page bit of the miscellaneous output register (1: the lower page).
  page_from_a16_ = regs.memory_map() == 0;
  page_bit_ = (regs.misc & 0x20) != 0 ? 0 : 1;

  write_mode_ = gr[5] & 3;
  compare_ = (gr[5] & 0x08) != 0;
  rotate_ = gr[3] & 7;
  function_ = gr[3] >> 3 & 3;
  read_plane_ = gr[4] & 3;
  map_mask_ = kPlaneMask[regs.sequencer[2] & 15];
  set_reset_ = kPlaneMask[gr[0] & 15];
  enable_set_reset_ = kPlaneMask[gr[1] & 15];
  bit_mask_ = in_all_planes(gr[8]);
  color_compare_ = kPlaneMask[gr[2] & 15];
  color_care_ = kPlaneMask[gr[7] & 15];

  plain_ = write_mode_ == 0 && rotate_ == 0 && function_ == 0 && enable_set_reset_ == 0 && bit_mask_ == ~0u;
  direct_ = {};
  if (write_path_ == Path::Linear) {
    direct_ = {true, bank_};
  } else if (write_path_ == Path::Chain4 && window_first_ == 0 && window_size_ == kDirectSize && map_mask_ == ~0u &&
             plain_ && !compare_) {
    direct_ = {true, 0};
  }
}

// --- reads -----------------------------------------------------------------------------------------------------------

u8 VgaMemory::read_planes(u32 offset, unsigned plane) {
  latch_ = planes(offset & offset_mask_);
  if (!compare_) return static_cast<u8>(latch_ >> (8 * plane));
  // A bit of the answer is set where all planes that matter have the colour.
  u32 differs = (latch_ ^ color_compare_) & color_care_;
  differs |= differs >> 16;
  differs |= differs >> 8;
  return static_cast<u8>(~differs);
}

u8 VgaMemory::read_byte(u32 a) {
  switch (read_path_) {
    case Path::Chain4: return read_planes(a >> 2 & 0xffff, a & 3);
    case Path::OddEven: return read_planes(odd_even_offset(a), (read_plane_ & 2) | (a & 1));
    case Path::Planar: return read_planes(bank_ + (a & 0xffff), read_plane_);
    default: return 0xff;
  }
}

u64 VgaMemory::read(u32 offset, unsigned width) {
  u64 value = 0;
  for (unsigned n = 0; n < width; ++n) {
    const u32 a = offset + n - window_first_;
    u8 byte = 0xff;
    if (a < window_size_) byte = direct_.on ? vram_[direct_.offset + a] : read_byte(a);
    value |= u64{byte} << (8 * n);
  }
  return value;
}

// --- writes ----------------------------------------------------------------------------------------------------------

u32 VgaMemory::written(u8 value) const {
  if (plain_) return in_all_planes(value);
  if (write_mode_ == 1) return latch_;
  const u32 turned = in_all_planes(static_cast<u8>(value >> rotate_ | value << (8 - rotate_)));
  u32 data = set_reset_;
  u32 mask = bit_mask_;
  switch (write_mode_) {
    case 0: data = (turned & ~enable_set_reset_) | (set_reset_ & enable_set_reset_); break;
    case 2: data = kPlaneMask[value & 15]; break;
    default: mask &= turned; break;
  }
  switch (function_) {
    case 1: data &= latch_; break;
    case 2: data |= latch_; break;
    case 3: data ^= latch_; break;
    default: break;
  }
  return (data & mask) | (latch_ & ~mask);
}

void VgaMemory::store(u32 offset, u32 plane_mask, u32 data) {
  offset = (offset & offset_mask_) << 2;
  u8* p = &vram_[offset];
  core::store_le<u32>(p, (core::load_le<u32>(p) & ~plane_mask) | (data & plane_mask));
  dirty_[offset >> kPageShift] = 1;
}

void VgaMemory::write_byte(u32 a, u8 value) {
  const u32 data = written(value);
  switch (write_path_) {
    case Path::Chain4: store(a >> 2 & 0xffff, map_mask_ & 0xffu << (8 * (a & 3)), data); break;
    case Path::OddEven: store(odd_even_offset(a), map_mask_ & ((a & 1) != 0 ? 0xff00ff00 : 0x00ff00ff), data); break;
    case Path::Planar: store(bank_ + (a & 0xffff), map_mask_, data); break;
    default: break;
  }
}

u8 VgaMemory::peek(u32 offset) {
  const u32 latch = latch_;
  const u8 value = static_cast<u8>(read(offset, 1));
  latch_ = latch;
  return value;
}

void VgaMemory::write(u32 offset, unsigned width, u64 value) {
  if (const u32 a = offset - window_first_; plain_ && write_path_ == Path::OddEven && (a & 1) == 0 && width % 2 == 0 &&
                                            a < window_size_ && window_size_ - a >= width) {
    // Character and attribute go to the same offset.
    for (unsigned n = 0; n < width; n += 2, value >>= 16) {
      store(odd_even_offset(a + n), map_mask_, static_cast<u16>(value) * 0x00010001u);
    }
    return;
  }
  for (unsigned n = 0; n < width; ++n, value >>= 8) {
    const u32 a = offset + n - window_first_;
    if (a >= window_size_) continue;
    if (direct_.on) {
      vram_[direct_.offset + a] = static_cast<u8>(value);
      dirty_[(direct_.offset + a) >> kPageShift] = 1;
    } else {
      write_byte(a, static_cast<u8>(value));
    }
  }
}

void VgaMemory::clear(u32 size) {
  std::memset(vram_.get(), 0, size);
  mark_all();
}

// --- state -----------------------------------------------------------------------------------------------------------

void VgaMemory::archive(core::Archive& ar) {
  ar("latch", latch_);
  archive_contents(ar);
}

void VgaMemory::archive_contents(core::Archive& ar) {
  // The pages that are not empty: number (4 bytes, little-endian) and contents, one after the other.
  constexpr std::size_t kRecord = 4 + kPageBytes;
  std::vector<u8> pages;
  if (!ar.loading()) {
    for (u32 n = 0; n < kPages; ++n) {
      const u8* page = &vram_[n * kPageBytes];
      if (all_zero(page)) continue;
      pages.resize(pages.size() + kRecord);
      core::store_le<u32>(&pages[pages.size() - kRecord], n);
      std::copy_n(page, kPageBytes, pages.end() - kPageBytes);
    }
  }
  ar("memory", pages);
  if (!ar.loading()) return;
  if (pages.size() % kRecord != 0) throw core::ArchiveError("vga: the saved video memory is cut off");
  for (u32 n = 0; n < kPages; ++n) {
    if (!all_zero(&vram_[n * kPageBytes])) std::memset(&vram_[n * kPageBytes], 0, kPageBytes);
  }
  for (std::size_t at = 0; at < pages.size(); at += kRecord) {
    const u32 n = core::load_le<u32>(&pages[at]);
    if (n >= kPages) throw core::ArchiveError("vga: the saved video memory names a page that there is not");
    std::copy_n(&pages[at + 4], kPageBytes, &vram_[n * kPageBytes]);
  }
  mark_all();
}

}  // namespace orrery::hw
