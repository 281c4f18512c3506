// Handlers of the table's group "mmx".
#include "cpu/handlers.h"
#include "cpu/semantics/simd_integer.h"
#include "cpu/semantics/simd_moves.h"

namespace orrery::cpu {
namespace {

using namespace table;

constexpr HandlerRow kRows[] = {
#define X(id, encoding, mnemonic, o1, o2, o3, semantic, feature, checks, reads, writes) \
  detail::make_row<sem::semantic, (checks), Opd::o1, Opd::o2, Opd::o3>(),
#include "cpu/opcodes/mmx.inc"
#undef X
};

}  // namespace

std::span<const HandlerRow> mmx_handlers() { return kRows; }

}  // namespace orrery::cpu
