// The x87 state in memory: FNSTENV, FNSAVE (SDM vol. 1, 8.1.10), FXSAVE (10.5) and the way back.
#include "cpu/helpers/sse_state.h"
#include "cpu/helpers/x87.h"
#include "cpu/helpers/x87_unit.h"

namespace orrery::cpu::helpers {
namespace {

/// The memory operand, part by part. Each part is an access of its own, at an address cut to the address size, and what
/// was stored stays stored if a later one faults: so do processors.
class Image {
 public:
  Image(Engine& e, const Insn& i) : e_(e), i_(i) {}
  u64 load(unsigned at, unsigned width) { return e_.load_linear(linear(at, width, Access::Read), width, e_.user()); }
  void store(unsigned at, unsigned width, u64 value) {
    e_.store_linear(linear(at, width, Access::Write), width, value, e_.user());
  }
  /// The alignment check (SDM vol. 3, table 6-7): the image as a whole, two or four bytes by operand size; its parts
  /// are not looked at.
  void require_alignment() const {
    const u64 mask = i_.opsize() == Size::S16 ? 1 : 3;
    const bool on = e_.s.cpl == 3 && (e_.s.cr0 & kCr0Am) != 0 && (e_.s.eflags & kAc) != 0;
    if (on && (linear(0, 1, Access::Read) & mask) != 0) e_.fault(kAcv, 0);
  }

 private:
  u64 linear(unsigned at, unsigned width, Access access) const {
    return e_.check_segment(i_.seg(), e_.effective_address(i_, at), width, access);
  }

