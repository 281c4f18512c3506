// The window: pictures, title, keyboard and mouse of one session, with SDL2.
//
// Everything here happens on the main thread, but for updated(), which the machine thread calls. The machine's keyboard
// gets all keys while the window has the focus, but for the host keys of frontend/sdl_keys.h. Its mouse is
//   - relative (PS/2) until a driver in the guest asks for absolute positions: then a click into the window, or
//   Ctrl-Alt-G,
//     grabs mouse and keyboard, and Ctrl-Alt-G or the loss of the focus gives them back. Nothing else grabs, but for
//     full screen, which has no place for another pointer;
//   - absolute afterwards: it follows the host's, without a grab, and leaves the window freely.
#pragma once

#include <atomic>
#include <bitset>
#include <mutex>
#include <optional>
#include <string>

#include "frontend/display.h"
#include "frontend/sdl_keys.h"
#include "frontend/sdl_picture.h"
#include "frontend/sdl_view.h"
#include "frontend/text_console.h"

namespace orrery::frontend {

/// SDL's video part, for as long as this lives.
class SdlVideo {
 public:
  /// Throws UsageError.
  SdlVideo();
  ~SdlVideo();
  SdlVideo(const SdlVideo&) = delete;
  SdlVideo& operator=(const SdlVideo&) = delete;
};

class SdlWindow final : public Display {
 public:
  /// Opens the window. Throws UsageError.
  explicit SdlWindow(bool full_screen);

  void attach(Session& session) override;
  void run(Session& session) override;

 private:
  // Machine thread.
  void updated();
  void tell_news();

  // Main thread.
  void handle(const SDL_Event& event);
  void window_event(const SDL_WindowEvent& event);
  void key(const SDL_KeyboardEvent& event);
  void act(HostKey key);
  void motion(const SDL_MouseMotionEvent& event);
  void button(const SDL_MouseButtonEvent& event);
  void wheel(const SDL_MouseWheelEvent& event);
  void drop(char* file);

  void take_news();
  void show_console(bool on);
  void console_key(const SDL_Keysym& key);
  void release_all();
  void set_grab(bool on);
  void set_pointer(bool absolute);
  void set_full_screen(bool on);
  void set_speed(machine::Speed speed);
  void zoom(double factor);
  void set_scaling(Scaling scaling);
  void fit_window();
  void screenshot();
  void paste();
  void ctrl_alt_delete();
  void show_title();
  std::pair<u16, u16> pointer_at(int x, int y) const;

  SdlVideo video_;
  Uint32 news_event_ = 0;  // "there is something new to show", from updated()
  SdlWindowPtr window_;
  std::optional<SdlPicture> picture_;
  Session* session_ = nullptr;

  std::atomic<bool> news_waiting_ = false;  // a news_event_ is on its way
  std::mutex frame_mutex_;                  // guards frame_
  hw::Frame frame_;

  std::mutex console_mutex_;  // guards console_
  TextConsole console_;       // the monitor's screen
  bool in_console_ = false;   // it is shown, and gets the keys

  bool redraw_ = true;
  Scaling scaling_ = Scaling::Fit;
  double zoom_ = 1.0;
  bool own_size_ = false;  // the user has given the window a size: it stays
  Size asked_size_;        // the size that this class asked for last
  bool full_screen_ = false;
  bool grabbed_ = false;
  bool absolute_ = false;       // the guest wants absolute positions
  bool swallow_click_ = false;  // the click that grabbed is not the guest's
  u8 buttons_ = 0;              // that the guest holds down
  std::bitset<256> keys_;       // that the guest holds down
  machine::Speed speed_ = machine::Speed::RealTime;
  machine::Speed before_pause_ = machine::Speed::RealTime;
  std::string title_;
};

}  // namespace orrery::frontend
