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
    check_port(b.option, value, spec);
    spec.host = keys.take("host").value_or("");
    spec.server = keys.take_flag("server").value_or(false);
    spec.wait = keys.take_flag("wait").value_or(true);
    spec.telnet = !path && keys.take_flag("telnet").value_or(false);
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
/// QEMU's devices for what this version does not have.
struct AbsentDevices {
  std::string_view what;
  std::initializer_list<std::string_view> names;  // or beginnings of names
};
const AbsentDevices kAbsent[] = {
    {"this version has no network card: leave it out",
     {"e1000", "rtl8139", "ne2k", "pcnet", "virtio-net", "i8255", "vmxnet3", "tulip"}},
    {"this version has no sound card: leave it out",
     {"sb16", "ac97", "es1370", "intel-hda", "ich9-intel-hda", "hda-", "adlib", "gus", "cs4231a"}},
    {"the drives of this version are floppies and IDE ones: give -hda FILE, -cdrom FILE or -device ide-hd,drive=ID",
     {"virtio-blk", "virtio-scsi", "scsi-", "nvme", "lsi", "ahci", "ich9-ahci", "usb-storage", "am53c974", "megasas"}},
    {"the display adapter of this version is VGA: leave it out, or give -vga std",
     {"cirrus-vga", "qxl", "virtio-vga", "virtio-gpu", "vmware-svga", "bochs-display", "ati-vga"}},
    {"this version has none: leave it out", {"virtio-", "usb-", "vfio-", "ivshmem", "tpm-", "pci-bridge", "i6300esb"}},
};

/// Those whose work others do here; false if `driver` is none of them.
bool take_the_place_of(Builder& b, std::string_view driver) {
  static constexpr std::string_view kHubs[] = {"usb-ehci",  "piix3-usb-uhci", "piix4-usb-uhci", "nec-usb-xhci",
                                               "qemu-xhci", "usb-hub",        "ich9-usb-ehci1", "ich9-usb-uhci1"};
  if (driver == "usb-tablet") {
    b.note("-device usb-tablet: this version has no USB; guests with a driver for VMware's pointer need no grab");
  } else if (driver == "usb-mouse" || driver == "usb-kbd" || driver == "usb-keyboard") {
    b.note("-device {}: this version has no USB; the keyboard and the mouse are PS/2", driver);
  } else if (std::ranges::find(kHubs, driver) != std::end(kHubs)) {
    b.note("-device {}: this version has no USB", driver);
  } else {
    return false;
  }
  return true;
}

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
  if (apply_drive_device(b, driver, keys) || take_the_place_of(b, driver)) return;
  for (const AbsentDevices& absent : kAbsent) {
    std::string lower(driver);
    std::ranges::transform(lower, lower.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    for (const std::string_view name : absent.names) {
      if (lower.starts_with(name)) b.fail("{}: {}", driver, absent.what);
    }
  }
  if (driver == "isa-debug-exit") {
    b.config().debug_exit = static_cast<u16>(keys.take_number("iobase", 0, 0xffff).value_or(0x501));
    const u64 size = keys.take_number("iosize", 1, 4).value_or(2);
    if (size == 3) b.fail("iosize=3 is not possible: give 1, 2 or 4");
    b.config().debug_exit_size = static_cast<u8>(size);
    if (*b.config().debug_exit + size > 0x10000) {
      b.fail("iobase={:#x} and iosize={} reach beyond port 0xffff: give a lower iobase", *b.config().debug_exit, size);
    }
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
  if (value.starts_with("tcp:") || value.starts_with("telnet:") || value.starts_with("unix:")) {
    const bool told = value.find(",server") != std::string_view::npos;
    const bool wait = value.find("wait") != std::string_view::npos;
    if (!told) text += ",server=on";
    if (!wait) text += ",wait=off";
  }
  return b.char_spec(text);
}

constexpr std::string_view kServerHelp =
    "tcp: and unix: are servers here, and wait for nobody (,server=off: a client; ,wait=on: waits).\n";

void apply_monitor(Builder& b, std::string_view value) {
  if (value == "help") {
    throw PrintRequest{
        char_spec_help() + std::string(kServerHelp) +
        "In the window the monitor is on Ctrl-Alt-2, with -nographic on Ctrl-A c, whatever is given here.\n"};
  }
  const bool none = value == "none" || value == "null" || value == "vc" || value.starts_with("vc:");
  b.out.monitor = none ? CharSpec::none() : server_spec(b, value);
}

/// "-mon chardev=ID,mode=readline" is -monitor chardev:ID.
void apply_mon(Builder& b, std::string_view value) {
  KeyValues keys(b.option, value, "chardev");
  const std::string id = keys.take("chardev").value_or("");
  if (id.empty()) b.fail("it leads nowhere: give chardev=ID");
  if (keys.take("mode").value_or("readline") != "readline") b.fail("this version has no QMP: leave mode= out");
  keys.ignore({"id", "default", "pretty"});
  keys.finish();
  b.out.monitor = b.char_spec("chardev:" + id);
}

void apply_gdb(Builder& b, std::string_view value) {
  if (value == "help") {
    throw PrintRequest{
        "-gdb tcp::PORT or unix:PATH, and behind it, if need be:\n"
        "  arch=auto|i386|i8086  what gdb is told of the processor (i8086: for 16-bit code)\n"
        "  pc=raw|linear         $pc is EIP alone (the default), or CS base + EIP\n"
        "  wait=on               the machine starts when gdb is there\n" +
        char_spec_help()};
  }
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
  if (value == "help") throw PrintRequest{fmt::format("{} none: this version has no network card.\n", b.option)};
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
      {"mon", "chardev=ID", "the same on a -chardev", Ports, false, apply_mon},
      {"usb", "", "accepted: there is no USB, the keyboard and the mouse are PS/2", Ports, false,
       [](Builder& b, std::string_view) {
         b.note("-usb: this version has no USB; the keyboard and the mouse are PS/2");
       }},
      {"usbdevice", "DEVICE", "the same as -device usb-DEVICE", Ports, false,
       [](Builder& b, std::string_view value) { apply_device(b, "usb-" + std::string(value)); }},
      {"s", "", "the same as -gdb tcp::1234", Ports, true,
       [](Builder& b, std::string_view) { apply_gdb(b, "tcp::1234"); }},
      {"gdb", "DEV", "serve a gdb: tcp::PORT, unix:F ...[,pc=linear][,arch=i8086|i386]", Ports, true, apply_gdb},
      {"S", "", "start stopped: gdb or the monitor lets it go", Ports, true,
       [](Builder& b, std::string_view) { b.out.start_stopped = true; }},
      {"nic", "none", "accepted", Ports, false, apply_network},
      {"net", "none", "accepted", Ports, false, apply_network},
      {"netdev", "none", "accepted", Ports, false, apply_network},
  };
  return kOptions;
}

}  // namespace orrery::frontend
