// -serial, -parallel, -debugcon, -chardev, -device, -nic: what is plugged in.
#include <algorithm>

#include "frontend/near.h"
#include "frontend/options_builder.h"

namespace orrery::frontend {
namespace {

void apply_serial(Builder& b, std::string_view value) {
  if (b.serial.size() == 4) b.fail("four serial ports are all: leave one out");
  b.serial.push_back(b.char_spec(value));
}

/// "-chardev socket,id=x,host=H,port=P,server=on" says the same as tcp:H:P,server=on.
void apply_chardev(Builder& b, std::string_view value) {
  static constexpr std::string_view kBackends[] = {"null", "stdio", "file", "pty", "socket", "serial", "tty", "vc"};
  if (value == "help") throw PrintRequest{"-chardev BACKEND,id=ID: " + listing(kBackends) + "\n"};
  KeyValues keys(b.option, value, "backend");
  const std::string backend = keys.take("backend").value_or("");
  const std::string id = keys.take("id").value_or("");
  if (id.empty()) b.fail("it needs a name: give id=ID");
  CharSpec spec;
  if (backend == "null" || backend == "vc") {
    spec.kind = CharSpec::Kind::Null;
    keys.ignore({"width", "height", "cols", "rows"});
  } else if (backend == "stdio") {
    spec.kind = CharSpec::Kind::Stdio;
    spec.mux = keys.take_flag("mux").value_or(false) || !keys.take_flag("signal").value_or(true);
  } else if (backend == "pty") {
    spec.kind = CharSpec::Kind::Pty;
  } else if (backend == "file" || backend == "serial" || backend == "tty") {
    spec.kind = backend == "file" ? CharSpec::Kind::File : CharSpec::Kind::Device;
    spec.path = b.path(keys.take("path").value_or(""));
    spec.append = keys.take_flag("append").value_or(false);
  } else if (backend == "socket") {
    const auto path = keys.take("path");
    const auto port = keys.take("port");
    if (!path && !port) b.fail("a socket needs an address: give path=PATH, or host=HOST,port=PORT");
    spec.kind = path ? CharSpec::Kind::Unix : CharSpec::Kind::Tcp;
    if (path) spec.path = b.path(*path);
    spec.port = port.value_or("");
    spec.host = keys.take("host").value_or("");
    spec.server = keys.take_flag("server").value_or(false);
    spec.wait = keys.take_flag("wait").value_or(true);
    keys.ignore({"delay", "nodelay", "ipv4", "ipv6", "to"});
  } else {
    b.fail("unknown backend '{}'{}", backend, suggestion(backend, kBackends));
  }
  keys.ignore({"logfile", "logappend"});
  keys.finish();
  b.chardevs[id] = spec;
}

constexpr std::string_view kDeviceHelp[] = {
    "isa-debug-exit,iobase=PORT,iosize=N  a write to the port ends Orrery with status (value << 1) | 1",
    "ide-hd,drive=ID                      the hard disk of -drive if=none,id=ID",
    "ide-cd,drive=ID                      a CD-ROM drive, perhaps with the image of that -drive",
    "floppy,drive=ID                      a floppy drive with the image of that -drive",
    "isa-debugcon,chardev=ID              where port E9 leads, as -debugcon",
    "isa-serial,chardev=ID                a serial port, as -serial",
    "VGA                                  the display adapter, as -vga std",
    "pc-testdev                           the test device of kvm-unit-tests: interrupt lines at ports 2000-2017",
};
constexpr std::string_view kDevices[] = {"isa-debug-exit", "ide-hd",     "ide-cd", "floppy",
                                         "isa-debugcon",   "isa-serial", "VGA",    "pc-testdev"};

void apply_device(Builder& b, std::string_view value) {
  KeyValues keys(b.option, value, "driver");
  const std::string driver = keys.take("driver").value_or("");
  if (driver == "help" || driver == "?") {
    std::string text = "Devices:\n";
    for (const std::string_view line : kDeviceHelp) text += fmt::format("  {}\n", line);
    throw PrintRequest{text};
  }
  if (apply_drive_device(b, driver, keys)) return;
  if (driver == "isa-debug-exit") {
    b.config().debug_exit = static_cast<u16>(keys.take_number("iobase", 0, 0xffff).value_or(0x501));
    const u64 size = keys.take_number("iosize", 1, 4).value_or(2);
    if (size == 3) b.fail("iosize=3 is not possible: give 1, 2 or 4");
    b.config().debug_exit_size = static_cast<u8>(size);
  } else if (driver == "isa-debugcon" || driver == "isa-serial") {
    const std::string id = keys.take("chardev").value_or("");
    if (id.empty()) b.fail("{} leads nowhere: give chardev=ID", driver);
    const CharSpec spec = b.char_spec("chardev:" + id);
    if (driver == "isa-debugcon") {
      if (keys.take_number("iobase", 0, 0xffff).value_or(0xe9) != 0xe9) b.fail("isa-debugcon is at port 0xe9 only");
      b.debugcon = spec;
    } else {
      if (b.serial.size() == 4) b.fail("four serial ports are all: leave one out");
      b.serial.push_back(spec);
    }
    keys.ignore({"index", "readback"});
  } else if (driver == "pc-testdev") {
    b.config().pc_testdev = true;
  } else if (driver == "VGA") {
    b.config().vga = machine::Vga::Std;
    b.vga_given = true;
    keys.ignore({"vgamem_mb"});
  } else if (near_words(driver, kDevices).empty()) {
    b.fail("there is no device '{}': `-device help` lists what there is ({})", driver, listing(kDevices));
  } else {
    b.fail("there is no device '{}'{}", driver, suggestion(driver, kDevices));
  }
  keys.ignore({"id"});
  keys.finish();
}

/// A connection that others come to: sockets are servers that wait for nobody, unless it is said otherwise.
CharSpec server_spec(Builder& b, std::string_view value) {
  std::string text(value);
  if (value.starts_with("tcp:") || value.starts_with("unix:")) {
    const bool told = value.find(",server") != std::string_view::npos;
    const bool wait = value.find("wait") != std::string_view::npos;
    if (!told) text += ",server=on";
    if (!wait) text += ",wait=off";
  }
  return b.char_spec(text);
}

void apply_monitor(Builder& b, std::string_view value) {
  const bool none = value == "none" || value == "null" || value == "vc" || value.starts_with("vc:");
  b.out.monitor = none ? CharSpec::none() : server_spec(b, value);
}

void apply_gdb(Builder& b, std::string_view value) {
  // arch= and pc= are ours, the rest says where.
  std::string where;
  b.out.gdb_options = {};
  while (!value.empty()) {
    std::size_t end = value.find(',');
    while (end != std::string_view::npos && end + 1 < value.size() && value[end + 1] == ',')
      end = value.find(',', end + 2);
    const std::string_view word = value.substr(0, end);
    value.remove_prefix(end == std::string_view::npos ? value.size() : end + 1);
    if (word == "arch=auto") {
      b.out.gdb_options.arch = GdbArch::Auto;
    } else if (word == "arch=i8086") {
      b.out.gdb_options.arch = GdbArch::I8086;
    } else if (word == "arch=i386") {
      b.out.gdb_options.arch = GdbArch::I386;
    } else if (word.starts_with("arch=")) {
      b.fail("{}: give arch=auto, i8086 (for 16-bit code) or i386", word);
    } else if (word == "pc=linear") {
      b.out.gdb_options.pc = GdbPc::Linear;
    } else if (word == "pc=raw") {
      b.out.gdb_options.pc = GdbPc::Raw;
    } else if (word.starts_with("pc=")) {
      b.fail("{}: give pc=linear ($pc is an address, CS base + EIP) or pc=raw ($pc is EIP)", word);
    } else {
      where += (where.empty() ? "" : ",") + std::string(word);
    }
  }
  if (where.empty()) where = "tcp::1234";
  b.out.gdb = where == "none" ? CharSpec::none() : server_spec(b, where);
}

/// -nic, -net and -netdev: no network card, and no objection to that.
void apply_network(Builder& b, std::string_view value) {
  if (value != "none") b.fail("this version has no network card: give {} none, or leave it out", b.option);
}

}  // namespace

std::span<const OptionSpec> port_options() {
  using enum OptionGroup;
  static constexpr OptionSpec kOptions[] = {
      {"serial", "DEV", "COM1, COM2 ...: stdio, file:F, pty, tcp:H:P, unix:F, none", Ports, true, apply_serial},
      {"parallel", "DEV", "LPT1, as -serial", Ports, false,
       [](Builder& b, std::string_view value) { b.parallel = b.char_spec(value); }},
      {"debugcon", "DEV", "what the guest writes to port E9, as -serial", Ports, false,
       [](Builder& b, std::string_view value) { b.debugcon = b.char_spec(value); }},
      {"chardev", "BACKEND,id=ID", "a DEV with a name, for -serial chardev:ID", Ports, false, apply_chardev},
      {"device", "DRIVER,...", "isa-debug-exit,iobase=0xf4,iosize=4 ...; `help`", Ports, true, apply_device},
      {"monitor", "DEV", "the monitor's prompt, as -serial: stdio, tcp::PORT, unix:F", Ports, true, apply_monitor},
      {"s", "", "the same as -gdb tcp::1234", Ports, true,
       [](Builder& b, std::string_view) { apply_gdb(b, "tcp::1234"); }},
      {"gdb", "DEV", "serve a gdb: tcp::PORT, unix:F ...[,pc=raw][,arch=i8086|i386]", Ports, true, apply_gdb},
      {"S", "", "start stopped: gdb or the monitor lets it go", Ports, true,
       [](Builder& b, std::string_view) { b.out.start_stopped = true; }},
      {"nic", "none", "accepted", Ports, false, apply_network},
      {"net", "none", "accepted", Ports, false, apply_network},
      {"netdev", "none", "accepted", Ports, false, apply_network},
  };
  return kOptions;
}

}  // namespace orrery::frontend
