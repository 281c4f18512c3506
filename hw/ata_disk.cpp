#include "hw/ata_disk.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace orrery::hw {
namespace {

using core::Channel;

constexpr u64 kCommandTime = 10'000;  // ns
constexpr u64 kShortSeek = 100'000;   // ns, to the next track
constexpr u64 kFullStroke = 900'000;  // ns more across the whole disk
constexpr u64 kSectorTime = 4'000;    // ns a sector: 128 MB/s
constexpr u64 kSpinUp = 20'000'000;   // ns, out of standby
constexpr u64 kFlushTime = 200'000;   // ns
constexpr u8 kMaxMultiple = 16;
constexpr u32 kChunkSectors = 128;
constexpr u64 kLba28Limit = 0x0fffffff;
constexpr u8 kLba = 0x40;  // in the Device register

}  // namespace

AtaDisk::AtaDisk(core::Clock& clock, core::Log& log, std::string name, MediaSlot& slot, AtaDiskConfig config)
    : AtaDrive(clock, log, std::move(name), config.identity), slot_(slot), config_(std::move(config)) {
  if (slot_.medium() == nullptr) throw std::logic_error("a hard disk needs a medium");
  native_sectors_ = std::min<u64>(slot_.medium()->sectors(), u64{1} << 47);
  if (config_.heads == 0 || config_.heads > 16) config_.heads = 16;
  if (config_.sectors == 0) config_.sectors = 63;
  if (config_.cylinders == 0) {
    const u64 cylinders = native_sectors_ / (u64{config_.heads} * config_.sectors);
    config_.cylinders = static_cast<u16>(std::clamp<u64>(cylinders, 1, 16383));
  }
  visible_sectors_ = native_sectors_;
  heads_ = config_.heads;
  track_sectors_ = config_.sectors;
}

// --- commands --------------------------------------------------------------------------------------------------------

void AtaDisk::execute(u8 opcode) {
  kind_ = Kind::None;
  const bool after_native_max = std::exchange(native_max_read_, false);
  if (sleeping_) {  // only a reset wakes it
    log()(Channel::GuestErrors, "{}: command {:02x} while asleep", name(), opcode);
    return;
  }
  switch (opcode) {
    case 0x20:  // READ SECTOR(S)
    case 0x21: return transfer(Kind::PioRead, false, 1);
    case 0x24:  // READ SECTOR(S) EXT
      return transfer(Kind::PioRead, true, 1);
    case 0xc4:  // READ MULTIPLE
    case 0x29:  // READ MULTIPLE EXT
      return multiple_ == 0 ? fail(kAtaErrorAbrt) : transfer(Kind::PioRead, opcode == 0x29, multiple_);
    case 0x30:  // WRITE SECTOR(S)
    case 0x31:
    case 0x3c:  // WRITE VERIFY
      return transfer(Kind::PioWrite, false, 1);
    case 0x34:  // WRITE SECTOR(S) EXT
      return transfer(Kind::PioWrite, true, 1);
    case 0xc5:  // WRITE MULTIPLE
    case 0x39:  // WRITE MULTIPLE EXT
    case 0xce:  // WRITE MULTIPLE FUA EXT
      return multiple_ == 0 ? fail(kAtaErrorAbrt) : transfer(Kind::PioWrite, opcode != 0xc5, multiple_);
    case 0xc8:  // READ DMA
    case 0xc9: return transfer(Kind::DmaRead, false, 1);
    case 0x25:  // READ DMA EXT
      return transfer(Kind::DmaRead, true, 1);
    case 0xca:  // WRITE DMA
    case 0xcb: return transfer(Kind::DmaWrite, false, 1);
    case 0x35:  // WRITE DMA EXT
    case 0x3d:  // WRITE DMA FUA EXT
      return transfer(Kind::DmaWrite, true, 1);
    case 0x40:  // READ VERIFY SECTOR(S)
    case 0x41: return transfer(Kind::Verify, false, 1);
    case 0x42:  // READ VERIFY SECTOR(S) EXT
      return transfer(Kind::Verify, true, 1);
    case 0x91: return initialize_parameters();
    case 0xc6: return set_multiple();
    case 0xe7:  // FLUSH CACHE
    case 0xea:  // FLUSH CACHE EXT
      kind_ = Kind::Flush;
      return busy_for(kCommandTime + kFlushTime);
    case 0xec: return identify();
    case 0xef: return set_features();
    case 0xf8:  // READ NATIVE MAX ADDRESS
    case 0x27:  // READ NATIVE MAX ADDRESS EXT
      return native_max(opcode == 0x27);
    case 0xf9:  // SET MAX ADDRESS
    case 0x37:  // SET MAX ADDRESS EXT
      native_max_read_ = after_native_max;
      return set_max(opcode == 0x37);
    case 0xb0: return smart();
    case 0xe4:  // READ BUFFER
      return reply(sector_buffer_);
    case 0xe8:  // WRITE BUFFER
      kind_ = Kind::WriteBuffer;
      return ask_block(kSectorSize, false);
    case 0x94:
    case 0x95:
    case 0x96:
    case 0x97:
    case 0x98:
    case 0x99:
    case 0xe0:
    case 0xe1:
    case 0xe2:
    case 0xe3:
    case 0xe5:
    case 0xe6: return power(opcode);
    default: break;
  }
  if ((opcode & 0xf0) == 0x10) return no_data(access_time(0, 0));  // RECALIBRATE
  if ((opcode & 0xf0) == 0x70) {                                   // SEEK
    if (!decode_address(false) || lba_ >= visible_sectors_) return fail(kAtaErrorIdnf);
    return no_data(access_time(lba_, 0));
  }
  fail(kAtaErrorAbrt);
}

