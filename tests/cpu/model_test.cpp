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
  for (const char* name : {"host", "qemu32", "qemu64", "kvm32", "core2duo", "i486", "Pentium-MMX"}) EXPECT_FALSE(parse(name).name.empty());
}

TEST(Model, UnknownNamesAreAnsweredWithNearOnes) {
  EXPECT_NE(error_of("pentum").find("'pentium'"), std::string::npos);
  EXPECT_NE(error_of("pentium3,+ssse").find("'sse'"), std::string::npos);
  EXPECT_NE(error_of("zzzzzzzz").find("-cpu help"), std::string::npos);
  EXPECT_NE(error_of("pentium,sep=maybe").find("on or off"), std::string::npos);
  EXPECT_EQ(error_of("pentum").find('\n'), std::string::npos);
}

TEST(Model, SignaturesAreThoseOfTheRealProcessors) {
  struct { const char* name; u32 signature; } cases[] = {
      {"486", 0x480}, {"pentium", 0x52c}, {"pentium-mmx", 0x543}, {"pentiumpro", 0x619}, {"pentium2", 0x652},
      {"pentium3", 0x686}, {"pentium4", 0xf29}, {"core2", 0x6fb},
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

TEST(Model, NamesAreUnique) {
  for (const Model& a : models()) {
    unsigned same = 0;
    for (const Model& b : models()) same += a.name == b.name ? 1 : 0;
    EXPECT_EQ(same, 1u) << a.name;
  }
}

}  // namespace
}  // namespace orrery::test
