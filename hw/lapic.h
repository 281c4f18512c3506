// The local APIC of a processor (xAPIC), at FEE00000h or where IA32_APIC_BASE puts it.
//
// Intel SDM vol. 3, chapter "Advanced Programmable Interrupt Controller"; section titles below are the chapter's. It is
// the xAPIC of a Pentium 4 and later: version 14h, six LVT entries, APIC messages instead of an arbitrated bus, no
// x2APIC (CPUID does not announce one, and bit 10 of IA32_APIC_BASE is reserved). The timer counts at timer_hz before
// its divider, or fires when the time-stamp counter reaches IA32_TSC_DEADLINE; both are computed from virtual time.
//
// LINT0 and LINT1 are the processor's INTR and NMI pins. After a reset the boot processor's LVT entries for them are
// what a BIOS makes of them ("virtual wire mode": ExtINT and NMI, not masked), as in QEMU, so that software that
// knows no APIC finds a PC with an 8259. While IA32_APIC_BASE disables the APIC, the pins are wired through.
//
// The board connects intr() to the processor's INTR and calls acknowledge() for its acknowledge cycle; nmi() is the
// processor's NMI pin. Lines carry "asserted"; polarity bits are kept and change nothing.
#pragma once

#include <array>
#include <functional>
#include <string>

#include "hw/core/apic_bus.h"
#include "hw/core/bus.h"
#include "hw/core/clock.h"
#include "hw/core/device.h"
#include "hw/core/line.h"
#include "hw/core/log.h"

namespace orrery::hw {

class LocalApic final : public core::Device, public core::ApicAgent {
 public:
  static constexpr u64 kDefaultBase = 0xfee00000;
  // Bits of IA32_APIC_BASE.
  static constexpr u64 kBaseBootProcessor = 1 << 8, kBaseEnable = 1 << 11;

  struct Wiring {
    core::IoSpace& memory;
    core::Clock& clock;
    core::Log& log;
    core::ApicBus& bus;
    u8 id = 0;  // the initial APIC ID; 0 is the boot processor's
    u64 timer_hz = 1'000'000'000;
    bool tsc_deadline = true;                      // the processor's CPUID announces the mode
    std::function<u8()> external_acknowledge;      // the 8259's acknowledge cycle
    std::function<u64(u64 tsc)> time_of_tsc;       // virtual ns at which the TSC reaches a value; ~0: never
    std::function<void()> init;                    // INIT arrived: the processor is to be reset softly
    std::function<void(u8 vector)> start_up = {};  // SIPI arrived
    std::function<void()> smi = {};                // SMI arrived
  };
  explicit LocalApic(Wiring wiring);

  std::string_view name() const override { return name_; }
  void reset() override;
  void archive(core::Archive& ar) override;
  /// INIT: as reset(), but IA32_APIC_BASE and the APIC ID stay.
  void init();

  // --- pins ----------------------------------------------------------------------------------------------------------
  /// The level on LINTn (0: the 8259's INTR, 1: NMI).
  void set_lint(unsigned n, bool level);
  /// A moment on LINT1.
  void pulse_lint1();
  core::LevelLine& intr() { return intr_; }
  core::EdgeLine& nmi() { return nmi_; }
  /// The processor's interrupt acknowledge cycle: the vector.
  u8 acknowledge();

  // --- what the processor's registers reach --------------------------------------------------------------------------
  /// IA32_APIC_BASE was written. The processor has checked reserved bits.
  void set_base(u64 msr);
  /// IA32_TSC_DEADLINE (6E0h).
  u64 tsc_deadline() const { return deadline_; }
  void set_tsc_deadline(u64 tsc);
  /// The TSC was written: the deadline falls on another moment.
  void tsc_changed();
  /// TPR, whose upper half is CR8.
  u8 task_priority() const { return tpr_; }
  void set_task_priority(u8 value);

  // --- ApicAgent -----------------------------------------------------------------------------------------------------
  bool addressed(u8 destination, bool logical) const override;
  u8 processor_priority() const override;
  bool accept(const core::ApicMessage& message) override;

  /// As QEMU's `info lapic`.
  std::string info();

 private:
  using Bits = std::array<u64, 4>;  // one for each vector
  enum Lvt : u8 { kTimer, kThermal, kPerformance, kLint0, kLint1, kError, kLvtCount };

  bool globally_enabled() const { return (base_ & kBaseEnable) != 0; }
  bool software_enabled() const { return (svr_ & 0x100) != 0; }
  bool masked(Lvt n) const { return (lvt_[n] & 0x10000) != 0; }
  static core::ApicDelivery mode_of(u32 entry) { return static_cast<core::ApicDelivery>((entry >> 8) & 7); }
  unsigned timer_mode() const { return (lvt_[kTimer] >> 17) & 3; }

  u64 read(u64 offset);
  void write(u64 offset, u64 value);
  void write_lvt(Lvt n, u32 value);
  void write_svr(u32 value);
  void send_command();
  void end_of_interrupt();
  void map();
  void clear_registers();

  bool deliver_vector(u8 vector, bool level);
  void deliver_local(Lvt n);
  void report_error(u32 bits);
  int deliverable() const;
  u8 arbitration_priority() const;
  void update();

  u64 divider() const;
  u32 current_count() const;
  u64 ticks_to_ns(u64 ticks, u64 since) const;
  void start_timer(u32 count);
  void arm_timer();
  void timer_fired();

  Wiring w_;
  std::string name_;
  core::LevelLine intr_;
  core::EdgeLine nmi_;
  core::Event timer_;

  u64 base_ = 0;
  u32 id_ = 0;  // in 31:24
  u8 tpr_ = 0;
  u32 ldr_ = 0;
  u32 dfr_ = 0;
  u32 svr_ = 0;
  Bits isr_{};
  Bits tmr_{};
  Bits irr_{};
  u32 errors_ = 0;  // found since ESR was last written
  u32 esr_ = 0;
  u64 icr_ = 0;
  std::array<u32, kLvtCount> lvt_{};
  std::array<bool, 2> lint_{};
  bool external_ = false;  // an ExtINT message waits for its acknowledge cycle

  // The timer: at started_ns_ it held start_count_ and counts down from there, one for each divider() clocks.
  u32 initial_count_ = 0;
  u32 divide_ = 0;
  u64 started_ns_ = 0;
  u32 start_count_ = 0;
  u64 deadline_ = 0;  // TSC value; 0: not armed

  core::IoSpace::Mapping mapping_;
};

}  // namespace orrery::hw
