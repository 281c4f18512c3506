#include <gtest/gtest.h>

#include <algorithm>

#include "hw/atapi_cdrom.h"
#include "hw/ide.h"
#include "tests/support/archive_tests.h"
#include "tests/support/chip_rig.h"

namespace orrery::hw {
namespace {

using Bytes = std::vector<u8>;
constexpr u64 kMs = 1'000'000;
constexpr u16 kBmBase = 0xc000;

Bytes block_of_disc(u32 block) {
  Bytes s(2048);
  for (unsigned i = 0; i < 2048; ++i) s[i] = static_cast<u8>(block * 7 + i + i / 256);
  core::store_le<u32>(s.data(), block);
  return s;
}

std::unique_ptr<BlockDevice> disc(u32 blocks) {
  Bytes all;
  for (u32 i = 0; i < blocks; ++i) {
    const Bytes s = block_of_disc(i);
    all.insert(all.end(), s.begin(), s.end());
  }
  return memory_image(std::move(all), "x.iso", true);
}

/// The drive is the master of the secondary channel.
struct Rig : test::ChipRig {
  core::GuestMemory memory{1 << 20, log};
  core::LevelLine irq14;
  core::LevelLine irq15;
  MediaSlot slot{"cd0"};
  IdeController ide{ports, memory, log, irq14, irq15};
  AtapiCdrom* drive = nullptr;

  explicit Rig(u32 blocks = 64, bool attention = false) {
    memory.map_ram(0, 1 << 20, 0);
    if (blocks != 0) slot.insert(disc(blocks));
    auto owned = std::make_unique<AtapiCdrom>(clock, log, "cd0", slot);
    drive = owned.get();
    ide.attach(1, 0, std::move(owned));
    ide.pci().config_write(0x20, 4, kBmBase);
    ide.pci().config_write(0x04, 2, 0x0005);
    ide.pci().config_write(0x40, 4, 0x80008000);
    run(kMs);
    if (!attention) packet({0x00});  // the unit attention after power-on
  }

  bool wait_irq() {
    return run_until([&] { return irq15.level(); }, 5000 * kMs);
  }

  void start_packet(const Bytes& command, u16 limit, bool dma = false) {
    out8(0x176, 0xa0);
    out8(0x171, dma ? 1 : 0);
    out8(0x174, static_cast<u8>(limit));
    out8(0x175, static_cast<u8>(limit >> 8));
    out8(0x177, 0xa0);
    ASSERT_TRUE(run_until([&] { return (in8(0x376) & 0x88) == 0x08; }));
    EXPECT_EQ(in8(0x172) & 3, 0x01) << "the drive asks for the command";
    Bytes all = command;
    all.resize(12);
    for (unsigned i = 0; i < 12; i += 2) out16(0x170, static_cast<u16>(all[i] | all[i + 1] << 8));
  }

  struct Result {
    u8 status = 0;
    u8 error = 0;
    Bytes data;
    std::vector<unsigned> blocks;  // their sizes
  };

  /// Runs a command to its end; `out` is what it asks for.
  Result packet(const Bytes& command, u16 limit = 0x8000, const Bytes& out = {}) {
    Result result;
    start_packet(command, limit);
    std::size_t sent = 0;
    for (int guard = 0; guard < 100000; ++guard) {
      if (!wait_irq()) {
        ADD_FAILURE() << "no interrupt";
        return result;
      }
      result.status = in8(0x177);
      const u8 reason = in8(0x172) & 3;
      if ((result.status & 0x08) == 0) {
        EXPECT_EQ(reason, 3) << "the end of the command";
        result.error = in8(0x171);
        return result;
      }
      const unsigned count = in8(0x174) | in8(0x175) << 8;
      result.blocks.push_back(count);
      if (reason == 2) {
        for (unsigned i = 0; i < count; i += 2) {
          const u16 v = in16(0x170);
          result.data.push_back(static_cast<u8>(v));
          if (i + 1 < count) result.data.push_back(static_cast<u8>(v >> 8));
        }
      } else {
        EXPECT_EQ(reason, 0);
        for (unsigned i = 0; i < count; i += 2) {
          const u8 low = sent < out.size() ? out[sent] : u8{0};
          const u8 high = sent + 1 < out.size() ? out[sent + 1] : u8{0};
          out16(0x170, static_cast<u16>(low | high << 8));
          sent += 2;
        }
      }
    }
    return result;
  }

