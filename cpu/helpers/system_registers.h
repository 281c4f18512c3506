// MSRs, time stamp, CPUID, and the fast system calls that MSRs set up (SDM vol. 2; vol. 4).
#pragma once

#include "cpu/helpers/descriptor.h"

namespace orrery::cpu::helpers {

void cpuid(Engine& e, const Insn& i);
void rdmsr(Engine& e, const Insn& i);
void wrmsr(Engine& e, const Insn& i);
void rdtsc(Engine& e, const Insn& i);
void rdtscp(Engine& e, const Insn& i);
void rdpmc(Engine& e, const Insn& i);
void sysenter(Engine& e, const Insn& i);
void sysexit(Engine& e, const Insn& i);
void syscall(Engine& e, const Insn& i);
void sysret(Engine& e, const Insn& i);
void swapgs(Engine& e, const Insn& i);

/// The time-stamp counter: virtual time at the model's nominal frequency. Sets the clock.
u64 time_stamp(Engine& e);
/// The virtual time at which the counter reaches `tsc`: now if it has, ~0 if that is beyond all time.
u64 time_of_tsc(const Engine& e, u64 tsc);

}  // namespace orrery::cpu::helpers
