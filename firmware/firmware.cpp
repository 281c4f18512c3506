#include "firmware/firmware.h"

#include <cstddef>

namespace orrery::firmware {
namespace detail {

extern const unsigned char seabios_image[];
extern const std::size_t seabios_image_size;
extern const unsigned char vga_pci_image[];
extern const std::size_t vga_pci_image_size;
extern const unsigned char vga_isa_image[];
extern const std::size_t vga_isa_image_size;
extern const unsigned char kernel_rom_image[];
extern const std::size_t kernel_rom_image_size;
extern const unsigned char dsdt_image[];
extern const std::size_t dsdt_image_size;

}  // namespace detail

std::span<const std::uint8_t> seabios() { return {detail::seabios_image, detail::seabios_image_size}; }
std::span<const std::uint8_t> vga_bios_pci() { return {detail::vga_pci_image, detail::vga_pci_image_size}; }
std::span<const std::uint8_t> vga_bios_isa() { return {detail::vga_isa_image, detail::vga_isa_image_size}; }
std::span<const std::uint8_t> kernel_rom() { return {detail::kernel_rom_image, detail::kernel_rom_image_size}; }
std::span<const std::uint8_t> dsdt() { return {detail::dsdt_image, detail::dsdt_image_size}; }

}  // namespace orrery::firmware
