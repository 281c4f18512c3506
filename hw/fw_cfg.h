// fw_cfg: how the machine hands its firmware a description of itself, and files.
//
// The interface is QEMU's (docs/specs/fw_cfg): a 16-bit selector at 510h, data byte by byte at 511h, and a DMA
// interface at 514h-51Bh whose big-endian commands lie in guest memory. Items are selected by number; files get numbers
// from 20h on in the order of their names and are listed in the directory (19h). Reading past an item's end gives
// zeros.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "hw/core/bus.h"
#include "hw/core/device.h"
#include "hw/core/log.h"
#include "hw/core/memory.h"

namespace orrery::hw {

/// Numbers of the traditional items that SeaBIOS, option ROMs and boot loaders know.
namespace fw_cfg_key {
inline constexpr u16 kSignature = 0x00;
inline constexpr u16 kId = 0x01;
inline constexpr u16 kUuid = 0x02;
inline constexpr u16 kRamSize = 0x03;    // u64
inline constexpr u16 kNoGraphic = 0x04;  // u16
inline constexpr u16 kCpus = 0x05;       // u16
inline constexpr u16 kMachineId = 0x06;
inline constexpr u16 kKernelAddress = 0x07;
inline constexpr u16 kKernelSize = 0x08;
inline constexpr u16 kKernelCommandLine = 0x09;
inline constexpr u16 kInitrdAddress = 0x0a;
inline constexpr u16 kInitrdSize = 0x0b;
inline constexpr u16 kBootDevice = 0x0c;  // u16
inline constexpr u16 kNuma = 0x0d;        // u64 number of nodes, ...
inline constexpr u16 kBootMenu = 0x0e;    // u16
inline constexpr u16 kMaxCpus = 0x0f;     // u16
inline constexpr u16 kKernelEntry = 0x10;
inline constexpr u16 kKernelData = 0x11;
inline constexpr u16 kInitrdData = 0x12;
inline constexpr u16 kCommandLineAddress = 0x13;
inline constexpr u16 kCommandLineSize = 0x14;
inline constexpr u16 kCommandLineData = 0x15;
inline constexpr u16 kSetupAddress = 0x16;
inline constexpr u16 kSetupSize = 0x17;
inline constexpr u16 kSetupData = 0x18;
inline constexpr u16 kFileDirectory = 0x19;
inline constexpr u16 kFirstFile = 0x20;
inline constexpr u16 kAcpiTables = 0x8000;
inline constexpr u16 kSmbios = 0x8001;
inline constexpr u16 kIrq0Override = 0x8002;  // u32
inline constexpr u16 kE820 = 0x8003;
inline constexpr u16 kHpet = 0x8004;
}  // namespace fw_cfg_key

/// One line of the memory map in the file "etc/e820".
struct E820Entry {
  u64 address;
  u64 size;
  u32 type;  // 1 RAM, 2 reserved, 3 ACPI, 4 NVS
};

class FwCfg final : public core::Device {
 public:
  using Data = std::vector<u8>;
  /// Told after the guest wrote to a writable file.
  using Written = std::function<void(const Data& contents)>;

  FwCfg(core::PortBus& ports, core::GuestMemory& memory, core::Log& log);

  // --- for the board, before the machine runs ------------------------------------------------------------------------
  void add_item(u16 key, Data data);
  void add_u16(u16 key, u16 value);
  void add_u32(u16 key, u32 value);
  void add_u64(u16 key, u64 value);
  /// Names have at most 55 characters; one that is there already is replaced. The guest can write only if `writable`.
  void add_file(const std::string& name, Data data, bool writable = false, Written written = {});
  void add_text_file(const std::string& name, std::string_view text);
  /// "etc/e820": all RAM, below and above 4 GiB; SeaBIOS adds what it keeps for itself.
  void add_e820(const std::vector<E820Entry>& entries);
  /// "bootorder": Open Firmware paths, first choice first.
  void add_boot_order(const std::vector<std::string>& paths);

  /// The present contents of a file, or null.
  const Data* file(const std::string& name) const;

  std::string_view name() const override { return "fw_cfg"; }
  void reset() override;
  void archive(core::Archive& ar) override;

 private:
  struct Item {
    Data data;
    bool writable = false;
    Written written;
  };

  u64 read(u64 offset, unsigned width);
  void write(u64 offset, unsigned width, u64 value);
  void select(u16 key);
  u8 next_byte();
  void number_files();
  Item* current();
  void run_dma();
  bool transfer_in(u64 address, u64 length);   // item to guest memory
  bool transfer_out(u64 address, u64 length);  // guest memory to item
  bool is_ram(u64 address, bool write) const;

  core::GuestMemory& memory_;
  core::Log& log_;
  std::map<u16, Item> items_;
  std::map<std::string, Item> files_;
  std::vector<Item*> by_number_;  // files_ in the order of their numbers
  Data directory_;
  u16 selector_ = 0;
  u64 offset_ = 0;
  std::array<u8, 8> dma_address_{};
  core::IoSpace::Mapping ports_;
  core::IoSpace::Mapping dma_ports_;
};

}  // namespace orrery::hw
