// Two processors that must do the same: `exec` interprets, `lift` runs a block's compiled code. Each has its own
// memory, clock, ports and a device; both are set to the same state, run, and compared in everything that a guest can
// notice.
//
// Physical map: 0x0000 IDT or interrupt vectors, 0x1000 handlers (HLT), 0x2000-0x6fff page tables, 0x7000 GDT, TSS and
// stack of level 0, 0x8000-0x9fff code, 0x10000-0x17fff data, 0x20000 a device, and nothing else. With paging, linear
// pages 0x00-0x1f are these (some read-only, some for the supervisor alone, some absent), 0x20 the device.
#pragma once

#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cpu/code_cache.h"
#include "cpu/engine.h"
#include "hw/core/memory.h"
#include "jit/compiler.h"

namespace orrery::test {

using namespace orrery::cpu;  // NOLINT: test code

class Random {
 public:
  explicit Random(u64 seed) : state_(seed * 0x9e3779b97f4a7c15 + 0x1234567) {
    for (unsigned n = 0; n < 4; ++n) next();
  }
  u64 next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_ * 0x2545f4914f6cdd1d;
  }
  u32 below(u32 n) { return static_cast<u32>((next() >> 32) * n >> 32); }
  bool one_in(u32 n) { return below(n) == 0; }
  u8 byte() { return static_cast<u8>(next() >> 56); }

 private:
  u64 state_;
};

/// What the processor is doing when the block begins.
enum class Setting : u8 { Flat0, Flat3, Segmented, Real, Protected16, V86, Long, Count };
inline constexpr const char* kSettingNames[] = {"flat, level 0", "flat, level 3",         "segments, level 0",
                                                "real mode",     "16-bit protected mode", "virtual-8086 mode",
                                                "64-bit mode"};

struct Side {
  static constexpr u64 kRam = 0x18000, kHandlers = 0x1000, kTables = 0x2000, kGdt = 0x7000, kTss = 0x7400,
                       kCode = 0x8000, kCodeEnd = 0xa000, kData = 0x10000, kDevice = 0x20000;
  static constexpr u16 kCs32 = 0x08, kDs32 = 0x10, kUserCs = 0x1b, kUserDs = 0x23, kCs16 = 0x28, kDs16 = 0x30,
                       kSmall = 0x38, kDown = 0x40, kReadOnly = 0x48, kCs64 = 0x50, kTssSelector = 0x58;

  core::Log log;
  core::GuestMemory memory;
  core::PortBus ports{"io", log};
  core::Clock clock;
  std::vector<std::string> accesses;  // to the device
  u64 device_calls = 0;
  std::unique_ptr<Engine> engine;
  core::IoSpace::Mapping mapping;
  u64 entered = 0;  // blocks' compiled code, counted by the test

  explicit Side(const Model& model);
  /// RAM as it stands in `image`, where it differs; decoded code there is dropped.
  void restore(const std::vector<u8>& image, u64 begin, u64 end);
  u64 data_hash() const;
};

/// Memory and state for a setting; deterministic.
std::vector<u8> memory_image(Setting setting, Random& random);
State initial_state(Setting setting, u64 rip, Random& random);

/// Names of what differs, with both values; empty if nothing does.
std::string differences(const Side& exec, const Side& lift);

/// A random instruction of table line `op` for a code size (16, 32 or 64 bits); empty if none was found. `data`: mostly
/// addresses in the data pages.
std::vector<u8> random_instruction(u16 op, unsigned bits, const Decoder& decoder, Random& random);
unsigned code_bits(Setting setting);

/// A model with everything that the table has.
Model everything();

}  // namespace orrery::test
