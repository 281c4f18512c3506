// Pictures: what the CRT controller, the attribute controller and the DAC make of video memory.
#include <algorithm>

#include "hw/vga.h"

namespace orrery::hw {
namespace {

/// One frame of the blink counters, as the monitor's eye sees it: about a sixtieth of a second.
constexpr unsigned kCursorBlinkFrames = 8;
constexpr unsigned kTextBlinkFrames = 16;

u32 expand_5(u32 v) { return (v << 3) | (v >> 2); }
u32 expand_6(u32 v) { return (v << 2) | (v >> 4); }

}  // namespace

u32 Vga::dac_color(u8 index) const {
  const u8* c = &dac_[(index & dac_mask_) * 3u];
  if ((dispi_[4] & 0x20) != 0) return u32{c[0]} << 16 | u32{c[1]} << 8 | c[2];
  return expand_6(c[0]) << 16 | expand_6(c[1]) << 8 | expand_6(c[2]);
}

u32 Vga::attribute_color(u8 index) const {
  u8 v = attribute_[index & attribute_[0x12] & 15] & 0x3f;
  if ((attribute_[0x10] & 0x80) != 0) v = static_cast<u8>((v & 15) | (attribute_[0x14] & 3) << 4);
  return dac_color(static_cast<u8>(v | (attribute_[0x14] & 12) << 4));
}

std::array<u32, 16> Vga::attribute_palette() const {
  std::array<u32, 16> colors;
  for (unsigned n = 0; n < 16; ++n) colors[n] = attribute_color(static_cast<u8>(n));
  return colors;
}

u32 Vga::crtc_address(u32 counter, unsigned row_scan) const {
  counter &= 0xffff;
  u32 address = counter;
  const u8 mode = crtc_[0x17];
  if ((crtc_[0x14] & 0x40) != 0) {  // doubleword: chain-4 stores four bytes an address, so there the counter is the offset
    address = (sequencer_[4] & 8) != 0 ? counter : (counter << 2) | (counter >> 14 & 3);
  } else if ((mode & 0x40) == 0) {  // word
    const unsigned top = (mode & 0x20) != 0 ? 15 : 13;
    address = (counter << 1) | (counter >> top & 1);
  }
  if ((mode & 1) == 0) address = (address & ~u32{0x2000}) | (row_scan & 1) << 13;
  if ((mode & 2) == 0) address = (address & ~u32{0x4000}) | (row_scan & 2) << 13;
  return address & 0xffff;
}

struct Vga::Row {
  unsigned y;         // in the picture
  u32 counter;        // memory address counter at the row's left end
  unsigned row_scan;  // line within the character or pixel row
  bool lower;         // below the split
};

/// Calls draw(Row) for each line of the picture, the repeated ones folded.
template <class Draw>
void Vga::each_line(Draw draw) {
  const unsigned lines = visible_lines();
  const unsigned height = cell_height();
  const bool scan_doubled = (crtc_[9] & 0x80) != 0;
  // Lines that only repeat the one above are folded: double scan, and in graphics modes pixel rows several lines high,
  // unless the row scan counter is part of the address (CGA modes).
  const bool row_scan_matters = !graphics() || (crtc_[0x17] & 3) != 3;
  const unsigned fold = (scan_doubled ? 2 : 1) * (row_scan_matters ? 1 : height);
  const unsigned split = crtc_[0x18] | (crtc_[7] & 0x10u) << 4 | (crtc_[9] & 0x40u) << 3;
  u32 start = shown_start_ + ((crtc_[8] >> 5) & 3u);
  unsigned scan = crtc_[8] & 31;
  u32 counter = start;
  bool lower = false;
  unsigned doubled = 0;
  unsigned y = 0;
  for (unsigned line = 0; line < lines; ++line) {
    if (line % fold == 0) draw(Row{y++, counter, scan, lower});
    if (line == split) {
      counter = 0;
      scan = 0;
      doubled = 0;
      lower = true;
      continue;
    }
    if (scan_doubled && (++doubled & 1) != 0) continue;
    if (++scan >= height) {
      scan = 0;
      counter += crtc_[0x13] * 2u;
    }
  }
}

void Vga::draw_text() {
  const unsigned columns = text_columns();
  const unsigned cell = (sequencer_[1] & 1) != 0 ? 8 : 9;
  const unsigned fold = (crtc_[9] & 0x80) != 0 ? 2 : 1;
  frame_.width = columns * cell;
  frame_.height = (visible_lines() + fold - 1) / fold;
  frame_.cell_width = cell;
  frame_.cell_height = cell_height();
  frame_.pixels.assign(static_cast<std::size_t>(frame_.width) * frame_.height, 0);
  const std::array<u32, 16> colors = attribute_palette();
  const auto font_offset = [](unsigned n) { return (n & 3) * 0x4000 + ((n & 4) != 0 ? 0x2000u : 0u); };
  const u8 maps = sequencer_[3];
  const u32 font_a = font_offset(((maps >> 2) & 3u) | (maps & 0x20u) >> 3), font_b = font_offset((maps & 3u) | (maps & 0x10u) >> 2);
  const u8 mode = attribute_[0x10];
  const u64 frames = clock_.now() / std::max<u64>(1, timing().frame_ns);
  const bool blink_off = (mode & 8) != 0 && (frames / kTextBlinkFrames & 1) != 0;
  const bool cursor_on = (crtc_[0x0a] & 0x20) == 0 && (frames / kCursorBlinkFrames & 1) == 0;
  const u32 cursor = crtc_address(static_cast<u32>(crtc_[0x0e] << 8 | crtc_[0x0f]), 0);
  const unsigned pan_register = attribute_[0x13] & 15;
  each_line([&](const Row& row) {
    if (row.y >= frame_.height) return;
    u32* out = &frame_.pixels[static_cast<std::size_t>(row.y) * frame_.width];
    unsigned pan = cell == 9 ? (pan_register >= 8 ? 0 : pan_register + 1) : pan_register & 7;
    if (row.lower && (mode & 0x20) != 0) pan = 0;
    for (unsigned column = 0; column <= columns; ++column) {
      const u32 at = crtc_address(row.counter + column, 0);
      const u8 code = plane(at, 0), attribute = plane(at, 1);
      u8 bits = plane(((attribute & 8) != 0 ? font_a : font_b) + code * 32u + row.row_scan, 2);
      u8 fore = attribute & 15, back = attribute >> 4;
      if ((mode & 8) != 0) {
        back &= 7;
        if (blink_off && (attribute & 0x80) != 0) bits = 0;
      }
      bool ninth = (mode & 4) != 0 && code >= 0xc0 && code <= 0xdf && (bits & 1) != 0;
      if ((mode & 2) != 0 && (attribute & 7) == 1 && row.row_scan == (crtc_[0x14] & 31u)) {
        bits = 0xff;
        ninth = true;
      }
      if (cursor_on && at == cursor && row.row_scan >= (crtc_[0x0a] & 31u) && row.row_scan <= (crtc_[0x0b] & 31u)) {
        bits = 0xff;
        ninth = true;
      }
      for (unsigned x = 0; x < cell; ++x) {
        const bool on = x < 8 ? (bits >> (7 - x) & 1) != 0 : ninth;
        const int px = static_cast<int>(column * cell + x) - static_cast<int>(pan);
        if (px >= 0 && px < static_cast<int>(frame_.width)) out[px] = colors[on ? fore : back];
      }
    }
  });
}

void Vga::draw_planar() {
  const bool color_256 = (graphics_[5] & 0x40) != 0;
  const bool interleaved = (graphics_[5] & 0x20) != 0;
  const unsigned characters = crtc_[1] + 1u;
  const unsigned dots = color_256 ? 4 : 8;
  frame_.width = characters * dots;
  frame_.height = 0;
  each_line([&](const Row&) { ++frame_.height; });
  frame_.pixels.assign(static_cast<std::size_t>(frame_.width) * frame_.height, 0);
  const std::array<u32, 16> colors = attribute_palette();
  std::array<u32, 256> dac{};
  if (color_256) {
    for (unsigned n = 0; n < 256; ++n) dac[n] = dac_color(static_cast<u8>(n));
  }
  const u8 mode = attribute_[0x10];
  const unsigned pan_register = color_256 ? (attribute_[0x13] & 7u) / 2 : attribute_[0x13] & 7u;
  each_line([&](const Row& row) {
    u32* out = &frame_.pixels[static_cast<std::size_t>(row.y) * frame_.width];
    const unsigned pan = row.lower && (mode & 0x20) != 0 ? 0 : pan_register;
    for (unsigned n = 0; n <= characters; ++n) {
      const u32 at = crtc_address(row.counter + n, row.row_scan);
      std::array<u32, 8> pixels{};
      if (color_256) {
        for (unsigned p = 0; p < 4; ++p) pixels[p] = dac[plane(at, p)];
      } else if (interleaved) {
        // Two bits a pixel: planes 0 and 1 give the low ones, 2 and 3 the high ones, four pixels a byte.
        for (unsigned x = 0; x < 8; ++x) {
          const unsigned shift = 6 - 2 * (x & 3), p = x / 4;
          const unsigned low = plane(at, p) >> shift & 3u, high = plane(at, p + 2) >> shift & 3u;
          pixels[x] = colors[low | high << 2];
        }
      } else {
        const std::array<u8, 4> bytes{plane(at, 0), plane(at, 1), plane(at, 2), plane(at, 3)};
        for (unsigned x = 0; x < 8; ++x) {
          unsigned index = 0;
          for (unsigned p = 0; p < 4; ++p) index |= (bytes[p] >> (7 - x) & 1u) << p;
          pixels[x] = colors[index];
        }
      }
      for (unsigned x = 0; x < dots; ++x) {
        const int px = static_cast<int>(n * dots + x) - static_cast<int>(pan);
        if (px >= 0 && px < static_cast<int>(frame_.width)) out[px] = pixels[x];
      }
    }
  });
}

void Vga::draw_packed() {
  frame_.width = dispi_[1];
  frame_.height = dispi_[2];
  frame_.aspect_width = frame_.width;
  frame_.aspect_height = frame_.height;
  frame_.pixels.assign(static_cast<std::size_t>(frame_.width) * frame_.height, 0);
  const unsigned bpp = dispi_[3], bytes = (bpp + 7) / 8;
  const u64 pitch = u64{dispi_[6]} * bytes;
  std::array<u32, 256> dac{};
  for (unsigned n = 0; n < 256; ++n) dac[n] = dac_color(static_cast<u8>(n));
  for (unsigned y = 0; y < frame_.height; ++y) {
    u64 at = (u64{y} + dispi_[9]) * pitch + u64{dispi_[8]} * bytes;
    u32* out = &frame_.pixels[static_cast<std::size_t>(y) * frame_.width];
    if (at + u64{frame_.width} * bytes > kVideoMemory) break;
    for (unsigned x = 0; x < frame_.width; ++x, at += bytes) {
      const u8* p = &vram_[at];
      switch (bpp) {
        case 8: out[x] = dac[*p]; break;
        case 15: {
          const u32 v = core::load_le<u16>(p);
          out[x] = expand_5(v >> 10 & 31) << 16 | expand_5(v >> 5 & 31) << 8 | expand_5(v & 31);
          break;
        }
        case 16: {
          const u32 v = core::load_le<u16>(p);
          out[x] = expand_5(v >> 11) << 16 | expand_6(v >> 5 & 63) << 8 | expand_5(v & 31);
          break;
        }
        case 24: out[x] = u32{p[2]} << 16 | u32{p[1]} << 8 | p[0]; break;
        default: out[x] = core::load_le<u32>(p) & 0xffffff;
      }
    }
  }
}

/// The picture while the display is off (palette access by the processor, screen off, registers not set up).
void Vga::draw_blank() {
  frame_.width = 640;
  frame_.height = 400;
  frame_.pixels.assign(std::size_t{640} * 400, 0);
}

const Frame& Vga::render() {
  settle_start_address();
  const bool text = !graphics();
  // Text changes by itself when something blinks: the finer of the two periods decides.
  const u64 blink = text ? clock_.now() / std::max<u64>(1, timing().frame_ns) / kCursorBlinkFrames : 0;
  if (!collect_dirty() && blink == drawn_blink_) return frame_;
  drawn_blink_ = blink;
  Frame before = std::move(frame_);
  frame_ = Frame{};
  frame_.serial = before.serial;
  frame_.border = dac_color(attribute_[0x11]);
  const bool off = (attribute_index_ & 0x20) == 0 || (sequencer_[1] & 0x20) != 0 || crtc_[1] == 0;
  if (packed()) {
    draw_packed();
  } else if (off) {
    draw_blank();
  } else if (text) {
    draw_text();
  } else {
    draw_planar();
  }
  const bool same = frame_.width == before.width && frame_.height == before.height && frame_.pixels == before.pixels &&
                    frame_.border == before.border && frame_.cell_width == before.cell_width;
  if (!same) ++frame_.serial;
  return frame_;
}

TextScreen Vga::text_screen() {
  settle_start_address();
  TextScreen t;
  if (graphics() || crtc_[1] == 0 || (attribute_index_ & 0x20) == 0) return t;
  t.columns = text_columns();
  t.rows = std::max(1u, visible_lines() / ((crtc_[9] & 0x80) != 0 ? 2 : 1) / cell_height());
  const u32 cursor = crtc_address(static_cast<u32>(crtc_[0x0e] << 8 | crtc_[0x0f]), 0);
  for (unsigned row = 0; row < t.rows; ++row) {
    for (unsigned column = 0; column < t.columns; ++column) {
      const u32 at = crtc_address(shown_start_ + row * crtc_[0x13] * 2u + column, 0);
      t.characters.push_back(plane(at, 0));
      t.attributes.push_back(plane(at, 1));
      if (at == cursor) {
        t.cursor_row = row;
        t.cursor_column = column;
        t.cursor_visible = (crtc_[0x0a] & 0x20) == 0;
      }
    }
  }
  return t;
}

}  // namespace orrery::hw
