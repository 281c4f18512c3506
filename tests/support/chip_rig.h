// What a chip needs around it in a test: ports, a clock that the test winds, a log, and a DMA channel.
#pragma once

#include <vector>

#include "hw/core/bus.h"
#include "hw/core/clock.h"
#include "hw/core/dma.h"
#include "hw/core/line.h"
#include "hw/core/log.h"

namespace orrery::test {

/// One tick is one nanosecond.
struct ChipRig {
  core::Log log;
  core::Clock clock{core::kNsPerSecond};
  core::PortBus ports{"ports", log};

  u8 in8(u16 port) { return static_cast<u8>(ports.read(port, 1)); }
  u16 in16(u16 port) { return static_cast<u16>(ports.read(port, 2)); }
  u32 in32(u16 port) { return static_cast<u32>(ports.read(port, 4)); }
  void out8(u16 port, u8 value) { ports.write(port, 1, value); }
  void out16(u16 port, u16 value) { ports.write(port, 2, value); }
  void out32(u16 port, u32 value) { ports.write(port, 4, value); }

  /// Lets time pass up to `ns`, every event at its own moment.
  void run_to(u64 ns) {
    while (clock.next_due_tick() <= ns) {
      clock.set_ticks(clock.next_due_tick());
      clock.run_due();
    }
    if (ns > clock.ticks()) clock.set_ticks(ns);
    clock.run_due();
  }
  /// Lets `ns` of virtual time pass.
  void run(u64 ns) { run_to(clock.ticks() + ns); }

  /// Lets time pass until `condition` holds, at most `limit` nanoseconds. Whether it holds.
  template <class Condition> bool run_until(Condition condition, u64 limit = 60 * core::kNsPerSecond) {
    const u64 end = clock.ticks() + limit;
    while (!condition()) {
      if (clock.next_due_tick() > end) return false;
      clock.set_ticks(clock.next_due_tick());
      clock.run_due();
    }
    return true;
  }
};

/// A DMA channel whose memory is a vector; terminal count comes with its last byte.
class FakeDma final : public core::DmaChannel {
 public:
  std::vector<u8> memory;
  std::size_t position = 0;
  bool masked = false;
  bool request = false;

  void program(std::vector<u8> contents) {
    memory = std::move(contents);
    position = 0;
  }
  void set_request(bool level) override { request = level; }
  bool ready(bool) const override { return !masked && position < memory.size(); }
  bool to_memory(u16 unit) override {
    memory.at(position++) = static_cast<u8>(unit);
    return position == memory.size();
  }
  bool from_memory(u16& unit) override {
    unit = memory.at(position++);
    return position == memory.size();
  }
};

}  // namespace orrery::test
