// Guest-physical memory: RAM, ROM, holes, and the way to memory-mapped devices.
//
// The first 4 GiB and whatever lies above are described page by page (4 KiB): where reads go, where writes go, and
// flags. A page without a host pointer leads to the device ranges of mmio(). The board maps pages; chips that change
// the map (PAM and SMRAM registers, a linear frame buffer) do it through map_pages().
//
// Every write that does not come from the CPU's fast path goes through write*(), which keeps decoded code and dirty
// tracking exact: DMA, device writes and debugger writes alike.
//
// Addresses here are what is on the bus: the A20 gate is applied by the CPU before.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "hw/core/bus.h"
#include "hw/core/types.h"

namespace orrery::core {

inline constexpr u64 kPageSize = 4096;
inline constexpr u64 kPageMask = kPageSize - 1;
/// Code presence is tracked in grains of this many bytes, 32 to a page.
inline constexpr u64 kCodeGrain = 128;

class GuestMemory {
 public:
  struct Page {
    u8* read = nullptr;    // host address of the page, or null: reads go to mmio()
    u8* write = nullptr;   // host address of the page, or null: writes go to mmio() (ROM: nowhere)
    u32 code = 0;          // bit n: decoded code lies in grain n; kept by the CPU's block cache
    bool watched = false;  // the next write must be seen (dirty tracking); cleared by that write
    bool sticky = false;   // code in it keeps changing: the CPU's stores stay slow; kept by the CPU's block cache
  };

  /// `ram_size` bytes of zeroed RAM (a multiple of 4 KiB, at least one page), mapped nowhere yet.
  GuestMemory(u64 ram_size, Log& log);
  ~GuestMemory();
  GuestMemory(const GuestMemory&) = delete;
  GuestMemory& operator=(const GuestMemory&) = delete;

  std::span<u8> ram() { return {ram_, ram_size_}; }
  IoSpace& mmio() { return mmio_; }

  /// Sets the page map of [address, address+size) (page-aligned): reads from `read`, writes to `write`, either may be
  /// null. Blocks decoded there and cached translations are dropped.
  void map_pages(u64 address, u64 size, u8* read, u8* write);
  /// RAM at `ram_offset` becomes visible at [address, address+size), read and write.
  void map_ram(u64 address, u64 size, u64 ram_offset);

  /// The page that holds `address`. Never null; a hole has null pointers.
  const Page& page(u64 address) const { return *find(address); }
  Page& page(u64 address) { return *find(address); }

  /// Reads 1, 2, 4 or 8 bytes, aligned or not, through devices where there is no memory.
  u64 read(u64 address, unsigned width);
  void write(u64 address, unsigned width, u64 value);
  u8 read8(u64 a) { return static_cast<u8>(read(a, 1)); }
  u16 read16(u64 a) { return static_cast<u16>(read(a, 2)); }
  u32 read32(u64 a) { return static_cast<u32>(read(a, 4)); }
  u64 read64(u64 a) { return read(a, 8); }
  void write8(u64 a, u8 v) { write(a, 1, v); }
  void write16(u64 a, u16 v) { write(a, 2, v); }
  void write32(u64 a, u32 v) { write(a, 4, v); }
  void write64(u64 a, u64 v) { write(a, 8, v); }

  /// Bus-master DMA.
  void read_block(u64 address, std::span<u8> out);
  void write_block(u64 address, std::span<const u8> data);

  /// Arms dirty tracking of whole pages: the next write to each sets its dirty mark once.
  /// Returns for each page of [address, address+size) whether it was written since the last call.
  std::vector<bool> take_dirty(u64 address, u64 size);

  // --- for the CPU ---------------------------------------------------------------------------------------------------
  /// Called when something other than the CPU's own store writes [address, address+size) where code was decoded.
  void on_code_write(std::function<void(u64 address, u64 size)> hook) { code_write_ = std::move(hook); }
  /// Called when the page map changes: cached translations are stale and code decoded there is gone.
  void on_remap(std::function<void(u64 address, u64 size)> hook) { remap_ = std::move(hook); }
  /// Called when pages of [address, address+size) are watched again: cached write access to them is stale.
  void on_watch(std::function<void(u64 address, u64 size)> hook) { watch_ = std::move(hook); }
  /// The CPU is about to write fast to a watched page: sets its dirty mark and lets fast writes pass until
  /// take_dirty().
  void note_write(Page& page) { page.watched = false; }

 private:
  static constexpr u64 kLeafPages = 1024;  // a leaf describes 4 MiB
  struct Leaf {
    std::array<Page, kLeafPages> pages;
  };

  Page* find(u64 address) const {
    const u64 index = address >> 22;
    Leaf* leaf = index < low_.size() ? low_[index].get() : find_high(index);
    return leaf != nullptr ? &leaf->pages[(address >> 12) & (kLeafPages - 1)] : &hole_;
  }
  Leaf* find_high(u64 index) const;
  Leaf& make_leaf(u64 index);

  u8* ram_ = nullptr;
  u64 ram_size_;
  IoSpace mmio_;
  std::array<std::unique_ptr<Leaf>, 1024> low_;
  std::unordered_map<u64, std::unique_ptr<Leaf>> high_;
  mutable Page hole_;
  std::function<void(u64, u64)> code_write_;
  std::function<void(u64, u64)> remap_;
  std::function<void(u64, u64)> watch_;
};

}  // namespace orrery::core
