// The command line: `orrery [options] [image ...]`, with QEMU's names and one or two dashes.
//
// The options are a table (option_table()); the parser, the help texts and the "did you mean" all read it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/settings.h"

namespace orrery::frontend {

struct Builder;  // frontend/options_builder.h

enum class OptionGroup : u8 { Machine, Drives, Boot, Ports, Display, Running, Help };

struct OptionSpec {
  std::string_view names;     // without dashes; the first is the one to show, the others are aliases
  std::string_view argument;  // what follows, for the help; empty: nothing does
  std::string_view help;      // one line
  OptionGroup group;
  bool common;  // on the one screen of -help
  void (*apply)(Builder& builder, std::string_view value);
};

/// All options, in the order of the help.
std::span<const OptionSpec> option_table();

/// How a list of words becomes Settings.
struct OptionContext {
  /// Relative file names are taken from here; empty: from the current folder.
  std::string folder;
  /// ... but only in the first `folder_words` words; those behind are the user's, from the current folder.
  std::size_t folder_words = ~std::size_t{0};
  /// Images are opened for their kind, size and format. Without, those that no option names are left out: for looking
  /// at options alone.
  bool look_at_images = true;
};

/// Reads options and images into one machine. Later options win where one value is asked for. Throws UsageError; what()
/// names the option and the fix. `help` as a value and -help give Settings::print.
Settings parse_options(std::span<const std::string> words, const OptionContext& context = {});

/// Whether `word` is an option that is followed by its value in the next word.
bool option_takes_value(std::string_view word);

/// One screen.
std::string help_text();
/// Everything.
std::string full_help_text();
std::string version_text();

}  // namespace orrery::frontend
