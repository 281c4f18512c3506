#include "hw/core/bus.h"

#include <algorithm>

namespace orrery::core {
namespace {

bool misaligned(const IoRange& range, u64 offset, unsigned unit) {
  return !range.widths.unaligned && offset % unit != 0;
}

/// The widest width that the device declares and that fits what is left of an access, the alignment and the range; the
/// narrowest if none does.
unsigned widest_unit(const IoRange& range, u64 offset, unsigned left) {
  unsigned unit = range.widths.max;
  while (unit > range.widths.min && (unit > left || misaligned(range, offset, unit) || range.size - offset < unit)) {
    unit /= 2;
  }
  return unit;
}

}  // namespace

IoSpace::Mapping::~Mapping() {
  if (space_ != nullptr) space_->unmap(range_);
}

void IoSpace::Mapping::move(u64 base) {
  if (range_->base == base) return;
  range_->base = base;
  space_->rebuild();
}

void IoSpace::Mapping::enable(bool on) {
  Node& node = space_->node_of(range_);
  if (node.enabled == on) return;
  node.enabled = on;
  space_->rebuild();
}

bool IoSpace::Mapping::enabled() const { return space_->node_of(range_).enabled; }
u64 IoSpace::Mapping::base() const { return range_->base; }

IoSpace::Mapping IoSpace::map(IoRange range) {
  if (range.size == 0) throw BusConflict(fmt::format("{}: range '{}' is empty", name_, range.name));
  if (!range.movable) {
    const u64 last = range.base + (range.size - 1);
    for (const Node& node : nodes_) {
      const IoRange& other = node.range;
      if (!other.movable && range.base <= other.base + (other.size - 1) && other.base <= last) {
        throw BusConflict(fmt::format("{}: '{}' at {:#x}-{:#x} overlaps '{}' at {:#x}-{:#x}", name_, range.name,
                                      range.base, last, other.name, other.base, other.base + (other.size - 1)));
      }
    }
  }
  nodes_.push_back(Node{.range = std::move(range), .sequence = next_sequence_++});
  rebuild();
  return Mapping(this, &nodes_.back().range);
}

IoSpace::Node& IoSpace::node_of(const IoRange* range) {
  return *std::find_if(nodes_.begin(), nodes_.end(), [&](const Node& n) { return &n.range == range; });
}

void IoSpace::unmap(IoRange* range) {
  nodes_.remove_if([&](const Node& n) { return &n.range == range; });
  rebuild();
}

void IoSpace::rebuild() {
  // Cut the address space at every range border and give each stretch to its strongest range.
  std::vector<Node*> order;
  std::vector<u64> cuts;
  for (Node& node : nodes_) {
    if (!node.enabled) continue;
    order.push_back(&node);
    cuts.push_back(node.range.base);
    const u64 end = node.range.base + node.range.size;
    if (end != 0) cuts.push_back(end);
  }
  std::sort(order.begin(), order.end(), [](const Node* a, const Node* b) {
    return a->range.movable != b->range.movable ? !a->range.movable : a->sequence < b->sequence;
  });
  std::sort(cuts.begin(), cuts.end());
  cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
  segments_.clear();
  recent_ = nullptr;
  for (std::size_t i = 0; i < cuts.size(); ++i) {
    const u64 first = cuts[i];
    const u64 last = i + 1 < cuts.size() ? cuts[i + 1] - 1 : ~u64{0};
    for (Node* node : order) {
      if (node->range.base <= first && first - node->range.base < node->range.size) {
        segments_.push_back(Segment{first, last - first, node});
        break;
      }
    }
  }
  low_.clear();
}

IoSpace::Node* IoSpace::search(u64 address) const {
  if (address < kLowSize && low_.empty() && !segments_.empty() && segments_.front().first < kLowSize) {
    low_.resize(kLowSize);
    for (const Segment& s : segments_) {
      if (s.first >= kLowSize) break;
      const u64 count = std::min(s.length, kLowSize - 1 - s.first) + 1;
      std::fill_n(low_.begin() + static_cast<std::ptrdiff_t>(s.first), count, s.node);
    }
    return low_[address];
  }
  const auto after = std::upper_bound(segments_.begin(), segments_.end(), address,
                                      [](u64 a, const Segment& s) { return a < s.first; });
  if (after == segments_.begin()) return nullptr;
  const Segment& s = *std::prev(after);
  if (address - s.first > s.length) return nullptr;
  recent_ = &s;
  return s.node;
}

u64 IoSpace::read_parts(u64 address, unsigned width) {
  u64 result = 0;
  for (unsigned done = 0; done < width;) {
    const u64 at = address + done;
    Node* node = find(at);
    unsigned step = 1;
    u64 part = 0xff;
    if (node == nullptr) {
      log_.once(Channel::Unimp, "{}: read of unmapped address {:#x}", name_, at);
    } else {
      const IoRange& r = node->range;
      const u64 offset = at - r.base;
      const unsigned unit = widest_unit(r, offset, width - done);
      if (unit <= width - done && !misaligned(r, offset, unit)) {
        part = read_unit(*node, at, unit);
        step = unit;
      } else {  // narrower than the device takes: read the enclosing unit
        const u64 start = offset - offset % unit;
        part = (read_unit(*node, r.base + start, unit) >> ((offset - start) * 8)) & 0xff;
      }
    }
    result |= part << (done * 8);
    done += step;
  }
  return result;
}

void IoSpace::write_parts(u64 address, unsigned width, u64 value) {
  for (unsigned done = 0; done < width;) {
    const u64 at = address + done;
    Node* node = find(at);
    unsigned step = 1;
    if (node == nullptr) {
      log_.once(Channel::Unimp, "{}: write to unmapped address {:#x}", name_, at);
    } else {
      const IoRange& r = node->range;
      const u64 offset = at - r.base;
      const unsigned unit = widest_unit(r, offset, width - done);
      if (unit <= width - done && !misaligned(r, offset, unit)) {
        write_unit(*node, at, unit, value >> (done * 8));
        step = unit;
      } else {
        const u64 start = offset - offset % unit;
        const unsigned shift = static_cast<unsigned>(offset - start) * 8;
        const unsigned count = std::min<unsigned>(width - done, unit - static_cast<unsigned>(offset - start));
        const u64 mask = width_mask(count) << shift;
        const u64 old = read_unit(*node, r.base + start, unit);
        write_unit(*node, r.base + start, unit, (old & ~mask) | (((value >> (done * 8)) << shift) & mask));
        step = count;
      }
    }
    done += step;
  }
}

void IoSpace::set_access_time(u64 first, u64 size, u16 ns_per_byte) {
  if (access_ns_.size() < first + size) access_ns_.resize(first + size);
  std::fill_n(access_ns_.begin() + static_cast<std::ptrdiff_t>(first), size, ns_per_byte);
}

std::vector<const IoRange*> IoSpace::ranges() const {
  std::vector<const IoRange*> result;
  for (const Node& node : nodes_) {
    if (node.enabled) result.push_back(&node.range);
  }
  std::sort(result.begin(), result.end(), [](const IoRange* a, const IoRange* b) {
    return a->base != b->base ? a->base < b->base : a->name < b->name;
  });
  return result;
}

}  // namespace orrery::core
