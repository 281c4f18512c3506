// Vector instructions against the host's processor: every line of the table's vector groups that it has, with random
// operands, memory and MXCSR, #XM and misaligned operands among them. Skipped on other hosts than x86-64. Intel's and
// AMD's processors agree but for what is excepted here.
#include <gtest/gtest.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "cpu/opcodes.h"
#include "cpu/vector.h"
#include "tests/support/cpu_rig.h"
#include "tests/support/native_code.h"

#ifdef ORRERY_NATIVE_CODE

#include <cpuid.h>
#include <signal.h>

namespace orrery::test {
namespace {

constexpr Op kOps[] = {
#define X(id, ...) Op::id,
#include "cpu/opcodes/mmx.inc"
#include "cpu/opcodes/sse.inc"
#include "cpu/opcodes/sse4.inc"
#include "cpu/opcodes/sse_integer.inc"
#undef X
};

bool host_has(Feature f) {
  unsigned a = 0, b = 0, c1 = 0, d1 = 0, b7 = 0, c = 0, d = 0;
  __get_cpuid(1, &a, &b, &c1, &d1);
  __get_cpuid_count(7, 0, &a, &b7, &c, &d);
  switch (f) {
    case Feature::Mmx:
    case Feature::Sse:
    case Feature::Sse2: return true;  // x86-64
    case Feature::Sse3: return (c1 & bit_SSE3) != 0;
    case Feature::Ssse3: return (c1 & bit_SSSE3) != 0;
    case Feature::Sse41: return (c1 & bit_SSE4_1) != 0;
    case Feature::Sse42: return (c1 & bit_SSE4_2) != 0;
    case Feature::Aes: return (c1 & bit_AES) != 0;
    case Feature::Pclmulqdq: return (c1 & bit_PCLMUL) != 0;
    case Feature::Sha: return (b7 & bit_SHA) != 0;
    default: return false;
  }
}

/// Operand values in which something happens: special floating-point numbers, near ones, saturating integers.
class Values {
 public:
  explicit Values(u32 seed) : random_(seed) {}

  u64 bits() { return random_(); }
  u32 below(u32 n) { return static_cast<u32>(random_() % n); }

  u32 single() {
    static constexpr u32 kSpecial[] = {0,          0x80000000, 1,          0x80000001, 0x007fffff, 0x00800000,
                                       0x80800000, 0x00800001, 0x3f800000, 0xbf800000, 0x7f7fffff, 0xff7fffff,
                                       0x7f800000, 0xff800000, 0x7fc00000, 0xffc00000, 0x7f800001, 0xff812345,
                                       0x7fc12345, 0x4f000000, 0xcf000000, 0x4effffff, 0x3f000000, 0x3fc00000,
                                       0x4b000001, 0x5f000000, 0x00400000, 0x3effffff};
    const auto r = static_cast<u32>(bits());
    switch (below(6)) {
      case 0: return kSpecial[below(std::size(kSpecial))];
      case 1: return r;
      case 2: return (r & 0x807fffff) | (120 + below(16)) << 23;  // near one
      case 3: return (r & 0x807fffff) | below(4) << 23;           // near the smallest
      case 4: return (r & 0x807fffff) | (60 + below(6)) << 23;    // whose product is
      default: return (r & 0x80780000) | (126 + below(8)) << 23;  // few bits: exact results
    }
  }
  u64 twice() {
    static constexpr u64 kSpecial[] = {0,
                                       0x8000000000000000,
                                       1,
                                       0x000fffffffffffff,
                                       0x0010000000000000,
                                       0x8010000000000000,
                                       0x3ff0000000000000,
                                       0xbff0000000000000,
                                       0x7fefffffffffffff,
                                       0x7ff0000000000000,
                                       0xfff0000000000000,
                                       0x7ff8000000000000,
                                       0xfff8000000000000,
                                       0x7ff0000000000001,
                                       0xfff1234500000000,
                                       0x41e0000000000000,
                                       0xc1e0000000000000,
                                       0x41dfffffffe00000,
                                       0x3fe0000000000000,
                                       0x43e0000000000000,
                                       0x36a0000000000000,
                                       0x3810000000000000,
                                       0x380fffffffffffff,
                                       0x47efffffffffffff,
                                       0x4330000000000001,
                                       0x3fdfffffffffffff};
    const u64 r = bits();
    switch (below(7)) {
      case 0: return kSpecial[below(std::size(kSpecial))];
      case 1: return r;
      case 2: return (r & 0x800fffffffffffff) | u64{1016 + below(16)} << 52;
      case 3: return (r & 0x800fffffffffffff) | u64{below(4)} << 52;
      case 4: return (r & 0x800fffffffffffff) | u64{509 + below(6)} << 52;
      case 5: return (r & 0x800fffffffffffff) | u64{890 + below(16)} << 52;  // near the smallest single
      default: return (r & 0x800f000000000000) | u64{1022 + below(8)} << 52;
    }
  }
  u64 integers() {
    static constexpr u16 kSpecial[] = {0, 1, 0x7fff, 0x8000, 0x8001, 0xffff, 0x0080, 0x007f, 0x7f80, 0x8080};
    u64 v = 0;
    for (unsigned n = 0; n < 64; n += 16)
      v |= (below(2) != 0 ? kSpecial[below(std::size(kSpecial))] : bits() & 0xffff) << n;
    return v;
  }
  u64 quadword() {
    switch (below(4)) {
      case 0: return bits();
      case 1: return integers();
      case 2: return twice();
      default: return single() | u64{single()} << 32;
    }
  }
  /// Both quadwords of one kind.
  Vec128 vector() {
    switch (below(4)) {
      case 0: return {{bits(), bits()}};
      case 1: return {{integers(), integers()}};
      case 2: return {{twice(), twice()}};
      default: return {{single() | u64{single()} << 32, single() | u64{single()} << 32}};
    }
  }
  u32 mxcsr() {
    switch (below(4)) {
      case 0: return 0x1f80;
      case 1: return 0x1fa0;
      case 2: return 0x1f80 | (static_cast<u32>(bits()) & 0xe07f);
      default: return static_cast<u32>(bits()) & 0xffff;
    }
  }

