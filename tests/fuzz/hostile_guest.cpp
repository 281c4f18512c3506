// hostile_guest [--seed N] [--runs N] [--seconds S]: machines with guests that mean harm.
//
// Each run is a machine of its own, made of its seed: a board, a processor, drives, firmware and memory full of hostile
// code in one of five modes (hostile_code.h). It runs for some ten thousand instructions. In between its ports and
// device memory are accessed at random, far more densely than code does it; keys, media and buttons come in; pictures,
// listings and states are taken. A run passes if the program lives, comes to its end in time, and the state it has come
// to can be saved and loaded. Build it with the sanitizers (cmake --preset asan) to see more.
//
// The seed of each run is printed before it begins: --seed N --runs 1 repeats it.
#include <fmt/format.h>

#include <string_view>

#include "cpu/model.h"
#include "hw/display/surface.h"
#include "machine/machine.h"
#include "tests/fuzz/campaign.h"
#include "tests/fuzz/hostile_code.h"
#include "tests/support/temporary_file.h"

namespace orrery::fuzz {
namespace {

using namespace machine;

constexpr Campaign kLimits{.run_seconds = 120,
                           .memory_kib = 3L << 20,
                           .too_greedy = "guests have made the program take more memory than its machines have"};
constexpr unsigned kSlices = 50;

/// Images for the drives, the same for all runs: no run writes to them.
struct Images {
  static std::vector<u8> bytes(std::size_t size) {
    std::vector<u8> out(size);
    for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<u8>(i * 167 + (i >> 9));
    return out;
  }
  static std::vector<u8> iso() {
    std::vector<u8> out = bytes(200 * 2048);
    const std::string_view id = "\1CD001\1";
    std::copy(id.begin(), id.end(), out.begin() + 16 * 2048);
    return out;
  }
  test::TemporaryFile floppy{bytes(1440 * 1024)}, small_floppy{bytes(360 * 1024)}, disk{bytes(2 << 20)}, cdrom{iso()};