void AtaDisk::no_data(u64 ns) {
  kind_ = Kind::NoData;
  busy_for(ns);
}

void AtaDisk::reply(std::span<const u8> data) {
  kind_ = Kind::Reply;
  buffer().assign(data.begin(), data.end());
  busy_for(kCommandTime);
}

// --- addresses -------------------------------------------------------------------------------------------------------

bool AtaDisk::decode_address(bool extended) {
  const u8 device = reg(kAtaDevice);
  if (extended) {
    lba_ = u64{reg(kAtaLbaLow)} | u64{reg(kAtaLbaMid)} << 8 | u64{reg(kAtaLbaHigh)} << 16 |
           u64{previous(kAtaLbaLow)} << 24 | u64{previous(kAtaLbaMid)} << 32 | u64{previous(kAtaLbaHigh)} << 40;
    return (device & kLba) != 0;
  }
  if ((device & kLba) != 0) {
    lba_ = u64{reg(kAtaLbaLow)} | u64{reg(kAtaLbaMid)} << 8 | u64{reg(kAtaLbaHigh)} << 16 | u64{device & 0x0fu} << 24;
    return true;
  }
  const u64 cylinder = u64{reg(kAtaLbaMid)} | u64{reg(kAtaLbaHigh)} << 8;
  const u64 head = device & 0x0f;
  const u64 sector = reg(kAtaLbaLow);
  if (head >= heads_ || sector == 0 || sector > track_sectors_) return false;
  lba_ = (cylinder * heads_ + head) * track_sectors_ + sector - 1;
  return true;
}

