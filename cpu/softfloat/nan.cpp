#include "cpu/softfloat/nan.h"

namespace orrery::cpu::soft {
namespace {

/// Table 4-7: which of two NaNs.
const Unpacked& x87_choice(const Unpacked& a, const Unpacked& b) {
  if (!b.nan()) return a;
  if (!a.nan()) return b;
  if (a.kind != b.kind) return a.kind == Kind::QuietNan ? a : b;
  const u64 x = a.sig | kQuietBit, y = b.sig | kQuietBit;
  if (x != y) return x > y ? a : b;
  return a.sign ? b : a;
}

}  // namespace

template <class F> F propagate_nan(Env& env, const Unpacked& a, const Unpacked& b) {
  if (a.kind == Kind::Unsupported || b.kind == Kind::Unsupported) return invalid<F>(env);
  if (a.kind == Kind::SignalingNan || b.kind == Kind::SignalingNan) env.raise(kInvalid);
  const Unpacked& n = Format<F>::kExtended ? x87_choice(a, b) : a.nan() ? a : b;
  return quiet_nan<F>(n.sign, n.sig);
}

template F32 propagate_nan<F32>(Env&, const Unpacked&, const Unpacked&);
template F64 propagate_nan<F64>(Env&, const Unpacked&, const Unpacked&);
template F80 propagate_nan<F80>(Env&, const Unpacked&, const Unpacked&);

}  // namespace orrery::cpu::soft
