// Virtual time and the events that happen in it.
//
// The unit of progress is the tick: one retired guest instruction, or one instruction's worth of halted time. Virtual
// nanoseconds are ticks times a rate that only the governor changes, at fixed points. Nothing here reads a host clock.
//
// Contract:
//  * Events run ordered by (time, sequence): two events due at the same nanosecond run in the order they were set.
//  * While an event's callback runs, now() is exactly the time it was set for: lateness is zero by construction, so a
//    periodic device may set `when() + period` and never drifts.
//  * An event set for a past time runs at the next possible tick, with now() never going backwards.
//  * All calls come from the machine thread.
#pragma once

#include <functional>
#include <set>
#include <string>

#include "hw/core/archive.h"
#include "hw/core/types.h"

namespace orrery::core {

class Clock;

inline constexpr u64 kNsPerSecond = 1'000'000'000;

/// A named point in virtual time at which a callback runs. Owned by a device; it leaves the clock when destroyed.
class Event {
 public:
  Event(Clock& clock, std::string name, std::function<void()> callback);
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  /// Sets (or moves) the event to `ns` of virtual time.
  void at(u64 ns);
  void cancel();
  bool pending() const { return pending_; }
  /// The time it is set for; in the callback, the time it was set for. Nanoseconds.
  u64 when() const { return when_; }
  const std::string& name() const { return name_; }

  void archive(Archive& ar);

 private:
  friend class Clock;
  Clock& clock_;
  std::string name_;
  std::function<void()> callback_;
  u64 when_ = 0;
  u64 sequence_ = 0;
  bool pending_ = false;
};

class Clock {
 public:
  static constexpr u64 kDefaultRate = 200'000'000;  // ticks per virtual second

  explicit Clock(u64 ticks_per_second = kDefaultRate) : rate_(ticks_per_second) {}
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;

  u64 ticks() const { return ticks_; }
  /// Virtual nanoseconds since power-on; never goes backwards.
  u64 now() const { return delivering_ ? delivery_now_ : ns_at(ticks_); }

  /// The engine tells how far it has come. `ticks` never decreases. Does not run events.
  void set_ticks(u64 ticks) { ticks_ = ticks; }
  /// Runs every event that is due at or before the present tick. Callbacks may set further events.
  void run_due();
  /// The tick at which the earliest event is due (at least ticks()); ~0 if there is none.
  u64 next_due_tick() const;

  u64 rate() const { return rate_; }
  /// The governor changes how many ticks make a virtual second, from this tick on.
  void set_rate(u64 ticks_per_second);

  u64 ns_at(u64 ticks) const {
    return base_ns_ + static_cast<u64>(static_cast<unsigned __int128>(ticks - base_ticks_) * kNsPerSecond / rate_);
  }
  /// The first tick at which ns_at() has reached `ns`.
  u64 tick_at(u64 ns) const;

  /// Called whenever the earliest event may have become earlier, so that a running engine can shorten its budget.
  void on_earlier(std::function<void()> hook) { earlier_ = std::move(hook); }

  void archive(Archive& ar);

 private:
  friend class Event;
  struct Order {
    bool operator()(const Event* a, const Event* b) const {
      return a->when_ != b->when_ ? a->when_ < b->when_ : a->sequence_ < b->sequence_;
    }
  };
  void insert(Event& event);
  void remove(Event& event);

  u64 rate_;
  u64 ticks_ = 0;
  u64 base_ticks_ = 0;
  u64 base_ns_ = 0;
  u64 next_sequence_ = 0;
  u64 delivery_now_ = 0;
  bool delivering_ = false;
  std::set<Event*, Order> queue_;
  std::function<void()> earlier_;
};

}  // namespace orrery::core
