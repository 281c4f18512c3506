#include "hw/kernel_image.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace orrery::hw {
namespace {

using Data = std::vector<u8>;

// fw_cfg items; kernelboot.asm knows the last two.
constexpr u16 kKernelItem = 0x11;
constexpr u16 kInitrdItem = 0x12;
constexpr u16 kCommandLineItem = 0x15;
constexpr u16 kSetupItem = 0x18;
constexpr u16 kPlanItem = 0x1a;
constexpr u16 kZeroItem = 0x1f;

constexpr u16 kPlanLinux = 1;
constexpr u16 kPlanMultiboot = 2;
constexpr std::size_t kPlanHeader = 32;
constexpr std::size_t kMostLoads = (4096 - kPlanHeader) / 16;

/// The BIOS keeps its tables at the top of RAM.
constexpr u64 kFirmwareReserve = 512 * 1024;
/// Below 1 MiB kernels have what neither the boot itself nor the BIOS uses.
constexpr u64 kLowLoad = 0x8000;
constexpr u64 kLowLoadEnd = 0x90000;
constexpr u64 kOneMiB = 0x100000;

u16 le16(std::span<const u8> file, std::size_t at) { return core::load_le<u16>(file.data() + at); }
u32 le32(std::span<const u8> file, std::size_t at) { return core::load_le<u32>(file.data() + at); }
u64 le64(std::span<const u8> file, std::size_t at) { return core::load_le<u64>(file.data() + at); }

class Plan {
 public:
  void load(u16 item, u64 offset, u64 address, u64 length) {
    if (length == 0) return;
    if (loads_.size() / 16 >= kMostLoads)
      throw KernelError("the kernel has too many segments and modules; put it on a CD with grub-mkrescue");
    for (u64 v : {u64{item}, offset, address, length}) append(loads_, static_cast<u32>(v));
  }
  Data take(u16 kind, u64 a, u64 b, u64 c, u64 d) const {
    Data out{'O', 'R', 'B', 'P', static_cast<u8>(kind), 0, static_cast<u8>(loads_.size() / 16), 0};
    for (u64 v : {a, b, c, d}) append(out, static_cast<u32>(v));
    out.resize(kPlanHeader);
    out.insert(out.end(), loads_.begin(), loads_.end());
    return out;
  }
  static void append(Data& out, u32 v) {
    out.resize(out.size() + 4);
    core::store_le<u32>(out.data() + out.size() - 4, v);
  }

