#include "frontend/char_port.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include "frontend/usage_error.h"

namespace orrery::frontend {
namespace {

std::mutex terminal_mutex;
std::atomic<bool> terminal_is_raw = false;
termios terminal_before{};

void make_raw(termios& mode, bool signals) {
  mode.c_iflag &= ~static_cast<tcflag_t>(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
  mode.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHONL | ICANON | IEXTEN);
  if (!signals) mode.c_lflag &= ~static_cast<tcflag_t>(ISIG);
  mode.c_cflag &= ~static_cast<tcflag_t>(CSIZE | PARENB);
  mode.c_cflag |= CS8;
  mode.c_cc[VMIN] = 1;
  mode.c_cc[VTIME] = 0;
}

void set_nonblocking(int fd) { ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK); }

[[noreturn]] void fail(const CharSpec& spec, std::string_view what, std::string_view why, std::string_view fix) {
  usage_error("'{}': {}: {}: {}", char_spec_text(spec), what, why, fix);
}

int accept_client(int listener) {
  for (;;) {
    const int client = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client >= 0 || errno != EINTR) return client;
  }
}

void serve(CharDescriptors& ends, const CharSpec& spec, const std::string& label,
           const std::function<void(const std::string&)>& report) {
  if (::listen(ends.listener, 1) != 0) fail(spec, "cannot listen", std::strerror(errno), "choose another address");
  if (!spec.wait) {
    set_nonblocking(ends.listener);
    return;
  }
  if (report)
    report(fmt::format("waiting for a connection to {} ({}); wait=off starts without", char_spec_text(spec), label));
  ends.in = ends.out = accept_client(ends.listener);
  if (ends.in < 0) fail(spec, "cannot accept", std::strerror(errno), "try again");
  set_nonblocking(ends.listener);
}

void open_tcp(CharDescriptors& ends, const CharSpec& spec) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  // Without a host a server is reachable from this computer only, and a client looks there.
  const std::string host = spec.host.empty() ? "127.0.0.1" : spec.host;
  addrinfo* list = nullptr;
  const int result = ::getaddrinfo(host.c_str(), spec.port.c_str(), &hints, &list);
  if (result != 0) fail(spec, "no such address", ::gai_strerror(result), "check host and port");
  std::string error = "no address";
  for (const addrinfo* a = list; a != nullptr && ends.listener < 0 && ends.in < 0; a = a->ai_next) {
    const int fd = ::socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
    if (fd < 0) {
      error = std::strerror(errno);
      continue;
    }
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (spec.server) ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if ((spec.server ? ::bind(fd, a->ai_addr, a->ai_addrlen) : ::connect(fd, a->ai_addr, a->ai_addrlen)) == 0) {
      (spec.server ? ends.listener : ends.in) = fd;
    } else {
      error = std::strerror(errno);
      ::close(fd);
    }
  }
  ::freeaddrinfo(list);
  if (spec.server && ends.listener < 0) fail(spec, "cannot be bound", error, "choose another port");
  if (!spec.server && ends.in < 0) {
    fail(spec, "cannot connect", error, "start the other side first, or give server=on to wait for it");
  }
  if (ends.in >= 0) set_nonblocking(ends.in);
  ends.out = ends.in;
}

void open_unix(CharDescriptors& ends, const CharSpec& spec) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (spec.path.size() >= sizeof address.sun_path) {
    fail(spec, "too long a name", fmt::format("{} bytes", spec.path.size()), "give one of at most 107");
  }
  std::memcpy(address.sun_path, spec.path.c_str(), spec.path.size() + 1);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail(spec, "no socket", std::strerror(errno), "try again");
  const bool connected = ::connect(fd, generic, sizeof address) == 0;
  const int why = errno;
  if (!spec.server) {
    if (!connected) {
      ::close(fd);
      fail(spec, "cannot connect", std::strerror(why), "start the other side first, or give server=on to wait for it");
    }
    set_nonblocking(fd);
    ends.in = ends.out = fd;
    return;
  }
  ::close(fd);
  if (connected) fail(spec, "cannot be bound", "another program serves it", "give another name");
  // A socket that a program has left behind, which nobody serves, is in the way; anything else is not ours to remove.
  struct stat info{};
  if (::lstat(spec.path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode)) ::unlink(spec.path.c_str());
  ends.listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (ends.listener < 0 || ::bind(ends.listener, generic, sizeof address) != 0) {
    fail(spec, "cannot be bound", std::strerror(errno), "give a new name in a folder that is writable");
  }
  ends.unlink = spec.path;
}

