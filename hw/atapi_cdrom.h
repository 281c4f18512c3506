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
  /// Sense data: key, additional code and qualifier (MMC-3, annex D); names are the standard's.
  struct Sense {
    u8 key;
    u8 code;
    u8 qualifier;
    friend bool operator==(const Sense&, const Sense&) = default;
  };
  static constexpr u8 kNotReady = 0x02, kMediumError = 0x03, kIllegalRequest = 0x05, kUnitAttention = 0x06,
                      kAbortedCommand = 0x0b;
  static constexpr u8 kMediumNotPresent = 0x3a;  // qualifiers: 1 tray closed, 2 tray open
  static constexpr Sense kUnrecoveredReadError{kMediumError, 0x11, 0x00};
  static constexpr Sense kParameterListLengthError{kIllegalRequest, 0x1a, 0x00};
  static constexpr Sense kInvalidOperationCode{kIllegalRequest, 0x20, 0x00};
  static constexpr Sense kAddressOutOfRange{kIllegalRequest, 0x21, 0x00};
  static constexpr Sense kInvalidFieldInPacket{kIllegalRequest, 0x24, 0x00};
  static constexpr Sense kInvalidFieldInParameters{kIllegalRequest, 0x26, 0x00};
  static constexpr Sense kCommandSequenceError{kIllegalRequest, 0x2c, 0x00};
  static constexpr Sense kIncompatibleFormat{kIllegalRequest, 0x30, 0x02};
  static constexpr Sense kSavingNotSupported{kIllegalRequest, 0x39, 0x00};
  static constexpr Sense kRemovalPrevented{kIllegalRequest, 0x53, 0x02};
  static constexpr Sense kIllegalModeForTrack{kIllegalRequest, 0x64, 0x00};
  /// Additional codes of unit attentions.
  static constexpr u8 kMediumMayHaveChanged = 0x28, kPowerOnOrReset = 0x29;

  static constexpr u64 kSectorTime = 100'000;  // ns a sector: 20 MB/s
  /// Which parts of a raw sector (mode 1) READ CD returns, as in byte 9 of its packet.
  static constexpr u8 kPartSync = 0x80, kPartHeader = 0x20, kPartData = 0x10, kPartEdc = 0x08;
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
  static std::size_t sector_bytes(u8 parts);
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
  Sense sense_{};
  u8 attention_ = 0;  // additional sense code of a pending unit attention; 0: none
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
  u8 parts_ = 0;  // kPart..., of each of these sectors
  u32 head_at_ = 0;
};

}  // namespace orrery::hw
