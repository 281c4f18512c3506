// orrery [options] [image ...], orrery test SCRIPT, orrery replay JOURNAL.
#include <csignal>
#include <exception>
#include <new>
#include <string>
#include <vector>

#include "frontend/commands.h"
#include "frontend/session.h"
#include "frontend/usage_error.h"

int main(int argc, char** argv) {
  using namespace orrery::frontend;
  const std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
  const std::span<const std::string> all(words);
  // A file that grows beyond `ulimit -f` is a failed write, as on a full disk.
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    if (!words.empty() && words[0] == "test") return test_command(all.subspan(1));
    if (!words.empty() && words[0] == "replay") return replay_command(all.subspan(1));
    return run_command(all);
  } catch (const std::bad_alloc&) {
    tell("the host has no memory left for it: give the machine less with -m, or allow more (ulimit -v)");
    return kUsageStatus;
  } catch (const std::exception& error) {
    tell(error.what());
    return kUsageStatus;
  }
}
