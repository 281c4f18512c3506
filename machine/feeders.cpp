#include "machine/feeders.h"

#include <algorithm>

namespace orrery::machine {

KeyFeeder::KeyFeeder(core::Clock& clock, std::function<void(KeyUsage, bool)> deliver, std::function<bool()> taken)
    : clock_(clock),
      deliver_(std::move(deliver)),
      taken_(std::move(taken)),
      event_(clock, "typing", [this] { pump(); }) {}

void KeyFeeder::key(const KeyInput& input) {
  if (!input.paced) {
    send(input.key, input.down);
    return;
  }
  if (queue_.size() >= kMost) return;
  queue_.push_back(input);
  if (!event_.pending()) event_.at(std::max(clock_.now(), not_before_));
}

// A host's own typematic repeat is not a keystroke, and a release of a key that is up is none either.
void KeyFeeder::send(KeyUsage key, bool down) {
  if (down_.test(key) == down) return;
  down_.set(key, down);
  deliver_(key, down);
}

void KeyFeeder::release_all() {
  queue_.clear();
  event_.cancel();
  for (unsigned key = 0; key < down_.size(); ++key) {
    if (down_.test(key)) send(static_cast<KeyUsage>(key), false);
  }
}

void KeyFeeder::pump() {
  if (queue_.empty()) return;
  if (!taken_()) {
    event_.at(clock_.now() + kLookNs);
    return;
  }
  const KeyInput input = queue_.front();
  queue_.pop_front();
  not_before_ = clock_.now() + kPaceNs;
  if (!queue_.empty()) event_.at(not_before_);
  send(input.key, input.down);
}

void KeyFeeder::archive(core::Archive& ar) {
  ar.section("typing", 1, [&](u32) {
    std::vector<u8> keys;
    std::vector<u8> downs;
    std::vector<u8> held;
    for (const KeyInput& input : queue_) {
      keys.push_back(input.key);
      downs.push_back(input.down ? 1 : 0);
    }
    for (unsigned key = 0; key < down_.size(); ++key) {
      if (down_.test(key)) held.push_back(static_cast<u8>(key));
    }
    ar("keys", keys);
    ar("downs", downs);
    ar("held", held);
    ar("not_before", not_before_);
    event_.archive(ar);
    if (!ar.loading()) return;
    queue_.clear();
    for (std::size_t i = 0; i < keys.size() && i < downs.size(); ++i) queue_.push_back({keys[i], downs[i] != 0, true});
    down_.reset();
    for (const u8 key : held) down_.set(key);
  });
}

SerialFeeder::SerialFeeder(core::Clock& clock, std::string name, std::function<bool(u8)> offer,
                           std::function<u64()> character_ns)
    : clock_(clock),
      name_(std::move(name)),
      offer_(std::move(offer)),
      character_ns_(std::move(character_ns)),
      event_(clock, "arrival", [this] { pump(); }) {}

void SerialFeeder::add(std::span<const u8> bytes) {
  const std::size_t room = kMost - std::min(kMost, queue_.size());
  const std::span<const u8> taken = bytes.first(std::min(room, bytes.size()));
  queue_.insert(queue_.end(), taken.begin(), taken.end());
  if (!queue_.empty() && !event_.pending()) event_.at(clock_.now() + character_ns_());
}

void SerialFeeder::pump() {
  if (queue_.empty()) return;
  if (offer_(queue_.front())) queue_.pop_front();
  if (!queue_.empty()) event_.at(clock_.now() + std::max<u64>(character_ns_(), 1000));
}

void SerialFeeder::archive(core::Archive& ar) {
  ar.section(name_, 1, [&](u32) {
    std::vector<u8> bytes(queue_.begin(), queue_.end());
    ar("bytes", bytes);
    event_.archive(ar);
    if (ar.loading()) queue_.assign(bytes.begin(), bytes.end());
  });
}

}  // namespace orrery::machine
