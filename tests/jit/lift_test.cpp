// The second engine by hand-written blocks: the table in both models, exits, the budget, self-modifying code, ORC's
// memory.
#include "jit/lift.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "cpu/decoder.h"
#include "cpu/handlers.h"
#include "jit/lifters.h"
#include "tests/jit/twins.h"

namespace orrery::test {
namespace {

/// An instruction of each table line, decoded; nothing where the generator found none.
std::optional<Insn> example(u16 op, const Decoder& decoder, Random& random, unsigned& bits) {
  for (const unsigned b : {32u, 64u, 16u}) {
    const std::vector<u8> bytes = random_instruction(op, b, decoder, random);
    Insn insn;
    std::vector<u8> padded = bytes;
    padded.resize(32);
    const DecodeMode mode{.code32 = b == 32, .code64 = b == 64, .protected_mode = true};
    if (bytes.empty() || decoder.decode(padded, mode, insn) != DecodeResult::Ok) continue;
    bits = b;
    return insn;
  }
  return std::nullopt;
}

TEST(LiftTable, EveryLineInstantiatesInBothModelsForTheSameForms) {
  std::vector<HandlerRow> handlers;
  for (auto group : {bmi_handlers(), integer_handlers(), control_handlers(), string_handlers(), system_handlers(),
                     x87_handlers(), mmx_handlers(), sse_integer_handlers(), sse_handlers(), sse4_handlers()}) {
    handlers.insert(handlers.end(), group.begin(), group.end());
  }
  const auto& lifters = jit::lift_table();
  ASSERT_EQ(handlers.size(), kOpCount);
  ASSERT_EQ(lifters.size(), kOpCount);
  unsigned forms = 0;
  for (u16 op = 0; op < kOpCount; ++op) {
    unsigned of_line = 0;
    for (unsigned size = 0; size < 3; ++size) {
      // Exec has the flat form besides; Lift sees it when it lifts.
      for (unsigned form = 0; form < 2; ++form) {
        EXPECT_EQ(handlers[op][size][form] != nullptr, lifters[op][size][form] != nullptr)
            << line(op).id << " " << size << form;
        of_line += lifters[op][size][form] != nullptr ? 1 : 0;
      }
    }
    EXPECT_GT(of_line, 0u) << line(op).id;
    forms += of_line;
  }
  fmt::print("{} lines, {} forms\n", kOpCount, forms);
}

// ORRERY_LIFT_LIST=1 prints the lines that call a helper.
TEST(LiftTable, EveryLineLiftsAndMostNeedNoHelper) {
  const Decoder decoder(everything().features);
  Random random(7);
  jit::Compiler compiler({.fast = true, .verify = true, .keep_text = false});
  unsigned lifted = 0, called = 0;
  std::string helpers;
  for (u16 op = 0; op < kOpCount; ++op) {
    unsigned bits = 0;
    const std::optional<Insn> insn = example(op, decoder, random, bits);
    ASSERT_TRUE(insn.has_value()) << line(op).id;
    const u32 mode = kModeProtected | (bits == 32 ? kModeCode32 : bits == 64 ? kModeCode64 : 0);
    ASSERT_TRUE(compiler.add(jit::Source{&*insn, 1, insn->length, mode})) << line(op).id;
    if (compiler.helpers_called() == 0) {
      ++lifted;
    } else {
      ++called;
      helpers += fmt::format(" {}", line(op).id);
    }
  }
  EXPECT_EQ(compiler.compile().code.size(), kOpCount);
  fmt::print("{} lines are lifted, {} call a helper\n", lifted, called);
  if (std::getenv("ORRERY_LIFT_LIST") != nullptr) fmt::print("{}\n", helpers);
  EXPECT_GE(lifted, 680u);
}

/// One processor in flat 32-bit mode whose block at kCode is compiled.
struct Compiled : ::testing::Test {
  Model model = everything();
  Side side{model};
  Engine& e = *side.engine;
  jit::Compiler compiler{{.fast = false, .verify = true, .keep_text = true}};
  Block* block = nullptr;

