#include "frontend/monitor.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "cpu/disassembler.h"
#include "frontend/key_values.h"
#include "frontend/monitor_expression.h"
#include "frontend/monitor_info.h"
#include "frontend/near.h"
#include "frontend/register_names.h"
#include "frontend/usage_error.h"

namespace orrery::frontend {
namespace {

using machine::Debugger;
using Kind = cpu::DebugPoint::Kind;
using Space = Debugger::Space;
using Words = std::vector<std::string>;

constexpr u64 kMostBytes = 1 << 20;       // that one command shows
constexpr u64 kMostSaved = u64{1} << 32;  // that one command writes to a file

Words split(std::string_view line) {
  Words words;
  std::string word;
  bool quoted = false, any = false;
  for (const char c : line) {
    if (c == '"') {
      quoted = !quoted;
      any = true;
    } else if (!quoted && (c == ' ' || c == '\t' || c == '\r' || c == '\n')) {
      if (any || !word.empty()) words.push_back(std::move(word));
      word.clear();
      any = false;
    } else {
      word += c;
    }
  }
  if (any || !word.empty()) words.push_back(std::move(word));
  return words;
}

std::string joined(const Words& words, std::size_t from = 0) {
  std::string out;
  for (std::size_t n = from; n < words.size(); ++n) out += (n == from ? "" : " ") + words[n];
  return out;
}

/// "/4xw" and the like, as gdb's x.
struct Format {
  u64 count = 1;
  char form = 'x';  // x d u o c i s
  unsigned size = 4;
};

Format parse_format(std::string_view text, Format format) {
  if (text.empty()) return format;
  std::size_t digits = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') ++digits;
  if (digits != 0) {
    const auto count = parse_number(text.substr(0, digits));
    if (!count || *count == 0 || *count > kMostBytes) usage_error("/{}: give a count from 1 to {}", text, kMostBytes);
    format.count = *count;
  }
  for (const char c : text.substr(digits)) {
    switch (c) {
      case 'b': format.size = 1; break;
      case 'h': format.size = 2; break;
      case 'w': format.size = 4; break;
      case 'g': format.size = 8; break;
      case 'x':
      case 'd':
      case 'u':
      case 'o':
      case 'c':
      case 'i':
      case 's': format.form = c; break;
      default:
        usage_error("/{}: a format is a count, one of x d u o c i s, and one of b h w g for 1, 2, 4, 8 bytes", text);
    }
  }
  return format;
}

std::string formatted(u64 value, const Format& f) {
  const unsigned bits = f.size * 8;
  const u64 masked = core::bits(value, bits - 1, 0);
  switch (f.form) {
    case 'd': return fmt::format("{}", static_cast<i64>(masked << (64 - bits)) >> (64 - bits));
    case 'u': return fmt::format("{}", masked);
    case 'o': return fmt::format("{:#o}", masked);
    case 'c': {
      const char c = static_cast<char>(masked);
      return c >= ' ' && c <= '~' ? fmt::format("'{}'", c) : fmt::format("'\\x{:02x}'", masked & 0xff);
    }
    default: return fmt::format("0x{:0{}x}", masked, f.size * 2);
  }
}

/// QEMU's commands for what this version does not have.
constexpr std::pair<std::string_view, std::string_view> kMissing[] = {
    {"savevm", "this version keeps no snapshots; -record keeps a run"},
    {"loadvm", "this version keeps no snapshots; `orrery replay` repeats a recorded run"},
    {"delvm", "this version keeps no snapshots"},
    {"commit", "changes under -snapshot cannot be kept; start without it"},
    {"gdbserver", "give -gdb (or -s) at the start"},
    {"boot_set", "give -boot at the start"},
    {"device_add", "devices are chosen at the start, with -device"},
    {"device_del", "devices are chosen at the start, with -device"},
    {"migrate", "machines do not migrate"},
};

constexpr std::string_view kCannotGo = "gdb decides over stopping and going: use its continue, stepi and Ctrl-C\n";

}  // namespace

std::span<const Monitor::Command> Monitor::commands() {
  static constexpr Command kCommands[] = {
      {"help ?", "[COMMAND]", "this list", &Monitor::help},
      {"info", "[TOPIC]", "show something; alone: what there is", &Monitor::info},
      {"x", "/FMT ADDRESS", "show linear memory: /4xw, /20i, /s ...", &Monitor::examine},
      {"xp", "/FMT ADDRESS", "show physical memory", &Monitor::examine_physical},
      {"u disasm", "[/COUNT] [ADDRESS]", "disassemble", &Monitor::disassemble},
      {"print p calc", "/FMT EXPRESSION", "the value of an expression", &Monitor::print},
      {"setmem", "ADDRESS BYTE...", "change linear memory", &Monitor::set_memory},
      {"setpmem", "ADDRESS SIZE VALUE", "change 1, 2, 4 or 8 bytes of physical memory", &Monitor::set_physical},
      {"set", "REGISTER = VALUE", "change a general register, eip or eflags", &Monitor::set_register},
      {"i", "/FMT PORT", "read a port: /b, /h or /w", &Monitor::port_in},
      {"o", "/FMT PORT VALUE", "write a port", &Monitor::port_out},
      {"page gva2gpa", "ADDRESS", "where a linear address lies in physical memory", &Monitor::translate},
      {"bt", "[COUNT]", "the calls that led here, if the code keeps frames in EBP", &Monitor::backtrace},
      {"r regs", "", "registers; also creg, sreg, dreg, fpu, mmx, sse", &Monitor::show_topic},
      {"creg", "", "control registers", &Monitor::show_topic},
      {"sreg", "", "segment registers", &Monitor::show_topic},
      {"dreg", "", "debug registers", &Monitor::show_topic},
      {"fpu", "", "x87 registers", &Monitor::show_topic},
      {"mmx", "", "MMX registers", &Monitor::show_topic},
      {"sse", "", "XMM registers", &Monitor::show_topic},
      {"memsave", "ADDRESS SIZE FILE", "linear memory to a file", &Monitor::save_memory},
      {"pmemsave", "ADDRESS SIZE FILE", "physical memory to a file", &Monitor::save_physical},
      {"stop", "", "stop the machine", &Monitor::stop},
      {"cont c", "", "let it go on", &Monitor::go},
      {"step s stepi si", "[COUNT]", "execute instructions", &Monitor::step},
      {"next n nexti ni", "", "execute one; a call, an interrupt or a repetition as a whole", &Monitor::step_over},
      {"break b lb vb pb", "ADDRESS", "stop before an instruction; pb: physical address", &Monitor::break_at},
      {"watch", "[r|w|a] ADDRESS [LENGTH]", "stop after a read, write (default) or any access", &Monitor::watch},
      {"delete d del", "NUMBER|all", "remove a breakpoint or watchpoint (info breakpoints)", &Monitor::remove},
      {"system_reset", "", "the reset button", &Monitor::reset},
      {"system_powerdown", "", "the power button", &Monitor::power_button},
      {"nmi", "", "the NMI button", &Monitor::nmi},
      {"sendkey", "KEYS", "press keys: sendkey ctrl-alt-delete", &Monitor::send_key},
      {"mouse_move", "DX DY [DZ]", "move the mouse, turn its wheel", &Monitor::mouse_move},
      {"mouse_button", "MASK", "buttons that are down: 1 left, 2 right, 4 middle", &Monitor::mouse_button},
      {"screendump", "FILE", "the picture, as PNG or, if the name ends in .ppm, PPM", &Monitor::screen_dump},
      {"change", "DRIVE FILE [raw] [read-only]", "put a medium in: change cdrom disc.iso", &Monitor::change},
      {"eject", "[-f] DRIVE", "take it out", &Monitor::eject},
      {"log", "CHANNEL,...|all|none", "what is logged, as -d", &Monitor::log},
      {"logfile", "FILE", "where the log goes", &Monitor::log_file},
      {"quit q exit", "", "end Orrery", &Monitor::quit},
  };
  return kCommands;
}

std::string Monitor::execute(std::string_view line, Caller caller) {
  caller_ = caller;
  try {
    Words words = split(line);
    if (words.empty()) return {};
    // "x /4i", "x/4i" and "info" are all one command and its words.
    command_ = words[0];
    words.erase(words.begin());
    if (const std::size_t slash = command_.find('/'); slash != std::string::npos && slash != 0) {
      words.insert(words.begin(), command_.substr(slash));
      command_.erase(slash);
    }
    std::vector<std::string_view> names;
    for (const Command& command : commands()) {
      std::string_view left = command.names;
      while (!left.empty()) {
        const std::string_view name = left.substr(0, left.find(' '));
        left.remove_prefix(std::min(left.size(), name.size() + 1));
        if (name == command_) return (this->*command.run)(std::move(words));
        if (name.size() > 2) names.push_back(name);
      }
    }
    for (const auto& [word, why] : kMissing) {
      if (word == command_) return fmt::format("{}: {}\n", word, why);
    }
    const std::vector<std::string_view> near = near_words(command_, names, 1);
    return near.empty()
               ? fmt::format("unknown command '{}': `help` lists them\n", command_)
               : fmt::format("unknown command '{}': did you mean '{}'? `help` lists them\n", command_, near[0]);
  } catch (const std::exception& error) {
    return fmt::format("{}\n", error.what());
  }
}

std::string Monitor::describe(const Debugger::Stop& stop) const {
  using Cause = Debugger::Stop::Cause;
  std::string out;
  switch (stop.cause) {
    case Cause::Pause: out = "stopped"; break;
    case Cause::Step: break;
    case Cause::Ended: out = stop.result.message; break;
    case Cause::Point:
      if (stop.id == passed_) break;  // the end of a `next`
      if (stop.point.kind == Kind::Execute) {
        out = fmt::format("breakpoint {}", stop.id);
      } else {
        out = fmt::format("watchpoint {}: {:08x} was touched by the instruction before", stop.id, stop.address);
      }
  }
  if (!out.empty()) out += fmt::format(" at tick {}\n", machine_.ticks());
  return out + code_listing(machine_, debugger_, debugger_.pc(), 1);
}

u64 Monitor::number(std::string_view text) const { return evaluate(machine_.cpu(), text); }

void Monitor::post(machine::Input input) {
  if (debugger_.read_only()) usage_error("a recording is replayed: nothing can be changed");
  machine_.post(std::move(input));
}

// --- looking ---------------------------------------------------------------------------------------------------------

std::string Monitor::help(Words words) {
  std::string out;
  for (const Command& command : commands()) {
    if (!words.empty() && (" " + std::string(command.names) + " ").find(" " + words[0] + " ") == std::string::npos)
      continue;
    std::string left(command.names.substr(0, command.names.find(' ')));
    if (!command.arguments.empty()) left += (command.arguments[0] == '/' ? "" : " ") + std::string(command.arguments);
    out += fmt::format("{:34} {}\n", left, command.help);
    if (words.empty()) continue;
    if (command.names.find(' ') != std::string_view::npos)
      out += fmt::format("also: {}\n", command.names.substr(command.names.find(' ') + 1));
  }
  return out.empty() ? fmt::format("there is no command '{}': `help` lists them\n", words[0]) : out;
}

std::string Monitor::info(Words words) {
  if (!words.empty()) return info_text(machine_, debugger_, words[0], joined(words, 1));
  std::string out;
  for (const InfoTopic& topic : info_topics()) out += fmt::format("info {:14} {}\n", topic.name, topic.help);
  return out;
}

std::string Monitor::print(Words words) {
  Format f{.count = 1, .form = 'x', .size = 8};
  bool told = false;
  if (!words.empty() && words[0].starts_with('/')) {
    f = parse_format(std::string_view(words[0]).substr(1), f);
    words.erase(words.begin());
    told = true;
  }
  if (words.empty()) usage_error("print what? For example: print $eax + 4");
  const std::string text = joined(words);
  const u64 value = text.find(':') == std::string::npos ? number(text) : evaluate_address(machine_.cpu(), text);
  if (told && f.form != 'x') return formatted(value, f) + "\n";
  return told ? fmt::format("{:#x}\n", core::bits(value, f.size * 8 - 1, 0))
              : fmt::format("{:#x} = {}\n", value, value);
}

std::string Monitor::examine(Words words) { return examine_in(Space::Linear, words); }
std::string Monitor::examine_physical(Words words) { return examine_in(Space::Physical, words); }

std::string Monitor::examine_in(Space space, const Words& words) {
  Format f;
  std::size_t at = 0;
  if (!words.empty() && words[0].starts_with('/')) f = parse_format(std::string_view(words[at++]).substr(1), f);
  if (at >= words.size()) usage_error("{} needs an address, for example: {} /16xb 0x7c00", command_, command_);
  u64 address =
      space == Space::Linear ? evaluate_address(machine_.cpu(), joined(words, at)) : number(joined(words, at));
  if (f.form == 'i') {
    if (space == Space::Physical) usage_error("xp shows no instructions: use x /i with a linear address");
    return code_listing(machine_, debugger_, address, static_cast<unsigned>(std::min<u64>(f.count, 1000)));
  }
  std::string out;
  if (f.form == 's') {
    for (u64 n = 0; n < f.count; ++n) {
      out += fmt::format("{:08x}: \"", address);
      for (unsigned length = 0; length < 4096; ++length) {
        u8 byte = 0;
        if (debugger_.read(space, address, std::span(&byte, 1)) == 0) return out + "\" no memory\n";
        ++address;
        if (byte == 0) break;
        out += byte >= ' ' && byte <= '~' ? std::string(1, static_cast<char>(byte)) : fmt::format("\\x{:02x}", byte);
      }
      out += "\"\n";
    }
    return out;
  }
  if (f.form == 'c') f.size = 1;
  const u64 in_line = f.form == 'c' ? 8 : 16 / f.size;
  for (u64 n = 0; n < f.count; ++n) {
    std::array<u8, 8> bytes{};
    if (n % in_line == 0) out += fmt::format("{}{:08x}:", n == 0 ? "" : "\n", address);
    if (debugger_.read(space, address, std::span(bytes).first(f.size)) != f.size) return out + " no memory\n";
    out += " " + formatted(core::load_le<u64>(bytes.data()), f);
    address += f.size;
  }
  return out + "\n";
}

std::string Monitor::disassemble(Words words) {
  Format f{.count = 10, .form = 'i', .size = 4};
  if (!words.empty() && words[0].starts_with('/')) {
    f = parse_format(std::string_view(words[0]).substr(1), f);
    words.erase(words.begin());
  }
  const u64 address = words.empty() ? debugger_.pc() : evaluate_address(machine_.cpu(), joined(words));
  return code_listing(machine_, debugger_, address, static_cast<unsigned>(std::min<u64>(f.count, 1000)));
}

std::string Monitor::show_topic(Words) {
  return info_text(machine_, debugger_, command_ == "r" || command_ == "regs" ? "registers" : command_, "");
}

std::string Monitor::translate(Words words) {
  if (words.empty()) usage_error("{} ADDRESS, for example: {} 0xc0100000", command_, command_);
  return translation_text(machine_, debugger_, evaluate_address(machine_.cpu(), joined(words)));
}

std::string Monitor::backtrace(Words words) {
  const u64 count = words.empty() ? 20 : std::min<u64>(number(joined(words)), 1000);
  return call_frames(machine_, debugger_, static_cast<unsigned>(count));
}

std::string Monitor::save_memory(Words words) { return save_in(Space::Linear, words); }
std::string Monitor::save_physical(Words words) { return save_in(Space::Physical, words); }

std::string Monitor::save_in(Space space, const Words& words) {
  if (words.size() != 3) usage_error("{} ADDRESS SIZE FILE", command_);
  u64 address = number(words[0]);
  const u64 size = number(words[1]);
  if (size > kMostSaved) usage_error("{} is more than the 4 GiB of all addresses: give less", words[1]);
  std::FILE* file = std::fopen(words[2].c_str(), "wb");
  if (file == nullptr) usage_error("'{}' cannot be written: {}", words[2], std::strerror(errno));
  u64 done = 0;
  bool good = true;
  std::array<u8, 4096> bytes;
  while (good && done < size) {
    const std::size_t want = static_cast<std::size_t>(std::min<u64>(bytes.size(), size - done));
    const std::size_t there = debugger_.read(space, address + done, std::span(bytes).first(want));
    good = std::fwrite(bytes.data(), 1, there, file) == there && there == want;
    done += there;
  }
  if (std::fclose(file) != 0) usage_error("'{}' cannot be written: {}", words[2], std::strerror(errno));
  if (!good) return fmt::format("only {} bytes could be saved\n", done);
  return {};
}

// --- changing --------------------------------------------------------------------------------------------------------

std::string Monitor::set_memory(Words words) {
  if (words.size() < 2) usage_error("setmem ADDRESS BYTE..., for example: setmem 0x7c00 0xeb 0xfe");
  std::vector<u8> bytes;
  for (std::size_t n = 1; n < words.size(); ++n) {
    const u64 value = number(words[n]);
    if (value > 255) usage_error("{} is no byte", words[n]);
    bytes.push_back(static_cast<u8>(value));
  }
  if (debugger_.read_only()) usage_error("a recording is replayed: nothing can be changed");
  const u64 address = evaluate_address(machine_.cpu(), words[0]);
  const std::size_t done = debugger_.write(Space::Linear, address, bytes);
  return done == bytes.size() ? std::string()
                              : fmt::format("only {} of {} bytes are memory that can be written\n", done, bytes.size());
}

std::string Monitor::set_register(Words words) {
  std::string text = joined(words);
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos) usage_error("set REGISTER = VALUE, for example: set $eax = 5");
  std::string name = text.substr(0, equals);
  std::erase_if(name, [](char c) { return c == ' ' || c == '$'; });
  const u64 value = number(text.substr(equals + 1));
  static constexpr std::string_view kNames[] = {"eax", "ecx", "edx", "ebx", "esp",
                                                "ebp", "esi", "edi", "eip", "eflags"};
  const auto found = std::ranges::find(kNames, name);
  if (found == std::end(kNames)) usage_error("{} cannot be set here{}", name, suggestion(name, kNames));
  if (debugger_.read_only()) usage_error("a recording is replayed: nothing can be changed");
  const auto n = static_cast<std::size_t>(found - std::begin(kNames));
  debugger_.edit_processor([&](cpu::Cpu& cpu) {
    if (n == 9) {
      cpu.set_rflags(value & 0xffffffff);
    } else {
      (n == 8 ? cpu.state().rip : cpu.state().gpr[n]) = value & 0xffffffff;
    }
  });
  return {};
}

