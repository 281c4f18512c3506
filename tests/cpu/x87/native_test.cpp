// The x87 against the host's own, on x86-64 hosts: every form that needs no privilege, random operands (the special
// ones often), control words, tags and flags; registers, tags, control and status word and memory compared bit by bit.
//
// Runs for about two seconds, or for as many as ORRERY_FUZZ_SECONDS says.
#include <gtest/gtest.h>

#ifdef __x86_64__
#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <random>
#include <sstream>

#include "tests/support/cpu_rig.h"

namespace orrery::test {
namespace {

constexpr u32 kOperand = 0x50000;

/// The FXSAVE image.
struct alignas(16) Image {
  u16 control = 0x37f, status = 0;
  u8 tags = 0, reserved = 0;
  u16 opcode = 0;
  u64 ip = 0, dp = 0;
  u32 mxcsr = 0x1f80, mxcsr_mask = 0;
  struct Register {
    u64 significand = 0;
    u16 sign_exponent = 0;
    u16 rest[3] = {};
  } st[8];
  u8 others[352] = {};
};
static_assert(sizeof(Image) == 512);

struct Case {
  Image x87;
  u32 flags = 0;
  std::array<u8, 16> memory{};
};

struct Form {
  std::array<u8, 2> bytes;
  u32 address = 0;
};

class Random {
 public:
  explicit Random(u64 seed) : engine_(seed) {}
  u64 bits() { return engine_(); }
  unsigned below(unsigned n) { return static_cast<unsigned>(bits() % n); }
  bool chance(unsigned percent) { return below(100) < percent; }

  /// A significand with runs of equal bits, often.
  u64 significand() {
    switch (below(6)) {
      case 0: return 0;
      case 1: return ~u64{0} << below(64);
      case 2: return (u64{1} << below(64)) - 1;
      case 3: return u64{1} << below(64);
      case 4: return bits() << below(64);
      default: return bits();
    }
  }
  unsigned exponent(unsigned maximum) {
    const unsigned bias = maximum / 2;
    switch (below(8)) {
      case 0: return below(3);
      case 1: return maximum - below(3);
      case 2: return bias - below(3);
      case 3:
      case 4: return (bias + below(140) - 70) & maximum;
      case 5: return (bias / 2 + below(60)) & maximum;
      case 6: return (bias + bias / 2 + below(60)) & maximum;
      default: return below(maximum + 1);
    }
  }
  void f80(u64& sig, u16& se) {
    sig = significand() | (chance(85) ? u64{1} << 63 : 0);
    se = static_cast<u16>(exponent(0x7fff) | (bits() & 0x8000));
    if (chance(15)) se &= 0x8000, sig >>= below(64);
    if (chance(6)) sig = 0, se &= 0x8000;
    if (chance(6)) sig = u64{1} << 63, se |= 0x7fff;
  }

