// The commands that move sectors: finding them on the turning disk, moving bytes, and how they end.
#include <algorithm>

#include "hw/floppy.h"

namespace orrery::hw {
namespace {

using core::Channel;

// Status registers (section 6 of the data sheet).
constexpr u8 kSt0Abnormal = 0x40;
constexpr u8 kSt0SeekEnd = 0x20;
constexpr u8 kSt0EquipmentCheck = 0x10;
constexpr u8 kSt1EndOfCylinder = 0x80;
constexpr u8 kSt1DataError = 0x20;
constexpr u8 kSt1Overrun = 0x10;
constexpr u8 kSt1NoData = 0x04;
constexpr u8 kSt1NotWritable = 0x02;
constexpr u8 kSt1MissingAddressMark = 0x01;
constexpr u8 kSt2ControlMark = 0x40;
constexpr u8 kSt2DataErrorInData = 0x20;
constexpr u8 kSt2WrongCylinder = 0x10;
constexpr u8 kSt2ScanEqual = 0x08;
constexpr u8 kSt2ScanNotSatisfied = 0x04;

constexpr u64 kCommandTime = 5'000;  // ns that the chip thinks about a command
constexpr u8 kMfm = 0x40;
constexpr u8 kSizeCode512 = 2;
constexpr u8 kLastTrack = 84;

/// Which data rates (as bits 1 << rate select) read a medium.
constexpr u8 rates_of(FloppyDensity density) {
  switch (density) {
    case FloppyDensity::Double525: return 1 << 1 | 1 << 2;
    case FloppyDensity::Double35: return 1 << 2;
    case FloppyDensity::High: return 1 << 0;
    case FloppyDensity::Extra: return 1 << 3;
  }
  return 0;
}

}  // namespace

// --- time ------------------------------------------------------------------------------------------------------------

u64 FloppyController::rotation() const {
  const u64 rpm = drive().type == FloppyDriveType::Hd525 ? 360 : 300;
  return scaled(60 * core::kNsPerSecond / rpm);
}

u64 FloppyController::byte_time() const {
  constexpr std::array<u64, 4> kTimes{16'000, 26'667, 32'000, 8'000};
  return std::max<u64>(scaled(kTimes[rate_]), 1);
}

u64 FloppyController::step_time() const {
  constexpr std::array<u64, 4> kUnits{1'000'000, 1'666'667, 2'000'000, 500'000};
  return scaled((16 - (specify1_ >> 4)) * kUnits[rate_]);
}

u64 FloppyController::head_load_time() const {
  if (clock_.now() < head_loaded_until_) return 0;
  constexpr std::array<u64, 4> kUnits{2'000'000, 3'333'333, 4'000'000, 1'000'000};
  const u64 count = specify2_ >> 1;
  return scaled((count == 0 ? 128 : count) * kUnits[rate_]);
}

/// Until the `slot`-th of `slots` equal parts of the track comes under the head. A slot that begins now is met.
u64 FloppyController::until_slot(unsigned slot, unsigned slots) const {
  const u64 turn = rotation();
  const u64 phase = clock_.now() % turn;
  const u64 start = turn * slot / slots;
  return start >= phase ? start - phase : turn - phase + start;
}

// --- the course of a command -----------------------------------------------------------------------------------------

bool FloppyController::from_host() const {
  return transfer_ == Transfer::WriteData || transfer_ == Transfer::WriteDeleted || transfer_ == Transfer::Scan ||
         transfer_ == Transfer::Format;
}

bool FloppyController::to_host() const {
  return transfer_ == Transfer::ReadData || transfer_ == Transfer::ReadDeleted || transfer_ == Transfer::ReadTrack;
}

unsigned FloppyController::transfer_size() const {
  if (transfer_ == Transfer::Format) return 4;
  return 128u << std::min<u8>(n_, 7);
}

void FloppyController::step(Step step, u64 delay) {
  step_ = step;
  execution_.at(clock_.now() + delay);
}

void FloppyController::execution_event() {
  switch (step_) {
    case Step::Begin: begin(); break;
    case Step::Sector: sector_passed(); break;
    case Step::Window: {
      const unsigned count = fifo_off_ ? 1 : std::max(15 - fifo_threshold_, 1);
      window_ = static_cast<u16>(std::min<std::size_t>(position_ + count, buffer_.size()));
      interrupt_ = true;
      update_irq();
      break;
    }
    case Step::NotFound: finish(kSt0Abnormal, st1_, st2_); break;
    case Step::Identified: read_id_passed(); break;
    case Step::Stuck:
    case Step::None: break;
  }
}

void FloppyController::start_transfer(Transfer kind) {
  transfer_ = kind;
  unit_ = command_[1] & 3;
  head_ = (command_[1] >> 2) & 1;
  non_dma_ = (specify2_ & 1) != 0;
  multi_track_ = (command_[0] & 0x80) != 0 && kind != Transfer::ReadTrack;
  skip_ = (command_[0] & 0x20) != 0;
  st1_ = st2_ = 0;
  sought_ = terminal_count_ = count_mode_ = passing_deleted_ = false;
  position_ = window_ = 0;
  sector_index_ = 0;
  c_ = 0xff;
  const bool addressed = kind != Transfer::Format && kind != Transfer::ReadId;
  if (addressed) {
    c_ = command_[2];
    h_ = command_[3];
    r_ = command_[4];
    n_ = command_[5];
    eot_ = last_eot_ = command_[6];
    if (kind == Transfer::Verify && (command_[1] & 0x80) != 0) {
      count_mode_ = true;
      sectors_left_ = command_[8] == 0 ? 256 : command_[8];
    }
    if (kind == Transfer::ReadTrack) sectors_left_ = eot_;
  } else if (kind == Transfer::Format) {
    n_ = command_[2];
    sectors_left_ = last_eot_ = command_[3];
  }
  log_(Channel::Disk, "fdc: command {:02x} drive {} head {} c {} h {} r {} n {} eot {}", command_[0], unit_, head_, c_,
       h_, r_, n_, eot_);

  u64 delay = kCommandTime + head_load_time();
  if (seeks_[unit_].active) delay += seeks_[unit_].done - clock_.now();
  if (addressed && unit_present(unit_)) {
    Drive& d = drive();
    const bool stretched = d.geometry && d.geometry->cylinders <= 42 && d.type != FloppyDriveType::Dd525;
    const bool there = d.track == c_ || (stretched && d.track / 2 == c_);
    if (implied_seek_ ? pcn_[unit_] != c_ : !there) {
      const int steps = implied_seek_ ? c_ - pcn_[unit_] : c_ - d.track;
      delay += static_cast<u64>(std::abs(steps)) * step_time();
      d.track = static_cast<u8>(std::clamp(d.track + steps, 0, int{kLastTrack}));
      pcn_[unit_] = c_;
      sought_ = implied_seek_;
      if (d.slot->medium() != nullptr) d.changed = false;
    }
  }
  step(Step::Begin, delay);
}

bool FloppyController::disk_turns() const {
  return unit_present(unit_) && motor(unit_) && drive().slot->medium() != nullptr;
}

void FloppyController::wait_for_disk() {
  step_ = Step::Stuck;
  execution_.cancel();
  log_(Channel::Disk, "fdc: drive {} gives no index pulses; the command waits", unit_);
}

bool FloppyController::readable() const {
  const Drive& d = drive();
  return d.geometry && (command_[0] & kMfm) != 0 && (rates_of(d.geometry->density) & (1 << rate_)) != 0 &&
         head_ < d.geometry->heads;
}

void FloppyController::begin() {
  if (!disk_turns()) return wait_for_disk();
  const bool writes = from_host() && transfer_ != Transfer::Scan;
  if (writes && drive().slot->medium()->read_only()) return finish(kSt0Abnormal, kSt1NotWritable, 0);
  if (!readable()) return fail_at_index(kSt1MissingAddressMark, 0);
  switch (transfer_) {
    case Transfer::ReadId: {
      const unsigned slots = drive().geometry->sectors;
      const u64 phase = clock_.now() % rotation();
      const u64 next = phase * slots / rotation() + 1;
      return step(Step::Identified, rotation() * next / slots - phase);
    }
    case Transfer::ReadTrack:
    case Transfer::Format: return look_for_track_sector();
    default: return look_for_sector();
  }
}

/// The cylinder that the ID fields under the head carry. 40-track disks in an 80-track drive: see the header.
static unsigned cylinder_under_head(const FloppyGeometry& geometry, FloppyDriveType type, u8 track, u8 wanted) {
  const bool stretched = geometry.cylinders <= 42 && type != FloppyDriveType::Dd525;
  return stretched && track != wanted ? track / 2 : track;
}

void FloppyController::look_for_sector() {
  const Drive& d = drive();
  const FloppyGeometry& g = *d.geometry;
  const unsigned cylinder = cylinder_under_head(g, d.type, d.track, c_);
  if (head_ >= g.heads || cylinder >= g.cylinders) return fail_at_index(kSt1MissingAddressMark, 0);
  if (cylinder != c_) return fail_at_index(kSt1NoData, kSt2WrongCylinder);
  if (h_ != head_ || n_ != kSizeCode512 || r_ == 0 || r_ > g.sectors) return fail_at_index(kSt1NoData, 0);
  const u64 length = rotation() * r_ / g.sectors - rotation() * (r_ - 1u) / g.sectors;
  const bool continues = non_dma_ && buffer_.size() == transfer_size();  // the disk waits for the host
  u64 wait = continues ? 0 : until_slot(r_ - 1u, g.sectors);
  if (non_dma_ && from_host()) {
    buffer_.assign(transfer_size(), 0);
    position_ = window_ = 0;
    return step(Step::Window, wait + byte_time());
  }
  step(Step::Sector, wait + length);
}

/// READ TRACK and FORMAT: the next sector of the track, counted from the index hole, whatever its ID.
void FloppyController::look_for_track_sector() {
  if (sectors_left_ == 0) return finish_at(false);
  const FloppyGeometry& g = *drive().geometry;
  const bool format = transfer_ == Transfer::Format;
  const unsigned slots = format ? std::max<unsigned>(command_[3], 1) : g.sectors;
  if (sector_index_ >= slots) return finish_at(true);
  const unsigned cylinder = cylinder_under_head(g, drive().type, drive().track, c_);
  if (cylinder >= g.cylinders) return fail_at_index(kSt1MissingAddressMark, 0);
  const u64 length = rotation() * (sector_index_ + 1) / slots - rotation() * sector_index_ / slots;
  const u64 wait = non_dma_ && sector_index_ > 0 ? 0 : until_slot(sector_index_, slots);
  if (format && non_dma_) {
    buffer_.assign(transfer_size(), 0);
    position_ = window_ = 0;
    return step(Step::Window, wait + byte_time());
  }
  step(Step::Sector, wait + length);
}

/// The chip gives up at the second index pulse.
void FloppyController::fail_at_index(u8 st1, u8 st2) {
  st1_ |= st1;
  st2_ |= st2;
  step(Step::NotFound, until_slot(0, 1) + rotation());
}

u64 FloppyController::sector_lba() const {
  const FloppyGeometry& g = *drive().geometry;
  const unsigned cylinder = cylinder_under_head(g, drive().type, drive().track, c_);
  const unsigned sector = transfer_ == Transfer::ReadTrack ? sector_index_ + 1u : r_;
  return g.lba(cylinder, head_, sector);
}

// --- sectors ---------------------------------------------------------------------------------------------------------

void FloppyController::sector_passed() {
  if (!disk_turns() || !readable()) return begin();
  switch (transfer_) {
    case Transfer::ReadData:
    case Transfer::ReadDeleted:
    case Transfer::Verify: {
      const auto& marks = drive().deleted;
      const bool deleted = std::binary_search(marks.begin(), marks.end(), static_cast<u32>(sector_lba()));
      passing_deleted_ = deleted != (transfer_ == Transfer::ReadDeleted);
      if (passing_deleted_) st2_ |= kSt2ControlMark;
      if (passing_deleted_ && skip_) {
        passing_deleted_ = false;
        return next_sector();
      }
      if (!load_sector()) return;
      if (transfer_ == Transfer::Verify) return sector_done();
      break;
    }
    case Transfer::ReadTrack:
      if (r_ != sector_index_ + 1 || n_ != kSizeCode512 || h_ != head_) st1_ |= kSt1NoData;
      if (!load_sector()) return;
      break;
    default: buffer_.assign(transfer_size(), 0); break;
  }
  if (!non_dma_) return move_by_dma();
  position_ = window_ = 0;
  step(Step::Window, byte_time());
}

bool FloppyController::load_sector() {
  std::array<u8, kSectorSize> sector{};
  if (!drive().slot->medium()->read(sector_lba() * kSectorSize, sector)) {
    log_(Channel::Disk, "fdc: {}", drive().slot->medium()->last_error());
    finish(kSt0Abnormal, st1_ | kSt1DataError, st2_ | kSt2DataErrorInData);
    return false;
  }
  buffer_.assign(transfer_size(), 0);
  std::copy_n(sector.begin(), std::min(sector.size(), buffer_.size()), buffer_.begin());
  return true;
}

bool FloppyController::store_sector() {
  const u64 lba = sector_lba();
  if (!drive().slot->medium()->write(lba * kSectorSize, buffer_)) {
    log_(Channel::Disk, "fdc: {}", drive().slot->medium()->last_error());
    finish(kSt0Abnormal | kSt0EquipmentCheck, st1_, st2_);
    return false;
  }
  auto& marks = drive().deleted;
  const auto mark = std::lower_bound(marks.begin(), marks.end(), static_cast<u32>(lba));
  const bool marked = mark != marks.end() && *mark == lba;
  if (transfer_ == Transfer::WriteDeleted && !marked) marks.insert(mark, static_cast<u32>(lba));
  if (transfer_ != Transfer::WriteDeleted && marked) marks.erase(mark);
  return true;
}

void FloppyController::move_by_dma() {
  const bool gate = (dor_ & 0x08) != 0;
  if (gate) dma_.set_request(true);
  bool moved = gate;
  for (u8& byte : buffer_) {
    if (terminal_count_) break;  // what is left of a sector is dropped, or written as zeros
    moved = moved && dma_.ready(to_host());
    if (!moved) break;
    if (to_host()) {
      terminal_count_ = dma_.to_memory(byte);
    } else {
      u16 unit = 0;
      terminal_count_ = dma_.from_memory(unit);
      byte = static_cast<u8>(unit);
    }
  }
  if (gate) dma_.set_request(false);
  if (!moved && !terminal_count_) return finish(kSt0Abnormal, st1_ | kSt1Overrun, st2_);
  sector_done();
}

u8 FloppyController::pio_read() {
  const u8 value = buffer_[position_++];
  if (position_ < window_) return value;
  interrupt_ = false;
  update_irq();
  if (position_ == buffer_.size()) {
    position_ = window_ = 0;
    sector_done();
  } else {
    step(Step::Window, byte_time());
  }
  return value;
}

void FloppyController::pio_write(u8 value) {
  buffer_[position_++] = value;
  if (position_ < window_) return;
  interrupt_ = false;
  update_irq();
  if (position_ == buffer_.size()) {
    position_ = window_ = 0;
    if (!disk_turns() || !readable()) return begin();
    sector_done();
  } else {
    step(Step::Window, byte_time());
  }
}

/// The bytes of the sector in hand have been moved.
void FloppyController::sector_done() {
  switch (transfer_) {
    case Transfer::WriteData:
    case Transfer::WriteDeleted:
      if (!store_sector()) return;
      break;
    case Transfer::Format: return format_sector();
    case Transfer::Scan:
      if (scan_compares()) return;
      break;
    default: break;
  }
  next_sector();
}

/// Formats one sector from the four bytes C, H, R, N of the host (5.1.7).
void FloppyController::format_sector() {
  const FloppyGeometry& g = *drive().geometry;
  c_ = buffer_[0];
  h_ = buffer_[1];
  r_ = buffer_[2];
  const unsigned cylinder = cylinder_under_head(g, drive().type, drive().track, c_);
  // A raw image keeps no ID fields: only the ones that it implies can be written.
  if (c_ != cylinder || h_ != head_ || r_ == 0 || r_ > g.sectors || buffer_[3] != kSizeCode512 ||
      cylinder >= g.cylinders) {
    log_(Channel::Disk, "fdc: sector c {} h {} r {} n {} cannot be formatted in this image", c_, h_, r_, buffer_[3]);
    return finish(kSt0Abnormal, kSt1NoData, 0);
  }
  buffer_.assign(kSectorSize, command_[5]);
  if (!store_sector()) return;
  ++sector_index_;
  if (--sectors_left_ == 0 || terminal_count_) return finish(0, 0, 0);
  look_for_track_sector();
}

void FloppyController::next_sector() {
  if (terminal_count_ && transfer_ == Transfer::Scan) st2_ |= kSt2ScanNotSatisfied;
  if (terminal_count_ || passing_deleted_) return finish_at(false);
  if (transfer_ == Transfer::ReadTrack) {
    ++sector_index_;
    ++r_;
    --sectors_left_;
    if (sectors_left_ == 0) --r_;
    return look_for_track_sector();
  }
  if (count_mode_ && --sectors_left_ == 0) return finish_at(false);
  const u8 stride = transfer_ == Transfer::Scan && command_[8] == 2 ? 2 : 1;
  if (r_ == eot_ || r_ + stride > 255 || (stride == 2 && r_ + 1 == eot_)) {
    if (!multi_track_ || head_ != 0) {
      if (transfer_ == Transfer::Scan) {
        st2_ |= kSt2ScanNotSatisfied;
        return finish_at(false);
      }
      // VERIFY without a count ends at the last sector as it should (5.1.6).
      return finish_at(transfer_ != Transfer::Verify || count_mode_);
    }
    head_ = 1;
    h_ ^= 1;
    r_ = 1;
  } else {
    r_ = static_cast<u8>(r_ + stride);
  }
  if (!readable()) return fail_at_index(kSt1MissingAddressMark, 0);
  look_for_sector();
}

/// SCAN: true if the condition is met, and the command ended. A byte FFh of the host matches anything.
bool FloppyController::scan_compares() {
  const std::vector<u8> host = buffer_;
  if (!load_sector()) return true;
  bool equal = true;
  bool met = true;
  const u8 kind = command_[0] & 0x1f;
  for (std::size_t i = 0; i < host.size(); ++i) {
    if (host[i] == 0xff || host[i] == buffer_[i]) continue;
    equal = false;
    const bool lower = buffer_[i] < host[i];
    if (kind == 0x11 || lower != (kind == 0x19)) met = false;
  }
  if (!met) return false;
  if (equal) st2_ |= kSt2ScanEqual;
  finish_at(false);
  return true;
}

void FloppyController::read_id_passed() {
  if (!disk_turns() || !readable()) return begin();
  const FloppyGeometry& g = *drive().geometry;
  const unsigned track = drive().track;
  const bool stretched = g.cylinders <= 42 && drive().type != FloppyDriveType::Dd525;
  const unsigned cylinder = stretched ? track / 2 : track;
  if (cylinder >= g.cylinders) return fail_at_index(kSt1MissingAddressMark, 0);
  // This moment is the end of a slot: its sector has just passed.
  const u64 passed = (clock_.now() % rotation() * g.sectors + rotation() / 2) / rotation();
  c_ = static_cast<u8>(cylinder);
  h_ = head_;
  r_ = static_cast<u8>(passed == 0 ? g.sectors : passed);
  n_ = kSizeCode512;
  finish(0, 0, 0);
}

// --- the end ---------------------------------------------------------------------------------------------------------

/// Ends after the sector r_, with C, H, R, N moved on as in the data sheet's table of result phases. `end_of_cylinder`:
/// the last sector is done and the host wants more.
void FloppyController::finish_at(bool end_of_cylinder) {
  if (!passing_deleted_ && transfer_ != Transfer::Scan) {
    if (r_ != eot_) {
      ++r_;
    } else {
      r_ = 1;
      if (multi_track_ && head_ == 0) {
        h_ ^= 1;
      } else {
        ++c_;
        if (multi_track_) h_ ^= 1;
      }
    }
  }
  if (end_of_cylinder) return finish(kSt0Abnormal, st1_ | kSt1EndOfCylinder, st2_);
  finish(0, st1_, st2_);
}

void FloppyController::finish(u8 st0, u8 st1, u8 st2) {
  const auto status0 = static_cast<u8>(st0 | (sought_ ? kSt0SeekEnd : 0) | head_ << 2 | unit_);
  log_(Channel::Disk, "fdc: ends with {:02x} {:02x} {:02x} c {} h {} r {}", status0, st1, st2, c_, h_, r_);
  execution_.cancel();
  step_ = Step::None;
  transfer_ = Transfer::None;
  position_ = window_ = 0;
  buffer_.clear();
  // Head unload time: 16 ms units at 500 kbit/s.
  const u64 unload = (specify1_ & 0x0f) == 0 ? 16 : specify1_ & 0x0f;
  head_loaded_until_ = clock_.now() + scaled(unload * 16'000'000);
  drop_reset_reports();
  answer({status0, st1, st2, c_, h_, r_, n_});
  interrupt_ = true;
  update_irq();
}

}  // namespace orrery::hw
