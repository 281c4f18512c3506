#include "hw/core/memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>

namespace orrery::core {

GuestMemory::GuestMemory(u64 ram_size, Log& log) : ram_size_(ram_size), mmio_("memory", log) {
  void* p = mmap(nullptr, ram_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) throw std::bad_alloc();
  ram_ = static_cast<u8*>(p);
}

GuestMemory::~GuestMemory() { munmap(ram_, ram_size_); }

GuestMemory::Leaf* GuestMemory::find_high(u64 index) const {
  auto it = high_.find(index);
  return it != high_.end() ? it->second.get() : nullptr;
}

GuestMemory::Leaf& GuestMemory::make_leaf(u64 index) {
  std::unique_ptr<Leaf>& slot = index < low_.size() ? low_[index] : high_[index];
  if (!slot) slot = std::make_unique<Leaf>();
  return *slot;
}

void GuestMemory::map_pages(u64 address, u64 size, u8* read, u8* write) {
  for (u64 offset = 0; offset < size; offset += kPageSize) {
    const u64 at = address + offset;
    Page& page = make_leaf(at >> 22).pages[(at >> 12) & (kLeafPages - 1)];
    page.read = read != nullptr ? read + offset : nullptr;
    page.write = write != nullptr ? write + offset : nullptr;
    page.watched = false;
  }
  if (remap_) remap_(address, size);
}

void GuestMemory::map_ram(u64 address, u64 size, u64 ram_offset) {
  map_pages(address, size, ram_ + ram_offset, ram_ + ram_offset);
}

u64 GuestMemory::read(u64 address, unsigned width) {
  const u64 in_page = address & kPageMask;
  if (in_page + width > kPageSize) {
    u64 value = 0;
    for (unsigned i = 0; i < width; ++i) value |= read(address + i, 1) << (8 * i);
    return value;
  }
  const Page* page = find(address);
  if (page->read == nullptr) return mmio_.read(address, width);
  const u8* p = page->read + in_page;
  switch (width) {
    case 1: return *p;
    case 2: return load_le<u16>(p);
    case 4: return load_le<u32>(p);
    default: return load_le<u64>(p);
  }
}

void GuestMemory::write(u64 address, unsigned width, u64 value) {
  const u64 in_page = address & kPageMask;
  if (in_page + width > kPageSize) {
    for (unsigned i = 0; i < width; ++i) write(address + i, 1, value >> (8 * i));
    return;
  }
  Page* page = find(address);
  if (page->write == nullptr) {
    if (page->read == nullptr || mmio_.mapped(address)) mmio_.write(address, width, value);
    return;
  }
  std::array<u8, 8> data;
  store_le<u64>(data.data(), value);
  if (page->code != 0 && code_write_) code_write_(address, width);
  page->watched = false;
  std::memcpy(page->write + in_page, data.data(), width);
}

void GuestMemory::read_block(u64 address, std::span<u8> out) {
  while (!out.empty()) {
    const u64 in_page = address & kPageMask;
    const u64 count = std::min<u64>(out.size(), kPageSize - in_page);
    const Page* page = find(address);
    if (page->read != nullptr) {
      std::memcpy(out.data(), page->read + in_page, count);
    } else {
      for (u64 i = 0; i < count; ++i) out[i] = static_cast<u8>(mmio_.read(address + i, 1));
    }
    address += count;
    out = out.subspan(count);
  }
}

void GuestMemory::write_block(u64 address, std::span<const u8> data) {
  while (!data.empty()) {
    const u64 in_page = address & kPageMask;
    const u64 count = std::min<u64>(data.size(), kPageSize - in_page);
    Page* page = find(address);
    if (page->write != nullptr) {
      if (page->code != 0 && code_write_) code_write_(address, count);
      page->watched = false;
      std::memcpy(page->write + in_page, data.data(), count);
    } else {
      for (u64 i = 0; i < count; ++i) write(address + i, 1, data[i]);
    }
    address += count;
    data = data.subspan(count);
  }
}

std::vector<bool> GuestMemory::take_dirty(u64 address, u64 size) {
  std::vector<bool> dirty((size + kPageMask) / kPageSize);
  bool any = false;
  for (std::size_t i = 0; i < dirty.size(); ++i) {
    Page* page = find(address + i * kPageSize);
    if (page == &hole_) continue;
    dirty[i] = !page->watched;
    any = any || dirty[i];
    page->watched = true;
  }
  if (any && watch_) watch_(address, size);
  return dirty;
}

}  // namespace orrery::core
