// Hardware task switching (SDM vol. 3, chapter 7).
#pragma once

#include "cpu/helpers/descriptor.h"

namespace orrery::cpu::helpers {

enum class TaskSwitch : u8 { Jump, Call, Interrupt, Iret };

/// Switches to the task of `descriptor`, a TSS descriptor that is present and of the right kind (available, busy for
/// IRET), as the caller has checked. The old task resumes at `return_rip`. Faults up to the commit point are thrown in the
/// old task; later ones in the new: this_rip() is then the new task's EIP.
void switch_task(Engine& e, u16 selector, const Descriptor& descriptor, TaskSwitch reason, u64 return_rip);
/// The same; the old task resumes at next_rip().
inline void switch_task(Engine& e, u16 selector, const Descriptor& descriptor, TaskSwitch reason) {
  switch_task(e, selector, descriptor, reason, e.next_rip());
}
/// The last check of a task switch: the new EIP lies in the new code segment, else #GP(0) in the new task.
void check_task_entry(Engine& e);
/// IRET with NT set: back to the task that the back link names.
void return_from_task(Engine& e);

}  // namespace orrery::cpu::helpers
