#include "hw/pc_testdev.h"

namespace orrery::hw {

PcTestdev::PcTestdev(core::PortBus& ports, core::IoSpace& memory,
                     const std::function<core::LevelLine&(unsigned n)>& interrupt)
    : memory_(kMemorySize) {
  for (unsigned n = 0; n < kLines; ++n) lines_[n] = &interrupt(n);
  mappings_[0] = ports.map({.name = "pc-testdev-irq",
                            .base = 0x2000,
                            .size = kLines,
                            .widths = {},
                            .movable = false,
                            .read = {},
                            .write = [this](u64 offset, unsigned, u64 value) { lines_[offset]->set(value != 0); }});
  mappings_[1] = ports.map({.name = "pc-testdev",
                            .base = 0xe0,
                            .size = bytes_.size(),
                            .widths = {},
                            .movable = false,
                            .read = [this](u64 offset, unsigned) -> u64 { return bytes_[offset]; },
                            .write = [this](u64 offset, unsigned, u64 v) { bytes_[offset] = static_cast<u8>(v); }});
  mappings_[2] = memory.map({.name = "pc-testdev-memory",
                             .base = kMemoryBase,
                             .size = kMemorySize,
                             .widths = {},
                             .movable = false,
                             .read = [this](u64 offset, unsigned) -> u64 { return memory_[offset]; },
                             .write = [this](u64 offset, unsigned, u64 v) { memory_[offset] = static_cast<u8>(v); }});
}

void PcTestdev::reset() {
  for (core::LevelLine* line : lines_) line->lower();
  bytes_.fill(0);
}

void PcTestdev::archive(core::Archive& ar) {
  ar.section(name(), 1, [&](u32) {
    ar("bytes", bytes_);
    ar.bytes("memory", memory_);
    for (unsigned n = 0; n < kLines; ++n) {
      bool level = lines_[n]->level();
      ar(fmt::format("line{}", n), level);
      if (ar.loading()) lines_[n]->restore(level);
    }
  });
}

}  // namespace orrery::hw
