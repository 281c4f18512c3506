#include <gtest/gtest.h>

#include "hw/core/bus.h"

namespace orrery::core {
namespace {

TEST(IoSpace, GivesUnalignedAccessesWholeToARangeThatTakesThem) {
  Log log;
  IoSpace space("io", log);
  std::vector<std::pair<u64, unsigned>> seen;
  auto mapping = space.map({.name = "dispi",
                            .base = 0x1ce,
                            .size = 4,
                            .widths = {2, 2, true},
                            .read =
                                [&](u64 offset, unsigned width) {
                                  seen.emplace_back(offset, width);
                                  return 0x1234u + offset;
                                },
                            .write = [&](u64 offset, unsigned width, u64) { seen.emplace_back(offset, width); }});
  EXPECT_EQ(space.read(0x1cf, 2), 0x1235u);
  space.write(0x1cf, 2, 7);
  space.write(0x1ce, 4, 7);
  EXPECT_EQ(seen, (std::vector<std::pair<u64, unsigned>>{{1, 2}, {1, 2}, {0, 2}, {2, 2}}));
}

}  // namespace
}  // namespace orrery::core
