#include "hw/vga_edid.h"

#include <algorithm>
#include <string_view>

namespace orrery::hw {
namespace {

/// A display descriptor that holds text (section 3.10.3): `tag` FC is the product's name.
void put_text(u8* at, u8 tag, std::string_view text) {
  at[3] = tag;
  std::fill_n(at + 5, 13, u8{' '});
  std::copy(text.begin(), text.end(), at + 5);
  at[5 + text.size()] = '\n';
}

/// A standard timing (section 3.9): width, aspect ratio code (0 16:10, 1 4:3, 2 5:4, 3 16:9), 60 Hz.
void put_standard(u8* at, unsigned width, unsigned aspect) {
  at[0] = static_cast<u8>(width / 8 - 31);
  at[1] = static_cast<u8>(aspect << 6);
}

}  // namespace

std::array<u8, 128> vga_edid() {
  std::array<u8, 128> e{};
  std::fill_n(&e[1], 6, u8{0xff});  // header
  // 08: manufacturer "ORY" in five-bit letters, product 1, serial number 0, made in week 0 of 2024.
  constexpr unsigned kMaker = 15 << 10 | 18 << 5 | 25;
  e[8] = kMaker >> 8;
  e[9] = kMaker & 0xff;
  e[10] = 1;
  e[17] = 2024 - 1990;
  e[18] = 1, e[19] = 4;
  e[20] = 0xa0;            // digital, 8 bits a primary
  e[21] = 34, e[22] = 25;  // centimetres
  e[23] = 120;             // gamma 2.2
  e[24] = 0x06;            // sRGB; the first detailed timing is the preferred one
  // 19: chromaticity of sRGB.
  constexpr std::array<u8, 10> kSrgb{0xee, 0x91, 0xa3, 0x54, 0x4c, 0x99, 0x26, 0x0f, 0x50, 0x54};
  std::copy(kSrgb.begin(), kSrgb.end(), &e[25]);
  e[35] = 0x21, e[36] = 0x08;  // established: 640x480, 800x600, 1024x768, all at 60 Hz
  put_standard(&e[38], 1920, 0);
  put_standard(&e[40], 1680, 0);
  put_standard(&e[42], 1600, 1);
  put_standard(&e[44], 1440, 0);
  put_standard(&e[46], 1280, 2);
  put_standard(&e[48], 1152, 1);
  put_standard(&e[50], 1024, 1);
  put_standard(&e[52], 800, 1);
  // 36: 1024x768 at 60 Hz, VESA's timing: 65 MHz, 1344 by 806 in all, both syncs negative.
  constexpr std::array<u8, 18> kPreferred{0x64, 0x19, 0x00, 0x40, 0x41, 0x00, 0x26, 0x30, 0x18,
                                          0x88, 0x36, 0x00, 0x54, 0xfa, 0x10, 0x00, 0x00, 0x18};
  std::copy(kPreferred.begin(), kPreferred.end(), &e[54]);
  put_text(&e[72], 0xfc, "Orrery");
  // Range limits: 50-75 Hz vertical, 30-90 kHz horizontal, 200 MHz; no timing formula.
  constexpr std::array<u8, 18> kLimits{0, 0, 0, 0xfd, 0, 50, 75, 30, 90, 20, 1, '\n', ' ', ' ', ' ', ' ', ' ', ' '};
  std::copy(kLimits.begin(), kLimits.end(), &e[90]);
  e[111] = 0x10;  // the last descriptor is a dummy
  unsigned sum = 0;
  for (const u8 b : e) sum += b;
  e[127] = static_cast<u8>(256 - sum % 256);
  return e;
}

}  // namespace orrery::hw
