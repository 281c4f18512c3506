// The processor's way to video memory: windows, planes, write and read modes, and what can be mapped directly.
#include "hw/vga.h"

namespace orrery::hw {
namespace {

constexpr u64 kWindow = 0xa0000;
constexpr u32 kBank = 0x10000;

}  // namespace

bool Vga::in_window(u32 address, u32& offset) const {
  switch ((graphics_[6] >> 2) & 3) {
    case 0: offset = address; return true;
    case 1: offset = address; return address < 0x10000;
    case 2: offset = address - 0x10000; return address >= 0x10000 && address < 0x18000;
    default: offset = address - 0x18000; return address >= 0x18000;
  }
}

u8 Vga::read_byte(u32 address) {
  u32 offset = 0;
  if (!in_window(address, offset) || (enable_ & 1) == 0 || (misc_ & 2) == 0) return 0xff;
  if (packed()) return vram_[(u32{dispi_[5]} * kBank + (offset & 0xffff)) % kVideoMemory];
  if ((sequencer_[4] & 8) != 0) {  // chain-4
    offset &= 0x3ffff;
    for (unsigned p = 0; p < 4; ++p) latch_[p] = plane(offset >> 2, p);
    return vram_[offset & 0x3ffff];
  }
  const bool odd_even = (graphics_[5] & 0x10) != 0;
  const u32 at = odd_even ? offset & ~1u : offset + (vbe() ? u32{dispi_[5]} * kBank : 0);
  for (unsigned p = 0; p < 4; ++p) latch_[p] = plane(at, p);
  if ((graphics_[5] & 8) == 0) {
    const unsigned p = odd_even ? (graphics_[4] & 2u) | (offset & 1) : graphics_[4] & 3u;
    return latch_[p];
  }
  // Read mode 1: a bit is set where every plane that "color don't care" names equals its "color compare" bit.
  u8 match = 0xff;
  for (unsigned p = 0; p < 4; ++p) {
    if ((graphics_[7] >> p & 1) == 0) continue;
    match &= static_cast<u8>(latch_[p] ^ ((graphics_[2] >> p & 1) != 0 ? 0 : 0xff));
  }
  return match;
}

void Vga::write_planes(u32 offset, u8 planes, u8 value) {
  const u8 mode = graphics_[5] & 3;
  const unsigned rotate = graphics_[3] & 7;
  const u8 turned = static_cast<u8>((value >> rotate) | (value << (8 - rotate)));
  u8 mask = graphics_[8];
  if (mode == 3) mask &= turned;
  for (unsigned p = 0; p < 4; ++p) {
    if ((planes >> p & 1) == 0) continue;
    const u8 set = (graphics_[0] >> p & 1) != 0 ? 0xff : 0;
    u8 data = 0;
    switch (mode) {
      case 0: data = (graphics_[1] >> p & 1) != 0 ? set : turned; break;
      case 1: plane(offset, p) = latch_[p]; continue;
      case 2: data = (value >> p & 1) != 0 ? 0xff : 0; break;
      default: data = set; break;
    }
    switch ((graphics_[3] >> 3) & 3) {
      case 1: data &= latch_[p]; break;
      case 2: data |= latch_[p]; break;
      case 3: data ^= latch_[p]; break;
      default: break;
    }
    plane(offset, p) = static_cast<u8>((data & mask) | (latch_[p] & ~mask));
  }
}

void Vga::write_byte(u32 address, u8 value) {
  u32 offset = 0;
  if (!in_window(address, offset) || (enable_ & 1) == 0 || (misc_ & 2) == 0) return;
  dirty_ = true;
  if (packed()) {
    vram_[(u32{dispi_[5]} * kBank + (offset & 0xffff)) % kVideoMemory] = value;
    return;
  }
  u8 planes = sequencer_[2] & 15;
  if ((sequencer_[4] & 8) != 0) {  // chain-4: the two low address bits choose the plane
    write_planes((offset & 0x3ffff) >> 2, planes & static_cast<u8>(1u << (offset & 3)), value);
    return;
  }
  if ((sequencer_[4] & 4) == 0) {  // odd/even: even addresses go to planes 0 and 2, odd ones to 1 and 3
    planes &= (offset & 1) != 0 ? 0xa : 0x5;
    offset &= ~1u;
  } else if (vbe()) {
    offset += u32{dispi_[5]} * kBank;
  }
  write_planes(offset, planes, value);
}

u64 Vga::read_window(u64 offset, unsigned width) {
  u64 value = 0;
  for (unsigned n = 0; n < width; ++n) value |= u64{read_byte(static_cast<u32>(offset) + n)} << (8 * n);
  return value;
}

void Vga::write_window(u64 offset, unsigned width, u64 value) {
  for (unsigned n = 0; n < width; ++n) write_byte(static_cast<u32>(offset) + n, static_cast<u8>(value >> (8 * n)));
}

void Vga::update_window() {
  u8* host = nullptr;
  const bool window_64k = ((graphics_[6] >> 2) & 3) == 1 && (enable_ & 1) != 0 && (misc_ & 2) != 0;
  if (window_64k && packed()) {
    host = vram_.data() + (u64{dispi_[5]} * kBank) % kVideoMemory;
  } else if (window_64k && !vbe() && (sequencer_[4] & 8) != 0 && (sequencer_[2] & 15) == 15 && (graphics_[5] & 11) == 0 &&
             graphics_[1] == 0 && (graphics_[3] & 0x1f) == 0 && graphics_[8] == 0xff) {
    // Chain-4 in which every byte is stored as it is. (Reads leave the latches alone here: no write looks at them before a
    // register is written, and then the window is unmapped.)
    host = vram_.data();
  }
  if (host == window_host_) return;
  window_host_ = host;
  memory_.map_pages(kWindow, kBank, host, host);
  dirty_ = true;
}

void Vga::map_framebuffer(u64 base, bool enabled) {
  if (framebuffer_mapped_) memory_.map_pages(framebuffer_, kVideoMemory, nullptr, nullptr);
  framebuffer_ = base;
  framebuffer_mapped_ = enabled;
  if (enabled) memory_.map_pages(base, kVideoMemory, vram_.data(), vram_.data());
  dirty_ = true;
}

void Vga::map_rom(u64 base, bool enabled) {
  if (rom_mapped_) memory_.map_pages(rom_base_, rom_.size(), nullptr, nullptr);
  rom_base_ = base;
  rom_mapped_ = enabled;
  if (enabled) memory_.map_pages(base, rom_.size(), rom_.data(), nullptr);
}

bool Vga::collect_dirty() {
  const auto any = [](const std::vector<bool>& pages) {
    bool result = false;
    for (const bool page : pages) result = result || page;
    return result;
  };
  bool changed = dirty_;
  if (window_host_ != nullptr) changed = any(memory_.take_dirty(kWindow, kBank)) || changed;
  if (framebuffer_mapped_) {
    u64 used = 256 * 1024;
    if (packed()) {
      const u64 bytes = (dispi_[3] + 7u) / 8;
      used = u64{dispi_[6]} * bytes * (u64{dispi_[9]} + dispi_[2]);
    }
    used = std::min<u64>((used + core::kPageMask) & ~core::kPageMask, kVideoMemory);
    changed = any(memory_.take_dirty(framebuffer_, used)) || changed;
  }
  dirty_ = false;
  return changed;
}

}  // namespace orrery::hw
