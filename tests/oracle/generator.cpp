#include "tests/oracle/generator.h"

#include <algorithm>
#include <cstring>
#include <span>

namespace orrery::oracle {
namespace {

using namespace cpu;  // NOLINT: names of the table

constexpr unsigned kGroupSize[kGroups] = {
#define X(...) +1
    0
#include "cpu/opcodes/bmi.inc"
    ,
    0
#include "cpu/opcodes/integer.inc"
    ,
    0
#include "cpu/opcodes/control.inc"
    ,
    0
#include "cpu/opcodes/string.inc"
    ,
    0
#include "cpu/opcodes/system.inc"
    ,
    0
#include "cpu/opcodes/x87.inc"
    ,
    0
#include "cpu/opcodes/mmx.inc"
    ,
    0
#include "cpu/opcodes/sse_integer.inc"
    ,
    0
#include "cpu/opcodes/sse.inc"
    ,
    0
#include "cpu/opcodes/sse4.inc"
#undef X
};

constexpr std::string_view kGroupNames[kGroups] = {"bmi", "integer", "control",     "string", "system",
                                                   "x87", "mmx",     "sse_integer", "sse",    "sse4"};

template <typename... Names> constexpr bool is(std::string_view semantic, Names... names) {
  return ((semantic == names) || ...);
}

/// What cannot be compared with this method.
bool excluded(u16 op) {
  const std::string_view s = line(op).semantic;
  // Results that are the machine's own.
  if (is(s, "Cpuid", "Rdtsc", "Rdtscp", "Rdpmc", "Rdrand", "Rdseed", "Xgetbv", "Xsetbv", "Rdpid")) return true;
  // The kernel answers in the processor's place (UMIP), or takes them for system calls.
  if (is(s, "Sgdt", "Sidt", "Sldt", "Str", "Smsw", "Syscall", "Sysret", "Sysenter", "Sysexit")) return true;
  // Undefined on AMD's processors, a hint on Intel's.
  if (line(op).id == "Nop_Ev_0d") return true;
  return s.starts_with("Xsave") || s.starts_with("Xrstor");
}

constexpr u64 kWords[] = {0,
                          1,
                          2,
                          3,
                          7,
                          8,
                          15,
                          16,
                          17,
                          31,
                          32,
                          33,
                          63,
                          64,
                          0x7f,
                          0x80,
                          0x81,
                          0xff,
                          0x100,
                          0x7fff,
                          0x8000,
                          0x8001,
                          0xffff,
                          0x10000,
                          0x7fffffff,
                          0x80000000,
                          0x80000001,
                          0xffffffff,
                          0xfffffffe,
                          0x100000000,
                          0x7fffffffffffffff,
                          0x8000000000000000,
                          ~u64{0},
                          ~u64{0} - 1,
                          0x0123456789abcdef};

u64 value(Random& r) {
  switch (r.below(6)) {
    case 0: return kWords[r.below(std::size(kWords))];
    case 1: return static_cast<u64>(static_cast<i64>(r.next()) >> (r.below(64)));
    case 2: return r.next() >> r.below(64);
    case 3: return kWords[r.below(std::size(kWords))] + r.below(5) - 2;
    default: return r.next();
  }
}

constexpr u16 kSelectors[] = {0,
                              1,
                              3,
                              kUserData,
                              kUserCode32,
                              0x28,
                              0x18,
                              0x10,
                              0x43,
                              0x7c,
                              0xfff8,
                              0x5f,
                              ldt_selector(0),
                              ldt_selector(1),
                              ldt_selector(2),
                              ldt_selector(3),
                              ldt_selector(4),
                              ldt_selector(5),
                              ldt_selector(6),
                              ldt_selector(7),
                              ldt_selector(8),
                              ldt_selector(9),
                              ldt_selector(10),
                              static_cast<u16>(ldt_selector(2) - 3)};

/// Builds one case.
class Builder {
 public:
  Builder(Random& random, Case& c, unsigned slot) : r_(random), c_(c), slot_(slot) {}

  void start();
  bool add(u16 op);
  void finish();
  bool accepts(u16 op) const;

 private:
  unsigned width_bits() const { return c_.bits == Bits::B64 ? 64 : c_.bits == Bits::B32 ? 32 : 16; }
  u64 segment_base(unsigned seg) const;
  u64 target(unsigned width);
  void put(u64 v, unsigned width) {
    for (unsigned n = 0; n < width; ++n) bytes_[size_++] = static_cast<u8>(v >> (8 * n));
  }
  u64 tail_offset() const { return slot_address(slot_) + kSlotBytes - kTailBytes - code_base(c_.seg[kCs]); }
  u64 wild_offset() {
    return c_.bits == Bits::B16 || code_base(c_.seg[kCs]) != 0 ? 0x4000 + r_.below(0xc000)
                                                               : 0x70000000 + r_.below(0xfffffff);
  }
  u64 goal() { return r_.one_in(4) ? wild_offset() : tail_offset(); }
  bool pin(unsigned reg, u64 v) {
    if ((pinned_ >> reg & 1) != 0) return false;
    pinned_ |= 1u << reg;
    c_.gpr[reg] = v;
    return true;
  }
  unsigned data_register() {
    if (c_.bits == Bits::B64 && r_.one_in(3)) return static_cast<unsigned>(r_.below(16));
    if (r_.one_in(6)) return static_cast<unsigned>(r_.below(8));
    return static_cast<unsigned>(r_.below(3));
  }
  void memory_operand(unsigned reg_field, unsigned address_size, u64 linear);
  void poke(u64 linear, std::span<const u8> bytes);
  void poke_far(u64 linear, unsigned offset_width);
  u32 undefined_by(u16 op, unsigned opsize, int count) const;
  u16 far_selector() { return c_.bits == Bits::B16 ? ldt_selector(0) : r_.one_in(2) ? ldt_selector(1) : kUserCode32; }

