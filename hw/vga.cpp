#include "hw/vga.h"

#include <algorithm>

namespace orrery::hw {
namespace {

constexpr u64 kPortsBase = 0x3c0;

// DISPI register numbers and ENABLE bits.
enum Dispi : unsigned { kId, kXres, kYres, kBpp, kEnable, kBankRegister, kVirtWidth, kVirtHeight, kXOffset, kYOffset, kMemory64k, kDdc };
constexpr u16 kEnabled = 0x01, kGetCaps = 0x02, k8BitDac = 0x20, kLinear = 0x40, kNoClear = 0x80;
constexpr u16 kMaxXres = 1920, kMaxYres = 1200, kMaxBpp = 32;

u64 dots_per_second(u8 misc) { return ((misc >> 2) & 3) == 1 ? 28'322'000 : 25'175'000; }

}  // namespace

Vga::Vga(const VgaWiring& wiring)
    : memory_(wiring.memory), clock_(wiring.clock), log_(wiring.log), vram_(kVideoMemory) {
  // 3C0-3CF answer always; the CRT controller and status registers are at 3Bx or 3Dx, as MISC bit 0 says.
  mappings_.push_back(wiring.ports.map({.name = "vga",
                                        .base = kPortsBase,
                                        .size = 16,
                                        .widths = {},
                                        .read = [this](u64 o, unsigned) { return read_port(static_cast<u16>(kPortsBase + o)); },
                                        .write = [this](u64 o, unsigned, u64 v) {
                                          write_port(static_cast<u16>(kPortsBase + o), static_cast<u8>(v));
                                        }}));
  const auto crt_ports = [&](u64 base) {
    return wiring.ports.map({.name = base == 0x3d0 ? "vga-crtc" : "vga-crtc-mono",
                             .base = base,
                             .size = base == 0x3d0 ? 16u : 12u,
                             .widths = {},
                             .movable = true,
                             .read = [this](u64 o, unsigned) { return read_port(static_cast<u16>(0x3d0 + o)); },
                             .write = [this](u64 o, unsigned, u64 v) {
                               write_port(static_cast<u16>(0x3d0 + o), static_cast<u8>(v));
                             }});
  };
  color_ports_ = crt_ports(0x3d0);
  mono_ports_ = crt_ports(0x3b0);
  mappings_.push_back(wiring.ports.map({.name = "vbe-dispi",
                                        .base = 0x1ce,
                                        .size = 4,
                                        .widths = {.min = 1, .max = 2, .unaligned = true},
                                        .read = [this](u64 o, unsigned w) { return read_dispi_port(o, w); },
                                        .write = [this](u64 o, unsigned w, u64 v) { write_dispi_port(o, w, v); }}));
  mappings_.push_back(wiring.memory.mmio().map({.name = "vga-window",
                                                .base = 0xa0000,
                                                .size = 0x20000,
                                                .widths = {.min = 1, .max = 8, .unaligned = true},
                                                .read = [this](u64 o, unsigned w) { return read_window(o, w); },
                                                .write = [this](u64 o, unsigned w, u64 v) { write_window(o, w, v); }}));
  reset();
}

Vga::Vga(const VgaWiring& wiring, core::PciBus& bus, unsigned slot, std::span<const u8> rom) : Vga(wiring) {
  u32 rom_size = 2048;
  while (rom_size < rom.size()) rom_size *= 2;
  rom_size = std::max<u32>(rom_size, core::kPageSize);
  rom_.assign(rom.begin(), rom.end());
  rom_.resize(rom_size, 0xff);
  pci_ = std::make_unique<core::PciFunction>(
      "vga", core::PciIdentity{.vendor = 0x1234, .device = 0x1111, .class_code = 0x030000, .revision = 2,
                               .subsystem_vendor = 0x1af4, .subsystem = 0x1100});
  mmio_ = wiring.memory.mmio().map({.name = "vga-mmio",
                                    .base = 0,
                                    .size = 0x1000,
                                    .widths = {.min = 1, .max = 2},
                                    .movable = true,
                                    .read = [this](u64 o, unsigned w) { return read_mmio(o, w); },
                                    .write = [this](u64 o, unsigned w, u64 v) { write_mmio(o, w, v); }});
  mmio_.enable(false);
  pci_->add_memory_bar(0, kVideoMemory, [this](u64 base, bool enabled) { map_framebuffer(base, enabled); }, true);
  pci_->add_memory_bar(2, 0x1000, core::PciFunction::follow(mmio_));
  if (!rom.empty()) pci_->add_rom_bar(rom_size, [this](u64 base, bool enabled) { map_rom(base, enabled); });
  bus.attach(slot, 0, *pci_);
}

Vga::~Vga() = default;

void Vga::reset() {
  misc_ = 0;
  feature_ = 0;
  enable_ = 1;
  sequencer_index_ = graphics_index_ = crtc_index_ = attribute_index_ = 0;
  attribute_data_ = false;
  sequencer_ = {};
  graphics_ = {};
  crtc_ = {};
  attribute_ = {};
  dac_ = {};
  dac_mask_ = 0xff;
  dac_read_ = dac_write_ = dac_component_ = dac_state_ = 0;
  latch_ = {};
  dispi_index_ = 0;
  dispi_ = {};
  dispi_[kId] = 0xb0c5;
  dispi_[kMemory64k] = kVideoMemory >> 16;
  shown_start_ = 0;
  start_due_ = 0;
  if (pci_) pci_->reset();
  std::fill(vram_.begin(), vram_.end(), u8{0});
  map_ports();
  update_window();
  dirty_ = true;
}

void Vga::map_ports() {
  color_ports_.enable(color());
  mono_ports_.enable(!color());
}

// ---- time -----------------------------------------------------------------------------------------------------------------

Vga::Timing Vga::timing() const {
  Timing t;
  const unsigned dots = (sequencer_[1] & 1) != 0 ? 8 : 9;
  const u64 clock = dots_per_second(misc_) / ((sequencer_[1] & 8) != 0 ? 2 : 1);
  t.characters = crtc_[0] + 5u;
  t.shown = crtc_[1] + 1u;
  t.lines = (crtc_[6] | (crtc_[7] & 1u) << 8 | (crtc_[7] & 0x20u) << 4) + 2;
  t.visible = visible_lines();
  t.retrace = crtc_[0x10] | (crtc_[7] & 4u) << 6 | (crtc_[7] & 0x80u) << 2;
  t.retrace_end = t.retrace + ((crtc_[0x11] - t.retrace) & 15u);
  if (t.retrace_end == t.retrace) t.retrace_end = t.retrace + 16;
  t.line_ns = std::max<u64>(1, u64{t.characters} * dots * core::kNsPerSecond / clock);
  t.frame_ns = t.line_ns * t.lines;
  return t;
}

unsigned Vga::visible_lines() const {
  return (crtc_[0x12] | (crtc_[7] & 2u) << 7 | (crtc_[7] & 0x40u) << 3) + 1;
}

u8 Vga::input_status_1() {
  attribute_data_ = false;
  const Timing t = timing();
  const u64 in_frame = clock_.now() % t.frame_ns;
  const auto line = static_cast<unsigned>(in_frame / t.line_ns);
  const u64 in_line = in_frame % t.line_ns * t.characters / t.line_ns;
  const bool retrace = line >= t.retrace && line < t.retrace_end;
  const bool blank = line >= t.visible || in_line >= t.shown;
  return static_cast<u8>((retrace ? 8 : 0) | (blank ? 1 : 0));
}

u64 Vga::next_retrace() const {
  const Timing t = timing();
  const u64 now = clock_.now();
  const u64 at = now - now % t.frame_ns + u64{std::min(t.retrace, t.lines - 1)} * t.line_ns;
  return at > now ? at : at + t.frame_ns;
}

void Vga::settle_start_address() {
  if (start_due_ == 0 || clock_.now() < start_due_) return;
  shown_start_ = static_cast<u16>(crtc_[0x0c] << 8 | crtc_[0x0d]);
  start_due_ = 0;
  dirty_ = true;
}

// ---- ports ----------------------------------------------------------------------------------------------------------------

u64 Vga::read_port(u16 port) {
  switch (port) {
    case 0x3c0: return attribute_data_ ? attribute_[attribute_index_ & 31] : attribute_index_;
    case 0x3c1: return attribute_[attribute_index_ & 31];
    case 0x3c2: return 0x10;  // switch sense: a color monitor
    case 0x3c3: return enable_;
    case 0x3c4: return sequencer_index_;
    case 0x3c5: return sequencer_index_ < 5 ? sequencer_[sequencer_index_] : 0xff;
    case 0x3c6: return dac_mask_;
    case 0x3c7: return dac_state_;
    case 0x3c8: return dac_write_;
    case 0x3c9: return read_dac();
    case 0x3ca: return feature_;
    case 0x3cc: return misc_;
    case 0x3ce: return graphics_index_;
    case 0x3cf: return graphics_index_ < 9 ? graphics_[graphics_index_] : 0xff;
    case 0x3d4: return crtc_index_;
    case 0x3d5: return crtc_index_ < 0x19 ? crtc_[crtc_index_] : 0xff;
    case 0x3da: return input_status_1();
    default: return 0xff;
  }
}

void Vga::write_port(u16 port, u8 value) {
  switch (port) {
    case 0x3c0:
      if (attribute_data_) {
        write_attribute(value);
      } else {
        if (((attribute_index_ ^ value) & 0x20) != 0) dirty_ = true;
        attribute_index_ = value & 0x3f;
      }
      attribute_data_ = !attribute_data_;
      break;
    case 0x3c2:
      misc_ = value;
      map_ports();
      update_window();
      dirty_ = true;
      break;
    case 0x3c3:
      enable_ = value & 1;
      update_window();
      break;
    case 0x3c4: sequencer_index_ = value & 7; break;
    case 0x3c5: write_sequencer(value); break;
    case 0x3c6:
      dac_mask_ = value;
      dirty_ = true;
      break;
    case 0x3c7:
      dac_read_ = value;
      dac_component_ = 0;
      dac_state_ = 3;
      break;
    case 0x3c8:
      dac_write_ = value;
      dac_component_ = 0;
      dac_state_ = 0;
      break;
    case 0x3c9: write_dac(value); break;
    case 0x3ce: graphics_index_ = value & 15; break;
    case 0x3cf: write_graphics(value); break;
    case 0x3d4: crtc_index_ = value & 31; break;
    case 0x3d5: write_crtc(value); break;
    case 0x3da: feature_ = value; break;
    default: break;
  }
}

void Vga::write_sequencer(u8 value) {
  constexpr std::array<u8, 5> kMasks{0x03, 0x3d, 0x0f, 0x3f, 0x0e};
  if (sequencer_index_ >= kMasks.size()) return;
  sequencer_[sequencer_index_] = value & kMasks[sequencer_index_];
  if (sequencer_index_ != 2) dirty_ = true;
  update_window();
}

void Vga::write_graphics(u8 value) {
  constexpr std::array<u8, 9> kMasks{0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff};
  if (graphics_index_ >= kMasks.size()) return;
  graphics_[graphics_index_] = value & kMasks[graphics_index_];
  if (graphics_index_ == 5 || graphics_index_ == 6) dirty_ = true;
  update_window();
}

void Vga::write_crtc(u8 value) {
  if (crtc_index_ >= 0x19) return;
  if (crtc_index_ < 8 && (crtc_[0x11] & 0x80) != 0) {
    // Protected, but for bit 8 of the line compare register.
    if (crtc_index_ == 7) crtc_[7] = static_cast<u8>((crtc_[7] & ~0x10) | (value & 0x10));
    dirty_ = true;
    return;
  }
  if (crtc_[crtc_index_] == value) return;
  crtc_[crtc_index_] = value;
  if (crtc_index_ == 0x0c || crtc_index_ == 0x0d) {
    settle_start_address();
    if (start_due_ == 0) start_due_ = next_retrace();
  }
  dirty_ = true;
}

void Vga::write_attribute(u8 value) {
  const unsigned n = attribute_index_ & 31;
  constexpr std::array<u8, 5> kMasks{0xef, 0xff, 0x3f, 0x0f, 0x0f};
  if (n < 16) {
    if ((attribute_index_ & 0x20) == 0) attribute_[n] = value & 0x3f;  // the palette belongs to the display while PAS is set
  } else if (n < 21) {
    attribute_[n] = value & kMasks[n - 16];
  }
  dirty_ = true;
}

u8 Vga::read_dac() {
  const u8 value = dac_[dac_read_ * 3u + dac_component_];
  if (++dac_component_ == 3) {
    dac_component_ = 0;
    ++dac_read_;
  }
  return value;
}

void Vga::write_dac(u8 value) {
  dac_[dac_write_ * 3u + dac_component_] = (dispi_[kEnable] & k8BitDac) != 0 ? value : value & 0x3f;
  if (++dac_component_ == 3) {
    dac_component_ = 0;
    ++dac_write_;
  }
  dirty_ = true;
}

// ---- DISPI ----------------------------------------------------------------------------------------------------------------

u64 Vga::read_dispi_port(u64 offset, unsigned width) {
  if (offset == 0) return width == 2 ? dispi_index_ : dispi_index_ & 0xffu;
  if (offset == 1 || offset == 2) return width == 2 ? read_dispi(dispi_index_) : read_dispi(dispi_index_) & 0xffu;
  return 0xffff;
}

void Vga::write_dispi_port(u64 offset, unsigned width, u64 value) {
  if (width != 2) return;
  if (offset == 0) dispi_index_ = static_cast<u16>(value);
  if (offset == 1 || offset == 2) write_dispi(dispi_index_, static_cast<u16>(value));
}

u16 Vga::read_dispi(unsigned index) const {
  if (index >= dispi_.size()) return 0;
  if ((dispi_[kEnable] & kGetCaps) != 0) {
    if (index == kXres) return kMaxXres;
    if (index == kYres) return kMaxYres;
    if (index == kBpp) return kMaxBpp;
  }
  return dispi_[index];
}

void Vga::write_dispi(unsigned index, u16 value) {
  dirty_ = true;
  switch (index) {
    case kId:
      if (value >= 0xb0c0 && value <= 0xb0c5) dispi_[kId] = value;
      break;
    case kXres:
      if (!vbe() && value != 0 && value <= kMaxXres) dispi_[kXres] = value & 0xfff8;
      break;
    case kYres:
      if (!vbe() && value != 0 && value <= kMaxYres) dispi_[kYres] = value;
      break;
    case kBpp:
      if (value == 0) value = 8;
      if (!vbe() && (value == 4 || value == 8 || value == 15 || value == 16 || value == 24 || value == 32)) dispi_[kBpp] = value;
      break;
    case kEnable: {
      const bool was = vbe();
      const u16 bits = value & (kEnabled | kGetCaps | k8BitDac | kLinear | kNoClear);
      const bool depth_changed = ((dispi_[kEnable] ^ bits) & k8BitDac) != 0;
      if (depth_changed) {  // the DAC's entries keep their colors
        for (u8& c : dac_) c = (bits & k8BitDac) != 0 ? static_cast<u8>(c << 2) : static_cast<u8>(c >> 2);
      }
      dispi_[kEnable] = bits;
      if (vbe() && !was) {
        if (dispi_[kXres] == 0) dispi_[kXres] = 640;
        if (dispi_[kYres] == 0) dispi_[kYres] = 480;
        if (dispi_[kBpp] == 0) dispi_[kBpp] = 8;
        dispi_[kVirtWidth] = dispi_[kXres];
        dispi_[kXOffset] = dispi_[kYOffset] = 0;
        dispi_[kBankRegister] = 0;
        const u64 line = std::max<u64>(1, u64{dispi_[kXres]} * dispi_[kBpp] / 8);
        dispi_[kVirtHeight] = static_cast<u16>(std::min<u64>(kVideoMemory / line, 0xffff));
        if ((bits & kNoClear) == 0) std::fill(vram_.begin(), vram_.end(), u8{0});
      }
      if (!vbe()) dispi_[kBankRegister] = 0;
      update_window();
      break;
    }
    case kBankRegister:
      dispi_[kBankRegister] = value & 0xff;
      update_window();
      break;
    case kVirtWidth: {
      const u64 bpp = std::max<u16>(dispi_[kBpp], 1);
      if (value < dispi_[kXres] || value == 0) value = dispi_[kXres];
      if (u64{value} * bpp / 8 * std::max<u16>(dispi_[kYres], 1) > kVideoMemory) break;
      dispi_[kVirtWidth] = value;
      const u64 line = std::max<u64>(1, u64{value} * bpp / 8);
      dispi_[kVirtHeight] = static_cast<u16>(std::min<u64>(kVideoMemory / line, 0xffff));
      break;
    }
    case kXOffset: dispi_[kXOffset] = value; break;
    case kYOffset: dispi_[kYOffset] = value; break;
    default: break;
  }
}

u64 Vga::read_mmio(u64 offset, unsigned width) {
  if (offset >= 0x500 && offset < 0x516) return read_dispi(static_cast<unsigned>(offset - 0x500) / 2) >> ((offset & 1) * 8);
  if (offset >= 0x400 && offset < 0x420) {
    u64 value = 0;
    for (unsigned n = 0; n < width; ++n) value |= read_port(static_cast<u16>(0x3c0 + offset - 0x400 + n)) << (8 * n);
    return value;
  }
  return ~u64{0};
}

void Vga::write_mmio(u64 offset, unsigned width, u64 value) {
  if (offset >= 0x500 && offset < 0x516) {
    if (width == 2) write_dispi(static_cast<unsigned>(offset - 0x500) / 2, static_cast<u16>(value));
  } else if (offset >= 0x400 && offset < 0x420) {
    for (unsigned n = 0; n < width; ++n) {
      write_port(static_cast<u16>(0x3c0 + offset - 0x400 + n), static_cast<u8>(value >> (8 * n)));
    }
  }
}

// ---- state ----------------------------------------------------------------------------------------------------------------

void Vga::archive(core::Archive& ar) {
  ar.section("vga", 1, [&](u32) {
    ar("misc", misc_);
    ar("feature", feature_);
    ar("enable", enable_);
    ar("sequencer_index", sequencer_index_);
    ar("graphics_index", graphics_index_);
    ar("crtc_index", crtc_index_);
    ar("attribute_index", attribute_index_);
    ar("attribute_data", attribute_data_);
    ar("sequencer", sequencer_);
    ar("graphics", graphics_);
    ar("crtc", crtc_);
    ar("attribute", attribute_);
    ar("dac", dac_);
    ar("dac_mask", dac_mask_);
    ar("dac_read", dac_read_);
    ar("dac_write", dac_write_);
    ar("dac_component", dac_component_);
    ar("dac_state", dac_state_);
    ar("latch", latch_);
    ar("dispi_index", dispi_index_);
    ar("dispi", dispi_);
    ar("shown_start", shown_start_);
    ar("start_due", start_due_);
    if (pci_) ar("pci", *pci_);
    // Video memory without its empty pages: page number (4 bytes) and contents, one after the other.
    std::vector<u8> pages;
    if (!ar.loading()) {
      for (u32 n = 0; n < kVideoMemory / core::kPageSize; ++n) {
        const auto first = vram_.begin() + static_cast<i64>(n * core::kPageSize);
        const auto last = first + core::kPageSize;
        if (std::all_of(first, last, [](u8 b) { return b == 0; })) continue;
        std::array<u8, 4> number;
        core::store_le<u32>(number.data(), n);
        pages.insert(pages.end(), number.begin(), number.end());
        pages.insert(pages.end(), first, last);
      }
    }
    ar("memory", pages);
    if (!ar.loading()) return;
    std::fill(vram_.begin(), vram_.end(), u8{0});
    constexpr std::size_t kRecord = 4 + core::kPageSize;
    if (pages.size() % kRecord != 0) throw core::ArchiveError("vga: the saved video memory is cut off");
    for (std::size_t at = 0; at < pages.size(); at += kRecord) {
      const u32 n = core::load_le<u32>(&pages[at]);
      if (n >= kVideoMemory / core::kPageSize) throw core::ArchiveError("vga: the saved video memory names a page that is not there");
      std::copy_n(pages.begin() + static_cast<i64>(at + 4), core::kPageSize, vram_.begin() + static_cast<i64>(n * core::kPageSize));
    }
    map_ports();
    update_window();
    dirty_ = true;
  });
}

}  // namespace orrery::hw
