// orrery test SCRIPT ... [options]
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "frontend/commands.h"
#include "frontend/key_values.h"
#include "frontend/options.h"
#include "frontend/output_files.h"
#include "frontend/session.h"
#include "frontend/signal_watch.h"
#include "frontend/test_report.h"
#include "frontend/test_runner.h"
#include "frontend/usage_error.h"

namespace orrery::frontend {
namespace {

constexpr int kFailedStatus = 1;
constexpr int kSkippedStatus = 77;  // automake's and CTest's "all was skipped"

constexpr std::string_view kHelp =
    "Usage: orrery test SCRIPT ... [options] [machine options]\n"
    "  --set NAME=VALUE    ${NAME} in the scripts\n"
    "  --tap               results as TAP on standard output\n"
    "  --junit FILE        results as JUnit XML in a file\n"
    "  --output DIR        where failed scripts leave their files (orrery-test-output)\n"
    "  --update            write golden pictures anew that are missing or differ\n"
    "  --verbose           each command, with its virtual time, on standard error\n"
    "  --wall-limit SECS   host seconds a script may take; without it only virtual time counts\n"
    "Machine options come after those of the script's `machine` lines. Images are not changed unless -no-snapshot.\n"
    "Status: 0 all passed, 1 something failed, 2 a script cannot be run, 77 everything was skipped, or the `exit N`.\n"
    "The language of scripts is described in frontend/README.md.\n";

struct Arguments {
  std::vector<std::string> scripts;
  std::map<std::string, std::string> variables;
  TestOptions options;
  bool tap = false;
  bool help = false;
  std::string junit;
};

Arguments parse_arguments(std::span<const std::string> words) {
  Arguments a;
  std::size_t at = 0;
  const auto value = [&](const std::string& option) -> std::string {
    if (at + 1 >= words.size()) usage_error("{} needs a value: see orrery test --help", option);
    return words[++at];
  };
  for (; at < words.size(); ++at) {
    const std::string& word = words[at];
    std::string name = word.starts_with("--") ? word.substr(2) : word.starts_with('-') ? word.substr(1) : std::string();
    if (name.empty()) {
      a.scripts.push_back(word);
    } else if (name == "tap") {
      a.tap = true;
    } else if (name == "update") {
      a.options.update = true;
    } else if (name == "verbose" || name == "v") {
      a.options.verbose = true;
    } else if (name == "help" || name == "h") {
      a.help = true;
    } else if (name == "junit") {
      a.junit = value(word);
    } else if (name == "output") {
      a.options.output = value(word);
    } else if (name == "wall-limit") {
      const std::string text = value(word);
      const auto limit = parse_number(text);
      if (!limit || *limit == 0 || *limit > 1'000'000)
        usage_error("--wall-limit {}: give host seconds, 1 to 1000000", text);
      a.options.wall_limit_s = *limit;
    } else if (name == "set") {
      const std::string text = value(word);
      const std::size_t equals = text.find('=');
      if (equals == std::string::npos || equals == 0) usage_error("--set {}: give --set NAME=VALUE", text);
      a.variables[text.substr(0, equals)] = text.substr(equals + 1);
    } else {
      a.options.words.push_back(word);
      if (option_takes_value(word)) a.options.words.push_back(value(word));
    }
  }
  return a;
}

/// Wrong options, of `machine` lines or of the command line, are a mistake and no failed test. Images are looked at
/// when the script gets there.
void check_machine_lines(const Script& script, std::span<const std::string> further) {
  std::vector<std::string> words;
  unsigned line = 0;
  for (const Command& command : script.commands) {
    const auto* machine = std::get_if<MachineCommand>(&command.what);
    if (machine == nullptr) continue;
    words.insert(words.end(), machine->words.begin(), machine->words.end());
    line = command.line;
  }
  if (line == 0) line = 1;
  words.insert(words.end(), further.begin(), further.end());
  OptionContext context;
  context.look_at_images = false;
  try {
    parse_options(words, context);
  } catch (const UsageError& error) {
    usage_error("{}:{}: {}", script.path, line, error.what());
  }
}

}  // namespace

int test_command(std::span<const std::string> words) {
  Arguments a = parse_arguments(words);
  if (a.help) {
    fmt::print("{}", kHelp);
    return 0;
  }
  if (a.scripts.empty()) usage_error("test: which script? Give its name: orrery test SCRIPT");
  check_output("--junit", a.junit);
  std::vector<Script> scripts;
  for (const std::string& path : a.scripts) {
    scripts.push_back(load_script(path, a.variables));
    check_machine_lines(scripts.back(), a.options.words);
  }

  const SignalWatch signals;
  std::vector<TestResult> results;
  int status = 0;
  for (const Script& script : scripts) {
    TestRunner runner(script, a.options, [&](const std::string& text) {
      // TAP has its own lines on standard output.
      std::FILE* out = a.tap ? stderr : stdout;
      fmt::print(out, "{}{}", text, text.ends_with('\n') ? "" : "\n");
      std::fflush(out);
    });
    ScriptResult result = runner.run();
    if (result.status != 0 && status == 0) status = result.status;
    for (TestResult& test : result.tests) {
      if (!a.tap) fmt::print("{}", plain_result(test));
      results.push_back(std::move(test));
    }
    std::fflush(stdout);
  }
  if (a.tap) {
    fmt::print("{}", tap_report(results));
  } else if (results.size() > 1) {
    fmt::print("{}", plain_summary(results));
  }
  if (!a.junit.empty()) {
    write_output("--junit", a.junit, junit_report(results));
  }
  const auto is = [](Outcome outcome) { return [outcome](const TestResult& r) { return r.outcome == outcome; }; };
  if (std::ranges::any_of(results, is(Outcome::Fail))) return kFailedStatus;
  if (status != 0) return status;
  if (!results.empty() && std::ranges::all_of(results, is(Outcome::Skip))) return kSkippedStatus;
  return 0;
}

}  // namespace orrery::frontend
