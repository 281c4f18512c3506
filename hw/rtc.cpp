#include "hw/rtc.h"

#include <algorithm>

namespace orrery::hw {
namespace {

using core::bit;

// Register A
constexpr u8 kUip = 0x80;
// Register B
constexpr u8 kSet = 0x80, kPie = 0x40, kAie = 0x20, kUie = 0x10, kSqwe = 0x08, kBinary = 0x04, k24Hours = 0x02,
             kDse = 0x01;
// Register C; the flags stand where register B has their enables
constexpr u8 kIrqf = 0x80, kPf = 0x40, kAf = 0x20, kUf = 0x10;
// Register D
constexpr u8 kVrt = 0x80;

constexpr u64 kSecond = core::kNsPerSecond;
constexpr u64 kUipBefore = (244 + 1984) * 1000;
constexpr u64 kDaySeconds = 86'400;
constexpr i64 kLatest = 253'402'300'799;  // 9999-12-31 23:59:59

/// Days since 1970-01-01 of a date of the Gregorian calendar.
constexpr i64 days_of(i64 year, unsigned month, unsigned day) {
  // Years that begin in March put the leap day last; an era is 400 of them.
  const i64 y = month <= 2 ? year - 1 : year;
  const i64 era = (y >= 0 ? y : y - 399) / 400;
  const i64 year_of_era = y - era * 400;
  const i64 day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  return era * 146'097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719'468;
}

}  // namespace

struct Rtc::Date {
  i64 seconds = 0;       // since 1970-01-01 00:00:00
  unsigned weekday = 1;  // 1 is Sunday; counted apart from the date

