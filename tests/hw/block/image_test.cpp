#include "hw/block/image.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <functional>

#include "hw/block/cluster_store.h"
#include "tests/support/archive_tests.h"
#include "tests/support/temporary_file.h"
#include "tests/support/without_root.h"

namespace orrery::hw {
namespace {

using test::TemporaryFile;

std::vector<u8> pattern(u64 size) {
  std::vector<u8> v(size);
  for (u64 i = 0; i < size; ++i) v[i] = static_cast<u8>(i * 7 + i / 512);
  return v;
}

std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const std::runtime_error& e) {
    return e.what();
  }
  return "no error";
}

std::vector<u8> read(BlockDevice& device, u64 offset, u64 size) {
  std::vector<u8> out(size, 0xee);
  EXPECT_TRUE(device.read(offset, out)) << device.last_error();
  return out;
}

std::vector<u8> contents_of(BlockDevice& device) { return read(device, 0, device.size()); }

TEST(Image, ReadsAndWritesAnyRange) {
  TemporaryFile file(pattern(10240));
  {
    auto image = open_image(file.path());
    EXPECT_EQ(image->size(), 10240u);
    EXPECT_EQ(image->name(), file.path());
    EXPECT_FALSE(image->read_only());
    EXPECT_TRUE(image->write(4000, pattern(300)));
    EXPECT_EQ(read(*image, 4000, 300), pattern(300));
    EXPECT_TRUE(image->flush());
  }
  std::vector<u8> expected = pattern(10240);
  const auto part = pattern(300);
  std::copy(part.begin(), part.end(), expected.begin() + 4000);
  EXPECT_EQ(file.contents(), expected);
}

TEST(Image, RefusesWhatLiesOutside) {
  TemporaryFile file(pattern(1024));
  auto image = open_image(file.path());
  std::vector<u8> buffer(512, 1);
  EXPECT_FALSE(image->read(513, buffer));
  EXPECT_EQ(buffer, std::vector<u8>(512, 0));
  EXPECT_FALSE(image->write(1024, buffer));
  EXPECT_FALSE(image->write(~u64{0} - 100, buffer));
  EXPECT_NE(image->last_error().find("beyond"), std::string::npos);
  EXPECT_EQ(file.contents(), pattern(1024));
}

TEST(Image, ErrorsNameTheFix) {
  const auto open = [](const std::string& path, OpenOptions options = {}) {
    return error_of([&] { open_image(path, options); });
  };
  EXPECT_EQ(open("/nonexistent/x.img"), "there is no file '/nonexistent/x.img'; check the name and the folder");
  EXPECT_NE(open("/tmp").find("is a directory"), std::string::npos);
  EXPECT_NE(open("/dev/null").find("character device"), std::string::npos);
  EXPECT_NE(open("").find("is empty"), std::string::npos);
  TemporaryFile empty;
  EXPECT_NE(open(empty.path()).find("empty (0 bytes)"), std::string::npos);
  TemporaryFile qcow2(std::vector<u8>{'Q', 'F', 'I', 0xfb, 0, 0, 0, 3});
  EXPECT_NE(open(qcow2.path()).find("qcow2"), std::string::npos);
  EXPECT_EQ(open(qcow2.path(), {.format = ImageFormat::Raw}), "no error");
  const std::string fifo = qcow2.path() + ".fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_NE(open(fifo).find("named pipe"), std::string::npos);
  ::unlink(fifo.c_str());
  for (const std::string& text : {open(empty.path()), open(qcow2.path()), open("/tmp")}) {
    EXPECT_EQ(text.find('\n'), std::string::npos);
  }
}

TEST(Image, WriteProtectedFileIsOpenedOnlyForReading) {
  TemporaryFile file(pattern(512));
  ASSERT_EQ(::chmod(file.path().c_str(), 0400), 0);
  std::string refused, taken;
  bool read_only = false;
  test::without_root([&] {
    refused = error_of([&] { open_image(file.path()); });
    taken = error_of([&] { read_only = open_image(file.path(), {.read_only_if_needed = true})->read_only(); });
  });
  EXPECT_NE(refused.find("write-protected"), std::string::npos) << refused;
  EXPECT_EQ(taken, "no error");
  EXPECT_TRUE(read_only);
}

