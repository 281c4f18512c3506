#include "hw/numeric_error.h"

#include <utility>

namespace orrery::hw {

NumericError::NumericError(core::PortBus& ports, core::LevelLine& irq13, std::function<void()> assert_ignne)
    : irq13_(irq13), assert_ignne_(std::move(assert_ignne)) {
  mapping_ = ports.map({.name = "coprocessor-error",
                        .base = 0xf0,
                        .size = 1,
                        .widths = {},
                        .movable = false,
                        .read = [](u64, unsigned) -> u64 { return 0xff; },
                        .write = [this](u64, unsigned, u64) { acknowledge(); }});
}

void NumericError::reset() {
  ferr_ = asking_ = false;
  irq13_.lower();
}

void NumericError::archive(core::Archive& ar) {
  ar.section(name(), 1, [&](u32) {
    ar("ferr", ferr_);
    ar("asking", asking_);
  });
  if (ar.loading()) irq13_.restore(asking_);
}

void NumericError::set_ferr(bool active) {
  if (active && !ferr_) {
    asking_ = true;
    irq13_.raise();
  }
  ferr_ = active;
}

void NumericError::acknowledge() {
  asking_ = false;
  irq13_.lower();
  if (ferr_) assert_ignne_();
}

}  // namespace orrery::hw
