#include "hw/block/cluster_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace orrery::hw {
namespace {

bool pread_all(int fd, u8* out, u64 size, u64 offset) {
  while (size > 0) {
    const ssize_t n = ::pread(fd, out, size, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    out += n;
    offset += static_cast<u64>(n);
    size -= static_cast<u64>(n);
  }
  return true;
}

bool pwrite_all(int fd, const u8* data, u64 size, u64 offset) {
  while (size > 0) {
    const ssize_t n = ::pwrite(fd, data, size, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    data += n;
    offset += static_cast<u64>(n);
    size -= static_cast<u64>(n);
  }
  return true;
}

}  // namespace

ClusterStore::~ClusterStore() {
  if (file_ >= 0) ::close(file_);
}

bool ClusterStore::open_file() {
  if (file_ >= 0) return true;
  std::string path = folder_ + "/orrery-overlay-XXXXXX";
  file_ = ::mkstemp(path.data());
  if (file_ < 0) {
    error_ = fmt::format("no temporary file for disk changes can be made in '{}' ({}); make that folder writable",
                         folder_, std::strerror(errno));
    return false;
  }
  ::unlink(path.c_str());
  return true;
}

bool ClusterStore::get(u64 cluster, std::span<u8, kClusterSize> out) {
  const u64 slot = slots_.at(cluster);
  if (slot < memory_.size()) {
    std::copy(memory_[slot]->begin(), memory_[slot]->end(), out.begin());
    return true;
  }
  if (pread_all(file_, out.data(), kClusterSize, (slot - memory_.size()) * kClusterSize)) return true;
  error_ = fmt::format("cannot read back disk changes from '{}'; check the disk it is on", folder_);
  return false;
}

bool ClusterStore::put(u64 cluster, std::span<const u8, kClusterSize> data) {
  const auto found = slots_.find(cluster);
  const bool added = found == slots_.end();
  u64 slot = 0;
  if (!added) {
    slot = found->second;
  } else if (!free_.empty()) {
    slot = free_.back();
  } else if (file_slots_ == 0 && (memory_.size() + 1) * kClusterSize <= memory_limit_) {
    slot = memory_.size();
    memory_.push_back(std::make_unique<Cluster>());
    free_.push_back(slot);
  } else {
    if (!open_file()) return false;
    slot = memory_.size() + file_slots_;
    ++file_slots_;
    free_.push_back(slot);
  }
  if (slot < memory_.size()) {
    std::copy(data.begin(), data.end(), memory_[slot]->begin());
  } else if (!pwrite_all(file_, data.data(), kClusterSize, (slot - memory_.size()) * kClusterSize)) {
    error_ = fmt::format("cannot store disk changes in '{}' ({}); make room on the disk it is on", folder_,
                         std::strerror(errno));
    return false;
  }
  if (added) {
    free_.pop_back();
    slots_.emplace(cluster, slot);
  }
  return true;
}

void ClusterStore::erase(u64 cluster) {
  const auto found = slots_.find(cluster);
  if (found == slots_.end()) return;
  free_.push_back(found->second);
  slots_.erase(found);
}

std::vector<u64> ClusterStore::clusters() const {
  std::vector<u64> result;
  result.reserve(slots_.size());
  for (const auto& [cluster, slot] : slots_) result.push_back(cluster);
  return result;
}

}  // namespace orrery::hw
