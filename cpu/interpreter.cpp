#include "cpu/interpreter.h"

#include <algorithm>

#include "cpu/code_cache.h"
#include "cpu/handlers.h"
#include "cpu/helpers/interrupts.h"

namespace orrery::cpu {
namespace {

/// Stands in for the next handler after attention(): the block ends here, the rest of its charge is given back.
ORRERY_HANDLER_CC const Insn* bail_out(Engine& e, const Insn* i) {
  const auto index = static_cast<u64>(i - e.block->insns);
  e.icount -= e.block->count - index;
  e.s.rip = (e.s.rip + i->offset) & e.rip_mask();
  e.block = nullptr;
  return nullptr;
}

/// Stands before an instruction at which a debugger may want to stop.
ORRERY_HANDLER_CC const Insn* debug_point(Engine& e, const Insn* i) {
  if (e.stops_before(*i)) [[clang::musttail]]
    return bail_out(e, i);
  [[clang::musttail]] return choose_handler(e, *i)(e, i);
}

/// A line that decodes but has no semantic in this build.
ORRERY_HANDLER_CC const Insn* undefined_opcode(Engine& e, const Insn* i) {
  e.current = i;
  e.log.once(core::Channel::Unimp, "cpu: '{}' has no semantic", line(i->op).mnemonic);
  e.undefined();
}

const std::vector<HandlerRow>& handler_table() {
  static const std::vector<HandlerRow> table = [] {
    std::vector<HandlerRow> all;
    for (auto group : {bmi_handlers(), integer_handlers(), control_handlers(), string_handlers(), system_handlers(),
                       x87_handlers(), mmx_handlers(), sse_integer_handlers(), sse_handlers(), sse4_handlers()}) {
      all.insert(all.end(), group.begin(), group.end());
    }
    all.resize(kOpCount);
    return all;
  }();
  return table;
}

}  // namespace

DecodeMode decode_mode(const Engine& e) {
  DecodeMode m;
  m.code32 = (e.mode & kModeCode32) != 0;
  m.code64 = (e.mode & kModeCode64) != 0;
  m.protected_mode = (e.mode & kModeProtected) != 0;
  return m;
}

Handler choose_handler(const Engine& e, const Insn& insn) {
  const HandlerRow& row = handler_table()[insn.op];
  const auto& forms = row[static_cast<unsigned>(insn.opsize())];
  auto form = MemForm::None;
  if (is_string_op(insn.op)) {
    form = insn.rep() || insn.repne() ? MemForm::Segment : MemForm::None;
  } else if (insn.mem()) {
    const unsigned seg = insn.seg();
    const bool flat =
        (e.mode & kModeFlat) != 0 && insn.addrsize() == Size::S32 && (seg == kDs || seg == kSs || seg == kEs);
    form = flat ? MemForm::Flat : MemForm::Segment;
    if (flat && insn.index == kZeroReg && forms[static_cast<unsigned>(MemForm::FlatBase)] != nullptr)
      form = MemForm::FlatBase;
  }
  Handler h = forms[static_cast<unsigned>(form)];
  if (h == nullptr) h = forms[0];
  return h != nullptr ? h : &undefined_opcode;
}

Handler debug_point_handler() { return &debug_point; }

template <unsigned Link> ORRERY_HANDLER_CC const Insn* leave_block(Engine& e, const Insn* i) {
  Block* previous = e.block;
  e.block = nullptr;
  if (e.icount >= e.limit || e.unchained) [[unlikely]]
    return nullptr;
  if constexpr (Link < 2) {
    // Inside a page a link outlives what makes the others stale: it need not be looked up again.
    Block* known = previous->link[Link];
    if (known != nullptr && known->valid && previous->valid && known->near(*previous)) {
      previous->link_generation[Link] = e.link_generation;
      e.block = known;
      [[clang::musttail]] return enter_block(e, i);
    }
  }
  const u32 generation = e.link_generation;
  Block* next = e.code().lookup(e.s.rip);
  if constexpr (Link != 2) {
    constexpr unsigned kSlot = Link == kLinkAnew ? 0 : Link;
    // The generation first: if the cache was emptied on the way, `previous` is gone.
    if (generation == e.link_generation && previous->valid && next->cached) {
      previous->link[kSlot] = next;
      previous->link_generation[kSlot] = generation;
    }
  }
  e.block = next;
  [[clang::musttail]] return enter_block(e, i);
}
template ORRERY_HANDLER_CC const Insn* leave_block<0>(Engine&, const Insn*);
template ORRERY_HANDLER_CC const Insn* leave_block<1>(Engine&, const Insn*);
template ORRERY_HANDLER_CC const Insn* leave_block<2>(Engine&, const Insn*);
template ORRERY_HANDLER_CC const Insn* leave_block<kLinkAnew>(Engine&, const Insn*);

ORRERY_HANDLER_CC const Insn* fall_through(Engine& e, const Insn* i) {
  e.s.rip = (e.s.rip + i->offset) & e.rip_mask();
  [[clang::musttail]] return follow_link<0>(e, i);
}

// ---- bookkeeping ----------------------------------------------------------------------------------------------------

Engine::Engine(const Model& cpu_model, core::GuestMemory& guest_memory, core::PortBus& port_bus,
               core::Clock& machine_clock, core::Log& machine_log, Pins chip_pins)
    : memory(guest_memory),
      ports(port_bus),
      clock(machine_clock),
      log(machine_log),
      model(cpu_model),
      pins(std::move(chip_pins)) {
  for (auto& table : tlbs_) table = std::make_unique<Tlb>();
  empty_tlb_ = std::make_unique<Tlb>();
  decoder_ = std::make_unique<Decoder>(model.features);
  code_ = std::make_unique<CodeCache>(*this);
  memory.on_code_write([this](u64 address, u64 size) { code_->invalidate(address, size); });
  memory.on_remap([this](u64 address, u64 size) {
    code_->invalidate(address, size);
    flush_tlb(true);
    attention();
  });
  memory.on_watch([this](u64 address, u64 size) {
    for (auto& table : tlbs_) {
      for (TlbEntry& t : *table) {
        if (t.write_tag != TlbEntry::kInvalid && (t.physical & ~u64{0xfff}) - address < size)
          t.write_tag |= TlbEntry::kSlow;
      }
    }
  });
  clock.on_earlier([this] {
    if (clock.next_due_tick() < limit) attention();
  });
  current = &boundary_;
  init_reset(true);
}

Engine::~Engine() {
  memory.on_code_write({});
  memory.on_remap({});
  memory.on_watch({});
  clock.on_earlier({});
}

void Engine::fault(u8 vector) { throw Fault{.vector = vector, .has_error = false, .error = 0}; }
void Engine::fault(u8 vector, u32 error) { throw Fault{.vector = vector, .has_error = true, .error = error}; }
void Engine::page_fault(u64 linear, u32 error) {
  s.cr2 = linear;
  fault(kPfv, error);
}

void Engine::begin_fetch() {
  block = nullptr;
  current = &boundary_;
}

void Engine::attention() {
  limit = 0;
  if (block == nullptr || armed_ != nullptr) return;
  const auto index = current - block->insns;
  if (index < 0 || index >= block->count) return;
  armed_ = &block->insns[index + 1];
  armed_handler_ = armed_->handler;
  armed_->handler = &bail_out;
}

void Engine::disarm() {
  if (armed_ == nullptr) return;
  armed_->handler = armed_handler_;
  armed_ = nullptr;
}

void Engine::request_stop() {
  stop_requested_ = true;
  attention();
}

void Engine::set_intr(bool level) {
  s.intr = level;
  if (level) attention();
}

void Engine::pulse_nmi() {
  s.nmi_pending = true;
  attention();
}

void Engine::halt() {
  s.activity = Activity::Halted;
  attention();
}

void Engine::shutdown() {
  shutdown_ = true;
  s.activity = Activity::Shutdown;
  attention();
}

void Engine::freeze() { throw Freeze{}; }

void Engine::shadow(bool debug_too) {
  s.interrupt_shadow_tick = icount;
  if (debug_too) s.debug_shadow_tick = icount;
  if (s.intr || s.nmi_pending || s.pending_debug != 0) attention();
}

void Engine::note_debug(u64 dr6_bits) {
  s.pending_debug |= dr6_bits;
  attention();
}

namespace {

constexpr u32 kVirtualPending = kVif | kVip;

/// A virtual interrupt waits and is let through: #GP at the beginning of the next instruction (SDM vol. 3, 20.3.2
/// and 20.4; only with IOPL < 3: 2.3).
bool virtual_interrupt_due(const Engine& e) {
  if ((e.s.eflags & kVirtualPending) != kVirtualPending || e.s.cpl != 3 || e.iopl() == 3 || e.real_mode()) return false;
  return (e.s.cr4 & (e.v86() ? kCr4Vme : kCr4Pvi)) != 0;
}

}  // namespace

void Engine::set_rflags(u64 value) {
  const u32 old = s.eflags;
  s.flags = lazy_from(static_cast<u32>(value));
  s.eflags = (static_cast<u32>(value) & ~kArithFlags & 0x3f7fd7) | 2;
  if (((old ^ s.eflags) & (kAc | kVm)) != 0) mode_changed();
  if (((old ^ s.eflags) & (kTf | kRf)) != 0 || (s.intr && (s.eflags & ~old & kIf) != 0) ||
      (s.eflags & kVirtualPending) == kVirtualPending) {
    attention();
  }
}

u32 Engine::compute_mode() const {
  u32 m = 0;
  if (long_mode() && s.seg[kCs].l()) {
    m |= kModeCode64;
  } else if (s.seg[kCs].db()) {
    m |= kModeCode32;
  }
  if (protected_mode()) m |= kModeProtected;
  if (v86()) m |= kModeVm;
  bool flat = protected_mode() && (m & kModeCode64) == 0;
  for (unsigned n : {kEs, kSs, kDs}) {
    const Segment& g = s.seg[n];
    flat = flat && g.present() && g.writable() && !g.expand_down() && g.base == 0 && g.limit == 0xffffffff;
  }
  if (flat) m |= kModeFlat;
  if ((m & kModeCode64) != 0 || s.seg[kSs].db()) m |= kModeStack32;
  return m;
}

void Engine::update_mode() {
  mode = compute_mode();
  stack_mask = code64() ? ~u64{0} : s.seg[kSs].db() ? 0xffffffff : 0xffff;
  code_end = code64() ? ~u64{0} : u64{s.seg[kCs].limit} + 1;
  // SDM vol. 3, tables 13-1 and 12-1.
  const u8 trap = (s.cr0 & kCr0Ts) != 0 ? u8{kNm} : u8{0};
  mmx_fault = (s.cr0 & kCr0Em) != 0 ? u8{kUd} : trap;
  sse_fault = (s.cr4 & kCr4Osfxsr) == 0 ? u8{kUd} : mmx_fault;
  x87_off = (s.cr0 & (kCr0Em | kCr0Ts)) != 0 || !model.has(Feature::Fpu);
  const bool aligned = s.cpl == 3 && (s.cr0 & kCr0Am) != 0 && (s.eflags & kAc) != 0;
  tlb = aligned ? empty_tlb_->data() : tlbs_[tlb_index(user())]->data();
}

void Engine::mode_changed() {
  update_mode();
  for (unsigned n = 0; n < kSegCount; ++n) refresh_window(n);
}

void Engine::segment_changed(unsigned seg) {
  const u32 old = mode;
  update_mode();
  if (((mode ^ old) & kModeCode64) == 0) {
    refresh_window(seg);
  } else {
    mode_changed();
  }
}

void Engine::debug_registers_changed() {
  data_breakpoints_ = code_breakpoints_ = false;
  for (unsigned n = 0; n < 4; ++n) {
    if ((s.dr[7] >> (2 * n) & 3) == 0) continue;
    const unsigned kind = (s.dr[7] >> (16 + 4 * n)) & 3;
    if (kind == 0) {
      code_breakpoints_ = true;
    } else if (kind != 2 || (s.cr4 & kCr4De) == 0) {
      data_breakpoints_ = true;
    }
  }
  flush_tlb(true);
  attention();
}

void Engine::state_changed() {
  block = nullptr;
  current = &boundary_;
  shutdown_ = s.activity == Activity::Shutdown;
  mode_changed();
  debug_registers_changed();
  code_->flush_all();
}

void Engine::init_reset(bool cold) {
  const X87 x87 = s.x87;
  const auto xmm = s.xmm;
  const u32 mxcsr = s.mxcsr;
  const u64 tsc_offset = s.tsc_offset;
  const u64 apic_base = s.apic_base;
  const u64 mtrr_def_type = s.mtrr_def_type;
  const auto mtrr_var = s.mtrr_var;
  const auto mtrr_fix = s.mtrr_fix;
  const u64 old_cr0 = s.cr0;
  const bool intr = s.intr, a20 = s.a20, ferr = s.ferr, ignne = s.ignne;
  s = State{};
  s.intr = intr;
  s.a20 = a20;
  s.cr0 = 0x60000010;
  if (!cold) {  // INIT keeps these (SDM vol. 3, table 10-1)
    s.x87 = x87;
    s.ferr = ferr;
    s.ignne = ignne;
    s.xmm = xmm;
    s.mxcsr = mxcsr;
    s.tsc_offset = tsc_offset;
    s.apic_base = apic_base;
    s.mtrr_def_type = mtrr_def_type;
    s.mtrr_var = mtrr_var;
    s.mtrr_fix = mtrr_fix;
    s.cr0 = 0x10 | (old_cr0 & (kCr0Cd | kCr0Nw));
  }
  s.rip = 0xfff0;
  for (Segment& g : s.seg) g = Segment{.selector = 0, .attributes = 0x93, .limit = 0xffff, .base = 0};
  s.seg[kCs] = Segment{.selector = 0xf000, .attributes = 0x9b, .limit = 0xffff, .base = 0xffff0000};
  s.ldtr = Segment{.selector = 0, .attributes = 0x82, .limit = 0xffff, .base = 0};
  s.tr = Segment{.selector = 0, .attributes = 0x8b, .limit = 0xffff, .base = 0};
  s.gdtr = s.idtr = TableRegister{.base = 0, .limit = 0xffff};
  s.dr[6] = 0xffff0ff0;
  s.dr[7] = 0x400;
  s.gpr[kRdx] = (model.family << 8) | (model.model << 4) | model.stepping;
  state_changed();
  if (log.enabled(core::Channel::CpuReset)) trace_registers(core::Channel::CpuReset);
}

// ---- the run loop ---------------------------------------------------------------------------------------------------

void Engine::between_instructions() {
  begin_fetch();
  next_rip_ = s.rip;
}

void Engine::undo_instruction() {
  disarm();
  if (block != nullptr) {
    const auto index = static_cast<u64>(current - block->insns);
    icount -= block->count - index;
    s.rip = (s.rip + current->offset) & rip_mask();
  }
  between_instructions();
}

void Engine::deliver_fault(const Fault& f) {
  undo_instruction();
  ++icount;
  helpers::deliver_exception(*this, f);
  s.rip = next_rip_;
}

bool Engine::deliver_pending() {
  const bool debug_shadow = s.debug_shadow_tick == icount;
  if (s.pending_debug != 0 && !debug_shadow && s.activity != Activity::Shutdown) {
    s.activity = Activity::Running;
    between_instructions();
    ++icount;
    const u64 bits = s.pending_debug;
    s.pending_debug = 0;
    helpers::deliver_debug(*this, bits);
    s.rip = next_rip_;
    return true;
  }
  if (s.nmi_pending && !s.nmi_blocked && !debug_shadow) {
    s.nmi_pending = false;
    s.activity = Activity::Running;
    ++interrupts_taken_;
    between_instructions();
    ++icount;
    helpers::deliver_interrupt(*this, kNmi, helpers::Source::Nmi);
    s.rip = next_rip_;
    return true;
  }
  if (s.intr && (s.eflags & kIf) != 0 && s.interrupt_shadow_tick != icount && s.activity != Activity::Shutdown) {
    s.activity = Activity::Running;
    between_instructions();
    sync_clock();
    const u8 vector = pins.interrupt_acknowledge ? pins.interrupt_acknowledge() : 0;
    ++interrupts_taken_;
    ++icount;
    helpers::deliver_interrupt(*this, vector, helpers::Source::External);
    s.rip = next_rip_;
    return true;
  }
  return false;
}

u64 Engine::code_breakpoint_hits() {
  u64 hits = 0, enabled = 0;
  const u64 linear = s.seg[kCs].base + s.rip;
  for (unsigned n = 0; n < 4; ++n) {
    if (((s.dr[7] >> (16 + 4 * n)) & 3) != 0 || s.dr[n] != (code64() ? linear : linear & 0xffffffff)) continue;
    hits |= u64{1} << n;
    if ((s.dr[7] >> (2 * n) & 3) != 0) enabled |= u64{1} << n;
  }
  return enabled != 0 ? hits : 0;
}

void Engine::execute(Block* b) {
  icount += b->count;
  block = b;
  b->insns->handler(*this, b->insns);
  disarm();
}

void Engine::execute_single() {
  const bool resume = (s.eflags & kRf) != 0;
  step_trap_ = (s.eflags & kTf) != 0;
  if (code_breakpoints_ && !resume && s.debug_shadow_tick != icount) {
    if (const u64 hits = code_breakpoint_hits(); hits != 0) {
      between_instructions();
      ++icount;
      helpers::deliver_debug(*this, hits);
      s.rip = next_rip_;
      return;
    }
  }
  if (virtual_interrupt_due(*this)) {
    between_instructions();
    general_protection();
  }
  Block* b = code_->single(s.rip);
  block = b;
  icount += b->count;  // as stops_before() expects it
  const bool stops = debug_points_.code() && stops_before(b->insns[0]);
  icount -= b->count;
  block = nullptr;
  if (stops) return;
  s.eflags &= ~kRf;
  keep_rf_ = false;
  limit = icount + 1;
  execute(b);
  if (resume && keep_rf_) s.eflags |= kRf;
  // MOV SS and POP SS swallow their own single-step trap.
  if (step_trap_ && s.debug_shadow_tick != icount) s.pending_debug |= 1u << 14;
}

Stop Engine::run(u64 until_tick) {
  icount = clock.ticks();
  wanted_ = until_tick;
  const bool chained = !unchained;
  unchained =
      log.enabled(core::Channel::Exec) || log.enabled(core::Channel::Cpu) || log.enabled(core::Channel::Nochain);
  if (chained && unchained) ++link_generation;
  for (;;) {
    block = nullptr;
    clock.set_ticks(icount);
    if (shutdown_) {
      shutdown_ = false;
      return Stop::Shutdown;
    }
    if (debug_stop_) {
      debug_stop_ = false;
      return Stop::Breakpoint;
    }
    if (stop_requested_) {
      stop_requested_ = false;
      return Stop::Requested;
    }
    limit = std::min(wanted_, clock.next_due_tick());
    if (icount >= limit) return Stop::Budget;
    try {
      if (deliver_pending()) continue;
      if (s.activity != Activity::Running) return Stop::Halted;
      // What waits behind an interrupt shadow comes right after the one instruction that the shadow covers.
      const bool shadowed = s.interrupt_shadow_tick == icount || s.debug_shadow_tick == icount;
      const bool waits = shadowed && (s.intr || s.nmi_pending || s.pending_debug != 0);
      const bool virtual_pending = (s.eflags & kVirtualPending) == kVirtualPending;
      if ((s.eflags & (kTf | kRf)) != 0 || virtual_pending || code_breakpoints_ || waits) {
        execute_single();
        continue;
      }
      Block* b = code_->lookup(s.rip);
      if (s.rip + b->bytes > code_end) b = code_->single(s.rip);
      if (b->count > limit - icount) b = code_->prefix(b, static_cast<unsigned>(limit - icount));
      if (unchained) trace_block(*b);
      execute(b);
    } catch (const Fault& f) {
      deliver_fault(f);
    } catch (const Freeze&) {
      undo_instruction();
      s.activity = Activity::Halted;
    }
  }
}

}  // namespace orrery::cpu
