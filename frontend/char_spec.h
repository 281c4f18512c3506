// Where a serial or parallel port leads on the host: the value of -serial, -parallel, -debugcon and -chardev.
#pragma once

#include <string>
#include <string_view>

#include "hw/core/types.h"

namespace orrery::frontend {

struct CharSpec {
  enum class Kind : u8 {
    None,    // the port is not there
    Null,    // it is there; output vanishes, nothing comes in
    Stdio,   // the terminal, or whatever standard input and output are
    File,    // output only
    Pty,     // a new pseudo-terminal, whose name is printed
    Tcp,     // a client, or a server for one client at a time
    Unix,    // the same on a socket in the file system
    Device,  // a terminal or serial device of the host, /dev/...
  };
  Kind kind = Kind::Null;
  bool mux = false;     // Stdio: Ctrl-A is a command key and Ctrl-C goes to the guest (mon:stdio)
  std::string path;     // File, Unix, Device
  bool append = false;  // File: written at its end instead of made anew
  std::string host;     // Tcp; empty: the loopback address
  std::string port;     // Tcp: a number or a service name
  bool server = false;  // Tcp, Unix
  bool telnet = false;  // Tcp: the other side speaks the telnet protocol
  bool wait = true;     // server: the machine starts when a client is there

  bool operator==(const CharSpec&) const = default;
  /// Leads nowhere, and nothing is there.
  static CharSpec none() {
    CharSpec spec;
    spec.kind = Kind::None;
    return spec;
  }
};

/// Reads "stdio", "mon:stdio", "file:PATH", "tcp:HOST:PORT,server,nowait" and so on. `option` ("-serial") begins the
/// messages; relative paths are taken from `folder` unless that is empty. Throws UsageError.
CharSpec parse_char_spec(std::string_view option, std::string_view text, const std::string& folder = {});

/// Throws UsageError if the port of a TCP connection is a number that there is not. `text` is what was typed.
void check_port(std::string_view option, std::string_view text, const CharSpec& spec);

/// The same as text, fully spelled.
std::string char_spec_text(const CharSpec& spec);

/// For `-serial help`.
std::string char_spec_help();

/// `path`, taken from `folder` if it is relative and `folder` is not empty.
std::string path_in(const std::string& folder, std::string_view path);

}  // namespace orrery::frontend
