#include "machine/governor.h"

#include <algorithm>

namespace orrery::machine {
namespace {

u64 scale(u64 value, u64 numerator, u64 denominator) {
  return static_cast<u64>(static_cast<unsigned __int128>(value) * numerator / std::max<u64>(denominator, 1));
}

}  // namespace

Governor::Governor(core::Clock& clock, u64 nominal_rate, std::function<void(u64)> post_rate)
    : clock_(clock), nominal_rate_(nominal_rate), post_rate_(std::move(post_rate)) {}

void Governor::set_speed(Speed speed) {
  speed_ = speed;
  started_ = false;
}

void Governor::set_percent(unsigned percent) {
  percent_ = std::clamp(percent, 1u, 100u);
  started_ = false;
}

void Governor::restart(u64 host_ns) {
  anchor_host_ = window_host_ = host_ns;
  anchor_virtual_ = window_virtual_ = clock_.now();
  window_slept_ = 0;
  if (!started_) {
    started_ = true;
    slept_ = false;
    report_host_ = host_ns;
    report_virtual_ = clock_.now();
    report_ticks_ = clock_.ticks();
  }
}

Governor::Plan Governor::plan(u64 host_ns) {
  if (speed_ == Speed::Paused) {
    started_ = false;
    achieved_ = 0;
    return {clock_.ticks(), ~u64{0}};
  }
  if (!started_) restart(host_ns);
  if (slept_) window_slept_ += host_ns - last_host_;
  last_host_ = host_ns;
  slept_ = false;

  const u64 now = clock_.now();
  if (host_ns - report_host_ >= kReportNs) {
    achieved_ = static_cast<unsigned>(scale(now - report_virtual_, 100, host_ns - report_host_));
    measured_rate_ = scale(clock_.ticks() - report_ticks_, core::kNsPerSecond, host_ns - report_host_);
    report_host_ = host_ns;
    report_virtual_ = now;
    report_ticks_ = clock_.ticks();
  }

  if (speed_ == Speed::Turbo) {
    // About a slice of host time at the speed that was seen last.
    return {clock_.tick_at(now + std::clamp<u64>(scale(kSliceNs, achieved_, 100), kSliceNs / 4, 25 * kSliceNs)), 0};
  }

  const u64 percent = speed_ == Speed::Slow ? percent_ : 100;
  const u64 target = anchor_virtual_ + scale(host_ns - anchor_host_, percent, 100);
  if (now > target) {
    slept_ = true;
    return {clock_.ticks(), std::max<u64>(scale(now - target, 100, percent), 1)};
  }
  adapt(host_ns, target - now);
  return {std::max(clock_.tick_at(now + scale(kSliceNs, percent, 100)), clock_.ticks() + 1), 0};
}

void Governor::adapt(u64 host_ns, u64 late_ns) {
  const u64 elapsed = host_ns - window_host_;
  if (elapsed < kWindowNs) return;
  const u64 passed = clock_.now() - window_virtual_;
  const u64 rate = clock_.rate();
  const bool late = late_ns > kLateNs;
  if (!pinned_ && late) {
    // What the host could do of what was asked, and a little less, so that there is room to sleep. Not to less than a
    // quarter at once: one hiccup of the host is no reason to crawl.
    const u64 asked = speed_ == Speed::Slow ? scale(elapsed, percent_, 100) : elapsed;
    const u64 wanted = scale(scale(rate, passed, asked), 95, 100);
    const u64 next = std::clamp(wanted, std::max(rate / 4, kSlowestRate), std::max(rate * 98 / 100, kSlowestRate));
    if (next < rate) post_rate_(next);
  } else if (!pinned_ && rate < nominal_rate_ && window_slept_ > elapsed / 5) {
    post_rate_(std::min(nominal_rate_, rate + rate / 10 + 1));
  }
  // What was lost stays lost: to hurry after it would make time uneven.
  if (late) {
    restart(host_ns);
  } else {
    window_host_ = host_ns;
    window_virtual_ = clock_.now();
    window_slept_ = 0;
  }
}

}  // namespace orrery::machine
