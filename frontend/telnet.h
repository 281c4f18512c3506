// The telnet protocol (RFC 854), as much of it as a character connection needs: the client is asked to send each
// character by itself and to leave the echo to us; commands are taken out of what comes in.
#pragma once

#include <span>
#include <vector>

#include "hw/core/types.h"

namespace orrery::frontend {

class Telnet {
 public:
  /// What is to be sent to a client first: we echo, no go-aheads, 8 bits both ways.
  static std::vector<u8> greeting();
  /// Doubles FFh, which begins commands.
  static std::vector<u8> escaped(std::span<const u8> bytes);

  /// The characters in what came in. State lives on from call to call.
  std::vector<u8> received(std::span<const u8> bytes);

 private:
  enum class State : u8 { Text, Command, Option, Sub, SubCommand, Return };
  State state_ = State::Text;
};

}  // namespace orrery::frontend
