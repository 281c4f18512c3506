// A controller with disks on a bench: as firmware leaves it, with the usual ways to talk to a drive.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "hw/ata_disk.h"
#include "hw/ide.h"
#include "tests/support/chip_rig.h"

namespace orrery::hw {

using Bytes = std::vector<u8>;
inline constexpr u64 kUs = 1'000;
inline constexpr u64 kMs = 1'000'000;
inline constexpr u16 kBmBase = 0xc000;
inline constexpr u32 kTable = 0x1000;

inline Bytes sector_of(u64 lba) {
  Bytes s(512);
  for (unsigned i = 0; i < 512; ++i) s[i] = static_cast<u8>(lba * 5 + i * 3);
  core::store_le<u64>(s.data(), lba);
  return s;
}

inline Bytes contents(u64 sectors) {
  Bytes all;
  all.reserve(sectors * 512);
  for (u64 lba = 0; lba < sectors; ++lba) {
    const Bytes s = sector_of(lba);
    all.insert(all.end(), s.begin(), s.end());
  }
  return all;
}

/// A disk that is much bigger than what a test can hold: reads give sector_of(), some sectors are bad.
class HugeDisk final : public BlockDevice {
 public:
  u64 bytes = u64{300} << 30;
  u64 bad = ~u64{0};
  std::vector<u64> written;

  const std::string& name() const override { return name_; }
  u64 size() const override { return bytes; }
  bool read_only() const override { return false; }
  bool read(u64 offset, std::span<u8> out) override {
    for (u64 at = 0; at < out.size(); at += 512) {
      const u64 lba = (offset + at) / 512;
      if (lba == bad) return false;
      const Bytes s = sector_of(lba);
      std::copy(s.begin(), s.end(), out.begin() + static_cast<i64>(at));
    }
    return true;
  }
  bool write(u64 offset, std::span<const u8> data) override {
    for (u64 at = 0; at < data.size(); at += 512) {
      if ((offset + at) / 512 == bad) return false;
      written.push_back((offset + at) / 512);
    }
    return true;
  }
  bool flush() override { return true; }
  void pad_to(u64) override {}
  const std::string& last_error() const override { return name_; }
  void archive(core::Archive&) override {}

 private:
  std::string name_ = "huge";
};

struct IdeRig : test::ChipRig {
  core::GuestMemory memory{1 << 20, log};
  core::LevelLine irq14;
  core::LevelLine irq15;
  MediaSlot slot0{"hd0"};
  MediaSlot slot1{"hd1"};
  IdeController ide{ports, memory, log, irq14, irq15};

  explicit IdeRig(u64 sectors0 = 4096, u64 sectors1 = 0) {
    memory.map_ram(0, 1 << 20, 0);
    if (sectors0 != 0) plug(0, slot0, memory_image(contents(sectors0), "hd0.img"));
    if (sectors1 != 0) plug(1, slot1, memory_image(contents(sectors1), "hd1.img"));
    start();
  }
  explicit IdeRig(std::unique_ptr<BlockDevice> image) {
    memory.map_ram(0, 1 << 20, 0);
    plug(0, slot0, std::move(image));
    start();
  }

  void plug(unsigned device, MediaSlot& slot, std::unique_ptr<BlockDevice> image) {
    slot.insert(std::move(image));
    ide.attach(0, device, std::make_unique<AtaDisk>(clock, log, device == 0 ? "hd0" : "hd1", slot));
  }

  /// As firmware does: I/O, bus master, decode of both channels, BAR 4.
  void start() {
    ide.pci().config_write(0x20, 4, kBmBase);
    ide.pci().config_write(0x04, 2, 0x0005);
    ide.pci().config_write(0x40, 4, 0x80008000);
    run(kMs);
  }

  u8 status() { return in8(0x3f6); }
  bool wait_ready() {
    return run_until([&] { return (status() & 0x80) == 0; });
  }
  bool wait_irq() {
    return run_until([&] { return irq14.level(); }, 5000 * kMs);
  }
  void set_lba(u64 lba, u8 device = 0) {
    out8(0x1f3, static_cast<u8>(lba));
    out8(0x1f4, static_cast<u8>(lba >> 8));
    out8(0x1f5, static_cast<u8>(lba >> 16));
    out8(0x1f6, static_cast<u8>(0xe0 | device << 4 | ((lba >> 24) & 0x0f)));
  }
  void set_lba48(u64 lba, u16 count, u8 device = 0) {
    out8(0x1f6, static_cast<u8>(0xe0 | device << 4));
    out8(0x1f2, static_cast<u8>(count >> 8));
    out8(0x1f3, static_cast<u8>(lba >> 24));
    out8(0x1f4, static_cast<u8>(lba >> 32));
    out8(0x1f5, static_cast<u8>(lba >> 40));
    out8(0x1f2, static_cast<u8>(count));
    out8(0x1f3, static_cast<u8>(lba));
    out8(0x1f4, static_cast<u8>(lba >> 8));
    out8(0x1f5, static_cast<u8>(lba >> 16));
  }
  /// A command for `count` sectors from `lba` on; it is under way.
  void issue(u8 opcode, u64 lba, u8 count) {
    set_lba(lba);
    out8(0x1f2, count);
    out8(0x1f7, opcode);
  }
  void issue48(u8 opcode, u64 lba, u16 count) {
    set_lba48(lba, count);
    out8(0x1f7, opcode);
  }
  Bytes read_block(unsigned bytes) {
    Bytes data;
    for (unsigned i = 0; i < bytes; i += 2) {
      const u16 v = in16(0x1f0);
      data.push_back(static_cast<u8>(v));
      data.push_back(static_cast<u8>(v >> 8));
    }
    return data;
  }
  void write_block(const Bytes& data) {
    for (std::size_t i = 0; i < data.size(); i += 2) out16(0x1f0, static_cast<u16>(data[i] | data[i + 1] << 8));
  }
  /// A command without data; the status at its end.
  u8 command(u8 opcode) {
    out8(0x1f7, opcode);
    EXPECT_TRUE(wait_irq()) << "no interrupt";
    return in8(0x1f7);
  }
  Bytes identify(u8 device = 0) {
    out8(0x1f6, static_cast<u8>(0xa0 | device << 4));
    out8(0x1f7, 0xec);
    EXPECT_TRUE(wait_irq());
    EXPECT_EQ(in8(0x1f7), 0x58);
    return read_block(512);
  }
  static u16 word(const Bytes& data, unsigned index) { return core::load_le<u16>(&data[index * 2]); }

  void descriptor(unsigned index, u32 address, u32 count, bool last) {
    memory.write32(kTable + index * 8, address);
    memory.write32(kTable + index * 8 + 4, (count & 0xffff) | (last ? 0x80000000u : 0));
  }
  void arm(bool to_memory) {
    out32(kBmBase + 4, kTable);
    out8(kBmBase, to_memory ? 0x08 : 0x00);
    out8(kBmBase + 2, 0x06);
  }
  void go(bool to_memory) { out8(kBmBase, to_memory ? 0x09 : 0x01); }
  Bytes memory_at(u32 address, u32 size) {
    Bytes out(size);
    memory.read_block(address, out);
    return out;
  }
};

}  // namespace orrery::hw