  Random& r_;
  Case& c_;
  unsigned slot_;
  u32 pinned_ = 1u << kRsp;
  std::array<u8, 32> bytes_{};
  unsigned size_ = 0;
  unsigned pokes_ = 0;
  int override_ = -1;
  u8 rex_ = 0;
  int displacement_at_ = -1;  // RIP-relative
  u64 displacement_goal_ = 0;
  struct Jump {
    unsigned at, width, end;
  };
  std::vector<Jump> jumps_;
};

u64 Builder::segment_base(unsigned seg) const {
  if (c_.bits == Bits::B64) return seg == kFs ? c_.fs_base : seg == kGs ? c_.gs_base : 0;
  const u16 selector = c_.seg[seg];
  return (selector & 4) != 0 && (selector >> 3) < std::size(kLdt) ? kLdt[selector >> 3].base : 0;
}

u64 Builder::target(unsigned width) {
  const u64 w = std::max(width, 1u);
  if (c_.bits == Bits::B64 && r_.one_in(16)) {  // about the ends of the canonical halves, and far from them
    constexpr u64 kEnds[] = {u64{1} << 47, ~u64{0} << 47, u64{0x1234567890abcdef}, 0};
    return kEnds[r_.below(std::size(kEnds))] - r_.below(w + 2);
  }
  switch (r_.below(24)) {
    case 0: return kDataBase + 0x1000 - r_.below(w + 1);  // two writable pages
    case 1: return kDataBase + 0x2000 - r_.below(w + 1);  // into a read-only page
    case 2: return kDataBase + 0x3000 - r_.below(w + 1);  // into no page
    case 3: return kDataBase + 0x2000 + r_.below(0xff0);
    case 4: return kDataBase + (r_.one_in(2) ? 0 : 0x8000) - r_.below(w + 1);
    case 5: return kDataBase + 0x10000 - r_.below(w + 1);
    case 6: return kDataBase + 0xf000 + r_.below(0xff0);
    case 7: return kDataBase + (r_.below(0x10000));
    case 8: return kDataBase + 0x8000 + r_.below(0x1ff0);
    case 9: return kDataBase + 0x8ffd + r_.below(6);
    case 10: return kDataBase + 0x0ff8 + r_.below(10);
    default: return kDataBase + 0x100 + (r_.one_in(3) ? r_.below(0x1e00) : r_.below(0xe0) * 16);
  }
}

void Builder::start() {
  c_.flags = 0x202 | (r_.next() & kArithFlags) | (r_.one_in(4) ? kDf : 0) | (r_.one_in(10) ? kAc : 0);
  for (u64& g : c_.gpr) g = value(r_);
  for (u16& s : c_.seg) s = kUserData;
  const bool ldt = c_.bits == Bits::B16 ? !r_.one_in(8) : r_.one_in(3);
  if (c_.bits == Bits::B64) {
    c_.seg = {};
    c_.seg[kCs] = kUserCode64;
    c_.seg[kSs] = kUserData;
    c_.fs_base = r_.one_in(2) ? kDataBase : kDataBase + r_.below(0x8000) - 0x4000;
    c_.gs_base = r_.one_in(2) ? 0 : kDataBase + r_.below(0x2000);
  } else {
    c_.seg[kCs] = c_.bits == Bits::B16 ? ldt_selector(0) : ldt && r_.one_in(2) ? ldt_selector(1) : kUserCode32;
    if (ldt) {
      constexpr unsigned kData[] = {2, 2, 2, 2, 3, 3, 4, 5, 6, 8, 10, 9};
      constexpr unsigned kStack[] = {2, 2, 2, 3, 3, 4, 5, 8, 10};
      for (const unsigned seg : {kEs, kDs, kFs, kGs}) {
        c_.seg[seg] = ldt_selector(kData[r_.below(r_.one_in(3) ? 11 : 4)]);
        if (r_.one_in(20)) c_.seg[seg] = static_cast<u16>(r_.below(4));
      }
      c_.seg[kSs] = ldt_selector(kStack[r_.below(r_.one_in(3) ? 9 : 3)]);
    } else if (r_.one_in(2)) {
      for (const unsigned seg : {kFs, kGs}) c_.seg[seg] = ldt_selector(static_cast<unsigned>(2 + r_.below(5)));
    }
  }
  u64 sp = kDataBase + 0x9000 + r_.below(64) * 8 - 256;
  if (r_.one_in(4)) sp += r_.below(8);
  if (r_.one_in(12)) {
    constexpr u64 kEdges[] = {0, 0x8000, 0x8004, 0xa000, 0x10000, 0x1000, 0x2000, 0x2004, 0x9001, 0x1000};
    sp = kDataBase + kEdges[r_.below(std::size(kEdges))] + r_.below(9) - 4;
  }
  c_.gpr[kRsp] = sp - segment_base(kSs);
  if (c_.bits != Bits::B64 && !ldt) c_.gpr[kRsp] &= 0xffffffff;
  // A 16-bit stack's upper half of ESP is anything.
  if (c_.bits != Bits::B64 && (c_.seg[kSs] & 4) != 0 && !kLdt[c_.seg[kSs] >> 3].db && r_.one_in(2)) {
    c_.gpr[kRsp] = (c_.gpr[kRsp] & 0xffff) | (r_.next() & 0xffff0000);
  }

  // x87 and SSE.
  auto& fx = c_.fx;
  fx.fill(0);
  const u16 control = static_cast<u16>(0x40 | (r_.below(16) << 8) | (r_.one_in(4) ? r_.below(64) : 0x3f));
  u16 status = static_cast<u16>((r_.next() & 0x4700) | r_.below(8) << 11 | (r_.one_in(3) ? r_.below(128) : 0));
  if ((status & ~control & 0x3f) != 0) {
    if (r_.one_in(4)) {
      status |= 0x8080;  // pending
    } else {
      status &= static_cast<u16>(0xff80 | (control & 0x3f));
    }
  }
  std::memcpy(&fx[0], &control, 2);
  std::memcpy(&fx[2], &status, 2);
  fx[4] = r_.one_in(2) ? 0xff : static_cast<u8>(r_.next());
  const u32 mxcsr =
      static_cast<u32>((r_.one_in(5) ? r_.below(64) << 7 : 0x1f80) | r_.below(4) << 13 | (r_.one_in(4) ? 0x8000 : 0) |
                       (r_.one_in(4) ? 0x40 : 0) | (r_.one_in(4) ? r_.below(64) : 0));
  std::memcpy(&fx[24], &mxcsr, 4);
  for (unsigned n = 0; n < 8; ++n) {
    u64 significand = r_.next();
    u16 exponent = static_cast<u16>(r_.next() & 0x8000);
    switch (r_.below(12)) {
      case 0: exponent |= 0x7fff, significand = r_.one_in(2) ? u64{1} << 63 : significand | u64{1} << 63; break;
      case 1: significand = 0; break;
      case 2: significand = r_.one_in(2) ? significand >> r_.below(64) : significand | u64{1} << 63; break;
      case 3: exponent = static_cast<u16>(r_.next()); break;
      case 4: exponent |= 0x7fff; break;
      case 5:
        exponent = static_cast<u16>(exponent | (0x3fff + r_.below(70))),
        significand = (significand << r_.below(64)) | u64{1} << 63;
        break;
      case 6:
        exponent = static_cast<u16>(exponent | (r_.one_in(2) ? 1 + r_.below(70) : 0x7ffe - r_.below(70))),
        significand |= u64{1} << 63;
        break;
      case 7: exponent = static_cast<u16>(exponent | (0x3fff + r_.below(8))), significand = u64{1} << 63; break;
      default: exponent = static_cast<u16>(exponent | (0x3fff + r_.below(40) - 20)), significand |= u64{1} << 63; break;
    }
    std::memcpy(&fx[32 + n * 16], &significand, 8);
    std::memcpy(&fx[32 + n * 16 + 8], &exponent, 2);
  }
  constexpr u32 kSingles[] = {0,          0x80000000, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000,
                              0x7fc00000, 0x7f800001, 1,          0x007fffff, 0x00800000, 0x7f7fffff,
                              0x4f000000, 0xcf000000, 0x5f000000, 0x33800000, 0x3effffff};
  constexpr u64 kDoubles[] = {0,
                              1ull << 63,
                              0x3ff0000000000000,
                              0xbff0000000000000,
                              0x7ff0000000000000,
                              0xfff0000000000000,
                              0x7ff8000000000000,
                              0x7ff0000000000001,
                              1,
                              0x000fffffffffffff,
                              0x0010000000000000,
                              0x7fefffffffffffff,
                              0x41e0000000000000,
                              0xc1e0000000000000,
                              0x43e0000000000000,
                              0x3810000000000000,
                              0x380fffffffffffff,
                              0x47efffffe0000000,
                              0x36a0000000000000};
  for (unsigned n = 0; n < 16; ++n) {
    u64 q[2];
    for (u64& v : q) {
      switch (r_.below(7)) {
        case 0: v = kSingles[r_.below(std::size(kSingles))] | u64{kSingles[r_.below(std::size(kSingles))]} << 32; break;
        case 1: v = kDoubles[r_.below(std::size(kDoubles))]; break;
        case 2: v = (r_.next() & 0x800fffffffffffff) | (0x3ff - 12 + r_.below(24)) << 52; break;
        case 3:
          v = (r_.next() & 0x807fffff807fffff) | (0x7f - 10 + r_.below(20)) << 23 | (0x7f - 10 + r_.below(20)) << 55;
          break;
        case 4: v = (r_.next() & 0x807fffff807fffff) | (r_.below(30)) << 23 | (0x7f + 20 + r_.below(20)) << 55; break;
        default: v = value(r_);
      }
    }
    std::memcpy(&fx[160 + n * 16], q, 16);
  }
}

void Builder::poke(u64 linear, std::span<const u8> bytes) {
  const u64 at = linear - kDataBase;
  if (pokes_ >= c_.poke.size() || at >= kDataBytes || at + bytes.size() > kDataBytes) return;
  if (kPages[at >> 12] != Page::ReadWrite || kPages[(at + bytes.size() - 1) >> 12] != Page::ReadWrite) return;
  Case::Poke& p = c_.poke[pokes_++];
  p.at = static_cast<u16>(at);
  p.size = static_cast<u16>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), p.bytes.begin());
}

