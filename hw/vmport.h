// VMware's backdoor port 5658h, as far as pointer drivers use it: version, and the absolute pointer ("vmmouse").
//
// Source: the vmmouse drivers of Linux and X.Org for command numbers and the packet format. A guest reads the port with
// 564D5868h in EAX and a command in CX; parameters and results are registers, which the board lends through callbacks.
// EAX of the answer is the value that IN returns. While the driver has asked for absolute positions, packets of four
// words wait in a bounded queue; `notify` is called for each, and the board answers with a report of the PS/2 mouse,
// whose interrupt wakes the driver.
#pragma once

#include <deque>
#include <functional>

#include "hw/core/bus.h"
#include "hw/core/device.h"
#include "hw/core/log.h"

namespace orrery::hw {

class VmPort final : public core::Device {
 public:
  /// The low halves of the guest's registers.
  struct Registers {
    u32 eax = 0, ebx = 0, ecx = 0, edx = 0, esi = 0, edi = 0;
  };
  using GetRegisters = std::function<Registers()>;
  /// Sets all but EAX, which the port access itself delivers.
  using SetRegisters = std::function<void(const Registers&)>;

  VmPort(core::PortBus& ports, core::Log& log, GetRegisters get, SetRegisters set, std::function<void()> notify);

  std::string_view name() const override { return "vmport"; }
  void reset() override;
  void archive(core::Archive& ar) override;

  /// True while a guest's driver takes absolute positions.
  bool absolute() const { return enabled_ && absolute_; }
  /// The pointer is at x, y: 0 to 65535 across the picture. Ignored unless absolute().
  void move_to(u16 x, u16 y);
  /// Which buttons are down: bit 0 left, 1 right, 2 middle.
  void set_buttons(u8 down);
  /// The wheel turns; away from the user is positive.
  void wheel(i32 notches);

 private:
  u32 answer();
  void command(u32 what);
  u32 status() const;
  void queue_packet(i32 wheel);

  core::Log& log_;
  GetRegisters get_;
  SetRegisters set_;
  std::function<void()> notify_;
  core::PortBus::Mapping mapping_;

  bool enabled_ = false;
  bool absolute_ = false;
  bool error_ = false;
  u16 x_ = 0;
  u16 y_ = 0;
  u8 buttons_ = 0;
  std::deque<u32> queue_;  // words
};

}  // namespace orrery::hw
