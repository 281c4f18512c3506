#include "cpu/opcodes.h"

#include <array>

namespace orrery::cpu {
namespace {

constexpr u32 undefined_by(std::string_view semantic) {
  const auto is = [semantic](auto... names) { return ((semantic == names) || ...); };
  if (is("And", "Or", "Xor", "Test")) return kAf;
  if (is("Mul", "Imul1", "Imul2", "Imul3")) return kSf | kZf | kAf | kPf;
  if (is("Div", "Idiv")) return kArithFlags;
  if (is("Aaa", "Aas")) return kOf | kSf | kZf | kPf;
  if (is("Aam", "Aad")) return kOf | kAf | kCf;
  if (is("Daa", "Das")) return kOf;
  // OF is defined for a count of one, and CF of SHL and SHR up to the operand's width.
  if (is("Shl", "Shr")) return kOf | kAf | kCf;
  if (is("Sar")) return kOf | kAf;
  if (is("Rol", "Ror", "Rcl", "Rcr")) return kOf;
  // With 16 bits and a count above 16 everything is undefined, the result too.
  if (is("Shld", "Shrd")) return kArithFlags;
  if (is("Bt", "Bts", "Btr", "Btc")) return kOf | kSf | kAf | kPf;
  if (is("Bsf", "Bsr")) return kOf | kSf | kAf | kPf | kCf;
  if (is("Lzcnt", "Tzcnt")) return kOf | kSf | kAf | kPf;
  return 0;
}

constexpr auto kUndefined = [] {
  std::array<u8, kOpCount> low{};  // OF (bit 11) is kept in bit 1, which is no flag
  for (u16 i = 0; i < kOpCount; ++i) {
    const u32 flags = undefined_by(line(i).semantic);
    low[i] = static_cast<u8>((flags & 0xff) | ((flags & kOf) != 0 ? 2 : 0));
  }
  return low;
}();

}  // namespace

u32 undefined_flags(Op op) {
  const u8 low = kUndefined[static_cast<unsigned>(op)];
  return (low & ~2u) | ((low & 2) != 0 ? kOf : 0);
}

}  // namespace orrery::cpu
