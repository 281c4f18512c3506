// The parts of the board and the wires between them: for machine/pc*.cpp only, the files that know all chips.
//
// Each file sees to one subject: pc.cpp to the order of building, reset and archives; pc_processor.cpp to the processor
// and its interrupts; pc_chipset.cpp to memory, PCI and what accesses cost; pc_peripherals.cpp to drives, input,
// display and ports; pc_firmware.cpp to what firmware is told; pc_input.cpp to what comes from outside; pc_info.cpp to
// listings.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hw/ata_disk.h"
#include "hw/atapi_cdrom.h"
#include "hw/block/disk_geometry.h"
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
#include "machine/host.h"
#include "machine/media.h"
#include "machine/pc.h"

namespace orrery::machine {

/// Slots of the PCI bus. The south bridge's functions are bridge, IDE and power management.
inline constexpr unsigned kSouthBridgeSlot = 1;
inline constexpr unsigned kDisplaySlot = 2;

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

struct Pc::Parts {
  explicit Parts(Context context);

  // --- what the board is made of, in the order in which it is built --------------------------------------------------
  const Config& config;
  const Host& host;
  core::Clock& clock;
  core::Log& log;
  std::function<void(std::string_view)> report;
  std::function<void(FileMark)> mark;
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
  std::unique_ptr<cpu::Cpu> cpu;  // build_processor(); nothing above calls it while the board is being built
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
  std::array<std::optional<hw::DiskGeometry>, 4> disk_geometries;
  KeyFeeder keys;

  /// All chips but the processor, in the order of archives: what drives a line comes before what listens to it.
  std::vector<core::Device*> devices;

  // --- building ------------------------------------------------------------------------------------------------------
  void build_processor();
  void build_apics();
  /// A new output that pulls an ISA interrupt or one of the I/O APIC's further inputs.
  core::LevelLine& interrupt(unsigned n);
  void build_hpet();
  void map_memory();
  void copy_roms_to_ram();
  void build_media();
  void build_floppy();
  void build_pci();
  void build_input();
  void build_display();
  void build_ide();
  void build_serial();
  void time_ports();
  void build_debug_ports();
  void build_fw_cfg();
  void add_kernel();
  void fill_cmos();
  void list_devices();
  /// Null for an empty callback.
  Backend* backend(std::function<void(u8)> out);

  // --- running -------------------------------------------------------------------------------------------------------
  /// The run loop is to see to this before the next instruction.
  void want(bool Requests::* what, const char* source);
  void reset();
  void update_legacy_timers();
  /// After a load: wires whose level follows from what the chips at their ends have loaded.
  void restore_wires();
  void apply(const Input& input);
  void insert(const InsertMedium& input);
  void eject(const EjectMedium& input);
  void press_key(KeyUsage key, bool down);
  bool absolute() const { return vmport && vmport->absolute(); }
  /// Null if there is none.
  MediaBay* bay(DriveId id);

  std::string info_pci() const;
  std::string info_block() const;
  std::string info_tree();
};

}  // namespace orrery::machine
