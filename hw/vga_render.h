// Pictures of the VGA: what the CRT controller, the attribute controller and the DAC make of video memory.
//
// The renderer keeps the last picture and draws again only what changed: all of it when a register that matters did,
// otherwise the character cells that differ or the lines whose pages of video memory were written. The result depends
// on the state handed to it and on nothing it did before.
#pragma once

#include <array>
#include <vector>

#include "hw/display/surface.h"
#include "hw/vga_memory.h"
#include "hw/vga_registers.h"

namespace orrery::hw {

/// Everything a picture depends on, by reference, at one virtual time.
struct VgaScene {
  const VgaRegisters& regs;
  const VgaDac& dac;
  const VbeDispi& dispi;
  const VgaMemory& memory;
  u16 start;  // the start address that the display uses
  u64 frame;  // frames since power-on: blinking
};

/// The bytes of video memory that a scene shows: [first, first + size), which may wrap at the end.
struct VgaExtent {
  u32 first = 0;
  u32 size = 0;
};
VgaExtent vga_extent(const VgaScene& scene);

/// The characters that a scene shows; empty in graphics modes.
TextScreen vga_text(const VgaScene& scene);

/// The eight bits that the attribute controller puts out at a place of the screen (to the dot of a character's left
/// end).
u8 vga_output_at(const VgaScene& scene, unsigned line, unsigned character);

class VgaRenderer {
 public:
  /// `dirty`: a byte for each page of video memory that was written since the last call.
  const Frame& render(const VgaScene& scene, const std::vector<u8>& dirty);
  /// The next picture is drawn from scratch.
  void forget() { valid_ = false; }

 private:
  enum class Kind : u8 { Blank, Text, Planar, Packed };
  /// What makes all of a picture stale when it changes. Cursor and text blinking are not in it: cells are.
  struct View {
    Kind kind = Kind::Blank;
    unsigned width = 0;  // of the picture
    unsigned height = 0;
    unsigned fold = 1;  // scan lines that make one line of the picture
    u16 start = 0;
    bool blinked = false;  // graphics modes with blinking
    VgaRegisters regs;     // those that matter, others zero
    std::array<u16, 11> dispi{};
    std::array<u32, 256> colors{};
    u32 border = 0;
    bool operator==(const View&) const = default;
  };
  struct Segment {  // scan lines of one row of characters
    unsigned y;     // in the picture
    unsigned lines;
    unsigned row_scan;
    u16 counter;
    bool lower;
  };

  View view_of(const VgaScene& scene) const;
  bool any_dirty(const std::vector<u8>& dirty) const;
  void draw_text(const VgaScene& scene, const std::vector<u8>& dirty);
  void find_segments();
  void draw_cell(const Segment& segment, int x, u32 key, unsigned cursor_first, unsigned cursor_last);
  void draw_planar(const VgaScene& scene, const std::vector<u8>& dirty);
  void draw_vbe_planar(const VgaScene& scene, const std::vector<u8>& dirty);
  void draw_packed(const VgaScene& scene, const std::vector<u8>& dirty);
  u32* draw_character(u32 planes, u32* out) const;
  void put_line(unsigned y, const u32* pixels);
  bool take_fonts(const VgaScene& scene);

  Frame frame_;
  View view_;
  bool valid_ = false;
  bool redraw_ = true;    // everything, in this call
  bool changed_ = false;  // something, in this call
  std::vector<Segment> segments_;
  std::vector<u32> cells_;
  std::vector<u8> fonts_;  // map A, map B: 8 KiB each
  std::vector<u32> line_;
};

}  // namespace orrery::hw
