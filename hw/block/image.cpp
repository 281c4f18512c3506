#include "hw/block/image.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "hw/block/cluster_store.h"
#include "hw/block/storage.h"

namespace orrery::hw {
namespace {

constexpr u64 round_up(u64 v, u64 unit) { return (v + unit - 1) / unit * unit; }

class MemoryStorage final : public Storage {
 public:
  explicit MemoryStorage(std::vector<u8> contents) : data_(std::move(contents)) {}
  u64 size() const override { return data_.size(); }
  bool read(u64 offset, std::span<u8> out) override {
    const u64 here = offset < data_.size() ? std::min<u64>(out.size(), data_.size() - offset) : 0;
    if (here > 0) std::copy_n(data_.begin() + static_cast<i64>(offset), here, out.begin());
    std::fill(out.begin() + static_cast<i64>(here), out.end(), u8{0});
    return true;
  }
  bool write(u64 offset, std::span<const u8> data) override {
    if (offset + data.size() > data_.size()) data_.resize(offset + data.size());
    std::copy(data.begin(), data.end(), data_.begin() + static_cast<i64>(offset));
    return true;
  }
  bool grow(u64 size) override {
    data_.resize(std::max<u64>(size, data_.size()));
    return true;
  }
  bool flush() override { return true; }

 private:
  std::vector<u8> data_;
};

/// Storage with its changes tracked: `store_` holds the new contents of changed clusters (overlay) or the original ones
/// (written through).
class Device final : public BlockDevice {
 public:
  Device(std::unique_ptr<Storage> storage, std::string name, bool read_only, bool overlay, bool guard_magic,
         std::string folder)
      : storage_(std::move(storage)),
        name_(std::move(name)),
        read_only_(read_only),
        overlay_(overlay),
        guard_magic_(guard_magic),
        size_(round_up(storage_->size(), kSectorSize)),
        store_(std::move(folder)) {}

  const std::string& name() const override { return name_; }
  u64 size() const override { return size_; }
  bool read_only() const override { return read_only_; }
  const std::string& last_error() const override { return error_; }
  void on_trouble(std::function<void(std::string_view)> listener) override { trouble_ = std::move(listener); }

  bool read(u64 offset, std::span<u8> out) override {
    if (!inside(offset, out.size()) || !read_present(offset, out)) {
      std::fill(out.begin(), out.end(), u8{0});
      return false;
    }
    return true;
  }

  bool write(u64 offset, std::span<const u8> data) override {
    if (!inside(offset, data.size())) return false;
    if (read_only_) return fail(fmt::format("'{}' is read-only", name_));
    if (data.empty()) return true;
    if (guard_magic_ && !keeps_format(offset, data)) return false;
    return overlay_ ? write_overlay(offset, data) : write_through(offset, data);
  }

  bool flush() override { return overlay_ || read_only_ || storage_->flush() || host_failed(storage_->error()); }

  void pad_to(u64 size) override { size_ = std::max(size_, round_up(size, kSectorSize)); }

  void archive(core::Archive& ar) override {
    ar.section("image", 1, [&](u32) {
      u64 size = size_;
      ar("size", size);
      if (ar.loading() && size != size_) {
        throw core::ArchiveError(
            fmt::format("'{}' has {} bytes, the saved machine had a medium of {} bytes there; "
                        "give the image that was used then",
                        name_, size_, size));
      }
      std::vector<u8> clusters;
      std::vector<u8> data;
      if (!ar.loading()) collect(clusters, data);
      ar("clusters", clusters);
      ar("data", data);
      if (ar.loading()) restore(clusters, data);
    });
  }

 private:
  using Cluster = std::array<u8, kClusterSize>;

  bool fail(std::string message) {
    error_ = std::move(message);
    return false;
  }

  /// As fail(), and the user is told what the guest cannot know: once, however often the guest tries.
  bool host_failed(std::string message) {
    if (trouble_ && std::ranges::find(told_, message) == told_.end() && told_.size() < kMostTold) {
      told_.push_back(message);
      trouble_(message);
    }
    return fail(std::move(message));
  }

  bool inside(u64 offset, u64 length) {
    return (offset <= size_ && length <= size_ - offset) ||
           fail(fmt::format("'{}': access at {} beyond its {} bytes", name_, offset, size_));
  }

  /// Calls `f(cluster, first byte in it, part of span)` for each cluster that the span at `offset` touches, until one
  /// gives false.
  template <class Span, class F> static bool each_cluster(u64 offset, Span span, F f) {
    while (!span.empty()) {
      const u64 within = offset % kClusterSize;
      const u64 count = std::min<u64>(span.size(), kClusterSize - within);
      if (!f(offset / kClusterSize, within, span.first(count))) return false;
      offset += count;
      span = span.subspan(count);
    }
    return true;
  }