  /// Key, code, qualifier of REQUEST SENSE.
  Bytes sense() {
    const Bytes data = packet({0x03, 0, 0, 0, 18}).data;
    return data.size() < 14 ? Bytes{} : Bytes{data[2], data[12], data[13]};
  }
};

TEST(Atapi, HasTheSignatureOfAPacketDevice) {
  Rig rig;
  rig.out8(0x376, 0x04);
  rig.out8(0x376, 0x00);
  ASSERT_TRUE(rig.run_until([&] { return (rig.in8(0x376) & 0x80) == 0; }));
  EXPECT_EQ(rig.in8(0x376), 0x00) << "not ready for the commands of disks";
  EXPECT_EQ(rig.in8(0x171), 0x01);
  EXPECT_EQ(rig.in8(0x172), 0x01);
  EXPECT_EQ(rig.in8(0x173), 0x01);
  EXPECT_EQ(rig.in8(0x174), 0x14);
  EXPECT_EQ(rig.in8(0x175), 0xeb);
}

TEST(Atapi, APacketDevice0AnswersForAnAbsentDevice1WithZeros) {
  Rig rig;
  rig.out8(0x176, 0xb0);
  for (u16 port = 0x171; port < 0x178; ++port) EXPECT_EQ(rig.in8(port), 0x00);
  EXPECT_EQ(rig.in8(0x376), 0x00);
  rig.out8(0x176, 0xa0);
  EXPECT_EQ(rig.in8(0x176), 0xa0);
}

TEST(Atapi, IdentifyDeviceIsAbortedWithTheSignature) {
  Rig rig;
  rig.out8(0x174, 0);
  rig.out8(0x177, 0xec);
  ASSERT_TRUE(rig.wait_irq());
  EXPECT_EQ(rig.in8(0x177) & 0x89, 0x01);
  EXPECT_EQ(rig.in8(0x171), 0x04);
  EXPECT_EQ(rig.in8(0x174), 0x14);
  EXPECT_EQ(rig.in8(0x175), 0xeb);
}

TEST(Atapi, IdentifiesItselfAsACdRom) {
  Rig rig;
  rig.out8(0x177, 0xa1);
  ASSERT_TRUE(rig.wait_irq());
  EXPECT_EQ(rig.in8(0x177) & 0x89, 0x08);
  Bytes id;
  for (int i = 0; i < 256; ++i) {
    const u16 v = rig.in16(0x170);
    id.push_back(static_cast<u8>(v));
    id.push_back(static_cast<u8>(v >> 8));
  }
  EXPECT_EQ(core::load_le<u16>(&id[0]), 0x85c0);
  EXPECT_EQ(core::load_le<u16>(&id[98]) & 0x0300, 0x0300);
  EXPECT_EQ(id[54], 'R');
  EXPECT_EQ(id[55], 'O');
  EXPECT_EQ(rig.in8(0x376) & 0x88, 0x00);
}

TEST(Atapi, DeviceResetWorksWhileBusy) {
  Rig rig;
  rig.start_packet({0x28, 0, 0, 0, 0, 1, 0, 0, 8}, 2048);
  EXPECT_EQ(rig.in8(0x376) & 0x80, 0x80);
  rig.out8(0x177, 0x08);
  EXPECT_EQ(rig.in8(0x376), 0x00);
  EXPECT_EQ(rig.in8(0x174), 0x14);
  rig.run(100 * kMs);
  EXPECT_FALSE(rig.irq15.level());
}

TEST(Atapi, PowerOnIsAUnitAttentionToldOnce) {
  Rig rig(64, true);
  auto result = rig.packet({0x00});
  EXPECT_EQ(result.status & 0x01, 0x01);
  EXPECT_EQ(result.error, 0x60);
  EXPECT_EQ(rig.sense(), (Bytes{0x06, 0x29, 0x00}));
  EXPECT_EQ(rig.packet({0x00}).status & 0x01, 0x00);
  EXPECT_EQ(rig.sense(), (Bytes{0x00, 0x00, 0x00}));
}

TEST(Atapi, InquiryAndRequestSenseComeBeforeAUnitAttention) {
  Rig rig(64, true);
  const auto inquiry = rig.packet({0x12, 0, 0, 0, 36});
  EXPECT_EQ(inquiry.status & 0x01, 0x00);
  ASSERT_EQ(inquiry.data.size(), 36u);
  EXPECT_EQ(inquiry.data[0], 0x05);
  EXPECT_EQ(inquiry.data[1], 0x80);
  EXPECT_EQ(std::string(inquiry.data.begin() + 8, inquiry.data.begin() + 14), "ORRERY");
  EXPECT_EQ(rig.sense(), (Bytes{0x06, 0x29, 0x00}));
  EXPECT_EQ(rig.packet({0x00}).status & 0x01, 0x00);
}

TEST(Atapi, ReadsBlocksByPio) {
  Rig rig;
  const auto result = rig.packet({0x28, 0, 0, 0, 0, 16, 0, 0, 3}, 2048);
  EXPECT_EQ(result.status & 0x01, 0x00);
  EXPECT_EQ(result.blocks, (std::vector<unsigned>{2048, 2048, 2048}));
  for (u32 i = 0; i < 3; ++i) {
    EXPECT_EQ(Bytes(result.data.begin() + i * 2048, result.data.begin() + (i + 1) * 2048), block_of_disc(16 + i));
  }
  EXPECT_EQ(rig.packet({0xa8, 0, 0, 0, 0, 63, 0, 0, 0, 1}, 0xffff).data, block_of_disc(63));
  EXPECT_EQ(rig.packet({0x28, 0, 0, 0, 0, 5, 0, 0, 0}).data, Bytes{}) << "zero blocks are no error";
}

TEST(Atapi, TheByteCountLimitCutsBlocks) {
  Rig rig;
  auto result = rig.packet({0x28, 0, 0, 0, 0, 16, 0, 0, 2}, 1001);
  EXPECT_EQ(result.blocks, (std::vector<unsigned>{1000, 1000, 1000, 1000, 96})) << "odd limits count as even";
  EXPECT_EQ(Bytes(result.data.begin() + 2048, result.data.end()), block_of_disc(17));
  result = rig.packet({0x28, 0, 0, 0, 0, 0, 0, 0, 33}, 0xffff);
  EXPECT_EQ(result.blocks, (std::vector<unsigned>{65534, 2050}));
  result = rig.packet({0x28, 0, 0, 0, 0, 0, 0, 0, 1}, 0);
  EXPECT_EQ(result.blocks, (std::vector<unsigned>{2048})) << "a limit of zero is the largest";
  result = rig.packet({0x28, 0, 0, 0, 0, 0, 0, 0, 1}, 1);
  EXPECT_EQ(result.blocks.size(), 1024u);
  EXPECT_EQ(result.data, block_of_disc(0));
  result = rig.packet({0x03, 0, 0, 0, 7}, 0x8000);
  EXPECT_EQ(result.blocks, (std::vector<unsigned>{7})) << "an odd rest that fits stays odd";
}

TEST(Atapi, ReadsBeyondTheDiscAreIllegal) {
  Rig rig;
  const auto result = rig.packet({0x28, 0, 0, 0, 0, 63, 0, 0, 2});
  EXPECT_EQ(result.status & 0x01, 0x01);
  EXPECT_EQ(result.error, 0x54);
  EXPECT_EQ(rig.sense(), (Bytes{0x05, 0x21, 0x00}));
  EXPECT_EQ(rig.packet({0x28, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 2}).error, 0x54);
  EXPECT_EQ(rig.packet({0xa8, 0, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff}).error, 0x54);
}

TEST(Atapi, ReadsBlocksByDma) {
  Rig rig;
  rig.memory.write32(0x1000, 0x20000);
  rig.memory.write32(0x1004, 0x80000000u | 4 * 2048);
  rig.out32(kBmBase + 12, 0x1000);
  rig.out8(kBmBase + 8, 0x08);
  rig.start_packet({0x28, 0, 0, 0, 0, 20, 0, 0, 4}, 0, true);
  rig.out8(kBmBase + 8, 0x09);
  ASSERT_TRUE(rig.wait_irq());
  EXPECT_EQ(rig.in8(kBmBase + 10) & 7, 4);
  EXPECT_EQ(rig.in8(0x177) & 0x89, 0x00);
  EXPECT_EQ(rig.in8(0x172) & 3, 3);
  for (u32 i = 0; i < 4; ++i) {
    Bytes out(2048);
    rig.memory.read_block(0x20000 + i * 2048, out);
    EXPECT_EQ(out, block_of_disc(20 + i));
  }
}

TEST(Atapi, UnknownCommandsAreIllegal) {
  Rig rig;
  for (const u8 opcode : {0x04, 0x2a, 0xa1, 0xff}) {
    EXPECT_EQ(rig.packet({opcode}).error, 0x54) << int{opcode};
    EXPECT_EQ(rig.sense(), (Bytes{0x05, 0x20, 0x00}));
  }
}

TEST(Atapi, TellsItsCapacity) {
  Rig rig(100);
  EXPECT_EQ(rig.packet({0x25}).data, (Bytes{0, 0, 0, 99, 0, 0, 8, 0}));
}

TEST(Atapi, TheTableOfContentsInAllFormats) {
  Rig rig(100);
  EXPECT_EQ(rig.packet({0x43, 0, 0, 0, 0, 0, 0, 0, 100}).data,
            (Bytes{0, 18, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0, 0, 0x14, 0xaa, 0, 0, 0, 0, 100}));
  EXPECT_EQ(rig.packet({0x43, 2, 0, 0, 0, 0, 0xaa, 0, 100}).data, (Bytes{0, 10, 1, 1, 0, 0x14, 0xaa, 0, 0, 0, 3, 25}));
  EXPECT_EQ(rig.packet({0x43, 0, 0, 0, 0, 0, 0, 0, 12, 0x40}).data, (Bytes{0, 10, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0}))
      << "sessions, asked for as in SFF-8020i";
  const Bytes full = rig.packet({0x43, 2, 2, 0, 0, 0, 1, 0, 100}).data;
  ASSERT_EQ(full.size(), 48u);
  EXPECT_EQ(Bytes(full.begin() + 26, full.begin() + 37), (Bytes{1, 0x14, 0, 0xa2, 0, 0, 0, 0, 0, 3, 25}));
  EXPECT_EQ(rig.packet({0x43, 0, 4, 0, 0, 0, 0, 0, 100}).error, 0x54);
  EXPECT_EQ(rig.packet({0x43, 0, 0, 0, 0, 0, 2, 0, 100}).error, 0x54) << "there is no track 2";
  EXPECT_EQ(rig.packet({0x43, 0, 0, 0, 0, 0, 0, 0, 4}).data, (Bytes{0, 18, 1, 1})) << "cut to the allocation";
}

TEST(Atapi, ReadCdReturnsTheAskedParts) {
  Rig rig;
  const auto read = [&](u8 flags) { return rig.packet({0xbe, 0, 0, 0, 0, 9, 0, 0, 1, flags}).data; };
  EXPECT_EQ(read(0x10), block_of_disc(9));
  const Bytes whole = read(0xf8);
  ASSERT_EQ(whole.size(), 2352u);
  EXPECT_EQ(Bytes(whole.begin() + 16, whole.begin() + 2064), block_of_disc(9));
  EXPECT_EQ(read(0x20), (Bytes{0, 2, 9, 1}));
  EXPECT_EQ(read(0x00), Bytes{});
  EXPECT_EQ(rig.packet({0xb9, 0, 0, 0, 2, 9, 0, 2, 11, 0x10}).data.size(), 4096u) << "by minutes and seconds";
  EXPECT_EQ(rig.packet({0xbe, 0x04, 0, 0, 0, 9, 0, 0, 1, 0x10}).error, 0x54) << "no audio";
  EXPECT_EQ(rig.packet({0xb9, 0, 0, 0, 0, 0, 0, 2, 11, 0x10}).error, 0x54) << "before block 0";
}

TEST(Atapi, WithoutADiscNothingIsReady) {
  Rig rig(0);
  for (const Bytes& command : {Bytes{0x00}, Bytes{0x25}, Bytes{0x28, 0, 0, 0, 0, 0, 0, 0, 1}, Bytes{0x43}, Bytes{0x42},
                               Bytes{0x51}, Bytes{0x52}, Bytes{0xbe}, Bytes{0x2b}, Bytes{0x44}}) {
    EXPECT_EQ(rig.packet(command).error, 0x20) << int{command[0]};
    EXPECT_EQ(rig.sense(), (Bytes{0x02, 0x3a, 0x01}));
  }
}

TEST(Atapi, AChangedDiscIsAUnitAttentionAndAnEvent) {
  Rig rig;
  const Bytes poll{0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8};
  EXPECT_EQ(rig.packet(poll).data, (Bytes{0, 6, 4, 0x10, 0, 2, 0, 0})) << "nothing new, a disc is there";
  rig.slot.eject();
  EXPECT_EQ(rig.packet({0x00}).error, 0x20);
  EXPECT_EQ(rig.packet(poll).data, (Bytes{0, 6, 4, 0x10, 3, 0, 0, 0})) << "removal";
  rig.slot.insert(disc(32));
  EXPECT_EQ(rig.packet(poll).data, (Bytes{0, 6, 4, 0x10, 2, 2, 0, 0})) << "new media";
  EXPECT_EQ(rig.packet({0x25}).error, 0x60);
  EXPECT_EQ(rig.sense(), (Bytes{0x06, 0x28, 0x00}));
  EXPECT_EQ(rig.packet({0x25}).data[3], 31);
  EXPECT_EQ(rig.packet({0x4a, 0, 0, 0, 0x10, 0, 0, 0, 8}).error, 0x54) << "only polled";
  EXPECT_EQ(rig.packet({0x4a, 1, 0, 0, 0x02, 0, 0, 0, 8}).data, (Bytes{0, 2, 0x80, 0x10}));
}

TEST(Atapi, TheGuestOpensAndClosesTheTray) {
  Rig rig;
  int told = 0;
  rig.slot.on_guest_eject([&] { ++told; });
  EXPECT_EQ(rig.packet({0x1b, 0, 0, 0, 2}).status & 1, 0);
  EXPECT_EQ(told, 1);
  EXPECT_TRUE(rig.drive->tray_open());
  EXPECT_EQ(rig.packet({0x00}).error, 0x20);
  EXPECT_EQ(rig.sense(), (Bytes{0x02, 0x3a, 0x02}));
  EXPECT_EQ(rig.packet({0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8}).data[5], 0x01);
  EXPECT_EQ(rig.packet({0xbd, 0, 0, 0, 0, 0, 0, 0, 0, 8}).data[1], 0x10);
  EXPECT_EQ(rig.packet({0x1b, 0, 0, 0, 3}).status & 1, 0);
  EXPECT_EQ(rig.packet({0x00}).error, 0x60);
  EXPECT_EQ(rig.packet({0x00}).status & 1, 0) << "the same disc is back";
}

TEST(Atapi, ALockedDoorStaysShut) {
  Rig rig;
  EXPECT_TRUE(rig.drive->press_eject());
  EXPECT_EQ(rig.packet({0x1e, 0, 0, 0, 1}).status & 1, 0);
  EXPECT_TRUE(rig.slot.locked());
  EXPECT_EQ(rig.packet({0x1b, 0, 0, 0, 2}).error, 0x54);
  EXPECT_EQ(rig.sense(), (Bytes{0x05, 0x53, 0x02}));
  EXPECT_FALSE(rig.drive->press_eject());
  EXPECT_EQ(rig.packet({0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8}).data[4], 1) << "somebody would like the disc";
  EXPECT_EQ(rig.packet({0x1e, 0, 0, 0, 0}).status & 1, 0);
  EXPECT_FALSE(rig.slot.locked());
}

TEST(Atapi, ModePages) {
  Rig rig;
  const Bytes page = rig.packet({0x5a, 0, 0x2a, 0, 0, 0, 0, 0, 128}).data;
  ASSERT_EQ(page.size(), 30u);
  EXPECT_EQ(page[1], 28);
  EXPECT_EQ(page[2], 0x01);
  EXPECT_EQ(page[8], 0x2a);
  EXPECT_EQ(page[9], 0x14);
  EXPECT_GT(rig.packet({0x5a, 0, 0x3f, 0, 0, 0, 0, 4, 0}).data.size(), 60u);
  EXPECT_EQ(rig.packet({0x5a, 0, 0x30, 0, 0, 0, 0, 0, 128}).error, 0x54);
  EXPECT_EQ(rig.packet({0x5a, 0, 0xea, 0, 0, 0, 0, 0, 128}).error, 0x54);
  EXPECT_EQ(rig.sense(), (Bytes{0x05, 0x39, 0x00}));
  EXPECT_EQ(rig.packet({0x1a, 0, 0x01, 0, 128}).data, (Bytes{11, 1, 0, 0, 0x01, 6, 0, 5, 0, 0, 0, 0}));
  const Bytes select{0, 0, 0, 0, 0, 0, 0, 0, 0x01, 6, 0, 9, 0, 0, 0, 0};
  EXPECT_EQ(rig.packet({0x55, 0x10, 0, 0, 0, 0, 0, 0, 16}, 0x8000, select).status & 1, 0);
  EXPECT_EQ(rig.packet({0x1a, 0, 0x01, 0, 128}).data[7], 9);
  EXPECT_EQ(rig.packet({0x55, 0x10, 0, 0, 0, 0, 0, 0, 12}, 0x8000, select).error, 0x54) << "a page that is cut off";
}

TEST(Atapi, OtherInformation) {
  Rig rig;
  const Bytes configuration = rig.packet({0x46, 0, 0, 0, 0, 0, 0, 1, 0}).data;
  ASSERT_GT(configuration.size(), 40u);
  EXPECT_EQ(configuration[3] + 4u, configuration.size());
  EXPECT_EQ(configuration[7], 0x08) << "CD-ROM";
  EXPECT_EQ(rig.packet({0x46, 2, 0, 0x1e, 0, 0, 0, 1, 0}).data.size(), 16u);
  EXPECT_EQ(rig.packet({0x51, 0, 0, 0, 0, 0, 0, 0, 34}).data.size(), 34u);
  EXPECT_EQ(rig.packet({0x52, 1, 0, 0, 0, 1, 0, 0, 36}).data[27], 64);
  EXPECT_EQ(rig.packet({0x42, 2, 0x40, 1, 0, 0, 0, 0, 16}).data.size(), 16u);
  EXPECT_EQ(rig.packet({0x23, 0, 0, 0, 0, 0, 0, 0, 12}).data.size(), 12u);
  EXPECT_EQ(rig.packet({0xbb, 0, 0x10, 0x00}).status & 1, 0);
  EXPECT_EQ(rig.packet({0x45}).error, 0x54) << "no audio";
  EXPECT_EQ(rig.packet({0xac}).data.size(), 24u);
  EXPECT_EQ(rig.packet({0xad, 0, 0, 0, 0, 0, 0, 0, 0, 20}).error, 0x54) << "a CD is no DVD";
}

TEST(Atapi, KeepsTheArchiveContractInTheMiddleOfARead) {
  Rig a;
  Rig b;
  test::expect_archive_contract(a.ide, b.ide, [&] {
    a.start_packet({0x28, 0, 0, 0, 0, 16, 0, 0, 3}, 1500);
    ASSERT_TRUE(a.wait_irq());
    for (int i = 0; i < 100; ++i) a.in16(0x170);
  });
  b.clock.set_ticks(a.clock.ticks());
  Bytes data;
  const Bytes first = block_of_disc(16);
  for (int i = 100; i < 750; ++i) {
    const u16 v = b.in16(0x170);
    EXPECT_EQ(v, a.in16(0x170));
    data.push_back(static_cast<u8>(v));
    data.push_back(static_cast<u8>(v >> 8));
  }
  EXPECT_EQ(data, Bytes(first.begin() + 200, first.begin() + 1500));
  b.in8(0x177);
  ASSERT_TRUE(b.wait_irq());
  EXPECT_EQ(b.in8(0x177) & 0x89, 0x08);
}

TEST(Atapi, SurvivesAnythingAGuestSends) {
  Rig rig;
  u64 random = 4711;
  const auto next = [&] {
    random = random * 6364136223846793005 + 1442695040888963407;
    return static_cast<u32>(random >> 33);
  };
  static constexpr u8 kCommands[] = {0x00, 0x03, 0x08, 0x12, 0x15, 0x55, 0x1a, 0x5a, 0x1b, 0x1e,
                                     0x23, 0x25, 0x28, 0xa8, 0x2b, 0x42, 0x43, 0x44, 0x46, 0x4a,
                                     0x51, 0x52, 0xac, 0xad, 0xb9, 0xbe, 0xbb, 0xbd};
  for (u32 i = 0; i < 0x40000; i += 4) rig.memory.write32(i, next() & 0x800fffff);
  for (int i = 0; i < 6000; ++i) {
    rig.out8(0x176, 0xa0);
    rig.out8(0x171, next() % 3 == 0);
    rig.out8(0x174, static_cast<u8>(next()));
    rig.out8(0x175, static_cast<u8>(next() % 2 == 0 ? next() : 0));
    rig.out8(0x177, next() % 20 == 0 ? static_cast<u8>(next()) : 0xa0);
    for (int k = 0; k < 6; ++k) {
      u16 v = static_cast<u16>(next() % 3 == 0 ? next() : next() % 3);
      if (k == 0) v = static_cast<u16>(kCommands[next() % std::size(kCommands)] | (v << 8));
      rig.out16(0x170, v);
    }
    rig.run(next() % 3 * kMs);
    rig.out32(kBmBase + 12, next() & 0x3fffc);
    rig.out8(kBmBase + 8, static_cast<u8>(next() & 9));
    for (u32 k = next() % 2000; k > 0; --k) {
      if (next() % 2 == 0) {
        rig.in16(0x170);
      } else {
        rig.out16(0x170, static_cast<u16>(next()));
      }
      if (k % 64 == 0) rig.run(next() % 100000);
    }
    if (i % 100 == 0) {
      const auto saved = core::save_to_bytes(rig.ide);
      core::load_from_bytes(rig.ide, saved);
      ASSERT_EQ(core::save_to_bytes(rig.ide), saved);
    }
    if (i % 50 == 0) rig.out8(0x376, 4), rig.out8(0x376, 0);
    if (i % 70 == 0) rig.slot.insert(disc(1 + next() % 40));
  }
}

TEST(Atapi, ADamagedArchiveNeverCrashes) {
  Rig rig;
  rig.start_packet({0x28, 0, 0, 0, 0, 16, 0, 0, 3}, 1500);
  ASSERT_TRUE(rig.wait_irq());
  const auto saved = core::save_to_bytes(rig.ide);
  for (std::size_t i = 16; i < saved.size(); i += 3) {
    auto damaged = saved;
    damaged[i] ^= 0x83;
    try {
      core::load_from_bytes(rig.ide, damaged);
      for (int k = 0; k < 1600; ++k) rig.in16(0x170);
      rig.run(kMs);
      for (int k = 0; k < 1600; ++k) rig.in16(0x170);
    } catch (const core::ArchiveError&) {
    }
  }
}

}  // namespace
}  // namespace orrery::hw
