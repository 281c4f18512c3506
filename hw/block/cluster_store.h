// A sparse set of 4 KiB clusters: overlays and saved originals. The first ones lie in memory, the others in an unlinked
// temporary file.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "hw/core/types.h"

namespace orrery::hw {

inline constexpr u64 kClusterSize = 4096;

class ClusterStore {
 public:
  static constexpr u64 kDefaultMemoryLimit = 64 << 20;

  explicit ClusterStore(std::string temporary_folder, u64 memory_limit = kDefaultMemoryLimit)
      : folder_(std::move(temporary_folder)), memory_limit_(memory_limit) {}
  ~ClusterStore();
  ClusterStore(const ClusterStore&) = delete;
  ClusterStore& operator=(const ClusterStore&) = delete;

  bool contains(u64 cluster) const { return slots_.contains(cluster); }
  /// Reads all of a cluster that is contained. False if the host failed.
  bool get(u64 cluster, std::span<u8, kClusterSize> out);
  /// Adds or replaces a cluster. False if the host failed; the store is then as before.
  bool put(u64 cluster, std::span<const u8, kClusterSize> data);
  void erase(u64 cluster);
  /// The clusters contained, ascending.
  std::vector<u64> clusters() const;
  const std::string& error() const { return error_; }

 private:
  using Cluster = std::array<u8, kClusterSize>;
  bool open_file();

  std::string folder_;
  u64 memory_limit_;
  std::map<u64, u64> slots_;  // cluster -> slot; slots below memory_.size() lie in memory, the others in the file
  std::vector<std::unique_ptr<Cluster>> memory_;
  std::vector<u64> free_;
  u64 file_slots_ = 0;
  int file_ = -1;
  std::string error_;
};

}  // namespace orrery::hw
