#include "tests/oracle/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "cpu/disassembler.h"
#include "tests/oracle/emulated.h"
#include "tests/oracle/generator.h"

namespace orrery::oracle {
namespace {

using namespace cpu;  // NOLINT: names of registers

constexpr u32 kFlags = kArithFlags | kDf | kNt | kAc | kId | kTf;

double number(const u8* f) {
  u64 significand = 0;
  std::memcpy(&significand, f, 8);
  const int exponent = (f[8] | f[9] << 8) & 0x7fff;
  const double v = std::ldexp(static_cast<double>(significand), exponent - 16383 - 63);
  return (f[9] & 0x80) != 0 ? -v : v;
}

/// Results of FSIN and the like, whose argument had this exponent.
bool same_angle(const u8* a, const u8* b, int exponent) {
  if (exponent >= 0x3fff + 16) return true;
  const double x = number(a), y = number(b);
  return std::abs(x - y) <= 1e-10 * (1 + y * y);
}

/// A lane of RCPPS or RSQRTPS. Both may be off by 1.5 * 2^-12.
bool same_estimate(u32 a, u32 b) {
  if (a == b) return true;
  const float x = std::bit_cast<float>(a), y = std::bit_cast<float>(b);
  if (!std::isfinite(x) || !std::isfinite(y)) return false;
  return std::abs(x - y) <= 3.0f / 4096 * std::max(std::abs(x), std::abs(y)) ||
         (std::abs(x) <= 1.2e-38f && std::abs(y) <= 1.2e-38f);
}

bool same_vector(const u8* a, const u8* b, Rough rough, bool doubles) {
  if (std::memcmp(a, b, 16) == 0) return true;
  if (rough != Rough::Estimate && rough != Rough::Nan) return false;
  for (unsigned n = 0; n < 16; n += doubles ? 8 : 4) {
    u64 x = 0, y = 0;
    std::memcpy(&x, a + n, doubles ? 8 : 4);
    std::memcpy(&y, b + n, doubles ? 8 : 4);
    const auto nan = [doubles](u64 v) {
      return doubles ? std::isnan(std::bit_cast<double>(v)) : std::isnan(std::bit_cast<float>(static_cast<u32>(v)));
    };
    const bool same =
        rough == Rough::Nan ? x == y || (nan(x) && nan(y)) : same_estimate(static_cast<u32>(x), static_cast<u32>(y));
    if (!same) return false;
  }
  return true;
}

bool same_float(const u8* a, const u8* b, bool roughly) {
  if (std::memcmp(a, b, 10) == 0) return true;
  if (!roughly) return false;
  u64 x = 0, y = 0;
  std::memcpy(&x, a, 8);
  std::memcpy(&y, b, 8);
  const int ex = (a[8] | a[9] << 8), ey = (b[8] | b[9] << 8);
  if (ex == ey) return x - y + 4 <= 8;
  // One ulp around a power of two.
  return std::abs(ex - ey) == 1 && ((x + 2 <= 4) || (y + 2 <= 4) || (x ^ y) >> 63 == 0);
}

/// Condition code bits of the x87 status word that are undefined.
u16 undefined_status(const Case& c) {
  u16 bits = 0;
  for (unsigned n = 0; n < c.count; ++n) {
    if (group_of(c.op[n]) != static_cast<unsigned>(Group::X87)) continue;
    const std::string_view s = line(c.op[n]).semantic;
    const bool sets = s.starts_with("Fcom") || s.starts_with("Fucom") || s.starts_with("Ficom") || s == "Ftst" ||
                      s == "Fxam" || s.starts_with("Fprem");
    if (!sets) bits |= 0x4500;
    if (approximate(c.op[n])) bits |= 0x0230;
    // C2 says whether the argument was in range.
    if (roughness(c.op[n]) == Rough::Angle) bits &= static_cast<u16>(~0x0400);
    // Overflow and underflow of the stack at once.
    if (line(c.op[n]).id == "Fld_STi") bits |= 0x0200;
  }
  return bits;
}

bool is_in(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool has_image(std::string_view s) { return is_in(s, {"Fxsave", "Fxrstor", "Fnsave", "Frstor", "Fnstenv", "Fldenv"}); }

/// The line of the instruction that an outcome's fault belongs to; 0 in other code.
u16 faulting_op(const Case& c, unsigned slot, const Outcome& o) {
  const u64 at = o.rip + code_base(o.seg[kCs]) - slot_address(slot);
  for (unsigned n = 0; n < c.count; ++n) {
    if (at == c.start[n]) return c.op[n];
  }
  return 0;
}

/// The semantic of the instruction that an outcome's fault belongs to.
std::string_view faulting(const Case& c, unsigned slot, const Outcome& o) {
  if (o.vector == kEnd) return {};
  const u64 at = o.rip + code_base(o.seg[kCs]) - slot_address(slot);
  for (unsigned n = 0; n < c.count; ++n) {
    if (at == c.start[n]) return line(c.op[n]).semantic;
  }
  return {};
}

bool has_prefix(const Case& c, unsigned slot, const Outcome& o, u8 first, u8 second) {
  const u64 at = o.rip + code_base(o.seg[kCs]) - slot_address(slot);
  for (unsigned n = 0; n < c.count; ++n) {
    if (at != c.start[n]) continue;
    const auto begin = c.code.begin() + c.start[n], end = begin + std::min(4, c.start[n + 1] - c.start[n]);
    return std::find(begin, end, first) != end || std::find(begin, end, second) != end;
  }
  return false;
}

/// Two faults of one instruction, of which processors may report either.
bool either(const Case& c, unsigned slot, const Outcome& a, const Outcome& b) {
  // AMD's processors read the operands of SHA instructions from anywhere (SDM vol. 2: exception class 4, aligned).
  if (faulting(c, slot, b).starts_with("Sha") && b.vector == kGp) return true;
  // AMD's processors want the offset canonical, before the base of FS or GS is added, Intel's the sum (SDM vol.
  // 1, 3.3.7.1).
  if (c.bits == Bits::B64 && (a.vector == kGp || a.vector == kSsv) && b.vector == kPfv && a.rip == b.rip &&
      b.cr2 - (~u64{0} << 47) < 0x80000000 && has_prefix(c, slot, b, 0x64, 0x65))
    return true;
  // Masked moves that wrap at 4 GiB.
  if (faulting(c, slot, b).starts_with("Maskmov") && c.bits != Bits::B64 && static_cast<u32>(b.gpr[kRdi]) > 0xfffffff0)
    return true;
  // A far call between 64-bit code and compatibility mode: whether its pushes are those of the old mode.
  if (faulting(c, slot, a).starts_with("FarCall") && (b.seg[kCs] == kUserCode64) != (c.bits == Bits::B64)) return true;
  // In other cases' code with undefined flags anything may happen.
  const bool undefined =
      std::any_of(c.undefined.begin(), c.undefined.begin() + c.count + 1, [](u32 u) { return u != 0; });
  if (c.wanders && undefined && (faulting(c, slot, a).empty() || faulting(c, slot, b).empty())) return true;
  // AMD's processors let the halves of a packed decimal wrap at the end of a segment.
  if (is_in(faulting(c, slot, b), {"Fbld", "Fbstp"}) && (b.vector == kGp || b.vector == kSsv)) return true;
  if (faulting(c, slot, b) == "Fbstp" && (a.vector == kSsv || a.vector == kGp)) return true;
  // A store of an empty register with #IS unmasked: AMD's processors look at memory first.
  const std::string_view s = faulting(c, slot, a);
  const bool loads_control = std::any_of(c.op.begin(), c.op.begin() + c.count, [](u16 op) {
    return is_in(line(op).semantic, {"Fldcw", "Fldenv", "Frstor", "Fxrstor"});
  });
  if ((s.starts_with("Fst") || s.starts_with("Fist") || s.starts_with("Fbst")) && ((c.fx[0] & 1) == 0 || loads_control))
    return true;
  // A pending x87 exception before CVTPI2PS from memory, which AMD's processors do not count as MMX.
  if (faulting(c, slot, b) == "Cvtpi2ps" && b.vector == kMf) return true;
  // IRET with NT is a task switch in legacy protected mode alone.
  if (s == "Iret" && b.vector == kTs) return true;
  // AMD's processors check unaligned references of 16 bytes for 16, we for 8.
  if (a.vector == kAcv && group_of(faulting_op(c, slot, a)) >= static_cast<unsigned>(Group::SseInteger)) return true;
  // MXCSR.MM is AMD's.
  if (is_in(faulting(c, slot, b), {"Ldmxcsr", "Fxrstor"}) && b.vector == kGp) return true;
  // A jump or a reference to kDone that is not the tail's comes to the child's own code and data.
  if (b.vector == kPfv && (b.rip == kDone || b.cr2 - kDone < 0x9000)) return true;
  // The SDM is silent on alignment checks of MASKMOVDQU; AMD's processors make them.
  if (faulting(c, slot, a) == "Maskmovdqu" && a.vector == kAcv) return true;
  if (a.vector == kEnd || b.vector == kEnd || a.rip != b.rip || a.seg[kCs] != b.seg[kCs]) return false;
  const auto access = [](u32 v) { return v == kGp || v == kSsv || v == kPfv || v == kAcv || v == kNp; };
  if (!access(a.vector) || !access(b.vector)) return false;
  if (faulting(c, slot, a).starts_with("Maskmov")) return true;  // byte by byte, or the operand as a whole
  if (c.wanders && faulting(c, slot, a).empty()) return true;    // between instructions, perhaps
  if (a.rip + code_base(a.seg[kCs]) - slot_address(slot) >= c.start[c.count]) return true;  // somewhere in another case
  // AMD's processors push first, Intel's look at the target first (SDM vol. 2, CALL and JMP).
  if (is_in(faulting(c, slot, a),
            {"CallRel", "CallInd", "FarCallImm", "FarCallMem", "FarJmpMem", "RetFar", "RetFarImm", "Iret"}))
    return true;
  if (is_in(faulting(c, slot, a), {"Bound", "Pusha", "Popa", "Enter"}) || has_image(faulting(c, slot, a))) return true;
  // Neither aligned nor within the limit.
  const auto group = [&] {
    for (unsigned n = 0; n < c.count; ++n) {
      if (a.rip + code_base(a.seg[kCs]) - slot_address(slot) == c.start[n]) return group_of(c.op[n]);
    }
    return 0u;
  }();
  const auto segment = [](u32 v) { return v == kGp || v == kSsv; };
  // Whether parts of 16 bytes are checked for alignment is the processor's choice.
  if (group >= static_cast<unsigned>(Group::SseInteger) && (a.vector == kAcv || b.vector == kAcv)) return true;
  const bool aligned = group >= static_cast<unsigned>(Group::SseInteger) || faulting(c, slot, a) == "Cmpxchg16b";
  if (aligned && segment(a.vector) && segment(b.vector)) return true;
  // Beyond the end of a segment of 4 GiB (SDM vol. 3, 5.3).
  const bool flat = c.bits != Bits::B64 && c.seg[kDs] == kUserData;
  return flat && (a.vector == kGp || a.vector == kSsv) &&
         (b.vector == kAcv || (b.vector == kPfv && b.cr2 >= 0xfffffff0));
}

template <typename Report>
void compare(const Case& c, unsigned slot, const Outcome& a, const Outcome& b, Report&& differs) {
  if ((a.vector != b.vector || a.rip != b.rip) && either(c, slot, a, b)) return;
  // What ended well may have come through another case's code, with flags that were undefined on the way there.
  const bool tainted =
      c.wanders && c.count > 1 &&
      std::any_of(c.undefined.begin(), c.undefined.begin() + c.count + 1, [](u32 u) { return u != 0; });
  if (tainted && a.vector == kEnd && b.vector == kEnd) return;
  // In another case's code: what is undefined there is not known here.
  if (c.wanders && a.vector != kEnd && a.vector == b.vector && a.rip == b.rip &&
      a.rip + code_base(a.seg[kCs]) - slot_address(slot) >= c.start[c.count]) {
    return;
  }
  constexpr u64 kUserEnd = 0x7ffffffff000;
  // Under a hypervisor INT1 may be reported as a fault: with the instruction's own address.
  const bool icebp = a.vector == kDb && (faulting(c, slot, a) == "Icebp" || faulting(c, slot, b) == "Icebp" ||
                                         (c.wanders && faulting(c, slot, a).empty()));
  if (icebp && a.vector == b.vector) return;
  if (a.vector != b.vector) differs("vector");
  // The kernel says of its own addresses that they are present.
  const u32 hidden =
      a.vector == kPfv && (a.cr2 >= kUserEnd || a.cr2 - kDone < 0x9000 || Emulated::system_address(a.cr2)) ? 1 : 0;
  // Instructions with several accesses: which one faults first is the processor's choice.
  const bool several = is_in(faulting(c, slot, a), {"Iret", "RetFar", "RetFarImm", "FarJmpMem", "FarCallMem", "Bound",
                                                    "Enter", "Pusha", "Popa", "FarCallImm", "Cmpxchg16b"}) ||
                       has_image(faulting(c, slot, a)) || (c.wanders && faulting(c, slot, a).empty());
  // Of a frame with several faults either may be told.
  const bool frame = is_in(faulting(c, slot, a), {"Iret", "RetFar", "RetFarImm"}) && a.vector == kGp;
  const bool elsewhere = several && ((a.vector == kPfv && a.cr2 != b.cr2) || (frame && (a.error == 0 || b.error == 0)));
  if (a.vector != kEnd && (a.error | hidden) != (b.error | hidden) && !elsewhere) differs("error code");
  if (a.vector == kPfv && b.vector == kPfv && a.cr2 != b.cr2 && !several) differs("cr2");
  const unsigned registers = c.bits == Bits::B64 ? 16 : 8;
  const u64 mask = c.bits == Bits::B64 ? ~u64{0} : 0xffffffff;
  // LAR leaves bits 19:16 undefined; it is the last instruction of its case.
  const u64 defined = c.count > 0 && line(c.op[c.count - 1]).semantic == "Lar" ? mask & ~u64{0xf0000} : mask;
  constexpr const char* kNames[] = {"ax", "cx", "dx",  "bx",  "sp",  "bp",  "si",  "di",
                                    "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"};
  const bool strings = std::any_of(c.op.begin(), c.op.begin() + c.count,
                                   [](u16 op) { return group_of(op) == static_cast<unsigned>(Group::String); });
  const bool popa = stores_in_part(c, slot, a) == "Popa";
  for (unsigned n = 0; n < registers; ++n) {
    if (popa && n != kRsp) continue;
    // With a 32-bit count of zero, Intel's processors clear bits 63:32 of RCX, AMD's do not.
    if (n == kRcx && strings && static_cast<u32>(a.gpr[n]) == 0 && static_cast<u32>(b.gpr[n]) == 0) continue;
    if (((a.gpr[n] ^ b.gpr[n]) & defined) != 0) differs(kNames[n]);
    if (a.vector == kEnd && c.bits == Bits::B64 && n == 0) {
      if (a.fs_base != b.fs_base) differs("fsbase");
      if (a.gs_base != b.gs_base) differs("gsbase");
    }
  }
  if (((a.rip ^ b.rip) & mask) != 0) differs("ip");
  constexpr const char* kSegments[] = {"es", "cs", "ss", "ds", "fs", "gs"};
  for (unsigned n = 0; n < kSegCount; ++n) {
    // The kernel's IRET clears the RPL of null selectors now and then.
    if (a.seg[n] != b.seg[n] && ((a.seg[n] | b.seg[n]) & ~3) != 0) differs(kSegments[n]);
  }
  // Intel's processors restore the flags when a repeated comparison faults (SDM vol. 2, REP), AMD's do not.
  const bool repeat = is_in(faulting(c, slot, a), {"Cmps", "Scas"});
  const u32 flags = kFlags & ~undefined_at(c, slot, a) & ~(repeat ? kArithFlags : 0u);
  if (((a.flags ^ b.flags) & flags) != 0) differs("flags");
  if (a.vector != kEnd && ((a.flags ^ b.flags) & kRf) != 0) differs("rf");
  // A store from an MMX register that faults: Intel's processors have cleared TOP by then, AMD's have not.
  if (a.vector != kEnd && is_in(faulting(c, slot, a), {"Movq", "Movd", "Movntq"})) return;
  if (c.wanders && a.vector != kEnd && a.rip + code_base(a.seg[kCs]) - slot_address(slot) >= c.start[c.count]) return;
  // SDM vol. 2, FLDENV, FRSTOR: the state that a fault handler sees may be the old or the new one.
  if (a.vector != kEnd && is_in(faulting(c, slot, a), {"Fldenv", "Frstor", "Fxrstor"})) return;
  u16 fa[2], fb[2];
  std::memcpy(fa, a.fx.data(), 4);
  std::memcpy(fb, b.fx.data(), 4);
  if (fa[0] != fb[0]) differs("fcw");
  if (((fa[1] ^ fb[1]) & ~undefined_status(c)) != 0) differs("fsw");
  if (a.fx[4] != b.fx[4]) differs("ftw");
  const Rough rough = c.count > 0 ? roughness(c.op[0]) : Rough::No;
  u32 mxcsr[2];
  std::memcpy(&mxcsr[0], &a.fx[24], 4);
  std::memcpy(&mxcsr[1], &b.fx[24], 4);
  // A sum of products that faults: whether it shows what the products raised before.
  const u32 shown = rough == Rough::Nan && a.vector == kXm ? 0x38 : 0;
  if (((mxcsr[0] ^ mxcsr[1]) & ~shown) != 0) differs("mxcsr");
  const int argument = (c.fx[40] | c.fx[41] << 8) & 0x7fff;
  constexpr const char* kSt[] = {"st0", "st1", "st2", "st3", "st4", "st5", "st6", "st7"};
  for (unsigned n = 0; n < 8; ++n) {
    const u8 *x = &a.fx[32 + n * 16], *y = &b.fx[32 + n * 16];
    const bool precise = rough == Rough::Ulps || (rough == Rough::Angle && argument < 0x3ffe);
    if (same_float(x, y, precise) || (rough == Rough::Angle && !precise && same_angle(x, y, argument))) continue;
    differs(kSt[n]);
  }
  constexpr const char* kXmm[] = {"xmm0", "xmm1", "xmm2",  "xmm3",  "xmm4",  "xmm5",  "xmm6",  "xmm7",
                                  "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"};
  for (unsigned n = 0; n < registers; ++n) {
    const bool doubles = rough == Rough::Nan && line(c.op[0]).semantic == "Dppd";
    if (!same_vector(&a.fx[160 + n * 16], &b.fx[160 + n * 16], rough, doubles)) differs(kXmm[n]);
  }
}

}  // namespace

std::string_view stores_in_part(const Case& c, unsigned slot, const Outcome& o) {
  if (o.vector == kEnd) return {};
  const std::string_view s = faulting(c, slot, o);
  for (const std::string_view name :
       {"Pusha", "Popa", "Enter", "FarCallImm", "FarCallMem", "CallInd", "CallRel", "Fbstp", "Fstp", "Cmpxchg16b",
        "Maskmovq", "Maskmovdqu", "Fxsave", "Fnsave", "Fnstenv"}) {
    if (s == name) return name;
  }
  return {};
}

u32 undefined_at(const Case& c, unsigned slot, const Outcome& o) {
  u32 all = 0;
  for (unsigned n = 0; n <= c.count; ++n) all |= c.undefined[n];
  if (c.wanders) return kArithFlags;
  if (c.branches) return all;
  if (o.vector == kEnd) return c.undefined[c.count];
  const u64 at = o.rip + code_base(o.seg[kCs]) - slot_address(slot);
  for (unsigned n = 0; n < c.count; ++n) {
    if (at == c.start[n]) return c.undefined[n] | (n > 0 && o.vector == kDb ? c.undefined[n] : 0);
  }
  return all;
}

bool is_choice(const Outcome& native, const Outcome& emulated) {
  return native.vector != emulated.vector || native.rip != emulated.rip;
}

bool left(const Case& c, const Outcome& o) {
  return c.bits != Bits::B64 && o.vector != kEnd && o.seg[kCs] == kUserCode64;
}

std::string difference(const Case& c, unsigned slot, const Outcome& native, const Outcome& emulated) {
  std::string text;
  compare(c, slot, native, emulated, [&text](const char* what) {
    if (!text.empty()) text += ' ';
    text += what;
  });
  return text;
}

std::string listing(const Case& c, unsigned slot) {
  static const Decoder decoder(Emulated::model().features);
  const DecodeMode mode{.code32 = c.bits == Bits::B32, .code64 = c.bits == Bits::B64, .protected_mode = true};
  std::string text;
  const u64 base = slot_address(slot) - code_base(c.seg[kCs]);
  for (unsigned n = 0; n < c.count; ++n) {
    const std::span bytes(c.code.begin() + c.start[n], c.code.end());
    std::string hex;
    for (unsigned k = c.start[n]; k < c.start[n + 1]; ++k) hex += fmt::format("{:02x} ", c.code[k]);
    text += fmt::format("  {:08x}: {:36}{}   [{}]\n", base + c.start[n], hex,
                        disassemble(decoder, bytes, mode, base + c.start[n]).text, line(c.op[n]).id);
  }
  return text;
}

std::string report(const Case& c, unsigned slot, const Outcome& native, const Outcome& emulated) {
  const std::string different = " " + difference(c, slot, native, emulated) + " ";
  std::string text = fmt::format("{}-bit code\n{}",
                                 c.bits == Bits::B16   ? 16
                                 : c.bits == Bits::B32 ? 32
                                                       : 64,
                                 listing(c, slot));
  const auto row = [&](std::string_view name, u64 before, u64 a, u64 b) {
    const bool star = different.find(" " + std::string(name) + " ") != std::string::npos;
    if (star || before != ~u64{0} - 7)
      text += fmt::format("  {:10} {:16x} {:16x} {:16x}{}\n", name, before, a, b, star ? " *" : "");
  };
  text += "             before           host             ours\n";
  constexpr const char* kNames[] = {"ax", "cx", "dx",  "bx",  "sp",  "bp",  "si",  "di",
                                    "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"};
  for (unsigned n = 0; n < (c.bits == Bits::B64 ? 16u : 8u); ++n)
    row(kNames[n], c.gpr[n], native.gpr[n], emulated.gpr[n]);
  constexpr const char* kSegments[] = {"es", "cs", "ss", "ds", "fs", "gs"};
  for (unsigned n = 0; n < kSegCount; ++n) row(kSegments[n], c.seg[n], native.seg[n], emulated.seg[n]);
  row("ip", slot_address(slot) - code_base(c.seg[kCs]), native.rip, emulated.rip);
  row("flags", c.flags, native.flags, emulated.flags);
  text += fmt::format("  undefined flags {:x}\n", undefined_at(c, slot, native));
  row("vector", 0, native.vector, emulated.vector);
  row("error code", 0, native.error, emulated.error);
  row("cr2", 0, native.cr2, emulated.cr2);
  const auto bytes = [&](std::string_view name, unsigned at, unsigned size) {
    if (different.find(" " + std::string(name) + " ") == std::string::npos) return;
    const auto hex = [at, size](const std::array<u8, 512>& fx) {
      std::string s;
      for (unsigned n = size; n-- > 0;) s += fmt::format("{:02x}", fx[at + n]);
      return s;
    };
    text += fmt::format("  {:10} {} {} {} *\n", name, hex(c.fx), hex(native.fx), hex(emulated.fx));
  };
  bytes("fcw", 0, 2), bytes("fsw", 2, 2), bytes("ftw", 4, 1), bytes("mxcsr", 24, 4);
  for (unsigned n = 0; n < 8; ++n) bytes(fmt::format("st{}", n), 32 + 16 * n, 10);
  for (unsigned n = 0; n < 16; ++n) bytes(fmt::format("xmm{}", n), 160 + 16 * n, 16);
  const bool simd = std::any_of(c.op.begin(), c.op.begin() + c.count,
                                [](u16 op) { return group_of(op) >= static_cast<unsigned>(Group::X87); });
  if (simd) {
    u32 mxcsr = 0;
    std::memcpy(&mxcsr, &c.fx[24], 4);
    text += fmt::format("  fcw {:02x}{:02x} fsw {:02x}{:02x} ftw {:02x} mxcsr {:x}\n", c.fx[1], c.fx[0], c.fx[3],
                        c.fx[2], c.fx[4], mxcsr);
    for (unsigned n = 0; n < 16; ++n) {
      text += fmt::format("  {}{}", n < 8 ? "st" : "xmm", n % 8);
      for (unsigned k = n < 8 ? 10 : 16; k-- > 0;)
        text += fmt::format("{}{:02x}", k == 9 || k == 15 ? " " : "", c.fx[32 + n * 16 + k]);
      text += n % 2 == 1 ? "\n" : "";
    }
  }
  return text;
}

}  // namespace orrery::oracle
