#include "hw/piix4_pm.h"

namespace orrery::hw {
namespace {

// Configuration space.
constexpr u8 kPmba = 0x40;
constexpr u8 kDevActB = 0x58;
constexpr u8 kPmRegMisc = 0x80;
constexpr u8 kSmbba = 0x90;
constexpr u8 kSmbHstCfg = 0xd2;
constexpr u32 kApmcEn = 1u << 25;

// PM1 status and enable.
constexpr u16 kTmrof = 1 << 0;
constexpr u16 kGbl = 1 << 5;
constexpr u16 kPwrBtn = 1 << 8;
constexpr u16 kRtc = 1 << 10;
constexpr u16 kPm1Events = kTmrof | kGbl | kPwrBtn | kRtc;
constexpr u16 kPm1Clearable = 0x8d31;  // also BM_STS, PWRBTNOR_STS, RSM_STS

// PM1 control.
constexpr u16 kSciEn = 1 << 0;
constexpr u16 kGblRls = 1 << 2;
constexpr u16 kSusEn = 1 << 13;

// General-purpose events: THRM, USB, RI, LID, GPI... (sections 7.2.5 and 7.2.6).
constexpr u16 kGpeBits = 0x0f01;

// SMBus host status and control.
constexpr u8 kHostDevErr = 0x04;
constexpr u8 kHostFailed = 0x10;
constexpr u8 kHostCauses = 0x1e;
constexpr u8 kHostInterEn = 0x01;
constexpr u8 kHostKill = 0x02;
constexpr u8 kHostStart = 0x40;

constexpr u8 with_byte(u16 value, unsigned n) { return static_cast<u8>(value >> (8 * n)); }
constexpr void set_byte(u16& value, unsigned n, u8 byte) {
  value = static_cast<u16>((value & ~(0xffu << (8 * n))) | (unsigned{byte} << (8 * n)));
}

}  // namespace

Piix4Pm::Piix4Pm(Wiring wiring)
    : w_(std::move(wiring)),
      pci_("piix4pm", {.vendor = 0x8086,
                       .device = 0x7113,
                       .class_code = 0x068000,
                       .revision = 3,
                       .subsystem_vendor = 0x1af4,
                       .subsystem = 0x1100,
                       .interrupt_pin = 1}),
      timer_event_(w_.clock, "piix4pm.timer", [this] { update_sci(); }) {
  pci_.define16(0x04, 0x0000, 0x0001);
  pci_.define16(0x06, 0x0280, 0, 0x7800);
  pci_.define32(kPmba, 0x00000001, 0x0000ffc0);
  pci_.define32(0x44, 0, 0xffffffff);  // CNTA
  pci_.define32(0x48, 0, 0xffffffff);  // CNTB
  pci_.define32(0x4c, 0, 0xffffffff);  // GPICTL
  pci_.define32(0x50, 0, 0x00ffffff);  // DEVRESD
  pci_.define32(0x54, 0, 0xffffffff);  // DEVACTA
  pci_.define32(kDevActB, w_.smi ? 0 : kApmcEn, 0xffffffff);
  for (u8 at = 0x5c; at < 0x80; at += 4) pci_.define32(at, 0, 0xffffffff);  // DEVRESA-DEVRESJ
  pci_.define8(kPmRegMisc, 0, 0x01);
  pci_.define32(kSmbba, 0x00000001, 0x0000fff0);
  pci_.define8(kSmbHstCfg, 0, 0x0f);
  pci_.define8(0xd3, 0, 0xff);  // SMBSLVC
  pci_.define8(0xd4, 0, 0xff);  // SMBSHDW1
  pci_.define8(0xd5, 0, 0xff);  // SMBSHDW2
  pci_.on_write([this](u8 offset, unsigned width) {
    const unsigned end = offset + width;
    if ((offset < kPmba + 4 && end > kPmba) || (offset <= kPmRegMisc && end > kPmRegMisc)) update_pm_window();
    if ((offset < kSmbba + 4 && end > kSmbba) || (offset <= kSmbHstCfg && end > kSmbHstCfg)) {
      update_smbus_window();
      update_sci();
    }
  });
  w_.bus.attach(w_.slot, 3, pci_);

  pm_window_ = w_.ports.map({.name = "piix4pm",
                             .base = 0,
                             .size = 64,
                             .widths = {1, 4},
                             .movable = true,
                             .read =
                                 [this](u64 offset, unsigned width) {
                                   // The timer is read as one value.
                                   if (offset == 8 && width == 4) return timer_ticks() & 0xffffff;
                                   u64 value = 0;
                                   for (unsigned i = 0; i < width; ++i) value |= u64{read_pm(offset + i)} << (8 * i);
                                   return value;
                                 },
                             .write =
                                 [this](u64 offset, unsigned width, u64 value) {
                                   for (unsigned i = 0; i < width; ++i) {
                                     write_pm(offset + i, static_cast<u8>(value >> (8 * i)));
                                   }
                                   if (offset <= 5 && offset + width > 5) write_pm1_control();
                                   update_sci();
                                 }});
  pm_window_.enable(false);
  smbus_window_ = w_.ports.map({.name = "piix4smbus",
                                .base = 0,
                                .size = 16,
                                .widths = {1, 1},
                                .movable = true,
                                .read = [this](u64 offset, unsigned) { return read_smbus(offset); },
                                .write =
                                    [this](u64 offset, unsigned, u64 value) {
                                      write_smbus(offset, static_cast<u8>(value));
                                      update_sci();
                                    }});
  smbus_window_.enable(false);
  apm_ports_ = w_.ports.map({.name = "apm",
                             .base = 0xb2,
                             .size = 2,
                             .widths = {1, 1},
                             .read = [this](u64 offset, unsigned) { return offset == 0 ? apm_control_ : apm_status_; },
                             .write = [this](u64 offset, unsigned, u64 v) { write_apm(offset, static_cast<u8>(v)); }});
}

void Piix4Pm::reset() {
  pci_.reset();
  pm1_status_ = pm1_enable_ = pm1_control_ = 0;
  timer_acknowledged_ = timer_ticks() >> 23;
  gpe_status_ = gpe_enable_ = 0;
  plain_ = {};
  apm_control_ = apm_status_ = 0;
  smbus_status_ = 0;
  smbus_ = {};
  smbus_block_ = {};
  smbus_index_ = 0;
  update_pm_window();
  update_smbus_window();
  update_sci();
}

void Piix4Pm::update_pm_window() {
  const u64 base = pci_.get32(kPmba) & 0xffc0;
  const bool on = (pci_.get8(kPmRegMisc) & 1) != 0 && base != 0;
  if (on) pm_window_.move(base);
  pm_window_.enable(on);
}

void Piix4Pm::update_smbus_window() {
  const u64 base = pci_.get32(kSmbba) & 0xfff0;
  const bool on = (pci_.get8(kSmbHstCfg) & 1) != 0 && base != 0;
  if (on) smbus_window_.move(base);
  smbus_window_.enable(on);
}

u64 Piix4Pm::timer_ticks() const {
  return static_cast<u64>(static_cast<unsigned __int128>(w_.clock.now()) * kPmTimerHz / core::kNsPerSecond);
}

u16 Piix4Pm::pm1_status() const {
  // TMROF_STS: bit 23 of the timer has changed since the bit was cleared.
  return static_cast<u16>(pm1_status_ | ((timer_ticks() >> 23) != timer_acknowledged_ ? kTmrof : 0));
}

u8 Piix4Pm::read_pm(u64 offset) {
  switch (offset) {
    case 0x00:
    case 0x01: return with_byte(pm1_status(), offset & 1);
    case 0x02:
    case 0x03: return with_byte(pm1_enable_, offset & 1);
    case 0x04:
    case 0x05: return with_byte(pm1_control_, offset & 1);
    case 0x08:
    case 0x09:
    case 0x0a: return static_cast<u8>(timer_ticks() >> (8 * (offset - 8)));
    case 0x0b: return 0;
    case 0x0c:
    case 0x0d: return with_byte(gpe_status_, offset & 1);
    case 0x0e:
    case 0x0f: return with_byte(gpe_enable_, offset & 1);
    case 0x14:  // P_LVL2, P_LVL3: the processor has no stop-clock states; reads return at once
    case 0x15: return 0;
    default: return plain_[offset & 63];
  }
}

void Piix4Pm::write_pm(u64 offset, u8 value) {
  const unsigned n = offset & 1;
  const u16 bits = static_cast<u16>(unsigned{value} << (8 * n));
  switch (offset) {
    case 0x00:
    case 0x01:
      pm1_status_ = static_cast<u16>(pm1_status_ & ~(bits & kPm1Clearable));
      if ((bits & kTmrof) != 0) timer_acknowledged_ = timer_ticks() >> 23;
      break;
    case 0x02:
    case 0x03:
      set_byte(pm1_enable_, n, value);
      pm1_enable_ &= kPm1Events;
      break;
    case 0x04:
    case 0x05:
      set_byte(pm1_control_, n, value);
      if (offset == 4 && (value & kGblRls) != 0) {
        pm1_control_ = static_cast<u16>(pm1_control_ & ~kGblRls);  // would raise SMI# for the BIOS; reads as 0
      }
      pm1_control_ &= 0x3c03;
      break;
    case 0x08:
    case 0x09:
    case 0x0a:
    case 0x0b:
    case 0x14:
    case 0x15: break;
    case 0x0c:
    case 0x0d: gpe_status_ = static_cast<u16>(gpe_status_ & ~bits); break;
    case 0x0e:
    case 0x0f:
      set_byte(gpe_enable_, n, value);
      gpe_enable_ &= kGpeBits;
      break;
    case 0x30:  // GPIREG: inputs
    case 0x31:
    case 0x32: break;
    default: plain_[offset & 63] = value;
  }
}

void Piix4Pm::write_pm1_control() {
  if ((pm1_control_ & kSusEn) == 0) return;
  pm1_control_ = static_cast<u16>(pm1_control_ & ~kSusEn);  // write-only
  const unsigned type = static_cast<unsigned>(core::bits(pm1_control_, 12, 10));
  if (type == 0) {
    if (w_.power_off) w_.power_off();
  } else {
    w_.log.once(core::Channel::Unimp, "piix4pm: sleep type {} is not there, only soft off (0)", type);
  }
}

void Piix4Pm::write_apm(u64 offset, u8 value) {
  if (offset == 1) {
    apm_status_ = value;
    return;
  }
  apm_control_ = value;
  if (value == kAcpiEnable) pm1_control_ |= kSciEn;
  if (value == kAcpiDisable) pm1_control_ = static_cast<u16>(pm1_control_ & ~kSciEn);
  update_sci();
  if ((pci_.get32(kDevActB) & kApmcEn) != 0 && w_.smi) w_.smi();
}

bool Piix4Pm::press_power_button() {
  pm1_status_ |= kPwrBtn;
  update_sci();
  return (pm1_control_ & kSciEn) != 0 && (pm1_enable_ & kPwrBtn) != 0;
}

void Piix4Pm::raise_gpe(u16 bits) {
  gpe_status_ |= bits & kGpeBits;
  update_sci();
}

// --- SMBus host (chapter 11.5) ---------------------------------------------------------------------------------------

u8 Piix4Pm::read_smbus(u64 offset) {
  switch (offset) {
    case 0x00: return smbus_status_;
    case 0x02:
      smbus_index_ = 0;  // reading SMBHSTCNT rewinds the block buffer
      return static_cast<u8>(smbus_[2] & ~kHostStart);
    case 0x07: return smbus_block_[smbus_index_++ & 31];
    default: return smbus_[offset & 15];
  }
}

void Piix4Pm::write_smbus(u64 offset, u8 value) {
  switch (offset) {
    case 0x00: smbus_status_ = static_cast<u8>(smbus_status_ & ~(value & kHostCauses)); break;
    case 0x02:
      smbus_[2] = static_cast<u8>(value & 0x1f);
      if ((value & kHostKill) != 0) {
        smbus_status_ |= kHostFailed;
      } else if ((value & kHostStart) != 0) {
        smbus_status_ |= kHostDevErr;  // nobody acknowledges the address
      }
      break;
    case 0x07: smbus_block_[smbus_index_++ & 31] = value; break;
    case 0x01:
    case 0x0c:
    case 0x0d: break;  // slave status and data: nothing ever arrives
    default: smbus_[offset & 15] = value;
  }
}

void Piix4Pm::update_sci() {
  const bool acpi =
      (pm1_control_ & kSciEn) != 0 && ((pm1_status() & pm1_enable_) != 0 || (gpe_status_ & gpe_enable_) != 0);
  // SMBHSTCFG bits 3-1: 100b routes the host's interrupt to IRQ9.
  const bool smbus =
      (smbus_status_ & kHostCauses) != 0 && (smbus_[2] & kHostInterEn) != 0 && (pci_.get8(kSmbHstCfg) & 0x0e) == 0x08;
  w_.sci.set(acpi || smbus);
  if ((pm1_enable_ & kTmrof) != 0 && (pm1_status() & kTmrof) == 0) {
    const unsigned __int128 due = static_cast<unsigned __int128>((timer_acknowledged_ + 1) << 23) * core::kNsPerSecond;
    const u64 at = static_cast<u64>((due + kPmTimerHz - 1) / kPmTimerHz);
    if (!timer_event_.pending() || timer_event_.when() != at) timer_event_.at(at);
  } else {
    timer_event_.cancel();
  }
}

void Piix4Pm::archive(core::Archive& ar) {
  ar.section(name(), 1, [&](u32) {
    ar("pci", pci_);
    ar("pm1_status", pm1_status_);
    ar("pm1_enable", pm1_enable_);
    ar("pm1_control", pm1_control_);
    ar("timer_acknowledged", timer_acknowledged_);
    ar("gpe_status", gpe_status_);
    ar("gpe_enable", gpe_enable_);
    ar("plain", plain_);
    ar("apm_control", apm_control_);
    ar("apm_status", apm_status_);
    ar("smbus_status", smbus_status_);
    ar("smbus", smbus_);
    ar("smbus_block", smbus_block_);
    ar("smbus_index", smbus_index_);
    ar("timer_event", timer_event_);
    bool sci = w_.sci.level();
    ar("sci", sci);
    if (ar.loading()) {
      w_.sci.restore(sci);
      update_pm_window();
      update_smbus_window();
    }
  });
}

}  // namespace orrery::hw
