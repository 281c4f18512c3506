// Segment and gate descriptors as they lie in the descriptor tables (SDM vol. 3, 3.4.5 and 3.5).
#pragma once

#include "cpu/engine.h"

namespace orrery::cpu::helpers {

/// System descriptor types (SDM vol. 3, table 3-2). The 64-bit meanings of 9, 11, 12, 14 and 15 have the same numbers.
// clang-format off
enum SystemType : unsigned {
  kTss16 = 1, kLdt = 2, kTss16Busy = 3, kCallGate16 = 4, kTaskGate = 5, kInterruptGate16 = 6, kTrapGate16 = 7,
  kTss32 = 9, kTss32Busy = 11, kCallGate32 = 12, kInterruptGate32 = 14, kTrapGate32 = 15,
};
// clang-format on

/// A descriptor-table entry and where it came from.
struct Descriptor {
  u64 low = 0;      // the entry
  u64 high = 0;     // its second half, for the 16-byte system descriptors of IA-32e mode
  u64 address = 0;  // linear

  unsigned type() const { return static_cast<unsigned>(low >> 40) & 15; }
  bool s() const { return core::bit(low, 44); }
  unsigned dpl() const { return static_cast<unsigned>(low >> 45) & 3; }
  bool present() const { return core::bit(low, 47); }
  bool l() const { return core::bit(low, 53); }
  bool db() const { return core::bit(low, 54); }

  bool code() const { return s() && (type() & 8) != 0; }
  bool conforming() const { return s() && (type() & 12) == 12; }
  bool writable_data() const { return s() && (type() & 10) == 2; }
  bool readable() const { return s() && ((type() & 8) == 0 || (type() & 2) != 0); }
  bool system(unsigned wanted) const { return !s() && type() == wanted; }

  u64 base() const { return core::bits(low, 39, 16) | (core::bits(low, 63, 56) << 24) | (high << 32); }
  u32 limit() const {
    const u32 raw = static_cast<u32>(core::bits(low, 15, 0) | (core::bits(low, 51, 48) << 16));
    return core::bit(low, 55) ? (raw << 12) | 0xfff : raw;
  }
  u16 attributes() const { return static_cast<u16>(low >> 40) & 0xf0ff; }

  u16 gate_selector() const { return static_cast<u16>(low >> 16); }
  /// The entry point; 16-bit gates have only 16 bits of it.
  u64 gate_offset() const { return core::bits(low, 15, 0) | (core::bits(low, 63, 48) << 16) | (high << 32); }
  unsigned gate_parameters() const { return static_cast<unsigned>(low >> 32) & 31; }
  unsigned gate_ist() const { return static_cast<unsigned>(low >> 32) & 7; }
};

/// The error code that names a selector (EXT is added by interrupt delivery).
constexpr u32 selector_error(u16 selector) { return selector & 0xfffcu; }
constexpr bool null_selector(u16 selector) { return (selector & 0xfffc) == 0; }
constexpr unsigned rpl_of(u16 selector) { return selector & 3; }
constexpr bool in_ldt(u16 selector) { return (selector & 4) != 0; }

/// Width in bytes of a 16, 32 or 64-bit operand.
constexpr unsigned width_of(Size size) { return 2u << static_cast<unsigned>(size); }
constexpr u64 mask_of(unsigned width) { return width >= 8 ? ~u64{0} : (u64{1} << (width * 8)) - 1; }

/// Reads a descriptor from the GDT or LDT; false if the selector points outside the table.
bool find_descriptor(Engine& e, u16 selector, Descriptor& descriptor);
/// The same; outside the table: `vector` with the selector as error code.
Descriptor fetch_descriptor(Engine& e, u16 selector, u8 vector = kGp);
/// Reads the second half of a 16-byte descriptor (IA-32e mode); `vector` if it is outside the table or has a type.
void fetch_upper_half(Engine& e, u16 selector, Descriptor& descriptor, u8 vector = kGp);
/// Sets the accessed bit in the table, if it is clear.
void mark_accessed(Engine& e, Descriptor& descriptor);

/// The register contents that a descriptor stands for.
Segment segment_of(u16 selector, const Descriptor& descriptor);

}  // namespace orrery::cpu::helpers
