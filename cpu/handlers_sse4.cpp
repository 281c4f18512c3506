// Handlers of the table's group "sse4".
#include "cpu/handlers.h"
#include "cpu/semantics/simd_float.h"
#include "cpu/semantics/simd_integer.h"
#include "cpu/semantics/simd_moves.h"

namespace orrery::cpu {
namespace {

using namespace table;

constexpr HandlerRow kRows[] = {
#define X(id, encoding, mnemonic, o1, o2, o3, semantic, feature, checks, reads, writes) \
  detail::make_row<sem::semantic, (checks), Opd::o1, Opd::o2, Opd::o3>(),
#include "cpu/opcodes/sse4.inc"
#undef X
};

}  // namespace

std::span<const HandlerRow> sse4_handlers() { return kRows; }

}  // namespace orrery::cpu
