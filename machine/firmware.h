// The ROM images of a machine: embedded ones, or files of the user's.
#pragma once

#include <string>
#include <vector>

#include "hw/core/types.h"
#include "machine/config.h"
#include "machine/journal.h"

namespace orrery::machine {

struct RomFile {
  std::string name;  // as fw_cfg and SeaBIOS name it, for example "bios-256k.bin"
  std::vector<u8> bytes;
};

/// Everything that is not on a drive. Throws ConfigError that names a file and the fix.
struct Firmware {
  /// Whole 64 KiB units, at most 16 MiB; ends at the top of 4 GiB and at 1 MiB.
  std::vector<u8> bios;
  /// For the display's expansion ROM (pc) or its place at C0000h (isapc); empty without display.
  std::vector<u8> vga_bios;
  /// -option-rom
  std::vector<RomFile> option_roms;
  std::vector<FileMark> marks;

  static Firmware load(const Config& config);
};

/// The bytes of a file. Throws ConfigError if it cannot be read, is no regular file, or is longer than `most`.
std::vector<u8> read_file(const std::string& path, u64 most);

}  // namespace orrery::machine
