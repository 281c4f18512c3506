#include "frontend/monitor_info.h"

#include <fmt/format.h>

#include <array>
#include <functional>
#include <optional>
#include <vector>

#include "cpu/disassembler.h"
#include "frontend/near.h"
#include "frontend/options.h"
#include "frontend/usage_error.h"
#include "hw/display/surface.h"
#include "machine/journal.h"

namespace orrery::frontend {
namespace {

using machine::Debugger;
using machine::Machine;
using Space = Debugger::Space;

constexpr std::array<std::string_view, 6> kSegmentNames = {"ES", "CS", "SS", "DS", "FS", "GS"};

struct Context {
  Machine& machine;
  Debugger& debugger;
  const cpu::State& s;
  std::string_view more;

  std::optional<u64> physical(u64 address, unsigned width) const { return memory(Space::Physical, address, width); }
  std::optional<u64> linear(u64 address, unsigned width) const { return memory(Space::Linear, address, width); }

 private:
  std::optional<u64> memory(Space space, u64 address, unsigned width) const {
    std::array<u8, 8> bytes{};
    if (debugger.read(space, address, std::span(bytes).first(width)) != width) return std::nullopt;
    return core::load_le<u64>(bytes.data());
  }
};

// --- registers -------------------------------------------------------------------------------------------------------

std::string segment_line(std::string_view name, const cpu::Segment& g, bool real) {
  std::string what;
  if (real) {
    what = "real mode";
  } else if (!g.present()) {
    what = "unusable";
  } else if (!g.s()) {
    what = fmt::format("DPL={} system type {}", g.dpl(), g.type());
  } else if (g.code()) {
    what = fmt::format("DPL={} CS{}  [{}{}A]", g.dpl(),
                       g.l()    ? 64
                       : g.db() ? 32
                                : 16,
                       g.conforming() ? 'C' : '-', g.readable() ? 'R' : '-');
  } else {
    what = fmt::format("DPL={} DS    [{}{}A]", g.dpl(), g.expand_down() ? 'E' : '-', g.writable() ? 'W' : '-');
  }
  return fmt::format("{:4}={:04x} {:08x} {:08x} {:08x} {}\n", name, g.selector, g.base, g.limit, u32{g.attributes} << 8,
                     what);
}

std::string flag_letters(u64 f) {
  std::string out;
  constexpr std::pair<u32, char> kLetters[] = {{cpu::kDf, 'D'}, {cpu::kOf, 'O'}, {cpu::kSf, 'S'}, {cpu::kZf, 'Z'},
                                               {cpu::kAf, 'A'}, {cpu::kPf, 'P'}, {cpu::kCf, 'C'}};
  for (const auto& [bit, letter] : kLetters) out += (f & bit) != 0 ? letter : '-';
  return out;
}

bool real_addresses(const Context& c) {
  return (c.s.cr0 & cpu::kCr0Pe) == 0 || (c.machine.cpu().rflags() & cpu::kVm) != 0;
}

std::string info_general(const Context& c) {
  const cpu::State& s = c.s;
  const u64 flags = c.machine.cpu().rflags();
  std::string out;
  constexpr std::array<std::pair<std::string_view, unsigned>, 8> kOrder = {{{"EAX", cpu::kRax},
                                                                            {"EBX", cpu::kRbx},
                                                                            {"ECX", cpu::kRcx},
                                                                            {"EDX", cpu::kRdx},
                                                                            {"ESI", cpu::kRsi},
                                                                            {"EDI", cpu::kRdi},
                                                                            {"EBP", cpu::kRbp},
                                                                            {"ESP", cpu::kRsp}}};
  for (std::size_t n = 0; n < kOrder.size(); ++n) {
    out += fmt::format("{}={:08x}{}", kOrder[n].first, s.gpr[kOrder[n].second], n % 4 == 3 ? '\n' : ' ');
  }
  return out + fmt::format("EIP={:08x} EFL={:08x} [{}] CPL={} IF={} A20={} HLT={} {}PC={:08x}\n", s.rip, flags,
                           flag_letters(flags), s.cpl, (flags & cpu::kIf) != 0 ? 1 : 0, s.a20 ? 1 : 0,
                           s.activity == cpu::Activity::Halted ? 1 : 0, (flags & cpu::kVm) != 0 ? "V86 " : "",
                           c.debugger.pc());
}

std::string info_segments(const Context& c) {
  const cpu::State& s = c.s;
  const bool real = real_addresses(c);
  std::string out;
  for (std::size_t n = 0; n < kSegmentNames.size(); ++n) out += segment_line(kSegmentNames[n], s.seg[n], real);
  out += segment_line("LDT", s.ldtr, false);
  out += segment_line("TR", s.tr, false);
  return out +
         fmt::format("GDT= {:08x} {:04x}  IDT= {:08x} {:04x}\n", s.gdtr.base, s.gdtr.limit, s.idtr.base, s.idtr.limit);
}

std::string info_control(const Context& c) {
  return fmt::format("CR0={:08x} CR2={:08x} CR3={:08x} CR4={:08x} EFER={:x}\n", c.s.cr0, c.s.cr2, c.s.cr3, c.s.cr4,
                     c.s.efer);
}

std::string info_debug(const Context& c) {
  const auto& dr = c.s.dr;
  return fmt::format("DR0={:08x} DR1={:08x} DR2={:08x} DR3={:08x} DR6={:08x} DR7={:08x}\n", dr[0], dr[1], dr[2], dr[3],
                     dr[6], dr[7]);
}

std::string info_fpu(const Context& c) {
  const cpu::State& s = c.s;
  std::string out = fmt::format("FCW={:04x} FSW={:04x} [ST={}] FTW={:04x} MXCSR={:08x}\n", s.x87.control, s.x87.status,
                                (s.x87.status >> 11) & 7, s.x87.tag, s.mxcsr);
  for (unsigned n = 0; n < 8; ++n) {
    out += fmt::format("FPR{}={:016x} {:04x}{}", n, s.x87.r[n].significand, s.x87.r[n].sign_exponent,
                       n % 2 == 1 ? '\n' : ' ');
  }
  return out;
}

std::string info_mmx(const Context& c) {
  std::string out;
  for (unsigned n = 0; n < 8; ++n) {
    out += fmt::format("MM{}={:016x}{}", n, c.s.x87.r[n].significand, n % 4 == 3 ? '\n' : ' ');
  }
  return out;
}

std::string info_sse(const Context& c) {
  std::string out;
  for (unsigned n = 0; n < 8; ++n) {
    out += fmt::format("XMM{:02}={:016x}{:016x}{}", n, c.s.xmm[n].q[1], c.s.xmm[n].q[0], n % 2 == 1 ? '\n' : ' ');
  }
  return out;
}

std::string info_registers(const Context& c) {
  return info_general(c) + info_segments(c) + info_control(c) + info_debug(c) + info_fpu(c) + info_sse(c);
}

// --- address translation ---------------------------------------------------------------------------------------------

struct Page {
  u64 linear = 0, physical = 0, size = 0;
  u64 flags = 0;  // of the last entry, W and U of all of them
};

/// Calls `take` for every page that is mapped, in order, until it gives false.
void walk_pages(const Context& c, const std::function<bool(const Page&)>& take) {
  const cpu::State& s = c.s;
  const bool pae = (s.cr4 & cpu::kCr4Pae) != 0, lm = (s.efer & cpu::kEferLma) != 0;
  const unsigned index_bits = pae ? 9 : 10, size = pae ? 8 : 4;
  constexpr u64 kRights = 6;  // W and U
  const std::function<bool(u64, unsigned, u64, u64)> table = [&](u64 base, unsigned level, u64 linear, u64 rights) {
    const unsigned shift = 12 + (level - 1) * index_bits;
    for (u64 n = 0; n < u64{1} << index_bits; ++n) {
      const std::optional<u64> entry = c.physical(base + n * size, size);
      if (!entry || (*entry & 1) == 0) continue;
      u64 at = linear | n << shift;
      if (lm && (at >> 47 & 1) != 0) at |= ~u64{0} << 48;
      const u64 address = *entry & (pae ? 0x000ffffffffff000 : 0xfffff000);
      const u64 both = rights & *entry;
      const bool leaf = level == 1 || ((*entry & 0x80) != 0 &&
                                       ((level == 2 && (pae || (s.cr4 & cpu::kCr4Pse) != 0)) || (level == 3 && lm)));
      if (!leaf) {
        if (!table(address, level - 1, at, both)) return false;
        continue;
      }
      const u64 span = u64{1} << shift;
      Page page{.linear = at,
                .physical = address & ~(span - 1),
                .size = span,
                .flags = (*entry & ~kRights) | (both & kRights)};
      if (!pae && level == 2) page.physical = (*entry & 0xffc00000) | core::bits(*entry, 20, 13) << 32;
      if (!take(page)) return false;
    }
    return true;
  };
  if (lm) {
    table(s.cr3 & 0xffffffffff000, 4, 0, kRights);
  } else if (pae) {
    for (u64 n = 0; n < 4; ++n) {
      if ((s.pdpte[n] & 1) != 0 && !table(s.pdpte[n] & 0xffffffffff000, 2, n << 30, kRights)) return;
    }
  } else {
    table(s.cr3 & 0xfffff000, 2, 0, kRights);
  }
}

bool paging(const cpu::State& s) { return (s.cr0 & cpu::kCr0Pg) != 0; }

constexpr std::string_view kNoPaging = "Paging is off: linear addresses are physical ones.\n";

std::string info_mem(const Context& c) {
  if (!paging(c.s)) return std::string(kNoPaging);
  std::string out;
  Page run;
  const auto flush = [&] {
    if (run.size == 0) return;
    out += fmt::format("{:016x}-{:016x} {:016x} {}r{}\n", run.linear, run.linear + run.size, run.size,
                       (run.flags & 4) != 0 ? 'u' : '-', (run.flags & 2) != 0 ? 'w' : '-');
  };
  walk_pages(c, [&](const Page& page) {
    if (run.size != 0 && run.linear + run.size == page.linear && ((run.flags ^ page.flags) & 6) == 0) {
      run.size += page.size;
    } else {
      flush();
      run = page;
    }
    return true;
  });
  flush();
  return out.empty() ? "Nothing is mapped.\n" : out;
}

std::string info_tlb(const Context& c) {
  if (!paging(c.s)) return std::string(kNoPaging);
  constexpr u64 kMost = 8192;
  std::string out;
  u64 count = 0;
  walk_pages(c, [&](const Page& p) {
    if (++count > kMost) {
      out += fmt::format("... and more than these {} pages: `info mem` gives ranges\n", kMost);
      return false;
    }
    const auto flag = [&](unsigned bit, char letter) { return (p.flags >> bit & 1) != 0 ? letter : '-'; };
    out += fmt::format("{:016x}: {:016x} {}{}{}{}{}{}{}{}{}\n", p.linear, p.physical, flag(63, 'X'), flag(8, 'G'),
                       p.size > 4096 ? 'P' : '-', flag(6, 'D'), flag(5, 'A'), flag(4, 'C'), flag(3, 'T'), flag(2, 'U'),
                       flag(1, 'W'));
    return true;
  });
  return out.empty() ? "Nothing is mapped.\n" : out;
}

// --- descriptor tables -----------------------------------------------------------------------------------------------

std::string descriptor_text(u64 d) {
  constexpr std::array<std::string_view, 16> kSystem = {"invalid",
                                                        "16-bit TSS",
                                                        "LDT",
                                                        "16-bit TSS (busy)",
                                                        "16-bit call gate",
                                                        "task gate",
                                                        "16-bit interrupt gate",
                                                        "16-bit trap gate",
                                                        "invalid",
                                                        "32-bit TSS",
                                                        "invalid",
                                                        "32-bit TSS (busy)",
                                                        "32-bit call gate",
                                                        "invalid",
                                                        "32-bit interrupt gate",
                                                        "32-bit trap gate"};
  const unsigned type = static_cast<unsigned>(d >> 40) & 15, dpl = static_cast<unsigned>(d >> 45) & 3;
  const bool s = core::bit(d, 44), present = core::bit(d, 47);
  const u32 raw = static_cast<u32>(core::bits(d, 15, 0) | (core::bits(d, 51, 48) << 16));
  const u32 limit = core::bit(d, 55) ? raw << 12 | 0xfff : raw;
  const u64 base = core::bits(d, 39, 16) | (core::bits(d, 63, 56) << 24);
  const char* absent = present ? "" : ", not present";
  if (!s && (type >= 12 || (type >= 4 && type <= 7))) {
    if (type == 5) return fmt::format("{}: TSS {:04x}, DPL {}{}", kSystem[type], core::bits(d, 31, 16), dpl, absent);
    return fmt::format("{}: {:04x}:{:08x}, DPL {}{}", kSystem[type], core::bits(d, 31, 16),
                       core::bits(d, 15, 0) | (core::bits(d, 63, 48) << 16), dpl, absent);
  }
  const std::string place = fmt::format("base {:08x}, limit {:08x}, DPL {}{}", base, limit, dpl, absent);
  if (!s) return fmt::format("{}: {}", kSystem[type], place);
  if ((type & 8) != 0) {
    return fmt::format("{}-bit code, {}{}: {}",
                       core::bit(d, 53)   ? 64
                       : core::bit(d, 54) ? 32
                                          : 16,
                       (type & 2) != 0 ? "readable" : "execute only", (type & 4) != 0 ? ", conforming" : "", place);
  }
  return fmt::format("data, {}{}: {}", (type & 2) != 0 ? "writable" : "read only",
                     (type & 4) != 0 ? ", expand down" : "", place);
}

std::string descriptor_table(const Context& c, std::string_view what, u64 base, u64 limit, unsigned step) {
  std::string out = fmt::format("{} at {:08x}, limit {:04x}\n", what, base, limit);
  for (u64 n = 0; n * 8 + 7 <= limit; ++n) {
    const std::optional<u64> d = c.linear(base + n * 8, 8);
    if (!d) return out + fmt::format("  from {:04x} on: no memory\n", n * step);
    if (*d != 0) out += fmt::format("  {:04x}: {}\n", n * step, descriptor_text(*d));
  }
  return out;
}

std::string info_gdt(const Context& c) { return descriptor_table(c, "GDT", c.s.gdtr.base, c.s.gdtr.limit, 8); }

std::string info_ldt(const Context& c) {
  if ((c.s.ldtr.selector & 0xfffc) == 0) return "There is no LDT.\n";
  return descriptor_table(c, "LDT", c.s.ldtr.base, std::min<u32>(c.s.ldtr.limit, 0xffff), 8);
}

std::string info_idt(const Context& c) {
  if ((c.s.cr0 & cpu::kCr0Pe) != 0)
    return descriptor_table(c, "IDT", c.s.idtr.base, std::min<u16>(c.s.idtr.limit, 0x7ff), 1);
  std::string out = fmt::format("interrupt vectors at {:08x}\n", c.s.idtr.base);
  for (u64 n = 0; n < 256; ++n) {
    const std::optional<u64> v = c.linear(c.s.idtr.base + n * 4, 4);
    out += fmt::format("{:02x}: {:04x}:{:04x}{}", n, v.value_or(0) >> 16 & 0xffff, v.value_or(0) & 0xffff,
                       n % 6 == 5 || n == 255 ? "\n" : "  ");
  }
  return out;
}

std::string info_tss(const Context& c) {
  const cpu::Segment& tr = c.s.tr;
  std::string out = segment_line("TR", tr, false);
  if ((tr.selector & 0xfffc) == 0) return out;
  const bool wide = tr.type() >= 9;
  const auto field = [&](u64 offset, unsigned width) {
    return c.linear(tr.base + offset, width).value_or(0) & ((u64{1} << 8 * width) - 1);
  };
  for (u64 level = 0; level < 3; ++level) {
    out += wide
               ? fmt::format("ring {}: SS:ESP {:04x}:{:08x}\n", level, field(8 + level * 8, 2), field(4 + level * 8, 4))
               : fmt::format("ring {}: SS:SP {:04x}:{:04x}\n", level, field(4 + level * 4, 2), field(2 + level * 4, 2));
  }
  if (wide) out += fmt::format("CR3 {:08x}, I/O map at {:04x}\n", field(28, 4), field(102, 2));
  return out;
}

// --- the machine -----------------------------------------------------------------------------------------------------

std::string info_status(const Context& c) {
  const u64 ns = c.machine.now();
  return fmt::format(
      "VM status: {}\ntick {}, virtual time {}.{:09} s, {}\n{}\n", c.debugger.stopped() ? "paused" : "running",
      c.machine.ticks(), ns / 1'000'000'000, ns % 1'000'000'000,
      c.s.activity == cpu::Activity::Halted ? "processor halted" : "processor running", c.machine.summary());
}

std::string info_breakpoints(const Context& c) {
  std::string out;
  constexpr std::array<std::string_view, 4> kKinds = {"break before", "watch writes of", "watch reads of",
                                                      "watch accesses to"};
  for (const Debugger::Entry& e : c.debugger.points()) {
    const bool code = e.point.kind == cpu::DebugPoint::Kind::Execute;
    out += fmt::format("{:3}: {} {} {:08x}{}, hit {} times\n", e.id, kKinds[static_cast<std::size_t>(e.point.kind)],
                       e.point.space == Space::Linear ? "linear" : "physical", e.point.address,
                       code ? "" : fmt::format(" ({} bytes)", e.point.length), e.hits);
  }
  return out.empty() ? "There are no breakpoints or watchpoints.\n" : out;
}

std::string info_replay(const Context& c) {
  if (c.debugger.read_only()) {
    return fmt::format("A recording is replayed: tick {}. Nothing can be changed.\n", c.machine.ticks());
  }
  return fmt::format("tick {}, {} inputs so far are on record; -record FILE keeps them.\n", c.machine.ticks(),
                     c.machine.journal().entries().size());
}

std::string info_cpus(const Context& c) {
  return fmt::format("* CPU #0: {}, pc={:08x}{}\n", c.machine.cpu().model().name, c.debugger.pc(),
                     c.s.activity == cpu::Activity::Halted ? " (halted)" : "");
}

std::string info_text_screen(const Context& c) {
  const hw::TextScreen screen = c.machine.text_screen();
  return screen.text_mode() ? screen.text() : "The screen shows graphics: `screendump FILE` keeps the picture.\n";
}

// --- code ------------------------------------------------------------------------------------------------------------

/// Instructions as the present code segment has them.
class Code {
 public:
  explicit Code(Machine& machine) : cs_(machine.cpu().state().seg[cpu::kCs]), decoder_(machine.cpu().model().features) {
    const cpu::State& s = machine.cpu().state();
    mode_.code64 = (s.efer & cpu::kEferLma) != 0 && cs_.l();
    mode_.code32 = !mode_.code64 && cs_.db();
    mode_.protected_mode = (s.cr0 & cpu::kCr0Pe) != 0 && (s.eflags & cpu::kVm) == 0;
  }
  /// In CS.
  u64 offset(u64 linear) const { return mode_.code64 ? linear : (linear - cs_.base) & 0xffffffff; }
  u64 next(u64 linear, unsigned length) const { return (linear + length) & (mode_.code64 ? ~u64{0} : 0xffffffff); }
  cpu::Disassembly disassemble(std::span<const u8> bytes, u64 offset) const {
    return cpu::disassemble(decoder_, bytes, mode_, offset);
  }

