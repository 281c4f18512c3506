// The processor's registers by name, for scripts and reports.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "cpu/cpu.h"

namespace orrery::frontend {

/// rax, eax, ax, al, ah ..., rip, eip, ip, rflags, eflags, flags, cs ... gs, tr, ldtr, cr0 ..., cpl, and cs.base and
/// the like.
bool is_register_name(std::string_view name);
std::span<const std::string_view> register_names();

/// The value; nothing if there is no such register.
std::optional<u64> register_value(const cpu::Cpu& cpu, std::string_view name);

/// Several lines for a report.
std::string register_dump(const cpu::Cpu& cpu);

}  // namespace orrery::frontend
