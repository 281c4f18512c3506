// Images are known by their contents; what cannot be used is refused with the fix.
#include "frontend/image_detect.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "frontend/options.h"
#include "frontend/usage_error.h"
#include "tests/support/without_root.h"

namespace orrery::frontend {
namespace {

namespace fs = std::filesystem;
using core::store_le;

class ImageDetect : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "orrery-image-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  /// A file that starts with `head` and is `size` long.
  std::string file(const std::string& name, const std::vector<u8>& head, u64 size) {
    const fs::path path = folder_ / name;
    std::ofstream out(path, std::ios::binary);
    out.write(reinterpret_cast<const char*>(head.data()), static_cast<std::streamsize>(head.size()));
    out.close();
    fs::resize_file(path, size);
    return path.string();
  }

  static std::vector<u8> bytes(std::string_view text) { return {text.begin(), text.end()}; }

  static std::vector<u8> boot_sector() {
    std::vector<u8> sector(512);
    sector[0] = 0xeb;
    sector[1] = 0x3c;
    sector[510] = 0x55;
    sector[511] = 0xaa;
    return sector;
  }

  static std::vector<u8> fat_sector(u16 sectors) {
    std::vector<u8> sector = boot_sector();
    store_le<u16>(&sector[0x0b], 512);
    sector[0x0d] = 1;
    store_le<u16>(&sector[0x0e], 1);
    sector[0x10] = 2;
    store_le<u16>(&sector[0x11], 224);
    store_le<u16>(&sector[0x13], sectors);
    sector[0x15] = 0xf0;
    store_le<u16>(&sector[0x16], 9);
    store_le<u16>(&sector[0x18], 18);
    store_le<u16>(&sector[0x1a], 2);
    return sector;
  }

  static std::vector<u8> mbr(u32 start, u32 length) {
    std::vector<u8> sector = boot_sector();
    sector[0] = 0xfa;
    u8* entry = &sector[0x1be];
    entry[0] = 0x80;
    entry[4] = 0x0c;
    store_le<u32>(entry + 8, start);
    store_le<u32>(entry + 12, length);
    return sector;
  }

  static std::vector<u8> iso(u32 blocks) {
    std::vector<u8> image(18 * 2048);
    u8* primary = &image[16 * 2048];
    primary[0] = 1;
    std::memcpy(primary + 1, "CD001\1", 6);
    std::memset(primary + 40, ' ', 32);
    std::memcpy(primary + 40, "TEST", 4);
    store_le<u32>(primary + 80, blocks);
    store_le<u16>(primary + 128, 2048);
    image[17 * 2048] = 255;
    std::memcpy(&image[17 * 2048 + 1], "CD001\1", 6);
    return image;
  }

  static std::vector<u8> linux_kernel(u32 paragraphs) {
    std::vector<u8> head = boot_sector();
    head.resize(1024);
    head[0x1f1] = 1;
    store_le<u32>(&head[0x1f4], paragraphs);
    std::memcpy(&head[0x202], "HdrS", 4);
    store_le<u16>(&head[0x206], 0x20f);
    return head;
  }

  static std::vector<u8> elf(bool multiboot) {
    std::vector<u8> head(512);
    std::memcpy(head.data(),
                "\x7f"
                "ELF\1\1\1",
                7);
    if (multiboot) {
      store_le<u32>(&head[128], 0x1badb002);
      store_le<u32>(&head[132], 3);
      store_le<u32>(&head[136], 0u - 0x1badb002u - 3u);
    }
    return head;
  }

  static std::string error_of(const std::string& path) {
    try {
      return "taken as " + detect_image(path).what;
    } catch (const UsageError& error) {
      return error.what();
    }
  }

