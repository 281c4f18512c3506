// Bochs' display interface, the PCI adapter's BARs, and the archive.
#include <functional>

#include "hw/vga_edid.h"
#include "tests/hw/vga_bench.h"

namespace orrery::hw {
namespace {

constexpr u64 kLfb = Vga::kIsaFramebuffer;

void enable(VgaBench& b, unsigned x, unsigned y, unsigned bpp, unsigned flags = 0x41) {
  b.dispi(VbeDispi::Enable, 0);
  b.dispi(VbeDispi::Xres, x), b.dispi(VbeDispi::Yres, y), b.dispi(VbeDispi::Bpp, bpp);
  b.dispi(VbeDispi::Enable, flags);
}

TEST(VgaDispi, TellsItsIdMemoryAndLimits) {
  VgaBench b;
  EXPECT_EQ(b.dispi(VbeDispi::Id), 0xb0c5);
  b.dispi(VbeDispi::Id, 0xb0c0);
  EXPECT_EQ(b.dispi(VbeDispi::Id), 0xb0c0);
  b.dispi(VbeDispi::Id, 0x1234);
  EXPECT_EQ(b.dispi(VbeDispi::Id), 0xb0c0);
  EXPECT_EQ(b.dispi(VbeDispi::VideoMemory64K), 256);
  b.dispi(VbeDispi::Enable, 0x02);
  EXPECT_EQ(b.dispi(VbeDispi::Xres), 2560);
  EXPECT_EQ(b.dispi(VbeDispi::Yres), 1600);
  EXPECT_EQ(b.dispi(VbeDispi::Bpp), 32);
  b.dispi(VbeDispi::Enable, 0);
  EXPECT_EQ(b.dispi(VbeDispi::Xres), 0);
  b.ports.write(0x1ce, 2, VbeDispi::Id);
  EXPECT_EQ(b.ports.read(0x1d0, 2), 0xb0c0u);  // the even data port
}

TEST(VgaDispi, EveryDepthShowsItsPixels) {
  for (const unsigned bpp : {8u, 15u, 16u, 24u, 32u}) {
    VgaBench b;
    b.set_mode(0x13);
    enable(b, 800, 600, bpp);
    const unsigned bytes = (bpp + 7) / 8;
    const u64 at = kLfb + (u64{599} * 800 + 799) * bytes;
    const auto put = [&](u32 v) {
      for (unsigned n = 0; n < bytes; ++n) b.poke(at + n, v >> (8 * n));
    };
    switch (bpp) {
      case 8: put(0x2c); break;
      case 15: put(0x1f << 10 | 0x10 << 5 | 1); break;
      case 16: put(0x1f << 11 | 0x20 << 5 | 1); break;
      default: put(0x00123456); break;
    }
    const Frame& f = b.vga.render();
    ASSERT_EQ(f.width, 800u);
    ASSERT_EQ(f.height, 600u);
    EXPECT_EQ(f.aspect_width * 600, f.aspect_height * 800);
    const u32 expected = bpp == 8 ? VgaBench::rgb(0x2c) : bpp == 15 ? 0xff8408 : bpp == 16 ? 0xff8208 : 0x123456;
    EXPECT_EQ(f.pixel(799, 599), expected) << bpp;
    EXPECT_EQ(f.pixel(798, 599), 0u);
  }
}

TEST(VgaDispi, TheBiggestModesFit) {
  VgaBench b;
  b.set_mode(0x13);
  for (const auto& [x, y] : {std::pair{1920u, 1200u}, std::pair{2560u, 1600u}}) {
    enable(b, x, y, 32);
    b.memory.write32(kLfb + (u64{y} * x - 1) * 4, 0xabcdef);
    EXPECT_EQ(b.vga.render().pixel(x - 1, y - 1), 0xabcdefu);
  }
  b.dispi(VbeDispi::Enable, 0);
  b.dispi(VbeDispi::Xres, 2568);
  b.dispi(VbeDispi::Yres, 1601);
  b.dispi(VbeDispi::Bpp, 12);
  EXPECT_EQ(b.dispi(VbeDispi::Xres), 2560);
  EXPECT_EQ(b.dispi(VbeDispi::Yres), 1600);
  EXPECT_EQ(b.dispi(VbeDispi::Bpp), 32);
}

TEST(VgaDispi, EnablingClearsTheScreenUnlessTold) {
  VgaBench b;
  enable(b, 640, 480, 32);
  b.memory.write32(kLfb + 100, 0x55aa55);
  enable(b, 640, 480, 32, 0xc1);
  EXPECT_EQ(b.memory.read32(kLfb + 100), 0x55aa55u);
  b.dispi(VbeDispi::Enable, 0x41);  // it is enabled already
  EXPECT_EQ(b.memory.read32(kLfb + 100), 0x55aa55u);
  enable(b, 640, 480, 32);
  EXPECT_EQ(b.memory.read32(kLfb + 100), 0u);
}

TEST(VgaDispi, TheBankedWindowIsPartOfTheFrameBuffer) {
  VgaBench b;
  b.set_mode(0x03);
  b.out(0x3c2, 0x67);
  enable(b, 1024, 768, 16);
  b.dispi(VbeDispi::Bank, 5);
  b.poke(0xa1234, 0x77);
  EXPECT_EQ(b.peek(kLfb + 0x51234), 0x77);
  EXPECT_EQ(b.memory.page(0xa0000).write, b.vga.video_memory().data() + 0x50000);
  b.dispi(VbeDispi::Bank, 300);  // there are 256
  EXPECT_EQ(b.dispi(VbeDispi::Bank), 44);
  enable(b, 1024, 768, 16);
  EXPECT_EQ(b.dispi(VbeDispi::Bank), 0);
}

TEST(VgaDispi, TheVirtualScreenCanBeWiderAndMoved) {
  VgaBench b;
  b.set_mode(0x13);
  enable(b, 640, 480, 8);
  EXPECT_EQ(b.dispi(VbeDispi::VirtWidth), 640);
  EXPECT_EQ(b.dispi(VbeDispi::VirtHeight), (16 << 20) / 640);
  b.dispi(VbeDispi::VirtWidth, 1000);
  EXPECT_EQ(b.dispi(VbeDispi::VirtHeight), (16 << 20) / 1000);
  b.dispi(VbeDispi::XOffset, 30), b.dispi(VbeDispi::YOffset, 20);
  b.poke(kLfb + 20 * 1000 + 30, 9);
  b.poke(kLfb + 21 * 1000 + 31, 10);
  EXPECT_EQ(b.vga.render().pixel(0, 0), VgaBench::rgb(9));
  EXPECT_EQ(b.vga.render().pixel(1, 1), VgaBench::rgb(10));
  b.dispi(VbeDispi::VirtWidth, 100);  // narrower than the screen
  EXPECT_EQ(b.dispi(VbeDispi::VirtWidth), 640);
  b.dispi(VbeDispi::VirtWidth, 65535);
  EXPECT_EQ(b.dispi(VbeDispi::VirtWidth), 640) << "480 lines of that do not fit";
  b.dispi(VbeDispi::YOffset, 65535);  // wraps, and stays inside
  b.vga.render();
}

TEST(VgaDispi, SixteenColorModesArePlanar) {
  VgaBench b;
  b.set_mode(0x12);
  enable(b, 800, 600, 4);
  b.dispi(VbeDispi::Bank, 0);
  b.gfx(5, 2);
  b.poke(0xa0000 + 599 * 100 + 99, 12);
  const Frame& f = b.vga.render();
  ASSERT_EQ(f.width, 800u);
  EXPECT_EQ(f.pixel(792, 599), VgaBench::rgb(0x3c));
  EXPECT_EQ(f.pixel(791, 599), 0u);
  // More than 64 KiB a plane are reached through the bank.
  enable(b, 1280, 1024, 4);
  const u32 offset = 1023 * 160 + 1;
  b.dispi(VbeDispi::Bank, offset >> 16);
  b.poke(0xa0000 + (offset & 0xffff), 9);
  EXPECT_EQ(b.vga.render().pixel(8, 1023), VgaBench::rgb(0x39));
  EXPECT_EQ(b.vga.video_memory()[offset * 4], 0xff);
}

TEST(VgaDispi, WritesThroughEitherWindowShowAndAnIdleScreenIsNotDrawnAgain) {
  VgaBench b;
  b.set_mode(0x13);
  enable(b, 320, 240, 8);
  b.vga.render();
  const u64 serial = b.vga.render().serial;
  EXPECT_EQ(b.vga.render().serial, serial);
  b.poke(kLfb + 320 * 100, 5);
  EXPECT_EQ(b.vga.render().pixel(0, 100), VgaBench::rgb(5));
  b.poke(0xa0000 + 320 * 101, 6);
  EXPECT_EQ(b.vga.render().pixel(0, 101), VgaBench::rgb(6));
  b.poke(0xa0000 + 320 * 102, 7);
  b.dispi(VbeDispi::Bank, 1);  // unmapped before it was looked at
  EXPECT_EQ(b.vga.render().pixel(0, 102), VgaBench::rgb(7));
  EXPECT_EQ(b.vga.render().serial, serial + 3);
}

struct PciVgaBench {
  core::Log log;
  core::GuestMemory memory{1 << 20, log};
  core::PortBus ports{"ports", log};
  core::Clock clock{core::kNsPerSecond};
  core::PciBus pci{ports, log};
  std::vector<u8> rom = std::vector<u8>(5000, 0x5a);
  Vga vga{VgaWiring{.ports = ports, .memory = memory, .clock = clock, .log = log}, pci, 2, rom};

