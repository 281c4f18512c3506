#include "hw/block/cd_image.h"

#include <algorithm>

namespace orrery::hw {
namespace {

constexpr std::array<u8, 12> kSync{0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00};

constexpr u8 bcd(u8 v) { return static_cast<u8>(v / 10 * 16 + v % 10); }

/// CRC of the error detection code: (x^16 + x^15 + x^2 + 1)(x^16 + x^2 + x + 1), least significant bit first (14.3).
constexpr std::array<u32, 256> make_edc_table() {
  std::array<u32, 256> table{};
  for (u32 i = 0; i < 256; ++i) {
    u32 v = i;
    for (int bit = 0; bit < 8; ++bit) v = (v >> 1) ^ ((v & 1) != 0 ? 0xd8018001u : 0u);
    table[i] = v;
  }
  return table;
}
constexpr std::array<u32, 256> kEdc = make_edc_table();

/// Times x in GF(2^8) with x^8 + x^4 + x^3 + x^2 + 1.
constexpr u8 times_x(u8 v) { return static_cast<u8>((v << 1) ^ ((v & 0x80) != 0 ? 0x1d : 0)); }

/// Divides by (x + 1): the inverse of v ^ times_x(v).
constexpr std::array<u8, 256> make_divide_table() {
  std::array<u8, 256> table{};
  for (unsigned i = 0; i < 256; ++i) table[i ^ times_x(static_cast<u8>(i))] = static_cast<u8>(i);
  return table;
}
constexpr std::array<u8, 256> kDivide = make_divide_table();

/// Two parity bytes for each of `count` vectors of `length` bytes taken from `data` (annex A): byte k of vector v is at
/// start(v) + k * step modulo the size of the area.
void parity(std::span<u8> area, unsigned count, unsigned length, unsigned start_step, unsigned step, unsigned size,
            std::span<u8> out) {
  for (unsigned v = 0; v < count; ++v) {
    u8 sum = 0;
    u8 weighted = 0;
    unsigned at = (v >> 1) * start_step + (v & 1);
    for (unsigned k = 0; k < length; ++k) {
      const u8 byte = area[at];
      sum ^= byte;
      weighted = times_x(static_cast<u8>(weighted ^ byte));
      at += step;
      if (at >= size) at -= size;
    }
    // p0 * x + p1 = weighted * x and p0 + p1 = sum, over the field.
    const u8 first = kDivide[times_x(weighted) ^ sum];
    out[v] = first;
    out[v + count] = static_cast<u8>(first ^ sum);
  }
}

}  // namespace

Msf msf_of(u32 block) {
  const u32 frames = block + 150;
  return {static_cast<u8>(frames / (60 * 75)), static_cast<u8>(frames / 75 % 60), static_cast<u8>(frames % 75)};
}

u32 block_of(Msf msf) { return (u32{msf.minute} * 60 + msf.second) * 75 + msf.frame - 150; }

CdImage::CdImage(BlockDevice& device) : device_(device) {
  std::array<u8, 16> head{};
  std::array<u8, 12> second{};
  const bool sync = device.size() >= 2 * kCdRawSectorSize && device.read(0, head) &&
                    device.read(kCdRawSectorSize, second) && std::equal(kSync.begin(), kSync.end(), head.begin()) &&
                    second == kSync;
  if (sync && (head[15] == 1 || head[15] == 2)) {
    raw_ = true;
    data_offset_ = head[15] == 1 ? 16 : 24;
    blocks_ = static_cast<u32>(std::min<u64>(device.size() / kCdRawSectorSize, 0xfffffff0));
  } else {
    blocks_ = static_cast<u32>(std::min<u64>((device.size() + kCdSectorSize - 1) / kCdSectorSize, 0xfffffff0));
  }
}

/// The last block of an image may be cut short: zeros follow.
bool CdImage::read_at(u64 offset, std::span<u8> out) {
  std::fill(out.begin(), out.end(), u8{0});
  if (offset >= device_.size()) return true;
  return device_.read(offset, out.first(std::min<u64>(out.size(), device_.size() - offset)));
}

bool CdImage::read(u32 block, std::span<u8, kCdSectorSize> out) {
  if (block >= blocks_) return false;
  return read_at(raw_ ? u64{block} * kCdRawSectorSize + data_offset_ : u64{block} * kCdSectorSize, out);
}

bool CdImage::read_raw(u32 block, std::span<u8, kCdRawSectorSize> out) {
  if (block >= blocks_) return false;
  if (raw_) return read_at(u64{block} * kCdRawSectorSize, out);
  if (!read(block, out.subspan<16, kCdSectorSize>())) return false;
  frame_cd_sector(block, out);
  return true;
}

void frame_cd_sector(u32 block, std::span<u8, kCdRawSectorSize> sector) {
  std::copy(kSync.begin(), kSync.end(), sector.begin());
  const Msf msf = msf_of(block);
  sector[12] = bcd(msf.minute);
  sector[13] = bcd(msf.second);
  sector[14] = bcd(msf.frame);
  sector[15] = 1;
  u32 edc = 0;
  for (unsigned i = 0; i < 2064; ++i) edc = (edc >> 8) ^ kEdc[(edc ^ sector[i]) & 0xff];
  core::store_le<u32>(&sector[2064], edc);
  std::fill_n(&sector[2068], 8, u8{0});
  // P: 86 columns of 24 bytes; Q: 52 diagonals of 43 bytes, over P as well. Both cover the header.
  const std::span<u8> area = sector.subspan(12);
  parity(area, 86, 24, 2, 86, 2064, area.subspan(2064, 172));
  parity(area, 52, 43, 86, 88, 2236, area.subspan(2236, 104));
}

}  // namespace orrery::hw