  Medium medium(Random& random, bool floppy_drive) const {
    Medium out;
    out.path = (floppy_drive ? (random.chance(50) ? floppy : small_floppy) : cdrom).path();
    out.readonly = !floppy_drive || random.chance(20);
    out.snapshot = !out.readonly;
    return out;
  }
};

Config hostile_config(Random& random, const Images& images, const std::string& bios) {
  Config config;
  config.board = random.chance(85) ? Board::Pc : Board::IsaPc;
  config.memory = (1 + random.below(8)) << 20;
  config.bios = bios;
  config.debug_exit = 0x501;
  config.hpet = random.chance(80);
  config.acpi = random.chance(90);
  config.vga = random.chance(90) ? Vga::Std : Vga::None;
  config.pc_testdev = random.chance(30);
  config.real_timing = random.chance(30);
  config.serial = {Serial{true}, Serial{random.chance(50)}, Serial{false}, Serial{random.chance(30)}};
  constexpr u64 kRates[] = {1'000'000, 1'000'000, 10'000'000, 200'000'000, 3'000'000'000};
  config.ticks_per_second = random.of(kRates);
  config.drives.push_back({{Interface::Floppy, 0}, Media::Disk, images.medium(random, true)});
  config.drives.push_back({{Interface::Floppy, 1}, Media::Disk, std::nullopt});
  Medium disk;
  disk.path = images.disk.path();
  disk.snapshot = true;
  config.drives.push_back({{Interface::Ide, 0}, Media::Disk, disk});
  config.drives.push_back({{Interface::Ide, 2}, Media::Cdrom, images.medium(random, false)});
  return config;
}

/// The processors that have the mode.
std::vector<std::string> processors_with(Mode mode) {
  std::vector<std::string> fit;
  for (const cpu::Model& model : cpu::models()) {
    if (mode == Mode::Long && !model.has(cpu::Feature::Lm)) continue;
    if (mode == Mode::Pae && !model.has(cpu::Feature::Pae)) continue;
    fit.push_back(model.name);
  }
  return fit;
}

/// What firmware would have done, so that there is something behind the ports and addresses.
void enable_pci(core::PortBus& ports) {
  const auto config = [&](u32 slot, u32 function, u32 reg, u32 value) {
    ports.write(0xcf8, 4, 0x80000000 | slot << 11 | function << 8 | reg);
    ports.write(0xcfc, 4, value);
  };
  config(1, 1, 0x20, 0xc001);  // IDE: bus master registers
  config(1, 1, 0x40, 0x80008000);
  config(1, 1, 0x04, 7);
  config(1, 3, 0x40, 0x601);  // power management
  config(1, 3, 0x90, 0x701);
  config(1, 3, 0x80, 1);
  config(1, 3, 0x04, 3);
  config(2, 0, 0x10, 0xe0000000);
  config(2, 0, 0x18, 0xe1000000);
  config(2, 0, 0x04, 7);
}

/// Lets time pass; a guest that has ended is switched on again.
void run_on(Machine& m, u64 ticks) {
  const RunResult result = m.run_until_tick(m.ticks() + ticks);
  if (result.reason != StopReason::Reached && result.reason != StopReason::Requested) m.power_cycle();
}

void play(Machine& m, const std::vector<Step>& script) {
  for (const Step& step : script) {
    switch (step.kind) {
      case Step::Kind::Wait: run_on(m, step.count); break;
      case Step::Kind::Read:
        for (u32 n = 0; n < step.count; ++n) static_cast<void>(m.ports().read(step.port, step.width));
        break;
      case Step::Kind::Write:
        for (u32 n = 0; n < step.count; ++n) m.ports().write(step.port, step.width, step.value + n);
        break;
    }
  }
}

void storm(Random& random, Machine& m) {
  for (u64 n = random.below(8); n != 0; --n) play(m, hostile_script(random));
  for (u64 n = random.below(300); n != 0; --n) {
    constexpr unsigned kWidths[] = {1, 1, 1, 2, 4};
    const unsigned width = random.of(kWidths);
    if (random.chance(70)) {
      const u16 port = hostile_port(random);
      random.chance(60) ? m.ports().write(port, width, hostile_value(random, port)) : void(m.ports().read(port, width));
      continue;
    }
    const u64 address = hostile_address(random);
    switch (random.below(6)) {
      case 0: static_cast<void>(m.memory().read8(address)); break;
      case 1: static_cast<void>(m.memory().read32(address)); break;
      case 2: m.memory().write8(address, static_cast<u8>(random.bits())); break;
      case 3: m.memory().write16(address, static_cast<u16>(random.bits())); break;
      default: m.memory().write32(address, static_cast<u32>(random.bits())); break;
    }
  }
}

void visit(Random& random, Machine& m, const Images& images) {
  switch (random.below(14)) {
    case 0: return m.post(KeyInput{static_cast<u8>(random.bits()), random.chance(50), random.chance(50)});
    case 1: return m.post(ReleaseKeys{});
    case 2: return m.post(MouseMotion{static_cast<i32>(random.bits()), static_cast<i32>(random.bits())});
    case 3: return m.post(PointerMotion{static_cast<u16>(random.bits()), static_cast<u16>(random.bits())});
    case 4: return m.post(MouseButtons{static_cast<u8>(random.bits())});
    case 5: return m.post(MouseWheel{static_cast<i32>(random.bits())});
    case 6: return m.post(SerialInput{static_cast<u8>(random.below(5)), std::vector<u8>(random.below(40), 0x55)});
    case 7: {
      const bool floppy = random.chance(60);
      const u8 index = static_cast<u8>(floppy ? random.below(2) : 2);
      return m.post(InsertMedium{{floppy ? Interface::Floppy : Interface::Ide, index}, images.medium(random, floppy)});
    }
    case 8: return m.post(EjectMedium{{random.chance(60) ? Interface::Floppy : Interface::Ide, 0}, random.chance(50)});
    case 9: return m.post(EjectMedium{{Interface::Ide, 2}, random.chance(50)});
    case 10: return m.post(NmiButton{});
    case 11: return m.post(PowerButton{});
    case 12:
      if (random.chance(20)) m.post(ResetButton{});
      return;
    default:
      static_cast<void>(m.frame());
      static_cast<void>(m.text_screen());
      for (const char* topic : {"pic", "lapic", "ioapic", "pci", "block", "mtree"}) static_cast<void>(m.info(topic));
      return;
  }
}

/// One machine and its guest; false with a line on standard error if the guest has done harm.
bool run(u64 seed, const Images& images) {
  Random random(seed);
  constexpr Mode kModes[] = {Mode::Real, Mode::Protected, Mode::Paging, Mode::Pae, Mode::Long};
  Mode mode = Mode::Real;
  std::vector<std::string> processors;
  while (processors.empty()) {
    mode = random.of(kModes);
    processors = processors_with(mode);
  }
  HostileFirmware firmware = hostile_firmware(random, mode);
  const test::TemporaryFile bios(firmware.rom);
  Config config = hostile_config(random, images, bios.path());
  config.cpu = processors[random.below(processors.size())];

  core::Log log;
  log.set_sink([](std::string_view) {});
  if (random.chance(25)) {
    for (std::size_t i = 0; i < core::kChannelCount; ++i) log.enable(static_cast<core::Channel>(i), random.chance(40));
  }
  Host host;
  host.log = &log;
  host.report = [](std::string_view) {};
  u64 written = 0;
  host.serial = [&](unsigned, u8) { ++written; };
  host.debugcon = [&](u8) { ++written; };
  host.parallel = [&](u8) { ++written; };
  Machine m(config, host);
  if (config.board == Board::Pc) enable_pci(m.ports());
  m.memory().write_block(0, firmware.ram);

  for (unsigned slice = 0; slice < kSlices; ++slice) {
    run_on(m, 1 + random.below(random.chance(50) ? 200 : 3'000));
    if (random.chance(40)) storm(random, m);
    if (random.chance(30)) visit(random, m, images);
  }

  const std::vector<u8> state = m.save();
  Host other;
  other.report = host.report;
  Machine again(config, other);
  try {
    again.load(state);
  } catch (const std::exception& error) {
    fmt::print(stderr, "\nseed {}: the state that the guest has come to cannot be loaded: {}\n", seed, error.what());
    return false;
  }
  if (again.state_hash() != m.state_hash()) {
    fmt::print(stderr, "\nseed {}: a loaded state has another hash\n", seed);
    return false;
  }
  return true;
}

int main(int argc, char** argv) {
  const Images images;
  return campaign(argc, argv, kLimits, [&](u64 seed) { return run(seed, images); });
}

}  // namespace
}  // namespace orrery::fuzz

int main(int argc, char** argv) { return orrery::fuzz::main(argc, argv); }
