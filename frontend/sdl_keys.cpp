#include "frontend/sdl_keys.h"

namespace orrery::frontend {
namespace {

// Both number keys as the USB HID usage tables do.
static_assert(SDL_SCANCODE_A == 4 && SDL_SCANCODE_RETURN == 40 && SDL_SCANCODE_PRINTSCREEN == 70 &&
              SDL_SCANCODE_PAUSE == 72 && SDL_SCANCODE_KP_ENTER == 88 && SDL_SCANCODE_NONUSBACKSLASH == 100 &&
              SDL_SCANCODE_LCTRL == 224 && SDL_SCANCODE_RGUI == 231);
constexpr int kFirstKey = SDL_SCANCODE_A;  // below are error codes
constexpr int kLastKey = SDL_SCANCODE_RGUI;

/// A Latin letter, a digit or a sign is taken as printed; for other alphabets, the place on a US keyboard.
SDL_Keycode printed(const SDL_Keysym& key) {
  if (key.sym > 0 && key.sym < 0x80) return key.sym;
  switch (key.scancode) {
    case SDL_SCANCODE_E: return SDLK_e;
    case SDL_SCANCODE_F: return SDLK_f;
    case SDL_SCANCODE_G: return SDLK_g;
    case SDL_SCANCODE_I: return SDLK_i;
    case SDL_SCANCODE_P: return SDLK_p;
    case SDL_SCANCODE_U: return SDLK_u;
    case SDL_SCANCODE_V: return SDLK_v;
    default: return key.sym;
  }
}

}  // namespace

machine::KeyUsage guest_key(SDL_Scancode scancode) {
  const int number = scancode;
  return number >= kFirstKey && number <= kLastKey ? static_cast<machine::KeyUsage>(number) : machine::KeyUsage{0};
}

HostKey host_key(const SDL_Keysym& key) {
  constexpr int kChord = KMOD_LCTRL | KMOD_LALT;
  constexpr int kOthers = KMOD_RCTRL | KMOD_RALT | KMOD_GUI | KMOD_SHIFT;
  if ((key.mod & kChord) != kChord) return HostKey::None;
  const SDL_Keycode letter = printed(key);
  // Shift is part of "+" on many keyboards.
  if (letter == '+' || letter == '=' || letter == SDLK_KP_PLUS) return HostKey::Bigger;
  if ((key.mod & kOthers) != 0) return HostKey::None;
  // By their places: on some keyboards digits need Shift.
  if (key.scancode == SDL_SCANCODE_1) return HostKey::Screen;
  if (key.scancode == SDL_SCANCODE_2) return HostKey::Monitor;
  switch (letter) {
    case SDLK_g: return HostKey::Grab;
    case SDLK_f: return HostKey::FullScreen;
    case SDLK_u: return HostKey::OneToOne;
    case SDLK_MINUS:
    case SDLK_KP_MINUS: return HostKey::Smaller;
    case SDLK_i: return HostKey::Integer;
    case SDLK_p: return HostKey::Pause;
    case SDLK_v: return HostKey::Paste;
    case SDLK_SPACE: return HostKey::Turbo;
    case SDLK_e:
    case SDLK_PRINTSCREEN:
    case SDLK_SYSREQ: return HostKey::Screenshot;
    case SDLK_END: return HostKey::CtrlAltDelete;
    default: return HostKey::None;
  }
}

}  // namespace orrery::frontend
