// Inputs that come faster than a guest can take them wait here, inside the machine: what waits is state, and when it is
// handed on is decided by virtual time and the guest alone.
#pragma once

#include <bitset>
#include <deque>
#include <functional>
#include <span>
#include <string>

#include "hw/core/archive.h"
#include "hw/core/clock.h"
#include "machine/input.h"

namespace orrery::machine {

/// Between the gate and the keyboard: which keys are down, and paced typing.
class KeyFeeder {
 public:
  /// `deliver` presses or releases a key; `taken` says whether the guest has read everything that was typed before.
  KeyFeeder(core::Clock& clock, std::function<void(KeyUsage key, bool down)> deliver, std::function<bool()> taken);

  void key(const KeyInput& input);
  /// Drops what waits and releases all keys that are down.
  void release_all();
  std::size_t waiting() const { return queue_.size(); }
  void archive(core::Archive& ar);

 private:
  /// Virtual time between paced keys, and how often the guest's progress is looked at.
  static constexpr u64 kPaceNs = 12'000'000;
  static constexpr u64 kLookNs = 2'000'000;
  /// A guest that never reads its keyboard does not gather keys without end.
  static constexpr std::size_t kMost = 65536;

  void send(KeyUsage key, bool down);
  void pump();

  core::Clock& clock_;
  std::function<void(KeyUsage, bool)> deliver_;
  std::function<bool()> taken_;
  core::Event event_;
  std::deque<KeyInput> queue_;
  std::bitset<256> down_;
  u64 not_before_ = 0;
};

/// Between the gate and one serial port.
class SerialFeeder {
 public:
  /// `offer` hands a byte to the UART and says if it took it; asked again after a character's time.
  SerialFeeder(core::Clock& clock, std::string name, std::function<bool(u8 byte)> offer,
               std::function<u64()> character_ns);

  void add(std::span<const u8> bytes);
  std::size_t waiting() const { return queue_.size(); }
  void archive(core::Archive& ar);

 private:
  static constexpr std::size_t kMost = 16 << 20;
  void pump();

  core::Clock& clock_;
  std::string name_;
  std::function<bool(u8)> offer_;
  std::function<u64()> character_ns_;
  core::Event event_;
  std::deque<u8> queue_;
};

}  // namespace orrery::machine
