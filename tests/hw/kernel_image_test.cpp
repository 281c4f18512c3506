#include "hw/kernel_image.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>

namespace orrery::hw {
namespace {

using core::load_le;
using core::store_le;
using Bytes = std::vector<u8>;

constexpr u64 kRam = 64 << 20;

struct Load {
  u32 item;
  u32 offset;
  u32 address;
  u32 length;
  friend bool operator==(const Load&, const Load&) = default;
};
void PrintTo(const Load& l, std::ostream* out) {
  *out << std::hex << l.item << "+" << l.offset << " to " << l.address << ", " << l.length;
}

struct Parsed {
  KernelKind kind;
  std::map<u16, Bytes> items;
  std::vector<Load> loads;
  u32 field(std::size_t at) const { return load_le<u32>(&items.at(0x1a)[at]); }
};

Parsed parse(KernelRequest r) {
  KernelPlan plan = plan_kernel(std::move(r));
  Parsed p{plan.kind, {}, {}};
  for (auto& [key, data] : plan.items) p.items[key] = data;
  const Bytes& b = p.items.at(0x1a);
  EXPECT_EQ(std::memcmp(b.data(), "ORBP", 4), 0);
  const u16 count = load_le<u16>(&b[6]);
  EXPECT_EQ(b.size(), 32u + 16u * count);
  for (u16 i = 0; i < count; ++i) {
    const u8* at = &b[32 + 16u * i];
    p.loads.push_back({load_le<u32>(at), load_le<u32>(at + 4), load_le<u32>(at + 8), load_le<u32>(at + 12)});
  }
  return p;
}

Bytes bzimage(u16 version = 0x20f, std::size_t kernel_size = 100'000, bool high = true) {
  Bytes k(3 * 512 + kernel_size, 0x90);
  std::fill(k.begin(), k.begin() + 3 * 512, 0);
  k[0x1f1] = 2;
  store_le<u16>(&k[0x1fe], 0xaa55);
  std::memcpy(&k[0x202], "HdrS", 4);
  store_le<u16>(&k[0x206], version);
  k[0x211] = high ? 1 : 0;
  store_le<u32>(&k[0x22c], 0x7fffffff);
  store_le<u32>(&k[0x238], 2047);
  store_le<u64>(&k[0x258], 0x1000000);
  store_le<u32>(&k[0x260], 0x800000);
  return k;
}

KernelRequest request(Bytes kernel, std::string command_line = "") {
  return {.kernel = std::move(kernel),
          .name = "vmlinuz",
          .command_line = std::move(command_line),
          .modules = {},
          .low_ram = kRam,
          .low_ram_limit = 0xe0000000};
}

TEST(LinuxKernel, ABzImageIsLoadedByTheModernProtocol) {
  KernelRequest r = request(bzimage(), "root=/dev/sda1 vga=0x317 quiet");
  r.modules = {{Bytes(1001, 1), ""}, {Bytes(5, 2), ""}};
  const Parsed p = parse(std::move(r));
  EXPECT_EQ(p.kind, KernelKind::Linux);
  EXPECT_EQ(p.loads,
            (std::vector<Load>{{0x18, 0, 0x10000, 1536}, {0x15, 0, 0x20000, 31}, {0x11, 1536, 0x100000, 100'000}}));
  EXPECT_EQ(p.field(4), 0x00030001u);
  EXPECT_EQ(p.field(8), 1009u);
  EXPECT_EQ(p.field(12), 0x10000u);
  EXPECT_EQ(p.field(16), 0x1800000u);  // behind preferred address + init_size
  EXPECT_EQ(p.field(20), 0xfff0u);
  EXPECT_EQ(p.items.at(0x12).size(), 1009u);
  EXPECT_EQ(p.items.at(0x12)[1004], 2);
  const Bytes& setup = p.items.at(0x18);
  EXPECT_EQ(setup[0x210], 0xff);
  EXPECT_EQ(setup[0x211], 0x81);
  EXPECT_EQ(load_le<u16>(&setup[0x224]), 0xfe00);
  EXPECT_EQ(load_le<u32>(&setup[0x228]), 0x20000u);
  EXPECT_EQ(load_le<u16>(&setup[0x1fa]), 0x317);
  EXPECT_STREQ(reinterpret_cast<const char*>(p.items.at(0x15).data()), "root=/dev/sda1 vga=0x317 quiet");
}

TEST(LinuxKernel, ProtocolTwoZeroPutsTheCommandLineBesideTheSetupCode) {
  const Parsed p = parse(request(bzimage(0x200, 5000), "abc"));
  EXPECT_EQ(p.loads[0], (Load{0x18, 0, 0x90000, 1536}));
  EXPECT_EQ(p.loads[1], (Load{0x15, 0, 0x99000, 4}));
  EXPECT_EQ(load_le<u16>(&p.items.at(0x18)[0x20]), 0xa33f);
  EXPECT_EQ(load_le<u16>(&p.items.at(0x18)[0x22]), 0x9000);
}

TEST(LinuxKernel, AZImageIsLoadedLow) {
  const Parsed p = parse(request(bzimage(0x202, 5000, false)));
  EXPECT_EQ(p.loads.back(), (Load{0x11, 1536, 0x10000, 5000}));
  EXPECT_EQ(p.field(12), 0x90000u);
}

TEST(LinuxKernel, WhatCannotWorkIsRefusedByName) {
  EXPECT_THROW(parse(request(bzimage(), std::string(3000, 'x'))), KernelError);
  EXPECT_THROW(parse(request(bzimage(0x20f, 65 << 20))), KernelError);
  EXPECT_THROW(parse(request(Bytes(5000, 7))), KernelError);
  EXPECT_THROW(parse(request(Bytes())), KernelError);
  Bytes cut = bzimage();
  cut.resize(1400);
  EXPECT_THROW(parse(request(cut)), KernelError);
  KernelRequest r = request(bzimage());
  r.modules = {{Bytes(50 << 20), ""}};
  EXPECT_THROW(parse(std::move(r)), KernelError);
}

Bytes multiboot_elf(bool wide = false) {
  Bytes k(0x2000, 0xcc);
  std::fill(k.begin(), k.begin() + 0x1000, 0);
  std::memcpy(k.data(),
              "\x7f"
              "ELF",
              4);
  k[4] = wide ? 2 : 1;
  k[5] = 1;
  store_le<u16>(&k[18], wide ? 62 : 3);
  const auto header = [&](u8* p, u32 offset, u32 virt, u32 phys, u32 file, u32 memory) {
    store_le<u32>(p, 1);
    if (wide) {
      const u64 fields[] = {offset, virt, phys, file, memory};
      for (int i = 0; i < 5; ++i) store_le<u64>(p + 8 + 8 * i, fields[i]);
    } else {
      const u32 fields[] = {offset, virt, phys, file, memory};
      for (int i = 0; i < 5; ++i) store_le<u32>(p + 4 + 4 * i, fields[i]);
    }
  };
  const std::size_t size = wide ? 56 : 32;
  if (wide) {
    store_le<u64>(&k[24], 0xc0100010);
    store_le<u64>(&k[32], 64);
  } else {
    store_le<u32>(&k[24], 0xc0100010);
    store_le<u32>(&k[28], 64);
  }
  store_le<u16>(&k[wide ? 54 : 42], static_cast<u16>(size));
  store_le<u16>(&k[wide ? 56 : 44], 2);
  header(&k[64], 0x1000, 0xc0100000, 0x100000, 0x800, 0x800);
  header(&k[64 + size], 0x1800, 0xc0200000, 0x200000, 0x100, 0x5000);
  store_le<u32>(&k[0x400], 0x1badb002);
  store_le<u32>(&k[0x404], 3);
  store_le<u32>(&k[0x408], 0u - 0x1badb002 - 3);
  return k;
}

TEST(MultibootKernel, ElfSegmentsGoToTheirPhysicalAddressesAndBssIsCleared) {
  for (bool wide : {false, true}) {
    const Parsed p = parse(request(multiboot_elf(wide), "a b"));
    EXPECT_EQ(p.kind, KernelKind::Multiboot);
    EXPECT_EQ(p.loads[0], (Load{0x11, 0x1000, 0x100000, 0x800}));
    EXPECT_EQ(p.loads[1], (Load{0x11, 0x1800, 0x200000, 0x100}));
    EXPECT_EQ(p.loads[2], (Load{0x1f, 0, 0x200100, 0x4f00}));
    EXPECT_EQ(p.field(16), 0x100010u);  // the virtual entry point, where it is loaded
  }
}

TEST(MultibootKernel, TheInformationStructureNamesCommandLineAndModules) {
  KernelRequest r = request(multiboot_elf(), "a b");
  r.modules = {{Bytes(100, 1), "mod1 x"}, {Bytes(5000, 2), "mod2"}};
  const Parsed p = parse(std::move(r));
  const Bytes& info = p.items.at(0x18);
  const auto text = [&](u32 address) { return std::string(reinterpret_cast<const char*>(&info[address - 0x2400])); };
  EXPECT_EQ(load_le<u32>(&info[0]), 0x20cu);
  EXPECT_EQ(text(load_le<u32>(&info[16])), "vmlinuz a b");
  EXPECT_EQ(text(load_le<u32>(&info[64])), "Orrery");
  ASSERT_EQ(load_le<u32>(&info[20]), 2u);
  const u8* list = &info[load_le<u32>(&info[24]) - 0x2400];
  EXPECT_EQ(load_le<u32>(list), 0x205000u);
  EXPECT_EQ(load_le<u32>(list + 4), 0x205064u);
  EXPECT_EQ(text(load_le<u32>(list + 8)), "mod1 x");
  EXPECT_EQ(load_le<u32>(list + 16), 0x206000u);
  EXPECT_EQ(load_le<u32>(list + 20), 0x206000u + 5000);
  EXPECT_EQ(p.field(12), 0x2400u);
  EXPECT_EQ(p.field(20), 0x2400u + info.size());
  EXPECT_EQ(p.loads.back(), (Load{0x18, 0, 0x2400, static_cast<u32>(info.size())}));
}

TEST(MultibootKernel, AddressFieldsOfTheHeaderServeOtherFormats) {
  Bytes k(0x1000, 0xcc);
  const u32 fields[] = {0x1badb002, 0x10003, 0u - 0x1badb002 - 0x10003, 0x100020, 0x100000, 0x100800,
                        0x103000,   0x100040};
  for (int i = 0; i < 8; ++i) store_le<u32>(&k[0x120 + 4 * i], fields[i]);
  const Parsed p = parse(request(k));
  EXPECT_EQ(p.loads[0], (Load{0x11, 0x100, 0x100000, 0x800}));
  EXPECT_EQ(p.loads[1], (Load{0x1f, 0, 0x100800, 0x2800}));
  EXPECT_EQ(p.field(16), 0x100040u);
}

TEST(MultibootKernel, LoadsBelowOneMegabyteWhatIsMadeForRealMode) {
  Bytes k = multiboot_elf();
  store_le<u32>(&k[64 + 12], 0x8000);
  EXPECT_EQ(parse(request(k)).loads[0].address, 0x8000u);
  store_le<u32>(&k[64 + 12], 0x7fff);
  EXPECT_THROW(parse(request(k)), KernelError);
}

TEST(MultibootKernel, WhatCannotWorkIsRefused) {
  Bytes k = multiboot_elf();
  store_le<u32>(&k[0x404], 0x13);
  store_le<u32>(&k[0x408], 0u - 0x1badb002 - 0x13);
  EXPECT_THROW(parse(request(k)), KernelError);  // an unknown requirement
  k = multiboot_elf();
  store_le<u32>(&k[64 + 12], 0xa0000);
  EXPECT_THROW(parse(request(k)), KernelError);  // into the video window
  k = multiboot_elf();
  store_le<u32>(&k[64 + 12], 0xfff00000);
  EXPECT_THROW(parse(request(k)), KernelError);
  k = multiboot_elf();
  store_le<u32>(&k[64 + 16], 0xffffffff);
  EXPECT_THROW(parse(request(k)), KernelError);
  KernelRequest r = request(multiboot_elf());
  r.modules = {{Bytes(63 << 20), "big"}};
  EXPECT_THROW(parse(std::move(r)), KernelError);
}

TEST(MultibootKernel, NoDamagedFileCrashesThePlan) {
  for (const Bytes& whole : {multiboot_elf(), multiboot_elf(true), bzimage(0x20f, 2000)}) {
    for (std::size_t size = 0; size < whole.size(); size += 37) {
      try {
        parse(request(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size))));
      } catch (const KernelError&) {
      }
    }
    for (std::size_t at = 0; at < 0x410; ++at) {
      for (u8 value : {0x00, 0x7f, 0xff}) {
        Bytes k = whole;
        k[at] = value;
        try {
          parse(request(std::move(k)));
        } catch (const KernelError&) {
        }
      }
    }
  }
}

}  // namespace
}  // namespace orrery::hw
