// What the user got wrong, or the host cannot give: one line that names the fix.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace orrery::frontend {

/// Thrown by everything that reads options, images and scripts. what() is shown to the user as it is, after "orrery: ";
/// the process then ends with kUsageStatus.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

inline constexpr int kUsageStatus = 2;

template <class... Args> [[noreturn]] void usage_error(fmt::format_string<Args...> format, Args&&... args) {
  throw UsageError(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace orrery::frontend
