// Typed log channels, named as QEMU's `-d` items so that users' habits and scripts carry over.
//
// A Log belongs to one machine; there is no global one. A disabled channel costs one bit test. Writing is for the
// machine thread only. Logging never changes guest state.
#pragma once

#include <fmt/format.h>

#include <array>
#include <bitset>
#include <cstdio>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "hw/core/types.h"

namespace orrery::core {

enum class Channel : u8 {
  InAsm,        // in_asm: guest code as it is decoded
  Int,          // int: exceptions and interrupts
  Exec,         // exec: each executed block
  Cpu,          // cpu: registers before each block
  Fpu,          // fpu: include x87/SSE registers in `cpu`
  Mmu,          // mmu: page walks and TLB flushes
  Pcall,        // pcall: protected-mode far transfers
  CpuReset,     // cpu_reset: registers at each reset
  Unimp,        // unimp: functions the guest asked for that are not there
  GuestErrors,  // guest_errors: things a correct guest would not do
  Nochain,      // nochain: no direct links between blocks
  Io,           // io: every port access
  Irq,          // irq: interrupt lines
  Disk,         // disk: floppy, ATA and ATAPI commands
  Firmware,     // firmware: what SeaBIOS prints to port 0x402
};
inline constexpr std::size_t kChannelCount = 15;

/// The `-d` name of a channel, for example "guest_errors".
std::string_view channel_name(Channel channel);
/// The one-line help of a channel for `-d help`.
std::string_view channel_help(Channel channel);
/// The channel with that `-d` name, if there is one.
std::optional<Channel> channel_from_name(std::string_view name);

class Log {
 public:
  using Sink = std::function<void(std::string_view line)>;

  /// Until a sink is set, lines go to standard error.
  Log();

  void set_sink(Sink sink) { sink_ = std::move(sink); }
  void enable(Channel channel, bool on = true) { enabled_.set(static_cast<std::size_t>(channel), on); }
  bool enabled(Channel channel) const { return enabled_.test(static_cast<std::size_t>(channel)); }

  /// Writes one line (no newline at the end of the format) if the channel is enabled.
  template <class... Args> void operator()(Channel channel, fmt::format_string<Args...> format, Args&&... args) {
    if (enabled(channel)) emit(channel, fmt::format(format, std::forward<Args>(args)...));
  }

  /// As operator(), but the same text is written only once in a run. For unknown ports and the like.
  template <class... Args> void once(Channel channel, fmt::format_string<Args...> format, Args&&... args) {
    if (!enabled(channel)) return;
    std::string text = fmt::format(format, std::forward<Args>(args)...);
    if (first_time(text)) emit(channel, text);
  }

 private:
  void emit(Channel channel, std::string_view text);
  bool first_time(const std::string& text);

  std::bitset<kChannelCount> enabled_;
  Sink sink_;
  std::unordered_set<std::string> seen_;
};

}  // namespace orrery::core
