// Vector instructions by published examples and by the manual's words; native_test.cpp has the bulk, on x86-64 hosts.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "cpu/simd/crypto.h"
#include "cpu/simd/float.h"
#include "cpu/vector.h"
#include "tests/support/cpu_rig.h"

namespace orrery::test {
namespace {

struct VectorRig : CpuRig {
  VectorRig() {
    protected_mode();
    cr4(kCr4Osfxsr | kCr4Osxmmexcpt);
  }
  Vec128 xmm(unsigned n) const { return {{s.xmm[n].q[0], s.xmm[n].q[1]}}; }
  void set(unsigned n, Vec128 v) { s.xmm[n].q = {v.q[0], v.q[1], 0, 0}; }
  /// XMM0 after one instruction.
  Vec128 run1(std::string_view hex, Vec128 a, Vec128 b) {
    set(0, a);
    set(1, b);
    s.rip = kCode;
    run(hex);
    EXPECT_EQ(entered(), -1);
    return xmm(0);
  }
  u32 single(std::string_view hex, u32 a, u32 b, u32 mxcsr) {
    s.mxcsr = mxcsr;
    return static_cast<u32>(run1(hex, {{a, 0}}, {{b, 0}}).q[0]);
  }
  u32 flags() const { return static_cast<u32>(cpu.rflags()) & kArithFlags; }
};

/// Sixteen bytes as they stand in memory.
Vec128 bytes(std::string_view hex) {
  simd::Lanes<u8, Vec128> v{};
  unsigned n = 0;
  for (const char c : hex) {
    if (c == ' ') continue;
    const int digit = c <= '9' ? c - '0' : c - 'a' + 10;
    v[n / 2] = static_cast<u8>(v[n / 2] << 4 | digit);
    ++n;
  }
  return simd::join<Vec128, u8>(v);
}

Vec128 characters(std::string_view text) {
  simd::Lanes<u8, Vec128> v{};
  for (std::size_t n = 0; n < text.size(); ++n) v[n] = static_cast<u8>(text[n]);
  return simd::join<Vec128, u8>(v);
}

Vec128 exclusive_or(Vec128 a, Vec128 b) { return {{a.q[0] ^ b.q[0], a.q[1] ^ b.q[1]}}; }

// --- cryptography ----------------------------------------------------------------------------------------------------

/// The key schedule of AES-128 by AESKEYGENASSIST, whose immediate is the round constant.
std::array<Vec128, 11> expand(VectorRig& r, Vec128 key) {
  std::array<Vec128, 11> keys{key};
  const char* const kCode[] = {"660f3adfc1 01", "660f3adfc1 02", "660f3adfc1 04", "660f3adfc1 08", "660f3adfc1 10",
                               "660f3adfc1 20", "660f3adfc1 40", "660f3adfc1 80", "660f3adfc1 1b", "660f3adfc1 36"};
  for (unsigned n = 0; n < 10; ++n) {
    const u32 word = static_cast<u32>(r.run1(kCode[n], {}, keys[n]).q[1] >> 32);
    auto w = simd::lanes<u32>(keys[n]);
    w[0] ^= word;
    for (unsigned k = 1; k < 4; ++k) w[k] ^= w[k - 1];
    keys[n + 1] = simd::join<Vec128, u32>(w);
  }
  return keys;
}

TEST(KnownAnswers, Aes128EncryptsAndDecryptsTheExampleOfFips197) {
  VectorRig r;
  const auto keys = expand(r, bytes("000102030405060708090a0b0c0d0e0f"));
  EXPECT_EQ(keys[10], bytes("13111d7fe3944a17f307a78b4d2b30c5"));
  const Vec128 plain = bytes("00112233445566778899aabbccddeeff"), cipher = bytes("69c4e0d86a7b0430d8cdb78070b4c55a");
  Vec128 v = exclusive_or(plain, keys[0]);
  for (unsigned n = 1; n < 10; ++n) v = r.run1("660f38dcc1", v, keys[n]);
  EXPECT_EQ(r.run1("660f38ddc1", v, keys[10]), cipher);
  v = exclusive_or(cipher, keys[10]);
  for (unsigned n = 9; n > 0; --n)
    v = r.run1("660f38dec1", v, r.run1("660f38dbc1", {}, keys[n]));  // aesdec with aesimc's key
  EXPECT_EQ(r.run1("660f38dfc1", v, keys[0]), plain);
}

TEST(KnownAnswers, CarrylessProducts) {
  VectorRig r;
  const Vec128 a{{0x63746f725d53475d, 0x7b5b546573745665}}, b{{0x5b477565726f6e5d, 0x4869285368617929}};
  EXPECT_EQ(r.run1("660f3a44c1 00", a, b), (Vec128{{0x929633d5d36f0451, 0x1d4d84c85c3440c0}}));
  EXPECT_EQ(r.run1("660f3a44c1 11", {{0, 3}}, {{0, 0xffffffffffffffff}}), (Vec128{{1, 1}}))
      << "3 times x is x ^ x << 1";
  EXPECT_EQ(r.run1("660f3a44c1 10", {{2, 9}}, {{7, 0x8000000000000000}}), (Vec128{{0, 1}}));
}

TEST(KnownAnswers, Sha256OfAbc) {
  VectorRig r;
  constexpr u32 kRound[64] = {
      0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
      0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
      0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
      0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
      0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
      0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
      0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
      0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
  std::array<u32, 64> w{0x61626380};
  w[15] = 24;
  for (unsigned n = 16; n < 64; n += 4) {
    const auto four = [&w](unsigned k) { return simd::join<Vec128, u32>({w[k], w[k + 1], w[k + 2], w[k + 3]}); };
    auto x = simd::lanes<u32>(r.run1("0f38ccc1", four(n - 16), four(n - 12)));  // sha256msg1
    for (unsigned k = 0; k < 4; ++k) x[k] += w[n - 7 + k];
    x = simd::lanes<u32>(r.run1("0f38cdc1", simd::join<Vec128, u32>(x), four(n - 4)));  // sha256msg2
    for (unsigned k = 0; k < 4; ++k) w[n + k] = x[k];
  }
  constexpr u32 kInitial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                               0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  const auto& i = kInitial;
  Vec128 abef = simd::join<Vec128, u32>({i[5], i[4], i[1], i[0]}),
         cdgh = simd::join<Vec128, u32>({i[7], i[6], i[3], i[2]});
  for (unsigned n = 0; n < 64; n += 2) {
    r.set(0, {{(w[n] + kRound[n]) | u64{w[n + 1] + kRound[n + 1]} << 32, 0}});
    r.set(2, cdgh);
    r.set(3, abef);
    r.s.rip = CpuRig::kCode;
    r.run("0f38cbd3");  // sha256rnds2 xmm2, xmm3
    cdgh = abef;
    abef = r.xmm(2);
  }
  const auto x = simd::lanes<u32>(abef), y = simd::lanes<u32>(cdgh);
  const u32 digest[8] = {x[3] + i[0], x[2] + i[1], y[3] + i[2], y[2] + i[3],
                         x[1] + i[4], x[0] + i[5], y[1] + i[6], y[0] + i[7]};
  const u32 expected[8] = {0xba7816bf, 0x8f01cfea, 0x414140de, 0x5dae2223,
                           0xb00361a3, 0x96177a9c, 0xb410ff61, 0xf20015ad};
  for (unsigned n = 0; n < 8; ++n) EXPECT_EQ(digest[n], expected[n]) << n;
}

TEST(KnownAnswers, Sha1OfAbc) {
  VectorRig r;
  // Words are kept from the highest lane downwards.
  std::array<Vec128, 20> w{};
  w[0] = simd::join<Vec128, u32>({0, 0, 0, 0x61626380});
  w[3] = simd::join<Vec128, u32>({24, 0, 0, 0});
  for (unsigned n = 4; n < 20; ++n) {
    const Vec128 v = exclusive_or(r.run1("0f38c9c1", w[n - 4], w[n - 3]), w[n - 2]);  // sha1msg1
    w[n] = r.run1("0f38cac1", v, w[n - 1]);                                           // sha1msg2
  }
  const Vec128 start = simd::join<Vec128, u32>({0x10325476, 0x98badcfe, 0xefcdab89, 0x67452301});
  Vec128 abcd = start, before = start;
  const char* const kRounds[] = {"0f3accc1 00", "0f3accc1 01", "0f3accc1 02", "0f3accc1 03"};
  for (unsigned n = 0; n < 20; ++n) {
    auto e = simd::lanes<u32>(w[n]);
    if (n == 0) {
      e[3] += 0xc3d2e1f0;
    } else {
      e = simd::lanes<u32>(r.run1("0f38c8c1", before, w[n]));  // sha1nexte
    }
    before = abcd;
    abcd = r.run1(kRounds[n / 5], abcd, simd::join<Vec128, u32>(e));
  }
  const auto v = simd::lanes<u32>(abcd), s = simd::lanes<u32>(start);
  EXPECT_EQ(v[3] + s[3], 0xa9993e36u);
  EXPECT_EQ(v[2] + s[2], 0x4706816au);
  EXPECT_EQ(v[1] + s[1], 0xba3e2571u);
  EXPECT_EQ(v[0] + s[0], 0x7850c26cu);
  EXPECT_EQ(simd::lanes<u32>(r.run1("0f38c8c1", before, {}))[3] + 0xc3d2e1f0, 0x9cd0d89du);
}

TEST(KnownAnswers, Crc32OfTheNineDigitsInAllWidths) {
  VectorRig r;
  const auto step = [&r](std::string_view hex, u32 crc, u32 data) {
    r.s.gpr[kRax] = crc;
    r.s.gpr[kRcx] = data;
    r.s.rip = CpuRig::kCode;
    r.run(hex);
    return static_cast<u32>(r.s.gpr[kRax]);
  };
  u32 crc = ~0u;
  for (u32 c = '1'; c <= '9'; ++c) crc = step("f20f38f0c1", crc, c);
  EXPECT_EQ(~crc, 0xe3069283u);
  crc = step("f20f38f1c1", ~0u, 0x34333231);
  crc = step("f20f38f1c1", crc, 0x38373635);
  EXPECT_EQ(~step("f20f38f0c1", crc, '9'), 0xe3069283u);
  crc = step("66f20f38f1c1", step("66f20f38f1c1", ~0u, 0x55553231), 0x3433);
  EXPECT_EQ(~step("f20f38f0c1", step("f20f38f1c1", crc, 0x38373635), '9'), 0xe3069283u);
}

// --- strings ---------------------------------------------------------------------------------------------------------

TEST(KnownAnswers, StringComparisonsFindSetsRangesAndSubstrings) {
  VectorRig r;
  const auto find = [&r](std::string_view hex, std::string_view pattern, std::string_view text) {
    r.run1(hex, characters(pattern), characters(text));
    return static_cast<u32>(r.s.gpr[kRcx]);
  };
  EXPECT_EQ(find("660f3a63c1 00", "aeiou", "rhythm and blues"), 7u);  // equal any
  EXPECT_EQ(r.flags(), kCf | kSf) << "found, the pattern is short, the text is not";
  EXPECT_EQ(find("660f3a63c1 10", "rhytm", "rhythm and"), 6u) << "negative: what is not in the set";
  EXPECT_EQ(find("660f3a63c1 04", "azAZ", "1984, by Orwell"), 6u);  // ranges
  EXPECT_EQ(find("660f3a63c1 0c", "own", "the brown fox"), 6u);     // equal ordered
  EXPECT_EQ(find("660f3a63c1 0c", "fox!", "the fox"), 16u);
  EXPECT_EQ(r.flags(), kZf | kSf);
  EXPECT_EQ(find("660f3a63c1 18", "same", "same"), 16u) << "equal each, negative: no difference";
  EXPECT_EQ(find("660f3a63c1 18", "same", "sane"), 2u);
  EXPECT_EQ(find("660f3a63c1 40", "a", "banana"), 5u) << "the last one";
  r.s.gpr[kRax] = 0xfffffffe;  // lengths count by their absolute value
  r.s.gpr[kRdx] = 6;
  EXPECT_EQ(find("660f3a61c1 00", "xya", "banana"), 16u) << "the pattern has only two characters";
}

TEST(KnownAnswers, StringMasksAreBitsOrLanes) {
  VectorRig r;
  EXPECT_EQ(r.run1("660f3a62c1 00", characters("a"), characters("banana")), (Vec128{{0x2a, 0}}));
  EXPECT_EQ(r.run1("660f3a62c1 40", characters("a"), characters("banana")), (Vec128{{0x0000ff00ff00ff00, 0}}));
}

// --- floating point --------------------------------------------------------------------------------------------------

TEST(KnownAnswers, RoundingFollowsMxcsr) {
  VectorRig r;
  for (const auto& [rounding, third] :
       {std::pair{0u, 0x3eaaaaabu}, {1u, 0x3eaaaaaau}, {2u, 0x3eaaaaabu}, {3u, 0x3eaaaaaau}}) {
    EXPECT_EQ(r.single("f30f5ec1", 0x3f800000, 0x40400000, 0x1f80 | rounding << 13), third) << "1 / 3";
    EXPECT_EQ(r.s.mxcsr & 63, 0x20u);
  }
}

TEST(KnownAnswers, AProductThatRoundsUpToTheSmallestNormalUnderflows) {
  VectorRig r;
  // (1 - 2^-24) * 2^-126 needs 24 bits below the smallest normal number: tiny, and rounded to it.
  constexpr u32 kBelowOne = 0x3f7fffff, kSmallest = 0x00800000;
  for (const u32 before : {0x1f80u, 0x1fa0u}) {  // by soft floating point, and by the host's
    EXPECT_EQ(r.single("f30f59c1", kBelowOne, kSmallest, before), kSmallest);
    EXPECT_EQ(r.s.mxcsr & 63, 0x30u) << "underflow and inexact";
    EXPECT_EQ(r.single("f30f59c1", kBelowOne, kSmallest, before | 0x8000), 0u) << "flushed to zero";
  }
  r.s.mxcsr = 0x1fa0;
  EXPECT_EQ(r.run1("0f59c1", {{kBelowOne | u64{kBelowOne} << 32, 0}}, {{kSmallest, 0}}).q[0], kSmallest);
  EXPECT_EQ(r.s.mxcsr & 63, 0x30u);
}

TEST(KnownAnswers, DenormalsAreZerosWhereMxcsrSaysSo) {
  VectorRig r;
  EXPECT_EQ(r.single("f30f58c1", 1, 1, 0x1f80), 2u);
  EXPECT_EQ(r.s.mxcsr & 63, 2u) << "denormal operand";
  EXPECT_EQ(r.single("f30f58c1", 1, 0x3f800000, 0x1fc0), 0x3f800000u);
  EXPECT_EQ(r.s.mxcsr & 63, 0u);
  EXPECT_EQ(r.single("f30f58c1", 0x80000001, 0x80000001, 0x1fc0), 0x80000000u) << "the sign stays";
}

TEST(KnownAnswers, MinimumAndMaximumGiveTheSecondOperandInDoubt) {
  VectorRig r;
  EXPECT_EQ(r.single("f30f5dc1", 0x80000000, 0, 0x1f80), 0u) << "of two zeros";
  EXPECT_EQ(r.single("f30f5fc1", 0, 0x80000000, 0x1f80), 0x80000000u);
  EXPECT_EQ(r.single("f30f5dc1", 0x7fc00000, 0x3f800000, 0x1f80), 0x3f800000u);
  EXPECT_EQ(r.s.mxcsr & 63, 1u) << "invalid with quiet NaNs, too";
  EXPECT_EQ(r.single("f30f5dc1", 0x3f800000, 0x7f800001, 0x1f80), 0x7f800001u) << "not even made quiet";
}

TEST(KnownAnswers, WhatFitsNoIntegerIsTheIndefiniteOne) {
  VectorRig r;
  r.s.mxcsr = 0x1f80;
  r.run1("f20f2dc1", {}, {{0x41e0000000000000, 0}});  // cvtsd2si eax, xmm1: 2^31
  EXPECT_EQ(r.s.gpr[kRax], 0x80000000u);
  EXPECT_EQ(r.s.mxcsr & 63, 1u);
  r.s.mxcsr = 0x1f80;
  r.run1("f20f2dc1", {}, {{0xc1e0000000100000, 0}});  // -2^31 - 0.5: to even
  EXPECT_EQ(r.s.gpr[kRax], 0x80000000u);
  EXPECT_EQ(r.s.mxcsr & 63, 0x20u);
}

TEST(KnownAnswers, ApproximationsStayWithinTheManualsBound) {
  constexpr double kBound = 1.5 / 4096;
  for (u32 significand = 0; significand < 0x800000; significand += 61) {
    for (const u32 exponent : {1u, 126u, 127u, 128u, 200u, 252u}) {
      const u32 v = exponent << 23 | significand;
      const double x = std::bit_cast<float>(v);
      const double root = std::bit_cast<float>(simd::approximate_reciprocal_root(v)) * std::sqrt(x);
      ASSERT_LE(std::fabs(root - 1), kBound) << v;
      if (exponent == 252 && significand > 0) continue;  // tiny reciprocals are zeros
      const double reciprocal = std::bit_cast<float>(simd::approximate_reciprocal(v)) * x;
      ASSERT_LE(std::fabs(reciprocal - 1), kBound) << v;
    }
  }
  EXPECT_EQ(simd::approximate_reciprocal(0x80000000), 0xff800000u);
  EXPECT_EQ(simd::approximate_reciprocal(0x7f800000), 0u);
  EXPECT_EQ(simd::approximate_reciprocal(0x7f800001), 0x7fc00001u);
  EXPECT_EQ(simd::approximate_reciprocal_root(0xbf800000), 0xffc00000u);
  EXPECT_EQ(simd::approximate_reciprocal_root(0x80000000), 0xff800000u);
  EXPECT_EQ(simd::approximate_reciprocal(0x3f800000), 0x3f800000u);
  EXPECT_EQ(simd::approximate_reciprocal_root(0x40800000), 0x3f000000u);
}

}  // namespace
}  // namespace orrery::test
