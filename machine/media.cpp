#include "machine/media.h"

#include <fmt/format.h>

namespace orrery::machine {

MediaBay::MediaBay(const Drive& drive, Prepare prepare, std::function<void(std::string_view)> report)
    : drive_(drive), prepare_(std::move(prepare)), report_(std::move(report)), slot_(drive_name(drive.id)) {
  if (drive.medium) {
    try {
      slot_.insert(open(*drive.medium));
    } catch (const hw::ImageError& error) {
      throw ConfigError(error.what());
    }
  }
  note(drive.medium);
  slot_.on_guest_eject([this] { note(std::nullopt); });
  slot_.set_provider([this](u32 changes) { return reopen(changes); });
}

std::unique_ptr<hw::BlockDevice> MediaBay::open(const Medium& medium) const {
  hw::OpenOptions options;
  options.read_only = medium.readonly || drive_.media == Media::Cdrom;
  options.snapshot = medium.snapshot;
  options.format = medium.format == ImageFormat::Raw ? hw::ImageFormat::Raw : hw::ImageFormat::Probe;
  std::unique_ptr<hw::BlockDevice> device = hw::open_image(medium.path, options);
  if (prepare_) prepare_(*device);
  device->on_trouble([report = report_](std::string_view line) { report(line); });
  return device;
}

std::unique_ptr<hw::BlockDevice> MediaBay::reopen(u32 changes) const {
  const std::optional<Medium>* medium = nullptr;
  for (const Change& change : history_) {
    if (change.changes <= changes) medium = &change.medium;
  }
  if (medium == nullptr || !*medium) return nullptr;
  try {
    return open(**medium);
  } catch (const hw::ImageError& error) {
    throw core::ArchiveError(error.what());
  }
}

void MediaBay::note(std::optional<Medium> medium) {
  now_ = medium;
  history_.push_back({slot_.changes(), std::move(medium)});
}

bool MediaBay::insert(const Medium& medium) {
  if (!removable()) {
    report_(fmt::format("{} is a fixed disk: its medium cannot be changed", drive_name(drive_.id)));
    return false;
  }
  // What is in it comes out first: the same image may be put back with other options, and it is locked while in use.
  slot_.insert(nullptr);
  try {
    slot_.insert(open(medium));
    note(medium);
    return true;
  } catch (const hw::ImageError& error) {
    note(std::nullopt);
    report_(error.what());
    return false;
  }
}

bool MediaBay::eject(bool force) {
  if (!removable()) {
    report_(fmt::format("{} is a fixed disk: it cannot be ejected", drive_name(drive_.id)));
    return false;
  }
  if (slot_.medium() == nullptr) return true;
  if (slot_.locked() && !force) {
    report_(fmt::format("{} is locked by the guest: eject it there, or by force", drive_name(drive_.id)));
    return false;
  }
  slot_.eject();
  note(std::nullopt);
  return true;
}

void MediaBay::archive(core::Archive& ar) {
  ar.section("bay_" + slot_.name(), 1, [&](u32) {
    ar("now", now_);
    ar("history", history_);
  });
}

}  // namespace orrery::machine
