#include "hw/piix3.h"

namespace orrery::hw {
namespace {

constexpr u8 kPirqRoute = 0x60;
constexpr u8 kRouteDisabled = 0x80;
// IRQ 0, 1, 2, 8 and 13 are reserved in PIRQRC (section 2.1.7).
constexpr u16 kRoutable = 0xdef8;

// RCR, the reset control register: SRST selects a hard reset, RCPU starts it.
constexpr u8 kSrst = 0x02;
constexpr u8 kRcpu = 0x04;

}  // namespace

Piix3::Piix3(core::PciBus& bus, unsigned slot, core::Log& log, Reset reset)
    : log_(log),
      reset_(std::move(reset)),
      pci_("piix3", {.vendor = 0x8086,
                     .device = 0x7000,
                     .class_code = 0x060100,
                     .header_type = 0x80,
                     .subsystem_vendor = 0x1af4,
                     .subsystem = 0x1100}) {
  pci_.define16(0x04, 0x0007, 0x0008);
  pci_.define16(0x06, 0x0200, 0, 0x7800);
  pci_.define8(0x4c, 0x4d, 0xff);       // IORT
  pci_.define16(0x4e, 0x0003, 0x01ff);  // XBCS
  for (u8 i = 0; i < 4; ++i) pci_.define8(static_cast<u8>(kPirqRoute + i), kRouteDisabled, 0x8f);
  pci_.define8(0x69, 0x02, 0xfe);               // TOM
  pci_.define16(0x6a, 0x0000, 0x8006);          // MSTAT
  pci_.define8(0x70, 0x80, 0xef);               // MBIRQ0
  pci_.define8(0x76, 0x0c, 0x8f);               // MBDMA0
  pci_.define8(0x77, 0x0c, 0x8f);               // MBDMA1
  pci_.define16(0x78, 0x0002, 0xffff);          // PCSC
  pci_.define8(0x80, 0x00, 0x7f);               // APICBASE
  pci_.define8(0x82, 0x00, 0x0f);               // DLC
  pci_.define8(0xa0, 0x08, 0x1f);               // SMICNTL
  pci_.define16(0xa2, 0x0000, 0x01ff);          // SMIEN
  pci_.define32(0xa4, 0x00000000, 0xffffffff);  // SEE
  pci_.define8(0xa8, 0x0f, 0xff);               // FTMR
  pci_.define16(0xaa, 0x0000, 0x01ff);          // SMIREQ: a bit is cleared by writing 0
  pci_.define8(0xac, 0x00, 0xff);               // CTLTMR
  pci_.define8(0xae, 0x00, 0xff);               // CTHTMR
  pci_.on_write([this](u8 offset, unsigned width) {
    if (offset < kPirqRoute + 4 && offset + width > kPirqRoute) update_routes();
  });
  bus.attach(slot, 0, pci_);
  for (unsigned n = 0; n < 4; ++n) {
    bus.pirq(n).connect([this, n](bool level) {
      pirq_[n] = level;
      update_routes();
    });
  }
  bus.set_reset_control([this] { return rcr_; }, [this](u8 value) { write_rcr(value); });
}

void Piix3::reset() {
  pci_.reset();
  rcr_ = 0;
  update_routes();
}

void Piix3::update_routes() {
  u16 levels = 0;
  for (unsigned n = 0; n < 4; ++n) {
    const u8 route = pci_.get8(static_cast<u8>(kPirqRoute + n));
    if (pirq_[n] && (route & kRouteDisabled) == 0) levels |= static_cast<u16>(1u << (route & 15));
  }
  levels &= kRoutable;
  for (unsigned n = 0; n < 16; ++n) irq_[n].set(core::bit(levels, n));
}

void Piix3::write_rcr(u8 value) {
  // RCPU starts the reset and is clear again when the processor looks next.
  rcr_ = value & kSrst;
  if ((value & kRcpu) == 0) return;
  log_(core::Channel::CpuReset, "piix3: {} reset through port cf9", rcr_ != 0 ? "hard" : "soft");
  if (reset_) reset_(rcr_ != 0);
}

void Piix3::archive(core::Archive& ar) {
  ar.section(name(), 1, [&](u32) {
    ar("pci", pci_);
    ar("pirq", pirq_);
    ar("rcr", rcr_);
    for (unsigned n = 0; n < 16; ++n) {
      bool level = irq_[n].level();
      ar(fmt::format("irq{}", n), level);
      if (ar.loading()) irq_[n].restore(level);
    }
  });
}

}  // namespace orrery::hw
