#include "cpu/cpu.h"

#include "cpu/code_cache.h"
#include "cpu/engine.h"
#include "cpu/helpers/system_registers.h"

namespace orrery::cpu {
namespace {

void archive_segment(core::Archive& ar, std::string_view tag, Segment& g) {
  ar.section(tag, 1, [&](u32) {
    ar("selector", g.selector);
    ar("attributes", g.attributes);
    ar("limit", g.limit);
    ar("base", g.base);
  });
}

void archive_table(core::Archive& ar, std::string_view tag, TableRegister& t) {
  ar.section(tag, 1, [&](u32) {
    ar("base", t.base);
    ar("limit", t.limit);
  });
}

void archive_x87(core::Archive& ar, X87& x) {
  ar.section("x87", 1, [&](u32) {
    for (unsigned n = 0; n < 8; ++n) {
      ar("significand" + std::to_string(n), x.r[n].significand);
      ar("sign_exponent" + std::to_string(n), x.r[n].sign_exponent);
    }
    ar("control", x.control);
    ar("status", x.status);
    ar("tag", x.tag);
    ar("opcode", x.opcode);
    ar("cs", x.cs);
    ar("ds", x.ds);
    ar("ip", x.ip);
    ar("dp", x.dp);
  });
}

void archive_state(core::Archive& ar, State& s) {
  ar("gpr", s.gpr);
  ar("rip", s.rip);
  // The lazy flags have several representations of one value: the archive holds EFLAGS itself.
  u32 flags = s.eflags | arith_flags(s.flags);
  ar("eflags", flags);
  if (ar.loading()) {
    s.flags = lazy_from(flags);
    s.eflags = flags & ~kArithFlags;
  }
  for (unsigned n = 0; n < kSegCount; ++n)
    archive_segment(ar, std::array{"es", "cs", "ss", "ds", "fs", "gs"}[n], s.seg[n]);
  archive_segment(ar, "ldtr", s.ldtr);
  archive_segment(ar, "tr", s.tr);
  archive_table(ar, "gdtr", s.gdtr);
  archive_table(ar, "idtr", s.idtr);
  ar("cpl", s.cpl);
  ar("cr0", s.cr0);
  ar("cr2", s.cr2);
  ar("cr3", s.cr3);
  ar("cr4", s.cr4);
  ar("cr8", s.cr8);
  ar("efer", s.efer);
  ar("pdpte", s.pdpte);
  ar("dr", s.dr);
  archive_x87(ar, s.x87);
  ar.section("vector", 1, [&](u32) {
    for (unsigned n = 0; n < s.xmm.size(); ++n) ar(std::to_string(n), s.xmm[n].q);
  });
  ar("mxcsr", s.mxcsr);
  ar("xcr0", s.xcr0);
  ar("apic_base", s.apic_base);
  ar("sysenter_cs", s.sysenter_cs);
  ar("sysenter_esp", s.sysenter_esp);
  ar("sysenter_eip", s.sysenter_eip);
  ar("star", s.star);
  ar("lstar", s.lstar);
  ar("cstar", s.cstar);
  ar("sfmask", s.sfmask);
  ar("kernel_gs_base", s.kernel_gs_base);
  ar("tsc_aux", s.tsc_aux);
  ar("tsc_offset", s.tsc_offset);
  ar("pat", s.pat);
  ar("mtrr_def_type", s.mtrr_def_type);
  ar("mtrr_var", s.mtrr_var);
  ar("mtrr_fix", s.mtrr_fix);
  ar("mcg_status", s.mcg_status);
  ar("misc_enable", s.misc_enable);
  ar("microcode", s.microcode);
  ar("activity", s.activity);
  ar("interrupt_shadow_tick", s.interrupt_shadow_tick);
  ar("debug_shadow_tick", s.debug_shadow_tick);
  ar("nmi_blocked", s.nmi_blocked);
  ar("nmi_pending", s.nmi_pending);
  ar("intr", s.intr);
  ar("a20", s.a20);
  ar("ferr", s.ferr);
  ar("ignne", s.ignne);
  ar("pending_debug", s.pending_debug);
}

}  // namespace

Cpu::Cpu(const Model& model, core::GuestMemory& memory, core::PortBus& ports, core::Clock& clock, core::Log& log,
         Pins pins)
    : model_(model), engine_(std::make_unique<Engine>(model_, memory, ports, clock, log, std::move(pins))) {}

Cpu::~Cpu() = default;

State& Cpu::state() { return engine_->s; }
const State& Cpu::state() const { return engine_->s; }

void Cpu::reset() { engine_->init_reset(true); }
void Cpu::init() { engine_->init_reset(false); }

void Cpu::archive(core::Archive& ar) {
  ar.section("cpu", 1, [&](u32) { archive_state(ar, engine_->s); });
  if (ar.loading()) engine_->state_changed();
}

Stop Cpu::run(u64 until_tick) { return engine_->run(until_tick); }
Stop Cpu::step() { return engine_->run(engine_->clock.ticks() + 1); }

void Cpu::set_intr(bool level) { engine_->set_intr(level); }
void Cpu::ignore_numeric_error() { engine_->s.ignne = engine_->s.ferr; }
void Cpu::pulse_nmi() { engine_->pulse_nmi(); }
void Cpu::set_a20(bool enabled) {
  if (engine_->s.a20 == enabled) return;
  engine_->s.a20 = enabled;
  engine_->flush_tlb(true);
  engine_->attention();
}
bool Cpu::a20() const { return engine_->s.a20; }
u64 Cpu::time_of_tsc(u64 tsc) const { return helpers::time_of_tsc(*engine_, tsc); }
void Cpu::request_stop() { engine_->request_stop(); }

u64 Cpu::rflags() const { return engine_->rflags(); }
void Cpu::set_rflags(u64 value) { engine_->set_rflags(value); }
void Cpu::state_changed() { engine_->state_changed(); }

bool Cpu::translate(u64 linear, u64& physical) const { return engine_->translate_quietly(linear, physical); }

void Cpu::set_debug_points(std::vector<DebugPoint> points) { engine_->set_debug_points(std::move(points)); }
std::span<const DebugPoint> Cpu::debug_points() const { return engine_->debug_points().all(); }
void Cpu::pass_debug_point() { engine_->pass_debug_point(); }
const DebugHit& Cpu::debug_hit() const { return engine_->debug_hit(); }
u64 Cpu::interrupts_taken() const { return engine_->interrupts_taken(); }

}  // namespace orrery::cpu
