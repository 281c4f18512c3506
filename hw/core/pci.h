// PCI as a chip sees it (PciFunction) and as the host bridge and the processor see it (PciBus).
//
// A chip owns one PciFunction per function, describes its configuration space while it is being built (identity, BARs,
// further registers with write masks), and gets told when the guest changes something it must act on: a BAR that was
// mapped, moved or unmapped, or a register that was written. PCI Local Bus Specification 2.3, chapter 6.
//
// The bus implements configuration mechanism 1 (CF8h/CFCh, section 3.2.2.3.2) for bus 0 and joins the interrupt pins of
// all functions to the four PIRQ lines of the PC's south bridge: pin P (0 = INTA#) of slot S drives PIRQ (P + S - 1)
// & 3.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "hw/core/archive.h"
#include "hw/core/bus.h"
#include "hw/core/line.h"
#include "hw/core/log.h"
#include "hw/core/types.h"

namespace orrery::core {

class PciBus;

/// Bits of the command register at offset 04h.
inline constexpr u16 kPciCommandIo = 0x0001;
inline constexpr u16 kPciCommandMemory = 0x0002;
inline constexpr u16 kPciCommandMaster = 0x0004;
inline constexpr u16 kPciCommandIntxDisable = 0x0400;
/// Interrupt status, bit 3 of the status register at offset 06h.
inline constexpr u16 kPciStatusInterrupt = 0x0008;

/// What never changes about a function.
struct PciIdentity {
  u16 vendor = 0xffff;
  u16 device = 0xffff;
  u32 class_code = 0;  // 24 bits as in offsets 09h-0Bh: class, subclass, programming interface
  u8 revision = 0;
  u8 header_type = 0;  // bit 7: the device has several functions
  u16 subsystem_vendor = 0;
  u16 subsystem = 0;
  u8 interrupt_pin = 0;  // 0: none, 1: INTA# ... 4: INTD#
};

/// The 256 bytes of configuration space of one function, with its base address registers and its interrupt pin.
class PciFunction {
 public:
  /// Told when a BAR's range appears, moves or goes: `base` is valid while `enabled`. Called on changes only, also by
  /// reset() and after loading a state.
  using Mapped = std::function<void(u64 base, bool enabled)>;
  /// Told after a configuration write to [offset, offset+width), masks already applied. BARs are handled before.
  using Written = std::function<void(u8 offset, unsigned width)>;

  PciFunction(std::string name, const PciIdentity& identity);
  ~PciFunction();
  PciFunction(const PciFunction&) = delete;
  PciFunction& operator=(const PciFunction&) = delete;

  // --- while the chip is being built ---------------------------------------------------------------------------------
  /// Base address register `index` (0-5), `size` a power of two: at least 16 bytes of memory, at least 4 of I/O.
  /// A 64-bit BAR also takes register index+1.
  void add_io_bar(unsigned index, u32 size, Mapped mapped);
  void add_memory_bar(unsigned index, u64 size, Mapped mapped, bool prefetchable = false, bool wide = false);
  /// The expansion ROM at offset 30h; `size` a power of two, at least 2 KiB. Enabled by its own bit 0 and by memory
  /// enable.
  void add_rom_bar(u32 size, Mapped mapped);
  /// A BAR callback that moves and enables a movable range of a bus. `mapping` must outlive this function.
  static Mapped follow(IoSpace::Mapping& mapping);

  /// Registers of `width` 1, 2 or 4 bytes: value after reset, bits the guest can write, bits that a written 1 clears.
  void define8(u8 offset, u8 reset_value, u8 writable = 0, u8 write_one_clears = 0);
  void define16(u8 offset, u16 reset_value, u16 writable = 0, u16 write_one_clears = 0);
  void define32(u8 offset, u32 reset_value, u32 writable = 0, u32 write_one_clears = 0);
  void on_write(Written hook) { written_ = std::move(hook); }

  // --- while it runs -------------------------------------------------------------------------------------------------
  /// Raw access for the chip: no masks, no hooks.
  u8 get8(u8 offset) const { return config_[offset]; }
  u16 get16(u8 offset) const { return load_le<u16>(&config_[offset & 0xfe]); }
  u32 get32(u8 offset) const { return load_le<u32>(&config_[offset & 0xfc]); }
  void set8(u8 offset, u8 value) { config_[offset] = value; }
  void set16(u8 offset, u16 value) { store_le<u16>(&config_[offset & 0xfe], value); }
  void set32(u8 offset, u32 value) { store_le<u32>(&config_[offset & 0xfc], value); }

