#include "frontend/test_report.h"

#include <fmt/format.h>

#include <algorithm>

namespace orrery::frontend {
namespace {

double seconds(u64 ns) { return static_cast<double>(ns) / 1e9; }

std::string full_name(const TestResult& result) {
  const std::string script = result.script.substr(result.script.rfind('/') + 1);
  const std::string stem = script.substr(0, script.rfind('.'));
  return result.name == stem || result.name == script ? script : script + ": " + result.name;
}

long count(std::span<const TestResult> results, Outcome outcome) {
  return std::ranges::count(results, outcome, &TestResult::outcome);
}

std::string xml(std::string_view text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&': result += "&amp;"; break;
      case '<': result += "&lt;"; break;
      case '>': result += "&gt;"; break;
      case '"': result += "&quot;"; break;
      default:
        // XML 1.0 has no other control characters.
        if (static_cast<u8>(c) >= 0x20 || c == '\n' || c == '\t') result += c;
    }
  }
  return result;
}

/// A double-quoted YAML scalar.
std::string yaml(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    if (static_cast<u8>(c) >= 0x20) result += c;
  }
  return result + '"';
}

}  // namespace

std::string plain_result(const TestResult& result) {
  switch (result.outcome) {
    case Outcome::Pass:
      return fmt::format("ok    {} ({:.1f} virtual s in {:.1f} s)\n", full_name(result), seconds(result.virtual_ns),
                         result.host_seconds);
    case Outcome::Skip: return fmt::format("skip  {}: {}\n", full_name(result), result.message);
    case Outcome::Fail: break;
  }
  std::string text = fmt::format("FAIL  {}\n      {}\n", full_name(result), result.message);
  for (const std::string& line : result.seen) text += fmt::format("      {}\n", line);
  if (!result.folder.empty())
    text += fmt::format("      Screen, text, registers and journal are in {}\n", result.folder);
  return text;
}

std::string plain_summary(std::span<const TestResult> results) {
  return fmt::format("{} passed, {} failed, {} skipped\n", count(results, Outcome::Pass), count(results, Outcome::Fail),
                     count(results, Outcome::Skip));
}

std::string tap_report(std::span<const TestResult> results) {
  std::string text = fmt::format("TAP version 13\n1..{}\n", results.size());
  std::size_t number = 0;
  for (const TestResult& result : results) {
    std::string name = full_name(result);
    std::ranges::replace(name, '#', '_');
    text += fmt::format("{} {} - {}", result.outcome == Outcome::Fail ? "not ok" : "ok", ++number, name);
    if (result.outcome == Outcome::Skip) text += " # SKIP " + result.message;
    text += '\n';
    if (result.outcome != Outcome::Fail) continue;
    text += fmt::format("  ---\n  message: {}\n", yaml(result.message));
    if (!result.folder.empty()) text += fmt::format("  files: {}\n", yaml(result.folder));
    if (!result.seen.empty()) {
      text += "  seen:\n";
      for (const std::string& line : result.seen) text += fmt::format("    - {}\n", yaml(line));
    }
    text += "  ...\n";
  }
  return text;
}

std::string junit_report(std::span<const TestResult> results) {
  std::string text = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n"
      "<testsuite name=\"orrery\" tests=\"{}\" failures=\"{}\" skipped=\"{}\">\n",
      results.size(), count(results, Outcome::Fail), count(results, Outcome::Skip));
  for (const TestResult& result : results) {
    text += fmt::format("<testcase classname=\"{}\" name=\"{}\" time=\"{:.3f}\">", xml(result.script), xml(result.name),
                        result.host_seconds);
    if (result.outcome == Outcome::Skip) text += fmt::format("<skipped message=\"{}\"/>", xml(result.message));
    if (result.outcome == Outcome::Fail) {
      std::string seen;
      for (const std::string& line : result.seen) seen += line + '\n';
      if (!result.folder.empty()) seen += "files: " + result.folder + '\n';
      text += fmt::format("<failure message=\"{}\">{}</failure>", xml(result.message), xml(seen));
    }
    text += "</testcase>\n";
  }
  return text + "</testsuite>\n</testsuites>\n";
}

}  // namespace orrery::frontend
