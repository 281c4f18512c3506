// The table of options, the conventions of their values, and the errors that name the fix.
#include "frontend/options.h"

#include <gtest/gtest.h>

#include <sstream>

#include <algorithm>
#include <set>

#include "frontend/usage_error.h"

namespace orrery::frontend {
namespace {

using machine::Interface;
using machine::Media;

Settings parse(std::vector<std::string> words) {
  OptionContext context;
  context.look_at_images = false;
  return parse_options(words, context);
}

std::string error_of(std::vector<std::string> words) {
  try {
    parse(std::move(words));
  } catch (const UsageError& error) {
    return error.what();
  }
  return "no error";
}

const machine::Drive* drive(const Settings& s, Interface interface, u8 index) {
  for (const machine::Drive& d : s.config.drives) {
    if (d.id.interface == interface && d.id.index == index) return &d;
  }
  return nullptr;
}

std::string path_of(const Settings& s, Interface interface, u8 index) {
  const machine::Drive* d = drive(s, interface, index);
  return d != nullptr && d->medium ? d->medium->path : "none";
}

TEST(Options, TheTableHasNoNameTwice) {
  std::set<std::string> names;
  for (const OptionSpec& spec : option_table()) {
    std::string name;
    for (const char c : std::string(spec.names) + " ") {
      if (c != ' ') {
        name += c;
        continue;
      }
      EXPECT_TRUE(names.insert(name).second) << name;
      name.clear();
    }
    EXPECT_FALSE(spec.help.empty()) << spec.names;
  }
}

TEST(Options, OneOrTwoDashesAndAnEqualsSignAreTheSame) {
  for (const auto& words : {std::vector<std::string>{"-m", "64"}, {"--m", "64"}, {"-m=64"}, {"--m=64M"}}) {
    EXPECT_EQ(parse(words).config.memory, 64u << 20) << words[0];
  }
}

TEST(Options, WithoutAnyThereIsAPcWithAFloppyDriveAndACdromDrive) {
  const Settings s = parse({});
  EXPECT_EQ(s.config.board, machine::Board::Pc);
  EXPECT_EQ(s.config.memory, 128u << 20);
  ASSERT_NE(drive(s, Interface::Floppy, 0), nullptr);
  EXPECT_FALSE(drive(s, Interface::Floppy, 0)->medium);
  ASSERT_NE(drive(s, Interface::Ide, 2), nullptr);
  EXPECT_EQ(drive(s, Interface::Ide, 2)->media, Media::Cdrom);
  EXPECT_TRUE(parse({"-nodefaults"}).config.drives.empty());
}

TEST(Options, UnknownOptionsGetTheNearestMatch) {
  EXPECT_EQ(error_of({"-cdorm", "x"}), "unknown option -cdorm: did you mean -cdrom?");
  EXPECT_EQ(error_of({"--snapshto"}), "unknown option --snapshto: did you mean -snapshot?");
  EXPECT_EQ(error_of({"-no-rebot"}), "unknown option -no-rebot: did you mean -no-reboot?");
  EXPECT_EQ(error_of({"-xyzzyfoo"}), "unknown option -xyzzyfoo: `orrery --help-all` lists them all");
}

TEST(Options, ErrorsNameTheOptionAndTheFix) {
  const std::pair<std::vector<std::string>, std::string_view> table[] = {
      {{"-m"}, "-m: needs a value: -m SIZE"},
      {{"-m", "lots"}, "-m: 'lots' is not a size"},
      {{"-m", "0"}, "-m: 0 bytes of memory"},
      {{"-m", "100T"}, "give 1M to 64G"},
      {{"-snapshot=yes"}, "-snapshot: takes no value"},
      {{"-M", "q35"}, "-M: unknown machine 'q35': there are pc and isapc"},
      {{"-M", "pc,acel=kvm"}, "unknown key 'acel': did you mean 'accel'"},
      {{"-cpu", "pentum2"}, "-cpu: "},
      {{"-accel", "itnerp"}, "did you mean 'interp'"},
      {{"-boot", "x"}, "there is no drive 'x'"},
      {{"-boot", "aa"}, "'a' is given twice"},
      {{"-rtc", "base=yesterday"}, "give base=utc"},
      {{"-vga", "cirrus"}, "there are std and none"},
      {{"-display", "curses"}, "there are sdl and none"},
      {{"-d", "itn"}, "unknown channel 'itn': did you mean 'int'"},
      {{"-device", "isa-debug-exti"}, "did you mean 'isa-debug-exit'"},
      {{"-device", "rtl8139"}, "no network card: leave it out"},
      {{"-device", "AC97"}, "no sound card: leave it out"},
      {{"-device", "virtio-blk-pci,drive=x"}, "give -hda FILE"},
      {{"-device", "nonesuch"}, "there is no device 'nonesuch'"},
      {{"-mon", "mode=readline"}, "give chardev=ID"},
      {{"-mon", "chardev=x"}, "there is no chardev 'x'"},
      {{"-dfilter", "0..1"}, "with grep"},
      {{"-audiodev", "none,id=x"}, "no sound card"},
      {{"-device", "isa-debug-exit,iobas=1"}, "unknown key 'iobas': did you mean 'iobase'"},
      {{"-device", "isa-debug-exit,iosize=3"}, "give 1, 2 or 4"},
      {{"-device", "isa-debug-exit,iobase=0x10000"}, "give a number from 0 to 65535"},
      {{"-serial", "stido"}, "did you mean 'stdio'"},
      {{"-serial", "tcp:localhost"}, "there is no port in it"},
      {{"-serial", "tcp::99999"}, "give one from 1 to 65535"},
      {{"-serial", "file:"}, "the file has no name"},
      {{"-serial", "udp::23"}, "give tcp:HOST:PORT"},
      {{"-serial", "telnet:localhost"}, "there is no port in it"},
      {{"-serial", "chardev:x"}, "there is no chardev 'x'"},
      {{"-serial", "stdio", "-serial", "mon:stdio"}, "stdio already belongs to -serial (port 0)"},
      {{"-serial", "null", "-serial", "null", "-serial", "null", "-serial", "null", "-serial", "null"}, "four serial"},
      {{"-drive", "file=x,format=qcow2"}, "convert the image with qemu-img convert -O raw"},
      {{"-drive", "file=x,format=rwa"}, "unknown format 'rwa'"},
      {{"-drive", "file=x,if=virtio"}, "give if=ide or if=floppy"},
      {{"-drive", "file=x,index=4"}, "give a number from 0 to 3"},
      {{"-drive", "file=x,if=floppy,index=2"}, "give a number from 0 to 1"},
      {{"-drive", "if=ide"}, "give file=IMAGE"},
      {{"-drive", "file=x,if=none,id=d"}, "give -device ide-hd,drive=d"},
      {{"-device", "ide-hd,drive=d"}, "give -drive if=none,id=d"},
      {{"-hda", "x", "-drive", "file=y,index=0"}, "drive ide0 already has 'x'"},
      {{"-hda", "a", "-hdb", "b", "-hdc", "c", "-hdd", "d", "-drive", "file=e"}, "four disks"},
      {{"-append", "quiet"}, "give -kernel FILE too"},
      {{"-initrd", "x"}, "give -kernel FILE too"},
      {{"-run-for", "soon"}, "give virtual seconds"},
      {{"-run-for", "0"}, "give virtual seconds"},
      {{"-speed", "warp"}, "give realtime, turbo or a percentage"},
      {{"-speed", "101%"}, "give realtime, turbo or a percentage"},
      {{"-gdb", "tcp::1234,pc=flat"}, "give pc=linear"},
      {{"-gdb", "tcp::1234,arch=z80"}, "give arch=auto"},
      {{"-gdb", "carrier-pigeon"}, "unknown kind of connection"},
      {{"-nic", "user"}, "no network card"},
      {{"-monitor", "stdio", "-serial", "stdio"}, "stdio already belongs to -serial (port 0)"},
      {{"-"}, "an image cannot come from standard input"},
      {{""}, "an empty word"},
      {{"-hda", ""}, "the file has no name"},
  };
  for (const auto& [words, expected] : table) {
    const std::string error = error_of(words);
    EXPECT_NE(error.find(expected), std::string::npos) << "expected '" << expected << "' in '" << error << "'";
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
  }
}

TEST(Options, HelpAsAValueListsTheChoices) {
  for (const char* option : {"-M", "-cpu", "-m", "-smp", "-accel", "-boot", "-rtc", "-vga", "-drive", "-serial",
                             "-chardev", "-device", "-display", "-d", "-speed", "-gdb", "-monitor", "-nic"}) {
    EXPECT_FALSE(parse({option, "help"}).print.empty()) << option;
  }
  EXPECT_NE(parse({"-cpu", "help"}).print.find("pentium"), std::string::npos);
  EXPECT_NE(parse({"-d", "help"}).print.find("guest_errors"), std::string::npos);
  EXPECT_NE(parse({"-help"}).print.find("-cdrom"), std::string::npos);
  EXPECT_NE(parse({"--version"}).print.find("Orrery"), std::string::npos);
}

TEST(Options, TheShortHelpFitsOnOneScreenAndTheLongOneHasEveryOption) {
  EXPECT_LE(std::ranges::count(help_text(), '\n'), 40);
  const std::string full = full_help_text();
  for (const OptionSpec& spec : option_table()) {
    const std::string first = "-" + std::string(spec.names.substr(0, spec.names.find(' ')));
    EXPECT_NE(full.find(first), std::string::npos) << first;
  }
}

TEST(Options, DriveKeysAreUnderstood) {
  const Settings s = parse({"-drive", "file=a,,b.img,format=raw,if=ide,index=1,readonly=on", "-drive",
                            "file=c.iso,media=cdrom", "-fdb", "f.img", "-snapshot"});
  const machine::Drive* disk = drive(s, Interface::Ide, 1);
  ASSERT_NE(disk, nullptr);
  EXPECT_EQ(disk->medium->path, "a,b.img");
  EXPECT_EQ(disk->medium->format, machine::ImageFormat::Raw);
  EXPECT_TRUE(disk->medium->readonly);
  EXPECT_FALSE(disk->medium->snapshot);
  const machine::Drive* cd = drive(s, Interface::Ide, 0);
  ASSERT_NE(cd, nullptr);
  EXPECT_EQ(cd->media, Media::Cdrom);
  EXPECT_TRUE(cd->medium->readonly);
  const machine::Drive* floppy = drive(s, Interface::Floppy, 1);
  ASSERT_NE(floppy, nullptr);
  EXPECT_EQ(floppy->medium->format, machine::ImageFormat::Probe);
  EXPECT_TRUE(floppy->medium->snapshot);
}

TEST(Options, TheLaterOfTwoEqualDriveOptionsWins) {
  EXPECT_EQ(path_of(parse({"-hda", "a", "-hda", "b"}), Interface::Ide, 0), "b");
}

TEST(Options, ADriveWithoutIndexTakesTheNextFreeBay) {
  const Settings s = parse({"-drive", "file=a", "-hda", "first", "-drive", "file=b"});
  EXPECT_EQ(path_of(s, Interface::Ide, 0), "first");
  EXPECT_EQ(path_of(s, Interface::Ide, 1), "a");
  EXPECT_EQ(path_of(s, Interface::Ide, 2), "b");
}

TEST(Options, IfNoneAndADeviceMakeADrive) {
  const Settings s = parse({"-drive", "if=none,id=d0,file=x", "-device", "ide-hd,drive=d0,bus=ide.1"});
  EXPECT_EQ(path_of(s, Interface::Ide, 2), "x");
  EXPECT_EQ(drive(s, Interface::Ide, 2)->media, Media::Disk);
}

TEST(Options, NographicPutsTheFirstSerialPortOnTheTerminal) {
  const Settings s = parse({"-nographic"});
  EXPECT_EQ(s.display, DisplayKind::None);
  EXPECT_EQ(s.serial[0].kind, CharSpec::Kind::Stdio);
  EXPECT_TRUE(s.serial[0].mux);
  const Settings file = parse({"-serial", "file:x", "-nographic"});
  EXPECT_EQ(file.serial[0].kind, CharSpec::Kind::File);
}

TEST(Options, SerialPortsAreThereUnlessNoneIsGiven) {
  EXPECT_TRUE(parse({}).config.serial[1].present);
  EXPECT_FALSE(parse({}).config.serial[2].present);
  const Settings none = parse({"-serial", "none"});
  EXPECT_FALSE(none.config.serial[0].present);
  EXPECT_FALSE(none.config.serial[1].present);
  const Settings third = parse({"-serial", "none", "-serial", "null", "-serial", "pty"});
  EXPECT_FALSE(third.config.serial[0].present);
  EXPECT_TRUE(third.config.serial[2].present);
  EXPECT_EQ(third.serial[2].kind, CharSpec::Kind::Pty);
}

TEST(Options, SocketsAreSpelledInAllGenerations) {
  const Settings s = parse(
      {"-serial", "tcp::4444,server,nowait", "-chardev", "socket,id=c,path=/tmp/s,server=on", "-serial", "chardev:c"});
  EXPECT_EQ(s.serial[0].kind, CharSpec::Kind::Tcp);
  EXPECT_EQ(s.serial[0].port, "4444");
  EXPECT_TRUE(s.serial[0].server);
  EXPECT_FALSE(s.serial[0].wait);
  EXPECT_EQ(s.serial[1].kind, CharSpec::Kind::Unix);
  EXPECT_TRUE(s.serial[1].wait);
  EXPECT_EQ(char_spec_text(s.serial[0]), "tcp::4444,server=on,wait=off");
}

TEST(Options, HpetAcpiAndTheTestDeviceComeAndGo) {
  EXPECT_TRUE(parse({}).config.hpet);
  EXPECT_FALSE(parse({"-no-hpet"}).config.hpet);
  EXPECT_FALSE(parse({"-M", "pc,hpet=off"}).config.hpet);
  EXPECT_TRUE(parse({"-machine", "hpet=on"}).config.hpet);
  EXPECT_TRUE(parse({}).config.acpi);
  EXPECT_FALSE(parse({"-no-acpi"}).config.acpi);
  EXPECT_FALSE(parse({"-machine", "pc,acpi=off"}).config.acpi);
  EXPECT_NE(explain(parse({"-machine", "acpi=off"})).find("acpi=off"), std::string::npos);
  EXPECT_FALSE(parse({"-M", "pc,timing=fast"}).config.real_timing);
  EXPECT_TRUE(parse({"-M", "pc,timing=real"}).config.real_timing);
  EXPECT_NE(explain(parse({"-machine", "timing=real"})).find("timing=real"), std::string::npos);
  EXPECT_FALSE(parse({}).config.pc_testdev);
  EXPECT_TRUE(parse({"-device", "pc-testdev"}).config.pc_testdev);
}

TEST(Options, DebugExitHasQemusDefaults) {
  EXPECT_EQ(parse({"-device", "isa-debug-exit"}).config.debug_exit, 0x501);
  const Settings s = parse({"-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"});
  EXPECT_EQ(s.config.debug_exit, 0xf4);
  EXPECT_EQ(s.config.debug_exit_size, 4);
}

TEST(Options, AcceleratorsThatCannotBeHadAreAcceptedWithANote) {
  EXPECT_EQ(parse({"-accel", "kvm"}).notes.size(), 1u);
  EXPECT_EQ(parse({"-enable-kvm"}).notes.size(), 1u);
  EXPECT_EQ(parse({"-M", "pc,accel=hvf:tcg"}).notes.size(), 1u);
  EXPECT_TRUE(parse({"-accel", "tcg"}).notes.empty());
  EXPECT_EQ(parse({"-accel", "jit"}).config.accel, "interp");
  EXPECT_EQ(parse({"-smp", "4"}).notes.size(), 1u);
}

TEST(Options, BootKeysAreUnderstood) {
  EXPECT_EQ(parse({"-boot", "d"}).config.boot_order, "d");
  const Settings s = parse({"-boot", "order=ca,menu=on,splash-time=500"});
  EXPECT_EQ(s.config.boot_order, "ca");
  EXPECT_TRUE(s.config.boot_menu);
  EXPECT_EQ(s.config.boot_menu_timeout_ms, 500u);
  EXPECT_EQ(parse({"-boot", "order=ca,once=d"}).config.boot_order, "dca");
}

TEST(Options, TheClockStartsWhereRtcSays) {
  Settings s = parse({"-rtc", "base=1998-06-25T09:00:00,clock=vm"});
  resolve_rtc(s, 0);
  EXPECT_EQ(s.config.rtc_start.year, 1998);
  Settings utc = parse({});
  resolve_rtc(utc, 946684800);
  EXPECT_EQ(utc.config.rtc_start, machine::DateTime::from_unix(946684800));
}

TEST(Options, LogChannelsAreQemus) {
  const Settings s = parse({"-d", "int,guest_errors,op"});
  EXPECT_TRUE(s.log_channels.test(static_cast<std::size_t>(core::Channel::Int)));
  EXPECT_TRUE(s.log_channels.test(static_cast<std::size_t>(core::Channel::GuestErrors)));
  EXPECT_FALSE(s.log_channels.test(static_cast<std::size_t>(core::Channel::Exec)));
  EXPECT_EQ(s.notes.size(), 1u);
}

TEST(Options, TimeIsRealOnlyWhereAPersonLooksOn) {
  EXPECT_EQ(effective_speed(parse({"-display", "sdl"})), machine::Speed::RealTime);
  EXPECT_EQ(effective_speed(parse({"-display", "none"})), machine::Speed::Turbo);
  EXPECT_EQ(effective_speed(parse({"-display", "none", "-serial", "pty"})), machine::Speed::RealTime);
  Settings terminal = parse({"-display", "none", "-serial", "stdio"});
  EXPECT_EQ(effective_speed(terminal), machine::Speed::Turbo);
  terminal.on_terminal = true;
  EXPECT_EQ(effective_speed(terminal), machine::Speed::RealTime);
  terminal.run_for = 3;
  EXPECT_EQ(effective_speed(terminal), machine::Speed::Turbo);
  EXPECT_EQ(effective_speed(parse({"-display", "none", "-run-for", "3", "-speed", "realtime"})),
            machine::Speed::RealTime);
}

/// The words of a command line as a POSIX shell sees them.
std::vector<std::string> shell_words(const std::string& line) {
  std::vector<std::string> words;
  std::string word;
  bool quoted = false, any = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '\'') {
      quoted = !quoted;
      any = true;
    } else if (!quoted && c == '\\' && i + 1 < line.size()) {
      if (line[++i] == '\n') continue;
      word += line[i];
    } else if (!quoted && (c == ' ' || c == '\n')) {
      if (any) words.push_back(word);
      word.clear();
      any = false;
    } else {
      word += c;
      any = true;
    }
  }
  return words;
}

