// Host files: opening, locking, and errors that name the fix.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "hw/block/storage.h"

namespace orrery::hw {
namespace {

class FileStorage final : public Storage {
 public:
  FileStorage(std::string path, int fd, u64 size, bool can_grow)
      : path_(std::move(path)), fd_(fd), size_(size), can_grow_(can_grow) {}
  ~FileStorage() override { ::close(fd_); }

  u64 size() const override { return size_; }

  bool read(u64 offset, std::span<u8> out) override {
    u64 done = 0;
    while (done < out.size()) {
      const ssize_t n = ::pread(fd_, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
      if (n < 0) {
        if (errno == EINTR) continue;
        return fail("read");
      }
      if (n == 0) {  // beyond the end
        if (offset + done < size_) return cut_short();
        break;
      }
      done += static_cast<u64>(n);
    }
    std::fill(out.begin() + static_cast<i64>(done), out.end(), u8{0});
    return true;
  }

  bool write(u64 offset, std::span<const u8> data) override {
    // A write behind the end of what another program has cut off would look as if the rest were still there.
    if (can_grow_ && present_size() < size_) return cut_short();
    u64 done = 0;
    while (done < data.size()) {
      const ssize_t n = ::pwrite(fd_, data.data() + done, data.size() - done, static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n == 0) errno = ENOSPC;
      if (n <= 0) return fail("write");
      done += static_cast<u64>(n);
    }
    size_ = std::max(size_, offset + data.size());
    return true;
  }

  bool grow(u64 size) override {
    if (size <= size_) return true;
    if (!can_grow_) {
      error_ = fmt::format("'{}' is a host device and cannot grow; give one of whole sectors", path_);
      return false;
    }
    // Never shorter: another program may have made it longer meanwhile.
    if (present_size() < size && ::ftruncate(fd_, static_cast<off_t>(size)) != 0) return fail("grow");
    size_ = size;
    return true;
  }

  bool flush() override {
#if defined(__linux__)
    const int result = ::fdatasync(fd_);
#else
    const int result = ::fsync(fd_);
#endif
    return result == 0 || errno == EINVAL || errno == EROFS || fail("flush");
  }

 private:
  bool fail(std::string_view what) {
    const int why = errno;
    const std::string_view fix = why == ENOSPC || why == EDQUOT ? "make room on the disk it is on"
                                 : why == EFBIG                 ? "allow bigger files (ulimit -f), or move it"
                                                                : "check the disk it is on";
    error_ = fmt::format("cannot {} '{}': {}; {}", what, path_, std::strerror(why), fix);
    return false;
  }

  bool cut_short() {
    error_ = fmt::format("'{}' was cut short by another program: it had {} bytes; start again with the whole image",
                         path_, size_);
    return false;
  }

  u64 present_size() const {
    struct stat info{};
    return ::fstat(fd_, &info) == 0 ? static_cast<u64>(info.st_size) : 0;
  }

  std::string path_;
  int fd_;
  u64 size_;
  bool can_grow_;
};

/// A lock for as long as the descriptor is open. False if somebody else holds a conflicting one; a file system without
/// locks counts as success.
bool lock_file(int fd, bool exclusive) {
#if defined(F_OFD_SETLK)
  struct flock lock{};
  lock.l_type = exclusive ? F_WRLCK : F_RDLCK;
  lock.l_whence = SEEK_SET;
  if (::fcntl(fd, F_OFD_SETLK, &lock) == 0) return true;
  if (errno == EAGAIN || errno == EACCES) return false;
#endif
  if (::flock(fd, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0) return true;
  return errno != EWOULDBLOCK;
}

[[noreturn]] void refuse_kind(const std::string& path, mode_t mode) {
  if (S_ISDIR(mode)) {
    throw ImageError(fmt::format("'{}' is a directory; give the image file inside it, or make an image of it", path));
  }
  throw ImageError(fmt::format("'{}' is a {}, not a disk image; give a regular file or a block device", path,
                               S_ISCHR(mode)    ? "character device"
                               : S_ISFIFO(mode) ? "named pipe"
                                                : "socket"));
}

}  // namespace

std::unique_ptr<Storage> open_file_storage(const std::string& path, const OpenOptions& options, bool& writable) {
  if (path.empty()) throw ImageError("the name of an image is empty; give the path of an image file");
  struct stat info{};
  // Looked at before it is opened: opening a pipe would wait for ever.
  if (::stat(path.c_str(), &info) != 0) {
    switch (errno) {
      case ENOENT: throw ImageError(fmt::format("there is no file '{}'; check the name and the folder", path));
      case EACCES:
        throw ImageError(
            fmt::format("'{}' cannot be reached: permission denied for a folder above it; "
                        "check its permissions",
                        path));
      default: throw ImageError(fmt::format("'{}' cannot be opened: {}; check the name", path, std::strerror(errno)));
    }
  }
  if (!S_ISREG(info.st_mode) && !S_ISBLK(info.st_mode)) refuse_kind(path, info.st_mode);

  writable = !options.read_only && !options.snapshot;
  int fd = ::open(path.c_str(), (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC);
  if (fd < 0 && writable && (errno == EACCES || errno == EPERM || errno == EROFS)) {
    const int reader = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (reader < 0) {
      throw ImageError(fmt::format("'{}' cannot be read: permission denied; allow it with chmod u+r", path));
    }
    if (!options.read_only_if_needed) {
      ::close(reader);
      throw ImageError(
          fmt::format("'{}' is write-protected; make it writable, or open it with readonly=on or with "
                      "-snapshot",
                      path));
    }
    fd = reader;
    writable = false;
  }
  if (fd < 0) {
    if (errno == EACCES || errno == EPERM) {
      throw ImageError(fmt::format("'{}' cannot be read: permission denied; allow it with chmod u+r", path));
    }
    throw ImageError(fmt::format("'{}' cannot be opened: {}; check the file", path, std::strerror(errno)));
  }
  struct Closer {
    int fd;
    ~Closer() {
      if (fd >= 0) ::close(fd);
    }
  } closer{fd};

  if (!lock_file(fd, writable)) {
    throw ImageError(fmt::format("'{}' is locked: another drive, Orrery or emulator {}; close that one first{}", path,
                                 writable ? "uses it" : "writes to it",
                                 writable ? ", or open it here with -snapshot if the other only reads" : ""));
  }
  const off_t end = ::lseek(fd, 0, SEEK_END);
  if (end < 0) throw ImageError(fmt::format("'{}' has no size ({}); give a file", path, std::strerror(errno)));
  if (end == 0) {
    throw ImageError(
        fmt::format("'{}' is empty (0 bytes); give it a size first, for example with 'truncate -s 512M'", path));
  }
  closer.fd = -1;
  return std::make_unique<FileStorage>(path, fd, static_cast<u64>(end), S_ISREG(info.st_mode));
}

std::unique_ptr<BlockDevice> open_image(const std::string& path, const OpenOptions& options) {
  bool writable = false;
  std::unique_ptr<Storage> storage = open_file_storage(path, options, writable);
  if (options.format == ImageFormat::Probe) {
    std::array<u8, 128> head{};
    if (!storage->read(0, head)) throw ImageError(storage->error());
    if (const std::string_view format = foreign_format(head); !format.empty()) {
      throw ImageError(
          fmt::format("'{}' is a {} image, which Orrery does not read; convert it with 'qemu-img convert "
                      "-O raw', or give format=raw if its bytes are the disk itself",
                      path, format));
    }
  }
  const bool guard = options.format == ImageFormat::Probe && !options.snapshot;
  const bool read_only = options.read_only || (!writable && !options.snapshot);
  return make_device(std::move(storage), path, read_only, options.snapshot, guard, options.temporary_folder);
}

}  // namespace orrery::hw
