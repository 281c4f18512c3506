#include "frontend/image_detect.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "frontend/foreign_format.h"
#include "frontend/usage_error.h"

namespace orrery::frontend {
namespace {

using core::load_le;

constexpr u64 kSector = 512;
constexpr u64 kLargestFloppy = 2880 * 1024;

/// A file that is there, readable and not empty.
class Reader {
 public:
  /// `who` begins the messages: the file's name in quotes.
  Reader(const std::string& path, const std::string& who) : who_(who) {
    struct stat info{};
    if (::stat(path.c_str(), &info) != 0) {
      if (errno == ENOENT || errno == ENOTDIR)
        usage_error("{}: there is no such file: check the name and the folder", who);
      if (errno == EACCES) usage_error("{}: permission denied for a folder above it: check its permissions", who);
      usage_error("{}: {}: check the name", who, std::strerror(errno));
    }
    if (S_ISDIR(info.st_mode)) {
      usage_error("{}: a directory: give an image file in it, or make an image of it (mkisofs, mtools)", who);
    }
    if (!S_ISREG(info.st_mode) && !S_ISBLK(info.st_mode)) {
      usage_error("{}: neither a file nor a block device: give an image file", who);
    }
    fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd_ < 0) {
      if (errno == EACCES || errno == EPERM) {
        usage_error("{}: permission denied: allow reading it with chmod u+r, or run as a user who may", who);
      }
      usage_error("{}: {}: check the file", who, std::strerror(errno));
    }
    const off_t end = S_ISBLK(info.st_mode) ? ::lseek(fd_, 0, SEEK_END) : info.st_size;
    size_ = end > 0 ? static_cast<u64>(end) : 0;
    if (size_ == 0) {
      ::close(fd_);
      usage_error("{}: empty: get it again, or give it a size first (truncate -s 100M FILE)", who);
    }
  }
  ~Reader() { ::close(fd_); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  u64 size() const { return size_; }
  const std::string& who() const { return who_; }

  /// Up to `length` bytes at `offset`; zeros beyond the end.
  std::vector<u8> read(u64 offset, std::size_t length) const {
    std::vector<u8> bytes(length);
    std::size_t done = 0;
    while (done < length) {
      const ssize_t n = ::pread(fd_, bytes.data() + done, length - done, static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) usage_error("{}: cannot be read: {}", who_, std::strerror(errno));
      if (n == 0) break;
      done += static_cast<std::size_t>(n);
    }
    return bytes;
  }

 private:
  std::string who_;
  int fd_ = -1;
  u64 size_ = 0;
};

std::string quoted(const std::string& path) { return "'" + path + "'"; }

bool has_at(std::span<const u8> bytes, std::size_t offset, std::string_view text) {
  return offset + text.size() <= bytes.size() && std::memcmp(bytes.data() + offset, text.data(), text.size()) == 0;
}

std::string size_text(u64 bytes) {
  if (bytes < 1024) return fmt::format("{} bytes", bytes);
  if (bytes < 1024 * 1024) return fmt::format("{:.1f} KiB", static_cast<double>(bytes) / 1024);
  if (bytes < u64{1024} * 1024 * 1024) return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1024 * 1024));
  return fmt::format("{:.1f} GiB", static_cast<double>(bytes) / (1024.0 * 1024 * 1024));
}

struct FloppySize {
  u64 kib;
  std::string_view name;
};
constexpr FloppySize kFloppySizes[] = {{160, "160 KB"},   {180, "180 KB"},  {320, "320 KB"},   {360, "360 KB"},
                                       {640, "640 KB"},   {720, "720 KB"},  {1200, "1.2 MB"},  {1280, "1.28 MB"},
                                       {1440, "1.44 MB"}, {1600, "1.6 MB"}, {1680, "1.68 MB"}, {1722, "1.72 MB"},
                                       {1743, "1.74 MB"}, {2880, "2.88 MB"}};

const FloppySize* floppy_size(u64 bytes) {
  const auto* found = std::ranges::find_if(kFloppySizes, [&](const FloppySize& f) { return f.kib * 1024 == bytes; });
  return found != std::end(kFloppySizes) ? found : nullptr;
}

