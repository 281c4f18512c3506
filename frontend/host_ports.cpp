#include "frontend/host_ports.h"

#include <fmt/format.h>

namespace orrery::frontend {
namespace {

bool leads_somewhere(const CharSpec& spec) {
  return spec.kind != CharSpec::Kind::None && spec.kind != CharSpec::Kind::Null;
}

}  // namespace

HostPorts::HostPorts(const Settings& settings, std::function<void(const std::string&)> report,
                     std::function<void()> quit) {
  for (unsigned i = 0; i < serial_.size(); ++i) {
    if (!settings.config.serial[i].present || !leads_somewhere(settings.serial[i])) continue;
    CharHandler handler;
    handler.input = [this, i](std::span<const u8> bytes) {
      waiting_[i] += bytes.size();
      post_(machine::SerialInput{static_cast<u8>(i), {bytes.begin(), bytes.end()}});
    };
    handler.ready = [this, i] { return waiting_[i] < kEnough; };
    handler.quit = quit;
    handler.report = report;
    serial_[i] = hub_.open(settings.serial[i], fmt::format("serial{}", i), std::move(handler));
  }
  const auto open_output = [&](const CharSpec& spec, const std::string& label) -> std::unique_ptr<CharBackend> {
    if (!leads_somewhere(spec)) return nullptr;
    CharHandler handler;
    handler.quit = quit;
    handler.report = report;
    return hub_.open(spec, label, std::move(handler));
  };
  if (settings.config.parallel) parallel_ = open_output(settings.parallel, "parallel0");
  if (settings.config.debugcon) debugcon_ = open_output(settings.debugcon, "debugcon");
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
