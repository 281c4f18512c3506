// Ctrl-C and its kin.
#pragma once

#include <atomic>
#include <csignal>
#include <mutex>
#include <thread>

namespace orrery::frontend {

class Session;

/// Ends a session on SIGINT, SIGTERM or SIGHUP, so that files are written and the terminal is put back; without a
/// session, or the second time, the process ends at once. Signals are taken by a thread of its own: construct it before
/// any other thread.
class SignalWatch {
 public:
  SignalWatch();
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

  /// The session that a signal ends, for as long as this lives.
  class Target {
   public:
    Target(SignalWatch& watch, Session& session) : watch_(watch) { watch_.set(&session); }
    ~Target() { watch_.set(nullptr); }
    Target(const Target&) = delete;
    Target& operator=(const Target&) = delete;

   private:
    SignalWatch& watch_;
  };

 private:
  void set(Session* session);
  void loop();

  sigset_t set_{};
  std::mutex mutex_;
  Session* session_ = nullptr;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

}  // namespace orrery::frontend
