#include "frontend/output_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>
#include <vector>

#include "frontend/usage_error.h"

namespace orrery::frontend {
namespace {

constexpr std::string_view kFix = "give a file in a writable folder";

[[noreturn]] void cannot_write(std::string_view option, const std::string& path, int why) {
  usage_error("{} '{}': cannot be written: {}: {}", option, path, std::strerror(why),
              why == ENOSPC ? "make room on that disk" : kFix);
}

/// Which file it is, whatever name it goes by. Nothing for what is no file: a terminal, a pipe, /dev/null.
struct Identity {
  dev_t device = 0;
  ino_t number = 0;
  std::string name;  // of a file that is not there yet
  bool operator==(const Identity&) const = default;
};

std::optional<Identity> identity(const std::string& path) {
  if (path.empty() || path == "-") return std::nullopt;
  struct stat info{};
  if (::stat(path.c_str(), &info) == 0) {
    if (!S_ISREG(info.st_mode) && !S_ISBLK(info.st_mode)) return std::nullopt;
    return Identity{info.st_dev, info.st_ino, {}};
  }
  std::error_code error;
  const auto whole = std::filesystem::weakly_canonical(std::filesystem::absolute(path, error), error);
  return Identity{0, 0, error ? path : whole.string()};
}

struct NamedFile {
  std::string what;
  Identity file;
  bool shared = false;  // several may append to it
};

}  // namespace

void check_output(std::string_view option, const std::string& path) {
  if (path.empty() || path == "-") return;
  struct stat info{};
  if (::stat(path.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode)) cannot_write(option, path, EISDIR);
    if (::access(path.c_str(), W_OK) != 0) cannot_write(option, path, errno);
    return;
  }
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  if (::access(folder.c_str(), W_OK | X_OK) != 0) cannot_write(option, path, errno);
}

void check_outputs_apart(const Settings& settings) {
  std::vector<NamedFile> inputs, outputs;
  const auto input = [&](std::string what, const std::string& path) {
    if (const auto file = identity(path)) inputs.push_back({std::move(what), *file});
  };
  const machine::Config& config = settings.config;
  for (const machine::Drive& drive : config.drives) {
    if (drive.medium) input("the image in drive " + machine::drive_name(drive.id), drive.medium->path);
  }
  input("the -kernel", config.kernel);
  for (const std::string& module : config.initrd) input("the -initrd", module.substr(0, module.find(' ')));
  input("the -bios", config.bios);
  for (const std::string& rom : config.option_roms) input("an -option-rom", rom);

  const auto output = [&](std::string_view option, const std::string& path, bool shared = false) {
    const auto file = identity(path);
    if (!file) return;
    for (const NamedFile& other : inputs) {
      if (other.file == *file) usage_error("{} '{}': it is {}: give another file", option, path, other.what);
    }
    for (const NamedFile& other : outputs) {
      if (other.file == *file && !(shared && other.shared)) {
        usage_error("{} '{}': {} writes to it already: give another file", option, path, other.what);
      }
    }
    outputs.push_back({std::string(option), *file, shared});
  };
  const auto port = [&](std::string_view option, const CharSpec& spec) {
    if (spec.kind == CharSpec::Kind::File) output(option, spec.path, spec.append);
  };
  output("-D", settings.log_file);
  output("-record", settings.record);
  output("-pidfile", settings.pidfile);
  output("-screen-text", settings.screen_text);
  output("-screenshot", settings.screenshot);
  for (const CharSpec& spec : settings.serial) port("-serial", spec);
  port("-parallel", settings.parallel);
  port("-debugcon", settings.debugcon);
  port("-monitor", settings.monitor);
  port("-gdb", settings.gdb);
}

void check_images_apart(const machine::Config& config) {
  struct Image {
    const machine::Drive* drive;
    Identity file;
    bool written;
  };
  std::vector<Image> images;
  for (const machine::Drive& drive : config.drives) {
    if (!drive.medium) continue;
    const auto file = identity(drive.medium->path);
    if (!file) continue;
    const bool written = !drive.medium->readonly && !drive.medium->snapshot && drive.media != machine::Media::Cdrom;
    for (const Image& other : images) {
      if (other.file != *file || !(written || other.written)) continue;
      usage_error(
          "'{}' is in two drives, {} and {}: give each an image of its own, or leave it as it is with -snapshot",
          drive.medium->path, machine::drive_name(other.drive->id), machine::drive_name(drive.id));
    }
    images.push_back({&drive, *file, written});
  }
}

void write_output(std::string_view option, const std::string& path, std::string_view bytes) {
  std::FILE* file = path == "-" ? stdout : std::fopen(path.c_str(), "wb");
  if (file == nullptr) cannot_write(option, path, errno);
  int why = 0;
  if (std::fwrite(bytes.data(), 1, bytes.size(), file) != bytes.size() || std::fflush(file) != 0) why = errno;
  if (file != stdout && std::fclose(file) != 0 && why == 0) why = errno;
  if (why != 0) cannot_write(option, path, why);
}

}  // namespace orrery::frontend
