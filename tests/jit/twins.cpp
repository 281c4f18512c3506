#include "tests/jit/twins.h"

#include <fmt/format.h>

#include "cpu/decoder.h"
#include "cpu/opcodes.h"

namespace orrery::test {

Model everything() {
  std::string error;
  Model m = *parse_model("max", error);
  for (unsigned i = 0; i < static_cast<unsigned>(Feature::Count); ++i) m.features.set(static_cast<Feature>(i));
  return m;
}

Side::Side(const Model& model) : memory(kRam, log) {
  log.set_sink([](std::string_view) {});
  memory.map_ram(0, kRam, 0);
  const auto call = [this](std::string text) {
    accesses.push_back(std::move(text));
    // Now and then the device interrupts, or wants to be looked at.
    switch (device_calls++ % 5) {
      case 1: engine->set_intr(true); break;
      case 3: engine->request_stop(); break;
      default: break;
    }
  };
  mapping = memory.mmio().map({.name = "device",
                               .base = kDevice,
                               .size = 0x1000,
                               .widths = {.min = 1, .max = 8, .unaligned = true},
                               .movable = false,
                               .read = [this, call](u64 offset, unsigned width) -> u64 {
                                 call(fmt::format("read {:x} {} at {}", offset, width, clock.ticks()));
                                 return (offset * 0x9e3779b97f4a7c15 + device_calls) >> 3;
                               },
                               .write =
                                   [this, call](u64 offset, unsigned width, u64 value) {
                                     call(fmt::format("write {:x} {} {:x} at {}", offset, width, value, clock.ticks()));
                                   }});
  engine = std::make_unique<Engine>(model, memory, ports, clock, log,
                                    Pins{.interrupt_acknowledge = [this]() -> u8 {
                                           engine->set_intr(false);
                                           return 0x21;
                                         },
                                         .ferr = {},
                                         .apic = {}});
}

void Side::restore(const std::vector<u8>& image, u64 begin, u64 end) {
  const auto ram = memory.ram();
  for (u64 page = begin; page < end; page += core::kPageSize) {
    if (std::memcmp(ram.data() + page, image.data() + page, core::kPageSize) != 0) {
      memory.write_block(page, {image.data() + page, core::kPageSize});
    }
  }
}

// --- memory and state ------------------------------------------------------------------------------------------------

namespace {

struct Image {
  std::vector<u8> bytes = std::vector<u8>(Side::kRam);
  void put(u64 at, unsigned width, u64 value) {
    for (unsigned n = 0; n < width; ++n) bytes[at + n] = static_cast<u8>(value >> (8 * n));
  }
};

u64 descriptor(u32 base, u32 limit, u8 access, u8 flags) {
  return u64{limit & 0xffff} | u64{base & 0xffffff} << 16 | u64{access} << 40 | u64{(limit >> 16) & 15} << 48 |
         u64{flags} << 48 | u64{base >> 24} << 56;
}

Segment segment_of(const std::vector<u8>& image, u16 selector) {
  u64 d = 0;
  std::memcpy(&d, image.data() + Side::kGdt + (selector & ~7u), 8);
  const u32 raw = static_cast<u32>(d & 0xffff) | (static_cast<u32>(d >> 48 & 15) << 16);
  return Segment{.selector = selector,
                 .attributes = static_cast<u16>(d >> 40 & 0xf0ff),
                 .limit = (d >> 55 & 1) != 0 ? raw << 12 | 0xfff : raw,
                 .base = (d >> 16 & 0xffffff) | (d >> 56 << 24)};
}

std::vector<u8> descriptor_tables() {
  Image m;
  const auto gdt = [&](u16 selector, u64 d) { m.put(Side::kGdt + (selector & ~7u), 8, d); };
  gdt(Side::kCs32, descriptor(0, 0xfffff, 0x9b, 0xc0));
  gdt(Side::kDs32, descriptor(0, 0xfffff, 0x93, 0xc0));
  gdt(Side::kUserCs, descriptor(0, 0xfffff, 0xfb, 0xc0));
  gdt(Side::kUserDs, descriptor(0, 0xfffff, 0xf3, 0xc0));
  gdt(Side::kCs16, descriptor(0x1000, 0xffff, 0x9b, 0x00));
  gdt(Side::kDs16, descriptor(0x8000, 0xffff, 0x93, 0x00));
  gdt(Side::kSmall, descriptor(0x11234, 0x2345, 0x93, 0x40));
  gdt(Side::kDown, descriptor(0x0, 0x10fff, 0x97, 0x40));
  gdt(Side::kReadOnly, descriptor(0x100, 0xfffff, 0x91, 0xc0));
  gdt(Side::kCs64, descriptor(0, 0xfffff, 0x9b, 0xa0));
  gdt(Side::kTssSelector, descriptor(Side::kTss, 0x67, 0x8b, 0x00));
  return m.bytes;
}

}  // namespace

unsigned code_bits(Setting setting) {
  switch (setting) {
    case Setting::Flat0:
    case Setting::Flat3:
    case Setting::Segmented: return 32;
    case Setting::Long: return 64;
    default: return 16;
  }
}

std::vector<u8> memory_image(Setting setting, Random& random) {
  Image m;
  m.bytes = descriptor_tables();
  std::fill_n(m.bytes.begin() + Side::kHandlers, 0x1000, u8{0xf4});
  const bool wide = setting == Setting::Long;
  if (setting == Setting::Real) {
    for (unsigned v = 0; v < 256; ++v) m.put(v * 4, 4, (Side::kHandlers >> 4) << 16 | (v & 0xff));
  } else {
    for (unsigned v = 0; v < (wide ? 64u : 256u); ++v) {
      const u64 offset = Side::kHandlers + v * 8;
      const u16 selector = wide ? Side::kCs64 : Side::kCs32;
      const u64 access = v >= 3 && v <= 5 ? 0xee : 0x8e;
      m.put(v * (wide ? 16 : 8), 8, (offset & 0xffff) | u64{selector} << 16 | access << 40 | (offset >> 16) << 48);
    }
  }
  if (wide) {
    m.put(Side::kTss + 4, 8, 0x8000);
    m.put(Side::kTables, 8, (Side::kTables + 0x1000) | 7);
    m.put(Side::kTables + 0x1000, 8, (Side::kTables + 0x2000) | 7);
    m.put(Side::kTables + 0x2000, 8, (Side::kTables + 0x3000) | 7);
    m.put(Side::kTables + 0x2000 + 511 * 8, 8, (Side::kTables + 0x3000) | 7);
    m.put(Side::kTables + 0x1000 + 511 * 8, 8, (Side::kTables + 0x2000) | 7);
    m.put(Side::kTables + 511 * 8, 8, (Side::kTables + 0x1000) | 7);
  } else {
    m.put(Side::kTss + 4, 4, 0x8000);
    m.put(Side::kTss + 8, 4, Side::kDs32);
    m.put(Side::kTables, 4, (Side::kTables + 0x1000) | 7);
    m.put(Side::kTables + 0x3ff * 4, 4, (Side::kTables + 0x1000) | 7);
  }
  // The pages that are always there, then data pages of all kinds, the device, and the top of the address space.
  const auto map = [&](unsigned page, u64 entry) {
    m.put(Side::kTables + (wide ? 0x3000 + page * 8 : 0x1000 + page * 4), wide ? 8 : 4, entry);
  };
  for (unsigned page = 0; page < 0x10; ++page) map(page, u64{page} << 12 | 7);
  for (unsigned page = 0x10; page < 0x18; ++page) {
    const u64 flags = page < 0x14 ? 7 : random.one_in(4) ? 0 : random.one_in(3) ? 5 : random.one_in(3) ? 3 : 7;
    map(page, u64{page} << 12 | flags | (random.one_in(2) ? 0x60 : 0));
  }
  map(Side::kDevice >> 12, Side::kDevice | 7);
  if (wide) {
    map(0x1ff, 0x17007);
  } else {
    map(0x3ff, 0x17007);
  }
  for (u64 at = Side::kData; at < Side::kRam; at += 8)
    m.put(at, 8, random.one_in(4) ? random.below(0x20000) : random.next());
  return m.bytes;
}

State initial_state(Setting setting, u64 rip, Random& random) {
  static const std::vector<u8> tables = descriptor_tables();
  State s;
  s.cr0 = 0x10 | (random.one_in(2) ? u64{kCr0Ne} : 0);
  s.cr4 = kCr4Osfxsr | kCr4Osxmmexcpt;
  if (random.one_in(40)) s.cr0 |= kCr0Ts;
  if (random.one_in(60)) s.cr4 &= ~kCr4Osfxsr;
  if (random.one_in(4)) s.cr0 |= kCr0Wp;
  s.dr[6] = 0xffff0ff0;
  s.dr[7] = 0x400;
  s.gdtr = {.base = Side::kGdt, .limit = 0x7f};
  s.idtr = {.base = 0, .limit = static_cast<u16>(setting == Setting::Real || setting == Setting::Long ? 0x3ff : 0x7ff)};
  s.ldtr = Segment{.selector = 0, .attributes = 0x82, .limit = 0, .base = 0};
  s.tr = segment_of(tables, Side::kTssSelector);
  s.rip = rip;
  const auto all = [&](u16 code, u16 data) {
    for (Segment& g : s.seg) g = segment_of(tables, data);
    s.seg[kCs] = segment_of(tables, code);
  };
  bool paging = true;
  switch (setting) {
    case Setting::Flat0:
      all(Side::kCs32, Side::kDs32);
      paging = !random.one_in(4);
      break;
    case Setting::Flat3:
      all(Side::kUserCs, Side::kUserDs);
      s.cpl = 3;
      break;
    case Setting::Segmented: {
      all(Side::kCs32, Side::kDs32);
      constexpr u16 kChoice[] = {Side::kSmall, Side::kDown, Side::kReadOnly, Side::kDs16, Side::kDs32};
      s.seg[kDs] = segment_of(tables, kChoice[random.below(5)]);
      s.seg[kEs] = segment_of(tables, kChoice[random.below(5)]);
      s.seg[kFs] = segment_of(tables, kChoice[random.below(5)]);
      s.seg[kGs] = random.one_in(2) ? Segment{} : segment_of(tables, kChoice[random.below(5)]);
      if (random.one_in(2)) s.seg[kSs] = segment_of(tables, random.one_in(2) ? Side::kDown : Side::kDs16);
      paging = random.one_in(2);
      break;
    }
    case Setting::Real:
    case Setting::V86: {
      const auto at = [&](unsigned seg, u32 base) {
        s.seg[seg] = Segment{.selector = static_cast<u16>(base >> 4),
                             .attributes = u16{setting == Setting::V86 ? u16{0xf3} : u16{0x93}},
                             .limit = 0xffff,
                             .base = base};
      };
      at(kCs, 0);
      for (unsigned seg : {kEs, kSs, kDs, kFs, kGs})
        at(seg, random.one_in(4) ? 0x10000 + random.below(0x800) * 16 : 0x8000);
      paging = false;
      if (setting == Setting::V86) {
        s.eflags |= kVm | (random.one_in(2) ? kIopl : 0);
        s.cpl = 3;
        paging = random.one_in(2);
      }
      break;
    }
    case Setting::Protected16:
      all(Side::kCs16, Side::kDs16);
      s.rip = rip - 0x1000;
      if (random.one_in(2)) s.seg[kSs] = segment_of(tables, Side::kDs32);
      paging = random.one_in(2);
      break;
    default:
      all(Side::kCs64, Side::kDs32);
      s.seg[kFs].base = random.below(0x20000);
      s.seg[kGs].base = random.one_in(2) ? u64{0xffffffff80000000} : random.below(0x20000);
      s.cr4 |= kCr4Pae;
      s.efer = kEferLme | kEferLma | kEferSce;
      break;
  }
  if (setting != Setting::Real) s.cr0 |= kCr0Pe;
  if (paging) s.cr0 |= kCr0Pg;
  s.cr3 = Side::kTables;

  const bool wide = setting == Setting::Long;
  const u64 mask = wide ? ~u64{0} : 0xffffffff;
  const bool small = code_bits(setting) == 16;
  for (unsigned n = 0; n < (wide ? 16u : 8u); ++n) {
    u64 v = random.next();
    switch (random.below(8)) {
      case 0: break;
      case 1: v = random.below(256); break;
      case 2: v = small ? random.below(0x10000) : Side::kDevice + random.below(0x1000); break;
      case 3: v = (Side::kData + random.below(8) * 0x1000 - random.below(16)); break;  // page borders
      case 4: v = (v & 0xffff000000000000) | random.below(0x18000); break;
      default: v = Side::kData + random.below(0x8000); break;
    }
    if (small && random.one_in(2)) v = 0x8000 | random.below(0x8000);
    s.gpr[n] = v & mask;
  }
  u64 sp = Side::kData + 0x1000 + random.below(0x3000);
  if (!random.one_in(3)) sp &= ~u64{7};
  if (small) sp -= s.seg[kSs].base;
  if (random.one_in(16)) sp = random.next();
  if (random.one_in(32)) sp = random.below(8);
  s.gpr[kRsp] = sp & (small ? 0xffff : mask);
  if (small && random.one_in(4)) s.gpr[kRsp] |= random.next() & 0xffff0000;

  s.flags = lazy_from(static_cast<u32>(random.next()));
  if (random.one_in(2)) s.flags = {.result = random.next(), .aux = static_cast<u32>(random.next()) & 0xc0000008};
  s.eflags |=
      2 | (random.one_in(4) ? kDf : 0) | (random.one_in(2) ? kIf : 0) | (random.one_in(8) && s.cpl != 3 ? kIopl : 0);
  for (auto& x : s.xmm) {
    for (auto& q : x.q) {
      q = random.next();
      switch (random.below(6)) {
        case 0: q = 0x3f80000040490fdb; break;
        case 1: q = 0x3ff0000000000000 + (q & 0xfffffffffff); break;
        case 2: q &= 0xff; break;
        case 3: q = 0x7ff8000000000001; break;
        default: break;
      }
    }
  }
  for (auto& r : s.x87.r)
    r = {.significand = random.next() | u64{1} << 63, .sign_exponent = static_cast<u16>(0x3ff0 + random.below(32))};
  s.x87.control = static_cast<u16>(random.one_in(4) ? random.below(0x1000) | 0x40 : 0x37f);
  s.x87.status = static_cast<u16>(random.below(8) << 11 | (random.one_in(40) ? 0x8081 : 0));
  s.x87.tag = random.one_in(3) ? static_cast<u16>(random.next()) : u16{0};
  s.mxcsr = random.one_in(4) ? random.below(0x10000) : 0x1f80;
  return s;
}

// --- comparison ------------------------------------------------------------------------------------------------------

std::string differences(const Side& exec, const Side& lift) {
  std::string out;
  const State &a = exec.engine->s, &b = lift.engine->s;
  const auto compare = [&](const std::string& name, u64 x, u64 y) {
    if (x != y) out += fmt::format("  {:<16} exec {:016x}  lift {:016x}\n", name, x, y);
  };
  for (unsigned n = 0; n < a.gpr.size(); ++n) compare(fmt::format("gpr {}", n), a.gpr[n], b.gpr[n]);
  compare("rip", a.rip, b.rip);
  compare("flags.result", a.flags.result, b.flags.result);
  compare("flags.aux", a.flags.aux, b.flags.aux);
  compare("eflags", a.eflags, b.eflags);
  for (unsigned n = 0; n < kSegCount; ++n) {
    compare(fmt::format("segment {}", n), a.seg[n].selector, b.seg[n].selector);
    compare(fmt::format("segment {} attributes", n), a.seg[n].attributes, b.seg[n].attributes);
    compare(fmt::format("segment {} limit", n), a.seg[n].limit, b.seg[n].limit);
    compare(fmt::format("segment {} base", n), a.seg[n].base, b.seg[n].base);
  }
  compare("ldtr", a.ldtr.selector, b.ldtr.selector);
  compare("tr", a.tr.selector, b.tr.selector);
  compare("gdtr", a.gdtr.base ^ u64{a.gdtr.limit} << 48, b.gdtr.base ^ u64{b.gdtr.limit} << 48);
  compare("idtr", a.idtr.base ^ u64{a.idtr.limit} << 48, b.idtr.base ^ u64{b.idtr.limit} << 48);
  compare("cpl", a.cpl, b.cpl);
  compare("cr0", a.cr0, b.cr0);
  compare("cr2", a.cr2, b.cr2);
  compare("cr3", a.cr3, b.cr3);
  compare("cr4", a.cr4, b.cr4);
  compare("cr8", a.cr8, b.cr8);
  compare("efer", a.efer, b.efer);
  for (unsigned n = 0; n < 4; ++n) compare(fmt::format("pdpte {}", n), a.pdpte[n], b.pdpte[n]);
  for (unsigned n = 0; n < 8; ++n) compare(fmt::format("dr{}", n), a.dr[n], b.dr[n]);
  for (unsigned n = 0; n < 8; ++n) {
    compare(fmt::format("x87 R{}", n), a.x87.r[n].significand, b.x87.r[n].significand);
    compare(fmt::format("x87 R{} exponent", n), a.x87.r[n].sign_exponent, b.x87.r[n].sign_exponent);
  }
  compare("fcw", a.x87.control, b.x87.control);
  compare("fsw", a.x87.status, b.x87.status);
  compare("ftw", a.x87.tag, b.x87.tag);
  compare("fop", a.x87.opcode, b.x87.opcode);
  compare("fip", a.x87.ip ^ u64{a.x87.cs} << 48, b.x87.ip ^ u64{b.x87.cs} << 48);
  compare("fdp", a.x87.dp ^ u64{a.x87.ds} << 48, b.x87.dp ^ u64{b.x87.ds} << 48);
  for (unsigned n = 0; n < 16; ++n) {
    for (unsigned k = 0; k < 4; ++k) compare(fmt::format("xmm{} [{}]", n, k), a.xmm[n].q[k], b.xmm[n].q[k]);
  }
  compare("mxcsr", a.mxcsr, b.mxcsr);
  compare("xcr0", a.xcr0, b.xcr0);
  compare("sysenter", a.sysenter_cs ^ a.sysenter_eip ^ a.sysenter_esp, b.sysenter_cs ^ b.sysenter_eip ^ b.sysenter_esp);
  compare("kernel_gs_base", a.kernel_gs_base, b.kernel_gs_base);
  compare("activity", static_cast<u64>(a.activity), static_cast<u64>(b.activity));
  compare("interrupt shadow", a.interrupt_shadow_tick, b.interrupt_shadow_tick);
  compare("debug shadow", a.debug_shadow_tick, b.debug_shadow_tick);
  compare("nmi_blocked", a.nmi_blocked, b.nmi_blocked);
  compare("intr", a.intr, b.intr);
  compare("pending_debug", a.pending_debug, b.pending_debug);
  compare("ticks", exec.clock.ticks(), lift.clock.ticks());
  compare("icount", exec.engine->icount, lift.engine->icount);
  compare("device calls", exec.device_calls, lift.device_calls);
  if (exec.accesses != lift.accesses) {
    out += "  device:";
    for (const auto& l : exec.accesses) out += " exec(" + l + ")";
    for (const auto& l : lift.accesses) out += " lift(" + l + ")";
    out += '\n';
  }
  const auto x = const_cast<Side&>(exec).memory.ram(), y = const_cast<Side&>(lift).memory.ram();
  if (std::memcmp(x.data(), y.data(), x.size()) != 0) {
    unsigned shown = 0;
    for (std::size_t n = 0; n < x.size() && shown < 8; ++n) {
      if (x[n] != y[n]) {
        out += fmt::format("  memory {:05x}     exec {:02x}  lift {:02x}\n", n, x[n], y[n]);
        ++shown;
      }
    }
  }
  return out;
}

// --- instructions ----------------------------------------------------------------------------------------------------

std::vector<u8> random_instruction(u16 op, unsigned bits, const Decoder& decoder, Random& random) {
  const Encoding& e = line(op).encoding;
  const bool wide = bits == 64;
  if ((wide && e.bits64 == Bits64::No) || (!wide && (e.bits64 == Bits64::Only || e.rex_w == 1))) return {};
  for (unsigned attempt = 0; attempt < 60; ++attempt) {
    std::vector<u8> b;
    bool address32 = bits == 32, address64 = wide;
    const bool vex = e.vex != Vex::None;
    if (random.one_in(8)) {
      b.push_back(0x67);
      address32 = bits != 32;
      address64 = false;
    }
    if (random.one_in(10)) b.push_back(std::array<u8, 6>{0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65}[random.below(6)]);
    if (!vex && e.mandatory != Mandatory::P66 && e.mandatory != Mandatory::Np && random.one_in(4)) b.push_back(0x66);
    if (!vex && line(op).lock() && random.one_in(12)) b.push_back(0xf0);
    if (e.map == OpcodeMap::One && (e.opcode & 0xf4) == 0xa4 && random.one_in(3))
      b.push_back(random.one_in(2) ? 0xf3 : 0xf2);
    if (!vex && e.mandatory == Mandatory::P66) b.push_back(0x66);
    if (!vex && e.mandatory == Mandatory::Pf3) b.push_back(0xf3);
    if (!vex && e.mandatory == Mandatory::Pf2) b.push_back(0xf2);
    if (vex) {
      const unsigned pp = e.mandatory == Mandatory::Any ? 0 : static_cast<unsigned>(e.mandatory) - 1;
      const unsigned w = e.rex_w == 1 ? 1 : e.rex_w == 0 ? 0 : random.below(2);
      const bool has_vvvv =
          line(op).operand[0] == Opd::By || line(op).operand[1] == Opd::By || line(op).operand[2] == Opd::By;
      const unsigned vvvv = has_vvvv ? (wide ? random.below(16) : 8 | random.below(8)) : 15;
      b.push_back(0xc4);
      b.push_back(static_cast<u8>((wide ? random.below(8) << 5 : 0xe0) | static_cast<unsigned>(e.map)));
      b.push_back(static_cast<u8>(w << 7 | vvvv << 3 | (e.vex == Vex::V256 ? 4 : 0) | pp));
      b.push_back(e.opcode);
    } else {
      if (wide && (e.rex_w == 1 || random.one_in(3))) {
        b.push_back(static_cast<u8>(0x40 |
                                    (e.rex_w == 1   ? 8
                                     : e.rex_w == 0 ? 0
                                                    : random.below(2) * 8) |
                                    random.below(8)));
      }
      if (e.map != OpcodeMap::One) b.push_back(0x0f);
      if (e.map == OpcodeMap::Three38) b.push_back(0x38);
      if (e.map == OpcodeMap::Three3a) b.push_back(0x3a);
      b.push_back(e.low_register ? static_cast<u8>(e.opcode | random.below(8)) : e.opcode);
    }
    if (e.modrm) {
      // Most memory operands are aligned and where memory surely is: a block whose second instruction always faults
      // says nothing about its third.
      const bool tame = !random.one_in(4) && e.rm_field < 0;
      unsigned mod = random.one_in(2) ? 3 : tame ? 0 : random.below(3);
      if (e.mod == Mod::Memory) mod = tame ? 0 : random.below(3);
      if (e.mod == Mod::Register) mod = 3;
      const unsigned reg = e.reg_field >= 0 ? static_cast<unsigned>(e.reg_field) : random.below(8);
      unsigned rm = e.rm_field >= 0 ? static_cast<unsigned>(e.rm_field) : random.below(8);
      if (tame && mod != 3) rm = address64 || (wide && address32) ? 4 : address32 ? 5 : 6;
      b.push_back(static_cast<u8>(mod << 6 | reg << 3 | rm));
      if (mod != 3) {
        unsigned displacement = mod == 1 ? 1 : mod == 2 ? 4 : 0;
        bool based = mod != 0;
        if (address32 || address64) {
          if (rm == 4 && tame) {
            b.push_back(0x25);  // no base, no index
            displacement = 4;
            based = false;
          } else if (rm == 4) {
            b.push_back(static_cast<u8>((random.one_in(3) ? random.byte() & 0xf8 : 0x20) | random.below(8)));
            if (mod == 0 && (b.back() & 7) == 5) displacement = 4;
          } else if (mod == 0 && rm == 5) {
            displacement = 4;
            based = false;
          }
        } else {
          displacement = mod == 1 ? 1 : mod == 2 || rm == 6 ? 2 : 0;
          based = !(mod == 0 && rm == 6);
        }
        i64 value = static_cast<i8>(random.byte());
        if (!based) {
          value = displacement == 2 ? 0x8000 + random.below(0x8000) : Side::kData + random.below(0x8000);
          if (!tame && random.one_in(12)) value = Side::kDevice + random.below(0x1000);
          if (address64 && rm == 5) value -= Side::kCode;  // relative to RIP
          if (tame)
            value = (displacement == 2 ? 0x8000 + random.below(0x4000) : Side::kData + random.below(0x3ff0)) & ~i64{15};
        }
        for (unsigned n = 0; n < displacement; ++n) b.push_back(static_cast<u8>(value >> (8 * n)));
      }
    }
    const std::size_t fixed = b.size();
    for (unsigned n = 0; n < 12; ++n) b.push_back(random.one_in(3) ? random.byte() : static_cast<u8>(random.below(8)));
    // Addresses in the instruction, far pointers and immediates of branches are not told apart here.
    if (e.map == OpcodeMap::One && e.opcode >= 0xa0 && e.opcode <= 0xa3 && !e.modrm) {
      const u64 value = bits == 16 ? 0x8000 + random.below(0x8000) : Side::kData + random.below(0x8000);
      for (unsigned n = 0; n < 8; ++n) b[fixed + n] = static_cast<u8>(value >> (8 * n));
    }
    Insn insn;
    const DecodeMode mode{.code32 = bits == 32, .code64 = wide, .protected_mode = true};
    if (decoder.decode(b, mode, insn) != DecodeResult::Ok || insn.op != op) continue;
    b.resize(insn.length);
    return b;
  }
  return {};
}

}  // namespace orrery::test