 private:
  std::mt19937_64 random_;
};

constexpr u32 kBuffer = 0x40000;  // in the guest; 64 bytes
constexpr u64 kBufferBytes = 64;

struct Case {
  std::vector<u8> code;
  u64 offset = 0;  // of the memory operand in the buffer, RBX
};

class NativeSimd : public testing::Test {
 protected:
  CpuRig rig;
  Values values{1};
  NativeState native;
  alignas(64) u8 buffer[kBufferBytes] = {};

  static bool register_only(Opd k) { return k == Opd::Nq || k == Opd::Udq || k == Opd::Uq; }
  static bool general(Opd k) {
    return k == Opd::Ed || k == Opd::Ey || k == Opd::RdMb || k == Opd::RdMw || k == Opd::Gd || k == Opd::Gy;
  }

  /// One instruction of a line: registers 0-7, general ones of EAX, ECX, EDX, ESI; memory at [EBX].
  Case make(const OpLine& l, bool memory) {
    Case c;
    const Encoding& e = l.encoding;
    if (e.mandatory == Mandatory::P66) c.code.push_back(0x66);
    if (e.mandatory == Mandatory::Pf3) c.code.push_back(0xf3);
    if (e.mandatory == Mandatory::Pf2) c.code.push_back(0xf2);
    c.code.push_back(0x0f);
    if (e.map == OpcodeMap::Three38) c.code.push_back(0x38);
    if (e.map == OpcodeMap::Three3a) c.code.push_back(0x3a);
    c.code.push_back(e.opcode);
    bool general_reg = false, general_rm = false;
    for (const Opd k : l.operand) {
      if (k == Opd::Gd || k == Opd::Gy)
        general_reg = true;
      else if (general(k))
        general_rm = true;
    }
    constexpr u8 kGeneral[] = {0, 1, 2, 6};
    const auto number = [&](bool is_general) {
      return is_general ? kGeneral[values.below(4)] : static_cast<u8>(values.below(8));
    };
    if (e.modrm) {
      const unsigned reg = e.reg_field >= 0 ? static_cast<unsigned>(e.reg_field) : number(general_reg);
      const unsigned rm = memory ? 3 : number(general_rm);
      c.code.push_back(static_cast<u8>((memory ? 0 : 0xc0) | reg << 3 | rm));
    }
    for (const Opd k : l.operand) {
      if (k == Opd::Ib) c.code.push_back(static_cast<u8>(values.below(3) == 0 ? values.below(256) : values.below(20)));
    }
    // Processors differ in whether the memory operand of SHA must be aligned; the SDM (exceptions type 4) says so.
    const bool misaligned = values.below(8) == 0 && l.feature != Feature::Sha;
    if (memory) c.offset = misaligned ? values.below(32) : 16 * values.below(3);
    return c;
  }