 private:
  cpu::Segment cs_;
  cpu::Decoder decoder_;
  cpu::DecodeMode mode_;
};

using Show = std::string (*)(const Context&);
struct Entry {
  InfoTopic topic;
  Show show;  // null: the machine's own, Machine::info()
};

constexpr Entry kTopics[] = {
    {{"registers", "the processor's registers"}, info_registers},
    {{"creg", "control registers"}, info_control},
    {{"sreg", "segment registers"}, info_segments},
    {{"dreg", "debug registers"}, info_debug},
    {{"fpu", "x87 registers"}, info_fpu},
    {{"mmx", "MMX registers"}, info_mmx},
    {{"sse", "XMM registers"}, info_sse},
    {{"mem", "ranges of linear addresses that are mapped"}, info_mem},
    {{"tlb", "each page that is mapped: linear, physical, flags"}, info_tlb},
    {{"gdt", "the global descriptor table"}, info_gdt},
    {{"idt", "the interrupt table"}, info_idt},
    {{"ldt", "the local descriptor table"}, info_ldt},
    {{"tss", "the task state segment"}, info_tss},
    {{"pic", "the interrupt controllers"}, nullptr},
    {{"irq", "the same"}, nullptr},
    {{"lapic", "the local APIC"}, nullptr},
    {{"ioapic", "the I/O APIC"}, nullptr},
    {{"pci", "PCI devices"}, nullptr},
    {{"mtree", "what is at which address and port"}, nullptr},
    {{"qtree", "the devices"}, nullptr},
    {{"network", "network cards"}, [](const Context&) { return std::string("This version has no network card.\n"); }},
    {{"snapshots", "saved states"}, [](const Context&) { return std::string("This version keeps no snapshots.\n"); }},
    {{"replay", "recording and replaying"}, info_replay},
    {{"name", "what this machine is called"}, [](const Context& c) { return c.machine.config().name + "\n"; }},
    {{"block", "drives and what is in them"}, nullptr},
    {{"breakpoints", "the monitor's and gdb's break- and watchpoints"}, info_breakpoints},
    {{"status", "running or not, virtual time"}, info_status},
    {{"cpus", "the processors"}, info_cpus},
    {{"screen", "the text on the screen"}, info_text_screen},
    {{"version", "of this program"}, [](const Context&) { return version_text(); }},
};

}  // namespace

std::span<const InfoTopic> info_topics() {
  static const std::vector<InfoTopic> topics = [] {
    std::vector<InfoTopic> all;
    for (const Entry& e : kTopics) all.push_back(e.topic);
    return all;
  }();
  return topics;
}

std::string info_text(Machine& machine, Debugger& debugger, std::string_view topic, std::string_view more) {
  const Context context{machine, debugger, machine.cpu().state(), more};
  std::vector<std::string_view> names;
  for (const Entry& e : kTopics) {
    names.push_back(e.topic.name);
    if (e.topic.name != topic && !(topic == "b" && e.topic.name == "breakpoints")) continue;
    if (e.show != nullptr) return e.show(context);
  }
  if (std::optional<std::string> text = machine.info(topic)) {
    if (!text->ends_with('\n')) *text += '\n';
    return std::move(*text);
  }
  for (const Entry& e : kTopics) {
    if (e.topic.name == topic) return fmt::format("This machine has none: {}.\n", e.topic.help);
  }
  usage_error("there is no `info {}`{}", topic, suggestion(topic, names));
}

std::string code_listing(Machine& machine, Debugger& debugger, u64 linear, unsigned count) {
  const Code code(machine);
  const u16 selector = machine.cpu().state().seg[cpu::kCs].selector;
  std::string out;
  for (; count != 0; --count) {
    std::array<u8, 15> bytes{};
    const std::size_t there = debugger.read(Space::Linear, linear, bytes);
    if (there == 0) return out + fmt::format("  {:08x}: no memory\n", linear);
    const u64 offset = code.offset(linear);
    const cpu::Disassembly d = code.disassemble(std::span(bytes).first(there), offset);
    std::string hex;
    for (unsigned n = 0; n < d.length; ++n) hex += fmt::format("{:02x}", bytes[n]);
    out += fmt::format("{} {:08x} {:04x}:{:08x} {:20} {}\n", linear == debugger.pc() ? '>' : ' ', linear, selector,
                       offset, hex, d.text);
    linear = code.next(linear, d.length);
  }
  return out;
}

std::string translation_text(Machine& machine, Debugger& debugger, u64 linear) {
  const Context c{machine, debugger, machine.cpu().state(), {}};
  if (!paging(c.s)) return fmt::format("{:08x} is physical {:08x}: paging is off\n", linear, linear);
  std::string out;
  walk_pages(c, [&](const Page& page) {
    if (linear - page.linear >= page.size) return page.linear < linear;
    out = fmt::format("{:08x} is physical {:08x}, a page of {}K, {}, {}{}{}\n", linear,
                      page.physical + (linear - page.linear), page.size >> 10,
                      (page.flags & 4) != 0 ? "user" : "supervisor", (page.flags & 2) != 0 ? "writable" : "read only",
                      (page.flags & 0x20) != 0 ? ", accessed" : "", (page.flags & 0x40) != 0 ? ", dirty" : "");
    return false;
  });
  return out.empty() ? fmt::format("{:08x} is not mapped\n", linear) : out;
}

std::string call_frames(Machine& machine, Debugger& debugger, unsigned count) {
  const Context c{machine, debugger, machine.cpu().state(), {}};
  const cpu::State& s = c.s;
  const bool wide = s.seg[cpu::kSs].db() && s.seg[cpu::kCs].db();
  const unsigned width = wide ? 4 : 2;
  const u64 mask = wide ? 0xffffffff : 0xffff;
  std::string out = fmt::format("#0  {:08x}\n", debugger.pc());
  u64 frame = s.gpr[cpu::kRbp] & mask;
  for (unsigned n = 1; n < count && frame != 0; ++n) {
    const auto word = [&](u64 offset) -> std::optional<u64> {
      const auto value = c.linear((s.seg[cpu::kSs].base + ((frame + offset) & mask)) & 0xffffffff, width);
      return value ? std::optional(*value & mask) : std::nullopt;
    };
    const std::optional<u64> caller = word(width), above = word(0);
    if (!caller || !above) break;
    out += fmt::format("#{:<2} {:08x}  frame at {:08x}\n", n, (s.seg[cpu::kCs].base + *caller) & 0xffffffff, frame);
    if (*above <= frame) break;  // a stack grows downwards
    frame = *above;
  }
  return out;
}

std::optional<u64> behind_call(Machine& machine, Debugger& debugger) {
  const Code code(machine);
  const u64 pc = debugger.pc();
  std::array<u8, 15> bytes{};
  const std::size_t there = debugger.read(Space::Linear, pc, bytes);
  if (there == 0) return std::nullopt;
  const cpu::Disassembly d = code.disassemble(std::span(bytes).first(there), code.offset(pc));
  for (const std::string_view start : {"call ", "int ", "int3", "into", "rep", "loop"}) {
    if (d.text.starts_with(start)) return code.next(pc, d.length);
  }
  return std::nullopt;
}

}  // namespace orrery::frontend
