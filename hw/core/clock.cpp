#include "hw/core/clock.h"

#include <algorithm>

namespace orrery::core {

Event::Event(Clock& clock, std::string name, std::function<void()> callback)
    : clock_(clock), name_(std::move(name)), callback_(std::move(callback)) {}

Event::~Event() { cancel(); }

void Event::at(u64 ns) {
  cancel();
  when_ = ns;
  sequence_ = clock_.next_sequence_++;
  clock_.insert(*this);
}

void Event::cancel() {
  if (pending_) clock_.remove(*this);
}

void Event::archive(Archive& ar) {
  ar.section(name_, 1, [&](u32) {
    bool pending = pending_;
    u64 when = when_;
    u64 sequence = sequence_;
    ar("pending", pending);
    ar("when", when);
    ar("sequence", sequence);
    if (!ar.loading()) return;
    cancel();
    when_ = when;
    sequence_ = sequence;
    if (pending) clock_.insert(*this);
  });
}

void Clock::insert(Event& event) {
  event.pending_ = true;
  queue_.insert(&event);
  if (*queue_.begin() == &event && earlier_) earlier_();
}

void Clock::remove(Event& event) {
  queue_.erase(&event);
  event.pending_ = false;
}

u64 Clock::tick_at(u64 ns) const {
  if (ns <= base_ns_) return base_ticks_;
  const auto product = static_cast<unsigned __int128>(ns - base_ns_) * rate_;
  return base_ticks_ + static_cast<u64>((product + kNsPerSecond - 1) / kNsPerSecond);
}

u64 Clock::next_due_tick() const {
  if (queue_.empty()) return ~u64{0};
  return std::max(ticks_, tick_at((*queue_.begin())->when_));
}

void Clock::run_due() {
  const u64 limit = ns_at(ticks_);
  delivery_now_ = std::max(delivery_now_, base_ns_);
  while (!queue_.empty() && (*queue_.begin())->when_ <= limit) {
    Event& event = **queue_.begin();
    remove(event);
    delivering_ = true;
    delivery_now_ = std::max(delivery_now_, event.when_);
    event.callback_();
    delivering_ = false;
  }
  delivery_now_ = limit;
}

void Clock::set_rate(u64 ticks_per_second) {
  base_ns_ = ns_at(ticks_);
  base_ticks_ = ticks_;
  rate_ = ticks_per_second;
  if (earlier_) earlier_();
}

void Clock::archive(Archive& ar) {
  ar.section("clock", 1, [&](u32) {
    ar("rate", rate_);
    ar("ticks", ticks_);
    ar("base_ticks", base_ticks_);
    ar("base_ns", base_ns_);
    ar("next_sequence", next_sequence_);
    ar("delivery_now", delivery_now_);
  });
}

}  // namespace orrery::core
