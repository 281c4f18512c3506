// What every chip is to the board: something with a name that can be reset and archived.
//
// A device sees offsets, widths, lines and a clock, nothing else: its constructor takes what it is wired to (PortBus&,
// Clock&, Log&, LevelLine&, callbacks), it maps its own registers and never includes another chip's header. It reads no
// host clock, no host randomness and no host input. See hw/README.md.
#pragma once

#include <string_view>

#include "hw/core/archive.h"

namespace orrery::core {

class Device {
 public:
  Device() = default;
  virtual ~Device() = default;
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  /// Unique within a machine; also the name of its archive section, for example "pit".
  virtual std::string_view name() const = 0;
  /// The RESET# pin: back to the data sheet's power-on values. Also called once when the machine is built.
  virtual void reset() = 0;
  /// Saves, loads or compares all state that a guest could ever notice, inside one section named name().
  virtual void archive(Archive& ar) = 0;
};

}  // namespace orrery::core
