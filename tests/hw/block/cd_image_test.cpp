#include "hw/block/cd_image.h"

#include <gtest/gtest.h>

namespace orrery::hw {
namespace {

std::vector<u8> pattern(u64 size) {
  std::vector<u8> v(size);
  for (u64 i = 0; i < size; ++i) v[i] = static_cast<u8>(i * 11 + i / 2048);
  return v;
}

/// Multiplication in GF(2^8) modulo x^8 + x^4 + x^3 + x^2 + 1, the slow way.
u8 multiply(u8 a, u8 b) {
  u8 product = 0;
  for (int i = 0; i < 8; ++i) {
    if ((b >> i) & 1) {
      u16 term = static_cast<u16>(a << i);
      for (int bit = 15; bit >= 8; --bit) {
        if ((term >> bit) & 1) term ^= static_cast<u16>(0x11d << (bit - 8));
      }
      product ^= static_cast<u8>(term);
    }
  }
  return product;
}

u8 power_of_two(unsigned n) {
  u8 v = 1;
  while (n-- > 0) v = multiply(v, 2);
  return v;
}

TEST(CdImage, TimesStartAtTwoSeconds) {
  EXPECT_EQ(msf_of(0).second, 2);
  EXPECT_EQ(msf_of(0).frame, 0);
  EXPECT_EQ(msf_of(16).frame, 16);
  const Msf late = msf_of(359999 - 150);
  EXPECT_EQ(late.minute, 79);
  EXPECT_EQ(late.second, 59);
  EXPECT_EQ(late.frame, 74);
  EXPECT_EQ(block_of(msf_of(123456)), 123456u);
}

TEST(CdImage, TheLastBlockOfACutImageIsPadded) {
  auto image = memory_image(pattern(3 * 2048 + 512), "x.iso");
  CdImage cd(*image);
  EXPECT_EQ(cd.blocks(), 4u);
  std::array<u8, kCdSectorSize> sector{};
  ASSERT_TRUE(cd.read(3, sector));
  EXPECT_EQ(sector[0], pattern(7000)[6144]);
  EXPECT_EQ(sector[600], 0);
  EXPECT_FALSE(cd.read(4, sector));
}

// ECMA-130, annex A: each P and Q vector is a codeword, so both syndromes vanish.
TEST(CdImage, RawSectorsCarryTheRightCodes) {
  auto image = memory_image(pattern(5 * 2048), "x.iso");
  CdImage cd(*image);
  std::array<u8, kCdRawSectorSize> s{};
  ASSERT_TRUE(cd.read_raw(4, s));
  EXPECT_EQ(s[0], 0x00);
  EXPECT_EQ(s[1], 0xff);
  EXPECT_EQ(s[11], 0x00);
  EXPECT_EQ(s[12], 0x00);
  EXPECT_EQ(s[13], 0x02);
  EXPECT_EQ(s[14], 0x04);
  EXPECT_EQ(s[15], 0x01);
  EXPECT_EQ(s[16], pattern(10240)[4 * 2048]);
  // The EDC, bit by bit over bytes 0-2067: the remainder with the check bytes is zero.
  u32 crc = 0;
  for (unsigned i = 0; i < 2064; ++i) {
    crc ^= s[i];
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xd8018001u : 0u);
  }
  EXPECT_EQ(core::load_le<u32>(&s[2064]), crc);
  const auto syndromes = [&](const std::vector<unsigned>& positions) {
    u8 plain = 0;
    u8 weighted = 0;
    for (unsigned i = 0; i < positions.size(); ++i) {
      const u8 byte = s[12 + positions[i]];
      plain ^= byte;
      weighted ^= multiply(byte, power_of_two(static_cast<unsigned>(positions.size()) - 1 - i));
    }
    return std::pair<int, int>(plain, weighted);
  };
  for (unsigned column = 0; column < 86; column += 5) {
    std::vector<unsigned> p;
    for (unsigned k = 0; k < 26; ++k) p.push_back(column + k * 86);
    EXPECT_EQ(syndromes(p), (std::pair<int, int>(0, 0))) << "P " << column;
  }
  for (unsigned v = 0; v < 52; v += 3) {
    std::vector<unsigned> q;
    for (unsigned k = 0; k < 43; ++k) q.push_back(((v >> 1) * 86 + (v & 1) + k * 88) % 2236);
    q.push_back(2236 + v);
    q.push_back(2236 + 52 + v);
    EXPECT_EQ(syndromes(q), (std::pair<int, int>(0, 0))) << "Q " << v;
  }
}

TEST(CdImage, RawImagesGiveTheirUserData) {
  std::vector<u8> raw(4 * kCdRawSectorSize);
  for (u32 i = 0; i < 4; ++i) {
    std::span<u8, kCdRawSectorSize> sector(raw.data() + i * kCdRawSectorSize, kCdRawSectorSize);
    std::fill(sector.begin(), sector.end(), static_cast<u8>(i + 1));
    frame_cd_sector(i, sector);
  }
  auto image = memory_image(raw, "x.bin");
  CdImage cd(*image);
  EXPECT_EQ(cd.blocks(), 4u);
  std::array<u8, kCdSectorSize> sector{};
  ASSERT_TRUE(cd.read(3, sector));
  EXPECT_EQ(sector[0], 4);
  EXPECT_EQ(sector[2047], 4);
  std::array<u8, kCdRawSectorSize> whole{};
  ASSERT_TRUE(cd.read_raw(2, whole));
  EXPECT_TRUE(std::equal(whole.begin(), whole.end(), raw.begin() + 2 * kCdRawSectorSize));
}

}  // namespace
}  // namespace orrery::hw
