// Pictures of every BIOS mode and of the tricks that programs play, against what a BIOS's write-dot would mean.
#include <functional>

#include "tests/hw/vga_bench.h"

namespace orrery::hw {
namespace {

/// A guest's picture of a graphics mode: size, colours, and how a BIOS sets a dot.
struct DotMode {
  unsigned mode;
  unsigned width, height;
  unsigned colors;
  std::function<void(VgaBench& b, unsigned x, unsigned y, unsigned color)> plot;
  std::function<u32(unsigned color)> rgb;
};

void plot_planar(VgaBench& b, unsigned pitch, unsigned x, unsigned y, unsigned color) {
  const u64 at = 0xa0000 + y * pitch + x / 8;
  b.gfx(8, 0x80u >> (x % 8));
  b.gfx(5, 2);
  b.peek(at);
  b.poke(at, color);
  b.gfx(5, 0);
  b.gfx(8, 0xff);
}

u32 ega_rgb(unsigned c) { return VgaBench::rgb(c == 6 ? 0x14 : c < 8 ? c : 0x30 + c); }
u32 cga_rgb(unsigned c) { return VgaBench::rgb(c < 8 ? c : 0x08 + c); }

std::vector<DotMode> dot_modes() {
  const auto four_colors = [](VgaBench& b, unsigned x, unsigned y, unsigned color) {
    const u64 at = 0xb8000 + (y % 2) * 0x2000 + y / 2 * 80 + x / 4;
    const unsigned shift = 6 - 2 * (x % 4);
    b.poke(at, (b.peek(at) & ~(3u << shift)) | color << shift);
  };
  const auto two_colors = [](VgaBench& b, unsigned x, unsigned y, unsigned color) {
    const u64 at = 0xb8000 + (y % 2) * 0x2000 + y / 2 * 80 + x / 8;
    const unsigned shift = 7 - x % 8;
    b.poke(at, (b.peek(at) & ~(1u << shift)) | color << shift);
  };
  using namespace std::placeholders;
  const auto planar = [](unsigned pitch) { return std::bind(plot_planar, _1, pitch, _2, _3, _4); };
  return {
      {0x04, 320, 200, 4, four_colors,
       [](unsigned c) { return VgaBench::rgb(std::array{0x00u, 0x13u, 0x15u, 0x17u}[c]); }},
      {0x06, 640, 200, 2, two_colors, [](unsigned c) { return VgaBench::rgb(c == 0 ? 0 : 0x17); }},
      {0x0d, 320, 200, 16, planar(40), cga_rgb},
      {0x0e, 640, 200, 16, planar(80), cga_rgb},
      {0x10, 640, 350, 16, planar(80), ega_rgb},
      {0x11, 640, 480, 2, planar(80), [](unsigned c) { return VgaBench::rgb(c == 0 ? 0 : 0x3f); }},
      {0x12, 640, 480, 16, planar(80), ega_rgb},
      {0x13, 320, 200, 256, [](VgaBench& b, unsigned x, unsigned y, unsigned c) { b.poke(0xa0000 + y * 320 + x, c); },
       VgaBench::rgb},
      {0xff, 320, 240, 256,
       [](VgaBench& b, unsigned x, unsigned y, unsigned c) {
         b.seq(2, 1u << (x % 4));
         b.poke(0xa0000 + y * 80 + x / 4, c);
       },
       VgaBench::rgb},
  };
}

TEST(VgaPictures, EveryGraphicsModeShowsTheDotsThatABiosSets) {
  for (const DotMode& m : dot_modes()) {
    VgaBench b;
    b.set_mode(m.mode);
    VgaDice dice{m.mode};
    std::vector<u32> expected(m.width * m.height, m.rgb(0));
    const auto check = [&](const char* when) {
      const Frame& f = b.vga.render();
      ASSERT_EQ(f.width, m.width);
      ASSERT_EQ(f.height, m.height);
      EXPECT_FALSE(f.text_mode());
      EXPECT_EQ(f.aspect_width * 3, f.aspect_height * 4);
      for (unsigned n = 0; n < expected.size(); ++n) {
        ASSERT_EQ(f.pixels[n], expected[n]) << std::hex << "mode " << m.mode << std::dec << ' ' << when << ": ("
                                            << n % m.width << ", " << n / m.width << ')';
      }
    };
    check("empty");
    for (unsigned round = 0; round < 3; ++round) {
      for (unsigned n = 0; n < 3000; ++n) {
        const unsigned x = dice(m.width), y = dice(m.height), c = dice(m.colors);
        m.plot(b, x, y, c);
        expected[y * m.width + x] = m.rgb(c);
      }
      check("drawn upon");
    }
  }
}

TEST(VgaPictures, MonochromeMode0FhBlinksPlane2) {
  VgaBench b;
  b.set_mode(0x0f);
  for (unsigned c = 0; c < 4; ++c) {
    b.seq(2, (c & 1) | (c & 2) << 1);
    b.poke(0xa0000 + c, 0xff);
  }
  const auto colors = [&] {
    const Frame& f = b.vga.render();
    return std::array{f.pixel(0, 0), f.pixel(8, 0), f.pixel(16, 0), f.pixel(24, 0)};
  };
  const std::array lit{VgaBench::rgb(0), VgaBench::rgb(0x08), VgaBench::rgb(0x18), VgaBench::rgb(0x18)};
  const std::array off{VgaBench::rgb(0), VgaBench::rgb(0x08), VgaBench::rgb(0x00), VgaBench::rgb(0x18)};
  EXPECT_EQ(b.vga.render().height, 350u);
  EXPECT_EQ(colors(), lit);
  b.wait_ns(16 * 14'300'000);
  EXPECT_EQ(colors(), off);
}

/// The pixel of a text cell that load_font() and the attribute say.
bool lit(unsigned code, unsigned row, unsigned x) {
  const unsigned bits = VgaBench::glyph(code, row);
  if (x == 8) return code >= 0xc0 && code <= 0xdf && (bits & 1) != 0;
  return (bits >> (7 - x) & 1) != 0;
}

TEST(VgaText, EveryCellShowsItsGlyphInItsColors) {
  for (const unsigned mode : {0x01u, 0x03u, 0x07u}) {
    VgaBench b;
    b.set_mode(mode);
    b.load_font();
    b.crt(0x0a, 0x20);
    const unsigned columns = mode == 1 ? 40 : 80;
    const u64 base = mode == 7 ? 0xb0000 : 0xb8000;
    VgaDice dice{mode};
    std::vector<std::array<u8, 2>> cells(columns * 25);
    for (unsigned round = 0; round < 3; ++round) {
      for (unsigned n = 0; n < cells.size(); ++n) {
        if (round != 0 && dice(8) != 0) continue;
        cells[n] = {static_cast<u8>(dice(256)), static_cast<u8>(dice(256))};
        if (mode == 7 && (cells[n][1] & 0x77) == 1) cells[n][1] = 7;
        b.poke(base + n * 2, cells[n][0]), b.poke(base + n * 2 + 1, cells[n][1]);
      }
      const Frame& f = b.vga.render();
      ASSERT_EQ(f.width, columns * 9);
      ASSERT_EQ(f.height, 400u);
      ASSERT_EQ(f.cell_width, 9u);
      ASSERT_EQ(f.cell_height, 16u);
      const auto color = [&](unsigned n) {
        if (mode != 7) return ega_rgb(n);
        return VgaBench::rgb(n == 0 ? 0 : n < 8 ? 0x08 : n == 8 ? 0x10 : 0x18);
      };
      for (unsigned y = 0; y < 400; ++y) {
        for (unsigned x = 0; x < f.width; ++x) {
          const auto [code, attribute] = cells[y / 16 * columns + x / 9];
          const unsigned c = lit(code, y % 16, x % 9) ? attribute & 15 : attribute >> 4 & 7;
          ASSERT_EQ(f.pixel(x, y), color(c)) << "mode " << mode << " (" << x << ", " << y << ')';
        }
      }
    }
  }
}

TEST(VgaText, TheScreenAsTextComesFromTheStartAddress) {
  VgaBench b;
  b.set_mode(3);
  b.puts(0xb8000, 0, 0, "A:\\>");
  b.puts(0xb8000, 76, 24, "end", 0x1e);
  b.puts(0xb8000, 0, 25, "below");
  b.crt(0x0e, 0), b.crt(0x0f, 4);
  TextScreen t = b.vga.text_screen();
  EXPECT_EQ(t.columns, 80u);
  EXPECT_EQ(t.rows, 25u);
  EXPECT_EQ(t.to_utf8()[0], "A:\\>");
  EXPECT_EQ(t.to_utf8()[24], std::string(76, ' ') + "end");
  EXPECT_EQ(t.attribute(76, 24), 0x1e);
  EXPECT_EQ(t.cursor_column, 4u);
  EXPECT_EQ(t.cursor_row, 0u);
  EXPECT_TRUE(t.cursor_visible);
  b.crt(0x0d, 80);
  EXPECT_EQ(b.vga.text_screen().to_utf8()[0], "A:\\>") << "a start address counts from the next vertical retrace";
  b.wait_frames();
  t = b.vga.text_screen();
  EXPECT_EQ(t.to_utf8()[24], "below");
  EXPECT_FALSE(t.cursor_visible);
  b.set_mode(0x12);
  EXPECT_FALSE(b.vga.text_screen().text_mode());
}

TEST(VgaText, TheCursorHasItsShapeBlinksAndCanBeHidden) {
  VgaBench b;
  b.set_mode(3);
  for (unsigned n = 0; n < 2000; ++n) b.poke(0xb8000 + n * 2, ' '), b.poke(0xb8001 + n * 2, 0x07);
  b.crt(0x0f, 81);
  const auto cursor_lines = [&] {
    const Frame& f = b.vga.render();
    std::vector<unsigned> lines;
    for (unsigned y = 0; y < 400; ++y) {
      for (unsigned x = 0; x < 720; ++x) {
        if (f.pixel(x, y) == 0) continue;
        EXPECT_EQ(x / 9, 1u);
        EXPECT_EQ(f.pixel(x, y), ega_rgb(7));
        if (x == 17) lines.push_back(y);
      }
    }
    return lines;
  };
  EXPECT_EQ(cursor_lines(), (std::vector<unsigned>{29, 30}));
  b.crt(0x0a, 0), b.crt(0x0b, 1);
  EXPECT_EQ(cursor_lines(), (std::vector<unsigned>{16, 17}));
  b.crt(0x0a, 5), b.crt(0x0b, 3);  // start behind end: no cursor on a VGA
  EXPECT_TRUE(cursor_lines().empty());
  EXPECT_FALSE(b.vga.text_screen().cursor_visible);
  b.crt(0x0a, 0x0d), b.crt(0x0b, 0x0e);
  b.wait_ns(8 * 14'300'000);
  EXPECT_TRUE(cursor_lines().empty());
  EXPECT_TRUE(b.vga.text_screen().cursor_visible) << "blinking does not hide it from readers";
  b.wait_ns(8 * 14'300'000);
  EXPECT_EQ(cursor_lines().size(), 2u);
  b.crt(0x0a, 0x2d);
  EXPECT_TRUE(cursor_lines().empty());
}

TEST(VgaText, BlinkingCharactersGoOffForSixteenFrames) {
  VgaBench b;
  b.set_mode(3);
  b.load_font();
  b.crt(0x0a, 0x20);
  b.poke(0xb8000, 0xdb), b.poke(0xb8001, 0x9e);
  const unsigned x = lit(0xdb, 0, 0) ? 0 : lit(0xdb, 0, 1) ? 1 : 2;
  EXPECT_EQ(b.vga.render().pixel(x, 0), ega_rgb(14));
  b.wait_ns(16 * 14'300'000);
  EXPECT_EQ(b.vga.render().pixel(x, 0), ega_rgb(1));
  b.att(0x10, 0x04);  // bit 7 is bright background
  EXPECT_EQ(b.vga.render().pixel(x, 0), ega_rgb(14));
  for (unsigned n = 0; n < 9; ++n) {
    if (!lit(0xdb, 0, n)) {
      EXPECT_EQ(b.vga.render().pixel(n, 0), ega_rgb(9));
    }
  }
}

TEST(VgaText, AttributeBit3ChoosesTheSecondFont) {
  VgaBench b;
  b.set_mode(3);
  b.load_font();
  b.crt(0x0a, 0x20);
  b.seq(2, 4), b.seq(4, 6), b.gfx(5, 0), b.gfx(6, 4);
  for (unsigned row = 0; row < 16; ++row) b.poke(0xa0000 + 0x6000 + 'A' * 32 + row, 0x81);  // map 3 of 0-7: 24 KiB
  b.seq(2, 3), b.seq(4, 2), b.gfx(5, 0x10), b.gfx(6, 0x0e);
  b.seq(3, 0x24);  // map A: 1 + 4 (offset 6000h), map B: 0
  b.puts(0xb8000, 0, 0, "A", 0x07);
  b.puts(0xb8000, 1, 0, "A", 0x0f);
  const Frame& f = b.vga.render();
  for (unsigned x = 0; x < 8; ++x) {
    EXPECT_EQ(f.pixel(x, 3) != 0, lit('A', 3, x)) << x;
    EXPECT_EQ(f.pixel(9 + x, 3) != 0, x == 0 || x == 7) << x;
  }
}

TEST(VgaText, MonochromeUnderlineIsForBlueOnBlackOnly) {
  VgaBench b;
  b.set_mode(7);
  b.crt(0x0a, 0x20);
  for (const u8 attribute : {0x01, 0x07, 0x09, 0x81, 0x11, 0x70}) b.puts(0xb0000, attribute & 0x7fu, 0, " ", attribute);
  const Frame& f = b.vga.render();
  EXPECT_NE(f.pixel(1 * 9 + 8, 13), 0u);
  EXPECT_EQ(f.pixel(1 * 9 + 8, 12), 0u);
  EXPECT_EQ(f.pixel(7 * 9, 13), 0u);
  EXPECT_NE(f.pixel(9 * 9, 13), 0u);
  EXPECT_EQ(f.pixel(0x11 * 9, 13), f.pixel(0x11 * 9, 5));
}

TEST(VgaText, EightDotCharactersAndFiftyRows) {
  VgaBench b;
  b.set_mode(3);
  b.load_font();
  b.seq(1, 1);
  b.crt(0x09, 0x47);
  const Frame& f = b.vga.render();
  EXPECT_EQ(f.width, 640u);
  EXPECT_EQ(f.cell_width, 8u);
  EXPECT_EQ(f.cell_height, 8u);
  EXPECT_EQ(b.vga.text_screen().rows, 50u);
}

TEST(VgaTricks, LineCompareShowsTheTopOfMemoryBelowTheSplit) {
  VgaBench b;
  b.set_mode(0x13);
  for (unsigned y = 0; y < 200; ++y) b.poke(0xa0000 + y * 320, y);
  b.crt(0x0d, 80 * 50 & 0xff), b.crt(0x0c, 80 * 50 >> 8);
  b.crt(0x18, 299 & 0xff), b.crt(0x07, 0x1f), b.crt(0x09, 0x01);  // line 299: the lower 50 rows
  b.wait_frames();
  const Frame& f = b.vga.render();
  ASSERT_EQ(f.height, 200u);
  EXPECT_EQ(f.pixel(0, 0), VgaBench::rgb(50));
  EXPECT_EQ(f.pixel(0, 149), VgaBench::rgb(199));
  EXPECT_EQ(f.pixel(0, 150), VgaBench::rgb(0));
  EXPECT_EQ(f.pixel(0, 199), VgaBench::rgb(49));
}

TEST(VgaTricks, ASplitBetweenDoubledLinesUnfoldsThePicture) {
  VgaBench b;
  b.set_mode(0x13);
  for (unsigned y = 0; y < 200; ++y) b.poke(0xa0000 + y * 320, y + 64);
  b.crt(0x18, 300 & 0xff), b.crt(0x07, 0x1f), b.crt(0x09, 0x01);
  const Frame& f = b.vga.render();
  ASSERT_EQ(f.height, 400u);
  EXPECT_EQ(f.pixel(0, 299), VgaBench::rgb(64 + 149));
  EXPECT_EQ(f.pixel(0, 300), VgaBench::rgb(64 + 150));
  EXPECT_EQ(f.pixel(0, 301), VgaBench::rgb(64));
}

TEST(VgaTricks, PanningMovesThePictureAndStopsAtTheSplitIfTold) {
  VgaBench b;
  b.set_mode(0x0d);
  for (unsigned x = 0; x < 40; ++x) plot_planar(b, 40, x, 0, x % 15 + 1);
  b.att(0x13, 3);
  EXPECT_EQ(b.vga.render().pixel(0, 0), cga_rgb(4));
  EXPECT_EQ(b.vga.render().pixel(10, 0), cga_rgb(14));
  b.crt(0x18, 99), b.crt(0x07, 0x0f), b.crt(0x09, 0x80);
  EXPECT_EQ(b.vga.render().pixel(0, 50), cga_rgb(4));
  b.att(0x10, 0x21);
  EXPECT_EQ(b.vga.render().pixel(0, 50), cga_rgb(1));
  EXPECT_EQ(b.vga.render().pixel(0, 0), cga_rgb(4));
}

TEST(VgaTricks, TextPansByDotsAndScrollsByLines) {
  VgaBench b;
  b.set_mode(3);
  b.load_font();
  b.crt(0x0a, 0x20);
  VgaDice dice{3};
  for (unsigned n = 0; n < 3000; ++n) b.poke(0xb8000 + n * 2, dice(256)), b.poke(0xb8001 + n * 2, dice(128));
  const Frame still = b.vga.render();
  b.att(0x13, 2);  // 9-dot characters: 8 is none, 0 is one
  b.crt(0x08, 5);  // first row from its line 5
  const Frame& moved = b.vga.render();
  for (unsigned y = 0; y < 395; ++y) {
    for (unsigned x = 0; x < 717; ++x) ASSERT_EQ(moved.pixel(x, y), still.pixel(x + 3, y + 5)) << x << ' ' << y;
  }
  b.att(0x13, 8), b.crt(0x08, 0x20);  // byte panning: one character
  const Frame& by_bytes = b.vga.render();
  for (unsigned x = 0; x < 711; ++x) ASSERT_EQ(by_bytes.pixel(x, 7), still.pixel(x + 9, 7)) << x;
}

TEST(VgaTricks, ColorSelectAndPaletteGiveTheUpperBitsOfTheDacIndex) {
  VgaBench b;
  b.set_mode(0x12);
  plot_planar(b, 80, 0, 0, 6);
  b.att(0x14, 0x04);
  EXPECT_EQ(b.vga.render().pixel(0, 0), VgaBench::rgb(0x54));
  b.att(0x10, 0x81);
  b.att(0x14, 0x0b);
  EXPECT_EQ(b.vga.render().pixel(0, 0), VgaBench::rgb(0xb4));
  b.att(0x14, 0), b.att(0x10, 1);
  b.att(6, 0x2a);
  EXPECT_EQ(b.vga.render().pixel(0, 0), VgaBench::rgb(0x2a));
  b.att(0x12, 0x03);  // planes 2 and 3 off
  EXPECT_EQ(b.vga.render().pixel(0, 0), VgaBench::rgb(2));
}

TEST(VgaTricks, TheDisplayIsBlackWhenOffAndKeepsItsBorderColor) {
  VgaBench b;
  b.set_mode(0x13);
  b.poke(0xa0000, 40);
  b.att(0x11, 0x3c);
  EXPECT_EQ(b.vga.render().border, VgaBench::rgb(0x3c));
  EXPECT_EQ(b.vga.render().pixel(0, 0), VgaBench::rgb(40));
  b.seq(1, 0x21);
  EXPECT_EQ(b.vga.render().pixel(0, 0), 0u);
  EXPECT_EQ(b.vga.render().width, 320u);
  b.seq(1, 0x01);
  EXPECT_EQ(b.vga.render().pixel(0, 0), VgaBench::rgb(40));
  b.in(0x3da), b.out(0x3c0, 0x00);  // palette address source
  EXPECT_EQ(b.vga.render().pixel(0, 0), 0u);
  b.out(0x3c0, 0x00), b.out(0x3c0, 0x20);
  EXPECT_EQ(b.vga.render().pixel(0, 0), VgaBench::rgb(40));
}

TEST(VgaPictures, BeforeAnyModeIsSetThePictureIsBlack) {
  VgaBench b;
  const Frame& f = b.vga.render();
  EXPECT_EQ(f.width, 720u);
  EXPECT_EQ(f.height, 400u);
  EXPECT_TRUE(std::all_of(f.pixels.begin(), f.pixels.end(), [](u32 p) { return p == 0; }));
  EXPECT_FALSE(b.vga.text_screen().text_mode());
  EXPECT_TRUE(f.dark);
  b.set_mode(0x13);
  EXPECT_FALSE(b.vga.render().dark);
}

TEST(VgaPictures, TheSerialChangesWithThePictureAndOnlyThen) {
  VgaBench b;
  for (const unsigned mode : {0x03u, 0x12u, 0x13u}) {
    b.set_mode(mode);
    b.crt(0x0a, 0x20);
    b.wait_frames();
    const u64 window = mode == 3 ? 0xb8000 : 0xa0000;
    b.poke(window, 1);
    const u64 serial = b.vga.render().serial;
    EXPECT_EQ(b.vga.render().serial, serial);
    b.wait_ns(1'000'000'000);
    b.poke(window, 1);
    EXPECT_EQ(b.vga.render().serial, serial) << "the same written again";
    b.poke(window + 1, 0x5a);
    EXPECT_NE(b.vga.render().serial, serial);
  }
}

/// Whatever a guest does, a picture that grew from earlier ones is the one that a fresh renderer draws.
TEST(VgaPictures, DrawingOnlyWhatChangedGivesTheSamePictureAsDrawingAll) {
  VgaBench b;
  VgaBench fresh;
  VgaDice dice{99};
  constexpr std::array<unsigned, 13> kModes{1, 3, 4, 6, 7, 0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x12, 0x13, 0xff};
  for (unsigned step = 0; step < 400; ++step) {
    if (step % 12 == 0) {
      b.dispi(VbeDispi::Enable, 0);
      b.set_mode(kModes[step / 12 % kModes.size()]);
      if (dice(3) == 0) b.load_font();
      if (dice(4) == 0) {
        b.dispi(VbeDispi::Xres, 64 + dice(60) * 8), b.dispi(VbeDispi::Yres, 48 + dice(200));
        b.dispi(VbeDispi::Bpp, std::array{4u, 8u, 15u, 16u, 24u, 32u}[dice(6)]);
        b.dispi(VbeDispi::Enable, 0xc1);
        b.dispi(VbeDispi::VirtWidth, 512 + dice(1000));
      }
    }
    switch (dice(12)) {
      case 0:
        b.crt(std::array{0x08u, 0x0au, 0x0bu, 0x0cu, 0x0du, 0x0eu, 0x0fu, 0x13u, 0x14u, 0x17u, 0x18u}[dice(11)],
              dice(256));
        break;
      case 1: b.att(std::array{0x10u, 0x11u, 0x12u, 0x13u, 0x14u}[dice(5)], dice(256)); break;
      case 2: b.att(dice(16), dice(64)); break;
      case 3: b.dac(static_cast<u8>(dice(256)), static_cast<u8>(dice(64)), static_cast<u8>(dice(64)), 9); break;
      case 4: b.dispi(std::array{VbeDispi::XOffset, VbeDispi::YOffset, VbeDispi::Bank}[dice(3)], dice(300)); break;
      case 5: b.seq(std::array{2u, 3u, 4u}[dice(3)], dice(256)); break;
      case 6: b.gfx(dice(9), dice(256)); break;
      default: break;
    }
    const u64 framebuffer = Vga::kIsaFramebuffer + dice(0x60000);
    for (unsigned n = dice(40); n > 0; --n) b.memory.write32(0xa0000 + dice(0x1fffc), dice());
    for (unsigned n = dice(20); n > 0; --n) b.memory.write32(framebuffer + dice(0x2000), dice());
    b.wait_ns(dice(100'000'000));
    if (dice(3) == 0) continue;  // sometimes much happens between pictures
    const std::vector<u8> state = core::save_to_bytes(b.vga);
    core::load_from_bytes(fresh.vga, state);
    fresh.clock.set_ticks(b.clock.ticks());
    const Frame& grown = b.vga.render();
    const Frame& drawn = fresh.vga.render();
    ASSERT_EQ(grown.width, drawn.width);
    ASSERT_EQ(grown.height, drawn.height);
    ASSERT_EQ(grown.border, drawn.border);
    ASSERT_EQ(grown.cell_height, drawn.cell_height);
    ASSERT_TRUE(grown.pixels == drawn.pixels) << "step " << step;
    ASSERT_EQ(core::save_to_bytes(b.vga), state) << "looking changed the machine";
    ASSERT_EQ(b.vga.text_screen(), fresh.vga.text_screen());
  }
}

TEST(VgaPictures, NoRegisterValuesCrashThePicture) {
  VgaBench b;
  VgaDice dice{1};
  for (unsigned n = 0; n < 4000; ++n) {
    b.out(0x3c2, dice(256));
    b.crtc_port = (dice(256) & 1) != 0 ? 0x3d4 : 0x3b4;
    b.crt(0x11, 0);
    b.crt(dice(26), dice(256));
    b.seq(dice(8), dice(256));
    b.gfx(dice(16), dice(256));
    b.att(dice(32), dice(256));
    if (dice(8) == 0) b.dispi(dice(12), dice(8) == 0 ? dice(65536) : dice(1200));
    b.memory.write64(0xa0000 + dice(0x1fff8), u64{dice()} << 32 | dice());
    b.memory.read64(0xa0000 + dice(0x1fff8));
    b.wait_ns(dice(30'000'000));
    if (n % 4 == 0) {
      const Frame& f = b.vga.render();
      ASSERT_EQ(f.pixels.size(), std::size_t{f.width} * f.height);
      b.vga.text_screen();
    }
  }
}

}  // namespace
}  // namespace orrery::hw
