// The VGA of an IBM PS/2 with Bochs' VBE extensions ("DISPI"), as on the PCI display adapter 1234:1111.
//
// Sources: IBM VGA Technical Reference; the register descriptions in the VGA chapters of chip data sheets of the time; for
// DISPI the interface that Bochs' VBE documents and guests' drivers use.
//
// Video memory is one run of bytes. For the planar modes byte 4n + p is plane p at offset n; in chain-4 and in the
// packed VBE modes the run is what the processor sees, so that those windows can be mapped as host memory.
#pragma once

#include <array>
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

namespace orrery::hw {

struct VgaWiring {
  core::PortBus& ports;
  core::GuestMemory& memory;
  core::Clock& clock;
  core::Log& log;
};

class Vga final : public core::Device, public Display {
 public:
  static constexpr u32 kVideoMemory = 16u << 20;

  /// An ISA adapter: its BIOS is mapped by the board.
  explicit Vga(const VgaWiring& wiring);
  /// A PCI adapter: `rom` (copied) is its expansion ROM.
  Vga(const VgaWiring& wiring, core::PciBus& bus, unsigned slot, std::span<const u8> rom);
  ~Vga() override;

  std::string_view name() const override { return "vga"; }
  void reset() override;
  void archive(core::Archive& ar) override;

  const Frame& render() override;
  TextScreen text_screen() override;

  std::span<u8> video_memory() { return vram_; }

 private:
  static constexpr u32 kPlaneMask = 0xffff;  // 64 KiB a plane

  struct Timing {
    u64 frame_ns = 0;
    u64 line_ns = 0;
    unsigned lines = 0;        // in a frame
    unsigned visible = 0;      // vertical display end + 1
    unsigned retrace = 0;      // first line of vertical retrace
    unsigned retrace_end = 0;  // the line behind it
    unsigned characters = 0;   // in a line
    unsigned shown = 0;        // horizontal display end + 1
  };

  void map_ports();

  // Ports (vga.cpp).
  u64 read_port(u16 port);
  void write_port(u16 port, u8 value);
  void write_sequencer(u8 value);
  void write_graphics(u8 value);
  void write_crtc(u8 value);
  void write_attribute(u8 value);
  u8 read_dac();
  void write_dac(u8 value);
  u8 input_status_1();
  u64 read_dispi_port(u64 offset, unsigned width);
  void write_dispi_port(u64 offset, unsigned width, u64 value);
  u16 read_dispi(unsigned index) const;
  void write_dispi(unsigned index, u16 value);
  u64 read_mmio(u64 offset, unsigned width);
  void write_mmio(u64 offset, unsigned width, u64 value);
  bool color() const { return (misc_ & 1) != 0; }
  bool vbe() const { return (dispi_[4] & 1) != 0; }
  /// A packed VBE mode: video memory is linear, the planes mean nothing.
  bool packed() const { return vbe() && dispi_[3] > 4; }
  Timing timing() const;
  u64 next_retrace() const;
  void settle_start_address();

  // Memory (vga_memory.cpp).
  u64 read_window(u64 offset, unsigned width);
  void write_window(u64 offset, unsigned width, u64 value);
  u8 read_byte(u32 address);
  void write_byte(u32 address, u8 value);
  bool in_window(u32 address, u32& offset) const;
  void write_planes(u32 offset, u8 planes, u8 value);
  /// Maps or unmaps the A0000 window as host memory, whatever the registers now allow.
  void update_window();
  void map_framebuffer(u64 base, bool enabled);
  void map_rom(u64 base, bool enabled);
  u8& plane(u32 offset, unsigned p) { return vram_[(offset & kPlaneMask) * 4 + p]; }
  u8 plane(u32 offset, unsigned p) const { return vram_[(offset & kPlaneMask) * 4 + p]; }

  // Pictures (vga_render.cpp).
  struct Row;
  void draw_text();
  void draw_planar();
  void draw_packed();
  void draw_blank();
  template <class Draw>
  void each_line(Draw draw);
  u32 dac_color(u8 index) const;
  u32 attribute_color(u8 index) const;
  std::array<u32, 16> attribute_palette() const;
  u32 crtc_address(u32 counter, unsigned row_scan) const;
  bool collect_dirty();
  unsigned text_columns() const { return crtc_[1] + 1u; }
  unsigned cell_height() const { return (crtc_[9] & 31) + 1u; }
  unsigned visible_lines() const;
  bool graphics() const { return (graphics_[6] & 1) != 0 || packed(); }

  core::GuestMemory& memory_;
  core::Clock& clock_;
  core::Log& log_;
  std::unique_ptr<core::PciFunction> pci_;
  std::vector<u8> vram_;
  std::vector<u8> rom_;

  // Registers.
  u8 misc_ = 0;
  u8 feature_ = 0;
  u8 enable_ = 1;
  u8 sequencer_index_ = 0, graphics_index_ = 0, crtc_index_ = 0, attribute_index_ = 0;
  bool attribute_data_ = false;  // flip-flop: the next write to 3C0 is data
  std::array<u8, 8> sequencer_{};
  std::array<u8, 16> graphics_{};
  std::array<u8, 32> crtc_{};
  std::array<u8, 32> attribute_{};
  std::array<u8, 768> dac_{};
  u8 dac_mask_ = 0xff, dac_read_ = 0, dac_write_ = 0, dac_component_ = 0, dac_state_ = 0;
  std::array<u8, 4> latch_{};
  u16 dispi_index_ = 0;
  std::array<u16, 12> dispi_{};
  u16 shown_start_ = 0;      // the start address that the display uses since the last vertical retrace
  u64 start_due_ = 0;        // when a newly written one takes effect, ns; 0: it has

  // Host memory mapped into the guest.
  u8* window_host_ = nullptr;
  u64 framebuffer_ = 0;
  bool framebuffer_mapped_ = false;
  u64 rom_base_ = 0;
  bool rom_mapped_ = false;

  // The last picture.
  Frame frame_;
  bool dirty_ = true;
  u64 drawn_blink_ = ~u64{0};

  std::vector<core::IoSpace::Mapping> mappings_;
  core::IoSpace::Mapping color_ports_, mono_ports_, mmio_;
};

}  // namespace orrery::hw
