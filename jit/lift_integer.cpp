// Lifters of the table's group "integer".
#include "cpu/semantics/arith.h"
#include "cpu/semantics/control.h"
#include "cpu/semantics/data.h"
#include "cpu/semantics/misc.h"
#include "cpu/semantics/shift.h"
#include "cpu/semantics/system.h"
#include "jit/lifters.h"

namespace orrery::jit {
namespace {

namespace sem = cpu::sem;
using namespace cpu;         // NOLINT: the words of the table
using namespace cpu::table;  // NOLINT

constexpr LiftRow kRows[] = {
#define X(id, encoding, mnemonic, o1, o2, o3, semantic, feature, checks, reads, writes) \
  detail::make_row<sem::semantic, (checks), cpu::Opd::o1, cpu::Opd::o2, cpu::Opd::o3>(),
#include "cpu/opcodes/integer.inc"
#undef X
};

}  // namespace

std::span<const LiftRow> integer_lifters() { return kRows; }

}  // namespace orrery::jit
