// The values of options as QEMU writes them: "first,key=value,flag", with ",," for a comma inside a value.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hw/core/types.h"

namespace orrery::frontend {

/// The parts of one option's value. A part without "=" is `key=on`, or `key=off` if it starts with "no" and the caller
/// asks for the rest of it ("nowait" is "wait=off"); the very first one is the value of the implied key, if there is
/// one. Each part is taken once; finish() refuses what nobody took. Errors are UsageErrors that start with the option.
class KeyValues {
 public:
  KeyValues(std::string_view option, std::string_view text, std::string_view implied_key = {});

  /// The value of `key`; of several the last. Nothing if it is not there.
  std::optional<std::string> take(std::string_view key);
  /// on/off, yes/no, true/false, y/n, 1/0.
  std::optional<bool> take_flag(std::string_view key);
  /// A number in decimal, hexadecimal with 0x or octal with 0, from `min` to `max`.
  std::optional<u64> take_number(std::string_view key, u64 min, u64 max);
  /// Drops keys that QEMU knows and that change nothing here.
  void ignore(std::initializer_list<std::string_view> keys);
  /// Refuses what is left, with the nearest key that was asked for.
  void finish();

  const std::string& option() const { return option_; }

 private:
  struct Part {
    std::string key;
    std::string value;
    bool bare;
  };
  std::string option_;
  std::vector<Part> parts_;
  std::vector<std::string> asked_;
};

/// A number in decimal, hexadecimal (0x) or octal (leading 0); the whole text must be one.
std::optional<u64> parse_number(std::string_view text);
/// A size: a number, perhaps with a fraction, and a unit of B, K, M, G or T (1024 each; "KiB" and "KB" are the same).
/// Without a unit it counts `unit` bytes.
std::optional<u64> parse_size(std::string_view text, u64 unit);
/// Seconds, perhaps with a fraction; or with a unit: 500ms, 30s, 2m, 1h. Gives nanoseconds.
std::optional<u64> parse_duration(std::string_view text);
std::optional<bool> parse_flag(std::string_view text);
/// Doubles commas, so that `text` can stand inside a value.
std::string escape_commas(std::string_view text);

}  // namespace orrery::frontend
