// Host connections: files, sockets and pseudo-terminals.
#include "frontend/char_backends.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <sstream>
#include <thread>

#include "frontend/telnet.h"
#include "frontend/usage_error.h"

namespace orrery::frontend {
namespace {

namespace fs = std::filesystem;

std::span<const u8> bytes(std::string_view text) { return {reinterpret_cast<const u8*>(text.data()), text.size()}; }

/// What came in, and from where the pseudo-terminal is.
struct Recorder {
  std::mutex mutex;
  std::string input;
  std::string reported;

  CharHandler handler() {
    CharHandler h;
    h.input = [this](std::span<const u8> b) {
      const std::lock_guard lock(mutex);
      input.append(b.begin(), b.end());
    };
    h.report = [this](const std::string& line) { reported = line; };
    return h;
  }
  bool wait_for(std::string_view text) {
    for (int i = 0; i < 200; ++i) {
      {
        const std::lock_guard lock(mutex);
        if (input == text) return true;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }
};

std::string read_some(int fd, std::size_t length) {
  std::string text;
  for (int i = 0; i < 200 && text.size() < length; ++i) {
    pollfd p{fd, POLLIN, 0};
    if (::poll(&p, 1, 10) <= 0) continue;
    char buffer[256];
    const ssize_t n = ::read(fd, buffer, std::min(sizeof buffer, length - text.size()));
    if (n <= 0) break;
    text.append(buffer, static_cast<std::size_t>(n));
  }
  return text;
}

int connect_unix(const std::string& path) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::copy(path.begin(), path.end(), address.sun_path);
  return ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 ? fd : -1;
}

class CharBackends : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "orrery-char-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }
  fs::path folder_;
};

TEST_F(CharBackends, AFileGetsEverything) {
  const std::string path = (folder_ / "out").string();
  std::string all;
  {
    CharHub hub;
    const auto file = hub.open(parse_char_spec("-serial", "file:" + path), "serial0", {});
    hub.start();
    for (int i = 0; i < 20'000; ++i) {
      const std::string line = "line " + std::to_string(i) + "\n";
      file->write(bytes(line));
      all += line;
    }
  }
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  EXPECT_EQ(text.str(), all);
}

TEST_F(CharBackends, AppendKeepsWhatIsThere) {
  const std::string path = (folder_ / "out").string();
  std::ofstream(path) << "old ";
  {
    CharHub hub;
    const auto file = hub.open(parse_char_spec("-serial", "file:" + path + ",append=on"), "serial0", {});
    hub.start();
    file->write(bytes("new"));
  }
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  EXPECT_EQ(text.str(), "old new");
}

TEST_F(CharBackends, NullTakesEverything) {
  CharHub hub;
  const auto null = hub.open(parse_char_spec("-serial", "null"), "serial0", {});
  hub.start();
  null->write(bytes("gone"));
}

TEST_F(CharBackends, AUnixServerServesOneClientAfterTheOther) {
  const std::string path = (folder_ / "socket").string();
  Recorder recorder;
  {
    CharHub hub;
    const auto port =
        hub.open(parse_char_spec("-serial", "unix:" + path + ",server,nowait"), "serial0", recorder.handler());
    hub.start();
    for (const std::string text : {"first", "second"}) {
      recorder.input.clear();
      const int client = connect_unix(path);
      ASSERT_GE(client, 0);
      ASSERT_EQ(::write(client, text.data(), text.size()), static_cast<ssize_t>(text.size()));
      EXPECT_TRUE(recorder.wait_for(text));
      port->write(bytes("answer"));
      EXPECT_EQ(read_some(client, 6), "answer");
      ::close(client);
    }
  }
  EXPECT_FALSE(fs::exists(path)) << "the socket was left behind";
}

TEST_F(CharBackends, ASharedTerminalObeysCtrlA) {
  const std::string path = (folder_ / "terminal").string();
  CharSpec spec = parse_char_spec("-serial", "unix:" + path + ",server,nowait");
  spec.mux = true;
  Recorder recorder;  // what happens, in its order: the guest's input plain, the monitor's in brackets
  CharHandler handler = recorder.handler();
  const auto note = [&](std::string_view text) { recorder.handler().input(bytes(text)); };
  handler.quit = [&] { note("<quit>"); };
  handler.send_break = [&] { note("<break>"); };
  handler.focus = [&](bool monitor) { note(monitor ? "<monitor>" : "<guest>"); };
  handler.monitor = [&](std::span<const u8> b) { note("[" + std::string(b.begin(), b.end()) + "]"); };
  CharHub hub;
  const auto port = hub.open(spec, "serial0", std::move(handler));
  hub.start();
  const int client = connect_unix(path);
  ASSERT_GE(client, 0);
  const std::string typed =
      "ab\x01\x01\x01"
      "bc\x01"
      "cinfo\x01"
      "cd\x01x";
  ASSERT_EQ(::write(client, typed.data(), typed.size()), static_cast<ssize_t>(typed.size()));
  EXPECT_TRUE(recorder.wait_for("ab\x01<break>c<monitor>[info]<guest><quit>d")) << recorder.input;
  ASSERT_EQ(::write(client, "\x01h", 2), 2);
  EXPECT_NE(read_some(client, 200).find("switch between the guest and the monitor"), std::string::npos);
  ::close(client);
}

TEST_F(CharBackends, ATelnetClientIsGreetedAndItsCommandsAreTakenOut) {
  Telnet telnet;
  const auto text = [&](std::string_view in) {
    const std::vector<u8> out = telnet.received(bytes(in));
    return std::string(out.begin(), out.end());
  };
  EXPECT_EQ(text("a\xff\xfd\x01"
                 "b\xff"),
            "ab");
  EXPECT_EQ(text("\xfb"), "") << "a command may come in pieces";
  EXPECT_EQ(text(std::string_view("\x03"
                                  "c\r\0d\r\ne",
                                  8)),
            "c\rd\r\ne");
  EXPECT_EQ(text("\xff\xff"
                 "f\xff\xfa\x18\x01zz\xff\xf0g\xff\xf3h"),
            "\xff"
            "fgh");
  EXPECT_EQ(Telnet::escaped(bytes("x\xffy")), (std::vector<u8>{'x', 0xff, 0xff, 'y'}));

  const std::string path = (folder_ / "telnet").string();
  CharSpec spec = parse_char_spec("-serial", "unix:" + path + ",server,nowait");
  spec.telnet = true;
  Recorder recorder;
  CharHub hub;
  const auto port = hub.open(spec, "serial0", recorder.handler());
  hub.start();
  const int client = connect_unix(path);
  ASSERT_GE(client, 0);
  EXPECT_EQ(read_some(client, 12), std::string("\xff\xfb\x01\xff\xfb\x03\xff\xfb\x00\xff\xfd\x00", 12));
  ASSERT_EQ(::write(client, "\xff\xfd\x03hi", 5), 5);
  EXPECT_TRUE(recorder.wait_for("hi"));
  port->write(bytes("\xff!"));
  EXPECT_EQ(read_some(client, 3), "\xff\xff!");
  ::close(client);
}

TEST_F(CharBackends, AClientThatOnlyClosesItsHalfGetsItsAnswers) {
  const std::string path = (folder_ / "socket").string();
  CharHub hub;
  std::unique_ptr<CharBackend> port;
  std::atomic<int> ends = 0;
  CharHandler handler;
  handler.input = [](std::span<const u8>) {};
  handler.closed = [&] { ++ends; };
  port = hub.open(parse_char_spec("-monitor", "unix:" + path + ",server,nowait"), "monitor", handler);
  hub.start();
  const int client = connect_unix(path);
  ASSERT_GE(client, 0);
  ASSERT_EQ(::write(client, "info\n", 5), 5);
  ASSERT_EQ(::shutdown(client, SHUT_WR), 0);
  for (int i = 0; i < 200 && ends == 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  ASSERT_EQ(ends, 1);
  // Somebody else comes meanwhile: these answers are not for him.
  const int next = connect_unix(path);
  ASSERT_GE(next, 0);
  port->write(bytes("answer"));
  port->hang_up();
  EXPECT_EQ(read_some(client, 7), "answer") << "and then the end";
  for (int i = 0; i < 200; ++i) {
    port->write(bytes("n"));
    pollfd p{next, POLLIN, 0};
    if (::poll(&p, 1, 10) > 0) break;
  }
  EXPECT_EQ(read_some(next, 1), "n");
  EXPECT_EQ(ends, 1);
  ::close(client);
  ::close(next);
}

TEST_F(CharBackends, AnswersToOneWhoHasLeftAreNotForTheNext) {
  const std::string path = (folder_ / "socket").string();
  CharHub hub;
  std::atomic<int> opened = 0, ends = 0;
  CharHandler handler;
  handler.input = [](std::span<const u8>) {};
  handler.opened = [&] { ++opened; };
  handler.closed = [&] { ++ends; };
  const auto port = hub.open(parse_char_spec("-gdb", "unix:" + path + ",server,nowait"), "gdb", handler);
  hub.start();
  ::close(connect_unix(path));
  for (int i = 0; i < 200 && ends == 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  ASSERT_EQ(ends, 1);
  const int next = connect_unix(path);
  ASSERT_GE(next, 0);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  port->write(bytes("late answer"));
  EXPECT_EQ(opened, 1);
  port->hang_up();
  for (int i = 0; i < 200 && opened == 1; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  ASSERT_EQ(opened, 2);
  port->write(bytes("hello"));
  EXPECT_EQ(read_some(next, 5), "hello");
  ::close(next);
}

TEST_F(CharBackends, AFullDiskIsTold) {
  if (::access("/dev/full", W_OK) != 0) GTEST_SKIP() << "there is no /dev/full";
  std::atomic<bool> told = false;
  std::string line;
  CharHandler handler;
  handler.report = [&](const std::string& text) {
    line = text;
    told = true;
  };
  CharHub hub;
  const auto port = hub.open(parse_char_spec("-serial", "file:/dev/full"), "serial0", handler);
  hub.start();
  port->write(bytes("lost"));
  for (int i = 0; i < 200 && !told; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  ASSERT_TRUE(told);
  EXPECT_NE(line.find("'file:/dev/full'"), std::string::npos) << line;
  EXPECT_NE(line.find("make room"), std::string::npos) << line;
  port->write(bytes("goes on"));
}

TEST_F(CharBackends, AServerWithoutAClientDropsOutput) {
  CharHub hub;
  const auto port =
      hub.open(parse_char_spec("-serial", "unix:" + (folder_ / "s").string() + ",server,nowait"), "serial0", {});
  hub.start();
  const std::string much(100'000, 'x');
  for (int i = 0; i < 100; ++i) port->write(bytes(much));
}

TEST_F(CharBackends, ATcpServerIsBoundToLoopbackAndAClientFindsIt) {
  CharSpec server = parse_char_spec("-serial", "tcp::0,server,nowait");
  // Port 0 cannot be asked for by a client; take one that is free.
  Recorder at_server, at_client;
  for (int attempt = 0; attempt < 20; ++attempt) {
    server.port = std::to_string(20'000 + (::getpid() * 7 + attempt * 131) % 40'000);
    try {
      CharHub hub;
      const auto listening = hub.open(server, "serial0", at_server.handler());
      CharSpec client = server;
      client.server = false;
      client.host = "127.0.0.1";
      const auto connected = hub.open(client, "serial1", at_client.handler());
      hub.start();
      connected->write(bytes("hello"));
      ASSERT_TRUE(at_server.wait_for("hello"));
      listening->write(bytes("there"));
      ASSERT_TRUE(at_client.wait_for("there"));
      return;
    } catch (const UsageError&) {
      continue;  // taken by somebody
    }
  }
  FAIL() << "no free port";
}

TEST_F(CharBackends, WhatCannotBeOpenedNamesTheFix) {
  CharHub hub;
  const std::pair<std::string, std::string_view> table[] = {
      {"file:/nonexistent-folder/x", "writable"},
      {"unix:" + (folder_ / "nobody").string(), "start the other side first"},
      {"unix:" + std::string(200, 'x'), "at most 107"},
      {"tcp:127.0.0.1:1", "start the other side first"},
      {"/dev/nonexistent-tty", "check the device"},
  };
  for (const auto& [spec, fix] : table) {
    try {
      hub.open(parse_char_spec("-serial", spec), "serial0", {});
      FAIL() << spec;
    } catch (const UsageError& error) {
      EXPECT_NE(std::string(error.what()).find(fix), std::string::npos) << error.what();
    }
  }
}

TEST_F(CharBackends, APseudoTerminalIsNamedAndCarriesBothWays) {
  Recorder recorder;
  CharHub hub;
  const auto port = hub.open(parse_char_spec("-serial", "pty"), "serial0", recorder.handler());
  hub.start();
  ASSERT_TRUE(recorder.reported.starts_with("char device redirected to /dev/")) << recorder.reported;
  const std::string name = recorder.reported.substr(26, recorder.reported.find(" (label") - 26);
  const int terminal = ::open(name.c_str(), O_RDWR | O_NOCTTY);
  ASSERT_GE(terminal, 0) << name;
  ASSERT_EQ(::write(terminal, "in\r", 3), 3);
  EXPECT_TRUE(recorder.wait_for("in\r"));
  port->write(bytes("out\n"));
  EXPECT_EQ(read_some(terminal, 4), "out\n");
  ::close(terminal);
}

TEST_F(CharBackends, InputWaitsUntilTheGuestIsReady) {
  const std::string path = (folder_ / "socket").string();
  Recorder recorder;
  std::atomic<bool> ready = false;
  CharHandler handler = recorder.handler();
  handler.ready = [&] { return ready.load(); };
  CharHub hub;
  const auto port = hub.open(parse_char_spec("-serial", "unix:" + path + ",server,nowait"), "serial0", handler);
  hub.start();
  const int client = connect_unix(path);
  ASSERT_GE(client, 0);
  ASSERT_EQ(::write(client, "x", 1), 1);
  std::this_thread::sleep_for(std::chrono::milliseconds(80));
  EXPECT_EQ(recorder.input, "");
  ready = true;
  EXPECT_TRUE(recorder.wait_for("x"));
  ::close(client);
}

}  // namespace
}  // namespace orrery::frontend
