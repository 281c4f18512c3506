// AES and SHA rounds (SDM vol. 2; FIPS 197 and FIPS 180-4).
#pragma once

#include "cpu/vector.h"

namespace orrery::cpu::simd {

namespace aes {

/// Multiplication by x in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1.
constexpr u8 times2(u8 v) { return static_cast<u8>((v << 1) ^ ((v & 0x80) != 0 ? 0x1b : 0)); }

constexpr u8 multiply(u8 a, u8 b) {
  u8 r = 0;
  for (; b != 0; b = static_cast<u8>(b >> 1), a = times2(a)) {
    if ((b & 1) != 0) r ^= a;
  }
  return r;
}

/// The inverse, then the affine map.
constexpr std::array<u8, 256> kSbox = [] {
  std::array<u8, 256> box{};
  u8 p = 1, q = 1;  // p runs through all powers of 3, q through those of its inverse
  do {
    p = static_cast<u8>(p ^ times2(p));
    q = multiply(q, 0xf6);
    u8 v = 0x63;
    for (unsigned n = 0; n < 5; ++n) v ^= std::rotl(q, static_cast<int>(n));
    box[p] = v;
  } while (p != 1);
  box[0] = 0x63;
  return box;
}();
constexpr std::array<u8, 256> kInverseSbox = [] {
  std::array<u8, 256> box{};
  for (unsigned n = 0; n < 256; ++n) box[kSbox[n]] = static_cast<u8>(n);
  return box;
}();

using Bytes = Lanes<u8, Vec128>;  // byte n is row n % 4 of column n / 4

/// Rows shifted left (right if inverse) by their number, bytes substituted.
constexpr Bytes substitute(const Bytes& x, bool inverse) {
  Bytes r{};
  for (unsigned n = 0; n < 16; ++n) {
    const unsigned from = (n + (inverse ? 12 : 4) * (n % 4)) % 16;
    r[n] = inverse ? kInverseSbox[x[from]] : kSbox[x[from]];
  }
  return r;
}

/// A quadword holds two columns; all of it at once.
constexpr u64 times2(u64 v) { return (v & 0x7f7f7f7f7f7f7f7f) << 1 ^ (v >> 7 & 0x0101010101010101) * 0x1b; }
/// Row n gets row n + rows.
constexpr u64 rotate_columns(u64 v, unsigned rows) {
  const auto column = [rows](u64 c) { return u64{std::rotr(static_cast<u32>(c), static_cast<int>(8 * rows))}; };
  return column(v) | column(v >> 32) << 32;
}
constexpr u64 mix_columns(u64 v, bool inverse) {
  if (inverse) {  // the inverse matrix is this one times {4, 0, 5, 0 ...}: 1 + 4 * (1 + rotation by two rows)
    v ^= times2(times2(v ^ rotate_columns(v, 2)));
  }
  const u64 twice = times2(v);
  return twice ^ rotate_columns(twice ^ v, 1) ^ rotate_columns(v, 2) ^ rotate_columns(v, 3);
}
constexpr Vec128 mix_columns(Vec128 v, bool inverse) {
  return {{mix_columns(v.q[0], inverse), mix_columns(v.q[1], inverse)}};
}

constexpr u32 substitute_word(u32 w) {
  u32 r = 0;
  for (unsigned n = 0; n < 32; n += 8) r |= u32{kSbox[w >> n & 0xff]} << n;
  return r;
}

}  // namespace aes

/// AESENC, AESDEC and their last rounds.
template <bool kInverse, bool kLast> struct AesRound {
  static Vec128 run(Vec128 a, Vec128 b) {
    Vec128 r = join<Vec128, u8>(aes::substitute(lanes<u8>(a), kInverse));
    if constexpr (!kLast) r = aes::mix_columns(r, kInverse);
    return {{r.q[0] ^ b.q[0], r.q[1] ^ b.q[1]}};
  }
};

struct AesInverseMixColumns {
  static Vec128 run(Vec128 b) { return aes::mix_columns(b, true); }
};

struct AesKeyAssist {
  static Vec128 run(Vec128 b, u8 imm) {
    const auto y = lanes<u32>(b);
    const u32 one = aes::substitute_word(y[1]), three = aes::substitute_word(y[3]);
    return join<Vec128, u32>({one, std::rotr(one, 8) ^ imm, three, std::rotr(three, 8) ^ imm});
  }
};

// --- SHA -------------------------------------------------------------------------------------------------------------

/// Four rounds of SHA-1; imm chooses function and constant.
struct Sha1Rounds {
  static Vec128 run(Vec128 state, Vec128 words, u8 imm) {
    constexpr u32 kConstants[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
    const auto x = lanes<u32>(state), w = lanes<u32>(words);
    u32 a = x[3], b = x[2], c = x[1], d = x[0], e = 0;  // the first word has E added
    for (unsigned n = 0; n < 4; ++n) {
      const unsigned kind = imm & 3;
      const u32 f = kind == 0 ? (b & c) ^ (~b & d) : kind == 2 ? (b & c) ^ (b & d) ^ (c & d) : b ^ c ^ d;
      const u32 next = f + std::rotl(a, 5) + w[3 - n] + e + kConstants[kind];
      e = d, d = c, c = std::rotl(b, 30), b = a, a = next;
    }
    return join<Vec128, u32>({d, c, b, a});
  }
};

struct Sha1NextE {
  static Vec128 run(Vec128 a, Vec128 b) {
    auto y = lanes<u32>(b);
    y[3] += std::rotl(lanes<u32>(a)[3], 30);
    return join<Vec128, u32>(y);
  }
};

struct Sha1Message1 {
  static Vec128 run(Vec128 a, Vec128 b) {
    const auto x = lanes<u32>(a), y = lanes<u32>(b);
    return join<Vec128, u32>({y[2] ^ x[0], y[3] ^ x[1], x[0] ^ x[2], x[1] ^ x[3]});
  }
};

struct Sha1Message2 {
  static Vec128 run(Vec128 a, Vec128 b) {
    const auto x = lanes<u32>(a), y = lanes<u32>(b);
    const u32 w16 = std::rotl(x[3] ^ y[2], 1);
    return join<Vec128, u32>({std::rotl(x[0] ^ w16, 1), std::rotl(x[1] ^ y[0], 1), std::rotl(x[2] ^ y[1], 1), w16});
  }
};

namespace sha256 {

constexpr u32 big0(u32 v) { return std::rotr(v, 2) ^ std::rotr(v, 13) ^ std::rotr(v, 22); }
constexpr u32 big1(u32 v) { return std::rotr(v, 6) ^ std::rotr(v, 11) ^ std::rotr(v, 25); }
constexpr u32 small0(u32 v) { return std::rotr(v, 7) ^ std::rotr(v, 18) ^ (v >> 3); }
constexpr u32 small1(u32 v) { return std::rotr(v, 17) ^ std::rotr(v, 19) ^ (v >> 10); }

}  // namespace sha256

/// Two rounds of SHA-256; the third operand is XMM0 with words and constants added.
struct Sha256Rounds {
  static Vec128 run(Vec128 state_cdgh, Vec128 state_abef, Vec128 words) {
    const auto x = lanes<u32>(state_cdgh), y = lanes<u32>(state_abef), w = lanes<u32>(words);
    u32 a = y[3], b = y[2], c = x[3], d = x[2], e = y[1], f = y[0], g = x[1], h = x[0];
    for (unsigned n = 0; n < 2; ++n) {
      const u32 t = ((e & f) ^ (~e & g)) + sha256::big1(e) + w[n] + h;
      const u32 next = t + ((a & b) ^ (a & c) ^ (b & c)) + sha256::big0(a);
      h = g, g = f, f = e, e = d + t, d = c, c = b, b = a, a = next;
    }
    return join<Vec128, u32>({f, e, b, a});
  }
};

struct Sha256Message1 {
  static Vec128 run(Vec128 a, Vec128 b) {
    auto x = lanes<u32>(a);
    const u32 next[4] = {x[1], x[2], x[3], lanes<u32>(b)[0]};
    for (unsigned n = 0; n < 4; ++n) x[n] += sha256::small0(next[n]);
    return join<Vec128, u32>(x);
  }
};

struct Sha256Message2 {
  static Vec128 run(Vec128 a, Vec128 b) {
    auto x = lanes<u32>(a);
    const auto y = lanes<u32>(b);
    x[0] += sha256::small1(y[2]);
    x[1] += sha256::small1(y[3]);
    x[2] += sha256::small1(x[0]);
    x[3] += sha256::small1(x[1]);
    return join<Vec128, u32>(x);
  }
};

}  // namespace orrery::cpu::simd
