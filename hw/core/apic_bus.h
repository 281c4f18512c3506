// The bus between I/O APICs and local APICs: interrupt messages one way, ends of level-triggered interrupts the other.
//
// Intel SDM vol. 3, chapter 11 (10 in older editions): "Issuing interprocessor interrupts", "Determining IPI
// destination". A message finds every local APIC that says it is addressed; lowest-priority messages go to the one with
// the lowest processor priority, between equals to the one that was attached first.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "hw/core/types.h"

namespace orrery::core {

/// The delivery mode field of an ICR, an LVT entry or a redirection entry.
enum class ApicDelivery : u8 {
  Fixed = 0,
  LowestPriority = 1,
  Smi = 2,
  Reserved = 3,
  Nmi = 4,
  Init = 5,
  StartUp = 6,
  ExtInt = 7
};

struct ApicMessage {
  u8 vector = 0;
  ApicDelivery delivery = ApicDelivery::Fixed;
  bool logical = false;  // destination mode
  u8 destination = 0;    // FFh in physical mode: all
  bool level_triggered = false;
  bool assert = true;  // false: the INIT level de-assert message
};

/// A local APIC as the bus sees it.
class ApicAgent {
 public:
  virtual ~ApicAgent() = default;
  virtual bool addressed(u8 destination, bool logical) const = 0;
  /// What lowest-priority arbitration compares; the lowest wins.
  virtual u8 processor_priority() const = 0;
  /// Returns false if it does not take the message (software-disabled).
  virtual bool accept(const ApicMessage& message) = 0;
};

class ApicBus {
 public:
  using EndOfInterrupt = std::function<void(u8 vector)>;

  ApicBus() = default;
  ApicBus(const ApicBus&) = delete;
  ApicBus& operator=(const ApicBus&) = delete;

  void attach(ApicAgent& agent) { agents_.push_back(&agent); }
  /// An I/O APIC hears the ends of level-triggered interrupts.
  void on_end_of_interrupt(EndOfInterrupt listener) { listeners_.push_back(std::move(listener)); }

  /// Delivers to the agents that `message` addresses, or to those that `chosen` picks (shorthands). True if one took
  /// it.
  bool send(const ApicMessage& message) {
    return send(message, [&](const ApicAgent& a) { return a.addressed(message.destination, message.logical); });
  }
  template <class Chosen> bool send(const ApicMessage& message, Chosen&& chosen) {
    if (message.delivery == ApicDelivery::LowestPriority) {
      ApicAgent* best = nullptr;
      for (ApicAgent* agent : agents_) {
        if (!chosen(*agent)) continue;
        if (best == nullptr || agent->processor_priority() < best->processor_priority()) best = agent;
      }
      return best != nullptr && best->accept(message);
    }
    bool taken = false;
    for (ApicAgent* agent : agents_) {
      if (chosen(*agent)) taken = agent->accept(message) || taken;
    }
    return taken;
  }

  void end_of_interrupt(u8 vector) {
    for (const EndOfInterrupt& listener : listeners_) listener(vector);
  }

 private:
  std::vector<ApicAgent*> agents_;
  std::vector<EndOfInterrupt> listeners_;
};

}  // namespace orrery::core
