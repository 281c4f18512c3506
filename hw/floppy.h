// The floppy disk controller of the PC: an Intel 82077AA in AT mode, with two drives. Intel 82077AA data sheet
// (order number 290166); section numbers below are its.
//
// Ports 3F0-3F5 and 3F7 (3F6 belongs to the disk controller). DMA goes through the ISA channel it is given (2 on a PC),
// the interrupt to the line it is given (6).
//
// Time is virtual and computed: the disk turns, the head steps, sectors pass at the data rate, all `speedup` times as
// fast as in the metal (a 1.44 MB disk takes some 4 virtual seconds to read). What waits for the disk waits for ever if
// there is none or its motor is off, as in the metal, until the guest resets the chip, starts the motor, or somebody
// puts a disk in.
//
// Two leniencies, both for software that has only ever met emulators: a data command for another cylinder than the head
// is on seeks by itself even if CONFIGURE has not enabled implied seeks, and the non-DMA mode has no overruns, the disk
// waits for the host. A 40-track disk in an 80-track drive is found with and without double stepping.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "hw/block/floppy_geometry.h"
#include "hw/block/image.h"
#include "hw/core/bus.h"
#include "hw/core/clock.h"
#include "hw/core/device.h"
#include "hw/core/dma.h"
#include "hw/core/line.h"
#include "hw/core/log.h"

namespace orrery::hw {

struct FloppyConfig {
  struct Drive {
    FloppyDriveType type = FloppyDriveType::None;
    MediaSlot* slot = nullptr;  // must be there if type is not None; media in it should have passed fit_floppy()
  };
  std::array<Drive, 2> drives;
  /// How many times faster than the metal everything mechanical is.
  u32 speedup = 10;
};

class FloppyController final : public core::Device {
 public:
  FloppyController(core::PortBus& ports, core::Clock& clock, core::Log& log, core::LevelLine& irq,
                   core::DmaChannel& dma, const FloppyConfig& config);

  std::string_view name() const override { return "fdc"; }
  void reset() override;
  void archive(core::Archive& ar) override;

  /// The byte for CMOS register 10h.
  u8 cmos_drive_types() const;
  /// Whether the motor of drive 0 or 1 turns: the drive's light, for a status line.
  bool motor_on(unsigned drive) const {
    return drive < 2 && drives_[drive].type != FloppyDriveType::None && motor(drive);
  }

 private:
  enum class Phase : u8 { Command, Execution, Result };
  /// What the execution event means.
  enum class Step : u8 {
    None,
    Begin,       // heads loaded and on the cylinder: look for the first sector
    Sector,      // the sector in hand has passed under the head
    Window,      // non-DMA: more bytes may be moved
    NotFound,    // two index pulses without the sector
    Identified,  // READ ID has seen one
    Stuck,       // no index pulses at all: no disk, or it does not turn. Never scheduled
  };
  enum class Transfer : u8 {
    None,
    ReadData,
    ReadDeleted,
    WriteData,
    WriteDeleted,
    ReadTrack,
    Verify,
    Scan,
    Format,
    ReadId
  };

  struct Drive {
    FloppyDriveType type = FloppyDriveType::None;
    MediaSlot* slot = nullptr;
    std::optional<FloppyGeometry> geometry;  // of the medium; computed, not archived
    u8 track = 0;                            // where the head is
    bool changed = true;                     // the drive's disk change latch
    std::vector<u32> deleted;  // sectors written with a deleted data mark, ascending; lost with the medium

    void archive(core::Archive& ar);
  };
  /// A seek of one of the four units that the chip can address.
  struct Seek {
    bool active = false;
    bool recalibrate = false;
    u8 target = 0;
    u8 steps = 0;
    bool inwards = false;
    u64 done = 0;  // ns

    void archive(core::Archive& ar);
  };

  // Registers (floppy.cpp).
  u8 read_port(u64 offset);
  void write_port(u64 offset, u8 value);
  u8 status_a() const;
  u8 status_b() const;
  u8 main_status() const;
  u8 read_fifo();
  void write_fifo(u8 value);
  void write_dor(u8 value);
  void software_reset();
  void leave_reset();
  void update_irq();
  void drop_reset_reports();
  bool seek_reports() const;
  bool motor(unsigned unit) const { return (dor_ & (0x10 << unit)) != 0; }
  void medium_changed(unsigned unit);
  void wake();

  // Commands (floppy.cpp).
  static unsigned command_length(u8 opcode);
  void execute();
  void answer(std::initializer_list<u8> bytes);
  void idle();
  void specify();
  void sense_drive_status();
  void sense_interrupt();
  void start_seek(unsigned unit, u8 target, bool recalibrate);
  void relative_seek();
  void seek_event();
  void schedule_seeks();
  void finish_seek(unsigned unit);
  void configure();
  void perpendicular();
  void dump_registers();
  void lock(bool on);

