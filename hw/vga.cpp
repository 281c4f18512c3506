#include "hw/vga.h"

#include <algorithm>

#include "hw/vga_edid.h"

namespace orrery::hw {
namespace {

// BAR 2, as QEMU's "standard VGA" lays it out.
constexpr u64 kEdid = 0x000;
constexpr u64 kMmioPorts = 0x400;  // 3C0-3DF
constexpr u64 kMmioDispi = 0x500;
constexpr u64 kMmioDispiEnd = 0x516;
constexpr u64 kMmioExtended = 0x600;  // size of this block, then byte order
constexpr u32 kLittleEndian = 0x1e1e1e1e;

}  // namespace

Vga::Vga(const VgaWiring& wiring, Common) : guest_(wiring.memory), clock_(wiring.clock), log_(wiring.log) {
  const auto map_ports = [&](u16 base, u16 size) {
    mappings_.push_back(wiring.ports.map(
        {.name = base == 0x3c0   ? "vga"
                 : base == 0x3d0 ? "vga-color"
                                 : "vga-mono",
         .base = base,
         .size = size,
         .widths = {},
         .read = [this, base](u64 o, unsigned) { return read_port(static_cast<u16>(base + o)); },
         .write = [this, base](u64 o, unsigned,
                               u64 v) { write_port(static_cast<u16>(base + o), static_cast<u8>(v)); }}));
  };
  map_ports(0x3b0, 12);
  map_ports(0x3c0, 16);
  map_ports(0x3d0, 16);
  // The index is at 1CE, the data at 1CF (and at 1D0 for those who think that 16-bit ports are even): each 16 bits
  // wide.
  mappings_.push_back(wiring.ports.map({.name = "vbe-dispi",
                                        .base = 0x1ce,
                                        .size = 4,
                                        .widths = {.min = 1, .max = 2, .unaligned = true},
                                        .read = [this](u64 o, unsigned w) { return read_dispi_port(o, w); },
                                        .write = [this](u64 o, unsigned w, u64 v) { write_dispi_port(o, w, v); }}));
  mappings_.push_back(wiring.memory.mmio().map(
      {.name = "vga-window",
       .base = VgaMemory::kWindowBase,
       .size = VgaMemory::kWindowSize,
       .widths = {.min = 1, .max = 8, .unaligned = true},
       .read = [this](u64 o, unsigned w) { return memory_.read(static_cast<u32>(o), w); },
       .write = [this](u64 o, unsigned w, u64 v) { memory_.write(static_cast<u32>(o), w, v); }}));
}

Vga::Vga(const VgaWiring& wiring) : Vga(wiring, Common{}) {
  if (guest_.ram().size() <= kIsaFramebuffer) map_framebuffer(kIsaFramebuffer, true);
  reset();
}

Vga::Vga(const VgaWiring& wiring, core::PciBus& bus, unsigned slot, std::span<const u8> rom) : Vga(wiring, Common{}) {
  u32 rom_size = core::kPageSize;
  while (rom_size < rom.size()) rom_size *= 2;
  rom_.assign(rom.begin(), rom.end());
  rom_.resize(rom_size, 0xff);
  pci_ = std::make_unique<core::PciFunction>("vga", core::PciIdentity{.vendor = 0x1234,
                                                                      .device = 0x1111,
                                                                      .class_code = 0x030000,
                                                                      .revision = 2,
                                                                      .subsystem_vendor = 0x1af4,
                                                                      .subsystem = 0x1100});
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
  reset();
}

Vga::~Vga() = default;

void Vga::reset() {
  regs_ = {};
  dac_ = {};
  dispi_ = {};
  shown_start_ = 0;
  start_due_ = 0;
  interrupt_due_ = 0;
  if (pci_) pci_->reset();
  retime();
  configure_memory();
}

// --- time ------------------------------------------------------------------------------------------------------------

u16 Vga::start_now() const {
  return start_due_ != 0 && clock_.now() >= start_due_ ? regs_.start_address() : shown_start_;
}

void Vga::settle() {
  shown_start_ = start_now();
  if (clock_.now() >= start_due_) start_due_ = 0;
}

void Vga::retime() {
  timing_ = VgaTiming(regs_, dispi_);
  const u64 now = clock_.now();
  if (start_due_ != 0) start_due_ = timing_.next_retrace(now);
  if (interrupt_due_ > now) interrupt_due_ = timing_.next_retrace(now);
}

u8 Vga::input_status_0() const {
  // Bit 4 senses the monitor: the comparators see the load of a colour monitor's terminators while the DAC puts out
  // little. Bit 7: the vertical interrupt is pending.
  const u32 c = dac_.color(0);
  const bool sense = (c >> 18 & 63) + (c >> 10 & 63) + (c >> 2 & 63) < 0x4e;
  const bool pending = (regs_.crtc[0x11] & 0x30) == 0x10 && interrupt_due_ != 0 && clock_.now() >= interrupt_due_;
  return static_cast<u8>((sense ? 0x10 : 0) | (pending ? 0x80 : 0));
}

u8 Vga::input_status_1() {
  regs_.attribute_data = false;
  const VgaTiming::Position beam = timing_.at(clock_.now());
  const bool displaying = timing_.displaying(beam);
  // Bits 5 and 4 show two of the attribute controller's outputs, chosen by AR12 bits 5 and 4.
  unsigned output = regs_.attribute[0x11];
  if (displaying && !dispi_.enabled()) output = vga_output_at(scene(), beam.line, beam.character);
  constexpr std::array<std::array<u8, 2>, 4> kWires{{{2, 0}, {5, 4}, {3, 1}, {7, 6}}};
  const auto& wires = kWires[regs_.attribute[0x12] >> 4 & 3];
  return static_cast<u8>((displaying ? 0 : 0x01) | (timing_.in_vertical_retrace(beam) ? 0x08 : 0) |
                         (output >> wires[1] & 1) << 4 | (output >> wires[0] & 1) << 5);
}

// --- ports -----------------------------------------------------------------------------------------------------------

u8 Vga::read_port(u16 port) {
  if (port == 0x3c3) return regs_.enable;
  const u16 unselected = regs_.color() ? 0x3b0 : 0x3d0;
  if ((regs_.enable & 1) == 0 || (port & 0x3f0) == unselected) return 0xff;
  return read_register(port < 0x3c0 ? static_cast<u16>(port + 0x20) : port);
}

void Vga::write_port(u16 port, u8 value) {
  const u16 unselected = regs_.color() ? 0x3b0 : 0x3d0;
  if (port != 0x3c3 && ((regs_.enable & 1) == 0 || (port & 0x3f0) == unselected)) return;
  write_register(port < 0x3c0 ? static_cast<u16>(port + 0x20) : port, value);
}

u8 Vga::read_register(u16 port) {
  const auto indexed = [](const auto& file, unsigned index) { return index < file.size() ? file[index] : u8{0}; };
  switch (port) {
    case 0x3c0: return regs_.attribute_index;
    case 0x3c1: return indexed(regs_.attribute, regs_.attribute_index & 31);
    case 0x3c2: return input_status_0();
    case 0x3c3: return regs_.enable;
    case 0x3c4: return regs_.sequencer_index;
    case 0x3c5: return indexed(regs_.sequencer, regs_.sequencer_index);
    case 0x3c6: return dac_.mask;
    case 0x3c7: return dac_.state();
    case 0x3c8: return dac_.write_index();
    case 0x3c9: return dac_.read_data();
    case 0x3ca: return regs_.feature;
    case 0x3cc: return regs_.misc;
    case 0x3ce: return regs_.graphics_index;
    case 0x3cf: return indexed(regs_.graphics, regs_.graphics_index);
    case 0x3d4: return regs_.crtc_index;
    case 0x3d5: return indexed(regs_.crtc, regs_.crtc_index);
    case 0x3da: return input_status_1();
    default: return 0xff;
  }
}

void Vga::write_register(u16 port, u8 value) {
  switch (port) {
    case 0x3c0:
      if (regs_.attribute_data) {
        write_attribute(value);
      } else {
        regs_.attribute_index = value & 0x3f;
      }
      regs_.attribute_data = !regs_.attribute_data;
      break;
    case 0x3c2:
      settle();
      regs_.misc = value;
      retime();
      configure_memory();
      break;
    case 0x3c3:
      regs_.enable = value & 1;
      configure_memory();
      break;
    case 0x3c4: regs_.sequencer_index = value & 7; break;
    case 0x3c5: write_sequencer(value); break;
    case 0x3c6: dac_.mask = value; break;
    case 0x3c7: dac_.start_read(value); break;
    case 0x3c8: dac_.start_write(value); break;
    case 0x3c9: dac_.write_data(value); break;
    case 0x3ce: regs_.graphics_index = value & 15; break;
    case 0x3cf: write_graphics(value); break;
    case 0x3d4: regs_.crtc_index = value & 63; break;
    case 0x3d5: write_crtc(value); break;
    case 0x3da: regs_.feature = value & 0x0b; break;
    default: break;
  }
}

void Vga::write_attribute(u8 value) {
  constexpr std::array<u8, 5> kMasks{0xef, 0xff, 0x3f, 0x0f, 0x0f};  // AR10-AR14
  const unsigned n = regs_.attribute_index & 31;
  if (n < 16) {
    regs_.attribute[n] = value & 0x3f;
  } else if (n < regs_.attribute.size()) {
    regs_.attribute[n] = value & kMasks[n - 16];
  }
}

void Vga::write_sequencer(u8 value) {
  constexpr std::array<u8, 5> kMasks{0x03, 0x3d, 0x0f, 0x3f, 0x0e};
  const unsigned n = regs_.sequencer_index;
  if (n >= kMasks.size()) return;
  if (n == 1) settle();
  regs_.sequencer[n] = value & kMasks[n];
  if (n == 1) retime();
  if (n == 2 || n == 4) configure_memory();
}

void Vga::write_graphics(u8 value) {
  constexpr std::array<u8, 9> kMasks{0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff};
  const unsigned n = regs_.graphics_index;
  if (n >= kMasks.size()) return;
  regs_.graphics[n] = value & kMasks[n];
  configure_memory();
}

void Vga::write_crtc(u8 value) {
  const unsigned n = regs_.crtc_index;
  if (n >= regs_.crtc.size()) return;
  if (n < 8 && (regs_.crtc[0x11] & 0x80) != 0) {  // protected, but for bit 8 of line compare
    if (n != 7) return;
    value = static_cast<u8>((regs_.crtc[7] & ~0x10) | (value & 0x10));
  }
  settle();
  const u8 old = regs_.crtc[n];
  regs_.crtc[n] = value;
  if (n == 0x0c || n == 0x0d) {
    if (start_due_ == 0 && value != old) start_due_ = timing_.next_retrace(clock_.now());
    return;
  }
  if (n == 0x0a || n == 0x0b || n == 0x0e || n == 0x0f || n == 0x13 || n == 0x18) return;
  retime();
  if (n != 0x11) return;
  // Bit 4 low clears the vertical interrupt and holds it so.
  if ((value & 0x10) == 0) {
    interrupt_due_ = 0;
  } else if ((old & 0x10) == 0) {
    interrupt_due_ = timing_.next_retrace(clock_.now());
  }
}

// --- DISPI and BAR 2 -------------------------------------------------------------------------------------------------

u64 Vga::read_dispi_port(u64 offset, unsigned) {
  if (offset == 3) return 0xffff;
  return offset == 0 ? dispi_.index : dispi_.read(dispi_.index);
}

void Vga::write_dispi_port(u64 offset, unsigned width, u64 value) {
  if (width != 2 || offset == 3) {
    log_.once(core::Channel::GuestErrors, "vga: write of {} byte(s) to the DISPI interface, which takes 16 bits",
              width);
    return;
  }
  if (offset == 0) {
    dispi_.index = static_cast<u16>(value);
  } else {
    write_dispi(dispi_.index, static_cast<u16>(value));
  }
}

void Vga::write_dispi(u16 index, u16 value) {
  settle();
  const VbeDispi::Effect effect = dispi_.write(index, value);
  if (!effect.changed) return;
  dac_.set_8bit(dispi_.dac_8bit());
  if (index == VbeDispi::Enable) retime();
  if (effect.clear != 0) {
    memory_.clear(effect.clear);
    if (framebuffer_mapped_) map_framebuffer(framebuffer_, true);  // code that was decoded there is gone
  }
  configure_memory();
}

u8 Vga::read_bar2(u64 offset) const {
  if (offset < kEdid + 128) {
    static const std::array<u8, 128> edid = vga_edid();
    return edid[offset - kEdid];
  }
  if (offset >= kMmioDispi && offset < kMmioDispiEnd) {
    return static_cast<u8>(dispi_.read(static_cast<u16>((offset - kMmioDispi) / 2)) >> (offset % 2 * 8));
  }
  if (offset >= kMmioExtended && offset < kMmioExtended + 8) {
    return static_cast<u8>((u64{kLittleEndian} << 32 | 8) >> (offset % 8 * 8));
  }
  return 0xff;
}

u64 Vga::read_mmio(u64 offset, unsigned width) {
  u64 value = 0;
  for (unsigned n = 0; n < width; ++n, ++offset) {
    const bool port = offset >= kMmioPorts && offset < kMmioPorts + 0x20;
    const u8 byte = port ? read_register(static_cast<u16>(0x3c0 + (offset - kMmioPorts))) : read_bar2(offset);
    value |= u64{byte} << (8 * n);
  }
  return value;
}

void Vga::write_mmio(u64 offset, unsigned width, u64 value) {
  if (offset >= kMmioDispi && offset < kMmioDispiEnd) {
    if (width == 2) write_dispi(static_cast<u16>((offset - kMmioDispi) / 2), static_cast<u16>(value));
    return;
  }
  if (offset < kMmioPorts || offset >= kMmioPorts + 0x20) return;
  for (unsigned n = 0; n < width; ++n) {
    write_register(static_cast<u16>(0x3c0 + (offset - kMmioPorts) + n), static_cast<u8>(value >> (8 * n)));
  }
}

// --- the guest's page map --------------------------------------------------------------------------------------------

void Vga::configure_memory() {
  memory_.configure(regs_, dispi_);
  const VgaMemory::Direct direct = memory_.direct();
  if (direct == mapped_) return;
  if (mapped_.on) mark_pages(mapped_.offset, VgaMemory::kDirectSize);  // what was written there was not looked at yet
  mapped_ = direct;
  u8* host = direct.on ? &memory_.bytes()[direct.offset] : nullptr;
  guest_.map_pages(VgaMemory::kWindowBase, VgaMemory::kDirectSize, host, host);
}

void Vga::map_framebuffer(u64 base, bool enabled) {
  if (framebuffer_mapped_) guest_.map_pages(framebuffer_, kVideoMemory, nullptr, nullptr);
  framebuffer_ = base;
  framebuffer_mapped_ = enabled;
  u8* host = memory_.bytes().data();
  if (enabled) guest_.map_pages(base, kVideoMemory, host, host);
  memory_.mark_all();
}

void Vga::map_rom(u64 base, bool enabled) {
  if (rom_mapped_) guest_.map_pages(rom_base_, rom_.size(), nullptr, nullptr);
  rom_base_ = base;
  rom_mapped_ = enabled;
  if (enabled) guest_.map_pages(base, rom_.size(), rom_.data(), nullptr);
}

// --- pictures --------------------------------------------------------------------------------------------------------

VgaScene Vga::scene() const { return {regs_, dac_, dispi_, memory_, start_now(), timing_.frame(clock_.now())}; }

void Vga::mark_pages(u32 offset, u32 size) {
  for (u32 at = offset; at < offset + size; at += core::kPageSize) memory_.dirty()[at >> VgaMemory::kPageShift] = 1;
}

void Vga::collect_dirty(const VgaScene& scene) {
  std::vector<u8>& dirty = memory_.dirty();
  const auto take = [&](u64 address, u32 first_page, u32 pages) {
    const std::vector<bool> written = guest_.take_dirty(address, u64{pages} * core::kPageSize);
    for (u32 n = 0; n < pages; ++n) dirty[first_page + n] |= written[n] ? 1 : 0;
  };
  if (mapped_.on)
    take(VgaMemory::kWindowBase, mapped_.offset >> VgaMemory::kPageShift,
         VgaMemory::kDirectSize >> VgaMemory::kPageShift);
  if (!framebuffer_mapped_) return;
  const VgaExtent shown = vga_extent(scene);
  if (shown.size == 0) return;
  u32 first = shown.first >> VgaMemory::kPageShift;
  u32 end = (shown.first + shown.size - 1) / core::kPageSize + 1;
  if (end > VgaMemory::kPages) first = 0, end = VgaMemory::kPages;
  take(framebuffer_ + u64{first} * core::kPageSize, first, end - first);
}

const Frame& Vga::render() {
  const VgaScene now = scene();
  collect_dirty(now);
  const Frame& frame = renderer_.render(now, memory_.dirty());
  std::fill(memory_.dirty().begin(), memory_.dirty().end(), u8{0});
  return frame;
}

TextScreen Vga::text_screen() { return vga_text(scene()); }

// --- state -----------------------------------------------------------------------------------------------------------

void Vga::archive(core::Archive& ar) {
  ar.section("vga", 1, [&](u32) {
    ar("registers", regs_);
    ar("dac", dac_);
    ar("dispi", dispi_);
    ar("shown_start", shown_start_);
    ar("start_due", start_due_);
    ar("interrupt_due", interrupt_due_);
    if (pci_) ar("pci", *pci_);
    ar("memory", memory_);
    if (!ar.loading()) return;
    timing_ = VgaTiming(regs_, dispi_);
    if (mapped_.on) guest_.map_pages(VgaMemory::kWindowBase, VgaMemory::kDirectSize, nullptr, nullptr);
    mapped_ = {};
    configure_memory();
    if (framebuffer_mapped_) map_framebuffer(framebuffer_, true);
    renderer_.forget();
  });
}

}  // namespace orrery::hw
