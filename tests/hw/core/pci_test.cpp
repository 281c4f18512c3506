#include "hw/core/pci.h"

#include <gtest/gtest.h>

#include "tests/support/archive_tests.h"

namespace orrery::core {
namespace {

struct Pci : ::testing::Test {
  Log log;
  PortBus ports{"io", log};
  PciBus bus{ports, log};
  PciFunction f{"thing",
                {.vendor = 0x8086,
                 .device = 0x1234,
                 .class_code = 0x020000,
                 .revision = 3,
                 .subsystem_vendor = 0x1af4,
                 .subsystem = 0x1100,
                 .interrupt_pin = 1}};
  std::vector<std::string> calls;

  PciFunction::Mapped record(const char* name) {
    return [this, name](u64 base, bool on) {
      calls.push_back(on ? fmt::format("{}={:x}", name, base) : fmt::format("{} off", name));
    };
  }
  void select(unsigned slot, unsigned offset, unsigned function = 0, unsigned number = 0) {
    ports.write(0xcf8, 4, 0x80000000 | number << 16 | slot << 11 | function << 8 | (offset & 0xfc));
  }
  u32 read(unsigned slot, unsigned offset, unsigned width = 4) {
    select(slot, offset);
    return static_cast<u32>(ports.read(0xcfc + (offset & 3), width));
  }
  void write(unsigned slot, unsigned offset, u32 value, unsigned width = 4) {
    select(slot, offset);
    ports.write(0xcfc + (offset & 3), width, value);
  }
};

TEST_F(Pci, TheAddressIsLatchedByDwordWritesOnly) {
  ports.write(0xcf8, 4, 0x80001004);
  EXPECT_EQ(ports.read(0xcf8, 4), 0x80001004u);
  ports.write(0xcf8, 1, 0x55);
  ports.write(0xcf8, 2, 0x5555);
  ports.write(0xcfb, 1, 0);
  EXPECT_EQ(ports.read(0xcf8, 4), 0x80001004u);
  EXPECT_EQ(ports.read(0xcf8, 1), 0xffu);
}

TEST_F(Pci, TheResetPortLivesInsideTheAddressPort) {
  u8 rcr = 2;
  bus.set_reset_control([&] { return rcr; }, [&](u8 v) { rcr = v; });
  ports.write(0xcf8, 4, 0x80001234);
  EXPECT_EQ(rcr, 2);
  EXPECT_EQ(ports.read(0xcf9, 1), 2u);
  ports.write(0xcf9, 1, 6);
  EXPECT_EQ(rcr, 6);
  EXPECT_EQ(ports.read(0xcf8, 4), 0x80001234u);
}

TEST_F(Pci, IdentityReadsInEveryWidthAtEveryByteLane) {
  bus.attach(3, 0, f);
  EXPECT_EQ(read(3, 0), 0x12348086u);
  EXPECT_EQ(read(3, 1, 1), 0x80u);
  EXPECT_EQ(read(3, 2, 2), 0x1234u);
  EXPECT_EQ(read(3, 8), 0x02000003u);
  EXPECT_EQ(read(3, 0x2c), 0x11001af4u);
  EXPECT_EQ(read(3, 0x3d, 1), 1u);
  write(3, 0, 0);
  EXPECT_EQ(read(3, 0), 0x12348086u);
}

TEST_F(Pci, EmptyPlacesOtherBusesAndADisabledLatchReadAllOnes) {
  bus.attach(3, 0, f);
  EXPECT_EQ(read(4, 0), 0xffffffffu);
  select(3, 0, 1);
  EXPECT_EQ(ports.read(0xcfc, 2), 0xffffu);
  select(3, 0, 0, 1);
  EXPECT_EQ(ports.read(0xcfc, 4), 0xffffffffu);
  ports.write(0xcf8, 4, 0x00001800);
  EXPECT_EQ(ports.read(0xcfc, 4), 0xffffffffu);
}

TEST_F(Pci, BarsAreSizedExactly) {
  f.add_memory_bar(0, 0x1000000, record("mem"), true);
  f.add_io_bar(1, 32, record("io"));
  f.add_memory_bar(2, 16, record("small"));
  f.add_memory_bar(3, u64{1} << 32, record("wide"), false, true);
  f.add_rom_bar(0x10000, record("rom"));
  bus.attach(2, 0, f);
  for (unsigned at = 0x10; at < 0x34; at += 4) write(2, at, 0xffffffff);
  EXPECT_EQ(read(2, 0x10), 0xff000008u);
  EXPECT_EQ(read(2, 0x14), 0xffffffe1u);
  EXPECT_EQ(read(2, 0x18), 0xfffffff0u);
  EXPECT_EQ(read(2, 0x1c), 0x00000004u);
  EXPECT_EQ(read(2, 0x20), 0xffffffffu);
  EXPECT_EQ(read(2, 0x24), 0u);
  EXPECT_EQ(read(2, 0x30), 0xffff0001u);
  EXPECT_TRUE(calls.empty());
}

TEST_F(Pci, BarsAnswerWhileTheirEnableBitIsSetAndFollowMoves) {
  f.add_memory_bar(0, 0x1000, record("mem"));
  f.add_io_bar(1, 32, record("io"));
  f.add_rom_bar(0x800, record("rom"));
  bus.attach(2, 0, f);
  write(2, 0x10, 0xe0000000);
  write(2, 0x14, 0xc000);
  write(2, 0x30, 0xe1000001);
  EXPECT_TRUE(calls.empty());
  write(2, 4, 1, 2);
  write(2, 4, 3, 2);
  write(2, 0x11, 0x10, 1);  // one byte lane
  write(2, 0x10, 0xffffffff);
  write(2, 0x10, 0xe0002000);
  write(2, 0x30, 0xe1000000);
  write(2, 4, 0, 1);
  EXPECT_EQ(calls, (std::vector<std::string>{"io=c000", "mem=e0000000", "rom=e1000000", "mem=e0001000", "mem off",
                                             "mem=e0002000", "rom off", "mem off", "io off"}));
}

TEST_F(Pci, AnIoBarMayEndAtTheTopOfThePortsButNotBeyond) {
  f.add_io_bar(0, 32, record("io"));
  bus.attach(2, 0, f);
  write(2, 4, 1, 2);
  write(2, 0x10, 0xffe0);
  write(2, 0x10, 0x1ffe0);
  EXPECT_EQ(calls, (std::vector<std::string>{"io=ffe0", "io off"}));
}

TEST_F(Pci, TheHostBridgeMayRefuseAMemoryBar) {
  bus.set_memory_filter([](u64 base, u64) { return base >= 0x4000000; });
  f.add_memory_bar(0, 0x1000, record("mem"));
  bus.attach(2, 0, f);
  write(2, 4, 2, 2);
  write(2, 0x10, 0x1000);
  write(2, 0x10, 0x4000000);
  write(2, 0x10, 0x2000);
  EXPECT_EQ(calls, (std::vector<std::string>{"mem=4000000", "mem off"}));
}

TEST_F(Pci, ABarCanMoveAPortRange) {
  IoSpace::Mapping m = ports.map({.name = "regs",
                                  .base = 0,
                                  .size = 32,
                                  .widths = {1, 1},
                                  .movable = true,
                                  .read = [](u64 offset, unsigned) { return offset + 0x40; },
                                  .write = {}});
  m.enable(false);
  f.add_io_bar(4, 32, PciFunction::follow(m));
  bus.attach(2, 0, f);
  write(2, 0x20, 0xc020);
  EXPECT_EQ(ports.read(0xc021, 1), 0xffu);
  write(2, 4, 1, 2);
  EXPECT_EQ(ports.read(0xc021, 1), 0x41u);
  write(2, 0x20, 0xd000);
  EXPECT_EQ(ports.read(0xc021, 1), 0xffu);
  EXPECT_EQ(ports.read(0xd002, 1), 0x42u);
  f.reset();
  EXPECT_EQ(ports.read(0xd002, 1), 0xffu);
}

TEST_F(Pci, WriteMasksAndWriteOneClearsWorkPerBit) {
  f.define32(0x40, 0xf0f0f0f0, 0x00ffff00);
  f.define16(0x06, 0x0280, 0, 0xf900);
  std::vector<std::pair<unsigned, unsigned>> hooks;
  f.on_write([&](u8 offset, unsigned width) { hooks.emplace_back(offset, width); });
  bus.attach(2, 0, f);
  write(2, 0x40, 0x12345678);
  EXPECT_EQ(read(2, 0x40), 0xf03456f0u);
  f.set16(0x06, 0x3280);
  write(2, 0x06, 0x1280, 2);
  EXPECT_EQ(read(2, 0x06, 2), 0x2280u);
  EXPECT_EQ(hooks, (std::vector<std::pair<unsigned, unsigned>>{{0x40, 4}, {0x06, 2}}));
  f.reset();
  EXPECT_EQ(read(2, 0x40), 0xf0f0f0f0u);
}

TEST_F(Pci, InterruptPinsAreSwizzledBySlotAndShared) {
  PciFunction g{"other", {.vendor = 1, .device = 2, .interrupt_pin = 4}};
  bus.attach(3, 0, f);  // INTA# of slot 3: PIRQC#
  bus.attach(4, 0, g);  // INTD# of slot 4: PIRQC#
  f.set_interrupt(true);
  EXPECT_TRUE(bus.pirq(2).level());
  g.set_interrupt(true);
  f.set_interrupt(false);
  EXPECT_TRUE(bus.pirq(2).level());
  EXPECT_FALSE(bus.pirq(0).level() || bus.pirq(1).level() || bus.pirq(3).level());
  g.set_interrupt(false);
  EXPECT_FALSE(bus.pirq(2).level());
}

TEST_F(Pci, InterruptDisableMasksThePinButNotTheStatus) {
  bus.attach(3, 0, f);
  f.set_interrupt(true);
  EXPECT_EQ(read(3, 6, 2) & 8, 8u);
  write(3, 4, 0x400, 2);
  EXPECT_FALSE(bus.pirq(2).level());
  EXPECT_EQ(read(3, 6, 2) & 8, 8u);
  write(3, 4, 0, 2);
  EXPECT_TRUE(bus.pirq(2).level());
}

TEST_F(Pci, APlaceIsTakenOnce) {
  bus.attach(3, 0, f);
  PciFunction g{"other", {.vendor = 1, .device = 2}};
  EXPECT_THROW(bus.attach(3, 0, g), std::logic_error);
}

TEST_F(Pci, KeepsTheArchiveContractAndRemapsAfterALoad) {
  PciFunction g{"thing", f.identity()};
  f.add_memory_bar(0, 0x1000, {});
  g.add_memory_bar(0, 0x1000, record("mem"));
  bus.attach(3, 0, f);
  struct Wrap {
    PciFunction& f;
    void archive(Archive& ar) { ar("pci", f); }
  } a{f}, b{g};
  test::expect_archive_contract(a, b, [&] {
    write(3, 0x10, 0xe0000000);
    write(3, 4, 2, 2);
    f.set_interrupt(true);
  });
  EXPECT_EQ(calls, std::vector<std::string>{"mem=e0000000"});
  EXPECT_TRUE(g.intx().level());
  PortBus ports2{"io", log};
  PciBus bus2{ports2, log};
  test::expect_archive_contract(bus, bus2, [&] { select(5, 0x80); });
}

}  // namespace
}  // namespace orrery::core
