#include "machine/firmware.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <span>

#include "firmware/firmware.h"

namespace orrery::machine {
namespace {

constexpr u64 kBiosUnit = 64 * 1024;
constexpr u64 kMostBios = 16 << 20;
constexpr u64 kMostRom = 128 * 1024;

bool exists(const std::string& path) {
  struct stat info{};
  return stat(path.c_str(), &info) == 0;
}

/// The first of the -L folders that has one of the names.
std::optional<std::string> find(const Config& config, std::initializer_list<const char*> names) {
  for (const std::string& folder : config.firmware_dirs) {
    for (const char* name : names) {
      if (std::string path = folder + "/" + name; exists(path)) return path;
    }
  }
  return std::nullopt;
}

}  // namespace

Firmware Firmware::load(const Config& config) {
  Firmware out;
  auto from_file = [&](const std::string& path, u64 most) {
    std::vector<u8> bytes = read_file(path, most);
    out.marks.push_back(FileMark::of_bytes(path, bytes));
    return bytes;
  };
  auto embedded = [&](const char* role, std::span<const u8> bytes) {
    out.marks.push_back(FileMark::of_bytes(role, bytes));
    return std::vector<u8>(bytes.begin(), bytes.end());
  };

  std::optional<std::string> bios;
  if (!config.bios.empty()) {
    // As QEMU: a name without a folder is looked for in the -L folders too.
    bios = exists(config.bios) ? config.bios : find(config, {config.bios.c_str()}).value_or(config.bios);
  } else {
    bios = find(config, {"bios-256k.bin", "bios.bin"});
  }
  out.bios = bios ? from_file(*bios, kMostBios) : embedded("bios", firmware::seabios());
  if (out.bios.empty() || out.bios.size() % kBiosUnit != 0) {
    throw ConfigError(
        fmt::format("{}: a BIOS image has a multiple of 64 KiB, this one has {} bytes: give another with -bios",
                    bios.value_or("bios"), out.bios.size()));
  }

  if (config.vga != Vga::None) {
    const bool pci = config.board == Board::Pc;
    const std::optional<std::string> path = find(config, {pci ? "vgabios-stdvga.bin" : "vgabios-isavga.bin"});
    out.vga_bios = path  ? from_file(*path, kMostRom)
                   : pci ? embedded("vgabios", firmware::vga_bios_pci())
                         : embedded("vgabios", firmware::vga_bios_isa());
  }
  for (const std::string& path : config.option_roms) {
    RomFile rom{path.substr(path.rfind('/') + 1), from_file(path, kMostRom)};
    if (rom.bytes.size() < 512 || rom.bytes[0] != 0x55 || rom.bytes[1] != 0xaa) {
      throw ConfigError(fmt::format("{}: not an option ROM (it does not begin with 55 AA)", path));
    }
    out.option_roms.push_back(std::move(rom));
  }
  return out;
}

std::vector<u8> read_file(const std::string& path, u64 most) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) throw ConfigError(fmt::format("{}: {}", path, std::strerror(errno)));
  struct Closer {
    int fd;
    ~Closer() { close(fd); }
  } closer{fd};
  struct stat info{};
  if (fstat(fd, &info) != 0) throw ConfigError(fmt::format("{}: {}", path, std::strerror(errno)));
  if (!S_ISREG(info.st_mode)) throw ConfigError(fmt::format("{}: not a file: name a regular file", path));
  const u64 size = static_cast<u64>(info.st_size);
  if (size > most)
    throw ConfigError(fmt::format("{}: {} bytes are too many, at most {} can be used", path, size, most));
  std::vector<u8> bytes(size);
  u64 done = 0;
  while (done < size) {
    const ssize_t got = pread(fd, &bytes[done], size - done, static_cast<off_t>(done));
    if (got <= 0) {
      throw ConfigError(fmt::format("{}: {}", path, got < 0 ? std::strerror(errno) : "the file became shorter"));
    }
    done += static_cast<u64>(got);
  }
  return bytes;
}

}  // namespace orrery::machine
