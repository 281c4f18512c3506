// Random blocks from the instruction table, in every setting of twins.h: compiled code against the interpreter, from
// many random states each, all state and memory compared.
//
//   ORRERY_LIFT_BLOCKS   distinct blocks to compile (default 420)
//   ORRERY_LIFT_RUNS     executions of each, from different states (default 25)
//   ORRERY_LIFT_SEED     the first block's number (default 1): a failure names the number to repeat it alone with
//   BLOCKS=1 ORRERY_LIFT_OP       only this table line (its id) besides the block's last instruction
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "cpu/decoder.h"
#include "cpu/disassembler.h"
#include "cpu/interpreter.h"
#include "cpu/opcodes.h"
#include "jit/lift.h"
#include "jit/mutation.h"
#include "tests/jit/twins.h"

namespace orrery::test {
namespace {

u64 setting_from_environment(const char* name, u64 otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 0) : otherwise;
}

struct Counts {
  u64 blocks = 0, runs = 0, insns = 0;
  std::map<u32, u64> exits;        // by jit::Exit
  std::map<unsigned, u64> faults;  // by vector
  std::vector<u64> lines = std::vector<u64>(kOpCount);
};

constexpr Op kFirstSystem = Op::Mov_RvMwSw, kFirstX87 = Op::Fadd_Md;

// What compiled code did: it is entered through this.
jit::Code under_test = nullptr;
Counts* counting = nullptr;
u32 counted(Engine* e, const Insn* i, jit::Frame* f) {
  const u32 exit = under_test(e, i, f);
  ++counting->exits[exit];
  if (exit == static_cast<u32>(jit::Exit::Fault)) ++counting->faults[f->frozen ? 99u : f->fault.vector];
  return exit;
}

class RandomBlocks {
 public:
  RandomBlocks(bool fast, bool verify)
      : compiler_({.fast = fast, .verify = verify, .keep_text = false}),
        model_(everything()),
        exec_(model_),
        lift_(model_) {
    counting = &counts;
    if (const char* id = std::getenv("ORRERY_LIFT_OP")) {
      for (u16 op = 0; op < kOpCount; ++op) {
        if (line(op).id == id) only_ = op;
      }
    }
  }

  /// Blocks [first, first + count), `runs` executions of each. What went wrong first, or nothing.
  std::string compare(u64 first, u64 count, unsigned runs) {
    constexpr u64 kBatch = 64;
    for (u64 at = first; at < first + count; at += kBatch) {
      std::vector<Case> cases;
      for (u64 number = at; number < std::min(at + kBatch, first + count); ++number) {
        Case c = make(number);
        if (c.count != 0) cases.push_back(std::move(c));
      }
      const jit::Compiler::Batch batch = compiler_.compile();
      for (std::size_t n = 0; n < cases.size(); ++n) {
        std::string wrong = run(cases[n], batch.code[n], runs);
        if (!wrong.empty()) return wrong;
      }
      compiler_.drop(batch.id);
    }
    return {};
  }

  Counts counts;
  const jit::Compiler::Totals& totals() const { return compiler_.totals(); }

 private:
  struct Case {
    u64 number = 0;
    Setting setting{};
    std::vector<u8> code, image;
    u64 at = 0;
    u32 mode = 0;
    unsigned count = 0, bytes = 0;
  };

  static u64 rip_of(const Case& c) { return c.setting == Setting::Protected16 ? c.at - 0x1000 : c.at; }

  void set(Side& side, const Case& c, const State& state, bool flush) {
    side.restore(c.image, 0, Side::kCodeEnd);
    side.engine->s = state;
    side.engine->mode_changed();
    if (flush) side.engine->flush_tlb(true);
    side.accesses.clear();
  }

