#include "hw/vmport.h"

#include <algorithm>
#include <array>
#include <vector>

namespace orrery::hw {
namespace {

constexpr u64 kPort = 0x5658;
constexpr u32 kMagic = 0x564d5868;
constexpr u32 kProtocolVersion = 6;
constexpr u32 kProduct = 2;

enum Command : u16 { kGetVersion = 10, kPointerData = 39, kPointerStatus = 40, kPointerCommand = 41 };

// Pointer commands
constexpr u32 kEnable = 0x45414552, kDisable = 0x000000f5, kRequestRelative = 0x4c455252, kRequestAbsolute = 0x53424152;
constexpr u32 kPointerId = 0x3442554a;

constexpr u32 kLeft = 0x20, kRight = 0x10, kMiddle = 0x08;

constexpr std::size_t kPacketWords = 4;
constexpr std::size_t kMostWords = 256 * kPacketWords;

}  // namespace

VmPort::VmPort(core::PortBus& ports, core::Log& log, GetRegisters get, SetRegisters set, std::function<void()> notify)
    : log_(log), get_(std::move(get)), set_(std::move(set)), notify_(std::move(notify)) {
  mapping_ = ports.map({.name = "vmport",
                        .base = kPort,
                        .size = 4,
                        .widths = {.min = 4, .max = 4},
                        .movable = false,
                        .read = [this](u64, unsigned) -> u64 { return answer(); },
                        .write = {}});
}

void VmPort::reset() {
  enabled_ = absolute_ = error_ = false;
  x_ = y_ = 0;
  buttons_ = 0;
  queue_.clear();
}

void VmPort::archive(core::Archive& ar) {
  ar.section(name(), 1, [&](u32) {
    ar("enabled", enabled_);
    ar("absolute", absolute_);
    ar("error", error_);
    ar("x", x_);
    ar("y", y_);
    ar("buttons", buttons_);
    std::vector<u32> words(queue_.begin(), queue_.end());
    ar("queue", words);
    if (ar.loading())
      queue_.assign(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(std::min(words.size(), kMostWords)));
  });
}

u32 VmPort::answer() {
  Registers regs = get_();
  if (regs.eax != kMagic) return 0xffffffff;
  const u16 command_number = static_cast<u16>(regs.ecx);
  switch (command_number) {
    case kGetVersion:
      regs.ebx = kMagic;
      regs.ecx = kProduct;
      set_(regs);
      return kProtocolVersion;
    case kPointerStatus: return status();
    case kPointerCommand: command(regs.ebx); return status();
    case kPointerData: {
      const u32 words = regs.ebx;
      if (words == 0 || words > 6 || words > queue_.size()) {
        log_.once(core::Channel::GuestErrors, "vmport: {} words asked for, {} are there", words, queue_.size());
        error_ = true;
        queue_.clear();
        return 0xffffffff;
      }
      std::array<u32*, 6> targets{&regs.eax, &regs.ebx, &regs.ecx, &regs.edx, &regs.esi, &regs.edi};
      for (u32 i = 0; i < words; ++i) {
        *targets[i] = queue_.front();
        queue_.pop_front();
      }
      set_(regs);
      return regs.eax;
    }
    default: log_.once(core::Channel::Unimp, "vmport: command {}", command_number); return 0xffffffff;
  }
}

/// The error or "not enabled" code in the high half, the number of words that wait in the low one.
u32 VmPort::status() const {
  const u32 code = error_ || !enabled_ ? 0xffff : 0;
  return code << 16 | static_cast<u32>(queue_.size());
}

void VmPort::command(u32 what) {
  switch (what) {
    case kEnable:
      enabled_ = true;
      error_ = false;
      absolute_ = false;
      queue_.assign(1, kPointerId);  // the driver reads it to know whom it talks to
      break;
    case kDisable:
      enabled_ = absolute_ = false;
      queue_.clear();
      break;
    case kRequestRelative: absolute_ = false; break;
    case kRequestAbsolute: absolute_ = enabled_; break;
    default: log_.once(core::Channel::Unimp, "vmport: pointer command {:08x}", what); break;
  }
}

void VmPort::queue_packet(i32 wheel) {
  if (!absolute() || queue_.size() + kPacketWords > kMostWords) return;
  const u32 buttons = (core::bit(buttons_, 0) ? kLeft : 0) | (core::bit(buttons_, 1) ? kRight : 0) |
                      (core::bit(buttons_, 2) ? kMiddle : 0);
  queue_.insert(queue_.end(), {buttons, x_, y_, static_cast<u32>(wheel)});
  if (notify_) notify_();
}

void VmPort::move_to(u16 x, u16 y) {
  if (!absolute()) return;
  x_ = x;
  y_ = y;
  queue_packet(0);
}

void VmPort::set_buttons(u8 down) {
  if (buttons_ == (down & 7)) return;
  buttons_ = down & 7;
  queue_packet(0);
}

void VmPort::wheel(i32 notches) {
  // The driver reads a signed byte; towards the user is positive.
  if (notches != 0) queue_packet(-std::clamp(notches, -127, 127));
}

}  // namespace orrery::hw
