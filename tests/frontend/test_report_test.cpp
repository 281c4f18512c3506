// Results for people and machines.
#include "frontend/test_report.h"

#include <gtest/gtest.h>

namespace orrery::frontend {
namespace {

std::vector<TestResult> results() {
  return {{"t/a.test", "boots", Outcome::Pass, "", {}, "", 2'000'000'000, 1.5},
          {"t/a.test",
           "runs <dir>",
           Outcome::Fail,
           "a.test:3: found \"nothing\"",
           {"The screen:", "| A:\\>"},
           "out/a",
           0,
           0},
          {"t/b.test", "b", Outcome::Skip, "there is no x", {}, "", 0, 0}};
}

TEST(TestReport, TapNumbersTheTestsAndSaysWhatWasSeen) {
  const std::string tap = tap_report(results());
  EXPECT_TRUE(tap.starts_with("TAP version 13\n1..3\nok 1 - a.test: boots\nnot ok 2 - a.test: runs <dir>\n"));
  EXPECT_NE(tap.find("    - \"| A:\\\\>\"\n"), std::string::npos) << tap;
  EXPECT_NE(tap.find("ok 3 - b.test # SKIP there is no x\n"), std::string::npos) << tap;
}

TEST(TestReport, JunitEscapesXml) {
  const std::string xml = junit_report(results());
  EXPECT_NE(xml.find("tests=\"3\" failures=\"1\" skipped=\"1\""), std::string::npos) << xml;
  EXPECT_NE(xml.find("name=\"runs &lt;dir&gt;\""), std::string::npos) << xml;
  EXPECT_NE(xml.find("found &quot;nothing&quot;"), std::string::npos) << xml;
  EXPECT_NE(xml.find("<skipped message=\"there is no x\"/>"), std::string::npos) << xml;
}

TEST(TestReport, PeopleGetTheScreen) {
  const auto all = results();
  EXPECT_NE(plain_result(all[1]).find("| A:\\>"), std::string::npos);
  EXPECT_NE(plain_result(all[1]).find("out/a"), std::string::npos);
  EXPECT_EQ(plain_summary(all), "1 passed, 1 failed, 1 skipped\n");
}

}  // namespace
}  // namespace orrery::frontend
