// Registers, resets, interrupts and the commands that move no sectors. The transfers are in floppy_transfer.cpp.
#include "hw/floppy.h"

#include <algorithm>
#include <utility>

namespace orrery::hw {
namespace {

using core::Channel;

// Digital output register (2.1.2 of the data sheet).
constexpr u8 kDorNotReset = 0x04;
constexpr u8 kDorDmaGate = 0x08;
// Main status register (2.1.5).
constexpr u8 kMsrRequest = 0x80;
constexpr u8 kMsrToHost = 0x40;
constexpr u8 kMsrNonDma = 0x20;
constexpr u8 kMsrBusy = 0x10;
// Status register 0 (section 6).
constexpr u8 kSt0SeekEnd = 0x20;
constexpr u8 kSt0EquipmentCheck = 0x10;
constexpr u8 kSt0Abnormal = 0x40;
constexpr u8 kSt0Invalid = 0x80;
constexpr u8 kSt0ReadyChanged = 0xc0;

constexpr u64 kResetTime = 20'000;       // ns from the end of a reset to its interrupt
constexpr u64 kShortestSeek = 20'000;    // ns: a seek to where the head is
constexpr u8 kMaxRecalibrateSteps = 79;  // 5.2.2
constexpr u8 kLastTrack = 84;            // the head's stop

}  // namespace

FloppyController::FloppyController(core::PortBus& ports, core::Clock& clock, core::Log& log, core::LevelLine& irq,
                                   core::DmaChannel& dma, const FloppyConfig& config)
    : clock_(clock),
      log_(log),
      irq_(irq),
      dma_(dma),
      config_(config),
      execution_(clock, "execution", [this] { execution_event(); }),
      seek_event_(clock, "seek", [this] { seek_event(); }),
      reset_event_(clock, "leave_reset", [this] { leave_reset(); }) {
  if (config_.speedup == 0) config_.speedup = 1;
  for (unsigned unit = 0; unit < 2; ++unit) {
    Drive& d = drives_[unit];
    d.slot = config.drives[unit].slot;
    d.type = d.slot != nullptr ? config.drives[unit].type : FloppyDriveType::None;
    if (d.slot == nullptr) continue;
    d.slot->on_change([this, unit] { medium_changed(unit); });
    medium_changed(unit);
  }
  const auto range = [this](u64 base, u64 size, u64 first) {
    return core::IoRange{.name = "fdc",
                         .base = base,
                         .size = size,
                         .widths = {},
                         .movable = false,
                         .read = [this, first](u64 offset, unsigned) -> u64 { return read_port(first + offset); },
                         .write = [this, first](u64 offset, unsigned,
                                                u64 value) { write_port(first + offset, static_cast<u8>(value)); }};
  };
  low_ports_ = ports.map(range(0x3f0, 6, 0));
  high_port_ = ports.map(range(0x3f7, 1, 7));
  reset();
}

void FloppyController::reset() {
  specify1_ = specify2_ = 0;
  locked_ = false;
  perpendicular_ = 0;
  last_eot_ = 0;
  dor_ = tdr_ = 0;
  dsr_ = 0x02;
  rate_ = 2;
  software_reset();
  held_in_reset_ = true;
}

u8 FloppyController::cmos_drive_types() const {
  return static_cast<u8>(static_cast<u8>(drives_[0].type) << 4 | static_cast<u8>(drives_[1].type));
}

// --- registers -------------------------------------------------------------------------------------------------------

u8 FloppyController::read_port(u64 offset) {
  switch (offset) {
    case 0: return status_a();
    case 1: return status_b();
    case 2: return dor_;
    case 3: return tdr_;
    case 4: return main_status();
    case 5: return read_fifo();
    default: {  // 7: digital input register, disk change of the selected drive
      const unsigned unit = dor_ & 3;
      const bool changed = unit_present(unit) && (drives_[unit].changed || drives_[unit].slot->medium() == nullptr);
      return changed ? 0x80 : 0x00;
    }
  }
}

void FloppyController::write_port(u64 offset, u8 value) {
  switch (offset) {
    case 2: write_dor(value); break;
    case 3: tdr_ = value & 3; break;
    case 4:  // data rate select register
      dsr_ = value & 0x7c;
      rate_ = value & 3;
      if ((value & 0x80) != 0) {
        software_reset();
        if (!held_in_reset_) reset_event_.at(clock_.now() + kResetTime);
      }
      break;
    case 5: write_fifo(value); break;
    case 7:  // configuration control register
      rate_ = value & 3;
      break;
    default: log_.once(Channel::GuestErrors, "fdc: write of {:02x} to read-only port {:x}", value, 0x3f0 + offset);
  }
}

u8 FloppyController::status_a() const {
  const unsigned unit = dor_ & 3;
  const bool present = unit_present(unit);
  const bool track0 = present && drives_[unit].track == 0;
  const BlockDevice* medium = present ? drives_[unit].slot->medium() : nullptr;
  const bool protect = medium != nullptr && medium->read_only();
  return static_cast<u8>((interrupt_ ? 0x80 : 0) | (unit_present(1) ? 0 : 0x40) | (track0 ? 0 : 0x10) | (head_ << 3) |
                         0x04 | (protect ? 0 : 0x02));
}

u8 FloppyController::status_b() const { return static_cast<u8>(0xc0 | ((dor_ & 1) << 5) | ((dor_ >> 4) & 3)); }

u8 FloppyController::main_status() const {
  if (held_in_reset_ || reset_event_.pending()) return 0;
  u8 status = 0;
  for (unsigned unit = 0; unit < 4; ++unit) status |= seeks_[unit].active ? static_cast<u8>(1 << unit) : 0;
  switch (phase_) {
    case Phase::Command:
      status |= kMsrRequest;
      if (command_count_ > 0) status |= kMsrBusy;
      break;
    case Phase::Execution:
      status |= kMsrBusy;
      if (non_dma_ && transfer_ != Transfer::Verify && transfer_ != Transfer::ReadId) {
        status |= kMsrNonDma;
        if (position_ < window_) status |= to_host() ? kMsrRequest | kMsrToHost : kMsrRequest;
      }
      break;
    case Phase::Result: status |= kMsrRequest | kMsrToHost | kMsrBusy; break;
  }
  return status;
}

u8 FloppyController::read_fifo() {
  if (phase_ == Phase::Execution && position_ < window_ && to_host()) return pio_read();
  if (phase_ != Phase::Result) return 0xff;
  if (result_position_ == 0 && interrupt_) {
    interrupt_ = seek_reports();
    update_irq();
  }
  const u8 value = result_[result_position_++];
  if (result_position_ == result_count_) idle();
  return value;
}

void FloppyController::write_fifo(u8 value) {
  if ((main_status() & (kMsrRequest | kMsrToHost)) != kMsrRequest) {
    log_.once(Channel::GuestErrors, "fdc: write to the FIFO while the chip does not ask for it");
    return;
  }
  if (phase_ == Phase::Execution) {
    pio_write(value);
    return;
  }
  command_[command_count_++] = value;
  if (command_count_ < command_length(command_[0])) return;
  phase_ = Phase::Execution;
  execute();
}

void FloppyController::write_dor(u8 value) {
  const u8 before = std::exchange(dor_, value);
  if ((value & kDorNotReset) == 0) {
    if (!held_in_reset_) software_reset();
    held_in_reset_ = true;
  } else if (held_in_reset_) {
    held_in_reset_ = false;
    reset_event_.at(clock_.now() + kResetTime);
  }
  if ((value & 0xf0 & ~before) != 0) wake();
  update_irq();
}

void FloppyController::software_reset() {
  execution_.cancel();
  seek_event_.cancel();
  reset_event_.cancel();
  for (Seek& seek : seeks_) seek = Seek{};
  sense_ = {};
  interrupt_ = false;
  transfer_ = Transfer::None;
  step_ = Step::None;
  position_ = window_ = 0;
  buffer_.clear();
  head_loaded_until_ = 0;
  perpendicular_ &= 0x3c;
  // CONFIGURE's values go back to their defaults; LOCK protects those of the FIFO and the precompensation only.
  implied_seek_ = false;
  poll_off_ = false;
  if (!locked_) {
    fifo_off_ = true;
    fifo_threshold_ = 0;
    precompensation_track_ = 0;
  }
  idle();
  dma_.set_request(false);
  update_irq();
}

void FloppyController::leave_reset() {
  // Each of the four units reports itself once (5.2.4).
  for (unsigned unit = 0; unit < 4; ++unit) {
    sense_[unit] = true;
    sense_st0_[unit] = static_cast<u8>(kSt0ReadyChanged | unit);
  }
  interrupt_ = true;
  update_irq();
}

void FloppyController::update_irq() { irq_.set(interrupt_ && (dor_ & kDorDmaGate) != 0 && !held_in_reset_); }

/// What is left of the four reports after a reset is of no interest once a command has ended.
void FloppyController::drop_reset_reports() {
  for (unsigned unit = 0; unit < 4; ++unit) {
    if (sense_st0_[unit] >= kSt0ReadyChanged) sense_[unit] = false;
  }
}

/// Some seek has ended and SENSE INTERRUPT STATUS has not been asked about it.
bool FloppyController::seek_reports() const {
  for (unsigned unit = 0; unit < 4; ++unit) {
    if (sense_[unit] && sense_st0_[unit] < kSt0ReadyChanged) return true;
  }
  return false;
}

void FloppyController::medium_changed(unsigned unit) {
  Drive& d = drives_[unit];
  d.changed = true;
  d.deleted.clear();
  BlockDevice* medium = d.slot->medium();
  d.geometry = medium != nullptr ? floppy_geometry_of_size(medium->size()) : std::nullopt;
  if (medium != nullptr && !d.geometry) {
    log_(Channel::Disk, "fdc: '{}' has {} bytes, which is no floppy format", medium->name(), medium->size());
  }
  wake();
}

void FloppyController::wake() {
  if (phase_ == Phase::Execution && step_ == Step::Stuck && disk_turns()) step(Step::Begin, rotation());
}

// --- commands --------------------------------------------------------------------------------------------------------

unsigned FloppyController::command_length(u8 opcode) {
  const u8 flags = opcode & 0xe0;
  switch (opcode & 0x1f) {
    case 0x02:  // READ TRACK
    case 0x05:  // WRITE DATA
    case 0x06:  // READ DATA
    case 0x09:  // WRITE DELETED DATA
    case 0x0c:  // READ DELETED DATA
    case 0x11:  // SCAN EQUAL
    case 0x16:  // VERIFY
    case 0x19:  // SCAN LOW OR EQUAL
    case 0x1d:  // SCAN HIGH OR EQUAL
      return 9;
    case 0x0a:  // READ ID
      return 2;
    case 0x0d:  // FORMAT TRACK
      return 6;
    case 0x0f:  // SEEK, RELATIVE SEEK
      return (flags & 0x20) == 0 ? 3 : 1;
    case 0x03:  // SPECIFY
      return flags == 0 ? 3 : 1;
    case 0x04:  // SENSE DRIVE STATUS
    case 0x07:  // RECALIBRATE
    case 0x12:  // PERPENDICULAR MODE
      return flags == 0 ? 2 : 1;
    case 0x13:  // CONFIGURE
      return flags == 0 ? 4 : 1;
    default: return 1;
  }
}

void FloppyController::execute() {
  const u8 opcode = command_[0];
  const bool plain = (opcode & 0xe0) == 0;
  switch (opcode & 0x1f) {
    case 0x02: return start_transfer(Transfer::ReadTrack);
    case 0x05: return start_transfer(Transfer::WriteData);
    case 0x06: return start_transfer(Transfer::ReadData);
    case 0x09: return start_transfer(Transfer::WriteDeleted);
    case 0x0a: return start_transfer(Transfer::ReadId);
    case 0x0c: return start_transfer(Transfer::ReadDeleted);
    case 0x0d: return start_transfer(Transfer::Format);
    case 0x11:
    case 0x19:
    case 0x1d: return start_transfer(Transfer::Scan);
    case 0x16: return start_transfer(Transfer::Verify);
    case 0x03:
      if (plain) return specify();
      break;
    case 0x04:
      if (plain) return sense_drive_status();
      break;
    case 0x07:
      if (plain) return start_seek(command_[1] & 3, 0, true);
      break;
    case 0x08:
      if (plain) return sense_interrupt();
      break;
    case 0x0e:
      if (plain) return dump_registers();
      break;
    case 0x0f:
      if ((opcode & 0xa0) == 0x80) return relative_seek();
      if ((opcode & 0xa0) == 0x00) return start_seek(command_[1] & 3, command_[2], false);
      break;
    case 0x10:
      if (plain) return answer({0x90});
      break;
    case 0x12:
      if (plain) return perpendicular();
      break;
    case 0x13:
      if (plain) return configure();
      break;
    case 0x14:
      if ((opcode & 0x60) == 0) return lock((opcode & 0x80) != 0);
      break;
    default: break;
  }
  // Also PART ID (18h): the 82077AA does not know it, and drivers tell it from its successors by that.
  log_.once(Channel::Disk, "fdc: invalid command {:02x}", opcode);
  answer({kSt0Invalid});
}

void FloppyController::answer(std::initializer_list<u8> bytes) {
  std::copy(bytes.begin(), bytes.end(), result_.begin());
  result_count_ = static_cast<u8>(bytes.size());
  result_position_ = 0;
  phase_ = Phase::Result;
}

void FloppyController::idle() {
  phase_ = Phase::Command;
  command_count_ = 0;
  result_count_ = result_position_ = 0;
}

void FloppyController::specify() {
  specify1_ = command_[1];
  specify2_ = command_[2];
  idle();
}

void FloppyController::sense_drive_status() {
  unit_ = command_[1] & 3;
  head_ = (command_[1] >> 2) & 1;
  u8 st3 = static_cast<u8>(0x28 | head_ << 2 | unit_);  // bits 5 and 3 are always 1
  if (unit_present(unit_)) {
    const BlockDevice* medium = drive().slot->medium();
    if (medium != nullptr && medium->read_only()) st3 |= 0x40;
    if (drive().track == 0) st3 |= 0x10;
  }
  answer({st3});
}

void FloppyController::sense_interrupt() {
  const auto pending = std::find(sense_.begin(), sense_.end(), true);
  if (pending == sense_.end()) return answer({kSt0Invalid});
  const auto unit = static_cast<std::size_t>(pending - sense_.begin());
  sense_[unit] = false;
  interrupt_ = seek_reports();
  update_irq();
  answer({sense_st0_[unit], pcn_[unit]});
}

void FloppyController::start_seek(unsigned unit, u8 target, bool recalibrate) {
  Seek& seek = seeks_[unit];
  seek.active = true;
  seek.recalibrate = recalibrate;
  seek.target = target;
  seek.inwards = !recalibrate && target > pcn_[unit];
  if (recalibrate) {
    const u8 away = unit_present(unit) ? drives_[unit].track : u8{0xff};
    seek.steps = std::min(away, kMaxRecalibrateSteps);
  } else {
    seek.steps = static_cast<u8>(seek.inwards ? target - pcn_[unit] : pcn_[unit] - target);
  }
  seek.done = clock_.now() + kShortestSeek + seek.steps * step_time();
  log_(Channel::Disk, "fdc: {} drive {} to {}", recalibrate ? "recalibrate" : "seek", unit, target);
  idle();
  schedule_seeks();
}

void FloppyController::relative_seek() {
  const unsigned unit = command_[1] & 3;
  Seek& seek = seeks_[unit];
  seek.active = true;
  seek.recalibrate = false;
  seek.inwards = (command_[0] & 0x40) != 0;
  seek.steps = command_[2];
  seek.target = static_cast<u8>(seek.inwards ? pcn_[unit] + seek.steps : pcn_[unit] - seek.steps);
  seek.done = clock_.now() + kShortestSeek + seek.steps * step_time();
  idle();
  schedule_seeks();
}

void FloppyController::schedule_seeks() {
  u64 first = ~u64{0};
  for (const Seek& seek : seeks_) {
    if (seek.active) first = std::min(first, seek.done);
  }
  if (first == ~u64{0}) {
    seek_event_.cancel();
  } else {
    seek_event_.at(first);
  }
}

void FloppyController::seek_event() {
  const u64 now = clock_.now();
  for (unsigned unit = 0; unit < 4; ++unit) {
    if (seeks_[unit].active && seeks_[unit].done <= now) finish_seek(unit);
  }
  schedule_seeks();
}

void FloppyController::finish_seek(unsigned unit) {
  Seek& seek = seeks_[unit];
  seek.active = false;
  u8 st0 = static_cast<u8>(kSt0SeekEnd | unit);
  pcn_[unit] = seek.target;
  bool at_track0 = false;
  if (unit_present(unit)) {
    Drive& d = drives_[unit];
    const int moved = seek.inwards ? d.track + seek.steps : d.track - seek.steps;
    d.track = static_cast<u8>(std::clamp(moved, 0, int{kLastTrack}));
    if (seek.steps > 0 && d.slot->medium() != nullptr) d.changed = false;
    at_track0 = d.track == 0;
  }
  if (seek.recalibrate && !at_track0) st0 |= kSt0Abnormal | kSt0EquipmentCheck;
  drop_reset_reports();
  sense_[unit] = true;
  sense_st0_[unit] = st0;
  interrupt_ = true;
  update_irq();
}

void FloppyController::configure() {
  implied_seek_ = core::bit(command_[2], 6);
  fifo_off_ = core::bit(command_[2], 5);
  poll_off_ = core::bit(command_[2], 4);
  fifo_threshold_ = command_[2] & 0x0f;
  precompensation_track_ = command_[3];
  idle();
}

void FloppyController::perpendicular() {
  const u8 drives = (command_[1] & 0x80) != 0 ? command_[1] & 0x3c : perpendicular_ & 0x3c;
  perpendicular_ = static_cast<u8>(drives | (command_[1] & 3));
  idle();
}

void FloppyController::dump_registers() {
  answer(
      {pcn_[0], pcn_[1], pcn_[2], pcn_[3], specify1_, specify2_, last_eot_,
       static_cast<u8>((locked_ ? 0x80 : 0) | perpendicular_),
       static_cast<u8>((implied_seek_ ? 0x40 : 0) | (fifo_off_ ? 0x20 : 0) | (poll_off_ ? 0x10 : 0) | fifo_threshold_),
       precompensation_track_});
}

void FloppyController::lock(bool on) {
  locked_ = on;
  answer({static_cast<u8>(on ? 0x10 : 0x00)});
}

// --- state -----------------------------------------------------------------------------------------------------------

void FloppyController::Drive::archive(core::Archive& ar) {
  ar("track", track);
  ar("changed", changed);
  ar("deleted", deleted);
  if (slot == nullptr) return;
  slot->archive(ar);
  if (ar.loading()) {
    BlockDevice* medium = slot->medium();
    geometry = medium != nullptr ? floppy_geometry_of_size(medium->size()) : std::nullopt;
  }
}

void FloppyController::Seek::archive(core::Archive& ar) {
  ar("active", active);
  ar("recalibrate", recalibrate);
  ar("target", target);
  ar("steps", steps);
  ar("inwards", inwards);
  ar("done", done);
}

void FloppyController::archive(core::Archive& ar) {
  ar.section(name(), 1, [&](u32) {
    ar("drives", drives_);
    ar("seeks", seeks_);
    ar("pcn", pcn_);
    ar("dor", dor_);
    ar("tdr", tdr_);
    ar("dsr", dsr_);
    ar("rate", rate_);
    ar("interrupt", interrupt_);
    ar("sense", sense_);
    ar("sense_st0", sense_st0_);
    ar("held_in_reset", held_in_reset_);
    ar("specify1", specify1_);
    ar("specify2", specify2_);
    ar("implied_seek", implied_seek_);
    ar("fifo_off", fifo_off_);
    ar("poll_off", poll_off_);
    ar("fifo_threshold", fifo_threshold_);
    ar("precompensation_track", precompensation_track_);
    ar("perpendicular", perpendicular_);
    ar("locked", locked_);
    ar("last_eot", last_eot_);
    ar("phase", phase_);
    ar("command", command_);
    ar("command_count", command_count_);
    ar("result", result_);
    ar("result_count", result_count_);
    ar("result_position", result_position_);
    ar("transfer", transfer_);
    ar("step", step_);
    ar("non_dma", non_dma_);
    ar("unit", unit_);
    ar("head", head_);
    ar("c", c_);
    ar("h", h_);
    ar("r", r_);
    ar("n", n_);
    ar("eot", eot_);
    ar("multi_track", multi_track_);
    ar("skip", skip_);
    ar("sought", sought_);
    ar("st1", st1_);
    ar("st2", st2_);
    ar("sectors_left", sectors_left_);
    ar("sector_index", sector_index_);
    ar("passing_deleted", passing_deleted_);
    ar("count_mode", count_mode_);
    ar("terminal_count", terminal_count_);
    ar("head_loaded_until", head_loaded_until_);
    ar("buffer", buffer_);
    ar("position", position_);
    ar("window", window_);
    execution_.archive(ar);
    seek_event_.archive(ar);
    reset_event_.archive(ar);
    if (!ar.loading()) return;
    // A damaged archive must not lead outside the arrays.
    const bool moving = step_ == Step::Window;
    if (phase_ > Phase::Result || step_ > Step::Stuck || transfer_ > Transfer::ReadId ||
        (phase_ == Phase::Command && command_count_ > 8) || result_count_ > result_.size() ||
        (phase_ == Phase::Result && result_position_ >= result_count_) || unit_ > 3 || head_ > 1 || rate_ > 3 ||
        buffer_.size() > 16384 || (moving && buffer_.size() != transfer_size()) || position_ > window_ ||
        window_ > (moving ? buffer_.size() : 0) || drives_[0].track > kLastTrack || drives_[1].track > kLastTrack) {
      throw core::ArchiveError("the state of the floppy controller in the archive is damaged");
    }
    irq_.restore(interrupt_ && (dor_ & kDorDmaGate) != 0 && !held_in_reset_);
  });
}

}  // namespace orrery::hw
