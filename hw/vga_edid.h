// The monitor's description as guests read it from the adapter: VESA E-EDID release A, revision 1 (structure 1.4).
#pragma once

#include <array>

#include "hw/core/types.h"

namespace orrery::hw {

/// The base block of a digital monitor that prefers 1024 by 768 at 60 Hz and takes the usual sizes up to 1920 by 1200.
std::array<u8, 128> vga_edid();

}  // namespace orrery::hw
