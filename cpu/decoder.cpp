#include "cpu/decoder.h"

#include <algorithm>
#include <cstring>

namespace orrery::cpu {
namespace {

using core::load_le;

// --- what a line needs, compiled from its operands -------------------------------------------------------------------

// Where the register number of an operand comes from: an index into a small array of candidates.
enum Source : u8 {
  kFixed,  // no field
  kReg,
  kRm,
  kLow,
  kReg8,
  kRm8,
  kLow8,
  kReg3,
  kRm3,
  kVvvv,
  kSourceCount
};

enum class Imm : u8 { None, Ib, SignedIb, Iw, Iz, Iv, Far, Address, IwIb, IbIb };

struct Recipe {
  u8 source[3] = {};
  u8 fixed[3] = {};
  Imm imm = Imm::None;
  Opsize64 opsize64 = Opsize64::Normal;
  bool rm_is_register = false;
  bool is_mandatory = false;  // F3 and F2 are part of the opcode
  bool lock = false;
  bool prot = false;
  bool vvvv = false;  // an operand is in VEX.vvvv
  // clang-format off
  enum : u8 { NoCheck, SegmentSource, SegmentDestination, Control, Debug } check = NoCheck;
};
// clang-format on

constexpr Recipe compile(const OpLine& l) {
  Recipe p;
  p.opsize64 = l.encoding.opsize64;
  p.rm_is_register = l.encoding.mod == Mod::Ignored;
  p.is_mandatory = l.encoding.mandatory != Mandatory::Any;
  p.lock = l.lock();
  p.prot = l.prot();
  unsigned bytes = 0;
  for (unsigned k = 0; k < 3; ++k) {
    u8& s = p.source[k];
    const auto fixed = [&](u8 n) { p.fixed[k] = n; };
    const auto imm = [&](Imm i) { p.imm = i; };
    switch (l.operand[k]) {
      using enum Opd;
      case Eb: s = kRm8; break;
      case Ew:
      case Ed:
      case Eq:
      case Ev:
      case Ez:
      case Ey:
      case RvMw:
      case RdMb:
      case RdMw:
      case Rd:
      case Rv:
      case Ry:
      case Udq:
      case Uq:
      case Wx:
      case Wq:
      case Wd:
      case Ww: s = kRm; break;
      case Nq:
      case Qd:
      case Qq:
      case STi: s = kRm3; break;
      case Gb: s = kReg8; break;
      case Gw:
      case Gd:
      case Gq:
      case Gv:
      case Gz:
      case Gy:
      case Vx: s = kReg; break;
      case Sw: s = kReg3, p.check = k == 0 ? Recipe::SegmentDestination : Recipe::SegmentSource; break;
      case Cy: s = kReg, p.check = Recipe::Control; break;
      case Dy: s = kReg, p.check = Recipe::Debug; break;
      case Pq: s = kReg3; break;
      case By:
      case Hx: s = kVvvv, p.vvvv = true; break;
      case Zb: s = kLow8; break;
      case Zv: s = kLow; break;
      case Ib:
        ++bytes;
        imm(p.imm == Imm::Iw ? Imm::IwIb : bytes == 2 ? Imm::IbIb : Imm::Ib);
        break;
      case Lx: imm(Imm::Ib); break;
      case sIb:
      case Jb: imm(Imm::SignedIb); break;
      case Iw: imm(Imm::Iw); break;
      case Iz:
      case Jz: imm(Imm::Iz); break;
      case Iv: imm(Imm::Iv); break;
      case Ap: imm(Imm::Far); break;
      case Ob:
      case Ov: imm(Imm::Address); break;
      case CL:
      case CS: fixed(1); break;
      case DX:
      case ImplDX:
      case SS: fixed(2); break;
      case DS: fixed(3); break;
      case FS: fixed(4); break;
      case GS: fixed(5); break;
      default: break;
    }
  }
  return p;
}

constexpr auto kRecipes = [] {
  std::array<Recipe, kOpCount> recipes{};
  for (unsigned i = 0; i < kOpCount; ++i) recipes[i] = compile(line(static_cast<u16>(i)));
  return recipes;
}();

// --- prefixes --------------------------------------------------------------------------------------------------------

enum class Prefix : u8 { None, Segment, Osize, Asize, Lock, Rep, Repne, Rex };

constexpr auto kPrefixes = [] {
  std::array<Prefix, 256> t{};
  for (unsigned b : {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65}) t[b] = Prefix::Segment;
  t[0x66] = Prefix::Osize;
  t[0x67] = Prefix::Asize;
  t[0xf0] = Prefix::Lock;
  t[0xf2] = Prefix::Repne;
  t[0xf3] = Prefix::Rep;
  for (unsigned b = 0x40; b < 0x50; ++b) t[b] = Prefix::Rex;
  return t;
}();

// 26 2E 36 3E 64 65 as Seg.
constexpr u8 segment_of_prefix(u8 b) { return b >= 0x64 ? static_cast<u8>(b - 0x60) : static_cast<u8>((b >> 3) & 3); }
static_assert(segment_of_prefix(0x26) == kEs && segment_of_prefix(0x2e) == kCs && segment_of_prefix(0x36) == kSs &&
              segment_of_prefix(0x3e) == kDs && segment_of_prefix(0x64) == kFs && segment_of_prefix(0x65) == kGs);

// --- 16-bit addressing (SDM table 2-1) -------------------------------------------------------------------------------

struct Form16 {
  u8 base, index, seg;
};
constexpr Form16 kForms16[8] = {{kRbx, kRsi, kDs},     {kRbx, kRdi, kDs},     {kRbp, kRsi, kSs},
                                {kRbp, kRdi, kSs},     {kRsi, kZeroReg, kDs}, {kRdi, kZeroReg, kDs},
                                {kRbp, kZeroReg, kSs}, {kRbx, kZeroReg, kDs}};

constexpr u8 byte_register(u8 n, bool rex) { return rex || n < 4 ? n : static_cast<u8>(n - 4 + kHighByte); }

constexpr u64 sign_extend32(u32 v) { return static_cast<u64>(static_cast<i64>(static_cast<i32>(v))); }

/// BSWAP and WBINVD came with the 486, but SeaBIOS uses them whatever the processor: without them a 386 shows nothing
/// at all. What tells these processors apart are the flags AC and ID, and a 386 has neither.
constexpr bool for_firmware(u16 line) {
  return line == static_cast<u16>(Op::Bswap_Zv) || line == static_cast<u16>(Op::Wbinvd);
}

}  // namespace

Decoder::Decoder(FeatureSet features) : highest_cr_(features.has(Feature::I486) ? 4 : 3) {
  features.set(Feature::I386);
  build(0, features);
  build(1, features);
}

void Decoder::build(unsigned code64, FeatureSet features) {
  // The lines of each opcode, in the table's order.
  std::vector<std::vector<u16>> of(256 * kMaps);
  for (u16 i = 0; i < kOpCount; ++i) {
    const OpLine& l = line(i);
    const Encoding& e = l.encoding;
    if (!features.has(l.feature) && !for_firmware(i)) continue;
    if (e.bits64 == (code64 != 0 ? Bits64::No : Bits64::Only)) continue;
    const unsigned map = static_cast<unsigned>(e.map) + (e.vex != Vex::None ? kVexMaps : 0);
    const unsigned first = map * 256 + (e.low_register ? e.opcode & 0xf8u : e.opcode);
    for (unsigned n = 0; n < (e.low_register ? 8u : 1u); ++n) of[first + n].push_back(i);
  }
  for (unsigned opcode = 0; opcode < of.size(); ++opcode) {
    Slot& slot = slots_[code64][opcode];
    slot.base = static_cast<u16>(lines_.size());
    // Which bits matter.
    bool prefix = false, w = false, b = false, l = false, reg = false, mod = false, rm = false;
    for (u16 i : of[opcode]) {
      const Encoding& e = line(i).encoding;
      slot.modrm |= e.modrm;
      prefix |= e.mandatory != Mandatory::Any;
      w |= e.rex_w >= 0;
      b |= e.rex_b >= 0;
      l |= e.vex == Vex::V128 || e.vex == Vex::V256;
      reg |= e.reg_field >= 0;
      mod |= e.mod == Mod::Memory || e.mod == Mod::Register;
      rm |= e.rm_field >= 0;
    }
    unsigned bits = 0;
    const auto field = [&](bool used, unsigned width, u8& mask, u8& shift) {
      if (!used) return;
      mask = static_cast<u8>((1u << width) - 1);
      shift = static_cast<u8>(bits);
      bits += width;
    };
    u8 prefix_shift = 0;
    field(prefix, 2, slot.prefix_mask, prefix_shift);
    field(w, 1, slot.w_mask, slot.w_shift);
    field(b, 1, slot.b_mask, slot.b_shift);
    field(l, 1, slot.l_mask, slot.l_shift);
    field(reg, 3, slot.reg_mask, slot.reg_shift);
    field(mod, 1, slot.mod_mask, slot.mod_shift);
    field(rm, 3, slot.rm_mask, slot.rm_shift);
    slot.simple = bits == 0;
    for (unsigned n = 0; n < (1u << bits); ++n) {
      const auto part = [n](u8 mask, u8 shift) { return static_cast<int>((n >> shift) & mask); };
      const auto fits = [&](u16 i) {
        const Encoding& e = line(i).encoding;
        const bool is_reg = part(slot.mod_mask, slot.mod_shift) != 0;
        return (e.mandatory == Mandatory::Any || static_cast<int>(e.mandatory) - 1 == part(slot.prefix_mask, 0)) &&
               (e.rex_w < 0 || e.rex_w == part(slot.w_mask, slot.w_shift)) &&
               (e.rex_b < 0 || e.rex_b == part(slot.b_mask, slot.b_shift)) &&
               (!l || e.vex == Vex::Lig || (e.vex == Vex::V256) == (part(slot.l_mask, slot.l_shift) != 0)) &&
               (e.reg_field < 0 || e.reg_field == part(slot.reg_mask, slot.reg_shift)) &&
               (e.mod == Mod::Any || e.mod == Mod::Ignored || (e.mod == Mod::Register) == is_reg) &&
               (e.rm_field < 0 || e.rm_field == part(slot.rm_mask, slot.rm_shift));
      };
      const auto found = std::find_if(of[opcode].begin(), of[opcode].end(), fits);
      lines_.push_back(found == of[opcode].end() ? kNoLine : *found);
    }
  }
}

DecodeResult Decoder::decode(std::span<const u8> bytes, const DecodeMode& mode, Insn& out) const {
  // The longest thing ever read is 14 prefixes, 3 opcode bytes, ModRM, SIB, 4 bytes of displacement and 8 of immediate.
  // With that many bytes at hand (zeros after the real ones, which decide nothing, since then the result is NeedMore)
  // the rest need not look at the end.
  constexpr std::size_t kWindow = 32;
  u8 padded[kWindow];
  const u8* const start = bytes.size() >= kWindow ? bytes.data() : padded;
  if (bytes.size() < kWindow) {
    std::memset(padded, 0, sizeof padded);
    if (!bytes.empty()) std::memcpy(padded, bytes.data(), bytes.size());
  }
  const u8* p = start;
  const bool code64 = mode.code64;
  const auto finish = [&](DecodeResult result) {
    std::size_t length = static_cast<std::size_t>(p - start);
    if (length > kMaxInsnLength) result = DecodeResult::TooLong, length = kMaxInsnLength;
    if (length > bytes.size()) result = DecodeResult::NeedMore, length = bytes.size();
    if (result == DecodeResult::TooLong && bytes.size() < kMaxInsnLength) result = DecodeResult::NeedMore;
    out.length = static_cast<u8>(length);
    return result;
  };

  // Prefixes. Of F2 and F3 and of the segments the last one counts; REX counts right before the opcode only.
  u8 opcode = *p++;
  u8 rex = 0, seg = 0xff, bits = 0;
  bool osize = false, asize = false;
  for (Prefix kind; (kind = kPrefixes[opcode]) != Prefix::None; opcode = *p++) {
    if (kind == Prefix::Rex) {
      if (!code64) break;
      rex = opcode;
    } else {
      rex = 0;
      switch (kind) {
        case Prefix::Segment: {
          const u8 s = segment_of_prefix(opcode);
          if (!code64 || s >= kFs) seg = s;  // ES, CS, SS, DS are ignored in 64-bit mode
          break;
        }
        case Prefix::Osize: osize = true; break;
        case Prefix::Asize: asize = true; break;
        case Prefix::Lock: bits |= Insn::kLock; break;
        case Prefix::Rep: bits = static_cast<u8>((bits & ~Insn::kRepne) | Insn::kRep); break;
        default: bits = static_cast<u8>((bits & ~Insn::kRep) | Insn::kRepne); break;
      }
    }
    if (p - start >= static_cast<std::ptrdiff_t>(kMaxInsnLength)) return ++p, finish(DecodeResult::TooLong);
  }

  unsigned map = 0;
  unsigned vvvv = 0, vex_l = 0, vex_pp = 0;
  const bool vex = (opcode == 0xc4 || opcode == 0xc5) && (code64 || (mode.protected_mode && *p >= 0xc0));
  if (vex) {
    // SDM vol. 2, 2.3.5 and 2.3.6. Outside 64-bit mode only three bits of a register number count.
    const bool prefixed = osize || rex != 0 || (bits & (Insn::kLock | Insn::kRep | Insn::kRepne)) != 0;
    if (prefixed) return finish(DecodeResult::Invalid);
    const u8 first = *p++;
    rex = static_cast<u8>((~first >> 5) & 4);
    map = 1;
    u8 last = first;
    if (opcode == 0xc4) {
      rex |= static_cast<u8>((~first >> 5) & 3);
      map = first & 31;
      last = *p++;
      rex |= static_cast<u8>((last >> 4) & 8);
    }
    if (!code64) rex &= 8;
    vvvv = (~last >> 3) & 15;
    vex_l = (last >> 2) & 1;
    vex_pp = last & 3;
    opcode = *p++;
    if (map == 0 || map > kVexMaps) return finish(DecodeResult::Invalid);
    map += kVexMaps;
  } else if (opcode == 0x0f) {
    opcode = *p++;
    map = 1;
    if (opcode == 0x38 || opcode == 0x3a) {
      map = opcode == 0x38 ? 2 : 3;
      opcode = *p++;
    }
  }
  const Slot& slot = slots_[code64][map * 256 + opcode];
  u8 modrm = 0;
  if (slot.modrm != 0) modrm = *p++;
  unsigned where = slot.base;
  if (slot.simple == 0) {
    const unsigned prefix = vex                          ? vex_pp
                            : (bits & Insn::kRep) != 0   ? 2
                            : (bits & Insn::kRepne) != 0 ? 3
                            : osize                      ? 1
                                                         : 0;
    where += (prefix & slot.prefix_mask) + (((rex >> 3) & slot.w_mask) << slot.w_shift) +
             ((rex & slot.b_mask) << slot.b_shift) + ((vex_l & slot.l_mask) << slot.l_shift) +
             (((modrm >> 3) & slot.reg_mask) << slot.reg_shift) +
             (((modrm >= 0xc0 ? 1u : 0u) & slot.mod_mask) << slot.mod_shift) +
             ((modrm & slot.rm_mask) << slot.rm_shift);
  }
  const u16 op = lines_[where];
  if (op == kNoLine) return finish(DecodeResult::Invalid);
  const Recipe& recipe = kRecipes[op];
  if (vvvv != 0 && !recipe.vvvv) return finish(DecodeResult::Invalid);

  const bool base32 = code64 || mode.code32;
  Size opsize = base32 != osize ? Size::S32 : Size::S16;
  const Size addrsize = code64 ? (asize ? Size::S32 : Size::S64) : (mode.code32 != asize ? Size::S32 : Size::S16);
  if (code64) {
    if ((rex & 8) != 0 || recipe.opsize64 == Opsize64::Forced64 || (recipe.opsize64 == Opsize64::Default64 && !osize)) {
      opsize = Size::S64;
    }
  }

  // Memory operand.
  u8 base = kZeroReg, index = kZeroReg, scale = 0, default_seg = kDs;
  i32 disp = 0;
  bool memory = false;
  if (slot.modrm != 0 && modrm < 0xc0 && !recipe.rm_is_register) {
    memory = true;
    const unsigned mod = modrm >> 6, rm = modrm & 7;
    if (addrsize == Size::S16) {
      if (mod == 0 && rm == 6) {
        disp = static_cast<i16>(load_le<u16>(p));  // wraps within 16 bits, so its sign does not matter
        p += 2;
      } else {
        base = kForms16[rm].base, index = kForms16[rm].index, default_seg = kForms16[rm].seg;
        if (mod == 1) disp = static_cast<i8>(*p++);
        if (mod == 2) disp = static_cast<i16>(load_le<u16>(p)), p += 2;
      }
    } else {
      unsigned low = rm;
      base = static_cast<u8>(rm | ((rex & 1) << 3));
      if (rm == 4) {
        const u8 sib = *p++;
        low = sib & 7;
        base = static_cast<u8>(low | ((rex & 1) << 3));
        const u8 n = static_cast<u8>(((sib >> 3) & 7) | ((rex & 2) << 2));
        if (n != kRsp) index = n, scale = sib >> 6;
      }
      if (mod == 0) {
        if (low == kRbp) {
          base = code64 && rm != 4 ? kRipBase : kZeroReg;
          disp = static_cast<i32>(load_le<u32>(p));
          p += 4;
        }
      } else if (mod == 1) {
        disp = static_cast<i8>(*p++);
      } else {
        disp = static_cast<i32>(load_le<u32>(p));
        p += 4;
      }
      if (base == kRsp || base == kRbp) default_seg = kSs;
    }
  }

  u64 imm = 0;
  switch (recipe.imm) {
    case Imm::None: break;
    case Imm::Ib: imm = *p++; break;
    case Imm::SignedIb: imm = static_cast<u64>(static_cast<i64>(static_cast<i8>(*p++))); break;
    case Imm::Iw: imm = load_le<u16>(p), p += 2; break;
    case Imm::Iv:
      if (opsize == Size::S64) {
        imm = load_le<u64>(p), p += 8;
        break;
      }
      [[fallthrough]];
    case Imm::Iz:
      if (opsize == Size::S16) {
        imm = static_cast<u64>(static_cast<i64>(static_cast<i16>(load_le<u16>(p)))), p += 2;
      } else {
        imm = sign_extend32(load_le<u32>(p)), p += 4;
      }
      break;
    case Imm::Far:
      if (opsize == Size::S16) {
        imm = load_le<u16>(p), p += 2;
      } else {
        imm = load_le<u32>(p), p += 4;
      }
      disp = load_le<u16>(p), p += 2;
      break;
    case Imm::Address:
      memory = true;
      switch (addrsize) {
        case Size::S16: disp = load_le<u16>(p), p += 2; break;
        case Size::S32: disp = static_cast<i32>(load_le<u32>(p)), p += 4; break;
        case Size::S64: base = kMoffsBase, imm = load_le<u64>(p), p += 8; break;
      }
      break;
    case Imm::IwIb: imm = load_le<u16>(p) | (static_cast<u64>(p[2]) << 16), p += 3; break;
    case Imm::IbIb: imm = load_le<u16>(p), p += 2; break;
  }

  // Register numbers.
  const bool has_rex = rex != 0 && !vex;
  const u8 reg3 = (modrm >> 3) & 7, rm3 = modrm & 7;
  const u8 reg = static_cast<u8>(reg3 | ((rex & 4) << 1)), rm = static_cast<u8>(rm3 | ((rex & 1) << 3));
  const u8 low = static_cast<u8>((opcode & 7) | ((rex & 1) << 3));
  const u8 numbers[kSourceCount] = {0,
                                    reg,
                                    rm,
                                    low,
                                    byte_register(reg, has_rex),
                                    byte_register(rm, has_rex),
                                    byte_register(low, has_rex),
                                    reg3,
                                    rm3,
                                    static_cast<u8>(code64 ? vvvv : vvvv & 7)};
  for (unsigned k = 0; k < 3; ++k) out.r[k] = static_cast<u8>(numbers[recipe.source[k]] + recipe.fixed[k]);
  if (map == 0 && (opcode & 0xf8) == 0xd8) imm = u64{opcode & 7u} << 8 | modrm;  // FOP

  if ((bits & Insn::kLock) != 0 && !(recipe.lock && memory)) return finish(DecodeResult::Invalid);
  if (recipe.prot && !mode.protected_mode && !code64) return finish(DecodeResult::Invalid);
  switch (recipe.check) {
    case Recipe::NoCheck: break;
    case Recipe::SegmentSource:
      if (reg3 > kGs) return finish(DecodeResult::Invalid);
      break;
    case Recipe::SegmentDestination:
      if (reg3 > kGs || reg3 == kCs) return finish(DecodeResult::Invalid);
      break;
    case Recipe::Control:
      if (reg == 1 || (reg > highest_cr_ && !(reg == 8 && code64))) return finish(DecodeResult::Invalid);
      break;
    case Recipe::Debug:
      if (reg > 7) return finish(DecodeResult::Invalid);
      break;
  }

  if (recipe.is_mandatory) bits &= static_cast<u8>(~(Insn::kRep | Insn::kRepne));
  if (memory) bits |= Insn::kMem;
  if (has_rex) bits |= Insn::kRex;
  if (osize) bits |= Insn::kOsize;
  out.handler = nullptr;
  out.imm = imm;
  out.disp = disp;
  out.op = op;
  out.base = base;
  out.index = index;
  out.scale_seg = static_cast<u8>(scale | ((seg == 0xff ? default_seg : seg) << 4));
  out.sizes = static_cast<u8>(static_cast<u8>(opsize) | (static_cast<u8>(addrsize) << 2) | (vex_l << 4));
  out.bits = bits;
  out.offset = 0;
  return finish(DecodeResult::Ok);
}

}  // namespace orrery::cpu
