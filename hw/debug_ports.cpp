#include "hw/debug_ports.h"

#include <string_view>

namespace orrery::hw {
namespace {

constexpr u8 kListening = 0xe9;
constexpr std::size_t kLongestLine = 1024;
constexpr std::string_view kShutdown = "Shutdown";
constexpr u64 kBochsSoftOff = 0x2000;  // SLP_EN with sleep type 0, as in PM1a control

}  // namespace

DebugPorts::DebugPorts(Wiring wiring) : w_(std::move(wiring)) {
  if (w_.console) {
    console_ = w_.ports.map({.name = "debug-console",
                             .base = 0xe9,
                             .size = 1,
                             .widths = {1, 1},
                             .read = [](u64, unsigned) { return kListening; },
                             .write =
                                 [this](u64, unsigned, u64 value) {
                                   if (w_.console_backend != nullptr) {
                                     w_.console_backend->transmit(static_cast<u8>(value));
                                   }
                                 }});
  }
  if (w_.firmware_log) {
    firmware_ = w_.ports.map({.name = "firmware-log",
                              .base = 0x402,
                              .size = 1,
                              .widths = {1, 1},
                              .read = [](u64, unsigned) { return kListening; },
                              .write = [this](u64, unsigned, u64 value) { firmware_byte(static_cast<u8>(value)); }});
  }
  if (w_.post_codes) {
    post_ = w_.ports.map({.name = "post-codes",
                          .base = 0x80,
                          .size = 1,
                          .widths = {1, 1},
                          .read = [this](u64, unsigned) { return post_code_; },
                          .write = [this](u64, unsigned, u64 value) { post_code(static_cast<u8>(value)); }});
  }
  if (w_.exit) {
    exit_ = w_.ports.map({.name = "isa-debug-exit",
                          .base = w_.exit->base,
                          .size = w_.exit->size,
                          .widths = {1, w_.exit->size},
                          .read = [](u64, unsigned) { return 0; },
                          .write =
                              [this](u64, unsigned, u64 value) {
                                if (w_.on_exit) w_.on_exit(static_cast<u32>(value << 1 | 1));
                              }});
  }
  if (w_.power_off_ports) {
    // Movable only to give way: a guest may put the power management block itself at B000h.
    bochs_off_ = w_.ports.map({.name = "bochs-power-off",
                               .base = 0xb004,
                               .size = 2,
                               .widths = {2, 2},
                               .movable = true,
                               .read = {},
                               .write = [this](u64, unsigned, u64 value) {
                                 if ((value & 0x3c00) == kBochsSoftOff && w_.power_off) w_.power_off();
                               }});
    shutdown_ = w_.ports.map({.name = "shutdown-string",
                              .base = 0x8900,
                              .size = 1,
                              .widths = {1, 1},
                              .movable = true,
                              .read = {},
                              .write = [this](u64, unsigned, u64 value) { shutdown_byte(static_cast<u8>(value)); }});
  }
}

void DebugPorts::reset() {
  line_.clear();
  post_code_ = 0;
  shutdown_matched_ = 0;
}

void DebugPorts::firmware_byte(u8 byte) {
  if (w_.firmware_backend != nullptr) w_.firmware_backend->transmit(byte);
  if (byte == '\n' || line_.size() >= kLongestLine) {
    w_.log(core::Channel::Firmware, "{}", line_);
    line_.clear();
  }
  if (byte != '\n' && byte != '\r') line_ += static_cast<char>(byte);
}

void DebugPorts::post_code(u8 code) {
  // Much software writes here for the delay alone: only changes are worth a line.
  if (code != post_code_) w_.log(core::Channel::Firmware, "POST code {:02x}", code);
  post_code_ = code;
}

void DebugPorts::shutdown_byte(u8 byte) {
  if (byte == kShutdown[shutdown_matched_]) {
    ++shutdown_matched_;
  } else {
    shutdown_matched_ = byte == kShutdown[0] ? 1 : 0;
  }
  if (shutdown_matched_ < kShutdown.size()) return;
  shutdown_matched_ = 0;
  if (w_.power_off) w_.power_off();
}

void DebugPorts::archive(core::Archive& ar) {
  ar.section(name(), 1, [&](u32) {
    ar("line", line_);
    ar("post_code", post_code_);
    ar("shutdown_matched", shutdown_matched_);
    if (ar.loading() && shutdown_matched_ >= kShutdown.size()) shutdown_matched_ = 0;
  });
}

}  // namespace orrery::hw
