#include "machine/kernel.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <map>
#include <numeric>

namespace orrery::machine {
namespace {

using core::load_le;
using core::store_le;

class KernelTest : public testing::Test {
 protected:
  ~KernelTest() override {
    for (const std::string& path : files_) std::remove(path.c_str());
  }
  std::string file(const std::string& name, const std::vector<u8>& bytes) {
    std::string path =
        testing::TempDir() + "orrery_kernel_" + name + std::to_string(reinterpret_cast<std::uintptr_t>(this));
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    files_.push_back(path);
    return path;
  }
  std::map<u16, std::vector<u8>> load() {
    KernelItems items = load_kernel(config);
    return {items.items.begin(), items.items.end()};
  }
  std::string error() {
    try {
      load();
    } catch (const ConfigError& error) {
      return error.what();
    }
    return {};
  }
  static u64 number(const std::vector<u8>& bytes) { return load_le<u32>(bytes.data()); }

  Config config;

 private:
  std::vector<std::string> files_;
};

std::vector<u8> bzimage(std::size_t kernel_size) {
  std::vector<u8> image(512 * 5 + kernel_size);
  image[0x1f1] = 4;
  std::memcpy(&image[0x202], "HdrS", 4);
  store_le<u16>(&image[0x206], 0x20f);
  image[0x211] = 1;
  store_le<u32>(&image[0x22c], 0x7fffffff);
  store_le<u32>(&image[0x238], 2047);
  std::iota(image.begin() + 512 * 5, image.end(), u8{1});
  return image;
}

TEST_F(KernelTest, ABzImageGoesToOneMiBAndItsSetupIsFilledIn) {
  config.kernel = file("linux", bzimage(70000));
  config.initrd = {file("initrd", std::vector<u8>(5000, 7))};
  config.append = "console=ttyS0";
  const auto items = load();
  EXPECT_EQ(number(items.at(0x07)), 0x100000u);
  EXPECT_EQ(number(items.at(0x08)), 70000u);
  EXPECT_EQ(items.at(0x11)[0], 1);
  const std::vector<u8>& setup = items.at(0x18);
  EXPECT_EQ(setup.size(), 512u * 5);
  EXPECT_EQ(setup[0x210], 0xff);
  EXPECT_EQ(setup[0x211], 0x81);
  EXPECT_EQ(load_le<u32>(&setup[0x228]), number(items.at(0x13)));
  EXPECT_EQ(number(items.at(0x16)) + setup.size() < number(items.at(0x13)), true);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(items.at(0x15).data())), "console=ttyS0");
  EXPECT_EQ(load_le<u32>(&setup[0x218]), number(items.at(0x0a)));
  EXPECT_EQ(load_le<u32>(&setup[0x21c]), 5000u);
  EXPECT_EQ(number(items.at(0x0a)) % 4096, 0u);
  EXPECT_LT(number(items.at(0x0a)) + 5000, config.memory);
}

TEST_F(KernelTest, WhatDoesNotFitIsRefusedWithASize) {
  config.kernel = file("linux", bzimage(3 << 20));
  config.memory = 4 << 20;
  EXPECT_NE(error().find("-m "), std::string::npos);
  config.memory = 16 << 20;
  EXPECT_EQ(error(), "");
  config.append = std::string(3000, 'x');
  EXPECT_NE(error().find("2047"), std::string::npos);
}

TEST_F(KernelTest, OtherFilesAreRefused) {
  config.kernel = "/nonexistent/vmlinuz";
  EXPECT_NE(error().find("/nonexistent/vmlinuz"), std::string::npos);
  config.kernel = "/";
  EXPECT_NE(error(), "");
  config.kernel = file("text", std::vector<u8>(4000, 'a'));
  EXPECT_NE(error().find("bzImage"), std::string::npos);
  std::vector<u8> cut = bzimage(100);
  cut.resize(1000);
  config.kernel = file("cut", cut);
  EXPECT_NE(error().find("cut off"), std::string::npos);
}

