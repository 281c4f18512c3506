#include "machine/pc.h"

#include <utility>

#include "machine/pc_parts.h"

namespace orrery::machine {

Pc::Parts::Parts(Context context)
    : config(context.config),
      host(context.host),
      clock(context.clock),
      log(context.log),
      report(std::move(context.report)),
      mark(std::move(context.mark)),
      pci_board(config.board == Board::Pc),
      roms(Firmware::load(config)),
      memory(config.memory, log),
      ports("I/O", log),
      pic(ports, log, pci_board ? hw::PicPair::Elcr::Present : hw::PicPair::Elcr::Absent),
      irq(pic),
      pit(ports, clock, log),
      timer_wire(irq.output(0)),
      clock_wire(irq.output(8)),
      rtc(ports, clock, log, rtc_irq, config.rtc_start.to_unix()),
      dma(ports, memory, log),
      keyboard(clock, log),
      mouse(clock, log),
      system_ports(ports, clock, log, pit.gate(2), pit.out(2), nmi, fast_reset),
      speaker(clock, pit.out(2), system_ports.speaker_enable()),
      numeric_error(ports, irq.output(13), [this] { cpu->ignore_numeric_error(); }),
      keys(
          clock, [this](KeyUsage key, bool down) { press_key(key, down); },
          [this] { return keyboard_controller->keyboard_drained(); }) {
  for (const FileMark& file : roms.marks) mark(file);
  build_processor();
  if (pci_board && config.hpet) build_hpet();
  if (config.pc_testdev) {
    testdev = std::make_unique<hw::PcTestdev>(ports, memory.mmio(),
                                              [this](unsigned n) -> core::LevelLine& { return interrupt(n); });
  }
  rtc.nmi_masked().connect([this](bool level) { system_ports.nmi_masked().set(level); });
  system_ports.a20().connect([this](bool level) { cpu->set_a20(level); });
  fast_reset.connect([this] { want(&Requests::soft_reset, "port 92h"); });
  pit.out(0).connect([this](bool) { update_legacy_timers(); });
  rtc_irq.connect([this](bool) { update_legacy_timers(); });

  time_ports();
  build_media();
  if (pci_board) build_pci();
  map_memory();
  build_input();
  build_display();
  build_floppy();
  build_ide();
  build_serial();
  build_debug_ports();
  build_fw_cfg();
  list_devices();
  fill_cmos();
  reset();
}

Backend* Pc::Parts::backend(std::function<void(u8)> out) {
  if (!out) return nullptr;
  return backends.emplace_back(std::make_unique<Backend>(std::move(out))).get();
}

void Pc::Parts::want(bool Requests::* what, const char* source) {
  requests.*what = true;
  requests.reset_source = source;
  cpu->request_stop();
}

void Pc::Parts::reset() {
  if (!pci_board) copy_roms_to_ram();
  for (core::Device* device : devices) device->reset();
  if (pci) pci->reset();
  cpu->reset();
  cpu->set_a20(system_ports.a20().level());
  requests = {};
}

void Pc::Parts::list_devices() {
  devices = {&rtc,         &system_ports, &numeric_error, &pit, &speaker, &keyboard, &mouse, keyboard_controller.get(),
             floppy.get(), ide.get()};
  if (vmport) devices.push_back(vmport.get());
  if (vga) devices.push_back(vga.get());
  for (const std::unique_ptr<hw::Uart16550>& uart : uarts) {
    if (uart) devices.push_back(uart.get());
  }
  if (parallel) devices.push_back(parallel.get());
  devices.push_back(debug_ports.get());
  devices.push_back(fw_cfg.get());
  if (pci_board) {
    if (power) devices.push_back(power.get());
    devices.push_back(south_bridge.get());
    devices.push_back(north_bridge.get());
  }
  devices.push_back(&dma);
  if (testdev) devices.push_back(testdev.get());
  if (hpet) devices.push_back(hpet.get());
  devices.push_back(&pic);
  if (ioapic) devices.push_back(ioapic.get());
  if (lapic) devices.push_back(lapic.get());
}

// --- the board as the machine sees it --------------------------------------------------------------------------------

Pc::Pc(Context context) {
  const bool exit = context.config.debug_exit.has_value();
  try {
    parts_ = std::make_unique<Parts>(std::move(context));
  } catch (const core::BusConflict& conflict) {
    // The only range whose place the user chooses.
    if (!exit) throw;
    throw ConfigError(fmt::format("{}: give isa-debug-exit another iobase, for example 0xf4", conflict.what()));
  }
}
Pc::~Pc() = default;

void Pc::reset() { parts_->reset(); }
void Pc::init_processor() {
  parts_->system_ports.set_a20(true);  // the first fetch is at the top of memory
  parts_->cpu->init();
  if (parts_->lapic) parts_->lapic->init();
}
u8 Pc::shutdown_code() const { return parts_->rtc.cmos(0x0f); }
Pc::Requests Pc::take_requests() { return std::exchange(parts_->requests, {}); }
void Pc::apply(const Input& input) { parts_->apply(input); }

void Pc::archive(core::Archive& ar) {
  for (const std::unique_ptr<MediaBay>& bay : parts_->bays) bay->archive(ar);
  for (core::Device* device : parts_->devices) device->archive(ar);
  if (parts_->pci) parts_->pci->archive(ar);
  parts_->keys.archive(ar);
  for (const std::unique_ptr<SerialFeeder>& feeder : parts_->serial_in) {
    if (feeder) feeder->archive(ar);
  }
  parts_->cpu->archive(ar);
  if (ar.loading()) parts_->restore_wires();
}

cpu::Cpu& Pc::cpu() { return *parts_->cpu; }
core::GuestMemory& Pc::memory() { return parts_->memory; }
core::PortBus& Pc::ports() { return parts_->ports; }
std::optional<u8> Pc::peek(u64 address) {
  const u64 offset = address - hw::VgaMemory::kWindowBase;
  if (!parts_->vga || offset >= hw::VgaMemory::kWindowSize) return std::nullopt;
  return parts_->vga->peek(static_cast<u32>(offset));
}
std::size_t Pc::typing_pending() const { return parts_->keys.waiting(); }
std::size_t Pc::serial_pending(unsigned port) const {
  return port < parts_->serial_in.size() && parts_->serial_in[port] ? parts_->serial_in[port]->waiting() : 0;
}
hw::Display* Pc::display() { return parts_->vga.get(); }
bool Pc::absolute_pointer() const { return parts_->absolute(); }
hw::Speaker& Pc::speaker() { return parts_->speaker; }
u8 Pc::keyboard_leds() const { return parts_->keyboard.leds(); }
bool Pc::drive_active(DriveId drive) const {
  if (drive.interface == Interface::Floppy) return parts_->floppy->motor_on(drive.index);
  const hw::AtaDrive* ide = drive.index < 4 ? parts_->ide->drive(drive.index / 2u, drive.index % 2u) : nullptr;
  return ide != nullptr && ide->active();
}
std::optional<Medium> Pc::medium(DriveId drive) const {
  const MediaBay* bay = parts_->bay(drive);
  return bay != nullptr ? bay->medium() : std::nullopt;
}

}  // namespace orrery::machine
