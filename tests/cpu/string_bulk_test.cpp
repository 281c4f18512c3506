// Repeated string instructions do many iterations at once where they can: what they leave must be what the iterations
// leave one by one (SDM vol. 2, REP).
#include <gtest/gtest.h>

#include <random>
#include <string_view>

#include "tests/support/cpu_rig.h"

namespace orrery::test {
namespace {

constexpr u32 kFirst = 0x40f80, kSecond = 0x60fa0;  // both runs cross a page

struct Outcome {
  u64 rip, rax, rcx, rsi, rdi, flags, ticks;
  bool operator==(const Outcome&) const = default;
};

/// Executes `hex` with ECX = `count`, at most `step` ticks at a time, until it is done.
Outcome outcome(CpuRig& r, std::string_view hex, u32 count, u32 eax, u64 step) {
  r.protected_mode();
  r.put(CpuRig::kCode, hex);
  r.s.gpr[kRax] = eax;
  r.s.gpr[kRcx] = count;
  r.s.gpr[kRsi] = kFirst;
  r.s.gpr[kRdi] = kSecond;
  r.cpu.set_rflags(2);
  const u64 begin = r.clock.ticks();
  for (unsigned n = 0; n < 2000 && r.s.rip == CpuRig::kCode; ++n) {
    // One instruction, or as many of its iterations as the budget allows; behind it stands HLT.
    r.cpu.run(r.clock.ticks() + step);
  }
  return {r.s.rip, r.s.gpr[kRax], r.s.gpr[kRcx], r.s.gpr[kRsi], r.s.gpr[kRdi], r.cpu.rflags(), r.clock.ticks() - begin};
}

struct Form {
  std::string_view hex;  // with HLT behind it
  bool compares;
};
class StringBulk : public testing::TestWithParam<Form> {};

TEST_P(StringBulk, EqualsTheIterationsOneByOne) {
  std::mt19937 random(7);
  unsigned ended_early = 0;
  CpuRig whole, stepped;
  for (unsigned round = 0; round < 300; ++round) {
    const unsigned rare = 1 + random() % 200;  // one byte in so many differs
    for (unsigned k = 0; k < 400; ++k) {
      const u8 first = random() % rare == 0 ? 0x5b : 0x5a, second = random() % rare == 0 ? 0x5b : 0x5a;
      for (CpuRig* r : {&whole, &stepped}) {
        r->memory.write8(kFirst + k, first);
        r->memory.write8(kSecond + k, second);
      }
    }
    const u32 count = random() % 100, eax = random() % 2 != 0 ? 0x5a5a5a5a : 0x5b5b5b5b;
    const Outcome a = outcome(whole, GetParam().hex, count, eax, 1000),
                  b = outcome(stepped, GetParam().hex, count, eax, 1);
    // The stepped run stops behind the instruction, the whole one in HLT, a tick later.
    ASSERT_EQ(a.rcx, b.rcx) << "round " << round;
    ASSERT_EQ(a.rsi, b.rsi);
    ASSERT_EQ(a.rdi, b.rdi);
    ASSERT_EQ(a.rax, b.rax);
    ASSERT_EQ(a.flags, b.flags);
    ASSERT_EQ(a.ticks, b.ticks + 1);
    for (unsigned k = 0; k < 512; ++k) ASSERT_EQ(whole.memory.read8(kSecond + k), stepped.memory.read8(kSecond + k));
    if (a.rcx != 0) ++ended_early;
  }
  if (GetParam().compares) EXPECT_GT(ended_early, 20u);
}

INSTANTIATE_TEST_SUITE_P(All, StringBulk,
                         testing::Values(Form{"f3a6f4", true}, Form{"f2a6f4", true}, Form{"f3a7f4", true},
                                         Form{"f2a7f4", true},  // CMPS
                                         Form{"f3aef4", true}, Form{"f2aef4", true}, Form{"f3aff4", true},
                                         Form{"f2aff4", true},  // SCAS
                                         Form{"f3a4f4", false}, Form{"f3a5f4", false}, Form{"f3aaf4", false},
                                         Form{"f3abf4", false}, Form{"f3acf4", false}, Form{"f3adf4", false}));

}  // namespace
}  // namespace orrery::test
