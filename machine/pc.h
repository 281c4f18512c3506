// The board: machine/pc*.cpp are the only files that know all chips and wire them.
//
// A chip's outputs go to lines and callbacks given here; what the board must act on between instructions (a reset, the
// power switch, the exit device) is kept as a request until the run loop takes it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cpu/cpu.h"
#include "hw/core/archive.h"
#include "hw/core/bus.h"
#include "hw/core/clock.h"
#include "hw/core/log.h"
#include "hw/core/memory.h"
#include "machine/config.h"
#include "machine/host.h"
#include "machine/input.h"
#include "machine/journal.h"

namespace orrery::hw {
class Display;
class Speaker;
}  // namespace orrery::hw

namespace orrery::machine {

class Pc {
 public:
  struct Context {
    const Config& config;
    const Host& host;
    core::Clock& clock;
    core::Log& log;
    std::function<void(std::string_view line)> report;  // for the user
    std::function<void(FileMark mark)> mark;            // each file the board is built from
  };

  /// Opens images and firmware; everything is in its power-on state. Throws ConfigError.
  explicit Pc(Context context);
  ~Pc();
  Pc(const Pc&) = delete;
  Pc& operator=(const Pc&) = delete;

  /// RESET# of everything.
  void reset();
  /// INIT# of the processor and its local APIC alone.
  void init_processor();
  /// The CMOS shutdown byte (0Fh): not 0 if software wants the processor back after a reset of it (PC AT).
  u8 shutdown_code() const;

  /// What chips asked for since the last call.
  struct Requests {
    bool power_off = false;
    bool hard_reset = false;        // RESET# of everything
    bool soft_reset = false;        // of the processor: 8042, port 92h, CF9h without bit 1
    bool init = false;              // an INIT message of an APIC: the processor and nothing else
    std::optional<u32> debug_exit;  // the exit status
    const char* reset_source = "";
  };
  Requests take_requests();

  /// Everything but RateChange and ResetButton, which are the machine's.
  void apply(const Input& input);
  /// All chips, the waiting inputs and, last, the processor. Neither RAM nor clock.
  void archive(core::Archive& ar);

  cpu::Cpu& cpu();
  core::GuestMemory& memory();
  core::PortBus& ports();
  /// A byte of the display adapter's window (A0000-BFFFF), read without effects; nothing elsewhere.
  std::optional<u8> peek(u64 address);
  /// Null without a display adapter.
  hw::Display* display();
  hw::Speaker& speaker();

  std::size_t typing_pending() const;
  std::size_t serial_pending(unsigned port) const;
  bool absolute_pointer() const;
  u8 keyboard_leds() const;
  bool drive_active(DriveId drive) const;
  std::optional<Medium> medium(DriveId drive) const;
  std::optional<std::string> info(std::string_view topic);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace orrery::machine
