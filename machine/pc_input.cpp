// What comes from outside takes effect here.
#include "machine/pc_parts.h"

#include <fmt/format.h>

#include <optional>
#include <variant>

namespace orrery::machine {
namespace {

template <class... F> struct Overload : F... {
  using F::operator()...;
};

}  // namespace

void Pc::Parts::press_key(KeyUsage key, bool down) {
  if (const std::optional<core::Key> known = core::key_from_usage(key)) keyboard.press(*known, down);
}

MediaBay* Pc::Parts::bay(DriveId id) {
  for (const std::unique_ptr<MediaBay>& bay : bays) {
    if (bay->drive().id == id) return bay.get();
  }
  return nullptr;
}

void Pc::Parts::insert(const InsertMedium& input) {
  MediaBay* where = bay(input.drive);
  if (where == nullptr) return report(fmt::format("there is no drive {}", drive_name(input.drive)));
  where->insert(input.medium);
}

void Pc::Parts::eject(const EjectMedium& input) {
  MediaBay* where = bay(input.drive);
  if (where == nullptr) return report(fmt::format("there is no drive {}", drive_name(input.drive)));
  // A locked door: the drive tells the guest that somebody would like the disc.
  hw::AtapiCdrom* cdrom = input.drive.interface == Interface::Ide ? cdroms[input.drive.index] : nullptr;
  if (cdrom != nullptr && !input.force && !cdrom->press_eject()) {
    return report(fmt::format("{} is locked by the guest: it has been asked", drive_name(input.drive)));
  }
  where->eject(input.force);
}

void Pc::Parts::apply(const Input& input) {
  std::visit(Overload{
                 [&](const KeyInput& v) { keys.key(v); }, [&](const ReleaseKeys&) { keys.release_all(); },
                 [&](const MouseMotion& v) { mouse.move(v.dx, v.dy); },
                 [&](const PointerMotion& v) {
                   if (vmport) vmport->move_to(v.x, v.y);
                 },
                 [&](const MouseButtons& v) { absolute() ? vmport->set_buttons(v.down) : mouse.set_buttons(v.down); },
                 [&](const MouseWheel& v) { absolute() ? vmport->wheel(v.notches) : mouse.wheel(v.notches); },
                 [&](const SerialInput& v) {
                   if (v.port < serial_in.size() && serial_in[v.port]) serial_in[v.port]->add(v.bytes);
                 },
                 [&](const SerialBreak& v) {
                   if (v.port < uarts.size() && uarts[v.port]) uarts[v.port]->receive_break();
                 },
                 [&](const InsertMedium& v) { insert(v); }, [&](const EjectMedium& v) { eject(v); },
                 [&](const PowerButton&) {
                   if (power && power->press_power_button()) return;
                   report("the guest does not listen to the power button: shut it down from inside, or quit");
                 },
                 [&](const NmiButton&) {
                   if (!rtc.nmi_masked().level()) nmi.pulse();
                 },
                 [&](const MemoryWrite& v) { memory.write_block(v.address, v.bytes); },
                 [&](const PortWrite& v) {
                   if (v.width == 1 || v.width == 2 || v.width == 4) ports.write(v.port, v.width, v.value);
                 },
                 [&](const CpuWrite& v) {
                   try {
                     core::load_from_bytes(*cpu, v.archive);
                   } catch (const core::ArchiveError& error) {
                     report(fmt::format("the processor's state was not taken: {}", error.what()));
                   }
                 },
                 [](const RateChange&) {},   // the machine's own
                 [](const ResetButton&) {},  // the machine's own
                 [](const PortRead&) {},     // the machine's own
             },
             input);
}

}  // namespace orrery::machine
