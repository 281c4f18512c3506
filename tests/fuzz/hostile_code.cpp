#include "tests/fuzz/hostile_code.h"

#include <algorithm>
#include <initializer_list>

namespace orrery::fuzz {
namespace {

struct Ports {
  u16 first;
  u16 count;
};
constexpr Ports kPorts[] = {
    {0x00, 16},  {0x20, 2},   {0xa0, 2},   {0x4d0, 2},   {0x40, 4},  {0x60, 5},   {0x70, 2},   {0x80, 16}, {0xc0, 32},
    {0x92, 1},   {0xb2, 2},   {0xe9, 1},   {0xf0, 16},   {0x170, 8}, {0x1ce, 3},  {0x1f0, 8},  {0x278, 3}, {0x2f8, 8},
    {0x376, 2},  {0x378, 3},  {0x3b4, 7},  {0x3c0, 32},  {0x3f0, 8}, {0x3f8, 8},  {0x402, 1},  {0x501, 4}, {0x510, 12},
    {0x600, 64}, {0x700, 16}, {0xb004, 2}, {0xc000, 16}, {0xcf8, 8}, {0x5658, 4}, {0x8900, 1},
};

constexpr u8 kFloppyCommands[] = {0x03, 0x04, 0x07, 0x08, 0x0a, 0x0f, 0x10, 0x12, 0x13, 0x14, 0x16, 0x18, 0x2e,
                                  0x42, 0x45, 0x46, 0x4a, 0x4d, 0x4e, 0x66, 0x8e, 0x94, 0xc5, 0xcd, 0xe6, 0xf1};
constexpr u8 kDiskCommands[] = {0x00, 0x08, 0x10, 0x20, 0x21, 0x24, 0x25, 0x29, 0x30, 0x34, 0x35, 0x39,
                                0x40, 0x42, 0x70, 0x90, 0x91, 0xa0, 0xa1, 0xb0, 0xc4, 0xc5, 0xc6, 0xc8,
                                0xca, 0xe0, 0xe1, 0xe3, 0xe5, 0xe6, 0xe7, 0xea, 0xec, 0xef, 0xf5, 0xf8};
constexpr u8 kPacketCommands[] = {0x00, 0x03, 0x12, 0x1b, 0x1e, 0x23, 0x25, 0x28, 0x2b, 0x42, 0x43, 0x44,
                                  0x46, 0x4a, 0x51, 0x52, 0x5a, 0x55, 0xa8, 0xad, 0xb9, 0xbb, 0xbd, 0xbe};
constexpr u32 kExtremes[] = {0,          1,          2,          7,          8,         0x0f,    0x10,
                             0x7f,       0x80,       0xff,       0x100,      0x1ff,     0x200,   0xfff,
                             0x1000,     0x7fff,     0x8000,     0xffff,     0xfffe,    0x10000, 0x7fffffff,
                             0x80000000, 0xfffffffe, 0xffffffff, 0xfffff000, 0x00ff00ff};
constexpr u32 kMsrs[] = {0x10,       0x17,       0x1b,       0x2c,       0x79,       0x8b,       0xc1,
                         0xfe,       0x174,      0x175,      0x176,      0x179,      0x17a,      0x186,
                         0x1a0,      0x1d9,      0x200,      0x201,      0x20f,      0x250,      0x277,
                         0x2ff,      0x400,      0x6e0,      0x800,      0x80b,      0x830,      0xc0000080,
                         0xc0000081, 0xc0000082, 0xc0000084, 0xc0000100, 0xc0000101, 0xc0000102, 0xc0000103};

/// Where hostile_firmware() leaves tables that bus masters may take for theirs.
constexpr u32 kMasterTable = 0x7c00, kFwCfgRequest = 0x7e00;

u32 any_value(Random& random) {
  switch (random.below(4)) {
    case 0: return random.of(kExtremes);
    case 1: return static_cast<u32>(random.below(256));
    case 2: return static_cast<u32>(hostile_address(random));
    default: return static_cast<u32>(random.bits());
  }
}

/// Collects the steps of one script.
class Script {
 public:
  explicit Script(Random& random) : random_(random) {}
  std::vector<Step> take() { return std::move(steps_); }

