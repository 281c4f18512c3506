// CPU models and their CPUID leaves.
#include <gtest/gtest.h>

#include "cpu/model.h"

namespace orrery::test {
namespace {

using namespace orrery::cpu;

Model parse(std::string_view text) {
  std::string error;
  auto m = parse_model(text, error);
  EXPECT_TRUE(m.has_value()) << error;
  return m.value_or(Model{});
}

std::string error_of(std::string_view text) {
  std::string error;
  EXPECT_FALSE(parse_model(text, error).has_value());
  return error;
}

TEST(Model, DefaultModelExists) { EXPECT_FALSE(parse(default_model_name()).name.empty()); }

TEST(Model, FeaturesCanBeAddedAndRemoved) {
  EXPECT_FALSE(parse("pentium3,-sep").has(Feature::Sep));
  EXPECT_FALSE(parse("pentium3,sep=off").has(Feature::Sep));
  EXPECT_TRUE(parse("pentium,+cmov").has(Feature::Cmov));
  EXPECT_TRUE(parse("pentium,+CMOV").has(Feature::Cmov));
}

TEST(Model, AliasesOfOtherEmulatorsWork) {
  for (const char* name : {"host", "qemu32", "qemu64", "kvm32", "core2duo", "i486", "Pentium-MMX"})
    EXPECT_FALSE(parse(name).name.empty());
}

TEST(Model, UnknownNamesAreAnsweredWithNearOnes) {
  EXPECT_NE(error_of("pentum").find("'pentium'"), std::string::npos);
  EXPECT_NE(error_of("pentium3,+ssse").find("'sse'"), std::string::npos);
  EXPECT_NE(error_of("zzzzzzzz").find("-cpu help"), std::string::npos);
  EXPECT_NE(error_of("pentium,sep=maybe").find("on or off"), std::string::npos);
  EXPECT_EQ(error_of("pentum").find('\n'), std::string::npos);
}

TEST(Model, SignaturesAreThoseOfTheRealProcessors) {
  struct {
    const char* name;
    u32 signature;
  } cases[] = {
      {"486", 0x480},      {"pentium", 0x52c},  {"pentium-mmx", 0x543}, {"pentiumpro", 0x619},
      {"pentium2", 0x652}, {"pentium3", 0x686}, {"pentium4", 0xf29},    {"core2", 0x6fb},
  };
  for (const auto& c : cases) EXPECT_EQ(parse(c.name).cpuid(1, 0).eax, c.signature) << c.name;
}

TEST(Model, LeavesBeyondTheHighestRepeatTheHighestBasicOne) {
  const Model m = parse("pentium");
  EXPECT_EQ(m.cpuid(5, 0).eax, m.cpuid(1, 0).eax);
  EXPECT_EQ(m.cpuid(0x80000000, 0).eax, m.cpuid(1, 0).eax) << "no extended leaves";
}

TEST(Model, BrandStringIsSpreadOverThreeLeaves) {
  const Model m = parse("core2");
  std::string text;
  for (u32 leaf = 0x80000002; leaf <= 0x80000004; ++leaf) {
    const CpuidResult r = m.cpuid(leaf, 0);
    for (const u32 w : {r.eax, r.ebx, r.ecx, r.edx}) {
      for (unsigned n = 0; n < 4; ++n) text += static_cast<char>(w >> (8 * n));
    }
  }
  EXPECT_STREQ(text.c_str(), m.brand.c_str());
  EXPECT_EQ(m.cpuid(0x80000008, 0).eax, 0x3028u);
}

TEST(Model, FeatureBitsStandWhereTheSdmPutsThem) {
  const CpuidResult r = parse("pentiumpro").cpuid(1, 0);
  EXPECT_EQ(r.edx & (1u << 15 | 1u << 13 | 1u << 6 | 1u << 4), 1u << 15 | 1u << 13 | 1u << 6 | 1u << 4);
  EXPECT_EQ(parse("pentium").cpuid(1, 0).edx & (1u << 15), 0u);
}

TEST(Model, VectorExtensionsComeWithTheModelsThatHadThem) {
  using enum Feature;
  const std::pair<Feature, const char*> first[] = {{Mmx, "pentium2"},    {Fxsr, "pentium2"}, {Sse, "pentium3"},
                                                   {Sse2, "pentium4"},   {Sse3, "qemu32"},   {Ssse3, "core2"},
                                                   {Sse42, "x86-64-v2"}, {Aes, "max"}};
  const char* const order[] = {"486",    "pentium", "pentium2",  "pentium3", "pentium4",
                               "qemu32", "core2",   "x86-64-v2", "max"};
  for (const auto& [feature, since] : first) {
    bool expected = false;
    for (const char* name : order) {
      expected = expected || std::string_view(name) == since;
      EXPECT_EQ(parse(name).has(feature), expected) << name << ", needs " << since;
    }
  }
  EXPECT_TRUE(parse("pentium-mmx").has(Mmx));
  EXPECT_FALSE(parse("pentiumpro").has(Mmx));
}

TEST(Model, VectorBitsStandWhereTheSdmPutsThem) {
  const CpuidResult r = parse("max").cpuid(1, 0);
  EXPECT_EQ(r.edx >> 23 & 15, 15u) << "MMX, FXSR, SSE, SSE2";
  for (const unsigned bit : {0u, 1u, 9u, 19u, 20u, 22u, 23u, 25u}) {
    EXPECT_NE(r.ecx >> bit & 1, 0u) << bit << ": SSE3, PCLMULQDQ, SSSE3, SSE4.1, SSE4.2, MOVBE, POPCNT, AES";
  }
  EXPECT_NE(parse("max").cpuid(7, 0).ebx >> 29 & 1, 0u) << "SHA";
  EXPECT_EQ(parse("486").cpuid(1, 0).edx, 1u) << "an FPU and nothing else";
  EXPECT_EQ(parse("pentium3").cpuid(1, 0).ecx, 0u);
}

TEST(Model, NamesAreUnique) {
  for (const Model& a : models()) {
    unsigned same = 0;
    for (const Model& b : models()) same += a.name == b.name ? 1 : 0;
    EXPECT_EQ(same, 1u) << a.name;
  }
}

}  // namespace
}  // namespace orrery::test
