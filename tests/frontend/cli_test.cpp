// The program itself: bad input gives one line that names the fix and status 2; runs end as they should.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "frontend/png.h"
#include "hw/core/types.h"
#include "tests/support/without_root.h"

namespace orrery {
namespace {

namespace fs = std::filesystem;

struct Ran {
  int status = -1;
  std::string out;
  std::string error;
};

std::string contents(const fs::path& path) {
  std::stringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

class Cli : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "orrery-cli-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  /// Runs orrery with a shell's words in the test's folder; at most two minutes.
  Ran run(const std::string& words, const std::string& input = "</dev/null") {
    const std::string command = "cd '" + folder_.string() + "' && timeout 120 '" ORRERY_PROGRAM "' " + words + " " +
                                input + " >out.txt 2>error.txt";
    const int result = std::system(command.c_str());
    Ran ran;
    ran.status = WIFEXITED(result) ? WEXITSTATUS(result) : 128 + WTERMSIG(result);
    ran.out = contents(folder_ / "out.txt");
    ran.error = contents(folder_ / "error.txt");
    return ran;
  }

  void write(const std::string& name, std::string bytes, u64 size) {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
    fs::resize_file(folder_ / name, size);
  }

  /// A boot sector of this code (at 7C00), as a 1.44 MB floppy.
  void boot_sector(const std::string& name, std::initializer_list<u8> code, u64 size = 1440 * 1024) {
    std::string sector(512, '\0');
    std::copy(code.begin(), code.end(), sector.begin());
    sector[510] = '\x55';
    sector[511] = '\xaa';
    write(name, sector, size);
  }

  fs::path folder_;
};

TEST_F(Cli, BadInputGivesOneLineThatNamesTheFix) {
  write("empty.img", "", 0);
  write("disk.qcow2", "QFI\xfb", 70'000);
  write("big.img", "", 5u << 20);
  write("text.txt", "hello", 5);
  write("odd.img", "\x5a", 100);
  write("bad.elf", "\177ELF\1\1\1", 7);
  write("short.iso", std::string(32769, '\0') + "CD001\1", 40'000);
  // An ISO volume of 4 GiB in a file of 40 KB.
  {
    std::fstream iso(folder_ / "short.iso", std::ios::binary | std::ios::in | std::ios::out);
    iso.seekp(32768);
    iso.put('\1');
    iso.seekp(32768 + 80);
    iso.write("\0\0\x20\0", 4);
  }
  fs::create_directory(folder_ / "folder");
  const std::pair<std::string, std::string> table[] = {
      {"missing.img", "check the name"},
      {"folder", "a directory: give an image file"},
      {"empty.img", "empty: get it again"},
      {"disk.qcow2", "qemu-img convert -O raw"},
      {"-hda disk.qcow2", "qemu-img convert -O raw"},
      {"text.txt", "say what it is with"},
      {"short.iso", "get the whole image"},
      {"-cdrom short.iso", "get the whole image"},
      {"-fda odd.img", "floppies have 160K to 2880K"},
      {"odd.img", "say what it is with"},
      {"-fda folder", "a directory: give an image file"},
      {"-fda empty.img", "empty: get it again"},
      {"-hda empty.img", "empty: get it again"},
      {"-cdrom empty.img", "empty: get it again"},
      {"-cdrom odd.img", "not an ISO 9660 image"},
      {"-kernel folder", "a directory: give an image file"},
      {"-kernel empty.img", "empty: get it again"},
      {"-kernel bad.elf", "an ELF file without a multiboot header"},
      {"-bios odd.img", "a multiple of 64 KiB"},
      {"-fda big.img", "floppies have 160K to 2880K"},
      {"-drive file=big.img,if=floppy,format=raw", "floppies have 160K to 2880K"},
      {"-hda missing.img", "check the name"},
      {"-kernel text.txt", "neither a Linux bzImage nor a multiboot kernel"},
      {"-kernel missing", "check the name"},
      {"-bios missing", "check the name"},
      {"-L missing", "give a folder"},
      {"-m 0", "give 1M to 64G"},
      {"-m 0.5K", "give 1M to 64G"},
      {"-m 9999999G", "give 1M to 64G"},
      {"-cpu i960", "i960"},
      {"-cpu pentum2", "pentium2"},
      {"-cpu pentium2,+sesame", "sesame"},
      {"-M q35", "there are pc and isapc"},
      {"-cdorm x", "did you mean -cdrom?"},
      {"-device sb61", "there is no device"},
      {"-serial unix:nobody", "start the other side first"},
      {"-serial file:no/such/folder", "writable"},
      {"-display none -D no/such/folder", "writable"},
      {"-pidfile no/such/folder -display none", "writable"},
      {"-pidfile /dev/full -display none", "make room on that disk"},
      {"-screenshot no/such/folder -display none", "writable"},
      {"-screen-text folder -display none", "writable"},
      {"-device isa-debug-exit,iobase=0xffff,iosize=4", "give a lower iobase"},
      {"-display none -device isa-debug-exit,iobase=0x60", "another iobase"},
      {"-drive big.img", "give file=big.img"},
      {"-drive if=none,id=x,file=big.img -drive if=none,id=x,file=big.img", "give this one another id"},
      {"-drive if=none,id=x,file=big.img -device ide-hd,drive=x,bus=pci.0", "give bus=ide.0 or bus=ide.1"},
      {"-display vnc=:1", "unknown display 'vnc': there are sdl and none"},
      {"-k", "leave it out"},
      {"-serial tcp::0", "from 1 to 65535"},
      {"-serial tcp::-1,server", "from 1 to 65535"},
      {"-chardev socket,id=x,port=70000 -serial chardev:x", "from 1 to 65535"},
      {"-serial /dev/null -serial file:", "give file:PATH"},
      {"replay missing", "give the journal"},
      {"test text.txt --junit no/such/folder", "writable"},
      {"test", "orrery test SCRIPT"},
      {"test missing.test", "check the name"},
      {"test text.txt", "unknown command 'hello'"},
      {"replay", "orrery replay JOURNAL"},
      {"replay text.txt", "journal"},
  };
  for (const auto& [words, fix] : table) {
    const Ran ran = run(words);
    EXPECT_EQ(ran.status, 2) << words << ": " << ran.error;
    EXPECT_EQ(std::ranges::count(ran.error, '\n'), 1) << words << ": " << ran.error;
    EXPECT_TRUE(ran.error.starts_with("orrery: ")) << words << ": " << ran.error;
    EXPECT_NE(ran.error.find(fix), std::string::npos) << words << ": " << ran.error;
    EXPECT_EQ(ran.out, "") << words;
  }
}

TEST_F(Cli, DamagedHeadersAreRefused) {
  const auto put = [](std::string& bytes, std::size_t at, u64 value, unsigned size) {
    for (unsigned i = 0; i < size; ++i) bytes[at + i] = static_cast<char>(value >> (8 * i));
  };
  const auto save = [&](const std::string& name, const std::string& bytes) { write(name, bytes, bytes.size()); };
  // A bzImage whose header describes more than the file has, and one that ends in its header.
  std::string linux_kernel(2048, '\0');
  linux_kernel[0x1f1] = 1;
  put(linux_kernel, 0x1f4, 0x10000, 4);
  put(linux_kernel, 0x1fe, 0xaa55, 2);
  linux_kernel.replace(0x202, 4, "HdrS");
  put(linux_kernel, 0x206, 0x20c, 2);
  save("short.bz", linux_kernel);
  put(linux_kernel, 0x1f4, 0, 4);
  save("tiny.bz", linux_kernel.substr(0, 0x300));

  // A multiboot ELF of one segment.
  const auto elf = [&](u32 offset, u32 address, u32 size, u16 count, u16 machine, u32 flags) {
    std::string bytes(256, '\0');
    bytes.replace(0, 7, "\177ELF\1\1\1");
    put(bytes, 16, 2, 2);
    put(bytes, 18, machine, 2);
    put(bytes, 24, address, 4);
    put(bytes, 28, 128, 4);
    put(bytes, 42, 32, 2);
    put(bytes, 44, count, 2);
    put(bytes, 64, 0x1badb002, 4);
    put(bytes, 68, flags, 4);
    put(bytes, 72, 0u - 0x1badb002u - flags, 4);
    const u32 fields[] = {1, offset, address, address, size, size, 7, 0};
    for (unsigned i = 0; i < 8; ++i) put(bytes, 128 + 4 * i, fields[i], 4);
    return bytes;
  };
  save("cut.elf", elf(0x1000, 0x100000, 16, 1, 3, 0));
  save("wrap.elf", elf(0xffffffff, 0x100000, 0xffffffff, 1, 3, 0));
  save("many.elf", elf(0, 0x100000, 16, 9, 3, 0));
  save("none.elf", elf(0, 0x100000, 16, 0, 3, 0));
  save("arm.elf", elf(0, 0x100000, 16, 1, 40, 0));
  save("high.elf", elf(0, 0xf0000000, 16, 1, 3, 0));
  save("big.elf", elf(0, 0x20000000, 16, 1, 3, 0));
  save("low.elf", elf(0, 0x7c00, 16, 1, 3, 0));
  save("bios.elf", elf(0, 0x8fff8, 16, 1, 3, 0));
  save("need.elf", elf(0, 0x100000, 16, 1, 3, 0x8000));
  save("header.bin", elf(0, 0, 0, 0, 3, 0x10000).substr(64, 12));

  // A volume descriptor of the largest numbers, and one that the file ends in.
  std::string iso(40'960, '\0');
  iso.replace(32768, 6, "\1CD001");
  put(iso, 32768 + 80, 0xffffffff, 4);
  put(iso, 32768 + 128, 0xffff, 2);
  save("huge.iso", iso);
  save("half.iso", iso.substr(0, 32768 + 90));

  // Partitions behind the end: in an MBR, and in a GPT whose last sector is the largest number.
  std::string disk(5 << 20, '\0');
  put(disk, 510, 0xaa55, 2);
  disk.replace(512, 8, "EFI PART");
  put(disk, 512 + 0x20, ~u64{0}, 8);
  put(disk, 512 + 0x50, 0xffffffff, 4);
  put(disk, 512 + 0x54, 128, 4);
  save("gpt.img", disk);
  disk.replace(512, 8, 8, '\0');
  disk[0x1be + 4] = 6;
  put(disk, 0x1be + 8, 1, 4);
  put(disk, 0x1be + 12, 0xffffffff, 4);
  save("mbr.img", disk);

  const std::pair<std::string, std::string> table[] = {
      {"-kernel short.bz", ": get it again"},
      {"-kernel tiny.bz", ": get it again"},
      {"short.bz", ": get it again"},
      {"-kernel cut.elf", "get it again"},
      {"-kernel wrap.elf", "get it again"},
      {"-kernel many.elf", "get it again"},
      {"-kernel none.elf", "get it again"},
      {"-kernel arm.elf", "give one for x86"},
      {"-kernel high.elf", "where no PC has RAM; link it to 1 MiB"},
      {"-kernel big.elf", "more (-m)"},
      {"-kernel low.elf", "what is below 0x8000; link it to 1 MiB"},
      {"-kernel bios.elf", "BIOS and the display"},
      {"low.elf", "what is below 0x8000; link it to 1 MiB"},
      {"-kernel need.elf", "grub-mkrescue"},
      {"-kernel header.bin", "get the kernel again"},
      {"huge.iso", "get the whole image"},
      {"half.iso", "get the whole image"},
      {"gpt.img", "get the whole image"},
      {"-hda gpt.img", "get the whole image"},
      {"mbr.img", "get the whole image"},
  };
  for (const auto& [words, fix] : table) {
    const Ran ran = run("-display none -run-for 10ms " + words);
    EXPECT_EQ(ran.status, 2) << words << ": " << ran.error;
    EXPECT_EQ(std::ranges::count(ran.error, '\n'), 1) << words << ": " << ran.error;
    EXPECT_NE(ran.error.find(fix), std::string::npos) << words << ": " << ran.error;
    const std::string file = "'" + words.substr(words.rfind(' ') + 1) + "': ";
    EXPECT_NE(ran.error.find(file), std::string::npos) << words << ": " << ran.error;
  }
}

TEST_F(Cli, WhatIsWrittenIsNoImageAndNoOthersFile) {
  boot_sector("a.img", {0xeb, 0xfe});
  boot_sector("b.img", {0xeb, 0xfe});
  fs::create_symlink("a.img", folder_ / "link");
  const std::string before = contents(folder_ / "a.img");
  const std::pair<std::string, std::string> table[] = {
      {"-fda a.img -D a.img", "-D 'a.img': it is the image in drive floppy0"},
      {"-fda a.img -record link", "it is the image in drive floppy0"},
      {"a.img -serial file:./a.img", "it is the image in drive floppy0"},
      {"-hda a.img -screenshot link", "it is the image in drive ide0"},
      {"-hda a.img -pidfile a.img", "it is the image in drive ide0"},
      {"-bios a.img -debugcon file:a.img", "it is the -bios"},
      {"-D new -record ./new", "-D writes to it already"},
      {"-serial file:new -debugcon file:new", "-serial writes to it already"},
      {"-fda a.img -fdb link", "is in two drives, floppy0 and floppy1"},
      {"-hda a.img -drive file=a.img,readonly=on", "is in two drives, ide0 and ide1"},
  };
  for (const auto& [words, fault] : table) {
    const Ran ran = run("-display none -run-for 10ms " + words);
    EXPECT_EQ(ran.status, 2) << words << ": " << ran.error;
    EXPECT_EQ(std::ranges::count(ran.error, '\n'), 1) << words << ": " << ran.error;
    EXPECT_NE(ran.error.find(fault), std::string::npos) << words << ": " << ran.error;
    EXPECT_EQ(contents(folder_ / "a.img"), before) << words;
  }
  for (const char* words :
       {"-fda a.img -fdb a.img -snapshot", "-fda a.img -fdb b.img", "-D /dev/null -record /dev/null",
        "-serial file:new,append=on -debugcon file:new,append=on", "-pidfile new2 -screen-text -"}) {
    const Ran ran = run(std::string("-display none -run-for 10ms ") + words);
    EXPECT_EQ(ran.status, 0) << words << ": " << ran.error;
  }
}

TEST_F(Cli, ThePidfileIsRemovedIfItIsAFile) {
  EXPECT_EQ(run("-display none -run-for 10ms -pidfile pid").status, 0);
  EXPECT_FALSE(fs::exists(folder_ / "pid"));
  const fs::path pipe = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int reader = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_GE(reader, 0);
  EXPECT_EQ(run("-display none -run-for 10ms -pidfile pipe").status, 0);
  EXPECT_TRUE(fs::is_fifo(pipe)) << "it was there before";
  ::close(reader);
}

TEST_F(Cli, TooLittleHostMemoryIsOneLine) {
  boot_sector("a.img", {0xeb, 0xfe});
#if defined(__SANITIZE_ADDRESS__) || (defined(__has_feature) && __has_feature(address_sanitizer))
  GTEST_SKIP() << "the address sanitizer needs all addresses";
#endif
  const std::string command = "cd '" + folder_.string() +
                              "' && (ulimit -v 1000000; timeout 60 '" ORRERY_PROGRAM
                              "' a.img -display none -m 4G 2>error.txt)";
  const int result = std::system(command.c_str());
  const std::string error = contents(folder_ / "error.txt");
  EXPECT_EQ(WEXITSTATUS(result), 2) << error;
  EXPECT_EQ(std::ranges::count(error, '\n'), 1) << error;
  EXPECT_NE(error.find("give the machine less with -m"), std::string::npos) << error;
}

TEST_F(Cli, AMonitorThatIsPipedIntoAnswers) {
  write("commands", "info version\n", 13);
  const Ran ran = run("-display none -monitor stdio -run-for 2", "<commands");
  EXPECT_EQ(ran.status, 0) << ran.error;
  EXPECT_NE(ran.out.find("an x86 PC emulator"), std::string::npos) << ran.out;
}

TEST_F(Cli, WhatWasDecidedIsToldWithAMachineOnly) {
  boot_sector("a.img", {0xeb, 0xfe});
  EXPECT_EQ(run("a.img -display none -run-for 10ms").error.find("orrery: a.img: 1.44 MB floppy: -fda a.img\n"), 0u);
  const Ran ran = run("a.img -display none -run-for 10ms -bios a.img");
  EXPECT_EQ(ran.status, 2);
  EXPECT_EQ(std::ranges::count(ran.error, '\n'), 1) << ran.error;
  EXPECT_EQ(ran.error.find("-fda"), std::string::npos) << ran.error;
}

TEST_F(Cli, ALockedImageIsRefused) {
  boot_sector("a.img", {0xeb, 0xfe});
  const int fd = ::open((folder_ / "a.img").c_str(), O_RDWR);
  ASSERT_GE(fd, 0);
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  ASSERT_EQ(::fcntl(fd, F_OFD_SETLK, &lock), 0);
  const Ran ran = run("-display none -run-for 10ms -fda a.img");
  EXPECT_EQ(ran.status, 2) << ran.error;
  EXPECT_EQ(std::ranges::count(ran.error, '\n'), 1) << ran.error;
  EXPECT_NE(ran.error.find("a.img"), std::string::npos) << ran.error;
  ::close(fd);
  EXPECT_EQ(run("-display none -run-for 10ms -fda a.img").status, 0);
}

TEST_F(Cli, AnUnreadableImageIsRefused) {
  boot_sector("a.img", {0xeb, 0xfe});
  fs::permissions(folder_ / "a.img", fs::perms::none);
  Ran ran;
  test::without_root([&] { ran = run("-display none -run-for 10ms -fda a.img"); });
  EXPECT_EQ(ran.status, 2) << ran.error;
  EXPECT_EQ(std::ranges::count(ran.error, '\n'), 1) << ran.error;
  EXPECT_NE(ran.error.find("chmod u+r"), std::string::npos) << ran.error;
}

TEST_F(Cli, HelpAndVersionGoToStandardOutput) {
  for (const char* words : {"-help", "--help-all", "-version", "-M help", "-cpu help", "-device help", "test --help"}) {
    const Ran ran = run(words);
    EXPECT_EQ(ran.status, 0) << words;
    EXPECT_NE(ran.out, "") << words;
    EXPECT_EQ(ran.error, "") << words;
  }
}

TEST_F(Cli, ExplainPrintsTheMachineAndDoesNotRunIt) {
  boot_sector("a.img", {0xeb, 0xfe});
  const Ran ran = run("--explain a.img -m 16");
  EXPECT_EQ(ran.status, 0);
  EXPECT_NE(ran.out.find("-m 16M"), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("-drive file=a.img,if=floppy,index=0"), std::string::npos) << ran.out;
  EXPECT_NE(ran.error.find("orrery: a.img: 1.44 MB floppy: -fda a.img"), std::string::npos) << ran.error;
}

TEST_F(Cli, ARunForAWhileEndsWithAGuestThatSwitchesItselfOff) {
  // mov dx, 604h; mov ax, 2000h; out dx, ax; jmp $
  boot_sector("off.img", {0xba, 0x04, 0x06, 0xb8, 0x00, 0x20, 0xef, 0xeb, 0xfe});
  const Ran ran = run("off.img -snapshot -display none -no-shutdown -run-for 5");
  EXPECT_EQ(ran.status, 0);
  EXPECT_NE(ran.error.find("switched the machine off"), std::string::npos) << ran.error;
}

TEST_F(Cli, AGuestThatCrashesAgainAndAgainIsNotToldOfForEver) {
  // lidt [7c06h]; int3, with an empty table
  boot_sector("crash.img", {0x0f, 0x01, 0x1e, 0x06, 0x7c, 0xcc, 0, 0, 0, 0, 0, 0});
  const Ran ran = run("crash.img -snapshot -display none -run-for 1");
  EXPECT_EQ(ran.status, 0);
  std::size_t told = 0;
  for (std::size_t at = 0; (at = ran.error.find("triple fault at", at)) != std::string::npos; ++at) ++told;
  EXPECT_EQ(told, 5u) << ran.error;
  EXPECT_NE(ran.error.find("-no-reboot ends the run at the first"), std::string::npos) << ran.error;
}

TEST_F(Cli, DebugExitGivesTheExitStatus) {
  // mov al, 0x10; out 0xf4, al; jmp $
  boot_sector("exit.img", {0xb0, 0x10, 0xe6, 0xf4, 0xeb, 0xfe}, 512);
  const std::string words = "exit.img -display none -device isa-debug-exit,iobase=0xf4,iosize=1 -run-for 30";
  EXPECT_EQ(run(words).status, 33);
  EXPECT_EQ(run(words + " -exit-code raw").status, 16);
}

TEST_F(Cli, SerialOutputGoesWhereItIsTold) {
  // mov dx, 3FBh; mov al, 3 (8N1); out dx, al; mov dl, 0F8h; mov al, 'H'; out dx, al; mov dl, 0FDh; wait for THRE;
  // mov dl, 0F8h; mov al, 10; out dx, al; then the exit device.
  boot_sector("hello.img", {0xba, 0xfb, 0x03, 0xb0, 3,    0xee, 0xb2, 0xf8, 0xb0, 'H',  0xee, 0xb2,
                            0xfd, 0xec, 0xa8, 0x20, 0x74, 0xfb, 0xb2, 0xf8, 0xb0, '\n', 0xee, 0xb2,
                            0xfd, 0xec, 0xa8, 0x40, 0x74, 0xfb, 0xb0, 0,    0xe6, 0xf4, 0xeb, 0xfe},
              512);
  const std::string words = "hello.img -display none -device isa-debug-exit,iobase=0xf4 -run-for 30 ";
  const Ran stdio = run(words + "-serial stdio");
  EXPECT_EQ(stdio.status, 1) << stdio.error;
  EXPECT_EQ(stdio.out, "H\n");
  run(words + "-serial file:serial.txt");
  EXPECT_EQ(contents(folder_ / "serial.txt"), "H\n");
  EXPECT_EQ(run(words + "-serial stdio", "<&-").out, "H\n") << "with standard input closed";
}

TEST_F(Cli, TheScreenIsKeptAtTheEnd) {
  // mov ax, 0B800h; mov ds, ax; mov word [0], 1E41h; jmp $
  boot_sector("a.img", {0xb8, 0x00, 0xb8, 0x8e, 0xd8, 0xc7, 0x06, 0, 0, 0x41, 0x1e, 0xeb, 0xfe}, 512);
  const Ran ran = run("a.img -display none -run-for 5 -screen-text screen.txt -screenshot screen.png -state-hash");
  EXPECT_EQ(ran.status, 0) << ran.error;
  EXPECT_TRUE(contents(folder_ / "screen.txt").starts_with("A")) << contents(folder_ / "screen.txt");
  const frontend::Picture picture = frontend::read_png((folder_ / "screen.png").string());
  EXPECT_GE(picture.width, 640u);
  EXPECT_NE(ran.error.find("state hash at tick "), std::string::npos) << ran.error;
}

TEST_F(Cli, ARecordedRunReplaysAndADivergingOneIsNoticed) {
  boot_sector("a.img", {0xeb, 0xfe}, 512);
  EXPECT_EQ(run("a.img -display none -run-for 2 -rtc base=2000-01-01 --record run.orrery").status, 0);
  const Ran replay = run("replay run.orrery");
  EXPECT_EQ(replay.status, 0) << replay.error;
  EXPECT_NE(replay.error.find("the recording ends at tick 400000000"), std::string::npos) << replay.error;
  // The same run with another disk would be another run.
  boot_sector("a.img", {0xf4, 0xeb, 0xfd}, 512);
  const Ran other = run("replay run.orrery");
  EXPECT_EQ(other.status, 2) << other.error;
  EXPECT_NE(other.error.find("put the file of that time back"), std::string::npos) << other.error;
}

TEST_F(Cli, WhatIsNoRecordingIsRefused) {
  for (const std::string file : {"nothing.orrery", "."}) {
    const Ran ran = run("replay " + file);
    EXPECT_EQ(ran.status, 2);
    EXPECT_NE(ran.error.find("that -record wrote"), std::string::npos) << ran.error;
  }
}

TEST_F(Cli, ATestScriptPassesFailsAndLeavesItsFiles) {
  // Writes 'O' 'K' to the screen, then waits for a key through the BIOS and halts.
  boot_sector("ok.img", {0xb8, 0x00, 0xb8, 0x8e, 0xd8, 0xc7, 0x06, 0,    0, 'O', 0x07, 0xc7, 0x06, 2,
                         0,    'K',  0x07, 0x31, 0xc0, 0xcd, 0x16, 0xa2, 4, 0,   0xf4, 0xeb, 0xfd},
              512);
  std::ofstream(folder_ / "good.test") << "machine -fda ok.img -m 8\n"
                                          "test \"boots\"\n"
                                          "expect no mode graphics\n"  // nor any other, before one is set
                                          "wait text /^OK/ 20s\n"
                                          "expect mode 80x25; expect mem 0x7dfe == \"\\x55\\xaa\"\n"
                                          "test \"takes keys\"\n"
                                          "type \"x\"\n"
                                          "wait text \"OKx\" 5s\n"
                                          "expect no text \"OKy\"\n"
                                          "expect reg al == 0x78\n"
                                          "print hash\n";
  const Ran good = run("test good.test");
  EXPECT_EQ(good.status, 0) << good.out << good.error;
  EXPECT_NE(good.out.find("ok    good.test: boots"), std::string::npos) << good.out;
  EXPECT_NE(good.out.find("2 passed, 0 failed, 0 skipped"), std::string::npos) << good.out;
  // Without the host's clock in it, a second run is the same.
  EXPECT_EQ(run("test good.test").out.substr(0, 60), good.out.substr(0, 60));

  std::ofstream(folder_ / "bad.test") << "machine -fda ok.img -m 8\ntest \"a\"\nwait text \"NEVER\" 3s\ntest \"b\"\n";
  const Ran bad = run("test bad.test good.test --tap --junit r.xml --output left");
  EXPECT_EQ(bad.status, 1) << bad.out << bad.error;
  EXPECT_TRUE(bad.out.starts_with("TAP version 13\n1..4\nnot ok 1 - bad.test: a\n")) << bad.out;
  EXPECT_NE(bad.out.find("| OK"), std::string::npos) << bad.out;
  EXPECT_NE(bad.out.find("ok 2 - bad.test: b # SKIP"), std::string::npos) << bad.out;
  for (const char* name : {"screen.txt", "screen.png", "registers.txt", "run.orrery"}) {
    EXPECT_TRUE(fs::exists(folder_ / "left" / "bad" / name)) << name;
  }
  EXPECT_NE(contents(folder_ / "r.xml").find("<failure"), std::string::npos);
  const Ran failure = run("replay left/bad/run.orrery");
  EXPECT_EQ(failure.status, 0) << failure.error;
  EXPECT_NE(failure.error.find("the recording ends at tick"), std::string::npos) << "the moment of the failure";

  // Reads a key through the BIOS and switches the machine off by ACPI, with the rest of what was typed on its way.
  boot_sector("off.img", {0x31, 0xc0, 0xcd, 0x16, 0xba, 0x04, 0x06, 0xb8, 0x00, 0x20, 0xef, 0xeb, 0xfe}, 512);
  std::ofstream(folder_ / "off.test") << "machine -fda off.img -m 8\nrun 3s\ntype \"off\\n\"\nwait poweroff 1s\n";
  const Ran off = run("test off.test");
  EXPECT_EQ(off.status, 0) << off.out << off.error;
  std::ofstream(folder_ / "late.test") << "machine -fda off.img -m 8\nrun 3s\ntype \"off\\n\"\ntype \"x\"\n";
  const Ran late = run("test late.test");
  EXPECT_EQ(late.status, 1);
  EXPECT_NE(late.out.find("late.test:4: type \"x\": the guest has ended: "), std::string::npos) << late.out;

  // Options that are wrong make a script that cannot be run; images that are not there, a test that is skipped or
  // fails.
  for (const char* wrong : {"-m 0", "-m", "--nonsense", "-append x", "-smp"}) {
    std::ofstream(folder_ / "wrong.test") << "# a test\nmachine " << wrong << "\nrun 1ms\n";
    const Ran ran = run("test wrong.test");
    EXPECT_EQ(ran.status, 2) << wrong << ran.out << ran.error;
    EXPECT_TRUE(ran.error.starts_with("orrery: wrong.test:2: ")) << wrong << ran.error;
    EXPECT_EQ(ran.out, "");
  }
  std::ofstream(folder_ / "absent.test") << "skip unless file nowhere.img\nmachine nowhere.img -append x\nrun 1ms\n";
  EXPECT_EQ(run("test absent.test").status, 77);
  std::ofstream(folder_ / "absent.test") << "machine -fda nowhere.img\nrun 1ms\n";
  EXPECT_EQ(run("test absent.test").status, 1);

  std::ofstream(folder_ / "skip.test") << "skip unless file nowhere.img\n";
  EXPECT_EQ(run("test skip.test").status, 77);
  std::ofstream(folder_ / "seven.test") << "exit 7\n";
  EXPECT_EQ(run("test seven.test").status, 7);
}

TEST_F(Cli, GoldenPicturesAreMadeAndCompared) {
  boot_sector("ok.img", {0xb8, 0x00, 0xb8, 0x8e, 0xd8, 0xc7, 0x06, 0, 0, 'O', 0x07, 0xf4, 0xeb, 0xfd}, 512);
  std::ofstream(folder_ / "g.test") << "machine -fda ok.img\nrun 3s\nexpect screenshot g.png area 0 0 9 16\n";
  EXPECT_EQ(run("test g.test").status, 1);
  EXPECT_EQ(run("test g.test --update").status, 0);
  EXPECT_EQ(run("test g.test").status, 0);
  frontend::Picture picture = frontend::read_png((folder_ / "g.png").string());
  picture.pixels[0] ^= 0x123456;
  frontend::write_png((folder_ / "g.png").string(), picture);
  const Ran ran = run("test g.test");
  EXPECT_EQ(ran.status, 1);
  EXPECT_NE(ran.out.find("1 pixels differ, first at 0,0"), std::string::npos) << ran.out;
}

TEST_F(Cli, ATestLeavesItsImagesAsTheyWere) {
  // Writes 512 bytes of sector 1 with the BIOS: mov ax,0301h; mov cx,2; xor dx,dx; mov bx,7c00h; int 13h; hlt
  boot_sector("w.img",
              {0xb8, 0x01, 0x03, 0xb9, 0x02, 0x00, 0x31, 0xd2, 0xbb, 0x00, 0x7c, 0xcd, 0x13, 0xf4, 0xeb, 0xfd});
  const std::string before = contents(folder_ / "w.img");
  std::ofstream(folder_ / "w.test") << "machine -fda w.img\nrun 8s\n";
  EXPECT_EQ(run("test w.test").status, 0);
  EXPECT_EQ(contents(folder_ / "w.img"), before);
  EXPECT_EQ(run("test w.test -no-snapshot").status, 0);
  EXPECT_NE(contents(folder_ / "w.img"), before);
}

}  // namespace
}  // namespace orrery
