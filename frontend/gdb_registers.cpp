#include "frontend/gdb_registers.h"

#include <fmt/format.h>

#include <array>
#include <functional>

#include "cpu/flags.h"

namespace orrery::frontend {
namespace {

using cpu::Cpu;
using cpu::State;

struct Value {
  u64 low = 0, high = 0;
};

enum class Feature : u8 { Core, Sse, System };

struct Register {
  std::string name;
  unsigned bits;
  std::string type;
  std::string group;  // empty: gdb decides
  Feature feature;
  std::function<Value(const Cpu&)> get;
  /// Gives a line if it cannot be. Empty function: read-only.
  std::function<std::string(machine::Debugger&, Cpu&, Value)> set;
};

constexpr std::array<std::string_view, 6> kSegmentNames = {"es", "cs", "ss", "ds", "fs", "gs"};

u64 pc_base(const State& s, GdbPc pc) { return pc == GdbPc::Linear ? s.seg[cpu::kCs].base : 0; }

/// Loads a segment register as MOV would in the present mode, without its privilege checks.
std::string load_segment(machine::Debugger& debugger, Cpu& cpu, unsigned n, u16 selector) {
  State& s = cpu.state();
  cpu::Segment& g = s.seg[n];
  if ((s.cr0 & cpu::kCr0Pe) == 0 || (s.eflags & cpu::kVm) != 0) {
    g.selector = selector;
    g.base = u64{selector} << 4;
    return {};
  }
  if ((selector & 0xfffc) == 0) {
    if (n == cpu::kCs || n == cpu::kSs) return "a null selector cannot be loaded there";
    g = cpu::Segment{.selector = selector, .attributes = 0, .limit = 0, .base = 0};
    return {};
  }
  const bool local = (selector & 4) != 0;
  const u64 table = local ? s.ldtr.base : s.gdtr.base;
  const u64 limit = local ? s.ldtr.limit : s.gdtr.limit;
  const u64 offset = selector & 0xfff8;
  std::array<u8, 8> bytes;
  if (offset + 7 > limit || debugger.read(machine::Debugger::Space::Linear, table + offset, bytes) != bytes.size()) {
    return fmt::format("there is no descriptor for {:04x}", selector);
  }
  const u64 d = core::load_le<u64>(bytes.data());
  cpu::Segment loaded;
  loaded.selector = selector;
  loaded.attributes = static_cast<u16>((d >> 40) & 0xf0ff);
  const u32 raw = static_cast<u32>((d & 0xffff) | (d >> 32 & 0xf0000));
  loaded.limit = loaded.g() ? raw << 12 | 0xfff : raw;
  loaded.base = (d >> 16 & 0xffffff) | (d >> 56 << 24);
  const bool fits = n == cpu::kCs   ? loaded.code() && (selector & 3) == s.cpl
                    : n == cpu::kSs ? loaded.writable() && (selector & 3) == s.cpl
                                    : loaded.readable();
  if (!loaded.s() || !loaded.present() || !fits) {
    return fmt::format("the descriptor of {:04x} does not go into {}", selector, kSegmentNames[n]);
  }
  g = loaded;
  return {};
}

class Table {
 public:
  Table() {
    core();
    sse();
    system();
  }
  const std::vector<Register>& all() const { return all_; }

