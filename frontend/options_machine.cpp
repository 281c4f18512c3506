// -M, -cpu, -m, -accel, -boot, -kernel and whatever else describes the machine itself.
#include <algorithm>

#include "cpu/model.h"
#include "frontend/near.h"
#include "frontend/options_builder.h"

namespace orrery::frontend {
namespace {

struct BoardName {
  std::string_view name;
  std::string_view help;
  machine::Board board;
};
constexpr BoardName kBoards[] = {
    {"pc", "i440FX and PIIX3: PCI, IDE with bus mastering (the default)", machine::Board::Pc},
    {"isapc", "the same chips without PCI", machine::Board::IsaPc},
};

constexpr std::pair<std::string_view, std::string_view> kAccelerators[] = {
    {"interp", "the interpreter (the default)"},
    {"jit", "compiles hot code; this version does not have it and interprets"},
    {"tcg", "QEMU's name for emulation: the same as the default"},
    {"kvm", "accepted for QEMU's sake; every instruction is emulated"},
    {"hvf", "as kvm"},
};

void apply_machine(Builder& b, std::string_view value) {
  KeyValues keys(b.option, value, "type");
  if (const auto type = keys.take("type")) {
    if (*type == "help" || *type == "?") {
      std::string text = "Machines:\n";
      for (const BoardName& board : kBoards) text += fmt::format("  {:8}{}\n", board.name, board.help);
      text +=
          "Behind a comma:\n"
          "  acpi=off     no ACPI tables, no ACPI power-off\n"
          "  hpet=off     no HPET\n"
          "  vmport=off   no VMware pointer\n"
          "  timing=real  floppies and serial lines as slow as in the metal\n";
      throw PrintRequest{text};
    }
    const auto* found = std::ranges::find(kBoards, std::string_view(*type), &BoardName::name);
    if (found != std::end(kBoards)) {
      b.config().board = found->board;
    } else if (type->starts_with("pc-i440fx-") || type->starts_with("pc-0.") || type->starts_with("pc-1.")) {
      b.config().board = machine::Board::Pc;
    } else {
      std::vector<std::string_view> names;
      for (const BoardName& board : kBoards) names.push_back(board.name);
      b.fail("unknown machine '{}': there are {}", *type, listing(names));
    }
  }
  if (const auto accel = keys.take("accel")) apply_accelerator(b, accel->substr(0, accel->find(':')));
  if (const auto vmport = keys.take("vmport")) {
    const std::optional<bool> flag = *vmport == "auto" ? std::optional<bool>(true) : parse_flag(*vmport);
    if (!flag) b.fail("vmport={} is neither on nor off: give vmport=on or vmport=off", *vmport);
    b.config().vmport = *flag;
  }
  if (const auto hpet = keys.take_flag("hpet")) b.config().hpet = *hpet;
  if (const auto acpi = keys.take_flag("acpi")) b.config().acpi = *acpi;
  if (const auto timing = keys.take("timing")) {
    if (*timing != "fast" && *timing != "real")
      b.fail("timing={} is not there: give timing=fast or timing=real", *timing);
    b.config().real_timing = *timing == "real";
  }
  if (!keys.take_flag("graphics").value_or(true)) b.nographic = true;
  keys.ignore({"usb", "kernel-irqchip", "kernel_irqchip", "dump-guest-core", "mem-merge", "smm", "pit", "pic", "sata",
               "memory-backend", "smbus", "i8042"});
  keys.finish();
}

void apply_cpu(Builder& b, std::string_view value) {
  if (value == "help" || value == "?") {
    std::string text = "Processors:\n";
    for (const cpu::Model& model : cpu::models()) text += fmt::format("  {:14}{}\n", model.name, model.description);
    throw PrintRequest{text + fmt::format("The default is {}. Features: -cpu {},+FEATURE,-FEATURE\n",
                                          cpu::default_model_name(), cpu::default_model_name())};
  }
  std::string name(value);
  const std::string first = name.substr(0, name.find(','));
  if (first == "host") {
    name = "max" + name.substr(first.size());
    b.note("-cpu host: the host's processor is not used; -cpu max instead");
  }
  std::string error;
  if (!cpu::parse_model(name, error)) b.fail("{}", error);
  b.config().cpu = name;
}

void apply_memory(Builder& b, std::string_view value) {
  if (value == "help") {
    throw PrintRequest{"-m SIZE: memory, 1M to 64G; a number alone counts MiB. The default is 128M.\n"};
  }
  KeyValues keys(b.option, value, "size");
  const std::string text = keys.take("size").value_or("");
  keys.ignore({"slots", "maxmem"});
  keys.finish();
  const std::optional<u64> size = parse_size(text, 1024 * 1024);
  if (!size) b.fail("'{}' is not a size: give a number of MiB or one with a unit, for example -m 64 or -m 1G", text);
  b.config().memory = *size;
}

void apply_smp(Builder& b, std::string_view value) {
  if (value == "help") throw PrintRequest{"-smp N: processors. This version has one.\n"};
  KeyValues keys(b.option, value, "cpus");
  const std::optional<u64> cpus = keys.take_number("cpus", 1, 255);
  keys.ignore({"cores", "threads", "sockets", "dies", "maxcpus", "clusters"});
  keys.finish();
  if (cpus.value_or(1) > 1) b.note("-smp {}: this version has one processor and goes on with it", *cpus);
}

void apply_accel(Builder& b, std::string_view value) {
  KeyValues keys(b.option, value, "accel");
  const std::string name = keys.take("accel").value_or("");
  keys.ignore({"thread", "tb-size", "split-wx", "one-insn-per-tb", "kernel-irqchip", "dirty-ring-size", "igd-passthru",
               "kvm-shadow-mem", "notify-vmexit", "device"});
  keys.finish();
  apply_accelerator(b, name);
}

void apply_boot(Builder& b, std::string_view value) {
  if (value == "help") {
    throw PrintRequest{
        "-boot [order=]LETTERS[,menu=on|off][,splash-time=MS]: a floppy, c hard disk, d CD-ROM, n network, first "
        "first.\n"};
  }
  KeyValues keys(b.option, value, "order");
  const auto order = keys.take("order");
  const auto once = keys.take("once");
  for (const auto& letters : {order, once}) {
    if (!letters) continue;
    for (std::size_t i = 0; i < letters->size(); ++i) {
      const char c = (*letters)[i];
      if (std::string_view("acdn").find(c) == std::string_view::npos) {
        b.fail("there is no drive '{}': use a (floppy), c (hard disk), d (CD-ROM) and n (network)", c);
      }
      if (letters->find(c, i + 1) != std::string::npos) b.fail("drive '{}' is given twice: give it once", c);
    }
  }
  if (order) b.config().boot_order = *order;
  if (once) {
    std::string letters = *once;
    for (const char c : b.config().boot_order) {
      if (letters.find(c) == std::string::npos) letters += c;
    }
    b.config().boot_order = letters;
    b.note("-boot once={}: taken as order={}, also after a reset", *once, letters);
  }
  b.config().boot_menu = keys.take_flag("menu").value_or(b.config().boot_menu);
  if (const auto time = keys.take_number("splash-time", 0, 0xffff)) {
    b.config().boot_menu_timeout_ms = static_cast<u32>(*time);
  }
  keys.ignore({"strict", "splash", "reboot-timeout"});
  keys.finish();
}

void apply_initrd(Builder& b, std::string_view value) {
  b.config().initrd.clear();
  // A comma parts the modules of a multiboot kernel; two stand for one in a name.
  std::string name;
  for (std::size_t i = 0; i <= value.size(); ++i) {
    if (i == value.size() || (value[i] == ',' && (i + 1 == value.size() || value[i + 1] != ','))) {
      b.config().initrd.push_back(b.path(name));
      name.clear();
    } else {
      name += value[i];
      if (value[i] == ',') ++i;
    }
  }
}

void apply_rtc(Builder& b, std::string_view value) {
  if (value == "help") throw PrintRequest{"-rtc base=utc|localtime|YYYY-MM-DDThh:mm:ss: what the clock chip shows.\n"};
  KeyValues keys(b.option, value, "base");
  if (const auto base = keys.take("base")) {
    if (*base == "utc") {
      b.out.rtc_base = RtcBase::Utc;
    } else if (*base == "localtime") {
      b.out.rtc_base = RtcBase::LocalTime;
    } else if (const auto date = machine::DateTime::parse(*base)) {
      b.out.rtc_base = RtcBase::Date;
      b.config().rtc_start = *date;
    } else {
      b.fail("base={} does not work: give base=utc, base=localtime or a date like base=1998-06-25T09:00:00 (1980-2099)",
             *base);
    }
  }
  keys.ignore({"clock", "driftfix"});
  keys.finish();
}

void apply_vga(Builder& b, std::string_view value) {
  static constexpr std::string_view kCards[] = {"std", "none"};
  if (value == "help") {
    throw PrintRequest{
        "Display adapters:\n  std   VGA with the Bochs VBE interface (the default)\n  none  none at all\n"};
  }
  if (value == "std") {
    b.config().vga = machine::Vga::Std;
  } else if (value == "none") {
    b.config().vga = machine::Vga::None;
  } else {
    b.fail("unknown display adapter '{}': there are {}", value, listing(kCards));
  }
  b.vga_given = true;
}

void apply_name(Builder& b, std::string_view value) {
  KeyValues keys(b.option, value, "guest");
  b.config().name = keys.take("guest").value_or("");
  keys.ignore({"process", "debug-threads"});
  keys.finish();
}

void apply_rate(Builder& b, std::string_view value) {
  const std::optional<u64> rate = parse_number(value);
  if (!rate || *rate < 1'000'000 || *rate > 100'000'000'000) {
    b.fail("{} does not work: give instructions a virtual second, 1000000 to 100000000000", value);
  }
  b.config().ticks_per_second = *rate;
}

void apply_icount(Builder& b, std::string_view value) {
  KeyValues keys(b.option, value, "shift");
  if (const auto shift = keys.take("shift"); shift && *shift != "auto") {
    const std::optional<u64> n = parse_number(*shift);
    if (!n || *n > 9) b.fail("shift={} does not work: give 0 to 9 (an instruction takes 2^N ns), or auto", *shift);
    b.config().ticks_per_second = 1'000'000'000 >> *n;
  }
  if (const auto sleep = keys.take_flag("sleep"); sleep && !*sleep) b.out.speed = machine::Speed::Turbo;
  keys.ignore({"align", "rrsnapshot"});
  const auto mode = keys.take("rr");
  const auto file = keys.take("rrfile");
  keys.finish();
  if (!mode) return;
  if (*mode != "record") b.fail("rr={} goes by another name here: orrery replay JOURNAL", *mode);
  b.out.record = b.path(file.value_or("replay.bin"));
}

}  // namespace

void apply_accelerator(Builder& b, std::string_view name) {
  if (name == "help" || name == "?") {
    std::string text = "Engines:\n";
    for (const auto& [known, help] : kAccelerators) text += fmt::format("  {:8}{}\n", known, help);
    throw PrintRequest{text};
  }
  b.config().accel = "interp";
  if (name == "interp" || name == "tcg") return;
  if (name == "jit") {
    b.note("-accel jit: this version does not have it; going on with the interpreter");
  } else if (name == "kvm" || name == "hvf" || name == "whpx" || name == "xen" || name == "nvmm" || name == "hax") {
    b.note("-accel {}: the guest's instructions are always emulated here; going on with the interpreter", name);
  } else {
    static constexpr std::string_view kNames[] = {"interp", "jit", "tcg", "kvm", "hvf"};
    b.fail("unknown engine '{}'{}", name, suggestion(name, kNames));
  }
}

std::span<const OptionSpec> machine_options() {
  using enum OptionGroup;
  static constexpr OptionSpec kOptions[] = {
      {"m", "SIZE", "memory in MiB, or with a unit: 64, 64M, 1G", Machine, true, apply_memory},
      {"M machine", "TYPE", "pc or isapc; TYPE,acpi=off and the like: `help`", Machine, true, apply_machine},
      {"no-acpi", "", "the same as -machine acpi=off", Machine, false,
       [](Builder& b, std::string_view) { b.config().acpi = false; }},
      {"no-hpet", "", "the same as -machine hpet=off", Machine, false,
       [](Builder& b, std::string_view) { b.config().hpet = false; }},
      {"cpu", "MODEL", "processor: pentium2, 486,-fpu ...", Machine, true, apply_cpu},
      {"smp", "N", "number of processors (this version: 1)", Machine, false, apply_smp},
      {"accel", "ENGINE", "interp; jit, tcg, kvm and hvf are accepted", Machine, false, apply_accel},
      {"enable-kvm", "", "the same as -accel kvm", Machine, false,
       [](Builder& b, std::string_view) { apply_accelerator(b, "kvm"); }},
      {"no-kvm", "", "the same as -accel tcg", Machine, false,
       [](Builder& b, std::string_view) { apply_accelerator(b, "tcg"); }},
      {"vga", "std|none", "display adapter", Machine, false, apply_vga},
      {"rtc", "base=utc|localtime|DATE", "what the clock chip shows at the start", Machine, false, apply_rtc},
      {"name", "NAME", "shown in the window's title", Machine, false, apply_name},
      {"nodefaults", "", "no serial ports, parallel port and display adapter unless asked for", Machine, false,
       [](Builder& b, std::string_view) { b.defaults = false; }},
      {"rate", "N", "instructions that make a virtual second", Machine, false, apply_rate},
      {"icount", "shift=N", "2^N ns an instruction; rr=record,rrfile=F is --record F", Machine, false, apply_icount},

      {"boot", "ORDER", "a, c, d, or order=...,menu=on", Boot, true, apply_boot},
      {"kernel", "FILE", "a Linux kernel (bzImage) or a multiboot kernel", Boot, true,
       [](Builder& b, std::string_view value) { b.config().kernel = b.path(value); }},
      {"initrd", "FILE", "its initial RAM disk; multiboot: FILE[,FILE ...]", Boot, true, apply_initrd},
      {"append", "TEXT", "its command line", Boot, true,
       [](Builder& b, std::string_view value) {
         b.config().append = value;
         b.append_given = true;
       }},
      {"bios", "FILE", "firmware instead of the built-in SeaBIOS", Boot, false,
       [](Builder& b, std::string_view value) { b.config().bios = b.path(value); }},
      {"L", "DIR", "folder to look for firmware in before the built-in one", Boot, false,
       [](Builder& b, std::string_view value) { b.config().firmware_dirs.push_back(b.path(value)); }},
      {"option-rom", "FILE", "a further ROM between C0000 and E0000", Boot, false,
       [](Builder& b, std::string_view value) {
         KeyValues keys(b.option, value, "romfile");
         b.config().option_roms.push_back(b.path(keys.take("romfile").value_or("")));
         keys.ignore({"bootindex"});
         keys.finish();
       }},
  };
  return kOptions;
}

}  // namespace orrery::frontend