  bool read_present(u64 offset, std::span<u8> out) {
    if (!overlay_) return storage_->read(offset, out) || host_failed(storage_->error());
    return each_cluster(offset, out, [&](u64 cluster, u64 within, std::span<u8> part) {
      if (!store_.contains(cluster)) {
        return storage_->read(cluster * kClusterSize + within, part) || host_failed(storage_->error());
      }
      Cluster whole;
      if (!store_.get(cluster, whole)) return host_failed(store_.error());
      std::copy_n(whole.begin() + static_cast<i64>(within), part.size(), part.begin());
      return true;
    });
  }

  bool write_overlay(u64 offset, std::span<const u8> data) {
    return each_cluster(offset, data, [&](u64 cluster, u64 within, std::span<const u8> part) {
      Cluster whole;
      if (part.size() != kClusterSize && !read_cluster(cluster, whole)) return false;
      std::copy(part.begin(), part.end(), whole.begin() + static_cast<i64>(within));
      return store_.put(cluster, whole) || host_failed(store_.error());
    });
  }

  bool write_through(u64 offset, std::span<const u8> data) {
    // An odd or padded image first gets its full size, so that it keeps the size it was seen with.
    if (storage_->size() < size_ && offset + data.size() > storage_->size() && !storage_->grow(size_)) {
      return host_failed(storage_->error());
    }
    each_cluster(offset, data, [&](u64 cluster, u64, std::span<const u8>) {
      keep_original(cluster);
      return true;
    });
    return storage_->write(offset, data) || host_failed(storage_->error());
  }

  /// The guest's write goes ahead if the original cannot be kept; only going back is lost then.
  void keep_original(u64 cluster) {
    if (store_.contains(cluster)) return;
    Cluster whole;
    if (!storage_->read(cluster * kClusterSize, whole) || !store_.put(cluster, whole)) originals_lost_ = true;
  }

  bool read_cluster(u64 cluster, Cluster& whole) { return read_present(cluster * kClusterSize, whole); }

  bool keeps_format(u64 offset, std::span<const u8> data) {
    std::array<u8, 128> head{};
    if (offset >= head.size()) return true;
    if (!storage_->read(0, head)) return host_failed(storage_->error());
    std::copy_n(data.begin(), std::min<u64>(data.size(), head.size() - offset),
                head.begin() + static_cast<i64>(offset));
    const std::string_view format = foreign_format(head);
    if (format.empty()) return true;
    return host_failed(
        fmt::format("'{}' was opened as raw without saying so, and the guest would make it look like a {} "
                    "image; give format=raw to allow that",
                    name_, format));
  }

  void collect(std::vector<u8>& clusters, std::vector<u8>& data) {
    const std::vector<u64> changed = store_.clusters();
    clusters.resize(changed.size() * 8);
    data.resize(changed.size() * kClusterSize);
    for (std::size_t i = 0; i < changed.size(); ++i) {
      core::store_le<u64>(clusters.data() + i * 8, changed[i]);
      Cluster whole;
      if (!read_cluster(changed[i], whole)) throw core::ArchiveError(error_ + "; the machine cannot be saved");
      std::copy(whole.begin(), whole.end(), data.begin() + static_cast<i64>(i * kClusterSize));
    }
  }

  void restore(const std::vector<u8>& clusters, const std::vector<u8>& data) {
    const u64 count = clusters.size() / 8;
    const u64 limit = round_up(size_, kClusterSize) / kClusterSize;
    bool sound = clusters.size() % 8 == 0 && data.size() == count * kClusterSize;
    std::vector<u64> wanted;
    for (u64 i = 0; sound && i < count; ++i) {
      wanted.push_back(core::load_le<u64>(clusters.data() + i * 8));
      sound = wanted.back() < limit && (i == 0 || wanted[i - 1] < wanted[i]);
    }
    if (!sound) throw core::ArchiveError(fmt::format("the changes to '{}' in the archive are damaged", name_));
    if (originals_lost_) {
      throw core::ArchiveError(fmt::format("'{}' cannot go back: {}", name_, store_.error()));
    }
    for (const u64 cluster : store_.clusters()) {
      if (!std::binary_search(wanted.begin(), wanted.end(), cluster)) revert(cluster);
    }
    for (u64 i = 0; i < count; ++i) {
      put_back(wanted[i], std::span<const u8, kClusterSize>(data.data() + i * kClusterSize, kClusterSize));
    }
  }

  void revert(u64 cluster) {
    if (!overlay_) {
      Cluster original;
      if (!store_.get(cluster, original)) throw core::ArchiveError(store_.error());
      write_storage(cluster, original);
    }
    store_.erase(cluster);
  }