TEST(Image, AWriterLocksEverybodyOutAndReadersShare) {
  TemporaryFile file(pattern(512));
  {
    auto writer = open_image(file.path());
    EXPECT_NE(error_of([&] { open_image(file.path()); }).find("locked"), std::string::npos);
    EXPECT_NE(error_of([&] { open_image(file.path(), {.read_only = true}); }).find("locked"), std::string::npos);
  }
  auto reader = open_image(file.path(), {.read_only = true});
  EXPECT_EQ(error_of([&] { open_image(file.path(), {.snapshot = true}); }), "no error");
  EXPECT_NE(error_of([&] { open_image(file.path()); }).find("locked"), std::string::npos);
  EXPECT_FALSE(reader->write(0, pattern(512)));
}

TEST(Image, OddSizeIsPaddedAndGrowsOnlyWhenWritten) {
  TemporaryFile file(pattern(700));
  {
    auto image = open_image(file.path());
    EXPECT_EQ(image->size(), 1024u);
    std::vector<u8> tail = pattern(700);
    tail.erase(tail.begin(), tail.begin() + 512);
    tail.resize(512);
    EXPECT_EQ(read(*image, 512, 512), tail);
    EXPECT_TRUE(image->write(0, std::vector<u8>(512, 9)));
    EXPECT_EQ(file.contents().size(), 700u);
    EXPECT_TRUE(image->write(1023, std::vector<u8>{0xaa}));
  }
  EXPECT_EQ(file.contents().size(), 1024u);
  EXPECT_EQ(file.contents().back(), 0xaa);
}

TEST(Image, PaddingShowsZerosAndKeepsWrites) {
  TemporaryFile file(pattern(512));
  {
    auto image = open_image(file.path());
    image->pad_to(1474560);
    EXPECT_EQ(image->size(), 1474560u);
    EXPECT_EQ(read(*image, 1000000, 512), std::vector<u8>(512));
    EXPECT_TRUE(image->write(512000, std::vector<u8>(512, 5)));
    EXPECT_EQ(read(*image, 512000, 512), std::vector<u8>(512, 5));
  }
  EXPECT_EQ(file.contents().size(), 1474560u) << "a padded image must be recognised by its size the next time";
}

TEST(Image, SnapshotNeverTouchesTheImage) {
  TemporaryFile file(pattern(20000));
  {
    auto image = open_image(file.path(), {.snapshot = true});
    EXPECT_FALSE(image->read_only());
    EXPECT_TRUE(image->write(4090, std::vector<u8>(9000, 3)));
    auto expected = pattern(20000);
    std::fill(expected.begin() + 4090, expected.begin() + 13090, u8{3});
    expected.resize(20480);
    EXPECT_EQ(read(*image, 0, 20480), expected);
    EXPECT_TRUE(image->flush());
  }
  EXPECT_EQ(file.contents(), pattern(20000));
}

TEST(Image, RawStaysRaw) {
  TemporaryFile file(pattern(8192));
  const std::vector<u8> magic{'Q', 'F', 'I', 0xfb};
  {
    auto image = open_image(file.path());
    EXPECT_FALSE(image->write(0, magic));
    EXPECT_TRUE(image->write(0, std::vector<u8>{'Q', 'F'}));
    EXPECT_FALSE(image->write(2, std::vector<u8>{'I', 0xfb})) << "piecewise is no way around it";
    EXPECT_TRUE(image->write(4096, magic));
  }
  auto forced = open_image(file.path(), {.format = ImageFormat::Raw});
  EXPECT_TRUE(forced->write(0, magic));
}

TEST(Image, ArchiveContractOfAnOverlay) {
  TemporaryFile file(pattern(20480));
  auto a = open_image(file.path(), {.snapshot = true});
  auto b = open_image(file.path(), {.snapshot = true});
  ASSERT_TRUE(b->write(16384, std::vector<u8>(100, 4)));
  test::expect_archive_contract(*a, *b, [&] { ASSERT_TRUE(a->write(5000, std::vector<u8>(512, 8))); });
  EXPECT_EQ(contents_of(*a), contents_of(*b));
}

