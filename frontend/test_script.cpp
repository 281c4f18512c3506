#include "frontend/test_script.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "frontend/usage_error.h"

namespace orrery::frontend {

Pattern Pattern::plain(std::string text) {
  if (text.empty()) usage_error("an empty text is everywhere: give what to look for");
  Pattern pattern;
  pattern.spelling_ = '"' + text + '"';
  pattern.text_ = std::move(text);
  return pattern;
}

namespace {

constexpr std::size_t kLongestExpression = 4096;

/// A count in braces or a group's number of more than four digits: the library's arithmetic overflows on long ones.
bool has_huge_number(std::string_view expression) {
  bool counts = false;
  std::size_t digits = 0;
  for (std::size_t i = 0; i < expression.size(); ++i) {
    const char c = expression[i];
    if (c >= '0' && c <= '9') {
      if (counts && ++digits > 4) return true;
      continue;
    }
    digits = 0;
    if (c == '\\' && i + 1 < expression.size()) {
      const char next = expression[i + 1];
      counts = next >= '0' && next <= '9';
      if (!counts) ++i;
    } else {
      counts = c == '{' || (counts && c == ',');
    }
  }
  return false;
}

}  // namespace

Pattern Pattern::regex(const std::string& expression, bool ignore_case) {
  auto flags = std::regex::ECMAScript | std::regex::multiline;
  if (ignore_case) flags |= std::regex::icase;
  Pattern pattern;
  pattern.spelling_ = '/' + expression + (ignore_case ? "/i" : "/");
  // The library's parser recurses at each bracket.
  if (expression.size() > kLongestExpression) {
    usage_error("a regular expression of {} characters is too long: give at most {}", expression.size(),
                kLongestExpression);
  }
  if (has_huge_number(expression)) usage_error("{} repeats too often: give counts of at most 9999", pattern.spelling_);
  try {
    pattern.regex_ = std::make_shared<const std::regex>(expression, flags);
  } catch (const std::regex_error&) {
    usage_error("{} is no regular expression: check brackets, or use \"text\"", pattern.spelling_);
  }
  return pattern;
}

namespace {

// The library's matcher recurses per character and tries each start: bounded lines keep it shallow and quick, whatever
// the guest writes.
constexpr std::size_t kLongestLine = 1024;

std::size_t end_of_line(std::string_view text, std::size_t from) {
  return std::min({text.find('\n', from), text.size(), from + kLongestLine});
}

}  // namespace

std::optional<std::size_t> Pattern::find(std::string_view text, std::size_t from) const {
  if (!regex_) {
    const std::size_t at = text.find(text_, from);
    return at == std::string_view::npos ? std::nullopt : std::optional(at + text_.size());
  }
  while (from <= text.size()) {
    const std::size_t end = end_of_line(text, from);
    const std::string_view line = text.substr(from, end - from);
    std::match_results<std::string_view::const_iterator> match;
    if (std::regex_search(line.begin(), line.end(), match, *regex_)) {
      return from + static_cast<std::size_t>(match.position() + match.length());
    }
    from = end + 1;
  }
  return std::nullopt;
}

std::size_t Pattern::resume(std::string_view text, std::size_t from) const {
  if (!regex_) return std::max(from, text.size() - std::min(text.size(), text_.size() - 1));
  while (from < text.size()) {
    const std::size_t end = end_of_line(text, from);
    if (end >= text.size()) break;  // the line goes on
    from = end + 1;
  }
  return from;
}

bool holds(Relation relation, u64 left, u64 right) {
  switch (relation) {
    case Relation::Equal: return left == right;
    case Relation::NotEqual: return left != right;
    case Relation::Less: return left < right;
    case Relation::LessEqual: return left <= right;
    case Relation::Greater: return left > right;
    case Relation::GreaterEqual: return left >= right;
  }
  return false;
}

std::string Script::name() const {
  std::string base = path.substr(path.rfind('/') + 1);
  const std::size_t dot = base.rfind('.');
  return dot == std::string::npos || dot == 0 ? base : base.substr(0, dot);
}

Script load_script(const std::string& path, const std::map<std::string, std::string>& variables) {
  std::FILE* file = std::fopen(path.c_str(), "r");
  if (file == nullptr) usage_error("the script '{}' cannot be read: {}: check the name", path, std::strerror(errno));
  std::string text;
  char buffer[4096];
  std::size_t length = 0;
  while ((length = std::fread(buffer, 1, sizeof buffer, file)) > 0 && text.size() < (1u << 24))
    text.append(buffer, length);
  const bool failed = std::ferror(file) != 0;
  std::fclose(file);
  if (failed) usage_error("the script '{}' cannot be read: give a text file", path);
  if (text.find('\0') != std::string::npos) usage_error("'{}' is no script but binary data: give a text file", path);
  return parse_script(path, text, variables);
}

}  // namespace orrery::frontend
