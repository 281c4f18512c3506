// A machine's serial ports, parallel port and debug console, connected to the host as the options say.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "frontend/char_backends.h"
#include "frontend/settings.h"
#include "machine/machine.h"

namespace orrery::frontend {

class HostPorts {
 public:
  /// Opens all connections (a server without wait=off waits for its client here). Throws UsageError. `report` gets
  /// lines for the user; `quit` is called, on another thread, when Ctrl-A x is typed.
  HostPorts(const Settings& settings, std::function<void(const std::string&)> report, std::function<void()> quit);

  /// Sets the outputs of `host`; those whose ports lead nowhere stay empty.
  void attach(machine::Host& host);
  /// From now on input comes in through `post` (any thread).
  void start(std::function<void(machine::Input)> post);
  /// Machine thread, now and then: how much input the guest has not taken yet.
  void publish(const machine::Machine& machine);
  /// Any thread: see CharHub::release().
  void release() { hub_.release(); }

 private:
  /// Nothing more is read from the host while the guest has so much waiting.
  static constexpr std::size_t kEnough = 4096;

  std::array<std::atomic<std::size_t>, 4> waiting_{};
  std::function<void(machine::Input)> post_;
  CharHub hub_;  // after what its thread uses
  std::array<std::unique_ptr<CharBackend>, 4> serial_;
  std::unique_ptr<CharBackend> parallel_;
  std::unique_ptr<CharBackend> debugcon_;
};

}  // namespace orrery::frontend
