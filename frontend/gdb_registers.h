// The registers that gdb sees: their order, their description (target.xml), their values.
//
// The features are gdb's own org.gnu.gdb.i386.core and org.gnu.gdb.i386.sse, and one of ours for the system registers.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cpu/cpu.h"
#include "machine/debugger.h"

namespace orrery::frontend {

/// What $pc and $eip are.
enum class GdbPc : u8 {
  Raw,     // EIP, as QEMU has it and scripts expect it
  Linear,  // CS base + EIP: an address, as everything else that gdb takes for one
};

/// Which machine gdb is told to disassemble for. It cannot be changed while gdb is connected.
enum class GdbArch : u8 {
  Auto,   // i8086 if 16-bit code is running when gdb asks, else i386
  I8086,  // 16-bit code
  I386,
};

/// The description of the registers, for qXfer:features:read:target.xml. `arch` is not Auto.
std::string gdb_target_xml(GdbArch arch);

/// How many there are, numbered from 0.
std::size_t gdb_register_count();
/// Little-endian bytes of one register, or nothing if there is none with that number.
std::optional<std::vector<u8>> gdb_read_register(const cpu::Cpu& cpu, std::size_t number, GdbPc pc);
/// Changes one. Machine thread. Empty if it was done, else one line that says why not.
std::string gdb_write_register(machine::Debugger& debugger, const cpu::Cpu& cpu, std::size_t number,
                               std::span<const u8> bytes, GdbPc pc);
/// The size of a register in bytes; 0 if there is none.
std::size_t gdb_register_size(std::size_t number);

inline constexpr std::size_t kGdbEsp = 4, kGdbEbp = 5, kGdbEip = 8;

}  // namespace orrery::frontend
