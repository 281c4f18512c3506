// What a script's conditions look at.
#include <fmt/format.h>

#include <algorithm>

#include "frontend/register_names.h"
#include "frontend/test_runner.h"
#include "frontend/usage_error.h"

namespace orrery::frontend {
namespace {

/// Reads RAM and ROM without side effects: a device's registers are not touched. False where neither is.
bool read_physical(core::GuestMemory& memory, u64 address, u8& byte) {
  const core::GuestMemory::Page& page = memory.page(address);
  if (page.read == nullptr) return false;
  byte = page.read[address & core::kPageMask];
  return true;
}

std::string last_line(const std::string& text) {
  const std::size_t end = text.find_last_not_of("\r\n");
  if (end == std::string::npos) return "nothing";
  const std::size_t begin = text.rfind('\n', end);
  return '"' +
         text.substr(begin == std::string::npos ? 0 : begin + 1,
                     end - (begin == std::string::npos ? 0 : begin + 1) + 1) +
         '"';
}

}  // namespace

TestRunner::Check TestRunner::check(const ConditionKind& what) {
  machine();
  return std::visit([this](const auto& c) { return look(c); }, what);
}

TestRunner::Check TestRunner::look(const TextCondition& c) {
  const hw::TextScreen text = machine_->text_screen();
  if (!text.text_mode()) {
    const hw::Frame& frame = machine_->frame();
    return {false, fmt::format("a {}x{} picture and no text", frame.width, frame.height)};
  }
  return {c.pattern.find(text.text()).has_value(), "another text, see below"};
}

TestRunner::Check TestRunner::look(const StreamCondition& c) {
  const std::string& stream = streams_[c.stream];
  std::size_t& searched = searched_to_[&c];
  searched = std::max(searched, read_to_[c.stream]);
  const auto end = c.pattern.find(stream, searched);
  if (!end) searched = c.pattern.resume(stream, searched);
  // What was found is read: the next search starts behind it.
  if (end) read_to_[c.stream] = *end;
  return {end.has_value(), fmt::format("{} bytes so far, the last line is {}", stream.size(), last_line(stream))};
}

TestRunner::Check TestRunner::look(const ScreenshotCondition& c) {
  const Picture golden = read_png(c.path);
  const Picture now = picture_of(machine_->frame());
  const PictureDifference difference = compare_pictures(now, golden, c.tolerance, c.area);
  golden_seen_ = c.path;
  if (!difference.same_size) {
    return {false, fmt::format("{}x{} pixels instead of {}x{}", now.width, now.height, golden.width, golden.height)};
  }
  return {difference.differing <= c.differ,
          fmt::format("{} pixels differ, first at {},{}, by up to {}", difference.differing, difference.x, difference.y,
                      difference.worst)};
}

TestRunner::Check TestRunner::look(const PixelCondition& c) {
  const hw::Frame& frame = machine_->frame();
  if (c.x >= frame.width || c.y >= frame.height) {
    return {false, fmt::format("a picture of only {}x{}", frame.width, frame.height)};
  }
  const u32 pixel = frame.pixel(c.x, c.y);
  const auto off = [&](unsigned shift) {
    const int a = static_cast<int>((pixel >> shift) & 255);
    const int b = static_cast<int>((c.rgb >> shift) & 255);
    return static_cast<unsigned>(a > b ? a - b : b - a);
  };
  return {off(0) <= c.tolerance && off(8) <= c.tolerance && off(16) <= c.tolerance, fmt::format("{:06x}", pixel)};
}

TestRunner::Check TestRunner::look(const PictureHashCondition& c) {
  const u64 hash = picture_hash(picture_of(machine_->frame()));
  return {hash == c.hash, fmt::format("{:016x}", hash)};
}

TestRunner::Check TestRunner::look(const ModeCondition& c) {
  const hw::TextScreen text = machine_->text_screen();
  const hw::Frame& frame = machine_->frame();
  const std::string found = text.text_mode() ? fmt::format("text of {}x{}", text.columns, text.rows)
                            : frame.dark     ? std::string("a dark screen")
                                             : fmt::format("graphics of {}x{}", frame.width, frame.height);
  const bool graphics = !text.text_mode() && !frame.dark && frame.width != 0;
  switch (c.kind) {
    case ModeCondition::Kind::Text: return {text.text_mode(), found};
    case ModeCondition::Kind::Graphics: return {graphics, found};
    case ModeCondition::Kind::Size: break;
  }
  const bool text_size = text.text_mode() && text.columns == c.width && text.rows == c.height;
  return {text_size || (graphics && frame.width == c.width && frame.height == c.height), found};
}

TestRunner::Check TestRunner::look(const CursorCondition& c) {
  const hw::TextScreen text = machine_->text_screen();
  if (!text.text_mode() || !text.cursor_visible) return {false, "no cursor"};
  return {text.cursor_column == c.column && text.cursor_row == c.row,
          fmt::format("the cursor at {} {}", text.cursor_column, text.cursor_row)};
}

TestRunner::Check TestRunner::look(const MemoryCondition& c) {
  const std::size_t length = c.bytes.empty() ? c.width : c.bytes.size();
  std::vector<u8> bytes(length);
  for (std::size_t i = 0; i < length; ++i) {
    u64 address = c.address + i;
    if (c.linear && !machine_->cpu().translate(address, address)) {
      return {false, fmt::format("no page at linear {:#x}", c.address + i)};
    }
    if (!read_physical(machine_->memory(), address, bytes[i])) {
      return {false, fmt::format("no RAM or ROM at {:#x} (a device is not read: that could change it)", address)};
    }
  }
  if (!c.bytes.empty()) {
    std::string found;
    for (const u8 byte : bytes) found += fmt::format("{:02x} ", byte);
    return {(bytes == c.bytes) == (c.relation == Relation::Equal), found};
  }
  u64 value = 0;
  for (std::size_t i = length; i-- > 0;) value = value << 8 | bytes[i];
  value &= c.mask;
  return {holds(c.relation, value, c.value), fmt::format("{:#x} ({})", value, value)};
}

TestRunner::Check TestRunner::look(const RegisterCondition& c) {
  const u64 value = register_value(machine_->cpu(), c.name).value_or(0) & c.mask;
  return {holds(c.relation, value, c.value), fmt::format("{:#x} ({})", value, value)};
}

TestRunner::Check TestRunner::look(const StateHashCondition& c) {
  const u64 hash = machine_->state_hash();
  return {hash == c.hash, fmt::format("{:016x} at tick {}", hash, machine_->ticks())};
}

TestRunner::Check TestRunner::look(const StillCondition& c) {
  notice_changes();
  const u64 still = machine_->now() - last_change_ns_;
  return {still >= c.ns, fmt::format("the last change {:.2f} s ago", static_cast<double>(still) / 1e9)};
}

TestRunner::Check TestRunner::look(const EndCondition& c) {
  if (!end_) return {false, "a guest that goes on"};
  std::string found(machine::stop_reason_name(end_->reason));
  if (end_->reason == machine::StopReason::DebugExit) found += fmt::format(" {}", end_->exit_code);
  const bool reason = !c.reason || *c.reason == end_->reason;
  return {reason && (!c.exit_code || *c.exit_code == end_->exit_code), found};
}

TestRunner::Check TestRunner::look(const IdleCondition&) {
  return {machine_->idle(), fmt::format("a processor that runs, at {:04x}:{:08x}",
                                        machine_->cpu().state().seg[cpu::kCs].selector, machine_->cpu().state().rip)};
}

void TestRunner::notice_changes() {
  hw::TextScreen text = machine_->text_screen();
  bool changed = false;
  if (text.text_mode()) {
    // Not the picture: a blinking cursor is no change.
    changed = text != last_text_;
  } else {
    changed = machine_->frame().serial != last_picture_ || last_text_.text_mode();
    last_picture_ = machine_->frame().serial;
  }
  last_text_ = std::move(text);
  if (changed) last_change_ns_ = machine_->now();
}

}  // namespace orrery::frontend
