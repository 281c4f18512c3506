// The host's end of a character device: where the bytes go that a guest sends through a UART, a printer port or a debug
// port. Bytes for the guest do not come from here: they enter through the machine's input gate, which calls the chip's
// receive() when its can_receive() says so.
#pragma once

#include "hw/core/types.h"

namespace orrery::core {

class CharBackend {
 public:
  virtual ~CharBackend() = default;

  /// The guest sent a byte. Called on the machine thread; must not block and must not feed back into the guest.
  virtual void transmit(u8 byte) = 0;
  /// The guest holds the line in the break state, or releases it.
  virtual void set_break(bool on) { static_cast<void>(on); }
  /// The guest changed its modem control outputs.
  virtual void set_modem(bool dtr, bool rts) {
    static_cast<void>(dtr);
    static_cast<void>(rts);
  }
};

}  // namespace orrery::core
