// A debugger's points: where they stop, and that nothing else changes.
#include "tests/support/cpu_rig.h"

namespace orrery::test {
namespace {

using Kind = DebugPoint::Kind;
using Space = DebugPoint::Space;

constexpr u32 kCode = CpuRig::kCode;

struct DebugPointsTest : ::testing::Test {
  CpuRig r;
  Stop go(u64 ticks = 1000) { return r.cpu.run(r.clock.ticks() + ticks); }
  void points(std::vector<DebugPoint> list) { r.cpu.set_debug_points(std::move(list)); }
  u64 eip() const { return r.s.rip; }
};

// inc eax ; inc ecx ; inc edx ; jmp $-3
constexpr std::string_view kLoop = "40 41 42 eb fb";

TEST_F(DebugPointsTest, ExecutionStopsBeforeTheInstructionInTheMiddleOfABlock) {
  r.protected_mode();
  r.put(kCode, kLoop);
  EXPECT_EQ(go(40), Stop::Budget);  // the block is decoded already
  points({{.address = kCode + 1}});
  for (u32 round = 11; round < 14; ++round) {
    EXPECT_EQ(go(), Stop::Breakpoint);
    EXPECT_EQ(eip(), kCode + 1);
    EXPECT_EQ(r.s.gpr[kRax], round);
    EXPECT_EQ(r.s.gpr[kRcx], round - 1);
    EXPECT_EQ(r.clock.ticks(), 4 * (round - 1) + 1);
    EXPECT_EQ(r.cpu.debug_hit().address, kCode + 1);
    EXPECT_EQ(r.cpu.debug_hit().point, 0u);
  }
  points({});
  EXPECT_EQ(go(), Stop::Budget);
}

TEST_F(DebugPointsTest, TheFirstInstructionOfARunIsSeenUnlessItIsPassed) {
  r.protected_mode();
  r.put(kCode, kLoop);
  points({{.address = kCode}});
  EXPECT_EQ(go(), Stop::Breakpoint);
  EXPECT_EQ(r.clock.ticks(), 0u);
  EXPECT_EQ(go(2), Stop::Budget);
  EXPECT_EQ(go(2), Stop::Budget);
  EXPECT_EQ(eip(), kCode);
  r.cpu.pass_debug_point();
  EXPECT_EQ(go(1), Stop::Budget);
  EXPECT_EQ(eip(), kCode + 1);
}

TEST_F(DebugPointsTest, ManyStopsLeaveTheRunAsItIs) {
  CpuRig other;
  for (CpuRig* rig : {&r, &other}) {
    rig->protected_mode();
    // mov edi, 5000h ; mov ecx, 40 ; rep stosb ; inc eax ; mov [4ffeh], eax ; jmp start
    rig->put(kCode, "bf 00 50 00 00 b9 28 00 00 00 f3 aa 40 a3 fe 4f 00 00 eb ec");
  }
  other.cpu.run(5000);
  points({{.address = kCode + 5},
          {.address = kCode + 10},
          {.kind = Kind::Write, .address = 0x5000, .length = 3},
          {.kind = Kind::Access, .space = Space::Physical, .address = 0x5010, .length = 2}});
  unsigned stops = 0;
  while (r.clock.ticks() < 5000) {
    if (r.cpu.run(std::min<u64>(5000, r.clock.ticks() + 1 + stops % 37)) == Stop::Breakpoint) ++stops;
    ASSERT_LT(stops, 5000u);
  }
  // A round is 45 ticks, in which it stops at two instructions, three bytes of the first point, two of the second, and
  // once where EAX overlaps the first.
  EXPECT_NEAR(stops, 5000 / 45 * 8, 8);
  EXPECT_EQ(core::save_to_bytes(r.cpu), core::save_to_bytes(other.cpu));
  EXPECT_TRUE(std::ranges::equal(r.memory.ram(), other.memory.ram()));
}

TEST_F(DebugPointsTest, RealModeAddressesAreLinear) {
  r.real_mode(0x1000, 0x20);
  // inc ax ; jmp 0ff0h:122h, the same place by another name: linear 10022h is inc ax
  r.put(0x10020, "40 90 40 ea 22 01 f0 0f");
  points({{.address = 0x10022}});
  EXPECT_EQ(go(), Stop::Breakpoint);
  EXPECT_EQ(r.s.seg[kCs].selector, 0x1000);
  EXPECT_EQ(r.s.rip, 0x22u);
  EXPECT_EQ(go(), Stop::Breakpoint);
  EXPECT_EQ(r.s.seg[kCs].selector, 0xff0);
  EXPECT_EQ(r.s.rip, 0x122u);
  EXPECT_EQ(r.s.gpr[kRax], 2u);
}

TEST_F(DebugPointsTest, LinearAndPhysicalPointsTellAliasesApart) {
  r.protected_mode();
  r.paging();
  r.w32(r.pte_address(0x40000), kCode | 7);  // the code page once more
  // inc eax ; mov ebx, 40000h+0 ; jmp ebx at the alias: inc eax ...
  r.put(kCode, "40 bb 00 00 04 00 ff e3");
  points({{.address = 0x40000}});
  EXPECT_EQ(go(), Stop::Breakpoint);
  EXPECT_EQ(eip(), 0x40000u);
  EXPECT_EQ(r.clock.ticks(), 3u);
  points({{.space = Space::Physical, .address = kCode + 6}});
  EXPECT_EQ(go(), Stop::Breakpoint);
  EXPECT_EQ(eip(), 0x40006u);
  r.s.rip = kCode;
  r.cpu.state_changed();
  EXPECT_EQ(go(), Stop::Breakpoint);
  EXPECT_EQ(eip(), kCode + 6);
  EXPECT_EQ(r.cpu.debug_hit().address, kCode + 6);
}

TEST_F(DebugPointsTest, DataPointsStopAfterTheInstruction) {
  r.protected_mode();
  // mov [5000h], eax ; mov ebx, [5002h] ; inc dword [5004h] ; mov [5008h], al ; nop...
  r.put(kCode, "a3 00 50 00 00 8b 1d 02 50 00 00 ff 05 04 50 00 00 a2 08 50 00 00 90 90 90 90");
  points({{.kind = Kind::Write, .address = 0x5003, .length = 1}});
  EXPECT_EQ(go(), Stop::Breakpoint);
  EXPECT_EQ(eip(), kCode + 5);
  EXPECT_EQ(r.cpu.debug_hit().address, 0x5003u);
  EXPECT_TRUE(r.cpu.debug_hit().write);
  points({{.kind = Kind::Read, .address = 0x5004, .length = 4}});
  EXPECT_EQ(go(), Stop::Breakpoint);
  EXPECT_EQ(eip(), kCode + 11);
  EXPECT_EQ(r.cpu.debug_hit().address, 0x5004u);
  EXPECT_FALSE(r.cpu.debug_hit().write);
  points({{.kind = Kind::Write, .address = 0x5007, .length = 4}});
  EXPECT_EQ(go(), Stop::Breakpoint);
  EXPECT_EQ(eip(), kCode + 17) << "the read of a read-modify-write is none of this point's";
  EXPECT_EQ(r.cpu.debug_hit().address, 0x5007u);
  EXPECT_EQ(go(), Stop::Breakpoint);
  EXPECT_EQ(eip(), kCode + 22);
  EXPECT_EQ(r.cpu.debug_hit().address, 0x5008u);
  EXPECT_EQ(go(3), Stop::Budget);
}

TEST_F(DebugPointsTest, DataPointsArriveInTranslationsThatAreCached) {
  r.protected_mode();
  r.paging();
  r.w32(r.pte_address(0x40000), 0x5000 | 7);
  // mov [5000h], eax ; mov [40000h], eax ; jmp start
  r.put(kCode, "a3 00 50 00 00 a3 00 00 04 00 eb f4");
  EXPECT_EQ(go(30), Stop::Budget);
  points({{.kind = Kind::Write, .address = 0x40000, .length = 4}});
  EXPECT_EQ(go(), Stop::Breakpoint);
  EXPECT_EQ(eip(), kCode + 10);
  points({{.kind = Kind::Write, .space = Space::Physical, .address = 0x5001, .length = 1}});
  EXPECT_EQ(go(), Stop::Breakpoint);
  EXPECT_EQ(eip(), kCode + 5);
  EXPECT_EQ(r.cpu.debug_hit().address, 0x5001u);
  EXPECT_EQ(go(), Stop::Breakpoint);
  EXPECT_EQ(eip(), kCode + 10);
  points({});
  EXPECT_EQ(go(100), Stop::Budget);
}

TEST_F(DebugPointsTest, ARepeatedInstructionStopsAfterTheIterationThatHit) {
  r.protected_mode();
  r.put(0x6000, "01 02 03 04 05 06 07 08");
  r.s.gpr[kRsi] = 0x6000;
  r.s.gpr[kRdi] = 0x5000;
  r.s.gpr[kRcx] = 8;
  r.put(kCode, "f3 a4 90 90");
  points({{.kind = Kind::Write, .address = 0x5005, .length = 1}});
  EXPECT_EQ(go(), Stop::Breakpoint);
  EXPECT_EQ(eip(), kCode);
  EXPECT_EQ(r.s.gpr[kRcx], 2u);
  EXPECT_EQ(r.clock.ticks(), 6u);
  EXPECT_EQ(r.memory.read8(0x5005), 6);
  EXPECT_EQ(r.memory.read8(0x5006), 0);
  EXPECT_EQ(go(3), Stop::Budget);
  EXPECT_EQ(eip(), kCode + 3);
  EXPECT_EQ(r.memory.read8(0x5007), 8);
}

TEST_F(DebugPointsTest, APointOnARepeatedInstructionStopsOnceHoweverTheRunIsCut) {
  r.protected_mode();
  r.s.gpr[kRdi] = 0x5000;
  r.s.gpr[kRcx] = 100;
  r.put(kCode, "f3 aa eb fe");
  points({{.address = kCode}});
  EXPECT_EQ(go(), Stop::Breakpoint);
  for (int n = 0; n < 10; ++n) EXPECT_EQ(go(10), Stop::Budget);
  EXPECT_EQ(eip(), kCode + 2);
}

TEST_F(DebugPointsTest, NeitherTrapFlagNorResumeFlagAreTouched) {
  r.protected_mode();
  r.put(kCode, "90 90 90");
  points({{.address = kCode}, {.address = kCode + 1}});
  r.flags(kTf | kRf);
  EXPECT_EQ(go(), Stop::Breakpoint);
  EXPECT_EQ(r.cpu.rflags() & (kTf | kRf), kTf | kRf);
  EXPECT_EQ(r.s.pending_debug, 0u);
  EXPECT_EQ(go(2), Stop::Budget);  // the instruction, its trap
  EXPECT_TRAPPED(r, kDb);
  EXPECT_EQ(r.stack(0), kCode + 1) << "the trap comes before the point's stop";
}

TEST_F(DebugPointsTest, TheFrameOfAnInterruptIsSeenAndAStopAtTheHandlerToo) {
  r.protected_mode();
  r.put(kCode, "90 90 90 90");
  r.flags(kIf);
  points({{.kind = Kind::Write, .address = CpuRig::kStack0 - 4, .length = 4}, {.address = CpuRig::handler(0x20)}});
  EXPECT_EQ(go(2), Stop::Budget);
  const u64 before = r.cpu.interrupts_taken();
  r.cpu.set_intr(true);
  EXPECT_EQ(go(), Stop::Breakpoint);
  EXPECT_EQ(r.cpu.debug_hit().point, 0u);
  EXPECT_EQ(r.cpu.interrupts_taken(), before + 1);
  EXPECT_TRAPPED(r, 0x20);
  EXPECT_EQ(go(), Stop::Breakpoint);
  EXPECT_EQ(r.cpu.debug_hit().point, 1u);
  EXPECT_TRAPPED(r, 0x20);
}

TEST_F(DebugPointsTest, SettingPointsDoesNotWalkPageTablesAgain) {
  r.protected_mode();
  r.paging();
  r.put(kCode, "40 a3 00 50 00 00 eb f8");  // inc eax ; mov [5000h], eax ; jmp start
  EXPECT_EQ(go(30), Stop::Budget);
  // A guest that clears accessed bits without INVLPG finds them clear for as long as the translation is cached.
  for (const u32 page : {kCode, 0x5000u}) r.w32(r.pte_address(page), page | 7);
  points({{.address = kCode + 1}, {.kind = Kind::Write, .address = 0x5002, .length = 1}});
  EXPECT_EQ(go(), Stop::Breakpoint);
  EXPECT_EQ(go(), Stop::Breakpoint);
  points({});
  EXPECT_EQ(go(30), Stop::Budget);
  EXPECT_EQ(r.r32(r.pte_address(kCode)) & 0x60, 0u);
  EXPECT_EQ(r.r32(r.pte_address(0x5000)) & 0x60, 0u);
}

TEST_F(DebugPointsTest, APointAcrossAPageBorderIsSeenInBothPages) {
  r.protected_mode();
  r.put(kCode, "a2 ff 5f 00 00 a2 00 60 00 00 a3 fe 5f 00 00 90 90");
  points({{.kind = Kind::Write, .address = 0x5ffe, .length = 4}});
  EXPECT_EQ(go(), Stop::Breakpoint);
  EXPECT_EQ(r.cpu.debug_hit().address, 0x5fffu);
  EXPECT_EQ(go(), Stop::Breakpoint);
  EXPECT_EQ(r.cpu.debug_hit().address, 0x6000u);
  EXPECT_EQ(go(), Stop::Breakpoint);
  EXPECT_EQ(r.cpu.debug_hit().address, 0x5ffeu);
  EXPECT_EQ(eip(), kCode + 15);
}

}  // namespace
}  // namespace orrery::test
