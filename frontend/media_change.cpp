#include "frontend/media_change.h"

#include <vector>

#include "frontend/image_detect.h"
#include "frontend/near.h"
#include "frontend/usage_error.h"

namespace orrery::frontend {

machine::DriveId removable_drive(const machine::Config& config, std::string_view name) {
  std::vector<std::string> names;
  const auto wanted = machine::drive_from_name(name);
  for (const machine::Drive& drive : config.drives) {
    if (drive.id.interface == machine::Interface::Ide && drive.media != machine::Media::Cdrom) {
      if (wanted == drive.id) usage_error("{} is a hard disk: its medium stays in it", name);
      continue;
    }
    if (wanted == drive.id) return drive.id;
    names.push_back(machine::drive_name(drive.id));
  }
  if (names.empty()) usage_error("there is no drive '{}': this machine has none whose medium can be changed", name);
  const std::vector<std::string_view> views(names.begin(), names.end());
  usage_error("there is no drive '{}': there {} {}", name, views.size() == 1 ? "is" : "are", listing(views));
}

machine::InsertMedium medium_for(machine::DriveId drive, const std::string& path, MediumFlags flags) {
  const bool floppy = drive.interface == machine::Interface::Floppy;
  check_medium(path, floppy ? ImageKind::Floppy : ImageKind::Cdrom, flags.raw);
  machine::Medium medium;
  medium.path = path;
  medium.format = flags.raw ? machine::ImageFormat::Raw : machine::ImageFormat::Probe;
  medium.readonly = flags.readonly || !floppy;
  medium.snapshot = flags.snapshot && !medium.readonly;
  return {drive, std::move(medium)};
}

}  // namespace orrery::frontend
