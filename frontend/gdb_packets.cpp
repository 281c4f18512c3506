#include "frontend/gdb_packets.h"

namespace orrery::frontend {
namespace {

constexpr char kEscape = '}';
constexpr std::string_view kDigits = "0123456789abcdef";

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

void GdbPacketReader::reset() {
  state_ = State::Between;
  payload_.clear();
}

void GdbPacketReader::feed(std::span<const u8> bytes, const std::function<void(Event)>& take) {
  using Kind = Event::Kind;
  const auto begin = [this] {
    state_ = State::Data;
    payload_.clear();
    sum_ = told_ = 0;
    too_long_ = bad_digit_ = false;
  };
  const auto add = [this](u8 byte) {
    if (payload_.size() < kGdbPacketSize) {
      payload_ += static_cast<char>(byte);
    } else {
      too_long_ = true;
    }
  };
  for (const u8 byte : bytes) {
    const char c = static_cast<char>(byte);
    switch (state_) {
      case State::Between:
        if (c == '$') begin();
        if (c == '+') take({Kind::Ack, {}});
        if (c == '-') take({Kind::Nak, {}});
        if (byte == 3) take({Kind::Interrupt, {}});
        break;
      case State::Data:
        if (c == '$') {  // the packet before was broken off
          begin();
        } else if (c == '#') {
          state_ = State::Sum1;
        } else {
          sum_ = static_cast<u8>(sum_ + byte);
          if (c == kEscape) {
            state_ = State::Escape;
          } else {
            add(byte);
          }
        }
        break;
      case State::Escape:
        sum_ = static_cast<u8>(sum_ + byte);
        add(byte ^ 0x20);
        state_ = State::Data;
        break;
      case State::Sum1:
      case State::Sum2: {
        const int value = digit(c);
        bad_digit_ = bad_digit_ || value < 0;
        told_ = static_cast<u8>(told_ << 4 | (value & 15));
        if (state_ == State::Sum1) {
          state_ = State::Sum2;
          break;
        }
        state_ = State::Between;
        Event event;
        event.kind = bad_digit_ || told_ != sum_ ? Kind::Bad : too_long_ ? Kind::TooLong : Kind::Packet;
        if (event.kind == Kind::Packet) event.payload = std::move(payload_);
        payload_.clear();
        take(std::move(event));
        break;
      }
    }
  }
}

std::string gdb_frame(std::string_view payload) {
  std::string out = "$";
  u8 sum = 0;
  const auto add = [&](char c) {
    out += c;
    sum = static_cast<u8>(sum + static_cast<u8>(c));
  };
  for (const char c : payload) {
    if (c == '$' || c == '#' || c == kEscape || c == '*') {
      add(kEscape);
      add(static_cast<char>(c ^ 0x20));
    } else {
      add(c);
    }
  }
  out += '#';
  out += kDigits[sum >> 4];
  out += kDigits[sum & 15];
  return out;
}

std::string gdb_hex(std::span<const u8> bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const u8 byte : bytes) {
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

std::string gdb_hex(std::string_view text) {
  return gdb_hex(std::span(reinterpret_cast<const u8*>(text.data()), text.size()));
}

std::optional<std::string> gdb_unhex(std::string_view digits) {
  if (digits.size() % 2 != 0) return std::nullopt;
  std::string out;
  for (std::size_t n = 0; n < digits.size(); n += 2) {
    const int high = digit(digits[n]), low = digit(digits[n + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high << 4 | low);
  }
  return out;
}

std::optional<u64> gdb_take_number(std::string_view& text) {
  u64 value = 0;
  std::size_t n = 0;
  for (; n < text.size() && digit(text[n]) >= 0; ++n) {
    if (n == 16) return std::nullopt;
    value = value << 4 | static_cast<u64>(digit(text[n]));
  }
  if (n == 0) return std::nullopt;
  text.remove_prefix(n);
  return value;
}

bool gdb_take(std::string_view& text, std::string_view expected) {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(expected.size());
  return true;
}

}  // namespace orrery::frontend
