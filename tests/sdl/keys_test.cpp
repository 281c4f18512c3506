#include "frontend/sdl_keys.h"

#include <gtest/gtest.h>

#include <set>

namespace orrery::frontend {
namespace {

HostKey pressed(SDL_Scancode place, SDL_Keycode letter, int modifiers) {
  SDL_Keysym key{};
  key.scancode = place;
  key.sym = letter;
  key.mod = static_cast<Uint16>(modifiers);
  return host_key(key);
}

constexpr int kHost = KMOD_LCTRL | KMOD_LALT;

TEST(SdlKeys, EveryKeyOfAPcKeyboardHasItsOwnNumber) {
  std::set<int> numbers;
  // A to F12 and Print Screen to Arrow up; Num Lock to the key of the keypad's point; <>, Menu; eight modifiers.
  for (int key = SDL_SCANCODE_A; key <= SDL_SCANCODE_KP_PERIOD; ++key) {
    if (key == SDL_SCANCODE_NONUSHASH) continue;  // the same key as the backslash, which a keyboard has once
    numbers.insert(guest_key(static_cast<SDL_Scancode>(key)));
  }
  numbers.insert(guest_key(SDL_SCANCODE_NONUSBACKSLASH));
  numbers.insert(guest_key(SDL_SCANCODE_APPLICATION));
  for (int key = SDL_SCANCODE_LCTRL; key <= SDL_SCANCODE_RGUI; ++key) {
    numbers.insert(guest_key(static_cast<SDL_Scancode>(key)));
  }
  EXPECT_EQ(numbers.size(), 105u);
  EXPECT_FALSE(numbers.contains(0));
}

TEST(SdlKeys, KeysThatNoPcKeyboardHasAreNotTheGuests) {
  EXPECT_EQ(guest_key(SDL_SCANCODE_UNKNOWN), 0);
  EXPECT_EQ(guest_key(static_cast<SDL_Scancode>(3)), 0);
  EXPECT_EQ(guest_key(SDL_SCANCODE_MODE), 0);
  EXPECT_EQ(guest_key(SDL_SCANCODE_AUDIOPLAY), 0);
  EXPECT_EQ(guest_key(static_cast<SDL_Scancode>(SDL_NUM_SCANCODES - 1)), 0);
}

TEST(SdlKeys, HostKeysAreOnLeftCtrlAndLeftAlt) {
  EXPECT_EQ(pressed(SDL_SCANCODE_G, SDLK_g, kHost), HostKey::Grab);
  EXPECT_EQ(pressed(SDL_SCANCODE_F, SDLK_f, kHost | KMOD_NUM | KMOD_CAPS), HostKey::FullScreen);
  EXPECT_EQ(pressed(SDL_SCANCODE_U, SDLK_u, kHost), HostKey::OneToOne);
  EXPECT_EQ(pressed(SDL_SCANCODE_P, SDLK_p, kHost), HostKey::Pause);
  EXPECT_EQ(pressed(SDL_SCANCODE_SPACE, SDLK_SPACE, kHost), HostKey::Turbo);
  EXPECT_EQ(pressed(SDL_SCANCODE_EQUALS, SDLK_EQUALS, kHost), HostKey::Bigger);
  EXPECT_EQ(pressed(SDL_SCANCODE_EQUALS, SDLK_EQUALS, kHost | KMOD_LSHIFT), HostKey::Bigger);
  EXPECT_EQ(pressed(SDL_SCANCODE_KP_MINUS, SDLK_KP_MINUS, kHost), HostKey::Smaller);
  EXPECT_EQ(pressed(SDL_SCANCODE_PRINTSCREEN, SDLK_PRINTSCREEN, kHost), HostKey::Screenshot);
  EXPECT_EQ(pressed(SDL_SCANCODE_V, SDLK_v, kHost), HostKey::Paste);
  EXPECT_EQ(pressed(SDL_SCANCODE_1, SDLK_1, kHost), HostKey::Screen);
  EXPECT_EQ(pressed(SDL_SCANCODE_2, static_cast<SDL_Keycode>(0xe9), kHost), HostKey::Monitor) << "a French keyboard";
  EXPECT_EQ(pressed(SDL_SCANCODE_END, SDLK_END, kHost), HostKey::CtrlAltDelete);
}

TEST(SdlKeys, AllElseIsTheGuests) {
  EXPECT_EQ(pressed(SDL_SCANCODE_G, SDLK_g, KMOD_LCTRL), HostKey::None);
  EXPECT_EQ(pressed(SDL_SCANCODE_G, SDLK_g, KMOD_LCTRL | KMOD_RALT), HostKey::None);  // AltGr on some hosts
  EXPECT_EQ(pressed(SDL_SCANCODE_G, SDLK_g, kHost | KMOD_LSHIFT), HostKey::None);
  EXPECT_EQ(pressed(SDL_SCANCODE_DELETE, SDLK_DELETE, kHost), HostKey::None);
  EXPECT_EQ(pressed(SDL_SCANCODE_F1, SDLK_F1, kHost), HostKey::None);
  EXPECT_EQ(pressed(SDL_SCANCODE_LALT, SDLK_LALT, kHost), HostKey::None);
}

TEST(SdlKeys, ALetterIsWhereItIsPrinted) {
  EXPECT_EQ(pressed(SDL_SCANCODE_Y, SDLK_f, kHost), HostKey::FullScreen);                     // Dvorak
  EXPECT_EQ(pressed(SDL_SCANCODE_RIGHTBRACKET, SDLK_PLUS, kHost), HostKey::Bigger);           // German
  EXPECT_EQ(pressed(SDL_SCANCODE_G, static_cast<SDL_Keycode>(0x43f), kHost), HostKey::Grab);  // Cyrillic: its place
}

}  // namespace
}  // namespace orrery::frontend
