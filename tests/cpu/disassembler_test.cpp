// The disassembler's text, case by case; zydis_test.cpp has the bulk.
#include "cpu/disassembler.h"

#include <gtest/gtest.h>

#include <vector>

namespace orrery::cpu {
namespace {

constexpr DecodeMode kReal{}, kProt32{.code32 = true, .protected_mode = true},
    kLong{.code64 = true, .protected_mode = true};

struct Case {
  const DecodeMode& mode;
  std::vector<u8> bytes;
  std::string_view text;
};

TEST(DisassemblerTest, WritesIntelSyntax) {
  FeatureSet all;
  for (unsigned i = 0; i < static_cast<unsigned>(Feature::Count); ++i) all.set(static_cast<Feature>(i));
  const Decoder decoder(all);
  const Case cases[] = {
      {kProt32, {0x64, 0xf0, 0x01, 0x44, 0x8b, 0xf0}, "lock add dword ptr fs:[ebx+ecx*4-0x10], eax"},
      {kProt32, {0x36, 0x8b, 0x45, 0x08}, "mov eax, dword ptr [ebp+0x8]"},
      {kProt32, {0x3e, 0x8b, 0x45, 0x08}, "mov eax, dword ptr ds:[ebp+0x8]"},
      {kProt32, {0x8b, 0x04, 0x0d, 0x10, 0, 0, 0}, "mov eax, dword ptr [ecx*1+0x10]"},
      {kProt32, {0x65, 0x8d, 0x00}, "lea eax, [eax]"},
      {kProt32, {0xa1, 0, 0, 0, 0x80}, "mov eax, dword ptr [0x80000000]"},
      {kProt32, {0xf3, 0x66, 0xa5}, "rep movsw"},
      {kProt32, {0xf3, 0x26, 0xa6}, "repe es cmpsb"},
      {kProt32, {0xf2, 0xae}, "repne scasb"},
      {kProt32, {0xf3, 0x01, 0xc0}, "add eax, eax"},
      {kProt32, {0x2e, 0xd7}, "cs xlat"},
      {kProt32, {0x83, 0xc0, 0xff}, "add eax, 0xffffffff"},
      {kProt32, {0xc8, 1, 2, 3}, "enter 0x201, 0x3"},
      {kProt32, {0xe3, 0x10}, "jecxz 0x1012"},
      {kProt32, {0x67, 0xe3, 0x10}, "jcxz 0x1013"},
      {kProt32, {0x98}, "cwde"},
      {kProt32, {0x9a, 1, 2, 3, 4, 5, 6}, "call far 0x0605:0x04030201"},
      {kProt32, {0xff, 0x2d, 0, 0x10, 0, 0}, "jmp far fword ptr [0x1000]"},
      {kProt32, {0x0f, 0x22, 0xd8}, "mov cr3, eax"},
      {kProt32, {0x8e, 0xd8}, "mov ds, ax"},
      {kProt32, {0xdc, 0xc1}, "fadd st1, st0"},
      {kProt32, {0x66, 0x0f, 0x70, 0xc1, 0x1b}, "pshufd xmm0, xmm1, 0x1b"},
      {kReal, {0xeb, 0x80}, "jmp 0xf82"},
      {kReal, {0x8a, 0x40, 0x10}, "mov al, byte ptr [bx+si+0x10]"},
      {kReal, {0xcf}, "iret"},
      {kReal, {0x88, 0xe1}, "mov cl, ah"},
      {kLong, {0x40, 0x88, 0xe1}, "mov cl, spl"},
      {kLong, {0x48, 0x8b, 0x05, 0, 1, 0, 0}, "mov rax, qword ptr [0x1107]"},
      {kLong, {0x45, 0x8b, 0x04, 0x24}, "mov r8d, dword ptr [r12]"},
      {kLong, {0x45, 0x88, 0xc7}, "mov r15b, r8b"},
      {kLong, {0x48, 0xcf}, "iretq"},
      {kLong, {0x6a, 0xff}, "push 0xffffffffffffffff"},
  };
  for (const Case& c : cases) {
    const Disassembly d = disassemble(decoder, c.bytes, c.mode, 0x1000);
    EXPECT_EQ(d.text, c.text);
    EXPECT_EQ(d.length, c.bytes.size()) << c.text;
  }
}

TEST(DisassemblerTest, WhatIsNoInstructionBecomesAByte) {
  const Decoder decoder{FeatureSet{}};
  const u8 bytes[] = {0x0f, 0xa2};  // CPUID on a 386
  const Disassembly d = disassemble(decoder, bytes, kReal, 0);
  EXPECT_EQ(d.text, "db 0x0f");
  EXPECT_EQ(d.length, 1u);
}

}  // namespace
}  // namespace orrery::cpu
