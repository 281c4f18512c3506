#include "frontend/char_backends.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <mutex>
#include <thread>
#include <utility>

#include "frontend/char_port.h"
#include "frontend/telnet.h"
#include "frontend/usage_error.h"

namespace orrery::frontend {
namespace {

constexpr std::size_t kLosslessQueue = 1 << 20;
constexpr std::size_t kDroppingQueue = 1 << 16;
constexpr std::size_t kChunk = 4096;
constexpr u8 kCtrlA = 1;

constexpr std::string_view kMuxHelp =
    "\r\nC-a h    print this help\r\n"
    "C-a x    exit\r\n"
    "C-a b    send a break (Linux: the SysRq key)\r\n"
    "C-a c    switch between the guest and the monitor\r\n"
    "C-a C-a  send C-a to the guest\r\n";

void close_fd(int& fd) {
  if (fd >= 0) ::close(fd);
  fd = -1;
}

}  // namespace

class CharHub::Port {
 public:
  Port(CharDescriptors ends, const CharSpec& spec, CharHandler handler)
      : ends_(std::move(ends)),
        mux_(spec.mux),
        telnet_(spec.telnet),
        where_(char_spec_text(spec)),
        handler_(std::move(handler)) {}
  ~Port() {
    if (ends_.owned) {
      if (ends_.out != ends_.in) close_fd(ends_.out);
      close_fd(ends_.in);
    }
    close_fd(ends_.listener);
    close_fd(ends_.held);
    if (!ends_.unlink.empty()) ::unlink(ends_.unlink.c_str());
  }
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  /// Queues; true if the I/O thread should be woken.
  bool push(std::span<const u8> bytes, const std::function<bool()>& stopping) {
    std::unique_lock lock(mutex_);
    const std::size_t limit = ends_.lossless ? kLosslessQueue : kDroppingQueue;
    while (ends_.lossless && out_open_ && queue_.size() >= limit && !stopping()) {
      room_.wait_for(lock, std::chrono::milliseconds(50));
    }
    if (!out_open_) return false;
    // A server without a client has nobody to keep anything for.
    if (ends_.out < 0 || queue_.size() + bytes.size() > limit + kChunk) return false;
    const bool was_empty = queue_.empty();
    if (telnet_) {
      const std::vector<u8> escaped = Telnet::escaped(bytes);
      queue_.insert(queue_.end(), escaped.begin(), escaped.end());
    } else {
      queue_.insert(queue_.end(), bytes.begin(), bytes.end());
    }
    return was_empty;
  }

  void start() {
    if (ends_.in >= 0) connected();
  }

  void hang_up() {
    const std::lock_guard lock(mutex_);
    if (owed_ > 0) --owed_;
  }

  /// Ends a connection that has been hung up and has nothing left to write.
  void end_if_done() {
    {
      const std::lock_guard lock(mutex_);
      if (!ended_ || owed_ > 0 || !queue_.empty()) return;
    }
    drop_connection();
  }

  bool drained() {
    const std::lock_guard lock(mutex_);
    return queue_.empty() || ends_.out < 0;
  }

  /// Adds what to poll for. True if input is held back and must be asked for again soon.
  bool add_polls(std::vector<pollfd>& polls, bool reading) {
    const std::lock_guard lock(mutex_);
    bool held_back = false;
    if (ended_) {
      if (queue_.empty()) polls.push_back({ends_.in, 0, 0});  // to see the other side go altogether
    } else if (ends_.in >= 0 && reading) {
      if (handler_.input && (to_monitor_ || !handler_.ready || handler_.ready())) {
        polls.push_back({ends_.in, POLLIN, 0});
      } else if (handler_.input) {
        held_back = true;
      } else if (ends_.lossless == false && ends_.in == ends_.out) {
        polls.push_back({ends_.in, POLLIN, 0});  // to see the other side go
      }
    }
    // Not before the last client's end has been taken note of: its answers are not for the next one.
    if (ends_.listener >= 0 && ends_.in < 0 && owed_ == 0) polls.push_back({ends_.listener, POLLIN, 0});
    if (ends_.out >= 0 && !queue_.empty()) polls.push_back({ends_.out, POLLOUT, 0});
    return held_back;
  }

  void handle(const pollfd& poll) {
    if (poll.fd == ends_.listener) {
      accept_client();
    } else if ((poll.events & POLLOUT) != 0) {
      if (poll.fd == ends_.out) write_some();
    } else if (poll.fd == ends_.in && ended_) {
      drop_connection();
    } else if (poll.fd == ends_.in) {
      read_some();
    }
  }