TEST(Options, ExplainGivesACommandLineForTheSameMachine) {
  const Settings first = parse({"-m",        "48",
                                "-cpu",      "486",
                                "-hda",      "a b,c.img",
                                "-fda",      "f.img",
                                "-cdrom",    "x.iso",
                                "-serial",   "null",
                                "-serial",   "tcp::5,server,nowait",
                                "-device",   "isa-debug-exit",
                                "-snapshot", "-no-reboot",
                                "-boot",     "menu=on",
                                "-rtc",      "base=2001-02-03",
                                "-name",     "it's mine"});
  std::vector<std::string> words = shell_words(explain(first));
  ASSERT_FALSE(words.empty());
  EXPECT_EQ(words[0], "orrery");
  words.erase(words.begin());
  const Settings second = parse(words);
  EXPECT_EQ(second.config, first.config) << explain(first);
  EXPECT_EQ(second.serial, first.serial);
}

TEST(Options, WhatOtherDevicesDoHereIsTakenWithANote) {
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"-usb"}, {"-device", "usb-tablet"}, {"-usbdevice", "tablet"}, {"-device", "usb-kbd,bus=x.0"}}) {
    const Settings s = parse(words);
    ASSERT_EQ(s.notes.size(), 1u) << words[0];
    EXPECT_NE(s.notes[0].find("no USB"), std::string::npos) << s.notes[0];
  }
}

TEST(Options, TheMonitorAndASerialPortShareATerminal) {
  const Settings s = parse({"-chardev", "stdio,id=t,mux=on", "-serial", "chardev:t", "-mon", "chardev=t"});
  EXPECT_TRUE(s.serial[0].mux);
  EXPECT_EQ(s.monitor.kind, CharSpec::Kind::None) << "Ctrl-A c leads to it";
  EXPECT_EQ(parse({"-monitor", "telnet::4444"}).monitor,
            parse({"-monitor", "telnet::4444,server=on,wait=off"}).monitor);
  EXPECT_TRUE(parse({"-serial", "telnet:localhost:4444,server,nowait"}).serial[0].telnet);
}

TEST(Options, LinesOfTheHelpFitInATerminal) {
  for (const std::string& text : {help_text(), full_help_text()}) {
    std::istringstream lines(text.substr(0, text.find("Taken and without")));
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100u) << line;
  }
}

}  // namespace
}  // namespace orrery::frontend