 private:
  Data loads_;
};

Data with_zero(const std::string& text) {
  Data data(text.begin(), text.end());
  data.push_back(0);
  return data;
}

// --- Linux -----------------------------------------------------------------------------------------------------------

// The real-mode setup header, fields by their names in the kernel's "The Linux/x86 Boot Protocol".
constexpr std::size_t kSetupSects = 0x1f1, kVidMode = 0x1fa, kBootFlag = 0x1fe, kHeader = 0x202, kVersion = 0x206,
                      kTypeOfLoader = 0x210, kLoadFlags = 0x211, kHeapEndPtr = 0x224, kCmdLinePtr = 0x228,
                      kCmdlineSize = 0x238, kPrefAddress = 0x258, kInitSize = 0x260;
constexpr u8 kLoadedHigh = 0x01, kCanUseHeap = 0x80;
// Before protocol 2.02 the command line is found through these.
constexpr std::size_t kClMagic = 0x20, kClOffset = 0x22;
constexpr u16 kClMagicValue = 0xa33f;

bool is_linux(std::span<const u8> file) {
  return file.size() >= 0x400 && le16(file, kBootFlag) == 0xaa55 && std::memcmp(&file[kHeader], "HdrS", 4) == 0 &&
         le16(file, kVersion) >= 0x200;
}

/// The video mode that "vga=" asks for: the boot loader passes it on in the setup header.
std::optional<u16> video_mode(const std::string& command_line) {
  std::size_t at = command_line.rfind("vga=");
  if (at == std::string::npos || (at > 0 && command_line[at - 1] != ' ')) return std::nullopt;
  at += 4;
  const std::string word = command_line.substr(at, command_line.find(' ', at) - at);
  if (word == "normal") return 0xffff;
  if (word == "ext") return 0xfffe;
  if (word == "ask") return 0xfffd;
  const bool hex = word.starts_with("0x") || word.starts_with("0X");
  u16 mode = 0;
  const char* end = word.data() + word.size();
  const auto parsed = std::from_chars(word.data() + (hex ? 2 : 0), end, mode, hex ? 16 : 10);
  return parsed.ec == std::errc() && parsed.ptr == end ? std::optional<u16>(mode) : std::nullopt;
}

/// Where the parts of a Linux kernel lie in its file and in memory.
struct LinuxLayout {
  u16 version = 0;  // of the boot protocol: 0x20c is 2.12
  std::size_t setup_size = 0;
  u64 kernel_size = 0;
  u64 kernel_at = 0;
  u64 setup_at = 0;
  u64 command_line_at = 0;
  u64 initrd_min = 0;  // the initrd may begin here
};

LinuxLayout layout_of(const KernelRequest& r) {
  LinuxLayout at;
  at.version = le16(r.kernel, kVersion);
  const std::size_t sectors = r.kernel[kSetupSects] != 0 ? r.kernel[kSetupSects] : 4;
  at.setup_size = (sectors + 1) * 512;
  if (sectors > 64 || at.setup_size >= r.kernel.size()) {
    throw KernelError("the kernel is damaged: its setup code is longer than the file; get it again");
  }
  at.kernel_size = r.kernel.size() - at.setup_size;
  const bool high = (r.kernel[kLoadFlags] & kLoadedHigh) != 0;  // a bzImage
  at.kernel_at = high ? kOneMiB : 0x10000;
  if (!high && at.kernel_size > 0x80000) {
    throw KernelError("the kernel is damaged: a zImage has at most 512 KiB; get it again");
  }
  if (high && at.kernel_at + at.kernel_size > r.low_ram) {
    throw KernelError("the kernel does not fit into memory; give the machine more (-m)");
  }
  const bool modern = high && at.version >= 0x202;
  at.setup_at = modern ? 0x10000 : 0x90000;
  at.command_line_at = modern ? 0x20000 : 0x99000;
  // While it unpacks itself a newer kernel needs more than its file's size.
  at.initrd_min = std::max<u64>(kOneMiB, at.kernel_at + at.kernel_size);
  if (at.version >= 0x20a) {
    const u64 unpacked = le64(r.kernel, kPrefAddress) + le32(r.kernel, kInitSize);
    at.initrd_min = std::max<u64>(at.initrd_min, std::min<u64>(unpacked, 0xfffff000));
  }
  return at;
}

/// The setup code with what a boot loader writes into its header.
Data filled_setup(const KernelRequest& r, const LinuxLayout& at) {
  Data setup(r.kernel.begin(), r.kernel.begin() + static_cast<std::ptrdiff_t>(at.setup_size));
  if (const auto mode = video_mode(r.command_line)) core::store_le<u16>(&setup[kVidMode], *mode);
  setup[kTypeOfLoader] = 0xff;  // a boot loader without an assigned number
  if (at.version >= 0x201) {
    setup[kLoadFlags] |= kCanUseHeap;
    core::store_le<u16>(&setup[kHeapEndPtr], static_cast<u16>(at.command_line_at - at.setup_at - 0x200));
  }
  if (at.version >= 0x202) {
    core::store_le<u32>(&setup[kCmdLinePtr], static_cast<u32>(at.command_line_at));
  } else {
    core::store_le<u16>(&setup[kClMagic], kClMagicValue);
    core::store_le<u16>(&setup[kClOffset], static_cast<u16>(at.command_line_at - at.setup_at));
  }
  return setup;
}

/// The initrds one after the other, each at a multiple of four bytes as the kernel expects archives.
Data join_initrds(std::vector<KernelRequest::Module>& modules) {
  Data initrd;
  for (KernelRequest::Module& m : modules) {
    while (initrd.size() % 4 != 0) initrd.push_back(0);
    if (initrd.empty()) {
      initrd = std::move(m.data);
    } else {
      initrd.insert(initrd.end(), m.data.begin(), m.data.end());
    }
  }
  return initrd;
}

KernelPlan plan_linux(KernelRequest& r) {
  const LinuxLayout at = layout_of(r);
  const std::size_t longest = at.version >= 0x206 ? le32(r.kernel, kCmdlineSize) : 255;
  if (r.command_line.size() > std::min<std::size_t>(longest, 4095)) {
    throw KernelError(
        fmt::format("this kernel takes a command line of at most {} characters; shorten -append", longest));
  }
  Data initrd = join_initrds(r.modules);
  if (!initrd.empty() && (r.low_ram < at.initrd_min || initrd.size() > r.low_ram - at.initrd_min)) {
    throw KernelError("the initrd does not fit into memory; give the machine more (-m)");
  }

  Plan plan;
  Data setup = filled_setup(r, at);
  Data command_line = with_zero(r.command_line);
  plan.load(kSetupItem, 0, at.setup_at, setup.size());
  plan.load(kCommandLineItem, 0, at.command_line_at, command_line.size());
  plan.load(kKernelItem, at.setup_size, at.kernel_at, at.kernel_size);
  const u64 stack = at.command_line_at - at.setup_at - 16;
  KernelPlan result;
  result.kind = KernelKind::Linux;
  result.items.emplace_back(kPlanItem, plan.take(kPlanLinux, initrd.size(), at.setup_at, at.initrd_min, stack));
  result.items.emplace_back(kSetupItem, std::move(setup));
  result.items.emplace_back(kCommandLineItem, std::move(command_line));
  result.items.emplace_back(kKernelItem, std::move(r.kernel));
  result.items.emplace_back(kInitrdItem, std::move(initrd));
  return result;
}

// --- multiboot 1 -----------------------------------------------------------------------------------------------------

constexpr u32 kMultibootMagic = 0x1badb002;
constexpr std::size_t kMultibootSearch = 8192;
constexpr u32 kNeedsUnknown = 0xfff8;  // requirements beyond page alignment, memory information and a video mode
constexpr u32 kAddressFields = 1 << 16;

constexpr u64 kInfoAt = 0x2400;  // the information structure and what it points to, below kLowLoad
constexpr u64 kInfoEnd = 0x7800;
constexpr std::size_t kInfoSize = 88;
constexpr u32 kInfoCommandLine = 1 << 2;
constexpr u32 kInfoModules = 1 << 3;
constexpr u32 kInfoLoaderName = 1 << 9;

std::optional<std::size_t> multiboot_header(std::span<const u8> file) {
  const std::size_t end = std::min(file.size(), kMultibootSearch);
  for (std::size_t at = 0; at + 12 <= end; at += 4) {
    if (le32(file, at) == kMultibootMagic && le32(file, at) + le32(file, at + 4) + le32(file, at + 8) == 0) return at;
  }
  return std::nullopt;
}

struct Segment {
  u64 offset;
  u64 address;
  u64 file_size;
  u64 memory_size;
};

struct Image {
  std::vector<Segment> segments;
  u64 entry = 0;
};

Image by_address_fields(std::span<const u8> file, std::size_t header) {
  if (header + 32 > file.size()) throw KernelError("the multiboot header is cut off; get the kernel again");
  const u32 header_address = le32(file, header + 12);
  const u32 load = le32(file, header + 16);
  const u32 load_end = le32(file, header + 20);
  const u32 bss_end = le32(file, header + 24);
  if (header_address < load || header_address - load > header) {
    throw KernelError("the multiboot header's load address lies before the file; get the kernel again");
  }
  const u64 offset = header - (header_address - load);
  u64 size = file.size() - offset;
  if (load_end != 0) {
    if (load_end < load || load_end - load > size) {
      throw KernelError("the multiboot header wants more bytes than the file has; get the kernel again");
    }
    size = load_end - load;
  }
  const u64 memory = bss_end > load ? std::max<u64>(size, bss_end - load) : size;
  return {{{offset, load, size, memory}}, le32(file, header + 28)};
}

Image by_elf(std::span<const u8> file) {
  if (file.size() < 64 || std::memcmp(file.data(),
                                      "\x7f"
                                      "ELF",
                                      4) != 0) {
    throw KernelError("the multiboot kernel is neither an ELF file nor does its header give addresses; get it again");
  }
  const bool wide = file[4] == 2;
  const u16 machine = le16(file, 18);
  if (file[5] != 1 || (machine != 3 && machine != 62)) {
    throw KernelError("the multiboot kernel is an ELF file for another processor; give one for x86");
  }
  const u64 table = wide ? le64(file, 32) : le32(file, 28);
  const u16 entry_size = le16(file, wide ? 54 : 42);
  const u16 count = le16(file, wide ? 56 : 44);
  if (entry_size < (wide ? 56 : 32) || table > file.size() || u64{entry_size} * count > file.size() - table) {
    throw KernelError("the multiboot kernel is cut off or damaged; get it again");
  }
  Image image;
  image.entry = wide ? le64(file, 24) : le32(file, 24);
  std::optional<u64> physical_entry;
  for (u16 i = 0; i < count; ++i) {
    const std::size_t p = table + std::size_t{entry_size} * i;
    if (le32(file, p) != 1) continue;  // PT_LOAD
    const u64 virtual_address = wide ? le64(file, p + 16) : le32(file, p + 8);
    Segment s{wide ? le64(file, p + 8) : le32(file, p + 4), wide ? le64(file, p + 24) : le32(file, p + 12),
              wide ? le64(file, p + 32) : le32(file, p + 16), wide ? le64(file, p + 40) : le32(file, p + 20)};
    if (s.memory_size == 0) continue;
    if (s.offset > file.size() || s.file_size > file.size() - s.offset || s.file_size > s.memory_size) {
      throw KernelError("the multiboot kernel is cut off or damaged; get it again");
    }
    // An entry point given as a virtual address is meant where the segment is loaded.
    if (image.entry - s.address < s.memory_size) {
      physical_entry = image.entry;
    } else if (!physical_entry && image.entry - virtual_address < s.memory_size) {
      physical_entry = image.entry - virtual_address + s.address;
    }
    image.segments.push_back(s);
  }
  if (image.segments.empty()) throw KernelError("the multiboot kernel has nothing to load; get it again");
  if (physical_entry) image.entry = *physical_entry;
  return image;
}

/// RAM that a kernel may be loaded to: behind what the boot itself uses, below the BIOS's data and tables.
bool loadable(u64 address, u64 size, u64 low_ram) {
  const auto inside = [&](u64 first, u64 end) { return address >= first && address < end && size <= end - address; };
  return inside(kLowLoad, kLowLoadEnd) || inside(kOneMiB, low_ram - std::min(low_ram, kFirmwareReserve));
}

/// Why a segment cannot be loaded, and what helps.
std::string no_room(const Segment& s, const KernelRequest& r) {
  const u64 end = s.memory_size <= ~s.address ? s.address + s.memory_size : ~u64{0};
  const std::string where = fmt::format("the kernel wants to be at {:#x}-{:#x}", s.address, end);
  if (s.address < kLowLoad) {
    return fmt::format(
        "{}, but the boot itself needs what is below {:#x}; link it to 1 MiB, or put it on a CD with grub-mkrescue",
        where, kLowLoad);
  }
  if (s.address < kOneMiB) {
    return fmt::format("{}, but from {:#x} to 1 MiB there are the BIOS and the display; link it to 1 MiB", where,
                       kLowLoadEnd);
  }
  if (end > r.low_ram_limit - kFirmwareReserve) {
    return fmt::format("{}, where no PC has RAM; link it to 1 MiB", where);
  }
  return where + ", where no RAM is free; give the machine more (-m)";
}

u64 page_up(u64 v) { return (v + 0xfff) & ~u64{0xfff}; }

KernelPlan plan_multiboot(KernelRequest& r, std::size_t header) {
  const u32 flags = le32(r.kernel, header + 4);
  if ((flags & kNeedsUnknown) != 0) {
    throw KernelError(fmt::format(
        "the multiboot kernel requires features that are unknown (flags {:#x}); put it on a CD with grub-mkrescue",
        flags));
  }
  const Image image = (flags & kAddressFields) != 0 ? by_address_fields(r.kernel, header) : by_elf(r.kernel);

  Plan plan;
  u64 end = 0x100000;
  for (const Segment& s : image.segments) {
    if (!loadable(s.address, s.memory_size, r.low_ram)) {
      throw KernelError(no_room(s, r));
    }
    plan.load(kKernelItem, s.offset, s.address, s.file_size);
    plan.load(kZeroItem, 0, s.address + s.file_size, s.memory_size - s.file_size);
    end = std::max(end, s.address + s.memory_size);
  }

  // The information structure, the module list, the strings; the ROM puts the memory map behind.
  Data info(kInfoSize);
  const auto set = [&](std::size_t at, u64 v) { core::store_le<u32>(&info[at], static_cast<u32>(v)); };
  const auto add_text = [&](const std::string& text) {
    const u64 at = kInfoAt + info.size();
    info.insert(info.end(), text.begin(), text.end());
    info.push_back(0);
    return at;
  };
  const std::size_t list = info.size();
  info.resize(list + 16 * r.modules.size());
  set(0, kInfoCommandLine | kInfoModules | kInfoLoaderName);
  set(16, add_text(r.command_line.empty() ? r.name : r.name + " " + r.command_line));
  set(20, r.modules.size());
  set(24, kInfoAt + list);
  set(64, add_text("Orrery"));
  Data modules;
  for (std::size_t i = 0; i < r.modules.size(); ++i) {
    KernelRequest::Module& m = r.modules[i];
    const u64 at = page_up(end);
    if (!loadable(at, m.data.size(), r.low_ram)) {
      throw KernelError("the modules do not fit into memory; give the machine more (-m)");
    }
    plan.load(kInitrdItem, modules.size(), at, m.data.size());
    modules.insert(modules.end(), m.data.begin(), m.data.end());
    end = at + m.data.size();
    const u64 text = add_text(m.command_line);
    set(list + 16 * i, at);
    set(list + 16 * i + 4, end);
    set(list + 16 * i + 8, text);
  }
  while (info.size() % 4 != 0) info.push_back(0);
  if (kInfoAt + info.size() > kInfoEnd) throw KernelError("the command lines are too long; shorten -append");
  plan.load(kSetupItem, 0, kInfoAt, info.size());

  KernelPlan result;
  result.kind = KernelKind::Multiboot;
  result.items.emplace_back(kPlanItem, plan.take(kPlanMultiboot, 0, kInfoAt, image.entry, kInfoAt + info.size()));
  result.items.emplace_back(kSetupItem, std::move(info));
  result.items.emplace_back(kKernelItem, std::move(r.kernel));
  result.items.emplace_back(kInitrdItem, std::move(modules));
  result.items.emplace_back(kZeroItem, Data{});
  return result;
}

}  // namespace

std::optional<KernelKind> kernel_kind(std::span<const u8> file) {
  if (is_linux(file)) return KernelKind::Linux;
  if (multiboot_header(file)) return KernelKind::Multiboot;
  return std::nullopt;
}

KernelPlan plan_kernel(KernelRequest request) {
  if (is_linux(request.kernel)) return plan_linux(request);
  if (const auto header = multiboot_header(request.kernel)) return plan_multiboot(request, *header);
  throw KernelError("the kernel is neither a Linux bzImage nor a multiboot kernel");
}

}  // namespace orrery::hw