void AtaDisk::encode_address(u64 lba) {
  if (extended_ || (reg(kAtaDevice) & kLba) != 0) {
    reg(kAtaLbaLow) = static_cast<u8>(lba);
    reg(kAtaLbaMid) = static_cast<u8>(lba >> 8);
    reg(kAtaLbaHigh) = static_cast<u8>(lba >> 16);
    if (extended_) {
      previous(kAtaLbaLow) = static_cast<u8>(lba >> 24);
      previous(kAtaLbaMid) = static_cast<u8>(lba >> 32);
      previous(kAtaLbaHigh) = static_cast<u8>(lba >> 40);
    } else {
      reg(kAtaDevice) = static_cast<u8>((reg(kAtaDevice) & 0xf0) | ((lba >> 24) & 0x0f));
    }
    return;
  }
  const u64 track = lba / track_sectors_;
  const u64 cylinder = track / heads_;
  reg(kAtaLbaLow) = static_cast<u8>(lba % track_sectors_ + 1);
  reg(kAtaLbaMid) = static_cast<u8>(cylinder);
  reg(kAtaLbaHigh) = static_cast<u8>(cylinder >> 8);
  reg(kAtaDevice) = static_cast<u8>((reg(kAtaDevice) & 0xf0) | (track % heads_));
}

void AtaDisk::fail_at(u64 lba, u8 error) {
  encode_address(lba);
  fail(error);
}

// --- transfers -------------------------------------------------------------------------------------------------------

u64 AtaDisk::access_time(u64 lba, u64 count) {
  u64 time = kCommandTime + count * kSectorTime;
  if (standing_by()) time += kSpinUp;
  standby_ = false;
  if (lba != head_at_) {
    const u64 distance = lba > head_at_ ? lba - head_at_ : head_at_ - lba;
    const u64 share = std::min<u64>(distance * 1024 / native_sectors_, 1024);
    time += kShortSeek + kFullStroke * share / 1024;
  }
  head_at_ = lba + count;
  last_access_ = clock().now() + time;
  return time;
}

void AtaDisk::transfer(Kind kind, bool extended, u32 block) {
  extended_ = extended;
  if (!decode_address(extended)) return fail(extended ? kAtaErrorAbrt : kAtaErrorIdnf);
  count_ = reg(kAtaCount);
  if (extended) count_ |= u32{previous(kAtaCount)} << 8;
  if (count_ == 0) count_ = extended ? 65536 : 256;
  if (lba_ >= visible_sectors_ || count_ > visible_sectors_ - lba_) {
    return fail_at(std::max(lba_, visible_sectors_), kAtaErrorIdnf);
  }
  const bool write = kind == Kind::PioWrite || kind == Kind::DmaWrite;
  if (write && (medium() == nullptr || medium()->read_only())) return fail(kAtaErrorAbrt);
  kind_ = kind;
  block_ = block;
  switch (kind) {
    case Kind::PioWrite: return ask_block(std::min(block_, count_) * kSectorSize, false);
    case Kind::PioRead: return busy_for(access_time(lba_, std::min(block_, count_)));
    default: return busy_for(access_time(lba_, count_));
  }
}

/// The next `count` sectors into the buffer. False if the command has failed.
bool AtaDisk::read_sectors(u32 count) {
  buffer().resize(count * kSectorSize);
  if (medium() != nullptr && medium()->read(lba_ * kSectorSize, buffer())) return true;
  // Which sector was it?
  u64 bad = lba_;
  if (medium() != nullptr) {
    log()(Channel::Disk, "{}: {}", name(), medium()->last_error());
    std::array<u8, kSectorSize> sector;
    while (bad + 1 < lba_ + count && medium()->read(bad * kSectorSize, sector)) ++bad;
  }
  fail_at(bad, kAtaErrorUnc);
  return false;
}

bool AtaDisk::write_sectors() {
  if (medium() != nullptr && medium()->write(lba_ * kSectorSize, buffer())) return true;
  if (medium() != nullptr) log()(Channel::Disk, "{}: {}", name(), medium()->last_error());
  fail_at(lba_, kAtaErrorAbrt);
  return false;
}

/// Ends a transfer: the registers name its last sector, and no sectors are left.
void AtaDisk::finish(bool interrupt) {
  encode_address(lba_ - 1);
  reg(kAtaCount) = 0;
  if (extended_) previous(kAtaCount) = 0;
  complete(interrupt);
}

