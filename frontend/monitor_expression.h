// Numbers as the monitor's users write them: "0x7c00", "$esp + 4", "(cr3 & ~0xfff) | 8", "f000:fff0", "ds:esi".
#pragma once

#include <string_view>

#include "cpu/cpu.h"

namespace orrery::frontend {

/// The value of an expression: C's operators + - * / % & | ^ ~ << >> and parentheses; decimal, octal and hexadecimal
/// numbers as in C; registers by name, with or without "$" ("pc" is the linear address of the next instruction). Throws
/// UsageError.
u64 evaluate(const cpu::Cpu& cpu, std::string_view text);

/// The same where an address is wanted: also SEGMENT:OFFSET, whose parts are segment register or hexadecimal number,
/// and expression. Gives a linear address.
u64 evaluate_address(const cpu::Cpu& cpu, std::string_view text);

}  // namespace orrery::frontend
