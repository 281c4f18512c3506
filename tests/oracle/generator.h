// Makes cases from the instruction table. The same seed gives the same batch on every host.
#pragma once

#include <string_view>
#include <vector>

#include "tests/oracle/case.h"

namespace orrery::oracle {

/// The files of the instruction table.
enum class Group : u8 { Bmi, Integer, Control, String, System, X87, Mmx, SseInteger, Sse, Sse4, Count };
inline constexpr unsigned kGroups = static_cast<unsigned>(Group::Count);
std::string_view group_name(unsigned group);
unsigned group_of(u16 op);

/// xorshift64*.
class Random {
 public:
  explicit Random(u64 seed) : x_(seed * 0x9e3779b97f4a7c15 + 0x1234567887654321) {}
  u64 next() {
    x_ ^= x_ >> 12, x_ ^= x_ << 25, x_ ^= x_ >> 27;
    return x_ * 0x2545f4914f6cdd1d;
  }
  u64 below(u64 n) { return (next() >> 33) % n; }
  bool one_in(u64 n) { return below(n) == 0; }

 private:
  u64 x_;
};

class Generator {
 public:
  /// `allowed`: whether the host and the model have the feature. `groups`: a bit for each Group.
  Generator(bool (*allowed)(cpu::Feature), u32 groups);

  Batch make(u64 seed, Bits bits, unsigned cases) const;

 private:
  const std::vector<u16>& ops(Bits bits) const { return ops_[static_cast<unsigned>(bits)]; }
  std::vector<u16> ops_[3];
};

/// Lines whose result the SDM does not define to the last bit. Each is its case's only instruction.
enum class Rough : u8 {
  No,
  Ulps,      // transcendental: within a few ulp
  Angle,     // FSIN and the like: the same for small arguments; reduction by pi is the processor's own
  Estimate,  // RCPPS, RSQRTPS: relative error at most 1.5 * 2^-12
  Nan        // DPPS, DPPD: which NaN a sum gives
};
Rough roughness(u16 op);
inline bool approximate(u16 op) { return roughness(op) != Rough::No; }
/// FNSAVE, FNSTENV, FXSAVE: stores an x87 image. The first and last instruction of its case.
bool stores_image(u16 op);

}  // namespace orrery::oracle