void AtaDisk::work() {
  switch (kind_) {
    case Kind::PioRead:
      if (read_sectors(std::min(block_, count_))) offer_block(true);
      break;
    case Kind::PioWrite: {
      if (!write_sectors()) return;
      const u32 written = static_cast<u32>(buffer().size() / kSectorSize);
      lba_ += written;
      count_ -= std::min(written, count_);
      if (count_ == 0) return finish(true);
      ask_block(std::min(block_, count_) * kSectorSize, true);
      break;
    }
    case Kind::DmaRead: run_dma(true); break;
    case Kind::DmaWrite: run_dma(false); break;
    case Kind::Verify:
      while (count_ > 0) {
        const u32 part = std::min(count_, kChunkSectors);
        if (!read_sectors(part)) return;
        lba_ += part;
        count_ -= part;
      }
      finish(true);
      break;
    case Kind::Flush:
      if (medium() != nullptr && !medium()->flush()) {
        log()(Channel::Disk, "{}: {}", name(), medium()->last_error());
        return fail(kAtaErrorAbrt);
      }
      complete(true);
      break;
    case Kind::Reply:
      if (buffer().empty()) return complete(true);
      offer_block(true);
      break;
    case Kind::NoData:
    case Kind::WriteBuffer:
    case Kind::None: complete(true); break;
  }
}

void AtaDisk::block_done() {
  switch (kind_) {
    case Kind::PioRead: {
      const u32 read = std::min(static_cast<u32>(buffer().size() / kSectorSize), count_);
      lba_ += read;
      count_ -= read;
      if (count_ == 0) return finish(false);
      busy_for(access_time(lba_, std::min(block_, count_)) - kCommandTime);
      break;
    }
    case Kind::PioWrite: busy_for(access_time(lba_, buffer().size() / kSectorSize)); break;
    case Kind::WriteBuffer:
      if (buffer().size() == sector_buffer_.size()) std::copy(buffer().begin(), buffer().end(), sector_buffer_.begin());
      busy_for(kCommandTime);
      break;
    default: complete(false); break;
  }
}

bool AtaDisk::next_chunk() {
  if (kind_ == Kind::DmaWrite && !buffer().empty()) {
    if (!write_sectors()) return false;
    const u32 written = std::min(static_cast<u32>(buffer().size() / kSectorSize), count_);
    lba_ += written;
    count_ -= written;
  }
  if (count_ == 0) {
    finish(true);
    return false;
  }
  const u32 part = std::min(count_, kChunkSectors);
  if (kind_ == Kind::DmaWrite) {
    buffer().assign(part * kSectorSize, 0);
    return true;
  }
  if (!read_sectors(part)) return false;
  lba_ += part;
  count_ -= part;
  return true;
}

// --- parameters ------------------------------------------------------------------------------------------------------

void AtaDisk::initialize_parameters() {
  const u8 sectors = reg(kAtaCount);
  if (sectors == 0) return fail(kAtaErrorAbrt);
  track_sectors_ = sectors;
  heads_ = static_cast<u8>((reg(kAtaDevice) & 0x0f) + 1);
  no_data(kCommandTime);
}

void AtaDisk::set_multiple() {
  const u8 count = reg(kAtaCount);
  if (count > kMaxMultiple || (count & (count - 1)) != 0) {
    multiple_ = 0;
    return fail(kAtaErrorAbrt);
  }
  multiple_ = count;
  no_data(kCommandTime);
}

void AtaDisk::set_features() {
  switch (reg(kAtaError)) {  // Features
    case 0x02: write_cache_ = true; break;
    case 0x82: write_cache_ = false; break;
    case 0x03:
      if (!set_transfer_mode(reg(kAtaCount))) return fail(kAtaErrorAbrt);
      break;
    case 0x55: look_ahead_ = false; break;
    case 0xaa: look_ahead_ = true; break;
    case 0x66:  // keep or revert settings at a software reset: there is nothing that would revert
    case 0xcc: break;
    default: return fail(kAtaErrorAbrt);
  }
  no_data(kCommandTime);
}

