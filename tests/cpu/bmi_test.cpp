// BMI1, BMI2, ABM and ADX by the SDM's pseudo-code (vol. 2).
#include <gtest/gtest.h>

#include <string_view>

#include "tests/support/cpu_rig.h"

namespace orrery::test {
namespace {

struct BmiRig : CpuRig {
  BmiRig() { protected_mode(); }
  /// Executes one instruction with ESI, EDX, ECX given; the result is EAX.
  u32 eax(std::string_view hex, u32 esi, u32 edx = 0, u32 ecx = 0, u32 set_flags = 0) {
    s.gpr[kRax] = 0xdeadbeef;
    s.gpr[kRsi] = esi;
    s.gpr[kRdx] = edx;
    s.gpr[kRcx] = ecx;
    cpu.set_rflags(2 | set_flags);
    run(hex);
    EXPECT_EQ(entered(), -1);
    return static_cast<u32>(s.gpr[kRax]);
  }
  u32 flags_of(u32 mask) { return static_cast<u32>(cpu.rflags()) & mask; }
};

constexpr u32 kDefined = kCf | kZf | kOf;

TEST(Bmi, AndnInvertsItsFirstSource) {
  BmiRig r;
  EXPECT_EQ(r.eax("c4e2 48f2c2", 0xf0f0f0f0, 0xffff0000, 0, kArithFlags), 0x0f0f0000u);  // andn eax, esi, edx
  EXPECT_EQ(r.flags_of(kDefined | kSf), 0u);
  EXPECT_EQ(r.eax("c4e2 48f2c2", 0xffffffff, 0xffff0000), 0u);
  EXPECT_EQ(r.flags_of(kDefined | kSf), kZf);
}

TEST(Bmi, BextrTakesStartAndLengthThatMayReachBeyondTheOperand) {
  BmiRig r;
  EXPECT_EQ(r.eax("c4e2 68f7c6", 0x12345678, 0x0804), 0x67u);  // bextr eax, esi, edx
  EXPECT_EQ(r.eax("c4e2 68f7c6", 0x12345678, 0xff04), 0x1234567u);
  EXPECT_EQ(r.eax("c4e2 68f7c6", 0x12345678, 0x0820), 0u);
  EXPECT_EQ(r.flags_of(kDefined), kZf);
  EXPECT_EQ(r.eax("c4e2 68f7c6", 0x12345678, 0x0004), 0u);
  EXPECT_EQ(r.eax("c4e2 68f7c6", 0x12345678, 0x2000), 0x12345678u);
}

TEST(Bmi, LowestSetBitIsIsolatedMaskedAndReset) {
  BmiRig r;
  EXPECT_EQ(r.eax("c4e2 78f3de", 0x50), 0x10u);  // blsi eax, esi
  EXPECT_EQ(r.flags_of(kDefined), kCf);
  EXPECT_EQ(r.eax("c4e2 78f3de", 0), 0u);
  EXPECT_EQ(r.flags_of(kDefined), kZf);
  EXPECT_EQ(r.eax("c4e2 78f3d6", 0x50), 0x1fu);  // blsmsk
  EXPECT_EQ(r.flags_of(kDefined), 0u);
  EXPECT_EQ(r.eax("c4e2 78f3d6", 0), 0xffffffffu);
  EXPECT_EQ(r.flags_of(kDefined | kSf), kCf | kSf);
  EXPECT_EQ(r.eax("c4e2 78f3ce", 0x50), 0x40u);  // blsr
  EXPECT_EQ(r.flags_of(kDefined), 0u);
  EXPECT_EQ(r.eax("c4e2 78f3ce", 0), 0u);
  EXPECT_EQ(r.flags_of(kDefined), kZf | kCf);
}

TEST(Bmi, BzhiLooksAtEightBitsOfItsIndex) {
  BmiRig r;
  EXPECT_EQ(r.eax("c4e2 68f5c6", 0x12345678, 0x108), 0x78u);  // bzhi eax, esi, edx
  EXPECT_EQ(r.flags_of(kDefined), 0u);
  EXPECT_EQ(r.eax("c4e2 68f5c6", 0x12345678, 32), 0x12345678u);
  EXPECT_EQ(r.flags_of(kDefined), kCf);
  EXPECT_EQ(r.eax("c4e2 68f5c6", 0x12345678, 31), 0x12345678u);
  EXPECT_EQ(r.flags_of(kDefined), 0u);
}

TEST(Bmi, BitsAreDepositedAndExtractedByAMask) {
  BmiRig r;
  EXPECT_EQ(r.eax("c4e2 4bf5c2", 0x5, 0x80000110, 0, kArithFlags), 0x80000010u);  // pdep eax, esi, edx
  EXPECT_EQ(r.flags_of(kArithFlags), kArithFlags);
  EXPECT_EQ(r.eax("c4e2 4af5c2", 0x80000010, 0x80000110), 0x5u);  // pext
  EXPECT_EQ(r.eax("c4e2 4bf5c2", 0xdeadbeef, 0xffffffff), 0xdeadbeefu);
  EXPECT_EQ(r.eax("c4e2 4af5c2", 0xdeadbeef, 0xffffffff), 0xdeadbeefu);
  EXPECT_EQ(r.eax("c4e2 4af5c2", 0xdeadbeef, 0), 0u);
}

TEST(Bmi, MulxWritesTheUpperHalfLast) {
  BmiRig r;
  EXPECT_EQ(r.eax("c4e2 73f6c6", 0xffffffff, 0xffffffff, 0, kArithFlags), 0xfffffffeu);  // mulx eax, ecx, esi
  EXPECT_EQ(r.s.gpr[kRcx], 1u);
  EXPECT_EQ(r.flags_of(kArithFlags), kArithFlags);
  EXPECT_EQ(r.eax("c4e2 7bf6c6", 0xffffffff, 0xffffffff), 0xfffffffeu);  // mulx eax, eax, esi
}

TEST(Bmi, ShiftsWithoutFlagsMaskTheirCounts) {
  BmiRig r;
  EXPECT_EQ(r.eax("c4e2 69f7c6", 0x80000001, 33, 0, kArithFlags), 2u);  // shlx eax, esi, edx
  EXPECT_EQ(r.eax("c4e2 6bf7c6", 0x80000001, 33), 0x40000000u);         // shrx
  EXPECT_EQ(r.eax("c4e2 6af7c6", 0x80000001, 33), 0xc0000000u);         // sarx
  EXPECT_EQ(r.eax("c4e3 7bf0c6 24", 0x80000001), 0x18000000u);          // rorx eax, esi, 36
  EXPECT_EQ(r.eax("c4e3 7bf0c6 20", 0x80000001), 0x80000001u);
}

TEST(Bmi, CountsOfZerosGiveTheWidthForZero) {
  BmiRig r;
  EXPECT_EQ(r.eax("f30fbcc6", 0), 32u);  // tzcnt eax, esi
  EXPECT_EQ(r.flags_of(kCf | kZf), kCf);
  EXPECT_EQ(r.eax("f30fbcc6", 1), 0u);
  EXPECT_EQ(r.flags_of(kCf | kZf), kZf);
  EXPECT_EQ(r.eax("f30fbdc6", 0), 32u);  // lzcnt
  EXPECT_EQ(r.eax("f30fbdc6", 0x80000000), 0u);
  EXPECT_EQ(r.eax("66f30fbdc6", 0x10001), 0xdead000fu);
}

TEST(Bmi, AdcxAndAdoxKeepTheirCarriesApart) {
  BmiRig r;
  r.s.gpr[kRax] = 0;
  EXPECT_EQ(r.eax("660f38f6c6", 0x21524110, 0, 0, kCf | kSf | kPf), 0u);  // adcx eax, esi: deadbeef + 21524110 + 1
  EXPECT_EQ(r.flags_of(kArithFlags), kCf | kSf | kPf);
  EXPECT_EQ(r.eax("f30f38f6c6", 0x21524110, 0, 0, kCf), 0xffffffffu);  // adox
  EXPECT_EQ(r.flags_of(kArithFlags), kCf);
  EXPECT_EQ(r.eax("f30f38f6c6", 0x21524111, 0, 0, kOf | kZf), 1u);
  EXPECT_EQ(r.flags_of(kArithFlags), kOf | kZf);
}

TEST(Bmi, VexIsUndefinedInRealAndVirtual8086Mode) {
  CpuRig r;
  r.real_mode();
  r.w16(6 * 4, 0);
  r.w16(6 * 4 + 2, 0x2000);
  r.run("c4e2 48f2c2");
  EXPECT_EQ(r.s.seg[kCs].selector, 0x2000);
  r.v86_mode();
  r.run("c4e2 48f2c2");
  EXPECT_TRAPPED(r, kUd);
}

}  // namespace
}  // namespace orrery::test
