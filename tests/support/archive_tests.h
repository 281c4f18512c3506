// The three archive tests that every device passes (DESIGN: every part can be saved).
#pragma once

#include <gtest/gtest.h>

#include <functional>

#include "hw/core/archive.h"

namespace orrery::test {

/// `change` alters state of `device` as a guest could; `other` is a second device of the same kind, in its reset state.
template <class Device>
void expect_archive_contract(Device& device, Device& other, const std::function<void()>& change) {
  const std::vector<u8> before = core::save_to_bytes(device);
  change();
  EXPECT_FALSE(core::differences_from_bytes(device, before).empty()) << "a change of state is not in the archive";
  const std::vector<u8> after = core::save_to_bytes(device);
  core::load_from_bytes(other, after);
  const std::vector<std::string> left = core::differences_from_bytes(other, after);
  EXPECT_TRUE(left.empty()) << "not restored: " << left.front();
  EXPECT_EQ(core::save_to_bytes(other), after) << "save, load, save is not the identity";
}

}  // namespace orrery::test
