// What the monitor's `info` shows. Looking changes nothing.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "machine/debugger.h"
#include "machine/machine.h"

namespace orrery::frontend {

struct InfoTopic {
  std::string_view name;
  std::string_view help;
};
/// All topics, for `info` alone and for "did you mean".
std::span<const InfoTopic> info_topics();

/// The text of a topic. `more`: the words after it (`info registers all`). Throws UsageError.
std::string info_text(machine::Machine& machine, machine::Debugger& debugger, std::string_view topic,
                      std::string_view more);

/// Up to `count` instructions from a linear address on, one a line, the next one to execute marked.
std::string code_listing(machine::Machine& machine, machine::Debugger& debugger, u64 linear, unsigned count);

/// Where a linear address lies in physical memory, and with which rights.
std::string translation_text(machine::Machine& machine, machine::Debugger& debugger, u64 linear);

/// The return addresses on the stack, by the chain of frames that begins in EBP; at most `count`.
std::string call_frames(machine::Machine& machine, machine::Debugger& debugger, unsigned count);

/// If the next instruction is one that comes back behind itself (CALL, INT, a repeated string instruction, LOOP): the
/// linear address behind it.
std::optional<u64> behind_call(machine::Machine& machine, machine::Debugger& debugger);

}  // namespace orrery::frontend