 private:
  /// Somebody is at the other side.
  void connected() {
    if (telnet_ && ends_.listener >= 0) {
      const std::vector<u8> greeting = Telnet::greeting();
      const std::lock_guard lock(mutex_);
      queue_.insert(queue_.begin(), greeting.begin(), greeting.end());
    }
    client_ = {};
    if (handler_.opened) handler_.opened();
  }

  /// Nothing more comes in.
  void end_input() {
    bool told = false;
    {
      const std::lock_guard lock(mutex_);
      told = ended_;
      if (ends_.owned) {
        ended_ = true;
        if (!told && handler_.closed) ++owed_;
      } else {
        ends_.in = -1;  // standard output stays
      }
    }
    if (!told && handler_.closed) handler_.closed();
  }

  void accept_client() {
    const int client = ::accept4(ends_.listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client < 0) return;
    {
      const std::lock_guard lock(mutex_);
      ends_.in = ends_.out = client;
    }
    connected();
  }

  /// Closes both directions of a socket, terminal or device; a server then waits for its next client.
  void drop_connection() {
    end_input();
    const std::lock_guard lock(mutex_);
    queue_.clear();
    close_fd(ends_.in);
    ends_.out = -1;
    ended_ = false;
    if (ends_.listener < 0) out_open_ = false;  // nobody else will come
    room_.notify_all();
  }

  /// A file or standard output takes nothing any more.
  void drop_output(int why) {
    {
      const std::lock_guard lock(mutex_);
      queue_.clear();
      out_open_ = false;
      if (ends_.owned) close_fd(ends_.out);
      ends_.out = -1;
      room_.notify_all();
    }
    if (why == EPIPE || !handler_.report) return;  // its reader has seen enough
    handler_.report(fmt::format("'{}': cannot be written: {}: what follows is lost; {}", where_, std::strerror(why),
                                why == ENOSPC ? "make room on that disk" : "check where it leads"));
  }

