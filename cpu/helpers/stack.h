// Several pushes or pops that count only when the whole instruction succeeds.
#pragma once

#include "cpu/helpers/descriptor.h"

namespace orrery::cpu::helpers {

/// A stack that a far transfer or an interrupt works on: the present one or the one it is about to switch to. Nothing
/// but guest memory changes until commit() (or until the caller has loaded SS and takes pointer()).
class Stack {
 public:
  /// The present stack at the present privilege. Limit violations are #SS(0).
  explicit Stack(Engine& e)
      : e_(e), ss_(e.s.seg[kSs]), pointer_(e.s.gpr[kRsp]), mask_(e.stack_mask), user_(e.user()), flat64_(e.code64()) {}
  /// Another stack, whose segment has been checked. Limit violations are #SS(error).
  Stack(Engine& e, const Segment& ss, u64 pointer, bool user, u32 error)
      : e_(e), ss_(ss), pointer_(pointer), mask_(ss.db() ? 0xffffffff : 0xffff), user_(user), error_(error) {}
  /// A 64-bit stack.
  static Stack flat64(Engine& e, u64 pointer, bool user) {
    Stack stack(e, Segment{}, pointer, user, 0);
    stack.mask_ = ~u64{0};
    stack.flat64_ = true;
    return stack;
  }

  /// The whole of rSP: bits beyond the stack's address size are left alone by pushes and pops.
  u64 pointer() const { return pointer_; }
  u64 mask() const { return mask_; }
  /// #SS unless `count` pushes (pops) of `width` bytes stay within the segment.
  void require_pushes(unsigned count, unsigned width) const;
  void require_pops(unsigned count, unsigned width) const;
  void push(unsigned width, u64 value);
  u64 pop(unsigned width);
  void release(u64 bytes) { pointer_ = (pointer_ & ~mask_) | ((pointer_ + bytes) & mask_); }
  /// Present stack only: rSP takes the new value.
  void commit() const { e_.s.gpr[kRsp] = pointer_; }

 private:
  u64 check(u64 offset, unsigned width) const;
  void require_alignment(u64 linear, unsigned width) const;

  Engine& e_;
  Segment ss_;
  u64 pointer_;
  u64 mask_;
  bool user_;
  bool flat64_ = false;
  u32 error_ = 0;
};

}  // namespace orrery::cpu::helpers
