// -display, -d, -run-for, --record and the help: how a machine is shown, run and watched.
#include <algorithm>

#include "frontend/near.h"
#include "frontend/options_builder.h"

namespace orrery::frontend {
namespace {

void apply_display(Builder& b, std::string_view value) {
  static constexpr std::string_view kDisplays[] = {"sdl", "none"};
  if (value == "help" || value == "?") {
    throw PrintRequest{"Displays:\n  sdl   a window (the default where there can be one)\n  none  no window\n"};
  }
  // "vnc=:0" is a key with a value to the eye only.
  for (const std::string_view other : {"vnc", "spice-app", "dbus", "curses"}) {
    if (value.starts_with(other)) b.fail("unknown display '{}': there are {}", other, listing(kDisplays));
  }
  KeyValues keys(b.option, value, "type");
  const std::string type = keys.take("type").value_or("");
  keys.ignore({"gl", "grab-mod", "show-cursor", "window-close", "grab-on-hover", "zoom-to-fit", "show-menubar"});
  if (keys.take_flag("full-screen").value_or(false)) b.out.full_screen = true;
  keys.finish();
  if (type == "sdl" || type == "gtk" || type == "cocoa") {
    b.out.display = DisplayKind::Sdl;
    if (type != "sdl") b.note("-display {}: the window is an SDL one", type);
  } else if (type == "none" || type == "egl-headless") {
    b.out.display = DisplayKind::None;
  } else {
    b.fail("unknown display '{}': there are {}", type, listing(kDisplays));
  }
}

void apply_log(Builder& b, std::string_view value) {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < core::kChannelCount; ++i)
    names.push_back(core::channel_name(static_cast<core::Channel>(i)));
  if (value == "help" || value == "?") {
    std::string text = "Log channels (-d A,B,...; `all` for all):\n";
    for (std::size_t i = 0; i < core::kChannelCount; ++i) {
      text += fmt::format("  {:14}{}\n", names[i], core::channel_help(static_cast<core::Channel>(i)));
    }
    throw PrintRequest{text};
  }
  // Of QEMU's translator; there is nothing like them here.
  static constexpr std::string_view kQemuOnly[] = {"out_asm", "op",     "op_opt", "op_ind", "op_plugin",
                                                   "plugin",  "strace", "page",   "tid",    "vpu"};
  while (!value.empty()) {
    const std::size_t end = std::min(value.find(','), value.size());
    const std::string_view name = value.substr(0, end);
    value.remove_prefix(std::min(end + 1, value.size()));
    if (name == "all") {
      b.out.log_channels.set();
    } else if (const auto channel = core::channel_from_name(name)) {
      b.out.log_channels.set(static_cast<std::size_t>(*channel));
    } else if (std::ranges::find(kQemuOnly, name) != std::end(kQemuOnly) || name.starts_with("trace:")) {
      b.note("-d {}: a part of QEMU; nothing is logged for it", name);
    } else if (!name.empty()) {
      b.fail("unknown channel '{}'{}", name, suggestion(name, names));
    }
  }
}

void apply_run_for(Builder& b, std::string_view value) {
  const std::optional<u64> ns = parse_duration(value);
  if (!ns || *ns == 0)
    b.fail("'{}' is not a time: give virtual seconds, for example -run-for 10 or -run-for 500ms", value);
  b.out.run_for = *ns;
}

void apply_speed(Builder& b, std::string_view value) {
  std::string_view digits = value;
  if (digits.ends_with('%')) digits.remove_suffix(1);
  if (value == "help") {
    throw PrintRequest{
        "Speeds:\n  realtime  one virtual second a second (the default with a window or a terminal)\n"
        "  turbo     as fast as the host can (the default else)\n  N%        that part of real time, 1 to 100\n"};
  }
  if (value == "realtime" || value == "real-time") {
    b.out.speed = machine::Speed::RealTime;
  } else if (value == "turbo") {
    b.out.speed = machine::Speed::Turbo;
  } else if (const auto percent = parse_number(digits); percent && *percent >= 1 && *percent <= 100) {
    b.out.speed = *percent == 100 ? machine::Speed::RealTime : machine::Speed::Slow;
    b.out.speed_percent = static_cast<unsigned>(*percent);
  } else {
    b.fail("'{}' is not a speed: give realtime, turbo or a percentage from 1% to 100%", value);
  }
}

void apply_action(Builder& b, std::string_view value) {
  KeyValues keys(b.option, value);
  const auto reboot = keys.take("reboot");
  const auto shutdown = keys.take("shutdown");
  keys.ignore({"panic", "watchdog"});
  keys.finish();
  if (reboot && *reboot != "reset" && *reboot != "shutdown") b.fail("reboot={}: give reset or shutdown", *reboot);
  if (shutdown && *shutdown != "poweroff" && *shutdown != "pause")
    b.fail("shutdown={}: give poweroff or pause", *shutdown);
  if (reboot) b.config().no_reboot = *reboot == "shutdown";
  if (shutdown) b.config().no_shutdown = *shutdown == "pause";
}

void apply_exit_code(Builder& b, std::string_view value) {
  if (value != "qemu" && value != "raw") b.fail("'{}': give qemu (value * 2 + 1) or raw (the value)", value);
  b.out.exit_code = value == "raw" ? ExitCode::Raw : ExitCode::Qemu;
}

}  // namespace

