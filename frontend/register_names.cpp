#include "frontend/register_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

namespace orrery::frontend {
namespace {

constexpr std::array<std::string_view, 8> kWords = {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di"};
constexpr std::array<std::string_view, 8> kBytes = {"al", "cl", "dl", "bl", "ah", "ch", "dh", "bh"};
constexpr std::array<std::string_view, 6> kSegments = {"es", "cs", "ss", "ds", "fs", "gs"};

/// A register as a place in the state and bits of it.
struct Found {
  u64 value;
  unsigned bits;
};

std::optional<Found> find(const cpu::State& s, u64 rflags, std::string_view name) {
  for (std::size_t i = 0; i < 8; ++i) {
    if (name == kWords[i]) return Found{s.gpr[i], 16};
    if (name.size() == 3 && name.substr(1) == kWords[i]) {
      if (name[0] == 'e') return Found{s.gpr[i], 32};
      if (name[0] == 'r') return Found{s.gpr[i], 64};
    }
    if (name == kBytes[i]) return Found{i < 4 ? s.gpr[i] : s.gpr[i - 4] >> 8, 8};
    if (name == fmt::format("r{}", i + 8)) return Found{s.gpr[i + 8], 64};
  }
  if (name == "ip") return Found{s.rip, 16};
  if (name == "eip") return Found{s.rip, 32};
  if (name == "rip") return Found{s.rip, 64};
  if (name == "flags") return Found{rflags, 16};
  if (name == "eflags") return Found{rflags, 32};
  if (name == "rflags") return Found{rflags, 64};
  if (name == "cpl") return Found{s.cpl, 8};
  if (name == "cr0") return Found{s.cr0, 64};
  if (name == "cr2") return Found{s.cr2, 64};
  if (name == "cr3") return Found{s.cr3, 64};
  if (name == "cr4") return Found{s.cr4, 64};
  if (name == "cr8") return Found{s.cr8, 64};
  if (name == "efer") return Found{s.efer, 64};
  if (name == "mxcsr") return Found{s.mxcsr, 32};
  if (name == "tr") return Found{s.tr.selector, 16};
  if (name == "ldtr") return Found{s.ldtr.selector, 16};
  if (name == "gdtr.base") return Found{s.gdtr.base, 64};
  if (name == "gdtr.limit") return Found{s.gdtr.limit, 16};
  if (name == "idtr.base") return Found{s.idtr.base, 64};
  if (name == "idtr.limit") return Found{s.idtr.limit, 16};
  for (std::size_t i = 0; i < kSegments.size(); ++i) {
    if (!name.starts_with(kSegments[i])) continue;
    const std::string_view part = name.substr(2);
    if (part.empty()) return Found{s.seg[i].selector, 16};
    if (part == ".base") return Found{s.seg[i].base, 64};
    if (part == ".limit") return Found{s.seg[i].limit, 32};
  }
  for (std::size_t i = 0; i < 8; ++i) {
    if (name == fmt::format("dr{}", i)) return Found{s.dr[i], 64};
  }
  return std::nullopt;
}

}  // namespace

std::span<const std::string_view> register_names() {
  static constexpr std::string_view kNames[] = {
      "eax",  "ecx",    "edx",     "ebx",     "esp",     "ebp",     "esi",       "edi",       "ax",   "cx",
      "dx",   "bx",     "sp",      "bp",      "si",      "di",      "al",        "cl",        "dl",   "bl",
      "ah",   "ch",     "dh",      "bh",      "eip",     "ip",      "eflags",    "flags",     "es",   "cs",
      "ss",   "ds",     "fs",      "gs",      "tr",      "ldtr",    "cr0",       "cr2",       "cr3",  "cr4",
      "efer", "cpl",    "rax",     "rcx",     "rdx",     "rbx",     "rsp",       "rbp",       "rsi",  "rdi",
      "rip",  "rflags", "cs.base", "ss.base", "ds.base", "es.base", "gdtr.base", "idtr.base", "mxcsr"};
  return kNames;
}

bool is_register_name(std::string_view name) {
  static const cpu::State kAny;
  return find(kAny, 0, name).has_value();
}

std::optional<u64> register_value(const cpu::Cpu& cpu, std::string_view name) {
  const auto found = find(cpu.state(), cpu.rflags(), name);
  if (!found) return std::nullopt;
  return core::bits(found->value, found->bits - 1, 0);
}

std::string register_dump(const cpu::Cpu& cpu) {
  const cpu::State& s = cpu.state();
  std::string text;
  static constexpr std::array<std::string_view, 8> kOrder = {"eax", "ebx", "ecx", "edx", "esi", "edi", "ebp", "esp"};
  for (std::size_t i = 0; i < kOrder.size(); ++i) {
    text += fmt::format("{}={:08x}{}", kOrder[i], *register_value(cpu, kOrder[i]), i % 4 == 3 ? '\n' : ' ');
  }
  text += fmt::format("eip={:08x} eflags={:08x} cpl={} {}\n", s.rip, cpu.rflags(), s.cpl,
                      s.activity == cpu::Activity::Halted ? "halted" : "");
  for (std::size_t i = 0; i < kSegments.size(); ++i) {
    text += fmt::format("{}={:04x} base={:08x} limit={:08x} attributes={:04x}\n", kSegments[i], s.seg[i].selector,
                        s.seg[i].base, s.seg[i].limit, s.seg[i].attributes);
  }
  return text + fmt::format("cr0={:08x} cr2={:08x} cr3={:08x} cr4={:08x} gdt={:08x}+{:04x} idt={:08x}+{:04x}\n", s.cr0,
                            s.cr2, s.cr3, s.cr4, s.gdtr.base, s.gdtr.limit, s.idtr.base, s.idtr.limit);
}

}  // namespace orrery::frontend
