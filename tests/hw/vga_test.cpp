// IBM VGA: registers, memory pipeline and pictures.
#include "hw/vga.h"

#include <gtest/gtest.h>

#include "tests/support/archive_tests.h"

namespace orrery::hw {
namespace {

struct Rig {
  core::Log log;
  core::GuestMemory memory{1 << 20, log};
  core::PortBus ports{"ports", log};
  core::Clock clock;
  Vga vga{VgaWiring{.ports = ports, .memory = memory, .clock = clock, .log = log}};

  void out(u16 port, u8 v) { ports.write(port, 1, v); }
  u8 in(u16 port) { return static_cast<u8>(ports.read(port, 1)); }
  void seq(u8 i, u8 v) { out(0x3c4, i), out(0x3c5, v); }
  void gfx(u8 i, u8 v) { out(0x3ce, i), out(0x3cf, v); }
  void crt(u8 i, u8 v) { out(0x3d4, i), out(0x3d5, v); }
  void att(u8 i, u8 v) { in(0x3da), out(0x3c0, i), out(0x3c0, v); }
  void dispi(u16 i, u16 v) { ports.write(0x1ce, 2, i), ports.write(0x1cf, 2, v); }

  /// CRT controller registers 0-18h as a BIOS sets them, protection off.
  void mode(u8 misc, std::array<u8, 4> s, std::array<u8, 25> c, std::array<u8, 9> g, u8 attribute_mode) {
    out(0x3c2, misc);
    seq(0, 3);
    for (u8 n = 0; n < 4; ++n) seq(static_cast<u8>(n + 1), s[n]);
    crt(0x11, 0);
    for (u8 n = 0; n < 25; ++n) crt(n, c[n]);
    for (u8 n = 0; n < 9; ++n) gfx(n, g[n]);
    for (u8 n = 0; n < 16; ++n) att(n, n);
    att(0x10, attribute_mode), att(0x11, 0), att(0x12, 15), att(0x13, attribute_mode == 12 ? 8 : 0), att(0x14, 0);
    in(0x3da), out(0x3c0, 0x20);
    out(0x3c8, 0);
    for (unsigned n = 0; n < 256; ++n) out(0x3c9, static_cast<u8>(n & 63)), out(0x3c9, static_cast<u8>(n >> 2)), out(0x3c9, 7);
    clock.set_ticks(clock.ticks() + Clock20ms());  // a new start address counts from the next vertical retrace
  }
  static u64 Clock20ms() { return core::Clock::kDefaultRate / 50; }

