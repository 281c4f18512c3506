// Drives, keyboard, mouse, display, serial and parallel ports, and the ports of the emulator's own.
#include "machine/pc_parts.h"

#include <fmt/format.h>

namespace orrery::machine {
namespace {

// Much software reads a floppy sector by sector and waits for a turn of the disk each time: nobody wants to wait with
// it.
constexpr u32 kFloppySpeedup = 100;

struct ComPort {
  const char* name;
  u64 base;
  unsigned irq;
};
constexpr std::array<ComPort, 4> kComPorts{
    {{"com1", 0x3f8, 4}, {"com2", 0x2f8, 3}, {"com3", 0x3e8, 4}, {"com4", 0x2e8, 3}}};

}  // namespace

// --- drives ----------------------------------------------------------------------------------------------------------

void Pc::Parts::build_media() {
  for (const Drive& drive : config.drives) {
    if (drive.medium) mark(FileMark::of_file(drive.medium->path, drive.medium->path));
    MediaBay::Prepare prepare;
    if (drive.id.interface == Interface::Floppy) prepare = [](hw::BlockDevice& image) { hw::fit_floppy(image); };
    bays.push_back(std::make_unique<MediaBay>(drive, std::move(prepare), report));
  }
}

void Pc::Parts::build_floppy() {
  hw::FloppyConfig drives;
  drives.speedup = config.real_timing ? 1 : kFloppySpeedup;
  for (u8 n = 0; n < 2; ++n) {
    MediaBay* bay = this->bay({Interface::Floppy, n});
    if (bay == nullptr) continue;
    hw::FloppyDriveType type = hw::FloppyDriveType::Hd35;
    if (bay->slot().medium() != nullptr) type = hw::fit_floppy(*bay->slot().medium()).drive;
    drives.drives[n] = {type, &bay->slot()};
  }
  floppy = std::make_unique<hw::FloppyController>(ports, clock, log, irq.output(6), dma.channel(2), drives);
}

void Pc::Parts::build_ide() {
  core::LevelLine& irq14 = irq.output(14);
  core::LevelLine& irq15 = irq.output(15);
  if (pci_board) {
    ide = std::make_unique<hw::IdeController>(ports, memory, log, irq14, irq15);
    pci->attach(kSouthBridgeSlot, 1, ide->pci());
  } else {
    ide = std::make_unique<hw::IdeController>(ports, log, irq14, irq15);
  }
  for (u8 n = 0; n < 4; ++n) {
    MediaBay* bay = this->bay({Interface::Ide, n});
    if (bay == nullptr) continue;
    const std::string serial = fmt::format("OR{:05}", n + 1);
    std::unique_ptr<hw::AtaDrive> drive;
    if (bay->drive().media == Media::Cdrom) {
      auto cdrom = std::make_unique<hw::AtapiCdrom>(clock, log, drive_name(bay->drive().id), bay->slot(),
                                                    hw::AtaIdentity{"ORRERY CD-ROM", serial, "1.0"});
      cdroms[n] = cdrom.get();
      drive = std::move(cdrom);
    } else {
      hw::AtaDiskConfig disk;
      disk.identity.serial = serial;
      if (bay->slot().medium() != nullptr) {
        const hw::DiskGeometry geometry = hw::fit_disk(*bay->slot().medium());
        disk.cylinders = geometry.cylinders;
        disk.heads = geometry.heads;
        disk.sectors = geometry.sectors;
        disk_geometries[n] = geometry;
      }
      drive = std::make_unique<hw::AtaDisk>(clock, log, drive_name(bay->drive().id), bay->slot(), disk);
    }
    ide->attach(n / 2u, n % 2u, std::move(drive));
  }
}

// --- keyboard, mouse, display ----------------------------------------------------------------------------------------

void Pc::Parts::build_input() {
  keyboard_reset.connect([this] { want(&Requests::soft_reset, "keyboard controller"); });
  keyboard_controller = std::make_unique<hw::KeyboardController>(
      ports, clock, log, keyboard, &mouse, irq.output(1), irq.output(12),
      hw::KeyboardController::A20Gate{[this](bool enabled) { system_ports.set_a20(enabled); },
                                      [this] { return system_ports.a20().level(); }},
      keyboard_reset);
  if (!config.vmport) return;
  auto get = [this] {
    const std::array<u64, 17>& r = cpu->state().gpr;
    auto low = [&](cpu::Gpr n) { return static_cast<u32>(r[n]); };
    return hw::VmPort::Registers{low(cpu::kRax), low(cpu::kRbx), low(cpu::kRcx),
                                 low(cpu::kRdx), low(cpu::kRsi), low(cpu::kRdi)};
  };
  auto set = [this](const hw::VmPort::Registers& v) {
    std::array<u64, 17>& r = cpu->state().gpr;
    r[cpu::kRbx] = v.ebx;
    r[cpu::kRcx] = v.ecx;
    r[cpu::kRdx] = v.edx;
    r[cpu::kRsi] = v.esi;
    r[cpu::kRdi] = v.edi;
  };
  vmport = std::make_unique<hw::VmPort>(ports, log, get, set, [this] { mouse.nudge(); });
}

void Pc::Parts::build_display() {
  if (config.vga == Vga::None) return;
  const hw::VgaWiring wiring{ports, memory, clock, log};
  vga = pci_board ? std::make_unique<hw::Vga>(wiring, *pci, kDisplaySlot, roms.vga_bios)
                  : std::make_unique<hw::Vga>(wiring);
}

// --- serial, parallel and debug ports --------------------------------------------------------------------------------

void Pc::Parts::build_serial() {
  for (unsigned n = 0; n < uarts.size(); ++n) {
    if (!config.serial[n].present) continue;
    const ComPort& com = kComPorts[n];
    Backend* out = host.serial ? backend([this, n](u8 byte) { host.serial(n, byte); }) : nullptr;
    uarts[n] = std::make_unique<hw::Uart16550>(
        hw::Uart16550::Wiring{com.name, com.base, ports, clock, log, irq.output(com.irq), out, !config.real_timing});
    hw::Uart16550* uart = uarts[n].get();
    auto offer = [uart](u8 byte) {
      if (!uart->can_receive()) return false;
      uart->receive(byte);
      return true;
    };
    serial_in[n] = std::make_unique<SerialFeeder>(clock, fmt::format("{}_in", com.name), offer,
                                                  [uart] { return uart->character_ns(); });
  }
  if (config.parallel) {
    parallel = std::make_unique<hw::ParallelPort>(
        hw::ParallelPort::Wiring{"lpt1", 0x378, ports, clock, irq.output(7), backend(host.parallel)});
  }
}

void Pc::Parts::build_debug_ports() {
  hw::DebugPorts::Wiring wiring{.ports = ports, .log = log};
  wiring.console = config.debugcon;
  wiring.console_backend = backend(host.debugcon);
  wiring.firmware_log = config.firmware_log;
  if (config.debug_exit) wiring.exit = hw::DebugPorts::Exit{*config.debug_exit, config.debug_exit_size};
  wiring.on_exit = [this](u32 code) {
    requests.debug_exit = code;
    cpu->request_stop();
  };
  wiring.power_off = [this] { want(&Requests::power_off, "port"); };
  wiring.post_codes = false;
  debug_ports = std::make_unique<hw::DebugPorts>(std::move(wiring));
}

}  // namespace orrery::machine
