// SeaBIOS and all chips together: a disk of our own boots, and what it does is the same however it is run.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "hw/display/surface.h"
#include "machine/input_gate.h"
#include "machine/journal.h"
#include "machine/machine.h"
#include "tests/support/temporary_file.h"

namespace orrery::machine {
namespace {

constexpr u64 kSecond = core::kNsPerSecond;

/// An image that holds the boot disk's sectors at `offset` in `size` bytes.
class Image {
 public:
  explicit Image(u64 size) : file_(std::make_unique<test::TemporaryFile>()) {
    std::ifstream in(ORRERY_BOOT_DISK, std::ios::binary);
    std::vector<u8> bytes(std::istreambuf_iterator<char>(in), {});
    bytes.resize(size);
    file_->write(bytes);
  }
  /// A CD that boots the same sectors as a 1.44 MB floppy image (El Torito).
  static Image cdrom() {
    Image out(1474560);
    const std::vector<u8> floppy = out.file_->contents();
    std::vector<u8> cd(20 * 2048 + floppy.size());
    auto put = [&](std::size_t at, std::string_view text) {
      std::copy(text.begin(), text.end(), cd.begin() + static_cast<std::ptrdiff_t>(at));
    };
    put(16 * 2048, std::string_view("\1CD001\1", 7));                          // primary volume descriptor
    put(17 * 2048, std::string_view("\0CD001\1EL TORITO SPECIFICATION", 30));  // boot record
    cd[17 * 2048 + 0x47] = 19;                                                 // the boot catalog's sector
    put(18 * 2048, std::string_view("\xff"
                                    "CD001\1",
                                    7));  // end of descriptors
    u8* catalog = &cd[19 * 2048];
    catalog[0] = 1;
    catalog[0x1c] = 0xaa;  // checksum of the validation entry
    catalog[0x1d] = 0x55;
    catalog[0x1e] = 0x55;
    catalog[0x1f] = 0xaa;
    catalog[0x20] = 0x88;  // bootable
    catalog[0x21] = 2;     // 1.44 MB
    catalog[0x26] = 1;     // one sector to load
    catalog[0x28] = 20;    // where the image begins
    std::copy(floppy.begin(), floppy.end(), cd.begin() + 20 * 2048);
    out.file_->write(cd);
    return out;
  }
  const std::string& path() const { return file_->path(); }

