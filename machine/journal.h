// The journal: what entered a machine, and when. Replayed into a machine of the same Config it gives the same run.
//
// In memory it is a list of entries, each stamped with the tick at which it took effect; entries of one tick are in
// order. On disk it is append-only and flushed after every entry, so that the record of a crashed run is there up to
// its last input:
//
//   file    = "ORRERYJ1" header entry*
//   header  = frame of kind 0: the archive (core::Archive) of Config and of the file marks below
//   entry   = frame of kind 1 (input), 2 (checkpoint), 3 (file mark), 4 (end)
//   frame   = u32 length of what follows it, without itself and the check; u8 kind; u64 tick; payload; u32 check
//   check   = low 32 bits of core::hash_bytes over kind, tick and payload
//   input   = u8 index in the variant machine::Input, then its members in order of declaration
//   checkpoint, end = u64 state hash
//   file mark       = string role, u64 size, u64 hash
//
// Numbers are little-endian, strings and byte runs a u32 length and bytes, booleans a byte. The last digit of the magic
// is the version: within a version only new kinds of frames and inputs are added, and a reader refuses what it does not
// know. A reader takes all whole frames and says if the file ends in the middle of one or is damaged from there on.
#pragma once

#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "machine/config.h"
#include "machine/input.h"

namespace orrery::machine {

/// What a file looked like when the machine took it. A replay with another file would be another run.
struct FileMark {
  std::string role;  // "ide0", "bios", "kernel" ...
  u64 size = 0;
  u64 hash = 0;  // of all bytes up to 16 MiB, of samples beyond

  bool operator==(const FileMark&) const = default;
  void archive(core::Archive& ar);

  static FileMark of_bytes(std::string role, std::span<const u8> bytes);
  /// Reads the file; a file that cannot be read has size 0 and hash 0.
  static FileMark of_file(std::string role, const std::string& path);
};

/// The machine's state hash, noted at a tick.
struct Checkpoint {
  u64 hash = 0;
  bool operator==(const Checkpoint&) const = default;
};

/// The run ended here, with this state hash.
struct RunEnd {
  u64 hash = 0;
  bool operator==(const RunEnd&) const = default;
};

struct JournalEntry {
  u64 tick = 0;
  std::variant<Input, Checkpoint, FileMark, RunEnd> what;
  bool operator==(const JournalEntry&) const = default;
};

/// Written by the machine, read by anybody on the machine thread.
class Journal {
 public:
  explicit Journal(Config config) : config_(std::move(config)) {}
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  const Config& config() const { return config_; }
  /// Marks of the files that the machine was built from. To be added before the first entry.
  void add_mark(FileMark mark) { marks_.push_back(std::move(mark)); }
  const std::vector<FileMark>& marks() const { return marks_; }
  const std::vector<JournalEntry>& entries() const { return entries_; }

  /// `entry.tick` must not be smaller than the last one's.
  void append(JournalEntry entry);
  /// Also writes all of it, from the start, to a file that is made anew. Throws ConfigError.
  void write_to(const std::string& path);
  /// Called with one line for the user when a later write to the file fails (disk full). The file is closed then: it
  /// holds the run up to there.
  void on_file_error(std::function<void(std::string_view line)> hook) { file_error_ = std::move(hook); }

  /// The whole journal as the file has it.
  std::vector<u8> to_bytes() const;

 private:
  bool write(std::span<const u8> bytes);

  Config config_;
  std::vector<FileMark> marks_;
  std::vector<JournalEntry> entries_;
  std::FILE* file_ = nullptr;
  std::string path_;
  std::function<void(std::string_view)> file_error_;
};

/// A journal to be replayed.
class JournalReader {
 public:
  /// Throws ConfigError if these are not the bytes of a journal, or if its header is damaged.
  explicit JournalReader(std::span<const u8> bytes);
  /// Throws ConfigError, also when the file cannot be read.
  static JournalReader from_file(const std::string& path);

  const Config& config() const { return config_; }
  const std::vector<FileMark>& marks() const { return marks_; }
  const std::vector<JournalEntry>& entries() const { return entries_; }
  /// Empty if the record is whole; else one line that says what is missing.
  const std::string& damage() const { return damage_; }

 private:
  Config config_;
  std::vector<FileMark> marks_;
  std::vector<JournalEntry> entries_;
  std::string damage_;
};

}  // namespace orrery::machine
