// gdb's packets (gdb manual, appendix E "Overview").
#include "frontend/gdb_packets.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace orrery::frontend {
namespace {

using Kind = GdbPacketReader::Event::Kind;

struct Reader {
  GdbPacketReader reader;
  std::vector<GdbPacketReader::Event> events;
  void feed(std::string_view text) {
    reader.feed(std::span(reinterpret_cast<const u8*>(text.data()), text.size()),
                [this](GdbPacketReader::Event event) { events.push_back(std::move(event)); });
  }
};

TEST(GdbPackets, AreFramedWithTheirSum) {
  EXPECT_EQ(gdb_frame(""), "$#00");
  EXPECT_EQ(gdb_frame("OK"), "$OK#9a");
  EXPECT_EQ(gdb_frame("a$b#c}d*e"),
            "$a}\x04"
            "b}\x03"
            "c}]d}\x0a"
            "e#51");
}

TEST(GdbPackets, AreReadBackHoweverTheyAreCut) {
  std::string payload;
  for (int n = 0; n < 256; ++n) payload += static_cast<char>(n);
  const std::string stream = "+" + gdb_frame("qSupported") + "-\x03" + gdb_frame(payload);
  for (std::size_t piece = 1; piece < 7; ++piece) {
    Reader r;
    for (std::size_t at = 0; at < stream.size(); at += piece) r.feed(std::string_view(stream).substr(at, piece));
    ASSERT_EQ(r.events.size(), 5u);
    EXPECT_EQ(r.events[0].kind, Kind::Ack);
    EXPECT_EQ(r.events[1].payload, "qSupported");
    EXPECT_EQ(r.events[2].kind, Kind::Nak);
    EXPECT_EQ(r.events[3].kind, Kind::Interrupt);
    EXPECT_EQ(r.events[4].payload, payload);
  }
}

TEST(GdbPackets, WrongSumsAndBrokenPacketsAreTold) {
  Reader r;
  r.feed("$OK#9b$OK#9x$abc$OK#9a");
  ASSERT_EQ(r.events.size(), 3u);
  EXPECT_EQ(r.events[0].kind, Kind::Bad);
  EXPECT_EQ(r.events[1].kind, Kind::Bad);
  EXPECT_EQ(r.events[2].payload, "OK") << "a new packet begins at every $";
  r.feed("$half");
  r.reader.reset();
  r.feed("junk $m0,1#fa");
  EXPECT_EQ(r.events.back().payload, "m0,1");
}

TEST(GdbPackets, TooLongOnesAreSkippedInBoundedMemory) {
  Reader r;
  r.feed(gdb_frame(std::string(kGdbPacketSize, 'x')));
  EXPECT_EQ(r.events.back().kind, Kind::Packet);
  r.feed(gdb_frame(std::string(kGdbPacketSize + 1, 'x')) + gdb_frame("next"));
  ASSERT_EQ(r.events.size(), 3u);
  EXPECT_EQ(r.events[1].kind, Kind::TooLong);
  EXPECT_EQ(r.events[2].payload, "next");
}

TEST(GdbPackets, NumbersAndHexAreBounded) {
  std::string_view text = "1f,zz";
  EXPECT_EQ(gdb_take_number(text), 0x1fu);
  EXPECT_TRUE(gdb_take(text, ","));
  EXPECT_EQ(gdb_take_number(text), std::nullopt);
  text = "0123456789abcdef0";
  EXPECT_EQ(gdb_take_number(text), std::nullopt);
  EXPECT_EQ(gdb_unhex("414"), std::nullopt);
  EXPECT_EQ(gdb_unhex("4g"), std::nullopt);
  EXPECT_EQ(gdb_unhex("4142"), "AB");
  EXPECT_EQ(gdb_hex("AB\n"), "41420a");
}

TEST(GdbPackets, AnyBytesAreTaken) {
  std::mt19937 random(1);
  Reader r;
  const std::string alphabet =
      "$#}+-\x03"
      "0123456789abcdefqmZ,;:";
  for (int round = 0; round < 2000; ++round) {
    std::string bytes;
    for (unsigned n = random() % 200; n != 0; --n) {
      bytes += random() % 4 == 0 ? static_cast<char>(random()) : alphabet[random() % alphabet.size()];
    }
    r.feed(bytes);
    for (const auto& event : r.events) EXPECT_LE(event.payload.size(), kGdbPacketSize);
    r.events.clear();
  }
  r.reader.reset();
  r.feed("$OK#9a");
  EXPECT_EQ(r.events.back().payload, "OK");
}

}  // namespace
}  // namespace orrery::frontend
