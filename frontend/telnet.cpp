#include "frontend/telnet.h"

namespace orrery::frontend {
namespace {

// RFC 854, 857, 858, 856.
constexpr u8 kIac = 255, kDont = 254, kDo = 253, kWill = 251, kSb = 250, kSe = 240;
constexpr u8 kBinary = 0, kEcho = 1, kSuppressGoAhead = 3;

}  // namespace

std::vector<u8> Telnet::greeting() {
  return {kIac, kWill, kEcho, kIac, kWill, kSuppressGoAhead, kIac, kWill, kBinary, kIac, kDo, kBinary};
}

std::vector<u8> Telnet::escaped(std::span<const u8> bytes) {
  std::vector<u8> out;
  out.reserve(bytes.size());
  for (const u8 byte : bytes) {
    out.push_back(byte);
    if (byte == kIac) out.push_back(byte);
  }
  return out;
}

std::vector<u8> Telnet::received(std::span<const u8> bytes) {
  std::vector<u8> text;
  for (const u8 byte : bytes) {
    switch (state_) {
      case State::Return:
        state_ = State::Text;
        if (byte == 0) break;  // the NUL behind a carriage return
        [[fallthrough]];
      case State::Text:
        if (byte == kIac) {
          state_ = State::Command;
          break;
        }
        text.push_back(byte);
        if (byte == '\r') state_ = State::Return;
        break;
      case State::Command:
        state_ = byte == kSb ? State::Sub : byte >= kWill && byte <= kDont ? State::Option : State::Text;
        if (byte == kIac) text.push_back(byte);
        break;
      case State::Option: state_ = State::Text; break;
      case State::Sub:
        if (byte == kIac) state_ = State::SubCommand;
        break;
      case State::SubCommand: state_ = byte == kSe ? State::Text : State::Sub; break;
    }
  }
  return text;
}

}  // namespace orrery::frontend
