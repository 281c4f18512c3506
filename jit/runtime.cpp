#include "jit/runtime.h"

#include "cpu/handlers.h"
#include "cpu/interpreter.h"

namespace orrery::jit {

using namespace cpu;  // NOLINT: this is its other half

namespace {

struct Loaded {
  u64 value;
  u64 status;
};

/// Runs `body` and reports.
template <class F> Status guarded(Engine& e, Frame& f, F&& body) {
  try {
    body();
  } catch (const Fault& fault) {
    f.fault = fault;
    f.frozen = false;
    return Status::Fault;
  } catch (const Freeze&) {
    f.frozen = true;
    return Status::Fault;
  }
  return e.limit == 0 ? Status::Attention : Status::Ok;
}

u64 linear_of(Engine& e, u64 offset, Access access, How how, const Insn* i) {
  u64 linear = offset;
  if (!how.flat()) {
    const SegmentWindow& w = e.windows[how.seg()];
    const u64 end = access == Access::Write ? w.write_end : w.read_end;
    const u64 width = how.width();
    if (offset + width > end || offset > ~u64{0} - width) {
      linear = e.segment_slow(how.seg(), offset, how.width(), access, i);
    } else {
      linear = e.code64() ? w.base + offset : (w.base + offset) & 0xffffffff;
    }
  }
  if (how.aligned() && (linear & 15) != 0) helpers::misaligned(e, i);
  return linear;
}

Loaded load(Engine* e, u64 offset, const Insn* i, Frame* f, u32 how) {
  Loaded r{};
  r.status = static_cast<u64>(guarded(*e, *f, [&] {
    r.value = e->load_slow(linear_of(*e, offset, Access::Read, {how}, i), How{how}.width(), How{how}.seg(), i);
  }));
  return r;
}

u32 load128(Engine* e, u64 offset, const Insn* i, Frame* f, u32 how) {
  return static_cast<u32>(guarded(
      *e, *f, [&] { f->vector = e->load128_slow(linear_of(*e, offset, Access::Read, {how}, i), How{how}.seg(), i); }));
}

u32 store(Engine* e, u64 offset, const Insn* i, Frame* f, u32 how, u64 value) {
  return static_cast<u32>(guarded(*e, *f, [&] {
    e->store_slow(linear_of(*e, offset, Access::Write, {how}, i), How{how}.width(), value, How{how}.seg(), i);
  }));
}

u32 store128(Engine* e, u64 offset, const Insn* i, Frame* f, u32 how) {
  return static_cast<u32>(guarded(
      *e, *f, [&] { e->store128_slow(linear_of(*e, offset, Access::Write, {how}, i), f->vector, How{how}.seg(), i); }));
}

/// A place is read at once: where it has no host memory, the value waits in Frame::bounce.
Loaded place(Engine* e, u64 offset, const Insn* i, Frame* f, u32 how) {
  Loaded r{};
  f->bounced = false;
  r.status = static_cast<u64>(guarded(*e, *f, [&] {
    const unsigned width = How{how}.width();
    const u64 linear = linear_of(*e, offset, Access::Write, {how}, i);
    u8* host = e->prepare_write(linear, width, How{how}.seg(), i);
    if (host == nullptr) {
      const u64 value = e->load_slow(linear, width, How{how}.seg(), i);
      host = reinterpret_cast<u8*>(&f->bounce);
      switch (width) {
        case 1: *host = static_cast<u8>(value); break;
        case 2: core::store_le<u16>(host, static_cast<u16>(value)); break;
        case 4: core::store_le<u32>(host, static_cast<u32>(value)); break;
        default: core::store_le<u64>(host, value);
      }
      f->bounced = true;
      f->bounce_linear = linear;
    }
    r.value = reinterpret_cast<u64>(host);
  }));
  return r;
}

u32 finish_place(Engine* e, u64, const Insn* i, Frame* f, u32 how) {
  return static_cast<u32>(guarded(*e, *f, [&] {
    if (!f->bounced) return;
    const u8* from = reinterpret_cast<const u8*>(&f->bounce);
    const unsigned width = How{how}.width();
    const u64 value = width == 1   ? *from
                      : width == 2 ? core::load_le<u16>(from)
                      : width == 4 ? core::load_le<u32>(from)
                                   : core::load_le<u64>(from);
    e->store_slow(f->bounce_linear, width, value, How{how}.seg(), i);
  }));
}

using Function = void (*)(Engine&, const Insn&);

void run_helper(Engine& e, const Insn& i, Function function) {
  e.current = &i;
  e.set_next_rip((e.this_rip() + i.length) & e.rip_mask());
  function(e, i);
}

u32 helper(Engine* e, const Insn* i, Frame* f, Function function) {
  return static_cast<u32>(guarded(*e, *f, [&] { run_helper(*e, *i, function); }));
}

u32 last_helper(Engine* e, const Insn* i, Frame* f, Function function, u32 stays) {
  u64 behind = 0;
  const Status status = guarded(*e, *f, [&] {
    behind = (e->this_rip() + i->length) & e->rip_mask();
    run_helper(*e, *i, function);
  });
  if (status == Status::Fault) return static_cast<u32>(Exit::Fault);
  e->s.rip = e->next_rip();
  const bool same = stays != 0 && e->s.rip == behind && e->mode == e->block->mode;
  return static_cast<u32>(same ? Exit::Anew : Exit::Indirect);
}

void raise(Engine* e, const Insn* i, Frame* f, u32 vector) {
  e->current = i;
  f->fault = Fault{.vector = static_cast<u8>(vector), .has_error = (vector & 0x100) != 0, .error = 0};
  f->frozen = false;
}

u32 pending_exception(Engine* e, const Insn* i, Frame* f) {
  return static_cast<u32>(guarded(*e, *f, [&] {
    e->current = i;
    helpers::pending_exception(*e);
  }));
}

u32 float_exceptions(Engine* e, const Insn* i, Frame* f, u32 flags) {
  return static_cast<u32>(guarded(*e, *f, [&] { helpers::float_exceptions(*e, i, flags); }));
}

template <class F> void* address_of(F* f) { return reinterpret_cast<void*>(f); }

}  // namespace

namespace runtime {

const Callee kLoad{"orrery.load", address_of(&load), Returns::Loaded};
const Callee kPlace{"orrery.place", address_of(&place), Returns::Loaded};
const Callee kLoad128{"orrery.load128", address_of(&load128), Returns::Code};
const Callee kFinishPlace{"orrery.finish_place", address_of(&finish_place), Returns::Code};
const Callee kStore{"orrery.store", address_of(&store), Returns::Code};
const Callee kStore128{"orrery.store128", address_of(&store128), Returns::Code};
const Callee kHelper{"orrery.helper", address_of(&helper), Returns::Code};
const Callee kLastHelper{"orrery.last_helper", address_of(&last_helper), Returns::Code};
const Callee kRaise{"orrery.raise", address_of(&raise), Returns::Nothing};
const Callee kPendingException{"orrery.pending_exception", address_of(&pending_exception), Returns::Code};
const Callee kFloatExceptions{"orrery.float_exceptions", address_of(&float_exceptions), Returns::Code};

}  // namespace runtime

ORRERY_HANDLER_CC const Insn* enter_compiled(Engine& e, const Insn* i) {
  Block* b = e.block;
  // A prefix of the block, cut to the budget, is interpreted.
  if (b->compiled == nullptr || i != b->insns) [[clang::musttail]]
    return choose_handler(e, *i)(e, i);
  e.icount -= b->count;  // compiled code charges itself
  Frame frame;
  switch (static_cast<Exit>(reinterpret_cast<Code>(b->compiled)(&e, i, &frame))) {
    case Exit::Next: [[clang::musttail]] return follow_link<0>(e, i);
    case Exit::Taken: [[clang::musttail]] return follow_link<1>(e, i);
    case Exit::Anew: [[clang::musttail]] return follow_link<kLinkAnew>(e, i);
    case Exit::Indirect: [[clang::musttail]] return leave_block<2>(e, i);
    case Exit::Fault:
      if (frame.frozen) throw Freeze{};
      throw frame.fault;
    case Exit::Leave:
    case Exit::NotEntered: break;
  }
  e.block = nullptr;
  return nullptr;
}

void install(Engine& e, Block& block, Code code) {
  block.compiled = reinterpret_cast<void*>(code);
  block.insns->handler = code != nullptr ? &enter_compiled : choose_handler(e, *block.insns);
}

}  // namespace orrery::jit