  void randomize(const OpLine& l, const Case& c) {
    rig.level(0);
    rig.s.rip = CpuRig::kCode;
    const bool text = l.semantic.starts_with("Pcmp") && l.encoding.map == OpcodeMap::Three3a;
    for (unsigned n = 0; n < 8; ++n) {
      Vec128 v = values.vector();
      if (text && values.below(2) != 0) v.q[0] &= 0x0303030303030303, v.q[1] &= 0x0303030303030303;
      if (values.below(3) == 0) v.q[0] &= 127, v.q[1] &= 1;  // shift counts, ends of texts
      rig.s.xmm[n].q = {v.q[0], v.q[1], 0, 0};
      rig.s.x87.r[n] = {.significand = values.below(3) == 0 ? values.below(70) : values.quadword(),
                        .sign_exponent = static_cast<u16>(values.bits())};
      rig.s.gpr[n] = n == kRsp ? rig.s.gpr[n] : text ? values.below(20) : static_cast<u32>(values.bits());
    }
    rig.s.gpr[kRbx] = kBuffer + c.offset;
    rig.s.gpr[kRdi] = kBuffer + 16;
    rig.s.x87.control = 0x37f;
    rig.s.x87.status = static_cast<u16>(values.bits() & 0x7f00);
    rig.s.x87.tag = 0;
    for (unsigned n = 0; n < 16; n += 2)
      rig.s.x87.tag = static_cast<u16>(rig.s.x87.tag | (values.below(2) != 0 ? 3u << n : 0u));
    rig.s.mxcsr = values.mxcsr();
    for (u64 n = 0; n < kBufferBytes; n += 8) rig.w64(kBuffer + n, values.quadword());
    if (l.semantic == "Ldmxcsr") {
      rig.w32(static_cast<u32>(rig.s.gpr[kRbx]),
              values.mxcsr() | (values.below(4) == 0 ? 1u << (18 + values.below(14)) : 0));
    }
    rig.cpu.set_rflags(2 | (values.bits() & kArithFlags));
    rig.cpu.state_changed();
  }

  template <class T> T fx(unsigned offset) const {
    T v;
    std::memcpy(&v, native.fx + offset, sizeof v);
    return v;
  }
  template <class T> void set_fx(unsigned offset, T v) { std::memcpy(native.fx + offset, &v, sizeof v); }

  void to_native() {
    native = {};
    const X87& f = rig.s.x87;
    set_fx<u16>(0, f.control);
    set_fx<u16>(2, f.status);
    u8 abridged = 0;
    for (unsigned n = 0; n < 8; ++n) abridged = static_cast<u8>(abridged | ((f.tag >> (2 * n) & 3) != 3 ? 1u << n : 0));
    set_fx<u8>(4, abridged);
    set_fx<u32>(24, rig.s.mxcsr);
    for (unsigned n = 0; n < 8; ++n) {
      const auto& v = f.r[((f.status >> 11) + n) & 7];
      set_fx<u64>(32 + 16 * n, v.significand);
      set_fx<u16>(40 + 16 * n, v.sign_exponent);
      set_fx<u64>(160 + 16 * n, rig.s.xmm[n].q[0]);
      set_fx<u64>(168 + 16 * n, rig.s.xmm[n].q[1]);
      native.gpr[n] = rig.s.gpr[n];
    }
    native.gpr[kRbx] = reinterpret_cast<u64>(buffer) + (rig.s.gpr[kRbx] - kBuffer);
    native.gpr[kRdi] = reinterpret_cast<u64>(buffer) + (rig.s.gpr[kRdi] - kBuffer);
    native.flags = rig.cpu.rflags() & (kArithFlags | 2);
    for (u64 n = 0; n < kBufferBytes; ++n) buffer[n] = rig.memory.read8(kBuffer + n);
  }

  static int signal_of(int vector) {
    return vector < 0 ? 0 : vector == kXm ? SIGFPE : vector == kGp ? SIGSEGV : vector == kUd ? SIGILL : SIGBUS;
  }

