// The engine's side of a debugger's points (debug_points.h).
#include "cpu/code_cache.h"
#include "cpu/engine.h"

namespace orrery::cpu {

void Engine::set_debug_points(std::vector<DebugPoint> points) {
  // Blocks that get or lose a point's handler are decoded again; whatever caches translations stays as it is, because
  // the guest may not have flushed what it has changed.
  std::vector<u64> offsets;
  const auto note = [&](std::span<const DebugPoint> list) {
    for (const DebugPoint& p : list) {
      if (p.kind == DebugPoint::Kind::Execute) offsets.push_back(p.address & core::kPageMask);
    }
  };
  note(debug_points_.all());
  note(points);
  const bool had_data = debug_points_.data();
  debug_points_.set(std::move(points));
  if (!offsets.empty()) code_->drop_offsets(offsets);
  if (!had_data && !debug_points_.data()) return;
  for (auto& table : tlbs_) {
    for (TlbEntry& t : *table) {
      if (t.read_tag != TlbEntry::kInvalid) {
        form_tags(t, t.read_tag & ~u64{0xfff}, t.write_tag != TlbEntry::kInvalid);
      }
    }
  }
}

bool Engine::stops_before(const Insn& i) {
  const u64 tick = icount - (block->count - static_cast<u64>(&i - block->insns));
  if (tick == debug_passed_tick_ || tick == repeat_tick_) return false;
  const u64 rip = (s.rip + i.offset) & rip_mask();
  const u64 linear = code64() ? rip : (s.seg[kCs].base + rip) & 0xffffffff;
  const DebugPoint* point = debug_points_.execute_at(linear, block->physical + i.offset);
  if (point == nullptr) return false;
  debug_hit_ = DebugHit{.point = debug_points_.index_of(point), .address = linear, .write = false};
  debug_stop_ = true;
  debug_passed_tick_ = tick;
  return true;
}

void Engine::check_data_points(u64 linear, u64 physical, unsigned width, bool write) {
  DebugHit hit;
  // Of several hits of one instruction the first is told.
  if (debug_stop_ || debug_points_.data_at(linear, physical, width, write, hit) == nullptr) return;
  debug_hit_ = hit;
  debug_stop_ = true;
  attention();
}

}  // namespace orrery::cpu