  void code(std::initializer_list<u8> bytes, bool paging = true) {
    Random random(3);
    std::vector<u8> image = memory_image(Setting::Flat0, random);
    std::copy(bytes.begin(), bytes.end(), image.begin() + Side::kCode);
    side.restore(image, 0, Side::kRam);
    e.s = initial_state(Setting::Flat0, Side::kCode, random);
    e.s.cr0 = kCr0Pe | 0x10 | (paging ? u64{kCr0Pg} : 0);
    e.s.eflags = 2;
    e.s.gpr = {};
    e.s.gpr[kRsp] = Side::kData + 0x800;
    e.s.flags = {};
    e.mode_changed();
    e.flush_tlb(true);
    block = e.code().lookup(e.s.rip);
    ASSERT_TRUE(compiler.add(*block));
    jit::install(e, *block, compiler.compile().code[0]);
  }
  u64 run(u64 instructions) {
    const u64 before = side.clock.ticks();
    e.run(before + instructions);
    return side.clock.ticks() - before;
  }
  u8 memory(u64 at) { return side.memory.ram()[at]; }
};

TEST_F(Compiled, ABlockIsEnteredOnlyIfTheBudgetAllowsAllOfIt) {
  code({0x40, 0x40, 0x40, 0xeb, 0x00});  // inc eax, three times; jmp
  jit::Frame frame;
  const auto entry = reinterpret_cast<jit::Code>(block->compiled);
  e.block = block;
  e.icount = 100;
  e.limit = 103;
  EXPECT_EQ(entry(&e, block->insns, &frame), static_cast<u32>(jit::Exit::NotEntered));
  EXPECT_EQ(e.icount, 100u);
  EXPECT_EQ(e.s.gpr[kRax], 0u);
  e.limit = 104;
  EXPECT_EQ(entry(&e, block->insns, &frame), static_cast<u32>(jit::Exit::Taken));
  EXPECT_EQ(e.icount, 104u);
  EXPECT_EQ(e.s.gpr[kRax], 3u);
  EXPECT_EQ(e.s.rip, Side::kCode + 5);
  e.block = nullptr;
}

TEST_F(Compiled, ABlockBeyondTheCodeSegmentIsNotEntered) {
  code({0x40, 0x40, 0xeb, 0x00});
  jit::Frame frame;
  e.icount = 0;
  e.limit = 100;
  e.code_end = Side::kCode + 3;
  EXPECT_EQ(reinterpret_cast<jit::Code>(block->compiled)(&e, block->insns, &frame),
            static_cast<u32>(jit::Exit::NotEntered));
}

TEST_F(Compiled, AShorterBudgetIsInterpretedExactly) {
  code({0x40, 0x40, 0x40, 0xeb, 0x00});
  EXPECT_EQ(run(2), 2u);
  EXPECT_EQ(e.s.gpr[kRax], 2u);
  EXPECT_EQ(e.s.rip, Side::kCode + 2);
}

TEST_F(Compiled, APageFaultReportsItsOwnInstructionAndKeepsWhatCameBefore) {
  // inc eax; mov [0x10000], eax; inc eax; mov [0x50000], eax; inc eax; jmp
  code({0x40, 0xa3, 0x00, 0x00, 0x01, 0x00, 0x40, 0xa3, 0x00, 0x00, 0x05, 0x00, 0x40, 0xeb, 0x00});
  EXPECT_EQ(run(100), 5u);  // three instructions, the fault's delivery, HLT
  EXPECT_EQ(e.s.activity, Activity::Halted);
  EXPECT_EQ(e.s.gpr[kRax], 2u);
  EXPECT_EQ(e.s.cr2, 0x50000u);
  EXPECT_EQ(memory(0x10000), 1u);
  EXPECT_EQ(e.load(kSs, e.s.gpr[kRsp] + 4, 4), Side::kCode + 7);  // behind the error code
}

TEST_F(Compiled, APopThatFaultsLeavesTheStackPointer) {
  code({0x8f, 0x05, 0x00, 0x00, 0x05, 0x00, 0xeb, 0x00});  // pop dword [0x50000]
  run(100);
  EXPECT_EQ(e.s.cr2, 0x50000u);
  EXPECT_EQ(e.s.gpr[kRsp], Side::kData + 0x800 - 16);  // EFLAGS, CS, EIP, error code
}

TEST_F(Compiled, AStoreIntoItsOwnBlockLeavesItRightBehindTheStore) {
  // mov byte [kCode + 8], 0x48 (dec eax); inc eax (becomes dec eax); inc eax; jmp
  code({0xc6, 0x05, 0x07, 0x80, 0x00, 0x00, 0x48, 0x40, 0x40, 0xeb, 0x00});
  EXPECT_EQ(run(1 + 2 + 1), 4u);
  EXPECT_EQ(e.s.gpr[kRax], 0u) << "dec, then inc";
  EXPECT_EQ(e.s.rip, Side::kCode + 11);
  EXPECT_FALSE(block->valid);
}

TEST_F(Compiled, AReadModifyWriteOfItsOwnBlockLeavesItToo) {
  code({0x80, 0x35, 0x07, 0x80, 0x00, 0x00, 0x08, 0x40, 0x40, 0xeb, 0x00});  // xor byte [kCode + 7], 8
  EXPECT_EQ(run(4), 4u);
  EXPECT_EQ(e.s.gpr[kRax], 0u);
}

TEST_F(Compiled, ADeviceSeesTheExactTickAndItsInterruptComesBehindTheInstruction) {
  // inc ecx; mov eax, [device]; inc ecx; mov eax, [device]; inc ecx; inc ecx; jmp. The second access interrupts.
  code({0x41, 0xa1, 0x00, 0x00, 0x02, 0x00, 0x41, 0xa1, 0x04, 0x00, 0x02, 0x00, 0x41, 0x41, 0xeb, 0x00});
  e.s.eflags |= kIf;
  const u64 before = side.clock.ticks();
  run(100);
  ASSERT_EQ(side.accesses.size(), 2u);
  EXPECT_TRUE(side.accesses[0].ends_with(fmt::format("at {}", before + 1))) << side.accesses[0];
  EXPECT_TRUE(side.accesses[1].ends_with(fmt::format("at {}", before + 3))) << side.accesses[1];
  EXPECT_EQ(e.s.gpr[kRcx], 2u);
  EXPECT_EQ(e.load(kSs, e.s.gpr[kRsp], 4), Side::kCode + 12);
  EXPECT_EQ(side.clock.ticks(), before + 4 + 1 + 1);  // the interrupt's delivery, HLT
}

TEST_F(Compiled, AnInterruptInTheMiddleGivesTheRestOfTheChargeBack) {
  code({0xa1, 0x00, 0x00, 0x02, 0x00, 0xa1, 0x04, 0x00, 0x02, 0x00, 0x41, 0x41, 0x41, 0xeb, 0x00});
  const u64 before = side.clock.ticks();
  side.device_calls = 3;  // the next call stops the run
  EXPECT_EQ(e.run(before + 100), Stop::Requested);
  EXPECT_EQ(side.clock.ticks(), before + 1);
  EXPECT_EQ(e.s.rip, Side::kCode + 5);
}

TEST_F(Compiled, DivisionByZeroIsRaisedThroughTheHelper) {
  code({0x40, 0xf7, 0xf1, 0x40, 0xeb, 0x00});  // inc eax; div ecx; inc eax
  run(100);
  EXPECT_EQ(e.s.activity, Activity::Halted);
  EXPECT_EQ(e.s.gpr[kRax], 1u);
  EXPECT_EQ(e.load(kSs, e.s.gpr[kRsp], 4), Side::kCode + 1);
}

TEST_F(Compiled, RegistersAreKeptInValuesAndWrittenBackOnExitsOnly) {
  code({0x40, 0x40, 0x40, 0x40, 0xeb, 0x00}, false);
  const std::string text = compiler.text();
  unsigned stores = 0;
  for (std::size_t at = 0; (at = text.find("store i64", at)) != std::string::npos; ++at) ++stores;
  EXPECT_EQ(stores, 6u) << "icount; eax and the flags' result where the jump faults; the same and rip at the end:\n"
                        << text;
}

TEST(Compiler, GivesMemoryBack) {
  const Model model = everything();
  Side side(model);
  jit::Compiler compiler({.fast = true, .verify = false, .keep_text = false});
  const std::array<u8, 15> bytes{0x01, 0xd8};
  Insn insn;
  ASSERT_EQ(side.engine->decoder().decode(bytes, {.code32 = true, .code64 = false, .protected_mode = true}, insn),
            DecodeResult::Ok);
  u64 kept = 0;
  for (unsigned n = 0; n < 50; ++n) {
    ASSERT_TRUE(compiler.add(jit::Source{&insn, 1, insn.length, kModeCode32}));
    const auto batch = compiler.compile();
    ASSERT_EQ(batch.code.size(), 1u);
    if (n == 0) kept = batch.id;
    compiler.drop(batch.id);
  }
  compiler.drop(kept);  // a second time is no error
  EXPECT_EQ(compiler.totals().batches, 50u);
  EXPECT_TRUE(compiler.compile().code.empty());
}

}  // namespace
}  // namespace orrery::test
