// Lifters of the table's group "mmx".
#include "cpu/semantics/simd_integer.h"
#include "cpu/semantics/simd_moves.h"
#include "jit/lifters.h"

namespace orrery::jit {
namespace {

namespace sem = cpu::sem;
using namespace cpu;         // NOLINT: the words of the table
using namespace cpu::table;  // NOLINT

constexpr LiftRow kRows[] = {
#define X(id, encoding, mnemonic, o1, o2, o3, semantic, feature, checks, reads, writes) \
  detail::make_row<sem::semantic, (checks), cpu::Opd::o1, cpu::Opd::o2, cpu::Opd::o3>(),
#include "cpu/opcodes/mmx.inc"
#undef X
};

}  // namespace

std::span<const LiftRow> mmx_lifters() { return kRows; }

}  // namespace orrery::jit
