// Text modes: character cells as pictures and as text.
#include <algorithm>
#include <cstring>

#include "hw/vga_render.h"

namespace orrery::hw {
namespace {

constexpr u64 kCursorFrames = 8;  // the cursor is on for so many frames and off for as many
constexpr u64 kTextFrames = 16;   // the same for blinking characters
constexpr u32 kFontBytes = 256 * 32;

// What makes a cell's picture, beside its character (bits 7-0) and attribute (15-8).
constexpr u32 kCursorHere = 1u << 16;
constexpr u32 kBlinkedOff = 1u << 17;
constexpr u32 kNoCell = ~0u;

}  // namespace

TextScreen vga_text(const VgaScene& scene) {
  const VgaRegisters& r = scene.regs;
  TextScreen t;
  if (scene.dispi.enabled() || r.graphics_mode() || !r.display_on() || !r.sync_enabled()) return t;
  const unsigned row_lines = r.row_height() * (r.scan_doubled() ? 2 : 1);
  t.columns = r.characters_shown();
  t.rows = std::max(1u, r.lines_shown() / row_lines);
  const bool shape = (r.crtc[0x0a] & 31) <= (r.crtc[0x0b] & 31);
  for (unsigned row = 0; row < t.rows; ++row) {
    const auto line = r.locate(row * row_lines, scene.start);
    for (unsigned column = 0; column < t.columns; ++column) {
      const auto counter = static_cast<u16>(line.counter + r.count(column));
      const u32 offset = r.plane_offset(counter, line.row_scan);
      t.characters.push_back(scene.memory.plane(offset, 0));
      t.attributes.push_back(scene.memory.plane(offset, 1));
      if (counter == r.cursor_address() && !t.cursor_visible) {
        t.cursor_row = row;
        t.cursor_column = column;
        t.cursor_visible = r.cursor_enabled() && shape;
      }
    }
  }
  return t;
}

/// Cuts the screen into rows of characters, or what of them is on the screen.
void VgaRenderer::find_segments() {
  const VgaRegisters& r = view_.regs;
  segments_.clear();
  for (unsigned y = 0; y < frame_.height; ++y) {
    const auto at = r.locate(y * view_.fold, view_.start);
    if (!segments_.empty() && !r.row_scan_addresses()) {
      Segment& last = segments_.back();
      if (last.counter == at.counter && last.lower == at.lower && last.row_scan + last.lines == at.row_scan) {
        ++last.lines;
        continue;
      }
    }
    segments_.push_back({y, 1, at.row_scan, at.counter, at.lower});
  }
}

/// Copies the two fonts; true if they are not what they were.
bool VgaRenderer::take_fonts(const VgaScene& scene) {
  std::vector<u8> now(2 * kFontBytes);
  const u32 a = view_.regs.font_a();
  const u32 b = view_.regs.font_b();
  for (u32 n = 0; n < kFontBytes; ++n) {
    now[n] = scene.memory.plane(a + n, 2);
    now[kFontBytes + n] = scene.memory.plane(b + n, 2);
  }
  if (now == fonts_) return false;
  fonts_ = std::move(now);
  return true;
}

void VgaRenderer::draw_text(const VgaScene& scene, const std::vector<u8>& dirty) {
  const VgaRegisters& r = view_.regs;
  const unsigned columns = r.characters_shown() + 1;  // one more than shown, for panning
  const bool fonts_changed = (redraw_ || any_dirty(dirty)) && take_fonts(scene);
  if (redraw_) find_segments();
  if (redraw_ || fonts_changed) cells_.assign(segments_.size() * columns, kNoCell);

  const u16 cursor = scene.regs.cursor_address();
  const unsigned cursor_first = scene.regs.crtc[0x0a] & 31u;
  const unsigned cursor_last = scene.regs.crtc[0x0b] & 31u;
  const unsigned cursor_skew = scene.regs.crtc[0x0b] >> 5 & 3u;
  const bool cursor_on = scene.regs.cursor_enabled() && (scene.frame / kCursorFrames & 1) == 0;
  const bool blinked_off = r.blink_enabled() && (scene.frame / kTextFrames & 1) != 0;
  // The shape is part of the cell that has the cursor.
  const u32 cursor_key = kCursorHere | cursor_first << 20 | cursor_last << 25;

  const unsigned pan_register = r.attribute[0x13] & 15u;
  const unsigned panning = r.dots_8() ? pan_register & 7 : pan_register >= 8 ? 0 : pan_register + 1;
  u32* cell = cells_.data();
  for (const Segment& s : segments_) {
    const unsigned pan = s.lower && r.split_stops_panning() ? 0 : panning;
    for (unsigned n = 0; n < columns; ++n, ++cell) {
      const u32 planes = scene.memory.planes(r.plane_offset(static_cast<u16>(s.counter + r.count(n)), s.row_scan));
      u32 key = planes & 0xffff;
      if (cursor_on && n >= cursor_skew && static_cast<u16>(s.counter + r.count(n - cursor_skew)) == cursor)
        key |= cursor_key;
      if (blinked_off && (key & 0x8000) != 0) key |= kBlinkedOff;
      if (key == *cell) continue;
      *cell = key;
      draw_cell(s, static_cast<int>(n * frame_.cell_width) - static_cast<int>(pan), key, cursor_first, cursor_last);
    }
  }
}

void VgaRenderer::draw_cell(const Segment& segment, int x, u32 key, unsigned cursor_first, unsigned cursor_last) {
  const VgaRegisters& r = view_.regs;
  const unsigned code = key & 0xff;
  const unsigned attribute = key >> 8 & 0xff;
  const u8* glyph = &fonts_[((attribute & 8) != 0 ? 0 : kFontBytes) + code * 32];
  const u32 back = view_.colors[r.blink_enabled() ? attribute >> 4 & 7 : attribute >> 4];
  const u32 fore = (key & kBlinkedOff) != 0 ? back : view_.colors[attribute & 15];
  // MDA's underline: blue on black, whatever the intensity and blink bits say.
  const unsigned underline = (attribute & 0x77) == 0x01 ? r.crtc[0x14] & 31u : 32;
  const int width = static_cast<int>(frame_.cell_width);
  const int first = std::max(0, -x);
  const int last = std::min(width, static_cast<int>(frame_.width) - x);
  if (first >= last) return;
  for (unsigned n = 0; n < segment.lines; ++n) {
    const unsigned scan = segment.row_scan + n;
    unsigned bits = glyph[scan] * 2u;  // bit 0 is the ninth dot
    if (r.line_graphics() && code >= 0xc0 && code <= 0xdf) bits |= bits >> 1 & 1;
    if (scan == underline) bits = 0x1ff;
    if ((key & kCursorHere) != 0 && scan >= cursor_first && scan <= cursor_last) bits = 0x1ff;
    u32* out = &frame_.pixels[static_cast<std::size_t>(segment.y + n) * frame_.width] + x;
    for (int i = first; i < last; ++i) out[i] = (bits >> (8 - i) & 1) != 0 ? fore : back;
  }
  changed_ = true;
}

}  // namespace orrery::hw
