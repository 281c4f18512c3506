// "Did you mean": edit distance and what counts as near.
#include "frontend/near.h"

#include <gtest/gtest.h>

namespace orrery::frontend {
namespace {

TEST(Near, CountsInsertionsDeletionsChangesAndSwaps) {
  EXPECT_EQ(edit_distance("", ""), 0u);
  EXPECT_EQ(edit_distance("cdrom", "cdrom"), 0u);
  EXPECT_EQ(edit_distance("cdorm", "cdrom"), 1u);
  EXPECT_EQ(edit_distance("cdrm", "cdrom"), 1u);
  EXPECT_EQ(edit_distance("CDROM", "cdrom"), 0u);
  EXPECT_EQ(edit_distance("abc", ""), 3u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
}

TEST(Near, GivesTheNearestWordsOrNone) {
  const std::string_view words[] = {"serial", "monitor", "snapshot"};
  EXPECT_TRUE(near_words("xyzzy", words).empty());
  ASSERT_EQ(near_words("snapshto", words).size(), 1u);
  EXPECT_EQ(near_words("snapshto", words)[0], "snapshot");
  EXPECT_EQ(suggestion("serail", words), ": did you mean 'serial'?");
  EXPECT_EQ(suggestion("xyzzy", words), ": there are serial, monitor and snapshot");
}

}  // namespace
}  // namespace orrery::frontend
