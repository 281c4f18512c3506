// The log channels that show the processor at work, and that showing it changes nothing.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/cpu_rig.h"

namespace orrery::test {
namespace {

struct Traced {
  CpuRig rig;
  std::vector<std::string> lines;

  explicit Traced(std::initializer_list<core::Channel> channels) {
    rig.log.set_sink([this](std::string_view line) { lines.emplace_back(line); });
    rig.protected_mode();
    for (const core::Channel c : channels) rig.log.enable(c);
    // mov ecx, 3; l: dec ecx; jnz l; hlt
    rig.put(CpuRig::kCode, "b903000000 49 75fd f4");
    rig.cpu.run(rig.clock.ticks() + 100);
  }
  unsigned count(std::string_view text) const {
    unsigned n = 0;
    for (const std::string& line : lines) n += line.find(text) != std::string::npos ? 1 : 0;
    return n;
  }
};

TEST(TraceLog, InAsmShowsEachBlockWhenItIsDecoded) {
  const Traced t({core::Channel::InAsm});
  EXPECT_EQ(t.count("b903000000"), 1u);
  EXPECT_EQ(t.count("mov ecx, 0x3"), 1u);
  EXPECT_EQ(t.count("dec ecx"), 2u);  // in the first block and in that of the loop
}

TEST(TraceLog, ExecShowsEachBlockWhenItIsEntered) {
  const Traced t({core::Channel::Exec});
  EXPECT_EQ(t.count("Trace"), 4u);  // the first time round, twice the loop, HLT
  EXPECT_EQ(t.count("Trace 0: [00000000/00010000"), 1u);
}

TEST(TraceLog, CpuShowsTheRegistersBeforeEachBlock) {
  const Traced t({core::Channel::Cpu});
  EXPECT_EQ(t.count("ECX=00000002"), 1u);
  EXPECT_EQ(t.count("ECX=00000001"), 1u);
  EXPECT_EQ(t.count("ECX=00000000"), 2u);  // power-on, HLT
  EXPECT_EQ(t.count("FCW="), 0u);
  EXPECT_EQ(Traced({core::Channel::Cpu, core::Channel::Fpu}).count("XMM7="), 4u);
}

TEST(TraceLog, CpuResetShowsTheRegistersAtAReset) {
  Traced t({core::Channel::CpuReset});
  EXPECT_EQ(t.count("EAX="), 0u);
  t.rig.cpu.reset();
  EXPECT_EQ(t.count("EIP=0000fff0"), 1u);
}

TEST(TraceLog, IoShowsEachPortAccess) {
  Traced t({core::Channel::Io});
  EXPECT_TRUE(t.lines.empty());
  t.rig.protected_mode();
  t.rig.run("b05a e680 e480", 3);  // mov al, 0x5a; out 0x80, al; in al, 0x80
  EXPECT_EQ(t.count("out 0080 <- 5a"), 1u);
  EXPECT_EQ(t.count("in 0080 -> ff"), 1u);
}

TEST(TraceLog, ShowingChangesNothing) {
  const Traced silent({}),
      loud({core::Channel::InAsm, core::Channel::Exec, core::Channel::Cpu, core::Channel::Nochain});
  EXPECT_TRUE(silent.lines.empty());
  EXPECT_EQ(silent.rig.clock.ticks(), loud.rig.clock.ticks());
  EXPECT_EQ(silent.rig.s.rip, loud.rig.s.rip);
  EXPECT_EQ(silent.rig.s.gpr, loud.rig.s.gpr);
}

}  // namespace
}  // namespace orrery::test
