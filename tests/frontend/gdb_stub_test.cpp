// The stub without sockets: packets in, packets out. tests/gdb has the same with the real gdb.
#include "frontend/gdb_stub.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

#include "frontend/monitor.h"

namespace orrery::frontend {
namespace {

machine::Config config() {
  machine::Config config;
  config.memory = 4 << 20;
  return config;
}

struct Rig {
  explicit Rig(GdbStub::Options options = {})
      : stub(machine, debugger, options,
             {[this](std::string_view text) { sent += text; },
              [this](std::string_view line) { return monitor.execute(line, Monitor::Caller::Gdb); },
              [this] { quit = true; }}) {
    stub.connected();
    ask("QStartNoAckMode");
    feed("+");
    sent.clear();
  }

  void feed(std::string_view text) { stub.receive(std::span(reinterpret_cast<const u8*>(text.data()), text.size())); }
  /// The replies to a packet, without their frames, parted by blanks.
  std::string ask(std::string_view payload) {
    sent.clear();
    feed(gdb_frame(payload));
    return replies();
  }
  std::string replies() {
    GdbPacketReader reader;
    std::string all;
    reader.feed(std::span(reinterpret_cast<const u8*>(sent.data()), sent.size()), [&](GdbPacketReader::Event event) {
      if (event.kind == GdbPacketReader::Event::Kind::Packet) all += (all.empty() ? "" : " ") + event.payload;
    });
    sent.clear();
    return all;
  }
  std::string run(u64 ticks = 100'000) {
    sent.clear();
    debugger.run(machine.ticks() + ticks);
    return replies();
  }

