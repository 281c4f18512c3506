// One side of the oracle: the host's own processor, in a child process with mappings, an LDT and signal handlers of its
// own. Only on x86-64 Linux whose kernel lets user programs write their LDT.
#pragma once

#include <span>
#include <string>

#include "tests/oracle/case.h"

namespace orrery::oracle {

class Native {
 public:
  Native() = default;
  ~Native();
  Native(const Native&) = delete;
  Native& operator=(const Native&) = delete;

  /// Empty if this host can do it, otherwise why not.
  static std::string unavailable();

  /// Runs the first `count` cases of the batch from its memory. `memory` becomes the data window afterwards. A case
  /// that does not come back within a few seconds gets kHang, and so do those behind it.
  bool run(const Batch& batch, unsigned count, std::span<Outcome> outcomes, std::span<u8> memory);

 private:
  bool start();
  void stop();

  int child_ = -1;
  int to_child_ = -1, from_child_ = -1;
  void* shared_ = nullptr;
};

}  // namespace orrery::oracle
