// What a machine shows.
#include "hw/display/surface.h"
#include "machine/machine.h"
#include "machine/pc.h"

namespace orrery::machine {

const hw::Frame& Machine::frame() {
  static const hw::Frame nothing;
  hw::Display* display = pc_->display();
  return display != nullptr ? display->render() : nothing;
}

hw::TextScreen Machine::text_screen() {
  hw::Display* display = pc_->display();
  return display != nullptr ? display->text_screen() : hw::TextScreen{};
}

}  // namespace orrery::machine
