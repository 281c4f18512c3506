// Figures for jit/README.md: what compiling costs and how fast a block runs. Run with --gtest_also_run_disabled_tests
// --gtest_filter='*DISABLED_*'; processor time of this thread, so that other work on the host shows little.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <time.h>

#include "jit/lift.h"
#include "tests/jit/twins.h"

namespace orrery::test {
namespace {

double now() {
  timespec t{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

// Twelve instructions of the usual kind, two of them with memory.
constexpr u8 kLoop[] = {
    0x8b, 0x04, 0x8e,           // mov eax, [esi+ecx*4]
    0x01, 0xd0,                 // add eax, edx
    0x31, 0xc2,                 // xor edx, eax
    0xc1, 0xc2, 0x05,           // rol edx, 5
    0x89, 0x04, 0x8f,           // mov [edi+ecx*4], eax
    0x8d, 0x1c, 0x50,           // lea ebx, [eax+edx*2]
    0x83, 0xd3, 0x07,           // adc ebx, 7
    0x01, 0xda,                 // add edx, ebx
    0x41,                       // inc ecx
    0x81, 0xe1, 0xff, 0, 0, 0,  // and ecx, 255
    0x4d,                       // dec ebp
    0x75, 0xe1,                 // jnz
};

struct Rig {
  Model model = everything();
  Side side{model};
  Engine& e = *side.engine;
  Block* block = nullptr;

  explicit Rig(std::span<const u8> code) {
    Random random(3);
    std::vector<u8> image = memory_image(Setting::Flat0, random);
    std::copy(code.begin(), code.end(), image.begin() + Side::kCode);
    side.restore(image, 0, Side::kRam);
    e.s = initial_state(Setting::Flat0, Side::kCode, random);
    e.s.cr0 = kCr0Pe | 0x10 | u64{kCr0Pg};
    e.s.eflags = 2;
    e.s.gpr = {};
    e.s.gpr[kRsi] = Side::kData;
    e.s.gpr[kRdi] = Side::kData + 0x1000;
    e.s.gpr[kRsp] = Side::kData + 0x3000;
    e.mode_changed();
    e.flush_tlb(true);
    block = e.code().lookup(e.s.rip);
  }
  /// Million guest instructions a second.
  double speed(u32 iterations) {
    e.s.gpr[kRbp] = iterations;
    e.s.rip = Side::kCode;
    const double start = now();
    e.run(side.clock.ticks() + u64{iterations} * 12);
    EXPECT_EQ(e.s.gpr[kRbp], 0u);
    return iterations * 12e-6 / (now() - start);
  }
};

TEST(LiftSpeed, DISABLED_ALoopOfTwelveInstructions) {
  Rig interpreted(kLoop);
  interpreted.speed(100000);
  fmt::print("interpreter          {:8.0f} million instructions/s\n", interpreted.speed(4000000));
  for (const bool fast : {true, false}) {
    Rig rig(kLoop);
    jit::Compiler compiler({.fast = fast, .verify = false, .keep_text = false});
    ASSERT_EQ(rig.block->count, 12);
    ASSERT_TRUE(compiler.add(*rig.block));
    jit::install(rig.e, *rig.block, compiler.compile().code[0]);
    rig.speed(100000);
    fmt::print("compiled, {:10} {:8.0f} million instructions/s\n", fast ? "fast" : "optimised", rig.speed(20000000));
  }
}

TEST(LiftSpeed, DISABLED_CompileTime) {
  for (const unsigned length : {1u, 12u, 60u}) {
    std::vector<u8> code;
    for (unsigned n = 0; n < length; n += 12)
      code.insert(code.end(), kLoop, kLoop + (length == 1 ? 3 : sizeof kLoop - 2));
    Rig rig(code);
    jit::Source source{rig.block->insns, length, 0, rig.e.mode};
    source.bytes = rig.block->insns[length].offset;
    for (const bool fast : {true, false}) {
      for (const unsigned batch : {1u, 64u}) {
        jit::Compiler compiler({.fast = fast, .verify = false, .keep_text = false});
        const unsigned batches = batch == 1 ? 60 : 3;
        for (unsigned k = 0; k < batches; ++k) {
          for (unsigned n = 0; n < batch; ++n) ASSERT_TRUE(compiler.add(source));
          compiler.compile();
        }
        const auto& t = compiler.totals();
        const double blocks = static_cast<double>(t.blocks) * 1e-3;
        fmt::print(
            "{:2} instructions, {:9} {:2} a module: {:6.2f} ms a block, {:.3f} an instruction (lift {:.2f}, passes "
            "{:.2f}, "
            "code and link {:.2f})\n",
            length, fast ? "fast," : "optimised,", batch, (t.lift + t.passes + t.emit) / blocks,
            (t.lift + t.passes + t.emit) / blocks / length, t.lift / blocks, t.passes / blocks, t.emit / blocks);
      }
    }
  }
}

}  // namespace
}  // namespace orrery::test