std::string Monitor::port_in(Words words) {
  Format f{.count = 1, .form = 'x', .size = 1};
  if (!words.empty() && words[0].starts_with('/')) {
    f = parse_format(std::string_view(words[0]).substr(1), f);
    words.erase(words.begin());
  }
  const u64 port = number(joined(words));
  if (port > 0xffff || f.size > 4) usage_error("a port is 0 to 0xffff, its width /b, /h or /w");
  post(machine::PortRead{static_cast<u16>(port), static_cast<u8>(f.size)});
  machine_.settle();
  return fmt::format("port{} [{:04x}] = {}\n",
                     f.size == 1   ? 'b'
                     : f.size == 2 ? 'w'
                                   : 'l',
                     port, formatted(machine_.port_value(), f));
}

std::string Monitor::port_out(Words words) {
  Format f{.count = 1, .form = 'x', .size = 1};
  if (!words.empty() && words[0].starts_with('/')) {
    f = parse_format(std::string_view(words[0]).substr(1), f);
    words.erase(words.begin());
  }
  if (words.size() != 2) usage_error("o /FMT PORT VALUE, for example: o /b 0x20 0x20");
  const u64 port = number(words[0]);
  if (port > 0xffff || f.size > 4) usage_error("a port is 0 to 0xffff, its width /b, /h or /w");
  post(machine::PortWrite{static_cast<u16>(port), static_cast<u8>(f.size), static_cast<u32>(number(words[1]))});
  machine_.settle();
  return {};
}

