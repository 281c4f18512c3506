// Keys by name and by character.
#include "frontend/keys.h"

#include <gtest/gtest.h>

#include "frontend/usage_error.h"

namespace orrery::frontend {
namespace {

TEST(Keys, AreFoundByNameInAnyCase) {
  EXPECT_EQ(key_from_name("a"), 4);
  EXPECT_EQ(key_from_name("Z"), 29);
  EXPECT_EQ(key_from_name("1"), 30);
  EXPECT_EQ(key_from_name("0"), 39);
  EXPECT_EQ(key_from_name("F1"), 58);
  EXPECT_EQ(key_from_name("f12"), 69);
  EXPECT_EQ(key_from_name("ret"), key_from_name("enter"));
  EXPECT_EQ(key_from_name("del"), 76);
  EXPECT_EQ(key_from_name("kp_5"), 93);
  EXPECT_EQ(key_from_name("alt_r"), 230);
  EXPECT_EQ(key_from_name("hyper"), std::nullopt);
  EXPECT_EQ(key_from_name(""), std::nullopt);
}

TEST(Keys, CombinationsArePressedInOrder) {
  std::string unknown;
  EXPECT_EQ(key_combination("ctrl-alt-del", unknown), (std::vector<machine::KeyUsage>{224, 226, 76}));
  EXPECT_EQ(key_combination("shift+a", unknown), (std::vector<machine::KeyUsage>{225, 4}));
  EXPECT_EQ(key_combination("ctrl--", unknown), (std::vector<machine::KeyUsage>{224, 45}));
  EXPECT_EQ(key_combination("ctrl-foo", unknown), std::nullopt);
  EXPECT_EQ(unknown, "foo");
}

TEST(Keys, TextIsTypedOnAUsKeyboard) {
  const std::vector<machine::KeyInput> keys = typed_keys("A:\n");
  ASSERT_EQ(keys.size(), 10u);
  EXPECT_EQ(keys[0], (machine::KeyInput{225, true, true}));
  EXPECT_EQ(keys[1], (machine::KeyInput{4, true, true}));
  EXPECT_EQ(keys[2], (machine::KeyInput{4, false, true}));
  EXPECT_EQ(keys[3], (machine::KeyInput{225, false, true}));
  EXPECT_EQ(keys[5].key, 51);
  EXPECT_EQ(keys[8], (machine::KeyInput{40, true, true}));
}

TEST(Keys, PastedTextIsTypedAsItIs) {
  std::size_t left_out = 0;
  EXPECT_EQ(pasted_keys("a{F1}\n", left_out), typed_keys("a{{F1}\n"));
  EXPECT_EQ(left_out, 0u);
  EXPECT_EQ(pasted_keys("x\r\ny\rz", left_out), typed_keys("x\ny\nz")) << "any kind of line end is one Enter";
  EXPECT_EQ(pasted_keys("g\xc3\xa4n\xe2\x82\xac\x1b!", left_out), typed_keys("gn!"));
  EXPECT_EQ(left_out, 3u) << "two letters of more than a byte, and an escape";
}

TEST(Keys, EveryPrintableCharacterHasAKey) {
  for (char c = 0x20; c < 0x7f; ++c) EXPECT_TRUE(key_for_character(c)) << c;
  EXPECT_FALSE(key_for_character('\x01'));
}

TEST(Keys, BracesNameKeysAndDoubledOnesAreBraces) {
  EXPECT_EQ(typed_keys("{F1}"), (std::vector<machine::KeyInput>{{58, true, true}, {58, false, true}}));
  EXPECT_EQ(typed_keys("{{")[1].key, 47);
  EXPECT_EQ(typed_keys("{ctrl-c}").size(), 4u);
  EXPECT_THROW(typed_keys("{nokey}"), UsageError);
  EXPECT_THROW(typed_keys("{F1"), UsageError);
  EXPECT_THROW(typed_keys("\xc3\xa4"), UsageError);
}

}  // namespace
}  // namespace orrery::frontend
