#include "cpu/disassembler.h"

#include <fmt/format.h>

#include <array>
#include <iterator>

namespace orrery::cpu {
namespace {

using Text = std::back_insert_iterator<std::string>;

constexpr const char* kNames8[] = {"al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil"};
constexpr const char* kHighNames[] = {"ah", "ch", "dh", "bh"};
constexpr const char* kNames16[] = {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di"};
constexpr const char* kSegments[] = {"es", "cs", "ss", "ds", "fs", "gs"};

/// A general register of `bytes` bytes.
std::string gpr(unsigned n, unsigned bytes) {
  if (bytes == 1 && (n & kHighByte) != 0) return kHighNames[n & 3];
  if (n >= 8) return fmt::format("r{}{}", n, bytes == 1 ? "b" : bytes == 2 ? "w" : bytes == 4 ? "d" : "");
  if (bytes == 1) return kNames8[n];
  return fmt::format("{}{}", bytes == 8 ? "r" : bytes == 4 ? "e" : "", kNames16[n]);
}

unsigned bytes_of(Size s) { return 2u << static_cast<unsigned>(s); }

u64 mask_to(u64 v, unsigned bytes) { return bytes >= 8 ? v : v & ((u64{1} << (bytes * 8)) - 1); }

/// Picks a part of "a/b/c" by operand size and of "a|b|c" by address size.
std::string_view pick_mnemonic(std::string_view all, const Insn& i) {
  const char separator = all.find('/') != all.npos ? '/' : all.find('|') != all.npos ? '|' : '\0';
  if (separator == '\0') return all;
  for (unsigned n = static_cast<unsigned>(separator == '/' ? i.opsize() : i.addrsize()); n != 0; --n) {
    const auto at = all.find(separator);
    if (at == all.npos) break;
    all.remove_prefix(at + 1);
  }
  return all.substr(0, all.find(separator));
}

std::string_view size_name(unsigned bytes) {
  switch (bytes) {
    case 1: return "byte ptr ";
    case 2: return "word ptr ";
    case 4: return "dword ptr ";
    case 6: return "fword ptr ";
    case 8: return "qword ptr ";
    case 10: return "tbyte ptr ";
    case 16: return "xmmword ptr ";
    default: return "";
  }
}

bool is_string_source(Opd o) { return o == Opd::Xb || o == Opd::Xv || o == Opd::Xz; }

class Printer {
 public:
  Printer(const Insn& insn, const DecodeMode& mode, u64 address)
      : i_(insn), line_(line(insn.op)), mode_(mode), address_(address), out_(text_) {}

  std::string print() {
    prefixes();
    text_ += pick_mnemonic(line_.mnemonic, i_);
    if (is_string_) return std::move(text_);  // the mnemonic says all
    bool first = true;
    for (unsigned k = 0; k < 3; ++k) {
      const std::size_t before = text_.size();
      text_ += first ? " " : ", ";
      const std::size_t start = text_.size();
      operand(k);
      if (text_.size() == start) {
        text_.resize(before);
      } else {
        first = false;
      }
    }
    return std::move(text_);
  }

 private:
  unsigned v() const { return bytes_of(i_.opsize()); }
  unsigned z() const { return v() == 2 ? 2 : 4; }
  unsigned y() const { return v() == 8 ? 8 : 4; }

  void prefixes() {
    if (i_.lock()) text_ += "lock ";
    bool uses_source = line_.semantic == "Xlat";
    for (Opd o : line_.operand) {
      uses_source |= is_string_source(o);
      is_string_ |= is_string_source(o) || o == Opd::Yb || o == Opd::Yv || o == Opd::Yz;
    }
    if (is_string_) {
      const bool compares = line_.semantic == "Cmps" || line_.semantic == "Scas";
      if (i_.rep()) text_ += compares ? "repe " : "rep ";
      if (i_.repne()) text_ += "repne ";
    }
    if (uses_source && i_.seg() != kDs) fmt::format_to(out_, "{} ", kSegments[i_.seg()]);
  }

  void reg(unsigned k, unsigned bytes) { text_ += gpr(i_.r[k], bytes); }
  void imm(unsigned bytes) { fmt::format_to(out_, "0x{:x}", mask_to(i_.imm, bytes)); }

  void memory(unsigned bytes) {
    text_ += size_name(bytes);
    const unsigned address_bytes = bytes_of(i_.addrsize());
    const unsigned usual = i_.base == kRsp || i_.base == kRbp ? kSs : kDs;
    if (i_.seg() != usual && line_.semantic != "Lea") fmt::format_to(out_, "{}:", kSegments[i_.seg()]);
    text_ += '[';
    if (i_.base == kRipBase) {
      fmt::format_to(out_, "0x{:x}",
                     mask_to(address_ + i_.length + static_cast<u64>(static_cast<i64>(i_.disp)), address_bytes));
    } else if ((i_.base == kZeroReg && i_.index == kZeroReg) || i_.base == kMoffsBase) {
      fmt::format_to(
          out_, "0x{:x}",
          mask_to(static_cast<u64>(static_cast<i64>(i_.disp)) + (i_.base == kMoffsBase ? i_.imm : 0), address_bytes));
    } else {
      if (i_.base != kZeroReg) text_ += gpr(i_.base, address_bytes);
      if (i_.index != kZeroReg) {
        if (i_.base != kZeroReg) text_ += '+';
        text_ += gpr(i_.index, address_bytes);
        if (i_.scale() != 0 || i_.base == kZeroReg) fmt::format_to(out_, "*{}", 1u << i_.scale());
      }
      if (i_.disp > 0) fmt::format_to(out_, "+0x{:x}", i_.disp);
      if (i_.disp < 0) fmt::format_to(out_, "-0x{:x}", -static_cast<i64>(i_.disp));
    }
    text_ += ']';
  }

  void rm(unsigned k, unsigned reg_bytes, unsigned mem_bytes) { i_.mem() ? memory(mem_bytes) : reg(k, reg_bytes); }
  void rm(unsigned k, unsigned bytes) { rm(k, bytes, bytes); }
  void numbered(std::string_view name, unsigned k) { fmt::format_to(out_, "{}{}", name, i_.r[k]); }
  void vector_rm(unsigned k, unsigned bytes) { i_.mem() ? memory(bytes) : numbered("xmm", k); }

  void branch() {
    const u64 target = address_ + i_.length + i_.imm;
    fmt::format_to(out_, "0x{:x}", mask_to(target, v()));
  }

  void operand(unsigned k) {
    const Opd o = line_.operand[k];
    switch (o) {
      using enum Opd;
      case None:
      case ImplAX:
      case ImplDX:
      case ImplV: break;
      case Xb:
      case Xv:
      case Xz:
      case Yb:
      case Yv:
      case Yz: break;  // string instructions print none
      case Eb: rm(k, 1); break;
      case Ew: rm(k, 2); break;
      case Ed: rm(k, 4); break;
      case Eq: rm(k, 8); break;
      case Ev: rm(k, v()); break;
      case Ez: rm(k, z()); break;
      case Ey: rm(k, y()); break;
      case RvMw: rm(k, v(), 2); break;
      case RdMb: rm(k, 4, 1); break;
      case RdMw: rm(k, 4, 2); break;
      case M: memory(0); break;
      case Mb: memory(1); break;
      case Mw: memory(2); break;
      case Md: memory(4); break;
      case Mq: memory(8); break;
      case Mdq: memory(16); break;
      case Mt: memory(10); break;
      case Mv: memory(v()); break;
      case My: memory(y()); break;
      case Mp: memory(v() + 2); break;
      case Ma: memory(2 * z()); break;
      case Ms: memory(mode_.code64 ? 10 : 6); break;
      case Rd: reg(k, 4); break;
      case Rv: reg(k, v()); break;
      case Ry: reg(k, y()); break;
      case Gb: reg(k, 1); break;
      case Gw: reg(k, 2); break;
      case Gd: reg(k, 4); break;
      case Gq: reg(k, 8); break;
      case Gv: reg(k, v()); break;
      case Gz: reg(k, z()); break;
      case Gy:
      case By: reg(k, y()); break;
      case Sw:
      case ES:
      case CS:
      case SS:
      case DS:
      case FS:
      case GS: text_ += kSegments[i_.r[k]]; break;
      case Cy: numbered("cr", k); break;
      case Dy: numbered("dr", k); break;
      case Pq:
      case Nq: numbered("mm", k); break;
      case Qd: i_.mem() ? memory(4) : numbered("mm", k); break;
      case Qq: i_.mem() ? memory(8) : numbered("mm", k); break;
      case Vx:
      case Udq:
      case Uq:
      case Hx: numbered("xmm", k); break;
      case Lx: fmt::format_to(out_, "xmm{}", i_.imm >> 4); break;
      case Wx: vector_rm(k, 16); break;
      case Wq: vector_rm(k, 8); break;
      case Wd: vector_rm(k, 4); break;
      case Ww: vector_rm(k, 2); break;
      case Zb: reg(k, 1); break;
      case Zv: reg(k, v()); break;
      case Ib: byte_immediate(k); break;
      case Iw: imm(2); break;
      case sIb:
      case Iz:
      case Iv: imm(v()); break;
      case Jb:
      case Jz: branch(); break;
      case Ap: fmt::format_to(out_, "0x{:04x}:0x{:0{}x}", i_.disp, i_.imm, v() == 2 ? 4 : 8); break;
      case One: text_ += "0x1"; break;
      case Ob: memory(1); break;
      case Ov: memory(v()); break;
      case ST0: text_ += "st0"; break;
      case STi: numbered("st", k); break;
      case AL: text_ += "al"; break;
      case CL: text_ += "cl"; break;
      case AX: text_ += "ax"; break;
      case DX: text_ += "dx"; break;
      case rAX: text_ += gpr(kRax, v()); break;
      case zAX: text_ += gpr(kRax, z()); break;
      case XMM0: text_ += "xmm0"; break;
    }
  }

  /// ENTER, EXTRQ and INSERTQ have two immediates, of which this one is the higher.
  void byte_immediate(unsigned k) {
    unsigned shift = 0;
    if (k > 0 && line_.operand[k - 1] == Opd::Iw) shift = 16;
    if (k > 0 && line_.operand[k - 1] == Opd::Ib) shift = 8;
    fmt::format_to(out_, "0x{:x}", (i_.imm >> shift) & 0xff);
  }

  const Insn& i_;
  const OpLine& line_;
  const DecodeMode& mode_;
  u64 address_;
  bool is_string_ = false;
  std::string text_;
  Text out_;
};

}  // namespace

std::string disassemble(const Insn& insn, const DecodeMode& mode, u64 address) {
  return Printer(insn, mode, address).print();
}

Disassembly disassemble(const Decoder& decoder, std::span<const u8> bytes, const DecodeMode& mode, u64 address) {
  Insn insn;
  if (decoder.decode(bytes, mode, insn) == DecodeResult::Ok) return {disassemble(insn, mode, address), insn.length};
  return {fmt::format("db 0x{:02x}", bytes[0]), 1};
}

}  // namespace orrery::cpu
