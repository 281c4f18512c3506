#include "hw/core/keys.h"

#include <array>
#include <utility>

namespace orrery::core {
namespace {

constexpr std::pair<Key, std::string_view> kNames[] = {
#define ORRERY_KEY(name, text, usage, prefix, set1, set2, set3, kind, group) {Key::name, text},
#include "hw/core/keys.inc"
#undef ORRERY_KEY
};

constexpr std::pair<std::string_view, Key> kAliases[] = {
    {"asterisk", Key::KpMultiply}, {"menu", Key::Menu},      {"sysrq", Key::Print},  {"ctrl_l", Key::Ctrl},
    {"shift_l", Key::Shift},       {"alt_l", Key::Alt},      {"meta", Key::MetaL},   {"enter", Key::Ret},
    {"return", Key::Ret},          {"escape", Key::Esc},     {"space", Key::Spc},    {"left_shift", Key::Shift},
    {"right_shift", Key::ShiftR},  {"left_ctrl", Key::Ctrl}, {"left_alt", Key::Alt}, {"right_ctrl", Key::CtrlR},
    {"right_alt", Key::AltR},      {"page_up", Key::PageUp}, {"altgr", Key::AltR},   {"page_down", Key::PageDown},
    {"del", Key::Delete},          {"ins", Key::Insert},     {"period", Key::Dot},   {"kp_period", Key::KpDecimal},
};

}  // namespace

std::string_view key_name(Key key) {
  for (const auto& [k, name] : kNames) {
    if (k == key) return name;
  }
  return {};
}

std::optional<Key> key_from_name(std::string_view name) {
  for (const auto& [key, text] : kNames) {
    if (text == name) return key;
  }
  for (const auto& [text, key] : kAliases) {
    if (text == name) return key;
  }
  return std::nullopt;
}

std::optional<Key> key_from_usage(u8 usage) {
  const Key key = static_cast<Key>(usage);
  return key_name(key).empty() ? std::nullopt : std::optional(key);
}

}  // namespace orrery::core
