#include "machine/media.h"

#include <gtest/gtest.h>

#include "tests/support/temporary_file.h"

namespace orrery::machine {
namespace {

struct Image {
  explicit Image(char fill) : file(std::vector<u8>(4096, static_cast<u8>(fill))), path(file.path()) {}
  test::TemporaryFile file;
  std::string path;
};

struct Bay {
  explicit Bay(const Drive& drive) : bay(drive, {}, [this](std::string_view line) { reports.emplace_back(line); }) {}
  int first_byte() {
    u8 byte = 0;
    if (bay.slot().medium() == nullptr || !bay.slot().medium()->read(0, {&byte, 1})) return -1;
    return byte;
  }
  void archive(core::Archive& ar) {
    bay.archive(ar);
    ar.section("slot", 1, [&](u32) { bay.slot().archive(ar); });
  }
  std::vector<std::string> reports;
  MediaBay bay;
};

const DriveId kCd{Interface::Ide, 2};

TEST(MediaBay, AMediumCanBeChangedAndEjected) {
  Image a('a'), b('b');
  Bay bay({kCd, Media::Cdrom, Medium{a.path}});
  EXPECT_EQ(bay.first_byte(), 'a');
  EXPECT_TRUE(bay.bay.insert({b.path}));
  EXPECT_EQ(bay.first_byte(), 'b');
  EXPECT_EQ(bay.bay.medium()->path, b.path);
  EXPECT_TRUE(bay.bay.eject(false));
  EXPECT_EQ(bay.first_byte(), -1);
  EXPECT_FALSE(bay.bay.medium());
}

TEST(MediaBay, AMissingImageIsAConfigErrorAtTheStartAndAReportLater) {
  EXPECT_THROW(Bay({kCd, Media::Cdrom, Medium{"/nonexistent/cd.iso"}}), ConfigError);
  Image a('a');
  Bay bay({kCd, Media::Cdrom, Medium{a.path}});
  EXPECT_FALSE(bay.bay.insert({"/nonexistent/cd.iso"}));
  ASSERT_EQ(bay.reports.size(), 1u);
  EXPECT_NE(bay.reports[0].find("/nonexistent/cd.iso"), std::string::npos);
  EXPECT_EQ(bay.first_byte(), -1);
}

TEST(MediaBay, ALockedDoorOpensByForceOnly) {
  Image a('a');
  Bay bay({kCd, Media::Cdrom, Medium{a.path}});
  bay.bay.slot().set_locked(true);
  EXPECT_FALSE(bay.bay.eject(false));
  EXPECT_EQ(bay.first_byte(), 'a');
  EXPECT_TRUE(bay.bay.eject(true));
}

TEST(MediaBay, AFixedDiskStays) {
  Image a('a'), b('b');
  Bay bay({{Interface::Ide, 0}, Media::Disk, Medium{a.path}});
  EXPECT_FALSE(bay.bay.eject(true));
  EXPECT_FALSE(bay.bay.insert({b.path}));
  EXPECT_EQ(bay.first_byte(), 'a');
}

TEST(MediaBay, LoadingAnEarlierStatePutsTheMediumOfThatTimeBack) {
  Image a('a'), b('b');
  Bay bay({kCd, Media::Cdrom, Medium{a.path}});
  const std::vector<u8> with_a = core::save_to_bytes(bay);
  bay.bay.insert({b.path});
  const std::vector<u8> with_b = core::save_to_bytes(bay);
  bay.bay.eject(false);
  const std::vector<u8> with_none = core::save_to_bytes(bay);
  core::load_from_bytes(bay, with_a);
  EXPECT_EQ(bay.first_byte(), 'a');
  core::load_from_bytes(bay, with_b);
  EXPECT_EQ(bay.first_byte(), 'b');
  core::load_from_bytes(bay, with_none);
  EXPECT_EQ(bay.first_byte(), -1);
  EXPECT_EQ(core::save_to_bytes(bay), with_none);
}

}  // namespace
}  // namespace orrery::machine
