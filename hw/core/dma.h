// A DMA channel as a device on the ISA bus sees it: DRQ, DACK transfers and terminal count.
#pragma once

#include "hw/core/types.h"

namespace orrery::core {

class DmaChannel {
 public:
  virtual ~DmaChannel() = default;

  /// DRQ: the device wants to transfer. Shows in the controller's status register.
  virtual void set_request(bool level) = 0;
  /// True if the channel would acknowledge now: unmasked, controller enabled, mode programmed for this direction
  /// (`to_memory`: a "write transfer" in the data sheet's words).
  virtual bool ready(bool to_memory) const = 0;
  /// One acknowledged cycle of a unit (8 bits on channels 0-3, 16 on 5-7) from the device to memory. Only when ready().
  /// Returns true if terminal count was reached with this unit. In verify mode nothing is stored.
  virtual bool to_memory(u16 unit) = 0;
  /// One acknowledged cycle from memory to the device. Returns true at terminal count.
  virtual bool from_memory(u16& unit) = 0;
};

}  // namespace orrery::core
