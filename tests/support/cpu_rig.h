// A processor with a little memory, for tests that run hand-assembled bytes.
//
// Protected-mode layout (linear = physical unless a test turns paging on):
//   0x01000 GDT   0x01800 LDT   0x02000 IDT   0x03000 TSS 0   0x03400 TSS 1   0x03800 16-bit TSS
//   0x08000-0x09000 stack of level 0   0x0a000 top of level 3   0x0b000 top of level 1
//   0x10000 code   0x20000 handlers, 16 bytes for each vector   0x30000 page tables
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <string_view>

#include "cpu/cpu.h"
#include "hw/core/memory.h"

namespace orrery::test {

using namespace orrery::cpu;  // NOLINT: test code

inline Model test_model(std::string_view name) {
  std::string error;
  auto m = parse_model(name, error);
  EXPECT_TRUE(m.has_value()) << error;
  return *m;
}

struct CpuRig {
  // Selectors of the standard GDT.
  static constexpr u16 kCode0 = 0x08, kData0 = 0x10, kCode3 = 0x1b, kData3 = 0x23, kCode16 = 0x28, kData16 = 0x30,
                       kConforming = 0x38, kTss0 = 0x40, kTss1 = 0x48, kLdtSelector = 0x50, kFree = 0x58, kCode1 = 0x61,
                       kData1 = 0x69, kTss16Selector = 0x70, kGate = 0x78;
  static constexpr u32 kGdt = 0x1000, kLdtBase = 0x1800, kIdt = 0x2000, kTssBase0 = 0x3000, kTssBase1 = 0x3400,
                       kTssBase16 = 0x3800, kStack0 = 0x9000, kStack3 = 0xa000, kStack1 = 0xb000, kCode = 0x10000,
                       kHandlers = 0x20000, kPages = 0x30000;
  // Access bytes.
  static constexpr u8 kCodeAccess = 0x9b, kDataAccess = 0x93;

  core::Log log;
  core::GuestMemory memory;
  core::PortBus ports{"io", log};
  core::Clock clock;
  u8 vector = 0x20;   // what an interrupt acknowledge cycle returns
  bool ferr = false;  // the pin
  Cpu cpu;
  State& s;

  explicit CpuRig(const Model& model = test_model("max"), ApicPort apic = {})
      : memory(2 << 20, log),
        cpu(model, memory, ports, clock, log,
            Pins{.interrupt_acknowledge = [this] { return vector; },
                 .ferr = [this](bool level) { ferr = level; },
                 .apic = std::move(apic)}),
        s(cpu.state()) {
    memory.map_ram(0, 2 << 20, 0);
  }
  explicit CpuRig(std::string_view model) : CpuRig(test_model(model)) {}

  // --- memory --------------------------------------------------------------------------------------------------------
  /// Hexadecimal bytes, blanks ignored.
  void put(u64 address, std::string_view hex) {
    int high = -1;
    for (const char c : hex) {
      if (c == ' ') continue;
      const int digit = c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
      if (high < 0) {
        high = digit;
      } else {
        memory.write8(address++, static_cast<u8>(high * 16 + digit));
        high = -1;
      }
    }
  }
  u16 r16(u64 a) { return memory.read16(a); }
  u32 r32(u64 a) { return memory.read32(a); }
  u64 r64(u64 a) { return memory.read64(a); }
  void w16(u64 a, u16 v) { memory.write16(a, v); }
  void w32(u64 a, u32 v) { memory.write32(a, v); }
  void w64(u64 a, u64 v) { memory.write64(a, v); }

