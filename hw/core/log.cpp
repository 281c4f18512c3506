#include "hw/core/log.h"

namespace orrery::core {
namespace {

struct ChannelInfo {
  std::string_view name;
  std::string_view help;
};

constexpr std::array<ChannelInfo, kChannelCount> kChannels{{
    {"in_asm", "guest code as it is decoded"},
    {"int", "exceptions and interrupts"},
    {"exec", "each executed block"},
    {"cpu", "registers before each block"},
    {"fpu", "x87 and SSE registers in 'cpu'"},
    {"mmu", "page walks and TLB flushes"},
    {"pcall", "protected-mode far transfers"},
    {"cpu_reset", "registers at each reset"},
    {"unimp", "functions the guest asked for that are not there"},
    {"guest_errors", "things a correct guest would not do"},
    {"nochain", "no direct links between blocks"},
    {"io", "every port access"},
    {"irq", "interrupt lines"},
    {"disk", "floppy, ATA and ATAPI commands"},
    {"firmware", "what SeaBIOS prints to port 0x402"},
}};

// A guest must not be able to fill the host's memory with distinct messages.
constexpr std::size_t kMostRemembered = 4096;

}  // namespace

std::string_view channel_name(Channel channel) { return kChannels[static_cast<std::size_t>(channel)].name; }
std::string_view channel_help(Channel channel) { return kChannels[static_cast<std::size_t>(channel)].help; }

std::optional<Channel> channel_from_name(std::string_view name) {
  for (std::size_t i = 0; i < kChannels.size(); ++i) {
    if (kChannels[i].name == name) return static_cast<Channel>(i);
  }
  return std::nullopt;
}

Log::Log() : sink_([](std::string_view line) { fmt::print(stderr, "{}\n", line); }) {}

void Log::emit(Channel channel, std::string_view text) { sink_(fmt::format("{}: {}", channel_name(channel), text)); }

bool Log::first_time(const std::string& text) {
  if (seen_.size() >= kMostRemembered) return false;
  return seen_.insert(text).second;
}

}  // namespace orrery::core
