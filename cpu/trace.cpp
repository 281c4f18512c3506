// What the log channels in_asm, exec, cpu, fpu and cpu_reset show of the processor, in QEMU's order of things.
#include <string>

#include "cpu/code_cache.h"
#include "cpu/decoder.h"
#include "cpu/disassembler.h"
#include "cpu/engine.h"
#include "cpu/interpreter.h"

namespace orrery::cpu {

using core::Channel;

void Engine::trace_code(const Block& b, u64 rip) const {
  log(Channel::InAsm, "IN: {:04x}:{:08x} at {:08x}, {} instructions", s.seg[kCs].selector, rip, b.physical, b.count);
  const DecodeMode decoding = decode_mode(*this);
  for (const Insn& i : std::span(b.insns, b.count)) {
    std::string bytes;
    for (unsigned n = 0; n < i.length; ++n) {
      u64 physical = b.physical + i.offset + n;
      if (b.physical2 != ~u64{0} && ((physical ^ b.physical) & ~core::kPageMask) != 0) {
        physical = b.physical2 | (physical & core::kPageMask);
      }
      const core::GuestMemory::Page& page = memory.page(physical);
      bytes += page.read != nullptr ? fmt::format("{:02x}", page.read[physical & core::kPageMask]) : std::string("..");
    }
    const u64 at = (rip + i.offset) & rip_mask();
    log(Channel::InAsm, "0x{:08x}:  {:<22}  {}", at, bytes, disassemble(i, decoding, at));
  }
}

void Engine::trace_block(const Block& b) const {
  log(Channel::Exec, "Trace {}: [{:08x}/{:08x}/{:04x}] {} instructions", icount, s.seg[kCs].base, s.rip, mode, b.count);
  if (log.enabled(Channel::Cpu)) trace_registers(Channel::Cpu);
}

void Engine::trace_registers(Channel to) const {
  const auto r = [&](Gpr n) { return s.gpr[n]; };
  log(to, "EAX={:08x} EBX={:08x} ECX={:08x} EDX={:08x}", r(kRax), r(kRbx), r(kRcx), r(kRdx));
  log(to, "ESI={:08x} EDI={:08x} EBP={:08x} ESP={:08x}", r(kRsi), r(kRdi), r(kRbp), r(kRsp));
  log(to, "EIP={:08x} EFL={:08x} CPL={} A20={} HLT={}", s.rip, rflags(), s.cpl, s.a20 ? 1 : 0,
      s.activity == Activity::Halted ? 1 : 0);
  const auto segment = [&](std::string_view name, const Segment& g) {
    log(to, "{:<3}={:04x} {:08x} {:08x} {:04x}", name, g.selector, g.base, g.limit, g.attributes);
  };
  segment("ES", s.seg[kEs]);
  segment("CS", s.seg[kCs]);
  segment("SS", s.seg[kSs]);
  segment("DS", s.seg[kDs]);
  segment("FS", s.seg[kFs]);
  segment("GS", s.seg[kGs]);
  segment("LDT", s.ldtr);
  segment("TR", s.tr);
  log(to, "GDT=     {:08x} {:08x}", s.gdtr.base, s.gdtr.limit);
  log(to, "IDT=     {:08x} {:08x}", s.idtr.base, s.idtr.limit);
  log(to, "CR0={:08x} CR2={:08x} CR3={:08x} CR4={:08x}", s.cr0, s.cr2, s.cr3, s.cr4);
  if (!log.enabled(Channel::Fpu)) return;
  log(to, "FCW={:04x} FSW={:04x} FTW={:04x} MXCSR={:08x}", s.x87.control, s.x87.status, s.x87.tag, s.mxcsr);
  for (unsigned n = 0; n < 8; ++n) {
    log(to, "FPR{}={:04x}:{:016x} XMM{}={:016x}{:016x}", n, s.x87.r[n].sign_exponent, s.x87.r[n].significand, n,
        s.xmm[n].q[1], s.xmm[n].q[0]);
  }
}

}  // namespace orrery::cpu