std::string Monitor::set_physical(Words words) {
  if (words.size() != 3) usage_error("setpmem ADDRESS SIZE VALUE, for example: setpmem 0xb8000 2 0x0741");
  const u64 size = number(words[1]), value = number(words[2]);
  if (size != 1 && size != 2 && size != 4 && size != 8) usage_error("SIZE is 1, 2, 4 or 8 bytes");
  if (debugger_.read_only()) usage_error("a recording is replayed: nothing can be changed");
  std::array<u8, 8> bytes{};
  for (std::size_t n = 0; n < bytes.size(); ++n) bytes[n] = static_cast<u8>(value >> 8 * n);
  const std::size_t done = debugger_.write(Space::Physical, number(words[0]), std::span(bytes).first(size));
  return done == size ? std::string() : fmt::format("only {} of {} bytes are memory that can be written\n", done, size);
}

// --- stopping and going ----------------------------------------------------------------------------------------------

std::string Monitor::stop(Words) {
  if (caller_ == Caller::Gdb) return std::string(kCannotGo);
  if (debugger_.stopped()) return "It stands already.\n";
  debugger_.pause();
  return {};
}

std::string Monitor::go(Words) {
  if (caller_ == Caller::Gdb) return std::string(kCannotGo);
  debugger_.resume();
  return {};
}

