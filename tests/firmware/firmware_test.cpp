#include "firmware/firmware.h"

#include <gtest/gtest.h>

#include <cstring>
#include <numeric>
#include <string>

namespace orrery::firmware {
namespace {

using Span = std::span<const std::uint8_t>;

unsigned sum(Span bytes) { return std::accumulate(bytes.begin(), bytes.end(), 0u) & 0xff; }
unsigned word(Span bytes, std::size_t at) { return bytes[at] | bytes[at + 1] << 8; }

TEST(Firmware, SeabiosBeginsWithAFarJumpAtTheResetVector) {
  ASSERT_EQ(seabios().size(), 256u * 1024);
  EXPECT_EQ(seabios()[seabios().size() - 16], 0xea);
  EXPECT_EQ(word(seabios(), seabios().size() - 13), 0xf000u);
}

TEST(Firmware, TheVideoBiosesAreOptionRoms) {
  for (Span rom : {vga_bios_pci(), vga_bios_isa()}) {
    EXPECT_EQ(word(rom, 0), 0xaa55u);
    EXPECT_LE(rom[2] * 512u, rom.size());
    EXPECT_EQ(sum(rom.first(rom[2] * 512u)), 0u);
  }
  const std::size_t pcir = word(vga_bios_pci(), 0x18);
  EXPECT_EQ(std::memcmp(&vga_bios_pci()[pcir], "PCIR", 4), 0);
  EXPECT_EQ(word(vga_bios_pci(), pcir + 4), 0x1234u);
  EXPECT_EQ(word(vga_bios_pci(), pcir + 6), 0x1111u);
}

TEST(Firmware, TheKernelRomIsABootDeviceWithRightChecksums) {
  const Span rom = kernel_rom();
  EXPECT_EQ(word(rom, 0), 0xaa55u);
  EXPECT_EQ(rom[2] * 512u, rom.size());
  EXPECT_EQ(sum(rom), 0u);
  const std::size_t pnp = word(rom, 0x1a);
  ASSERT_LT(pnp + 32, rom.size());
  EXPECT_EQ(std::memcmp(&rom[pnp], "$PnP", 4), 0);
  EXPECT_EQ(sum(rom.subspan(pnp, 32)), 0u);
  EXPECT_STREQ(reinterpret_cast<const char*>(&rom[word(rom, pnp + 16)]), "Kernel");
  EXPECT_NE(word(rom, pnp + 26), 0u) << "no bootstrap entry vector";
}

TEST(Firmware, TheDefinitionBlockIsWhole) {
  EXPECT_EQ(std::memcmp(dsdt().data(), "DSDT", 4), 0);
  EXPECT_EQ(word(dsdt(), 4), dsdt().size());
  EXPECT_EQ(sum(dsdt()), 0u);
}

}  // namespace
}  // namespace orrery::firmware
