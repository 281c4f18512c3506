// The files that a run writes: looked at before it begins, so that it does not end in vain, and written whole.
#pragma once

#include <string>
#include <string_view>

#include "frontend/settings.h"

namespace orrery::frontend {

/// Throws UsageError if nobody could write `path`, without touching it. Empty and "-" (standard output) are fine.
/// `option` begins the message.
void check_output(std::string_view option, const std::string& path);

/// Throws UsageError if a file that is to be written is one of the images, or is written by two options.
void check_outputs_apart(const Settings& settings);

/// Throws UsageError if two drives have the same image file and one of them would write to it.
void check_images_apart(const machine::Config& config);

/// Writes `bytes` to a new file, or to standard output for "-". Throws UsageError, also when the disk is full.
void write_output(std::string_view option, const std::string& path, std::string_view bytes);

}  // namespace orrery::frontend
