// The 101/102-key PS/2 keyboard at its end of the cable: three scan code sets, commands, lights, typematic repetition.
//
// Source: IBM Personal System/2 Hardware Interface Technical Reference, "Keyboards (101- and 102-Key)": "Keyboard
// buffer", "Commands from the system", "Scan code sets 1, 2 and 3". Translation of set 2 to set 1 is the controller's.
#pragma once

#include <array>
#include <bitset>
#include <vector>

#include "hw/core/clock.h"
#include "hw/core/device.h"
#include "hw/core/keys.h"
#include "hw/core/log.h"
#include "hw/core/ps2.h"

namespace orrery::hw {

class Ps2Keyboard final : public core::Device, public core::Ps2Port {
 public:
  Ps2Keyboard(core::Clock& clock, core::Log& log);

  std::string_view name() const override { return "keyboard"; }
  /// Power-on: settings and buffers. Keys that a person holds down stay down.
  void reset() override;
  void archive(core::Archive& ar) override;

  /// A person presses (down) or releases a key. A key that is already in that state gives nothing.
  void press(core::Key key, bool down);
  bool is_down(core::Key key) const { return down_.test(static_cast<u8>(key)); }
  /// The lights: bit 0 Scroll Lock, 1 Num Lock, 2 Caps Lock.
  u8 leds() const { return leds_; }

  void receive(u8 byte) override;
  bool has_byte() const override { return !replies_.empty() || !codes_.empty(); }
  u8 take_byte() override;

 private:
  enum class Expect : u8 { Command, Leds, Set, Rate, KeyType };

  void command(u8 byte);
  bool parameter(u8 byte);
  void reply(u8 byte);
  void set_defaults();
  void clear_buffer();
  void default_types();
  void set_types(u8 type);
  void emit(std::vector<u8> codes);
  void append_code(std::vector<u8>& out, u8 prefix, u8 set1, u8 set2, bool release) const;
  std::vector<u8> sequence(core::Key key, bool down) const;
  void append_false_shifts(std::vector<u8>& out, core::Key key, bool before) const;
  bool repeats(core::Key key) const;
  u64 delay_ns() const;
  u64 period_ns() const;
  void repeat();

  core::Clock& clock_;
  core::Log& log_;
  core::Event repeat_;
  core::Event self_test_;
  std::bitset<256> down_;
  std::vector<u8> codes_;    // the keyboard's 16-byte buffer and the overrun mark
  std::vector<u8> replies_;  // answers to commands: they go first
  bool overrun_ = false;
  u8 set_ = 2;
  bool scanning_ = true;
  u8 leds_ = 0;
  u8 rate_ = 0x2b;
  u8 last_sent_ = 0;
  u8 repeating_ = 0;  // HID usage of the key that repeats, 0: none
  Expect expect_ = Expect::Command;
  u8 type_for_keys_ = 0;         // for Expect::KeyType
  std::array<u8, 256> types_{};  // set 3: per key, kTypematic and kBreak
};

}  // namespace orrery::hw
