#include "frontend/keys.h"

#include <algorithm>
#include <array>

#include "frontend/near.h"
#include "frontend/usage_error.h"

namespace orrery::frontend {
namespace {

using machine::KeyUsage;

struct KeyName {
  std::string_view name;
  KeyUsage key;
};

// HID usage tables 1.12, page 07h.
constexpr KeyName kNames[] = {
    {"enter", 40},       {"ret", 40},        {"return", 40},       {"esc", 41},           {"escape", 41},
    {"backspace", 42},   {"bs", 42},         {"tab", 43},          {"space", 44},         {"spc", 44},
    {"minus", 45},       {"equal", 46},      {"bracket_left", 47}, {"bracket_right", 48}, {"backslash", 49},
    {"semicolon", 51},   {"apostrophe", 52}, {"grave_accent", 53}, {"grave", 53},         {"comma", 54},
    {"dot", 55},         {"period", 55},     {"slash", 56},        {"caps_lock", 57},     {"capslock", 57},
    {"print", 70},       {"sysrq", 70},      {"printscreen", 70},  {"scroll_lock", 71},   {"scrolllock", 71},
    {"pause", 72},       {"insert", 73},     {"ins", 73},          {"home", 74},          {"pgup", 75},
    {"pageup", 75},      {"delete", 76},     {"del", 76},          {"end", 77},           {"pgdn", 78},
    {"pagedown", 78},    {"right", 79},      {"left", 80},         {"down", 81},          {"up", 82},
    {"num_lock", 83},    {"numlock", 83},    {"kp_divide", 84},    {"kp_multiply", 85},   {"asterisk", 85},
    {"kp_subtract", 86}, {"kp_add", 87},     {"kp_enter", 88},     {"kp_1", 89},          {"kp_2", 90},
    {"kp_3", 91},        {"kp_4", 92},       {"kp_5", 93},         {"kp_6", 94},          {"kp_7", 95},
    {"kp_8", 96},        {"kp_9", 97},       {"kp_0", 98},         {"kp_decimal", 99},    {"less", 100},
    {"menu", 101},       {"compose", 101},   {"ctrl", 224},        {"ctrl_l", 224},       {"shift", 225},
    {"shift_l", 225},    {"alt", 226},       {"alt_l", 226},       {"meta_l", 227},       {"win", 227},
    {"meta", 227},       {"super", 227},     {"ctrl_r", 228},      {"shift_r", 229},      {"alt_r", 230},
    {"altgr", 230},      {"meta_r", 231},    {"win_r", 231},
};

constexpr std::string_view kFunctionNames[] = {"f1",  "f2",  "f3",  "f4",  "f5",  "f6",  "f7",  "f8",
                                               "f9",  "f10", "f11", "f12", "f13", "f14", "f15", "f16",
                                               "f17", "f18", "f19", "f20", "f21", "f22", "f23", "f24"};

struct Symbol {
  char plain;
  char shifted;
  KeyUsage key;
};
constexpr Symbol kSymbols[] = {
    {'1', '!', 30},  {'2', '@', 31}, {'3', '#', 32},  {'4', '$', 33}, {'5', '%', 34}, {'6', '^', 35},  {'7', '&', 36},
    {'8', '*', 37},  {'9', '(', 38}, {'0', ')', 39},  {'-', '_', 45}, {'=', '+', 46}, {'[', '{', 47},  {']', '}', 48},
    {'\\', '|', 49}, {';', ':', 51}, {'\'', '"', 52}, {'`', '~', 53}, {',', '<', 54}, {'.', '>', 55},  {'/', '?', 56},
    {' ', ' ', 44},  {'\n', 0, 40},  {'\r', 0, 40},   {'\t', 0, 43},  {'\b', 0, 42},  {'\x1b', 0, 41},
};

constexpr KeyUsage kLeftShift = 225;

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return result;
}

}  // namespace

