// The results of test scripts for people, for TAP harnesses and for CI systems that read JUnit's XML.
#pragma once

#include <span>
#include <string>

#include "frontend/test_runner.h"

namespace orrery::frontend {

/// One line a result, and what was seen where one failed.
std::string plain_result(const TestResult& result);
/// "1 passed, 2 failed, 1 skipped".
std::string plain_summary(std::span<const TestResult> results);
/// TAP version 13.
std::string tap_report(std::span<const TestResult> results);
/// A file of JUnit's XML.
std::string junit_report(std::span<const TestResult> results);

}  // namespace orrery::frontend
