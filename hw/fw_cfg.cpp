#include "hw/fw_cfg.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace orrery::hw {
namespace {

using core::kPageSize;

constexpr u32 kIdTraditional = 1;
constexpr u32 kIdDma = 2;
constexpr u16 kWriteChannel = 0x4000;  // bit of a selector that once meant writing; ignored
constexpr std::size_t kNameSize = 56;

// DMA control word.
constexpr u32 kDmaError = 1;
constexpr u32 kDmaRead = 2;
constexpr u32 kDmaSkip = 4;
constexpr u32 kDmaSelect = 8;
constexpr u32 kDmaWrite = 16;

template <class T> void append_le(std::vector<u8>& out, std::type_identity_t<T> value) {
  out.resize(out.size() + sizeof(T));
  core::store_le<T>(out.data() + out.size() - sizeof(T), value);
}

template <class T> void append_be(std::vector<u8>& out, std::type_identity_t<T> value) {
  append_le<T>(out, core::byte_swap<T>(value));
}

}  // namespace

FwCfg::FwCfg(core::PortBus& ports, core::GuestMemory& memory, core::Log& log) : memory_(memory), log_(log) {
  add_item(fw_cfg_key::kSignature, {'Q', 'E', 'M', 'U'});
  add_u32(fw_cfg_key::kId, kIdTraditional | kIdDma);
  number_files();
  ports_ = ports.map({.name = "fw_cfg",
                      .base = 0x510,
                      .size = 2,
                      .widths = {1, 2},
                      .read = [this](u64 offset, unsigned width) { return read(offset, width); },
                      .write = [this](u64 offset, unsigned width, u64 value) { write(offset, width, value); }});
  dma_ports_ = ports.map({.name = "fw_cfg-dma",
                          .base = 0x514,
                          .size = 8,
                          .widths = {1, 1},
                          .read = [](u64 offset, unsigned) { return static_cast<u8>("QEMU CFG"[offset & 7]); },
                          .write =
                              [this](u64 offset, unsigned, u64 value) {
                                // Big-endian; the command starts with the last byte of the low half.
                                dma_address_[offset & 7] = static_cast<u8>(value);
                                if (offset == 7) run_dma();
                              }});
}

void FwCfg::add_item(u16 key, Data data) { items_[key].data = std::move(data); }

void FwCfg::add_u16(u16 key, u16 value) {
  Data data;
  append_le<u16>(data, value);
  add_item(key, std::move(data));
}

void FwCfg::add_u32(u16 key, u32 value) {
  Data data;
  append_le<u32>(data, value);
  add_item(key, std::move(data));
}

void FwCfg::add_u64(u16 key, u64 value) {
  Data data;
  append_le<u64>(data, value);
  add_item(key, std::move(data));
}

void FwCfg::add_file(const std::string& name, Data data, bool writable, Written written) {
  if (name.empty() || name.size() >= kNameSize) throw std::logic_error("fw_cfg: file name '" + name + "' does not fit");
  files_[name] = Item{std::move(data), writable, std::move(written)};
  number_files();
}

void FwCfg::add_text_file(const std::string& name, std::string_view text) {
  Data data(text.begin(), text.end());
  data.push_back(0);
  add_file(name, std::move(data));
}

void FwCfg::add_e820(const std::vector<E820Entry>& entries) {
  Data data;
  for (const E820Entry& e : entries) {
    append_le<u64>(data, e.address);
    append_le<u64>(data, e.size);
    append_le<u32>(data, e.type);
  }
  add_file("etc/e820", std::move(data));
}

void FwCfg::add_boot_order(const std::vector<std::string>& paths) {
  std::string text;
  for (const std::string& path : paths) text += (text.empty() ? "" : "\n") + path;
  add_text_file("bootorder", text);
}

const FwCfg::Data* FwCfg::file(const std::string& name) const {
  auto it = files_.find(name);
  return it != files_.end() ? &it->second.data : nullptr;
}

void FwCfg::number_files() {
  by_number_.clear();
  directory_.clear();
  append_be<u32>(directory_, static_cast<u32>(files_.size()));
  for (auto& [name, item] : files_) {
    append_be<u32>(directory_, static_cast<u32>(item.data.size()));
    append_be<u16>(directory_, static_cast<u16>(fw_cfg_key::kFirstFile + by_number_.size()));
    append_be<u16>(directory_, 0);
    directory_.insert(directory_.end(), name.begin(), name.end());
    directory_.insert(directory_.end(), kNameSize - name.size(), 0);
    by_number_.push_back(&item);
  }
  items_[fw_cfg_key::kFileDirectory].data = directory_;
}

void FwCfg::reset() {
  selector_ = 0;
  offset_ = 0;
  dma_address_ = {};
}

// --- registers -------------------------------------------------------------------------------------------------------