void AtaDisk::native_max(bool extended) {
  extended_ = extended;
  if ((reg(kAtaDevice) & kLba) == 0) return fail(kAtaErrorAbrt);
  const u64 last = native_sectors_ - 1;
  encode_address(extended ? last : std::min(last, kLba28Limit - 1));
  native_max_read_ = true;
  no_data(kCommandTime);
}

void AtaDisk::set_max(bool extended) {
  // Features other than 0 are the passwords and locks of the SET MAX security extension, which this disk has not.
  if (!std::exchange(native_max_read_, false) || (!extended && reg(kAtaError) != 0)) return fail(kAtaErrorAbrt);
  extended_ = extended;
  if ((reg(kAtaDevice) & kLba) == 0 || !decode_address(extended)) return fail(kAtaErrorAbrt);
  if (lba_ >= native_sectors_) return fail(kAtaErrorIdnf);
  visible_sectors_ = lba_ + 1;
  no_data(kCommandTime);
}

void AtaDisk::identify() {
  std::array<u8, 512> data{};
  const auto put = [&](unsigned index, u64 value) { put_word(data, index, static_cast<u16>(value)); };
  put_identity(data);
  put(0, 0x0040);
  put(1, config_.cylinders);
  put(3, config_.heads);
  put(4, kSectorSize * config_.sectors);
  put(5, kSectorSize);
  put(6, config_.sectors);
  put(20, 3);    // dual-ported buffer with read-ahead
  put(21, 512);  // of 256 KiB
  put(22, 4);
  put(47, 0x8000 | kMaxMultiple);
  put(48, 1);  // 32-bit data port
  put(49, 0x0f00);
  put(50, 0x4000);
  put(51, 0x0200);
  put(52, 0x0200);
  put(53, 0x0007);
  const u64 cylinders = std::min<u64>(visible_sectors_ / (u64{heads_} * track_sectors_), 65535);
  const u64 current = heads_ == config_.heads && track_sectors_ == config_.sectors
                          ? std::min<u64>(std::max<u64>(cylinders, 1), config_.cylinders)
                          : cylinders;
  const u64 chs = current * heads_ * track_sectors_;
  put(54, current);
  put(55, heads_);
  put(56, track_sectors_);
  put(57, chs);
  put(58, chs >> 16);
  put(59, multiple_ != 0 ? 0x0100 | multiple_ : 0);
  const u64 lba28 = std::min(visible_sectors_, kLba28Limit);
  put(60, lba28);
  put(61, lba28 >> 16);
  put(63, multiword_word());
  put(64, 0x0003);
  for (unsigned i = 65; i <= 68; ++i) put(i, 120);
  put(80, 0x00f0);  // ATA/ATAPI-4 to 7
  put(81, 0x0016);
  // SMART, power management, write cache, look-ahead, host protected area, read and write buffer, NOP.
  constexpr u16 kSets82 = 0x0001 | 0x0008 | 0x0020 | 0x0040 | 0x0400 | 0x1000 | 0x2000;
  constexpr u16 kSets83 = 0x4000 | 0x0400 | 0x1000 | 0x2000;  // 48-bit addresses, FLUSH CACHE (EXT)
  constexpr u16 kSets84 = 0x4000 | 0x0040;                    // FUA commands
  put(82, kSets82);
  put(83, kSets83);
  put(84, kSets84);
  put(85, (kSets82 & ~0x0061) | (smart_ ? 0x01 : 0) | (write_cache_ ? 0x20 : 0) | (look_ahead_ ? 0x40 : 0));
  put(86, kSets83 & 0x3fff);
  put(87, kSets84);
  put(88, ultra_word());
  put(93, reset_result());
  for (unsigned i = 0; i < 4; ++i) put(100 + i, visible_sectors_ >> (16 * i));
  put_integrity(data);
  reply(data);
}