void Builder::poke_far(u64 linear, unsigned offset_width) {
  u8 image[12] = {};
  u16 selector = far_selector();
  u64 offset = slot_address(slot_) + kSlotBytes - kTailBytes - code_base(selector);
  if (r_.one_in(3)) selector = kSelectors[r_.below(std::size(kSelectors))];
  if (r_.one_in(6)) offset = wild_offset();
  std::memcpy(image, &offset, 8);
  std::memcpy(image + offset_width, &selector, 2);
  poke(linear, std::span(image).first(offset_width + 2));
}

void Builder::memory_operand(unsigned reg_field, unsigned address_size, u64 linear) {
  const auto seg_of = [this](unsigned standard) {
    return override_ >= 0 ? static_cast<unsigned>(override_) : standard;
  };
  const auto modrm = [&](unsigned mod, unsigned rm) { put(mod << 6 | reg_field << 3 | rm, 1); };
  if (address_size == 16) {
    struct Form {
      u8 base, index;
    };
    constexpr Form kForms[8] = {{kRbx, kRsi}, {kRbx, kRdi}, {kRbp, kRsi}, {kRbp, kRdi},
                                {kRsi, 16},   {kRdi, 16},   {kRbp, 16},   {kRbx, 16}};
    unsigned rm = static_cast<unsigned>(r_.below(8)), mod = static_cast<unsigned>(r_.below(3));
    const bool absolute = mod == 0 && rm == 6;
    const Form f = kForms[rm];
    const unsigned seg = seg_of(f.base == kRbp && !absolute ? kSs : kDs);
    const u64 ea = linear - segment_base(seg);
    if (absolute) {
      modrm(0, 6);
      put(ea, 2);
      return;
    }
    u64 disp = r_.one_in(2) ? r_.next() : static_cast<u64>(static_cast<i64>(r_.below(256)) - 128);
    if (mod == 1) disp = static_cast<u64>(static_cast<i64>(static_cast<i8>(disp)));
    if (mod == 0) disp = 0;
    u64 rest = ea - disp;
    const u64 high = r_.one_in(2) ? r_.next() & 0xffff0000 : 0;
    bool fixed = false;
    if (f.index != 16) {
      fixed = pin(f.index, ((rest - c_.gpr[f.base]) & 0xffff) | high);
      if (fixed) pinned_ |= 1u << f.base;
      if (!fixed) fixed = pin(f.base, ((rest - c_.gpr[f.index]) & 0xffff) | high);
    } else {
      fixed = pin(f.base, (rest & 0xffff) | high);
    }
    if (!fixed) {
      mod = 2;
      disp = ea - c_.gpr[f.base] - (f.index != 16 ? c_.gpr[f.index] : 0);
    }
    modrm(mod, rm);
    put(disp, mod);
    return;
  }
  const bool code64 = c_.bits == Bits::B64;
  const u64 mask = address_size == 64 ? ~u64{0} : 0xffffffff;
  const auto numbered = [&](unsigned low) { return code64 && r_.one_in(3) ? low | 8 : low; };
  switch (r_.below(8)) {
    case 0: {  // displacement alone
      const u64 ea = linear - segment_base(seg_of(kDs));
      if (code64 && r_.one_in(2)) {
        modrm(0, 5);
        displacement_at_ = static_cast<int>(size_);
        displacement_goal_ = ea;
        put(0, 4);
      } else if (code64) {
        modrm(0, 4);
        put(0x25, 1);
        put(ea, 4);
      } else {
        modrm(0, 5);
        put(ea, 4);
      }
      return;
    }
    case 1:
    case 2:
    case 3: {  // base, index, displacement
      constexpr unsigned kBases[] = {kRbx, kRsi, kRdi, kRbp, kRax, kRcx, kRdx, kRsp, kRbp};
      const unsigned base = numbered(kBases[r_.below(std::size(kBases))]);
      unsigned index = numbered(kBases[r_.below(std::size(kBases))]);
      const unsigned scale = static_cast<unsigned>(r_.below(4));
      unsigned mod = static_cast<unsigned>(r_.below(3));
      const bool no_base = mod == 0 && (base & 7) == kRbp, no_index = index == kRsp;
      const unsigned seg = seg_of(!no_base && (base == kRsp || base == kRbp) ? kSs : kDs);
      const u64 ea = linear - segment_base(seg);
      if ((pinned_ >> index & 1) == 0 && (!no_index) && (address_size == 64 || no_base || r_.one_in(2))) {
        c_.gpr[index] = r_.below(0x200) - 0x100;
      }
      const u64 scaled = no_index ? 0 : c_.gpr[index] << scale;
      u64 disp = mod == 1 ? static_cast<u64>(static_cast<i64>(r_.below(256)) - 128)
                          : static_cast<u64>(static_cast<i64>(static_cast<i32>(value(r_))));
      if (mod == 0 && !no_base) disp = 0;
      if (no_base) {
        disp = ea - scaled;
        if (!no_index) pinned_ |= 1u << index;
      } else if (base != index && pin(base, (ea - disp - scaled) & mask)) {
        if (!no_index) pinned_ |= 1u << index;
      } else {
        mod = 2;
        disp = ea - c_.gpr[base] - scaled;
        pinned_ |= 1u << base | (no_index ? 0 : 1u << index);
      }
      rex_ |= static_cast<u8>((base >> 3) | (index >> 3) << 1);
      modrm(mod, 4);
      put(scale << 6 | (index & 7) << 3 | (base & 7), 1);
      put(disp, no_base || mod == 2 ? 4 : mod);
      return;
    }
    default: {  // base, displacement
      constexpr unsigned kBases[] = {kRbx, kRsi, kRdi, kRbp, kRbx, kRsi, kRdi, kRax, kRdx, kRcx};
      const unsigned base = numbered(kBases[r_.below(std::size(kBases))]);
      unsigned mod = static_cast<unsigned>(r_.below(3));
      if (mod == 0 && (base & 7) == kRbp) mod = 1;
      const u64 ea = linear - segment_base(seg_of(base == kRbp ? kSs : kDs));
      u64 disp = mod == 0   ? 0
                 : mod == 1 ? static_cast<u64>(static_cast<i64>(r_.below(256)) - 128)
                            : static_cast<u64>(static_cast<i64>(static_cast<i32>(value(r_))));
      if (!pin(base, (ea - disp) & mask)) mod = 2, disp = ea - c_.gpr[base];
      rex_ |= static_cast<u8>(base >> 3);
      if ((base & 7) == kRsp) {
        modrm(mod, 4);
        put(0x24, 1);
      } else {
        modrm(mod, base & 7);
      }
      put(disp, mod == 2 ? 4 : mod);
      return;
    }
  }
}

