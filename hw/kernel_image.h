// Looks at a kernel file and writes the boot plan that our option ROM (firmware/kernelboot.asm) carries out.
//
// Two kinds are known: Linux (bzImage and zImage, boot protocol 2.00 and later; Documentation/arch/x86/boot.rst) and
// multiboot 1 (ELF for 32-bit x86, or the address fields of the header; Multiboot Specification 0.6.96). The plan and
// the bytes it refers to become fw_cfg items.
#pragma once

#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "hw/core/types.h"

namespace orrery::hw {

/// A kernel that cannot be booted. what() is one line that names the reason and, where there is one, the fix.
class KernelError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

enum class KernelKind : u8 { Linux, Multiboot };

/// What the file is, if it is a kernel. The beginning of the file is enough (32 KiB, or all of it).
std::optional<KernelKind> kernel_kind(std::span<const u8> file);

struct KernelRequest {
  std::vector<u8> kernel;
  std::string name;          // as the user gave it: what multiboot kernels see before the command line
  std::string command_line;  // -append
  struct Module {
    std::vector<u8> data;
    std::string command_line;  // multiboot: file name and arguments
  };
  std::vector<Module> modules;  // Linux: the initrd, further ones are appended to it
  u64 low_ram = 0;              // end of RAM below 4 GiB
  u64 low_ram_limit = 0;        // its end on the largest machine: more memory does not help beyond it
};

struct KernelPlan {
  KernelKind kind = KernelKind::Linux;
  std::vector<std::pair<u16, std::vector<u8>>> items;  // fw_cfg keys and contents
};

/// Throws KernelError.
KernelPlan plan_kernel(KernelRequest request);

}  // namespace orrery::hw
