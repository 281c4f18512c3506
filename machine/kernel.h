// -kernel: makes a Linux bzImage or a multiboot image ready for the option ROM that starts it
// (firmware/kernel_rom.asm).
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "hw/core/types.h"
#include "machine/config.h"

namespace orrery::machine {

/// fw_cfg items by key (hw::fw_cfg_key).
struct KernelItems {
  std::vector<std::pair<u16, std::vector<u8>>> items;
  std::vector<std::string> files;  // all that were read, for the journal
};

/// Reads Config::kernel and initrd. Throws ConfigError that names the file and the fix.
KernelItems load_kernel(const Config& config);

/// What `image` (the beginning of a file is enough: 32 KiB) can be started as.
enum class KernelKind : u8 { None, Linux, Multiboot };
KernelKind kernel_kind(std::span<const u8> image);

/// Sets the checksums of an option ROM and of its PnP header, if it has one.
void fix_option_rom(std::vector<u8>& rom);

/// The bytes of a file. Throws ConfigError if it cannot be read, is a directory, or is longer than `most`.
std::vector<u8> read_file(const std::string& path, u64 most);

}  // namespace orrery::machine
