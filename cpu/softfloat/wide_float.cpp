#include "cpu/softfloat/wide_float.h"

namespace orrery::cpu::soft {
namespace {

/// One 64-bit digit of rest:next / divisor, where rest < divisor; rest becomes the remainder (Knuth, algorithm D).
u64 digit(u128& rest, u128 divisor) {
  const u64 high = high64(divisor);
  u64 q = high64(rest) >= high ? ~u64{0} : static_cast<u64>(rest / high);
  // q * divisor has up to 192 bits: the upper 128 and the lowest 64.
  u128 low = multiply64(q, low64(divisor));
  u128 top = multiply64(q, high) + high64(low);
  u64 bottom = low64(low);
  // The estimate is too large by two at most.
  while (top > rest || (top == rest && bottom != 0)) {
    --q;
    if (bottom < low64(divisor)) --top;
    bottom -= low64(divisor);
    top -= high;
  }
  const u128 difference = rest - top - (bottom != 0 ? 1 : 0);
  rest = (difference << 64) | (~bottom + 1);
  return q;
}

}  // namespace

WideFloat divide(const WideFloat& a, const WideFloat& b, bool& exact) {
  const bool whole = a.sig >= b.sig;
  // With the numerator below the divisor, the quotient has 128 bits behind the point.
  u128 rest = whole ? (a.sig >> 1) : a.sig;
  const bool lost = whole && (a.sig & 1) != 0;
  if (whole && rest >= b.sig) rest = b.sig - 1;
  const u64 upper = digit(rest, b.sig);
  const u64 lower = digit(rest, b.sig);
  exact = rest == 0 && !lost;
  return normalised(a.sign != b.sign, a.exp - b.exp - (whole ? 0 : 1), make128(upper, lower));
}

}  // namespace orrery::cpu::soft
