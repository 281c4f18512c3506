// The firmware that is built into the program, as bytes. See CMakeLists.txt beside this for where each comes from.
#pragma once

#include <cstdint>
#include <span>

namespace orrery::firmware {

/// SeaBIOS for QEMU's machines, 256 KiB; its last byte is at FFFFFFFFh, and its last 128 KiB also end at FFFFFh.
std::span<const std::uint8_t> seabios();

/// SeaBIOS's VGA BIOS for a PCI display with the Bochs interface: the display's expansion ROM.
std::span<const std::uint8_t> vga_bios_pci();

/// The same for a display on the ISA bus: given to SeaBIOS as the fw_cfg file "vgaroms/vgabios-isavga.bin".
std::span<const std::uint8_t> vga_bios_isa();

/// Our option ROM that boots what -kernel names (kernelboot.asm): the fw_cfg file kKernelRomFile.
std::span<const std::uint8_t> kernel_rom();

/// Its file name, and the line of "bootorder" that makes it the first choice.
inline constexpr const char* kKernelRomFile = "genroms/kernelboot.bin";
inline constexpr const char* kKernelRomBootPath = "/rom@genroms/kernelboot.bin";

/// The compiled ACPI definition block (dsdt.asl), for hw::AcpiTables.
std::span<const std::uint8_t> dsdt();

}  // namespace orrery::firmware