  Case make(u64 number) {
    Random random(number);
    Case c;
    c.number = number;
    c.setting = static_cast<Setting>(random.below(static_cast<u32>(Setting::Count)));
    c.image = memory_image(c.setting, random);
    const unsigned bits = code_bits(c.setting);
    const unsigned length = 1 + random.below(random.one_in(8) ? 40 : 12);
    for (unsigned n = 0; n < length; ++n) {
      for (unsigned attempt = 0; attempt < 40; ++attempt) {
        u16 op = static_cast<u16>(random.below(kOpCount));
        if (random.one_in(2))
          op = static_cast<u16>(random.below(static_cast<u32>(Op::Movs_YbXb)));  // the integer groups
        if (only_ != kOpCount) op = only_;
        const bool last = n + 1 == length;
        // Most of the system group ends its block by a fault at once wherever the level is not 0.
        if (op >= static_cast<u16>(kFirstSystem) && op < static_cast<u16>(kFirstX87) && !random.one_in(4) &&
            only_ == kOpCount)
          continue;
        if (line(op).ends() && !last && !is_string_op(op)) continue;
        if (last && !line(op).ends() && attempt < 6 && only_ == kOpCount) continue;
        const std::vector<u8> insn = random_instruction(op, bits, exec_.engine->decoder(), random);
        if (insn.empty()) continue;
        c.code.insert(c.code.end(), insn.begin(), insn.end());
        break;
      }
    }
    c.code.insert(c.code.end(), {0xeb, 0x00});
    // Some cross into the second page of code, some end with it.
    const u64 room = Side::kCodeEnd - Side::kCode - c.code.size();
    c.at = Side::kCode + (random.one_in(6) ? 0x1000 - random.below(static_cast<u32>(c.code.size()))
                                           : random.below(static_cast<u32>(room)));
    std::copy(c.code.begin(), c.code.end(), c.image.begin() + static_cast<std::ptrdiff_t>(c.at));
    // It is decoded as a guest would have it decoded.
    lift_.restore(c.image, 0, Side::kRam);
    set(lift_, c, initial_state(c.setting, rip_of(c), random), true);
    try {
      const Block* b = lift_.engine->code().lookup(lift_.engine->s.rip);
      if (!compiler_.add(*b)) return Case{};
      c.mode = b->mode;
      c.count = b->count;
      c.bytes = b->bytes;
      for (unsigned n = 0; n < b->count; ++n) ++counts.lines[b->insns[n].op];
      ++counts.blocks;
      counts.insns += b->count;
    } catch (const Fault&) {
      return Case{};
    }
    return c;
  }

  std::string run(const Case& c, jit::Code code, unsigned runs) {
    under_test = code;
    for (Side* side : {&exec_, &lift_}) {
      side->restore(c.image, 0, Side::kRam);
      // Neither may run out of room for decoded code in the middle: that makes it fetch anew, which a page table that
      // was changed behind its back shows.
      side->engine->code().flush_all();
    }
    bool flush = true;
    for (unsigned n = 0; n < runs; ++n) {
      Random random(c.number * 1000003 + n);
      State state;
      for (unsigned attempt = 0;; ++attempt) {
        if (attempt == 30) return {};
        state = initial_state(c.setting, rip_of(c), random);
        lift_.engine->s = state;
        lift_.engine->mode_changed();
        if (lift_.engine->mode == c.mode) break;
      }
      set(exec_, c, state, flush);
      set(lift_, c, state, flush);
      try {
        (void)exec_.engine->code().lookup(state.rip);
        Block* b = lift_.engine->code().lookup(state.rip);
        if (b->count != c.count || b->bytes != c.bytes || b->mode != c.mode) continue;
        jit::install(*lift_.engine, *b, &counted);
      } catch (const Fault&) {
        flush = true;
        continue;
      }
      u64 budget = c.count;
      if (random.one_in(8)) budget += random.below(4);
      const u64 until = exec_.clock.ticks() + budget;
      const Stop x = exec_.engine->run(until);
      const Stop y = lift_.engine->run(until);
      ++counts.runs;
      std::string wrong =
          x == y ? "" : fmt::format("  stop             exec {}  lift {}\n", static_cast<int>(x), static_cast<int>(y));
      wrong += differences(exec_, lift_);
      if (!wrong.empty()) return describe(c, n, state, wrong);
      const State& s = exec_.engine->s;
      flush =
          s.cr0 != state.cr0 || s.cr3 != state.cr3 || s.cr4 != state.cr4 || s.efer != state.efer || random.one_in(6);
      if (s.dr != state.dr || s.cpl != state.cpl) flush = true;
      if (s.dr != state.dr) {
        for (Side* side : {&exec_, &lift_}) {
          side->engine->s.dr = state.dr;
          side->engine->debug_registers_changed();
        }
      }
    }
    return {};
  }