 private:
  void add(std::string name, unsigned bits, std::string type, Feature feature, std::function<Value(const Cpu&)> get,
           std::function<std::string(machine::Debugger&, Cpu&, Value)> set, std::string group = {}) {
    all_.push_back({std::move(name), bits, std::move(type), std::move(group), feature, std::move(get), std::move(set)});
  }
  /// A register that is a number in the state and takes any value.
  template <class Get>
  void plain(std::string name, unsigned bits, std::string type, Feature feature, Get place, std::string group = {}) {
    add(
        std::move(name), bits, std::move(type), feature,
        [place](const Cpu& c) { return Value{u64{place(const_cast<State&>(c.state()))}, 0}; },
        [place, bits](machine::Debugger&, Cpu& c, Value v) {
          auto& field = place(c.state());
          const u64 mask = bits >= 64 ? ~u64{0} : (u64{1} << bits) - 1;
          field = static_cast<std::remove_reference_t<decltype(field)>>(v.low & mask);
          return std::string();
        },
        std::move(group));
  }
  template <class Get> void read_only(std::string name, unsigned bits, std::string type, Get get) {
    add(
        std::move(name), bits, std::move(type), Feature::System,
        [get](const Cpu& c) { return Value{static_cast<u64>(get(c.state())), 0}; }, {}, "system");
  }

  void core() {
    static constexpr std::array<std::string_view, 8> kNames = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
    for (unsigned n = 0; n < 8; ++n) {
      const char* type = n == cpu::kRsp || n == cpu::kRbp ? "data_ptr" : "int32";
      plain(std::string(kNames[n]), 32, type, Feature::Core, [n](State& s) -> u64& { return s.gpr[n]; });
    }
    plain("eip", 32, "code_ptr", Feature::Core, [](State& s) -> u64& { return s.rip; });
    add(
        "eflags", 32, "i386_eflags", Feature::Core, [](const Cpu& c) { return Value{c.rflags(), 0}; },
        [](machine::Debugger&, Cpu& c, Value v) {
          c.set_rflags(v.low & 0xffffffff);
          return std::string();
        });
    for (const unsigned n : {cpu::kCs, cpu::kSs, cpu::kDs, cpu::kEs, cpu::kFs, cpu::kGs}) {
      add(
          std::string(kSegmentNames[n]), 32, "int32", Feature::Core,
          [n](const Cpu& c) { return Value{c.state().seg[n].selector, 0}; },
          [n](machine::Debugger& d, Cpu& c, Value v) {
            // gdb writes back what it has read.
            if (v.low == c.state().seg[n].selector) return std::string();
            return load_segment(d, c, n, static_cast<u16>(v.low));
          });
    }
    for (unsigned n = 0; n < 8; ++n) {
      const auto place = [n](const State& s) { return ((s.x87.status >> 11) + n) & 7u; };
      add(
          fmt::format("st{}", n), 80, "i387_ext", Feature::Core,
          [place](const Cpu& c) {
            const cpu::Float80& f = c.state().x87.r[place(c.state())];
            return Value{f.significand, f.sign_exponent};
          },
          [place](machine::Debugger&, Cpu& c, Value v) {
            c.state().x87.r[place(c.state())] = {v.low, static_cast<u16>(v.high)};
            return std::string();
          });
    }
    const auto x87 = [this](const char* name, unsigned bits, auto place) {
      add(
          name, 32, "int", Feature::Core,
          [place](const Cpu& c) { return Value{static_cast<u32>(place(const_cast<State&>(c.state()).x87)), 0}; },
          [place, bits](machine::Debugger&, Cpu& c, Value v) {
            auto& field = place(c.state().x87);
            field = static_cast<std::remove_reference_t<decltype(field)>>(v.low & ((u64{1} << bits) - 1));
            return std::string();
          },
          "float");
    };
    using cpu::X87;
    x87("fctrl", 16, [](X87& x) -> u16& { return x.control; });
    x87("fstat", 16, [](X87& x) -> u16& { return x.status; });
    x87("ftag", 16, [](X87& x) -> u16& { return x.tag; });
    x87("fiseg", 16, [](X87& x) -> u16& { return x.cs; });
    x87("fioff", 32, [](X87& x) -> u64& { return x.ip; });
    x87("foseg", 16, [](X87& x) -> u16& { return x.ds; });
    x87("fooff", 32, [](X87& x) -> u64& { return x.dp; });
    x87("fop", 11, [](X87& x) -> u16& { return x.opcode; });
  }

