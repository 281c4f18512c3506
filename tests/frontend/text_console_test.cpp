#include "frontend/text_console.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "firmware/firmware.h"

namespace orrery::frontend {
namespace {

TEST(TextConsole, UnderstandsWhatAPromptPrints) {
  TextConsole console;
  console.write("(orrery) inof\b \b\b \bfo\r\nbye\r\033[K(orrery) ");
  EXPECT_EQ(console.text(), "(orrery) info\n(orrery) \n");
}

TEST(TextConsole, LongLinesAreBrokenAndOldOnesScrollAway) {
  TextConsole console;
  console.write(std::string(100, 'x') + "\r\n");
  EXPECT_EQ(console.text(), std::string(80, 'x') + "\n" + std::string(20, 'x') + "\n\n");
  for (int n = 0; n < 5000; ++n) console.write(std::to_string(n) + "\r\n");
  EXPECT_TRUE(console.text().starts_with("4976\n"));
  console.scroll(24);
  EXPECT_TRUE(console.text().starts_with("4952\n"));
  console.scroll(-1'000'000);
  EXPECT_TRUE(console.text().starts_with("4976\n"));
  console.scroll(1'000'000);
  EXPECT_TRUE(console.text().starts_with("3001\n")) << console.text().substr(0, 20);
  console.write("x");
  EXPECT_TRUE(console.text().ends_with("4999\nx\n")) << "writing goes back to the newest";
}

TEST(TextConsole, DrawsWithTheVgaBiosesCharacterSet) {
  const std::span<const u8> font = vga_font(firmware::vga_bios_pci());
  ASSERT_EQ(font.size(), 256u * 16);
  EXPECT_TRUE(std::ranges::all_of(font.subspan(' ' * 16, 16), [](u8 row) { return row == 0; }));
  EXPECT_TRUE(std::ranges::all_of(font.subspan(0xdb * 16, 16), [](u8 row) { return row == 0xff; })) << "the full block";
  EXPECT_TRUE(vga_font(std::vector<u8>(1000)).empty());

  TextConsole console;
  const hw::Frame empty = console.frame();
  console.write("A");
  const hw::Frame frame = console.frame();
  EXPECT_EQ(frame.width, 720u);
  EXPECT_EQ(frame.height, 400u);
  EXPECT_EQ(frame.pixels.size(), 720u * 400);
  const u32 background = empty.pixel(100, 100);
  for (unsigned x = 0; x < 8; ++x) {
    EXPECT_EQ(frame.pixel(x, 7) != background, (font['A' * 16 + 7] << x & 0x80) != 0) << x;
  }
}

}  // namespace
}  // namespace orrery::frontend
