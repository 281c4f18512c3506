// What a machine is made of, as plain data. The front end fills it in; the machine never changes it.
//
// A Config together with the journal's inputs fixes a run: two machines of equal Config (and equal files behind it)
// that get equal inputs at equal ticks do the same, instruction for instruction. It is stored at the head of every
// journal.
#pragma once

#include <array>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "hw/core/archive.h"
#include "hw/core/clock.h"
#include "hw/core/types.h"

namespace orrery::machine {

/// A configuration that no machine can be built from. what() is one line that names the fix; for the user as it is.
class ConfigError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

enum class Board : u8 {
  Pc,     // "pc": i440FX and PIIX3
  IsaPc,  // "isapc": the same chips without PCI
};

enum class Interface : u8 { Floppy, Ide };
enum class Media : u8 { Disk, Cdrom };
enum class ImageFormat : u8 {
  Raw,    // whatever is in it: bytes are sectors, now and for ever
  Probe,  // found out when the image is opened; a raw image is then opened as Raw
};

/// Names a drive bay: floppy 0-1 (A:, B:), IDE 0-3 (primary master, primary slave, secondary master, secondary slave).
struct DriveId {
  Interface interface = Interface::Floppy;
  u8 index = 0;

  bool operator==(const DriveId&) const = default;
  void archive(core::Archive& ar);
};
/// The name users know it by: "floppy0", "ide2"; the option's spelling is "fda", "hdc".
std::string drive_name(DriveId id);
/// The bay with that name: floppy0, fda, a, ide0-cd0 and so on as QEMU and we spell them.
std::optional<DriveId> drive_from_name(std::string_view name);

/// What a drive holds.
struct Medium {
  std::string path;
  ImageFormat format = ImageFormat::Raw;
  bool readonly = false;
  bool snapshot = false;  // writes are kept in memory and lost at the end

  bool operator==(const Medium&) const = default;
  void archive(core::Archive& ar);
};

/// A drive in a bay, perhaps with a medium in it. A hard disk always has one.
struct Drive {
  DriveId id;
  Media media = Media::Disk;
  std::optional<Medium> medium;

  bool operator==(const Drive&) const = default;
  void archive(core::Archive& ar);
};

/// A civil date and time, what a battery-backed clock shows.
struct DateTime {
  u16 year = 2024;  // 1980-2099
  u8 month = 1;     // 1-12
  u8 day = 1;       // 1-31
  u8 hour = 0;      // 0-23
  u8 minute = 0;
  u8 second = 0;

  bool operator==(const DateTime&) const = default;
  void archive(core::Archive& ar);

  /// From and to seconds since 1970-01-01 00:00:00, without any time zone.
  static DateTime from_unix(i64 seconds);
  i64 to_unix() const;
  /// "2026-11-21T04:00:00" or "2026-11-21".
  static std::optional<DateTime> parse(std::string_view text);
};

enum class Vga : u8 { None, Std };

struct Serial {
  bool present = true;  // COM1 and COM2 are there unless -serial none was given

  bool operator==(const Serial&) const = default;
  void archive(core::Archive& ar);
};

struct Config {
  Board board = Board::Pc;
  u64 memory = 128 * 1024 * 1024;  // bytes; 1 MiB to 64 GiB, a multiple of 4 KiB
  std::string cpu;                 // as given to -cpu; empty: cpu::default_model_name()
  std::string name;                // -name: shown in titles; does not concern the guest

  std::vector<Drive> drives;

  /// -boot order=: letters of a (floppy), c (disk), d (CD-ROM), n (network), first first. Empty: "cad" as in QEMU,
  /// so a disk that does not boot leads to the floppy and then to the CD-ROM.
  std::string boot_order;
  bool boot_menu = false;
  u32 boot_menu_timeout_ms = 3000;

  // -kernel: a bzImage or a multiboot ELF.
  std::string kernel;
  std::vector<std::string> initrd;  // the first is the initrd; for multiboot all are modules ("file arguments")
  std::string append;

  std::string bios;                        // -bios FILE: instead of the embedded SeaBIOS
  std::vector<std::string> firmware_dirs;  // -L DIR: searched for bios.bin, vgabios-stdvga.bin before the embedded ones
  std::vector<std::string> option_roms;    // further ROM files put between C0000 and E0000

  /// What the clock chip shows at the start. The front end takes it from the host (-rtc base=utc|localtime) or from the
  /// user (base=DATE): it is the only host time a machine ever gets, and it is on record here.
  DateTime rtc_start;

  Vga vga = Vga::Std;
  std::array<Serial, 4> serial{Serial{true}, Serial{true}, Serial{false}, Serial{false}};
  bool parallel = true;
  bool debugcon = true;           // port E9
  bool firmware_log = true;       // port 402
  bool vmport = true;             // VMware pointer port
  bool acpi = true;               // ACPI tables and the power management function, on the `pc` board
  bool hpet = true;               // high precision event timers, on the `pc` board
  bool real_timing = false;       // floppies and serial output as slow as in the metal
  bool pc_testdev = false;        // the test device of kvm-unit-tests
  std::optional<u16> debug_exit;  // isa-debug-exit,iobase=
  u8 debug_exit_size = 4;         // isa-debug-exit,iosize=

  bool no_reboot = false;    // a reset of the guest's stops the machine
  bool no_shutdown = false;  // a power-off of the guest's pauses instead: for the front end to respect

  std::string accel = "interp";
  u64 ticks_per_second = core::Clock::kDefaultRate;  // the governor's nominal speed, 1 MHz to 100 GHz

  bool operator==(const Config&) const = default;
  void archive(core::Archive& ar);

  /// Throws ConfigError for what can be told without opening files.
  void validate() const;
};

}  // namespace orrery::machine
