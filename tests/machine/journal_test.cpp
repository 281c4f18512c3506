#include "machine/journal.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <fstream>
#include <string>
#include <vector>

#include "tests/support/temporary_file.h"

namespace orrery::machine {
namespace {

// One entry of every kind.
void fill(Journal& journal) {
  u64 tick = 0;
  const std::vector<Input> inputs{KeyInput{4, true, true},
                                  ReleaseKeys{},
                                  MouseMotion{-3, 7},
                                  PointerMotion{65535, 1},
                                  MouseButtons{5},
                                  MouseWheel{-1},
                                  SerialInput{3, {1, 2, 3}},
                                  InsertMedium{{Interface::Ide, 2}, {"a b.iso", ImageFormat::Probe, true, false}},
                                  EjectMedium{{Interface::Floppy, 1}, true},
                                  ResetButton{},
                                  PowerButton{},
                                  NmiButton{},
                                  RateChange{123456789},
                                  MemoryWrite{0xfffffffff, {9}},
                                  PortWrite{0x3f8, 1, 65},
                                  CpuWrite{{1, 2}},
                                  PortRead{0x60, 2},
                                  SerialBreak{1}};
  static_assert(std::variant_size_v<Input> == 18, "a new kind of input belongs into this test");
  ASSERT_EQ(inputs.size(), std::variant_size_v<Input>);
  for (const Input& input : inputs) journal.append({tick += 1000, input});
  journal.append({tick, Checkpoint{0x1122334455667788}});
  journal.append({tick, FileMark{"x.img", 5, 6}});
  journal.append({tick + 1, RunEnd{42}});
}

Config some_config() {
  Config config;
  config.memory = 7 << 20;
  config.append = "quiet";
  return config;
}

std::string error_of(std::span<const u8> bytes) {
  try {
    JournalReader reader(bytes);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return {};
}

TEST(Journal, ReadsBackWhatWasWritten) {
  Journal journal(some_config());
  journal.add_mark({"bios", 131072, 99});
  fill(journal);
  const JournalReader reader(journal.to_bytes());
  EXPECT_EQ(reader.config(), some_config());
  EXPECT_EQ(reader.marks(), journal.marks());
  EXPECT_EQ(reader.entries(), journal.entries());
  EXPECT_EQ(reader.damage(), "");
}

TEST(Journal, AFileHasEverythingEvenIfRecordingToItBeganLate) {
  test::TemporaryFile file;
  Journal journal(some_config());
  journal.append({5, NmiButton{}});
  journal.write_to(file.path());
  fill(journal);
  // Not closed: what is flushed must be there.
  const JournalReader reader = JournalReader::from_file(file.path());
  EXPECT_EQ(reader.entries(), journal.entries());
}

TEST(Journal, ATruncatedFileGivesAllWholeEntriesAndSaysSo) {
  Journal journal(some_config());
  fill(journal);
  const std::vector<u8> whole = journal.to_bytes();
  std::size_t readable = 0;
  std::size_t last = 0;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::span<const u8> part(whole.data(), size);
    if (!error_of(part).empty()) {
      ASSERT_EQ(readable, 0u) << "refused after a shorter one was read";
      continue;
    }
    ++readable;
    const JournalReader reader(part);
    ASSERT_LE(reader.entries().size(), journal.entries().size());
    ASSERT_GE(reader.entries().size(), last);
    last = reader.entries().size();
    ASSERT_TRUE(std::equal(reader.entries().begin(), reader.entries().end(), journal.entries().begin()));
  }
  EXPECT_GT(readable, 100u);
  const JournalReader reader(std::span<const u8>(whole.data(), whole.size() - 1));
  EXPECT_EQ(reader.entries().size(), journal.entries().size() - 1);
  EXPECT_NE(reader.damage(), "");
}

TEST(Journal, ADamagedByteNeverGivesAnEntryThatWasNotWritten) {
  Journal journal(some_config());
  fill(journal);
  const std::vector<u8> whole = journal.to_bytes();
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::vector<u8> bytes = whole;
    bytes[at] ^= 0x40;
    if (!error_of(bytes).empty()) continue;
    const JournalReader reader(bytes);
    ASSERT_NE(reader.damage(), "") << "at byte " << at;
    ASSERT_TRUE(std::equal(reader.entries().begin(), reader.entries().end(), journal.entries().begin()));
  }
}

TEST(Journal, OtherFilesAndVersionsAreRefused) {
  EXPECT_NE(error_of({}), "");
  const std::string text = "This is a text file, and no journal.";
  EXPECT_NE(error_of({reinterpret_cast<const u8*>(text.data()), text.size()}), "");
  std::vector<u8> newer = Journal(some_config()).to_bytes();
  newer[7] = '2';
  EXPECT_NE(error_of(newer).find("version 2"), std::string::npos);
  EXPECT_THROW(JournalReader::from_file("/nonexistent/journal"), ConfigError);
  Journal journal(some_config());
  EXPECT_THROW(journal.write_to("/nonexistent/journal"), ConfigError);
  EXPECT_THROW(journal.write_to("/dev/full"), ConfigError);
}

TEST(Journal, AFileThatCannotBeWrittenAnyMoreIsToldOfAndTheRunGoesOn) {
  std::signal(SIGPIPE, SIG_IGN);
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  Journal journal(some_config());
  std::vector<std::string> told;
  journal.on_file_error([&](std::string_view line) { told.emplace_back(line); });
  journal.write_to("/dev/fd/" + std::to_string(ends[1]));
  journal.append({5, NmiButton{}});
  EXPECT_TRUE(told.empty());
  ::close(ends[0]);
  journal.append({6, NmiButton{}});
  journal.append({7, NmiButton{}});
  ASSERT_EQ(told.size(), 1u);
  EXPECT_NE(told[0].find("the journal ends here"), std::string::npos) << told[0];
  EXPECT_EQ(journal.entries().size(), 3u);
  ::close(ends[1]);
}

TEST(FileMark, TellsFilesApart) {
  test::TemporaryFile file;
  std::ofstream(file.path()) << "contents";
  const FileMark mark = FileMark::of_file("x", file.path());
  EXPECT_EQ(mark.size, 8u);
  EXPECT_EQ(mark, FileMark::of_file("x", file.path()));
  std::ofstream(file.path()) << "Contents";
  EXPECT_NE(mark, FileMark::of_file("x", file.path()));
  EXPECT_EQ(FileMark::of_file("x", "/nonexistent"), (FileMark{"x", 0, 0}));
  EXPECT_EQ(FileMark::of_file("x", "/"), (FileMark{"x", 0, 0}));
}

}  // namespace
}  // namespace orrery::machine