// --- power management ------------------------------------------------------------------------------------------------

u64 AtaDisk::standby_period(u8 count) {
  const u64 second = core::kNsPerSecond;
  if (count == 0) return 0;
  if (count <= 240) return count * 5 * second;
  if (count <= 251) return (count - 240u) * 30 * 60 * second;
  if (count == 252) return 21 * 60 * second;
  if (count == 253) return 8 * 3600 * second;
  return (21 * 60 + 15) * second;
}

bool AtaDisk::standing_by() const {
  return standby_ || (standby_after_ != 0 && clock().now() >= last_access_ + standby_after_);
}

void AtaDisk::power(u8 opcode) {
  const u8 kind = (opcode & 0xf0) == 0x90 ? static_cast<u8>(opcode - 0x94) : static_cast<u8>(opcode - 0xe0);
  // The old codes 94h-99h are STANDBY IMMEDIATE, IDLE IMMEDIATE, STANDBY, IDLE, CHECK POWER MODE, SLEEP; the new ones
  // E0h-E3h, E5h, E6h likewise.
  switch ((opcode & 0xf0) == 0x90 ? kind : (kind >= 5 ? kind - 1 : kind)) {
    case 2:  // STANDBY
      standby_after_ = standby_period(reg(kAtaCount));
      [[fallthrough]];
    case 0:  // STANDBY IMMEDIATE
      standby_ = true;
      kind_ = Kind::Flush;
      return busy_for(kCommandTime + kFlushTime);
    case 3:  // IDLE
      standby_after_ = standby_period(reg(kAtaCount));
      [[fallthrough]];
    case 1:  // IDLE IMMEDIATE
      return no_data(access_time(head_at_, 0));
    case 4:  // CHECK POWER MODE
      reg(kAtaCount) = standing_by() ? 0x00 : 0xff;
      return no_data(kCommandTime);
    default:  // SLEEP
      sleeping_ = true;
      standby_ = true;
      kind_ = Kind::Flush;
      return busy_for(kCommandTime + kFlushTime);
  }
}

// --- SMART -----------------------------------------------------------------------------------------------------------

void AtaDisk::smart() {
  const u8 feature = reg(kAtaError);
  if (reg(kAtaLbaMid) != 0x4f || reg(kAtaLbaHigh) != 0xc2 || (!smart_ && feature != 0xd8)) return fail(kAtaErrorAbrt);
  switch (feature) {
    case 0xd0: return smart_data(false);
    case 0xd1: return smart_data(true);
    case 0xd2:  // attribute autosave
      if (reg(kAtaCount) != 0x00 && reg(kAtaCount) != 0xf1) return fail(kAtaErrorAbrt);
      smart_autosave_ = reg(kAtaCount) != 0;
      break;
    case 0xd3:  // save attribute values
    case 0xd4:  // off-line immediate: a self-test that finds nothing
      break;
    case 0xd5: return smart_log(reg(kAtaLbaLow));
    case 0xd8: smart_ = true; break;
    case 0xd9: smart_ = false; break;
    case 0xda:  // return status: the signature unchanged means all is well
      break;
    default: return fail(kAtaErrorAbrt);
  }
  no_data(kCommandTime);
}

