// Programs that no sane guest runs: random bytes, and instructions that are aimed at devices and at the processor's own
// registers with values that hurt more often than random ones would.
#pragma once

#include <random>
#include <span>
#include <vector>

#include "hw/core/types.h"

namespace orrery::fuzz {

/// A generator whose numbers are the same on every host.
class Random {
 public:
  explicit Random(u64 seed) : engine_(seed) {}
  u64 bits() { return engine_(); }
  /// 0 to n - 1.
  u64 below(u64 n) { return engine_() % n; }
  bool chance(unsigned percent) { return below(100) < percent; }
  template <class T> const T& of(std::span<const T> list) { return list[below(list.size())]; }
  template <class T, std::size_t N> const T& of(const T (&list)[N]) { return list[below(N)]; }

 private:
  std::mt19937_64 engine_;
};

/// A port of some device, now and then any port.
u16 hostile_port(Random& random);
/// A value for a port: a command that its device knows, an extreme, or anything. For CF8h a function that is there.
u32 hostile_value(Random& random, u16 port);
/// A physical address: RAM, a device, the edge of something, or anything below 4 GiB.
u64 hostile_address(Random& random);

/// An access to a port, `count` times, or `count` ticks without one.
struct Step {
  enum class Kind : u8 { Write, Read, Wait };
  Kind kind;
  u16 port;
  u8 width;
  u32 value;
  u32 count;
};
/// What a driver does to get one thing done by a device, with wrong values now and then.
std::vector<Step> hostile_script(Random& random);

enum class Mode : u8 { Real, Protected, Paging, Pae, Long };

/// About `size` bytes of code for this mode. They mostly do not fault; where they do, they do not care.
std::vector<u8> hostile_code(Random& random, Mode mode, std::size_t size);

/// A 64 KiB ROM whose reset vector leads to this mode and there into hostile code; interrupts and exceptions come to
/// such code, too. `ram` is what belongs to 0-2FFFFh for it: tables, and further code.
struct HostileFirmware {
  std::vector<u8> rom;
  std::vector<u8> ram;
};
HostileFirmware hostile_firmware(Random& random, Mode mode);

}  // namespace orrery::fuzz
