// Ports that no PC ever had and that guests under emulators use all the same: a debug console at E9h, SeaBIOS's log at
// 402h, POST codes at 80h, isa-debug-exit, and the power-off ports of Bochs and of older QEMU (B004h, 8900h).
//
// Where several emulators have such a port, this one behaves as they do: E9h and 402h read back E9h, which is how
// software finds out that somebody listens.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "hw/core/bus.h"
#include "hw/core/char_backend.h"
#include "hw/core/device.h"
#include "hw/core/log.h"

namespace orrery::hw {

class DebugPorts final : public core::Device {
 public:
  struct Exit {
    u16 base = 0xf4;
    u8 size = 4;  // 1, 2 or 4 ports
  };
  struct Wiring {
    core::PortBus& ports;
    core::Log& log;
    bool console = true;                           // E9h
    core::CharBackend* console_backend = nullptr;  // may be null
    bool firmware_log = true;                      // 402h; whole lines also go to the log channel `firmware`
    core::CharBackend* firmware_backend = nullptr;
    bool post_codes = true;  // 80h; false if another chip has that port, which then calls post_code()
    bool power_off_ports = true;
    std::optional<Exit> exit = {};
    /// Called with (value << 1) | 1 at the instruction that writes the exit port; the machine stops there.
    std::function<void(u32 code)> on_exit = {};
    std::function<void()> power_off = {};
  };
  explicit DebugPorts(Wiring wiring);

  std::string_view name() const override { return "debug-ports"; }
  void reset() override;
  void archive(core::Archive& ar) override;

  /// A POST code was written to port 80h.
  void post_code(u8 code);
  /// The last one.
  u8 last_post_code() const { return post_code_; }

 private:
  void firmware_byte(u8 byte);
  void shutdown_byte(u8 byte);

  Wiring w_;
  std::string line_;  // of the firmware's log, not yet ended
  u8 post_code_ = 0;
  u8 shutdown_matched_ = 0;  // characters of "Shutdown" seen at 8900h
  core::IoSpace::Mapping console_;
  core::IoSpace::Mapping firmware_;
  core::IoSpace::Mapping post_;
  core::IoSpace::Mapping exit_;
  core::IoSpace::Mapping bochs_off_;
  core::IoSpace::Mapping shutdown_;
};

}  // namespace orrery::hw