  struct Civil {
    i64 year;
    unsigned month, day;
  };
  Civil civil() const {
    const i64 days = seconds / static_cast<i64>(kDaySeconds) + 719'468;  // never negative here
    const i64 era = days / 146'097;
    const i64 day_of_era = days % 146'097;
    const i64 year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
    const i64 day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const unsigned m = static_cast<unsigned>((5 * day_of_year + 2) / 153);
    const unsigned day = static_cast<unsigned>(day_of_year - (153 * m + 2) / 5 + 1);
    const unsigned month = m < 10 ? m + 3 : m - 9;
    return {era * 400 + year_of_era + (month <= 2 ? 1 : 0), month, day};
  }
};

Rtc::Rtc(core::PortBus& ports, core::Clock& clock, core::Log& log, core::LevelLine& irq, i64 start)
    : clock_(clock), log_(log), irq_(irq), event_(clock, "event", [this] {
        settle();
        update_irq();
        schedule();
      }) {
  divider_base_ = static_cast<i64>(clock_.now());
  ram_[kRegisterA] = 0x26;  // 32768 Hz, periodic rate 1024 Hz: what a PC's BIOS sets
  ram_[kRegisterB] = k24Hours;
  ram_[kRegisterD] = kVrt;
  set_time(start);
  const auto bank = [this](std::string title, u64 base, u8& index, u8 first) {
    return core::IoRange{.name = std::move(title),
                         .base = base,
                         .size = 2,
                         .widths = {},
                         .movable = false,
                         .read = [this, &index, first](u64 offset, unsigned) -> u64 {
                           return offset == 0 ? index : read(static_cast<u8>((index & 0x7f) | first));
                         },
                         .write =
                             [this, &index, first](u64 offset, unsigned, u64 value) {
                               if (offset != 0) {
                                 write(static_cast<u8>((index & 0x7f) | first), static_cast<u8>(value));
                                 return;
                               }
                               index = static_cast<u8>(value);
                               if (first == 0) nmi_masked_.set(bit(value, 7));
                             }};
  };
  mappings_[0] = ports.map(bank("rtc", 0x70, index_, 0x00));
  mappings_[1] = ports.map(bank("cmos", 0x72, extended_index_, 0x80));
}

void Rtc::reset() {
  settle();
  ram_[kRegisterB] &= static_cast<u8>(~(kPie | kAie | kUie | kSqwe));
  ram_[kRegisterC] = 0;
  index_ = extended_index_ = 0;
  nmi_masked_.set(false);
  update_irq();
  schedule();
}

void Rtc::archive(core::Archive& ar) {
  ar.section(name(), 1, [&](u32) {
    ar("ram", ram_);
    ar("index", index_);
    ar("extended_index", extended_index_);
    ar("divider_base", divider_base_);
    ar("seconds_settled", seconds_settled_);
    ar("periodic_settled", periodic_settled_);
    ar("fell_back", fell_back_);
    event_.archive(ar);
  });
  if (!ar.loading()) return;
  constexpr i64 kFarthest = i64{1} << 61;  // a damaged archive must not overflow the arithmetic on times
  divider_base_ = std::clamp(divider_base_, -kFarthest, kFarthest);
  irq_.restore(bit(ram_[kRegisterC], 7));
  nmi_masked_.restore(bit(index_, 7));
}

void Rtc::set_cmos(u8 index, u8 value) {
  if (index > kRegisterD && index != kCentury) ram_[index] = value;
}

u8 Rtc::cmos(u8 index) {
  settle();
  return ram_[index];
}

void Rtc::set_time(i64 seconds) {
  settle();
  Date date;
  date.seconds = std::clamp<i64>(seconds, 0, kLatest);
  date.weekday = static_cast<unsigned>((date.seconds / static_cast<i64>(kDaySeconds) + 4) % 7) + 1;
  set_date(date);
}

i64 Rtc::time() {
  settle();
  return date().seconds;
}

u8 Rtc::encode(unsigned value) const {
  if ((ram_[kRegisterB] & kBinary) != 0) return static_cast<u8>(value);
  return static_cast<u8>(value / 10 % 10 << 4 | value % 10);
}

unsigned Rtc::decode(u8 raw) const {
  if ((ram_[kRegisterB] & kBinary) != 0) return raw;
  return (raw >> 4) * 10u + (raw & 15u);
}

u8 Rtc::encode_hours(unsigned hours) const {
  if ((ram_[kRegisterB] & k24Hours) != 0) return encode(hours);
  const unsigned twelve = hours % 12 == 0 ? 12 : hours % 12;
  return static_cast<u8>(encode(twelve) | (hours >= 12 ? 0x80 : 0));
}

unsigned Rtc::decode_hours(u8 raw) const {
  if ((ram_[kRegisterB] & k24Hours) != 0) return decode(raw);
  return decode(raw & 0x7f) % 12 + (bit(raw, 7) ? 12 : 0);
}

/// The registers as a date. What the guest wrote outside a register's range is brought into it.
Rtc::Date Rtc::date() const {
  const unsigned second = std::min(decode(ram_[kSeconds]), 59u);
  const unsigned minute = std::min(decode(ram_[kMinutes]), 59u);
  const unsigned hour = std::min(decode_hours(ram_[kHours]), 23u);
  const unsigned day = std::clamp(decode(ram_[kDay]), 1u, 31u);
  const unsigned month = std::clamp(decode(ram_[kMonth]), 1u, 12u);
  const unsigned century = std::min(decode(ram_[kCentury]), 99u);
  const unsigned year = std::clamp(century * 100 + std::min(decode(ram_[kYear]), 99u), 1970u, 9999u);
  Date date;
  date.seconds = std::clamp<i64>(
      days_of(year, month, day) * static_cast<i64>(kDaySeconds) + hour * 3600 + minute * 60 + second, 0, kLatest);
  date.weekday = std::clamp(decode(ram_[kWeekday]), 1u, 7u);
  return date;
}

void Rtc::set_date(const Date& date) {
  const unsigned time = static_cast<unsigned>(date.seconds % static_cast<i64>(kDaySeconds));
  const Date::Civil civil = date.civil();
  ram_[kSeconds] = encode(time % 60);
  ram_[kMinutes] = encode(time / 60 % 60);
  ram_[kHours] = encode_hours(time / 3600);
  ram_[kWeekday] = encode(date.weekday);
  ram_[kDay] = encode(civil.day);
  ram_[kMonth] = encode(civil.month);
  ram_[kYear] = encode(static_cast<unsigned>(civil.year % 100));
  ram_[kCentury] = encode(static_cast<unsigned>(civil.year / 100));
}

/// Seconds from what the clock shows to the next 02:00:00 at which the daylight saving rule of the data sheet (register
/// B, DSE: the last Sundays of April and October) changes it.
u64 Rtc::until_daylight_change() const {
  const Date now = date();
  const i64 day = static_cast<i64>(kDaySeconds);
  const i64 today = now.seconds / day;
  const i64 year = now.civil().year;
  i64 best = kLatest * 2;
  for (i64 y = year; y <= year + 1; ++y) {
    for (const auto& [month, last] : {std::pair{4u, 30u}, std::pair{10u, 31u}}) {
      const i64 end = days_of(y, month, last);
      const i64 weekday = ((static_cast<i64>(now.weekday) - 1 + end - today) % 7 + 7) % 7;  // 0 is Sunday
      const i64 at = (end - weekday) * day + 2 * 3600;
      if (at > now.seconds) best = std::min(best, at - now.seconds);
    }
  }
  return static_cast<u64>(best);
}

void Rtc::advance(u64 seconds) {
  while (seconds > 0) {
    const bool daylight = (ram_[kRegisterB] & kDse) != 0;
    const u64 change = daylight ? until_daylight_change() : ~u64{0};
    const u64 step = std::min(seconds, change);
    Date next = date();
    const i64 day_before = next.seconds / static_cast<i64>(kDaySeconds);
    next.seconds = static_cast<i64>(static_cast<u64>(next.seconds) + std::min<u64>(step, u64{kLatest}));
    if (step == change) {
      if (next.civil().month == 4) {
        next.seconds += 3600;  // 1:59:59 is followed by 3:00:00
      } else {
        if (!fell_back_) next.seconds -= 3600;  // the first 1:59:59 is followed by 1:00:00
        fell_back_ = !fell_back_;
      }
    }
    if (next.seconds > kLatest) next.seconds %= kLatest + 1;
    const i64 days = next.seconds / static_cast<i64>(kDaySeconds) - day_before;
    next.weekday = static_cast<unsigned>(((static_cast<i64>(next.weekday) - 1 + days) % 7 + 7) % 7) + 1;
    set_date(next);
    seconds -= step;
  }
}

bool Rtc::alarm_matches() const {
  const auto matches = [this](Register alarm, Register now) {
    return (ram_[alarm] & 0xc0) == 0xc0 || ram_[alarm] == ram_[now];
  };
  return matches(kSecondsAlarm, kSeconds) && matches(kMinutesAlarm, kMinutes) && matches(kHoursAlarm, kHours);
}

void Rtc::pass_seconds(u64 count) {
  if (count == 0) return;
  ram_[kRegisterC] |= kUf;
  // An alarm comes round within a day, or never; once it has, the single seconds do not matter any more.
  for (u64 searched = 0; count > 0 && searched < kDaySeconds && (ram_[kRegisterC] & kAf) == 0; ++searched) {
    advance(1);
    --count;
    if (alarm_matches()) ram_[kRegisterC] |= kAf;
  }
  advance(count);
}

bool Rtc::updating() const { return (ram_[kRegisterB] & kSet) == 0 && (ram_[kRegisterA] & 0x70) <= 0x20; }

u32 Rtc::periodic_ticks() const {
  const unsigned rate = ram_[kRegisterA] & 0x0f;
  if (rate == 0 || (ram_[kRegisterA] & 0x70) > 0x20) return 0;
  return 1u << (rate < 3 ? rate + 6 : rate - 1);
}

u64 Rtc::divider_ns() const {
  const i64 passed = static_cast<i64>(clock_.now()) - divider_base_;
  return passed > 0 ? static_cast<u64>(passed) : 0;
}

u64 Rtc::second_end(u64 number) const { return static_cast<u64>(divider_base_ + static_cast<i64>(number * kSecond)); }

u64 Rtc::periodic_edge(u64 number) const {
  const auto ticks = static_cast<unsigned __int128>(number) * periodic_ticks();
  return static_cast<u64>(divider_base_ + static_cast<i64>((ticks * kSecond + 32'767) / 32'768));
}

u64 Rtc::periodic_edges() const {
  const u32 period = periodic_ticks();
  return period == 0 ? 0 : static_cast<u64>(static_cast<unsigned __int128>(divider_ns()) * 32'768 / kSecond / period);
}

void Rtc::settle() {
  const u64 seconds = divider_ns() / kSecond;
  const u64 count = seconds > seconds_settled_ ? seconds - seconds_settled_ : 0;
  seconds_settled_ = seconds;
  if (updating()) pass_seconds(count);
  const u64 edges = periodic_edges();
  if (edges > periodic_settled_) ram_[kRegisterC] |= kPf;
  periodic_settled_ = edges;
}

void Rtc::update_irq() {
  u8& c = ram_[kRegisterC];
  const bool asks = (c & ram_[kRegisterB] & (kPie | kAie | kUie)) != 0;
  c = static_cast<u8>(asks ? c | kIrqf : c & ~kIrqf);
  irq_.set(asks);
}

/// The next moment at which the interrupt line could rise.
void Rtc::schedule() {
  const u8 b = ram_[kRegisterB];
  u64 next = ~u64{0};
  if ((ram_[kRegisterC] & kIrqf) == 0) {
    if ((b & kPie) != 0 && periodic_ticks() != 0) next = periodic_edge(periodic_settled_ + 1);
    if ((b & (kAie | kUie)) != 0 && updating()) next = std::min(next, second_end(seconds_settled_ + 1));
  }
  if (next == ~u64{0}) {
    event_.cancel();
  } else {
    event_.at(next);
  }
}

u8 Rtc::read(u8 index) {
  settle();
  update_irq();
  u8 value = ram_[index];
  switch (index) {
    case kRegisterA:
      if (updating() && second_end(seconds_settled_ + 1) - clock_.now() <= kUipBefore) value |= kUip;
      break;
    case kRegisterC: ram_[kRegisterC] = 0; break;
    default: break;
  }
  update_irq();
  schedule();
  return value;
}

void Rtc::write(u8 index, u8 value) {
  settle();
  switch (index) {
    case kRegisterA: {
      const bool was_held = (ram_[kRegisterA] & 0x70) > 0x20;
      ram_[kRegisterA] = value & static_cast<u8>(~kUip);
      if (was_held && (value & 0x70) <= 0x20) {
        // The first update cycle comes half a second after the divider is let go.
        divider_base_ = static_cast<i64>(clock_.now()) - static_cast<i64>(kSecond / 2);
        seconds_settled_ = 0;
      }
      periodic_settled_ = periodic_edges();
      break;
    }
    case kRegisterB:
      if ((value & kSet) != 0) value &= static_cast<u8>(~kUie);
      ram_[kRegisterB] = value;
      break;
    case kRegisterC:
    case kRegisterD: return;  // read-only
    default: ram_[index] = value; return;
  }
  log_(core::Channel::Irq, "rtc: register {:02x} = {:02x}", index, value);
  update_irq();
  schedule();
}

}  // namespace orrery::hw
