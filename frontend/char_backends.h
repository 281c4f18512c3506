// The host's end of serial and parallel ports: terminal, file, pseudo-terminal, socket.
//
// One thread serves them all. What the guest sends is queued and written by that thread; a file, a terminal or a pipe
// loses nothing (a guest that sends faster than they take is held up), while a socket or a pseudo-terminal that nobody
// reads drops what does not fit. What comes in is handed to a callback on that thread, which posts it to the machine's
// gate; while the guest has much waiting already, nothing more is read.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "frontend/char_spec.h"
#include "hw/core/types.h"

namespace orrery::frontend {

/// One connection.
class CharBackend {
 public:
  virtual ~CharBackend() = default;

  /// Queues bytes for the host. Any thread.
  virtual void write(std::span<const u8> bytes) = 0;
  /// The answer to each CharHandler::closed: the connection ends when what was written before is out. Any thread.
  virtual void hang_up() {}
};

/// What a connection needs of those who use it.
struct CharHandler {
  /// Bytes came in. On the I/O thread. Empty: input is not read.
  std::function<void(std::span<const u8> bytes)> input;
  /// False while no more input is wanted. On the I/O thread. Empty: always wanted.
  std::function<bool()> ready;
  /// Somebody is there: a client came, or (other kinds, when the hub starts) the connection is open. On the I/O thread
  /// or the one that calls start(). May be empty.
  std::function<void()> opened;
  /// Nothing will come in any more: the other side has gone, or has only closed its half and still waits for answers
  /// (`echo info status | nc ...`). On the I/O thread. The connection stays open for output until hang_up() is called.
  /// If this is empty, it ends when what is queued is out.
  std::function<void()> closed;
  /// A shared terminal (CharSpec::mux), all on the I/O thread. Ctrl-A x:
  std::function<void()> quit;
  /// Ctrl-A b: the guest is to get a break. May be empty.
  std::function<void()> send_break;
  /// Ctrl-A c: the monitor gets what is typed from now on, or the guest again. Empty: there is no monitor.
  std::function<void(bool monitor)> focus;
  /// What is typed while the monitor has it.
  std::function<void(std::span<const u8> bytes)> monitor;
  /// Nothing is dropped on a socket either: who writes waits for a slow reader.
  bool lossless = false;
  /// Lines for the user: where the pseudo-terminal is, who connected.
  std::function<void(const std::string& line)> report;
};

/// Owns the I/O thread and the connections.
class CharHub {
 public:
  CharHub();
  /// Writes out what is queued (up to a second for what nobody reads), closes everything, and gives the terminal its
  /// settings back.
  ~CharHub();
  CharHub(const CharHub&) = delete;
  CharHub& operator=(const CharHub&) = delete;

  /// Opens a connection; `label` ("serial0") is for reports. None and Null give a backend that takes everything.
  /// Throws UsageError, whose line names the fix. Only before start(); not to be used
  /// after the hub is gone.
  std::unique_ptr<CharBackend> open(const CharSpec& spec, const std::string& label, CharHandler handler);

  /// Begins to read and write.
  void start();

  /// Nothing holds the guest up any more and no more input is read: for the end. Any thread.
  void release();

  /// Puts the terminal back as it was; for the end of the process by other ways. Any thread, also twice.
  static void restore_terminal();

  class Port;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace orrery::frontend
