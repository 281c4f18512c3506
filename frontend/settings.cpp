#include "frontend/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "cpu/model.h"
#include "frontend/key_values.h"

namespace orrery::frontend {
namespace {

/// For a POSIX shell, if it needs quotes at all.
std::string shell_quoted(const std::string& text) {
  if (!text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                              "_-+=.,:/@%") == std::string::npos) {
    return text;
  }
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

std::string size_text(u64 bytes) {
  if (bytes % (u64{1} << 30) == 0) return fmt::format("{}G", bytes >> 30);
  if (bytes % (u64{1} << 20) == 0) return fmt::format("{}M", bytes >> 20);
  if (bytes % (u64{1} << 10) == 0) return fmt::format("{}K", bytes >> 10);
  return fmt::format("{}B", bytes);
}

std::string drive_text(const machine::Drive& drive) {
  std::string text;
  if (drive.medium) {
    text = "file=" + escape_commas(drive.medium->path) + ",";
    if (drive.medium->format == machine::ImageFormat::Raw) text += "format=raw,";
  }
  text += fmt::format("if={},index={}", drive.id.interface == machine::Interface::Floppy ? "floppy" : "ide",
                      drive.id.index);
  if (drive.id.interface == machine::Interface::Ide) {
    text += drive.media == machine::Media::Cdrom ? ",media=cdrom" : ",media=disk";
  }
  if (drive.medium && drive.medium->readonly && drive.media != machine::Media::Cdrom) text += ",readonly=on";
  if (drive.medium && drive.medium->snapshot) text += ",snapshot=on";
  return text;
}

}  // namespace

machine::Speed effective_speed(const Settings& settings) {
  if (settings.speed) return *settings.speed;
  if (settings.display != DisplayKind::None) return machine::Speed::RealTime;
  const bool attended = std::ranges::any_of(settings.serial, [&](const CharSpec& line) {
    return line.kind == CharSpec::Kind::Pty || (line.kind == CharSpec::Kind::Stdio && settings.on_terminal);
  });
  return attended && !settings.run_for ? machine::Speed::RealTime : machine::Speed::Turbo;
}

void resolve_rtc(Settings& settings, i64 unix_now) {
  if (settings.rtc_base == RtcBase::Date) return;
  if (settings.rtc_base == RtcBase::LocalTime) {
    const std::time_t now = static_cast<std::time_t>(unix_now);
    std::tm local{};
    if (localtime_r(&now, &local) != nullptr) unix_now += local.tm_gmtoff;
  }
  settings.config.rtc_start = machine::DateTime::from_unix(unix_now);
}

std::string explain(const Settings& settings) {
  const machine::Config& c = settings.config;
  std::vector<std::string> lines;
  const auto add = [&](std::string_view option, const std::string& value) {
    lines.push_back(fmt::format("-{} {}", option, shell_quoted(value)));
  };
  const auto add_file = [&](std::string_view option, const std::string& value) {
    if (!value.empty()) add(option, value);
  };
  lines.emplace_back("-nodefaults");
  const auto flag = [](bool on) { return on ? "on" : "off"; };
  add("M", fmt::format("{},vmport={},hpet={},acpi={}{}", c.board == machine::Board::Pc ? "pc" : "isapc", flag(c.vmport),
                       flag(c.hpet), flag(c.acpi), c.real_timing ? ",timing=real" : ""));
  add("accel", c.accel);
  add("cpu", c.cpu.empty() ? std::string(cpu::default_model_name()) : c.cpu);
  add("smp", "1");
  add("m", size_text(c.memory));
  for (const machine::Drive& drive : c.drives) add("drive", drive_text(drive));
  std::string boot = c.boot_order.empty() ? "" : "order=" + c.boot_order;
  if (c.boot_menu) boot += fmt::format("{}menu=on,splash-time={}", boot.empty() ? "" : ",", c.boot_menu_timeout_ms);
  add_file("boot", boot);
  add_file("kernel", c.kernel);
  std::string initrd;
  for (const std::string& file : c.initrd) initrd += (initrd.empty() ? "" : ",") + escape_commas(file);
  add_file("initrd", initrd);
  add_file("append", c.append);
  add_file("bios", c.bios);
  for (const std::string& folder : c.firmware_dirs) add("L", folder);
  for (const std::string& rom : c.option_roms) add("option-rom", rom);
  add("vga", c.vga == machine::Vga::Std ? "std" : "none");
  for (std::size_t i = 0; i < 4; ++i) {
    bool more = false;
    for (std::size_t k = i; k < 4; ++k) more = more || c.serial[k].present;
    if (more) add("serial", c.serial[i].present ? char_spec_text(settings.serial[i]) : "none");
  }
  if (c.parallel) add("parallel", char_spec_text(settings.parallel));
  if (c.debugcon && settings.debugcon.kind != CharSpec::Kind::None) add("debugcon", char_spec_text(settings.debugcon));
  if (settings.gdb.kind != CharSpec::Kind::None) {
    std::string where = char_spec_text(settings.gdb);
    if (settings.gdb_options.arch != GdbArch::Auto) {
      where += settings.gdb_options.arch == GdbArch::I386 ? ",arch=i386" : ",arch=i8086";
    }
    if (settings.gdb_options.pc == GdbPc::Linear) where += ",pc=linear";
    add("gdb", where);
  }
  if (settings.start_stopped) lines.emplace_back("-S");
  if (settings.monitor.kind != CharSpec::Kind::None) add("monitor", char_spec_text(settings.monitor));
  if (c.pc_testdev) add("device", "pc-testdev");
  if (c.debug_exit) {
    add("device", fmt::format("isa-debug-exit,iobase={:#x},iosize={:#x}", *c.debug_exit, c.debug_exit_size));
  }
  switch (settings.rtc_base) {
    case RtcBase::Utc: add("rtc", "base=utc"); break;
    case RtcBase::LocalTime: add("rtc", "base=localtime"); break;
    case RtcBase::Date: {
      const machine::DateTime& t = c.rtc_start;
      add("rtc",
          fmt::format("base={:04}-{:02}-{:02}T{:02}:{:02}:{:02}", t.year, t.month, t.day, t.hour, t.minute, t.second));
      break;
    }
  }
  if (c.no_reboot) lines.emplace_back("-no-reboot");
  if (c.no_shutdown) lines.emplace_back("-no-shutdown");
  add_file("name", escape_commas(c.name));
  switch (settings.display) {
    case DisplayKind::Default: break;
    case DisplayKind::None: add("display", "none"); break;
    case DisplayKind::Sdl: add("display", "sdl"); break;
  }
  if (settings.full_screen) lines.emplace_back("-full-screen");
  lines.push_back(fmt::format("--rate {}", c.ticks_per_second));
  switch (effective_speed(settings)) {
    case machine::Speed::Turbo: lines.emplace_back("--speed turbo"); break;
    case machine::Speed::Slow: lines.push_back(fmt::format("--speed {}%", settings.speed_percent)); break;
    case machine::Speed::RealTime:
    case machine::Speed::Paused: break;
  }
  std::string text = "orrery";
  for (const std::string& line : lines) text += " \\\n  " + line;
  return text + "\n";
}

}  // namespace orrery::frontend
