#include "hw/vga_registers.h"

namespace orrery::hw {
namespace {

u32 expand_6(u8 c) { return (c & 0xfcu) | c >> 6; }

}  // namespace

// --- DAC -------------------------------------------------------------------------------------------------------------

void VgaDac::begin(u8 index, bool reading) {
  index_ = index;
  component_ = 0;
  reading_ = reading;
}

u8 VgaDac::read_data() {
  const u8 value = entries_[index_ * 3u + component_];
  if (++component_ == 3) begin(static_cast<u8>(index_ + 1), reading_);
  return eight_bits_ ? value : value >> 2;
}

void VgaDac::write_data(u8 value) {
  transfer_[component_] = eight_bits_ ? value : static_cast<u8>(value << 2);
  if (++component_ < 3) return;
  std::copy(transfer_.begin(), transfer_.end(), entries_.begin() + index_ * 3);
  begin(static_cast<u8>(index_ + 1), reading_);
}

u32 VgaDac::color(u8 index) const {
  const u8* c = &entries_[(index & mask) * 3u];
  if (eight_bits_) return u32{c[0]} << 16 | u32{c[1]} << 8 | c[2];
  return expand_6(c[0]) << 16 | expand_6(c[1]) << 8 | expand_6(c[2]);
}

void VgaDac::archive(core::Archive& ar) {
  ar("mask", mask);
  ar("entries", entries_);
  ar("transfer", transfer_);
  ar("index", index_);
  ar("component", component_);
  ar("reading", reading_);
  ar("eight_bits", eight_bits_);
  if (component_ > 2) component_ = 0;
}

// --- DISPI -----------------------------------------------------------------------------------------------------------

u16 VbeDispi::read(u16 n) const {
  if ((regs_[Enable] & kGetCaps) != 0) {
    if (n == Xres) return kMaxXres;
    if (n == Yres) return kMaxYres;
    if (n == Bpp) return kMaxBpp;
  }
  return n < regs_.size() ? regs_[n] : 0;
}

void VbeDispi::set_virtual_width(u16 width) {
  width = std::max(width, regs_[Xres]);
  if (regs_[Bpp] == 4) width &= 0xfff8;
  const u32 room = regs_[Bpp] == 4 ? kVideoMemory / 4 : kVideoMemory;
  if (u64{pitch(width)} * regs_[Yres] > room) width = regs_[Xres];
  regs_[VirtWidth] = width;
  regs_[VirtHeight] = static_cast<u16>(std::min<u32>(room / std::max(1u, pitch(width)), 0xffff));
}

VbeDispi::Effect VbeDispi::write(u16 n, u16 value) {
  const bool on = enabled();
  switch (n) {
    case Id:
      if (value >= 0xb0c0 && value <= 0xb0c5) regs_[Id] = value;
      return {};
    // Size and depth are fixed while the mode is on.
    case Xres:
      if (!on && value != 0 && value <= kMaxXres) regs_[Xres] = std::max<u16>(8, value & 0xfff8);
      return {};
    case Yres:
      if (!on && value != 0 && value <= kMaxYres) regs_[Yres] = value;
      return {};
    case Bpp:
      if (value == 0) value = 8;
      if (!on && (value == 4 || value == 8 || value == 15 || value == 16 || value == 24 || value == 32))
        regs_[Bpp] = value;
      return {};
    case Enable: {
      regs_[Enable] = value & (kEnabled | kGetCaps | k8BitDac | kLinear | kNoClear);
      if (on && !enabled()) regs_[Bank] = 0;
      if (on || !enabled()) return {.changed = true};
      if (regs_[Xres] == 0) regs_[Xres] = 640;
      if (regs_[Yres] == 0) regs_[Yres] = 480;
      regs_[Bank] = regs_[XOffset] = regs_[YOffset] = 0;
      set_virtual_width(regs_[Xres]);
      const u32 shown = pitch() * regs_[Yres] * (regs_[Bpp] == 4 ? 4 : 1);
      return {.changed = true, .clear = (value & kNoClear) != 0 ? 0 : std::min(shown, kVideoMemory)};
    }
    case Bank: regs_[Bank] = value % (kVideoMemory >> 16); return {.changed = true};
    case VirtWidth: set_virtual_width(value); return {.changed = true};
    case XOffset:
    case YOffset: regs_[n] = value; return {.changed = true};
    default: return {};
  }
}

void VbeDispi::archive(core::Archive& ar) {
  ar("index", index);
  ar("registers", regs_);
  const u16 bpp = regs_[Bpp];
  const bool depth = bpp == 4 || bpp == 8 || bpp == 15 || bpp == 16 || bpp == 24 || bpp == 32;
  const bool size = !enabled() || (regs_[Xres] != 0 && regs_[Yres] != 0);
  if (!depth || !size || regs_[Xres] > kMaxXres || regs_[Yres] > kMaxYres || regs_[Bank] >= kVideoMemory >> 16) {
    throw core::ArchiveError("vga: the saved DISPI registers hold a mode that there is not");
  }
}

}  // namespace orrery::hw