/// The bytes that a FAT boot sector says the volume has; nothing if it is none that makes sense.
std::optional<u64> fat_volume_size(std::span<const u8> sector) {
  const u16 bytes_per_sector = load_le<u16>(&sector[0x0b]);
  const u8 sectors_per_cluster = sector[0x0d];
  const u16 reserved = load_le<u16>(&sector[0x0e]);
  const u8 fats = sector[0x10];
  const u16 small_total = load_le<u16>(&sector[0x13]);
  const u8 media = sector[0x15];
  const u16 per_track = load_le<u16>(&sector[0x18]);
  const u16 heads = load_le<u16>(&sector[0x1a]);
  const bool jump = sector[0] == 0xeb || sector[0] == 0xe9;
  const bool cluster = sectors_per_cluster != 0 && (sectors_per_cluster & (sectors_per_cluster - 1)) == 0;
  if (!jump || bytes_per_sector != kSector || !cluster || reserved == 0 || fats < 1 || fats > 2 || media < 0xf0 ||
      per_track == 0 || per_track > 63 || heads == 0 || heads > 255) {
    return std::nullopt;
  }
  const u64 total = small_total != 0 ? small_total : load_le<u32>(&sector[0x20]);
  if (total == 0) return std::nullopt;
  return total * kSector;
}

struct Partitions {
  unsigned count = 0;
  bool gpt = false;
  bool active = false;
  u64 end = 0;  // bytes: where the last one ends
};

/// The partition table in the first sector, if it is one.
std::optional<Partitions> partitions(std::span<const u8> head, u64 size) {
  if (!has_at(head, 510, "\x55\xaa")) return std::nullopt;
  Partitions result;
  if (has_at(head, kSector, "EFI PART")) {
    result.gpt = true;
    // The backup header is in the last sector; a number that no disk has must not wrap to a small size.
    constexpr u64 kMostSectors = u64{1} << 52;
    result.end = (std::min(load_le<u64>(&head[kSector + 0x20]), kMostSectors) + 1) * kSector;
    const u32 entries = std::min<u32>(load_le<u32>(&head[kSector + 0x50]), 128);
    const u32 stride = load_le<u32>(&head[kSector + 0x54]);
    for (u32 i = 0; i < entries && stride == 128 && 2 * kSector + (i + 1) * stride <= head.size(); ++i) {
      const u8* entry = &head[2 * kSector + i * stride];
      if (std::any_of(entry, entry + 16, [](u8 b) { return b != 0; })) ++result.count;
    }
    return result;
  }
  for (std::size_t i = 0; i < 4; ++i) {
    const u8* entry = &head[0x1be + 16 * i];
    const u64 start = load_le<u32>(entry + 8) * kSector;
    const u64 length = load_le<u32>(entry + 12) * kSector;
    if (entry[0] != 0 && entry[0] != 0x80) return std::nullopt;
    if (entry[4] == 0) continue;
    if (start == 0 || length == 0 || start >= size) return std::nullopt;
    ++result.count;
    result.active = result.active || entry[0] == 0x80;
    result.end = std::max(result.end, start + length);
  }
  if (result.count == 0) return std::nullopt;
  return result;
}

[[noreturn]] void truncated(const Reader& file, u64 wanted, std::string_view says) {
  usage_error("{}: cut short: {} {}, the file has {}: get the whole image, or take it as it is with format=raw",
              file.who(), says, size_text(wanted), size_text(file.size()));
}

[[noreturn]] void truncated_kernel(const Reader& file, u64 wanted) {
  usage_error("{}: cut short: the kernel's header describes {}, the file has {}: get it again", file.who(),
              size_text(wanted), size_text(file.size()));
}

/// What the table or the boot sector promises must be in the file.
void check_complete(const Reader& file, std::span<const u8> head) {
  constexpr u64 kCylinder = 255 * 63 * kSector;  // images may leave a started cylinder out
  if (const auto table = partitions(head, file.size()); table && !floppy_size(file.size())) {
    if (table->end > file.size() + kCylinder) truncated(file, table->end, "its partitions reach to");
    return;
  }
  const auto volume = fat_volume_size(head);
  if (has_at(head, 510, "\x55\xaa") && volume && *volume > file.size() && *volume <= kLargestFloppy) {
    truncated(file, *volume, "its boot sector describes");
  }
}

