// Runs test scripts: a machine without a window, in virtual time only, so that the host's speed and load change
// nothing.
#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "frontend/host_ports.h"
#include "frontend/settings.h"
#include "frontend/test_script.h"
#include "hw/display/surface.h"
#include "machine/machine.h"

namespace orrery::frontend {

struct TestOptions {
  std::vector<std::string> words;             // machine options of the command line, after the script's
  std::string output = "orrery-test-output";  // a failed script leaves its files in a folder here
  bool update = false;                        // golden pictures that differ or are missing are written anew
  bool verbose = false;                       // each command on standard error
  std::optional<u64> wall_limit_s;            // host seconds for a script: against a hanging host, not a slow guest
};

enum class Outcome : u8 { Pass, Fail, Skip };

/// One `test` of a script, or the whole script if it has none.
struct TestResult {
  std::string script;
  std::string name;
  Outcome outcome = Outcome::Pass;
  std::string message;            // one line: why it failed or was skipped
  std::vector<std::string> seen;  // lines: what was there instead
  std::string folder;             // where the failure's files are
  u64 virtual_ns = 0;
  double host_seconds = 0;
};

struct ScriptResult {
  std::vector<TestResult> tests;
  int status = 0;  // of `exit`
};

class TestRunner {
 public:
  /// `print` gets what the script prints.
  TestRunner(const Script& script, const TestOptions& options, std::function<void(const std::string&)> print);
  ~TestRunner();

  ScriptResult run();

 private:
  struct Failure;
  struct Skipped;
  struct Finished;

  void execute(const Command& command);
  void start(const MachineCommand& c);
  void start(const BootCommand&) { machine(); }
  void start(const WaitCommand& c);
  void start(const ExpectCommand& c);
  void start(const TypeCommand& c);
  void start(const PressCommand& c);
  void start(const MoveCommand& c);
  void start(const PointCommand& c);
  void start(const ClickCommand& c);
  void start(const ButtonsCommand& c);
  void start(const WheelCommand& c);
  void start(const RunCommand& c);
  void start(const RunToTickCommand& c);
  void start(const SendCommand& c);
  void start(const ScreenshotCommand& c);
  void start(const SaveTextCommand& c);
  void start(const InsertCommand& c);
  void start(const InputCommand& c);
  void start(const PrintCommand& c);
  void start(const TestCommand& c);
  void start(const TimeoutCommand& c) { timeout_ns_ = c.ns; }
  void start(const SkipCommand& c);
  void start(const FailCommand& c);
  void start(const ExitCommand& c);

  /// What a condition found: whether it holds, and otherwise a line about what is there.
  struct Check {
    bool holds;
    std::string found;
  };
  Check check(const ConditionKind& what);
  Check look(const TextCondition& c);
  Check look(const StreamCondition& c);
  Check look(const ScreenshotCondition& c);
  Check look(const PixelCondition& c);
  Check look(const PictureHashCondition& c);
  Check look(const ModeCondition& c);
  Check look(const CursorCondition& c);
  Check look(const MemoryCondition& c);
  Check look(const RegisterCondition& c);
  Check look(const StateHashCondition& c);
  Check look(const StillCondition& c);
  Check look(const EndCondition& c);
  Check look(const IdleCondition& c);

  /// The machine, built and switched on when it is first needed.
  machine::Machine& machine();
  void build();
  /// Runs on for `ns`, or to the guest's end. False at the end.
  bool advance(u64 ns);
  /// Runs on for `ns`; the guest's end is a failure.
  void advance_alive(u64 ns);
  /// For what is typed, clicked or sent: it may be what ends the guest, and is then done. Fails if the guest had ended
  /// before; false if it ends now.
  bool advance_to_end(u64 ns);
  void settle_typing();
  void notice_changes();
  std::string present() const;
  void end_test(Outcome outcome, const std::string& message);
  void leave_files(TestResult& result);
  void update_golden(const ScreenshotCondition& c);

  const Script& script_;
  const TestOptions& options_;
  std::function<void(const std::string&)> print_;

  std::vector<std::string> words_;
  Settings settings_;
  core::Log log_;
  std::FILE* log_file_ = nullptr;
  std::unique_ptr<HostPorts> ports_;
  std::unique_ptr<machine::Machine> machine_;

  std::array<std::string, kStreamCount> streams_;
  std::array<std::size_t, kStreamCount> read_to_{};
  std::map<const StreamCondition*, std::size_t> searched_to_;  // without success
  u64 timeout_ns_;
  std::optional<machine::RunResult> end_;
  std::string golden_seen_;

  // For `still`.
  hw::TextScreen last_text_;
  u64 last_picture_ = 0;
  u64 last_change_ns_ = 0;

  ScriptResult result_;
  std::string test_name_;
  u64 test_start_ns_ = 0;
  std::chrono::steady_clock::time_point host_start_, test_host_start_;
};

}  // namespace orrery::frontend