  void text_mode() {
    mode(0x67, {0, 3, 0, 2},
         {0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0, 0x4f, 0x0d, 0x0e, 0, 0, 0, 0, 0x9c, 0x8e, 0x8f, 0x28, 0x1f, 0x96,
          0xb9, 0xa3, 0xff},
         {0, 0, 0, 0, 0, 0x10, 0x0e, 0, 0xff}, 12);
  }
  void mode_13h() {
    mode(0x63, {1, 15, 0, 14},
         {0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0, 0x41, 0, 0, 0, 0, 0, 0, 0x9c, 0x8e, 0x8f, 0x28, 0x40, 0x96, 0xb9,
          0xa3, 0xff},
         {0, 0, 0, 0, 0, 0x40, 5, 15, 0xff}, 0x41);
  }
  void mode_12h() {
    mode(0xe3, {1, 15, 0, 6},
         {0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0x0b, 0x3e, 0, 0x40, 0, 0, 0, 0, 0, 0, 0xea, 0x8c, 0xdf, 0x28, 0, 0xe7, 0x04,
          0xe3, 0xff},
         {0, 0, 0, 0, 0, 0, 5, 15, 0xff}, 1);
  }
};

TEST(Vga, TextModeShowsCharactersAttributesAndTheCursor) {
  Rig r;
  r.text_mode();
  r.memory.write16(0xb8000, 0x1e41);
  r.memory.write16(0xb8000 + 2 * 81, 0x0742);
  r.crt(0x0e, 0), r.crt(0x0f, 82);
  const TextScreen t = r.vga.text_screen();
  ASSERT_EQ(t.columns, 80u);
  ASSERT_EQ(t.rows, 25u);
  EXPECT_EQ(t.character(0, 0), 'A');
  EXPECT_EQ(t.attribute(0, 0), 0x1e);
  EXPECT_EQ(t.character(1, 1), 'B');
  EXPECT_EQ(t.cursor_column, 2u);
  EXPECT_EQ(t.cursor_row, 1u);
  EXPECT_TRUE(t.cursor_visible);
}

TEST(Vga, TextGlyphsComeFromPlaneTwoAndTheNinthColumnRepeatsForLineGraphics) {
  Rig r;
  r.text_mode();
  // A font of two glyphs, written as a BIOS does: plane 2, sequential addresses.
  r.seq(2, 4), r.seq(4, 6), r.gfx(5, 0), r.gfx(6, 4);
  r.memory.write8(0xa0000 + 'A' * 32, 0x81);
  r.memory.write8(0xa0000 + 0xc4 * 32, 0xff);
  r.seq(2, 3), r.seq(4, 2), r.gfx(5, 0x10), r.gfx(6, 0x0e);
  r.memory.write16(0xb8000, 0x0141);
  r.memory.write16(0xb8002, 0x02c4);
  r.crt(0x0a, 0x20);
  const Frame& f = r.vga.render();
  ASSERT_EQ(f.width, 720u);
  ASSERT_EQ(f.height, 400u);
  const u32 one = f.pixel(0, 0), none = f.pixel(1, 0);
  EXPECT_NE(one, none);
  EXPECT_EQ(f.pixel(7, 0), one);
  EXPECT_EQ(f.pixel(8, 0), none) << "no line graphics: the ninth column is background";
  EXPECT_EQ(f.pixel(17, 0), f.pixel(9, 0)) << "line graphics: the ninth column repeats the eighth";
  EXPECT_NE(f.pixel(9, 0), none);
}

TEST(Vga, Mode13hIsALinearPictureOf320By200) {
  Rig r;
  r.mode_13h();
  r.memory.write8(0xa0000 + 320 * 199 + 319, 63);
  r.memory.write8(0xa0000 + 5, 12);
  const Frame& f = r.vga.render();
  ASSERT_EQ(f.width, 320u);
  ASSERT_EQ(f.height, 200u);
  const auto color = [](u32 n) { return (((n & 63) << 2 | (n & 63) >> 4) << 16) | (((n >> 2) << 2 | (n >> 2) >> 4) << 8) | 28; };
  EXPECT_EQ(f.pixel(319, 199), color(63));
  EXPECT_EQ(f.pixel(5, 0), color(12));
  EXPECT_EQ(f.pixel(4, 0), color(0));
}

TEST(Vga, AnIdlePictureKeepsItsSerial) {
  Rig r;
  r.mode_13h();
  const u64 serial = r.vga.render().serial;
  EXPECT_EQ(r.vga.render().serial, serial);
  r.memory.write8(0xa0000, 9);
  EXPECT_NE(r.vga.render().serial, serial);
}

TEST(Vga, PlanarWriteModesFollowTheDataSheet) {
  Rig r;
  r.mode_12h();
  const auto read_plane = [&](u8 p) {
    r.gfx(4, p);
    return r.memory.read8(0xa0010);
  };
  // Write mode 0 with set/reset in planes 0 and 1.
  r.gfx(0, 1), r.gfx(1, 3), r.seq(2, 15);
  r.memory.write8(0xa0010, 0x5a);
  EXPECT_EQ(read_plane(0), 0xff);
  EXPECT_EQ(read_plane(1), 0x00);
  EXPECT_EQ(read_plane(2), 0x5a);
  // Bit mask keeps the latched bits.
  r.gfx(1, 0), r.gfx(8, 0x0f);
  r.memory.read8(0xa0010);
  r.memory.write8(0xa0010, 0x00);
  EXPECT_EQ(read_plane(0), 0xf0);
  EXPECT_EQ(read_plane(2), 0x50);
  // Write mode 1 copies latches.
  r.gfx(5, 1);
  r.memory.read8(0xa0010);
  r.memory.write8(0xa0020, 0xee);
  r.gfx(5, 0), r.gfx(4, 0);
  EXPECT_EQ(r.memory.read8(0xa0020), 0xf0);
  // Write mode 2: the low four bits are a color.
  r.gfx(5, 2), r.gfx(8, 0xff);
  r.memory.write8(0xa0010, 0x06);
  EXPECT_EQ(read_plane(0), 0x00);
  EXPECT_EQ(read_plane(1), 0xff);
  EXPECT_EQ(read_plane(2), 0xff);
  // Write mode 3: the rotated data masks the set/reset color.
  r.gfx(5, 3), r.gfx(0, 9), r.gfx(3, 0);
  r.memory.read8(0xa0010);
  r.memory.write8(0xa0010, 0x81);
  EXPECT_EQ(read_plane(0), 0x81);
  EXPECT_EQ(read_plane(1), 0x7e);
  // XOR with the latches.
  r.gfx(5, 0), r.gfx(3, 0x18), r.gfx(0, 0);
  r.memory.read8(0xa0010);
  r.memory.write8(0xa0010, 0xff);
  EXPECT_EQ(read_plane(0), 0x7e);
  // Read mode 1 compares colors.
  r.gfx(3, 0), r.gfx(2, 0x09), r.gfx(7, 0x0f), r.gfx(5, 8);
  r.memory.read8(0xa0010);
  const u8 match = r.memory.read8(0xa0010);
  r.gfx(5, 0);
  const u8 p0 = read_plane(0), p1 = read_plane(1), p2 = read_plane(2), p3 = read_plane(3);
  EXPECT_EQ(match, static_cast<u8>(p0 & ~p1 & ~p2 & p3));
}

TEST(Vga, StatusRegisterShowsRetraceSeventyTimesASecond) {
  Rig r;
  r.text_mode();
  unsigned retraces = 0;
  bool before = false;
  for (unsigned n = 0; n < 100000; ++n) {  // one second in steps of 10 us
    r.clock.set_ticks(r.clock.ticks() + core::Clock::kDefaultRate / 100000);
    const bool now = (r.in(0x3da) & 8) != 0;
    retraces += now && !before ? 1 : 0;
    before = now;
  }
  EXPECT_GE(retraces, 69u);
  EXPECT_LE(retraces, 71u);
}

TEST(Vga, CrtControllerRegistersAreProtectedByBit7OfRegister11h) {
  Rig r;
  r.text_mode();
  r.crt(0x11, 0x8e);
  r.crt(0, 1);
  r.out(0x3d4, 0);
  EXPECT_EQ(r.in(0x3d5), 0x5f);
  r.crt(7, 0x00);
  r.out(0x3d4, 7);
  EXPECT_EQ(r.in(0x3d5), 0x0f) << "only the line compare bit changed";
}

TEST(Vga, LineCompareShowsTheTopOfMemoryBelowTheSplit) {
  Rig r;
  r.mode_13h();
  r.crt(0x0c, 0x40), r.crt(0x0d, 0);  // starts at 4 * 4000h = 64 KiB... wraps to 0 in 16 bits of counter: use 2000h
  r.crt(0x0c, 0x20);
  r.clock.set_ticks(r.clock.ticks() + Rig::Clock20ms());
  r.crt(7, 0x0f), r.crt(9, 0x01), r.crt(0x18, 199);  // split behind line 199 of 400: behind row 99
  r.memory.write8(0xa0000, 40);
  const Frame& f = r.vga.render();
  EXPECT_NE(f.pixel(0, 100), f.pixel(1, 100));
  EXPECT_EQ(f.pixel(0, 0), f.pixel(1, 0));
}

TEST(Vga, VbeModesHaveTheirSizeAndALinearWindow) {
  Rig r;
  EXPECT_EQ((r.ports.write(0x1ce, 2, 0), r.ports.read(0x1cf, 2)), 0xb0c5u);
  r.dispi(1, 800), r.dispi(2, 600), r.dispi(3, 32), r.dispi(4, 0x41);
  r.out(0x3c2, 0x67), r.gfx(6, 5);
  r.dispi(5, 1);
  r.memory.write32(0xa0000, 0x00123456);
  const Frame& f = r.vga.render();
  ASSERT_EQ(f.width, 800u);
  ASSERT_EQ(f.height, 600u);
  EXPECT_EQ(f.pixels[0x10000 / 4], 0x123456u);
  r.dispi(4, 2);
  r.ports.write(0x1ce, 2, 1);
  EXPECT_EQ(r.ports.read(0x1cf, 2), 1920u) << "capabilities";
}

TEST(Vga, NoRegisterValueCrashesThePictureOrTheWindows) {
  Rig r;
  u64 seed = 1;
  const auto next = [&] { return seed = seed * 6364136223846793005u + 1442695040888963407u, static_cast<u32>(seed >> 33); };
  for (unsigned round = 0; round < 300; ++round) {
    for (unsigned n = 0; n < 12; ++n) {
      static constexpr std::array<u16, 10> kPorts{0x3c0, 0x3c2, 0x3c4, 0x3c5, 0x3ce, 0x3cf, 0x3d4, 0x3d5, 0x3c9, 0x3b5};
      r.out(kPorts[next() % kPorts.size()], static_cast<u8>(next()));
      r.dispi(static_cast<u16>(next() % 13), static_cast<u16>(next() % 5 == 0 ? next() : next() % 64));
      r.memory.write32(0xa0000 + next() % 0x20000, next());
      r.memory.read32(0xa0000 + next() % 0x20000);
    }
    r.clock.set_ticks(r.clock.ticks() + next() % 1000000);
    const Frame& f = r.vga.render();
    ASSERT_EQ(f.pixels.size(), static_cast<std::size_t>(f.width) * f.height);
    const TextScreen t = r.vga.text_screen();
    ASSERT_EQ(t.characters.size(), static_cast<std::size_t>(t.columns) * t.rows);
  }
}

TEST(Vga, KeepsTheArchiveContract) {
  Rig a, b;
  test::expect_archive_contract(a.vga, b.vga, [&] {
    a.mode_13h();
    a.memory.write8(0xa1234, 7);
    a.dispi(1, 640);
  });
  EXPECT_EQ(a.vga.render().pixels, b.vga.render().pixels);
}

}  // namespace
}  // namespace orrery::hw
