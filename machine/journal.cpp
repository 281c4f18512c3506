#include "machine/journal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace orrery::machine {
namespace {

constexpr std::string_view kMagic = "ORRERYJ1";
constexpr std::size_t kFrameHead = 9;  // kind and tick
constexpr u64 kWholeFile = 16 << 20;   // files up to this size are hashed whole
constexpr u64 kSampleSize = 4096;
constexpr u64 kSamples = 512;

enum class Frame : u8 { Header, Input, Checkpoint, FileMark, End };

template <class T> using Stored = std::make_unsigned_t<std::conditional_t<std::is_same_v<T, bool>, u8, T>>;

struct Malformed {};

/// Appends values to bytes. Writer and Reader are called alike, so one function describes a value's fields for both
/// directions: fields(io, value).
class Writer {
 public:
  template <class... T> void operator()(T&... values) { (put(values), ...); }
  /// An enumerator, one byte; `last` is the greatest there is.
  template <class E> void closed(E& value, E) { put(static_cast<u8>(value)); }
  void append(std::span<const u8> data) { out.insert(out.end(), data.begin(), data.end()); }

  std::vector<u8> out;

 private:
  template <std::integral T> void put(T value) {
    const u64 v = static_cast<Stored<T>>(value);
    for (std::size_t i = 0; i < sizeof(T); ++i) out.push_back(static_cast<u8>(v >> (8 * i)));
  }
  void put(const std::string& value) { run({reinterpret_cast<const u8*>(value.data()), value.size()}); }
  void put(const std::vector<u8>& value) { run(value); }
  void run(std::span<const u8> data) {
    put(static_cast<u32>(data.size()));
    append(data);
  }
};

/// Takes values from bytes. Throws Malformed.
class Reader {
 public:
  explicit Reader(std::span<const u8> bytes) : in_(bytes) {}

  template <class... T> void operator()(T&... values) { (get(values), ...); }
  template <class E> void closed(E& value, E last) {
    u8 number = 0;
    get(number);
    if (number > static_cast<u8>(last)) throw Malformed{};
    value = static_cast<E>(number);
  }
  bool at_end() const { return in_.empty(); }

