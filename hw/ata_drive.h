// What hangs on an IDE cable: the registers and protocols that ATA disks and ATAPI drives share, and the two interfaces
// between a drive and its channel. ATA/ATAPI-5 (T13/1321D) unless a comment names another part; register and bit names
// are its.
//
// A drive computes how long a request takes and ends it then. Data moves in DRQ blocks through the data register, or,
// for DMA commands, in chunks that the host's bus master takes when it has been started.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hw/core/archive.h"
#include "hw/core/clock.h"
#include "hw/core/log.h"
#include "hw/core/types.h"

namespace orrery::hw {

/// The host's end of the cable, as a drive sees it.
class AtaHost {
 public:
  virtual ~AtaHost() = default;
  /// INTRQ of the drive may have changed.
  virtual void interrupt_changed() = 0;
  /// The bus master has been started and takes data.
  virtual bool dma_ready() const = 0;
  /// Moves bytes between the drive (`data`) and memory. Fewer than data.size(): the host's table came to its end, or
  /// the host failed; the drive keeps the rest and waits for dma_started().
  virtual std::size_t dma_move(std::span<u8> data, bool to_memory) = 0;
};

enum AtaRegister : unsigned {
  kAtaData = 0,
  kAtaError = 1,  // read; Features when written
  kAtaCount = 2,  // ATAPI: interrupt reason
  kAtaLbaLow = 3,
  kAtaLbaMid = 4,   // ATAPI: byte count, low
  kAtaLbaHigh = 5,  // ATAPI: byte count, high
  kAtaDevice = 6,
  kAtaStatus = 7,  // read; Command when written
};

inline constexpr u8 kAtaBsy = 0x80;
inline constexpr u8 kAtaDrdy = 0x40;
inline constexpr u8 kAtaDf = 0x20;
inline constexpr u8 kAtaDsc = 0x10;
inline constexpr u8 kAtaDrq = 0x08;
inline constexpr u8 kAtaErr = 0x01;

inline constexpr u8 kAtaErrorUnc = 0x40;
inline constexpr u8 kAtaErrorIdnf = 0x10;
inline constexpr u8 kAtaErrorAbrt = 0x04;

/// How IDENTIFY names a drive. Longer strings are cut: 40, 20 and 8 characters.
struct AtaIdentity {
  std::string model;
  std::string serial;
  std::string firmware;
};

class AtaDrive {
 public:
  AtaDrive(core::Clock& clock, core::Log& log, std::string name, AtaIdentity identity);
  virtual ~AtaDrive() = default;
  AtaDrive(const AtaDrive&) = delete;
  AtaDrive& operator=(const AtaDrive&) = delete;

  // --- the cable, for the channel ------------------------------------------------------------------------------------
  /// Plugs it in as device `position` (0 or 1) of a cable.
  void connect(AtaHost& host, unsigned position);
  /// Whether the cable has another drive; known when all are plugged in.
  void set_alone(bool alone) { alone_ = alone; }

  /// Registers 1 to 7. `hob`: the previous content of the 48-bit registers. Has no side effects.
  u8 read_register(unsigned reg, bool hob) const;
  /// Registers 1 to 6. Both drives of a cable hear every write. Ignored while busy.
  void write_register(unsigned reg, u8 value);
  /// The command register of the selected drive. A command while busy is ignored, except DEVICE RESET where it exists.
  void write_command(u8 opcode);
  /// The data register: a word of the present DRQ block.
  u16 read_data();
  void write_data(u16 value);
  /// INTRQ, before the host masks it. Reading Status clears it.
  bool intrq() const { return intrq_; }
  void clear_intrq();
  /// SRST of the Device Control register.
  void software_reset(bool asserted);
  /// EXECUTE DEVICE DIAGNOSTIC, which both drives hear (9.9 of ATA-5).
  void diagnose();
  /// The bus master has been started: a drive that waits with data goes on.
  void dma_started();
  /// RESET- of the cable, or power-on.
  void hardware_reset();
  /// All state, in a section with the drive's name.
  void archive(core::Archive& ar);

  /// It implements the PACKET commands. Such a device 0 answers for an absent device 1 with zeros in all registers,
  /// another one with zeros in Status only (9.16.1).
  virtual bool packet_device() const { return false; }

