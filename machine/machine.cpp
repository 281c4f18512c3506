#include "machine/machine.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "machine/governor.h"
#include "machine/input_gate.h"
#include "machine/journal.h"
#include "machine/pc.h"
#include "machine/run_loop.h"

namespace orrery::machine {
namespace {

constexpr u64 kChunk = 64 * 1024;  // RAM is archived in pieces of this size; those that are zero are left out

bool all_zero(const u8* data, std::size_t size) { return data[0] == 0 && std::memcmp(data, data + 1, size - 1) == 0; }

class OneCpu final : public Processor {
 public:
  explicit OneCpu(cpu::Cpu& cpu) : cpu_(cpu) {}
  cpu::Stop run(u64 until_tick) override { return cpu_.run(until_tick); }
  cpu::Stop step() override { return cpu_.step(); }

 private:
  cpu::Cpu& cpu_;
};

std::string registers_line(const cpu::Cpu& cpu) {
  const cpu::State& s = cpu.state();
  const cpu::Segment& cs = s.seg[cpu::kCs];
  const cpu::Segment& ss = s.seg[cpu::kSs];
  return fmt::format(
      "CS:EIP {:04x}:{:08x} (base {:08x}) SS:ESP {:04x}:{:08x} EAX {:08x} EFLAGS {:08x} CR0 {:08x} CR2 {:08x} CR3 "
      "{:08x} "
      "CR4 {:08x} IDT {:08x}+{:04x} GDT {:08x}+{:04x} CPL {}",
      cs.selector, s.rip, cs.base, ss.selector, s.gpr[cpu::kRsp], s.gpr[cpu::kRax], cpu.rflags(), s.cr0, s.cr2, s.cr3,
      s.cr4, s.idtr.base, s.idtr.limit, s.gdtr.base, s.gdtr.limit, s.cpl);
}

}  // namespace

struct Machine::Running {
  Running(core::Clock& clock, cpu::Cpu& cpu, InputGate& gate, LoopHooks hooks)
      : processor(cpu), loop(clock, processor, gate, std::move(hooks)) {}
  OneCpu processor;
  RunLoop loop;
};

Governor::Governor(Machine& machine)
    : Governor(machine.clock(), machine.config().ticks_per_second,
               [&machine](u64 rate) { machine.post(RateChange{rate}); }) {}

Machine::Machine(Config config, Host host)
    : config_(std::move(config)), host_(std::move(host)), clock_(config_.ticks_per_second) {
  config_.validate();
  if (host_.log == nullptr) own_log_ = std::make_unique<core::Log>();
  log_ = host_.log != nullptr ? host_.log : own_log_.get();
  journal_ = std::make_unique<Journal>(config_);
  journal_->on_file_error([this](std::string_view line) { report(line); });
  pc_ = std::make_unique<Pc>(Pc::Context{config_, host_, clock_, *log_, [this](std::string_view line) { report(line); },
                                         [this](FileMark mark) { journal_->add_mark(std::move(mark)); }});
  gate_ = std::make_unique<InputGate>(*journal_);
  LoopHooks hooks;
  hooks.apply = [this](const Input& input) { apply(input); };
  hooks.signals = [this] { return signals(); };
  hooks.shutdown = [this] { return shutdown(); };
  hooks.hash = [this] { return hash_now(); };
  running_ = std::make_unique<Running>(clock_, pc_->cpu(), *gate_, std::move(hooks));
}

Machine::~Machine() = default;

void Machine::report(std::string_view line) {
  if (host_.report) host_.report(line);
}

// --- running ---------------------------------------------------------------------------------------------------------

RunResult Machine::run_until_tick(u64 tick) { return running_->loop.run_until(tick); }

RunResult Machine::run_until(u64 ns) {
  // The rate may change on the way, and with it the tick that `ns` falls on.
  for (;;) {
    const u64 target = clock_.tick_at(ns);
    RunResult result = running_->loop.run_until(target);
    if (result.reason != StopReason::Reached || clock_.tick_at(ns) <= clock_.ticks()) return result;
  }
}

RunResult Machine::step() { return running_->loop.step(); }

std::optional<RunResult> Machine::settle() { return running_->loop.settle(); }

void Machine::request_stop() { running_->loop.request_stop(); }

void Machine::power_cycle() {
  running_->loop.clear();
  post(ResetButton{});
}

bool Machine::idle() const { return running_->loop.idle(); }

std::optional<RunResult> Machine::signals() {
  const Pc::Requests requests = pc_->take_requests();
  if (requests.debug_exit) {
    return RunResult{StopReason::DebugExit, static_cast<int>(*requests.debug_exit),
                     fmt::format("the guest left with exit status {}", *requests.debug_exit)};
  }
  if (requests.power_off) return RunResult{StopReason::PowerOff, 0, "the guest switched the machine off"};
  if (requests.hard_reset) return reset_by_guest(requests.reset_source);
  if (requests.init) {
    log(core::Channel::CpuReset, "INIT message");
    pc_->init_processor();
  }
  if (requests.soft_reset) {
    // Programs for the 286 reset the processor to leave protected mode; they say so in the CMOS and want everything
    // else as it is. Anybody else wants the machine to start anew.
    if (pc_->shutdown_code() == 0) return reset_by_guest(requests.reset_source);
    log(core::Channel::CpuReset, requests.reset_source);
    pc_->init_processor();
  }
  return std::nullopt;
}

std::optional<RunResult> Machine::reset_by_guest(std::string_view source) {
  log(core::Channel::CpuReset, source);
  if (config_.no_reboot)
    return RunResult{StopReason::Reset, 0, fmt::format("the guest asked for a reset ({})", source)};
  pc_->reset();
  return std::nullopt;
}

void Machine::log(core::Channel channel, std::string_view what) {
  (*log_)(channel, "reset ({}) at tick {}: {}", what, clock_.ticks(), registers_line(pc_->cpu()));
}

std::optional<RunResult> Machine::shutdown() {
  if (pc_->shutdown_code() != 0) {
    log(core::Channel::CpuReset, "shutdown cycle");
    pc_->init_processor();
    return std::nullopt;
  }
  std::string line = fmt::format("triple fault at tick {}: {}", clock_.ticks(), registers_line(pc_->cpu()));
  (*log_)(core::Channel::CpuReset, "{}", line);
  if (config_.no_reboot) return RunResult{StopReason::TripleFault, 0, std::move(line)};
  report(line);
  pc_->reset();
  return std::nullopt;
}

// --- the outside world -----------------------------------------------------------------------------------------------

void Machine::post(Input input) { gate_->post(std::move(input)); }

void Machine::apply(const Input& input) {
  if (const auto* rate = std::get_if<RateChange>(&input)) {
    clock_.set_rate(std::clamp<u64>(rate->ticks_per_second, 1'000'000, 100'000'000'000));
  } else if (std::holds_alternative<ResetButton>(input)) {
    log(core::Channel::CpuReset, "reset button");
    pc_->reset();
  } else if (const auto* read = std::get_if<PortRead>(&input)) {
    if (read->width == 1 || read->width == 2 || read->width == 4) port_value_ = ports().read(read->port, read->width);
  } else {
    pc_->apply(input);
  }
}

void Machine::record_to(const std::string& path) { journal_->write_to(path); }

void Machine::record_checkpoint() {
  if (running_->loop.settle()) return;
  journal_->append({clock_.ticks(), Checkpoint{hash_now()}});
}

void Machine::record_end() {
  running_->loop.settle();
  const std::vector<JournalEntry>& entries = journal_->entries();
  const bool ended = !entries.empty() && std::holds_alternative<RunEnd>(entries.back().what);
  if (ended && entries.back().tick == clock_.ticks()) return;
  journal_->append({clock_.ticks(), RunEnd{hash_now()}});
}

void Machine::replay(std::shared_ptr<const JournalReader> reader) {
  for (const FileMark& mark : reader->marks()) {
    const std::vector<FileMark>& ours = journal_->marks();
    if (std::find(ours.begin(), ours.end(), mark) == ours.end()) {
      throw ConfigError(
          fmt::format("{} is not what it was in the recording: put the file of that time back", mark.role));
    }
  }
  gate_->replay(std::move(reader));
}

std::size_t Machine::typing_pending() const { return pc_->typing_pending(); }
std::size_t Machine::serial_pending(unsigned port) const { return pc_->serial_pending(port); }
bool Machine::absolute_pointer() const { return pc_->absolute_pointer(); }
u8 Machine::keyboard_leds() const { return pc_->keyboard_leds(); }
bool Machine::drive_active(DriveId drive) const { return pc_->drive_active(drive); }
std::optional<Medium> Machine::medium(DriveId drive) const { return pc_->medium(drive); }

// --- state -----------------------------------------------------------------------------------------------------------

u64 Machine::state_hash() { return hash_now(); }

u64 Machine::hash_now() {
  core::Archive ar = core::Archive::saver();
  clock_.archive(ar);
  pc_->archive(ar);
  u64 hash = core::hash_bytes(ar.take());
  const std::span<u8> ram = memory().ram();
  for (u64 at = 0; at < ram.size(); at += core::kPageSize) {
    if (!all_zero(&ram[at], core::kPageSize)) hash = core::hash_bytes(ram.subspan(at, core::kPageSize), hash ^ at);
  }
  return hash;
}

void Machine::archive_ram(core::Archive& ar) {
  const std::span<u8> ram = memory().ram();
  ar.section("ram", 1, [&](u32) {
    u64 size = ram.size();
    ar("size", size);
    if (size != ram.size()) {
      throw core::ArchiveError(
          fmt::format("this state is of a machine with {} bytes of memory: give -m {}M", size, size >> 20));
    }
    const u64 chunks = (ram.size() + kChunk - 1) / kChunk;
    auto chunk = [&](u64 n) { return ram.subspan(n * kChunk, std::min(kChunk, ram.size() - n * kChunk)); };
    std::vector<u8> used((chunks + 7) / 8);
    for (u64 n = 0; n < chunks; ++n) {
      const std::span<u8> data = chunk(n);
      if (!all_zero(data.data(), data.size())) used[n / 8] |= static_cast<u8>(1 << n % 8);
    }
    const std::vector<u8> here = used;
    ar("used", used);
    if (used.size() != here.size()) throw core::ArchiveError("ram/used: of another size");
    for (u64 n = 0; n < chunks; ++n) {
      const std::span<u8> data = chunk(n);
      const bool saved = (used[n / 8] >> n % 8 & 1) != 0;
      if (saved) {
        ar.bytes(fmt::format("{:x}", n * kChunk), data);
      } else if (ar.loading() && (here[n / 8] >> n % 8 & 1) != 0) {
        std::memset(data.data(), 0, data.size());
      }
    }
  });
}

void Machine::archive(core::Archive& ar) {
  ar.section("machine", 1, [&](u32) {
    clock_.archive(ar);
    archive_ram(ar);
    pc_->archive(ar);
    // Chips that drive their lines while they load make each other set events: the clock's count of them comes last.
    if (ar.loading()) clock_.archive(ar);
  });
  if (ar.loading()) {
    pc_->take_requests();
    running_->loop.clear();
  }
}

std::vector<u8> Machine::save() { return core::save_to_bytes(*this); }
void Machine::load(std::span<const u8> bytes) { core::load_from_bytes(*this, bytes); }

cpu::Cpu& Machine::cpu() { return pc_->cpu(); }
core::GuestMemory& Machine::memory() { return pc_->memory(); }
core::PortBus& Machine::ports() { return pc_->ports(); }
std::optional<std::string> Machine::info(std::string_view topic) { return pc_->info(topic); }

std::string Machine::summary() const {
  std::string drives;
  for (const Drive& drive : config_.drives) {
    const std::optional<Medium> medium = pc_->medium(drive.id);
    drives += fmt::format(", {}{} {}", drive_name(drive.id), drive.media == Media::Cdrom ? " (CD)" : "",
                          medium ? medium->path : "empty");
  }
  return fmt::format("{}, {}, {} MiB{}{}", config_.board == Board::Pc ? "pc" : "isapc", pc_->cpu().model().name,
                     config_.memory >> 20, drives, config_.kernel.empty() ? "" : ", kernel " + config_.kernel);
}

}  // namespace orrery::machine
