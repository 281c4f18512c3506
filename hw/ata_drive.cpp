#include "hw/ata_drive.h"

#include <algorithm>

namespace orrery::hw {

using core::Channel;

AtaDrive::AtaDrive(core::Clock& clock, core::Log& log, std::string name, AtaIdentity identity)
    : clock_(clock), log_(log), name_(std::move(name)), identity_(std::move(identity)), event_(clock, "timer", [this] {
        on_event();
      }) {}

void AtaDrive::connect(AtaHost& host, unsigned position) {
  host_ = &host;
  position_ = position;
}

// --- registers -------------------------------------------------------------------------------------------------------

u8 AtaDrive::read_register(unsigned reg, bool hob) const {
  switch (reg) {
    case kAtaStatus: return status_;
    case kAtaError: return error_;
    case kAtaDevice: return current_[kAtaDevice];
    default: return hob ? previous_[reg] : current_[reg];
  }
}

void AtaDrive::write_register(unsigned reg, u8 value) {
  if ((status_ & kAtaBsy) != 0) return;
  previous_[reg] = current_[reg];
  current_[reg] = value;
}

void AtaDrive::write_command(u8 opcode) {
  const bool device_reset = opcode == 0x08 && has_device_reset();
  if ((status_ & kAtaBsy) != 0 && !device_reset) {
    log_(Channel::GuestErrors, "{}: command {:02x} while busy", name_, opcode);
    return;
  }
  if (srst_) return;
  event_.cancel();
  buffer_.clear();
  buffer_position_ = 0;
  phase_ = Phase::Idle;
  clear_intrq();
  error_ = 0;
  command_ = opcode;
  log_(Channel::Disk, "{}: command {:02x} features {:02x} count {:02x} lba {:02x} {:02x} {:02x} device {:02x}", name_,
       opcode, current_[1], current_[2], current_[3], current_[4], current_[5], current_[6]);
  execute(opcode);
}

u16 AtaDrive::read_data() {
  if (phase_ != Phase::DataIn) return 0xffff;
  u16 value = buffer_[buffer_position_++];
  if (buffer_position_ < buffer_.size()) value |= static_cast<u16>(buffer_[buffer_position_++] << 8);
  if (buffer_position_ == buffer_.size()) {
    phase_ = Phase::Idle;
    status_ &= static_cast<u8>(~kAtaDrq);
    block_done();
  }
  return value;
}

void AtaDrive::write_data(u16 value) {
  if (phase_ != Phase::DataOut) return;
  buffer_[buffer_position_++] = static_cast<u8>(value);
  if (buffer_position_ < buffer_.size()) buffer_[buffer_position_++] = static_cast<u8>(value >> 8);
  if (buffer_position_ == buffer_.size()) {
    phase_ = Phase::Idle;
    status_ &= static_cast<u8>(~kAtaDrq);
    block_done();
  }
}

void AtaDrive::raise_intrq() {
  intrq_ = true;
  if (host_ != nullptr) host_->interrupt_changed();
}

void AtaDrive::clear_intrq() {
  if (!intrq_) return;
  intrq_ = false;
  if (host_ != nullptr) host_->interrupt_changed();
}

// --- resets ----------------------------------------------------------------------------------------------------------

void AtaDrive::software_reset(bool asserted) {
  if (asserted == srst_) return;
  srst_ = asserted;
  event_.cancel();
  buffer_.clear();
  buffer_position_ = 0;
  clear_intrq();
  diagnosing_ = false;
  status_ = kAtaBsy;
  phase_ = Phase::Resetting;
  if (!asserted) event_.at(clock_.now() + kResetTime);
}

void AtaDrive::hardware_reset() {
  srst_ = true;
  software_reset(false);
  multiword_mode_ = ultra_mode_ = 0xff;
  current_ = {};
  previous_ = {};
  error_ = 0;
  command_ = 0;
  reset_state(true);
}

void AtaDrive::diagnose() {
  if (srst_) return;
  event_.cancel();
  buffer_.clear();
  buffer_position_ = 0;
  clear_intrq();
  command_ = 0x90;
  diagnosing_ = true;
  status_ = kAtaBsy;
  phase_ = Phase::Resetting;
  event_.at(clock_.now() + kResetTime);
}

void AtaDrive::leave_reset() {
  phase_ = Phase::Idle;
  if (!diagnosing_) reset_state(false);
  previous_ = {};
  error_ = 0x01;  // device passed; of device 0: device 1 passed or is not there
  set_signature();
  if (diagnosing_ && position_ == 0) raise_intrq();
  diagnosing_ = false;
}

// --- protocol steps --------------------------------------------------------------------------------------------------

void AtaDrive::busy_for(u64 ns) {
  status_ = static_cast<u8>((status_ & ~(kAtaDrq | kAtaErr)) | kAtaBsy);
  phase_ = Phase::Working;
  event_.at(clock_.now() + ns);
}

void AtaDrive::offer_block(bool interrupt) {
  status_ = kAtaDrdy | kAtaDsc | kAtaDrq;
  phase_ = Phase::DataIn;
  buffer_position_ = 0;
  if (interrupt) raise_intrq();
}

void AtaDrive::ask_block(std::size_t size, bool interrupt) {
  buffer_.assign(size, 0);
  status_ = kAtaDrdy | kAtaDsc | kAtaDrq;
  phase_ = Phase::DataOut;
  buffer_position_ = 0;
  if (interrupt) raise_intrq();
}

void AtaDrive::complete(bool interrupt, u8 status) {
  event_.cancel();
  status_ = kAtaDrdy | status;
  phase_ = Phase::Idle;
  if (interrupt) raise_intrq();
}

void AtaDrive::fail(u8 error) {
  error_ = error;
  log_(Channel::Disk, "{}: command {:02x} fails with {:02x}", name_, command_, error);
  complete(true, kAtaDsc | kAtaErr);
}

void AtaDrive::run_dma(bool to_host) {
  dma_to_host_ = to_host;
  buffer_.clear();
  buffer_position_ = 0;
  move_dma();
}

void AtaDrive::move_dma() {
  for (;;) {
    if (buffer_position_ == buffer_.size()) {
      buffer_position_ = 0;
      if (!next_chunk()) return;
    }
    if (!host_->dma_ready()) break;
    const std::span<u8> rest = std::span<u8>(buffer_).subspan(buffer_position_);
    const std::size_t moved = host_->dma_move(rest, dma_to_host_);
    buffer_position_ += static_cast<u32>(moved);
    if (moved < rest.size()) break;
  }
  // DMARQ stays asserted until the host takes the rest, or resets the drive.
  status_ = kAtaDrdy | kAtaDsc | kAtaDrq;
  phase_ = Phase::DmaWaiting;
}

void AtaDrive::dma_started() {
  if (phase_ != Phase::DmaWaiting) return;
  phase_ = Phase::DmaStarting;
  event_.at(clock_.now() + kDmaStartTime);
}

void AtaDrive::on_event() {
  switch (phase_) {
    case Phase::Working:
      phase_ = Phase::Idle;
      status_ &= static_cast<u8>(~kAtaBsy);
      work();
      break;
    case Phase::DmaStarting: move_dma(); break;
    case Phase::Resetting: leave_reset(); break;
    default: break;
  }
}

// --- IDENTIFY --------------------------------------------------------------------------------------------------------

void AtaDrive::put_word(std::span<u8, 512> words, unsigned index, u16 value) {
  core::store_le<u16>(words.data() + index * 2, value);
}

void AtaDrive::put_identity(std::span<u8, 512> words) const {
  const auto text = [&](unsigned first, unsigned count, std::string_view value) {
    for (unsigned i = 0; i < count * 2; ++i) {
      words[first * 2 + (i ^ 1)] = i < value.size() ? static_cast<u8>(value[i]) : u8{' '};
    }
  };
  text(10, 10, identity_.serial);
  text(23, 4, identity_.firmware);
  text(27, 20, identity_.model);
}

u16 AtaDrive::reset_result() const {
  if (position_ == 1) return 0x6000 | 0x0100 | 0x0800 | 0x0200;  // passed, number set by jumper
  return static_cast<u16>(0x6000 | 0x0001 | 0x0008 | 0x0002 | (alone_ ? 0x0040 : 0x0020));
}

void AtaDrive::put_integrity(std::span<u8, 512> words) {
  words[510] = 0xa5;
  u8 sum = 0;
  for (unsigned i = 0; i < 511; ++i) sum = static_cast<u8>(sum + words[i]);
  words[511] = static_cast<u8>(-sum);
}

bool AtaDrive::set_transfer_mode(u8 mode) {
  const u8 number = mode & 7;
  switch (mode >> 3) {
    case 0:  // PIO default
      return number <= 1;
    case 1:  // PIO flow control 0-4
      return number <= 4;
    case 4:  // multiword DMA 0-2
      if (number > 2) return false;
      multiword_mode_ = number;
      ultra_mode_ = 0xff;
      return true;
    case 8:  // Ultra DMA 0-5
      if (number > 5) return false;
      ultra_mode_ = number;
      multiword_mode_ = 0xff;
      return true;
    default: return false;
  }
}

u16 AtaDrive::multiword_word() const {
  return static_cast<u16>(0x0007 | (multiword_mode_ <= 2 ? 0x100 << multiword_mode_ : 0));
}

u16 AtaDrive::ultra_word() const { return static_cast<u16>(0x003f | (ultra_mode_ <= 5 ? 0x100 << ultra_mode_ : 0)); }

// --- state -----------------------------------------------------------------------------------------------------------

void AtaDrive::archive(core::Archive& ar) {
  ar.section(name_, 1, [&](u32) {
    ar("current", current_);
    ar("previous", previous_);
    ar("status", status_);
    ar("error", error_);
    ar("command", command_);
    ar("intrq", intrq_);
    ar("diagnosing", diagnosing_);
    ar("srst", srst_);
    ar("phase", phase_);
    ar("dma_to_host", dma_to_host_);
    ar("multiword_mode", multiword_mode_);
    ar("ultra_mode", ultra_mode_);
    ar("buffer", buffer_);
    ar("buffer_position", buffer_position_);
    event_.archive(ar);
    if (ar.loading()) {
      const bool data = phase_ == Phase::DataIn || phase_ == Phase::DataOut;
      if (phase_ > Phase::Resetting || buffer_.size() > kMaxBlock || buffer_position_ > buffer_.size() ||
          (data && buffer_position_ == buffer_.size())) {
        throw core::ArchiveError("the state of drive " + name_ + " in the archive is damaged");
      }
    }
    archive_state(ar);
  });
}

}  // namespace orrery::hw
