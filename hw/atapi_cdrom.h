// An ATAPI CD/DVD-ROM drive: the PACKET protocol of ATA/ATAPI-5 (9.8 to 9.10) under the commands of MMC-3 and
// SFF-8020i.
//
// Discs come through a MediaSlot, ISO or raw images (hw/block/cd_image.h); an image of more than 80 minutes is a DVD.
// When the guest opens the tray the disc stays in it: the guest may close it again, the board may take it out.
#pragma once

#include <optional>

#include "hw/ata_drive.h"
#include "hw/block/cd_image.h"
#include "hw/block/image.h"

namespace orrery::hw {

class AtapiCdrom final : public AtaDrive {
 public:
  AtapiCdrom(core::Clock& clock, core::Log& log, std::string name, MediaSlot& slot,
             AtaIdentity identity = {"ORRERY CD-ROM", "OR00002", "1.0"});

  bool packet_device() const override { return true; }
  bool tray_open() const { return tray_open_; }
  /// The host's eject button. True if the board may eject now; false if the guest has locked the door: it has been told
  /// that somebody would like the disc.
  bool press_eject();

 private:
  /// Sense data: key, additional code and qualifier.
  struct Sense {
    u8 key = 0;
    u8 code = 0;
    u8 qualifier = 0;
    friend bool operator==(const Sense&, const Sense&) = default;
  };
  enum class Stage : u8 {
    None,
    Packet,   // the host sends the command packet
    Command,  // the packet is being worked on
    Data,     // a reply goes out, block by block
    Receive,  // parameters come in
    Reply,    // IDENTIFY data
    Plain,    // an ATA command that takes time only
  };
  enum class Event : u8 { None = 0, EjectRequest = 1, NewMedia = 2, Removal = 3 };

  // The ATA side (atapi_cdrom.cpp).
  void execute(u8 opcode) override;
  void work() override;
  void block_done() override;
  bool next_chunk() override;
  void set_signature() override;
  void reset_state(bool hardware) override;
  void archive_state(core::Archive& ar) override;
  bool has_device_reset() const override { return true; }
  void identify();
  void set_features();
  void abort_with_signature();

  // The PACKET protocol.
  void start_packet();
  void next_block();
  std::size_t data_left() const;
  bool fill(std::size_t wanted);
  bool load_sector();
  u64 data_time(std::size_t bytes) const;
  void send(std::span<const u8> data, std::size_t allocation);
  void send_sectors(u32 block, u32 count, u8 parts);
  void receive(std::size_t size);
  void good();
  void check(Sense sense);
  unsigned block_limit() const;

  // Commands (atapi_commands.cpp).
  u64 command_time();
  void run_command();
  bool ready();
  void request_sense();
  void inquiry();
  void read(u32 block, u32 count);
  void read_cd(u32 block, u32 count, u8 flags, u8 subchannel);
  void read_capacity();
  void read_toc();
  void read_subchannel();
  void read_header();
  void read_disc_information();
  void read_track_information();
  void read_format_capacities();
  void read_dvd_structure();
  void get_configuration();
  void get_event_status();
  void get_performance();
  void mechanism_status();
  void mode_sense(bool ten);
  void mode_select(bool ten);
  void mode_parameters();
  void start_stop();
  void prevent_allow();
  void seek(u32 block);
  std::vector<u8> mode_page(u8 page, u8 control) const;
  void put_address(std::vector<u8>& out, u32 block, bool msf) const;

  void medium_changed();
  void find_disc();
  CdImage* disc() { return tray_open_ || !disc_ ? nullptr : &*disc_; }
  const CdImage* disc() const { return tray_open_ || !disc_ ? nullptr : &*disc_; }

  MediaSlot& slot_;
  std::optional<CdImage> disc_;  // computed from the slot
  bool tray_open_ = false;
  bool spinning_ = true;
  Sense sense_;
  u8 attention_ = 0;  // additional sense code of a pending unit attention: 28h medium, 29h reset
  Event event_ = Event::None;
  u8 retries_ = 5;                                       // mode page 01h
  std::array<u8, 8> audio_{1, 255, 2, 255, 0, 0, 0, 0};  // mode page 0Eh, output ports
  u16 speed_ = 0xffff;                                   // SET CD SPEED

  // The command in hand.
  Stage stage_ = Stage::None;
  bool dma_ = false;
  std::array<u8, 12> packet_{};
  std::vector<u8> reply_;  // what is to be sent, or was received
  u32 reply_position_ = 0;
  u32 block_ = 0;  // sectors that follow what is in reply_
  u32 blocks_left_ = 0;
  u8 parts_ = 0;  // READ CD: which parts of a sector, as in byte 9 of the packet; 10h: user data
  u32 head_at_ = 0;
};

}  // namespace orrery::hw
