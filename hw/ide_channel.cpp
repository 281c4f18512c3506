#include "hw/ide_channel.h"

#include <algorithm>

namespace orrery::hw {
namespace {

using core::Channel;

// Device Control register.
constexpr u8 kNien = 0x02;
constexpr u8 kSrst = 0x04;
constexpr u8 kHob = 0x80;
constexpr u8 kDev = 0x10;  // in the Device register
// Bus Master IDE Command register.
constexpr u8 kStart = 0x01;
constexpr u8 kToMemory = 0x08;
// Bus Master IDE Status register.
constexpr u8 kActive = 0x01;
constexpr u8 kError = 0x02;
constexpr u8 kInterrupt = 0x04;
constexpr u8 kDriveCapable = 0x60;

/// What a cable without drives reads as: the data lines float high, DD7 is pulled low so that BSY is clear.
constexpr u8 kFloating = 0x7f;

}  // namespace

IdeChannel::IdeChannel(core::Log& log, core::LevelLine& irq, core::GuestMemory* memory, std::string name)
    : log_(log), irq_(irq), memory_(memory), name_(std::move(name)) {}

void IdeChannel::attach(unsigned device, std::unique_ptr<AtaDrive> drive) {
  drives_[device] = std::move(drive);
  if (drives_[device]) drives_[device]->connect(*this, device);
  const bool alone = !drives_[0] || !drives_[1];
  for (auto& d : drives_) {
    if (d) d->set_alone(alone);
  }
  if (drives_[device]) drives_[device]->hardware_reset();
}

bool IdeChannel::active() const {
  return std::any_of(drives_.begin(), drives_.end(), [](const auto& d) { return d && d->active(); });
}

AtaDrive* IdeChannel::responding() const {
  if (drives_[selected_]) return drives_[selected_].get();
  return selected_ == 1 ? drives_[0].get() : nullptr;  // device 0 answers for an absent device 1 (9.16.1 of ATA-5)
}

// --- command and control blocks --------------------------------------------------------------------------------------

u32 IdeChannel::read_data(unsigned width) {
  AtaDrive* drive = selected();
  if (drive == nullptr) return 0xffffff00u | kFloating;
  u32 value = drive->read_data();
  if (width == 4) value |= u32{drive->read_data()} << 16;
  return value;
}

void IdeChannel::write_data(unsigned width, u32 value) {
  AtaDrive* drive = selected();
  if (drive == nullptr) return;
  drive->write_data(static_cast<u16>(value));
  if (width == 4) drive->write_data(static_cast<u16>(value >> 16));
}

u8 IdeChannel::read(unsigned reg) {
  const AtaDrive* drive = responding();
  if (drive == nullptr) return kFloating;
  if (selected() == nullptr && drive->packet_device()) return 0x00;
  if (reg != kAtaStatus) return drive->read_register(reg, (control_ & kHob) != 0);
  const u8 status = alternate_status();
  if (AtaDrive* own = selected()) own->clear_intrq();
  return status;
}

u8 IdeChannel::alternate_status() const {
  if (const AtaDrive* drive = selected()) return drive->read_register(kAtaStatus, false);
  return responding() != nullptr ? 0x00 : kFloating;
}

void IdeChannel::write(unsigned reg, u8 value) {
  control_ &= static_cast<u8>(~kHob);
  if (reg == kAtaStatus) {
    if (value == 0x90) {  // EXECUTE DEVICE DIAGNOSTIC is heard by both
      selected_ = 0;
      for (auto& drive : drives_) {
        if (drive) drive->diagnose();
      }
    } else if (AtaDrive* drive = selected()) {
      drive->write_command(value);
    }
    return;
  }
  for (auto& drive : drives_) {
    if (drive) drive->write_register(reg, value);
  }
  if (reg == kAtaDevice) {
    selected_ = (value & kDev) != 0 ? 1 : 0;
    update_irq(true);
  }
}

void IdeChannel::write_control(u8 value) {
  control_ = value;
  for (auto& drive : drives_) {
    if (drive) drive->software_reset((value & kSrst) != 0);
  }
  if ((value & kSrst) != 0) selected_ = 0;
  update_irq(true);
}

void IdeChannel::interrupt_changed() { update_irq(true); }

/// `latch`: a rising edge sets the bus master's interrupt bit.
void IdeChannel::update_irq(bool latch) {
  const AtaDrive* drive = selected();
  const bool level = drive != nullptr && drive->intrq() && (control_ & kNien) == 0;
  if (level && !irq_.level() && latch) bm_status_ |= kInterrupt;
  irq_.set(level);
}

// --- bus master ------------------------------------------------------------------------------------------------------

u8 IdeChannel::read_bus_master(unsigned offset) const {
  switch (offset) {
    case 0: return bm_command_;
    case 2: return static_cast<u8>(bm_status_ | (engine_ ? kActive : 0));
    case 4:
    case 5:
    case 6:
    case 7: return static_cast<u8>(bm_table_ >> ((offset - 4) * 8));
    default: return 0;
  }
}

void IdeChannel::write_bus_master(unsigned offset, u8 value) {
  switch (offset) {
    case 0: {
      const bool was = (bm_command_ & kStart) != 0;
      bm_command_ = value & (kStart | kToMemory);
      if ((value & kStart) == 0) {
        engine_ = false;
      } else if (!was) {
        start_engine();
      }
      break;
    }
    case 2:
      bm_status_ =
          static_cast<u8>((bm_status_ & ~kDriveCapable & ~(value & (kError | kInterrupt))) | (value & kDriveCapable));
      break;
    case 4:
    case 5:
    case 6:
    case 7: {
      const unsigned shift = (offset - 4) * 8;
      bm_table_ = ((bm_table_ & ~(0xffu << shift)) | u32{value} << shift) & ~3u;
      break;
    }
    default: break;
  }
}

void IdeChannel::start_engine() {
  engine_ = true;
  next_entry_ = bm_table_;
  region_left_ = 0;
  last_region_ = false;
  for (auto& drive : drives_) {
    if (drive) drive->dma_started();
  }
}

void IdeChannel::set_master_enabled(bool on) {
  if (master_enabled_ == on) return;
  master_enabled_ = on;
  if (!dma_ready()) return;
  for (auto& drive : drives_) {
    if (drive) drive->dma_started();
  }
}

bool IdeChannel::dma_ready() const { return engine_ && master_enabled_ && memory_ != nullptr; }

/// Whether anything answers there; if not, the cycle ends in a master abort.
bool IdeChannel::present(u64 address) const {
  const core::GuestMemory::Page& page = memory_->page(address);
  return page.read != nullptr || page.write != nullptr || memory_->mmio().mapped(address);
}

bool IdeChannel::next_descriptor() {
  if (last_region_) {
    engine_ = false;
    return false;
  }
  if (!present(next_entry_)) {
    log_(Channel::GuestErrors, "{}: the descriptor table at {:08x} is not in memory", name_, next_entry_);
    bm_status_ |= kError;
    engine_ = false;
    return false;
  }
  std::array<u8, 8> entry;
  memory_->read_block(next_entry_, entry);
  next_entry_ += 8;
  region_ = core::load_le<u32>(&entry[0]) & ~1u;
  const u32 control = core::load_le<u32>(&entry[4]);
  region_left_ = control & 0xfffe;
  if (region_left_ == 0) region_left_ = 0x10000;
  last_region_ = (control & 0x80000000) != 0;
  return true;
}

std::size_t IdeChannel::dma_move(std::span<u8> data, bool to_memory) {
  if (((bm_command_ & kToMemory) != 0) != to_memory) {
    log_.once(Channel::GuestErrors, "{}: the bus master is set to the other direction than the command", name_);
  }
  std::size_t moved = 0;
  while (moved < data.size()) {
    if (region_left_ == 0 && !next_descriptor()) break;
    const u64 page_left = core::kPageSize - (region_ & core::kPageMask);
    const std::size_t part =
        std::min({data.size() - moved, std::size_t{region_left_}, static_cast<std::size_t>(page_left)});
    if (!present(region_)) {
      log_(Channel::GuestErrors, "{}: a descriptor leads to {:08x}, where no memory is", name_, region_);
      bm_status_ |= kError;
      engine_ = false;
      break;
    }
    if (to_memory) {
      memory_->write_block(region_, data.subspan(moved, part));
    } else {
      memory_->read_block(region_, data.subspan(moved, part));
    }
    moved += part;
    region_ += static_cast<u32>(part);
    region_left_ -= static_cast<u32>(part);
    if (region_left_ == 0 && last_region_) engine_ = false;
  }
  return moved;
}

// --- state -----------------------------------------------------------------------------------------------------------

void IdeChannel::reset() {
  selected_ = 0;
  control_ = 0;
  bm_command_ = bm_status_ = 0;
  bm_table_ = 0;
  engine_ = false;
  next_entry_ = region_ = region_left_ = 0;
  last_region_ = false;
  for (auto& drive : drives_) {
    if (drive) drive->hardware_reset();
  }
  update_irq(false);
}

void IdeChannel::archive(core::Archive& ar) {
  ar.section(name_, 1, [&](u32) {
    ar("selected", selected_);
    ar("control", control_);
    ar("bm_command", bm_command_);
    ar("bm_status", bm_status_);
    ar("bm_table", bm_table_);
    ar("master_enabled", master_enabled_);
    ar("engine", engine_);
    ar("next_entry", next_entry_);
    ar("region", region_);
    ar("region_left", region_left_);
    ar("last_region", last_region_);
    for (auto& drive : drives_) {
      if (drive) drive->archive(ar);
    }
    if (!ar.loading()) return;
    if (selected_ > 1) throw core::ArchiveError("the state of " + name_ + " in the archive is damaged");
    const AtaDrive* drive = selected();
    irq_.restore(drive != nullptr && drive->intrq() && (control_ & kNien) == 0);
  });
}

}  // namespace orrery::hw
