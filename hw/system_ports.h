// The PC's system control ports: port B (61h: speaker, refresh, parity and I/O check), port A (92h: fast A20 and fast
// reset), the A20 gate itself and the NMI logic.
//
// Source: Intel 82371SB (PIIX3) data sheet, NSC register (61h), NMIEN (70h bit 7) and port 92h; IBM Personal System/2
// Hardware Interface Technical Reference, "System control ports".
//
// The A20 gate has two handles, port 92h and the keyboard controller's output port. Chip sets OR the two, which leaves
// either handle without effect while the other one holds the gate open; a guest that was started by a firmware with a
// taste of its own then finds that its handle does not close the gate. Here the last one that was moved decides, and
// both read back what holds.
#pragma once

#include <array>

#include "hw/core/bus.h"
#include "hw/core/clock.h"
#include "hw/core/device.h"
#include "hw/core/line.h"
#include "hw/core/log.h"

namespace orrery::hw {

class SystemPorts final : public core::Device {
 public:
  /// `timer2_gate`: GATE of timer channel 2 (driven here). `timer2_out`: its OUT (read here). `nmi` is pulsed when a
  /// check asks for NMI; `reset_request` when the guest resets the processor through port 92h.
  SystemPorts(core::PortBus& ports, core::Clock& clock, core::Log& log, core::LevelLine& timer2_gate,
              const core::LevelLine& timer2_out, core::EdgeLine& nmi, core::EdgeLine& reset_request);

  std::string_view name() const override { return "system_ports"; }
  void reset() override;
  void archive(core::Archive& ar) override;

  /// The A20 gate: high lets address bit 20 through. High after reset, as the processor's first fetch needs it.
  core::LevelLine& a20() { return a20_; }
  /// The keyboard controller moves the gate.
  void set_a20(bool enabled) { a20_.set(enabled); }
  /// Speaker data enable (61h bit 1).
  core::LevelLine& speaker_enable() { return speaker_enable_; }

  /// Inputs. SERR# or a memory parity error; IOCHK# of the ISA bus: a rise is latched and asks for NMI.
  core::LevelLine& parity_check() { return parity_check_; }
  core::LevelLine& io_check() { return io_check_; }
  /// Port 70h bit 7: no NMI while high. A check that waits comes when it falls.
  core::LevelLine& nmi_masked() { return nmi_masked_; }

 private:
  u8 read_61();
  void write_61(u8 value);
  void write_92(u8 value);
  void update_nmi();

  core::Clock& clock_;
  core::Log& log_;
  core::LevelLine& timer2_gate_;
  const core::LevelLine& timer2_out_;
  core::EdgeLine& nmi_;
  core::EdgeLine& reset_request_;
  core::LevelLine a20_;
  core::LevelLine speaker_enable_;
  core::LevelLine parity_check_;
  core::LevelLine io_check_;
  core::LevelLine nmi_masked_;
  std::array<core::PortBus::Mapping, 2> mappings_;

  u8 control_ = 0;  // port 61h bits 0 to 3
  bool parity_latch_ = false;
  bool io_check_latch_ = false;
  bool asking_ = false;  // NMI is asked for
  u8 port92_ = 0;        // its bits without a function here
};

}  // namespace orrery::hw
