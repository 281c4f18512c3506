#include "frontend/key_values.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "frontend/near.h"
#include "frontend/usage_error.h"

namespace orrery::frontend {
namespace {

std::vector<std::string> split_commas(std::string_view text) {
  std::vector<std::string> parts(1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != ',') {
      parts.back() += text[i];
    } else if (i + 1 < text.size() && text[i + 1] == ',') {
      parts.back() += ',';
      ++i;
    } else {
      parts.emplace_back();
    }
  }
  return parts;
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return result;
}

/// Splits "1.5G" into 1.5 and "g".
std::optional<std::pair<double, std::string>> number_and_unit(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc{} || !std::isfinite(number) || number < 0) return std::nullopt;
  return std::pair(number, lower(text.substr(static_cast<std::size_t>(end - text.data()))));
}

}  // namespace

std::optional<u64> parse_number(std::string_view text) {
  int base = 10;
  if (text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
    base = 16;
    text.remove_prefix(2);
  } else if (text.size() > 1 && text[0] == '0') {
    base = 8;
  }
  u64 value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<u64> parse_size(std::string_view text, u64 unit) {
  const auto parts = number_and_unit(text);
  if (!parts) return std::nullopt;
  std::string suffix = parts->second;
  if (suffix.size() > 1 && suffix.back() == 'b') suffix.pop_back();
  if (suffix.size() > 1 && suffix.back() == 'i') suffix.pop_back();
  static constexpr std::string_view kUnits = "bkmgt";
  double scale = static_cast<double>(unit);
  if (!suffix.empty()) {
    const std::size_t power = suffix.size() == 1 ? kUnits.find(suffix[0]) : std::string_view::npos;
    if (power == std::string_view::npos) return std::nullopt;
    scale = std::ldexp(1.0, static_cast<int>(10 * power));
  }
  const double bytes = parts->first * scale;
  if (bytes >= 9.2e18) return std::nullopt;
  return static_cast<u64>(bytes);
}

std::optional<u64> parse_duration(std::string_view text) {
  const auto parts = number_and_unit(text);
  if (!parts) return std::nullopt;
  double scale = 0;
  if (parts->second.empty() || parts->second == "s") scale = 1e9;
  if (parts->second == "ms") scale = 1e6;
  if (parts->second == "us") scale = 1e3;
  if (parts->second == "m" || parts->second == "min") scale = 60e9;
  if (parts->second == "h") scale = 3600e9;
  const double ns = parts->first * scale;
  if (scale == 0 || ns >= 9.2e18) return std::nullopt;
  return static_cast<u64>(std::llround(ns));
}

std::optional<bool> parse_flag(std::string_view text) {
  const std::string word = lower(text);
  for (const std::string_view yes : {"on", "yes", "true", "y", "1"}) {
    if (word == yes) return true;
  }
  for (const std::string_view no : {"off", "no", "false", "n", "0"}) {
    if (word == no) return false;
  }
  return std::nullopt;
}

std::string escape_commas(std::string_view text) {
  std::string result;
  for (const char c : text) {
    result += c;
    if (c == ',') result += c;
  }
  return result;
}

KeyValues::KeyValues(std::string_view option, std::string_view text, std::string_view implied_key) : option_(option) {
  if (text.empty()) return;
  bool first = true;
  for (const std::string& part : split_commas(text)) {
    const std::size_t equals = part.find('=');
    if (equals != std::string::npos) {
      parts_.push_back({part.substr(0, equals), part.substr(equals + 1), false});
    } else if (first && !implied_key.empty()) {
      parts_.push_back({std::string(implied_key), part, false});
    } else if (!part.empty()) {
      parts_.push_back({part, "on", true});
    }
    first = false;
  }
}

std::optional<std::string> KeyValues::take(std::string_view key) {
  asked_.emplace_back(key);
  std::optional<std::string> value;
  std::erase_if(parts_, [&](const Part& part) {
    if (part.key == key) {
      value = part.value;
      return true;
    }
    if (part.bare && part.key.starts_with("no") && std::string_view(part.key).substr(2) == key) {
      value = "off";
      return true;
    }
    return false;
  });
  return value;
}

std::optional<bool> KeyValues::take_flag(std::string_view key) {
  const std::optional<std::string> value = take(key);
  if (!value) return std::nullopt;
  const std::optional<bool> flag = parse_flag(*value);
  if (!flag) usage_error("{}: {}={} is neither on nor off: give {}=on or {}=off", option_, key, *value, key, key);
  return flag;
}

std::optional<u64> KeyValues::take_number(std::string_view key, u64 min, u64 max) {
  const std::optional<std::string> value = take(key);
  if (!value) return std::nullopt;
  const std::optional<u64> number = parse_number(*value);
  if (!number || *number < min || *number > max) {
    usage_error("{}: {}={} does not work: give a number from {} to {}", option_, key, *value, min, max);
  }
  return number;
}

void KeyValues::ignore(std::initializer_list<std::string_view> keys) {
  for (const std::string_view key : keys) take(key);
}

void KeyValues::finish() {
  if (parts_.empty()) return;
  std::vector<std::string_view> known(asked_.begin(), asked_.end());
  std::ranges::sort(known);
  known.erase(std::unique(known.begin(), known.end()), known.end());
  const std::string& key = parts_.front().key;
  usage_error("{}: unknown key '{}'{}", option_, key, suggestion(key, known));
}

}  // namespace orrery::frontend
