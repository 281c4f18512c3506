// The monitor's commands on a machine that stands or runs.
#include "frontend/monitor.h"
#include "machine/journal.h"

#include <gtest/gtest.h>

#include "frontend/monitor_expression.h"
#include "frontend/monitor_info.h"
#include "frontend/usage_error.h"

namespace orrery::frontend {
namespace {

machine::Config config() {
  machine::Config config;
  config.memory = 4 << 20;
  return config;
}

struct Rig {
  machine::Machine machine{config()};
  machine::Debugger debugger{machine};
  bool quit = false;
  Monitor monitor{machine, debugger, {[this] { quit = true; }}};

  std::string operator()(std::string_view line) { return monitor.execute(line, Monitor::Caller::Person); }
  u64 value(std::string_view text) { return evaluate(machine.cpu(), text); }
};

#define EXPECT_HAS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

TEST(MonitorExpression, BindsAsCDoes) {
  Rig r;
  r.machine.cpu().state().gpr[cpu::kRax] = 0x1234;
  EXPECT_EQ(r.value("1 + 2 * 3"), 7u);
  EXPECT_EQ(r.value("(1 + 2) * 3"), 9u);
  EXPECT_EQ(r.value("$eax & 0xff | 1 << 8"), 0x134u);
  EXPECT_EQ(r.value("ah"), 0x12u);
  EXPECT_EQ(r.value("-1 >> 60"), 15u);
  EXPECT_EQ(r.value("~0 ^ ~0xf"), 15u);
  EXPECT_EQ(r.value("100 / 7 % 4"), 2u);
  EXPECT_EQ(r.value("1 << 64"), 0u);
  EXPECT_EQ(r.value("pc"), 0xfffffff0u);
  for (const char* wrong : {"", "1 +", "foo", "1 2", "(1", "1)", "5 / 0", "$", "0xg"}) {
    EXPECT_THROW(r.value(wrong), UsageError) << wrong;
  }
  EXPECT_THROW(r.value(std::string(100'000, '(')), UsageError);
}

TEST(MonitorExpression, AddressesMayHaveSegments) {
  Rig r;
  EXPECT_EQ(evaluate_address(r.machine.cpu(), "f000:e05b"), 0xfe05bu);
  EXPECT_EQ(evaluate_address(r.machine.cpu(), "cs:eip"), 0xfffffff0u);
  EXPECT_EQ(evaluate_address(r.machine.cpu(), "0x7c00"), 0x7c00u);
  EXPECT_THROW(evaluate_address(r.machine.cpu(), "12345:0"), UsageError);
}

TEST(Monitor, LooksAtMemory) {
  Rig r;
  EXPECT_EQ(r("x /5xb 0xfffffff0"), "fffffff0: 0xea 0x5b 0xe0 0x00 0xf0\n");
  EXPECT_EQ(r("x/1dh 0xfffffff1"), "fffffff1: -8101\n");
  EXPECT_HAS(r("x /2i pc"), "> fffffff0 f000:0000fff0 ea5be000f0           jmp ");
  EXPECT_HAS(r("u"), "> fffffff0");
  EXPECT_HAS(r("xp /1xw 0xd0000000"), "no memory");
  EXPECT_EQ(r("setmem 0x1000 72 105 0"), "");
  EXPECT_EQ(r("x /s 0x1000"), "00001000: \"Hi\"\n");
  EXPECT_EQ(r("x /2c 0x1000"), "00001000: 'H' 'i'\n");
  EXPECT_HAS(r("x /9y 0"), "a format is");
  EXPECT_HAS(r("x"), "needs an address");
  EXPECT_EQ(r("print /d 7 * 6"), "42\n");
  EXPECT_EQ(r("p 255"), "0xff = 255\n");
}

TEST(Monitor, ChangesRegistersAndPorts) {
  Rig r;
  EXPECT_EQ(r("set $ecx = 0x77"), "");
  EXPECT_EQ(r.machine.cpu().state().gpr[cpu::kRcx], 0x77u);
  EXPECT_HAS(r("set cr0 = 1"), "cannot be set here");
  EXPECT_EQ(r("o /b 0x70 0x0f"), "");
  EXPECT_EQ(r("o /b 0x71 0x5a"), "");
  EXPECT_EQ(r("i /b 0x71"), "portb [0071] = 0x5a\n");
  EXPECT_EQ(r.machine.journal().entries().size(), 4u) << "all of it is on record";
  EXPECT_HAS(r("i /b 0x10000"), "a port is");
}

TEST(Monitor, StopsStepsAndGoes) {
  Rig r;
  EXPECT_EQ(r("stop"), "");
  EXPECT_TRUE(r.debugger.stopped());
  EXPECT_EQ(r("stop"), "It stands already.\n");
  EXPECT_EQ(r("step 3"), "");
  r.debugger.run(1000);
  EXPECT_EQ(r.machine.ticks(), 3u);
  EXPECT_EQ(r("s"), "");
  r.debugger.run(1000);
  EXPECT_EQ(r.machine.ticks(), 4u);
  EXPECT_HAS(r("break pc"), "breakpoint 1 at linear");
  EXPECT_HAS(r("watch w 0x500 2"), "watchpoint 2");
  EXPECT_HAS(r("info b"), "watch writes of linear 00000500 (2 bytes), hit 0 times");
  EXPECT_EQ(r("delete 1"), "");
  EXPECT_HAS(r("delete 1"), "there is no breakpoint 1");
  EXPECT_EQ(r("delete all"), "");
  EXPECT_HAS(r("info breakpoints"), "There are no");
  EXPECT_EQ(r("c"), "");
  EXPECT_FALSE(r.debugger.stopped());
  EXPECT_HAS(r.monitor.execute("stop", Monitor::Caller::Gdb), "gdb decides");
}

TEST(Monitor, ShowsEveryTopicItLists) {
  Rig r;
  for (u64 tick = 2'000'000; tick < 100'000'000; tick += 1'000) {
    r.machine.run_until_tick(tick);
    if ((r.machine.cpu().state().cr0 & 1) == 0) break;
  }
  for (const InfoTopic& topic : info_topics()) {
    const std::string text = r("info " + std::string(topic.name));
    EXPECT_FALSE(text.empty()) << topic.name;
    EXPECT_TRUE(text.ends_with('\n')) << topic.name;
    EXPECT_EQ(text.find("there is no `info"), std::string::npos) << topic.name;
    EXPECT_HAS(r("info"), topic.name);
  }
  EXPECT_HAS(r("info registers"), "EAX=");
  EXPECT_HAS(r("info registers"), "real mode");
  EXPECT_HAS(r("info mem"), "Paging is off");
  EXPECT_HAS(r("info pci"), "8086:1237");
  EXPECT_HAS(r("info regsters"), "did you mean 'registers'?");
}

TEST(Monitor, PressesButtonsThroughTheGate) {
  Rig r;
  EXPECT_EQ(r("sendkey ctrl-alt-delete"), "");
  EXPECT_HAS(r("sendkey hyper-x"), "there is no key 'hyper'");
  EXPECT_EQ(r("mouse_move 3 -4"), "");
  EXPECT_EQ(r("mouse_button 1"), "");
  EXPECT_EQ(r("system_powerdown"), "");
  EXPECT_EQ(r("nmi"), "");
  EXPECT_HAS(r("eject nowhere"), "there is no drive 'nowhere'");
  EXPECT_HAS(r("change cdrom"), "change DRIVE FILE");
  r.machine.run_until_tick(100);
  EXPECT_GE(r.machine.journal().entries().size(), 10u);
  EXPECT_EQ(r("quit"), "");
  EXPECT_TRUE(r.quit);
}

TEST(Monitor, UnknownCommandsGetAHelpfulLine) {
  Rig r;
  EXPECT_HAS(r("inof"), "did you mean 'info'?");
  EXPECT_HAS(r("xyzzyplugh"), "`help` lists them");
  EXPECT_EQ(r(""), "");
  EXPECT_EQ(r("   "), "");
  EXPECT_HAS(r("help sendkey"), "sendkey KEYS");
  EXPECT_HAS(r("help c"), "cont");
  EXPECT_HAS(r("help nonsense"), "there is no command 'nonsense'");
  for (const Monitor::Command& command : Monitor::commands())
    EXPECT_HAS(r("help"), command.names.substr(0, command.names.find(' ')));
}

TEST(Monitor, ThePromptEditsLines) {
  std::string out;
  std::vector<std::string> lines;
  MonitorPrompt prompt(
      [&](std::string_view line) {
        lines.emplace_back(line);
        return std::string("done\n");
      },
      [&](std::string_view text) { out += text; }, true, [] {});
  const auto type = [&](std::string_view text) {
    prompt.input(std::span(reinterpret_cast<const u8*>(text.data()), text.size()));
  };
  prompt.begin();
  EXPECT_HAS(out, "(orrery) ");
  type("infx\x7fo\r\n\x15zz\x15stop\n\x1b[A\x1b[A\n\x1b[Bq\n");
  EXPECT_EQ(lines, (std::vector<std::string>{"info", "stop", "info", "q"}));
  EXPECT_HAS(out, "done\r\n(orrery) ");
  type(std::string(100'000, 'x') + "\n");
  EXPECT_LE(lines.back().size(), 4096u);
}

}  // namespace
}  // namespace orrery::frontend
