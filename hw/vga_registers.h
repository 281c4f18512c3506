// The registers of the VGA and of Bochs' VBE extensions as plain values, with the names of IBM's VGA Technical
// Reference, and what they say about memory, time and the picture. Part of the chip in vga.h.
#pragma once

#include <algorithm>
#include <array>

#include "hw/core/archive.h"
#include "hw/core/types.h"

namespace orrery::hw {

/// Video memory, bytes. Of it the registers of the IBM VGA reach 256 KiB, four planes of 64 KiB.
inline constexpr u32 kVideoMemory = 16u << 20;

struct VgaRegisters {
  u8 misc = 0;     // 3C2/3CC
  u8 feature = 0;  // 3xA/3CA
  u8 enable = 1;   // 3C3
  u8 sequencer_index = 0;
  u8 graphics_index = 0;
  u8 crtc_index = 0;
  u8 attribute_index = 0;          // bit 5: palette address source, the display is on
  bool attribute_data = false;     // flip-flop: the next write to 3C0 is data
  std::array<u8, 5> sequencer{};   // SR00-SR04
  std::array<u8, 9> graphics{};    // GR00-GR08
  std::array<u8, 25> crtc{};       // CR00-CR18
  std::array<u8, 21> attribute{};  // AR00-AR14

  // Miscellaneous output.
  bool color() const { return (misc & 0x01) != 0; }
  bool ram_enabled() const { return (misc & 0x02) != 0 && (enable & 1) != 0; }

  // Sequencer.
  bool dots_8() const { return (sequencer[1] & 0x01) != 0; }
  bool dot_clock_halved() const { return (sequencer[1] & 0x08) != 0; }
  bool screen_off() const { return (sequencer[1] & 0x20) != 0; }
  bool odd_even_write() const { return (sequencer[4] & 0x04) == 0; }
  bool chain_4() const { return (sequencer[4] & 0x08) != 0; }
  /// Offset in plane 2 of the font for characters with attribute bit 3 set (map A) or clear (map B).
  u32 font_a() const { return font_offset((sequencer[3] >> 2 & 3u) | (sequencer[3] >> 3 & 4u)); }
  u32 font_b() const { return font_offset((sequencer[3] & 3u) | (sequencer[3] >> 2 & 4u)); }

  // Graphics controller.
  bool graphics_mode() const { return (graphics[6] & 0x01) != 0; }
  bool odd_even_read() const { return (graphics[5] & 0x10) != 0; }
  bool shift_interleave() const { return (graphics[5] & 0x20) != 0; }
  bool shift_256() const { return (graphics[5] & 0x40) != 0; }
  unsigned memory_map() const { return graphics[6] >> 2 & 3u; }

  // CRT controller.
  unsigned characters_total() const { return crtc[0] + 5u; }
  unsigned characters_shown() const { return crtc[1] + 1u; }
  unsigned lines_total() const { return (crtc[6] | (crtc[7] & 0x01u) << 8 | (crtc[7] & 0x20u) << 4) + 2; }
  unsigned lines_shown() const { return (crtc[0x12] | (crtc[7] & 0x02u) << 7 | (crtc[7] & 0x40u) << 3) + 1; }
  unsigned retrace_start() const { return crtc[0x10] | (crtc[7] & 0x04u) << 6 | (crtc[7] & 0x80u) << 2; }
  unsigned line_compare() const { return crtc[0x18] | (crtc[7] & 0x10u) << 4 | (crtc[9] & 0x40u) << 3; }
  bool scan_doubled() const { return (crtc[9] & 0x80) != 0; }
  unsigned row_height() const { return (crtc[9] & 31u) + 1; }
  unsigned row_pitch() const { return crtc[0x13] * 2u; }  // in counts of the address counter
  u16 start_address() const { return static_cast<u16>(crtc[0x0c] << 8 | crtc[0x0d]); }
  u16 cursor_address() const { return static_cast<u16>(crtc[0x0e] << 8 | crtc[0x0f]); }
  bool cursor_enabled() const { return (crtc[0x0a] & 0x20) == 0; }
  bool sync_enabled() const { return (crtc[0x17] & 0x80) != 0; }
  bool row_scan_addresses() const { return (crtc[0x17] & 0x03) != 0x03; }