  /// True if the guest allows this function to read and write memory by itself.
  bool bus_master() const { return (get16(0x04) & kPciCommandMaster) != 0; }
  /// The interrupt condition of the function. The pin follows unless the guest set Interrupt Disable.
  void set_interrupt(bool level);
  bool interrupt() const { return interrupt_; }
  /// The interrupt pin (asserted = true). The bus listens to it.
  LevelLine& intx() { return intx_; }

  /// Where BAR `index` (0-5) or the ROM (6) answers now.
  struct Range {
    u64 base = 0;
    bool enabled = false;
    friend bool operator==(const Range&, const Range&) = default;
  };
  Range bar(unsigned index) const { return bars_[index].now; }
  u64 bar_size(unsigned index) const { return bars_[index].size; }

  const std::string& name() const { return name_; }
  const PciIdentity& identity() const { return identity_; }

  /// Back to the reset values; BARs are unmapped and the interrupt is withdrawn.
  void reset();
  /// To be called as a field of the chip's own section: ar("pci", pci_).
  void archive(Archive& ar);

  // --- for the bus ---------------------------------------------------------------------------------------------------
  /// `width` 1, 2 or 4, inside the space. Configuration cycles as the guest makes them.
  u32 config_read(u8 offset, unsigned width) const;
  void config_write(u8 offset, unsigned width, u32 value);

 private:
  friend class PciBus;
  static constexpr unsigned kRomBar = 6;
  enum class BarKind : u8 { None, Io, Memory32, Memory64, Rom };
  struct Bar {
    BarKind kind = BarKind::None;
    u64 size = 0;
    Mapped mapped;
    Range now;
  };

  static u8 bar_offset(unsigned index) { return static_cast<u8>(index == kRomBar ? 0x30 : 0x10 + 4 * index); }
  Range decode(unsigned index) const;
  void update_bars();
  void update_pin();

  std::string name_;
  PciIdentity identity_;
  std::array<u8, 256> config_{};
  std::array<u8, 256> reset_{};
  std::array<u8, 256> writable_{};
  std::array<u8, 256> clears_{};
  std::array<Bar, 7> bars_;
  bool interrupt_ = false;
  LevelLine intx_;
  Written written_;
  PciBus* bus_ = nullptr;
};

/// Bus 0 with its configuration ports and interrupt wires.
class PciBus {
 public:
  /// Maps CF8h-CFFh.
  PciBus(PortBus& ports, Log& log);
  ~PciBus();
  PciBus(const PciBus&) = delete;
  PciBus& operator=(const PciBus&) = delete;

  /// Puts a function into slot 0-31, function 0-7. Throws std::logic_error if the place is taken.
  void attach(unsigned slot, unsigned function, PciFunction& what);

  /// Port CF9h lies inside CF8h-CFBh but is a byte register of the south bridge (reset control).
  void set_reset_control(std::function<u8()> read, std::function<void(u8)> write);

  /// The host bridge passes a memory BAR on only if this says yes; others (inside RAM, over the ROM) answer nothing.
  void set_memory_filter(std::function<bool(u64 base, u64 size)> filter) { memory_filter_ = std::move(filter); }

  /// PIRQA# (0) to PIRQD# (3), asserted = true.
  LevelLine& pirq(unsigned n) { return pirq_[n & 3]; }

  struct Place {
    unsigned slot;
    unsigned function;
    PciFunction* what;
  };
  /// Everything on the bus by slot and function, for `info pci`.
  std::vector<Place> functions() const;

  void reset() { address_ = 0; }
  /// The address latch and the levels of the PIRQ lines.
  void archive(Archive& ar);

 private:
  friend class PciFunction;
  u64 port_read(u64 offset, unsigned width);
  void port_write(u64 offset, unsigned width, u64 value);
  PciFunction* selected() const;
  bool reachable(u64 base, u64 size) const { return !memory_filter_ || memory_filter_(base, size); }
  void update_pirq(unsigned n);
  void detach(PciFunction& what);

  Log& log_;
  std::array<PciFunction*, 256> functions_{};
  std::array<LevelLine, 4> pirq_;
  u32 address_ = 0;
  std::function<u8()> read_reset_;
  std::function<void(u8)> write_reset_;
  std::function<bool(u64, u64)> memory_filter_;
  IoSpace::Mapping mapping_;
};

}  // namespace orrery::core
