// Video memory and the graphics controller's way into it: windows at A0000-BFFFF, planes, latches, write and read
// modes.
//
// Video memory is one run of bytes: byte 4n + p is plane p at offset n. Chain-4 and the packed VBE modes show the run
// as it is, so that those windows can be host memory in the guest's page map (direct()); the same bytes are the linear
// frame buffer. Chain-4 is packed as on SVGA chips: processor address a is plane a & 3 at offset a >> 2.
//
// Which pages were written through the windows is kept in dirty(), for the renderer only.
#pragma once

#include <cstdlib>
#include <memory>
#include <span>
#include <vector>

#include "hw/core/archive.h"
#include "hw/vga_registers.h"

namespace orrery::hw {

class VgaMemory {
 public:
  static constexpr u64 kWindowBase = 0xa0000;
  static constexpr u64 kWindowSize = 0x20000;
  static constexpr u32 kDirectSize = 0x10000;
  static constexpr u32 kPageShift = 12;
  static constexpr u32 kPages = kVideoMemory >> kPageShift;

  VgaMemory();

  std::span<u8> bytes() { return {vram_.get(), kVideoMemory}; }
  std::span<const u8> bytes() const { return {vram_.get(), kVideoMemory}; }
  u8 plane(u32 offset, unsigned p) const { return vram_[(offset << 2 | p) & (kVideoMemory - 1)]; }
  /// All four planes at an offset, plane 0 in the low byte.
  u32 planes(u32 offset) const { return core::load_le<u32>(&vram_[(offset << 2) & (kVideoMemory - 1)]); }

  /// Works out what the registers mean for accesses; to be called after each write to one.
  void configure(const VgaRegisters& regs, const VbeDispi& dispi);

  /// Accesses at `offset` from A0000, `width` bytes, low byte first.
  u64 read(u32 offset, unsigned width);
  void write(u32 offset, unsigned width, u64 value);
  /// What a read of one byte would give, without loading the latches.
  u8 peek(u32 offset);

  /// Offset in video memory of what is at A0000-AFFFF if that is exactly host memory (no planes, no masks, no latches
  /// touched), or none.
  struct Direct {
    bool on = false;
    u32 offset = 0;
    bool operator==(const Direct&) const = default;
  };
  Direct direct() const { return direct_; }

  /// Clears the first `size` bytes.
  void clear(u32 size);

  /// One byte for each page: written through a window since it was last cleared by the renderer.
  std::vector<u8>& dirty() { return dirty_; }
  void mark_all() { std::fill(dirty_.begin(), dirty_.end(), u8{1}); }

  void archive(core::Archive& ar);

 private:
  enum class Path : u8 { Off, Linear, Chain4, OddEven, Planar };

  u8 read_planes(u32 offset, unsigned plane);
  u8 read_byte(u32 a);
  void write_byte(u32 a, u8 value);
  /// What the graphics controller makes of a processor's byte, in all planes.
  u32 written(u8 value) const;
  void store(u32 offset, u32 plane_mask, u32 data);
  /// Offset in the planes in odd/even addressing, where another bit takes the place of A0.
  u32 odd_even_offset(u32 a) const { return (a & 0xfffe) | (page_from_a16_ ? a >> 16 : page_bit_); }
  void archive_contents(core::Archive& ar);

  std::unique_ptr<u8[], decltype(&std::free)> vram_;
  std::vector<u8> dirty_;
  u32 latch_ = 0;  // plane 0 in the low byte

  // Worked out by configure(). Masks have a byte for each plane.
  Path read_path_ = Path::Off;
  Path write_path_ = Path::Off;
  u32 window_first_ = 0;  // from A0000
  u32 window_size_ = 0;
  u32 bank_ = 0;
  u32 offset_mask_ = 0xffff;  // within a plane
  bool page_from_a16_ = false;
  u32 page_bit_ = 0;
  Direct direct_;
  bool plain_ = false;  // what is written is what the processor wrote
  u8 write_mode_ = 0;
  u8 rotate_ = 0;
  u8 function_ = 0;
  bool compare_ = false;  // read mode 1
  u8 read_plane_ = 0;
  u32 map_mask_ = 0;
  u32 set_reset_ = 0;
  u32 enable_set_reset_ = 0;
  u32 bit_mask_ = 0;
  u32 color_compare_ = 0;
  u32 color_care_ = 0;
};

}  // namespace orrery::hw
