// A chip that was loaded from a damaged archive may behave oddly, but it neither crashes nor hangs.
#include <functional>
#include <memory>

#include "hw/dma8237.h"
#include "hw/hpet.h"
#include "hw/ioapic.h"
#include "hw/keyboard_controller.h"
#include "hw/lapic.h"
#include "hw/pic.h"
#include "hw/pit.h"
#include "hw/ps2_keyboard.h"
#include "hw/ps2_mouse.h"
#include "hw/rtc.h"
#include "hw/speaker.h"
#include "hw/system_ports.h"
#include "hw/vmport.h"
#include "tests/hw/bench.h"

namespace orrery::hw {
namespace {

struct Board {
  Bench bench;
  core::GuestMemory memory{1 << 16, bench.log};
  core::LevelLine irq1, irq8, irq12;
  core::EdgeLine nmi, reset_line;
  PicPair pic{bench.ports, bench.log};
  Pit pit{bench.ports, bench.clock, bench.log};
  Rtc rtc{bench.ports, bench.clock, bench.log, irq8, 0};
  DmaPair dma{bench.ports, memory, bench.log};
  Ps2Keyboard keyboard{bench.clock, bench.log};
  Ps2Mouse mouse{bench.clock, bench.log};
  SystemPorts ports{bench.ports, bench.clock, bench.log, pit.gate(2), pit.out(2), nmi, reset_line};
  KeyboardController i8042{
      bench.ports, bench.clock,
      bench.log,   keyboard,
      &mouse,      irq1,
      irq12,       {[this](bool on) { ports.set_a20(on); }, [this] { return ports.a20().level(); }},
      reset_line};
  Speaker speaker{bench.clock, pit.out(2), ports.speaker_enable()};
  VmPort vmport{bench.ports, bench.log, [] { return VmPort::Registers{0x564d5868, 4, 39, 0x5658, 0, 0}; },
                [](const VmPort::Registers&) {}, [this] { mouse.nudge(); }};
  core::ApicBus apic_bus;
  LocalApic lapic{{.memory = memory.mmio(),
                   .clock = bench.clock,
                   .log = bench.log,
                   .bus = apic_bus,
                   .external_acknowledge = [this] { return pic.acknowledge(); },
                   .time_of_tsc = [](u64 tsc) { return tsc; },
                   .init = [] {}}};
  IoApic ioapic{memory.mmio(), bench.log, apic_bus};
  core::LevelLine hpet_lines[32];
  Hpet hpet{memory.mmio(), bench.clock, bench.log, [this](unsigned n) -> core::LevelLine& { return hpet_lines[n]; }};
  std::vector<core::Device*> devices{&lapic,    &ioapic, &hpet,  &pic,   &pit,     &rtc,   &dma,
                                     &keyboard, &mouse,  &ports, &i8042, &speaker, &vmport};

  Board() {
    for (core::Device* device : devices) device->reset();
    const std::pair<u16, u8> busy[] = {{0x43, 0x36}, {0x40, 100},  {0x40, 1},    {0x43, 0xb0}, {0x42, 99},
                                       {0x42, 7},    {0x70, 0x0b}, {0x71, 0x73}, {0x61, 3},    {0x64, 0x60},
                                       {0x60, 0x43}, {0x64, 0xd4}, {0x60, 0xf4}, {0x0b, 0x46}, {0x0a, 2}};
    for (const auto& [port, value] : busy) bench.out(port, value);
    const std::pair<u64, u32> mapped[] = {{0xfee000f0, 0x1ff},  {0xfee00320, 0x20040}, {0xfee00380, 5000},
                                          {0xfec00000, 0x10},   {0xfec00010, 0x8051},  {0xfed00100, 0x2804c},
                                          {0xfed00108, 100000}, {0xfed00010, 1}};
    for (const auto& [address, value] : mapped) memory.write32(address, value);
    ioapic.set_input(0, true);
    bench.run_to(3'000'000);
    keyboard.press(core::Key::A, true);
    mouse.move(3, 4);
  }
  void use() {
    unsigned events = 0;
    while (bench.clock.next_due_tick() < 900'000'000 && ++events < 20'000) {
      bench.clock.set_ticks(bench.clock.next_due_tick());
      bench.clock.run_due();
    }
    for (const u64 port : {0x08, 0x20, 0x40, 0x42, 0x60, 0x61, 0x64, 0x71, 0x5658}) bench.in(port);
    bench.out(0x43, 0xce);
    bench.in(0x42);
    bench.out(0x60, 0xed);
    dma.channel(2).to_memory(1);
    pic.acknowledge();
    lapic.acknowledge();
    memory.read32(0xfee00390);
    memory.write32(0xfee003e0, 3);
    memory.write32(0xfee000b0, 0);
    memory.read64(0xfed00108);
    memory.write32(0xfed00010, 0);
    ioapic.set_input(0, false);
  }
};

TEST(DamagedArchive, NeitherCrashesNorHangsAnyChip) {
  const std::size_t count = Board().devices.size();
  for (std::size_t d = 0; d < count; ++d) {
    Board source;
    const std::vector<u8> good = core::save_to_bytes(*source.devices[d]);
    // One bit of a field is enough to make a number huge or negative; every byte would take minutes.
    const std::size_t step = good.size() / 150 + 1;
    for (std::size_t i = d; i < good.size(); i += step) {
      std::vector<u8> bad = good;
      bad[i] ^= static_cast<u8>((i & 1) != 0 ? 0x80 : 0xff);
      Board board;
      try {
        core::load_from_bytes(*board.devices[d], bad);
      } catch (const core::ArchiveError&) {
        continue;
      }
      board.use();
    }
  }
}

}  // namespace
}  // namespace orrery::hw
