#include "machine/machine.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "machine/input_gate.h"
#include "machine/journal.h"
#include "tests/support/temporary_file.h"

namespace orrery::machine {
namespace {

constexpr u64 kMillisecond = 1'000'000;

Config test_config() {
  Config config;
  config.memory = 4 << 20;
  config.bios = ORRERY_TEST_ROM;
  config.debug_exit = 0xf4;
  config.ticks_per_second = 20'000'000;
  return config;
}

struct Rig {
  explicit Rig(Config config = test_config()) : machine(std::move(config), host()) {}

  Host host() {
    Host out;
    out.serial = [this](unsigned port, u8 byte) {
      if (port == 0) serial += static_cast<char>(byte);
    };
    out.debugcon = [this](u8 byte) { console += static_cast<char>(byte); };
    out.report = [this](std::string_view line) { reports += std::string(line) + "\n"; };
    return out;
  }
  void type(std::string_view text) { machine.post(SerialInput{0, {text.begin(), text.end()}}); }
  RunResult run(u64 ns) { return machine.run_until(machine.now() + ns); }
  u32 dword(u64 address) { return machine.memory().read32(address); }

  std::string serial, console, reports;
  Machine machine;
};

TEST(Machine, RunsItsFirmwareAndItsTimer) {
  Rig a;
  EXPECT_EQ(a.run(100 * kMillisecond).reason, StopReason::Reached);
  EXPECT_GE(a.machine.ticks(), 2'000'000u);
  EXPECT_LT(a.machine.ticks(), 2'000'000u + 21) << "past it by what an access to a port lasts";
  EXPECT_NEAR(a.dword(0x500), 119, 2);
  EXPECT_EQ(a.machine.memory().read16(0x508), 1);
  EXPECT_GT(a.dword(0x510), 10'000u);
}

TEST(Machine, SerialBytesGoInAndOut) {
  Rig a;
  a.run(10 * kMillisecond);
  a.type("hello, machine");
  EXPECT_EQ(a.machine.serial_pending(0), 0u);
  a.run(20 * kMillisecond);
  EXPECT_EQ(a.serial, "hello, machine");
  EXPECT_EQ(a.console, "hello, machine");
}

TEST(Machine, AHaltedMachineSkipsTime) {
  Rig a;
  a.run(5 * kMillisecond);
  a.type("h");
  a.run(5 * kMillisecond);
  const u32 rounds = a.dword(0x510);
  const u32 interrupts = a.dword(0x500);
  a.run(1000 * kMillisecond);
  EXPECT_TRUE(a.machine.idle() || a.dword(0x510) > rounds);
  EXPECT_NEAR(a.dword(0x500) - interrupts, 1193, 2);
  EXPECT_NEAR(a.dword(0x510) - rounds, 1193, 2) << "one round an interrupt";
}

TEST(Machine, IsBlindToHowItIsRun) {
  Rig whole, cut;
  whole.run(200 * kMillisecond);
  std::mt19937 random(1);
  while (cut.machine.ticks() < whole.machine.ticks()) {
    if (random() % 3 == 0) {
      for (unsigned n = random() % 100; n != 0 && cut.machine.ticks() < whole.machine.ticks(); --n) cut.machine.step();
    } else {
      cut.machine.run_until_tick(std::min<u64>(whole.machine.ticks(), cut.machine.ticks() + random() % 50'000));
    }
    if (random() % 10 == 0) static_cast<void>(cut.machine.state_hash());
  }
  EXPECT_EQ(cut.machine.state_hash(), whole.machine.state_hash());
}

TEST(Machine, TwoInOneProcessDoNotMeet) {
  Rig alone;
  alone.run(50 * kMillisecond);
  Rig a, b;
  b.type("xyz abc");
  for (int i = 1; i <= 50; ++i) {
    a.machine.run_until(static_cast<u64>(i) * kMillisecond);
    b.machine.run_until(static_cast<u64>(i) * kMillisecond);
  }
  EXPECT_EQ(a.machine.state_hash(), alone.machine.state_hash());
  EXPECT_NE(a.machine.state_hash(), b.machine.state_hash());
}

TEST(Machine, AStateIsSavedAndLoadedIntoAnotherMachine) {
  Rig a;
  a.type("some bytes that wait");
  a.run(30 * kMillisecond);
  a.type("h and more that wait");
  a.run(kMillisecond / 4);
  ASSERT_GT(a.machine.serial_pending(0), 0u);
  const std::vector<u8> state = a.machine.save();
  const u64 at = a.machine.state_hash();
  const u64 ticks = a.machine.ticks();
  a.run(300 * kMillisecond);
  const u64 later = a.machine.state_hash();
  ASSERT_NE(later, at);

  Rig b;
  b.run(77 * kMillisecond);  // whatever it did before is gone
  b.machine.load(state);
  EXPECT_EQ(b.machine.ticks(), ticks);
  EXPECT_EQ(b.machine.state_hash(), at);
  EXPECT_EQ(b.machine.save(), state);
  b.run(300 * kMillisecond);
  EXPECT_EQ(b.machine.state_hash(), later);

  a.machine.load(state);  // back in time in the same machine
  EXPECT_EQ(a.machine.state_hash(), at);
  a.run(300 * kMillisecond);
  EXPECT_EQ(a.machine.state_hash(), later);
}

TEST(Machine, DamagedStatesAreRefusedAndNeverCrash) {
  Rig a;
  a.run(10 * kMillisecond);
  const std::vector<u8> state = a.machine.save();
  std::mt19937 random(1);
  int refused = 0;
  for (int i = 0; i < 60; ++i) {
    std::vector<u8> bad = state;
    if (i % 2 == 0) {
      bad.resize(random() % bad.size());
    } else {
      for (int k = 0; k < 8; ++k) bad[random() % bad.size()] ^= static_cast<u8>(1 << random() % 8);
    }
    Rig b;
    try {
      b.machine.load(bad);
    } catch (const core::ArchiveError&) {
      ++refused;
    }
  }
  EXPECT_GE(refused, 30);
  Config other = test_config();
  other.memory = 8 << 20;
  Rig c(other);
  EXPECT_THROW(c.machine.load(state), core::ArchiveError);
}

TEST(Machine, TheHashSeesOneByteOfMemoryAndOneRegister) {
  Rig a;
  a.run(10 * kMillisecond);
  const u64 hash = a.machine.state_hash();
  EXPECT_EQ(a.machine.state_hash(), hash);
  a.machine.memory().write8(0x3ffffd, 1);
  const u64 changed = a.machine.state_hash();
  EXPECT_NE(changed, hash);
  a.machine.memory().write8(0x3ffffd, 0);
  EXPECT_EQ(a.machine.state_hash(), hash);
  a.machine.cpu().state().gpr[cpu::kRsi] ^= 1;
  EXPECT_NE(a.machine.state_hash(), hash);
}

TEST(Machine, AGuestResetStartsItAnewAndKeepsMemory) {
  for (const char* how : {"r", "k", "t"}) {
    Rig a;
    a.run(5 * kMillisecond);
    a.type(how);
    EXPECT_EQ(a.run(20 * kMillisecond).reason, StopReason::Reached) << how;
    EXPECT_EQ(a.machine.memory().read16(0x508), 2) << how;
    EXPECT_EQ(a.dword(0x514), 0u) << "instructions ran after the reset: " << how;
    EXPECT_EQ(a.reports.find("triple fault") != std::string::npos, *how == 't');
  }
}

TEST(Machine, WithNoRebootAResetStops) {
  Config config = test_config();
  config.no_reboot = true;
  for (const char* how : {"r", "k", "t"}) {
    Rig a(config);
    a.run(5 * kMillisecond);
    a.type(how);
    const RunResult result = a.run(20 * kMillisecond);
    EXPECT_EQ(result.reason, *how == 't' ? StopReason::TripleFault : StopReason::Reset) << how;
    EXPECT_EQ(a.run(kMillisecond), result) << "it stands";
    if (*how == 't') {
      EXPECT_NE(result.message.find("CS:EIP f000:"), std::string::npos) << result.message;
    }
    a.machine.power_cycle();
    EXPECT_EQ(a.run(5 * kMillisecond).reason, StopReason::Reached);
    EXPECT_EQ(a.machine.memory().read16(0x508), 2);
  }
}

TEST(Machine, AProcessorResetForAnOldProgramLeavesTheRestAlone) {
  Config config = test_config();
  config.no_reboot = true;
  Rig a(config);
  a.run(5 * kMillisecond);
  a.machine.ports().write(0x70, 1, 0x0f);  // the CMOS shutdown byte: back to the address at 40:67
  a.machine.ports().write(0x71, 1, 0x0a);
  a.machine.ports().write(0x70, 1, 0x0d);
  a.type("t");
  EXPECT_EQ(a.run(20 * kMillisecond).reason, StopReason::Reached);
  EXPECT_EQ(a.machine.memory().read16(0x508), 2);
  a.type("k");
  EXPECT_EQ(a.run(20 * kMillisecond).reason, StopReason::Reached);
  EXPECT_EQ(a.machine.memory().read16(0x508), 3);
}

TEST(Machine, PowerOffAndDebugExitStop) {
  Rig a;
  a.type("p");
  EXPECT_EQ(a.run(20 * kMillisecond).reason, StopReason::PowerOff);
  EXPECT_EQ(a.dword(0x514), 0u);
  Rig b;
  b.type("x");
  const RunResult result = b.run(20 * kMillisecond);
  EXPECT_EQ(result.reason, StopReason::DebugExit);
  EXPECT_EQ(result.exit_code, 11);
  EXPECT_EQ(b.dword(0x514), 0u);
}

TEST(Machine, TheResetButtonResetsEvenWithNoReboot) {
  Config config = test_config();
  config.no_reboot = true;
  Rig a(config);
  a.run(5 * kMillisecond);
  a.machine.post(ResetButton{});
  EXPECT_EQ(a.run(5 * kMillisecond).reason, StopReason::Reached);
  EXPECT_EQ(a.machine.memory().read16(0x508), 2);
}

// Inputs of many kinds at odd moments; gives the hashes at ten ticks.
std::vector<u64> live_run(Rig& run, u32 seed) {
  std::mt19937 random(seed);
  std::vector<u64> hashes;
  for (int i = 0; i < 10; ++i) {
    for (int k = 0; k < 5; ++k) {
      switch (random() % 7) {
        case 0: run.type("hello"); break;
        case 1: run.type(random() % 2 ? "h" : "n"); break;
        case 2: run.machine.post(KeyInput{static_cast<u8>(4 + random() % 26), random() % 2 == 0}); break;
        case 3: run.machine.post(MouseMotion{static_cast<i32>(random() % 20) - 10, 3}); break;
        case 4: run.machine.post(RateChange{5'000'000 + random() % 40'000'000}); break;
        case 5: run.type("r"); break;
        default: run.machine.post(KeyInput{static_cast<u8>(4 + random() % 26), true, true}); break;
      }
      run.machine.run_until_tick(run.machine.ticks() + random() % 60'000);
    }
    run.machine.run_until_tick(static_cast<u64>(i + 1) * 400'000);
    run.machine.record_checkpoint();
    hashes.push_back(run.machine.state_hash());
    run.machine.run_until_tick(run.machine.ticks() + 1);  // what is posted now belongs to a later tick
  }
  run.machine.record_end();
  return hashes;
}

TEST(Replay, OfAMachineGivesTheSameHashesAtTenTicks) {
  for (u32 seed = 1; seed <= 3; ++seed) {
    Rig live;
    const std::vector<u64> hashes = live_run(live, seed);
    auto reader = std::make_shared<JournalReader>(live.machine.journal().to_bytes());
    Rig again(reader->config());
    again.machine.replay(reader);
    for (int i = 0; i < 10; ++i) {
      const RunResult result = again.machine.run_until_tick(static_cast<u64>(i + 1) * 400'000);
      ASSERT_TRUE(result.reason == StopReason::Reached || result.reason == StopReason::ReplayEnd)
          << stop_reason_name(result.reason) << " " << result.message;
      EXPECT_EQ(again.machine.state_hash(), hashes[static_cast<std::size_t>(i)]) << "seed " << seed << " at " << i;
    }
    EXPECT_EQ(again.serial, live.serial);
  }
}

TEST(Replay, OfARecordedFileWorksAfterACrash) {
  const test::TemporaryFile file;
  u64 hash = 0;
  {
    Rig live;
    live.machine.record_to(file.path());
    live.run(10 * kMillisecond);
    live.type("abc");
    live.run(10 * kMillisecond);
    live.machine.record_checkpoint();
    hash = live.machine.state_hash();
    live.run(10 * kMillisecond);  // and no end is written
  }
  auto reader = std::make_shared<JournalReader>(JournalReader::from_file(file.path()));
  EXPECT_EQ(reader->config(), test_config());
  Rig again(reader->config());
  again.machine.replay(reader);
  EXPECT_EQ(again.run(1000 * kMillisecond).reason, StopReason::ReplayEnd);
  EXPECT_EQ(again.machine.state_hash(), hash);
}

TEST(Replay, WithAnotherBiosIsRefused) {
  Rig live;
  auto reader = std::make_shared<JournalReader>(live.machine.journal().to_bytes());
  Config config = test_config();
  config.bios.clear();
  Rig other(config);
  EXPECT_THROW(other.machine.replay(reader), ConfigError);
}

std::string error_of(const Config& config) {
  try {
    Machine machine(config);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return {};
}

TEST(Machine, ABadConfigurationIsOneLineThatNamesTheFix) {
  Config config = test_config();
  config.cpu = "pentium9";
  EXPECT_NE(error_of(config), "");
  config = test_config();
  config.bios = "/nonexistent/bios.bin";
  EXPECT_NE(error_of(config).find("/nonexistent/bios.bin"), std::string::npos);
  config = test_config();
  config.drives.push_back({{Interface::Ide, 0}, Media::Disk, Medium{"/nonexistent/disk.img"}});
  EXPECT_NE(error_of(config).find("/nonexistent/disk.img"), std::string::npos);
  config = test_config();
  config.memory = 0;
  EXPECT_NE(error_of(config), "");
  for (const std::string& text : {error_of(config)}) EXPECT_EQ(text.find('\n'), std::string::npos);
}

TEST(Machine, TheOtherBoardRunsToo) {
  Config config = test_config();
  config.board = Board::IsaPc;
  Rig a(config);
  a.run(50 * kMillisecond);
  EXPECT_NEAR(a.dword(0x500), 59, 2);
  a.machine.memory().write8(0xf0000, 0x12);  // shadow memory
  EXPECT_EQ(a.machine.memory().read8(0xf0000), 0x12);
  EXPECT_NE(a.machine.memory().read8(0xffff0000), 0x12);
}

TEST(Machine, MemoryLiesWhereTheBoardPutsIt) {
  Config config = test_config();
  config.memory = u64{4} << 30;  // address space only: nobody touches it
  Rig a(config);
  core::GuestMemory& memory = a.machine.memory();
  memory.write32(0xdffffffc, 0x1234);
  EXPECT_EQ(memory.read32(0xdffffffc), 0x1234u);
  memory.write32(u64{1} << 32, 0x5678);
  EXPECT_EQ(memory.read32(u64{1} << 32), 0x5678u);
  EXPECT_EQ(memory.read32(0xe0000000), 0xffffffffu);
  EXPECT_EQ(memory.read8(0xfffffff0), 0xea);
  EXPECT_EQ(memory.read8(0xffff0), 0xea);
  memory.write8(0xfffffff0, 0);
  EXPECT_EQ(memory.read8(0xfffffff0), 0xea);
}

TEST(Machine, ListsItself) {
  Config config = test_config();
  config.drives.push_back({{Interface::Floppy, 0}, Media::Disk, std::nullopt});
  Rig a(config);
  EXPECT_NE(a.machine.info("mtree")->find("RAM"), std::string::npos);
  EXPECT_NE(a.machine.info("pci")->find("8086:1237"), std::string::npos);
  EXPECT_NE(a.machine.info("block")->find("floppy0"), std::string::npos);
  EXPECT_FALSE(a.machine.info("nothing"));
}

}  // namespace
}  // namespace orrery::machine
