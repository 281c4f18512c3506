// What the fuzzers here share: the command line, a run a seed, and the limits that no run may pass.
#pragma once

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <string_view>

#include "hw/core/types.h"

namespace orrery::fuzz {

struct Campaign {
  long run_seconds;             // of processor time that no run needs, not even with sanitizers
  long memory_kib;              // that the whole program may come to
  std::string_view too_greedy;  // what to say if it comes to more
};

inline void on_alarm(int) {
  constexpr std::string_view text = "\nthis run does not come to its end\n";
  static_cast<void>(!::write(STDERR_FILENO, text.data(), text.size()));
  std::abort();
}

/// Runs `run(seed)`, true if it passed, for the seeds and the time that the command line gives (--seed, --runs,
/// --seconds). Each seed is printed before its run begins. The exit status: 0 if all passed.
template <class Run> int campaign(int argc, char** argv, const Campaign& limits, Run run) {
  u64 seed = 1, runs = ~u64{0};
  double seconds = 1e9;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view option = argv[i];
    if (option == "--seed") seed = std::strtoull(argv[i + 1], nullptr, 0);
    if (option == "--runs") runs = std::strtoull(argv[i + 1], nullptr, 0);
    if (option == "--seconds") seconds = std::strtod(argv[i + 1], nullptr);
  }
  std::signal(SIGPROF, on_alarm);
  const auto start = std::chrono::steady_clock::now();
  u64 done = 0;
  bool passed = true;
  for (; done < runs; ++done, ++seed) {
    if (std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() > seconds) break;
    fmt::print(stderr, "{} ", seed);
    const itimerval limit{{}, {limits.run_seconds, 0}};
    ::setitimer(ITIMER_PROF, &limit, nullptr);
    passed = run(seed) && passed;
  }
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  fmt::print(stderr, "\n{} runs, {} MiB at most\n", done, usage.ru_maxrss >> 10);
  if (usage.ru_maxrss > limits.memory_kib) {
    fmt::print(stderr, "{}\n", limits.too_greedy);
    passed = false;
  }
  return passed ? 0 : 1;
}

}  // namespace orrery::fuzz
