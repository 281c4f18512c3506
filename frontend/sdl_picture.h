// The guest's picture as a texture, drawn into a window.
#pragma once

#include <SDL.h>

#include <memory>

#include "frontend/sdl_view.h"
#include "hw/display/surface.h"

namespace orrery::frontend {

struct SdlDeleter {
  void operator()(SDL_Window* window) const { SDL_DestroyWindow(window); }
  void operator()(SDL_Renderer* renderer) const { SDL_DestroyRenderer(renderer); }
  void operator()(SDL_Texture* texture) const { SDL_DestroyTexture(texture); }
};
using SdlWindowPtr = std::unique_ptr<SDL_Window, SdlDeleter>;
using SdlRendererPtr = std::unique_ptr<SDL_Renderer, SdlDeleter>;
using SdlTexturePtr = std::unique_ptr<SDL_Texture, SdlDeleter>;

/// Main thread only.
class SdlPicture {
 public:
  /// Takes the host's graphics processor if it can, else draws in software. Throws UsageError.
  explicit SdlPicture(SDL_Window* window);

  /// The frame is on the texture from now on. Its pixels are copied; draw() shows them.
  void upload(const hw::Frame& frame);
  /// Clears the window, draws the picture at its place, and shows it.
  void draw(Scaling scaling);
  /// The host has thrown its textures away (SDL_RENDER_DEVICE_RESET): upload() again.
  void forget();

  const Shape& shape() const { return shape_; }
  /// The window's size in the host's dots, which may be finer than the units of mouse positions.
  Size output_size() const;

 private:
  SdlTexturePtr texture(int access, Size size, SDL_ScaleMode mode);
  bool repeat(Size times);

  SdlRendererPtr renderer_;
  int texture_limit_ = 4096;
  bool targets_ = false;  // the renderer can draw into textures
  Shape shape_;
  SdlTexturePtr picture_;  // the frame, a texel a dot
  Size picture_size_;
  SdlTexturePtr repeated_;  // its dots repeated, for sharp bilinear scaling
  Size repeated_size_;
  bool repeated_current_ = false;
};

}  // namespace orrery::frontend
