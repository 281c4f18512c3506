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
  if (is("Andn", "Bzhi", "Blsi", "Blsr", "Blsmsk")) return kAf | kPf;
  if (is("Bextr")) return kSf | kAf | kPf;
  return 0;
}

}  // namespace

u32 undefined_flags(Op op) {
  static const auto table = [] {
    std::array<u16, kOpCount> flags{};
    for (u16 i = 0; i < kOpCount; ++i) flags[i] = static_cast<u16>(undefined_by(line(i).semantic));
    return flags;
  }();
  return table[static_cast<unsigned>(op)];
}

}  // namespace orrery::cpu
