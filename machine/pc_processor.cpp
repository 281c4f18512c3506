// The processor, its APICs, and who pulls which interrupt.
#include "machine/pc_parts.h"

#include <utility>

namespace orrery::machine {
namespace {

/// Throws ConfigError. A processor on a board without APICs does not have one either.
cpu::Model parse_cpu(const std::string& text, bool apic_board) {
  std::string error;
  const std::optional<cpu::Model> model =
      cpu::parse_model(text.empty() ? std::string(cpu::default_model_name()) : text, error);
  if (!model) throw ConfigError(error);
  cpu::Model result = *model;
  if (!apic_board) result.features.set(cpu::Feature::Apic, false);
  // Whoever uses the deadline mode fences with MFENCE without asking for SSE2.
  if (!result.has(cpu::Feature::Apic) || !result.has(cpu::Feature::Sse2)) {
    result.features.set(cpu::Feature::TscDeadline, false);
  }
  return result;
}

}  // namespace

void Pc::Parts::build_processor() {
  const cpu::Model model = parse_cpu(config.cpu, pci_board);
  cpu::Pins pins;
  pins.interrupt_acknowledge = [this] { return lapic ? lapic->acknowledge() : pic.acknowledge(); };
  pins.ferr = [this](bool level) { numeric_error.set_ferr(level); };
  if (model.has(cpu::Feature::Apic)) {
    pins.apic = {.set_base = [this](u64 msr) { lapic->set_base(msr); },
                 .tsc_deadline = [this] { return lapic->tsc_deadline(); },
                 .set_tsc_deadline = [this](u64 tsc) { lapic->set_tsc_deadline(tsc); },
                 .tsc_changed = [this] { lapic->tsc_changed(); },
                 .task_priority = [this] { return lapic->task_priority(); },
                 .set_task_priority = [this](u8 tpr) { lapic->set_task_priority(tpr); }};
  }
  cpu = std::make_unique<cpu::Cpu>(model, memory, ports, clock, log, std::move(pins));
  if (model.has(cpu::Feature::Apic)) {
    build_apics();
  } else {
    pic.intr().connect([this](bool level) { cpu->set_intr(level); });
    nmi.connect([this] { cpu->pulse_nmi(); });
  }
}

void Pc::Parts::build_apics() {
  lapic = std::make_unique<hw::LocalApic>(
      hw::LocalApic::Wiring{.memory = memory.mmio(),
                            .clock = clock,
                            .log = log,
                            .bus = apic_bus,
                            .tsc_deadline = cpu->model().has(cpu::Feature::TscDeadline),
                            .external_acknowledge = [this] { return pic.acknowledge(); },
                            .time_of_tsc = [this](u64 tsc) { return cpu->time_of_tsc(tsc); },
                            .init = [this] { want(&Requests::init, "APIC"); }});
  lapic->intr().connect([this](bool level) { cpu->set_intr(level); });
  lapic->nmi().connect([this] { cpu->pulse_nmi(); });
  pic.intr().connect([this](bool level) { lapic->set_lint(0, level); });
  nmi.connect([this] { lapic->pulse_lint1(); });
  // The ISA interrupts reach both controllers; interrupt 0 is on input 2 of the I/O APIC, as MADT and MP table tell.
  ioapic = std::make_unique<hw::IoApic>(memory.mmio(), log, apic_bus);
  for (unsigned n = 0; n < 16; ++n) {
    pic.input(n).connect([this, n](bool level) { ioapic->set_input(n == 0 ? 2 : n, level); });
  }
}

core::LevelLine& Pc::Parts::interrupt(unsigned n) {
  if (n < 16) return irq.output(n);
  while (ioapic_joins.size() <= n - 16) {
    const unsigned input = 16 + static_cast<unsigned>(ioapic_joins.size());
    core::LevelLine& pin = ioapic_pins.emplace_back();
    if (ioapic) pin.connect([this, input](bool level) { ioapic->set_input(input, level); });
    ioapic_joins.emplace_back(pin);
  }
  core::LevelLine& line = ioapic_wires.emplace_back();
  ioapic_joins[n - 16].add(line);
  return line;
}

void Pc::Parts::build_hpet() {
  hpet = std::make_unique<hw::Hpet>(memory.mmio(), clock, log,
                                    [this](unsigned n) -> core::LevelLine& { return interrupt(n); });
  hpet->legacy().connect([this](bool) { update_legacy_timers(); });
}

void Pc::Parts::update_legacy_timers() {
  const bool replaced = hpet && hpet->legacy().level();
  timer_wire.set(pit.out(0).level() && !replaced);
  clock_wire.set(rtc_irq.level() && !replaced);
}

void Pc::Parts::restore_wires() {
  const bool replaced = hpet && hpet->legacy().level();
  timer_wire.restore(pit.out(0).level() && !replaced);
  clock_wire.restore(rtc_irq.level() && !replaced);
  for (std::size_t n = 0; n < ioapic_pins.size(); ++n) ioapic_pins[n].restore(ioapic_joins[n].level());
}

}  // namespace orrery::machine
