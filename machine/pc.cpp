#include "machine/pc.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>

#include "firmware/firmware.h"
#include "hw/acpi_tables.h"
#include "hw/ata_disk.h"
#include "hw/atapi_cdrom.h"
#include "hw/core/apic_bus.h"
#include "hw/core/char_backend.h"
#include "hw/core/line.h"
#include "hw/core/pci.h"
#include "hw/debug_ports.h"
#include "hw/dma8237.h"
#include "hw/floppy.h"
#include "hw/fw_cfg.h"
#include "hw/hpet.h"
#include "hw/i440fx.h"
#include "hw/ide.h"
#include "hw/ioapic.h"
#include "hw/kernel_image.h"
#include "hw/keyboard_controller.h"
#include "hw/lapic.h"
#include "hw/numeric_error.h"
#include "hw/parallel.h"
#include "hw/pc_testdev.h"
#include "hw/pic.h"
#include "hw/piix3.h"
#include "hw/piix4_pm.h"
#include "hw/pit.h"
#include "hw/ps2_keyboard.h"
#include "hw/ps2_mouse.h"
#include "hw/rtc.h"
#include "hw/speaker.h"
#include "hw/system_ports.h"
#include "hw/uart16550.h"
#include "hw/vga.h"
#include "hw/vmport.h"
#include "machine/feeders.h"
#include "machine/firmware.h"
#include "machine/machine.h"
#include "machine/media.h"
#include "machine/memory_map.h"

namespace orrery::machine {
namespace {

// The south bridge sits in slot 1: bridge, IDE, power management.
constexpr unsigned kSouthBridge = 1;
constexpr unsigned kDisplay = 2;
// Much software reads a floppy sector by sector and waits for a turn of the disk each time: nobody wants to wait with
// it.
constexpr u32 kFloppySpeedup = 100;

/// How long accesses to I/O ports take, in nanoseconds for each byte. Much software counts its accesses to know how
/// long it has waited for a device, or waits with accesses to port 80h.
struct PortTime {
  u64 first;
  u64 size;
  u16 ns_per_byte;
};
// An 8-bit cycle on the ISA bus has six clocks of 120 ns, and the way there costs some more. What no other device
// claims goes to this bus, too.
constexpr PortTime kIsaTime{0, 0x400, 1000};
// The ports of the emulator's own are not on any bus.
constexpr PortTime kDebugConsoleTime{0xe9, 1, 0};
// 82371SB, 3.4: only the data ports have the fast timing of PIO mode 4 (120 ns for 16 bits, ATA/ATAPI-4, 10.2.2); the
// other registers have mode 0's (600 ns). The adapter is on the PCI bus.
constexpr std::array kPciTimes{PortTime{0x1f0, 1, 60},   PortTime{0x1f1, 7, 600}, PortTime{0x3f6, 1, 600},
                               PortTime{0x170, 1, 60},   PortTime{0x171, 7, 600}, PortTime{0x376, 1, 600},
                               PortTime{0x3b0, 12, 250}, PortTime{0x3c0, 32, 250}};
// 16-bit cycles have three clocks.
constexpr std::array kIsaBoardTimes{PortTime{0x1f0, 1, 200}, PortTime{0x170, 1, 200}};

/// Hands a chip's bytes to one of the host's callbacks.
class Backend final : public core::CharBackend {
 public:
  explicit Backend(std::function<void(u8)> out) : out_(std::move(out)) {}
  void transmit(u8 byte) override {
    if (out_) out_(byte);
  }

 private:
  std::function<void(u8)> out_;
};

/// The sixteen interrupt wires of the ISA bus: any number of chips may pull one.
class InterruptWires {
 public:
  explicit InterruptWires(hw::PicPair& pic) {
    for (unsigned n = 0; n < 16; ++n) joins_.emplace_back(pic.input(n));
  }
  /// A new output that pulls wire `n`.
  core::LevelLine& output(unsigned n) {
    core::LevelLine& line = lines_.emplace_back();
    joins_[n].add(line);
    return line;
  }
  void add(unsigned n, core::LevelLine& line) { joins_[n].add(line); }

