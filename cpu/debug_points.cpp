#include "cpu/debug_points.h"

#include <algorithm>

#include "hw/core/memory.h"

namespace orrery::cpu {
namespace {

bool is_code(const DebugPoint& p) { return p.kind == DebugPoint::Kind::Execute; }

u64 in_space(const DebugPoint& p, u64 linear, u64 physical) {
  return p.space == DebugPoint::Space::Linear ? linear : physical;
}

}  // namespace

void DebugPoints::set(std::vector<DebugPoint> points) {
  points_ = std::move(points);
  for (DebugPoint& p : points_) p.length = std::max<u64>(p.length, 1);
  code_ = std::ranges::any_of(points_, is_code);
  data_ = !std::ranges::all_of(points_, is_code);
}

bool DebugPoints::may_execute_at(u64 offset_in_page) const {
  return std::ranges::any_of(points_, [&](const DebugPoint& p) {
    return is_code(p) && ((p.address ^ offset_in_page) & core::kPageMask) == 0;
  });
}

const DebugPoint* DebugPoints::execute_at(u64 linear, u64 physical) const {
  for (const DebugPoint& p : points_) {
    if (is_code(p) && p.address == in_space(p, linear, physical)) return &p;
  }
  return nullptr;
}

bool DebugPoints::in_page(u64 linear, u64 physical) const {
  return std::ranges::any_of(points_, [&](const DebugPoint& p) {
    if (is_code(p)) return false;
    const u64 page = in_space(p, linear, physical) & ~core::kPageMask;
    const u64 last = p.address + (p.length - 1);
    return page <= last && p.address <= (page | core::kPageMask);
  });
}

const DebugPoint* DebugPoints::data_at(u64 linear, u64 physical, unsigned width, bool write, DebugHit& hit) const {
  for (const DebugPoint& p : points_) {
    if (is_code(p) || p.kind == (write ? DebugPoint::Kind::Read : DebugPoint::Kind::Write)) continue;
    const u64 first = in_space(p, linear, physical);
    if (first > p.address + (p.length - 1) || p.address > first + (width - 1)) continue;
    hit = DebugHit{.point = index_of(&p), .address = std::max(first, p.address), .write = write};
    return &p;
  }
  return nullptr;
}

}  // namespace orrery::cpu
