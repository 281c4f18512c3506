#include <gtest/gtest.h>

#include <set>

#include "hw/display/surface.h"

namespace orrery::hw {
namespace {

TEST(TextScreen, ConvertsCodePage437ToUtf8) {
  EXPECT_EQ(cp437_to_utf8('A'), "A");
  EXPECT_EQ(cp437_to_utf8('~'), "~");
  EXPECT_EQ(cp437_to_utf8(0x00), " ");
  EXPECT_EQ(cp437_to_utf8(0x01), "☺");
  EXPECT_EQ(cp437_to_utf8(0x1f), "▼");
  EXPECT_EQ(cp437_to_utf8(0x7f), "⌂");
  EXPECT_EQ(cp437_to_utf8(0x80), "Ç");
  EXPECT_EQ(cp437_to_utf8(0xb3), "│");
  EXPECT_EQ(cp437_to_utf8(0xc4), "─");
  EXPECT_EQ(cp437_to_utf8(0xdb), "█");
  EXPECT_EQ(cp437_to_utf8(0xe1), "ß");
  EXPECT_EQ(cp437_to_utf8(0xfe), "■");
  EXPECT_EQ(cp437_to_utf8(0xff), " ");
}

TEST(TextScreen, GivesEveryCodeBut0And32And255ADistinctGlyph) {
  std::set<std::string_view> seen;
  for (unsigned code = 0; code < 256; ++code) seen.insert(cp437_to_utf8(static_cast<u8>(code)));
  EXPECT_EQ(seen.size(), 254u);
}

TEST(TextScreen, TrimsTheBlanksAtTheEndOfEachRow) {
  TextScreen screen{
      .columns = 4, .rows = 2, .characters = {'A', ' ', 'b', ' ', 0, 0x20, 0xff, 0}, .attributes = std::vector<u8>(8)};
  EXPECT_EQ(screen.to_utf8(), (std::vector<std::string>{"A b", ""}));
  EXPECT_EQ(screen.text(), "A b\n\n");
}

}  // namespace
}  // namespace orrery::hw
