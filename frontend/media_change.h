// Media that are changed while a machine runs: by the monitor, by a file that is dropped on the window.
#pragma once

#include <string>
#include <string_view>

#include "machine/input.h"
#include "machine/machine.h"

namespace orrery::frontend {

/// The drive that people call so ("fda", "floppy0", "cdrom", "ide1-cd0"), if this machine has one whose medium can be
/// changed. Throws UsageError, which names those that it has.
machine::DriveId removable_drive(const machine::Config& config, std::string_view name);

struct MediumFlags {
  bool readonly = false;
  bool snapshot = false;  // changes are lost at the end
  bool raw = false;       // whatever its bytes look like
};

/// The input that puts the file into the drive, once it has been looked at as the command line does. Throws UsageError.
machine::InsertMedium medium_for(machine::DriveId drive, const std::string& path, MediumFlags flags);

}  // namespace orrery::frontend
