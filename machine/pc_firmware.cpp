// What firmware is told: fw_cfg, the ACPI tables, a kernel, the CMOS.
#include "machine/pc_parts.h"

#include <fmt/format.h>

#include <algorithm>

#include "firmware/firmware.h"
#include "hw/acpi_tables.h"
#include "hw/kernel_image.h"
#include "machine/memory_map.h"

namespace orrery::machine {

void Pc::Parts::build_fw_cfg() {
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
  if (!config.kernel.empty()) add_kernel();
}

void Pc::Parts::add_kernel() {
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

void Pc::Parts::fill_cmos() {
  CmosFacts facts;
  facts.memory = config.memory;
  const u8 types = floppy->cmos_drive_types();
  facts.floppy_types = {static_cast<u8>(types >> 4), static_cast<u8>(types & 15)};
  facts.disks = disk_geometries;
  set_boot_devices(config.boot_order.empty() ? "cad" : config.boot_order, facts);
  machine::fill_cmos(facts, [this](u8 index, u8 value) { rtc.set_cmos(index, value); });
}

}  // namespace orrery::machine
