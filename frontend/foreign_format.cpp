#include "frontend/foreign_format.h"

#include <algorithm>
#include <cstring>

namespace orrery::frontend {
namespace {

using namespace std::string_view_literals;

struct Magic {
  std::size_t offset;
  std::string_view bytes;
  ForeignFormat format;
};

constexpr std::string_view kConvert = "convert it with qemu-img convert -O raw IN OUT, and give OUT";
constexpr std::string_view kUnpack = "unpack it first, and give the image that was in it";
constexpr std::string_view kFluxFix = "convert it to sectors with HxC or fluxengine, and give the .img";

constexpr Magic kMagics[] = {
    {0, "QFI\xfb"sv, {"a qcow2 image, which is not read yet", kConvert}},
    {0, "QED\0"sv, {"a QED image", kConvert}},
    {0, "KDMV"sv, {"a VMDK image, which is not read yet", kConvert}},
    {0, "COWD"sv, {"a VMDK image, which is not read yet", kConvert}},
    {0, "# Disk DescriptorFile"sv, {"the descriptor of a VMDK image", "give the -flat.vmdk file beside it"}},
    {0, "conectix"sv, {"a VHD image, which is not read yet", kConvert}},
    {0, "vhdxfile"sv, {"a VHDX image, which is not read yet", kConvert}},
    {0x40, "\x7f\x10\xda\xbe"sv, {"a VirtualBox VDI image, which is not read yet", kConvert}},
    {0, "WithoutFreeSpace"sv, {"a Parallels image", kConvert}},
    {0, "WithouFreSpacExt"sv, {"a Parallels image", kConvert}},
    {0, "Bochs Virtual HD Image"sv, {"a Bochs growing image", "convert it with bximage to a flat one"}},
    {0, "PK\x03\x04"sv, {"a zip archive", kUnpack}},
    {0, "PK\x05\x06"sv, {"an empty zip archive", kUnpack}},
    {0, "7z\xbc\xaf\x27\x1c"sv, {"a 7-Zip archive", kUnpack}},
    {0, "Rar!\x1a\x07"sv, {"a RAR archive", kUnpack}},
    {257, "ustar"sv, {"a tar archive", kUnpack}},
    {0, "!<arch>\n"sv, {"an ar archive or Debian package", kUnpack}},
    {0, "IMD "sv, {"an ImageDisk floppy", "convert it with imdu IN.IMD OUT.IMG /B, and give OUT.IMG"}},
    {0, "TD\0"sv, {"a Teledisk floppy", kFluxFix}},
    {0, "td\0"sv, {"a Teledisk floppy", kFluxFix}},
    {0, "HXCPICFE"sv, {"an HFE floppy", kFluxFix}},
    {0, "HXCHFEV3"sv, {"an HFE floppy", kFluxFix}},
    {0, "SCP"sv, {"a SuperCard Pro flux image", kFluxFix}},
    {0, "86BF"sv, {"an 86F floppy", kFluxFix}},
    {0, "MEDIA DESCRIPTOR"sv, {"the description of an MDF image", "convert it with mdf2iso, and give the .iso"}},
    {0,
     "\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0"sv,
     {"a CD image with raw sectors of 2352 bytes", "convert it with bchunk, and give the .iso"}},
    {0, "FILE \""sv, {"a cue sheet", "convert its .bin with bchunk, and give the .iso"}},
    {0, "ORRERYJ"sv, {"a journal", "give it to: orrery replay FILE"}},
    {0, "#!"sv, {"a script", "give an image file; a test script goes to: orrery test FILE"}},
    {0, "<!DOCTYPE"sv, {"a web page", "download the image itself"}},
    {0, "<html"sv, {"a web page", "download the image itself"}},
    {0, "version https://git-lfs"sv, {"a Git LFS pointer", "get the file itself with git lfs pull"}},
};

constexpr Magic kTails[] = {
    {0, "conectix"sv, {"a VHD image, which is not read yet", kConvert}},
    {0, "koly"sv, {"an Apple disk image", "convert it with dmg2img IN OUT, and give OUT"}},
};

struct Packed {
  std::string_view bytes;
  std::string_view name;
};
constexpr Packed kPacked[] = {
    {"\x1f\x8b\x08"sv, "gzip-compressed data"},
    {"\xfd"
     "7zXZ\0"sv,
     "xz-compressed data"},
    {"BZh"sv, "bzip2-compressed data"},
    {"\x28\xb5\x2f\xfd"sv, "zstd-compressed data"},
    {"\x04\x22\x4d\x18"sv, "lz4-compressed data"},
    {"\x02\x21\x4c\x18"sv, "lz4-compressed data"},
    {"070701"sv, "a cpio archive"},
    {"070702"sv, "a cpio archive"},
    {"\x5d\0\0"sv, "lzma-compressed data"},
};

bool has_at(std::span<const u8> bytes, std::size_t offset, std::string_view magic) {
  return offset + magic.size() <= bytes.size() && std::memcmp(bytes.data() + offset, magic.data(), magic.size()) == 0;
}

}  // namespace

std::optional<ForeignFormat> foreign_format(std::span<const u8> head, std::span<const u8> tail) {
  for (const Magic& magic : kMagics) {
    if (has_at(head, magic.offset, magic.bytes)) return magic.format;
  }
  for (const Magic& magic : kTails) {
    if (has_at(tail, magic.offset, magic.bytes)) return magic.format;
  }
  // A DOS or Windows program starts with MZ; a boot sector that does would have to run DEC BP, POP DX.
  if (has_at(head, 0, "MZ") && !has_at(head, 0x202, "HdrS") && !has_at(head, 510, "\x55\xaa")) {
    return ForeignFormat{"a DOS or Windows program", "copy it to a DOS disk image (mtools) and boot that"};
  }
  return std::nullopt;
}

std::optional<std::string_view> packed_format(std::span<const u8> head) {
  for (const Packed& packed : kPacked) {
    if (has_at(head, 0, packed.bytes)) return packed.name;
  }
  return std::nullopt;
}

}  // namespace orrery::frontend
