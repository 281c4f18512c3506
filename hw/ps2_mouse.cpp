#include "hw/ps2_mouse.h"

#include <algorithm>

namespace orrery::hw {
namespace {

constexpr u8 kAck = 0xfa, kResend = 0xfe, kSelfTestPassed = 0xaa;
constexpr u64 kSelfTestNs = 20'000'000;
constexpr std::size_t kMostReplies = 16;
/// Motion that waits longer than the guest cares to fetch it is cut off here.
constexpr i32 kMostMotion = 65'535;

i32 add(i32 a, i32 b) { return static_cast<i32>(std::clamp<i64>(i64{a} + b, -kMostMotion, kMostMotion)); }

/// Scaling 2:1, "Set Scaling 2:1" in the reference.
i32 scaled(i32 counts) {
  constexpr std::array<i32, 6> kCurve{0, 1, 1, 3, 6, 9};
  const i32 size = std::abs(counts);
  const i32 result = size < 6 ? kCurve[static_cast<std::size_t>(size)] : size * 2;
  return counts < 0 ? -result : result;
}

}  // namespace

Ps2Mouse::Ps2Mouse(core::Clock& clock, core::Log& log)
    : clock_(clock), log_(log), sample_(clock, "sample", [this] { due(); }), self_test_(clock, "self_test", [this] {
        reply(kSelfTestPassed);
        reply(0);
      }) {}

void Ps2Mouse::reset() {
  set_defaults();
  self_test_.cancel();
  replies_.clear();
  expect_ = Expect::Command;
  wrap_ = false;
  id_ = 0;
  last_rates_.fill(0);
  last_sent_ = 0;
}

void Ps2Mouse::archive(core::Archive& ar) {
  ar.section(name(), 1, [&](u32) {
    ar("replies", replies_);
    ar("report", report_);
    ar("mode", mode_);
    ar("expect", expect_);
    ar("wrap", wrap_);
    ar("reporting", reporting_);
    ar("scaling_2_1", scaling_2_1_);
    ar("resolution", resolution_);
    ar("sample_rate", sample_rate_);
    ar("id", id_);
    ar("last_rates", last_rates_);
    ar("last_sent", last_sent_);
    ar("buttons", buttons_);
    ar("reported_buttons", reported_buttons_);
    ar("nudged", nudged_);
    ar("dx", dx_);
    ar("dy", dy_);
    ar("dz", dz_);
    ar("next_report", next_report_);
    sample_.archive(ar);
    self_test_.archive(ar);
  });
  if (!ar.loading()) return;
  if (replies_.size() > kMostReplies) replies_.resize(kMostReplies);
  if (report_.size() > 4) report_.resize(4);
  dx_ = add(dx_, 0);
  dy_ = add(dy_, 0);
  dz_ = add(dz_, 0);
  sample_rate_ = std::max<u8>(sample_rate_, 1);
}

void Ps2Mouse::set_defaults() {
  mode_ = Mode::Stream;
  reporting_ = false;
  scaling_2_1_ = false;
  resolution_ = 2;
  sample_rate_ = 100;
  clear_counters();
}

void Ps2Mouse::clear_counters() {
  dx_ = dy_ = dz_ = 0;
  reported_buttons_ = buttons_;
  nudged_ = false;
  report_.clear();
  sample_.cancel();
}

// --- motion ----------------------------------------------------------------------------------------------------------

void Ps2Mouse::move(i32 dx, i32 dy) {
  if (!tracking()) return;
  dx_ = add(dx_, dx);
  dy_ = add(dy_, -std::max(dy, -kMostMotion));  // up is positive on the wire
  something_happened();
}

void Ps2Mouse::set_buttons(u8 down) {
  buttons_ = down & 0x1f;
  something_happened();
}

void Ps2Mouse::wheel(i32 notches) {
  if (!tracking() || id_ == 0) return;
  dz_ = add(dz_, -std::max(notches, -kMostMotion));  // towards the user is positive on the wire
  something_happened();
}

void Ps2Mouse::nudge() {
  nudged_ = true;
  something_happened();
}

bool Ps2Mouse::news() const {
  const u8 seen = id_ == 4 ? 0x1f : 0x07;
  return nudged_ || dx_ != 0 || dy_ != 0 || dz_ != 0 || ((buttons_ ^ reported_buttons_) & seen) != 0;
}

/// Reports at once if the sample rate allows, or sets the event for when it does.
void Ps2Mouse::something_happened() {
  if (mode_ != Mode::Stream || !reporting_ || wrap_ || !report_.empty() || !news()) return;
  if (clock_.now() < next_report_) {
    if (!sample_.pending()) sample_.at(next_report_);
    return;
  }
  due();
}

void Ps2Mouse::due() {
  if (mode_ != Mode::Stream || !reporting_ || wrap_ || !report_.empty() || !news()) return;
  build_report(report_, true);
  next_report_ = clock_.now() + core::kNsPerSecond / sample_rate_;
  byte_ready();
}

void Ps2Mouse::build_report(std::vector<u8>& out, bool stream) {
  const i32 x = std::clamp(dx_, -256, 255);
  const i32 y = std::clamp(dy_, -256, 255);
  dx_ -= x;
  dy_ -= y;
  // Scaling applies to reports in stream mode only; a result that does not fit is the largest, with its overflow bit.
  const i32 sx = stream && scaling_2_1_ ? scaled(x) : x;
  const i32 sy = stream && scaling_2_1_ ? scaled(y) : y;
  const bool x_overflow = sx < -256 || sx > 255;
  const bool y_overflow = sy < -256 || sy > 255;
  out.push_back(static_cast<u8>((y_overflow ? 0x80 : 0) | (x_overflow ? 0x40 : 0) | (sy < 0 ? 0x20 : 0) |
                                (sx < 0 ? 0x10 : 0) | 0x08 | (buttons_ & 7)));
  out.push_back(static_cast<u8>(std::clamp(sx, -256, 255)));
  out.push_back(static_cast<u8>(std::clamp(sy, -256, 255)));
  if (id_ != 0) {
    const i32 z = std::clamp(dz_, -8, 7);
    dz_ -= z;
    out.push_back(id_ == 3 ? static_cast<u8>(z) : static_cast<u8>((z & 0x0f) | (buttons_ & 0x18) << 1));
  }
  reported_buttons_ = buttons_;
  nudged_ = false;
}

// --- commands --------------------------------------------------------------------------------------------------------

u8 Ps2Mouse::take_byte() {
  std::vector<u8>& from = replies_.empty() ? report_ : replies_;
  if (from.empty()) return last_sent_;
  last_sent_ = from.front();
  from.erase(from.begin());
  if (report_.empty()) something_happened();
  return last_sent_;
}

void Ps2Mouse::reply(u8 byte) {
  if (replies_.size() < kMostReplies) replies_.push_back(byte);
  byte_ready();
}

void Ps2Mouse::set_sample_rate(u8 rate) {
  sample_rate_ = std::max<u8>(rate, 1);
  last_rates_ = {last_rates_[1], last_rates_[2], rate};
  if (last_rates_ == std::array<u8, 3>{200, 100, 80} && id_ == 0) id_ = 3;
  if (last_rates_ == std::array<u8, 3>{200, 200, 80}) id_ = 4;
}

void Ps2Mouse::receive(u8 byte) {
  // The host's byte ends what the mouse was sending; a report that was under way is lost.
  replies_.clear();
  report_.clear();
  if (wrap_ && byte != 0xec && byte != 0xff) {
    reply(byte);
    return;
  }
  const Expect expected = expect_;
  expect_ = Expect::Command;
  switch (expected) {
    case Expect::Resolution:
      if (byte <= 3) {
        resolution_ = byte;
        reply(kAck);
      } else {
        reply(kResend);
      }
      return;
    case Expect::SampleRate:
      if (byte != 0 && byte <= 200) {
        set_sample_rate(byte);
        reply(kAck);
      } else {
        reply(kResend);
      }
      return;
    case Expect::Command: command(byte); return;
  }
}

void Ps2Mouse::command(u8 byte) {
  switch (byte) {
    case 0xe6:  // Set Scaling 1:1
    case 0xe7:  // Set Scaling 2:1
      scaling_2_1_ = byte == 0xe7;
      reply(kAck);
      break;
    case 0xe8:  // Set Resolution
      expect_ = Expect::Resolution;
      reply(kAck);
      break;
    case 0xe9:  // Status Request
      reply(kAck);
      reply(static_cast<u8>((mode_ == Mode::Remote ? 0x40 : 0) | (reporting_ ? 0x20 : 0) | (scaling_2_1_ ? 0x10 : 0) |
                            ((buttons_ & 1) != 0 ? 4 : 0) | ((buttons_ & 4) != 0 ? 2 : 0) |
                            ((buttons_ & 2) != 0 ? 1 : 0)));
      reply(resolution_);
      reply(sample_rate_);
      break;
    case 0xea:  // Set Stream Mode
      mode_ = Mode::Stream;
      clear_counters();
      reply(kAck);
      break;
    case 0xeb:  // Read Data
      replies_.push_back(kAck);
      build_report(replies_, false);
      byte_ready();
      break;
    case 0xec:  // Reset Wrap Mode
      wrap_ = false;
      clear_counters();
      reply(kAck);
      break;
    case 0xee:  // Set Wrap Mode
      wrap_ = true;
      clear_counters();
      reply(kAck);
      break;
    case 0xf0:  // Set Remote Mode
      mode_ = Mode::Remote;
      clear_counters();
      reply(kAck);
      break;
    case 0xf2:  // Read Device Type
      reply(kAck);
      reply(id_);
      break;
    case 0xf3:  // Set Sampling Rate
      expect_ = Expect::SampleRate;
      reply(kAck);
      break;
    case 0xf4:  // Enable
      reporting_ = true;
      clear_counters();
      reply(kAck);
      break;
    case 0xf5:  // Disable
      reporting_ = false;
      clear_counters();
      reply(kAck);
      break;
    case 0xf6:  // Set Default
      set_defaults();
      reply(kAck);
      break;
    case 0xfe:  // Resend
      reply(last_sent_);
      break;
    case 0xff:  // Reset
      reset();
      reply(kAck);
      self_test_.at(clock_.now() + kSelfTestNs);
      break;
    default:
      log_.once(core::Channel::GuestErrors, "mouse: unknown command {:02x}", byte);
      reply(kResend);
      break;
  }
}

}  // namespace orrery::hw
