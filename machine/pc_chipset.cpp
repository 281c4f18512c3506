// The memory map, the bridges of the PCI bus, and how long accesses to ports take.
#include "machine/pc_parts.h"

#include <algorithm>
#include <array>
#include <span>

#include "machine/memory_map.h"

namespace orrery::machine {
namespace {

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

}  // namespace

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
  south_bridge = std::make_unique<hw::Piix3>(*pci, kSouthBridgeSlot, log, [this](bool hard) {
    want(hard ? &Requests::hard_reset : &Requests::soft_reset, "port CF9h");
  });
  for (unsigned n = 0; n < 16; ++n) irq.add(n, south_bridge->irq(n));
  if (!config.acpi) return;
  irq.add(9, sci);
  power = std::make_unique<hw::Piix4Pm>(hw::Piix4Pm::Wiring{*pci, kSouthBridgeSlot, ports, clock, log, sci,
                                                            [this] { want(&Requests::power_off, "ACPI"); }});
}

}  // namespace orrery::machine
