#include "hw/fw_cfg.h"

#include "tests/support/archive_tests.h"
#include "tests/support/pci_fixture.h"

namespace orrery::hw {
namespace {

using Bytes = std::vector<u8>;

struct FwCfgTest : ::testing::Test, test::PciBackplane {
  FwCfg chip{ports, memory, log};

  FwCfgTest() {
    memory.map_ram(0, 1 << 20, 0);
    chip.reset();
  }
  Bytes read(u16 key, std::size_t count) {
    out16(0x510, key);
    Bytes result;
    for (std::size_t i = 0; i < count; ++i) result.push_back(in(0x511));
    return result;
  }
  static u32 be(u32 v) { return core::byte_swap(v); }
  /// Runs a DMA command placed at 0x1000; returns the control word afterwards.
  u32 dma(u32 control, u32 length, u64 address) {
    memory.write32(0x1000, be(control));
    memory.write32(0x1004, be(length));
    memory.write64(0x1008, core::byte_swap(address));
    out32(0x514, 0);
    out32(0x518, be(0x1000));
    return be(memory.read32(0x1000));
  }
  Bytes at(u64 address, std::size_t count) {
    Bytes result(count);
    memory.read_block(address, result);
    return result;
  }
};

TEST_F(FwCfgTest, IsFoundByItsSignatureAndOffersDma) {
  EXPECT_EQ(read(0, 6), (Bytes{'Q', 'E', 'M', 'U', 0, 0}));
  EXPECT_EQ(read(1, 4), (Bytes{3, 0, 0, 0}));
  EXPECT_EQ(in32(0x514), be(0x51454d55));
  EXPECT_EQ(in32(0x518), be(0x20434647));
}

TEST_F(FwCfgTest, ItemsReadFromTheirBeginningAfterEachSelection) {
  chip.add_u16(fw_cfg_key::kCpus, 1);
  chip.add_u64(fw_cfg_key::kRamSize, 0x123456789aull);
  EXPECT_EQ(read(3, 9), (Bytes{0x9a, 0x78, 0x56, 0x34, 0x12, 0, 0, 0, 0}));
  EXPECT_EQ(read(5, 2), (Bytes{1, 0}));
  EXPECT_EQ(read(5, 2), (Bytes{1, 0}));
  EXPECT_EQ(read(0x3fff, 2), (Bytes{0, 0}));
}

TEST_F(FwCfgTest, TheDirectoryListsFilesByName) {
  chip.add_file("etc/zebra", {1, 2, 3});
  chip.add_text_file("bootorder", "x");
  const Bytes dir = read(0x19, 4 + 2 * 64);
  EXPECT_EQ(dir[3], 2);
  EXPECT_EQ((Bytes(dir.begin() + 4, dir.begin() + 12)), (Bytes{0, 0, 0, 2, 0, 0x20, 0, 0}));
  EXPECT_STREQ(reinterpret_cast<const char*>(&dir[12]), "bootorder");
  EXPECT_EQ((Bytes(dir.begin() + 68, dir.begin() + 76)), (Bytes{0, 0, 0, 3, 0, 0x21, 0, 0}));
  EXPECT_STREQ(reinterpret_cast<const char*>(&dir[76]), "etc/zebra");
  EXPECT_EQ(read(0x20, 3), (Bytes{'x', 0, 0}));
  EXPECT_EQ(read(0x21, 3), (Bytes{1, 2, 3}));
  EXPECT_THROW(chip.add_file(std::string(56, 'a'), {}), std::logic_error);
}

TEST_F(FwCfgTest, TheMemoryMapHasTwentyByteEntries) {
  chip.add_e820({{0, 0x4000000, 1}, {0x100000000, 0x40000000, 1}});
  EXPECT_EQ(chip.file("etc/e820")->size(), 40u);
  EXPECT_EQ(read(0x20, 40)[24], 1);  // byte 4 of the second address
}

TEST_F(FwCfgTest, DmaReadsAcrossPagesAndPadsWithZeros) {
  Bytes data(5000);
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<u8>(i * 7 + 1);
  chip.add_file("f", data);
  memory.write8(0x2f00 + 5000, 0xee);
  EXPECT_EQ(dma(0x20u << 16 | 8 | 2, 5010, 0x2f00), 0u);
  EXPECT_EQ(at(0x2f00, 5000), data);
  EXPECT_EQ(at(0x2f00 + 5000, 10), Bytes(10, 0));
}

TEST_F(FwCfgTest, DmaSkipsAndGoesOnWhereItWas) {
  chip.add_file("f", {10, 11, 12, 13, 14});
  EXPECT_EQ(dma(0x20u << 16 | 8 | 4, 2, 0), 0u);
  EXPECT_EQ(dma(2, 2, 0x3000), 0u);
  EXPECT_EQ(at(0x3000, 2), (Bytes{12, 13}));
  EXPECT_EQ(in(0x511), 14);
  EXPECT_EQ(dma(0x20u << 16 | 8 | 4, 0xffffffff, 0), 0u);
  EXPECT_EQ(in(0x511), 0);
}

TEST_F(FwCfgTest, DmaToWhereNoRamIsFails) {
  chip.add_file("f", {1});
  EXPECT_EQ(dma(0x20u << 16 | 8 | 2, 1, 0xf0000000), 1u);
  EXPECT_EQ(dma(0x20u << 16 | 8 | 2, 0xffffffff, 0x100000 - 16), 1u);
  EXPECT_EQ(dma(0x20u << 16 | 8 | 2, 0xffffffff, 0xffffffffffffff00), 1u);
}

TEST_F(FwCfgTest, ACommandOutsideRamIsIgnored) {
  out32(0x514, be(0xffffffff));
  out32(0x518, be(0xfffffff8));
  out32(0x514, 0);
  out32(0x518, be(0xfffff8));
}

TEST_F(FwCfgTest, OnlyDeclaredFilesAreWritable) {
  Bytes seen;
  chip.add_file("ro", {1, 2, 3, 4});
  chip.add_file("rw", {0, 0, 0, 0}, true, [&](const Bytes& data) { seen = data; });
  memory.write32(0x3000, 0x04030201);
  EXPECT_EQ(dma(0x20u << 16 | 8 | 16, 4, 0x3000), 1u);
  EXPECT_EQ(dma(0x21u << 16 | 8 | 16, 5, 0x3000), 1u);
  EXPECT_EQ(dma(0x21u << 16 | 8 | 16, 3, 0x3000), 0u);
  EXPECT_EQ(seen, (Bytes{1, 2, 3, 0}));
  EXPECT_EQ(read(0x21, 4), (Bytes{1, 2, 3, 0}));
  EXPECT_EQ(read(0x20, 4), (Bytes{1, 2, 3, 4}));
}

TEST_F(FwCfgTest, KeepsTheArchiveContract) {
  PciBackplane other;
  FwCfg copy(other.ports, other.memory, other.log);
  for (FwCfg* c : {&chip, &copy}) {
    c->add_file("a", {1, 2, 3});
    c->add_file("b", {1, 2, 3}, true);
    c->reset();
  }
  test::expect_archive_contract(chip, copy, [&] {
    dma(0x21u << 16 | 8 | 16, 2, 0x4000);
    read(0x20, 2);
    out(0x514, 1);
  });
  EXPECT_EQ(other.in(0x511), 3);
  EXPECT_EQ(*copy.file("b"), (Bytes{0, 0, 3}));
}

}  // namespace
}  // namespace orrery::hw
