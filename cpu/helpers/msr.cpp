// RDMSR, WRMSR, RDTSC, RDPMC (SDM vol. 4, chapter 2). What a model's features do not announce does not exist: #GP(0).
#include "cpu/helpers/control_registers.h"
#include "cpu/helpers/segments.h"
#include "cpu/helpers/system_registers.h"

namespace orrery::cpu::helpers {
namespace {

// clang-format off
enum Msr : u32 {
  kP5McAddr = 0x0, kP5McType = 0x1, kTscMsr = 0x10, kP5Cesr = 0x11, kP5Ctr0 = 0x12, kP5Ctr1 = 0x13, kPlatformId = 0x17,
  kApicBase = 0x1b, kPowerOn = 0x2a, kUpdateTrigger = 0x79, kSignature = 0x8b, kPmc0 = 0xc1, kPmc1 = 0xc2, kMtrrCap = 0xfe,
  kSysenterCs = 0x174, kSysenterEsp = 0x175, kSysenterEip = 0x176, kMcgCap = 0x179, kMcgStatus = 0x17a, kEventSelect0 = 0x186,
  kEventSelect1 = 0x187, kMiscEnable = 0x1a0, kDebugCtl = 0x1d9, kMtrrVar = 0x200, kPat = 0x277, kMtrrDefType = 0x2ff,
  kTscDeadlineMsr = 0x6e0,
  kEfer = 0xc0000080, kStar = 0xc0000081, kLstar = 0xc0000082, kCstar = 0xc0000083, kSfmask = 0xc0000084,
  kFsBase = 0xc0000100, kGsBase = 0xc0000101, kKernelGsBase = 0xc0000102, kTscAux = 0xc0000103,
};
// clang-format on

constexpr std::array<u32, 11> kMtrrFixed{0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f};
constexpr u64 kMtrrCapValue = 0x508;  // write combining, fixed ranges, eight variable ranges

u64 scaled_time(const Engine& e) {
  return static_cast<u64>(static_cast<unsigned __int128>(e.clock.now()) * e.model.frequency / core::kNsPerSecond);
}

/// An MSR that is a plain 64-bit field of the state, if `index` is one the model has.
u64* plain_msr(Engine& e, u32 index) {
  State& s = e.s;
  const Model& m = e.model;
  switch (index) {
    case kSysenterCs: return m.has(Feature::Sep) ? &s.sysenter_cs : nullptr;
    case kSysenterEsp: return m.has(Feature::Sep) ? &s.sysenter_esp : nullptr;
    case kSysenterEip: return m.has(Feature::Sep) ? &s.sysenter_eip : nullptr;
    case kMcgStatus: return m.has(Feature::Mca) ? &s.mcg_status : nullptr;
    case kMiscEnable: return m.family >= 15 || (m.family == 6 && m.model >= 9) ? &s.misc_enable : nullptr;
    case kPat: return m.has(Feature::Pat) ? &s.pat : nullptr;
    case kMtrrDefType: return m.has(Feature::Mtrr) ? &s.mtrr_def_type : nullptr;
    case kStar: return m.has(Feature::Syscall) ? &s.star : nullptr;
    case kLstar: return m.has(Feature::Lm) ? &s.lstar : nullptr;
    case kCstar: return m.has(Feature::Lm) ? &s.cstar : nullptr;
    case kSfmask: return m.has(Feature::Lm) ? &s.sfmask : nullptr;
    case kFsBase: return m.has(Feature::Lm) ? &s.seg[kFs].base : nullptr;
    case kGsBase: return m.has(Feature::Lm) ? &s.seg[kGs].base : nullptr;
    case kKernelGsBase: return m.has(Feature::Lm) ? &s.kernel_gs_base : nullptr;
    case kTscAux: return m.has(Feature::Rdtscp) ? &s.tsc_aux : nullptr;
    default: break;
  }
  if (!m.has(Feature::Mtrr)) return nullptr;
  if (index >= kMtrrVar && index < kMtrrVar + s.mtrr_var.size()) return &s.mtrr_var[index - kMtrrVar];
  for (unsigned n = 0; n < kMtrrFixed.size(); ++n) {
    if (index == kMtrrFixed[n]) return &s.mtrr_fix[n];
  }
  return nullptr;
}

bool family5(const Engine& e) { return e.model.family == 5; }
bool family6(const Engine& e) { return e.model.family >= 6; }

/// MSRs that always read the same and ignore writes: machine-check banks with nothing in them, counters that stand
/// still.
std::optional<u64> constant_msr(const Engine& e, u32 index) {
  switch (index) {
    case kP5McAddr:
    case kP5McType: return e.model.has(Feature::Mce) ? std::optional<u64>(0) : std::nullopt;
    case kP5Cesr:
    case kP5Ctr0:
    case kP5Ctr1: return family5(e) ? std::optional<u64>(0) : std::nullopt;
    case kPlatformId:
    case kPowerOn:
    case kUpdateTrigger:
    case kDebugCtl:
    case kPmc0:
    case kPmc1:
    case kEventSelect0:
    case kEventSelect1: return family6(e) ? std::optional<u64>(0) : std::nullopt;
    default: return std::nullopt;
  }
}

bool valid_memory_type(u64 type, bool pat) {
  return type == 0 || type == 1 || type == 4 || type == 5 || type == 6 || (pat && type == 7);
}

bool valid_memory_types(u64 value, bool pat) {
  for (unsigned n = 0; n < 8; ++n) {
    if (!valid_memory_type((value >> (8 * n)) & 0xff, pat)) return false;
  }
  return true;
}

[[noreturn]] void unknown_msr(Engine& e, const char* what, u32 index) {
  e.log.once(core::Channel::Unimp, "{} of unknown MSR {:#x}", what, index);
  e.general_protection();
}

u64 read_msr(Engine& e, u32 index) {
  if (const u64* plain = plain_msr(e, index)) return *plain;
  if (const auto constant = constant_msr(e, index)) return *constant;
  const Model& m = e.model;
  if (index == kTscMsr && m.has(Feature::Tsc)) return time_stamp(e);
  if (index == kApicBase && m.has(Feature::Apic)) return e.s.apic_base;
  if (index == kTscDeadlineMsr && m.has(Feature::TscDeadline))
    return e.pins.apic.tsc_deadline ? e.pins.apic.tsc_deadline() : 0;
  if (index == kSignature && family6(e)) return e.s.microcode;
  if (index == kMtrrCap && m.has(Feature::Mtrr)) return kMtrrCapValue;
  if (index == kMcgCap && m.has(Feature::Mca)) return 0;
  if (index == kEfer && (m.has(Feature::Syscall) || m.has(Feature::Nx) || m.has(Feature::Lm))) return e.s.efer;
  unknown_msr(e, "read", index);
}

void write_efer(Engine& e, u64 value) {
  const Model& m = e.model;
  u64 allowed = 0;
  if (m.has(Feature::Syscall)) allowed |= kEferSce;
  if (m.has(Feature::Nx)) allowed |= kEferNxe;
  if (m.has(Feature::Lm)) allowed |= kEferLme | kEferLma;
  if ((value & ~allowed) != 0) e.general_protection();
  if (((value ^ e.s.efer) & kEferLme) != 0 && (e.s.cr0 & kCr0Pg) != 0) e.general_protection();
  e.s.efer = (value & ~kEferLma) | (e.s.efer & kEferLma);
  e.flush_tlb(true);
  e.mode_changed();
}

void write_plain_msr(Engine& e, u32 index, u64* field, u64 value) {
  switch (index) {
    case kPat:
      if (!valid_memory_types(value, true)) e.general_protection();
      break;
    case kMtrrDefType:
      if ((value & ~u64{0xcff}) != 0 || !valid_memory_type(value & 0xff, false)) e.general_protection();
      break;
    case kSysenterCs: value &= 0xffffffff; break;
    case kSysenterEsp:
    case kSysenterEip:
    case kLstar:
    case kCstar:
    case kFsBase:
    case kGsBase:
    case kKernelGsBase:
      if (!e.model.has(Feature::Lm)) {
        value &= 0xffffffff;
      } else if (!canonical(value)) {
        e.general_protection();
      }
      break;
    case kTscAux:
      if ((value >> 32) != 0) e.general_protection();
      break;
    default:
      if (index >= kMtrrVar && index < kMtrrVar + e.s.mtrr_var.size()) {
        const u64 physical_mask = (u64{1} << e.model.physical_bits) - 1;
        const bool mask_register = (index & 1) != 0;
        const u64 reserved = ~(physical_mask & ~u64{0xfff}) & ~u64{mask_register ? 0x800u : 0xffu};
        if ((value & reserved) != 0 || (!mask_register && !valid_memory_type(value & 0xff, false)))
          e.general_protection();
      } else if (index >= kMtrrFixed.front() && index <= kMtrrFixed.back()) {
        if (!valid_memory_types(value, false)) e.general_protection();
      }
  }
  *field = value;
  if (index == kFsBase) e.segment_changed(kFs);
  if (index == kGsBase) e.segment_changed(kGs);
}

void write_msr(Engine& e, u32 index, u64 value) {
  if (u64* plain = plain_msr(e, index)) return write_plain_msr(e, index, plain, value);
  if (constant_msr(e, index)) return;
  const Model& m = e.model;
  if (index == kTscMsr && m.has(Feature::Tsc)) {
    e.s.tsc_offset += value - time_stamp(e);
    if (e.pins.apic.tsc_changed) e.pins.apic.tsc_changed();
    return;
  }
  if (index == kApicBase && m.has(Feature::Apic)) {
    const u64 allowed = ((u64{1} << m.physical_bits) - 1) & ~u64{0x6ff};
    if ((value & ~allowed) != 0) e.general_protection();
    e.s.apic_base = value;
    e.sync_clock();
    if (e.pins.apic.set_base) e.pins.apic.set_base(value);
    return;
  }
  if (index == kTscDeadlineMsr && m.has(Feature::TscDeadline)) {
    e.sync_clock();
    if (e.pins.apic.set_tsc_deadline) e.pins.apic.set_tsc_deadline(value);
    return;
  }
  if (index == kSignature && family6(e)) {
    e.s.microcode = value;
    return;
  }
  if (index == kEfer && (m.has(Feature::Syscall) || m.has(Feature::Nx) || m.has(Feature::Lm)))
    return write_efer(e, value);
  unknown_msr(e, "write", index);
}

/// EDX:EAX.
void set_pair(Engine& e, u64 value) {
  e.s.gpr[kRax] = value & 0xffffffff;
  e.s.gpr[kRdx] = value >> 32;
}

void check_tsd(Engine& e) {
  if ((e.s.cr4 & kCr4Tsd) != 0 && e.s.cpl != 0) e.general_protection();
}

}  // namespace

u64 time_of_tsc(const Engine& e, u64 tsc) {
  const u64 raw = scaled_time(e);
  const u64 present = raw + e.s.tsc_offset;
  if (tsc <= present) return e.clock.now();
  const unsigned __int128 target = static_cast<unsigned __int128>(raw) + (tsc - present);
  const unsigned __int128 ns = (target * core::kNsPerSecond + e.model.frequency - 1) / e.model.frequency;
  return ns >> 63 != 0 ? ~u64{0} : static_cast<u64>(ns);
}

u64 time_stamp(Engine& e) {
  e.sync_clock();
  return scaled_time(e) + e.s.tsc_offset;
}

void rdmsr(Engine& e, const Insn&) {
  require_cpl0(e);
  set_pair(e, read_msr(e, static_cast<u32>(e.s.gpr[kRcx])));
}

void wrmsr(Engine& e, const Insn&) {
  require_cpl0(e);
  write_msr(e, static_cast<u32>(e.s.gpr[kRcx]), (e.s.gpr[kRdx] << 32) | (e.s.gpr[kRax] & 0xffffffff));
}

void rdtsc(Engine& e, const Insn&) {
  check_tsd(e);
  set_pair(e, time_stamp(e));
}

void rdtscp(Engine& e, const Insn&) {
  check_tsd(e);
  set_pair(e, time_stamp(e));
  e.s.gpr[kRcx] = e.s.tsc_aux & 0xffffffff;
}

/// Two counters that stand still: nothing here counts micro-architectural events.
void rdpmc(Engine& e, const Insn&) {
  if (((e.s.cr4 & kCr4Pce) == 0 && e.s.cpl != 0) || (e.s.gpr[kRcx] & 0xffffffff) > 1) e.general_protection();
  set_pair(e, 0);
}

void cpuid(Engine& e, const Insn&) {
  CpuidResult r = e.model.cpuid(static_cast<u32>(e.s.gpr[kRax]), static_cast<u32>(e.s.gpr[kRcx]));
  const u32 leaf = static_cast<u32>(e.s.gpr[kRax]);
  if (leaf == 1) {
    if ((e.s.apic_base & 0x800) == 0) r.edx &= ~(1u << 9);  // APIC: as IA32_APIC_BASE enables it
    if ((e.s.cr4 & kCr4Osxsave) != 0) r.ecx |= 1u << 27;    // OSXSAVE
  }
  e.s.gpr[kRax] = r.eax;
  e.s.gpr[kRbx] = r.ebx;
  e.s.gpr[kRcx] = r.ecx;
  e.s.gpr[kRdx] = r.edx;
}

}  // namespace orrery::cpu::helpers
