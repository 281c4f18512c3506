#include "cpu/softfloat/arithmetic.h"
#include "cpu/softfloat/nan.h"

namespace orrery::cpu::soft {
namespace {

Order magnitudes(const Unpacked& a, const Unpacked& b) {
  const auto rank = [](const Unpacked& u) { return u.zero() ? 0 : u.finite() ? 1 : 2; };
  if (rank(a) != rank(b)) return rank(a) < rank(b) ? Order::Less : Order::Greater;
  if (rank(a) != 1) return Order::Equal;
  if (a.exp != b.exp) return a.exp < b.exp ? Order::Less : Order::Greater;
  return a.sig < b.sig ? Order::Less : a.sig > b.sig ? Order::Greater : Order::Equal;
}

Order reversed(Order o) { return o == Order::Less ? Order::Greater : o == Order::Greater ? Order::Less : o; }

}  // namespace

Order compare(Env& env, const Unpacked& a, const Unpacked& b, bool quiet, bool denormal_flag) {
  if (a.odd() || b.odd()) {
    if (!quiet || a.kind > Kind::QuietNan || b.kind > Kind::QuietNan) env.raise(kInvalid);
    return Order::Unordered;
  }
  if (denormal_flag) note_denormals(env, a.denormal || b.denormal);
  if (a.zero() && b.zero()) return Order::Equal;
  if (a.sign != b.sign) return a.sign ? Order::Less : Order::Greater;
  return a.sign ? reversed(magnitudes(a, b)) : magnitudes(a, b);
}

namespace {

template <class F> F choose(Env& env, F a, F b, Order wanted) {
  const Unpacked x = unpack(env, a), y = unpack(env, b);
  const Order order = compare(env, x, y, false);
  const auto flushed = [](F v, const Unpacked& u) { return u.zero() ? zero<F>(u.sign) : v; };
  return order == wanted ? flushed(a, x) : flushed(b, y);
}

}  // namespace

template <class F> F minimum(Env& env, F a, F b) { return choose(env, a, b, Order::Less); }
template <class F> F maximum(Env& env, F a, F b) { return choose(env, a, b, Order::Greater); }

template F32 minimum<F32>(Env&, F32, F32);
template F64 minimum<F64>(Env&, F64, F64);
template F32 maximum<F32>(Env&, F32, F32);
template F64 maximum<F64>(Env&, F64, F64);

}  // namespace orrery::cpu::soft
