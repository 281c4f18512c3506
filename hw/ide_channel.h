// One IDE channel: the command and control block registers in front of two drives (ATA/ATAPI-5, chapter 7), and the bus
// master that moves their DMA data ("Programming Interface for Bus Master IDE Controller", revision 1.0, and the
// 82371SB data sheet, section 2.4).
#pragma once

#include <array>
#include <memory>

#include "hw/ata_drive.h"
#include "hw/core/archive.h"
#include "hw/core/line.h"
#include "hw/core/log.h"
#include "hw/core/memory.h"

namespace orrery::hw {

class IdeChannel final : public AtaHost {
 public:
  /// `memory` null: there is no bus master (an ISA machine).
  IdeChannel(core::Log& log, core::LevelLine& irq, core::GuestMemory* memory, std::string name);

  /// Before the machine runs.
  void attach(unsigned device, std::unique_ptr<AtaDrive> drive);
  AtaDrive* drive(unsigned device) const { return drives_[device].get(); }
  bool active() const;

  // --- command block (1F0-1F7) and control block (3F6) ---------------------------------------------------------------
  /// The data register: 1, 2 or 4 bytes. A single byte is the low half of a word.
  u32 read_data(unsigned width);
  void write_data(unsigned width, u32 value);
  /// Registers 1 to 7.
  u8 read(unsigned reg);
  void write(unsigned reg, u8 value);
  u8 alternate_status() const;
  void write_control(u8 value);

  // --- bus master registers, offsets 0-7 of this channel's half of BAR 4 ---------------------------------------------
  u8 read_bus_master(unsigned offset) const;
  void write_bus_master(unsigned offset, u8 value);
  /// The PCI command register's Bus Master Enable bit. Without it the engine makes no progress.
  void set_master_enabled(bool on);

  void reset();
  /// To be called inside the controller's section.
  void archive(core::Archive& ar);

  // --- AtaHost -------------------------------------------------------------------------------------------------------
  void interrupt_changed() override;
  bool dma_ready() const override;
  std::size_t dma_move(std::span<u8> data, bool to_memory) override;

 private:
  /// The drive that answers for the selected one, or null if nobody drives the bus.
  AtaDrive* responding() const;
  AtaDrive* selected() const { return drives_[selected_].get(); }
  bool present(u64 address) const;
  bool next_descriptor();
  void start_engine();
  void update_irq(bool latch);

  core::Log& log_;
  core::LevelLine& irq_;
  core::GuestMemory* memory_;
  std::string name_;
  std::array<std::unique_ptr<AtaDrive>, 2> drives_;
  u8 selected_ = 0;
  u8 control_ = 0;

  // Bus master.
  u8 bm_command_ = 0;
  u8 bm_status_ = 0;  // error, interrupt, drive capable bits; "active" is engine_
  u32 bm_table_ = 0;
  bool master_enabled_ = false;
  bool engine_ = false;       // started and not yet at the end of its table
  u32 next_entry_ = 0;        // address of the next descriptor
  u32 region_ = 0;            // where in memory the present region goes on
  u32 region_left_ = 0;       // bytes
  bool last_region_ = false;  // the present region is the table's last
};

}  // namespace orrery::hw