  void put_back(u64 cluster, std::span<const u8, kClusterSize> data) {
    if (overlay_) {
      if (!store_.put(cluster, data)) throw core::ArchiveError(store_.error());
      return;
    }
    Cluster present;
    if (read_only_ && read_cluster(cluster, present) && std::equal(data.begin(), data.end(), present.begin())) return;
    if (read_only_) {
      throw core::ArchiveError(
          fmt::format("'{}' is read-only and was changed in the saved machine; open it with "
                      "-snapshot",
                      name_));
    }
    keep_original(cluster);
    write_storage(cluster, data);
  }

  void write_storage(u64 cluster, std::span<const u8> data) {
    const u64 offset = cluster * kClusterSize;
    const u64 end = std::min(size_, storage_->size());
    const u64 length = offset < end ? std::min(kClusterSize, end - offset) : 0;
    // What lies beyond the present end of the image grows it, unless it is zeros.
    const u64 full = std::min(kClusterSize, size_ - offset);
    const bool grows = std::any_of(data.begin() + static_cast<i64>(length), data.begin() + static_cast<i64>(full),
                                   [](u8 b) { return b != 0; });
    if (grows && !storage_->grow(size_)) throw core::ArchiveError(storage_->error());
    if (!storage_->write(offset, data.first(grows ? full : length))) throw core::ArchiveError(storage_->error());
  }

  std::unique_ptr<Storage> storage_;
  std::string name_;
  bool read_only_;
  bool overlay_;
  bool guard_magic_;
  u64 size_;
  ClusterStore store_;
  bool originals_lost_ = false;
  std::string error_;
  static constexpr std::size_t kMostTold = 8;
  std::vector<std::string> told_;
  std::function<void(std::string_view)> trouble_;
};

}  // namespace

std::string_view foreign_format(std::span<const u8> head) {
  struct Magic {
    std::size_t offset;
    std::string_view bytes;
    std::string_view format;
  };
  static constexpr std::array<Magic, 6> kMagics{{{0, "QFI\xfb", "qcow2"},
                                                 {0, "KDMV", "VMDK"},
                                                 {0, "# Disk DescriptorFile", "VMDK"},
                                                 {0, "conectix", "VHD"},
                                                 {0, "vhdxfile", "VHDX"},
                                                 {64, "\x7f\x10\xda\xbe", "VDI"}}};
  for (const Magic& magic : kMagics) {
    if (head.size() < magic.offset + magic.bytes.size()) continue;
    const auto at = head.subspan(magic.offset, magic.bytes.size());
    if (std::equal(at.begin(), at.end(), magic.bytes.begin(), [](u8 a, char b) { return a == static_cast<u8>(b); })) {
      return magic.format;
    }
  }
  return {};
}

std::unique_ptr<BlockDevice> make_device(std::unique_ptr<Storage> storage, std::string name, bool read_only,
                                         bool overlay, bool guard_magic, std::string temporary_folder) {
  return std::make_unique<Device>(std::move(storage), std::move(name), read_only, overlay, guard_magic,
                                  std::move(temporary_folder));
}

std::unique_ptr<BlockDevice> memory_image(std::vector<u8> contents, std::string name, bool read_only) {
  if (contents.empty()) throw ImageError(fmt::format("'{}' is empty (0 bytes); give it a size", name));
  return make_device(std::make_unique<MemoryStorage>(std::move(contents)), std::move(name), read_only, false, false,
                     OpenOptions{}.temporary_folder);
}

void MediaSlot::insert(std::unique_ptr<BlockDevice> medium) {
  if (medium_) eject();
  if (!medium) return;
  medium_ = std::move(medium);
  ++changes_;
  if (drive_) drive_();
}

std::unique_ptr<BlockDevice> MediaSlot::eject() {
  if (!medium_) return nullptr;
  std::unique_ptr<BlockDevice> out = std::move(medium_);
  ++changes_;
  if (drive_) drive_();
  return out;
}

void MediaSlot::archive(core::Archive& ar) {
  ar.section("slot", 1, [&](u32) {
    u32 changes = changes_;
    bool present = medium_ != nullptr;
    ar("changes", changes);
    ar("present", present);
    ar("locked", locked_);
    if (ar.loading() && (changes != changes_ || present != (medium_ != nullptr))) {
      std::unique_ptr<BlockDevice> medium;
      if (present) {
        if (provider_) medium = provider_(changes);
        // The same medium may have been put back since, or the counts differ because it was put in differently.
        if (!medium && medium_) medium = std::move(medium_);
        if (!medium) {
          throw core::ArchiveError(
              fmt::format("the saved machine had a medium in '{}'; put it in before the machine is loaded", name_));
        }
      }
      medium_ = std::move(medium);
      changes_ = changes;
    }
    if (present) medium_->archive(ar);
  });
}

}  // namespace orrery::hw