/// ISO 9660, section 6.2 and 8.4: volume descriptors from sector 16 of 2048 bytes.
std::optional<ImageInfo> detect_cdrom(const Reader& file) {
  std::optional<ImageInfo> info;
  for (u64 sector = 16; sector < 32; ++sector) {
    const std::vector<u8> descriptor = file.read(sector * 2048, 2048);
    if (has_at(descriptor, 1, "BEA01") && !info) info = ImageInfo{ImageKind::Cdrom, file.size(), "UDF image"};
    if (!has_at(descriptor, 1, "CD001")) break;
    if (descriptor[0] == 255) break;
    if (descriptor[0] == 1) {
      const u64 blocks = load_le<u32>(&descriptor[80]);
      const u64 block = load_le<u16>(&descriptor[128]);
      const u64 volume = blocks * (block != 0 ? block : 2048);
      if (volume > file.size() + u64{300} * 2048) truncated(file, volume, "its volume has");
      std::string name(reinterpret_cast<const char*>(&descriptor[40]), 32);
      name.erase(std::min(name.find_last_not_of(" \0", std::string::npos, 2) + 1, name.size()));
      std::erase_if(name, [](char c) { return c < 0x20 || c > 0x7e; });
      info = ImageInfo{ImageKind::Cdrom, file.size(), "CD-ROM, ISO 9660"};
      if (!name.empty()) info->what += " \"" + name + "\"";
    }
    if (descriptor[0] == 0 && has_at(descriptor, 7, "EL TORITO SPECIFICATION") && info) info->what += ", bootable";
  }
  if (info) info->what += fmt::format(", {}", size_text(file.size()));
  return info;
}

/// The Linux boot protocol: "HdrS" and 55AA in the first sector and the one after it.
std::optional<ImageInfo> detect_linux(const Reader& file, std::span<const u8> head) {
  if (!has_at(head, 0x202, "HdrS") || !has_at(head, 0x1fe, "\x55\xaa")) return std::nullopt;
  const u16 version = load_le<u16>(&head[0x206]);
  const u64 setup = head[0x1f1] != 0 ? head[0x1f1] : 4;
  u64 paragraphs = load_le<u32>(&head[0x1f4]);
  if (version < 0x204) paragraphs &= 0xffff;
  const u64 wanted = (setup + 1) * kSector + paragraphs * 16;
  // The last paragraph need not be full.
  if (file.size() + 16 < wanted) truncated_kernel(file, wanted);
  return ImageInfo{ImageKind::LinuxKernel, file.size(),
                   fmt::format("Linux kernel (bzImage, boot protocol {}.{:02})", version >> 8, version & 0xff)};
}

enum class Multiboot : u8 { None, One, Two };

Multiboot multiboot(std::span<const u8> head) {
  for (std::size_t at = 0; at + 12 <= std::min<std::size_t>(head.size(), 8192); at += 4) {
    const u32 magic = load_le<u32>(&head[at]);
    if (magic == 0x1badb002 && magic + load_le<u32>(&head[at + 4]) + load_le<u32>(&head[at + 8]) == 0) {
      return Multiboot::One;
    }
  }
  for (std::size_t at = 0; at + 16 <= head.size(); at += 8) {
    if (load_le<u32>(&head[at]) == 0xe85250d6 &&
        0xe85250d6u + load_le<u32>(&head[at + 4]) + load_le<u32>(&head[at + 8]) + load_le<u32>(&head[at + 12]) == 0) {
      return Multiboot::Two;
    }
  }
  return Multiboot::None;
}

std::optional<ImageInfo> detect_multiboot(const Reader& file, std::span<const u8> head) {
  const bool elf = has_at(head, 0,
                          "\x7f"
                          "ELF");
  switch (multiboot(head)) {
    case Multiboot::One:
      return ImageInfo{ImageKind::MultibootKernel, file.size(),
                       elf ? "multiboot kernel (ELF)" : "multiboot kernel (flat)"};
    case Multiboot::Two:
      usage_error("{}: a multiboot 2 kernel, which needs a boot loader: put it on a CD with grub-mkrescue", file.who());
    case Multiboot::None: break;
  }
  if (elf) {
    usage_error("{}: an ELF file without a multiboot header, which no PC boots: give a bzImage or a disk image",
                file.who());
  }
  return std::nullopt;
}

ImageInfo floppy_info(const Reader& file, std::span<const u8> head, bool also_cdrom = false) {
  const bool bootable = has_at(head, 510, "\x55\xaa");
  const FloppySize* standard = floppy_size(file.size());
  std::string what = standard != nullptr ? fmt::format("{} floppy", standard->name)
                                         : fmt::format("boot floppy of {}", size_text(file.size()));
  if (file.size() == kSector) what = "boot sector, 512 bytes";
  if (also_cdrom) what += " because of its name (it is a CD-ROM image, too)";
  if (!bootable) what += " (not bootable)";
  return {ImageKind::Floppy, file.size(), what};
}

ImageInfo disk_info(const Reader& file, std::span<const u8> head) {
  std::string what = fmt::format("hard disk, {}", size_text(file.size()));
  if (const auto table = partitions(head, file.size())) {
    what +=
        fmt::format(", {} with {} partition{}", table->gpt ? "GPT" : "MBR", table->count, table->count == 1 ? "" : "s");
  } else if (!has_at(head, 510, "\x55\xaa")) {
    what += ", nothing to boot on it";
  }
  return {ImageKind::Disk, file.size(), what};
}

