#include "hw/dma8237.h"

#include "tests/hw/bench.h"

namespace orrery::hw {
namespace {

class Dma8237 : public ::testing::Test {
 protected:
  Bench bench;
  core::GuestMemory memory{1 << 20, bench.log};
  DmaPair dma{bench.ports, memory, bench.log};

  void SetUp() override {
    memory.map_ram(0, 1 << 20, 0);
    dma.reset();
    bench.out(0xd6, 0xc0);  // channel 4: cascade
    bench.out(0xd4, 0x00);
  }
  void program8(unsigned n, u8 mode, u32 address, u16 count) {
    const unsigned pages[] = {0x87, 0x83, 0x81, 0x82};
    bench.out(0x0a, 4 | n);
    bench.out(0x0c, 0);
    bench.out(0x0b, mode | n);
    bench.out(n * 2, address & 0xff);
    bench.out(n * 2, address >> 8 & 0xff);
    bench.out(n * 2 + 1, count & 0xff);
    bench.out(n * 2 + 1, count >> 8);
    bench.out(pages[n], address >> 16);
    bench.out(0x0a, n);
  }
  u16 read16(u64 port) {
    bench.out(port < 0x10 ? 0x0c : 0xd8, 0);
    const u16 low = bench.in(port);
    return static_cast<u16>(low | bench.in(port) << 8);
  }
};

TEST_F(Dma8237, WritesADevicesBytesToMemoryUntilTerminalCount) {
  program8(2, 0x44, 0x12345, 2);
  core::DmaChannel& ch = dma.channel(2);
  EXPECT_TRUE(ch.ready(true));
  EXPECT_FALSE(ch.ready(false));
  EXPECT_FALSE(ch.to_memory(0xa1));
  EXPECT_FALSE(ch.to_memory(0xb2));
  EXPECT_TRUE(ch.to_memory(0xc3));
  EXPECT_EQ(memory.read32(0x12345), 0x00c3b2a1u);
  EXPECT_EQ(read16(4), 0x2348);
  EXPECT_EQ(read16(5), 0xffff);
  EXPECT_FALSE(ch.ready(true)) << "terminal count sets the mask bit";
  EXPECT_EQ(bench.in(0x0f), 0xff);
  EXPECT_EQ(bench.in(0x08), 0x04);
  EXPECT_EQ(bench.in(0x08), 0x00) << "reading status clears the TC bits";
}

TEST_F(Dma8237, ReadsMemoryForADevice) {
  memory.write16(0x2fffe, 0xbeef);
  program8(1, 0x48, 0x2fffe, 1);
  u16 unit = 0;
  EXPECT_TRUE(dma.channel(1).ready(false));
  EXPECT_FALSE(dma.channel(1).from_memory(unit));
  EXPECT_EQ(unit & 0xff, 0xef);
  EXPECT_TRUE(dma.channel(1).from_memory(unit));
  EXPECT_EQ(unit & 0xff, 0xbe);
}

TEST_F(Dma8237, AddressesWrapInsideTheirPageAndCountDown) {
  program8(3, 0x44, 0x2ffff, 9);
  dma.channel(3).to_memory(1);
  dma.channel(3).to_memory(2);
  EXPECT_EQ(memory.read8(0x2ffff), 1);
  EXPECT_EQ(memory.read8(0x20000), 2);
  program8(3, 0x64, 0x20000, 9);
  dma.channel(3).to_memory(3);
  dma.channel(3).to_memory(4);
  EXPECT_EQ(memory.read8(0x20000), 3);
  EXPECT_EQ(memory.read8(0x2ffff), 4);
}

TEST_F(Dma8237, AutoinitializeReloadsAndStaysUnmasked) {
  program8(1, 0x54, 0x30000, 1);
  EXPECT_FALSE(dma.channel(1).to_memory(1));
  EXPECT_TRUE(dma.channel(1).to_memory(2));
  EXPECT_TRUE(dma.channel(1).ready(true));
  EXPECT_EQ(read16(2), 0x0000);
  EXPECT_EQ(read16(3), 0x0001);
  dma.channel(1).to_memory(9);
  EXPECT_EQ(memory.read8(0x30000), 9);
}

TEST_F(Dma8237, VerifyCountsWithoutTouchingMemory) {
  program8(2, 0x40, 0x40000, 0);
  EXPECT_TRUE(dma.channel(2).ready(true));
  EXPECT_TRUE(dma.channel(2).ready(false));
  EXPECT_TRUE(dma.channel(2).to_memory(0x55));
  EXPECT_EQ(memory.read8(0x40000), 0);
}

TEST_F(Dma8237, SixteenBitChannelsCountWordsIn128KPages) {
  bench.out(0xd8, 0);
  bench.out(0xd6, 0x45);  // channel 5
  bench.out(0xc4, 0xff);
  bench.out(0xc4, 0xff);
  bench.out(0xc6, 0x01);
  bench.out(0xc6, 0x00);
  bench.out(0x8b, 0x05);  // bit 0 of the page is not used
  bench.out(0xd4, 0x01);
  EXPECT_TRUE(dma.channel(5).ready(true));
  EXPECT_FALSE(dma.channel(5).to_memory(0x1234));
  EXPECT_TRUE(dma.channel(5).to_memory(0x5678));
  EXPECT_EQ(memory.read16(0x5fffe), 0x1234);
  EXPECT_EQ(memory.read16(0x40000), 0x5678);
  EXPECT_EQ(bench.in(0xd0), 0x02);
}

TEST_F(Dma8237, TheFirstControllerWorksOnlyThroughChannel4) {
  program8(2, 0x44, 0x10000, 9);
  EXPECT_TRUE(dma.channel(2).ready(true));
  bench.out(0xd4, 0x04);
  EXPECT_FALSE(dma.channel(2).ready(true));
  bench.out(0xdc, 0x00);  // clear mask register
  EXPECT_TRUE(dma.channel(2).ready(true));
  bench.out(0xd0, 0x04);
  EXPECT_FALSE(dma.channel(2).ready(true));
  EXPECT_FALSE(dma.channel(4).ready(true));
}

TEST_F(Dma8237, MasksCommandAndCascadeHoldAChannelBack) {
  program8(1, 0x44, 0x10000, 9);
  bench.out(0x0f, 0x02);
  EXPECT_FALSE(dma.channel(1).ready(true));
  EXPECT_EQ(bench.in(0x0f), 0xf2);
  bench.out(0x0e, 0);
  EXPECT_TRUE(dma.channel(1).ready(true));
  bench.out(0x08, 0x04);
  EXPECT_FALSE(dma.channel(1).ready(true));
  bench.out(0x08, 0x00);
  bench.out(0x0b, 0xc5);
  EXPECT_FALSE(dma.channel(1).ready(true));
  bench.out(0x0b, 0x4d);
  EXPECT_FALSE(dma.channel(1).ready(true)) << "transfer type 11 is illegal";
}

TEST_F(Dma8237, StatusShowsRequests) {
  dma.channel(3).set_request(true);
  EXPECT_EQ(bench.in(0x08), 0x80);
  bench.out(0x08, 0x40);
  EXPECT_EQ(bench.in(0x08), 0x70) << "DREQ sense active low";
}

TEST_F(Dma8237, MasterClearMasksEverythingAndResetsTheFlipFlop) {
  program8(2, 0x44, 0x1234, 0x5678);
  bench.in(4);
  bench.out(0x0d, 0);
  EXPECT_EQ(bench.in(0x0f), 0xff);
  EXPECT_EQ(bench.in(4), 0x34);
  EXPECT_EQ(bench.in(4), 0x12);
}

TEST_F(Dma8237, MemoryToMemoryCopiesAndFills) {
  for (u64 i = 0; i < 8; ++i) memory.write8(0x1000 + i, static_cast<u8>(i + 1));
  program8(0, 0x88, 0x1000, 7);
  program8(1, 0x84, 0x2000, 7);
  bench.out(0x08, 0x01);
  bench.out(0x09, 0x04);
  EXPECT_EQ(memory.read64(0x2000), memory.read64(0x1000));
  EXPECT_EQ(bench.in(0x0d), 8);
  EXPECT_EQ(bench.in(0x08) & 0x02, 0x02);
  program8(0, 0x88, 0x1003, 7);
  program8(1, 0x84, 0x2000, 7);
  bench.out(0x08, 0x03);
  bench.out(0x09, 0x04);
  EXPECT_EQ(memory.read64(0x2000), 0x0404040404040404u);
}

TEST_F(Dma8237, ASoftwareRequestRunsToTerminalCountEvenIfMasked) {
  program8(3, 0x80, 0x0000, 0xffff);
  bench.out(0x0a, 0x07);
  bench.out(0x09, 0x07);
  EXPECT_EQ(bench.in(0x08), 0x08) << "terminal count is reached and the request is gone";
  EXPECT_EQ(read16(7), 0xffff);
}

TEST_F(Dma8237, PageRegistersWithoutAChannelKeepTheirBytes) {
  for (u64 port = 0x80; port < 0x90; ++port) bench.out(port, static_cast<unsigned>(port ^ 0x5a));
  for (u64 port = 0x80; port < 0x90; ++port) EXPECT_EQ(bench.in(port), port ^ 0x5a);
  EXPECT_EQ(dma.page(0), 0xda);
}

TEST_F(Dma8237, ArchiveContract) {
  Bench other_bench;
  DmaPair other(other_bench.ports, memory, other_bench.log);
  other.reset();
  test::expect_archive_contract(dma, other, [&] {
    program8(2, 0x54, 0x12345, 77);
    dma.channel(2).set_request(true);
    dma.channel(2).to_memory(1);
    bench.in(4);
    bench.out(0x80, 0x55);
  });
}

}  // namespace
}  // namespace orrery::hw
