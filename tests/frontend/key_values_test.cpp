// QEMU's key=value lists, sizes and durations.
#include "frontend/key_values.h"

#include <gtest/gtest.h>

#include "frontend/usage_error.h"

namespace orrery::frontend {
namespace {

TEST(KeyValues, SplitsAtCommasAndKeepsDoubledOnes) {
  KeyValues keys("-x", "first,a=1,,2,flag,nowait,b=0x10", "name");
  EXPECT_EQ(keys.take("name"), "first");
  EXPECT_EQ(keys.take("a"), "1,2");
  EXPECT_EQ(keys.take_flag("flag"), true);
  EXPECT_EQ(keys.take_flag("wait"), false);
  EXPECT_EQ(keys.take_number("b", 0, 100), 16u);
  EXPECT_EQ(keys.take("c"), std::nullopt);
  keys.finish();
}

TEST(KeyValues, RefusesUnknownKeysWithTheNearest) {
  KeyValues keys("-drive", "fiel=x");
  keys.take("file");
  keys.take("index");
  try {
    keys.finish();
    FAIL() << "no error";
  } catch (const UsageError& error) {
    EXPECT_STREQ(error.what(), "-drive: unknown key 'fiel': did you mean 'file'?");
  }
}

TEST(KeyValues, RefusesFlagsAndNumbersThatAreNone) {
  EXPECT_THROW(KeyValues("-x", "a=maybe").take_flag("a"), UsageError);
  EXPECT_THROW(KeyValues("-x", "a=5").take_number("a", 6, 7), UsageError);
  EXPECT_THROW(KeyValues("-x", "a=").take_number("a", 0, 7), UsageError);
}

TEST(KeyValues, ReadsSizes) {
  constexpr u64 kMiB = 1024 * 1024;
  EXPECT_EQ(parse_size("64", kMiB), 64 * kMiB);
  EXPECT_EQ(parse_size("64M", 1), 64 * kMiB);
  EXPECT_EQ(parse_size("1.5G", 1), 1536 * kMiB);
  EXPECT_EQ(parse_size("640KiB", 1), 640u * 1024);
  EXPECT_EQ(parse_size("7b", kMiB), 7u);
  for (const char* wrong : {"", "M", "64X", "-1", "64MM", "1e400", "99999999999T", "nan", "inf"}) {
    EXPECT_EQ(parse_size(wrong, 1), std::nullopt) << wrong;
  }
}

TEST(KeyValues, ReadsDurationsAndNumbers) {
  EXPECT_EQ(parse_duration("10"), 10'000'000'000u);
  EXPECT_EQ(parse_duration("500ms"), 500'000'000u);
  EXPECT_EQ(parse_duration("0.5"), 500'000'000u);
  EXPECT_EQ(parse_duration("2m"), 120'000'000'000u);
  EXPECT_EQ(parse_duration("10 parsecs"), std::nullopt);
  EXPECT_EQ(parse_number("0x1F"), 31u);
  EXPECT_EQ(parse_number("010"), 8u);
  EXPECT_EQ(parse_number("12a"), std::nullopt);
}

}  // namespace
}  // namespace orrery::frontend