  /// What differs, in words; empty if nothing does. An exception's registers are compared, its x87 state is not: what a
  /// faulting instruction leaves of TOP depends on the processor.
  std::string difference(const OpLine& l, int signal) {
    std::string text;
    // Which of two NaNs a sum of DPPS and DPPD gives depends on the processor.
    const auto quadword = [&l](u64 v) -> u64 {
      constexpr u64 kNan = 0x7ff0000000000000;
      constexpr u32 kNan32 = 0x7f800000;
      if (l.semantic == "Dppd") return (v & ~(u64{1} << 63)) > kNan ? kNan + 1 : v;
      if (l.semantic != "Dpps") return v;
      const auto single = [](u64 w) -> u64 { return (w & 0x7fffffff) > kNan32 ? kNan32 + 1 : w & 0xffffffff; };
      return single(v) | single(v >> 32) << 32;
    };
    const auto check = [&text](const std::string& what, u64 ours, u64 theirs) {
      if (ours != theirs) text += fmt::format("  {}: {:#x}, natively {:#x}\n", what, ours, theirs);
    };
    const int vector = rig.entered();
    check("signal", static_cast<u64>(signal_of(vector)), static_cast<u64>(signal));
    if (!text.empty()) return text;
    for (unsigned n = 0; n < 8; ++n) {
      check(fmt::format("xmm{}[0]", n), quadword(rig.s.xmm[n].q[0]), quadword(fx<u64>(160 + 16 * n)));
      check(fmt::format("xmm{}[1]", n), quadword(rig.s.xmm[n].q[1]), quadword(fx<u64>(168 + 16 * n)));
      if (n != kRbx && n != kRsp && n != kRdi) check(fmt::format("gpr{}", n), rig.s.gpr[n], native.gpr[n]);
    }
    check("mxcsr", rig.s.mxcsr, fx<u32>(24));
    for (u64 n = 0; n < kBufferBytes; ++n)
      check(fmt::format("memory[{}]", n), rig.memory.read8(kBuffer + n), buffer[n]);
    if (vector >= 0) return text;
    check("flags", rig.cpu.rflags() & kArithFlags, native.flags & kArithFlags);
    const X87& f = rig.s.x87;
    check("fsw", f.status, fx<u16>(2));
    for (unsigned n = 0; n < 8; ++n) {
      check(fmt::format("tag{}", n), (f.tag >> (2 * n) & 3) != 3, fx<u8>(4) >> n & 1);
      const auto& v = f.r[((f.status >> 11) + n) & 7];
      check(fmt::format("st{}", n), v.significand, fx<u64>(32 + 16 * n));
      check(fmt::format("st{} exponent", n), v.sign_exponent, fx<u16>(40 + 16 * n));
    }
    return text;
  }

  std::string state_text() {
    std::string text = fmt::format("  mxcsr {:#x}", rig.s.mxcsr);
    for (unsigned n = 0; n < 8; ++n) {
      text += fmt::format("\n  xmm{} {:016x}_{:016x}  mm{} {:016x}  gpr {:08x}  memory {:016x}", n, rig.s.xmm[n].q[1],
                          rig.s.xmm[n].q[0], n, rig.s.x87.r[n].significand, rig.s.gpr[n], rig.r64(kBuffer + 8 * n));
    }
    return text;
  }

  void compare(Op op, unsigned cases) {
    const OpLine& l = line(op);
    // Approximations differ among processors; the rest of these is not for user code or not in this mode.
    for (const char* skipped : {"Rcpps", "Rcpss", "Rsqrtps", "Rsqrtss", "Xsave", "Xrstor"}) {
      if (l.semantic == skipped) return;
    }
    if (!host_has(l.feature) || l.encoding.rex_w == 1) return;
    bool register_form = l.encoding.modrm && l.encoding.mod != Mod::Memory,
         memory_form = l.encoding.mod == Mod::Any && l.encoding.modrm;
    if (l.encoding.mod == Mod::Memory) memory_form = true;
    if (!l.encoding.modrm) register_form = true;
    for (unsigned n = 0; n < cases; ++n) {
      const bool memory = memory_form && (!register_form || n % 2 != 0);
      const Case c = make(l, memory);
      randomize(l, c);
      to_native();
      const std::string before = state_text();
      for (std::size_t k = 0; k < c.code.size(); ++k) rig.memory.write8(CpuRig::kCode + k, c.code[k]);
      rig.step();
      const int signal = run_native(c.code, native);
      const std::string different = difference(l, signal);
      ASSERT_TRUE(different.empty()) << l.id << ", case " << n << ", code "
                                     << fmt::format("{:02x}", fmt::join(c.code, " ")) << "\n"
                                     << different << before;
    }
  }
};

constexpr unsigned kCases = 300;

TEST_F(NativeSimd, EveryLineGivesWhatTheHostsProcessorGives) {
  rig.protected_mode();
  rig.cr4(kCr4Osfxsr | kCr4Osxmmexcpt);
  rig.s.cr0 |= kCr0Ne;
  unsigned lines = 0;
  for (const Op op : kOps) {
    compare(op, kCases);
    ++lines;
  }
  EXPECT_GT(lines, 300u);
}

}  // namespace
}  // namespace orrery::test

#else

TEST(NativeSimd, EveryLineGivesWhatTheHostsProcessorGives) { GTEST_SKIP() << "the host is no x86-64 Linux"; }

#endif
