// What the monitor's `info` shows. Looking changes nothing.
#pragma once

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

}  // namespace orrery::frontend
