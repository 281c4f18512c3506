// Disk, floppy and CD images on the host, as the drives of the machine see them: a run of bytes, a multiple of 512
// long.
//
// Everything here runs on the machine thread and is synchronous; the drives give requests their virtual duration. An
// image that is open for writing is locked against every other process and every other machine of this process; one
// that is open for reading shares its lock with other readers (open file description locks on Linux, flock elsewhere).
//
// What the archive holds of a disk are its changed clusters (4 KiB) since it was opened, never the whole disk:
//  * With `snapshot`, changes go to an overlay (in memory, beyond 64 MiB in an unlinked temporary file); the image
//    is opened for reading only and never touched.
//  * Without, changes go to the image at once, and the original of each changed cluster is kept in the same kind of
//    store, so that loading an earlier archive can put it back.
//
// An image that was opened as raw stays raw for ever: a guest cannot write the magic number of another format to the
// start of an image whose format was found by probing (such a write fails), because the next probe would be led astray.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "hw/core/archive.h"
#include "hw/core/types.h"

namespace orrery::hw {

inline constexpr u64 kSectorSize = 512;

/// An image cannot be used; what() is one line that names the image and the fix.
class ImageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

enum class ImageFormat : u8 {
  Probe,  // raw unless it starts with the magic number of a format that is not supported: then ImageError
  Raw,    // raw, whatever the bytes look like
};

struct OpenOptions {
  bool read_only = false;
  /// Changes go to an overlay that is gone when the image is closed.
  bool snapshot = false;
  /// If the image may not be written, open it for reading instead of failing.
  bool read_only_if_needed = false;
  ImageFormat format = ImageFormat::Probe;
  /// Where overlays go that have become too big for memory.
  std::string temporary_folder = "/var/tmp";
};

class BlockDevice {
 public:
  virtual ~BlockDevice() = default;
  BlockDevice() = default;
  BlockDevice(const BlockDevice&) = delete;
  BlockDevice& operator=(const BlockDevice&) = delete;

  /// What the user called it, for messages: usually the path.
  virtual const std::string& name() const = 0;
  /// Bytes; a multiple of 512 (the last sector of an odd image is padded with zeros) and never 0.
  virtual u64 size() const = 0;
  virtual bool read_only() const = 0;

  /// Reads `out.size()` bytes at `offset` (any alignment). False if the range lies outside the device or the host
  /// failed (see last_error()); `out` is then all zeros.
  [[nodiscard]] virtual bool read(u64 offset, std::span<u8> out) = 0;
  /// Writes all of `data` or returns false: outside the device, read-only, or the host failed.
  [[nodiscard]] virtual bool write(u64 offset, std::span<const u8> data) = 0;
  /// Everything written so far is on the host's disk when this returns true.
  [[nodiscard]] virtual bool flush() = 0;

  /// Makes the device at least `size` bytes long (rounded up to 512): zeros beyond the present end. The image itself
  /// grows when the guest first writes there.
  virtual void pad_to(u64 size) = 0;
  /// One line on the last failed read, write or flush; empty if there was none.
  virtual const std::string& last_error() const = 0;
  /// Who hears of failures that are the host's and not the guest's (a full disk, a file cut short by another program, a
  /// refused change of format): one line that names the fix, once for each kind. The guest gets its error all the same.
  virtual void on_trouble(std::function<void(std::string_view line)> listener) { (void)listener; }

  /// The changed clusters, in a section "image". Loading puts every cluster back as it was, on a read-only device too
  /// if it has an overlay; throws core::ArchiveError if the image's size is not that of the archive, or the host fails.
  virtual void archive(core::Archive& ar) = 0;

  u64 sectors() const { return size() / kSectorSize; }
};

/// Opens an image file or host block device. Throws ImageError.
std::unique_ptr<BlockDevice> open_image(const std::string& path, const OpenOptions& options = {});

/// A disk in memory with these contents (padded to a multiple of 512; must not be empty): tests, built-in disks.
std::unique_ptr<BlockDevice> memory_image(std::vector<u8> contents, std::string name, bool read_only = false);

/// A drive's opening for removable media (or a fixed disk that never changes). The board owns it and puts media in; the
/// drive reads and writes what is there and archives it as part of its own state.
class MediaSlot {
 public:
  explicit MediaSlot(std::string name) : name_(std::move(name)) {}
  MediaSlot(std::string name, std::unique_ptr<BlockDevice> medium) : name_(std::move(name)) {
    insert(std::move(medium));
  }
  MediaSlot(const MediaSlot&) = delete;
  MediaSlot& operator=(const MediaSlot&) = delete;

  const std::string& name() const { return name_; }
  /// The medium in the drive, or null.
  BlockDevice* medium() const { return medium_.get(); }

  /// Puts a medium in; one that is there comes out first (two change signals). Null only ejects.
  void insert(std::unique_ptr<BlockDevice> medium);
  /// Takes the medium out (null if there is none).
  std::unique_ptr<BlockDevice> eject();
  /// Called by the drive when the guest has opened the tray. The medium stays in it until the board takes it out.
  void tell_guest_ejected() {
    if (guest_eject_) guest_eject_();
  }

  /// True while the guest has locked the door. The board asks before it ejects; a drive sets it.
  bool locked() const { return locked_; }
  void set_locked(bool locked) { locked_ = locked; }

  /// Counts media changes since power-on; part of the archive, so that the board can tell which medium belongs there.
  u32 changes() const { return changes_; }

  /// The drive hears of every change, after it: medium() is the new state. One listener.
  void on_change(std::function<void()> listener) { drive_ = std::move(listener); }
  /// The board hears that the guest has opened the tray.
  void on_guest_eject(std::function<void()> listener) { guest_eject_ = std::move(listener); }
  /// Asked while an archive is loaded that was made with another medium in the drive: gives the medium that was there
  /// after `changes` changes. Without it, loading such an archive throws core::ArchiveError.
  void set_provider(std::function<std::unique_ptr<BlockDevice>(u32 changes)> provider) {
    provider_ = std::move(provider);
  }

  /// Whether there is a medium, how many changes there were, the lock, and the medium's own changes. Sends no signals.
  void archive(core::Archive& ar);

 private:
  std::string name_;
  std::unique_ptr<BlockDevice> medium_;
  bool locked_ = false;
  u32 changes_ = 0;
  std::function<void()> drive_;
  std::function<void()> guest_eject_;
  std::function<std::unique_ptr<BlockDevice>(u32)> provider_;
};

}  // namespace orrery::hw