  // --- descriptors ---------------------------------------------------------------------------------------------------
  /// `flags`: G, D/B, L, AVL as in bits 7:4 of byte 6.
  static u64 descriptor(u32 base, u32 limit, u8 access, u8 flags) {
    return u64{limit & 0xffff} | u64{base & 0xffffff} << 16 | u64{access} << 40 | u64{(limit >> 16) & 15} << 48 |
           u64{flags} << 48 | u64{base >> 24} << 56;
  }
  static u64 gate(u16 selector, u32 offset, u8 access, u8 parameters = 0) {
    return u64{offset & 0xffff} | u64{selector} << 16 | u64{parameters} << 32 | u64{access} << 40 |
           u64{offset >> 16} << 48;
  }
  void gdt(u16 selector, u64 value) { w64(kGdt + (selector & ~7u), value); }
  u64 gdt(u16 selector) { return r64(kGdt + (selector & ~7u)); }
  void ldt(u16 selector, u64 value) { w64(kLdtBase + (selector & ~7u), value); }
  void idt(u8 v, u64 value) { w64(kIdt + v * 8u, value); }
  static u32 handler(u8 v) { return kHandlers + v * 16u; }

  /// Loads a segment register straight from the standard table.
  void load(unsigned seg, u16 selector) {
    const u64 d = (selector & 4) != 0 ? r64(kLdtBase + (selector & ~7u)) : gdt(selector);
    const u32 raw = static_cast<u32>(d & 0xffff) | (static_cast<u32>(d >> 48 & 15) << 16);
    s.seg[seg] = Segment{.selector = selector,
                         .attributes = static_cast<u16>(d >> 40 & 0xf0ff),
                         .limit = (d >> 55 & 1) != 0 ? raw << 12 | 0xfff : raw,
                         .base = (d >> 16 & 0xffffff) | (d >> 56 << 24)};
  }

  // --- modes ---------------------------------------------------------------------------------------------------------
  void real_mode(u16 cs = 0x1000, u16 ip = 0, u16 ss = 0x0800, u16 sp = 0x1000) {
    cpu.reset();
    for (Segment& g : s.seg) g = Segment{.selector = 0, .attributes = 0x93, .limit = 0xffff, .base = 0};
    s.seg[kCs].selector = cs;
    s.seg[kCs].base = cs * 16u;
    s.seg[kSs].selector = ss;
    s.seg[kSs].base = ss * 16u;
    s.gpr[kRsp] = sp;
    s.rip = ip;
    s.idtr = {.base = 0, .limit = 0x3ff};
    cpu.state_changed();
  }