u32 Builder::undefined_by(u16 op, unsigned opsize, int count) const {
  const std::string_view s = line(op).semantic;
  const u32 all = undefined_flags(static_cast<Op>(op));
  const bool shift = is(s, "Shl", "Shr", "Sar", "Rol", "Ror", "Rcl", "Rcr", "Shld", "Shrd");
  if (!shift || count < 0) return all;
  const unsigned n = static_cast<unsigned>(count) & (opsize == 64 ? 63 : 31);
  if (n == 0) return 0;
  if (is(s, "Rol", "Ror", "Rcl", "Rcr")) return n == 1 ? 0 : u32{kOf};
  if (s == "Sar") return kAf | (n == 1 ? 0 : kOf);
  if (is(s, "Shld", "Shrd")) return n > opsize ? kArithFlags : kAf | (n == 1 ? 0 : kOf);
  return kAf | (n == 1 ? 0 : kOf) | (n >= opsize ? kCf : 0);
}

bool Builder::accepts(u16 op) const {
  const OpLine& l = line(op);
  if ((l.reads & c_.undefined[c_.count]) != 0) return false;
  // IRET and POPF take flags from memory, a far return may leave: last in a case, as are branches by a pointer.
  if (c_.count > 0 && (approximate(c_.op[c_.count - 1]) || line(c_.op[c_.count - 1]).semantic == "Lar")) return false;
  if (c_.count > 0 && (stores_image(op) || stores_image(c_.op[c_.count - 1]) || l.semantic == "Fxrstor")) return false;
  if (c_.count > 0 && (approximate(op) || is(l.semantic, "Fnstsw", "Fnstcw", "FnstswAx", "Fstsw"))) return false;
  return true;
}

