#include "hw/core/archive.h"

#include <gtest/gtest.h>

namespace orrery::core {
namespace {

struct Inner {
  u16 a = 1;
  bool b = false;
  void archive(Archive& ar) {
    ar("a", a);
    ar("b", b);
  }
};

struct Outer {
  std::array<Inner, 2> inner;
  std::vector<u32> list{1, 2, 3};
  std::string text = "x";
  std::optional<u8> maybe;
  u32 later = 7;
  bool with_later = true;
  void archive(Archive& ar) {
    ar.section("outer", 2, [&](u32) {
      ar("inner", inner);
      ar("list", list);
      ar("text", text);
      ar("maybe", maybe);
      if (with_later) ar("later", later);
    });
  }
};

TEST(Archive, RestoresEveryKindOfField) {
  Outer a;
  a.inner[1].a = 0xbeef;
  a.inner[0].b = true;
  a.list = {9};
  a.text = "hello";
  a.maybe = 5;
  Outer b;
  const auto bytes = save_to_bytes(a);
  EXPECT_FALSE(differences_from_bytes(b, bytes).empty());
  load_from_bytes(b, bytes);
  EXPECT_TRUE(differences_from_bytes(b, bytes).empty());
  EXPECT_EQ(b.inner[1].a, 0xbeef);
  EXPECT_TRUE(b.inner[0].b);
  EXPECT_EQ(b.list, std::vector<u32>{9});
  EXPECT_EQ(b.text, "hello");
  EXPECT_EQ(b.maybe, 5);
}

TEST(Archive, NamesTheFieldThatDiffers) {
  Outer a;
  const auto bytes = save_to_bytes(a);
  a.inner[1].a = 2;
  EXPECT_EQ(differences_from_bytes(a, bytes), std::vector<std::string>{"outer/inner/1/a"});
}

TEST(Archive, AFieldAddedLaterKeepsItsValueWhenAnOlderArchiveIsLoaded) {
  Outer old;
  old.with_later = false;
  Outer fresh;
  fresh.later = 99;
  load_from_bytes(fresh, save_to_bytes(old));
  EXPECT_EQ(fresh.later, 99u);
}

TEST(Archive, EveryTruncationAndBitFlipIsRefusedOrLoadedButNeverCrashes) {
  Outer a;
  a.maybe = 1;
  const auto bytes = save_to_bytes(a);
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    Outer b;
    EXPECT_THROW(load_from_bytes(b, std::span(bytes).first(n)), ArchiveError) << n;
  }
  for (std::size_t i = 0; i < bytes.size() * 8; ++i) {
    auto damaged = bytes;
    damaged[i / 8] ^= static_cast<u8>(1 << (i % 8));
    Outer b;
    try {
      load_from_bytes(b, damaged);
    } catch (const ArchiveError&) {
    }
  }
}

}  // namespace
}  // namespace orrery::core
