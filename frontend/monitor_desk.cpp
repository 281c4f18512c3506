// The monitor's commands that work the buttons, the keyboard, the mouse, the drives, the log.
#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <span>

#include "frontend/keys.h"
#include "frontend/media_change.h"
#include "frontend/monitor.h"
#include "frontend/monitor_expression.h"
#include "frontend/near.h"
#include "frontend/png.h"
#include "frontend/usage_error.h"

namespace orrery::frontend {

using Words = std::vector<std::string>;

std::string Monitor::reset(Words) {
  post(machine::ResetButton{});
  if (debugger_.stopped()) machine_.settle();
  return {};
}

std::string Monitor::power_button(Words) {
  post(machine::PowerButton{});
  return {};
}

std::string Monitor::nmi(Words) {
  post(machine::NmiButton{});
  return {};
}

std::string Monitor::send_key(Words words) {
  if (words.empty()) usage_error("sendkey KEYS, for example: sendkey ctrl-alt-delete");
  std::string unknown;
  const auto keys = key_combination(words[0], unknown);
  if (!keys) usage_error("there is no key '{}'{}", unknown, suggestion(unknown, key_names()));
  std::vector<machine::KeyInput> inputs;
  append_combination(inputs, *keys, true);
  for (const machine::KeyInput& input : inputs) post(input);
  return {};
}

std::string Monitor::mouse_move(Words words) {
  if (words.size() < 2) usage_error("mouse_move DX DY [DZ]");
  post(machine::MouseMotion{static_cast<i32>(number(words[0])), static_cast<i32>(number(words[1]))});
  if (words.size() > 2) post(machine::MouseWheel{static_cast<i32>(number(words[2]))});
  return {};
}

std::string Monitor::mouse_button(Words words) {
  if (words.size() != 1) usage_error("mouse_button MASK: 1 left, 2 right, 4 middle, 0 none");
  post(machine::MouseButtons{static_cast<u8>(number(words[0]))});
  return {};
}

std::string Monitor::screen_dump(Words words) {
  // QEMU has the format behind -f.
  std::optional<bool> ppm;
  if (words.size() > 2 && words[1] == "-f") ppm = words[2] == "ppm";
  if (words.empty()) usage_error("screendump FILE, for example: screendump now.png");
  const Picture picture = picture_of(machine_.frame());
  if (ppm.value_or(words[0].ends_with(".ppm"))) {
    write_ppm(words[0], picture);
  } else {
    write_png(words[0], picture);
  }
  return {};
}

std::string Monitor::change(Words words) {
  if (words.size() < 2) usage_error("change DRIVE FILE, for example: change cdrom disc.iso");
  const machine::DriveId drive = removable_drive(machine_.config(), words[0]);
  MediumFlags flags{.snapshot = host_.snapshot};
  for (const std::string& word : std::span(words).subspan(2)) {
    if (word == "raw") {
      flags.raw = true;
    } else if (word == "read-only") {
      flags.readonly = true;
    } else if (word != "retain") {
      usage_error("'{}': behind the file there can be raw and read-only", word);
    }
  }
  post(medium_for(drive, words[1], flags));
  machine_.settle();
  const std::optional<machine::Medium> now = machine_.medium(drive);
  if (!now || now->path != words[1]) return fmt::format("'{}' cannot be used: the drive is empty\n", words[1]);
  return {};
}

std::string Monitor::eject(Words words) {
  const bool force = !words.empty() && words[0] == "-f";
  if (force) words.erase(words.begin());
  if (words.size() != 1) usage_error("eject [-f] DRIVE: `info block` lists them");
  const machine::DriveId drive = removable_drive(machine_.config(), words[0]);
  post(machine::EjectMedium{drive, force});
  machine_.settle();
  if (!machine_.medium(drive)) return {};
  return fmt::format("the guest has locked {} and was asked; `eject -f {}` takes it out all the same\n", words[0],
                     words[0]);
}

std::string Monitor::log(Words words) {
  std::string out;
  std::string_view list = words.empty() ? "" : std::string_view(words[0]);
  if (list.empty()) {
    for (std::size_t n = 0; n < core::kChannelCount; ++n) {
      const auto channel = static_cast<core::Channel>(n);
      out += fmt::format("{} {:14} {}\n", machine_.log().enabled(channel) ? '*' : ' ', core::channel_name(channel),
                         core::channel_help(channel));
    }
    return out;
  }
  const auto all = [&](bool on) {
    for (std::size_t n = 0; n < core::kChannelCount; ++n) machine_.log().enable(static_cast<core::Channel>(n), on);
  };
  all(list == "all");
  while (!list.empty() && list != "all" && list != "none") {
    const std::string_view name = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), name.size() + 1));
    const auto channel = core::channel_from_name(name);
    if (!channel) usage_error("there is no log channel '{}': `log` alone lists them", name);
    machine_.log().enable(*channel);
  }
  return {};
}

std::string Monitor::log_file(Words words) {
  if (words.size() != 1) usage_error("logfile FILE, for example: logfile /tmp/orrery.log");
  const std::shared_ptr<std::FILE> file(std::fopen(words[0].c_str(), "w"), [](std::FILE* f) {
    if (f != nullptr) std::fclose(f);
  });
  if (!file) usage_error("'{}' cannot be written: {}", words[0], std::strerror(errno));
  std::setvbuf(file.get(), nullptr, _IOLBF, BUFSIZ);  // somebody watches it
  machine_.log().set_sink([file](std::string_view line) {
    std::fwrite(line.data(), 1, line.size(), file.get());
    std::fputc('\n', file.get());
  });
  return {};
}

std::string Monitor::quit(Words) {
  host_.quit();
  return {};
}

}  // namespace orrery::frontend
