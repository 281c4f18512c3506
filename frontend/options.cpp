#include "frontend/options.h"

#include <algorithm>

#include "frontend/near.h"
#include "frontend/options_builder.h"
#include "frontend/output_files.h"

namespace orrery::frontend {
namespace {

/// QEMU's options that people paste and that change nothing here.
struct KnownOption {
  std::string_view name;
  bool argument;
};
constexpr KnownOption kIgnored[] = {
    {"no-fd-bootchk", false},
    {"no-user-config", false},
    {"nodefconfig", false},
    {"msg", true},
    {"sandbox", true},
    {"k", true},
    {"overcommit", true},
    {"mem-prealloc", false},
    {"audio", true},
    {"enable-fips", false},
    {"no-quit", false},
    {"uuid", true},
    {"smbios", true},
    {"ctrl-grab", false},
    {"alt-grab", false},
    {"no-frame", false},
    {"win2k-hack", false},
    {"balloon", true},
    {"tb-size", true},
    {"singlestep", false},
    {"one-insn-per-tb", false},
    {"seed", true},
    {"mem-path", true},
};

/// QEMU's options that ask for something this version does not have. `fix` ends the message.
struct MissingOption {
  std::string_view name;
  std::string_view fix;
};
constexpr MissingOption kMissing[] = {
    {"qmp", "this version has no QMP; leave it out"},
    {"dfilter", "the log has everything: pick from it with grep"},
    {"loadvm", "this version keeps no snapshots; leave it out"},
    {"incoming", "machines do not migrate; leave it out"},
    {"daemonize", "the shell does it: orrery ... &"},
    {"vnc", "this version has no VNC display; use -display sdl or -display none"},
    {"spice", "there is no SPICE display; use -display sdl or -display none"},
    {"soundhw", "this version has no sound card; leave it out"},
    {"audiodev", "this version has no sound card; leave it out"},
    {"curses", "this version has no such display; use -nographic and the guest's serial console"},
    {"redir", "this version has no network card; leave it out"},
    {"virtfs", "there are no shared folders; make a disk image of the folder"},
    {"readconfig", "give the options themselves"},
    {"global", "set the property with the -device or -machine that has it"},
    {"object", "leave it out"},
    {"dtb", "a PC has no device tree; leave it out"},
    {"pflash", "give the firmware with -bios FILE"},
    {"sd", "there is no SD card slot; use -hda FILE"},
    {"mtdblock", "there is no flash disk; use -hda FILE"},
};

std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (end != 0) words.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

const OptionSpec* find_option(std::string_view name) {
  for (const OptionSpec& spec : option_table()) {
    for (const std::string_view alias : split_words(spec.names)) {
      if (alias == name) return &spec;
    }
  }
  return nullptr;
}

[[noreturn]] void unknown_option(const std::string& typed, std::string_view name) {
  for (const MissingOption& missing : kMissing) {
    if (missing.name == name) usage_error("{}: {}", typed, missing.fix);
  }
  std::vector<std::string_view> names;
  for (const OptionSpec& spec : option_table()) {
    for (const std::string_view alias : split_words(spec.names)) names.push_back(alias);
  }
  const std::vector<std::string_view> near = near_words(name, names, 1);
  if (near.empty()) usage_error("unknown option {}: `orrery --help-all` lists them all", typed);
  usage_error("unknown option {}: did you mean -{}?", typed, near.front());
}

/// Applies words[at], an option, and gives the index after it and its value.
std::size_t apply_option(Builder& b, std::span<const std::string> words, std::size_t at) {
  const std::string& typed = words[at];
  std::string_view name = std::string_view(typed).substr(typed.starts_with("--") ? 2 : 1);
  std::optional<std::string_view> value;
  if (const std::size_t equals = name.find('='); equals != std::string_view::npos) {
    value = name.substr(equals + 1);
    name = name.substr(0, equals);
  }
  b.option = typed.substr(0, typed.find('='));
  for (const KnownOption& ignored : kIgnored) {
    if (ignored.name != name) continue;
    if (!ignored.argument || value) return at + 1;
    if (at + 1 >= words.size()) b.fail("needs a value: give one, or leave it out, for it changes nothing here");
    return at + 2;
  }
  const OptionSpec* spec = find_option(name);
  if (spec == nullptr) unknown_option(b.option, name);
  if (spec->argument.empty()) {
    if (value) b.fail("takes no value: leave '={}' out", *value);
    spec->apply(b, {});
    return at + 1;
  }
  if (value) {
    spec->apply(b, *value);
    return at + 1;
  }
  if (at + 1 >= words.size()) b.fail("needs a value: {} {}", b.option, spec->argument);
  spec->apply(b, words[at + 1]);
  return at + 2;
}

/// What one option decides for others; after all of them, so that their order does not matter.
void settle_ports(Builder& b) {
  Settings& out = b.out;
  if (b.nographic) {
    out.display = DisplayKind::None;
    const auto is_stdio = [](const CharSpec& spec) { return spec.kind == CharSpec::Kind::Stdio; };
    if (b.serial.empty() && !std::ranges::any_of(b.chardevs, [&](const auto& dev) { return is_stdio(dev.second); })) {
      CharSpec spec;
      spec.kind = CharSpec::Kind::Stdio;
      spec.mux = true;
      b.serial.push_back(spec);
    }
  }
  std::array<machine::Serial, 4>& ports = out.config.serial;
  if (!b.defaults)
    ports = {machine::Serial{false}, machine::Serial{false}, machine::Serial{false}, machine::Serial{false}};
  const bool only_none = !b.serial.empty() && std::ranges::all_of(b.serial, [](const CharSpec& spec) {
    return spec.kind == CharSpec::Kind::None;
  });
  if (only_none)
    ports = {machine::Serial{false}, machine::Serial{false}, machine::Serial{false}, machine::Serial{false}};
  for (std::size_t i = 0; i < b.serial.size(); ++i) {
    out.serial[i] = b.serial[i];
    ports[i].present = b.serial[i].kind != CharSpec::Kind::None;
  }
  if (!b.defaults) out.config.parallel = false;
  if (b.parallel) {
    out.parallel = *b.parallel;
    out.config.parallel = b.parallel->kind != CharSpec::Kind::None;
  }
  out.debugcon.kind = CharSpec::Kind::None;
  if (b.debugcon) out.debugcon = *b.debugcon;
  if (!b.defaults && !b.vga_given) out.config.vga = machine::Vga::None;

  // -chardev stdio,mux=on for a serial port and for -mon: the terminal that Ctrl-A c shares.
  const auto shared = [](const CharSpec& spec) { return spec.kind == CharSpec::Kind::Stdio && spec.mux; };
  if (shared(out.monitor) && std::ranges::any_of(out.serial, shared)) out.monitor = CharSpec::none();
  std::string taken;
  const auto check = [&](const CharSpec& spec, const std::string& who) {
    if (spec.kind != CharSpec::Kind::Stdio) return;
    if (!taken.empty()) {
      usage_error("{}: stdio already belongs to {}: give one of them file:PATH, pty or null", who, taken);
    }
    taken = who;
  };
  for (std::size_t i = 0; i < 4; ++i) check(out.serial[i], fmt::format("-serial (port {})", i));
  check(out.parallel, "-parallel");
  check(out.debugcon, "-debugcon");
  check(out.gdb, "-gdb");
  check(out.monitor, "-monitor");
}

constexpr std::pair<OptionGroup, std::string_view> kGroups[] = {
    {OptionGroup::Machine, "Machine"}, {OptionGroup::Drives, "Drives and images"},
    {OptionGroup::Boot, "Boot"},       {OptionGroup::Ports, "Ports"},
    {OptionGroup::Display, "Display"}, {OptionGroup::Running, "Running, recording, tracing"},
    {OptionGroup::Help, "Help"},
};

std::string option_line(const OptionSpec& spec, bool aliases) {
  const std::vector<std::string_view> names = split_words(spec.names);
  std::string left;
  for (std::size_t i = 0; i < (aliases ? names.size() : 1); ++i) {
    if (i != 0) left += ", ";
    left += '-';
    left += names[i];
  }
  if (!spec.argument.empty()) {
    left += ' ';
    left += spec.argument;
  }
  constexpr std::size_t kColumn = 26, kWidth = 100;
  std::string line = "  " + left;
  line += line.size() + 1 > kColumn ? "\n" + std::string(kColumn, ' ') : std::string(kColumn - line.size(), ' ');
  std::size_t column = kColumn;
  for (const std::string_view word : split_words(spec.help)) {
    if (column != kColumn && column + 1 + word.size() > kWidth) {
      line += "\n" + std::string(kColumn, ' ');
      column = kColumn;
    }
    if (column != kColumn) line += ' ';
    column += word.size() + (column != kColumn ? 1 : 0);
    line += word;
  }
  return line + "\n";
}

}  // namespace

CharSpec Builder::char_spec(std::string_view value) const {
  if (value == "help") throw PrintRequest{char_spec_help()};
  if (value.starts_with("chardev:")) {
    const std::string_view id = value.substr(8);
    const auto found = chardevs.find(id);
    if (found == chardevs.end()) {
      fail("there is no chardev '{}': give -chardev BACKEND,id={} before it", id, id);
    }
    return found->second;
  }
  return parse_char_spec(option, value, context.folder);
}

std::span<const OptionSpec> option_table() {
  static const std::vector<OptionSpec> table = [] {
    std::vector<OptionSpec> all;
    for (const auto part : {machine_options(), drive_options(), port_options(), running_options()}) {
      all.insert(all.end(), part.begin(), part.end());
    }
    return all;
  }();
  return table;
}

Settings parse_options(std::span<const std::string> words, const OptionContext& context) {
  Builder b;
  b.context = context;
  b.out.config.serial = {machine::Serial{true}, machine::Serial{true}, machine::Serial{false}, machine::Serial{false}};
  try {
    bool options = true;
    for (std::size_t at = 0; at < words.size();) {
      if (at >= context.folder_words) b.context.folder.clear();
      const std::string& word = words[at];
      if (options && word == "--") {
        options = false;
        ++at;
      } else if (options && word.size() > 1 && word[0] == '-') {
        at = apply_option(b, words, at);
      } else if (word == "-") {
        usage_error("-: an image cannot come from standard input: save it to a file and give its name");
      } else if (word.empty()) {
        usage_error("an empty word is no image: leave it out, or give the name of a file");
      } else {
        b.images.push_back({path_in(b.context.folder, word)});
        ++at;
      }
    }
  } catch (PrintRequest& request) {
    Settings help;
    help.print = std::move(request.text);
    return help;
  }
  settle_ports(b);
  place_drives(b);
  b.out.snapshot = b.snapshot_all.value_or(false);
  // An image without an option may be the kernel.
  const bool no_kernel = b.out.config.kernel.empty() && (b.context.look_at_images || b.images.empty());
  if (no_kernel && b.append_given) usage_error("-append goes with a kernel: give -kernel FILE too");
  if (no_kernel && !b.out.config.initrd.empty()) {
    usage_error("-initrd goes with a kernel: give -kernel FILE too");
  }
  if (b.context.look_at_images) {
    check_images_apart(b.out.config);
    check_outputs_apart(b.out);
  }
  try {
    machine::Config whole = b.out.config;
    if (!no_kernel && whole.kernel.empty() && !b.images.empty()) whole.kernel = b.images.front().path;
    whole.validate();
  } catch (const machine::ConfigError& error) {
    throw UsageError(error.what());
  }
  return std::move(b.out);
}

bool option_takes_value(std::string_view word) {
  if (word.size() < 2 || word[0] != '-' || word.find('=') != std::string_view::npos) return false;
  const std::string_view name = word.substr(word.starts_with("--") ? 2 : 1);
  for (const KnownOption& ignored : kIgnored) {
    if (ignored.name == name) return ignored.argument;
  }
  const OptionSpec* spec = find_option(name);
  return spec != nullptr && !spec->argument.empty();
}

std::string version_text() { return "Orrery " ORRERY_VERSION ", an x86 PC emulator\n"; }

std::string help_text() {
  std::string text =
      "Usage: orrery [options] [image ...]        boot floppy, disk and CD images, or a kernel\n"
      "       orrery test SCRIPT [options]        run a test script (frontend/README.md)\n"
      "       orrery replay JOURNAL               run again what --record has recorded\n";
  for (const OptionSpec& spec : option_table()) {
    if (spec.common) text += option_line(spec, false);
  }
  return text + "`help` as a value lists the choices; --help-all lists all options.\n";
}

std::string full_help_text() {
  std::string text =
      "Usage: orrery [options] [image ...]\n\nOne or two dashes, as you like; names are QEMU's where it has them.\n";
  for (const auto& [group, title] : kGroups) {
    text += fmt::format("\n{}:\n", title);
    for (const OptionSpec& spec : option_table()) {
      if (spec.group == group) text += option_line(spec, true);
    }
  }
  text +=
      "\nKeys of the window, on left Ctrl and left Alt:\n"
      "  G         grab or release the mouse and the keyboard (a click grabs, too)\n"
      "  1, 2      the guest's screen; the monitor: media, keys, registers (`help` there)\n"
      "  F         full screen\n"
      "  U         1:1, a dot of the guest is a dot of the host\n"
      "  +, -      a bigger or smaller window\n"
      "  I         whole multiples of the guest's lines only\n"
      "  P         pause\n"
      "  Space     turbo: as fast as the host can\n"
      "  V         paste: types the clipboard's text on the guest's keyboard (US layout)\n"
      "  E         screenshot (Print Screen, too)\n"
      "  End       types Ctrl-Alt-Delete\n";
  text += "\nTaken and without effect:";
  for (const KnownOption& ignored : kIgnored) text += fmt::format(" -{}", ignored.name);
  return text + "\n";
}

}  // namespace orrery::frontend