  const std::string& name() const { return name_; }
  /// A request is in hand: the drive's light.
  bool active() const { return (status_ & (kAtaBsy | kAtaDrq)) != 0; }

 protected:
  static constexpr u64 kResetTime = 150'000;  // ns
  static constexpr u64 kDmaStartTime = 1'000;
  static constexpr std::size_t kMaxBlock = 65536;  // bytes in a DRQ block or DMA chunk

  // --- what a kind of drive adds -------------------------------------------------------------------------------------
  virtual void execute(u8 opcode) = 0;
  /// The time that busy_for() set has passed.
  virtual void work() = 0;
  /// The host has emptied or filled the DRQ block in buffer().
  virtual void block_done() = 0;
  /// A DMA chunk has been moved (or none yet): put the next one into buffer() and return true, or end the command and
  /// return false.
  virtual bool next_chunk() = 0;
  /// Signature and status after a reset or DEVICE DIAGNOSTIC.
  virtual void set_signature() = 0;
  virtual void reset_state(bool hardware) = 0;
  virtual void archive_state(core::Archive& ar) = 0;
  virtual bool has_device_reset() const { return false; }

  // --- protocol steps ------------------------------------------------------------------------------------------------
  /// BSY until work() is called in `ns`.
  void busy_for(u64 ns);
  /// DRQ with the buffer's content for the host to read, or with room of that size for it to fill.
  void offer_block(bool interrupt);
  void ask_block(std::size_t size, bool interrupt);
  /// DMARQ: chunks from next_chunk() go to the host or come from it. Continues at once or when the bus master starts.
  void run_dma(bool to_host);
  /// Ends the command well (status DRDY, plus `status`).
  void complete(bool interrupt, u8 status = kAtaDsc);
  /// After complete(): DRDY as well is clear, as on a packet device that has only been reset (9.12 of ATA-5).
  void clear_ready() { status_ = 0; }
  /// Ends it with ERR and these error bits.
  void fail(u8 error);
  void raise_intrq();

  u8& reg(unsigned r) { return current_[r]; }
  u8 reg(unsigned r) const { return current_[r]; }
  u8& previous(unsigned r) { return previous_[r]; }
  u8 previous(unsigned r) const { return previous_[r]; }
  std::vector<u8>& buffer() { return buffer_; }
  u8 command() const { return command_; }
  unsigned position() const { return position_; }
  bool alone() const { return alone_; }
  core::Clock& clock() const { return clock_; }
  core::Log& log() const { return log_; }

  /// IDENTIFY data: strings are padded with blanks and byte-swapped (8.12.8).
  void put_identity(std::span<u8, 512> words) const;
  static void put_word(std::span<u8, 512> words, unsigned index, u16 value);
  /// Word 93 after a hardware reset.
  u16 reset_result() const;
  /// Word 255: the checksum. The last one to put.
  static void put_integrity(std::span<u8, 512> words);
  /// SET FEATURES 03h: transfer mode by the Count register. False if there is no such mode.
  bool set_transfer_mode(u8 mode);
  u16 multiword_word() const;  // word 63
  u16 ultra_word() const;      // word 88

 private:
  enum class Phase : u8 { Idle, Working, DataIn, DataOut, DmaWaiting, DmaStarting, Resetting };

  void on_event();
  void leave_reset();
  void move_dma();

  core::Clock& clock_;
  core::Log& log_;
  std::string name_;
  AtaIdentity identity_;
  AtaHost* host_ = nullptr;
  unsigned position_ = 0;
  bool alone_ = true;
  core::Event event_;

  std::array<u8, 8> current_{};
  std::array<u8, 8> previous_{};
  u8 status_ = kAtaBsy;
  u8 error_ = 0;
  u8 command_ = 0;
  bool intrq_ = false;
  bool diagnosing_ = false;  // the reset in hand is EXECUTE DEVICE DIAGNOSTIC
  bool srst_ = false;
  Phase phase_ = Phase::Idle;
  bool dma_to_host_ = false;
  u8 multiword_mode_ = 0xff;  // selected modes; ff: none
  u8 ultra_mode_ = 0xff;
  std::vector<u8> buffer_;
  u32 buffer_position_ = 0;
};

}  // namespace orrery::hw