 private:
  std::unique_ptr<test::TemporaryFile> file_;
};

Config floppy_config(const Image& image) {
  Config config;
  config.memory = 16 << 20;
  config.drives.push_back({{Interface::Floppy, 0}, Media::Disk, Medium{image.path(), ImageFormat::Raw, false, true}});
  return config;
}

void type(Machine& machine, std::string_view letters) {
  for (const char c : letters) {
    const KeyUsage key = c == '\n' ? 40 : c == '\x1b' ? 41 : static_cast<KeyUsage>(4 + c - 'a');
    machine.post(KeyInput{key, true, true});
    machine.post(KeyInput{key, false, true});
  }
}

bool wait_for(Machine& machine, std::string_view text, u64 seconds) {
  const u64 end = machine.now() + seconds * kSecond;
  while (machine.now() < end) {
    if (machine.run_until(machine.now() + kSecond / 20).reason != StopReason::Reached) return false;
    if (machine.text_screen().text().find(text) != std::string::npos) return true;
  }
  return false;
}

TEST(Boot, FromAFloppyAndTypedKeysArrive) {
  const Image image(1474560);
  Machine machine(floppy_config(image));
  ASSERT_TRUE(wait_for(machine, "SECTOR TWO FROM DRIVE 00", 20)) << machine.text_screen().text();
  type(machine, "thequickbrownfox\njumps\x1b\x1bover\n");
  EXPECT_TRUE(wait_for(machine, "jumps..over", 20)) << machine.text_screen().text();
  EXPECT_NE(machine.text_screen().text().find("thequickbrownfox"), std::string::npos);
  machine.run_until(machine.now() + kSecond / 2);
  EXPECT_EQ(machine.typing_pending(), 0u);
}

TEST(Boot, FromFloppiesOfEveryCommonSize) {
  for (const u64 kib : {160, 180, 320, 360, 720, 1200, 1440, 2880}) {
    const Image image(kib * 1024);
    Machine machine(floppy_config(image));
    EXPECT_TRUE(wait_for(machine, "SECTOR TWO FROM DRIVE 00", 20)) << kib << " KiB\n" << machine.text_screen().text();
  }
}

TEST(Boot, FromAHardDisk) {
  const Image image(8 << 20);
  for (const Board board : {Board::Pc, Board::IsaPc}) {
    Config config;
    config.board = board;
    config.memory = 16 << 20;
    config.drives.push_back({{Interface::Ide, 0}, Media::Disk, Medium{image.path(), ImageFormat::Raw, false, true}});
    Machine machine(config);
    EXPECT_TRUE(wait_for(machine, "SECTOR TWO FROM DRIVE 80", 20)) << machine.text_screen().text();
  }
}

TEST(Boot, FromACdrom) {
  const Image image = Image::cdrom();
  Config config;
  config.memory = 16 << 20;
  config.drives.push_back({{Interface::Ide, 2}, Media::Cdrom, Medium{image.path(), ImageFormat::Raw, true, false}});
  Machine machine(config);
  EXPECT_TRUE(wait_for(machine, "SECTOR TWO FROM DRIVE 00", 30)) << machine.text_screen().text();
}

TEST(Boot, OrderIsAsTheUserSays) {
  const Image floppy(1474560), disk(8 << 20);
  for (const char* order : {"", "ac", "ca"}) {
    Config config = floppy_config(floppy);
    config.drives.push_back({{Interface::Ide, 0}, Media::Disk, Medium{disk.path(), ImageFormat::Raw, false, true}});
    config.boot_order = order;
    Machine machine(config);
    EXPECT_TRUE(wait_for(machine, order[0] == 'a' ? "DRIVE 00" : "DRIVE 80", 20))
        << order << machine.text_screen().text();
  }
}

TEST(Boot, CtrlAltDelBootsAgainAndStopsWithNoReboot) {
  const Image image(1474560);
  for (const bool no_reboot : {false, true}) {
    Config config = floppy_config(image);
    config.no_reboot = no_reboot;
    Machine machine(config);
    ASSERT_TRUE(wait_for(machine, "DRIVE 00", 20));
    type(machine, "x");
    ASSERT_TRUE(wait_for(machine, "x", 5));
    for (const KeyUsage key : {224, 226, 76}) machine.post(KeyInput{key, true});
    const RunResult result = machine.run_until(machine.now() + kSecond / 4);
    EXPECT_EQ(result.reason, no_reboot ? StopReason::Reset : StopReason::Reached);
    if (no_reboot) continue;
    machine.post(ReleaseKeys{});
    EXPECT_TRUE(wait_for(machine, "DRIVE 00", 20)) << machine.text_screen().text();
    EXPECT_EQ(machine.text_screen().text().find('x'), std::string::npos);
  }
}

TEST(Boot, TheAcpiPowerSwitchWorks) {
  const Image image(1474560);
  Machine machine(floppy_config(image));
  ASSERT_TRUE(wait_for(machine, "DRIVE 00", 20));
  machine.post(PortWrite{0x604, 2, 0x2000});
  EXPECT_EQ(machine.run_until(machine.now() + kSecond).reason, StopReason::PowerOff);
}

TEST(Boot, FloppiesAndSerialOutputAreAsFastAsInTheMetalOnRequest) {
  const Image image(1474560);
  u64 booted[2];
  for (const bool real : {false, true}) {
    Config config = floppy_config(image);
    config.real_timing = real;
    Machine machine(config);
    ASSERT_TRUE(wait_for(machine, "DRIVE 00", 20)) << machine.text_screen().text();
    booted[real] = machine.now();
    // COM1 at 9600 baud, 8N1: a character takes 1/960 s there, and 1/11520 s at 115200 baud.
    core::PortBus& ports = machine.ports();
    ports.write(0x3fb, 1, 0x83);
    ports.write(0x3f8, 1, 12);
    ports.write(0x3f9, 1, 0);
    ports.write(0x3fb, 1, 0x03);
    ports.write(0x3f8, 1, 'x');
    const u64 character = kSecond / (real ? 960 : 11520);
    machine.run_until(machine.now() + character - 10'000);
    EXPECT_EQ(ports.read(0x3fd, 1) & 0x40, 0u);
    machine.run_until(machine.now() + 20'000);
    EXPECT_EQ(ports.read(0x3fd, 1) & 0x40, 0x40u);
  }
  // The drive alone needs a turn of its disk, 0.2 s, for the boot sector.
  EXPECT_GT(booted[1], booted[0] + kSecond / 5);
}

TEST(Boot, WithoutAcpiFirmwareFindsNoneOfIt) {
  const Image image(1474560);
  for (const bool acpi : {true, false}) {
    Config config = floppy_config(image);
    config.acpi = acpi;
    Machine machine(config);
    ASSERT_TRUE(wait_for(machine, "DRIVE 00", 20)) << machine.text_screen().text();
    EXPECT_EQ(machine.info("pci")->find("8086:7113") != std::string::npos, acpi);
    // The root pointer is in the ROM area, at a paragraph (ACPI specification, 5.2.5.1).
    std::vector<u8> roms(0x20000);
    machine.memory().read_block(0xe0000, roms);
    bool found = false;
    for (std::size_t at = 0; at + 8 <= roms.size(); at += 16) found |= std::memcmp(&roms[at], "RSD PTR ", 8) == 0;
    EXPECT_EQ(found, acpi);
    // The power switch's port is not there either, and the button says that nobody listens.
    machine.post(PowerButton{});
    machine.post(PortWrite{0x604, 2, 0x2000});
    EXPECT_EQ(machine.run_until(machine.now() + kSecond).reason, acpi ? StopReason::PowerOff : StopReason::Reached);
  }
}

TEST(Boot, AStateInTheMiddleOfABootGoesOnAlike) {
  const Image image(1474560);
  Machine a(floppy_config(image));
  for (const u64 at : {200'000'000u, 900'000'000u, 1'500'000'000u}) {
    a.run_until(at);
    type(a, "ab\x1b");
    a.run_until(a.now() + 7'000'000);
    const std::vector<u8> state = a.save();
    const u64 hash = a.state_hash();
    a.run_until(a.now() + kSecond / 2);
    const u64 later = a.state_hash();
    Machine b(floppy_config(image));
    b.run_until(123'456'789);
    b.load(state);
    EXPECT_EQ(b.state_hash(), hash) << "at " << at;
    EXPECT_EQ(b.save(), state);
    b.run_until(b.now() + kSecond / 2);
    EXPECT_EQ(b.ticks(), a.ticks());
    EXPECT_EQ(b.state_hash(), later) << "at " << at;
  }
}

TEST(Boot, AReplayOfABootWithKeysAndMediaChangesIsTheSameRun) {
  const Image image(1474560), other(1474560);
  Machine live(floppy_config(image));
  ASSERT_TRUE(wait_for(live, "DRIVE 00", 20));
  type(live, "abc\n");
  live.run_until(live.now() + kSecond / 3);
  live.post(EjectMedium{{Interface::Floppy, 0}, false});
  live.run_until(live.now() + kSecond / 3);
  live.post(InsertMedium{{Interface::Floppy, 0}, Medium{other.path(), ImageFormat::Raw, false, true}});
  live.post(MouseMotion{5, 5});
  type(live, "\x1b");
  live.record_checkpoint();
  ASSERT_TRUE(wait_for(live, ".", 20));
  live.post(KeyInput{224, true});
  live.post(ResetButton{});
  live.run_until(live.now() + kSecond);
  live.record_end();

  auto reader = std::make_shared<JournalReader>(live.journal().to_bytes());
  Machine again(reader->config());
  again.replay(reader);
  RunResult result;
  for (int i = 0; i < 1000 && result.reason == StopReason::Reached; ++i)
    result = again.run_until(again.now() + kSecond / 7);
  EXPECT_EQ(result.reason, StopReason::ReplayEnd) << result.message;
  EXPECT_EQ(again.ticks(), live.ticks());
  EXPECT_EQ(again.state_hash(), live.state_hash());
}

TEST(Boot, LookingAtTheMachineDoesNotChangeIt) {
  const Image image(1474560);
  Machine seen(floppy_config(image)), unseen(floppy_config(image));
  while (seen.now() < 2 * kSecond) {
    seen.run_until(seen.now() + kSecond / 60);
    static_cast<void>(seen.frame());
    static_cast<void>(seen.text_screen());
    static_cast<void>(seen.info("mtree"));
    static_cast<void>(seen.save());
  }
  unseen.run_until_tick(seen.ticks());
  EXPECT_EQ(seen.state_hash(), unseen.state_hash());
}

}  // namespace
}  // namespace orrery::machine
