#include "frontend/signal_watch.h"

#include <unistd.h>

#include <ctime>

#include "frontend/char_backends.h"
#include "frontend/session.h"

namespace orrery::frontend {

SignalWatch::SignalWatch() {
  sigemptyset(&set_);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set_, signal);
  pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  thread_ = std::thread([this] { loop(); });
}

SignalWatch::~SignalWatch() {
  stop_ = true;
  thread_.join();
  pthread_sigmask(SIG_UNBLOCK, &set_, nullptr);
}

void SignalWatch::set(Session* session) {
  const std::lock_guard lock(mutex_);
  session_ = session;
}

void SignalWatch::loop() {
  bool again = false;
  while (!stop_) {
    const timespec patience{0, 50'000'000};
    const int signal = sigtimedwait(&set_, nullptr, &patience);
    if (signal < 0) continue;
    const std::lock_guard lock(mutex_);
    if (session_ == nullptr || again) {
      CharHub::restore_terminal();
      ::_exit(128 + signal);
    }
    again = true;
    session_->quit();
  }
}

}  // namespace orrery::frontend
