// A display shows a session and sends it what the user does.
//
// It runs on the process' main thread while the machine runs on its own: it takes pictures with Session::copy_frame(),
// the title's facts with Session::status(), and posts inputs. SDL is behind frontend/sdl_*.cpp.
#pragma once

#include <memory>
#include <string>

#include "frontend/session.h"

namespace orrery::frontend {

class Display {
 public:
  virtual ~Display() = default;
  /// Called before Session::start(): the place for Session::on_update().
  virtual void attach(Session&) {}
  /// Comes back when the session is finished (Session::finished()). A user who closes the window makes the display call
  /// Session::quit() first.
  virtual void run(Session& session) = 0;
};

/// The display that the settings ask for. DisplayKind::Default is a window if this program has one built in and the
/// host offers a place for it; else none, with a line for the user in `note`. Throws UsageError if an explicit choice
/// cannot be had. Also sets settings.display to what was chosen.
std::unique_ptr<Display> make_display(Settings& settings, std::string& note);

#ifdef ORRERY_SDL
/// In frontend/sdl_window.cpp. Throws UsageError if SDL cannot open a window.
std::unique_ptr<Display> make_sdl_display(const Settings& settings);
#endif

}  // namespace orrery::frontend
