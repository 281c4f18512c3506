#include "machine/config.h"

#include <gtest/gtest.h>

namespace orrery::machine {
namespace {

std::string error_of(const Config& config) {
  try {
    config.validate();
  } catch (const ConfigError& error) {
    return error.what();
  }
  return {};
}

TEST(Config, TheDefaultOneIsGood) { EXPECT_EQ(error_of(Config{}), ""); }

TEST(Config, NoMemoryIsRefusedWithTheFix) {
  Config config;
  config.memory = 0;
  EXPECT_NE(error_of(config).find("-m 64M"), std::string::npos);
  config.memory = u64{65} << 30;
  EXPECT_NE(error_of(config), "");
  config.memory = (16 << 20) + 512;
  EXPECT_NE(error_of(config).find("4 KiB"), std::string::npos);
}

TEST(Config, ABayTakesOneDrive) {
  Config config;
  config.drives.push_back({{Interface::Ide, 1}, Media::Disk, Medium{"a.img"}});
  config.drives.push_back({{Interface::Ide, 1}, Media::Cdrom, std::nullopt});
  EXPECT_NE(error_of(config).find("ide1"), std::string::npos);
  config.drives[1].id.index = 2;
  EXPECT_EQ(error_of(config), "");
  config.drives[1].id.index = 4;
  EXPECT_NE(error_of(config), "");
}

TEST(Config, AHardDiskNeedsAnImageAndACdromDriveDoesNot) {
  Config config;
  config.drives.push_back({{Interface::Ide, 0}, Media::Disk, std::nullopt});
  EXPECT_NE(error_of(config), "");
  config.drives[0].media = Media::Cdrom;
  EXPECT_EQ(error_of(config), "");
}

TEST(Config, AnInitrdWithoutAKernelIsRefused) {
  Config config;
  config.initrd.push_back("initrd.gz");
  EXPECT_NE(error_of(config).find("-kernel"), std::string::npos);
}

TEST(Config, IsTheSameAfterSavingAndLoading) {
  Config config;
  config.board = Board::IsaPc;
  config.drives.push_back({{Interface::Floppy, 1}, Media::Disk, Medium{"b.img", ImageFormat::Probe, true, true}});
  config.debug_exit = 0xf4;
  config.initrd = {"x", "y"};
  Config loaded;
  core::load_from_bytes(loaded, core::save_to_bytes(config));
  EXPECT_EQ(loaded, config);
}

TEST(DriveName, EverySpellingIsUnderstood) {
  EXPECT_EQ(drive_from_name("fda"), (DriveId{Interface::Floppy, 0}));
  EXPECT_EQ(drive_from_name("ide1-cd0"), (DriveId{Interface::Ide, 2}));
  EXPECT_EQ(drive_from_name("HDD"), (DriveId{Interface::Ide, 3}));
  EXPECT_EQ(drive_from_name("sda"), std::nullopt);
  for (u8 i = 0; i < 4; ++i) EXPECT_EQ(drive_from_name(drive_name({Interface::Ide, i})), (DriveId{Interface::Ide, i}));
}

TEST(DateTime, GoesToUnixTimeAndBack) {
  EXPECT_EQ(DateTime::from_unix(0), (DateTime{1970, 1, 1, 0, 0, 0}));
  EXPECT_EQ(DateTime::from_unix(951782400), (DateTime{2000, 2, 29, 0, 0, 0}));
  EXPECT_EQ((DateTime{2026, 11, 21, 4, 17, 23}).to_unix(), 1795234643);
  for (i64 t = 315532800; t < 4102444800; t += 86400 * 11 + 3607) ASSERT_EQ(DateTime::from_unix(t).to_unix(), t);
}

TEST(DateTime, ReadsIsoDatesAndNothingElse) {
  EXPECT_EQ(DateTime::parse("2000-02-29"), (DateTime{2000, 2, 29, 0, 0, 0}));
  EXPECT_EQ(DateTime::parse("1999-12-31T23:59:58"), (DateTime{1999, 12, 31, 23, 59, 58}));
  EXPECT_EQ(DateTime::parse("2001-02-29"), std::nullopt);
  EXPECT_EQ(DateTime::parse("utc"), std::nullopt);
  EXPECT_EQ(DateTime::parse("2001-02-28T10:00:00Z"), std::nullopt);
  EXPECT_EQ(DateTime::parse("2001-00-28"), std::nullopt);
}

}  // namespace
}  // namespace orrery::machine
