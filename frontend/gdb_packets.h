// The packets of gdb's remote serial protocol (gdb manual, appendix E "Overview", "Binary data"): bytes to packets and
// back. Knows nothing of what is in them.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "hw/core/types.h"

namespace orrery::frontend {

/// What a client may send in one packet, and what it is told (PacketSize).
inline constexpr std::size_t kGdbPacketSize = 0x4000;

/// Takes a client's bytes apart. Whatever they are, memory stays bounded.
class GdbPacketReader {
 public:
  struct Event {
    enum class Kind : u8 {
      Packet,     // `payload` is it, escapes undone
      Bad,        // a packet whose check sum is wrong
      TooLong,    // a packet of more than kGdbPacketSize bytes; it was skipped
      Ack,        // '+'
      Nak,        // '-'
      Interrupt,  // 03h between packets: Ctrl-C
    };
    Kind kind = Kind::Packet;
    std::string payload;
  };

  /// Calls `take` for everything that is complete now.
  void feed(std::span<const u8> bytes, const std::function<void(Event)>& take);
  /// Forgets a packet that has begun: another client.
  void reset();

 private:
  enum class State : u8 { Between, Data, Escape, Sum1, Sum2 };

  State state_ = State::Between;
  std::string payload_;
  bool too_long_ = false;
  u8 sum_ = 0;
  u8 told_ = 0;
  bool bad_digit_ = false;
};

/// "$payload#xx", with what must be escaped escaped.
std::string gdb_frame(std::string_view payload);

/// Two digits a byte.
std::string gdb_hex(std::span<const u8> bytes);
std::string gdb_hex(std::string_view text);
/// Nothing unless it is an even number of digits.
std::optional<std::string> gdb_unhex(std::string_view digits);

/// Takes a hexadecimal number from the front of `text`; nothing if there is no digit or more than 16.
std::optional<u64> gdb_take_number(std::string_view& text);
/// Takes `expected` from the front of `text` if it is there.
bool gdb_take(std::string_view& text, std::string_view expected);

}  // namespace orrery::frontend