  void write_some() {
    std::array<u8, kChunk> chunk;
    std::size_t length = 0;
    {
      const std::lock_guard lock(mutex_);
      length = std::min(queue_.size(), chunk.size());
      std::copy_n(queue_.begin(), length, chunk.begin());
    }
    const ssize_t written = ::write(ends_.out, chunk.data(), length);
    if (written < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (written < 0) {
      const int why = errno;
      if (ends_.in == ends_.out) {
        drop_connection();
      } else {
        drop_output(why);
      }
      return;
    }
    const std::lock_guard lock(mutex_);
    queue_.erase(queue_.begin(), queue_.begin() + written);
    room_.notify_all();
  }

  void read_some() {
    std::array<u8, kChunk> chunk;
    const ssize_t length = ::read(ends_.in, chunk.data(), chunk.size());
    if (length < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (length < 0 && ends_.in == ends_.out) return drop_connection();
    if (length <= 0) return end_input();
    std::span<const u8> bytes(chunk.data(), static_cast<std::size_t>(length));
    std::vector<u8> text;
    if (telnet_) bytes = text = client_.received(bytes);
    if (!mux_) {
      if (handler_.input) handler_.input(bytes);
      return;
    }
    typed_.clear();
    for (const u8 byte : bytes) {
      if (std::exchange(escaped_, false)) {
        command(byte);
      } else if (byte == kCtrlA) {
        escaped_ = true;
      } else {
        typed_.push_back(byte);
      }
    }
    hand_on();
  }

  /// What was typed on a shared terminal goes to whom it is meant for.
  void hand_on() {
    const auto& take = to_monitor_ ? handler_.monitor : handler_.input;
    if (!typed_.empty() && take) take(typed_);
    typed_.clear();
  }

  /// The key behind Ctrl-A.
  void command(u8 key) {
    switch (key) {
      case kCtrlA: typed_.push_back(key); break;
      case 'x':
        if (handler_.quit) handler_.quit();
        break;
      case 'b':
        hand_on();
        if (handler_.send_break) handler_.send_break();
        break;
      case 'c':
        if (!handler_.focus) break;
        hand_on();
        to_monitor_ = !to_monitor_;
        handler_.focus(to_monitor_);
        break;
      case 'h':
      case '?': push({reinterpret_cast<const u8*>(kMuxHelp.data()), kMuxHelp.size()}, [] { return true; }); break;
      default: break;
    }
  }

  CharDescriptors ends_;
  bool mux_;
  bool telnet_;
  Telnet client_;
  bool escaped_ = false;     // the last byte was Ctrl-A
  bool to_monitor_ = false;  // who gets what is typed
  std::vector<u8> typed_;
  std::string where_;   // for messages
  bool ended_ = false;  // nothing more comes in from this client
  unsigned owed_ = 0;   // calls of `closed` that wait for their hang_up()
  CharHandler handler_;
  std::mutex mutex_;
  std::condition_variable room_;
  std::vector<u8> queue_;
  bool out_open_ = true;
};

struct CharHub::State {
  ~State() {
    close_fd(wake[0]);
    close_fd(wake[1]);
  }

  void poke() const {
    const u8 byte = 0;
    // A full pipe wakes the thread as well.
    [[maybe_unused]] const ssize_t n = ::write(wake[1], &byte, 1);
  }

  void loop() {
    std::vector<pollfd> polls;
    std::vector<Port*> owners;
    std::chrono::steady_clock::time_point deadline{};
    for (;;) {
      const bool ending = stop.load();
      if (ending) {
        const auto now = std::chrono::steady_clock::now();
        if (deadline == std::chrono::steady_clock::time_point{}) deadline = now + std::chrono::seconds(1);
        bool drained = true;
        for (const auto& port : ports) drained = drained && port->drained();
        if (drained || now > deadline) return;
      }
      polls.clear();
      owners.clear();
      polls.push_back({wake[0], POLLIN, 0});
      owners.push_back(nullptr);
      bool held_back = false;
      for (const auto& port : ports) {
        port->end_if_done();
        held_back = port->add_polls(polls, !ending) || held_back;
        owners.resize(polls.size(), port.get());
      }
      if (::poll(polls.data(), polls.size(), ending || held_back ? 20 : -1) < 0) continue;
      for (std::size_t i = 0; i < polls.size(); ++i) {
        if (polls[i].revents == 0) continue;
        if (owners[i] != nullptr) {
          owners[i]->handle(polls[i]);
        } else {
          std::array<u8, 64> drain;
          [[maybe_unused]] const ssize_t n = ::read(wake[0], drain.data(), drain.size());
        }
      }
    }
  }

  std::array<int, 2> wake{-1, -1};
  std::vector<std::shared_ptr<Port>> ports;
  std::atomic<bool> stop = false;
  std::thread thread;
};

namespace {

class NullBackend final : public CharBackend {
 public:
  void write(std::span<const u8>) override {}
};

class PortBackend final : public CharBackend {
 public:
  PortBackend(std::shared_ptr<CharHub::Port> port, std::function<void()> wake, std::function<bool()> stopping)
      : port_(std::move(port)), wake_(std::move(wake)), stopping_(std::move(stopping)) {}
  void write(std::span<const u8> bytes) override {
    if (port_->push(bytes, stopping_)) wake_();
  }
  void hang_up() override {
    port_->hang_up();
    wake_();
  }

 private:
  std::shared_ptr<CharHub::Port> port_;
  std::function<void()> wake_;
  std::function<bool()> stopping_;
};

}  // namespace

CharHub::CharHub() : state_(std::make_shared<State>()) {
  // A reader that goes away is a result of write(), not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
  if (::pipe2(state_->wake.data(), O_CLOEXEC | O_NONBLOCK) != 0)
    usage_error("no pipe: close some programs and try again");
}

CharHub::~CharHub() {
  release();
  if (state_->thread.joinable()) state_->thread.join();
  state_->ports.clear();
  restore_terminal();
}

void CharHub::release() {
  state_->stop = true;
  state_->poke();
}

std::unique_ptr<CharBackend> CharHub::open(const CharSpec& spec, const std::string& label, CharHandler handler) {
  if (spec.kind == CharSpec::Kind::None || spec.kind == CharSpec::Kind::Null) return std::make_unique<NullBackend>();
  CharDescriptors ends = open_char(spec, label, handler.report);
  ends.lossless = ends.lossless || handler.lossless;
  auto port = std::make_shared<Port>(std::move(ends), spec, std::move(handler));
  state_->ports.push_back(port);
  State* state = state_.get();
  return std::make_unique<PortBackend>(
      std::move(port), [state] { state->poke(); }, [state] { return state->stop.load(); });
}

void CharHub::start() {
  for (const auto& port : state_->ports) port->start();
  if (!state_->ports.empty()) state_->thread = std::thread([state = state_.get()] { state->loop(); });
}

void CharHub::restore_terminal() { restore_terminal_mode(); }

}  // namespace orrery::frontend
