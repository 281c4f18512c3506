// The ways in for those who look at a machine: gdb server and monitor, each on a connection of its own.
//
// The connections' I/O thread hands what comes in to the machine's thread, where all the rest happens.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/char_backends.h"
#include "frontend/gdb_stub.h"
#include "frontend/monitor.h"
#include "frontend/settings.h"

namespace orrery::frontend {

class DebugPorts {
 public:
  /// Opens the connections. `call` runs something on the machine's thread, soon; from any thread. Throws UsageError.
  DebugPorts(const Settings& settings, machine::Machine& machine, machine::Debugger& debugger, const MonitorHost& host,
             const std::function<void(std::function<void()>)>& call,
             const std::function<void(const std::string&)>& report);

  /// From now on input comes in.
  void start() { hub_.start(); }
  /// A prompt of the monitor on a screen or a terminal of somebody else's: what it prints goes to `write`, on the
  /// machine's thread, where it is also to be used. Before start().
  MonitorPrompt& add_prompt(std::function<void(std::string_view)> write);
  /// The machine is done. Machine thread.
  void ended(int status);
  /// True while a client is there who wants to see how the machine ended. Machine thread.
  bool attached() const { return stub_ && stub_->attached(); }
  /// Any thread: see CharHub::release().
  void release() { hub_.release(); }

 private:
  MonitorPrompt& add_prompt(std::function<void(std::string_view)> write, bool terminal);

  std::unique_ptr<Monitor> monitor_;
  std::unique_ptr<GdbStub> stub_;
  std::vector<std::unique_ptr<MonitorPrompt>> prompts_;
  std::atomic<u64> gdb_waiting_ = 0, monitor_waiting_ = 0;
  CharHub hub_;  // after what its thread uses
  std::unique_ptr<CharBackend> gdb_, console_;
};

}  // namespace orrery::frontend
