#include "machine/input.h"

#include <fmt/format.h>

namespace orrery::machine {
namespace {

struct Describe {
  std::string operator()(const KeyInput& v) const {
    return fmt::format("key {} {}{}", v.key, v.down ? "down" : "up", v.paced ? ", paced" : "");
  }
  std::string operator()(const ReleaseKeys&) const { return "release all keys"; }
  std::string operator()(const MouseMotion& v) const { return fmt::format("mouse {:+} {:+}", v.dx, v.dy); }
  std::string operator()(const PointerMotion& v) const { return fmt::format("pointer {} {}", v.x, v.y); }
  std::string operator()(const MouseButtons& v) const { return fmt::format("mouse buttons {:#x}", v.down); }
  std::string operator()(const MouseWheel& v) const { return fmt::format("mouse wheel {:+}", v.notches); }
  std::string operator()(const SerialInput& v) const {
    return fmt::format("{} bytes on serial port {}", v.bytes.size(), v.port);
  }
  std::string operator()(const InsertMedium& v) const {
    return fmt::format("insert {} into {}", v.medium.path, drive_name(v.drive));
  }
  std::string operator()(const EjectMedium& v) const {
    return fmt::format("eject {}{}", drive_name(v.drive), v.force ? " by force" : "");
  }
  std::string operator()(const ResetButton&) const { return "reset button"; }
  std::string operator()(const PowerButton&) const { return "power button"; }
  std::string operator()(const NmiButton&) const { return "NMI button"; }
  std::string operator()(const RateChange& v) const { return fmt::format("{} ticks a second", v.ticks_per_second); }
  std::string operator()(const MemoryWrite& v) const {
    return fmt::format("write {} bytes at {:#x}", v.bytes.size(), v.address);
  }
  std::string operator()(const PortRead& v) const { return fmt::format("read port {:#x}", v.port); }
  std::string operator()(const PortWrite& v) const { return fmt::format("write {:#x} to port {:#x}", v.value, v.port); }
  std::string operator()(const SerialBreak& v) const { return fmt::format("break on serial port {}", v.port); }
  std::string operator()(const CpuWrite&) const { return "write the processor's registers"; }
};

}  // namespace

std::string describe(const Input& input) { return std::visit(Describe{}, input); }

}  // namespace orrery::machine
