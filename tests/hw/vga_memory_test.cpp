// The graphics controller's paths to video memory, against a plain model of them bit by bit.
#include "tests/hw/vga_bench.h"

namespace orrery::hw {
namespace {

/// The data path as the Technical Reference describes it, one bit of one plane at a time.
struct PlainModel {
  std::array<std::vector<u8>, 4> plane{std::vector<u8>(65536), std::vector<u8>(65536), std::vector<u8>(65536),
                                       std::vector<u8>(65536)};
  std::array<u8, 4> latch{};
  std::array<u8, 9> gr{};
  u8 sr2 = 0, sr4 = 0, misc = 0;

  /// Splits an address in A0000-BFFFF; false if the window is not there.
  bool decode(u32 address, bool chained_pairs, u32& offset, u8& planes) const {
    const u32 from_a0000 = address - 0xa0000;
    u32 a = 0;
    switch (gr[6] >> 2 & 3) {
      case 0: a = from_a0000; break;
      case 1:
        if (from_a0000 > 0xffff) return false;
        a = from_a0000;
        break;
      case 2:
        if (from_a0000 < 0x10000 || from_a0000 > 0x17fff) return false;
        a = from_a0000 - 0x10000;
        break;
      case 3:
        if (from_a0000 < 0x18000) return false;
        a = from_a0000 - 0x18000;
        break;
    }
    if ((sr4 & 8) != 0) {
      planes = static_cast<u8>(1 << (a % 4));
      offset = a / 4;
    } else if (chained_pairs) {
      planes = a % 2 == 0 ? 0b0101 : 0b1010;
      const u32 page = (gr[6] >> 2 & 3) == 0 ? a / 65536 : (misc & 0x20) != 0 ? 0 : 1;
      offset = (a % 65536) / 2 * 2 + page;
    } else {
      planes = 0b1111;
      offset = a % 65536;
    }
    return true;
  }

  u8 read(u32 address) {
    u32 offset = 0;
    u8 planes = 0;
    if ((misc & 2) == 0 || !decode(address, (gr[5] & 0x10) != 0, offset, planes)) return 0xff;
    if (direct()) return plane[address % 4][offset];
    for (unsigned p = 0; p < 4; ++p) latch[p] = plane[p][offset];
    if ((gr[5] & 8) != 0) {
      u8 result = 0;
      for (unsigned bit = 0; bit < 8; ++bit) {
        bool equal = true;
        for (unsigned p = 0; p < 4; ++p) {
          if ((gr[7] >> p & 1) != 0 && (latch[p] >> bit & 1) != (gr[2] >> p & 1)) equal = false;
        }
        if (equal) result |= static_cast<u8>(1 << bit);
      }
      return result;
    }
    unsigned from = gr[4] & 3;
    if (planes == 0b0101) from = gr[4] & 2;
    if (planes == 0b1010) from = (gr[4] & 2) + 1;
    if ((sr4 & 8) != 0) from = address % 4;
    return latch[from];
  }

  void write(u32 address, u8 value) {
    u32 offset = 0;
    u8 planes = 0;
    if ((misc & 2) == 0 || !decode(address, (sr4 & 4) == 0, offset, planes)) return;
    planes &= sr2;
    for (unsigned p = 0; p < 4; ++p) {
      if ((planes >> p & 1) == 0) continue;
      u8 result = 0;
      for (unsigned bit = 0; bit < 8; ++bit) {
        const bool latched = (latch[p] >> bit & 1) != 0;
        const bool rotated = (value >> ((bit + gr[3] % 8) % 8) & 1) != 0;
        const bool set = (gr[0] >> p & 1) != 0;
        bool mask = (gr[8] >> bit & 1) != 0;
        bool data = false;
        switch (gr[5] & 3) {
          case 0: data = (gr[1] >> p & 1) != 0 ? set : rotated; break;
          case 1: data = latched; break;
          case 2: data = (value >> p & 1) != 0; break;
          case 3:
            data = set;
            mask = mask && rotated;
            break;
        }
        if ((gr[5] & 3) != 1) {
          switch (gr[3] >> 3 & 3) {
            case 1: data = data && latched; break;
            case 2: data = data || latched; break;
            case 3: data = data != latched; break;
            default: break;
          }
          if (!mask) data = latched;
        }
        if (data) result |= static_cast<u8>(1 << bit);
      }
      plane[p][offset] = result;
    }
  }

