#include "machine/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace orrery::machine {

void DriveId::archive(core::Archive& ar) {
  ar("interface", interface);
  ar("index", index);
}

std::string drive_name(DriveId id) {
  return fmt::format("{}{}", id.interface == Interface::Floppy ? "floppy" : "ide", id.index);
}

std::optional<DriveId> drive_from_name(std::string_view name) {
  struct Spelling {
    std::string_view name;
    DriveId id;
  };
  static constexpr std::array<Spelling, 27> kSpellings{{
      {"floppy0", {Interface::Floppy, 0}}, {"floppy1", {Interface::Floppy, 1}}, {"fda", {Interface::Floppy, 0}},
      {"fdb", {Interface::Floppy, 1}},     {"a", {Interface::Floppy, 0}},       {"b", {Interface::Floppy, 1}},
      {"a:", {Interface::Floppy, 0}},      {"b:", {Interface::Floppy, 1}},      {"ide0", {Interface::Ide, 0}},
      {"ide1", {Interface::Ide, 1}},       {"ide2", {Interface::Ide, 2}},       {"ide3", {Interface::Ide, 3}},
      {"hda", {Interface::Ide, 0}},        {"hdb", {Interface::Ide, 1}},        {"hdc", {Interface::Ide, 2}},
      {"hdd", {Interface::Ide, 3}},        {"cdrom", {Interface::Ide, 2}},      {"ide0-hd0", {Interface::Ide, 0}},
      {"ide0-hd1", {Interface::Ide, 1}},   {"ide1-hd0", {Interface::Ide, 2}},   {"ide1-hd1", {Interface::Ide, 3}},
      {"ide0-cd0", {Interface::Ide, 0}},   {"ide0-cd1", {Interface::Ide, 1}},   {"ide1-cd0", {Interface::Ide, 2}},
      {"ide1-cd1", {Interface::Ide, 3}},   {"cd", {Interface::Ide, 2}},         {"floppy", {Interface::Floppy, 0}},
  }};
  std::string lower(name);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  for (const Spelling& s : kSpellings) {
    if (s.name == lower) return s.id;
  }
  return std::nullopt;
}

void Medium::archive(core::Archive& ar) {
  ar("path", path);
  ar("format", format);
  ar("readonly", readonly);
  ar("snapshot", snapshot);
}

void Drive::archive(core::Archive& ar) {
  ar("id", id);
  ar("media", media);
  ar("medium", medium);
}

void DateTime::archive(core::Archive& ar) {
  ar("year", year);
  ar("month", month);
  ar("day", day);
  ar("hour", hour);
  ar("minute", minute);
  ar("second", second);
}

