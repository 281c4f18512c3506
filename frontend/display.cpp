#include "frontend/display.h"

#include <cstdlib>

#include "frontend/usage_error.h"

namespace orrery::frontend {
namespace {

/// Nothing to show: the main thread waits for the machine.
class NoDisplay final : public Display {
 public:
  void run(Session& session) override { session.wait_finished(~u64{0}); }
};

#ifdef ORRERY_SDL
bool window_system() {
#ifdef __APPLE__
  return true;
#else
  for (const char* name : {"DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"}) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') return true;
  }
  return false;
#endif
}
#endif

}  // namespace

std::unique_ptr<Display> make_display(Settings& settings, std::string& note) {
  if (settings.display == DisplayKind::None) return std::make_unique<NoDisplay>();
#ifdef ORRERY_SDL
  if (settings.display == DisplayKind::Sdl || window_system()) {
    settings.display = DisplayKind::Sdl;
    return make_sdl_display(settings);
  }
  note = "no window: neither DISPLAY nor WAYLAND_DISPLAY is set (-display none says so, -nographic uses this terminal)";
#else
  if (settings.display == DisplayKind::Sdl) {
    usage_error(
        "-display sdl: this program was built without SDL2: install libsdl2-dev and build again, or use -display none");
  }
  note = "no window: this program was built without SDL2 (-display none says so, -nographic uses this terminal)";
#endif
  settings.display = DisplayKind::None;
  return std::make_unique<NoDisplay>();
}

}  // namespace orrery::frontend
