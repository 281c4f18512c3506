// A PS/2 device (keyboard, mouse) as the controller at the other end of its cable sees it.
//
// The controller owns the pace: it fetches a byte when its port is enabled and its output buffer is free. A device that
// has something to say calls the hook once and waits.
#pragma once

#include <functional>
#include <utility>

#include "hw/core/types.h"

namespace orrery::core {

class Ps2Port {
 public:
  virtual ~Ps2Port() = default;

  /// The controller sends a byte to the device.
  virtual void receive(u8 byte) = 0;
  /// True while the device wants to send.
  virtual bool has_byte() const = 0;
  /// Takes the next byte; only while has_byte().
  virtual u8 take_byte() = 0;

  /// Called whenever has_byte() may have become true. Set by the controller.
  void on_byte(std::function<void()> hook) { on_byte_ = std::move(hook); }

 protected:
  void byte_ready() {
    if (on_byte_) on_byte_();
  }

 private:
  std::function<void()> on_byte_;
};

}  // namespace orrery::core