std::string Monitor::step(Words words) {
  if (caller_ == Caller::Gdb) return std::string(kCannotGo);
  if (!debugger_.stopped()) return "The machine runs: `stop` first.\n";
  machine::StepGoal goal;
  if (!words.empty()) goal.count = std::max<u64>(1, number(joined(words)));
  debugger_.step(goal);
  return {};
}

std::string Monitor::step_over(Words words) {
  if (caller_ == Caller::Gdb) return std::string(kCannotGo);
  if (!debugger_.stopped()) return "The machine runs: `stop` first.\n";
  const std::optional<u64> behind = behind_call(machine_, debugger_);
  if (!behind) return step(std::move(words));
  forget_next();
  Debugger::Point point;
  point.address = *behind;
  next_ = debugger_.add(point);
  debugger_.resume();
  return {};
}

void Monitor::forget_next() {
  if (next_) debugger_.remove(*next_);
  passed_ = std::exchange(next_, std::nullopt);
}

std::string Monitor::break_at(Words words) {
  if (words.empty()) return info({"breakpoints"});
  Debugger::Point point;
  point.space = command_ == "pb" ? Space::Physical : Space::Linear;
  point.address =
      point.space == Space::Physical ? number(joined(words)) : evaluate_address(machine_.cpu(), joined(words));
  return fmt::format("breakpoint {} at {} {:08x}\n", debugger_.add(point),
                     point.space == Space::Physical ? "physical" : "linear", point.address);
}