TEST(Image, ArchiveGoesBackThroughTheImageItself) {
  TemporaryFile file(pattern(20480));
  auto image = open_image(file.path());
  ASSERT_TRUE(image->write(100, std::vector<u8>(50, 1)));
  const std::vector<u8> before = contents_of(*image);
  const auto saved = core::save_to_bytes(*image);
  ASSERT_TRUE(image->write(120, std::vector<u8>(50, 2)));
  ASSERT_TRUE(image->write(12000, std::vector<u8>(5000, 3)));
  EXPECT_NE(contents_of(*image), before);
  core::load_from_bytes(*image, saved);
  EXPECT_EQ(contents_of(*image), before);
  EXPECT_EQ(core::save_to_bytes(*image), saved);
  auto expected = pattern(20480);
  std::fill(expected.begin() + 100, expected.begin() + 150, u8{1});
  EXPECT_EQ(file.contents(), expected);
}

TEST(Image, ArchiveRefusesAnotherSizeAndDamage) {
  auto small = memory_image(pattern(512), "small");
  auto big = memory_image(pattern(8192), "big");
  ASSERT_TRUE(big->write(0, std::vector<u8>(512, 1)));
  auto saved = core::save_to_bytes(*big);
  EXPECT_THROW(core::load_from_bytes(*small, saved), core::ArchiveError);
  for (std::size_t i = 0; i < saved.size(); i += 3) {
    auto damaged = saved;
    damaged[i] ^= 0x55;
    auto victim = memory_image(pattern(8192), "big");
    try {
      core::load_from_bytes(*victim, damaged);
    } catch (const core::ArchiveError&) {
    }
  }
}

TEST(ClusterStore, SpillsToAFileAndReusesSlots) {
  ClusterStore store("/tmp", 3 * kClusterSize);
  std::array<u8, kClusterSize> data;
  for (u64 i = 0; i < 10; ++i) {
    data.fill(static_cast<u8>(i));
    ASSERT_TRUE(store.put(100 - i, data)) << store.error();
  }
  store.erase(100);
  store.erase(95);
  data.fill(77);
  ASSERT_TRUE(store.put(7, data));
  ASSERT_TRUE(store.put(93, data));
  EXPECT_EQ(store.clusters(), (std::vector<u64>{7, 91, 92, 93, 94, 96, 97, 98, 99}));
  for (const u64 cluster : store.clusters()) {
    ASSERT_TRUE(store.get(cluster, data));
    const u8 expected = cluster == 7 || cluster == 93 ? 77 : static_cast<u8>(100 - cluster);
    EXPECT_EQ(data[0], expected);
    EXPECT_EQ(data[kClusterSize - 1], expected);
  }
}

TEST(ClusterStore, TellsThatThereIsNoRoom) {
  ClusterStore store("/nonexistent", 0);
  std::array<u8, kClusterSize> data{};
  EXPECT_FALSE(store.put(1, data));
  EXPECT_FALSE(store.contains(1));
  EXPECT_NE(store.error().find("/nonexistent"), std::string::npos);
}

/// As long as it lives, no file of this process can grow beyond `bytes`: what a full disk does to one image.
class NoRoomBeyond {
 public:
  explicit NoRoomBeyond(rlim_t bytes) {
    before_signal_ = std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~NoRoomBeyond() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, before_signal_);
  }

 private:
  rlimit before_{};
  void (*before_signal_)(int) = SIG_DFL;
};

TEST(Image, WithoutRoomTheGuestGetsAnErrorAndTheUserALine) {
  TemporaryFile file(pattern(1024));
  auto image = open_image(file.path());
  image->pad_to(64 * 1024);
  std::vector<std::string> told;
  image->on_trouble([&](std::string_view line) { told.emplace_back(line); });
  const std::vector<u8> data(4096, 0x77);
  {
    const NoRoomBeyond limit(4096);
    EXPECT_FALSE(image->write(8192, data));
    EXPECT_FALSE(image->write(16384, data));
    EXPECT_TRUE(image->write(512, std::vector<u8>(512, 0x55)));
  }
  ASSERT_EQ(told.size(), 1u) << "once, however often the guest tries";
  EXPECT_NE(told[0].find(file.path()), std::string::npos) << told[0];
  EXPECT_NE(told[0].find("ulimit -f"), std::string::npos) << told[0];
  // What was there is there, and when there is room again, all goes on.
  EXPECT_EQ(read(*image, 0, 512), pattern(512));
  EXPECT_EQ(read(*image, 512, 512), std::vector<u8>(512, 0x55));
  EXPECT_TRUE(image->write(8192, data));
  EXPECT_EQ(read(*image, 8192, 4096), data);
  EXPECT_EQ(told.size(), 1u);
}

