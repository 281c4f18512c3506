// The instruction table as a whole.
#include "cpu/opcodes.h"

#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <set>
#include <vector>

#include "cpu/decoder.h"

namespace orrery::cpu {
namespace {

/// Bytes of some instruction that `encoding` describes, all immediates zero.
std::vector<u8> bytes_of(const Encoding& encoding, u8 modrm) {
  std::vector<u8> b;
  if (encoding.vex != Vex::None) {  // vvvv is 1111b
    const unsigned pp = encoding.mandatory == Mandatory::Any ? 0 : static_cast<unsigned>(encoding.mandatory) - 1;
    b = {0xc4, static_cast<u8>(0xe0 | static_cast<unsigned>(encoding.map)),
         static_cast<u8>((encoding.rex_w == 1 ? 0x80 : 0) | 0x78 | (encoding.vex == Vex::V256 ? 4 : 0) | pp),
         encoding.opcode, modrm};
    b.resize(15);
    return b;
  }
  if (encoding.mandatory == Mandatory::P66) b.push_back(0x66);
  if (encoding.mandatory == Mandatory::Pf3) b.push_back(0xf3);
  if (encoding.mandatory == Mandatory::Pf2) b.push_back(0xf2);
  if (encoding.rex_w == 1) b.push_back(0x48);
  if (encoding.map != OpcodeMap::One) b.push_back(0x0f);
  if (encoding.map == OpcodeMap::Three38) b.push_back(0x38);
  if (encoding.map == OpcodeMap::Three3a) b.push_back(0x3a);
  b.push_back(encoding.low_register ? static_cast<u8>(encoding.opcode | 3) : encoding.opcode);
  if (encoding.modrm) b.push_back(modrm);
  b.resize(15);
  return b;
}

TEST(OpcodesTest, EveryLineCanBeReached) {
  FeatureSet all;
  for (unsigned i = 0; i < static_cast<unsigned>(Feature::Count); ++i) all.set(static_cast<Feature>(i));
  const Decoder decoder(all);
  for (u16 op = 0; op < kOpCount; ++op) {
    const Encoding& e = line(op).encoding;
    const bool wide = e.bits64 == Bits64::Only || e.rex_w == 1;
    const DecodeMode mode{.code32 = !wide, .code64 = wide, .protected_mode = true};
    bool reached = false;
    for (unsigned modrm = 0; modrm < (e.modrm ? 256u : 1u) && !reached; ++modrm) {
      Insn insn;
      reached = decoder.decode(bytes_of(e, static_cast<u8>(modrm)), mode, insn) == DecodeResult::Ok && insn.op == op;
    }
    EXPECT_TRUE(reached) << line(op).id << " is hidden by an earlier line";
  }
}

TEST(OpcodesTest, AnEncodingSelectsByModRmOnlyIfItHasOne) {
  for (u16 op = 0; op < kOpCount; ++op) {
    const Encoding& e = line(op).encoding;
    if (e.mod != Mod::Any || e.reg_field >= 0 || e.rm_field >= 0) EXPECT_TRUE(e.modrm) << line(op).id;
    if (e.low_register) EXPECT_EQ(e.opcode & 7, 0) << line(op).id;
  }
}

TEST(OpcodesTest, OperandsFollowEachOtherWithoutGaps) {
  for (u16 op = 0; op < kOpCount; ++op) {
    const auto& o = line(op).operand;
    EXPECT_TRUE(o[0] != Opd::None || (o[1] == Opd::None && o[2] == Opd::None)) << line(op).id;
    EXPECT_TRUE(o[1] != Opd::None || o[2] == Opd::None) << line(op).id;
  }
}

TEST(OpcodesTest, FlagColumnsHoldArithmeticFlagsOnly) {
  for (u16 op = 0; op < kOpCount; ++op) {
    EXPECT_EQ((line(op).reads | line(op).writes) & ~kArithFlags, 0u) << line(op).id;
    EXPECT_EQ(undefined_flags(static_cast<Op>(op)) & ~line(op).writes, 0u)
        << line(op).id << ": an undefined flag counts as written";
  }
}

TEST(OpcodesTest, UndefinedFlagsAreThoseOfTheManual) {
  EXPECT_EQ(undefined_flags(Op::And_EvGv), kAf);
  EXPECT_EQ(undefined_flags(Op::Mul_Ev), kSf | kZf | kAf | kPf);
  EXPECT_EQ(undefined_flags(Op::Div_Eb), kArithFlags);
  EXPECT_EQ(undefined_flags(Op::Add_EvGv), 0u);
  EXPECT_EQ(undefined_flags(Op::Aam_Ib), kOf | kAf | kCf);
}

}  // namespace
}  // namespace orrery::cpu
