// -fda, -hda, -cdrom, -drive and -device ide-hd, and the images without an option.
#include <algorithm>
#include <array>

#include "frontend/image_detect.h"
#include "frontend/near.h"
#include "frontend/options_builder.h"

namespace orrery::frontend {
namespace {

using machine::DriveId;
using machine::Interface;
using machine::Media;

void add_drive(Builder& b, Interface interface, Media media, u8 index, std::string_view file) {
  // The same option given again replaces the image, as in QEMU.
  std::erase_if(b.drives, [&](const PendingDrive& drive) {
    return drive.option == b.option && drive.interface == interface && drive.index == index;
  });
  PendingDrive drive;
  drive.option = b.option;
  drive.path = b.path(file);
  drive.interface = interface;
  drive.media = media;
  drive.index = index;
  b.drives.push_back(std::move(drive));
}

machine::ImageFormat image_format(Builder& b, std::string_view name) {
  if (name == "raw") return machine::ImageFormat::Raw;
  static constexpr std::string_view kOthers[] = {"qcow2", "qcow",      "qed",   "vmdk",  "vdi", "vpc",   "vhdx",
                                                 "vhd",   "parallels", "bochs", "cloop", "dmg", "vvfat", "luks"};
  if (std::ranges::find(kOthers, name) != std::end(kOthers)) {
    b.fail("format={} cannot be read yet: convert the image with qemu-img convert -O raw, and give format=raw", name);
  }
  b.fail("unknown format '{}': give format=raw, or leave it out", name);
}

void apply_drive(Builder& b, std::string_view value) {
  if (value == "help") {
    throw PrintRequest{
        "-drive file=IMAGE[,format=raw][,if=ide|floppy|none][,index=N][,media=disk|cdrom][,readonly=on][,snapshot=on]\n"
        "  A comma in a name is doubled. if=none waits for -device ide-hd,drive=ID (give id=ID).\n"};
  }
  if (value.find('=') == std::string_view::npos && !value.empty()) {
    b.fail("'{}' has no key: give file={}", value, value);
  }
  KeyValues keys(b.option, value);
  PendingDrive drive;
  drive.option = b.option;
  if (const auto file = keys.take("file"); file && !file->empty()) drive.path = b.path(*file);
  if (const auto format = keys.take("format")) drive.format = image_format(b, *format);
  if (const auto format = keys.take("driver")) drive.format = image_format(b, *format);

  const std::string interface = keys.take("if").value_or("ide");
  if (interface == "ide") {
    drive.interface = Interface::Ide;
  } else if (interface == "floppy") {
    drive.interface = Interface::Floppy;
  } else if (interface != "none") {
    static constexpr std::string_view kInterfaces[] = {"ide", "floppy", "none"};
    b.fail("if={} is not there: give if=ide or if=floppy{}", interface,
           near_words(interface, kInterfaces).empty() || interface == "virtio" || interface == "scsi"
               ? std::string()
               : suggestion(interface, kInterfaces));
  }
  if (const auto media = keys.take("media")) {
    if (*media == "cdrom") {
      drive.media = Media::Cdrom;
    } else if (*media != "disk") {
      b.fail("media={} is not there: give media=disk or media=cdrom", *media);
    }
  }
  const u64 bays = drive.interface == Interface::Floppy ? 2 : 4;
  if (const auto index = keys.take_number("index", 0, bays - 1)) drive.index = static_cast<u8>(*index);
  const auto bus = keys.take_number("bus", 0, 1);
  const auto unit = keys.take_number("unit", 0, 1);
  if (!drive.index && (bus || unit)) {
    const u64 wanted = drive.interface == Interface::Floppy ? unit.value_or(0) : 2 * bus.value_or(0) + unit.value_or(0);
    drive.index = static_cast<u8>(wanted);
  }
  drive.readonly = keys.take_flag("readonly").value_or(false);
  drive.readonly = keys.take_flag("read-only").value_or(drive.readonly);
  drive.snapshot = keys.take_flag("snapshot");
  drive.id = keys.take("id").value_or("");
  if (!drive.id.empty() && std::ranges::any_of(b.drives, [&](const auto& other) { return other.id == drive.id; })) {
    b.fail("there is a drive '{}' already: give this one another id", drive.id);
  }
  // How the host does it, which the guest cannot see.
  keys.ignore({"cache", "cache.direct", "cache.writeback", "cache.no-flush", "aio", "discard", "detect-zeroes",
               "werror", "rerror", "copy-on-read", "serial", "locking", "file.locking"});
  keys.finish();
  if (drive.path.empty() && drive.media == Media::Disk && drive.interface != Interface::Floppy) {
    b.fail("a hard disk needs an image: give file=IMAGE");
  }
  b.drives.push_back(std::move(drive));
}

u8 free_bay(const Builder& b, const PendingDrive& drive, std::span<const u8> order) {
  for (const u8 index : order) {
    const DriveId id{*drive.interface, index};
    const bool taken = std::ranges::any_of(b.out.config.drives, [&](const machine::Drive& d) { return d.id == id; });
    const bool wanted = std::ranges::any_of(b.drives, [&](const PendingDrive& d) {
      return d.interface == drive.interface && d.index == index && &d != &drive;
    });
    if (!taken && !wanted) return index;
  }
  usage_error("{}: '{}' finds no free drive, {}: leave one image out", drive.option, drive.path,
              drive.interface == Interface::Floppy ? "two floppies are all" : "four disks and CD-ROMs are all");
}

void place(Builder& b, const PendingDrive& pending, u8 index) {
  machine::Drive drive;
  drive.id = {*pending.interface, index};
  drive.media = pending.media;
  if (!pending.path.empty()) {
    machine::Medium medium;
    medium.path = pending.path;
    medium.format = pending.format;
    medium.readonly = pending.readonly || pending.media == Media::Cdrom;
    medium.snapshot = pending.snapshot.value_or(b.snapshot_all.value_or(false)) && !medium.readonly;
    drive.medium = medium;
  }
  for (const machine::Drive& other : b.out.config.drives) {
    if (other.id == drive.id) {
      usage_error("{}: drive {} already has {}: give another index", pending.option, machine::drive_name(drive.id),
                  other.medium ? "'" + other.medium->path + "'" : std::string("a drive"));
    }
  }
  b.out.config.drives.push_back(std::move(drive));
}

ImageKind kind_of(const PendingDrive& drive) {
  if (drive.interface == Interface::Floppy) return ImageKind::Floppy;
  return drive.media == Media::Cdrom ? ImageKind::Cdrom : ImageKind::Disk;
}

constexpr std::array<u8, 4> kInOrder = {0, 1, 2, 3};
constexpr std::array<u8, 2> kFloppies = {0, 1};
constexpr std::array<u8, 4> kDisksFirst = {0, 1, 3, 2};  // bay 2 is where a CD-ROM is looked for
constexpr std::array<u8, 4> kCdromsFirst = {2, 3, 1, 0};

/// An image without an option: what it is decides. Gives its letter in -boot's language, or 0.
char place_image(Builder& b, const PendingImage& image) {
  const ImageInfo info = detect_image(image.path);
  PendingDrive drive;
  drive.option = "image";
  drive.path = image.path;
  std::span<const u8> order;
  char letter = 0;
  switch (info.kind) {
    case ImageKind::LinuxKernel:
    case ImageKind::MultibootKernel:
      if (!b.config().kernel.empty()) {
        usage_error("'{}' is a second kernel, beside '{}': give one", image.path, b.config().kernel);
      }
      b.config().kernel = image.path;
      b.note("{}: {}: -kernel {}", image.path, info.what, image.path);
      return 0;
    case ImageKind::Ramdisk:
      if (b.config().kernel.empty()) {
        usage_error("'{}' is {}: unpack it, or give the kernel that it belongs to before it", image.path, info.what);
      }
      b.config().initrd.push_back(image.path);
      b.note("{}: {}: -initrd {}", image.path, info.what, image.path);
      return 0;
    case ImageKind::Floppy:
      drive.interface = Interface::Floppy;
      order = kFloppies;
      letter = 'a';
      break;
    case ImageKind::Disk:
      drive.interface = Interface::Ide;
      order = kDisksFirst;
      letter = 'c';
      break;
    case ImageKind::Cdrom:
      drive.interface = Interface::Ide;
      drive.media = Media::Cdrom;
      order = kCdromsFirst;
      letter = 'd';
      break;
  }
  const u8 index = free_bay(b, drive, order);
  place(b, drive, index);
  static constexpr std::string_view kFloppyOptions[] = {"-fda", "-fdb"};
  static constexpr std::string_view kDiskOptions[] = {"-hda", "-hdb", "-hdc", "-hdd"};
  std::string spelled;
  if (info.kind == ImageKind::Cdrom) {
    spelled = index == 2 ? std::string("-cdrom") : fmt::format("-drive if=ide,index={},media=cdrom,file=", index);
  } else {
    spelled = letter == 'a' ? kFloppyOptions[index] : kDiskOptions[index];
  }
  b.note("{}: {}: {}{}{}", image.path, info.what, spelled, spelled.back() == '=' ? "" : " ", image.path);
  return letter;
}

}  // namespace

bool apply_drive_device(Builder& b, std::string_view driver, KeyValues& keys) {
  const bool floppy = driver == "floppy";
  if (!floppy && driver != "ide-hd" && driver != "ide-cd" && driver != "ide-drive") return false;
  const std::string id = keys.take("drive").value_or("");
  if (const auto bus = keys.take("bus"); bus && !floppy) {
    const std::size_t dot = bus->rfind('.');
    const std::optional<u64> n = dot == std::string::npos ? std::nullopt : parse_number(bus->substr(dot + 1));
    if (!n || *n > 1 || !bus->starts_with("ide")) b.fail("bus={} is not there: give bus=ide.0 or bus=ide.1", *bus);
    const u64 unit = keys.take_number("unit", 0, 1).value_or(0);
    for (PendingDrive& drive : b.drives) {
      if (drive.id == id) drive.index = static_cast<u8>(2 * *n + unit);
    }
  } else if (const auto unit = keys.take_number("unit", 0, 1)) {
    for (PendingDrive& drive : b.drives) {
      if (drive.id == id) drive.index = static_cast<u8>(*unit);
    }
  }
  keys.ignore(
      {"id", "bootindex", "serial", "model", "write-cache", "logical_block_size", "physical_block_size", "drive-type"});
  keys.finish();
  if (id.empty() && driver == "ide-cd") {
    PendingDrive drive;
    drive.option = b.option;
    drive.interface = Interface::Ide;
    drive.media = Media::Cdrom;
    b.drives.push_back(drive);
    return true;
  }
  const auto found = std::ranges::find_if(b.drives, [&](const PendingDrive& d) { return !id.empty() && d.id == id; });
  if (found == b.drives.end()) {
    b.fail("there is no drive '{}': give -drive if=none,id={},file=IMAGE before it", id, id.empty() ? "ID" : id);
  }
  if (found->interface) b.fail("drive '{}' is connected already: give it if=none", id);
  found->interface = floppy ? Interface::Floppy : Interface::Ide;
  if (driver == "ide-cd") found->media = Media::Cdrom;
  if (driver == "ide-hd") found->media = Media::Disk;
  return true;
}

void place_drives(Builder& b) {
  const bool look = b.context.look_at_images;
  for (const PendingDrive& drive : b.drives) {
    if (!drive.interface) {
      usage_error("{}: the drive of '{}' is connected to nothing: give -device ide-hd,drive={} or leave if=none out",
                  drive.option, drive.path, drive.id.empty() ? "ID" : drive.id);
    }
    if (look && !drive.path.empty()) {
      check_medium(drive.path, kind_of(drive), drive.format == machine::ImageFormat::Raw);
    }
  }
  for (const PendingDrive& drive : b.drives) {
    const std::span<const u8> order = drive.interface == Interface::Floppy ? std::span<const u8>(kFloppies) : kInOrder;
    place(b, drive, drive.index ? *drive.index : free_bay(b, drive, order));
  }
  machine::Config& config = b.config();
  if (look && !config.kernel.empty()) check_kernel(config.kernel);
  const bool explicit_order = !config.boot_order.empty();
  std::string letters;
  for (const PendingImage& image : b.images) {
    if (!look) break;  // what they are decides where they go
    const char letter = place_image(b, image);
    if (letter != 0 && letters.find(letter) == std::string::npos) letters += letter;
  }
  // The first image is the one to boot.
  if (!explicit_order && letters.size() > 1) config.boot_order = letters;
  if (look) {
    for (const std::string& file : config.initrd) {
      // A module of a multiboot kernel may have arguments behind its name.
      check_file("-initrd", file.substr(0, file.find(' ')));
    }
    if (!config.bios.empty()) check_file("-bios", config.bios);
    for (const std::string& file : config.option_roms) check_file("-option-rom", file);
    for (const std::string& folder : config.firmware_dirs) check_folder("-L", folder);
  }
  if (b.defaults) {
    // As on QEMU's PC: drive A: and a CD-ROM drive are there, with or without a medium.
    const auto has = [&](DriveId id) {
      return std::ranges::any_of(config.drives, [&](const machine::Drive& d) { return d.id == id; });
    };
    const bool cdrom =
        std::ranges::any_of(config.drives, [](const machine::Drive& d) { return d.media == Media::Cdrom; });
    if (!has({Interface::Floppy, 0})) config.drives.push_back({{Interface::Floppy, 0}, Media::Disk, std::nullopt});
    if (!cdrom && !has({Interface::Ide, 2})) config.drives.push_back({{Interface::Ide, 2}, Media::Cdrom, std::nullopt});
  }
  std::ranges::sort(config.drives, {}, [](const machine::Drive& d) {
    return std::pair(static_cast<int>(d.id.interface), static_cast<int>(d.id.index));
  });
}

std::span<const OptionSpec> drive_options() {
  using enum OptionGroup;
  static constexpr OptionSpec kOptions[] = {
      {"fda", "FILE", "floppy image in drive A:", Drives, true,
       [](Builder& b, std::string_view v) { add_drive(b, Interface::Floppy, Media::Disk, 0, v); }},
      {"fdb", "FILE", "floppy image in drive B:", Drives, false,
       [](Builder& b, std::string_view v) { add_drive(b, Interface::Floppy, Media::Disk, 1, v); }},
      {"hda", "FILE", "hard disk image: primary master (-hdb, -hdc, -hdd: the others)", Drives, true,
       [](Builder& b, std::string_view v) { add_drive(b, Interface::Ide, Media::Disk, 0, v); }},
      {"hdb", "FILE", "hard disk image: primary slave", Drives, false,
       [](Builder& b, std::string_view v) { add_drive(b, Interface::Ide, Media::Disk, 1, v); }},
      {"hdc", "FILE", "hard disk image: secondary master", Drives, false,
       [](Builder& b, std::string_view v) { add_drive(b, Interface::Ide, Media::Disk, 2, v); }},
      {"hdd", "FILE", "hard disk image: secondary slave", Drives, false,
       [](Builder& b, std::string_view v) { add_drive(b, Interface::Ide, Media::Disk, 3, v); }},
      {"cdrom", "FILE", "CD image in a drive that is secondary master", Drives, true,
       [](Builder& b, std::string_view v) { add_drive(b, Interface::Ide, Media::Cdrom, 2, v); }},
      {"drive", "file=FILE,...", "any drive; `help` lists the keys", Drives, true, apply_drive},
      {"snapshot", "", "leave the images as they are: changes are lost at the end", Drives, true,
       [](Builder& b, std::string_view) { b.snapshot_all = true; }},
      {"no-snapshot", "", "write to the images, also in `orrery test`", Drives, false,
       [](Builder& b, std::string_view) { b.snapshot_all = false; }},
  };
  return kOptions;
}

}  // namespace orrery::frontend