  /// The standard tables, all interrupt gates 32 bits wide with DPL 0, and the processor at `kCode` with level `cpl`
  /// (0, 1, 3).
  void protected_mode(unsigned cpl = 0) {
    cpu.reset();
    gdt(kCode0, descriptor(0, 0xfffff, 0x9b, 0xc0));
    gdt(kData0, descriptor(0, 0xfffff, 0x93, 0xc0));
    gdt(kCode3, descriptor(0, 0xfffff, 0xfb, 0xc0));
    gdt(kData3, descriptor(0, 0xfffff, 0xf3, 0xc0));
    gdt(kCode16, descriptor(0x10000, 0xffff, 0x9b, 0));
    gdt(kData16, descriptor(0, 0xffff, 0x93, 0));
    gdt(kConforming, descriptor(0, 0xfffff, 0x9f, 0xc0));
    gdt(kTss0, descriptor(kTssBase0, 0x3ff, 0x8b, 0));
    gdt(kTss1, descriptor(kTssBase1, 0x3ff, 0x89, 0));
    gdt(kLdtSelector, descriptor(kLdtBase, 0xff, 0x82, 0));
    gdt(kCode1, descriptor(0, 0xfffff, 0xbb, 0xc0));
    gdt(kData1, descriptor(0, 0xfffff, 0xb3, 0xc0));
    gdt(kTss16Selector, descriptor(kTssBase16, 0x2b, 0x81, 0));
    for (unsigned v = 0; v < 256; ++v) {
      idt(static_cast<u8>(v), gate(kCode0, handler(static_cast<u8>(v)), 0x8e));
      put(handler(static_cast<u8>(v)), "f4");
    }
    for (const u32 tss : {kTssBase0, kTssBase1}) {
      w32(tss + 4, kStack0);
      w16(tss + 8, kData0);
      w32(tss + 12, kStack1);
      w16(tss + 16, kData1);
      w16(tss + 102, 0x3ff);  // no I/O bitmap
    }
    s.cr0 = 0x11;
    s.gdtr = {.base = kGdt, .limit = 0x3ff};
    s.idtr = {.base = kIdt, .limit = 0x7ff};
    s.ldtr = Segment{.selector = kLdtSelector, .attributes = 0x82, .limit = 0xff, .base = kLdtBase};
    s.tr = Segment{.selector = kTss0, .attributes = 0x8b, .limit = 0x3ff, .base = kTssBase0};
    level(cpl);
    s.rip = kCode;
    cpu.state_changed();
  }
  void level(unsigned cpl) {
    load(kCs, cpl == 0 ? kCode0 : cpl == 1 ? kCode1 : kCode3);
    for (const unsigned seg : {kSs, kDs, kEs, kFs, kGs}) load(seg, cpl == 0 ? kData0 : cpl == 1 ? kData1 : kData3);
    s.cpl = static_cast<u8>(cpl);
    s.gpr[kRsp] = cpl == 0 ? kStack0 : cpl == 1 ? kStack1 : kStack3;
    cpu.state_changed();
  }
  /// A virtual-8086 task at 1000:0000 with its stack at 0700:1000, on top of the protected-mode tables.
  void v86_mode(unsigned iopl = 0) {
    protected_mode(0);
    s.eflags = 2 | kVm | (iopl << 12);
    s.cpl = 3;
    for (Segment& g : s.seg) g = Segment{.selector = 0, .attributes = 0xf3, .limit = 0xffff, .base = 0};
    s.seg[kCs].selector = 0x1000;
    s.seg[kCs].base = 0x10000;
    s.seg[kSs].selector = 0x700;
    s.seg[kSs].base = 0x7000;
    s.gpr[kRsp] = 0x1000;
    s.rip = 0;
    cpu.state_changed();
  }
  void flags(u32 set) {
    cpu.set_rflags(cpu.rflags() | set);
    cpu.state_changed();
  }
  void iopl(unsigned level) { flags(level << 12); }
  void cr4(u64 bits) {
    s.cr4 |= bits;
    cpu.state_changed();
  }
  /// Identity-mapped 4 KiB pages (present, writable, user) for the 2 MiB.
  void paging() {
    w32(kPages, (kPages + 0x1000) | 7);
    for (u32 n = 0; n < 512; ++n) w32(kPages + 0x1000 + n * 4, n << 12 | 7);
    s.cr3 = kPages;
    s.cr0 |= kCr0Pg;
    cpu.state_changed();
  }
  u32 pte_address(u32 linear) { return kPages + 0x1000 + (linear >> 12) * 4; }

  // --- running -------------------------------------------------------------------------------------------------------
  u64 code_address() const { return s.seg[kCs].base + s.rip; }
  /// Puts `hex` where the processor is and executes `steps` ticks.
  Stop run(std::string_view hex, unsigned steps = 1) {
    put(code_address(), hex);
    return step(steps);
  }
  Stop step(unsigned steps = 1) {
    Stop stop = Stop::Budget;
    for (unsigned n = 0; n < steps; ++n) stop = cpu.step();
    return stop;
  }
  u32 stack(unsigned n) { return r32(s.seg[kSs].base + s.gpr[kRsp] + n * 4); }

  /// The vector whose standard handler the processor stands in, or -1.
  int entered() const {
    const u64 at = s.seg[kCs].base + s.rip;
    return at >= kHandlers && at < kHandlers + 4096 && at % 16 == 0 ? static_cast<int>(at - kHandlers) / 16 : -1;
  }
};

/// The processor has just entered the handler of an exception with an error code.
#define EXPECT_FAULT(rig, number, code)      \
  do {                                       \
    EXPECT_EQ((rig).entered(), int{number}); \
    EXPECT_EQ((rig).stack(0), u32{code});    \
  } while (false)
/// The same for one without.
#define EXPECT_TRAPPED(rig, number) EXPECT_EQ((rig).entered(), int{number})

}  // namespace orrery::test