 private:
  std::mt19937_64 engine_;
};

Case random_case(Random& random) {
  Case c;
  c.x87.control = static_cast<u16>(0x40 | (random.bits() & 0xf3f));
  if (random.chance(50)) c.x87.control |= 0x3f;
  const unsigned masked = c.x87.control & 0x3f;
  c.x87.status = static_cast<u16>((random.bits() & 0x7f00) | (random.chance(50) ? 0 : random.bits() & 0x40) |
                                  (random.chance(70) ? 0 : random.bits() & masked));
  c.x87.tags = random.chance(60) ? 0xff : static_cast<u8>(random.bits());
  for (auto& st : c.x87.st) random.f80(st.significand, st.sign_exponent);
  if (random.chance(20)) c.x87.st[1] = c.x87.st[0];
  if (random.chance(20)) {  // near each other: cancellation
    c.x87.st[1].sign_exponent =
        static_cast<u16>((c.x87.st[0].sign_exponent + random.below(5) - 2) ^ (random.bits() & 0x8000));
  }
  c.flags = static_cast<u32>(random.bits() & 0x8d5) | 2;
  u64 sig = 0;
  u16 se = 0;
  random.f80(sig, se);
  switch (random.below(5)) {
    case 0: break;
    case 1:
      sig = (u64{random.exponent(0xff)} << 23) | (random.significand() & 0x7fffff) | (random.bits() & 0x80000000);
      break;
    case 2:
      sig = (u64{random.exponent(0x7ff)} << 52) | (random.significand() >> 12) | (random.bits() & (u64{1} << 63));
      break;
    case 3:
      for (unsigned n = 0; n < 16; ++n) sig = sig << 4 | random.below(10);
      se = static_cast<u16>((random.bits() & 0x8000) | random.below(10) << 4 | random.below(10));
      break;
    default: sig = random.significand();
  }
  std::memcpy(c.memory.data(), &sig, 8);
  std::memcpy(c.memory.data() + 8, &se, 2);
  return c;
}

class Native {
 public:
  Native()
      : code_(static_cast<u8*>(
            mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {}
  ~Native() { munmap(code_, 4096); }
  Native(const Native&) = delete;
  Native& operator=(const Native&) = delete;
  bool usable() const { return code_ != MAP_FAILED; }

  Case run(const Form& form, const Case& before) {
    code_[0] = form.bytes[0];
    code_[1] = form.bytes[1];
    code_[2] = 0xc3;
    Case after = before;
    u64 flags = before.flags;
    u64 ax = before.x87.ip;
    asm volatile(
        "sub $256, %%rsp\n fxrstor64 (%[in])\n push %[flags]\n popf\n call *%[code]\n pushf\n pop %[flags]\n cld\n"
        "fxsave64 (%[out])\n fninit\n add $256, %%rsp"
        : [flags] "+r"(flags), "+a"(ax)
        : [in] "r"(&before.x87), [out] "r"(&after.x87), [code] "r"(code_), "D"(after.memory.data())
        : "memory", "cc", "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)", "st(7)", "mm0", "xmm0");
    after.flags = static_cast<u32>(flags);
    return after;
  }

 private:
  u8* code_;
};

class Emulated {
 public:
  explicit Emulated(bool transcendental = false) : rig_(model_with_fisttp()) {
    rig_.protected_mode();
    for (unsigned opcode = 0xd8; opcode <= 0xdf; ++opcode) {
      for (unsigned modrm = 0; modrm < 256; ++modrm) {
        const bool wanted = transcendental ? is_transcendental(opcode, modrm)
                                           : (modrm >= 0xc0 || (modrm & 0xc7) == 7) && !excluded(opcode, modrm);
        if (wanted) add({static_cast<u8>(opcode), static_cast<u8>(modrm)});
      }
    }
  }

  const std::vector<Form>& forms() const { return forms_; }

  Case run(const Form& form, const Case& before) {
    X87& f = rig_.s.x87;
    f.control = before.x87.control;
    f.status = before.x87.status;
    f.tag = 0;
    for (unsigned n = 0; n < 8; ++n) {
      if ((before.x87.tags >> n & 1) == 0) f.tag = static_cast<u16>(f.tag | 3u << (2 * n));
      const auto& st = before.x87.st[n];
      f.r[(n + (f.status >> 11)) & 7] = {.significand = st.significand, .sign_exponent = st.sign_exponent};
    }
    for (unsigned n = 0; n < 16; ++n) rig_.memory.write8(kOperand + n, before.memory[n]);
    rig_.cpu.set_rflags(before.flags);
    rig_.s.gpr[kRdi] = kOperand;
    rig_.s.rip = form.address;
    rig_.step();
    Case after = before;
    after.x87.control = f.control;
    after.x87.status = f.status;
    after.x87.tags = 0;
    for (unsigned n = 0; n < 8; ++n) {
      if ((f.tag >> (2 * n) & 3) != 3) after.x87.tags = static_cast<u8>(after.x87.tags | 1u << n);
      const Float80& v = f.r[(n + (f.status >> 11)) & 7];
      after.x87.st[n].significand = v.significand;
      after.x87.st[n].sign_exponent = v.sign_exponent;
    }
    for (unsigned n = 0; n < 16; ++n) after.memory[n] = rig_.memory.read8(kOperand + n);
    after.flags = static_cast<u32>(rig_.cpu.rflags());
    return after;
  }

 private:
  static Model model_with_fisttp() {
    Model m = test_model("max");
    m.features.set(Feature::Sse3);
    return m;
  }
  static bool excluded(unsigned opcode, unsigned modrm) {
    const unsigned digit = modrm >> 3 & 7;
    if (modrm < 0xc0) {  // environments hold pointers, which are not compared
      return (opcode == 0xd9 && (digit == 4 || digit == 6)) || (opcode == 0xdd && (digit == 4 || digit == 6));
    }
    if (opcode != 0xd9) return opcode == 0xdf && modrm == 0xe0;  // FNSTSW AX
    return digit == 3 || is_transcendental(opcode, modrm);       // FSTPNCE
  }
  static bool is_transcendental(unsigned opcode, unsigned modrm) {
    constexpr std::array<unsigned, 8> kAll{0xf0, 0xf1, 0xf2, 0xf3, 0xf9, 0xfb, 0xfe, 0xff};
    return opcode == 0xd9 && std::find(kAll.begin(), kAll.end(), modrm) != kAll.end();
  }
  void add(std::array<u8, 2> bytes) {
    Form form{.bytes = bytes, .address = CpuRig::kCode + static_cast<u32>(forms_.size()) * 8};
    rig_.memory.write8(form.address, bytes[0]);
    rig_.memory.write8(form.address + 1, bytes[1]);
    rig_.s.rip = form.address;
    rig_.s.gpr[kRdi] = kOperand;
    rig_.s.x87 = {};
    rig_.s.x87.control = 0x37f;
    rig_.step();
    if (rig_.entered() != kUd) {
      forms_.push_back(form);
    } else {
      rig_.protected_mode();
    }
  }

  CpuRig rig_;
  std::vector<Form> forms_;
};

/// Condition bits that the form leaves undefined are not compared.
u16 status_mask(const Form& form) {
  const unsigned opcode = form.bytes[0], modrm = form.bytes[1], digit = modrm >> 3 & 7;
  const bool memory = modrm < 0xc0;
  const bool compares = ((opcode == 0xd8 || opcode == 0xdc || opcode == 0xda || opcode == 0xde) && memory &&
                         (digit == 2 || digit == 3)) ||
                        ((opcode == 0xd8 || opcode == 0xdc) && (digit == 2 || digit == 3)) ||
                        (opcode == 0xde && (digit == 2 || digit == 3)) ||
                        (opcode == 0xdd && (digit == 4 || digit == 5)) || (opcode == 0xda && modrm == 0xe9);
  const bool sets = opcode == 0xd9 && (modrm == 0xe4 || modrm == 0xe5 || modrm == 0xf5 || modrm == 0xf8);
  return compares || sets ? 0xffff : static_cast<u16>(~0x4500);
}

std::string text_of(const Case& c) {
  std::ostringstream out;
  out << std::hex << "cw " << c.x87.control << " sw " << c.x87.status << " tags " << unsigned{c.x87.tags} << " flags "
      << (c.flags & 0x8d5);
  const unsigned top = c.x87.status >> 11 & 7;
  for (unsigned n = 0; n < 8; ++n) {
    if ((c.x87.tags >> ((n + top) & 7) & 1) != 0)
      out << " st" << n << " " << c.x87.st[n].sign_exponent << ":" << c.x87.st[n].significand;
  }
  out << " mem";
  for (unsigned n = 10; n-- > 0;) out << (n == 7 ? ":" : " ") << unsigned{c.memory[n]};
  return out.str();
}

bool same(const Form& form, const Case& a, const Case& b) {
  if (((a.x87.status ^ b.x87.status) & status_mask(form)) != 0 || a.x87.control != b.x87.control ||
      a.x87.tags != b.x87.tags || a.memory != b.memory || ((a.flags ^ b.flags) & 0x8d5) != 0) {
    return false;
  }
  const unsigned top = a.x87.status >> 11 & 7;
  for (unsigned n = 0; n < 8; ++n) {
    if ((a.x87.tags >> ((n + top) & 7) & 1) == 0) continue;
    const auto &x = a.x87.st[n], &y = b.x87.st[n];
    if (x.significand != y.significand || x.sign_exponent != y.sign_exponent) return false;
  }
  return true;
}

TEST(X87Native, EveryFormDoesWhatTheHostDoes) {
  Native native;
  if (!native.usable()) GTEST_SKIP() << "no executable memory";
  Emulated emulated;
  ASSERT_GT(emulated.forms().size(), 300u);
  const char* wanted = std::getenv("ORRERY_FUZZ_SECONDS");
  const char* seed_text = std::getenv("ORRERY_FUZZ_SEED");
  const u64 seed = seed_text != nullptr ? std::strtoull(seed_text, nullptr, 0) : 1;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(wanted != nullptr ? std::atoi(wanted) : 2);
  Random random(seed);
  u64 cases = 0;
  unsigned failures = 0;
  while (std::chrono::steady_clock::now() < end && failures < 12) {
    for (unsigned n = 0; n < 2000 && failures < 12; ++n, ++cases) {
      const Form& form = emulated.forms()[random.below(static_cast<unsigned>(emulated.forms().size()))];
      const Case before = random_case(random);
      const Case theirs = native.run(form, before), ours = emulated.run(form, before);
      if (same(form, theirs, ours)) continue;
      ++failures;
      ADD_FAILURE() << std::hex << "seed " << seed << " case " << cases << ": " << unsigned{form.bytes[0]} << " "
                    << unsigned{form.bytes[1]} << "\n before " << text_of(before) << "\n native " << text_of(theirs)
                    << "\n ours   " << text_of(ours);
    }
  }
  RecordProperty("cases", std::to_string(cases));
}

/// How far apart two numbers are, in units of the last place; huge unless both are finite, not zero and of one sign.
u64 distance(const Image::Register& x, const Image::Register& y) {
  if (x.significand == y.significand && x.sign_exponent == y.sign_exponent) return 0;
  const auto finite = [](const Image::Register& r) {
    return (r.sign_exponent & 0x7fff) != 0x7fff && r.significand != 0;
  };
  if (!finite(x) || !finite(y)) return ~u64{0};
  if (x.sign_exponent == y.sign_exponent)
    return x.significand > y.significand ? x.significand - y.significand : y.significand - x.significand;
  const auto& low = x.sign_exponent < y.sign_exponent ? x : y;
  const auto& high = x.sign_exponent < y.sign_exponent ? y : x;
  if (high.sign_exponent - low.sign_exponent != 1) return ~u64{0};
  return (high.significand - (u64{1} << 63)) * 2 + (~low.significand + 1);
}

/// Of transcendental functions processors' own results are approximations: inexact and C1 may differ, numbers by some
/// units; what is pushed, popped, refused and reported may not.
bool nearly_same(const Form& form, const Case& before, const Case& a, const Case& b) {
  constexpr u16 kStatus = 0x3800 | 0x400 | 0x40 | 7;  // TOP, C2, SF, ZE, DE, IE
  const bool circular = form.bytes[1] == 0xf2 || form.bytes[1] == 0xfb || form.bytes[1] >= 0xfe;
  const u16 mask = circular ? kStatus : static_cast<u16>(kStatus & ~0x400);
  if (((a.x87.status ^ b.x87.status) & mask) != 0 || a.x87.tags != b.x87.tags) return false;
  const auto exponent = [&](unsigned n) { return before.x87.st[n].sign_exponent & 0x7fffu; };
  // Multiples of pi are of the 66-bit pi there; F2XM1 is undefined beyond 1, FYL2XP1 beyond 1 - sqrt(1/2).
  const unsigned limit = circular ? 0x3ffe : form.bytes[1] == 0xf0 ? 0x3ffe : 0x3ffd;
  if (form.bytes[1] != 0xf1 && form.bytes[1] != 0xf3 && exponent(0) >= limit && exponent(0) != 0x7fff) return true;
  if (((a.x87.status | b.x87.status) & 0x18) != 0) return true;  // overflow and underflow: unmasked, other exponents
  const unsigned top = a.x87.status >> 11 & 7;
  for (unsigned n = 0; n < 8; ++n) {
    if ((a.x87.tags >> ((n + top) & 7) & 1) != 0 && distance(a.x87.st[n], b.x87.st[n]) > 4) return false;
  }
  return true;
}

TEST(X87Native, TranscendentalFunctionsAreNearTheHosts) {
  Native native;
  if (!native.usable()) GTEST_SKIP() << "no executable memory";
  Emulated emulated(true);
  ASSERT_EQ(emulated.forms().size(), 8u);
  Random random(3);
  unsigned failures = 0;
  for (unsigned n = 0; n < 200000 && failures < 12; ++n) {
    const Form& form = emulated.forms()[random.below(8)];
    const Case before = random_case(random);
    const Case theirs = native.run(form, before), ours = emulated.run(form, before);
    if (nearly_same(form, before, theirs, ours)) continue;
    ++failures;
    ADD_FAILURE() << std::hex << unsigned{form.bytes[0]} << " " << unsigned{form.bytes[1]} << "\n before "
                  << text_of(before) << "\n native " << text_of(theirs) << "\n ours   " << text_of(ours);
  }
}

}  // namespace
}  // namespace orrery::test
#else
TEST(X87Native, EveryFormDoesWhatTheHostDoes) { GTEST_SKIP() << "the host is not an x86-64"; }
#endif
