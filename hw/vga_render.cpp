#include "hw/vga_render.h"

#include <algorithm>
#include <cstring>

namespace orrery::hw {
namespace {

constexpr u32 kPlanePages = 64;  // of video memory, that the IBM VGA's planes fill
constexpr u64 kBlinkFrames = 16;

u32 expand_5(u32 v) { return v << 3 | v >> 2; }
u32 expand_6(u32 v) { return v << 2 | v >> 4; }

/// The eight bits of a byte as eight bytes, leftmost bit in the lowest byte.
constexpr std::array<u64, 256> kSpread = [] {
  std::array<u64, 256> table{};
  for (unsigned n = 0; n < 256; ++n) {
    for (unsigned x = 0; x < 8; ++x) table[n] |= u64{n >> (7 - x) & 1} << (8 * x);
  }
  return table;
}();

/// The eight four-bit pixels, leftmost in the lowest byte, that the shift registers make of four planes.
u64 serialize(u32 planes, const VgaRegisters& regs) {
  u64 pixels = 0;
  if (regs.shift_256()) {
    for (unsigned n = 0; n < 4; ++n) {
      const u64 byte = planes >> (8 * n) & 0xff;
      pixels |= (byte >> 4 | (byte & 15) << 8) << (16 * n);
    }
  } else if (regs.shift_interleave()) {
    // Two bits a pixel: planes 0 and 1 one after the other give the low bits, planes 2 and 3 the high ones.
    for (unsigned x = 0; x < 8; ++x) {
      const u32 pair = planes >> (x < 4 ? 0 : 8) >> (6 - 2 * (x & 3));
      pixels |= u64{(pair & 3) | (pair >> 16 & 3) << 2} << (8 * x);
    }
  } else {
    for (unsigned p = 0; p < 4; ++p) pixels |= kSpread[planes >> (8 * p) & 0xff] << p;
  }
  return pixels;
}

/// What character clock `n` of a line takes from the planes that were loaded for it: where the shift registers load
/// only every second or fourth clock (SR01 bits 2 and 4), the odd planes follow the even ones.
u32 shifted(u32 planes, unsigned n, const VgaRegisters& regs) {
  if ((regs.sequencer[1] & 0x10) != 0) return planes >> (8 * (n & 3));
  if ((regs.sequencer[1] & 0x04) != 0 && (n & 1) != 0) return planes >> 8 & 0x00ff00ff;
  return planes;
}

u8 output_8bit(const VgaRegisters& regs, unsigned high, unsigned low) {
  return static_cast<u8>((regs.palette_output(high) & 15) << 4 | (regs.palette_output(low) & 15));
}

unsigned bytes_per_pixel(const VbeDispi& dispi) { return (dispi.bpp() + 7) / 8; }

}  // namespace

VgaExtent vga_extent(const VgaScene& scene) {
  const VbeDispi& d = scene.dispi;
  if (!d.enabled()) return {0, kPlanePages << VgaMemory::kPageShift};
  const u64 scale = d.planar() ? 4 : 1;
  const u64 line = d.planar() ? (d.width() + 7) / 8 + 1 : u64{d.width()} * bytes_per_pixel(d);
  const u64 left = d.planar() ? d.x_offset() / 8 : u64{d.x_offset()} * bytes_per_pixel(d);
  const u64 first = (u64{d.y_offset()} * d.pitch() + left) * scale;
  const u64 size = (u64{d.height() - 1} * d.pitch() + line) * scale;
  return {static_cast<u32>(first % kVideoMemory), static_cast<u32>(std::min<u64>(size, kVideoMemory))};
}

u8 vga_output_at(const VgaScene& scene, unsigned line, unsigned character) {
  const VgaRegisters& r = scene.regs;
  const auto at = r.locate(line, scene.start);
  const u32 offset = r.plane_offset(static_cast<u16>(at.counter + r.count(character)), at.row_scan);
  const u32 planes = scene.memory.planes(offset);
  if (!r.graphics_mode()) {
    const unsigned attribute = planes >> 8 & 0xff;
    const u32 font = (attribute & 8) != 0 ? r.font_a() : r.font_b();
    const bool lit = (scene.memory.plane(font + (planes & 0xff) * 32 + at.row_scan, 2) & 0x80) != 0;
    return r.palette_output(lit ? attribute & 15 : attribute >> 4 & (r.blink_enabled() ? 7 : 15));
  }
  const u64 pixels = serialize(shifted(planes, character, r), r);
  return r.pixels_8bit() ? output_8bit(r, pixels & 15, pixels >> 8 & 15) : r.palette_output(pixels & 15);
}

VgaRenderer::View VgaRenderer::view_of(const VgaScene& scene) const {
  const VgaRegisters& r = scene.regs;
  View v;
  v.border = scene.dac.color(r.attribute[0x11]);
  const bool off = !r.display_on() || r.screen_off();
  if (scene.dispi.enabled()) {
    v.dispi = scene.dispi.registers();
    v.width = scene.dispi.width();
    v.height = scene.dispi.height();
    if (off) return v;
    if (scene.dispi.planar()) {
      v.kind = Kind::Planar;
      for (unsigned n = 0; n < 16; ++n) v.colors[n] = scene.dac.color(r.palette_output(n));
    } else {
      v.kind = Kind::Packed;
      for (unsigned n = 0; n < 256 && scene.dispi.bpp() == 8; ++n) v.colors[n] = scene.dac.color(static_cast<u8>(n));
    }
    return v;
  }

  const bool text = !r.graphics_mode();
  const unsigned lines = r.lines_shown();
  v.fold = r.scan_doubled() ? 2 : 1;
  // Pixel rows of a graphics mode that are several lines high are folded too, unless the row scan is in the addresses.
  if (!text && !r.row_scan_addresses()) v.fold *= r.row_height();
  const bool folds_evenly =
      (r.crtc[8] & 31) == 0 && (r.line_compare() >= lines || (r.line_compare() + 1) % v.fold == 0);
  if (!text && !folds_evenly) v.fold = 1;
  v.height = (lines + v.fold - 1) / v.fold;
  v.width = r.characters_shown() * (text ? (r.dots_8() ? 8 : 9) : r.pixels_8bit() ? 4 : 8);
  if (off || !r.sync_enabled()) {
    if (v.width < 64 || v.height < 64) v.width = 720, v.height = 400;  // no mode set yet
    return v;
  }
  v.kind = text ? Kind::Text : Kind::Planar;
  v.start = scene.start;
  v.blinked = !text && r.blink_enabled() && (scene.frame / kBlinkFrames & 1) != 0;
  v.regs.sequencer[1] = r.sequencer[1];
  v.regs.sequencer[4] = r.sequencer[4] & 0x08;
  if (text) v.regs.sequencer[3] = r.sequencer[3];
  v.regs.graphics[5] = r.graphics[5] & 0x60;
  v.regs.graphics[6] = r.graphics[6] & 0x01;
  for (const unsigned n : {0x01, 0x07, 0x08, 0x09, 0x12, 0x13, 0x14, 0x17, 0x18}) v.regs.crtc[n] = r.crtc[n];
  for (const unsigned n : {0x10, 0x13}) v.regs.attribute[n] = r.attribute[n];
  if (!text && r.pixels_8bit()) {
    for (unsigned n = 0; n < 256; ++n) v.colors[n] = scene.dac.color(output_8bit(r, n >> 4, n & 15));
  } else {
    for (unsigned n = 0; n < 16; ++n) v.colors[n] = scene.dac.color(r.palette_output(n, v.blinked));
  }
  return v;
}

bool VgaRenderer::any_dirty(const std::vector<u8>& dirty) const {
  return std::memchr(dirty.data(), 1, kPlanePages) != nullptr;
}

const Frame& VgaRenderer::render(const VgaScene& scene, const std::vector<u8>& dirty) {
  View view = view_of(scene);
  redraw_ = !valid_ || view != view_;
  changed_ = false;
  if (redraw_) {
    view_ = std::move(view);
    valid_ = true;
    changed_ = frame_.dark != (view_.kind == Kind::Blank);
    frame_.dark = view_.kind == Kind::Blank;
    unsigned aspect_width = 4;
    unsigned aspect_height = 3;
    // Square pixels in DISPI modes, but for those that were made for a screen of 4:3 with other ones.
    if (scene.dispi.enabled() && view_.height != 200 && view_.height != 350 && view_.height != 400) {
      aspect_width = view_.width;
      aspect_height = view_.height;
    }
    const bool text = view_.kind == Kind::Text;
    const unsigned cell_width = text ? (view_.regs.dots_8() ? 8 : 9) : 0;
    const unsigned cell_height = text ? view_.regs.row_height() : 0;
    if (frame_.width != view_.width || frame_.height != view_.height || frame_.border != view_.border ||
        frame_.aspect_width != aspect_width || frame_.aspect_height != aspect_height ||
        frame_.cell_width != cell_width || frame_.cell_height != cell_height) {
      changed_ = true;
      frame_.aspect_width = aspect_width;
      frame_.aspect_height = aspect_height;
      frame_.border = view_.border;
      frame_.cell_width = cell_width;
      frame_.cell_height = cell_height;
      if (frame_.width != view_.width || frame_.height != view_.height) {
        frame_.width = view_.width;
        frame_.height = view_.height;
        frame_.pixels.assign(static_cast<std::size_t>(frame_.width) * frame_.height, 0);
      }
    }
  }
  switch (view_.kind) {
    case Kind::Blank:
      if (redraw_ && std::any_of(frame_.pixels.begin(), frame_.pixels.end(), [](u32 p) { return p != 0; })) {
        std::fill(frame_.pixels.begin(), frame_.pixels.end(), 0);
        changed_ = true;
      }
      break;
    case Kind::Text: draw_text(scene, dirty); break;
    case Kind::Planar:
      if (scene.dispi.planar()) {
        draw_vbe_planar(scene, dirty);
      } else {
        draw_planar(scene, dirty);
      }
      break;
    case Kind::Packed: draw_packed(scene, dirty); break;
  }
  if (changed_) ++frame_.serial;
  return frame_;
}

void VgaRenderer::put_line(unsigned y, const u32* pixels) {
  u32* out = &frame_.pixels[static_cast<std::size_t>(y) * frame_.width];
  const std::size_t size = frame_.width * sizeof(u32);
  if (std::memcmp(out, pixels, size) == 0) return;
  std::memcpy(out, pixels, size);
  changed_ = true;
}

/// The pixels of one character clock; returns where the next one's begin.
u32* VgaRenderer::draw_character(u32 planes, u32* out) const {
  const u64 pixels = serialize(planes, view_.regs);
  if (view_.regs.pixels_8bit()) {
    for (unsigned x = 0; x < 4; ++x)
      *out++ = view_.colors[(pixels >> (16 * x) & 15) << 4 | (pixels >> (16 * x + 8) & 15)];
  } else {
    for (unsigned x = 0; x < 8; ++x) *out++ = view_.colors[pixels >> (8 * x) & 15];
  }
  return out;
}

void VgaRenderer::draw_planar(const VgaScene& scene, const std::vector<u8>& dirty) {
  if (!redraw_ && !any_dirty(dirty)) return;
  const VgaRegisters& r = view_.regs;
  const unsigned panning = (r.attribute[0x13] & 7u) / (r.pixels_8bit() ? 2 : 1);
  const unsigned characters = r.characters_shown() + 1;  // one more than shown, for panning
  const bool straight = r.shift_256() && r.pixels_8bit() && (r.sequencer[1] & 0x14) == 0;
  line_.resize(characters * 8);
  for (unsigned y = 0; y < frame_.height; ++y) {
    const auto at = r.locate(y * view_.fold, view_.start);
    const auto offset = [&](unsigned n) {
      return r.plane_offset(static_cast<u16>(at.counter + r.count(n)), at.row_scan);
    };
    bool stale = redraw_;
    for (unsigned n = 0; n < characters && !stale; ++n) stale = dirty[offset(n) << 2 >> VgaMemory::kPageShift] != 0;
    if (!stale) continue;
    u32* out = line_.data();
    for (unsigned n = 0; n < characters; ++n) {
      const u32 planes = scene.memory.planes(offset(n));
      if (straight) {  // mode 13h and its kin: four bytes are four pixels
        for (unsigned x = 0; x < 4; ++x) *out++ = view_.colors[planes >> (8 * x) & 0xff];
      } else {
        out = draw_character(shifted(planes, n, r), out);
      }
    }
    put_line(y, &line_[at.lower && r.split_stops_panning() ? 0 : panning]);
  }
}

void VgaRenderer::draw_vbe_planar(const VgaScene& scene, const std::vector<u8>& dirty) {
  const VbeDispi& d = scene.dispi;
  const unsigned bytes = (d.width() + 7) / 8 + 1;  // one more than shown, for panning
  line_.resize(bytes * 8);
  for (unsigned y = 0; y < frame_.height; ++y) {
    const u32 first = (y + d.y_offset()) * d.pitch() + d.x_offset() / 8;
    const auto offset = [&](unsigned n) { return (first + n) & (kVideoMemory / 4 - 1); };
    bool stale = redraw_;
    for (unsigned n = 0; n < bytes && !stale; ++n) stale = dirty[offset(n) << 2 >> VgaMemory::kPageShift] != 0;
    if (!stale) continue;
    u32* out = line_.data();
    for (unsigned n = 0; n < bytes; ++n) out = draw_character(scene.memory.planes(offset(n)), out);
    put_line(y, &line_[d.x_offset() & 7]);
  }
}

void VgaRenderer::draw_packed(const VgaScene& scene, const std::vector<u8>& dirty) {
  const VbeDispi& d = scene.dispi;
  const unsigned bytes = bytes_per_pixel(d);
  const u32 size = d.width() * bytes;
  const std::span<const u8> vram = scene.memory.bytes();
  std::vector<u8> wrapped;
  line_.resize(d.width());
  for (unsigned y = 0; y < frame_.height; ++y) {
    const u32 first = (u32{y + d.y_offset()} * d.pitch() + d.x_offset() * bytes) & (kVideoMemory - 1);
    bool stale = redraw_;
    for (u32 page = first >> VgaMemory::kPageShift; page <= (first + size - 1) >> VgaMemory::kPageShift && !stale;
         ++page) {
      stale = dirty[page % VgaMemory::kPages] != 0;
    }
    if (!stale) continue;
    const u8* p = &vram[first];
    if (first + size > kVideoMemory) {  // the line goes on at the beginning of video memory
      wrapped.assign(vram.begin() + first, vram.end());
      wrapped.insert(wrapped.end(), vram.begin(), vram.begin() + (first + size - kVideoMemory));
      p = wrapped.data();
    }
    u32* out = line_.data();
    u32* const end = out + d.width();
    switch (d.bpp()) {
      case 8:
        while (out != end) *out++ = view_.colors[*p++];
        break;
      case 15:
        for (; out != end; p += 2) {
          const u32 v = core::load_le<u16>(p);
          *out++ = expand_5(v >> 10 & 31) << 16 | expand_5(v >> 5 & 31) << 8 | expand_5(v & 31);
        }
        break;
      case 16:
        for (; out != end; p += 2) {
          const u32 v = core::load_le<u16>(p);
          *out++ = expand_5(v >> 11) << 16 | expand_6(v >> 5 & 63) << 8 | expand_5(v & 31);
        }
        break;
      case 24:
        for (; out != end; p += 3) *out++ = u32{p[2]} << 16 | u32{p[1]} << 8 | p[0];
        break;
      default:
        for (; out != end; p += 4) *out++ = core::load_le<u32>(p) & 0xffffff;
        break;
    }
    put_line(y, line_.data());
  }
}

}  // namespace orrery::hw