void AtaDisk::smart_data(bool thresholds) {
  struct Attribute {
    u8 id;
    u16 flags;
    u8 value;
    u8 raw;
    u8 threshold;
  };
  static constexpr std::array<Attribute, 7> kAttributes{{{1, 0x000b, 100, 0, 6},      // read error rate
                                                         {3, 0x0007, 100, 16, 0},     // spin-up time
                                                         {4, 0x0032, 100, 1, 20},     // start/stop count
                                                         {5, 0x0033, 100, 0, 36},     // reallocated sectors
                                                         {9, 0x0032, 100, 1, 0},      // power-on hours
                                                         {12, 0x0032, 100, 1, 0},     // power cycles
                                                         {194, 0x0022, 69, 31, 0}}};  // temperature
  std::array<u8, 512> data{};
  core::store_le<u16>(&data[0], 1);
  for (std::size_t i = 0; i < kAttributes.size(); ++i) {
    const Attribute& a = kAttributes[i];
    u8* entry = &data[2 + i * 12];
    entry[0] = a.id;
    if (thresholds) {
      entry[1] = a.threshold;
    } else {
      core::store_le<u16>(entry + 1, a.flags);
      entry[3] = entry[4] = a.value;
      entry[5] = a.raw;
    }
  }
  if (!thresholds) {
    data[362] = 0x02;  // off-line collection completed
    core::store_le<u16>(&data[364], 2);
    data[367] = 0x19;                       // execute immediate, self-test, off-line read scanning
    core::store_le<u16>(&data[368], 0x03);  // capability: save before power mode change, autosave
    data[370] = 0x01;                       // error log
    data[372] = 2;                          // minutes of the short and the long self-test
    data[373] = 4;
  }
  u8 sum = 0;
  for (unsigned i = 0; i < 511; ++i) sum = static_cast<u8>(sum + data[i]);
  data[511] = static_cast<u8>(-sum);
  reply(data);
}

void AtaDisk::smart_log(u8 log) {
  std::array<u8, 512> data{};
  switch (log) {
    case 0x00:  // directory
      data[0] = 1;
      data[1 * 2] = 1;
      data[6 * 2] = 1;
      return reply(data);
    case 0x01:  // summary of errors: none
    case 0x06:  // self-tests: none
      data[0] = 1;
      data[511] = 0xff;
      return reply(data);
    default: return fail(kAtaErrorAbrt);
  }
}

// --- state -----------------------------------------------------------------------------------------------------------

void AtaDisk::set_signature() {
  reg(kAtaCount) = 0x01;
  reg(kAtaLbaLow) = 0x01;
  reg(kAtaLbaMid) = 0x00;
  reg(kAtaLbaHigh) = 0x00;
  reg(kAtaDevice) = 0x00;
  complete(false);
}

void AtaDisk::reset_state(bool hardware) {
  kind_ = Kind::None;
  sleeping_ = false;
  native_max_read_ = false;
  if (!hardware) return;
  visible_sectors_ = native_sectors_;
  heads_ = config_.heads;
  track_sectors_ = config_.sectors;
  multiple_ = 0;
  write_cache_ = look_ahead_ = smart_ = true;
  smart_autosave_ = false;
  standby_ = false;
  standby_after_ = 0;
}

void AtaDisk::archive_state(core::Archive& ar) {
  ar("visible_sectors", visible_sectors_);
  ar("heads", heads_);
  ar("track_sectors", track_sectors_);
  ar("multiple", multiple_);
  ar("write_cache", write_cache_);
  ar("look_ahead", look_ahead_);
  ar("smart", smart_);
  ar("smart_autosave", smart_autosave_);
  ar("native_max_read", native_max_read_);
  ar("standby", standby_);
  ar("sleeping", sleeping_);
  ar("standby_after", standby_after_);
  ar("last_access", last_access_);
  ar("sector_buffer", sector_buffer_);
  ar("kind", kind_);
  ar("extended", extended_);
  ar("lba", lba_);
  ar("count", count_);
  ar("block", block_);
  ar("head_at", head_at_);
  slot_.archive(ar);
  if (!ar.loading()) return;
  if (visible_sectors_ == 0 || visible_sectors_ > native_sectors_ || heads_ == 0 || heads_ > 16 ||
      track_sectors_ == 0 || multiple_ > kMaxMultiple || kind_ > Kind::WriteBuffer || count_ > 65536 || block_ == 0 ||
      block_ > kMaxMultiple) {
    throw core::ArchiveError("the state of disk " + name() + " in the archive is damaged");
  }
}

}  // namespace orrery::hw