bool Builder::add(u16 op) {
  const OpLine& l = line(op);
  const Encoding& e = l.encoding;
  const bool code64 = c_.bits == Bits::B64, code16 = c_.bits == Bits::B16;
  const auto has = [&l](auto... kinds) {
    return ((l.operand[0] == kinds || l.operand[1] == kinds || l.operand[2] == kinds) || ...);
  };
  using enum Opd;
  const bool string = has(Xb, Xv, Xz, Yb, Yv, Yz);
  const bool moffs = has(Ob, Ov);
  const bool vex = e.vex != Vex::None;

  bool p66 = e.mandatory == Mandatory::P66;
  if (e.mandatory == Mandatory::Any) p66 = r_.one_in(3);
  if ((e.mandatory == Mandatory::Pf3 || e.mandatory == Mandatory::Pf2)) p66 = r_.one_in(group_of(op) <= 1 ? 3 : 32);
  if (code64 && e.opsize64 == Opsize64::Forced64) p66 = false;  // processors differ on near branches with 66
  if (vex) p66 = false;
  bool w = e.rex_w == 1 || (e.rex_w < 0 && code64 && r_.one_in(3));
  if (!code64) w = false;
  // REX.W on far pointers and such: processors differ.
  if (has(Mp, Ap)) w = false;
  unsigned opsize = code16 != p66 ? 16 : 32;
  if (code64) {
    opsize = w ? 64 : p66 ? 16 : 32;
    if (e.opsize64 == Opsize64::Default64 && !p66) opsize = 64;
    if (e.opsize64 == Opsize64::Forced64) opsize = 64;
  }
  if (e.mandatory == Mandatory::P66 && !code64 && group_of(op) > 1) opsize = 32;
  bool memory = false;
  if (e.modrm && e.rm_field < 0 && e.mod != Mod::Ignored && e.mod != Mod::Register)
    memory = e.mod == Mod::Memory || r_.one_in(2);
  if (e.modrm && e.rm_field >= 0 && e.mod == Mod::Memory) memory = true;
  const bool a67 =
      r_.one_in(memory || string || moffs || is(l.semantic, "Xlat", "Loop", "Loope", "Loopne", "Jcxz") ? 6 : 40);
  const unsigned address_size = code64 ? (a67 ? 32 : 64) : code16 != a67 ? 16 : 32;

  // AMD's processors let these wrap at the end of a segment, part by part.
  if (is(l.semantic, "Fbld", "Fbstp", "Maskmovdqu", "Maskmovq") && address_size == 16) return false;
  // With an x87 exception pending, AMD's processors do not count this form as MMX.
  if (l.semantic == "Cvtpi2ps" && memory && (c_.count > 0 || (c_.fx[0] & 0x3f) != 0x3f)) return false;
  // With 66, AMD's processors read 32 bits all the same.
  if (l.id == "Movsxd_GvEz" && memory && p66) return false;
  const bool fx_image = is(l.semantic, "Fxsave", "Fxrstor");
  const bool image = fx_image || is(l.semantic, "Fnsave", "Fnstenv", "Frstor", "Fldenv");
  // Whether references of 16 bytes are checked for less than their own alignment is the processor's choice.
  if (memory && (fx_image || group_of(op) >= static_cast<unsigned>(Group::SseInteger))) c_.flags &= ~u64{kAc};
  if (approximate(op) && group_of(op) == static_cast<unsigned>(Group::X87))
    c_.fx[0] |= 0x3f, c_.fx[2] &= 0x7f, c_.fx[3] &= 0x7f;  // whether inexact is the processor's choice
  size_ = 0;
  rex_ = static_cast<u8>(w ? 8 : 0);
  displacement_at_ = -1;
  override_ = -1;
  if ((memory || string || moffs || l.semantic == "Xlat") && r_.one_in(5)) {
    constexpr u8 kBytes[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65};
    const unsigned seg = static_cast<unsigned>(r_.below(6));
    if (!(code64 && seg < kFs)) override_ = static_cast<int>(seg);
    put(kBytes[seg], 1);
  }
  if (p66) put(0x66, 1);
  if (a67) put(0x67, 1);
  if (l.lock() && memory ? r_.one_in(4)
                         : !vex && group_of(op) == static_cast<unsigned>(Group::Integer) && r_.one_in(300))
    put(0xf0, 1);
  bool rep = false;
  if (string && !is(l.semantic, "Ins", "Outs") && r_.one_in(2)) rep = true, put(r_.one_in(3) ? 0xf2 : 0xf3, 1);
  if (!vex && e.mandatory == Mandatory::Pf3) put(0xf3, 1);
  if (!vex && e.mandatory == Mandatory::Pf2) put(0xf2, 1);
  const unsigned prefixes = size_;

  // The rest is made behind room for REX, and moved.
  unsigned width = 16;
  if (has(Eb, Mb, Ob, RdMb))
    width = 1;
  else if (has(Ew, Mw, RvMw, RdMw))
    width = 2;
  else if (has(Ed, Md, Wd, Qd))
    width = 4;
  else if (has(Eq, Mq, Qq, Wq))
    width = 8;
  else if (has(Ev, Ez, Mv, Ov, Gv))
    width = opsize / 8;
  if (image) width = fx_image ? 512 : (opsize == 16 ? 14u : 28u) + (is(l.semantic, "Fnsave", "Frstor") ? 80u : 0u);
  u64 linear = override_ == kCs && !stores_image(op)
                   ? slot_address(static_cast<unsigned>(r_.below(kSlots))) + r_.below(kSlotBytes)
                   : target(width);
  if (fx_image && !r_.one_in(8)) linear &= ~u64{15};
  const auto at = [&](unsigned seg) {
    return linear - segment_base(override_ >= 0 ? static_cast<unsigned>(override_) : seg);
  };

  unsigned reg = e.reg_field >= 0 ? static_cast<unsigned>(e.reg_field) : data_register();
  if (has(Sw)) reg = static_cast<unsigned>(r_.below(8));
  if (has(Pq, Vx)) reg = static_cast<unsigned>(code64 && has(Vx) ? r_.below(16) : r_.below(8));
  std::array<u8, 32> head{};
  unsigned head_size = 0;
  std::swap(bytes_, head);
  std::swap(size_, head_size);
  unsigned vvvv = 0;
  if (e.modrm) {
    if (memory) {
      if (is(l.semantic, "Bt", "Bts", "Btr", "Btc") && has(Gv) && !r_.one_in(6)) pin(reg, r_.below(0x400) - 0x200);
      if (has(Mp)) poke_far(linear, opsize / 8);
      if (stores_image(op)) {
        const u32 where = static_cast<u32>(linear - kDataBase), step = opsize == 16 ? 2 : 4;
        if (linear - kDataBase >= kDataBytes || address_size == 16) return false;
        c_.blank[0] = fx_image ? Case::Blank{where + 6, 18} : Case::Blank{where + 3 * step, 4 * step};
        if (fx_image) c_.blank[1] = {where + 28, 4};
      }
      if (l.semantic == "Fxrstor") {
        std::array<u8, 24> head24{};
        std::copy_n(c_.fx.begin(), 24, head24.begin());
        if (r_.one_in(2)) head24[2] = static_cast<u8>(r_.next()), head24[3] = static_cast<u8>(r_.next());
        if (r_.one_in(2)) head24[4] = static_cast<u8>(r_.next());
        poke(linear, head24);
        const u32 mxcsr = static_cast<u32>(r_.one_in(8) ? r_.next() & ~u64{0x20000} : r_.next() & 0xffff);
        poke(linear + 24, std::span(reinterpret_cast<const u8*>(&mxcsr), 4));
      }
      if (is(l.semantic, "JmpInd", "CallInd")) {
        const u64 v = goal();
        poke(linear, std::span(reinterpret_cast<const u8*>(&v), opsize / 8));
      }
      if (has(Ew, RvMw) && group_of(op) == static_cast<unsigned>(Group::System)) {
        const u16 v = kSelectors[r_.below(std::size(kSelectors))];
        poke(linear, std::span(reinterpret_cast<const u8*>(&v), 2));
      }
      if (has(Ma)) {
        const u64 v = c_.gpr[reg & 15] - r_.below(3), v2 = c_.gpr[reg & 15] + r_.below(3);
        u8 image[8];
        std::memcpy(image, &v, opsize / 8);
        std::memcpy(image + opsize / 8, &v2, opsize / 8);
        poke(linear, std::span(image).first(opsize / 4));
      }
      if (group_of(op) >= static_cast<unsigned>(Group::X87) && r_.one_in(2)) {
        // A number of the right size out of the registers.
        u8 image[16];
        std::memcpy(image, &c_.fx[(r_.one_in(2) ? 160 : 32) + r_.below(8) * 16], 16);
        poke(linear, std::span(image).first(std::min(width, 16u)));
      }
      memory_operand(reg & 7, address_size, linear);
    } else {
      unsigned rm = e.rm_field >= 0 ? static_cast<unsigned>(e.rm_field) : data_register();
      if (has(Qd, Qq, Nq, Wx, Wq, Wd, Ww, Udq, Uq, STi) && e.rm_field < 0) {
        rm = static_cast<unsigned>(code64 && !has(Qd, Qq, Nq, STi) ? r_.below(16) : r_.below(8));
      }
      if (is(l.semantic, "JmpInd", "CallInd")) pin(rm, goal());
      if (has(Ew, RvMw) && group_of(op) == static_cast<unsigned>(Group::System)) {
        pin(rm, (r_.next() & 0xffff0000) | kSelectors[r_.below(std::size(kSelectors))]);
      }
      rex_ |= static_cast<u8>(rm >> 3);
      put((e.mod == Mod::Ignored ? r_.below(4) : 3) << 6 | (reg & 7) << 3 | (rm & 7), 1);
    }
    rex_ |= static_cast<u8>((reg >> 3) << 2);
    vvvv = has(By, Hx) ? data_register() : 0;
  }
  const unsigned low = e.low_register ? data_register() : 0;
  if (e.low_register) rex_ |= static_cast<u8>(low >> 3);
  if (e.rex_b == 0) rex_ &= 0xe;

  // Fixed registers as addresses and counts.
  if (string) {
    const u64 mask = address_size == 64 ? ~u64{0} : address_size == 32 ? 0xffffffff : 0xffff;
    if (has(Xb, Xv, Xz)) pin(kRsi, (at(kDs) & mask) | (r_.next() & ~mask & 0xffffffff));
    if (has(Yb, Yv, Yz)) {
      const u64 destination = r_.one_in(3) ? linear + r_.below(64) : target(opsize / 8);
      pin(kRdi, ((destination - segment_base(kEs)) & mask) | (r_.next() & ~mask & 0xffffffff));
    }
    // With a 32-bit count of zero, Intel's processors clear bits 63:32 of RCX, AMD's do not.
    if (rep && code64 && address_size == 32)
      pin(kRcx, 1 + r_.below(20));
    else if (rep && !r_.one_in(16))
      pin(kRcx, r_.below(r_.one_in(4) ? 200 : 20));
  }
  if (l.semantic == "Xlat") pinned_ |= 1u << kRax, pin(kRbx, at(kDs) - (c_.gpr[kRax] & 0xff));
  if (l.semantic.starts_with("Maskmov")) pin(kRdi, at(kDs));
  if (is(l.semantic, "Loop", "Loope", "Loopne", "Jcxz") && r_.one_in(2)) pin(kRcx, r_.below(3));
  if (is(l.semantic, "Ret", "RetImm", "RetFar", "RetFarImm", "Iret") && !r_.one_in(6)) {
    const u64 sp = c_.gpr[kRsp] & (code64                                                  ? ~u64{0}
                                   : c_.seg[kSs] == kUserData || kLdt[c_.seg[kSs] >> 3].db ? 0xffffffff
                                                                                           : 0xffff);
    const unsigned n = opsize / 8;
    u8 image[24] = {};
    const u16 cs = code64                                          ? kUserCode64
                   : l.semantic.starts_with("Ret") && r_.one_in(4) ? kSelectors[r_.below(std::size(kSelectors))]
                                                                   : far_selector();
    const u64 flags = 0x202 | (r_.next() & (kArithFlags | kDf | kAc | kNt * (r_.one_in(8) ? 1u : 0u)));
    const bool near = is(l.semantic, "Ret", "RetImm");
    const u64 offset = near ? goal() : slot_address(slot_) + kSlotBytes - kTailBytes - code_base(cs);
    std::memcpy(image, &offset, n);
    std::memcpy(image + n, &cs, 2);
    unsigned size = near ? n : 2 * n;
    if (l.semantic == "Iret") std::memcpy(image + 2 * n, &flags, n), size = 3 * n;
    if (size <= 24) poke(sp + segment_base(kSs), std::span(image).first(size));
  }

  // Immediates.
  int count = -1;
  const auto jump = [&](unsigned bytes) {
    jumps_.push_back({size_, bytes, 0});
    c_.branches = true;
    put(0, bytes);
  };
  u16 far_cs = 0;
  for (const Opd o : l.operand) {
    switch (o) {
      case Ib:
      case sIb: {
        u64 v = value(r_) & 0xff;
        if (l.semantic == "IntImm" && (v == 0x80 || v == 0x20 || v == 0x2d)) v = 0x81;
        if (is(l.semantic, "Shld", "Shrd") && opsize == 16) v &= 0xef;
        if (l.semantic == "Enter") v = r_.one_in(3) ? v & 0x1f : r_.below(3);
        if (is(l.semantic, "Shl", "Shr", "Sar", "Rol", "Ror", "Rcl", "Rcr", "Shld", "Shrd"))
          count = static_cast<int>(v);
        put(v, 1);
        break;
      }
      case One: count = 1; break;
      case CL:
        if (is(l.semantic, "Shld", "Shrd") && opsize == 16) {
          if (c_.count > 0 || !pin(kRcx, r_.next() & ~u64{0x10})) return false;
        }
        if (c_.count == 0) {
          pinned_ |= 1u << kRcx;
          count = static_cast<int>(c_.gpr[kRcx] & 0xff);
        }
        break;
      case Iw:
        put(l.semantic == "Enter"                   ? r_.below(0x80)
            : is(l.semantic, "RetImm", "RetFarImm") ? r_.below(64) * 4
                                                    : value(r_),
            2);
        break;
      case Iz: put(value(r_), opsize == 16 ? 2 : 4); break;
      case Iv: put(value(r_), opsize / 8); break;
      case Jb: jump(1); break;
      case Jz: jump(opsize == 16 ? 2 : 4); break;
      case Ap: {
        far_cs = r_.one_in(3) ? kSelectors[r_.below(std::size(kSelectors))] : far_selector();
        put(r_.one_in(6)
                ? wild_offset()
                : slot_address(slot_) + kSlotBytes - kTailBytes - code_base(far_cs & 4 ? far_selector() | 4 : 0),
            opsize / 8);
        put(far_cs, 2);
        break;
      }
      case Ob:
      case Ov: put(at(kDs), address_size / 8); break;
      case Lx: put(r_.below(16) << 4, 1); break;
      default: break;
    }
  }

  // Together.
  std::array<u8, 32> body = bytes_;
  const unsigned body_size = size_;
  bytes_ = head;
  size_ = head_size;
  if (vex) {
    const unsigned pp = e.mandatory == Mandatory::P66   ? 1
                        : e.mandatory == Mandatory::Pf3 ? 2
                        : e.mandatory == Mandatory::Pf2 ? 3
                                                        : 0;
    const unsigned map = e.map == OpcodeMap::Two ? 1 : e.map == OpcodeMap::Three38 ? 2 : 3;
    if (!code64) rex_ = 0, vvvv &= 7;
    if (has(By, Hx) == false && e.reg_field < 0) vvvv = 0;
    put(0xc4, 1);
    put(static_cast<u8>((~rex_ & 7) << 5) | map, 1);
    put((rex_ & 8) << 4 | (~vvvv & 15) << 3 | (e.vex == Vex::V256 ? 4 : 0) | pp, 1);
  } else {
    if (!code64 && rex_ != 0) rex_ = 0;
    if (rex_ != 0 || (code64 && r_.one_in(8))) put(0x40 | rex_, 1);
    if (e.map != OpcodeMap::One) put(0x0f, 1);
    if (e.map == OpcodeMap::Three38) put(0x38, 1);
    if (e.map == OpcodeMap::Three3a) put(0x3a, 1);
  }
  put(e.opcode | (low & 7), 1);
  const unsigned shift = size_;
  for (unsigned n = 0; n < body_size; ++n) bytes_[size_++] = body[n];
  (void)prefixes;
  const unsigned begin = c_.start[c_.count];
  if (size_ > 15 || begin + size_ > kSlotBytes - kTailBytes - 8) {
    while (!jumps_.empty() && jumps_.back().end == 0) jumps_.pop_back();
    return false;
  }
  if (displacement_at_ >= 0) {
    const u64 next = slot_address(slot_) + begin + size_;
    const u32 d = static_cast<u32>(displacement_goal_ - next);
    std::memcpy(&bytes_[shift + static_cast<unsigned>(displacement_at_)], &d, 4);
  }
  if (!jumps_.empty() && jumps_.back().end == 0) {
    jumps_.back().at += begin + shift;
    jumps_.back().end = begin + size_;
  }
  std::copy_n(bytes_.begin(), size_, c_.code.begin() + begin);
  // Far transfers load flags only with a task switch.
  const u32 gone = l.semantic.starts_with("Far") ? 0 : l.reads == 0 || (l.reads & l.writes) == 0 ? l.writes : 0;
  const u32 undefined = undefined_by(op, opsize, count);
  const bool transfer =
      l.semantic.starts_with("Far") || is(l.semantic, "Ret", "RetImm", "RetFar", "RetFarImm", "JmpInd", "CallInd");
  if (transfer) c_.branches = c_.wanders = true;
  c_.op[c_.count++] = op;
  c_.start[c_.count] = static_cast<u8>(begin + size_);
  c_.undefined[c_.count] = (c_.undefined[c_.count - 1] & ~gone) | undefined;
  return true;
}