namespace {

// Days since 1970-01-01 of a date in the Gregorian calendar, counting years from March so that the leap day is last.
i64 days_of(i64 year, unsigned month, unsigned day) {
  const i64 y = month <= 2 ? year - 1 : year;
  const i64 m = (month + 9) % 12;  // March = 0
  const i64 leaps = (y >= 0 ? y / 4 - y / 100 + y / 400 : 0);
  return 365 * y + leaps + (153 * m + 2) / 5 + day - 1 - 719468;
}

unsigned days_in_month(unsigned year, unsigned month) {
  static constexpr std::array<u8, 12> kDays{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDays[month - 1];
}

bool take_number(std::string_view& text, unsigned digits, unsigned& value) {
  if (text.size() < digits) return false;
  const auto result = std::from_chars(text.data(), text.data() + digits, value);
  if (result.ec != std::errc{} || result.ptr != text.data() + digits) return false;
  text.remove_prefix(digits);
  return true;
}

bool take_char(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text[0]) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

DateTime DateTime::from_unix(i64 seconds) {
  i64 days = seconds / 86400;
  i64 rest = seconds % 86400;
  if (rest < 0) {
    rest += 86400;
    --days;
  }
  i64 year = 1970 + days / 366;  // never later than the year that is looked for
  if (days < 0) year = 1970 + days / 365 - 1;
  while (days_of(year + 1, 1, 1) <= days) ++year;
  unsigned month = 1;
  while (month < 12 && days_of(year, month + 1, 1) <= days) ++month;
  DateTime t;
  t.year = static_cast<u16>(year);
  t.month = static_cast<u8>(month);
  t.day = static_cast<u8>(days - days_of(year, month, 1) + 1);
  t.hour = static_cast<u8>(rest / 3600);
  t.minute = static_cast<u8>(rest / 60 % 60);
  t.second = static_cast<u8>(rest % 60);
  return t;
}

i64 DateTime::to_unix() const {
  return days_of(year, month, day) * 86400 + i64{hour} * 3600 + i64{minute} * 60 + second;
}

std::optional<DateTime> DateTime::parse(std::string_view text) {
  unsigned year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (!take_number(text, 4, year) || !take_char(text, "-") || !take_number(text, 2, month) || !take_char(text, "-") ||
      !take_number(text, 2, day)) {
    return std::nullopt;
  }
  if (!text.empty()) {
    if (!take_char(text, "T ") || !take_number(text, 2, hour) || !take_char(text, ":") ||
        !take_number(text, 2, minute)) {
      return std::nullopt;
    }
    if (!text.empty() && (!take_char(text, ":") || !take_number(text, 2, second) || !text.empty())) return std::nullopt;
  }
  if (year < 1980 || year > 2099 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) ||
      hour > 23 || minute > 59 || second > 59) {
    return std::nullopt;
  }
  DateTime t;
  t.year = static_cast<u16>(year);
  t.month = static_cast<u8>(month);
  t.day = static_cast<u8>(day);
  t.hour = static_cast<u8>(hour);
  t.minute = static_cast<u8>(minute);
  t.second = static_cast<u8>(second);
  return t;
}

void Serial::archive(core::Archive& ar) { ar("present", present); }

void Config::archive(core::Archive& ar) {
  ar.section("config", 1, [&](u32) {
    ar("board", board);
    ar("memory", memory);
    ar("cpu", cpu);
    ar("name", name);
    ar("drives", drives);
    ar("boot_order", boot_order);
    ar("boot_menu", boot_menu);
    ar("boot_menu_timeout_ms", boot_menu_timeout_ms);
    ar("kernel", kernel);
    ar("initrd", initrd);
    ar("append", append);
    ar("bios", bios);
    ar("firmware_dirs", firmware_dirs);
    ar("option_roms", option_roms);
    ar("rtc_start", rtc_start);
    ar("vga", vga);
    ar("serial", serial);
    ar("parallel", parallel);
    ar("debugcon", debugcon);
    ar("firmware_log", firmware_log);
    ar("vmport", vmport);
    ar("hpet", hpet);
    ar("acpi", acpi);
    ar("real_timing", real_timing);
    ar("pc_testdev", pc_testdev);
    bool has_debug_exit = debug_exit.has_value();
    u16 port = debug_exit.value_or(0);
    ar("has_debug_exit", has_debug_exit);
    ar("debug_exit", port);
    debug_exit = has_debug_exit ? std::optional<u16>(port) : std::nullopt;
    ar("debug_exit_size", debug_exit_size);
    ar("no_reboot", no_reboot);
    ar("no_shutdown", no_shutdown);
    ar("accel", accel);
    ar("ticks_per_second", ticks_per_second);
  });
}

void Config::validate() const {
  constexpr u64 kMiB = 1024 * 1024;
  if (memory < kMiB || memory > 65536 * kMiB) {
    throw ConfigError(
        fmt::format("-m: {} bytes of memory do not make a PC: give 1M to 64G, for example -m 64M", memory));
  }
  if (memory % 4096 != 0) {
    throw ConfigError(fmt::format("-m: {} bytes of memory: give a multiple of 4 KiB, for example -m 64M", memory));
  }
  if (ticks_per_second < 1'000'000 || ticks_per_second > 100'000'000'000) {
    throw ConfigError(
        fmt::format("a speed of {} instructions a second: give 1 million to 100 thousand million", ticks_per_second));
  }
  for (std::size_t i = 0; i < drives.size(); ++i) {
    const Drive& drive = drives[i];
    const bool floppy = drive.id.interface == Interface::Floppy;
    const unsigned bays = floppy ? 2 : 4;
    if (drive.id.index >= bays) {
      throw ConfigError(fmt::format("-drive: {} drives have an index of 0 to {}, not {}", floppy ? "floppy" : "ide",
                                    bays - 1, drive.id.index));
    }
    if (floppy && drive.media == Media::Cdrom) {
      throw ConfigError(
          fmt::format("-drive: {} cannot be a CD-ROM drive: use if=ide,media=cdrom", drive_name(drive.id)));
    }
    if (!floppy && drive.media == Media::Disk && !drive.medium) {
      throw ConfigError(fmt::format("-drive: the hard disk {} needs an image: give file=IMAGE", drive_name(drive.id)));
    }
    if (drive.medium && drive.medium->path.empty()) {
      throw ConfigError(fmt::format("-drive: {} has an image without a name: give file=IMAGE", drive_name(drive.id)));
    }
    for (std::size_t k = 0; k < i; ++k) {
      if (drives[k].id == drive.id) {
        throw ConfigError(fmt::format("{} is given twice: give the second image another index", drive_name(drive.id)));
      }
    }
  }
  for (const char c : boot_order) {
    if (c != 'a' && c != 'c' && c != 'd' && c != 'n') {
      throw ConfigError(
          fmt::format("-boot: there is no drive '{}': use a (floppy), c (disk), d (CD-ROM), n (network)", c));
    }
  }
  if (kernel.empty() && (!initrd.empty() || !append.empty())) {
    throw ConfigError("-initrd and -append go with a kernel: give -kernel FILE too");
  }
  if (DateTime::from_unix(rtc_start.to_unix()) != rtc_start || rtc_start.year < 1980 || rtc_start.year > 2099) {
    throw ConfigError("-rtc base: not a date from 1980 to 2099: give YYYY-MM-DDThh:mm:ss");
  }
  if (debug_exit && (debug_exit_size != 1 && debug_exit_size != 2 && debug_exit_size != 4)) {
    throw ConfigError(fmt::format("isa-debug-exit: iosize={} is not possible: give 1, 2 or 4", debug_exit_size));
  }
}

}  // namespace orrery::machine
