// The I/O port bus, and the part of the memory bus that leads to devices.
//
// A device maps ranges. Each range says which access widths its handlers take ("impl"); the bus splits wider accesses,
// low address first, and widens narrower ones by reading the enclosing unit (a narrow write to a device that takes wide
// ones only becomes a read of the unit, a merge and a write). Unmapped reads give all ones, unmapped writes vanish;
// both are logged once per address on `unimp`.
//
// An access also takes time: see set_access_time().
//
// Fixed ranges may not overlap: mapping one over another throws BusConflict, which names both. Ranges that the guest
// can move (PCI BARs) may be moved anywhere: where they overlap a fixed range, the fixed one answers; between two
// movable ones, the one that was mapped first.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "hw/core/log.h"
#include "hw/core/types.h"

namespace orrery::core {

class BusConflict : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// Access widths in bytes that a device's handlers take: 1, 2, 4 or 8.
struct Widths {
  u8 min = 1;
  u8 max = 1;
  bool unaligned = false;  // the handlers take these widths at any offset (16-bit ports at odd addresses)
};

/// A device's registers. `offset` is relative to the range's base, `width` one of the declared widths.
struct IoRange {
  std::string name;  // for logs, listings and conflicts, for example "pic1"
  u64 base = 0;
  u64 size = 0;
  Widths widths;
  bool movable = false;
  std::function<u64(u64 offset, unsigned width)> read;               // may be empty: reads as all ones
  std::function<void(u64 offset, unsigned width, u64 value)> write;  // may be empty: writes vanish
};

/// Dispatches accesses in one address space (I/O ports: 16 bits; memory: 64 bits) to ranges.
class IoSpace {
 public:
  IoSpace(std::string name, Log& log) : name_(std::move(name)), log_(log) {}
  IoSpace(const IoSpace&) = delete;
  IoSpace& operator=(const IoSpace&) = delete;

  /// A mapped range. Unmaps when destroyed; the bus must outlive it.
  class Mapping {
   public:
    Mapping() = default;
    Mapping(Mapping&& other) noexcept { swap(other); }
    Mapping& operator=(Mapping&& other) noexcept {
      Mapping moved(std::move(other));
      swap(moved);
      return *this;
    }
    ~Mapping();

    /// Moves a movable range to `base`.
    void move(u64 base);
    /// A disabled range answers nothing.
    void enable(bool on);
    bool enabled() const;
    u64 base() const;
    explicit operator bool() const { return space_ != nullptr; }

   private:
    friend class IoSpace;
    Mapping(IoSpace* space, IoRange* range) : space_(space), range_(range) {}
    void swap(Mapping& other) noexcept {
      std::swap(space_, other.space_);
      std::swap(range_, other.range_);
    }
    IoSpace* space_ = nullptr;
    IoRange* range_ = nullptr;
  };

  /// Maps a range; throws BusConflict if it is fixed and overlaps another fixed one, or has no size.
  [[nodiscard]] Mapping map(IoRange range);

  /// `width` 1, 2, 4 or 8 bytes; need not be aligned.
  u64 read(u64 address, unsigned width) {
    const Node* node = find(address);
    if (node != nullptr && whole(node->range, address - node->range.base, width)) [[likely]] {
      return read_unit(*node, address, width);
    }
    return read_parts(address, width);
  }
  void write(u64 address, unsigned width, u64 value) {
    const Node* node = find(address);
    if (node != nullptr && whole(node->range, address - node->range.base, width)) [[likely]] {
      return write_unit(*node, address, width, value);
    }
    write_parts(address, width, value);
  }

  /// The board says how long accesses to these addresses hold the processor, on top of the instruction's own time: for
  /// each byte. 0 until it says so, and for all that lies beyond what it spoke of. Ranges that are given later replace
  /// earlier ones.
  void set_access_time(u64 first, u64 size, u16 ns_per_byte);
  /// Nanoseconds for an access.
  u64 access_time(u64 address, unsigned width) const {
    return address < access_ns_.size() ? u64{access_ns_[address]} * width : 0;
  }

  /// True if a device answers at `address`.
  bool mapped(u64 address) const { return find(address) != nullptr; }

  /// All enabled ranges by address, for `info mtree`.
  std::vector<const IoRange*> ranges() const;

 private:
  struct Node {
    IoRange range;
    u64 sequence = 0;
    bool enabled = true;
  };
  struct Segment {  // a stretch of addresses answered by one range
    u64 first;
    u64 length;  // minus one
    Node* node;
  };

  static constexpr u64 kLowSize = 0x10000;  // the I/O ports' address space

  Node* find(u64 address) const {
    if (address < low_.size()) return low_[address];
    return recent_ != nullptr && address - recent_->first <= recent_->length ? recent_->node : search(address);
  }
  Node* search(u64 address) const;
  /// The access as one call of the device's handler, if the device takes it like that.
  static bool whole(const IoRange& r, u64 offset, unsigned width) {
    return width >= r.widths.min && width <= r.widths.max && (r.widths.unaligned || (offset & (width - 1)) == 0) &&
           r.size - offset >= width;
  }
  Node& node_of(const IoRange* range);
  void unmap(IoRange* range);
  void rebuild();
  static u64 width_mask(unsigned width) { return ~u64{0} >> (64 - width * 8); }
  static u64 read_unit(const Node& node, u64 address, unsigned width) {
    const IoRange& r = node.range;
    return r.read ? r.read(address - r.base, width) & width_mask(width) : width_mask(width);
  }
  static void write_unit(const Node& node, u64 address, unsigned width, u64 value) {
    const IoRange& r = node.range;
    if (r.write) r.write(address - r.base, width, value & width_mask(width));
  }
  /// Accesses that the device does not take as they are.
  u64 read_parts(u64 address, unsigned width);
  void write_parts(u64 address, unsigned width, u64 value);

  std::string name_;
  Log& log_;
  std::list<Node> nodes_;
  std::vector<Segment> segments_;            // sorted, disjoint
  std::vector<u16> access_ns_;               // by address
  mutable std::vector<Node*> low_;           // who answers at each address below kLowSize; made when first needed
  mutable const Segment* recent_ = nullptr;  // the one that answered last
  u64 next_sequence_ = 0;
};

using PortBus = IoSpace;

}  // namespace orrery::core