std::vector<u8> multiboot_elf() {
  std::vector<u8> image(0x2000);
  std::memcpy(image.data(), "\177ELF\1\1\1", 7);
  store_le<u16>(&image[0x10], 2);
  store_le<u32>(&image[0x18], 0xc0100010);  // entry, virtual
  store_le<u32>(&image[0x1c], 52);
  store_le<u16>(&image[0x2a], 32);
  store_le<u16>(&image[0x2c], 1);
  u8* p = &image[52];
  store_le<u32>(p, 1);
  store_le<u32>(p + 4, 0x1000);
  store_le<u32>(p + 8, 0xc0100000);
  store_le<u32>(p + 12, 0x100000);
  store_le<u32>(p + 16, 0x800);
  store_le<u32>(p + 20, 0x3000);
  store_le<u32>(&image[0x1000], 0x1badb002);
  store_le<u32>(&image[0x1004], 3);
  store_le<u32>(&image[0x1008], 0u - 0x1badb002 - 3);
  return image;
}

TEST_F(KernelTest, AMultibootElfIsLoadedWhereItsProgramHeadersSay) {
  config.kernel = file("elf", multiboot_elf());
  config.append = "a b";
  config.initrd = {file("module", std::vector<u8>(100, 9)) + " arg"};
  const auto items = load();
  EXPECT_EQ(number(items.at(0x07)), 0x100000u);
  EXPECT_EQ(number(items.at(0x10)), 0x100010u) << "a virtual entry becomes a physical one";
  const std::vector<u8>& kernel = items.at(0x11);
  EXPECT_EQ(kernel.size(), 0x3000u + 100);
  EXPECT_EQ(load_le<u32>(kernel.data()), 0x1badb002u);
  EXPECT_EQ(kernel[0x3000], 9);
  const std::vector<u8>& info = items.at(0x12);
  const u64 base = number(items.at(0x0a));
  EXPECT_EQ(load_le<u32>(&info[0]) & 0xc, 0xcu);
  EXPECT_EQ(load_le<u32>(&info[20]), 1u);
  const std::size_t module = load_le<u32>(&info[24]) - base;
  EXPECT_EQ(load_le<u32>(&info[module]), 0x103000u);
  EXPECT_EQ(load_le<u32>(&info[module + 4]), 0x103064u);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(&info[load_le<u32>(&info[16]) - base])), config.kernel + " a b");
  EXPECT_EQ(items.count(0x17), 0u) << "no setup block: this is how the ROM tells multiboot";
}

TEST_F(KernelTest, ADamagedElfIsRefusedWhateverByteIsWrong) {
  const std::vector<u8> good = multiboot_elf();
  for (std::size_t at = 0x18; at < 84; ++at) {
    for (const u8 value : {u8{0}, u8{0x7f}, u8{0xff}}) {
      std::vector<u8> bad = good;
      bad[at] = value;
      config.kernel = file("bad", bad);
      static_cast<void>(error());  // must neither crash nor hang; the sanitizers watch
    }
  }
  std::vector<u8> wide = good;
  wide[4] = 2;
  config.kernel = file("wide", wide);
  EXPECT_NE(error().find("objcopy"), std::string::npos);
}

TEST(OptionRom, GetsChecksumsThatAddUpToZero) {
  std::vector<u8> rom(1024, 3);
  rom[0x1a] = 0x40;
  rom[0x1b] = 0;
  std::memcpy(&rom[0x40], "$PnP\1\2", 6);
  fix_option_rom(rom);
  EXPECT_EQ(static_cast<u8>(std::accumulate(rom.begin(), rom.end(), 0)), 0);
  EXPECT_EQ(static_cast<u8>(std::accumulate(rom.begin() + 0x40, rom.begin() + 0x60, 0)), 0);
}

}  // namespace
}  // namespace orrery::machine
