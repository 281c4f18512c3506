#include "frontend/sdl_window.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <ctime>
#include <exception>

#include "frontend/image_detect.h"
#include "frontend/keys.h"
#include "frontend/media_change.h"
#include "frontend/png.h"
#include "frontend/sdl_title.h"
#include "frontend/usage_error.h"

namespace orrery::frontend {
namespace {

/// The title tells the speed, which changes while the picture stands still.
constexpr int kTitleMs = 500;
constexpr double kZoomStep = 1.25;
constexpr double kSmallest = 0.25;
constexpr double kLargest = 8.0;

/// A name that is not taken: "orrery-20240131-235959.png", or with "-2" and so on.
std::string screenshot_name() {
  const std::time_t now = std::time(nullptr);
  const std::string base = fmt::format("orrery-{:%Y%m%d-%H%M%S}", fmt::localtime(now));
  std::string name = base + ".png";
  struct stat info{};
  for (int i = 2; ::stat(name.c_str(), &info) == 0; ++i) name = fmt::format("{}-{}.png", base, i);
  return name;
}

u8 button_bit(u8 button) {
  switch (button) {
    case SDL_BUTTON_LEFT: return 1;
    case SDL_BUTTON_RIGHT: return 2;
    case SDL_BUTTON_MIDDLE: return 4;
    case SDL_BUTTON_X1: return 8;
    case SDL_BUTTON_X2: return 16;
    default: return 0;
  }
}

}  // namespace

SdlVideo::SdlVideo() {
  SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");  // SignalWatch ends the session
  SDL_SetHint(SDL_HINT_VIDEO_MINIMIZE_ON_FOCUS_LOSS, "0");
  SDL_SetHint(SDL_HINT_VIDEO_X11_NET_WM_BYPASS_COMPOSITOR, "0");
  SDL_SetHint(SDL_HINT_WINDOWS_NO_CLOSE_ON_ALT_F4, "1");
  SDL_SetHint("SDL_APP_NAME", "Orrery");
  SDL_SetMainReady();
  if (SDL_InitSubSystem(SDL_INIT_VIDEO) != 0) {
    usage_error("-display sdl: no window ({}): use -display none, or set DISPLAY", SDL_GetError());
  }
  SDL_EnableScreenSaver();
  SDL_StopTextInput();  // keys, not characters: no input method between them and the guest
}

SdlVideo::~SdlVideo() {
  SDL_QuitSubSystem(SDL_INIT_VIDEO);
  SDL_Quit();
}

SdlWindow::SdlWindow(bool full_screen) {
  news_event_ = SDL_RegisterEvents(1);
  asked_size_ = natural_size({});
  window_.reset(SDL_CreateWindow("Orrery", SDL_WINDOWPOS_CENTERED, SDL_WINDOWPOS_CENTERED, asked_size_.width,
                                 asked_size_.height, SDL_WINDOW_RESIZABLE | SDL_WINDOW_ALLOW_HIGHDPI));
  if (!window_) usage_error("-display sdl: no window ({}): use -display none, or set DISPLAY", SDL_GetError());
  SDL_SetWindowMinimumSize(window_.get(), 160, 100);
  picture_.emplace(window_.get());
  if (full_screen) set_full_screen(true);
}

void SdlWindow::attach(Session& session) {
  session_ = &session;
  session.on_update([this] { updated(); });
  session.on_monitor_output([this](std::string_view text) {
    {
      const std::lock_guard lock(console_mutex_);
      console_.write(text);
    }
    tell_news();
  });
}

void SdlWindow::updated() {
  {
    const std::lock_guard lock(frame_mutex_);
    if (!session_->copy_frame(frame_) && !session_->finished()) return;
  }
  tell_news();
}

void SdlWindow::tell_news() {
  if (news_waiting_.exchange(true)) return;
  SDL_Event event{};
  event.type = news_event_;
  // A full queue: the main thread is awake, and looks after what it has.
  if (SDL_PushEvent(&event) != 1) news_waiting_ = false;
}

void SdlWindow::run(Session& session) {
  speed_ = before_pause_ = session.status().speed;
  if (speed_ == machine::Speed::Paused) before_pause_ = machine::Speed::RealTime;
  Uint64 title_time = 0;
  while (!session.finished()) {
    if (const Uint64 now = SDL_GetTicks64(); title_time == 0 || now - title_time >= kTitleMs) {
      title_time = now;
      set_pointer(session.status().absolute_pointer);
      show_title();
    }
    SDL_Event event;
    if (SDL_WaitEventTimeout(&event, kTitleMs) != 0) {
      do handle(event);
      while (SDL_PollEvent(&event) != 0);
    }
    if (redraw_) {
      redraw_ = false;
      picture_->draw(scaling_);
    }
  }
  set_grab(false);
}

void SdlWindow::handle(const SDL_Event& event) {
  switch (event.type) {
    case SDL_QUIT: session_->quit(); break;
    case SDL_WINDOWEVENT: window_event(event.window); break;
    case SDL_KEYDOWN:
    case SDL_KEYUP: key(event.key); break;
    case SDL_TEXTINPUT:
      // The key that led here makes a character, too.
      if (in_console_ && (SDL_GetModState() & (KMOD_CTRL | KMOD_ALT)) == 0) session_->monitor_input(event.text.text);
      break;
    case SDL_MOUSEMOTION: motion(event.motion); break;
    case SDL_MOUSEBUTTONDOWN:
    case SDL_MOUSEBUTTONUP: button(event.button); break;
    case SDL_MOUSEWHEEL: wheel(event.wheel); break;
    case SDL_DROPFILE: drop(event.drop.file); break;
    case SDL_RENDER_DEVICE_RESET:
    case SDL_RENDER_TARGETS_RESET:
      picture_->forget();
      take_news();
      break;
    default:
      if (event.type == news_event_) take_news();
      break;
  }
}

void SdlWindow::take_news() {
  news_waiting_ = false;
  bool reshaped = false;
  if (in_console_) {
    const std::lock_guard lock(console_mutex_);
    const hw::Frame frame = console_.frame();
    reshaped = Shape::of(frame) != picture_->shape();
    picture_->upload(frame);
  } else {
    const std::lock_guard lock(frame_mutex_);
    reshaped = Shape::of(frame_) != picture_->shape();
    picture_->upload(frame_);
  }
  redraw_ = true;
  if (reshaped && !in_console_) fit_window();  // the monitor takes what room there is
}

void SdlWindow::window_event(const SDL_WindowEvent& event) {
  switch (event.event) {
    case SDL_WINDOWEVENT_FOCUS_LOST:
      // The host has the keys that go up from now on.
      release_all();
      set_grab(false);
      break;
    case SDL_WINDOWEVENT_SIZE_CHANGED:
      if (!full_screen_ && Size{event.data1, event.data2} != asked_size_) own_size_ = true;
      redraw_ = true;
      break;
    case SDL_WINDOWEVENT_EXPOSED:
    case SDL_WINDOWEVENT_RESTORED:
    case SDL_WINDOWEVENT_SHOWN: redraw_ = true; break;
    case SDL_WINDOWEVENT_CLOSE: session_->quit(); break;
    default: break;
  }
}

// --- keyboard --------------------------------------------------------------------------------------------------------

void SdlWindow::key(const SDL_KeyboardEvent& event) {
  const bool turbo = speed_ == machine::Speed::Turbo && !in_console_;
  if (event.repeat != 0 && !turbo && !in_console_) return;  // the guest's keyboard repeats by itself
  const bool down = event.type == SDL_KEYDOWN;
  if (down) {
    if (const HostKey host = host_key(event.keysym); host != HostKey::None) {
      if (event.repeat == 0) act(host);
      return;
    }
  }
  if (in_console_) {
    if (down) console_key(event.keysym);
    return;
  }
  const machine::KeyUsage usage = guest_key(event.keysym.scancode);
  if (turbo && down && usage != 0 && usage < SDL_SCANCODE_LCTRL) {
    // The guest's time runs ahead of the user's finger: its keyboard would repeat a key that is only touched. So here
    // the host's keyboard repeats.
    session_->post_together({machine::KeyInput{usage, true, false}, machine::KeyInput{usage, false, false}});
    return;
  }
  // A key that goes up after ReleaseKeys, or that was a host key, is not the guest's.
  if (usage == 0 || keys_.test(usage) == down) return;
  keys_.set(usage, down);
  session_->post(machine::KeyInput{usage, down, false});
}

/// What is no text.
void SdlWindow::console_key(const SDL_Keysym& key) {
  const bool control = (key.mod & KMOD_CTRL) != 0;
  switch (key.sym) {
    case SDLK_RETURN:
    case SDLK_KP_ENTER: session_->monitor_input("\r"); break;
    case SDLK_BACKSPACE: session_->monitor_input("\b"); break;
    case SDLK_UP: session_->monitor_input("\033[A"); break;
    case SDLK_DOWN: session_->monitor_input("\033[B"); break;
    case SDLK_u:
      if (control) session_->monitor_input("\x15");
      break;
    case SDLK_PAGEUP:
    case SDLK_PAGEDOWN: {
      constexpr int kPage = TextConsole::kRows - 1;
      {
        const std::lock_guard lock(console_mutex_);
        console_.scroll(key.sym == SDLK_PAGEUP ? kPage : -kPage);
      }
      take_news();
      break;
    }
    default: break;
  }
}

void SdlWindow::show_console(bool on) {
  if (in_console_ == on) return;
  if (on) {
    release_all();
    set_grab(false);
    SDL_StartTextInput();
    SDL_ShowCursor(SDL_ENABLE);
  } else {
    SDL_StopTextInput();
    SDL_ShowCursor(absolute_ ? SDL_DISABLE : SDL_ENABLE);
  }
  in_console_ = on;
  session_->show_monitor(on);
  take_news();
  show_title();
}

void SdlWindow::release_all() {
  keys_.reset();
  session_->post(machine::ReleaseKeys{});
  if (buttons_ != 0) {
    buttons_ = 0;
    session_->post(machine::MouseButtons{0});
  }
}

void SdlWindow::ctrl_alt_delete() {
  // Ctrl and Alt are down already, since they make the host key.
  session_->post_together(
      {machine::KeyInput{SDL_SCANCODE_DELETE, true, false}, machine::KeyInput{SDL_SCANCODE_DELETE, false, false}});
}

void SdlWindow::act(HostKey key) {
  switch (key) {
    case HostKey::None: break;
    case HostKey::Grab: set_grab(!grabbed_); break;
    case HostKey::FullScreen: set_full_screen(!full_screen_); break;
    case HostKey::OneToOne: set_scaling(Scaling::Exact); break;
    case HostKey::Bigger: zoom(kZoomStep); break;
    case HostKey::Smaller: zoom(1 / kZoomStep); break;
    case HostKey::Integer: set_scaling(scaling_ == Scaling::Integer ? Scaling::Fit : Scaling::Integer); break;
    case HostKey::Pause: set_speed(speed_ == machine::Speed::Paused ? before_pause_ : machine::Speed::Paused); break;
    case HostKey::Turbo:
      set_speed(speed_ == machine::Speed::Turbo ? machine::Speed::RealTime : machine::Speed::Turbo);
      break;
    case HostKey::Screen: show_console(false); break;
    case HostKey::Monitor: show_console(true); break;
    case HostKey::Paste: paste(); break;
    case HostKey::Screenshot: screenshot(); break;
    case HostKey::CtrlAltDelete:
      if (!in_console_) ctrl_alt_delete();
      break;
  }
}

void SdlWindow::set_speed(machine::Speed speed) {
  if (speed == machine::Speed::Paused) before_pause_ = speed_;
  speed_ = speed;
  session_->set_speed(speed, session_->settings().speed_percent);
  show_title();
}

/// The clipboard's text, on the guest's keyboard as fast as the guest reads it, or in the monitor's line.
void SdlWindow::paste() {
  constexpr std::size_t kMost = 64 * 1024;
  char* const clipboard = SDL_GetClipboardText();
  const std::string text = clipboard == nullptr ? "" : clipboard;
  SDL_free(clipboard);
  if (text.size() > kMost) {
    tell(fmt::format("paste: {} bytes are too many to be typed: put them on a disk or CD image", text.size()));
    return;
  }
  if (in_console_) {
    session_->monitor_input(text.substr(0, text.find_first_of("\r\n")));
    return;
  }
  std::size_t left_out = 0;
  const std::vector<machine::KeyInput> keys = pasted_keys(text, left_out);
  release_all();  // Ctrl and Alt are down
  for (const machine::KeyInput& key : keys) session_->post(key);
  if (left_out != 0) tell(fmt::format("paste: a US keyboard has no keys for {} of the characters", left_out));
}

void SdlWindow::screenshot() {
  hw::Frame frame;
  {
    const std::lock_guard lock(frame_mutex_);
    frame = frame_;
  }
  try {
    const std::string name = screenshot_name();
    write_png(name, picture_of(frame));
    tell(fmt::format("screenshot: {}", name));
  } catch (const std::exception& error) {
    tell(error.what());
  }
}

// --- mouse -----------------------------------------------------------------------------------------------------------

void SdlWindow::set_grab(bool on) {
  if (grabbed_ == on || (on && in_console_)) return;
  grabbed_ = on;
  SDL_SetWindowKeyboardGrab(window_.get(), on ? SDL_TRUE : SDL_FALSE);
  SDL_SetRelativeMouseMode(on && !absolute_ ? SDL_TRUE : SDL_FALSE);
  if (!on && !absolute_ && buttons_ != 0) {
    buttons_ = 0;
    session_->post(machine::MouseButtons{0});
  }
  if (session_ != nullptr) show_title();
}

void SdlWindow::set_pointer(bool absolute) {
  if (absolute_ == absolute) return;
  absolute_ = absolute;
  SDL_SetRelativeMouseMode(grabbed_ && !absolute ? SDL_TRUE : SDL_FALSE);
  // The guest draws a pointer where the host's is.
  SDL_ShowCursor(absolute && !in_console_ ? SDL_DISABLE : SDL_ENABLE);
}

std::pair<u16, u16> SdlWindow::pointer_at(int x, int y) const {
  Size window;
  SDL_GetWindowSize(window_.get(), &window.width, &window.height);
  const Size output = picture_->output_size();
  if (window.width > 0 && window.height > 0) {
    x = static_cast<int>(i64{x} * output.width / window.width);
    y = static_cast<int>(i64{y} * output.height / window.height);
  }
  return pointer_position(place(picture_->shape(), output, scaling_), x, y);
}

void SdlWindow::motion(const SDL_MouseMotionEvent& event) {
  if (in_console_) return;
  if (absolute_) {
    const auto [x, y] = pointer_at(event.x, event.y);
    session_->post(machine::PointerMotion{x, y});
  } else if (grabbed_ && (event.xrel != 0 || event.yrel != 0)) {
    session_->post(machine::MouseMotion{event.xrel, event.yrel});
  }
}

void SdlWindow::button(const SDL_MouseButtonEvent& event) {
  if (in_console_) return;
  const u8 bit = button_bit(event.button);
  const bool down = event.type == SDL_MOUSEBUTTONDOWN;
  if (!absolute_ && !grabbed_) {
    if (down && event.button == SDL_BUTTON_LEFT) {
      set_grab(true);
      swallow_click_ = true;
    }
    return;
  }
  if (swallow_click_ && event.button == SDL_BUTTON_LEFT && !down) {
    swallow_click_ = false;
    return;
  }
  const u8 buttons = static_cast<u8>(down ? buttons_ | bit : buttons_ & ~bit);
  if (buttons == buttons_) return;
  buttons_ = buttons;
  if (absolute_) {
    const auto [x, y] = pointer_at(event.x, event.y);
    session_->post(machine::PointerMotion{x, y});
  }
  session_->post(machine::MouseButtons{buttons});
}

void SdlWindow::wheel(const SDL_MouseWheelEvent& event) {
  if (in_console_) {
    {
      const std::lock_guard lock(console_mutex_);
      console_.scroll(3 * event.y);
    }
    return take_news();
  }
  if (!absolute_ && !grabbed_) return;
  const i32 notches = event.direction == SDL_MOUSEWHEEL_FLIPPED ? -event.y : event.y;
  if (notches != 0) session_->post(machine::MouseWheel{notches});
}

// --- media -----------------------------------------------------------------------------------------------------------

/// A floppy or a CD that is dropped on the window is put into the first drive for it.
void SdlWindow::drop(char* file) {
  const std::string path = file == nullptr ? "" : file;
  SDL_free(file);
  try {
    const ImageInfo info = detect_image(path);
    if (info.kind != ImageKind::Floppy && info.kind != ImageKind::Cdrom) {
      usage_error("'{}' is a {}: only floppies and CDs can be put into a running machine", path, info.what);
    }
    const machine::Interface interface =
        info.kind == ImageKind::Floppy ? machine::Interface::Floppy : machine::Interface::Ide;
    for (const machine::Drive& drive : session_->settings().config.drives) {
      if (drive.id.interface != interface) continue;
      if (interface == machine::Interface::Ide && drive.media != machine::Media::Cdrom) continue;
      session_->post(medium_for(drive.id, path, {.snapshot = session_->settings().snapshot}));
      tell(fmt::format("{}: {} ({})", machine::drive_name(drive.id), path, info.what));
      return;
    }
    usage_error("this machine has no drive for '{}' ({}): start with one, such as -fda or -cdrom", path, info.what);
  } catch (const std::exception& error) {
    tell(error.what());
  }
}

// --- view ------------------------------------------------------------------------------------------------------------

void SdlWindow::set_full_screen(bool on) {
  if (SDL_SetWindowFullscreen(window_.get(), on ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0) != 0) {
    tell(fmt::format("no full screen: {}", SDL_GetError()));
    return;
  }
  full_screen_ = on;
  redraw_ = true;
  set_grab(on);
  if (!on) fit_window();
}

void SdlWindow::set_scaling(Scaling scaling) {
  scaling_ = scaling;
  own_size_ = own_size_ && scaling != Scaling::Exact;
  redraw_ = true;
  fit_window();
}

void SdlWindow::zoom(double factor) {
  if (scaling_ == Scaling::Exact) scaling_ = Scaling::Fit;
  if (own_size_) {  // go on from what the user sees
    Size window;
    SDL_GetWindowSize(window_.get(), &window.width, &window.height);
    zoom_ = static_cast<double>(window.width) / std::max(natural_size(picture_->shape()).width, 1);
    own_size_ = false;
  }
  zoom_ = std::clamp(zoom_ * factor, kSmallest, kLargest);
  redraw_ = true;
  fit_window();
}

/// Gives the window the size that the picture asks for, unless the user has chosen one.
void SdlWindow::fit_window() {
  if (full_screen_ || own_size_) return;
  if ((SDL_GetWindowFlags(window_.get()) & SDL_WINDOW_MAXIMIZED) != 0) return;
  Size limit;
  SDL_Rect usable{};
  const int display = std::max(SDL_GetWindowDisplayIndex(window_.get()), 0);
  if (SDL_GetDisplayUsableBounds(display, &usable) == 0) limit = {usable.w, usable.h};
  asked_size_ = window_size(picture_->shape(), scaling_, zoom_, limit);
  SDL_SetWindowSize(window_.get(), asked_size_.width, asked_size_.height);
  // SDL's minimum or the host may have had its own mind.
  SDL_GetWindowSize(window_.get(), &asked_size_.width, &asked_size_.height);
}

void SdlWindow::show_title() {
  Status status = session_->status();
  status.speed = speed_;  // what was asked for a moment ago counts already
  std::string title = window_title(status, session_->settings().config.ticks_per_second, grabbed_);
  if (in_console_) title += " - monitor (Ctrl-Alt-1 goes back)";
  if (title == title_) return;
  title_ = std::move(title);
  SDL_SetWindowTitle(window_.get(), title_.c_str());
}

std::unique_ptr<Display> make_sdl_display(const Settings& settings) {
  return std::make_unique<SdlWindow>(settings.full_screen);
}

}  // namespace orrery::frontend
