#include "frontend/commands.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ctime>

#include "frontend/display.h"
#include "frontend/options.h"
#include "frontend/output_files.h"
#include "frontend/session.h"
#include "frontend/signal_watch.h"
#include "frontend/usage_error.h"

namespace orrery::frontend {
namespace {

class PidFile {
 public:
  explicit PidFile(const std::string& path) : path_(path) {
    if (path.empty()) return;
    write_output("-pidfile", path, fmt::format("{}\n", ::getpid()));
  }
  ~PidFile() {
    // What was there before, a device or a pipe, is not ours to remove.
    struct stat info{};
    if (!path_.empty() && ::lstat(path_.c_str(), &info) == 0 && S_ISREG(info.st_mode)) ::unlink(path_.c_str());
  }
  PidFile(const PidFile&) = delete;
  PidFile& operator=(const PidFile&) = delete;

 private:
  std::string path_;
};

int run_session(Settings settings, std::shared_ptr<const machine::JournalReader> replay) {
  check_output("-screen-text", settings.screen_text);
  check_output("-screenshot", settings.screenshot);
  SignalWatch signals;
  std::string note;
  const std::unique_ptr<Display> display = make_display(settings, note);
  const PidFile pidfile(settings.pidfile);
  const std::vector<std::string> notes = settings.notes;
  Session session(std::move(settings), std::move(replay));
  // What was decided is of interest only if it came to a machine.
  for (const std::string& line : notes) tell(line);
  if (!note.empty()) tell(note);
  const SignalWatch::Target target(signals, session);
  display->attach(session);
  session.start();
  display->run(session);
  return session.finish();
}

}  // namespace

int run_command(std::span<const std::string> words) {
  Settings settings = parse_options(words);
  if (!settings.print.empty()) {
    fmt::print("{}", settings.print);
    return 0;
  }
  if (settings.explain) {
    for (const std::string& line : settings.notes) tell(line);
    fmt::print("{}", explain(settings));
    return 0;
  }
  settings.on_terminal = ::isatty(STDIN_FILENO) != 0;
  resolve_rtc(settings, static_cast<i64>(std::time(nullptr)));
  return run_session(std::move(settings), nullptr);
}

int replay_command(std::span<const std::string> words) {
  if (words.empty() || words[0].starts_with('-'))
    usage_error("replay: which run? Give the journal: orrery replay JOURNAL");
  auto reader = std::make_shared<const machine::JournalReader>(machine::JournalReader::from_file(words[0]));
  if (!reader->damage().empty()) tell(reader->damage());
  Settings settings = parse_options(words.subspan(1));
  if (!settings.print.empty()) {
    fmt::print("{}", settings.print);
    return 0;
  }
  if (settings.display == DisplayKind::Default) settings.display = DisplayKind::None;
  settings.config = reader->config();
  check_outputs_apart(settings);
  return run_session(std::move(settings), std::move(reader));
}

}  // namespace orrery::frontend