FwCfg::Item* FwCfg::current() {
  if (auto it = items_.find(selector_); it != items_.end()) return &it->second;
  const std::size_t n = std::size_t{selector_} - fw_cfg_key::kFirstFile;
  return selector_ >= fw_cfg_key::kFirstFile && n < by_number_.size() ? by_number_[n] : nullptr;
}

void FwCfg::select(u16 key) {
  selector_ = static_cast<u16>(key & ~kWriteChannel);
  offset_ = 0;
  if (current() == nullptr) log_.once(core::Channel::Unimp, "fw_cfg: there is no item {:#x}", selector_);
}

u8 FwCfg::next_byte() {
  const Item* item = current();
  if (item == nullptr || offset_ >= item->data.size()) return 0;
  return item->data[offset_++];
}

u64 FwCfg::read(u64 offset, unsigned width) {
  if (offset == 1 && width == 1) return next_byte();
  return offset == 0 && width == 2 ? selector_ : 0xffff;
}

void FwCfg::write(u64 offset, unsigned width, u64 value) {
  // Writing data by port is long gone from the interface; the write vanishes.
  if (offset == 0 && width == 2) select(static_cast<u16>(value));
}

// --- DMA -------------------------------------------------------------------------------------------------------------

bool FwCfg::is_ram(u64 address, bool write) const {
  const core::GuestMemory::Page& page = std::as_const(memory_).page(address);
  return write ? page.write != nullptr : page.read != nullptr;
}

bool FwCfg::transfer_in(u64 address, u64 length) {
  std::array<u8, kPageSize> chunk;
  const Item* item = current();
  while (length != 0) {
    if (!is_ram(address, true)) return false;
    const u64 count = std::min<u64>(length, kPageSize - (address & core::kPageMask));
    const u64 size = item != nullptr ? item->data.size() : 0;
    const u64 present = offset_ < size ? std::min<u64>(count, size - offset_) : 0;
    if (present != 0) std::copy_n(item->data.begin() + static_cast<std::ptrdiff_t>(offset_), present, chunk.begin());
    std::fill(chunk.begin() + static_cast<std::ptrdiff_t>(present), chunk.begin() + static_cast<std::ptrdiff_t>(count),
              0);
    memory_.write_block(address, std::span(chunk).first(count));
    offset_ += present;
    address += count;
    length -= count;
  }
  return true;
}

bool FwCfg::transfer_out(u64 address, u64 length) {
  Item* item = current();
  if (item == nullptr || !item->writable || offset_ > item->data.size() || length > item->data.size() - offset_) {
    return false;
  }
  if (address + length < address) return false;
  for (u64 at = address & ~core::kPageMask; at < address + length; at += kPageSize) {
    if (!is_ram(at, false)) return false;
  }
  memory_.read_block(address, std::span(item->data).subspan(offset_, length));
  offset_ += length;
  if (item->written) item->written(item->data);
  return true;
}

void FwCfg::run_dma() {
  const u64 at = core::byte_swap(core::load_le<u64>(dma_address_.data()));
  dma_address_ = {};
  if (!is_ram(at, true) || at + 15 < at || !is_ram(at + 15, true)) {
    log_(core::Channel::GuestErrors, "fw_cfg: DMA command at {:#x} is not in RAM", at);
    return;
  }
  const u32 control = core::byte_swap(memory_.read32(at));
  const u32 length = core::byte_swap(memory_.read32(at + 4));
  const u64 address = core::byte_swap(memory_.read64(at + 8));
  if ((control & kDmaSelect) != 0) select(static_cast<u16>(control >> 16));
  bool done = true;
  if ((control & kDmaRead) != 0) {
    done = transfer_in(address, length);
  } else if ((control & kDmaWrite) != 0) {
    done = transfer_out(address, length);
  } else if ((control & kDmaSkip) != 0) {
    const Item* item = current();
    const u64 size = item != nullptr ? item->data.size() : 0;
    offset_ = std::max(offset_, std::min(offset_ + length, size));
  }
  if (!done) {
    log_(core::Channel::GuestErrors, "fw_cfg: DMA of {} bytes at {:#x}, item {:#x} refused", length, address,
         selector_);
  }
  memory_.write32(at, core::byte_swap(done ? u32{0} : kDmaError));
}

void FwCfg::archive(core::Archive& ar) {
  ar.section(name(), 1, [&](u32) {
    ar("selector", selector_);
    ar("offset", offset_);
    ar("dma_address", dma_address_);
    // What the guest cannot write is part of the machine's configuration.
    ar.section("writable", 1, [&](u32) {
      for (auto& [name, item] : files_) {
        if (!item.writable) continue;
        const std::size_t size = item.data.size();
        ar(name, item.data);
        if (ar.loading()) item.data.resize(size);
      }
    });
  });
}

}  // namespace orrery::hw
