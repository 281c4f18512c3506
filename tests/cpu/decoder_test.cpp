// The decoder against the encoding rules of SDM vol. 2, chapter 2. The comparison with another decoder is in
// zydis_test.cpp.
#include "cpu/decoder.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

namespace orrery::cpu {
namespace {

FeatureSet all_features() {
  FeatureSet f;
  for (unsigned i = 0; i < static_cast<unsigned>(Feature::Count); ++i) f.set(static_cast<Feature>(i));
  return f;
}

constexpr DecodeMode kReal{}, kProt16{.protected_mode = true}, kProt32{.code32 = true, .protected_mode = true},
    kLong{.code64 = true, .protected_mode = true};

struct Decoded {
  DecodeResult result = DecodeResult::Invalid;
  Insn i;
  std::string id() const { return result == DecodeResult::Ok ? std::string(line(i.op).id) : "-"; }
};

class DecoderTest : public testing::Test {
 protected:
  Decoded decode(std::initializer_list<int> bytes, DecodeMode mode = kProt32) {
    std::vector<u8> b;
    for (int v : bytes) b.push_back(static_cast<u8>(v));
    Decoded d;
    d.result = decoder_.decode(b, mode, d.i);
    return d;
  }
  Decoder decoder_{all_features()};
};

TEST_F(DecoderTest, OperandSizeFollowsModeAndPrefix) {
  EXPECT_EQ(decode({0x05, 1, 2, 3, 4}).i.length, 5);
  EXPECT_EQ(decode({0x66, 0x05, 1, 2}).i.length, 4);
  EXPECT_EQ(decode({0x05, 1, 2}, kReal).i.length, 3);
  EXPECT_EQ(decode({0x66, 0x66, 0x05, 1, 2, 3, 4}, kReal).i.length, 7);
  const Decoded d = decode({0x48, 0x05, 0, 0, 0, 0x80}, kLong);
  EXPECT_EQ(d.i.opsize(), Size::S64);
  EXPECT_EQ(d.i.imm, 0xffffffff80000000);
  EXPECT_EQ(decode({0x66, 0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8}, kLong).i.imm, 0x0807060504030201u);
}

TEST_F(DecoderTest, SixteenBitAddressForms) {
  Decoded d = decode({0x8b, 0x02}, kReal);  // [bp+si]
  EXPECT_EQ(d.i.base, kRbp);
  EXPECT_EQ(d.i.index, kRsi);
  EXPECT_EQ(d.i.seg(), kSs);
  d = decode({0x8b, 0x06, 0x34, 0x12}, kReal);
  EXPECT_EQ(d.i.base, kZeroReg);
  EXPECT_EQ(d.i.disp, 0x1234);
  EXPECT_EQ(d.i.seg(), kDs);
  EXPECT_EQ(d.i.length, 4);
  d = decode({0x8b, 0x46, 0xfe}, kReal);  // [bp-2]
  EXPECT_EQ(d.i.base, kRbp);
  EXPECT_EQ(d.i.disp, -2);
  d = decode({0x67, 0x8b, 0x44, 0x24, 0x04});  // 32-bit code: [si+0x24]
  EXPECT_EQ(d.i.base, kRsi);
  EXPECT_EQ(d.i.disp, 0x24);
  EXPECT_EQ(d.i.length, 4);
}

TEST_F(DecoderTest, SibForms) {
  Decoded d = decode({0x8b, 0x04, 0x24});  // [esp]
  EXPECT_EQ(d.i.base, kRsp);
  EXPECT_EQ(d.i.index, kZeroReg);
  EXPECT_EQ(d.i.seg(), kSs);
  d = decode({0x8b, 0x04, 0xcd, 1, 0, 0, 0});  // [ecx*8+1]
  EXPECT_EQ(d.i.base, kZeroReg);
  EXPECT_EQ(d.i.index, kRcx);
  EXPECT_EQ(d.i.scale(), 3u);
  EXPECT_EQ(d.i.seg(), kDs);
  d = decode({0x8b, 0x44, 0x05, 0x10});  // [ebp+eax+0x10]
  EXPECT_EQ(d.i.base, kRbp);
  EXPECT_EQ(d.i.index, kRax);
  EXPECT_EQ(d.i.seg(), kSs);
  d = decode({0x42, 0x8b, 0x04, 0x20}, kLong);  // [rax+r12]
  EXPECT_EQ(d.i.index, kR12);
  d = decode({0x41, 0x8b, 0x04, 0x24}, kLong);  // [r12], default segment DS
  EXPECT_EQ(d.i.base, kR12);
  EXPECT_EQ(d.i.index, kZeroReg);
  EXPECT_EQ(d.i.seg(), kDs);
  d = decode({0x41, 0x8b, 0x45, 0x00}, kLong);  // [r13+0]
  EXPECT_EQ(d.i.base, kR13);
  EXPECT_EQ(d.i.seg(), kDs);
}

TEST_F(DecoderTest, RipRelativeIsForm05InLongModeOnly) {
  EXPECT_EQ(decode({0x8b, 0x05, 4, 0, 0, 0}, kLong).i.base, kRipBase);
  EXPECT_EQ(decode({0x41, 0x8b, 0x05, 4, 0, 0, 0}, kLong).i.base, kRipBase);
  EXPECT_EQ(decode({0x8b, 0x05, 4, 0, 0, 0}).i.base, kZeroReg);
  EXPECT_EQ(decode({0x8b, 0x04, 0x25, 4, 0, 0, 0}, kLong).i.base, kZeroReg);
}

TEST_F(DecoderTest, ByteRegistersDependOnRex) {
  EXPECT_EQ(decode({0x88, 0xe3}).i.r[0], kRbx);
  EXPECT_EQ(decode({0x88, 0xe3}).i.r[1], kRax + kHighByte);
  EXPECT_EQ(decode({0x40, 0x88, 0xe3}, kLong).i.r[1], kRsp);
  EXPECT_EQ(decode({0x44, 0x88, 0xe3}, kLong).i.r[1], kR12);
  EXPECT_EQ(decode({0xb7, 9}).i.r[0], kRbx + kHighByte);
  EXPECT_EQ(decode({0x41, 0xb7, 9}, kLong).i.r[0], kR15);
}

TEST_F(DecoderTest, FixedRegistersHaveTheirNumbers) {
  EXPECT_EQ(decode({0xd3, 0xe0}).i.r[1], kRcx);
  EXPECT_EQ(decode({0xee}).i.r[0], kRdx);
  EXPECT_EQ(decode({0x0f, 0xa8}).i.r[0], kGs);
  EXPECT_EQ(decode({0x1e}).i.r[0], kDs);
  EXPECT_EQ(decode({0x8e, 0xd8}).i.r[0], kDs);
  EXPECT_EQ(decode({0x44, 0x0f, 0x20, 0xc0}, kLong).i.r[1], 8);
}

TEST_F(DecoderTest, TheLastSegmentOverrideWins) {
  EXPECT_EQ(decode({0x2e, 0x64, 0x8b, 0x00}).i.seg(), kFs);
  EXPECT_EQ(decode({0x64, 0x2e, 0x8b, 0x00}).i.seg(), kCs);
  EXPECT_EQ(decode({0x3e, 0x8b, 0x45, 0x00}).i.seg(), kDs);
  EXPECT_EQ(decode({0x26, 0xa4}).i.seg(), kEs);
}

TEST_F(DecoderTest, LongModeKnowsOnlyFsAndGsOverrides) {
  EXPECT_EQ(decode({0x2e, 0x8b, 0x00}, kLong).i.seg(), kDs);
  EXPECT_EQ(decode({0x65, 0x2e, 0x8b, 0x00}, kLong).i.seg(), kGs);
  EXPECT_EQ(decode({0x3e, 0x8b, 0x45, 0x00}, kLong).i.seg(), kSs);
}

TEST_F(DecoderTest, TheLastRepeatPrefixWins) {
  EXPECT_TRUE(decode({0xf2, 0xf3, 0xa4}).i.rep());
  EXPECT_FALSE(decode({0xf2, 0xf3, 0xa4}).i.repne());
  EXPECT_TRUE(decode({0xf3, 0xf2, 0xae}).i.repne());
}

TEST_F(DecoderTest, RexCountsOnlyRightBeforeTheOpcode) {
  EXPECT_EQ(decode({0x48, 0x66, 0x89, 0xc0}, kLong).i.opsize(), Size::S16);
  EXPECT_EQ(decode({0x66, 0x48, 0x89, 0xc0}, kLong).i.opsize(), Size::S64);
  EXPECT_EQ(decode({0x48, 0x41, 0x89, 0xc0}, kLong).i.opsize(), Size::S32);
  EXPECT_EQ(decode({0x48}).id(), "Dec_Zv");
}

TEST_F(DecoderTest, LockNeedsAMemoryDestinationOfALineThatAllowsIt) {
  EXPECT_EQ(decode({0xf0, 0x01, 0x00}).id(), "Add_EvGv");
  EXPECT_TRUE(decode({0xf0, 0x01, 0x00}).i.lock());
  EXPECT_EQ(decode({0xf0, 0x01, 0xc0}).result, DecodeResult::Invalid);
  EXPECT_EQ(decode({0xf0, 0x03, 0x00}).result, DecodeResult::Invalid);
  EXPECT_EQ(decode({0xf0, 0x39, 0x00}).result, DecodeResult::Invalid);
  EXPECT_EQ(decode({0xf0, 0x0f, 0xa3, 0x00}).result, DecodeResult::Invalid);
  EXPECT_EQ(decode({0xf0, 0x0f, 0xab, 0x00}).result, DecodeResult::Ok);
  EXPECT_EQ(decode({0xf0, 0x0f, 0xba, 0x20, 1}).result, DecodeResult::Invalid);
  EXPECT_EQ(decode({0xf0, 0x90}).result, DecodeResult::Invalid);
  EXPECT_EQ(decode({0xf0, 0x90}).i.length, 2);
}

TEST_F(DecoderTest, FifteenBytesAreFineAndSixteenAreTooLong) {
  std::vector<u8> b(14, 0x66);
  b.push_back(0x90);
  Insn i;
  EXPECT_EQ(decoder_.decode(b, kProt32, i), DecodeResult::Ok);
  EXPECT_EQ(i.length, 15);
  b.insert(b.begin(), 0x66);
  EXPECT_EQ(decoder_.decode(b, kProt32, i), DecodeResult::TooLong);
  // One byte too many by its immediate, and by an endless run of prefixes.
  b.assign(11, 0x2e);
  b.insert(b.end(), {0x05, 1, 2, 3, 4});
  EXPECT_EQ(decoder_.decode(b, kProt32, i), DecodeResult::TooLong);
  b.assign(100, 0xf3);
  EXPECT_EQ(decoder_.decode(b, kProt32, i), DecodeResult::TooLong);
}

TEST_F(DecoderTest, WithFewerThanFifteenBytesAnOverlongInstructionNeedsMore) {
  const std::vector<u8> b(14, 0x66);
  Insn i;
  EXPECT_EQ(decoder_.decode(b, kProt32, i), DecodeResult::NeedMore);
  EXPECT_EQ(i.length, 14);
}

TEST_F(DecoderTest, EveryPrefixOfAnInstructionNeedsMore) {
  const std::vector<std::vector<u8>> whole = {{0x81, 0x84, 0x88, 1, 2, 3, 4, 5, 6, 7, 8},
                                              {0x9a, 1, 2, 3, 4, 5, 6},
                                              {0xc8, 1, 2, 3},
                                              {0x0f, 0xba, 0x24, 0x24, 3}};
  for (const auto& b : whole) {
    Insn i;
    for (std::size_t n = 0; n < b.size(); ++n) {
      EXPECT_EQ(decoder_.decode(std::span(b).first(n), kProt32, i), DecodeResult::NeedMore) << n;
    }
    EXPECT_EQ(decoder_.decode(b, kProt32, i), DecodeResult::Ok);
    EXPECT_EQ(i.length, b.size());
  }
}

TEST_F(DecoderTest, AnInvalidOpcodeAtTheEndOfAPageNeedsItsModRmFirst) {
  EXPECT_EQ(decode({0xfe}).result, DecodeResult::NeedMore);
  EXPECT_EQ(decode({0xfe, 0xf8}).result, DecodeResult::Invalid);
  EXPECT_EQ(decode({0xfe, 0xf8}).i.length, 2);
  EXPECT_EQ(decode({0x0f, 0x04}).result, DecodeResult::Invalid);
  EXPECT_EQ(decode({0x0f, 0x04}).i.length, 2);
}

TEST_F(DecoderTest, FarPointersAndEnterKeepBothParts) {
  Decoded d = decode({0xea, 0x78, 0x56, 0x34, 0x12, 0xcd, 0xab});
  EXPECT_EQ(d.i.imm, 0x12345678u);
  EXPECT_EQ(d.i.disp, 0xabcd);
  d = decode({0xea, 0x78, 0x56, 0xcd, 0xab}, kReal);
  EXPECT_EQ(d.i.imm, 0x5678u);
  EXPECT_EQ(d.i.disp, 0xabcd);
  d = decode({0xc8, 0x34, 0x12, 0x1f});
  EXPECT_EQ(d.i.imm, 0x1f1234u);
}

TEST_F(DecoderTest, MoffsFollowsTheAddressSize) {
  Decoded d = decode({0x67, 0xa1, 0x34, 0xf2});
  EXPECT_EQ(d.i.disp, 0xf234);
  EXPECT_TRUE(d.i.mem());
  EXPECT_EQ(d.i.base, kZeroReg);
  d = decode({0xa1, 1, 2, 3, 4, 5, 6, 7, 8}, kLong);
  EXPECT_EQ(d.i.length, 9);
  EXPECT_EQ(d.i.imm, 0x0807060504030201u);
}

TEST_F(DecoderTest, NearBranchesIgnoreTheOperandSizePrefixInLongMode) {
  EXPECT_EQ(decode({0x66, 0xe9, 0xfe, 0xff}).i.length, 4);
  EXPECT_EQ(decode({0x66, 0xe9, 0xfe, 0xff}).i.imm, ~u64{1});
  const Decoded d = decode({0x66, 0xe9, 0xfe, 0xff, 0xff, 0xff}, kLong);
  EXPECT_EQ(d.i.length, 6);
  EXPECT_EQ(d.i.opsize(), Size::S64);
  EXPECT_EQ(decode({0x0f, 0x84, 0, 1}, kReal).i.length, 4);
}

TEST_F(DecoderTest, StackOperationsDefaultTo64BitsInLongMode) {
  EXPECT_EQ(decode({0x50}, kLong).i.opsize(), Size::S64);
  EXPECT_EQ(decode({0x66, 0x50}, kLong).i.opsize(), Size::S16);
  EXPECT_EQ(decode({0x41, 0x50}, kLong).i.r[0], kR8);
  EXPECT_EQ(decode({0x68, 1, 0, 0, 0x80}, kLong).i.imm, 0xffffffff80000001u);
}

TEST_F(DecoderTest, ByteImmediatesAreSignExtendedOnlyWhereTheLineSaysSo) {
  EXPECT_EQ(decode({0x83, 0xc0, 0xff}).i.imm, ~u64{0});
  EXPECT_EQ(decode({0x6a, 0x80}).i.imm, ~u64{0x7f});
  EXPECT_EQ(decode({0xcd, 0x80}).i.imm, 0x80u);
  EXPECT_EQ(decode({0xc1, 0xe0, 0xff}).i.imm, 0xffu);
  EXPECT_EQ(decode({0x04, 0xff}).i.imm, 0xffu);
}

TEST_F(DecoderTest, SegmentMovesRefuseWhatDoesNotExist) {
  EXPECT_EQ(decode({0x8e, 0xc8}).result, DecodeResult::Invalid);  // MOV CS
  EXPECT_EQ(decode({0x8c, 0xc8}).result, DecodeResult::Ok);
  EXPECT_EQ(decode({0x8c, 0xf0}).result, DecodeResult::Invalid);
  EXPECT_EQ(decode({0x8e, 0xf8}).result, DecodeResult::Invalid);
  EXPECT_EQ(decode({0x44, 0x8e, 0xd8}, kLong).i.r[0], kDs);  // REX.R does not count
}

TEST_F(DecoderTest, ControlRegisterMovesIgnoreMod) {
  const Decoded d = decode({0x0f, 0x22, 0x05});  // mod = 0, rm = 5: no displacement follows
  EXPECT_EQ(d.i.length, 3);
  EXPECT_FALSE(d.i.mem());
  EXPECT_EQ(d.i.r[0], 0);
  EXPECT_EQ(d.i.r[1], kRbp);
  EXPECT_EQ(decode({0x0f, 0x22, 0xc8}).result, DecodeResult::Invalid);  // CR1
  EXPECT_EQ(decode({0x0f, 0x23, 0xf8}).i.r[0], 7);
  EXPECT_EQ(decode({0x44, 0x0f, 0x23, 0xf8}, kLong).result, DecodeResult::Invalid);  // DR15
}

TEST_F(DecoderTest, ProtectedModeInstructionsAreInvalidInRealMode) {
  EXPECT_EQ(decode({0x0f, 0x00, 0xd8}, kReal).result, DecodeResult::Invalid);
  EXPECT_EQ(decode({0x0f, 0x00, 0xd8}, kProt16).id(), "Ltr_Ew");
  EXPECT_EQ(decode({0x63, 0xc0}, kReal).result, DecodeResult::Invalid);
  EXPECT_EQ(decode({0x63, 0xc0}, kProt16).id(), "Arpl_EwGw");
  EXPECT_EQ(decode({0x63, 0xc0}, kLong).id(), "Movsxd_GvEz");
}

TEST_F(DecoderTest, NinetyIsNopPauseOrExchange) {
  EXPECT_EQ(decode({0x90}).id(), "Nop");
  EXPECT_EQ(decode({0xf3, 0x90}).id(), "Pause");
  EXPECT_EQ(decode({0x41, 0x90}, kLong).id(), "Xchg_ZvrAX");
  EXPECT_EQ(decode({0x48, 0x90}, kLong).id(), "Nop");
  EXPECT_EQ(decode({0x91}).id(), "Xchg_ZvrAX");
}

TEST_F(DecoderTest, MandatoryPrefixesSelectLinesAndAreNotRepeats) {
  EXPECT_EQ(decode({0xf3, 0x0f, 0xb8, 0xc1}).id(), "Popcnt_GvEv");
  EXPECT_FALSE(decode({0xf3, 0x0f, 0xb8, 0xc1}).i.rep());
  EXPECT_EQ(decode({0x0f, 0xb8, 0xc1}).result, DecodeResult::Invalid);
  EXPECT_EQ(decode({0xf2, 0x0f, 0x38, 0xf1, 0xc1}).id(), "Crc32_GyEv");
  EXPECT_EQ(decode({0x66, 0xf2, 0x0f, 0x38, 0xf1, 0xc1}).i.opsize(), Size::S16);
  EXPECT_EQ(decode({0x0f, 0x38, 0xf1, 0x01}).id(), "Movbe_MvGv");
}

TEST_F(DecoderTest, UndocumentedEncodings) {
  EXPECT_EQ(decode({0xd6}).id(), "Salc");
  EXPECT_EQ(decode({0xf1}).id(), "Icebp");
  EXPECT_EQ(decode({0xd1, 0xf0}).id(), "Shl6_Ev1");
  EXPECT_EQ(decode({0xf6, 0xc8, 5}).id(), "Test_EbIb_1");
  EXPECT_EQ(decode({0x82, 0xc0, 5}).id(), "Add_EbIb_82");
  EXPECT_EQ(decode({0x82, 0xc0, 5}, kLong).result, DecodeResult::Invalid);
  EXPECT_EQ(decode({0x0f, 0xff, 0xc0}).id(), "Ud0_GdEd");
  EXPECT_EQ(decode({0x0f, 0xb9, 0xc0}).id(), "Ud1_GdEd");
}

TEST_F(DecoderTest, VexTakesThePlaceOfLdsAndLesWhereTheyWouldHaveARegister) {
  const Decoded d = decode({0xc4, 0xe2, 0x68, 0xf2, 0x0c, 0x24});  // andn ecx, edx, [esp]
  EXPECT_EQ(d.id(), "Andn_GyByEy");
  EXPECT_EQ(d.i.length, 6);
  EXPECT_EQ(d.i.r[0], kRcx);
  EXPECT_EQ(d.i.r[1], kRdx);
  EXPECT_TRUE(d.i.mem());
  EXPECT_EQ(decode({0xc4, 0x02, 0x68}).id(), "Les_GvMp");
  EXPECT_EQ(decode({0xc4, 0xe2, 0x68, 0xf2, 0xc9}, kReal).result, DecodeResult::Invalid);
  EXPECT_EQ(decode({0xc4, 0xe2, 0x68, 0xf2, 0xc9}, kProt16).id(), "Andn_GyByEy");
}

TEST_F(DecoderTest, VexHoldsTheBitsOfRex) {
  const Decoded d = decode({0xc4, 0x42, 0xa8, 0xf2, 0x0c, 0x24}, kLong);  // andn r9, r10, [r12]
  EXPECT_EQ(d.id(), "Andn_GyByEy");
  EXPECT_EQ(d.i.opsize(), Size::S64);
  EXPECT_EQ(d.i.r[0], kR9);
  EXPECT_EQ(d.i.r[1], kR10);
  EXPECT_EQ(d.i.base, kR12);
  // Outside 64-bit mode W and the fourth bit of vvvv do not count.
  const Decoded narrow = decode({0xc4, 0xe2, 0xa8, 0xf2, 0xc9});
  EXPECT_EQ(narrow.i.opsize(), Size::S32);
  EXPECT_EQ(narrow.i.r[1], kRdx);
}

TEST_F(DecoderTest, VexHasRulesOfItsOwn) {
  for (const int prefix : {0x66, 0xf2, 0xf3, 0xf0}) {
    EXPECT_EQ(decode({prefix, 0xc4, 0xe2, 0x68, 0xf2, 0xc9}).result, DecodeResult::Invalid) << prefix;
  }
  EXPECT_EQ(decode({0x48, 0xc4, 0xe2, 0x68, 0xf2, 0xc9}, kLong).result, DecodeResult::Invalid) << "REX";
  EXPECT_EQ(decode({0x67, 0xc4, 0xe2, 0x68, 0xf2, 0xc9}).id(), "Andn_GyByEy");
  EXPECT_EQ(decode({0xc4, 0xe2, 0x6c, 0xf2, 0xc9}).result, DecodeResult::Invalid) << "VEX.L";
  EXPECT_EQ(decode({0xc4, 0xe3, 0x7b, 0xf0, 0xc9, 3}).id(), "Rorx_GyEyIb");
  EXPECT_EQ(decode({0xc4, 0xe3, 0x73, 0xf0, 0xc9, 3}).result, DecodeResult::Invalid)
      << "VEX.vvvv without an operand in it";
  EXPECT_EQ(decode({0xc4, 0xe0, 0x68, 0xf2, 0xc9}).result, DecodeResult::Invalid) << "map 0";
}

TEST_F(DecoderTest, AModelDecodesOnlyItsOwnLines) {
  FeatureSet f;
  const Decoder i386(f);
  f.set(Feature::I486);
  const Decoder i486(f);
  Insn i;
  const u8 bswap[] = {0x0f, 0xc8}, wbinvd[] = {0x0f, 0x09}, cmpxchg[] = {0x0f, 0xb1, 0xc1}, cmov[] = {0x0f, 0x44, 0xc1},
           mov_cr4[] = {0x0f, 0x22, 0xe0};
  EXPECT_EQ(i386.decode(cmpxchg, kProt32, i), DecodeResult::Invalid);
  EXPECT_EQ(i486.decode(cmpxchg, kProt32, i), DecodeResult::Ok);
  EXPECT_EQ(i386.decode(bswap, kProt32, i), DecodeResult::Ok) << "the firmware needs it";
  EXPECT_EQ(i386.decode(wbinvd, kProt32, i), DecodeResult::Ok) << "and this";
  EXPECT_EQ(i486.decode(bswap, kProt32, i), DecodeResult::Ok);
  EXPECT_EQ(i486.decode(cmov, kProt32, i), DecodeResult::Invalid);
  EXPECT_EQ(i386.decode(mov_cr4, kProt32, i), DecodeResult::Invalid);
  EXPECT_EQ(i486.decode(mov_cr4, kProt32, i), DecodeResult::Ok);
  // Without the feature F3 is only a repeat prefix.
  const u8 tzcnt[] = {0xf3, 0x0f, 0xbc, 0xc1};
  EXPECT_EQ(i486.decode(tzcnt, kProt32, i), DecodeResult::Ok);
  EXPECT_EQ(line(i.op).id, "Bsf_GvEv");
}

}  // namespace
}  // namespace orrery::cpu
