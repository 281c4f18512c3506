// The ACPI tables of the `pc` machine, in the form in which SeaBIOS takes them from fw_cfg.
//
// Advanced Configuration and Power Interface Specification 2.0 (tables), QEMU's docs/specs on the table loader. The
// tables are one block of bytes whose pointers are offsets; a list of commands tells the firmware where to put the
// block, which pointers to add its address to, and which checksums to compute afterwards.
#pragma once

#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "hw/core/types.h"

namespace orrery::hw {

struct AcpiOptions {
  std::span<const u8> dsdt;  // compiled firmware/dsdt.asl
  u32 pci_memory = 0;        // where memory for PCI devices begins below 4 GiB: the end of low RAM or higher

  // What is fitted, told to the guest by the DSDT.
  u8 serial_ports = 0x0f;  // bit n: COM(n+1)
  bool parallel = true;
  bool floppy = true;
  bool keyboard = true;

  // Processors and the APICs: without local_apic there is no MADT.
  bool local_apic = false;
  unsigned processors = 1;  // local APIC identifiers 0, 1, ...
  bool io_apic = false;     // at FEC00000h, 24 inputs, interrupt 0 on input 2
  bool hpet = false;        // at FED00000h

  // Ports and values; they are what SeaBIOS and hw/piix4_pm.h use.
  u16 pm_base = 0x600;
  u16 smi_command_port = 0xb2;
  u8 acpi_enable = 0xf1;
  u8 acpi_disable = 0xf0;
  u16 reset_port = 0xcf9;
  u8 reset_value = 0x06;
};

struct AcpiTables {
  static constexpr const char* kTablesFile = "etc/acpi/tables";
  static constexpr const char* kRsdpFile = "etc/acpi/rsdp";
  static constexpr const char* kLoaderFile = "etc/table-loader";

  std::vector<u8> tables;  // kTablesFile
  std::vector<u8> rsdp;    // kRsdpFile
  std::vector<u8> loader;  // kLoaderFile
};

/// Builds the tables. Throws std::logic_error if the DSDT is not the one that it should be.
AcpiTables build_acpi_tables(const AcpiOptions& options);

}  // namespace orrery::hw