void open_pty(CharDescriptors& ends, const CharSpec& spec, const std::string& label,
              const std::function<void(const std::string&)>& report) {
  const int master = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  const bool usable = master >= 0 && ::grantpt(master) == 0 && ::unlockpt(master) == 0;
  const char* name = usable ? ::ptsname(master) : nullptr;
  if (name == nullptr) {
    fail(spec, "no pseudo-terminal", std::strerror(errno), "use tcp: or unix: instead");
  }
  ends.in = ends.out = master;
  // As long as we hold the other side too, nobody's leaving looks like a hang-up.
  ends.held = ::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
  termios mode{};
  if (ends.held >= 0 && ::tcgetattr(ends.held, &mode) == 0) {
    ::cfmakeraw(&mode);
    ::tcsetattr(ends.held, TCSANOW, &mode);
  }
  set_nonblocking(master);
  if (report) report(fmt::format("char device redirected to {} (label {})", name, label));
}

}  // namespace

bool make_terminal_raw(bool signals) {
  const std::lock_guard lock(terminal_mutex);
  termios mode{};
  if (::isatty(STDIN_FILENO) == 0 || ::tcgetattr(STDIN_FILENO, &mode) != 0) return true;
  // In the background a change of the mode, or a read, would stop the process.
  if (::tcgetpgrp(STDIN_FILENO) != ::getpgrp()) return false;
  if (!terminal_is_raw) terminal_before = mode;
  make_raw(mode, signals);
  ::tcsetattr(STDIN_FILENO, TCSANOW, &mode);
  terminal_is_raw = true;
  static const bool registered = [] {
    std::atexit(restore_terminal_mode);
    return true;
  }();
  return registered;
}

void restore_terminal_mode() {
  const std::lock_guard lock(terminal_mutex);
  if (!terminal_is_raw.exchange(false)) return;
  if (::tcgetpgrp(STDIN_FILENO) == ::getpgrp()) ::tcsetattr(STDIN_FILENO, TCSANOW, &terminal_before);
}

CharDescriptors open_char(const CharSpec& spec, const std::string& label,
                          const std::function<void(const std::string&)>& report) {
  CharDescriptors ends;
  switch (spec.kind) {
    case CharSpec::Kind::None:
    case CharSpec::Kind::Null: break;
    case CharSpec::Kind::Stdio:
      ends.owned = false;
      ends.out = STDOUT_FILENO;
      // Closed descriptors are no error: then there is no input, or no output.
      if (::fcntl(STDOUT_FILENO, F_GETFD) < 0) ends.out = -1;
      if (::fcntl(STDIN_FILENO, F_GETFD) >= 0 && make_terminal_raw(!spec.mux)) ends.in = STDIN_FILENO;
      break;
    case CharSpec::Kind::File:
      ends.out = ::open(spec.path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | (spec.append ? O_APPEND : O_TRUNC), 0666);
      if (ends.out < 0)
        fail(spec, "cannot be written", std::strerror(errno), "give a file in a folder that is writable");
      break;
    case CharSpec::Kind::Device: {
      ends.in = ends.out = ::open(spec.path.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
      if (ends.in < 0) fail(spec, "cannot be opened", std::strerror(errno), "check the device and its permissions");
      termios mode{};
      if (::tcgetattr(ends.in, &mode) == 0) {
        ::cfmakeraw(&mode);
        ::tcsetattr(ends.in, TCSANOW, &mode);
      }
      ends.lossless = false;
      break;
    }
    case CharSpec::Kind::Pty:
      open_pty(ends, spec, label, report);
      ends.lossless = false;
      break;
    case CharSpec::Kind::Tcp:
      open_tcp(ends, spec);
      ends.lossless = false;
      if (spec.server) serve(ends, spec, label, report);
      break;
    case CharSpec::Kind::Unix:
      open_unix(ends, spec);
      ends.lossless = false;
      if (spec.server) serve(ends, spec, label, report);
      break;
  }
  return ends;
}

}  // namespace orrery::frontend
