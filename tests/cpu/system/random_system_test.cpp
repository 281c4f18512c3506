// Random system code on random descriptor tables: whatever a guest does, the processor stays in a state that exists.
#include "tests/support/cpu_rig.h"

namespace orrery::test {
namespace {

class Random {
 public:
  explicit Random(u64 seed) : state_(seed * 0x9e3779b97f4a7c15 + 1) {}
  u64 next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }
  u32 below(u32 n) { return static_cast<u32>((next() >> 11) % n); }

 private:
  u64 state_;
};

/// Opcodes of the system group, in any mode's encoding; what follows them is random.
constexpr std::string_view kSystemCode[] = {
    "8ed8",   "8ed0",   "8ec0",   "8ee0",   "07",     "17",     "1f",     "0fa1",   "c405",   "c505",   "0fb205",
    "ea",     "9a",     "ff2d",   "ff1d",   "cb",     "ca",     "cf",     "66cf",   "cd",     "cc",     "ce",
    "f1",     "9c",     "9d",     "669d",   "fa",     "fb",     "0f00d0", "0f00d8", "0f00c0", "0f02c0", "0f03c0",
    "0f00e0", "0f00e8", "63c8",   "0f0115", "0f011d", "0f0105", "0f01f0", "0f01e0", "0f22c0", "0f22d8", "0f22e0",
    "0f20c0", "0f23f8", "0f23c0", "0f21f0", "0f32",   "0f30",   "0f31",   "0fa2",   "0f34",   "0f35",   "0f0138",
    "e4",     "e6",     "ec",     "f36c",   "f36e",   "60",     "61",     "c8",     "c9",     "6205",   "9b",
    "0f06",   "f4",     "0f0b",   "50",     "58",     "b8",     "a1",     "a3",     "89c3",   "31c0",
};

struct RandomSystem {
  CpuRig r;
  Random random;

  explicit RandomSystem(u64 seed) : random(seed) {}

  u16 selector() { return static_cast<u16>(random.below(0x20) * 8 + (random.below(8) == 0 ? 4 : 0) + random.below(4)); }
  u64 any_descriptor() {
    const u8 access = static_cast<u8>(random.below(4) == 0 ? random.below(256) : 0x80 | random.below(128));
    if ((access & 0x10) == 0 && random.below(2) == 0) {
      return CpuRig::gate(selector(), CpuRig::kCode + random.below(0x1000), access, static_cast<u8>(random.below(32)));
    }
    const u32 base = random.below(3) == 0 ? random.below(0x40000) : 0;
    return CpuRig::descriptor(base, random.below(3) == 0 ? random.below(0x100000) : 0xfffff, access,
                              static_cast<u8>(random.below(8) << 5 | (random.below(2) << 7)));
  }
  void code(u64 address, unsigned bytes) {
    for (unsigned n = 0; n < bytes;) {
      const std::string_view op = kSystemCode[random.below(std::size(kSystemCode))];
      r.put(address + n, op);
      n += static_cast<unsigned>(op.size() / 2);
      const unsigned tail = random.below(6);
      for (unsigned k = 0; k < tail; ++k)
        r.memory.write8(address + n++, static_cast<u8>(random.below(4) == 0 ? random.next() : random.below(0x30)));
    }
  }
  void prepare() {
    switch (random.below(5)) {
      case 0: r.real_mode(); break;
      case 1: r.v86_mode(random.below(4)); break;
      case 2: r.protected_mode(3); break;
      default: r.protected_mode(random.below(2)); break;
    }
    for (u16 n = 0x58; n < 0x100; n += 8) r.gdt(n, any_descriptor());
    for (u16 n = 0; n < 0x100; n += 8) r.ldt(n, any_descriptor());
    for (unsigned v = 0; v < 256; ++v) {
      if (random.below(3) == 0) {
        r.idt(static_cast<u8>(v), CpuRig::gate(selector(), CpuRig::kCode + random.below(0x1000),
                                               static_cast<u8>(0x84 | random.below(128)), 0));
      }
    }
    for (const u32 tss : {CpuRig::kTssBase1, CpuRig::kTssBase16}) {
      for (u32 n = 0; n < 104; n += 2)
        r.w16(tss + n, random.below(2) == 0 ? selector() : static_cast<u16>(random.next()));
    }
    code(CpuRig::kCode, 0x1000);
    code(CpuRig::kHandlers, 0x1000);
    for (unsigned n = 0; n < 8; ++n) {
      if (n != kRsp) r.s.gpr[n] = random.below(3) == 0 ? selector() : random.below(0x40000);
    }
    for (u32 n = 0; n < 256; ++n) r.w32(0x8c00 + n * 4, random.below(2) == 0 ? selector() : random.below(0x20000));
    if (random.below(2) == 0 && r.s.cr0 != 0 && (r.s.cr0 & kCr0Pe) != 0) r.paging();
    r.s.cr4 = random.below(4) & (kCr4Vme | kCr4Pvi);
    r.cpu.set_rflags((random.next() & 0xff5) | 2 | (r.cpu.rflags() & (kVm | kIopl)));
    r.cpu.state_changed();
  }
  void check() {
    const State& s = r.s;
    for (unsigned n = 0; n < 16; ++n) ASSERT_EQ(s.gpr[n] >> 32, 0u) << n;
    ASSERT_EQ(s.gpr[kZeroReg], 0u);
    ASSERT_EQ(s.rip >> 32, 0u);
    ASSERT_EQ(s.eflags & (kArithFlags | 8u | 0x20u | 0x8000u), 0u);
    ASSERT_TRUE(s.eflags & 2);
    if ((s.cr0 & kCr0Pe) == 0) {
      ASSERT_EQ(s.cpl, 0);
    } else if ((s.eflags & kVm) != 0) {
      ASSERT_EQ(s.cpl, 3);
      for (const Segment& g : s.seg) ASSERT_EQ(g.base, g.selector * 16u);
    }
    ASSERT_FALSE((s.cr0 & kCr0Pg) != 0 && (s.cr0 & kCr0Pe) == 0);
  }
};

TEST(RandomSystem, StateStaysConsistent) {
  for (u64 seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    RandomSystem run(seed);
    for (unsigned round = 0; round < 20; ++round) {
      run.prepare();
      for (unsigned n = 0; n < 60; ++n) {
        const Stop stop = run.r.cpu.step();
        run.check();
        if (HasFatalFailure()) return;
        if (stop == Stop::Halted || stop == Stop::Shutdown) break;
      }
    }
  }
}

}  // namespace
}  // namespace orrery::test
