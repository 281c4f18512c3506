#include "frontend/sdl_view.h"

#include <gtest/gtest.h>

namespace orrery::frontend {
namespace {

constexpr Shape kText{720, 400, 4, 3};
constexpr Shape kMode13h{320, 200, 4, 3};
constexpr Shape kWide{1920, 1080, 16, 9};

TEST(SdlView, APictureFillsTheWindowInTheShapeOfItsMonitor) {
  EXPECT_EQ(place(kText, {800, 600}, Scaling::Fit), (Rectangle{0, 0, 800, 600}));
  EXPECT_EQ(place(kText, {1920, 1080}, Scaling::Fit), (Rectangle{240, 0, 1440, 1080}));
  EXPECT_EQ(place(kText, {600, 900}, Scaling::Fit), (Rectangle{0, 225, 600, 450}));
  EXPECT_EQ(place(kWide, {1000, 1000}, Scaling::Fit), (Rectangle{0, 218, 1000, 563}));
}

TEST(SdlView, IntegerScalingGivesEveryLineTheSameHeight) {
  const Rectangle at = place(kMode13h, {1920, 1080}, Scaling::Integer);
  EXPECT_EQ(at.height, 1000);
  EXPECT_EQ(at.width, 1333);
  EXPECT_EQ(at.x, (1920 - 1333) / 2);
  EXPECT_EQ(at.y, 40);
}

TEST(SdlView, IntegerScalingInAWindowThatIsTooSmallFitsThePicture) {
  EXPECT_EQ(place(kText, {400, 300}, Scaling::Integer), (Rectangle{0, 0, 400, 300}));
}

TEST(SdlView, ExactScalingKeepsTheDots) {
  EXPECT_EQ(place(kText, {720, 400}, Scaling::Exact), (Rectangle{0, 0, 720, 400}));
  EXPECT_EQ(place(kText, {1000, 500}, Scaling::Exact), (Rectangle{140, 50, 720, 400}));
  EXPECT_EQ(place(kText, {640, 480}, Scaling::Exact), (Rectangle{0, 0, 640, 480}));
}

TEST(SdlView, AWindowOfNoSizeHasNoPlace) { EXPECT_EQ(place(kText, {0, 0}, Scaling::Fit), Rectangle{}); }

TEST(SdlView, TheWindowLosesNoDotAndHasTheMonitorsShape) {
  EXPECT_EQ(natural_size(kText), (Size{720, 540}));
  EXPECT_EQ(natural_size(kMode13h), (Size{640, 480}));
  EXPECT_EQ(natural_size({640, 350, 4, 3}), (Size{640, 480}));
  EXPECT_EQ(natural_size(kWide), (Size{1920, 1080}));
  EXPECT_EQ(natural_size({0, 0, 4, 3}), (Size{640, 480}));
}

TEST(SdlView, ZoomAndTheHostsScreenSetTheWindowsSize) {
  EXPECT_EQ(window_size(kText, Scaling::Fit, 1.5, {0, 0}), (Size{1080, 810}));
  EXPECT_EQ(window_size(kText, Scaling::Exact, 1.5, {0, 0}), (Size{720, 400}));
  EXPECT_EQ(window_size(kWide, Scaling::Fit, 1.0, {960, 1000}), (Size{960, 540}));
  EXPECT_EQ(window_size(kText, Scaling::Fit, 2.0, {1920, 540}), (Size{720, 540}));
}

TEST(SdlView, DotsAreRepeatedAtLeastToTheSizeThatTheyGet) {
  EXPECT_EQ(repetition(kText, {0, 0, 1000, 750}, 4096), (Size{2, 2}));
  EXPECT_EQ(repetition(kText, {0, 0, 720, 540}, 4096), (Size{1, 2}));
  EXPECT_EQ(repetition(kMode13h, {0, 0, 1440, 1080}, 4096), (Size{5, 6}));
  EXPECT_EQ(repetition(kText, {0, 0, 360, 270}, 4096), (Size{1, 1}));
  EXPECT_EQ(repetition(kMode13h, {0, 0, 1440, 1080}, 700), (Size{2, 3}));
}

TEST(SdlView, ThePointerGoesFromEdgeToEdgeOfThePictureAndNoFurther) {
  const Rectangle at{100, 50, 640, 480};
  EXPECT_EQ(pointer_position(at, 100, 50), (std::pair<u16, u16>{0, 0}));
  EXPECT_EQ(pointer_position(at, 739, 529), (std::pair<u16, u16>{65535, 65535}));
  EXPECT_EQ(pointer_position(at, 0, 2000), (std::pair<u16, u16>{0, 65535}));
  EXPECT_EQ(pointer_position(at, 420, 50).first, 320u * 65535 / 639);
  EXPECT_EQ(pointer_position({}, 5, 5), (std::pair<u16, u16>{0, 0}));
}

}  // namespace
}  // namespace orrery::frontend
