#include "machine/kernel.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "machine/memory_map.h"

namespace orrery::machine {
namespace {

using core::load_le;
using core::store_le;

// The keys of firmware/kernel_rom.asm; QEMU's names for them are in hw/fw_cfg.h.
constexpr u16 kKernelAddress = 0x07, kKernelSize = 0x08, kInitrdAddress = 0x0a, kInitrdSize = 0x0b, kKernelEntry = 0x10,
              kKernelData = 0x11, kInitrdData = 0x12, kCmdlineAddress = 0x13, kCmdlineSize = 0x14, kCmdlineData = 0x15,
              kSetupAddress = 0x16, kSetupSize = 0x17, kSetupData = 0x18;

// Firmware keeps its tables at the end of low RAM.
constexpr u64 kFirmwareTables = 0x100000;
constexpr u64 kPage = 4096;

std::vector<u8> dword(u64 value) {
  std::vector<u8> data(4);
  store_le<u32>(data.data(), static_cast<u32>(value));
  return data;
}

void put_block(KernelItems& out, u16 address_key, u16 size_key, u16 data_key, u64 address, std::vector<u8> data) {
  out.items.emplace_back(address_key, dword(address));
  out.items.emplace_back(size_key, dword(data.size()));
  out.items.emplace_back(data_key, std::move(data));
}

[[noreturn]] void too_small(const std::string& what, u64 needed) {
  throw ConfigError(fmt::format("{} does not fit into the machine's memory: give at least -m {}M", what,
                                (needed + kFirmwareTables + (1 << 20)) >> 20));
}

// --- Linux (Documentation/x86/boot, "The Linux/x86 Boot Protocol")
// ----------------------------------------------------

constexpr std::size_t kHdrS = 0x202;

KernelItems load_linux(const Config& config, std::vector<u8> image) {
  KernelItems out;
  const std::string& path = config.kernel;
  const unsigned protocol = load_le<u16>(&image[0x206]);
  const unsigned sectors = image[0x1f1] == 0 ? 4 : image[0x1f1];
  const std::size_t setup_size = std::size_t{512} * (sectors + 1);
  if (image.size() <= setup_size) throw ConfigError(fmt::format("{}: the kernel is cut off: fetch it again", path));

  std::vector<u8> cmdline(config.append.begin(), config.append.end());
  cmdline.push_back(0);
  const u64 most = protocol >= 0x206 ? load_le<u32>(&image[0x238]) : 255;
  if (cmdline.size() > most + 1) {
    throw ConfigError(
        fmt::format("-append: this kernel takes at most {} characters, not {}", most, cmdline.size() - 1));
  }

  // Up to protocol 2.01 or without the LOADED_HIGH flag the kernel goes below 1 MiB (zImage).
  const bool high = protocol >= 0x200 && (image[0x211] & 0x01) != 0;
  const u64 cmdline_area = (cmdline.size() + 15) & ~u64{15};
  const u64 setup_address = high ? 0x10000 : 0x90000;
  const u64 kernel_address = high ? 0x100000 : 0x10000;
  const u64 cmdline_address = (protocol >= 0x202 && high ? 0x20000 : 0x9a000) - cmdline_area;
  if (!high && image.size() - setup_size > 0x80000) {
    throw ConfigError(fmt::format("{}: a zImage of more than 512 KiB cannot be loaded", path));
  }
  if (setup_size > cmdline_address - setup_address)
    throw ConfigError(fmt::format("{}: its setup part is too long", path));

  std::vector<u8> setup(image.begin(), image.begin() + static_cast<std::ptrdiff_t>(setup_size));
  std::vector<u8> kernel(image.begin() + static_cast<std::ptrdiff_t>(setup_size), image.end());
  if (kernel_address + kernel.size() + kFirmwareTables > low_ram(config.memory)) {
    too_small(path, kernel_address + kernel.size());
  }
  if (protocol >= 0x200) setup[0x210] = 0xff;  // a loader without a number of its own
  if (protocol >= 0x201) {
    setup[0x211] |= 0x80;  // heap_end_ptr is valid
    store_le<u16>(&setup[0x224], static_cast<u16>(cmdline_address - setup_address - 0x200));
  }
  if (protocol >= 0x202) {
    store_le<u32>(&setup[0x228], static_cast<u32>(cmdline_address));
  } else {
    store_le<u16>(&setup[0x20], 0xa33f);
    store_le<u16>(&setup[0x22], static_cast<u16>(cmdline_address - setup_address));
  }

  if (!config.initrd.empty()) {
    if (config.initrd.size() > 1) throw ConfigError("-initrd: a Linux kernel takes one: join them with cat");
    if (protocol < 0x200) throw ConfigError(fmt::format("{}: so old a kernel takes no -initrd", path));
    std::vector<u8> initrd = read_file(config.initrd[0], u64{2} << 30);
    out.files.push_back(config.initrd[0]);
    const u64 limit = protocol >= 0x203 ? load_le<u32>(&image[0x22c]) : 0x37ffffff;
    const u64 end = std::min(limit + 1, low_ram(config.memory) - kFirmwareTables);
    const u64 kernel_end =
        kernel_address + std::max<u64>(kernel.size(), protocol >= 0x20a ? load_le<u32>(&image[0x260]) : 0);
    if (initrd.size() + kernel_end > end) too_small(config.initrd[0], kernel_end + initrd.size());
    const u64 address = (end - initrd.size()) & ~(kPage - 1);
    store_le<u32>(&setup[0x218], static_cast<u32>(address));
    store_le<u32>(&setup[0x21c], static_cast<u32>(initrd.size()));
    put_block(out, kInitrdAddress, kInitrdSize, kInitrdData, address, std::move(initrd));
  }
  put_block(out, kSetupAddress, kSetupSize, kSetupData, setup_address, std::move(setup));
  put_block(out, kKernelAddress, kKernelSize, kKernelData, kernel_address, std::move(kernel));
  put_block(out, kCmdlineAddress, kCmdlineSize, kCmdlineData, cmdline_address, std::move(cmdline));
  return out;
}

// --- multiboot (Multiboot Specification 0.6.96)
// -----------------------------------------------------------------------

constexpr u32 kMultibootMagic = 0x1badb002;
constexpr u64 kInformation = 0x9000;  // the information block; must end below 64 KiB
constexpr std::size_t kInformationSize = 88;

std::optional<std::size_t> find_multiboot(std::span<const u8> image) {
  const std::size_t end = std::min<std::size_t>(image.size(), 8192);
  for (std::size_t at = 0; at + 12 <= end; at += 4) {
    if (load_le<u32>(&image[at]) != kMultibootMagic) continue;
    if (load_le<u32>(&image[at]) + load_le<u32>(&image[at + 4]) + load_le<u32>(&image[at + 8]) == 0) return at;
  }
  return std::nullopt;
}

struct Loaded {
  u64 address = 0;
  u64 entry = 0;
  std::vector<u8> bytes;
};

struct Piece {
  u64 address;
  std::span<const u8> bytes;
  u64 size;  // in memory; what is not in bytes is zero
};

Loaded join(const Config& config, const std::vector<Piece>& pieces, u64 entry) {
  Loaded out;
  out.entry = entry;
  out.address = ~u64{0};
  u64 end = 0;
  for (const Piece& piece : pieces) {
    out.address = std::min(out.address, piece.address);
    end = std::max(end, piece.address + piece.size);
  }
  if (pieces.empty()) throw ConfigError(fmt::format("{}: nothing in it is to be loaded", config.kernel));
  if (out.address < 0x10000) {
    throw ConfigError(
        fmt::format("{}: it wants to be loaded at {:#x}, below 64 KiB: link it higher", config.kernel, out.address));
  }
  if (end + kFirmwareTables > low_ram(config.memory)) too_small(config.kernel, end);
  out.bytes.resize(end - out.address);
  for (const Piece& piece : pieces)
    std::ranges::copy(piece.bytes, out.bytes.begin() + static_cast<std::ptrdiff_t>(piece.address - out.address));
  return out;
}

// The address fields of the header (section 3.1.3).
Loaded place_by_header(const Config& config, std::span<const u8> image, std::size_t header) {
  if (header + 32 > image.size())
    throw ConfigError(fmt::format("{}: the kernel is cut off: fetch it again", config.kernel));
  const u64 header_address = load_le<u32>(&image[header + 12]);
  const u64 load = load_le<u32>(&image[header + 16]);
  const u64 load_end = load_le<u32>(&image[header + 20]);
  const u64 bss_end = load_le<u32>(&image[header + 24]);
  if (load > header_address || header_address - load > header) {
    throw ConfigError(fmt::format("{}: its multiboot header has wrong addresses", config.kernel));
  }
  std::span<const u8> bytes = image.subspan(header - (header_address - load));
  if (load_end != 0) {
    if (load_end < load || load_end - load > bytes.size())
      throw ConfigError(fmt::format("{}: the kernel is cut off: fetch it again", config.kernel));
    bytes = bytes.first(load_end - load);
  }
  const u64 size = std::max<u64>(bytes.size(), bss_end > load ? bss_end - load : 0);
  return join(config, {{load, bytes, size}}, load_le<u32>(&image[header + 28]));
}

Loaded place_elf(const Config& config, std::span<const u8> image) {
  const std::string& path = config.kernel;
  const auto cut_off = [&]() -> ConfigError {
    return ConfigError(fmt::format("{}: the kernel is cut off: fetch it again", path));
  };
  if (image.size() < 52 || std::memcmp(image.data(), "\177ELF", 4) != 0) {
    throw ConfigError(
        fmt::format("{}: a multiboot header without addresses, and no ELF file: it cannot be loaded", path));
  }
  if (image[4] != 1 || image[5] != 1) {
    throw ConfigError(fmt::format(
        "{}: multiboot kernels are 32-bit little-endian ELF files: convert it with objcopy -O elf32-i386", path));
  }
  u64 entry = load_le<u32>(&image[0x18]);
  const u64 table = load_le<u32>(&image[0x1c]);
  const u64 size = load_le<u16>(&image[0x2a]);
  const u64 count = load_le<u16>(&image[0x2c]);
  if (size < 32 || table + size * count > image.size()) throw cut_off();
  std::vector<Piece> pieces;
  bool translated = false;
  for (u64 n = 0; n < count; ++n) {
    const u8* p = &image[table + n * size];
    const u64 offset = load_le<u32>(p + 4), virtual_address = load_le<u32>(p + 8), address = load_le<u32>(p + 12);
    const u64 in_file = load_le<u32>(p + 16), in_memory = load_le<u32>(p + 20);
    if (load_le<u32>(p) != 1 || in_memory == 0) continue;  // PT_LOAD
    if (offset + in_file > image.size() || in_file > in_memory) throw cut_off();
    if (!translated && entry >= virtual_address && entry < virtual_address + in_memory) {
      entry = entry - virtual_address + address;
      translated = true;
    }
    pieces.push_back({address, image.subspan(offset, in_file), in_memory});
  }
  return join(config, pieces, entry);
}

KernelItems load_multiboot(const Config& config, const std::vector<u8>& image, std::size_t header) {
  const u32 flags = load_le<u32>(&image[header + 4]);
  if ((flags & 0xfff8) != 0) {
    throw ConfigError(
        fmt::format("{}: it asks for multiboot features that are not known (flags {:#x})", config.kernel, flags));
  }
  Loaded loaded = (flags & 0x10000) != 0 ? place_by_header(config, image, header) : place_elf(config, image);
  KernelItems out;

  // The information block, then the module list, then the strings.
  std::vector<u8> info(kInformationSize + 16 * config.initrd.size());
  auto text = [&](const std::string& s) {
    const u64 address = kInformation + info.size();
    info.insert(info.end(), s.begin(), s.end());
    info.push_back(0);
    return address;
  };
  auto put = [&](std::size_t at, u64 value) { store_le<u32>(&info[at], static_cast<u32>(value)); };
  u32 mbi_flags = 0x206;  // boot device, command line, boot loader name
  put(12, 0x8000ffff);
  put(16, text(config.append.empty() ? config.kernel : config.kernel + " " + config.append));
  put(64, text("Orrery"));
  u64 next = loaded.address + loaded.bytes.size();
  for (std::size_t n = 0; n < config.initrd.size(); ++n) {
    const std::string& what = config.initrd[n];
    const std::string path = what.substr(0, what.find(' '));
    const std::vector<u8> module = read_file(path, u64{2} << 30);
    out.files.push_back(path);
    next = (next + kPage - 1) & ~(kPage - 1);
    if (next + module.size() + kFirmwareTables > low_ram(config.memory)) too_small(path, next + module.size());
    loaded.bytes.resize(next - loaded.address);
    loaded.bytes.insert(loaded.bytes.end(), module.begin(), module.end());
    const std::size_t entry = kInformationSize + 16 * n;
    put(entry, next);
    put(entry + 4, next + module.size());
    put(entry + 8, text(what));
    next += module.size();
    mbi_flags |= 8;
  }
  if (!config.initrd.empty()) {
    put(20, config.initrd.size());
    put(24, kInformation + kInformationSize);
  }
  put(0, mbi_flags);
  if (kInformation + info.size() > 0x10000)
    throw ConfigError("-append, -initrd: the command lines are too long: give fewer modules");
  out.items.emplace_back(kKernelEntry, dword(loaded.entry));
  put_block(out, kKernelAddress, kKernelSize, kKernelData, loaded.address, std::move(loaded.bytes));
  put_block(out, kInitrdAddress, kInitrdSize, kInitrdData, kInformation, std::move(info));
  return out;
}

u8 sum(std::span<const u8> bytes) {
  u8 total = 0;
  for (const u8 byte : bytes) total = static_cast<u8>(total + byte);
  return total;
}

}  // namespace

KernelKind kernel_kind(std::span<const u8> image) {
  if (image.size() >= 0x268 && std::memcmp(&image[kHdrS], "HdrS", 4) == 0) return KernelKind::Linux;
  return find_multiboot(image) ? KernelKind::Multiboot : KernelKind::None;
}

KernelItems load_kernel(const Config& config) {
  std::vector<u8> image = read_file(config.kernel, u64{1} << 30);
  KernelItems out;
  switch (kernel_kind(image)) {
    case KernelKind::Linux: out = load_linux(config, std::move(image)); break;
    case KernelKind::Multiboot: out = load_multiboot(config, image, *find_multiboot(image)); break;
    case KernelKind::None:
      throw ConfigError(fmt::format(
          "{}: neither a Linux bzImage nor a multiboot kernel: give a disk image without -kernel", config.kernel));
  }
  out.files.insert(out.files.begin(), config.kernel);
  return out;
}

void fix_option_rom(std::vector<u8>& rom) {
  if (rom.size() < 0x1c) return;
  const std::size_t pnp = load_le<u16>(&rom[0x1a]);
  if (pnp >= 0x1c && pnp + 32 <= rom.size() && std::memcmp(&rom[pnp], "$PnP", 4) == 0) {
    const std::size_t length = std::min<std::size_t>(std::size_t{16} * rom[pnp + 5], rom.size() - pnp);
    rom[pnp + 9] = 0;
    rom[pnp + 9] = static_cast<u8>(-sum(std::span(rom).subspan(pnp, length)));
  }
  rom[6] = 0;
  rom[6] = static_cast<u8>(-sum(rom));
}

std::vector<u8> read_file(const std::string& path, u64 most) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) throw ConfigError(fmt::format("{}: {}", path, std::strerror(errno)));
  struct Closer {
    int fd;
    ~Closer() { close(fd); }
  } closer{fd};
  struct stat info {};
  if (fstat(fd, &info) != 0) throw ConfigError(fmt::format("{}: {}", path, std::strerror(errno)));
  if (!S_ISREG(info.st_mode)) throw ConfigError(fmt::format("{}: not a file: name a regular file", path));
  const u64 size = static_cast<u64>(info.st_size);
  if (size > most)
    throw ConfigError(fmt::format("{}: {} bytes are too many, at most {} can be used", path, size, most));
  std::vector<u8> bytes(size);
  u64 done = 0;
  while (done < size) {
    const ssize_t got = pread(fd, &bytes[done], size - done, static_cast<off_t>(done));
    if (got <= 0)
      throw ConfigError(fmt::format("{}: {}", path, got < 0 ? std::strerror(errno) : "the file became shorter"));
    done += static_cast<u64>(got);
  }
  return bytes;
}

}  // namespace orrery::machine
