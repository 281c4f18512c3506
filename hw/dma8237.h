// The two 8237A DMA controllers of a PC/AT with their page registers.
//
// Source: Intel 8237A data sheet (order 231466). Controller 1 (ports 00h-0Fh) carries the 8-bit channels 0-3 and hangs
// on channel 4 of controller 2 (ports C0h-DFh, every second port), which carries the 16-bit channels 5-7: it counts
// words, and address bits 1 to 16 come from it. The page registers (80h-8Fh) give the bits above; those that belong to
// no channel keep what is written to them (80h takes the firmware's progress codes).
//
// A device transfers one unit at a time through channel(n). A request of software runs to its terminal count at once.
#pragma once

#include <array>

#include "hw/core/bus.h"
#include "hw/core/device.h"
#include "hw/core/dma.h"
#include "hw/core/log.h"
#include "hw/core/memory.h"

namespace orrery::hw {

class DmaPair final : public core::Device {
 public:
  DmaPair(core::PortBus& ports, core::GuestMemory& memory, core::Log& log);

  std::string_view name() const override { return "dma"; }
  void reset() override;
  void archive(core::Archive& ar) override;

  /// Channel 0-3 or 5-7 for a device. Channel 4 is the cascade: it is never ready.
  core::DmaChannel& channel(unsigned n) { return channels_.at(n); }
  /// What was last written to page register port 80h+n.
  u8 page(unsigned n) const { return pages_.at(n); }

 private:
  enum class Type : u8 { Verify = 0, Write = 1, Read = 2, Illegal = 3 };

  class Channel final : public core::DmaChannel {
   public:
    void set_request(bool level) override { drq = level; }
    bool ready(bool to_memory) const override;
    bool to_memory(u16 unit) override;
    bool from_memory(u16& unit) override;

    Type type() const { return static_cast<Type>((mode >> 2) & 3); }
    bool cascade() const { return (mode >> 6) == 3; }
    u64 address() const;
    /// One cycle is done: counts, and returns true at terminal count.
    bool step();
    void store(u16 unit);
    u16 fetch();
    void archive(core::Archive& ar);

    DmaPair* pair = nullptr;
    unsigned number = 0;
    bool drq = false;
    u8 mode = 0;
    u16 base_address = 0;
    u16 base_count = 0;
    u16 current_address = 0;
    u16 current_count = 0;
    bool hold_address = false;  // during one memory-to-memory transfer
  };

  struct Controller {
    u8 command = 0;
    u8 terminal_counts = 0;
    u8 requests = 0;  // of software
    u8 mask = 0x0f;
    u8 temporary = 0;
    bool high_byte = false;  // the first/last flip-flop

    bool enabled() const { return (command & 0x04) == 0; }
    void archive(core::Archive& ar);
  };

  u8 read(unsigned controller, unsigned reg);
  void write(unsigned controller, unsigned reg, u8 value);
  void write_base(Channel& channel, bool count, bool high, u8 value);
  void master_clear(unsigned controller);
  u8 status(unsigned controller) const;
  void run_software_requests(unsigned controller);
  void memory_to_memory();

  core::GuestMemory& memory_;
  core::Log& log_;
  std::array<Channel, 8> channels_;
  std::array<Controller, 2> controllers_;
  std::array<u8, 16> pages_{};
  std::array<core::PortBus::Mapping, 3> mappings_;
};

}  // namespace orrery::hw