void Builder::finish() {
  for (const Jump& j : jumps_) {
    // To the next instruction, behind the last one, or (not with eight bits) far away.
    u64 goal = r_.one_in(2) ? j.end : c_.start[c_.count];
    u64 displacement = goal - j.end;
    if (j.width > 1 && r_.one_in(6))
      displacement = wild_offset() - (slot_address(slot_) - code_base(c_.seg[kCs]) + j.end);
    std::memcpy(&c_.code[j.at], &displacement, j.width);
  }
}

}  // namespace

std::vector<u8> code_image(const Batch& batch, unsigned count) {
  std::vector<u8> code(kSlots * kSlotBytes, 0x90);
  for (unsigned n = 0; n < count; ++n) {
    const Case& c = batch.cases[n];
    std::copy_n(c.code.begin(), kSlotBytes - kTailBytes, code.begin() + n * kSlotBytes);
    u8* tail = &code[(n + 1) * kSlotBytes - kTailBytes];
    if (c.bits == Bits::B64) {  // jmp qword ptr [rip+2]: aligned, EFLAGS.AC may be on
      constexpr u8 kJump[6] = {0xff, 0x25, 2};
      std::memcpy(tail, kJump, 6);
      std::memcpy(tail + 8, &kDone, 8);
    } else {  // jmp far 33:kDone
      if (c.bits == Bits::B16) *tail++ = 0x66;
      *tail++ = 0xea;
      std::memcpy(tail, &kDone, 4);
      tail[4] = kUserCode64, tail[5] = 0;
    }
  }
  return code;
}