 private:
  std::deque<core::WiredOr> joins_;
  std::deque<core::LevelLine> lines_;
};

struct ComPort {
  const char* name;
  u64 base;
  unsigned irq;
};
constexpr std::array<ComPort, 4> kComPorts{
    {{"com1", 0x3f8, 4}, {"com2", 0x2f8, 3}, {"com3", 0x3e8, 4}, {"com4", 0x2e8, 3}}};

/// A processor on a board without APICs does not have one either.
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

struct Pc::Parts {
  explicit Parts(Context context);

  // --- what the board is made of, in the order in which it is built --------------------------------------------------
  const Config& config;
  const Host& host;
  core::Clock& clock;
  core::Log& log;
  std::function<void(std::string_view)> report;
  bool pci_board;

  Firmware roms;
  core::GuestMemory memory;
  core::PortBus ports;
  Requests requests;

  hw::PicPair pic;
  InterruptWires irq;
  hw::Pit pit;
  core::LevelLine& timer_wire;  // interrupt 0 as the 8254 drives it, unless the HPET replaces it
  core::LevelLine& clock_wire;  // interrupt 8 likewise, of the real-time clock
  core::LevelLine rtc_irq;
  hw::Rtc rtc;
  hw::DmaPair dma;
  hw::Ps2Keyboard keyboard;
  hw::Ps2Mouse mouse;
  core::EdgeLine nmi;
  core::EdgeLine keyboard_reset;
  core::EdgeLine fast_reset;
  hw::SystemPorts system_ports;
  hw::Speaker speaker;
  std::unique_ptr<cpu::Cpu> cpu;
  hw::NumericError numeric_error;

  // Of a `pc` whose processor has a local APIC.
  core::ApicBus apic_bus;
  std::unique_ptr<hw::LocalApic> lapic;
  std::unique_ptr<hw::IoApic> ioapic;
  // Inputs that are not ISA interrupts.
  std::deque<core::LevelLine> ioapic_pins;
  std::deque<core::WiredOr> ioapic_joins;
  std::deque<core::LevelLine> ioapic_wires;
  std::unique_ptr<hw::Hpet> hpet;
  std::unique_ptr<hw::PcTestdev> testdev;

  std::unique_ptr<core::PciBus> pci;
  std::unique_ptr<hw::I440fx> north_bridge;
  std::unique_ptr<hw::Piix3> south_bridge;
  std::unique_ptr<hw::Piix4Pm> power;
  core::LevelLine sci;

  std::vector<std::unique_ptr<Backend>> backends;
  std::array<std::unique_ptr<hw::Uart16550>, 4> uarts;
  std::array<std::unique_ptr<SerialFeeder>, 4> serial_in;
  std::unique_ptr<hw::ParallelPort> parallel;
  std::unique_ptr<hw::DebugPorts> debug_ports;
  std::unique_ptr<hw::FwCfg> fw_cfg;

  std::vector<std::unique_ptr<MediaBay>> bays;  // before the drives that look into them
  std::unique_ptr<hw::KeyboardController> keyboard_controller;
  std::unique_ptr<hw::VmPort> vmport;
  std::unique_ptr<hw::Vga> vga;
  std::unique_ptr<hw::FloppyController> floppy;
  std::unique_ptr<hw::IdeController> ide;
  std::array<hw::AtapiCdrom*, 4> cdroms{};
  KeyFeeder keys;

  /// All chips but the processor, in the order of archives: what drives a line comes before what listens to it.
  std::vector<core::Device*> devices;

  // --- building ------------------------------------------------------------------------------------------------------
  void build_apics();
  core::LevelLine& interrupt(unsigned n);
  void build_hpet();
  void map_memory();
  void copy_roms_to_ram();
  void build_media(const std::function<void(FileMark)>& mark);
  void build_floppy();
  void build_pci();
  void build_input();
  void build_display();
  void build_ide();
  void build_serial();
  void time_ports();
  void build_debug_ports();
  void build_fw_cfg(const std::function<void(FileMark)>& mark);
  void add_kernel(const std::function<void(FileMark)>& mark);
  void fill_cmos();
  void list_devices();
  Backend* backend(std::function<void(u8)> out);

  // --- running -------------------------------------------------------------------------------------------------------
  void want(bool Requests::* what, const char* source);
  void reset();
  void update_legacy_timers();
  void restore_wires();
  void apply(const Input& input);
  void press_key(KeyUsage key, bool down);
  bool absolute() const { return vmport && vmport->absolute(); }
  MediaBay* bay(DriveId id);

