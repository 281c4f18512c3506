// hostile_input [--seed N] [--runs N] [--seconds S]: what comes from the host and means harm, or is only damaged.
//
// Each run is made of its seed: a client of the gdb server and one of the monitor who send packets and lines, right
// ones, mutilated ones and garbage, in pieces, and come and go while the machine runs and stands; then options, test
// scripts, journals, kernels and images with bytes changed, cut off and repeated. A run passes if the program lives,
// comes to its end in time, and complains, if it does, in one line. Build it with the sanitizers (cmake --preset asan)
// to see more.
//
// The seed of each run is printed before it begins: --seed N --runs 1 repeats it.
#include <fmt/format.h>

#include <string>
#include <string_view>

#include "frontend/gdb_stub.h"
#include "frontend/image_detect.h"
#include "frontend/monitor.h"
#include "frontend/options.h"
#include "frontend/png.h"
#include "frontend/test_script.h"
#include "hw/kernel_image.h"
#include "machine/journal.h"
#include "tests/fuzz/campaign.h"
#include "tests/fuzz/hostile_code.h"
#include "tests/support/temporary_file.h"

namespace orrery::fuzz {
namespace {

using namespace frontend;

constexpr Campaign kLimits{.run_seconds = 120,
                           .memory_kib = 2L << 20,
                           .too_greedy = "input has made the program take more memory than it is worth"};

bool passed = true;
u64 seed_now = 0;

void fail(std::string_view what) {
  fmt::print(stderr, "\nseed {}: {}\n", seed_now, what);
  passed = false;
}

std::span<const u8> as_bytes(std::string_view text) { return {reinterpret_cast<const u8*>(text.data()), text.size()}; }
std::vector<u8> to_vector(std::string_view text) { return {text.begin(), text.end()}; }

/// A number that is at the edge of something more often than not, as people and programs write it.
std::string number(Random& random, bool hex) {
  static constexpr u64 kEdges[] = {0,          1,          2,          7,          8,          0xff,       0x100,
                                   0xfff,      0x1000,     0x7c00,     0xa0000,    0xf0000,    0xfffff,    0x100000,
                                   0x3fffff,   0x400000,   0x7fffffff, 0x80000000, 0xfee00000, 0xfffffff0, 0xffffffff,
                                   1ull << 32, 1ull << 52, 1ull << 63, ~0ull};
  u64 value = random.chance(70) ? random.of(kEdges) : random.bits() >> random.below(64);
  if (random.chance(20)) value += random.below(5) - 2;
  return hex ? fmt::format("{:x}", value) : random.chance(50) ? fmt::format("{:#x}", value) : fmt::format("{}", value);
}

/// "%" in a pattern becomes a number.
std::string fill(Random& random, std::string_view pattern, bool hex) {
  std::string out;
  for (const char c : pattern) {
    if (c == '%') {
      out += number(random, hex);
    } else {
      out += c;
    }
  }
  return out;
}

/// Changes, drops, repeats and inserts.
std::string mutilate(Random& random, std::string text) {
  for (u64 n = 1 + random.below(4); n > 0; --n) {
    const std::size_t at = text.empty() ? 0 : random.below(text.size());
    const std::size_t length = text.empty() ? 0 : 1 + random.below(std::min<u64>(text.size() - at, 64));
    switch (random.below(7)) {
      case 0: text.resize(at); break;
      case 1: text.erase(at, length); break;
      case 2: text.insert(at, text.substr(at, length)); break;
      case 3: text.insert(at, 1 + random.below(200), static_cast<char>(random.bits())); break;
      case 4:
        for (std::size_t i = at; i < at + length; ++i) text[i] = static_cast<char>(random.bits());
        break;
      case 5:
        if (!text.empty()) text[at] = static_cast<char>(text[at] ^ (1 << random.below(8)));
        break;
      default: {
        static constexpr u8 kBytes[] = {0, 1, 0x7f, 0x80, 0xff};
        for (std::size_t i = at; i < at + std::min<std::size_t>(length, 8); ++i)
          text[i] = static_cast<char>(random.of(kBytes));
      }
    }
  }
  return text;
}

// --- gdb and the monitor -------------------------------------------------------------------------------------------

constexpr std::string_view kPackets[] = {
    "?",
    "g",
    "G%",
    "p%",
    "P%=%",
    "m%,%",
    "x%,%",
    "M%,1:00",
    "M%,%:%",
    "X%,2:ab",
    "X%,%:",
    "c",
    "c%",
    "C05",
    "C05;%",
    "s",
    "s%",
    "S05;%",
    "vCont?",
    "vCont;c",
    "vCont;s:1",
    "vCont;C05:1;s:2",
    "vCont;r%,%:1",
    "vCont;r%",
    "vCont;",
    "vCont",
    "Z0,%,1",
    "Z1,%,%",
    "Z2,%,%",
    "Z3,%,4",
    "Z4,%,1",
    "z0,%,1",
    "z2,%,%",
    "Z9,1,1",
    "Z",
    "Hg0",
    "Hc%",
    "T%",
    "D",
    "R00",
    "!",
    "qSupported:swbreak+;hwbreak+",
    "qXfer:features:read:target.xml:%,%",
    "qXfer:threads:read::%,%",
    "qXfer:memory-map:read::%,%",
    "qXfer:",
    "qC",
    "qfThreadInfo",
    "qThreadExtraInfo,1",
    "qAttached:%",
    "qSymbol::",
    "qqemu.PhyMemMode",
    "Qqemu.PhyMemMode:1",
    "Qqemu.PhyMemMode:0",
    "Qqemu.sstep=%",
    "QStartNoAckMode",
    "vMustReplyEmpty",
    "bs",
    "bc",
    "qRcmd,%",
};

constexpr std::string_view kLines[] = {
    "help",
    "help x",
    "info",
    "info registers",
    "info mem",
    "info tlb",
    "info gdt",
    "info breakpoints",
    "info %",
    "x/%xb %",
    "x /20i %",
    "x/s %",
    "xp/16xw %",
    "xp/%xg %",
    "u /% %",
    "print % + % * %",
    "print/x $eax",
    "p % / %",
    "p % << %",
    "p -(~%)",
    "setmem % % %",
    "set $eax = %",
    "set eip = %",
    "i/b %",
    "i/w %",
    "o/b % %",
    "o/w % %",
    "memsave % 4096 /dev/null",
    "pmemsave % % /dev/null",
    "stop",
    "cont",
    "step",
    "step %",
    "break %",
    "pb %",
    "watch % %",
    "watch r %",
    "watch a % 8",
    "delete %",
    "delete all",
    "system_reset",
    "nmi",
    "sendkey ctrl-alt-delete",
    "sendkey %",
    "mouse_move % %",
    "mouse_button %",
    "eject %",
    "eject -f floppy0",
    "log all",
    "log none",
    "b cs:eip",
    "x %:%",
    "info pci",
    "info mtree",
    "info pic",
    "info irq",
    "info block",
};

std::string monitor_line(Random& random) {
  std::string line = fill(random, random.of(kLines), false);
  // A line that names a file is left as it is: the next name could be anybody's.
  if (random.chance(25) && line.find('/') == std::string::npos) line = mutilate(random, line);
  static constexpr std::string_view kFiles[] = {"memsave", "pmemsave", "screendump", "change"};
  for (const std::string_view word : kFiles) {
    if (line.find(word) != std::string::npos && !line.ends_with("/dev/null")) return "help";
  }
  return line;
}

void clients(Random& random) {
  machine::Config config;
  config.memory = 4 << 20;
  config.board = random.chance(80) ? machine::Board::Pc : machine::Board::IsaPc;
  core::Log log;
  log.set_sink([](std::string_view) {});
  machine::Host host;
  host.log = &log;
  host.report = [](std::string_view) {};
  machine::Machine machine(config, host);
  machine::Debugger debugger(machine);
  u64 sent = 0;
  Monitor monitor(machine, debugger, {[] {}});
  GdbStub::Options options;
  options.pc = random.chance(50) ? GdbPc::Raw : GdbPc::Linear;
  GdbStub stub(machine, debugger, options,
               {[&](std::string_view text) { sent += text.size(); },
                [&](std::string_view line) { return monitor.execute(line, Monitor::Caller::Gdb); }, [] {}});
  MonitorPrompt prompt([&](std::string_view line) { return monitor.execute(line, Monitor::Caller::Person); },
                       [&](std::string_view text) { sent += text.size(); }, random.chance(50));
  debugger.on_stop([&](const machine::Debugger::Stop& stop) { prompt.announce(monitor.describe(stop)); });
  stub.connected();
  for (unsigned step = 0; step < 150; ++step) {
    std::string out;
    for (u64 n = random.below(4); n > 0; --n) {
      std::string packet = fill(random, random.of(kPackets), true);
      if (packet.starts_with("qRcmd,")) {
        packet = "qRcmd,";
        for (const char c : monitor_line(random)) packet += fmt::format("{:02x}", static_cast<u8>(c));
      } else if (random.chance(25)) {
        packet = mutilate(random, packet);
      }
      std::string frame = gdb_frame(packet);
      if (random.chance(10) && !packet.starts_with("qRcmd,")) frame = mutilate(random, frame);
      out += frame;
      if (random.chance(10)) out += random.chance(50) ? '\3' : '-';
    }
    if (random.chance(2)) out += std::string(40'000, static_cast<char>(random.bits()));
    // In pieces, as sockets give them.
    while (!out.empty()) {
      const std::size_t length = random.chance(70) ? out.size() : 1 + random.below(out.size());
      stub.receive(as_bytes(out).first(length));
      out.erase(0, length);
    }
    if (random.chance(40)) prompt.input(as_bytes(monitor_line(random) + "\n"));
    if (random.chance(3)) prompt.input(as_bytes(mutilate(random, "\33[A\33[B\x15\x7f\r\n")));
    if (random.chance(5)) stub.disconnected();
    if (random.chance(8)) stub.connected();
    if (random.chance(60)) debugger.run(machine.ticks() + 1 + random.below(3000));
  }
  stub.disconnected();
}

// --- texts and files -----------------------------------------------------------------------------------------------

/// Calls `what`, which may only complain by an exception of one line.
template <class F> void complain(std::string_view about, F what) {
  try {
    what();
  } catch (const std::bad_alloc&) {
    fail(fmt::format("{} wants more memory than there is", about));
  } catch (const std::exception& error) {
    // Line breaks of the input itself may be in it.
    if (std::string_view(error.what()).empty()) fail(fmt::format("{} is refused without a word", about));
  }
}

void options(Random& random) {
  static const std::vector<std::string> kValues = {"",
                                                   "help",
                                                   "1",
                                                   "-1",
                                                   "0",
                                                   "99999999999999999999",
                                                   "64M",
                                                   "raw",
                                                   "a,b=c",
                                                   "=,=,=",
                                                   "file=x,,y",
                                                   "on",
                                                   "none",
                                                   "tcp::1,server,nowait",
                                                   "std",
                                                   "order=cad,menu=on",
                                                   "x=on",
                                                   "acd",
                                                   "id=x",
                                                   "null,id=a",
                                                   "chardev:a",
                                                   "pentium2,+mmx,-fpu",
                                                   "stdio",
                                                   "base=2000-02-30",
                                                   "sdl",
                                                   "int,mmu",
                                                   "isa-debug-exit,iobase=0xffff,iosize=4",
                                                   "if=none,id=x,file=y",
                                                   "ide-hd,drive=x,bus=ide.1"};
  std::vector<std::string> words;
  const auto table = option_table();
  for (u64 n = 1 + random.below(6); n > 0; --n) {
    const OptionSpec& spec = table[random.below(table.size())];
    std::string name(spec.names.substr(0, spec.names.find(' ')));
    if (random.chance(10)) name = mutilate(random, name);
    words.push_back((random.chance(20) ? "--" : "-") + name);
    if (spec.argument.empty() && random.chance(90)) continue;
    std::string value = kValues[random.below(kValues.size())];
    if (random.chance(30)) value = mutilate(random, value);
    if (random.chance(20)) {
      words.back() += "=" + value;
    } else {
      words.push_back(value);
    }
  }
  OptionContext context;
  context.look_at_images = false;
  complain("a list of options", [&] { static_cast<void>(explain(parse_options(words, context))); });
}

void script(Random& random) {
  static constexpr std::string_view kScript =
      "machine -m 8 -fda \"${IMAGE}\"; set X=\"a b\"\n"
      "test \"boots # not a comment\"  # a comment\n"
      "wait text /^A:\\\\>[a-z]{1,3}(x|y)*$/i 20s\n"
      "expect no text \"\\x41\\n\"; expect mode 80x25\n"
      "type \"dir /w\\n\"; key ctrl-alt-delete; press a; release a\n"
      "mouse move 10 -5; mouse click left; mouse wheel -1\n"
      "expect mem 0x7c00 == \"\\xeb\\x3c\"; expect reg eax & 0xff >= 12\n"
      "expect pixel 1 2 #ff00ff tolerance 3; wait still 1s 1min\n"
      "expect screenshot x.png area 0 0 9 16 tolerance 2 differ 10\n"
      "run 500ms; run to 1000000; print hash; expect cursor 1 2\n"
      "skip unless file nowhere; timeout 5s; exit 3\n";
  complain("a script", [&] {
    static_cast<void>(parse_script("fuzz.t", mutilate(random, std::string(kScript)), {{"IMAGE", "a.img"}}));
  });
}

std::string journal_bytes() {
  machine::Config config;
  config.memory = 4 << 20;
  machine::Journal journal(config);
  journal.add_mark({"bios", 3, 5});
  journal.append({1, machine::Input(machine::SerialInput{0, {1, 2, 3}})});
  journal.append({10, machine::Checkpoint{77}});
  journal.append({20, machine::Input(machine::ResetButton{})});
  journal.append({30, machine::RunEnd{88}});
  const std::vector<u8> bytes = journal.to_bytes();
  return {bytes.begin(), bytes.end()};
}

std::string linux_kernel() {
  std::string k(16384, '\0');
  k[0x1f1] = 4;
  k[0x1f5] = 1;
  k.replace(0x1fe, 2, "\x55\xaa");
  k.replace(0x202, 4, "HdrS");
  k[0x206] = 0x0f;
  k[0x207] = 2;
  k[0x211] = 1;
  k[0x22f] = 0x37;
  k[0x239] = 8;
  k[0x25b] = 1;
  return k;
}

std::string multiboot_kernel() {
  std::string k(8192, '\0');
  const auto put = [&](std::size_t at, u32 value) { core::store_le<u32>(reinterpret_cast<u8*>(&k[at]), value); };
  k.replace(0, 7, "\177ELF\1\1\1");
  put(16, 0x00030002);
  put(24, 0x100000);
  put(28, 52);
  put(40, 0x00200034);
  put(44, 2);
  for (u32 i = 0; i < 2; ++i) {
    const u32 fields[] = {1, 0x1000 * i, 0x100000 + 0x1000 * i, 0x100000 + 0x1000 * i, 0x1000, 0x2000, 7, 0};
    for (u32 f = 0; f < 8; ++f) put(52 + 32 * i + 4 * f, fields[f]);
  }
  put(0x400, 0x1badb002);
  put(0x404, 0);
  put(0x408, 0u - 0x1badb002u);
  return k;
}

std::string cd_image() {
  std::string cd(24 * 2048, '\0');
  cd.replace(16 * 2048, 6, "\1CD001");
  cd[16 * 2048 + 80] = 24;
  cd[16 * 2048 + 129] = 8;
  cd.replace(17 * 2048 + 1, 5, "CD001");
  cd.replace(17 * 2048 + 7, 23, "EL TORITO SPECIFICATION");
  cd[18 * 2048] = '\xff';
  cd.replace(18 * 2048 + 1, 5, "CD001");
  return cd;
}

std::string partitioned() {
  std::string disk(64 * 1024, '\0');
  disk.replace(510, 2, "\x55\xaa");
  disk[0x1be] = '\x80';
  disk[0x1be + 4] = 6;
  disk[0x1be + 8] = 63;
  disk[0x1be + 12] = 60;
  return disk;
}

/// Headers are what is looked at: that is where most of the damage is done.
std::string damaged(Random& random, const std::string& whole) {
  if (random.chance(15)) return mutilate(random, whole);
  const std::size_t head = random.chance(60) ? std::min<std::size_t>(whole.size(), 0x500) : whole.size();
  std::string front = whole.substr(0, head);
  for (u64 n = 1 + random.below(6); n > 0; --n) {
    const std::size_t at = random.below(front.size());
    static constexpr u8 kBytes[] = {0, 1, 0x7f, 0x80, 0xff};
    for (std::size_t i = at; i < std::min(front.size(), at + (1u << random.below(4))); ++i)
      front[i] = static_cast<char>(random.chance(50) ? random.of(kBytes) : random.bits());
  }
  return front + whole.substr(head);
}

void files(Random& random) {
  static const std::string kJournal = journal_bytes();
  static const std::string kKernels[] = {linux_kernel(), multiboot_kernel()};
  static const std::string kImages[] = {linux_kernel(), multiboot_kernel(), cd_image(), partitioned()};
  const std::string journal = mutilate(random, kJournal);
  complain("a journal", [&] { machine::JournalReader{as_bytes(journal)}; });

  hw::KernelRequest request;
  request.kernel = to_vector(damaged(random, random.of(kKernels)));
  request.name = "kernel";
  request.command_line = random.chance(50) ? "" : fill(random, "vga=% a=b", false);
  if (random.chance(50)) request.modules.push_back({std::vector<u8>(random.below(10'000)), "module"});
  request.low_ram = (1 + random.below(64)) << 20;
  request.low_ram_limit = 0xc0000000;
  complain("a kernel", [&] { static_cast<void>(hw::plan_kernel(request)); });

  const test::TemporaryFile file(to_vector(damaged(random, random.of(kImages))));
  complain("an image", [&] { static_cast<void>(detect_image(file.path())); });
  for (const ImageKind kind : {ImageKind::Floppy, ImageKind::Disk, ImageKind::Cdrom}) {
    complain("a medium", [&] { check_medium(file.path(), kind, false); });
  }
  complain("a kernel file", [&] { check_kernel(file.path()); });
  complain("a picture", [&] { static_cast<void>(read_png(file.path())); });
}

bool run(u64 seed) {
  seed_now = seed;
  passed = true;
  Random random(seed);
  clients(random);
  for (unsigned n = 0; n < 40; ++n) {
    options(random);
    script(random);
    files(random);
  }
  return passed;
}

int main(int argc, char** argv) { return campaign(argc, argv, kLimits, run); }

}  // namespace
}  // namespace orrery::fuzz

int main(int argc, char** argv) { return orrery::fuzz::main(argc, argv); }
