// The monitor's commands on a machine that stands or runs.
#include "frontend/monitor.h"
#include "machine/journal.h"

#include <gtest/gtest.h>

#include "frontend/monitor_expression.h"
#include "frontend/monitor_info.h"
#include "frontend/usage_error.h"
#include "tests/support/temporary_file.h"

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

TEST(Monitor, SavesNoMoreThanThereIs) {
  Rig r;
  EXPECT_HAS(r("memsave 0 0xffffffffffffffff /dev/null"), "give less");
  EXPECT_EQ(r("pmemsave 0 0x1000 /dev/null"), "");
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
  EXPECT_HAS(r("savevm x"), "keeps no snapshots");
  EXPECT_HAS(r("change cdrom"), "change DRIVE FILE");
  r.machine.run_until_tick(100);
  EXPECT_GE(r.machine.journal().entries().size(), 10u);
  EXPECT_EQ(r("quit"), "");
  EXPECT_TRUE(r.quit);
}

TEST(Monitor, ChangesMediaAndSaysWhatIsWrong) {
  const test::TemporaryFile floppy(std::vector<u8>(1'474'560, 0xf6)), crumb(std::vector<u8>(700, 1));
  machine::Config wanted = config();
  wanted.drives.push_back({{machine::Interface::Floppy, 0}, machine::Media::Disk, std::nullopt});
  wanted.drives.push_back({{machine::Interface::Ide, 2}, machine::Media::Cdrom, std::nullopt});
  machine::Machine machine(wanted);
  machine::Debugger debugger(machine);
  Monitor monitor(machine, debugger, {.quit = [] {}, .snapshot = true});
  const auto r = [&](const std::string& line) { return monitor.execute(line, Monitor::Caller::Person); };
  EXPECT_EQ(r("change fda " + floppy.path()), "");
  const auto medium = [&] { return machine.medium({machine::Interface::Floppy, 0}); };
  ASSERT_TRUE(medium());
  EXPECT_TRUE(medium()->snapshot) << "-snapshot holds for media that come later, too";
  EXPECT_HAS(r("change floppy0 /nonexistent/x"), "there is no such file");
  EXPECT_HAS(r("change floppy0 " + crumb.path()), "no floppy has 700 bytes");
  EXPECT_TRUE(medium()) << "what was refused does not throw out what is there";
  EXPECT_HAS(r("change cdrom " + crumb.path()), "not an ISO 9660 image");
  EXPECT_HAS(r("change floppy0 " + floppy.path() + " redonly"), "raw and read-only");
  EXPECT_EQ(r("change floppy0 " + floppy.path() + " read-only"), "");
  EXPECT_TRUE(medium()->readonly);
  EXPECT_EQ(r("eject floppy0"), "");
  EXPECT_FALSE(medium());
  EXPECT_HAS(r("eject hda"), "there is no drive 'hda': there are floppy0 and ide2");
}

TEST(Monitor, SpeaksBochsToo) {
  Rig r;
  r("stop");
  EXPECT_HAS(r("r"), "EAX=");
  EXPECT_HAS(r("creg"), "CR0=");
  EXPECT_EQ(r("creg"), r("info creg"));
  EXPECT_HAS(r("sreg"), "GDT=");
  EXPECT_HAS(r("dreg"), "DR7=");
  EXPECT_HAS(r("fpu"), "FCW=");
  EXPECT_HAS(r("mmx"), "MM7=");
  EXPECT_HAS(r("sse"), "XMM07=");
  EXPECT_HAS(r("vb f000:e05b"), "breakpoint 1 at linear 000fe05b");
  EXPECT_EQ(r("setpmem 0x1000 2 0x4241"), "");
  EXPECT_EQ(r("xp /2xb 0x1000"), "00001000: 0x41 0x42\n");
  EXPECT_HAS(r("setpmem 0x1000 3 0"), "1, 2, 4 or 8");
  EXPECT_HAS(r("page 0x1234"), "physical 00001234: paging is off");
  EXPECT_HAS(r("x /1i $eip"), "> fffffff0");
}

