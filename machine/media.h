// A drive bay: the opening that a drive looks into, and which image files have been in it.
//
// The history is part of the machine's state: an earlier state can only be loaded if the medium of that time can be put
// back.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hw/block/image.h"
#include "hw/core/archive.h"
#include "machine/config.h"

namespace orrery::machine {

class MediaBay {
 public:
  /// Makes a medium ready for the drive of this bay (pads a floppy image, checks a size) or throws hw::ImageError.
  using Prepare = std::function<void(hw::BlockDevice&)>;

  /// Opens what `drive` says is in it at the start. Throws ConfigError.
  MediaBay(const Drive& drive, Prepare prepare, std::function<void(std::string_view line)> report);

  const Drive& drive() const { return drive_; }
  hw::MediaSlot& slot() { return slot_; }
  /// What is in it now, if something is.
  const std::optional<Medium>& medium() const { return now_; }

  /// While the machine runs; failures are reported and leave the drive empty. False for a fixed disk.
  bool insert(const Medium& medium);
  /// False if the guest has locked the door and `force` is not set, or for a fixed disk. Without a medium: true.
  bool eject(bool force);

  /// The history alone: the drive archives the slot. To be called before the drive's archive().
  void archive(core::Archive& ar);

 private:
  struct Change {
    u32 changes = 0;  // MediaSlot::changes() after it
    std::optional<Medium> medium;
    void archive(core::Archive& ar) {
      ar("changes", changes);
      ar("medium", medium);
    }
  };

  std::unique_ptr<hw::BlockDevice> open(const Medium& medium) const;
  std::unique_ptr<hw::BlockDevice> reopen(u32 changes) const;
  void note(std::optional<Medium> medium);
  bool removable() const { return drive_.id.interface == Interface::Floppy || drive_.media == Media::Cdrom; }

  Drive drive_;
  Prepare prepare_;
  std::function<void(std::string_view)> report_;
  hw::MediaSlot slot_;
  std::optional<Medium> now_;
  std::vector<Change> history_;
};

}  // namespace orrery::machine
