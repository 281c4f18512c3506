// Everything that can reach a machine from outside while it runs: a closed set.
//
// The front end posts an Input to the machine's gate from any thread; it enters at a fixed tick and is on record in the
// journal (machine/input_gate.h, machine/journal.h).
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "hw/core/archive.h"
#include "hw/core/types.h"
#include "machine/config.h"

namespace orrery::machine {

/// A key as the USB HID usage tables number it (keyboard page 07h); SDL_Scancode has the same numbers. 4 = A ... 29 =
/// Z, 30 = 1 ... 39 = 0, 40 = Enter, 224 = left Ctrl ... 231 = right GUI.
using KeyUsage = u8;

/// A key goes down or up. A paced key waits in the machine until the guest has taken all that was typed before out of
/// the keyboard controller, so that scripts cannot overrun a keyboard buffer; an unpaced one arrives at once.
/// The Pause key (72) and Print Screen (70) send their special sequences.
struct KeyInput {
  KeyUsage key = 0;
  bool down = false;
  bool paced = false;
  bool operator==(const KeyInput&) const = default;
};

/// All keys that are down go up, and paced keys that wait are dropped: the window lost the focus.
struct ReleaseKeys {
  bool operator==(const ReleaseKeys&) const = default;
};

/// The relative mouse moves; right and down are positive.
struct MouseMotion {
  i32 dx = 0, dy = 0;
  bool operator==(const MouseMotion&) const = default;
};

/// The absolute pointer (Machine::absolute_pointer()) is at x, y; 0 to 65535 across the picture.
struct PointerMotion {
  u16 x = 0, y = 0;
  bool operator==(const PointerMotion&) const = default;
};

/// Which buttons are down: bit 0 left, 1 right, 2 middle, 3 and 4 side buttons.
struct MouseButtons {
  u8 down = 0;
  bool operator==(const MouseButtons&) const = default;
};

/// The wheel turns by `notches`; away from the user is positive.
struct MouseWheel {
  i32 notches = 0;
  bool operator==(const MouseWheel&) const = default;
};

/// Bytes arrive on serial port 0-3. They wait in the machine until the guest's UART can take them.
struct SerialInput {
  u8 port = 0;
  std::vector<u8> bytes;
  bool operator==(const SerialInput&) const = default;
};

/// A medium is put into a floppy or CD-ROM drive (what is in it comes out first). A file that cannot be opened leaves
/// the drive empty and is reported through Host::report.
struct InsertMedium {
  DriveId drive;
  Medium medium;
  bool operator==(const InsertMedium&) const = default;
};

/// The drive's button: the medium comes out. A locked CD-ROM drive asks the guest first unless forced.
struct EjectMedium {
  DriveId drive;
  bool force = false;
  bool operator==(const EjectMedium&) const = default;
};

struct ResetButton {
  bool operator==(const ResetButton&) const = default;
};

/// The ACPI power button: the guest may shut down. See also Machine::request_stop().
struct PowerButton {
  bool operator==(const PowerButton&) const = default;
};

struct NmiButton {
  bool operator==(const NmiButton&) const = default;
};

/// The governor's: from this tick on, this many ticks make a virtual second.
struct RateChange {
  u64 ticks_per_second = 0;
  bool operator==(const RateChange&) const = default;
};

/// The debugger or the monitor writes guest-physical memory.
struct MemoryWrite {
  u64 address = 0;
  std::vector<u8> bytes;
  bool operator==(const MemoryWrite&) const = default;
};

/// The debugger or the monitor writes an I/O port.
struct PortWrite {
  u16 port = 0;
  u8 width = 1;
  u32 value = 0;
  bool operator==(const PortWrite&) const = default;
};

/// The debugger or the monitor replaced the processor's state: the archive of the cpu after it.
struct CpuWrite {
  std::vector<u8> archive;
  bool operator==(const CpuWrite&) const = default;
};

/// The monitor reads an I/O port, which devices notice; see Machine::port_value().
struct PortRead {
  u16 port = 0;
  u8 width = 1;
  bool operator==(const PortRead&) const = default;
};

/// The other side of a serial line holds it low for a while: a break arrives on serial port 0-3, at once.
struct SerialBreak {
  u8 port = 0;
  bool operator==(const SerialBreak&) const = default;
};

/// New kinds go to the end: the index is in journals.
using Input = std::variant<KeyInput, ReleaseKeys, MouseMotion, PointerMotion, MouseButtons, MouseWheel, SerialInput,
                           InsertMedium, EjectMedium, ResetButton, PowerButton, NmiButton, RateChange, MemoryWrite,
                           PortWrite, CpuWrite, PortRead, SerialBreak>;

/// One line for logs, for example "key 4 down".
std::string describe(const Input& input);

}  // namespace orrery::machine
