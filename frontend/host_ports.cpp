#include "frontend/host_ports.h"

#include <fmt/format.h>

namespace orrery::frontend {
namespace {

bool leads_somewhere(const CharSpec& spec) {
  return spec.kind != CharSpec::Kind::None && spec.kind != CharSpec::Kind::Null;
}

}  // namespace

HostPorts::HostPorts(const Settings& settings, std::function<void(const std::string&)> report,
                     std::function<void()> quit)
    : report_(std::move(report)), quit_(std::move(quit)) {
  for (unsigned i = 0; i < serial_.size(); ++i) {
    if (!settings.config.serial[i].present) continue;
    CharHandler handler;
    handler.input = [this, i](std::span<const u8> bytes) {
      waiting_[i] += bytes.size();
      post_(machine::SerialInput{static_cast<u8>(i), {bytes.begin(), bytes.end()}});
    };
    handler.ready = [this, i] { return waiting_[i] < kEnough; };
    handler.send_break = [this, i] { post_(machine::SerialBreak{static_cast<u8>(i)}); };
    serial_[i] = open(settings.serial[i], fmt::format("serial{}", i), std::move(handler));
  }
  if (settings.config.parallel) parallel_ = open(settings.parallel, "parallel0", {});
  if (settings.config.debugcon) debugcon_ = open(settings.debugcon, "debugcon", {});
}

std::unique_ptr<CharBackend> HostPorts::open(const CharSpec& spec, const std::string& label, CharHandler handler) {
  if (!leads_somewhere(spec)) return nullptr;
  handler.quit = quit_;
  handler.report = report_;
  if (spec.mux) {
    handler.focus = [this](bool monitor) {
      if (sharing_.focus) sharing_.focus(monitor);
    };
    handler.monitor = [this](std::span<const u8> bytes) {
      if (sharing_.input) sharing_.input(bytes);
    };
  }
  std::unique_ptr<CharBackend> backend = hub_.open(spec, label, std::move(handler));
  if (spec.mux) terminal_ = backend.get();
  return backend;
}

void HostPorts::write_terminal(std::string_view text) {
  if (terminal_ != nullptr) terminal_->write(std::span(reinterpret_cast<const u8*>(text.data()), text.size()));
}

void HostPorts::attach(machine::Host& host) {
  host.serial = [this](unsigned port, u8 byte) {
    if (port < serial_.size() && serial_[port]) serial_[port]->write({&byte, 1});
  };
  if (parallel_) host.parallel = [this](u8 byte) { parallel_->write({&byte, 1}); };
  if (debugcon_) host.debugcon = [this](u8 byte) { debugcon_->write({&byte, 1}); };
}

void HostPorts::start(std::function<void(machine::Input)> post) {
  post_ = std::move(post);
  hub_.start();
}

void HostPorts::publish(const machine::Machine& machine) {
  for (unsigned i = 0; i < serial_.size(); ++i) {
    if (serial_[i]) waiting_[i] = machine.serial_pending(i);
  }
}

}  // namespace orrery::frontend