 private:
  template <std::integral T> void get(T& value) {
    value = static_cast<T>(core::load_le<Stored<T>>(take(sizeof(T)).data()));
  }
  void get(std::string& value) {
    const std::span<const u8> data = run();
    value.assign(data.begin(), data.end());
  }
  void get(std::vector<u8>& value) {
    const std::span<const u8> data = run();
    value.assign(data.begin(), data.end());
  }
  std::span<const u8> take(std::size_t size) {
    if (size > in_.size()) throw Malformed{};
    const std::span<const u8> data = in_.first(size);
    in_ = in_.subspan(size);
    return data;
  }
  std::span<const u8> run() {
    u32 length = 0;
    get(length);
    return take(length);
  }
  std::span<const u8> in_;
};

// The members of every kind, in order of declaration.
void fields(auto& io, DriveId& v) {
  io.closed(v.interface, Interface::Ide);
  io(v.index);
}
void fields(auto& io, Medium& v) {
  io(v.path);
  io.closed(v.format, ImageFormat::Probe);
  io(v.readonly, v.snapshot);
}
void fields(auto& io, KeyInput& v) { io(v.key, v.down, v.paced); }
void fields(auto&, ReleaseKeys&) {}
void fields(auto& io, MouseMotion& v) { io(v.dx, v.dy); }
void fields(auto& io, PointerMotion& v) { io(v.x, v.y); }
void fields(auto& io, MouseButtons& v) { io(v.down); }
void fields(auto& io, MouseWheel& v) { io(v.notches); }
void fields(auto& io, SerialInput& v) { io(v.port, v.bytes); }
void fields(auto& io, InsertMedium& v) {
  fields(io, v.drive);
  fields(io, v.medium);
}
void fields(auto& io, EjectMedium& v) {
  fields(io, v.drive);
  io(v.force);
}
void fields(auto&, ResetButton&) {}
void fields(auto&, PowerButton&) {}
void fields(auto&, NmiButton&) {}
void fields(auto& io, RateChange& v) { io(v.ticks_per_second); }
void fields(auto& io, MemoryWrite& v) { io(v.address, v.bytes); }
void fields(auto& io, PortRead& v) { io(v.port, v.width); }
void fields(auto& io, PortWrite& v) { io(v.port, v.width, v.value); }
void fields(auto& io, CpuWrite& v) { io(v.archive); }
void fields(auto& io, SerialBreak& v) { io(v.port); }
void fields(auto& io, Checkpoint& v) { io(v.hash); }
void fields(auto& io, RunEnd& v) { io(v.hash); }
void fields(auto& io, FileMark& v) { io(v.role, v.size, v.hash); }

template <std::size_t I = 0> Input read_input(u8 index, Reader& io) {
  if constexpr (I < std::variant_size_v<Input>) {
    if (index != I) return read_input<I + 1>(index, io);
    std::variant_alternative_t<I, Input> value;
    fields(io, value);
    return value;
  } else {
    throw Malformed{};
  }
}

std::vector<u8> make_frame(Frame kind, u64 tick, std::span<const u8> payload) {
  Writer body;
  body.closed(kind, Frame::End);
  body(tick);
  body.append(payload);
  const u32 length = static_cast<u32>(body.out.size());
  const u32 check = static_cast<u32>(core::hash_bytes(body.out));
  Writer frame;
  frame(length);
  frame.append(body.out);
  frame(check);
  return std::move(frame.out);
}

std::vector<u8> frame_of(const JournalEntry& entry) {
  Writer payload;
  Frame kind = Frame::Input;
  JournalEntry copy = entry;
  if (Input* input = std::get_if<Input>(&copy.what)) {
    u8 index = static_cast<u8>(input->index());
    payload(index);
    std::visit([&](auto& value) { fields(payload, value); }, *input);
  } else if (Checkpoint* checkpoint = std::get_if<Checkpoint>(&copy.what)) {
    kind = Frame::Checkpoint;
    fields(payload, *checkpoint);
  } else if (FileMark* mark = std::get_if<FileMark>(&copy.what)) {
    kind = Frame::FileMark;
    fields(payload, *mark);
  } else {
    kind = Frame::End;
    fields(payload, std::get<RunEnd>(copy.what));
  }
  return make_frame(kind, entry.tick, payload.out);
}

JournalEntry entry_of(u8 kind, u64 tick, std::span<const u8> payload) {
  Reader io(payload);
  JournalEntry entry;
  entry.tick = tick;
  auto take = [&]<class T>(T value) {
    fields(io, value);
    entry.what = std::move(value);
  };
  switch (static_cast<Frame>(kind)) {
    case Frame::Input: {
      u8 index = 0;
      io(index);
      entry.what = read_input(index, io);
      break;
    }
    case Frame::Checkpoint: take(Checkpoint{}); break;
    case Frame::FileMark: take(FileMark{}); break;
    case Frame::End: take(RunEnd{}); break;
    default: throw Malformed{};
  }
  if (!io.at_end()) throw Malformed{};
  return entry;
}

std::vector<u8> header_frame(const Config& config, const std::vector<FileMark>& marks) {
  Config config_copy = config;
  std::vector<FileMark> marks_copy = marks;
  core::Archive ar = core::Archive::saver();
  config_copy.archive(ar);
  ar("files", marks_copy);
  return make_frame(Frame::Header, 0, ar.take());
}

}  // namespace

void FileMark::archive(core::Archive& ar) {
  ar("role", role);
  ar("size", size);
  ar("hash", hash);
}

FileMark FileMark::of_bytes(std::string role, std::span<const u8> bytes) {
  return {std::move(role), bytes.size(), core::hash_bytes(bytes)};
}

FileMark FileMark::of_file(std::string role, const std::string& path) {
  FileMark mark{std::move(role), 0, 0};
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat info{};
  if (fd < 0) return mark;
  if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) {
    mark.size = static_cast<u64>(info.st_size);
    const bool whole = mark.size <= kWholeFile;
    std::vector<u8> buffer(whole ? mark.size : kSampleSize);
    const u64 step = whole ? mark.size + 1 : mark.size / kSamples;
    for (u64 at = 0; at < mark.size; at += step) {
      const ssize_t got = pread(fd, buffer.data(), buffer.size(), static_cast<off_t>(at));
      if (got > 0) mark.hash = core::hash_bytes({buffer.data(), static_cast<std::size_t>(got)}, mark.hash);
    }
  }
  close(fd);
  return mark;
}

Journal::~Journal() {
  if (file_ != nullptr) std::fclose(file_);
}

