#include "frontend/sdl_title.h"

#include <gtest/gtest.h>

namespace orrery::frontend {
namespace {

Status running() {
  Status status;
  status.name = "disk.img";
  status.engine = "interp";
  status.achieved_percent = 100;
  status.ticks_per_second = 200'000'000;
  return status;
}

TEST(SdlTitle, NamesTheGuestItsSpeedAndTheEngine) {
  EXPECT_EQ(window_title(running(), 200'000'000, false), "disk.img - 100 %, 200 MIPS, interp - Orrery");
}

TEST(SdlTitle, AMachineWithoutAnImageHasNoName) {
  Status status = running();
  status.name.clear();
  EXPECT_EQ(window_title(status, 200'000'000, false), "100 %, 200 MIPS, interp - Orrery");
}

TEST(SdlTitle, SaysThatTheHostIsTheLimit) {
  Status status = running();
  status.ticks_per_second = 38'000'000;
  EXPECT_EQ(window_title(status, 200'000'000, false),
            "disk.img - 100 %, 38 of 200 MIPS: the host is the limit, interp - Orrery");
}

TEST(SdlTitle, SlowMotionDoesNotMakeTheProcessorSlower) {
  Status status = running();
  status.speed = machine::Speed::Slow;
  status.achieved_percent = 50;
  status.ticks_per_second = 100'000'000;
  EXPECT_EQ(window_title(status, 200'000'000, false), "disk.img - 50 %, 200 MIPS, interp - Orrery");
}

TEST(SdlTitle, SaysTurboPausedAndSwitchedOff) {
  Status status = running();
  status.speed = machine::Speed::Turbo;
  status.achieved_percent = 340;
  status.ticks_per_second = 680'000'000;
  EXPECT_EQ(window_title(status, 200'000'000, false), "disk.img - turbo 340 %, 680 MIPS, interp - Orrery");
  status.speed = machine::Speed::Paused;
  EXPECT_EQ(window_title(status, 200'000'000, false), "disk.img - paused (Ctrl-Alt-P goes on), interp - Orrery");
  status.stopped = true;
  EXPECT_EQ(window_title(status, 200'000'000, false), "disk.img - switched off, interp - Orrery");
}

TEST(SdlTitle, SaysHowToGetTheMouseBackWhileItIsGrabbed) {
  EXPECT_EQ(window_title(running(), 200'000'000, true),
            "disk.img - 100 %, 200 MIPS, interp - Orrery - Ctrl-Alt-G releases the mouse");
}

}  // namespace
}  // namespace orrery::frontend