void refuse_foreign(const Reader& file, std::span<const u8> head) {
  const std::vector<u8> tail = file.size() >= kSector ? file.read(file.size() - kSector, kSector) : std::vector<u8>();
  if (const auto foreign = foreign_format(head, tail))
    usage_error("{}: {}: {}", file.who(), foreign->name, foreign->fix);
}

/// A file that is a CD and fits on a floppy with a boot sector (grub-mkrescue makes such) has only its name to tell
/// which of the two its owner means.
bool named_as_floppy(const std::string& path) {
  static constexpr std::string_view kEndings[] = {".img", ".ima", ".flp", ".fdd", ".vfd", ".dsk"};
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::any_of(kEndings, [&](std::string_view ending) {
    return path.size() > ending.size() &&
           std::ranges::equal(std::string_view(path).substr(path.size() - ending.size()), ending, {}, lower);
  });
}

constexpr std::size_t kHead = 0x9000;

}  // namespace

ImageInfo detect_image(const std::string& path) {
  const Reader file(path, quoted(path));
  const std::vector<u8> head = file.read(0, kHead);
  if (const auto packed = packed_format(head)) return {ImageKind::Ramdisk, file.size(), std::string(*packed)};
  refuse_foreign(file, head);
  if (auto cdrom = detect_cdrom(file)) {
    const bool could_be_floppy = file.size() <= kLargestFloppy && has_at(head, 510, "\x55\xaa");
    return could_be_floppy && named_as_floppy(path) ? floppy_info(file, head, true) : *cdrom;
  }
  if (floppy_size(file.size()) != nullptr) {
    check_complete(file, head);
    return floppy_info(file, head);
  }
  if (auto kernel = detect_linux(file, head)) return *kernel;
  if (auto kernel = detect_multiboot(file, std::span(head).first(std::min<u64>(kHead, file.size())))) return *kernel;
  check_complete(file, head);
  const bool whole_sectors = file.size() % kSector == 0;
  const bool signature = has_at(head, 510, "\x55\xaa");
  if (partitions(head, file.size())) return disk_info(file, head);
  if (file.size() <= kLargestFloppy && signature) return floppy_info(file, head);
  if (file.size() > kLargestFloppy && (whole_sectors || signature)) return disk_info(file, head);
  usage_error("{}: not recognised as an image: say what it is with -fda, -hda, -cdrom or -kernel", file.who());
}

void check_medium(const std::string& path, ImageKind kind, bool raw) {
  const Reader file(path, quoted(path));
  if (kind == ImageKind::Floppy && file.size() > kLargestFloppy) {
    usage_error(
        "{}: no floppy has {}: floppies have 160K to 2880K; give it as a disk with -hda, or as a CD with -cdrom",
        file.who(), size_text(file.size()));
  }
  if (raw) return;
  const std::vector<u8> head = file.read(0, kHead);
  if (const auto packed = packed_format(head)) {
    usage_error("{}: {}: unpack it first, and give the image that was in it", file.who(), *packed);
  }
  refuse_foreign(file, head);
  if (kind == ImageKind::Cdrom) {
    if (!detect_cdrom(file) && file.size() % 2048 != 0) {
      usage_error("{}: not an ISO 9660 image, and not whole CD sectors: give an .iso, or use -hda for a disk",
                  file.who());
    }
  } else {
    check_complete(file, head);
  }
  if (kind == ImageKind::Floppy && file.size() % kSector != 0 && !has_at(head, 510, "\x55\xaa")) {
    usage_error("{}: no floppy has {} bytes: floppies have 160K to 2880K; pad it (truncate -s 1440K FILE)", file.who(),
                file.size());
  }
}

void check_kernel(const std::string& path) {
  const Reader file(path, "-kernel '" + path + "'");
  const std::vector<u8> head = file.read(0, kHead);
  if (detect_linux(file, head)) return;
  if (detect_multiboot(file, std::span(head).first(std::min<u64>(kHead, file.size())))) return;
  usage_error("{}: neither a Linux bzImage nor a multiboot kernel: boot it from an image with -fda, -hda or -cdrom",
              file.who());
}

void check_file(const std::string& option, const std::string& path) { Reader(path, option + " '" + path + "'"); }

void check_folder(const std::string& option, const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) usage_error("{} '{}': {}: give a folder", option, path, std::strerror(errno));
  if (!S_ISDIR(info.st_mode)) usage_error("{} '{}': not a folder: give the folder that the file is in", option, path);
}

}  // namespace orrery::frontend