  // Attribute controller.
  bool display_on() const { return (attribute_index & 0x20) != 0; }
  bool line_graphics() const { return (attribute[0x10] & 0x04) != 0; }
  bool blink_enabled() const { return (attribute[0x10] & 0x08) != 0; }
  bool split_stops_panning() const { return (attribute[0x10] & 0x20) != 0; }
  bool pixels_8bit() const { return (attribute[0x10] & 0x40) != 0; }
  /// The eight bits that go to the DAC for a four-bit pixel. Blinking turns bit 3 around, behind the plane mask.
  u8 palette_output(unsigned pixel, bool blinked = false) const {
    const u8 p = attribute[(pixel & attribute[0x12] & 15u) ^ (blinked ? 8 : 0)];
    const unsigned select = attribute[0x14];
    const unsigned low = (attribute[0x10] & 0x80) != 0 ? (p & 0x0fu) | (select & 3u) << 4 : p;
    return static_cast<u8>(low | (select & 12u) << 4);
  }

  /// A line of the screen, as the address counters see it.
  struct Line {
    u16 counter;        // of the first character
    unsigned row_scan;  // line within the character or pixel row
    bool lower;         // below the split
  };
  /// What scan line `line` (from 0) shows when the display began at `start`.
  Line locate(unsigned line, u16 start) const {
    const unsigned compare = line_compare();
    const bool lower = line > compare;
    const unsigned first = lower ? 0 : start + (crtc[8] >> 5 & 3u);
    const unsigned preset = lower ? 0 : std::min(crtc[8] & 31u, row_height() - 1);
    const unsigned scan = ((lower ? line - compare - 1 : line) >> (scan_doubled() ? 1 : 0)) + preset;
    return {static_cast<u16>(first + scan / row_height() * row_pitch()), scan % row_height(), lower};
  }

  /// Count of the address counter for character `n` of a line: "count by two" and "count by four" slow it down.
  unsigned count(unsigned n) const {
    if ((crtc[0x14] & 0x20) != 0) return n >> 2;
    return (crtc[0x17] & 0x08) != 0 ? n >> 1 : n;
  }
  /// Plane offset that the CRT controller fetches for a value of the address counter.
  u32 plane_offset(u16 counter, unsigned row_scan) const {
    u32 a = counter;
    if ((crtc[0x14] & 0x40) != 0) {
      // Doubleword. Chain-4 here stores four neighbouring bytes at one plane offset (as SVGA chips do), so that there
      // the counter already is the offset.
      if (!chain_4()) a = (a << 2 | (a >> 14 & 3)) & 0xffff;
    } else if ((crtc[0x17] & 0x40) == 0) {  // word
      a = (a << 1 | (a >> ((crtc[0x17] & 0x20) != 0 ? 15 : 13) & 1)) & 0xffff;
    }
    if ((crtc[0x17] & 0x01) == 0) a = (a & ~0x2000u) | (row_scan & 1) << 13;
    if ((crtc[0x17] & 0x02) == 0) a = (a & ~0x4000u) | (row_scan & 2) << 13;
    return a;
  }

  void archive(core::Archive& ar) {
    ar("misc", misc);
    ar("feature", feature);
    ar("enable", enable);
    ar("sequencer_index", sequencer_index);
    ar("graphics_index", graphics_index);
    ar("crtc_index", crtc_index);
    ar("attribute_index", attribute_index);
    ar("attribute_data", attribute_data);
    ar("sequencer", sequencer);
    ar("graphics", graphics);
    ar("crtc", crtc);
    ar("attribute", attribute);
  }

  bool operator==(const VgaRegisters&) const = default;

 private:
  static u32 font_offset(unsigned n) { return (n & 3) * 0x4000 + (n >> 2) * 0x2000; }
};

/// Palette RAM and its state machine (INMOS G171 and the IBM VGA's equivalent), with Bochs' 8-bit switch.
class VgaDac {
 public:
  u8 mask = 0xff;  // 3C6

  /// 3C7, 3C8: the address for reading or writing.
  void start_read(u8 index) { begin(index, true); }
  void start_write(u8 index) { begin(index, false); }
  u8 state() const { return reading_ ? 3 : 0; }
  u8 write_index() const { return index_; }
  u8 read_data();
  void write_data(u8 value);
  void set_8bit(bool on) { eight_bits_ = on; }
  /// 0x00RRGGBB of an entry, through the mask.
  u32 color(u8 index) const;

