// gdb's remote serial protocol for one machine: packets in, packets out (gdb manual, appendix E).
//
// The stub knows nothing of sockets: receive() takes a client's bytes, Host::send gets what is to be sent. All calls
// are on the machine thread, between two slices. See frontend/README.md for the conventions (addresses, real mode).
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "frontend/gdb_packets.h"
#include "frontend/gdb_registers.h"
#include "machine/debugger.h"

namespace orrery::frontend {

class GdbStub {
 public:
  struct Options {
    GdbArch arch = GdbArch::Auto;
    GdbPc pc = GdbPc::Raw;
    bool operator==(const Options&) const = default;
  };
  struct Host {
    std::function<void(std::string_view bytes)> send;
    /// Runs a line of the monitor and gives what it prints.
    std::function<std::string(std::string_view line)> monitor;
    /// The client wants the emulator to end.
    std::function<void()> quit;
  };

  GdbStub(machine::Machine& machine, machine::Debugger& debugger, Options options, Host host);
  GdbStub(const GdbStub&) = delete;
  GdbStub& operator=(const GdbStub&) = delete;

  /// A client is there: the machine stops.
  void connected();
  /// It has left: its points are removed and the machine goes on.
  void disconnected();
  bool attached() const { return attached_; }
  void receive(std::span<const u8> bytes);
  /// The machine is done; the client is told its exit status.
  void ended(int status);

 private:
  void stopped(const machine::Debugger::Stop& stop);
  void packet(std::string payload);
  void reply(std::string_view payload);
  void error(std::string_view what);

  std::string stop_reply(const machine::Debugger::Stop& stop) const;
  std::string registers() const;
  bool write_registers(std::string_view hex);
  void read_register(std::string_view rest);
  void write_register(std::string_view rest);
  void read_memory(std::string_view rest, bool binary);
  void write_memory(std::string_view rest, bool binary);
  void point(std::string_view rest, bool insert);
  void go(std::string_view rest, bool step, bool with_signal);
  void resume_with(std::string_view actions);
  void start(const machine::StepGoal* step);
  void query(std::string_view rest);
  void set(std::string_view rest);
  void verbose(std::string_view rest);
  void transfer(std::string_view rest);
  void run_monitor(std::string_view hex);
  void drop_points();
  std::string arch_xml();

  machine::Machine& machine_;
  machine::Debugger& debugger_;
  Options options_;
  Host host_;
  GdbPacketReader reader_;

  bool attached_ = false;
  bool acks_ = true;
  bool waiting_ = false;  // the client waits for a stop reply
  bool software_reason_ = false, hardware_reason_ = false;
  bool physical_ = false;
  bool through_interrupts_ = true;
  std::string last_;  // frame, to be sent again after '-'
  std::string xml_;
  struct Place {
    char type;
    u64 address, length;
    auto operator<=>(const Place&) const = default;
  };
  std::map<Place, machine::Debugger::Id> points_;
};

}  // namespace orrery::frontend
