#include "frontend/test_runner.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "frontend/media_change.h"
#include "frontend/options.h"
#include "frontend/output_files.h"
#include "frontend/register_names.h"
#include "frontend/session.h"
#include "frontend/usage_error.h"
#include "machine/journal.h"

namespace orrery::frontend {

/// A test has failed: message() and, perhaps, what was there instead.
struct TestRunner::Failure {
  std::string message;
};
/// `skip`.
struct TestRunner::Skipped {
  std::string reason;
};
/// `exit`.
struct TestRunner::Finished {
  int status;
};

namespace {

constexpr u64 kLookNs = 10'000'000;  // virtual time between two looks at a condition
constexpr u64 kDefaultTimeoutNs = 60'000'000'000;
constexpr u64 kMouseNs = 30'000'000;  // virtual time that a guest gets for a mouse report
constexpr u64 kClickNs = 80'000'000;
constexpr std::size_t kLongestStream = 16 << 20;

std::string seconds(u64 ns) { return fmt::format("{:.2f} s", static_cast<double>(ns) / 1e9); }

void write_file(const std::filesystem::path& path, std::string_view bytes) {
  write_output("--output", path.string(), bytes);
}

std::string_view as_text(const std::vector<u8>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

TestRunner::TestRunner(const Script& script, const TestOptions& options, std::function<void(const std::string&)> print)
    : script_(script), options_(options), print_(std::move(print)), timeout_ns_(kDefaultTimeoutNs) {}

TestRunner::~TestRunner() {
  ports_.reset();
  machine_.reset();
  if (log_file_ != nullptr) std::fclose(log_file_);
}

ScriptResult TestRunner::run() {
  host_start_ = test_host_start_ = std::chrono::steady_clock::now();
  std::string failed;
  for (const Command& command : script_.commands) {
    try {
      if (options_.verbose) {
        tell(fmt::format("{}:{} [{}] {}", script_.path, command.line, seconds(machine_ ? machine_->now() : 0),
                         command.spelling));
      }
      execute(command);
    } catch (const Failure& failure) {
      failed = fmt::format("{}:{}: {}: {}", script_.path, command.line, command.spelling, failure.message);
    } catch (const Skipped& skipped) {
      end_test(Outcome::Skip, skipped.reason);
      return std::move(result_);
    } catch (const Finished& finished) {
      result_.status = finished.status;
      break;
    } catch (const std::exception& error) {
      // Options, images or goldens that cannot be used.
      failed = fmt::format("{}:{}: {}", script_.path, command.line, error.what());
    }
    if (!failed.empty()) break;
  }
  end_test(failed.empty() ? Outcome::Pass : Outcome::Fail, failed);
  if (machine_ && !settings_.record.empty()) machine_->record_end();
  if (failed.empty()) return std::move(result_);
  // What comes behind the failed test has not been tried.
  bool behind = test_name_.empty();
  for (const Command& command : script_.commands) {
    const auto* test = std::get_if<TestCommand>(&command.what);
    if (test == nullptr) continue;
    if (behind) {
      result_.tests.push_back(
          {script_.path, test->name, Outcome::Skip, "not tried: an earlier test has failed", {}, {}, 0, 0});
    }
    behind = behind || test->name == test_name_;
  }
  return std::move(result_);
}

void TestRunner::execute(const Command& command) {
  if (options_.wall_limit_s) {
    const auto spent = std::chrono::steady_clock::now() - host_start_;
    if (spent > std::chrono::seconds(*options_.wall_limit_s)) {
      throw Failure{fmt::format("{} host seconds are over (--wall-limit)", *options_.wall_limit_s)};
    }
  }
  std::visit([this](const auto& c) { start(c); }, command.what);
}

// --- the machine -----------------------------------------------------------------------------------------------------

machine::Machine& TestRunner::machine() {
  if (!machine_) build();
  return *machine_;
}

void TestRunner::build() {
  // A test changes no image, shows no window and starts at the same date, unless its options say otherwise.
  std::vector<std::string> words = {"-snapshot", "-display", "none", "-rtc", "base=2024-01-01"};
  words.insert(words.end(), words_.begin(), words_.end());
  OptionContext context;
  context.folder = script_.folder;
  context.folder_words = words.size();
  words.insert(words.end(), options_.words.begin(), options_.words.end());
  settings_ = parse_options(words, context);
  if (!settings_.print.empty()) usage_error("`help` is no machine to test: leave it out");
  resolve_rtc(settings_, static_cast<i64>(std::time(nullptr)));
  if (options_.verbose) {
    for (const std::string& note : settings_.notes) tell(note);
  }
  for (std::size_t i = 0; i < core::kChannelCount; ++i) {
    if (settings_.log_channels.test(i)) log_.enable(static_cast<core::Channel>(i));
  }
  if (!settings_.log_file.empty()) {
    log_file_ = std::fopen(settings_.log_file.c_str(), "w");
    if (log_file_ == nullptr)
      usage_error("-D '{}': {}: give a writable file", settings_.log_file, std::strerror(errno));
    log_.set_sink([this](std::string_view line) { fmt::print(log_file_, "{}\n", line); });
  }
  ports_ = std::make_unique<HostPorts>(settings_, [](const std::string& line) { tell(line); }, std::function<void()>());
  machine::Host host;
  ports_->attach(host);
  const auto record = [this](unsigned stream, u8 byte) {
    if (streams_[stream].size() < kLongestStream) streams_[stream] += static_cast<char>(byte);
  };
  host.serial = [record, next = host.serial](unsigned port, u8 byte) {
    if (port < 4) record(port, byte);
    if (next) next(port, byte);
  };
  host.debugcon = [record, next = host.debugcon](u8 byte) {
    record(kDebugconStream, byte);
    if (next) next(byte);
  };
  host.parallel = [record, next = host.parallel](u8 byte) {
    record(kParallelStream, byte);
    if (next) next(byte);
  };
  host.report = [this](std::string_view line) {
    if (options_.verbose) tell(line);
  };
  host.log = &log_;
  machine_ = std::make_unique<machine::Machine>(settings_.config, std::move(host));
  if (!settings_.record.empty()) machine_->record_to(settings_.record);
  ports_->start([this](machine::Input input) { machine_->post(std::move(input)); });
}

bool TestRunner::advance(u64 ns) {
  machine::Machine& m = machine();
  const u64 target = m.now() + ns;
  while (!end_ && m.now() < target) {
    const machine::RunResult result = m.run_until(std::min(target, m.now() + kLookNs));
    ports_->publish(m);
    notice_changes();
    if (result.reason != machine::StopReason::Reached && result.reason != machine::StopReason::Requested) end_ = result;
    if (options_.wall_limit_s &&
        std::chrono::steady_clock::now() - host_start_ > std::chrono::seconds(*options_.wall_limit_s)) {
      throw Failure{fmt::format("{} host seconds are over (--wall-limit); {}", *options_.wall_limit_s, present())};
    }
  }
  return !end_;
}

void TestRunner::advance_alive(u64 ns) {
  if (advance(ns)) return;
  throw Failure{fmt::format("the guest has ended: {}{}{}", machine::stop_reason_name(end_->reason),
                            end_->message.empty() ? "" : ": ", end_->message)};
}

bool TestRunner::advance_to_end(u64 ns) {
  if (end_) advance_alive(0);
  return advance(ns);
}

void TestRunner::settle_typing() {
  const u64 deadline = machine().now() + timeout_ns_;
  while (machine_->typing_pending() != 0) {
    if (machine_->now() >= deadline) {
      throw Failure{fmt::format("the guest has not taken the last {} key strokes within {}; {}",
                                machine_->typing_pending(), seconds(timeout_ns_), present())};
    }
    if (!advance_to_end(kLookNs)) return;
  }
}

std::string TestRunner::present() const {
  const cpu::State& s = machine_->cpu().state();
  return fmt::format("at {} (tick {}), {} at {:04x}:{:08x}", seconds(machine_->now()), machine_->ticks(),
                     machine_->idle() ? "the processor waits" : "the processor is busy", s.seg[cpu::kCs].selector,
                     s.rip);
}

// --- commands --------------------------------------------------------------------------------------------------------

void TestRunner::start(const MachineCommand& c) {
  if (machine_) throw Failure{"the machine runs already: write `machine` lines before everything that needs it"};
  words_.insert(words_.end(), c.words.begin(), c.words.end());
}

void TestRunner::start(const WaitCommand& c) {
  const u64 timeout = c.timeout_ns.value_or(timeout_ns_);
  const u64 deadline = machine().now() + timeout;
  std::string found;
  for (;;) {
    for (const Condition& condition : c.any) {
      const Check result = check(condition.what);
      if (result.holds) return;
      found = result.found;
    }
    if (end_) {
      throw Failure{fmt::format("the guest has ended: {}{}{}", machine::stop_reason_name(end_->reason),
                                end_->message.empty() ? "" : ": ", end_->message)};
    }
    const u64 now = machine_->now();
    if (now >= deadline) {
      if (options_.update && !golden_seen_.empty()) {
        for (const Condition& condition : c.any) {
          if (const auto* golden = std::get_if<ScreenshotCondition>(&condition.what)) return update_golden(*golden);
        }
      }
      const u64 quiet = now - last_change_ns_;
      throw Failure{fmt::format("not within {} virtual seconds: found {}; {}; the screen last changed {} ago",
                                static_cast<double>(timeout) / 1e9, found, present(), seconds(quiet))};
    }
    advance(std::min(kLookNs, deadline - now));
  }
}

void TestRunner::start(const ExpectCommand& c) {
  if (const auto* golden = std::get_if<ScreenshotCondition>(&c.condition.what);
      golden != nullptr && options_.update && !c.negated) {
    machine();
    if (!std::filesystem::exists(golden->path)) return update_golden(*golden);
    if (check(c.condition.what).holds) return;
    return update_golden(*golden);
  }
  const Check result = check(c.condition.what);
  if (result.holds != c.negated) return;
  throw Failure{c.negated ? fmt::format("it is there, {}", present())
                          : fmt::format("found {}; {}", result.found, present())};
}

void TestRunner::update_golden(const ScreenshotCondition& c) {
  write_png(c.path, picture_of(machine_->frame()));
  print_("wrote " + c.path);
}

void TestRunner::start(const TypeCommand& c) {
  machine();
  for (const machine::KeyInput& key : c.keys) machine_->post(key);
  // The gate hands them to the keyboard when the machine runs.
  if (advance_to_end(kLookNs)) settle_typing();
}

void TestRunner::start(const PressCommand& c) {
  machine().post(machine::KeyInput{c.key, c.down, false});
  advance_to_end(kLookNs);
}

void TestRunner::start(const MoveCommand& c) {
  constexpr i32 kStep = 100;  // a PS/2 report has nine bits
  i32 dx = c.dx;
  i32 dy = c.dy;
  while (dx != 0 || dy != 0) {
    const i32 x = std::clamp(dx, -kStep, kStep);
    const i32 y = std::clamp(dy, -kStep, kStep);
    machine().post(machine::MouseMotion{x, y});
    dx -= x;
    dy -= y;
    advance_alive(kMouseNs);
  }
}

void TestRunner::start(const PointCommand& c) {
  if (!machine().absolute_pointer()) {
    throw Failure{"the guest has no driver for an absolute pointer: use `mouse move`"};
  }
  const hw::Frame& frame = machine_->frame();
  if (c.x >= frame.width || c.y >= frame.height) {
    throw Failure{fmt::format("{} {} is outside the picture of {}x{}", c.x, c.y, frame.width, frame.height)};
  }
  const auto scale = [](unsigned at, unsigned size) {
    return static_cast<u16>((u64{at} * 2 + 1) * 65535 / (2 * u64{size}));
  };
  machine_->post(machine::PointerMotion{scale(c.x, frame.width), scale(c.y, frame.height)});
  advance_alive(kMouseNs);
}

void TestRunner::start(const ClickCommand& c) {
  for (unsigned i = 0; i < c.times; ++i) {
    machine().post(machine::MouseButtons{c.buttons});
    if (!advance_to_end(kClickNs)) return;
    machine_->post(machine::MouseButtons{0});
    if (!advance_to_end(kClickNs)) return;
  }
}

void TestRunner::start(const ButtonsCommand& c) {
  machine().post(machine::MouseButtons{c.down});
  advance_to_end(kMouseNs);
}

void TestRunner::start(const WheelCommand& c) {
  machine().post(machine::MouseWheel{c.notches});
  advance_alive(kMouseNs);
}

void TestRunner::start(const RunCommand& c) { advance_alive(c.ns); }

void TestRunner::start(const RunToTickCommand& c) {
  machine::Machine& m = machine();
  if (m.ticks() > c.tick) throw Failure{fmt::format("tick {} is over: {}", c.tick, present())};
  while (m.ticks() < c.tick) {
    // In steps, so that the streams and --wall-limit are seen to.
    const u64 step = std::min(c.tick, m.ticks() + m.clock().rate() / 10);
    const machine::RunResult result = m.run_until_tick(step);
    ports_->publish(m);
    if (result.reason != machine::StopReason::Reached && result.reason != machine::StopReason::Requested) {
      end_ = result;
      advance_alive(1);
    }
    if (options_.wall_limit_s &&
        std::chrono::steady_clock::now() - host_start_ > std::chrono::seconds(*options_.wall_limit_s)) {
      throw Failure{fmt::format("{} host seconds are over (--wall-limit); {}", *options_.wall_limit_s, present())};
    }
  }
  notice_changes();
}

void TestRunner::start(const SendCommand& c) {
  machine().post(machine::SerialInput{c.port, c.bytes});
  const u64 deadline = machine_->now() + timeout_ns_;
  do {
    if (!advance_to_end(kLookNs)) return;
    if (machine_->now() >= deadline) {
      throw Failure{fmt::format("the guest has not taken the last {} bytes within {}; {}",
                                machine_->serial_pending(c.port), seconds(timeout_ns_), present())};
    }
  } while (machine_->serial_pending(c.port) != 0);
}

void TestRunner::start(const ScreenshotCommand& c) { write_png(c.path, picture_of(machine().frame())); }

void TestRunner::start(const SaveTextCommand& c) { write_file(c.path, machine().text_screen().text()); }

void TestRunner::start(const InsertCommand& c) {
  machine().post(medium_for(c.drive, c.path, {.readonly = c.readonly, .snapshot = settings_.snapshot}));
  advance_alive(kLookNs);
}

void TestRunner::start(const InputCommand& c) {
  machine().post(c.input);
  advance(kLookNs);
}

void TestRunner::start(const PrintCommand& c) {
  switch (c.what) {
    case PrintCommand::What::Message: print_(c.message); break;
    case PrintCommand::What::Text: print_(machine().text_screen().text()); break;
    case PrintCommand::What::Stream: print_(streams_[c.stream]); break;
    case PrintCommand::What::StateHash:
      print_(fmt::format("state hash at tick {}: {:016x}", machine().ticks(), machine().state_hash()));
      break;
    case PrintCommand::What::PictureHash:
      print_(fmt::format("picture {}x{}: {:016x}", machine().frame().width, machine().frame().height,
                         picture_hash(picture_of(machine().frame()))));
      break;
    case PrintCommand::What::Registers: print_(register_dump(machine().cpu())); break;
  }
}

void TestRunner::start(const TestCommand& c) {
  // What came before the first `test` is preparation: worth a result only if it fails.
  if (!test_name_.empty()) end_test(Outcome::Pass, {});
  test_name_ = c.name;
  test_start_ns_ = machine_ ? machine_->now() : 0;
  test_host_start_ = std::chrono::steady_clock::now();
}

void TestRunner::start(const SkipCommand& c) {
  if (!c.unless_file.empty() && std::filesystem::exists(c.unless_file)) return;
  throw Skipped{c.reason};
}

void TestRunner::start(const FailCommand& c) { throw Failure{c.message}; }

void TestRunner::start(const ExitCommand& c) { throw Finished{c.status}; }

// --- results ---------------------------------------------------------------------------------------------------------

void TestRunner::end_test(Outcome outcome, const std::string& message) {
  TestResult result;
  result.script = script_.path;
  result.name = test_name_.empty() ? script_.name() : test_name_;
  result.outcome = outcome;
  result.message = message;
  result.virtual_ns = machine_ ? machine_->now() - test_start_ns_ : 0;
  result.host_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - test_host_start_).count();
  if (outcome == Outcome::Fail && machine_) leave_files(result);
  result_.tests.push_back(std::move(result));
}

void TestRunner::leave_files(TestResult& result) {
  const hw::TextScreen text = machine_->text_screen();
  if (text.text_mode()) {
    result.seen.push_back(fmt::format("The screen ({}x{}):", text.columns, text.rows));
    std::vector<std::string> rows = text.to_utf8();
    while (!rows.empty() && rows.back().empty()) rows.pop_back();
    for (const std::string& row : rows) result.seen.push_back("| " + row);
  }
  for (unsigned i = 0; i < kStreamCount; ++i) {
    const std::string& stream = streams_[i];
    if (stream.empty()) continue;
    const std::string name = i == kDebugconStream   ? std::string("port E9")
                             : i == kParallelStream ? std::string("the parallel port")
                                                    : fmt::format("serial port {}", i);
    result.seen.push_back(fmt::format("The end of what came from {}:", name));
    std::size_t from = stream.size();
    for (unsigned lines = 0; from > 0 && lines < 12 && stream.size() - from < 2000; --from) {
      if (stream[from - 1] == '\n' && ++lines == 12) break;
    }
    std::string_view rest = std::string_view(stream).substr(from);
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      std::string line(rest.substr(0, end));
      std::erase_if(line, [](char c) { return static_cast<u8>(c) < 0x20; });
      result.seen.push_back("| " + line);
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  try {
    const std::filesystem::path folder = std::filesystem::path(options_.output) / script_.name();
    std::filesystem::create_directories(folder);
    write_file(folder / "screen.txt", text.text());
    const Picture picture = picture_of(machine_->frame());
    write_png((folder / "screen.png").string(), picture);
    if (!golden_seen_.empty() && std::filesystem::exists(golden_seen_)) {
      write_png((folder / "difference.png").string(), difference_picture(picture, read_png(golden_seen_), 0));
    }
    for (unsigned i = 0; i < 4; ++i) {
      if (!streams_[i].empty()) write_file(folder / fmt::format("serial{}.txt", i), streams_[i]);
    }
    if (!streams_[kDebugconStream].empty()) write_file(folder / "debugcon.txt", streams_[kDebugconStream]);
    if (!streams_[kParallelStream].empty()) write_file(folder / "parallel.txt", streams_[kParallelStream]);
    write_file(folder / "registers.txt", register_dump(machine_->cpu()));
    machine_->record_end();
    write_file(folder / "run.orrery", as_text(machine_->journal().to_bytes()));
    result.folder = folder.string();
  } catch (const std::exception& error) {
    result.seen.push_back(fmt::format("The failure's files could not be written: {}", error.what()));
  }
}

}  // namespace orrery::frontend