TEST(Image, TheGuestsOwnMistakesAreNotTold) {
  auto image = memory_image(pattern(512), "a", true);
  image->on_trouble([](std::string_view line) { ADD_FAILURE() << line; });
  std::vector<u8> sector(512);
  EXPECT_FALSE(image->write(0, sector));
  EXPECT_FALSE(image->read(512, sector));
}

TEST(Image, ARefusedChangeOfFormatIsTold) {
  TemporaryFile file(pattern(4096));
  auto image = open_image(file.path());
  std::vector<std::string> told;
  image->on_trouble([&](std::string_view line) { told.emplace_back(line); });
  EXPECT_FALSE(image->write(0, std::vector<u8>{'Q', 'F', 'I', 0xfb}));
  ASSERT_EQ(told.size(), 1u);
  EXPECT_NE(told[0].find("format=raw"), std::string::npos) << told[0];
}

TEST(Image, CutShortByAnotherProgramItIsAnErrorAndNoZeros) {
  TemporaryFile file(pattern(16384));
  auto image = open_image(file.path());
  ASSERT_EQ(::truncate(file.path().c_str(), 8192), 0);
  std::vector<u8> sector(512);
  EXPECT_TRUE(image->read(7680, sector));
  EXPECT_FALSE(image->read(8192, sector));
  EXPECT_NE(image->last_error().find("cut short by another program"), std::string::npos) << image->last_error();
  EXPECT_FALSE(image->write(12288, sector)) << "it would look as if the rest were still there";
  EXPECT_EQ(file.contents().size(), 8192u);
}

TEST(Image, MadeLongerByAnotherProgramItLosesNothing) {
  TemporaryFile file(pattern(1024));
  auto image = open_image(file.path());
  image->pad_to(8192);
  ASSERT_EQ(::truncate(file.path().c_str(), 20'000), 0);
  EXPECT_EQ(image->size(), 8192u);
  EXPECT_TRUE(image->write(4096, pattern(512)));
  EXPECT_EQ(file.contents().size(), 20'000u);
  EXPECT_EQ(read(*image, 4096, 512), pattern(512));
}

TEST(MediaSlot, SignalsEveryChange) {
  MediaSlot slot("floppy0");
  std::vector<bool> seen;
  int guest = 0;
  slot.on_change([&] { seen.push_back(slot.medium() != nullptr); });
  slot.on_guest_eject([&] { ++guest; });
  slot.insert(memory_image(pattern(512), "a"));
  slot.insert(memory_image(pattern(512), "b"));
  EXPECT_EQ(seen, (std::vector<bool>{true, false, true}));
  EXPECT_EQ(slot.eject()->name(), "b");
  EXPECT_EQ(slot.eject(), nullptr);
  EXPECT_EQ(slot.changes(), 4u);
  slot.tell_guest_ejected();
  EXPECT_EQ(guest, 1);
}

TEST(MediaSlot, ArchiveAsksForTheMediumOfThatTime) {
  MediaSlot slot("floppy0", memory_image(pattern(512), "a"));
  const auto saved = core::save_to_bytes(slot);
  slot.eject();
  EXPECT_THROW(core::load_from_bytes(slot, saved), core::ArchiveError);
  u32 asked = 0;
  slot.set_provider([&](u32 changes) {
    asked = changes;
    return memory_image(pattern(512), "a");
  });
  core::load_from_bytes(slot, saved);
  EXPECT_EQ(asked, 1u);
  ASSERT_NE(slot.medium(), nullptr);
  EXPECT_EQ(core::save_to_bytes(slot), saved);
}

}  // namespace
}  // namespace orrery::hw
