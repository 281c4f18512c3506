#include "frontend/char_spec.h"

#include <array>
#include <charconv>
#include <utility>

#include "frontend/key_values.h"
#include "frontend/near.h"
#include "frontend/usage_error.h"

namespace orrery::frontend {
namespace {

constexpr std::pair<std::string_view, std::string_view> kHelp[] = {
    {"none", "the port is not there"},
    {"null", "it is there and leads nowhere (also: vc)"},
    {"stdio", "this terminal"},
    {"mon:stdio", "this terminal, shared with the monitor: Ctrl-A h helps"},
    {"file:PATH", "output to a file; ,append=on at its end"},
    {"pty", "a new pseudo-terminal, whose name is printed"},
    {"tcp:HOST:PORT", "a connection; ,server waits for one (,nowait: starts without)"},
    {"telnet:HOST:PORT", "the same for telnet programs"},
    {"unix:PATH", "the same on a socket in the file system"},
    {"/dev/TTY", "a serial device of the host"},
    {"chardev:ID", "what -chardev has described"},
};

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

void take_socket_keys(CharSpec& spec, KeyValues& keys) {
  spec.server = keys.take_flag("server").value_or(false);
  spec.wait = keys.take_flag("wait").value_or(true);
  keys.ignore({"delay", "nodelay"});
  keys.finish();
}

}  // namespace

std::string path_in(const std::string& folder, std::string_view path) {
  if (folder.empty() || path.empty() || path.front() == '/') return std::string(path);
  return folder + (folder.back() == '/' ? "" : "/") + std::string(path);
}

void check_port(std::string_view option, std::string_view text, const CharSpec& spec) {
  if (spec.kind != CharSpec::Kind::Tcp || spec.port.find_first_not_of("-0123456789") != std::string::npos) return;
  u64 number = 0;
  const char* end = spec.port.data() + spec.port.size();
  const auto parsed = std::from_chars(spec.port.data(), end, number);
  // A server may ask for any port that is free.
  const bool any = number == 0 && spec.server;
  if (parsed.ec != std::errc() || parsed.ptr != end || number > 65535 || (number == 0 && !any)) {
    usage_error("{} {}: port {} does not exist: give one from 1 to 65535", option, text, spec.port);
  }
}

CharSpec parse_char_spec(std::string_view option, std::string_view text, const std::string& folder) {
  CharSpec spec;
  const std::string_view whole = text;
  if (text == "none") {
    spec.kind = CharSpec::Kind::None;
  } else if (text == "null" || text == "vc" || text.starts_with("vc:")) {
    spec.kind = CharSpec::Kind::Null;
  } else if (text == "stdio" || text == "mon:stdio") {
    spec.kind = CharSpec::Kind::Stdio;
    spec.mux = text != "stdio";
  } else if (text == "pty") {
    spec.kind = CharSpec::Kind::Pty;
  } else if (take_prefix(text, "file:")) {
    KeyValues keys(option, text, "path");
    spec.kind = CharSpec::Kind::File;
    spec.path = path_in(folder, keys.take("path").value_or(""));
    spec.append = keys.take_flag("append").value_or(false);
    keys.finish();
    if (spec.path.empty()) usage_error("{} {}: the file has no name: give file:PATH", option, whole);
  } else if (take_prefix(text, "unix:")) {
    KeyValues keys(option, text, "path");
    spec.kind = CharSpec::Kind::Unix;
    spec.path = path_in(folder, keys.take("path").value_or(""));
    take_socket_keys(spec, keys);
    if (spec.path.empty()) usage_error("{} {}: the socket has no name: give unix:PATH", option, whole);
  } else if (text.starts_with("tcp:") || text.starts_with("telnet:")) {
    spec.telnet = !take_prefix(text, "tcp:") && take_prefix(text, "telnet:");
    KeyValues keys(option, text, "address");
    spec.kind = CharSpec::Kind::Tcp;
    const std::string address = keys.take("address").value_or("");
    take_socket_keys(spec, keys);
    const std::size_t colon = address.rfind(':');
    if (colon == std::string::npos || colon + 1 == address.size()) {
      usage_error("{} {}: there is no port in it: give tcp:HOST:PORT, for example tcp:localhost:4444", option, whole);
    }
    spec.host = address.substr(0, colon);
    spec.port = address.substr(colon + 1);
    if (spec.host.size() > 1 && spec.host.front() == '[' && spec.host.back() == ']') {
      spec.host = spec.host.substr(1, spec.host.size() - 2);
    }
    check_port(option, whole, spec);
  } else if (text.starts_with("/dev/")) {
    spec.kind = CharSpec::Kind::Device;
    spec.path = text;
  } else if (take_prefix(text, "mon:")) {
    usage_error("{} {}: only the terminal can be shared with the monitor: give mon:stdio or {}", option, whole, text);
  } else if (text.starts_with("udp:") || text.starts_with("pipe:")) {
    usage_error("{} {}: this kind of connection is not offered: give tcp:HOST:PORT, unix:PATH or pty", option, whole);
  } else {
    const std::string_view kind = text.substr(0, text.find(':'));
    static constexpr std::array<std::string_view, 11> kKinds = {
        "none", "null", "stdio", "mon:stdio", "file:", "pty", "tcp:", "telnet:", "unix:", "vc", "chardev:"};
    usage_error("{} {}: unknown kind of connection{}", option, whole, suggestion(kind, kKinds));
  }
  return spec;
}

std::string char_spec_text(const CharSpec& spec) {
  std::string text;
  switch (spec.kind) {
    case CharSpec::Kind::None: return "none";
    case CharSpec::Kind::Null: return "null";
    case CharSpec::Kind::Stdio: return spec.mux ? "mon:stdio" : "stdio";
    case CharSpec::Kind::Pty: return "pty";
    case CharSpec::Kind::Device: return spec.path;
    case CharSpec::Kind::File: return "file:" + escape_commas(spec.path) + (spec.append ? ",append=on" : "");
    case CharSpec::Kind::Unix: text = "unix:" + escape_commas(spec.path); break;
    case CharSpec::Kind::Tcp:
      text = spec.telnet ? "telnet:" : "tcp:";
      text += spec.host.find(':') != std::string::npos ? "[" + spec.host + "]" : spec.host;
      text += ":" + spec.port;
      break;
  }
  if (spec.server) text += spec.wait ? ",server=on" : ",server=on,wait=off";
  return text;
}

std::string char_spec_help() {
  std::string text = "Where a port can lead:\n";
  for (const auto& [name, help] : kHelp) text += fmt::format("  {:18}{}\n", name, help);
  return text + "Without a HOST a server is bound to loopback.\n";
}

}  // namespace orrery::frontend