  /// Chain-4 in which bytes are stored as they are: memory proper, which leaves the latches alone.
  bool direct() const {
    return (sr4 & 8) != 0 && sr2 == 15 && (gr[6] >> 2 & 3) == 1 && (gr[5] & 11) == 0 && gr[3] == 0 && gr[1] == 0 &&
           gr[8] == 0xff;
  }
};

TEST(VgaMemory, EveryRegisterSettingMatchesThePlainModel) {
  VgaBench b;
  PlainModel model;
  VgaDice dice{20240607};
  unsigned direct = 0;
  for (unsigned round = 0; round < 4000; ++round) {
    const auto often = [&](u32 usual, u32 other) { return static_cast<u8>(dice(3) != 0 ? usual : other); };
    model.misc = often(0x23, dice(256));
    model.sr2 = often(0x0f, dice(16));
    model.sr4 = static_cast<u8>(dice(8) * 2);
    model.gr = {static_cast<u8>(dice(16)), often(0, dice(16)),        static_cast<u8>(dice(16)),
                often(0, dice(32)),        static_cast<u8>(dice(4)),  static_cast<u8>(dice(128) & 0x7b),
                often(4, dice(16)),        static_cast<u8>(dice(16)), often(0xff, dice(256))};
    b.out(0x3c2, model.misc);
    b.seq(2, model.sr2), b.seq(4, model.sr4);
    for (unsigned n = 0; n < 9; ++n) b.gfx(n, model.gr[n]);
    direct += model.direct() ? 1 : 0;
    const u32 near = dice(0x20000);
    for (unsigned access = 0; access < 24; ++access) {
      const u32 address = 0xa0000 + (dice(4) != 0 ? (near + dice(16)) % 0x20000 : dice(0x20000));
      if (dice(2) != 0) {
        const u8 value = static_cast<u8>(dice(256));
        b.poke(address, value);
        model.write(address, value);
      } else {
        ASSERT_EQ(b.peek(address), model.read(address)) << std::hex << "round " << round << " address " << address;
      }
    }
  }
  EXPECT_GT(direct, 10u);
  for (unsigned p = 0; p < 4; ++p) {
    for (u32 n = 0; n < 65536; ++n) ASSERT_EQ(b.vga.video_memory()[n * 4 + p], model.plane[p][n]) << p << ' ' << n;
  }
}

TEST(VgaMemory, WideAccessesAreTheirBytesLowAddressFirst) {
  VgaBench b;
  b.set_mode(0x12);
  b.gfx(8, 0x0f);
  b.memory.write(0xa0101, 8, 0x1122334455667788);
  EXPECT_EQ(b.memory.read(0xa0101, 8), 0x0102030405060708u);
  b.seq(2, 1);
  b.memory.write(0xa0ffe, 4, 0x0a0b0c0d);  // over a page's end
  b.gfx(4, 0);
  EXPECT_EQ(b.memory.read(0xa0ffe, 4), 0x0a0b0c0du & 0x0f0f0f0f);
}

TEST(VgaMemory, TextIsInTheEvenOffsetsOfPlanes0And1) {
  VgaBench b;
  b.set_mode(3);
  b.memory.write16(0xb8000 + 160, 0x1f41);
  EXPECT_EQ(b.vga.video_memory()[160 * 4 + 0], 0x41);
  EXPECT_EQ(b.vga.video_memory()[160 * 4 + 1], 0x1f);
  EXPECT_EQ(b.memory.read16(0xb8000 + 160), 0x1f41);
  EXPECT_EQ(b.peek(0xa0000), 0xff);
  EXPECT_EQ(b.peek(0xb0000), 0xff);
}

TEST(VgaMemory, Mode13hWindowIsHostMemoryAndTheOthersAreNot) {
  VgaBench b;
  b.set_mode(0x13);
  ASSERT_NE(b.memory.page(0xa0000).write, nullptr);
  EXPECT_EQ(b.memory.page(0xaf000).write, b.vga.video_memory().data() + 0xf000);
  b.poke(0xa1234, 0x56);
  b.seq(2, 0x01);  // a mask: no longer a plain store
  EXPECT_EQ(b.memory.page(0xa0000).write, nullptr);
  EXPECT_EQ(b.peek(0xa1234), 0x56);
  b.seq(2, 0x0f);
  EXPECT_NE(b.memory.page(0xa0000).write, nullptr);
  b.set_mode(0x12);
  EXPECT_EQ(b.memory.page(0xa0000).write, nullptr);
}

TEST(VgaMemory, UnchainedMode13hWritesFourPixelsAtOnce) {
  VgaBench b;
  b.set_mode(0xff);
  b.seq(2, 0x0f);
  b.poke(0xa0000 + 80, 9);
  b.seq(2, 0x04);
  b.poke(0xa0000 + 80, 200);
  const Frame& f = b.vga.render();
  ASSERT_EQ(f.width, 320u);
  ASSERT_EQ(f.height, 240u);
  EXPECT_EQ(f.pixel(0, 1), VgaBench::rgb(9));
  EXPECT_EQ(f.pixel(2, 1), VgaBench::rgb(200));
  EXPECT_EQ(f.pixel(3, 1), VgaBench::rgb(9));
  EXPECT_EQ(f.pixel(4, 1), VgaBench::rgb(0));
}

}  // namespace
}  // namespace orrery::hw
