// The 8042 keyboard and auxiliary device controller of a PS/2-style PC, ports 60h and 64h.
//
// Source: IBM Personal System/2 Hardware Interface Technical Reference, "Keyboard and Auxiliary Device Controller"
// (status register, command byte, commands, output port) and its AT predecessor; the translation table of scan code set
// 2 is that of the same book.
//
// A byte takes kByteNs on a device's cable and is fetched only while its port is enabled and the output buffer free;
// answers of the controller itself come at once and go before the devices' bytes.
#pragma once

#include <array>
#include <functional>
#include <vector>

#include "hw/core/bus.h"
#include "hw/core/clock.h"
#include "hw/core/device.h"
#include "hw/core/line.h"
#include "hw/core/log.h"
#include "hw/core/ps2.h"

namespace orrery::hw {

class KeyboardController final : public core::Device {
 public:
  /// About what eleven bits take at 14 kHz.
  static constexpr u64 kByteNs = 800'000;

  /// The A20 gate is shared with port 92h: the controller sets it and reads it back in its output port.
  struct A20Gate {
    std::function<void(bool enabled)> set;
    std::function<bool()> get;
  };

  /// `mouse` may be null: then nothing answers on the auxiliary port. `irq_keyboard` is IRQ 1, `irq_mouse` IRQ 12.
  /// `reset_request` is pulsed when the guest resets the processor through the controller.
  KeyboardController(core::PortBus& ports, core::Clock& clock, core::Log& log, core::Ps2Port& keyboard,
                     core::Ps2Port* mouse, core::LevelLine& irq_keyboard, core::LevelLine& irq_mouse, A20Gate a20,
                     core::EdgeLine& reset_request);

  std::string_view name() const override { return "i8042"; }
  void reset() override;
  void archive(core::Archive& ar) override;

  /// True when the guest has read every byte of the keyboard: none waits in the keyboard, none in the controller.
  bool keyboard_drained() const;

 private:
  enum class Source : u8 { None, Keyboard, Mouse };

  u8 read_data();
  u8 status() const;
  void write_data(u8 value);
  void write_command(u8 value);
  void write_output_port(u8 value);
  u8 output_port() const;
  void set_command_byte(u8 value);
  void respond(u8 value, Source source = Source::None);
  void put(u8 value, Source source);
  void fetch();
  void arrived();
  void arrived_from_keyboard(u8 byte);
  void send_to_mouse(u8 byte);
  bool port_enabled(Source source) const;
  void update_irqs();

  struct Response {
    u8 value = 0;
    Source source = Source::None;
    void archive(core::Archive& ar);
  };

  core::Log& log_;
  core::Clock& clock_;
  core::Ps2Port& keyboard_;
  core::Ps2Port* mouse_;
  core::LevelLine& irq_keyboard_;
  core::LevelLine& irq_mouse_;
  A20Gate a20_;
  core::EdgeLine& reset_request_;
  core::Event byte_;
  std::array<core::PortBus::Mapping, 2> mappings_;

  std::array<u8, 32> ram_{};  // byte 0 is the command byte
  u8 output_ = 0;             // the output buffer
  bool full_ = false;
  Source from_ = Source::None;  // of the byte in the output buffer; None: the controller's own
  bool timeout_ = false;        // the mouse port did not answer
  bool last_was_command_ = false;
  u8 pending_command_ = 0;  // the command whose parameter port 60h takes next, 0: none
  bool release_ = false;    // translation: F0h was seen
  Source on_cable_ = Source::None;
  std::vector<Response> responses_;
};

}  // namespace orrery::hw