std::string_view group_name(unsigned group) { return kGroupNames[group]; }

unsigned group_of(u16 op) {
  unsigned group = 0, end = 0;
  for (;; ++group) {
    end += kGroupSize[group];
    if (op < end || group + 1 == kGroups) return group;
  }
}

Rough roughness(u16 op) {
  const std::string_view s = line(op).semantic;
  if (is(s, "F2xm1", "Fyl2x", "Fyl2xp1", "Fpatan")) return Rough::Ulps;
  if (is(s, "Fsin", "Fcos", "Fsincos", "Fptan")) return Rough::Angle;
  if (is(s, "Rcpps", "Rcpss", "Rsqrtps", "Rsqrtss")) return Rough::Estimate;
  return is(s, "Dpps", "Dppd") ? Rough::Nan : Rough::No;
}

bool stores_image(u16 op) { return is(line(op).semantic, "Fnsave", "Fnstenv", "Fxsave"); }

Generator::Generator(bool (*allowed)(Feature), u32 groups) {
  for (u16 op = 0; op < kOpCount; ++op) {
    const OpLine& l = line(op);
    if ((groups >> group_of(op) & 1) == 0 || excluded(op) || !allowed(l.feature)) continue;
    const Encoding& e = l.encoding;
    for (unsigned bits = 0; bits < 3; ++bits) {
      const bool code64 = bits == 2;
      if (code64 ? e.bits64 == Bits64::No : e.bits64 == Bits64::Only || e.rex_w == 1) continue;
      ops_[bits].push_back(op);
    }
  }
}

Batch Generator::make(u64 seed, Bits bits, unsigned cases) const {
  Batch b;
  b.seed = seed;
  Random r(seed);
  b.memory.resize(kDataBytes);
  for (u64 n = 0; n < kDataBytes; n += 8) {
    const u64 v = r.one_in(3) ? value(r) : r.next();
    std::memcpy(&b.memory[n], &v, 8);
  }
  b.cases.resize(cases);
  for (unsigned slot = 0; slot < cases; ++slot) {
    Case& c = b.cases[slot];
    c.bits = bits;
    c.code.fill(0x90);
    Builder builder(r, c, slot);
    builder.start();
    const unsigned wanted = r.one_in(2) ? 1 : static_cast<unsigned>(2 + r.below(5));
    for (unsigned tries = 0; c.count < wanted && tries < 20; ++tries) {
      const u16 op = ops(bits)[r.below(ops(bits).size())];
      if (builder.accepts(op)) builder.add(op);
    }
    builder.finish();
  }
  return b;
}

}  // namespace orrery::oracle