  void sse() {
    for (unsigned n = 0; n < 8; ++n) {
      add(
          fmt::format("xmm{}", n), 128, "vec128", Feature::Sse,
          [n](const Cpu& c) { return Value{c.state().xmm[n].q[0], c.state().xmm[n].q[1]}; },
          [n](machine::Debugger&, Cpu& c, Value v) {
            c.state().xmm[n].q[0] = v.low;
            c.state().xmm[n].q[1] = v.high;
            return std::string();
          });
    }
    add(
        "mxcsr", 32, "i386_mxcsr", Feature::Sse, [](const Cpu& c) { return Value{c.state().mxcsr, 0}; },
        [](machine::Debugger&, Cpu& c, Value v) {
          if ((v.low & ~u64{0xffff}) != 0) return std::string("MXCSR has 16 bits");
          c.state().mxcsr = static_cast<u32>(v.low);
          return std::string();
        },
        "vector");
  }

  void system() {
    for (const unsigned n : {cpu::kCs, cpu::kSs, cpu::kDs, cpu::kEs, cpu::kFs, cpu::kGs}) {
      plain(
          fmt::format("{}_base", kSegmentNames[n]), 32, "int32", Feature::System,
          [n](State& s) -> u64& { return s.seg[n].base; }, "system");
    }
    for (const unsigned n : {cpu::kCs, cpu::kSs, cpu::kDs, cpu::kEs, cpu::kFs, cpu::kGs}) {
      read_only(fmt::format("{}_limit", kSegmentNames[n]), 32, "int32", [n](const State& s) { return s.seg[n].limit; });
    }
    read_only("eip_raw", 32, "int32", [](const State& s) { return s.rip; });
    read_only("cpl", 32, "int32", [](const State& s) { return s.cpl; });
    read_only("gdt_base", 32, "data_ptr", [](const State& s) { return s.gdtr.base; });
    read_only("gdt_limit", 32, "int32", [](const State& s) { return s.gdtr.limit; });
    read_only("idt_base", 32, "data_ptr", [](const State& s) { return s.idtr.base; });
    read_only("idt_limit", 32, "int32", [](const State& s) { return s.idtr.limit; });
    read_only("ldt", 32, "int32", [](const State& s) { return s.ldtr.selector; });
    read_only("tr", 32, "int32", [](const State& s) { return s.tr.selector; });
    read_only("tr_base", 32, "data_ptr", [](const State& s) { return s.tr.base; });
    add(
        "cr0", 32, "i386_cr0", Feature::System, [](const Cpu& c) { return Value{c.state().cr0, 0}; },
        [](machine::Debugger&, Cpu& c, Value v) {
          // What else changes with these is for the guest to do.
          constexpr u64 kFixed = cpu::kCr0Pe | cpu::kCr0Pg;
          if (((v.low ^ c.state().cr0) & kFixed) != 0) return std::string("PE and PG are changed by the guest only");
          c.state().cr0 = (v.low & 0xe005002f) | cpu::kCr0Et;
          return std::string();
        },
        "system");
    plain("cr2", 32, "data_ptr", Feature::System, [](State& s) -> u64& { return s.cr2; }, "system");
    add(
        "cr3", 32, "int32", Feature::System, [](const Cpu& c) { return Value{c.state().cr3, 0}; },
        [](machine::Debugger& d, Cpu& c, Value v) {
          State& s = c.state();
          s.cr3 = v.low & 0xffffffff;
          if ((s.cr4 & cpu::kCr4Pae) == 0 || (s.efer & cpu::kEferLma) != 0) return std::string();
          std::array<u8, 32> bytes;
          if (d.read(machine::Debugger::Space::Physical, s.cr3 & 0xffffffe0, bytes) != bytes.size()) {
            return std::string("there is no memory");
          }
          for (unsigned n = 0; n < 4; ++n) s.pdpte[n] = core::load_le<u64>(&bytes[n * 8]);
          return std::string();
        },
        "system");
    read_only("cr4", 32, "i386_cr4", [](const State& s) { return s.cr4; });
    read_only("efer", 64, "i386_efer", [](const State& s) { return s.efer; });
    for (const unsigned n : {0u, 1u, 2u, 3u, 6u, 7u}) {
      read_only(fmt::format("dr{}", n), 32, "int32", [n](const State& s) { return s.dr[n]; });
    }
  }

