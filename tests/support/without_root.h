// Does something as a user for whom a file's permissions count, also where the tests run as root.
#pragma once

#include <unistd.h>

#include <functional>
#include <stdexcept>
#include <thread>

#if defined(__linux__)
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

namespace orrery::test {

/// Calls `what`, as root in a thread that has given up every capability: it still owns root's files, and may do with
/// them what their permissions say. Programs that it starts do not get root's rights back. `what` must not throw;
/// std::runtime_error if the rights cannot be given up.
inline void without_root(const std::function<void()>& what) {
#if defined(__linux__)
  if (::geteuid() == 0) {
    bool given_up = false;
    std::thread([&] {
      // Capabilities and these bits belong to a thread: capabilities(7).
      if (::prctl(PR_SET_SECUREBITS, SECBIT_NOROOT, 0, 0, 0) != 0) return;
      __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
      __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
      if (::syscall(SYS_capset, &header, none) != 0) return;
      given_up = true;
      what();
    }).join();
    if (!given_up) throw std::runtime_error("root's rights cannot be given up here");
    return;
  }
#endif
  what();
}

}  // namespace orrery::test
