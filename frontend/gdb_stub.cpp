#include "frontend/gdb_stub.h"

#include <fmt/format.h>

#include <algorithm>

namespace orrery::frontend {
namespace {

using machine::Debugger;
using Cause = Debugger::Stop::Cause;
using Kind = cpu::DebugPoint::Kind;
using Space = cpu::DebugPoint::Space;

// gdb's signal numbers.
constexpr int kSigInt = 2, kSigTrap = 5, kSigSegv = 11;

constexpr u64 kMostPoints = 1024;
/// A watched area may be of any size; one that is larger than this is a slip.
constexpr u64 kLongestPoint = 1 << 20;

/// "ADDR,LENGTH" from the front.
bool take_range(std::string_view& text, u64& address, u64& length) {
  const auto a = gdb_take_number(text);
  if (!a || !gdb_take(text, ",")) return false;
  const auto l = gdb_take_number(text);
  if (!l) return false;
  address = *a;
  length = *l;
  return true;
}

bool our_thread(std::string_view text) {
  return text.empty() || text == "0" || text == "1" || text == "-1" || text == "01";
}

}  // namespace

GdbStub::GdbStub(machine::Machine& machine, Debugger& debugger, Options options, Host host)
    : machine_(machine), debugger_(debugger), options_(options), host_(std::move(host)) {
  debugger_.on_stop([this](const Debugger::Stop& stop) { stopped(stop); });
}

// --- the connection --------------------------------------------------------------------------------------------------

void GdbStub::connected() {
  reader_.reset();
  attached_ = acks_ = true;
  waiting_ = software_reason_ = hardware_reason_ = physical_ = false;
  through_interrupts_ = true;
  last_.clear();
  xml_.clear();
  debugger_.pause();
}

void GdbStub::disconnected() {
  if (!attached_) return;
  attached_ = waiting_ = false;
  drop_points();
  debugger_.resume();
}

void GdbStub::drop_points() {
  for (const auto& [place, id] : points_) debugger_.remove(id);
  points_.clear();
}

void GdbStub::ended(int status) {
  if (attached_ && waiting_) reply(fmt::format("W{:02x}", status & 0xff));
  waiting_ = false;
}

void GdbStub::receive(std::span<const u8> bytes) {
  using Event = GdbPacketReader::Event::Kind;
  reader_.feed(bytes, [this](GdbPacketReader::Event event) {
    if (!attached_) return;
    switch (event.kind) {
      case Event::Packet:
        if (acks_) host_.send("+");
        packet(std::move(event.payload));
        break;
      case Event::TooLong:
        if (acks_) host_.send("+");
        error(fmt::format("a packet has at most {} bytes", kGdbPacketSize));
        break;
      case Event::Bad:
        if (acks_) host_.send("-");
        break;
      case Event::Nak:
        if (acks_ && !last_.empty()) host_.send(last_);
        break;
      case Event::Ack: break;
      case Event::Interrupt:
        if (debugger_.stopped()) {
          if (waiting_) stopped(debugger_.last_stop());
        } else {
          debugger_.pause();
        }
        break;
    }
  });
}

void GdbStub::reply(std::string_view payload) {
  last_ = gdb_frame(payload);
  host_.send(last_);
}

void GdbStub::error(std::string_view what) { reply(fmt::format("E.{}", what)); }

// --- stops -----------------------------------------------------------------------------------------------------------

void GdbStub::stopped(const Debugger::Stop& stop) {
  if (!attached_ || !waiting_) return;
  waiting_ = false;
  if (stop.cause == Cause::Ended && !stop.result.message.empty()) {
    reply("O" + gdb_hex(fmt::format("orrery: {}; continue to end\n", stop.result.message)));
  }
  reply(stop_reply(stop));
}

std::string GdbStub::stop_reply(const Debugger::Stop& stop) const {
  int signal = kSigTrap;
  if (stop.cause == Cause::Pause) signal = kSigInt;
  if (stop.cause == Cause::Ended) signal = kSigSegv;
  std::string out = fmt::format("T{:02x}", signal);
  for (const std::size_t n : {kGdbEbp, kGdbEsp, kGdbEip}) {
    out += fmt::format("{:02x}:{};", n, gdb_hex(*gdb_read_register(machine_.cpu(), n, options_.pc)));
  }
  out += "thread:1;";
  if (stop.cause != Cause::Point) return out;
  switch (stop.point.kind) {
    case Kind::Write: return out + fmt::format("watch:{:x};", stop.address);
    case Kind::Read: return out + fmt::format("rwatch:{:x};", stop.address);
    case Kind::Access: return out + fmt::format("awatch:{:x};", stop.address);
    case Kind::Execute: break;
  }
  // gdb looks for its breakpoint at $pc: where that is no address, the reason would only mislead it.
  const cpu::State& s = machine_.cpu().state();
  if (options_.pc == GdbPc::Raw && s.seg[cpu::kCs].base != 0) return out;
  for (const auto& [place, id] : points_) {
    if (id != stop.id) continue;
    if (place.type == '0' && software_reason_) return out + "swbreak:;";
    if (place.type == '1' && hardware_reason_) return out + "hwbreak:;";
  }
  return out;
}

// --- going -----------------------------------------------------------------------------------------------------------

void GdbStub::start(const machine::StepGoal* step) {
  waiting_ = true;
  if (step != nullptr) {
    debugger_.step(*step);
  } else {
    // gdb itself steps over a breakpoint at $pc where it wants to pass it.
    debugger_.resume(false);
  }
}

void GdbStub::go(std::string_view rest, bool step, bool with_signal) {
  if (with_signal) {
    gdb_take_number(rest);
    gdb_take(rest, ";");
  }
  if (const auto address = gdb_take_number(rest)) {
    std::vector<u8> bytes(4);
    core::store_le<u32>(bytes.data(), static_cast<u32>(*address));
    const std::string problem = gdb_write_register(debugger_, machine_.cpu(), kGdbEip, bytes, options_.pc);
    if (!problem.empty()) return error(problem);
  }
  machine::StepGoal goal;
  goal.through_interrupts = through_interrupts_;
  start(step ? &goal : nullptr);
}

void GdbStub::resume_with(std::string_view actions) {
  while (gdb_take(actions, ";")) {
    const std::string_view action = actions.substr(0, actions.find(';'));
    actions.remove_prefix(action.size());
    const std::size_t colon = action.find(':');
    if (colon != std::string_view::npos && !our_thread(action.substr(colon + 1))) continue;
    std::string_view what = action.substr(0, colon);
    machine::StepGoal goal;
    goal.through_interrupts = through_interrupts_;
    if (what.starts_with('c') || what.starts_with('C')) return start(nullptr);
    if (what.starts_with('s') || what.starts_with('S')) return start(&goal);
    if (gdb_take(what, "r")) {
      const auto first = gdb_take_number(what);
      const bool comma = gdb_take(what, ",");
      const auto last = gdb_take_number(what);
      if (!first || !comma || !last) return error("r needs two addresses");
      // The addresses are $pc values.
      const u64 base = options_.pc == GdbPc::Raw ? machine_.cpu().state().seg[cpu::kCs].base : 0;
      goal.range_first = (*first + base) & 0xffffffff;
      goal.range_last = (*last + base) & 0xffffffff;
      return start(&goal);
    }
    return error("unknown action");
  }
  error("there is no such thread");
}

// --- packets ---------------------------------------------------------------------------------------------------------

void GdbStub::packet(std::string payload) {
  if (payload.empty()) return reply("");
  const std::string_view rest = std::string_view(payload).substr(1);
  switch (payload[0]) {
    case '!': return reply("OK");
    case '?': {
      // A machine that simply stands has got no signal.
      Debugger::Stop stop = debugger_.last_stop();
      if (stop.cause == Cause::Pause) stop.cause = Cause::Step;
      return reply(stop_reply(stop));
    }
    case 'g': return reply(registers());
    case 'G': return write_registers(rest) ? reply("OK") : error("not all registers could be written");
    case 'p': return read_register(rest);
    case 'P': return write_register(rest);
    case 'm': return read_memory(rest, false);
    case 'x': return read_memory(rest, true);
    case 'M': return write_memory(rest, false);
    case 'X': return write_memory(rest, true);
    case 'c': return go(rest, false, false);
    case 'C': return go(rest, false, true);
    case 's': return go(rest, true, false);
    case 'S': return go(rest, true, true);
    case 'z': return point(rest, false);
    case 'Z': return point(rest, true);
    case 'H': return our_thread(rest.substr(std::min<std::size_t>(rest.size(), 1))) ? reply("OK") : reply("E22");
    case 'T': return our_thread(rest) ? reply("OK") : reply("E22");
    case 'D': reply("OK"); return disconnected();
    case 'k': return host_.quit();
    case 'R':
      machine_.post(machine::ResetButton{});
      machine_.settle();
      return;
    case 'q': return query(rest);
    case 'Q': return set(rest);
    case 'v': return verbose(rest);
    default: return reply("");
  }
}

std::string GdbStub::registers() const {
  std::string out;
  for (std::size_t n = 0; n < gdb_register_count(); ++n)
    out += gdb_hex(*gdb_read_register(machine_.cpu(), n, options_.pc));
  return out;
}

bool GdbStub::write_registers(std::string_view hex) {
  const std::optional<std::string> bytes = gdb_unhex(hex);
  if (!bytes) return false;
  std::span<const u8> left(reinterpret_cast<const u8*>(bytes->data()), bytes->size());
  bool all = true;
  for (std::size_t n = 0; n < gdb_register_count(); ++n) {
    const std::size_t size = gdb_register_size(n);
    if (left.size() < size) return all;
    all = gdb_write_register(debugger_, machine_.cpu(), n, left.first(size), options_.pc).empty() && all;
    left = left.subspan(size);
  }
  return all;
}

void GdbStub::read_register(std::string_view rest) {
  const auto number = gdb_take_number(rest);
  const auto bytes = number ? gdb_read_register(machine_.cpu(), *number, options_.pc) : std::nullopt;
  if (!bytes) return reply("E22");
  reply(gdb_hex(*bytes));
}

void GdbStub::write_register(std::string_view rest) {
  const auto number = gdb_take_number(rest);
  const auto bytes = number && gdb_take(rest, "=") ? gdb_unhex(rest) : std::nullopt;
  if (!bytes) return reply("E22");
  const std::string problem =
      gdb_write_register(debugger_, machine_.cpu(), *number,
                         std::span(reinterpret_cast<const u8*>(bytes->data()), bytes->size()), options_.pc);
  if (!problem.empty()) return error(problem);
  reply("OK");
}

void GdbStub::read_memory(std::string_view rest, bool binary) {
  u64 address = 0, length = 0;
  if (!take_range(rest, address, length)) return reply("E22");
  // Twice as many digits, or an escape for each byte, must fit.
  std::vector<u8> bytes(static_cast<std::size_t>(std::min<u64>(length, kGdbPacketSize / 2 - 16)));
  bytes.resize(debugger_.read(physical_ ? Space::Physical : Space::Linear, address, bytes));
  if (bytes.empty() && length != 0) return reply("E14");
  if (binary) return reply("b" + std::string(bytes.begin(), bytes.end()));
  reply(gdb_hex(bytes));
}

void GdbStub::write_memory(std::string_view rest, bool binary) {
  u64 address = 0, length = 0;
  if (!take_range(rest, address, length) || !gdb_take(rest, ":")) return reply("E22");
  const std::optional<std::string> data = binary ? std::optional(std::string(rest)) : gdb_unhex(rest);
  if (!data || data->size() != length) return reply("E22");
  if (length == 0) return reply("OK");
  if (debugger_.read_only()) return error("a recording is replayed: nothing can be changed");
  const std::span<const u8> bytes(reinterpret_cast<const u8*>(data->data()), data->size());
  const std::size_t done = debugger_.write(physical_ ? Space::Physical : Space::Linear, address, bytes);
  reply(done == bytes.size() ? "OK" : "E14");
}

void GdbStub::point(std::string_view rest, bool insert) {
  if (rest.size() < 2 || rest[0] < '0' || rest[0] > '4') return reply("");
  Place place{rest[0], 0, 0};
  rest.remove_prefix(1);
  if (!gdb_take(rest, ",") || !take_range(rest, place.address, place.length)) return reply("E22");
  if (place.type <= '1') place.length = 1;  // there it is the kind of breakpoint
  const auto found = points_.find(place);
  if (!insert) {
    if (found != points_.end()) {
      debugger_.remove(found->second);
      points_.erase(found);
    }
    return reply("OK");
  }
  if (found != points_.end()) return reply("OK");
  if (points_.size() >= kMostPoints || place.length == 0 || place.length > kLongestPoint) return reply("E22");
  static constexpr Kind kKinds[] = {Kind::Execute, Kind::Execute, Kind::Write, Kind::Read, Kind::Access};
  points_[place] = debugger_.add({.kind = kKinds[place.type - '0'],
                                  .space = physical_ ? Space::Physical : Space::Linear,
                                  .address = place.address,
                                  .length = place.length});
  reply("OK");
}

void GdbStub::verbose(std::string_view rest) {
  if (rest == "Cont?") return reply("vCont;c;C;s;S;r");
  if (gdb_take(rest, "Cont")) return resume_with(rest);
  if (rest.starts_with("Kill")) {
    reply("OK");
    return host_.quit();
  }
  reply("");  // vMustReplyEmpty among them
}

void GdbStub::query(std::string_view rest) {
  if (gdb_take(rest, "Supported")) {
    software_reason_ = rest.find("swbreak+") != std::string_view::npos;
    hardware_reason_ = rest.find("hwbreak+") != std::string_view::npos;
    return reply(
        fmt::format("PacketSize={:x};qXfer:features:read+;qXfer:threads:read+;vContSupported+;swbreak+;hwbreak+;"
                    "QStartNoAckMode+;binary-upload+;error-message+",
                    kGdbPacketSize));
  }
  if (gdb_take(rest, "Xfer:")) return transfer(rest);
  if (gdb_take(rest, "Rcmd,")) return run_monitor(rest);
  if (rest == "C") return reply("QC1");
  if (rest == "fThreadInfo") return reply("m1");
  if (rest == "sThreadInfo") return reply("l");
  if (rest.starts_with("ThreadExtraInfo")) {
    return reply(gdb_hex(machine_.cpu().state().activity == cpu::Activity::Halted ? "CPU 0, halted" : "CPU 0"));
  }
  if (rest.starts_with("Attached")) return reply("1");
  if (rest.starts_with("Symbol")) return reply("OK");
  if (rest == "qemu.PhyMemMode") return reply(physical_ ? "1" : "0");
  if (rest == "qemu.sstepbits") return reply("ENABLE=1,NOIRQ=2,NOTIMER=4");
  if (rest == "qemu.sstep") return reply(through_interrupts_ ? "0x7" : "0x1");
  reply("");
}

void GdbStub::set(std::string_view rest) {
  if (rest == "StartNoAckMode") {
    reply("OK");
    acks_ = false;
    return;
  }
  if (gdb_take(rest, "qemu.PhyMemMode:")) {
    if (rest != "0" && rest != "1") return reply("E22");
    physical_ = rest == "1";
    return reply("OK");
  }
  if (gdb_take(rest, "qemu.sstep")) {
    if (!gdb_take(rest, "=")) gdb_take(rest, ":");
    gdb_take(rest, "0x");
    const auto bits = gdb_take_number(rest);
    if (!bits) return reply("E22");
    through_interrupts_ = (*bits & 2) != 0;
    return reply("OK");
  }
  reply("");
}

std::string GdbStub::arch_xml() {
  GdbArch arch = options_.arch;
  if (arch == GdbArch::Auto) arch = machine_.cpu().state().seg[cpu::kCs].db() ? GdbArch::I386 : GdbArch::I8086;
  return gdb_target_xml(arch);
}

void GdbStub::transfer(std::string_view rest) {
  std::string text;
  if (gdb_take(rest, "features:read:")) {
    const std::string_view annex = rest.substr(0, rest.find(':'));
    if (annex != "target.xml") return reply("E00");
    rest.remove_prefix(annex.size());
    if (xml_.empty()) xml_ = arch_xml();
    text = xml_;
  } else if (gdb_take(rest, "threads:read:")) {
    text = "<?xml version=\"1.0\"?>\n<threads><thread id=\"1\" core=\"0\" name=\"CPU 0\"/></threads>\n";
  } else {
    return reply("");
  }
  u64 offset = 0, length = 0;
  if (!gdb_take(rest, ":") || !take_range(rest, offset, length)) return reply("E22");
  if (offset > text.size()) return reply("E22");
  const std::string part = text.substr(static_cast<std::size_t>(offset),
                                       static_cast<std::size_t>(std::min<u64>(length, kGdbPacketSize / 2 - 16)));
  reply((offset + part.size() == text.size() ? "l" : "m") + part);
}

void GdbStub::run_monitor(std::string_view hex) {
  const std::optional<std::string> line = gdb_unhex(hex);
  if (!line) return reply("E22");
  std::string_view text;
  const std::string output = host_.monitor ? host_.monitor(*line) : "There is no monitor here.\n";
  text = output;
  constexpr std::size_t kPiece = kGdbPacketSize / 2 - 16;
  for (; !text.empty(); text.remove_prefix(std::min(kPiece, text.size()))) reply("O" + gdb_hex(text.substr(0, kPiece)));
  reply("OK");
}

}  // namespace orrery::frontend
