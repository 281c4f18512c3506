// Pairs of instructions with one handler (cpu/pairs.h): nobody can tell them from two.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/support/cpu_rig.h"

namespace orrery::test {
namespace {

/// Straight-line code of the instructions that pairs are made of. `size` 16: without those of 32-bit code alone.
std::string random_code(std::mt19937& random, unsigned count, unsigned size) {
  static constexpr u8 kRegReg[] = {0x01, 0x09, 0x11, 0x21, 0x29, 0x31, 0x39, 0x85,
                                   0x89, 0x8b, 0x03, 0x2b, 0x84, 0x38, 0x88, 0x08};
  static constexpr u8 kMemory[] = {0x89, 0x8b, 0x03, 0x88};
  static constexpr u8 kTwoByte[] = {0xaf, 0xb6, 0xb7, 0x92};
  static constexpr u8 kShift[] = {0xc0, 0xc8, 0xe0, 0xe8, 0xf8};
  const auto below = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  const auto reg = [&] {
    const unsigned r = below(7);
    return r >= 4 ? r + 1 : r;  // not the stack pointer
  };
  std::string code;
  for (unsigned n = 0; n < count; ++n) {
    const unsigned both = 0xc0 | reg() << 3 | reg();
    // Base EBX, EBP, ESI or EDI and a displacement; the same bytes are BX+SI... in 16-bit code.
    const unsigned base = below(4) == 0 ? 3 : 5 + below(3);
    const unsigned memory = 0x40 | reg() << 3 | base;
    switch (below(11)) {
      case 0:
      case 1:
      case 2: code += fmt::format("{:02x}{:02x}", kRegReg[below(std::size(kRegReg))], both); break;
      case 3: code += fmt::format("83{:02x}{:02x}", 0xc0 | below(8) << 3 | reg(), below(256)); break;
      case 4: code += fmt::format("c1{:02x}{:02x}", kShift[below(std::size(kShift))] | reg(), below(34)); break;
      case 5: code += fmt::format("{:02x}", 0x40 + below(2) * 8 + reg()); break;
      case 6:
      case 7: code += fmt::format("{:02x}{:02x}{:02x}", kMemory[below(std::size(kMemory))], memory, below(128)); break;
      case 8: code += fmt::format("8d{:02x}{:02x}", memory, below(128)); break;
      case 9:
        if (size == 32 && below(2) == 0) {
          code += fmt::format("0f{:02x}{:02x}", kTwoByte[below(std::size(kTwoByte))], both);
        } else {
          code += fmt::format("{:02x}", 0x50 + below(2) * 8 + reg());
        }
        break;
      default: code += fmt::format("{:02x}00", 0x70 + below(16)); break;  // a branch to the next instruction
    }
  }
  return code;
}

void prepare(CpuRig& r, u32 seed, unsigned size) {
  std::mt19937 random(seed);
  if (size == 32) {
    r.protected_mode();
  } else {
    r.real_mode();
  }
  r.put(r.code_address(), random_code(random, 60, size));
  for (const unsigned n : {kRax, kRcx, kRdx, kRbx, kRbp, kRsi, kRdi}) r.s.gpr[n] = 0x40000 + random() % 0x10000;
  r.cpu.set_rflags(2 | (random() & 0x8d5));
  r.cpu.state_changed();
}

void expect_same(unsigned size) {
  constexpr unsigned kSteps = 60;
  for (u32 seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    CpuRig at_once, one_by_one;
    prepare(at_once, seed, size);
    prepare(one_by_one, seed, size);
    while (at_once.clock.ticks() < kSteps && at_once.cpu.run(kSteps) == Stop::Budget) {
    }
    while (one_by_one.clock.ticks() < at_once.clock.ticks() && one_by_one.cpu.step() == Stop::Budget) {
    }
    ASSERT_EQ(at_once.s.gpr, one_by_one.s.gpr);
    ASSERT_EQ(at_once.s.rip, one_by_one.s.rip);
    ASSERT_EQ(at_once.cpu.rflags(), one_by_one.cpu.rflags());
    ASSERT_TRUE(std::ranges::equal(at_once.memory.ram(), one_by_one.memory.ram()));
  }
}

TEST(Pairs, CodeInFlatSegmentsDoesTheSameAtOnceAndStepByStep) { expect_same(32); }
TEST(Pairs, RealModeCodeDoesTheSameAtOnceAndStepByStep) { expect_same(16); }

TEST(Pairs, AnInterruptThatADeviceRaisesInTheFirstHalfComesBeforeTheSecond) {
  CpuRig r;
  r.memory.map_pages(0x180000, 0x1000, nullptr, nullptr);
  const auto device = r.memory.mmio().map({.name = "device",
                                           .base = 0x180000,
                                           .size = 16,
                                           .widths = {.min = 1, .max = 4},
                                           .movable = false,
                                           .read =
                                               [&](u64, unsigned) {
                                                 r.cpu.set_intr(true);
                                                 return u64{7};
                                               },
                                           .write = {}});
  r.protected_mode();
  r.flags(kIf);
  r.s.gpr[kRbx] = 0x180000;
  r.put(CpuRig::kCode, "8b03 40 90");  // mov eax, [ebx]; inc eax; nop
  r.cpu.run(4);
  EXPECT_EQ(r.s.gpr[kRax], 7u);
  EXPECT_EQ(r.r32(r.s.gpr[kRsp]), CpuRig::kCode + 2);
}

TEST(Pairs, AFaultInTheSecondHalfLeavesTheFirstDone) {
  CpuRig r;
  r.protected_mode();
  r.paging();
  r.w32(r.pte_address(0x150000), 0);
  r.s.gpr[kRbx] = 0x14fff0;
  r.put(CpuRig::kCode, "83c310 8b03 90");  // add ebx, 16; mov eax, [ebx]
  r.cpu.run(4);
  EXPECT_EQ(r.s.gpr[kRbx], 0x150000u);
  EXPECT_EQ(r.s.cr2, 0x150000u);
  EXPECT_EQ(r.r32(r.s.gpr[kRsp] + 4), CpuRig::kCode + 3);
}

}  // namespace
}  // namespace orrery::test
