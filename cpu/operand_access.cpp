// Operands and ports for helpers.
#include <algorithm>

#include "cpu/engine.h"

namespace orrery::cpu {

u64 Engine::effective_address(const Insn& i, u64 delta) const {
  const u64 base = i.base == kRipBase ? s.rip + i.offset + i.length : i.base == kMoffsBase ? i.imm : s.gpr[i.base];
  const u64 offset = base + (s.gpr[i.index] << i.scale()) + static_cast<u64>(static_cast<i64>(i.disp)) + delta;
  switch (i.addrsize()) {
    case Size::S16: return offset & 0xffff;
    case Size::S32: return offset & 0xffffffff;
    default: return offset;
  }
}

u64 Engine::read_reg(u8 r, unsigned width) const {
  switch (width) {
    case 1: return (s.gpr[r & 31] >> ((r >> 5) * 8)) & 0xff;
    case 2: return s.gpr[r] & 0xffff;
    case 4: return s.gpr[r] & 0xffffffff;
    default: return s.gpr[r];
  }
}

void Engine::write_reg(u8 r, unsigned width, u64 value) {
  u64& g = s.gpr[r & 31];
  switch (width) {
    case 1: {
      const unsigned shift = (r >> 5) * 8;
      g = (g & ~(u64{0xff} << shift)) | ((value & 0xff) << shift);
      break;
    }
    case 2: g = (g & ~u64{0xffff}) | (value & 0xffff); break;
    case 4: g = value & 0xffffffff; break;
    default: g = value;
  }
}

u64 Engine::read_e(const Insn& i, unsigned k, unsigned width) {
  return i.mem() ? load(i.seg(), effective_address(i), width) : read_reg(i.r[k], width);
}

void Engine::write_e(const Insn& i, unsigned k, unsigned width, u64 value) {
  if (i.mem()) {
    store(i.seg(), effective_address(i), width, value);
  } else {
    write_reg(i.r[k], width, value);
  }
}

u64 Engine::port_in(u16 port, unsigned width) {
  sync_clock();
  const u64 value = ports.read(port, width);
  if (log.enabled(core::Channel::Io)) log(core::Channel::Io, "in {:04x} -> {:0{}x}", port, value, width * 2);
  hold(ports.access_time(port, width));
  return value;
}

void Engine::port_out(u16 port, unsigned width, u64 value) {
  sync_clock();
  if (log.enabled(core::Channel::Io)) log(core::Channel::Io, "out {:04x} <- {:0{}x}", port, value, width * 2);
  ports.write(port, width, value);
  hold(ports.access_time(port, width));
}

/// Events are still on time: an access that lasts past the next one is cut short there. So it does not matter where the
/// run loop takes breaks, only what happens when in virtual time.
void Engine::hold(u64 ns) {
  if (ns == 0) return;
  u64 ticks = ns * clock.rate() / core::kNsPerSecond;
  const u64 here = retired_ticks() + 1;
  if (here + ticks > limit) {
    const u64 due = clock.next_due_tick();
    ticks = due > here ? std::min(ticks, due - here) : 0;
  }
  icount += ticks;
  if (icount > limit) attention();
}

}  // namespace orrery::cpu
