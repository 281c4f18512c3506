// A machine's serial ports, parallel port and debug console, connected to the host as the options say.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

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
  /// The monitor's side of a terminal that it shares with a serial port (mon:stdio). Both are called on the I/O thread.
  struct Sharing {
    std::function<void(bool on)> focus;  // Ctrl-A c
    std::function<void(std::span<const u8> bytes)> input;
  };
  /// True if there is such a terminal.
  bool shared_terminal() const { return terminal_ != nullptr; }
  /// Before start().
  void share(Sharing sharing) { sharing_ = std::move(sharing); }
  /// Text on it. Any thread.
  void write_terminal(std::string_view text);
  /// Machine thread, now and then: how much input the guest has not taken yet.
  void publish(const machine::Machine& machine);
  /// Any thread: see CharHub::release().
  void release() { hub_.release(); }

 private:
  std::unique_ptr<CharBackend> open(const CharSpec& spec, const std::string& label, CharHandler handler);

  /// Nothing more is read from the host while the guest has so much waiting.
  static constexpr std::size_t kEnough = 4096;

  std::array<std::atomic<std::size_t>, 4> waiting_{};
  std::function<void(machine::Input)> post_;
  std::function<void(const std::string&)> report_;
  std::function<void()> quit_;
  Sharing sharing_;
  CharBackend* terminal_ = nullptr;  // the shared one
  CharHub hub_;                      // after what its thread uses
  std::array<std::unique_ptr<CharBackend>, 4> serial_;
  std::unique_ptr<CharBackend> parallel_;
  std::unique_ptr<CharBackend> debugcon_;
};

}  // namespace orrery::frontend
