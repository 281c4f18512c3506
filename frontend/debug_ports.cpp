#include "frontend/debug_ports.h"

#include <unistd.h>

namespace orrery::frontend {
namespace {

constexpr u64 kMostWaiting = 64 * 1024;

}  // namespace

DebugPorts::DebugPorts(const Settings& settings, machine::Machine& machine, machine::Debugger& debugger,
                       const MonitorHost& host, const std::function<void(std::function<void()>)>& call,
                       const std::function<void(const std::string&)>& report) {
  monitor_ = std::make_unique<Monitor>(machine, debugger, host);
  // `waiting` counts what the machine has not taken yet: somebody who only sends must not fill the host's memory.
  const auto bytes_to = [call](std::atomic<u64>& waiting, auto take) {
    return [call, take, &waiting](std::span<const u8> bytes) {
      waiting += bytes.size();
      call([take, &waiting, copy = std::vector<u8>(bytes.begin(), bytes.end())] {
        take(copy);
        waiting -= copy.size();
      });
    };
  };
  const auto enough = [](const std::atomic<u64>& waiting) { return [&waiting] { return waiting < kMostWaiting; }; };
  if (settings.gdb.kind != CharSpec::Kind::None) {
    GdbStub::Host out;
    out.send = [this](std::string_view text) {
      gdb_->write(std::span(reinterpret_cast<const u8*>(text.data()), text.size()));
    };
    out.monitor = [this](std::string_view line) { return monitor_->execute(line, Monitor::Caller::Gdb); };
    out.quit = host.quit;
    stub_ = std::make_unique<GdbStub>(machine, debugger, settings.gdb_options, std::move(out));
    CharHandler handler;
    handler.input = bytes_to(gdb_waiting_, [this](std::span<const u8> bytes) { stub_->receive(bytes); });
    handler.ready = enough(gdb_waiting_);
    handler.opened = [this, call] { call([this] { stub_->connected(); }); };
    handler.closed = [this, call] {
      call([this] {
        stub_->disconnected();
        gdb_->hang_up();
      });
    };
    handler.lossless = true;
    handler.report = report;
    gdb_ = hub_.open(settings.gdb, "gdb", std::move(handler));
  }
  if (settings.monitor.kind != CharSpec::Kind::None) {
    const CharSpec& spec = settings.monitor;
    const bool terminal = (spec.kind == CharSpec::Kind::Stdio && ::isatty(STDIN_FILENO) != 0) ||
                          spec.kind == CharSpec::Kind::Pty || spec.telnet;
    MonitorPrompt& prompt = add_prompt(
        [this](std::string_view text) {
          console_->write(std::span(reinterpret_cast<const u8*>(text.data()), text.size()));
        },
        terminal);
    CharHandler handler;
    handler.input = bytes_to(monitor_waiting_, [&prompt](std::span<const u8> bytes) { prompt.input(bytes); });
    handler.ready = enough(monitor_waiting_);
    handler.opened = [&prompt, call] { call([&prompt] { prompt.begin(); }); };
    handler.closed = [this, call] { call([this] { console_->hang_up(); }); };
    handler.lossless = true;
    handler.report = report;
    handler.quit = host.quit;
    console_ = hub_.open(settings.monitor, "monitor", std::move(handler));
  }
  debugger.on_stop([this](const machine::Debugger::Stop& stop) {
    for (const auto& prompt : prompts_) prompt->announce(monitor_->describe(stop));
  });
}

MonitorPrompt& DebugPorts::add_prompt(std::function<void(std::string_view)> write, bool terminal) {
  prompts_.push_back(std::make_unique<MonitorPrompt>(
      [this](std::string_view line) { return monitor_->execute(line, Monitor::Caller::Person); }, std::move(write),
      terminal));
  return *prompts_.back();
}

MonitorPrompt& DebugPorts::add_prompt(std::function<void(std::string_view)> write) {
  return add_prompt(std::move(write), true);
}

void DebugPorts::ended(int status) {
  if (stub_) stub_->ended(status);
}

}  // namespace orrery::frontend
