// An ATA hard disk: ATA/ATAPI-5 with the 48-bit addresses of ATA/ATAPI-6.
//
// How long a request takes is computed from it: a command overhead, a seek that grows with the distance unless the
// request goes on where the last one ended, and the transfer. All are quick (a full stroke takes a millisecond) but
// never zero.
#pragma once

#include "hw/ata_drive.h"
#include "hw/block/image.h"

namespace orrery::hw {

struct AtaDiskConfig {
  AtaIdentity identity{"ORRERY HARD DISK", "OR00001", "1.0"};
  /// Cylinders, heads, sectors per track for CHS addresses; 0: 16 heads of 63 sectors.
  u16 cylinders = 0;
  u8 heads = 0;
  u8 sectors = 0;
};

class AtaDisk final : public AtaDrive {
 public:
  /// The slot must hold a medium; its size is the disk's size for good.
  AtaDisk(core::Clock& clock, core::Log& log, std::string name, MediaSlot& slot, AtaDiskConfig config = {});

  u64 sectors() const { return native_sectors_; }

 private:
  enum class Kind : u8 {
    None,
    PioRead,
    PioWrite,
    DmaRead,
    DmaWrite,
    Verify,
    Flush,
    NoData,  // nothing but time
    Reply,   // one block of data that is in the buffer
    WriteBuffer,
  };

  void execute(u8 opcode) override;
  void work() override;
  void block_done() override;
  bool next_chunk() override;
  void set_signature() override;
  void reset_state(bool hardware) override;
  void archive_state(core::Archive& ar) override;

  void transfer(Kind kind, bool extended, u32 block);
  bool decode_address(bool extended);
  void encode_address(u64 lba);
  void fail_at(u64 lba, u8 error);
  bool read_sectors(u32 count);
  bool write_sectors();
  void finish(bool interrupt);
  void no_data(u64 ns);
  void reply(std::span<const u8> data);

  void identify();
  void set_features();
  void set_multiple();
  void initialize_parameters();
  void native_max(bool extended);
  void set_max(bool extended);
  void power(u8 opcode);
  void smart();
  void smart_data(bool thresholds);
  void smart_log(u8 log);

  u64 access_time(u64 lba, u64 count);
  bool standing_by() const;
  static u64 standby_period(u8 count);
  BlockDevice* medium() { return slot_.medium(); }

  MediaSlot& slot_;
  AtaDiskConfig config_;
  u64 native_sectors_;

  u64 visible_sectors_;  // SET MAX ADDRESS
  u8 heads_;             // INITIALIZE DEVICE PARAMETERS
  u8 track_sectors_;
  u8 multiple_ = 0;
  bool write_cache_ = true;
  bool look_ahead_ = true;
  bool smart_ = true;
  bool smart_autosave_ = false;
  bool native_max_read_ = false;  // the last command was READ NATIVE MAX
  bool standby_ = false;
  bool sleeping_ = false;
  u64 standby_after_ = 0;  // ns; 0: never
  u64 last_access_ = 0;
  std::array<u8, kSectorSize> sector_buffer_{};  // READ BUFFER, WRITE BUFFER

  // The request in hand.
  Kind kind_ = Kind::None;
  bool extended_ = false;
  u64 lba_ = 0;      // next sector
  u32 count_ = 0;    // sectors left
  u32 block_ = 1;    // sectors in a DRQ block
  u64 head_at_ = 0;  // where the last request ended
};

}  // namespace orrery::hw
