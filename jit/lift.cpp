#include "jit/lift.h"

#include "jit/lifters.h"
#include "jit/mutation.h"

namespace orrery::jit {

using namespace cpu;  // NOLINT

namespace {

#ifdef ORRERY_JIT_MUTATIONS
bool mutated(Mutation m) { return mutation() == m; }
#else
constexpr bool mutated(Mutation) { return false; }
#endif

constexpr u64 kPageNumberMask = kTlbSize - 1;
constexpr unsigned kEntryShift = 5;
static_assert(sizeof(TlbEntry) == 1u << kEntryShift);

u64 address_mask(Size size) { return size == Size::S16 ? 0xffff : size == Size::S32 ? 0xffffffff : ~u64{0}; }

}  // namespace

#ifdef ORRERY_JIT_MUTATIONS
Mutation& mutation() {
  static Mutation m = Mutation::None;
  return m;
}
#endif

Lifter::Lifter(Ir& builder, const Source& source) : ir(builder), source_(source) {}

bool Lifter::lift(std::string_view name) {
  for (unsigned n = 0; n < source_.count; ++n) {
    if (choose_lifter(source_.insns[n]) == nullptr) return false;
  }
  ir.begin(name);
  rip_ = ir.field_at_anchor(layout::kRip, 64);
  // The budget: all of the block, or nothing.
  const Label enter = ir.label("enter"), refuse = ir.label("refuse");
  Node icount = ir.field(layout::kIcount, 64);
  Node charged = ir.binary(Binary::Add, icount, c64(source_.count));
  Node over = ir.binary(Binary::Lt, ir.field(layout::kLimit, 64), charged);
  Node end = ir.binary(Binary::Add, rip_, c64(source_.bytes));
  Node beyond = ir.binary(Binary::Lt, code_end(), end);
  ir.branch_if(ir.binary(Binary::Or, over, beyond), refuse, enter, Ir::Likely::Second);
  ir.go_to(refuse);
  ir.ret(ir.constant(32, static_cast<u64>(Exit::NotEntered)));
  ir.go_to(enter);
  ir.set_field(layout::kIcount, charged);
  for (unsigned n = 0; n < source_.count; ++n) {
    i_ = &source_.insns[n];
    attention_ = nullptr;
    symbols_ = 0;
    jump_ = {};
    choose_lifter (*i_)(*this, *i_);
  }
  if (!done_) leave(Exit::Next, rip_behind(*i_));
  ir.end();
  return true;
}

// --- registers -------------------------------------------------------------------------------------------------------

u32 Lifter::offset_of(unsigned slot) {
  if (slot >= kXmmSlot) return layout::kXmm + (slot - kXmmSlot) * u32{sizeof(Vector256)};
  switch (slot) {
    case kFlagsResult: return layout::kFlagsResult;
    case kFlagsAux: return layout::kFlagsAux;
    case kEflags: return layout::kEflags;
    default: return layout::kGpr + (slot - kGprSlot) * 8;
  }
}

unsigned Lifter::bits_of(unsigned slot) {
  return slot >= kXmmSlot ? 128 : slot == kFlagsAux || slot == kEflags ? 32 : 64;
}

Node Lifter::get(unsigned slot) {
  Kept& k = kept_[slot];
  if (k.n == nullptr) k.n = ir.field_at_anchor(offset_of(slot), bits_of(slot));
  return k.n;
}

void Lifter::set(unsigned slot, Node n) {
  kept_[slot] = {.n = n, .dirty = true};
  version_ = ++versions_;
}

void Lifter::write_back() {
  for (unsigned slot = 0; slot < kSlotCount; ++slot) {
    if (!kept_[slot].dirty) continue;
    const bool old_stack = slot == kGprSlot + unsigned{kRsp} && stack_on_fault_ != nullptr;
    ir.set_field(offset_of(slot), old_stack ? stack_on_fault_ : kept_[slot].n);
  }
}

Node Lifter::stack_mask() {
  if (code64()) return c64(~u64{0});
  return c64((source_.mode & kModeStack32) != 0 ? 0xffffffff : 0xffff);
}

Node Lifter::code_end() {
  if (code64()) return c64(~u64{0});
  if (code_end_ == nullptr) code_end_ = ir.field(layout::kCodeEnd, 64);  // first used in the entry
  return code_end_;
}

Node Lifter::rip_behind(const Insn& i) {
  return ir.binary(Binary::And, ir.binary(Binary::Add, rip_, c64(u64{i.offset} + i.length)), c64(rip_mask()));
}

void Lifter::begin_when(Node c) {
  const Label body = ir.label("when");
  When w{.before = kept_, .attention = attention_, .from = ir.here(), .join = ir.label("join"), .version = version_};
  ir.branch_if(c, body, w.join);
  whens_.push_back(w);
  ir.go_to(body);
}

void Lifter::end_when() {
  const When w = whens_.back();
  whens_.pop_back();
  const Label end = ir.here();
  const std::array<Kept, kSlotCount> inside = kept_;
  ir.branch(w.join);
  ir.go_to(w.join);
  bool changed = false;
  for (unsigned slot = 0; slot < kSlotCount; ++slot) {
    Kept before = w.before[slot];
    if (inside[slot].n == before.n || !inside[slot].dirty) continue;  // not changed, at most loaded at the anchor
    if (before.n == nullptr) before.n = ir.field_at_anchor(offset_of(slot), bits_of(slot));
    kept_[slot] = {.n = ir.phi({{inside[slot].n, end}, {before.n, w.from}}), .dirty = true};
    changed = true;
  }
  version_ = changed ? ++versions_ : w.version;
  if (attention_ != w.attention) {
    attention_ = ir.phi({{attention_, end}, {w.attention != nullptr ? w.attention : ir.constant(1, 0), w.from}});
  }
}

// --- exits -----------------------------------------------------------------------------------------------------------

Label Lifter::fault_exit() {
  if (fault_exit_ != nullptr && fault_version_ == version_ && stack_on_fault_ == nullptr) return fault_exit_;
  const Label back = ir.here();
  const Label exit = ir.label("fault");
  ir.go_to(exit);
  if (!mutated(Mutation::StaleFaultExit)) write_back();
  ir.ret(ir.constant(32, static_cast<u64>(Exit::Fault)));
  ir.go_to(back);
  if (stack_on_fault_ == nullptr) {
    fault_exit_ = exit;
    fault_version_ = version_;
  }
  return exit;
}

void Lifter::leave(Exit exit, Node rip) {
  write_back();
  ir.set_field(layout::kRip, rip);
  ir.ret(ir.constant(32, static_cast<u64>(exit)));
}

Node Lifter::check(Node status) {
  const Label exit = fault_exit();
  const Label go_on = ir.label("done");
  ir.branch_if(ir.binary(Binary::Eq, status, ir.constant(Ir::bits(status), static_cast<u64>(Status::Fault))), exit,
               go_on, Ir::Likely::Second);
  ir.go_to(go_on);
  return ir.binary(Binary::Eq, status, ir.constant(Ir::bits(status), static_cast<u64>(Status::Attention)));
}

void Lifter::note_attention(Node c) { attention_ = attention_ == nullptr ? c : ir.binary(Binary::Or, attention_, c); }

void Lifter::raise_if(const Insn& i, Node c, Node vector) {
  if (const auto k = Ir::known(c); k.has_value() && *k == 0) return;
  const Label exit = fault_exit();
  const Label raise = ir.label("raise"), go_on = ir.label("checked");
  ir.branch_if(c, raise, go_on, Ir::Likely::Second);
  ir.go_to(raise);
  ir.call(runtime::kRaise,
          {ir.engine(), ir.insn(index_of(i) + (mutated(Mutation::WrongFaultRip) ? 1 : 0)), ir.frame(), vector});
  ir.branch(exit);
  ir.go_to(go_on);
}

void Lifter::check_target(const Insn& i, Node target) {
  if (target == checked_target_) return;
  Node wide = Ir::bits(target) == 64 ? target : ir.zext(target, 64);
  // In 64-bit code a target must be canonical: moved up by 2^47, the canonical ones are the 2^48 lowest.
  Node allowed = code64() ? ir.binary(Binary::Lt, ir.binary(Binary::Add, wide, c64(u64{1} << 47)), c64(u64{1} << 48))
                          : ir.binary(Binary::Lt, wide, code_end());
  raise_if(i, ir.binary(Binary::Xor, allowed, ir.constant(1, 1)), ir.constant(32, kGp | 0x100u));
  if (whens_.empty()) checked_target_ = target;
}

void Lifter::begin_sse(const Insn& i) {
  if (sse_checked_) return;
  Node fault = ir.field(layout::kSseFault, 8);
  raise_if(i, ir.binary(Binary::Ne, fault, ir.constant(8, 0)), ir.zext(fault, 32));
  sse_checked_ = whens_.empty();
}

void Lifter::begin_mmx(const Insn& i) {
  Node fault = ir.field(layout::kMmxFault, 8);
  raise_if(i, ir.binary(Binary::Ne, fault, ir.constant(8, 0)), ir.zext(fault, 32));
  const Label pending = ir.label("pending"), go_on = ir.label("ready");
  Node es = ir.binary(Binary::And, ir.field(layout::kX87Status, 16), ir.constant(16, 0x80));
  const Label from = ir.here();
  ir.branch_if(ir.binary(Binary::Ne, es, ir.constant(16, 0)), pending, go_on, Ir::Likely::Second);
  ir.go_to(pending);
  Node attention = check(ir.call(runtime::kPendingException, {ir.engine(), ir.insn(index_of(i)), ir.frame()}));
  const Label end = ir.here();
  ir.branch(go_on);
  ir.go_to(go_on);
  note_attention(ir.phi({{ir.constant(1, 0), from}, {attention, end}}));
}

void Lifter::float_flags(const Insn& i, Node flags) {
  const Label some = ir.label("flags"), go_on = ir.label("computed");
  const Label from = ir.here();
  ir.branch_if(ir.binary(Binary::Ne, flags, ir.constant(32, 0)), some, go_on);
  ir.go_to(some);
  Node attention = check(ir.call(runtime::kFloatExceptions, {ir.engine(), ir.insn(index_of(i)), ir.frame(), flags}));
  const Label end = ir.here();
  ir.branch(go_on);
  ir.go_to(go_on);
  note_attention(ir.phi({{ir.constant(1, 0), from}, {attention, end}}));
}

std::string Lifter::symbol(std::string_view kind) {
  const Insn& i = *i_;
  std::string s = "orrery.";
  s += kind;
  s += '.';
  s += line(i.op).id;
  s += '.';
  s += static_cast<char>('0' + static_cast<unsigned>(i.opsize()));
  s += i.mem() ? 'm' : 'r';
  if (i.rep() || i.repne()) s += 'p';
  s += static_cast<char>('0' + symbols_++);
  return s;
}

void Lifter::helper(const Insn& i, void (*f)(Engine&, const Insn&), bool ends, bool stays) {
  ++helpers_called_;
  write_back();
  Node insn = ir.insn(index_of(i));
  Node function = ir.function(symbol("helper"), reinterpret_cast<void*>(f));
  if (ends) {
    ir.ret(ir.call(runtime::kLastHelper, {ir.engine(), insn, ir.frame(), function, ir.constant(32, stays ? 1 : 0)}));
    done_ = true;
    return;
  }
  Node status = ir.call(runtime::kHelper, {ir.engine(), insn, ir.frame(), function});
  kept_ = {};
  version_ = ++versions_;
  note_attention(check(status));
  ir.set_anchor();
}

void Lifter::jump(Node condition, Node target, Exit exit) { jump_ = {condition, target, exit}; }

void Lifter::finish(const Insn& i, bool ends) {
  if (done_) return;
  const unsigned index = index_of(i);
  if (ends) {
    done_ = true;
    if (jump_.target != nullptr) {
      if (jump_.condition != nullptr) {
        const Label taken = ir.label("taken"), next = ir.label("next");
        ir.branch_if(jump_.condition, taken, next);
        ir.go_to(next);
        leave(Exit::Next, rip_behind(i));
        ir.go_to(taken);
        checked_target_ = nullptr;
      }
      check_target(i, jump_.target);
      leave(jump_.exit, Ir::bits(jump_.target) == 64 ? jump_.target : ir.zext(jump_.target, 64));
      return;
    }
    leave(Exit::Next, rip_behind(i));
    return;
  }
  if (attention_ == nullptr || index + 1 == source_.count || mutated(Mutation::LateAttention)) return;
  const Label exit = ir.label("attention"), go_on = ir.label("insn");
  ir.branch_if(attention_, exit, go_on, Ir::Likely::Second);
  ir.go_to(exit);
  if (!mutated(Mutation::NoRefund)) {
    ir.set_field(layout::kIcount,
                 ir.binary(Binary::Sub, ir.field(layout::kIcount, 64), c64(source_.count - index - 1)));
  }
  leave(Exit::Leave, rip_behind(i));
  ir.go_to(go_on);
}

// --- memory ----------------------------------------------------------------------------------------------------------

Node Lifter::mask_address(const Insn& i, Node offset) {
  return ir.binary(Binary::And, offset, c64(address_mask(i.addrsize())));
}

Node Lifter::offset(const Insn& i) {
  Node base = i.base == kRipBase     ? ir.binary(Binary::Add, rip_, c64(u64{i.offset} + i.length))
              : i.base == kMoffsBase ? c64(i.imm)
                                     : gpr(i.base);
  Node index = gpr(i.index);
  if (i.scale() != 0) index = ir.binary(Binary::Shl, index, c64(i.scale()));
  Node sum =
      ir.binary(Binary::Add, ir.binary(Binary::Add, base, index), c64(static_cast<u64>(static_cast<i64>(i.disp))));
  return mask_address(i, sum);
}

Lifter::Address Lifter::operand_address(const Insn& i, bool aligned) {
  const unsigned seg = i.seg();
  const bool flat =
      (source_.mode & kModeFlat) != 0 && i.addrsize() == Size::S32 && (seg == kDs || seg == kSs || seg == kEs);
  return {offset(i), seg, flat, aligned};
}

Node Lifter::how(const Address& a, unsigned width) {
  return ir.constant(32, How::make(width, a.seg, a.flat, a.aligned).bits);
}

Lifter::Access Lifter::fast_path(const Address& a, unsigned width, bool write) {
  // Where base and limit are those of a flat segment, an access beyond the limit misses in the TLB like any other that
  // crosses pages.
  const bool whole = a.flat || ((source_.mode & kModeFlat) != 0 && (a.seg == kEs || a.seg == kSs || a.seg == kDs));
  Node linear = a.offset;
  Node inside = nullptr;
  if (!whole) {
    const u32 window = layout::kWindows + a.seg * u32{sizeof(SegmentWindow)};
    if (!code64()) {
      Node end = ir.field(
          window + (write ? u32{offsetof(SegmentWindow, write_end)} : u32{offsetof(SegmentWindow, read_end)}), 64);
      Node last = ir.binary(Binary::Add, a.offset, c64(width));
      inside = ir.binary(Binary::Xor, ir.binary(Binary::Lt, end, last), ir.constant(1, 1));
    }
    if (!code64() || a.seg == kFs || a.seg == kGs) {
      linear = ir.binary(Binary::Add, ir.field(window + u32{offsetof(SegmentWindow, base)}, 64), linear);
      if (!code64()) linear = ir.binary(Binary::And, linear, c64(0xffffffff));
    }
  }
  if (a.aligned) {
    Node aligned = ir.binary(Binary::Eq, ir.binary(Binary::And, linear, c64(15)), c64(0));
    inside = inside == nullptr ? aligned : ir.binary(Binary::And, inside, aligned);
  }
  Node number = ir.binary(Binary::And, ir.binary(Binary::Shr, linear, c64(12)), c64(kPageNumberMask));
  Node entry = ir.binary(Binary::Add, ir.field(layout::kTlb, 64), ir.binary(Binary::Shl, number, c64(kEntryShift)));
  Node tag = ir.own_load(entry, write ? u32{offsetof(TlbEntry, write_tag)} : u32{offsetof(TlbEntry, read_tag)});
  Node last = width == 1 ? linear : ir.binary(Binary::Add, linear, c64(width - 1));
  Node wanted =
      ir.binary(Binary::Or, ir.binary(Binary::And, last, c64(~u64{0xfff})), ir.field(layout::kTlbGeneration, 64));
  Node hit = ir.binary(Binary::Eq, tag, wanted);
  if (inside != nullptr) hit = ir.binary(Binary::And, hit, inside);
  const Label fast = ir.label("fast"), slow = ir.label("slow");
  ir.branch_if(hit, fast, slow, Ir::Likely::First);
  ir.go_to(fast);
  return {.host = ir.binary(Binary::Add, ir.own_load(entry, offsetof(TlbEntry, host)), linear), .slow = slow};
}

Node Lifter::load(const Insn& i, const Address& a, unsigned width) {
  const Access access = fast_path(a, width, false);
  Node quick = ir.guest_load(access.host, width * 8);
  const Label fast = ir.here(), join = ir.label("loaded");
  ir.branch(join);
  ir.go_to(access.slow);
  Node insn = ir.insn(index_of(i));
  Node value = nullptr, attention = nullptr;
  if (width == 16) {
    attention = check(ir.call(runtime::kLoad128, {ir.engine(), a.offset, insn, ir.frame(), how(a, width)}));
    value = ir.frame_field(layout::kFrameVector, 128);
  } else {
    Node loaded = ir.call(runtime::kLoad, {ir.engine(), a.offset, insn, ir.frame(), how(a, width)});
    attention = check(ir.part(loaded, 1));
    value = ir.part(loaded, 0);
    if (width != 8) value = ir.trunc(value, width * 8);
  }
  const Label slow = ir.here();
  ir.branch(join);
  ir.go_to(join);
  Node result = ir.phi({{quick, fast}, {value, slow}});
  note_attention(ir.phi({{ir.constant(1, 0), fast}, {attention, slow}}));
  return result;
}

void Lifter::store(const Insn& i, const Address& a, unsigned width, Node value) {
  const Access access = fast_path(a, width, true);
  ir.guest_store(access.host, value);
  const Label fast = ir.here(), join = ir.label("stored");
  ir.branch(join);
  ir.go_to(access.slow);
  Node insn = ir.insn(index_of(i));
  Node status = nullptr;
  if (width == 16) {
    ir.set_frame_field(layout::kFrameVector, value);
    status = ir.call(runtime::kStore128, {ir.engine(), a.offset, insn, ir.frame(), how(a, width)});
  } else {
    Node wide = width == 8 ? value : ir.zext(value, 64);
    status = ir.call(runtime::kStore, {ir.engine(), a.offset, insn, ir.frame(), how(a, width), wide});
  }
  Node attention = check(status);
  const Label slow = ir.here();
  ir.branch(join);
  ir.go_to(join);
  note_attention(ir.phi({{ir.constant(1, 0), fast}, {attention, slow}}));
}

Lifter::Place Lifter::place(const Insn& i, const Address& a, unsigned width) {
  const Access access = fast_path(a, width, true);
  const Label fast = ir.here(), join = ir.label("place");
  ir.branch(join);
  ir.go_to(access.slow);
  Node loaded = ir.call(runtime::kPlace, {ir.engine(), a.offset, ir.insn(index_of(i)), ir.frame(), how(a, width)});
  check(ir.part(loaded, 1));
  Node host = ir.part(loaded, 0);
  const Label slow = ir.here();
  ir.branch(join);
  ir.go_to(join);
  Node where = ir.phi({{access.host, fast}, {host, slow}});
  Node is_slow = ir.phi({{ir.constant(1, 0), fast}, {ir.constant(1, 1), slow}});
  return {where, is_slow, a, width};
}

void Lifter::place_set(const Insn& i, const Place& p, Node value) {
  ir.guest_store(p.host, value);
  const Label from = ir.here(), finish = ir.label("finish"), join = ir.label("set");
  ir.branch_if(p.slow, finish, join, Ir::Likely::Second);
  ir.go_to(finish);
  Node attention = check(ir.call(runtime::kFinishPlace, {ir.engine(), p.address.offset, ir.insn(index_of(i)),
                                                         ir.frame(), how(p.address, p.width)}));
  const Label end = ir.here();
  ir.branch(join);
  ir.go_to(join);
  note_attention(ir.phi({{ir.constant(1, 0), from}, {attention, end}}));
}

// --- flags -----------------------------------------------------------------------------------------------------------

// The formulas are those of LazyFlags (cpu/state.h, cpu/flags.h) and of Exec.

Node Lifter::bit(Node v, unsigned n) {
  if (n != 0) v = ir.binary(Binary::Shr, v, ir.constant(Ir::bits(v), n));
  return ir.trunc(v, 1);
}

Node Lifter::to_result(Node v) { return Ir::bits(v) == 64 ? v : ir.sext(v, 64); }

Node Lifter::aux_of(Node carries) {
  const unsigned bits = Ir::bits(carries);
  Node top = carries;
  if (bits == 64) {
    top = ir.trunc(ir.binary(Binary::Shr, carries, c64(32)), 32);
  } else if (bits < 32) {
    top = ir.binary(Binary::Shl, ir.zext(carries, 32), ir.constant(32, 32 - bits));
  }
  Node low = bits == 32 ? carries : bits == 64 ? ir.trunc(carries, 32) : ir.zext(carries, 32);
  const u64 af = mutated(Mutation::WrongBorrow) ? 4 : 8;
  return ir.binary(Binary::Or, ir.binary(Binary::And, top, ir.constant(32, 0xc0000000)),
                   ir.binary(Binary::And, low, ir.constant(32, af)));
}

void Lifter::set_flags(Node result, Node carries) {
  set(kFlagsResult, to_result(result));
  set(kFlagsAux, aux_of(carries));
}

void Lifter::set_flags_logic(Node result) {
  set(kFlagsResult, to_result(result));
  set(kFlagsAux, ir.constant(32, 0));
}

void Lifter::set_flags_keep_carry(Node result, Node carries) {
  const auto c32 = [&](u64 v) { return ir.constant(32, v); };
  Node c = aux_of(carries);
  Node cf = ir.binary(Binary::And, get(kFlagsAux), c32(0x80000000));
  Node changed = ir.binary(Binary::And, ir.binary(Binary::Xor, ir.binary(Binary::Shr, c, c32(1)), c), c32(0x40000000));
  Node of = ir.binary(Binary::Xor, ir.binary(Binary::Shr, cf, c32(1)), changed);
  set(kFlagsResult, to_result(result));
  set(kFlagsAux, ir.binary(Binary::Or, ir.binary(Binary::Or, cf, of), ir.binary(Binary::And, c, c32(8))));
}

namespace {

Node carry_bits(Ir& ir, Node cf, Node of) {
  Node c = ir.binary(Binary::Shl, ir.zext(cf, 32), ir.constant(32, 31));
  Node o = ir.binary(Binary::Shl, ir.zext(ir.binary(Binary::Xor, cf, of), 32), ir.constant(32, 30));
  return ir.binary(Binary::Or, c, o);
}

}  // namespace

void Lifter::set_flags_shift(Node result, Node cf, Node of) {
  set(kFlagsResult, to_result(result));
  set(kFlagsAux, carry_bits(ir, cf, of));
}

void Lifter::set_carry_overflow(Node cf, Node of) {
  Node rest = ir.binary(Binary::And, get(kFlagsAux), ir.constant(32, 0x3fffffff));
  set(kFlagsAux, ir.binary(Binary::Or, rest, carry_bits(ir, cf, of)));
}

Node Lifter::carry() { return bit(get(kFlagsAux), 31); }
Node Lifter::overflow() { return ir.binary(Binary::Xor, bit(get(kFlagsAux), 31), bit(get(kFlagsAux), 30)); }
Node Lifter::zero() { return ir.binary(Binary::Eq, get(kFlagsResult), c64(0)); }
Node Lifter::sign_flag() { return ir.binary(Binary::Xor, bit(get(kFlagsResult), 63), bit(get(kFlagsAux), 7)); }
Node Lifter::adjust() { return bit(get(kFlagsAux), 3); }

Node Lifter::parity() {
  Node low = ir.trunc(get(kFlagsResult), 8);
  Node change = ir.trunc(ir.binary(Binary::Shr, get(kFlagsAux), ir.constant(32, 8)), 8);
  Node ones = ir.unary(Unary::Population, ir.binary(Binary::Xor, low, change));
  return ir.binary(Binary::Xor, ir.trunc(ones, 1), ir.constant(1, 1));
}

Node Lifter::arith_flags() {
  Node image = ir.constant(32, 0);
  const auto add = [&](Node flag, u32 mask) {
    Node placed = ir.binary(Binary::Shl, ir.zext(flag, 32), ir.constant(32, static_cast<u64>(std::countr_zero(mask))));
    image = ir.binary(Binary::Or, image, placed);
  };
  add(carry(), kCf);
  add(parity(), kPf);
  add(adjust(), kAf);
  add(zero(), kZf);
  add(sign_flag(), kSf);
  add(overflow(), kOf);
  return image;
}

void Lifter::set_arith_flags(Node image) {
  const auto flag = [&](u32 mask) { return bit(image, static_cast<unsigned>(std::countr_zero(mask))); };
  const auto put = [&](Node flag_bit, unsigned at) {
    return ir.binary(Binary::Shl, ir.zext(flag_bit, 32), ir.constant(32, at));
  };
  Node zf = flag(kZf);
  Node aux = carry_bits(ir, flag(kCf), flag(kOf));
  aux = ir.binary(Binary::Or, aux, put(flag(kAf), 3));
  aux = ir.binary(Binary::Or, aux, put(flag(kSf), 7));
  // The result is 0 or 1: of even parity if ZF.
  aux = ir.binary(Binary::Or, aux, put(ir.binary(Binary::Xor, zf, flag(kPf)), 8));
  set(kFlagsResult, ir.zext(ir.binary(Binary::Xor, zf, ir.constant(1, 1)), 64));
  set(kFlagsAux, aux);
}

// --- the table -------------------------------------------------------------------------------------------------------

const std::vector<LiftRow>& lift_table() {
  static const std::vector<LiftRow> table = [] {
    std::vector<LiftRow> all;
    for (auto group : {bmi_lifters(), integer_lifters(), control_lifters(), string_lifters(), system_lifters(),
                       x87_lifters(), mmx_lifters(), sse_integer_lifters(), sse_lifters(), sse4_lifters()}) {
      all.insert(all.end(), group.begin(), group.end());
    }
    return all;
  }();
  return table;
}

LiftFunction choose_lifter(const Insn& insn) {
  const auto& forms = lift_table()[insn.op][static_cast<unsigned>(insn.opsize())];
  const bool second = is_string_op(insn.op) ? insn.rep() || insn.repne() : insn.mem();
  const LiftFunction f = forms[second ? 1 : 0];
  return f != nullptr ? f : forms[0];
}

}  // namespace orrery::jit
