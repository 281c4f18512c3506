#include "hw/ps2_keyboard.h"

#include <utility>

namespace orrery::hw {
namespace {

using core::Key;

// Types of keys in set 3
constexpr u8 kTypematic = 1, kBreak = 2;

enum class Group : u8 { None, Plain, Grey, Slash, Print, Pause };

struct Codes {
  u8 prefix = 0, set1 = 0, set2 = 0, set3 = 0;
  u8 type = 0;
  Group group = Group::None;
};

constexpr std::array<Codes, 256> make_table() {
  [[maybe_unused]] constexpr u8 E0 = 0xe0;
  constexpr u8 T = kTypematic, MB = kBreak, M = 0;
  std::array<Codes, 256> table{};
#define ORRERY_KEY(name, text, usage, prefix, set1, set2, set3, kind, group) \
  table[usage] = Codes{prefix, set1, set2, set3, kind, Group::group};
#include "hw/core/keys.inc"
#undef ORRERY_KEY
  return table;
}

constexpr std::array<Codes, 256> kTable = make_table();

const Codes& codes_of(Key key) { return kTable[static_cast<u8>(key)]; }

constexpr std::size_t kBufferSize = 16;
constexpr std::size_t kMostReplies = 16;
constexpr u64 kSelfTestNs = 20'000'000;

constexpr u8 kAck = 0xfa, kResend = 0xfe, kSelfTestPassed = 0xaa, kEcho = 0xee;

}  // namespace

Ps2Keyboard::Ps2Keyboard(core::Clock& clock, core::Log& log)
    : clock_(clock),
      log_(log),
      repeat_(clock, "repeat", [this] { repeat(); }),
      self_test_(clock, "self_test", [this] { reply(kSelfTestPassed); }) {
  default_types();
}

void Ps2Keyboard::reset() {
  set_defaults();
  replies_.clear();
  self_test_.cancel();
  scanning_ = true;
  leds_ = 0;
  last_sent_ = 0;
  expect_ = Expect::Command;
  type_for_keys_ = 0;
}

void Ps2Keyboard::archive(core::Archive& ar) {
  ar.section(name(), 1, [&](u32) {
    std::array<u8, 32> down{};
    for (unsigned i = 0; i < 256; ++i) down[i / 8] |= static_cast<u8>(down_.test(i) << (i % 8));
    ar("down", down);
    if (ar.loading()) {
      for (unsigned i = 0; i < 256; ++i) down_.set(i, core::bit(down[i / 8], i % 8));
    }
    ar("codes", codes_);
    ar("replies", replies_);
    ar("overrun", overrun_);
    ar("set", set_);
    ar("scanning", scanning_);
    ar("leds", leds_);
    ar("rate", rate_);
    ar("last_sent", last_sent_);
    ar("repeating", repeating_);
    ar("expect", expect_);
    ar("type_for_keys", type_for_keys_);
    ar("types", types_);
    repeat_.archive(ar);
    self_test_.archive(ar);
  });
  if (!ar.loading()) return;
  if (codes_.size() > kBufferSize + 1) codes_.resize(kBufferSize + 1);
  if (replies_.size() > kMostReplies) replies_.resize(kMostReplies);
  if (set_ < 1 || set_ > 3) set_ = 2;
}

// --- keys ------------------------------------------------------------------------------------------------------------

void Ps2Keyboard::append_code(std::vector<u8>& out, u8 prefix, u8 set1, u8 set2, bool release) const {
  if (prefix != 0) out.push_back(prefix);
  if (set_ == 1) {
    out.push_back(release ? set1 | 0x80 : set1);
  } else {
    if (release) out.push_back(0xf0);
    out.push_back(set2);
  }
}

/// The codes that make a navigation key mean itself whatever the state of Shift and Num Lock: before its make code and
/// after its break code.
void Ps2Keyboard::append_false_shifts(std::vector<u8>& out, Key key, bool before) const {
  const Group group = codes_of(key).group;
  if (group != Group::Grey && group != Group::Slash) return;
  const bool left = is_down(Key::Shift);
  const bool right = is_down(Key::ShiftR);
  const bool num_lock = (leds_ & 2) != 0;
  if (group == Group::Grey && num_lock) {
    if (!left && !right) append_code(out, 0xe0, 0x2a, 0x12, !before);
    return;
  }
  if (left) append_code(out, 0xe0, 0x2a, 0x12, before);
  if (right) append_code(out, 0xe0, 0x36, 0x59, before);
}

std::vector<u8> Ps2Keyboard::sequence(Key key, bool down) const {
  const Codes& codes = codes_of(key);
  std::vector<u8> out;
  if (set_ == 3) {
    if (codes.set3 == 0) return out;
    if (!down) {
      if ((types_[static_cast<u8>(key)] & kBreak) == 0) return out;
      out.push_back(0xf0);
    }
    out.push_back(codes.set3);
    return out;
  }
  const bool ctrl = is_down(Key::Ctrl) || is_down(Key::CtrlR);
  const bool shift = is_down(Key::Shift) || is_down(Key::ShiftR);
  const bool alt = is_down(Key::Alt) || is_down(Key::AltR);
  switch (codes.group) {
    case Group::Pause:  // all of it with the press, nothing with the release
      if (!down) break;
      if (ctrl) {  // Break
        append_code(out, 0xe0, 0x46, 0x7e, false);
        append_code(out, 0xe0, 0x46, 0x7e, true);
      } else {
        for (const bool release : {false, true}) {
          append_code(out, 0xe1, 0x1d, 0x14, release);
          append_code(out, 0, 0x45, 0x77, release);
        }
      }
      break;
    case Group::Print:
      if (alt) {  // System Request
        append_code(out, 0, 0x54, 0x84, !down);
        break;
      }
      if (down && !ctrl && !shift) append_code(out, 0xe0, 0x2a, 0x12, false);
      append_code(out, codes.prefix, codes.set1, codes.set2, !down);
      if (!down && !ctrl && !shift) append_code(out, 0xe0, 0x2a, 0x12, true);
      break;
    default:
      if (down) append_false_shifts(out, key, true);
      append_code(out, codes.prefix, codes.set1, codes.set2, !down);
      if (!down) append_false_shifts(out, key, false);
      break;
  }
  return out;
}

void Ps2Keyboard::emit(std::vector<u8> codes) {
  if (codes.empty()) return;
  if (codes_.size() + codes.size() > kBufferSize) {
    if (overrun_) return;
    overrun_ = true;
    codes_.push_back(set_ == 1 ? 0xff : 0x00);
  } else {
    codes_.insert(codes_.end(), codes.begin(), codes.end());
  }
  byte_ready();
}

bool Ps2Keyboard::repeats(Key key) const {
  if (set_ == 3) return codes_of(key).set3 != 0 && (types_[static_cast<u8>(key)] & kTypematic) != 0;
  return codes_of(key).group != Group::Pause;
}

u64 Ps2Keyboard::delay_ns() const { return u64{250'000'000} * (((rate_ >> 5) & 3u) + 1); }

u64 Ps2Keyboard::period_ns() const {
  return (u64{8} + (rate_ & 7u)) * (u64{1} << ((rate_ >> 3) & 3)) * core::kNsPerSecond / 240;
}

void Ps2Keyboard::press(Key key, bool down) {
  const u8 usage = static_cast<u8>(key);
  if (codes_of(key).group == Group::None || down_.test(usage) == down) return;
  down_.set(usage, down);
  if (!scanning_) return;
  emit(sequence(key, down));
  if (down && repeats(key)) {
    repeating_ = usage;
    repeat_.at(clock_.now() + delay_ns());
  } else if (down || repeating_ == usage) {
    repeating_ = 0;
    repeat_.cancel();
  }
}

void Ps2Keyboard::repeat() {
  const Key key = static_cast<Key>(repeating_);
  repeat_.at(repeat_.when() + period_ns());
  if (codes_.size() >= kBufferSize - 4) return;  // nobody listens: repetitions do not fill the buffer
  std::vector<u8> codes;
  if (set_ == 3) {
    codes = sequence(key, true);
  } else {
    const Codes& c = codes_of(key);
    append_code(codes, c.prefix, c.set1, c.set2, false);
  }
  emit(std::move(codes));
}

// --- commands --------------------------------------------------------------------------------------------------------

u8 Ps2Keyboard::take_byte() {
  std::vector<u8>& from = replies_.empty() ? codes_ : replies_;
  if (from.empty()) return last_sent_;
  last_sent_ = from.front();
  from.erase(from.begin());
  if (codes_.size() < kBufferSize) overrun_ = false;
  return last_sent_;
}

void Ps2Keyboard::reply(u8 byte) {
  if (replies_.size() < kMostReplies) replies_.push_back(byte);
  byte_ready();
}

void Ps2Keyboard::clear_buffer() {
  codes_.clear();
  overrun_ = false;
  repeating_ = 0;
  repeat_.cancel();
}

void Ps2Keyboard::default_types() {
  for (unsigned i = 0; i < 256; ++i) types_[i] = kTable[i].type;
}

void Ps2Keyboard::set_types(u8 type) {
  types_.fill(type);
  clear_buffer();
}

void Ps2Keyboard::set_defaults() {
  clear_buffer();
  default_types();
  rate_ = 0x2b;
  set_ = 2;
}

void Ps2Keyboard::receive(u8 byte) {
  replies_.clear();  // what was not fetched before the next command is void
  if (byte < 0xed && parameter(byte)) return;
  expect_ = Expect::Command;  // a command in place of a parameter ends the one that waited
  command(byte);
}

/// A parameter of the command before; false if none is expected.
bool Ps2Keyboard::parameter(u8 byte) {
  switch (expect_) {
    case Expect::Command: return false;
    case Expect::Leds:
      leds_ = byte & 7;
      reply(kAck);
      break;
    case Expect::Rate:
      rate_ = byte & 0x7f;
      reply(kAck);
      break;
    case Expect::Set:
      if (byte > 3) return false;
      reply(kAck);
      if (byte == 0) {
        reply(set_);
      } else {
        clear_buffer();
        set_ = byte;
      }
      break;
    case Expect::KeyType:  // a list of keys, ended by the next command
      for (unsigned i = 0; i < 256; ++i) {
        if (byte != 0 && kTable[i].set3 == byte) types_[i] = type_for_keys_;
      }
      reply(kAck);
      return true;
  }
  expect_ = Expect::Command;
  return true;
}

void Ps2Keyboard::command(u8 byte) {
  switch (byte) {
    case 0xed:  // Set/Reset Status Indicators
      expect_ = Expect::Leds;
      reply(kAck);
      break;
    case 0xee: reply(kEcho); break;
    case 0xf0:  // Select Alternate Scan Codes
      expect_ = Expect::Set;
      reply(kAck);
      break;
    case 0xf2:  // Read ID
      reply(kAck);
      reply(0xab);
      reply(0x83);
      break;
    case 0xf3:  // Set Typematic Rate/Delay
      expect_ = Expect::Rate;
      reply(kAck);
      break;
    case 0xf4:  // Enable
      clear_buffer();
      scanning_ = true;
      reply(kAck);
      break;
    case 0xf5:  // Default Disable
      set_defaults();
      scanning_ = false;
      reply(kAck);
      break;
    case 0xf6:  // Set Default
      set_defaults();
      reply(kAck);
      break;
    case 0xf7:  // Set All Keys: Typematic
      set_types(kTypematic);
      reply(kAck);
      break;
    case 0xf8:  // Set All Keys: Make/Break
      set_types(kBreak);
      reply(kAck);
      break;
    case 0xf9:  // Set All Keys: Make
      set_types(0);
      reply(kAck);
      break;
    case 0xfa:  // Set All Keys: Typematic/Make/Break
      set_types(kTypematic | kBreak);
      reply(kAck);
      break;
    case 0xfb:  // Set Key Type: Typematic
    case 0xfc:  // Make/Break
    case 0xfd:  // Make
      clear_buffer();
      type_for_keys_ = byte == 0xfb ? kTypematic : byte == 0xfc ? kBreak : 0;
      expect_ = Expect::KeyType;
      reply(kAck);
      break;
    case 0xfe:  // Resend
      reply(last_sent_);
      break;
    case 0xff:  // Reset
      set_defaults();
      leds_ = 0;
      scanning_ = true;
      reply(kAck);
      self_test_.at(clock_.now() + kSelfTestNs);
      break;
    default:
      log_.once(core::Channel::GuestErrors, "keyboard: unknown command {:02x}", byte);
      reply(kResend);
      break;
  }
}

}  // namespace orrery::hw
