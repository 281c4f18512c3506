// The host's keyboard: which keys go to the guest, and which the window keeps for itself.
#pragma once

#include <SDL.h>

#include "machine/input.h"

namespace orrery::frontend {

/// The guest's key in the same place of the keyboard; 0 if a PC keyboard has no such key. What is printed on the key
/// does not matter: the guest's own keyboard layout decides.
machine::KeyUsage guest_key(SDL_Scancode scancode);

/// What the window does itself, on left Ctrl + left Alt + a key (AltGr is right Alt, and stays the guest's).
enum class HostKey : u8 {
  None,
  Grab,           // G: the mouse and the keyboard belong to the guest, or not any more
  FullScreen,     // F
  OneToOne,       // U: a dot of the guest is a dot of the host
  Bigger,         // +
  Smaller,        // -
  Integer,        // I: every line is as high as the others
  Pause,          // P
  Turbo,          // Space
  Screen,         // 1: the guest's screen
  Monitor,        // 2: the monitor
  Paste,          // V: the clipboard is typed
  Screenshot,     // E, Print Screen
  CtrlAltDelete,  // End: what the host's desktop would not let through
};

/// The letter that is printed on the key counts, or its place on a US keyboard where that is no Latin letter.
HostKey host_key(const SDL_Keysym& key);

}  // namespace orrery::frontend
