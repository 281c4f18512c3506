#include "cpu/helpers/stack.h"

namespace orrery::cpu::helpers {

u64 Stack::check(u64 offset, unsigned width) const {
  offset &= mask_;
  if (flat64_) {
    if (!canonical(offset) || !canonical(offset + width - 1)) e_.fault(kSsv, error_);
    return offset;
  }
  const u64 last = offset + width - 1;
  const bool outside = ss_.expand_down() ? offset <= ss_.limit || last > (ss_.db() ? 0xffffffff : 0xffff) : last > ss_.limit;
  if (outside) e_.fault(kSsv, error_);
  return (ss_.base + offset) & 0xffffffff;
}

void Stack::require_pushes(unsigned count, unsigned width) const {
  for (unsigned n = 1; n <= count; ++n) check(pointer_ - u64{n} * width, width);
}

void Stack::require_pops(unsigned count, unsigned width) const {
  for (unsigned n = 0; n < count; ++n) check(pointer_ + u64{n} * width, width);
}

void Stack::push(unsigned width, u64 value) {
  const u64 offset = (pointer_ - width) & mask_;
  e_.store_linear(check(offset, width), width, value & mask_of(width), user_);
  pointer_ = (pointer_ & ~mask_) | offset;
}

u64 Stack::pop(unsigned width) {
  const u64 value = e_.load_linear(check(pointer_, width), width, user_);
  release(width);
  return value;
}

}  // namespace orrery::cpu::helpers