  machine::Machine machine{config()};
  machine::Debugger debugger{machine};
  Monitor monitor{machine, debugger, {[this] { quit = true; }}};
  std::string sent;
  bool quit = false;
  GdbStub stub;
};

TEST(GdbStub, StopsTheMachineForItsClientAndLetsItGoBehindHim) {
  Rig r;
  EXPECT_TRUE(r.debugger.stopped());
  EXPECT_EQ(r.ask("?").substr(0, 3), "T05");
  r.stub.disconnected();
  EXPECT_FALSE(r.debugger.stopped());
}

TEST(GdbStub, TellsWhatItCanDo) {
  Rig r;
  const std::string features = r.ask("qSupported:multiprocess+;swbreak+;hwbreak+;qRelocInsn+");
  for (const char* one :
       {"PacketSize=4000", "qXfer:features:read+", "swbreak+", "QStartNoAckMode+", "vContSupported+"}) {
    EXPECT_NE(features.find(one), std::string::npos) << one;
  }
  EXPECT_EQ(r.ask("vMustReplyEmpty"), "");
  EXPECT_EQ(r.ask("vCont?"), "vCont;c;C;s;S;r");
  EXPECT_EQ(r.ask("qfThreadInfo"), "m1");
  EXPECT_EQ(r.ask("qsThreadInfo"), "l");
  EXPECT_EQ(r.ask("qC"), "QC1");
  EXPECT_EQ(r.ask("Hg0"), "OK");
  EXPECT_EQ(r.ask("Hc-1"), "OK");
  EXPECT_EQ(r.ask("Hg7"), "E22");
  EXPECT_EQ(r.ask("T1"), "OK");
  EXPECT_EQ(r.ask("qAttached"), "1");
  EXPECT_EQ(r.ask("!"), "OK");
  EXPECT_EQ(r.ask("qqemu.sstepbits"), "ENABLE=1,NOIRQ=2,NOTIMER=4");
  EXPECT_EQ(r.ask("qqemu.PhyMemMode"), "0");
  EXPECT_EQ(r.ask("jThreadsInfo"), "");
}

TEST(GdbStub, AcknowledgesUntilItIsToldNotTo) {
  Rig r;
  r.stub.connected();
  r.sent.clear();
  r.feed("$qC#b4");
  EXPECT_EQ(r.sent, "+$QC1#c5");
  r.feed("-");
  EXPECT_EQ(r.sent, "+$QC1#c5$QC1#c5");
  r.sent.clear();
  r.feed("$qC#b5");
  EXPECT_EQ(r.sent, "-");
  r.sent.clear();
  r.feed(gdb_frame("QStartNoAckMode") + "+" + gdb_frame("qC"));
  EXPECT_EQ(r.sent, "+$OK#9a$QC1#c5");
}

TEST(GdbStub, DescribesItsRegistersInPieces) {
  Rig r;
  std::string xml;
  for (;;) {
    const std::string part = r.ask(fmt::format("qXfer:features:read:target.xml:{:x},3e8", xml.size()));
    ASSERT_FALSE(part.empty());
    xml += part.substr(1);
    if (part[0] == 'l') break;
    ASSERT_EQ(part[0], 'm');
  }
  EXPECT_NE(xml.find("<architecture>i8086</architecture>"), std::string::npos) << "16-bit code runs";
  EXPECT_NE(xml.find("org.gnu.gdb.i386.core"), std::string::npos);
  EXPECT_NE(xml.find("name=\"cr0\""), std::string::npos);
  EXPECT_TRUE(xml.ends_with("</target>\n"));
  EXPECT_EQ(r.ask("qXfer:features:read:other.xml:0,100"), "E00");
  EXPECT_EQ(r.ask("qXfer:features:read:target.xml:fffffff,100"), "E22");
  EXPECT_EQ(r.ask("qXfer:features:read:target.xml"), "E22");
  Rig i386({.arch = GdbArch::I386, .pc = GdbPc::Linear});
  EXPECT_NE(i386.ask("qXfer:features:read:target.xml:0,200").find("<architecture>i386<"), std::string::npos);
}

TEST(GdbStub, PcIsLinearOrRaw) {
  Rig raw, linear({.arch = GdbArch::Auto, .pc = GdbPc::Linear});
  EXPECT_EQ(linear.ask("p8"), "f0ffffff");
  EXPECT_EQ(raw.ask("p8"), "f0ff0000");
  EXPECT_EQ(linear.ask("P8=34120f00"), "OK");
  EXPECT_EQ(linear.machine.cpu().state().rip, (0xf1234u - 0xffff0000u) & 0xffffffff);
  EXPECT_EQ(raw.ask("P8=5be00000"), "OK");
  EXPECT_EQ(raw.machine.cpu().state().rip, 0xe05bu);
}

TEST(GdbStub, RegistersAreReadAndWritten) {
  Rig r;
  const std::string all = r.ask("g");
  std::size_t bytes = 0;
  for (std::size_t n = 0; n < gdb_register_count(); ++n) bytes += gdb_register_size(n);
  EXPECT_EQ(all.size(), bytes * 2);
  EXPECT_EQ(r.ask("P0=78563412"), "OK");
  EXPECT_EQ(r.ask("p0"), "78563412");
  EXPECT_EQ(r.ask("P0=7856"), "E.eax has 4 bytes");
  EXPECT_EQ(r.ask("Pfff=00"), "E.there is no such register");
  EXPECT_EQ(r.ask("pfff"), "E22");
  EXPECT_EQ(r.ask("P"), "E22");
  EXPECT_EQ(r.ask("P0=7"), "E22");
  EXPECT_EQ(r.ask("Pc=00200000"), "OK") << "DS in real mode";
  EXPECT_EQ(r.machine.cpu().state().seg[cpu::kDs].base, 0x20000u);
  EXPECT_EQ(r.ask("P9=03000000"), "OK");
  EXPECT_EQ(r.machine.cpu().rflags() & 0x41, 1u);
  EXPECT_EQ(r.ask("G" + all), "OK");
  EXPECT_EQ(r.ask("g"), all);
  EXPECT_EQ(r.ask("Gzz").substr(0, 2), "E.");
}

TEST(GdbStub, MemoryIsReadAndWritten) {
  Rig r;
  EXPECT_EQ(r.ask("mfffffff0,5"), "ea5be000f0");
  EXPECT_EQ(r.ask("M1000,4:01020304"), "OK");
  EXPECT_EQ(r.ask("m1000,4"), "01020304");
  EXPECT_EQ(r.ask("m1002,0"), "");
  EXPECT_EQ(r.ask("X1000,3:a}b"), "OK");
  EXPECT_EQ(r.ask("x1000,3"), "ba}b");
  EXPECT_EQ(r.ask("md0000000,4"), "E14");
  EXPECT_EQ(r.ask("Mfffffff0,1:00"), "E14");
  EXPECT_EQ(r.ask("m1000"), "E22");
  EXPECT_EQ(r.ask("m,,"), "E22");
  EXPECT_EQ(r.ask("M1000,2:01"), "E22");
  EXPECT_EQ(r.ask("m3ffff8,10").size(), 16u) << "what there is";
  EXPECT_LT(r.ask("m0,ffffffff").size(), kGdbPacketSize);
}

TEST(GdbStub, PointsStopTheRunAndAreTold) {
  Rig r({.arch = GdbArch::Auto, .pc = GdbPc::Linear});
  r.ask("qSupported:swbreak+;hwbreak+");
  EXPECT_EQ(r.ask("Z0,fe05b,1"), "OK");
  EXPECT_EQ(r.ask("vCont;c:1"), "");
  EXPECT_EQ(r.run().substr(0, 3), "T05");
  EXPECT_EQ(r.debugger.pc(), 0xfe05bu);
  EXPECT_EQ(r.machine.ticks(), 1u);
  EXPECT_NE(r.ask("?").find("swbreak:;"), std::string::npos);
  EXPECT_NE(r.ask("?").find("08:5be00f00;"), std::string::npos);
  EXPECT_EQ(r.ask("z0,fe05b,1"), "OK");
  EXPECT_EQ(r.ask("z0,fe05b,1"), "OK") << "removing twice is no error";
  EXPECT_TRUE(r.debugger.points().empty());
  EXPECT_EQ(r.ask("Z5,0,1"), "");
  EXPECT_EQ(r.ask("Z2,0,0"), "E22");
  EXPECT_EQ(r.ask("Z2,0,ffffffffffffffff"), "E22");
  EXPECT_EQ(r.ask("Z"), "");
  EXPECT_EQ(r.ask("Z2"), "");
  // The firmware copies itself to RAM; whatever it writes first below 1 MiB + 64 KiB, it is told where.
  EXPECT_EQ(r.ask("Z2,f0000,10000"), "OK");
  r.ask("c");
  const std::string stop = r.run(5'000'000);
  EXPECT_NE(stop.find("watch:f"), std::string::npos) << stop;
  EXPECT_EQ(r.ask("D"), "OK");
  EXPECT_TRUE(r.debugger.points().empty());
  EXPECT_FALSE(r.debugger.stopped());
}

TEST(GdbStub, StepsAndInterrupts) {
  Rig r;
  EXPECT_EQ(r.ask("s"), "");
  EXPECT_EQ(r.run().substr(0, 3), "T05");
  EXPECT_EQ(r.machine.ticks(), 1u);
  EXPECT_EQ(r.ask("vCont;s:1;c"), "");
  r.run();
  EXPECT_EQ(r.machine.ticks(), 2u);
  r.ask("vCont;c");
  EXPECT_EQ(r.run(), "");
  r.feed("\x03");
  EXPECT_EQ(r.replies().substr(0, 3), "T02");
  EXPECT_EQ(r.ask("vCont;x"), "E.unknown action");
  EXPECT_EQ(r.ask("vCont;r1"), "E.r needs two addresses");
  EXPECT_EQ(r.ask("vCont;s:9"), "E.there is no such thread");
  r.ask("vCont;c");
  r.stub.ended(3);
  EXPECT_EQ(r.replies(), "W03");
}

TEST(GdbStub, KillEndsTheEmulator) {
  Rig r;
  r.ask("k");
  EXPECT_TRUE(r.quit);
}

TEST(GdbStub, TheMonitorPrintsThroughIt) {
  Rig r;
  const std::string reply = r.ask("qRcmd," + gdb_hex("info status"));
  EXPECT_TRUE(reply.starts_with("O" + gdb_hex("VM status: paused")));
  EXPECT_TRUE(reply.ends_with(" OK"));
  EXPECT_EQ(r.ask("qRcmd,4"), "E22");
  EXPECT_EQ(r.ask("qRcmd,"), "OK");
}

TEST(GdbStub, WhateverComesItStands) {
  Rig r;
  std::mt19937 random(3);
  const std::string first = "?gGpPmMxXcCsSzZHTDkRqQv!bjt";
  const std::string rest = "0123456789abcdef,;:=.-+ContSupportedXferRcmd";
  for (int round = 0; round < 20'000; ++round) {
    std::string payload(1, first[random() % first.size()]);
    for (unsigned n = random() % 30; n != 0; --n) {
      payload += random() % 8 == 0 ? static_cast<char>(random()) : rest[random() % rest.size()];
    }
    r.feed(gdb_frame(payload));
    if (random() % 16 == 0) r.debugger.run(r.machine.ticks() + random() % 50);
    if (!r.stub.attached()) r.stub.connected();
    if (r.sent.size() > (1 << 20)) r.sent.clear();
  }
  EXPECT_LE(r.debugger.points().size(), 1024u);
}

}  // namespace
}  // namespace orrery::frontend