  u32 config(u32 offset) {
    ports.write(0xcf8, 4, 0x80000000 | 2 << 11 | offset);
    return static_cast<u32>(ports.read(0xcfc, 4));
  }
  void config(u32 offset, u32 value) {
    ports.write(0xcf8, 4, 0x80000000 | 2 << 11 | offset);
    ports.write(0xcfc, 4, value);
  }
};

TEST(VgaPci, HasItsIdentityBarsAndRom) {
  PciVgaBench b;
  EXPECT_EQ(b.config(0x00), 0x11111234u);
  EXPECT_EQ(b.config(0x08) >> 8, 0x030000u);
  b.config(0x10, 0xffffffff), b.config(0x18, 0xffffffff), b.config(0x30, 0xffffffff);
  EXPECT_EQ(b.config(0x10), 0xff000008u);  // 16 MiB, prefetchable
  EXPECT_EQ(b.config(0x18), 0xfffff000u);
  EXPECT_EQ(b.config(0x30), 0xffffe001u);
  b.config(0x10, 0xfd000000), b.config(0x18, 0xfebf0000), b.config(0x30, 0xfec00001);
  b.config(0x04, 3);
  EXPECT_EQ(b.memory.read8(0xfec00000), 0x5a);
  EXPECT_EQ(b.memory.read8(0xfec00000 + 5000), 0xff);
  b.memory.write32(0xfd000000, 0x01020304);
  EXPECT_EQ(b.vga.video_memory()[0], 4);
  b.config(0x10, 0xe0000000);
  EXPECT_EQ(b.memory.read32(0xe0000000), 0x01020304u);
  EXPECT_EQ(b.memory.read32(0xfd000000), 0xffffffffu);
}

TEST(VgaPci, Bar2HoldsTheRegisters) {
  PciVgaBench b;
  b.config(0x18, 0xfebf0000), b.config(0x04, 2);
  constexpr u64 kRegs = 0xfebf0000;
  EXPECT_EQ(b.memory.read16(kRegs + 0x500), 0xb0c5);
  b.memory.write16(kRegs + 0x502, 640), b.memory.write16(kRegs + 0x504, 480), b.memory.write16(kRegs + 0x506, 32);
  b.memory.write16(kRegs + 0x508, 0x41);
  b.memory.read8(kRegs + 0x400 + 0x1a);
  b.memory.write8(kRegs + 0x400, 0x20);  // 3C0: display on
  EXPECT_EQ(b.vga.render().width, 640u);
  EXPECT_EQ(b.memory.read16(kRegs + 0x50c), 640);
  b.memory.write8(kRegs + 0x400 + 0x04, 2);
  b.memory.write8(kRegs + 0x400 + 0x05, 5);
  EXPECT_EQ(b.memory.read8(kRegs + 0x405), 5);
  EXPECT_EQ(b.memory.read32(kRegs + 0x604), 0x1e1e1e1eu);
  EXPECT_EQ(b.memory.read64(kRegs), 0x00ffffffffffff00u);  // the monitor's EDID
  EXPECT_EQ(b.memory.read32(kRegs + 0x900), 0xffffffffu);
}

TEST(VgaEdid, SumsToZeroAndPrefers1024By768) {
  const std::array<u8, 128> e = vga_edid();
  unsigned sum = 0;
  for (const u8 v : e) sum += v;
  EXPECT_EQ(sum % 256, 0u);
  EXPECT_EQ(e[54 + 2] | (e[54 + 4] & 0xf0) << 4, 1024);
  EXPECT_EQ(e[54 + 5] | (e[54 + 7] & 0xf0) << 4, 768);
}

TEST(VgaArchive, KeepsTheContract) {
  VgaBench a;
  VgaBench other;
  test::expect_archive_contract(a.vga, other.vga, [&] {
    a.set_mode(0x13);
    enable(a, 640, 480, 8);
    a.memory.write32(kLfb + 123456, 0xdeadbeef);
    a.crt(0x0c, 1);
    a.dac(3, 4, 5, 6);
  });
}

TEST(VgaArchive, EveryKindOfStateIsInIt) {
  const std::vector<std::function<void(VgaBench&)>> changes{
      [](VgaBench& b) { b.out(0x3c2, 0x67); },
      [](VgaBench& b) { b.out(0x3c3, 0); },
      [](VgaBench& b) { b.seq(2, 5); },
      [](VgaBench& b) { b.gfx(8, 5); },
      [](VgaBench& b) { b.crt(0x13, 5); },
      [](VgaBench& b) { b.crt(0x0d, 5); },
      [](VgaBench& b) { b.out(0x3c0, 0x31); },
      [](VgaBench& b) { b.out(0x3c9, 5); },
      [](VgaBench& b) { b.out(0x3c6, 5); },
      [](VgaBench& b) { b.out(0x3c7, 0); },
      [](VgaBench& b) { b.ports.write(0x1ce, 2, 4); },
      [](VgaBench& b) { b.dispi(VbeDispi::XOffset, 7); },
      [](VgaBench& b) { b.memory.write8(kLfb + 0xffffff, 1); },
      [](VgaBench& b) { b.peek(0xa0008); },  // the latches
  };
  for (std::size_t n = 0; n < changes.size(); ++n) {
    VgaBench b;
    b.set_mode(0x12);
    b.poke(0xa0008, 0x3c);
    const std::vector<u8> before = core::save_to_bytes(b.vga);
    changes[n](b);
    EXPECT_FALSE(core::differences_from_bytes(b.vga, before).empty()) << n;
    VgaBench other;
    const std::vector<u8> after = core::save_to_bytes(b.vga);
    core::load_from_bytes(other.vga, after);
    EXPECT_EQ(core::save_to_bytes(other.vga), after) << n;
  }
}

TEST(VgaArchive, ARestoredAdapterGoesOnWhereTheOldOneWas) {
  VgaBench a;
  VgaBench b;
  b.set_mode(3);
  a.set_mode(0x13);
  a.poke(0xa0100, 0x42);
  a.crt(0x0d, 0x40);  // waits for the vertical retrace
  core::load_from_bytes(b.vga, core::save_to_bytes(a.vga));
  b.clock.set_ticks(a.clock.ticks());
  EXPECT_EQ(b.vga.render().pixel(0x100, 0), VgaBench::rgb(0x42));
  b.wait_frames();
  EXPECT_EQ(b.vga.render().pixel(0, 0), VgaBench::rgb(0x42));
  b.poke(0xa0101, 0x43);
  EXPECT_EQ(b.vga.video_memory()[0x101], 0x43);
}

TEST(VgaArchive, DamagedStatesAreRefused) {
  VgaBench a;
  a.memory.write8(kLfb, 1);
  VgaDice dice{5};
  const std::vector<u8> good = core::save_to_bytes(a.vga);
  for (unsigned n = 0; n < 400; ++n) {
    std::vector<u8> bad = good;
    bad[dice(static_cast<u32>(std::min<std::size_t>(bad.size(), 3000)))] = static_cast<u8>(dice(256));
    VgaBench b;
    try {
      core::load_from_bytes(b.vga, bad);
    } catch (const core::ArchiveError&) {
      continue;
    }
    b.vga.render();
    b.vga.text_screen();
    b.in(0x3da);
    b.memory.read64(0xa0000);
  }
}

}  // namespace
}  // namespace orrery::hw
