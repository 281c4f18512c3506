// Hardware task switching (SDM vol. 3, chapter 7).
#pragma once

#include "cpu/helpers/descriptor.h"

namespace orrery::cpu::helpers {

enum class TaskSwitch : u8 { Jump, Call, Interrupt, Iret };

/// Switches to the task of `descriptor`, a TSS descriptor that is present and of the right kind (available, busy for
/// IRET), as the caller has checked. The old task resumes at `return_rip`. Faults up to the commit point are thrown in
/// the old task; later ones in the new: this_rip() is then the new task's EIP. Returns the T flag of the new TSS.
bool switch_task(Engine& e, u16 selector, const Descriptor& descriptor, TaskSwitch reason, u64 return_rip);
/// The same; the old task resumes at next_rip().
inline bool switch_task(Engine& e, u16 selector, const Descriptor& descriptor, TaskSwitch reason) {
  return switch_task(e, selector, descriptor, reason, e.next_rip());
}
/// The end of a task switch: the new EIP lies in the new code segment, else #GP(0) in the new task; `trap` (the T flag)
/// causes a debug exception before its first instruction.
void enter_task(Engine& e, bool trap);
/// IRET with NT set: back to the task that the back link names.
void return_from_task(Engine& e);

}  // namespace orrery::cpu::helpers