  std::string info_pci() const;
  std::string info_block() const;
  std::string info_tree();
};

Pc::Parts::Parts(Context context)
    : config(context.config),
      host(context.host),
      clock(context.clock),
      log(context.log),
      report(context.report),
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
  for (const FileMark& mark : roms.marks) context.mark(mark);

  cpu::Pins pins;
  pins.interrupt_acknowledge = [this] { return lapic ? lapic->acknowledge() : pic.acknowledge(); };
  pins.ferr = [this](bool level) { numeric_error.set_ferr(level); };
  const cpu::Model model = parse_cpu(config.cpu, pci_board);
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
  build_media(context.mark);
  if (pci_board) build_pci();
  map_memory();
  build_input();
  build_display();
  build_floppy();
  build_ide();
  build_serial();
  build_debug_ports();
  build_fw_cfg(context.mark);
  list_devices();
  fill_cmos();
  reset();
}

void Pc::Parts::time_ports() {
  const auto set = [this](const PortTime& t) { ports.set_access_time(t.first, t.size, t.ns_per_byte); };
  set(kIsaTime);
  set(kDebugConsoleTime);
  if (pci_board) {
    std::ranges::for_each(kPciTimes, set);
  } else {
    std::ranges::for_each(kIsaBoardTimes, set);
  }
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

// --- interrupts ------------------------------------------------------------------------------------------------------

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

/// A new output that pulls an ISA interrupt or one of the I/O APIC's further inputs.
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

/// After a load: wires whose level follows from what the chips at their ends have loaded.
void Pc::Parts::restore_wires() {
  const bool replaced = hpet && hpet->legacy().level();
  timer_wire.restore(pit.out(0).level() && !replaced);
  clock_wire.restore(rtc_irq.level() && !replaced);
  for (std::size_t n = 0; n < ioapic_pins.size(); ++n) ioapic_pins[n].restore(ioapic_joins[n].level());
}

// --- memory ----------------------------------------------------------------------------------------------------------

void Pc::Parts::map_memory() {
  const u64 low = low_ram(config.memory);
  memory.map_ram(0, kVideoWindow, 0);
  if (low > kOneMiB) memory.map_ram(kOneMiB, low - kOneMiB, kOneMiB);
  if (high_ram(config.memory) != 0) memory.map_ram(kFourGiB, high_ram(config.memory), low);
  memory.map_pages(kFourGiB - roms.bios.size(), roms.bios.size(), roms.bios.data(), nullptr);
  if (pci_board) return;  // the north bridge maps C0000-FFFFF

  // Without a chip that switches ROM and RAM, upper memory is RAM with copies of the ROMs, which firmware may write to.
  memory.map_ram(kUpperMemory, kOneMiB - kUpperMemory, kUpperMemory);
}

void Pc::Parts::copy_roms_to_ram() {
  constexpr u64 kBiosArea = 256 * 1024;
  const u64 size = std::min<u64>(kBiosArea, roms.bios.size());
  memory.write_block(kOneMiB - size, std::span(roms.bios).last(size));
}

// --- PCI -------------------------------------------------------------------------------------------------------------

void Pc::Parts::build_pci() {
  pci = std::make_unique<core::PciBus>(ports, log);
  const u64 low = low_ram(config.memory), high_end = kFourGiB + high_ram(config.memory);
  const u64 rom = kFourGiB - roms.bios.size();
  pci->set_memory_filter(
      [low, high_end, rom](u64 base, u64 size) { return (base >= low && base + size <= rom) || base >= high_end; });
  north_bridge = std::make_unique<hw::I440fx>(*pci, memory, roms.bios);
  south_bridge = std::make_unique<hw::Piix3>(*pci, kSouthBridge, log, [this](bool hard) {
    want(hard ? &Requests::hard_reset : &Requests::soft_reset, "port CF9h");
  });
  for (unsigned n = 0; n < 16; ++n) irq.add(n, south_bridge->irq(n));
  if (!config.acpi) return;
  irq.add(9, sci);
  power = std::make_unique<hw::Piix4Pm>(
      hw::Piix4Pm::Wiring{*pci, kSouthBridge, ports, clock, log, sci, [this] { want(&Requests::power_off, "ACPI"); }});
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

// --- what firmware is told -------------------------------------------------------------------------------------------

void Pc::Parts::build_fw_cfg(const std::function<void(FileMark)>& mark) {
  namespace key = hw::fw_cfg_key;
  fw_cfg = std::make_unique<hw::FwCfg>(ports, memory, log);
  fw_cfg->add_u64(key::kRamSize, low_ram(config.memory));
  fw_cfg->add_u16(key::kCpus, 1);
  fw_cfg->add_u16(key::kMaxCpus, 1);
  if (ioapic) fw_cfg->add_u32(key::kIrq0Override, 1);
  fw_cfg->add_u16(key::kNoGraphic, config.vga == Vga::None ? 1 : 0);
  fw_cfg->add_u16(key::kBootMenu, config.boot_menu ? 1 : 0);
  if (config.boot_menu) {
    std::vector<u8> wait(2);
    core::store_le<u16>(wait.data(), static_cast<u16>(std::min<u32>(config.boot_menu_timeout_ms, 0xffff)));
    fw_cfg->add_file("etc/boot-menu-wait", wait);
  }
  std::vector<hw::E820Entry> map;
  for (const E820Entry& entry : e820_map(config.memory)) map.push_back({entry.address, entry.size, entry.type});
  fw_cfg->add_e820(map);
  if (!pci_board && !roms.vga_bios.empty()) fw_cfg->add_file("vgaroms/vgabios-isavga.bin", roms.vga_bios);
  for (const RomFile& rom : roms.option_roms) fw_cfg->add_file("genroms/" + rom.name, rom.bytes);
  if (pci_board && config.acpi) {
    hw::AcpiOptions options;
    options.dsdt = firmware::dsdt();
    options.pci_memory = static_cast<u32>(low_ram(config.memory));
    options.serial_ports = 0;
    for (unsigned n = 0; n < uarts.size(); ++n) options.serial_ports |= static_cast<u8>(uarts[n] ? 1 << n : 0);
    options.parallel = parallel != nullptr;
    options.local_apic = lapic != nullptr;
    options.io_apic = ioapic != nullptr;
    options.hpet = hpet != nullptr;
    hw::AcpiTables tables = hw::build_acpi_tables(options);
    fw_cfg->add_file(hw::AcpiTables::kTablesFile, std::move(tables.tables));
    fw_cfg->add_file(hw::AcpiTables::kRsdpFile, std::move(tables.rsdp));
    fw_cfg->add_file(hw::AcpiTables::kLoaderFile, std::move(tables.loader));
  }
  if (!config.kernel.empty()) add_kernel(mark);
}

void Pc::Parts::add_kernel(const std::function<void(FileMark)>& mark) {
  constexpr u64 kMost = u64{2} << 30;
  auto read = [&](const std::string& path) {
    std::vector<u8> bytes = read_file(path, kMost);
    mark(FileMark::of_bytes(path, bytes));
    return bytes;
  };
  hw::KernelRequest request;
  request.kernel = read(config.kernel);
  request.name = config.kernel;
  request.command_line = config.append;
  request.low_ram = low_ram(config.memory);
  request.low_ram_limit = kLowRamEnd;
  // A multiboot module is a file with arguments behind it; a Linux initrd is a file.
  const bool multiboot = hw::kernel_kind(request.kernel) == hw::KernelKind::Multiboot;
  for (const std::string& what : config.initrd) {
    request.modules.push_back({read(multiboot ? what.substr(0, what.find(' ')) : what), what});
  }
  try {
    hw::KernelPlan plan = hw::plan_kernel(std::move(request));
    for (auto& [key, data] : plan.items) fw_cfg->add_item(key, std::move(data));
  } catch (const hw::KernelError& error) {
    throw ConfigError(fmt::format("'{}': {}", config.kernel, error.what()));
  }
  const std::span<const u8> rom = firmware::kernel_rom();
  fw_cfg->add_file(firmware::kKernelRomFile, {rom.begin(), rom.end()});
  fw_cfg->add_boot_order({firmware::kKernelRomBootPath});
}

// --- running ---------------------------------------------------------------------------------------------------------

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

void Pc::Parts::press_key(KeyUsage key, bool down) {
  if (const std::optional<core::Key> known = core::key_from_usage(key)) keyboard.press(*known, down);
}

MediaBay* Pc::Parts::bay(DriveId id) {
  for (const std::unique_ptr<MediaBay>& bay : bays) {
    if (bay->drive().id == id) return bay.get();
  }
  return nullptr;
}

void Pc::Parts::fill_cmos() {
  CmosFacts facts;
  facts.memory = config.memory;
  const u8 types = floppy->cmos_drive_types();
  facts.floppy_types = {static_cast<u8>(types >> 4), static_cast<u8>(types & 15)};
  set_boot_devices(config.boot_order.empty() ? "cad" : config.boot_order, facts);
  machine::fill_cmos(facts, [this](u8 index, u8 value) { rtc.set_cmos(index, value); });
}

// --- drives ----------------------------------------------------------------------------------------------------------

void Pc::Parts::build_media(const std::function<void(FileMark)>& mark) {
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
    pci->attach(kSouthBridge, 1, ide->pci());
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
  vga =
      pci_board ? std::make_unique<hw::Vga>(wiring, *pci, kDisplay, roms.vga_bios) : std::make_unique<hw::Vga>(wiring);
}

// --- the outside world -----------------------------------------------------------------------------------------------

namespace {

template <class... F> struct Overload : F... {
  using F::operator()...;
};

}  // namespace

void Pc::Parts::apply(const Input& input) {
  std::visit(Overload{
                 [&](const KeyInput& v) { keys.key(v); }, [&](const ReleaseKeys&) { keys.release_all(); },
                 [&](const MouseMotion& v) { mouse.move(v.dx, v.dy); },
                 [&](const PointerMotion& v) {
                   if (vmport) vmport->move_to(v.x, v.y);
                 },
                 [&](const MouseButtons& v) { absolute() ? vmport->set_buttons(v.down) : mouse.set_buttons(v.down); },
                 [&](const MouseWheel& v) { absolute() ? vmport->wheel(v.notches) : mouse.wheel(v.notches); },
                 [&](const SerialInput& v) {
                   if (v.port < serial_in.size() && serial_in[v.port]) serial_in[v.port]->add(v.bytes);
                 },
                 [&](const InsertMedium& v) {
                   MediaBay* where = bay(v.drive);
                   if (where == nullptr) return report(fmt::format("there is no drive {}", drive_name(v.drive)));
                   where->insert(v.medium);
                 },
                 [&](const EjectMedium& v) {
                   MediaBay* where = bay(v.drive);
                   if (where == nullptr) return report(fmt::format("there is no drive {}", drive_name(v.drive)));
                   // A locked door: the drive tells the guest that somebody would like the disc.
                   if (!v.force && v.drive.interface == Interface::Ide && cdroms[v.drive.index & 3] != nullptr &&
                       !cdroms[v.drive.index & 3]->press_eject()) {
                     return report(fmt::format("{} is locked by the guest: it has been asked", drive_name(v.drive)));
                   }
                   where->eject(v.force);
                 },
                 [&](const PowerButton&) {
                   if (power && power->press_power_button()) return;
                   report("the guest does not listen to the power button: shut it down from inside, or quit");
                 },
                 [&](const NmiButton&) {
                   if (!rtc.nmi_masked().level()) nmi.pulse();
                 },
                 [&](const MemoryWrite& v) { memory.write_block(v.address, v.bytes); },
                 [&](const PortWrite& v) {
                   if (v.width == 1 || v.width == 2 || v.width == 4) ports.write(v.port, v.width, v.value);
                 },
                 [&](const CpuWrite& v) {
                   try {
                     core::load_from_bytes(*cpu, v.archive);
                   } catch (const core::ArchiveError& error) {
                     report(fmt::format("the processor's state was not taken: {}", error.what()));
                   }
                 },
                 [](const RateChange&) {},   // the machine's own
                 [](const ResetButton&) {},  // the machine's own
                 [](const PortRead&) {},     // the machine's own
             },
             input);
}

// --- listings --------------------------------------------------------------------------------------------------------

std::string Pc::Parts::info_pci() const {
  if (!pci) return "no PCI bus on this board\n";
  std::string out;
  for (const core::PciBus::Place& place : pci->functions()) {
    const core::PciFunction& f = *place.what;
    out += fmt::format("00:{:02x}.{} {:04x}:{:04x} class {:06x} {}\n", place.slot, place.function, f.identity().vendor,
                       f.identity().device, f.identity().class_code, f.name());
    for (unsigned n = 0; n < 7; ++n) {
      if (f.bar_size(n) == 0) continue;
      const core::PciFunction::Range range = f.bar(n);
      out += fmt::format("    {} {}\n", n == 6 ? "ROM " : fmt::format("BAR{}", n),
                         range.enabled ? fmt::format("{:08x}-{:08x}", range.base, range.base + f.bar_size(n) - 1)
                                       : fmt::format("off, {} bytes", f.bar_size(n)));
    }
    if (f.identity().interrupt_pin != 0) {
      out += fmt::format("    INT{}# on interrupt {}\n", static_cast<char>('A' + f.identity().interrupt_pin - 1),
                         f.get8(0x3c));
    }
  }
  return out;
}

std::string Pc::Parts::info_block() const {
  std::string out;
  for (const std::unique_ptr<MediaBay>& bay : bays) {
    const Drive& drive = bay->drive();
    const char* kind = drive.id.interface == Interface::Floppy ? "floppy"
                       : drive.media == Media::Cdrom           ? "cdrom"
                                                               : "disk";
    out += fmt::format("{}: {}", drive_name(drive.id), kind);
    if (const std::optional<Medium>& medium = bay->medium()) {
      const hw::BlockDevice* device = bay->slot().medium();
      out += fmt::format(", {} ({} bytes{}{}{})", medium->path, device != nullptr ? device->size() : 0,
                         device != nullptr && device->read_only() ? ", read-only" : "",
                         medium->snapshot ? ", snapshot" : "", bay->slot().locked() ? ", locked" : "");
    } else {
      out += ", empty";
    }
    out += '\n';
  }
  return out;
}

std::string Pc::Parts::info_tree() {
  std::string out = "memory\n";
  // Runs of pages that are mapped alike.
  struct Run {
    u64 first;
    const char* kind;
  };
  auto kind_of = [&](u64 address) {
    const core::GuestMemory::Page& page = memory.page(address);
    return page.read == nullptr ? "" : page.write == nullptr ? "ROM" : "RAM";
  };
  auto list = [&](u64 begin, u64 end) {
    Run run{begin, kind_of(begin)};
    for (u64 at = begin + core::kPageSize;; at += core::kPageSize) {
      const char* kind = at < end ? kind_of(at) : nullptr;
      if (kind != nullptr && std::strcmp(kind, run.kind) == 0) continue;
      if (*run.kind != 0) out += fmt::format("  {:09x}-{:09x} {}\n", run.first, at - 1, run.kind);
      if (kind == nullptr) return;
      run = {at, kind};
    }
  };
  list(0, kFourGiB);
  if (high_ram(config.memory) != 0) list(kFourGiB, kFourGiB + high_ram(config.memory));
  for (const core::IoRange* range : memory.mmio().ranges()) {
    out += fmt::format("  {:09x}-{:09x} {}\n", range->base, range->base + range->size - 1, range->name);
  }
  out += "I/O\n";
  for (const core::IoRange* range : ports.ranges()) {
    out += fmt::format("  {:04x}-{:04x} {}\n", range->base, range->base + range->size - 1, range->name);
  }
  return out;
}

// --- the board as the machine sees it --------------------------------------------------------------------------------

Pc::Pc(Context context) : parts_(std::make_unique<Parts>(std::move(context))) {}
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

std::optional<std::string> Pc::info(std::string_view topic) {
  if (topic == "pic" || topic == "irq") return parts_->pic.info();
  if (topic == "lapic") return parts_->lapic ? parts_->lapic->info() : "this processor has no local APIC\n";
  if (topic == "ioapic") return parts_->ioapic ? parts_->ioapic->info() : "this board has no I/O APIC\n";
  if (topic == "pci") return parts_->info_pci();
  if (topic == "block") return parts_->info_block();
  if (topic == "mtree") return parts_->info_tree();
  return std::nullopt;
}

}  // namespace orrery::machine
