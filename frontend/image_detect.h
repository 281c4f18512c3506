// What a file is, told from its contents. Its name decides in one case only: a bootable ISO 9660 volume that fits on a
// floppy is a floppy if it is called .img or the like, and a CD otherwise.
//
// What cannot be used gives a UsageError that names the fix: missing, a directory, unreadable, empty, cut short,
// compressed, or in a format that is not read.
#pragma once

#include <string>

#include "hw/core/types.h"

namespace orrery::frontend {

enum class ImageKind : u8 {
  Floppy,
  Disk,
  Cdrom,
  LinuxKernel,      // bzImage
  MultibootKernel,  // multiboot 1, ELF or with an address field
  Ramdisk,          // a cpio archive or something compressed: no medium, but good beside a kernel
};

struct ImageInfo {
  ImageKind kind;
  u64 size;          // bytes
  std::string what;  // "1.44 MB floppy", "hard disk, 20.0 MiB, MBR with 1 partition"
};

/// Looks into the file. Throws UsageError.
ImageInfo detect_image(const std::string& path);

/// `path` was given for a drive of this kind (Floppy, Disk or Cdrom): throws UsageError if it cannot be that. With
/// `raw` (format=raw) only what no drive could take is refused.
void check_medium(const std::string& path, ImageKind kind, bool raw);

/// `path` was given as -kernel.
void check_kernel(const std::string& path);

/// `path` must be a readable file with something in it, or a readable folder; `option` begins the message.
void check_file(const std::string& option, const std::string& path);
void check_folder(const std::string& option, const std::string& path);

}  // namespace orrery::frontend