std::optional<KeyUsage> key_from_name(std::string_view text) {
  const std::string name = lower(text);
  if (name.size() == 1) {
    const auto key = key_for_character(name[0]);
    return key && !key->shift ? std::optional(key->key) : std::nullopt;
  }
  for (std::size_t i = 0; i < std::size(kFunctionNames); ++i) {
    if (kFunctionNames[i] == name) return static_cast<KeyUsage>(i < 12 ? 58 + i : 104 + i - 12);
  }
  const auto* found = std::ranges::find(kNames, std::string_view(name), &KeyName::name);
  return found != std::end(kNames) ? std::optional(found->key) : std::nullopt;
}

std::optional<std::vector<KeyUsage>> key_combination(std::string_view text, std::string& unknown) {
  std::vector<KeyUsage> keys;
  while (!text.empty()) {
    // A dash or plus at the start of a part is the key itself: "ctrl--".
    const std::size_t end = std::min(text.find_first_of("-+", 1), text.size());
    const std::string_view name = text.substr(0, end);
    std::optional<KeyUsage> key = key_from_name(name);
    if (name == "+") key = key_from_name("equal");
    if (!key) {
      unknown = name;
      return std::nullopt;
    }
    keys.push_back(*key);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (keys.empty()) return std::nullopt;
  return keys;
}

std::vector<std::string_view> key_names() {
  std::vector<std::string_view> names;
  for (const KeyName& name : kNames) names.push_back(name.name);
  names.insert(names.end(), std::begin(kFunctionNames), std::end(kFunctionNames));
  return names;
}

std::optional<CharacterKey> key_for_character(char c) {
  if (c >= 'a' && c <= 'z') return CharacterKey{static_cast<KeyUsage>(4 + c - 'a'), false};
  if (c >= 'A' && c <= 'Z') return CharacterKey{static_cast<KeyUsage>(4 + c - 'A'), true};
  for (const Symbol& symbol : kSymbols) {
    if (symbol.plain == c) return CharacterKey{symbol.key, false};
    if (symbol.shifted != 0 && symbol.shifted == c) return CharacterKey{symbol.key, true};
  }
  return std::nullopt;
}

void append_combination(std::vector<machine::KeyInput>& inputs, const std::vector<KeyUsage>& keys, bool paced) {
  for (const KeyUsage key : keys) inputs.push_back({key, true, paced});
  for (std::size_t i = keys.size(); i-- > 0;) inputs.push_back({keys[i], false, paced});
}

namespace {

void append_character(std::vector<machine::KeyInput>& inputs, const CharacterKey& key) {
  append_combination(inputs, key.shift ? std::vector<KeyUsage>{kLeftShift, key.key} : std::vector{key.key}, true);
}

}  // namespace

std::vector<machine::KeyInput> pasted_keys(std::string_view text, std::size_t& left_out) {
  std::vector<machine::KeyInput> inputs;
  left_out = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<u8>(text[i]);
    if (byte == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    const auto key = byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r'
                         ? std::nullopt
                         : key_for_character(byte == '\r' ? '\n' : text[i]);
    if (key) {
      append_character(inputs, *key);
    } else if ((byte & 0xc0) != 0x80) {  // once a character
      ++left_out;
    }
  }
  return inputs;
}

std::vector<machine::KeyInput> typed_keys(std::string_view text) {
  std::vector<machine::KeyInput> inputs;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '{' && i + 1 < text.size() && text[i + 1] != '{') {
      const std::size_t end = text.find('}', i + 1);
      if (end == std::string_view::npos) usage_error("'{{' without '}}': write {{{{ for a brace");
      const std::string_view name = text.substr(i + 1, end - i - 1);
      std::string unknown;
      const auto keys = key_combination(name, unknown);
      if (!keys) usage_error("there is no key '{}'{}", unknown, suggestion(unknown, key_names()));
      append_combination(inputs, *keys, true);
      i = end;
      continue;
    }
    if (text[i] == '{' && i + 1 < text.size()) ++i;  // a doubled brace
    const auto key = key_for_character(text[i]);
    if (!key) usage_error("a US keyboard cannot type the byte {:#04x}: use ASCII", static_cast<u8>(text[i]));
    append_character(inputs, *key);
  }
  return inputs;
}

}  // namespace orrery::frontend
