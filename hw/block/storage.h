// Where the bytes of an image lie: the inside of hw/block, not for drives.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "hw/block/image.h"
#include "hw/core/types.h"

namespace orrery::hw {

/// A run of bytes that may grow at its end. Reads beyond the end give zeros. On failure false and error(): one line
/// that names the fix.
class Storage {
 public:
  virtual ~Storage() = default;
  virtual u64 size() const = 0;
  virtual bool read(u64 offset, std::span<u8> out) = 0;
  virtual bool write(u64 offset, std::span<const u8> data) = 0;
  /// Grows to at least `size` bytes, the new ones zero.
  virtual bool grow(u64 size) = 0;
  virtual bool flush() = 0;
  const std::string& error() const { return error_; }

 protected:
  std::string error_;
};

/// An open, locked host file (or block device) at `path`. `writable` tells what it was opened for. Throws ImageError.
std::unique_ptr<Storage> open_file_storage(const std::string& path, const OpenOptions& options, bool& writable);

/// The storage as a device with an overlay (`overlay`) or written through. `guard_magic`: refuse writes that would make
/// the image look like another format.
std::unique_ptr<BlockDevice> make_device(std::unique_ptr<Storage> storage, std::string name, bool read_only,
                                         bool overlay, bool guard_magic, std::string temporary_folder);

/// The name of the foreign format whose magic number `head` (the first bytes of an image) starts with, or empty.
std::string_view foreign_format(std::span<const u8> head);

}  // namespace orrery::hw
