#include "machine/input_gate.h"

#include <algorithm>
#include <iterator>
#include <limits>

namespace orrery::machine {
namespace {

i32 add(i32 a, i32 b) {
  return static_cast<i32>(
      std::clamp<i64>(i64{a} + b, std::numeric_limits<i32>::min(), std::numeric_limits<i32>::max()));
}

// True if `input` could be merged into `last`, the newest one that waits.
bool merge(Input& last, const Input& input) {
  if (auto* motion = std::get_if<MouseMotion>(&last); motion != nullptr) {
    const auto* more = std::get_if<MouseMotion>(&input);
    if (more == nullptr) return false;
    motion->dx = add(motion->dx, more->dx);
    motion->dy = add(motion->dy, more->dy);
    return true;
  }
  if (std::holds_alternative<PointerMotion>(last) && std::holds_alternative<PointerMotion>(input)) {
    last = input;
    return true;
  }
  if (std::holds_alternative<RateChange>(last) && std::holds_alternative<RateChange>(input)) {
    last = input;
    return true;
  }
  return false;
}

}  // namespace

void InputGate::post(Input input) {
  if (ignore_.load(std::memory_order_acquire)) return;
  {
    const std::lock_guard lock(mutex_);
    if (queue_.empty() || !merge(queue_.back(), input)) queue_.push_back(std::move(input));
    waiting_.store(true, std::memory_order_release);
  }
  if (posted_) posted_();
}

void InputGate::post_together(std::vector<Input> inputs) {
  if (inputs.empty() || ignore_.load(std::memory_order_acquire)) return;
  {
    const std::lock_guard lock(mutex_);
    std::ranges::move(inputs, std::back_inserter(queue_));
    waiting_.store(true, std::memory_order_release);
  }
  if (posted_) posted_();
}

u64 InputGate::next_tick() const {
  if (!reader_ || position_ >= reader_->entries().size()) return ~u64{0};
  return reader_->entries()[position_].tick;
}

std::optional<JournalEntry> InputGate::take(u64 now) {
  if (reader_) {
    if (next_tick() > now) return std::nullopt;
    const JournalEntry& entry = reader_->entries()[position_++];
    if (!std::holds_alternative<RunEnd>(entry.what)) journal_.append(entry);
    return entry;
  }
  if (!waiting()) return std::nullopt;
  JournalEntry entry;
  entry.tick = now;
  {
    const std::lock_guard lock(mutex_);
    if (queue_.empty()) return std::nullopt;
    entry.what = std::move(queue_.front());
    queue_.pop_front();
    waiting_.store(!queue_.empty(), std::memory_order_release);
  }
  if (const auto* insert = std::get_if<InsertMedium>(&std::get<Input>(entry.what))) {
    journal_.append({now, FileMark::of_file(insert->medium.path, insert->medium.path)});
  }
  journal_.append(entry);
  return entry;
}

void InputGate::replay(std::shared_ptr<const JournalReader> reader) {
  ignore_.store(reader != nullptr, std::memory_order_release);
  const std::lock_guard lock(mutex_);
  if (reader) {
    queue_.clear();
    waiting_.store(false, std::memory_order_release);
  }
  reader_ = std::move(reader);
  position_ = 0;
}

}  // namespace orrery::machine
