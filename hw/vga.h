// The VGA of an IBM PS/2 with Bochs' VBE extensions ("DISPI"), as on the PCI display adapter 1234:1111.
//
// Sources: IBM PS/2 Hardware Interface Technical Reference, Video Subsystem (registers, clocks, BIOS mode tables); for
// DISPI the interface that Bochs documents and guests' drivers use, and QEMU's memory-mapped registers in BAR 2.
//
// The parts: vga_registers.h (registers, DAC, DISPI), vga_timing.cpp (where the beam is), vga_memory.h (windows,
// planes), vga_render.h (pictures and text). Here they are joined to ports, page map and clock.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "hw/core/bus.h"
#include "hw/core/clock.h"
#include "hw/core/device.h"
#include "hw/core/log.h"
#include "hw/core/memory.h"
#include "hw/core/pci.h"
#include "hw/display/surface.h"
#include "hw/vga_memory.h"
#include "hw/vga_registers.h"
#include "hw/vga_render.h"

namespace orrery::hw {

struct VgaWiring {
  core::PortBus& ports;
  core::GuestMemory& memory;
  core::Clock& clock;
  core::Log& log;
};

class Vga final : public core::Device, public Display {
 public:
  /// Where an ISA adapter has its linear frame buffer.
  static constexpr u64 kIsaFramebuffer = 0xe0000000;

  /// An ISA adapter: its BIOS is mapped by the board.
  explicit Vga(const VgaWiring& wiring);
  /// A PCI adapter: `rom` (copied) is its expansion ROM. BAR 0 is the linear frame buffer, BAR 2 the registers.
  Vga(const VgaWiring& wiring, core::PciBus& bus, unsigned slot, std::span<const u8> rom);
  ~Vga() override;

  std::string_view name() const override { return "vga"; }
  /// Registers only: video memory keeps its contents, as RAM does.
  void reset() override;
  void archive(core::Archive& ar) override;

  const Frame& render() override;
  TextScreen text_screen() override;
  /// What a read at this offset from A0000 would give, without effects.
  u8 peek(u32 offset) { return memory_.peek(offset); }

  std::span<u8> video_memory() { return memory_.bytes(); }
  /// Vertical frequency of the present mode in thousandths of a hertz: how often a front end need look.
  u64 refresh_millihertz() const { return timing_.refresh_millihertz(); }

 private:
  struct Common {};  // what both kinds of adapter share
  Vga(const VgaWiring& wiring, Common);

  u8 read_port(u16 port);
  void write_port(u16 port, u8 value);
  /// As read_port and write_port, for ports 3C0-3DF whatever 3C3 and the address select bit say.
  u8 read_register(u16 port);
  void write_register(u16 port, u8 value);
  void write_attribute(u8 value);
  void write_sequencer(u8 value);
  void write_graphics(u8 value);
  void write_crtc(u8 value);
  u8 input_status_0() const;
  u8 input_status_1();
  u64 read_dispi_port(u64 offset, unsigned width);
  void write_dispi_port(u64 offset, unsigned width, u64 value);
  void write_dispi(u16 index, u16 value);
  u8 read_bar2(u64 offset) const;
  u64 read_mmio(u64 offset, unsigned width);
  void write_mmio(u64 offset, unsigned width, u64 value);

  /// The start address that the display uses. Looking does not change the state: settle() is for the guest's accesses.
  u16 start_now() const;
  /// To be called around a change of what timing depends on: what was due before has happened, what is due later is
  /// reckoned anew.
  void settle();
  void retime();
  /// After a change of what accesses to video memory depend on.
  void configure_memory();
  void map_framebuffer(u64 base, bool enabled);
  void map_rom(u64 base, bool enabled);
  void mark_pages(u32 offset, u32 size);
  void collect_dirty(const VgaScene& scene);
  VgaScene scene() const;

  core::GuestMemory& guest_;
  core::Clock& clock_;
  core::Log& log_;
  std::unique_ptr<core::PciFunction> pci_;
  std::vector<u8> rom_;

  VgaRegisters regs_;
  VgaDac dac_;
  VbeDispi dispi_;
  VgaMemory memory_;
  VgaTiming timing_{regs_, dispi_};
  u16 shown_start_ = 0;    // the start address since the last vertical retrace
  u64 start_due_ = 0;      // ns: when a newly written one is taken; 0: it is
  u64 interrupt_due_ = 0;  // ns: when the vertical interrupt is pending; 0: it is held cleared

  VgaMemory::Direct mapped_;  // what of video memory the guest's page map shows at A0000
  u64 framebuffer_ = 0;
  bool framebuffer_mapped_ = false;
  u64 rom_base_ = 0;
  bool rom_mapped_ = false;

  VgaRenderer renderer_;
  std::vector<core::IoSpace::Mapping> mappings_;
  core::IoSpace::Mapping mmio_;
};

}  // namespace orrery::hw
