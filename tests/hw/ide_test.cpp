#include "hw/ide.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "hw/ata_disk.h"
#include "tests/support/archive_tests.h"
#include "tests/support/chip_rig.h"

namespace orrery::hw {
namespace {

using Bytes = std::vector<u8>;
constexpr u64 kUs = 1'000;
constexpr u64 kMs = 1'000'000;
constexpr u16 kBmBase = 0xc000;
constexpr u32 kTable = 0x1000;

Bytes sector_of(u64 lba) {
  Bytes s(512);
  for (unsigned i = 0; i < 512; ++i) s[i] = static_cast<u8>(lba * 5 + i * 3);
  core::store_le<u64>(s.data(), lba);
  return s;
}

Bytes contents(u64 sectors) {
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

struct Rig : test::ChipRig {
  core::GuestMemory memory{1 << 20, log};
  core::LevelLine irq14;
  core::LevelLine irq15;
  MediaSlot slot0{"hd0"};
  MediaSlot slot1{"hd1"};
  IdeController ide{ports, memory, log, irq14, irq15};

  explicit Rig(u64 sectors0 = 4096, u64 sectors1 = 0) {
    memory.map_ram(0, 1 << 20, 0);
    if (sectors0 != 0) plug(0, slot0, memory_image(contents(sectors0), "hd0.img"));
    if (sectors1 != 0) plug(1, slot1, memory_image(contents(sectors1), "hd1.img"));
    start();
  }
  explicit Rig(std::unique_ptr<BlockDevice> image) {
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

// --- resets, selection, absent drives --------------------------------------------------------------------------------

TEST(Ide, NothingAnswersBeforeFirmwareEnablesIt) {
  Rig rig;
  rig.ide.reset();
  rig.run(kMs);
  EXPECT_EQ(rig.in8(0x1f7), 0xff);
  rig.ide.pci().config_write(0x04, 2, 0x0001);
  EXPECT_EQ(rig.in8(0x1f7), 0xff) << "I/O alone is not enough";
  rig.ide.pci().config_write(0x40, 2, 0x8000);
  EXPECT_EQ(rig.in8(0x1f7), 0x50);
  EXPECT_EQ(rig.in8(0x177), 0xff);
  rig.ide.pci().config_write(0x42, 2, 0x8000);
  EXPECT_EQ(rig.in8(0x177), 0x7f) << "an empty channel";
}

TEST(Ide, ThePciFunctionIsThePiix3s) {
  Rig rig;
  EXPECT_EQ(rig.ide.pci().config_read(0x00, 4), 0x70108086u);
  EXPECT_EQ(rig.ide.pci().config_read(0x08, 4) >> 8, 0x010180u);
  EXPECT_EQ(rig.ide.pci().config_read(0x3d, 1), 0u) << "no PCI interrupt: 14 and 15";
  rig.ide.pci().config_write(0x20, 4, 0xffffffff);
  EXPECT_EQ(rig.ide.pci().config_read(0x20, 4), 0xfffffff1u);
}

TEST(Ide, TheSignatureOfADiskFollowsAReset) {
  Rig rig;
  rig.out8(0x1f6, 0xb0);
  rig.out8(0x3f6, 0x04);
  EXPECT_EQ(rig.status(), 0x80);
  rig.run(10 * kMs);
  EXPECT_EQ(rig.status(), 0x80) << "for as long as SRST is set";
  rig.out8(0x3f6, 0x00);
  EXPECT_EQ(rig.status(), 0x80);
  EXPECT_TRUE(rig.wait_ready());
  EXPECT_EQ(rig.status(), 0x50);
  EXPECT_EQ(rig.in8(0x1f1), 0x01);
  EXPECT_EQ(rig.in8(0x1f2), 0x01);
  EXPECT_EQ(rig.in8(0x1f3), 0x01);
  EXPECT_EQ(rig.in8(0x1f4), 0x00);
  EXPECT_EQ(rig.in8(0x1f5), 0x00);
  EXPECT_EQ(rig.in8(0x1f6), 0x00) << "device 0 is selected";
  EXPECT_FALSE(rig.irq14.level());
}

TEST(Ide, Device0AnswersForAnAbsentDevice1) {
  Rig rig;
  rig.out8(0x1f6, 0xb0);
  rig.out8(0x1f2, 0x55);
  rig.out8(0x1f3, 0xaa);
  EXPECT_EQ(rig.in8(0x1f2), 0x55);
  EXPECT_EQ(rig.in8(0x1f3), 0xaa);
  EXPECT_EQ(rig.in8(0x1f6), 0xb0);
  EXPECT_EQ(rig.in8(0x1f7), 0x00);
  rig.out8(0x1f7, 0xec);
  rig.run(100 * kMs);
  EXPECT_EQ(rig.in8(0x1f7), 0x00) << "commands for it vanish";
  EXPECT_FALSE(rig.irq14.level());
  EXPECT_EQ(Rig::word(rig.identify(), 93) & 0xdf61, 0x4041);
}

TEST(Ide, AnEmptyChannelFloats) {
  Rig rig;
  for (u16 port = 0x171; port < 0x178; ++port) EXPECT_EQ(rig.in8(port), 0x7f);
  EXPECT_EQ(rig.in8(0x376), 0x7f);
  rig.out8(0x172, 0x55);
  EXPECT_EQ(rig.in8(0x172), 0x7f);
  rig.out8(0x177, 0xec);
  rig.in16(0x170);
  rig.run(100 * kMs);
  EXPECT_FALSE(rig.irq15.level());
}

TEST(Ide, BothDrivesHearRegistersAndOneExecutes) {
  Rig rig(4096, 2048);
  EXPECT_EQ(Rig::word(rig.identify(0), 60), 4096);
  EXPECT_EQ(Rig::word(rig.identify(1), 60), 2048);
  rig.out8(0x1f6, 0xa0);
  rig.out8(0x1f2, 0x12);
  rig.out8(0x1f6, 0xb0);
  EXPECT_EQ(rig.in8(0x1f2), 0x12);
}

TEST(Ide, DiagnosticsRunOnBothAndDevice0Reports) {
  Rig rig(4096, 2048);
  rig.out8(0x1f6, 0xb0);
  EXPECT_EQ(rig.command(0x90), 0x50);
  EXPECT_EQ(rig.in8(0x1f1), 0x01);
  EXPECT_EQ(rig.in8(0x1f6), 0x00);
  rig.out8(0x1f6, 0xb0);
  EXPECT_EQ(rig.in8(0x1f1), 0x01);
  EXPECT_EQ(rig.in8(0x1f3), 0x01);
}

TEST(Ide, AnInterruptShowsOnlyWhileItsDriveIsSelected) {
  Rig rig(4096, 2048);
  rig.out8(0x1f6, 0xa0);
  rig.out8(0x1f7, 0xe7);
  EXPECT_TRUE(rig.wait_irq());
  rig.out8(0x1f6, 0xb0);
  EXPECT_FALSE(rig.irq14.level());
  rig.in8(0x1f7);
  rig.out8(0x1f6, 0xa0);
  EXPECT_TRUE(rig.irq14.level());
  EXPECT_EQ(rig.in8(0x3f6), 0x50);
  EXPECT_TRUE(rig.irq14.level()) << "alternate status leaves it";
  EXPECT_EQ(rig.in8(0x1f7), 0x50);
  EXPECT_FALSE(rig.irq14.level());
}

TEST(Ide, NienMasksTheInterrupt) {
  Rig rig;
  rig.out8(0x3f6, 0x02);
  rig.out8(0x1f7, 0xe7);
  rig.run(100 * kMs);
  EXPECT_FALSE(rig.irq14.level());
  rig.out8(0x3f6, 0x00);
  EXPECT_TRUE(rig.irq14.level());
}

// --- IDENTIFY and parameters -----------------------------------------------------------------------------------------

TEST(Ide, IdentifiesItself) {
  Rig rig(std::make_unique<HugeDisk>());
  const Bytes id = rig.identify();
  EXPECT_EQ(Rig::word(id, 0), 0x0040);
  EXPECT_EQ(Rig::word(id, 1), 16383);
  EXPECT_EQ(Rig::word(id, 3), 16);
  EXPECT_EQ(Rig::word(id, 6), 63);
  EXPECT_EQ(Rig::word(id, 27), 'O' << 8 | 'R');
  EXPECT_EQ(Rig::word(id, 46), ' ' << 8 | ' ');
  EXPECT_EQ(Rig::word(id, 47), 0x8010);
  EXPECT_EQ(Rig::word(id, 49) & 0x0300, 0x0300) << "LBA and DMA";
  EXPECT_EQ(Rig::word(id, 60) | Rig::word(id, 61) << 16, 0x0fffffff);
  EXPECT_EQ(Rig::word(id, 83) & 0xc400, 0x4400) << "48-bit";
  const u64 sectors = core::load_le<u64>(&id[200]);
  EXPECT_EQ(sectors, (u64{300} << 30) / 512);
  u8 sum = 0;
  for (const u8 b : id) sum = static_cast<u8>(sum + b);
  EXPECT_EQ(sum, 0) << "the checksum of word 255";
  EXPECT_EQ(rig.status(), 0x50);
}

TEST(Ide, SmallDisksHaveAGeometryThatFits) {
  Rig rig(std::max<u64>(20 * 16 * 63, 1));
  const Bytes id = rig.identify();
  EXPECT_EQ(Rig::word(id, 1), 20);
  EXPECT_EQ(Rig::word(id, 54), 20);
  EXPECT_EQ(Rig::word(id, 57), 20 * 16 * 63);
}

TEST(Ide, InitializeDeviceParametersChangesTheTranslation) {
  Rig rig(20 * 16 * 63);
  rig.out8(0x1f2, 32);
  rig.out8(0x1f6, 0xa7);
  EXPECT_EQ(rig.command(0x91), 0x50);
  const Bytes id = rig.identify();
  EXPECT_EQ(Rig::word(id, 55), 8);
  EXPECT_EQ(Rig::word(id, 56), 32);
  EXPECT_EQ(Rig::word(id, 54), 20 * 16 * 63 / 256);
  EXPECT_EQ(Rig::word(id, 3), 16) << "the default stays";
  // Cylinder 3, head 7, sector 32.
  rig.out8(0x1f2, 1);
  rig.out8(0x1f3, 32);
  rig.out8(0x1f4, 3);
  rig.out8(0x1f5, 0);
  rig.out8(0x1f6, 0xa7);
  rig.out8(0x1f7, 0x20);
  EXPECT_TRUE(rig.wait_irq());
  EXPECT_EQ(rig.read_block(512), sector_of((3 * 8 + 7) * 32 + 31));
  rig.out8(0x1f2, 0);
  EXPECT_EQ(rig.command(0x91), 0x51) << "no sectors per track";
}

TEST(Ide, ChsAddressesOutsideTheGeometryAreNotFound) {
  Rig rig(20 * 16 * 63);
  const auto read = [&](u8 cylinder, u8 head, u8 sector) {
    rig.out8(0x1f2, 1);
    rig.out8(0x1f3, sector);
    rig.out8(0x1f4, cylinder);
    rig.out8(0x1f5, 0);
    rig.out8(0x1f6, static_cast<u8>(0xa0 | head));
    rig.out8(0x1f7, 0x20);
    EXPECT_TRUE(rig.wait_irq());
    return std::pair{rig.in8(0x1f7), rig.in8(0x1f1)};
  };
  EXPECT_EQ(read(0, 0, 0), (std::pair<u8, u8>{0x51, 0x10}));
  EXPECT_EQ(read(0, 0, 64), (std::pair<u8, u8>{0x51, 0x10}));
  EXPECT_EQ(read(20, 0, 1), (std::pair<u8, u8>{0x51, 0x10}));
  EXPECT_EQ(read(19, 15, 63).first, 0x58);
}

TEST(Ide, SetFeaturesChoosesModesAndCache) {
  Rig rig;
  rig.out8(0x1f1, 0x03);
  rig.out8(0x1f2, 0x22);
  EXPECT_EQ(rig.command(0xef), 0x50);
  EXPECT_EQ(Rig::word(rig.identify(), 63), 0x0407);
  rig.out8(0x1f1, 0x03);
  rig.out8(0x1f2, 0x45);
  EXPECT_EQ(rig.command(0xef), 0x50);
  const Bytes id = rig.identify();
  EXPECT_EQ(Rig::word(id, 63), 0x0007);
  EXPECT_EQ(Rig::word(id, 88), 0x203f);
  rig.out8(0x1f1, 0x82);
  EXPECT_EQ(rig.command(0xef), 0x50);
  EXPECT_EQ(Rig::word(rig.identify(), 85) & 0x20, 0);
  rig.out8(0x1f1, 0x77);
  EXPECT_EQ(rig.command(0xef), 0x51);
  EXPECT_EQ(rig.in8(0x1f1), 0x04);
}

TEST(Ide, UnknownCommandsAreAborted) {
  Rig rig;
  for (const u8 opcode : {0x00, 0x08, 0xa0, 0xa1, 0x22, 0x50, 0xed, 0xff}) {
    EXPECT_EQ(rig.command(opcode), 0x51) << int{opcode};
    EXPECT_EQ(rig.in8(0x1f1), 0x04);
  }
}

// --- PIO -------------------------------------------------------------------------------------------------------------

TEST(Ide, ReadsSectorsByPio) {
  Rig rig;
  rig.set_lba(0x345);
  rig.out8(0x1f2, 3);
  rig.out8(0x1f7, 0x20);
  EXPECT_EQ(rig.status() & 0x80, 0x80);
  EXPECT_FALSE(rig.irq14.level()) << "a request takes time";
  for (u64 i = 0; i < 3; ++i) {
    ASSERT_TRUE(rig.wait_irq());
    EXPECT_EQ(rig.in8(0x1f7), 0x58);
    EXPECT_FALSE(rig.irq14.level());
    EXPECT_EQ(rig.read_block(512), sector_of(0x345 + i));
  }
  EXPECT_EQ(rig.status(), 0x50);
  rig.run(10 * kMs);
  EXPECT_FALSE(rig.irq14.level()) << "no interrupt after the last block of a read";
  EXPECT_EQ(rig.in8(0x1f2), 0);
  EXPECT_EQ(rig.in8(0x1f3), 0x47) << "the last sector";
  EXPECT_EQ(rig.in16(0x1f0), 0xffff) << "no data without DRQ";
}

TEST(Ide, TheDataPortIs32BitsWideToo) {
  Rig rig;
  rig.set_lba(7);
  rig.out8(0x1f2, 1);
  rig.out8(0x1f7, 0x21);
  ASSERT_TRUE(rig.wait_irq());
  const Bytes expected = sector_of(7);
  for (unsigned i = 0; i < 512; i += 4) ASSERT_EQ(rig.in32(0x1f0), core::load_le<u32>(&expected[i]));
  EXPECT_EQ(rig.status(), 0x50);
}

TEST(Ide, WritesSectorsByPio) {
  Rig rig;
  rig.set_lba(100);
  rig.out8(0x1f2, 2);
  rig.out8(0x1f7, 0x30);
  EXPECT_EQ(rig.status(), 0x58) << "the first block is asked for without an interrupt";
  EXPECT_FALSE(rig.irq14.level());
  rig.write_block(sector_of(9000));
  EXPECT_EQ(rig.status() & 0x88, 0x80);
  ASSERT_TRUE(rig.wait_irq());
  EXPECT_EQ(rig.in8(0x1f7), 0x58);
  rig.write_block(sector_of(9001));
  ASSERT_TRUE(rig.wait_irq());
  EXPECT_EQ(rig.in8(0x1f7), 0x50);
  Bytes back(1024);
  ASSERT_TRUE(rig.slot0.medium()->read(100 * 512, back));
  Bytes expected = sector_of(9000);
  const Bytes second = sector_of(9001);
  expected.insert(expected.end(), second.begin(), second.end());
  EXPECT_EQ(back, expected);
}

TEST(Ide, MultipleMovesSeveralSectorsInABlock) {
  Rig rig;
  EXPECT_EQ(rig.command(0xc4), 0x51) << "not before SET MULTIPLE MODE";
  rig.out8(0x1f2, 3);
  EXPECT_EQ(rig.command(0xc6), 0x51) << "no power of two";
  rig.out8(0x1f2, 32);
  EXPECT_EQ(rig.command(0xc6), 0x51);
  rig.out8(0x1f2, 4);
  EXPECT_EQ(rig.command(0xc6), 0x50);
  EXPECT_EQ(Rig::word(rig.identify(), 59), 0x0104);
  rig.set_lba(10);
  rig.out8(0x1f2, 6);
  rig.out8(0x1f7, 0xc4);
  ASSERT_TRUE(rig.wait_irq());
  rig.in8(0x1f7);
  Bytes data = rig.read_block(4 * 512);
  ASSERT_TRUE(rig.wait_irq()) << "the rest is a block of its own";
  rig.in8(0x1f7);
  const Bytes rest = rig.read_block(2 * 512);
  EXPECT_EQ(rig.status(), 0x50);
  data.insert(data.end(), rest.begin(), rest.end());
  for (u64 i = 0; i < 6; ++i) {
    EXPECT_EQ(Bytes(data.begin() + static_cast<i64>(i) * 512, data.begin() + static_cast<i64>(i + 1) * 512),
              sector_of(10 + i));
  }
  rig.set_lba(20);
  rig.out8(0x1f2, 4);
  rig.out8(0x1f7, 0xc5);
  rig.write_block(data = Bytes(4 * 512, 0x77));
  ASSERT_TRUE(rig.wait_irq());
  EXPECT_EQ(rig.in8(0x1f7), 0x50);
}

TEST(Ide, ACountOf0Means256) {
  Rig rig;
  rig.set_lba(0);
  rig.out8(0x1f2, 0);
  rig.out8(0x1f7, 0x40);
  ASSERT_TRUE(rig.wait_irq());
  EXPECT_EQ(rig.in8(0x1f7), 0x50);
  EXPECT_EQ(rig.in8(0x1f3), 0xff);
  rig.set_lba(4096 - 255);
  rig.out8(0x1f2, 0);
  rig.out8(0x1f7, 0x40);
  ASSERT_TRUE(rig.wait_irq());
  EXPECT_EQ(rig.in8(0x1f7), 0x51);
  EXPECT_EQ(rig.in8(0x1f1), 0x10);
}

TEST(Ide, FortyEightBitAddressesReachBehind137Gigabytes) {
  Rig rig(std::make_unique<HugeDisk>());
  const u64 lba = 0x1'2345'6789;
  rig.set_lba48(lba, 2);
  rig.out8(0x1f7, 0x24);
  EXPECT_TRUE(rig.wait_irq());
  EXPECT_EQ(rig.in8(0x1f7), 0x51) << "behind the end of 300 GB";
  const u64 inside = 0x1234'5678;
  rig.set_lba48(inside, 2);
  rig.out8(0x1f7, 0x24);
  for (u64 i = 0; i < 2; ++i) {
    ASSERT_TRUE(rig.wait_irq());
    rig.in8(0x1f7);
    EXPECT_EQ(rig.read_block(512), sector_of(inside + i));
  }
  rig.out8(0x3f6, 0x80);
  EXPECT_EQ(rig.in8(0x1f3), 0x12) << "the previous content, by HOB";
  rig.out8(0x1f1, 0);
  EXPECT_EQ(rig.in8(0x1f3), 0x79) << "any register write clears HOB";
}

TEST(Ide, AnUnreadableSectorIsNamed) {
  auto huge = std::make_unique<HugeDisk>();
  huge->bad = 1002;
  Rig rig(std::move(huge));
  rig.set_lba(1000);
  rig.out8(0x1f2, 4);
  rig.out8(0x1f7, 0x20);
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(rig.wait_irq());
    EXPECT_EQ(rig.in8(0x1f7), 0x58);
    rig.read_block(512);
  }
  ASSERT_TRUE(rig.wait_irq());
  EXPECT_EQ(rig.in8(0x1f7), 0x51);
  EXPECT_EQ(rig.in8(0x1f1), 0x40);
  EXPECT_EQ(rig.in8(0x1f3), 0xea);
  EXPECT_EQ(rig.in8(0x1f4), 0x03);
  rig.set_lba(1000);
  rig.out8(0x1f2, 4);
  EXPECT_EQ(rig.command(0x40), 0x51);
  EXPECT_EQ(rig.in8(0x1f3), 0xea);
}

TEST(Ide, AReadOnlyDiskRefusesWrites) {
  Rig rig(memory_image(contents(100), "ro.img", true));
  rig.set_lba(1);
  rig.out8(0x1f2, 1);
  EXPECT_EQ(rig.command(0x30), 0x51);
  EXPECT_EQ(rig.in8(0x1f1), 0x04);
}

TEST(Ide, ACommandWhileBusyIsIgnored) {
  Rig rig;
  rig.set_lba(5);
  rig.out8(0x1f2, 1);
  rig.out8(0x1f7, 0x20);
  rig.out8(0x1f7, 0xec);
  rig.out8(0x1f3, 99);
  ASSERT_TRUE(rig.wait_irq());
  EXPECT_EQ(rig.read_block(512), sector_of(5));
}

TEST(Ide, AResetEndsACommand) {
  Rig rig;
  rig.set_lba(5);
  rig.out8(0x1f2, 8);
  rig.out8(0x1f7, 0x20);
  ASSERT_TRUE(rig.wait_irq());
  rig.out8(0x3f6, 0x04);
  EXPECT_FALSE(rig.irq14.level());
  rig.out8(0x3f6, 0x00);
  EXPECT_TRUE(rig.wait_ready());
  EXPECT_EQ(rig.status(), 0x50);
  EXPECT_EQ(rig.in16(0x1f0), 0xffff);
}

TEST(Ide, ASeekTakesLongerThanASequentialRead) {
  Rig rig;
  const auto time = [&](u64 lba) {
    rig.set_lba(lba);
    rig.out8(0x1f2, 1);
    const u64 before = rig.clock.now();
    rig.out8(0x1f7, 0x20);
    EXPECT_TRUE(rig.wait_irq());
    rig.in8(0x1f7);
    rig.read_block(512);
    return rig.clock.now() - before;
  };
  time(0);
  const u64 next = time(1);
  const u64 far = time(4000);
  EXPECT_GT(next, 5 * kUs);
  EXPECT_GT(far, next + 500 * kUs);
  EXPECT_LT(far, 5 * kMs);
}

// --- other commands --------------------------------------------------------------------------------------------------

TEST(Ide, PowerModes) {
  Rig rig;
  EXPECT_EQ(rig.command(0xe5), 0x50);
  EXPECT_EQ(rig.in8(0x1f2), 0xff);
  EXPECT_EQ(rig.command(0xe0), 0x50);
  rig.command(0x98);
  EXPECT_EQ(rig.in8(0x1f2), 0x00);
  EXPECT_EQ(rig.command(0xe1), 0x50);
  rig.command(0xe5);
  EXPECT_EQ(rig.in8(0x1f2), 0xff);
  rig.out8(0x1f2, 1);  // five seconds
  EXPECT_EQ(rig.command(0xe3), 0x50);
  rig.run(4900 * kMs);
  rig.command(0xe5);
  EXPECT_EQ(rig.in8(0x1f2), 0xff);
  rig.run(200 * kMs);
  rig.command(0xe5);
  EXPECT_EQ(rig.in8(0x1f2), 0x00) << "the standby timer";
  EXPECT_EQ(rig.command(0xe6), 0x50);
  rig.out8(0x1f7, 0xec);
  rig.run(1000 * kMs);
  EXPECT_FALSE(rig.irq14.level()) << "asleep";
  rig.out8(0x3f6, 0x04);
  rig.out8(0x3f6, 0x00);
  EXPECT_TRUE(rig.wait_ready());
  rig.identify();
}

TEST(Ide, NativeMaxAndSetMax) {
  Rig rig;
  rig.out8(0x1f6, 0xe0);
  EXPECT_EQ(rig.command(0xf8), 0x50);
  EXPECT_EQ(rig.in8(0x1f3), 0xff);
  EXPECT_EQ(rig.in8(0x1f4), 0x0f);
  rig.set_lba(999);
  EXPECT_EQ(rig.command(0xf9), 0x50);
  EXPECT_EQ(Rig::word(rig.identify(), 60), 1000);
  rig.set_lba(1999);
  EXPECT_EQ(rig.command(0xf9), 0x51) << "only right after READ NATIVE MAX ADDRESS";
  rig.set_lba(1000);
  rig.out8(0x1f2, 1);
  EXPECT_EQ(rig.command(0x40), 0x51);
  rig.out8(0x1f6, 0xe0);
  EXPECT_EQ(rig.command(0x27), 0x50);
  EXPECT_EQ(rig.in8(0x1f4), 0x0f) << "the native size stays";
}

TEST(Ide, SmartNeedsItsKeyAndReportsHealth) {
  Rig rig;
  const auto smart = [&](u8 feature, u8 low = 0) {
    rig.set_lba(u32{0xc24f00} | low);
    rig.out8(0x1f1, feature);
    return rig.command(0xb0);
  };
  EXPECT_EQ(smart(0xda), 0x50);
  EXPECT_EQ(rig.in8(0x1f4), 0x4f);
  EXPECT_EQ(rig.in8(0x1f5), 0xc2);
  EXPECT_EQ(smart(0xd0), 0x58);
  Bytes data = rig.read_block(512);
  u8 sum = 0;
  for (const u8 b : data) sum = static_cast<u8>(sum + b);
  EXPECT_EQ(sum, 0);
  EXPECT_EQ(smart(0xd5, 1), 0x58);
  rig.read_block(512);
  EXPECT_EQ(smart(0xd5, 0x80), 0x51);
  EXPECT_EQ(smart(0xd9), 0x50);
  EXPECT_EQ(smart(0xda), 0x51) << "disabled";
  EXPECT_EQ(smart(0xd8), 0x50);
  rig.set_lba(0);
  rig.out8(0x1f1, 0xda);
  EXPECT_EQ(rig.command(0xb0), 0x51) << "no key";
}

TEST(Ide, TheSectorBufferIsKept) {
  Rig rig;
  rig.out8(0x1f7, 0xe8);
  EXPECT_EQ(rig.status(), 0x58);
  rig.write_block(sector_of(55));
  ASSERT_TRUE(rig.wait_irq());
  EXPECT_EQ(rig.in8(0x1f7), 0x50);
  EXPECT_EQ(rig.command(0xe4), 0x58);
  EXPECT_EQ(rig.read_block(512), sector_of(55));
}

TEST(Ide, RecalibrateSeekAndFlushEndWell) {
  Rig rig;
  EXPECT_EQ(rig.command(0x10), 0x50);
  EXPECT_EQ(rig.command(0x1f), 0x50);
  rig.set_lba(77);
  EXPECT_EQ(rig.command(0x70), 0x50);
  rig.set_lba(4096);
  EXPECT_EQ(rig.command(0x70), 0x51);
  EXPECT_EQ(rig.command(0xe7), 0x50);
  EXPECT_EQ(rig.command(0xea), 0x50);
}

// --- bus master ------------------------------------------------------------------------------------------------------

TEST(Ide, ReadsByDma) {
  Rig rig;
  rig.descriptor(0, 0x20000, 512, false);
  rig.descriptor(1, 0x30000, 1536, true);
  rig.arm(true);
  rig.set_lba(50);
  rig.out8(0x1f2, 4);
  rig.out8(0x1f7, 0xc8);
  rig.go(true);
  EXPECT_EQ(rig.in8(kBmBase + 2) & 0x07, 0x01) << "active";
  ASSERT_TRUE(rig.wait_irq());
  EXPECT_EQ(rig.in8(kBmBase + 2) & 0x07, 0x04) << "interrupt, no longer active";
  EXPECT_EQ(rig.in8(0x1f7), 0x50);
  rig.out8(kBmBase, 0x08);
  rig.out8(kBmBase + 2, 0x04);
  EXPECT_EQ(rig.in8(kBmBase + 2) & 0x07, 0x00);
  EXPECT_EQ(rig.memory_at(0x20000, 512), sector_of(50));
  EXPECT_EQ(rig.memory_at(0x30000, 512), sector_of(51));
  EXPECT_EQ(rig.memory_at(0x30400, 512), sector_of(53));
}

TEST(Ide, WritesByDma) {
  Rig rig;
  const Bytes data = sector_of(7777);
  rig.memory.write_block(0x20002, data);
  rig.descriptor(0, 0x20002, 512, true);
  rig.arm(false);
  rig.set_lba(60);
  rig.out8(0x1f2, 1);
  rig.out8(0x1f7, 0xca);
  rig.go(false);
  ASSERT_TRUE(rig.wait_irq());
  EXPECT_EQ(rig.in8(0x1f7), 0x50);
  Bytes back(512);
  ASSERT_TRUE(rig.slot0.medium()->read(60 * 512, back));
  EXPECT_EQ(back, data);
}

TEST(Ide, ADriveThatIsReadyFirstWaitsForTheBusMaster) {
  Rig rig;
  rig.descriptor(0, 0x20000, 512, true);
  rig.arm(true);
  rig.set_lba(50);
  rig.out8(0x1f2, 1);
  rig.out8(0x1f7, 0xc8);
  rig.run(1000 * kMs);
  EXPECT_FALSE(rig.irq14.level());
  EXPECT_EQ(rig.status() & 0x88, 0x08);
  rig.go(true);
  ASSERT_TRUE(rig.wait_irq());
  EXPECT_EQ(rig.memory_at(0x20000, 512), sector_of(50));
}

TEST(Ide, ATableThatIsTooLongLeavesTheEngineActive) {
  Rig rig;
  rig.descriptor(0, 0x20000, 4096, true);
  rig.arm(true);
  rig.set_lba(50);
  rig.out8(0x1f2, 1);
  rig.out8(0x1f7, 0xc8);
  rig.go(true);
  ASSERT_TRUE(rig.wait_irq());
  EXPECT_EQ(rig.in8(kBmBase + 2) & 0x07, 0x05);
  rig.out8(kBmBase, 0x00);
  EXPECT_EQ(rig.in8(kBmBase + 2) & 0x07, 0x04);
}

TEST(Ide, ATableThatIsTooShortStopsWithoutAnInterruptAndANewOneGoesOn) {
  Rig rig;
  rig.descriptor(0, 0x20000, 700, true);
  rig.arm(true);
  rig.set_lba(50);
  rig.out8(0x1f2, 2);
  rig.out8(0x1f7, 0xc8);
  rig.go(true);
  rig.run(100 * kMs);
  EXPECT_FALSE(rig.irq14.level());
  EXPECT_EQ(rig.in8(kBmBase + 2) & 0x07, 0x00);
  EXPECT_EQ(rig.status() & 0x88, 0x08);
  rig.descriptor(0, 0x20000 + 700, 324, true);
  rig.out8(kBmBase, 0x08);
  rig.go(true);
  ASSERT_TRUE(rig.wait_irq());
  EXPECT_EQ(rig.memory_at(0x20000, 512), sector_of(50));
  EXPECT_EQ(rig.memory_at(0x20200, 512), sector_of(51));
}

TEST(Ide, ACountOf0InADescriptorIs64Kilobytes) {
  Rig rig;
  rig.descriptor(0, 0x20000, 0, true);
  rig.arm(true);
  rig.set_lba(0);
  rig.out8(0x1f2, 128);
  rig.out8(0x1f7, 0xc8);
  rig.go(true);
  ASSERT_TRUE(rig.wait_irq());
  EXPECT_EQ(rig.in8(kBmBase + 2) & 0x07, 0x04);
  EXPECT_EQ(rig.memory_at(0x20000 + 127 * 512, 512), sector_of(127));
}

TEST(Ide, TablesAndBuffersOutsideMemoryAreErrors) {
  Rig rig;
  rig.descriptor(0, 0x8000000, 512, true);
  rig.arm(true);
  rig.set_lba(50);
  rig.out8(0x1f2, 1);
  rig.out8(0x1f7, 0xc8);
  rig.go(true);
  rig.run(100 * kMs);
  EXPECT_EQ(rig.in8(kBmBase + 2) & 0x07, 0x02);
  EXPECT_FALSE(rig.irq14.level());
  rig.out8(kBmBase, 0x00);
  rig.out32(kBmBase + 4, 0xfffffffc);
  rig.out8(kBmBase + 2, 0x02);
  rig.go(true);
  rig.run(100 * kMs);
  EXPECT_EQ(rig.in8(kBmBase + 2) & 0x07, 0x02);
  rig.out8(0x3f6, 0x04);
  rig.out8(0x3f6, 0x00);
  EXPECT_TRUE(rig.wait_ready());
  EXPECT_EQ(rig.status(), 0x50);
}

TEST(Ide, WithoutBusMasterEnableTheEngineStalls) {
  Rig rig;
  rig.ide.pci().config_write(0x04, 2, 0x0001);
  rig.descriptor(0, 0x20000, 512, true);
  rig.arm(true);
  rig.set_lba(50);
  rig.out8(0x1f2, 1);
  rig.out8(0x1f7, 0xc8);
  rig.go(true);
  rig.run(100 * kMs);
  EXPECT_FALSE(rig.irq14.level());
  EXPECT_EQ(rig.in8(kBmBase + 2) & 0x07, 0x01);
  rig.ide.pci().config_write(0x04, 2, 0x0005);
  ASSERT_TRUE(rig.wait_irq());
  EXPECT_EQ(rig.memory_at(0x20000, 512), sector_of(50));
}

TEST(Ide, BusMasterRegistersHoldWhatTheyShould) {
  Rig rig;
  rig.out32(kBmBase + 4, 0x12345677);
  EXPECT_EQ(rig.in32(kBmBase + 4), 0x12345674u);
  rig.out8(kBmBase + 2, 0xff);
  EXPECT_EQ(rig.in8(kBmBase + 2), 0x60) << "drive capable bits are the guest's";
  rig.out8(kBmBase, 0xf8);
  EXPECT_EQ(rig.in8(kBmBase), 0x08);
  rig.out32(kBmBase + 12, 0x1000);
  EXPECT_EQ(rig.in32(kBmBase + 12), 0x1000u) << "the secondary channel";
}

TEST(Ide, DmaToABadSectorFails) {
  auto huge = std::make_unique<HugeDisk>();
  huge->bad = 203;
  Rig rig(std::move(huge));
  rig.descriptor(0, 0x20000, 0x8000, true);
  rig.arm(true);
  rig.set_lba48(200, 64);
  rig.out8(0x1f7, 0x25);
  rig.go(true);
  ASSERT_TRUE(rig.wait_irq());
  EXPECT_EQ(rig.in8(0x1f7), 0x51);
  EXPECT_EQ(rig.in8(0x1f1), 0x40);
  EXPECT_EQ(rig.in8(0x1f3), 203);
}

TEST(Ide, AnIsaControllerHasNoDmaButReads) {
  test::ChipRig rig;
  core::LevelLine irq14;
  core::LevelLine irq15;
  MediaSlot slot{"hd0", memory_image(contents(100), "hd0")};
  IdeController ide(rig.ports, rig.log, irq14, irq15);
  ide.attach(1, 0, std::make_unique<AtaDisk>(rig.clock, rig.log, "hd2", slot));
  rig.run(kMs);
  rig.out8(0x176, 0xe0);
  rig.out8(0x172, 1);
  rig.out8(0x173, 9);
  rig.out8(0x177, 0x20);
  EXPECT_TRUE(rig.run_until([&] { return irq15.level(); }));
  EXPECT_EQ(rig.in8(0x177), 0x58);
  EXPECT_EQ(rig.in16(0x170), 9);
}

// --- state -----------------------------------------------------------------------------------------------------------

TEST(Ide, KeepsTheArchiveContractInTheMiddleOfAPioRead) {
  Rig a;
  Rig b;
  test::expect_archive_contract(a.ide, b.ide, [&] {
    a.set_lba(33);
    a.out8(0x1f2, 2);
    a.out8(0x1f7, 0x20);
    ASSERT_TRUE(a.wait_irq());
    a.read_block(100);
  });
  b.clock.set_ticks(a.clock.ticks());
  EXPECT_TRUE(b.irq14.level());
  EXPECT_EQ(b.in8(0x1f7), 0x58);
  EXPECT_EQ(a.read_block(412), b.read_block(412));
  ASSERT_TRUE(b.wait_irq());
  EXPECT_EQ(b.read_block(512), sector_of(34));
}

TEST(Ide, KeepsTheArchiveContractInTheMiddleOfDmaAndOfWrittenSectors) {
  Rig a;
  Rig b;
  b.descriptor(0, 0x20000, 512, true);
  test::expect_archive_contract(a.ide, b.ide, [&] {
    a.set_lba(40);
    a.out8(0x1f2, 1);
    a.out8(0x1f7, 0x30);
    a.write_block(Bytes(512, 0x3c));
    ASSERT_TRUE(a.wait_irq());
    a.in8(0x1f7);
    a.descriptor(0, 0x20000, 512, true);
    a.arm(true);
    a.out8(0x1f2, 1);
    a.out8(0x1f7, 0xc8);
    a.go(true);
  });
  b.clock.set_ticks(a.clock.ticks());
  ASSERT_TRUE(a.wait_irq());
  ASSERT_TRUE(b.wait_irq());
  EXPECT_EQ(a.clock.now(), b.clock.now());
  EXPECT_EQ(b.memory_at(0x20000, 512), Bytes(512, 0x3c));
  EXPECT_EQ(b.in8(kBmBase + 2) & 0x07, 0x04);
}

TEST(Ide, ADriveThatWaitsForTheBusMasterStillWaitsAfterALoad) {
  Rig a;
  Rig b;
  a.descriptor(0, 0x20000, 512, true);
  a.set_lba(50);
  a.out8(0x1f2, 1);
  a.out8(0x1f7, 0xc8);
  a.run(100 * kMs);
  const auto saved = core::save_to_bytes(a.ide);
  b.ide.reset();
  core::load_from_bytes(b.ide, saved);
  EXPECT_EQ(core::save_to_bytes(b.ide), saved);
}

TEST(Ide, ADamagedArchiveNeverCrashes) {
  for (const u8 opcode : {0x20, 0x30, 0xca, 0xc8}) {
    Rig rig(200);
    rig.descriptor(0, 0x20000, 700, true);
    rig.arm(true);
    rig.set_lba(40);
    rig.out8(0x1f2, 3);
    rig.out8(0x1f7, opcode);
    rig.go(true);
    rig.run(100 * kMs);
    const auto saved = core::save_to_bytes(rig.ide);
    for (std::size_t i = 16; i < saved.size(); i += 2) {
      auto damaged = saved;
      damaged[i] ^= 0x83;
      try {
        core::load_from_bytes(rig.ide, damaged);
        for (int k = 0; k < 600; ++k) rig.in16(0x1f0), rig.out16(0x1f0, 7);
        rig.out8(kBmBase, 0);
        rig.out8(kBmBase, 9);
        rig.run(kMs);
      } catch (const core::ArchiveError&) {
      }
    }
  }
}

TEST(Ide, SurvivesAnythingAGuestWrites) {
  Rig rig(4096, 100);
  u64 random = 99;
  const auto next = [&] {
    random = random * 6364136223846793005 + 1442695040888963407;
    return static_cast<u32>(random >> 33);
  };
  for (u32 i = 0; i < 0x40000; i += 4) rig.memory.write32(i, next() & 0x800fffff);
  for (int i = 0; i < 100000; ++i) {
    switch (next() % 12) {
      case 0:
      case 1:
      case 2:
        rig.out8(static_cast<u16>(0x1f1 + next() % 6), static_cast<u8>(next() % 3 == 0 ? next() : next() & 3));
        break;
      case 3: {
        static constexpr u8 kCommands[] = {0x20, 0x30, 0xc8, 0xca, 0xc4, 0xc5, 0x25, 0x35, 0x24, 0x34, 0xc6,
                                           0x91, 0xec, 0xb0, 0xef, 0x90, 0xe8, 0xe4, 0x40, 0x27, 0xf9, 0x29};
        rig.out8(0x1f7, next() % 8 == 0 ? static_cast<u8>(next()) : kCommands[next() % std::size(kCommands)]);
        break;
      }
      case 4: rig.out8(0x3f6, next() % 50 == 0 ? 4 : 0); break;
      case 5: rig.out8(static_cast<u16>(kBmBase + next() % 16), static_cast<u8>(next())); break;
      case 6: rig.out32(kBmBase + 4, next() & 0x3fffc); break;
      case 7: rig.out8(kBmBase, static_cast<u8>(next() & 9)); break;
      case 8:
        for (int k = 0; k < 300; ++k) rig.in16(0x1f0);
        break;
      case 9:
        for (int k = 0; k < 300; ++k) rig.out32(0x1f0, next());
        break;
      case 10: rig.in32(static_cast<u16>(0x1f0 + next() % 8)); break;
      default: rig.run(next() % 100000);
    }
    if (i % 1000 == 0) {
      const auto saved = core::save_to_bytes(rig.ide);
      core::load_from_bytes(rig.ide, saved);
      ASSERT_EQ(core::save_to_bytes(rig.ide), saved);
    }
  }
}

}  // namespace
}  // namespace orrery::hw
