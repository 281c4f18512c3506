// The system instructions: all the work is in cpu/helpers.
#pragma once

#include "cpu/helpers/control_registers.h"
#include "cpu/helpers/extensions.h"
#include "cpu/helpers/far_transfer.h"
#include "cpu/helpers/flag_instructions.h"
#include "cpu/helpers/frames.h"
#include "cpu/helpers/interrupts.h"
#include "cpu/helpers/io.h"
#include "cpu/helpers/segments.h"
#include "cpu/helpers/system_registers.h"
#include "cpu/helpers/x87.h"
#include "cpu/semantics/data.h"
#include "cpu/semantics/helper.h"
#include "cpu/semantics/machine.h"

namespace orrery::cpu::sem {

// Segments and descriptors.
using MovFromSeg = Helper<&helpers::mov_from_segment>;
using MovToSeg = StayingHelper<&helpers::mov_to_segment>;
using PushSeg = Helper<&helpers::push_segment>;
using PopSeg = StayingHelper<&helpers::pop_segment>;
template <unsigned kSegment> using LoadFar = Helper<&helpers::load_far<kSegment>>;
using Lldt = Helper<&helpers::lldt>;
using Ltr = Helper<&helpers::ltr>;
using Sldt = Helper<&helpers::sldt>;
using Str = Helper<&helpers::str>;
using Lar = Helper<&helpers::lar>;
using Lsl = Helper<&helpers::lsl>;
using Verr = Helper<&helpers::verr>;
using Verw = Helper<&helpers::verw>;
using Arpl = Helper<&helpers::arpl>;
using Lgdt = Helper<&helpers::lgdt>;
using Lidt = Helper<&helpers::lidt>;
using Sgdt = Helper<&helpers::sgdt>;
using Sidt = Helper<&helpers::sidt>;

// Far transfers and interrupts.
using FarJmpImm = Helper<&helpers::far_jmp_imm>;
using FarJmpMem = Helper<&helpers::far_jmp_mem>;
using FarCallImm = Helper<&helpers::far_call_imm>;
using FarCallMem = Helper<&helpers::far_call_mem>;
using RetFar = Helper<&helpers::ret_far>;
using RetFarImm = Helper<&helpers::ret_far_imm>;
using IntImm = Helper<&helpers::int_imm>;
using Int3 = Helper<&helpers::int3>;
using Into = Helper<&helpers::into>;
using Icebp = Helper<&helpers::icebp>;
using Iret = Helper<&helpers::iret>;
using Sysenter = Helper<&helpers::sysenter>;
using Sysexit = Helper<&helpers::sysexit>;
using Syscall = Helper<&helpers::syscall>;
using Sysret = Helper<&helpers::sysret>;

// Control, debug and model-specific registers.
using MovFromCr = Helper<&helpers::mov_from_cr>;
using MovToCr = Helper<&helpers::mov_to_cr>;
using MovFromDr = Helper<&helpers::mov_from_dr>;
using MovToDr = Helper<&helpers::mov_to_dr>;
using Lmsw = Helper<&helpers::lmsw>;
using Smsw = Helper<&helpers::smsw>;
using Clts = StayingHelper<&helpers::clts>;
using Invlpg = Helper<&helpers::invlpg>;
using Invpcid = Helper<&helpers::invpcid>;
using Invd = Helper<&helpers::invd>;
using Wbinvd = Helper<&helpers::wbinvd>;
using Hlt = Helper<&helpers::hlt>;
using Cpuid = StayingHelper<&helpers::cpuid>;
using Rdmsr = Helper<&helpers::rdmsr>;
using Wrmsr = Helper<&helpers::wrmsr>;
using Rdtsc = StayingHelper<&helpers::rdtsc>;
using Rdtscp = Helper<&helpers::rdtscp>;
using Rdpmc = Helper<&helpers::rdpmc>;
using Swapgs = Helper<&helpers::swapgs>;
using Rdfsbase = Helper<&helpers::rdfsbase>;
using Rdgsbase = Helper<&helpers::rdgsbase>;
using Wrfsbase = Helper<&helpers::wrfsbase>;
using Wrgsbase = Helper<&helpers::wrgsbase>;
using Xgetbv = Helper<&helpers::xgetbv>;
using Xsetbv = Helper<&helpers::xsetbv>;
using Monitor = Helper<&helpers::monitor>;
using Mwait = Helper<&helpers::mwait>;
using Clflush = Helper<&helpers::clflush>;

// Flags, frames, and instructions that only fault.
using Pushf = Helper<&helpers::pushf>;
using Popf = StayingHelper<&helpers::popf>;
using Cli = StayingHelper<&helpers::cli>;
using Sti = StayingHelper<&helpers::sti>;
using Clac = StayingHelper<&helpers::clac>;
using Stac = StayingHelper<&helpers::stac>;
using Pusha = Helper<&helpers::pusha>;
using Popa = Helper<&helpers::popa>;
using Enter = Helper<&helpers::enter>;
using Leave = Helper<&helpers::leave>;
using Bound = Helper<&helpers::bound>;
using Wait = Helper<&helpers::wait>;
using Rsm = Helper<&helpers::ud>;
using Ud = Helper<&helpers::ud>;

// Ports: the width is that of the operand that is not the port's number.
struct InImm {
  static constexpr bool kStays = true;
  template <class M, class D, class S> static void run(M& m, D, S) { m.helper(&helpers::in_imm<sizeof(TypeOf<D>)>); }
};
struct InDx {
  static constexpr bool kStays = true;
  template <class M, class D, class S> static void run(M& m, D, S) { m.helper(&helpers::in_dx<sizeof(TypeOf<D>)>); }
};
struct OutImm {
  static constexpr bool kStays = true;
  template <class M, class D, class S> static void run(M& m, D, S) { m.helper(&helpers::out_imm<sizeof(TypeOf<S>)>); }
};
struct OutDx {
  static constexpr bool kStays = true;
  template <class M, class D, class S> static void run(M& m, D, S) { m.helper(&helpers::out_dx<sizeof(TypeOf<S>)>); }
};
struct Ins {
  template <class M, class D, class S> static void run(M& m, D, S) { m.helper(&helpers::ins<sizeof(TypeOf<D>)>); }
};
struct Outs {
  template <class M, class D, class S> static void run(M& m, D, S) { m.helper(&helpers::outs<sizeof(TypeOf<S>)>); }
};

}  // namespace orrery::cpu::sem
