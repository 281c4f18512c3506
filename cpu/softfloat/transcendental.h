// The x87's transcendental functions: F2XM1, FYL2X, FYL2XP1, FPATAN, FPTAN, FSIN, FCOS, FSINCOS.
//
// Between operands and result everything is computed with 128-bit significands, and the result is rounded once, by RC,
// to 64 bits: it differs from the exact one by little more than half a unit in the last place (less than one when RC is
// not nearest), over the whole range, and is the same on every host.
//
// Trigonometric arguments are reduced by pi as it is, not by the 66 bits of SDM vol. 1, 8.3.10. Processors that reduce
// by 66 bits give sines of a different angle near multiples of pi; this gives what the instruction is meant to.
#pragma once

#include "cpu/softfloat/unpacked.h"

namespace orrery::cpu::soft {

/// FSIN, FCOS, FSINCOS; either result may be null. False if |a| >= 2^63: there is no result then.
bool sine_cosine(Env& env, const Unpacked& a, F80* sine, F80* cosine);
/// FPTAN, likewise.
bool tangent(Env& env, const Unpacked& a, F80& result);
/// FPATAN: the angle of the point (x, y).
F80 arctangent(Env& env, const Unpacked& y, const Unpacked& x);
/// F2XM1: 2^a - 1; a itself if |a| > 1.
F80 power_minus_one(Env& env, const Unpacked& a);
/// FYL2X: y * log2(x).
F80 times_log2(Env& env, const Unpacked& y, const Unpacked& x);
/// FYL2XP1: y * log2(x + 1); x itself if x <= -1.
F80 times_log2_plus_one(Env& env, const Unpacked& y, const Unpacked& x);

}  // namespace orrery::cpu::soft
