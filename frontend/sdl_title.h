// What stands in the window's title.
#pragma once

#include <string>

#include "frontend/session.h"

namespace orrery::frontend {

/// "guest - 100 %, 98 MIPS, interp - Orrery": the guest's name, how fast its time goes compared with ours, how many
/// millions of instructions a second its processor has (and of how many, if the host is too slow for what was
/// configured: `nominal_rate` ticks a second), and the engine. While the guest has the mouse, how to get it back.
std::string window_title(const Status& status, u64 nominal_rate, bool grabbed);

}  // namespace orrery::frontend
