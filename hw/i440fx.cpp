#include "hw/i440fx.h"

#include <algorithm>

namespace orrery::hw {
namespace {

constexpr u8 kPam0 = 0x59;
constexpr u8 kDrb0 = 0x60;
constexpr u8 kSmram = 0x72;

// PAM attribute bits, section 3.2.12.
constexpr u8 kReadEnable = 1;
constexpr u8 kWriteEnable = 2;

// SMRAM bits, section 3.2.19.
constexpr u8 kDOpen = 0x40;
constexpr u8 kDCls = 0x20;
constexpr u8 kDLock = 0x10;
constexpr u8 kGSmrame = 0x08;

constexpr u64 kSmramBase = 0xa0000;
constexpr u64 kSmramSize = 0x20000;

struct Region {
  u64 base;
  u64 size;
  u8 reg;    // configuration register
  u8 shift;  // of its two attribute bits
};

/// Region 0-11: C0000h + 16 KiB each, PAM1 low nibble first; region 12: F0000h-FFFFFh, PAM0 high nibble.
constexpr Region region(unsigned i) {
  if (i == 12) return {0xf0000, 0x10000, kPam0, 4};
  return {0xc0000 + u64{i} * 0x4000, 0x4000, static_cast<u8>(kPam0 + 1 + i / 2), static_cast<u8>((i & 1) * 4)};
}

}  // namespace

I440fx::I440fx(core::PciBus& bus, core::GuestMemory& memory, std::span<u8> system_rom)
    : memory_(memory),
      rom_(system_rom),
      pci_("i440fx", {.vendor = 0x8086,
                      .device = 0x1237,
                      .class_code = 0x060000,
                      .revision = 2,
                      .subsystem_vendor = 0x1af4,  // by which SeaBIOS knows a virtual machine
                      .subsystem = 0x1100}) {
  pci_.define16(0x04, 0x0006, 0x0140);
  pci_.define16(0x06, 0x0280, 0, 0x7000);
  pci_.define8(0x0d, 0, 0xf8);          // MLT
  pci_.define16(0x50, 0x0000, 0xffff);  // PMCCFG
  pci_.define8(0x52, 0x00, 0xff);       // DETURBO
  pci_.define8(0x53, 0x80, 0xff);       // DBC
  pci_.define8(0x54, 0x00, 0x07);       // AXC
  pci_.define16(0x55, 0x0000, 0xffff);  // DRT
  pci_.define8(0x57, 0x01, 0xff);       // DRAMC
  pci_.define8(0x58, 0x10, 0xff);       // DRAMT
  pci_.define8(kPam0, 0x00, 0x30);
  for (u8 i = 1; i < 7; ++i) pci_.define8(static_cast<u8>(kPam0 + i), 0x00, 0x33);
  // DRB: cumulative end of each row in units of 8 MiB; a row holds at most 256 MiB.
  const u64 units = std::min<u64>(memory.ram().size() >> 23, 0x80);
  for (u8 row = 0; row < 8; ++row) {
    const u64 end = std::max<u64>(1, std::min<u64>(units, u64{32} * (row + 1)));
    pci_.define8(static_cast<u8>(kDrb0 + row), static_cast<u8>(end), 0xff);
  }
  pci_.define8(0x68, 0x00, 0xc0);     // FDHC
  pci_.define8(0x70, 0x20, 0xf8);     // MTT
  pci_.define8(0x71, 0x10, 0x7f);     // CLT
  pci_.define8(kSmram, 0x02, 0x78);   // C_BASE_SEG is hardwired to 010b
  pci_.define8(0x90, 0x00, 0x9b);     // ERRCMD
  pci_.define8(0x91, 0x00, 0, 0x11);  // ERRSTS
  pci_.define8(0x93, 0x00, 0x0e);     // TRC
  pci_.on_write([this](u8 offset, unsigned width) { written(offset, width); });
  bus.attach(0, 0, pci_);
}

void I440fx::reset() {
  pci_.reset();
  smram_locked_ = smram_enabled_ = false;
  update_pam(true);
  update_smram();
}

void I440fx::written(u8 offset, unsigned width) {
  const unsigned end = offset + width;
  if (offset <= kPam0 + 6 && end > kPam0) update_pam(false);
  if (offset <= kSmram && end > kSmram) {
    // Once D_LCK is set, it, D_OPEN and G_SMRAME are read-only until reset.
    u8 value = pci_.get8(kSmram);
    if (smram_locked_) value = static_cast<u8>((value & kDCls) | kDLock | (smram_enabled_ ? kGSmrame : 0) | 2);
    if ((value & kDLock) != 0) value = static_cast<u8>(value & ~kDOpen);
    smram_locked_ = (value & kDLock) != 0;
    smram_enabled_ = (value & kGSmrame) != 0;
    pci_.set8(kSmram, value);
    update_smram();
  }
}

void I440fx::update_pam(bool force) {
  for (unsigned i = 0; i < kRegions; ++i) {
    const Region r = region(i);
    const u8 bits = static_cast<u8>((pci_.get8(r.reg) >> r.shift) & 3);
    if (!force && bits == mapped_[i]) continue;
    mapped_[i] = bits;
    const std::span<u8> ram = memory_.ram();
    u8* shadow = r.base + r.size <= ram.size() ? ram.data() + r.base : nullptr;
    // The ROM may begin inside a region: page by page.
    for (u64 at = r.base; at < r.base + r.size; at += core::kPageSize) {
      u8* here = shadow != nullptr ? shadow + (at - r.base) : nullptr;
      u8* rom = at >= 0xe0000 && 0x100000 - at <= rom_.size() ? rom_.data() + (rom_.size() - (0x100000 - at)) : nullptr;
      memory_.map_pages(at, core::kPageSize, (bits & kReadEnable) != 0 ? here : rom,
                        (bits & kWriteEnable) != 0 ? here : nullptr);
    }
  }
}

void I440fx::update_smram() {
  const bool open = (pci_.get8(kSmram) & (kDOpen | kGSmrame)) == (kDOpen | kGSmrame);
  if (open == smram_open_) return;
  smram_open_ = open;
  if (open && memory_.ram().size() >= kSmramBase + kSmramSize) {
    memory_.map_ram(kSmramBase, kSmramSize, kSmramBase);
  } else {
    memory_.map_pages(kSmramBase, kSmramSize, nullptr, nullptr);
  }
}

void I440fx::archive(core::Archive& ar) {
  ar.section(name(), 1, [&](u32) {
    ar("pci", pci_);
    ar("smram_locked", smram_locked_);
    ar("smram_enabled", smram_enabled_);
    if (ar.loading()) {
      update_pam(false);
      update_smram();
    }
  });
}

}  // namespace orrery::hw