void Journal::append(JournalEntry entry) {
  if (file_ != nullptr && !write(frame_of(entry))) {
    const std::string line = fmt::format("{}: the journal ends here: {}", path_, std::strerror(errno));
    std::fclose(file_);
    file_ = nullptr;
    if (file_error_) file_error_(line);
  }
  entries_.push_back(std::move(entry));
}

bool Journal::write(std::span<const u8> bytes) {
  return std::fwrite(bytes.data(), 1, bytes.size(), file_) == bytes.size() && std::fflush(file_) == 0;
}

void Journal::write_to(const std::string& path) {
  if (file_ != nullptr) std::fclose(file_);
  file_ = std::fopen(path.c_str(), "wbe");
  path_ = path;
  if (file_ == nullptr || !write(to_bytes())) {
    const int error = errno;
    if (file_ != nullptr) std::fclose(file_);
    file_ = nullptr;
    throw ConfigError(fmt::format("{}: cannot write the journal: {}: name a file in a folder that you can write to",
                                  path, std::strerror(error)));
  }
}

std::vector<u8> Journal::to_bytes() const {
  std::vector<u8> out(kMagic.begin(), kMagic.end());
  auto add = [&](const std::vector<u8>& frame) { out.insert(out.end(), frame.begin(), frame.end()); };
  add(header_frame(config_, marks_));
  for (const JournalEntry& entry : entries_) add(frame_of(entry));
  return out;
}

JournalReader::JournalReader(std::span<const u8> bytes) {
  if (bytes.size() < kMagic.size() || std::memcmp(bytes.data(), kMagic.data(), kMagic.size() - 1) != 0) {
    throw ConfigError("not a journal: name a file that -record wrote");
  }
  if (bytes[kMagic.size() - 1] != static_cast<u8>(kMagic.back())) {
    throw ConfigError(
        fmt::format("a journal of version {:c}, but this program reads version {}: use the program that wrote it",
                    static_cast<char>(bytes[kMagic.size() - 1]), kMagic.back()));
  }
  std::span<const u8> rest = bytes.subspan(kMagic.size());
  bool header = false;
  u64 last_tick = 0;
  while (!rest.empty()) {
    const u64 at = bytes.size() - rest.size();
    const u64 length = rest.size() >= 4 ? core::load_le<u32>(rest.data()) : 0;
    if (rest.size() < 4 || rest.size() - 4 < length + 4) {
      damage_ = fmt::format("the journal breaks off at byte {}", at);
      break;
    }
    const std::span<const u8> body = rest.subspan(4, length);
    const u32 check = core::load_le<u32>(rest.data() + 4 + length);
    rest = rest.subspan(4 + length + 4);
    try {
      if (length < kFrameHead || check != static_cast<u32>(core::hash_bytes(body))) throw Malformed{};
      const u64 tick = core::load_le<u64>(body.data() + 1);
      const std::span<const u8> payload = body.subspan(kFrameHead);
      if (!header) {
        if (body[0] != static_cast<u8>(Frame::Header)) throw Malformed{};
        core::Archive ar = core::Archive::loader(payload);
        config_.archive(ar);
        ar("files", marks_);
        header = true;
        continue;
      }
      if (tick < last_tick) throw Malformed{};
      entries_.push_back(entry_of(body[0], tick, payload));
      last_tick = tick;
    } catch (const Malformed&) {
      damage_ = fmt::format("the journal is damaged at byte {}", at);
      break;
    } catch (const core::ArchiveError& error) {
      throw ConfigError(fmt::format("the journal's head is damaged: {}", error.what()));
    }
  }
  if (!header) throw ConfigError("the journal's head is damaged: it cannot be replayed");
}

JournalReader JournalReader::from_file(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "rbe");
  if (file == nullptr) {
    throw ConfigError(fmt::format("{}: {}: give the journal that -record wrote", path, std::strerror(errno)));
  }
  std::vector<u8> bytes;
  std::vector<u8> buffer(1 << 16);
  for (std::size_t got; (got = std::fread(buffer.data(), 1, buffer.size(), file)) != 0;) {
    bytes.insert(bytes.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(got));
  }
  std::fclose(file);
  try {
    return JournalReader(bytes);
  } catch (const ConfigError& error) {
    throw ConfigError(fmt::format("{}: {}", path, error.what()));
  }
}

}  // namespace orrery::machine
