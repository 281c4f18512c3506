// National Semiconductor PC16550D UART, as COM1 to COM4 use it.
//
// PC16550D data sheet (TL/C/8652), chapters 8.0-8.7; IBM PC serial adapter for OUT2, which gates the interrupt pin.
// Both modes are there: 16450 (one byte each way) and FIFO (16 bytes each way, trigger levels, character time-out).
//
// Time: a character takes (start + data + parity + stop bits) x 16 x divisor cycles of 1.8432 MHz. THRE and TEMT are
// functions of the time; interrupts that the passing of time causes are events. With `fast_output` what leaves the
// machine takes the time that it takes at 115200 baud, whatever the divisor: nobody waits for a terminal at 9600 baud.
// A byte is handed to the backend at once when the guest writes it, and one written although the transmitter is full is
// still handed on, so that no output is lost. Five-bit characters, the reset state, cross the machine's edge as eight
// bits: they are a guest's that never programs the UART, and nobody has a teleprinter behind it.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "hw/core/bus.h"
#include "hw/core/char_backend.h"
#include "hw/core/clock.h"
#include "hw/core/device.h"
#include "hw/core/line.h"
#include "hw/core/log.h"

namespace orrery::hw {

class Uart16550 final : public core::Device {
 public:
  struct Wiring {
    std::string name;  // "com1"
    u64 base;          // first of eight ports: 3F8h, 2F8h, 3E8h, 2E8h
    core::PortBus& ports;
    core::Clock& clock;
    core::Log& log;
    core::LevelLine& irq;                  // INTRPT gated by OUT2
    core::CharBackend* backend = nullptr;  // may be null: nobody listens
    bool fast_output = false;              // at 115200 baud at least, but not in loopback
    std::function<void()> accepts = {};    // told when can_receive() may have become true
  };
  explicit Uart16550(Wiring wiring);

  std::string_view name() const override { return w_.name; }
  void reset() override;
  void archive(core::Archive& ar) override;

  /// True if a byte can be received now without an overrun. Not while the guest has the UART in loopback.
  bool can_receive() const;
  /// A byte arrives on SIN. When there is no room, it is an overrun (section 8.6.3, LSR bit 1).
  void receive(u8 byte);
  /// A break arrives: a zero character with the break indication.
  void receive_break();
  /// The modem's side of the lines. All but RI are asserted after construction.
  void set_modem_inputs(bool cts, bool dsr, bool ri, bool dcd);
  /// Where the guest's bytes go from now on; null: nowhere.
  void set_backend(core::CharBackend* backend) { w_.backend = backend; }

  /// Duration of one character at the present divisor and format. Nanoseconds.
  u64 character_ns() const;

 private:
  u64 character_ns(u64 divisor) const;
  /// How long one keeps the transmitter busy.
  u64 transmit_ns() const;
  struct Received {
    u8 byte = 0;
    u8 errors = 0;  // LSR bits that belong to this character
    void archive(core::Archive& ar);
  };
  struct Looped {  // a character on its way from SOUT to SIN in loopback
    u64 at = 0;
    u8 byte = 0;
    void archive(core::Archive& ar);
  };

  u8 read(u64 offset);
  void write(u64 offset, u8 value);
  u8 read_rbr();
  u8 read_iir();
  u8 read_lsr();
  u8 lsr() const;
  u8 msr() const;
  u8 iir() const;
  u8 line_mask() const;  // the data bits of a character that crosses the machine's edge
  void write_thr(u8 value);
  void write_fcr(u8 value);
  void write_lcr(u8 value);
  void write_mcr(u8 value);
  void take(u8 byte, u8 errors);
  void deliver_loop();
  void clear_receiver();
  void clear_transmitter();
  bool fifo() const { return (fcr_ & 1) != 0; }
  bool loopback() const { return (mcr_ & 0x10) != 0; }
  std::size_t trigger() const;
  bool transmitter_empty() const;  // THRE
  bool timeout_pending() const;
  u8 modem_lines() const;
  void update_modem(u8 before);
  void restart_timeout();
  void update();

  Wiring w_;
  core::Event transmit_event_;  // THRE becomes true
  core::Event timeout_event_;   // character time-out
  core::Event loop_event_;      // a looped character arrives

  std::vector<Received> receiver_;  // front is the RBR; at most 16
  std::vector<Looped> loop_;
  u8 last_rbr_ = 0;
  u8 overrun_ = 0;  // LSR bit 1
  u8 ier_ = 0;
  u8 fcr_ = 0;
  u8 lcr_ = 0;
  u8 mcr_ = 0;
  u8 scr_ = 0;
  u8 msr_delta_ = 0;
  u16 divisor_ = 12;
  u8 inputs_ = 0xb0;           // CTS, DSR, DCD from outside, as MSR bits
  bool thre_pending_ = false;  // the THRE interrupt condition, cleared by reading IIR or writing THR
  u64 holding_empty_at_ = 0;   // when the last character moves to the shift register
  u64 all_sent_at_ = 0;        // when its last stop bit has been sent
  u64 timeout_at_ = 0;
  core::IoSpace::Mapping mapping_;
};

}  // namespace orrery::hw
