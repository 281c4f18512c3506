// A character backend for tests: keeps what the guest sent.
#pragma once

#include <string>

#include "hw/core/char_backend.h"

namespace orrery::test {

struct CharSink final : core::CharBackend {
  std::string text;
  bool brk = false;
  bool dtr = false;
  bool rts = false;
  void transmit(u8 byte) override { text += static_cast<char>(byte); }
  void set_break(bool on) override { brk = on; }
  void set_modem(bool d, bool r) override {
    dtr = d;
    rts = r;
  }
};

}  // namespace orrery::test
