#include "hw/system_ports.h"

namespace orrery::hw {
namespace {

using core::bit;

// Port 61h
constexpr u8 kTimer2Gate = 0x01, kSpeakerData = 0x02, kParityDisable = 0x04, kIoCheckDisable = 0x08, kRefresh = 0x10,
             kTimer2Out = 0x20, kIoCheck = 0x40, kParity = 0x80;
// Port 92h
constexpr u8 kFastReset = 0x01, kFastA20 = 0x02;

/// The refresh bit toggles every 18 clocks of the timer (counter 1 as the BIOS of a PC programs it): 15.085 us.
constexpr u64 kTimerHz = 1'193'182;
constexpr u64 kRefreshClocks = 18;

}  // namespace

SystemPorts::SystemPorts(core::PortBus& ports, core::Clock& clock, core::Log& log, core::LevelLine& timer2_gate,
                         const core::LevelLine& timer2_out, core::EdgeLine& nmi, core::EdgeLine& reset_request)
    : clock_(clock),
      log_(log),
      timer2_gate_(timer2_gate),
      timer2_out_(timer2_out),
      nmi_(nmi),
      reset_request_(reset_request) {
  a20_.restore(true);
  parity_check_.connect([this](bool level) {
    if (level && (control_ & kParityDisable) == 0) parity_latch_ = true;
    update_nmi();
  });
  io_check_.connect([this](bool level) {
    if (level && (control_ & kIoCheckDisable) == 0) io_check_latch_ = true;
    update_nmi();
  });
  nmi_masked_.connect([this](bool) { update_nmi(); });
  mappings_[0] = ports.map({.name = "port61",
                            .base = 0x61,
                            .size = 1,
                            .widths = {},
                            .movable = false,
                            .read = [this](u64, unsigned) -> u64 { return read_61(); },
                            .write = [this](u64, unsigned, u64 value) { write_61(static_cast<u8>(value)); }});
  mappings_[1] = ports.map({.name = "port92",
                            .base = 0x92,
                            .size = 1,
                            .widths = {},
                            .movable = false,
                            .read = [this](u64, unsigned) -> u64 { return port92_ | (a20_.level() ? kFastA20 : 0); },
                            .write = [this](u64, unsigned, u64 value) { write_92(static_cast<u8>(value)); }});
}

void SystemPorts::reset() {
  parity_latch_ = io_check_latch_ = asking_ = false;
  port92_ = 0;
  write_61(0);
  a20_.set(true);
}

void SystemPorts::archive(core::Archive& ar) {
  ar.section(name(), 1, [&](u32) {
    bool a20 = a20_.level();
    bool parity = parity_check_.level();
    bool io_check = io_check_.level();
    bool masked = nmi_masked_.level();
    ar("a20", a20);
    ar("parity_check", parity);
    ar("io_check", io_check);
    ar("nmi_masked", masked);
    ar("control", control_);
    ar("parity_latch", parity_latch_);
    ar("io_check_latch", io_check_latch_);
    ar("asking", asking_);
    ar("port92", port92_);
    if (!ar.loading()) return;
    a20_.restore(a20);
    parity_check_.restore(parity);
    io_check_.restore(io_check);
    nmi_masked_.restore(masked);
  });
  if (!ar.loading()) return;
  timer2_gate_.restore((control_ & kTimer2Gate) != 0);
  speaker_enable_.restore((control_ & kSpeakerData) != 0);
}

u8 SystemPorts::read_61() {
  const auto clocks = static_cast<u64>(static_cast<unsigned __int128>(clock_.now()) * kTimerHz / core::kNsPerSecond);
  return static_cast<u8>(control_ | (bit(clocks / kRefreshClocks, 0) ? kRefresh : 0) |
                         (timer2_out_.level() ? kTimer2Out : 0) | (io_check_latch_ ? kIoCheck : 0) |
                         (parity_latch_ ? kParity : 0));
}

void SystemPorts::write_61(u8 value) {
  control_ = value & 0x0f;
  // A one both disables a check and clears what it had latched.
  if ((value & kParityDisable) != 0) parity_latch_ = false;
  if ((value & kIoCheckDisable) != 0) io_check_latch_ = false;
  speaker_enable_.set((value & kSpeakerData) != 0);
  timer2_gate_.set((value & kTimer2Gate) != 0);
  update_nmi();
}

void SystemPorts::write_92(u8 value) {
  port92_ = value & static_cast<u8>(~(kFastReset | kFastA20));
  a20_.set((value & kFastA20) != 0);
  if ((value & kFastReset) == 0) return;
  log_(core::Channel::CpuReset, "port92: fast reset");
  reset_request_.pulse();
}

void SystemPorts::update_nmi() {
  const bool asks = (parity_latch_ || io_check_latch_) && !nmi_masked_.level();
  if (asks == asking_) return;
  asking_ = asks;
  if (asks) nmi_.pulse();
}

}  // namespace orrery::hw