  Engine& e_;
  const Insn& i_;
};

unsigned tag_of(const F80& v) {
  const unsigned biased = v.sign_exponent & 0x7fff;
  if (biased == 0 && v.significand == 0) return 1;
  return biased == 0 || biased == 0x7fff || (v.significand & soft::kTopBit) == 0 ? 2 : 0;
}

/// Registers that a tag word calls empty stay so; of the others only that they are not is kept.
u16 kept_tags(u64 full) {
  u16 tags = 0;
  for (unsigned n = 0; n < 16; n += 2) {
    if (((full >> n) & 3) == 3) tags = static_cast<u16>(tags | (3u << n));
  }
  return tags;
}

bool protected_format(const Engine& e) { return e.protected_mode(); }
bool wide_format(const Insn& i) { return i.opsize() != Size::S16; }
unsigned environment_size(const Insn& i) { return wide_format(i) ? 28 : 14; }

void store_environment(Engine& e, const Insn& i, Image& image) {
  const X87& f = e.s.x87;
  const unsigned tag = full_tag_word(f);
  const u32 ip = static_cast<u32>(f.ip), dp = static_cast<u32>(f.dp);
  const u32 linear_ip = ip + (u32{f.cs} << 4), linear_dp = dp + (u32{f.ds} << 4);
  if (wide_format(i)) {
    constexpr u32 kHigh = 0xffff0000;
    image.store(0, 4, kHigh | f.control);
    image.store(4, 4, kHigh | f.status);
    image.store(8, 4, kHigh | tag);
    if (protected_format(e)) {
      image.store(12, 4, ip);
      image.store(16, 4, (u32{f.opcode} << 16) | f.cs);
      image.store(20, 4, dp);
      image.store(24, 4, kHigh | f.ds);
    } else {
      image.store(12, 4, kHigh | (linear_ip & 0xffff));
      image.store(16, 4, ((linear_ip >> 16) << 12) | f.opcode);
      image.store(20, 4, kHigh | (linear_dp & 0xffff));
      image.store(24, 4, (linear_dp >> 16) << 12);
    }
  } else {
    image.store(0, 2, f.control);
    image.store(2, 2, f.status);
    image.store(4, 2, tag);
    const bool prot = protected_format(e);
    image.store(6, 2, prot ? ip & 0xffff : linear_ip & 0xffff);
    image.store(8, 2, prot ? f.cs : ((linear_ip >> 4) & 0xf000) | f.opcode);
    image.store(10, 2, prot ? dp & 0xffff : linear_dp & 0xffff);
    image.store(12, 2, prot ? f.ds : (linear_dp >> 4) & 0xf000);
  }
}

/// FSW with ES and B as flags and masks make them.
u16 with_summary(u16 status, u16 control) {
  constexpr u16 kBits = kFswSummary | kFswBusy;
  return static_cast<u16>((status & ~control & soft::kAllFlags) != 0 ? status | kBits : status & ~kBits);
}

/// All of the environment, in a copy. `size` is that of the whole image, whose last byte is looked at first: a part in
/// the middle can fault only at the wrap of a 16-bit address. FSW and FTW may have changed then, as on silicon (SDM
/// vol. 2, FLDENV: "the state ... as seen by the fault handler may be different").
X87 load_environment(Engine& e, const Insn& i, Image& image, unsigned size) {
  image.require_alignment();
  const u64 last = e.check_segment(i.seg(), e.effective_address(i, size - 1), 1, Access::Read);
  e.probe_linear(last, 1, Access::Read, e.user());
  X87 f = e.s.x87;
  const bool prot = protected_format(e);
  const bool wide = wide_format(i);
  const unsigned step = wide ? 4 : 2;
  std::array<u32, 7> words{};
  for (unsigned n = 0; n < 7; ++n) {
    words[n] = static_cast<u32>(image.load(n * step, step));
    if (n == 1) e.s.x87.status = with_summary(static_cast<u16>(words[n]), f.control);
    if (n == 2) e.s.x87.tag = kept_tags(words[n]);
  }
  f.control = control_image(words[0]);
  f.status = static_cast<u16>(words[1]);
  f.tag = kept_tags(words[2]);
  if (prot) {
    f.ip = words[3];
    f.cs = static_cast<u16>(words[4]);
    if (wide) f.opcode = (words[4] >> 16) & 0x7ff;
    f.dp = words[5];
    f.ds = static_cast<u16>(words[6]);
  } else {
    const u32 high_bits = wide ? 0x0ffff000 : 0xf000;
    f.ip = (words[3] & 0xffff) | ((words[4] & high_bits) << 4);
    f.opcode = words[4] & 0x7ff;
    f.dp = (words[5] & 0xffff) | ((words[6] & high_bits) << 4);
    f.cs = f.ds = 0;
  }
  return f;
}

unsigned top_of(const X87& f) { return (f.status >> 11) & 7; }

}  // namespace

u16 full_tag_word(const X87& x87) {
  unsigned tags = 0;
  for (unsigned n = 0; n < 8; ++n) {
    const bool empty = ((x87.tag >> (2 * n)) & 3) == 3;
    tags |= (empty ? 3 : tag_of(x87.r[n])) << (2 * n);
  }
  return static_cast<u16>(tags);
}

void fnstenv(Engine& e, const Insn& i) {
  if (!x87_available(e)) return;
  Image image(e, i);
  image.require_alignment();
  store_environment(e, i, image);
  e.s.x87.control |= soft::kAllFlags;
  update_summary(e);
}

void fldenv(Engine& e, const Insn& i) {
  if (!x87_ready(e)) return;
  Image image(e, i);
  e.s.x87 = load_environment(e, i, image, environment_size(i));
  update_summary(e);
}

void fnsave(Engine& e, const Insn& i) {
  if (!x87_available(e)) return;
  const X87& f = e.s.x87;
  const unsigned start = environment_size(i);
  // Unlike FNSTENV it looks at the image's last byte first. With a 16-bit address that may lie at the segment's start.
  Image image(e, i);
  image.require_alignment();
  e.probe_write(i.seg(), e.effective_address(i, start + 79), 1);
  store_environment(e, i, image);
  for (unsigned n = 0; n < 8; ++n) {
    const F80& v = f.r[(top_of(f) + n) & 7];
    image.store(start + 10 * n, 8, v.significand);
    image.store(start + 10 * n + 8, 2, v.sign_exponent);
  }
  fninit(e, i);
}

void frstor(Engine& e, const Insn& i) {
  if (!x87_ready(e)) return;
  const unsigned start = environment_size(i);
  Image image(e, i);
  X87 f = load_environment(e, i, image, start + 80);
  for (unsigned n = 0; n < 8; ++n) {
    F80& v = f.r[(top_of(f) + n) & 7];
    v.significand = image.load(start + 10 * n, 8);
    v.sign_exponent = static_cast<u16>(image.load(start + 10 * n + 8, 2));
  }
  e.s.x87 = f;
  update_summary(e);
}

// ---- FXSAVE
// -------------------------------------------------------------------------------------------------------------

namespace {

constexpr unsigned kFxSize = 512;

void check_fx_operand(Engine& e, const Insn& i) {
  if ((e.s.cr0 & (kCr0Em | kCr0Ts)) != 0) e.fault(kNm);
  const u64 linear = e.check_segment(i.seg(), e.effective_address(i), 1, Access::Read);
  if ((linear & 15) != 0) e.general_protection();
}

unsigned vector_count(const Engine& e) {
  if (!e.model.has(Feature::Sse) || (e.s.cr4 & kCr4Osfxsr) == 0) return 0;
  return e.code64() ? 16 : 8;
}

}  // namespace

void fxsave(Engine& e, const Insn& i) {
  check_fx_operand(e, i);
  e.probe_write(i.seg(), e.effective_address(i, kFxSize - 1), 1);  // the whole operand, and its end first
  Image image(e, i);
  const X87& f = e.s.x87;
  unsigned abridged = 0;
  for (unsigned n = 0; n < 8; ++n) abridged |= (((f.tag >> (2 * n)) & 3) != 3 ? 1u : 0u) << n;
  image.store(0, 2, f.control);
  image.store(2, 2, f.status);
  image.store(4, 2, abridged);
  image.store(6, 2, f.opcode);
  if (i.opsize() == Size::S64) {
    image.store(8, 8, f.ip);
    image.store(16, 8, f.dp);
  } else {
    image.store(8, 4, f.ip);
    image.store(12, 4, f.cs);
    image.store(16, 4, f.dp);
    image.store(20, 4, f.ds);
  }
  if (e.model.has(Feature::Sse)) {
    image.store(24, 4, e.s.mxcsr);
    image.store(28, 4, mxcsr_mask(e.model));
  }
  for (unsigned n = 0; n < 8; ++n) {
    const F80& v = f.r[(top_of(f) + n) & 7];
    image.store(32 + 16 * n, 8, v.significand);
    image.store(40 + 16 * n, 8, v.sign_exponent);
  }
  for (unsigned n = 0; n < vector_count(e); ++n) {
    image.store(160 + 16 * n, 8, e.s.xmm[n].q[0]);
    image.store(168 + 16 * n, 8, e.s.xmm[n].q[1]);
  }
}

void fxrstor(Engine& e, const Insn& i) {
  check_fx_operand(e, i);
  Image image(e, i);
  image.load(kFxSize - 1, 1);  // the whole operand, and its end first
  X87 f = e.s.x87;
  f.control = control_image(image.load(0, 2));
  f.status = static_cast<u16>(image.load(2, 2));
  const u64 abridged = image.load(4, 1);
  f.tag = 0;
  for (unsigned n = 0; n < 8; ++n) {
    if ((abridged >> n & 1) == 0) f.tag = static_cast<u16>(f.tag | (3u << (2 * n)));
  }
  f.opcode = image.load(6, 2) & 0x7ff;
  if (i.opsize() == Size::S64) {
    f.ip = image.load(8, 8);
    f.dp = image.load(16, 8);
    f.cs = f.ds = 0;
  } else {
    f.ip = image.load(8, 4);
    f.cs = static_cast<u16>(image.load(12, 2));
    f.dp = image.load(16, 4);
    f.ds = static_cast<u16>(image.load(20, 2));
  }
  u32 mxcsr = e.s.mxcsr;
  if (e.model.has(Feature::Sse)) {
    mxcsr = static_cast<u32>(image.load(24, 4));
    if ((mxcsr & ~mxcsr_mask(e.model)) != 0) e.general_protection();
  }
  for (unsigned n = 0; n < 8; ++n) {
    F80& v = f.r[(top_of(f) + n) & 7];
    v.significand = image.load(32 + 16 * n, 8);
    v.sign_exponent = static_cast<u16>(image.load(40 + 16 * n, 2));
  }
  auto xmm = e.s.xmm;
  for (unsigned n = 0; n < vector_count(e); ++n) {
    xmm[n].q[0] = image.load(160 + 16 * n, 8);
    xmm[n].q[1] = image.load(168 + 16 * n, 8);
  }
  e.s.x87 = f;
  e.s.mxcsr = mxcsr;
  e.s.xmm = xmm;
  update_summary(e);
}

}  // namespace orrery::cpu::helpers
