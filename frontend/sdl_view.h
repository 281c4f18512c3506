// Where the guest's picture lies in the window. Pure arithmetic, no SDL.
#pragma once

#include <utility>

#include "hw/core/types.h"
#include "hw/display/surface.h"

namespace orrery::frontend {

struct Size {
  int width = 0;
  int height = 0;
  bool operator==(const Size&) const = default;
};

struct Rectangle {
  int x = 0, y = 0, width = 0, height = 0;
  bool operator==(const Rectangle&) const = default;
};

/// What there is to place: a picture of width by height dots on a display of aspect_width : aspect_height.
struct Shape {
  int width = 0;
  int height = 0;
  int aspect_width = 4;
  int aspect_height = 3;
  bool operator==(const Shape&) const = default;

  static Shape of(const hw::Frame& frame);
};

enum class Scaling : u8 {
  Fit,      // as large as possible in the shape of the guest's monitor
  Integer,  // the same, but every line is the same whole number of host lines high
  Exact,    // a dot is a dot, whatever its shape was
};

/// The place of the picture in a window of `window` dots, in the middle of it. Where Integer or Exact would be larger
/// than the window, it is Fit.
Rectangle place(const Shape& shape, Size window, Scaling scaling);

/// The size of a window that shows the picture without losing a dot, in the monitor's shape and of at least 640 by 480.
Size natural_size(const Shape& shape);
/// That times `zoom`, or the picture's own size if Exact; made smaller if `limit` (a host's screen; 0 by 0: none) is.
Size window_size(const Shape& shape, Scaling scaling, double zoom, Size limit);

/// Sharp bilinear: the dots are first repeated this often in both directions, then scaled to the place smoothly; edges
/// stay sharp and all dots get the same size. {1, 1} if smooth scaling is enough or a copy does it. No side of the
/// repeated picture gets longer than `limit`.
Size repetition(const Shape& shape, const Rectangle& place, int limit);

/// The absolute pointer, 0 to 65535 across the picture, for a place of the window; what is beside the picture gives its
/// edge.
std::pair<u16, u16> pointer_position(const Rectangle& place, int x, int y);

}  // namespace orrery::frontend
