#include <fmt/format.h>

#include <utility>

#include "frontend/monitor.h"

namespace orrery::frontend {
namespace {

constexpr std::string_view kPrompt = "(orrery) ";
constexpr std::size_t kLongestLine = 4096;
constexpr std::size_t kHistory = 100;

}  // namespace

void MonitorPrompt::put(std::string_view text) {
  if (!terminal_) return write_(text);
  std::string out;
  for (const char c : text) {
    if (c == '\n') out += '\r';
    out += c;
  }
  write_(out);
}

void MonitorPrompt::begin() {
  line_.clear();
  greeted_ = attended_ = true;
  put(fmt::format("Orrery {} monitor - type 'help' for more information\n{}", ORRERY_VERSION, kPrompt));
}

void MonitorPrompt::enter() {
  attended_ = true;
  put("\n");
  if (!greeted_) return begin();
  put(kPrompt);
  put(line_);
}

void MonitorPrompt::announce(std::string_view text) {
  if (!attended_) return;
  if (running_) {  // the command that is being executed caused it
    put(text);
    return;
  }
  put("\n");
  put(text);
  put(kPrompt);
  put(line_);
}

void MonitorPrompt::input(std::span<const u8> bytes) {
  for (const u8 byte : bytes) character(static_cast<char>(byte));
}

void MonitorPrompt::show_line() {
  put("\r\033[K");
  put(kPrompt);
  put(line_);
}

void MonitorPrompt::character(char c) {
  if (escape_ != 0) {  // cursor keys; the rest of such sequences is dropped
    if (escape_ == 1) {
      escape_ = c == '[' ? 2 : 0;
      return;
    }
    if (c >= '0' && c <= ';') return;
    escape_ = 0;
    if (c == 'A' && recalled_ > 0) --recalled_;
    if (c == 'B' && recalled_ < history_.size()) ++recalled_;
    if (c == 'A' || c == 'B') {
      line_ = recalled_ < history_.size() ? history_[recalled_] : "";
      show_line();
    }
    return;
  }
  const char before = std::exchange(last_, c);
  switch (c) {
    case '\r':
    case '\n':
      if (c == '\n' && before == '\r') return;
      if (terminal_) put("\n");
      return run_line();
    case '\b':
    case 0x7f:
      if (line_.empty()) return;
      line_.pop_back();
      if (terminal_) put("\b \b");
      return;
    case 0x15:  // Ctrl-U
      line_.clear();
      if (terminal_) show_line();
      return;
    case 0x1b:
      if (terminal_) escape_ = 1;
      return;
    case 0x04:  // Ctrl-D: nothing to say any more
      return;
    default:
      if (static_cast<unsigned char>(c) < 0x20 || line_.size() >= kLongestLine) return;
      line_ += c;
      if (terminal_) put(std::string_view(&c, 1));
  }
}

void MonitorPrompt::run_line() {
  const std::string line = std::move(line_);
  line_.clear();
  if (!line.empty() && (history_.empty() || history_.back() != line)) {
    if (history_.size() == kHistory) history_.erase(history_.begin());
    history_.push_back(line);
  }
  recalled_ = history_.size();
  running_ = true;
  put(execute_(line));
  running_ = false;
  put(kPrompt);
}

}  // namespace orrery::frontend
