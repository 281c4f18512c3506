#include "tests/oracle/emulated.h"

#include <algorithm>
#include <cstring>

namespace orrery::oracle {
namespace {

using namespace cpu;  // NOLINT: names of registers and bits

// Physical memory, and the supervisor's linear addresses: it lies there a second time, in one large page.
constexpr u64 kSystem = 0x5a400000;
constexpr u64 kRam = 2 << 20;
constexpr u64 kGdt = 0x1000, kLdtTable = 0x1800, kIdt = 0x2000, kTss = 0x4000, kStackTop = 0x6000, kHandlers = 0x7000,
              kTables = 0x8000, kCodePages = 0x20000, kDataPages = 0x40000;
constexpr u64 kUser = 7, kLarge = 0x80, kNoExecute = u64{1} << 63;
constexpr u16 kKernelCode32 = 0x08, kKernelCode64 = 0x10, kKernelData = 0x18, kTssSelector = 0x40, kLdtSelector = 0x50,
              kCpuNumber = 0x78;  // its limit tells Linux programs where they run
constexpr u64 kMaxTicks = 200000;

u64 descriptor(u64 base, u32 limit, unsigned access, unsigned flags) {
  return u64{limit & 0xffff} | (base & 0xffffff) << 16 | u64{access} << 40 | u64{(limit >> 16) & 15} << 48 |
         u64{flags} << 52 | ((base >> 24) & 0xff) << 56;
}

u64 ldt_descriptor(const LdtEntry& e) {
  const unsigned access = 0x70u | e.type | (e.present ? 0x80u : 0u);
  return descriptor(e.base, e.limit, access, (e.g ? 8u : 0u) | (e.db ? 4u : 0u));
}

}  // namespace

Model Emulated::model() {
  std::string error;
  Model m = *parse_model("max", error);
  m.features.set(Feature::Lm);
  m.features.set(Feature::Cx16);
  m.features.set(Feature::LahfLm);
  m.features.set(Feature::Fsgsbase);
  return m;
}

bool Emulated::system_address(u64 linear) { return linear - kSystem < kRam; }

Emulated::Emulated(bool long_mode)
    : long_mode_(long_mode),
      memory_(kRam, log_),
      model_(model()),
      engine_(model_, memory_, ports_, clock_, log_, Pins{}) {
  memory_.map_ram(0, kRam, 0);
  make_tables();
}

void Emulated::make_tables() {
  const auto put = [this](u64 address, u64 value) { memory_.write64(address, value); };
  put(kGdt + kKernelCode32, descriptor(0, 0xfffff, 0x9b, 0xc));
  put(kGdt + kKernelCode64, descriptor(0, 0xfffff, 0x9b, 0xa));
  put(kGdt + kKernelData, descriptor(0, 0xfffff, 0x93, 0xc));
  put(kGdt + (kUserCode32 & ~7u), descriptor(0, 0xfffff, 0xfb, 0xc));
  put(kGdt + (kUserData & ~7u), descriptor(0, 0xfffff, 0xf3, 0xc));
  put(kGdt + (kUserCode64 & ~7u), descriptor(0, 0xfffff, 0xfb, 0xa));
  put(kGdt + kCpuNumber, descriptor(0, 0, 0xf5, 4));
  put(kGdt + kTssSelector, descriptor(kSystem + kTss, 0x67, 0x8b, 0));
  put(kGdt + kLdtSelector, descriptor(kSystem + kLdtTable, sizeof kLdt / sizeof kLdt[0] * 8 - 1, 0x82, 0));
  for (unsigned n = 0; n < std::size(kLdt); ++n) put(kLdtTable + n * 8, ldt_descriptor(kLdt[n]));
  // Linux lets user programs execute INT3 and INTO (and INT 80h, which is never generated).
  for (unsigned v = 0; v < 256; ++v) {
    const u64 handler = kSystem + kHandlers + v * 8;
    const u64 access = v == kBp || v == kOfv ? 0xee : 0x8e;
    const u64 gate = (handler & 0xffff) | u64{long_mode_ ? kKernelCode64 : kKernelCode32} << 16 | access << 40 |
                     (handler >> 16) << 48;
    put(kIdt + v * (long_mode_ ? 16u : 8u), gate);
    if (long_mode_) put(kIdt + v * 16u + 8, 0);
    memory_.write8(kHandlers + v * 8, 0xf4);
  }
  if (long_mode_) {
    memory_.write64(kTss + 4, kSystem + kStackTop);
  } else {
    memory_.write32(kTss + 4, kSystem + kStackTop);
    memory_.write32(kTss + 8, kKernelData);
  }
  memory_.write16(kTss + 102, 0x68);  // no I/O bitmap

  // Page tables: PML4, PDPT (one for each mode), page directory of the first 2 GiB (two pages), three page tables.
  const u64 pml4 = kTables, pdpt = kTables + 0x1000, pd0 = kTables + 0x2000, pd1 = kTables + 0x3000;
  put(pml4, pdpt | kUser);
  for (unsigned n = 0; n < 2; ++n) put(pdpt + n * 8, (n == 0 ? pd0 : pd1) | (long_mode_ ? kUser : 1));
  const auto entry = [&](u64 linear) -> u64 { return (linear >> 30 == 0 ? pd0 : pd1) + ((linear >> 21) & 511) * 8; };
  const u64 code_table = kTables + 0x4000, data_table = kTables + 0x5000;
  put(entry(kCodeBase), code_table | kUser);
  put(entry(kDataBase), data_table | kUser);
  put(entry(kSystem), 0 | kLarge | 0x63);
  for (u64 n = 0; n < kSlots * kSlotBytes / 0x1000; ++n) put(code_table + n * 8, (kCodePages + n * 0x1000) | 0x25);
  for (u64 n = 0; n < kPages.size(); ++n) {
    if (kPages[n] == Page::None) continue;
    put(data_table + n * 8, (kDataPages + n * 0x1000) | (kPages[n] == Page::ReadWrite ? 0x67u : 0x65u) | kNoExecute);
  }

  State& s = engine_.s;
  s.gdtr = {.base = kSystem + kGdt, .limit = 0x7f};
  s.idtr = {.base = kSystem + kIdt, .limit = static_cast<u16>((long_mode_ ? 4096 : 2048) - 1)};
  s.ldtr = Segment{.selector = kLdtSelector,
                   .attributes = 0x82,
                   .limit = static_cast<u32>(std::size(kLdt) * 8 - 1),
                   .base = kSystem + kLdtTable};
  s.tr = Segment{.selector = kTssSelector, .attributes = 0x8b, .limit = 0x67, .base = kSystem + kTss};
  s.cr0 = kCr0Pe | kCr0Mp | kCr0Et | kCr0Ne | kCr0Wp | kCr0Am | kCr0Pg;
  s.cr4 = kCr4Pae | kCr4Pse | kCr4Osfxsr | kCr4Osxmmexcpt | kCr4Umip | kCr4Fsgsbase;
  s.efer = kEferNxe | (long_mode_ ? kEferLme | kEferLma : 0);
  s.cr3 = long_mode_ ? pml4 : pdpt;
  for (unsigned n = 0; n < 4; ++n) s.pdpte[n] = memory_.read64(pdpt + n * 8);
  engine_.flush_tlb(true);
}

void Emulated::load(unsigned seg, u16 selector) {
  if ((selector & ~3u) == 0) {
    engine_.s.seg[seg] = Segment{.selector = selector};
    return;
  }
  const u64 d = memory_.read64(((selector & 4) != 0 ? kLdtTable : kGdt) + (selector & ~7u));
  const u32 raw = static_cast<u32>(d & 0xffff) | (static_cast<u32>(d >> 48 & 15) << 16);
  engine_.s.seg[seg] = Segment{.selector = selector,
                               .attributes = static_cast<u16>(d >> 40 & 0xf0ff),
                               .limit = (d >> 55 & 1) != 0 ? raw << 12 | 0xfff : raw,
                               .base = (d >> 16 & 0xffffff) | (d >> 56 << 24)};
}

namespace {

/// SDM vol. 1, 10.5.1: the FXSAVE image's abridged tags stand for more than they say.
u16 full_tags(const std::array<u8, 512>& fx) {
  u16 tags = 0;
  const unsigned top = (fx[3] >> 3) & 7;
  for (unsigned n = 0; n < 8; ++n) {
    unsigned tag = 3;
    if ((fx[4] >> n & 1) != 0) {
      const u8* r = &fx[32 + ((n - top) & 7) * 16];
      u64 significand = 0;
      std::memcpy(&significand, r, 8);
      const unsigned exponent = (r[8] | r[9] << 8) & 0x7fff;
      tag = exponent == 0x7fff ? 2 : exponent == 0 ? (significand == 0 ? 1 : 2) : (significand >> 63) != 0 ? 0 : 2;
    }
    tags |= static_cast<u16>(tag << (2 * n));
  }
  return tags;
}

u16 get16(const u8* p) { return static_cast<u16>(p[0] | p[1] << 8); }

void load_fx(State& s, const std::array<u8, 512>& fx) {
  s.x87.control = static_cast<u16>((get16(&fx[0]) & 0x1f3f) | 0x40);
  s.x87.status = get16(&fx[2]);
  s.x87.tag = full_tags(fx);
  s.x87.opcode = 0, s.x87.cs = s.x87.ds = 0, s.x87.ip = s.x87.dp = 0;
  const unsigned top = (s.x87.status >> 11) & 7;
  for (unsigned n = 0; n < 8; ++n) {
    Float80& r = s.x87.r[(n + top) & 7];
    std::memcpy(&r.significand, &fx[32 + n * 16], 8);
    r.sign_exponent = get16(&fx[32 + n * 16 + 8]);
  }
  std::memcpy(&s.mxcsr, &fx[24], 4);
  for (unsigned n = 0; n < 16; ++n) std::memcpy(s.xmm[n].q.data(), &fx[160 + n * 16], 16);
}

void store_fx(const State& s, std::array<u8, 512>& fx) {
  std::memcpy(&fx[0], &s.x87.control, 2);
  std::memcpy(&fx[2], &s.x87.status, 2);
  for (unsigned n = 0; n < 8; ++n) {
    if (((s.x87.tag >> (2 * n)) & 3) != 3) fx[4] = static_cast<u8>(fx[4] | 1u << n);
  }
  std::memcpy(&fx[24], &s.mxcsr, 4);
  const unsigned top = (s.x87.status >> 11) & 7;
  for (unsigned n = 0; n < 8; ++n) {
    const Float80& r = s.x87.r[(n + top) & 7];
    std::memcpy(&fx[32 + n * 16], &r.significand, 8);
    std::memcpy(&fx[32 + n * 16 + 8], &r.sign_exponent, 2);
  }
  for (unsigned n = 0; n < 16; ++n) std::memcpy(&fx[160 + n * 16], s.xmm[n].q.data(), 16);
}

}  // namespace

void Emulated::run_case(const Case& c, unsigned slot, Outcome& o) {
  State& s = engine_.s;
  for (const Case::Poke& p : c.poke) memory_.write_block(kDataPages + p.at, std::span(p.bytes).first(p.size));
  std::copy(c.gpr.begin(), c.gpr.end(), s.gpr.begin());
  if (c.bits != Bits::B64) {
    for (u64& r : s.gpr) r &= 0xffffffff;
  }
  for (unsigned seg = 0; seg < kSegCount; ++seg) load(seg, c.seg[seg]);
  if (c.bits == Bits::B64) s.seg[kFs].base = c.fs_base, s.seg[kGs].base = c.gs_base;
  s.cpl = 3;
  s.rip = slot_address(slot) - code_base(c.seg[kCs]);
  load_fx(s, c.fx);
  s.activity = Activity::Running;
  s.pending_debug = 0;
  s.dr[6] = 0xffff0ff0;
  s.cr2 = 0;
  engine_.set_rflags(c.flags | kIf);
  engine_.mode_changed();
  ++engine_.link_generation;
  const Stop stop = engine_.run(clock_.ticks() + kMaxTicks);
  std::copy(s.gpr.begin(), s.gpr.begin() + 16, o.gpr.begin());
  store_fx(s, o.fx);
  for (unsigned seg : {kEs, kDs, kFs, kGs}) o.seg[seg] = s.seg[seg].selector;
  o.fs_base = s.seg[kFs].base, o.gs_base = s.seg[kGs].base;
  for_each_blank(c, [this](u64 at) { memory_.write8(kDataPages + at, 0); });
  if (stop != Stop::Halted || s.cpl != 0) {
    o.vector = kHang;
    return;
  }
  o.vector = static_cast<u32>((s.rip - 1 - kSystem - kHandlers) / 8);
  u64 at = s.gpr[kRsp] - kSystem;
  const unsigned width = long_mode_ ? 8 : 4;
  const auto pop = [&] {
    const u64 v = memory_.read(at, width);
    at += width;
    return v;
  };
  if (o.vector == kDf8 || (o.vector >= kTs && o.vector <= kPfv) || o.vector == kAcv) o.error = static_cast<u32>(pop());
  o.rip = pop();
  o.seg[kCs] = static_cast<u16>(pop());
  o.flags = pop();
  o.gpr[kRsp] = pop();
  o.seg[kSs] = static_cast<u16>(pop());
  if (o.vector == kPfv) o.cr2 = s.cr2;
  if (o.vector == kPfv && o.rip == kDone && o.seg[kCs] == kUserCode64) o.vector = kEnd, o.error = 0, o.cr2 = 0;
}

void Emulated::run(const Batch& batch, unsigned count, std::span<Outcome> outcomes, std::span<u8> memory) {
  memory_.write_block(kCodePages, code_image(batch, count));
  memory_.write_block(kDataPages, batch.memory);
  engine_.state_changed();
  for (unsigned n = 0; n < count; ++n) {
    outcomes[n] = Outcome{};
    run_case(batch.cases[n], n, outcomes[n]);
  }
  memory_.read_block(kDataPages, memory);
}

}  // namespace orrery::oracle
