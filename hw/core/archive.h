// Archive: one function per type that saves, loads and compares it.
//
// A type writes `void archive(core::Archive& ar)` once:
//
//     void Pit::archive(core::Archive& ar) {
//       ar.section("pit", 1, [&](u32 version) {
//         ar("speaker_gate", speaker_gate_);
//         ar("channels", channels_);          // std::array of a type that has archive() itself
//       });
//     }
//
// Sections are named and versioned and may nest; fields are tagged by name, so that a field that was added later keeps
// its present value when an older archive is loaded, and one that was dropped is skipped. Numbers are stored
// little-endian, 8 bytes each, so an archive is the same on every host. A damaged archive gives ArchiveError with the
// path of the section; it never crashes, and sizes are checked against the bytes that are there.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "hw/core/types.h"

namespace orrery::core {

class ArchiveError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Archive;

template <class T>
concept Archivable = requires(T& t, Archive& ar) { t.archive(ar); };

class Archive {
 public:
  enum class Mode : u8 { Save, Load, Compare };

  /// An empty archive to save into.
  static Archive saver();
  /// Loads from `bytes` (copied). Throws ArchiveError if they are no archive.
  static Archive loader(std::span<const u8> bytes);
  /// Compares what is archived into it with `bytes`; see differences().
  static Archive comparer(std::span<const u8> bytes);

  Mode mode() const { return mode_; }
  bool loading() const { return mode_ == Mode::Load; }

  /// Runs `body(version)` inside a named section. When loading, `version` is the one that was saved; a version newer
  /// than `version` throws. A section that is missing from the loaded archive throws.
  void section(std::string_view name, u32 version, const std::function<void(u32 version)>& body);

  /// One tagged field. Tags are unique within their section.
  template <class T> void operator()(std::string_view tag, T& value);

  /// A tagged run of raw bytes of fixed length.
  void bytes(std::string_view tag, std::span<u8> data);

  /// The saved archive. Only for Mode::Save, outside all sections.
  std::vector<u8> take();

  /// For Mode::Compare: the paths of all fields that differ, for example "pit/channels.1/count".
  const std::vector<std::string>& differences() const { return differences_; }

 private:
  struct Scope {
    std::string name;
    std::map<std::string, std::vector<u8>, std::less<>> fields;  // load and compare
    std::vector<u8> out;                                         // save
  };

  explicit Archive(Mode mode) : mode_(mode) {}
  void open(std::span<const u8> bytes);
  void number(std::string_view tag, u64& value);
  void raw(std::string_view tag, std::vector<u8>& data);
  /// When loading: throws unless the open section holds at least `count` fields (a damaged count must not allocate).
  void expect_fields(u64 count) const;
  std::string path(std::string_view tag) const;
  static void put_field(std::vector<u8>& out, std::string_view tag, std::span<const u8> data);
  static void parse_fields(Scope& scope, std::span<const u8> data, const std::string& where);

  Mode mode_;
  std::vector<Scope> scopes_;
  std::vector<std::string> differences_;
};

/// Saves `thing` (anything with archive()) to bytes.
template <class T> std::vector<u8> save_to_bytes(T& thing) {
  Archive ar = Archive::saver();
  thing.archive(ar);
  return ar.take();
}

/// Loads `thing` from bytes; throws ArchiveError.
template <class T> void load_from_bytes(T& thing, std::span<const u8> bytes) {
  Archive ar = Archive::loader(bytes);
  thing.archive(ar);
}

/// The fields in which `thing` differs from bytes.
template <class T> std::vector<std::string> differences_from_bytes(T& thing, std::span<const u8> bytes) {
  Archive ar = Archive::comparer(bytes);
  thing.archive(ar);
  return ar.differences();
}

/// 64-bit hash of a byte run; the same on every host. `seed` chains runs.
u64 hash_bytes(std::span<const u8> data, u64 seed = 0);

namespace detail {
template <class T> struct is_std_array : std::false_type {};
template <class T, std::size_t N> struct is_std_array<std::array<T, N>> : std::true_type {};
template <class T> struct is_vector : std::false_type {};
template <class T> struct is_vector<std::vector<T>> : std::true_type {};
template <class T> struct is_optional : std::false_type {};
template <class T> struct is_optional<std::optional<T>> : std::true_type {};
}  // namespace detail

template <class T> void Archive::operator()(std::string_view tag, T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    u64 v = value ? 1 : 0;
    number(tag, v);
    value = v != 0;
  } else if constexpr (std::is_enum_v<T>) {
    u64 v = static_cast<u64>(static_cast<std::underlying_type_t<T>>(value));
    number(tag, v);
    value = static_cast<T>(static_cast<std::underlying_type_t<T>>(v));
  } else if constexpr (std::is_integral_v<T>) {
    u64 v = static_cast<u64>(value);
    number(tag, v);
    value = static_cast<T>(v);
  } else if constexpr (std::is_same_v<T, std::string>) {
    std::vector<u8> data(value.begin(), value.end());
    raw(tag, data);
    value.assign(data.begin(), data.end());
  } else if constexpr (std::is_same_v<T, std::vector<u8>>) {
    raw(tag, value);
  } else if constexpr (detail::is_optional<T>::value) {
    section(tag, 1, [&](u32) {
      bool present = value.has_value();
      (*this)("present", present);
      if (loading()) value = present ? T(typename T::value_type{}) : T(std::nullopt);
      if (value) (*this)("value", *value);
    });
  } else if constexpr (detail::is_vector<T>::value) {
    section(tag, 1, [&](u32) {
      u64 count = value.size();
      number("count", count);
      if (loading()) {
        expect_fields(count);
        value.clear();
        for (u64 i = 0; i < count; ++i) {
          value.emplace_back();
          (*this)(std::to_string(i), value.back());
        }
      } else {
        for (std::size_t i = 0; i < value.size(); ++i) (*this)(std::to_string(i), value[i]);
      }
    });
  } else if constexpr (std::is_same_v<T, std::array<u8, sizeof(T)>>) {
    bytes(tag, std::span<u8>(value));
  } else if constexpr (detail::is_std_array<T>::value) {
    section(tag, 1, [&](u32) {
      for (std::size_t i = 0; i < value.size(); ++i) (*this)(std::to_string(i), value[i]);
    });
  } else {
    static_assert(Archivable<T>, "give the type an archive(core::Archive&) of its own");
    section(tag, 1, [&](u32) { value.archive(*this); });
  }
}

}  // namespace orrery::core