std::span<const OptionSpec> running_options() {
  using enum OptionGroup;
  static constexpr OptionSpec kOptions[] = {
      {"display", "sdl|none", "a window, or none", Display, true, apply_display},
      {"nographic", "", "no window; COM1 is this terminal (Ctrl-A h for help)", Display, true,
       [](Builder& b, std::string_view) { b.nographic = true; }},
      {"full-screen", "", "start with the window filling the screen", Display, false,
       [](Builder& b, std::string_view) { b.out.full_screen = true; }},
      {"sdl", "", "the same as -display sdl", Display, false,
       [](Builder& b, std::string_view) { b.out.display = DisplayKind::Sdl; }},
      {"screen-text", "FILE", "at the end: the text screen, to a file; - is standard output", Display, false,
       [](Builder& b, std::string_view value) { b.out.screen_text = b.path(value); }},
      {"screenshot", "FILE", "at the end: the picture, as PNG", Display, true,
       [](Builder& b, std::string_view value) { b.out.screenshot = b.path(value); }},

      {"run-for", "SECONDS", "end after so many virtual seconds", Running, true, apply_run_for},
      {"speed", "SPEED", "realtime, turbo or a percentage", Running, false, apply_speed},
      {"no-reboot", "", "end when the guest resets", Running, true,
       [](Builder& b, std::string_view) { b.config().no_reboot = true; }},
      {"no-shutdown", "", "stay when the guest switches off", Running, false,
       [](Builder& b, std::string_view) { b.config().no_shutdown = true; }},
      {"action", "EVENT=ACTION", "reboot=reset|shutdown, shutdown=poweroff|pause", Running, false, apply_action},
      {"exit-code", "qemu|raw", "the exit status that isa-debug-exit gives", Running, false, apply_exit_code},
      {"record", "FILE", "record the run: every input and when it came in", Running, true,
       [](Builder& b, std::string_view value) { b.out.record = b.path(value); }},
      {"state-hash", "", "at the end: print the hash of the whole machine", Running, false,
       [](Builder& b, std::string_view) { b.out.print_hash = true; }},
      {"d", "CHANNEL,...", "log: int, guest_errors, unimp ...; `help`", Running, true, apply_log},
      {"D", "FILE", "log to a file instead of standard error", Running, false,
       [](Builder& b, std::string_view value) { b.out.log_file = b.path(value); }},
      {"pidfile", "FILE", "write the process id to a file", Running, false,
       [](Builder& b, std::string_view value) { b.out.pidfile = b.path(value); }},
      {"explain", "", "print the machine, fully spelled, and end", Running, true,
       [](Builder& b, std::string_view) { b.out.explain = true; }},

      {"version", "", "print the version", Help, true,
       [](Builder&, std::string_view) { throw PrintRequest{version_text()}; }},
      {"help h", "", "print the most used options", Help, false,
       [](Builder&, std::string_view) { throw PrintRequest{help_text()}; }},
      {"help-all", "", "print all options", Help, false,
       [](Builder&, std::string_view) { throw PrintRequest{full_help_text()}; }},
  };
  return kOptions;
}

}  // namespace orrery::frontend
