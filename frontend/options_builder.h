// What the handlers of options work on; for frontend/options*.cpp only.
#pragma once

#include <fmt/format.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "frontend/key_values.h"
#include "frontend/options.h"
#include "frontend/settings.h"
#include "frontend/usage_error.h"

namespace orrery::frontend {

/// Thrown by a handler that wants a text printed and nothing else done.
struct PrintRequest {
  std::string text;
};

/// A drive as the options name it, before it has a bay.
struct PendingDrive {
  std::string option;  // for messages: "-fda", "-drive"
  std::string path;    // empty: no medium
  machine::ImageFormat format = machine::ImageFormat::Probe;
  std::optional<machine::Interface> interface;  // nothing: if=none, waits for a -device
  machine::Media media = machine::Media::Disk;
  std::optional<u8> index;
  bool readonly = false;
  std::optional<bool> snapshot;
  std::string id;
};

struct PendingImage {
  std::string path;
};

struct Builder {
  Settings out;
  OptionContext context;
  std::string option;  // the option that is being applied, as it was typed

  std::vector<PendingDrive> drives;
  std::vector<PendingImage> images;
  std::vector<CharSpec> serial;
  std::map<std::string, CharSpec, std::less<>> chardevs;
  std::optional<bool> snapshot_all;
  std::optional<CharSpec> parallel, debugcon;
  bool defaults = true;
  bool nographic = false;
  bool vga_given = false;
  bool serial_given = false;
  bool append_given = false;

  machine::Config& config() { return out.config; }

  template <class... Args> [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    throw UsageError(option + ": " + fmt::format(format, std::forward<Args>(args)...));
  }
  template <class... Args> void note(fmt::format_string<Args...> format, Args&&... args) {
    out.notes.push_back(fmt::format(format, std::forward<Args>(args)...));
  }
  std::string path(std::string_view value) const {
    if (value.empty()) fail("the file has no name: give one");
    return path_in(context.folder, value);
  }
  CharSpec char_spec(std::string_view value) const;
};

std::span<const OptionSpec> machine_options();
std::span<const OptionSpec> drive_options();
std::span<const OptionSpec> port_options();
std::span<const OptionSpec> running_options();

/// -M's accel=, -accel and -enable-kvm.
void apply_accelerator(Builder& b, std::string_view name);
/// -device of a drive; false if `driver` is none.
bool apply_drive_device(Builder& b, std::string_view driver, KeyValues& keys);

/// Gives every drive and positional image its bay. After all options.
void place_drives(Builder& b);

}  // namespace orrery::frontend
