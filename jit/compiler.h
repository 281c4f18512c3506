// From decoded blocks to host code: lift, verify, a short pass list, LLVM's ORC.
//
// Blocks are added to an open batch; compile() makes one module of it, since code generation has a high cost for each
// module. A batch's memory is freed by drop() (one ORC ResourceTracker each). Everything runs on the caller's thread;
// one Compiler is used by one thread at a time, and several are independent of each other.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "jit/runtime.h"

namespace orrery::cpu {
struct Block;
}

namespace orrery::jit {

struct Source;

class Compiler {
 public:
  struct Options {
    bool fast = false;       // no passes, code generation by FastISel: the cheapest way
    bool verify = false;     // LLVM's verifier over each function; a failure throws std::logic_error
    bool keep_text = false;  // text() gives the last batch's IR, as it was compiled
  };
  /// Seconds of processor time and counts since construction.
  struct Totals {
    double lift = 0, passes = 0, emit = 0;  // emit: code generation and link
    u64 blocks = 0, insns = 0, helpers = 0, batches = 0;
  };
  struct Batch {
    u64 id = 0;
    std::vector<Code> code;  // in the order of add()
  };

  /// Throws std::runtime_error if the host has no code generator.
  explicit Compiler(const Options& options);
  ~Compiler();
  Compiler(const Compiler&) = delete;
  Compiler& operator=(const Compiler&) = delete;

  /// Lifts a block into the open batch. The instructions need not outlive the call. False if one of them has no lifted
  /// form.
  bool add(const Source& source);
  bool add(const cpu::Block& block);
  /// Instructions of the block added last that call a helper.
  unsigned helpers_called() const;
  /// Compiles what was added since the last call.
  Batch compile();
  /// Frees the code of a batch; nobody may be in it or come back to it.
  void drop(u64 batch);

  const Totals& totals() const;
  const std::string& text() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> p_;
};

}  // namespace orrery::jit
