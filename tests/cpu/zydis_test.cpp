// Decoder and disassembler against the Zydis library: random bytes in all modes, and the code of real binaries.
//
// Zydis knows extensions that the table lacks; such cases are counted and left out by their ISA set. The deliberate
// differences are all in known_difference() and normalise(), each with its reason.
#include <gtest/gtest.h>

#ifndef ORRERY_HAVE_ZYDIS

TEST(ZydisTest, IsSkippedBecauseTheLibraryWasNotFoundAtConfigureTime) {
  GTEST_SKIP() << "install libzydis-dev and configure again";
}

#else

#include <Zydis/Zydis.h>
#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "cpu/decoder.h"
#include "cpu/disassembler.h"

namespace orrery::cpu {
namespace {

FeatureSet all_features() {
  FeatureSet f;
  for (unsigned i = 0; i < static_cast<unsigned>(Feature::Count); ++i) f.set(static_cast<Feature>(i));
  return f;
}

/// The extensions that the table has.
bool in_table(ZydisISASet set) {
  switch (set) {
    case ZYDIS_ISA_SET_ADOX_ADCX:
    case ZYDIS_ISA_SET_AES:
    case ZYDIS_ISA_SET_AMD:
    case ZYDIS_ISA_SET_BMI1:
    case ZYDIS_ISA_SET_BMI2:
    case ZYDIS_ISA_SET_CLFLUSHOPT:
    case ZYDIS_ISA_SET_CLFSH:
    case ZYDIS_ISA_SET_CMOV:
    case ZYDIS_ISA_SET_CMPXCHG16B:
    case ZYDIS_ISA_SET_FAT_NOP:
    case ZYDIS_ISA_SET_FCMOV:
    case ZYDIS_ISA_SET_FXSAVE:
    case ZYDIS_ISA_SET_FXSAVE64:
    case ZYDIS_ISA_SET_I186:
    case ZYDIS_ISA_SET_I286PROTECTED:
    case ZYDIS_ISA_SET_I286REAL:
    case ZYDIS_ISA_SET_I386:
    case ZYDIS_ISA_SET_I486:
    case ZYDIS_ISA_SET_I486REAL:
    case ZYDIS_ISA_SET_I86:
    case ZYDIS_ISA_SET_INVPCID:
    case ZYDIS_ISA_SET_LAHF:
    case ZYDIS_ISA_SET_LONGMODE:
    case ZYDIS_ISA_SET_LZCNT:
    case ZYDIS_ISA_SET_MONITOR:
    case ZYDIS_ISA_SET_MOVBE:
    case ZYDIS_ISA_SET_PAUSE:
    case ZYDIS_ISA_SET_PCLMULQDQ:
    case ZYDIS_ISA_SET_PENTIUMMMX:
    case ZYDIS_ISA_SET_PENTIUMREAL:
    case ZYDIS_ISA_SET_POPCNT:
    case ZYDIS_ISA_SET_PPRO:
    case ZYDIS_ISA_SET_PREFETCH_NOP:
    case ZYDIS_ISA_SET_RDPMC:
    case ZYDIS_ISA_SET_RDTSCP:
    case ZYDIS_ISA_SET_RDWRFSGS:
    case ZYDIS_ISA_SET_SHA:
    case ZYDIS_ISA_SET_SMAP:
    case ZYDIS_ISA_SET_SSE:
    case ZYDIS_ISA_SET_SSE2:
    case ZYDIS_ISA_SET_SSE2MMX:
    case ZYDIS_ISA_SET_SSE3:
    case ZYDIS_ISA_SET_SSE3X87:
    case ZYDIS_ISA_SET_SSE4:
    case ZYDIS_ISA_SET_SSE42:
    case ZYDIS_ISA_SET_SSEMXCSR:
    case ZYDIS_ISA_SET_SSE_PREFETCH:
    case ZYDIS_ISA_SET_SSSE3:
    case ZYDIS_ISA_SET_SSSE3MMX:
    case ZYDIS_ISA_SET_X87:
    case ZYDIS_ISA_SET_XSAVE: return true;
    default: return false;
  }
}

/// Zydis's text in our words.
std::string normalise(std::string s, unsigned bits) {
  // A segment prefix that names the default segment is shown by Zydis, not by us.
  for (std::string_view segment : {"ds:[", "ss:["}) {
    const auto at = s.find(segment);
    if (at == s.npos) continue;
    const std::string_view base = std::string_view(s).substr(at + 4, 3);
    const bool has_base = s[at + 7] != '*';  // or it is an index: [ebp*2]
    const bool stack = has_base && (base.starts_with("bp") || base.starts_with("sp") || base == "ebp" || base == "esp");
    if (stack == (segment[0] == 's')) s.erase(at, 3);
  }
  // [bx+si*1] is how Zydis writes a base and an index without a scale.
  if (const auto at = s.find("*1"); at != s.npos && (s[at + 2] < '0' || s[at + 2] > '9')) {
    if (s.rfind('+', at) != s.npos) s.erase(at, 2);
  }
  // A 32-bit branch in 16-bit code is shown as 64 bits.
  if (const auto at = s.find(" 0xffffffff"); bits != 64 && at != s.npos && s.size() == at + 19) s.erase(at + 3, 8);
  // The line size of CLFLUSH.
  if (const auto at = s.find("zmmword"); at != s.npos) s.replace(at, 7, "byte");
  // HLE, BND and branch hints are not ours.
  for (std::string_view prefix : {"xacquire ", "xrelease ", "bnd ", "notrack "}) {
    if (const auto at = s.find(prefix); at != s.npos) s.erase(at, prefix.size());
  }
  // NASM's and the manual's names.
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kNames = {
      {{" ret far", " retf"},
       {"fucomp st0, ", "fucomp "},
       {"fdisi8087_nop", "fndisi"},
       {"feni8087_nop", "fneni"},
       {"fsetpm287_nop", "fnsetpm"}}};
  for (const auto& [theirs, ours] : kNames) {
    if (const auto at = s.find(theirs); at != s.npos) s.replace(at, theirs.size(), ours);
  }
  // Conditions.
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kConditions = {
      {{"nbe ", "a "}, {"nle ", "g "}, {"nb ", "ae "}, {"nz ", "ne "}, {"nl ", "ge "}, {"z ", "e "}}};
  const auto mnemonic = s.find(' ') + 1;
  for (std::string_view stem : {"j", "set", "cmov"}) {
    if (s.compare(mnemonic, stem.size(), stem) != 0) continue;
    for (const auto& [theirs, ours] : kConditions) {
      if (s.compare(mnemonic + stem.size(), theirs.size(), theirs) == 0) {
        s.replace(mnemonic + stem.size(), theirs.size(), ours);
        break;
      }
    }
  }
  return s;
}

/// Ours without the segment of string instructions and XLAT, which Zydis does not write.
std::string without_segment_word(std::string s) {
  for (std::string_view segment : {" es ", " cs ", " ss ", " ds ", " fs ", " gs "}) {
    if (const auto at = s.find(segment); at != s.npos) return s.erase(at, 3);
  }
  return s;
}

class Comparison {
 public:
  Comparison(unsigned bits) : bits_(bits) {
    if (bits == 64) ZydisDecoderInit(&zydis_, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    if (bits == 32) ZydisDecoderInit(&zydis_, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
    if (bits == 16) ZydisDecoderInit(&zydis_, ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16);
    for (auto mode :
         {ZYDIS_DECODER_MODE_MPX, ZYDIS_DECODER_MODE_CET, ZYDIS_DECODER_MODE_WBNOINVD, ZYDIS_DECODER_MODE_CLDEMOTE}) {
      ZydisDecoderEnableMode(&zydis_, mode, ZYAN_FALSE);
    }
    ZydisFormatterInit(&formatter_, ZYDIS_FORMATTER_STYLE_INTEL);
    const auto set = [this](ZydisFormatterProperty p, ZyanUPointer v) { ZydisFormatterSetProperty(&formatter_, p, v); };
    set(ZYDIS_FORMATTER_PROP_FORCE_SIZE, ZYAN_TRUE);
    set(ZYDIS_FORMATTER_PROP_HEX_UPPERCASE, ZYAN_FALSE);
    set(ZYDIS_FORMATTER_PROP_DISP_PADDING, ZYDIS_PADDING_DISABLED);
    set(ZYDIS_FORMATTER_PROP_IMM_PADDING, ZYDIS_PADDING_DISABLED);
    set(ZYDIS_FORMATTER_PROP_ADDR_PADDING_ABSOLUTE, ZYDIS_PADDING_DISABLED);
    set(ZYDIS_FORMATTER_PROP_IMM_SIGNEDNESS, ZYDIS_SIGNEDNESS_UNSIGNED);
    mode_ = {.code32 = bits == 32, .code64 = bits == 64, .protected_mode = true};
  }

  /// Compares one instruction, of which at least 15 bytes are there; returns how many it has, at least 1.
  unsigned compare(std::span<const u8> bytes, u64 address) {
    ++cases_;
    Insn ours;
    const DecodeResult result = decoder_.decode(bytes, mode_, ours);
    ZydisDecodedInstruction theirs;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    const ZyanStatus status = ZydisDecoderDecodeFull(&zydis_, bytes.data(), bytes.size(), &theirs, operands);
    const bool ok = ZYAN_SUCCESS(status);
    if (ok && !in_table(theirs.meta.isa_set)) {
      ++left_out_;
      return theirs.length;
    }
    // Without its last byte an instruction needs more.
    if (result == DecodeResult::Ok) {
      Insn part;
      if (decoder_.decode(bytes.first(ours.length - 1u), mode_, part) != DecodeResult::NeedMore) {
        ADD_FAILURE() << "complete without its last byte: " << disassemble(ours, mode_, address);
      }
    }
    if (known_difference(result, ours, status, theirs)) return result == DecodeResult::Ok ? ours.length : 1;
    std::string our_text, their_text;
    switch (result) {
      case DecodeResult::Ok:
        our_text = without_segment_word(fmt::format("{} {}", ours.length, disassemble(ours, mode_, address)));
        break;
      case DecodeResult::NeedMore: our_text = "needs more"; break;
      case DecodeResult::Invalid: our_text = "invalid"; break;
      case DecodeResult::TooLong: our_text = "too long"; break;
    }
    if (ok) {
      char buffer[256];
      ZydisFormatterFormatInstruction(&formatter_, &theirs, operands, theirs.operand_count_visible, buffer,
                                      sizeof buffer, address, nullptr);
      their_text = fmt::format("{} {}", theirs.length, buffer);
      their_text = normalise(their_text, bits_);
    } else {
      their_text = status == ZYDIS_STATUS_NO_MORE_DATA           ? "needs more"
                   : status == ZYDIS_STATUS_INSTRUCTION_TOO_LONG ? "too long"
                                                                 : "invalid";
    }
    if (our_text != their_text) {
      std::string hex;
      for (unsigned n = 0; n < std::min<std::size_t>(bytes.size(), ok ? theirs.length : 16); ++n)
        hex += fmt::format(" {:02x}", bytes[n]);
      const std::string key =
          fmt::format("{}/{}", result == DecodeResult::Ok ? std::string(line(ours.op).id) : our_text,
                      ok ? ZydisMnemonicGetString(theirs.mnemonic) : their_text.c_str());
      if (differences_[key]++ == 0)
        examples_[key] = fmt::format("{}:{}\n  ours  {}\n  zydis {}", bits_, hex, our_text, their_text);
    }
    return result == DecodeResult::Ok ? ours.length : 1;
  }

  /// Cases in which we differ on purpose.
  bool known_difference(DecodeResult result, const Insn& ours, ZyanStatus status,
                        const ZydisDecodedInstruction& theirs) const {
    const bool ok = ZYAN_SUCCESS(status);
    // The sixteenth byte would be the ModRM byte of an opcode that the table lacks.
    if (!ok) return result == DecodeResult::Invalid && status == ZYDIS_STATUS_INSTRUCTION_TOO_LONG;
    const auto same = [&](std::string_view id) {
      return result == DecodeResult::Ok && line(ours.op).id.starts_with(id) && ours.length == theirs.length;
    };
    // SYSCALL and SYSRET exist outside 64-bit mode on AMD's processors only.
    if ((theirs.mnemonic == ZYDIS_MNEMONIC_SYSCALL || theirs.mnemonic == ZYDIS_MNEMONIC_SYSRET) && bits_ != 64) {
      return result == DecodeResult::Invalid;
    }
    // Hint NOPs: Zydis shows one or two operands of changing sizes, we show ModRM.rm.
    if (theirs.mnemonic == ZYDIS_MNEMONIC_NOP) return same("Nop");
    // SIB without base has no base whatever REX.B says (SDM table 2-5); Zydis 4.0 prints R13.
    const bool no_base = theirs.raw.modrm.mod == 0 && theirs.raw.modrm.rm == 4 && theirs.raw.sib.base == 5;
    if (no_base && theirs.raw.rex.B != 0 && (theirs.attributes & ZYDIS_ATTRIB_HAS_SIB) != 0) {
      return result == DecodeResult::Ok && ours.length == theirs.length;
    }
    // F3 90 with REX.B exchanges R8 and rAX, as it does on silicon.
    if (theirs.mnemonic == ZYDIS_MNEMONIC_PAUSE && theirs.raw.rex.B != 0) return same("Xchg_ZvrAX");
    // The SDM has MOVSXD r16, r/m16 and LSL r64, r64/m16.
    if (theirs.mnemonic == ZYDIS_MNEMONIC_MOVSXD && ours.opsize() == Size::S16) return same("Movsxd_GvEz");
    if (theirs.mnemonic == ZYDIS_MNEMONIC_LSL && ours.opsize() == Size::S64) return same("Lsl_GvRvMw");
    return false;
  }

  void report() const {
    unsigned shown = 0;
    for (const auto& [key, count] : differences_) {
      if (++shown > 400) break;
      ADD_FAILURE() << key << ": " << count << " times, for example\n" << examples_.at(key);
    }
    fmt::print("{} bits: {} cases, {} of extensions that the table lacks\n", bits_, cases_, left_out_);
  }

 private:
  unsigned bits_;
  ZydisDecoder zydis_;
  ZydisFormatter formatter_;
  Decoder decoder_{all_features()};
  DecodeMode mode_;
  u64 cases_ = 0, left_out_ = 0;
  std::map<std::string, u64> differences_;
  std::map<std::string, std::string> examples_;
};

/// xorshift64*: the same cases on every host.
class Random {
 public:
  explicit Random(u64 seed) : s_(seed * 0x9e3779b97f4a7c15 + 1) {}
  u64 next() {
    s_ ^= s_ >> 12, s_ ^= s_ << 25, s_ ^= s_ >> 27;
    return s_ * 0x2545f4914f6cdd1d;
  }
  unsigned below(unsigned n) { return static_cast<unsigned>((next() >> 33) % n); }

 private:
  u64 s_;
};

/// Random bytes that are likely to be an instruction: some prefixes, REX, an opcode of any map, anything after it.
void random_instruction(Random& random, bool code64, std::array<u8, 24>& b) {
  for (std::size_t n = 0; n < b.size(); n += 8) core::store_le<u64>(&b[n], random.next());
  std::size_t at = 0;
  static constexpr u8 kSome[] = {0x66, 0xf2, 0xf3, 0x66, 0xf2, 0xf3, 0x67, 0xf0, 0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65};
  for (unsigned n = random.below(4); n > 1; --n) b[at++] = kSome[random.below(sizeof kSome)];
  if (random.below(200) == 0) {
    for (unsigned n = random.below(15); n > 0; --n) b[at++] = kSome[random.below(sizeof kSome)];
  }
  if (code64 && random.below(3) == 0) b[at++] = static_cast<u8>(0x40 | random.below(16));
  const unsigned map = random.below(9);
  if (map == 8) {  // VEX; outside 64-bit mode the next two bits must be set
    const bool three = random.below(3) != 0;
    b[at++] = three ? 0xc4 : 0xc5;
    if (!code64) b[at] |= 0xc0;
    if (three && random.below(8) != 0) {
      b[at] = static_cast<u8>((b[at] & 0xe0) | (1 + random.below(3)));
      if (random.below(2) == 0) b[at + 1] |= 0x78;
      if (random.below(2) == 0) b[at + 2] = static_cast<u8>(0xf0 + random.below(8));
    }
  }
  if (map >= 2 && map < 6) b[at++] = 0x0f;
  if (map == 4) b[at++] = 0x38;
  if (map == 5) b[at++] = 0x3a;
  if (map == 6) b[at] = static_cast<u8>(0xd8 + random.below(8));
}

void compare_random(unsigned bits) {
  Comparison comparison(bits);
  const char* wish = std::getenv("ORRERY_ZYDIS_CASES");
  const u64 cases = wish != nullptr ? std::strtoull(wish, nullptr, 10) : 1'000'000;
  Random random(bits);
  std::array<u8, 24> b;
  for (u64 n = 0; n < cases; ++n) {
    random_instruction(random, bits == 64, b);
    comparison.compare(b, bits == 16 ? 0x7c00 : 0x12345678);
  }
  comparison.report();
}

TEST(ZydisTest, RandomBytesIn16BitModeDecodeAlike) { compare_random(16); }
TEST(ZydisTest, RandomBytesIn32BitModeDecodeAlike) { compare_random(32); }
TEST(ZydisTest, RandomBytesIn64BitModeDecodeAlike) { compare_random(64); }

std::vector<u8> read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Section .text of an ELF file of 32 or 64 bits; empty if there is none.
std::vector<u8> text_section(const std::string& path) {
  const std::vector<u8> file = read_file(path);
  if (file.size() < 64 || core::load_le<u32>(file.data()) != 0x464c457f) return {};
  const bool wide = file[4] == 2;
  const auto field = [&](u64 at, bool long_field) -> u64 {
    if (at + 8 > file.size()) return 0;
    return long_field ? core::load_le<u64>(&file[at]) : core::load_le<u32>(&file[at]);
  };
  const auto half = [&](u64 at) { return static_cast<u64>(core::load_le<u16>(&file[at])); };
  const u64 table = field(wide ? 0x28 : 0x20, wide), size = half(wide ? 0x3a : 0x2e), count = half(wide ? 0x3c : 0x30);
  const u64 names = field(table + half(wide ? 0x3e : 0x32) * size + (wide ? 0x18 : 0x10), wide);
  for (u64 n = 0; n < count; ++n) {
    const u64 header = table + n * size, name = names + field(header, false);
    if (name + 6 > file.size() ||
        std::string_view(reinterpret_cast<const char*>(&file[name]), 6) != std::string_view(".text\0", 6))
      continue;
    const u64 offset = field(header + (wide ? 0x18 : 0x10), wide), length = field(header + (wide ? 0x20 : 0x14), wide);
    if (offset + length > file.size()) return {};
    return {file.begin() + static_cast<std::ptrdiff_t>(offset),
            file.begin() + static_cast<std::ptrdiff_t>(offset + length)};
  }
  return {};
}

/// Every instruction of `code`, up to a limit that keeps the test short.
void compare_code(std::vector<u8> code, unsigned bits) {
  constexpr std::size_t kLimit = 2 << 20;
  if (code.size() > kLimit) code.resize(kLimit);
  code.resize(code.size() + kMaxInsnLength);
  Comparison comparison(bits);
  for (std::size_t at = 0; at + kMaxInsnLength < code.size();) {
    at += comparison.compare(std::span(code).subspan(at), bits == 16 ? at & 0xffff : 0x400000 + at);
  }
  comparison.report();
}

void compare_elf(const std::string& path, unsigned bits) {
  const std::vector<u8> code = text_section(path);
  if (code.empty()) GTEST_SKIP() << path << " is not here or has no .text";
  compare_code(code, bits);
}

TEST(ZydisTest, TheCodeOfLsDecodesAlike) { compare_elf("/bin/ls", 64); }
TEST(ZydisTest, TheCodeOfLibcDecodesAlike) { compare_elf("/lib/x86_64-linux-gnu/libc.so.6", 64); }
TEST(ZydisTest, TheCodeOfTheI386LibcDecodesAlike) { compare_elf("/usr/lib32/libc.so.6", 32); }

TEST(ZydisTest, TheCodeOfSeaBiosDecodesAlikeIn16And32Bits) {
  const std::vector<u8> image = read_file("/usr/share/seabios/bios-256k.bin");
  if (image.empty()) GTEST_SKIP() << "package seabios is not installed";
  compare_code(image, 16);
  compare_code(image, 32);
}

}  // namespace
}  // namespace orrery::cpu

#endif
