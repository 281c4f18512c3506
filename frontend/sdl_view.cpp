#include "frontend/sdl_view.h"

#include <algorithm>
#include <cmath>

namespace orrery::frontend {
namespace {

int scale(int value, int numerator, int denominator) {
  return static_cast<int>((i64{value} * numerator + denominator / 2) / denominator);
}

/// The largest size of the monitor's shape within `room`.
Size fitted(const Shape& shape, Size room) {
  Size size{room.width, scale(room.width, shape.aspect_height, shape.aspect_width)};
  if (size.height > room.height) size = {scale(room.height, shape.aspect_width, shape.aspect_height), room.height};
  return {std::max(size.width, 1), std::max(size.height, 1)};
}

Rectangle centred(Size size, Size window) {
  return {(window.width - size.width) / 2, (window.height - size.height) / 2, size.width, size.height};
}

u16 along(int position, int start, int length) {
  if (length <= 1) return 0;
  const i64 inside = std::clamp(position - start, 0, length - 1);
  return static_cast<u16>(inside * 65535 / (length - 1));
}

}  // namespace

Shape Shape::of(const hw::Frame& frame) {
  return {static_cast<int>(frame.width), static_cast<int>(frame.height),
          std::max(static_cast<int>(frame.aspect_width), 1), std::max(static_cast<int>(frame.aspect_height), 1)};
}

Rectangle place(const Shape& shape, Size window, Scaling scaling) {
  if (window.width <= 0 || window.height <= 0) return {};
  if (scaling == Scaling::Exact && shape.width <= window.width && shape.height <= window.height) {
    return centred({shape.width, shape.height}, window);
  }
  Size size = fitted(shape, window);
  if (scaling == Scaling::Integer && shape.height > 0 && size.height >= shape.height) {
    const int height = size.height / shape.height * shape.height;
    size = {std::min(scale(height, shape.aspect_width, shape.aspect_height), window.width), height};
  }
  return centred(size, window);
}

Size natural_size(const Shape& shape) {
  constexpr int kWidth = 640;
  constexpr int kHeight = 480;
  if (shape.width <= 0 || shape.height <= 0) return {kWidth, kHeight};
  Size size{shape.width, shape.height};
  size.width = std::max(size.width, scale(shape.height, shape.aspect_width, shape.aspect_height));
  size.height = std::max(size.height, scale(size.width, shape.aspect_height, shape.aspect_width));
  int times = 1;
  while (size.width * times < kWidth || size.height * times < kHeight) ++times;
  return {size.width * times, size.height * times};
}

Size window_size(const Shape& shape, Scaling scaling, double zoom, Size limit) {
  Size size = natural_size(shape);
  if (scaling == Scaling::Exact && shape.width > 0 && shape.height > 0) {
    size = {shape.width, shape.height};
  } else {
    size.width = std::max(static_cast<int>(std::lround(size.width * zoom)), 1);
    size.height = std::max(static_cast<int>(std::lround(size.height * zoom)), 1);
  }
  if (limit.width <= 0 || limit.height <= 0) return size;
  if (size.width > limit.width) size = {limit.width, scale(size.height, limit.width, size.width)};
  if (size.height > limit.height) size = {scale(size.width, limit.height, size.height), limit.height};
  return {std::max(size.width, 1), std::max(size.height, 1)};
}

Size repetition(const Shape& shape, const Rectangle& place, int limit) {
  if (shape.width <= 0 || shape.height <= 0) return {1, 1};
  const auto times = [limit](int from, int to) {
    const int wanted = to <= from ? 1 : (to + from - 1) / from;
    return std::clamp(wanted, 1, std::max(limit / from, 1));
  };
  return {times(shape.width, place.width), times(shape.height, place.height)};
}

std::pair<u16, u16> pointer_position(const Rectangle& place, int x, int y) {
  return {along(x, place.x, place.width), along(y, place.y, place.height)};
}

}  // namespace orrery::frontend
