// The keys of a PC keyboard: host side names of what a person presses, whatever the guest's scan code set.
//
// The value of a Key is its number in the USB HID usage tables (keyboard page 07h), so a recorded key is a number that
// stays. All keys and their codes stand in hw/core/keys.inc.
#pragma once

#include <optional>
#include <string_view>

#include "hw/core/types.h"

namespace orrery::core {

enum class Key : u8 {
#define ORRERY_KEY(name, text, usage, prefix, set1, set2, set3, kind, group) name = (usage),
#include "hw/core/keys.inc"
#undef ORRERY_KEY
};

/// QEMU's name of a key (QKeyCode), for example "ret", "shift" or "kp_7"; empty for a number that is no key.
std::string_view key_name(Key key);

/// The key with that name. Takes the aliases of QEMU's `sendkey` too ("left_shift", "asterisk", "menu").
std::optional<Key> key_from_name(std::string_view name);

/// The key with that HID usage number, if there is one.
std::optional<Key> key_from_usage(u8 usage);

}  // namespace orrery::core