TEST(Monitor, NextRunsThroughCallsAndRepetitions) {
  Rig r;
  r("stop");
  // 0:7c00 call 7c08; nop ... 7c08: mov cx, 3; rep stosb; ret
  r("setmem 0x7c00 0xe8 5 0 0x90 0xf4 0 0 0 0xb9 3 0 0xf3 0xaa 0xc3");
  r.debugger.edit_processor([](cpu::Cpu& cpu) {
    cpu::State& s = cpu.state();
    s.seg[cpu::kCs].selector = 0;
    s.seg[cpu::kCs].base = 0;
    s.rip = 0x7c00;
    s.gpr[cpu::kRsp] = 0x7000;
    s.gpr[cpu::kRbp] = 0;
  });
  EXPECT_EQ(r("n"), "");
  r.debugger.run(1'000'000);
  EXPECT_EQ(r.debugger.pc(), 0x7c03u);
  EXPECT_EQ(r.machine.cpu().state().gpr[cpu::kRcx] & 0xffff, 0u) << "the call was executed";
  EXPECT_TRUE(r.debugger.points().empty()) << "its breakpoint is gone";
  EXPECT_HAS(r.monitor.describe(r.debugger.last_stop()), "> 00007c03");
  EXPECT_EQ(r("next"), "");
  r.debugger.run(1'000'000);
  EXPECT_EQ(r.debugger.pc(), 0x7c04u) << "what is no call is a step";
  r("stop");
  EXPECT_HAS(r.monitor.execute("next", Monitor::Caller::Gdb), "gdb decides");
}

TEST(Monitor, BacktraceFollowsTheFrames) {
  Rig r;
  r("stop");
  r("setmem 0x6000 0x10 0x60 0x34 0x12");
  r("setmem 0x6010 0 0 0x78 0x56");
  r.debugger.edit_processor([](cpu::Cpu& cpu) { cpu.state().gpr[cpu::kRbp] = 0x6000; });
  const std::string frames = r("bt");
  EXPECT_HAS(frames, "1234  frame at 00006000");
  EXPECT_HAS(frames, "5678  frame at 00006010");
  EXPECT_EQ(frames.find("#3"), std::string::npos);
}

TEST(Monitor, ScreensAndLogsGoToFiles) {
  Rig r;
  const test::TemporaryFile picture(std::vector<u8>(1)), log(std::vector<u8>(1));
  EXPECT_EQ(r("screendump " + picture.path() + " -f ppm"), "");
  EXPECT_EQ(picture.contents().at(0), 'P');
  EXPECT_EQ(r("screendump " + picture.path()), "");
  EXPECT_EQ(picture.contents().at(1), 'P') << "a PNG";
  EXPECT_EQ(r("logfile " + log.path()), "");
  EXPECT_EQ(r("log cpu_reset"), "");
  EXPECT_EQ(r("system_reset"), "");
  r.machine.run_until_tick(100);
  EXPECT_GT(log.contents().size(), 100u);
  EXPECT_HAS(r("logfile /nonexistent/x"), "cannot be written");
  EXPECT_EQ(r("log none"), "");
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
      [&](std::string_view text) { out += text; }, true);
  const auto type = [&](std::string_view text) {
    prompt.input(std::span(reinterpret_cast<const u8*>(text.data()), text.size()));
  };
  prompt.begin();
  EXPECT_HAS(out, "(orrery) ");
  type("infx\x7fo\r\n\x15zz\x15stop\n\x1b[A\x1b[A\n\x1b[Bq\n");
  EXPECT_EQ(lines, (std::vector<std::string>{"info", "stop", "info", "q"}));
  EXPECT_HAS(out, "done\r\n(orrery) ");
  prompt.announce("news\n");
  EXPECT_HAS(out, "news");
  prompt.leave();
  prompt.announce("unheard\n");
  EXPECT_EQ(out.find("unheard"), std::string::npos) << "nobody looks";
  prompt.enter();
  type(std::string(100'000, 'x') + "\n");
  EXPECT_LE(lines.back().size(), 4096u);
}

}  // namespace
}  // namespace orrery::frontend