  fs::path folder_;
};

TEST_F(ImageDetect, FloppiesAreKnownByTheirSize) {
  for (const u64 kib : {160, 180, 320, 360, 720, 1200, 1440, 1680, 2880}) {
    const ImageInfo info = detect_image(file("f", boot_sector(), kib * 1024));
    EXPECT_EQ(info.kind, ImageKind::Floppy) << kib;
    EXPECT_NE(info.what.find("floppy"), std::string::npos);
    EXPECT_EQ(info.what.find("not bootable"), std::string::npos);
  }
  EXPECT_NE(detect_image(file("f", {}, 1440 * 1024)).what.find("not bootable"), std::string::npos);
}

TEST_F(ImageDetect, ABootSectorAloneIsAFloppy) {
  const ImageInfo info = detect_image(file("tetros", boot_sector(), 512));
  EXPECT_EQ(info.kind, ImageKind::Floppy);
  EXPECT_EQ(info.what, "boot sector, 512 bytes");
  EXPECT_EQ(detect_image(file("kernel.bin", boot_sector(), 10'000)).kind, ImageKind::Floppy);
}

TEST_F(ImageDetect, DisksAreKnownByTheirPartitionTable) {
  const ImageInfo info = detect_image(file("d", mbr(63, 20'000), 20u << 20));
  EXPECT_EQ(info.kind, ImageKind::Disk);
  EXPECT_EQ(info.what, "hard disk, 20.0 MiB, MBR with 1 partition");
  // A small one is a disk too: the table says so.
  EXPECT_EQ(detect_image(file("small", mbr(1, 1000), 1u << 20)).kind, ImageKind::Disk);
  EXPECT_EQ(detect_image(file("blank", {}, 20u << 20)).kind, ImageKind::Disk);
}

TEST_F(ImageDetect, CodeWhereATableCouldBeIsNoPartitionTable) {
  std::vector<u8> sector = boot_sector();
  std::memset(&sector[0x1be], 0x90, 64);
  EXPECT_EQ(detect_image(file("game", sector, 9000)).kind, ImageKind::Floppy);
}

TEST_F(ImageDetect, GptDisksAreDisks) {
  std::vector<u8> head = mbr(1, 0xffff);
  head[0x1be] = 0;
  head[0x1c2] = 0xee;
  head.resize(34 * 512);
  std::memcpy(&head[512], "EFI PART", 8);
  store_le<u64>(&head[512 + 0x20], (8u << 20) / 512 - 1);
  store_le<u32>(&head[512 + 0x50], 128);
  store_le<u32>(&head[512 + 0x54], 128);
  head[1024] = 1;
  EXPECT_EQ(detect_image(file("gpt", head, 8u << 20)).what, "hard disk, 8.0 MiB, GPT with 1 partition");
}

TEST_F(ImageDetect, CdromsAreKnownByTheirVolumeDescriptor) {
  const ImageInfo info = detect_image(file("cd", iso(500), 500 * 2048));
  EXPECT_EQ(info.kind, ImageKind::Cdrom);
  EXPECT_NE(info.what.find("\"TEST\""), std::string::npos) << info.what;
  // A hybrid one has a partition table as well, and is a CD first.
  std::vector<u8> hybrid = iso(500);
  const std::vector<u8> table = mbr(1, 1000);
  std::copy(table.begin(), table.end(), hybrid.begin());
  EXPECT_EQ(detect_image(file("hybrid", hybrid, 500 * 2048)).kind, ImageKind::Cdrom);
}

TEST_F(ImageDetect, ACdThatFitsOnAFloppyIsWhatItsNameSays) {
  // As grub-mkrescue makes them.
  std::vector<u8> both = iso(500);
  const std::vector<u8> sector = boot_sector();
  std::copy(sector.begin(), sector.end(), both.begin());
  for (const char* name : {"rescue.img", "RESCUE.IMG", "rescue.flp", "rescue.ima"}) {
    const ImageInfo info = detect_image(file(name, both, 500 * 2048));
    EXPECT_EQ(info.kind, ImageKind::Floppy) << name;
    EXPECT_NE(info.what.find("because of its name"), std::string::npos) << info.what;
  }
  for (const char* name : {"rescue.iso", "rescue", "img"}) {
    EXPECT_EQ(detect_image(file(name, both, 500 * 2048)).kind, ImageKind::Cdrom) << name;
  }
  // What is no floppy is none by any name: it is too large, or does not boot.
  EXPECT_EQ(detect_image(file("large.img", both, 2882 * 1024)).kind, ImageKind::Cdrom);
  EXPECT_EQ(detect_image(file("data.img", iso(500), 500 * 2048)).kind, ImageKind::Cdrom);
}

TEST_F(ImageDetect, KernelsAreKnownByTheirHeaders) {
  EXPECT_EQ(detect_image(file("bz", linux_kernel(1000), 1024 + 16'000)).kind, ImageKind::LinuxKernel);
  EXPECT_EQ(detect_image(file("mb", elf(true), 5000)).kind, ImageKind::MultibootKernel);
  EXPECT_EQ(detect_image(file("gz", bytes("\x1f\x8b\x08 and more"), 5000)).kind, ImageKind::Ramdisk);
}

TEST_F(ImageDetect, WhatIsCutShortIsRefused) {
  for (const std::string& error :
       {error_of(file("d", mbr(63, 200'000), 20u << 20)), error_of(file("cd", iso(5000), 100 * 2048)),
        error_of(file("f", fat_sector(2880), 700 * 1024)), error_of(file("g", fat_sector(2880), 1200 * 1024))}) {
    EXPECT_NE(error.find("cut short"), std::string::npos) << error;
    EXPECT_NE(error.find("get the whole image"), std::string::npos) << error;
  }
  // format=raw would not help a kernel.
  const std::string error = error_of(file("bz", linux_kernel(100'000), 5000));
  EXPECT_NE(error.find("cut short"), std::string::npos) << error;
  EXPECT_NE(error.find("get it again"), std::string::npos) << error;
  EXPECT_EQ(error.find("format=raw"), std::string::npos) << error;
}

TEST_F(ImageDetect, OtherFormatsAreRefusedWithTheWayToConvertThem) {
  std::vector<u8> vhd(2048);
  std::memcpy(&vhd[1536], "conectix", 8);
  std::vector<u8> vdi(512);
  store_le<u32>(&vdi[0x40], 0xbeda107f);
  const std::tuple<std::vector<u8>, u64, std::string_view, std::string_view> table[] = {
      {bytes("QFI\xfb"), 200'000, "qcow2", "qemu-img convert -O raw"},
      {bytes("KDMV"), 70'000, "VMDK", "qemu-img convert -O raw"},
      {bytes("# Disk DescriptorFile\n"), 700, "VMDK", "-flat.vmdk"},
      {vhd, 2048, "VHD", "qemu-img convert -O raw"},
      {bytes("vhdxfile"), 1 << 20, "VHDX", "qemu-img convert -O raw"},
      {vdi, 1 << 20, "VDI", "qemu-img convert -O raw"},
      {bytes("PK\x03\x04 zip"), 9000, "zip", "unpack it first"},
      {bytes("7z\xbc\xaf\x27\x1c"), 9000, "7-Zip", "unpack it first"},
      {bytes("IMD 1.18"), 90'000, "ImageDisk", "convert it"},
      {bytes("MZ\x90"), 9000, "DOS or Windows program", "copy it to a DOS disk image"},
      {bytes("#!/bin/sh\n"), 90, "script", "orrery test"},
      {bytes("<!DOCTYPE html>"), 9000, "web page", "download the image itself"},
      {bytes("ORRERYJ1"), 9000, "journal", "orrery replay"},
      {elf(false), 9000, "without a multiboot header", "give a bzImage or a disk image"},
      {bytes("hello world"), 11, "not recognised", "say what it is with -fda"},
      {{}, 0, "empty", "get it again"},
  };
  for (const auto& [head, size, name, fix] : table) {
    const std::string error = error_of(file("x", head, size));
    EXPECT_NE(error.find(name), std::string::npos) << error;
    EXPECT_NE(error.find(fix), std::string::npos) << error;
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
  }
}

TEST_F(ImageDetect, WhatIsNoFileIsRefused) {
  EXPECT_NE(error_of((folder_ / "missing.img").string()).find("no such file: check the name"), std::string::npos);
  EXPECT_NE(error_of(folder_.string()).find("a directory"), std::string::npos);
  EXPECT_NE(error_of("/dev/null").find("neither a file nor a block device"), std::string::npos);
  const std::string pipe = (folder_ / "pipe").string();
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_NE(error_of(pipe).find("neither a file nor a block device"), std::string::npos);
}

TEST_F(ImageDetect, AnUnreadableFileIsRefused) {
  const std::string path = file("secret", boot_sector(), 512);
  ASSERT_EQ(::chmod(path.c_str(), 0), 0);
  std::string error;
  test::without_root([&] { error = error_of(path); });
  EXPECT_NE(error.find("chmod u+r"), std::string::npos) << error;
}

TEST_F(ImageDetect, AFloppyOfImpossibleSizeIsRefusedEvenAsRaw) {
  const std::string path = file("big", boot_sector(), 5u << 20);
  for (const bool raw : {false, true}) {
    try {
      check_medium(path, ImageKind::Floppy, raw);
      FAIL() << "taken";
    } catch (const UsageError& error) {
      EXPECT_NE(std::string(error.what()).find("give it as a disk with -hda"), std::string::npos) << error.what();
    }
  }
  EXPECT_NO_THROW(check_medium(path, ImageKind::Disk, false));
}

TEST_F(ImageDetect, FormatRawTakesWhatProbingRefuses) {
  const std::string path = file("q", bytes("QFI\xfb"), 1 << 20);
  EXPECT_THROW(check_medium(path, ImageKind::Disk, false), UsageError);
  EXPECT_NO_THROW(check_medium(path, ImageKind::Disk, true));
}

TEST_F(ImageDetect, PositionalImagesGoWhereTheyBelong) {
  const std::vector<std::string> words = {file("cd", iso(500), 500 * 2048), file("f", boot_sector(), 1440 * 1024),
                                          file("d", mbr(63, 20'000), 20u << 20)};
  const Settings s = parse_options(words);
  ASSERT_EQ(s.notes.size(), 3u);
  EXPECT_EQ(s.notes[1], words[1] + ": 1.44 MB floppy: -fda " + words[1]);
  EXPECT_EQ(s.config.boot_order, "dac");
  ASSERT_EQ(s.config.drives.size(), 3u);
  EXPECT_EQ(s.config.drives[0].medium->path, words[1]);
  EXPECT_EQ(s.config.drives[1].id.index, 0);
  EXPECT_EQ(s.config.drives[2].id.index, 2);
  EXPECT_EQ(s.config.drives[2].media, machine::Media::Cdrom);
}

TEST_F(ImageDetect, AKernelAndItsRamDiskNeedNoOptions) {
  const std::string kernel = file("bz", linux_kernel(1000), 1024 + 16'000);
  const std::string ramdisk = file("rd", bytes("070701 cpio"), 5000);
  const Settings s = parse_options(std::vector<std::string>{kernel, ramdisk, "-append", "quiet"});
  EXPECT_EQ(s.config.kernel, kernel);
  EXPECT_EQ(s.config.initrd, std::vector<std::string>{ramdisk});
  EXPECT_THROW(parse_options(std::vector<std::string>{ramdisk}), UsageError);
}

}  // namespace
}  // namespace orrery::frontend
