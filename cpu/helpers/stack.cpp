#include "cpu/helpers/stack.h"

namespace orrery::cpu::helpers {

u64 Stack::check(u64 offset, unsigned width) const {
  offset &= mask_;
  if (flat64_) {
    if (!canonical(offset) || !canonical(offset + width - 1)) e_.fault(kSsv, error_);
    require_alignment(offset, width);
    return offset;
  }
  const u64 last = offset + width - 1;
  const bool outside =
      ss_.expand_down() ? offset <= ss_.limit || last > (ss_.db() ? 0xffffffff : 0xffff) : last > ss_.limit;
  if (outside) e_.fault(kSsv, error_);
  const u64 linear = (ss_.base + offset) & 0xffffffff;
  require_alignment(linear, width);
  return linear;
}

/// SDM vol. 3, 6.15, interrupt 17: accesses at CPL 3 alone.
void Stack::require_alignment(u64 linear, unsigned width) const {
  const bool on = user_ && e_.s.cpl == 3 && (e_.s.cr0 & kCr0Am) != 0 && (e_.s.eflags & kAc) != 0;
  if (on && (linear & (width - 1)) != 0) e_.fault(kAcv, 0);
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