  // Data transfers (floppy_transfer.cpp).
  void start_transfer(Transfer kind);
  void step(Step step, u64 delay);
  void execution_event();
  void begin();
  void look_for_sector();
  void look_for_track_sector();
  void wait_for_disk();
  void fail_at_index(u8 st1, u8 st2);
  bool disk_turns() const;
  bool readable() const;
  void sector_passed();
  bool load_sector();
  bool store_sector();
  void move_by_dma();
  u8 pio_read();
  void pio_write(u8 value);
  void sector_done();
  void format_sector();
  void next_sector();
  bool scan_compares();
  void read_id_passed();
  void finish(u8 st0, u8 st1, u8 st2);
  void finish_at(bool end_of_cylinder);
  bool from_host() const;
  bool to_host() const;
  unsigned transfer_size() const;
  u64 sector_lba() const;

  // Time (floppy_transfer.cpp). Nanoseconds, sped up.
  u64 rotation() const;
  u64 byte_time() const;
  u64 step_time() const;
  u64 head_load_time() const;
  u64 until_slot(unsigned slot, unsigned slots) const;
  u64 scaled(u64 ns) const { return ns / config_.speedup; }

  Drive& drive() { return drives_[unit_ & 1]; }
  const Drive& drive() const { return drives_[unit_ & 1]; }
  bool unit_present(unsigned unit) const { return unit < 2 && drives_[unit].type != FloppyDriveType::None; }

  core::Clock& clock_;
  core::Log& log_;
  core::LevelLine& irq_;
  core::DmaChannel& dma_;
  FloppyConfig config_;
  core::IoSpace::Mapping low_ports_;
  core::IoSpace::Mapping high_port_;
  core::Event execution_;
  core::Event seek_event_;
  core::Event reset_event_;

  std::array<Drive, 2> drives_;
  std::array<Seek, 4> seeks_;
  std::array<u8, 4> pcn_{};  // present cylinder number of each unit, as the chip believes

  // Registers.
  u8 dor_ = 0;
  u8 tdr_ = 0;
  u8 dsr_ = 0x02;                // precompensation and power bits as written
  u8 rate_ = 2;                  // data rate select: 0 500, 1 300, 2 250, 3 1000 kbit/s
  bool interrupt_ = false;       // INT wants to be high
  std::array<bool, 4> sense_{};  // a unit has something to tell SENSE INTERRUPT STATUS
  std::array<u8, 4> sense_st0_{};
  bool held_in_reset_ = true;

  // SPECIFY, CONFIGURE, PERPENDICULAR, LOCK.
  u8 specify1_ = 0;
  u8 specify2_ = 0;
  bool implied_seek_ = false;
  bool fifo_off_ = true;
  bool poll_off_ = false;
  u8 fifo_threshold_ = 0;
  u8 precompensation_track_ = 0;
  u8 perpendicular_ = 0;
  bool locked_ = false;
  u8 last_eot_ = 0;

  // The command in hand.
  Phase phase_ = Phase::Command;
  std::array<u8, 9> command_{};
  u8 command_count_ = 0;
  std::array<u8, 10> result_{};
  u8 result_count_ = 0;
  u8 result_position_ = 0;

  // The transfer in hand.
  Transfer transfer_ = Transfer::None;
  Step step_ = Step::None;
  bool non_dma_ = false;
  u8 unit_ = 0;
  u8 head_ = 0;  // the head that is selected
  u8 c_ = 0, h_ = 0, r_ = 0, n_ = 0, eot_ = 0;
  bool multi_track_ = false;
  bool skip_ = false;
  bool sought_ = false;           // an implied seek took place
  u8 st1_ = 0, st2_ = 0;          // gathered on the way
  u16 sectors_left_ = 0;          // VERIFY with a count, READ TRACK, FORMAT
  u16 sector_index_ = 0;          // READ TRACK and FORMAT: physical sectors since the index hole
  bool passing_deleted_ = false;  // the sector in hand has a deleted data mark
  bool count_mode_ = false;       // VERIFY: sectors_left_ counts
  bool terminal_count_ = false;
  u64 head_loaded_until_ = 0;
  std::vector<u8> buffer_;  // the sector in hand: at most 16 KiB
  u16 position_ = 0;        // non-DMA: bytes moved
  u16 window_ = 0;          // non-DMA: bytes that may be moved now
};

}  // namespace orrery::hw
