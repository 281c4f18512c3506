#include "hw/keyboard_controller.h"

namespace orrery::hw {
namespace {

using core::bit;

// Status register
constexpr u8 kOutputFull = 0x01, kSystemFlag = 0x04, kCommand = 0x08, kUnlocked = 0x10, kAuxFull = 0x20,
             kTimeout = 0x40;
// Command byte
constexpr u8 kKeyboardInterrupt = 0x01, kMouseInterrupt = 0x02, kSystem = 0x04, kDisableKeyboard = 0x10,
             kDisableMouse = 0x20, kTranslate = 0x40;
// Output port
constexpr u8 kNoReset = 0x01, kA20 = 0x02, kKeyboardFull = 0x10, kMouseFull = 0x20, kKeyboardClock = 0x40,
             kKeyboardData = 0x80;

constexpr std::size_t kMostResponses = 16;

/// Scan code set 2 to set 1; codes from 80h on stand for themselves but for 83h and 84h.
constexpr std::array<u8, 128> kSet2To1{
    0xff, 0x43, 0x41, 0x3f, 0x3d, 0x3b, 0x3c, 0x58, 0x64, 0x44, 0x42, 0x40, 0x3e, 0x0f, 0x29, 0x59,  // 00
    0x65, 0x38, 0x2a, 0x70, 0x1d, 0x10, 0x02, 0x5a, 0x66, 0x71, 0x2c, 0x1f, 0x1e, 0x11, 0x03, 0x5b,  // 10
    0x67, 0x2e, 0x2d, 0x20, 0x12, 0x05, 0x04, 0x5c, 0x68, 0x39, 0x2f, 0x21, 0x14, 0x13, 0x06, 0x5d,  // 20
    0x69, 0x31, 0x30, 0x23, 0x22, 0x15, 0x07, 0x5e, 0x6a, 0x72, 0x32, 0x24, 0x16, 0x08, 0x09, 0x5f,  // 30
    0x6b, 0x33, 0x25, 0x17, 0x18, 0x0b, 0x0a, 0x60, 0x6c, 0x34, 0x35, 0x26, 0x27, 0x19, 0x0c, 0x61,  // 40
    0x6d, 0x73, 0x28, 0x74, 0x1a, 0x0d, 0x62, 0x6e, 0x3a, 0x36, 0x1c, 0x1b, 0x75, 0x2b, 0x63, 0x76,  // 50
    0x55, 0x56, 0x77, 0x78, 0x79, 0x7a, 0x0e, 0x7b, 0x7c, 0x4f, 0x7d, 0x4b, 0x47, 0x7e, 0x7f, 0x6f,  // 60
    0x52, 0x53, 0x50, 0x4c, 0x4d, 0x48, 0x01, 0x45, 0x57, 0x4e, 0x51, 0x4a, 0x37, 0x49, 0x46, 0x54,  // 70
};

u8 translated(u8 code) {
  if (code < 0x80) return kSet2To1[code];
  return code == 0x83 ? 0x41 : code == 0x84 ? 0x54 : code;
}

}  // namespace

KeyboardController::KeyboardController(core::PortBus& ports, core::Clock& clock, core::Log& log,
                                       core::Ps2Port& keyboard, core::Ps2Port* mouse, core::LevelLine& irq_keyboard,
                                       core::LevelLine& irq_mouse, A20Gate a20, core::EdgeLine& reset_request)
    : log_(log),
      clock_(clock),
      keyboard_(keyboard),
      mouse_(mouse),
      irq_keyboard_(irq_keyboard),
      irq_mouse_(irq_mouse),
      a20_(std::move(a20)),
      reset_request_(reset_request),
      byte_(clock, "byte", [this] { arrived(); }) {
  keyboard_.on_byte([this] { fetch(); });
  if (mouse_ != nullptr) mouse_->on_byte([this] { fetch(); });
  mappings_[0] = ports.map({.name = "i8042-data",
                            .base = 0x60,
                            .size = 1,
                            .widths = {},
                            .movable = false,
                            .read = [this](u64, unsigned) -> u64 { return read_data(); },
                            .write = [this](u64, unsigned, u64 value) { write_data(static_cast<u8>(value)); }});
  mappings_[1] = ports.map({.name = "i8042-command",
                            .base = 0x64,
                            .size = 1,
                            .widths = {},
                            .movable = false,
                            .read = [this](u64, unsigned) -> u64 { return status(); },
                            .write = [this](u64, unsigned, u64 value) { write_command(static_cast<u8>(value)); }});
  ram_[0] = kKeyboardInterrupt | kMouseInterrupt;
}

void KeyboardController::reset() {
  ram_.fill(0);
  ram_[0] = kKeyboardInterrupt | kMouseInterrupt;
  output_ = 0;
  full_ = timeout_ = last_was_command_ = release_ = false;
  from_ = on_cable_ = Source::None;
  pending_command_ = 0;
  responses_.clear();
  byte_.cancel();
  update_irqs();
}

void KeyboardController::Response::archive(core::Archive& ar) {
  ar("value", value);
  ar("source", source);
}

void KeyboardController::archive(core::Archive& ar) {
  ar.section(name(), 1, [&](u32) {
    ar("ram", ram_);
    ar("output", output_);
    ar("full", full_);
    ar("from", from_);
    ar("timeout", timeout_);
    ar("last_was_command", last_was_command_);
    ar("pending_command", pending_command_);
    ar("release", release_);
    ar("on_cable", on_cable_);
    ar("responses", responses_);
    byte_.archive(ar);
  });
  if (!ar.loading()) return;
  if (responses_.size() > kMostResponses) responses_.resize(kMostResponses);
  irq_keyboard_.restore(full_ && from_ != Source::Mouse && (ram_[0] & kKeyboardInterrupt) != 0);
  irq_mouse_.restore(full_ && from_ == Source::Mouse && (ram_[0] & kMouseInterrupt) != 0);
}

// --- the output buffer -----------------------------------------------------------------------------------------------

void KeyboardController::update_irqs() {
  irq_keyboard_.set(full_ && from_ != Source::Mouse && (ram_[0] & kKeyboardInterrupt) != 0);
  irq_mouse_.set(full_ && from_ == Source::Mouse && (ram_[0] & kMouseInterrupt) != 0);
}

void KeyboardController::put(u8 value, Source source) {
  output_ = value;
  full_ = true;
  from_ = source;
  update_irqs();
}

/// The controller itself says something: now, or as soon as the output buffer is free.
void KeyboardController::respond(u8 value, Source source) {
  if (!full_) {
    // A byte on a cable is held back by its clock line and sent again.
    byte_.cancel();
    on_cable_ = Source::None;
    put(value, source);
  } else if (responses_.size() < kMostResponses) {
    responses_.push_back({value, source});
  }
}

bool KeyboardController::keyboard_drained() const {
  return !keyboard_.has_byte() && (!full_ || from_ != Source::Keyboard) && !release_;
}

u8 KeyboardController::read_data() {
  const u8 value = output_;
  if (!full_) return value;
  full_ = false;
  timeout_ = false;
  update_irqs();
  if (!responses_.empty()) {
    const Response next = responses_.front();
    responses_.erase(responses_.begin());
    put(next.value, next.source);
  } else {
    fetch();
  }
  return value;
}

u8 KeyboardController::status() const {
  return static_cast<u8>((full_ ? kOutputFull : 0) | ((ram_[0] & kSystem) != 0 ? kSystemFlag : 0) |
                         (last_was_command_ ? kCommand : 0) | kUnlocked |
                         (full_ && from_ == Source::Mouse ? kAuxFull : 0) | (timeout_ ? kTimeout : 0));
}

// --- the cables ------------------------------------------------------------------------------------------------------

bool KeyboardController::port_enabled(Source source) const {
  return (ram_[0] & (source == Source::Keyboard ? kDisableKeyboard : kDisableMouse)) == 0;
}

/// Starts the next byte on a cable if the buffer is free and a device wants to send.
void KeyboardController::fetch() {
  if (full_ || on_cable_ != Source::None) return;
  if (keyboard_.has_byte() && port_enabled(Source::Keyboard)) {
    on_cable_ = Source::Keyboard;
  } else if (mouse_ != nullptr && mouse_->has_byte() && port_enabled(Source::Mouse)) {
    on_cable_ = Source::Mouse;
  } else {
    return;
  }
  byte_.at(clock_.now() + kByteNs);
}

void KeyboardController::arrived() {
  const Source source = on_cable_;
  on_cable_ = Source::None;
  core::Ps2Port* device = source == Source::Keyboard ? &keyboard_ : source == Source::Mouse ? mouse_ : nullptr;
  if (device == nullptr || !device->has_byte() || !port_enabled(source) || full_) {
    fetch();
    return;
  }
  // The device may want to send its next byte while it hands over this one.
  on_cable_ = source;
  const u8 byte = device->take_byte();
  on_cable_ = Source::None;
  if (source == Source::Mouse) {
    put(byte, source);
  } else {
    arrived_from_keyboard(byte);
  }
}

void KeyboardController::arrived_from_keyboard(u8 byte) {
  if ((ram_[0] & kTranslate) == 0) {
    release_ = false;
    put(byte, Source::Keyboard);
    return;
  }
  if (byte == 0xf0) {  // the next code is a release
    release_ = true;
    fetch();
    return;
  }
  put(static_cast<u8>(translated(byte) | (release_ ? 0x80 : 0)), Source::Keyboard);
  release_ = false;
}

void KeyboardController::send_to_mouse(u8 byte) {
  ram_[0] &= static_cast<u8>(~kDisableMouse);
  if (mouse_ == nullptr) {
    timeout_ = true;
    respond(0xfe, Source::Mouse);
    return;
  }
  mouse_->receive(byte);
  fetch();
}

// --- the guest -------------------------------------------------------------------------------------------------------

void KeyboardController::set_command_byte(u8 value) {
  ram_[0] = value;
  update_irqs();
  fetch();
}

u8 KeyboardController::output_port() const {
  return static_cast<u8>(kNoReset | (a20_.get() ? kA20 : 0) | (full_ && from_ != Source::Mouse ? kKeyboardFull : 0) |
                         (full_ && from_ == Source::Mouse ? kMouseFull : 0) |
                         (port_enabled(Source::Keyboard) ? kKeyboardClock : 0) | kKeyboardData);
}

void KeyboardController::write_output_port(u8 value) {
  a20_.set((value & kA20) != 0);
  if ((value & kNoReset) == 0) reset_request_.pulse();
}

void KeyboardController::write_data(u8 value) {
  last_was_command_ = false;
  const u8 command = pending_command_;
  pending_command_ = 0;
  switch (command) {
    case 0:
      // A byte for the keyboard opens its port again.
      ram_[0] &= static_cast<u8>(~kDisableKeyboard);
      release_ = false;
      keyboard_.receive(value);
      fetch();
      break;
    case 0x60: set_command_byte(value); break;
    case 0xd1: write_output_port(value); break;
    case 0xd2: respond(value, Source::Keyboard); break;
    case 0xd3: respond(value, Source::Mouse); break;
    case 0xd4: send_to_mouse(value); break;
    default:  // 61h-7Fh: the controller's memory
      ram_[command & 0x1f] = value;
      break;
  }
}

void KeyboardController::write_command(u8 value) {
  last_was_command_ = true;
  pending_command_ = 0;
  if (value >= 0x20 && value <= 0x3f) {
    respond(ram_[value & 0x1f]);
    return;
  }
  if (value >= 0x60 && value <= 0x7f) {
    pending_command_ = value;
    return;
  }
  if (value >= 0xf0) {  // pulse output port bits 0-3 low where the command's are zero
    if (!bit(value, 0)) {
      log_(core::Channel::CpuReset, "i8042: reset through command {:02x}", value);
      reset_request_.pulse();
    }
    return;
  }
  switch (value) {
    case 0xa4:  // is a password installed: no
      respond(0xf1);
      break;
    case 0xa7:  // disable the auxiliary port
      set_command_byte(ram_[0] | kDisableMouse);
      break;
    case 0xa8:  // enable it
      set_command_byte(ram_[0] & static_cast<u8>(~kDisableMouse));
      break;
    case 0xa9:  // auxiliary port test: passed; FFh: no such port
      respond(mouse_ != nullptr ? 0x00 : 0xff);
      break;
    case 0xaa:  // self-test: passed
      ram_[0] |= kSystem;
      respond(0x55);
      break;
    case 0xab:  // keyboard port test: passed
      respond(0x00);
      break;
    case 0xad:  // disable the keyboard port
      set_command_byte(ram_[0] | kDisableKeyboard);
      break;
    case 0xae:  // enable it
      set_command_byte(ram_[0] & static_cast<u8>(~kDisableKeyboard));
      break;
    case 0xc0:  // input port: bit 7, the keyboard is not locked
      respond(0x80);
      break;
    case 0xd0:  // read the output port
      respond(output_port());
      break;
    case 0xd1:  // write the output port
    case 0xd2:  // write the output buffer as if from the keyboard
    case 0xd3:  // the same as if from the mouse
    case 0xd4:  // write to the mouse
      pending_command_ = value;
      break;
    case 0xdd:  // A20 off
    case 0xdf:  // A20 on
      a20_.set(value == 0xdf);
      break;
    case 0xe0:  // test inputs: keyboard clock and data
      respond(port_enabled(Source::Keyboard) ? 0x03 : 0x02);
      break;
    default: log_.once(core::Channel::Unimp, "i8042: command {:02x}", value); break;
  }
}

}  // namespace orrery::hw
