// The ATA side of the drive: registers, the PACKET protocol, state.
#include "hw/atapi_cdrom.h"

#include <algorithm>

namespace orrery::hw {
namespace {

using core::Channel;

// Interrupt reason, in the Count register.
constexpr u8 kReasonCommand = 0x01;  // CoD
constexpr u8 kReasonToHost = 0x02;   // IO
constexpr u64 kPlainTime = 10'000;   // ns
constexpr u64 kBlockGap = 2'000;
constexpr std::size_t kPacketSize = 12;

}  // namespace

AtapiCdrom::AtapiCdrom(core::Clock& clock, core::Log& log, std::string name, MediaSlot& slot, AtaIdentity identity)
    : AtaDrive(clock, log, std::move(name), std::move(identity)), slot_(slot) {
  slot_.on_change([this] { medium_changed(); });
  find_disc();
}

void AtapiCdrom::find_disc() {
  disc_.reset();
  if (slot_.medium() != nullptr) disc_.emplace(*slot_.medium());
}

void AtapiCdrom::medium_changed() {
  find_disc();
  if (disc_) {
    tray_open_ = false;
    spinning_ = true;
    attention_ = kMediumMayHaveChanged;
    event_ = Event::NewMedia;
  } else {
    event_ = Event::Removal;
  }
}

bool AtapiCdrom::press_eject() {
  if (!slot_.locked()) return true;
  event_ = Event::EjectRequest;
  return false;
}

// --- ATA commands ----------------------------------------------------------------------------------------------------

void AtapiCdrom::execute(u8 opcode) {
  stage_ = Stage::None;
  switch (opcode) {
    case 0xa0: return start_packet();
    case 0xa1: return identify();
    case 0x08:  // DEVICE RESET
      reset_state(false);
      set_signature();
      return;
    case 0xef: return set_features();
    case 0xe5:  // CHECK POWER MODE
    case 0x98: reg(kAtaCount) = 0xff; [[fallthrough]];
    case 0xe0:  // STANDBY IMMEDIATE, IDLE IMMEDIATE, SLEEP (a drive that wakes by itself)
    case 0xe1:
    case 0xe6:
    case 0x94:
    case 0x95:
    case 0x99: stage_ = Stage::Plain; return busy_for(kPlainTime);
    default: return abort_with_signature();
  }
}

/// IDENTIFY DEVICE and the commands of disks: the registers tell that this is a packet device (9.12).
void AtapiCdrom::abort_with_signature() {
  const u8 device = reg(kAtaDevice);
  if (command() == 0xec || command() == 0x20 || command() == 0x21) set_signature();
  reg(kAtaDevice) = device;
  fail(kAtaErrorAbrt);
}

void AtapiCdrom::set_features() {
  switch (reg(kAtaError)) {
    case 0x03:
      if (!set_transfer_mode(reg(kAtaCount))) return fail(kAtaErrorAbrt);
      break;
    case 0x66:
    case 0xcc: break;
    default: return fail(kAtaErrorAbrt);
  }
  stage_ = Stage::Plain;
  busy_for(kPlainTime);
}

void AtapiCdrom::identify() {
  std::array<u8, 512> data{};
  const auto put = [&](unsigned index, unsigned value) { put_word(data, index, static_cast<u16>(value)); };
  put_identity(data);
  put(0, 0x85c0);  // packet device, CD-ROM, removable, DRQ within 50 us, 12-byte packets
  put(20, 3);
  put(21, 256);
  put(48, 1);
  put(49, 0x0b00);  // IORDY, LBA, DMA
  put(50, 0x4000);
  put(51, 0x0200);
  put(53, 0x0006);
  put(63, multiword_word());
  put(64, 0x0003);
  for (unsigned i = 65; i <= 68; ++i) put(i, 120);
  put(71, 30);
  put(72, 30);
  put(80, 0x0030);  // ATA/ATAPI-4 and 5
  put(81, 0x0013);
  put(82, 0x4210);  // NOP, DEVICE RESET, PACKET
  put(83, 0x4000);
  put(84, 0x4000);
  put(85, 0x4210);
  put(87, 0x4000);
  put(88, ultra_word());
  put(93, reset_result());
  put_integrity(data);
  buffer().assign(data.begin(), data.end());
  stage_ = Stage::Reply;
  busy_for(kPlainTime);
}

// --- the PACKET protocol ---------------------------------------------------------------------------------------------

void AtapiCdrom::start_packet() {
  if ((reg(kAtaError) & 0x02) != 0) return fail(kAtaErrorAbrt);  // overlapped
  dma_ = (reg(kAtaError) & 0x01) != 0;
  reply_.clear();
  reply_position_ = 0;
  blocks_left_ = 0;
  stage_ = Stage::Packet;
  reg(kAtaCount) = kReasonCommand;
  ask_block(kPacketSize, false);
}

void AtapiCdrom::block_done() {
  switch (stage_) {
    case Stage::Packet:
      if (buffer().size() == kPacketSize) std::copy(buffer().begin(), buffer().end(), packet_.begin());
      log()(Channel::Disk, "{}: packet {:02x} {:02x} {:02x} {:02x} {:02x} {:02x} {:02x} {:02x} {:02x} {:02x}", name(),
            packet_[0], packet_[1], packet_[2], packet_[3], packet_[4], packet_[5], packet_[6], packet_[7], packet_[8],
            packet_[9]);
      stage_ = Stage::Command;
      busy_for(command_time());
      break;
    case Stage::Data: busy_for(kBlockGap + data_time(block_limit())); break;
    case Stage::Receive:
      reply_.insert(reply_.end(), buffer().begin(), buffer().end());
      busy_for(kBlockGap);
      break;
    default: complete(false); break;
  }
}

void AtapiCdrom::work() {
  switch (stage_) {
    case Stage::Command: run_command(); break;
    case Stage::Data: next_block(); break;
    case Stage::Receive: mode_parameters(); break;
    case Stage::Reply:
      if (buffer().empty()) return complete(true);
      offer_block(true);
      break;
    default: complete(true); break;
  }
}

std::size_t AtapiCdrom::sector_bytes(u8 parts) {
  return ((parts & kPartSync) != 0 ? 12u : 0u) + ((parts & kPartHeader) != 0 ? 4u : 0u) +
         ((parts & kPartData) != 0 ? kCdSectorSize : 0u) + ((parts & kPartEdc) != 0 ? 288u : 0u);
}

std::size_t AtapiCdrom::data_left() const {
  return reply_.size() - reply_position_ + std::size_t{blocks_left_} * sector_bytes(parts_);
}

/// Bytes in the next DRQ block: the host's byte count limit, made even unless all the rest fits (9.8.2). A limit of 0
/// counts as the largest, which drivers older than the rule rely on.
unsigned AtapiCdrom::block_limit() const {
  unsigned limit = reg(kAtaLbaMid) | reg(kAtaLbaHigh) << 8;
  if (limit == 0 || limit == 0xffff) limit = 0xfffe;
  const std::size_t left = data_left();
  if (left <= limit) return static_cast<unsigned>(left);
  return limit > 1 ? limit & ~1u : 2;
}

/// The time that the medium takes for sectors which are needed to send `bytes`.
u64 AtapiCdrom::data_time(std::size_t bytes) const {
  const std::size_t here = reply_.size() - reply_position_;
  if (bytes <= here || blocks_left_ == 0) return 0;
  return (bytes - here + kCdSectorSize - 1) / kCdSectorSize * kSectorTime;
}

/// Appends the next sector to the reply.
bool AtapiCdrom::load_sector() {
  CdImage* image = disc();
  std::array<u8, kCdRawSectorSize> raw;
  const bool plain = parts_ == kPartData;
  const bool good = image != nullptr && (plain ? image->read(block_, std::span(raw).subspan<16, kCdSectorSize>())
                                               : image->read_raw(block_, raw));
  if (!good) {
    check(image == nullptr ? Sense{kNotReady, kMediumNotPresent, 0x00} : kUnrecoveredReadError);
    return false;
  }
  const auto add = [&](unsigned first, unsigned count) {
    reply_.insert(reply_.end(), raw.begin() + first, raw.begin() + first + count);
  };
  if ((parts_ & kPartSync) != 0) add(0, 12);
  if ((parts_ & kPartHeader) != 0) add(12, 4);
  if ((parts_ & kPartData) != 0) add(16, kCdSectorSize);
  if ((parts_ & kPartEdc) != 0) add(16 + kCdSectorSize, 288);
  ++block_;
  --blocks_left_;
  head_at_ = block_;
  return true;
}

/// Has at least `wanted` bytes of the reply at hand. False if the command has failed.
bool AtapiCdrom::fill(std::size_t wanted) {
  reply_.erase(reply_.begin(), reply_.begin() + reply_position_);
  reply_position_ = 0;
  while (reply_.size() < wanted && blocks_left_ > 0) {
    if (!load_sector()) return false;
  }
  return true;
}

void AtapiCdrom::next_block() {
  if (data_left() == 0) return good();
  const unsigned size = block_limit();
  if (!fill(size)) return;
  const std::size_t count = std::min<std::size_t>(size, reply_.size());
  if (count == 0) return good();
  buffer().assign(reply_.begin(), reply_.begin() + static_cast<i64>(count));
  reply_position_ = static_cast<u32>(count);
  reg(kAtaCount) = kReasonToHost;
  reg(kAtaLbaMid) = static_cast<u8>(count);
  reg(kAtaLbaHigh) = static_cast<u8>(count >> 8);
  offer_block(true);
}

bool AtapiCdrom::next_chunk() {
  if (stage_ == Stage::Receive) {
    if (buffer().empty()) {
      buffer().assign(std::max<std::size_t>(blocks_left_, 1), 0);  // receive() keeps the size there
      return true;
    }
    reply_ = buffer();
    mode_parameters();
    return false;
  }
  if (data_left() == 0) {
    good();
    return false;
  }
  if (!fill(std::min<std::size_t>(data_left(), 16 * kCdSectorSize))) return false;
  const std::size_t count = std::min(reply_.size(), kMaxBlock);
  buffer().assign(reply_.begin(), reply_.begin() + static_cast<i64>(count));
  reply_position_ = static_cast<u32>(count);
  return true;
}

/// Sends up to `allocation` bytes of `data`; nothing at all ends the command.
void AtapiCdrom::send(std::span<const u8> data, std::size_t allocation) {
  const std::size_t count = std::min(data.size(), allocation);
  reply_.assign(data.begin(), data.begin() + static_cast<i64>(count));
  reply_position_ = 0;
  blocks_left_ = 0;
  parts_ = kPartData;
  stage_ = Stage::Data;
  if (count == 0) return good();
  if (dma_) return run_dma(true);
  next_block();
}

void AtapiCdrom::send_sectors(u32 block, u32 count, u8 parts) {
  reply_.clear();
  reply_position_ = 0;
  block_ = block;
  parts_ = parts;
  blocks_left_ = sector_bytes(parts) == 0 ? 0 : count;
  stage_ = Stage::Data;
  if (blocks_left_ == 0) return good();
  if (dma_) return run_dma(true);
  next_block();
}

/// Asks for `size` bytes of parameters.
void AtapiCdrom::receive(std::size_t size) {
  reply_.clear();
  reply_position_ = 0;
  stage_ = Stage::Receive;
  if (dma_) {
    blocks_left_ = static_cast<u32>(size);
    parts_ = 0;
    return run_dma(false);
  }
  reg(kAtaCount) = 0;
  reg(kAtaLbaMid) = static_cast<u8>(size);
  reg(kAtaLbaHigh) = static_cast<u8>(size >> 8);
  ask_block(size, true);
}

void AtapiCdrom::good() {
  stage_ = Stage::None;
  blocks_left_ = 0;
  reg(kAtaCount) = kReasonToHost | kReasonCommand;
  complete(true);
}

void AtapiCdrom::check(Sense sense) {
  stage_ = Stage::None;
  blocks_left_ = 0;
  sense_ = sense;
  reg(kAtaCount) = kReasonToHost | kReasonCommand;
  log()(Channel::Disk, "{}: check condition {:x}/{:02x}/{:02x}", name(), sense.key, sense.code, sense.qualifier);
  fail(static_cast<u8>(sense.key << 4 |
                       (sense.key == kIllegalRequest || sense.key == kAbortedCommand ? kAtaErrorAbrt : 0)));
}

// --- state -----------------------------------------------------------------------------------------------------------

void AtapiCdrom::set_signature() {
  reg(kAtaCount) = 0x01;
  reg(kAtaLbaLow) = 0x01;
  reg(kAtaLbaMid) = 0x14;
  reg(kAtaLbaHigh) = 0xeb;
  reg(kAtaDevice) = static_cast<u8>(command() == 0x08 ? reg(kAtaDevice) & 0x10 : 0);
  complete(false, 0);
  clear_ready();
}

void AtapiCdrom::reset_state(bool hardware) {
  stage_ = Stage::None;
  blocks_left_ = 0;
  reply_.clear();
  reply_position_ = 0;
  if (!hardware) return;
  sense_ = {};
  attention_ = kPowerOnOrReset;
  event_ = Event::None;
  retries_ = 5;
  audio_ = {1, 255, 2, 255, 0, 0, 0, 0};
  speed_ = 0xffff;
  spinning_ = true;
  slot_.set_locked(false);
}

void AtapiCdrom::archive_state(core::Archive& ar) {
  ar("tray_open", tray_open_);
  ar("spinning", spinning_);
  ar("sense_key", sense_.key);
  ar("sense_code", sense_.code);
  ar("sense_qualifier", sense_.qualifier);
  ar("attention", attention_);
  ar("event", event_);
  ar("retries", retries_);
  ar("audio", audio_);
  ar("speed", speed_);
  ar("stage", stage_);
  ar("dma", dma_);
  ar("packet", packet_);
  ar("reply", reply_);
  ar("reply_position", reply_position_);
  ar("block", block_);
  ar("blocks_left", blocks_left_);
  ar("parts", parts_);
  ar("head_at", head_at_);
  slot_.archive(ar);
  if (!ar.loading()) return;
  find_disc();
  if (stage_ > Stage::Plain || event_ > Event::Removal || reply_position_ > reply_.size() ||
      reply_.size() > 4 * kMaxBlock || (stage_ == Stage::Receive && blocks_left_ > kMaxBlock)) {
    throw core::ArchiveError("the state of drive " + name() + " in the archive is damaged");
  }
}

}  // namespace orrery::hw
