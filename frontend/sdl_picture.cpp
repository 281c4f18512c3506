#include "frontend/sdl_picture.h"

#include <algorithm>

#include "frontend/usage_error.h"

namespace orrery::frontend {

SdlPicture::SdlPicture(SDL_Window* window) {
  for (const Uint32 flags :
       {Uint32{SDL_RENDERER_ACCELERATED | SDL_RENDERER_PRESENTVSYNC}, Uint32{SDL_RENDERER_SOFTWARE}}) {
    renderer_.reset(SDL_CreateRenderer(window, -1, flags));
    if (renderer_) break;
  }
  if (!renderer_) usage_error("-display sdl: nothing can be drawn in a window ({}): use -display none", SDL_GetError());
  SDL_RendererInfo info{};
  if (SDL_GetRendererInfo(renderer_.get(), &info) == 0) {
    targets_ = (info.flags & SDL_RENDERER_TARGETTEXTURE) != 0;
    // Drawing in software knows no limit: keep to what is sensible.
    const int limit = std::min(info.max_texture_width, info.max_texture_height);
    if (limit > 0) texture_limit_ = std::min(limit, 8192);
  }
}

Size SdlPicture::output_size() const {
  Size size;
  SDL_GetRendererOutputSize(renderer_.get(), &size.width, &size.height);
  return size;
}

SdlTexturePtr SdlPicture::texture(int access, Size size, SDL_ScaleMode mode) {
  SdlTexturePtr made(SDL_CreateTexture(renderer_.get(), SDL_PIXELFORMAT_RGB888, access, size.width, size.height));
  if (made) SDL_SetTextureScaleMode(made.get(), mode);
  return made;
}

void SdlPicture::upload(const hw::Frame& frame) {
  shape_ = Shape::of(frame);
  const Size size{shape_.width, shape_.height};
  if (size.width == 0 || size.height == 0) {
    picture_.reset();
    picture_size_ = {};
    return;
  }
  if (!picture_ || size != picture_size_) {
    picture_ = texture(SDL_TEXTUREACCESS_STREAMING, size, SDL_ScaleModeNearest);
    picture_size_ = size;
  }
  if (picture_) SDL_UpdateTexture(picture_.get(), nullptr, frame.pixels.data(), size.width * 4);
  repeated_current_ = false;
}

void SdlPicture::forget() {
  picture_.reset();
  repeated_.reset();
  repeated_current_ = false;
}

bool SdlPicture::repeat(Size times) {
  const Size size{picture_size_.width * times.width, picture_size_.height * times.height};
  if (!repeated_ || size != repeated_size_) {
    repeated_ = texture(SDL_TEXTUREACCESS_TARGET, size, SDL_ScaleModeLinear);
    repeated_size_ = size;
    repeated_current_ = false;
  }
  if (!repeated_) return false;
  if (repeated_current_) return true;
  SDL_SetTextureScaleMode(picture_.get(), SDL_ScaleModeNearest);
  if (SDL_SetRenderTarget(renderer_.get(), repeated_.get()) != 0) return false;
  SDL_RenderCopy(renderer_.get(), picture_.get(), nullptr, nullptr);
  SDL_SetRenderTarget(renderer_.get(), nullptr);
  repeated_current_ = true;
  return true;
}

void SdlPicture::draw(Scaling scaling) {
  SDL_SetRenderDrawColor(renderer_.get(), 0, 0, 0, 255);
  if (picture_) {
    const Rectangle at = place(shape_, output_size(), scaling);
    const SDL_Rect to{at.x, at.y, at.width, at.height};
    const bool whole = at.width % shape_.width == 0 && at.height % shape_.height == 0;
    SDL_Texture* from = picture_.get();
    if (!whole) {
      const Size times = repetition(shape_, at, texture_limit_);
      if (targets_ && times != Size{1, 1} && repeat(times)) from = repeated_.get();
    }
    if (from == picture_.get()) {
      SDL_SetTextureScaleMode(from, whole ? SDL_ScaleModeNearest : SDL_ScaleModeLinear);
    }
    SDL_RenderClear(renderer_.get());
    SDL_RenderCopy(renderer_.get(), from, nullptr, &to);
  } else {
    SDL_RenderClear(renderer_.get());
  }
  SDL_RenderPresent(renderer_.get());
}

}  // namespace orrery::frontend