  void out(unsigned port, u64 value, unsigned width = 1, u32 count = 1) {
    steps_.push_back(
        {Step::Kind::Write, static_cast<u16>(port), static_cast<u8>(width), static_cast<u32>(value), count});
  }
  void in(unsigned port, unsigned width = 1, u32 count = 1) {
    steps_.push_back({Step::Kind::Read, static_cast<u16>(port), static_cast<u8>(width), 0, count});
  }
  void wait() { steps_.push_back({Step::Kind::Wait, 0, 1, 0, static_cast<u32>(random_.below(3000))}); }

  /// Several registers of one device, as its driver would.
  void registers() {
    const u16 port = hostile_port(random_);
    for (u64 n = random_.below(5) + 1; n != 0; --n) {
      const u16 here = random_.chance(70) ? static_cast<u16>((port & ~7u) + random_.below(8)) : port;
      const unsigned width = random_.chance(70) ? 1u : random_.chance(50) ? 2u : 4u;
      const u32 count = random_.chance(90) ? 1 : static_cast<u32>(random_.below(random_.chance(10) ? 70'000 : 600));
      random_.chance(70) ? out(here, hostile_value(random_, here), width, count) : in(here, width, count);
    }
  }
  void index_and_data(unsigned index, unsigned data, unsigned width, u32 indexes) {
    for (u64 n = random_.below(8) + 1; n != 0; --n) {
      out(index, random_.below(indexes), width);
      random_.chance(70) ? out(data, any_value(random_), width) : in(data, width);
    }
  }
  void disk() {
    const unsigned base = random_.chance(80) ? 0x1f0 : 0x170;
    const bool tame = random_.chance(70);  // a command that works, more often than not
    if (random_.chance(20)) out(base + 0x206, random_.bits() & 0x86);
    out(base + 6, tame ? 0xe0 : random_.bits());
    out(base + 1, tame ? 0 : any_value(random_));
    out(base + 2, tame ? random_.below(20) : any_value(random_));
    for (unsigned r = 3; r < 6; ++r)
      out(base + r, tame ? (r == 3 ? random_.bits() : random_.below(20) / 19) : any_value(random_));
    const unsigned master = 0xc000 + (base == 0x1f0 ? 0 : 8);
    const bool dma = random_.chance(40);  // bus mastering, with a table anywhere
    if (dma) out(master + 4, random_.chance(70) ? kMasterTable : hostile_address(random_), 4);
    if (dma) out(master, random_.chance(50) ? 8 : 0);
    constexpr u8 kDma[] = {0xc8, 0xca, 0x25, 0x35};
    out(base + 7, dma ? random_.of(kDma) : random_.of(kDiskCommands));
    if (dma) out(master, random_.chance(50) ? 9 : 1);
    wait();
    if (!dma && random_.chance(80)) {
      random_.chance(60) ? in(base, random_.chance(80) ? 2 : 4, static_cast<u32>(random_.below(600)))
                         : out(base, random_.bits(), 2, static_cast<u32>(random_.below(600)));
      wait();
    }
    if (random_.chance(30)) in(base + 7);
    if (dma) out(master, 0);
  }
  void packet() {
    const unsigned base = 0x170;  // where the CD-ROM drive is
    out(base + 6, 0xa0);
    out(base + 1, random_.below(2));
    out(base + 4, any_value(random_));
    out(base + 5, any_value(random_));
    out(base + 7, 0xa0);
    wait();
    in(base + 7);
    const bool tame = random_.chance(60);
    for (unsigned i = 0; i < 6; ++i) {
      const u64 value = tame ? (i == 4 ? random_.bits() & 0xffff : random_.below(3)) : random_.bits();
      out(base, i == 0 ? random_.of(kPacketCommands) | (value & 0xff) << 8 : value, 2);
    }
    wait();
    for (u64 n = random_.below(4); n != 0; --n) {
      random_.chance(80) ? in(base, 2, static_cast<u32>(random_.below(3000))) : out(base, random_.bits(), 2, 40);
      wait();
    }
  }
  void floppy() {
    if (random_.chance(60)) out(0x3f2, random_.chance(80) ? 0x1c : random_.bits());
    if (random_.chance(60)) {  // the channel's address, count, page and mode
      out(0x0b, random_.chance(50) ? 0x46 : random_.chance(50) ? 0x4a : random_.bits());
      for (const unsigned port : {0x04, 0x04, 0x05, 0x05, 0x81}) out(port, any_value(random_));
      out(0x0a, 2);
    }
    const u8 command = random_.of(kFloppyCommands);
    out(0x3f5, command);
    const bool data = (command & 0x1f) != 8 && random_.chance(70);
    if (data && (command & 0x0f) >= 5) {
      for (const u64 byte : {random_.below(2) * 4, random_.below(80), random_.below(2), random_.below(19), u64{2},
                             random_.below(19), u64{0x1b}, u64{0xff}}) {
        out(0x3f5, byte);
      }
    } else {
      for (u64 n = random_.below(10); n != 0; --n) out(0x3f5, random_.below(random_.chance(80) ? 4 : 256));
    }
    wait();
    if (random_.chance(30)) in(0x3f5, 1, static_cast<u32>(random_.below(600)));
    wait();
    for (u64 n = random_.below(8); n != 0; --n) in(0x3f5);
  }
  void keyboard() {
    for (u64 n = random_.below(6); n != 0; --n) {
      out(0x64, random_.chance(50) ? 0xd1 + random_.below(4) : random_.bits());
      out(0x60, random_.chance(60) ? 0xe0 + random_.below(32) : random_.bits());
      wait();
      in(0x60);
    }
  }

 private:
  Random& random_;
  std::vector<Step> steps_;
};

/// Writes machine code of one mode.
class Writer {
 public:
  Writer(Random& random, Mode mode) : random_(random), mode_(mode) {}

  std::vector<u8> take() { return std::move(code_); }
  std::size_t size() const { return code_.size(); }
  void bytes(std::initializer_list<unsigned> list) {
    for (const unsigned b : list) code_.push_back(static_cast<u8>(b));
  }
  void number(u64 value, unsigned size) {
    for (unsigned i = 0; i < size; ++i) code_.push_back(static_cast<u8>(value >> (8 * i)));
  }
  /// What makes operands of 32 bits here.
  void wide() {
    if (mode_ == Mode::Real) code_.push_back(0x66);
  }
  void load(unsigned reg, u32 value) {
    wide();
    bytes({0xb8 + reg});
    number(value, 4);
  }

  void instruction() {
    switch (random_.below(16)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4: return script();
      case 5:
      case 6:
      case 7:
      case 8: return memory();
      case 9: return system();
      case 10: return transfer();
      case 11: return load(static_cast<unsigned>(random_.below(8)), any_value(random_));
      default: return anything();
    }
  }

 private:
  void out(u16 port, u32 value, unsigned size) {
    load(0, value);
    load(2, port);
    if (size == 2 && mode_ != Mode::Real) code_.push_back(0x66);
    if (size == 4) wide();
    bytes({size == 1 ? 0xeeu : 0xefu});
  }
  void in(u16 port, unsigned size) {
    load(2, port);
    if (size == 2 && mode_ != Mode::Real) code_.push_back(0x66);
    if (size == 4) wide();
    bytes({size == 1 ? 0xecu : 0xedu});
  }

  void script() {
    for (const Step& step : hostile_script(random_)) {
      if (step.kind == Step::Kind::Wait) continue;
      const bool write = step.kind == Step::Kind::Write;
      if (step.count == 1) {
        write ? out(step.port, step.value, step.width) : in(step.port, step.width);
        continue;
      }
      load(7, static_cast<u32>(hostile_address(random_)));
      load(6, static_cast<u32>(hostile_address(random_)));
      load(1, step.count);
      load(2, step.port);
      if (step.width == 2 && mode_ != Mode::Real) code_.push_back(0x66);
      bytes({0xf3, (write ? 0x6eu : 0x6cu) + (step.width == 1 ? 0u : 1u)});
    }
  }

  /// An operand at [EDI], or [RDI].
  void at_edi(std::initializer_list<unsigned> opcode, unsigned reg) {
    if (mode_ == Mode::Real) code_.push_back(0x67);
    bytes(opcode);
    bytes({reg << 3 | 7});
  }
  void memory() {
    load(7, static_cast<u32>(hostile_address(random_)));
    load(6, static_cast<u32>(hostile_address(random_)));
    load(0, any_value(random_));
    if (random_.chance(20)) {
      load(1, static_cast<u32>(random_.below(5000)));
      bytes({random_.chance(50) ? 0xf3u : 0x90u});
      if (mode_ == Mode::Real && random_.chance(50)) code_.push_back(0x67);
      static constexpr u8 kStrings[] = {0xa4, 0xa5, 0xa6, 0xa7, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf};
      return bytes({random_.of(kStrings)});
    }
    const unsigned reg = static_cast<unsigned>(random_.below(8));
    switch (random_.below(14)) {
      case 0: return at_edi({0x88}, reg);
      case 1: return at_edi({0x8a}, reg);
      case 2: return at_edi({0x89}, reg);
      case 3: return at_edi({0x8b}, reg);
      case 4: return at_edi({0x87}, reg);
      case 5: return at_edi({0x01 + 8 * static_cast<unsigned>(random_.below(8))}, reg);
      case 6: return at_edi({0x0f, 0xb1}, reg);
      case 7: return at_edi({0x0f, random_.chance(50) ? 0x10u : 0x11u}, reg);
      case 8: return at_edi({0x0f, random_.chance(50) ? 0x6fu : 0x7fu}, reg);
      case 9: return at_edi({0x0f, 0xae}, reg);
      case 10: return at_edi({0xd8 + static_cast<unsigned>(random_.below(8))}, reg);
      case 11: return at_edi({0xff}, reg);
      case 12: return at_edi({0x0f, 0xc7}, reg);
      default: return at_edi({0x0f, 0x01}, reg);  // SGDT to INVLPG
    }
  }

  void system() {
    load(0, random_.chance(50) ? random_.of(kExtremes) : static_cast<u32>(random_.bits()));
    switch (random_.below(12)) {
      case 0: {
        static constexpr u32 kCr0[] = {0x60000010, 0x60000011, 0x00000011, 0xe0000011,
                                       0x80010031, 0x8000003f, 0x0000001b};
        load(0, random_.of(kCr0));
        return bytes({0x0f, 0x22, 0xc0});
      }
      case 1: return bytes({0x0f, 0x22, 0xc0 + 8 * static_cast<unsigned>(random_.below(5))});
      case 2:
        return bytes(
            {0x0f, 0x20 + static_cast<unsigned>(random_.below(4)), static_cast<unsigned>(random_.bits()) | 0xc0});
      case 3:
        load(1, random_.of(kMsrs));
        load(2, random_.chance(70) ? 0 : any_value(random_));
        return bytes({0x0f, random_.chance(70) ? 0x30u : 0x32u});
      case 4: return bytes({0x0f, 0x00, 0xc0 | static_cast<unsigned>(random_.bits())});
      case 5: return bytes({0x0f, 0x01, 0xc0 | static_cast<unsigned>(random_.bits())});
      case 6: return bytes({0x8e, 0xc0 | static_cast<unsigned>(random_.bits())});
      case 7: return bytes({0x50, 0x9d});  // flags
      case 8: return bytes({random_.chance(50) ? 0xfbu : 0xfau});
      case 9: {
        static constexpr u8 kPlain[] = {0x05, 0x06, 0x07, 0x08, 0x09, 0x31, 0x33, 0x34, 0x35, 0x77, 0xa2, 0xaa, 0x0b};
        return bytes({0x0f, random_.of(kPlain)});
      }
      case 10: return bytes({0xf4});
      default:
        load(1, static_cast<u32>(random_.below(4)));
        return bytes({0x0f, 0x01, 0xd0 + static_cast<unsigned>(random_.below(2))});  // XGETBV, XSETBV
    }
  }

  void transfer() {
    switch (random_.below(8)) {
      case 0: return bytes({0xcd, static_cast<unsigned>(random_.bits())});
      case 1: return bytes({0xcf});
      case 2: return bytes({0xcb});
      case 3: return bytes({0x70 + static_cast<unsigned>(random_.below(16)), static_cast<unsigned>(random_.below(64))});
      case 4:
        return bytes({0xe0 + static_cast<unsigned>(random_.below(4)), 0xf0 + static_cast<unsigned>(random_.below(16))});
      case 5:  // a far jump or call to any descriptor
        if (mode_ == Mode::Long) return bytes({0xc3});
        bytes({random_.chance(50) ? 0x9au : 0xeau});
        number(0xf4000 + random_.below(0xb000), mode_ == Mode::Real ? 2 : 4);
        return number(random_.chance(80) ? random_.below(32) * 8 + random_.below(4) : random_.bits(), 2);
      case 6:
        return bytes({0xe8, static_cast<unsigned>(random_.bits()), static_cast<unsigned>(random_.below(3)), 0, 0});
      default: return bytes({0xcc});
    }
  }

  void anything() {
    if (random_.chance(20)) {
      static constexpr u8 kPrefixes[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x48};
      bytes({random_.of(kPrefixes)});
    }
    if (random_.chance(40)) bytes({0x0f});
    for (u64 n = random_.below(7) + 1; n != 0; --n) bytes({static_cast<unsigned>(random_.bits())});
  }

  Random& random_;
  Mode mode_;
  std::vector<u8> code_;
};

// The ROM, which is also at F0000h.
constexpr std::size_t kGdt = 0x200, kIdt = 0x1000, kCode = 0x4000, kCodeEnd = 0xffe0;
// RAM for it.
constexpr std::size_t kTables = 0x1000, kTss = 0x6000, kRamCode = 0x8000, kRam = 0x30000;
constexpr unsigned kDescriptors = 32;

void put(std::vector<u8>& where, std::size_t at, u64 value, unsigned size) {
  for (unsigned i = 0; i < size; ++i) where[at + i] = static_cast<u8>(value >> (8 * i));
}
void put(std::vector<u8>& where, std::size_t at, const std::vector<u8>& bytes) {
  std::copy_n(bytes.begin(), std::min(bytes.size(), where.size() - at),
              where.begin() + static_cast<std::ptrdiff_t>(at));
}

/// Somewhere in the code of the ROM or of RAM.
u64 entry(Random& random) {
  return random.chance(80) ? 0xf0000 + kCode + random.below(kCodeEnd - kCode)
                           : kRamCode + random.below(kRam - kRamCode);
}

void fill_gdt(Random& random, std::vector<u8>& rom) {
  constexpr u64 kPlain[] = {
      0,
      0x00cf9b000000ffff,               // 08 code, 32 bits
      0x00cf93000000ffff,               // 10 data
      0x00af9b000000ffff,               // 18 code, 64 bits
      0x000f9b000000ffff,               // 20 code, 16 bits
      0x000f93000000ffff,               // 28 data
      0x00cffb000000ffff,               // 30 code of user programs
      0x00cff3000000ffff,               // 38 data of user programs
      0x0000890000000067 | kTss << 16,  // 40 task
      0,
      0x0000820000000fff | u64{kTss} << 16,  // 50 local descriptors
  };
  for (unsigned i = 0; i < kDescriptors; ++i) {
    u64 descriptor = i < std::size(kPlain) ? kPlain[i] : random.bits();
    if (i >= std::size(kPlain)) {  // call, task and interrupt gates, tasks, segments: present more often than not
      if (random.chance(80)) descriptor |= u64{1} << 47;
      if (random.chance(50)) descriptor = (descriptor & ~u64{0xffff0000}) | random.below(kDescriptors) * 8 << 16;
    }
    put(rom, kGdt + 8 * i, descriptor, 8);
  }
}

void fill_idt(Random& random, Mode mode, std::vector<u8>& rom) {
  const std::size_t size = mode == Mode::Long ? 16 : 8;
  for (unsigned vector = 0; vector < 256; ++vector) {
    const u64 target = entry(random);
    const u64 type = random.chance(95) ? (random.chance(50) ? 0xee00 : 0x8f00) : random.below(0x10000);
    const u64 selector = random.chance(97) ? (mode == Mode::Long ? 0x18 : 0x08) : random.below(kDescriptors) * 8;
    const std::size_t at = kIdt + vector * size;
    put(rom, at, (target & 0xffff) | selector << 16, 4);
    put(rom, at + 4, (target & 0xffff0000) | (mode == Mode::Long ? type & ~u64{7} : type), 4);
  }
}

/// The first 4 MiB and more where they are, with some pages that are nothing good.
void fill_page_tables(Random& random, Mode mode, std::vector<u8>& ram) {
  const unsigned size = mode == Mode::Paging ? 4 : 8;
  const auto flags = [&] { return random.chance(95) ? 0x07 : random.below(0x200); };
  const auto page = [&](u64 n) { return (random.chance(97) ? n : random.below(0x1000)) << 12 | flags(); };
  // At 1000h the top (PAE: four entries), 2000h and 3000h what is below, 4000h and 5000h two tables.
  std::size_t directory = kTables;
  if (mode != Mode::Paging) {
    put(ram, kTables, (kTables + 0x1000) | (mode == Mode::Pae ? 1 : 7), 8);
    directory = kTables + 0x1000;
    if (mode == Mode::Long) {
      put(ram, directory, (kTables + 0x2000) | 7, 8);
      directory += 0x1000;
    }
  }
  for (unsigned i = 0; i < 2; ++i) put(ram, directory + i * size, (0x4000 + 0x1000 * i) | 7, size);
  for (unsigned i = 2; i < 0x1000 / size; ++i) {
    put(ram, directory + i * size, random.bits() & (random.chance(50) ? 0xffe000e7 : 0xfffff1ff), size);
  }
  for (unsigned i = 0; i < 0x2000 / size; ++i) put(ram, 0x4000 + i * size, page(i), size);
}

}  // namespace

u16 hostile_port(Random& random) {
  if (random.chance(3)) return static_cast<u16>(random.bits());
  const Ports& group = random.of(kPorts);
  return static_cast<u16>(group.first + random.below(group.count));
}

u32 hostile_value(Random& random, u16 port) {
  if (random.chance(30)) return any_value(random);
  switch (port) {
    case 0x3f5: return random.of(kFloppyCommands);
    case 0x1f7:
    case 0x177: return random.of(kDiskCommands);
    case 0xcf8: {
      const u64 slot = random.below(4), function = random.below(4), reg = random.below(64);
      return static_cast<u32>(0x80000000 | slot << 11 | function << 8 | reg << 2);
    }
    case 0x1ce: return static_cast<u32>(random.below(12));
    default: return static_cast<u32>(random.below(random.chance(50) ? 16 : 256));
  }
}

u64 hostile_address(Random& random) {
  static constexpr u64 kPlaces[] = {0xa0000,    0xb8000,    0xc0000,    0xf0000,    0xfee00000, 0xfec00000,
                                    0xfed00000, 0xe0000000, 0xe1000000, 0xffff0000, 0x100000};
  switch (random.below(5)) {
    case 0: return random.of(kPlaces) + random.below(0x400);
    case 1: return random.of(kPlaces) - random.below(32);
    case 2: return random.below(kRam);
    case 3: return random.below(8 << 20);
    default: return random.bits() & 0xffffffff;
  }
}

std::vector<Step> hostile_script(Random& random) {
  Script script(random);
  switch (random.below(16)) {
    case 0:
    case 1:
    case 2: script.disk(); break;
    case 3:
    case 4: script.packet(); break;
    case 5:
    case 6: script.floppy(); break;
    case 7: script.keyboard(); break;
    case 8: script.index_and_data(0x1ce, random.chance(80) ? 0x1cf : 0x1d0, 2, 12); break;
    case 9: script.index_and_data(0x3d4, 0x3d5, 1, 0x20); break;
    case 10: script.index_and_data(random.chance(50) ? 0x3c4 : 0x3ce, random.chance(50) ? 0x3c5 : 0x3cf, 1, 10); break;
    case 11:  // fw_cfg by DMA
      script.out(0x514, 0, 4);
      script.out(0x518,
                 __builtin_bswap32(random.chance(80) ? kFwCfgRequest : static_cast<u32>(hostile_address(random))), 4);
      break;
    default: script.registers(); break;
  }
  return script.take();
}

std::vector<u8> hostile_code(Random& random, Mode mode, std::size_t size) {
  Writer writer(random, mode);
  while (writer.size() < size) writer.instruction();
  return writer.take();
}

HostileFirmware hostile_firmware(Random& random, Mode mode) {
  HostileFirmware out{std::vector<u8>(0x10000), std::vector<u8>(kRam)};
  put(out.rom, kCode, hostile_code(random, mode, kCodeEnd - kCode));
  std::fill(out.rom.begin() + kCodeEnd, out.rom.end(), 0);
  put(out.rom, 0xfff0, {0xea, 0x00, 0x00, 0x00, 0xf0});  // to F000:0000
  fill_gdt(random, out.rom);
  fill_idt(random, mode, out.rom);
  put(out.rom, 0x180, {u8{kDescriptors * 8 - 1}, 0, kGdt & 0xff, kGdt >> 8, 0x0f, 0});
  put(out.rom, 0x188, {0xff, 0x0f, kIdt & 0xff, kIdt >> 8, 0x0f, 0});

  // Interrupt vectors of real mode, tasks, code.
  for (std::size_t i = 0; i < 256; ++i) {
    put(out.ram, 4 * i, random.chance(80) ? 0xf0000000 | (kCode + random.below(kCodeEnd - kCode)) : random.bits(), 4);
  }
  for (std::size_t at = kTss; at < kRamCode; at += 4) put(out.ram, at, entry(random), 4);
  for (std::size_t at = kMasterTable; at < kFwCfgRequest; at += 8) {  // address, length, end of table
    put(out.ram, at, hostile_address(random), 4);
    put(out.ram, at + 4, random.below(0x1000) | (random.chance(20) ? 0x80000000 : 0), 4);
  }
  put(out.ram, kFwCfgRequest, __builtin_bswap32(static_cast<u32>(random.below(64) << 16 | random.below(32))), 4);
  put(out.ram, kFwCfgRequest + 4, __builtin_bswap32(any_value(random)), 4);
  put(out.ram, kFwCfgRequest + 12, __builtin_bswap32(static_cast<u32>(hostile_address(random))), 4);
  put(out.ram, kRamCode, hostile_code(random, mode, kRam - kRamCode));
  if (mode != Mode::Real && mode != Mode::Protected) {
    std::fill(out.ram.begin() + kTables, out.ram.begin() + kTss, 0);
    fill_page_tables(random, mode, out.ram);
  }

  Writer start(random, Mode::Real);
  start.bytes({0xfa, 0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xd0, 0xbc, 0x00, 0x70});  // DS, ES, SS 0; SP 7000h
  if (mode == Mode::Real) {
    if (random.chance(70)) start.bytes({0xfb});
    start.bytes({0xea});
    start.number(kCode, 2);
    start.number(0xf000, 2);
    put(out.rom, 0, start.take());
    return out;
  }
  start.bytes({0x2e, 0x66, 0x0f, 0x01, 0x16, 0x80, 0x01, 0x2e, 0x66, 0x0f, 0x01, 0x1e, 0x88, 0x01});  // LGDT, LIDT
  u32 cr0 = 0x11 | (random.chance(30) ? 0x2a : 0) | (random.chance(30) ? 0x60040000 : 0);
  if (mode != Mode::Protected) {
    cr0 |= 0x80000000 | (random.chance(50) ? 0x10000 : 0);
    const u32 cr4 = mode == Mode::Paging ? (random.chance(50) ? 0x10 : 0) : 0x20;
    start.load(0, cr4 | (random.chance(50) ? 0x600 : 0));
    start.bytes({0x0f, 0x22, 0xe0});
    start.load(0, kTables);
    start.bytes({0x0f, 0x22, 0xd8});
  }
  if (mode == Mode::Long) {
    start.load(1, 0xc0000080);
    start.load(0, 0x100 | (random.chance(50) ? 0x801 : 0));
    start.load(2, 0);
    start.bytes({0x0f, 0x30});
  }
  start.load(0, cr0);
  start.bytes({0x0f, 0x22, 0xc0, 0x66, 0xea});
  const std::size_t next = start.size() + 6;
  start.number(0xf0000 + next, 4);
  start.number(mode == Mode::Long ? 0x18 : 0x08, 2);
  // 32 or 64 bits from here.
  start.bytes({0xb8, 0x10, 0, 0, 0, 0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xd0, 0x8e, 0xe0, 0x8e, 0xe8, 0xbc, 0, 0, 0x07, 0});
  if (random.chance(50)) start.bytes({0xb8, 0x40, 0, 0, 0, 0x0f, 0x00, 0xd8});  // LTR
  if (random.chance(50)) start.bytes({0xb8, 0x50, 0, 0, 0, 0x0f, 0x00, 0xd0});  // LLDT
  if (random.chance(70)) start.bytes({0xfb});
  if (mode != Mode::Long &&
      random.chance(25)) {  // to user programs, with or without the right to ports, or to virtual-8086 mode
    const bool v86 = random.chance(50);
    for (const u32 word : {0x3bu, 0x3bu, 0x3bu, 0x3bu, v86 ? 0x0u : 0x3bu, 0x7000u,
                           (v86 ? 0x20202u : 0x202u) | (random.chance(50) ? 0x3000u : 0u), v86 ? 0xf000u : 0x33u,
                           static_cast<u32>(v86 ? kCode : 0xf0000 + kCode)}) {
      start.bytes({0x68});
      start.number(v86 && word == 0x3b ? 0 : word, 4);
    }
    // The order of IRETD: what was pushed last comes first, and only virtual-8086 mode takes the four at the bottom.
    start.bytes({0xcf});
  } else {
    start.bytes({0xe9});
    start.number(kCode - start.size() - 4, 4);
  }
  put(out.rom, 0, start.take());
  return out;
}

}  // namespace orrery::fuzz
