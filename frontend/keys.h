// Keys by name and by character, as HID usage numbers (machine::KeyUsage).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "machine/input.h"

namespace orrery::frontend {

/// The key with that name: a to z, 0 to 9, f1 to f24, and names such as enter, esc, ctrl, alt_r, pgup, kp_5, minus.
/// QEMU's sendkey names (ret, spc, meta_l ...) are known too. Case does not matter.
std::optional<machine::KeyUsage> key_from_name(std::string_view name);

/// "ctrl-alt-del" or "shift+a": keys to be pressed in this order and released in the opposite one. Nothing if one of
/// them is not known; then `unknown` is its name.
std::optional<std::vector<machine::KeyUsage>> key_combination(std::string_view text, std::string& unknown);

/// All names, for "did you mean".
std::vector<std::string_view> key_names();

/// The key for a character on a US keyboard, and whether it needs Shift. '\n' is Enter, '\t' Tab, '\b' Backspace, ESC
/// Escape.
struct CharacterKey {
  machine::KeyUsage key;
  bool shift;
};
std::optional<CharacterKey> key_for_character(char c);

/// Presses and releases: a whole combination.
void append_combination(std::vector<machine::KeyInput>& inputs, const std::vector<machine::KeyUsage>& keys, bool paced);

/// Text (UTF-8) as it is, typed on a US keyboard; counts the characters that it has no keys for.
std::vector<machine::KeyInput> pasted_keys(std::string_view text, std::size_t& left_out);

/// Text to be typed, with {name} or {ctrl-c} for keys and {{ for a brace. Throws UsageError for what no US keyboard
/// has.
std::vector<machine::KeyInput> typed_keys(std::string_view text);

}  // namespace orrery::frontend
