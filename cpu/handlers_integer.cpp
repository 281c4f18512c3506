// Handlers of the table's group "integer".
#include "cpu/handlers.h"
#include "cpu/semantics/arith.h"
#include "cpu/semantics/control.h"
#include "cpu/semantics/data.h"
#include "cpu/semantics/misc.h"
#include "cpu/semantics/shift.h"
#include "cpu/semantics/system.h"

namespace orrery::cpu {
namespace {

using namespace table;

constexpr HandlerRow kRows[] = {
#define X(id, encoding, mnemonic, o1, o2, o3, semantic, feature, checks, reads, writes) \
  detail::make_row<sem::semantic, (checks), Opd::o1, Opd::o2, Opd::o3>(),
#include "cpu/opcodes/integer.inc"
#undef X
};

}  // namespace

std::span<const HandlerRow> integer_handlers() { return kRows; }

}  // namespace orrery::cpu
