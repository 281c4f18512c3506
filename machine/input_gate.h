// The one gate through which the outside world reaches a machine.
//
// Any thread posts; the machine thread takes one input after the other at the border of a slice, where each is stamped
// with the tick at which it takes effect and written to the journal. In a replay the gate ignores what is posted and
// hands out a journal's entries at their ticks instead, so nothing behind it can tell the difference.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "machine/input.h"
#include "machine/journal.h"

namespace orrery::machine {

class InputGate {
 public:
  explicit InputGate(Journal& journal) : journal_(journal) {}
  InputGate(const InputGate&) = delete;
  InputGate& operator=(const InputGate&) = delete;

  /// Any thread. Motions that still wait are added up, so a stopped machine does not gather them without end.
  void post(Input input);
  /// Several that enter at one tick, whatever the machine thread does meanwhile.
  void post_together(std::vector<Input> inputs);
  /// Called on the posting thread after each post, to wake a machine thread that sleeps. Set before posting starts.
  void on_post(std::function<void()> hook) { posted_ = std::move(hook); }
  /// True if something waits. Any thread.
  bool waiting() const { return waiting_.load(std::memory_order_acquire); }

  // --- machine thread only -------------------------------------------------------------------------------------------
  /// The tick to stop at because the replayed journal has an entry there; ~0 if there is none, and when live.
  u64 next_tick() const;
  /// The next thing that enters at tick `now`, already in this machine's journal; nothing if there is no more. A replay
  /// also gives checkpoints, file marks and the end; the loop checks them.
  std::optional<JournalEntry> take(u64 now);

  /// From now on the entries of `reader` instead of what is posted; null: live again.
  void replay(std::shared_ptr<const JournalReader> reader);
  bool replaying() const { return reader_ != nullptr; }

 private:
  Journal& journal_;
  std::mutex mutex_;
  std::deque<Input> queue_;
  std::atomic<bool> waiting_ = false;
  std::atomic<bool> ignore_ = false;
  std::function<void()> posted_;
  std::shared_ptr<const JournalReader> reader_;
  std::size_t position_ = 0;
};

}  // namespace orrery::machine
