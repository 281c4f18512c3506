#include "frontend/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>

#include "frontend/output_files.h"
#include "frontend/png.h"
#include "frontend/usage_error.h"
#include "machine/input_gate.h"

namespace orrery::frontend {
namespace {

constexpr unsigned kMostFaults = 5;  // triple faults that are told of
constexpr u64 kPictureNs = 16'000'000;

u64 host_ns() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<u64>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

/// What the title calls a machine without -name: its first image.
std::string machine_name(const machine::Config& config) {
  const auto base = [](const std::string& path) { return path.substr(path.rfind('/') + 1); };
  if (!config.name.empty()) return config.name;
  if (!config.kernel.empty()) return base(config.kernel);
  for (const machine::Drive& drive : config.drives) {
    if (drive.medium) return base(drive.medium->path);
  }
  return {};
}

}  // namespace

void tell(std::string_view line) {
  // One write, so that lines of several threads do not mix.
  const std::string whole = fmt::format("orrery: {}\n", line);
  std::fwrite(whole.data(), 1, whole.size(), stderr);
}

int status_of(const machine::RunResult& result, ExitCode convention) {
  switch (result.reason) {
    case machine::StopReason::DebugExit:
      return (convention == ExitCode::Raw ? result.exit_code >> 1 : result.exit_code) & 0xff;
    case machine::StopReason::TripleFault:
    case machine::StopReason::Diverged: return 1;
    default: return 0;
  }
}

Session::Session(Settings settings, std::shared_ptr<const machine::JournalReader> replay)
    : settings_(std::move(settings)), replay_(std::move(replay)) {
  if (replay_) settings_.config = replay_->config();
  for (std::size_t i = 0; i < core::kChannelCount; ++i) {
    if (settings_.log_channels.test(i)) log_.enable(static_cast<core::Channel>(i));
  }
  if (!settings_.log_file.empty()) {
    log_file_ = std::fopen(settings_.log_file.c_str(), "w");
    if (log_file_ == nullptr) {
      usage_error("-D '{}': {}: give a file in a writable folder", settings_.log_file, std::strerror(errno));
    }
    log_.set_sink([this](std::string_view line) {
      std::fwrite(line.data(), 1, line.size(), log_file_);
      std::fputc('\n', log_file_);
    });
  }
  const auto report = [](const std::string& line) { tell(line); };
  ports_ = std::make_unique<HostPorts>(settings_, report, [this] { quit(); });
  machine::Host host;
  ports_->attach(host);
  host.report = [faults = 0u](std::string_view line) mutable {
    // A guest that crashes, resets and crashes again would go on to say so for ever.
    if (line.starts_with("triple fault") && ++faults > kMostFaults) return;
    tell(line);
    if (faults == kMostFaults) {
      faults += 1;
      tell("the guest resets after each; no more of them are told (-no-reboot ends the run at the first)");
    }
  };
  host.log = &log_;
  machine_ = std::make_unique<machine::Machine>(settings_.config, std::move(host));
  if (!settings_.record.empty()) machine_->record_to(settings_.record);
  if (replay_) machine_->replay(replay_);
  governor_ = std::make_unique<machine::Governor>(*machine_);
  const machine::Speed speed = replay_ ? machine::Speed::Turbo : effective_speed(settings_);
  governor_->set_percent(settings_.speed_percent);
  governor_->set_speed(speed);
  // Where nobody watches the clock, the run must not depend on how fast the host is.
  governor_->pin_rate(speed == machine::Speed::Turbo);
  debugger_ = std::make_unique<machine::Debugger>(*machine_);
  if (settings_.start_stopped) debugger_->pause();
  debug_ports_ = std::make_unique<DebugPorts>(
      settings_, *machine_, *debugger_, MonitorHost{[this] { quit(); }, settings_.snapshot},
      [this](std::function<void()> what) { call([what = std::move(what)](machine::Machine&) { what(); }); }, report);
  if (ports_->shared_terminal()) {
    MonitorPrompt& prompt = debug_ports_->add_prompt([this](std::string_view text) { ports_->write_terminal(text); });
    const auto focus = [this, &prompt](bool on) {
      call([&prompt, on](machine::Machine&) { on ? prompt.enter() : prompt.leave(); });
    };
    const auto input = [this, &prompt](std::span<const u8> bytes) {
      call([&prompt, copy = std::vector<u8>(bytes.begin(), bytes.end())](machine::Machine&) { prompt.input(copy); });
    };
    ports_->share({focus, input});
  }
  machine_->gate().on_post([this] { wake(); });
  status_.name = machine_name(settings_.config);
  status_.engine = settings_.config.accel;
  status_.speed = speed;
  status_.speed_percent = settings_.speed_percent;
}

Session::~Session() {
  quit();
  if (thread_.joinable()) thread_.join();
  debug_ports_.reset();  // their threads post to the machine
  ports_.reset();
  machine_.reset();
  if (log_file_ != nullptr) std::fclose(log_file_);
}

void Session::start() {
  ports_->start([this](machine::Input input) { post(std::move(input)); });
  debug_ports_->start();
  thread_ = std::thread([this] { loop(); });
}

int Session::finish() {
  if (thread_.joinable()) thread_.join();
  write_results();
  return exit_status();
}

void Session::call(std::function<void(machine::Machine&)> what) {
  {
    const std::lock_guard lock(mutex_);
    calls_.push_back(std::move(what));
    awake_ = true;
  }
  changed_.notify_all();
  machine_->request_stop();
}

void Session::set_speed(machine::Speed speed, unsigned percent) {
  call([this, speed, percent](machine::Machine&) {
    governor_->set_percent(percent);
    governor_->set_speed(speed);
    governor_->pin_rate(speed == machine::Speed::Turbo);
    const std::lock_guard lock(mutex_);
    status_.speed = speed;
    status_.speed_percent = percent;
  });
}

void Session::on_monitor_output(std::function<void(std::string_view)> hook) {
  screen_prompt_ = &debug_ports_->add_prompt(std::move(hook));
}

void Session::show_monitor(bool on) {
  if (screen_prompt_ == nullptr) return;
  call([this, on](machine::Machine&) { on ? screen_prompt_->enter() : screen_prompt_->leave(); });
}

void Session::monitor_input(std::string_view text) {
  if (screen_prompt_ == nullptr) return;
  call([this, copy = std::vector<u8>(text.begin(), text.end())](machine::Machine&) { screen_prompt_->input(copy); });
}

void Session::quit() {
  quit_ = true;
  if (ports_) ports_->release();
  if (debug_ports_) debug_ports_->release();
  if (machine_) machine_->request_stop();
  wake();
}

bool Session::wait_finished(u64 ms) const {
  std::unique_lock lock(mutex_);
  const auto done = [this] { return finished_.load(); };
  if (ms == ~u64{0}) {
    changed_.wait(lock, done);
    return true;
  }
  return changed_.wait_for(lock, std::chrono::milliseconds(ms), done);
}

Status Session::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

bool Session::copy_frame(hw::Frame& into) const {
  const std::lock_guard lock(mutex_);
  if (into.serial == frame_.serial && into.width == frame_.width && into.height == frame_.height) return false;
  into = frame_;
  return true;
}

hw::TextScreen Session::text_screen() const {
  const std::lock_guard lock(mutex_);
  return text_;
}

/// True if the machine stands for somebody to look at it.
bool Session::end_of_run(machine::RunResult result) {
  const bool look = result.reason == machine::StopReason::TripleFault || result.reason == machine::StopReason::Diverged;
  const bool last = debugger_->last_stop().cause == machine::Debugger::Stop::Cause::Ended;
  if (!result.message.empty() && !last) tell(result.message);
  if (look && debug_ports_->attached() && !last) {
    debugger_->hold(std::move(result));
    return true;
  }
  // A machine that is off comes to no virtual time at which to end.
  const bool stay =
      result.reason == machine::StopReason::PowerOff && settings_.config.no_shutdown && !settings_.run_for;
  const std::lock_guard lock(mutex_);
  stop_ = result;
  status_.stopped = true;
  status_.stop = result;
  return stay;
}

void Session::loop() {
  while (!quit_) {
    run_calls();
    if (quit_) break;
    if (debugger_->stopped() && !stop_) {
      publish(true);
      wait(~u64{0});
      governor_->set_speed(governor_->speed());  // the time that was spent so is not made up for
      continue;
    }
    if (stop_) {  // switched off, and -no-shutdown
      publish(true);
      wait(~u64{0});
      continue;
    }
    const machine::Governor::Plan plan = governor_->plan(host_ns());
    if (plan.sleep_ns != 0) {
      publish(true);
      wait(plan.sleep_ns);
      continue;
    }
    u64 until = plan.until_tick;
    u64 last = ~u64{0};
    if (settings_.run_for) {
      last = machine_->clock().tick_at(*settings_.run_for);
      until = std::min(until, last);
    }
    const machine::RunResult result = debugger_->run(until);
    const bool over = machine_->ticks() >= last;
    using enum machine::StopReason;
    if (result.reason == Reached || result.reason == Requested || result.reason == Breakpoint) {
      publish(false);
      if (over) break;
      continue;
    }
    if (!end_of_run(result)) break;
  }
  if (!settings_.record.empty()) machine_->record_end();
  publish(true);
  debug_ports_->ended(exit_status());
  {
    const std::lock_guard lock(mutex_);
    finished_ = true;
  }
  changed_.notify_all();
  if (updated_) updated_();
}

void Session::run_calls() {
  std::vector<std::function<void(machine::Machine&)>> calls;
  {
    const std::lock_guard lock(mutex_);
    calls.swap(calls_);
  }
  for (const auto& what : calls) what(*machine_);
}

void Session::publish(bool now) {
  const u64 host = host_ns();
  if (!now && host - published_ns_ < kPictureNs) return;
  if (now && host - published_ns_ < kPictureNs / 8) return;
  published_ns_ = host;
  ports_->publish(*machine_);
  const hw::Frame& frame = machine_->frame();
  hw::TextScreen text = machine_->text_screen();
  {
    const std::lock_guard lock(mutex_);
    if (frame.serial != frame_.serial || frame.width != frame_.width || frame.height != frame_.height) frame_ = frame;
    text_ = std::move(text);
    status_.held = debugger_->stopped();
    status_.achieved_percent = governor_->achieved_percent();
    status_.ticks_per_second = governor_->ticks_per_host_second();
    status_.virtual_ns = machine_->now();
    status_.absolute_pointer = machine_->absolute_pointer();
    status_.leds = machine_->keyboard_leds();
  }
  if (updated_) updated_();
}

void Session::wait(u64 ns) {
  std::unique_lock lock(mutex_);
  const auto ready = [this] { return awake_ || quit_; };
  if (ns == ~u64{0}) {
    changed_.wait(lock, ready);
  } else {
    changed_.wait_for(lock, std::chrono::nanoseconds(ns), ready);
  }
  awake_ = false;
}

void Session::wake() {
  {
    const std::lock_guard lock(mutex_);
    awake_ = true;
  }
  changed_.notify_all();
}

void Session::write_results() {
  if (!settings_.screen_text.empty()) {
    const hw::TextScreen text = machine_->text_screen();
    write_output("-screen-text", settings_.screen_text, text.text());
    if (!text.text_mode()) tell("-screen-text: the screen shows graphics; -screenshot FILE keeps the picture");
  }
  if (!settings_.screenshot.empty()) write_png(settings_.screenshot, picture_of(machine_->frame()));
  if (settings_.print_hash)
    tell(fmt::format("state hash at tick {}: {:016x}", machine_->ticks(), machine_->state_hash()));
}

int Session::exit_status() const { return stop_ ? status_of(*stop_, settings_.exit_code) : 0; }

}  // namespace orrery::frontend
