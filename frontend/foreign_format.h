// Files that are something else than a raw image, known by their magic numbers.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "hw/core/types.h"

namespace orrery::frontend {

struct ForeignFormat {
  std::string_view name;  // "a qcow2 image"
  std::string_view fix;   // "convert it with ..."
};

/// `head` is the file's beginning (zeros beyond its end), `tail` its last 512 bytes or nothing.
std::optional<ForeignFormat> foreign_format(std::span<const u8> head, std::span<const u8> tail);

/// A compressed file or cpio archive, which is no medium but may be a RAM disk: "gzip-compressed data" and so on.
std::optional<std::string_view> packed_format(std::span<const u8> head);

}  // namespace orrery::frontend
