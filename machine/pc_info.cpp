// Text for the monitor's `info`.
#include "machine/pc_parts.h"

#include <fmt/format.h>

#include <cstring>

#include "machine/memory_map.h"

namespace orrery::machine {

std::string Pc::Parts::info_pci() const {
  if (!pci) return "no PCI bus on this board\n";
  std::string out;
  for (const core::PciBus::Place& place : pci->functions()) {
    const core::PciFunction& f = *place.what;
    out += fmt::format("00:{:02x}.{} {:04x}:{:04x} class {:06x} {}\n", place.slot, place.function, f.identity().vendor,
                       f.identity().device, f.identity().class_code, f.name());
    for (unsigned n = 0; n < 7; ++n) {
      if (f.bar_size(n) == 0) continue;
      const core::PciFunction::Range range = f.bar(n);
      out += fmt::format("    {} {}\n", n == 6 ? "ROM " : fmt::format("BAR{}", n),
                         range.enabled ? fmt::format("{:08x}-{:08x}", range.base, range.base + f.bar_size(n) - 1)
                                       : fmt::format("off, {} bytes", f.bar_size(n)));
    }
    if (f.identity().interrupt_pin != 0) {
      out += fmt::format("    INT{}# on interrupt {}\n", static_cast<char>('A' + f.identity().interrupt_pin - 1),
                         f.get8(0x3c));
    }
  }
  return out;
}

std::string Pc::Parts::info_block() const {
  std::string out;
  for (const std::unique_ptr<MediaBay>& bay : bays) {
    const Drive& drive = bay->drive();
    const char* kind = drive.id.interface == Interface::Floppy ? "floppy"
                       : drive.media == Media::Cdrom           ? "cdrom"
                                                               : "disk";
    out += fmt::format("{}: {}", drive_name(drive.id), kind);
    if (const std::optional<Medium>& medium = bay->medium()) {
      const hw::BlockDevice* device = bay->slot().medium();
      out += fmt::format(", {} ({} bytes{}{}{})", medium->path, device != nullptr ? device->size() : 0,
                         device != nullptr && device->read_only() ? ", read-only" : "",
                         medium->snapshot ? ", snapshot" : "", bay->slot().locked() ? ", locked" : "");
    } else {
      out += ", empty";
    }
    out += '\n';
  }
  return out;
}

std::string Pc::Parts::info_tree() {
  std::string out = "memory\n";
  // Runs of pages that are mapped alike.
  struct Run {
    u64 first;
    const char* kind;
  };
  auto kind_of = [&](u64 address) {
    const core::GuestMemory::Page& page = memory.page(address);
    return page.read == nullptr ? "" : page.write == nullptr ? "ROM" : "RAM";
  };
  auto list = [&](u64 begin, u64 end) {
    Run run{begin, kind_of(begin)};
    for (u64 at = begin + core::kPageSize;; at += core::kPageSize) {
      const char* kind = at < end ? kind_of(at) : nullptr;
      if (kind != nullptr && std::strcmp(kind, run.kind) == 0) continue;
      if (*run.kind != 0) out += fmt::format("  {:09x}-{:09x} {}\n", run.first, at - 1, run.kind);
      if (kind == nullptr) return;
      run = {at, kind};
    }
  };
  list(0, kFourGiB);
  if (high_ram(config.memory) != 0) list(kFourGiB, kFourGiB + high_ram(config.memory));
  for (const core::IoRange* range : memory.mmio().ranges()) {
    out += fmt::format("  {:09x}-{:09x} {}\n", range->base, range->base + range->size - 1, range->name);
  }
  out += "I/O\n";
  for (const core::IoRange* range : ports.ranges()) {
    out += fmt::format("  {:04x}-{:04x} {}\n", range->base, range->base + range->size - 1, range->name);
  }
  return out;
}

std::optional<std::string> Pc::info(std::string_view topic) {
  if (topic == "pic" || topic == "irq") return parts_->pic.info();
  if (topic == "lapic") return parts_->lapic ? parts_->lapic->info() : "this processor has no local APIC\n";
  if (topic == "ioapic") return parts_->ioapic ? parts_->ioapic->info() : "this board has no I/O APIC\n";
  if (topic == "pci") return parts_->info_pci();
  if (topic == "block") return parts_->info_block();
  if (topic == "mtree") return parts_->info_tree();
  if (topic == "qtree") {
    std::string out;
    for (const core::Device* device : parts_->devices) out += fmt::format("{}\n", device->name());
    return out;
  }
  return std::nullopt;
}

}  // namespace orrery::machine