  std::vector<Register> all_;
};

const std::vector<Register>& table() {
  static const Table table;
  return table.all();
}

struct Field {
  std::string_view name;
  unsigned first, last;
};

std::string flags_type(std::string_view id, unsigned size, std::initializer_list<Field> fields) {
  std::string out = fmt::format("<flags id=\"{}\" size=\"{}\">", id, size);
  for (const Field& f : fields)
    out += fmt::format("<field name=\"{}\" start=\"{}\" end=\"{}\"/>", f.name, f.first, f.last);
  return out + "</flags>\n";
}

std::string types_of(Feature feature) {
  switch (feature) {
    case Feature::Core:
      return flags_type("i386_eflags", 4,
                        {{"CF", 0, 0},
                         {"", 1, 1},
                         {"PF", 2, 2},
                         {"AF", 4, 4},
                         {"ZF", 6, 6},
                         {"SF", 7, 7},
                         {"TF", 8, 8},
                         {"IF", 9, 9},
                         {"DF", 10, 10},
                         {"OF", 11, 11},
                         {"IOPL", 12, 13},
                         {"NT", 14, 14},
                         {"RF", 16, 16},
                         {"VM", 17, 17},
                         {"AC", 18, 18},
                         {"VIF", 19, 19},
                         {"VIP", 20, 20},
                         {"ID", 21, 21}});
    case Feature::Sse:
      return "<vector id=\"v4f\" type=\"ieee_single\" count=\"4\"/><vector id=\"v2d\" type=\"ieee_double\" "
             "count=\"2\"/>"
             "<vector id=\"v16i8\" type=\"int8\" count=\"16\"/><vector id=\"v8i16\" type=\"int16\" count=\"8\"/>"
             "<vector id=\"v4i32\" type=\"int32\" count=\"4\"/><vector id=\"v2i64\" type=\"int64\" count=\"2\"/>\n"
             "<union id=\"vec128\"><field name=\"v4_float\" type=\"v4f\"/><field name=\"v2_double\" type=\"v2d\"/>"
             "<field name=\"v16_int8\" type=\"v16i8\"/><field name=\"v8_int16\" type=\"v8i16\"/>"
             "<field name=\"v4_int32\" type=\"v4i32\"/><field name=\"v2_int64\" type=\"v2i64\"/>"
             "<field name=\"uint128\" type=\"uint128\"/></union>\n" +
             flags_type("i386_mxcsr", 4,
                        {{"IE", 0, 0},
                         {"DE", 1, 1},
                         {"ZE", 2, 2},
                         {"OE", 3, 3},
                         {"UE", 4, 4},
                         {"PE", 5, 5},
                         {"DAZ", 6, 6},
                         {"IM", 7, 7},
                         {"DM", 8, 8},
                         {"ZM", 9, 9},
                         {"OM", 10, 10},
                         {"UM", 11, 11},
                         {"PM", 12, 12},
                         {"RC", 13, 14},
                         {"FZ", 15, 15}});
    case Feature::System:
      return flags_type("i386_cr0", 4,
                        {{"PE", 0, 0},
                         {"MP", 1, 1},
                         {"EM", 2, 2},
                         {"TS", 3, 3},
                         {"ET", 4, 4},
                         {"NE", 5, 5},
                         {"WP", 16, 16},
                         {"AM", 18, 18},
                         {"NW", 29, 29},
                         {"CD", 30, 30},
                         {"PG", 31, 31}}) +
             flags_type("i386_cr4", 4,
                        {{"VME", 0, 0},
                         {"PVI", 1, 1},
                         {"TSD", 2, 2},
                         {"DE", 3, 3},
                         {"PSE", 4, 4},
                         {"PAE", 5, 5},
                         {"MCE", 6, 6},
                         {"PGE", 7, 7},
                         {"PCE", 8, 8},
                         {"OSFXSR", 9, 9},
                         {"OSXMMEXCPT", 10, 10},
                         {"UMIP", 11, 11},
                         {"FSGSBASE", 16, 16},
                         {"OSXSAVE", 18, 18},
                         {"SMEP", 20, 20},
                         {"SMAP", 21, 21}}) +
             flags_type("i386_efer", 8, {{"SCE", 0, 0}, {"LME", 8, 8}, {"LMA", 10, 10}, {"NXE", 11, 11}});
  }
  return {};
}

}  // namespace

std::string gdb_target_xml(GdbArch arch) {
  std::string xml = fmt::format(
      "<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM "
      "\"gdb-target.dtd\">\n<target>\n<architecture>{}</architecture>\n<osabi>none</osabi>\n",
      arch == GdbArch::I8086 ? "i8086" : "i386");
  static constexpr std::array<std::string_view, 3> kFeatures = {"org.gnu.gdb.i386.core", "org.gnu.gdb.i386.sse",
                                                                "org.orrery.i386.system"};
  for (const Feature feature : {Feature::Core, Feature::Sse, Feature::System}) {
    xml += fmt::format("<feature name=\"{}\">\n{}", kFeatures[static_cast<std::size_t>(feature)], types_of(feature));
    for (std::size_t n = 0; n < table().size(); ++n) {
      const Register& r = table()[n];
      if (r.feature != feature) continue;
      xml += fmt::format("<reg name=\"{}\" bitsize=\"{}\" type=\"{}\" regnum=\"{}\"{}/>\n", r.name, r.bits, r.type, n,
                         r.group.empty() ? "" : " group=\"" + r.group + "\"");
    }
    xml += "</feature>\n";
  }
  return xml + "</target>\n";
}

std::size_t gdb_register_count() { return table().size(); }

std::size_t gdb_register_size(std::size_t number) { return number < table().size() ? table()[number].bits / 8 : 0; }

std::optional<std::vector<u8>> gdb_read_register(const Cpu& cpu, std::size_t number, GdbPc pc) {
  if (number >= table().size()) return std::nullopt;
  Value v = table()[number].get(cpu);
  if (number == kGdbEip) v.low = (v.low + pc_base(cpu.state(), pc)) & 0xffffffff;
  std::vector<u8> out(table()[number].bits / 8);
  for (std::size_t n = 0; n < out.size(); ++n)
    out[n] = static_cast<u8>(n < 8 ? v.low >> (8 * n) : v.high >> (8 * (n - 8)));
  return out;
}

std::string gdb_write_register(machine::Debugger& debugger, const Cpu& cpu, std::size_t number,
                               std::span<const u8> bytes, GdbPc pc) {
  if (number >= table().size()) return "there is no such register";
  const Register& r = table()[number];
  if (bytes.size() != r.bits / 8) return fmt::format("{} has {} bytes", r.name, r.bits / 8);
  const std::optional<std::vector<u8>> present = gdb_read_register(cpu, number, pc);
  if (std::ranges::equal(*present, bytes)) return {};
  if (!r.set) return fmt::format("{} cannot be changed", r.name);
  if (debugger.read_only()) return "a recording is replayed: nothing can be changed";
  Value v;
  for (std::size_t n = 0; n < bytes.size(); ++n) (n < 8 ? v.low : v.high) |= u64{bytes[n]} << (8 * (n % 8));
  if (number == kGdbEip) v.low = (v.low - pc_base(cpu.state(), pc)) & 0xffffffff;
  std::string error;
  debugger.edit_processor([&](Cpu& c) { error = r.set(debugger, c, v); });
  return error;
}

}  // namespace orrery::frontend
