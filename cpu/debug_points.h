// What a debugger wants to be stopped at: instructions and data, by linear or physical address.
//
// Points cost nothing where they do not lie: an instruction point is a handler in the decoded blocks that have an
// instruction at its offset in a page; a data point sends the accesses to its pages to the slow path. They are no part
// of the guest's state, and neither memory nor flags are changed for them, so a run with points executes the same
// instructions at the same ticks as one without.
#pragma once

#include <span>
#include <vector>

#include "hw/core/types.h"

namespace orrery::cpu {

struct DebugPoint {
  enum class Kind : u8 {
    Execute,  // before the instruction whose first byte is at `address`
    Write,    // after an instruction that wrote one of the bytes
    Read,     // after one that read one
    Access,   // after one that did either
  };
  enum class Space : u8 { Linear, Physical };

  Kind kind = Kind::Execute;
  Space space = Space::Linear;
  u64 address = 0;
  u64 length = 1;  // in bytes; of no meaning for Execute

  bool operator==(const DebugPoint&) const = default;
};

/// Why Cpu::run() returned Stop::Breakpoint.
struct DebugHit {
  std::size_t point = 0;  // index in the list that was given to Cpu::set_debug_points()
  u64 address = 0;        // Execute: linear address of the instruction. Data: first byte of the point that was touched
  bool write = false;     // Data: the access was a write
};

/// The points of one processor; data accesses are those of its instructions and of interrupt delivery, page-table
/// walks, instruction fetches and other bus masters not among them.
class DebugPoints {
 public:
  void set(std::vector<DebugPoint> points);
  std::span<const DebugPoint> all() const { return points_; }
  bool code() const { return code_; }
  bool data() const { return data_; }

  /// Whether an Execute point may lie on an instruction whose address, linear and physical alike, has these low bits.
  bool may_execute_at(u64 offset_in_page) const;
  /// The first Execute point at an instruction; null if there is none.
  const DebugPoint* execute_at(u64 linear, u64 physical) const;
  /// Whether a data point lies in the page of these addresses.
  bool in_page(u64 linear, u64 physical) const;
  /// The first data point that an access hits; null if there is none. `hit` is then filled in.
  const DebugPoint* data_at(u64 linear, u64 physical, unsigned width, bool write, DebugHit& hit) const;
  std::size_t index_of(const DebugPoint* point) const { return static_cast<std::size_t>(point - points_.data()); }

 private:
  std::vector<DebugPoint> points_;
  bool code_ = false;
  bool data_ = false;
};

}  // namespace orrery::cpu
