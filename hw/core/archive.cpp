#include "hw/core/archive.h"

#include <fmt/format.h>

#include <utility>

namespace orrery::core {
namespace {

constexpr std::array<u8, 8> kMagic{'O', 'R', 'R', 'E', 'R', 'Y', '0', '1'};
constexpr std::string_view kVersionTag = "#version";

void put_u32(std::vector<u8>& out, u32 v) {
  std::array<u8, 4> b;
  store_le<u32>(b.data(), v);
  out.insert(out.end(), b.begin(), b.end());
}

}  // namespace

Archive Archive::saver() {
  Archive ar(Mode::Save);
  ar.scopes_.emplace_back();
  return ar;
}

Archive Archive::loader(std::span<const u8> bytes) {
  Archive ar(Mode::Load);
  ar.open(bytes);
  return ar;
}

Archive Archive::comparer(std::span<const u8> bytes) {
  Archive ar(Mode::Compare);
  ar.open(bytes);
  return ar;
}

void Archive::open(std::span<const u8> bytes) {
  if (bytes.size() < kMagic.size() || !std::equal(kMagic.begin(), kMagic.end(), bytes.begin())) {
    throw ArchiveError("this is no Orrery archive (its first eight bytes are wrong)");
  }
  scopes_.emplace_back();
  parse_fields(scopes_.back(), bytes.subspan(kMagic.size()), "archive");
}

void Archive::put_field(std::vector<u8>& out, std::string_view tag, std::span<const u8> data) {
  put_u32(out, static_cast<u32>(tag.size()));
  out.insert(out.end(), tag.begin(), tag.end());
  std::array<u8, 8> size;
  store_le<u64>(size.data(), data.size());
  out.insert(out.end(), size.begin(), size.end());
  out.insert(out.end(), data.begin(), data.end());
}

void Archive::parse_fields(Scope& scope, std::span<const u8> data, const std::string& where) {
  while (!data.empty()) {
    if (data.size() < 4) throw ArchiveError(fmt::format("the archive is cut off in '{}'", where));
    const u32 tag_size = load_le<u32>(data.data());
    if (tag_size > data.size() - 4 || data.size() - 4 - tag_size < 8) {
      throw ArchiveError(fmt::format("the archive is damaged in '{}'", where));
    }
    std::string tag(reinterpret_cast<const char*>(data.data()) + 4, tag_size);
    const u64 size = load_le<u64>(data.data() + 4 + tag_size);
    data = data.subspan(12 + tag_size);
    if (size > data.size()) throw ArchiveError(fmt::format("the archive is cut off in '{}/{}'", where, tag));
    scope.fields.insert_or_assign(std::move(tag), std::vector<u8>(data.begin(), data.begin() + static_cast<i64>(size)));
    data = data.subspan(size);
  }
}

std::string Archive::path(std::string_view tag) const {
  std::string p;
  for (const Scope& s : scopes_) {
    if (!s.name.empty()) p += s.name + "/";
  }
  return p + std::string(tag);
}

void Archive::expect_fields(u64 count) const {
  if (count > scopes_.back().fields.size()) {
    throw ArchiveError(fmt::format("the archive promises {} elements in '{}' and holds fewer", count, path("")));
  }
}

void Archive::section(std::string_view name, u32 version, const std::function<void(u32)>& body) {
  if (mode_ == Mode::Save) {
    scopes_.push_back(Scope{.name = std::string(name), .fields = {}, .out = {}});
    u64 v = version;
    number(kVersionTag, v);
    body(version);
    std::vector<u8> data = std::move(scopes_.back().out);
    scopes_.pop_back();
    put_field(scopes_.back().out, name, data);
    return;
  }
  auto found = scopes_.back().fields.find(name);
  if (found == scopes_.back().fields.end()) {
    if (mode_ == Mode::Compare) {
      differences_.push_back(path(name));
      return;
    }
    throw ArchiveError(fmt::format("the archive lacks the section '{}'", path(name)));
  }
  Scope scope{.name = std::string(name), .fields = {}, .out = {}};
  parse_fields(scope, found->second, path(name));
  scopes_.push_back(std::move(scope));
  u64 saved = version;
  if (mode_ == Mode::Load) {
    number(kVersionTag, saved);
    if (saved > version) {
      throw ArchiveError(fmt::format("section '{}' has version {}, this program reads up to {}; use a newer Orrery",
                                     path(""), saved, version));
    }
  }
  body(static_cast<u32>(saved));
  scopes_.pop_back();
}

void Archive::number(std::string_view tag, u64& value) {
  std::vector<u8> data(8);
  store_le<u64>(data.data(), value);
  raw(tag, data);
  if (mode_ == Mode::Load) {
    if (data.size() != 8) throw ArchiveError(fmt::format("field '{}' is no number", path(tag)));
    value = load_le<u64>(data.data());
  }
}

void Archive::raw(std::string_view tag, std::vector<u8>& data) {
  Scope& scope = scopes_.back();
  if (mode_ == Mode::Save) {
    put_field(scope.out, tag, data);
    return;
  }
  auto found = scope.fields.find(tag);
  if (mode_ == Mode::Compare) {
    if (found == scope.fields.end() || found->second != data) differences_.push_back(path(tag));
    return;
  }
  if (found != scope.fields.end()) data = found->second;
}

void Archive::bytes(std::string_view tag, std::span<u8> data) {
  std::vector<u8> copy(data.begin(), data.end());
  raw(tag, copy);
  if (mode_ == Mode::Load) {
    if (copy.size() != data.size()) {
      throw ArchiveError(fmt::format("field '{}' has {} bytes instead of {}", path(tag), copy.size(), data.size()));
    }
    std::copy(copy.begin(), copy.end(), data.begin());
  }
}

std::vector<u8> Archive::take() {
  std::vector<u8> result(kMagic.begin(), kMagic.end());
  const std::vector<u8>& out = scopes_.front().out;
  result.insert(result.end(), out.begin(), out.end());
  return result;
}

u64 hash_bytes(std::span<const u8> data, u64 seed) {
  // Multiply-and-fold over 8-byte words with odd constants (fractions of the golden ratio and of sqrt 3).
  constexpr u64 kA = 0x9e3779b97f4a7c15;
  constexpr u64 kB = 0xbb67ae8584caa73b;
  u64 h = seed ^ (data.size() * kA);
  std::size_t i = 0;
  auto mix = [&](u64 w) {
    h = (h ^ w) * kA;
    h ^= h >> 32;
    h *= kB;
    h ^= h >> 29;
  };
  for (; i + 8 <= data.size(); i += 8) mix(load_le<u64>(data.data() + i));
  u64 tail = 0;
  for (unsigned shift = 0; i < data.size(); ++i, shift += 8) tail |= u64{data[i]} << shift;
  mix(tail);
  return h;
}

}  // namespace orrery::core
