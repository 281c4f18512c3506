// What `orrery` does: run a machine, run test scripts, replay a journal. Each gives the process' exit status.
#pragma once

#include <span>
#include <string>

namespace orrery::frontend {

/// `orrery [options] [image ...]`. Throws what parse_options() and Session throw.
int run_command(std::span<const std::string> words);
/// `orrery replay JOURNAL [options]`.
int replay_command(std::span<const std::string> words);
/// `orrery test SCRIPT ... [options]` (frontend/test_command.cpp).
int test_command(std::span<const std::string> words);

}  // namespace orrery::frontend