  void archive(core::Archive& ar);

 private:
  void begin(u8 index, bool reading);

  std::array<u8, 768> entries_{};  // eight bits; a 6-bit DAC uses the upper ones
  std::array<u8, 3> transfer_{};   // an entry is read and written as a whole
  u8 index_ = 0;
  u8 component_ = 0;
  bool reading_ = false;
  bool eight_bits_ = false;
};

/// Bochs' display interface ("VBE DISPI"), ID B0C5: 16-bit registers behind ports 1CE (index) and 1CF (data).
class VbeDispi {
 public:
  enum Index : u16 { Id, Xres, Yres, Bpp, Enable, Bank, VirtWidth, VirtHeight, XOffset, YOffset, VideoMemory64K };
  static constexpr u16 kEnabled = 0x01, kGetCaps = 0x02, k8BitDac = 0x20, kLinear = 0x40, kNoClear = 0x80;
  static constexpr u16 kMaxXres = 2560, kMaxYres = 1600, kMaxBpp = 32;

  /// What a write asks of the chip.
  struct Effect {
    bool changed = false;  // something about the picture or the windows
    u32 clear = 0;         // bytes of video memory to clear from its start
  };

  u16 index = 0;

  u16 read(u16 n) const;
  const std::array<u16, 11>& registers() const { return regs_; }
  Effect write(u16 n, u16 value);

  bool enabled() const { return (regs_[Enable] & kEnabled) != 0; }
  /// A packed mode: video memory is linear and the planes mean nothing.
  bool packed() const { return enabled() && regs_[Bpp] > 4; }
  /// A mode with four planes, drawn as VGA modes are but of any size.
  bool planar() const { return enabled() && regs_[Bpp] == 4; }
  bool dac_8bit() const { return (regs_[Enable] & k8BitDac) != 0; }
  unsigned width() const { return regs_[Xres]; }
  unsigned height() const { return regs_[Yres]; }
  unsigned bpp() const { return regs_[Bpp]; }
  unsigned x_offset() const { return regs_[XOffset]; }
  unsigned y_offset() const { return regs_[YOffset]; }
  /// Bytes from one line to the next; in a planar mode of one plane.
  u32 pitch() const { return pitch(regs_[VirtWidth]); }
  /// Byte offset of the 64 KiB window; in a planar mode plane offset.
  u32 bank() const { return enabled() ? u32{regs_[Bank]} << 16 : 0; }

  void archive(core::Archive& ar);

 private:
  u32 pitch(u32 virtual_width) const {
    return virtual_width * (regs_[Bpp] == 15 ? 16 : regs_[Bpp]) / 8 / (regs_[Bpp] == 4 ? 4 : 1);
  }
  void set_virtual_width(u16 width);

  std::array<u16, 11> regs_{0xb0c5, 0, 0, 8, 0, 0, 0, 0, 0, 0, kVideoMemory >> 16};
};

/// Where the electron beam is, computed from the clock; see vga_timing.cpp.
class VgaTiming {
 public:
  VgaTiming(const VgaRegisters& regs, const VbeDispi& dispi);

  struct Position {
    u64 frame;  // since power-on at this timing
    unsigned line;
    unsigned character;  // character clock within the line
  };
  Position at(u64 ns) const;
  u64 frame(u64 ns) const { return ticks(ns) / per_frame_; }
  bool in_vertical_retrace(const Position& p) const;
  bool displaying(const Position& p) const { return p.line < lines_shown_ && p.character < characters_shown_; }
  /// The first nanosecond after `ns` at which a vertical retrace begins.
  u64 next_retrace(u64 ns) const;
  /// Vertical frequency in thousandths of a hertz.
  u64 refresh_millihertz() const { return hz_ * 1000 / per_frame_; }

 private:
  u64 ticks(u64 ns) const;

  u64 hz_;  // ticks per second of the dot clock
  unsigned per_character_;
  unsigned characters_shown_;
  unsigned lines_total_;
  unsigned lines_shown_;
  unsigned retrace_start_;
  unsigned retrace_lines_;
  u64 per_sweep_;  // horizontal retrace to horizontal retrace
  u64 per_line_;   // one step of the vertical counters
  u64 per_frame_;
};

}  // namespace orrery::hw
