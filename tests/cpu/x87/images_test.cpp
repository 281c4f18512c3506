// The x87 state in memory: four formats of environments (SDM vol. 1, figures 8-9 to 8-12), FNSAVE, FXSAVE, and what a
// wrap of a 16-bit address does to them (as silicon does it; cases found by a run against a processor).
#include <algorithm>

#include "tests/support/cpu_rig.h"

namespace orrery::test {
namespace {

constexpr u32 kImage = 0x50000;

struct X87Images : ::testing::Test, CpuRig {
  void pointers() {
    X87& f = s.x87;
    f = {};
    f.control = 0x37f;
    f.status = 0x3921;
    f.tag = 0x1fff;  // R7 1.0, R6 zero, the others empty
    f.r[7] = {.significand = u64{1} << 63, .sign_exponent = 0x3fff};
    f.opcode = 0x5d1;
    f.ip = 0x12345678;
    f.cs = 8;
    f.dp = 0x9abcdef0;
    f.ds = 0x10;
  }
  void protected_32() {
    protected_mode();
    pointers();
  }
  /// DS:BX points to the image.
  void real() {
    real_mode();
    s.seg[kDs].selector = kImage >> 4;
    s.seg[kDs].base = kImage;
    s.gpr[kRbx] = 0;
    cpu.state_changed();
    pointers();
  }
  std::vector<u32> dwords() {
    std::vector<u32> v;
    for (u32 n = 0; n < 7; ++n) v.push_back(r32(kImage + 4 * n));
    return v;
  }
  std::vector<u16> words() {
    std::vector<u16> v;
    for (u32 n = 0; n < 7; ++n) v.push_back(r16(kImage + 2 * n));
    return v;
  }
};

TEST_F(X87Images, Protected32) {
  protected_32();
  run("d935 00000500");  // FNSTENV
  EXPECT_EQ(dwords(),
            (std::vector<u32>{0xffff037f, 0xffff3921, 0xffff1fff, 0x12345678, 0x05d10008, 0x9abcdef0, 0xffff0010}));
  const X87 before = s.x87;
  s.x87 = {};
  run("d925 00000500");  // FLDENV
  EXPECT_EQ(s.x87.ip, before.ip);
  EXPECT_EQ(s.x87.cs, before.cs);
  EXPECT_EQ(s.x87.dp, before.dp);
  EXPECT_EQ(s.x87.ds, before.ds);
  EXPECT_EQ(s.x87.opcode, before.opcode);
  EXPECT_EQ(s.x87.status, before.status);
}

TEST_F(X87Images, Protected16) {
  protected_32();
  run("66 d935 00000500");
  EXPECT_EQ(words(), (std::vector<u16>{0x037f, 0x3921, 0x1fff, 0x5678, 0x0008, 0xdef0, 0x0010}));
}

TEST_F(X87Images, Real32) {
  real();
  run("66 d937");
  EXPECT_EQ(dwords(),
            (std::vector<u32>{0xffff037f, 0xffff3921, 0xffff1fff, 0xffff56f8, 0x012345d1, 0xffffdff0, 0x09abc000}));
  s.x87 = {};
  run("66 d927");
  EXPECT_EQ(s.x87.ip, 0x123456f8u) << "the linear address is all that is left";
  EXPECT_EQ(s.x87.dp, 0x9abcdff0u);
  EXPECT_EQ(s.x87.opcode, 0x5d1);
  EXPECT_EQ(s.x87.cs, 0);
}

TEST_F(X87Images, Real16) {
  real();
  run("d937");
  EXPECT_EQ(words(), (std::vector<u16>{0x037f, 0x3921, 0x1fff, 0x56f8, 0x45d1, 0xdff0, 0xc000}));
}

TEST_F(X87Images, FnsaveStoresTheStackFromTheTopAndInitialises) {
  protected_32();
  run("dd35 00000500");
  EXPECT_EQ(r64(kImage + 28), u64{1} << 63);
  EXPECT_EQ(r16(kImage + 36), 0x3fff);
  EXPECT_EQ(s.x87.control, 0x37f);
  EXPECT_EQ(s.x87.status, 0);
  EXPECT_EQ(s.x87.tag, 0xffff);
  EXPECT_EQ(s.x87.ip, 0u);
  run("dd25 00000500");  // FRSTOR
  EXPECT_EQ(s.x87.status, 0x3921);
  EXPECT_EQ(s.x87.r[7].sign_exponent, 0x3fff);
  EXPECT_EQ(s.x87.r[0].sign_exponent, 0);
}

TEST_F(X87Images, TagsAreMadeFromTheContents) {
  protected_32();
  s.x87.tag = 0;
  s.x87.r[0] = {.significand = u64{1} << 63, .sign_exponent = 0x7fff};  // infinity
  s.x87.r[1] = {.significand = 1, .sign_exponent = 0};                  // denormal
  s.x87.r[2] = {.significand = 1, .sign_exponent = 0x3fff};             // unnormal
  s.x87.r[3] = {.significand = ~u64{0}, .sign_exponent = 0xbfff};
  run("d935 00000500");
  EXPECT_EQ(r16(kImage + 8), 0x152a) << "R7 1.0, R6 to R4 zeros, R3 valid, R2 to R0 special";
  s.x87.tag = 0xffff;
  w16(kImage + 8, 0xaaab);  // R0 empty, the others special
  run("d925 00000500");
  EXPECT_EQ(s.x87.tag, 3) << "a loaded tag says empty or not";
}

TEST_F(X87Images, FxsaveHasAbridgedTagsAndPointers) {
  protected_32();
  cr4(kCr4Osfxsr);
  s.mxcsr = 0x1fa0;
  s.xmm[3].q[0] = 0x123456789abcdef0;
  run("0fae05 00000500");
  EXPECT_EQ(r16(kImage), 0x37f);
  EXPECT_EQ(r16(kImage + 2), 0x3921);
  EXPECT_EQ(r16(kImage + 4), 0xc0);
  EXPECT_EQ(r16(kImage + 6), 0x5d1);
  EXPECT_EQ(r64(kImage + 8), 0x0000000812345678u);
  EXPECT_EQ(r64(kImage + 16), 0x000000109abcdef0u);
  EXPECT_EQ(r32(kImage + 24), 0x1fa0u);
  EXPECT_EQ(r32(kImage + 28), 0xffffu);
  EXPECT_EQ(r64(kImage + 32), u64{1} << 63);
  EXPECT_EQ(r16(kImage + 40), 0x3fff);
  EXPECT_EQ(r64(kImage + 160 + 48), 0x123456789abcdef0u);
  s.x87 = {};
  s.xmm[3] = {};
  s.mxcsr = 0;
  run("0fae0d 00000500");
  EXPECT_EQ(s.x87.tag, 0x0fff);
  EXPECT_EQ(s.x87.status, 0x3921);
  EXPECT_EQ(s.mxcsr, 0x1fa0u);
  EXPECT_EQ(s.xmm[3].q[0], 0x123456789abcdef0u);
}

TEST_F(X87Images, FxrstorRefusesReservedMxcsrBitsAndOddAddresses) {
  protected_32();
  cr4(kCr4Osfxsr);
  run("0fae05 00000500");
  w32(kImage + 24, 0x10000);
  run("0fae0d 00000500");
  EXPECT_FAULT(*this, kGp, 0);
  protected_32();
  run("0fae05 08000500");
  EXPECT_FAULT(*this, kGp, 0);
}

// --- wraps -----------------------------------------------------------------------------------------------------------

TEST_F(X87Images, EachPartOfAnImageWrapsByItself) {
  real();
  s.gpr[kRbx] = 0xfffc;
  run("d937");
  EXPECT_EQ(r16(kImage + 0xfffc), 0x37f);
  EXPECT_EQ(r16(kImage + 0xfffe), 0x3921);
  EXPECT_EQ(r16(kImage), 0x1fff);
  EXPECT_EQ(r16(kImage + 0x10000), 0);
}

TEST_F(X87Images, FldenvThatFaultsAtAWrapHasLoadedTheStatus) {
  real();
  w16(0x34, 0x0200);  // #GP
  put(kImage + 0xfffb, "7f03 0030 00");
  s.gpr[kRbx] = 0xfffb;  // the tag word would lie on both sides
  run("d927");
  EXPECT_EQ(s.rip, 0x200u);
  EXPECT_EQ(s.x87.status, 0x3000);
  EXPECT_EQ(s.x87.tag, 0x1fff);
}

TEST_F(X87Images, FrstorThatFaultsAtAWrapHasLoadedStatusAndTags) {
  real();
  w16(0x34, 0x0200);
  put(kImage + 0xfff7, "7e03 0030 ffff 0000 00");
  s.gpr[kRbx] = 0xfff7;
  run("dd27");
  EXPECT_EQ(s.rip, 0x200u);
  EXPECT_EQ(s.x87.status, 0x3000);
  EXPECT_EQ(s.x87.tag, 0xffff);
  EXPECT_EQ(s.x87.control, 0x37f);
}

TEST_F(X87Images, FnsaveBeyondTheLimitStoresNothing) {
  real();
  w16(0x34, 0x0200);
  s.gpr[kRbx] = 0xfff8;
  run("67 dd33");  // [EBX]: no wrap
  EXPECT_EQ(s.rip, 0x200u);
  EXPECT_EQ(r16(kImage + 0xfff8), 0);
  EXPECT_EQ(s.x87.status, 0x3921);
}

// Found by tests/oracle: nothing is stored in the last bytes, but they are part of the operand.
TEST_F(X87Images, FxsaveAndFxrstorAccessAll512Bytes) {
  for (const char* code : {"0f ae 05 00000500", "0f ae 0d 00000500"}) {
    for (const u32 limit : {kImage + 511, kImage + 510, kImage + 463}) {
      protected_32();
      w32(kImage + 24, 0x1f80);
      s.seg[kDs].limit = limit;
      s.cr4 |= kCr4Osfxsr;
      cpu.state_changed();
      run(code);
      EXPECT_EQ(entered(), limit == kImage + 511 ? -1 : int{kGp}) << code << ' ' << limit;
    }
  }
}

}  // namespace
}  // namespace orrery::test