std::string Monitor::watch(Words words) {
  if (words.empty()) return info({"breakpoints"});
  Debugger::Point point;
  point.kind = Kind::Write;
  if (words.size() > 1 && (words[0] == "r" || words[0] == "w" || words[0] == "a")) {
    point.kind = words[0] == "r" ? Kind::Read : words[0] == "w" ? Kind::Write : Kind::Access;
    words.erase(words.begin());
  }
  point.address = evaluate_address(machine_.cpu(), words[0]);
  point.length = words.size() > 1 ? number(joined(words, 1)) : 4;
  if (point.length == 0 || point.length > kMostBytes) usage_error("a watched area has 1 to {} bytes", kMostBytes);
  return fmt::format("watchpoint {} at linear {:08x}, {} bytes\n", debugger_.add(point), point.address, point.length);
}

std::string Monitor::remove(Words words) {
  if (words.empty()) usage_error("delete NUMBER, or delete all");
  if (words[0] == "all") {
    while (!debugger_.points().empty()) debugger_.remove(debugger_.points().back().id);
    return {};
  }
  const u64 id = number(joined(words));
  return debugger_.remove(static_cast<Debugger::Id>(id)) ? std::string()
                                                         : fmt::format("there is no breakpoint {}\n", id);
}

}  // namespace orrery::frontend