  std::string describe(const Case& c, unsigned run, const State& before, const std::string& wrong) {
    std::string out =
        fmt::format("block {} ({}), execution {}:\n", c.number, kSettingNames[static_cast<unsigned>(c.setting)], run);
    const unsigned bits = code_bits(c.setting);
    const DecodeMode mode{.code32 = bits == 32,
                          .code64 = bits == 64,
                          .protected_mode = c.setting != Setting::Real && c.setting != Setting::V86};
    u64 at = c.at;
    for (unsigned n = 0; n < c.count; ++n) {
      Insn insn;
      const std::span<const u8> bytes(c.image.data() + at, 15);
      if (exec_.engine->decoder().decode(bytes, mode, insn) != DecodeResult::Ok) break;
      std::string hex;
      for (unsigned k = 0; k < insn.length; ++k) hex += fmt::format("{:02x}", bytes[k]);
      out += fmt::format("  {:05x} {:<24} {:<44} {}\n", at, hex, disassemble(insn, mode, rip_of(c) + (at - c.at)),
                         line(insn.op).id);
      at += insn.length;
    }
    out += "before:\n ";
    for (unsigned n = 0; n < 16; ++n) out += fmt::format(" {:x}", before.gpr[n]);
    out += fmt::format("\n  flags {:x} {:x} eflags {:x} cr0 {:x} mxcsr {:x}\ndifferent:\n", before.flags.result,
                       before.flags.aux, before.eflags, before.cr0, before.mxcsr);
    return out + wrong;
  }

  jit::Compiler compiler_;
  Model model_;
  Side exec_, lift_;
  u16 only_ = kOpCount;
};

TEST(RandomBlocksTest, CompiledCodeDoesWhatTheInterpreterDoes) {
  const u64 blocks = setting_from_environment("ORRERY_LIFT_BLOCKS", 420);
  const auto runs = static_cast<unsigned>(setting_from_environment("ORRERY_LIFT_RUNS", 25));
  const u64 seed = setting_from_environment("ORRERY_LIFT_SEED", 1);
  RandomBlocks fast(true, true);
  const std::string wrong = fast.compare(seed, blocks, runs);
  ASSERT_EQ(wrong, "") << "repeat with ORRERY_LIFT_BLOCKS=1 ORRERY_LIFT_SEED=<block>";
  const auto& c = fast.counts;
  u64 entered = 0;
  std::string exits, faults;
  for (const auto& [exit, n] : c.exits) {
    entered += n;
    exits += fmt::format(" {}:{}", exit, n);
  }
  for (const auto& [vector, n] : c.faults) faults += fmt::format(" {}:{}", vector, n);
  u64 lines = 0;
  for (const u64 n : c.lines) lines += n != 0 ? 1 : 0;
  const auto& t = fast.totals();
  fmt::print(
      "{} blocks ({} instructions, {} of {} table lines), {} executions, {} of compiled code; exits{}; faults{}; "
      "lift {:.3f} s, emit {:.3f} s\n",
      c.blocks, c.insns, lines, kOpCount, c.runs, entered, exits, faults, t.lift, t.emit);
  EXPECT_GT(entered, blocks * runs / 2);
  EXPECT_GT(c.exits.at(static_cast<u32>(jit::Exit::Fault)), 0u);
}

TEST(RandomBlocksTest, OptimisedCodeDoesWhatTheInterpreterDoes) {
  const u64 blocks = setting_from_environment("ORRERY_LIFT_BLOCKS", 420) / 6;
  const auto runs = static_cast<unsigned>(setting_from_environment("ORRERY_LIFT_RUNS", 25));
  const u64 seed = setting_from_environment("ORRERY_LIFT_SEED", 1);
  RandomBlocks optimised(false, true);
  const std::string wrong = optimised.compare(seed, std::max<u64>(blocks, 1), runs);
  ASSERT_EQ(wrong, "") << "repeat with ORRERY_LIFT_BLOCKS=1 ORRERY_LIFT_SEED=<block>";
  const auto& t = optimised.totals();
  fmt::print("{} blocks ({} instructions), {} executions; lift {:.3f} s, passes {:.3f} s, emit {:.3f} s\n",
             optimised.counts.blocks, optimised.counts.insns, optimised.counts.runs, t.lift, t.passes, t.emit);
}

class SeededFaults : public ::testing::TestWithParam<jit::Mutation> {
 protected:
  void TearDown() override { jit::mutation() = jit::Mutation::None; }
};

TEST_P(SeededFaults, AreFound) {
  jit::mutation() = GetParam();
  RandomBlocks blocks(true, false);
  const std::string wrong = blocks.compare(1, 2000, 25);
  EXPECT_NE(wrong, "") << "2000 blocks with a wrong lifter, and nobody noticed";
  fmt::print("after {} blocks:\n{}", blocks.counts.blocks, wrong.substr(0, wrong.find("before:")));
}

INSTANTIATE_TEST_SUITE_P(Lifter, SeededFaults,
                         ::testing::Values(jit::Mutation::WrongBorrow, jit::Mutation::StaleFaultExit,
                                           jit::Mutation::NoRefund, jit::Mutation::WrongFaultRip,
                                           jit::Mutation::LateAttention));

}  // namespace
}  // namespace orrery::test
